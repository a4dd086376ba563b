package db_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
)

const wideSchema = `
create table wide (
    id text        not null primary key,
    a  text        not null,
    b  text        not null,
    c  {{.Bigint}} not null,
    d  {{.Bigint}} not null,
    e  {{.Bigint}} not null,
    f  {{.Bool}}   not null,
    g  {{.Bytes}}  not null,
    h  {{.Instant}} not null,
    i  {{.Instant}},
    j  {{.Date}}   not null,
    k  text        not null
) {{.StrictNoRowid}}`

var (
	wide = db.NewTable("wide", "", db.Col{Name: "id", Type: db.Text}, db.Col{Name: "a", Type: db.Text}, db.Col{Name: "b", Type: db.Text},
		db.Col{Name: "c", Type: db.Bigint}, db.Col{Name: "d", Type: db.Bigint}, db.Col{Name: "e", Type: db.Bigint}, db.Col{Name: "f", Type: db.Bool},
		db.Col{Name: "g", Type: db.Bytes}, db.Col{Name: "h", Type: db.Instant}, db.Col{Name: "i", Type: db.Instant}, db.Col{Name: "j", Type: db.Date},
		db.Col{Name: "k", Type: db.Text})
	findWide = db.NewQuery(`select a, b, c, d, e, f, g, h from wide where id = $1`, db.Text)
	bumpWide = db.NewQuery(`update wide set c = wide.c + $2 /*from*/ where wide.id = $1`, db.Text, db.Bigint)
)

func wideRow(tx *db.Tx) []any {
	return []any{tx.ID("ord_"), "mer_0123456789abcdefghjk", "placed", 5040, 1, 2, true, []byte("sealed bytes of a person"), tx.Now, nil, day("2026-11-22"), "EUR"}
}

func benchmark(b *testing.B, f func(b *testing.B, d *db.DB)) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			d := dbtest.Open(b, engine, func(o *db.Options) { o.CacheMiB = 256 })
			write(b, d, func(tx *db.Tx) error { _, err := tx.Exec(b.Context(), db.Render(engine, wideSchema)); return err })
			b.ReportAllocs()
			b.ResetTimer()
			before := processorTime(b)
			f(b, d)
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime is what this process has used of the processors: it says more than the clock on a busy machine.
// The PostgreSQL server's share is not in it.
func processorTime(b *testing.B) int64 {
	var use syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return use.Utime.Nano() + use.Stime.Nano()
}

// BenchmarkInsert128x12 writes 128 rows of 12 columns in one transaction.
func BenchmarkInsert128x12(b *testing.B) {
	benchmark(b, func(b *testing.B, d *db.DB) {
		for range b.N {
			write(b, d, func(tx *db.Tx) error {
				return tx.Put(b.Context(), wide, rowsOf(128, func(int) []any { return wideRow(tx) }))
			})
		}
	})
}

// BenchmarkFind128x8 looks 128 keys up.
func BenchmarkFind128x8(b *testing.B) { benchmarkKeys(b, 128) }

// BenchmarkFind1x8 looks one key up.
func BenchmarkFind1x8(b *testing.B) { benchmarkKeys(b, 1) }

func benchmarkKeys(b *testing.B, n int) {
	benchmark(b, func(b *testing.B, d *db.DB) {
		ctx := b.Context()
		keys := fillWide(b, d)[:n]
		b.ResetTimer()
		read(b, d, func(tx *db.Tx) error {
			var s1, s2 string
			var n1, n2, n3 int64
			var ok bool
			var data []byte
			when := tx.Now
			for range b.N {
				err := tx.Find(ctx, findWide, keys, func(_ int, r db.Row) error { return r.Scan(&s1, &s2, &n1, &n2, &n3, &ok, &data, &when) })
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func fillWide(b *testing.B, d *db.DB) (keys [][]any) {
	write(b, d, func(tx *db.Tx) error {
		rows := rowsOf(1000, func(int) []any { return wideRow(tx) })
		for _, r := range rows {
			keys = append(keys, r[:1])
		}
		return tx.Put(b.Context(), wide, rows)
	})
	return keys
}

// BenchmarkChange128 updates 128 rows by their keys in one transaction.
func BenchmarkChange128(b *testing.B) {
	benchmark(b, func(b *testing.B, d *db.DB) {
		keys := fillWide(b, d)[:128]
		rows := rowsOf(128, func(i int) []any { return []any{keys[i][0], 1} })
		b.ResetTimer()
		for range b.N {
			write(b, d, func(tx *db.Tx) error { _, err := tx.Change(b.Context(), bumpWide, rows); return err })
		}
	})
}

// BenchmarkExec runs one update by Exec, in a transaction of 100.
func BenchmarkExec(b *testing.B) {
	benchmark(b, func(b *testing.B, d *db.DB) {
		keys := fillWide(b, d)
		b.ResetTimer()
		for done := 0; done < b.N; done += 100 {
			write(b, d, func(tx *db.Tx) error {
				for i := range 100 {
					if _, err := tx.Exec(b.Context(), `update wide set c = c + 1 where id = $1`, keys[i][0]); err != nil {
						return err
					}
				}
				return nil
			})
		}
	})
}

// BenchmarkWriteOne is one durable transaction with one row, alone.
func BenchmarkWriteOne(b *testing.B) {
	benchmark(b, func(b *testing.B, d *db.DB) {
		for range b.N {
			write(b, d, func(tx *db.Tx) error { return tx.Put(b.Context(), wide, [][]any{wideRow(tx)}) })
		}
	})
}

// BenchmarkBatch is one request of a batch, with many clients: one look-up and three rows.
func BenchmarkBatch(b *testing.B) {
	for _, clients := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			benchmark(b, func(b *testing.B, d *db.DB) {
				ctx := b.Context()
				batch := db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []int) ([]db.Result[int], error) {
					keys, rows := make([][]any, len(in)), make([][]any, 0, 3*len(in))
					for i := range in {
						keys[i] = []any{tx.ID("idm_")}
						rows = append(rows, wideRow(tx), wideRow(tx), wideRow(tx))
					}
					if err := tx.Find(ctx, findWide, keys, func(int, db.Row) error { return nil }); err != nil {
						return nil, err
					}
					return make([]db.Result[int], len(in)), tx.Put(ctx, wide, rows)
				})
				var left atomic.Int64
				left.Store(int64(b.N))
				b.ResetTimer()
				done := make(chan error, clients)
				for range clients {
					go func() {
						for left.Add(-1) >= 0 {
							if _, err := batch.Do(ctx, 0); err != nil {
								done <- err
								return
							}
						}
						done <- nil
					}()
				}
				for range clients {
					must(b, <-done)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
			})
		})
	}
}
