package access_test

import (
	"fmt"
	"strings"
	"testing"

	"achteraf/access"
	"achteraf/internal/db"
)

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
