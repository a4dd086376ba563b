package messages

import (
	"context"
	"errors"
	"slices"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Letter is a message with what was written in it, for whom it was written to.
type Letter struct {
	Message
	To    string
	Title string
	Text  string
}

// Reader opens stored messages for whom they were written to.
type Reader struct {
	vault *vault.Vault
	desk  *buyers.Desk
}

// NewReader makes a Reader.
func NewReader(v *vault.Vault, desk *buyers.Desk) *Reader { return &Reader{v, desk} }

// Letter opens a message about an order that went to one of the proved handles. Error: NotFound "message" when there is
// none, when it went to somebody else, and once the person was erased.
func (r *Reader) Letter(ctx context.Context, tx *db.Tx, proved []buyers.Handle, id string) (Letter, error) {
	missing := fault.Missing("message", "There is no such message.")
	var m sealed
	var to []byte
	err := tx.QueryRow(ctx, `select `+columns+`, recipient, content, handle from messages where id = $1 and order_id <> ''`, []any{id},
		append(m.places(), &m.recipient, &m.content, &to)...)
	if errors.Is(err, db.ErrNone) {
		return Letter{}, missing
	}
	if err != nil {
		return Letter{}, err
	}
	if !slices.ContainsFunc(proved, func(h buyers.Handle) bool { return h.IsEmail() && string(h.Hash) == string(to) }) {
		return Letter{}, missing
	}
	keys, err := r.desk.Keys(ctx, tx, m.Person)
	if err != nil {
		return Letter{}, err
	}
	l := lock{r.vault, keys, m.Purpose}
	if l.gone() {
		return Letter{}, missing
	}
	address, c, err := m.open(l)
	if err != nil {
		return Letter{}, err
	}
	return Letter{Message: m.Message, To: address, Title: c.Subject, Text: c.Text}, nil
}
