package db

import (
	"context"
	"errors"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var errOnlyReads = errors.New("db: a part of Together only reads")

// Together runs parts that only read and need nothing of one another, and returns the first error in their order. On
// PostgreSQL the statements that they wait for at one time make one round trip; on SQLite, where nothing is waited for,
// the parts run one after the other. No two run at the same time, so they may write to variables of their own caller.
func (tx *Tx) Together(ctx context.Context, parts ...func(*Tx) error) error {
	if _, err := tx.ready(ctx); err != nil {
		return err
	}
	m := meeting{all: make([]*part, len(parts))}
	switch e := tx.engine.(type) {
	case *pgTx:
		m.ask = func() error { return e.ask(tx.ctx, &m) }
	case partTx:
		m.ask = func() error { return e.ask(&m) }
	default:
		return inTurn(tx, parts)
	}
	defer m.leave()
	for i, run := range parts {
		m.all[i] = newPart(*tx, run)
	}
	tx.inside = true
	defer func() { tx.inside = false }()
	for m.round() {
		m.answered(m.ask())
	}
	for _, p := range m.all {
		if tx.spoilt == nil {
			tx.spoilt = p.tx.spoilt
		}
	}
	for _, p := range m.all {
		if p.err != nil {
			return p.err
		}
	}
	return nil
}

func inTurn(tx *Tx, parts []func(*Tx) error) error {
	for _, run := range parts {
		if err := run(tx); err != nil {
			return err
		}
	}
	return nil
}

// meeting is where the parts of a Together wait for one another's statements.
type meeting struct {
	all     []*part
	waiting []*question
	ask     func() error
}

// question is a statement that a part waits for.
type question struct {
	queue    func(*pgTx) error // puts it into the batch
	expected int               // results
	seen     int
	refused  error // by whoever reads the rows
	err      error // of the statement
}

// counted keeps the error of a reader from ending the results of the other questions.
func (q *question) counted(read reader) reader {
	return func(rows pgx.Rows) error {
		if q.refused == nil {
			q.refused = read(rows)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
		q.seen++
		return nil
	}
}

// part is one function of a Together. It runs until it asks something, and goes on with the answer.
type part struct {
	tx   Tx
	next func() (*question, bool)
	stop func()
	err  error
}

func newPart(tx Tx, run func(*Tx) error) *part {
	p := &part{tx: tx}
	p.next, p.stop = iter.Pull(func(yield func(*question) bool) {
		p.tx.engine = partTx{yield}
		p.err = run(&p.tx)
		if err := p.tx.left(); p.err == nil {
			p.err = err
		}
	})
	return p
}

func (m *meeting) leave() {
	for _, p := range m.all {
		if p != nil {
			p.stop()
		}
	}
}

// round lets each part run to its next question, and says whether there is one.
func (m *meeting) round() bool {
	m.waiting = m.waiting[:0]
	for _, p := range m.all {
		if q, ok := p.next(); ok {
			m.waiting = append(m.waiting, q)
		}
	}
	return len(m.waiting) > 0
}

// put puts all questions into the batch.
func (m *meeting) put(t *pgTx) {
	for _, q := range m.waiting {
		before := t.batch.Len()
		q.err = q.queue(t)
		q.expected = t.batch.Len() - before
	}
}

// answered gives an error of the server to all whose answers had not come. A part's own error stays its own.
func (m *meeting) answered(err error) {
	for _, q := range m.waiting {
		if q.err == nil && q.seen < q.expected {
			q.err = err
		}
	}
}

func (t *pgTx) ask(ctx context.Context, m *meeting) error {
	m.put(t)
	return t.flush(ctx)
}

// ask lets the questions of a meeting within a part be one of this part.
func (p partTx) ask(m *meeting) error {
	return p.put(&question{queue: func(t *pgTx) error { m.put(t); return nil }})
}

// partTx is the engine of a part.
type partTx struct{ yield func(*question) bool }

func (p partTx) put(q *question) error {
	if !p.yield(q) {
		return errEnded // another part has panicked
	}
	return errors.Join(q.err, q.refused)
}

func (p partTx) find(_ context.Context, q *Query, lock bool, keys [][]any, each func(int, Row) error) error {
	if lock {
		return errOnlyReads
	}
	asked := &question{}
	asked.queue = func(t *pgTx) error { return t.queueFind(q, false, keys, each, asked.counted) }
	return p.put(asked)
}

func (p partTx) query(_ context.Context, sql string, args []any) (Rows, error) {
	values, err := pgArgs(args)
	if err != nil {
		return nil, err
	}
	kept := &keptRows{}
	asked := &question{}
	asked.queue = func(t *pgTx) error {
		t.batch.Queue(sql, values...).Query(asked.counted(kept.keep))
		return nil
	}
	if err := p.put(asked); err != nil {
		return nil, err
	}
	return kept, nil
}

func (partTx) exec(context.Context, string, []any) (int64, error) { return 0, errOnlyReads }
func (partTx) insert(context.Context, *Table, [][]any) (int64, error) {
	return 0, errOnlyReads
}
func (partTx) later(context.Context, *Table, [][]any) error         { return errOnlyReads }
func (partTx) each(context.Context, *Query, [][]any) (int64, error) { return 0, errOnlyReads }

// keptRows is a result that was read to its end, since the connection goes on with others.
type keptRows struct {
	fields []pgconn.FieldDescription
	all    [][][]byte
	at     int // of the row after the present one
}

func (k *keptRows) keep(rows pgx.Rows) error {
	k.fields = append(k.fields, rows.FieldDescriptions()...)
	for rows.Next() {
		raw := rows.RawValues()
		row := make([][]byte, len(raw))
		for i, b := range raw {
			if b != nil {
				row[i] = append([]byte{}, b...)
			}
		}
		k.all = append(k.all, row)
	}
	return nil
}

func (k *keptRows) Next() bool {
	if k.at >= len(k.all) {
		return false
	}
	k.at++
	return true
}

func (k *keptRows) Scan(dest ...any) error { return scanCells(k.fields, k.all[k.at-1], dest) }
func (k *keptRows) Err() error             { return nil }
func (k *keptRows) Close()                 { k.all, k.at = nil, 0 }
