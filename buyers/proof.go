package buyers

import (
	"bytes"
	"context"

	"achteraf/internal/db"
	"achteraf/internal/ident"
)

// Handle names one thing that identifies a buyer, as the table of handles does.
type Handle struct {
	Kind string
	Hash []byte
}

// EmailHandles returns the handles under which an address may be known: one for each master key, that of the
// active key first. The address has passed ident.Email.
func (d *Desk) EmailHandles(address string) []Handle {
	under := d.vault.Handles(byEmail, ident.EmailKey(address))
	out := make([]Handle, len(under))
	for i, h := range under {
		out[i] = Handle{byEmail, h.Hash}
	}
	return out
}

// Is says whether two handles are the same.
func (h Handle) Is(other Handle) bool { return h.Kind == other.Kind && bytes.Equal(h.Hash, other.Hash) }

// IsEmail says whether the handle is that of an e-mail address.
func (h Handle) IsEmail() bool { return h.Kind == byEmail }

var findOwners = db.NewQuery(`select person_id from handles where kind = $1 and hash = $2`, db.Text, db.Bytes)

// Owners returns the persons of handles, each once; none when nobody ordered with any of them.
func Owners(ctx context.Context, tx *db.Tx, handles []Handle) ([]string, error) {
	keys := make([][]any, len(handles))
	for i, h := range handles {
		keys[i] = []any{h.Kind, h.Hash}
	}
	var all []string
	seen := map[string]bool{}
	err := tx.Find(ctx, findOwners, keys, func(_ int, r db.Row) error {
		var id string
		err := r.Scan(&id)
		if !seen[id] {
			seen[id] = true
			all = append(all, id)
		}
		return err
	})
	return all, err
}
