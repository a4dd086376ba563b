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
