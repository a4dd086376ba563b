package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"achteraf/calendar"
)

// Tx is one transaction on either engine. Now is business time and Wall is wall time, both read once at
// its start, so all it writes agrees. A Tx is used by one goroutine at a time and not after its function
// returned. After a statement failed the transaction can only be rolled back, on both engines.
type Tx struct {
	Now  calendar.Instant
	Wall calendar.Instant

	db       *DB
	engine   engineTx
	ctx      context.Context // all statements run within it; that of a write ends with its time, not with its caller
	slot     *slot           // nil in a read
	short    bool            // each statement is short: those of a Batch look keys up and write rows
	position Position
	versions map[string]int64 // of Version, as read; -1 once bumped here
	counted  bool             // versions was read
	spoilt   error            // of the first statement that failed
	reading  *result          // the open result of Query
	inside   bool             // a function given to Find, Lock or Each is running
}

var (
	errEnded  = errors.New("db: this transaction has ended")
	errOpen   = errors.New("db: a result is still being read")
	errClosed = fmt.Errorf("%w: it is closed", ErrLost)
)

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

// ready says whether a statement may run now, and within which context: that of the caller is only asked.
func (tx *Tx) ready(ctx context.Context) (context.Context, error) {
	switch {
	case tx.spoilt != nil:
		return nil, fmt.Errorf("after an error in this transaction: %w", tx.spoilt)
	case tx.inside || tx.reading != nil:
		return nil, errOpen
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return tx.ctx, tx.ctx.Err()
}

// note keeps the first error of a statement.
func (tx *Tx) note(err error) error {
	if err == nil {
		return nil
	}
	err = mapped(err)
	if tx.spoilt == nil {
		tx.spoilt = err
	}
	return err
}

// left closes a result that a function left open. Its error says why the transaction may not be committed.
func (tx *Tx) left() error {
	tx.inside = false
	if tx.reading != nil {
		tx.reading.Close()
		return tx.note(errOpen)
	}
	return tx.spoilt
}

// Exec runs a statement and returns the number of rows it changed.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	ctx, err := tx.ready(ctx)
	if err != nil {
		return 0, err
	}
	n, err := tx.engine.exec(ctx, sql, args)
	return n, tx.note(err)
}

// Query runs a select. Close the rows before the next statement of this Tx.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (Rows, error) {
	ctx, err := tx.ready(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.engine.query(ctx, sql, args)
	if err != nil {
		return nil, tx.note(err)
	}
	tx.reading = &result{tx: tx, rows: rows}
	return tx.reading, nil
}

// result is an open result of Query.
type result struct {
	tx   *Tx
	rows Rows
}

func (r *result) Next() bool {
	if r.rows.Next() {
		return true
	}
	r.tx.note(r.rows.Err())
	return false
}

func (r *result) Scan(dest ...any) error { return mapped(r.rows.Scan(dest...)) }

func (r *result) Err() error { return r.tx.note(r.rows.Err()) }

func (r *result) Close() {
	r.rows.Close()
	if r.tx.reading == r {
		r.tx.reading = nil
		r.tx.note(r.rows.Err())
	}
}

// Each calls f for each row of a select. f runs no statement.
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
	return rows.Err()
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
			return err
		}
		return ErrNone
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

// Insert writes rows, each in the order of the table's columns, and returns how many were written
// (fewer than given only where the table's conflict clause says so).
func (tx *Tx) Insert(ctx context.Context, t *Table, rows [][]any) (int64, error) {
	ctx, err := tx.ready(ctx)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	n, err := tx.engine.insert(ctx, t, rows)
	return n, about(t.name, tx.note(err))
}

// Put is Insert for rows that must all be new. PostgreSQL gets them together with the next statement or the commit, or
// at once when they are many, but is not waited for: a duplicate key may only show there.
func (tx *Tx) Put(ctx context.Context, t *Table, rows [][]any) error {
	ctx, err := tx.ready(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	return about(t.name, tx.note(tx.engine.later(ctx, t, rows)))
}

// Change runs an update or delete once for each set of parameters and returns how many rows changed.
// No two sets may meet the same row. Rows are locked in the order of the sets, so give these in sorted order, as to
// Lock, where others may change the same rows. (On PostgreSQL that holds because a connection joins by nested loops only.)
func (tx *Tx) Change(ctx context.Context, q *Query, rows [][]any) (int64, error) {
	ctx, err := tx.ready(ctx)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	n, err := tx.engine.each(ctx, q, rows)
	return n, tx.note(err)
}

// Find runs a select once for each key and calls each with the key's index for every row found, in the
// order of the keys. each runs no statement.
func (tx *Tx) Find(ctx context.Context, q *Query, keys [][]any, each func(i int, r Row) error) error {
	return tx.find(ctx, q, false, keys, each)
}

// Lock is Find that also locks the rows until the end of the transaction. Give the keys in sorted order:
// two transactions then never wait for each other in a circle.
func (tx *Tx) Lock(ctx context.Context, q *Query, keys [][]any, each func(i int, r Row) error) error {
	return tx.find(ctx, q, true, keys, each)
}

func (tx *Tx) find(ctx context.Context, q *Query, lock bool, keys [][]any, each func(i int, r Row) error) error {
	ctx, err := tx.ready(ctx)
	if err != nil || len(keys) == 0 {
		return err
	}
	var refused error
	tx.inside = true
	err = tx.engine.find(ctx, q, lock, keys, func(i int, r Row) error {
		refused = each(i, r)
		return refused
	})
	tx.inside = false
	if refused != nil {
		return refused
	}
	return tx.note(err)
}

func about(table string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("table %s: %w", table, err)
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
	number int // among the slots of this process run
	writer string
	seq    int64
	born   calendar.Instant

	mark   string // names the slot in table outcomes, on PostgreSQL
	turn   int64  // number of the transaction at hand, its failed tries counted
	marked int64  // turn of the mark that stands there
	fenced bool   // other marks or fences may stand there too
}

// take begins the slot's next transaction.
func (s *slot) take(tx *Tx) {
	if s.mark == "" {
		s.mark = tx.db.writers.next("s", tx.db.opts.Wall())
	}
	s.turn++
}

// writerLife is how long a writer's name is used. The sealer looks for commits of writers that began
// within twice this time, so that dead ones cost nothing.
const writerLife = 24 * time.Hour

func (s *slot) name(tx *Tx) {
	if s.writer == "" || tx.Wall.Sub(s.born) > writerLife {
		s.writer, s.seq, s.born = tx.db.writers.next("w", tx.Wall), 0, tx.Wall
	}
}

// settled tells the slot how the transaction ended. After an outcome that stays unknown the writer's
// name is given up: whether its last number exists does not matter to the next.
func (s *slot) settled(p Position, how outcome) {
	switch {
	case how == unknown:
		s.writer = ""
	case how == committed && p.Count > 0:
		s.seq++
	}
}

const (
	tries     = 8  // of a transaction that meets conflicts
	triesLost = 14 // of one that loses its connection: about four seconds, as a server takes to start anew
)

// again waits before a transaction that failed is tried once more, and says whether it is. Slots wait
// different times, so that two that met do not meet again.
func (s *slot) again(ctx context.Context, try int, err error) bool {
	switch {
	case errors.Is(err, ErrConflict) && try < tries, errors.Is(err, ErrLost) && try < triesLost:
	default:
		return false
	}
	if try == 1 {
		return ctx.Err() == nil
	}
	wait := time.Millisecond << min(try-1, 9)
	t := time.NewTimer(wait + wait*time.Duration(s.number%8)/8)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
