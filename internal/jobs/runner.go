package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// every is how long the loop rests when there was nothing to do.
const every = 50 * time.Millisecond

// Runner is the one loop of a process. It serves all values the process holds: platforms and sandboxes come
// and go while it runs.
type Runner struct {
	log *slog.Logger

	mu    sync.Mutex
	ticks []*tick

	wake chan struct{} // ends a rest
}

type tick struct {
	name  string
	f     func(context.Context) (more bool, err error)
	fails int // in a row
	skip  int // rounds to leave out after a failure

	running chan struct{} // room for the one call under way
	removed bool
}

// NewRunner makes a loop without work. log may be nil.
func NewRunner(log *slog.Logger) *Runner {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Runner{log: log, wake: make(chan struct{}, 1)}
}

// Add has f called in each round until remove is called, which waits for a call under way. While some f has more
// to do the loop does not rest. An f that fails is left out for a while; one that panics has failed.
func (r *Runner) Add(name string, f func(context.Context) (more bool, err error)) (remove func()) {
	t := &tick{name: name, f: f, running: make(chan struct{}, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ticks = append(slices.Clone(r.ticks), t)
	return func() {
		r.mu.Lock()
		r.ticks = slices.DeleteFunc(slices.Clone(r.ticks), func(other *tick) bool { return other == t })
		r.mu.Unlock()
		t.running <- struct{}{}
		t.removed = true
		<-t.running
	}
}

// Scanning adds a scanner. It is scanned again as soon as it has room for more calls.
func (r *Runner) Scanning(name string, s *Scanner) (remove func()) {
	s.mu.Lock()
	s.wake = r.wake
	s.mu.Unlock()
	return r.Add(name, func(ctx context.Context) (bool, error) {
		ran, err := s.Scan(ctx)
		return ran > 0, err
	})
}

// Run loops until ctx ends. The round under way is finished first.
func (r *Runner) Run(ctx context.Context) {
	rest := time.NewTimer(every)
	defer rest.Stop()
	for ctx.Err() == nil {
		if r.round(ctx) {
			continue
		}
		rest.Reset(every)
		select {
		case <-rest.C:
		case <-r.wake:
		case <-ctx.Done():
		}
	}
}

func (r *Runner) round(ctx context.Context) (more bool) {
	r.mu.Lock()
	ticks := r.ticks // replaced, never changed
	r.mu.Unlock()
	for _, t := range ticks {
		if ctx.Err() != nil {
			return false
		}
		if r.call(ctx, t) {
			more = true
		}
	}
	return more
}

func (r *Runner) call(ctx context.Context, t *tick) (more bool) {
	t.running <- struct{}{}
	defer func() { <-t.running }()
	if t.removed {
		return false
	}
	if t.skip > 0 {
		t.skip--
		return false
	}
	more, err := guarded(ctx, t.f)
	if err == nil {
		t.fails = 0
		return more
	}
	t.fails++
	t.skip = 1 << min(t.fails, 6) // 100 ms to 3.2 s
	if ctx.Err() == nil {
		r.log.ErrorContext(ctx, "background work failed", "work", t.name, "in_a_row", t.fails, "err", err)
	}
	return false
}

func guarded(ctx context.Context, f func(context.Context) (bool, error)) (more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			more, err = false, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f(ctx)
}
