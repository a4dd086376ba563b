package db_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
)

const childDatabase = "ACHTERAF_TEST_CHILD" // the database that a child process writes to

func TestMain(m *testing.M) {
	if url := os.Getenv(childDatabase); url != "" {
		child(url, os.Args[1])
	}
	os.Exit(m.Run())
}

// child writes without end and prints what was answered, one line each.
func child(url, name string) {
	seed := uint64(len(name))
	for _, c := range name {
		seed = seed*31 + uint64(c)
	}
	d, err := db.Open(context.Background(), url, db.Options{Wall: dbtest.NewClock().Now, Random: dbtest.Chance(seed), Process: dbtest.Chance(seed + 1)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	recordPlaces(d)
	ctx := context.Background()
	batch := db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []string) ([]db.Result[int], error) {
		rows := make([][]any, len(in))
		for i, id := range in {
			rows[i] = []any{id, 1}
		}
		tx.Position().Count += int64(len(in))
		_, err := tx.Insert(ctx, hitsAdd, rows)
		return make([]db.Result[int], len(in)), err
	})
	for g := range 8 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprint(name, "/", g, "/", i)
				var err error
				if g%2 == 0 {
					_, err = batch.Do(ctx, id)
				} else {
					err = d.Write(ctx, add(ctx, id))
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				os.Stdout.WriteString(id + "\n")
			}
		}()
	}
	for {
		time.Sleep(50 * time.Millisecond)
		if err := d.Maintain(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// TestFaultKilledProcessesLoseNothing kills a process that writes, again and again, and compares the database
// with what the process had answered.
func TestFaultKilledProcessesLoseNothing(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := prepare(t, p)
		var j journal
		round := 0
		for end := time.Now().Add(share(t, 2*time.Second)); round < 5 || time.Now().Before(end); round++ {
			before := len(j.answered)
			run := exec.Command(os.Args[0], fmt.Sprint("round", round))
			run.Env = append(os.Environ(), childDatabase+"="+p.URL)
			var said strings.Builder
			run.Stderr = &said
			out, err := run.StdoutPipe()
			must(t, err)
			must(t, run.Start())
			var reader sync.WaitGroup
			first := make(chan struct{})
			reader.Go(func() {
				begin := sync.OnceFunc(func() { close(first) })
				defer begin()
				lines := bufio.NewReader(out)
				for {
					line, err := lines.ReadString('\n')
					if err != nil {
						return // a line without an end was not answered
					}
					j.note(strings.TrimSpace(line), nil)
					begin()
				}
			})
			<-first
			time.Sleep(time.Duration(40+37*round%150) * time.Millisecond)
			must(t, run.Process.Kill())
			reader.Wait()
			run.Wait()
			if len(j.answered) == before || said.Len() > 0 {
				t.Fatalf("round %d: %d answers; %s", round, len(j.answered)-before, said.String())
			}
			settled(t, d)
			j.check(t, d)
		}
		read(t, d, func(tx *db.Tx) error {
			var stored, posted, twice int64
			if err := tx.QueryRow(t.Context(), `select count(*), count(case when n <> 1 then 1 end) from hits`, nil, &stored, &twice); err != nil {
				return err
			}
			if err := tx.QueryRow(t.Context(), `select sum(entries) from commits`, nil, &posted); err != nil {
				return err
			}
			if twice != 0 || stored < int64(len(j.answered)) || stored != posted {
				t.Errorf("%d answered, %d stored, %d posted, %d more than once", len(j.answered), stored, posted, twice)
			}
			checkPlaces(t, d, posted)
			return nil
		})
		t.Logf("volume: %d processes killed, %d requests answered", round, len(j.answered))
	})
}

// settled waits until the server has ended what a killed client had begun.
func settled(t *testing.T, d *db.DB) {
	t.Helper()
	if d.Engine() == "sqlite" {
		return
	}
	const others = `select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`
	for range 5000 {
		if number(t, d, others) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the server does not end what a killed client had begun")
}

// share is how long a test of open length goes on: least, or its part of ACHTERAF_TEST_SECONDS.
func share(t testing.TB, least time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv("ACHTERAF_TEST_SECONDS")
	if text == "" {
		return least
	}
	seconds, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal("ACHTERAF_TEST_SECONDS is not a number")
	}
	return max(least, time.Duration(seconds)*time.Second/20)
}
