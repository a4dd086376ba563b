package invoices_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/invoices"
)

func (w *world) hold(out *invoices.Outcome, days int64) (h invoices.Hold, err error) {
	err = w.d.Write(context.Background(), func(tx *db.Tx) error {
		h, err = w.clerk.Hold(context.Background(), tx, invoices.Pause{Merchant: w.shop.ID, Order: out.Order.ID, Days: days, By: "key_1"})
		return err
	})
	return h, err
}

func (w *world) resume(out *invoices.Outcome) error {
	return w.d.Write(context.Background(), func(tx *db.Tx) error {
		return w.clerk.Resume(context.Background(), tx, w.shop.ID, out.Order.ID, "key_1")
	})
}

func (w *world) held(out *invoices.Outcome) (all []invoices.Hold) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		of, err := invoices.HoldsOf(context.Background(), tx, []invoices.Key{{Merchant: w.shop.ID, ID: out.Invoice.ID}})
		all = of[0]
		return err
	})
	return all
}

// happened lists the kinds of events about an order.
func (w *world) happened(out *invoices.Outcome) (kinds []string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		all, err := events.All(context.Background(), tx, "", 1000)
		for _, e := range all {
			if e.Subject == out.Order.ID {
				kinds = append(kinds, e.Kind)
			}
		}
		return err
	})
	return kinds
}

// A hold before the issue keeps the invoice back until its days are over.
func TestShopHoldsBeforeIssue(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(nil)
		h, err := w.hold(out, 5)
		if err != nil || h.Until.Sub(h.From) != 5*24*time.Hour || h.Kind != invoices.ByShop || h.Reason != "other" {
			t.Fatalf("%+v %v", h, err)
		}
		w.advance(4)
		if v := w.invoice(out); v.Status != invoices.Planned || len(w.held(out)) != 1 {
			t.Errorf("on hold: %+v, holds %v", v, w.held(out))
		}
		w.advance(2)
		if v := w.invoice(out); v.Status != invoices.Open || len(w.held(out)) != 0 {
			t.Errorf("after its days: %+v, holds %v", v, w.held(out))
		}
		if got := w.happened(out); !slices.Equal(got, []string{"order.accepted", "order.held", "order.resumed", "order.started"}) {
			t.Errorf("events %q", got)
		}
	})
}

// A new hold takes the place of the shop's old one, shorter or longer, and of nobody else's.
func TestShopHoldReplacesAndResumes(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(nil)
		w.advance(3)
		w.write(func(tx *db.Tx) error {
			_, err := invoices.SetHold(context.Background(), tx, invoices.Hold{Merchant: w.shop.ID, Invoice: out.Invoice.ID, Kind: "dispute", SetBy: "usr_1", Reason: "quality"})
			return err
		})
		for _, days := range []int64{14, 2} {
			if _, err := w.hold(out, days); err != nil {
				t.Fatal(err)
			}
			all := w.held(out)
			if len(all) != 2 || all[0].Kind != "dispute" || all[1].Until.Sub(all[1].From) != time.Duration(days)*24*time.Hour {
				t.Errorf("%d days: %+v", days, all)
			}
		}
		w.read(func(tx *db.Tx) error {
			s, err := invoices.Stops(context.Background(), tx, invoices.Key{Merchant: w.shop.ID, ID: out.Invoice.ID}, invoices.Dunning)
			if !s.Whole {
				t.Error("reminders go on")
			}
			return err
		})
		if err := w.resume(out); err != nil || len(w.held(out)) != 1 {
			t.Errorf("resume: %v, holds %v", err, w.held(out))
		}
		if err := w.resume(out); !fault.Is(err, "hold-lifted") {
			t.Errorf("resume what is not held: %v", err)
		}
		w.advance(3) // the days of the holds that ended early change nothing
		if got := w.happened(out); !slices.Equal(got[len(got)-3:], []string{"order.held", "order.held", "order.resumed"}) {
			t.Errorf("events %q", got)
		}
	})
}

func TestShopHoldRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(nil)
		for _, days := range []int64{-1, 0, 15} {
			if _, err := w.hold(out, days); !fault.Is(err, "fields") || fault.As(err).Fields[0].Pointer != "#/days" {
				t.Errorf("%d days: %v", days, err)
			}
		}
		w.advance(3)
		w.pay(out, 5040)
		if _, err := w.hold(out, 3); !fault.Is(err, "hold-not-possible") {
			t.Errorf("a paid one: %v", err)
		}
		for name, p := range map[string]invoices.Pause{
			"fields": {Merchant: w.shop.ID, Order: out.Order.ID, Days: 1, Reason: "because", By: "key_1"},
			"order":  {Merchant: "mer_other", Order: out.Order.ID, Days: 1, By: "key_1"},
		} {
			err := w.d.Write(context.Background(), func(tx *db.Tx) error {
				_, err := w.clerk.Hold(context.Background(), tx, p)
				return err
			})
			if !fault.Is(err, name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(w.held(out)); n != 0 {
			t.Errorf("%d holds", n)
		}
	})
}

// Several orders in one transaction: one that is refused leaves the others.
func TestShopHoldsSeveralAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		paid := w.place(nil)
		w.advance(3)
		w.pay(paid, 5040)
		var all []*invoices.Outcome
		for i := range 3 {
			all = append(all, w.place(func(r *invoices.Request) { r.Buyer.Email = fmt.Sprintf("b%d@example.org", i) }))
		}
		w.write(func(tx *db.Tx) error {
			for _, out := range append(all, paid) {
				_, err := w.clerk.Hold(context.Background(), tx, invoices.Pause{Merchant: w.shop.ID, Order: out.Order.ID, Days: 1, By: "key_1"})
				if (err != nil) != (out == paid) {
					t.Errorf("%s: %v", out.Order.Reference, err)
				}
			}
			return nil
		})
		for _, out := range all {
			if len(w.held(out)) != 1 {
				t.Errorf("%s is not held", out.Order.Reference)
			}
		}
	})
}
