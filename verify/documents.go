package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

// selectUndocumented finds what has a number and no document of its kind; selectStray a document of nothing. A left
// join keeps both to one pass over the primary keys.
const (
	selectUndocumented = `
select 'invoices', v.id, v.merchant_id from invoices v
  left join documents d on d.id = v.id and d.merchant_id = v.merchant_id and d.kind = 'invoice'
 where v.number is not null and d.id is null
 union all
select 'credits', c.id, c.merchant_id from credits c
  left join documents d on d.id = c.id and d.merchant_id = c.merchant_id and d.kind = 'credit'
 where c.number is not null and d.id is null
 order by 1, 2, 3 limit 1`

	selectStray = `
select d.id, d.merchant_id, d.kind from documents d
  left join invoices v on v.id = d.id and v.merchant_id = d.merchant_id and v.number is not null and d.kind = 'invoice'
  left join credits c on c.id = d.id and c.merchant_id = d.merchant_id and c.number is not null and d.kind = 'credit'
 where v.id is null and c.id is null
 order by d.id, d.merchant_id limit 1`
)

// checkDocuments holds that what was given a number was also put into words that stay. What the words are it cannot
// see: they are sealed.
func checkDocuments(ctx context.Context, a *audit) error {
	err := a.tx.Each(ctx, selectUndocumented, nil, func(r db.Row) error {
		var table, id, merchant string
		if err := r.Scan(&table, &id, &merchant); err != nil {
			return err
		}
		return differs("documents", table, fmt.Sprintf("id %s, merchant %s", id, merchant), "a document", "none")
	})
	if err != nil {
		return err
	}
	return a.tx.Each(ctx, selectStray, nil, func(r db.Row) error {
		var id, merchant, kind string
		if err := r.Scan(&id, &merchant, &kind); err != nil {
			return err
		}
		return differs("documents", "documents", fmt.Sprintf("id %s, merchant %s", id, merchant), "something issued that it belongs to", "a document of kind "+kind)
	})
}
