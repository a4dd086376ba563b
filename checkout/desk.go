package checkout

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
)

// Desk opens checkouts, finds them and writes down how they go on.
type Desk struct {
	vault  *vault.Vault
	random io.Reader
}

// NewDesk makes a Desk; random gives the tokens.
func NewDesk(v *vault.Vault, random io.Reader) *Desk { return &Desk{v, random} }

// A token is the checkout's id without its prefix, and 32 bytes in base64.
const (
	prefix      = "chk_"
	tokenID     = 20
	tokenSecret = 43
)

// Secret is what a token is made of; draw it outside the transaction.
type Secret string

// Draw draws the secret of a new checkout.
func (d *Desk) Draw() (Secret, error) {
	var raw [32]byte
	if _, err := io.ReadFull(d.random, raw[:]); err != nil {
		return "", err
	}
	return Secret(base64.RawURLEncoding.EncodeToString(raw[:])), nil
}

var newCheckouts = db.NewTable("checkouts", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "reference", Type: db.Text},
	db.Col{Name: "state", Type: db.Text}, db.Col{Name: "token_hash", Type: db.Bytes}, db.Col{Name: "key_id", Type: db.Text},
	db.Col{Name: "language", Type: db.Text}, db.Col{Name: "currency", Type: db.Text}, db.Col{Name: "total_cents", Type: db.Bigint},
	db.Col{Name: "draft", Type: db.Bytes}, db.Col{Name: "buyer", Type: db.Bytes}, db.Col{Name: "return_urls", Type: db.Bytes},
	db.Col{Name: "straight", Type: db.Bool}, db.Col{Name: "attempts", Type: db.Bigint}, db.Col{Name: "attempt_id", Type: db.Text},
	db.Col{Name: "order_id", Type: db.Text}, db.Col{Name: "made_at", Type: db.Instant}, db.Col{Name: "expires_at", Type: db.Instant})

// Open stores a checkout and returns it with its token, which is shown once and never again.
func (d *Desk) Open(ctx context.Context, tx *db.Tx, n New, s Secret) (c Checkout, token string, err error) {
	if n.Life <= 0 || n.Life > Life {
		n.Life = Life
	}
	c = Checkout{Key: Key{n.Merchant, tx.ID(prefix)}, Reference: n.Reference, State: Open, Language: n.Language, Currency: n.Currency,
		TotalCents: n.TotalCents, Draft: &n.Draft, Buyer: &n.Buyer, Returns: n.Returns, Straight: n.Straight,
		MadeAt: tx.Wall, ExpiresAt: tx.Wall.Add(n.Life)}
	hash, keyID := d.vault.Pepper([]byte(s))
	row := []any{c.ID, c.Merchant, c.Reference, c.State, hash, keyID, c.Language, c.Currency, c.TotalCents, nil, nil, nil, c.Straight, 0, "", "",
		c.MadeAt, c.ExpiresAt}
	for i, part := range []struct {
		column string
		data   any
	}{{"draft", n.Draft}, {"buyer", n.Buyer}, {"return_urls", n.Returns}} {
		if row[9+i], err = d.seal(part.column, c.ID, part.data); err != nil {
			return c, "", err
		}
	}
	return c, strings.TrimPrefix(c.ID, prefix) + string(s), tx.Put(ctx, newCheckouts, [][]any{row})
}

const columns = `id, merchant_id, reference, state, token_hash, key_id, language, currency, total_cents, draft, buyer, return_urls,
       straight, attempts, attempt_id, order_id, made_at, expires_at, ended_at`

// stored is a row as it was read.
type stored struct {
	Checkout
	hash                  []byte
	keyID                 string
	draft, buyer, returns vault.Sealed
}

func (s *stored) places() []any {
	return []any{&s.ID, &s.Merchant, &s.Reference, &s.State, &s.hash, &s.keyID, &s.Language, &s.Currency, &s.TotalCents, &s.draft, &s.buyer, &s.returns,
		&s.Straight, &s.Attempts, &s.Attempt, &s.Order, &s.MadeAt, &s.ExpiresAt, &s.EndedAt}
}

// shown is the row as it stands now: its time may be over.
func (d *Desk) shown(tx *db.Tx, s *stored) (c Checkout, err error) {
	c = s.Checkout
	if err = d.open("return_urls", c.ID, s.returns, &c.Returns); err != nil {
		return c, err
	}
	if !c.Ended() && !tx.Wall.Before(c.ExpiresAt) {
		c.EndedAt = c.ExpiresAt
		if c.State, err = c.State.Next(Expire); err != nil {
			return c, err
		}
	}
	if c.Ended() {
		return c, nil
	}
	c.Draft, c.Buyer = &Draft{}, &buyers.Buyer{}
	if err = d.open("draft", c.ID, s.draft, c.Draft); err != nil {
		return c, err
	}
	return c, d.open("buyer", c.ID, s.buyer, c.Buyer)
}

func none() error { return fault.Missing("checkout", "There is no such checkout.") }

const byID = `select ` + columns + ` from checkouts where id = $1 and merchant_id = $2`

// one reads the checkout that a query finds, and the state that its row has. Error: NotFound "checkout".
func (d *Desk) one(ctx context.Context, tx *db.Tx, query string, args ...any) (c Checkout, from State, err error) {
	var s stored
	err = tx.QueryRow(ctx, query, args, s.places()...)
	if errors.Is(err, db.ErrNone) {
		err = none()
	}
	if err == nil {
		c, err = d.shown(tx, &s)
	}
	return c, s.State, err
}

// ByID reads a checkout of a shop. Error: NotFound "checkout".
func (d *Desk) ByID(ctx context.Context, tx *db.Tx, k Key) (Checkout, error) {
	c, _, err := d.one(ctx, tx, byID, k.ID, k.Merchant)
	return c, err
}

// ByReference reads the checkout that a shop opened last for a reference. Error: NotFound "checkout".
func (d *Desk) ByReference(ctx context.Context, tx *db.Tx, merchant, reference string) (Checkout, error) {
	c, _, err := d.one(ctx, tx, `select `+columns+` from checkouts where merchant_id = $1 and reference = $2 order by id desc limit 1`, merchant, reference)
	return c, err
}

// ByToken reads the checkout of a token. It takes as long where there is none. Error: NotFound "checkout".
func (d *Desk) ByToken(ctx context.Context, tx *db.Tx, token string) (Checkout, error) {
	if len(token) != tokenID+tokenSecret || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Checkout{}, none()
	}
	var found *stored
	seen := false
	err := tx.Each(ctx, `select `+columns+` from checkouts where id = $1`, []any{prefix + token[:tokenID]}, func(r db.Row) error {
		var s stored
		err := r.Scan(s.places()...)
		seen = true
		if d.vault.Peppered(s.keyID, []byte(token[tokenID:]), s.hash) {
			found = &s
		}
		return err
	})
	if err != nil {
		return Checkout{}, err
	}
	if !seen { // as much work as for a checkout that is there
		d.vault.Peppered("", []byte(token[tokenID:]), nil)
	}
	if found == nil {
		return Checkout{}, none()
	}
	return d.shown(tx, found)
}

// Type keeps what the buyer typed, for the next attempt.
func (d *Desk) Type(ctx context.Context, tx *db.Tx, c Checkout, b buyers.Buyer) error {
	sealed, err := d.seal("buyer", c.ID, b)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update checkouts set buyer = $3 where id = $1 and merchant_id = $2 and ended_at is null`, c.ID, c.Merchant, sealed)
	return err
}

// Decided is what became of an attempt.
type Decided struct {
	Number  int64 // of the attempt at this checkout, from 1
	Event   Event // Accept, Decline or Refer
	Attempt string
	Order   string // "" unless accepted
}

const record = `
update checkouts set state = $5, attempts = $6, attempt_id = $7, order_id = $8, ended_at = $9
 where id = $1 and merchant_id = $2 and state = $3 and attempts = $4`

// Record writes down what became of an attempt and returns the checkout as it then stands. To record the same attempt
// again changes nothing. Errors: NotFound "checkout", Conflict "checkout-state" for what the table forbids or when
// another writer was first.
func (d *Desk) Record(ctx context.Context, tx *db.Tx, k Key, x Decided) (Checkout, error) {
	c, from, err := d.one(ctx, tx, byID, k.ID, k.Merchant)
	if err != nil || x.Number <= c.Attempts {
		return c, err
	}
	tried := c.Attempts
	if x.Event != Accept && c.Ended() {
		return c, nil // what could not be accepted does not bring back what is over
	}
	if c.State, err = c.State.Next(x.Event); err != nil {
		return c, err
	}
	c.Attempts, c.Attempt, c.Order = x.Number, x.Attempt, x.Order
	if x.Event == Accept || c.Attempts >= MostAttempts {
		c.EndedAt = tx.Wall
	}
	n, err := tx.Exec(ctx, record, k.ID, k.Merchant, from, tried, c.State, c.Attempts, c.Attempt, c.Order, c.EndedAt)
	if err := db.One(n, err, "checkout-state", "The checkout has just changed."); err != nil {
		return c, err
	}
	if !c.Ended() {
		return c, nil
	}
	return c, d.ended(ctx, tx, &c)
}

// Leave ends a checkout that the buyer leaves, and returns it as it then stands. One that has ended stays as it is.
// Error: NotFound "checkout".
func (d *Desk) Leave(ctx context.Context, tx *db.Tx, k Key) (Checkout, error) {
	c, err := d.ByID(ctx, tx, k)
	if err != nil || c.Ended() {
		return c, err
	}
	return c, d.end(ctx, tx, &c, Leave)
}

const end = `
update checkouts set state = $4, ended_at = $5
 where id = $1 and merchant_id = $2 and state = $3 and ended_at is null`

// end ends a checkout without an order.
func (d *Desk) end(ctx context.Context, tx *db.Tx, c *Checkout, e Event) error {
	from := c.State
	var err error
	if c.State, err = from.Next(e); err != nil {
		return err
	}
	c.EndedAt = tx.Wall
	n, err := tx.Exec(ctx, end, c.ID, c.Merchant, from, c.State, c.EndedAt)
	if err := db.One(n, err, "checkout-state", "The checkout has just changed."); err != nil {
		return err
	}
	return d.ended(ctx, tx, c)
}

// ended forgets what a checkout needs no longer, and says that it is over.
func (d *Desk) ended(ctx context.Context, tx *db.Tx, c *Checkout) error {
	c.Draft, c.Buyer = nil, nil
	if _, err := tx.Exec(ctx, `update checkouts set draft = null, buyer = null where id = $1 and merchant_id = $2`, c.ID, c.Merchant); err != nil {
		return err
	}
	err := events.Append(ctx, tx, []events.Event{{Merchant: c.Merchant, Kind: FactEnded, Subject: c.ID, Data: fmt.Sprintf(`{"state":%q,"order":%q}`, c.State, c.Order)}})
	if err != nil {
		return err
	}
	return jobs.Add(ctx, tx, []jobs.Due{{Kind: FactEnded, Merchant: c.Merchant, Subject: c.ID}})
}
