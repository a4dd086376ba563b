package invoices_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/risk"

	"log/slog"
)

// world is a platform's stages on one database, without HTTP.
type world struct {
	t       testing.TB
	d       *db.DB
	desk    *buyers.Desk
	access  *access.Access
	vault   *vault.Vault
	intake  *invoices.Intake
	clerk   *invoices.Clerk
	scanner *jobs.Scanner
	shop    merchants.Merchant
	key     access.Presented
	n       int
}

func eachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d)) })
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	v, err := vault.Parse([]byte("t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="))
	if err != nil {
		t.Fatal(err)
	}
	random := dbtest.Chance(7)
	policies, err := risk.Default()
	if err != nil {
		t.Fatal(err)
	}
	d.BeforeCommit(ledger.Commit)
	w := &world{t: t, d: d, vault: v, desk: buyers.NewDesk(v, random), access: access.New(v, random)}
	operator := merchants.Operator{Country: "NL", VATPercent: "21"}
	if w.clerk, err = invoices.NewClerk(w.desk, operator); err != nil {
		t.Fatal(err)
	}
	w.intake = invoices.NewIntake(d, w.access, w.desk, policies, orders.NewReferences(d, random))
	w.scanner = jobs.NewScanner(d, random, slog.New(slog.DiscardHandler))
	w.scanner.On(invoices.DueHoldEnd, 100, w.clerk.EndHolds)
	w.scanner.On(invoices.DueIssue, invoices.SliceSize, func(ctx context.Context, tx *db.Tx, due []jobs.Due) error {
		return w.clerk.Issue(ctx, tx, due) // a test may set another
	})
	w.scanner.On(invoices.DueOverdue, invoices.SliceSize, w.clerk.Overdue)
	w.scanner.On(invoices.DueLapse, 100, w.clerk.Lapse)
	if err := d.LetClockMove(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.shop, w.key = w.addShop("shop", merchants.StandardContract())
	return w
}

// addShop opens a shop with a contract and a key.
func (w *world) addShop(slug string, c merchants.Contract) (m merchants.Merchant, shown access.Presented) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		var err error
		w.n++
		m, err = merchants.Add(context.Background(), tx, merchants.New{Slug: slug, Name: "Winkel", LegalName: "Winkel B.V.", Country: "NL",
			Street: "Plein", HouseNumber: "1", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000002", VATID: "NL000099998B57",
			IBAN: "NL91ABNA0417164300", Language: "nl", InvoicePrefix: fmt.Sprintf("W%d", w.n),
			Contacts: []merchants.Contact{{Kind: "email", Value: "a@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
			Contract: c, Terms: merchants.TermsText{Version: "1"}})
		if err != nil {
			return err
		}
		if err := merchants.Activate(context.Background(), tx, m.ID); err != nil {
			return err
		}
		text, _, err := w.access.MakeKey(context.Background(), tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
		if err != nil {
			return err
		}
		shown, err = access.Parse(text)
		return err
	})
	return m, shown
}

func (w *world) write(f func(*db.Tx) error) {
	w.t.Helper()
	if err := w.d.Write(context.Background(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(f func(*db.Tx) error) {
	w.t.Helper()
	if err := w.d.Read(context.Background(), f); err != nil {
		w.t.Fatal(err)
	}
}

// request is the example order, changed by edit.
func (w *world) request(edit func(*invoices.Request)) (invoices.Request, *invoices.Outcome) {
	w.n++
	out := &invoices.Outcome{}
	r := invoices.Request{
		Credential: w.key, Key: fmt.Sprintf("k%d", w.n), Route: "POST /v1/orders", Body: sha256.Sum256(fmt.Append(nil, w.n)),
		Order: orders.New{Reference: fmt.Sprintf("R%d", w.n), Currency: "EUR", Prices: orders.InclVAT, TotalCents: 5040,
			Lines: []orders.Line{{Reference: "SKU-1", Kind: "goods", Description: "Running shoes", Quantity: "1", UnitPriceCents: 5040, VATPercent: "21"}}},
		Buyer: consumer(),
		Render: func(o invoices.Outcome) (int, []byte, error) {
			*out = o
			return 201, fmt.Appendf(nil, `{"attempt":%q,"class":%q}`, o.Attempt, o.Decision.Class), nil
		},
	}
	if edit != nil {
		edit(&r)
	}
	return r, out
}

func consumer() buyers.Buyer {
	return buyers.Buyer{Kind: buyers.Consumer, Email: "sanne@example.org", Language: "nl", Phone: "+31612345678", IP: "203.0.113.7",
		Name: buyers.Name{First: "Sanne", Last: "de Vries"}, BirthDate: calendar.NewDate(1990, 5, 1),
		Address: buyers.Address{Street: "Dorpsstraat", HouseNumber: "1", HouseNumberSuffix: "A", Postcode: "1234 AB", City: "Voorbeeld", Country: "NL"}}
}

func company() buyers.Buyer {
	b := consumer()
	b.Kind, b.BirthDate = buyers.Company, calendar.Date{}
	b.Company = &buyers.Firm{Name: "Voorbeeld B.V.", RegistrationNumber: "90000003"}
	return b
}

// place places a request and fails the test on any error.
func (w *world) place(edit func(*invoices.Request)) *invoices.Outcome {
	w.t.Helper()
	r, out := w.request(edit)
	if _, err := w.intake.Place(context.Background(), r); err != nil {
		w.t.Fatalf("place: %v", err)
	}
	return out
}

// sum makes the only line of a request cost this much.
func sum(r *invoices.Request, cents int64) {
	r.Order.TotalCents, r.Order.Lines[0].UnitPriceCents = cents, cents
}

// advance moves business time on and runs what is due at each moment on the way.
func (w *world) advance(days int) {
	w.t.Helper()
	ctx := context.Background()
	var to calendar.Instant
	w.read(func(tx *db.Tx) error { to = tx.Now.Add(24 * 3600 * 1e9 * 1); return nil })
	for range days {
		if err := w.d.MoveClock(ctx, to); err != nil {
			w.t.Fatal(err)
		}
		if err := w.scanner.RunUntilIdle(ctx); err != nil {
			w.t.Fatal(err)
		}
		to = to.Add(24 * 3600 * 1e9)
	}
}

func (w *world) invoice(o *invoices.Outcome) (v invoices.Invoice) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) {
		v, err = invoices.One(context.Background(), tx, o.Order.Merchant, o.Invoice.ID)
		return err
	})
	return v
}
