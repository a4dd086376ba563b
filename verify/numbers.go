package verify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"achteraf/internal/db"
)

// run is one series of numbers as given out.
type run struct{ id, merchant string }

// checkNumbers holds the numbers given out against the last of their series.
func checkNumbers(ctx context.Context, a *audit) error {
	last, err := a.lastNumbers(ctx)
	if err != nil {
		return err
	}
	given := map[run][]bool{}
	for k, n := range last {
		given[k] = make([]bool, n+1)
	}
	for _, table := range []string{"invoices", "credits"} {
		err := a.tx.Each(ctx, `select number, merchant_id from `+table+` where number is not null order by number, merchant_id`, nil, func(r db.Row) error {
			var number, merchant string
			if err := r.Scan(&number, &merchant); err != nil {
				return err
			}
			return give(given, table, number, merchant)
		})
		if err != nil {
			return err
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(given), run.compare) {
		for n := 1; n < len(given[k]); n++ {
			if !given[k][n] {
				return differs("numbers", "series", k.row(), fmt.Sprintf("number %s-%06d given", k.id, n), fmt.Sprintf("none, and last %d", last[k]))
			}
		}
	}
	return nil
}

func (k run) compare(l run) int {
	return cmp.Or(strings.Compare(k.id, l.id), strings.Compare(k.merchant, l.merchant))
}

func (k run) row() string { return fmt.Sprintf("id %s, merchant %s", k.id, k.merchant) }

// lastNumbers reads how far each series is.
func (a *audit) lastNumbers(ctx context.Context) (map[run]int64, error) {
	var total int64
	last := map[run]int64{}
	err := a.tx.Each(ctx, `select id, merchant_id, last from series order by id, merchant_id`, nil, func(r db.Row) error {
		var k run
		var n int64
		if err := r.Scan(&k.id, &k.merchant, &n); err != nil {
			return err
		}
		last[k] = n
		if total += n; n < 0 || n > mostNumbers || total > mostNumbers {
			return differs("numbers", "series", k.row(), "a last number in reach", n)
		}
		return nil
	})
	return last, err
}

// mostNumbers is more than can have been given out.
const mostNumbers = 1 << 32

// give marks a number as given. Numbers of the operator's own series belong to any merchant's invoice.
func give(given map[run][]bool, table, number, merchant string) error {
	row := fmt.Sprintf("number %s, merchant %s", number, merchant)
	at := strings.LastIndexByte(number, '-')
	if at < 0 || len(number)-at-1 < 6 || !all(number[at+1:], digit) {
		return differs("numbers", table, row, "a series and six digits", number)
	}
	n, err := strconv.ParseInt(number[at+1:], 10, 64)
	k := run{number[:at], merchant}
	if given[k] == nil {
		k.merchant = "operator"
	}
	numbers := given[k]
	switch {
	case numbers == nil:
		return differs("numbers", table, row, "the series "+k.id, "none")
	case err != nil || n < 1 || n >= int64(len(numbers)) || fmt.Sprintf("%s-%06d", k.id, n) != number:
		return differs("numbers", table, row, fmt.Sprintf("a number from 1 to %d", len(numbers)-1), number)
	case numbers[n]:
		return differs("numbers", table, row, "a number given once", "twice")
	}
	numbers[n] = true
	return nil
}
