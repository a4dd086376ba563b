package camt

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"achteraf/calendar"
)

// Write writes a file of one statement. Lines with the same Entry follow each other; those with a Part are written
// as one batch. It writes what it is given: that the balances fit the lines is for the caller to see to, so that a
// simulated bank can also be wrong.
//
// Errors: a head without what the format demands, a batch of version 02 with money both in and out, or what w answers.
func Write(w io.Writer, v Version, s Statement, lines iter.Seq[Line]) error {
	if s.MessageID == "" || s.ID == "" || s.IBAN == "" || s.Currency == "" || s.Created.IsZero() {
		return errors.New("camt: a statement needs message id, id, account, currency and the time it was made")
	}
	if v != V02 && v != V08 {
		return errors.New("camt: unknown version")
	}
	out := &writer{Writer: bufio.NewWriterSize(w, 64<<10), v8: v == V08}
	out.put(`<?xml version="1.0" encoding="UTF-8"?>`, "\n", `<Document xmlns="`, namespaces, string(v), `">`, "\n<BkToCstmrStmt>\n")
	out.put("<GrpHdr>")
	out.leaf("MsgId", s.MessageID)
	out.leaf("CreDtTm", s.Created.String())
	out.put("</GrpHdr>\n<Stmt>\n")
	out.head(s)
	var batch []Line
	for l := range lines {
		if len(batch) > 0 && (l.Part == 0 || l.Entry != batch[0].Entry) {
			out.entry(batch, s.Currency)
			batch = batch[:0]
		}
		batch = append(batch, l)
	}
	if len(batch) > 0 {
		out.entry(batch, s.Currency)
	}
	out.put("</Stmt>\n</BkToCstmrStmt>\n</Document>\n")
	if out.err != nil {
		return out.err
	}
	return out.Flush()
}

// writer keeps the first error. Those of the underlying writer are kept by bufio.
type writer struct {
	*bufio.Writer
	v8      bool
	entries int
	err     error
}

func (w *writer) put(parts ...string) {
	for _, p := range parts {
		w.WriteString(p)
	}
}

func (w *writer) text(s string) {
	if plain([]byte(s)) && !strings.Contains(s, "<") {
		w.WriteString(s)
		return
	}
	xml.EscapeText(w, []byte(s))
}

// leaf writes an element that holds a text, and nothing at all for no text.
func (w *writer) leaf(name, value string) {
	if value == "" {
		return
	}
	w.put("<", name, ">")
	w.text(value)
	w.put("</", name, ">")
}

func (w *writer) head(s Statement) {
	w.leaf("Id", s.ID)
	if w.v8 && (s.Page != 1 || !s.Last) {
		w.put(fmt.Sprintf("<StmtPgntn><PgNb>%d</PgNb><LastPgInd>%t</LastPgInd></StmtPgntn>", s.Page, s.Last))
	}
	if s.Sequence != 0 {
		w.leaf("ElctrncSeqNb", fmt.Sprint(s.Sequence))
	}
	w.leaf("CreDtTm", s.Created.String())
	if !s.From.IsZero() && !s.To.IsZero() {
		w.put("<FrToDt><FrDtTm>", s.From.String(), "T00:00:00</FrDtTm><ToDtTm>", s.To.String(), "T23:59:59</ToDtTm></FrToDt>")
	}
	if s.Copy {
		w.leaf("CpyDplctInd", "DUPL")
	}
	w.put("<Acct><Id>")
	w.leaf("IBAN", s.IBAN)
	w.put("</Id>")
	w.leaf("Ccy", s.Currency)
	w.put("</Acct>\n")
	w.balance("OPBD", s.Opening, s.Currency)
	w.balance("CLBD", s.Closing, s.Currency)
}

func (w *writer) balance(kind string, b Balance, currency string) {
	if !b.Known {
		return
	}
	w.put("<Bal><Tp><CdOrPrtry><Cd>", kind, "</Cd></CdOrPrtry></Tp>")
	w.amount(b.Cents, currency)
	w.direction(b.Cents)
	w.put("<Dt>")
	w.leaf("Dt", b.On.String())
	w.put("</Dt></Bal>\n")
}

// amount writes cents without their sign.
func (w *writer) amount(cents int64, currency string) {
	u := uint64(cents)
	if cents < 0 {
		u = -u
	}
	w.put(`<Amt Ccy="`)
	w.text(currency)
	w.put(fmt.Sprintf(`">%d.%02d</Amt>`, u/100, u%100))
}

func (w *writer) direction(cents int64) {
	if cents < 0 {
		w.leaf("CdtDbtInd", "DBIT")
	} else {
		w.leaf("CdtDbtInd", "CRDT")
	}
}

// entry writes one entry: a single line, or the parts of a batch.
func (w *writer) entry(parts []Line, currency string) {
	l := parts[0]
	var cents int64
	for _, p := range parts {
		cents += p.Cents
		if !w.v8 && (p.Cents < 0) != (l.Cents < 0) {
			w.err = errors.New("camt: version 02 cannot write a batch with money both in and out")
		}
	}
	w.entries++
	w.put("<Ntry>")
	w.leaf("NtryRef", fmt.Sprint(w.entries))
	w.amount(cents, currency)
	w.direction(cents)
	if l.Reversal {
		w.leaf("RvslInd", "true")
	}
	if w.v8 {
		w.put("<Sts><Cd>BOOK</Cd></Sts>")
	} else {
		w.put("<Sts>BOOK</Sts>")
	}
	w.date("BookgDt", l.BookedOn)
	w.date("ValDt", l.ValueOn)
	w.leaf("AcctSvcrRef", l.Ref)
	w.put("<BkTxCd>")
	if l.Domain != "" && l.Family != "" && l.SubFamily != "" {
		w.put("<Domn>")
		w.leaf("Cd", l.Domain)
		w.put("<Fmly>")
		w.leaf("Cd", l.Family)
		w.leaf("SubFmlyCd", l.SubFamily)
		w.put("</Fmly></Domn>")
	}
	w.put("</BkTxCd>")
	w.details(parts)
	w.put("</Ntry>\n")
}

func (w *writer) date(name string, d calendar.Date) {
	if d.IsZero() {
		return
	}
	w.put("<", name, ">")
	w.leaf("Dt", d.String())
	w.put("</", name, ">")
}

func (w *writer) details(parts []Line) {
	divided := parts[0].Part > 0
	w.put("<NtryDtls>")
	switch {
	case divided:
		w.put(fmt.Sprintf("<Btch><NbOfTxs>%d</NbOfTxs></Btch>", len(parts)))
	case parts[0].Undivided > 1:
		w.put("<Btch>")
		w.leaf("MsgId", parts[0].MessageID)
		w.leaf("PmtInfId", parts[0].PaymentID)
		w.put(fmt.Sprintf("<NbOfTxs>%d</NbOfTxs></Btch></NtryDtls>", parts[0].Undivided))
		return
	}
	for _, l := range parts {
		w.transaction(l)
	}
	w.put("</NtryDtls>")
}

func (w *writer) transaction(l Line) {
	end := l.EndToEndID
	if end == "" {
		end = "NOTPROVIDED"
	}
	w.put("<TxDtls><Refs>")
	w.leaf("MsgId", l.MessageID)
	w.leaf("PmtInfId", l.PaymentID)
	w.leaf("EndToEndId", end)
	w.put("</Refs>")
	if w.v8 {
		w.amount(l.Cents, l.Currency)
		w.direction(l.Cents)
	} else {
		w.put("<AmtDtls><TxAmt>")
		w.amount(l.Cents, l.Currency)
		w.put("</TxAmt></AmtDtls>")
	}
	side := "Dbtr"
	if l.Cents < 0 {
		side = "Cdtr"
	}
	w.party(side, l)
	w.remittance(l)
	if l.ReturnReason != "" {
		w.put("<RtrInf><Rsn>")
		w.leaf("Cd", l.ReturnReason)
		w.put("</Rsn></RtrInf>")
	}
	w.leaf("AddtlTxInf", l.Info)
	w.put("</TxDtls>")
}

func (w *writer) party(side string, l Line) {
	if l.PartyName != "" || l.PartyIBAN != "" {
		w.put("<RltdPties>")
		if l.PartyName != "" {
			w.put("<", side, ">")
			if w.v8 {
				w.put("<Pty>")
			}
			w.leaf("Nm", l.PartyName)
			if w.v8 {
				w.put("</Pty>")
			}
			w.put("</", side, ">")
		}
		if l.PartyIBAN != "" {
			w.put("<", side, "Acct><Id>")
			w.leaf("IBAN", l.PartyIBAN)
			w.put("</Id></", side, "Acct>")
		}
		w.put("</RltdPties>")
	}
	if l.PartyBIC != "" {
		name := "BIC"
		if w.v8 {
			name = "BICFI"
		}
		w.put("<RltdAgts><", side, "Agt><FinInstnId>")
		w.leaf(name, l.PartyBIC)
		w.put("</FinInstnId></", side, "Agt></RltdAgts>")
	}
}

// maxUnstructured is the length of one Ustrd in characters.
const maxUnstructured = 140

func (w *writer) remittance(l Line) {
	if l.Text == "" && l.StructuredRef == "" {
		return
	}
	w.put("<RmtInf>")
	for rest := l.Text; rest != ""; {
		n := 0
		for range min(maxUnstructured, utf8.RuneCountInString(rest)) {
			_, size := utf8.DecodeRuneInString(rest[n:])
			n += size
		}
		w.leaf("Ustrd", rest[:n])
		rest = rest[n:]
	}
	if l.StructuredRef != "" {
		w.put("<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry>")
		w.leaf("Issr", l.StructuredIssuer)
		w.put("</Tp>")
		w.leaf("Ref", l.StructuredRef)
		w.put("</CdtrRefInf></Strd>")
	}
	w.put("</RmtInf>")
}
