package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"achteraf/internal/fault"
)

// TestFlights: who comes second waits for the first, and gives up after five seconds.
func TestFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights
		me := flight{"mer_1", "k1"}
		done, err := f.enter(t.Context(), me)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.enter(t.Context(), flight{"mer_2", "k1"}); err != nil {
			t.Errorf("another shop's key: %v", err)
		}
		began := time.Now()
		if _, err := f.enter(t.Context(), me); !fault.Is(err, "idempotency-in-flight") || time.Since(began) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.enter(gone, me); err == nil {
			t.Error("a caller who has gone still waits")
		}
		entered := make(chan error)
		for range 3 {
			go func() {
				leave, err := f.enter(t.Context(), me)
				if err == nil {
					leave()
				}
				entered <- err
			}()
		}
		synctest.Wait()
		time.Sleep(time.Second)
		done()
		for range 3 {
			if err := <-entered; err != nil {
				t.Errorf("after the first: %v", err)
			}
		}
		if again, err := f.enter(t.Context(), me); err != nil || len(f.under) != 2 {
			t.Errorf("later: %v, %d under way", err, len(f.under))
		} else {
			again()
		}
	})
}
