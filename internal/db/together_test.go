package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"achteraf/internal/db"
)

// library fills the tables with owners of seven words each.
func library(t *testing.T, d *db.DB, owners int) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		err := tx.Put(t.Context(), things, rowsOf(owners, func(i int) []any { return thing{ID: id(i)}.row() }))
		if err != nil {
			return err
		}
		return tx.Put(t.Context(), parts, rowsOf(owners*7, func(i int) []any {
			return []any{id(i % owners), i + 1, fmt.Sprintf("word %03d", i)}
		}))
	})
}

func wordsOf(ctx context.Context, tx *db.Tx, into *[]string, owners ...int) error {
	keys := make([][]any, len(owners))
	for i, o := range owners {
		keys[i] = []any{id(o)}
	}
	return tx.Find(ctx, findParts, keys, func(i int, r db.Row) error {
		var n int
		var word string
		err := r.Scan(&n, &word)
		*into = append(*into, fmt.Sprint(i, word))
		return err
	})
}

func TestTogetherReadsWhatEachReadsAlone(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		library(t, d, 9)
		read := func(together bool) (out []string) {
			err := d.Read(ctx, func(tx *db.Tx) error {
				var few, many, inner, chained []string
				var count, first int64
				do := tx.Together
				if !together {
					do = func(_ context.Context, all ...func(*db.Tx) error) error {
						for _, f := range all {
							if err := f(tx); err != nil {
								return err
							}
						}
						return nil
					}
				}
				err := do(ctx,
					func(tx *db.Tx) error { return wordsOf(ctx, tx, &few, 3) },
					func(tx *db.Tx) error { return wordsOf(ctx, tx, &many, 8, 0, 99, 3, 1, 7, 2) },
					func(tx *db.Tx) error { return nil }, // which asks nothing
					func(tx *db.Tx) error { // two questions, the second from the answer of the first
						if err := wordsOf(ctx, tx, &chained, 1); err != nil {
							return err
						}
						return wordsOf(ctx, tx, &chained, len(chained), 4, 5, 6)
					},
					func(tx *db.Tx) error {
						return tx.QueryRow(ctx, "select count(*) from parts", nil, &count)
					},
					func(tx *db.Tx) error {
						return tx.Together(ctx,
							func(tx *db.Tx) error { return wordsOf(ctx, tx, &inner, 2, 4) },
							func(tx *db.Tx) error { return tx.QueryRow(ctx, "select min(n) from parts", nil, &first) })
					})
				out = slices.Concat(few, many, inner, chained, []string{fmt.Sprint(count, first)})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		alone, together := read(false), read(true)
		if len(alone) != 7+42+14+7+28+1 || !slices.Equal(alone, together) {
			t.Errorf("alone  %d %v\ntogether %d %v", len(alone), alone, len(together), together)
		}
	})
}

func TestTogetherKeepsErrorsApart(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		library(t, d, 3)
		own := errors.New("not what I wanted")
		var words, after []string
		var inner error
		err := d.Read(ctx, func(tx *db.Tx) error {
			err := tx.Together(ctx,
				func(tx *db.Tx) error { return wordsOf(ctx, tx, &words, 0, 1, 2) },
				func(tx *db.Tx) error {
					inner = tx.Find(ctx, findParts, [][]any{{id(1)}}, func(int, db.Row) error { return own })
					return inner
				})
			if !errors.Is(err, own) || !errors.Is(inner, own) || len(words) != 21 {
				t.Errorf("%v, %v, %d words", err, inner, len(words))
			}
			return wordsOf(ctx, tx, &after, 2) // a reader's own error is none of the server's
		})
		if err != nil || len(after) != 7 {
			t.Errorf("%v, %d words after", err, len(after))
		}
		err = d.Read(ctx, func(tx *db.Tx) error {
			err := tx.Together(ctx,
				func(tx *db.Tx) error {
					_, err := tx.Query(ctx, "select no_such_column from parts")
					return err
				},
				func(tx *db.Tx) error { return wordsOf(ctx, tx, &words, 0) })
			if err == nil || !strings.Contains(err.Error(), "no_such_column") {
				t.Errorf("the column that is not there: %v", err)
			}
			if wordsOf(ctx, tx, &after, 1) == nil {
				t.Error("the transaction goes on after an error of the engine")
			}
			return nil
		})
		if err == nil {
			t.Error("the read went well")
		}
	})
}

func TestTogetherOnlyReads(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		library(t, d, 1)
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Together(t.Context(),
				func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), "delete from parts"); return err },
				func(tx *db.Tx) error { return nil })
		})
		if err == nil {
			t.Error("a part has written")
		}
	})
}

func TestTogetherPassesAPanicOn(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		library(t, d, 2)
		ended := false
		var failed any
		func() {
			defer func() {
				if failed == nil {
					failed = recover()
				}
			}()
			if err := d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.Together(t.Context(),
					func(tx *db.Tx) error {
						defer func() { ended = true }()
						var words []string
						return errors.Join(wordsOf(t.Context(), tx, &words, 0), wordsOf(t.Context(), tx, &words, 1))
					},
					func(tx *db.Tx) error { panic("no") })
			}); err != nil {
				failed = err
			}
		}()
		if failed == nil || !ended {
			t.Errorf("failed %v, the other part ended %t", failed, ended)
		}
		var words []string
		err := d.Read(t.Context(), func(tx *db.Tx) error { return wordsOf(t.Context(), tx, &words, 1) })
		if err != nil || len(words) != 7 {
			t.Errorf("after it: %v, %d words", err, len(words))
		}
	})
}
