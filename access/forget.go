package access

import (
	"context"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
)

const (
	keepAnswers = 30 * 24 * time.Hour // at least
	forgetSlice = 500                 // rows looked at in one step
	forgetPause = time.Second         // between two steps
	forgetRest  = time.Hour           // after a walk through the whole table
)

// Forgetter forgets the answers to idempotency keys of more than 30 days ago. It walks through the table in the order
// of its key, a few rows a second, so that no order pays for an index by time.
type Forgetter struct {
	db       *db.DB
	merchant string // where the walk stands
	hash     []byte
	next     calendar.Instant // wall time of the next step
}

// NewForgetter makes a Forgetter that has everything before it.
func NewForgetter(d *db.DB) *Forgetter { return &Forgetter{db: d, hash: []byte{}} }

// Step takes a step if it is time for one. Call it often.
func (f *Forgetter) Step(ctx context.Context) error {
	if f.db.Wall().Before(f.next) {
		return nil
	}
	const query = `
select merchant_id, key_hash, made_at from idempotency
 where (merchant_id, key_hash) > ($1, $2)
 order by merchant_id, key_hash limit $3`
	var old [][]any
	seen := 0
	merchant, hash := f.merchant, f.hash
	err := f.db.Read(ctx, func(tx *db.Tx) error {
		f.next = tx.Wall.Add(forgetPause)
		before := tx.Wall.Add(-keepAnswers)
		return tx.Each(ctx, query, []any{f.merchant, f.hash, forgetSlice}, func(r db.Row) error {
			var at calendar.Instant
			seen++
			err := r.Scan(&merchant, &hash, &at)
			if at.Before(before) {
				old = append(old, []any{merchant, hash, at})
			}
			return err
		})
	})
	if err == nil && len(old) > 0 {
		err = f.db.Write(ctx, func(tx *db.Tx) error { _, err := tx.Change(ctx, forget, old); return err })
	}
	switch {
	case err != nil:
		return err
	case seen < forgetSlice:
		f.merchant, f.hash, f.next = "", []byte{}, f.next.Add(forgetRest)
	default:
		f.merchant, f.hash = merchant, hash
	}
	return nil
}

var forget = db.NewQuery(`
delete from idempotency /*using*/
 where idempotency.merchant_id = $1 and idempotency.key_hash = $2 and idempotency.made_at = $3`, db.Text, db.Bytes, db.Instant)
