package access_test

import (
	"fmt"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db/dbtest"

	"pgregory.net/rapid"
)

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
