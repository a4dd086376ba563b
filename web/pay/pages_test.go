package pay_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"achteraf/internal/db/dbtest"
	"achteraf/internal/ident"
	"achteraf/invoices"
	"achteraf/platform"
	"achteraf/web/pagetest"
)

// TestBrowserPayPage: the page in its states and languages, and the one that waits for the bank, in a browser.
func TestBrowserPayPage(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"), true)
	open, belgian, held, credited, failed, paid, waits := w.sell("NL"), w.sell("BE"), w.sell("NL"), w.sell("NL"), w.sell("NL"), w.sell("NL"), w.sell("NL")
	w.days(3)
	w.hold(held, invoices.Hold{Kind: "dispute"})
	w.credit(credited, 89_90)
	w.choose(w.press(failed, "8990").Header().Get("Location"), "fail")
	w.choose(w.press(paid, "8990").Header().Get("Location"), "molen")
	w.get(paid.path + "/return")
	w.press(waits, "8990")
	planned := w.sell("NL")
	b := pagetest.Open(t, w.Handler())
	b.Check(open.path+"?lang=nl", belgian.path+"?lang=fr", open.path+"?lang=de", planned.path+"?lang=en", held.path+"?lang=nl", credited.path+"?lang=nl",
		failed.path+"/return?lang=nl", paid.path+"/return?lang=de", waits.path+"/return?lang=fr")
	w.days(17)
	b.Check(open.path + "?lang=fr")
}

// TestBrowserWaiting_S_PAY_04: the page that waits for the bank shows how it ended without being read again, also when the
// bank tells it late; without script its link does.
func TestBrowserWaiting_S_PAY_04(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"), true)
	o := w.sell("NL")
	w.days(3)
	checkout := w.press(o, "8990").Header().Get("Location")
	b := pagetest.Open(t, w.Handler())
	b.Visit(o.path+"/return?lang=nl", 390)
	b.Until(`document.body.innerText.includes("kijkt zelf")`)
	pagetest.Read[bool](b, `document.querySelector("main a").focus(), window.same = true`)
	w.choose(checkout, "fail")
	b.Until(`document.querySelector("h1").innerText === "Er is niet betaald"`)
	if !pagetest.Read[bool](b, `window.same && document.title.includes("niet betaald") && !document.querySelector("[data-again]") && document.activeElement.tagName === "H1"`) {
		t.Error("the page was read again, its title is old, or the focus is lost")
	}
	checkout = w.press(o, "8990").Header().Get("Location")
	b.NoScript(true)
	b.Visit(o.path+"/return?lang=nl", 390)
	if pagetest.Read[bool](b, `document.body.innerText.includes("kijkt zelf")`) {
		t.Error("it promises what it cannot do")
	}
	w.choose(checkout, "molen")
	b.Click("main a")
	b.Until(`document.querySelector("h1").innerText === "Je betaling is binnen"`)
	for _, c := range b.Complaints() {
		t.Error(c)
	}
}

// TestBrowserCopy_S_PAY_08_S_RULE_11: a press on a button copies exactly what a bank's form takes.
func TestBrowserCopy_S_PAY_08_S_RULE_11(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"), true)
	o, belgian := w.sell("NL"), w.sell("BE")
	w.days(3)
	b := pagetest.Open(t, w.Handler())
	b.Clipboard()
	for _, c := range []struct {
		path string
		want []string
	}{
		{o.path + "?lang=nl", []string{"89,90", operator.ClientIBAN, operator.AccountName, o.Order.PaymentReference}},
		{belgian.path + "?lang=en", []string{"89.90", operator.ClientIBAN, operator.AccountName, ident.PrintOGM(belgian.Order.PaymentReference)}},
	} {
		b.Visit(c.path, 390)
		for n, want := range c.want {
			b.Click(fmt.Sprintf(".copy:nth-child(%d) button", n+1))
			b.Until(fmt.Sprintf(`document.querySelectorAll(".copy button")[%d].innerText !== document.querySelector("[data-copy]").dataset.copy`, n))
			if got := pagetest.Read[string](b, `navigator.clipboard.readText()`); got != want {
				t.Errorf("%s copies %q, want %q", c.path, got, want)
			}
		}
	}
	b.NoScript(true)
	b.Visit(o.path, 390)
	if pagetest.Read[bool](b, `!!document.querySelector(".copy button")`) || !pagetest.Read[bool](b, `getComputedStyle(document.querySelector(".copy dd")).userSelect === "all"`) {
		t.Error("without script a click has to select the value whole")
	}
	for _, complaint := range b.Complaints() {
		t.Error(complaint)
	}
}

var signInCode = regexp.MustCompile("[2-9A-Z]{4}\u00a0[2-9A-Z]{4}")

// TestBrowserKeyboard goes from the sign-in to a paid bill with Tab and Enter alone: everything that has the focus can be
// seen, in the order of reading. With and without scripts, on the narrowest screen and on a desk.
func TestBrowserKeyboard(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"), true, func(c *platform.Config) { c.Demo = true }) // whose cookies need no TLS
	b := pagetest.At(t, w.url)
	for n, c := range []struct {
		width    int64
		noScript bool
	}{{320, true}, {1280, false}} {
		o := w.sell("NL")
		w.days(3)
		b.NoScript(c.noScript)
		b.Visit("/my/me?lang=nl", c.width)
		if n > 0 { // whoever is there signs out first
			b.TabTo("Uitloggen")
			b.Enter()
		}
		b.TabTo("E-mailadres")
		b.Type(fmt.Sprintf("sanne%d@example.org", n+1))
		b.Enter()
		w.must(w.Settle(t.Context()))
		mails := w.box.Mails()
		b.TabTo("Code uit het bericht")
		b.Type(strings.ReplaceAll(signInCode.FindString(mails[len(mails)-1].Text), "\u00a0", ""))
		b.Enter()
		b.TabTo("Trailschoenen")
		b.Enter()
		b.TabTo("Betaal € 89,90")
		b.Enter()
		b.TabTo("via je bank")
		b.Enter()
		b.TabTo("Molenbank")
		b.Enter()
		b.Until(`document.querySelector("h1").innerText === "Je betaling is binnen"`)
		if now := w.get(o.path); !strings.Contains(now.body, "Deze rekening is betaald") {
			t.Error("it is not paid")
		}
	}
	for _, complaint := range b.Complaints() {
		t.Error(complaint)
	}
}
