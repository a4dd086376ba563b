package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

// checkCredit holds what each invoice says is held for its buyer against the journal.
func checkCredit(ctx context.Context, a *audit) error {
	err := a.tx.Each(ctx, `select id, merchant_id, order_id, currency, held_cents from invoices order by order_id, merchant_id`, nil, func(r db.Row) error {
		var id, merchant, order, currency string
		var held int64
		if err := r.Scan(&id, &merchant, &order, &currency, &held); err != nil {
			return err
		}
		row := fmt.Sprintf("id %s, merchant %s", id, merchant)
		posted := -a.take("buyer/credit", merchant, currency, order)
		switch {
		case posted < 0:
			return differs("buyer-credit", "postings", "buyer/credit of "+order, "nothing or more held for the buyer", posted)
		case posted != held:
			return differs("buyer-credit", "invoices", row, fmt.Sprintf("held_cents %d, as posted", posted), held)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.noneLeft("buyer-credit", "buyer/credit", "an order with an invoice in this currency")
}
