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
	o, err := orders.One(ctx, tx, merchant, id)
	if err != nil || o.State == orders.Started {
		return err
	}
	if err := orders.Move(ctx, tx, orders.Start, &o); err != nil {
		return err
	}
	if err := events.Append(ctx, tx, []events.Event{event(merchant, "order.started", id, `{"by":"call"}`)}); err != nil {
		return err
	}
	of, err := OfOrders(ctx, tx, []Key{{merchant, id}})
	if err != nil {
		return err
	}
	zone, err := calendar.ZoneOf(o.Country)
	if err != nil {
		return err
	}
	var due []jobs.Due
	for _, v := range of[0] {
		if v.Status == Planned {
			due = append(due, jobs.Due{At: latest(tx.Now, zone.StartOf(v.SendOn)), Kind: DueIssue, Merchant: merchant, Subject: v.ID})
		}
	}
	return jobs.Add(ctx, tx, due)
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
