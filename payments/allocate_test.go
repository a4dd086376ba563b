package payments_test

import (
	"strings"
	"sync"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/payments"
	"achteraf/providers/camt"
)

func (w *world) allocate(t testing.TB, h payments.Hand) (given []payments.Allocation, err error) {
	t.Helper()
	err = w.db.Write(t.Context(), func(tx *db.Tx) error {
		given, err = payments.Allocate(t.Context(), tx, w.clerk, h)
		return err
	})
	return given, err
}

// TestAllocate: a person divides a line that nothing matched over two orders, to the cent.
func TestAllocate(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		two := w.place(t, sold{cents: 30_00}, sold{merchant: shopB, cents: 10_00})
		w.take(t, w.statement(words(45_00, "voor alles samen")).file(t))
		id := w.last(t).ID
		hand := func(b bill, cents int64) payments.Hand {
			return payments.Hand{Line: id, Merchant: b.Merchant, Order: b.ID, Cents: cents, By: "staff_1"}
		}
		if given, err := w.allocate(t, hand(two[0], 30_00)); err != nil || len(given) != 1 || given[0].To != payments.Principal {
			t.Fatalf("%+v, %v", given, err)
		}
		if l := w.last(t); l.LeftCents != 15_00 {
			t.Errorf("%d cents are left", l.LeftCents)
		}
		if given, err := w.allocate(t, hand(two[1], 15_00)); err != nil || len(given) != 2 || given[1].To != payments.Credit || given[1].Cents != 5_00 {
			t.Fatalf("%+v, %v", given, err)
		}
		if v := w.invoice(t, two[1]); v.Status != invoices.Paid || v.HeldCents != 5_00 {
			t.Errorf("%+v", v)
		}
		want := "mer_a principal 3000 hand staff_1; mer_b principal 1000 hand staff_1; mer_b credit 500 hand staff_1"
		if got := strings.Join(w.allocated(t), "; "); got != want {
			t.Errorf("allocations %s", got)
		}
		w.balanced(t, t)
	})
}

func TestAllocateRefused(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		b := w.place(t, sold{cents: 30_00})[0]
		line := func(l camt.Line) string {
			w.take(t, w.statement(l).file(t))
			return w.last(t).ID
		}
		in, matched := line(words(10_00, "?")), line(pay(1_00, b.PaymentReference))
		out, back, batch := line(camt.Line{Cents: -10_00}), line(camt.Line{Cents: 10_00, Reversal: true}), line(camt.Line{Cents: 5, Undivided: 2})
		before := w.counts(t)
		for _, c := range []struct {
			name, code string
			hand       payments.Hand
		}{
			{"more than is left", "allocation-amount", payments.Hand{Line: in, Cents: 10_01}},
			{"nothing", "allocation-amount", payments.Hand{Line: in, Cents: 0}},
			{"less than nothing", "allocation-amount", payments.Hand{Line: in, Cents: -1}},
			{"a line that was matched", "allocation-amount", payments.Hand{Line: matched, Cents: 1}},
			{"no such line", "bank-line", payments.Hand{Line: "bl_nobody", Cents: 1}},
			{"money that went out", "bank-line-kind", payments.Hand{Line: out, Cents: 1}},
			{"a reversal", "bank-line-kind", payments.Hand{Line: back, Cents: 1}},
			{"another shop's order", "order", payments.Hand{Line: in, Cents: 1, Merchant: shopB}},
			{"by nobody", "allocation-by", payments.Hand{Line: in, Cents: 1, By: "-"}},
		} {
			if c.hand.Order = b.ID; c.hand.Merchant == "" {
				c.hand.Merchant = b.Merchant
			}
			if c.hand.By == "" {
				c.hand.By = "staff_1"
			}
			c.hand.By = strings.TrimPrefix(c.hand.By, "-")
			if _, err := w.allocate(t, c.hand); !fault.Is(err, c.code) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if after := w.counts(t); after != before {
			t.Errorf("%s became %s", before, after)
		}
		if given, err := w.allocate(t, payments.Hand{Line: batch, Merchant: b.Merchant, Order: b.ID, Cents: 5, By: "staff_1"}); err != nil || len(given) != 1 {
			t.Errorf("of a batch: %+v, %v", given, err)
		}
		w.balanced(t, t)
	})
}

// TestConcurrentAllocate: many hands on one line never give more than came in.
func TestConcurrentAllocate(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		list := w.place(t, make([]sold, 0)...)
		for range 8 {
			list = append(list, w.place(t, sold{cents: 30_00})...)
		}
		w.take(t, w.statement(words(50_00, "?")).file(t))
		id := w.last(t).ID
		var wg sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for _, b := range list {
			wg.Go(func() {
				_, err := w.allocate(t, payments.Hand{Line: id, Merchant: b.Merchant, Order: b.ID, Cents: 20_00, By: "staff_1"})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case !fault.Is(err, "allocation-amount"):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if l := w.last(t); done != 2 || l.LeftCents != 10_00 {
			t.Errorf("%d were served, %d cents are left", done, l.LeftCents)
		}
		w.balanced(t, t)
	})
}

// TestUnallocated: the list of what waits for a person, page by page.
func TestUnallocated(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		b := w.place(t, sold{cents: 30_00})[0]
		w.take(t, w.statement(words(1, "een"), pay(2, b.PaymentReference), words(3, "drie"), camt.Line{Cents: -4}, words(5, "vijf")).file(t))
		var got []int64
		after := ""
		for {
			var page []payments.BankLine
			w.read(t, func(tx *db.Tx) (err error) {
				page, err = payments.Unallocated(t.Context(), tx, after, 2)
				return err
			})
			if len(page) == 0 {
				break
			}
			for _, l := range page {
				got = append(got, l.LeftCents)
			}
			after = page[len(page)-1].ID
		}
		if len(got) != 4 || got[0] != 1 || got[1] != 3 || got[2] != -4 || got[3] != 5 {
			t.Errorf("%v", got)
		}
	})
}
