package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
)

// finish writes to the log that a call came to its end.
func finish(r jobs.Due) jobs.Finish {
	return func(ctx context.Context, tx *db.Tx) error { return note(ctx, tx, []jobs.Due{r}) }
}

func TestOutside(t *testing.T) {
	run(t, func(w *world) {
		gate := make(chan struct{})
		begun := make(chan string, 10)
		w.s.OnOutside("mail", time.Minute, 2, func(ctx context.Context, r jobs.Due) (jobs.Finish, error) {
			begun <- r.Subject
			<-gate
			return finish(r), nil
		})
		w.s.On("k", 10, note)
		w.add(jobs.Due{Kind: "mail", Subject: "a"}, jobs.Due{Kind: "mail", Subject: "b"}, jobs.Due{Kind: "mail", Subject: "c"}, jobs.Due{Kind: "k", Subject: "x"})
		w.scan(w.s, 3) // two calls, all there may be at once, and the row that waits for nobody
		<-begun
		<-begun
		w.scan(w.s, 0)
		w.equal(w.log(), []string{"k x"})
		b := jobs.NewScanner(w.d, dbtest.Chance(8), nil) // ids of one process rise, so the log keeps its order
		b.OnOutside("mail", time.Minute, 10, func(ctx context.Context, r jobs.Due) (jobs.Finish, error) {
			begun <- "other " + r.Subject
			return finish(r), nil
		})
		w.idle(b)
		if s := <-begun; s != "other c" {
			t.Fatalf("another node took %s", s)
		}
		w.equal(w.log(), []string{"k x", "mail c"})
		close(gate)
		w.idle(w.s)
		if done := w.log(); len(done) != 4 || w.count("due") != 0 {
			t.Fatalf("done %v", done)
		}
	})
}

func TestOutsideFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		call   func(ctx context.Context) (jobs.Finish, error)
		reason string
	}{
		{"refused", func(context.Context) (jobs.Finish, error) { return nil, fault.Clash("no-such-box", "No.") }, "no-such-box"},
		{"panics", func(context.Context) (jobs.Finish, error) { panic("boom") }, "internal"},
		{"too slow", func(ctx context.Context) (jobs.Finish, error) { <-ctx.Done(); return nil, ctx.Err() }, "internal"},
		{"result cannot be written", func(context.Context) (jobs.Finish, error) {
			return func(context.Context, *db.Tx) error { return fault.Clash("gone", "Gone.") }, nil
		}, "gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(w *world) {
				calls := 0
				w.s.OnOutside("mail", time.Millisecond, 1, func(ctx context.Context, r jobs.Due) (jobs.Finish, error) {
					calls++
					return c.call(ctx)
				})
				row := w.add(jobs.Due{Kind: "mail", Subject: "a"})[0]
				for range 10 {
					w.idle(w.s)
					w.p.Clock.Advance(100 * time.Minute)
				}
				row.Attempts = 8
				failed := w.failures()
				if calls != 8 || len(failed) != 1 || failed[0].Due != row || failed[0].Reason != c.reason || w.count("due") != 0 {
					t.Fatalf("%d calls, failed: %v", calls, failed)
				}
			})
		})
	}
}

// TestOutsideCrash ends the process during the call, again and again: each attempt counts, and after the last
// a person must look, because nobody knows what the other side did.
func TestOutsideCrash(t *testing.T) {
	run(t, func(w *world) {
		calls := 0
		w.s.OnOutside("mail", time.Minute, 1, func(context.Context, jobs.Due) (jobs.Finish, error) {
			calls++
			return nil, db.ErrLost // what a process that is gone leaves behind: nothing
		})
		w.add(jobs.Due{Kind: "mail", Subject: "a"})
		for range 10 {
			if err := w.s.RunUntilIdle(t.Context()); err != nil && !errors.Is(err, db.ErrLost) {
				t.Fatal(err)
			}
			w.p.Clock.Advance(64 * time.Second)
			w.idle(w.s) // the lease still stands
			w.p.Clock.Advance(time.Second)
		}
		failed := w.failures()
		if calls != 8 || len(failed) != 1 || failed[0].Reason != "outcome-unknown" || failed[0].Attempts != 8 {
			t.Fatalf("%d calls, failed: %v", calls, failed)
		}
	})
}

// TestOutsideLate lets a call outlive its lease: another node has done the work, so its own result is dropped.
func TestOutsideLate(t *testing.T) {
	run(t, func(w *world) {
		b := jobs.NewScanner(w.p.Open(t), dbtest.Chance(8), nil)
		b.OnOutside("mail", time.Minute, 1, func(ctx context.Context, r jobs.Due) (jobs.Finish, error) { return finish(r), nil })
		w.s.OnOutside("mail", time.Minute, 1, func(ctx context.Context, r jobs.Due) (jobs.Finish, error) {
			w.p.Clock.Advance(time.Hour)
			w.idle(b)
			return finish(r), nil
		})
		w.add(jobs.Due{Kind: "mail", Subject: "a"})
		w.idle(w.s)
		w.equal(w.log(), []string{"mail a"})
	})
}

// TestOutsideOvertaken lets a call outlive its lease while another node has begun the next attempt: only that one
// counts, and when it fails the row is tried again.
func TestOutsideOvertaken(t *testing.T) {
	run(t, func(w *world) {
		b := jobs.NewScanner(w.p.Open(t), dbtest.Chance(8), nil)
		b.OnOutside("mail", time.Minute, 1, func(context.Context, jobs.Due) (jobs.Finish, error) { return nil, errors.New("no") })
		first := true
		w.s.OnOutside("mail", time.Minute, 1, func(ctx context.Context, r jobs.Due) (jobs.Finish, error) {
			if first {
				first = false
				w.p.Clock.Advance(time.Hour)
				w.idle(b)
			}
			return finish(r), nil
		})
		w.add(jobs.Due{Kind: "mail", Subject: "a"})
		w.idle(w.s)
		w.equal(w.log(), nil)
		w.p.Clock.Advance(time.Hour)
		w.idle(w.s)
		w.equal(w.log(), []string{"mail a"})
	})
}

// TestStorageFaultIsNotTheRows holds that a lost connection costs no attempt.
func TestStorageFaultIsNotTheRows(t *testing.T) {
	run(t, func(w *world) {
		lost := true
		w.s.On("k", 10, func(ctx context.Context, tx *db.Tx, rows []jobs.Due) error {
			if lost {
				return db.ErrStorage
			}
			if rows[0].Attempts != 0 {
				t.Errorf("an attempt was counted")
			}
			return note(ctx, tx, rows)
		})
		w.add(jobs.Due{Kind: "k", Subject: "a"})
		if _, err := w.s.Scan(t.Context()); !errors.Is(err, db.ErrStorage) {
			t.Fatalf("got %v", err)
		}
		lost = false
		w.scan(w.s, 1)
	})
}

// TestOutsideResultOutlivesTheStop asks the process to stop while the other side is at it: what it did is stored all
// the same, or it would be asked again after the start.
func TestOutsideResultOutlivesTheStop(t *testing.T) {
	run(t, func(w *world) {
		ctx, stop := context.WithCancel(t.Context())
		w.s.OnOutside("mail", time.Minute, 1, func(_ context.Context, r jobs.Due) (jobs.Finish, error) {
			stop()
			return finish(r), nil
		})
		w.add(jobs.Due{Kind: "mail", Subject: "a"})
		if err := w.s.RunUntilIdle(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if w.count("due") != 0 {
			t.Fatal("the row is still there")
		}
		w.equal(w.log(), []string{"mail a"})
	})
}
