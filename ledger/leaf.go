package ledger

import (
	"crypto/sha256"
	"strconv"

	"achteraf/calendar"

	"golang.org/x/mod/sumdb/tlog"
)

// leafHead names the version of the encoding. A new version gets a new head, so that no leaf can be read as another.
const leafHead = "achteraf/entry/1\n"

// posted is an entry with its number among those of its writer.
type posted struct {
	Entry
	writer    string
	seq, n    int64
	at        calendar.Instant // business time
	committed calendar.Instant // wall time
}

// appendLeaf appends the canonical text of p, as docs/log-format.md has it.
func (p *posted) appendLeaf(b []byte) []byte {
	b = append(b, leafHead...)
	b = append(append(b, p.writer...), ' ')
	b = append(strconv.AppendInt(b, p.seq, 10), ' ')
	b = append(strconv.AppendInt(b, p.n, 10), '\n')
	for _, line := range [...]string{p.Merchant, p.Key, p.Kind, p.at.String(), p.committed.String(), p.Currency} {
		b = append(append(b, line...), '\n')
	}
	for i := range p.Legs {
		l := &p.Legs[i]
		b = append(append(b, l.Code...), ' ')
		b = append(strconv.AppendInt(b, l.Cents, 10), ' ')
		b = append(append(b, l.Subject...), '\n')
	}
	return b
}

// hash returns the hash of p's leaf. It uses buf and returns it, grown if need be.
func (p *posted) hash(buf []byte) (tlog.Hash, []byte) {
	buf = p.appendLeaf(buf[:0])
	return tlog.RecordHash(buf), buf
}

// chain returns the digest of a commit after one more leaf.
func chain(digest [32]byte, leaf tlog.Hash) [32]byte {
	var b [64]byte
	copy(b[:32], digest[:])
	copy(b[32:], leaf[:])
	return sha256.Sum256(b[:])
}
