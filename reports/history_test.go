package reports_test

import (
	"context"
	"slices"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/payments"
	"achteraf/reports"
)

// TestHistory: the shop reads what happened, in true order, from the rows alone; the buyer reads the same but for
// what was written to them.
func TestHistory(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place(wish{email: "a@example.org", last: "Jansen", shop: 0, cents: 5000})
		w.days(4)
		w.write(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Clerk.Hold(ctx, tx, invoices.Pause{Merchant: o.Order.Merchant, Order: o.Order.ID, Days: 2, Reason: "return", By: "key_1"})
			return err
		})
		w.days(3)
		w.write(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Clerk.Credit(ctx, tx, invoices.CreditAsk{Merchant: o.Order.Merchant, Order: o.Order.ID, Cents: 1000, Reason: "return"})
			return err
		})
		w.days(1)
		w.write(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Receipts.Report(ctx, tx, payments.ToShop{Merchant: o.Order.Merchant, Order: o.Order.ID, Cents: 4000, By: "key_1"})
			return err
		})
		var all []reports.Moment
		w.read(func(ctx context.Context, tx *db.Tx) (err error) {
			all, err = w.History(ctx, tx, o.Order.Merchant, o.Order.ID)
			return err
		})
		var kinds []string
		var owed []int64
		for i, m := range all {
			kinds, owed = append(kinds, m.Kind), append(owed, m.OwedCents)
			if i > 0 && m.At.Before(all[i-1].At) {
				t.Errorf("%s comes after its time", m.Kind)
			}
		}
		want := []string{reports.Ordered, reports.Invoiced, reports.HoldSet, reports.HoldEnded, reports.Credited, reports.ToShop}
		if !slices.Equal(kinds, want) || !slices.Equal(owed, []int64{0, 5000, 5000, 5000, 4000, 0}) {
			t.Errorf("history %q, owed %v", kinds, owed)
		}
		w.read(func(ctx context.Context, tx *db.Tx) error {
			if _, err := w.History(ctx, tx, w.shops[1].ID, o.Order.ID); !fault.Is(err, "order") {
				t.Errorf("another shop reads %v", err)
			}
			return nil
		})
	})
}

// TestStandings: each word is answered in its place; exact first, then without regard to capitals; never another shop's.
func TestStandings(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.place(wish{email: "a@example.org", last: "Jansen", shop: 0, cents: 5000})
		w.days(4)
		b := w.place(wish{email: "b@example.org", last: "Peters", shop: 0, cents: 300})
		other := w.place(wish{email: "c@example.org", last: "Claes", shop: 1, cents: 300})
		w.write(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Clerk.Hold(ctx, tx, invoices.Pause{Merchant: b.Order.Merchant, Order: b.Order.ID, Days: 2, By: "key_1"})
			return err
		})
		var number string
		w.read(func(ctx context.Context, tx *db.Tx) error {
			v, err := invoices.One(ctx, tx, a.Order.Merchant, a.Invoice.ID)
			number = v.Number
			return err
		})
		lower := func(s string) string {
			b := []byte(s)
			for i := range b {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
		words := []string{"none", b.Order.Reference, a.Order.Reference, number, lower(number), lower(a.Order.Reference), other.Order.Reference + "x", a.Order.Reference, ""}
		var got []reports.Standing
		w.read(func(ctx context.Context, tx *db.Tx) (err error) {
			got, err = w.Standings(ctx, tx, w.shops[0].ID, words)
			return err
		})
		want := []string{"", b.Order.ID, a.Order.ID, a.Order.ID, a.Order.ID, a.Order.ID, "", a.Order.ID, ""}
		stages := []string{"", reports.StageHeld, reports.StageIssued, reports.StageIssued, reports.StageIssued, reports.StageIssued, "", reports.StageIssued, ""}
		for i, s := range got {
			if s.Asked != words[i] || s.Found != (want[i] != "") || s.Order != want[i] || s.Stage != stages[i] {
				t.Errorf("%q: %+v", words[i], s)
			}
		}
		if s := got[2]; s.TotalCents != 5000 || s.OpenCents != 5000 || s.Status != invoices.Open || s.Number != number || s.DueOn.IsZero() {
			t.Errorf("%+v", s)
		}
		w.read(func(ctx context.Context, tx *db.Tx) error {
			got, err := w.Standings(ctx, tx, w.shops[1].ID, []string{a.Order.Reference, number})
			for _, s := range got {
				if s.Order == a.Order.ID {
					t.Errorf("another shop sees %+v", s)
				}
			}
			return err
		})
	})
}
