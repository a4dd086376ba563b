package buyers

import (
	"context"

	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// blockVersions is the name under which changes of blocks are counted.
const blockVersions = "blocks"

// mostBlocks is how many blocks are kept in memory. Operators set them by hand, so there are seldom more; when
// there are, each order asks the table.
const mostBlocks = 10_000

var findBlocks = db.NewQuery(`select kind, hash from blocks where kind = $1 and hash = $2`, db.Text, db.Bytes)

// blockBook knows who is blocked.
type blockBook struct {
	kept *db.Kept[string, blockList]
	most int
}

// blockList is all blocks, or says that they are too many to keep.
type blockList struct {
	all  map[handleKey]bool
	many bool
}

func newBlockBook() *blockBook {
	return &blockBook{db.NewKept[string, blockList](blockVersions), mostBlocks}
}

// among returns those of keys that are blocked, and perhaps others.
func (b *blockBook) among(ctx context.Context, tx *db.Tx, keys []handleKey) (map[handleKey]bool, error) {
	lists, err := b.kept.Get(ctx, tx, []string{""}, func([]string) (map[string]blockList, error) {
		list, err := b.load(ctx, tx)
		return map[string]blockList{"": list}, err
	})
	if err != nil {
		return nil, err
	}
	if !lists[""].many {
		return lists[""].all, nil
	}
	found := map[handleKey]bool{}
	return found, tx.Find(ctx, findBlocks, keyRows(keys), func(_ int, r db.Row) error { return addBlock(found, r) })
}

func (b *blockBook) load(ctx context.Context, tx *db.Tx) (blockList, error) {
	all := map[handleKey]bool{}
	err := tx.Each(ctx, `select kind, hash from blocks limit $1`, []any{b.most + 1}, func(r db.Row) error { return addBlock(all, r) })
	if len(all) > b.most {
		return blockList{many: true}, err
	}
	return blockList{all: all}, err
}

func addBlock(to map[handleKey]bool, r db.Row) error {
	var kind string
	var hash []byte
	err := r.Scan(&kind, &hash)
	to[handleKey{kind, string(hash)}] = true
	return err
}

// Block declines every later order with this address, person or network address.
func (d *Desk) Block(ctx context.Context, tx *db.Tx, kind string, b *Buyer, reason, by string) error {
	for _, m := range d.blockMarks(b) {
		if m.kind != kind {
			continue
		}
		_, err := tx.Exec(ctx, `
insert into blocks (kind, hash, key_id, reason, set_by, set_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (kind, hash) do nothing`, m.kind, m.under[0].Hash, m.under[0].KeyID, reason, by, tx.Now)
		if err != nil {
			return err
		}
		return tx.Bump(ctx, blockVersions)
	}
	return fault.Bad("block-kind", "There is nothing of this kind to block.")
}
