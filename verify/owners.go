package verify

import (
	"context"
	"errors"
	"fmt"

	"achteraf/internal/db"
)

// A cross join is what keeps SQLite from beginning with identities or handles, which it would read once for each order.
const (
	latestIdentity = `
       i.id = o.attempt_id and i.merchant_id = o.merchant_id
   and i.version = (select max(x.version) from identities x where x.id = o.attempt_id and x.merchant_id = o.merchant_id)`

	filed = `
       (select 1 from person_orders po where po.order_id = o.id and po.merchant_id = o.merchant_id and po.email_hash = i.email_hash
           and po.person_id = `

	// Both who ordered and whoever proves the address must find it.
	selectUnfiled = `
select o.id, o.merchant_id, i.person_id
  from orders o cross join identities i
 where ` + latestIdentity + `
   and (not exists` + filed + `i.person_id)
        or exists (select 1 from handles h where h.kind = 'email' and h.hash = i.email_hash and not exists` + filed + `h.person_id)))
 limit 1`

	selectMisfiled = `
select po.order_id, po.merchant_id, po.person_id
  from person_orders po
 where not exists (select 1 from orders o cross join identities i
                    where o.id = po.order_id and o.merchant_id = po.merchant_id and i.email_hash = po.email_hash and ` + latestIdentity + `)
 limit 1`
)

// checkOwners holds who finds an order in the overview against the identity that it was decided on, or corrected to.
func checkOwners(ctx context.Context, a *audit) error {
	for _, c := range []struct{ sql, want, got string }{
		{selectUnfiled, "the order among this person's, with the address of the identity's latest version", "nothing"},
		{selectMisfiled, "an order whose identity has this address in its latest version", "another address, or no such order"},
	} {
		var order, merchant, person string
		err := a.tx.QueryRow(ctx, c.sql, nil, &order, &merchant, &person)
		if errors.Is(err, db.ErrNone) {
			continue
		}
		if err != nil {
			return err
		}
		return differs("owners", "person_orders", fmt.Sprintf("person %s, order %s, merchant %s", person, order, merchant), c.want, c.got)
	}
	return nil
}
