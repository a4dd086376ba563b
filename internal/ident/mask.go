package ident

import (
	"strings"
	"unicode/utf8"
)

// masked stands for a value of which nothing may be shown.
const masked = "****"

// MaskIBAN keeps country and last four: NL************4300.
func MaskIBAN(s string) string {
	s, only := alnum(s)
	if !only || len(s) < 15 || IBANCountry(s) == "" || !isDigits(s[2:4]) {
		return masked
	}
	return s[:2] + strings.Repeat("*", len(s)-6) + s[len(s)-4:]
}

// MaskEmail keeps the first letter and the domain: j***@example.nl.
func MaskEmail(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || !utf8.ValidString(s) || !validDomain(s[at+1:]) {
		return masked
	}
	_, first := utf8.DecodeRuneInString(s)
	if first == at { // one letter is the whole local part
		first = 0
	}
	return s[:first] + "***" + s[at:]
}

// MaskPhone keeps the first four and the last three characters: +316*****678.
func MaskPhone(s string) string {
	if len(s) < 10 || s[0] != '+' || !isDigits(s[1:]) {
		return masked
	}
	return s[:4] + strings.Repeat("*", len(s)-7) + s[len(s)-3:]
}

// MaskPostcode keeps the first two digits: 10**.
func MaskPostcode(s string) string {
	if len(s) < 4 || !isDigits(s[:2]) {
		return masked
	}
	return s[:2] + "**"
}
