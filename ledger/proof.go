package ledger

import (
	"context"
	"errors"

	"achteraf/internal/db"
	"achteraf/internal/fault"

	"golang.org/x/mod/sumdb/tlog"
)

const findPlace = `
select s.first_place + e.n from entries e join seals s on s.writer = e.writer and s.seq = e.seq
 where e.key = $1 and e.merchant_id = $2`

// Place returns the place in the log of the entry that a merchant's key posted. Error: NotFound "entry"
// when there is none or it is not sealed yet.
func Place(ctx context.Context, tx *db.Tx, merchant, key string) (place int64, err error) {
	err = tx.QueryRow(ctx, findPlace, []any{key, merchant}, &place)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing("entry", "There is no such entry in the sealed journal.")
	}
	return place, err
}

const findLeaf = `
select e.writer, e.seq, e.n, e.kind, e.posted_at, e.currency, c.committed_at
  from entries e join commits c on c.writer = e.writer and c.seq = e.seq
 where e.key = $1 and e.merchant_id = $2`

// Leaf returns the text that the log holds of an entry: its hash, tlog.RecordHash, is the leaf. Error:
// NotFound "entry".
func Leaf(ctx context.Context, tx *db.Tx, merchant, key string) ([]byte, error) {
	p := posted{Entry: Entry{Merchant: merchant, Key: key}}
	err := tx.QueryRow(ctx, findLeaf, []any{key, merchant}, &p.writer, &p.seq, &p.n, &p.Kind, &p.at, &p.Currency, &p.committed)
	if errors.Is(err, db.ErrNone) {
		return nil, fault.Missing("entry", "There is no such entry in the sealed journal.")
	}
	if err != nil {
		return nil, err
	}
	one := []posted{p}
	if err := loadLegs(ctx, tx, one); err != nil {
		return nil, err
	}
	return one[0].appendLeaf(nil), nil
}

// ProveEntry proves that the tree of checkpoint c holds the leaf at a place. tlog.CheckRecord checks it.
func ProveEntry(ctx context.Context, tx *db.Tx, c Checkpoint, place int64) (tlog.RecordProof, error) {
	if place < 0 || place >= c.Size {
		return nil, fault.Missing("entry", "There is no such entry in the sealed journal.")
	}
	return tlog.ProveRecord(c.Size, place, hashes(ctx, tx, &c))
}

// ProveGrowth proves that the tree of checkpoint c begins with the tree of an earlier size: nothing was
// removed or rewritten since. tlog.CheckTree checks it. Error: Invalid "log-size".
func ProveGrowth(ctx context.Context, tx *db.Tx, c Checkpoint, size int64) (tlog.TreeProof, error) {
	if size < 1 || size > c.Size {
		return nil, fault.Bad("log-size", "The log has not had this size.")
	}
	return tlog.ProveTree(c.Size, size, hashes(ctx, tx, &c))
}
