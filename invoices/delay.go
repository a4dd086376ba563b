package invoices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/orders"
)

// ByDelay is the kind of hold that a notice of delay sets.
const ByDelay = "delay"

// mostDelayDays is how long after the order a shop may put its invoice off (our choice): what comes later is better
// cancelled and ordered again.
const mostDelayDays = 90

// delayReasons are why an order may come later.
var delayReasons = []string{"stock", "supplier", "carrier", "made-to-order", "buyer", "other"}

// Delay is a shop's word that an order comes later, so that its invoice must too.
type Delay struct {
	Merchant string
	Order    string
	SendOn   calendar.Date // the new day of the invoice
	Reason   string        // one of a closed list; "" is other
	By       string        // id of the key or staff member
}

// Delay puts the day of a planned invoice off, with the reason, which shop and buyer see; the buyer hears of it. A new
// notice takes the place of the one before. Errors: Invalid "fields" with pointers, NotFound "order", Conflict
// "delay-not-planned" once the invoice was issued or withdrawn.
func (c *Clerk) Delay(ctx context.Context, tx *db.Tx, d Delay) (Hold, error) {
	if d.Reason == "" {
		d.Reason = "other"
	}
	o, err := orders.One(ctx, tx, d.Merchant, d.Order)
	if err != nil {
		return Hold{}, err
	}
	of, err := c.lockOf(ctx, tx, []Key{{d.Merchant, d.Order}})
	if err != nil {
		return Hold{}, err
	}
	v := of[Key{d.Merchant, d.Order}]
	if v == nil {
		return Hold{}, missing()
	}
	if v.Status != Planned {
		return Hold{}, fault.Clash("delay-not-planned", "The invoice of this order is %s: it cannot be put off any more.", v.Status)
	}
	if err := d.check(v.SendOn, o.PlacedOn.AddDays(mostDelayDays)); err != nil {
		return Hold{}, err
	}
	zone, err := calendar.ZoneOf(o.Country)
	if err != nil {
		return Hold{}, err
	}
	v.SendOn = d.SendOn
	h := Hold{Merchant: d.Merchant, Invoice: v.ID, Kind: ByDelay, Until: zone.StartOf(d.SendOn), SetBy: d.By, Reason: d.Reason}
	return h, first(
		func() error { return store(ctx, tx, []*Invoice{v}) },
		func() error { return endDelays(ctx, tx, v, d.By) },
		func() (err error) { h, err = SetHold(ctx, tx, h); return err },
		func() error {
			return jobs.Add(ctx, tx, []jobs.Due{{At: h.Until, Kind: DueIssue, Merchant: v.Merchant, Subject: v.ID},
				{Kind: FactDelayed, Merchant: v.Merchant, Subject: h.ID}})
		},
		func() error {
			return events.Append(ctx, tx, []events.Event{event(v.Merchant, "order.delayed", d.Order,
				fmt.Sprintf(`{"hold":%q,"send_on":%q,"reason":%q}`, h.ID, d.SendOn, d.Reason))})
		},
	)
}

// check holds a notice to a day after the one that is planned, and to the last one.
func (d *Delay) check(planned, last calendar.Date) error {
	var wrong []fault.Field
	if !d.SendOn.After(planned) || d.SendOn.After(last) {
		wrong = append(wrong, fault.Field{Pointer: "#/send_on", Code: "range", Detail: fmt.Sprintf("Give a day after %s and not after %s.", planned, last)})
	}
	if !slices.Contains(delayReasons, d.Reason) {
		wrong = append(wrong, fault.Field{Pointer: "#/reason", Code: "unknown", Detail: "Say " + strings.Join(delayReasons, ", ") + ", or nothing."})
	}
	if len(wrong) > 0 {
		return fault.At("fields", "Some fields are not right.", wrong...)
	}
	return nil
}

// endDelays ends earlier notices about an invoice.
func endDelays(ctx context.Context, tx *db.Tx, v *Invoice, by string) error {
	_, err := tx.Exec(ctx, `
update holds set lifted_at = $4, lifted_by = $5
 where invoice_id = $1 and merchant_id = $2 and kind = $3 and lifted_at is null`, v.ID, v.Merchant, ByDelay, tx.Now, by)
	return err
}

// DelayByID reads a notice of delay, and whether it still counts. Error: NotFound "hold".
func DelayByID(ctx context.Context, tx *db.Tx, merchant, id string) (h Hold, counts bool, err error) {
	h = Hold{ID: id, Merchant: merchant, Kind: ByDelay}
	var lifted calendar.Instant
	err = tx.QueryRow(ctx, `select invoice_id, from_at, until_at, set_by, reason, lifted_at from holds where id = $1 and merchant_id = $2 and kind = $3`,
		[]any{id, merchant, ByDelay}, &h.Invoice, &h.From, &h.Until, &h.SetBy, &h.Reason, &lifted)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing("hold", "There is no such hold.")
	}
	return h, lifted.IsZero(), err
}
