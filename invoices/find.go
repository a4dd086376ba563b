package invoices

import (
	"context"

	"achteraf/internal/db"
)

var findByNumber = db.NewQuery(`select `+columns+` from invoices where number = $1`, db.Text)

// ByNumber finds invoices of any shop by number; what does not exist is missing from the map.
func ByNumber(ctx context.Context, tx *db.Tx, numbers []string) (map[string]Invoice, error) {
	keys := make([][]any, len(numbers))
	for i, n := range numbers {
		keys[i] = []any{n}
	}
	out := make(map[string]Invoice, len(numbers))
	err := tx.Find(ctx, findByNumber, keys, func(i int, r db.Row) error {
		var v Invoice
		err := v.scan(r)
		out[numbers[i]] = v
		return err
	})
	return out, err
}
