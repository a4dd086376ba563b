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
	return d.loadFloor(ctx)
}

// Business time never goes back, not even when a machine starts with a clock that is behind: the latest business
// time is written down every ten seconds of it, in a transaction that was there anyway.
const (
	floorStep = 10 * time.Second
	readFloor = `select latest_us from clock_floor where id = 1`
	keepFloor = `update clock_floor set latest_us = $1 where id = 1 and latest_us < $1`
)

// loadFloor learns how far business time had come when this database was last written to.
func (d *DB) loadFloor(ctx context.Context) error {
	var us int64
	err := d.Read(ctx, func(tx *Tx) error { return tx.QueryRow(ctx, readFloor, nil, &us) })
	if noTable(err) {
		return nil
	}
	if err != nil {
		return err
	}
	d.floor.Store(us)
	d.floored.Store(true)
	for last := d.latest.Load(); last < us && !d.latest.CompareAndSwap(last, us); last = d.latest.Load() {
	}
	return nil
}

// keepFloor writes business time down when it has gone on for long enough. Of a transaction that fails after
// that the step is lost, and the next one comes ten seconds later.
func (d *DB) keepFloor(ctx context.Context, tx *Tx) error {
	kept, now := d.floor.Load(), tx.Now.Micros()
	if !d.floored.Load() || now < kept+floorStep.Microseconds() || !d.floor.CompareAndSwap(kept, now) {
		return nil
	}
	_, err := tx.Exec(ctx, keepFloor, now)
	return err
}

// Behind is how far this machine's clock is behind the business time that this database has seen; 0 when it is not.
// Until the clock has caught up business time stands still.
func (d *DB) Behind(ctx context.Context) (by time.Duration, err error) {
	err = d.Read(ctx, func(tx *Tx) error {
		now := tx.Wall
		if d.movable.Load() {
			moved, err := tx.offset(ctx)
			if err != nil {
				return err
			}
			now = now.Add(moved)
		}
		by = max(0, tx.Now.Sub(now))
		return nil
	})
	return by, err
}

func (tx *Tx) offset(ctx context.Context) (time.Duration, error) {
	var us int64
	err := tx.QueryRow(ctx, readClock, nil, &us)
	return time.Duration(us) * time.Microsecond, err
}

// stamp gives tx its two times.
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
