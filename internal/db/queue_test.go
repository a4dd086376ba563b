package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// crew is a queue whose groups count what they run.
type crew struct {
	queue
	inside, most, runs atomic.Int64
	bad                atomic.Int64 // slices of more than one kind, or too large
}

func (c *crew) group(limit int, work func(jobs []*job)) *group {
	g := &group{limit: limit}
	g.run = func(jobs []*job) {
		n := c.inside.Add(1)
		for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
		}
		c.runs.Add(1)
		for _, j := range jobs {
			if j.group != g || len(jobs) > limit {
				c.bad.Add(1)
			}
			j.out, j.err = j.in, nil
		}
		defer c.inside.Add(-1)
		if work != nil {
			work(jobs)
		}
	}
	return g
}

func (c *crew) check(t *testing.T, leaders int64) {
	t.Helper()
	if c.bad.Load() > 0 || c.most.Load() > leaders {
		t.Errorf("%d bad slices; %d leaders at one time, %d allowed", c.bad.Load(), c.most.Load(), leaders)
	}
	if c.leaders != 0 || len(c.waiting) != 0 {
		t.Errorf("in the end %d lead and %d wait", c.leaders, len(c.waiting))
	}
}

// TestQueueUnderLoad: 256 goroutines, two kinds of work, some that give up. Each gets its own answer, and the
// lead is never lost.
func TestQueueUnderLoad(t *testing.T) {
	for _, leaders := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(leaders), func(t *testing.T) {
			c := &crew{queue: queue{most: leaders, room: 1000}}
			busy := func([]*job) { runtime.Gosched() }
			kinds := []*group{c.group(128, busy), c.group(32, busy)}
			var all sync.WaitGroup
			var gaveUp atomic.Int64
			for g := range 256 {
				all.Go(func() {
					chance := rand.New(rand.NewPCG(4, uint64(g)))
					for i := range 200 {
						ctx, cancel := context.WithCancel(context.Background())
						if chance.IntN(4) == 0 {
							go cancel()
						}
						in := g*1000 + i
						out, err := c.do(ctx, kinds[chance.IntN(2)], in)
						cancel()
						switch {
						case errors.Is(err, context.Canceled):
							gaveUp.Add(1)
						case err != nil || out != in:
							t.Errorf("%d was answered %v, %v", in, out, err)
						}
					}
				})
			}
			all.Wait()
			c.check(t, int64(leaders))
			t.Logf("%d runs, %d gave up", c.runs.Load(), gaveUp.Load())
		})
	}
}

// TestALeadIsNeverLost: a job that was asked to lead is run by the other leader before it wakes.
func TestALeadIsNeverLost(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			c := &crew{queue: queue{most: 2, room: 100}}
			g := c.group(2, func([]*job) { time.Sleep(time.Millisecond) })
			var all sync.WaitGroup
			for i := range 9 {
				all.Go(func() { c.do(context.Background(), g, i) })
			}
			all.Wait()
			c.check(t, 2)
		})
	}
}

// TestALeadIsNotGivenToOneWhoLeaves: a job gives up at the very moment at which it is asked to lead.
func TestALeadIsNotGivenToOneWhoLeaves(t *testing.T) {
	for range 500 {
		synctest.Test(t, func(t *testing.T) {
			c := &crew{queue: queue{most: 1, room: 100}}
			ctx, cancel := context.WithCancel(context.Background())
			g := c.group(1, func([]*job) {
				time.Sleep(time.Millisecond)
				cancel() // those who wait wake, and find that one of them was asked meanwhile
			})
			var all sync.WaitGroup
			all.Go(func() { c.do(context.Background(), g, 0) })
			synctest.Wait()
			for i := range 3 {
				all.Go(func() { c.do(ctx, g, i) })
			}
			all.Wait()
			c.check(t, 1)
		})
	}
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{queue: queue{most: 1, room: 3}}
		first := true
		slow := c.group(1, func([]*job) {
			if first {
				first = false
				time.Sleep(2 * waitTime)
			}
		})
		var all sync.WaitGroup
		all.Go(func() { c.do(context.Background(), slow, 0) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		all.Go(func() {
			if _, err := c.do(ctx, slow, 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		})
		for range 2 {
			all.Go(func() {
				if _, err := c.do(context.Background(), slow, 2); !errors.Is(err, ErrBusy) || time.Since(start) != waitTime {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		}
		synctest.Wait()
		if _, err := c.do(context.Background(), slow, 3); !errors.Is(err, ErrBusy) || time.Since(start) != 0 {
			t.Errorf("a full queue, after %v: %v", time.Since(start), err)
		}
		time.Sleep(2 * time.Second)
		all.Go(func() { c.do(ctx, slow, 4) })
		all.Wait()
		if out, err := c.do(context.Background(), slow, 5); err != nil || out != 5 {
			t.Errorf("after all that: %v, %v", out, err)
		}
		c.check(t, 1)
	})
}

// TestTheOldestComesFirst: neither kind of work keeps the other waiting, however much of it there is.
func TestTheOldestComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{queue: queue{most: 1, room: 10_000}}
		work := func([]*job) { time.Sleep(10 * time.Millisecond) }
		many, few := c.group(128, work), c.group(32, work)
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				for ctx.Err() == nil {
					start := time.Now()
					c.do(context.Background(), many, 0)
					if d := time.Since(start); d > 120*time.Millisecond { // a leader too is done when its own request is
						t.Errorf("one of many waited %v", d)
						return
					}
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		for range 40 {
			start := time.Now()
			if _, err := c.do(context.Background(), few, 0); err != nil {
				t.Error(err)
			}
			if d := time.Since(start); d > 110*time.Millisecond { // 1,000 in slices of 128 are before it, and its own
				t.Errorf("waited %v", d)
			}
		}
		cancel()
		all.Wait()
		c.check(t, 1)
	})
}

func TestWhoeverWaitsIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, stop := range map[string]func(){"panic": func() { panic("in the queue") }, "end": runtime.Goexit} {
			c := &crew{queue: queue{most: 1, room: 100}}
			n := 0
			g := c.group(4, func(jobs []*job) {
				time.Sleep(time.Millisecond)
				if n++; n == 2 {
					for _, j := range jobs {
						j.err = fmt.Errorf("%w", ErrUnknown)
					}
					stop()
				}
			})
			var all sync.WaitGroup
			var failures, answers atomic.Int64
			for i := range 13 {
				all.Go(func() {
					_, err := c.do(context.Background(), g, i)
					answers.Add(1)
					if errors.Is(err, ErrUnknown) {
						failures.Add(1)
					} else if err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			c.check(t, 1)
			if f, a := failures.Load(), answers.Load(); f < 3 || f > 4 || a < 12 { // the goroutine that ended may be one of the four
				t.Errorf("%s: %d answers, %d of them failures", name, a, f)
			}
		}
	})
}
