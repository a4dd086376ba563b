package verify

import (
	"context"
	"errors"
	"fmt"
	"math"

	"achteraf/internal/db"
)

// batch is a piece of the journal in the order of the log. The unsealed tail comes last, without seals.
type batch struct {
	commits []*commit
	seals   []seal // of these commits, one each; none in the tail
	tiles   []tile // of the lowest level that these places need; in the last sealed batch all that are left, of any level
	notes   []signed
	ended   bool // no sealed commit, tile or note comes after this batch
	entries int
	err     error // met after what is above
}

// reader reads the journal in one transaction and hands it on in batches.
type reader struct {
	tx      *db.Tx
	to      chan<- *batch
	stop    <-chan struct{}
	cursors map[string]*cursor
	writers []string // of the cursors, in order

	place     int64 // first not read yet
	firstSeal int64 // lowest first_place not read yet
	nextTile  int64 // of the lowest level
	nextNote  int64 // lowest size not read yet
}

const (
	pageSeals    = 1024
	batchEntries = 2048
)

// run reads everything. Whatever it meets is the last batch's error.
func (r *reader) run(ctx context.Context) {
	defer close(r.to)
	err := r.sealed(ctx)
	if err == nil {
		err = r.unsealed(ctx)
	}
	if err != nil && err != errStopped {
		r.send(&batch{err: err})
	}
}

// allWriters hops through the primary keys of the three tables, so that no row can hide behind a name.
const allWriters = `
with recursive c (writer) as (
    select min(writer) from commits
    union all
    select (select min(t.writer) from commits t where t.writer > c.writer) from c where c.writer is not null
), e (writer) as (
    select min(writer) from entries
    union all
    select (select min(t.writer) from entries t where t.writer > e.writer) from e where e.writer is not null
), p (writer) as (
    select min(writer) from postings
    union all
    select (select min(t.writer) from postings t where t.writer > p.writer) from p where p.writer is not null
)
select writer from c where writer is not null
 union select writer from e where writer is not null
 union select writer from p where writer is not null
 order by 1`

func (r *reader) open(ctx context.Context) error {
	r.cursors, r.firstSeal, r.nextTile, r.nextNote = map[string]*cursor{}, math.MinInt64, math.MinInt64, math.MinInt64
	return r.tx.Each(ctx, allWriters, nil, func(row db.Row) error {
		var w string
		err := row.Scan(&w)
		r.cursors[w] = newCursor(r.tx, w)
		r.writers = append(r.writers, w)
		return err
	})
}

// sealed hands on the sealed commits in the order of their places.
func (r *reader) sealed(ctx context.Context) error {
	b := &batch{}
	for {
		seals, err := r.readSeals(ctx)
		if err != nil {
			return err
		}
		if len(seals) == 0 {
			break
		}
		for _, s := range seals {
			k, err := r.commitOf(ctx, s)
			if err != nil {
				r.send(b)
				return err
			}
			b.seals, b.commits = append(b.seals, s), append(b.commits, k)
			b.entries += len(k.entries)
			if r.place += int64(len(k.entries)); b.entries < batchEntries {
				continue
			}
			if err := r.handOn(ctx, b); err != nil {
				return err
			}
			b = &batch{}
		}
	}
	b.ended = true
	if err := r.readTiles(ctx, b, lastTiles, r.nextTile); err != nil {
		return err
	}
	if err := r.readNotes(ctx, b, math.MaxInt64); err != nil {
		return err
	}
	return r.send(b)
}

// handOn adds the tiles and checkpoints of the batch's places and sends it.
func (r *reader) handOn(ctx context.Context, b *batch) error {
	last := (r.place - 1) / 256
	if err := r.readTiles(ctx, b, someTiles, r.nextTile, last); err != nil {
		return err
	}
	r.nextTile = last + 1
	if err := r.readNotes(ctx, b, r.place); err != nil {
		return err
	}
	return r.send(b)
}

// commitOf returns the commit that a seal names, which must be the writer's next.
func (r *reader) commitOf(ctx context.Context, s seal) (*commit, error) {
	missing := differs("seals", "commits", commitName(s.writer, s.seq), fmt.Sprintf("the commit sealed at place %d", s.first), "none")
	c := r.cursors[s.writer]
	if c == nil {
		return nil, missing
	}
	k, err := c.peek(ctx)
	switch {
	case err != nil:
		return nil, err
	case k == nil || k.seq > s.seq:
		return nil, missing
	case k.seq < s.seq:
		return nil, differs("seals", "seals", fmt.Sprintf("first_place %d", s.first), k.name(), commitName(s.writer, s.seq))
	}
	c.skip()
	return k, nil
}

// unsealed hands on what is left of each writer.
func (r *reader) unsealed(ctx context.Context) error {
	b := &batch{}
	for _, w := range r.writers {
		for {
			k, err := r.cursors[w].peek(ctx)
			if err != nil {
				r.send(b)
				return err
			}
			if k == nil {
				break
			}
			r.cursors[w].skip()
			b.commits = append(b.commits, k)
			if b.entries += len(k.entries); b.entries >= batchEntries {
				if err := r.send(b); err != nil {
					return err
				}
				b = &batch{}
			}
		}
	}
	return r.send(b)
}

func (r *reader) readSeals(ctx context.Context) (seals []seal, err error) {
	var s seal
	err = r.tx.Each(ctx, `select first_place, writer, seq, entries from seals where first_place >= $1 order by first_place limit $2`,
		[]any{r.firstSeal, pageSeals}, func(row db.Row) error {
			err := row.Scan(&s.first, &s.writer, &s.seq, &s.entries)
			seals = append(seals, s)
			r.firstSeal = s.first + 1
			return err
		})
	return seals, err
}

const (
	someTiles = `
select level, n, width, data from log_tiles where level = 0 and n >= $1 and n <= $2 order by n`
	lastTiles = `
select level, n, width, data from log_tiles where level <> 0 or n >= $1 order by level, n`
)

func (r *reader) readTiles(ctx context.Context, b *batch, sql string, args ...any) error {
	return r.tx.Each(ctx, sql, args, func(row db.Row) error {
		var t tile
		err := row.Scan(&t.level, &t.n, &t.width, &t.data)
		b.tiles = append(b.tiles, t)
		return err
	})
}

func (r *reader) readNotes(ctx context.Context, b *batch, size int64) error {
	at := momentFor(r.tx)
	err := r.tx.Each(ctx, `select size, note, sealed_at from checkpoints where size >= $1 and size <= $2 order by size`,
		[]any{r.nextNote, size}, func(row db.Row) error {
			var s signed
			err := row.Scan(&s.size, &s.note, at.dest())
			s.at = at.String()
			b.notes = append(b.notes, s)
			return err
		})
	r.nextNote = size + 1
	return err
}

// errStopped ends the reading when nobody wants more.
var errStopped = errors.New("verify: stopped")

func (r *reader) send(b *batch) error {
	select {
	case r.to <- b:
		return nil
	case <-r.stop:
		return errStopped
	}
}
