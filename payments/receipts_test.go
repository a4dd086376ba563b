package payments_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/payments"
	"achteraf/platform"
	"achteraf/providers/mailbox"
	"achteraf/verify"
)

// counter is a whole platform with one shop that mails into a box.
type counter struct {
	*platform.Platform
	t    *testing.T
	box  *mailbox.Box
	shop string
	key  string
	n    int
}

// eachCounter runs f on each engine; in the end every balance must fit.
func eachCounter(t *testing.T, f func(w *counter)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := &counter{t: t, box: &mailbox.Box{}}
		v, err1 := vault.Parse([]byte("world AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
		secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
		key, err3 := ledger.ReadKey(secret)
		w.must(cmp.Or(err1, err2, err3))
		var err error
		w.Platform, err = platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Random: dbtest.Chance(3), Log: slog.New(slog.DiscardHandler),
			Operator: merchants.Operator{Name: "Betaalhuis", LegalName: "Betaalhuis B.V.", Country: "NL", VATPercent: "21", ClientIBAN: clientIBAN, OwnIBAN: ownIBAN},
			Mailer:   w.box, MailDomain: "betaalhuis.example"})
		w.must(err)
		w.must(d.LetClockMove(t.Context()))
		w.write(func(tx *db.Tx) error {
			m, err := merchants.Add(t.Context(), tx, merchants.New{Slug: "winkel", Name: "Winkel", LegalName: "Winkel B.V.", Country: "NL",
				Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000010",
				VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: "W",
				Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
				Contract: merchants.StandardContract(), Terms: merchants.TermsText{Version: "1"}})
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
		f(w)
		w.must(w.Settle(t.Context()))
		_, err = verify.Run(t.Context(), d, verify.Options{PublicKey: w.LogKey.Public})
		w.must(err)
	})
}

func (w *counter) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *counter) write(f func(*db.Tx) error) { w.t.Helper(); w.must(w.DB.Write(w.t.Context(), f)) }

// place places an order of EUR 50.40 and returns its id.
func (w *counter) place() string {
	w.t.Helper()
	w.n++
	r := httptest.NewRequest(http.MethodPost, "/v1/orders", strings.NewReader(fmt.Sprintf(`{"reference":"P-%[1]d","currency":"EUR","prices":"incl_vat","total_cents":5040,
"lines":[{"reference":"A","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
"buyer":{"kind":"consumer","email":"koper%[1]d@example.org","language":"nl","ip":"203.0.113.7","name":{"first":"Jo","last":"Koper%[1]d"},"birth_date":"1985-03-01",
"address":{"street":"Dorpsstraat","house_number":"%[1]d","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`, w.n)))
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprint("key-", w.n))
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	var o struct{ ID, Status string }
	body, _ := io.ReadAll(rec.Body)
	if w.must(json.Unmarshal(body, &o)); o.Status != "accepted" {
		w.t.Fatalf("%d %s", rec.Code, body)
	}
	return o.ID
}

func (w *counter) days(n int) {
	w.t.Helper()
	var to = w.DB.Wall()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error { to = tx.Now.Add(time.Duration(n) * 24 * time.Hour); return nil }))
	w.must(w.MoveTo(w.t.Context(), to))
}

func (w *counter) report(order string, cents int64) (r payments.Receipt, err error) {
	err = w.DB.Write(w.t.Context(), func(tx *db.Tx) error {
		r, err = w.Receipts.Report(w.t.Context(), tx, payments.ToShop{Merchant: w.shop, Order: order, Cents: cents, Description: "cash", By: "key_1"})
		return err
	})
	return r, err
}

func (w *counter) reported(order string, cents int64) payments.Receipt {
	w.t.Helper()
	r, err := w.report(order, cents)
	w.must(err)
	return r
}

func (w *counter) reverse(id string) error {
	return w.DB.Write(w.t.Context(), func(tx *db.Tx) error {
		_, err := w.Receipts.Reverse(w.t.Context(), tx, w.shop, id, "key_1")
		return err
	})
}

func (w *counter) invoice(order string) (v invoices.Invoice) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		of, err := invoices.OfOrders(w.t.Context(), tx, []invoices.Key{{Merchant: w.shop, ID: order}})
		v = of[0][0]
		return err
	}))
	return v
}

// wants holds an invoice's status and amounts.
func (w *counter) wants(order string, status invoices.Status, open, paid, held int64) {
	w.t.Helper()
	if v := w.invoice(order); v.Status != status || v.OpenCents != open || v.PaidCents != paid || v.HeldCents != held {
		w.t.Errorf("invoice is %s, open %d, paid %d, held %d; want %s, %d, %d, %d", v.Status, v.OpenCents, v.PaidCents, v.HeldCents, status, open, paid, held)
	}
}

func (w *counter) balance(code, subject string) (cents int64) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(w.t.Context(), `select cast(coalesce(sum(cents), 0) as bigint) from postings where code = $1 and subject = $2`, []any{code, subject}, &cents)
	}))
	return cents
}

// TestPaidToShop_S_PAY_12: the shop says that it was paid; the buyer owes less at once, the shop gets less, the buyer
// is free to order again, and the mail says who received the money.
func TestPaidToShop_S_PAY_12(t *testing.T) {
	eachCounter(t, func(w *counter) {
		order := w.place()
		w.days(30) // late
		if v := w.invoice(order); !v.Overdue {
			t.Fatalf("%+v", v)
		}
		pending := w.balance("merchant/pending", "")
		w.reported(order, 2000)
		w.wants(order, invoices.Open, 3040, 2000, 0)
		w.reported(order, 3040)
		w.wants(order, invoices.Paid, 0, 5040, 0)
		v := w.invoice(order)
		if v.Overdue || w.balance("merchant/pending", "")-pending != 5040 || w.balance("buyer/principal", v.ID) != 0 {
			t.Errorf("overdue %v, pending %d, was %d", v.Overdue, w.balance("merchant/pending", ""), pending)
		}
		w.must(w.Settle(w.t.Context()))
		mails := w.box.Mails()
		last := mails[len(mails)-1]
		if !strings.Contains(last.Text, "Winkel zelf € 50,40 ontvangen") && !strings.Contains(last.Text, "zelf €\u00a050,40 ontvangen") || strings.Contains(last.Text, "binnen") {
			t.Errorf("the mail says %s\n%s", last.Subject, last.Text)
		}
	})
}

// Before the issue the money waits for the invoice, which then asks for the rest.
func TestPaidToShopBeforeIssue(t *testing.T) {
	eachCounter(t, func(w *counter) {
		order := w.place()
		w.reported(order, 5000)
		w.wants(order, invoices.Planned, 5040, 0, 5000)
		if _, err := w.report(order, 41); !fault.Is(err, "payment-amount") {
			t.Errorf("more than is left: %v", err)
		}
		w.days(4)
		w.wants(order, invoices.Open, 40, 5000, 0)
	})
}

func TestPaidToShopRefused(t *testing.T) {
	eachCounter(t, func(w *counter) {
		order, cancelled := w.place(), w.place()
		w.days(4)
		w.reported(order, 40)
		if _, err := w.report(order, 5001); !fault.Is(err, "payment-amount") || fault.As(err).Fields[0].Pointer != "#/amount_cents" {
			t.Errorf("more than is open: %v", err)
		}
		w.write(func(tx *db.Tx) error {
			_, err := w.Clerk.Credit(t.Context(), tx, invoices.CreditAsk{Merchant: w.shop, Order: cancelled, Reason: "cancellation"})
			return err
		})
		if _, err := w.report(cancelled, 1); !fault.Is(err, "invoice-settled") {
			t.Errorf("a credited one: %v", err)
		}
		if _, err := w.report("ord_none", 1); !fault.Is(err, "order") {
			t.Errorf("none: %v", err)
		}
		w.wants(order, invoices.Open, 5000, 40, 0)
	})
}

// TestPaidToShopReversed: what a report did is undone, whatever happened since; a settled invoice is due anew.
func TestPaidToShopReversed(t *testing.T) {
	eachCounter(t, func(w *counter) {
		order := w.place()
		w.days(30)
		r := w.reported(order, 5040)
		w.days(1)
		w.must(w.reverse(r.ID))
		w.wants(order, invoices.Open, 5040, 0, 0)
		v := w.invoice(order)
		if fresh := v.IssuedOn.AddDays(31 - 3 + 16); v.DueOn.Compare(fresh) != 0 || v.Overdue {
			t.Errorf("due on %s, want %s; overdue %v", v.DueOn, fresh, v.Overdue)
		}
		if err := w.reverse(r.ID); !fault.Is(err, "payment-reversed") {
			t.Errorf("twice: %v", err)
		}
		if err := w.reverse("rcp_none"); !fault.Is(err, "payment") {
			t.Errorf("none: %v", err)
		}
		w.days(30)
		if v := w.invoice(order); !v.Overdue {
			t.Error("never late again")
		}

		// paid at both: the money at the bank pays
		both := w.place()
		w.days(4)
		r = w.reported(both, 5040)
		w.write(func(tx *db.Tx) error {
			o, err := orders.One(t.Context(), tx, w.shop, both)
			if err != nil {
				return err
			}
			_, err = w.Clerk.Apply(t.Context(), tx, []invoices.Money{{Order: o, Cents: 5040, By: "bl_x"}})
			if err != nil {
				return err
			}
			return ledger.Post(t.Context(), tx, ledger.Entry{Merchant: w.shop, Key: "x", Kind: "test", Currency: "EUR", Legs: []ledger.Leg{
				{Code: ledger.MerchantPayable, Cents: 5040}, {Code: ledger.BuyerCredit, Subject: both, Cents: -5040}}})
		})
		w.wants(both, invoices.Paid, 0, 5040, 5040)
		w.must(w.reverse(r.ID))
		w.wants(both, invoices.Paid, 0, 5040, 0)

		// cancelled before it started
		gone := w.place()
		r = w.reported(gone, 1000)
		w.write(func(tx *db.Tx) error { return w.Clerk.Cancel(t.Context(), tx, w.shop, gone) })
		w.wants(gone, invoices.Cancelled, 0, 0, 1000)
		w.must(w.reverse(r.ID))
		w.wants(gone, invoices.Cancelled, 0, 0, 0)
	})
}

// Several programs of the shop report the same money at once: never more than is open is booked.
func TestPaidToShopAtOnce(t *testing.T) {
	eachCounter(t, func(w *counter) {
		order := w.place()
		w.days(4)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := w.report(order, 2000); err != nil && !fault.Is(err, "payment-amount") {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.wants(order, invoices.Open, 1040, 4000, 0)
	})
}

// The shop's words may name somebody: they are sealed, and read back.
func TestReceiptWordsAreSealed(t *testing.T) {
	eachCounter(t, func(w *counter) {
		order := w.place()
		r := w.reported(order, 1000)
		w.must(w.DB.Read(t.Context(), func(tx *db.Tx) error {
			var raw []byte
			if err := tx.QueryRow(t.Context(), `select description from shop_receipts where id = $1`, []any{r.ID}, &raw); err != nil || strings.Contains(string(raw), "cash") {
				t.Errorf("stored as %q, %v", raw, err)
			}
			all, err := w.Receipts.OfOrder(t.Context(), tx, w.shop, order)
			if len(all) != 1 || all[0].Description != "cash" || all[0].PaidOn.IsZero() {
				t.Errorf("%+v", all)
			}
			return err
		}))
	})
}
