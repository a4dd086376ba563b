package reports_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/platform"
	"achteraf/providers/camt"
	"achteraf/reports"
)

var operator = merchants.Operator{Country: "NL", VATPercent: "21", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002",
	AccountName: "Voorbeeld Betaalservice", BIC: "ACHTNL2A"}

// world is a platform with two shops, the second of which alone starts its orders.
type world struct {
	*platform.Platform
	*reports.Reports
	t     *testing.T
	shops [2]merchants.Merchant
	keys  [2]access.Presented
	n     int

	sequence, balance int64
}

func eachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, Reports: reports.New(operator), balance: 1000_00}
	v, err := vault.Parse([]byte("t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="))
	w.must(err)
	secret, err := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
	w.must(err)
	key, err := ledger.ReadKey(secret)
	w.must(err)
	w.must(d.LetClockMove(t.Context()))
	w.Platform, err = platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Operator: operator, Random: dbtest.Chance(3), Log: slog.New(slog.DiscardHandler)})
	w.must(err)
	w.write(func(ctx context.Context, tx *db.Tx) error {
		for i, by := range []string{merchants.ByClock, merchants.ByCall} {
			c := merchants.StandardContract()
			c.StartBy = by
			m, err := merchants.Add(ctx, tx, merchants.New{Slug: fmt.Sprint("shop-", i), Name: []string{"Loopschuur", "Papier en Zo"}[i], LegalName: "Winkel B.V.", Country: "NL",
				Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: fmt.Sprint(90000010 + i),
				VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: fmt.Sprint("P", i),
				Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
				Contract: c, Terms: merchants.TermsText{Version: "1"}})
			if err != nil {
				return err
			}
			w.shops[i] = m
			if err := merchants.Activate(ctx, tx, m.ID); err != nil {
				return err
			}
			text, _, err := w.Access.MakeKey(ctx, tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
			if err != nil {
				return err
			}
			if w.keys[i], err = access.Parse(text); err != nil {
				return err
			}
		}
		return nil
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

func (w *world) read(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error { return f(w.t.Context(), tx) }))
}

// wish is what somebody orders.
type wish struct {
	email   string
	last    string // name; who the person is
	shop    int
	cents   int64
	what    string
	country string
}

func (q wish) buyer() buyers.Buyer {
	b := buyers.Buyer{Kind: buyers.Consumer, Email: q.email, Language: "nl", Name: buyers.Name{First: "Sanne", Last: q.last},
		BirthDate: calendar.NewDate(1990, 5, 1),
		Address:   buyers.Address{Street: "Dorpsstraat", HouseNumber: "1", Postcode: "1234 AB", City: "Voorbeeld", Country: "NL"}}
	if q.country == "BE" {
		b.Address.Country, b.Address.Postcode = "BE", "1000"
	}
	return b
}

// place places an order that is accepted.
func (w *world) place(q wish) *invoices.Outcome {
	w.t.Helper()
	out := w.attempt(q)
	if out.Order == nil {
		w.t.Fatalf("declined: %+v", out.Decision)
	}
	return out
}

// attempt asks for an order.
func (w *world) attempt(q wish) *invoices.Outcome {
	w.t.Helper()
	w.n++
	if q.what == "" {
		q.what = "Trailschoenen"
	}
	out := &invoices.Outcome{}
	_, err := w.Intake.Place(w.t.Context(), invoices.Request{
		Credential: w.keys[q.shop], Key: fmt.Sprint("k", w.n), Route: "POST /v1/orders", Body: sha256.Sum256(fmt.Append(nil, w.n)),
		Order: orders.New{Reference: fmt.Sprint("LS-", w.n), Currency: "EUR", Prices: orders.InclVAT, TotalCents: q.cents,
			Lines: []orders.Line{{Reference: "A", Kind: "goods", Description: q.what, Quantity: "1", UnitPriceCents: q.cents, VATPercent: "21"}}},
		Buyer: q.buyer(),
		Render: func(o invoices.Outcome) (int, []byte, error) {
			*out = o
			return 201, []byte("{}"), nil
		},
	})
	w.must(err)
	return out
}

func (w *world) now() (at calendar.Instant) {
	w.t.Helper()
	w.read(func(_ context.Context, tx *db.Tx) error { at = tx.Now; return nil })
	return at
}

// days lets days pass.
func (w *world) days(n int) {
	w.t.Helper()
	w.must(w.MoveTo(w.t.Context(), w.now().Add(time.Duration(n)*24*time.Hour)))
}

// pay brings money in at the bank.
func (w *world) pay(o *invoices.Outcome, cents int64) {
	w.t.Helper()
	w.sequence++
	issuer := "ISO"
	if len(o.Order.PaymentReference) == 12 {
		issuer = "BBA"
	}
	day := calendar.NewDate(2026, 11, 23)
	line := camt.Line{Cents: cents, Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", StructuredRef: o.Order.PaymentReference, StructuredIssuer: issuer,
		PartyName: "S. de Vries", PartyIBAN: "NL20INGB0001234567", Ref: fmt.Sprintf("%016d", w.sequence), BookedOn: day, Entry: 1, Currency: "EUR"}
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

func (w *world) credit(o *invoices.Outcome, cents int64) error {
	return w.DB.Write(w.t.Context(), func(tx *db.Tx) error {
		_, err := w.Clerk.Credit(w.t.Context(), tx, invoices.CreditAsk{Merchant: o.Order.Merchant, Order: o.Order.ID, Cents: cents, Reason: "return"})
		return err
	})
}

func (w *world) hold(o *invoices.Outcome, h invoices.Hold) (id string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) error {
		h.Merchant, h.Invoice, h.SetBy, h.Reason = o.Order.Merchant, o.Invoice.ID, "usr_1", "test"
		set, err := invoices.SetHold(ctx, tx, h)
		id = set.ID
		return err
	})
	return id
}

func (w *world) overview(ask reports.Ask, emails ...string) (v reports.Overview) {
	w.t.Helper()
	for _, e := range emails {
		ask.Handles = append(ask.Handles, w.Desk.EmailHandles(e)...)
	}
	w.read(func(ctx context.Context, tx *db.Tx) (err error) {
		v, err = w.Overview(ctx, tx, ask)
		return err
	})
	return v
}

func (w *world) bills(want reports.Want, email string) (v reports.List) {
	w.t.Helper()
	want.Handles = w.Desk.EmailHandles(email)
	w.read(func(ctx context.Context, tx *db.Tx) (err error) {
		v, err = w.Bills(ctx, tx, want)
		return err
	})
	return v
}

func (w *world) story(email, order string) (s *reports.Story, err error) {
	w.t.Helper()
	err = w.DB.Read(w.t.Context(), func(tx *db.Tx) (err error) {
		s, err = w.OrderStory(w.t.Context(), tx, w.Desk.EmailHandles(email), order)
		return err
	})
	return s, err
}

// sees lists the orders of an overview.
func sees(v reports.Overview) (ids []string) {
	for _, list := range [][]reports.Item{v.ToPay, v.Later, v.Done} {
		for _, x := range list {
			ids = append(ids, x.Order)
		}
	}
	slices.Sort(ids)
	return ids
}
