package verify

import "strings"

// rule is what docs/chart.md says of one account.
type rule struct {
	number   int32
	merchant bool   // never in an entry of the operator
	subject  string // prefix of the subject's id; "" for none, "IBAN" for a bank account
	pooled   bool   // one balance for the subject, whoever's entries it is in
}

// chart is docs/chart.md.
var chart = map[string]rule{
	"buyer/principal":      {1, true, "inv_", false},
	"buyer/costs":          {2, true, "inv_", false},
	"buyer/interest":       {3, true, "inv_", false},
	"buyer/credit":         {4, true, "ord_", false},
	"merchant/pending":     {5, true, "", false},
	"merchant/payable":     {6, true, "", false},
	"merchant/reserve":     {7, true, "", false},
	"bank":                 {atBank, false, "IBAN", false},
	"psp":                  {atPSP, false, "", false},
	"unallocated":          {10, false, "bl_", true},
	"transit/refunds":      {11, false, "", false},
	"transit/payouts":      {12, false, "", false},
	"income/merchant-fees": {13, false, "", false},
	"income/costs":         {14, false, "", false},
	"income/interest":      {15, false, "", false},
	"tax/vat":              {16, false, "", false},
	"expense/psp":          {17, false, "", false},
	"expense/loss":         {18, false, "", false},
}

// Numbers of the accounts that carry money elsewhere.
const (
	atBank = 8
	atPSP  = 9
)

// codeOf is the reverse of rule.number.
func codeOf(number int32) string {
	for code, r := range chart {
		if r.number == number {
			return code
		}
	}
	return ""
}

// summed says whether the account has a snapshot.
func (r rule) summed() bool { return r.subject == "" || r.subject == "IBAN" }

// fits says whether s has the shape of the account's subject.
func (r rule) fits(s string) bool {
	switch r.subject {
	case "":
		return s == ""
	case "IBAN":
		return len(s) >= 15 && len(s) <= 34 && all(s[:2], upper) && all(s[2:4], digit) &&
			all(s[4:], func(c byte) bool { return upper(c) || digit(c) })
	}
	return idOf(s, r.subject)
}

// merchantID says whether s may own an entry.
func merchantID(s string) bool { return s == "operator" || idOf(s, "mer_") }

func idOf(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && rest != "" && len(s) <= 128 && all(rest, func(c byte) bool { return lower(c) || digit(c) })
}

// wordOf says whether s is a word of a leaf: visible ASCII.
func wordOf(s string) bool {
	return s != "" && len(s) <= 128 && all(s, func(c byte) bool { return c > ' ' && c <= '~' })
}

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) bool { return 'a' <= c && c <= 'z' }
func upper(c byte) bool { return 'A' <= c && c <= 'Z' }
func digit(c byte) bool { return '0' <= c && c <= '9' }
