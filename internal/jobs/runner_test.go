package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"achteraf/internal/jobs"
)

func TestRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := jobs.NewRunner(nil)
		var calls, panics, fails atomic.Int64
		start := time.Now()
		r.Add("busy", func(context.Context) (bool, error) { return calls.Add(1) < 5, nil })
		r.Add("panics", func(context.Context) (bool, error) { panics.Add(1); panic("boom") })
		r.Add("fails", func(context.Context) (bool, error) { fails.Add(1); return true, errors.New("no") })
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()

		synctest.Wait()
		if n := calls.Load(); n != 5 || time.Since(start) != 0 {
			t.Errorf("busy work was called %d times in %v, want 5 at once", n, time.Since(start))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := calls.Load(); n < 190 || n > 210 {
			t.Errorf("idle work was called %d times in 10 s", n)
		}
		if n := fails.Load(); panics.Load() != n || n < 5 || n > 10 {
			t.Errorf("what fails was called %d times, what panics %d times", n, panics.Load())
		}
		cancel()
		<-done
	})
}

func TestRunnerRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := jobs.NewRunner(nil)
		running, ended, after := make(chan struct{}), false, 0
		remove := r.Add("slow", func(context.Context) (bool, error) {
			close(running)
			time.Sleep(time.Second)
			ended = true
			return true, nil
		})
		r.Add("other", func(context.Context) (bool, error) { after++; return false, nil })
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		<-running
		remove()
		if !ended {
			t.Error("remove did not wait for the call under way")
		}
		time.Sleep(time.Second)
		cancel()
		<-done
		if after == 0 {
			t.Error("the other work stopped too")
		}
	})
}
