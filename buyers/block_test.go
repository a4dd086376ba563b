package buyers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

func atHouse(n int) Buyer {
	b := Buyer{Kind: Consumer, Email: fmt.Sprintf("buyer%d@example.org", n), Language: "nl", Name: Name{First: "Noor", Last: "Bakker"},
		BirthDate: calendar.NewDate(1990, 5, 1),
		Address:   Address{Street: "Dorpsstraat", HouseNumber: fmt.Sprint(n), Postcode: "1234 AB", City: "Voorbeeld", Country: "NL"}}
	return b
}

const keyLine = "t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="

func deskOf(t *testing.T, keys string, seed uint64) *Desk {
	t.Helper()
	v, err := vault.Parse([]byte(keys))
	if err != nil {
		t.Fatal(err)
	}
	return NewDesk(v, dbtest.Chance(seed))
}

// A block holds from the transaction after it, in a process that read the blocks before as in others, and
// whether they are few enough to be kept in memory or not.
func TestBlocksHoldAtOnce(t *testing.T) {
	ctx := context.Background()
	for _, most := range []int{mostBlocks, 1} {
		dbtest.Run(t, func(t *testing.T, d *db.DB) {
			reader, setter := deskOf(t, keyLine, 7), deskOf(t, keyLine, 8)
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
				if err := d.Write(ctx, func(tx *db.Tx) error {
					_, _, err := setter.Block(ctx, tx, blockAddress, &b, "fraud", "usr_1")
					return err
				}); err != nil {
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

// A block has an id, is listed without anybody's name, is set once however often and under whichever master key, and
// ends when it is lifted.
func TestBlockAndLift_S_CHK_03(t *testing.T) {
	ctx := context.Background()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		old := deskOf(t, keyLine, 7)
		rotated := deskOf(t, "t2 qLsS8nTWTZ2Iu9nUuC5uXEpQb4xTn0m3Gv7Wc1dYh9E=\n"+keyLine, 8)
		b := atHouse(1)
		b.IP = "2001:db8::7"
		parcels := Address{Street: "Stationsplein", HouseNumber: "4", Postcode: "1234 AC", City: "Voorbeeld", Country: "NL"}
		b.DeliveryAddress = &parcels
		block := func(k *Desk, kind, reason, by string) (id string, err error) {
			err = d.Write(ctx, func(tx *db.Tx) error { id, _, err = k.Block(ctx, tx, kind, &b, reason, by); return err })
			return id, err
		}
		list := func(after string, most int) (all []Block, err error) {
			err = d.Read(ctx, func(tx *db.Tx) error { all, err = Blocks(ctx, tx, after, most); return err })
			return all, err
		}
		lift := func(id, reason, by string) error {
			return d.Write(ctx, func(tx *db.Tx) error { return Lift(ctx, tx, id, reason, by) })
		}
		standing := func(b Buyer) (st Standing) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				s, err := rotated.Open(ctx, tx, []*Buyer{&b})
				if err == nil {
					st = s.Standing(0)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return st
		}

		var ids []string
		for _, kind := range BlockKinds {
			id, err := block(old, kind, "fraud", "usr_1")
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if again, err := block(rotated, kind, "abuse", "usr_2"); err != nil || again != id {
				t.Errorf("%s again: %s, %v, not %s", kind, again, err, id)
			}
			ids = append(ids, id)
		}
		if st := standing(b); !st.BlockedAddress || !st.BlockedPerson || !st.BlockedIP {
			t.Errorf("blocked under the old key: %+v", st)
		}
		if mover := (Buyer{Kind: Consumer, Email: "else@example.org", Language: "nl", Address: parcels}); !standing(mover).BlockedAddress {
			t.Error("a blocked address of delivery is not blocked as an address")
		}

		all, err := list("", 10)
		if err != nil || len(all) != len(ids) {
			t.Fatalf("%d of %d: %v", len(all), len(ids), err)
		}
		var paged []Block
		for after := ""; ; after = paged[len(paged)-1].ID {
			page, err := list(after, 3)
			if err != nil {
				t.Fatal(err)
			}
			if paged = append(paged, page...); len(page) < 3 {
				break
			}
		}
		if !slices.Equal(paged, all) {
			t.Errorf("by pages %v, at once %v", paged, all)
		}
		for _, x := range all {
			if !slices.Contains(ids, x.ID) || x.Reason != "fraud" || x.By != "usr_1" {
				t.Errorf("%+v", x)
			}
		}

		for _, c := range []struct {
			what, code string
			err        error
		}{
			{"a reason in words", "block-reason", lift(ids[0], "Sanne is nice", "usr_1")},
			{"nobody", "staff", lift(ids[0], "mistake", "")},
			{"a name", "staff", lift(ids[0], "mistake", "Sanne de Vries")},
			{"no block", "block", lift("ip-00", "mistake", "usr_1")},
			{"an id in capitals", "block", lift(strings.ToUpper(ids[0]), "mistake", "usr_1")},
			{"no id", "block", lift("ip-xyz", "mistake", "usr_1")},
			{"set without a known reason", "block-reason", second(block(old, "ip", "solved", "usr_1"))},
			{"set by nobody", "staff", second(block(old, "ip", "fraud", ""))},
			{"an unknown kind", "block-kind", second(block(old, "email", "fraud", "usr_1"))},
			{"a list after nothing", "block", second(list("ip-00", 3))},
		} {
			if !fault.Is(c.err, c.code) {
				t.Errorf("%s: %v, not %s", c.what, c.err, c.code)
			}
		}

		for _, id := range ids {
			if err := lift(id, "mistake", "usr_2"); err != nil {
				t.Fatal(err)
			}
		}
		if err := lift(ids[0], "mistake", "usr_2"); !fault.Is(err, "block") {
			t.Errorf("lifted twice: %v", err)
		}
		if st := standing(b); st.BlockedAddress || st.BlockedPerson || st.BlockedIP {
			t.Errorf("lifted: %+v", st)
		}
	})
}

// Two of the staff who block the same at once block it once, on nodes with different active keys, too.
func TestBlockAtOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		var set atomic.Int64
		const second = "t2 qLsS8nTWTZ2Iu9nUuC5uXEpQb4xTn0m3Gv7Wc1dYh9E="
		nodes := []*Desk{deskOf(t, keyLine+"\n"+second, 1), deskOf(t, second+"\n"+keyLine, 2)}
		for n := range 20 {
			wg.Go(func() {
				b := atHouse(n / 4)
				var is bool
				err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
					_, is, err = nodes[n%2].Block(t.Context(), tx, blockAddress, &b, "fraud", "usr_1")
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if is {
					set.Add(1)
				}
			})
		}
		wg.Wait()
		if set.Load() != 5 {
			t.Errorf("%d of 5 addresses were blocked anew", set.Load())
		}
	})
}

func second[T any](_ T, err error) error { return err }

// What somebody types to block is brought into the form in which orders have it, and nothing is blocked that would
// mean everybody.
func TestCheckBlock(t *testing.T) {
	today := calendar.NewDate(2026, 11, 23)
	typed := Buyer{Kind: Consumer, IP: "::ffff:203.0.113.7", Address: Address{Country: "nl", Postcode: "1234ab", HouseNumber: "7a"}}
	if wrong := append(typed.CheckBlock(blockAddress, today), typed.CheckBlock(blockIP, today)...); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	a := atHouse(7)
	a.Address.HouseNumber = "7 A"
	if wrong := a.Check("#/buyer", today); len(wrong) > 0 { // as an order does
		t.Fatal(wrong)
	}
	if typed.Address.key() != a.Address.key() || typed.IP != "203.0.113.7" {
		t.Errorf("%q and %q, %s", typed.Address.key(), a.Address.key(), typed.IP)
	}
	for kind, want := range map[string][]string{
		blockAddress: {"#/address/country", "#/address/house_number"},
		blockPerson:  {"#/birth_date", "#/name/first", "#/name/last"},
		blockIP:      {"#/ip"},
	} {
		var got []string
		for _, f := range (&Buyer{Kind: Consumer}).CheckBlock(kind, today) {
			got = append(got, f.Pointer)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s of nobody: %v, not %v", kind, got, want)
		}
	}
	d := deskOf(t, keyLine, 7)
	for _, nobody := range []Buyer{{Kind: Consumer, Address: Address{Country: "NL", Postcode: "1234AB"}, BirthDate: today}, {Kind: Consumer, Address: Address{Country: "NL", HouseNumber: "1"}, DeliveryAddress: &Address{}}} {
		if marks := d.blockMarks(&nobody); len(marks) > 0 {
			t.Errorf("of %+v can be blocked: %d", nobody, len(marks))
		}
	}
	if wrong := (&Buyer{IP: "192.0.2.1/8"}).CheckBlock(blockIP, today); len(wrong) != 1 {
		t.Errorf("a network: %v", wrong)
	}
}
