package db

import (
	"bytes"
	"testing"

	"achteraf/calendar"
)

// ones is chance that is always as large as it can be, so that the counting part runs over.
type ones struct{}

func (ones) Read(b []byte) (int, error) {
	copy(b, bytes.Repeat([]byte{0xff}, len(b)))
	return len(b), nil
}

func TestIdsNeverGoBack(t *testing.T) {
	g := &ids{random: ones{}}
	last := ""
	for i := range 200_000 {
		ms := int64(1_800_000_000_000)
		if i%3 == 1 {
			ms -= 5000 // the clock goes back
		}
		if i == 100 { // as after very many within one millisecond
			g.tail = tailMask - 1<<20 - 1
		}
		id := g.next("x_", calendar.FromMicros(ms*1000))
		if id <= last || len(id) != 22 {
			t.Fatalf("%d: %s after %s", i, id, last)
		}
		last = id
	}
}
