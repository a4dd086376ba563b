package camt

import (
	"bytes"
	"strconv"

	"achteraf/calendar"
	"achteraf/internal/ident"
)

// value consumes an element and returns its text without the space around it. It is good until the next value.
func (r *Reader) value() []byte { return bytes.TrimSpace(r.xml.leaf()) }

func (r *Reader) string() string { return string(r.value()) }

// word is a string that is kept once, however often it is read.
func (r *Reader) word(b []byte) string {
	if w, ok := r.words[string(b)]; ok {
		return w
	}
	if len(r.words) < 1000 {
		r.words[string(b)] = string(b)
	}
	return string(b)
}

// code reads a code that stands in the element itself (version 02) or in an element Cd within it.
func (r *Reader) code() string {
	own, nested := r.xml.leafOr("Cd")
	if nested = bytes.TrimSpace(nested); len(nested) > 0 {
		return r.word(nested)
	}
	return r.word(bytes.TrimSpace(own))
}

func (r *Reader) flag() bool {
	v := r.value()
	return string(v) == "true" || string(v) == "1"
}

func (r *Reader) direction() (credit bool) {
	v := r.value()
	if credit = string(v) == "CRDT"; !credit && string(v) != "DBIT" {
		r.fail("bank-file-format", "An amount of statement %d is neither credit nor debit.", r.count)
	}
	return credit
}

func (r *Reader) number() int64 {
	n, err := strconv.ParseInt(string(r.value()), 10, 64)
	if err != nil || n < 0 || n >= 1e18 { // ISO 20022 has no longer ones
		n = 0
		r.fail("bank-file-format", "A number of statement %d is not a whole number that makes sense.", r.count)
	}
	return n
}

// amount reads the attribute Ccy and the text of an amount.
func (r *Reader) amount() (cents int64, currency string) {
	for _, a := range r.xml.attrs {
		if string(a.name) == "Ccy" {
			currency = r.currency(a.value)
		}
	}
	cents, ok := parseCents(r.value())
	if !ok || currency == "" {
		r.fail("bank-file-format", "An amount of statement %d is not an amount in whole cents of a currency.", r.count)
	}
	return cents, currency
}

// parseCents is money.ParseDecimal without a string: it takes what that takes, up to 999 billion.
func parseCents(b []byte) (cents int64, ok bool) {
	whole, fraction, point := bytes.Cut(b, []byte{'.'})
	if len(whole) == 0 || len(whole) > 12 || len(fraction) > 5 || point && len(fraction) == 0 {
		return 0, false
	}
	for _, c := range whole {
		if c < '0' || c > '9' {
			return 0, false
		}
		cents = cents*10 + int64(c-'0')
	}
	for i := range max(2, len(fraction)) {
		digit := byte('0')
		if i < len(fraction) {
			digit = fraction[i]
		}
		switch {
		case i < 2 && digit >= '0' && digit <= '9':
			cents = cents*10 + int64(digit-'0')
		case digit != '0':
			return 0, false
		}
	}
	return cents, true
}

// currency checks the form of a currency code.
func (r *Reader) currency(b []byte) string {
	ok := len(b) == 3
	for _, c := range b {
		ok = ok && c >= 'A' && c <= 'Z'
	}
	if !ok {
		r.fail("bank-file-format", "A currency of statement %d is not a code of three letters.", r.count)
		return ""
	}
	return r.word(b)
}

// moment reads a choice of Dt and DtTm.
func (r *Reader) moment() (d calendar.Date) {
	for r.child() {
		switch string(r.xml.name) {
		case "Dt", "DtTm":
			d = r.day(r.value())
		default:
			r.xml.skip()
		}
	}
	return d
}

// day reads a date, or a time as the civil date that it is where the account is. A time without an offset is
// local already.
func (r *Reader) day(b []byte) calendar.Date {
	if string(b) == r.dateText {
		return r.date
	}
	if len(b) < len("2026-11-23") {
		r.fail("bank-file-format", "A date of statement %d cannot be read.", r.count)
		return calendar.Date{}
	}
	s := string(b)
	d, err := calendar.ParseDate(s[:10])
	if err != nil {
		r.fail("bank-file-format", "A date of statement %d cannot be read.", r.count)
		return calendar.Date{}
	}
	if zone, known := calendar.ZoneOf(ident.IBANCountry(r.stmt.IBAN)); known == nil && len(s) > 10 && s[10] == 'T' {
		if at, err := calendar.ParseInstant(s); err == nil {
			d = zone.DateOf(at)
		}
	}
	r.dateText, r.date = s, d
	return d
}
