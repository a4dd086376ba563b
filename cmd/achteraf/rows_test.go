package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"
)

// query reads rows of a database that the program is using, past the program. sqlite:PATH or postgres://…
func query(ctx context.Context, url, statement string) ([][]any, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		return querySQLite(ctx, path, statement)
	}
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
}

func querySQLite(ctx context.Context, path, statement string) (all [][]any, err error) {
	d, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	rows, err := d.QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]any, len(names))
		into := make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// number reads one whole number.
func number(ctx context.Context, url, statement string) (int64, error) {
	rows, err := query(ctx, url, statement)
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 || len(rows[0]) != 1 {
		return 0, fmt.Errorf("%s: wants one number", statement)
	}
	n, ok := rows[0][0].(int64)
	if !ok {
		return 0, fmt.Errorf("%s: %T is no number", statement, rows[0][0])
	}
	return n, nil
}

// restless tables are the engine's own: they change while a platform only waits, or tries and refuses.
var restless = []string{"leases", "outcomes"}

// contents is a hash of all rows of each table.
func contents(ctx context.Context, url string) (map[string]string, error) {
	list := `select tablename from pg_tables where schemaname = 'public'`
	if strings.HasPrefix(url, "sqlite:") {
		list = `select name from sqlite_master where type = 'table'`
	}
	tables, err := query(ctx, url, list)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, t := range tables {
		name := fmt.Sprint(t[0])
		if slices.Contains(restless, name) {
			continue
		}
		rows, err := query(ctx, url, "select * from "+name)
		if err != nil {
			return nil, err
		}
		texts := make([]string, len(rows))
		for i, r := range rows {
			texts[i] = fmt.Sprintf("%q", r)
		}
		slices.Sort(texts)
		all[name] = fmt.Sprintf("%d rows, %x", len(rows), sha256.Sum256([]byte(strings.Join(texts, "\n"))))
	}
	return all, nil
}
