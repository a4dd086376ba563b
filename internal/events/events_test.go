package events_test

import (
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/events"
)

func write(t *testing.T, d *db.DB, all ...events.Event) []events.Event {
	t.Helper()
	if err := d.Write(t.Context(), func(tx *db.Tx) error { return events.Append(t.Context(), tx, all) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, d *db.DB, f func(tx *db.Tx) ([]events.Event, error)) []events.Event {
	t.Helper()
	var got []events.Event
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { got, err = f(tx); return err }); err != nil {
		t.Fatal(err)
	}
	return got
}

func hash(t *testing.T, d *db.DB) string {
	t.Helper()
	var sum [32]byte
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { sum, err = events.Hash(t.Context(), tx); return err }); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum[:])
}

func TestAppendAndRead(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		first := write(t, d, events.Event{Merchant: "mer_1", Kind: "order.placed", Subject: "ord_1", Data: `{"total_cents":5040}`},
			events.Event{Merchant: "mer_2", Kind: "order.placed", Subject: "ord_2"})
		p.Clock.Advance(time.Hour)
		var many []events.Event
		for range 5 { // more than the small set, which goes another way
			many = append(many, events.Event{Merchant: "mer_1", Kind: "invoice.issued", Subject: "inv_1"})
		}
		many = write(t, d, many...)
		if first[0].At != many[0].At.Add(-time.Hour) || first[0].ID >= first[1].ID || first[1].ID >= many[0].ID {
			t.Fatalf("times or ids out of order: %v %v", first, many)
		}

		mine := append([]events.Event{first[0]}, many...)
		if got := read(t, d, func(tx *db.Tx) ([]events.Event, error) { return events.Of(t.Context(), tx, "mer_1", "", 100) }); !slices.Equal(got, mine) {
			t.Errorf("got %v, want %v", got, mine)
		}
		if got := read(t, d, func(tx *db.Tx) ([]events.Event, error) {
			return events.Of(t.Context(), tx, "mer_1", mine[1].ID, 2)
		}); !slices.Equal(got, mine[2:4]) {
			t.Errorf("after a cursor: got %v, want %v", got, mine[2:4])
		}
		if got := read(t, d, func(tx *db.Tx) ([]events.Event, error) { return events.All(t.Context(), tx, first[0].ID, 2) }); !slices.Equal(got, []events.Event{first[1], many[0]}) {
			t.Errorf("all: got %v", got)
		}
		if got := read(t, d, func(tx *db.Tx) ([]events.Event, error) { return events.Of(t.Context(), tx, "mer_3", "", 2) }); got != nil {
			t.Errorf("a stranger: got %v", got)
		}
	})
}

func TestARolledBackEventIsNoEvent(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		before := hash(t, d)
		stop := errors.New("stop")
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			return errors.Join(events.Append(t.Context(), tx, []events.Event{{Merchant: "mer_1", Kind: "k", Subject: "s"}}), stop)
		})
		if !errors.Is(err, stop) || hash(t, d) != before {
			t.Errorf("err %v, and the log has changed: %v", err, hash(t, d) != before)
		}
	})
}

// TestHash holds that the same facts give the same hash on both engines, and any other facts another.
func TestHash(t *testing.T) {
	base := func() []events.Event {
		return []events.Event{{Merchant: "mer_1", Kind: "a", Subject: "ord_1", Data: "{}"}, {Merchant: "mer_1", Kind: "b", Subject: "ord_1"}}
	}
	seen := map[string]string{}
	for _, c := range []struct {
		name   string
		change func(all []events.Event, p *dbtest.Place) []events.Event
	}{
		{"as it is", func(all []events.Event, p *dbtest.Place) []events.Event { return all }},
		{"another merchant", func(all []events.Event, p *dbtest.Place) []events.Event { all[0].Merchant = "mer_2"; return all }},
		{"another kind", func(all []events.Event, p *dbtest.Place) []events.Event { all[0].Kind = "c"; return all }},
		{"another subject", func(all []events.Event, p *dbtest.Place) []events.Event { all[0].Subject = "ord_2"; return all }},
		{"other data", func(all []events.Event, p *dbtest.Place) []events.Event { all[0].Data = "{ }"; return all }},
		{"a border moved", func(all []events.Event, p *dbtest.Place) []events.Event {
			all[0].Kind, all[0].Subject = "aord", "_1"
			return all
		}},
		{"another order", func(all []events.Event, p *dbtest.Place) []events.Event { slices.Reverse(all); return all }},
		{"one fewer", func(all []events.Event, p *dbtest.Place) []events.Event { return all[:1] }},
		{"a microsecond later", func(all []events.Event, p *dbtest.Place) []events.Event {
			p.Clock.Advance(time.Microsecond)
			return all
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sums []string
			dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
				d := p.Open(t)
				write(t, d, c.change(base(), p)...)
				sums = append(sums, hash(t, d))
			})
			if len(sums) != 2 || sums[0] != sums[1] {
				t.Fatalf("the engines differ: %v", sums)
			}
			if other := seen[sums[0]]; other != "" {
				t.Errorf("the same hash as %q", other)
			}
			seen[sums[0]] = c.name
		})
	}
}
