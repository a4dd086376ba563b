package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/web/api"
)

// TestStrangers: who has no good key learns nothing, not even which of their fields are wrong.
func TestStrangers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "before")
		before := w.contents(t)
		revoked := w.addKey(t, w.shop, access.AllScopes()...)
		must(t, w.d.Write(t.Context(), func(tx *db.Tx) error { return w.revoke(t, tx, revoked) }))
		before = w.contents(t)
		for name, header := range map[string]string{
			"nothing":                "",
			"another scheme":         "Basic c2s6",
			"the scheme alone":       "Bearer ",
			"a word":                 "Bearer secret",
			"a key cut off":          "Bearer " + w.key[:len(w.key)-1],
			"a key with a change":    "Bearer " + w.key[:30] + "!" + w.key[31:],
			"a key twice":            "Bearer " + w.key + " " + w.key,
			"a revoked key":          "Bearer " + revoked,
			"bytes that are no text": "Bearer sk_live_\xff\xfe" + strings.Repeat("x", 18) + "_" + strings.Repeat("y", 49),
			"a long one":             "Bearer sk_live_" + strings.Repeat("x", 5000),
		} {
			for _, c := range w.contract.calls() {
				path := strings.Replace(c.path, "{id}", id, 1)
				q := asked{method: c.method, path: path, idempotency: "k1", kind: "application/json", body: `{"nonsense":true}`, header: http.Header{}}
				if header != "" {
					q.header.Set("Authorization", header)
				}
				a := w.do(q)
				p := a.problem(t)
				if a.status != http.StatusUnauthorized || p.Code != "key-invalid" || len(p.Errors) > 0 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s, %s %s: %d %s", name, c.method, c.path, a.status, a.body)
				}
			}
		}
		w.unchanged(t, before)
	})
}

func (w *world) revoke(t testing.TB, tx *db.Tx, key string) error {
	p, err := access.Parse(key)
	if err != nil {
		return err
	}
	checked, err := w.access.Check(t.Context(), tx, []access.Presented{p})
	if err != nil {
		return err
	}
	return access.Revoke(t.Context(), tx, checked[0].Principal.Merchant, checked[0].Principal.Key)
}

// TestRevokedAtOnce: a key that was good a moment ago does nothing any more, though it is still remembered.
func TestRevokedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "before")
		for i, c := range w.contract.calls() {
			key := w.addKey(t, w.shop, access.AllScopes()...)
			if a := w.do(asked{method: "GET", path: "/v1/orders", key: key}); a.status != http.StatusOK {
				t.Fatal(a.status)
			}
			must(t, w.d.Write(t.Context(), func(tx *db.Tx) error { return w.revoke(t, tx, key) }))
			before := w.contents(t)
			q := asked{method: c.method, path: strings.Replace(c.path, "{id}", id, 1), key: key, kind: "application/json", idempotency: fmt.Sprintf("k%d", i)}
			switch {
			case c.operation["operationId"] == "placeOrder":
				q.body = order("1002")
			case c.method == http.MethodPost:
				q.body = "{}"
			}
			if c.operation["operationId"] == "openCheckout" {
				q.body = offer("1002")
			}
			if a := w.do(q); a.status != http.StatusUnauthorized {
				t.Errorf("%s %s answers %d", q.method, q.path, a.status)
			}
			w.unchanged(t, before)
		}
	})
}

// TestScopes: a key does what its scopes say, and the scope of each call is in the document's page.
func TestScopes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "before")
		writer := w.addKey(t, w.shop, access.OrdersWrite)
		before := w.contents(t)
		for _, c := range w.contract.calls() {
			q := asked{method: c.method, path: strings.Replace(c.path, "{id}", id, 1), key: w.readOnly, idempotency: "k1", kind: "application/json", body: "{}"}
			forbidden := c.method != http.MethodGet
			if a := w.do(q); (a.status == http.StatusForbidden) != forbidden {
				t.Errorf("a key that may read: %s %s answers %d", c.method, c.path, a.status)
			}
			if q.key = writer; !forbidden {
				if a := w.do(q); a.status != http.StatusForbidden || a.problem(t).Code != "scope" {
					t.Errorf("a key that may write: %s %s answers %d", c.method, c.path, a.status)
				}
			}
		}
		w.unchanged(t, before)
	})
}

// TestOtherMerchants: another shop's order is not there, whatever is asked of it.
func TestOtherMerchants(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "before")
		before := w.contents(t)
		tried := 0
		for _, c := range w.contract.calls() {
			if !strings.Contains(c.path, "{id}") {
				continue
			}
			tried++
			a := w.do(asked{method: c.method, path: strings.Replace(c.path, "{id}", id, 1), key: w.rival, idempotency: "k1", kind: "application/json", body: "{}"})
			want := "order"
			switch {
			case strings.HasPrefix(c.path, "/v1/invoices/"):
				want = "invoice"
			case strings.HasPrefix(c.path, "/v1/payments/"):
				want = "payment"
			case strings.HasPrefix(c.path, "/v1/credits/"):
				want = "credit-note"
			case strings.HasPrefix(c.path, "/v1/checkouts/"):
				want = "checkout"
			}
			if p := a.problem(t); a.status != http.StatusNotFound || p.Code != want {
				t.Errorf("%s %s answers %d %s", c.method, c.path, a.status, a.body)
			}
		}
		if tried < 6 {
			t.Errorf("only %d calls have an id", tried)
		}
		for _, path := range []string{"/v1/orders", "/v1/orders?reference=before"} {
			if a := w.do(asked{method: "GET", path: path, key: w.rival}); len(a.object(t)["data"].([]any)) != 0 {
				t.Errorf("%s shows another shop's orders: %s", path, a.body)
			}
		}
		w.unchanged(t, before)
		if a := w.do(asked{method: "POST", path: "/v1/orders", key: w.rival, idempotency: "place-before", kind: "application/json", body: order("before")}); a.status != http.StatusCreated {
			t.Errorf("a reference and a key of another shop are taken: %d %s", a.status, a.body)
		}
	})
}

// TestKeyQuota follows the vectors of the draft: a call more than the quota waits for the window to end.
func TestKeyQuota(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.config.KeyQuota = 100
	w.handler = api.New(w.config)
	for i := range 100 {
		a := w.get("/v1/orders")
		if want := fmt.Sprintf(`"key";r=%d;t=60`, 99-i); a.status != http.StatusOK || a.header.Get("RateLimit") != want || a.header.Get("RateLimit-Policy") != `"key";q=100;w=60` {
			t.Fatalf("call %d: %d %s", i+1, a.status, a.header.Get("RateLimit"))
		}
	}
	w.place.Clock.Advance(48 * time.Second)
	a := w.get("/v1/orders")
	if a.status != http.StatusTooManyRequests || a.header.Get("RateLimit") != `"key";r=0;t=12` || a.header.Get("Retry-After") != "12" || a.problem(t).Code != "rate-limit" {
		t.Errorf("call 101: %d %v", a.status, a.header)
	}
	if a := w.do(asked{method: "GET", path: "/v1/orders", key: w.rival}); a.status != http.StatusOK {
		t.Errorf("another key: %d", a.status)
	}
	w.place.Clock.Advance(12 * time.Second)
	if a := w.get("/v1/orders"); a.status != http.StatusOK || a.header.Get("RateLimit") != `"key";r=99;t=60` {
		t.Errorf("the next window: %d %s", a.status, a.header.Get("RateLimit"))
	}
}

// TestDeniedQuota: who shows wrong keys waits, even with a good one that is new; who is known does not.
func TestDeniedQuota(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.config.DeniedQuota = 3
	w.handler = api.New(w.config)
	if a := w.get("/v1/orders"); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	wrong := asked{method: "GET", path: "/v1/orders", key: "sk_live_wrong"}
	for range 3 {
		if a := w.do(wrong); a.status != http.StatusUnauthorized {
			t.Fatal(a.status)
		}
	}
	if a := w.do(wrong); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "60" || a.header.Get("RateLimit") != `"denied";r=0;t=60` {
		t.Errorf("the fourth: %d %v", a.status, a.header)
	}
	if a := w.get("/v1/orders"); a.status != http.StatusOK {
		t.Errorf("a known key from there: %d", a.status)
	}
	if a := w.do(asked{method: "GET", path: "/v1/orders", key: w.rival}); a.status != http.StatusOK {
		t.Errorf("another good key from there: %d", a.status)
	}
	w.place.Clock.Advance(time.Minute)
	if a := w.do(wrong); a.status != http.StatusUnauthorized {
		t.Errorf("a minute later: %d", a.status)
	}
}
