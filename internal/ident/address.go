package ident

import (
	"errors"
	"strings"
	"unicode"
)

// Postcode returns the stored form of a postcode of NL (1234AB), BE, LU (four digits), DE or FR (five
// digits). A country mark in front, as in B-1000, is dropped.
func Postcode(country, s string) (string, error) {
	n, only := alnum(s)
	if mark, rest, ok := strings.Cut(strings.TrimSpace(s), "-"); ok && postcodeMark(country, mark) {
		n, only = alnum(rest)
	}
	if !only || !validPostcode(country, n) {
		return "", errors.New("not a valid postcode")
	}
	return n, nil
}

// postcodeMark says whether mark is how people write the country before a postcode.
func postcodeMark(country, mark string) bool {
	mark = strings.ToUpper(mark)
	return country != "" && (mark == country || country != "NL" && mark == country[:1])
}

func validPostcode(country, n string) bool {
	switch country {
	case "NL":
		return len(n) == 6 && digits(n[:4], 4, '1', '9') && isUpper(n[4]) && isUpper(n[5]) &&
			n[4:] != "SA" && n[4:] != "SD" && n[4:] != "SS"
	case "BE", "LU":
		return digits(n, 4, '1', '9')
	case "DE", "FR":
		return digits(n, 5, '0', '9')
	}
	return false
}

// PrintPostcode writes a stored postcode as it stands on an envelope.
func PrintPostcode(country, stored string) string {
	if country == "NL" && len(stored) == 6 {
		return stored[:4] + " " + stored[4:]
	}
	return stored
}

// HouseNumber splits what was typed in a house number field, "10 bis" or "123-A", in the number (1 to
// 99999) and the rest as typed.
func HouseNumber(s string) (number int, suffix string, err error) {
	s = strings.TrimSpace(s)
	i := 0
	for i < len(s) && i < 6 && isDigit(s[i]) {
		number = number*10 + int(s[i]-'0')
		i++
	}
	suffix = strings.TrimFunc(s[i:], func(r rune) bool { return separator(r) || r == ',' })
	if i == 0 || number < 1 || number > 99999 || len(suffix) > 20 || strings.ContainsFunc(suffix, unicode.IsControl) {
		return 0, "", errors.New("not a valid house number")
	}
	return number, suffix, nil
}

// SuffixKey joins letter, addition or box of an address for comparing: upper case, no separators, and in
// BE and LU without the word for box, so that "bus 3", "boîte 3" and "3" are one.
func SuffixKey(country string, parts ...string) string {
	key := strings.ToUpper(Fold(strings.Join(parts, " ")))
	if country == "BE" || country == "LU" {
		key = dropBoxWord(key)
	}
	return strings.ReplaceAll(key, " ", "")
}

// dropBoxWord drops the word for box before a digit: "BUS 3", "A BTE 3" and "BUS3". It leaves a word alone
// that nothing follows.
func dropBoxWord(key string) string {
	for _, word := range [...]string{"BUS", "BOITE", "BTE", "BOX"} {
		i := strings.Index(" "+key, " "+word)
		if i < 0 {
			continue
		}
		if rest := strings.TrimSpace(key[i+len(word):]); rest != "" && isDigit(rest[0]) {
			return key[:i] + rest
		}
	}
	return key
}

// SplitStreet splits one line into street, house number and suffix, and answers ok only when there is
// just one way to do so: "Oudegracht 10 bis" splits, "Plein 1940 12" does not.
func SplitStreet(line string) (street string, number int, suffix string, ok bool) {
	words := strings.Fields(line)
	at := 0
	for i := 1; i < len(words); i++ {
		if !isDigit(words[i][0]) {
			continue
		}
		if at > 0 {
			return "", 0, "", false
		}
		at = i
	}
	if at == 0 {
		return "", 0, "", false
	}
	number, suffix, err := HouseNumber(strings.Join(words[at:], " "))
	// Four characters is the longest Dutch addition; more is another line of the address.
	if err != nil || len(SuffixKey("", suffix)) > 4 {
		return "", 0, "", false
	}
	return strings.Join(words[:at], " "), number, suffix, true
}
