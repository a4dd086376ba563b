package buyer_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"achteraf/internal/db"
)

// TestOldBills_S_INV_09: a bill of eight years ago is in the list, is found by its number, shop and reference, and opens
// with its documents, however many came after it.
func TestOldBills_S_INV_09(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		old := w.place(sanne, "nl", "Fietstas", 4550)
		w.place(other, "nl", "Braadpan", 3995)
		w.days(3)
		w.pay(old, 4550)
		var number, reference string
		w.read(func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), `select v.number, o.payment_reference from orders o join invoices v on v.order_id = o.id where o.id = $1`, []any{old.ID}, &number, &reference)
		})
		w.days(8 * 365)
		for n := range 30 { // more than the overview shows, and more than one page
			w.place(sanne, "nl", fmt.Sprint("Potlood nr. ", n), 100)
			if n%15 == 14 {
				w.days(1)
			}
		}
		b := w.browser().in(sanne)
		b.get("/my").wants(t, http.StatusOK, "Bekijk alle 31 en zoek")
		first := b.get("/my/bills")
		first.wants(t, http.StatusOK, "1 tot en met 25 van 31", "Potlood nr. 29", "Oudere")
		second := b.get("/my/bills?page=2")
		second.wants(t, http.StatusOK, "26 tot en met 31 van 31", "Fietstas", "Nieuwere")
		if strings.Contains(first.text, "Fietstas") || strings.Contains(second.text, "Braadpan") {
			t.Error("a bill on the wrong page, or of somebody else")
		}
		for _, q := range []string{number, reference, "fietstas+loopschuur"} {
			found := b.get("/my/bills?q=" + q)
			found.wants(t, http.StatusOK, "Fietstas")
			if !strings.Contains(found.raw, "/my/orders/"+old.ID) || q != "fietstas+loopschuur" && strings.Contains(found.text, "Potlood") {
				t.Errorf("%q finds %s", q, found.text)
			}
		}
		at := "/my/orders/" + old.ID
		b.get(at).wants(t, http.StatusOK, "Fietstas", number, "Betaald op")
		for _, name := range []string{"invoice.pdf", "invoice.html"} {
			if a := b.get(at + "/papers/" + name); a.status != http.StatusOK || len(a.raw) < 1000 {
				t.Errorf("%s: %d", name, a.status)
			}
		}
		if a := w.browser().get("/my/bills"); a.status != http.StatusSeeOther {
			t.Errorf("not signed in: %d", a.status)
		}
	})
}

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

// TestDevices: the list of sign-ins, ending one, ending all others.
func TestDevices(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "nl", "Trailschoenen", 8990)
		w.place(other, "nl", "Braadpan", 3995)
		phone, desk, third, stranger := w.browser().in(sanne), w.browser().in(sanne), w.browser().in(sanne), w.browser().in(other)
		a := desk.get("/my/me")
		a.wants(t, http.StatusOK, "Waar je bent ingelogd", "dit apparaat", "Overal elders uitloggen", "Ingelogd op")
		ids := regexp.MustCompile(`name="session" value="(ses_\w+)"`).FindAllStringSubmatch(a.raw, -1)
		if len(ids) != 2 {
			t.Fatalf("%d others", len(ids))
		}
		stranger.post("/my/me/end", "session", ids[0][1]).wants(t, http.StatusSeeOther)
		for _, b := range []*browser{phone, third} {
			b.get("/my").wants(t, http.StatusOK, "Trailschoenen")
		}
		if a := desk.post("/my/me/end", "session", ids[0][1]); a.status != http.StatusSeeOther || a.to != "/my/me" {
			t.Errorf("%d %s", a.status, a.to)
		}
		desk.post("/my/me/end", "session", ids[0][1]).wants(t, http.StatusSeeOther)
		in := 0
		for _, b := range []*browser{phone, third} {
			if strings.Contains(b.get("/my").text, "Trailschoenen") {
				in++
			}
		}
		if in != 1 {
			t.Errorf("%d of two are signed in", in)
		}
		desk.post("/my/me/end-all").wants(t, http.StatusSeeOther)
		for _, b := range []*browser{phone, third} {
			b.get("/my/me").wants(t, http.StatusSeeOther)
		}
		desk.get("/my").wants(t, http.StatusOK, "Trailschoenen")
		stranger.get("/my").wants(t, http.StatusOK, "Braadpan")
		if a := phone.post("/my/me/end-all"); a.status != http.StatusSeeOther || a.to != "/my" {
			t.Errorf("not signed in: %d", a.status)
		}
	})
}

// TestHelp_S_RULE_02_S_PAY_07: the help names the few seconds in which an order is there, the days of a transfer, why there
// are no cards, and how to reach the shop; also to who is not signed in, without the shop.
func TestHelp_S_RULE_02_S_PAY_07(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "nl", "Trailschoenen", 8990)
		b := w.browser().in(sanne)
		b.get("/my/help").wants(t, http.StatusOK, "binnen 5 seconden", "2 werkdagen", "Een kaart kost geld", "Loopschuur", "service@winkel.example", "@betaalhuis.example")
		a := w.browser().get("/my/help")
		a.wants(t, http.StatusOK, "binnen 5 seconden", operator.Email)
		if strings.Contains(a.text, "Loopschuur") || strings.Contains(a.raw, "/my/messages") {
			t.Error("it shows what belongs to somebody")
		}
	})
}

// TestNewDeviceIsTold: somebody who signs in on a device that was not known is told by mail, at the address that they proved, in
// the language of their orders, with the way to end it. The first sign-in, and one on a known device, say nothing.
func TestNewDeviceIsTold(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "fr", "Trailschoenen", 8990)
		w.settle()
		on := func(agent string) int {
			before := len(w.box.Mails())
			b := w.browser()
			b.agent = agent
			b.in(sanne)
			w.settle()
			return len(w.box.Mails()) - before - 1 // the sign-in link
		}
		const desk, phone = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Mozilla/5.0 (iPhone) Safari/600"
		if got := []int{on(desk), on(desk), on(phone), on(phone), on(desk)}; fmt.Sprint(got) != "[0 0 1 0 0]" {
			t.Fatalf("mails for each sign-in: %v", got)
		}
		for _, m := range w.box.Mails() {
			if !strings.Contains(m.Subject, "Nouvel appareil") {
				continue
			}
			if m.To != sanne || !strings.Contains(m.Text, "Safari, iPhone") || !strings.Contains(m.Text, home+"/my/me") {
				t.Errorf("%s\n%s", m.To, m.Text)
			}
			return
		}
		t.Error("no mail")
	})
}
