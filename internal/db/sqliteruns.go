package db

import (
	"errors"
	"sync"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite "modernc.org/sqlite/lib"
)

// SQLite hands its log over in two pieces a page, 24 and 4,096 bytes long, at places that fit no page of the file
// system: some 400 calls for a transaction of 25 orders, and where the system has dropped an old page of the file it
// reads that page from the disk first. So the writer's log goes through runs: pieces that follow one another are
// gathered, and handed over as one before the file is read, cut, measured or synced. Nothing is acknowledged
// earlier or kept longer than before, since SQLite syncs the log before it shows a transaction to anybody
// (synchronous = full), and writes to the log at a commit only (cache_spill = off): else a transaction that was rolled
// back would leave a run behind, to be written over what another process has committed.
//
// And SQLite syncs the database only when the whole log was moved into it, in the writer's turn. Whoever moves a
// part of it here syncs that part at once, so that little is left for the writer. See docs/adr/0021.

// runsVFS is the name of the file system in which SQLite does so.
const runsVFS = "achteraf-runs"

// pageBytes is what a file system keeps together: of a run that goes on, whole pages are handed over. runBytes is the
// most that is gathered; SQLite's own file system takes 0x1ffff bytes at once.
const (
	pageBytes = 4096
	runBytes  = 31 * pageBytes
)

// runFile is an open log or database. Its connection uses it from one goroutine at a time.
type runFile struct {
	file uintptr // its sqlite3_file
	path string
	base *methods // of the system

	from int64 // of a log: where in the file the run begins,
	n    int64 // how long it is,
	data uintptr

	moving bool  // of a database: a part of the log is being moved into it
	untold int32 // what the sync of that part answered, until SQLite is told
}

type methods = sqlite.Tsqlite3_io_methods

// runs are the files that are open in runsVFS.
var runs = struct {
	once sync.Once
	err  error
	base uintptr // the system's sqlite3_vfs

	mu      sync.RWMutex
	open    map[uintptr]*runFile   // by sqlite3_file
	methods map[[2]uintptr]uintptr // what stands in for methods of the system, of a log (1) or a database (0)
	failed  map[string]int32       // the answer to a sync of a database, by its path, of which SQLite does not know
}{open: map[uintptr]*runFile{}, methods: map[[2]uintptr]uintptr{}, failed: map[string]int32{}}

// useRuns makes runsVFS known to SQLite.
func useRuns() error {
	runs.once.Do(func() { runs.err = registerRuns() })
	return runs.err
}

func registerRuns() error {
	tls := libc.NewTLS() // lives as long as the process
	runs.base = sqlite.Xsqlite3_vfs_find(tls, 0)
	name, err := libc.CString(runsVFS)
	if err != nil {
		return err
	}
	mine := libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(sqlite.Tsqlite3_vfs{})))
	if runs.base == 0 || mine == 0 {
		return errors.New("sqlite: no file system, or no memory for ours")
	}
	v := at[sqlite.Tsqlite3_vfs](mine)
	*v = *at[sqlite.Tsqlite3_vfs](runs.base)
	v.FpNext, v.FzName, v.FxOpen = 0, name, pointer(openInRuns)
	if rc := sqlite.Xsqlite3_vfs_register(tls, mine, 0); rc != sqlite.SQLITE_OK {
		return errors.New("sqlite: its file system could not be registered")
	}
	return nil
}

// at is what stands at an address of SQLite's, which Go neither moves nor frees.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// pointer is what SQLite calls a function by; call is the function.
func pointer[F any](f F) uintptr    { return *(*uintptr)(unsafe.Pointer(&f)) }
func call[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

type (
	openFunc    = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	pieceFunc   = func(tls *libc.TLS, file, data uintptr, n int32, from int64) int32
	flagsFunc   = func(tls *libc.TLS, file uintptr, flags int32) int32
	sizeFunc    = func(tls *libc.TLS, file uintptr, size int64) int32
	measureFunc = func(tls *libc.TLS, file, size uintptr) int32
	controlFunc = func(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32
	closeFunc   = func(tls *libc.TLS, file uintptr) int32
)

func openInRuns(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	rc := call[openFunc](at[sqlite.Tsqlite3_vfs](runs.base).FxOpen)(tls, runs.base, name, file, flags, out)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	if flags&(sqlite.SQLITE_OPEN_WAL|sqlite.SQLITE_OPEN_MAIN_DB) != 0 {
		adopt(tls, file, libc.GoString(name), flags&sqlite.SQLITE_OPEN_WAL != 0)
	}
	return rc
}

// adopt puts us between SQLite and a file that it has just opened. Without memory the file works as it is.
func adopt(tls *libc.TLS, file uintptr, path string, log bool) {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	f := at[sqlite.Tsqlite3_file](file)
	key := [2]uintptr{f.FpMethods}
	if log {
		key[1] = 1
	}
	mine, known := runs.methods[key]
	if !known {
		if mine = libc.Xmalloc(tls, types.Size_t(unsafe.Sizeof(methods{}))); mine == 0 {
			return
		}
		m := at[methods](mine)
		*m = *at[methods](f.FpMethods)
		m.FxClose = pointer(closeFile)
		if log {
			m.FxRead, m.FxWrite, m.FxSync = pointer(readLog), pointer(writeLog), pointer(syncLog)
			m.FxTruncate, m.FxFileSize = pointer(cutLog), pointer(measureLog)
		} else {
			m.FxSync, m.FxFileControl = pointer(syncDatabase), pointer(controlDatabase)
		}
		runs.methods[key] = mine
	}
	runs.open[file] = &runFile{file: file, path: path, base: at[methods](f.FpMethods)}
	f.FpMethods = mine
}

func opened(file uintptr) *runFile {
	runs.mu.RLock()
	defer runs.mu.RUnlock()
	return runs.open[file]
}

// writeLog gathers a piece. One that does not follow on the run begins a new one.
func writeLog(tls *libc.TLS, file, data uintptr, n int32, from int64) int32 {
	r, rc, length := opened(file), int32(sqlite.SQLITE_OK), int64(n)
	if r.data == 0 {
		r.data = libc.Xmalloc(tls, runBytes)
	}
	switch end := r.from + r.n; {
	case from != end || r.data == 0 || length > runBytes-pageBytes:
		rc = r.hand(tls, r.n)
		r.from = from
	case r.n+length > runBytes:
		rc = r.hand(tls, r.n-end%pageBytes)
	}
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	if r.data == 0 || r.n+length > runBytes { // SQLite's log has no such pieces
		r.from += length
		return call[pieceFunc](r.base.FxWrite)(tls, file, data, n, from)
	}
	libc.Xmemcpy(tls, r.data+uintptr(r.n), data, types.Size_t(n))
	r.n += length
	return rc
}

// hand hands the first n bytes of the run over. When that fails the run is dropped: SQLite is told, takes the
// transaction back, and writes these places anew.
func (r *runFile) hand(tls *libc.TLS, n int64) int32 {
	if n <= 0 {
		return sqlite.SQLITE_OK
	}
	rc := call[pieceFunc](r.base.FxWrite)(tls, r.file, r.data, int32(n), r.from)
	if rc != sqlite.SQLITE_OK {
		r.n = 0
		return rc
	}
	r.from, r.n = r.from+n, r.n-n
	libc.Xmemmove(tls, r.data, r.data+uintptr(n), types.Size_t(r.n))
	return rc
}

// handed hands all of a log's run over and returns the system's methods for what comes then.
func handed(tls *libc.TLS, file uintptr) (*methods, int32) {
	r := opened(file)
	return r.base, r.hand(tls, r.n)
}

func readLog(tls *libc.TLS, file, data uintptr, n int32, from int64) int32 {
	base, rc := handed(tls, file)
	if rc != sqlite.SQLITE_OK {
		return sqlite.SQLITE_IOERR_WRITE // which ends the transaction, as no other answer to a read is sure to
	}
	return call[pieceFunc](base.FxRead)(tls, file, data, n, from)
}

func syncLog(tls *libc.TLS, file uintptr, flags int32) int32 {
	base, rc := handed(tls, file)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[flagsFunc](base.FxSync)(tls, file, flags)
}

func cutLog(tls *libc.TLS, file uintptr, size int64) int32 {
	base, rc := handed(tls, file)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[sizeFunc](base.FxTruncate)(tls, file, size)
}

func measureLog(tls *libc.TLS, file, size uintptr) int32 {
	base, rc := handed(tls, file)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[measureFunc](base.FxFileSize)(tls, file, size)
}

// controlDatabase syncs the database when a part of the log was moved into it, or all of it. SQLite does not ask for
// the outcome here. When it was all, it syncs once more and learns it there; else the failure is kept.
func controlDatabase(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32 {
	f := opened(file)
	switch op {
	case sqlite.SQLITE_FCNTL_CKPT_START:
		f.moving, f.untold = true, sqlite.SQLITE_OK
	case sqlite.SQLITE_FCNTL_CKPT_DONE: // comes without a start too, when the log could not be synced
		if f.moving && failedBefore(f.path) == sqlite.SQLITE_OK {
			f.untold = call[flagsFunc](f.base.FxSync)(tls, file, sqlite.SQLITE_SYNC_NORMAL)
			keepFailure(f.path, f.untold)
		}
		f.moving = false
	}
	return call[controlFunc](f.base.FxFileControl)(tls, file, op, arg)
}

// syncDatabase syncs. After a failure of which SQLite was not told no other sync is a success, whatever the system
// says, which may have dropped the pages: so the log is never started anew over them, and the next start of the
// process reads them from there.
func syncDatabase(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := opened(file)
	if rc := f.untold; rc != sqlite.SQLITE_OK {
		f.untold = 0
		keepFailure(f.path, sqlite.SQLITE_OK) // SQLite knows it now, and moves these pages again
		return rc
	}
	if rc := failedBefore(f.path); rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[flagsFunc](f.base.FxSync)(tls, file, flags)
}

func failedBefore(path string) int32 {
	runs.mu.RLock()
	defer runs.mu.RUnlock()
	return runs.failed[path]
}

func keepFailure(path string, rc int32) {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	if rc == sqlite.SQLITE_OK {
		delete(runs.failed, path)
	} else {
		runs.failed[path] = rc
	}
}

// closeFile closes a file. A run that is left was never synced: no transaction that anybody knows of is in it, and
// others may have written to its place meanwhile.
func closeFile(tls *libc.TLS, file uintptr) int32 {
	r := opened(file)
	libc.Xfree(tls, r.data)
	r.forget()
	at[sqlite.Tsqlite3_file](file).FpMethods = uintptr(unsafe.Pointer(r.base))
	return call[closeFunc](r.base.FxClose)(tls, file)
}

// forget drops an open file. With the last one of its path a failed sync is forgotten too: whoever opens the
// database then reads its log from the beginning.
func (r *runFile) forget() {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	delete(runs.open, r.file)
	for _, other := range runs.open {
		if other.path == r.path {
			return
		}
	}
	delete(runs.failed, r.path)
}
