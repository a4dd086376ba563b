package db_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
)

// now reads both times of a transaction.
func now(t testing.TB, run func(context.Context, func(*db.Tx) error) error) (now, wall calendar.Instant) {
	t.Helper()
	must(t, run(t.Context(), func(tx *db.Tx) error { now, wall = tx.Now, tx.Wall; return nil }))
	return now, wall
}

func TestBusinessTimeIsWallTimeUntilItMayMove(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		start := p.Clock.Now()
		if err := d.MoveClock(t.Context(), start.Add(time.Hour)); !fault.Is(err, "clock-fixed") {
			t.Errorf("a fixed clock: %v", err)
		}
		p.Clock.Advance(time.Minute)
		if n, w := now(t, d.Write); n != start.Add(time.Minute) || w != n {
			t.Errorf("it is %v, wall %v", n, w)
		}
		p.Clock.Advance(-time.Hour)
		for _, run := range []func(context.Context, func(*db.Tx) error) error{d.Write, d.Read} {
			if n, w := now(t, run); n != start.Add(time.Minute) || w != start.Add(-59*time.Minute) {
				t.Errorf("after the wall clock went back it is %v, wall %v", n, w)
			}
		}
	})
}

// TestTimeOutlivesTheProcess holds that business time does not go back when a machine starts again with its clock
// behind, and says so.
func TestTimeOutlivesTheProcess(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		start := p.Clock.Now()
		d := p.Open(t)
		now(t, d.Write) // writes the first moment down
		p.Clock.Advance(time.Hour)
		latest, _ := now(t, d.Write)
		p.Clock.Advance(9 * time.Second)
		now(t, d.Write) // too soon to be written down
		must(t, d.Close())

		p.Clock.Set(start)
		again := p.Open(t)
		for _, run := range []func(context.Context, func(*db.Tx) error) error{again.Read, again.Write} {
			if n, w := now(t, run); n != latest || w != start {
				t.Errorf("it is %v, wall %v; want %v", n, w, latest)
			}
		}
		if by, err := again.Behind(t.Context()); err != nil || by != time.Hour {
			t.Errorf("behind by %v, %v", by, err)
		}
		p.Clock.Set(latest.Add(time.Second))
		if by, err := again.Behind(t.Context()); err != nil || by != 0 {
			t.Errorf("behind by %v, %v", by, err)
		}
		if n, _ := now(t, again.Write); n != latest.Add(time.Second) {
			t.Errorf("it is %v", n)
		}
	})
}

func TestTheClockMovesForAllAtOnce(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		a := p.Open(t)
		must(t, a.LetClockMove(t.Context()))
		b := p.Open(t) // another process
		must(t, b.LetClockMove(t.Context()))
		to := p.Clock.Now()
		for i := range 6 {
			to = to.Add(time.Duration(i) * 12 * time.Hour) // the first move stays where it is
			mover := []*db.DB{a, b}[i%2]
			must(t, mover.MoveClock(t.Context(), to))
			for _, d := range []*db.DB{a, b} {
				for _, run := range []func(context.Context, func(*db.Tx) error) error{d.Write, d.Read} {
					if n, w := now(t, run); n != to || w != p.Clock.Now() {
						t.Errorf("move %d: it is %v, wall %v; want %v", i, n, w, to)
					}
				}
			}
			if err := mover.MoveClock(t.Context(), to.Add(-time.Microsecond)); !fault.Is(err, "clock-back") {
				t.Errorf("moved back: %v", err)
			}
		}
		p.Clock.Advance(time.Second)
		if n, _ := now(t, b.Read); n != to.Add(time.Second) {
			t.Errorf("the moved clock does not go on: %v", n)
		}
		must(t, a.LetClockMove(t.Context())) // once more changes nothing
		if n, _ := now(t, a.Read); n != to.Add(time.Second) {
			t.Errorf("it is %v", n)
		}
	})
}

// TestAMoveThatWaitedForALargerOne began before that was committed, and must see it all the same.
func TestAMoveThatWaitedForALargerOne(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		a := p.Open(t)
		must(t, a.LetClockMove(t.Context()))
		b := p.Open(t)
		moved := make(chan error, 1)
		write(t, a, func(tx *db.Tx) error {
			if _, err := tx.Exec(t.Context(), `update clock set offset_us = $1`, (10 * time.Hour).Microseconds()); err != nil {
				return err
			}
			go func() { moved <- b.MoveClock(t.Context(), p.Clock.Now().Add(time.Hour)) }()
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		if err := <-moved; !fault.Is(err, "clock-back") {
			t.Errorf("the smaller move: %v", err)
		}
		if n, _ := now(t, p.Open(t).Read); n != p.Clock.Now().Add(10*time.Hour) {
			t.Errorf("it is %v", n)
		}
	})
}

// TestMovesAtTheSameMomentNeverGoBack: the smaller move may come last.
func TestMovesAtTheSameMomentNeverGoBack(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		a := p.Open(t)
		must(t, a.LetClockMove(t.Context()))
		handles := []*db.DB{a, p.Open(t)}
		var all, watch sync.WaitGroup
		done := make(chan struct{})
		watch.Go(func() { // what a third process would see
			for last := int64(0); ; {
				us := number(t, a, `select offset_us from clock`)
				if us < last {
					t.Errorf("the clock went back by %d µs", last-us)
				}
				last = us
				select {
				case <-done:
					return
				default:
				}
			}
		})
		start := p.Clock.Now()
		for g := range 8 {
			all.Go(func() {
				chance := rand.New(rand.NewPCG(3, uint64(g)))
				for range 20 {
					d := handles[chance.IntN(2)]
					before, _ := now(t, d.Read)
					err := d.MoveClock(t.Context(), start.Add(time.Duration(chance.IntN(1_000_000))*time.Second))
					if err != nil && !fault.Is(err, "clock-back") {
						t.Error(err)
					}
					if after, _ := now(t, d.Write); after.Before(before) {
						t.Errorf("time went from %v to %v", before, after)
					}
				}
			})
		}
		soon(t, "moves of the clock", all.Wait)
		close(done)
		watch.Wait()
		x, _ := now(t, handles[0].Read)
		y, _ := now(t, handles[1].Read)
		if x != y {
			t.Errorf("one process says %v, the other %v", x, y)
		}
	})
}

func TestIdsAreUniqueAndOrdered(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		a, b := p.Open(t), p.Open(t)
		var mu sync.Mutex
		all := map[string]bool{}
		var group sync.WaitGroup
		for g := range 8 {
			group.Go(func() {
				d := []*db.DB{a, b}[g%2]
				last := ""
				for range 20 {
					must(t, d.Read(t.Context(), func(tx *db.Tx) error {
						for range 50 {
							id := tx.ID("ord_")
							if id <= last || len(id) != 24 || !strings.HasPrefix(id, "ord_") {
								t.Errorf("%s after %s", id, last)
							}
							last = id
							mu.Lock()
							if all[id] {
								t.Errorf("%s was made twice", id)
							}
							all[id] = true
							mu.Unlock()
						}
						return nil
					}))
					if g == 0 {
						p.Clock.Advance(time.Duration(g-1) * time.Millisecond) // the wall clock goes back
					}
				}
			})
		}
		group.Wait()
		p.Clock.Advance(24 * time.Hour)
		greatest := slices.Max(slices.Collect(func(yield func(string) bool) {
			for id := range all {
				if !yield(id) {
					return
				}
			}
		}))
		must(t, a.Read(t.Context(), func(tx *db.Tx) error {
			if id := tx.ID("ord_"); id <= greatest {
				t.Errorf("%s of the next day comes before %s", id, greatest)
			}
			return nil
		}))
	})
}

func TestIdsReplayFromTheirChance(t *testing.T) {
	make3 := func() []string {
		d := dbtest.Open(t, "sqlite")
		var ids []string
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			for i := range 3 {
				ids = append(ids, tx.ID(fmt.Sprint("x", i, "_")))
			}
			return nil
		}))
		return ids
	}
	if a, b := make3(), make3(); !slices.Equal(a, b) {
		t.Errorf("%v, then %v", a, b)
	}
}
