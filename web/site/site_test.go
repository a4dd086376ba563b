package site

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"achteraf/internal/words"
	"achteraf/merchants"
	"achteraf/web/page"
)

func open(t *testing.T, demo ...string) http.Handler {
	t.Helper()
	look, err := page.New(page.Config{Operator: merchants.Operator{Name: "Huis", LegalName: "Huis Voorbeeld B.V.", Country: "NL"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Look: look, Demo: demo})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Routes(mux)
	look.Routes(mux)
	return mux
}

func get(h http.Handler, target, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept-Language", accept)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// TestHome_S_NAV_14: the home page is whole in each language, leads on, and is small.
func TestHome_S_NAV_14(t *testing.T) {
	h := open(t)
	for _, l := range words.Langs() {
		for _, rec := range []*httptest.ResponseRecorder{get(h, "/?lang="+string(l), ""), get(h, "/", string(l))} {
			body := rec.Body.String()
			texts, err := words.Load[texts](files, "words")
			if err != nil {
				t.Fatal(err)
			}
			if rec.Code != http.StatusOK || !strings.Contains(body, `<html lang="`+string(l)+`"`) || !strings.Contains(body, "<h1>"+texts.In(l).Title+"</h1>") {
				t.Errorf("%s: %d %s", l, rec.Code, body)
			}
			for _, other := range words.Langs() {
				if other != l && strings.Contains(body, texts.In(other).Lead) {
					t.Errorf("%s has a text in %s", l, other)
				}
			}
			if !strings.Contains(body, `href="/v1/docs"`) || strings.Contains(body, "/demo/") || strings.Contains(body, "/design") {
				t.Errorf("%s leads to what is not served, or not to what is", l)
			}
			if len(body) > 60_000 {
				t.Errorf("%s: %d bytes", l, len(body))
			}
		}
	}
	if rec := get(h, "/nowhere", "de"); rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "Diese Seite gibt es nicht") {
		t.Errorf("nowhere: %d", rec.Code)
	}
}

func TestDemoDoors(t *testing.T) {
	body := get(open(t, "/design", "/demo/clock"), "/?lang=fr", "").Body.String()
	for _, want := range []string{`href="/design?lang=fr"`, `href="/demo/clock?lang=fr"`, "Tout est inventé ici"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(body, "/demo/shop") {
		t.Error("a surface that is not served")
	}
	if _, err := New(Config{Demo: []string{"/elsewhere"}}); err == nil {
		t.Error("any address is a surface")
	}
}
