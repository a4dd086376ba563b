package ident

import (
	"errors"
	"strings"
)

// VATID returns a VAT identification number of NL, BE, DE, FR or LU in normal form, its country in front.
// Check digits are tested where they are public: NL, BE, DE and the numeric keys of FR.
func VATID(s string) (string, error) {
	n, only := alnum(s)
	if len(n) == 11 && n[:2] == "BE" { // written without its leading zero, as before 2005
		n = "BE0" + n[2:]
	}
	if !only || len(n) < 4 || !validVAT(n[:2], n[2:]) {
		return "", errors.New("not a valid VAT identification number")
	}
	return n, nil
}

func validVAT(country, n string) bool {
	switch country {
	case "NL":
		return validNL(n)
	case "BE":
		return validBE(n)
	case "DE":
		return validDE(n)
	case "FR":
		return validFR(n)
	case "LU":
		return len(n) == 8 && isDigits(n)
	}
	return false
}

// validNL accepts 9 digits, B, 2 digits when the whole is 1 modulo 97 (since 2020) or the digits are
// an RSIN that passes the 11-test (companies keep their older number).
func validNL(n string) bool {
	if len(n) != 12 || !isDigits(n[:9]) || n[9] != 'B' || !isDigits(n[10:]) {
		return false
	}
	return mod97("NL"+n) == 1 || validRSIN(n[:9])
}

func validRSIN(n string) bool { return n != "000000000" && elfproef(n, 9, 8, 7, 6, 5, 4, 3, 2, -1) }

// validBE accepts ten digits of which the last two are 97 - (the first eight mod 97).
func validBE(n string) bool {
	return digits(n, 10, '0', '1') && int(n[8]-'0')*10+int(n[9]-'0') == 97-mod97(n[:8])
}

// validDE is ISO 7064 mod 11,10 over nine digits, the first of which is not zero.
func validDE(n string) bool {
	if !digits(n, 9, '1', '9') {
		return false
	}
	product := 10
	for i := range 8 {
		sum := (int(n[i]-'0') + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return (11-product)%10 == int(n[8]-'0')
}

// validFR accepts a two-character key and a SIREN of nine digits. The rule of a numeric key is public;
// a key with a letter (never O or I) can be tested for its form only.
func validFR(n string) bool {
	if len(n) != 11 || !isDigits(n[2:]) {
		return false
	}
	key := n[:2]
	if !isDigits(key) {
		return key[0] != 'O' && key[0] != 'I' && key[1] != 'O' && key[1] != 'I'
	}
	return int(key[0]-'0')*10+int(key[1]-'0') == (12+3*mod97(n[2:]))%97
}

// RegistrationNumber returns the trade-register number of a company in normal form. NL is eight digits
// (no public check digit), BE the enterprise number with its check digits, FR a SIREN or SIRET, LU a letter and up
// to six digits. DE is the court and its number in folded capitals, as in MUNCHEN HRB 12345.
func RegistrationNumber(country, s string) (string, error) {
	n, only := alnum(s)
	if country == "DE" {
		n, only = strings.ToUpper(Fold(s)), true
	}
	if len(n) > 2 && n[:2] == country && (country == "BE" || country == "NL") {
		n = n[2:]
	}
	if country == "BE" && len(n) == 9 {
		n = "0" + n
	}
	if !only || !validRegistration(country, n) {
		return "", errors.New("not a valid registration number")
	}
	return n, nil
}

func validRegistration(country, n string) bool {
	switch country {
	case "NL":
		return len(n) == 8 && isDigits(n)
	case "BE":
		return validBE(n)
	case "FR":
		return (len(n) == 9 || len(n) == 14) && isDigits(n)
	case "LU":
		return len(n) >= 2 && len(n) <= 7 && isUpper(n[0]) && isDigits(n[1:])
	case "DE":
		return len(n) >= 2 && len(n) <= 60 && strings.ContainsAny(n, "0123456789")
	}
	return false
}
