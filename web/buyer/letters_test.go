package buyer_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
)

// TestLetters: a buyer reads again what was mailed to the address that they proved, and nothing else; what is not
// there did not come from us.
func TestLetters(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		mine := w.place(sanne, "nl", "Trailschoenen", 8990)
		w.place(other, "nl", "Braadpan", 3995)
		w.days(3)
		w.pay(mine, 8990)
		b, stranger := w.browser().in(sanne), w.browser().in(other)
		list := b.get("/my/messages")
		list.wants(t, http.StatusOK, "Bevestiging van je bestelling", "Rekening", "Betaling ontvangen", "Loopschuur · Trailschoenen", "verzonden",
			"eindigt op @betaalhuis.example")
		if strings.Contains(list.text, "Braadpan") || strings.Contains(list.text, "onderweg") {
			t.Errorf("%s", list.text)
		}
		ids := regexp.MustCompile(`/my/messages/(msg_\w+)`).FindAllStringSubmatch(list.raw, -1)
		if len(ids) != 3 {
			t.Fatalf("%d messages", len(ids))
		}
		mails := w.box.Mails()
		for _, id := range ids {
			a := b.get(id[0])
			a.wants(t, http.StatusOK, sanne, "Wat erin stond", "Naar de bestelling")
			sent := 0
			for _, m := range mails {
				if m.To == sanne && strings.Contains(a.text, strings.Join(strings.Fields(m.Text), " ")) && strings.Contains(a.text, strings.Join(strings.Fields(m.Subject), " ")) {
					sent++
				}
			}
			if sent != 1 {
				t.Errorf("the page shows what was sent %d times: %s", sent, a.text)
			}
			if a := stranger.get(id[0]); a.status != http.StatusNotFound {
				t.Errorf("somebody else reads it: %d", a.status)
			}
		}
		signIn := ""
		w.read(func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), `select max(id) from messages where code = 'sign-in'`, nil, &signIn)
		})
		for _, id := range []string{signIn, "msg_0", "%27"} {
			if a := b.get("/my/messages/" + id); a.status != http.StatusNotFound {
				t.Errorf("%s: %d", id, a.status)
			}
		}
		if a := w.browser().get("/my/messages/" + ids[0][1]); a.status != http.StatusSeeOther {
			t.Errorf("not signed in: %d", a.status)
		}
	})
}

// TestLettersOfAWrongAddress: once an address was corrected, the right one sees the order and what it was sent, and not
// what went to the wrong one; the wrong one sees nothing any more.
func TestLettersOfAWrongAddress(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place(other, "nl", "Trailschoenen", 8990)
		w.place(other, "nl", "Braadpan", 3995)
		w.settle()
		stranger := w.browser().in(other)
		first := regexp.MustCompile(`/my/messages/msg_\w+`).FindAllString(stranger.get("/my/messages").raw, -1)
		w.write(func(tx *db.Tx) error {
			return w.Clerk.Correct(t.Context(), tx, w.shop, o.ID, buyers.Buyer{Kind: buyers.Consumer, Email: sanne, Language: "nl",
				Name: buyers.Name{First: "Jo", Last: "Koper"}, BirthDate: calendar.NewDate(1985, 3, 1),
				Address: buyers.Address{Street: "Dorpsstraat", HouseNumber: "1", Postcode: "1234 AB", City: "Voorbeeld", Country: "NL"}}, "usr_1", "typo")
		})
		w.days(3)
		right := w.browser().in(sanne)
		a := right.get("/my/messages")
		a.wants(t, http.StatusOK, "Rekening", "Loopschuur · Trailschoenen")
		if strings.Contains(a.text, "Bevestiging") || strings.Contains(a.text, "Braadpan") {
			t.Errorf("the right address sees %s", a.text)
		}
		for _, path := range first {
			right.get(path).wants(t, http.StatusNotFound)
		}
		if a := stranger.get("/my/messages"); strings.Contains(a.text, "Trailschoenen") || !strings.Contains(a.text, "Braadpan") {
			t.Errorf("the wrong address sees %s", a.text)
		}
	})
}
