package verify

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
)

// hash is a node of the log's tree (RFC 6962, section 2.1).
type hash [sha256.Size]byte

func (h hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

func node(left, right hash) hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// tree is the log's tree as it grows: the roots of its complete subtrees, largest first, and the nodes
// that tiles above the lowest level hold.
type tree struct {
	size  int64
	roots []hash
	upper [][]hash // [0] are the nodes at height 8, [1] at 16, …
}

func (t *tree) add(leaf hash) {
	h := leaf
	for height, n := 1, t.size; n&1 == 1; height, n = height+1, n>>1 {
		last := len(t.roots) - 1
		h = node(t.roots[last], h)
		t.roots = t.roots[:last]
		if height%8 == 0 {
			for len(t.upper) < height/8 {
				t.upper = append(t.upper, nil)
			}
			t.upper[height/8-1] = append(t.upper[height/8-1], h)
		}
	}
	t.roots = append(t.roots, h)
	t.size++
}

func (t *tree) root() hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	h := t.roots[len(t.roots)-1]
	for i := len(t.roots) - 2; i >= 0; i-- {
		h = node(t.roots[i], h)
	}
	return h
}

// leaf returns the hash of an entry's leaf, by docs/log-format.md. It uses buf and returns it.
func (e *entry) leaf(c *commit, buf []byte) (hash, []byte) {
	b := append(buf[:0], "\x00achteraf/entry/1\n"...)
	b = append(append(b, c.writer...), ' ')
	b = append(strconv.AppendInt(b, c.seq, 10), ' ')
	b = append(strconv.AppendInt(b, e.n, 10), '\n')
	b = append(append(b, e.merchant...), '\n')
	b = append(append(b, e.key...), '\n')
	b = append(append(b, e.kind...), '\n')
	b = append(append(b, e.posted...), '\n')
	b = append(append(b, c.at...), '\n')
	b = append(append(b, e.currency...), '\n')
	for i := range e.legs {
		l := &e.legs[i]
		b = append(append(b, l.code...), ' ')
		b = append(strconv.AppendInt(b, l.cents, 10), ' ')
		b = append(append(b, l.subject...), '\n')
	}
	return sha256.Sum256(b), b
}
