package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// writesOf are the writes that can be made once each to a fresh order.
func writesOf(id string) []asked {
	return []asked{
		{method: "POST", path: "/v1/orders", body: order("replayed")},
		{method: "POST", path: "/v1/orders/" + id + "/credits", body: `{"amount_cents":40,"reason":"price"}`},
		{method: "POST", path: "/v1/orders/" + id + "/start"},
		{method: "POST", path: "/v1/orders/" + id + "/hold", body: `{"days":3}`},
		{method: "POST", path: "/v1/orders/" + id + "/resume", body: `{}`},
		{method: "POST", path: "/v1/orders/" + id + "/payments", body: `{"amount_cents":1000,"description":"cash"}`},
		{method: "POST", path: "/v1/orders/" + id + "/messages", body: `{"text":"Your parcel is at the neighbours."}`},
	}
}

// TestReplay: the same key gives the same bytes, and has its effect once.
func TestReplay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, second := w.placed(t, "before"), w.placed(t, "second")
		for i, q := range writesOf(id) {
			q.key, q.idempotency, q.kind = w.key, fmt.Sprintf("key-%d", i), "application/json"
			first := w.do(q)
			if first.status/100 != 2 || first.header.Get("Idempotent-Replayed") != "" {
				t.Fatalf("%s: %d %s", q.path, first.status, first.body)
			}
			before := w.contents(t)
			for _, key := range []string{q.idempotency, `"` + q.idempotency + `"`} { // bare, and as the draft has it
				q.idempotency = key
				again := w.do(q)
				if again.status != first.status || !bytes.Equal(again.body, first.body) || again.header.Get("Idempotent-Replayed") != "true" ||
					again.header.Get("Content-Type") != first.header.Get("Content-Type") {
					t.Errorf("%s with %s: %d %s, first %d %s", q.path, key, again.status, again.body, first.status, first.body)
				}
			}
			other := q
			other.body = " " + q.body
			if i == 2 {
				other.body = "{}"
			}
			if a := w.do(other); a.status != http.StatusUnprocessableEntity || a.problem(t).Code != "idempotency-key-reused" {
				t.Errorf("%s with another message: %d %s", q.path, a.status, a.body)
			}
			other = q
			other.path = strings.Replace(q.path, id, second, 1)
			if a := w.do(other); i != 0 && (a.status != http.StatusUnprocessableEntity || a.problem(t).Code != "idempotency-key-reused") {
				t.Errorf("%s, then for another order: %d %s", q.path, a.status, a.body)
			}
			w.unchanged(t, before)
		}
	})
}

// TestRefusedIsKeptToo: declined is an answer like any other, kept with its key; the reference stays free.
func TestRefusedIsKeptToo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		body := bytes.ReplaceAll([]byte(order("1001")), []byte("5040"), []byte("100000"))
		first := w.post("/v1/orders", "k1", string(body))
		o := first.object(t)
		if first.status != http.StatusCreated || o["status"] != "declined" || o["state"] != nil || o["payment_reference"] != nil || o["placed_on"] != nil ||
			len(o["invoices"].([]any)) != 0 || at(o, "decision", "class") != "not_accepted" || o["id"].(string)[:4] != "att_" || o["total_cents"] != 100000.0 {
			t.Fatalf("%d %s", first.status, first.body)
		}
		if n := len(o["decision"].(map[string]any)); n != 1 {
			t.Errorf("the shop learns more than the class: %s", first.body)
		}
		if again := w.post("/v1/orders", "k1", string(body)); !bytes.Equal(again.body, first.body) || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("again: %s", again.body)
		}
		if a := w.post("/v1/orders", "k2", order("1001")); a.object(t)["status"] != "accepted" {
			t.Errorf("the reference is not free: %s", a.body)
		}
		if a := w.post("/v1/orders", "k3", order("1001")); a.status != http.StatusConflict || a.problem(t).Code != "order-reference" {
			t.Errorf("a used reference: %d %s", a.status, a.body)
		}
	})
}

// TestParallelDuplicates: 64 requests with one key have one effect and one answer.
func TestParallelDuplicates(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "before")
		for i, q := range writesOf(id) {
			q.key, q.idempotency, q.kind = w.key, fmt.Sprintf("key-%d", i), "application/json"
			answers := make([]answered, 64)
			var all sync.WaitGroup
			for n := range answers {
				all.Go(func() { answers[n] = w.plain(q) })
			}
			all.Wait()
			fresh := 0
			for _, a := range answers {
				if a.header.Get("Idempotent-Replayed") == "" {
					fresh++
				}
				if a.status/100 != 2 || !bytes.Equal(a.body, answers[0].body) {
					t.Fatalf("%s: %d %s\nfirst %d %s", q.path, a.status, a.body, answers[0].status, answers[0].body)
				}
			}
			if fresh != 1 {
				t.Errorf("%s: %d answers are not replayed", q.path, fresh)
			}
		}
		rows := w.contents(t)
		if len(rows["orders"]) != 2 || len(rows["credits"]) != 1 || len(rows["idempotency"]) != 8 {
			t.Errorf("%d orders, %d credits, %d keys", len(rows["orders"]), len(rows["credits"]), len(rows["idempotency"]))
		}
	})
}

// TestTwoNodes: two processes on one database get the same key at once; still one effect, one answer.
func TestTwoNodes(t *testing.T) {
	w := newWorld(t, "postgres")
	second := w.node(t)
	for round := range 10 {
		id := w.placed(t, fmt.Sprintf("round%d", round))
		for i, q := range append(writesOf(id), asked{method: "POST", path: "/v1/orders/" + id + "/credits"}) {
			q.key, q.idempotency, q.kind = w.key, fmt.Sprintf("k%d-%d", round, i), "application/json"
			q.body = strings.Replace(q.body, "replayed", q.idempotency, 1)
			answers := make([]answered, 8)
			var all sync.WaitGroup
			for n := range answers {
				node := w
				if n%2 == 1 {
					node = second
				}
				all.Go(func() { answers[n] = node.plain(q) })
			}
			all.Wait()
			for _, a := range answers {
				if a.status/100 != 2 || !bytes.Equal(a.body, answers[0].body) {
					t.Fatalf("round %d, %s: %d %s\nfirst %d %s", round, q.path, a.status, a.body, answers[0].status, answers[0].body)
				}
			}
		}
	}
	rows := w.contents(t)
	if len(rows["idempotency"]) != 90 || len(rows["credits"]) != 20 || len(rows["decisions"]) != 20 {
		t.Errorf("%d keys, %d credits, %d decisions", len(rows["idempotency"]), len(rows["credits"]), len(rows["decisions"]))
	}
}
