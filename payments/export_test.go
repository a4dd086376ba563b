package payments

import (
	"context"

	"achteraf/internal/db"
)

// ByReference matches a line with these words by the references in them. order is "" where it is nobody's.
func ByReference(ctx context.Context, tx *db.Tx, words string) (order string, err error) {
	lines := []line{newLine(Line{Cents: 1, Text: words}, nil, Incoming)}
	err = byReference(ctx, tx, lines)
	if m := lines[0].match; m != nil {
		order = m.order.ID
	}
	return order, err
}
