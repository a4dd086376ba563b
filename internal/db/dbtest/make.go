package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/migrations"

	"github.com/jackc/pgx/v5"
)

const noServer = `ACHTERAF_TEST_POSTGRES is not set. Start a PostgreSQL server and set it to an address that may create
databases, such as postgres://postgres@127.0.0.1:5432/postgres; the script ./test does both for you`

// serverTime is how long one statement on the server that makes databases may take.
const serverTime = time.Minute

// migrated returns the bytes of an SQLite database with all tables, made once for all tests of a process.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "achteraf-dbtest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func emptySQLite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "achteraf.db") }

func newSQLite(t testing.TB) string {
	t.Helper()
	data, err := migrated()
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	address := emptySQLite(t)
	if err := os.WriteFile(strings.TrimPrefix(address, "sqlite:"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return address
}

func migrate(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), serverTime)
	defer cancel()
	d, err := db.Open(ctx, address, db.Options{Wall: NewClock().Now, Random: Chance(0)})
	if err != nil {
		return err
	}
	return errors.Join(d.Migrate(ctx, migrations.Files), d.Close())
}

func newPostgres(t testing.TB) string {
	t.Helper()
	address := serverAddress(t)
	ctx, cancel := context.WithTimeout(t.Context(), serverTime)
	defer cancel()
	name, err := template(ctx, address)
	if err != nil {
		t.Fatalf("dbtest: make the template database: %v", err)
	}
	return copyOf(t, address, name)
}

func emptyPostgres(t testing.TB) string {
	t.Helper()
	return copyOf(t, serverAddress(t), "template0")
}

func serverAddress(t testing.TB) string {
	t.Helper()
	address := os.Getenv("ACHTERAF_TEST_POSTGRES")
	if address == "" {
		t.Fatal(noServer)
	}
	return address
}

// copyOf makes a database from a template and returns its address. It is dropped when the test ends.
func copyOf(t testing.TB, address, template string) string {
	t.Helper()
	run := func(ctx context.Context, sql string) error {
		ctx, cancel := context.WithTimeout(ctx, serverTime)
		defer cancel()
		return server(ctx, address, sql)
	}
	name := "achteraf_test_" + token(t)
	if err := run(t.Context(), "create database "+name+" template "+template); err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		if err := run(context.Background(), "drop database "+name+" with (force)"); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	where, err := withDatabase(address, name)
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// token is a word that no other test of any process uses: t.TempDir is made for this call alone.
func token(t testing.TB) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", t.TempDir(), os.Getpid()))
	return hex.EncodeToString(sum[:8])
}

// template returns the name of a migrated database to copy. It is named by the migrations' contents, is made by
// the first process that needs it and stays on the server. That it is marked as a template says that it is complete.
func template(ctx context.Context, address string) (string, error) {
	sum, err := digest(migrations.Files)
	if err != nil {
		return "", err
	}
	name := "achteraf_template_" + sum
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(ctx, "select pg_advisory_lock(hashtext('achteraf dbtest'))"); err != nil {
		return "", err
	}
	var complete bool
	if err := c.QueryRow(ctx, "select exists (select 1 from pg_database where datname = $1 and datistemplate)", name).Scan(&complete); err != nil || complete {
		return name, err
	}
	for _, sql := range []string{"drop database if exists " + name + " with (force)", "create database " + name + " template template0"} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return "", err
		}
	}
	where, err := withDatabase(address, name)
	if err != nil {
		return "", err
	}
	if err := migrate(where); err != nil {
		return "", err
	}
	_, err = c.Exec(ctx, "alter database "+name+" with is_template true allow_connections false")
	return name, err
}

func digest(files fs.FS) (string, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// server runs one statement in the database of the given address.
func server(ctx context.Context, address, sql string) error {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func withDatabase(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("ACHTERAF_TEST_POSTGRES is not a postgres:// address")
	}
	u.Path = "/" + name
	return u.String(), nil
}
