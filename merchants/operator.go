package merchants

import (
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/money"
)

// Operator is who runs the platform: the one source of its identity on every surface.
type Operator struct {
	Name               string `toml:"name"`
	LegalName          string `toml:"legal_name"`
	Street             string `toml:"street"`
	HouseNumber        string `toml:"house_number"`
	Postcode           string `toml:"postcode"`
	City               string `toml:"city"`
	Country            string `toml:"country"`
	RegistrationNumber string `toml:"registration_number"`
	VATID              string `toml:"vat_id"`
	VATPercent         string `toml:"vat_percent"` // on its own fees
	Email              string `toml:"email"`
	Phone              string `toml:"phone"`
	Website            string `toml:"website"`
	ClientIBAN         string `toml:"client_iban"` // client money: what buyers pay to
	OwnIBAN            string `toml:"own_iban"`
	BIC                string `toml:"bic"`
	AccountName        string `toml:"account_name"` // exactly as the bank knows it, since banks compare it
}

// Check returns what is missing or wrong in the operator's identity.
func (o *Operator) Check() []fault.Field {
	c := &checker{}
	for name, v := range map[string]*string{"name": &o.Name, "legal_name": &o.LegalName, "street": &o.Street, "house_number": &o.HouseNumber,
		"city": &o.City, "account_name": &o.AccountName} {
		c.need(v, "#/operator/"+name)
	}
	if utf8.RuneCountInString(o.AccountName) > 70 { // of SEPA and of the codes on invoices
		c.Wrong("#/operator/account_name", "too-long", "At most 70 characters for the name of the account.")
	}
	c.country(&o.Country, "#/operator/country")
	c.form(&o.Postcode, "#/operator/postcode", func(s string) (string, error) { return ident.Postcode(o.Country, s) })
	c.form(&o.RegistrationNumber, "#/operator/registration_number", func(s string) (string, error) { return ident.RegistrationNumber(o.Country, s) })
	c.form(&o.VATID, "#/operator/vat_id", ident.VATID)
	c.form(&o.VATPercent, "#/operator/vat_percent", func(s string) (string, error) { r, err := money.ParsePercent(s); return r.String(), err })
	c.form(&o.Email, "#/operator/email", ident.Email)
	c.form(&o.Phone, "#/operator/phone", func(s string) (string, error) { return ident.Phone(o.Country, s) })
	c.form(&o.ClientIBAN, "#/operator/client_iban", ident.IBAN)
	c.form(&o.OwnIBAN, "#/operator/own_iban", ident.IBAN)
	c.form(&o.BIC, "#/operator/bic", ident.BIC)
	if o.ClientIBAN != "" && o.ClientIBAN == o.OwnIBAN {
		c.Wrong("#/operator/own_iban", "same", "Client money and own money need different accounts.")
	}
	return c.sorted()
}

// Today is the civil date where the operator is, by which contracts and policies are in force.
func (o *Operator) Today(now calendar.Instant) calendar.Date {
	zone, err := calendar.ZoneOf(o.Country)
	if err != nil {
		zone, _ = calendar.ZoneOf("NL")
	}
	return zone.DateOf(now)
}
