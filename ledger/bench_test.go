package ledger_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"
)

// BenchmarkPost posts two-leg entries by 256 clients, each waiting until its entry is durable, while the sealer runs.
func BenchmarkPost(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		for _, clients := range []int{1, 256} {
			b.Run(engine+"/"+map[int]string{1: "1", 256: "256"}[clients], func(b *testing.B) { benchPost(b, engine, clients) })
		}
	}
}

func benchPost(b *testing.B, engine string, clients int) {
	p := dbtest.New(b, engine)
	d := p.Open(b, func(o *db.Options) {
		o.Wall = func() calendar.Instant { return calendar.At(time.Now()) }
		o.CacheMiB = 64
	})
	d.BeforeCommit(ledger.Commit)
	batch := db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []ledger.Entry) ([]db.Result[bool], error) {
		return make([]db.Result[bool], len(in)), ledger.Post(ctx, tx, in...)
	})
	stop := make(chan struct{})
	var sealing, posting sync.WaitGroup
	var rounds rounds
	sealing.Go(func() { rounds.run(b, d, stop) })
	var next atomic.Int64
	cpu, began := cpuTime(b), time.Now()
	b.ResetTimer()
	for range clients {
		posting.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				if _, err := batch.Do(b.Context(), issued(shop, int(n), n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	posting.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "entries/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "µs-cpu/entry")
	close(stop)
	sealing.Wait()
	rounds.report(b)
}

// rounds seals and keeps the log in order as serve does, and notes how long the sealer took.
type rounds struct {
	took    []time.Duration
	sealed  int
	longest time.Duration // behind
}

func (r *rounds) run(b *testing.B, d *db.DB, stop <-chan struct{}) {
	s := ledger.NewSealer(newKey(b, 1))
	for done := false; !done; {
		select {
		case <-stop:
			done = true
		case <-time.After(250 * time.Millisecond):
		}
		err := d.Read(b.Context(), func(tx *db.Tx) error {
			behind, err := ledger.Lag(b.Context(), tx)
			r.longest = max(r.longest, behind.Age)
			return err
		})
		if err != nil {
			b.Error(err)
		}
		began := time.Now()
		n, err := s.Seal(b.Context(), d)
		if err != nil {
			b.Error(err)
		}
		r.sealed += n
		r.took = append(r.took, time.Since(began))
		if err := d.Maintain(b.Context()); err != nil {
			b.Error(err)
		}
	}
}

func (r *rounds) report(b *testing.B) {
	if r.sealed != b.N {
		b.Errorf("sealed %d of %d", r.sealed, b.N)
	}
	slices.Sort(r.took)
	b.ReportMetric(float64(r.took[len(r.took)*9/10].Milliseconds()), "ms-seal-p90")
	b.ReportMetric(float64(r.longest.Milliseconds()), "ms-lag-max")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
