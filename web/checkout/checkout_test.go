package checkout_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
)

// TestOrder_S_CHK_01_S_VAL_02: a buyer fills in the form and orders without paying anything; the order keeps the words
// on the button, when it was pressed, and which terms were shown.
func TestOrder_S_CHK_01_S_VAL_02(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for _, c := range []struct{ lang, button string }{{"nl", "Bestelling met betalingsverplichting"}, {"fr", "Commande avec obligation de paiement"},
			{"en", "Order with obligation to pay"}, {"de", "Zahlungspflichtig bestellen"}} {
			o := w.open("lampen", 89_90)
			page := w.get(o.path + "?lang=" + c.lang)
			has(t, page, ">"+c.button+"</button>", "Lichtboerderij", "Staande lamp Dageraad", "89", "https://shop.example/voorwaarden", "2026-01", "autocomplete=\"given-name\"")
			a := w.ask(http.MethodPost, o.path+"?lang="+c.lang, sanne("email", c.lang+"@example.org", "last", "Van "+c.lang, "house", fmt.Sprint(20+w.n)))
			result := w.result(a)
			has(t, result, o.reference, html.EscapeString(toSuccess), "/my")
			if result.Code != http.StatusOK {
				t.Errorf("the result is %d", result.Code)
			}
			all := w.orders(o)
			if len(all) != 1 {
				t.Fatalf("%d orders", len(all))
			}
			placed := all[0]
			if placed.AcceptedText != c.button || placed.AcceptedAt.IsZero() || placed.TermsVersion != "2026-01" || placed.Language != c.lang || placed.TotalCents != 89_90 {
				t.Errorf("%+v", placed)
			}
			if v := w.invoiceOf(placed); v.OpenCents != 89_90 || v.PaidCents != 0 {
				t.Errorf("%+v", v)
			}
			if s := w.status(o); s.Status != "accepted" || s.OrderID == nil || *s.OrderID != placed.ID || s.EndedAt == nil {
				t.Errorf("%+v", s)
			}
			w.read(func(ctx context.Context, tx *db.Tx) error {
				all, err := w.Desk.Identities(ctx, tx, placed.Merchant, placed.Attempt)
				if err != nil {
					return err
				}
				b := all[0].Buyer
				if b.IP != "203.0.113.9" || b.Address.HouseNumberSuffix != "B" || b.Address.Postcode != "1234AB" || b.BirthDate != calendar.NewDate(1990, 5, 1) {
					t.Errorf("%+v", b)
				}
				return nil
			})
			w.forgotten(o)
		}
	})
}

// forgotten holds that nothing of the buyer or the basket is kept with an ended checkout.
func (w *world) forgotten(o opened) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *db.Tx) error {
		var kept int
		err := tx.QueryRow(ctx, `select count(*) from checkouts where id = $1 and (draft is not null or buyer is not null)`, []any{o.id}, &kept)
		if kept != 0 {
			w.t.Error("the draft or the buyer is still there")
		}
		return err
	})
}

// decisions is how many attempts were decided on at all.
func (w *world) decisions() (n int) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from decisions`, nil, &n)
	})
	return n
}

// TestFieldErrors_S_CHK_14: a missing house number gives a message beside the field, with what was typed kept, and is
// neither a refusal nor an attempt.
func TestFieldErrors_S_CHK_14(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("lampen", 89_90)
		for _, c := range []struct {
			field, value string
			id           string
		}{
			{"house", "", "house"}, {"house", "abc", "house"}, {"first", "", "first"}, {"last", strings.Repeat("a", 201), "last"}, {"email", "sanne@", "email"},
			{"birth", "31-4-1990", "birth"}, {"birth", "", "birth"}, {"birth", "1-5-2190", "birth"}, {"birth", "1-5-1790", "birth"}, {"phone", "12", "phone"},
			{"postcode", "1000", "postcode"}, {"country", "BE", "postcode"}, {"city", "", "city"}, {"street", "", "street"}, {"first", "a\x01b", "first"},
		} {
			a := w.press(o, c.field, c.value)
			if a.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s=%q answers %d", c.field, c.value, a.Code)
				continue
			}
			has(t, a, `role="alert"`, `href="#`+c.id+`"`, `id="`+c.id+`-error"`, `aria-invalid="true"`, `value="Dorpsstraat"`[:7])
			if c.field != "first" {
				has(t, a, `value="Sanne"`)
			}
		}
		two := w.press(o, "birth", "gisteren", "house", "")
		has(t, two, `href="#birth"`, `href="#house"`, `value="gisteren"`)
		if n := w.decisions(); n != 0 {
			t.Errorf("%d decisions", n)
		}
		if s := w.status(o); s.Status != "open" {
			t.Errorf("%+v", s)
		}
		w.result(w.press(o))
		if s := w.status(o); s.Status != "accepted" {
			t.Errorf("after all that: %+v", s)
		}
	})
}

// TestDeclined_S_CHK_05: who is not accepted reads why in their own words, goes back to the shop's own address for
// another way to pay, and the shop learns no more than the class. The same order can then be offered again.
func TestDeclined_S_CHK_05(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("lampen", 800_00)
		page := w.result(w.press(o, "birth", "1-5-2012"))
		has(t, page, "Je moet 18 jaar of ouder zijn", "750,00", "Anders betalen", "nog 2 keer", "service@betaalhuis.example", "att_")
		if s := w.status(o); s.Status != "declined" || s.OrderID != nil || s.EndedAt != nil {
			t.Errorf("%+v", s)
		}
		if a := w.call(http.MethodGet, "/v1/checkouts/"+o.id, o.shop, ""); strings.Contains(a.body, "age") || strings.Contains(a.body, "limit") {
			t.Errorf("the shop learns %s", a.body)
		}
		if len(w.orders(o)) != 0 {
			t.Error("there is an order")
		}
		left := w.ask(http.MethodPost, o.path+"/leave", nil)
		if left.Code != http.StatusSeeOther || left.to() != toFailure {
			t.Errorf("%d to %s", left.Code, left.to())
		}
		if s := w.status(o); s.Status != "declined" || s.EndedAt == nil {
			t.Errorf("%+v", s)
		}
		w.forgotten(o)
		w.result(w.press(o, "attempt", "2")) // from a tab that was left open
		if s := w.status(o); s.Status != "declined" || len(w.orders(o)) != 0 {
			t.Errorf("%+v", s)
		}
		has(t, w.get(o.path), "Hier kun je het niet nog een keer proberen")
		again := w.open("lampen", 100_00, fmt.Sprintf("%q", fmt.Sprint("T-", w.n+1)), fmt.Sprintf("%q", o.reference))
		w.result(w.press(again))
		if s := w.status(again); s.Status != "accepted" {
			t.Errorf("%+v", s)
		}
	})
}

// TestRecordIsNotTold: what is on record about a person is not told to whoever types that person's address.
func TestRecordIsNotTold(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.result(w.press(w.open("lampen", 700_00)))
		o := w.open("lampen", 100_00)
		page := w.result(w.press(o, "first", "Iemand", "last", "Anders", "house", "77", "birth", "1-1-1980"))
		has(t, page, "Er stond iets in de weg dat bij deze gegevens hoort")
		for _, s := range []string{"700", "overdue", "limit", "750"} {
			if strings.Contains(page.body, s) {
				t.Errorf("the page tells %q", s)
			}
		}
	})
}

// TestCorrected: a buyer who was refused for a slip corrects it and is accepted; what was typed is still there.
func TestCorrected(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("lampen", 89_90)
		has(t, w.result(w.press(o, "birth", "1-5-2019")), o.path+"/details")
		has(t, w.get(o.path+"/details"), `value="1-5-2019"`, `value="Dorpsstraat"`, `name="attempt" value="2"`)
		w.result(w.press(o, "attempt", "2"))
		if s := w.status(o); s.Status != "accepted" || len(w.orders(o)) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestAttemptsAreBounded: three decisions and no more; a page that shows an attempt of before makes none.
func TestAttemptsAreBounded(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("lampen", 89_90)
		for n := 1; n <= 5; n++ {
			w.result(w.press(o, "attempt", fmt.Sprint(n), "birth", "1-5-2019"))
			w.result(w.press(o, "attempt", "1"))
			w.result(w.press(o, "attempt", "", "birth", "1-5-2019"))
			if got := w.decisions(); got != min(n, 3) {
				t.Fatalf("after %d: %d decisions", n, got)
			}
		}
		if s := w.status(o); s.Status != "declined" || s.EndedAt == nil {
			t.Errorf("%+v", s)
		}
		if a := w.get(o.path + "/details"); a.Code != http.StatusSeeOther {
			t.Errorf("the form is still there: %d", a.Code)
		}
		w.forgotten(o)
	})
}

// TestCompany_S_B2B_01: a company gives its name and number in the place of a date of birth.
func TestCompany_S_B2B_01(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("keuken", 2_000_00, `"language":"nl"`, `"buyer":{"kind":"company"}`)
		form := w.get(o.path + "?lang=nl")
		has(t, form, `value="company" checked`, "only-company", "only-consumer", "KvK- of ondernemingsnummer")
		a := w.press(o, "kind", "company", "company", "", "number", "12", "birth", "not a date, and not asked for")
		has(t, a, `id="company-error"`, `id="number-error"`)
		if strings.Contains(a.body, `id="birth-error"`) {
			t.Error("a company is asked for a date of birth")
		}
		w.result(w.press(o, "kind", "company", "company", "Voorbeeld & Zonen", "number", "12345678", "birth", "", "first", "", "last", "",
			"email", "inkoop@example.org", "house", "3"))
		all := w.orders(o)
		if len(all) != 1 || all[0].BuyerKind != buyers.Company {
			t.Fatalf("%+v", all)
		}
		other := w.open("lampen", 89_90)
		w.result(w.press(other, "company", "Is not asked for", "number", "x"))
		if all := w.orders(other); len(all) != 1 || all[0].BuyerKind != buyers.Consumer {
			t.Errorf("%+v", all)
		}
	})
}

// TestTwoSubmitsMakeOneOrder: a button pressed twice at the same moment, at two nodes, makes one order.
func TestTwoSubmitsMakeOneOrder(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		nodes := []http.Handler{w.Handler(), w.node().Handler()}
		for round := range 4 {
			o := w.open("lampen", 50_00)
			answers := make([]answered, 6)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() {
					form := sanne("email", fmt.Sprintf("r%d@example.org", round), "last", fmt.Sprintf("Van %d", round), "house", fmt.Sprint(30+round))
					if i%3 == 2 {
						form.Set("first", "Susan") // another tab, with another name
					}
					answers[i] = ask(nodes[i%2], http.MethodPost, o.path, form)
				})
			}
			all.Wait()
			for i, a := range answers {
				if a.Code != http.StatusSeeOther || !strings.HasPrefix(a.to(), o.path) {
					t.Errorf("answer %d: %d %s", i, a.Code, a.to())
				}
			}
			if got := w.orders(o); len(got) != 1 {
				t.Fatalf("%d orders", len(got))
			}
			if s := w.status(o); s.Status != "accepted" {
				t.Errorf("%+v", s)
			}
		}
		if n := w.decisions(); n != 4 {
			t.Errorf("%d decisions", n)
		}
	})
}

// TestOrderThatWasNotMarked: when a process dies after the order is placed and before the checkout is marked, the next
// look, at any node and by buyer or shop, finds the order; also after the time of the checkout is over.
func TestOrderThatWasNotMarked(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for i, look := range []func(o opened){
			func(o opened) {
				has(t, ask(w.node().Handler(), http.MethodGet, o.path, nil), "Je bestelling is geplaatst")
			},
			func(o opened) { w.status(o) },
			func(o opened) { w.result(w.press(o, "first", "Another")) },
			func(o opened) { w.ask(http.MethodPost, o.path+"/leave", nil) },
			func(o opened) {
				w.place.Clock.Advance(2 * time.Hour)
				has(t, w.get(o.path), "Je bestelling is geplaatst")
			},
		} {
			o := w.open("lampen", 50_00)
			var draft, buyer []byte
			w.read(func(ctx context.Context, tx *db.Tx) error {
				return tx.QueryRow(ctx, `select draft, buyer from checkouts where id = $1`, []any{o.id}, &draft, &buyer)
			})
			w.result(w.press(o, "email", fmt.Sprintf("u%d@example.org", i), "last", fmt.Sprintf("Uit %d", i), "house", fmt.Sprint(50+i)))
			w.write(func(ctx context.Context, tx *db.Tx) error { // as it was before it was marked
				_, err := tx.Exec(ctx, `update checkouts set state = 'open', attempts = 0, attempt_id = '', order_id = '', ended_at = null, draft = $2, buyer = $3 where id = $1`, o.id, draft, buyer)
				return err
			})
			look(o)
			if s := w.status(o); s.Status != "accepted" || s.OrderID == nil {
				t.Errorf("%d: %+v", i, s)
			}
			if all := w.orders(o); len(all) != 1 {
				t.Errorf("%d: %d orders", i, len(all))
			}
		}
	})
}

// TestExpires: an hour of wall time, whatever business time does; then nothing can be ordered, and what was known is gone.
func TestExpires(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o, declined := w.open("lampen", 89_90), w.open("lampen", 89_90)
		w.result(w.press(declined, "birth", "1-5-2019"))
		var now calendar.Instant
		w.read(func(_ context.Context, tx *db.Tx) error { now = tx.Now; return nil })
		w.must(w.MoveTo(t.Context(), now.Add(72*time.Hour)))
		if a := w.get(o.path); a.Code != http.StatusOK {
			t.Fatalf("business time ends it: %d", a.Code)
		}
		w.place.Clock.Advance(checkout.Life)
		a := w.get(o.path)
		has(t, a, "Deze betaalpagina is verlopen", html.EscapeString(toCancel))
		if a.Code != http.StatusGone {
			t.Errorf("%d", a.Code)
		}
		if r := w.result(w.press(o)); r.Code != http.StatusGone {
			t.Errorf("%d", r.Code)
		}
		if s := w.status(o); s.Status != "expired" || s.EndedAt == nil {
			t.Errorf("%+v", s)
		}
		if s := w.status(declined); s.Status != "declined" || s.EndedAt == nil {
			t.Errorf("%+v", s)
		}
		if n := w.decisions(); n != 1 {
			t.Errorf("%d decisions", n)
		}
	})
}

// TestUnknownTokens: what leads to no checkout is a page that says so, and tells no two of them apart.
func TestUnknownTokens(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("lampen", 89_90)
		wrong := o.path[:len(o.path)-1] + "_"
		if wrong == o.path {
			wrong = o.path[:len(o.path)-1] + "A"
		}
		bodies := map[string]bool{}
		for _, path := range []string{wrong, "/checkout/" + strings.Repeat("a", 63), "/checkout/x", "/checkout/" + strings.Repeat("a", 5000), "/checkout/%00" + strings.Repeat("a", 62),
			"/checkout/%ff%fe", "/checkout/" + o.id} {
			a := w.get(path + "?lang=nl")
			if a.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, a.Code)
			}
			_, main, _ := strings.Cut(a.body, "<main")
			bodies[main] = true
			for _, below := range []string{"", "/leave"} {
				if p := w.ask(http.MethodPost, path+below, sanne()); p.Code != http.StatusNotFound {
					t.Errorf("POST %s: %d", path+below, p.Code)
				}
			}
		}
		if len(bodies) != 1 {
			t.Errorf("%d different pages", len(bodies))
		}
		if s := w.status(o); s.Status != "open" {
			t.Errorf("%+v", s)
		}
	})
}

// TestLeave: a buyer who leaves goes to the shop's address as it was given, and the page is over.
func TestLeave(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("lampen", 89_90)
		has(t, w.get(o.path), html.EscapeString(toBack))
		for range 2 {
			if a := w.ask(http.MethodPost, o.path+"/leave", nil); a.Code != http.StatusSeeOther || a.to() != toCancel {
				t.Errorf("%d to %s", a.Code, a.to())
			}
		}
		if r := w.result(w.press(o)); r.Code != http.StatusGone || len(w.orders(o)) != 0 {
			t.Errorf("%d", r.Code)
		}
		if s := w.status(o); s.Status != "cancelled" {
			t.Errorf("%+v", s)
		}
		done := w.open("lampen", 89_90)
		w.result(w.press(done))
		has(t, w.result(w.ask(http.MethodPost, done.path+"/leave", nil)), "Je bestelling is geplaatst")

		none := w.open("lampen", 89_90, fmt.Sprintf(`,"failure":%q,"cancel":%q,"back":%q`, toFailure, toCancel, toBack), "")
		if a := w.get(none.path); strings.Contains(a.body, "thanks") {
			t.Error("the page of success is offered to who has not ordered")
		}
		if a := w.result(w.ask(http.MethodPost, none.path+"/leave", nil)); a.Code != http.StatusGone || strings.Contains(a.body, "thanks") {
			t.Errorf("%d", a.Code)
		}
	})
}

// TestReferenceTaken: when the shop has placed the order itself meanwhile, nothing is ordered twice.
func TestReferenceTaken(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		first, second := w.open("lampen", 89_90), opened{}
		second = w.open("lampen", 89_90, fmt.Sprintf("%q", fmt.Sprint("T-", w.n+1)), fmt.Sprintf("%q", first.reference))
		w.result(w.press(first))
		a := w.press(second, "email", "other@example.org", "last", "Ander", "house", "88")
		has(t, a, "Deze bestelling is al geplaatst")
		if a.Code != http.StatusConflict {
			t.Errorf("%d", a.Code)
		}
		if s := w.status(second); s.Status != "cancelled" || len(w.orders(first)) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestSuspendedShop: a shop that was stopped meanwhile takes no order, and says so.
func TestSuspendedShop(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("lampen", 89_90)
		w.write(func(ctx context.Context, tx *db.Tx) error { return merchants.Suspend(ctx, tx, w.shops["lampen"]) })
		a := w.press(o)
		has(t, a, "neemt nu geen bestellingen aan")
		if a.Code != http.StatusForbidden || w.decisions() != 0 {
			t.Errorf("%d", a.Code)
		}
	})
}

// TestHostileForms: markup, long and foreign names are people's names; what is no form is no order.
func TestHostileForms(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for i, name := range []string{`<script>alert("x")</script>`, strings.Repeat("é", 200), "Ελένη Παπαδοπούλου", `"><img src=x onerror=alert(1)>`, "{{.shop}} *star*"} {
			o := w.open("lampen", 10_00)
			wrong := w.press(o, "first", name, "house", "")
			has(t, wrong, `value="`+html.EscapeString(name)+`"`)
			if strings.Contains(wrong.body, "<script") || strings.Contains(wrong.body, "<img src=x") {
				t.Errorf("%q is markup", name)
			}
			w.result(w.press(o, "first", name, "last", name, "email", fmt.Sprintf("h%d@example.org", i), "house", fmt.Sprint(60+i)))
			if s := w.status(o); s.Status != "accepted" {
				t.Errorf("%q: %+v", name, s)
			}
		}
		o := w.open("lampen", 10_00)
		for _, form := range []url.Values{{}, sanne("country", "XX", "postcode", ""), sanne("kind", "robot", "birth", ""), sanne("first", "\xff\xfe"), sanne("city", strings.Repeat("x", 100_000))} {
			if a := w.ask(http.MethodPost, o.path, form); a.Code != http.StatusUnprocessableEntity && a.Code != http.StatusSeeOther {
				t.Errorf("%d", a.Code)
			}
		}
		if s := w.status(o); s.Status != "open" {
			t.Errorf("%+v", s)
		}
		if log := w.log.String(); strings.Contains(log, "example.org") || strings.Contains(log, "Dorpsstraat") || strings.Contains(log, o.path) {
			t.Error("the log names a person or a token")
		}
	})
}

// TestForeignSites: a form that another site sends does nothing.
func TestForeignSites(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.open("lampen", 10_00)
		for _, path := range []string{o.path, o.path + "/leave"} {
			r := httptest.NewRequest(http.MethodPost, home+path, strings.NewReader(sanne().Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			rec := httptest.NewRecorder()
			w.Handler().ServeHTTP(rec, r)
			if rec.Code != http.StatusForbidden {
				t.Errorf("%s: %d", path, rec.Code)
			}
		}
		if s := w.status(o); s.Status != "open" || len(w.orders(o)) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestHeaders: nobody keeps the page, frames it, or learns its address from where it leads.
func TestHeaders(t *testing.T) {
	w := newWorld(t, sqlite(t))
	a := w.get(w.open("lampen", 10_00).path)
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive"} {
		if got := a.Header().Get(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if p := a.Header().Get("Content-Security-Policy"); !strings.Contains(p, "frame-ancestors 'none'") || !strings.Contains(p, "form-action 'self' https:;") || strings.Contains(p, "script-src") {
		t.Error(p)
	}
}

// TestCreditor: who is owed follows from the contract; where the law takes it for a loan its warning stands there; an order
// that must wait for a proof of age says so.
func TestCreditor(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		has(t, w.get(w.open("lampen", 10_00).path+"?lang=en"), "You owe it to Lichtboerderij B.V., and Betaalhuis Voorbeeld B.V. collects it for the shop.")
		has(t, w.get(w.open("huis", 10_00).path+"?lang=en"), "You owe the amount to Huiswinkel B.V. itself.")
		o := w.open("keuken", 10_00)
		has(t, w.get(o.path+"?lang=en"), "Betaalhuis Voorbeeld B.V. takes over the bill from Keukengerei B.V.", "Borrowing money costs money")
		has(t, w.get(o.path+"/terms?lang=en"), "Tweede regel.", "version 3")
		has(t, w.result(w.press(o)), "We moeten zeker weten hoe oud je bent")
		if s := w.status(o); s.Status != "referred" || len(w.orders(o)) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestStraight: a surface that opens a checkout itself may have an accepted buyer led on at once, for a shorter time; it
// finds the checkout by the shop's reference.
func TestStraight(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		var token string
		o := opened{reference: "S-1", shop: "lampen"}
		secret, err := w.Till.Secret()
		w.must(err)
		w.write(func(ctx context.Context, tx *db.Tx) error {
			c, text, err := w.Till.Open(ctx, tx, invoices.Offer{Merchant: w.shops["lampen"], Language: "fr", Straight: true, Life: 10 * time.Minute,
				Returns: checkout.Returns{Success: toSuccess, Cancel: toCancel}, Buyer: buyers.Buyer{Kind: buyers.Company, Name: buyers.Name{First: "Jo"}},
				Order: orders.New{Reference: "S-1", Currency: "EUR", Prices: orders.ExclVAT, TotalCents: 12_10,
					Lines: []orders.Line{{Kind: "goods", Description: "Boek", Quantity: "2.5", UnitPriceCents: 4_00, VATPercent: "21"}}}}, secret)
			o.id, token = c.ID, text
			return err
		})
		o.path = "/checkout/" + token
		has(t, w.get(o.path), "Commande avec obligation de paiement", "2,5 × Boek", "Les lignes sont hors TVA", `value="Jo"`, `value="company" checked`)
		a := w.press(o)
		if a.Code != http.StatusSeeOther || a.to() != toSuccess || len(w.orders(o)) != 1 {
			t.Errorf("%d to %s", a.Code, a.to())
		}
		c, err := w.Till.ByReference(t.Context(), w.shops["lampen"], "S-1")
		if err != nil || c.ID != o.id || c.State != checkout.Accepted || c.ExpiresAt.Sub(c.MadeAt) != 10*time.Minute {
			t.Errorf("%+v, %v", c, err)
		}
		if _, err := w.Till.ByReference(t.Context(), w.shops["keuken"], "S-1"); !fault.Is(err, "checkout") {
			t.Errorf("another shop: %v", err)
		}
	})
}
