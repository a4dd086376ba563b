package mollie_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/outbound"
	"achteraf/payments"
	"achteraf/providers/mollie"
)

var _ payments.PSP = (*mollie.Client)(nil)

// server answers every call with one text and keeps the last call.
type server struct {
	*httptest.Server
	status int
	body   string
	got    *http.Request
	sent   string
}

func newServer(t *testing.T) (*server, *mollie.Client) {
	t.Helper()
	s := &server{status: 200}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		s.got, s.sent = r, string(text)
		w.WriteHeader(s.status)
		io.WriteString(w, s.body)
	}))
	t.Cleanup(s.Close)
	return s, mollie.New(s.URL+"/v2", "test_key", "access_token", outbound.New(netip.MustParsePrefix("127.0.0.0/8")))
}

var request = payments.Request{ID: "pay_1", Cents: 5040, Currency: "EUR", Description: "RF18 5390", Country: "NL", Language: "nl",
	Return: "https://pay.example/r", Webhook: "https://pay.example/w"}

const open = `{"resource":"payment","id":"tr_7UhSN1zuXS","mode":"test","status":"open","createdAt":"2026-11-22T10:00:00+00:00",
 "amount":{"currency":"EUR","value":"50.40"},"expiresAt":"2026-11-22T11:15:00+01:00","metadata":{"id":"pay_1"},
 "_links":{"checkout":{"href":"https://www.mollie.example/checkout/7UhSN1zuXS","type":"text/html"}}}`

func TestCreate(t *testing.T) {
	s, c := newServer(t)
	s.status, s.body = 201, open
	r, err := c.Create(t.Context(), request)
	expires, _ := calendar.ParseInstant("2026-11-22T10:15:00Z")
	want := payments.Remote{ID: "tr_7UhSN1zuXS", Ours: "pay_1", State: payments.Open, Cents: 5040, Currency: "EUR",
		Checkout: "https://www.mollie.example/checkout/7UhSN1zuXS", ExpiresAt: expires}
	if err != nil || r != want {
		t.Fatalf("%+v, %v", r, err)
	}
	if s.got.Method != "POST" || s.got.URL.Path != "/v2/payments" || s.got.Header.Get("Authorization") != "Bearer test_key" ||
		s.got.Header.Get("Idempotency-Key") != "pay_1" || s.got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", s.got.Method, s.got.URL, s.got.Header)
	}
	const sent = `{"amount":{"currency":"EUR","value":"50.40"},"description":"RF18 5390","redirectUrl":"https://pay.example/r","webhookUrl":"https://pay.example/w","method":["ideal"],"locale":"nl_NL","metadata":{"id":"pay_1"}}`
	if s.sent != sent {
		t.Errorf("sent %s", s.sent)
	}
}

// TestAmounts: every number of cents goes out with two decimals, and nothing else comes in.
func TestAmounts(t *testing.T) {
	s, c := newServer(t)
	s.status, s.body = 201, open
	for cents, want := range map[int64]string{1: "0.01", 10: "0.10", 99: "0.99", 100: "1.00", 123456789: "1234567.89"} {
		r := request
		r.Cents = cents
		c.Create(t.Context(), r)
		if !strings.Contains(s.sent, `"value":"`+want+`"`) {
			t.Errorf("%d cents: %s", cents, s.sent)
		}
	}
	for _, value := range []string{`"50"`, `"50.4"`, `"50.400"`, `"50,40"`, `50.40`, `"-50.40"`, `"+50.40"`, `" 50.40"`, `"5e1.00"`, `""`, `".40"`, `"0x1.00"`, `"99999999999999999999.00"`} {
		s.status, s.body = 200, strings.Replace(open, `"50.40"`, value, 1)
		if r, err := c.Payment(t.Context(), "tr_7UhSN1zuXS"); !fault.Is(err, "psp-answer") {
			t.Errorf("%s was read as %+v, %v", value, r, err)
		}
	}
}

func TestStatuses(t *testing.T) {
	s, c := newServer(t)
	for status, want := range map[string]payments.State{"open": payments.Open, "pending": payments.Open, "authorized": payments.Open, "paid": payments.Paid,
		"canceled": payments.Cancelled, "expired": payments.Expired, "failed": payments.Failed} {
		s.body = strings.Replace(open, `"status":"open"`, fmt.Sprintf(`"status":%q`, status), 1)
		if r, err := c.Payment(t.Context(), "tr_7UhSN1zuXS"); err != nil || r.State != want {
			t.Errorf("%s: %+v, %v", status, r, err)
		}
	}
	if s.got.URL.Path != "/v2/payments/tr_7UhSN1zuXS" || s.got.Method != "GET" {
		t.Errorf("%s %s", s.got.Method, s.got.URL)
	}
	for name, change := range map[string][2]string{
		"status": {`"status":"open"`, `"status":"lost"`}, "no status": {`"status":"open",`, ``}, "another payment": {`"id":"tr_7UhSN1zuXS"`, `"id":"tr_2"`},
		"no id": {`"id":"tr_7UhSN1zuXS",`, ``}, "currency": {`"EUR"`, `"USD"`}, "a time": {`2026-11-22T11:15:00+01:00`, `tomorrow`},
		"a page that is none": {`"https://www`, `"javascript:www`}, "half an answer": {`"_links"`, ``}, "not JSON": {open, `<html>`}, "nothing": {open, ``},
	} {
		s.body = strings.Replace(open, change[0], change[1], 1)
		if r, err := c.Payment(t.Context(), "tr_7UhSN1zuXS"); !fault.Is(err, "psp-answer") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for name, data := range map[string]string{"of others": `["x",1]`, "a text": `"x"`, "none": `null`} {
		s.body = strings.Replace(open, `{"id":"pay_1"}`, data, 1)
		if r, err := c.Payment(t.Context(), "tr_7UhSN1zuXS"); err != nil || r.Ours != "" {
			t.Errorf("metadata %s: %+v, %v", name, r, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	s, c := newServer(t)
	for status, code := range map[int]string{302: "psp-unavailable", 400: "psp-refused", 401: "psp-refused", 403: "psp-refused", 404: "psp-payment-unknown",
		409: "psp-unavailable", 410: "psp-payment-unknown", 422: "psp-refused", 429: "psp-unavailable", 500: "psp-unavailable", 503: "psp-unavailable"} {
		s.status, s.body = status, fmt.Sprintf(`{"status":%d,"title":"Title","detail":"said https://pay.example/r","field":"amount"}`, status)
		_, err := c.Payment(t.Context(), "tr_1")
		if !fault.Is(err, code) {
			t.Errorf("%d: %v", status, err)
		}
		if strings.Contains(err.Error(), "pay.example") {
			t.Errorf("%d: the error repeats what was sent: %v", status, err)
		}
		if _, err := c.Create(t.Context(), request); !fault.Is(err, code) {
			t.Errorf("create, %d: %v", status, err)
		}
	}
	s.Close()
	if _, err := c.Payment(t.Context(), "tr_1"); !fault.Is(err, "psp-unavailable") {
		t.Errorf("nobody there: %v", err)
	}
	long := request
	long.Description = strings.Repeat("x", 256)
	if _, err := c.Create(t.Context(), long); !fault.Is(err, "psp-refused") {
		t.Errorf("a long description: %v", err)
	}
}

func TestDeadline(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	c := mollie.New(slow.URL, "test_key", "", outbound.New(netip.MustParsePrefix("127.0.0.0/8")))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Payment(ctx, "tr_1"); !fault.Is(err, "psp-unavailable") {
		t.Errorf("%v", err)
	}
}

// TestNoCards_S_PAY_10: whoever pays from wherever, no card is offered.
func TestNoCards_S_PAY_10(t *testing.T) {
	s, c := newServer(t)
	s.status, s.body = 201, open
	for _, country := range []string{"NL", "BE", "DE", "FR", ""} {
		for _, language := range []string{"nl", "fr", "de", "en", "el"} {
			r := request
			r.Country, r.Language = country, language
			if _, err := c.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			var sent struct {
				Method []string `json:"method"`
				Locale string   `json:"locale"`
			}
			if err := json.Unmarshal([]byte(s.sent), &sent); err != nil || len(sent.Method) == 0 {
				t.Fatalf("%s: %v: any method may be chosen", country, err)
			}
			for _, m := range sent.Method {
				if !slices.Contains([]string{"ideal", "kbc", "belfius"}, m) {
					t.Errorf("%s: %s is offered", country, m)
				}
			}
			if sent.Locale != "" && !strings.HasPrefix(sent.Locale, language) {
				t.Errorf("%s in %s: locale %s", language, country, sent.Locale)
			}
		}
	}
}

func TestSettlements(t *testing.T) {
	s, c := newServer(t)
	s.body = `{"count":3,"_embedded":{"settlements":[
 {"id":"stl_open","reference":"","status":"open","amount":{"currency":"EUR","value":"1.00"}},
 {"id":"stl_2","reference":"1234567.0002.01","status":"paidout","amount":{"currency":"EUR","value":"39.75"}},
 {"id":"stl_1","reference":"1234567.0001.01","status":"failed","amount":{"currency":"EUR","value":"3.00"}}]},"_links":{"next":null}}`
	all, err := c.Settlements(t.Context())
	if want := (payments.Settlement{ID: "stl_2", Reference: "1234567.0002.01", NetCents: 3975, Currency: "EUR"}); err != nil || len(all) != 1 || all[0] != want {
		t.Errorf("%+v, %v", all, err)
	}
	if s.got.Header.Get("Authorization") != "Bearer access_token" {
		t.Errorf("asked with %s", s.got.Header.Get("Authorization"))
	}
	s.body = `{"_embedded":{"payments":[` + open + `]},"_links":{"next":{"href":"https://elsewhere.example/v2/settlements/stl_2/payments"}}}`
	if _, err := c.Settled(t.Context(), "stl_2"); !fault.Is(err, "psp-answer") {
		t.Errorf("led elsewhere: %v", err)
	}
	s.body = `{"_embedded":{"payments":[` + open + `]},"_links":{"next":{"href":"` + s.URL + `/v2/more"}}}`
	if _, err := c.Settled(t.Context(), "stl_2"); !fault.Is(err, "psp-answer") {
		t.Errorf("led in a circle: %v", err)
	}
	keyOnly := mollie.New(s.URL, "test_key", "", http.DefaultClient)
	if all, err := keyOnly.Settlements(t.Context()); err != nil || all != nil {
		t.Errorf("without a token: %v, %v", all, err)
	}
}
