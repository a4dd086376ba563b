package db

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"slices"
)

// keptStatements is how many prepared statements a connection keeps. The platform has fewer texts; searches
// with optional parts make more.
const keptStatements = 500

// liteConn is one connection with its prepared statements.
type liteConn struct {
	c     driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
	set   []any    // one set of parameters, while it is bound
	rows  liteRows // the one result that may be open
}

func (c *liteConn) close() error {
	c.forget()
	return c.c.Close()
}

func (c *liteConn) forget() {
	for _, s := range c.stmts {
		s.Close()
	}
	clear(c.stmts)
}

// trim forgets the statements when there are too many. None may be running.
func (c *liteConn) trim() {
	if len(c.stmts) > keptStatements {
		c.forget()
	}
}

func (c *liteConn) prepare(text string) (driver.Stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	s, err := c.c.Prepare(text)
	if err != nil {
		return nil, fmt.Errorf("%w in %q", err, text)
	}
	c.stmts[text] = s
	return s, nil
}

// run executes a statement without parameters.
func (c *liteConn) run(text string) error {
	_, err := c.exec(context.Background(), text)
	return err
}

// exec runs a statement with the parameters bound before.
func (c *liteConn) exec(ctx context.Context, text string) (int64, error) {
	s, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	return execStmt(ctx, s, c.bound())
}

func execStmt(ctx context.Context, s driver.Stmt, args []driver.NamedValue) (int64, error) {
	r, err := s.(driver.StmtExecContext).ExecContext(ctx, args)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// bound returns the parameters bound since the last statement.
func (c *liteConn) bound() []driver.NamedValue {
	args := c.args
	c.args = c.args[:0]
	return args
}

func (c *liteConn) bindValue(i int, v any) {
	c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: sqliteValue(v)})
}

func (c *liteConn) bind(args []any) error {
	for i, a := range args {
		v, err := plain(a)
		if err != nil {
			c.args = c.args[:0]
			return fmt.Errorf("parameter %d: %w", i+1, err)
		}
		c.bindValue(i, v)
	}
	return nil
}

// bindRow binds a row behind those bound before.
func (c *liteConn) bindRow(types []Type, row []any) error {
	first := len(c.args)
	err := typedRow(types, row, func(i int, v any) { c.bindValue(first+i, v) })
	if err != nil {
		c.args = c.args[:0]
	}
	return err
}

// bindMarks binds a set of parameters of q, each where it stands.
func (c *liteConn) bindMarks(q *Query, row []any) error {
	c.set = c.set[:0]
	if err := typedRow(q.params, row, func(_ int, v any) { c.set = append(c.set, v) }); err != nil {
		c.args = c.args[:0]
		return err
	}
	for _, p := range q.marks {
		c.bindValue(len(c.args), c.set[p])
	}
	return nil
}

func (c *liteConn) query(ctx context.Context, s driver.Stmt) (*liteRows, error) {
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, c.bound())
	if err != nil {
		return nil, err
	}
	r := &c.rows
	r.rows, r.err, r.ctx = rows, nil, ctx
	if n := len(rows.Columns()); n <= cap(r.vals) {
		r.vals = r.vals[:n]
	} else {
		r.vals = make([]driver.Value, n)
	}
	return r, nil
}

// liteTx is one transaction. A statement that watches its context costs a goroutine and four microseconds,
// so only those do that may run long: not those of a Batch, and not the single ones of a set.
type liteTx struct {
	c        *liteConn
	readOnly bool
	short    bool
}

func (t *liteTx) watched(ctx context.Context) context.Context {
	if t.short {
		return context.Background()
	}
	return ctx
}

func (t *liteTx) exec(ctx context.Context, text string, args []any) (int64, error) {
	if err := t.c.bind(args); err != nil {
		return 0, err
	}
	n, err := t.c.exec(t.watched(ctx), text)
	return n, t.judged(err)
}

// judged tells a write in a read from a file that may not be written.
func (t *liteTx) judged(err error) error {
	if err != nil && t.readOnly && isReadOnly(err) {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

func (t *liteTx) query(ctx context.Context, text string, args []any) (Rows, error) {
	s, err := t.c.prepare(text)
	if err != nil {
		return nil, err
	}
	if err := t.c.bind(args); err != nil {
		return nil, err
	}
	rows, err := t.c.query(t.watched(ctx), s)
	if err != nil {
		return nil, t.judged(err)
	}
	return rows, nil
}

// liteRun is how many rows one insert takes: each statement costs a microsecond beside its rows.
const liteRun = 16

func (t *liteTx) insert(ctx context.Context, tab *Table, rows [][]any) (int64, error) {
	whole := len(rows) - len(rows)%liteRun
	bind := func(row []any) error { return t.c.bindRow(tab.types, row) }
	n, err := t.loop(ctx, tab.lites, rows[:whole], liteRun, bind)
	if err != nil {
		return n, err
	}
	k, err := t.loop(ctx, tab.lite, rows[whole:], 1, bind)
	return n + k, err
}

func (t *liteTx) later(ctx context.Context, tab *Table, rows [][]any) error {
	_, err := t.insert(ctx, tab, rows)
	return err
}

func (t *liteTx) each(ctx context.Context, q *Query, rows [][]any) (int64, error) {
	return t.loop(ctx, q.lites[1], rows, 1, func(row []any) error { return t.c.bindMarks(q, row) })
}

// loop runs a statement that takes run rows until all are done.
func (t *liteTx) loop(ctx context.Context, text string, rows [][]any, run int, bind func(row []any) error) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	s, err := t.c.prepare(text)
	if err != nil {
		return 0, err
	}
	var n int64
	for some := range slices.Chunk(rows, run) {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		for _, r := range some {
			if err := bind(r); err != nil {
				return n, err
			}
		}
		k, err := execStmt(context.Background(), s, t.c.bound())
		if err != nil {
			return n, t.judged(err)
		}
		n += k
	}
	return n, nil
}

// find runs the select for some keys at a time. SQLite has one writer, so nothing needs a lock.
func (t *liteTx) find(ctx context.Context, q *Query, _ bool, keys [][]any, each func(int, Row) error) error {
	for at := 0; at < len(keys); {
		if err := ctx.Err(); err != nil {
			return err
		}
		run := 1
		for _, n := range liteFinds {
			if run == 1 && len(keys)-at >= n {
				run = n
			}
		}
		if err := t.findRun(q, q.lites[run], keys[at:at+run], at, each); err != nil {
			return err
		}
		at += run
	}
	return nil
}

func (t *liteTx) findRun(q *Query, text string, keys [][]any, first int, each func(int, Row) error) error {
	s, err := t.c.prepare(text)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := t.c.bindMarks(q, k); err != nil {
			return err
		}
	}
	rows, err := t.c.query(context.Background(), s)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		i, ok := rows.vals[0].(int64)
		if !ok {
			return fmt.Errorf("db: a row without the number of its key in %q", text)
		}
		if err := each(first+int(i), foundRow{rows}); err != nil {
			return err
		}
	}
	return rows.err
}

// foundRow is a row of find without the number of its key.
type foundRow struct{ r *liteRows }

func (f foundRow) Scan(dest ...any) error { return scanInto(dest, f.r.vals[1:]) }

// liteRows is the open result of a connection.
type liteRows struct {
	ctx  context.Context
	rows driver.Rows // nil when closed
	vals []driver.Value
	err  error
}

func (r *liteRows) Next() bool {
	if r.err != nil || r.rows == nil {
		return false
	}
	if r.err = r.ctx.Err(); r.err != nil {
		return false
	}
	switch err := r.rows.Next(r.vals); err {
	case nil:
		return true
	case io.EOF:
	default:
		r.err = err
	}
	return false
}

func (r *liteRows) Scan(dest ...any) error { return scanInto(dest, r.vals) }

func scanInto(dest []any, vals []driver.Value) error {
	if len(dest) != len(vals) {
		return fmt.Errorf("db: %d columns read into %d places", len(vals), len(dest))
	}
	for i, d := range dest {
		if err := fill(d, liteCell{vals[i]}); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *liteRows) Err() error { return r.err }

func (r *liteRows) Close() {
	if r.rows == nil {
		return
	}
	if err := r.rows.Close(); err != nil && r.err == nil {
		r.err = err
	}
	r.rows = nil
}
