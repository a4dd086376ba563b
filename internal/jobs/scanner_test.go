package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"

	"pgregory.net/rapid"
)

// world is a database with its clock and a scanner.
type world struct {
	t *testing.T
	p *dbtest.Place
	d *db.DB
	s *jobs.Scanner
}

func run(t *testing.T, f func(w *world)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		f(&world{t, p, d, jobs.NewScanner(d, dbtest.Chance(7), nil)})
	})
}

func (w *world) write(f func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.d.Write(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) add(rows ...jobs.Due) []jobs.Due {
	w.t.Helper()
	w.write(func(tx *db.Tx) error { return jobs.Add(w.t.Context(), tx, rows) })
	return rows
}

func (w *world) scan(s *jobs.Scanner, want int) {
	w.t.Helper()
	if ran, err := s.Scan(w.t.Context()); err != nil || ran != want {
		w.t.Fatalf("a scan ran %d, %v; want %d", ran, err, want)
	}
}

func (w *world) idle(s *jobs.Scanner) {
	w.t.Helper()
	if err := s.RunUntilIdle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// log is what was done, in order: each subject with the kind that ran for it.
func (w *world) log() []string {
	w.t.Helper()
	var done []string
	if err := w.d.Read(w.t.Context(), func(tx *db.Tx) error {
		all, err := events.All(w.t.Context(), tx, "", 10_000)
		for _, e := range all {
			done = append(done, e.Kind+" "+e.Subject)
		}
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return done
}

// count returns the rows of a table.
func (w *world) count(table string) (n int) {
	w.t.Helper()
	if err := w.d.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(w.t.Context(), "select count(*) from "+table, nil, &n)
	}); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) failures() []jobs.Failure {
	w.t.Helper()
	var all []jobs.Failure
	if err := w.d.Read(w.t.Context(), func(tx *db.Tx) (err error) { all, err = jobs.Failed(w.t.Context(), tx, "", 100); return err }); err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) equal(got, want []string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Fatalf("done\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// note writes to the log what ran.
func note(ctx context.Context, tx *db.Tx, rows []jobs.Due) error {
	all := make([]events.Event, len(rows))
	for i, r := range rows {
		all[i] = events.Event{Merchant: r.Merchant, Kind: r.Kind, Subject: r.Subject}
	}
	return events.Append(ctx, tx, all)
}

func TestScanInOrder(t *testing.T) {
	run(t, func(w *world) {
		var sizes []int
		w.s.On("first", 2, func(ctx context.Context, tx *db.Tx, rows []jobs.Due) error {
			sizes = append(sizes, len(rows))
			return note(ctx, tx, rows)
		})
		w.s.On("second", 10, note)
		now := w.p.Clock.Now()
		w.add(
			jobs.Due{Kind: "second", Subject: "a", At: now.Add(time.Second)},
			jobs.Due{Kind: "first", Subject: "c", At: now.Add(2 * time.Second)},
			jobs.Due{Kind: "first", Subject: "b", At: now.Add(time.Second)},
			jobs.Due{Kind: "first", Subject: "d", At: now.Add(3 * time.Second)},
			jobs.Due{Kind: "first", Subject: "e", At: now.Add(10 * time.Minute)},
			jobs.Due{Kind: "second", Subject: "f", At: now.Add(5 * time.Minute)},
			jobs.Due{Kind: "first", Subject: "later", At: now.Add(time.Hour)},
			jobs.Due{Kind: "unknown", Subject: "of a newer version", At: now.Add(time.Second)},
		)
		w.scan(w.s, 0)
		w.p.Clock.Advance(20 * time.Minute)
		w.scan(w.s, 4)
		w.scan(w.s, 1)
		w.scan(w.s, 1)
		w.scan(w.s, 0)
		w.equal(w.log(), []string{"first b", "first c", "first d", "second a", "second f", "first e"})
		if !slices.Equal(sizes, []int{2, 1, 1}) {
			t.Errorf("slices of %v", sizes)
		}
		if n := w.count("due"); n != 2 {
			t.Errorf("%d rows wait, want the later and the unknown", n)
		}
	})
}

func TestAtOnce(t *testing.T) {
	run(t, func(w *world) {
		w.s.On("k", 10, note)
		rows := w.add(jobs.Due{Kind: "k", Subject: "a"})
		if rows[0].At != w.p.Clock.Now() || !strings.HasPrefix(rows[0].ID, "due_") {
			t.Errorf("planted %v", rows[0])
		}
		w.scan(w.s, 1)
	})
}

// TestAnySchedule is the law of this package: whenever the scanner runs, how often, on two nodes or after days
// of sleep, the same is done in the same order, once.
func TestAnySchedule(t *testing.T) {
	run(t, func(w *world) {
		other := jobs.NewScanner(w.d, dbtest.Chance(8), nil)
		var gap time.Duration
		slice := 1
		step := func(ctx context.Context, tx *db.Tx, rows []jobs.Due) error {
			var next []jobs.Due
			for _, r := range rows {
				name, number, _ := strings.Cut(r.Subject, "/")
				if n, _ := strconv.Atoi(number); n > 0 {
					next = append(next, jobs.Due{Kind: r.Kind, Subject: fmt.Sprintf("%s/%d", name, n-1), At: r.At.Add(gap)})
				}
			}
			return errors.Join(note(ctx, tx, rows), jobs.Add(ctx, tx, next))
		}
		for _, s := range []*jobs.Scanner{w.s, other} {
			s.On("one", 3, step)
			s.On("two", slice, step)
		}
		rapid.Check(t, func(t *rapid.T) {
			w.write(func(tx *db.Tx) error {
				_, err := tx.Exec(w.t.Context(), "delete from events")
				return err
			})
			gap = time.Duration(rapid.IntRange(1, 2000).Draw(t, "gap")) * time.Minute
			start := calendar.FromMicros((w.p.Clock.Now().Micros()/60e6 + 1) * 60e6)
			var rows []jobs.Due
			for i := range rapid.IntRange(1, 8).Draw(t, "subjects") {
				rows = append(rows, jobs.Due{
					Kind:    rapid.SampledFrom([]string{"one", "two"}).Draw(t, "kind"),
					Subject: fmt.Sprintf("s%d/%d", i, rapid.IntRange(0, 4).Draw(t, "steps")),
					At:      start.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "minute")) * time.Minute),
				})
			}
			w.add(rows...)
			for range rapid.IntRange(0, 6).Draw(t, "actions") {
				switch rapid.IntRange(0, 4).Draw(t, "action") {
				case 0:
					w.p.Clock.Advance(9 * 24 * time.Hour)
				case 1:
					w.p.Clock.Advance(time.Duration(rapid.IntRange(1, 3000).Draw(t, "minutes")) * time.Minute)
				case 2:
					for range 50 {
						if _, err := w.s.Scan(w.t.Context()); err != nil {
							t.Fatal(err)
						}
					}
				case 3:
					if _, err := other.Scan(w.t.Context()); err != nil {
						t.Fatal(err)
					}
				case 4:
					w.idle(w.s)
				}
			}
			w.p.Clock.Advance(30 * 24 * time.Hour)
			w.idle(w.s)
			if got, want := w.log(), model(rows, gap); !slices.Equal(got, want) {
				t.Fatalf("done\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if n := w.count("due") + w.count("due_failed"); n != 0 {
				t.Fatalf("%d rows left", n)
			}
		})
	})
}

// model says what must be done, by taking the oldest row again and again.
func model(rows []jobs.Due, gap time.Duration) []string {
	rows = slices.Clone(rows)
	var done []string
	for len(rows) > 0 {
		slices.SortStableFunc(rows, func(a, b jobs.Due) int {
			if c := a.At.Compare(b.At); c != 0 {
				return c
			}
			return strings.Compare(a.Kind, b.Kind)
		})
		r := rows[0]
		rows = rows[1:]
		done = append(done, r.Kind+" "+r.Subject)
		name, number, _ := strings.Cut(r.Subject, "/")
		if n, _ := strconv.Atoi(number); n > 0 {
			rows = append(rows, jobs.Due{Kind: r.Kind, Subject: fmt.Sprintf("%s/%d", name, n-1), At: r.At.Add(gap)})
		}
	}
	return done
}

func TestOneBadRowHoldsUpNoOther(t *testing.T) {
	run(t, func(w *world) {
		tries := 0
		w.s.On("k", 10, func(ctx context.Context, tx *db.Tx, rows []jobs.Due) error {
			if err := note(ctx, tx, rows); err != nil {
				return err
			}
			for _, r := range rows {
				if r.Subject == "bad" && len(rows) == 1 {
					tries++
				}
				if r.Subject == "bad" {
					return fault.Clash("order-state", "This order has moved on.")
				}
			}
			return nil
		})
		bad := w.add(jobs.Due{Kind: "k", Subject: "a"}, jobs.Due{Kind: "k", Subject: "bad", Merchant: "mer_1"}, jobs.Due{Kind: "k", Subject: "b"})[1]
		w.scan(w.s, 2)
		w.equal(w.log(), []string{"k a", "k b"})
		w.scan(w.s, 0) // it waits
		if tries != 1 {
			t.Fatalf("tried %d times", tries)
		}
		for range 7 {
			w.p.Clock.Advance(100 * time.Minute)
			w.scan(w.s, 0)
		}
		w.p.Clock.Advance(100 * time.Minute)
		w.scan(w.s, 0)
		if tries != 8 || w.count("due") != 0 {
			t.Fatalf("tried %d times, %d rows wait", tries, w.count("due"))
		}
		failed := w.failures()
		if len(failed) != 1 {
			t.Fatalf("failed: %v", failed)
		}
		bad.Attempts = 8
		if f := failed[0]; f.Due != bad || f.Reason != "order-state" || f.Failed != w.p.Clock.Now().Add(-100*time.Minute) {
			t.Fatalf("failed: %v, want %v", f, bad)
		}
		w.equal(w.log(), []string{"k a", "k b"})
	})
}

// TestBackOff holds that the waits grow, differ by chance and stay under an hour and a half.
func TestBackOff(t *testing.T) {
	run(t, func(w *world) {
		w.s.On("k", 1, func(context.Context, *db.Tx, []jobs.Due) error { return errors.New("no") })
		w.add(jobs.Due{Kind: "k", Subject: "a"}, jobs.Due{Kind: "k", Subject: "b"})
		for n, base := range []time.Duration{time.Second, 4 * time.Second, 16 * time.Second, 64 * time.Second, 256 * time.Second, 1024 * time.Second, time.Hour} {
			w.scan(w.s, 0)
			var waits []time.Duration
			if err := w.d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.Each(t.Context(), "select retry_at from due", nil, func(r db.Row) error {
					var at calendar.Instant
					err := r.Scan(&at)
					waits = append(waits, at.Sub(tx.Wall))
					return err
				})
			}); err != nil {
				t.Fatal(err)
			}
			if len(waits) != 2 || waits[0] == waits[1] || min(waits[0], waits[1]) < base/2 || max(waits[0], waits[1]) > base*3/2 {
				t.Fatalf("after failure %d the rows wait %v", n+1, waits)
			}
			w.p.Clock.Advance(max(waits[0], waits[1]))
		}
	})
}

func TestPanicIsAFailure(t *testing.T) {
	run(t, func(w *world) {
		w.s.On("k", 10, func(ctx context.Context, tx *db.Tx, rows []jobs.Due) error {
			if rows[0].Subject == "bad" {
				panic("boom")
			}
			return note(ctx, tx, rows)
		})
		w.add(jobs.Due{Kind: "k", Subject: "bad"}, jobs.Due{Kind: "k", Subject: "good"})
		w.scan(w.s, 1)
		w.equal(w.log(), []string{"k good"})
	})
}

func TestRetry(t *testing.T) {
	run(t, func(w *world) {
		works := false
		w.s.On("k", 10, func(ctx context.Context, tx *db.Tx, rows []jobs.Due) error {
			if !works {
				return errors.New("not yet")
			}
			return note(ctx, tx, rows)
		})
		row := w.add(jobs.Due{Kind: "k", Subject: "a"})[0]
		for range 8 {
			w.scan(w.s, 0)
			w.p.Clock.Advance(2 * time.Hour)
		}
		failed := w.failures()
		if len(failed) != 1 || failed[0].ID != row.ID || failed[0].Reason != "internal" {
			t.Fatalf("failed: %v", failed)
		}
		works = true
		w.idle(w.s)
		w.equal(w.log(), nil)
		for range 2 { // a second press of the button finds nothing
			err := w.d.Write(t.Context(), func(tx *db.Tx) error { return jobs.Retry(t.Context(), tx, row.ID) })
			if again := fault.Is(err, "failed-job"); again != (w.count("due") == 0) && err != nil {
				t.Fatal(err)
			}
			w.idle(w.s)
		}
		w.equal(w.log(), []string{"k a"})
		if err := w.d.Write(t.Context(), func(tx *db.Tx) error { return jobs.Retry(t.Context(), tx, row.ID) }); !fault.Is(err, "failed-job") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestLease(t *testing.T) {
	run(t, func(w *world) {
		b := jobs.NewScanner(w.d, dbtest.Chance(8), nil)
		for _, s := range []*jobs.Scanner{w.s, b} {
			s.On("k", 10, note)
		}
		b.On("newer", 10, note)
		w.add(jobs.Due{Kind: "k", Subject: "a"})
		w.scan(w.s, 1) // takes the lease
		w.add(jobs.Due{Kind: "k", Subject: "b"})
		w.scan(b, 0)
		w.p.Clock.Advance(9 * time.Second)
		w.scan(b, 0)
		w.scan(w.s, 1) // renews it
		w.add(jobs.Due{Kind: "k", Subject: "c"})
		w.p.Clock.Advance(9 * time.Second)
		w.scan(b, 0)
		w.p.Clock.Advance(time.Second) // the first node is gone
		w.scan(b, 1)
		w.add(jobs.Due{Kind: "k", Subject: "d"})
		w.scan(w.s, 0) // and comes back
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.scan(w.s, 1)
		w.add(jobs.Due{Kind: "newer", Subject: "e"})
		w.scan(w.s, 0)
		w.scan(b, 1) // the lease of another kind is in nobody's way
		w.equal(w.log(), []string{"k a", "k b", "k c", "k d", "newer e"})
	})
}

// TestLaterRowsWaitForALease holds that what is due later does not overtake rows that another node is at.
func TestLaterRowsWaitForALease(t *testing.T) {
	run(t, func(w *world) {
		b := jobs.NewScanner(w.d, dbtest.Chance(8), nil)
		w.s.On("first", 10, note)
		b.On("first", 10, note)
		b.On("second", 10, note)
		w.add(jobs.Due{Kind: "first", Subject: "a"})
		w.scan(w.s, 1) // takes the lease
		w.add(jobs.Due{Kind: "second", Subject: "c"}, jobs.Due{Kind: "first", Subject: "b"})
		w.scan(b, 0)
		w.scan(w.s, 1)
		w.scan(b, 1)
		w.equal(w.log(), []string{"first a", "first b", "second c"})
	})
}

// TestTwoNodes lets two nodes run the same rows at the same time, leases aside.
func TestTwoNodes(t *testing.T) {
	run(t, func(w *world) {
		b := jobs.NewScanner(w.p.Open(t), dbtest.Chance(8), nil)
		for _, s := range []*jobs.Scanner{w.s, b} {
			s.On("k", 7, note)
		}
		var want []string
		for i := range 200 {
			w.add(jobs.Due{Kind: "k", Subject: fmt.Sprintf("%03d", i)})
			want = append(want, fmt.Sprintf("k %03d", i))
		}
		var wg sync.WaitGroup
		for _, s := range []*jobs.Scanner{w.s, b} {
			wg.Go(func() { w.idle(s) })
		}
		wg.Wait()
		got := w.log()
		slices.Sort(got)
		w.equal(got, want)
	})
}

func TestDuplicateKindPanics(t *testing.T) {
	s := jobs.NewScanner(nil, dbtest.Chance(1), nil)
	s.On("k", 1, note)
	defer func() {
		if recover() == nil {
			t.Error("a kind was registered twice")
		}
	}()
	s.OnOutside("k", time.Second, 1, nil)
}

func TestBacklog(t *testing.T) {
	run(t, func(w *world) {
		backlog := func() (n int64, since calendar.Instant) {
			if err := w.d.Read(t.Context(), func(tx *db.Tx) (err error) { n, since, err = jobs.Backlog(t.Context(), tx); return err }); err != nil {
				t.Fatal(err)
			}
			return n, since
		}
		if n, since := backlog(); n != 0 || !since.IsZero() {
			t.Errorf("%d since %v", n, since)
		}
		start := w.p.Clock.Now()
		w.add(jobs.Due{Kind: "k"}, jobs.Due{Kind: "k", At: start.Add(time.Hour)}, jobs.Due{Kind: "k", At: start.Add(3 * time.Hour)})
		w.p.Clock.Advance(2 * time.Hour)
		if n, since := backlog(); n != 2 || since != start {
			t.Errorf("%d since %v", n, since)
		}
	})
}

func TestNext(t *testing.T) {
	run(t, func(w *world) {
		next := func() (at calendar.Instant) {
			if err := w.d.Read(t.Context(), func(tx *db.Tx) (err error) { at, err = jobs.Next(t.Context(), tx); return err }); err != nil {
				t.Fatal(err)
			}
			return at
		}
		start := w.p.Clock.Now()
		w.add(jobs.Due{Kind: "k"}) // due now, so not in the future
		if at := next(); !at.IsZero() {
			t.Errorf("with nothing planned: %v", at)
		}
		w.add(jobs.Due{Kind: "k", At: start.Add(2 * time.Hour)}, jobs.Due{Kind: "k", At: start.Add(time.Hour)})
		if at := next(); at != start.Add(time.Hour) {
			t.Errorf("got %v", at)
		}
	})
}

// TestUnheard: what nobody wants to hear of is not planted, what was planted before stays, and the last word counts.
func TestUnheard(t *testing.T) {
	run(t, func(w *world) {
		w.s.On("fact", 10, note)
		w.s.On("k", 10, note)
		w.add(jobs.Due{Kind: "fact", Subject: "before"})
		jobs.Unheard(w.d, "fact", "other")
		w.add(jobs.Due{Kind: "fact", Subject: "a"}, jobs.Due{Kind: "k", Subject: "b"})
		w.scan(w.s, 2)
		w.equal(w.log(), []string{"fact before", "k b"})
		jobs.Unheard(w.d)
		w.add(jobs.Due{Kind: "fact", Subject: "c"})
		w.scan(w.s, 1)
		w.equal(w.log(), []string{"fact before", "k b", "fact c"})
	})
}
