package ledger

import (
	"context"

	"achteraf/internal/db"
)

// Prepare reads what s would seal and returns what then writes it.
func Prepare(ctx context.Context, s *Sealer, d *db.DB) (commit func() (int, error), err error) {
	p, err := s.prepare(ctx, d)
	return func() (int, error) { return p.commit(ctx, d) }, err
}

// Plan reads what s would seal in the state of tx.
func Plan(ctx context.Context, s *Sealer, tx *db.Tx) error {
	_, err := s.plan(ctx, tx)
	return err
}

// NameFrom is for the test against real names.
var NameFrom = nameFrom

// Limit makes the rounds of s smaller.
func Limit(s *Sealer, entries int64, rows int) { s.max = limits{entries, rows} }
