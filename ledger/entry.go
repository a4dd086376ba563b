package ledger

import (
	"fmt"
	"slices"
	"strings"
)

// Entry is one balanced fact about money. It belongs to one merchant, or to the Operator.
type Entry struct {
	Merchant string
	Key      string // begins with the time-ordered id of its subject: "inv_…/issued"
	Kind     string // what happened: "invoice-issued"
	Currency string // ISO 4217
	Legs     []Leg
}

// Leg is one side of an Entry.
type Leg struct {
	Code    string // of the chart
	Subject string // what the account is kept apart by, "" for None
	Cents   int64  // a debit is positive, a credit negative
}

// maxText is the length of the longest merchant, key, kind or subject.
const maxText = 128

// check says what is wrong with e. All of it is a mistake of the caller's code, never of a user.
func (e *Entry) check() error {
	if err := e.checkHead(); err != nil {
		return err
	}
	if len(e.Legs) < 2 {
		return e.wrong("has %d legs", len(e.Legs))
	}
	var sum int64
	for i := range e.Legs {
		l := &e.Legs[i]
		if err := e.checkLeg(l); err != nil {
			return err
		}
		next := sum + l.Cents
		if (next > sum) != (l.Cents > 0) {
			return e.wrong("overflows at leg %d", i)
		}
		sum = next
	}
	if sum != 0 {
		return e.wrong("is out of balance by %d cents", sum)
	}
	return nil
}

func (e *Entry) checkHead() error {
	switch {
	case e.Merchant != Operator && !isID(e.Merchant, "mer_"):
		return e.wrong("belongs to no merchant")
	case !visible(e.Key):
		return e.wrong("has an unusable key")
	case !visible(e.Kind):
		return e.wrong("has an unusable kind")
	case len(e.Currency) != 3 || strings.Trim(e.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return e.wrong("has no currency")
	}
	return nil
}

func (e *Entry) checkLeg(l *Leg) error {
	a := accounts[l.Code]
	switch {
	case a == nil:
		return e.wrong("names account %q, which is not in the chart", l.Code)
	case a.Whose == "merchant" && e.Merchant == Operator:
		return e.wrong("of the operator names the merchant's account %s", l.Code)
	case !a.fits(l.Subject):
		return e.wrong("names account %s with a subject that is no %s", l.Code, a.Subject)
	case l.Cents == 0:
		return e.wrong("moves nothing on account %s", l.Code)
	}
	return nil
}

func (e *Entry) wrong(what string, args ...any) error {
	return fmt.Errorf("ledger: entry %q of %q %s", e.Key, e.Merchant, fmt.Sprintf(what, args...))
}

// same says whether both tell the same, whenever they were posted.
func (e *Entry) same(f *Entry) bool {
	return e.Merchant == f.Merchant && e.Key == f.Key && e.Kind == f.Kind && e.Currency == f.Currency && slices.Equal(e.Legs, f.Legs)
}

// visible says whether s is one word of visible ASCII: nothing in it can end a line or a word of a leaf.
func visible(s string) bool {
	if s == "" || len(s) > maxText {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}
