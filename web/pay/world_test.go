package pay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/outbound"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/platform"
	"achteraf/providers/camt"
	"achteraf/providers/mailbox"
	"achteraf/providers/mollie"
	"achteraf/providers/pspsim"
	"achteraf/web/page"
)

var operator = merchants.Operator{Name: "Huis Voorbeeld", LegalName: "Huis Voorbeeld B.V.", Street: "Voorbeeldkade", HouseNumber: "1",
	Postcode: "1234AB", City: "Voorbeeld", Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", VATPercent: "21",
	Email: "service@huis.example", Phone: "+31201234567", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002", BIC: "ACHTNL2A",
	AccountName: "Stichting Derdengelden Huis Voorbeeld"}

// world is a platform with one shop and, unless it is bare, a bank button whose provider is simulated over HTTP.
type world struct {
	*platform.Platform
	t      *testing.T
	url    string
	sim    *pspsim.Simulator
	key    access.Presented
	secret string // of the key
	n      int
	client *http.Client
	box    *mailbox.Box

	sequence, balance int64
}

func eachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d, true)) })
}

func newWorld(t *testing.T, d *db.DB, button bool, edits ...func(*platform.Config)) *world {
	t.Helper()
	w := &world{t: t, balance: 1000_00, box: &mailbox.Box{}}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/bank/") {
			if w.sim == nil {
				http.Error(rw, "", http.StatusServiceUnavailable)
				return
			}
			http.StripPrefix("/bank", w.sim).ServeHTTP(rw, r)
			return
		}
		w.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url, w.client = server.URL, server.Client()
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	by := outbound.New(netip.MustParsePrefix("127.0.0.0/8"))
	var err error
	w.sim, err = pspsim.New(pspsim.Config{Public: w.url + "/bank", Key: "test_x", Token: "access_x", Now: w.now, Random: dbtest.Chance(9), HTTP: by, Fee: 29})
	w.must(err)
	v, err := vault.Parse([]byte("t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="))
	w.must(err)
	secret, err := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
	w.must(err)
	key, err := ledger.ReadKey(secret)
	w.must(err)
	w.must(d.LetClockMove(t.Context()))
	c := platform.Config{DB: d, Vault: v, LogKey: key, Operator: operator, Brand: page.Brand{Name: "Achteraf"}, Random: dbtest.Chance(3),
		Log: slog.New(slog.DiscardHandler), Mailer: w.box, MailDomain: "huis.example"}
	if button {
		c.PSP, c.PublicURL = mollie.New(w.url+"/bank/v2", "test_x", "access_x", by), w.url
	}
	for _, edit := range edits {
		edit(&c)
	}
	w.Platform, err = platform.New(c)
	w.must(err)
	w.write(func(ctx context.Context, tx *db.Tx) error {
		m, err := merchants.Add(ctx, tx, merchants.New{Slug: "shop", Name: "Loopschuur", LegalName: "Winkel B.V.", Country: "NL",
			Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000010",
			VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: "P",
			Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
			Contract: merchants.StandardContract(), Terms: merchants.TermsText{Version: "1"}})
		if err != nil {
			return err
		}
		if err := merchants.Activate(ctx, tx, m.ID); err != nil {
			return err
		}
		text, _, err := w.Access.MakeKey(ctx, tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
		if err == nil {
			w.secret = text
			w.key, err = access.Parse(text)
		}
		return err
	})
	return w
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

func (w *world) now() (at calendar.Instant) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error { at = tx.Now; return nil }))
	return at
}

// days lets days pass.
func (w *world) days(n int) {
	w.t.Helper()
	w.must(w.MoveTo(w.t.Context(), w.now().Add(time.Duration(n)*24*time.Hour)))
}

// sold is an order with the address of its pay page.
type sold struct {
	*invoices.Outcome
	path, token string
}

func (s sold) key() invoices.Key { return invoices.Key{Merchant: s.Order.Merchant, ID: s.Invoice.ID} }

// sell places an order of € 89,90 from a country.
func (w *world) sell(country string) sold {
	w.t.Helper()
	w.n++
	b := buyers.Buyer{Kind: buyers.Consumer, Email: fmt.Sprintf("sanne%d@example.org", w.n), Language: "nl", Name: buyers.Name{First: "Sanne", Last: "Zwanenveld"},
		BirthDate: calendar.NewDate(1990, 5, 1),
		Address:   buyers.Address{Street: "Dorpsstraat", HouseNumber: fmt.Sprint(w.n), Postcode: "1234 AB", City: "Buitenpost", Country: country}}
	if country == "BE" {
		b.Address.Postcode = "1000"
	}
	out := sold{Outcome: &invoices.Outcome{}}
	_, err := w.Intake.Place(w.t.Context(), invoices.Request{
		Credential: w.key, Key: fmt.Sprint("k", w.n), Route: "POST /v1/orders", Body: sha256.Sum256(fmt.Append(nil, w.n)),
		Order: orders.New{Reference: fmt.Sprint("LS-", w.n), Currency: "EUR", Prices: orders.InclVAT, TotalCents: 89_90,
			Lines: []orders.Line{{Reference: "A", Kind: "goods", Description: "Trailschoenen", Quantity: "1", UnitPriceCents: 89_90, VATPercent: "21"}}},
		Buyer: b,
		Render: func(o invoices.Outcome) (int, []byte, error) {
			*out.Outcome = o
			return 201, []byte("{}"), nil
		},
	})
	w.must(err)
	if out.Order == nil {
		w.t.Fatalf("declined: %+v", out.Decision)
	}
	out.token = w.Links.First(out.key())
	out.path = "/pay/" + out.token
	return out
}

// transfer brings money in at the bank.
func (w *world) transfer(o sold, cents int64) {
	w.t.Helper()
	w.sequence++
	issuer := "ISO"
	if len(o.Order.PaymentReference) == 12 {
		issuer = "BBA"
	}
	day := calendar.NewDate(2026, 11, 23)
	line := camt.Line{Cents: cents, Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", StructuredRef: o.Order.PaymentReference, StructuredIssuer: issuer,
		PartyName: "S. Zwanenveld", PartyIBAN: "NL20INGB0001234567", Ref: fmt.Sprintf("%016d", w.sequence), BookedOn: day, Entry: 1, Currency: "EUR"}
	s := camt.Statement{MessageID: fmt.Sprint("MSG-", w.sequence), ID: fmt.Sprint("STMT-", w.sequence), Sequence: w.sequence,
		Created: calendar.FromMicros(1_795_000_000_000_000), From: day, To: day, Page: 1, Last: true, IBAN: operator.ClientIBAN, Currency: "EUR",
		Opening: camt.Balance{Known: true, Cents: w.balance, On: day}}
	w.balance += cents
	s.Closing = camt.Balance{Known: true, Cents: w.balance, On: day}
	var file bytes.Buffer
	w.must(camt.Write(&file, camt.V08, s, slices.Values([]camt.Line{line})))
	r, err := w.Importer.File(w.t.Context(), bytes.NewReader(file.Bytes()), camt.Format(1<<20))
	w.must(err)
	if r.Matched != 1 {
		w.t.Fatalf("%+v", r)
	}
}

func (w *world) credit(o sold, cents int64) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Clerk.Credit(ctx, tx, invoices.CreditAsk{Merchant: o.Order.Merchant, Order: o.Order.ID, Cents: cents, Reason: "return"})
		return err
	})
}

func (w *world) hold(o sold, h invoices.Hold) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) error {
		h.Merchant, h.Invoice, h.SetBy, h.Reason = o.Order.Merchant, o.Invoice.ID, "usr_1", "test"
		_, err := invoices.SetHold(ctx, tx, h)
		return err
	})
}

// answered is what somebody got.
type answered struct {
	*httptest.ResponseRecorder
	body string
}

// ask sends a request as a browser does.
func (w *world) ask(method, path string, form url.Values, head ...string) answered {
	r := httptest.NewRequest(method, w.url+path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept-Language", "nl")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	return answered{rec, rec.Body.String()}
}

func (w *world) get(path string, head ...string) answered {
	return w.ask(http.MethodGet, path, nil, head...)
}

// press presses the bank button of a page on which an amount stood.
func (w *world) press(o sold, cents string) answered {
	return w.ask(http.MethodPost, o.path+"/bank", url.Values{"cents": {cents}})
}

// choose ends what the buyer does at the bank.
func (w *world) choose(checkout, choice string) (back string) {
	w.t.Helper()
	rec, err := w.client.PostForm(checkout, url.Values{"choice": {choice}})
	w.must(err)
	rec.Body.Close()
	if rec.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("the bank's page says %d", rec.StatusCode)
	}
	return strings.TrimPrefix(rec.Header.Get("Location"), w.url)
}
