package jobs_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"achteraf/internal/jobs"
)

func TestRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := jobs.NewRunner(nil)
		busy, calls, panics, fails := 5, 0, 0, 0
		start := time.Now()
		r.Add("busy", func(context.Context) (bool, error) { calls++; busy--; return busy > 0, nil })
		r.Add("panics", func(context.Context) (bool, error) { panics++; panic("boom") })
		r.Add("fails", func(context.Context) (bool, error) { fails++; return true, errors.New("no") })
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()

		synctest.Wait()
		if calls != 5 || time.Since(start) != 0 {
			t.Errorf("busy work was called %d times in %v, want 5 at once", calls, time.Since(start))
		}
		time.Sleep(10 * time.Second)
		if calls < 190 || calls > 210 {
			t.Errorf("idle work was called %d times in 10 s", calls)
		}
		if panics != fails || fails < 5 || fails > 10 {
			t.Errorf("what fails was called %d times, what panics %d times", fails, panics)
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
		if after == 0 {
			t.Error("the other work stopped too")
		}
		cancel()
		<-done
	})
}
