// Package events keeps the log of what happened, written in the transaction in which it happened.
//
// It owns the rows of the event log, their order and their hash. It does not own what a kind of event means,
// who reacts to it (platform) or who is told (webhooks).
//
// # What is always true
//
//   - An event is never changed or removed, and holds no personal data: ids, codes, dates and cents only.
//   - Its time is the business time of its transaction.
//   - Ids rise in the order in which events were written, not in which their transactions committed: a reader
//     that may miss none must expect a lower id to appear late.
package events

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// Event is one fact about a subject.
type Event struct {
	ID       string // "evt_…", set by Append
	Merchant string
	Kind     string           // "order.placed"
	Subject  string           // the id of what it is about
	At       calendar.Instant // business time, set by Append
	Data     string           // JSON, or empty
}

var table = db.NewTable("events", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "kind", Type: db.Text},
	db.Col{Name: "subject", Type: db.Text}, db.Col{Name: "at", Type: db.Instant}, db.Col{Name: "data", Type: db.Text})

// Append writes events in their order and sets the ID and At of each.
func Append(ctx context.Context, tx *db.Tx, events []Event) error {
	rows := make([][]any, len(events))
	for i := range events {
		e := &events[i]
		e.ID, e.At = tx.ID("evt_"), tx.Now
		rows[i] = []any{e.ID, e.Merchant, e.Kind, e.Subject, e.At, e.Data}
	}
	return tx.Put(ctx, table, rows)
}

const columns = `id, merchant_id, kind, subject, at, data`

const readOne = `
select ` + columns + ` from events
 where id > $1 and merchant_id = $2
 order by id limit $3`

const readAll = `
select ` + columns + ` from events
 where id > $1
 order by id limit $2`

// Of returns a merchant's events after a cursor, the id of the last one seen, oldest first. It passes over
// other merchants' events, so a cursor far back costs their number.
func Of(ctx context.Context, tx *db.Tx, merchant, after string, limit int) ([]Event, error) {
	return read(ctx, tx, readOne, after, merchant, limit)
}

// All is Of for every merchant.
func All(ctx context.Context, tx *db.Tx, after string, limit int) ([]Event, error) {
	return read(ctx, tx, readAll, after, limit)
}

func read(ctx context.Context, tx *db.Tx, query string, args ...any) ([]Event, error) {
	var events []Event
	err := tx.Each(ctx, query, args, func(r db.Row) error {
		var e Event
		if err := r.Scan(&e.ID, &e.Merchant, &e.Kind, &e.Subject, &e.At, &e.Data); err != nil {
			return err
		}
		events = append(events, e)
		return nil
	})
	return events, err
}

// Hash is SHA-256 over all events in the order of their ids, without the ids themselves. Two worlds with one
// seed have one hash, whatever engine they run on.
func Hash(ctx context.Context, tx *db.Tx) ([32]byte, error) {
	h := sha256.New()
	var b []byte
	err := tx.Each(ctx, `select merchant_id, kind, subject, at, data from events order by id, merchant_id`, nil, func(r db.Row) error {
		var e Event
		if err := r.Scan(&e.Merchant, &e.Kind, &e.Subject, &e.At, &e.Data); err != nil {
			return err
		}
		b = binary.BigEndian.AppendUint64(b[:0], uint64(e.At.Micros()))
		for _, part := range [...]string{e.Merchant, e.Kind, e.Subject, e.Data} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
			b = append(b, part...)
		}
		h.Write(b)
		return nil
	})
	return [32]byte(h.Sum(nil)), err
}
