package invoices

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// series is a run of numbers of one merchant.
type series struct{ merchant, name string }

// yearly names the series of a year: "DEMO" in 2026 is "DEMO-2026".
func yearly(series string, on calendar.Date) string { return fmt.Sprintf("%s-%d", series, on.Year()) }

var (
	lockSeries   = db.NewQuery(`select id, merchant_id, last from series where id = $1 and merchant_id = $2`, db.Text, db.Text)
	changeSeries = db.NewQuery(`update series set last = $3 /*from*/ where id = $1 and merchant_id = $2`, db.Text, db.Text, db.Bigint)
	newSeries    = db.NewTable("series", "on conflict (id, merchant_id) do nothing",
		db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "last", Type: db.Bigint})
)

// take gives each ask the next number of its series, in order and without gaps: the series' row is locked
// once for the whole slice, and the numbers stand or fall with the transaction that issues.
func take(ctx context.Context, tx *db.Tx, asks []series) ([]string, error) {
	var names []series
	for _, a := range asks {
		if !slices.Contains(names, a) {
			names = append(names, a)
		}
	}
	slices.SortFunc(names, func(a, b series) int { return strings.Compare(a.name+a.merchant, b.name+b.merchant) })
	last, err := lockAll(ctx, tx, names)
	if err != nil {
		return nil, err
	}
	numbers := make([]string, len(asks))
	for i, a := range asks {
		last[a]++
		numbers[i] = fmt.Sprintf("%s-%06d", a.name, last[a])
	}
	rows := make([][]any, len(names))
	for i, a := range names {
		rows[i] = []any{a.name, a.merchant, last[a]}
	}
	_, err = tx.Change(ctx, changeSeries, rows)
	return numbers, err
}

// lockAll locks the rows of series, making those that do not exist yet.
func lockAll(ctx context.Context, tx *db.Tx, names []series) (map[series]int64, error) {
	last := make(map[series]int64, len(names))
	read := func(_ int, r db.Row) error {
		var a series
		var n int64
		err := r.Scan(&a.name, &a.merchant, &n)
		last[a] = n
		return err
	}
	keys, fresh := make([][]any, len(names)), [][]any(nil)
	for i, a := range names {
		keys[i] = []any{a.name, a.merchant}
	}
	if err := tx.Lock(ctx, lockSeries, keys, read); err != nil {
		return nil, err
	}
	for _, a := range names {
		if _, ok := last[a]; !ok {
			fresh = append(fresh, []any{a.name, a.merchant, 0})
		}
	}
	if len(fresh) == 0 {
		return last, nil
	}
	if _, err := tx.Insert(ctx, newSeries, fresh); err != nil {
		return nil, err
	}
	return last, tx.Lock(ctx, lockSeries, keys, read)
}
