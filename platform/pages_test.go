package platform_test

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"achteraf/internal/db/dbtest"
	"achteraf/internal/outbound"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/platform"
	"achteraf/providers/mailbox"
	"achteraf/web/shop"
)

// newDemo is a demonstration as the program serves it: its own surfaces before those of every platform.
func newDemo(t *testing.T) http.Handler {
	t.Helper()
	v, err1 := vault.Parse([]byte("world AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
	secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
	key, err3 := ledger.ReadKey(secret)
	if err := cmp.Or(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	p, err := platform.New(platform.Config{DB: dbtest.Open(t, "sqlite"), Vault: v, LogKey: key, Operator: operator, Random: dbtest.Chance(3),
		Log: slog.New(slog.DiscardHandler), Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := p.DemoRoutes(mux, &mailbox.Box{}); err != nil {
		t.Fatal(err)
	}
	if err := p.DemoShop(mux, shop.Config{BaseURL: "http://127.0.0.1:1", Key: "sk_live_none", HTTP: outbound.New(), Secret: make([]byte, 16),
		Random: dbtest.Chance(4), Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", p.Handler())
	return mux
}

func visit(h http.Handler, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

// TestHomeLeadsOn: whatever the home page of a demonstration links to is there, in every language.
func TestHomeLeadsOn(t *testing.T) {
	demo := newDemo(t)
	seen := map[string]bool{}
	for _, start := range []string{"/", "/?lang=nl", "/?lang=fr", "/?lang=en", "/?lang=de"} {
		rec := visit(demo, start)
		if rec.Code != http.StatusOK {
			t.Fatalf("%s: %d", start, rec.Code)
		}
		for _, m := range regexp.MustCompile(`(?:href|src)="(/[^"#]*)`).FindAllStringSubmatch(rec.Body.String(), -1) {
			path := strings.ReplaceAll(m[1], "&amp;", "&")
			if seen[path] {
				continue
			}
			seen[path] = true
			if code := visit(demo, path).Code; code != http.StatusOK {
				t.Errorf("%s leads to %s: %d", start, path, code)
			}
		}
	}
	for _, want := range []string{"/demo/shop", "/design", "/demo/clock", "/v1/docs"} {
		if !seen[want] {
			t.Errorf("the home page does not lead to %s", want)
		}
	}
}

// TestWhatOnlyADemoHas: a platform for real use does not show or serve it.
func TestWhatOnlyADemoHas(t *testing.T) {
	real, err := build(dbtest.Open(t, "sqlite"), dbtest.Chance(3))
	if err != nil {
		t.Fatal(err)
	}
	home := visit(real.Handler(), "/").Body.String()
	for _, path := range []string{"/demo/shop", "/design", "/demo/clock"} {
		if rec := visit(real.Handler(), path); rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "<h1>") {
			t.Errorf("%s: %d", path, rec.Code)
		}
		if strings.Contains(home, path) {
			t.Errorf("the home page leads to %s", path)
		}
	}
	if rec := visit(real.Handler(), "/v1/nothing"); !strings.Contains(rec.Header().Get("Content-Type"), "problem+json") {
		t.Error("a program gets a page")
	}
}
