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

	Readers     int  // connections for reads; 4 when 0
	Writers     int  // PostgreSQL: batches at one time; 2 when 0
	CacheMiB    int  // SQLite: page cache of the writer; 32 when 0
	MemoryMiB   int  // SQLite: memory for that cache once the database is larger than 1 GiB; no more than before when 0
	Small       bool // SQLite: one of very many in this process; a handle then takes 0.8 MB, with one reader
	Waiting     int  // requests that may wait; 4,096 when 0
	Connections int  // PostgreSQL: connections in all; 16 when 0
}

// DB is one database: SQLite or PostgreSQL.
type DB struct {
	opts    Options
	gate    gate
	queue   queue
	writes  *group       // functions of Write, on SQLite
	upkeep  *group       // of the engine, in the writer's turn
	running atomic.Int64 // functions of Write, on PostgreSQL
	ids     *ids
	writers *ids
	engine  engine
	movable atomic.Bool  // business time has an offset row
	latest  atomic.Int64 // latest business time given, microseconds
	floored atomic.Bool  // the table of the floor is there
	floor   atomic.Int64 // the latest that was written down, microseconds

	slotMu sync.Mutex
	slots  []*slot // free ones
	made   int     // slots made

	remembered   sync.Map
	beforeCommit func(context.Context, *Tx) error
}

// engine is a database that runs transactions.
type engine interface {
	name() string
	transact(ctx context.Context, tx *Tx, body func(*Tx) error) (outcome, error)
	read(ctx context.Context, tx *Tx, body func(*Tx) error) error

	// maintain does the upkeep that needs no turn among the writers; turn says that finish is wanted,
	// which runs in one.
	maintain(ctx context.Context, idle bool) (turn bool, err error)
	finish() error

	migrate(ctx context.Context, files fs.FS) error
	close() error
}

const (
	readTime  = 10 * time.Minute // one function of Read
	closeTime = 30 * time.Second // what is under way when Close is called
)

// outcome is how a write transaction ended.
type outcome int

const (
	failed outcome = iota
	committed
	unknown
)

// Open opens postgres://… or sqlite:PATH. It creates a missing SQLite file, not its folder.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	o.Readers, o.Writers, o.CacheMiB = or(o.Readers, 4), or(o.Writers, 2), or(o.CacheMiB, 32)
	o.Waiting, o.Connections = or(o.Waiting, 4096), or(o.Connections, 16)
	if o.Small {
		o.Readers = 1
	}
	if o.Process == nil {
		o.Random = &shared{r: o.Random}
		o.Process = o.Random
	}
	d := &DB{opts: o, ids: &ids{random: o.Random}, writers: &ids{random: o.Process}}
	d.queue = queue{most: 1, room: o.Waiting}
	d.writes = &group{limit: writeLimit, run: d.runWrites}
	d.upkeep = &group{limit: 1, run: func(jobs []*job) { jobs[0].err = d.engine.finish() }}
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
	if err := d.loadClock(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
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

// Close refuses new work, waits for what is under way and ends all connections. A second call does nothing.
func (d *DB) Close() error {
	if first, err := d.gate.close(closeTime); !first || err != nil {
		return err
	}
	return d.engine.close()
}

// Wall reads the wall clock.
func (d *DB) Wall() calendar.Instant { return d.opts.Wall() }

// Remember keeps what a package above wants each transaction here to know, under a key of a type of its own.
func (d *DB) Remember(key, value any) { d.remembered.Store(key, value) }

// Remembered is what Remember keeps under a key; nil when it was never called.
func (tx *Tx) Remembered(key any) any {
	v, _ := tx.db.remembered.Load(key)
	return v
}

// BeforeCommit sets what runs last in each write transaction that took a place among its writer's
// (Tx.Position with a Count). Set it once, before the first write.
func (d *DB) BeforeCommit(f func(context.Context, *Tx) error) { d.beforeCommit = f }

// Write runs fn in one transaction and commits unless it fails. It may run fn again after a conflict, so
// fn changes nothing outside tx. On SQLite up to 32 functions that wait together share a transaction, each
// in a savepoint. When ctx ends, fn gets no further statement; a commit that has begun is not cut off.
// Errors: what fn returned, or a fault (see Fault).
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if !d.gate.enter() {
		return Fault(errClosed)
	}
	defer d.gate.leave()
	if d.Engine() == "sqlite" {
		_, err := d.queue.do(ctx, d.writes, fn)
		return Fault(err)
	}
	defer d.running.Add(-1)
	if d.running.Add(1) > int64(d.opts.Waiting) {
		return Fault(ErrBusy)
	}
	if err := ctx.Err(); err != nil {
		return Fault(err)
	}
	return Fault(d.alone(ctx, fn))
}

// alone runs fn in a transaction of its own.
func (d *DB) alone(ctx context.Context, fn func(*Tx) error) error {
	own, cancel := within(context.Background(), ctx)
	defer cancel()
	return d.transact(own, false, fn)
}

// within bounds a function of Write: by outer, by our own limit and by the deadline of the caller's ctx, but
// not by its cancellation, which would cost a connection.
func within(outer, callers context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(outer, functionTime)
	end, ok := callers.Deadline()
	if !ok {
		return ctx, cancel
	}
	ctx, cancelEnd := context.WithDeadline(ctx, end)
	return ctx, func() { cancelEnd(); cancel() }
}

// Read runs fn on one snapshot. It never waits for writers and can change nothing.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	if !d.gate.enter() {
		return Fault(errClosed)
	}
	defer d.gate.leave()
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	tx := &Tx{db: d, ctx: ctx}
	defer func() { tx.spoilt = errEnded }()
	return Fault(mapped(d.engine.read(ctx, tx, func(tx *Tx) error {
		return guarded(tx, func(tx *Tx) error {
			if err := d.stamp(ctx, tx); err != nil {
				return err
			}
			return fn(tx)
		})
	})))
}

// Maintain does what an engine needs between the work: on SQLite it moves the write-ahead log into the
// database when that is large, or small and nobody is writing. Call it a few times a second, from one goroutine.
func (d *DB) Maintain(ctx context.Context) error {
	if !d.gate.enter() {
		return errClosed
	}
	defer d.gate.leave()
	turn, err := d.engine.maintain(ctx, d.queue.idle())
	if err != nil || !turn {
		return mapped(err)
	}
	_, err = d.queue.do(ctx, d.upkeep, nil)
	return mapped(err)
}

// Migrate brings the tables up to date.
func (d *DB) Migrate(ctx context.Context, files fs.FS) error {
	if err := d.engine.migrate(ctx, files); err != nil {
		return err
	}
	return d.loadClock(ctx)
}

// transact runs fn in a write transaction of a slot of its own, again after a conflict or a connection
// lost before the commit. ctx says how long it may take; short says that each of its statements is short.
func (d *DB) transact(ctx context.Context, short bool, fn func(*Tx) error) error {
	s := d.takeSlot()
	defer d.freeSlot(s)
	var before error
	for try := 1; ; try++ {
		how, err := d.once(ctx, &Tx{db: d, slot: s, ctx: ctx, short: short}, fn)
		if how == failed && before != nil && ctx.Err() != nil {
			return before // why it took so long
		}
		if how != failed || !s.again(ctx, try, err) {
			return err
		}
		before = err
	}
}

func (d *DB) once(ctx context.Context, tx *Tx, fn func(*Tx) error) (outcome, error) {
	how := unknown // unless it ends as it should
	defer func() { tx.slot.settled(tx.position, how) }()
	end, err := d.engine.transact(ctx, tx, func(tx *Tx) error {
		return guarded(tx, func(tx *Tx) error {
			if err := d.stamp(ctx, tx); err != nil {
				return err
			}
			if err := fn(tx); err != nil {
				return err
			}
			if err := d.keepFloor(ctx, tx); err != nil {
				return err
			}
			return d.finish(ctx, tx)
		})
	})
	how = end
	tx.spoilt = errEnded
	return how, mapped(err)
}

// finish runs what must come last in a transaction.
func (d *DB) finish(ctx context.Context, tx *Tx) error {
	if tx.position.Count == 0 || d.beforeCommit == nil {
		return nil
	}
	return d.beforeCommit(ctx, tx)
}

// runWrites runs functions of Write on SQLite in one transaction, or else each alone.
func (d *DB) runWrites(jobs []*job) {
	var err error
	if len(jobs) > 1 {
		if err = d.share(jobs); err == nil {
			return
		}
	}
	for _, j := range jobs {
		switch {
		case storageFate(err):
			j.err = err
		case !errors.Is(j.err, context.DeadlineExceeded): // that one had its time
			j.err = d.alone(j.ctx, j.in.(func(*Tx) error))
		}
	}
}

// share runs all jobs in one transaction, each in a savepoint. An error says that it was rolled back.
func (d *DB) share(jobs []*job) error {
	ctx, cancel := context.WithTimeout(context.Background(), batchTime)
	defer cancel()
	return d.transact(ctx, false, func(tx *Tx) error {
		for _, j := range jobs {
			if err := saved(ctx, tx, j); err != nil {
				return err
			}
		}
		return nil
	})
}

// saved runs and answers one job in a savepoint. An error says that the whole transaction is lost.
func saved(ctx context.Context, tx *Tx, j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	if _, err := tx.Exec(ctx, "savepoint one"); err != nil {
		return err
	}
	before := tx.position
	own, cancel := within(ctx, j.ctx)
	tx.ctx = own
	j.err = mapped(guarded(tx, j.in.(func(*Tx) error)))
	cancel()
	tx.ctx = ctx
	if storageFate(j.err) || errors.Is(j.err, ErrConflict) {
		return j.err
	}
	if j.err != nil {
		tx.position, tx.spoilt = before, nil
		if _, err := tx.Exec(ctx, "rollback to one"); err != nil {
			return fmt.Errorf("%w: %w", errAlone, err)
		}
	}
	_, err := tx.Exec(ctx, "release one")
	return err
}

// errAlone says that functions that shared a transaction must run again, each in its own: SQLite rolls back
// as a whole what it had to break off.
var errAlone = errors.New("db: the shared transaction was lost")

func (d *DB) takeSlot() *slot {
	d.slotMu.Lock()
	defer d.slotMu.Unlock()
	if n := len(d.slots); n > 0 {
		s := d.slots[n-1]
		d.slots = d.slots[:n-1]
		return s
	}
	d.made++
	return &slot{number: d.made}
}

func (d *DB) freeSlot(s *slot) {
	d.slotMu.Lock()
	defer d.slotMu.Unlock()
	d.slots = append(d.slots, s)
}

// gate counts the work under way, so that Close can wait for it.
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{} // closed when the last has left a closed gate
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.closed && g.inside == 0 {
		close(g.empty)
	}
}

// close lets nobody in any more and waits until all have left; first says that it was not closed before.
func (g *gate) close(most time.Duration) (first bool, err error) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return false, nil
	}
	g.closed, g.empty = true, make(chan struct{})
	if g.inside == 0 {
		close(g.empty)
	}
	g.mu.Unlock()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-g.empty:
		return true, nil
	case <-t.C:
		return true, fmt.Errorf("db: work is still under way after %v", most)
	}
}

// shared lets several goroutines read from one source of chance.
type shared struct {
	mu sync.Mutex
	r  io.Reader
}

func (s *shared) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(b)
}
