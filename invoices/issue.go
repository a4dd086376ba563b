package invoices

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/beside"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
)

// bill is one invoice at the moment of its issue.
type bill struct {
	invoice *Invoice
	order   orders.Order
	terms   merchants.Contract
	country string // the shop's
	applied int64  // of what was paid before
	copied  bool   // somebody else gets the mail too
}

// Issue issues the invoices of due rows whose day has come: it starts the order where the clock may, gives
// the number, posts what is owed, and plans the day after the due date. An invoice that is stopped by a
// hold comes back when the hold ends; one that is no longer planned is left alone.
func (c *Clerk) Issue(ctx context.Context, tx *db.Tx, due []jobs.Due) error {
	keys := make([]Key, len(due))
	for i, d := range due {
		keys[i] = Key{d.Merchant, d.Subject}
	}
	bills, err := c.ready(ctx, tx, keys)
	if err != nil || len(bills) == 0 {
		return err
	}
	if err := number(ctx, tx, bills); err != nil {
		return err
	}
	return c.book(ctx, tx, bills)
}

// ready picks the invoices that may be issued now.
func (c *Clerk) ready(ctx context.Context, tx *db.Tx, keys []Key) ([]*bill, error) {
	locked, err := lock(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	planned := inOrder(locked, func(v *Invoice) bool { return v.Status == Planned })
	stopped, err := stops(ctx, tx, keysOf(planned), Sending)
	if err != nil {
		return nil, err
	}
	bills, err := c.gather(ctx, tx, planned)
	if err != nil {
		return nil, err
	}
	var later []jobs.Due
	bills = slices.DeleteFunc(bills, func(b *bill) bool {
		v := b.invoice
		zone, _ := calendar.ZoneOf(b.order.Country)
		begin := zone.StartOf(v.SendOn)
		stop := stopped[Key{v.Merchant, v.ID}]
		switch {
		case b.order.State == orders.Placed && b.terms.StartBy == merchants.ByCall:
			return true // only the shop may start it; its call plans the issue
		case b.order.State != orders.Placed && b.order.State != orders.Started:
			return true
		case begin.After(tx.Now):
			later = append(later, jobs.Due{At: begin, Kind: DueIssue, Merchant: v.Merchant, Subject: v.ID})
			return true
		case stop.Whole:
			if !stop.Until.IsZero() {
				later = append(later, jobs.Due{At: stop.Until, Kind: DueIssue, Merchant: v.Merchant, Subject: v.ID})
			}
			return true
		}
		return false
	})
	return bills, jobs.Add(ctx, tx, later)
}

// gather reads the orders and contracts of invoices.
func (c *Clerk) gather(ctx context.Context, tx *db.Tx, list []*Invoice) ([]*bill, error) {
	keys := make([]orders.Key, len(list))
	for i, v := range list {
		keys[i] = orders.Key{Merchant: v.Merchant, ID: v.Order}
	}
	found, err := orders.Find(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	contracts := make([]merchants.ContractKey, 0, len(list))
	for _, o := range found {
		contracts = append(contracts, merchants.ContractKey{Merchant: o.Merchant, ID: o.Contract})
	}
	terms, err := merchants.Contracts(ctx, tx, contracts)
	if err != nil {
		return nil, err
	}
	bills := make([]*bill, len(list))
	for i, v := range list {
		o, ok := found[keys[i]]
		t, known := terms[merchants.ContractKey{Merchant: o.Merchant, ID: o.Contract}]
		if !ok || !known {
			return nil, fmt.Errorf("invoice %s: its order or contract is missing", v.ID)
		}
		bills[i] = &bill{invoice: v, order: o, terms: t.Contract, country: t.Country}
	}
	return bills, nil
}

// inOrder returns the invoices that satisfy keep, by id, so that numbers follow the order of acceptance.
func inOrder(m map[Key]*Invoice, keep func(*Invoice) bool) []*Invoice {
	var out []*Invoice
	for _, v := range m {
		if keep(v) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b *Invoice) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func keysOf(list []*Invoice) []Key {
	out := make([]Key, len(list))
	for i, v := range list {
		out[i] = Key{v.Merchant, v.ID}
	}
	return out
}

// number gives the next number of each invoice's series. The year is that of the issue date.
func number(ctx context.Context, tx *db.Tx, bills []*bill) error {
	want := make([]series, len(bills))
	for i, b := range bills {
		zone, err := calendar.ZoneOf(b.order.Country)
		if err != nil {
			return err
		}
		b.invoice.IssuedOn = zone.DateOf(tx.Now)
		want[i] = series{b.invoice.Merchant, yearly(b.invoice.Series, b.invoice.IssuedOn)}
	}
	numbers, err := take(ctx, tx, want)
	if err != nil {
		return err
	}
	for i, b := range bills {
		b.invoice.Number = numbers[i]
	}
	return nil
}

// book posts and stores issued invoices with all that follows.
func (c *Clerk) book(ctx context.Context, tx *db.Tx, bills []*bill) error {
	var entries []ledger.Entry
	var happened []events.Event
	var later []jobs.Due
	var released []buyers.Release
	var start []*orders.Order
	changed := make([]*Invoice, len(bills))
	for i, b := range bills {
		v := b.invoice
		changed[i] = v
		entry, applied, err := c.issueEntry(b)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
		b.applied = applied
		v.Status, v.DueOn = Open, v.IssuedOn.AddDays(int(b.terms.TransitDays+b.terms.DueDays))
		v.OpenCents -= applied
		v.PaidCents += applied
		v.HeldCents -= applied
		v.settle()
		if applied > 0 {
			released = append(released, buyers.Release{Attempt: b.order.Attempt, Merchant: v.Merchant, Cents: applied})
		}
		if b.order.State == orders.Placed {
			start = append(start, &b.order)
			happened = append(happened, event(v.Merchant, "order.started", v.Order, `{"by":"clock"}`))
		}
		happened = append(happened, event(v.Merchant, "invoice.issued", v.ID,
			fmt.Sprintf(`{"number":%q,"issued_on":%q,"due_on":%q,"total_cents":%d,"open_cents":%d}`, v.Number, v.IssuedOn, v.DueOn, v.TotalCents, v.OpenCents)))
		later = append(later, jobs.Due{Kind: FactIssued, Merchant: v.Merchant, Subject: v.ID})
		if v.Status == Open {
			zone, _ := calendar.ZoneOf(b.order.Country)
			later = append(later, jobs.Due{At: zone.StartOf(v.DueOn.AddDays(1)), Kind: DueOverdue, Merchant: v.Merchant, Subject: v.ID})
		}
	}
	g, err := c.gatherFacts(ctx, tx, bills)
	if err != nil {
		return err
	}
	keys := keysOf(changed)
	papers := beside.Run(func() ([][]any, error) { return c.invoicePapers(keys, g) })
	return first(
		func() error { return ledger.PostNew(ctx, tx, entries...) },
		func() error { return jobs.Add(ctx, tx, copies(bills)) },
		func() error { return store(ctx, tx, changed) },
		func() error { return orders.Move(ctx, tx, orders.Start, start...) },
		func() error { return c.desk.Change(ctx, tx, released) },
		func() error { return jobs.Add(ctx, tx, later) },
		func() error { return events.Append(ctx, tx, happened) },
		func() error {
			rows, err := papers()
			if err != nil {
				return err
			}
			return tx.Put(ctx, newDocuments, rows)
		},
	)
}

// copies tells of the invoices whose mail goes to somebody else too.
func copies(bills []*bill) (due []jobs.Due) {
	for _, b := range bills {
		if b.copied {
			due = append(due, jobs.Due{Kind: FactCopied, Merchant: b.invoice.Merchant, Subject: b.invoice.ID})
		}
	}
	return due
}

// first runs steps until one fails.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func event(merchant, kind, subject, data string) events.Event {
	return events.Event{Merchant: merchant, Kind: kind, Subject: subject, Data: data}
}

// issueEntry is the entry of an issue: the claim against the shop's pending money, the shop's fee with its
// VAT out of that, and money that came before the invoice from the buyer's credit. It returns how much of
// that credit it used.
func (c *Clerk) issueEntry(b *bill) (ledger.Entry, int64, error) {
	v := b.invoice
	claim := v.TotalCents - v.CreditedCents // what was credited before issue is never claimed
	fee, vat, err := c.fee(b.terms, b.country, claim)
	if err != nil {
		return ledger.Entry{}, 0, err
	}
	applied := min(v.HeldCents, v.OpenCents)
	e := ledger.Entry{Merchant: v.Merchant, Key: v.ID + "/issued", Kind: "invoice-issued", Currency: v.Currency}
	e.Legs = legs(
		ledger.Leg{Code: ledger.BuyerPrincipal, Subject: v.ID, Cents: claim - applied},
		ledger.Leg{Code: ledger.BuyerCredit, Subject: v.Order, Cents: applied},
		ledger.Leg{Code: ledger.MerchantPending, Cents: -claim + fee + vat},
		ledger.Leg{Code: ledger.IncomeFees, Cents: -fee},
		ledger.Leg{Code: ledger.TaxVAT, Cents: -vat},
	)
	return e, applied, nil
}

// legs drops legs of nothing.
func legs(list ...ledger.Leg) []ledger.Leg {
	return slices.DeleteFunc(list, func(l ledger.Leg) bool { return l.Cents == 0 })
}

// Overdue marks invoices whose due date has passed, so that their buyers cannot order more meanwhile.
func (c *Clerk) Overdue(ctx context.Context, tx *db.Tx, due []jobs.Due) error {
	keys := make([]Key, len(due))
	for i, d := range due {
		keys[i] = Key{d.Merchant, d.Subject}
	}
	locked, err := lock(ctx, tx, keys)
	if err != nil {
		return err
	}
	late := inOrder(locked, func(v *Invoice) bool { return v.Status == Open && !v.Overdue })
	found, err := attempts(ctx, tx, late)
	if err != nil {
		return err
	}
	var marked []*Invoice
	var changes []buyers.Release
	var happened []events.Event
	var later []jobs.Due
	for _, v := range late {
		o := found[orders.Key{Merchant: v.Merchant, ID: v.Order}]
		zone, err := calendar.ZoneOf(o.Country)
		if err != nil {
			return err
		}
		if begin := zone.StartOf(v.DueOn.AddDays(1)); begin.After(tx.Now) { // the due date has moved
			later = append(later, jobs.Due{At: begin, Kind: DueOverdue, Merchant: v.Merchant, Subject: v.ID})
			continue
		}
		v.Overdue = true
		marked = append(marked, v)
		changes = append(changes, buyers.Release{Attempt: o.Attempt, Merchant: v.Merchant, Overdue: 1})
		happened = append(happened, event(v.Merchant, "invoice.overdue", v.ID, fmt.Sprintf(`{"due_on":%q,"open_cents":%d}`, v.DueOn, v.OpenCents)))
	}
	return first(
		func() error { return store(ctx, tx, marked) },
		func() error { return c.desk.Change(ctx, tx, changes) },
		func() error { return jobs.Add(ctx, tx, later) },
		func() error { return events.Append(ctx, tx, happened) },
	)
}

// attempts reads the orders of invoices.
func attempts(ctx context.Context, tx *db.Tx, list []*Invoice) (map[orders.Key]orders.Order, error) {
	keys := make([]orders.Key, len(list))
	for i, v := range list {
		keys[i] = orders.Key{Merchant: v.Merchant, ID: v.Order}
	}
	return orders.Find(ctx, tx, keys)
}

// cleared is the change in a buyer's overdue count when an invoice stops being open.
func (v *Invoice) cleared() int64 {
	if v.Overdue && v.Status != Open {
		v.Overdue = false
		return -1
	}
	return 0
}

// missing says that an invoice cannot be found.
func missing() error { return fault.Missing("invoice", "There is no such invoice.") }
