package messages_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/messages"
	"achteraf/platform"
	"achteraf/providers/mailbox"
)

// world is a platform with one shop that mails into a box.
type world struct {
	*platform.Platform
	t    *testing.T
	box  *mailbox.Box
	key  string
	shop string
	n    int
}

func eachEngine(t *testing.T, f func(t *testing.T, w *world), settings ...func(*platform.Config)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d, settings...)) })
}

func newWorld(t *testing.T, d *db.DB, settings ...func(*platform.Config)) *world {
	t.Helper()
	w := &world{t: t, box: &mailbox.Box{}}
	v, err1 := vault.Parse([]byte("world AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
	secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
	key, err3 := ledger.ReadKey(secret)
	w.must(cmp.Or(err1, err2, err3))
	c := platform.Config{DB: d, Vault: v, LogKey: key, Operator: operator, Random: dbtest.Chance(3), Log: slog.New(slog.DiscardHandler),
		Mailer: w.box, MailDomain: "betaalhuis.example"}
	for _, set := range settings {
		set(&c)
	}
	var err error
	w.Platform, err = platform.New(c)
	w.must(err)
	w.must(d.LetClockMove(t.Context()))
	w.write(func(tx *db.Tx) error {
		m, err := merchants.Add(t.Context(), tx, merchants.New{Slug: "winkel", Name: "Winkel", LegalName: "Winkel B.V.", Country: "NL",
			Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000010",
			VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: "WINKEL",
			Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
			Contract: merchants.StandardContract(), Terms: merchants.TermsText{Version: "2026-01"}})
		if err != nil {
			return err
		}
		w.shop = m.ID
		if err := merchants.Activate(t.Context(), tx, m.ID); err != nil {
			return err
		}
		w.key, _, err = w.Access.MakeKey(t.Context(), tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
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

func (w *world) write(f func(*db.Tx) error) { w.t.Helper(); w.must(w.DB.Write(w.t.Context(), f)) }
func (w *world) read(f func(*db.Tx) error)  { w.t.Helper(); w.must(w.DB.Read(w.t.Context(), f)) }

// ordered is what the shop gets back.
type ordered struct {
	ID       string
	Invoices []struct{ ID string }
}

// place places an order of EUR 50.40 of a buyer whose first name and language are given.
func (w *world) place(first, language string) (o ordered) {
	w.t.Helper()
	w.n++
	name, err := json.Marshal(first)
	w.must(err)
	r := httptest.NewRequest(http.MethodPost, "/v1/orders", strings.NewReader(fmt.Sprintf(`{"reference":"P-%[1]d","currency":"EUR","prices":"incl_vat","total_cents":5040,
"lines":[{"reference":"A","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
"buyer":{"kind":"consumer","email":"koper%[1]d@example.org","language":%[3]q,"ip":"203.0.113.7","name":{"first":%[2]s,"last":"Koper"},"birth_date":"1985-03-01",
"address":{"street":"Dorpsstraat","house_number":"%[1]d","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`, w.n, name, language)))
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprint("key-", w.n))
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusCreated || !strings.Contains(rec.Body.String(), `"status":"accepted"`) {
		w.t.Fatalf("order: %d %s", rec.Code, rec.Body)
	}
	w.must(json.Unmarshal(rec.Body.Bytes(), &o))
	return o
}

// advance moves business time on; all that falls due on the way happens.
func (w *world) advance(by time.Duration) {
	w.t.Helper()
	var now calendar.Instant
	w.read(func(tx *db.Tx) error { now = tx.Now; return nil })
	w.must(w.MoveTo(w.t.Context(), now.Add(by)))
}

func (w *world) settle() { w.t.Helper(); w.must(w.Settle(w.t.Context())) }

// again tells a fact, or sends a message, once more.
func (w *world) again(kind, subject string) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		return jobs.Add(w.t.Context(), tx, []jobs.Due{{Kind: kind, Merchant: w.shop, Subject: subject}})
	})
	w.settle()
}

// pay lets money come in for an order.
func (w *world) pay(o ordered, cents int64) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		found, err := orderOf(w, tx, o)
		if err != nil {
			return err
		}
		_, err = w.Clerk.Apply(w.t.Context(), tx, []invoices.Money{{Order: found, Cents: cents, By: "bl_test"}})
		return err
	})
	w.settle()
}

func (w *world) credit(o ordered, cents int64) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		_, err := w.Clerk.Credit(w.t.Context(), tx, invoices.CreditAsk{Merchant: w.shop, Order: o.ID, Cents: cents, Reason: "return"})
		return err
	})
	w.settle()
}

// of returns the messages of an order.
func (w *world) of(o ordered) (all []messages.Message) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) { all, err = messages.OfOrder(w.t.Context(), tx, w.shop, o.ID); return err })
	return all
}

// told lists the codes and states of an order's messages.
func (w *world) told(o ordered) (all []string) {
	for _, m := range w.of(o) {
		all = append(all, m.Code+" "+string(m.State))
	}
	return all
}

func (w *world) wants(o ordered, want ...string) {
	w.t.Helper()
	if got := w.told(o); !slices.Equal(got, want) {
		w.t.Fatalf("messages %q, want %q", got, want)
	}
}

// mails counts what arrived.
func (w *world) mails(want int) []mailbox.Mail {
	w.t.Helper()
	all := w.box.Mails()
	if len(all) != want {
		for _, m := range all {
			w.t.Log(m.ID, m.Subject)
		}
		w.t.Fatalf("%d mails, want %d", len(all), want)
	}
	return all
}
