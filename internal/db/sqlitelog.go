package db

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
)

// Limits of the write-ahead log in bytes. Moving it into the database rewrites each hot page, so that comes
// late: when the log is large, or when nobody is writing.
const (
	walSmall = 1 << 20
	walLarge = 128 << 20
	walHuge  = 2 << 30 // a read that keeps the log this long is broken off

	// walRest is what may be left for the writer to move in its own turn.
	walRest   = 4 << 20
	walRounds = 6
)

// log moves the write-ahead log into the database.
type log struct {
	mu      sync.Mutex
	mover   *liteConn
	seen    int64 // transactions committed at the last look
	done    int64 // transactions committed before the log was last moved whole
	suspect int64 // the oldest read at the last look
}

// maintain moves most of the log while writers go on: each round leaves what was written during the round
// before. What is left in the end is so little that it fits into a writer's turn, after which the writer
// starts the log anew.
func (l *lite) maintain(ctx context.Context, idle bool) (turn bool, err error) {
	info, err := os.Stat(l.path + "-wal")
	if err != nil {
		return false, nil // no log, nothing to do
	}
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	written := l.written.Load()
	quiet := idle && written == l.log.seen
	l.log.seen = written
	if info.Size() > walHuge {
		l.cutOldest()
	}
	if written == l.log.done || info.Size() < walSmall || (info.Size() < walLarge && !quiet) {
		return false, nil
	}
	if l.log.mover == nil {
		if l.log.mover, err = l.open(1, "pragma busy_timeout = 0"); err != nil {
			return false, err
		}
	}
	for range walRounds {
		left, err := l.log.mover.checkpoint("passive")
		if err != nil {
			return false, errors.Join(err, l.log.drop())
		}
		if left < walRest {
			return true, ctx.Err()
		}
	}
	return false, ctx.Err()
}

// finish moves the rest in the writer's turn. Readers do not wait, and the writer does not wait for them.
func (l *lite) finish() error {
	if l.broken {
		return nil // the next transaction opens it anew
	}
	left, err := l.writer.checkpoint("passive")
	l.broken = storageFate(mapped(err))
	if err == nil && left == 0 {
		l.log.mu.Lock()
		defer l.log.mu.Unlock()
		l.log.done = l.written.Load()
	}
	return err
}

// checkpoint moves the log and returns how many of its bytes are left to move.
func (c *liteConn) checkpoint(mode string) (left int64, err error) {
	s, err := c.prepare("pragma wal_checkpoint(" + mode + ")")
	if err != nil {
		return 0, err
	}
	rows, err := c.query(context.Background(), s)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var busy, frames, moved int64
	if !rows.Next() {
		return 0, rows.err
	}
	if err := rows.Scan(&busy, &frames, &moved); err != nil {
		return 0, err
	}
	if busy != 0 {
		return math.MaxInt64, nil
	}
	return (frames - moved) * 4120, nil // a page and its header
}

func (g *log) drop() error {
	if g.mover == nil {
		return nil
	}
	err := g.mover.close()
	g.mover = nil
	return err
}

func (g *log) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.drop()
}

// cutOldest breaks off the oldest read if it was the oldest at the last look already: the log can only
// start anew when nobody reads its old pages.
func (l *lite) cutOldest() {
	oldest := l.readers.active.oldest()
	if oldest != nil && oldest.number == l.log.suspect {
		oldest.cut.Store(true)
		oldest.cancel()
	}
	l.log.suspect = 0
	if oldest != nil {
		l.log.suspect = oldest.number
	}
}

// activeReads are the reads under way.
type activeReads struct {
	mu      sync.Mutex
	last    int64
	running map[*reading]bool
}

func (a *activeReads) add(r *reading) *reading {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	r.number = a.last
	a.running[r] = true
	return r
}

func (a *activeReads) remove(r *reading) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.running, r)
}

func (a *activeReads) oldest() *reading {
	a.mu.Lock()
	defer a.mu.Unlock()
	var first *reading
	for r := range a.running {
		if first == nil || r.number < first.number {
			first = r
		}
	}
	return first
}
