package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"achteraf/checkout"
)

// offer is a message to POST /v1/checkouts.
func offer(reference string) string {
	return strings.Replace(exampleOffer, `"2001"`, fmt.Sprintf("%q", reference), 1)
}

const exampleOffer = `{"reference":"2001","currency":"EUR","prices":"incl_vat","total_cents":5040,
 "lines":[{"reference":"SKU-1","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
 "language":"nl","buyer":{"email":"sanne@example.org"},
 "return_urls":{"success":"https://shop.example/thanks?order=2001","failure":"https://shop.example/pay?order=2001","cancel":"https://shop.example/cart"}}`

// TestCheckoutOpens_S_CHK_01: a shop opens a checkout, hears where it is, once, and how it stands.
func TestCheckoutOpens_S_CHK_01(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.post("/v1/checkouts", "open", offer("C-1"))
		if a.status != http.StatusCreated {
			t.Fatalf("%d %s", a.status, a.body)
		}
		o := a.object(t)
		id, address := o["id"].(string), o["checkout_url"].(string)
		if !strings.HasPrefix(id, "chk_") || !strings.HasPrefix(address, "https://pay.example/checkout/") || len(address) < 70 {
			t.Errorf("%s", a.body)
		}
		if again := w.post("/v1/checkouts", "open", offer("C-1")); !bytes.Equal(again.body, a.body) || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("again: %s", again.body)
		}
		if other := w.post("/v1/checkouts", "open", offer("C-2")); other.status != http.StatusUnprocessableEntity {
			t.Errorf("the key with another message: %d", other.status)
		}
		now := w.do(asked{method: "GET", path: "/v1/checkouts/" + id, key: w.key}).object(t)
		if now["status"] != "open" || now["order_id"] != nil || now["ended_at"] != nil || now["reference"] != "C-1" || now["expires_at"] != o["expires_at"] {
			t.Errorf("%v", now)
		}
		if _, err := w.config.Till.Leave(t.Context(), checkout.Key{Merchant: w.shop, ID: id}); err != nil {
			t.Fatal(err)
		}
		if now = w.do(asked{method: "GET", path: "/v1/checkouts/" + id, key: w.key}).object(t); now["status"] != "cancelled" || now["ended_at"] == nil {
			t.Errorf("%v", now)
		}
		second := w.post("/v1/checkouts", "second", offer("C-1")) // the first came to nothing
		if second.status != http.StatusCreated {
			t.Errorf("%d %s", second.status, second.body)
		}
	})
}

// TestCheckoutReference: a reference that names an order opens no checkout.
func TestCheckoutReference(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.placed(t, "taken")
		before := w.contents(t)
		if a := w.post("/v1/checkouts", "open", offer("taken")); a.status != http.StatusConflict || a.problem(t).Code != "order-reference" {
			t.Errorf("%d %s", a.status, a.body)
		}
		w.unchanged(t, before)
	})
}

// TestBadCheckouts: what is wrong comes back with its place, and nothing happened.
func TestBadCheckouts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i, c := range []struct{ old, new, at, code string }{
			{`"success":"https://shop.example/thanks?order=2001"`, `"success":"http://shop.example/thanks"`, "#/return_urls/success", "url"},
			{`"success":"https://shop.example/thanks?order=2001",`, ``, "#/return_urls/success", "required"},
			{`"https://shop.example/cart"`, `"javascript:alert(1)"`, "#/return_urls/cancel", "url"},
			{`"https://shop.example/cart"`, `"https://shop.example/é"`, "#/return_urls/cancel", "url"},
			{`"https://shop.example/cart"`, `"https://a:b@shop.example/"`, "#/return_urls/cancel", "url"},
			{`"https://shop.example/cart"`, `"//shop.example/cart"`, "#/return_urls/cancel", "url"},
			{`"https://shop.example/cart"`, `"https://shop.example/a b"`, "#/return_urls/cancel", "url"},
			{`"https://shop.example/cart"`, `"https://shop.example/` + strings.Repeat("a", 2000) + `"`, "#/return_urls/cancel", "too-long"},
			{`"https://shop.example/cart"`, `"https://shop.example/","next":"https://shop.example/"`, "#/return_urls/next", "unknown-member"},
			{`"total_cents":5040`, `"total_cents":5041`, "#/total_cents", "total"},
			{`"total_cents":5040,`, ``, "#/total_cents", "required"},
			{`"language":"nl"`, `"language":"es"`, "#/language", "language"},
			{`"email":"sanne@example.org"`, `"kind":"robot"`, "#/buyer/kind", "unknown"},
			{`"email":"sanne@example.org"`, `"name":{"first":"` + strings.Repeat("a", 201) + `"}`, "#/buyer/name/first", "too-long"},
			{`"email":"sanne@example.org"`, `"birth_date":"1990-13-01"`, "#/buyer/birth_date", "date"},
			{`"language":"nl"`, `"delivery_address":{"street":"Dorpsstraat","house_number":"","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}`, "#/delivery_address/house_number", "required"},
			{`"language":"nl"`, `"accepted_terms":{}`, "#/accepted_terms", "unknown-member"},
		} {
			before := w.contents(t)
			body := strings.Replace(offer("C-1"), c.old, c.new, 1)
			a := w.plain(asked{method: "POST", path: "/v1/checkouts", key: w.key, idempotency: fmt.Sprint("k", i), kind: "application/json", body: body})
			var places []string
			for _, f := range a.problem(t).Errors {
				places = append(places, f.Pointer+" "+f.Code)
			}
			if a.status != http.StatusUnprocessableEntity || !slices.Contains(places, c.at+" "+c.code) {
				t.Errorf("%s: %d %s", c.new, a.status, a.body)
			}
			w.unchanged(t, before)
		}
	})
}
