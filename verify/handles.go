package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

const selectOpen = `
select v.open_cents, i.email_hash, i.phone_hash, i.who_hash
  from invoices v
  join orders o on o.id = v.order_id and o.merchant_id = v.merchant_id
  join identities i on i.id = o.attempt_id and i.merchant_id = o.merchant_id
   and i.version = (select max(x.version) from identities x where x.id = i.id and x.merchant_id = i.merchant_id)
 where v.open_cents <> 0 and o.state not in ('cancelled', 'lapsed')`

// handle is one thing that identifies a buyer, by its kind and keyed hash.
type handle struct{ kind, hash string }

// checkHandles adds up the open invoices of each handle.
func checkHandles(ctx context.Context, a *audit) error {
	want := map[handle]int64{}
	err := a.tx.Each(ctx, selectOpen, nil, func(r db.Row) error {
		var cents int64
		var email, phone, who []byte
		if err := r.Scan(&cents, &email, &phone, &who); err != nil {
			return err
		}
		for _, h := range []handle{{"email", string(email)}, {"phone", string(phone)}, {"who", string(who)}} {
			if h.hash != "" {
				want[h] += cents
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = a.tx.Each(ctx, `select kind, hash, open_cents from handles where kind in ('email', 'phone', 'who') order by kind, hash`, nil, func(r db.Row) error {
		var h handle
		var hash []byte
		var open int64
		if err := r.Scan(&h.kind, &hash, &open); err != nil {
			return err
		}
		h.hash = string(hash)
		if open != want[h] {
			return differs("handles", "handles", h.row(), fmt.Sprintf("open_cents %d", want[h]), open)
		}
		delete(want, h)
		return nil
	})
	if err != nil {
		return err
	}
	for h, cents := range want {
		return differs("handles", "handles", h.row(), fmt.Sprintf("open_cents %d", cents), "no row")
	}
	return nil
}

func (h handle) row() string { return fmt.Sprintf("kind %s, hash %x", h.kind, h.hash) }
