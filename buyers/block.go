package buyers

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"achteraf/calendar"
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

// BlockKinds are what can be blocked about a buyer: the address of the invoice, the address of the delivery, name
// and birth date together, the network address.
var BlockKinds = []string{blockAddress, blockDelivery, blockPerson, blockIP}

// BlockReasons and LiftReasons are why a block is set and lifted. They are codes, since no row may say in words
// who somebody is.
var (
	BlockReasons = []string{"fraud", "stolen-identity", "abuse", "own-request", "court"}
	LiftReasons  = []string{"mistake", "solved", "own-request", "court"}
)

// Block is a block as staff see it: the row knows a keyed hash and nobody's name.
type Block struct {
	ID     string // kind and hash, "ip-0af3…"
	Kind   string
	Reason string
	By     string
	At     calendar.Instant
}

// CheckBlock brings what a block of this kind looks at into the stored form, and returns what is wrong with it. Other
// fields may be empty.
func (b *Buyer) CheckBlock(kind string, today calendar.Date) []fault.Field {
	c := &check{}
	switch kind {
	case blockAddress:
		b.Address.checkPlace(c, "#/address")
	case blockPerson:
		b.checkName(c, "#")
		b.checkConsumer(c, "#", today)
	case blockDelivery:
		if b.DeliveryAddress != nil {
			b.DeliveryAddress.checkPlace(c, "#/delivery_address")
		}
	case blockIP:
		b.checkIP(c, "#")
		if b.IP == "" && len(c.Found) == 0 {
			c.Wrong("#/ip", "required", "Fill in the network address.")
		}
	}
	return c.Found
}

// Block declines every later order with this address, person or network address, and says under which id it can be
// lifted, and whether it is new: what is blocked already stays as it is. Errors: Invalid "block-kind", "block-reason",
// "staff".
func (d *Desk) Block(ctx context.Context, tx *db.Tx, kind string, b *Buyer, reason, by string) (id string, set bool, err error) {
	if err := checkAct(by, reason, BlockReasons); err != nil {
		return "", false, err
	}
	m, has := d.blockMark(b, kind)
	if !has {
		return "", false, fault.Bad("block-kind", "There is nothing of this kind to block.")
	}
	if err := tx.Bump(ctx, blockVersions); err != nil { // first: who blocks and lifts beside this one waits here
		return "", false, err
	}
	for _, h := range m.under { // under an older master key, too
		is, err := isBlocked(ctx, tx, m.kind, h.Hash)
		if err != nil || is {
			return blockID(m.kind, h.Hash), false, err
		}
	}
	h := m.under[0]
	n, err := tx.Exec(ctx, `
insert into blocks (kind, hash, key_id, reason, set_by, set_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (kind, hash) do nothing`, m.kind, h.Hash, h.KeyID, reason, by, tx.Now)
	return blockID(m.kind, h.Hash), n > 0, err
}

func isBlocked(ctx context.Context, tx *db.Tx, kind string, hash []byte) (bool, error) {
	err := tx.QueryRow(ctx, `select kind from blocks where kind = $1 and hash = $2`, []any{kind, hash}, &kind)
	if errors.Is(err, db.ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// Lift ends a block. Errors: NotFound "block", Invalid "block-reason", "staff".
func Lift(ctx context.Context, tx *db.Tx, id, reason, by string) error {
	if err := checkAct(by, reason, LiftReasons); err != nil {
		return err
	}
	kind, hash, err := readBlockID(id)
	if err != nil {
		return err
	}
	if err := tx.Bump(ctx, blockVersions); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `delete from blocks where kind = $1 and hash = $2`, kind, hash)
	if err == nil && n == 0 {
		return noBlock()
	}
	return err
}

// Blocks lists blocks after an id, "" for the first ones, the oldest first. Error: NotFound "block" when there is no
// such block any more.
func Blocks(ctx context.Context, tx *db.Tx, after string, most int) (list []Block, err error) {
	const all = `select kind, hash, reason, set_by, set_at from blocks`
	query, args := all+` order by set_at, kind, hash limit $1`, []any{most}
	if after != "" {
		kind, hash, err := readBlockID(after)
		if err != nil {
			return nil, err
		}
		is, err := isBlocked(ctx, tx, kind, hash)
		if err != nil {
			return nil, err
		}
		if !is {
			return nil, noBlock()
		}
		query = all + ` where (set_at, kind, hash) > (select set_at, kind, hash from blocks where kind = $2 and hash = $3)
 order by set_at, kind, hash limit $1`
		args = append(args, kind, hash)
	}
	err = tx.Each(ctx, query, args, func(r db.Row) error {
		var b Block
		var hash []byte
		err := r.Scan(&b.Kind, &hash, &b.Reason, &b.By, &b.At)
		b.ID = blockID(b.Kind, hash)
		list = append(list, b)
		return err
	})
	return list, err
}

func blockID(kind string, hash []byte) string { return kind + "-" + hex.EncodeToString(hash) }

// readBlockID is the reverse of blockID, and takes nothing else: the record names a block in one way. Error: NotFound
// "block".
func readBlockID(id string) (kind string, hash []byte, err error) {
	kind, digits, _ := strings.Cut(id, "-")
	if hash, err = hex.DecodeString(digits); err != nil || blockID(kind, hash) != id {
		return "", nil, noBlock()
	}
	return kind, hash, nil
}

func noBlock() error { return fault.Missing("block", "There is no such block.") }

// checkAct holds an act of staff to its author, an id, and to one of the codes of its reasons.
func checkAct(by, reason string, reasons []string) error {
	if !StaffID(by) {
		return NoStaff()
	}
	if !slices.Contains(reasons, reason) {
		return fault.Bad("block-reason", "Give one of these reasons: %s.", strings.Join(reasons, ", "))
	}
	return nil
}

// StaffID says whether an id of a staff member has its form.
func StaffID(id string) bool {
	return id != "" && len(id) <= 40 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// NoStaff says that the id of who acts does not have the form of StaffID.
func NoStaff() error {
	return fault.Bad("staff", "Say by the id of a staff member who does this: 1 to 40 of a-z, 0-9, _ and hyphen.")
}
