package site

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/words"
	"achteraf/merchants"
	"achteraf/messages"
	"achteraf/web/page"
	"achteraf/web/pagetest"
)

var house = merchants.Operator{Name: "Huis", LegalName: "Huis Voorbeeld B.V.", Street: "Voorbeeldkade", HouseNumber: "1", Postcode: "1234AB", City: "Voorbeeld",
	Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", Email: "service@huis.example", Phone: "+31201234567", ClientIBAN: "NL20ACHT0000000001",
	BIC: "ACHTNL2A", AccountName: "Stichting Derdengelden Huis Voorbeeld"}

// asker is a site that takes requests for invoices and knows one code, with what it was asked for.
func asker(t *testing.T) (http.Handler, *[]Wanted) {
	t.Helper()
	look, err := page.New(page.Config{Operator: house, Ways: page.Ways{Invoice: RequestPath, Check: CheckPath}})
	if err != nil {
		t.Fatal(err)
	}
	var asked []Wanted
	s, err := New(Config{Look: look, Request: func(_ *http.Request, x Wanted) error {
		switch {
		case x.Email == "often@example.org":
			return fault.New(fault.Limited, "rate-limit", "Wait.")
		case x.Email == "broken@example.org":
			return errors.New("no")
		case !strings.Contains(x.Email, "@"):
			return fault.At("fields", "Some fields are not right.", fault.Field{Pointer: "#/email", Code: "email"}, fault.Field{Pointer: "#/reference", Code: "required"})
		case len(x.Reference) > messages.MostReference:
			return fault.At("fields", "Some fields are not right.", fault.Field{Pointer: "#/reference", Code: "too-long"})
		}
		asked = append(asked, x)
		return nil
	}, Check: func(_ *http.Request, typed string) (*Message, error) {
		if strings.ToUpper(strings.ReplaceAll(typed, "-", "")) != "KV72NND4" {
			return nil, nil
		}
		return &Message{messages.InvoiceAsked, calendar.NewDate(2026, 11, 20)}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Routes(mux)
	look.Routes(mux)
	return mux, &asked
}

func post(h http.Handler, target, from string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", from)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// TestRequestForm_S_INV_10: every answer in every language. What was typed stays, and does not get out of its field;
// another site cannot fill the form in.
func TestRequestForm_S_INV_10(t *testing.T) {
	h, asked := asker(t)
	all, err := words.Load[texts](files, "words")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range words.Langs() {
		w := all.In(l)
		at := RequestPath + "?lang=" + string(l)
		if body := get(h, at, "").Body.String(); !strings.Contains(body, "<h1>"+w.RequestTitle+"</h1>") {
			t.Errorf("%s: %s", l, body)
		}
		for _, c := range []struct {
			email, reference string
			status           int
			want             []string
		}{
			{`"><script>x`, "P-1", 422, []string{w.RequestEmailWrong, w.RequestNumberEmpty, `value="&#34;&gt;&lt;script&gt;x"`, `value="P-1"`, `href="#email"`, `href="#reference"`}},
			{"jo@example.org", strings.Repeat("9", 65), 422, []string{w.RequestNumberLong, `value="jo@example.org"`, `href="#reference"`}},
			{"often@example.org", "P-1", 429, []string{w.RequestBusyText, `value="often@example.org"`, `value="P-1"`}},
			{"broken@example.org", "P-1", 500, nil},
		} {
			rec := post(h, at, "same-origin", url.Values{"email": {c.email}, "reference": {c.reference}})
			if rec.Code != c.status || strings.Contains(rec.Body.String(), "<script>x") {
				t.Errorf("%s %q: %d", l, c.email, rec.Code)
			}
			for _, want := range c.want {
				if !strings.Contains(rec.Body.String(), want) {
					t.Errorf("%s %q: no %q in %s", l, c.email, want, rec.Body)
				}
			}
		}
		rec := post(h, at, "same-origin", url.Values{"email": {" jo@example.org "}, "reference": {"P-1"}})
		if to := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || to != sentPath+"?lang="+string(l) {
			t.Errorf("%s: %d to %s", l, rec.Code, to)
		}
		if body := get(h, sentPath+"?lang="+string(l), "").Body.String(); !strings.Contains(body, w.RequestedText) {
			t.Errorf("%s: %s", l, body)
		}
	}
	if len(*asked) != 4 || (*asked)[0] != (Wanted{"jo@example.org", "P-1"}) {
		t.Errorf("asked %+v", *asked)
	}
	if rec := post(h, RequestPath, "cross-site", url.Values{"email": {"jo@example.org"}, "reference": {"P-1"}}); rec.Code != http.StatusForbidden || len(*asked) != 4 {
		t.Errorf("from another site: %d, asked %d times", rec.Code, len(*asked))
	}
	if rec := post(h, RequestPath, "same-origin", url.Values{"email": {strings.Repeat("a", mostForm)}}); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("a very long form: %d", rec.Code)
	}
	for _, path := range []string{RequestPath, sentPath} {
		if rec := get(open(t), path, ""); rec.Code != http.StatusNotFound {
			t.Errorf("%s of a platform without mail: %d", path, rec.Code)
		}
	}
}

// TestFootLeadsThere: each page leads to what there is to do without an account, in its language, and to nothing that
// is not served.
func TestFootLeadsThere(t *testing.T) {
	h, _ := asker(t)
	for _, path := range []string{"/", RequestPath, CheckPath, "/nowhere"} {
		body := get(h, path+"?lang=de", "").Body.String()
		for _, want := range []string{`href="/invoice-request?lang=de"`, `href="/check-message?lang=de"`, "Eine Rechnung anfordern", "Kam diese Nachricht von uns?"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %q", path, want)
			}
		}
	}
	if body := get(open(t), "/", "de").Body.String(); strings.Contains(body, RequestPath) || strings.Contains(body, CheckPath) {
		t.Error("a page that is not served")
	}
}

// TestBrowserRequest_S_INV_10: the form, its mistakes and its answer in a browser, and with the keyboard alone.
func TestBrowserRequest_S_INV_10(t *testing.T) {
	h, asked := asker(t)
	b := pagetest.Open(t, answered(h))
	for _, l := range words.Langs() {
		lang := "?lang=" + string(l)
		b.CheckNarrow(RequestPath+lang, sentPath+lang)
		b.Check(RequestPath + lang + "&post=1&email=jo&reference=")
	}
	b.Check(RequestPath+"?lang=nl", sentPath+"?lang=nl", RequestPath+"?lang=fr&post=1&email=often@example.org&reference=P-1")
	if heading := b.Fill(RequestPath+"?lang=nl", "Mail mij de factuur", "email", "jo@example.org", "reference", "P-1"); heading != "Kijk in je mail" {
		t.Errorf("%q", heading)
	}
	if len(*asked) != 1 {
		t.Errorf("asked %+v", *asked)
	}
}

// TestBrowserCheckMessage: whether a mail is ours, asked in a browser, with each answer.
func TestBrowserCheckMessage(t *testing.T) {
	h, _ := asker(t)
	b := pagetest.Open(t, answered(h))
	for _, l := range words.Langs() {
		lang := "?lang=" + string(l)
		b.CheckNarrow(CheckPath + lang)
		b.Check(CheckPath + lang + "&post=1&code=KV72-NND4")
	}
	b.Check(CheckPath+"?lang=nl", CheckPath+"?lang=nl&post=1&code=", CheckPath+"?lang=de&post=1&code=KV72-NND5")
	b.Visit("/?lang=nl", 390) // from the foot of any page
	b.TabTo("Kwam dit bericht van ons?")
	b.Enter()
	b.TabTo("Code uit het bericht")
	b.Type("kv72nnd4")
	b.TabTo("Controleer")
	b.Enter()
	if said := pagetest.Read[string](b, `document.querySelector("[role=status] h2").textContent`); said != "Ja, dit is van ons" {
		t.Errorf("%q", said)
	}
}

// answered lets a browser see what a form is answered with: what stands in the address behind post=1 is what was typed.
func answered(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Has("post") {
			r, _ = http.NewRequestWithContext(r.Context(), http.MethodPost, r.URL.String(), strings.NewReader(q.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		h.ServeHTTP(w, r)
	})
}
