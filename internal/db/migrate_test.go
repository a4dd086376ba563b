package db_test

import (
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/migrations"
)

func onEmpty(t *testing.T, f func(t *testing.T, p *dbtest.Place)) {
	t.Helper()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) { f(t, dbtest.Empty(t, engine)) })
	}
}

func TestSeveralMigrateAtOnce(t *testing.T) {
	onEmpty(t, func(t *testing.T, p *dbtest.Place) {
		var all sync.WaitGroup
		for range 4 {
			d := p.Open(t)
			all.Go(func() {
				if err := d.Migrate(t.Context(), migrations.Files); err != nil {
					t.Error(err)
				}
			})
		}
		soon(t, "migrations", all.Wait)
		d := p.Open(t)
		must(t, d.Migrate(t.Context(), migrations.Files)) // once more changes nothing
		if n := number(t, d, `select count(*) from clock`); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	onEmpty(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		files := fstest.MapFS{
			"0001_good.sql": {Data: []byte("create table clock (id {{.Bigint}} not null primary key, offset_us {{.Bigint}} not null) {{.Strict}};")},
			"0002_bad.sql":  {Data: []byte("create table half (id text not null primary key) {{.Strict}};\ncreate table half (id text) {{.Strict}};")},
		}
		if err := d.Migrate(t.Context(), files); err == nil {
			t.Error("a migration that cannot work passed")
		}
		if n := number(t, d, `select count(*) from clock`); n != 0 {
			t.Errorf("%d rows", n)
		}
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			var n int
			return tx.QueryRow(t.Context(), `select count(*) from half`, nil, &n)
		})
		if err == nil {
			t.Error("half of a migration was kept")
		}
		files["0002_bad.sql"].Data = []byte("create table half (id text not null primary key) {{.Strict}};")
		must(t, d.Migrate(t.Context(), files))
		number(t, d, `select count(*) from half`)

		files["0003_word.sql"] = &fstest.MapFile{Data: []byte("create table x (id {{.Unknown}});")}
		if err := d.Migrate(t.Context(), files); err == nil || !strings.Contains(err.Error(), "Unknown") {
			t.Errorf("a word that no engine knows: %v", err)
		}
		if err := d.Migrate(t.Context(), fstest.MapFS{}); err == nil {
			t.Error("no migrations at all passed")
		}
	})
}

func TestAddresses(t *testing.T) {
	for _, url := range []string{"", "sqlite:", "mysql://localhost", "sqlite:" + t.TempDir(), "sqlite:/none/such/folder/x.db", "postgres://%zz", "postgres://postgres@127.0.0.1:1/x?connect_timeout=2"} {
		d, err := db.Open(t.Context(), url, db.Options{Wall: dbtest.NewClock().Now, Random: dbtest.Chance(1)})
		if err == nil {
			d.Close()
			t.Errorf("%q was opened", url)
		} else if strings.Contains(err.Error(), "zz") {
			t.Errorf("the error shows the address: %v", err)
		}
	}
	for _, name := range []string{"a b.db", "a#b?c=d&e.db", "50%25.db", "é'\".db", ":x:"} {
		url := "sqlite:" + t.TempDir() + "/" + name
		for range 2 {
			d, err := db.Open(t.Context(), url, db.Options{Wall: dbtest.NewClock().Now, Random: dbtest.Chance(1)})
			if err != nil {
				t.Errorf("%q: %v", name, err)
				continue
			}
			must(t, d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), "create table if not exists t (id text)")
				return err
			}))
			must(t, d.Close())
		}
	}
}
