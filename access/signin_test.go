package access_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
)

// A link opens one session, in the browser that asked for it, and opening it by GET changes nothing.
func TestSignInByLink_S_APP_02(t *testing.T) {
	doors(t, func(o *door) {
		p, l := o.begin(" Sanne@Example.org ", "")
		if l.Email != known || l.Language != "nl" || l.Token == "" || len(l.Code) != 8 || l.ExpiresAt != p.ExpiresAt || l.SignIn == "" {
			t.Fatalf("letter %+v", l)
		}
		for range 3 { // a scanner of mail follows the link, with and without a cookie
			look, err := o.Look(t.Context(), access.Proof{Token: l.Token})
			if err != nil || !look.NeedsCode || look.TriesLeft != 5 {
				t.Errorf("from elsewhere: %+v, %v", look, err)
			}
			if look, err = o.Look(t.Context(), access.Proof{Token: l.Token, Browser: p.Browser}); err != nil || look.NeedsCode {
				t.Errorf("from the browser: %+v, %v", look, err)
			}
		}
		s, err := o.finish(access.Proof{Token: l.Token, Browser: p.Browser})
		must(t, err)
		v, err := o.visitor(s.Cookie)
		if err != nil || v.ID != s.ID || len(v.Handles) != 1 || !v.Handles[0].IsEmail() || !bytes.Equal(v.Handles[0].Hash, o.desk.EmailHandles(known)[0].Hash) {
			t.Errorf("visitor %+v, %v", v, err)
		}
		if _, err := o.finish(access.Proof{Token: l.Token, Browser: p.Browser}); code(err) != "sign-in-used" {
			t.Errorf("used twice: %v", err)
		}
		if _, err := o.Look(t.Context(), access.Proof{Token: l.Token}); code(err) != "sign-in-used" {
			t.Errorf("looked at after use: %v", err)
		}
	})
}

// The answer, the rows and the work are the same for an address that we do not know; only no letter goes out.
func TestUnknownAddressLooksTheSame_S_APP_02(t *testing.T) {
	doors(t, func(o *door) {
		var shapes []string
		for i, email := range []string{known, "nobody@example.org"} {
			before := o.counts()
			from := netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
			p, err := o.Begin(t.Context(), access.NewSignIn{Email: email, Language: "nl", Network: from})
			must(t, err)
			asked := o.counts()
			letters := len(o.mail)
			must(t, o.due.RunUntilIdle(t.Context()))
			if got := len(o.mail) - letters; got != map[bool]int{true: 1, false: 0}[email == known] {
				t.Errorf("%s: %d letters", email, got)
			}
			_, codeErr := o.finish(access.Proof{Browser: p.Browser, Code: "22222222"})
			look, lookErr := o.Look(t.Context(), access.Proof{Browser: p.Browser})
			for i := range asked {
				asked[i] -= before[i]
			}
			shapes = append(shapes, fmt.Sprint(len(p.Browser), p.ExpiresAt, asked, code(codeErr), look, lookErr))
		}
		if shapes[0] != shapes[1] || !strings.Contains(shapes[0], "[1 1 2 0]sign-in-code") {
			t.Errorf("known   %s\nunknown %s", shapes[0], shapes[1])
		}
	})
}

// counts tells how many rows there are of what asking for a link writes.
func (o *door) counts() []int {
	o.t.Helper()
	out := make([]int, 4)
	for i, table := range []string{"signins", "due", "knocks", "sessions"} {
		must(o.t, o.d.Read(o.t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(o.t.Context(), "select count(*) from "+table, nil, &out[i])
		}))
	}
	return out
}

// In another browser the link needs the code of the mail; in the one that asked the code does without the link.
func TestTypedCode_S_APP_02(t *testing.T) {
	doors(t, func(o *door) {
		_, l := o.begin(known, "")
		if _, err := o.finish(access.Proof{Token: l.Token}); code(err) != "sign-in-code" {
			t.Fatalf("without a code: %v", err)
		}
		typed := strings.ToLower(l.Code[:4]) + " -" + l.Code[4:]
		if _, err := o.finish(access.Proof{Token: l.Token, Browser: "stranger", Code: typed}); err != nil {
			t.Errorf("with link and code: %v", err)
		}
		p, l := o.begin(known, "")
		if look, err := o.Look(t.Context(), access.Proof{Browser: p.Browser}); err != nil || !look.NeedsCode {
			t.Errorf("%+v, %v", look, err)
		}
		if _, err := o.finish(access.Proof{Browser: p.Browser, Code: l.Code}); err != nil {
			t.Errorf("with the code alone: %v", err)
		}
		_, l = o.begin(known, "")
		if _, err := o.finish(access.Proof{Browser: p.Browser, Code: l.Code}); code(err) != "sign-in-used" {
			t.Errorf("the code in a browser that asked for another link: %v", err)
		}
		if _, err := o.finish(access.Proof{Code: l.Code}); code(err) != "sign-in-link" {
			t.Errorf("a code alone: %v", err)
		}
	})
}

// After five wrong codes the sign-in is dead, for the right code and for the link too.
func TestFiveWrongCodes(t *testing.T) {
	doors(t, func(o *door) {
		p, l := o.begin(known, "")
		for i := range 4 {
			if _, err := o.finish(access.Proof{Token: l.Token, Code: "WRONG222"}); code(err) != "sign-in-code" {
				t.Fatalf("try %d: %v", i, err)
			}
		}
		if look, err := o.Look(t.Context(), access.Proof{Token: l.Token}); err != nil || look.TriesLeft != 1 {
			t.Errorf("%+v, %v", look, err)
		}
		for _, proof := range []access.Proof{{Token: l.Token, Code: "WRONG222"}, {Token: l.Token, Code: l.Code}, {Token: l.Token, Browser: p.Browser}, {Browser: p.Browser, Code: l.Code}} {
			if _, err := o.finish(proof); code(err) != "sign-in-dead" {
				t.Errorf("%v", err)
			}
		}
	})
}

// Guesses that come at the same moment do not share a try.
func TestGuessesInParallel(t *testing.T) {
	doors(t, func(o *door) {
		_, l := o.begin(known, "")
		var mu sync.Mutex
		answers := map[string]int{}
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				_, err := o.finish(access.Proof{Token: l.Token, Code: fmt.Sprintf("WRNG22%02d", i)})
				mu.Lock()
				answers[code(err)]++
				mu.Unlock()
			})
		}
		all.Wait()
		if answers["sign-in-code"] != 4 || answers["sign-in-dead"] != 8 {
			t.Errorf("%v", answers)
		}
	})
}

// One link gives one session however many use it at once, on two nodes.
func TestOneLinkOneSession_S_APP_02(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		o := newDoor(t, p, p.Open(t), 11, access.StandardLimits(), "k1")
		o.order(known)
		nodes := []*access.SignIns{o.SignIns, o.SignIns}
		if p.Engine == "postgres" { // another process
			nodes[1] = newDoor(t, p, p.Open(t), 12, access.StandardLimits(), "k1").SignIns
		}
		for range 5 {
			before := o.counts()[3]
			b, l := o.begin(known, "")
			var mu sync.Mutex
			answers := map[string]int{}
			var all sync.WaitGroup
			for i := range 16 {
				all.Go(func() {
					_, err := nodes[i%2].Finish(t.Context(), access.Proof{Token: l.Token, Browser: b.Browser})
					mu.Lock()
					answers[code(err)]++
					mu.Unlock()
				})
			}
			all.Wait()
			if answers["<nil>"] != 1 || answers["sign-in-used"] != 15 || o.counts()[3] != before+1 {
				t.Errorf("%v, %d sessions", answers, o.counts()[3]-before)
			}
			o.p.Clock.Advance(16 * time.Minute) // another window
		}
	})
}

func TestBadLinks_S_APP_02(t *testing.T) {
	doors(t, func(o *door) {
		p, l := o.begin(known, "")
		_, other := o.begin(known, "")
		swapped := l.Token[:21] + other.Token[21:]
		for name, proof := range map[string]access.Proof{
			"nothing": {}, "noise": {Token: "x"}, "a foreign secret": {Token: swapped, Browser: p.Browser}, "only an id": {Token: l.Token[:21]},
			"too long": {Token: l.Token + "a"}, "a cookie for a link": {Token: p.Browser, Browser: p.Browser}, "a link for a cookie": {Browser: l.Token, Code: l.Code},
			"the wrong cookie": {Browser: p.Browser[:21] + other.Token[21:], Code: l.Code},
		} {
			if _, err := o.finish(proof); code(err) != "sign-in-link" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := o.finish(access.Proof{Token: other.Token, Browser: p.Browser}); code(err) != "sign-in-code" {
			t.Errorf("a link of another browser: %v", err)
		}
		for _, email := range []string{"", "sanne", "sanne@localhost"} {
			if _, err := o.Begin(t.Context(), access.NewSignIn{Email: email, Network: home}); code(err) != "fields" {
				t.Errorf("%q: %v", email, err)
			}
		}
		o.p.Clock.Advance(15*time.Minute - time.Second)
		if _, err := o.Look(t.Context(), access.Proof{Token: l.Token, Browser: p.Browser}); err != nil {
			t.Errorf("just before the end: %v", err)
		}
		o.p.Clock.Advance(time.Second)
		if _, err := o.finish(access.Proof{Token: l.Token, Browser: p.Browser}); code(err) != "sign-in-expired" {
			t.Errorf("after 15 minutes: %v", err)
		}
	})
}

// Who asks again in the same browser may use either link, and using one ends the other.
func TestAskedTwice(t *testing.T) {
	doors(t, func(o *door) {
		p, first := o.begin(known, "")
		again, second := o.begin(known, p.Browser)
		if look, err := o.Look(t.Context(), access.Proof{Token: first.Token, Browser: again.Browser}); err != nil || look.NeedsCode {
			t.Errorf("%+v, %v", look, err)
		}
		_, err := o.finish(access.Proof{Token: first.Token, Browser: again.Browser})
		must(t, err)
		if _, err := o.finish(access.Proof{Token: second.Token, Browser: again.Browser}); code(err) != "sign-in-used" {
			t.Errorf("the other link: %v", err)
		}
	})
}

// A flood is stopped by address and by network, with the same answer for every address, until the window is over.
func TestFloods_S_APP_02(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits access.Limits
		ask    func(i int) access.NewSignIn
	}{
		{"a known address", access.Limits{PerAddress: 3, PerNetwork: 100}, func(i int) access.NewSignIn {
			return access.NewSignIn{Email: known, Network: netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})}
		}},
		{"an unknown address in spellings", access.Limits{PerAddress: 3, PerNetwork: 100}, func(i int) access.NewSignIn {
			return access.NewSignIn{Email: []string{"No@example.org", "nO@EXAMPLE.org"}[i%2], Network: netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})}
		}},
		{"one IPv4 address", access.Limits{PerAddress: 100, PerNetwork: 3}, func(i int) access.NewSignIn {
			return access.NewSignIn{Email: fmt.Sprintf("a%d@example.org", i), Network: []netip.Addr{home, netip.MustParseAddr("::ffff:203.0.113.7")}[i%2]}
		}},
		{"one IPv6 network", access.Limits{PerAddress: 100, PerNetwork: 3}, func(i int) access.NewSignIn {
			return access.NewSignIn{Email: fmt.Sprintf("a%d@example.org", i), Network: netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2:%d::1", i))}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
				o := newDoor(t, p, p.Open(t), 11, c.limits, "k1")
				o.order(known)
				for range 2 {
					for i := range 3 {
						if _, err := o.Begin(t.Context(), c.ask(i)); err != nil {
							t.Fatalf("request %d: %v", i, err)
						}
					}
					for i := range 3 {
						_, err := o.Begin(t.Context(), c.ask(i+3))
						if f := fault.As(err); f == nil || f.Code != "sign-in-limit" || f.Kind != fault.Limited || f.Detail != "Too many sign-in links were asked for. Wait 16 minutes." {
							t.Fatalf("%v", err)
						}
					}
					o.p.Clock.Advance(15 * time.Minute)
				}
				if _, err := o.Begin(t.Context(), access.NewSignIn{Email: "other@example.org", Network: netip.MustParseAddr("2001:db8:9::1")}); err != nil {
					t.Errorf("somebody else: %v", err)
				}
			})
		})
	}
}

// A letter whose link is too old by the time it could go, or whose row is gone, is not sent.
func TestLateLetters(t *testing.T) {
	doors(t, func(o *door) {
		_, err := o.Begin(t.Context(), access.NewSignIn{Email: known, Network: home})
		must(t, err)
		o.p.Clock.Advance(15 * time.Minute)
		must(t, o.due.RunUntilIdle(t.Context()))
		store, err := o.SendDue(t.Context(), []jobs.Due{{Subject: "sin_0"}})
		must(t, err)
		must(t, o.d.Write(t.Context(), func(tx *db.Tx) error { return store(t.Context(), tx) }))
		if len(o.mail) != 0 {
			t.Errorf("%d letters", len(o.mail))
		}
	})
}
