package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

const selectStates = `
select v.id, v.merchant_id, o.state, v.status, v.number is not null, v.issued_on is not null, v.due_on is not null, v.overdue,
       v.open_cents, v.paid_cents, v.credited_cents
  from invoices v join orders o on o.id = v.order_id and o.merchant_id = v.merchant_id
 order by v.order_id, v.merchant_id`

// standing is where an order and its invoice stand.
type standing struct {
	id, merchant, order, status    string
	numbered, issued, due, overdue bool
	open, paid, credited           int64
}

// checkStates holds each invoice's status against its amounts, and against the state of its order.
func checkStates(ctx context.Context, a *audit) error {
	var s standing
	return a.tx.Each(ctx, selectStates, nil, func(r db.Row) error {
		if err := r.Scan(&s.id, &s.merchant, &s.order, &s.status, &s.numbered, &s.issued, &s.due, &s.overdue, &s.open, &s.paid, &s.credited); err != nil {
			return err
		}
		if want := s.wrong(); want != "" {
			return differs("states", "invoices", fmt.Sprintf("id %s, merchant %s", s.id, s.merchant), want, s.String())
		}
		return nil
	})
}

// wrong says what should be, or "" when all is as it should be.
func (s *standing) wrong() string {
	before, ok := together[s.order][s.status]
	switch {
	case !ok:
		return "an order and an invoice that can stand together"
	case s.numbered != s.issued || s.numbered != s.due:
		return "number, day of issue and due date, or none of them"
	case before && s.numbered, !before && !s.numbered && s.status != "credited":
		return "a number from the day of issue on, and none before"
	case (s.status == "planned" || s.status == "open") != (s.open > 0):
		return "money open while planned or open, and then only"
	case s.status == "credited" && (s.paid > 0 || s.credited == 0):
		return "credited, and nothing paid"
	case s.overdue && s.status != "open":
		return "an open invoice, since it is overdue"
	}
	return ""
}

func (s *standing) String() string {
	return fmt.Sprintf("order %s, invoice %s, number %t, issued %t, due date %t, overdue %t, open %d, paid %d, credited %d",
		s.order, s.status, s.numbered, s.issued, s.due, s.overdue, s.open, s.paid, s.credited)
}

// together lists which status of an invoice goes with which state of its order, and whether that is before issue.
var together = map[string]map[string]bool{
	"placed":    {"planned": true, "credited": true},
	"started":   {"planned": true, "open": false, "paid": false, "credited": false, "written_off": false},
	"cancelled": {"cancelled": true, "credited": true},
	"lapsed":    {"cancelled": true, "credited": true},
	"closed":    {"paid": false, "credited": false, "written_off": false},
}

const (
	// A planned invoice waits for its day, or for the shop; or a hold without an end keeps it.
	selectIdlePlanned = `
select v.id, v.merchant_id
  from invoices v
  left join (select merchant_id, subject from due where kind = 'invoice.issue'
              union select merchant_id, subject from due_failed where kind = 'invoice.issue') n
    on n.subject = v.id and n.merchant_id = v.merchant_id
  left join (select merchant_id, subject from due where kind = 'order.lapse'
              union select merchant_id, subject from due_failed where kind = 'order.lapse') l
    on l.subject = v.order_id and l.merchant_id = v.merchant_id
  left join (select invoice_id, merchant_id from holds where lifted_at is null and until_at is null) h
    on h.invoice_id = v.id and h.merchant_id = v.merchant_id
 where v.status = 'planned' and n.subject is null and l.subject is null and h.invoice_id is null
 order by v.id limit 1`

	// An open one that is not overdue waits for the day after its due date.
	selectIdleOpen = `
select v.id, v.merchant_id
  from invoices v
  left join (select merchant_id, subject from due where kind = 'invoice.overdue'
              union select merchant_id, subject from due_failed where kind = 'invoice.overdue') n
    on n.subject = v.id and n.merchant_id = v.merchant_id
 where v.status = 'open' and not v.overdue and n.subject is null
 order by v.id limit 1`
)

// checkNext holds that nothing waits for ever: each invoice that is not done has a step to come, or somebody to
// look after it.
func checkNext(ctx context.Context, a *audit) error {
	for _, ask := range []struct{ sql, want string }{
		{selectIdlePlanned, "a due row for its issue, a failed one, or a hold, since it is planned"},
		{selectIdleOpen, "a due row for the day after its due date, or a failed one, since it is open"},
	} {
		err := a.tx.Each(ctx, ask.sql, nil, func(r db.Row) error {
			var id, merchant string
			if err := r.Scan(&id, &merchant); err != nil {
				return err
			}
			return differs("next-steps", "due", fmt.Sprintf("invoice %s, merchant %s", id, merchant), ask.want, "none")
		})
		if err != nil {
			return err
		}
	}
	return nil
}
