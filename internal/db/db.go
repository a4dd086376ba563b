package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"achteraf/calendar"
)

// Options say how to open a database.
type Options struct {
	Wall    func() calendar.Instant // wall time
	Random  io.Reader               // chance for ids
	Process io.Reader               // chance for this process run's own names; Random when nil

	Readers     int // connections for reads; 4 when 0
	Writers     int // PostgreSQL: batches at one time; 2 when 0
	CacheMiB    int // SQLite: page cache of the writer; 64 when 0
	Waiting     int // requests that may wait; 4,096 when 0
	Connections int // PostgreSQL: connections in all; 16 when 0
}

// DB is one database: SQLite or PostgreSQL.
type DB struct {
	opts    Options
	queue   queue
	writes  *group // functions of Write, on SQLite
	ids     *ids
	writers *ids
	engine  engine
	movable atomic.Bool  // business time has an offset row
	latest  atomic.Int64 // latest business time given, microseconds

	slotMu sync.Mutex
	slots  []*slot // free ones

	beforeCommit func(context.Context, *Tx) error
}

// engine is a database that runs transactions.
type engine interface {
	name() string
	transact(ctx context.Context, tx *Tx, body func(*Tx) error) (outcome, error)
	read(ctx context.Context, tx *Tx, body func(*Tx) error) error
	maintain(ctx context.Context, idle bool) error
	migrate(ctx context.Context, files fs.FS) error
	close() error
}

// outcome is how a write transaction ended.
type outcome int

const (
	failed outcome = iota
	committed
	unknown
)

// Open opens postgres://… or sqlite:PATH. It creates a missing SQLite file, not its folder.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	o.Readers, o.Writers, o.CacheMiB = or(o.Readers, 4), or(o.Writers, 2), or(o.CacheMiB, 64)
	o.Waiting, o.Connections = or(o.Waiting, 4096), or(o.Connections, 16)
	if o.Process == nil {
		o.Process = o.Random
	}
	d := &DB{opts: o, ids: &ids{random: o.Random}, writers: &ids{random: o.Process}}
	d.queue = queue{most: 1, room: o.Waiting}
	d.writes = &group{limit: writeLimit, run: d.runWrites}
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		d.engine, err = openSQLite(strings.TrimPrefix(url, "sqlite:"), o)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		d.queue.most = o.Writers
		d.engine, err = openPostgres(ctx, url, o)
	default:
		err = errors.New("a database address begins with sqlite: or postgres://")
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// Engine is "sqlite" or "postgres".
func (d *DB) Engine() string { return d.engine.name() }

// Close ends all connections.
func (d *DB) Close() error { return d.engine.close() }

// Wall reads the wall clock.
func (d *DB) Wall() calendar.Instant { return d.opts.Wall() }

// BeforeCommit sets what runs last in each write transaction that took a place among its writer's
// (Tx.Position with a Count). Set it once, before the first write.
func (d *DB) BeforeCommit(f func(context.Context, *Tx) error) { d.beforeCommit = f }

// Write runs fn in one transaction and commits unless it fails. It may run fn again after a conflict, so
// fn changes nothing outside tx. On SQLite up to 32 functions that wait together share a transaction, each
// in a savepoint. Errors: what fn returned, or a fault (see Fault).
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if d.Engine() == "postgres" {
		ctx, cancel := context.WithTimeout(ctx, functionTime)
		defer cancel()
		return Fault(d.transact(ctx, fn))
	}
	_, err := d.queue.do(ctx, d.writes, fn)
	return Fault(err)
}

// Read runs fn on one snapshot. It never waits for writers and can change nothing.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	return Fault(mapped(d.engine.read(ctx, &Tx{db: d}, func(tx *Tx) error {
		if err := d.stamp(ctx, tx); err != nil {
			return err
		}
		return guarded(tx, fn)
	})))
}

// Maintain does what an engine needs between the work: on SQLite it moves the write-ahead log into the
// database when that is large, or small and nobody is writing. Call it a few times a second.
func (d *DB) Maintain(ctx context.Context) error {
	d.queue.mu.Lock()
	idle := d.queue.leaders == 0
	d.queue.mu.Unlock()
	return d.engine.maintain(ctx, idle)
}

// Migrate brings the tables up to date.
func (d *DB) Migrate(ctx context.Context, files fs.FS) error {
	if err := d.engine.migrate(ctx, files); err != nil {
		return err
	}
	return d.loadClock(ctx)
}

// transact runs fn in a write transaction of a slot of its own, again after a conflict or a connection
// lost before the commit.
func (d *DB) transact(ctx context.Context, fn func(*Tx) error) error {
	s := d.takeSlot()
	defer d.freeSlot(s)
	for try := 1; ; try++ {
		tx := &Tx{db: d, slot: s}
		how, err := d.engine.transact(ctx, tx, func(tx *Tx) error {
			if err := d.stamp(ctx, tx); err != nil {
				return err
			}
			if err := guarded(tx, fn); err != nil {
				return err
			}
			return d.finish(ctx, tx)
		})
		s.settled(tx.position, how == committed, how == unknown)
		err = mapped(err)
		again := how == failed && (errors.Is(err, ErrConflict) || errors.Is(err, ErrLost))
		if !again || try >= tries || ctx.Err() != nil {
			return err
		}
		if !pause(ctx, try) {
			return err
		}
	}
}

// finish runs what must come last in a transaction.
func (d *DB) finish(ctx context.Context, tx *Tx) error {
	if tx.position.Count == 0 || d.beforeCommit == nil {
		return nil
	}
	return d.beforeCommit(ctx, tx)
}

// pause waits before try+1: nothing the first time, then 2, 4, … milliseconds.
func pause(ctx context.Context, try int) bool {
	if try == 1 {
		return true
	}
	t := time.NewTimer(time.Millisecond << min(try, 9))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *DB) takeSlot() *slot {
	d.slotMu.Lock()
	defer d.slotMu.Unlock()
	if n := len(d.slots); n > 0 {
		s := d.slots[n-1]
		d.slots = d.slots[:n-1]
		return s
	}
	return &slot{}
}

func (d *DB) freeSlot(s *slot) {
	d.slotMu.Lock()
	defer d.slotMu.Unlock()
	d.slots = append(d.slots, s)
}

// runWrites runs functions of Write on SQLite in one transaction, each in a savepoint of its own.
func (d *DB) runWrites(jobs []*job) {
	if len(jobs) == 1 {
		d.runAlone(jobs[0])
		return
	}
	err := d.transact(context.Background(), func(tx *Tx) error {
		for _, j := range jobs {
			j.err = d.runSaved(tx, j)
			if fatal(j.err) {
				return j.err
			}
		}
		return nil
	})
	if err == nil {
		return
	}
	for _, j := range jobs {
		if sharedFate(err) {
			j.err = err
		} else {
			d.runAlone(j)
		}
	}
}

func (d *DB) runAlone(j *job) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(j.ctx), functionTime)
	defer cancel()
	j.err = d.transact(ctx, j.in.(func(*Tx) error))
}

// fatal says that an error has spoilt the whole transaction, not only a savepoint.
func fatal(err error) bool { return err != nil && (sharedFate(err) || errors.Is(err, ErrConflict)) }

func (d *DB) runSaved(tx *Tx, j *job) error {
	ctx := context.Background()
	before := tx.position
	if _, err := tx.Exec(ctx, "savepoint one"); err != nil {
		return err
	}
	err := mapped(guarded(tx, j.in.(func(*Tx) error)))
	if err != nil {
		if fatal(err) {
			return err
		}
		tx.position = before
		if _, e := tx.Exec(ctx, "rollback to one"); e != nil {
			return fmt.Errorf("%w: %w", ErrStorage, e)
		}
	}
	if _, e := tx.Exec(ctx, "release one"); e != nil {
		return fmt.Errorf("%w: %w", ErrStorage, e)
	}
	return err
}
