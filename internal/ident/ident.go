// Package ident checks and normalises identifiers: references, bank accounts, company numbers,
// addresses, e-mail addresses, telephone numbers and names.
//
// It owns formats and check digits. It does not own what an identifier means, whom it belongs to or
// whether it exists: no look-up, no network, no table.
//
// # What is always true
//
//   - Every function is pure: the same input gives the same answer, whoever calls it.
//   - A normal form is a fixed point: normalising it again changes nothing.
//   - No error text contains the input, so an error may be logged.
package ident

import (
	"strings"
	"unicode"
)

// alnum returns the ASCII letters and digits of s, upper-cased, without the rest. Only says that the
// rest was nothing but separators.
func alnum(s string) (kept string, only bool) {
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isDigit(c) && (c < 'A' || c > 'Z') {
			clean = false
			break
		}
	}
	if clean {
		return s, true
	}
	b := make([]byte, 0, len(s))
	only = true
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			b = append(b, byte(r))
		case r >= 'a' && r <= 'z':
			b = append(b, byte(r-'a'+'A'))
		case !separator(r):
			only = false
		}
	}
	return string(b), only
}

// separator is what people put between the groups of a number.
func separator(r rune) bool {
	return r == '.' || r == '-' || r == '/' || r == '_' || unicode.IsSpace(r) || unicode.Is(unicode.Pd, r)
}

// mod97 reads digits as themselves and A to Z as 10 to 35, and returns the number modulo 97. It
// returns -1 when s has any other character.
func mod97(s string) int {
	r := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			r = (r*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			r = (r*100 + int(c-'A') + 10) % 97
		default:
			return -1
		}
	}
	return r
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// digits says whether s is n digits of which the first lies between low and high.
func digits(s string, n int, low, high byte) bool {
	return len(s) == n && isDigits(s) && s[0] >= low && s[0] <= high
}

// elfproef is the Dutch 11-test: Σ digit × weight is divisible by 11.
func elfproef(s string, weights ...int) bool {
	if len(s) != len(weights) || !isDigits(s) {
		return false
	}
	sum := 0
	for i, w := range weights {
		sum += int(s[i]-'0') * w
	}
	return sum%11 == 0
}

// groups writes s in groups of n with a space between them.
func groups(s string, n int) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i > 0 && i%n == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
