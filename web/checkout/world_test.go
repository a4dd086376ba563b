package checkout_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"achteraf/access"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/platform"
)

var operator = merchants.Operator{Name: "Betaalhuis", LegalName: "Betaalhuis Voorbeeld B.V.", Street: "Voorbeeldkade", HouseNumber: "1",
	Postcode: "1234AB", City: "Voorbeeld", Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", VATPercent: "21",
	Email: "service@betaalhuis.example", Phone: "+31201234567", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002", BIC: "ACHTNL2A",
	AccountName: "Stichting Derdengelden Betaalhuis"}

const home = "https://pay.example"

// Where a shop wants the buyer to go, in forms that a careless program would change.
const (
	toSuccess = "https://shop.example/txn/%7Eabc//thanks/?order=1&x=a+b&y=%2f#top"
	toFailure = "https://shop.example/pay?again=1&&z"
	toCancel  = "https://shop.example/cart"
	toBack    = "https://shop.example/../cart/./?"
)

// world is a platform with a shop of each kind.
type world struct {
	*platform.Platform
	t     *testing.T
	place *dbtest.Place
	log   *bytes.Buffer
	keys  map[string]string // of shops, by their slug
	shops map[string]string
	n     int
}

func eachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) { f(t, newWorld(t, p)) })
}

func newWorld(t *testing.T, p *dbtest.Place) *world {
	t.Helper()
	w := &world{t: t, place: p, log: &bytes.Buffer{}, keys: map[string]string{}, shops: map[string]string{}}
	w.Platform = w.node()
	w.must(w.DB.LetClockMove(t.Context()))
	guaranteed, own := merchants.StandardContract(), merchants.StandardContract()
	guaranteed.Model, own.Model = merchants.Guaranteed, merchants.Own
	w.addShop("lampen", "Lichtboerderij", merchants.StandardContract(), merchants.TermsText{Version: "2026-01", URL: "https://shop.example/voorwaarden"})
	w.addShop("keuken", "Keukengerei", guaranteed, merchants.TermsText{Version: "3", Text: "Eerste regel.\n\nTweede regel."})
	w.addShop("huis", "Huiswinkel", own, merchants.TermsText{Version: "1"})
	return w
}

// node is one process on the database.
func (w *world) node() *platform.Platform {
	v, err1 := vault.Parse([]byte("world AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
	secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
	key, err3 := ledger.ReadKey(secret)
	w.must(cmp.Or(err1, err2, err3))
	p, err := platform.New(platform.Config{DB: w.place.Open(w.t), Vault: v, LogKey: key, Operator: operator, Random: dbtest.Chance(3),
		Log: slog.New(slog.NewTextHandler(w.log, nil)), PublicURL: home, MailOff: true})
	w.must(err)
	return p
}

func (w *world) addShop(slug, name string, c merchants.Contract, terms merchants.TermsText) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) error {
		m, err := merchants.Add(ctx, tx, merchants.New{Slug: slug, Name: name, LegalName: name + " B.V.", Country: "NL",
			Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000010",
			VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: strings.ToUpper(slug),
			Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
			Contract: c, Terms: terms})
		if err != nil {
			return err
		}
		w.shops[slug] = m.ID
		if err := merchants.Activate(ctx, tx, m.ID); err != nil {
			return err
		}
		w.keys[slug], _, err = w.Access.MakeKey(ctx, tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
		return err
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx *db.Tx) error { return f(w.t.Context(), tx) }))
}

func (w *world) read(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error { return f(w.t.Context(), tx) }))
}

// opened is a checkout that a shop opened.
type opened struct{ id, path, reference, shop string }

func (o opened) key(w *world) checkout.Key {
	return checkout.Key{Merchant: w.shops[o.shop], ID: o.id}
}

// open opens a checkout over the API; edits are pairs of what stands in the message and what shall stand there.
func (w *world) open(shop string, cents int, edits ...string) opened {
	w.t.Helper()
	w.n++
	o := opened{reference: fmt.Sprint("T-", w.n), shop: shop}
	body := fmt.Sprintf(`{"reference":%q,"currency":"EUR","prices":"incl_vat","total_cents":%d,
"lines":[{"kind":"goods","description":"Staande lamp Dageraad","quantity":1,"unit_price_cents":%d,"vat_percent":"21"},{"kind":"shipping","description":"Verzending","quantity":1,"unit_price_cents":500,"vat_percent":"21"}],
"language":"nl","return_urls":{"success":%q,"failure":%q,"cancel":%q,"back":%q}}`, o.reference, cents, cents-500, toSuccess, toFailure, toCancel, toBack)
	a := w.call(http.MethodPost, "/v1/checkouts", shop, strings.NewReplacer(edits...).Replace(body))
	if a.Code != http.StatusCreated {
		w.t.Fatalf("open: %d %s", a.Code, a.body)
	}
	var out struct {
		ID  string `json:"id"`
		URL string `json:"checkout_url"`
	}
	w.must(json.Unmarshal([]byte(a.body), &out))
	o.id, o.path = out.ID, strings.TrimPrefix(out.URL, home)
	return o
}

// call asks the API as a shop.
func (w *world) call(method, path, shop, body string) answered {
	r := httptest.NewRequest(method, home+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.keys[shop])
	if body != "" {
		w.n++
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", fmt.Sprint("call-", w.n))
	}
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	return answered{rec, rec.Body.String()}
}

// status is how the shop sees a checkout.
func (w *world) status(o opened) (out struct {
	Status  string  `json:"status"`
	OrderID *string `json:"order_id"`
	EndedAt *string `json:"ended_at"`
}) {
	w.t.Helper()
	a := w.call(http.MethodGet, "/v1/checkouts/"+o.id, o.shop, "")
	if a.Code != http.StatusOK {
		w.t.Fatalf("status: %d %s", a.Code, a.body)
	}
	w.must(json.Unmarshal([]byte(a.body), &out))
	return out
}

// orders are those of a shop with a reference.
func (w *world) orders(o opened) (all []orders.Order) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *db.Tx) error {
		p, err := orders.List(ctx, tx, w.shops[o.shop], "", 100)
		for _, x := range p.Orders {
			if x.Reference == o.reference {
				all = append(all, x)
			}
		}
		return err
	})
	return all
}

type answered struct {
	*httptest.ResponseRecorder
	body string
}

func (a answered) to() string { return a.Header().Get("Location") }

// ask sends a request as a buyer's browser does.
func (w *world) ask(method, path string, form url.Values) answered {
	return ask(w.Handler(), method, path, form)
}

func ask(h http.Handler, method, path string, form url.Values) answered {
	r := httptest.NewRequest(method, home+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = "203.0.113.9:4711"
	r.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return answered{rec, rec.Body.String()}
}

func (w *world) get(path string) answered { return w.ask(http.MethodGet, path, nil) }

// sanne is a form as a good buyer fills it in; edits are pairs of field and value.
func sanne(edits ...string) url.Values {
	form := url.Values{"attempt": {"1"}, "kind": {"consumer"}, "first": {"Sanne"}, "last": {"Zwanenveld"}, "email": {"sanne@example.org"}, "birth": {"1-5-1990"},
		"phone": {""}, "street": {"Dorpsstraat"}, "house": {"12"}, "suffix": {"B"}, "postcode": {"1234 ab"}, "city": {"Buitenpost"}, "country": {"NL"}}
	for i := 0; i < len(edits); i += 2 {
		form.Set(edits[i], edits[i+1])
	}
	return form
}

// press fills in the form of a checkout and presses its button.
func (w *world) press(o opened, edits ...string) answered {
	return w.ask(http.MethodPost, o.path, sanne(edits...))
}

// result is the page to which an answer leads.
func (w *world) result(a answered) answered {
	w.t.Helper()
	if a.Code != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/checkout/") {
		w.t.Fatalf("no way to a result: %d %s", a.Code, a.to())
	}
	return w.get(a.to())
}

func has(t *testing.T, a answered, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			t.Errorf("%q is missing", s)
		}
	}
}

// invoiceOf is the invoice of an order.
func (w *world) invoiceOf(o orders.Order) (v invoices.Invoice) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *db.Tx) error {
		of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: o.Merchant, ID: o.ID}})
		if err == nil {
			v = of[0][0]
		}
		return err
	})
	return v
}

func sqlite(t *testing.T) *dbtest.Place { return dbtest.New(t, "sqlite") }
