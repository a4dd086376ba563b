package buyers

import (
	"context"
	"fmt"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/internal/vault"
)

// Contact is how the buyer of an attempt is reached now.
type Contact struct {
	Person string
	Keys   *vault.PersonKeys
	Buyer  Buyer        // as last corrected; Email is empty once it was erased
	Email  vault.Handle // keyed hash of the address
}

// Reach returns how the buyer of an attempt is reached now. Error: NotFound "identity".
func (d *Desk) Reach(ctx context.Context, tx *db.Tx, merchant, attempt string) (Contact, error) {
	all, keys, err := d.identities(ctx, tx, merchant, attempt)
	if err != nil {
		return Contact{}, err
	}
	last := all[len(all)-1]
	return Contact{last.Person, keys, last.Buyer, d.EmailHandle(last.Buyer.Email)}, nil
}

// EmailHandle is the keyed hash by which an address is found without being readable.
func (d *Desk) EmailHandle(address string) vault.Handle {
	return d.vault.Handles(byEmail, ident.EmailKey(address))[0]
}

// Keys opens the keys of a person. Error: NotFound "identity".
func (d *Desk) Keys(ctx context.Context, tx *db.Tx, person string) (keys *vault.PersonKeys, err error) {
	err = tx.Find(ctx, findPersons, [][]any{{person}}, func(_ int, r db.Row) error {
		var id string
		var w vault.Wrapped
		if err := r.Scan(&id, &w.MasterID, &w.Profile, &w.Fiscal, &w.Claim); err != nil {
			return err
		}
		if keys, err = d.vault.Unwrap(id, w); err != nil {
			return fmt.Errorf("keys of %s: %w", id, err)
		}
		return nil
	})
	if err == nil && keys == nil {
		err = fault.Missing("identity", "There is no such person.")
	}
	return keys, err
}
