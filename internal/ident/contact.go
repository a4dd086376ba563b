package ident

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

var errEmail = errors.New("not a valid e-mail address")

// Email returns an address as mail is sent to it: trimmed, its domain in lower case. It checks the form
// only: both parts, their lengths, the characters. Quoted local parts and bare host names are refused.
func Email(s string) (string, error) {
	s = norm.NFC.String(strings.TrimSpace(s))
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || !utf8.ValidString(s) {
		return "", errEmail
	}
	local, domain := s[:at], strings.ToLower(s[at+1:])
	if len(local)+1+len(domain) > 254 || !validLocal(local) || !validDomain(domain) {
		return "", errEmail
	}
	return local + "@" + domain, nil
}

// EmailKey returns an address as it is looked up: all of it in lower case. Two addresses that differ only in
// case are one person's in practice, though not by the letter of RFC 5321.
func EmailKey(address string) string { return strings.ToLower(address) }

// validLocal accepts the dot-atom of RFC 5322, with letters of any script (RFC 6531).
func validLocal(s string) bool {
	if strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf && (isDigit(byte(r)) || unicode.IsLetter(r)):
		case strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r):
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)):
		default:
			return false
		}
	}
	return true
}

// validDomain accepts two or more labels of letters, digits and inner hyphens; the last is not a number.
func validDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
				return false
			}
		}
	}
	return len(labels) > 1 && !isDigits(labels[len(labels)-1])
}

var errPhone = errors.New("not a valid telephone number")

// Phone returns a telephone number in E.164, such as +31612345678. A number without a country is read
// as dialled in country. It checks against the numbering plan, not that anybody has the number.
func Phone(country, s string) (string, error) {
	s = strings.TrimSpace(s)
	if e, ok := ordinaryPhone(country, s); ok {
		return e, nil
	}
	if len(s) > 40 || strings.ContainsFunc(s, unicode.IsControl) {
		return "", errPhone
	}
	n, err := phonenumbers.Parse(s, country)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", errPhone
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// ordinaryPhone reads the ordinary numbers of our largest countries, because the full tables take a
// hundred times as long. Its no means only that they must be asked.
func ordinaryPhone(country, s string) (string, bool) {
	var buf [20]byte
	b := buf[:0]
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+' && len(b) == 0, isDigit(c):
			b = append(b, c)
		case c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')':
		default:
			return "", false
		}
		if len(b) == len(buf) {
			return "", false
		}
	}
	n := string(b)
	n = strings.TrimPrefix(n, "+")
	international := len(n) < len(b)
	if !international && strings.HasPrefix(n, "00") {
		n, international = n[2:], true
	}
	if !international {
		return home(country, n)
	}
	for _, c := range [...]string{"NL", "BE", "FR"} {
		if rest, ok := strings.CutPrefix(n, homeCode(c)); ok {
			return home(c, "0"+strings.TrimPrefix(rest, "0")) // +31 (0)6 is wrong and common
		}
	}
	return "", false
}

func homeCode(country string) string {
	switch country {
	case "NL":
		return "31"
	case "BE":
		return "32"
	}
	return "33"
}

// home reads a number as dialled in its own country.
func home(country, n string) (string, bool) {
	ok := false
	switch country {
	case "NL": // 01 to 07; 08 and 09 are services of several lengths
		ok = len(n) == 10 && n[1] >= '1' && n[1] <= '7'
	case "BE": // subscribers 8 digits, mobiles 9 from 045 to 049
		ok = len(n) == 9 && n[1] >= '1' || len(n) == 10 && n[1] == '4' && n[2] >= '5'
	case "FR": // 01 to 07; 08 and 09 are services
		ok = len(n) == 10 && n[1] >= '1' && n[1] <= '7'
	}
	if !ok || n[0] != '0' {
		return "", false
	}
	return "+" + homeCode(country) + n[1:], true
}
