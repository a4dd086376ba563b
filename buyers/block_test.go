package buyers

import (
	"context"
	"fmt"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
)

func atHouse(n int) Buyer {
	b := Buyer{Kind: Consumer, Email: fmt.Sprintf("buyer%d@example.org", n), Language: "nl", Name: Name{First: "Noor", Last: "Bakker"},
		BirthDate: calendar.NewDate(1990, 5, 1),
		Address:   Address{Street: "Dorpsstraat", HouseNumber: fmt.Sprint(n), Postcode: "1234 AB", City: "Voorbeeld", Country: "NL"}}
	return b
}

// A block holds from the transaction after it, in a process that read the blocks before as in others, and
// whether they are few enough to be kept in memory or not.
func TestBlocksHoldAtOnce(t *testing.T) {
	ctx := context.Background()
	for _, most := range []int{mostBlocks, 1} {
		dbtest.Run(t, func(t *testing.T, d *db.DB) {
			v, err := vault.Parse([]byte("t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="))
			if err != nil {
				t.Fatal(err)
			}
			reader, setter := NewDesk(v, dbtest.Chance(7)), NewDesk(v, dbtest.Chance(8))
			reader.blocks.most = most
			blocked := func(n int) (is bool) {
				b := atHouse(n)
				err := d.Write(ctx, func(tx *db.Tx) error {
					s, err := reader.Open(ctx, tx, []*Buyer{&b})
					if err == nil {
						is = s.Standing(0).BlockedAddress
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				return is
			}
			for n := range 4 {
				if blocked(n) {
					t.Errorf("house %d is blocked before it was", n)
				}
				b := atHouse(n)
				if err := d.Write(ctx, func(tx *db.Tx) error { return setter.Block(ctx, tx, blockAddress, &b, "fraud", "usr_1") }); err != nil {
					t.Fatal(err)
				}
				if !blocked(n) || !blocked(0) {
					t.Errorf("%d: house %d %v, house 0 %v", most, n, blocked(n), blocked(0))
				}
			}
			if blocked(9) {
				t.Error("a house that nobody blocked is")
			}
		})
	}
}
