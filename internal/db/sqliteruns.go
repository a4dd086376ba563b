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
// system: some 900 calls for a transaction of 64 orders, and where the system has dropped an old page of the file it
// reads that page from the disk first. So the writer's log goes through runs: pieces that follow one another are
// gathered, and handed over as one before the file is read, cut, measured or synced. Nothing is acknowledged
// earlier or kept longer than before, since SQLite syncs the log before it shows a transaction to anybody
// (synchronous = full). See docs/adr/0021.

// runsVFS is the name under which SQLite opens files through runs.
const runsVFS = "achteraf-runs"

// pageBytes is what a file system keeps together: of a run that goes on, whole pages are handed over. runBytes is the
// most that is gathered; SQLite's own file system takes 0x1ffff bytes at once.
const (
	pageBytes = 4096
	runBytes  = 31 * pageBytes
)

// logRun is what was written to an open log and not yet handed over.
type logRun struct {
	file uintptr // its sqlite3_file
	base *methods
	from int64 // place of the first byte in the file
	n    int64 // bytes gathered
	data uintptr
}

type methods = sqlite.Tsqlite3_io_methods

// gathered are the logs that are open through runs, and the functions that SQLite calls for them.
var gathered = struct {
	once sync.Once
	err  error
	base uintptr // the system's sqlite3_vfs

	mu      sync.RWMutex
	open    map[uintptr]*logRun // by sqlite3_file
	methods map[uintptr]uintptr // by those of the system, for which they stand in
}{open: map[uintptr]*logRun{}, methods: map[uintptr]uintptr{}}

// useRuns makes runsVFS known to SQLite.
func useRuns() error {
	gathered.once.Do(func() { gathered.err = registerRuns() })
	return gathered.err
}

func registerRuns() error {
	tls := libc.NewTLS() // lives as long as the process
	gathered.base = sqlite.Xsqlite3_vfs_find(tls, 0)
	name, err := libc.CString(runsVFS)
	if err != nil {
		return err
	}
	mine := libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(sqlite.Tsqlite3_vfs{})))
	if gathered.base == 0 || mine == 0 {
		return errors.New("sqlite: no file system, or no memory for ours")
	}
	v := at[sqlite.Tsqlite3_vfs](mine)
	*v = *at[sqlite.Tsqlite3_vfs](gathered.base)
	v.FpNext, v.FzName, v.FxOpen = 0, name, pointer(openRun)
	if rc := sqlite.Xsqlite3_vfs_register(tls, mine, 0); rc != sqlite.SQLITE_OK {
		return errors.New("sqlite: its file system could not be registered")
	}
	return nil
}

// at is what stands at an address of SQLite's, which Go neither moves nor frees.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// pointer and function turn a function into what SQLite calls it by, and back.
func pointer[F any](f F) uintptr        { return *(*uintptr)(unsafe.Pointer(&f)) }
func function[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

type (
	openFunc    = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	pieceFunc   = func(tls *libc.TLS, file, data uintptr, n int32, from int64) int32
	flagsFunc   = func(tls *libc.TLS, file uintptr, flags int32) int32
	sizeFunc    = func(tls *libc.TLS, file uintptr, size int64) int32
	measureFunc = func(tls *libc.TLS, file, size uintptr) int32
	closeFunc   = func(tls *libc.TLS, file uintptr) int32
)

func openRun(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	base := at[sqlite.Tsqlite3_vfs](gathered.base)
	rc := function[openFunc](base.FxOpen)(tls, gathered.base, name, file, flags, out)
	if rc == sqlite.SQLITE_OK && flags&sqlite.SQLITE_OPEN_WAL != 0 {
		return gather(tls, file)
	}
	return rc
}

// gather puts a run between SQLite and a file that it has just opened.
func gather(tls *libc.TLS, file uintptr) int32 {
	gathered.mu.Lock()
	defer gathered.mu.Unlock()
	f := at[sqlite.Tsqlite3_file](file)
	mine, known := gathered.methods[f.FpMethods]
	if !known {
		mine = libc.Xmalloc(tls, types.Size_t(unsafe.Sizeof(methods{})))
		if mine == 0 {
			return sqlite.SQLITE_OK // it works without
		}
		m := at[methods](mine)
		*m = *at[methods](f.FpMethods)
		m.FxRead, m.FxWrite, m.FxSync = pointer(readRun), pointer(writeRun), pointer(syncRun)
		m.FxTruncate, m.FxFileSize, m.FxClose = pointer(cutRun), pointer(measureRun), pointer(closeRun)
		gathered.methods[f.FpMethods] = mine
	}
	gathered.open[file] = &logRun{file: file, base: at[methods](f.FpMethods)}
	f.FpMethods = mine
	return sqlite.SQLITE_OK
}

func runOf(file uintptr) *logRun {
	gathered.mu.RLock()
	defer gathered.mu.RUnlock()
	return gathered.open[file]
}

// writeRun gathers a piece. One that does not follow on the run begins a new one.
func writeRun(tls *libc.TLS, file, data uintptr, n int32, from int64) int32 {
	r := runOf(file)
	if r.data == 0 {
		r.data = libc.Xmalloc(tls, runBytes)
	}
	if r.data == 0 || int64(n) > runBytes {
		if rc := r.hand(tls, r.n); rc != sqlite.SQLITE_OK {
			return rc
		}
		return function[pieceFunc](r.base.FxWrite)(tls, file, data, n, from)
	}
	if from != r.from+r.n {
		if rc := r.hand(tls, r.n); rc != sqlite.SQLITE_OK {
			return rc
		}
		r.from = from
	}
	if r.n+int64(n) > runBytes {
		if rc := r.hand(tls, r.n-(r.from+r.n)%pageBytes); rc != sqlite.SQLITE_OK {
			return rc
		}
	}
	libc.Xmemcpy(tls, r.data+uintptr(r.n), data, types.Size_t(n))
	r.n += int64(n)
	return sqlite.SQLITE_OK
}

// hand hands the first n bytes of the run over. When that fails the run is dropped: SQLite is told, takes the
// transaction back, and writes these places anew.
func (r *logRun) hand(tls *libc.TLS, n int64) int32 {
	if n <= 0 {
		return sqlite.SQLITE_OK
	}
	rc := function[pieceFunc](r.base.FxWrite)(tls, r.file, r.data, int32(n), r.from)
	if rc != sqlite.SQLITE_OK {
		r.n = 0
		return rc
	}
	r.from, r.n = r.from+n, r.n-n
	libc.Xmemmove(tls, r.data, r.data+uintptr(n), types.Size_t(r.n))
	return rc
}

// handed hands over all of a file's run, and returns the methods of the system for what comes then.
func handed(tls *libc.TLS, file uintptr) (*methods, int32) {
	r := runOf(file)
	return r.base, r.hand(tls, r.n)
}

func readRun(tls *libc.TLS, file, data uintptr, n int32, from int64) int32 {
	base, rc := handed(tls, file)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	return function[pieceFunc](base.FxRead)(tls, file, data, n, from)
}

func syncRun(tls *libc.TLS, file uintptr, flags int32) int32 {
	base, rc := handed(tls, file)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	return function[flagsFunc](base.FxSync)(tls, file, flags)
}

func cutRun(tls *libc.TLS, file uintptr, size int64) int32 {
	base, rc := handed(tls, file)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	return function[sizeFunc](base.FxTruncate)(tls, file, size)
}

func measureRun(tls *libc.TLS, file, size uintptr) int32 {
	base, rc := handed(tls, file)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	return function[measureFunc](base.FxFileSize)(tls, file, size)
}

// closeRun closes the file even when what was gathered could not be handed over.
func closeRun(tls *libc.TLS, file uintptr) int32 {
	base, rc := handed(tls, file)
	gathered.mu.Lock()
	libc.Xfree(tls, gathered.open[file].data)
	delete(gathered.open, file)
	gathered.mu.Unlock()
	at[sqlite.Tsqlite3_file](file).FpMethods = uintptr(unsafe.Pointer(base))
	if closed := function[closeFunc](base.FxClose)(tls, file); closed != sqlite.SQLITE_OK {
		return closed
	}
	return rc
}
