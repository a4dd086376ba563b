package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/platform"
)

type benchCmd struct {
	Orders benchOrders `cmd:"" help:"Orders per second over HTTP on loopback, each durable before its answer."`
	Older  benchOlder  `cmd:"" help:"Check, order and start on the older wire, as whole sequences per second."`
	Replay benchReplay `cmd:"" help:"Idempotent replays per second over HTTP."`
	Settle benchSettle `cmd:"" help:"Issue, post, import, pay: orders settled per second."`
	Ledger benchLedger `cmd:"" help:"Two-leg entries per second."`
	Verify benchVerify `cmd:"" help:"Entries proved per second."`
	Import benchImport `cmd:"" help:"Bank lines read, matched and booked."`
	Mails  benchMails  `cmd:"" help:"Invoices issued, written, signed and handed over to a mail server."`
	Pages  benchPages  `cmd:"" help:"Page views per second: the overview and an order of buyers who are signed in."`
}

// benchOptions are what every benchmark takes.
type benchOptions struct {
	database
	pageMemory
	Clients   []int  `help:"Clients at one time; one run for each number." default:"64"`
	Seconds   int    `help:"Length of a run." default:"8"`
	JSON      bool   `help:"One line of JSON for each run."`
	Merchants int    `help:"Shops that share the orders." default:"1"`
	Preload   int    `help:"Orders in the database before the first run." default:"0"`
	Profile   string `help:"Write a CPU profile of the runs here." placeholder:"FILE" type:"path"`
}

// figure is the line that a run prints. Outside programs rely on its keys.
type figure struct {
	Name    string             `json:"name"`
	Engine  string             `json:"engine"`
	Clients int                `json:"clients"`
	Rate    float64            `json:"rate"` // per second
	P50     float64            `json:"p50_ms"`
	P95     float64            `json:"p95_ms"`
	P99     float64            `json:"p99_ms"`
	Errors  int64              `json:"errors"`
	CPU     float64            `json:"cpu_us,omitempty"` // of this process and the database, for one
	Layers  map[string]float64 `json:"layers_us,omitempty"`
	Ratio   float64            `json:"ratio,omitempty"`
	More    map[string]any     `json:"more,omitempty"`
}

func (o *benchOptions) print(f figure) {
	if o.JSON {
		json.NewEncoder(os.Stdout).Encode(f)
		return
	}
	fmt.Printf("%-8s %-8s clients %4d  %9.0f/s  p50 %7.2f ms  p95 %7.2f ms  p99 %7.2f ms  errors %d", f.Name, f.Engine, f.Clients, f.Rate, f.P50, f.P95, f.P99, f.Errors)
	if f.CPU > 0 {
		fmt.Printf("  cpu %.0f us", f.CPU)
	}
	if f.Ratio > 0 {
		fmt.Printf("  ratio %.2f", f.Ratio)
	}
	fmt.Println()
	for _, k := range sortedKeys(f.Layers) {
		fmt.Printf("           %-9s %6.0f us\n", k, f.Layers[k])
	}
	for _, k := range sortedKeys(f.More) {
		fmt.Printf("           %-9s %v\n", k, f.More[k])
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// stage is a platform to measure, with shops and keys, on a database of its own unless one is named.
type stage struct {
	db      *db.DB
	p       *platform.Platform
	shops   []string // merchant ids
	keys    []string // one API key a shop
	run     string   // marks this run's keys and references, since a database may be measured twice
	number  atomic.Int64
	stopRun func()
}

func (o *benchOptions) stage(ctx context.Context) (*stage, func(), error) {
	tune()
	memory, err := o.mib()
	if err != nil {
		return nil, nil, err
	}
	url, err := o.url()
	if err != nil {
		return nil, nil, err
	}
	cleanup := func() {}
	if url == "" {
		dir, err := os.MkdirTemp("", "achteraf-bench-")
		if err != nil {
			return nil, nil, err
		}
		cleanup = func() { os.RemoveAll(dir) }
		url = "sqlite:" + filepath.Join(dir, "achteraf.db")
	}
	d, err := migrated(ctx, url, db.Options{Waiting: 16384, MemoryMiB: memory})
	if err != nil {
		cleanup()
		return nil, nil, err
	}
	if err := markDemo(ctx, d); err != nil {
		d.Close()
		cleanup()
		return nil, nil, err
	}
	p, err := demoPlatform(d, slog.New(slog.NewMultiHandler(slog.NewJSONHandler(io.Discard, nil), slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))), noMail)
	if err != nil {
		return nil, nil, err
	}
	s := &stage{db: d, p: p, run: strconv.FormatInt(time.Now().UnixMilli(), 36)}
	if err := s.countOrders(ctx); err != nil {
		return nil, nil, err
	}
	if err := s.openShops(ctx, o.Merchants); err != nil {
		return nil, nil, err
	}
	s.stopRun = beside(ctx, p, p.Attach)
	return s, func() { s.stopRun(); d.Close(); cleanup() }, nil
}

// countOrders goes on where earlier runs on this database ended.
func (s *stage) countOrders(ctx context.Context) error {
	return s.db.Read(ctx, func(tx *db.Tx) error {
		var n int64
		err := tx.QueryRow(ctx, `select count(*) from orders`, nil, &n)
		s.number.Store(n)
		return err
	})
}

// openShops makes sure that n shops exist and gives each a key.
func (s *stage) openShops(ctx context.Context, n int) error {
	for from := 0; from < n; from += 50 {
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			for i := from; i < min(from+50, n); i++ {
				m, err := ensureShop(ctx, tx, benchShop(i))
				if err != nil {
					return err
				}
				key, _, err := s.p.Access.MakeKey(ctx, tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
				if err != nil {
					return err
				}
				s.shops, s.keys = append(s.shops[:i], m.ID), append(s.keys[:i], key)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// load runs work with a number of clients for a time and measures each call.
func load(ctx context.Context, clients int, length time.Duration, work func(client int) error) (count int64, errs int64, took time.Duration, delays []time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	per := make([][]time.Duration, clients)
	var failed atomic.Int64
	var wg sync.WaitGroup
	var say sync.Once
	begun := time.Now()
	for c := range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				t := time.Now()
				err := work(c)
				if errors.Is(err, errDone) {
					return
				}
				if err != nil {
					failed.Add(1)
					say.Do(func() { fmt.Fprintln(os.Stderr, "first error:", err) })
				}
				per[c] = append(per[c], time.Since(t))
			}
		})
	}
	wg.Wait()
	took = time.Since(begun)
	for _, p := range per {
		delays = append(delays, p...)
	}
	slices.Sort(delays)
	return int64(len(delays)), failed.Load(), took, delays
}

// errDone ends a client's loop: there is no more work.
var errDone = errors.New("done")

func figureOf(name, engine string, clients int, count, errs int64, took time.Duration, delays []time.Duration) figure {
	at := func(q float64) float64 {
		if len(delays) == 0 {
			return 0
		}
		return float64(delays[min(int(q*float64(len(delays))), len(delays)-1)].Microseconds()) / 1000
	}
	return figure{Name: name, Engine: engine, Clients: clients, Rate: float64(count-errs) / took.Seconds(), P50: at(0.5), P95: at(0.95), P99: at(0.99), Errors: errs}
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// profile starts a CPU profile if one is wanted, and returns what ends it.
func (b *benchOptions) profile() (stop func() error, err error) {
	if b.Profile == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(b.Profile)
	if err != nil {
		return nil, err
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, pprof.StartCPUProfile(f)
}
