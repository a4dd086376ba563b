package reports

import (
	"context"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/invoices"
	"achteraf/orders"
)

// Stages of an order, in one word for programs that show no more.
const (
	StagePlanned   = "planned" // placed; the invoice comes
	StageStarted   = "started" // started; the invoice comes
	StageIssued    = "issued"  // to be paid
	StageOverdue   = "overdue" // past the due day
	StageHeld      = "held"    // a hold keeps all of it from going on
	StagePaid      = "paid"
	StageCredited  = "credited"  // nothing was paid and nothing is owed
	StageCancelled = "cancelled" // or lapsed, or given up
)

// Standing is where an order stands, in short.
type Standing struct {
	Asked           string // the word it was asked for by
	Found           bool
	Order           string
	Reference       string
	State           orders.State
	Invoice         string
	Number          string // "" until issue
	Status          invoices.Status
	Currency        string
	TotalCents      int64
	OpenCents       int64
	PaidCents       int64
	CreditedCents   int64
	WrittenOffCents int64
	HeldCents       int64 // money that is kept for the buyer
	Overdue         bool
	DueOn           calendar.Date
	Stage           string
}

const selectStanding = `
select o.id, o.reference, o.state, v.id, coalesce(v.number, ''), v.status, v.currency, v.total_cents, v.open_cents, v.paid_cents,
       v.credited_cents, v.written_off_cents, v.held_cents, v.overdue, v.due_on`

const (
	standingByReference = selectStanding + `
  from orders o join invoices v on v.order_id = o.id and v.merchant_id = o.merchant_id
 where o.merchant_id = $1 and o.reference = $2`

	standingByNumber = selectStanding + `
  from invoices v join orders o on o.id = v.order_id and o.merchant_id = v.merchant_id
 where v.merchant_id = $1 and v.number = $2`
)

var (
	findByReference = db.NewQuery(standingByReference, db.Text, db.Text)
	findByNumber    = db.NewQuery(standingByNumber, db.Text, db.Text)
)

func (s *Standing) scan(r db.Row) error {
	return r.Scan(&s.Order, &s.Reference, &s.State, &s.Invoice, &s.Number, &s.Status, &s.Currency, &s.TotalCents, &s.OpenCents, &s.PaidCents,
		&s.CreditedCents, &s.WrittenOffCents, &s.HeldCents, &s.Overdue, &s.DueOn)
}

// Standings says where a shop's orders stand, each by its reference or the number of its invoice, in the order of
// words. A word is taken as it is first; then in capitals and in small letters, which are five look-ups at most along the
// unique indexes and read no order that is not meant. A reference of mixed case is only found as it was given. Give
// at most some hundred words.
func (r *Reports) Standings(ctx context.Context, tx *db.Tx, merchant string, words []string) ([]Standing, error) {
	out := make([]Standing, len(words))
	for i, word := range words {
		out[i].Asked = word
	}
	same := func(s string) string { return s }
	for _, try := range []struct {
		query *db.Query
		form  func(string) string
	}{{findByReference, same}, {findByNumber, same}, {findByReference, strings.ToUpper}, {findByReference, strings.ToLower}, {findByNumber, strings.ToUpper}} {
		if err := look(ctx, tx, try.query, merchant, out, try.form); err != nil {
			return nil, err
		}
	}
	return out, stage(ctx, tx, merchant, out)
}

// look looks what was not found yet up in another form.
func look(ctx context.Context, tx *db.Tx, q *db.Query, merchant string, out []Standing, form func(string) string) error {
	var keys [][]any
	var at []int
	for i := range out {
		if !out[i].Found {
			keys, at = append(keys, []any{merchant, form(out[i].Asked)}), append(at, i)
		}
	}
	return tx.Find(ctx, q, keys, func(n int, r db.Row) error {
		s := &out[at[n]]
		s.Found = true
		return s.scan(r)
	})
}

// stage fills in the stage of each.
func stage(ctx context.Context, tx *db.Tx, merchant string, list []Standing) error {
	var keys []invoices.Key
	var at []int
	for i := range list {
		s := &list[i]
		if !s.Found {
			continue
		}
		if s.Stage = s.stage(); s.Status == invoices.Planned || s.Status == invoices.Open {
			keys, at = append(keys, invoices.Key{Merchant: merchant, ID: s.Invoice}), append(at, i)
		}
	}
	holds, err := invoices.HoldsOf(ctx, tx, keys)
	for n := range holds {
		for _, h := range holds[n] {
			if h.AmountCents == 0 {
				list[at[n]].Stage = StageHeld
			}
		}
	}
	return err
}

func (s *Standing) stage() string {
	switch s.Status {
	case invoices.Paid:
		return StagePaid
	case invoices.Credited:
		return StageCredited
	case invoices.Open:
		if s.Overdue {
			return StageOverdue
		}
		return StageIssued
	case invoices.Planned:
		if s.State == orders.Started {
			return StageStarted
		}
		return StagePlanned
	}
	return StageCancelled
}
