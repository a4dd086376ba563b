package ident

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold reduces a name to what is compared: lower case, no diacritics, no punctuation, single spaces. An
// apostrophe vanishes, any other mark separates. No script is turned into another: Greek stays Greek.
func Fold(name string) string {
	name = strings.ToValidUTF8(name, " ") // or what follows a broken letter would not be taken apart
	var b strings.Builder
	b.Grow(len(name))
	gap := false
	write := func(s string) {
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteString(s)
	}
	for _, r := range norm.NFKD.String(name) {
		r = unicode.ToLower(r)
		switch plain, ok := undecomposed(r); {
		case ok:
			write(plain)
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mc, r):
			write(string(r))
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r) || apostrophe(r):
		default:
			gap = true
		}
	}
	return norm.NFC.String(b.String())
}

// undecomposed gives the plain form of letters that Unicode does not decompose, and of the final sigma,
// which upper-casing hides.
func undecomposed(r rune) (string, bool) {
	switch r {
	case 'ß':
		return "ss", true
	case 'æ':
		return "ae", true
	case 'œ':
		return "oe", true
	case 'ø':
		return "o", true
	case 'ł':
		return "l", true
	case 'đ', 'ð':
		return "d", true
	case 'þ':
		return "th", true
	case 'ı':
		return "i", true
	case 'ς':
		return "σ", true
	}
	return "", false
}

func apostrophe(r rune) bool {
	switch r {
	case '\'', '`', '´', '’', '‘', 'ʼ', '′':
		return true
	}
	return false
}
