package payments_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/providers/camt"
)

// BenchmarkImport reads a file of 100,000 lines, of which 97 in 100 pay an order each.
func BenchmarkImport(b *testing.B) {
	const lines = 100_000
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w := newWorld(b, dbtest.Open(b, engine, func(o *db.Options) { o.CacheMiB = 64 }))
				upkeep := maintain(b, w.db)
				file := bigFile(b, w, lines)
				var most uint64
				stop := watchMemory(&most)
				b.StartTimer()
				start, busy := b.Elapsed(), cpuTime(b, w.db)
				r, err := w.im.File(b.Context(), file, format)
				took := b.Elapsed() - start
				busy = cpuTime(b, w.db) - busy
				stop()
				upkeep()
				if err != nil || r.New != lines || r.Matched != lines*97/100 {
					b.Fatalf("%+v, %v", r, err)
				}
				b.ReportMetric(lines/took.Seconds(), "lines/s")
				b.ReportMetric(float64(busy.Microseconds())/lines, "cpu-us/line")
				b.ReportMetric(float64(most)/1e6, "MB")
			}
		})
	}
}

// window is how far from the order of their invoices buyers pay.
const window = 5000

// bigFile places orders and writes a file that pays most of them, about in the order of their invoices.
func bigFile(b *testing.B, w *world, lines int) *os.File {
	b.Helper()
	var all []bill
	for chunk := range slices.Chunk(slices.Repeat([]sold{{cents: 50_40}}, lines), 500) {
		all = append(all, w.place(b, chunk...)...)
	}
	in := make([]camt.Line, lines)
	for i := range in {
		at := i - i%window + i%window*1999%window
		in[i] = pay(50_40, all[at].PaymentReference)
		switch i % 100 {
		case 0:
			in[i] = words(50_40, "zonder kenmerk")
		case 1:
			in[i] = camt.Line{Cents: -1_00, Text: "uit"}
		case 2:
			in[i] = camt.Line{Cents: -2_00, Reversal: true}
		}
		in[i].Entry = i + 1
	}
	s := w.statement(in...)
	f, err := os.Create(filepath.Join(b.TempDir(), "statement.xml"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	out := bufio.NewWriter(f)
	if err := camt.Write(out, camt.V08, s.Statement, slices.Values(s.lines)); err != nil {
		b.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	size, _ := f.Seek(0, 2)
	b.Logf("file of %s", fmt.Sprintf("%d MB", size/1e6))
	return f
}

// watchMemory notes the most that Go's heap and stacks take until it is stopped, beyond what they take now.
func watchMemory(most *uint64) (stop func()) {
	taken := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	runtime.GC()
	before := taken()
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			if now := taken(); now > before {
				*most = max(*most, now-before)
			}
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { close(end); <-done }
}

// cpuTime is what this process has used of the processors, and the sessions of a PostgreSQL on this machine.
func cpuTime(b *testing.B, d *db.DB) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	used := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	if d.Engine() != "postgres" {
		return used
	}
	err := d.Read(b.Context(), func(tx *db.Tx) error {
		return tx.Each(b.Context(), `select cast(pid as bigint) from pg_stat_activity where datname = current_database()`, nil, func(r db.Row) error {
			var pid int64
			if err := r.Scan(&pid); err != nil {
				return err
			}
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil {
				return nil // on another machine
			}
			fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
			user, _ := strconv.ParseInt(fields[12], 10, 64)
			system, _ := strconv.ParseInt(fields[13], 10, 64)
			used += time.Duration(user+system) * 10 * time.Millisecond // ticks of 100 Hz
			return nil
		})
	})
	if err != nil {
		b.Fatal(err)
	}
	return used
}

// maintain does what a running platform does between the work, until it is stopped.
func maintain(b *testing.B, d *db.DB) (stop func()) {
	b.Helper()
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-end:
				return
			case <-time.After(100 * time.Millisecond):
				if err := d.Maintain(b.Context()); err != nil {
					b.Error(err)
				}
			}
		}
	}()
	return func() { close(end); <-done }
}
