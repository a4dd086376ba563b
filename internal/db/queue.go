package db

import (
	"context"
	"slices"
	"sync"
)

// queue lets requests that wait at the same moment share one transaction, without a timer and without
// a goroutine of its own: the first to come leads, takes what waits, runs it, and hands the lead on.
type queue struct {
	mu      sync.Mutex
	waiting []*job
	leaders int
	most    int // leaders at one time: 1 on SQLite, 2 on PostgreSQL
	room    int // jobs that may wait
}

// group is one kind of work whose jobs may share a transaction.
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
	q.mu.Lock()
	if len(q.waiting) >= q.room {
		q.mu.Unlock()
		return nil, ErrBusy
	}
	q.waiting = append(q.waiting, j)
	if q.leaders < q.most {
		q.leaders++
		j.asked = true
		close(j.lead)
	}
	q.mu.Unlock()

	select {
	case <-j.done:
	case <-j.lead:
		q.leadUntil(j)
	case <-ctx.Done():
		if q.leave(j) {
			return nil, ctx.Err()
		}
		select {
		case <-j.done:
		case <-j.lead:
			q.leadUntil(j)
		}
	}
	return j.out, j.err
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

// leadUntil runs waiting work until j itself has run, then hands the lead on.
func (q *queue) leadUntil(j *job) {
	for {
		jobs := q.take()
		if len(jobs) == 0 {
			break
		}
		jobs[0].group.run(jobs)
		mine := false
		for _, k := range jobs {
			mine = mine || k == j
			close(k.done)
		}
		if mine {
			break
		}
	}
	q.handOn()
	<-j.done // another leader may have taken it
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

func (q *queue) handOn() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.waiting {
		if !j.asked {
			j.asked = true
			close(j.lead)
			return
		}
	}
	q.leaders--
}
