package ledger_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/ledger"

	"pgregory.net/rapid"
)

func TestPostOnce(t *testing.T) {
	books(t, func(t *testing.T, _ *dbtest.Place, d *db.DB) {
		one, two, other := issued(shop, 1, 100), issued(shop, 2, 200), issued("mer_2", 1, 100)
		post(t, d, one, one, two)                           // again in the same slice
		post(t, d, two, one)                                // again in another transaction
		post(t, d, other)                                   // the key of another merchant
		err := d.Write(t.Context(), func(tx *db.Tx) error { // again in the same transaction
			if err := ledger.Post(t.Context(), tx, received(1, 300)); err != nil {
				return err
			}
			return ledger.Post(t.Context(), tx, received(1, 300), received(2, 300))
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := number(t, d, "select count(*) from entries"); n != 5 {
			t.Errorf("%d entries, want 5", n)
		}
		if n := number(t, d, "select count(*) from postings"); n != 10 {
			t.Errorf("%d postings, want 10", n)
		}
		if n := number(t, d, "select count(*) from commits"); n != 3 {
			t.Errorf("%d commits, want 3: a transaction that posted nothing new has none", n)
		}
		if n := number(t, d, "select sum(entries) from commits"); n != 5 {
			t.Errorf("commits count %d entries, want 5", n)
		}
	})
}

// TestPostNew: what nobody can have posted is posted without a look; a key that is there all the same ends the transaction.
func TestPostNew(t *testing.T) {
	books(t, func(t *testing.T, _ *dbtest.Place, d *db.DB) {
		again := func(list ...ledger.Entry) error {
			return d.Write(t.Context(), func(tx *db.Tx) error { return ledger.PostNew(t.Context(), tx, list...) })
		}
		if err := errors.Join(again(received(1, 300), received(2, 300)), again(received(3, 300)), again()); err != nil {
			t.Fatal(err)
		}
		if err := again(received(4, 300), received(2, 300)); !errors.Is(err, db.ErrUnique) {
			t.Errorf("a key twice: %v", err)
		}
		if err := again(issued(shop, 1, 100), ledger.Entry{}); err == nil {
			t.Error("a wrong entry is posted")
		}
		if n := number(t, d, "select count(*) from entries"); n != 3 {
			t.Errorf("%d entries, want 3", n)
		}
	})
}

func TestPostClashes(t *testing.T) {
	edits := map[string]func(*ledger.Entry){
		"amount":   func(e *ledger.Entry) { e.Legs[0].Cents, e.Legs[1].Cents = 101, -101 },
		"sign":     func(e *ledger.Entry) { e.Legs[0].Cents, e.Legs[1].Cents = -100, 100 },
		"account":  func(e *ledger.Entry) { e.Legs[1].Code = ledger.MerchantPayable },
		"subject":  func(e *ledger.Entry) { e.Legs[0].Subject = "inv_1" },
		"kind":     func(e *ledger.Entry) { e.Kind = "invoice-reissued" },
		"currency": func(e *ledger.Entry) { e.Currency = "CHF" },
		"order":    func(e *ledger.Entry) { e.Legs[0], e.Legs[1] = e.Legs[1], e.Legs[0] },
		"another leg": func(e *ledger.Entry) {
			e.Legs = append(e.Legs, ledger.Leg{Code: ledger.PSP, Cents: 1}, ledger.Leg{Code: ledger.PSP, Cents: -1})
		},
	}
	books(t, func(t *testing.T, _ *dbtest.Place, d *db.DB) {
		post(t, d, issued(shop, 1, 100))
		for name, edit := range edits {
			t.Run(name, func(t *testing.T) {
				again := issued(shop, 1, 100)
				edit(&again)
				if err := tryPost(t.Context(), d, issued(shop, 2, 100), again); !fault.Is(err, "entry-key") {
					t.Errorf("posted before: %v, want entry-key", err)
				}
				third := issued(shop, 3, 100)
				again.Key = third.Key
				if err := tryPost(t.Context(), d, third, again); !fault.Is(err, "entry-key") {
					t.Errorf("in one slice: %v, want entry-key", err)
				}
			})
		}
		if n := number(t, d, "select count(*) from entries"); n != 1 {
			t.Errorf("%d entries after refusals, want 1", n)
		}
	})
}

func TestPostWritesNothingWhenOneIsWrong(t *testing.T) {
	books(t, func(t *testing.T, _ *dbtest.Place, d *db.DB) {
		wrong := issued(shop, 2, 100)
		wrong.Legs[0].Cents++
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := ledger.Post(t.Context(), tx, issued(shop, 1, 100), wrong); err == nil {
				t.Error("an entry out of balance was posted")
			}
			if n := tx.Position().Count; n != 0 {
				t.Errorf("position %d after a refusal", n)
			}
			return ledger.Post(t.Context(), tx, issued(shop, 3, 100))
		})
		if err != nil || number(t, d, "select count(*) from entries") != 1 {
			t.Errorf("%v, or not one entry", err)
		}
		seal(t, d, newKey(t, 1))
	})
}

func TestPostNeedsAWrite(t *testing.T) {
	books(t, func(t *testing.T, _ *dbtest.Place, d *db.DB) {
		err := d.Read(t.Context(), func(tx *db.Tx) error { return ledger.Post(t.Context(), tx, issued(shop, 1, 100)) })
		if err == nil {
			t.Error("posted in a read")
		}
	})
}

// TestPostRace lets many transactions post the same keys at once: each key is posted once, and whoever lost
// has lost as a whole or found it.
func TestPostRace(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		other := openBooks(t, p)
		const keys = 20
		var wg sync.WaitGroup
		for i := range 8 {
			on := []*db.DB{d, other}[i%2]
			wg.Go(func() {
				for k := range keys {
					for {
						err := tryPost(t.Context(), on, issued(shop, k, 100), issued(shop, 1000+i*keys+k, 100))
						if err == nil {
							break
						}
						if !errors.Is(err, db.ErrUnique) && !fault.Is(err, "storage") {
							t.Error(err)
							break
						}
					}
				}
			})
		}
		wg.Wait()
		if n := number(t, d, "select count(*) from entries"); n != keys+8*keys {
			t.Errorf("%d entries, want %d", n, keys+8*keys)
		}
		if n := seal(t, d, newKey(t, 1)); n != keys+8*keys {
			t.Errorf("sealed %d", n)
		}
	})
}

// TestPostAnyhow runs random transactions side by side, some of which fail after posting: numbers stay
// gap-free, digests fit their rows, and only what succeeded is there. On SQLite they share transactions
// and fail in savepoints.
func TestPostAnyhow(t *testing.T) {
	fail := errors.New("changed my mind")
	books(t, func(t *testing.T, _ *dbtest.Place, d *db.DB) {
		key, next := newKey(t, 1), 0
		rapid.Check(t, func(t *rapid.T) {
			type job struct {
				posts [][]ledger.Entry // one slice for each call of Post
				fails bool
			}
			jobs := make([]job, rapid.IntRange(1, 12).Draw(t, "jobs"))
			want := 0
			for i := range jobs {
				jobs[i].fails = rapid.IntRange(0, 2).Draw(t, "fails") == 0
				for range rapid.IntRange(0, 3).Draw(t, "calls") {
					var call []ledger.Entry
					for range rapid.IntRange(0, 4).Draw(t, "entries") {
						next++
						e := issued(fmt.Sprintf("mer_%d", next%3), next, rapid.Int64Range(1, 1e9).Draw(t, "cents"))
						call = append(call, e)
						if !jobs[i].fails {
							want++
						}
					}
					jobs[i].posts = append(jobs[i].posts, call)
				}
			}
			before := number2(t, d, "select count(*) from entries")
			var wg sync.WaitGroup
			for _, j := range jobs {
				wg.Go(func() {
					err := d.Write(t.Context(), func(tx *db.Tx) error {
						for _, call := range j.posts {
							if err := ledger.Post(t.Context(), tx, call...); err != nil {
								return err
							}
						}
						if j.fails {
							return fail
						}
						return nil
					})
					if j.fails != errors.Is(err, fail) || !j.fails && err != nil {
						t.Errorf("a job that fails %v: %v", j.fails, err)
					}
				})
			}
			wg.Wait()
			if got := number2(t, d, "select count(*) from entries") - before; got != int64(want) {
				t.Fatalf("%d entries, want %d", got, want)
			}
			if n, err := ledger.NewSealer(key).Seal(t.Context(), d); err != nil || n != want {
				t.Fatalf("sealed %d of %d: %v", n, want, err)
			}
		})
		if n := number(t, d, "select count(*) from seals s where entries <> (select count(*) from entries e where e.writer = s.writer and e.seq = s.seq)"); n != 0 {
			t.Errorf("%d seals count wrong", n)
		}
	})
}

func number2(t *rapid.T, d *db.DB, sql string) (n int64) {
	if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(t.Context(), sql, nil, &n) }); err != nil {
		t.Fatal(err)
	}
	return n
}
