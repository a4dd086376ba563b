package verify

import (
	"encoding/binary"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// TestPage keeps docs/verify.md equal to the checks.
func TestPage(t *testing.T) {
	const path = "../docs/verify.md"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != page() {
		t.Errorf("%s is not what the checks say (%v); UPDATE_GOLDEN=1 rewrites it", path, err)
	}
}

// TestChart holds the auditor's own chart against the ledger's.
func TestChart(t *testing.T) {
	subjects := map[ledger.Subject]string{ledger.None: "", ledger.Invoice: "inv_", ledger.Order: "ord_", ledger.IBAN: "IBAN", ledger.BankLine: "bl_"}
	for _, a := range ledger.Chart() {
		r, ok := chart[a.Code]
		if !ok || r.merchant != (a.Whose == "merchant") || r.subject != subjects[a.Subject] {
			t.Errorf("%+v is %+v here", a, r)
		}
	}
	numbers := map[int32]bool{}
	for code, r := range chart {
		if numbers[r.number] || codeOf(r.number) != code {
			t.Errorf("%s has the number %d of another", code, r.number)
		}
		numbers[r.number] = true
	}
	if len(chart) != len(ledger.Chart()) {
		t.Errorf("%d accounts, the ledger has %d", len(chart), len(ledger.Chart()))
	}
}

// TestTree compares the tree and its tiles with package tlog.
func TestTree(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, x := range indexes {
			found = append(found, stored[x])
		}
		return found, nil
	})
	var tr tree
	for n := range int64(256*256 + 700) {
		if n < 600 || n%1000 == 0 || n > 256*256-3 {
			want, err := tlog.TreeHash(n, reader)
			if err != nil || hash(want) != tr.root() {
				t.Fatalf("root of %d leaves is %s, want %s (%v)", n, tr.root(), want, err)
			}
		}
		leaf := tlog.RecordHash(binary.BigEndian.AppendUint64(nil, uint64(n)))
		more, err := tlog.StoredHashesForRecordHash(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		tr.add(hash(leaf))
	}
	for level, nodes := range tr.upper {
		for n, h := range nodes {
			if want := stored[tlog.StoredHashIndex(8*(level+1), int64(n))]; hash(want) != h {
				t.Fatalf("node %d at level %d differs", n, level+1)
			}
		}
	}
}

func TestClean(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			empty, err := Run(t.Context(), w.DB, w.options())
			if err != nil || empty.Sealed != 0 || empty.Checks != len(checks) {
				t.Errorf("nothing at all: %+v, %v", empty, err)
			}
			for range 3 {
				post(t, w.DB, w.sale(777)...)
			}
			if tail, err := Run(t.Context(), w.DB, w.options()); err != nil || tail.Unsealed != 9 {
				t.Errorf("only a tail: %+v, %v", tail, err)
			}
			w.fill(t, 160)
			var steps []int64
			o := w.options()
			o.Progress = func(done, total int64) { steps = append(steps, done, total) }
			report, err := Run(t.Context(), w.DB, o)
			if err != nil {
				t.Fatal(err)
			}
			if report.Sealed != 3*(3+200) || report.Unsealed != 3*3 || report.Postings != 9*206 || report.Writers != 2 || report.Checkpoints != 8 {
				t.Errorf("%+v", report)
			}
			if n := len(steps); n < 4 || steps[n-2] != steps[n-1] || steps[n-1] != report.Sealed+report.Unsealed {
				t.Errorf("progress %v", steps)
			}
			for _, note := range notesOf(t, w.DB) {
				o := w.options()
				o.Checkpoint = []byte(note)
				if again, err := Run(t.Context(), w.DB, o); err != nil || again != report {
					t.Errorf("held against %q: %+v, %v", note, again, err)
				}
			}
		})
	}
}

func notesOf(t *testing.T, d *db.DB) (notes []string) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Each(t.Context(), "select note from checkpoints order by size", nil, func(r db.Row) error {
			var n string
			err := r.Scan(&n)
			notes = append(notes, n)
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
	return notes
}

// TestGivenCheckpoint holds a log against checkpoints that are not its own.
func TestGivenCheckpoint(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			w, other := newWorld(t, engine), newWorld(t, engine)
			w.next = 100
			post(t, w.DB, w.sale(500)...)
			post(t, other.DB, other.sale(500)...)
			w.seal(t)
			other.seal(t)
			o := w.options()
			o.Checkpoint = []byte(notesOf(t, other.DB)[0])
			if _, err := Run(t.Context(), w.DB, o); found(err) != "outside" || !strings.Contains(err.Error(), "rewritten at or before place 2") {
				t.Errorf("another log of the same key: %v", err)
			}
			post(t, other.DB, other.sale(500)...)
			other.seal(t)
			o.Checkpoint = []byte(notesOf(t, other.DB)[1])
			if _, err := Run(t.Context(), w.DB, o); found(err) != "outside" || !strings.Contains(err.Error(), "cut or rewritten at or before place 5") {
				t.Errorf("a longer log: %v", err)
			}
			o.PublicKey = newKey(t, 2).Public
			if _, err := Run(t.Context(), w.DB, o); err == nil || found(err) != "" {
				t.Errorf("a checkpoint of another key: %v", err)
			}
			o.Checkpoint = nil
			if _, err := Run(t.Context(), w.DB, o); found(err) != "checkpoints" {
				t.Errorf("a log of another key: %v", err)
			}
			if _, err := Run(t.Context(), w.DB, Options{}); err == nil || found(err) != "" {
				t.Errorf("no key: %v", err)
			}
		})
	}
}

// TestLive audits while others post and seal.
func TestLive(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			stop := make(chan struct{})
			var posting sync.WaitGroup
			posting.Go(func() {
				s := ledger.NewSealer(w.key)
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					e := w.sale(int64(i + 1000))
					if err := w.Write(t.Context(), func(tx *db.Tx) error { return ledger.Post(t.Context(), tx, e...) }); err != nil {
						t.Error(err)
						return
					}
					if i%9 == 0 {
						if _, err := s.Seal(t.Context(), w.DB); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
			var note []byte
			until := time.Now().Add(time.Second)
			for runs := 0; runs < 5 || time.Now().Before(until); runs++ {
				o := w.options()
				o.Checkpoint = note
				if _, err := Run(t.Context(), w.DB, o); err != nil {
					t.Fatal(err)
				}
				if all := notesOf(t, w.DB); len(all) > 0 {
					note = []byte(all[len(all)-1])
				}
			}
			close(stop)
			posting.Wait()
		})
	}
}

func TestVATRounding(t *testing.T) {
	for _, c := range []struct {
		net     int64
		percent string
		want    int64
	}{
		{100, "21", 21}, {0, "21", 0}, {250, "9", 23}, {-250, "9", -23}, {50, "1", 1}, {49, "1", 0}, {-50, "1", -1}, {-49, "1", 0},
		{1000, "5.5", 55}, {10, "5", 1}, {1_000_000_000_000, "21", 210_000_000_000}, {333, "0", 0}, {1, "49.9999", 0}, {1, "50", 1},
	} {
		if got := vat(c.net, c.percent); got != c.want {
			t.Errorf("%s %% of %d is %d, want %d", c.percent, c.net, got, c.want)
		}
	}
}

// TestPanic holds that a panic of the reckoning goroutine is an error of the audit.
func TestPanic(t *testing.T) {
	if err := guarded(func() error { panic("lost count") }); err == nil || !strings.Contains(err.Error(), "lost count") {
		t.Error(err)
	}
}
