package merchants_test

import (
	"context"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/merchants"
)

// BenchmarkInForce reads what holds for the shops of one full batch of orders: of one shop, and each of another.
// It took 6 µs of CPU a shop on SQLite (November 2026), too little for a cache that all nodes would have to agree on.
func BenchmarkInForce(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		d := dbtest.Open(b, engine)
		var ids []merchants.TermsKey
		for i := range 128 {
			ids = append(ids, merchants.TermsKey{Merchant: add(b, d, shop(b, i)).ID})
		}
		on := calendar.NewDate(2026, time.November, 22)
		for name, some := range map[string][]merchants.TermsKey{"1": ids[:1], "128": ids} {
			b.Run(engine+"/"+name, func(b *testing.B) {
				must(b, d.Read(b.Context(), func(tx *db.Tx) error {
					for b.Loop() {
						if _, err := merchants.InForce(context.Background(), tx, some, on); err != nil {
							return err
						}
					}
					return nil
				}))
			})
		}
	}
}
