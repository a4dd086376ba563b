package psp_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/web/psp"
)

const path = "/psp/mollie/0123456789abcdef"

func TestWebhook(t *testing.T) {
	var got []string
	var fail error
	clock := dbtest.NewClock()
	h := psp.New(psp.Config{Provider: "mollie", Secrets: []string{"fedcba9876543210", "0123456789abcdef"}, Wall: clock.Now, Log: slog.New(slog.DiscardHandler), Quota: 8,
		Notice: func(_ context.Context, id string) error {
			got = append(got, id)
			if id == "" {
				return fault.Bad("psp-notice", "This is no id of a payment.")
			}
			return fail
		}})
	post := func(method, path, kind, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name                     string
		method, path, kind, body string
		fail                     error
		status                   int
		heard                    bool
	}{
		{"an id", "POST", path, form, "id=tr_1", nil, 200, true},
		{"no id", "POST", path, form, "name=tr_1", nil, 400, true},
		{"JSON", "POST", path, "application/json", `{"id":"tr_1"}`, nil, 400, true},
		{"broken form", "POST", path, form, "id=%zz", nil, 400, false},
		{"too long", "POST", path, form, "id=" + strings.Repeat("x", 5000), nil, 400, false},
		{"the database is away", "POST", path, form, "id=tr_1", errors.New("away"), 503, true},
		{"an id in the address", "POST", path + "?id=tr_1", form, "", nil, 400, true},
		{"another secret", "POST", path + "0", form, "id=tr_1", nil, 404, false},
		{"no secret", "POST", "/psp/mollie/", form, "id=tr_1", nil, 404, false},
		{"another provider", "POST", "/psp/other/0123456789abcdef", form, "id=tr_1", nil, 404, false},
		{"read", "GET", path, "", "", nil, 405, false},
	} {
		got, fail = nil, c.fail
		w := post(c.method, c.path, c.kind, c.body)
		if w.Code != c.status || (len(got) > 0) != c.heard {
			t.Errorf("%s: %d and %q are heard, want %d", c.name, w.Code, got, c.status)
		}
	}
	fail = nil
	if w := post("POST", path, form, "id=tr_1"); w.Code != 200 {
		t.Errorf("the eighth: %d", w.Code)
	}
	if w := post("POST", path, form, "id=tr_1"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("the ninth in a minute: %d", w.Code)
	}
	clock.Advance(time.Minute)
	if w := post("POST", path, form, "id=tr_1"); w.Code != 200 {
		t.Errorf("a minute later: %d", w.Code)
	}
}
