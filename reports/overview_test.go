package reports_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/invoices"
	"achteraf/reports"

	"pgregory.net/rapid"
)

// Whatever happens to the orders of people who share addresses, names and households: each address sees its own orders
// and no others, and what is shown as open and held is the sum of the journal.
func TestOverviewEqualsTheLedger_S_APP_06(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		life := 0
		rapid.Check(t, func(t *rapid.T) {
			life++
			type order struct {
				*invoices.Outcome
				email string
			}
			var all []*order
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				act := rapid.SampledFrom([]string{"place", "place", "days", "pay", "pay", "credit", "cancel", "hold", "correct"}).Draw(t, "act")
				if act == "days" {
					w.days(rapid.SampledFrom([]int{1, 3, 3, 9}).Draw(t, "days"))
					continue
				}
				if act == "place" || len(all) == 0 {
					q := wish{email: fmt.Sprintf("a%d.%d@example.org", life, rapid.IntRange(0, 2).Draw(t, "address")),
						last: fmt.Sprintf("Vries %d %d", life, rapid.IntRange(0, 2).Draw(t, "who")), shop: rapid.IntRange(0, 1).Draw(t, "shop"),
						cents: rapid.Int64Range(1, 20_00).Draw(t, "cents")}
					if r, ok := w.tryPlace(q); ok {
						all = append(all, &order{r, q.email})
					}
					continue
				}
				o := rapid.SampledFrom(all).Draw(t, "order")
				switch act {
				case "pay":
					w.pay(o.Outcome, rapid.Int64Range(1, 25_00).Draw(t, "paid"))
				case "credit":
					_ = w.credit(o.Outcome, rapid.Int64Range(1, 20_00).Draw(t, "credited")) // refused where there is not so much
				case "cancel":
					_ = w.DB.Write(w.t.Context(), func(tx *db.Tx) error { return w.Clerk.Cancel(w.t.Context(), tx, o.Order.Merchant, o.Order.ID) })
				case "hold":
					w.hold(o.Outcome, invoices.Hold{Kind: rapid.SampledFrom([]string{"delay", "return", "paid"}).Draw(t, "hold")})
				case "correct":
					q := wish{email: fmt.Sprintf("a%d.%d@example.org", life, rapid.IntRange(0, 2).Draw(t, "address")), last: fmt.Sprintf("Vries %d 9", life)}
					w.write(func(ctx context.Context, tx *db.Tx) error {
						return w.Clerk.Correct(ctx, tx, o.Order.Merchant, o.Order.ID, q.buyer(), "usr_1", "typo")
					})
					o.email = q.email
				}
			}
			for n := range 3 {
				email := fmt.Sprintf("a%d.%d@example.org", life, n)
				var want []string
				var open, held int64
				for _, o := range all {
					if o.email == email {
						want = append(want, o.Order.ID)
						open += w.posted("buyer/principal", o.Invoice.ID)
						held -= w.posted("buyer/credit", o.Order.ID)
						if s, err := w.story(email, o.Order.ID); err != nil || !s.Complete {
							t.Fatalf("the entries of %s do not add up: %v, %+v", o.Order.ID, err, s)
						}
					}
				}
				slices.Sort(want)
				v := w.overview(reports.Ask{Limit: 100}, email)
				if got := sees(v); !slices.Equal(got, want) {
					t.Fatalf("%s sees %v, want %v", email, got, want)
				}
				if v.Sums.OpenCents != open || v.Sums.HeldCents != held {
					t.Fatalf("%s: open %d, held %d, the journal has %d and %d", email, v.Sums.OpenCents, v.Sums.HeldCents, open, held)
				}
				var sum int64
				for _, x := range v.ToPay {
					sum += x.OpenCents
				}
				if sum != open {
					t.Fatalf("%s: the list adds up to %d, not %d", email, sum, open)
				}
			}
		})
	})
}

// tryPlace places an order that may be declined.
func (w *world) tryPlace(q wish) (*invoices.Outcome, bool) {
	w.t.Helper()
	o := w.attempt(q)
	return o, o.Order != nil
}

// posted is the sum of the postings on an account.
func (w *world) posted(code, subject string) (cents int64) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRow(ctx, `select cast(coalesce(sum(cents), 0) as bigint) from postings where code = $1 and subject = $2`, []any{code, subject}, &cents)
	})
	return cents
}

func TestOverview_S_APP_06(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		sanne := func(shop int, cents int64, what string) wish {
			return wish{email: "sanne@example.org", last: "de Vries", shop: shop, cents: cents, what: what}
		}
		paid := w.place(sanne(0, 31_20, "Merinowol"))
		w.days(1)
		open := w.place(sanne(0, 89_90, "Trailschoenen Veldpad"))
		held := w.place(sanne(0, 24_50, "Vetplant"))
		w.place(wish{email: "piet@example.org", last: "Bakker", cents: 5_00})
		w.days(4)
		next := w.place(sanne(1, 149_00, "Staande lamp Dageraad"))
		w.pay(paid, 32_20)
		w.hold(held, invoices.Hold{Kind: "return"})
		gone := w.place(sanne(0, 7_00, "Krijt"))
		w.write(func(ctx context.Context, tx *db.Tx) error {
			return w.Clerk.Cancel(ctx, tx, gone.Order.Merchant, gone.Order.ID)
		})

		v := w.overview(reports.Ask{}, "sanne@example.org")
		s := v.Sums
		if s.OpenCents != 114_40 || s.NowCents != 89_90 || s.PlannedCents != 149_00 || s.PaidCents != 31_20 || s.HeldCents != 1_00 || s.LateCents != 0 ||
			s.Open != 2 || s.Planned != 1 || s.Done != 2 || s.FirstCents != 89_90 {
			t.Errorf("%+v", s)
		}
		if len(v.ToPay) != 2 || len(v.Later) != 1 || len(v.Done) != 2 || v.Later[0].Order != next.Order.ID || v.Done[0].Order != gone.Order.ID || v.Found != 5 {
			t.Fatalf("%+v", v)
		}
		i := slices.IndexFunc(v.ToPay, func(x reports.Item) bool { return x.Order == open.Order.ID })
		x, y := v.ToPay[i], v.ToPay[1-i]
		if x.Shop != "Loopschuur" || x.Reference != open.Order.Reference || !slices.Equal(x.Goods, []string{"Trailschoenen Veldpad"}) || x.Number == "" ||
			x.Status != invoices.Open || x.NowCents != 89_90 || x.DueOn != s.FirstDue || x.DaysLeft <= 0 || x.LatestTransfer.IsZero() || x.Paused() {
			t.Errorf("%+v", x)
		}
		if !y.Paused() || y.NowCents != 0 || len(y.Holds) != 1 || y.Holds[0].Kind != "return" {
			t.Errorf("%+v", y)
		}
		w.days(20)
		if s := w.overview(reports.Ask{}, "sanne@example.org").Sums; s.Late != 2 || s.LateCents != 114_40 {
			t.Errorf("%+v", s)
		}
		if v := w.overview(reports.Ask{}, "nobody@example.org"); v.Found != 0 || v.Sums != (reports.Sums{}) {
			t.Errorf("a stranger sees %+v", v)
		}
		if got := len(sees(w.overview(reports.Ask{}, "piet@example.org", "sanne@example.org"))); got != 6 {
			t.Errorf("with both addresses proved: %d", got)
		}
	})
}

// Two people share an address; each has another of their own. Nobody sees what was ordered with an address that they
// have not proved, though all of it is filed under persons that are joined.
func TestHandlesNotPersons_S_APP_06(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.place(wish{email: "a@example.org", last: "Ander", cents: 1_00})
		b := w.place(wish{email: "b@example.org", last: "Buur", cents: 1_00})
		shared := w.place(wish{email: "b@example.org", last: "Ander", cents: 1_00}) // who: a's person; the address: b's
		for email, want := range map[string][]string{"a@example.org": {a.Order.ID}, "b@example.org": {b.Order.ID, shared.Order.ID}} {
			slices.Sort(want)
			if got := sees(w.overview(reports.Ask{}, email)); !slices.Equal(got, want) {
				t.Errorf("%s sees %v, want %v", email, got, want)
			}
		}
		if _, err := w.story("a@example.org", shared.Order.ID); err == nil {
			t.Error("an order with another address is told")
		}
		// A corrected address decides from then on, also one that others ordered with before.
		w.write(func(ctx context.Context, tx *db.Tx) error {
			return w.Clerk.Correct(ctx, tx, a.Order.Merchant, a.Order.ID, wish{email: "b@example.org", last: "Ander"}.buyer(), "usr_1", "typo")
		})
		if got := sees(w.overview(reports.Ask{}, "a@example.org")); len(got) != 0 {
			t.Errorf("the wrong address still sees %v", got)
		}
		if got := sees(w.overview(reports.Ask{}, "b@example.org")); len(got) != 3 {
			t.Errorf("the right address sees %v", got)
		}
	})
}

func TestSearchAndPages_S_INV_09(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		var all []*invoices.Outcome
		for i := range 7 {
			all = append(all, w.place(wish{email: "sanne@example.org", last: "de Vries", shop: i % 2, cents: 1_00 + int64(i), what: []string{"Crème brûlée", "Pan"}[i%2]}))
		}
		w.days(3)
		for _, o := range all[:6] {
			w.pay(o, o.Order.TotalCents)
			w.write(func(ctx context.Context, tx *db.Tx) error {
				return w.Clerk.Start(ctx, tx, o.Order.Merchant, o.Order.ID)
			})
		}
		w.days(1)
		number := ""
		var pages []string
		for page := range 5 {
			v := w.bills(reports.Want{Page: page, Size: 4}, "sanne@example.org")
			pages = append(pages, fmt.Sprint(v.Page, ":", v.From, "+", len(v.Bills)))
			for _, x := range v.Bills {
				if x.Order == all[2].Order.ID {
					number = x.Number
				}
			}
			if v.Pages != 2 || v.Found != 7 || v.All != 7 {
				t.Errorf("%d found in %d pages", v.Found, v.Pages)
			}
		}
		if got := strings.Join(pages, " "); got != "1:1+4 1:1+4 2:5+3 2:5+3 2:5+3" {
			t.Errorf("pages %s", got)
		}
		if v := w.overview(reports.Ask{Limit: 4}, "sanne@example.org"); len(v.Done) != 4 || v.Sums.Done != 6 || v.Found != 7 {
			t.Errorf("%d of %d done", len(v.Done), v.Sums.Done)
		}
		for query, want := range map[string]int{
			"loopschuur": 4, "Papier zo": 3, "creme BRULEE": 4, "brûlée loop": 4, "brûlée papier": 0, all[3].Order.Reference: 1,
			all[5].Order.PaymentReference: 1, number: 1, "nothing": 0, "   ": 7, "'": 0,
		} {
			v := w.bills(reports.Want{Search: query, Size: 25}, "sanne@example.org")
			if v.Found != want || len(v.Bills) != want || v.All != 7 || (v.From > 0) != (want > 0) {
				t.Errorf("%q finds %d of %d, want %d", query, v.Found, v.All, want)
			}
		}
	})
}

// An order is in the overview at the first read after its answer, because the overview reads the rows of the
// acceptance; and the monitor would find one that is not.
func TestNewOrderIsVisibleAtOnce_S_APP_08(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		unseen := func() (seconds float64) {
			w.read(func(ctx context.Context, tx *db.Tx) error {
				age, err := reports.Unseen(ctx, tx)
				seconds = age.Seconds()
				return err
			})
			return seconds
		}
		for i := range 5 {
			q := wish{email: fmt.Sprintf("a%d@example.org", i%2), last: fmt.Sprint("Vries ", i%3), cents: 1_00}
			o := w.place(q)
			if !slices.Contains(sees(w.overview(reports.Ask{}, q.email)), o.Order.ID) {
				t.Errorf("order %d is not seen", i)
			}
			if unseen() != 0 {
				t.Errorf("the monitor says %f s", unseen())
			}
		}
		w.must(reports.NewWatch(w.DB).Step(t.Context()))
		w.write(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `delete from person_orders where person_id = (select min(person_id) from person_orders)`)
			return err
		})
		w.days(1)
		if got := unseen(); got < 24*3600 {
			t.Errorf("the monitor does not find an order that nobody sees: %f s", got)
		}
		watch := reports.NewWatch(w.DB)
		if err := watch.Step(t.Context()); err == nil || !strings.Contains(err.Error(), "24h0m") {
			t.Errorf("the alarm says %v", err)
		}
		if err := watch.Step(t.Context()); err != nil {
			t.Errorf("an alarm in each round: %v", err)
		}
	})
}

// Handles of other kinds than an address prove nothing here.
func TestOnlyAddressesProve(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(wish{email: "sanne@example.org", last: "de Vries", cents: 1_00})
		h := w.Desk.EmailHandles("sanne@example.org")
		for i := range h {
			h[i].Kind = "who"
		}
		w.read(func(ctx context.Context, tx *db.Tx) error {
			for _, handles := range [][]buyers.Handle{nil, h} {
				if v, err := w.Overview(ctx, tx, reports.Ask{Handles: handles}); err != nil || v.Found != 0 {
					t.Errorf("%+v, %v", v, err)
				}
			}
			return nil
		})
	})
}
