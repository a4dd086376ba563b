package reports

import (
	"context"
	"fmt"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// watched is how many of the newest orders Unseen looks at.
const watched = 100

const selectUnseen = `
select o.placed_at
  from (select id, merchant_id, attempt_id, placed_at from orders order by id desc limit $1) o
 where not exists (
       select 1 from identities i
         join handles h on h.kind = 'email' and h.hash = i.email_hash
         join person_orders po on po.person_id = h.person_id and po.order_id = o.id and po.merchant_id = o.merchant_id and po.email_hash = i.email_hash
         join invoices v on v.order_id = o.id and v.merchant_id = o.merchant_id
        where i.id = o.attempt_id and i.merchant_id = o.merchant_id)
 order by o.placed_at limit 1`

// Unseen is how long the oldest of the newest orders has been accepted without its buyer being able to see it, in
// business time; 0 when all can be seen. Overview reads the rows of the acceptance itself, so anything else than 0 is
// a defect: the monitor goes the whole way from the buyer's address to the order.
func Unseen(ctx context.Context, tx *db.Tx) (time.Duration, error) {
	var oldest time.Duration
	err := tx.Each(ctx, selectUnseen, []any{watched}, func(r db.Row) error {
		var at calendar.Instant
		err := r.Scan(&at)
		oldest = max(tx.Now.Sub(at), time.Microsecond)
		return err
	})
	return oldest, err
}

const (
	unseenAlarm = 60 * time.Second // S-APP-08
	watchEvery  = 10 * time.Second // wall time
)

// Watch raises an alarm when an accepted order stays hidden from its buyer.
type Watch struct {
	db   *db.DB
	next calendar.Instant
}

// NewWatch makes a Watch.
func NewWatch(d *db.DB) *Watch { return &Watch{db: d} }

// Step looks if it is time to. Its error is the alarm; whoever runs it writes it into the log. It does not make a node
// unready: other orders can be seen.
func (w *Watch) Step(ctx context.Context) error {
	if w.db.Wall().Before(w.next) {
		return nil
	}
	return w.db.Read(ctx, func(tx *db.Tx) error {
		w.next = tx.Wall.Add(watchEvery)
		age, err := Unseen(ctx, tx)
		if err == nil && age > unseenAlarm {
			err = fmt.Errorf("an order was accepted %v ago and its buyer cannot see it", age.Round(time.Second))
		}
		return err
	})
}
