package verify

import (
	"syscall"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"
)

// BenchmarkVerify audits a journal of 120,000 entries by two writers, sealed in rounds of 3,000.
func BenchmarkVerify(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			w := newWorld(b, engine)
			other := w.open(b)
			for i := range 1250 {
				var slice []ledger.Entry
				for range 32 {
					slice = append(slice, w.sale(12345)...)
				}
				post(b, []*db.DB{w.DB, other}[i%2], slice...)
				if i%31 == 30 || i == 1249 {
					w.seal(b)
				}
				if err := w.Maintain(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			if engine == "postgres" { // as autovacuum does within a minute
				err := w.Write(b.Context(), func(tx *db.Tx) error {
					_, err := tx.Exec(b.Context(), "analyze")
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			entries, cpu, began := int64(0), cpuTime(b), time.Now()
			for b.Loop() {
				r, err := Run(b.Context(), w.DB, w.options())
				if err != nil {
					b.Fatal(err)
				}
				entries += r.Sealed
			}
			b.ReportMetric(float64(entries)/time.Since(began).Seconds(), "entries/s")
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(entries), "µs-cpu/entry")
		})
	}
}

// cpuTime is what this process has used: it tells more than the clock on a machine that others use too.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
