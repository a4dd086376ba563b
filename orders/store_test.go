package orders_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/orders"
)

// Two processes and many goroutines take references at once; nobody gets one twice.
func TestReferencesAreUnique(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		seen := map[int64]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for p := range 2 {
			refs := orders.NewReferences(d, rand.NewChaCha8([32]byte{byte(p)}))
			for range 4 {
				wg.Go(func() {
					for range 2000 {
						mu.Lock() // the source of chance is not for many at once
						n, err := refs.Take(context.Background())
						if err != nil || seen[n] {
							t.Errorf("%d again, or %v", n, err)
						}
						seen[n] = true
						mu.Unlock()
					}
				})
			}
		}
		wg.Wait()
	})
}

func put(t *testing.T, d *db.DB, merchant string, n int) (list []orders.Order) {
	t.Helper()
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		list = nil
		var lines [][]orders.Line
		for i := range n {
			reference, err := orders.Reference("NL", int64(merchant[len(merchant)-1])*1e8+int64(i))
			if err != nil {
				return err
			}
			list = append(list, orders.Order{ID: tx.ID("ord_"), Merchant: merchant, Reference: fmt.Sprintf("%s-%d", merchant, i), Attempt: "att_1", Person: "per_1",
				State: orders.Placed, BuyerKind: "consumer", Country: "NL", Language: "nl", Currency: "EUR", Prices: orders.InclVAT, TotalCents: 100,
				PaymentReference: reference, Contract: "con_1", PlacedOn: calendar.NewDate(2026, 11, 22), PlacedAt: tx.Now, MovedAt: tx.Now})
			lines = append(lines, []orders.Line{{Kind: "goods", Description: "A", Quantity: "1", UnitPriceCents: 60, VATPercent: "21", TotalCents: 60},
				{Kind: "goods", Description: "B", Quantity: "1", UnitPriceCents: 40, VATPercent: "9", TotalCents: 40}})
		}
		return orders.Put(context.Background(), tx, list, lines)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestListPages(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		mine := put(t, d, "mer_a", 7)
		put(t, d, "mer_b", 5)
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			var got []string
			after := ""
			for {
				p, err := orders.List(context.Background(), tx, "mer_a", after, 3)
				if err != nil {
					return err
				}
				for _, o := range p.Orders {
					got = append(got, o.ID)
				}
				if after = p.Next; after == "" {
					break
				}
			}
			if len(got) != 7 || got[0] != mine[6].ID || got[6] != mine[0].ID {
				t.Errorf("pages hold %v", got)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestFindAndMove(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		list := put(t, d, "mer_a", 5)
		err := d.Write(ctx, func(tx *db.Tx) error {
			if _, err := orders.One(ctx, tx, "mer_b", list[0].ID); !fault.Is(err, "order") {
				t.Errorf("another shop's order: %v", err)
			}
			lines, err := orders.Lines(ctx, tx, []orders.Key{{Merchant: "mer_a", ID: list[4].ID}, {Merchant: "mer_a", ID: list[0].ID}})
			if err != nil || len(lines[0]) != 2 || lines[1][1].Description != "B" {
				t.Errorf("lines %+v, %v", lines, err)
			}
			by, err := orders.ByPayment(ctx, tx, []string{list[3].PaymentReference, "RFnobody"})
			if err != nil || len(by) != 1 || by[list[3].PaymentReference].ID != list[3].ID {
				t.Errorf("by payment reference %+v, %v", by, err)
			}
			stale := list[1]
			if err := orders.Move(ctx, tx, orders.Start, &list[0], &list[1]); err != nil || list[0].State != orders.Started {
				t.Errorf("start: %v", err)
			}
			if err := orders.Move(ctx, tx, orders.Cancel, &list[0]); !fault.Is(err, "order-state") {
				t.Errorf("cancelled after the start: %v", err)
			}
			if err := orders.Move(ctx, tx, orders.Cancel, &stale); !fault.Is(err, "order-state") {
				t.Errorf("moved from a state that has passed: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
