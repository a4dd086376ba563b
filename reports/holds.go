package reports

import (
	"context"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/invoices"
)

// Hold is something that waits, and why.
type Hold struct {
	Kind     string // delay, return, dispute, …
	Cents    int64  // 0: the whole invoice
	From     calendar.Instant
	Until    calendar.Instant // zero: until somebody lifts it
	LiftedAt calendar.Instant // zero: not lifted; from Until on: it ended by itself

	stops []string
}

// Stops says whether the hold stops an act.
func (h *Hold) Stops(act invoices.Act) bool { return slices.Contains(h.stops, string(act)) }

// inForce says whether the hold stops anything now.
func (h *Hold) inForce(now calendar.Instant) bool {
	return h.LiftedAt.IsZero() && !h.From.After(now) && (h.Until.IsZero() || h.Until.After(now))
}

const selectHolds = `
select kind, stops, amount_cents, from_at, until_at, lifted_at from holds where invoice_id = $1 and merchant_id = $2 order by id`

var findHolds = db.NewQuery(selectHolds, db.Text, db.Text)

func (h *Hold) scan(r db.Row) error {
	var stops string
	err := r.Scan(&h.Kind, &stops, &h.Cents, &h.From, &h.Until, &h.LiftedAt)
	h.stops = strings.Split(stops, ",")
	return err
}

// hold fills in the holds that are in force on what is not done.
func hold(ctx context.Context, tx *db.Tx, all []*Item) error {
	var list []*Item
	var keys [][]any
	for _, x := range all {
		if x.group() != done {
			list = append(list, x)
			keys = append(keys, []any{x.Invoice, x.Merchant})
		}
	}
	return tx.Find(ctx, findHolds, keys, func(n int, r db.Row) error {
		var h Hold
		err := h.scan(r)
		if h.inForce(tx.Now) {
			list[n].Holds = append(list[n].Holds, h)
		}
		return err
	})
}

// pause is what holds do to what is to be paid.
type pause struct {
	whole bool
	cents int64            // or only a part
	until calendar.Instant // of a whole one; zero: open
}

// pausing adds holds up: those that stop reminders pause an open invoice, those that stop sending a planned one.
func pausing(holds []Hold, status invoices.Status) pause {
	act := invoices.Dunning
	if status == invoices.Planned {
		act = invoices.Sending
	}
	return stopping(holds, act)
}

func stopping(holds []Hold, act invoices.Act) pause {
	var p pause
	for i := range holds {
		h := &holds[i]
		switch {
		case !h.Stops(act):
		case h.Cents > 0:
			p.cents += h.Cents
		case !p.whole:
			p.whole, p.until = true, h.Until
		case h.Until.IsZero() || p.until.IsZero():
			p.until = calendar.Instant{}
		case h.Until.After(p.until):
			p.until = h.Until
		}
	}
	return p
}

// left is what is to be paid now of an open amount.
func (p pause) left(open int64) int64 {
	if p.whole {
		return 0
	}
	return max(open-p.cents, 0)
}
