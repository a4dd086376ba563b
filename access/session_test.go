package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
)

func TestSessionEnds(t *testing.T) {
	doors(t, func(o *door) {
		s := o.in(known)
		for range 13 { // seen every day, it lives on
			o.p.Clock.Advance(24*time.Hour - time.Second)
			v, err := o.visitor(s.Cookie)
			must(t, err)
			must(t, o.Seen(t.Context(), v))
		}
		o.p.Clock.Advance(24 * time.Hour)
		if _, err := o.visitor(s.Cookie); code(err) != "session" {
			t.Errorf("after its life: %v", err)
		}
		s = o.in(known)
		o.p.Clock.Advance(24 * time.Hour)
		if _, err := o.visitor(s.Cookie); code(err) != "session" {
			t.Errorf("idle for a day: %v", err)
		}
		for _, cookie := range []string{"", "x", strings.Repeat("a", 43)} {
			if _, err := o.visitor(cookie); code(err) != "session" {
				t.Errorf("%q: %v", cookie, err)
			}
		}
	})
}

// Seen writes only when five minutes have passed.
func TestSeenSeldomWrites(t *testing.T) {
	doors(t, func(o *door) {
		s := o.in(known)
		first, _ := o.visitor(s.Cookie)
		o.p.Clock.Advance(4 * time.Minute)
		must(t, o.Seen(t.Context(), first))
		if v, _ := o.visitor(s.Cookie); v.SeenAt != first.SeenAt {
			t.Error("written after four minutes")
		}
		o.p.Clock.Advance(time.Minute)
		must(t, o.Seen(t.Context(), first))
		if v, _ := o.visitor(s.Cookie); v.SeenAt != o.p.Clock.Now() {
			t.Error("not written after five")
		}
	})
}

func TestListAndEndSessions(t *testing.T) {
	doors(t, func(o *door) {
		o.order("piet@example.org")
		theirs := o.in("piet@example.org")
		var mine []access.NewSession
		for range 4 {
			mine = append(mine, o.in(known))
			o.p.Clock.Advance(time.Minute)
		}
		v, err := o.visitor(mine[0].Cookie)
		must(t, err)
		list := func() (ids []string) {
			must(t, o.d.Read(t.Context(), func(tx *db.Tx) error {
				all, err := o.Sessions(t.Context(), tx, v)
				for _, s := range all {
					ids = append(ids, s.ID)
					if s.Device != "Firefox, Linux" || s.Current != (s.ID == v.ID) {
						t.Errorf("%+v", s)
					}
				}
				return err
			}))
			return ids
		}
		if got, want := list(), []string{mine[3].ID, mine[2].ID, mine[1].ID, mine[0].ID}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		must(t, o.End(t.Context(), v, mine[2].ID))
		for _, id := range []string{mine[2].ID, theirs.ID, "ses_0"} {
			if err := o.End(t.Context(), v, id); code(err) != "session-unknown" {
				t.Errorf("end %s: %v", id, err)
			}
		}
		if n, err := o.EndAll(t.Context(), v, true); n != 2 || err != nil {
			t.Errorf("all but this: %d, %v", n, err)
		}
		if got := list(); !slices.Equal(got, []string{mine[0].ID}) {
			t.Errorf("left %v", got)
		}
		if n, err := o.EndAll(t.Context(), v, false); n != 1 || err != nil {
			t.Errorf("all: %d, %v", n, err)
		}
		for _, s := range mine {
			if _, err := o.visitor(s.Cookie); code(err) != "session" {
				t.Errorf("%v", err)
			}
		}
		if _, err := o.visitor(theirs.Cookie); err != nil {
			t.Errorf("somebody else's: %v", err)
		}
	})
}

// Signing in again ends the session that the browser had.
func TestNewSessionReplaces(t *testing.T) {
	doors(t, func(o *door) {
		old := o.in(known)
		p, l := o.begin(known, "")
		s, err := o.finish(access.Proof{Token: l.Token, Browser: p.Browser, Session: old.Cookie})
		must(t, err)
		if _, err := o.visitor(old.Cookie); code(err) != "session" || s.Cookie == old.Cookie {
			t.Errorf("%v", err)
		}
		if _, err := o.visitor(s.Cookie); err != nil {
			t.Error(err)
		}
	})
}

// A session of before a rotation proves the same address after it, and so does one of after it.
func TestRotationKeepsAddresses(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		old := newDoor(t, p, d, 11, access.StandardLimits(), "k1")
		old.order(known)
		before := old.in(known)
		both := newDoor(t, p, d, 12, access.StandardLimits(), "k2", "k1")
		both.orders = 100
		both.order("new@example.org")
		owner := func(o *door, cookie string) string {
			v, err := o.visitor(cookie)
			must(t, err)
			var ids []string
			must(t, d.Read(t.Context(), func(tx *db.Tx) (err error) {
				ids, err = buyers.Owners(t.Context(), tx, v.Handles)
				return err
			}))
			return strings.Join(ids, " ")
		}
		if a, b := owner(both, before.Cookie), owner(both, both.in(known).Cookie); a == "" || a != b {
			t.Errorf("%q and %q", a, b)
		}
		if owner(both, both.in("new@example.org").Cookie) == "" {
			t.Error("an address of after the rotation is not found")
		}
	})
}

func TestSweeper(t *testing.T) {
	doors(t, func(o *door) {
		s := o.in(known)
		w := access.NewSweeper(o.d)
		sweep := func() string {
			for range 5 {
				must(t, w.Step(t.Context()))
				o.p.Clock.Advance(2 * time.Hour)
			}
			return fmt.Sprint(o.counts())
		}
		if got := sweep(); got != "[1 0 2 1]" {
			t.Errorf("the same day: %s", got)
		}
		o.p.Clock.Advance(24 * time.Hour)
		if got := sweep(); got != "[0 0 0 1]" {
			t.Errorf("two days later: %s", got)
		}
		o.p.Clock.Advance(45 * 24 * time.Hour)
		if got := sweep(); got != "[0 0 0 0]" {
			t.Errorf("long after: %s", got)
		}
		if _, err := o.visitor(s.Cookie); code(err) != "session" {
			t.Error(err)
		}
	})
}
