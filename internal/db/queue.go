package db

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// waitTime is how long a request waits for its turn. A function that calls Write inside Write, and so
// waits for itself, ends here too.
const waitTime = 20 * time.Second

// queue lets requests that wait at the same moment share one transaction, without a timer and without
// a goroutine of its own: the first to come leads, takes what waits, runs it, and hands the lead on.
type queue struct {
	mu      sync.Mutex
	waiting []*job
	leaders int
	most    int // leaders at one time: 1 on SQLite, 2 on PostgreSQL
	room    int // jobs that may wait
}

// group is one kind of work whose jobs may share a transaction. run answers each job.
type group struct {
	limit int // jobs in one transaction
	run   func(jobs []*job)
}

type job struct {
	ctx   context.Context
	group *group
	in    any
	out   any
	err   error

	asked bool          // was told to lead
	lead  chan struct{} // closed when it is to lead
	done  chan struct{} // closed when it has run
}

// do runs in within g and returns its result. It gives up on ctx only while the job still waits.
func (q *queue) do(ctx context.Context, g *group, in any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j := &job{ctx: ctx, group: g, in: in, lead: make(chan struct{}), done: make(chan struct{})}
	if !q.join(j) {
		return nil, ErrBusy
	}
	patience := time.NewTimer(waitTime)
	defer patience.Stop()
	select {
	case <-j.done:
	case <-j.lead:
	case <-ctx.Done():
		if q.leave(j) {
			return nil, ctx.Err()
		}
	case <-patience.C:
		if q.leave(j) {
			return nil, fmt.Errorf("%w: no turn within %v", ErrBusy, waitTime)
		}
	}
	q.settle(j)
	return j.out, j.err
}

// join puts j into the queue; false when it is full. A job that finds a free lead takes it.
func (q *queue) join(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= q.room {
		return false
	}
	q.waiting = append(q.waiting, j)
	if q.leaders < q.most {
		q.leaders++
		j.ask()
	}
	return true
}

func (j *job) ask() {
	j.asked = true
	close(j.lead)
}

// leave takes a waiting job out of the queue; false when it was already taken or told to lead.
func (q *queue) leave(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, j)
	if i < 0 || j.asked {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// settle returns when j has run. A job that was told to lead does so even when another leader ran it
// meanwhile: else the lead would be lost.
func (q *queue) settle(j *job) {
	select {
	case <-j.done:
	case <-j.lead:
	}
	select {
	case <-j.lead:
		q.leadFor(j)
		<-j.done
	default:
	}
}

// leadFor runs waiting work until j has run or was taken by another leader, then hands the lead on.
func (q *queue) leadFor(j *job) {
	defer q.handOn()
	for !j.ran() {
		jobs := q.take()
		if len(jobs) == 0 {
			return
		}
		run(jobs)
	}
}

func (j *job) ran() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// run runs jobs and wakes those who wait for them, whatever happens inside.
func run(jobs []*job) {
	for _, j := range jobs {
		j.err = fmt.Errorf("%w: it was broken off", ErrUnknown)
	}
	defer func() {
		if r := recover(); r != nil {
			for _, j := range jobs {
				j.err = fmt.Errorf("%w: %w", ErrUnknown, panicked(r))
			}
		}
		for _, j := range jobs {
			close(j.done)
		}
	}()
	jobs[0].group.run(jobs)
}

// take removes the oldest job and those of its group that wait behind it, up to the group's limit.
func (q *queue) take() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	g := q.waiting[0].group
	var jobs []*job
	rest := q.waiting[:0]
	for _, j := range q.waiting {
		if j.group == g && len(jobs) < g.limit {
			jobs = append(jobs, j)
		} else {
			rest = append(rest, j)
		}
	}
	clear(q.waiting[len(rest):])
	q.waiting = rest
	return jobs
}

// handOn asks the oldest job that waits to lead.
func (q *queue) handOn() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.waiting {
		if !j.asked {
			j.ask()
			return
		}
	}
	q.leaders--
}

// idle says that nobody is writing.
func (q *queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.leaders == 0
}
