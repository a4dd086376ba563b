package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

// Limits of the write-ahead log in bytes. A checkpoint rewrites each hot page, so it comes late: when
// the log is large, or when nobody is writing.
const (
	walLarge = 256 << 20
	walSmall = 1 << 20
)

// lite is an SQLite database: one writing connection and a few reading ones, used directly through the
// driver, since database/sql adds a lock and a copy to every statement.
type lite struct {
	path    string
	cache   int
	writer  *liteConn
	broken  bool // the writer met a storage fault and is opened anew
	checker *liteConn
	checkMu sync.Mutex
	written atomic.Int64 // transactions committed
	seen    int64        // of those, at the last look of maintain

	free chan *liteConn // idle readers
	room chan struct{}  // one token for each reader that may still be opened
}

func openSQLite(path string, o Options) (*lite, error) {
	if path == "" {
		return nil, errors.New("sqlite: needs a path")
	}
	l := &lite{path: path, cache: o.CacheMiB, free: make(chan *liteConn, o.Readers), room: make(chan struct{}, o.Readers)}
	for range o.Readers {
		l.room <- struct{}{}
	}
	var err error
	if l.writer, err = l.open(l.cache, false); err != nil {
		return nil, mapped(fmt.Errorf("open %s: %w", path, err))
	}
	return l, nil
}

func (l *lite) name() string { return "sqlite" }

// uri names the file for the driver. In a URI "#" and "?" would end the path.
func (l *lite) uri() string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(l.path)
}

// open makes a connection with its settings. synchronous is full always: an answered request survives a
// power cut.
func (l *lite) open(cacheMiB int, readOnly bool) (*liteConn, error) {
	c, err := (&sqlite.Driver{}).Open(l.uri())
	if err != nil {
		return nil, err
	}
	lc := &liteConn{c: c, stmts: map[string]driver.Stmt{}}
	pragmas := []string{
		"pragma busy_timeout = 5000", "pragma journal_mode = wal", "pragma synchronous = full",
		"pragma foreign_keys = on", "pragma wal_autocheckpoint = 0", "pragma temp_store = memory",
		"pragma journal_size_limit = 67108864", fmt.Sprintf("pragma cache_size = -%d", cacheMiB<<10),
	}
	if readOnly {
		pragmas = append(pragmas, "pragma query_only = on")
	}
	for _, p := range pragmas {
		if err := lc.run(p); err != nil {
			lc.close()
			return nil, err
		}
	}
	return lc, nil
}

func (l *lite) transact(ctx context.Context, tx *Tx, body func(*Tx) error) (outcome, error) {
	if l.broken {
		if err := l.reopen(); err != nil {
			return failed, err
		}
	}
	w := l.writer
	if err := w.run("begin immediate"); err != nil {
		return failed, err
	}
	tx.engine = &liteTx{c: w}
	err := body(tx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		l.rollback(err)
		return failed, err
	}
	if err := w.run("commit"); err != nil {
		l.broken = true
		l.rollback(err)
		if err = mapped(err); errors.Is(err, ErrStorage) {
			// The log may hold the commit although its sync failed; only a restart would show it.
			return unknown, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		return failed, err
	}
	l.written.Add(1)
	return committed, nil
}

func (l *lite) rollback(cause error) {
	cause = mapped(cause)
	if errors.Is(cause, ErrFull) || errors.Is(cause, ErrStorage) {
		l.broken = true
	}
	// SQLite may have rolled back by itself; then this says so and nothing is lost.
	if err := l.writer.run("rollback"); err != nil && !errors.Is(cause, ErrFull) {
		l.broken = true
	}
}

func (l *lite) reopen() error {
	l.writer.close()
	w, err := l.open(l.cache, false)
	if err != nil {
		return err
	}
	l.writer, l.broken = w, false
	return nil
}

func (l *lite) read(ctx context.Context, tx *Tx, body func(*Tx) error) error {
	c, err := l.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { l.free <- c }()
	if err := c.run("begin"); err != nil {
		return err
	}
	defer c.run("rollback")
	tx.engine = &liteTx{c: c, ctx: ctx}
	return body(tx)
}

func (l *lite) reader(ctx context.Context) (*liteConn, error) {
	select {
	case c := <-l.free:
		return c, nil
	default:
	}
	select {
	case c := <-l.free:
		return c, nil
	case <-l.room:
		c, err := l.open(16, true)
		if err != nil {
			l.room <- struct{}{}
		}
		return c, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// maintain moves the log into the database: in the background when it is large or nobody writes. The
// writer itself then starts the log anew with its next transaction.
func (l *lite) maintain(_ context.Context, idle bool) error {
	info, err := os.Stat(l.path + "-wal")
	if err != nil {
		return nil // no log, nothing to do
	}
	written := l.written.Load()
	quiet := idle && written == l.seen
	l.seen = written
	if info.Size() < walSmall || (info.Size() < walLarge && !quiet) {
		return nil
	}
	l.checkMu.Lock()
	defer l.checkMu.Unlock()
	if l.checker == nil {
		if l.checker, err = l.open(1, false); err != nil {
			return err
		}
	}
	mode := "passive"
	if quiet {
		mode = "truncate"
	}
	if err := l.checker.run("pragma wal_checkpoint(" + mode + ")"); err != nil && !errors.Is(mapped(err), ErrConflict) {
		return err
	}
	return nil
}

func (l *lite) migrate(ctx context.Context, files fs.FS) error {
	pool, err := sql.Open("sqlite", l.uri()+"?_pragma=busy_timeout(30000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer pool.Close()
	return runMigrations(ctx, goose.DialectSQLite3, pool, files, sqliteTokens)
}

func (l *lite) close() error {
	for {
		select {
		case c := <-l.free:
			c.close()
			continue
		default:
		}
		break
	}
	if l.checker != nil {
		l.checker.close()
	}
	return l.writer.close()
}

// liteConn is one connection with its prepared statements.
type liteConn struct {
	c     driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
}

func (c *liteConn) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	return c.c.Close()
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
	s, err := c.prepare(text)
	if err != nil {
		return err
	}
	_, err = s.(driver.StmtExecContext).ExecContext(context.Background(), nil)
	return err
}

func (c *liteConn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: sqliteValue(a)})
	}
	return c.args
}

func (c *liteConn) exec(text string, args []any) (int64, error) {
	s, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	r, err := s.(driver.StmtExecContext).ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// liteTx is one transaction. ctx ends long reads; the writer's statements are short and run to their end,
// since watching a context costs a goroutine a statement.
type liteTx struct {
	c   *liteConn
	ctx context.Context
}

func (t *liteTx) exec(_ context.Context, text string, args []any) (int64, error) {
	return t.c.exec(text, args)
}

func (t *liteTx) query(_ context.Context, text string, args []any) (Rows, error) {
	s, err := t.c.prepare(text)
	if err != nil {
		return nil, err
	}
	ctx := t.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, t.c.bind(args))
	if err != nil {
		return nil, err
	}
	return &liteRows{rows: rows, vals: make([]driver.Value, len(rows.Columns()))}, nil
}

func (t *liteTx) insert(_ context.Context, tab *Table, rows [][]any) (int64, error) {
	return t.loop(tab.single, rows)
}

func (t *liteTx) later(_ context.Context, tab *Table, rows [][]any) error {
	_, err := t.loop(tab.single, rows)
	return err
}

func (t *liteTx) each(_ context.Context, q *Query, rows [][]any) (int64, error) {
	return t.loop(q.single, rows)
}

func (t *liteTx) loop(text string, rows [][]any) (int64, error) {
	var n int64
	for _, r := range rows {
		k, err := t.c.exec(text, r)
		if err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

// find runs the select for each key. SQLite has one writer, so nothing needs a lock.
func (t *liteTx) find(ctx context.Context, q *Query, _ bool, keys [][]any, each func(int, Row) error) error {
	for i, k := range keys {
		rows, err := t.query(ctx, q.single, k)
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := each(i, rows); err != nil {
				rows.Close()
				return err
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

type liteRows struct {
	rows driver.Rows
	vals []driver.Value
	err  error
}

func (r *liteRows) Next() bool {
	if r.err != nil {
		return false
	}
	if err := r.rows.Next(r.vals); err != nil {
		if err != io.EOF {
			r.err = err
		}
		return false
	}
	return true
}

func (r *liteRows) Scan(dest ...any) error {
	if len(dest) != len(r.vals) {
		return fmt.Errorf("db: %d columns read into %d places", len(r.vals), len(dest))
	}
	for i, d := range dest {
		if err := fill(d, r.vals[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *liteRows) Err() error { return mapped(r.err) }

func (r *liteRows) Close() { r.rows.Close() }
