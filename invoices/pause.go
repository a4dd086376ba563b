package invoices

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/orders"
)

// ByShop is the kind of hold that a shop sets on its own order.
const ByShop = "merchant"

// mostHoldDays is the longest hold that a shop sets by one call: what plug-ins of the older wire know
// (its on-hold call, DAYS 1 to 14). A day is 24 hours of business time.
const mostHoldDays = 14

// pauseReasons are why a shop may hold its order.
var pauseReasons = []string{"return", "delay", "complaint", "payment", "agreement", "other"}

// Pause is a shop's wish that nothing is asked of its buyer for some days.
type Pause struct {
	Merchant string
	Order    string
	Days     int64  // 1 to 14
	Reason   string // one of a closed list; "" is other
	By       string // id of the key or staff member
}

// Hold stops sending, reminders, costs and hand-over of an order's invoice for some days. A new hold takes the
// place of the shop's earlier one. It ends by itself, by a due row. A refusal has written nothing. Errors: Invalid
// "fields" with pointers, NotFound "order", Conflict "hold-not-possible" when nothing is, or will be, open.
func (c *Clerk) Hold(ctx context.Context, tx *db.Tx, p Pause) (Hold, error) {
	if p.Reason == "" {
		p.Reason = "other"
	}
	v, err := c.LockOf(ctx, tx, p.Merchant, p.Order)
	if err != nil {
		return Hold{}, err
	}
	if err := p.check(); err != nil {
		return Hold{}, err
	}
	if v.Status != Planned && v.Status != Open {
		return Hold{}, fault.Clash("hold-not-possible", "The invoice of this order is %s: there is nothing to hold.", v.Status)
	}
	before, err := lift(ctx, tx, v, p.By)
	if err != nil {
		return Hold{}, err
	}
	h, err := SetHold(ctx, tx, Hold{Merchant: p.Merchant, Invoice: v.ID, Kind: ByShop, Until: tx.Now.Add(time.Duration(p.Days) * 24 * time.Hour),
		SetBy: p.By, Reason: p.Reason})
	if err != nil {
		return h, err
	}
	return h, first(
		func() error {
			return jobs.Add(ctx, tx, []jobs.Due{{At: h.Until, Kind: DueHoldEnd, Merchant: h.Merchant, Subject: h.ID}})
		},
		func() error {
			return events.Append(ctx, tx, []events.Event{event(h.Merchant, "order.held", p.Order,
				fmt.Sprintf(`{"hold":%q,"days":%d,"reason":%q,"instead_of":%q}`, h.ID, p.Days, h.Reason, strings.Join(before, " ")))})
		},
	)
}

func (p *Pause) check() error {
	var wrong []fault.Field
	if p.Days < 1 || p.Days > mostHoldDays {
		wrong = append(wrong, fault.Field{Pointer: "#/days", Code: "range", Detail: fmt.Sprintf("Give 1 to %d days.", mostHoldDays)})
	}
	if !slices.Contains(pauseReasons, p.Reason) {
		wrong = append(wrong, fault.Field{Pointer: "#/reason", Code: "unknown", Detail: "Say " + strings.Join(pauseReasons, ", ") + ", or nothing."})
	}
	if len(wrong) > 0 {
		return fault.At("fields", "Some fields are not right.", wrong...)
	}
	return nil
}

// Resume ends the hold that a shop set on its order. What it stopped goes on with the next run. A refusal has
// written nothing. Errors: NotFound "order"; Conflict "hold-lifted" when the shop holds nothing.
func (c *Clerk) Resume(ctx context.Context, tx *db.Tx, merchant, order, by string) error {
	v, err := c.LockOf(ctx, tx, merchant, order)
	if err != nil {
		return err
	}
	ended, err := lift(ctx, tx, v, by)
	if err != nil {
		return err
	}
	if len(ended) == 0 {
		return fault.Clash("hold-lifted", "The shop holds nothing of this order.")
	}
	return c.resumed(ctx, tx, v, ended[0], "call")
}

// resumed says that a shop's hold has ended, and lets the invoice go on.
func (c *Clerk) resumed(ctx context.Context, tx *db.Tx, v Invoice, hold, by string) error {
	err := events.Append(ctx, tx, []events.Event{event(v.Merchant, "order.resumed", v.Order, fmt.Sprintf(`{"hold":%q,"by":%q}`, hold, by))})
	if err != nil {
		return err
	}
	return again(ctx, tx, v.Merchant, v.ID)
}

// lift ends the holds in force that a shop set on an invoice that is locked, and returns their ids.
func lift(ctx context.Context, tx *db.Tx, v Invoice, by string) (ended []string, err error) {
	all, err := HoldsOf(ctx, tx, []Key{{v.Merchant, v.ID}})
	if err != nil {
		return nil, err
	}
	for _, h := range all[0] {
		if h.Kind != ByShop {
			continue
		}
		n, err := tx.Exec(ctx, liftHold, h.ID, h.Merchant, tx.Now, by)
		if err != nil {
			return nil, err
		}
		if n == 1 {
			ended = append(ended, h.ID)
		}
	}
	return ended, nil
}

const liftHold = `
update holds set lifted_at = $3, lifted_by = $4
 where id = $1 and merchant_id = $2 and lifted_at is null`

// EndHolds ends holds whose days are over. One that was lifted or replaced before is left alone.
func (c *Clerk) EndHolds(ctx context.Context, tx *db.Tx, due []jobs.Due) error {
	for _, d := range due {
		var invoice string
		var until calendar.Instant
		err := tx.QueryRow(ctx, `select invoice_id, until_at from holds where id = $1 and merchant_id = $2`, []any{d.Subject, d.Merchant}, &invoice, &until)
		if err == db.ErrNone || err == nil && (until.IsZero() || until.After(tx.Now)) {
			continue
		}
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, liftHold, d.Subject, d.Merchant, tx.Now, "clock")
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		v, err := One(ctx, tx, d.Merchant, invoice)
		if err != nil {
			return err
		}
		if err := c.resumed(ctx, tx, v, d.Subject, "clock"); err != nil {
			return err
		}
	}
	return nil
}

// LockOf reads the invoice of an order and locks it until the end of the transaction, so that a caller may look
// before it acts. Errors: NotFound "order", "invoice".
func (c *Clerk) LockOf(ctx context.Context, tx *db.Tx, merchant, order string) (Invoice, error) {
	of, err := c.lockOf(ctx, tx, []Key{{merchant, order}})
	if err != nil {
		return Invoice{}, err
	}
	if v := of[Key{merchant, order}]; v != nil {
		return *v, nil
	}
	if _, err := orders.One(ctx, tx, merchant, order); err != nil {
		return Invoice{}, err
	}
	return Invoice{}, missing()
}

var findInForce = db.NewQuery(`
select id, kind, stops, amount_cents, from_at, until_at, set_by, reason
  from holds
 where invoice_id = $1 and merchant_id = $2 and lifted_at is null
 order by id`, db.Text, db.Text)

// HoldsOf reads the holds that are in force on invoices, in the order of keys, the oldest first.
func HoldsOf(ctx context.Context, tx *db.Tx, keys []Key) ([][]Hold, error) {
	out := make([][]Hold, len(keys))
	err := tx.Find(ctx, findInForce, rowsOf(keys), func(i int, r db.Row) error {
		h := Hold{Merchant: keys[i].Merchant, Invoice: keys[i].ID}
		var stops string
		if err := r.Scan(&h.ID, &h.Kind, &stops, &h.AmountCents, &h.From, &h.Until, &h.SetBy, &h.Reason); err != nil {
			return err
		}
		for act := range strings.SplitSeq(stops, ",") {
			h.Stops = append(h.Stops, Act(act))
		}
		if over := !h.Until.IsZero() && !h.Until.After(tx.Now); !over && !h.From.After(tx.Now) {
			out[i] = append(out[i], h)
		}
		return nil
	})
	return out, err
}
