package access

import (
	"context"

	"achteraf/internal/db"
)

// Act is something that somebody with authority did. Reason and Subject are codes and ids, never personal
// data.
type Act struct {
	Merchant string // "operator" for what concerns no shop
	Actor    string // a key's or a staff member's id, or the command that was run
	Act      string // "key.made"
	Subject  string
	Reason   string
}

var newAudit = db.NewTable("audit", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "actor", Type: db.Text},
	db.Col{Name: "act", Type: db.Text}, db.Col{Name: "subject", Type: db.Text}, db.Col{Name: "reason", Type: db.Text},
	db.Col{Name: "at", Type: db.Instant})

// Audit records an act in the transaction in which it happens.
func Audit(ctx context.Context, tx *db.Tx, a Act) error {
	return tx.Put(ctx, newAudit, [][]any{{tx.ID("aud_"), a.Merchant, a.Actor, a.Act, a.Subject, a.Reason, tx.Wall}})
}
