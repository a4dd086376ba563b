package pspsim_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/payments"
	"achteraf/providers/mollie"
	"achteraf/providers/pspsim"
)

// world is a simulator, the real client for it, and somebody who listens to its webhooks.
type world struct {
	*pspsim.Simulator
	t      *testing.T
	client *mollie.Client
	clock  *dbtest.Clock
	url    string

	mu     sync.Mutex
	heard  []string
	answer int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: dbtest.NewClock(), answer: 200}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.ServeHTTP(out, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	var err error
	w.Simulator, err = pspsim.New(pspsim.Config{Public: server.URL, Key: "test_x", Token: "access_x", Now: w.clock.Now, Random: dbtest.Chance(1),
		HTTP: server.Client(), Fee: 29})
	if err != nil {
		t.Fatal(err)
	}
	w.client = mollie.New(server.URL+"/v2", "test_x", "access_x", server.Client())
	return w
}

// listen is the address of who hears webhooks.
func (w *world) listen() string {
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.heard = append(w.heard, string(text))
		out.WriteHeader(w.answer)
	}))
	w.t.Cleanup(s.Close)
	return s.URL
}

func (w *world) create(id string, cents int64, webhook string) payments.Remote {
	w.t.Helper()
	r, err := w.client.Create(w.t.Context(), payments.Request{ID: id, Cents: cents, Currency: "EUR", Description: "RF18 5390", Country: "NL", Language: "nl",
		Return: "https://pay.example/back", Webhook: webhook})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) deliver() []string {
	w.t.Helper()
	if _, err := w.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	heard := w.heard
	w.heard = nil
	return heard
}

func (w *world) state(id string) payments.State {
	w.t.Helper()
	r, err := w.client.Payment(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.State
}

// TestPage goes through the bank page as a browser does.
func TestPage(t *testing.T) {
	w := newWorld(t)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for choice, want := range map[string]payments.State{"brug": payments.Paid, "polder": payments.Paid, "cancel": payments.Cancelled, "fail": payments.Failed,
		"expire": payments.Expired, "late": payments.Paid} {
		p := w.create("pay_"+choice, 5040, "")
		answer, err := browser.Get(p.Checkout)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(answer.Body)
		for _, part := range []string{"SIMULATION", "EUR 50.40", "RF18 5390", `value="` + choice + `"`, `<html lang="en">`} {
			if !strings.Contains(string(page), part) {
				t.Errorf("the page lacks %s", part)
			}
		}
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("policy %q", policy)
		}
		for range 2 { // pressed twice
			answer, err = browser.PostForm(p.Checkout, url.Values{"choice": {choice}})
			if err != nil || answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "https://pay.example/back" {
				t.Fatalf("%v %v", answer, err)
			}
		}
		if got := w.state(p.ID); got != want {
			t.Errorf("%s: %s", choice, got)
		}
		answer, err = browser.Get(p.Checkout)
		if err != nil {
			t.Fatal(err)
		}
		if page, _ = io.ReadAll(answer.Body); strings.Contains(string(page), "<form") {
			t.Error("a payment that has ended can be paid")
		}
	}
	p := w.create("pay_odd", 1, "")
	if answer, err := browser.PostForm(p.Checkout, url.Values{"choice": {"steal"}}); err != nil || answer.StatusCode != 400 || w.state(p.ID) != payments.Open {
		t.Errorf("%v %v", answer, err)
	}
	if answer, err := browser.Get(w.url + "/checkout/tr_none"); err != nil || answer.StatusCode != 404 {
		t.Errorf("%v %v", answer, err)
	}
}

func TestWebhooks(t *testing.T) {
	w := newWorld(t)
	hook := w.listen()
	p, q := w.create("pay_1", 100, hook), w.create("pay_2", 100, hook)
	w.Webhooks(func(n int) []time.Duration {
		return [][]time.Duration{{3 * time.Minute}, {0, 0}, nil}[n]
	})
	w.Choose(p.ID, pspsim.Paid)   // late
	w.Choose(q.ID, pspsim.Failed) // twice, and before the other
	if got := w.deliver(); !slices.Equal(got, []string{"id=" + q.ID, "id=" + q.ID}) {
		t.Errorf("heard %v", got)
	}
	w.clock.Advance(3 * time.Minute)
	if got := w.deliver(); !slices.Equal(got, []string{"id=" + p.ID}) {
		t.Errorf("heard %v", got)
	}
	if !w.PayLate(q.ID) || w.state(q.ID) != payments.Paid || len(w.deliver()) != 0 {
		t.Error("lost, and heard")
	}
	if w.PayLate(p.ID) || w.Choose(p.ID, pspsim.Failed) {
		t.Error("a paid payment was changed")
	}
	w.Webhooks(nil)
	r := w.create("pay_3", 100, hook)
	w.answer = 500
	w.Choose(r.ID, pspsim.Paid)
	heard := 0
	for range 30 * 60 {
		heard += len(w.deliver())
		w.clock.Advance(time.Minute)
	}
	if heard != 10 {
		t.Errorf("tried %d times within 30 hours", heard)
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	hook := w.listen()
	p := w.create("pay_1", 100, hook)
	w.clock.Advance(15*time.Minute - time.Second)
	if got := w.state(p.ID); got != payments.Open {
		t.Errorf("a second too early: %s", got)
	}
	w.clock.Advance(time.Second)
	if got := w.deliver(); len(got) != 1 || w.state(p.ID) != payments.Expired || w.Choose(p.ID, pspsim.Paid) {
		t.Errorf("after a quarter of an hour: %v", got)
	}
}

func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	p := w.create("pay_1", 100, "")
	if again := w.create("pay_1", 100, ""); again != p || len(w.Payments()) != 1 {
		t.Errorf("%+v and %+v", p, again)
	}
	if _, err := w.client.Create(t.Context(), payments.Request{ID: "pay_1", Cents: 101, Currency: "EUR", Description: "x", Return: "https://pay.example/"}); !fault.Is(err, "psp-refused") {
		t.Errorf("the key with other parameters: %v", err)
	}
	w.clock.Advance(time.Hour)
	if again := w.create("pay_1", 100, ""); again.ID == p.ID {
		t.Error("a key is remembered for more than an hour")
	}
}

func TestFaults(t *testing.T) {
	w := newWorld(t)
	ask := func() error {
		_, err := w.client.Create(t.Context(), payments.Request{ID: "pay_1", Cents: 100, Currency: "EUR", Description: "x", Return: "https://pay.example/"})
		return err
	}
	w.Break(pspsim.Fault{Status: 429}, pspsim.Fault{Status: 503})
	for range 2 {
		if err := ask(); !fault.Is(err, "psp-unavailable") || len(w.Payments()) != 0 {
			t.Errorf("%v, %d payments", err, len(w.Payments()))
		}
	}
	w.Break(pspsim.Fault{Status: 503, After: true})
	if err := ask(); !fault.Is(err, "psp-unavailable") || len(w.Payments()) != 1 {
		t.Errorf("%v, %d payments", err, len(w.Payments()))
	}
	w.Break(pspsim.Fault{}, pspsim.Fault{After: true}) // a connection that breaks: Go itself asks again, with the same key
	ask()
	if err := ask(); err != nil || len(w.Payments()) != 1 {
		t.Errorf("%v, %d payments", err, len(w.Payments()))
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	call := func(key, body string) (int, string) {
		r, err := http.NewRequestWithContext(context.Background(), "POST", w.url+"/v2/payments", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	const good = `{"amount":{"currency":"EUR","value":"1.00"},"description":"x","redirectUrl":"https://a.example"}`
	for name, c := range map[string]struct {
		key, old, new string
		status        int
	}{
		"right": {"test_x", "", "", 201}, "no key": {"", "", "", 401}, "another key": {"test_y", "", "", 401}, "the token": {"access_x", "", "", 401},
		"one decimal": {"test_x", "1.00", "1.0", 422}, "three": {"test_x", "1.00", "1.000", 422}, "nothing": {"test_x", "1.00", "0.00", 422},
		"currency": {"test_x", "EUR", "XYZ", 422}, "description": {"test_x", `"x"`, `""`, 422}, "address": {"test_x", "https://a.example", "a", 422},
		"a card": {"test_x", `"description"`, `"method":["creditcard"],"description"`, 422}, "not JSON": {"test_x", "{", "", 400},
	} {
		if status, text := call(c.key, strings.Replace(good, c.old, c.new, 1)); status != c.status {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if _, err := pspsim.New(pspsim.Config{Key: "live_x"}); err == nil {
		t.Error("a live key is taken")
	}
	if _, err := w.client.Payment(t.Context(), "tr_none"); !fault.Is(err, "psp-payment-unknown") {
		t.Errorf("no such payment: %v", err)
	}
}

func TestSettle(t *testing.T) {
	w := newWorld(t)
	if _, ok := w.Settle(); ok {
		t.Error("nothing was paid out")
	}
	var paid int64
	for i := range 8 {
		p := w.create("pay_"+string(rune('a'+i)), int64(1000+i), "")
		if i > 0 {
			w.Choose(p.ID, pspsim.Paid)
			paid += int64(1000 + i)
		}
	}
	s, ok := w.Settle()
	if !ok || s.Gross != paid || s.Fee != 7*29 || s.Net != paid-7*29 {
		t.Fatalf("%+v", s)
	}
	list, err := w.client.Settlements(t.Context())
	if err != nil || len(list) != 1 || list[0] != (payments.Settlement{ID: s.ID, Reference: s.Reference, NetCents: s.Net, Currency: "EUR"}) {
		t.Fatalf("%+v %v", list, err)
	}
	of, err := w.client.Settled(t.Context(), s.ID) // three pages
	var sum int64
	for _, r := range of {
		sum += r.Cents
	}
	if err != nil || len(of) != 7 || sum != paid {
		t.Errorf("%d payments of %d together, %v", len(of), sum, err)
	}
	if _, ok := w.Settle(); ok {
		t.Error("paid out twice")
	}
}
