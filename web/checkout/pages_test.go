package checkout_test

import (
	"net/http"
	"strings"
	"testing"

	"achteraf/internal/db/dbtest"
	"achteraf/internal/words"
	"achteraf/web/pagetest"
)

// TestBrowserCheckout_S_CHK_01_S_B2B_01: every page of the till in a browser, on a phone and at a desk, in light and in dark.
func TestBrowserCheckout_S_CHK_01_S_B2B_01(t *testing.T) {
	w := newWorld(t, dbtest.New(t, "sqlite"))
	open := w.open("lampen", 149_00, `"language":"nl"`, `"delivery_address":{"street":"Rue du Modèle","house_number":"7","postcode":"1000","city":"Brussel","country":"BE"}`)
	firm := w.open("keuken", 89_90, `"language":"nl"`, `"buyer":{"kind":"company","company":{"name":"Voorbeeld en Zonen"}}`)
	accepted, declined, referred := w.open("lampen", 149_00), w.open("lampen", 800_00), w.open("keuken", 89_90)
	cancelled, used := w.open("lampen", 149_00), w.open("lampen", 149_00)
	w.press(accepted)
	w.press(declined, "email", "jo@example.org", "last", "Beek", "house", "99", "birth", "1-5-2012")
	w.press(referred, "email", "jo2@example.org", "last", "Beek2", "house", "98")
	for range 3 {
		w.press(used, "email", "jo3@example.org", "last", "Beek3", "house", "97", "birth", "1-5-2012")
	}
	w.ask(http.MethodPost, cancelled.path+"/leave", nil)
	b := pagetest.Open(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("wrong") { // what a form with mistakes is answered with
			form := sanne("house", "", "birth", "gisteren", "postcode", "99", "kind", r.URL.Query().Get("wrong"))
			r, _ = http.NewRequestWithContext(r.Context(), http.MethodPost, r.URL.String(), strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w.Handler().ServeHTTP(rw, r)
	}))
	var paths []string
	for _, l := range words.Langs() {
		lang := "?lang=" + string(l)
		paths = append(paths, open.path+lang+"&wrong=consumer")
	}
	paths = append(paths, open.path+"?lang=nl", accepted.path+"?lang=de", declined.path+"?lang=en", firm.path+"?lang=fr&wrong=company", referred.path+"?lang=fr", used.path+"?lang=de", cancelled.path+"?lang=nl", firm.path+"/terms?lang=en", "/checkout/nobody?lang=nl")
	b.Check(paths...)
}

// TestBrowserKeyboard_S_VAL_02: a person and a company order with the keyboard alone and without script.
func TestBrowserKeyboard_S_VAL_02(t *testing.T) {
	w := newWorld(t, dbtest.New(t, "sqlite"))
	person, firm := w.open("lampen", 149_00), w.open("lampen", 149_00, `"language":"nl"`, `"language":"nl","buyer":{"kind":"company"}`)
	b := pagetest.Open(t, w.Handler())
	const button = "Bestelling met betalingsverplichting"
	heading := b.Fill(person.path+"?lang=nl", button, "first", "Sanne", "last", "Zwanenveld", "email", "sanne@example.org", "birth", "1-5-1990",
		"street", "Dorpsstraat", "house", "12", "suffix", "B", "postcode", "1234ab", "city", "Buitenpost")
	if heading != "Je bestelling is geplaatst" || w.status(person).Status != "accepted" {
		t.Errorf("%q, %+v", heading, w.status(person))
	}
	heading = b.Fill(firm.path+"?lang=nl", button, "company", "Voorbeeld en Zonen", "number", "12345678", "email", "inkoop@example.org",
		"street", "Marktplein", "house", "3", "postcode", "1234ab", "city", "Buitenpost")
	if heading != "Je bestelling is geplaatst" || w.status(firm).Status != "accepted" {
		t.Errorf("%q, %+v", heading, w.status(firm))
	}
}
