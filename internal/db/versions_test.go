package db_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
)

// What is remembered is never older than the rows: a change is seen by the next transaction, in this process
// and in another, and one that is rolled back is not seen at all.
func TestKept(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		ctx := context.Background()
		d, other := p.Open(t), p.Open(t)
		kept := db.NewKept[string, string]("facts")
		loads := 0
		look := func(d *db.DB, keys ...string) (out map[string]string) {
			t.Helper()
			err := d.Read(ctx, func(tx *db.Tx) (err error) {
				out, err = kept.Get(ctx, tx, keys, func(missing []string) (map[string]string, error) { loads++; return readFacts(ctx, tx, missing) })
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		set := func(d *db.DB, name, value string, fail error) error {
			return d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `insert into facts (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value`, name, value)
				if err == nil {
					err = tx.Bump(ctx, "facts")
				}
				if err == nil { // what this transaction reads is its own, and is not remembered
					_, err = kept.Get(ctx, tx, []string{name}, func(missing []string) (map[string]string, error) { return readFacts(ctx, tx, missing) })
				}
				return errors.Join(err, fail)
			})
		}
		if err := set(d, "a", "1", nil); err != nil {
			t.Fatal(err)
		}
		if got := look(d, "a", "b", "a"); !maps.Equal(got, map[string]string{"a": "1"}) || loads != 1 {
			t.Errorf("first %v after %d loads", got, loads)
		}
		if got := look(d, "a"); got["a"] != "1" || loads != 1 {
			t.Errorf("again %v after %d loads", got, loads)
		}
		if got := look(d, "b"); len(got) != 0 || loads != 2 {
			t.Errorf("what is not there %v after %d loads", got, loads)
		}
		if err := set(other, "a", "2", nil); err != nil {
			t.Fatal(err)
		}
		if got := look(d, "a"); got["a"] != "2" {
			t.Errorf("after a change elsewhere %v", got)
		}
		if err := set(d, "a", "3", errors.New("no")); err == nil {
			t.Fatal("not rolled back")
		}
		if got := look(d, "a"); got["a"] != "2" {
			t.Errorf("after a change that was rolled back %v", got)
		}
	})
}

func readFacts(ctx context.Context, tx *db.Tx, names []string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range names {
		err := tx.Each(ctx, `select value from facts where name = $1`, []any{name}, func(r db.Row) error {
			var v string
			err := r.Scan(&v)
			out[name] = v
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// A server that answers before a commit is safe is refused.
func TestUnsafeServerIsRefused(t *testing.T) {
	p := dbtest.New(t, "postgres")
	for _, setting := range []string{"options=-csynchronous_commit%3Doff", "synchronous_commit=off"} {
		sep := "?"
		if strings.Contains(p.URL, "?") {
			sep = "&"
		}
		_, err := db.Open(context.Background(), p.URL+sep+setting, db.Options{Wall: dbtest.NewClock().Now, Random: dbtest.Chance(1)})
		if err == nil || !strings.Contains(err.Error(), "synchronous_commit is off") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
