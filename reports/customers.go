package reports

import (
	"context"

	"achteraf/internal/db"
)

const selectOwing = `
select count(*)
  from person_orders po
  join invoices v on v.order_id = po.order_id and v.merchant_id = po.merchant_id
 where po.person_id = $1 and po.merchant_id = $2 and v.open_cents > 0`

// OwesNothing says whether nothing is open on any invoice, issued or to come, that a buyer has with a shop. Of other
// shops it tells nothing.
func OwesNothing(ctx context.Context, tx *db.Tx, merchant, person string) (bool, error) {
	var owing int64
	err := tx.QueryRow(ctx, selectOwing, []any{person, merchant}, &owing)
	return owing == 0, err
}
