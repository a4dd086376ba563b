// Package camt reads and writes bank statements in the format camt.053 of ISO 20022, versions 001.02 and 001.08.
//
// It owns the file format: what is well-formed, which version it is, whether a statement adds up, and the key
// by which a booked line is known for ever. It does not own what a line pays for (payments), and it keeps nothing.
//
// # What is always true
//
//   - A file of any size is read in constant memory, and nothing outside it is read.
//   - Only booked amounts become lines. Their sum is the closing balance minus the opening balance, where both
//     are given, and the parts of a batch add up to its entry.
//   - NextStatement answers io.EOF only when the whole file was there and right. Until then a caller that has kept
//     lines knows that the file is not complete.
//   - No error repeats what stands in the file.
package camt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"achteraf/calendar"
)

// noReference is what banks write where they have no reference of their own.
var noReference = []string{"NONREF", "NOTPROVIDED", "NOREF", "NONE"}

// Version is the message version, as it ends the XML namespace.
type Version string

const (
	V02 Version = "camt.053.001.02"
	V08 Version = "camt.053.001.08"
)

const namespaces = "urn:iso:std:iso:20022:tech:xsd:"

// Statement is the head of one statement. A field that the bank left out is zero.
type Statement struct {
	MessageID string // of the file
	ID        string // of the statement, unique with this bank
	Sequence  int64  // electronic sequence number, else the legal one
	Created   calendar.Instant
	From, To  calendar.Date // inclusive
	Copy      bool          // a copy or a duplicate of an earlier statement
	Page      int           // 1 and Last where the statement is not divided
	Last      bool
	IBAN      string // our account
	Currency  string // ISO 4217, that of every amount
	Opening   Balance
	Closing   Balance
}

// Balance is a booked balance.
type Balance struct {
	Known bool
	Cents int64 // negative when overdrawn
	On    calendar.Date
}

// Line is one booked amount: an entry or, where the bank divides a batch, one transaction of it.
type Line struct {
	Ref              string // the bank's own reference of the entry, AcctSvcrRef; may be empty
	Entry            int    // place of the entry in its statement, from 1
	Part             int    // place of the transaction in its batch, from 1; 0 when the line is the entry
	Undivided        int    // payments in this amount, when the bank booked several at once without details
	BookedOn         calendar.Date
	ValueOn          calendar.Date // zero when not given
	Cents            int64         // positive is money in
	Currency         string
	Reversal         bool // takes back an earlier entry; Cents has the right sign already
	Domain           string
	Family           string // RCDT is an incoming transfer, RRCT an incoming instant one
	SubFamily        string // RRTN is a return
	EndToEndID       string // empty for NOTPROVIDED
	MessageID        string // of our own order, when we ordered the payment
	PaymentID        string // PmtInfId of our own order
	PartyName        string // the other side: who paid, or who was paid
	PartyIBAN        string // empty when it is no IBAN
	PartyBIC         string
	StructuredRef    string // as written
	StructuredIssuer string // ISO, CUR, BBA or empty
	Text             string // unstructured remittance in one piece, then any further reference or document number
	ReturnReason     string // AC04, MD07 …
	Info             string // free text of the bank, a last resort
}

// Totals are what a statement holds. They are final when Next has answered io.EOF.
type Totals struct {
	Entries int // all of them
	Booked  int
	Pending int
	Other   int // neither booked nor pending
	Lines   int
	In, Out int64 // cents, both positive
}

// Key identifies a line for ever: however often this file, or another that covers the same days, is read, the
// line has one key. It starts with account and date, so that keys arrive about in order.
//
// The bank's reference identifies the line together with its date, amount and part: a reversal often bears the
// reference of what it takes back. Without a reference the statement and the place in it stand in; then only
// the same statement is recognised, and one that overlaps shows in its opening balance.
func (l Line) Key(s Statement) string {
	ref := l.Ref
	if slices.Contains(noReference, strings.ToUpper(ref)) {
		ref = ""
	}
	if ref == "" || len(ref) > 70 {
		h := sha256.New()
		fmt.Fprintf(h, "%q %q %d %d", ref, s.ID, s.Page, l.Entry)
		if ref != "" {
			h = sha256.New()
			fmt.Fprintf(h, "%q", ref)
		}
		ref = "#" + hex.EncodeToString(h.Sum(nil)[:16])
	}
	return fmt.Sprintf("%s/%s/%d/%d/%s", s.IBAN, l.BookedOn, l.Cents, l.Part, ref)
}
