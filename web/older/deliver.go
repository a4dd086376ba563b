package older

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/outbound"
)

const (
	// HookTime is how long a shop may take to answer.
	HookTime = 10 * time.Second
	// HookCalls is how many shops are told at one time.
	HookCalls = 8

	mostRetries = 3
	firstRetry  = time.Minute // then four times as long each time
)

// delivery is a webhook on its way.
type delivery struct {
	id, merchant string
	event, kind  string
	subject      string
	body         string
	state        string
	attempts     int64

	to      string
	headers map[string]string
}

// Deliver tells a shop once, outside any transaction, and returns what stores how that ended. A delivery that is not
// waiting is left alone.
func (w *Wire) Deliver(ctx context.Context, d jobs.Due) (jobs.Finish, error) {
	var x delivery
	err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		x, err = w.delivery(ctx, tx, d)
		return err
	})
	if err != nil || x.state != hookWaiting {
		return nil, err
	}
	state, outcome := hookDropped, "no-address"
	if x.to != "" {
		state, outcome = w.send(ctx, &x)
	}
	return func(ctx context.Context, tx *db.Tx) error { return w.delivered(ctx, tx, x, state, outcome) }, nil
}

// delivery reads a delivery, and where it goes now. One that is not there has no state.
func (w *Wire) delivery(ctx context.Context, tx *db.Tx, d jobs.Due) (x delivery, err error) {
	x = delivery{id: d.Subject, merchant: d.Merchant, headers: map[string]string{}}
	err = tx.QueryRow(ctx, `select event, kind, subject, body, state, attempts from older_hooks where id = $1 and merchant_id = $2`,
		[]any{x.id, x.merchant}, &x.event, &x.kind, &x.subject, &x.body, &x.state, &x.attempts)
	if err != nil {
		return x, ignore(err, db.ErrNone)
	}
	a, secret, err := w.Accounts.secret(ctx, tx, x.merchant)
	if fault.Is(err, "older-account") {
		return x, nil
	}
	if err != nil || !a.Active {
		return x, err
	}
	s := &a.Settings
	if x.to = s.OrderWebhook; x.kind == sessionHook {
		x.to = s.SessionWebhook
	}
	if s.SignWebhooks && secret != "" {
		at := strconv.FormatInt(tx.Wall.Micros()/1e6, 10)
		x.headers[firstOf(s.WebhookSignatureHeader, SignatureHeader)] = sign(keyOfSecret(secret, s.WebhookKeyDecoded), at, x.body)
		x.headers[firstOf(s.WebhookTimestampHeader, TimestampHeader)] = at
		x.headers[idHeader] = x.id
	}
	return x, nil
}

// keyOfSecret is the key of a secret: its text, or the bytes that the text stands for.
func keyOfSecret(secret string, decoded bool) []byte {
	if decoded {
		if raw, err := base64.StdEncoding.DecodeString(secret); err == nil {
			return raw
		}
	}
	return []byte(secret)
}

// sign is the lower-case hexadecimal HMAC-SHA256 over the timestamp directly followed by the body.
func sign(key []byte, at, body string) string {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, at)
	io.WriteString(h, body)
	return hex.EncodeToString(h.Sum(nil))
}

// send calls the shop. Any answer of 200 to 299 is a success; what the shop says is not read.
func (w *Wire) send(ctx context.Context, x *delivery) (state, outcome string) {
	if w.Outbound == nil {
		return hookWaiting, "no-client"
	}
	ctx, stop := context.WithTimeout(ctx, HookTime)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.to, bytes.NewReader([]byte(x.body)))
	if err != nil {
		return hookWaiting, "address"
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range x.headers {
		r.Header[name] = []string{value}
	}
	answer, err := w.Outbound.Do(r)
	switch {
	case errors.Is(err, outbound.ErrRedirect):
		return hookWaiting, "redirect"
	case errors.Is(err, outbound.ErrAddress), errors.Is(err, outbound.ErrScheme):
		return hookWaiting, "address-refused"
	case errors.Is(err, context.DeadlineExceeded):
		return hookWaiting, "timeout"
	case err != nil:
		return hookWaiting, "no-connection"
	}
	answer.Body.Close()
	if answer.StatusCode >= 200 && answer.StatusCode <= 299 {
		return hookDelivered, strconv.Itoa(answer.StatusCode)
	}
	return hookWaiting, strconv.Itoa(answer.StatusCode)
}

const setHookState = `
update older_hooks set state = $4, attempts = $5, outcome = $6, ended_at = $7
 where id = $1 and merchant_id = $2 and state = 'waiting' and attempts = $3`

// delivered stores how an attempt ended. One that failed is made again later, three times; after the last the next
// delivery about the same order goes out all the same.
func (w *Wire) delivered(ctx context.Context, tx *db.Tx, x delivery, state, outcome string) error {
	if err := tx.Lock(ctx, lockAccounts, [][]any{{x.merchant}}, func(int, db.Row) error { return nil }); err != nil {
		return err
	}
	attempts := x.attempts + 1
	if state == hookWaiting && attempts > mostRetries {
		state = hookFailed
	}
	var ended calendar.Instant
	if state != hookWaiting {
		ended = tx.Now
	}
	n, err := tx.Exec(ctx, setHookState, x.id, x.merchant, x.attempts, state, attempts, outcome, ended)
	if err != nil || n == 0 {
		return err
	}
	if state == hookWaiting {
		return jobs.Add(ctx, tx, []jobs.Due{{At: tx.Now.Add(retryAfter(attempts)), Kind: DueHook, Merchant: x.merchant, Subject: x.id}})
	}
	if state == hookFailed {
		err := events.Append(ctx, tx, []events.Event{{Merchant: x.merchant, Kind: "webhook.failed", Subject: x.id,
			Data: fmt.Sprintf(`{"event":%q,"outcome":%q}`, x.event, outcome)}})
		if err != nil {
			return err
		}
	}
	var next string
	err = tx.QueryRow(ctx, `select id from older_hooks where subject = $1 and merchant_id = $2 and state = 'waiting' order by id limit 1`,
		[]any{x.subject, x.merchant}, &next)
	if err != nil {
		return ignore(err, db.ErrNone)
	}
	return jobs.Add(ctx, tx, []jobs.Due{{Kind: DueHook, Merchant: x.merchant, Subject: next}})
}

// retryAfter is the time between the nth attempt and the next one.
func retryAfter(n int64) time.Duration { return firstRetry << (2 * min(n-1, 5)) }
