package older_test

import (
	"testing"
	"time"

	"achteraf/web/older"
)

// TestSweep: checks are forgotten a week after they expired, and no sooner.
func TestSweep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := older.NewSweeper(w.DB)
		step := func() {
			t.Helper()
			w.place.Clock.Advance(2 * time.Hour) // wall time
			w.must(s.Step(t.Context()))
		}
		w.api("check", private())
		w.must(w.DB.MoveClock(t.Context(), w.now().Add(7*24*time.Hour)))
		w.api("check", private())
		step()
		if n := w.count("older_checks"); n != 2 {
			t.Errorf("%d checks, want 2", n)
		}
		w.must(w.DB.MoveClock(t.Context(), w.now().Add(25*time.Hour)))
		step()
		if n := w.count("older_checks"); n != 1 {
			t.Errorf("%d checks, want 1", n)
		}
		w.must(s.Step(t.Context())) // it rests
	})
}
