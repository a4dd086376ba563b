package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

// Kinds of the entries that receipts make.
const (
	toShop       = "paid-to-shop"
	toShopUndone = "paid-to-shop-reversed"
)

const selectReceipts = `
select r.id, r.merchant_id, r.cents, r.reversed_at is not null,
       cast(coalesce(sum(case when e.kind = 'paid-to-shop' and l.code = 'merchant/pending' then l.cents end), 0) as bigint),
       cast(coalesce(-sum(case when e.kind = 'paid-to-shop' and (l.code = 'buyer/principal' and l.subject = r.invoice_id
                                 or l.code = 'buyer/credit' and l.subject = r.order_id) then l.cents end), 0) as bigint),
       cast(coalesce(-sum(case when e.kind = 'paid-to-shop-reversed' and l.code = 'merchant/pending' then l.cents end), 0) as bigint),
       cast(coalesce(sum(case when e.kind = 'paid-to-shop-reversed' and (l.code = 'buyer/principal' and l.subject = r.invoice_id
                                or l.code = 'buyer/credit' and l.subject = r.order_id) then l.cents end), 0) as bigint)
  from shop_receipts r
  left join entries e on e.key in (r.id || '/paid-to-shop', r.id || '/paid-to-shop-reversed') and e.merchant_id = r.merchant_id
  left join postings l on l.writer = e.writer and l.seq = e.seq and l.n = e.n and l.merchant_id = e.merchant_id
 group by r.id, r.merchant_id, r.cents, r.reversed_at
 order by r.id, r.merchant_id`

// checkReceipts holds what shops say that they received against the journal, one by one and together.
func checkReceipts(ctx context.Context, a *audit) error {
	left := a.receipts
	err := a.tx.Each(ctx, selectReceipts, nil, func(r db.Row) error {
		var id, merchant string
		var cents, booked, claims, undone, again int64
		var reversed bool
		if err := r.Scan(&id, &merchant, &cents, &reversed, &booked, &claims, &undone, &again); err != nil {
			return err
		}
		row := fmt.Sprintf("id %s, merchant %s", id, merchant)
		back := int64(0)
		left--
		if reversed {
			back = cents
			left--
		}
		switch {
		case cents <= 0:
			return differs("shop-receipts", "shop_receipts", row, "an amount", cents)
		case booked != cents || claims != cents:
			return differs("shop-receipts", "shop_receipts", row, fmt.Sprintf("cents %d, as posted off what the buyer owes (%d)", booked, claims), cents)
		case undone != back || again != back:
			return differs("shop-receipts", "shop_receipts", row, fmt.Sprintf("%d taken back, as posted (%d)", undone, again), back)
		}
		return nil
	})
	if err == nil && left != 0 {
		err = differs("shop-receipts", "entries", "kinds "+toShop+" and "+toShopUndone, "a receipt for each", fmt.Sprintf("%d more", left))
	}
	return err
}
