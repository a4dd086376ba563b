package api

import (
	"reflect"
	"testing"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/fault"
)

// What is written of a buyer for a person to change is read again as it was.
func TestBuyerThereAndBack(t *testing.T) {
	at := buyers.Address{Street: "Dorpsstraat", HouseNumber: "1", HouseNumberSuffix: "A", Postcode: "1234AB", City: "Voorbeeld", Country: "NL"}
	for what, b := range map[string]buyers.Buyer{
		"consumer": {Kind: buyers.Consumer, Email: "sanne@example.org", Language: "nl", Phone: "+31612345678", IP: "203.0.113.7",
			Name: buyers.Name{First: "Sanne", Last: "de Vries"}, BirthDate: calendar.NewDate(1990, 5, 1), Address: at},
		"company": {Kind: buyers.Company, Email: "post@example.org", Language: "fr", Address: at,
			Company: &buyers.Firm{Name: "Voorbeeld BV", RegistrationNumber: "12345678", VATID: "NL004495445B01"}},
		"nobody any more": {Kind: buyers.Consumer},
	} {
		text, err := WriteBuyer(b)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ReadBuyer(text); err != nil || !reflect.DeepEqual(back, b) {
			t.Errorf("%s: %+v, %v from %s", what, back, err, text)
		}
	}
	for text, code := range map[string]string{"{": "json", `{"kind":"consumer","nickname":"x"}`: "fields", `{"kind":1}`: "fields", "[]": "fields"} {
		if _, err := ReadBuyer([]byte(text)); !fault.Is(err, code) {
			t.Errorf("%s: %v, not %s", text, err, code)
		}
	}
}
