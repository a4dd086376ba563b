package access_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"

	"pgregory.net/rapid"
)

// door is a platform's sign-in with a mailbox.
type door struct {
	t     *testing.T
	p     *dbtest.Place
	d     *db.DB
	vault *vault.Vault
	desk  *buyers.Desk
	*access.SignIns
	due    *jobs.Scanner
	mail   []access.Letter
	orders int
}

var home = netip.MustParseAddr("203.0.113.7")

const known = "sanne@example.org"

func doors(t *testing.T, f func(o *door)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		o := newDoor(t, p, p.Open(t), 11, access.StandardLimits(), "k1")
		o.order(known)
		f(o)
	})
}

func newDoor(t *testing.T, p *dbtest.Place, d *db.DB, seed uint64, limits access.Limits, keys ...string) *door {
	t.Helper()
	v := masters(t, keys...)
	o := &door{t: t, p: p, d: d, vault: v, desk: buyers.NewDesk(v, dbtest.Chance(seed+100))}
	o.SignIns = access.NewSignIns(d, v, o.desk, dbtest.Chance(seed), limits, func(_ context.Context, l access.Letter) (jobs.Finish, error) {
		return func(_ context.Context, tx *db.Tx) error {
			o.mail = append(o.mail, l)
			return nil
		}, nil
	})
	o.due = jobs.NewScanner(d, dbtest.Chance(12), nil)
	o.due.OnReady(access.DueSendLink, 100, o.SendDue)
	return o
}

// order makes an address known.
func (o *door) order(email string) {
	o.t.Helper()
	o.orders++
	b := buyers.Buyer{Kind: buyers.Consumer, Email: email, Language: "nl", Name: buyers.Name{First: "Sanne", Last: fmt.Sprint("Vries", o.orders)},
		BirthDate: calendar.NewDate(1990, 5, 1), Address: buyers.Address{Street: "Plein", HouseNumber: "1", Postcode: "1234 AB", City: "Voorbeeld", Country: "NL"}}
	if wrong := b.Check("#/buyer", calendar.NewDate(2026, 11, 22)); len(wrong) > 0 {
		o.t.Fatal(wrong)
	}
	ctx := o.t.Context()
	must(o.t, o.d.Write(ctx, func(tx *db.Tx) error {
		s, err := o.desk.Open(ctx, tx, []*buyers.Buyer{&b})
		if err != nil {
			return err
		}
		if _, _, err := s.Keep(0, buyers.Attempt{ID: tx.ID("att_"), Merchant: "mer_1", Order: tx.ID("ord_"), Cents: 100}); err != nil {
			return err
		}
		return s.Flush(ctx)
	}))
}

// begin asks for a link and returns the answer and the letter, an empty one when none came.
func (o *door) begin(email, browser string) (access.Pending, access.Letter) {
	o.t.Helper()
	o.mail = nil
	p, err := o.Begin(o.t.Context(), access.NewSignIn{Email: email, Language: "nl", Network: home, Browser: browser})
	must(o.t, err)
	must(o.t, o.due.RunUntilIdle(o.t.Context()))
	if len(o.mail) > 1 {
		o.t.Fatalf("%d letters", len(o.mail))
	}
	if len(o.mail) == 0 {
		return p, access.Letter{}
	}
	return p, o.mail[0]
}

func (o *door) finish(p access.Proof) (access.NewSession, error) { return o.Finish(o.t.Context(), p) }

func (o *door) visitor(cookie string) (v access.Visitor, err error) {
	o.t.Helper()
	err = o.d.Read(o.t.Context(), func(tx *db.Tx) (err error) {
		v, err = o.Visitor(o.t.Context(), tx, cookie)
		return err
	})
	return v, err
}

// in signs an address in.
func (o *door) in(email string) access.NewSession {
	o.t.Helper()
	p, l := o.begin(email, "")
	s, err := o.finish(access.Proof{Token: l.Token, Browser: p.Browser, Device: "Firefox, Linux"})
	must(o.t, err)
	return s
}

func code(err error) string {
	if f := fault.As(err); f != nil {
		return f.Code
	}
	return fmt.Sprint(err)
}

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

// Neither an address, a link, a code, a cookie nor a network address can be read in the tables.
func TestNothingStandsInTheClear(t *testing.T) {
	doors(t, func(o *door) {
		p, err := o.Begin(t.Context(), access.NewSignIn{Email: known, Language: "nl", Network: home})
		must(t, err)
		early := o.dump()
		must(t, o.due.RunUntilIdle(t.Context()))
		l := o.mail[0]
		s, err := o.finish(access.Proof{Token: l.Token, Browser: p.Browser, Device: "Firefox, Linux"})
		must(t, err)
		late := o.dump()
		for _, secret := range []string{known, "sanne", "example.org", l.Token[21:], l.Code, p.Browser[21:], s.Cookie, home.String(), "Firefox"} {
			if strings.Contains(strings.ToLower(early+late), strings.ToLower(secret)) {
				t.Errorf("%q can be read", secret)
			}
		}
		if !strings.Contains(late, l.SignIn) {
			t.Error("the dump shows nothing")
		}
		must(t, o.d.Read(t.Context(), func(tx *db.Tx) error {
			var n int
			must(t, tx.QueryRow(t.Context(), `select count(*) from signins where letter is not null`, nil, &n))
			if n != 0 {
				t.Errorf("%d letters are kept", n)
			}
			return nil
		}))
	})
}

// dump shows every column that sign-in writes, as the engine keeps it.
func (o *door) dump() string {
	o.t.Helper()
	var b strings.Builder
	add := func(sql string, text, raw int) {
		must(o.t, o.d.Read(o.t.Context(), func(tx *db.Tx) error {
			return tx.Each(o.t.Context(), sql, nil, func(r db.Row) error {
				words, bytes := make([]string, text), make([][]byte, raw)
				var dest []any
				for i := range words {
					dest = append(dest, &words[i])
				}
				for i := range bytes {
					dest = append(dest, &bytes[i])
				}
				err := r.Scan(dest...)
				fmt.Fprintln(&b, words, fmt.Sprintf("%s", bytes))
				return err
			})
		}))
	}
	add(`select id, key_id, handle_hash, token_hash, browser_hash, code_hash, letter from signins`, 2, 5)
	add(`select id, hash, device from sessions`, 1, 2)
	add(`select kind, session_hash, hash from session_handles`, 1, 2)
	add(`select what, hash from knocks`, 1, 1)
	add(`select kind, merchant_id, subject from due`, 3, 0)
	add(`select actor, act, subject, reason from audit`, 4, 0)
	return b.String()
}

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

// TestSignInModel lets several browsers ask, look, guess, use and wait at random, and holds every answer against a
// plain model: at most one session for each link, none without its proof.
func TestSignInModel_S_APP_02(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		o := newDoor(t, p, p.Open(t), 11, access.Limits{PerAddress: 1000, PerNetwork: 1_000_000}, "k1")
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			email := fmt.Sprintf("a%d@example.org", run)
			o.order(email)
			type link struct {
				access.Letter
				browser       int
				tries         int
				used, expired bool
			}
			var links []*link
			browsers := make([]string, 2)
			born := map[*link]calendar.Instant{}
			for range rapid.IntRange(3, 12).Draw(rt, "steps") {
				if len(links) == 0 || rapid.IntRange(0, 3).Draw(rt, "act") == 0 {
					b := rapid.IntRange(0, 1).Draw(rt, "browser")
					pending, l := o.begin(email, browsers[b])
					browsers[b] = pending.Browser
					n := &link{Letter: l, browser: b}
					links = append(links, n)
					born[n] = o.p.Clock.Now()
					continue
				}
				o.p.Clock.Advance(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 9}).Draw(rt, "minutes")) * time.Minute)
				l := rapid.SampledFrom(links).Draw(rt, "link")
				b := rapid.IntRange(0, 2).Draw(rt, "where")
				proof := access.Proof{Token: l.Token, Code: rapid.SampledFrom([]string{"", l.Code, "WRONG222"}).Draw(rt, "code")}
				if b < 2 {
					proof.Browser = browsers[b]
				}
				want := "<nil>"
				switch {
				case l.used:
					want = "sign-in-used"
				case l.tries >= 5:
					want = "sign-in-dead"
				case o.p.Clock.Now().Sub(born[l]) >= 15*time.Minute:
					want = "sign-in-expired"
				case b == l.browser:
				case proof.Code == "":
					want = "sign-in-code"
				default:
					l.tries++
					if proof.Code != l.Code {
						want = "sign-in-code"
						if l.tries == 5 {
							want = "sign-in-dead"
						}
					}
				}
				s, err := o.finish(proof)
				if got := code(err); got != want {
					rt.Fatalf("%s, want %s", got, want)
				}
				if want != "<nil>" {
					continue
				}
				if _, err := o.visitor(s.Cookie); err != nil {
					rt.Fatal(err)
				}
				for _, x := range links {
					x.used = true
				}
			}
		})
	})
}
