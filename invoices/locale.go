package invoices

import (
	"achteraf/internal/ident"
	"achteraf/merchants"
)

// Locale says what documents say in their words, for stages that come later.
type Locale struct{ l *language }

// LocaleOf is that of a language of the platform; English for any other.
func LocaleOf(code string) Locale {
	if l := languages[code]; l != nil {
		return Locale{l}
	}
	return Locale{languages["en"]}
}

// Identity is the block that says who the operator is; reader is the country whose name need not be said.
func (l Locale) Identity(o merchants.Operator, reader string) []string {
	lines := append([]string{o.LegalName}, l.l.lines(postal{o.Street, o.HouseNumber, "", o.Postcode, o.City, o.Country}, reader)...)
	for _, number := range []struct{ key, value string }{{"registration-" + o.Country, o.RegistrationNumber}, {"vat-id", o.VATID}} {
		if said, err := l.l.say(number.key, number.value); err == nil && number.value != "" {
			lines = append(lines, said)
		}
	}
	return lines
}

// Reason says why something was credited.
func (l Locale) Reason(code string) (string, error) { return l.l.say("reason-" + code) }

// PrintReference writes a payment reference as a bank expects to see it, and says whether it is the Belgian
// structured communication.
func PrintReference(stored string) (printed string, structured bool) {
	if ident.ValidOGM(stored) {
		return ident.PrintOGM(stored), true
	}
	return ident.PrintRF(stored), false
}
