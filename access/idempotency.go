package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Ask is a request that carries an idempotency key.
type Ask struct {
	Merchant string
	Key      string
	Route    string
	Body     [32]byte // SHA-256 of the message
}

// Kept is an answer to keep with its effect.
type Kept struct {
	Ask
	Status int
	Answer []byte
}

// Found is what is known of an Ask: nothing, the stored answer, or the fault ErrOtherRequest.
type Found struct {
	Found  bool
	Status int
	Answer []byte
	Err    error
}

// ErrOtherRequest says that a key came before with another route or message: Invalid "idempotency-key-reused".
func ErrOtherRequest() error {
	return fault.Bad("idempotency-key-reused", "This key was used for another request. Use a new key for each request.")
}

// CleanKey reads an Idempotency-Key header: bare, or as a quoted structured-field string. Errors: Malformed
// "idempotency-key-missing", Malformed "idempotency-key-form" unless it is 1 to 255 visible ASCII characters.
func CleanKey(header string) (string, error) {
	key := strings.TrimSpace(header)
	if key == "" {
		return "", fault.New(fault.Malformed, "idempotency-key-missing", "Send an Idempotency-Key header with every write.")
	}
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' {
		key = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(key[1 : len(key)-1])
	}
	if key == "" || len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fault.New(fault.Malformed, "idempotency-key-form", "An Idempotency-Key is 1 to 255 visible ASCII characters.")
	}
	return key, nil
}

func (a Ask) hash() []byte {
	sum := sha256.Sum256([]byte(a.Key))
	return sum[:16]
}

func (a Ask) place() vault.Place {
	return vault.Place{Table: "idempotency", Column: "answer", Row: a.Merchant + "/" + hex.EncodeToString(a.hash())}
}

var (
	findAnswers = db.NewQuery(`
select route, body_hash, status, answer from idempotency where merchant_id = $1 and key_hash = $2`, db.Text, db.Bytes)

	newAnswers = db.NewTable("idempotency", "",
		db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "key_hash", Type: db.Bytes}, db.Col{Name: "route", Type: db.Text},
		db.Col{Name: "body_hash", Type: db.Bytes}, db.Col{Name: "status", Type: db.Bigint}, db.Col{Name: "answer", Type: db.Bytes},
		db.Col{Name: "made_at", Type: db.Instant})
)

const answerPurpose = "answer"

// Lookup finds what is stored under the keys of a slice.
func (a *Access) Lookup(ctx context.Context, tx *db.Tx, asks []Ask) ([]Found, error) {
	out := make([]Found, len(asks))
	keys := make([][]any, len(asks))
	for i, q := range asks {
		keys[i] = []any{q.Merchant, q.hash()}
	}
	err := tx.Find(ctx, findAnswers, keys, func(i int, r db.Row) error {
		var route string
		var body []byte
		var sealed vault.Sealed
		f := &out[i]
		if err := r.Scan(&route, &body, &f.Status, &sealed); err != nil {
			return err
		}
		if route != asks[i].Route || !bytes.Equal(body, asks[i].Body[:16]) {
			f.Err = ErrOtherRequest()
			return nil
		}
		var err error
		f.Found = true
		f.Answer, err = a.vault.OpenShared(answerPurpose, asks[i].place(), sealed)
		return err
	})
	return out, err
}

// Keep stores answers in the transaction of their effects. Two nodes that race meet a duplicate key.
func (a *Access) Keep(ctx context.Context, tx *db.Tx, list []Kept) error {
	rows := make([][]any, len(list))
	for i, k := range list {
		rows[i] = []any{k.Merchant, k.hash(), k.Route, k.Body[:16], k.Status, []byte(a.vault.SealShared(answerPurpose, k.place(), k.Answer)), tx.Wall}
	}
	return tx.Put(ctx, newAnswers, rows)
}

// Once runs f unless its key has an answer already, and keeps f's answer. It is for verbs that do not
// come in slices. Errors: those of f, ErrOtherRequest.
func (a *Access) Once(ctx context.Context, tx *db.Tx, ask Ask, f func() (status int, body []byte, err error)) (Kept, bool, error) {
	found, err := a.Lookup(ctx, tx, []Ask{ask})
	if err != nil {
		return Kept{}, false, err
	}
	if found[0].Err != nil {
		return Kept{}, false, found[0].Err
	}
	if found[0].Found {
		return Kept{ask, found[0].Status, found[0].Answer}, true, nil
	}
	status, body, err := f()
	if err != nil {
		return Kept{}, false, err
	}
	k := Kept{ask, status, body}
	return k, false, a.Keep(ctx, tx, []Kept{k})
}
