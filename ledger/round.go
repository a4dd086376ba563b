package ledger

import (
	"context"
	"errors"
	"fmt"

	"achteraf/internal/db"

	"golang.org/x/mod/sumdb/tlog"
)

// pageEntries is how many entries are read at a time.
const pageEntries = 512

var (
	sealsTable = db.NewTable("seals", "",
		db.Col{Name: "first_place", Type: db.Bigint}, db.Col{Name: "writer", Type: db.Text},
		db.Col{Name: "seq", Type: db.Bigint}, db.Col{Name: "entries", Type: db.Bigint})
	checkpointsTable = db.NewTable("checkpoints", "",
		db.Col{Name: "size", Type: db.Bigint}, db.Col{Name: "note", Type: db.Text}, db.Col{Name: "sealed_at", Type: db.Instant})
)

// plan is what one round will write.
type plan struct {
	last  Checkpoint
	next  Checkpoint
	edge  *edge
	done  []tile
	seals rows
	max   limits
	full  bool // the round was cut short

	balances []*balance
	byName   map[account]*balance
	buf      []byte
}

// account names a summary account.
type account struct{ code, merchant, subject, currency string }

// balance is what a round adds to a snapshot.
type balance struct {
	account
	cents, entries, place int64
}

func (s *Sealer) plan(ctx context.Context, tx *db.Tx) (*plan, error) {
	p := &plan{max: s.max, byName: map[account]*balance{}}
	if err := s.start(ctx, tx, p); err != nil {
		return nil, err
	}
	from, err := "", error(nil)
	if s.met.Load() {
		if from, err = firstLive(ctx, tx); err != nil {
			return nil, err
		}
	}
	waiting, err := unsealedWriters(ctx, tx, from)
	if err != nil {
		return nil, err
	}
	for _, w := range waiting {
		if err := p.take(ctx, tx, w.writer, w.sealed+1); err != nil {
			return nil, err
		}
		if p.full {
			break
		}
	}
	if len(p.seals.all) == 0 {
		return p, nil
	}
	p.next = Checkpoint{Size: p.edge.size, After: p.last.Size, SealedAt: tx.Wall}
	if p.next.Root, err = p.edge.root(); err != nil {
		return nil, err
	}
	return p, s.key.sign(&p.next)
}

// start reads the end of the log. The sealer puts its name to nothing that it has not signed before: the
// latest checkpoint must be its own, and the tiles must be those of that checkpoint.
func (s *Sealer) start(ctx context.Context, tx *db.Tx, p *plan) (err error) {
	if p.last, err = Latest(ctx, tx); err != nil {
		return err
	}
	if p.last.Size > 0 {
		said, err := s.key.open(p.last.Note)
		if err != nil || said.Size != p.last.Size {
			return fmt.Errorf("ledger: checkpoint %d is not ours: %w", p.last.Size, errors.Join(err, errUnlike))
		}
	}
	size, err := sealedSize(ctx, tx)
	if err != nil {
		return err
	}
	if size != p.last.Size {
		return fmt.Errorf("ledger: seals end at place %d, the latest checkpoint at %d", size, p.last.Size)
	}
	if p.edge, err = loadEdge(ctx, tx, size); err != nil {
		return err
	}
	root, err := p.edge.root()
	if err == nil && root != p.last.Root {
		err = fmt.Errorf("ledger: the tiles of the log are not those of checkpoint %d", size)
	}
	return err
}

// sealedSize returns the number of places in the log.
func sealedSize(ctx context.Context, tx *db.Tx) (int64, error) {
	var first, entries int64
	err := tx.QueryRow(ctx, `select first_place, entries from seals order by first_place desc limit 1`, nil, &first, &entries)
	if errors.Is(err, db.ErrNone) {
		return 0, nil
	}
	return first + entries, err
}

type writerAt struct {
	writer string
	sealed int64
}

// unsealedWriters returns the writers from that name on that have commits to seal, by name.
func unsealedWriters(ctx context.Context, tx *db.Tx, from string) (waiting []writerAt, err error) {
	err = tx.Each(ctx, live+`select writer, sealed from live
 where exists (select 1 from commits c where c.writer = live.writer and c.seq > live.sealed) order by writer`, []any{from},
		func(r db.Row) error {
			var w writerAt
			err := r.Scan(&w.writer, &w.sealed)
			waiting = append(waiting, w)
			return err
		})
	return waiting, err
}

// take adds a writer's commits from number next on, as many as the round has room for.
func (p *plan) take(ctx context.Context, tx *db.Tx, writer string, next int64) error {
	for {
		commits, err := nextCommits(ctx, tx, writer, next)
		if err != nil || len(commits) == 0 {
			return err
		}
		entries, err := readEntries(ctx, tx, writer, next, commits[len(commits)-1].seq)
		if err != nil {
			return err
		}
		for i := range commits {
			if p.full = p.edge.size-p.last.Size >= p.max.entries || len(p.seals.all)+len(p.balances) >= p.max.rows; p.full {
				return nil
			}
			if entries, err = p.add(&commits[i], entries); err != nil {
				return err
			}
		}
		if len(entries) > 0 {
			return &Mismatch{writer, entries[0].seq, "it has entries beside its commit"}
		}
		next += int64(len(commits))
	}
}

// nextCommits reads some commits of a writer: as many as have pageEntries entries together, one at least.
func nextCommits(ctx context.Context, tx *db.Tx, writer string, next int64) (commits []commit, err error) {
	var entries int64
	err = tx.Each(ctx, selectCommits, []any{writer, next, pageEntries}, func(r db.Row) error {
		if entries >= pageEntries {
			return nil
		}
		c := commit{writer: writer}
		if err := r.Scan(&c.seq, &c.entries, &c.digest, &c.at); err != nil {
			return err
		}
		if c.seq != next {
			return &Mismatch{writer, next, "it is missing"}
		}
		commits, next, entries = append(commits, c), next+1, entries+c.entries
		return nil
	})
	return commits, err
}

// add seals one commit after recomputing it from its rows, which are the first of entries. It returns the rest.
func (p *plan) add(c *commit, entries []posted) (rest []posted, err error) {
	n := 0
	for n < len(entries) && entries[n].seq == c.seq {
		n++
	}
	entries, rest = entries[:n], entries[n:]
	if int64(n) != c.entries || n == 0 {
		return nil, &Mismatch{c.writer, c.seq, fmt.Sprintf("it has %d entries, not %d", n, c.entries)}
	}
	var digest [32]byte
	p.seals.all = append(p.seals.all, []any{p.edge.size, c.writer, c.seq, c.entries})
	for i := range entries {
		e := &entries[i]
		if err := e.check(); err != nil {
			return nil, &Mismatch{c.writer, c.seq, err.Error()}
		}
		e.committed = c.at
		var leaf tlog.Hash
		leaf, p.buf = e.hash(p.buf)
		digest = chain(digest, leaf)
		p.count(e, p.edge.size)
		if p.done, err = p.edge.add(leaf, p.done); err != nil {
			return nil, err
		}
	}
	if string(digest[:]) != string(c.digest) {
		return nil, &Mismatch{c.writer, c.seq, "its digest is not that of its rows"}
	}
	return rest, nil
}

// count adds an entry to the balances of its summary accounts.
func (p *plan) count(e *posted, place int64) {
	for i := range e.Legs {
		l := &e.Legs[i]
		if !accounts[l.Code].summary() {
			continue
		}
		name := account{l.Code, e.Merchant, l.Subject, e.Currency}
		b := p.byName[name]
		if b == nil {
			b = &balance{account: name, place: -1}
			p.byName[name] = b
			p.balances = append(p.balances, b)
		}
		b.cents += l.Cents
		if b.place != place { // an entry counts once, however many legs it has here
			b.entries, b.place = b.entries+1, place
		}
	}
}

// commit writes the round. It returns 0 when another sealer has sealed these places meanwhile.
func (p *plan) commit(ctx context.Context, d *db.DB) (sealed int, err error) {
	if len(p.seals.all) == 0 {
		return 0, nil
	}
	err = d.Write(ctx, func(tx *db.Tx) error { return p.write(ctx, tx) })
	switch {
	case errors.Is(err, db.ErrUnique):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return int(p.edge.size - p.last.Size), nil
}

// write appends the round, beginning with the places, which nobody may have given away.
func (p *plan) write(ctx context.Context, tx *db.Tx) error {
	if err := tx.Put(ctx, sealsTable, p.seals.all); err != nil {
		return err
	}
	tiles := newRows(8, 4)
	for _, t := range append(p.done[:len(p.done):len(p.done)], p.edge.partial()...) {
		tiles.add(t.level, t.n, len(t.data)/tlog.HashSize, t.data)
	}
	if err := tx.Put(ctx, tilesTable, tiles.all); err != nil {
		return err
	}
	if err := tx.Put(ctx, checkpointsTable, [][]any{{p.next.Size, p.next.Note, p.next.SealedAt}}); err != nil {
		return err
	}
	sums := newRows(len(p.balances), 7)
	for _, b := range p.balances {
		sums.add(b.code, b.merchant, b.subject, b.currency, b.cents, b.entries, b.place)
	}
	return tx.Put(ctx, balancesTable, sums.all)
}
