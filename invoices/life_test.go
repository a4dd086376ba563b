package invoices_test

import (
	"context"
	"fmt"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/risk"
)

func (w *world) credit(out *invoices.Outcome, ask invoices.CreditAsk) (n invoices.Credit, err error) {
	ask.Merchant, ask.Order = out.Order.Merchant, out.Order.ID
	if ask.Reason == "" {
		ask.Reason = "return"
	}
	err = w.d.Write(context.Background(), func(tx *db.Tx) error {
		n, err = w.clerk.Credit(context.Background(), tx, ask)
		return err
	})
	return n, err
}

func (w *world) pay(out *invoices.Outcome, cents int64) (a invoices.Applied) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		list, err := w.clerk.Apply(context.Background(), tx, []invoices.Money{{Order: *out.Order, Cents: cents, By: "bl_test"}})
		if err == nil {
			a = list[0]
		}
		return err
	})
	return a
}

// balance sums the journal of an account's subject.
func (w *world) balance(code, subject string) (cents int64) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		return tx.QueryRow(context.Background(), `select cast(coalesce(sum(cents), 0) as bigint) from postings where code = $1 and subject = $2`, []any{code, subject}, &cents)
	})
	return cents
}

func TestIssueEntryAndFee(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(nil)
		w.advance(3)
		// 2.50 % of 50.40 is 1.26, and 0.25: 1.51; 21 % VAT on it is 0.32
		for account, want := range map[string]int64{"merchant/pending": -5040 + 151 + 32, "income/merchant-fees": -151, "tax/vat": -32} {
			if got := w.balance(account, ""); got != want {
				t.Errorf("%s holds %d, want %d", account, got, want)
			}
		}
		if got := w.balance("buyer/principal", out.Invoice.ID); got != 5040 {
			t.Errorf("principal %d", got)
		}
	})
}

func TestCredits(t *testing.T) {
	cases := []struct {
		name     string
		pay      int64
		issued   bool
		ask      invoices.CreditAsk
		cents    int64
		open     int64
		held     int64
		status   invoices.Status
		numbered bool
	}{
		{"in full, before payment", 0, true, invoices.CreditAsk{}, 5040, 0, 0, invoices.Credited, true},
		{"in full, after payment", 5040, true, invoices.CreditAsk{}, 5040, 0, 5040, invoices.Credited, true},
		{"an amount, open", 0, true, invoices.CreditAsk{Cents: 1000}, 1000, 4040, 0, invoices.Open, true},
		{"an amount above what is open", 4500, true, invoices.CreditAsk{Cents: 1000}, 1000, 0, 460, invoices.Paid, true},
		{"before issue", 0, false, invoices.CreditAsk{Cents: 40}, 40, 5000, 0, invoices.Planned, false},
		{"in full before issue", 0, false, invoices.CreditAsk{}, 5040, 0, 0, invoices.Credited, false},
		{"a line", 0, true, invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 1, Quantity: "1"}}}, 5040, 0, 0, invoices.Credited, true},
	}
	eachEngine(t, func(t *testing.T, w *world) {
		for i, c := range cases {
			out := w.place(func(r *invoices.Request) {
				r.Buyer.Email, r.Buyer.Phone = fmt.Sprintf("buyer%d@example.org", i), ""
				r.Buyer.Name.Last = fmt.Sprintf("Buyer %d", i)
			})
			if c.issued {
				w.advance(3)
			}
			if c.pay > 0 {
				w.pay(out, c.pay)
			}
			n, err := w.credit(out, c.ask)
			v := w.invoice(out)
			if err != nil || n.Cents != c.cents || v.OpenCents != c.open || v.HeldCents != c.held || v.Status != c.status || (n.Number != "") != c.numbered {
				t.Errorf("%s: %+v, invoice %+v, %v", c.name, n, v, err)
			}
		}
	})
}

// What was credited before issue is never claimed, and money that came before is used at issue.
func TestIssueAfterCreditAndPrepayment(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(nil)
		if _, err := w.credit(out, invoices.CreditAsk{Cents: 40}); err != nil {
			t.Fatal(err)
		}
		if a := w.pay(out, 1000); a.Principal != 0 || a.Credit != 1000 {
			t.Fatalf("paid before issue: %+v", a)
		}
		w.advance(3)
		v := w.invoice(out)
		if v.Status != invoices.Open || v.OpenCents != 4000 || v.PaidCents != 1000 || v.CreditedCents != 40 || v.HeldCents != 0 {
			t.Errorf("%+v", v)
		}
		if got := w.balance("buyer/principal", v.ID); got != 4000 {
			t.Errorf("principal %d", got)
		}
	})
}

func TestCreditRefusals(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(nil)
		w.advance(3)
		for code, ask := range map[string]invoices.CreditAsk{
			"credit-amount": {Cents: 5041}, "credit-reason": {Cents: 1, Reason: "because"},
			"credit-both":  {Cents: 1, Lines: []invoices.CreditLine{{Line: 1, Quantity: "1"}}},
			"credit-lines": {Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}}},
		} {
			if _, err := w.credit(out, ask); !fault.Is(err, code) {
				t.Errorf("%s: %v", code, err)
			}
		}
		line := invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 1, Quantity: "0.6"}}}
		if _, err := w.credit(out, line); err != nil {
			t.Fatal(err)
		}
		if _, err := w.credit(out, line); !fault.Is(err, "credit-lines") {
			t.Errorf("more of a line than was sold: %v", err)
		}
	})
}

// Only the shop may start; it does not, and the order lapses: nothing is ever due, and the limit is free.
func TestLapse(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		c := merchants.StandardContract()
		c.StartBy = merchants.ByCall
		_, key := w.addShop("by-call", c)
		lapses := w.place(func(r *invoices.Request) { r.Credential = key })
		started := w.place(func(r *invoices.Request) { r.Credential = key; sum(r, 10_00) })
		w.advance(5)
		if v := w.invoice(started); v.Status != invoices.Planned {
			t.Fatalf("issued without the shop's start: %+v", v)
		}
		w.write(func(tx *db.Tx) error {
			return w.clerk.Start(context.Background(), tx, started.Order.Merchant, started.Order.ID)
		})
		w.advance(1)
		if v := w.invoice(started); v.Status != invoices.Open {
			t.Errorf("started on day 5: %+v", v)
		}
		w.advance(13)
		w.pay(started, 10_00)
		w.advance(12)
		var o orders.Order
		w.read(func(tx *db.Tx) (err error) {
			o, err = orders.One(context.Background(), tx, lapses.Order.Merchant, lapses.Order.ID)
			return err
		})
		if v := w.invoice(lapses); o.State != orders.Lapsed || v.Status != invoices.Cancelled || v.OpenCents != 0 {
			t.Errorf("order %s, invoice %+v", o.State, v)
		}
		if again := w.place(func(r *invoices.Request) { sum(r, 750_00) }); again.Decision.Class != risk.Accepted {
			t.Errorf("the limit is not free again: %+v", again.Decision)
		}
	})
}

// The goods of ten orders are on their way: their invoices come today and not on their days, but through no hold.
func TestSendAll_S_PAY_12(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		var keys []orders.Key
		var of []*invoices.Outcome
		for range 10 {
			o := w.place(func(r *invoices.Request) { sum(r, 5_00) })
			of, keys = append(of, o), append(keys, orders.Key{Merchant: w.shop.ID, ID: o.Order.ID})
		}
		var h invoices.Hold
		w.write(func(tx *db.Tx) (err error) {
			h, err = invoices.SetHold(ctx, tx, invoices.Hold{Merchant: w.shop.ID, Invoice: of[9].Invoice.ID, Kind: "merchant", SetBy: "shop", Reason: "asked"})
			return err
		})
		var out []invoices.Starting
		send := func(list ...orders.Key) {
			w.write(func(tx *db.Tx) (err error) { out, err = w.clerk.SendAll(ctx, tx, list); return err })
			if err := w.scanner.RunUntilIdle(ctx); err != nil {
				t.Fatal(err)
			}
		}
		send(append(keys, orders.Key{Merchant: w.shop.ID, ID: "ord_none"}, keys[0])...)
		for i, o := range of {
			v := w.invoice(o)
			if want := i < 9; out[i].Err != nil || (v.Status == invoices.Open) != want || v.SendOn != o.Order.PlacedOn {
				t.Errorf("order %d: %v, %+v", i, out[i].Err, v)
			}
		}
		if !fault.Is(out[10].Err, "order") || out[11].Err != nil || out[11].Was != orders.Started {
			t.Errorf("%+v", out[10:])
		}
		w.write(func(tx *db.Tx) error { return invoices.LiftHold(ctx, tx, w.shop.ID, h.ID, "shop") })
		send(keys[9])
		if v := w.invoice(of[9]); v.Status != invoices.Open || out[0].Was != orders.Started {
			t.Errorf("after the hold: %+v", v)
		}
		later := w.place(func(r *invoices.Request) { sum(r, 5_00) })
		w.write(func(tx *db.Tx) error { return w.clerk.Start(ctx, tx, w.shop.ID, later.Order.ID) })
		if v := w.invoice(later); v.Status != invoices.Planned || v.SendOn != later.Order.PlacedOn.AddDays(3) {
			t.Errorf("a start that keeps the day: %+v", v)
		}
	})
}

// Nothing is sent through a hold; when it ends, the invoice goes out.
func TestHoldStopsSending(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		out := w.place(nil)
		var h invoices.Hold
		w.write(func(tx *db.Tx) (err error) {
			h, err = invoices.SetHold(ctx, tx, invoices.Hold{Merchant: w.shop.ID, Invoice: out.Invoice.ID, Kind: "delay", SetBy: "shop", Reason: "late-delivery"})
			return err
		})
		w.advance(10)
		if v := w.invoice(out); v.Status != invoices.Planned {
			t.Fatalf("sent through a hold: %+v", v)
		}
		w.write(func(tx *db.Tx) error { return invoices.LiftHold(ctx, tx, w.shop.ID, h.ID, "shop") })
		w.advance(1)
		if v := w.invoice(out); v.Status != invoices.Open || v.DueOn != v.IssuedOn.AddDays(16) {
			t.Errorf("after the hold: %+v", v)
		}
		err := w.d.Write(ctx, func(tx *db.Tx) error { return invoices.LiftHold(ctx, tx, w.shop.ID, h.ID, "shop") })
		if !fault.Is(err, "hold-lifted") {
			t.Errorf("lifted twice: %v", err)
		}
	})
}

// A hold with an end lets go by itself; one on part of the amount does not stop the whole.
func TestHoldEndsAndParts(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		out := w.place(nil)
		w.write(func(tx *db.Tx) error {
			_, err := invoices.SetHold(ctx, tx, invoices.Hold{Merchant: w.shop.ID, Invoice: out.Invoice.ID, Kind: "delay",
				Until: tx.Now.Add(6 * 24 * 3600 * 1e9), SetBy: "shop", Reason: "late-delivery"})
			if err == nil {
				_, err = invoices.SetHold(ctx, tx, invoices.Hold{Merchant: w.shop.ID, Invoice: out.Invoice.ID, Kind: "return", AmountCents: 1000, SetBy: "buyer", Reason: "return"})
			}
			return err
		})
		w.advance(5)
		if v := w.invoice(out); v.Status != invoices.Planned {
			t.Fatalf("sent through a hold: %+v", v)
		}
		w.advance(2)
		v := w.invoice(out)
		if v.Status != invoices.Open {
			t.Fatalf("after the hold: %+v", v)
		}
		w.read(func(tx *db.Tx) error {
			stop, err := invoices.Stops(ctx, tx, invoices.Key{Merchant: w.shop.ID, ID: v.ID}, invoices.Dunning)
			if err != nil || stop.Whole || stop.Cents != 1000 {
				t.Errorf("stop %+v, %v", stop, err)
			}
			return nil
		})
	})
}

// Numbers follow each other without gaps, each series its own.
func TestNumbersHaveNoGaps(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		_, key := w.addShop("second", merchants.StandardContract())
		var outs []*invoices.Outcome
		for i := range 12 {
			outs = append(outs, w.place(func(r *invoices.Request) {
				sum(r, 10_00)
				if i%3 == 0 {
					r.Credential = key
				}
			}))
		}
		w.advance(3)
		seen := map[string]bool{}
		for _, o := range outs {
			seen[w.invoice(o).Number] = true
		}
		for n := 1; n <= 8; n++ {
			if !seen[fmt.Sprintf("W1-2026-%06d", n)] {
				t.Errorf("number %d of the first shop is missing in %v", n, seen)
			}
		}
		if len(seen) != 12 {
			t.Errorf("%d numbers for 12 invoices", len(seen))
		}
	})
}
