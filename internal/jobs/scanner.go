package jobs

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

const (
	window    = 1000             // rows looked at in one scan
	leaseTime = 10 * time.Second // after which another node may take over a kind
	sliceTime = 20 * time.Second // a slice that takes longer is given up
	mostTries = 8                // then a row has failed for good
)

// Scanner runs the due rows of one database. Register all kinds before the first scan.
type Scanner struct {
	db     *db.DB
	random io.Reader
	log    *slog.Logger
	holder string // this scanner's name in leases

	inside  []*kind // in the order of registration
	outside []*kind
	kinds   []*kind // both

	mu     sync.Mutex                  // held by the one scan at a time
	leases map[string]calendar.Instant // until when we hold a kind, wall time
	calls  sync.WaitGroup              // outside calls in the background
	wake   chan<- struct{}             // told when there is room again; nil: nobody waits for it
}

// kind is what runs rows of one kind.
type kind struct {
	name  string
	slice int
	run   func(ctx context.Context, tx *db.Tx, rows []Due) error // one of the three is set
	ready func(ctx context.Context, rows []Due) (finish Finish, err error)

	call  func(ctx context.Context, row Due) (Finish, error)
	limit time.Duration
	room  chan struct{} // a token for each call under way
	full  atomic.Bool   // there may be more rows than there was room for
}

// Finish writes a result, in the transaction that ends the rows that it is about.
type Finish func(ctx context.Context, tx *db.Tx) error

// NewScanner makes a scanner. random gives it its name and the jitter of its back-off. log may be nil.
func NewScanner(d *db.DB, random io.Reader, log *slog.Logger) *Scanner {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Scanner{db: d, random: random, log: log, leases: map[string]calendar.Instant{}}
	s.holder = hex.EncodeToString(s.draw())
	return s
}

func (s *Scanner) draw() []byte {
	b := make([]byte, 8)
	if _, err := io.ReadFull(s.random, b); err != nil {
		panic("jobs: no randomness: " + err.Error())
	}
	return b
}

// On registers f for a kind. It gets at most slice rows, in the order in which they are due, in the transaction
// that deletes them. When f fails, or panics, the rows run again one by one; one that fails alone waits.
func (s *Scanner) On(name string, slice int, f func(ctx context.Context, tx *db.Tx, rows []Due) error) {
	k := &kind{name: name, slice: slice, run: f}
	s.register(k)
	s.inside = append(s.inside, k)
}

// OnReady registers f for a kind whose work is long and whose result is short. f gets rows as that of On does, but
// without a transaction: it reads and thinks, and returns what then writes the result; nil writes nothing. A result
// that cannot be stored, because another node was first, is dropped, so f changes nothing itself.
func (s *Scanner) OnReady(name string, slice int, f func(ctx context.Context, rows []Due) (Finish, error)) {
	k := &kind{name: name, slice: slice, ready: f}
	s.register(k)
	s.inside = append(s.inside, k)
}

// OnOutside registers f for a kind that asks somebody outside: without a transaction, for at most limit, and at
// most calls at one time. f returns what then writes the result; nil writes nothing. A call whose end the
// process did not live to see is made again, so f passes on the row's id, by which the other side can know it.
func (s *Scanner) OnOutside(name string, limit time.Duration, calls int, f func(ctx context.Context, row Due) (Finish, error)) {
	k := &kind{name: name, slice: 1, call: f, limit: limit, room: make(chan struct{}, calls)}
	s.register(k)
	s.outside = append(s.outside, k)
}

func (s *Scanner) register(k *kind) {
	for _, other := range s.kinds {
		if other.name == k.name {
			panic("jobs: " + k.name + " is registered twice")
		}
	}
	s.kinds = append(s.kinds, k)
}

// Scan runs the oldest rows that are due, those of one minute at most, and begins outside calls. It returns how
// many rows that were; zero means that there is nothing to do here now.
func (s *Scanner) Scan(ctx context.Context) (ran int, err error) {
	if !s.mu.TryLock() {
		return 0, nil // RunUntilIdle is at it
	}
	defer s.mu.Unlock()
	began, err := s.beginCalls(ctx)
	if err != nil {
		return began, err
	}
	rows, err := s.oldest(ctx, s.inside, window)
	if err != nil {
		return began, err
	}
	ran, err = s.run(ctx, s.inside, rows, true)
	return began + ran, err
}

// RunUntilIdle runs all that is due until nothing is, outside calls among the rest, whoever holds a lease. It is
// for stories, simulated worlds and a clock that has been moved.
func (s *Scanner) RunUntilIdle(ctx context.Context) error {
	for {
		idle, err := s.runOldest(ctx)
		if err != nil || idle {
			return err
		}
	}
}

func (s *Scanner) runOldest(ctx context.Context) (idle bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.Wait()
	rows, err := s.oldest(ctx, s.kinds, window)
	if err != nil || len(rows) == 0 {
		return true, err
	}
	_, err = s.run(ctx, s.kinds, rows, false)
	return false, err
}

// Close waits for the outside calls under way and gives back the leases.
func (s *Scanner) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.Wait()
	if len(s.leases) == 0 {
		return nil
	}
	clear(s.leases)
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `delete from leases where holder = $1`, s.holder)
		return err
	})
}

// oldest returns the oldest rows of some kinds that may run now, all of them due in one minute.
func (s *Scanner) oldest(ctx context.Context, kinds []*kind, limit int) ([]Due, error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	query := next(len(kinds))
	var rows []Due
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		args := []any{tx.Now, tx.Wall, limit}
		for _, k := range kinds {
			args = append(args, k.name)
		}
		return tx.Each(ctx, query, args, func(row db.Row) error {
			var r Due
			err := row.Scan(&r.At, &r.ID, &r.Kind, &r.Merchant, &r.Subject, &r.Attempts)
			if len(rows) == 0 || minute(r) == minute(rows[0]) {
				rows = append(rows, r)
			}
			return err
		})
	})
	return rows, err
}

// minute is the number of the minute in which a row is due.
func minute(r Due) int64 { return r.At.Micros() / time.Minute.Microseconds() }

// run does the work of rows kind by kind. Where leases count and another node holds one, the rest waits, since
// what is due later may build on it.
func (s *Scanner) run(ctx context.Context, kinds []*kind, rows []Due, leases bool) (ran int, err error) {
	for _, k := range kinds {
		mine := of(k, rows)
		if len(mine) == 0 {
			continue
		}
		if leases {
			if ok, err := s.lease(ctx, k); err != nil || !ok {
				return ran, err
			}
		}
		for slice := range slices.Chunk(mine, k.slice) {
			n, err := s.runSlice(ctx, k, slice)
			ran += n
			if err == nil && leases { // a long backlog in here does not hold up who is outside
				_, err = s.beginCalls(ctx)
			}
			if err != nil {
				return ran, err
			}
		}
	}
	return ran, nil
}

func of(k *kind, rows []Due) []Due {
	var mine []Due
	for _, r := range rows {
		if r.Kind == k.name {
			mine = append(mine, r)
		}
	}
	return mine
}

// lease takes or keeps the lease of a kind; false when another node holds it.
func (s *Scanner) lease(ctx context.Context, k *kind) (bool, error) {
	if until, held := s.leases[k.name]; held && s.db.Wall().Add(leaseTime/2).Before(until) {
		return true, nil
	}
	const acquire = `
insert into leases (name, holder, until) values ($1, $2, $3)
    on conflict (name) do update set holder = excluded.holder, until = excluded.until
 where leases.holder = excluded.holder or leases.until <= $4`
	var got int64
	var until calendar.Instant
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		until = tx.Wall.Add(leaseTime)
		got, err = tx.Exec(ctx, acquire, "due/"+k.name, s.holder, until, tx.Wall)
		return err
	})
	if err != nil || got == 0 {
		delete(s.leases, k.name)
		return false, err
	}
	s.leases[k.name] = until
	return true, nil
}

// runSlice does the work of rows together, or else of each alone.
func (s *Scanner) runSlice(ctx context.Context, k *kind, rows []Due) (ran int, err error) {
	if k.call != nil {
		return s.callNow(ctx, k, rows[0])
	}
	err = s.runTogether(ctx, k, rows)
	switch {
	case err == nil:
		return len(rows), nil
	case errors.Is(err, errTaken):
		return 0, nil
	case hopeless(ctx, err):
		return 0, err
	case len(rows) == 1:
		return 0, s.failed(ctx, rows[0], rows[0].Attempts+1, err)
	}
	for i := range rows {
		n, err := s.runSlice(ctx, k, rows[i:i+1])
		ran += n
		if err != nil {
			return ran, err
		}
	}
	return ran, nil
}

func (s *Scanner) runTogether(ctx context.Context, k *kind, rows []Due) error {
	ctx, cancel := context.WithTimeout(ctx, sliceTime)
	defer cancel()
	work := func(ctx context.Context, tx *db.Tx) error { return k.run(ctx, tx, rows) }
	if k.ready != nil {
		finish, err := caught(func() (Finish, error) { return k.ready(ctx, rows) })
		if err != nil {
			return err
		}
		work = finish
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := takeAll(ctx, tx, rows); err != nil || work == nil {
			return err
		}
		return work(ctx, tx)
	})
}

// caught turns a panic into an error.
func caught(f func() (Finish, error)) (finish Finish, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// hopeless says that an error is not about the row: whatever is tried next will meet it too.
func hopeless(ctx context.Context, err error) bool {
	for _, e := range []error{db.ErrFull, db.ErrStorage, db.ErrLost, db.ErrUnknown, db.ErrBusy, db.ErrConflict} {
		if errors.Is(err, e) {
			return true
		}
	}
	return ctx.Err() != nil || fault.Is(err, "timeout") // of a transaction; a slow call outside has failed
}

// failed gives a row another try later, or none after its last.
func (s *Scanner) failed(ctx context.Context, r Due, attempts int64, cause error) error {
	final := attempts >= mostTries
	s.log.LogAttrs(ctx, slog.LevelError, "due row failed", slog.String("id", r.ID), slog.String("kind", r.Kind),
		slog.String("subject", r.Subject), slog.Int64("attempt", attempts), slog.Bool("final", final), slog.Any("err", cause))
	wait := s.backOff(attempts)
	return untaken(s.db.Write(ctx, func(tx *db.Tx) error {
		if final {
			return bury(ctx, tx, r, attempts, reason(cause))
		}
		return postpone(ctx, tx, r, attempts, tx.Wall.Add(wait))
	}))
}

// untaken drops the error that says that another was first.
func untaken(err error) error {
	if errors.Is(err, errTaken) {
		return nil
	}
	return err
}

// backOff is the wait after the nth failure: 1 s, 4 s, 16 s … an hour at most, half to one and a half of it by chance.
func (s *Scanner) backOff(n int64) time.Duration {
	wait := min(time.Second<<(2*min(n-1, 8)), time.Hour)
	return wait/2 + time.Duration(binary.LittleEndian.Uint64(s.draw())%uint64(wait))
}

// reason is the code of a fault; whatever else went wrong is internal.
func reason(err error) string {
	if f := fault.As(err); f != nil {
		return f.Code
	}
	return "internal"
}

// beginCalls begins outside calls in the background, of each kind as many as it may make at one time.
func (s *Scanner) beginCalls(ctx context.Context) (began int, err error) {
	for _, k := range s.outside {
		room := cap(k.room) - len(k.room)
		if room == 0 {
			continue
		}
		rows, err := s.oldest(ctx, []*kind{k}, room) // kind by kind: one that is stuck holds up no other
		if err == nil && len(rows) > 0 {
			rows, err = s.leaseRows(ctx, k, rows)
		}
		if err != nil {
			return began, err
		}
		began += len(rows)
		k.full.Store(len(rows) == room)
		for _, r := range rows {
			k.room <- struct{}{}
			s.calls.Go(func() { s.callBeside(ctx, k, r) })
		}
	}
	return began, nil
}

// callBeside makes a call in the background, and lets the loop know of the room that it leaves.
func (s *Scanner) callBeside(ctx context.Context, k *kind, r Due) {
	if err := s.call(ctx, k, r); err != nil {
		s.log.ErrorContext(ctx, "outside call not settled", "id", r.ID, "kind", r.Kind, "err", err)
	}
	<-k.room
	if !k.full.Load() {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default: // it has been told
	}
}

func (s *Scanner) callNow(ctx context.Context, k *kind, r Due) (ran int, err error) {
	leased, err := s.leaseRows(ctx, k, []Due{r})
	if err != nil || len(leased) == 0 {
		return 0, err
	}
	return 1, s.call(ctx, k, leased[0])
}

// leaseRows counts an attempt of each row before it is made, so that a crash counts too, and keeps others away until the
// call must be over. It returns the rows that are ours. One whose last attempt was never settled has failed for good.
func (s *Scanner) leaseRows(ctx context.Context, k *kind, rows []Due) (leased []Due, err error) {
	const margin = 5 * time.Second // from the end of the call to the end of its lease, to write the result
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		leased = nil
		for _, r := range rows {
			var err error
			if r.Attempts >= mostTries {
				err = bury(ctx, tx, r, r.Attempts, "outcome-unknown")
			} else if err = postpone(ctx, tx, r, r.Attempts+1, tx.Wall.Add(k.limit+margin)); err == nil {
				r.Attempts++
				leased = append(leased, r)
			}
			if untaken(err) != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return leased, nil
}

// call asks outside and then writes the result with the end of the row. What is hopeless is tried again once
// the lease has run out.
func (s *Scanner) call(ctx context.Context, k *kind, r Due) error {
	finish, err := ask(ctx, k, r)
	if err == nil { // what the other side did is stored even when we are asked to stop meanwhile
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), sliceTime)
		defer cancel()
		err = s.db.Write(late, func(tx *db.Tx) error {
			if err := takeAll(late, tx, []Due{r}); err != nil || finish == nil {
				return err
			}
			return finish(late, tx)
		})
	}
	if err = untaken(err); err == nil || hopeless(ctx, err) {
		return err
	}
	return s.failed(ctx, r, r.Attempts, err)
}

// ask calls outside, for at most the kind's limit.
func ask(ctx context.Context, k *kind, r Due) (Finish, error) {
	ctx, cancel := context.WithTimeout(ctx, k.limit)
	defer cancel()
	return caught(func() (Finish, error) { return k.call(ctx, r) })
}
