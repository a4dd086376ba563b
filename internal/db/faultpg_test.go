package db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
)

// proxied opens a fresh PostgreSQL database through a proxy.
func proxied(t *testing.T) (*db.DB, *dbtest.Proxy) {
	t.Helper()
	place := dbtest.New(t, "postgres")
	proxy, url := dbtest.NewProxy(t, place.URL)
	place.URL = url
	d := prepare(t, place)
	recordPlaces(d)
	return d, proxy
}

func TestWhatPostgresSays(t *testing.T) {
	d := prepare(t, dbtest.New(t, "postgres"))
	ctx := t.Context()
	cases := []struct {
		code string // SQLSTATE
		want error
		show string
	}{
		{"53100", db.ErrFull, "storage"},               // disk full
		{"58030", db.ErrStorage, "storage"},            // input/output error
		{"53200", db.ErrStorage, "storage"},            // out of memory
		{"XX001", db.ErrStorage, "storage"},            // data corrupted
		{"53300", db.ErrLost, "storage"},               // too many connections
		{"57P03", db.ErrLost, "storage"},               // starting up
		{"08006", db.ErrLost, "storage"},               // connection failure
		{"25006", db.ErrLost, "storage"},               // has become a stand-by
		{"57014", context.DeadlineExceeded, "timeout"}, // statement_timeout
		{"55P03", context.DeadlineExceeded, "timeout"}, // lock_timeout
		{"25P03", context.DeadlineExceeded, "timeout"}, // idle in a transaction
		{"22021", db.ErrText, "text"},                  // not in the character set
		{"22003", db.ErrCheck, ""},                     // out of range
		{"42703", nil, ""},                             // no such column
	}
	for _, c := range cases {
		tries := 0
		patience := 10 * time.Second
		if c.want == db.ErrLost {
			patience = 1500 * time.Millisecond // time for several tries; without an end there would be 14
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		err := d.Write(ctx, func(tx *db.Tx) error {
			tries++
			_, err := tx.Exec(ctx, `do $$ begin raise exception 'as if' using errcode = '`+c.code+`'; end $$`)
			return err
		})
		if c.want != nil && !errors.Is(err, c.want) || c.show != "" && !fault.Is(err, c.show) || c.want == nil && (err == nil || fault.As(err) != nil) {
			t.Errorf("%s: %v", c.code, err)
		}
		if (tries > 1) != (c.want == db.ErrLost) {
			t.Errorf("%s: %d tries", c.code, tries)
		}
	}
	err := d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `set local statement_timeout = 50`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `select pg_sleep(20)`)
		return err
	})
	if !fault.Is(err, "timeout") {
		t.Errorf("a statement that takes too long for the server: %v", err)
	}
}

// journal is what a client knows of its own requests.
type journal struct {
	mu       sync.Mutex
	answered []string
	refused  []string
	unknown  []string
}

func (j *journal) note(id string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err == nil:
		j.answered = append(j.answered, id)
	case fault.Is(err, "outcome-unknown"):
		j.unknown = append(j.unknown, id)
	default:
		j.refused = append(j.refused, id)
	}
}

// check compares the journal with the database: what was answered is there once, what was refused is not.
func (j *journal) check(t *testing.T, d *db.DB) {
	t.Helper()
	stored := map[string]int64{}
	look := func(tx *db.Tx) error {
		return tx.Each(t.Context(), `select id, n from hits`, nil, func(r db.Row) error {
			var id string
			var n int64
			err := r.Scan(&id, &n)
			stored[id] = n
			return err
		})
	}
	for try := 1; ; try++ { // a fault that was planted for a write may meet this read
		err := d.Read(t.Context(), look)
		if err == nil {
			break
		}
		if try == 5 {
			t.Fatal(err)
		}
	}
	for _, id := range j.answered {
		if stored[id] != 1 {
			t.Errorf("%s was answered and is stored %d times", id, stored[id])
		}
	}
	for _, id := range j.refused {
		if stored[id] != 0 {
			t.Errorf("%s was refused and is stored %d times", id, stored[id])
		}
	}
	for _, id := range j.unknown {
		if stored[id] > 1 {
			t.Errorf("%s of unknown outcome is stored %d times", id, stored[id])
		}
	}
}

// add writes one row, and a second time adds to it, so that a transaction carried out twice shows.
func add(ctx context.Context, id string) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		tx.Position().Count++
		_, err := tx.Insert(ctx, hitsAdd, [][]any{{id, 1}})
		return err
	}
}

func TestFaultCutConnections(t *testing.T) {
	cases := []struct {
		name  string
		word  string
		fault dbtest.Fault
		tries int // runs of the function
	}{
		{"before the commit", "commit", dbtest.CutBefore, 2},
		{"within the commit", "commit", dbtest.CutInside, 2},
		{"after the commit", "commit", dbtest.CutAfter, 1},
		{"at the begin", "begin", dbtest.CutBefore, 2},
		{"after the begin", "begin", dbtest.CutAfter, 2},
		{"before a statement", "insert into hits", dbtest.CutBefore, 2},
		{"within a statement", "insert into hits", dbtest.CutInside, 2},
		{"after a statement", "insert into hits", dbtest.CutAfter, 2},
		{"a slow commit", "commit", dbtest.SlowlyAfter, 1},
	}
	d, proxy := proxied(t)
	batch := db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []string) ([]db.Result[int], error) {
		for _, id := range in {
			if err := add(ctx, id)(tx); err != nil {
				return nil, err
			}
		}
		return make([]db.Result[int], len(in)), nil
	})
	var j journal
	posted := int64(0)
	for _, c := range cases {
		for _, times := range []int{1, 3} {
			id := fmt.Sprint(c.name, " ", times)
			proxy.At(c.word, c.fault, 0, times)
			tries := 0
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				tries++
				return add(t.Context(), id)(tx)
			})
			j.note(id, err)
			if err == nil {
				posted++
			}
			if times == 1 && (err != nil || tries != c.tries) {
				t.Errorf("%s: %d tries: %v", id, tries, err)
			}
			for proxy.Left() > 0 { // use up the rest on requests of a batch
				id := fmt.Sprint(id, " batch ", proxy.Left())
				_, err := batch.Do(t.Context(), id)
				j.note(id, err)
				if err == nil {
					posted++
				}
			}
		}
	}
	proxy.At("commit", dbtest.CutBefore, 0, 1000)
	err := d.Write(t.Context(), add(t.Context(), "for ever"))
	if j.note("for ever", err); !fault.Is(err, "storage") || !errors.Is(err, db.ErrLost) {
		t.Errorf("cut for ever: %v", err)
	}
	proxy.Heal()
	if len(j.unknown) > 0 {
		t.Errorf("unknown outcomes: %v", j.unknown)
	}
	j.check(t, d)
	checkPlaces(t, d, posted)
	write(t, d, add(t.Context(), "last"))
	if n := number(t, d, `select count(*) from outcomes`); n > 3 { // one for each slot: two batches and a function
		t.Errorf("%d marks are left", n)
	}
}

func TestFaultCutBeforeTheFirstFlush(t *testing.T) {
	d, proxy := proxied(t)
	ctx := t.Context()
	for _, f := range []dbtest.Fault{dbtest.CutBefore, dbtest.CutAfter} { // Put alone: all of it goes with the commit
		proxy.At("commit", f, 0, 1)
		id := fmt.Sprint("put ", f)
		must(t, d.Write(ctx, func(tx *db.Tx) error { return tx.Put(ctx, hits, [][]any{{id, 1}}) }))
		if n := number(t, d, `select count(*) from hits where id = $1`, id); n != 1 {
			t.Errorf("%s: %d rows", id, n)
		}
	}
}

func TestFaultSilentServer(t *testing.T) {
	d, proxy := proxied(t)
	d.CommitWithin(300*time.Millisecond, 10*time.Second)
	ctx := t.Context()
	var j journal
	proxy.At("commit", dbtest.HangAfter, 0, 1)
	err := d.Write(ctx, add(ctx, "after"))
	j.note("after", err)
	if err != nil {
		t.Errorf("committed, then silence: %v", err)
	}
	proxy.At("commit", dbtest.HangBefore, 0, 1) // the server still holds the transaction, and its locks
	err = d.Write(ctx, add(ctx, "before"))
	j.note("before", err)
	if !fault.Is(err, "timeout") {
		t.Errorf("silence, then nothing: %v", err)
	}
	soon(t, "the next write of the same row", func() {
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := d.Write(short, add(ctx, "before again")); err != nil {
			t.Error(err)
		}
		must(t, d.Write(short, func(tx *db.Tx) error {
			_, err := tx.Insert(ctx, hitsAdd, [][]any{{"before", 0}}) // waits while the lost one lives
			return err
		}))
	})
	j.check(t, d)
	proxy.CutAll() // or closing the pool would wait for the connections that hang
}

// TestFaultUnknownOutcome: the commit is lost and nobody can be asked. The writer's number may be taken.
func TestFaultUnknownOutcome(t *testing.T) {
	d, proxy := proxied(t)
	d.CommitWithin(time.Second, 200*time.Millisecond)
	ctx := t.Context()
	var j journal
	for name, f := range map[string]dbtest.Fault{"stored": dbtest.CutAfter, "not stored": dbtest.CutBefore} {
		write(t, d, add(ctx, "before "+name))
		proxy.At("commit", f, 0, 1)
		err := d.Write(ctx, func(tx *db.Tx) error {
			if err := add(ctx, name)(tx); err != nil {
				return err
			}
			proxy.Refuse(true)
			return nil
		})
		proxy.Refuse(false)
		if j.note(name, err); !errors.Is(err, db.ErrUnknown) || !fault.Is(err, "outcome-unknown") {
			t.Errorf("%s: %v", name, err)
		}
		write(t, d, add(ctx, "after "+name))
	}
	j.check(t, d)
	checkPlaces(t, d, 5)
}

func TestFaultServerRefusesForAWhile(t *testing.T) {
	d, proxy := proxied(t)
	ctx := t.Context()
	var j journal
	write(t, d, add(ctx, "warm"))
	for name, pause := range map[string]time.Duration{"short": 500 * time.Millisecond, "long": 8 * time.Second} {
		proxy.Refuse(true)
		proxy.CutAll()
		back := time.AfterFunc(pause, func() { proxy.Refuse(false) })
		err := d.Write(ctx, add(ctx, name))
		j.note(name, err)
		if (err == nil) != (name == "short") || err != nil && !fault.Is(err, "storage") {
			t.Errorf("%s: %v", name, err)
		}
		if err := d.Read(ctx, func(tx *db.Tx) error { var n int; return tx.QueryRow(ctx, `select 1`, nil, &n) }); (err == nil) != (name == "short") {
			t.Errorf("%s: a read: %v", name, err)
		}
		back.Stop()
		proxy.Refuse(false)
	}
	write(t, d, add(ctx, "warm again"))
	j.check(t, d)
}

// TestFaultStorm breaks connections at chance while many write.
func TestFaultStorm(t *testing.T) {
	d, proxy := proxied(t)
	ctx := t.Context()
	batch := db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []string) ([]db.Result[int], error) {
		rows := make([][]any, len(in))
		for i, id := range in {
			rows[i] = []any{id, 1}
		}
		tx.Position().Count += int64(len(in))
		_, err := tx.Insert(ctx, hitsAdd, rows)
		return make([]db.Result[int], len(in)), err
	})
	var j journal
	var all sync.WaitGroup
	var posted atomic.Int64
	stop := make(chan struct{})
	broken := 0
	all.Go(func() {
		chance := rand.New(rand.NewPCG(5, 5))
		words := []string{"commit", "commit", "hits", "begin"}
		faults := []dbtest.Fault{dbtest.CutBefore, dbtest.CutInside, dbtest.CutAfter, dbtest.SlowlyAfter}
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			if proxy.Left() > 0 {
				continue
			}
			broken++
			proxy.At(words[chance.IntN(4)], faults[chance.IntN(4)], chance.IntN(4), 1)
			if chance.IntN(60) == 0 {
				proxy.Refuse(true)
				proxy.CutAll()
				time.Sleep(20 * time.Millisecond)
				proxy.Refuse(false)
			}
		}
	})
	var clients sync.WaitGroup
	end := time.Now().Add(share(t, 4*time.Second))
	for g := range 24 {
		clients.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				id := fmt.Sprint(g, "/", i)
				var err error
				if g%2 == 0 {
					_, err = batch.Do(ctx, id)
				} else {
					err = d.Write(ctx, add(ctx, id))
				}
				if err == nil {
					posted.Add(1)
				}
				j.note(id, err)
			}
		})
	}
	clients.Wait()
	close(stop)
	all.Wait()
	t.Logf("volume: %d connections broken; %d requests answered, %d refused, %d unknown", broken, len(j.answered), len(j.refused), len(j.unknown))
	if broken < 20 || len(j.answered) < broken || len(j.unknown) > 0 {
		t.Errorf("%d answered, %d refused, %d unknown", len(j.answered), len(j.refused), len(j.unknown))
	}
	j.check(t, d)
}

func TestFaultServerStartsAnew(t *testing.T) {
	server := dbtest.NewServer(t)
	d := prepare(t, server.Place(t))
	recordPlaces(d)
	ctx := t.Context()
	var j journal
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for g := range 8 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprint(g, "/", i)
				j.note(id, d.Write(ctx, add(ctx, id)))
			}
		})
	}
	restarts := 0
	for end := time.Now().Add(share(t, 4*time.Second)); restarts < 2 || time.Now().Before(end); restarts++ {
		time.Sleep(300 * time.Millisecond)
		server.Stop(t)
		server.Start(t)
	}
	time.Sleep(300 * time.Millisecond)
	close(stop)
	soon(t, "the clients", clients.Wait)
	t.Logf("volume: %d restarts; %d requests answered, %d refused, %d unknown", restarts, len(j.answered), len(j.refused), len(j.unknown))
	if len(j.unknown) > 0 || len(j.answered) < 50 {
		t.Errorf("%d answered, %d refused, %d unknown", len(j.answered), len(j.refused), len(j.unknown))
	}
	j.check(t, d)
}
