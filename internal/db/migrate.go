package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing/fstest"
	"text/template"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// tokens are the words of a migration that the engines spell differently. text is text on both.
type tokens struct {
	Bigint, Bool, Date, Instant, JSON, Bytes string
	Sealed                                   string // personal data: bytes that only package vault can read
	Strict, StrictNoRowid                    string // the end of a table
	Collation                                string // of text columns, where the engine's own depends on the database
	Postgres                                 bool   // for settings of storage that only it has
}

var sqliteTokens = tokens{Bigint: "integer", Bool: "integer", Date: "text", Instant: "text", JSON: "text", Bytes: "blob", Sealed: "blob",
	Strict: "strict", StrictNoRowid: "strict, without rowid"}

var postgresTokens = tokens{Bigint: "bigint", Bool: "boolean", Date: "date", Instant: "timestamptz", JSON: "jsonb", Bytes: "bytea", Sealed: "bytea", Collation: `"C"`, Postgres: true}

// textColumn finds a column of the type text.
var textColumn = regexp.MustCompile(`(?m)^( +\w+ +)text\b`)

// spell gives text columns the collation in which ids, references and numbers sort alike on both engines,
// whatever language the database speaks: byte by byte, as SQLite does.
func (w tokens) spell(ddl string) string {
	if w.Collation == "" {
		return ddl
	}
	return textColumn.ReplaceAllString(ddl, "${1}text collate "+w.Collation)
}

// runMigrations renders each template for one engine and brings the tables up to date.
func runMigrations(ctx context.Context, dialect goose.Dialect, pool *sql.DB, files fs.FS, words tokens) error {
	rendered, err := render(files, words)
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithVerbose(false)}
	if dialect == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // look each second, for five minutes
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, pool, rendered, options...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	return up(ctx, p)
}

// up applies what is missing. SQLite has no lock for that: a process that comes second fails, and looks again
// as long as the others get on.
func up(ctx context.Context, p *goose.Provider) error {
	for before := int64(-1); ; {
		_, err := p.Up(ctx)
		if err == nil {
			return nil
		}
		version, unread := p.GetDBVersion(ctx)
		if unread != nil || version == before {
			return fmt.Errorf("migrate: %w", mapped(err))
		}
		before = version
	}
}

func render(files fs.FS, words tokens) (fs.FS, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return nil, errors.Join(err, errors.New("no migrations found"))
	}
	out := fstest.MapFS{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		t, err := template.New(name).Option("missingkey=error").Parse(string(text))
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		b.WriteString("-- +goose Up\n")
		if err := t.Execute(&b, words); err != nil {
			return nil, err
		}
		out[name] = &fstest.MapFile{Data: []byte(words.spell(b.String()))}
	}
	return out, nil
}
