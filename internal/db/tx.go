package db

import (
	"context"
	"fmt"

	"achteraf/calendar"
)

// Tx is one transaction on either engine. Now is business time and Wall is wall time, both read once at
// its start, so all it writes agrees. A Tx is used by one goroutine at a time.
type Tx struct {
	Now  calendar.Instant
	Wall calendar.Instant

	db       *DB
	engine   engineTx
	slot     *slot // nil in a read
	position Position
}

// Position is the place of a posting transaction among those of its writer. The ledger counts its
// entries here; a savepoint that rolls back takes the count back with it.
type Position struct {
	Writer string
	Seq    int64
	Count  int64    // entries so far
	Digest [32]byte // running digest over the entries so far
}

// engineTx is what an engine does for a Tx.
type engineTx interface {
	exec(ctx context.Context, sql string, args []any) (int64, error)
	query(ctx context.Context, sql string, args []any) (Rows, error)
	insert(ctx context.Context, t *Table, rows [][]any) (int64, error)
	later(ctx context.Context, t *Table, rows [][]any) error
	each(ctx context.Context, q *Query, rows [][]any) (int64, error)
	find(ctx context.Context, q *Query, lock bool, keys [][]any, each func(i int, r Row) error) error
}

// Row is one row that can be read into variables: *string, *int64, *int, *bool, *[]byte,
// *calendar.Instant, *calendar.Date and named kinds of these. NULL becomes the zero value.
type Row interface{ Scan(dest ...any) error }

// Rows is a result that is read row by row and must be closed.
type Rows interface {
	Row
	Next() bool
	Err() error
	Close()
}

// Exec runs a statement and returns the number of rows it changed.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	n, err := tx.engine.exec(ctx, sql, args)
	return n, mapped(err)
}

// Query runs a select. Close the rows before the next statement of this Tx.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (Rows, error) {
	rows, err := tx.engine.query(ctx, sql, args)
	return rows, mapped(err)
}

// Each calls f for each row of a select.
func (tx *Tx) Each(ctx context.Context, sql string, args []any, f func(Row) error) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return mapped(rows.Err())
}

// QueryRow reads one row into dest. Error: ErrNone when there is none.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args []any, dest ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return mapped(err)
		}
		return ErrNone
	}
	return mapped(rows.Scan(dest...))
}

// Insert writes rows, each in the order of the table's columns, and returns how many were written
// (fewer than given only where the table's conflict clause says so).
func (tx *Tx) Insert(ctx context.Context, t *Table, rows [][]any) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	n, err := tx.engine.insert(ctx, t, rows)
	return n, tx.about(t.name, err)
}

// Put is Insert for rows that must all be new. PostgreSQL sends them together with the next statement or
// the commit, so a duplicate key may only show there.
func (tx *Tx) Put(ctx context.Context, t *Table, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.about(t.name, tx.engine.later(ctx, t, rows))
}

// Change runs an update or delete once for each set of parameters and returns how many rows changed.
// No two sets may meet the same row.
func (tx *Tx) Change(ctx context.Context, q *Query, rows [][]any) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	n, err := tx.engine.each(ctx, q, rows)
	return n, mapped(err)
}

// Find runs a select once for each key and calls each with the key's index for every row found, in the
// order of the keys.
func (tx *Tx) Find(ctx context.Context, q *Query, keys [][]any, each func(i int, r Row) error) error {
	return tx.find(ctx, q, false, keys, each)
}

// Lock is Find that also locks the rows until the end of the transaction. Give the keys in sorted order:
// two transactions then never wait for each other in a circle.
func (tx *Tx) Lock(ctx context.Context, q *Query, keys [][]any, each func(i int, r Row) error) error {
	return tx.find(ctx, q, true, keys, each)
}

func (tx *Tx) find(ctx context.Context, q *Query, lock bool, keys [][]any, each func(i int, r Row) error) error {
	if len(keys) == 0 {
		return nil
	}
	return mapped(tx.engine.find(ctx, q, lock, keys, each))
}

func (tx *Tx) about(table string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("table %s: %w", table, mapped(err))
}

// ID makes a time-ordered identifier such as "ord_0h2k…".
func (tx *Tx) ID(prefix string) string { return tx.db.ids.next(prefix, tx.Now) }

// Engine is "sqlite" or "postgres".
func (tx *Tx) Engine() string { return tx.db.Engine() }

// Position returns the transaction's place among those of its writer. Only the ledger changes it.
func (tx *Tx) Position() *Position {
	if tx.position.Writer == "" && tx.slot != nil {
		tx.slot.name(tx)
		tx.position.Writer, tx.position.Seq = tx.slot.writer, tx.slot.seq
	}
	return &tx.position
}

// slot is one place in which write transactions follow one another. Its writer's numbers are gap-free
// in commit order, because the next number is given only once the outcome of the last one is known.
type slot struct {
	writer string
	seq    int64
	born   calendar.Instant
}

// writerLife is how long a writer's name is used. The sealer looks for commits of writers that began
// within twice this time, so that dead ones cost nothing.
const writerLife = 24 * 3600 * 1e9

func (s *slot) name(tx *Tx) {
	if s.writer == "" || tx.Wall.Sub(s.born) > writerLife {
		s.writer, s.seq, s.born = tx.db.writers.next("w", tx.Wall), 0, tx.Wall
	}
}

// settled tells the slot how the transaction ended. After an outcome that stays unknown the writer's
// name is given up: whether its last number exists does not matter to the next.
func (s *slot) settled(p Position, committed, unknown bool) {
	switch {
	case unknown:
		s.writer = ""
	case committed && p.Count > 0:
		s.seq++
	}
}
