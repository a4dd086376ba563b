package messages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/messages"
	"achteraf/platform"
)

var shownCode = regexp.MustCompile(`[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}`)

// TestIsThisReal takes the code out of each mail and asks: what it was about and when, and never to whom. Anything else
// is not known, and whoever tries on and on is told to wait.
func TestIsThisReal(t *testing.T) {
	public := func(c *platform.Config) { c.PublicURL = "https://betaalhuis.example" }
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "nl")
		w.advance(73 * time.Hour)
		w.pay(o, 5040)
		codes := map[string]bool{}
		want := []string{messages.OrderConfirmed, messages.InvoiceIssued, messages.PaymentReceived}
		for i, m := range w.mails(3) {
			code := shownCode.FindString(m.Text)
			codes[code] = true
			if code == "" || !strings.Contains(m.Text, "https://betaalhuis.example/check-message?code="+code+"\n") || !strings.Contains(m.HTML, `href="https://betaalhuis.example/check-message?code=`+code+`"`) {
				t.Fatalf("no code in %s", m.Text)
			}
			w.read(func(tx *db.Tx) error {
				for _, typed := range []string{code, " " + strings.ToLower(strings.ReplaceAll(code, "-", " ")) + "\n"} {
					if k, ok, err := w.Post.Check(t.Context(), tx, typed); err != nil || !ok || k.Code != want[i] || k.At.IsZero() {
						t.Errorf("%q: %+v %v %v", typed, k, ok, err)
					}
				}
				return nil
			})
			if page := ask(w, code); !strings.Contains(page.Body.String(), "Ja, dit is van ons") || strings.Contains(page.Body.String(), "koper") {
				t.Errorf("%d %s", page.Code, page.Body)
			}
		}
		if len(codes) != 3 {
			t.Errorf("codes %v", codes)
		}
		w.read(func(tx *db.Tx) error {
			for _, typed := range []string{"", "KV72-NND4", "%", "'; drop table messages; --", strings.Repeat("A", 9999), "\x00\xff"} {
				if k, ok, err := w.Post.Check(t.Context(), tx, typed); err != nil || ok {
					t.Errorf("%.20q: %+v %v", typed, k, err)
				}
			}
			return nil
		})
		last := 0
		for range 70 {
			last = ask(w, "KV72-NND4").Code
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("the 73rd try is answered with %d", last)
		}
	}, public)
}

// ask asks the page about a code.
func ask(w *world, code string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/check-message?lang=nl", strings.NewReader(url.Values{"code": {code}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "203.0.113.9:1234"
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	return rec
}
