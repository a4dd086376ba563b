package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"

	"golang.org/x/sys/unix"
)

// failing runs f on a thread of its own on which the kernel answers some system calls with an error. The
// thread ends with f: for all others, and for what comes later, nothing is broken.
//
// With files only calls whose first argument is one of these descriptors fail.
func failing(t testing.TB, errno syscall.Errno, calls []uint32, f func(), files ...uint32) {
	t.Helper()
	const number, argument = 0, 16 // places in what the kernel shows of a call
	load := func(place uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: place}
	}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	among := func(list []uint32) (program []unix.SockFilter) { // goes on when the value is one of them
		for i, v := range list {
			program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(list) - i), K: v})
		}
		return append(program, allow)
	}
	program := append([]unix.SockFilter{load(number)}, among(calls)...)
	if len(files) > 0 {
		program = append(append(program, load(argument)), among(files)...)
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)})
	done := make(chan error)
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			done <- err
			return
		}
		prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
		if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0); err != nil {
			done <- err
			return
		}
		f()
	}()
	if err := <-done; err != nil {
		t.Fatalf("let system calls fail: %v", err)
	}
}

var (
	syncs  = []uint32{unix.SYS_FSYNC, unix.SYS_FDATASYNC}
	writes = []uint32{unix.SYS_PWRITE64} // not write: Go's own threads wake each other with it
	reads  = []uint32{unix.SYS_PREAD64}
)

// TestFaultStorage: while the disk fails requests are refused or of unknown outcome; once it is well again
// all goes on without a restart, and nothing that was answered is lost.
func TestFaultStorage(t *testing.T) {
	cases := []struct {
		name  string
		errno syscall.Errno
		calls []uint32
		want  error
		code  string
	}{
		{"the disk is full", unix.ENOSPC, writes, db.ErrFull, "storage"},
		{"a write fails", unix.EIO, writes, db.ErrStorage, "storage"},
		{"a sync fails", unix.EIO, syncs, db.ErrUnknown, "outcome-unknown"},
		{"a write writes nothing", 0, writes, db.ErrFull, "storage"},
		{"over quota", unix.EDQUOT, writes, db.ErrStorage, "storage"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			place := dbtest.New(t, "sqlite")
			d := prepare(t, place)
			recordPlaces(d)
			ctx := t.Context()
			batch := db.NewBatch(d, func(ctx context.Context, tx *db.Tx, in []string) ([]db.Result[int], error) {
				for _, id := range in {
					if err := add(ctx, id)(tx); err != nil {
						return nil, err
					}
				}
				return make([]db.Result[int], len(in)), nil
			})
			var j journal
			for round := range 4 {
				good := fmt.Sprint("good ", round)
				j.note(good, d.Write(ctx, add(ctx, good)))
				failing(t, c.errno, c.calls, func() {
					for i := range 3 {
						bad := fmt.Sprint("bad ", round, " ", i)
						err := d.Write(ctx, add(ctx, bad))
						if j.note(bad, err); !errors.Is(err, c.want) || !fault.Is(err, c.code) {
							t.Errorf("write %d: %v", i, err)
						}
						bad += " in a batch"
						_, err = batch.Do(ctx, bad)
						if j.note(bad, err); !errors.Is(err, c.want) || !fault.Is(err, c.code) {
							t.Errorf("batch %d: %v", i, err)
						}
					}
				})
				if err := d.Maintain(ctx); err != nil {
					t.Error(err)
				}
				good += " after"
				j.note(good, d.Write(ctx, add(ctx, good)))
			}
			if len(j.answered) != 8 {
				t.Errorf("answered %v", j.answered)
			}
			j.check(t, d)
			for _, id := range j.unknown { // sent again, as the client is told to: once at most
				j.note(id, d.Write(ctx, func(tx *db.Tx) error {
					tx.Position().Count++
					_, err := tx.Insert(ctx, hitsOnce, [][]any{{id, 1}})
					return err
				}))
			}
			j.unknown = nil
			j.check(t, d)
			must(t, d.Close())
			again := place.Open(t)
			j.check(t, again)
			checkPlaces(t, again, int64(len(j.answered)))
		})
	}
}

// TestFaultInAGroup: many wait while the writer meets a full disk.
func TestFaultInAGroup(t *testing.T) {
	d := prepare(t, dbtest.New(t, "sqlite"))
	ctx := t.Context()
	var j journal
	release := held(t, d)
	var all sync.WaitGroup
	out := make(chan struct{})
	all.Go(func() {
		failing(t, unix.ENOSPC, writes, func() {
			j.note("leader", d.Write(ctx, func(tx *db.Tx) error {
				close(out)
				return add(ctx, "leader")(tx)
			}))
		})
	})
	gathered(t, d, 1)
	for i := range 20 {
		all.Go(func() { j.note(id(i), d.Write(ctx, add(ctx, id(i)))) })
	}
	gathered(t, d, 21)
	release()
	soon(t, "the group", all.Wait)
	<-out
	if len(j.answered)+len(j.refused) != 21 || len(j.refused) == 0 {
		t.Errorf("%d answered, %d refused, %d unknown", len(j.answered), len(j.refused), len(j.unknown))
	}
	j.check(t, d)
	write(t, d, add(ctx, "after"))
}

func TestFaultReads(t *testing.T) {
	place := dbtest.New(t, "sqlite")
	d := prepare(t, place)
	ctx := t.Context()
	write(t, d, func(tx *db.Tx) error {
		return tx.Put(ctx, things, rowsOf(3000, func(i int) []any { return thing{ID: id(i), Data: make([]byte, 2000)}.row() }))
	})
	must(t, d.Close())
	d = place.Open(t) // with nothing in its cache
	const all = `select count(*) from things where data is not null and note = ''`
	failing(t, unix.EIO, reads, func() {
		for range 6 { // more often than there are connections
			err := d.Read(ctx, func(tx *db.Tx) error { var n int; return tx.QueryRow(ctx, all, nil, &n) })
			if !errors.Is(err, db.ErrStorage) || !fault.Is(err, "storage") {
				t.Errorf("a read: %v", err)
			}
		}
	})
	if n := number(t, d, all); n != 3000 {
		t.Errorf("%d rows after the fault", n)
	}
}

// TestFaultUpkeep: the log cannot be moved into the database for a while.
func TestFaultUpkeep(t *testing.T) {
	for name, calls := range map[string][]uint32{"write": writes, "sync": syncs} {
		place := dbtest.New(t, "sqlite")
		d := prepare(t, place)
		ctx := t.Context()
		var j journal
		for round := range 3 {
			key := fmt.Sprint(name, round)
			j.note(key, d.Write(ctx, func(tx *db.Tx) error {
				if err := add(ctx, key)(tx); err != nil {
					return err
				}
				return tx.Put(ctx, things, rowsOf(1000, func(i int) []any { return thing{ID: fmt.Sprint(key, i), Data: make([]byte, 3000)}.row() }))
			}))
			failed := 0
			failing(t, unix.EIO, calls, func() {
				for range 4 { // the first only sees that somebody wrote
					if d.Maintain(ctx) != nil {
						failed++
					}
					time.Sleep(db.CalmTime / 2)
				}
			})
			if failed == 0 {
				t.Errorf("%s: the upkeep did not notice", name)
			}
			j.note(key+" after", d.Write(ctx, add(ctx, key+" after")))
			for range 4 {
				must(t, d.Maintain(ctx))
				time.Sleep(db.CalmTime / 2)
			}
		}
		must(t, d.Close())
		again := place.Open(t)
		j.check(t, again)
		intact(t, again)
	}
}

// TestFaultPartNotSynced: a part of the log was moved, and the sync of it failed, which SQLite does not ask about. The
// log then stays as it is until the database is opened anew, which moves that part again.
func TestFaultPartNotSynced(t *testing.T) {
	place := dbtest.New(t, "sqlite")
	d := prepare(t, place)
	d.LogLimit(6<<20, 1<<40)
	ctx := t.Context()
	var j journal
	fill := func(key string) {
		j.note(key, d.Write(ctx, func(tx *db.Tx) error {
			if err := add(ctx, key)(tx); err != nil {
				return err
			}
			return tx.Put(ctx, things, rowsOf(1000, func(i int) []any { return thing{ID: fmt.Sprint(key, i), Data: make([]byte, 3000)}.row() }))
		}))
	}
	fill("first")
	must(t, d.Maintain(ctx)) // nothing to move yet
	var reading sync.WaitGroup
	begun, release := make(chan struct{}), make(chan struct{})
	reading.Go(func() {
		read(t, d, func(tx *db.Tx) error {
			var n int64
			err := tx.QueryRow(ctx, `select count(*) from things`, nil, &n)
			close(begun)
			<-release
			return err
		})
	})
	<-begun
	fill("second") // the log can be moved up to here
	failing(t, unix.EIO, syncs, func() { must(t, d.Maintain(ctx)) }, descriptors(t, strings.TrimPrefix(place.URL, "sqlite:"))...)
	close(release)
	reading.Wait()
	for range 2 {
		if err := d.Maintain(ctx); !errors.Is(err, db.ErrStorage) {
			t.Errorf("the rest was moved and the log given up: %v", err)
		}
		fill(fmt.Sprint("after ", len(j.answered)))
	}
	d.Close()
	again := place.Open(t)
	j.check(t, again)
	again.LogLimit(1<<20, 1<<40)
	write(t, again, add(ctx, "on"))
	must(t, again.Maintain(ctx))
	if left := again.LogLeft(); left != 0 {
		t.Errorf("%d bytes of the log are left", left)
	}
}

// descriptors are those under which this process has a file open.
func descriptors(t *testing.T, path string) (all []uint32) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, e := range list {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && to == path {
			n, err := strconv.ParseUint(e.Name(), 10, 32)
			must(t, err)
			all = append(all, uint32(n))
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s is not open", path)
	}
	return all
}

// TestFaultDatabaseMayNotGrow: SQLite's own limit, as a full disk that stays full.
func TestFaultDatabaseMayNotGrow(t *testing.T) {
	d := prepare(t, dbtest.New(t, "sqlite"))
	ctx := t.Context()
	var j journal
	full := 0
	for i := range 40 {
		must(t, d.OnWriter("pragma max_page_count = 200"))
		key := id(i)
		err := d.Write(ctx, func(tx *db.Tx) error {
			if err := add(ctx, key)(tx); err != nil {
				return err
			}
			return tx.Put(ctx, things, [][]any{thing{ID: key, Data: make([]byte, 20_000)}.row()})
		})
		if j.note(key, err); errors.Is(err, db.ErrFull) {
			full++
		}
	}
	if full == 0 || full == 40 || len(j.unknown) > 0 {
		t.Errorf("%d of 40 found the disk full; unknown: %v", full, j.unknown)
	}
	must(t, d.OnWriter("pragma max_page_count = 100000"))
	write(t, d, add(ctx, "room again"))
	j.check(t, d)
}
