package verify

import (
	"context"
	"errors"
	"fmt"

	"achteraf/internal/db"
)

const latestIdentity = `
  join identities i on i.id = o.attempt_id and i.merchant_id = o.merchant_id
   and i.version = (select max(x.version) from identities x where x.id = i.id and x.merchant_id = i.merchant_id)`

const (
	// Both who ordered and whoever proves the address must find it.
	selectUnfiled = `
select o.id, o.merchant_id, i.person_id
  from orders o` + latestIdentity + `
 where not exists (select 1 from person_orders po where po.person_id = i.person_id and po.order_id = o.id
                      and po.merchant_id = o.merchant_id and po.email_hash = i.email_hash)
union all
select o.id, o.merchant_id, h.person_id
  from orders o` + latestIdentity + `
  join handles h on h.kind = 'email' and h.hash = i.email_hash
 where not exists (select 1 from person_orders po where po.person_id = h.person_id and po.order_id = o.id
                      and po.merchant_id = o.merchant_id and po.email_hash = i.email_hash)
 limit 1`

	selectMisfiled = `
select po.order_id, po.merchant_id, po.person_id
  from person_orders po
 where not exists (select 1 from orders o` + latestIdentity + `
                    where o.id = po.order_id and o.merchant_id = po.merchant_id and i.email_hash = po.email_hash)
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
