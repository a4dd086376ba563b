package api

import (
	"achteraf/buyers"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ReadBuyer reads a buyer in the form that POST /v1/orders takes. Errors: Malformed "json" and "body-too-deep",
// Invalid "fields" for what does not belong there; it does not judge what the fields say.
func ReadBuyer(data []byte) (buyers.Buyer, error) {
	var m newBuyer
	err := decode(data, &m)
	return m.buyer(), err
}

// WriteBuyer writes a buyer in that form, for a person to read and change.
func WriteBuyer(b buyers.Buyer) ([]byte, error) {
	a := b.Address
	m := newBuyer{Kind: b.Kind, Email: b.Email, Language: b.Language, Phone: b.Phone, IP: b.IP, BirthDate: b.BirthDate,
		Address: postalAddress{Street: a.Street, HouseNumber: a.HouseNumber, HouseNumberSuffix: a.HouseNumberSuffix, Postcode: a.Postcode,
			City: a.City, Country: a.Country}}
	if b.Name != (buyers.Name{}) {
		m.Name = &personName{First: b.Name.First, Last: b.Name.Last}
	}
	if f := b.Company; f != nil {
		m.Company = &company{Name: f.Name, RegistrationNumber: f.RegistrationNumber, VATID: f.VATID}
	}
	return json.Marshal(m, jsontext.WithIndent("  "))
}
