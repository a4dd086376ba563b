// Package jobs does what is due: work that a transaction left for a later time.
//
// It owns due rows, their order, leases, attempts and back-off, the queue of what failed for good, and the one
// loop of a process. It does not own what a kind of row means: whoever plants it registers what runs it.
//
// # What is always true
//
//   - A row is deleted in the transaction that does its work, so work is done once however often the scanner
//     runs, on however many nodes. Work outside a transaction (OnOutside) is done at least once.
//   - Rows run in the order of their due times, which are business time; what is missed is caught up step by
//     step, because a step plants the next one. Rows due in the same minute count as due together and run kind
//     by kind, in the order in which the kinds were registered. Only outside calls wait for nobody, and nobody
//     for them.
//   - Leases and back-off are wall time. A lease saves work; no result depends on one.
//   - Nothing is lost: a row that fails eight times moves to due_failed with a reason and can be put back. Rows of
//     a kind that nobody here registered stay where they are.
//   - A row holds no personal data, and does not decide: what runs it asks the present state whether there is
//     still something to do. That is why nothing ever needs to take a row back.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// Due is one row: at business time At, what is registered for Kind runs for Subject.
type Due struct {
	ID       string           // "due_…", set by Add
	At       calendar.Instant // zero: at once
	Kind     string
	Merchant string
	Subject  string // the id of what it is about
	Attempts int64  // how often it has failed
}

var dueTable = db.NewTable("due", "",
	db.Col{Name: "due_at", Type: db.Instant}, db.Col{Name: "id", Type: db.Text}, db.Col{Name: "kind", Type: db.Text},
	db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "subject", Type: db.Text}, db.Col{Name: "attempts", Type: db.Bigint})

// unheard is the key under which a database remembers a map of kinds.
type unheard struct{}

// Unheard names the kinds of which nobody wants to hear, here or on another node: Add leaves their rows out from now
// on. It replaces what was named before.
func Unheard(d *db.DB, kinds ...string) {
	all := make(map[string]bool, len(kinds))
	for _, k := range kinds {
		all[k] = true
	}
	d.Remember(unheard{}, all)
}

// Add plants rows and sets the ID of each that somebody wants to hear of.
func Add(ctx context.Context, tx *db.Tx, rows []Due) error {
	out, _ := tx.Remembered(unheard{}).(map[string]bool)
	values := make([][]any, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		if out[r.Kind] {
			continue
		}
		r.ID = tx.ID("due_")
		if r.At.IsZero() {
			r.At = tx.Now
		}
		values = append(values, []any{r.At, r.ID, r.Kind, r.Merchant, r.Subject, 0})
	}
	return tx.Put(ctx, dueTable, values)
}

// take deletes a row that is as it was when it was read. Whoever deletes a row does its work.
var take = db.NewQuery(`
delete from due /*using*/
 where due.due_at = $1 and due.id = $2 and due.attempts = $3`, db.Instant, db.Text, db.Bigint)

// errTaken says that another scanner was first. It never leaves this package.
var errTaken = errors.New("jobs: taken by another")

func takeAll(ctx context.Context, tx *db.Tx, rows []Due) error {
	keys := make([][]any, len(rows))
	for i, r := range rows {
		keys[i] = []any{r.At, r.ID, r.Attempts}
	}
	n, err := tx.Change(ctx, take, keys)
	if err == nil && n != int64(len(rows)) {
		err = errTaken
	}
	return err
}

// next reads the oldest rows of n kinds that may run now.
func next(n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+4)
	}
	return `
select due_at, id, kind, merchant_id, subject, attempts from due
 where due_at <= $1 and (retry_at is null or retry_at <= $2) and kind in (` + strings.Join(marks, ", ") + `)
 order by due_at, id limit $3`
}

// postpone keeps a row that is as it was when it was read from running again before a time.
func postpone(ctx context.Context, tx *db.Tx, r Due, attempts int64, until calendar.Instant) error {
	const update = `
update due set attempts = $4, retry_at = $5
 where due_at = $1 and id = $2 and attempts = $3`
	n, err := tx.Exec(ctx, update, r.At, r.ID, r.Attempts, attempts, until)
	if err == nil && n != 1 {
		err = errTaken
	}
	return err
}

// Failure is a row that failed for good.
type Failure struct {
	Due
	Failed calendar.Instant // business time
	Reason string           // the code of its last fault
}

var failedTable = db.NewTable("due_failed", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "kind", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text},
	db.Col{Name: "subject", Type: db.Text}, db.Col{Name: "due_at", Type: db.Instant}, db.Col{Name: "failed_at", Type: db.Instant},
	db.Col{Name: "attempts", Type: db.Bigint}, db.Col{Name: "reason", Type: db.Text})

// bury moves a row to those that failed for good.
func bury(ctx context.Context, tx *db.Tx, r Due, attempts int64, reason string) error {
	if err := takeAll(ctx, tx, []Due{r}); err != nil {
		return err
	}
	return tx.Put(ctx, failedTable, [][]any{{r.ID, r.Kind, r.Merchant, r.Subject, r.At, tx.Now, attempts, reason}})
}

// Failed returns rows that failed for good after a cursor, the id of the last one seen, oldest first.
func Failed(ctx context.Context, tx *db.Tx, after string, limit int) ([]Failure, error) {
	const query = `
select id, kind, merchant_id, subject, due_at, failed_at, attempts, reason from due_failed
 where id > $1 order by id limit $2`
	var all []Failure
	err := tx.Each(ctx, query, []any{after, limit}, func(row db.Row) error {
		var f Failure
		err := row.Scan(&f.ID, &f.Kind, &f.Merchant, &f.Subject, &f.At, &f.Failed, &f.Attempts, &f.Reason)
		all = append(all, f)
		return err
	})
	return all, err
}

// Retry puts a row that failed for good back, as due as it was. Error: NotFound "failed-job".
func Retry(ctx context.Context, tx *db.Tx, id string) error {
	var r Due
	err := tx.QueryRow(ctx, `select id, kind, merchant_id, subject, due_at from due_failed where id = $1`, []any{id},
		&r.ID, &r.Kind, &r.Merchant, &r.Subject, &r.At)
	if errors.Is(err, db.ErrNone) {
		return fault.Missing("failed-job", "No failed job has this id.")
	}
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `delete from due_failed where id = $1`, id)
	if err != nil {
		return err
	}
	if n == 0 { // another has put it back meanwhile
		return nil
	}
	return tx.Put(ctx, dueTable, [][]any{{r.At, r.ID, r.Kind, r.Merchant, r.Subject, 0}})
}

// Backlog says how many rows are due, and since when the oldest is. It is zero when nothing is.
func Backlog(ctx context.Context, tx *db.Tx) (rows int64, since calendar.Instant, err error) {
	err = tx.QueryRow(ctx, `select count(*), min(due_at) from due where due_at <= $1`, []any{tx.Now}, &rows, &since)
	return rows, since, err
}

// Next is the next moment in the future at which something is due, in business time. It is zero when nothing is
// planned.
func Next(ctx context.Context, tx *db.Tx) (at calendar.Instant, err error) {
	err = tx.QueryRow(ctx, `select min(due_at) from due where due_at > $1`, []any{tx.Now}, &at)
	return at, err
}
