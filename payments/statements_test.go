package payments_test

import (
	"slices"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/payments"
	"achteraf/providers/camt"
)

// TestReadUpTo: how far the bank's data are known to be complete, and what is said of a statement that does not fit.
func TestReadUpTo(t *testing.T) {
	cases := []struct {
		name     string
		read     func(day func(n int) *statement) []*statement // days count from 1, 23 November
		upTo     string
		warnings int // of the last statement
	}{
		{"nothing", func(func(int) *statement) []*statement { return nil }, "", 0},
		{"the first", func(day func(int) *statement) []*statement { return []*statement{day(1)} }, "2026-11-23", 0},
		{"day after day", func(day func(int) *statement) []*statement { return []*statement{day(1), day(2), day(3)} }, "2026-11-25", 0},
		{"a day missing", func(day func(int) *statement) []*statement { return []*statement{day(1), day(3)} }, "2026-11-23", 2},
		{"the missing day comes later", func(day func(int) *statement) []*statement { return []*statement{day(1), day(3), day(2)} }, "2026-11-25", 0},
		{"an older one comes later", func(day func(int) *statement) []*statement { return []*statement{day(2), day(1)} }, "2026-11-24", 0},
		{"the same twice", func(day func(int) *statement) []*statement { return []*statement{day(1), day(1), day(2)} }, "2026-11-24", 0},
		{"numbers begin anew", func(day func(int) *statement) []*statement {
			next := day(2)
			next.Sequence = 1
			return []*statement{day(1), next}
		}, "2026-11-24", 0},
		{"a number left out, balances fit", func(day func(int) *statement) []*statement {
			next := day(2)
			next.Sequence = 9
			return []*statement{day(1), next}
		}, "2026-11-24", 1},
		{"balances do not fit", func(day func(int) *statement) []*statement {
			next := day(2)
			next.Opening.Cents++
			next.Closing.Cents++
			return []*statement{day(1), next}
		}, "2026-11-23", 1},
		{"no balances, numbers fit", func(day func(int) *statement) []*statement {
			first, next := day(1), day(3) // nothing happened on day 2
			first.Closing.Known, next.Opening.Known, next.Sequence = false, false, 2
			return []*statement{first, next}
		}, "2026-11-25", 0},
		{"no balances, a number missing", func(day func(int) *statement) []*statement {
			first, next := day(1), day(2)
			first.Closing.Known, next.Opening.Known, next.Sequence = false, false, 3
			return []*statement{first, next}
		}, "2026-11-23", 1},
		{"corrected, with another end", func(day func(int) *statement) []*statement {
			corrected, next := day(1), day(2)
			corrected.lines = append(slices.Clone(corrected.lines), camt.Line{Ref: "MORE", Cents: 1, Currency: "EUR", BookedOn: corrected.To})
			corrected.Closing.Cents++
			next.Opening.Cents++
			next.Closing.Cents++
			return []*statement{day(1), corrected, next}
		}, "2026-11-24", 0},
		{"an unfinished one of the same day comes later", func(day func(int) *statement) []*statement {
			part := day(1)
			part.ID, part.lines = "NOON", part.lines[:1]
			part.Closing.Cents = part.Opening.Cents + 7_00
			first, next := day(1), day(2)
			first.Sequence, part.Sequence, next.Sequence = 0, 0, 0
			return []*statement{first, part, next}
		}, "2026-11-24", 1},
		{"corrected, without numbers", func(day func(int) *statement) []*statement {
			first, corrected := day(1), day(1)
			first.Sequence, corrected.Sequence = 0, 0
			corrected.MessageID = "MSG-AGAIN"
			return []*statement{first, corrected}
		}, "2026-11-23", 0},
		{"no dates but those of the balances, nothing happened", func(day func(int) *statement) []*statement {
			empty := day(2)
			empty.lines, empty.From, empty.To, empty.Closing.Cents = nil, calendar.Date{}, calendar.Date{}, empty.Opening.Cents
			return []*statement{day(1), empty}
		}, "2026-11-24", 0},
		{"no balances, no numbers, a day missing", func(day func(int) *statement) []*statement {
			first, next := day(1), day(3)
			first.Closing.Known, next.Opening.Known, next.Sequence = false, false, 0
			return []*statement{first, next}
		}, "2026-11-23", 0},
		{"no balances, no numbers, next day", func(day func(int) *statement) []*statement {
			first, next := day(1), day(2)
			first.Closing.Known, next.Opening.Known, next.Sequence = false, false, 0
			return []*statement{first, next}
		}, "2026-11-24", 0},
		{"one that covers all days", func(day func(int) *statement) []*statement {
			all := day(3)
			all.ID, all.From, all.Opening.Known = "ALL", date("2026-11-23"), false
			return []*statement{day(1), all}
		}, "2026-11-25", 1},
		{"two on one day", func(day func(int) *statement) []*statement {
			first, second, third := day(1), day(2), day(3)
			second.From, second.To = first.From, first.To
			third.From, third.To = date("2026-11-24"), date("2026-11-24")
			return []*statement{first, second, third}
		}, "2026-11-24", 0},
		{"the second of one day missing", func(day func(int) *statement) []*statement {
			third := day(3)
			third.From, third.To = date("2026-11-24"), date("2026-11-24")
			return []*statement{day(1), third}
		}, "2026-11-23", 2},
		{"no dates but those of the lines", func(day func(int) *statement) []*statement {
			next := day(2)
			next.From, next.To, next.Opening.Known, next.Closing.Known = calendar.Date{}, calendar.Date{}, false, false
			return []*statement{day(1), next}
		}, "2026-11-24", 0},
		{"nothing happened", func(day func(int) *statement) []*statement {
			empty := day(2)
			empty.lines, empty.Closing = nil, empty.Opening
			return []*statement{day(1), empty}
		}, "2026-11-24", 0},
	}
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t, d)
				w.forget(t)
				var days []*statement
				for range 3 {
					days = append(days, w.statement(words(7_00, "een"), words(8_00, "twee")))
				}
				var last payments.Report
				for _, s := range c.read(func(n int) *statement { s := *days[n-1]; return &s }) {
					last = w.take(t, s.file(t))
				}
				if len(last.Warnings) != c.warnings {
					t.Errorf("warnings %+v", last.Warnings)
				}
				w.read(t, func(tx *db.Tx) error {
					got, err := payments.ReadUpTo(t.Context(), tx, clientIBAN)
					if got.String() != c.upTo {
						t.Errorf("read up to %s", got)
					}
					return err
				})
			})
		}
	})
}

// forget removes what was imported, so that the next case begins anew.
func (w *world) forget(t testing.TB) {
	t.Helper()
	err := w.db.Write(t.Context(), func(tx *db.Tx) error {
		for _, sql := range []string{`delete from statements`, `delete from bank_lines`, `delete from allocations`} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWarnings: what a person reads of a gap.
func TestWarnings(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.take(t, w.statement(words(1_00, "een")).file(t))
		w.statement(words(2_00, "twee"))
		got := w.take(t, w.statement(words(3_00, "drie")).file(t)).Warnings
		want := []payments.Warning{
			{Code: "statement-gap", Statement: "STMT-3", Detail: "This is statement 3; the one before it is statement 1 of 2026-11-23."},
			{Code: "statement-balance", Statement: "STMT-3", Detail: "It does not open with the balance with which the statement before it, of 2026-11-23, closes."},
		}
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%+v", got)
		}
	})
}
