package db

import (
	"encoding/binary"
	"io"
	"sync"

	"achteraf/calendar"
)

// digits is Crockford's base 32 in lower case: no i, l, o, u, and it sorts as it counts.
const digits = "0123456789abcdefghjkmnpqrstvwxyz"

// ids makes time-ordered identifiers: a prefix, 9 digits of milliseconds and 11 digits of chance. Within
// one millisecond the chance part counts upwards, so that inserts stay at the right edge of an index.
type ids struct {
	mu     sync.Mutex
	random io.Reader
	last   int64  // milliseconds of the latest id
	tail   uint64 // its 55 bits of chance
}

const tailMask = 1<<55 - 1

// next returns the next identifier at this moment; it never goes back, even when the moment does.
func (g *ids) next(prefix string, at calendar.Instant) string {
	g.mu.Lock()
	ms := max(at.Micros()/1000, g.last)
	if ms == g.last && g.tail < tailMask-1<<20 {
		g.tail += 1 + g.chance()&0xfffff // jumps, so that one id does not give away its neighbour
	} else {
		if ms == g.last {
			ms++
		}
		g.last, g.tail = ms, g.chance()&(tailMask>>1)
	}
	tail := g.tail
	g.mu.Unlock()

	b := make([]byte, len(prefix)+20)
	n := copy(b, prefix)
	put(b[n:n+9], uint64(ms))
	put(b[n+9:], tail)
	return string(b)
}

func (g *ids) chance() uint64 {
	var b [8]byte
	if _, err := io.ReadFull(g.random, b[:]); err != nil {
		panic("db: no randomness for ids: " + err.Error())
	}
	return binary.LittleEndian.Uint64(b[:])
}

func put(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = digits[v&31]
		v >>= 5
	}
}
