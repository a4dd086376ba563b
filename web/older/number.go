package older

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/money"
)

var (
	errNumber = errors.New("not a number")
	errDate   = errors.New("not a date")
)

// mostDigits is how long a number may be: JSON of other languages writes up to 17 decimals.
const mostDigits = 30

// number reads an amount, a quantity or a percentage as clients write them: "50", "-5.00", "1,010.50", "12,10",
// "1.414,11". Where both marks occur the last is the decimal mark. A single dot is always one, a single comma is one
// unless exactly three digits follow. A mark that is repeated separates thousands.
func number(s string) (*big.Rat, error) {
	s = strings.TrimSpace(s)
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	if s == "" || len(s) > mostDigits || strings.Trim(s, "0123456789.,") != "" || strings.Trim(s, ".,") == "" {
		return nil, errNumber
	}
	whole, part := s, ""
	if at := decimalMark(s); at >= 0 {
		whole, part = s[:at], s[at+1:]
		if strings.ContainsAny(part, ".,") || strings.IndexByte(whole, s[at]) >= 0 {
			return nil, errNumber
		}
	}
	whole = strings.NewReplacer(".", "", ",", "").Replace(whole)
	r, ok := new(big.Rat).SetString(sign + "0" + whole + "." + part + "0")
	if !ok {
		return nil, errNumber
	}
	return r, nil
}

// decimalMark is the place of the decimal mark, -1 where there is none.
func decimalMark(s string) int {
	dots, commas := strings.Count(s, "."), strings.Count(s, ",")
	switch {
	case dots > 0 && commas > 0:
		return strings.LastIndexAny(s, ".,")
	case dots == 1:
		return strings.IndexByte(s, '.')
	case commas == 1:
		at := strings.IndexByte(s, ',')
		if at > 0 && len(s)-at-1 == 3 {
			return -1
		}
		return at
	}
	return -1
}

// mostCents is far above any limit and far below overflow.
const mostCents = 100_000_000_00

// cents reads an amount of euros, rounded half away from zero.
func cents(s string) (int64, error) {
	r, err := number(s)
	if err != nil {
		return 0, err
	}
	return centsOf(r)
}

// centsOf rounds euros to cents, half away from zero.
func centsOf(euros *big.Rat) (int64, error) {
	a, err := money.Round(new(big.Rat).Mul(euros, big.NewRat(100, 1)), "EUR")
	if err != nil || a.Cents > mostCents || a.Cents < -mostCents {
		return 0, errNumber
	}
	return a.Cents, nil
}

// euros writes cents as this wire does: "10.00".
func euros(cents int64) string { return money.EUR(cents).Decimal() }

// date reads dd-mm-yyyy and yyyy-mm-dd, with one digit where a zero was left out, and a time after it. A date of zeros,
// which some shops store for none, is none.
func date(s string) (calendar.Date, error) {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	s, _, _ = strings.Cut(s, "T")
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if s == "" || strings.Trim(s, "0-/.") == "" {
		return calendar.Date{}, nil
	}
	if len(parts) != 3 {
		return calendar.Date{}, errDate
	}
	if len(parts[0]) == 4 {
		parts[0], parts[2] = parts[2], parts[0]
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return calendar.Date{}, errDate
		}
		n[i] = int(v)
	}
	day, month, year := n[0], n[1], n[2]
	if len(parts[2]) != 4 || len(parts[0]) > 2 || len(parts[1]) > 2 || year < 1800 || month < 1 || month > 12 || day < 1 || day > 31 {
		return calendar.Date{}, errDate
	}
	d := calendar.NewDate(year, time.Month(month), day)
	if d.Day() != day {
		return calendar.Date{}, errDate
	}
	return d, nil
}
