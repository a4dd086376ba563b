package ledger_test

import (
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"
)

// TestNameFrom compares the lowest name of an instant with the name that internal/db gives at that instant.
func TestNameFrom(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		post(t, d, issued(shop, 1, 100))
		var name string
		read(t, d, func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), "select writer from commits", nil, &name)
		})
		now := p.Clock.Now()
		if from, after := ledger.NameFrom(now), ledger.NameFrom(now.Add(time.Millisecond)); name < from || name >= after {
			t.Errorf("%s is not from %s to %s", name, from, after)
		}
		if from := ledger.NameFrom(now.Add(-100 * 365 * 24 * time.Hour)); from != "w000000000" {
			t.Errorf("before 1970: %s", from)
		}
	})
}
