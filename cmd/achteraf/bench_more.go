package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/ledger"
	"achteraf/providers/camt"
	"achteraf/verify"
)

type benchReplay struct{ benchOptions }

// Run places some orders and then asks for them again and again with the same keys.
func (b *benchReplay) Run(ctx context.Context) error {
	s, done, err := b.stage(ctx)
	if err != nil {
		return err
	}
	defer done()
	const known = 2000
	if err := s.preload(ctx, known); err != nil {
		return err
	}
	h, err := s.listen()
	if err != nil {
		return err
	}
	defer h.close()
	bodies := make([][]byte, known)
	for i := range bodies { // placed anew with fixed texts, since a replay must send the same bytes
		bodies[i] = appendOrder(nil, s.run, int64(10_000_000+2*i))
	}
	setup, err := h.dial(1)
	if err != nil {
		return err
	}
	defer closeAll(setup)
	for i, body := range bodies {
		if status, text, err := setup[0].post("/v1/orders", s.keys[i%len(s.keys)], s.run+"r"+strconv.Itoa(i), body); err != nil || status != 201 {
			return fmt.Errorf("%d %s %w", status, text, err)
		}
	}
	for _, clients := range b.Clients {
		conns, err := h.dial(clients)
		if err != nil {
			return err
		}
		var n atomic.Int64
		count, errs, took, delays := load(ctx, clients, time.Duration(b.Seconds)*time.Second, func(c int) error {
			i := int(n.Add(1)) % known
			status, _, err := conns[c].post("/v1/orders", s.keys[i%len(s.keys)], s.run+"r"+strconv.Itoa(i), bodies[i])
			if err == nil && status != 201 {
				err = errRefused
			}
			return err
		})
		closeAll(conns)
		b.print(figureOf("replay", s.db.Engine(), clients, count, errs, took, delays))
	}
	return nil
}

type benchSettle struct {
	benchOptions
	Orders int `help:"Orders to settle." default:"20000"`
}

// Run accepts orders, then measures the way from there to paid: the clock moves three days, every invoice
// is issued, the bank's file is imported, every invoice is paid.
func (b *benchSettle) Run(ctx context.Context) error {
	s, done, err := b.stage(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := s.preload(ctx, b.Orders); err != nil {
		return err
	}
	s.stopRun() // what follows is driven by hand, to be measured
	defer beside(ctx, s.p, s.p.Upkeep, s.p.Sealing)()
	file, lines, err := s.bankFile(ctx)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	var now calendar.Instant
	if err := s.db.Read(ctx, func(tx *db.Tx) error { now = tx.Now; return nil }); err != nil {
		return err
	}
	stop, err := b.profile()
	if err != nil {
		return err
	}
	defer stop()
	begun := time.Now()
	if err := s.p.MoveTo(ctx, now.Add(73*time.Hour)); err != nil {
		return err
	}
	issued := time.Since(begun)
	report, err := importFile(ctx, s.p.Importer, file)
	if err != nil {
		return err
	}
	if err := s.p.Settle(ctx); err != nil {
		return err
	}
	took := time.Since(begun)
	b.print(figure{Name: "settle", Engine: s.db.Engine(), Clients: 1, Rate: float64(lines) / took.Seconds(), Errors: int64(lines - report.Matched),
		More: map[string]any{"orders": lines, "issue_per_s": float64(lines) / issued.Seconds(), "import_per_s": float64(lines) / (took - issued).Seconds()}})
	return nil
}

// bankFile writes a statement that pays every order in full, and returns its path and its lines.
func (s *stage) bankFile(ctx context.Context) (string, int, error) {
	var lines []camt.Line
	var sum int64
	on := calendar.NewDate(2026, 12, 1)
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(ctx, `select payment_reference, total_cents from orders order by id`, nil, func(r db.Row) error {
			l := camt.Line{Entry: len(lines) + 1, Ref: fmt.Sprintf("BENCH%09d", len(lines)), BookedOn: on, ValueOn: on, Currency: "EUR",
				Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", PartyName: "S. Koper", PartyIBAN: "NL20INGB0001234567", StructuredIssuer: "ISO"}
			err := r.Scan(&l.StructuredRef, &l.Cents)
			lines = append(lines, l)
			sum += l.Cents
			return err
		})
	})
	if err != nil {
		return "", 0, err
	}
	f, err := os.CreateTemp("", "achteraf-bench-*.xml")
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	st := camt.Statement{MessageID: "BENCH", ID: filepath.Base(f.Name()), Sequence: 1, Created: wall(), From: on, To: on, Page: 1, Last: true,
		IBAN: s.p.Operator.ClientIBAN, Currency: "EUR", Opening: camt.Balance{Known: true, On: on}, Closing: camt.Balance{Known: true, Cents: sum, On: on}}
	if err := camt.Write(w, camt.V08, st, slices.Values(lines)); err != nil {
		return "", 0, err
	}
	return f.Name(), len(lines), w.Flush()
}

type benchImport struct {
	benchOptions
	Lines int `help:"Lines of the bank file." default:"100000"`
}

// Run imports one large file: the orders are there, the invoices issued or not, each line matches.
func (b *benchImport) Run(ctx context.Context) error {
	s, done, err := b.stage(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := s.preload(ctx, b.Lines); err != nil {
		return err
	}
	s.stopRun()
	defer beside(ctx, s.p, s.p.Upkeep)()
	file, lines, err := s.bankFile(ctx)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	runtime.GC()
	before := heap()
	begun := time.Now()
	report, err := importFile(ctx, s.p.Importer, file)
	if err != nil {
		return err
	}
	took := time.Since(begun)
	b.print(figure{Name: "import", Engine: s.db.Engine(), Clients: 1, Rate: float64(lines) / took.Seconds(), Errors: int64(lines - report.Matched),
		More: map[string]any{"lines": lines, "seconds": took.Seconds(), "heap_growth_mb": (heap() - before) >> 20}})
	return nil
}

func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys)
}

type benchLedger struct{ benchOptions }

// Run posts two-leg entries, each client its own, each durable before the next.
func (b *benchLedger) Run(ctx context.Context) error {
	s, done, err := b.stage(ctx)
	if err != nil {
		return err
	}
	defer done()
	post := db.NewBatch(s.db, func(ctx context.Context, tx *db.Tx, in []ledger.Entry) ([]db.Result[bool], error) {
		for i := range in {
			in[i] = twoLegs(tx)
		}
		return make([]db.Result[bool], len(in)), ledger.Post(ctx, tx, in...)
	})
	for _, clients := range b.Clients {
		count, errs, took, delays := load(ctx, clients, time.Duration(b.Seconds)*time.Second, func(int) error {
			_, err := post.Do(ctx, ledger.Entry{})
			return err
		})
		b.print(figureOf("ledger", s.db.Engine(), clients, count, errs, took, delays))
	}
	return nil
}

// twoLegs is an entry that no row of another table bears out, so that a database on which it was measured verifies.
func twoLegs(tx *db.Tx) ledger.Entry {
	return ledger.Entry{Merchant: ledger.Operator, Key: tx.ID("bench_") + "/moved", Kind: "bench", Currency: "EUR",
		Legs: []ledger.Leg{{Code: ledger.TransitRefunds, Cents: 100}, {Code: ledger.TransitPayouts, Cents: -100}}}
}

type benchVerify struct {
	benchOptions
	Entries int `help:"Entries in the log." default:"300000"`
}

// Run proves a log of many entries. An existing database is proved as it is.
func (b *benchVerify) Run(ctx context.Context) error {
	s, done, err := b.stage(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := s.fill(ctx, b.Entries); err != nil {
		return err
	}
	s.stopRun()
	if err := s.p.Settle(ctx); err != nil {
		return err
	}
	begun := time.Now()
	report, err := verify.Run(ctx, s.db, verify.Options{PublicKey: s.p.LogKey.Public})
	if err != nil {
		return err
	}
	took := time.Since(begun)
	entries := report.Sealed + report.Unsealed
	b.print(figure{Name: "verify", Engine: s.db.Engine(), Clients: 1, Rate: float64(entries) / took.Seconds(),
		More: map[string]any{"entries": entries, "seconds": took.Seconds()}})
	return nil
}

// fill posts entries until there are n, many to a transaction.
func (s *stage) fill(ctx context.Context, n int) error {
	for at := 0; at < n; at += 1000 {
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			list := make([]ledger.Entry, min(1000, n-at))
			for i := range list {
				list[i] = twoLegs(tx)
			}
			return ledger.Post(ctx, tx, list...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
