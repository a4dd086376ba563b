package older

import (
	"context"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
)

const (
	keepChecks = 7 * 24 * time.Hour // after they have expired
	sweepSlice = 500                // rows looked at in one step
	sweepPause = time.Second
	sweepRest  = time.Hour
)

// Sweeper forgets checks that have long expired, the oldest first.
type Sweeper struct {
	db   *db.DB
	next calendar.Instant // wall time of the next step
}

// NewSweeper makes a Sweeper.
func NewSweeper(d *db.DB) *Sweeper { return &Sweeper{db: d} }

var forgetChecks = db.NewQuery(`
delete from older_checks /*using*/
 where older_checks.uuid = $1 and older_checks.merchant_id = $2`, db.Text, db.Text)

// Step takes a step if it is time for one. Call it often. The uuids are in the order of time, so the oldest are the
// first of their table.
func (s *Sweeper) Step(ctx context.Context) error {
	if s.db.Wall().Before(s.next) {
		return nil
	}
	var old [][]any
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		old, s.next = nil, tx.Wall.Add(sweepPause)
		before := tx.Now.Add(-keepChecks)
		return tx.Each(ctx, `select uuid, merchant_id, expires_at from older_checks order by uuid, merchant_id limit $1`, []any{sweepSlice}, func(r db.Row) error {
			var uuid, merchant string
			var at calendar.Instant
			err := r.Scan(&uuid, &merchant, &at)
			if at.Before(before) {
				old = append(old, []any{uuid, merchant})
			}
			return err
		})
	})
	if err == nil && len(old) > 0 {
		err = s.db.Write(ctx, func(tx *db.Tx) error { _, err := tx.Change(ctx, forgetChecks, old); return err })
	}
	if err == nil && len(old) < sweepSlice {
		s.next = s.next.Add(sweepRest)
	}
	return err
}
