package reports_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/reports"
)

// told writes a story as a person would read it down the time line: day, fact or step, and what is owed from then on.
func told(s *reports.Story) string {
	var b strings.Builder
	for _, f := range s.Past {
		fmt.Fprintf(&b, "%s %s", f.On.String()[5:], f.Kind)
		if f.Hold != "" {
			fmt.Fprintf(&b, " %s", f.Hold)
		}
		if f.Cents != 0 {
			fmt.Fprintf(&b, " %d", f.Cents)
		}
		fmt.Fprintf(&b, " = %d\n", f.OwedCents)
	}
	fmt.Fprintf(&b, "%s today %d of %d", s.Today.On.String()[5:], s.Today.NowCents, s.Today.OwedCents)
	if s.Today.Paused {
		b.WriteString(" paused")
	}
	b.WriteString("\n")
	for _, n := range s.Next {
		fmt.Fprintf(&b, "%s %s", n.On.String()[5:], n.Kind)
		if n.If != "" {
			fmt.Fprintf(&b, " %s", n.If)
		}
		fmt.Fprintf(&b, " = %d\n", n.OwedCents+n.CostCents)
	}
	return b.String()
}

// The story of an order is told from its rows: facts in true order with what was owed, today once, and the steps that
// will come, of which a hold takes away what it stops. The world begins on Sunday 22 November.
func TestOrderStory(t *testing.T) {
	until := func(w *world, days int) invoices.Hold {
		return invoices.Hold{Kind: "delay", Until: w.now().Add(time.Duration(days) * 24 * time.Hour)}
	}
	for i, c := range []struct {
		name string
		shop int
		live func(w *world, o *invoices.Outcome)
		want string
	}{
		{"just ordered", 0, func(*world, *invoices.Outcome) {}, `
11-22 ordered = 0
11-22 today 0 of 0
11-25 invoice = 8990
12-09 transfer = 8990
12-11 due = 8990
12-12 late if-unpaid = 8990
`},
		{"invoiced", 0, func(w *world, o *invoices.Outcome) { w.days(4) }, `
11-22 ordered = 0
11-25 invoiced 8990 = 8990
11-26 today 8990 of 8990
12-09 transfer = 8990
12-11 due = 8990
12-12 late if-unpaid = 8990
`},
		{"paid in parts, credited", 0, func(w *world, o *invoices.Outcome) {
			w.days(4)
			w.pay(o, 50_00)
			w.days(1)
			w.must(w.credit(o, 10_00))
			w.days(1)
			w.pay(o, 30_00)
		}, `
11-22 ordered = 0
11-25 invoiced 8990 = 8990
11-26 paid 5000 = 3990
11-27 credited 1000 = 2990
11-28 paid 2990 = 0
11-28 held 10 = 0
11-28 today 0 of 0
`},
		{"paid and credited before the invoice", 0, func(w *world, o *invoices.Outcome) {
			w.pay(o, 40_00)
			w.days(1)
			w.must(w.credit(o, 9_90))
			w.days(3)
		}, `
11-22 ordered = 0
11-22 held 4000 = 0
11-23 credited 990 = 0
11-25 invoiced 8000 = 4000
11-26 today 4000 of 4000
12-09 transfer = 4000
12-11 due = 4000
12-12 late if-unpaid = 4000
`},
		{"money before the invoice lowers what comes", 0, func(w *world, o *invoices.Outcome) { w.pay(o, 89_90) }, `
11-22 ordered = 0
11-22 held 8990 = 0
11-22 today 0 of 0
11-25 invoice = 0
`},
		{"late", 0, func(w *world, o *invoices.Outcome) { w.days(25) }, `
11-22 ordered = 0
11-25 invoiced 8990 = 8990
12-12 late = 8990
12-17 today 8990 of 8990
`},
		{"paid late", 0, func(w *world, o *invoices.Outcome) { w.days(25); w.pay(o, 89_90) }, `
11-22 ordered = 0
11-25 invoiced 8990 = 8990
12-12 late = 8990
12-17 paid 8990 = 0
12-17 today 0 of 0
`},
		{"on the due day", 0, func(w *world, o *invoices.Outcome) { w.days(19) }, `
11-22 ordered = 0
11-25 invoiced 8990 = 8990
12-11 today 8990 of 8990
12-11 due = 8990
12-12 late if-unpaid = 8990
`},
		{"delayed without an end", 0, func(w *world, o *invoices.Outcome) { w.hold(o, invoices.Hold{Kind: "delay"}); w.days(5) }, `
11-22 ordered = 0
11-22 hold-set delay = 0
11-27 today 0 of 0 paused
`},
		{"delayed for ten days", 0, func(w *world, o *invoices.Outcome) { w.hold(o, until(w, 10)) }, `
11-22 ordered = 0
11-22 hold-set delay = 0
11-22 today 0 of 0 paused
12-02 invoice = 8990
12-16 transfer = 8990
12-18 due = 8990
12-19 late if-unpaid = 8990
`},
		{"the delay has ended", 0, func(w *world, o *invoices.Outcome) { w.hold(o, until(w, 10)); w.days(11) }, `
11-22 ordered = 0
11-22 hold-set delay = 0
12-02 hold-ended delay = 0
12-02 invoiced 8990 = 8990
12-03 today 8990 of 8990
12-16 transfer = 8990
12-18 due = 8990
12-19 late if-unpaid = 8990
`},
		{"a return holds the open invoice", 0, func(w *world, o *invoices.Outcome) { w.days(4); w.hold(o, invoices.Hold{Kind: "return"}) }, `
11-22 ordered = 0
11-25 invoiced 8990 = 8990
11-26 hold-set return = 8990
11-26 today 0 of 8990 paused
`},
		{"part of it comes back", 0, func(w *world, o *invoices.Outcome) {
			w.days(4)
			w.hold(o, invoices.Hold{Kind: "return", AmountCents: 20_00})
		}, `
11-22 ordered = 0
11-25 invoiced 8990 = 8990
11-26 hold-set return 2000 = 8990
11-26 today 6990 of 8990
12-09 transfer = 8990
12-11 due = 8990
12-12 late if-unpaid = 8990
`},
		{"the hold was lifted", 0, func(w *world, o *invoices.Outcome) {
			w.days(4)
			id := w.hold(o, invoices.Hold{Kind: "dispute"})
			w.days(1)
			w.write(func(ctx context.Context, tx *db.Tx) error {
				return invoices.LiftHold(ctx, tx, o.Order.Merchant, id, "usr_1")
			})
		}, `
11-22 ordered = 0
11-25 invoiced 8990 = 8990
11-26 hold-set dispute = 8990
11-27 hold-lifted dispute = 8990
11-27 today 8990 of 8990
12-09 transfer = 8990
12-11 due = 8990
12-12 late if-unpaid = 8990
`},
		{"only the shop may start it", 1, func(*world, *invoices.Outcome) {}, `
11-22 ordered = 0
11-22 today 0 of 0
11-25 invoice if-started = 8990
12-09 transfer = 8990
12-11 due = 8990
12-12 late if-unpaid = 8990
12-22 lapse if-unstarted = 0
`},
		{"started by the shop", 1, func(w *world, o *invoices.Outcome) {
			w.days(1)
			w.write(func(ctx context.Context, tx *db.Tx) error {
				return w.Clerk.Start(ctx, tx, o.Order.Merchant, o.Order.ID)
			})
			w.days(3)
		}, `
11-22 ordered = 0
11-23 started = 0
11-25 invoiced 8990 = 8990
11-26 today 8990 of 8990
12-09 transfer = 8990
12-11 due = 8990
12-12 late if-unpaid = 8990
`},
		{"lapsed", 1, func(w *world, o *invoices.Outcome) { w.days(31) }, `
11-22 ordered = 0
12-22 lapsed = 0
12-23 today 0 of 0
`},
		{"cancelled", 0, func(w *world, o *invoices.Outcome) {
			w.days(1)
			w.write(func(ctx context.Context, tx *db.Tx) error {
				return w.Clerk.Cancel(ctx, tx, o.Order.Merchant, o.Order.ID)
			})
		}, `
11-22 ordered = 0
11-23 cancelled = 0
11-23 today 0 of 0
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n, engine := range dbtest.Engines() {
				if i%3 != 1 && n > 0 {
					continue // all cases on one engine, a third on the other: the statements are the same
				}
				w := newWorld(t, dbtest.Open(t, engine))
				o := w.place(wish{email: "sanne@example.org", last: "de Vries", shop: c.shop, cents: 89_90})
				c.live(w, o)
				s, err := w.story("sanne@example.org", o.Order.ID)
				w.must(err)
				if got, want := told(s), strings.TrimPrefix(c.want, "\n"); got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", engine, got, want)
				}
				if !s.Complete || (s.Transfer != nil) != (s.Today.OwedCents > 0) {
					t.Errorf("%s: complete %v, transfer %+v", engine, s.Complete, s.Transfer)
				}
			}
		})
	}
}

// Every cent can be asked after: each entry of the ledger with what was owed after it, and its place in the log.
func TestWhyDoIOweThis(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place(wish{email: "sanne@example.org", last: "de Vries", cents: 89_90})
		w.days(3)
		w.pay(o, 50_00)
		w.must(w.credit(o, 45_00))
		s, err := w.story("sanne@example.org", o.Order.ID)
		w.must(err)
		var lines []string
		for _, e := range s.Entries {
			lines = append(lines, fmt.Sprintf("%s %d %d = %d %d", e.Kind, e.OwedCents, e.HeldCents, e.Balance, e.Held))
			if want := map[bool]string{true: "P0-C-2026-", false: "P0-2026-"}[e.Kind == "credited"]; e.Kind != "allocated" && !strings.HasPrefix(e.Number, want) {
				t.Errorf("%s has number %q", e.Kind, e.Number)
			}
		}
		if got := strings.Join(lines, "; "); got != "invoice-issued 8990 0 = 8990 0; allocated -5000 0 = 3990 0; credited -3990 510 = 0 510" {
			t.Error(got)
		}
		if s.Entries[0].Place < 0 {
			t.Error("the issue is sealed and has no place")
		}
		if s.Entries[2].Place != -1 {
			t.Errorf("the credit is not sealed yet and has place %d", s.Entries[2].Place)
		}
		w.must(w.Settle(t.Context()))
		if s, err = w.story("sanne@example.org", o.Order.ID); err != nil || s.Entries[2].Place <= s.Entries[0].Place {
			t.Errorf("%+v, %v", s.Entries, err)
		}
		if len(s.Lines) != 1 || len(s.Credits) != 1 || s.Shop.Name != "Loopschuur" || len(s.Contacts) != 2 || s.Language != "nl" || s.Country != "NL" {
			t.Errorf("%+v", s)
		}
	})
}

func TestTransferData_S_PAY_07(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for country, ogm := range map[string]bool{"NL": false, "BE": true} {
			email := country + "@example.org"
			o := w.place(wish{email: email, last: country, cents: 10_00, country: country})
			w.days(3)
			s, err := w.story(email, o.Order.ID)
			w.must(err)
			x := s.Transfer
			if x == nil || x.Cents != 10_00 || x.Currency != "EUR" || x.Payee != operator.AccountName || x.IBAN != operator.ClientIBAN ||
				x.IBANPrinted != "NL20 ACHT 0000 0000 01" || x.Reference != o.Order.PaymentReference || x.OGM != ogm ||
				strings.HasPrefix(x.ReferencePrinted, "+++") != ogm || x.Latest != invoices.LatestTransfer(s.DueOn) {
				t.Errorf("%s: %+v", country, x)
			}
			w.days(15) // the day before the due day: too late for a transfer
			if s, err = w.story(email, o.Order.ID); err != nil || s.Transfer == nil || !s.Transfer.Latest.IsZero() || s.DaysLeft != 1 {
				t.Errorf("%s: %+v, %v", country, s, err)
			}
		}
	})
}

func TestStoryOfOthers(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place(wish{email: "sanne@example.org", last: "de Vries", cents: 10_00})
		w.place(wish{email: "piet@example.org", last: "Bakker", cents: 10_00})
		for _, c := range [][2]string{{"piet@example.org", o.Order.ID}, {"nobody@example.org", o.Order.ID}, {"sanne@example.org", "ord_0"}, {"sanne@example.org", ""}} {
			if s, err := w.story(c[0], c[1]); !fault.Is(err, "order") || s != nil {
				t.Errorf("%v: %+v, %v", c, s, err)
			}
		}
	})
}

// A pay link shows what is open now, and nothing about who owes it.
func TestClaim(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place(wish{email: "sanne@example.org", last: "de Vries", cents: 89_90})
		claim := func() (c reports.Claim) {
			w.read(func(ctx context.Context, tx *db.Tx) error {
				v, err := invoices.One(ctx, tx, o.Order.Merchant, o.Invoice.ID)
				if err == nil {
					c, err = w.Claim(ctx, tx, v)
				}
				return err
			})
			return c
		}
		if c := claim(); c.Transfer != nil || c.Status != invoices.Planned || c.NowCents != 0 || c.Shop != "Loopschuur" || c.Language != "nl" {
			t.Errorf("%+v", c)
		}
		w.days(3)
		w.pay(o, 40_00)
		if c := claim(); c.OpenCents != 49_90 || c.NowCents != 49_90 || c.Transfer.Cents != 49_90 || c.DaysLeft != 16 || c.LatestTransfer.IsZero() || c.Number == "" {
			t.Errorf("%+v", c)
		}
		w.hold(o, invoices.Hold{Kind: "dispute"})
		if c := claim(); !c.Paused || c.NowCents != 0 || c.OpenCents != 49_90 {
			t.Errorf("%+v", c)
		}
		w.pay(o, 49_90)
		if c := claim(); c.Status != invoices.Paid || c.Transfer != nil {
			t.Errorf("%+v", c)
		}
	})
}
