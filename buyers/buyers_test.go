package buyers_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

const keyFile = "t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="

func desk(t *testing.T, keys string) *buyers.Desk {
	t.Helper()
	v, err := vault.Parse([]byte(keys))
	if err != nil {
		t.Fatal(err)
	}
	return buyers.NewDesk(v, dbtest.Chance(7))
}

func sanne() buyers.Buyer {
	return buyers.Buyer{Kind: buyers.Consumer, Email: "Sanne@Example.org", Language: "nl", Phone: "06 12345678",
		Name: buyers.Name{First: "Sanne", Last: "de Vriès"}, BirthDate: calendar.NewDate(1990, 5, 1),
		Address: buyers.Address{Street: "Dorpsstraat", HouseNumber: "1", HouseNumberSuffix: "A", Postcode: "1234 ab", City: "Voorbeeld", Country: "nl"}}
}

// attempt keeps one attempt of b and returns its person.
func attempt(t *testing.T, d *db.DB, k *buyers.Desk, b buyers.Buyer, id string, cents int64) (person string, before buyers.Standing) {
	t.Helper()
	if wrong := b.Check("#/buyer", calendar.NewDate(2026, 11, 22)); len(wrong) > 0 {
		t.Fatalf("%v", wrong)
	}
	return keep(t, d, k, b, id, cents)
}

func keep(t *testing.T, d *db.DB, k *buyers.Desk, b buyers.Buyer, id string, cents int64) (person string, before buyers.Standing) {
	t.Helper()
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		s, err := k.Open(context.Background(), tx, []*buyers.Buyer{&b})
		if err != nil {
			return err
		}
		before = s.Standing(0)
		a := buyers.Attempt{ID: id, Merchant: "mer_1", Cents: cents}
		if cents > 0 {
			a.Order = "ord_" + id
		}
		if person, _, err = s.Keep(0, a); err != nil {
			return err
		}
		return s.Flush(context.Background())
	})
	if err != nil {
		t.Fatal(err)
	}
	return person, before
}

// The same buyer in another spelling is the same person, with what is open.
func TestSpellingsAreOnePerson(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		k := desk(t, keyFile)
		first, before := attempt(t, d, k, sanne(), "att_1", 50_00)
		if before.OpenCents != 0 || before.Orders != 0 {
			t.Errorf("a new buyer: %+v", before)
		}
		b := sanne()
		b.Email, b.Phone = "other@example.org", ""
		b.Name, b.Address.HouseNumberSuffix = buyers.Name{First: "SANNE", Last: "De Vries"}, "a"
		again, st := attempt(t, d, k, b, "att_2", 10_00)
		if again != first || st.OpenCents != 50_00 || st.Orders != 1 || st.Today != 1 {
			t.Errorf("%s and %s, %+v", first, again, st)
		}
	})
}

// A telephone number alone joins nobody, but what is open on it counts.
func TestPhoneDoesNotJoin(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		k := desk(t, keyFile)
		first, _ := attempt(t, d, k, sanne(), "att_1", 50_00)
		b := sanne()
		b.Email, b.Name.First = "piet@example.org", "Piet"
		other, st := attempt(t, d, k, b, "att_2", 0)
		if other == first || st.OpenCents != 50_00 {
			t.Errorf("%s and %s, %+v", first, other, st)
		}
	})
}

// Two persons that turn out to be one are recorded as such, and neither loses its rows.
func TestUnionIsRecorded(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		k := desk(t, keyFile)
		attempt(t, d, k, sanne(), "att_1", 0)
		b := sanne()
		b.Email, b.Phone, b.Name.First = "piet@example.org", "", "Piet"
		attempt(t, d, k, b, "att_2", 0)
		both := sanne()
		both.Email, both.Phone = "piet@example.org", ""
		attempt(t, d, k, both, "att_3", 0)
		var unions, persons int
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(context.Background(), `select (select count(*) from unions), (select count(*) from persons)`, nil, &unions, &persons)
		})
		if err != nil || unions != 1 || persons != 2 {
			t.Errorf("%d unions of %d persons, %v", unions, persons, err)
		}
	})
}

// After a rotation of the master key, old buyers are found by their old handles and new ones get new.
func TestKeyRotation(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		first, _ := attempt(t, d, desk(t, keyFile), sanne(), "att_1", 50_00)
		rotated := desk(t, "t2 qLsS8nTWTZ2Iu9nUuC5uXEpQb4xTn0m3Gv7Wc1dYh9E=\n"+keyFile)
		again, st := attempt(t, d, rotated, sanne(), "att_2", 0)
		if again != first || st.OpenCents != 50_00 {
			t.Errorf("%s and %s, %+v", first, again, st)
		}
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			list, err := rotated.Identities(context.Background(), tx, "mer_1", "att_1")
			if err == nil && list[0].Buyer.Email != "Sanne@example.org" {
				t.Errorf("identity %+v", list[0].Buyer)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// New buyers who meet in two transactions at once are one person in the end.
func TestParallelNewBuyer(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		k := desk(t, keyFile)
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := map[string]bool{}
		for i := range 8 {
			wg.Go(func() {
				p, _ := attempt(t, d, k, sanne(), "att_"+string(rune('a'+i)), 10_00)
				mu.Lock()
				defer mu.Unlock()
				seen[p] = true
			})
		}
		wg.Wait()
		_, st := attempt(t, d, k, sanne(), "att_z", 0)
		if len(seen) != 1 || st.OpenCents != 80_00 || st.Orders != 8 {
			t.Errorf("%d persons, %+v", len(seen), st)
		}
	})
}

// While a rotation goes from node to node, nodes that seal with different master keys and know the same ones still meet
// in one person, with all that is open under one handle.
func TestParallelNewBuyerOverARotation(t *testing.T) {
	const second = "t2 qLsS8nTWTZ2Iu9nUuC5uXEpQb4xTn0m3Gv7Wc1dYh9E="
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		nodes := []*buyers.Desk{desk(t, keyFile+"\n"+second), desk(t, second+"\n"+keyFile)}
		for round := range 5 {
			b := sanne()
			b.Email, b.Phone, b.Name.First = fmt.Sprintf("sanne%d@example.org", round), fmt.Sprintf("+3161234567%d", round), fmt.Sprint("Sanne", round)
			var mu sync.Mutex
			var wg sync.WaitGroup
			seen := map[string]bool{}
			for i := range 6 {
				wg.Go(func() {
					p, _ := attempt(t, d, nodes[i%2], b, fmt.Sprintf("att_%d_%d", round, i), 10_00)
					mu.Lock()
					defer mu.Unlock()
					seen[p] = true
				})
			}
			wg.Wait()
			_, st := attempt(t, d, nodes[round%2], b, fmt.Sprintf("att_%d_z", round), 0)
			if len(seen) != 1 || st.OpenCents != 60_00 || st.Orders != 6 {
				t.Errorf("%d persons, %+v", len(seen), st)
			}
		}
		var claims int
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from handle_claims`, nil, &claims)
		})
		if err != nil || claims != 0 {
			t.Errorf("%d claims are left, %v", claims, err)
		}
	})
}

// A buyer whose handles were made under a key that is gone is a new one, and nothing of before stands in the way.
func TestKeyThatIsGone(t *testing.T) {
	const second, third = "t2 qLsS8nTWTZ2Iu9nUuC5uXEpQb4xTn0m3Gv7Wc1dYh9E=", "t3 mJ0WkUe4dQw1pV7sXo2uYb5nRz8tLc3fHg6jKa9iQxE="
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		seen := map[string]bool{}
		for i, keys := range []string{keyFile + "\n" + second, second + "\n" + third, third + "\n" + second, third} {
			p, _ := attempt(t, d, desk(t, keys), sanne(), fmt.Sprint("att_", i), 10_00)
			seen[p] = true
		}
		if len(seen) != 3 { // under t1, t2 with which t3 is known, t3 alone
			t.Errorf("%d persons", len(seen))
		}
	})
}

// An order that came over a looser wire can be corrected without inventing what its shop never sent.
func TestCorrectWhatCameLoosely(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		k := desk(t, keyFile)
		b := sanne()
		b.BirthDate, b.IP, b.Phone, b.Address.Postcode = calendar.Date{}, "203.0.113.7", "ask at the bar", "unknown"
		b.DeliveryAddress = &buyers.Address{Street: "Kade", HouseNumber: "at the bridge", Postcode: "?", City: "Voorbeeld", Country: "NL"}
		if wrong := b.CheckLoosely("#/buyer", calendar.NewDate(2026, 11, 22)); len(wrong) > 0 {
			t.Fatal(wrong)
		}
		keep(t, d, k, b, "att_1", 10_00)
		right := b
		right.Name.Last, right.IP, right.DeliveryAddress = "Vries", "198.51.100.1", nil
		correct := func(b buyers.Buyer) error {
			return d.Write(t.Context(), func(tx *db.Tx) error {
				return k.Correct(t.Context(), tx, buyers.Correction{Attempt: "att_1", Merchant: "mer_1", Buyer: b, OpenCents: 10_00, By: "usr_1", Reason: "typo"})
			})
		}
		if err := correct(right); err != nil {
			t.Fatal(err)
		}
		for what, spoil := range map[string]func(*buyers.Buyer){
			"no address for mail":  func(b *buyers.Buyer) { b.Email = "nowhere" },
			"no street":            func(b *buyers.Buyer) { b.Address.Street = "" },
			"no name":              func(b *buyers.Buyer) { b.Name = buyers.Name{} },
			"another odd postcode": func(b *buyers.Buyer) { b.Address.Postcode = strings.Repeat("?", 300) },
			"another odd phone":    func(b *buyers.Buyer) { b.Phone = "\x1b[31m" },
			"born tomorrow":        func(b *buyers.Buyer) { b.BirthDate = calendar.NewDate(2126, 1, 1) },
		} {
			wrong := right
			spoil(&wrong)
			if err := correct(wrong); !fault.Is(err, "fields") {
				t.Errorf("%s: %v", what, err)
			}
		}
		var versions []buyers.Identity
		err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
			versions, err = k.Identities(t.Context(), tx, "mer_1", "att_1")
			return err
		})
		if err != nil || len(versions) != 2 {
			t.Fatal(len(versions), err)
		}
		if got := versions[1].Buyer; got.Name.Last != "Vries" || got.IP != b.IP || got.DeliveryAddress == nil || *got.DeliveryAddress != *b.DeliveryAddress {
			t.Errorf("%+v", got)
		}
	})
}

// Personal data stands in sealed columns only: no text of the buyer is found in any row.
func TestNothingInTheClear(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		attempt(t, d, desk(t, keyFile), sanne(), "att_1", 50_00)
		var hits int
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			rows, err := tx.Query(context.Background(), `select profile, fiscal, claim from identities`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var a, b, c []byte
				if err := rows.Scan(&a, &b, &c); err != nil {
					return err
				}
				for _, sealed := range [][]byte{a, b, c} {
					for _, word := range []string{"Sanne", "Vri", "example", "Dorps", "1990"} {
						if contains(sealed, word) {
							hits++
						}
					}
				}
			}
			return rows.Err()
		})
		if err != nil || hits > 0 {
			t.Errorf("%d words in the clear, %v", hits, err)
		}
	})
}

func contains(b []byte, word string) bool {
	for i := 0; i+len(word) <= len(b); i++ {
		if string(b[i:i+len(word)]) == word {
			return true
		}
	}
	return false
}

func TestCorrectionNeedsWhoAndWhy(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		k := desk(t, keyFile)
		attempt(t, d, k, sanne(), "att_1", 0)
		for want, c := range map[string]buyers.Correction{
			"correction-reason": {Attempt: "att_1", Merchant: "mer_1", Buyer: sanne(), By: "usr_1"},
			"identity":          {Attempt: "att_9", Merchant: "mer_1", Buyer: sanne(), By: "usr_1", Reason: "typo"},
			"fields":            {Attempt: "att_1", Merchant: "mer_1", By: "usr_1", Reason: "typo"},
		} {
			err := d.Write(context.Background(), func(tx *db.Tx) error { return k.Correct(context.Background(), tx, c) })
			if !fault.Is(err, want) {
				t.Errorf("%s: %v", want, err)
			}
		}
	})
}

func TestAge(t *testing.T) {
	b := buyers.Buyer{BirthDate: calendar.NewDate(2008, 2, 29)}
	for day, want := range map[calendar.Date]int{
		calendar.NewDate(2026, 2, 27): 17, calendar.NewDate(2026, 2, 28): 17, calendar.NewDate(2026, 3, 1): 18, calendar.NewDate(2028, 2, 28): 19, calendar.NewDate(2028, 2, 29): 20,
	} {
		if got := b.Age(day); got != want {
			t.Errorf("on %s: %d, want %d", day, got, want)
		}
	}
	if (&buyers.Buyer{}).Age(calendar.NewDate(2026, 1, 1)) != -1 {
		t.Error("a company has an age")
	}
}

// What the number brings with it counts to the suffix, so that a stored address passes again as it is.
func TestSuffixOfANumber(t *testing.T) {
	for length, wrong := range map[int]int{198: 0, 199: 1} {
		b := sanne()
		b.Address.HouseNumber, b.Address.HouseNumberSuffix = "1a", strings.Repeat("b", length)
		found := b.Check("#/buyer", calendar.NewDate(2026, 11, 22))
		if len(found) != wrong || wrong > 0 && (found[0].Pointer != "#/buyer/address/house_number_suffix" || found[0].Code != "too-long") {
			t.Errorf("%d letters behind 1a: %v", length, found)
		}
	}
}
