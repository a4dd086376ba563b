package api_test

import (
	"net/http"
	"testing"
	"time"
)

// TestHoldAndResume: a hold shows in the order with who set it and until when, and is gone when it ends.
func TestHoldAndResume(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "a")
		path := "/v1/orders/" + id
		held := w.post(path+"/hold", "k1", `{"days":3,"reason":"return"}`)
		list, _ := held.object(t)["holds"].([]any)
		if held.status != http.StatusOK || len(list) != 1 {
			t.Fatalf("%d %s", held.status, held.body)
		}
		if h := list[0].(map[string]any); h["kind"] != "merchant" || h["by"] != "shop" || h["reason"] != "return" ||
			h["from"] != "2026-11-22T10:00:00Z" || h["until"] != "2026-11-25T10:00:00Z" {
			t.Errorf("hold %v", h)
		}
		if a := w.post(path+"/hold", "k2", `{"days":1}`); len(a.object(t)["holds"].([]any)) != 1 {
			t.Errorf("held again: %s", a.body)
		}
		if a := w.post(path+"/resume", "k3", ""); a.status != http.StatusOK || len(a.object(t)["holds"].([]any)) != 0 {
			t.Errorf("resumed: %d %s", a.status, a.body)
		}
		w.post(path+"/hold", "k4", `{"days":14}`)
		must(t, w.d.LetClockMove(t.Context()))
		must(t, w.d.MoveClock(t.Context(), w.place.Clock.Now().Add(14*24*time.Hour)))
		if a := w.get(path); len(a.object(t)["holds"].([]any)) != 0 {
			t.Errorf("after its days: %s", a.body)
		}
	})
}

// TestPaidToShop: a report lowers what is open, shows in the order, and can be taken back once.
func TestPaidToShop(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "a")
		path := "/v1/orders/" + id
		must(t, w.d.LetClockMove(t.Context()))
		must(t, w.d.MoveClock(t.Context(), w.place.Clock.Now().Add(73*time.Hour)))
		must(t, w.scanner.RunUntilIdle(t.Context()))
		a := w.post(path+"/payments", "k1", `{"amount_cents":2500,"paid_on":"2026-11-24","description":"paid in store"}`)
		list, _ := a.object(t)["payments"].([]any)
		if a.status != http.StatusCreated || len(list) != 1 || invoice(t, a)["open_cents"] != 2540.0 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		p := list[0].(map[string]any)
		if p["amount_cents"] != 2500.0 || p["paid_on"] != "2026-11-24" || p["description"] != "paid in store" || p["status"] != "booked" || p["created_at"] != "2026-11-25T11:00:00Z" {
			t.Errorf("payment %v", p)
		}
		a = w.post(path+"/payments", "k2", `{"amount_cents":2540}`)
		if v := invoice(t, a); v["status"] != "paid" || v["open_cents"] != 0.0 {
			t.Errorf("the rest: %d %s", a.status, a.body)
		}
		if a := w.get(path + "/file"); a.status != http.StatusOK || a.object(t)["name"] != "S1-2026-000001.pdf" {
			t.Errorf("file: %d %s", a.status, a.body)
		}
		if a := w.post(path+"/payments", "k3", `{"amount_cents":1}`); a.status != http.StatusConflict || a.problem(t).Code != "invoice-settled" {
			t.Errorf("more than all: %d %s", a.status, a.body)
		}
		back := "/v1/payments/" + p["id"].(string) + "/reverse"
		a = w.post(back, "k4", "")
		if v := invoice(t, a); a.status != http.StatusOK || v["status"] != "open" || v["open_cents"] != 2500.0 || at(a.object(t)["payments"].([]any)[0], "status") != "reversed" {
			t.Errorf("taken back: %d %s", a.status, a.body)
		}
		if a := w.post(back, "k5", ""); a.status != http.StatusConflict || a.problem(t).Code != "payment-reversed" {
			t.Errorf("taken back twice: %d %s", a.status, a.body)
		}
		if a := w.do(asked{method: "POST", path: back, key: w.rival, idempotency: "k6", kind: "application/json"}); a.status != http.StatusNotFound || a.problem(t).Code != "payment" {
			t.Errorf("another shop's: %d %s", a.status, a.body)
		}
	})
}

// TestHistory: what happened, in its order, for its shop only.
func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "a")
		path := "/v1/orders/" + id
		w.post(path+"/hold", "k1", `{"days":1,"reason":"return"}`)
		w.post(path+"/start", "k2", "")
		w.post(path+"/payments", "k3", `{"amount_cents":40}`)
		a := w.get(path + "/history")
		list, _ := a.object(t)["data"].([]any)
		var got []any
		for _, m := range list {
			got = append(got, at(m, "event"))
		}
		if a.status != http.StatusOK || len(got) != 4 || got[0] != "ordered" || at(list[3], "amount_cents") != 40.0 && at(list[1], "hold") != "merchant" {
			t.Errorf("%d %s", a.status, a.body)
		}
		for _, path := range []string{path + "/history", "/v1/orders/ord_none/history", "/v1/orders/ord_%00/history"} {
			if a := w.do(asked{method: "GET", path: path, key: w.rival}); a.status != http.StatusNotFound || a.problem(t).Code != "order" {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	})
}
