package orders

import (
	"context"
	"encoding/json"
	"errors"

	"achteraf/internal/db"
	"achteraf/internal/ident"
	"achteraf/internal/vault"
)

// MostNote is how long what is printed on an invoice may be, in characters.
const MostNote = 500

// Remark is what a shop says with an order for its own use or its buyer's. It may name people, so it is kept sealed by
// the buyer's keys.
type Remark struct {
	Note     string   `json:"note,omitempty"`     // printed on the invoice
	Customer string   `json:"customer,omitempty"` // the shop's own number of the buyer
	Notes    []string `json:"notes,omitempty"`    // the shop's own words, printed nowhere
	CopyTo   string   `json:"-"`                  // an address that gets a copy of the invoice mail too
}

// mostNotes is how many words of its own a shop may give.
const mostNotes = 3

func (m *Remark) check(c *checker) {
	c.text(&m.Note, "#/invoice_note", MostNote, false)
	c.text(&m.Customer, "#/customer_number", 64, false)
	if len(m.Notes) > mostNotes {
		c.Wrong("#/notes", "too-long", "At most %d notes.", mostNotes)
		return
	}
	for i := range m.Notes {
		c.text(&m.Notes[i], "#/notes", 200, false)
	}
	if m.CopyTo != "" {
		address, err := ident.Email(m.CopyTo)
		if err != nil {
			c.Wrong("#/copy_to", "email", "This is not an e-mail address.")
		}
		m.CopyTo = address
	}
}

// Remarked is the remark of an order as it is stored.
type Remarked struct {
	Key
	said, copyTo vault.Sealed
}

// Copied says whether somebody else gets a copy of the invoice mail.
func (r *Remarked) Copied() bool { return r.copyTo != nil }

// Sealer seals and opens by the keys of a buyer.
type Sealer interface {
	Seal(p vault.Purpose, at vault.Place, plain []byte) (vault.Sealed, error)
}

// Opener opens by the keys of a buyer. Error: vault.ErrDestroyed.
type Opener interface {
	Open(p vault.Purpose, at vault.Place, s vault.Sealed) ([]byte, error)
}

func remarkPlace(column string, k Key) vault.Place {
	return vault.Place{Table: "order_remarks", Column: column, Row: k.Merchant + "/" + k.ID}
}

// Seal seals a remark; nil when it says nothing. What is said is kept as long as the invoice; the address, until the
// buyer is forgotten.
func (m *Remark) Seal(k Key, by Sealer) (*Remarked, error) {
	if m.Note == "" && m.Customer == "" && len(m.Notes) == 0 && m.CopyTo == "" {
		return nil, nil
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	r := &Remarked{Key: k}
	if r.said, err = by.Seal(vault.Fiscal, remarkPlace("said", k), plain); err == nil && m.CopyTo != "" {
		r.copyTo, err = by.Seal(vault.Profile, remarkPlace("copy_to", k), []byte(m.CopyTo))
	}
	return r, err
}

// Open reads a remark, without what was erased.
func (r *Remarked) Open(by Opener) (m Remark, err error) {
	plain, err := by.Open(vault.Fiscal, remarkPlace("said", r.Key), r.said)
	if err == nil {
		err = json.Unmarshal(plain, &m)
	}
	if err != nil && !errors.Is(err, vault.ErrDestroyed) {
		return m, err
	}
	if r.copyTo == nil {
		return m, nil
	}
	address, err := by.Open(vault.Profile, remarkPlace("copy_to", r.Key), r.copyTo)
	if errors.Is(err, vault.ErrDestroyed) {
		return m, nil
	}
	m.CopyTo = string(address)
	return m, err
}

var (
	newRemarks = db.NewTable("order_remarks", "",
		db.Col{Name: "order_id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "said", Type: db.Bytes},
		db.Col{Name: "copy_to", Type: db.Bytes})

	findRemarks = db.NewQuery(`select said, copy_to from order_remarks where order_id = $1 and merchant_id = $2`, db.Text, db.Text)
)

// PutRemarks stores remarks.
func PutRemarks(ctx context.Context, tx *db.Tx, list []*Remarked) error {
	rows := make([][]any, len(list))
	for i, r := range list {
		var copyTo any
		if r.copyTo != nil {
			copyTo = []byte(r.copyTo)
		}
		rows[i] = []any{r.ID, r.Merchant, []byte(r.said), copyTo}
	}
	return tx.Put(ctx, newRemarks, rows)
}

// Remarks reads the remarks of orders, in the order of keys; nil of one that has none.
func Remarks(ctx context.Context, tx *db.Tx, keys []Key) ([]*Remarked, error) {
	out := make([]*Remarked, len(keys))
	err := tx.Find(ctx, findRemarks, rowsOf(keys), func(i int, r db.Row) error {
		out[i] = &Remarked{Key: keys[i]}
		return r.Scan(&out[i].said, &out[i].copyTo)
	})
	return out, err
}
