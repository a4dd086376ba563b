package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/jobs"
)

// noted prepares to write to the log what ran.
func noted(_ context.Context, rows []jobs.Due) (jobs.Finish, error) {
	return func(ctx context.Context, tx *db.Tx) error { return note(ctx, tx, rows) }, nil
}

// TestReady holds that rows whose work is done outside of a transaction keep their order and end with their result.
func TestReady(t *testing.T) {
	run(t, func(w *world) {
		w.s.On("first", 10, note)
		w.s.OnReady("second", 2, func(ctx context.Context, rows []jobs.Due) (jobs.Finish, error) {
			if len(rows) > 2 {
				t.Errorf("%d rows", len(rows))
			}
			// the one writer is free, and the rows are still there
			w.write(func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `update due set subject = subject where id = $1`, rows[0].ID)
				return err
			})
			return noted(ctx, rows)
		})
		w.s.OnReady("third", 2, func(context.Context, []jobs.Due) (jobs.Finish, error) { return nil, nil })
		w.add(jobs.Due{Kind: "second", Subject: "a"}, jobs.Due{Kind: "second", Subject: "b"}, jobs.Due{Kind: "second", Subject: "c"},
			jobs.Due{Kind: "third", Subject: "d"}, jobs.Due{Kind: "first", Subject: "e"})
		w.scan(w.s, 5)
		w.equal(w.log(), []string{"first e", "second a", "second b", "second c"})
		if n := w.count("due"); n != 0 {
			t.Errorf("%d rows left", n)
		}
	})
}

// TestReadyTaken lets another node do the work while one prepares: the result is dropped.
func TestReadyTaken(t *testing.T) {
	run(t, func(w *world) {
		other := jobs.NewScanner(w.d, dbtest.Chance(8), nil)
		other.OnReady("k", 10, noted)
		w.s.OnReady("k", 10, func(ctx context.Context, rows []jobs.Due) (jobs.Finish, error) {
			w.idle(other)
			return noted(ctx, rows)
		})
		w.add(jobs.Due{Kind: "k", Subject: "a"}, jobs.Due{Kind: "k", Subject: "b"})
		w.scan(w.s, 0)
		w.equal(w.log(), []string{"k a", "k b"})
	})
}

// TestReadyFails holds that one row that fails, while it is prepared or while its result is written, holds up no other.
func TestReadyFails(t *testing.T) {
	for name, bad := range map[string]func() (jobs.Finish, error){
		"refuses": func() (jobs.Finish, error) { return nil, errors.New("no") },
		"panics":  func() (jobs.Finish, error) { panic("boom") },
		"cannot be written": func() (jobs.Finish, error) {
			return func(context.Context, *db.Tx) error { return errors.New("no") }, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				w.s.OnReady("k", 10, func(ctx context.Context, rows []jobs.Due) (jobs.Finish, error) {
					for _, r := range rows {
						if r.Subject == "bad" {
							return bad()
						}
					}
					return noted(ctx, rows)
				})
				w.add(jobs.Due{Kind: "k", Subject: "a"}, jobs.Due{Kind: "k", Subject: "bad"}, jobs.Due{Kind: "k", Subject: "c"})
				for range 10 {
					w.idle(w.s)
					w.p.Clock.Advance(100 * time.Minute)
				}
				w.equal(w.log(), []string{"k a", "k c"})
				if failed := w.failures(); len(failed) != 1 || failed[0].Subject != "bad" || failed[0].Attempts != 8 || w.count("due") != 0 {
					t.Errorf("failed: %v", failed)
				}
			})
		})
	}
}
