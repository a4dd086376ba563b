package buyer_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"achteraf/access"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/words"
	"achteraf/web/pagetest"
)

// TestBrowserBuyer_S_INV_10 opens every page as somebody who is signed in, and those of the sign-in as somebody who is not. An
// invoice was asked for by mail in one of them, and can be in others.
func TestBrowserBuyer_S_INV_10(t *testing.T) {
	w := newWorld(t, dbtest.New(t, "sqlite"))
	done := w.place(sanne, "nl", "Schriften, set van 5", 1875)
	credited := w.place(sanne, "nl", "Merinowol, 6 bollen, in een kleur die een heel lange naam heeft", 3120)
	w.days(3)
	w.pay(done, 1875)
	w.credit(credited, 1000)
	w.days(6)
	open := w.place(sanne, "nl", "Trailschoenen en sokken", 8990)
	held := w.place(sanne, "nl", "Vetplant", 2450)
	w.days(3)
	w.hold(held, "return")
	w.settle()
	w.browser().in(sanne) // on another device
	planned := w.place(sanne, "nl", "Staande lamp Dageraad", 14900)
	b := w.browser().in(sanne)
	session := b.cookies[access.SessionCookie]
	b.post("/my/orders/" + open.ID + "/mail")
	letters := regexp.MustCompile(`/my/messages/msg_\w+`).FindAllString(b.get("/my/messages").raw, -1)
	asked := w.browser()
	link, _ := asked.ask(sanne)
	waiting := asked.cookies[access.BrowserCookie]

	// A browser before a test server has no TLS, so it would not keep the cookies: they are put in on the way.
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		as := session
		if r.URL.Query().Has("out") || strings.HasPrefix(r.URL.Path, "/my/code") || strings.HasPrefix(r.URL.Path, "/my/link") {
			as = waiting
		}
		r.AddCookie(&http.Cookie{Name: as.Name, Value: as.Value})
		w.Handler().ServeHTTP(rw, r)
	})
	site := pagetest.Open(t, handler)
	var paths, narrow []string
	for _, l := range words.Langs() {
		lang := "lang=" + string(l)
		paths = append(paths, "/my?"+lang, "/my/orders/"+credited.ID+"?"+lang)
		narrow = append(narrow, "/my?out&"+lang, "/my/orders/"+open.ID+"?"+lang)
	}
	paths = append(paths, "/my?out&lang=de", "/my/code?lang=fr", strings.Split(link, "?")[0]+"?lang=nl", "/my/orders/"+planned.ID+"?lang=de", "/my/orders/"+open.ID, "/my/orders/"+held.ID, "/my/orders/"+done.ID)
	site.Check(paths...)
	site = pagetest.Open(t, handler) // the first has had its time
	site.CheckNarrow(narrow...)
	site.Check("/my/bills?lang=nl", "/my/messages?lang=fr", "/my/help?lang=de", "/my/me?lang=de", letters[0], "/my/bills?q=xyz&lang=en")
	for _, l := range words.Langs() {
		lang := "lang=" + string(l)
		site.CheckNarrow("/my/bills?"+lang, "/my/messages?"+lang, "/my/help?"+lang, "/my/help?out&"+lang, "/my/me?"+lang, letters[0]+"?"+lang)
	}
}
