package access_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

func TestCleanKey(t *testing.T) {
	for _, c := range []struct{ name, header, want, code string }{
		{"bare", "8e03978e-40d5", "8e03978e-40d5", ""},
		{"structured", `"8e03978e-40d5"`, "8e03978e-40d5", ""},
		{"spaces around", `  "8e03978e-40d5" `, "8e03978e-40d5", ""},
		{"escaped", `"a\"b\\c"`, `a"b\c`, ""},
		{"a quote inside", `a"b`, `a"b`, ""},
		{"255 characters", strings.Repeat("k", 255), strings.Repeat("k", 255), ""},
		{"255 in quotes", `"` + strings.Repeat("k", 255) + `"`, strings.Repeat("k", 255), ""},
		{"missing", "", "", "idempotency-key-missing"},
		{"blank", "   ", "", "idempotency-key-missing"},
		{"empty string", `""`, "", "idempotency-key-form"},
		{"256 characters", strings.Repeat("k", 256), "", "idempotency-key-form"},
		{"a space inside", "a b", "", "idempotency-key-form"},
		{"a tab inside", "a\tb", "", "idempotency-key-form"},
		{"not ASCII", "clé", "", "idempotency-key-form"},
		{"a control character", "a\x7f", "", "idempotency-key-form"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := access.CleanKey(c.header)
			if got != c.want || c.code == "" && err != nil || c.code != "" && !fault.Is(err, c.code) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func ask(merchant, key, body string) access.Ask {
	return access.Ask{Merchant: merchant, Key: key, Route: "POST /v1/orders", Body: sha256.Sum256([]byte(body))}
}

func (w *world) lookup(asks ...access.Ask) (found []access.Found) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *db.Tx) (err error) {
		found, err = w.a.Lookup(ctx, tx, asks)
		return err
	})
	return found
}

func (w *world) keep(list ...access.Kept) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) error { return w.a.Keep(ctx, tx, list) })
}

func TestLookup(t *testing.T) {
	run(t, func(w *world) {
		var kept []access.Kept
		for i := range 5 {
			kept = append(kept, access.Kept{Ask: ask("mer_1", fmt.Sprint("key", i), "body"), Status: 200 + i, Answer: fmt.Appendf(nil, `{"n":%d}`, i)})
		}
		w.keep(kept...)
		w.keep(access.Kept{Ask: ask("mer_2", "key0", "theirs"), Status: 204})

		other := ask("mer_1", "key0", "body")
		other.Route = "POST /v1/orders/ord_1/cancel"
		got := w.lookup(kept[0].Ask, kept[4].Ask, ask("mer_1", "key0", "another body"), other, ask("mer_1", "key9", "body"),
			ask("mer_2", "key0", "theirs"), ask("mer_2", "key1", "body"), ask("mer_1", "KEY0", "body"))
		for i, want := range []string{`200 {"n":0}`, `204 {"n":4}`, "reused", "reused", "", "204 ", "", ""} {
			f := got[i]
			is := ""
			switch {
			case f.Err != nil && fault.Is(f.Err, "idempotency-key-reused") && fault.As(f.Err).Kind == fault.Invalid:
				is = "reused"
			case f.Found:
				is = fmt.Sprintf("%d %s", f.Status, f.Answer)
			}
			if is != want {
				t.Errorf("ask %d: %q, want %q", i, is, want)
			}
			if f.Err != nil && (f.Found || f.Answer != nil) {
				t.Errorf("ask %d: a stranger's answer is shown", i)
			}
		}
		if got := w.lookup(); len(got) != 0 {
			t.Errorf("of nothing: %v", got)
		}
	})
}

// TestAnswersAreSealed holds that the table shows no answer, and that one moved to another key does not open.
func TestAnswersAreSealed(t *testing.T) {
	run(t, func(w *world) {
		mine, theirs := ask("mer_1", "key1", "body"), ask("mer_2", "key2", "body")
		w.keep(access.Kept{Ask: mine, Status: 201, Answer: []byte(`{"email":"sanne@example.org"}`)}, access.Kept{Ask: theirs, Status: 201, Answer: []byte("{}")})
		w.read(func(ctx context.Context, tx *db.Tx) error {
			return tx.Each(ctx, `select answer, key_hash from idempotency`, nil, func(r db.Row) error {
				var answer, hash []byte
				must(t, r.Scan(&answer, &hash))
				if bytes.Contains(answer, []byte("sanne")) || bytes.Contains(hash, []byte("key")) {
					t.Error("readable in the database")
				}
				return nil
			})
		})
		w.write(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `update idempotency set answer = (select answer from idempotency where merchant_id = 'mer_1') where merchant_id = 'mer_2'`)
			return err
		})
		err := w.d.Read(t.Context(), func(tx *db.Tx) error {
			_, err := w.a.Lookup(t.Context(), tx, []access.Ask{theirs})
			return err
		})
		if err == nil {
			t.Error("another shop's answer opened")
		}
	})
}

// TestOnce lets many callers on two nodes use one key at the same time.
func TestOnce(t *testing.T) {
	run(t, func(w *world) {
		nodes := []*db.DB{w.d, w.p.Open(t)}
		for round := range 5 {
			var effects, fresh atomic.Int64
			q := ask("mer_1", fmt.Sprint("round", round), "body")
			answers := make([]string, 64)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() {
					var k access.Kept
					var replayed bool
					err := db.ErrUnique
					for range 2 { // the second time the first one's answer is there
						if errors.Is(err, db.ErrUnique) {
							err = nodes[i%2].Write(t.Context(), func(tx *db.Tx) (err error) {
								k, replayed, err = w.a.Once(t.Context(), tx, q, func() (int, []byte, error) {
									return 201, fmt.Appendf(nil, "answer %d", i), nil
								})
								return err
							})
						}
					}
					if err != nil {
						t.Error(err)
					}
					if !replayed {
						fresh.Add(1)
					}
					answers[i] = string(k.Answer)
				})
			}
			wg.Wait()
			w.read(func(ctx context.Context, tx *db.Tx) error {
				var n int64
				err := tx.QueryRow(ctx, `select count(*) from idempotency`, nil, &n)
				effects.Store(n)
				return err
			})
			slices.Sort(answers)
			if answers = slices.Compact(answers); len(answers) != 1 || fresh.Load() != 1 || effects.Load() != int64(round+1) {
				t.Fatalf("round %d: answers %q, %d effects, %d rows", round, answers, fresh.Load(), effects.Load())
			}
		}
	})
}

func TestOnceFails(t *testing.T) {
	run(t, func(w *world) {
		q := ask("mer_1", "key", "body")
		once := func(q access.Ask, f func() (int, []byte, error)) error {
			return w.try(func(ctx context.Context, tx *db.Tx) error { _, _, err := w.a.Once(ctx, tx, q, f); return err })
		}
		no := errors.New("no")
		if err := once(q, func() (int, []byte, error) { return 0, nil, no }); !errors.Is(err, no) {
			t.Fatalf("got %v", err)
		}
		must(t, once(q, func() (int, []byte, error) { return 201, nil, nil })) // what failed may be tried again
		if err := once(ask("mer_1", "key", "other"), nil); !fault.Is(err, "idempotency-key-reused") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestForget(t *testing.T) {
	run(t, func(w *world) {
		keep := func(from, to int) {
			var list []access.Kept
			for i := from; i < to; i++ {
				list = append(list, access.Kept{Ask: ask(fmt.Sprintf("mer_%d", i%3), fmt.Sprint("key", i), "body"), Status: 201})
			}
			w.keep(list...)
		}
		f := access.NewForgetter(w.d)
		walk := func() (left int) { // three steps, which is the whole table
			for range 3 {
				must(t, f.Step(t.Context()))
				must(t, f.Step(t.Context())) // too early, does nothing
				w.p.Clock.Advance(time.Second)
			}
			w.read(func(ctx context.Context, tx *db.Tx) error {
				return tx.QueryRow(ctx, `select count(*) from idempotency`, nil, &left)
			})
			return left
		}
		keep(0, 1200)
		w.p.Clock.Advance(time.Hour)
		keep(1200, 1300)
		w.p.Clock.Advance(30*24*time.Hour - time.Hour - 10*time.Second)
		if n := walk(); n != 1300 {
			t.Errorf("%d left just before 30 days are over", n)
		}
		w.p.Clock.Advance(10 * time.Second)
		if n := walk(); n != 1300 {
			t.Errorf("it does not rest: %d left", n)
		}
		w.p.Clock.Advance(time.Hour - 10*time.Second)
		if n := walk(); n != 100 {
			t.Errorf("%d left, want those of an hour later", n)
		}
		w.p.Clock.Advance(2 * time.Hour)
		if n := walk(); n != 0 {
			t.Errorf("%d left at the end", n)
		}
		if got := w.lookup(ask("mer_0", "key0", "another body"))[0]; got.Found || got.Err != nil {
			t.Errorf("a forgotten key: %+v", got)
		}
	})
}
