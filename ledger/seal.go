package ledger

import (
	"context"
	"fmt"
	"sync/atomic"

	"achteraf/internal/db"
)

// limits keep the write transaction of a round well under 25 ms on SQLite, where a row takes about 5 µs.
type limits struct {
	entries int64
	rows    int // of seals and balances
}

// Sealer orders the commits of all writers into one log and signs it. Any number of sealers may run on
// one database: of two that seal the same places, one loses and has done nothing.
type Sealer struct {
	key *Key
	max limits
	met atomic.Bool // has once found nothing left, from the first writer there ever was
}

// NewSealer makes a sealer that signs with key.
func NewSealer(key *Key) *Sealer { return &Sealer{key: key, max: limits{entries: 4096, rows: 2560}} }

// Mismatch is the alarm that a commit is not what its writer wrote. The sealer seals nothing after it
// until a person has looked.
type Mismatch struct {
	Writer string
	Seq    int64
	What   string
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("ledger: commit %s/%d is not what its writer wrote: %s", m.Writer, m.Seq, m.What)
}

// Seal seals what has been committed, in several short rounds, and returns how many entries it sealed.
// It returns early, without an error, when another sealer was faster. Errors: *Mismatch.
func (s *Sealer) Seal(ctx context.Context, d *db.DB) (sealed int, err error) {
	for {
		n, more, err := s.round(ctx, d)
		sealed += n
		if err != nil || !more {
			return sealed, err
		}
	}
}

// round reads and hashes on a snapshot, since what it reads never changes, and only then writes.
func (s *Sealer) round(ctx context.Context, d *db.DB) (sealed int, more bool, err error) {
	p, err := s.prepare(ctx, d)
	if err != nil {
		return 0, false, err
	}
	sealed, err = p.commit(ctx, d)
	if err == nil && !p.full && sealed == int(p.edge.size-p.last.Size) { // and nobody else was faster
		s.met.Store(true)
	}
	return sealed, p.full && sealed > 0, err
}

func (s *Sealer) prepare(ctx context.Context, d *db.DB) (p *plan, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		p, err = s.plan(ctx, tx)
		return err
	})
	return p, err
}
