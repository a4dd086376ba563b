package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
)

// TestFaultLogStaysBounded writes at full rate while others read, and looks at the size of the log and at how
// long a request waits at most.
func TestFaultLogStaysBounded(t *testing.T) {
	place := dbtest.New(t, "sqlite")
	d := prepare(t, place, func(o *db.Options) { o.CacheMiB = 256 })
	length := share(t, 4*time.Second)
	limit := int64(600 << 20)
	if length < 20*time.Second { // too short for a log of the product's own size
		d.LogLimit(8<<20, 1<<40)
		limit = 64 << 20
	}
	ctx, cancel := context.WithCancel(t.Context())
	batch := db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []int) ([]db.Result[int], error) {
		rows := make([][]any, 0, 4*len(in))
		for range in {
			for range 4 {
				rows = append(rows, thing{ID: tx.ID("t_"), N: 1, Data: make([]byte, 300), At: tx.Now, Note: strings.Repeat("x", 100)}.row())
			}
		}
		return make([]db.Result[int], len(in)), tx.Put(ctx, things, rows)
	})
	var moving atomic.Bool
	var longest [2]time.Duration // a request that ended while the log was moved, and at other times
	var all sync.WaitGroup
	var mu sync.Mutex
	var times []time.Duration
	for range 64 {
		all.Go(func() {
			var own []time.Duration
			var ownMoving, ownOther time.Duration
			for ctx.Err() == nil {
				start := time.Now()
				if _, err := batch.Do(t.Context(), 0); err != nil {
					t.Error(err)
					return
				}
				own = append(own, time.Since(start))
				if moving.Load() {
					ownMoving = max(ownMoving, own[len(own)-1])
				} else {
					ownOther = max(ownOther, own[len(own)-1])
				}
			}
			mu.Lock()
			defer mu.Unlock()
			times = append(times, own...)
			longest = [2]time.Duration{max(longest[0], ownMoving), max(longest[1], ownOther)}
		})
	}
	var readings atomic.Int64
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				err := d.Read(t.Context(), func(tx *db.Tx) error {
					var n int64
					return tx.QueryRow(t.Context(), `select count(*) from (select id from things order by id desc limit 200) x`, nil, &n)
				})
				if err != nil {
					t.Error(err)
				}
				readings.Add(1)
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			moving.Store(true)
			if err := d.Maintain(t.Context()); err != nil {
				t.Error(err)
			}
			moving.Store(false)
			time.Sleep(100 * time.Millisecond)
		}
	})
	largest := int64(0)
	for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		info, err := os.Stat(strings.TrimPrefix(place.URL, "sqlite:") + "-wal")
		must(t, err)
		largest = max(largest, info.Size())
	}
	cancel()
	soon(t, "the clients", all.Wait)
	slices.Sort(times)
	at := func(part float64) time.Duration { return times[int(float64(len(times)-1)*part)] }
	stored := number(t, d, `select count(*) from things`)
	t.Logf("volume: %d requests/s, %d reads; log at most %.1f MiB; waits p50 %v p99 %v p99.9 %v, at most %v while the log was moved, %v else",
		int(float64(len(times))/length.Seconds()), readings.Load(), float64(largest)/(1<<20), at(.5), at(.99), at(.999), longest[0], longest[1])
	if stored != 4*int64(len(times)) {
		t.Errorf("%d rows of %d requests", stored, len(times))
	}
	if largest > limit {
		t.Errorf("the log grew to %d MiB, %d allowed", largest>>20, limit>>20)
	}
}

// TestALongReadDoesNotKeepTheLog: the log cannot start anew while one reads its old pages.
func TestALongReadDoesNotKeepTheLog(t *testing.T) {
	place := dbtest.New(t, "sqlite")
	d := prepare(t, place)
	d.LogLimit(2<<20, 8<<20)
	ctx := t.Context()
	fill := func() {
		write(t, d, func(tx *db.Tx) error {
			return tx.Put(ctx, things, rowsOf(100, func(int) []any { return thing{ID: tx.ID("t_"), Data: make([]byte, 5000)}.row() }))
		})
		must(t, d.Maintain(ctx))
	}
	ended := make(chan error, 1)
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	go func() {
		ended <- d.Read(ctx, func(tx *db.Tx) error {
			var n int64
			for {
				if err := tx.QueryRow(ctx, `select count(*) from things`, nil, &n); err != nil {
					return err
				}
				begin()
				time.Sleep(time.Millisecond)
			}
		})
	}()
	<-begun
	var err error
	for range 200 {
		fill()
		select {
		case err = <-ended:
		default:
			continue
		}
		break
	}
	if !errors.Is(err, db.ErrBusy) {
		t.Fatalf("the long read ended with %v", err)
	}
	for range 20 {
		fill()
	}
	info, err := os.Stat(strings.TrimPrefix(place.URL, "sqlite:") + "-wal")
	must(t, err)
	if info.Size() > 20<<20 {
		t.Errorf("the log has %d MiB", info.Size()>>20)
	}
	read(t, d, func(tx *db.Tx) error { // a short one is left alone
		var n int64
		fill()
		return tx.QueryRow(ctx, `select count(*) from things`, nil, &n)
	})
}

// TestALargeDatabaseHasARoomyCache, and no other: SQLite walks all pages of it as long as the database is small.
func TestALargeDatabaseHasARoomyCache(t *testing.T) {
	place := dbtest.New(t, "sqlite")
	d := prepare(t, place, func(o *db.Options) { o.CacheMiB, o.MemoryMiB = 1, 64 })
	ctx := t.Context()
	fill := func() {
		write(t, d, func(tx *db.Tx) error {
			return tx.Put(ctx, things, rowsOf(1000, func(int) []any { return thing{ID: tx.ID("t_"), Data: make([]byte, 3000)}.row() }))
		})
		must(t, d.Maintain(ctx))
	}
	is := func(when string, want int64) {
		t.Helper()
		if n := d.WriterCache(); n != want {
			t.Errorf("%s the cache has %d KiB, want %d", when, n, want)
		}
	}
	d.LogLimit(1<<20, 1<<40)
	fill()
	is("of a small database", 1<<10)
	d.LargeFile(5 << 20)
	path := strings.TrimPrefix(place.URL, "sqlite:")
	must(t, os.Rename(path, path+".away"))
	fill()
	is("of one whose file nobody sees", 1<<10) // and it goes on: SQLite has the file open
	must(t, os.Rename(path+".away", path))
	fill()
	is("of a large one", 32<<10) // a page takes twice its size
	d.Break()
	fill()
	is("of one opened anew", 32<<10)
	d.LargeFile(1 << 30)
	d.Break()
	fill()
	is("of one that is small again", 1<<10)
}

// TestARollbackLeavesTheLogAlone: what a transaction larger than the cache would have written is not written once it is
// rolled back, neither later nor over what another connection has committed meanwhile.
func TestARollbackLeavesTheLogAlone(t *testing.T) {
	place := dbtest.New(t, "sqlite")
	a := prepare(t, place, func(o *db.Options) { o.CacheMiB = 1 })
	b := place.Open(t)
	ctx := t.Context()
	large := func(key string, size int) func(tx *db.Tx) error {
		return func(tx *db.Tx) error {
			return tx.Put(ctx, things, rowsOf(2000, func(i int) []any { return thing{ID: fmt.Sprint(key, i), Data: make([]byte, size)}.row() }))
		}
	}
	no := errors.New("no")
	a.LogLimit(1<<20, 1<<40)
	write(t, a, large("first", 1000))
	want := int64(2000)
	for round := range 5 {
		must(t, a.Maintain(ctx)) // the log begins anew: then nothing of it is read when a transaction is rolled back
		err := a.Write(ctx, func(tx *db.Tx) error {
			if err := large(fmt.Sprint("never", round), 3000)(tx); err != nil {
				return err
			}
			return no
		})
		if !errors.Is(err, no) {
			t.Fatal(err)
		}
		write(t, b, large(fmt.Sprint("b", round), 3500))
		want += 2000
		if round%2 == 0 {
			write(t, a, large(fmt.Sprint("a", round), 10))
			want += 2000
		}
	}
	must(t, a.Close())
	write(t, b, large("last", 10))
	must(t, b.Close())
	again := place.Open(t)
	if n := number(t, again, `select count(*) from things`); n != want+2000 {
		t.Errorf("%d rows, want %d", n, want+2000)
	}
	intact(t, again)
}
