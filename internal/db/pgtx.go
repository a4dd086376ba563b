package db

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// smallSet is the size up to which PostgreSQL gets pipelined single statements instead of unnest:
// below four rows the arrays cost more than the round trip they save.
const smallSet = 3

// rollbackTime is how long the answer to a rollback may take before the connection is closed instead. What was sent ahead
// is waited for before that, for as long as its own context lasts.
const rollbackTime = 5 * time.Second

// largeSet is the size from which on a set that needs no answer is sent at once: the server works on it while the
// transaction thinks on.
const largeSet = 100

// pgTx is one transaction. What needs no answer yet waits in batch and goes out with the next statement, or was sent
// ahead.
type pgTx struct {
	c        *pgx.Conn
	batch    *pgx.Batch
	ahead    pgx.BatchResults // of what was sent and not asked for yet, or nil
	began    bool
	wrote    bool // something other than a select was sent or waits
	readOnly bool
	slot     *slot // nil in a read
	xid      string
}

func newPgTx(c *pgx.Conn, begin string) *pgTx {
	t := &pgTx{c: c, batch: &pgx.Batch{}}
	t.batch.Queue(begin)
	return t
}

func (t *pgTx) queue(sql string, args []any, changed *int64) {
	t.wrote = true
	q := t.batch.Queue(sql, args...)
	if changed != nil {
		q.Exec(func(ct pgconn.CommandTag) error { *changed += ct.RowsAffected(); return nil })
	}
}

func (t *pgTx) take() *pgx.Batch {
	b := t.batch
	t.batch, t.began = &pgx.Batch{}, true
	return b
}

func (t *pgTx) flush(ctx context.Context) error {
	if err := t.settle(); err != nil || t.batch.Len() == 0 {
		return err
	}
	return t.judged(t.c.SendBatch(ctx, t.take()).Close())
}

// settle takes the answers to what was sent ahead.
func (t *pgTx) settle() error {
	if t.ahead == nil {
		return nil
	}
	sent := t.ahead
	t.ahead = nil
	return t.judged(sent.Close())
}

func (t *pgTx) rollback() {
	_ = t.settle() // what failed there is undone too
	if !t.began || t.c.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTime)
	defer cancel()
	if _, err := t.c.Exec(ctx, "rollback"); err != nil {
		t.c.Close(ctx)
	}
}

// judged tells a write in a read from a server that has become a stand-by.
func (t *pgTx) judged(err error) error {
	if err != nil && t.readOnly && isReadOnly(err) {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

func (t *pgTx) exec(ctx context.Context, sql string, args []any) (int64, error) {
	values, err := pgArgs(args)
	if err != nil {
		return 0, err
	}
	var n int64
	t.queue(sql, values, &n)
	err = t.flush(ctx)
	return n, err
}

func (t *pgTx) insert(ctx context.Context, tab *Table, rows [][]any) (int64, error) {
	var n int64
	if err := t.add(tab.single, tab.set, tab.types, rows, &n); err != nil {
		return 0, err
	}
	err := t.flush(ctx)
	return n, err
}

func (t *pgTx) later(ctx context.Context, tab *Table, rows [][]any) error {
	err := t.add(tab.single, tab.set, tab.types, rows, nil)
	if err == nil && len(rows) >= largeSet && t.ahead == nil {
		t.ahead = t.c.SendBatch(ctx, t.take())
	}
	return err
}

func (t *pgTx) each(ctx context.Context, q *Query, rows [][]any) (int64, error) {
	var n int64
	if err := t.add(q.single, q.set, q.params, rows, &n); err != nil {
		return 0, err
	}
	err := t.flush(ctx)
	return n, err
}

// add queues one statement for a set of rows, or one for each of a few.
func (t *pgTx) add(single, set string, types []Type, rows [][]any, n *int64) error {
	if len(rows) > smallSet {
		args, err := pgArrays(types, rows)
		if err == nil {
			t.queue(set, args, n)
		}
		return err
	}
	for _, r := range rows {
		args, err := pgRow(types, r)
		if err != nil {
			return err
		}
		t.queue(single, args, n)
	}
	return nil
}

func (t *pgTx) find(ctx context.Context, q *Query, lock bool, keys [][]any, each func(int, Row) error) error {
	if err := t.queueFind(q, lock, keys, each, func(read reader) reader { return read }); err != nil {
		return err
	}
	return t.flush(ctx)
}

// reader takes the rows of one statement.
type reader = func(pgx.Rows) error

// queueFind queues a select for each key, or one for all. Each result goes to what wrapped makes of its reader.
func (t *pgTx) queueFind(q *Query, lock bool, keys [][]any, each func(int, Row) error, wrapped func(reader) reader) error {
	if len(keys) > smallSet {
		args, err := pgArrays(q.params, keys)
		if err != nil {
			return err
		}
		t.batch.Queue(q.manySQL(lock), args...).Query(wrapped(readSet(each)))
		return nil
	}
	for i, k := range keys {
		args, err := pgRow(q.params, k)
		if err != nil {
			return err
		}
		t.batch.Queue(q.oneSQL(lock), args...).Query(wrapped(func(rows pgx.Rows) error {
			r := &pgRows{rows: rows}
			for rows.Next() {
				if err := each(i, r); err != nil {
					return err
				}
			}
			return rows.Err()
		}))
	}
	return nil
}

// readSet reads a select whose first column is the number of the key.
func readSet(each func(int, Row) error) reader {
	return func(rows pgx.Rows) error {
		r := &pgRows{rows: rows, skip: 1}
		for rows.Next() {
			raw := rows.RawValues()[0]
			if len(raw) != 8 {
				return errors.New("db: the key's number did not come as eight bytes")
			}
			if err := each(int(binary.BigEndian.Uint64(raw))-1, r); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

func (t *pgTx) query(ctx context.Context, sql string, args []any) (Rows, error) {
	t.wrote = t.wrote || !isSelect(sql)
	values, err := pgArgs(args)
	if err != nil {
		return nil, err
	}
	if err := t.settle(); err != nil {
		return nil, err
	}
	if t.batch.Len() == 0 {
		rows, err := t.c.Query(ctx, sql, values...)
		if err != nil {
			return nil, t.judged(err)
		}
		return &pgRows{rows: rows, tx: t}, nil
	}
	b := t.take()
	waiting := b.QueuedQueries
	b.Queue(sql, values...)
	results := t.c.SendBatch(ctx, b)
	rows, err := afterWaiting(waiting, results)
	if err != nil {
		return nil, t.judged(errors.Join(err, results.Close()))
	}
	return &pgRows{rows: rows, results: results, tx: t}, nil
}

// afterWaiting reads the results of statements that waited, then returns the rows of the query behind them.
func afterWaiting(waiting []*pgx.QueuedQuery, results pgx.BatchResults) (pgx.Rows, error) {
	for _, q := range waiting {
		if q.Fn == nil {
			if _, err := results.Exec(); err != nil {
				return nil, err
			}
		} else if err := q.Fn(results); err != nil {
			return nil, err
		}
	}
	return results.Query()
}

type pgRows struct {
	rows    pgx.Rows
	results pgx.BatchResults // to close after the rows, or nil
	tx      *pgTx
	skip    int // columns before those asked for
	err     error
}

func (r *pgRows) Next() bool { return r.rows.Next() }

func (r *pgRows) Err() error {
	if r.err != nil {
		return r.err
	}
	if err := r.rows.Err(); err != nil {
		return r.tx.judged(err)
	}
	return nil
}

func (r *pgRows) Close() {
	r.rows.Close()
	if r.results != nil {
		if err := r.results.Close(); err != nil && r.rows.Err() == nil {
			r.err = err
		}
		r.results = nil
	}
}

func (r *pgRows) Scan(dest ...any) error {
	return scanCells(r.rows.FieldDescriptions()[r.skip:], r.rows.RawValues()[r.skip:], dest)
}

func scanCells(fields []pgconn.FieldDescription, raw [][]byte, dest []any) error {
	if len(dest) != len(raw) {
		return fmt.Errorf("db: %d columns read into %d places", len(raw), len(dest))
	}
	for i, d := range dest {
		if err := fill(d, pgCell{&fields[i], raw[i]}); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func isSelect(sql string) bool {
	sql = strings.TrimSpace(sql)
	return len(sql) >= 6 && strings.EqualFold(sql[:6], "select")
}
