package checkout

import (
	"context"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

const (
	sweepSlice = 100 // checkouts ended in one step
	sweepPause = 5 * time.Second
)

// Sweeper ends checkouts whose time is over. It is no due row, because these run in business time, and a checkout lives
// in wall time: a clock that is moved three days on must not end what a buyer fills in right now.
type Sweeper struct {
	db   *db.DB
	desk *Desk
	next calendar.Instant // wall time of the next step
}

// NewSweeper makes a Sweeper.
func NewSweeper(d *db.DB, desk *Desk) *Sweeper { return &Sweeper{db: d, desk: desk} }

// Step ends some, if it is time for a step, and says whether there were more than it took. Call it often.
func (w *Sweeper) Step(ctx context.Context) (more bool, err error) {
	if w.db.Wall().Before(w.next) {
		return false, nil
	}
	var over []Key
	err = w.db.Read(ctx, func(tx *db.Tx) error {
		const query = `
select id, merchant_id from checkouts
 where expires_at <= $1 and ended_at is null order by expires_at limit $2`
		return tx.Each(ctx, query, []any{tx.Wall, sweepSlice}, func(r db.Row) error {
			var k Key
			err := r.Scan(&k.ID, &k.Merchant)
			over = append(over, k)
			return err
		})
	})
	if err == nil && len(over) > 0 {
		err = w.db.Write(ctx, func(tx *db.Tx) error { return w.desk.expire(ctx, tx, over) })
	}
	if len(over) < sweepSlice {
		w.next = w.db.Wall().Add(sweepPause)
	}
	return len(over) == sweepSlice, err
}

// expire ends checkouts whose time is over and that nobody has ended yet.
func (d *Desk) expire(ctx context.Context, tx *db.Tx, list []Key) error {
	for _, k := range list {
		var c Checkout
		c.Key = k
		err := tx.QueryRow(ctx, `select state, ended_at from checkouts where id = $1 and merchant_id = $2`, []any{k.ID, k.Merchant}, &c.State, &c.EndedAt)
		if err == nil && !c.Ended() {
			err = d.end(ctx, tx, &c, Expire)
		}
		if err != nil && !fault.Is(err, "checkout-state") { // another node was first
			return err
		}
	}
	return nil
}
