package orders

import (
	"fmt"
	"strings"
	"testing"

	"achteraf/internal/golden"
)

// TestStatesDoc keeps the table in docs/orders.md equal to the one in the code; -update rewrites it.
func TestStatesDoc(t *testing.T) {
	var b strings.Builder
	b.WriteString("# States of an order\n\nThis page is made from `orders/states.go`. What is not in the table cannot happen; a hold or a dispute is never a state.\n\n| from | event | to | by |\n|---|---|---|---|\n")
	for _, m := range transitions {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.from, m.on, m.to, m.by)
	}
	golden.Check(t, "../docs/orders.md", b.String())
}

// Every pair of state and event is either in the table or refused.
func TestNext(t *testing.T) {
	states := []State{Placed, Started, Cancelled, Lapsed, Closed}
	events := []Event{Start, Cancel, Lapse, Close, Reopen}
	allowed := 0
	for _, s := range states {
		for _, e := range events {
			if to, err := s.Next(e); err == nil {
				allowed++
			} else if to != s {
				t.Errorf("%s refused %s and went to %s", s, e, to)
			}
		}
	}
	if allowed != len(transitions) {
		t.Errorf("%d moves are possible, %d in the table", allowed, len(transitions))
	}
}
