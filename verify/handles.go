package verify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"achteraf/internal/db"
)

const selectOpen = `
select v.open_cents, v.overdue, i.email_hash, i.phone_hash, i.who_hash
  from invoices v
  join orders o on o.id = v.order_id and o.merchant_id = v.merchant_id
  join identities i on i.id = o.attempt_id and i.merchant_id = o.merchant_id
   and i.version = (select max(x.version) from identities x where x.id = i.id and x.merchant_id = i.merchant_id)
 where v.open_cents <> 0 and o.state not in ('cancelled', 'lapsed')`

// handle is one thing that identifies a buyer, by its kind and keyed hash.
type handle struct{ kind, hash string }

// exposure is what a handle's row says of the open invoices behind it.
type exposure struct{ cents, overdue int64 }

func (e exposure) String() string {
	return fmt.Sprintf("open_cents %d, overdue %d", e.cents, e.overdue)
}

// checkHandles adds up the open invoices of each handle.
func checkHandles(ctx context.Context, a *audit) error {
	want := map[handle]exposure{}
	err := a.tx.Each(ctx, selectOpen, nil, func(r db.Row) error {
		var cents int64
		var overdue bool
		var email, phone, who []byte
		if err := r.Scan(&cents, &overdue, &email, &phone, &who); err != nil {
			return err
		}
		for _, h := range []handle{{"email", string(email)}, {"phone", string(phone)}, {"who", string(who)}} {
			if h.hash == "" {
				continue
			}
			e := want[h]
			e.cents += cents
			if overdue {
				e.overdue++
			}
			want[h] = e
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = a.tx.Each(ctx, `select kind, hash, open_cents, overdue from handles where kind in ('email', 'phone', 'who') order by kind, hash`, nil, func(r db.Row) error {
		var h handle
		var hash []byte
		var is exposure
		if err := r.Scan(&h.kind, &hash, &is.cents, &is.overdue); err != nil {
			return err
		}
		h.hash = string(hash)
		if is != want[h] {
			return differs("handles", "handles", h.row(), want[h].String(), is)
		}
		delete(want, h)
		return nil
	})
	if err != nil {
		return err
	}
	if rest := slices.SortedFunc(maps.Keys(want), handle.compare); len(rest) > 0 {
		return differs("handles", "handles", rest[0].row(), want[rest[0]], "no row")
	}
	return nil
}

func (h handle) compare(i handle) int {
	return cmp.Or(strings.Compare(h.kind, i.kind), strings.Compare(h.hash, i.hash))
}

func (h handle) row() string { return fmt.Sprintf("kind %s, hash %x", h.kind, h.hash) }
