package ledger

import (
	"context"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// commit is one row of commits.
type commit struct {
	writer       string
	seq, entries int64
	digest       []byte
	at           calendar.Instant
}

const (
	selectCommits = `
select seq, entries, digest, committed_at from commits where writer = $1 and seq >= $2 order by seq limit $3`
	selectEntries = `
select seq, n, merchant_id, key, kind, posted_at, currency from entries
 where writer = $1 and seq >= $2 and seq <= $3 order by seq, n, merchant_id`
	selectPostings = `
select seq, n, merchant_id, code, subject, cents from postings
 where writer = $1 and seq >= $2 and seq <= $3 order by seq, n, leg, merchant_id`
)

// readEntries reads a writer's entries with numbers from..to, with their legs, by two range queries.
// A leg that belongs to no entry is a Mismatch.
func readEntries(ctx context.Context, tx *db.Tx, writer string, from, to int64) (entries []posted, err error) {
	err = tx.Each(ctx, selectEntries, []any{writer, from, to}, func(r db.Row) error {
		p := posted{writer: writer}
		err := r.Scan(&p.seq, &p.n, &p.Merchant, &p.Key, &p.Kind, &p.at, &p.Currency)
		entries = append(entries, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	i := 0
	var seq, n int64
	var merchant string
	var l Leg
	return entries, tx.Each(ctx, selectPostings, []any{writer, from, to}, func(r db.Row) error {
		if err := r.Scan(&seq, &n, &merchant, &l.Code, &l.Subject, &l.Cents); err != nil {
			return err
		}
		for i < len(entries) && (entries[i].seq < seq || entries[i].seq == seq && entries[i].n < n) {
			i++
		}
		if i == len(entries) || entries[i].seq != seq || entries[i].n != n || entries[i].Merchant != merchant {
			return &Mismatch{writer, seq, "it has a posting without an entry"}
		}
		entries[i].Legs = append(entries[i].Legs, l)
		return nil
	})
}
