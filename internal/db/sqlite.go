package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

// lite is an SQLite database: one writing connection and a few reading ones, used directly through the
// driver, since database/sql adds a lock and a copy to every statement.
type lite struct {
	path    string
	cache   int   // KiB, of the writer
	roomy   int   // KiB, of the writer of a large database
	large   int64 // bytes of a large database: largeFile, but in a test
	grown   bool  // the writer has the roomy cache
	writer  *liteConn
	broken  bool         // the writer met a storage fault and is opened anew
	written atomic.Int64 // transactions committed
	log     log
	readers readers
}

func openSQLite(path string, o Options) (*lite, error) {
	if path == "" {
		return nil, errors.New("sqlite: needs a path")
	}
	l := &lite{path: path, cache: o.CacheMiB << 10, large: largeFile, log: log{large: walLarge, huge: walHuge}}
	if o.Small {
		l.cache = smallCache
	}
	l.roomy = max(l.cache, o.MemoryMiB<<10/slotBytes*pageBytes)
	if err := useRuns(); err != nil {
		return nil, err
	}
	l.readers = newReaders(o.Readers, func() (*liteConn, error) { return l.open(l.uri(), min(l.cache, 16<<10), readOnly) })
	var err error
	if l.writer, err = l.openWriter(); err != nil {
		return nil, mapped(fmt.Errorf("open %s: %w", path, err))
	}
	return l, nil
}

func (l *lite) name() string { return "sqlite" }

// uri names the file for the driver. In a URI "#" and "?" would end the path.
func (l *lite) uri() string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(l.path)
}

// smallCache is the page cache in KiB where there are very many databases in one process.
const smallCache = 100

const readOnly = "pragma query_only = on"

// inRuns names the file for those who write the log, or move it.
func (l *lite) inRuns() string { return l.uri() + "?vfs=" + runsVFS }

// largeFile is the size of a database from which on a larger page cache pays. Below it SQLite walks all pages of the
// cache at most commits: to balance a tree it gives a page for a moment the number behind 1 GiB, which no page may have
// (pgnoTemp in its btree.c), and then drops what lies behind the end of the file.
const largeFile = 1<<30 + 1<<20

// slotBytes is what a page takes in the cache: with its header it does not fit 4,096 bytes, and modernc.org/memory
// rounds up to a power of two.
const slotBytes = 2 * pageBytes

// openWriter opens the one connection that writes. What runs need of it stands in sqliteruns.go.
func (l *lite) openWriter() (*liteConn, error) {
	l.grown = false
	w, err := l.open(l.inRuns(), l.cache, "pragma cache_spill = off")
	if err != nil {
		return nil, err
	}
	if err := l.fitCache(w); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// fitCache gives the writer the roomy cache once the database is large. Its pages are read at random, by the hashes of
// persons, keys and references, and the system may have dropped them from memory.
func (l *lite) fitCache(w *liteConn) error {
	info, err := os.Stat(l.path)
	if err != nil || l.grown || info.Size() < l.large { // what cannot be seen stays as it is: SQLite has the file open
		return nil
	}
	err = w.run(fmt.Sprintf("pragma cache_size = -%d", l.roomy))
	l.grown = err == nil
	return err
}

// open makes a connection with its settings. synchronous is full always: an answered request survives a
// power cut.
func (l *lite) open(uri string, cacheKiB int, more ...string) (*liteConn, error) {
	c, err := (&sqlite.Driver{}).Open(uri)
	if err != nil {
		return nil, err
	}
	lc := &liteConn{c: c, stmts: map[string]driver.Stmt{}}
	pragmas := append([]string{
		"pragma busy_timeout = 5000", "pragma journal_mode = wal", "pragma synchronous = full",
		"pragma foreign_keys = on", "pragma wal_autocheckpoint = 0", "pragma temp_store = memory",
		fmt.Sprintf("pragma journal_size_limit = %d", walKept), fmt.Sprintf("pragma cache_size = -%d", cacheKiB),
	}, more...)
	for _, p := range pragmas {
		if err := lc.run(p); err != nil {
			return nil, errors.Join(err, lc.close())
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
	l.writer.trim()
	if err := l.writer.run("begin immediate"); err != nil {
		l.broken = storageFate(mapped(err))
		return failed, err
	}
	ended := false
	defer func() {
		if !ended { // the goroutine ends inside body
			l.rollback(ErrStorage)
		}
	}()
	tx.engine = &liteTx{c: l.writer, short: tx.short}
	err := body(tx)
	ended = true
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		l.rollback(err)
		return failed, err
	}
	return l.commit()
}

func (l *lite) commit() (outcome, error) {
	err := l.writer.run("commit")
	if err == nil {
		l.written.Add(1)
		return committed, nil
	}
	l.rollback(err)
	l.broken = true
	if storageFate(mapped(err)) && !unwritten(err) {
		// The log may hold the commit although its sync failed; only a restart would show it.
		return unknown, fmt.Errorf("%w: %w", ErrUnknown, mapped(err))
	}
	return failed, err
}

func (l *lite) rollback(cause error) {
	// SQLite may have rolled back by itself: then this fails, and a new connection is the sure way on.
	err := l.writer.run("rollback")
	l.broken = err != nil || storageFate(mapped(cause))
}

func (l *lite) reopen() error {
	w, err := l.openWriter()
	if err != nil {
		return err
	}
	l.writer.close() // after the new one is open: the last to close would move the log into the database
	l.writer, l.broken = w, false
	return nil
}

func (l *lite) read(ctx context.Context, tx *Tx, body func(*Tx) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tx.ctx = ctx
	r, err := l.readers.take(ctx, cancel)
	if err != nil {
		return err
	}
	sound := false
	defer func() { l.readers.give(r, sound) }()
	r.c.trim()
	if err := r.c.run("begin"); err != nil {
		return err
	}
	tx.engine = &liteTx{c: r.c, readOnly: true}
	err = body(tx)
	sound = r.c.run("rollback") == nil && !storageFate(mapped(err))
	if err != nil && r.cut.Load() {
		return fmt.Errorf("%w: it held the log back for too long", ErrBusy)
	}
	return err
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
	return errors.Join(l.readers.close(), l.log.close(), l.writer.close())
}

// readers are the connections that read, and the reads under way.
type readers struct {
	open func() (*liteConn, error)
	free chan *liteConn // idle ones
	room chan struct{}  // one token for each that may still be opened

	active *activeReads
}

func newReaders(n int, open func() (*liteConn, error)) readers {
	r := readers{open: open, free: make(chan *liteConn, n), room: make(chan struct{}, n), active: &activeReads{running: map[*reading]bool{}}}
	for range n {
		r.room <- struct{}{}
	}
	return r
}

// reading is one read under way.
type reading struct {
	c      *liteConn
	number int64
	cancel context.CancelFunc
	cut    atomic.Bool // it was cancelled for the sake of the log
}

func (r *readers) take(ctx context.Context, cancel context.CancelFunc) (*reading, error) {
	c, err := r.connection(ctx)
	if err != nil {
		return nil, err
	}
	return r.active.add(&reading{c: c, cancel: cancel}), nil
}

func (r *readers) connection(ctx context.Context) (*liteConn, error) {
	select {
	case c := <-r.free:
		return c, nil
	default:
	}
	patience := time.NewTimer(waitTime)
	defer patience.Stop()
	select {
	case c := <-r.free:
		return c, nil
	case <-r.room:
		c, err := r.open()
		if err != nil {
			r.room <- struct{}{}
		}
		return c, err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		return nil, fmt.Errorf("%w: no connection for a read within %v", ErrBusy, waitTime)
	}
}

// give takes a connection back; one that is not sound is closed.
func (r *readers) give(done *reading, sound bool) {
	r.active.remove(done)
	if sound {
		r.free <- done.c
		return
	}
	done.c.close()
	r.room <- struct{}{}
}

func (r *readers) close() error {
	var err error
	for {
		select {
		case c := <-r.free:
			err = errors.Join(err, c.close())
		default:
			return err
		}
	}
}
