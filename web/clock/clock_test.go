package clock

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/words"
	"achteraf/merchants"
	"achteraf/web/page"
	"achteraf/web/pagetest"
)

// stand is the page before a clock of its own.
func stand(t *testing.T) (http.Handler, *calendar.Instant) {
	t.Helper()
	look, err1 := page.New(page.Config{Operator: merchants.Operator{Name: "Huis", LegalName: "Huis Voorbeeld B.V.", Country: "NL"}})
	zone, err2 := calendar.ZoneOf("NL")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	now := calendar.At(time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC))
	p, err := New(Config{Look: look, Zone: zone, Now: func(context.Context) (calendar.Instant, error) { return now, nil },
		Move: func(_ context.Context, to calendar.Instant) error { now = to; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, p.Show())
	mux.Handle("POST "+Path+"/move", p.Advance())
	look.Routes(mux)
	return mux, &now
}

func send(h http.Handler, method, path, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// TestMove: the page says what time it is where the operator is, and moves it on by its steps alone.
func TestMove(t *testing.T) {
	h, now := stand(t)
	if page := send(h, http.MethodGet, Path+"?lang=en", "").Body.String(); !strings.Contains(page, words.EN.FullWeekday(calendar.NewDate(2026, 11, 23))+", 00:30") {
		t.Errorf("it says %s", page)
	}
	start := *now
	for _, wrong := range []string{"", "days=2", "days=-3", "days=x", "days=3000000"} {
		if rec := send(h, http.MethodPost, Path+"/move", wrong); rec.Code < 400 || *now != start {
			t.Errorf("%q: %d, %v", wrong, rec.Code, *now)
		}
	}
	rec := send(h, http.MethodPost, Path+"/move?lang=fr", url.Values{"days": {"3"}}.Encode())
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != Path+"?lang=fr" || *now != start.Add(72*time.Hour) {
		t.Errorf("three days on: %d %s, %v", rec.Code, rec.Header().Get("Location"), *now)
	}
}

func TestBrowserClock(t *testing.T) {
	h, _ := stand(t)
	var paths []string
	for _, l := range words.Langs() {
		paths = append(paths, Path+"?lang="+string(l))
	}
	pagetest.Open(t, h).Check(paths...)
}
