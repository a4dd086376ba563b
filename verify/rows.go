package verify

import (
	"context"
	"fmt"
	"math"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// Rows as they are stored. Instants are text in the form of the log.
type (
	commit struct {
		writer  string
		seq     int64
		count   int64 // what the row says
		digest  []byte
		at      string
		entries []entry
	}
	entry struct {
		seq, n                                int64
		merchant, key, kind, posted, currency string
		legs                                  []leg
	}
	leg struct {
		seq, n, number, cents   int64
		merchant, code, subject string
	}
	seal struct {
		first, seq, entries int64
		writer              string
	}
	tile struct {
		level, n, width int64
		data            []byte
	}
	signed struct {
		size int64
		note string
		at   string
	}
)

func (c *commit) name() string { return commitName(c.writer, c.seq) }

func commitName(writer string, seq int64) string {
	return fmt.Sprintf("writer %s, seq %d", writer, seq)
}

func (c *commit) entryName(n int64) string { return fmt.Sprintf("%s, n %d", c.name(), n) }

// moment reads an instant as the text of the log. SQLite stores that very text, so every change of it shows.
type moment struct {
	text bool
	s    string
	i    calendar.Instant
}

func momentFor(tx *db.Tx) moment { return moment{text: tx.Engine() == "sqlite"} }

func (m *moment) dest() any {
	if m.text {
		return &m.s
	}
	return &m.i
}

func (m *moment) String() string {
	if m.text {
		return m.s
	}
	return m.i.String()
}

// A cursor reads so much at a time: large enough that the queries cost little, small enough that a
// cursor for each writer of a busy day fits into memory.
const (
	pageCommits = 1024
	pageEntries = 2048
)

const (
	selectCommits = `
select seq, entries, digest, committed_at from commits where writer = $1 and seq >= $2 order by seq limit $3`
	selectEntries = `
select seq, n, merchant_id, key, kind, posted_at, currency from entries
 where writer = $1 and seq >= $2 and seq <= $3 order by seq, n, merchant_id`
	selectPostings = `
select seq, n, leg, merchant_id, code, subject, cents from postings
 where writer = $1 and seq >= $2 and seq <= $3 order by seq, n, leg, merchant_id`
)

// cursor reads all rows of one writer in order, a page at a time.
type cursor struct {
	tx     *db.Tx
	writer string
	from   int64 // first seq not read yet
	done   bool
	page   []commit
}

func newCursor(tx *db.Tx, writer string) *cursor {
	return &cursor{tx: tx, writer: writer, from: math.MinInt64}
}

// peek returns the next commit, nil at the end. A row that belongs to no commit or no entry is a Difference.
func (c *cursor) peek(ctx context.Context) (*commit, error) {
	for len(c.page) == 0 {
		if c.done {
			return nil, nil
		}
		if err := c.read(ctx); err != nil {
			return nil, err
		}
	}
	return &c.page[0], nil
}

func (c *cursor) skip() { c.page = c.page[1:] }

func (c *cursor) read(ctx context.Context) error {
	to, err := c.readCommits(ctx)
	if err != nil {
		return err
	}
	entries, err := c.readEntries(ctx, to)
	if err != nil {
		return err
	}
	legs, err := c.readLegs(ctx, to, 2*len(entries))
	if err != nil {
		return err
	}
	c.done = to == math.MaxInt64
	c.from = to + 1 // wraps at the end, where it is not used again
	if err := c.join(entries, legs); err != nil {
		return err
	}
	return c.group(entries)
}

// readCommits reads the commits of the next page and returns its last seq.
func (c *cursor) readCommits(ctx context.Context) (to int64, err error) {
	var rows, entries int64
	var k commit
	at := momentFor(c.tx)
	c.page, to = nil, math.MaxInt64
	err = c.tx.Each(ctx, selectCommits, []any{c.writer, c.from, pageCommits}, func(r db.Row) error {
		if rows++; rows > 1 && entries >= pageEntries {
			return nil
		}
		k = commit{writer: c.writer}
		err := r.Scan(&k.seq, &k.count, &k.digest, at.dest())
		k.at = at.String()
		c.page, entries = append(c.page, k), entries+k.count
		return err
	})
	if n := int64(len(c.page)); n > 0 && (n < rows || n == pageCommits) {
		to = c.page[n-1].seq
	}
	return to, err
}

func (c *cursor) readEntries(ctx context.Context, to int64) ([]entry, error) {
	entries := make([]entry, 0, pageEntries)
	var e entry
	at := momentFor(c.tx)
	err := c.tx.Each(ctx, selectEntries, []any{c.writer, c.from, to}, func(r db.Row) error {
		err := r.Scan(&e.seq, &e.n, &e.merchant, &e.key, &e.kind, at.dest(), &e.currency)
		e.posted = at.String()
		entries = append(entries, e)
		return err
	})
	return entries, err
}

func (c *cursor) readLegs(ctx context.Context, to int64, likely int) ([]leg, error) {
	legs := make([]leg, 0, likely)
	var l leg
	err := c.tx.Each(ctx, selectPostings, []any{c.writer, c.from, to}, func(r db.Row) error {
		err := r.Scan(&l.seq, &l.n, &l.number, &l.merchant, &l.code, &l.subject, &l.cents)
		legs = append(legs, l)
		return err
	})
	return legs, err
}

// join gives each entry its legs; both are in order.
func (c *cursor) join(entries []entry, legs []leg) error {
	for i := range entries {
		e := &entries[i]
		n := 0
		for n < len(legs) && legs[n].seq == e.seq && legs[n].n == e.n {
			n++
		}
		if n == 0 && len(legs) > 0 && (legs[0].seq < e.seq || legs[0].seq == e.seq && legs[0].n < e.n) {
			break
		}
		e.legs, legs = legs[:n:n], legs[n:]
	}
	if len(legs) == 0 {
		return nil
	}
	l := &legs[0]
	return differs("strays", "postings", fmt.Sprintf("%s, n %d, leg %d, merchant %s", commitName(c.writer, l.seq), l.n, l.number, l.merchant),
		"an entry that it belongs to", "none")
}

// group gives each commit its entries; both are in order.
func (c *cursor) group(entries []entry) error {
	for i := range c.page {
		k := &c.page[i]
		n := 0
		for n < len(entries) && entries[n].seq == k.seq {
			n++
		}
		if n == 0 && len(entries) > 0 && entries[0].seq < k.seq {
			break
		}
		k.entries, entries = entries[:n:n], entries[n:]
	}
	if len(entries) == 0 {
		return nil
	}
	e := &entries[0]
	return differs("strays", "entries", fmt.Sprintf("%s, n %d, merchant %s", commitName(c.writer, e.seq), e.n, e.merchant),
		"a commit that it belongs to", "none")
}
