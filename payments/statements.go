package payments

import (
	"context"
	"fmt"
	"slices"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// head is a statement on its way into the books.
type head struct {
	Statement
	id      string
	lines   int
	undated bool // the bank does not say which days it covers: those of its lines
}

// count takes note of a line.
func (h *head) count(l Line) {
	h.lines++
	if !h.undated {
		return
	}
	if h.From.IsZero() || l.BookedOn.Before(h.From) {
		h.From = l.BookedOn
	}
	if h.To.Before(l.BookedOn) {
		h.To = l.BookedOn
	}
}

// begin stores a statement, or finds it where this very file was read before.
func begin(ctx context.Context, tx *db.Tx, s Statement, sum []byte) (id string, err error) {
	var opening, closing any
	if s.Opening.Known {
		opening = s.Opening.Cents
	}
	if s.Closing.Known {
		closing = s.Closing.Cents
	}
	err = tx.QueryRow(ctx, `
insert into statements (id, iban, statement_ref, file_hash, sequence, from_on, to_on, opening_cents, closing_cents, lines, complete, imported_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11)
    on conflict (iban, statement_ref, file_hash) do update set sequence = excluded.sequence
 returning id`, []any{tx.ID("stm_"), s.IBAN, s.Ref, sum, s.Sequence, s.From, s.To, opening, closing, false, tx.Now}, &id)
	return id, err
}

// finish marks the statement as complete, and says what does not fit the one before it.
func (h head) finish(ctx context.Context, tx *db.Tx) ([]Warning, error) {
	_, err := tx.Exec(ctx, `
update statements set lines = $2, from_on = $3, to_on = $4, complete = $5
 where id = $1`, h.id, h.lines, h.From, h.To, true)
	if err != nil || h.To.IsZero() {
		return nil, err
	}
	before, err := readHeads(ctx, tx, previous, h.IBAN, h.To, h.Sequence, h.id, h.Ref)
	if err != nil || len(before) == 0 {
		return nil, err
	}
	return h.compare(before[0].Statement), nil
}

// compare says what does not fit between a statement and the one before it. Banks may begin to count anew.
func (h head) compare(before Statement) []Warning {
	var all []Warning
	if before.Sequence > 0 && h.Sequence > 1 && h.Sequence != before.Sequence+1 {
		all = append(all, Warning{"statement-gap", h.Ref,
			fmt.Sprintf("This is statement %d; the one before it is statement %d of %s.", h.Sequence, before.Sequence, before.To)})
	}
	if before.Closing.Known && h.Opening.Known && before.Closing.Cents != h.Opening.Cents {
		all = append(all, Warning{"statement-balance", h.Ref,
			fmt.Sprintf("It does not open with the balance with which the statement before it, of %s, closes.", before.To)})
	}
	return all
}

const headColumns = `
select id, iban, statement_ref, sequence, from_on, to_on, opening_cents is not null, opening_cents, closing_cents is not null, closing_cents
  from statements
 where iban = $1 and complete and to_on is not null`

const (
	// Statements of one day are ordered by their number, or as they were read where they have none.
	previous = headColumns + `
   and (to_on < $2 or to_on = $2 and (sequence < $3 or sequence = 0 and $3 = 0 and id < $4)) and statement_ref <> $5
 order by to_on desc, sequence desc, id desc limit 1`

	completed = headColumns + `
 order by to_on, sequence, id`
)

func readHeads(ctx context.Context, tx *db.Tx, query string, args ...any) (all []head, err error) {
	err = tx.Each(ctx, query, args, func(r db.Row) error {
		var h head
		err := r.Scan(&h.id, &h.IBAN, &h.Ref, &h.Sequence, &h.From, &h.To, &h.Opening.Known, &h.Opening.Cents, &h.Closing.Known, &h.Closing.Cents)
		all = append(all, h)
		return err
	})
	return all, err
}

// ReadUpTo returns the last day up to which all statements of an account were read, without a day or a
// statement missing since the first one; zero when none was. Who acts because money has not come must know
// that it has not come.
func ReadUpTo(ctx context.Context, tx *db.Tx, iban string) (calendar.Date, error) {
	all, err := readHeads(ctx, tx, completed, iban)
	if err != nil || len(all) == 0 {
		return calendar.Date{}, err
	}
	upTo, ends := all[0].To, []Statement{all[0].Statement} // those that end on that day
	for _, h := range all[1:] {
		next := h.Statement
		linked := !next.From.After(upTo) || slices.ContainsFunc(ends, func(s Statement) bool { return s.leadsTo(next) })
		switch {
		case !linked:
			return upTo, nil
		case next.To == upTo:
			ends = append(ends, next)
		default:
			upTo, ends = next.To, []Statement{next}
		}
	}
	return upTo, nil
}

// leadsTo says whether nothing can be missing between s and next. Balances know best, then numbers, then days.
func (s Statement) leadsTo(next Statement) bool {
	switch {
	case s.Closing.Known && next.Opening.Known:
		return s.Closing.Cents == next.Opening.Cents
	case s.Sequence > 0 && next.Sequence > 0:
		return next.Sequence == s.Sequence+1
	}
	return !next.From.After(s.To.AddDays(1))
}
