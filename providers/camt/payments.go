package camt

import (
	"fmt"
	"io"

	"achteraf/payments"
)

// Format lets package payments read files of at most maxBytes.
func Format(maxBytes int64) payments.Format {
	return func(file io.Reader) payments.BankFile { return &bankFile{r: NewReader(file, maxBytes)} }
}

// bankFile is a Reader as package payments sees it.
type bankFile struct {
	r *Reader
	s Statement
}

func (f *bankFile) NextStatement() (payments.Statement, error) {
	s, err := f.r.NextStatement()
	if err != nil {
		return payments.Statement{}, err
	}
	f.s = s
	out := payments.Statement{Ref: s.ID, Sequence: s.Sequence, IBAN: s.IBAN, Currency: s.Currency, From: s.From, To: s.To,
		Opening: payments.Balance{Known: s.Opening.Known, Cents: s.Opening.Cents},
		Closing: payments.Balance{Known: s.Closing.Known, Cents: s.Closing.Cents}}
	if s.Page != 1 || !s.Last {
		out.Ref = fmt.Sprintf("%s/%d", s.ID, s.Page)
	}
	if out.From.IsZero() {
		out.From = s.Opening.On
	}
	if out.To.IsZero() {
		out.To = s.Closing.On
	}
	return out, nil
}

func (f *bankFile) Next() (payments.Line, error) {
	l, err := f.r.Next()
	if err != nil {
		return payments.Line{}, err
	}
	text := l.Text
	if text == "" {
		text = l.Info
	}
	return payments.Line{Key: l.Key(f.s), BookedOn: l.BookedOn, ValueOn: l.ValueOn, Cents: l.Cents, Currency: l.Currency,
		Returned: l.Reversal || l.SubFamily == "RRTN" || l.ReturnReason != "", Several: l.Undivided > 1,
		Reference: l.StructuredRef, Text: text, EndToEnd: l.EndToEndID,
		Payer: l.PartyName, PayerIBAN: l.PartyIBAN, PayerBIC: l.PartyBIC}, nil
}
