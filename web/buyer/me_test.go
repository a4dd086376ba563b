package buyer_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

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
		// The order is of before a rotation of the master key; its buyer is known after it all the same.
		w.open(w.DB, "second qLsS8nTWTZ2Iu9nUuC5uXEpQb4xTn0m3Gv7Wc1dYh9E=\n"+worldKey)
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
