package db

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// harder makes SQLite's commits durable. SQLite itself runs with synchronous = normal: it syncs its log before it
// moves it and never at a commit. We sync the log after each commit and before anybody hears of it, while the
// next transaction already runs; in the log commits keep their order, so one is never kept without those before it
// (docs/adr/0015).
type harder struct {
	path string // of the log

	mu   sync.Mutex
	file *os.File
	done atomic.Int64 // commits that are on disk
	lost atomic.Bool  // a sync failed: what the log holds is not known
}

// harden returns once the commits so far are on disk. After a failed sync it fails until repair.
func (h *harder) harden(committed *atomic.Int64) error {
	mine := committed.Load()
	if h.done.Load() >= mine && !h.lost.Load() {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lost.Load() {
		return fmt.Errorf("%w: an earlier sync failed", ErrStorage)
	}
	if h.done.Load() >= mine { // by the sync of another
		return nil
	}
	all := committed.Load()
	if err := h.sync(); err != nil {
		h.lost.Store(true)
		return fmt.Errorf("%w: sync of the log: %w", ErrStorage, err)
	}
	h.done.Store(all)
	return nil
}

func (h *harder) sync() (err error) {
	if h.file == nil {
		if h.file, err = os.OpenFile(h.path, os.O_RDWR, 0); err != nil {
			return err
		}
	}
	return h.file.Sync()
}

// repair makes the log sound after a failed sync, before anything else is written: all of it goes into the database,
// which is synced, and the log is emptied. What was of unknown outcome is then there for good.
func (h *harder) repair(writer *liteConn, committed *atomic.Int64) error {
	if !h.lost.Load() {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	used, _, err := writer.checkpoint("truncate")
	switch {
	case err != nil:
		return fmt.Errorf("%w: after a failed sync: %w", ErrStorage, err)
	case used > 0:
		return fmt.Errorf("%w: after a failed sync a read still needs the log", ErrStorage)
	}
	if err := h.sync(); err != nil {
		return fmt.Errorf("%w: sync of the emptied log: %w", ErrStorage, err)
	}
	h.done.Store(committed.Load())
	h.lost.Store(false)
	return nil
}

func (h *harder) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

// unsure turns the answers of jobs that may not be on disk into an unknown outcome. One that was refused stays so.
func unsure(jobs []*job, cause error) {
	for _, j := range jobs {
		if j.err == nil {
			j.out, j.err = nil, errors.Join(ErrUnknown, cause)
		}
	}
}
