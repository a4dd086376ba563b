package db_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"

	"pgregory.net/rapid"
)

func TestValuesComeBackAsTheyWent(t *testing.T) {
	rows := []thing{
		{ID: "zero"},
		{ID: "plain", N: 5_000_000_000, OK: true, Data: []byte{0, 1, 255}, At: at("2026-11-22T10:00:00.123456Z"), Day: day("2026-11-22"), Note: "hello"},
		{ID: "largest", N: math.MaxInt64, At: at("9999-12-31T23:59:59.999999Z"), Day: day("9999-12-31")},
		{ID: "smallest", N: math.MinInt64, At: at("0001-01-01T00:00:00Z"), Day: day("0001-01-01")},
		{ID: "one microsecond before 1970", At: calendar.FromMicros(-1)},
		{ID: "one microsecond after 1970", At: calendar.FromMicros(1)},
		{ID: "before 2000", At: at("1999-12-31T23:59:59.999999Z"), Day: day("1999-12-31")},
		{ID: "leap day", Day: day("2024-02-29"), At: at("2024-02-29T23:59:60.5Z"[:17] + "59.5Z")},
		{ID: "empty bytes", Data: []byte{}},
		{ID: "bytes of a NUL", Data: []byte{0}},
		{ID: "many bytes", Data: slices.Repeat([]byte{7}, 70_000)},
		{ID: "quotes", Note: `it's "so" \n $1 ? :x`},
		{ID: "words", Note: "Zoë €5 — 日本 😀\n\t\r"},
		{ID: "long", Note: strings.Repeat("é", 40_000)},
		{ID: "", Note: "an empty id"},
	}
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		write(t, d, func(tx *db.Tx) error { // one by one and as a set
			for _, x := range rows {
				if _, err := tx.Exec(ctx, `insert into things (id, n, ok, data, at, day, note) values ($1, $2, $3, $4, $5, $6, $7)`, x.row()...); err != nil {
					return err
				}
			}
			var set [][]any
			for _, x := range rows {
				x.ID += "/set"
				set = append(set, x.row())
			}
			return tx.Put(ctx, things, set)
		})
		read(t, d, func(tx *db.Tx) error {
			for _, x := range rows {
				for _, id := range []string{x.ID, x.ID + "/set"} {
					var got thing
					if err := tx.QueryRow(ctx, selectThing, []any{id}, &got.ID, &got.N, &got.OK, &got.Data, &got.At, &got.Day, &got.Note); err != nil {
						return fmt.Errorf("%s: %w", id, err)
					}
					if x.ID = id; !got.same(x) {
						t.Errorf("%s came back as %.200v, want %.200v", id, got, x)
					}
				}
			}
			return nil
		})
		n := number(t, d, `select count(*) from things where data is null and at is null and day is null`)
		if want := number(t, d, `select count(*) from things where id in ('zero', 'zero/set', '', '/set', 'quotes', 'quotes/set', 'words', 'words/set', 'long', 'long/set')`); n != want {
			t.Errorf("%d rows hold NULL for what is not set, want %d", n, want)
		}
	})
}

func TestAnyValueComesBack(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx, last := t.Context(), 0
		rapid.Check(t, func(rt *rapid.T) {
			var in []thing
			for range rapid.IntRange(1, 9).Draw(rt, "rows") {
				last++
				in = append(in, thing{
					ID: fmt.Sprint(last), N: rapid.Int64().Draw(rt, "n"), OK: rapid.Bool().Draw(rt, "ok"),
					Data: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "data"),
					At:   calendar.FromMicros(rapid.Int64Range(-62_135_596_800_000_000, 253_402_300_799_999_999).Draw(rt, "at")),
					Day:  day("0001-01-01").AddDays(rapid.IntRange(0, 3_652_058).Draw(rt, "day")),
					Note: rapid.StringMatching(`[^\x00]{0,20}`).Draw(rt, "note"),
				})
			}
			var out []thing
			var keys [][]any
			err := d.Write(ctx, func(tx *db.Tx) error {
				out, keys = nil, nil
				var set [][]any
				for _, x := range in {
					set, keys = append(set, x.row()), append(keys, []any{x.ID})
				}
				if n, err := tx.Insert(ctx, things, set); err != nil || n != int64(len(in)) {
					return fmt.Errorf("%d written: %w", n, err)
				}
				q := db.NewQuery(selectThing, db.Text)
				return tx.Find(ctx, q, keys, func(_ int, r db.Row) error {
					var x thing
					err := x.scan(r)
					out = append(out, x)
					return err
				})
			})
			if err != nil {
				rt.Fatal(err)
			}
			if !slices.EqualFunc(in, out, thing.same) {
				rt.Fatalf("%v came back as %v", in, out)
			}
		})
	})
}

type (
	state string
	count int64
	yesno bool
	blob  []byte
	grade int8
)

func TestNamedKinds(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		word := state("open")
		write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `insert into things (id, n, ok, data, note) values ($1, $2, $3, $4, $5)`, state("a"), count(7), yesno(true), blob("x"), &word)
			if err != nil {
				return err
			}
			var none *state
			return tx.Put(ctx, things, [][]any{{state("b"), grade(-3), yesno(false), blob(nil), calendar.Instant{}, calendar.Date{}, none}})
		})
		read(t, d, func(tx *db.Tx) error {
			var (
				id, note state
				n        count
				ok       yesno
				data     blob
				small    grade
				asInt    int
			)
			if err := tx.QueryRow(ctx, `select id, n, ok, data, note, n, n from things where id = 'a'`, nil, &id, &n, &ok, &data, &note, &small, &asInt); err != nil {
				return err
			}
			if id != "a" || n != 7 || !ok || string(data) != "x" || note != "open" || small != 7 || asInt != 7 {
				t.Errorf("read %v %v %v %v %v %v %v", id, n, ok, data, note, small, asInt)
			}
			if err := tx.QueryRow(ctx, `select id, n, ok, data, note, n from things where id = 'b'`, nil, &id, &n, &ok, &data, &note, &small); err != nil {
				return err
			}
			if n != -3 || ok || data != nil || note != "" || small != -3 {
				t.Errorf("read %v %v %v %v %v %v", id, n, ok, data, note, small)
			}
			var exists bool
			if err := tx.QueryRow(ctx, `select exists (select 1 from things where id = $1)`, []any{"a"}, &exists); err != nil || !exists {
				t.Errorf("exists is %v, %v", exists, err)
			}
			var sum int64
			if err := tx.QueryRow(ctx, `select sum(n) from things`, nil, &sum); err != nil || sum != 4 {
				t.Errorf("the sum is %d, %v", sum, err)
			}
			return nil
		})
	})
}

func TestReadingTheWrongTypeFails(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		write(t, d, func(tx *db.Tx) error {
			return tx.Put(ctx, things, [][]any{{"a", 300, true, []byte("x"), at("2026-11-22T10:00:00Z"), day("2026-11-22"), "w"}})
		})
		var (
			s string
			n int64
			g grade
			b []byte
			i calendar.Instant
			e calendar.Date
		)
		for _, c := range []struct {
			column string
			dest   any
		}{
			{"note", &n}, {"note", &b}, {"note", &i}, {"note", &e}, {"n", &s}, {"n", &b}, {"n", &i}, {"n", &e}, {"n", &g},
			{"data", &s}, {"data", &n}, {"at", &n}, {"day", &n}, {"n", n}, {"n", new(float64)}, {"n", new([]string)},
		} {
			err := d.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, "select "+c.column+" from things", nil, c.dest) })
			if err == nil {
				t.Errorf("column %s was read into a %T", c.column, c.dest)
			}
		}
		err := d.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, "select n, ok from things", nil, &n) })
		if err == nil {
			t.Error("two columns were read into one place")
		}
	})
}

// TestWhatOneEngineRefusesBothDo writes what only one of them would take.
func TestWhatOneEngineRefusesBothDo(t *testing.T) {
	long := calendar.FromMicros(math.MaxInt64)
	cases := []struct {
		name string
		row  []any
		want error
	}{
		{"a NUL in a text", []any{"a\x00b", 1, true, nil, nil, nil, ""}, db.ErrText},
		{"a text that is not UTF-8", []any{"a", 1, true, nil, nil, nil, "\xff"}, db.ErrText},
		{"a NUL in a named text", []any{state("\x00"), 1, true, nil, nil, nil, ""}, db.ErrText},
		{"a text for a number", []any{"a", "1", true, nil, nil, nil, ""}, db.ErrCheck},
		{"a number for a text", []any{7, 1, true, nil, nil, nil, ""}, db.ErrCheck},
		{"a number for a truth value", []any{"a", 1, 1, nil, nil, nil, ""}, db.ErrCheck},
		{"a text for bytes", []any{"a", 1, true, "x", nil, nil, ""}, db.ErrCheck},
		{"a date for an instant", []any{"a", 1, true, nil, day("2026-11-22"), nil, ""}, db.ErrCheck},
		{"a text for a date", []any{"a", 1, true, nil, nil, "2026-11-22", ""}, db.ErrCheck},
		{"a float", []any{"a", 1.5, true, nil, nil, nil, ""}, db.ErrCheck},
		{"a time", []any{"a", 1, true, nil, time.Unix(0, 0), nil, ""}, db.ErrCheck},
		{"an instant after 9999", []any{"a", 1, true, nil, long, nil, ""}, db.ErrCheck},
		{"a missing value", []any{"a", 1, true, nil, nil, nil}, db.ErrCheck},
		{"a value too many", []any{"a", 1, true, nil, nil, nil, "", ""}, db.ErrCheck},
		{"NULL where it may not be", []any{nil, 1, true, nil, nil, nil, ""}, db.ErrCheck},
	}
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		good := []any{"good", 1, true, nil, nil, nil, ""}
		for _, c := range cases {
			for _, rows := range [][][]any{{c.row}, {good, {"g2", 1, true, nil, nil, nil, ""}, {"g3", 1, true, nil, nil, nil, ""}, c.row, {"g4", 1, true, nil, nil, nil, ""}}} {
				for name, f := range map[string]func(tx *db.Tx) error{
					"Insert": func(tx *db.Tx) error { _, err := tx.Insert(ctx, things, rows); return err },
					"Put":    func(tx *db.Tx) error { return tx.Put(ctx, things, rows) },
				} {
					if err := d.Write(ctx, f); !errors.Is(err, c.want) {
						t.Errorf("%s: %s of %d rows: %v, want %v", c.name, name, len(rows), err, c.want)
					}
				}
			}
		}
		for _, bad := range []string{"\x00", "a\xc3"} {
			var n int64
			err := d.Read(ctx, func(tx *db.Tx) error {
				return tx.QueryRow(ctx, `select count(*) from things where note = $1`, []any{bad}, &n)
			})
			if !errors.Is(err, db.ErrText) {
				t.Errorf("a search for %q: %v", bad, err)
			}
		}
		err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `insert into things (id, n) values ($1, $2)`, "a", "seven")
			return err
		})
		if !errors.Is(err, db.ErrCheck) {
			t.Errorf("a word in a column of numbers: %v", err)
		}
		if n := number(t, d, `select count(*) from things`); n != 0 {
			t.Errorf("%d rows were left", n)
		}
	})
}

func TestPlaceholders(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `insert into things (note, id, n) values ($3, $1, $2)`, "a", 12, "note")
			return err
		})
		read(t, d, func(tx *db.Tx) error {
			var id, note, ten, eleven string
			err := tx.QueryRow(ctx, `select id, note, cast($10 as text), cast($11 as text) from things
				where id = $2 and n > $1 and n < $3 and (note = $4 or note = $5 or note = $4) and $6 = 6 and $7 = 7 and $8 = 8 and $9 = 9`,
				[]any{11, "a", 13, "note", "other", int64(6), 7, 8, 9, "ten", "eleven"}, &id, &note, &ten, &eleven)
			if err != nil {
				return err
			}
			if id != "a" || note != "note" || ten != "ten" || eleven != "eleven" {
				t.Errorf("read %q %q %q %q", id, note, ten, eleven)
			}
			return nil
		})
		eleven := db.NewQuery(`select id from things where id = $11 and $1 < 2 and $2 < 3 and $3 < 4 and $4 < 5 and $5 < 6 and $6 < 7 and $7 < 8 and $8 < 9 and $9 < 10 and $10 < 11 and $1 > 0`,
			db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Text)
		key := []any{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "a"}
		for _, n := range []int{1, 5} {
			found := 0
			read(t, d, func(tx *db.Tx) error {
				return tx.Find(ctx, eleven, slices.Repeat([][]any{key}, n), func(int, db.Row) error { found++; return nil })
			})
			if found != n {
				t.Errorf("%d keys found %d rows", n, found)
			}
		}
	})
}

func TestErrorsHaveOneName(t *testing.T) {
	cases := []struct {
		name string
		sql  string
		want error
	}{
		{"primary key", `insert into parts (thing, n, word) values ('a', 1, 'other')`, db.ErrUnique},
		{"unique", `insert into parts (thing, n, word) values ('a', 2, 'one')`, db.ErrUnique},
		{"foreign key, no parent", `insert into parts (thing, n, word) values ('b', 1, 'x')`, db.ErrForeignKey},
		{"foreign key, has children", `delete from things where id = 'a'`, db.ErrForeignKey},
		{"check", `insert into parts (thing, n, word) values ('a', 0, 'x')`, db.ErrCheck},
		{"not null", `insert into parts (thing, n, word) values ('a', 3, null)`, db.ErrCheck},
		{"wrong type", `insert into things (id, n) values ('c', 'many')`, db.ErrCheck},
	}
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		write(t, d, func(tx *db.Tx) error {
			if err := tx.Put(ctx, things, [][]any{thing{ID: "a"}.row()}); err != nil {
				return err
			}
			return tx.Put(ctx, parts, [][]any{{"a", 1, "one"}})
		})
		for _, c := range cases {
			err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, c.sql); return err })
			for _, e := range []error{db.ErrUnique, db.ErrForeignKey, db.ErrCheck, db.ErrConflict, db.ErrStorage, db.ErrLost, db.ErrText} {
				if errors.Is(err, e) != (e == c.want) {
					t.Errorf("%s: %v, want %v", c.name, err, c.want)
				}
			}
		}
		for _, size := range []int{1, 5} { // a duplicate that shows only at the commit
			rows := rowsOf(size, func(i int) []any { return []any{id(i), 1} })
			err := d.Write(ctx, func(tx *db.Tx) error {
				if err := tx.Put(ctx, hits, rows); err != nil {
					return err
				}
				return tx.Put(ctx, hits, rows)
			})
			if !errors.Is(err, db.ErrUnique) {
				t.Errorf("%d rows put twice: %v", size, err)
			}
		}
		err := d.Read(ctx, func(tx *db.Tx) error {
			var n int64
			return tx.QueryRow(ctx, `select n from things where id = 'none'`, nil, &n)
		})
		if !errors.Is(err, db.ErrNone) {
			t.Errorf("no row: %v", err)
		}
		if err := d.Read(ctx, func(tx *db.Tx) error { var n int64; return tx.QueryRow(ctx, `select n from nowhere`, nil, &n) }); err == nil {
			t.Error("a table that does not exist was read")
		}
	})
}

// TestAnErrorEndsTheTransaction: SQLite would go on after a failed statement, PostgreSQL would not.
func TestAnErrorEndsTheTransaction(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		write(t, d, func(tx *db.Tx) error { _, err := tx.Insert(ctx, hits, [][]any{{"a", 1}}); return err })
		err := d.Write(ctx, func(tx *db.Tx) error {
			tx.Insert(ctx, hits, [][]any{{"b", 1}})
			if _, err := tx.Insert(ctx, hits, [][]any{{"a", 1}}); !errors.Is(err, db.ErrUnique) {
				t.Errorf("the duplicate: %v", err)
			}
			if _, err := tx.Insert(ctx, hits, [][]any{{"c", 1}}); !errors.Is(err, db.ErrUnique) {
				t.Errorf("the statement after it: %v", err)
			}
			return nil
		})
		if !errors.Is(err, db.ErrUnique) {
			t.Errorf("the transaction: %v", err)
		}
		if n := number(t, d, `select count(*) from hits`); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
	})
}

func TestAResultMustBeClosed(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		write(t, d, func(tx *db.Tx) error {
			_, err := tx.Insert(ctx, hits, rowsOf(5, func(i int) []any { return []any{id(i), i} }))
			return err
		})
		for name, f := range map[string]func(tx *db.Tx) error{
			"left open": func(tx *db.Tx) error {
				rows, err := tx.Query(ctx, `select id from hits`)
				if err == nil {
					rows.Next()
				}
				return err
			},
			"a statement within Each": func(tx *db.Tx) error {
				return tx.Each(ctx, `select id from hits`, nil, func(db.Row) error {
					var n int
					return tx.QueryRow(ctx, `select count(*) from hits`, nil, &n)
				})
			},
			"a statement within Find": func(tx *db.Tx) error {
				return tx.Find(ctx, findHits, [][]any{{id(0)}}, func(int, db.Row) error {
					return tx.Put(ctx, hits, [][]any{{"x", 1}})
				})
			},
		} {
			if err := d.Write(ctx, f); err == nil {
				t.Errorf("%s: a write passed", name)
			}
			if err := d.Read(ctx, f); err == nil {
				t.Errorf("%s: a read passed", name)
			}
		}
		stop := errors.New("enough")
		for range 3 { // a reader that stops in the middle leaves the connection well
			err := d.Read(ctx, func(tx *db.Tx) error {
				return tx.Each(ctx, `select id from hits`, nil, func(db.Row) error { return stop })
			})
			if !errors.Is(err, stop) {
				t.Errorf("stopped with %v", err)
			}
			err = d.Write(ctx, func(tx *db.Tx) error {
				keys := rowsOf(5, func(i int) []any { return []any{id(i)} })
				if err := tx.Find(ctx, findHits, keys, func(int, db.Row) error { return stop }); !errors.Is(err, stop) {
					t.Errorf("stopped with %v", err)
				}
				_, err := tx.Exec(ctx, `update hits set n = n + 1`)
				return err
			})
			must(t, err)
		}
		if n := number(t, d, `select cast(sum(n) as bigint) from hits`); n != 0+1+2+3+4+3*5 {
			t.Errorf("the sum is %d", n)
		}
	})
}

func TestTheTransactionDoesNotEscape(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		for _, run := range []func(func(*db.Tx) error) error{
			func(f func(*db.Tx) error) error { return d.Write(ctx, f) },
			func(f func(*db.Tx) error) error { return d.Read(ctx, f) },
		} {
			var kept *db.Tx
			must(t, run(func(tx *db.Tx) error { kept = tx; return nil }))
			var n int
			if err := kept.QueryRow(ctx, `select count(*) from hits`, nil, &n); err == nil {
				t.Error("a transaction was used after its end")
			}
		}
	})
}

func TestReadIsOneSnapshotAndCannotWrite(t *testing.T) {
	on(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		count := func(tx *db.Tx) (n int64) {
			must(t, tx.QueryRow(ctx, `select count(*) from hits`, nil, &n))
			return n
		}
		read(t, d, func(tx *db.Tx) error {
			before := count(tx)
			write(t, d, func(tx *db.Tx) error { _, err := tx.Insert(ctx, hits, [][]any{{"a", 1}}); return err })
			if after := count(tx); after != before {
				t.Errorf("a read saw %d rows, then %d", before, after)
			}
			return nil
		})
		if n := number(t, d, `select count(*) from hits`); n != 1 {
			t.Errorf("%d rows", n)
		}
		for name, f := range map[string]func(tx *db.Tx) error{
			"Exec":   func(tx *db.Tx) error { _, err := tx.Exec(ctx, `update hits set n = 9`); return err },
			"Insert": func(tx *db.Tx) error { _, err := tx.Insert(ctx, hits, [][]any{{"b", 1}}); return err },
			"Change": func(tx *db.Tx) error { _, err := tx.Change(ctx, addToHit, [][]any{{"a", 1}}); return err },
		} {
			if err := d.Read(ctx, f); !errors.Is(err, db.ErrReadOnly) {
				t.Errorf("%s in a read: %v", name, err)
			}
		}
		if n := number(t, d, `select n from hits`); n != 1 {
			t.Errorf("a read changed n to %d", n)
		}
	})
}
