package db

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite "modernc.org/sqlite/lib"
)

// openedLog is a log as SQLite has it open.
type openedLog struct {
	t    *testing.T
	tls  *libc.TLS
	file uintptr
	mem  uintptr // for what is written and read
}

func openLog(t *testing.T, path string) *openedLog {
	t.Helper()
	if err := useRuns(); err != nil {
		t.Fatal(err)
	}
	tls := libc.NewTLS()
	name, err := libc.CString(runsVFS)
	if err != nil {
		t.Fatal(err)
	}
	vfs := sqlite.Xsqlite3_vfs_find(tls, name)
	place, err := libc.CString(path + "\x00\x00\x00") // SQLite looks for parameters behind the path
	if err != nil {
		t.Fatal(err)
	}
	l := &openedLog{t, tls, libc.Xcalloc(tls, 1, types.Size_t(at[sqlite.Tsqlite3_vfs](vfs).FszOsFile)), libc.Xmalloc(tls, 4*runBytes)}
	rc := call[openFunc](at[sqlite.Tsqlite3_vfs](vfs).FxOpen)(tls, vfs, place, l.file, sqlite.SQLITE_OPEN_WAL|sqlite.SQLITE_OPEN_READWRITE|sqlite.SQLITE_OPEN_CREATE, 0)
	l.done(rc)
	return l
}

func (l *openedLog) done(rc int32) {
	l.t.Helper()
	if rc != sqlite.SQLITE_OK {
		l.t.Fatalf("answered %d", rc)
	}
}

func (l *openedLog) methods() *methods {
	return at[methods](at[sqlite.Tsqlite3_file](l.file).FpMethods)
}

func (l *openedLog) write(data []byte, from int64) {
	l.t.Helper()
	copy(unsafe.Slice(at[byte](l.mem), len(data)), data)
	l.done(call[pieceFunc](l.methods().FxWrite)(l.tls, l.file, l.mem, int32(len(data)), from))
}

func (l *openedLog) read(n int, from int64) []byte {
	l.t.Helper()
	l.done(call[pieceFunc](l.methods().FxRead)(l.tls, l.file, l.mem, int32(n), from))
	return bytes.Clone(unsafe.Slice(at[byte](l.mem), n))
}

func (l *openedLog) size() int64 {
	l.t.Helper()
	l.done(call[measureFunc](l.methods().FxFileSize)(l.tls, l.file, l.mem))
	return *at[int64](l.mem)
}

// TestRunsHoldWhatWasWritten writes, reads, cuts and syncs a log by chance, as one log and as a slice of bytes: both
// are the same at each look, and after each sync so is the file.
func TestRunsHoldWhatWasWritten(t *testing.T) {
	for seed := range uint64(20) {
		path := filepath.Join(t.TempDir(), "log")
		l, r := openLog(t, path), rand.New(rand.NewPCG(seed, 1))
		var want []byte
		for range 400 {
			switch dice := r.IntN(100); {
			case dice < 80: // goes on, mostly, as a log does
				from := int64(len(want))
				if dice < 10 {
					from = r.Int64N(int64(len(want)) + 1)
				}
				sizes := []int{24, 4096, 1, 32, pageBytes, runBytes, runBytes + 1}
				data := make([]byte, sizes[min(r.IntN(40), r.IntN(len(sizes)))])
				for i := range data {
					data[i] = byte(r.Uint32())
				}
				l.write(data, from)
				if end := from + int64(len(data)); end > int64(len(want)) {
					want = append(want, make([]byte, end-int64(len(want)))...)
				}
				copy(want[from:], data)
			case dice < 88 && len(want) > 0:
				from := r.IntN(len(want))
				n := min(1+r.IntN(5000), len(want)-from)
				if !bytes.Equal(l.read(n, int64(from)), want[from:from+n]) {
					t.Fatalf("seed %d: %d bytes from %d differ", seed, n, from)
				}
			case dice < 92:
				if l.size() != int64(len(want)) {
					t.Fatalf("seed %d: %d bytes, want %d", seed, l.size(), len(want))
				}
			case dice < 94:
				want = want[:r.IntN(len(want)+1)]
				l.done(call[sizeFunc](l.methods().FxTruncate)(l.tls, l.file, int64(len(want))))
			default:
				l.done(call[flagsFunc](l.methods().FxSync)(l.tls, l.file, sqlite.SQLITE_SYNC_NORMAL))
				fileIs(t, seed, path, want)
			}
		}
		l.done(call[flagsFunc](l.methods().FxSync)(l.tls, l.file, sqlite.SQLITE_SYNC_NORMAL))
		l.write([]byte("of nobody"), int64(len(want))) // what is not synced before the end is dropped
		l.done(call[closeFunc](l.methods().FxClose)(l.tls, l.file))
		fileIs(t, seed, path, want)
	}
}

func fileIs(t *testing.T, seed uint64, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("seed %d: the file differs from what was written: %d and %d bytes, %v", seed, len(got), len(want), err)
	}
}
