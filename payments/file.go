package payments

import (
	"io"

	"achteraf/calendar"
)

// BankFile is a bank's file of statements, read once from its beginning, in the manner of archive/tar.
type BankFile interface {
	// NextStatement goes to the next statement. It answers io.EOF when the whole file was there and right.
	NextStatement() (Statement, error)
	// Next returns the next booked line of the statement, io.EOF when the statement is complete and adds up.
	Next() (Line, error)
}

// Format reads the files of one format.
type Format func(file io.Reader) BankFile

// Statement is the head of one statement. What the bank left out is zero.
type Statement struct {
	Ref      string // the bank's name for it, one for each page
	Sequence int64
	IBAN     string // our account, without spaces
	Currency string // ISO 4217
	From, To calendar.Date
	Opening  Balance
	Closing  Balance
}

// Balance is a booked balance.
type Balance struct {
	Known bool
	Cents int64
}

// Line is one booked amount.
type Line struct {
	Key       string // identifies the line for ever, in whatever file it comes
	BookedOn  calendar.Date
	ValueOn   calendar.Date // zero when not given
	Cents     int64         // positive is money in
	Currency  string
	Returned  bool   // takes back an earlier payment, or brings one back
	Several   bool   // several payments in one amount, which the bank does not tell apart
	Reference string // structured, as written
	Text      string // free text of the payer
	EndToEnd  string // the payer's own reference
	Payer     string // name of the other side
	PayerIBAN string
	PayerBIC  string
}
