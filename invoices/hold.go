package invoices

import (
	"context"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
)

// Act is something that a hold can stop.
type Act string

const (
	Sending  Act = "sending"  // issue and send the invoice
	Dunning  Act = "dunning"  // remind
	Costs    Act = "costs"    // charge late costs
	HandOver Act = "handover" // give to a collector
	Payout   Act = "payout"   // pay the shop
)

var acts = []Act{Sending, Dunning, Costs, HandOver, Payout}

// holdKinds says what each kind of hold stops unless it is told otherwise.
var holdKinds = map[string][]Act{
	"delay":       {Sending, Dunning, Costs, HandOver},
	"return":      {Dunning, Costs, HandOver, Payout},
	"dispute":     {Sending, Dunning, Costs, HandOver, Payout},
	"fraud":       {Sending, Dunning, Costs, HandOver, Payout},
	"debt-help":   {Dunning, Costs, HandOver},
	"paid":        {Dunning, Costs, HandOver},
	"undelivered": {Dunning, Costs, HandOver},
	"merchant":    {Sending, Dunning, Costs, HandOver},
}

// Hold stops acts on an invoice, or on part of its amount, for a time.
type Hold struct {
	ID          string
	Merchant    string
	Invoice     string
	Kind        string
	Stops       []Act
	AmountCents int64 // 0: the whole invoice
	From        calendar.Instant
	Until       calendar.Instant // zero: until lifted
	SetBy       string
	Reason      string // a code, never free text about a person
}

// SetHold stores a hold. Stops may be empty: then the kind's usual acts. Errors: Invalid "hold-fields" when the
// kind, an act, the times or who and why are missing or wrong.
func SetHold(ctx context.Context, tx *db.Tx, h Hold) (Hold, error) {
	usual, known := holdKinds[h.Kind]
	if len(h.Stops) == 0 {
		h.Stops = usual
	}
	if h.From.IsZero() {
		h.From = tx.Now
	}
	strange := slices.ContainsFunc(h.Stops, func(a Act) bool { return !slices.Contains(acts, a) })
	if !known || strange || h.SetBy == "" || h.Reason == "" || h.AmountCents < 0 || (!h.Until.IsZero() && !h.Until.After(h.From)) {
		return h, fault.Bad("hold-fields", "A hold needs a known kind, who set it and why, and an end after its beginning.")
	}
	if err := hold(ctx, tx, Key{h.Merchant, h.Invoice}); err != nil {
		return h, err
	}
	h.ID = tx.ID("hld_")
	_, err := tx.Exec(ctx, `
insert into holds (id, merchant_id, invoice_id, kind, stops, amount_cents, from_at, until_at, set_by, reason, lifted_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '')`,
		h.ID, h.Merchant, h.Invoice, h.Kind, joinActs(h.Stops), h.AmountCents, h.From, h.Until, h.SetBy, h.Reason)
	return h, err
}

// hold locks an invoice, so that whoever issues or sends it at this moment has either finished before the
// hold is there, or sees it.
func hold(ctx context.Context, tx *db.Tx, k Key) error {
	locked, err := lock(ctx, tx, []Key{k})
	if err == nil && locked[k] == nil {
		err = missing()
	}
	return err
}

// LiftHold ends a hold. What it stopped goes on with the next run. Errors: NotFound "hold", Conflict
// "hold-lifted".
func LiftHold(ctx context.Context, tx *db.Tx, merchant, id, by string) error {
	var invoice string
	err := tx.QueryRow(ctx, `select invoice_id from holds where id = $1 and merchant_id = $2`, []any{id, merchant}, &invoice)
	if err == db.ErrNone {
		return fault.Missing("hold", "There is no such hold.")
	}
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, liftHold, id, merchant, tx.Now, by)
	if err := db.One(n, err, "hold-lifted", "This hold was lifted before."); err != nil {
		return err
	}
	return again(ctx, tx, merchant, invoice)
}

// again lets an invoice that is still planned be issued as soon as its day has come, and one whose due day has
// passed meanwhile be marked.
func again(ctx context.Context, tx *db.Tx, merchant, invoice string) error {
	v, err := One(ctx, tx, merchant, invoice)
	if err != nil {
		return err
	}
	kind := DueIssue
	switch {
	case v.Status == Planned:
	case v.Status == Open && !v.Overdue:
		kind = DueOverdue
	default:
		return nil
	}
	return jobs.Add(ctx, tx, []jobs.Due{{At: tx.Now, Kind: kind, Merchant: merchant, Subject: invoice}})
}

var findHolds = db.NewQuery(`
select invoice_id, stops, amount_cents, from_at, until_at
  from holds
 where invoice_id = $1 and merchant_id = $2 and lifted_at is null`, db.Text, db.Text)

// Stop is what holds do to one act on one invoice.
type Stop struct {
	Whole bool             // the act is stopped altogether
	Cents int64            // or for this part of the amount only
	Until calendar.Instant // when a whole stop ends; zero: not before somebody lifts a hold
}

// Stops answers what holds do now to an act on an invoice. Everything that acts on an invoice asks here,
// in the transaction in which it acts.
func Stops(ctx context.Context, tx *db.Tx, k Key, act Act) (Stop, error) {
	all, err := stops(ctx, tx, []Key{k}, act)
	return all[k], err
}

// stops is Stops for a slice; an invoice without a stop is missing from the map.
func stops(ctx context.Context, tx *db.Tx, keys []Key, act Act) (map[Key]Stop, error) {
	out := map[Key]Stop{}
	err := tx.Find(ctx, findHolds, rowsOf(keys), func(i int, r db.Row) error {
		var invoice, stops string
		var cents int64
		var from, until calendar.Instant
		if err := r.Scan(&invoice, &stops, &cents, &from, &until); err != nil {
			return err
		}
		over := !until.IsZero() && !until.After(tx.Now)
		if slices.Contains(strings.Split(stops, ","), string(act)) && !from.After(tx.Now) && !over {
			out[keys[i]] = out[keys[i]].and(cents, until)
		}
		return nil
	})
	return out, err
}

// and adds one more hold to a stop.
func (s Stop) and(cents int64, until calendar.Instant) Stop {
	switch {
	case cents > 0:
		s.Cents += cents
	case !s.Whole:
		s.Whole, s.Until = true, until
	case s.Until.IsZero() || until.IsZero():
		s.Until = calendar.Instant{}
	case until.After(s.Until):
		s.Until = until
	}
	return s
}

func joinActs(list []Act) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = string(a)
	}
	return strings.Join(words, ",")
}
