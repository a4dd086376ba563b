package db

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// readBack is how long the outcome of a lost commit is asked for before it is called unknown.
const readBack = 15 * time.Second

// postgres is a PostgreSQL database. Writes and reads have pools of their own: the planner of a writing
// connection may not choose to read whole tables, however small they were when a plan was made.
type postgres struct {
	writes *pgxpool.Pool
	reads  *pgxpool.Pool
}

func openPostgres(ctx context.Context, url string, o Options) (*postgres, error) {
	p := &postgres{}
	var err error
	steady := map[string]string{"jit": "off", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"statement_timeout": "20000", "idle_in_transaction_session_timeout": "30000", "timezone": "UTC", "plan_cache_mode": "force_generic_plan"}
	if p.writes, err = openPool(ctx, url, o.Connections*3/4, steady); err != nil {
		return nil, err
	}
	free := map[string]string{"jit": "off", "statement_timeout": "600000", "idle_in_transaction_session_timeout": "600000", "timezone": "UTC"}
	if p.reads, err = openPool(ctx, url, max(2, o.Connections/4), free); err != nil {
		p.writes.Close()
		return nil, err
	}
	return p, nil
}

func openPool(ctx context.Context, url string, size int, settings map[string]string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database address cannot be read") // the cause may show its password
	}
	cfg.MaxConns = int32(max(2, size))
	cfg.MaxConnIdleTime = 10 * time.Minute
	for k, v := range settings {
		cfg.ConnConfig.RuntimeParams[k] = v
	}
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, mapped(err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach the database: %w", mapped(err))
	}
	return pool, nil
}

func (p *postgres) name() string { return "postgres" }

func (p *postgres) maintain(context.Context, bool) error { return nil }

func (p *postgres) close() error {
	p.writes.Close()
	p.reads.Close()
	return nil
}

func (p *postgres) migrate(ctx context.Context, files fs.FS) error {
	pool := stdlib.OpenDBFromPool(p.reads)
	defer pool.Close()
	return runMigrations(ctx, goose.DialectPostgres, pool, files, postgresTokens)
}

func (p *postgres) transact(ctx context.Context, tx *Tx, body func(*Tx) error) (outcome, error) {
	c, err := p.writes.Acquire(ctx)
	if err != nil {
		return failed, lost(err)
	}
	defer c.Release()
	t := &pgTx{c: c.Conn()}
	t.queue("begin", nil, nil)
	t.batch.Queue("select pg_current_xact_id()::text").QueryRow(func(r pgx.Row) error { return r.Scan(&t.xid) })
	tx.engine = t
	if err := body(tx); err != nil {
		t.rollback(c)
		return failed, lostWith(err, t.c)
	}
	if t.xid == "" { // nothing was sent yet: learn the number before the commit
		if err := t.flush(ctx); err != nil {
			t.rollback(c)
			return failed, lostWith(err, t.c)
		}
	}
	return p.commit(ctx, c, t)
}

// commit sends what still waits together with the commit. When the connection is lost meanwhile, the
// database is asked how the transaction ended.
func (p *postgres) commit(ctx context.Context, c *pgxpool.Conn, t *pgTx) (outcome, error) {
	tag := ""
	t.batch.Queue("commit").Exec(func(ct pgconn.CommandTag) error { tag = ct.String(); return nil })
	err := t.flush(ctx)
	if err == nil && tag == "COMMIT" {
		return committed, nil
	}
	if err == nil {
		return failed, fmt.Errorf("db: commit ended as %q", tag)
	}
	if _, ok := errors.AsType[*pgconn.PgError](err); ok && !t.c.IsClosed() {
		t.rollback(c)
		return failed, err
	}
	t.c.Close(context.Background())
	return p.outcome(t.xid, err)
}

// outcome asks how transaction xid ended.
func (p *postgres) outcome(xid string, cause error) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), readBack)
	defer cancel()
	for wait := time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 200*time.Millisecond) {
		var status *string
		err := p.reads.QueryRow(ctx, "select pg_xact_status($1::text::xid8)", xid).Scan(&status)
		switch {
		case err == nil && status != nil && *status == "committed":
			return committed, nil
		case err == nil && status != nil && *status == "aborted":
			return failed, fmt.Errorf("%w: %w", ErrLost, cause)
		}
		t := time.NewTimer(wait)
		<-t.C
	}
	return unknown, fmt.Errorf("%w: %w", ErrUnknown, cause)
}

func (p *postgres) read(ctx context.Context, tx *Tx, body func(*Tx) error) error {
	c, err := p.reads.Acquire(ctx)
	if err != nil {
		return lost(err)
	}
	defer c.Release()
	t := &pgTx{c: c.Conn()}
	t.queue("begin isolation level repeatable read read only", nil, nil)
	tx.engine = t
	err = body(tx)
	t.rollback(c)
	return err
}

// lost marks an error met before anything was sent.
func lost(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}

// lostWith marks an error of a transaction whose connection is gone: nothing of it was committed.
func lostWith(err error, c *pgx.Conn) error {
	if c.IsClosed() && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}

// pgTx is one transaction. What needs no answer yet waits in batch and goes out with the next statement.
type pgTx struct {
	c     *pgx.Conn
	batch pgx.Batch
	xid   string
	began bool
}

func (t *pgTx) queue(sql string, args []any, changed *int64) {
	q := t.batch.Queue(sql, args...)
	if changed != nil {
		q.Exec(func(ct pgconn.CommandTag) error { *changed += ct.RowsAffected(); return nil })
	}
}

func (t *pgTx) flush(ctx context.Context) error {
	if t.batch.Len() == 0 {
		return nil
	}
	b := t.batch
	t.batch, t.began = pgx.Batch{}, true
	return t.c.SendBatch(ctx, &b).Close()
}

func (t *pgTx) rollback(c *pgxpool.Conn) {
	if !t.began || t.c.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := t.c.Exec(ctx, "rollback"); err != nil {
		t.c.Close(ctx)
	}
}

func (t *pgTx) exec(ctx context.Context, sql string, args []any) (int64, error) {
	var n int64
	t.queue(sql, pgValues(args), &n)
	err := t.flush(ctx)
	return n, err
}

func (t *pgTx) insert(ctx context.Context, tab *Table, rows [][]any) (int64, error) {
	var n int64
	t.add(tab, rows, &n)
	err := t.flush(ctx)
	return n, err
}

func (t *pgTx) later(_ context.Context, tab *Table, rows [][]any) error {
	t.add(tab, rows, nil)
	return nil
}

func (t *pgTx) add(tab *Table, rows [][]any, n *int64) {
	if len(rows) <= smallSet {
		for _, r := range rows {
			t.queue(tab.single, pgValues(r), n)
		}
		return
	}
	args := make([]any, len(tab.cols))
	for j, c := range tab.cols {
		args[j] = pgColumn(c.Type, rows, j)
	}
	t.queue(tab.set, args, n)
}

func (t *pgTx) each(ctx context.Context, q *Query, rows [][]any) (int64, error) {
	var n int64
	if len(rows) <= smallSet {
		for _, r := range rows {
			t.queue(q.single, pgValues(r), &n)
		}
	} else {
		t.queue(q.set, q.arrays(rows), &n)
	}
	err := t.flush(ctx)
	return n, err
}

func (q *Query) arrays(rows [][]any) []any {
	args := make([]any, len(q.params))
	for j, ty := range q.params {
		args[j] = pgColumn(ty, rows, j)
	}
	return args
}

func (t *pgTx) find(ctx context.Context, q *Query, lock bool, keys [][]any, each func(int, Row) error) error {
	if len(keys) > smallSet {
		sql := q.set
		if lock {
			sql = q.setLok
		}
		return t.findSet(ctx, sql, q.arrays(keys), each)
	}
	sql := q.single
	if lock {
		sql = q.lock
	}
	for i, k := range keys {
		t.batch.Queue(sql, pgValues(k)...).Query(func(rows pgx.Rows) error {
			r := &pgRows{rows: rows}
			for rows.Next() {
				if err := each(i, r); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	}
	return t.flush(ctx)
}

func (t *pgTx) findSet(ctx context.Context, sql string, args []any, each func(int, Row) error) error {
	t.batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		r := &pgRows{rows: rows, keyed: true}
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
	})
	return t.flush(ctx)
}

func (t *pgTx) query(ctx context.Context, sql string, args []any) (Rows, error) {
	if t.batch.Len() == 0 {
		rows, err := t.c.Query(ctx, sql, pgValues(args)...)
		if err != nil {
			return nil, err
		}
		return &pgRows{rows: rows}, nil
	}
	b := t.batch
	t.batch, t.began = pgx.Batch{}, true
	waiting := b.QueuedQueries
	b.Queue(sql, pgValues(args)...)
	results := t.c.SendBatch(ctx, &b)
	for _, q := range waiting {
		if err := answer(q, results); err != nil {
			results.Close()
			return nil, err
		}
	}
	rows, err := results.Query()
	if err != nil {
		results.Close()
		return nil, err
	}
	return &pgRows{rows: rows, results: results}, nil
}

type pgRows struct {
	rows    pgx.Rows
	results pgx.BatchResults
	keyed   bool // the first column is the number of the key
	dest    []any
	after   []func()
}

func (r *pgRows) Next() bool { return r.rows.Next() }

func (r *pgRows) Err() error { return mapped(r.rows.Err()) }

func (r *pgRows) Close() {
	r.rows.Close()
	if r.results != nil {
		r.results.Close()
	}
}

func (r *pgRows) Scan(dest ...any) error {
	r.dest, r.after = r.dest[:0], r.after[:0]
	if r.keyed {
		r.dest = append(r.dest, nil)
	}
	for _, d := range dest {
		target, after := pgDest(d)
		r.dest = append(r.dest, target)
		if after != nil {
			r.after = append(r.after, after)
		}
	}
	if err := r.rows.Scan(r.dest...); err != nil {
		return err
	}
	for _, f := range r.after {
		f()
	}
	return nil
}

// answer reads the result of a statement that waited before a query.
func answer(q *pgx.QueuedQuery, results pgx.BatchResults) error {
	if q.Fn != nil {
		return q.Fn(results)
	}
	_, err := results.Exec()
	return err
}
