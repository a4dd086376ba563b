package ident

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// RF makes the ISO 11649 creditor reference of a reference of 1 to 21 letters and digits.
func RF(reference string) (string, error) {
	body := NormaliseRF(reference)
	n := mod97(body + "RF00")
	if len(body) < 1 || len(body) > 21 || n < 0 {
		return "", errors.New("a creditor reference is made of 1 to 21 letters and digits")
	}
	return fmt.Sprintf("RF%02d%s", 98-n, body), nil
}

// ValidRF says whether s is a creditor reference with the right check digits. Spaces and case do not matter.
func ValidRF(s string) bool {
	s = NormaliseRF(s)
	if len(s) < 5 || len(s) > 25 || s[:2] != "RF" || !isDigits(s[2:4]) {
		return false
	}
	// 00, 01 and 99 are congruent to 97, 98 and 02 and are never issued.
	if check := s[2:4]; check < "02" || check > "98" {
		return false
	}
	return mod97(s[4:]+s[:4]) == 1
}

// NormaliseRF removes spaces and upper-cases.
func NormaliseRF(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// PrintRF writes a creditor reference in groups of four.
func PrintRF(s string) string { return groups(NormaliseRF(s), 4) }

// maxOGM is the largest base of a Belgian structured communication: ten digits.
const maxOGM = 9_999_999_999

// OGM returns the Belgian structured communication of n as 12 digits, or "" when n is negative or has
// more than ten digits.
func OGM(n int64) string {
	if n < 0 || n > maxOGM {
		return ""
	}
	check := n % 97
	if check == 0 {
		check = 97
	}
	return fmt.Sprintf("%010d%02d", n, check)
}

// ValidOGM says whether s is a Belgian structured communication, as 12 digits or as printed with
// pluses or asterisks and slashes.
func ValidOGM(s string) bool {
	s = bareOGM(s)
	if len(s) != 12 || !isDigits(s) {
		return false
	}
	check := mod97(s[:10])
	if check == 0 {
		check = 97
	}
	return int(s[10]-'0')*10+int(s[11]-'0') == check
}

// PrintOGM writes 12 digits as +++ddd/dddd/ddddd+++. What is not 12 digits comes back unchanged.
func PrintOGM(s string) string {
	d := bareOGM(s)
	if len(d) != 12 || !isDigits(d) {
		return s
	}
	return "+++" + d[:3] + "/" + d[3:7] + "/" + d[7:] + "+++"
}

func bareOGM(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' || r == '*' || separator(r) {
			return -1
		}
		return r
	}, s)
}

// kenmerkWeights counts from the right over the 15 digits behind the check digit.
var kenmerkWeights = [10]int{2, 4, 8, 5, 10, 9, 7, 3, 6, 1}

// ValidKenmerk says whether s is a Dutch betalingskenmerk of 16 digits; spaces do not matter. The
// check digit 1 arises in two ways, so a wrong digit can pass here that would not pass a plain 11-test.
func ValidKenmerk(s string) bool {
	s = bareOGM(s)
	if len(s) != 16 || !isDigits(s) {
		return false
	}
	return s[0] == kenmerkDigit(s[1:])
}

// kenmerkDigit returns the check digit of 15 digits.
func kenmerkDigit(s string) byte {
	sum := 0
	for i := range len(s) {
		sum += int(s[len(s)-1-i]-'0') * kenmerkWeights[i%len(kenmerkWeights)]
	}
	switch c := 11 - sum%11; c {
	case 10:
		return '1'
	case 11:
		return '0'
	default:
		return byte('0' + c)
	}
}

// FindReferences returns every creditor reference, Belgian structured communication and Dutch
// betalingskenmerk that can be read in free text, in the order they start and the longest first. Spaces,
// punctuation and case do not matter. Each answer is in normal form and passes its own check digits; which of
// them was meant is for the caller to look up, since "RF18 5390 0754 7034 2026" may be read in more than one way.
func FindReferences(text string) []string {
	var found []string
	add := func(s string) {
		if !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	chars, ends := squeeze(text)
	inside := 0 // digits before this belong to a creditor reference
	for i := range chars {
		if strings.HasPrefix(chars[i:], "RF") {
			for n := min(25, len(chars)-i); n >= 5; n-- {
				if ends[i+n-1] && ValidRF(chars[i:i+n]) {
					add(chars[i : i+n])
					inside = i + n
				}
			}
		}
		if isDigit(chars[i]) && (i == 0 || ends[i-1]) && i >= inside {
			if s, ok := digitRun(chars, ends, i, 16); ok && ValidKenmerk(s) {
				add(s)
			}
			if s, ok := digitRun(chars, ends, i, 12); ok && ValidOGM(s) {
				add(s)
			}
		}
	}
	return found
}

// squeeze returns the upper-cased letters and digits of text, and for each whether a reference may end
// there: before a separator, at the end, and where a letter meets a digit.
func squeeze(text string) (chars string, ends []bool) {
	b := make([]byte, 0, len(text))
	ends = make([]bool, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if !isDigit(c) && (c < 'A' || c > 'Z') {
			if len(ends) > 0 {
				ends[len(ends)-1] = true
			}
			continue
		}
		if len(b) > 0 && isDigit(b[len(b)-1]) != isDigit(c) {
			ends[len(ends)-1] = true
		}
		b = append(b, c)
		ends = append(ends, false)
	}
	if len(ends) > 0 {
		ends[len(ends)-1] = true
	}
	return string(b), ends
}

// digitRun returns the n digits from i when they are all digits and a number ends behind them.
func digitRun(chars string, ends []bool, i, n int) (string, bool) {
	if i+n > len(chars) || !ends[i+n-1] || !isDigits(chars[i:i+n]) {
		return "", false
	}
	return chars[i : i+n], true
}
