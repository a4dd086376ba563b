package db

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	batchLimit   = 128              // requests in one transaction of a Batch
	writeLimit   = 32               // functions in one transaction of Write on SQLite
	batchTime    = 20 * time.Second // a batch that takes longer is given up
	functionTime = 10 * time.Second // one function of Write
)

// Result is the answer to one request of a batch: its value, or the fault that refused it.
type Result[Out any] struct {
	Value Out
	Err   error
}

// Batch is a verb written for a slice of requests: those that wait at the same moment share one
// transaction and one sync. A request alone is a slice of one and never waits for company.
type Batch[In, Out any] struct {
	db *DB
	g  *group
	f  func(ctx context.Context, tx *Tx, in []In) ([]Result[Out], error)
}

// NewBatch makes a Batch of f. f answers each request in order; later requests see what earlier ones
// wrote. A refused request (Err) must have written nothing that may not stand. When f fails as a whole,
// or panics, its transaction is rolled back and each request runs again alone.
func NewBatch[In, Out any](d *DB, f func(ctx context.Context, tx *Tx, in []In) ([]Result[Out], error)) *Batch[In, Out] {
	b := &Batch[In, Out]{db: d, f: f}
	b.g = &group{limit: batchLimit, run: b.run}
	return b
}

// Do runs one request and returns once its transaction is durable.
func (b *Batch[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	var none Out
	if !b.db.gate.enter() {
		return none, Fault(errClosed)
	}
	defer b.db.gate.leave()
	out, err := b.db.queue.do(ctx, b.g, in)
	if err != nil {
		return none, Fault(err)
	}
	v, _ := out.(Out) // not ok for a nil interface, which is none too
	return v, nil
}

func (b *Batch[In, Out]) run(jobs []*job) {
	if b.together(jobs) {
		return
	}
	for i := range jobs {
		b.together(jobs[i : i+1])
	}
}

// together runs jobs in one transaction and answers them. It returns false, with nothing answered, when
// the slice failed for a reason that may lie in one of several requests.
func (b *Batch[In, Out]) together(jobs []*job) bool {
	ctx, cancel := context.WithTimeout(context.Background(), batchTime)
	defer cancel()
	in := make([]In, len(jobs))
	for i, j := range jobs {
		in[i], _ = j.in.(In) // not ok for a nil interface
	}
	var out []Result[Out]
	err := b.db.transact(ctx, true, func(tx *Tx) error {
		var err error
		out, err = b.f(ctx, tx, in)
		if err == nil && len(out) != len(in) {
			err = fmt.Errorf("db: a batch answered %d of %d requests", len(out), len(in))
		}
		return err
	})
	if err != nil && len(jobs) > 1 && !sharedFate(err) {
		return false
	}
	for i, j := range jobs {
		if err != nil {
			j.err = err
			continue
		}
		j.out, j.err = out[i].Value, out[i].Err
	}
	return true
}

// sharedFate says that an error would meet each request alone just the same, or that trying each alone
// would take too long.
func sharedFate(err error) bool {
	return storageFate(err) || errors.Is(err, context.DeadlineExceeded)
}

// storageFate says that the storage or the way to it has failed.
func storageFate(err error) bool {
	return errors.Is(err, ErrFull) || errors.Is(err, ErrStorage) || errors.Is(err, ErrLost) || errors.Is(err, ErrUnknown)
}
