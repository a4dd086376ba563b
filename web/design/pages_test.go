package design

import (
	"net/http"
	"testing"

	"achteraf/merchants"
	"achteraf/web/page"
	"achteraf/web/pagetest"
	"achteraf/web/site"
)

// TestBrowser: the catalogue, the home page in every language and the page of an error, in a browser.
func TestBrowser(t *testing.T) {
	look, err := page.New(page.Config{Brand: page.Brand{Name: "Achteraf"}, Operator: merchants.Operator{LegalName: "Huis Voorbeeld B.V.",
		Street: "Voorbeeldkade", HouseNumber: "1", Postcode: "1234AB", City: "Voorbeeld", Country: "NL", RegistrationNumber: "90000001",
		VATID: "NL123456789B13", Email: "service@huis.example", Phone: "+31201234567", ClientIBAN: "NL20ACHT0000000001", BIC: "ACHTNL2A",
		AccountName: "Stichting Derdengelden Huis Voorbeeld"}})
	if err != nil {
		t.Fatal(err)
	}
	home, err := site.New(site.Config{Look: look, Demo: site.Surfaces()})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	look.Routes(mux)
	home.Routes(mux)
	Routes(mux, look)
	b := pagetest.Open(t, mux)
	b.Check("/?lang=nl", "/?lang=fr", "/?lang=en", "/?lang=de", "/design", "/nowhere?lang=de")

	for i, width := range pagetest.Eval[[]float64](b, "/design", `[...document.querySelectorAll("#icons svg use")].map(u => u.getBBox().width)`) {
		if width == 0 {
			t.Errorf("the icon %d draws nothing", i)
		}
	}
	copies := pagetest.Eval[[]string](b, "/design", `[...document.querySelectorAll("#pay .act button")].map(b => b.textContent)`)
	if len(copies) != len(transfer) || copies[1] != "Copy IBAN" {
		t.Errorf("the buttons that copy are %q", copies)
	}
}
