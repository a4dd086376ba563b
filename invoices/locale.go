package invoices

import (
	"achteraf/calendar"
	"achteraf/internal/ident"
	"achteraf/merchants"
)

// Locale writes amounts, dates and the operator's identity as the documents do, for stages that come later.
type Locale struct{ l *language }

// LocaleOf is that of a language of the platform; English for any other.
func LocaleOf(code string) Locale {
	if l := languages[code]; l != nil {
		return Locale{l}
	}
	return Locale{languages["en"]}
}

// Code names the language.
func (l Locale) Code() string { return l.l.code }

// Amount writes cents of euros; nothing in it breaks over a line.
func (l Locale) Amount(cents int64) string { return l.l.amount(cents) }

// Number writes a stored decimal, such as a quantity.
func (l Locale) Number(stored string) string { return l.l.number(stored) }

// Day writes a date in full.
func (l Locale) Day(d calendar.Date) string { return l.l.day(d) }

// Weekday writes a date in full with its day of the week; "" for none.
func (l Locale) Weekday(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	return l.l.weekday(d)
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
