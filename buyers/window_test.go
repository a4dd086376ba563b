package buyers

import (
	"testing"

	"pgregory.net/rapid"
)

// The packed window counts as a plain list of days would, for counts below its ceiling.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		plain := map[int64]int64{}
		day := int64(20_000)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			day += rapid.Int64Range(0, 3).Draw(t, "gap")
			w = w.add(day)
			plain[day]++
		}
		day += rapid.Int64Range(0, 9).Draw(t, "later")
		w = w.at(day)
		for n := 1; n <= 8; n++ {
			var want int64
			for i := range int64(n) {
				want += plain[day-i]
			}
			if got := w.last(n); got != want {
				t.Fatalf("last %d days: %d, want %d", n, got, want)
			}
		}
	})
}

func TestWindowStopsAtItsCeiling(t *testing.T) {
	var w window
	for range 300 {
		w = w.add(20_000)
	}
	if got := w.at(20_001).last(1); got != 0 {
		t.Errorf("the ceiling spilled into another day: %d", got)
	}
	if got := w.last(1); got != 255 {
		t.Errorf("%d", got)
	}
}
