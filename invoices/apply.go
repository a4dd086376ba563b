package invoices

import (
	"context"
	"fmt"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/events"
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

// lockOf locks the invoices of orders given as (merchant, order id). It reads them once: an order and its invoice
// are made at one moment, so that their ids sort alike, but for orders of one millisecond. Whoever locks two of
// those by invoice meanwhile may wait for us in a circle; then one of both runs again.
func (c *Clerk) lockOf(ctx context.Context, tx *db.Tx, keys []Key) (map[Key]*Invoice, error) {
	return lockBy(ctx, tx, findOfOrders, keys, func(v *Invoice) Key { return Key{v.Merchant, v.Order} })
}
