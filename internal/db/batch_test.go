package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// counter is a batch that writes one row for each request, and records how large its slices were.
type counter struct {
	mu    sync.Mutex
	sizes []int
}

func (c *counter) batch(d *db.DB, work func(tx *db.Tx, in []int) error) *db.Batch[int, string] {
	return db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []int) ([]db.Result[string], error) {
		c.mu.Lock()
		c.sizes = append(c.sizes, len(in))
		c.mu.Unlock()
		out := make([]db.Result[string], len(in))
		rows := make([][]any, 0, len(in))
		for i, x := range in {
			if x < 0 {
				out[i].Err = errMine
				continue
			}
			out[i].Value = fmt.Sprint(x)
			rows = append(rows, []any{id(x), x})
		}
		if err := tx.Put(ctx, hits, rows); err != nil {
			return nil, err
		}
		if work != nil {
			if err := work(tx, in); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

func (c *counter) largest() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sizes {
		n = max(n, s)
	}
	return n
}

// holdWriters occupies all leaders of the queue.
func holdWriters(t *testing.T, d *db.DB) (release func()) {
	t.Helper()
	stop := make(chan struct{})
	b := db.NewBatch(d, func(_ context.Context, _ *db.Tx, in []int) ([]db.Result[int], error) {
		<-stop
		return make([]db.Result[int], len(in)), nil
	})
	var all sync.WaitGroup
	want := 1
	if d.Engine() == "postgres" {
		want = 2
	}
	for i := range want {
		all.Go(func() {
			if _, err := b.Do(context.Background(), 0); err != nil {
				t.Error(err)
			}
		})
		for d.Leaders() <= i || d.Waiting() > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return func() { close(stop); all.Wait() }
}

func doAll(t *testing.T, d *db.DB, b *db.Batch[int, string], n int, value func(i int) int) []error {
	t.Helper()
	release := holdWriters(t, d)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			out, err := b.Do(t.Context(), value(i))
			if err == nil && out != fmt.Sprint(value(i)) {
				err = fmt.Errorf("request %d was answered %q", i, out)
			}
			errs[i] = err
		})
	}
	gathered(t, d, n)
	release()
	soon(t, "a batch", all.Wait)
	return errs
}

func TestRequestsShareATransaction(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		var c counter
		errs := doAll(t, d, c.batch(d, nil), 300, func(i int) int {
			if i%10 == 9 {
				return -1 - i
			}
			return i
		})
		for i, err := range errs {
			if fault.Is(err, "mine") != (i%10 == 9) || err != nil && i%10 != 9 {
				t.Errorf("request %d: %v", i, err)
			}
		}
		if n := number(t, d, `select count(*) from hits`); n != 270 {
			t.Errorf("%d rows, want 270", n)
		}
		if len(c.sizes) != 3 || c.largest() != db.BatchLimit {
			t.Errorf("slices of %v", c.sizes)
		}
		if out, err := c.batch(d, nil).Do(t.Context(), 5000); err != nil || out != "5000" {
			t.Errorf("a request alone: %q, %v", out, err)
		}
	})
}

func TestABatchThatFailsRunsOneByOne(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		for name, bad := range map[string]func(tx *db.Tx) error{
			"fault":     func(*db.Tx) error { return errMine },
			"panic":     func(*db.Tx) error { panic("in a batch") },
			"duplicate": func(tx *db.Tx) error { return tx.Put(t.Context(), hits, [][]any{{"dup", 0}, {"dup", 0}}) },
			"statement": func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), `select from where`); return err },
			"ignored":   func(tx *db.Tx) error { tx.Exec(t.Context(), `select from where`); return nil },
		} {
			var c counter
			b := c.batch(d, func(tx *db.Tx, in []int) error {
				for _, x := range in {
					if x%7 == 3 {
						return bad(tx)
					}
				}
				return nil
			})
			errs := doAll(t, d, b, 40, func(i int) int { return i })
			for i, err := range errs {
				if (err != nil) != (i%7 == 3) {
					t.Errorf("%s: request %d: %v", name, i, err)
				}
				if i%7 == 3 && name == "panic" && !fault.Is(err, "internal") {
					t.Errorf("a panic became %v", err)
				}
			}
			if n := number(t, d, `select count(*) from hits`); n != 40-6 {
				t.Errorf("%s: %d rows, want 34", name, n)
			}
			if len(c.sizes) != 41 || c.largest() != 40 {
				t.Errorf("%s: slices of %v", name, c.sizes)
			}
			write(t, d, func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), `delete from hits`); return err })
		}
	})
}

func TestABatchMustAnswerAll(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		b := db.NewBatch(d, func(context.Context, *db.Tx, []int) ([]db.Result[any], error) { return nil, nil })
		if _, err := b.Do(t.Context(), 1); err == nil {
			t.Error("a batch that answered nothing passed")
		}
		b = db.NewBatch(d, func(_ context.Context, _ *db.Tx, in []int) ([]db.Result[any], error) {
			return make([]db.Result[any], len(in)), nil
		})
		if out, err := b.Do(t.Context(), 1); out != nil || err != nil { // a nil answer of an interface type
			t.Errorf("%v, %v", out, err)
		}
	})
}

func TestARequestThatGaveUpIsNotRun(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		var c counter
		b := c.batch(d, nil)
		release := holdWriters(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				own := ctx
				if i%2 == 0 {
					own = t.Context()
				}
				if _, err := b.Do(own, i); (err != nil) != (i%2 == 1) || err != nil && !fault.Is(err, "timeout") {
					t.Errorf("request %d: %v", i, err)
				}
			})
		}
		gathered(t, d, 20)
		cancel()
		for d.Waiting() > 10 {
			time.Sleep(time.Millisecond)
		}
		release()
		soon(t, "the others", all.Wait)
		if n := number(t, d, `select count(*) from hits`); n != 10 {
			t.Errorf("%d rows, want 10", n)
		}
	})
}

// TestBatchesAndFunctionsShareTheWriter: each gets its turn while the other is busy without a pause.
func TestBatchesAndFunctionsShareTheWriter(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		var batched, written, last atomic.Int64
		var c counter
		b := c.batch(d, nil)
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for ctx.Err() == nil {
					if _, err := b.Do(t.Context(), int(last.Add(1))); err != nil {
						t.Error(err)
					}
					batched.Add(1)
				}
			})
		}
		for range 8 {
			all.Go(func() {
				for ctx.Err() == nil {
					err := d.Write(t.Context(), func(tx *db.Tx) error {
						_, err := tx.Insert(t.Context(), hits, [][]any{{id(int(last.Add(1))), 0}})
						return err
					})
					if err != nil {
						t.Error(err)
					}
					written.Add(1)
				}
			})
		}
		time.Sleep(700 * time.Millisecond)
		cancel()
		soon(t, "both kinds", all.Wait)
		if n := number(t, d, `select count(*) from hits`); n != batched.Load()+written.Load() {
			t.Errorf("%d rows for %d requests and %d functions", n, batched.Load(), written.Load())
		}
		if batched.Load() < 8*written.Load()/32 || written.Load() < batched.Load()/64 {
			t.Errorf("%d requests, %d functions: one kind starves", batched.Load(), written.Load())
		}
		t.Logf("%d requests in %d slices, %d functions", batched.Load(), len(c.sizes), written.Load())
	})
}

func TestStorageErrorsAreSharedNotRepeated(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		for _, e := range []error{db.ErrFull, db.ErrStorage, db.ErrUnknown} {
			var c counter
			errs := doAll(t, d, c.batch(d, func(*db.Tx, []int) error { return fmt.Errorf("as if: %w", e) }), 20, func(i int) int { return i })
			for _, err := range errs {
				if !errors.Is(err, e) {
					t.Errorf("%v, want %v", err, e)
				}
			}
			if len(c.sizes) != 1 {
				t.Errorf("%v was met %d times", e, len(c.sizes))
			}
		}
	})
}
