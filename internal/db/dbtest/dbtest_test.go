package dbtest_test

import (
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
)

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	for range 2 {
		dbtest.Run(t, func(t *testing.T, d *db.DB) {
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), "insert into facts (name, value) values ('a', 'b')")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestTwoHandlesShareDatabaseAndClock(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		a, b := p.Open(t), p.Open(t)
		p.Clock.Advance(time.Hour)
		if err := a.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), "insert into facts (name, value) values ('now', $1)", tx.Now.String())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := b.Read(t.Context(), func(tx *db.Tx) error {
			var got string
			if err := tx.QueryRow(t.Context(), "select value from facts where name = $1", []any{"now"}, &got); err != nil {
				return err
			}
			if want := "2026-11-22T11:00:00.000000Z"; got != want || tx.Now.String() != want {
				t.Errorf("wrote %s, now %s, want %s", got, tx.Now, want)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}
