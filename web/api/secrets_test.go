package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"achteraf/invoices"
	"achteraf/web/api"
)

// marker is what must never be seen again, whatever field it was typed into.
const marker = "Zq7 Marker@xyzzy.example 0612345678"

// TestNothingIsRepeated types a marker everywhere, and looks for it in problems and in the log.
func TestNothingIsRepeated(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "before")
		sent := 0
		tell := func(q asked) {
			t.Helper()
			sent++
			w.log.reset()
			a := w.do(q)
			for _, part := range []string{marker, "Zq7", "Marker", "xyzzy", "0612345678"} {
				if a.status >= 400 && strings.Contains(string(a.body), part) {
					t.Errorf("%s %s repeats %q: %s", q.method, q.path, part, a.body)
				}
				if strings.Contains(strings.ToLower(fmt.Sprint(a.header)), strings.ToLower(part)) {
					t.Errorf("%s %s repeats %q: %v", q.method, q.path, part, a.header)
				}
				if strings.Contains(w.log.String(), part) {
					t.Fatalf("the log has %q after %s %s %s", part, q.method, q.path, q.body)
				}
			}
		}
		send := func(path, body string) {
			t.Helper()
			tell(asked{method: "POST", path: path, key: w.key, idempotency: fmt.Sprintf("k%d", sent), kind: "application/json", body: body})
		}
		full := strings.Replace(exampleOrder, `"buyer":`, `"delivery_address":{"street":"Laan","house_number":"2","house_number_suffix":"b","postcode":"1000 AA","city":"Stad","country":"NL"},"terms_version":"1",`+
			`"accepted_terms":{"button_text":"Order","at":"2026-11-22T09:59:00Z"},"buyer":`, 1)
		firm := strings.NewReplacer(`"kind":"consumer"`, `"kind":"company","company":{"name":"Voorbeeld BV","registration_number":"12345678","vat_id":"NL004495445B01"}`,
			`"birth_date":"1990-05-01",`, "").Replace(full)
		credit := `{"lines":[{"line":1,"quantity":"1"}],"reason":"return"}`
		for _, message := range []struct{ path, body string }{{"/v1/orders", full}, {"/v1/orders", firm}, {"/v1/orders/" + id + "/credits", credit}} {
			for _, with := range []string{fmt.Sprintf("%q", marker), fmt.Sprintf("{%q:1}", marker), fmt.Sprintf("[%q]", marker), "0612345678"} {
				for _, body := range replaced(t, message.body, with) {
					send(message.path, body)
				}
			}
			for _, body := range []string{marker, message.body + marker, message.body[:len(message.body)-1] + `,"` + marker + `":1}`, "\"" + marker + "\xff\""} {
				send(message.path, body)
			}
		}
		q := url.QueryEscape(marker)
		for _, path := range []string{"/v1/orders?cursor=" + q, "/v1/orders?limit=" + q, "/v1/orders?reference=" + q, "/v1/orders?" + q + "=1", "/v1/" + marker,
			"/v1/orders/" + marker, "/v1/orders/" + marker + "/invoice.html", "/problems/" + marker, "/v1/orders/ord_zq7marker"} {
			tell(asked{method: "GET", path: path, key: w.key})
			tell(asked{method: "Zq7Marker", path: path, key: w.key})
		}
		for _, name := range []string{"Authorization", "Idempotency-Key", "Content-Type", "User-Agent", "Request-Id", "X-Forwarded-For", "Accept", "Cookie"} {
			h := http.Header{"Authorization": {"Bearer " + w.key}, "Idempotency-Key": {"h" + name}, "Content-Type": {"application/json"}}
			h.Set(name, marker)
			tell(asked{method: "POST", path: "/v1/orders", body: "{}", header: h})
		}
		t.Logf("volume: %d messages with a marker", sent)
	})
}

// failing is an intake that breaks and tells too much.
type failing struct {
	broken func(r invoices.Request) error
}

func (f failing) Place(_ context.Context, r invoices.Request) (invoices.Answer, error) {
	return invoices.Answer{}, f.broken(r)
}

// TestOurMistakes: what breaks inside is a problem without a word about it, and a line of log with where but
// not with what. The next request is served.
func TestOurMistakes(t *testing.T) {
	w := newWorld(t, "sqlite")
	for name, broken := range map[string]func(invoices.Request) error{
		"error": func(r invoices.Request) error {
			return fmt.Errorf("cannot store %q of %s", r.Buyer.Email, r.Buyer.Name.Last)
		},
		"in small letters": func(r invoices.Request) error {
			return fmt.Errorf("cannot read %q or '%s'", "for "+strings.ToLower(r.Buyer.Name.Last)+" only", "in "+strings.ToLower(r.Buyer.Address.City)+" only")
		},
		"wrapped": func(r invoices.Request) error {
			return fmt.Errorf("write row: %w", errors.New(`near "`+r.Buyer.Address.City+`"`))
		},
		"panic":         func(r invoices.Request) error { panic("no " + r.Buyer.Name.First + " " + r.Buyer.Phone) },
		"nil pointer":   func(r invoices.Request) error { return errors.New(r.Buyer.Company.Name) },
		"out of bounds": func(r invoices.Request) error { return errors.New(r.Order.Lines[7].Kind) },
	} {
		c := w.config
		c.Intake = failing{broken}
		w.handler = api.New(c)
		w.log.reset()
		a := w.post("/v1/orders", "k", exampleOrder)
		p := a.problem(t)
		log := w.log.String()
		if a.status != http.StatusInternalServerError || p.Code != "internal" || !strings.Contains(log, p.Instance) || !strings.Contains(log, `"cause":"`) {
			t.Errorf("%s: %d %s\n%s", name, a.status, a.body, log)
		}
		for _, told := range []string{"sanne", "Sanne", "Vries", "31612345678", "Voorbeeld", "vries", "voorbeeld"} {
			if strings.Contains(log, told) || strings.Contains(string(a.body), told) {
				t.Errorf("%s tells %s: %s %s", name, told, a.body, log)
			}
		}
		if panics := strings.Contains(log, "panic"); panics != strings.Contains(log, "TestOurMistakes.func") {
			t.Errorf("%s: where it broke: %s", name, log)
		}
		if a := w.get("/v1/orders"); a.status != http.StatusOK {
			t.Errorf("%s: the next request answers %d", name, a.status)
		}
	}
}
