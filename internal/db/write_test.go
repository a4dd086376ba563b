package db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
)

// soon fails the test when f takes long.
func soon(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s does not end", what)
	}
}

// held occupies the only writer of SQLite until release is called, so that others gather behind it. On
// PostgreSQL it only opens a transaction.
func held(t testing.TB, d *db.DB) (release func()) {
	t.Helper()
	in, out, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- d.Write(context.Background(), func(*db.Tx) error {
			close(in)
			<-out
			return nil
		})
	}()
	<-in
	return sync.OnceFunc(func() {
		close(out)
		must(t, <-done)
	})
}

// gathered waits until n requests wait.
func gathered(t testing.TB, d *db.DB, n int) {
	t.Helper()
	for range 10_000 {
		if d.Waiting() >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d wait, want %d", d.Waiting(), n)
}

var errMine = fault.Clash("mine", "A reason of its own.")

func TestOneOfManyFails(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		write(t, d, func(tx *db.Tx) error { _, err := tx.Insert(ctx, hits, [][]any{{"taken", 1}}); return err })
		type end int
		const (
			well end = iota
			refused
			duplicate
			panics
			leavesOpen
			ignores
			ends
		)
		kinds := []end{well, refused, well, duplicate, panics, well, leavesOpen, ignores, well, ends, well}
		release := held(t, d)
		errs := make([]error, 3*len(kinds))
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				errs[i] = d.Write(ctx, func(tx *db.Tx) error {
					if _, err := tx.Insert(ctx, hits, [][]any{{id(i), i}}); err != nil {
						return err
					}
					switch kinds[i%len(kinds)] {
					case refused:
						return errMine
					case duplicate:
						_, err := tx.Insert(ctx, hits, [][]any{{"taken", 2}})
						return err
					case panics:
						panic("in the middle")
					case leavesOpen:
						rows, err := tx.Query(ctx, `select id from hits`)
						if err == nil {
							rows.Next()
						}
						return err
					case ignores:
						tx.Exec(ctx, `insert into nowhere values (1)`)
					case ends:
						gone, cancel := context.WithCancel(ctx)
						cancel()
						_, err := tx.Exec(gone, `update hits set n = 99`)
						return err
					}
					return nil
				})
			})
		}
		if d.Engine() == "sqlite" {
			gathered(t, d, len(errs))
		}
		release()
		soon(t, "a group of functions", all.Wait)
		for i, err := range errs {
			kind := kinds[i%len(kinds)]
			good := false
			switch kind {
			case well:
				good = err == nil
			case refused:
				good = errors.Is(err, errMine) || fault.Is(err, "mine")
			case duplicate:
				good = errors.Is(err, db.ErrUnique)
			case panics:
				good = fault.Is(err, "internal")
			case ends:
				good = fault.Is(err, "timeout")
			default:
				good = err != nil
			}
			if !good {
				t.Errorf("function %d of kind %d ended with %v", i, kind, err)
			}
			want := int64(0)
			if kind == well {
				want = 1
			}
			if n := number(t, d, `select count(*) from hits where id = $1`, id(i)); n != want {
				t.Errorf("function %d of kind %d left %d rows", i, kind, n)
			}
		}
		if n := number(t, d, `select count(*) from hits where n = 99 or n = 2 and id = 'taken'`); n != 0 {
			t.Errorf("%d rows were changed by those that failed", n)
		}
	})
}

// TestATestThatFailsInside: t.FailNow ends its goroutine within a transaction.
func TestAGoroutineThatEndsInside(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		release := held(t, d)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				d.Write(ctx, func(tx *db.Tx) error {
					_, err := tx.Insert(ctx, hits, [][]any{{id(i), i}})
					if i%4 == 1 {
						runtime.Goexit()
					}
					return err
				})
			})
		}
		if d.Engine() == "sqlite" {
			gathered(t, d, 8)
		}
		release()
		soon(t, "a group with a goroutine that ends", all.Wait)
		soon(t, "the next write", func() {
			write(t, d, func(tx *db.Tx) error { _, err := tx.Insert(ctx, hits, [][]any{{"after", 1}}); return err })
		})
		if n := number(t, d, `select count(*) from hits where id = 'after'`); n != 1 {
			t.Error("the next write was lost")
		}
		go d.Read(ctx, func(tx *db.Tx) error { runtime.Goexit(); return nil })
		soon(t, "reads", func() {
			for range 10 {
				number(t, d, `select count(*) from hits`)
			}
		})
	})
}

// place is what the ledger writes of a transaction, reduced to the number of its writer.
var places = db.NewTable("commits", "", db.Col{Name: "writer", Type: db.Text}, db.Col{Name: "seq", Type: db.Bigint},
	db.Col{Name: "entries", Type: db.Bigint}, db.Col{Name: "digest", Type: db.Bytes}, db.Col{Name: "committed_at", Type: db.Instant})

func recordPlaces(d *db.DB) {
	d.BeforeCommit(func(ctx context.Context, tx *db.Tx) error {
		p := tx.Position()
		return tx.Put(ctx, places, [][]any{{p.Writer, p.Seq, p.Count, p.Digest[:], tx.Wall}})
	})
}

func TestPositionsHaveNoGaps(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		recordPlaces(d)
		write(t, d, func(tx *db.Tx) error { _, err := tx.Insert(ctx, hits, [][]any{{"hot", 0}}); return err })
		batch := db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []int) ([]db.Result[int], error) {
			out := make([]db.Result[int], len(in))
			for i, x := range in {
				if x%5 == 4 {
					return nil, errMine
				}
				if x%5 == 3 {
					panic("in a batch")
				}
				tx.Position().Count++
				out[i].Value = x
			}
			return out, nil
		})
		var posted atomic.Int64
		var all sync.WaitGroup
		for g := range 16 {
			all.Go(func() {
				chance := rand.New(rand.NewPCG(1, uint64(g)))
				for range 30 {
					end := chance.IntN(8)
					if end >= 6 {
						x := chance.IntN(10)
						if _, err := batch.Do(ctx, x); (err == nil) != (x%5 < 3) {
							t.Errorf("request %d: %v", x, err)
						} else if err == nil {
							posted.Add(1)
						}
						continue
					}
					err := d.Write(ctx, func(tx *db.Tx) error {
						before := *tx.Position()
						tx.Position().Count++
						if before.Writer == "" || tx.Position().Seq != before.Seq {
							t.Errorf("the position moved from %+v to %+v", before, *tx.Position())
						}
						switch end {
						case 0:
							return errMine
						case 1:
							panic("after a posting")
						case 2: // waits for others, and may meet them
							_, err := tx.Exec(ctx, `update hits set n = n + 1 where id = 'hot'`)
							return err
						case 3: // read only: takes no number
							tx.Position().Count--
						}
						return nil
					})
					if (err == nil) != (end > 1) {
						t.Errorf("function of kind %d: %v", end, err)
					}
					if err == nil && end != 3 {
						posted.Add(1)
					}
				}
			})
		}
		soon(t, "the postings", all.Wait)
		checkPlaces(t, d, posted.Load())
	})
}

// checkPlaces checks that each writer's numbers are 0, 1, 2, … and that all postings are there.
func checkPlaces(t testing.TB, d *db.DB, posted int64) {
	t.Helper()
	next := map[string]int64{}
	var entries int64
	read(t, d, func(tx *db.Tx) error {
		return tx.Each(t.Context(), `select writer, seq, entries from commits order by writer, seq`, nil, func(r db.Row) error {
			var writer string
			var seq, n int64
			if err := r.Scan(&writer, &seq, &n); err != nil {
				return err
			}
			if seq != next[writer] {
				t.Errorf("writer %s: number %d after %d", writer, seq, next[writer]-1)
			}
			next[writer] = seq + 1
			entries += n
			return nil
		})
	})
	if entries != posted {
		t.Errorf("%d postings are stored, %d were answered", entries, posted)
	}
}

func TestAWriterLivesADay(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		recordPlaces(d)
		var names []string
		for range 40 {
			write(t, d, func(tx *db.Tx) error {
				pos := tx.Position()
				pos.Count = 1
				if len(names) == 0 || names[len(names)-1] != pos.Writer {
					names = append(names, pos.Writer)
				}
				return nil
			})
			p.Clock.Advance(time.Hour)
		}
		if len(names) != 2 || !slices.IsSorted(names) {
			t.Errorf("in 40 hours there were the writers %v", names)
		}
		checkPlaces(t, d, 40)
		other := p.Open(t)
		write(t, other, func(tx *db.Tx) error {
			if slices.Contains(names, tx.Position().Writer) {
				t.Error("two processes share a writer")
			}
			return nil
		})
	})
}

func TestALockedRowMakesOthersWait(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		for _, size := range []int{1, 6} { // single statements, and the set form
			keys := rowsOf(size, func(i int) []any { return []any{fmt.Sprint(size, id(i))} })
			write(t, d, func(tx *db.Tx) error {
				return tx.Put(ctx, hits, rowsOf(size, func(i int) []any { return []any{keys[i][0], 1} }))
			})
			in, order := make(chan struct{}), make(chan string, 2)
			var all sync.WaitGroup
			all.Go(func() {
				err := d.Write(ctx, func(tx *db.Tx) error {
					if err := tx.Lock(ctx, findHits, keys, func(int, db.Row) error { return nil }); err != nil {
						return err
					}
					close(in)
					time.Sleep(50 * time.Millisecond)
					_, err := tx.Change(ctx, addToHit, rowsOf(size, func(i int) []any { return []any{keys[i][0], 10} }))
					order <- "first"
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
			<-in
			all.Go(func() {
				err := d.Write(ctx, func(tx *db.Tx) error {
					return tx.Lock(ctx, findHits, keys[size-1:], func(_ int, r db.Row) error {
						var key string
						var n int
						err := r.Scan(&key, &n)
						if n != 11 {
							t.Errorf("the second saw %d, want 11: it did not see what the first wrote", n)
						}
						order <- "second"
						return err
					})
				})
				if err != nil {
					t.Error(err)
				}
			})
			soon(t, "two that lock one row", all.Wait)
			if a, b := <-order, <-order; a != "first" || b != "second" {
				t.Errorf("%s came before %s", a, b)
			}
		}
	})
}

// TestSortedLocksNeverMeetInACircle counts each try: a deadlock would be tried again, and show here. Who only changes
// rows, without locking them before, takes them in the same order.
func TestSortedLocksNeverMeetInACircle(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		const rows, people, rounds = 24, 8, 40
		write(t, d, func(tx *db.Tx) error {
			return tx.Put(ctx, hits, rowsOf(rows, func(i int) []any { return []any{id(i), 0} }))
		})
		var tried, added atomic.Int64
		var all sync.WaitGroup
		for g := range people {
			all.Go(func() {
				chance := rand.New(rand.NewPCG(2, uint64(g)))
				for range rounds {
					picked := chance.Perm(rows)[:2+chance.IntN(rows/2)] // a few as single statements, more as one set
					slices.Sort(picked)
					keys := rowsOf(len(picked), func(i int) []any { return []any{id(picked[i])} })
					err := d.Write(ctx, func(tx *db.Tx) error {
						tried.Add(1)
						if g%2 == 0 {
							if err := tx.Lock(ctx, findHits, keys, func(int, db.Row) error { return nil }); err != nil {
								return err
							}
						}
						n, err := tx.Change(ctx, addToHit, rowsOf(len(keys), func(i int) []any { return []any{keys[i][0], 1} }))
						if n != int64(len(keys)) {
							t.Errorf("%d of %d rows changed", n, len(keys))
						}
						return err
					})
					if err != nil {
						t.Error(err)
					}
					added.Add(int64(len(picked)))
				}
			})
		}
		soon(t, "sorted locks", all.Wait)
		if tried.Load() != people*rounds {
			t.Errorf("%d tries for %d transactions: some met in a circle", tried.Load(), people*rounds)
		}
		if n := number(t, d, `select cast(sum(n) as bigint) from hits`); n != added.Load() {
			t.Errorf("the sum is %d, want %d", n, added.Load())
		}
	})
}

// TestTwoProcessesWriteOneDatabase: on SQLite they wait for each other's lock.
func TestTwoProcessesWriteOneDatabase(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		a := prepare(t, p)
		b := p.Open(t)
		recordPlaces(a)
		recordPlaces(b)
		write(t, a, func(tx *db.Tx) error { return tx.Put(t.Context(), hits, [][]any{{"hot", 0}}) })
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for range 25 {
					err := []*db.DB{a, b}[g%2].Write(t.Context(), func(tx *db.Tx) error {
						tx.Position().Count++
						_, err := tx.Change(t.Context(), addToHit, [][]any{{"hot", 1}})
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		soon(t, "two processes", all.Wait)
		if n := number(t, b, `select n from hits`); n != 200 {
			t.Errorf("%d of 200 are stored", n)
		}
		checkPlaces(t, a, 200)
	})
}

func TestConflictsAreTriedAgain(t *testing.T) {
	p := dbtest.New(t, "postgres")
	d := prepare(t, p)
	ctx := t.Context()
	write(t, d, func(tx *db.Tx) error {
		return tx.Put(ctx, hits, [][]any{{"a", 0}, {"b", 0}})
	})
	meet := make(chan struct{}, 2) // both hold their first row before either asks for its second
	turn := func(first, second string) error {
		tries := 0
		return d.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `update hits set n = n + 1 where id = $1`, first); err != nil {
				return err
			}
			if tries++; tries == 1 {
				meet <- struct{}{}
				for len(meet) < 2 {
					time.Sleep(time.Millisecond)
				}
			}
			_, err := tx.Exec(ctx, `update hits set n = n + 1 where id = $1`, second)
			return err
		})
	}
	var all sync.WaitGroup
	all.Go(func() { must(t, turn("a", "b")) })
	all.Go(func() { must(t, turn("b", "a")) })
	soon(t, "a deadlock", all.Wait)
	if n := number(t, d, `select cast(sum(n) as bigint) from hits`); n != 4 {
		t.Errorf("the sum is %d, want 4", n)
	}

	tries := 0
	err := d.Write(ctx, func(tx *db.Tx) error { // 40001, seven times and for ever
		tries++
		if tries < 8 {
			_, err := tx.Exec(ctx, `do $$ begin raise exception 'try again' using errcode = '40001'; end $$`)
			return err
		}
		return nil
	})
	if err != nil || tries != 8 {
		t.Errorf("after %d tries: %v", tries, err)
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `do $$ begin raise exception 'try again' using errcode = '40001'; end $$`)
		return err
	})
	if !errors.Is(err, db.ErrConflict) || !fault.Is(err, "storage") {
		t.Errorf("a conflict without end: %v", err)
	}
}

func TestACancelledRequest(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		ran := false
		if err := d.Write(gone, func(*db.Tx) error { ran = true; return nil }); !fault.Is(err, "timeout") || ran {
			t.Errorf("ran %v: %v", ran, err)
		}
		if err := d.Read(gone, func(tx *db.Tx) error { var n int; return tx.QueryRow(gone, `select 1`, nil, &n) }); !fault.Is(err, "timeout") {
			t.Errorf("a read: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Write(ctx, func(tx *db.Tx) error { // leaves in the middle: no further statement
			if _, err := tx.Insert(ctx, hits, [][]any{{"middle", 1}}); err != nil {
				return err
			}
			cancel()
			_, err := tx.Insert(ctx, hits, [][]any{{"later", 1}})
			return err
		})
		if !fault.Is(err, "timeout") {
			t.Errorf("cancelled in the middle: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		err = d.Write(ctx, func(tx *db.Tx) error { // leaves before the commit, which goes on
			_, err := tx.Insert(ctx, hits, [][]any{{"end", 1}})
			cancel()
			return err
		})
		if err != nil {
			t.Errorf("cancelled at the end: %v", err)
		}
		if n := number(t, d, `select count(*) from hits where id in ('middle', 'later')`); n != 0 {
			t.Error("a cancelled write was kept")
		}
		if n := number(t, d, `select count(*) from hits where id = 'end'`); n != 1 {
			t.Error("an answered write was lost")
		}
	})
}

func TestALongStatementIsCutOff(t *testing.T) {
	const forever = `with recursive f(i) as (select 1 union all select i + 1 from f where i < 100000000000) select cast(count(*) as bigint) from f`
	on(t, func(t *testing.T, d *db.DB) {
		for name, run := range map[string]func(context.Context, func(*db.Tx) error) error{"write": d.Write, "read": d.Read} {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			soon(t, "a statement without end", func() {
				err := run(ctx, func(tx *db.Tx) error {
					var n int64
					return tx.QueryRow(ctx, forever, nil, &n)
				})
				if !fault.Is(err, "timeout") {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		write(t, d, func(tx *db.Tx) error { _, err := tx.Insert(t.Context(), hits, [][]any{{"after", 1}}); return err })

		if d.Engine() == "sqlite" { // an update that is cut off takes the shared transaction with it
			write(t, d, func(tx *db.Tx) error {
				_, err := tx.Insert(t.Context(), hits, rowsOf(3000, func(i int) []any { return []any{id(i), 1} }))
				return err
			})
			release := held(t, d)
			var all sync.WaitGroup
			var slow error
			good := make([]error, 6)
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
				defer cancel()
				slow = d.Write(ctx, func(tx *db.Tx) error {
					_, err := tx.Exec(ctx, `update hits set n = (select count(*) from hits a, hits b, hits c where a.n < b.n + c.n)`)
					return err
				})
			})
			gathered(t, d, 1)
			for i := range good {
				all.Go(func() {
					good[i] = d.Write(t.Context(), func(tx *db.Tx) error {
						_, err := tx.Insert(t.Context(), hits, [][]any{{fmt.Sprint("good", i), 1}})
						return err
					})
				})
			}
			gathered(t, d, 7)
			release()
			soon(t, "the group of a long update", all.Wait)
			if !fault.Is(slow, "timeout") {
				t.Errorf("the long update: %v", slow)
			}
			must(t, errors.Join(good...))
			if n := number(t, d, `select count(*) from hits where id like 'good%'`); n != 6 {
				t.Errorf("%d of 6 of its neighbours are stored", n)
			}
		}
	})
}

func TestAWriteWithinAWriteEnds(t *testing.T) {
	p := dbtest.New(t, "sqlite")
	d := prepare(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	soon(t, "a write within a write", func() {
		err := d.Write(ctx, func(tx *db.Tx) error { return d.Write(ctx, func(*db.Tx) error { return nil }) })
		if err == nil {
			t.Error("it passed")
		}
	})
	write(t, d, func(*db.Tx) error { return nil })
}

func TestCloseWaitsForWork(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d, err := db.Open(t.Context(), p.URL, db.Options{Wall: p.Clock.Now, Random: dbtest.Chance(99)})
		must(t, err)
		release := held(t, d)
		closed := make(chan error, 1)
		go func() { closed <- d.Close() }()
		for d.Read(t.Context(), func(*db.Tx) error { return nil }) == nil {
			time.Sleep(time.Millisecond)
		}
		if err := d.Write(t.Context(), func(*db.Tx) error { return nil }); !fault.Is(err, "storage") {
			t.Errorf("a write while closing: %v", err)
		}
		select {
		case <-closed:
			t.Error("closed while a write was under way")
		default:
		}
		release()
		must(t, <-closed)
		must(t, d.Close()) // once more
	})
}

func TestTooManyRequests(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		release := held(t, d)
		defer release()
		var all sync.WaitGroup
		var busy atomic.Int64
		out := make(chan struct{})
		for range 20 {
			all.Go(func() {
				err := d.Write(t.Context(), func(*db.Tx) error { <-out; return nil })
				if fault.Is(err, "busy") {
					busy.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		want := int64(10) // ten of them wait
		if d.Engine() == "postgres" {
			want = 11 // a request that runs counts too
		}
		for range 30_000 { // until each of them waits or was sent away: whoever comes after release finds room
			if busy.Load() >= want {
				break
			}
			time.Sleep(time.Millisecond)
		}
		release()
		close(out)
		soon(t, "the requests", all.Wait)
		if n := busy.Load(); n != want {
			t.Errorf("%d of 20 were sent away, want %d", n, want)
		}
	}, func(o *db.Options) { o.Waiting = 10; o.Connections = 24 })
}

func TestStatementsAreForgotten(t *testing.T) {
	d := prepare(t, dbtest.New(t, "sqlite"))
	for i := range db.KeptStatements + 50 {
		write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), fmt.Sprintf(`update hits set n = %d`, i))
			return err
		})
	}
	if n := d.Statements(); n > db.KeptStatements+5 {
		t.Errorf("%d statements are kept", n)
	}
}
