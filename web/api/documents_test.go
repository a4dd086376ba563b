package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFiles: an invoice and a credit note as files, for their own shop only, the same each time.
func TestFiles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		order := w.placed(t, "a")
		early := w.post("/v1/orders/"+order+"/credits", "k1", `{"amount_cents":100,"reason":"price"}`).object(t)["credits"].([]any)[0].(map[string]any)
		planned := w.get("/v1/orders/" + order).object(t)["invoices"].([]any)[0].(map[string]any)
		if early["pdf_url"] != nil || planned["pdf_url"] != nil {
			t.Errorf("files before the issue: %v, %v", early["pdf_url"], planned["pdf_url"])
		}
		invoiceID := planned["id"].(string)
		for path, code := range map[string]string{
			"/v1/invoices/" + invoiceID + "/pdf":           "invoice",
			"/v1/credits/" + early["id"].(string) + "/pdf": "credit-note",
			"/v1/invoices/" + order + "/pdf":               "invoice",
			"/v1/invoices/inv_%27%20or%201/pdf":            "invoice",
			"/v1/credits/cre_none/pdf":                     "credit-note",
			"/v1/invoices/" + invoiceID + "/data":          "invoice",
			"/v1/credits/cre_none/data":                    "credit-note",
		} {
			if a := w.get(path); a.status != http.StatusNotFound || a.problem(t).Code != code {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
		must(t, w.d.LetClockMove(t.Context()))
		must(t, w.d.MoveClock(t.Context(), w.place.Clock.Now().Add(73*time.Hour)))
		must(t, w.scanner.RunUntilIdle(t.Context()))
		answer := w.post("/v1/orders/"+order+"/credits", "k2", `{"amount_cents":1000,"reason":"return"}`).object(t)
		notes := answer["credits"].([]any)
		for name, url := range map[string]any{
			"S1-2026-000001":   at(answer["invoices"].([]any)[0], "pdf_url"),
			"S1-C-2026-000001": at(notes[len(notes)-1], "pdf_url"),
		} {
			path, _ := url.(string)
			a := w.get(path)
			sum := sha256.Sum256(a.body)
			if a.status != http.StatusOK || !bytes.HasPrefix(a.body, []byte("%PDF-1.")) {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
			for header, want := range map[string]string{
				"Content-Type": "application/pdf", "Content-Disposition": `inline; filename="` + name + `.pdf"`, "Cache-Control": "private, no-cache",
				"ETag": `"` + hex.EncodeToString(sum[:]) + `"`, "X-Content-Type-Options": "nosniff",
			} {
				if got := a.header.Get(header); got != want {
					t.Errorf("%s: %s is %q, want %q", path, header, got, want)
				}
			}
			if again := w.get(path); !bytes.Equal(again.body, a.body) {
				t.Errorf("%s: other bytes", path)
			}
			for _, tag := range []string{a.header.Get("ETag"), `"x", W/` + a.header.Get("ETag"), "*"} {
				b := w.do(asked{method: "GET", path: path, key: w.key, header: http.Header{"If-None-Match": {tag}}})
				if b.status != http.StatusNotModified || len(b.body) != 0 || b.header.Get("ETag") != a.header.Get("ETag") {
					t.Errorf("%s, If-None-Match %s: %d", path, tag, b.status)
				}
			}
			if b := w.do(asked{method: "GET", path: path, key: w.key, header: http.Header{"If-None-Match": {`"x"`}}}); b.status != http.StatusOK {
				t.Errorf("%s: another tag: %d", path, b.status)
			}
			data := w.get(strings.TrimSuffix(path, "/pdf") + "/data")
			if data.status != http.StatusOK || !bytes.Contains(data.body, []byte("<cbc:ID>"+name+"</cbc:ID>")) || data.header.Get("Content-Type") != "application/xml" {
				t.Errorf("%s as data: %d %s", name, data.status, data.header)
			}
			if b := w.do(asked{method: "GET", path: strings.TrimSuffix(path, "/pdf") + "/data", key: w.rival}); b.status != http.StatusNotFound {
				t.Errorf("another shop reads data: %d", b.status)
			}
			for who, key := range map[string]string{"another shop": w.rival, "nobody": ""} {
				b := w.do(asked{method: "GET", path: path, key: key})
				if b.status != http.StatusNotFound && b.status != http.StatusUnauthorized || strings.Contains(string(b.body), "PDF") || b.header.Get("ETag") != "" {
					t.Errorf("%s: %s gets %d", path, who, b.status)
				}
			}
		}
	})
}
