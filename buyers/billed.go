package buyers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"achteraf/internal/db"
	"achteraf/internal/vault"
)

// AttemptKey names a decided attempt of a shop.
type AttemptKey struct{ Merchant, ID string }

// Billed is what a document may show of a buyer, and the key to keep that document under.
type Billed struct {
	Person  string
	Kind    string
	Name    Name
	Address Address
	Company *Firm

	keys *vault.PersonKeys
}

// Seal seals what the tax law wants to be kept about the buyer. Error: vault.ErrDestroyed.
func (b *Billed) Seal(at vault.Place, plain []byte) (vault.Sealed, error) {
	return b.keys.Seal(vault.Fiscal, at, plain)
}

// Open opens what the buyer's keys sealed. Error: vault.ErrDestroyed.
func (b *Billed) Open(p vault.Purpose, at vault.Place, s vault.Sealed) ([]byte, error) {
	return b.keys.Open(p, at, s)
}

// One row each: the latest version, which is the one in force.
var findBilled = db.NewQuery(`
select i.version, i.person_id, i.fiscal, p.master_id, p.fiscal
  from identities i join persons p on p.id = i.person_id
 where i.id = $1 and i.merchant_id = $2
 order by i.version desc limit 1`, db.Text, db.Text)

// BilledRow is who is billed for an attempt as it is stored.
type BilledRow struct {
	of      AttemptKey
	version int64
	person  string
	fiscal  vault.Sealed
	keys    vault.Wrapped
}

// Billed reads who is billed for each attempt now, in the order of keys.
func (d *Desk) Billed(ctx context.Context, tx *db.Tx, keys []AttemptKey) ([]BilledRow, error) {
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{k.ID, k.Merchant}
	}
	out := make([]BilledRow, len(keys))
	err := tx.Find(ctx, findBilled, rows, func(i int, r db.Row) error {
		b := &out[i]
		b.of = keys[i]
		return r.Scan(&b.version, &b.person, &b.fiscal, &b.keys.MasterID, &b.keys.Fiscal)
	})
	for i := range out {
		if err == nil && out[i].version == 0 {
			err = fmt.Errorf("attempt %s has no identity", keys[i].ID)
		}
	}
	return out, err
}

// OpenBilled opens a row, without a transaction. What a destroyed key sealed is empty.
func (d *Desk) OpenBilled(r *BilledRow) (Billed, error) {
	b := Billed{Person: r.person}
	var err error
	if b.keys, err = d.vault.Unwrap(r.person, r.keys); err != nil {
		return b, err
	}
	plain, err := b.keys.Open(vault.Fiscal, place("fiscal", r.of.ID, r.version), r.fiscal)
	if errors.Is(err, vault.ErrDestroyed) {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	var f fiscal
	err = json.Unmarshal(plain, &f)
	b.Kind, b.Name, b.Address, b.Company = f.Kind, f.Name, f.Address, f.Company
	return b, err
}

// OpenFiscal reads what Billed.Seal has sealed. Errors: vault.ErrDestroyed once its years are over, vault.ErrForged.
func (d *Desk) OpenFiscal(ctx context.Context, tx *db.Tx, person string, at vault.Place, s vault.Sealed) ([]byte, error) {
	var w vault.Wrapped
	if err := tx.QueryRow(ctx, `select master_id, fiscal from persons where id = $1`, []any{person}, &w.MasterID, &w.Fiscal); err != nil {
		return nil, err
	}
	keys, err := d.vault.Unwrap(person, w)
	if err != nil {
		return nil, err
	}
	return keys.Open(vault.Fiscal, at, s)
}
