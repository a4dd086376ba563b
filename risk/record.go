package risk

import (
	"context"
	"encoding/json"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Record is a decision as it is kept. Facts are sealed under the person's claim key.
type Record struct {
	ID        string // att_…, the attempt
	Merchant  string
	Person    string
	Decision  Decision
	Facts     Facts
	TookMicro int64 // time that deciding took
	DecidedAt calendar.Instant
}

var newDecisions = db.NewTable("decisions", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "person_id", Type: db.Text},
	db.Col{Name: "class", Type: db.Text}, db.Col{Name: "policy", Type: db.Text}, db.Col{Name: "reasons", Type: db.Text},
	db.Col{Name: "hits", Type: db.Text}, db.Col{Name: "facts", Type: db.Bytes}, db.Col{Name: "took_us", Type: db.Bigint},
	db.Col{Name: "decided_at", Type: db.Instant})

func place(id string) vault.Place { return vault.Place{Table: "decisions", Column: "facts", Row: id} }

// Row seals a record's facts and makes its row for Keep.
func (r *Record) Row(keys *vault.PersonKeys) ([]any, error) {
	plain, err := json.Marshal(r.Facts)
	if err != nil {
		return nil, err
	}
	sealed, err := keys.Seal(vault.Claim, place(r.ID), plain)
	if err != nil {
		return nil, err
	}
	return []any{r.ID, r.Merchant, r.Person, r.Decision.Class, r.Decision.Policy, Join(r.Decision.Reasons), Join(r.Decision.Hits),
		[]byte(sealed), r.TookMicro, r.DecidedAt}, nil
}

// Keep writes the decisions of a slice.
func Keep(ctx context.Context, tx *db.Tx, rows [][]any) error { return tx.Put(ctx, newDecisions, rows) }

const selectDecision = `
select d.person_id, d.class, d.policy, d.reasons, d.hits, d.facts, d.took_us, d.decided_at,
       p.master_id, p.profile, p.fiscal, p.claim
  from decisions d join persons p on p.id = d.person_id
 where d.id = $1 and d.merchant_id = $2`

// Find reads a decision with its facts. Error: NotFound "decision".
func Find(ctx context.Context, tx *db.Tx, v *vault.Vault, merchant, attempt string) (Record, error) {
	r := Record{ID: attempt, Merchant: merchant}
	var reasons, hits string
	var sealed vault.Sealed
	var w vault.Wrapped
	err := tx.QueryRow(ctx, selectDecision, []any{attempt, merchant}, &r.Person, &r.Decision.Class, &r.Decision.Policy, &reasons, &hits,
		&sealed, &r.TookMicro, &r.DecidedAt, &w.MasterID, &w.Profile, &w.Fiscal, &w.Claim)
	if err == db.ErrNone {
		return r, fault.Missing("decision", "There is no such decision.")
	}
	if err != nil {
		return r, err
	}
	r.Decision.Reasons, r.Decision.Hits = split(reasons), split(hits)
	keys, err := v.Unwrap(r.Person, w)
	if err != nil {
		return r, err
	}
	plain, err := keys.Open(vault.Claim, place(attempt), sealed)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(plain, &r.Facts)
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
