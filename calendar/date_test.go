package calendar

import (
	"testing"
	"time"
)

// Every day there is, compared with package time.
func TestEveryDate(t *testing.T) {
	at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := int32(1); n <= lastDay; n++ {
		d := Date{n}
		y, m, day := at.Date()
		if d.Year() != y || d.Month() != m || d.Day() != day || d.Weekday() != at.Weekday() {
			t.Fatalf("day %d is %v %v, want %s", n, d, d.Weekday(), at.Format("2006-01-02 Monday"))
		}
		if got := number(y, int(m), day); got != n {
			t.Fatalf("number(%d, %d, %d) = %d, want %d", y, m, day, got, n)
		}
		at = at.AddDate(0, 0, 1)
	}
}
