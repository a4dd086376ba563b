package api

import (
	"context"
	"sync"
	"time"

	"achteraf/internal/fault"
)

// inFlight is how long a request waits for the first one with its key.
const inFlight = 5 * time.Second

// flights are the writes under way in this process, by idempotency key. Between processes the database decides;
// this only spares it the crowd, and says Conflict instead of letting a client hang.
type flights struct {
	mu    sync.Mutex
	under map[flight]chan struct{}
}

type flight struct{ merchant, key string }

// enter waits until no other request with this key is under way. Call done when this one has its answer. Error:
// Conflict "idempotency-in-flight" after 5 seconds.
func (f *flights) enter(ctx context.Context, me flight) (done func(), err error) {
	f.mu.Lock()
	first, busy := f.under[me]
	if !busy {
		if f.under == nil {
			f.under = map[flight]chan struct{}{}
		}
		f.under[me] = make(chan struct{})
	}
	f.mu.Unlock()
	if !busy {
		return func() { f.leave(me) }, nil
	}
	ctx, cancel := context.WithTimeout(ctx, inFlight)
	defer cancel()
	select {
	case <-first:
		return func() {}, nil // its answer is stored; or it failed, and those who waited may all try
	case <-ctx.Done():
		return nil, fault.Clash("idempotency-in-flight", "The first request with this key is still under way. Ask again shortly.")
	}
}

func (f *flights) leave(me flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.under[me])
	delete(f.under, me)
}
