package invoices

import (
	"context"
	"fmt"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/orders"
)

// Money is an incoming amount that belongs to an order.
type Money struct {
	Order orders.Order
	Cents int64  // more than 0
	By    string // what brought it, such as a bank line's id, for the event
}

// Applied says where an amount went.
type Applied struct {
	Invoice   string
	Principal int64 // paid off the invoice
	Credit    int64 // held for the buyer: a surplus, or money before the invoice
}

// Apply books incoming money on the invoices of its orders: what is open first, the rest is held for the
// buyer. It changes no account; the caller posts what Applied says in the same transaction. Money may
// meet the same invoice twice in one slice.
func (c *Clerk) Apply(ctx context.Context, tx *db.Tx, list []Money) ([]Applied, error) {
	keys := make([]Key, len(list))
	for i, m := range list {
		keys[i] = Key{m.Order.Merchant, m.Order.ID}
	}
	of, err := c.lockOf(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	out := make([]Applied, len(list))
	changed := map[*Invoice]bool{}
	var inLine []*Invoice
	var released []buyers.Release
	var happened []events.Event
	var follow []jobs.Due
	for i, m := range list {
		v := of[keys[i]]
		if v == nil {
			return nil, fmt.Errorf("order %s has no invoice", m.Order.ID)
		}
		was := v.Status
		a := v.receive(m.Cents)
		out[i] = a
		if was == Open && v.Status == Paid {
			follow = append(follow, jobs.Due{Kind: FactPaid, Merchant: v.Merchant, Subject: v.ID})
		}
		if !changed[v] {
			changed[v] = true
			inLine = append(inLine, v)
		}
		released = append(released, buyers.Release{Attempt: m.Order.Attempt, Merchant: v.Merchant, Cents: a.Principal, Overdue: v.cleared()})
		happened = append(happened, event(v.Merchant, "payment.received", v.ID,
			fmt.Sprintf(`{"by":%q,"principal_cents":%d,"credit_cents":%d,"open_cents":%d,"status":%q}`, m.By, a.Principal, a.Credit, v.OpenCents, v.Status)))
	}
	return out, first(
		func() error { return store(ctx, tx, inLine) },
		func() error { return c.desk.Change(ctx, tx, released) },
		func() error { return jobs.Add(ctx, tx, follow) },
		func() error { return events.Append(ctx, tx, happened) },
	)
}

// receive puts money on an invoice. Only an open invoice can be paid; anything else is held for the buyer.
func (v *Invoice) receive(cents int64) Applied {
	a := Applied{Invoice: v.ID}
	if v.Status == Open {
		a.Principal = min(cents, v.OpenCents)
	}
	a.Credit = cents - a.Principal
	v.OpenCents -= a.Principal
	v.PaidCents += a.Principal
	v.HeldCents += a.Credit
	v.settle()
	return a
}

// TakeBack undoes money that Apply booked: what is held for the buyer goes first, the rest is owed again. An invoice
// that was settled opens again with a new due date, so that no earlier reminder counts. It changes no account; the
// caller posts the reverse of what it returns. Error: Conflict "payment-used" when the money has gone on meanwhile;
// then nothing is written.
func (c *Clerk) TakeBack(ctx context.Context, tx *db.Tx, m Money) (Applied, error) {
	o := m.Order
	of, err := c.lockOf(ctx, tx, []Key{{o.Merchant, o.ID}})
	if err != nil {
		return Applied{}, err
	}
	v := of[Key{o.Merchant, o.ID}]
	if v == nil {
		return Applied{}, missing()
	}
	a := Applied{Invoice: v.ID, Credit: min(m.Cents, v.HeldCents)}
	a.Principal = m.Cents - a.Credit
	settled := v.Status == Paid
	if a.Principal > v.PaidCents || a.Principal > 0 && !settled && v.Status != Open {
		return Applied{}, fault.Clash("payment-used", "The money of this payment has gone on meanwhile.")
	}
	v.HeldCents -= a.Credit
	v.PaidCents -= a.Principal
	v.OpenCents += a.Principal
	v.settle()
	var follow []jobs.Due
	if settled && v.Status == Open {
		begin, err := c.dueAnew(ctx, tx, v)
		if err != nil {
			return Applied{}, err
		}
		follow = append(follow, jobs.Due{At: begin, Kind: DueOverdue, Merchant: v.Merchant, Subject: v.ID})
	}
	return a, first(
		func() error {
			if o.State != orders.Closed || v.Status != Open {
				return nil
			}
			return orders.Move(ctx, tx, orders.Reopen, &o)
		},
		func() error { return store(ctx, tx, []*Invoice{v}) },
		func() error {
			return c.desk.Change(ctx, tx, []buyers.Release{{Attempt: o.Attempt, Merchant: v.Merchant, Cents: -a.Principal}})
		},
		func() error { return jobs.Add(ctx, tx, follow) },
		func() error {
			return events.Append(ctx, tx, []events.Event{event(v.Merchant, "payment.reversed", v.ID,
				fmt.Sprintf(`{"by":%q,"principal_cents":%d,"credit_cents":%d,"open_cents":%d,"status":%q}`, m.By, a.Principal, a.Credit, v.OpenCents, v.Status))})
		},
	)
}

// dueAnew gives an invoice the due date that it would have if it were issued today, and returns when the day after
// begins.
func (c *Clerk) dueAnew(ctx context.Context, tx *db.Tx, v *Invoice) (calendar.Instant, error) {
	bills, err := c.gather(ctx, tx, []*Invoice{v})
	if err != nil {
		return calendar.Instant{}, err
	}
	zone, err := calendar.ZoneOf(bills[0].order.Country)
	if err != nil {
		return calendar.Instant{}, err
	}
	v.DueOn = zone.DateOf(tx.Now).AddDays(int(bills[0].terms.TransitDays + bills[0].terms.DueDays))
	return zone.StartOf(v.DueOn.AddDays(1)), nil
}

// lockOf locks the invoices of orders given as (merchant, order id). It reads them once: an order and its invoice
// are made at one moment, so that their ids sort alike, but for orders of one millisecond. Whoever locks two of
// those by invoice meanwhile may wait for us in a circle; then one of both runs again.
func (c *Clerk) lockOf(ctx context.Context, tx *db.Tx, keys []Key) (map[Key]*Invoice, error) {
	return lockBy(ctx, tx, findOfOrders, keys, func(v *Invoice) Key { return Key{v.Merchant, v.Order} })
}
