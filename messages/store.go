package messages

import (
	"context"
	"encoding/json"
	"errors"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Message is a stored message, without what is sealed.
type Message struct {
	ID       string
	Merchant string
	Subject  string // the id of what it is about
	Code     string
	Version  int64 // 1, and one more for each time that the same is told again
	Purpose  vault.Purpose
	Template int64
	Language string
	Order    string
	Person   string
	State    State
	Attempts int64
	Outcome  string // how the last attempt ended, as a code
	MadeAt   calendar.Instant
	NextAt   calendar.Instant // of the next attempt, zero when there is none
	SentAt   calendar.Instant // zero until it was sent
	Expires  calendar.Instant // wall time after which it is of no use; zero for most
}

var newMessages = db.NewTable("messages", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "subject", Type: db.Text},
	db.Col{Name: "code", Type: db.Text}, db.Col{Name: "version", Type: db.Bigint}, db.Col{Name: "purpose", Type: db.Text},
	db.Col{Name: "template", Type: db.Bigint}, db.Col{Name: "language", Type: db.Text}, db.Col{Name: "order_id", Type: db.Text},
	db.Col{Name: "person_id", Type: db.Text}, db.Col{Name: "handle", Type: db.Bytes}, db.Col{Name: "key_id", Type: db.Text}, db.Col{Name: "check_hash", Type: db.Bytes},
	db.Col{Name: "recipient", Type: db.Bytes}, db.Col{Name: "content", Type: db.Bytes}, db.Col{Name: "state", Type: db.Text},
	db.Col{Name: "attempts", Type: db.Bigint}, db.Col{Name: "outcome", Type: db.Text}, db.Col{Name: "made_at", Type: db.Instant},
	db.Col{Name: "next_at", Type: db.Instant}, db.Col{Name: "expires_at", Type: db.Instant})

const columns = `id, merchant_id, subject, code, version, purpose, template, language, order_id, person_id, state, attempts, outcome,
       made_at, next_at, sent_at, expires_at`

func (m *Message) places() []any {
	return []any{&m.ID, &m.Merchant, &m.Subject, &m.Code, &m.Version, &m.Purpose, &m.Template, &m.Language, &m.Order, &m.Person, &m.State,
		&m.Attempts, &m.Outcome, &m.MadeAt, &m.NextAt, &m.SentAt, &m.Expires}
}

// draft is a message on its way to the table.
type draft struct {
	Message
	to     string
	handle vault.Handle
	check  []byte // hash of the code that it shows; nil for none
	lock   lock
	facts  *facts
}

// row seals a draft with what it came to say.
func (m *draft) row(c content) ([]any, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	recipient, err := m.lock.seal("recipient", m.ID, []byte(m.to))
	if err != nil {
		return nil, err
	}
	text, err := m.lock.seal("content", m.ID, plain)
	if err != nil {
		return nil, err
	}
	return []any{m.ID, m.Merchant, m.Subject, m.Code, m.Version, m.Purpose, m.Template, m.Language, m.Order, m.Person,
		m.handle.Hash, m.handle.KeyID, m.check, []byte(recipient), []byte(text), m.State, m.Attempts, m.Outcome, m.MadeAt, m.NextAt, m.Expires}, nil
}

var findTold = db.NewQuery(`select subject from messages where subject = $1 and code = $2 and version = $3 and merchant_id = $4`,
	db.Text, db.Text, db.Bigint, db.Text)

// telling names a message by what it tells, of one code.
type telling struct {
	merchant, subject string
	version           int64
}

// told says which of them there are already, by index.
func told(ctx context.Context, tx *db.Tx, code string, keys []telling) (map[int]bool, error) {
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{k.subject, code, k.version, k.merchant}
	}
	found := map[int]bool{}
	err := tx.Find(ctx, findTold, rows, func(i int, _ db.Row) error {
		found[i] = true
		return nil
	})
	return found, err
}

// sealed is a stored message with what is sealed of it.
type sealed struct {
	Message
	recipient, content vault.Sealed
}

// one reads a message. Error: NotFound "message".
func one(ctx context.Context, tx *db.Tx, merchant, id string) (m sealed, err error) {
	err = tx.QueryRow(ctx, `select `+columns+`, recipient, content from messages where id = $1 and merchant_id = $2`, []any{id, merchant},
		append(m.places(), &m.recipient, &m.content)...)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing("message", "There is no such message.")
	}
	return m, err
}

// open reads what is sealed. Error: vault.ErrDestroyed once the person was erased.
func (m *sealed) open(l lock) (to string, c content, err error) {
	address, err := l.open("recipient", m.ID, m.recipient)
	if err != nil {
		return "", c, err
	}
	plain, err := l.open("content", m.ID, m.content)
	if err != nil {
		return "", c, err
	}
	return string(address), c, json.Unmarshal(plain, &c)
}

// OfOrder reads the messages of an order, oldest first.
func OfOrder(ctx context.Context, tx *db.Tx, merchant, order string) ([]Message, error) {
	return list(ctx, tx, `select `+columns+` from messages where order_id = $1 and merchant_id = $2 order by id`, order, merchant)
}

// Backlog says how many messages no server has taken yet, and since when the oldest waits, in business time.
func Backlog(ctx context.Context, tx *db.Tx) (n int64, since calendar.Instant, err error) {
	err = tx.QueryRow(ctx, `select count(*), min(made_at) from messages where state = 'waiting'`, nil, &n, &since)
	return n, since, err
}

func list(ctx context.Context, tx *db.Tx, query string, args ...any) (all []Message, err error) {
	err = tx.Each(ctx, query, args, func(r db.Row) error {
		var m Message
		err := r.Scan(m.places()...)
		all = append(all, m)
		return err
	})
	return all, err
}

// settle stores how an attempt ended, unless another attempt has already. Error: Conflict "message-state".
func settle(ctx context.Context, tx *db.Tx, m Message, was State, attempts int64, words vault.Sealed) error {
	const update = `
update messages set state = $3, attempts = $4, outcome = $5, answer = $6, next_at = $7, sent_at = $8
 where id = $1 and merchant_id = $2 and state = $9 and attempts = $10`
	n, err := tx.Exec(ctx, update, m.ID, m.Merchant, m.State, m.Attempts, m.Outcome, []byte(words), m.NextAt, m.SentAt, was, attempts)
	return db.One(n, err, "message-state", "The message has just changed.")
}
