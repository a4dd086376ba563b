package checkout

import (
	"fmt"
	"strings"
	"testing"

	"achteraf/internal/golden"
)

// TestStatesDoc keeps the table in docs/checkouts.md equal to the one in the code; -update rewrites it.
func TestStatesDoc(t *testing.T) {
	var b strings.Builder
	b.WriteString("# States of a checkout\n\nThis page is made from `checkout/states.go`. What is not in the table cannot happen. A checkout that is declined or referred goes on,\nuntil its buyer leaves, its attempts are used up or its time is over.\n\n| from | event | to | by |\n|---|---|---|---|\n")
	for _, m := range transitions {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.from, m.on, m.to, m.by)
	}
	golden.Check(t, "../docs/checkouts.md", b.String())
}

// Every pair of state and event is either in the table or refused, and an order that exists is never lost.
func TestNext(t *testing.T) {
	allowed := 0
	for _, s := range []State{Open, Accepted, Declined, Referred, Cancelled, Expired} {
		for _, e := range []Event{Accept, Decline, Refer, Leave, Expire} {
			to, err := s.Next(e)
			if err == nil {
				allowed++
			} else if to != s {
				t.Errorf("%s refused %s and went to %s", s, e, to)
			}
			if s == Accepted && err == nil || e == Accept && s != Accepted && to != Accepted {
				t.Errorf("%s %s leads to %s", s, e, to)
			}
		}
	}
	if allowed != len(transitions) {
		t.Errorf("%d moves are possible, %d in the table", allowed, len(transitions))
	}
}

// Nobody is ever led to the page of success without an order.
func TestReturns(t *testing.T) {
	for _, r := range []Returns{{Success: "s"}, {Success: "s", Failure: "f"}, {Success: "s", Cancel: "c"}, {Success: "s", Back: "b"}, {"s", "f", "c", "b"}} {
		for _, to := range []string{r.ToFailure(), r.ToCancel(), r.ToBack()} {
			if to == r.Success {
				t.Errorf("%+v leads to success", r)
			}
			if (to == "") != (r.Failure+r.Cancel+r.Back == "") {
				t.Errorf("%+v leads to %q", r, to)
			}
		}
	}
	if r := (Returns{"s", "f", "c", "b"}); r.ToFailure() != "f" || r.ToCancel() != "c" || r.ToBack() != "b" {
		t.Error("one's own way is not taken")
	}
}
