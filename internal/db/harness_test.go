package db_test

import (
	"fmt"
	"strings"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
)

const schema = `
create table things (
    id   text         not null primary key,
    n    {{.Bigint}},
    ok   {{.Bool}},
    data {{.Bytes}},
    at   {{.Instant}},
    day  {{.Date}},
    note text
) {{.Strict}};
create table parts (
    thing text        not null,
    n     {{.Bigint}} not null check (n > 0),
    word  text        not null,
    primary key (thing, n),
    unique (word),
    foreign key (thing) references things (id)
) {{.StrictNoRowid}};
create table hits (
    id text        not null primary key,
    n  {{.Bigint}} not null
) {{.Strict}}`

var (
	things = db.NewTable("things", "", db.Col{Name: "id", Type: db.Text}, db.Col{Name: "n", Type: db.Bigint}, db.Col{Name: "ok", Type: db.Bool},
		db.Col{Name: "data", Type: db.Bytes}, db.Col{Name: "at", Type: db.Instant}, db.Col{Name: "day", Type: db.Date}, db.Col{Name: "note", Type: db.Text})
	hits     = db.NewTable("hits", "", db.Col{Name: "id", Type: db.Text}, db.Col{Name: "n", Type: db.Bigint})
	hitsOnce = db.NewTable("hits", "on conflict (id) do nothing", db.Col{Name: "id", Type: db.Text}, db.Col{Name: "n", Type: db.Bigint})
	hitsAdd  = db.NewTable("hits", "on conflict (id) do update set n = hits.n + excluded.n", db.Col{Name: "id", Type: db.Text}, db.Col{Name: "n", Type: db.Bigint})
	parts    = db.NewTable("parts", "", db.Col{Name: "thing", Type: db.Text}, db.Col{Name: "n", Type: db.Bigint}, db.Col{Name: "word", Type: db.Text})

	findHits   = db.NewQuery(`select id, n from hits where id = $1`, db.Text)
	findParts  = db.NewQuery(`select n, word from parts where thing = $1 order by word desc`, db.Text)
	addToHit   = db.NewQuery(`update hits set n = hits.n + $2 /*from*/ where hits.id = $1`, db.Text, db.Bigint)
	deleteHits = db.NewQuery(`delete from hits /*using*/ where hits.id = $1 and hits.n >= $2`, db.Text, db.Bigint)
)

// on runs f on both engines with the tables of these tests.
func on(t *testing.T, f func(t *testing.T, d *db.DB), settings ...dbtest.Setting) {
	t.Helper()
	t.Parallel()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) { f(t, prepare(t, p, settings...)) })
}

func prepare(t testing.TB, p *dbtest.Place, settings ...dbtest.Setting) *db.DB {
	t.Helper()
	d := p.Open(t, settings...)
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		for sql := range strings.SplitSeq(db.Render(tx.Engine(), schema), ";") {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	}))
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	must(t, d.Write(t.Context(), f))
}

func read(t testing.TB, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	must(t, d.Read(t.Context(), f))
}

// number reads one integer.
func number(t testing.TB, d *db.DB, sql string, args ...any) (n int64) {
	t.Helper()
	read(t, d, func(tx *db.Tx) error { return tx.QueryRow(t.Context(), sql, args, &n) })
	return n
}

// thing is a row of things, with types as the stages use them.
type thing struct {
	ID   string
	N    int64
	OK   bool
	Data []byte
	At   calendar.Instant
	Day  calendar.Date
	Note string
}

func (x thing) row() []any { return []any{x.ID, x.N, x.OK, x.Data, x.At, x.Day, x.Note} }

func (x thing) same(y thing) bool {
	return x.ID == y.ID && x.N == y.N && x.OK == y.OK && string(x.Data) == string(y.Data) && (x.Data == nil) == (y.Data == nil) &&
		x.At == y.At && x.Day == y.Day && x.Note == y.Note
}

func (x *thing) scan(r db.Row) error {
	return r.Scan(&x.ID, &x.N, &x.OK, &x.Data, &x.At, &x.Day, &x.Note)
}

func at(s string) calendar.Instant {
	i, err := calendar.ParseInstant(s)
	if err != nil {
		panic(err)
	}
	return i
}

func day(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

const selectThing = `select id, n, ok, data, at, day, note from things where id = $1`

func rowsOf(n int, f func(i int) []any) [][]any {
	var rows [][]any
	for i := range n {
		rows = append(rows, f(i))
	}
	return rows
}

func id(i int) string { return fmt.Sprintf("%06d", i) }

// intact says what SQLite finds wrong with its file.
func intact(t testing.TB, d *db.DB) {
	t.Helper()
	read(t, d, func(tx *db.Tx) error {
		var verdict string
		if err := tx.QueryRow(t.Context(), `pragma integrity_check`, nil, &verdict); err != nil || verdict != "ok" {
			t.Errorf("integrity %.200q, %v", verdict, err)
		}
		return nil
	})
}
