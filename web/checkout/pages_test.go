package checkout_test

import (
	"net/http"
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
	b := pagetest.Open(t, w.Handler())
	var paths []string
	for _, l := range words.Langs() {
		lang := "?lang=" + string(l)
		paths = append(paths, open.path+lang, accepted.path+lang, declined.path+lang)
	}
	paths = append(paths, firm.path+"?lang=nl", referred.path+"?lang=fr", used.path+"?lang=de", cancelled.path+"?lang=nl", open.path+"/terms?lang=nl", firm.path+"/terms?lang=en",
		"/checkout/nobody?lang=nl", declined.path+"/details?lang=fr")
	b.Check(paths...)
}
