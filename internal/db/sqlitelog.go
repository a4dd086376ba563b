package db

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// Limits of the write-ahead log in bytes. Moving it into the database rewrites each hot page, so that comes
// late: when the log is large, or when nobody is writing.
const (
	walSmall = 1 << 20
	walLarge = 512 << 20
	walHuge  = 2 << 30 // a read that keeps the log this long is broken off
	walKept  = 1 << 30 // of the file when the log starts anew: writing over it is faster than making it grow

	// walRest is what may be left for the writer to move in its own turn.
	walRest   = 8 << 20
	walRounds = 6

	calmTime = 200 * time.Millisecond // without a commit, after which nobody is taken to be writing
)

// log moves the write-ahead log into the database.
type log struct {
	mu      sync.Mutex
	mover   *liteConn
	large   int64 // walLarge and walHuge, but in a test
	huge    int64
	seen    int64 // transactions committed at the last look
	calm    *time.Timer
	quiet   bool  // calm has run out since the last commit seen
	done    int64 // transactions committed when there was nothing left to move
	suspect int64 // the oldest read at the last look
}

// maintain moves most of the log while writers go on: each round leaves what was written during the round
// before. What is left in the end is so little that it fits into a writer's turn, after which the writer
// starts the log anew, at the beginning of the same file.
func (l *lite) maintain(ctx context.Context, idle bool) (turn bool, err error) {
	if info, err := os.Stat(l.path + "-wal"); err != nil || info.Size() < walSmall {
		return false, nil // no log, or none worth a look
	}
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	written := l.written.Load()
	if written == l.log.done {
		return false, nil
	}
	quiet := l.log.settled(written) && idle
	if l.log.mover == nil {
		if l.log.mover, err = l.open(l.inRuns(), smallCache, "pragma busy_timeout = 0"); err != nil {
			return false, err
		}
	}
	turn, err = l.move(ctx, quiet)
	if err != nil || quiet {
		err = errors.Join(err, l.log.drop())
	}
	return turn, err
}

// settled says that nothing was committed for calmTime. Looks may follow one another at once.
func (g *log) settled(written int64) bool {
	if written != g.seen || g.calm == nil {
		if g.calm == nil {
			g.calm = time.NewTimer(calmTime)
		}
		g.seen, g.quiet = written, false
		g.calm.Reset(calmTime)
	}
	select {
	case <-g.calm.C:
		g.quiet = true
	default:
	}
	return g.quiet
}

func (l *lite) move(ctx context.Context, quiet bool) (turn bool, err error) {
	used, left, err := l.log.mover.checkpoint("noop")
	if err == nil && left == 0 {
		l.log.done = l.log.seen
	}
	if err != nil || left == 0 || used < walSmall || used < l.log.large && !quiet {
		return false, err
	}
	if used > l.log.huge {
		l.cutOldest()
	}
	for range walRounds {
		if _, _, err = l.log.mover.checkpoint("passive"); err != nil {
			return false, err
		}
		if _, left, err = l.log.mover.checkpoint("noop"); err != nil || left < walRest { // it does not count what came meanwhile
			return err == nil, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return false, nil
}

// finish moves the rest in the writer's turn. Readers do not wait, and the writer does not wait for them.
func (l *lite) finish() error {
	if l.broken {
		return nil // the next transaction opens it anew
	}
	_, _, err := l.writer.checkpoint("passive")
	if err == nil {
		err = l.fitCache(l.writer)
	}
	l.broken = storageFate(mapped(err))
	return err
}

// frameBytes is the size of a page in the log.
const frameBytes = pageBytes + 24

// checkpoint moves the log, or with the mode noop only looks. It returns how many bytes of it are used, and
// how many of these are still to be moved.
func (c *liteConn) checkpoint(mode string) (used, left int64, err error) {
	s, err := c.prepare("pragma wal_checkpoint(" + mode + ")")
	if err != nil {
		return 0, 0, err
	}
	rows, err := c.query(context.Background(), s)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	if !rows.Next() {
		return 0, 0, rows.err
	}
	var busy, frames, moved int64
	if err := rows.Scan(&busy, &frames, &moved); err != nil {
		return 0, 0, err
	}
	return frames * frameBytes, (frames - moved) * frameBytes, nil
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
