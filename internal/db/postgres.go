package db

import (
	"context"
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

const (
	commitTime   = 20 * time.Second       // until a commit without an answer counts as lost
	readBackTime = 15 * time.Second       // until the outcome of a lost commit is called unknown
	patience     = 500 * time.Millisecond // with a lost transaction that is still running, before it is ended
)

// postgres is a PostgreSQL database. Writes and reads have pools of their own: the planner of a writing
// connection may not choose to read whole tables, however small they were when a plan was made.
type postgres struct {
	writes *pgxpool.Pool
	reads  *pgxpool.Pool

	commit, readBack time.Duration // commitTime and readBackTime, but in a test
}

func openPostgres(ctx context.Context, url string, o Options) (*postgres, error) {
	p := &postgres{commit: commitTime, readBack: readBackTime}
	var err error
	steady := map[string]string{"jit": "off", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"statement_timeout": "20000", "idle_in_transaction_session_timeout": "30000", "timezone": "UTC", "plan_cache_mode": "force_generic_plan"}
	if p.writes, err = openPool(ctx, url, o.Connections*3/4, steady); err != nil {
		return nil, err
	}
	free := map[string]string{"jit": "off", "statement_timeout": "600000", "idle_in_transaction_session_timeout": "600000", "timezone": "UTC"}
	if p.reads, err = openPool(ctx, url, o.Connections/4, free); err != nil {
		p.writes.Close()
		return nil, err
	}
	if err := p.durable(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// durable refuses a server that answers before a commit is safe: then an acknowledged order could be lost.
func (p *postgres) durable(ctx context.Context) error {
	var commit, sync string
	err := p.writes.QueryRow(ctx, "select current_setting('synchronous_commit'), current_setting('fsync')").Scan(&commit, &sync)
	if err != nil {
		return mapped(err)
	}
	if commit == "off" || sync == "off" {
		return fmt.Errorf("this database may lose what it has answered (synchronous_commit is %s, fsync is %s): set both to on", commit, sync)
	}
	return nil
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

func (p *postgres) maintain(context.Context, bool) (bool, error) { return false, nil }

func (p *postgres) finish() error { return nil }

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

func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, waitTime)
	defer cancel()
	c, err := pool.Acquire(wait)
	switch {
	case err == nil:
		return c, nil
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, ctx.Err()
	case wait.Err() != nil:
		return nil, fmt.Errorf("%w: no connection in time", ErrBusy)
	}
	return nil, fmt.Errorf("%w: %w", ErrLost, err)
}

func (p *postgres) transact(ctx context.Context, tx *Tx, body func(*Tx) error) (outcome, error) {
	c, err := acquire(ctx, p.writes)
	if err != nil {
		return failed, err
	}
	defer c.Release()
	t := newPgTx(c.Conn(), "begin")
	t.slot = tx.slot
	t.slot.take(tx)
	t.batch.Queue("select pg_current_xact_id()::text").QueryRow(func(r pgx.Row) error { return r.Scan(&t.xid) })
	tx.engine = t
	if err := body(tx); err != nil {
		t.rollback()
		return failed, p.lost(t.c, err)
	}
	if !t.wrote { // it only looked and locked: there is nothing to commit
		t.rollback()
		return committed, nil
	}
	if t.xid == "" { // nothing was sent yet: learn the number before the commit
		if err := t.flush(ctx); err != nil {
			t.rollback()
			return failed, p.lost(t.c, err)
		}
	}
	return p.end(ctx, t)
}

// end sends what still waits together with the commit, and takes its own time for that. Unless the
// server says how it ended, the server is asked.
func (p *postgres) end(ctx context.Context, t *pgTx) (outcome, error) {
	if err := ctx.Err(); err != nil {
		t.rollback()
		return failed, err
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.commit)
	defer cancel()
	if err := t.settle(); err != nil { // the commit was not sent yet
		t.rollback()
		return failed, p.lost(t.c, err)
	}
	tag := ""
	t.mark()
	t.batch.Queue("commit").Exec(func(ct pgconn.CommandTag) error { tag = ct.String(); return nil })
	err := t.flush(own)
	if err == nil && tag == "COMMIT" {
		t.slot.marked, t.slot.fenced = t.slot.turn, false
		return committed, nil
	}
	if err == nil { // a transaction in which a statement failed
		return failed, fmt.Errorf("db: commit ended as %q", tag)
	}
	if !t.c.IsClosed() {
		if _, ok := errors.AsType[*pgconn.PgError](err); ok {
			t.rollback()
			return failed, err
		}
	}
	t.slot.fenced = true
	how, asked := p.outcome(t)
	switch {
	case how == committed:
		return committed, nil
	case how == failed:
		err = p.lost(t.c, err)
	default:
		err = fmt.Errorf("%w: %w: %w", ErrUnknown, err, asked)
	}
	t.c.Close(own)
	return how, err
}

// outcome asks, on connections of its own, how a transaction ended. One that still runs although its
// connection is lost is ended by force after a while: its server has not noticed the loss yet.
func (p *postgres) outcome(t *pgTx) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.readBack)
	defer cancel()
	var last error
	running := false
	for try := 0; ; try++ {
		how, err := p.ask(ctx, t, running)
		if how != unknown {
			return how, nil
		}
		running = errors.Is(err, errRunning)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		wait := time.NewTimer(min(time.Millisecond<<try, 200*time.Millisecond))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return unknown, last
		}
	}
}

// A transaction's last statement before its commit inserts its mark, (slot, turn), which nobody else ever
// uses. Asking inserts the same mark as a fence: a transaction that committed is met as a duplicate, one that
// has not can no longer commit, and one under way is waited for. The number of a transaction would not do:
// after a crash PostgreSQL gives the numbers of lost transactions to new ones.
const (
	putMark   = `insert into outcomes (slot, turn, fenced) values ($1, $2, false)`
	dropMark  = `delete from outcomes where slot = $1 and turn = $2`
	dropMarks = `delete from outcomes where slot = $1 and turn < $2`
	putFence  = `insert into outcomes (slot, turn, fenced) values ($1, $2, true)`
	readMark  = `select fenced from outcomes where slot = $1 and turn = $2`
	endLost   = `
select count(pg_terminate_backend(pid)) from pg_stat_activity where pid = $1 and backend_xid = ($2::text::xid8)::xid`
)

var errRunning = errors.New("the lost transaction is still running")

// mark leaves the slot with one mark. Only after a fence it looks for what is older: while a long read keeps
// dead rows from being cleared away, that look would pass all of them.
func (t *pgTx) mark() {
	s := t.slot
	t.batch.Queue(putMark, s.mark, s.turn)
	switch {
	case s.fenced:
		t.batch.Queue(dropMarks, s.mark, s.turn)
	case s.marked > 0:
		t.batch.Queue(dropMark, s.mark, s.marked)
	}
}

// endLost ends the transaction on the server, should it still be there.
func (t *pgTx) endLost(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, endLost, int64(t.c.PgConn().PID()), t.xid)
	return err
}

func (p *postgres) ask(ctx context.Context, t *pgTx, force bool) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := pgx.ConnectConfig(ctx, p.reads.Config().ConnConfig)
	if err != nil {
		return unknown, err
	}
	defer c.Close(context.Background())
	if force {
		if err := t.endLost(ctx, c); err != nil {
			return unknown, err
		}
	}
	_, err = c.Exec(ctx, putFence, t.slot.mark, t.slot.turn)
	if err == nil {
		_ = t.endLost(ctx, c) // it can no longer commit, but may hold locks until the server misses us
		return failed, nil
	}
	if ctx.Err() != nil {
		return unknown, fmt.Errorf("%w: %w", errRunning, err)
	}
	if !errors.Is(mapped(err), ErrUnique) {
		return unknown, err
	}
	var fenced bool
	if err := c.QueryRow(ctx, readMark, t.slot.mark, t.slot.turn).Scan(&fenced); err != nil {
		return unknown, err
	}
	if fenced { // by an earlier question whose answer was lost
		return failed, nil
	}
	return committed, nil
}

func (p *postgres) read(ctx context.Context, tx *Tx, body func(*Tx) error) error {
	c, err := acquire(ctx, p.reads)
	if err != nil {
		return err
	}
	defer c.Release()
	t := newPgTx(c.Conn(), "begin isolation level repeatable read read only")
	t.readOnly = true
	tx.engine = t
	err = body(tx)
	t.rollback()
	return p.lost(t.c, err)
}

// lost looks at an error of a transaction that was not committed. After a lost connection the others of the
// pools are made anew, since they may be as old as the loss.
func (p *postgres) lost(c *pgx.Conn, err error) error {
	if err = mapped(err); errors.Is(err, ErrLost) && c.IsClosed() {
		p.writes.Reset()
		p.reads.Reset()
	}
	return err
}
