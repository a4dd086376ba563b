package db

import (
	"context"
	"errors"
	"time"

	"achteraf/calendar"
	"achteraf/internal/fault"
)

// Business time is wall time plus an offset kept in the one row of table clock. Only a demo, a sandbox
// or a story has that row; where it is missing business time is wall time.
const (
	readClock  = `select offset_us from clock where id = 1`
	startClock = `insert into clock (id, offset_us) values (1, 0) on conflict (id) do nothing`
	moveClock  = `update clock set offset_us = $1 where id = 1`
)

var lockClock = NewQuery(`select offset_us from clock where id = $1`, Bigint)

// loadClock learns whether this database's business time can be moved. Before the first migration it cannot.
func (d *DB) loadClock(ctx context.Context) error {
	var n int64
	err := d.Read(ctx, func(tx *Tx) error { return tx.QueryRow(ctx, readClock, nil, &n) })
	switch {
	case err == nil:
		d.movable.Store(true)
	case !errors.Is(err, ErrNone) && !noTable(err):
		return err
	}
	return nil
}

func (tx *Tx) offset(ctx context.Context) (time.Duration, error) {
	var us int64
	err := tx.QueryRow(ctx, readClock, nil, &us)
	return time.Duration(us) * time.Microsecond, err
}

// stamp gives tx its two times. Business time never goes back within a process.
func (d *DB) stamp(ctx context.Context, tx *Tx) error {
	tx.Wall = d.opts.Wall()
	now := tx.Wall
	if d.movable.Load() {
		by, err := tx.offset(ctx)
		if err != nil {
			return err
		}
		now = now.Add(by)
	}
	for {
		last := d.latest.Load()
		if now.Micros() <= last {
			now = calendar.FromMicros(last)
			break
		}
		if d.latest.CompareAndSwap(last, now.Micros()) {
			break
		}
	}
	tx.Now = now
	return nil
}

// LetClockMove makes business time of this database movable. It is for demos, sandboxes and stories, and
// belongs to setting them up: who had the database open before does not notice.
func (d *DB) LetClockMove(ctx context.Context) error {
	err := d.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, startClock)
		return err
	})
	if err == nil {
		d.movable.Store(true)
	}
	return err
}

// MoveClock moves business time on to an instant. Errors: Invalid "clock-back" when it lies in the past,
// Conflict "clock-fixed" when this database's business time is wall time.
func (d *DB) MoveClock(ctx context.Context, to calendar.Instant) error {
	if !d.movable.Load() {
		return fault.Clash("clock-fixed", "The clock of this platform cannot be moved.")
	}
	return d.Write(ctx, func(tx *Tx) error {
		var us int64
		err := tx.Lock(ctx, lockClock, [][]any{{1}}, func(_ int, r Row) error { return r.Scan(&us) })
		if err != nil {
			return err
		}
		now := tx.Wall.Add(time.Duration(us) * time.Microsecond) // another may have moved it since tx began
		if to.Before(now) || to.Before(tx.Now) {
			return fault.Bad("clock-back", "The clock moves forward only.")
		}
		_, err = tx.Exec(ctx, moveClock, to.Sub(tx.Wall).Microseconds())
		return err
	})
}
