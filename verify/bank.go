package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

const selectBankLines = `
select b.id, b.currency, b.cents, b.left_cents, coalesce(s.cents, 0), coalesce(s.lowest, 0), coalesce(s.highest, 0)
  from bank_lines b
  left join (select bank_line_id, cast(sum(cents) as bigint) as cents, min(cents) as lowest, max(cents) as highest
               from allocations group by bank_line_id) s
    on s.bank_line_id = b.id
 order by b.id`

// checkBankLines holds what was allocated of each bank line against its amount and the journal. What went
// out is below zero, and so is what is allocated of it.
func checkBankLines(ctx context.Context, a *audit) error {
	err := a.tx.Each(ctx, selectBankLines, nil, func(r db.Row) error {
		var id, currency string
		var cents, left, allocated, lowest, highest int64
		if err := r.Scan(&id, &currency, &cents, &left, &allocated, &lowest, &highest); err != nil {
			return err
		}
		posted := -a.take("unallocated", "", currency, id)
		least, most := min(cents, 0), max(cents, 0)
		switch {
		case lowest < least || highest > most:
			return differs("bank-lines", "allocations", "bank line "+id, fmt.Sprintf("allocations from %d to %d cents", least, most), fmt.Sprintf("%d to %d", lowest, highest))
		case allocated < least || allocated > most:
			return differs("bank-lines", "allocations", "bank line "+id, fmt.Sprintf("%d to %d cents together", least, most), allocated)
		case posted != cents-allocated:
			return differs("bank-lines", "bank_lines", "id "+id, fmt.Sprintf("%d cents unallocated in the journal", cents-allocated), posted)
		case left != cents-allocated:
			return differs("bank-lines", "bank_lines", "id "+id, fmt.Sprintf("left_cents %d", cents-allocated), left)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := a.strayAllocation(ctx); err != nil {
		return err
	}
	return a.noneLeft("bank-lines", "unallocated", "a bank line in this currency")
}

// strayAllocation holds that each allocation has its bank line.
func (a *audit) strayAllocation(ctx context.Context) error {
	return a.tx.Each(ctx, `
select x.id, x.bank_line_id from allocations x left join bank_lines b on b.id = x.bank_line_id where b.id is null order by x.id limit 1`,
		nil, func(r db.Row) error {
			var id, line string
			if err := r.Scan(&id, &line); err != nil {
				return err
			}
			return differs("bank-lines", "allocations", "id "+id, "the bank line "+line, "none")
		})
}
