package payments_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/invoices"
	"achteraf/payments"
	"achteraf/providers/camt"
)

// teller is a provider in a test's hand: it makes payments by idempotency key, and fails as it is told.
type teller struct {
	mu       sync.Mutex
	made     []*payments.Remote
	settled  []payments.Settlement
	of       map[string][]payments.Remote // by settlement
	asked    []payments.Request
	fail     error // of the next call, instead of doing it
	failLate error // of the next call, after it was done
	looks    int
	hang     chan struct{} // Create waits for it
	during   func(payments.Request)
	busy     sync.Map // keys that are being answered
}

func (p *teller) Name() string { return "mollie" }

func (p *teller) failing() (before, after error) {
	before, after = p.fail, p.failLate
	p.fail, p.failLate = nil, nil
	return before, after
}

func (p *teller) Create(_ context.Context, r payments.Request) (payments.Remote, error) {
	if _, busy := p.busy.LoadOrStore(r.ID, true); busy { // as Mollie does
		return payments.Remote{}, fault.New(fault.Unavailable, "psp-unavailable", "A request with this key is under way.")
	}
	defer p.busy.Delete(r.ID)
	if p.hang != nil {
		<-p.hang
	}
	if p.during != nil {
		p.during(r)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r)
	before, after := p.failing()
	if before != nil {
		return payments.Remote{}, before
	}
	for _, m := range p.made {
		if m.Ours == r.ID {
			return *m, after
		}
	}
	n := len(p.made) + 1
	m := &payments.Remote{ID: fmt.Sprint("tr_", n), Ours: r.ID, State: payments.Open, Cents: r.Cents, Currency: r.Currency, Checkout: fmt.Sprint("https://bank.example/", n)}
	p.made = append(p.made, m)
	return *m, after
}

func (p *teller) Payment(_ context.Context, id string) (payments.Remote, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks++
	if before, _ := p.failing(); before != nil {
		return payments.Remote{}, before
	}
	for _, m := range p.made {
		if m.ID == id {
			return *m, nil
		}
	}
	return payments.Remote{}, fault.Missing("psp-payment-unknown", "No.")
}

func (p *teller) Settlements(context.Context) ([]payments.Settlement, error) { return p.settled, nil }

func (p *teller) Settled(_ context.Context, id string) ([]payments.Remote, error) {
	return p.of[id], nil
}

// settle pays payments out in one amount.
func (p *teller) settle(net int64, list ...*payments.Remote) payments.Settlement {
	s := payments.Settlement{ID: fmt.Sprint("stl_", len(p.settled)+1), Reference: fmt.Sprintf("1234567.%04d.01", len(p.settled)+1), NetCents: net, Currency: "EUR"}
	p.settled = append(p.settled, s)
	if p.of == nil {
		p.of = map[string][]payments.Remote{}
	}
	for _, m := range list {
		p.of[s.ID] = append(p.of[s.ID], *m)
	}
	return s
}

// shop is a world with a desk, its due rows and a provider.
type till struct {
	*world
	t     *testing.T
	desk  *payments.Desk
	psp   *teller
	scan  *jobs.Scanner
	clock *dbtest.Clock
}

func newTill(t *testing.T, p *dbtest.Place) *till {
	t.Helper()
	d := p.Open(t)
	w := newWorld(t, d)
	l := &till{world: w, t: t, psp: &teller{}, scan: jobs.NewScanner(d, dbtest.Chance(5), nil), clock: p.Clock}
	l.desk = payments.NewDesk(d, w.vault, w.clerk, l.psp, "https://pay.example/psp/mollie/secret")
	for kind, f := range map[string]func(context.Context, jobs.Due) (jobs.Finish, error){payments.DueAsk: l.desk.Asked, payments.DueFetch: l.desk.Fetch,
		payments.DuePoll: l.desk.Poll, payments.DueSettlements: l.desk.Settlements, payments.DueSettle: l.desk.Settle} {
		l.scan.OnOutside(kind, payments.CallTime, 1, f)
	}
	return l
}

func (l *till) begin(b bill, cents int64) payments.Payment {
	l.t.Helper()
	p, err := l.press(b, cents)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

func (l *till) press(b bill, cents int64) (payments.Payment, error) {
	return l.desk.Begin(l.t.Context(), payments.Ask{Merchant: b.Merchant, Invoice: b.invoice, Cents: cents, Return: "https://pay.example/pay/token"})
}

func (l *till) notice(id string) {
	l.t.Helper()
	if err := l.desk.Notice(l.t.Context(), id); err != nil {
		l.t.Fatal(err)
	}
}

// idle runs what is due.
func (l *till) idle() {
	l.t.Helper()
	if err := l.scan.RunUntilIdle(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// pass lets time pass, and what falls due in it happen in steps of a minute or more.
func (l *till) pass(d time.Duration) {
	l.t.Helper()
	for step := max(d/50, time.Minute); d > 0; d -= step {
		l.clock.Advance(min(step, d))
		l.idle()
	}
}

func (l *till) stored(p payments.Payment) payments.Payment {
	l.t.Helper()
	now, err := l.desk.One(l.t.Context(), p.Merchant, p.ID)
	if err != nil {
		l.t.Fatal(err)
	}
	return now
}

// holds wants a payment's state, the paid amount of its invoice, and how much is at the provider.
func (l *till) holds(p payments.Payment, b bill, state payments.State, paid, held, psp int64) {
	l.t.Helper()
	now, v := l.stored(p), l.invoice(l.t, b)
	if at := l.posted(l.t, "psp", ""); now.State != state || v.PaidCents != paid || v.HeldCents != held || at != psp {
		l.t.Errorf("payment %s, %d paid, %d held, %d at the provider; want %s, %d, %d, %d", now.State, v.PaidCents, v.HeldCents, at, state, paid, held, psp)
	}
	l.balanced(l.t, l.t)
}

func each(t *testing.T, f func(t *testing.T, l *till)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) { f(t, newTill(t, p)) })
}

// TestBankButton_S_PAY_04: pressed, paid at the bank, noticed, booked; and all of it once more changes nothing.
func TestBankButton_S_PAY_04(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		b := l.place(t, sold{cents: 5040})[0]
		p := l.begin(b, 5040)
		if p.State != payments.Open || p.CheckoutURL != "https://bank.example/1" {
			t.Fatalf("%+v", p)
		}
		asked := l.psp.asked[0]
		if asked.ID != p.ID || asked.Cents != 5040 || asked.Description != b.PaymentReference || asked.Return != "https://pay.example/pay/token" || asked.Country != "NL" {
			t.Errorf("asked for %+v", asked)
		}
		l.notice("tr_1") // before anything was paid
		l.idle()
		l.holds(p, b, payments.Open, 0, 0, 0)
		l.psp.made[0].State = payments.Paid
		for range 3 {
			l.notice("tr_1")
			l.notice("tr_1")
			l.idle()
			l.holds(p, b, payments.Paid, 5040, 0, 5040)
		}
		if n := l.number(t, `select count(*) from entries where kind = 'psp-paid'`); n != 1 {
			t.Errorf("%d entries", n)
		}
		if got, found, err := l.desk.Latest(t.Context(), b.Merchant, b.invoice); err != nil || !found || got.ID != p.ID || got.PaidCents != 5040 {
			t.Errorf("%+v, %v, %v", got, found, err)
		}
		if _, err := l.press(b, 1); !fault.Is(err, "invoice-settled") {
			t.Errorf("on a paid invoice: %v", err)
		}
	})
}

func TestBeginRefuses(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		list := l.place(t, sold{cents: 100}, sold{cents: 100, status: invoices.Cancelled}, sold{cents: 100, status: invoices.Planned})
		for _, c := range []struct {
			name  string
			b     bill
			cents int64
			code  string
		}{
			{"nothing", list[0], 0, "payment-amount"}, {"below nothing", list[0], -1, "payment-amount"}, {"a cent too much", list[0], 101, "payment-amount"},
			{"cancelled", list[1], 1, "invoice-settled"}, {"no such invoice", bill{Order: list[0].Order, invoice: "inv_x"}, 1, "invoice"},
			{"of another shop", func() bill { b := list[0]; b.Merchant = shopB; return b }(), 1, "invoice"},
		} {
			if _, err := l.press(c.b, c.cents); !fault.Is(err, c.code) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if _, err := l.desk.One(t.Context(), shopB, "pay_x"); !fault.Is(err, "payment") {
			t.Errorf("no such payment: %v", err)
		}
		if err := l.desk.Notice(t.Context(), "tr 1"); !fault.Is(err, "psp-notice") {
			t.Errorf("no id: %v", err)
		}
		if len(l.psp.asked) != 0 {
			t.Errorf("the provider was asked: %v", l.psp.asked)
		}
		p := l.begin(list[2], 100) // before the invoice is issued
		l.psp.made[0].State = payments.Paid
		l.notice("tr_1")
		l.idle()
		l.holds(p, list[2], payments.Paid, 0, 100, 100)
		if _, err := l.press(list[2], 1); !fault.Is(err, "invoice-settled") {
			t.Errorf("paid before issue: %v", err)
		}
	})
}

// TestPressedTwice: one press more is the same payment; another amount, or a payment that has ended, is another.
func TestPressedTwice(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		b := l.place(t, sold{cents: 500})[0]
		l.psp.hang = make(chan struct{})
		var all [8]payments.Payment
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() { all[i], _ = l.press(b, 500) })
		}
		time.AfterFunc(20*time.Millisecond, func() { close(l.psp.hang) }) // all are waiting by then
		wg.Wait()
		for _, p := range all {
			if p.ID != all[0].ID || p.CheckoutURL != "https://bank.example/1" {
				t.Errorf("%+v and %+v", p, all[0])
			}
		}
		if other := l.begin(b, 400); other.ID == all[0].ID || len(l.psp.made) != 2 {
			t.Errorf("another amount: %+v", other)
		}
		l.psp.made[0].State = payments.Cancelled // and its webhook is not there yet
		again := l.begin(b, 500)
		if again.ID == all[0].ID || again.CheckoutURL != "https://bank.example/3" || l.stored(all[0]).State != payments.Cancelled {
			t.Errorf("after a cancelled one: %+v", again)
		}
		l.psp.made[2].State = payments.Paid
		if paid := l.begin(b, 500); paid.ID != again.ID || paid.State != payments.Paid {
			t.Errorf("paid already: %+v", paid)
		}
		l.holds(again, b, payments.Paid, 500, 0, 500)
		l.psp.made[1].State = payments.Paid // the other one too: the buyer gets it back
		l.notice("tr_2")
		l.idle()
		l.holds(again, b, payments.Paid, 500, 400, 900)
	})
}

// TestTwoNodes: two nodes that are pressed at once make one payment; the slower one may have to be pressed again.
func TestTwoNodes(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		other := payments.NewDesk(l.db, l.vault, l.clerk, l.psp, "")
		for n := range 10 {
			b := l.place(t, sold{cents: 500})[0]
			var all [8]payments.Payment
			var errs [8]error
			var wg sync.WaitGroup
			for i := range all {
				wg.Go(func() {
					all[i], errs[i] = []*payments.Desk{l.desk, other}[i%2].Begin(t.Context(), payments.Ask{Merchant: b.Merchant, Invoice: b.invoice, Cents: 500, Return: "https://pay.example/"})
				})
			}
			wg.Wait()
			for i := range all {
				if errs[i] != nil && !fault.Is(errs[i], "psp-unavailable") || errs[i] == nil && all[i].ProviderID != fmt.Sprint("tr_", n+1) {
					t.Errorf("%+v, %v", all[i], errs[i])
				}
			}
			if len(l.psp.made) != n+1 {
				t.Fatalf("%d payments were made for %d invoices", len(l.psp.made), n+1)
			}
		}
	})
}

// TestBrokenOff: whatever breaks between the row and the bank's page, one payment is made.
func TestBrokenOff(t *testing.T) {
	lost := fault.New(fault.Unavailable, "psp-unavailable", "No answer.")
	each(t, func(t *testing.T, l *till) {
		b := l.place(t, sold{cents: 500})[0]
		l.psp.failLate = lost // made, and we never heard
		if _, err := l.press(b, 500); !fault.Is(err, "psp-unavailable") {
			t.Fatal(err)
		}
		p, _, err := l.desk.Latest(t.Context(), b.Merchant, b.invoice)
		if err != nil || p.State != payments.Asked || p.ProviderID != "" {
			t.Fatalf("%+v %v", p, err)
		}
		l.pass(2 * time.Minute)
		if now := l.stored(p); now.State != payments.Open || now.ProviderID != "tr_1" || len(l.psp.made) != 1 {
			t.Errorf("picked up: %+v, %d made", now, len(l.psp.made))
		}

		b = l.place(t, sold{cents: 500})[0]
		l.psp.failLate = lost
		l.press(b, 500)
		if p = l.begin(b, 500); p.ProviderID != "tr_2" || len(l.psp.made) != 2 {
			t.Errorf("pressed again: %+v, %d made", p, len(l.psp.made))
		}

		b = l.place(t, sold{cents: 500})[0]
		l.psp.failLate = lost
		l.press(b, 500)
		p, _, _ = l.desk.Latest(t.Context(), b.Merchant, b.invoice)
		l.psp.made[2].State = payments.Paid // the webhook is there before its answer was stored
		l.notice("tr_3")
		l.idle()
		l.holds(p, b, payments.Paid, 500, 0, 500)

		b = l.place(t, sold{cents: 500})[0]
		l.psp.failLate = lost
		l.press(b, 500)
		p, _, _ = l.desk.Latest(t.Context(), b.Merchant, b.invoice)
		l.clock.Advance(payments.KeyLife + time.Second) // the host slept; the provider may have forgotten the key
		asked := len(l.psp.asked)
		l.idle()
		if now := l.stored(p); now.State != payments.Failed || len(l.psp.asked) != asked {
			t.Errorf("after the key's life: %+v, asked %d times more", now, len(l.psp.asked)-asked)
		}
		l.psp.made[3].State = payments.Paid
		l.notice("tr_4")
		l.idle()
		l.holds(p, b, payments.Paid, 500, 0, 1000)

		b = l.place(t, sold{cents: 500})[0]
		l.psp.failLate = lost
		l.press(b, 500)
		p, _, _ = l.desk.Latest(t.Context(), b.Merchant, b.invoice)
		l.psp.made[4].State = payments.Cancelled
		l.notice("tr_5")
		l.idle()
		l.psp.made[4].State = payments.Paid // and nobody tells
		l.pass(3 * time.Minute)
		l.holds(p, b, payments.Paid, 500, 0, 1500)

		b = l.place(t, sold{cents: 500})[0]
		l.psp.fail = fault.New(fault.Unavailable, "psp-refused", "No.")
		if _, err := l.press(b, 500); !fault.Is(err, "psp-refused") {
			t.Errorf("refused: %v", err)
		}
		p, _, _ = l.desk.Latest(t.Context(), b.Merchant, b.invoice)
		if p.State != payments.Failed || len(l.psp.made) != 5 {
			t.Errorf("refused: %+v", p)
		}
		if p = l.begin(b, 500); p.State != payments.Open {
			t.Errorf("after a refusal: %+v", p)
		}
	})
}

// TestLostWebhook: without any webhook the money is booked within minutes, and late money within days.
func TestLostWebhook(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		list := l.place(t, sold{cents: 500}, sold{cents: 600}, sold{cents: 700})
		p := l.begin(list[0], 500)
		l.psp.made[0].State = payments.Paid
		l.pass(2 * time.Minute)
		l.holds(p, list[0], payments.Paid, 500, 0, 500)

		p = l.begin(list[1], 600)
		l.pass(15 * time.Minute)
		l.psp.made[1].State = payments.Expired
		l.pass(20 * time.Minute)
		l.holds(p, list[1], payments.Expired, 0, 0, 500)
		l.psp.made[1].State = payments.Paid // late
		l.pass(72 * time.Hour)
		l.holds(p, list[1], payments.Paid, 600, 0, 1100)

		p = l.begin(list[2], 700)
		l.psp.made[2].State = payments.Failed
		l.pass(80 * time.Hour)
		looks := l.psp.looks
		l.pass(80 * time.Hour)
		if l.psp.looks != looks {
			t.Errorf("looked %d times more at what had long failed", l.psp.looks-looks)
		}
		l.holds(p, list[2], payments.Failed, 0, 0, 1100)
	})
}

// TestOddNews: what is forged, foreign or absurd books nothing, and money that cannot be booked waits for a person.
func TestOddNews(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		b := l.place(t, sold{cents: 500})[0]
		p := l.begin(b, 500)
		l.notice("tr_nobody")
		l.idle()
		l.psp.made = append(l.psp.made, &payments.Remote{ID: "tr_other", State: payments.Open, Cents: 1, Currency: "EUR"})
		l.notice("tr_other")
		l.idle()
		l.holds(p, b, payments.Open, 0, 0, 0)
		l.psp.made[0].Cents, l.psp.made[0].State = 450, payments.Paid // what the provider says counts
		l.notice("tr_1")
		l.idle()
		l.holds(p, b, payments.Paid, 450, 0, 450)
		l.psp.made[0].State = payments.Expired // it goes back on its word
		l.notice("tr_1")
		l.idle()
		l.holds(p, b, payments.Paid, 450, 0, 450)

		other := l.begin(b, 50)
		for i, wrong := range []struct {
			change func(r *payments.Remote)
			code   string
		}{
			{func(r *payments.Remote) { r.Currency = "USD" }, "psp-amount"},
			{func(r *payments.Remote) { r.Currency, r.Cents = "EUR", 0 }, "psp-amount"},
			{func(r *payments.Remote) { r.Cents, r.ID = 50, "tr_new" }, "psp-payment-foreign"},
		} {
			m := l.psp.made[2]
			m.State = payments.Paid
			wrong.change(m)
			l.notice(m.ID)
			for range 9 {
				l.idle()
				l.clock.Advance(2 * time.Hour)
			}
			var reasons []string
			l.read(t, func(tx *db.Tx) error {
				failed, err := jobs.Failed(t.Context(), tx, "", 100)
				for _, f := range failed {
					if f.Kind == payments.DueFetch {
						reasons = append(reasons, f.Reason)
					}
				}
				return err
			})
			if len(reasons) != i+1 || reasons[i] != wrong.code {
				t.Errorf("%s: %v wait for a person", wrong.code, reasons)
			}
		}
		l.holds(other, b, payments.Open, 450, 0, 450)
	})
}

// TestForgotten: a payment that the provider does not know any more does not stand in the buyer's way.
func TestForgotten(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		b := l.place(t, sold{cents: 500})[0]
		p := l.begin(b, 500)
		l.psp.made[0].ID = "tr_gone"
		again := l.begin(b, 500)
		l.holds(p, b, payments.Failed, 0, 0, 0)
		if again.ID == p.ID || again.ProviderID != "tr_2" {
			t.Errorf("%+v", again)
		}
		l.psp.made[1].ID = "tr_gone_too"
		l.pass(3 * time.Minute)
		l.holds(again, b, payments.Failed, 0, 0, 0)
		l.psp.made[1].ID, l.psp.made[1].State = "tr_2", payments.Paid // it was but our key that was wrong
		l.pass(2 * time.Minute)
		l.holds(again, b, payments.Paid, 500, 0, 500)
	})
}

// TestTwoIDs: a provider that makes two payments for one key is believed once.
func TestTwoIDs(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		b := l.place(t, sold{cents: 500})[0]
		l.psp.during = func(r payments.Request) {
			l.psp.made = append(l.psp.made, &payments.Remote{ID: "tr_first", Ours: r.ID, State: payments.Open, Cents: 500, Currency: "EUR", Checkout: "https://bank.example/"})
			l.notice("tr_first")
			l.idle()
			l.psp.made[0].Ours = ""
		}
		if _, err := l.press(b, 500); !fault.Is(err, "psp-payment-foreign") {
			t.Errorf("two payments for one key: %v", err)
		}
		p, _, err := l.desk.Latest(t.Context(), b.Merchant, b.invoice)
		if err != nil || p.ProviderID != "tr_first" {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestRefresh(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		b := l.place(t, sold{cents: 500})[0]
		p := l.begin(b, 500)
		l.psp.fail = fault.New(fault.Unavailable, "psp-unavailable", "No answer.")
		if now, err := l.desk.Refresh(t.Context(), b.Merchant, p.ID); err != nil || now.State != payments.Open {
			t.Errorf("no answer: %+v, %v", now, err)
		}
		l.psp.made[0].State = payments.Paid
		if now, err := l.desk.Refresh(t.Context(), b.Merchant, p.ID); err != nil || now.State != payments.Paid {
			t.Errorf("paid: %+v, %v", now, err)
		}
		looks := l.psp.looks
		l.notice("tr_1")
		if now, err := l.desk.Refresh(t.Context(), b.Merchant, p.ID); err != nil || now.State != payments.Paid || l.psp.looks != looks {
			t.Errorf("once more: %+v, %v", now, err)
		}
		l.idle()
		l.holds(p, b, payments.Paid, 500, 0, 500)
		if _, err := l.desk.Refresh(t.Context(), shopB, p.ID); !fault.Is(err, "payment") {
			t.Errorf("of another shop: %v", err)
		}
	})
}

// TestSettlement: the bank line of a settlement closes the provider's account, whichever comes first.
func TestSettlement(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		list := l.place(t, sold{cents: 5000}, sold{cents: 3000, merchant: shopB}, sold{cents: 700})
		for i, b := range list {
			l.begin(b, b.TotalCents)
			l.psp.made[i].State = payments.Paid
			l.notice(l.psp.made[i].ID)
		}
		l.idle()
		if n := l.number(t, `select count(*) from due where kind = 'psp.settlements'`); n != 1 {
			t.Errorf("%d rows ask for settlements", n)
		}
		first := l.psp.settle(7936, l.psp.made[0], l.psp.made[1])
		l.pass(25 * time.Hour) // announced, and no line yet
		if at := l.posted(t, "psp", ""); at != 8700 {
			t.Errorf("%d at the provider before the bank line", at)
		}
		l.take(t, l.statement(words(7936, "Mollie 1234567.0009.01"), words(7935, "Mollie "+first.Reference), words(7936, "Mollie settlement 1234567. 0001.01 thanks")).file(t))
		l.pass(7 * time.Hour)
		if psp, fee, left := l.posted(t, "psp", ""), l.posted(t, "expense/psp", ""), -l.posted(t, "unallocated", ""); psp != 700 || fee != 64 || left != 7936+7935 {
			t.Errorf("%d at the provider, %d of fees, %d unallocated", psp, fee, left)
		}
		if got := l.allocated(t); !slices.Contains(got, "operator psp 7936 settlement "+l.settlementID(t, first)) {
			t.Errorf("allocations: %v", got)
		}
		second := l.psp.settle(668, l.psp.made[2])
		l.take(t, l.statement(words(668, "Mollie "+second.Reference)).file(t)) // the line is there first
		l.pass(48 * time.Hour)
		if psp, fee := l.posted(t, "psp", ""), l.posted(t, "expense/psp", ""); psp != 0 || fee != 96 {
			t.Errorf("%d at the provider, %d of fees", psp, fee)
		}
		l.pass(48 * time.Hour)
		if n := l.number(t, `select count(*) from due where kind in ('psp.settlements', 'psp.settle')`); n != 0 {
			t.Errorf("%d rows still wait for settlements", n)
		}
		if n := l.number(t, `select count(*) from psp_payments p join psp_settlements s on s.id = p.settled_by where s.state = 'closed'`); n != 3 {
			t.Errorf("%d payments are settled", n)
		}
	})
}

func (w *world) settlementID(t *testing.T, s payments.Settlement) (id string) {
	t.Helper()
	w.read(t, func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `select id from psp_settlements where provider_id = $1`, []any{s.ID}, &id)
	})
	return id
}

// TestOddSettlement: one that does not fit our books waits for a person; a payment of which we had not heard is
// booked first.
func TestOddSettlement(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		list := l.place(t, sold{cents: 5000}, sold{cents: 3000})
		for _, b := range list {
			l.begin(b, b.TotalCents)
		}
		l.psp.made[0].State = payments.Paid
		l.notice("tr_1")
		l.idle()
		stranger := &payments.Remote{ID: "tr_stranger", State: payments.Paid, Cents: 100, Currency: "EUR"}
		less := *l.psp.made[0]
		less.Cents--
		l.psp.settle(5050, l.psp.made[0], stranger) // not ours
		l.psp.settle(4900, &less)                   // another amount
		l.psp.settle(5001, l.psp.made[0])           // more than was paid
		l.psp.settle(9000, l.psp.made[0], l.psp.made[0])
		l.pass(30 * time.Hour)
		for range 9 {
			l.idle()
			l.clock.Advance(2 * time.Hour)
		}
		if n := l.number(t, `select count(*) from due_failed where kind = 'psp.settle' and reason = 'psp-settlement'`); n != 4 {
			t.Errorf("%d settlements wait for a person", n)
		}
		if n := l.number(t, `select count(*) from psp_payments where settled_by <> ''`); n != 0 {
			t.Errorf("%d payments are settled", n)
		}
		l.psp.made[1].State = payments.Paid // its webhooks and the looks at it all failed to tell us
		s := l.psp.settle(7900, l.psp.made[0], l.psp.made[1])
		l.take(t, l.statement(camt.Line{Cents: 7900, Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", EndToEndID: strings.ToLower(s.Reference)}).file(t))
		l.pass(40 * time.Hour)
		if psp := l.posted(t, "psp", ""); psp != 0 || l.invoice(t, list[1]).PaidCents != 3000 {
			t.Errorf("%d at the provider", psp)
		}
	})
}

// TestStates holds the table of changes to what must be true of it.
func TestStates(t *testing.T) {
	each(t, func(t *testing.T, l *till) {
		states := []payments.State{payments.Open, payments.Paid, payments.Failed, payments.Expired, payments.Cancelled}
		for _, from := range states[1:] {
			for _, to := range states {
				b := l.place(t, sold{cents: 500})[0]
				p := l.begin(b, 500)
				m := l.psp.made[len(l.psp.made)-1]
				for _, m.State = range []payments.State{from, to} {
					l.notice(m.ID)
					l.idle()
				}
				want := from
				if to == payments.Paid {
					want = to
				}
				if got := l.stored(p); got.State != want || (got.PaidCents > 0) != (want == payments.Paid) {
					t.Errorf("%s, then %s: %s with %d paid", from, to, got.State, got.PaidCents)
				}
			}
		}
		if !errors.Is(l.db.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `update psp_payments set provider_id = 'tr_1', merchant_id = merchant_id`)
			return err
		}), db.ErrUnique) {
			t.Error("two payments may have one id at the provider")
		}
	})
}
