package db_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"achteraf/internal/db"
)

func TestSets(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		for _, size := range []int{0, 1, 2, 3, 4, 5, 128, 1000} {
			t.Run(fmt.Sprint(size), func(t *testing.T) { checkSets(t, d, size) })
			write(t, d, func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), `delete from hits`); return err })
		}
	})
}

func checkSets(t *testing.T, d *db.DB, size int) {
	ctx := t.Context()
	all := rowsOf(size, func(i int) []any { return []any{id(i), i} })
	keys := rowsOf(size, func(i int) []any { return []any{id(i)} })
	changed := func(want int, f func(tx *db.Tx) (int64, error)) {
		t.Helper()
		write(t, d, func(tx *db.Tx) error {
			n, err := f(tx)
			if n != int64(want) {
				t.Errorf("%d rows, want %d", n, want)
			}
			return err
		})
	}
	changed(size, func(tx *db.Tx) (int64, error) { return tx.Insert(ctx, hits, all) })
	changed(0, func(tx *db.Tx) (int64, error) { return tx.Insert(ctx, hitsOnce, all) })
	more := append(slices.Clone(all), []any{"new", 1})
	changed(1, func(tx *db.Tx) (int64, error) { return tx.Insert(ctx, hitsOnce, more) })
	changed(size+1, func(tx *db.Tx) (int64, error) { return tx.Insert(ctx, hitsAdd, more) })
	changed(size, func(tx *db.Tx) (int64, error) { return tx.Change(ctx, addToHit, all) })
	changed(0, func(tx *db.Tx) (int64, error) { return tx.Change(ctx, addToHit, [][]any{{"nobody", 1}}) })

	for name, find := range map[string]func(*db.Tx, [][]any, func(int, db.Row) error) error{
		"find": func(tx *db.Tx, k [][]any, f func(int, db.Row) error) error { return tx.Find(ctx, findHits, k, f) },
		"lock": func(tx *db.Tx, k [][]any, f func(int, db.Row) error) error { return tx.Lock(ctx, findHits, k, f) },
	} {
		next := 0
		write(t, d, func(tx *db.Tx) error {
			return find(tx, keys, func(i int, r db.Row) error {
				var key string
				var n int
				if err := r.Scan(&key, &n); err != nil {
					return err
				}
				if i != next || key != id(i) || n != 3*i {
					t.Errorf("%s: key %d gave %s %d after %d", name, i, key, n, next-1)
				}
				next++
				return nil
			})
		})
		if next != size {
			t.Errorf("%s: %d rows, want %d", name, next, size)
		}
	}
	changed(size-size/2, func(tx *db.Tx) (int64, error) {
		return tx.Change(ctx, deleteHits, rowsOf(size, func(i int) []any {
			if i < size/2 {
				return []any{id(i), 1 << 40}
			}
			return []any{id(i), 0}
		}))
	})
	if n := number(t, d, `select count(*) from hits`); n != int64(size/2+1) {
		t.Errorf("%d rows left, want %d", n, size/2+1)
	}
}

func TestFindKeepsTheOrderOfKeysAndRows(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		const owners, each = 9, 7
		write(t, d, func(tx *db.Tx) error {
			err := tx.Put(ctx, things, rowsOf(owners, func(i int) []any { return thing{ID: id(i)}.row() }))
			if err != nil {
				return err
			}
			return tx.Put(ctx, parts, rowsOf(owners*each, func(i int) []any {
				return []any{id(i % owners), i + 1, fmt.Sprintf("%03d", (i*37)%1000)}
			}))
		})
		var long []int // more than one statement of SQLite's takes
		for i := range 43 {
			long = append(long, i*5%11)
		}
		for _, order := range [][]int{long, {3}, {3, 1}, {8, 0, 3}, {8, 0, 3, 1, 7, 2}, {5, 5, 99, 5, 4, 77, 5}, {99}, {99, 98, 97, 96}} {
			keys := [][]any{}
			want := []string{}
			for i, o := range order {
				keys = append(keys, []any{id(o)})
				var words []string
				for j := range owners * each {
					if j%owners == o {
						words = append(words, fmt.Sprintf("%d/%03d", i, (j*37)%1000))
					}
				}
				slices.Sort(words)
				slices.Reverse(words)
				want = append(want, words...)
			}
			for _, lock := range []bool{false, true} {
				got := []string{}
				write(t, d, func(tx *db.Tx) error {
					find := tx.Find
					if lock {
						find = tx.Lock
					}
					return find(ctx, findParts, keys, func(i int, r db.Row) error {
						var n int
						var word string
						err := r.Scan(&n, &word)
						got = append(got, fmt.Sprintf("%d/%s", i, word))
						return err
					})
				})
				if !slices.Equal(got, want) {
					t.Errorf("keys %v, lock %v: %v, want %v", order, lock, got, want)
				}
			}
		}
	})
}

// TestALargePutGoesAhead: PostgreSQL works on it while the transaction thinks on, and its fault comes with the next
// statement or with the commit.
func TestALargePutGoesAhead(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		many := func(key string) [][]any {
			return rowsOf(500, func(i int) []any { return thing{ID: fmt.Sprint(key, i)}.row() })
		}
		write(t, d, func(tx *db.Tx) error {
			if err := tx.Put(ctx, things, many("a")); err != nil {
				return err
			}
			if err := tx.Put(ctx, things, many("b")); err != nil {
				return err
			}
			var n int64
			err := tx.QueryRow(ctx, `select count(*) from things`, nil, &n)
			if n != 1000 {
				t.Errorf("%d rows are seen, want 1000", n)
			}
			return errors.Join(err, tx.Put(ctx, things, many("c")))
		})
		no := errors.New("no")
		for name, after := range map[string]func(tx *db.Tx) error{
			"the commit":    func(*db.Tx) error { return nil },
			"a put":         func(tx *db.Tx) error { return tx.Put(ctx, things, many("e")) },
			"a change":      func(tx *db.Tx) error { _, err := tx.Change(ctx, addToHit, [][]any{{"x", 1}}); return err },
			"a query":       func(tx *db.Tx) error { var n int64; return tx.QueryRow(ctx, `select count(*) from hits`, nil, &n) },
			"its own fault": func(*db.Tx) error { return no },
		} {
			err := d.Write(ctx, func(tx *db.Tx) error {
				if err := tx.Put(ctx, things, append(many("d"), thing{ID: "a7"}.row())); err != nil {
					return err
				}
				return after(tx)
			})
			if !errors.Is(err, db.ErrUnique) && !(name == "its own fault" && errors.Is(err, no)) {
				t.Errorf("before %s: %v", name, err)
			}
			if n := number(t, d, `select count(*) from things`); n != 1500 {
				t.Fatalf("before %s: %d rows, want 1500", name, n)
			}
		}
	})
}
