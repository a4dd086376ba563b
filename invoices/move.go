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
	"achteraf/merchants"
	"achteraf/orders"
)

// Start starts an order by the shop's call. Its invoice is issued on its day, or now when that has passed.
// Starting twice is the same as once. Errors: NotFound "order", Conflict "order-state".
func (c *Clerk) Start(ctx context.Context, tx *db.Tx, merchant, id string) error {
	out, err := c.startAll(ctx, tx, []orders.Key{{Merchant: merchant, ID: id}}, false)
	if err != nil {
		return err
	}
	return out[0].Err
}

// Starting is what became of one order of SendAll: the state in which it was found, and why it did not start.
type Starting struct {
	Was orders.State
	Err error
}

// SendAll starts orders of which the goods are on their way: their invoices are issued now, whatever day was planned,
// unless a hold stops it. Each has an answer of its own.
func (c *Clerk) SendAll(ctx context.Context, tx *db.Tx, keys []orders.Key) ([]Starting, error) {
	return c.startAll(ctx, tx, keys, true)
}

// startAll starts orders; their invoices come on their days, or at once.
func (c *Clerk) startAll(ctx context.Context, tx *db.Tx, keys []orders.Key, atOnce bool) ([]Starting, error) {
	found, err := orders.Find(ctx, tx, distinct(keys))
	if err != nil {
		return nil, err
	}
	out := make([]Starting, len(keys))
	var begun []*orders.Order
	var happened []events.Event
	for i, k := range keys {
		o, ok := found[k]
		if !ok {
			out[i].Err = fault.Missing("order", "There is no such order.")
			continue
		}
		out[i].Was = o.State
		if o.State == orders.Started {
			continue
		}
		to, err := o.State.Next(orders.Start)
		if err != nil {
			out[i].Err = err
			continue
		}
		moving := o
		begun = append(begun, &moving)
		happened = append(happened, event(k.Merchant, "order.started", k.ID, `{"by":"call"}`))
		o.State = to // for who asks again
		found[k] = o
	}
	if len(begun) == 0 {
		return out, nil
	}
	due, sooner, err := c.issueOf(ctx, tx, begun, atOnce)
	if err != nil {
		return nil, err
	}
	return out, first(
		func() error { return store(ctx, tx, sooner) },
		func() error { return orders.Move(ctx, tx, orders.Start, begun...) },
		func() error { return events.Append(ctx, tx, happened) },
		func() error { return jobs.Add(ctx, tx, due) },
	)
}

func distinct(keys []orders.Key) (out []orders.Key) {
	seen := make(map[orders.Key]bool, len(keys))
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

// issueOf plans the issue of orders' invoices, on their days or at once; then those that were planned for later get
// today, at the debtor's address, as their day.
func (c *Clerk) issueOf(ctx context.Context, tx *db.Tx, list []*orders.Order, atOnce bool) (due []jobs.Due, sooner []*Invoice, err error) {
	keys := make([]Key, len(list))
	for i, o := range list {
		keys[i] = Key{o.Merchant, o.ID}
	}
	of, err := c.lockOf(ctx, tx, keys)
	if err != nil {
		return nil, nil, err
	}
	for i, o := range list {
		v := of[keys[i]]
		if v == nil || v.Status != Planned {
			continue
		}
		zone, err := calendar.ZoneOf(o.Country)
		if err != nil {
			return nil, nil, err
		}
		if today := zone.DateOf(tx.Now); atOnce && v.SendOn.After(today) {
			v.SendOn = today
			sooner = append(sooner, v)
		}
		due = append(due, jobs.Due{At: latest(tx.Now, zone.StartOf(v.SendOn)), Kind: DueIssue, Merchant: o.Merchant, Subject: v.ID})
	}
	return due, sooner, nil
}

func latest(a, b calendar.Instant) calendar.Instant {
	if a.Before(b) {
		return b
	}
	return a
}

// Cancel withdraws an order before it has started: nothing is ever due for it. Cancelling twice is the
// same as once. Errors: NotFound "order", Conflict "order-state" once it has started (credit it then).
func (c *Clerk) Cancel(ctx context.Context, tx *db.Tx, merchant, id string) error {
	o, err := orders.One(ctx, tx, merchant, id)
	if err != nil || o.State == orders.Cancelled {
		return err
	}
	if o.State == orders.Started {
		return fault.Clash("order-state", "The order has started; credit it instead.")
	}
	return c.withdraw(ctx, tx, &o, orders.Cancel, "order.cancelled", `{"by":"call"}`)
}

// Lapse ends orders that only the shop may start and did not start in time. The shop hears of it by event.
func (c *Clerk) Lapse(ctx context.Context, tx *db.Tx, due []jobs.Due) error {
	for _, d := range due {
		o, err := orders.One(ctx, tx, d.Merchant, d.Subject)
		if err != nil {
			return err
		}
		if o.State != orders.Placed {
			continue
		}
		if err := c.withdraw(ctx, tx, &o, orders.Lapse, "order.lapsed", `{"by":"clock"}`); err != nil {
			return err
		}
	}
	return nil
}

// withdraw ends an order that has not started, and its planned invoice with it. Money that came before
// stays held for the buyer.
func (c *Clerk) withdraw(ctx context.Context, tx *db.Tx, o *orders.Order, e orders.Event, kind, data string) error {
	of, err := c.lockOf(ctx, tx, []Key{{o.Merchant, o.ID}})
	if err != nil {
		return err
	}
	v := of[Key{o.Merchant, o.ID}]
	if v == nil {
		return fmt.Errorf("order %s has no invoice", o.ID)
	}
	open := v.OpenCents
	if v.Status == Planned { // one that was credited in full stays so
		v.Status, v.OpenCents = Cancelled, 0
		v.CreditedCents += open
	}
	return first(
		func() error { return orders.Move(ctx, tx, e, o) },
		func() error { return store(ctx, tx, []*Invoice{v}) },
		func() error {
			return c.desk.Change(ctx, tx, []buyers.Release{{Attempt: o.Attempt, Merchant: o.Merchant, Cents: open}})
		},
		func() error { return events.Append(ctx, tx, []events.Event{event(o.Merchant, kind, o.ID, data)}) },
	)
}

// firstSteps are the due rows of a new order: the day of its invoice, or the day on which it lapses when
// only the shop may start it.
func firstSteps(o orders.Order, v Invoice, t merchants.Contract, zone calendar.Zone) jobs.Due {
	if t.StartBy == merchants.ByCall {
		return jobs.Due{At: zone.StartOf(o.PlacedOn.AddDays(int(t.LapseAfterDays))), Kind: DueLapse, Merchant: o.Merchant, Subject: o.ID}
	}
	return jobs.Due{At: zone.StartOf(v.SendOn), Kind: DueIssue, Merchant: o.Merchant, Subject: v.ID}
}

// Correct adds a version to the identity of a decided order's buyer, with who and why. Errors: those of
// buyers.Correct, NotFound "order".
func (c *Clerk) Correct(ctx context.Context, tx *db.Tx, merchant, order string, b buyers.Buyer, by, reason string) error {
	o, err := orders.One(ctx, tx, merchant, order)
	if err != nil {
		return err
	}
	of, err := c.lockOf(ctx, tx, []Key{{merchant, order}})
	if err != nil {
		return err
	}
	v := of[Key{merchant, order}]
	if v == nil {
		return missing()
	}
	correction := buyers.Correction{Attempt: o.Attempt, Merchant: merchant, Order: order, Buyer: b, OpenCents: v.OpenCents, By: by, Reason: reason}
	if v.Overdue {
		correction.Overdue = 1
	}
	return c.desk.Correct(ctx, tx, correction)
}
