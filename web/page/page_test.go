package page

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"achteraf/internal/fault"
	"achteraf/internal/words"
	"achteraf/merchants"
)

// operator is invented; each of its details is one that stands nowhere else.
var operator = merchants.Operator{
	Name: "Betaalhuis", LegalName: "Betaalhuis Voorbeeld B.V.", Street: "Voorbeeldkade", HouseNumber: "10", Postcode: "1234AB", City: "Voorbeeld",
	Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", VATPercent: "21", Email: "service@betaalhuis.example",
	Phone: "+31201234567", Website: "https://betaalhuis.example", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002", BIC: "ACHTNL2A",
	AccountName: "Stichting Derdengelden Betaalhuis",
}

func newLook(t *testing.T, b Brand) *Look {
	t.Helper()
	l, err := New(Config{Operator: operator, Brand: b})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// ask sends a request to a handler.
func ask(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// hello is a page with nothing much on it.
func hello(l *Look, own string) http.Handler {
	return l.Page(func(w http.ResponseWriter, r *http.Request) error {
		v := l.View(r, own)
		v.Title = "Hello <you>"
		v.Menu = []Link{{Href: "/my", Text: "Bills", Icon: "i-home", Count: 2, Here: true}, {Href: "/help?q=1#top", Text: "Help", Icon: "i-help"}}
		v.Tabs = true
		return l.Write(w, r, http.StatusOK, v, Title(v.Title, "…"))
	})
}

func TestHeaders(t *testing.T) {
	rec := ask(hello(newLook(t, Brand{}), ""), "GET", "/my")
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8", "Strict-Transport-Security": "", "Vary": "Accept-Language",
	} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(rec.Header().Get("Permissions-Policy"), "camera=()") {
		t.Error("pages may use the camera")
	}
	if rec := ask(hello(newLook(t, Brand{}), ""), "GET", "/my", "X-Forwarded-Proto", "https"); rec.Header().Get("Strict-Transport-Security") == "" {
		t.Error("nothing holds browsers to https")
	}
	if rec := ask(hello(newLook(t, Brand{}), ""), "HEAD", "/my"); rec.Body.Len() > 0 || rec.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d bytes, %s said", rec.Body.Len(), rec.Header().Get("Content-Length"))
	}
}

func TestOtherSitesCannotSendForms(t *testing.T) {
	h := hello(newLook(t, Brand{}), "")
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200} {
		if rec := ask(h, "POST", "/my", "Sec-Fetch-Site", site); rec.Code != want {
			t.Errorf("%s: %d, want %d", site, rec.Code, want)
		}
	}
	if rec := ask(h, "POST", "/my", "Origin", "https://evil.example"); rec.Code != 403 {
		t.Errorf("another origin: %d", rec.Code)
	}
	if rec := ask(h, "GET", "/my", "Sec-Fetch-Site", "cross-site"); rec.Code != 200 {
		t.Errorf("a link on another site: %d", rec.Code)
	}
}

func TestLanguageOfAPage(t *testing.T) {
	l := newLook(t, Brand{})
	for _, c := range []struct{ target, own, accepted, want, link string }{
		{"/my", "", "fr-BE,nl;q=0.5", "fr", `href="/my"`},
		{"/my", "de", "fr", "de", `href="/my"`},
		{"/my?lang=en", "de", "fr", "en", `href="/my?lang=en"`},
		{"/my?lang=nl&page=2", "", "", "nl", `href="/help?q=1&amp;lang=nl#top"`},
		{"/my?lang=xx", "", "nl", "nl", `href="/help?q=1#top"`},
	} {
		rec := ask(hello(l, c.own), "GET", c.target, "Accept-Language", c.accepted)
		body := rec.Body.String()
		if !strings.Contains(body, `<html lang="`+c.want+`"`) || rec.Header().Get("Content-Language") != c.want {
			t.Errorf("%+v: %.200s", c, body)
		}
		if !strings.Contains(body, c.link) {
			t.Errorf("%+v: no %s", c, c.link)
		}
	}
	body := ask(hello(l, ""), "GET", "/my?lang=nl&page=2").Body.String()
	if !strings.Contains(body, `href="/my?lang=fr&amp;page=2"`) {
		t.Error("the language menu loses the page")
	}
}

// TestIdentity_S_RULE_13: who the operator is stands on every page and comes from one value.
func TestIdentity_S_RULE_13(t *testing.T) {
	for _, l := range words.Langs() {
		body := ask(hello(newLook(t, Brand{}), string(l)), "GET", "/my").Body.String()
		for _, want := range []string{"Betaalhuis Voorbeeld B.V.", "Voorbeeldkade 10, 1234 AB Voorbeeld", "90000001", "NL123456789B13",
			"service@betaalhuis.example", "+31201234567", "NL20 ACHT 0000 0000 01", "ACHTNL2A", "Stichting Derdengelden Betaalhuis", "<title>Hello &lt;you&gt; · Betaalhuis</title>"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %q", l, want)
			}
		}
	}
	other := operator
	other.Street, other.LegalName = "Nieuwe Kade", "Anders B.V."
	moved, err := New(Config{Operator: other})
	if err != nil {
		t.Fatal(err)
	}
	body := ask(hello(moved, ""), "GET", "/my").Body.String()
	if !strings.Contains(body, "Nieuwe Kade 10") || strings.Contains(body, "Voorbeeldkade") {
		t.Error("the address does not come from the configuration alone")
	}
}

func TestErrors(t *testing.T) {
	l := newLook(t, Brand{})
	for _, c := range []struct {
		name   string
		err    error
		status int
		words  string
	}{
		{"nothing there", fault.Missing("order", "secret detail"), 404, "Deze pagina is er niet"},
		{"ours", errors.New("secret detail"), 500, "Er ging iets mis bij ons"},
		{"a wrong form", fault.Bad("order", "secret detail"), 422, "Dit kan zo niet"},
		{"too much", fault.New(fault.Limited, "order", "secret detail"), 429, "Even wachten"},
		{"not allowed", fault.New(fault.Denied, "order", "secret detail"), 403, "Dit kan zo niet"},
		{"not now", fault.New(fault.Unavailable, "order", "secret detail"), 503, "Er ging iets mis bij ons"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := ask(l.Page(func(http.ResponseWriter, *http.Request) error { return c.err }), "GET", "/x?lang=nl")
			body := rec.Body.String()
			if rec.Code != c.status || !strings.Contains(body, c.words) || strings.Contains(body, "secret") {
				t.Errorf("%d %s", rec.Code, body)
			}
		})
	}
	rec := ask(l.Page(func(http.ResponseWriter, *http.Request) error { panic("secret detail") }), "GET", "/x?lang=de")
	if rec.Code != 500 || !strings.Contains(rec.Body.String(), "Bei uns") || strings.Contains(rec.Body.String(), "secret") {
		t.Errorf("a panic: %d %s", rec.Code, rec.Body)
	}
	rec = ask(l.Page(func(w http.ResponseWriter, r *http.Request) error {
		return l.Write(w, r, http.StatusOK, l.View(r, ""), Icon("i-nothing"))
	}), "GET", "/x")
	if rec.Code != 500 {
		t.Errorf("an icon that is not there: %d", rec.Code)
	}
	if rec := ask(l.Missing(), "GET", "/nowhere?lang=fr"); rec.Code != 404 || !strings.Contains(rec.Body.String(), "Cette page n’existe pas") {
		t.Errorf("nowhere: %d", rec.Code)
	}
}

func TestAssets(t *testing.T) {
	l := newLook(t, Brand{})
	mux := http.NewServeMux()
	l.Routes(mux)
	body := ask(hello(l, ""), "GET", "/my").Body.String()
	loaded := regexp.MustCompile(`(?:href|src)="(/assets/[^"#]+)`).FindAllStringSubmatch(body, -1)
	if len(loaded) < 4 {
		t.Fatalf("the page loads %v", loaded)
	}
	for _, m := range loaded {
		rec := ask(mux, "GET", m[1], "Accept-Encoding", "gzip")
		if rec.Code != 200 || !strings.Contains(rec.Header().Get("Cache-Control"), "immutable") || rec.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", m[1], rec.Code, rec.Header())
		}
	}
	h := furniture()
	rec := ask(mux, "GET", h.styles.path, "Accept-Encoding", "gzip, br")
	z, err := gzip.NewReader(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := io.ReadAll(z)
	if err != nil || !strings.Contains(string(sheet), h.font.path[len(assetPath):]) || strings.Contains(string(sheet), "fonts/") {
		t.Errorf("the style sheet does not load the font by its name: %v", err)
	}
	if plain := ask(mux, "GET", h.styles.path).Body.String(); plain != string(sheet) {
		t.Error("the sheet is another when it is not compressed")
	}
	if rec := ask(mux, "GET", "/assets/look.css"); rec.Code != 404 {
		t.Errorf("a name without a hash: %d", rec.Code)
	}
	if newAsset("a.css", "", []byte("x")).path == newAsset("a.css", "", []byte("y")).path {
		t.Error("another content has the same name")
	}
}

// TestNothingInline: no script, no style and nothing foreign in what a policy would stop.
func TestNothingInline(t *testing.T) {
	body := ask(hello(newLook(t, Brand{}), ""), "GET", "/my?lang=%22%3E%3Cscript%3E&x=%3Cb%3E").Body.String()
	for _, bad := range []string{"<script", "<style", " style=", " onclick", "javascript:", "http://", "https://", "<b>"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// TestScript: a page that asks for the copy buttons has one script of ours, others none.
func TestScript(t *testing.T) {
	l := newLook(t, Brand{})
	rec := ask(l.Page(func(w http.ResponseWriter, r *http.Request) error {
		v := l.View(r, "")
		v.Script = true
		return l.Write(w, r, http.StatusOK, v, Copy(v.Lang, []Copied{{Name: "IBAN", Value: "NL20 ACHT", Plain: "NL20ACHT"}}))
	}), "GET", "/x?lang=fr")
	if !strings.HasSuffix(rec.Header().Get("Content-Security-Policy"), "; script-src 'self'; connect-src 'self'") {
		t.Errorf("the policy is %s", rec.Header().Get("Content-Security-Policy"))
	}
	has(t, rec.Body.String(), `<script src="`+furniture().script.path+`" defer>`, `data-value="NL20ACHT"`, `data-copied="Copié"`)
	if code := ask(l.Assets(), "GET", furniture().script.path).Code; code != http.StatusOK {
		t.Errorf("the script: %d", code)
	}
}
