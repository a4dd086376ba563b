package ident

import (
	"errors"

	"github.com/jacoelho/banking/iban"
	"github.com/jacoelho/banking/iso3166"
)

// IBAN returns s without separators and upper-cased when it is an IBAN by the registry: country,
// length, structure and check digits.
func IBAN(s string) (string, error) {
	n, only := alnum(s)
	if !only || iban.Validate(n) != nil {
		return "", errors.New("not a valid IBAN")
	}
	return n, nil
}

// IBANCountry returns the country of a normalised IBAN, or "".
func IBANCountry(iban string) string {
	if len(iban) < 2 || !isUpper(iban[0]) || !isUpper(iban[1]) {
		return ""
	}
	return iban[:2]
}

// PrintIBAN writes an IBAN in groups of four.
func PrintIBAN(iban string) string { return groups(iban, 4) }

// BIC returns s upper-cased when it has the form of a bank identifier code (ISO 9362): four characters
// institution, a country, two characters location and perhaps three of a branch.
func BIC(s string) (string, error) {
	n, only := alnum(s)
	if !only || len(n) != 8 && len(n) != 11 || !iso3166.IsCountryCode(n[4:6]) && n[4:6] != "XK" {
		return "", errors.New("not a valid BIC")
	}
	return n, nil
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
