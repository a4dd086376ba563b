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
)

// checker is a site on which three codes have an answer.
func checker(t *testing.T) http.Handler {
	t.Helper()
	look, err := page.New(page.Config{Operator: merchants.Operator{Name: "Huis", LegalName: "Huis Voorbeeld B.V.", Country: "NL"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Look: look, Check: func(_ *http.Request, typed string) (*Message, error) {
		switch typed {
		case "KV72-NND4":
			return &Message{messages.InvoiceIssued, calendar.NewDate(2026, 11, 20)}, nil
		case "often":
			return nil, fault.New(fault.Limited, "rate-limit", "Wait.")
		case "broken":
			return nil, errors.New("no")
		}
		return nil, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Routes(mux)
	look.Routes(mux)
	return mux
}

// TestCheckMessage: every answer in every language, nothing looked up by a link, and nothing typed that gets out of its field.
func TestCheckMessage(t *testing.T) {
	h := checker(t)
	all, err := words.Load[texts](files, "words")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range words.Langs() {
		w := all.In(l)
		for _, c := range []struct {
			typed  string
			status int
			want   string
		}{
			{"KV72-NND4", 200, w.CheckYesText.With("day", l.FullWeekday(calendar.NewDate(2026, 11, 20)), "what", w.SentInvoice)},
			{"KV72-NND5", 200, w.CheckNo},
			{"", 422, w.CheckEmpty},
			{"often", 429, w.CheckBusy},
			{"broken", 500, ""},
			{`"><script>alert(1)</script>`, 200, w.CheckNo},
		} {
			r := httptest.NewRequest(http.MethodPost, "/check-message?lang="+string(l), strings.NewReader(url.Values{"code": {c.typed}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			body := rec.Body.String()
			if rec.Code != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "<script>alert") {
				t.Errorf("%s %q: %d %s", l, c.typed, rec.Code, body)
			}
		}
		if body := get(h, "/check-message?code=KV72-NND4&lang="+string(l), "").Body.String(); !strings.Contains(body, `value="KV72-NND4"`) || strings.Contains(body, w.CheckYes) {
			t.Errorf("%s: the link of a mail: %s", l, body)
		}
	}
	if rec := get(open(t), "/check-message", ""); rec.Code != http.StatusNotFound {
		t.Errorf("a platform without mail: %d", rec.Code)
	}
}
