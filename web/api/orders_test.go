package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/web/api"
)

// TestPlaceAnswers holds the answer to the contract: its members, and what is null when.
func TestPlaceAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.post("/v1/orders", "k1", exampleOrder)
		if a.status != http.StatusCreated {
			t.Fatalf("%d %s", a.status, a.body)
		}
		t.Logf("%s", a.body)
		got := a.object(t)
		for _, member := range strings.Fields("id reference status state total_cents currency payment_reference decision invoices placed_on created_at") {
			if _, ok := got[member]; !ok {
				t.Errorf("no member %s", member)
			}
		}
		v := got["invoices"].([]any)[0].(map[string]any)
		want := strings.Fields("due_on id number open_cents pay_url pdf_url send_on status total_cents")
		if names := slices.Sorted(maps.Keys(v)); !slices.Equal(names, want) {
			t.Errorf("an invoice has %v", names)
		}
		for _, null := range strings.Fields("number due_on pay_url pdf_url") {
			if v[null] != nil {
				t.Errorf("%s is %v, want null", null, v[null])
			}
		}
		if got["status"] != "accepted" || got["state"] != "placed" || v["status"] != "planned" || v["send_on"] != "2026-11-25" ||
			got["placed_on"] != "2026-11-22" || got["created_at"] != "2026-11-22T10:00:00Z" || !strings.HasPrefix(got["payment_reference"].(string), "RF") {
			t.Errorf("answer %s", a.body)
		}
		one := w.get("/v1/orders/" + got["id"].(string))
		seen := one.object(t)
		if credits, ok := seen["credits"].([]any); !ok || len(credits) != 0 {
			t.Errorf("credits are %v", seen["credits"])
		}
		delete(seen, "credits")
		if holds, ok := seen["holds"].([]any); !ok || len(holds) != 0 {
			t.Errorf("holds are %v", seen["holds"])
		}
		delete(seen, "holds")
		if payments, ok := seen["payments"].([]any); !ok || len(payments) != 0 {
			t.Errorf("payments are %v", seen["payments"])
		}
		delete(seen, "payments")
		b, err := json.Marshal(seen)
		must(t, err)
		c, err := json.Marshal(got)
		must(t, err)
		if !bytes.Equal(b, c) {
			t.Errorf("placed %s\nread %s", c, b)
		}
	})
}

// invoice returns the one invoice of an order's answer.
func invoice(t *testing.T, a answered) map[string]any {
	t.Helper()
	list, _ := a.object(t)["invoices"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return list[0].(map[string]any)
}

// TestLife follows orders through all that a shop can do to them.
func TestRemark(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const said = `"invoice_note":" PO 4471 ","customer_number":"C-2088",`
		a := w.post("/v1/orders", "k1", strings.Replace(exampleOrder, "{", "{"+said, 1))
		got := a.object(t)
		one := w.get("/v1/orders/" + got["id"].(string)).object(t)
		if a.status != http.StatusCreated || got["invoice_note"] != nil || one["invoice_note"] != "PO 4471" || one["customer_number"] != "C-2088" || one["notes"] != nil {
			t.Errorf("%s, then %v", a.body, one)
		}
		wrong := strings.NewReplacer(" PO 4471 ", strings.Repeat("é", 501), "C-2088", "a\\u0007b").Replace(said)
		b := w.post("/v1/orders", "k2", strings.Replace(exampleOrder, "{", "{"+wrong, 1))
		if b.status != http.StatusUnprocessableEntity || !bytes.Contains(b.body, []byte(`"#/invoice_note"`)) || !bytes.Contains(b.body, []byte(`"#/customer_number"`)) {
			t.Errorf("%d %s", b.status, b.body)
		}
	})
}

func TestLife(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b, c := w.placed(t, "a"), w.placed(t, "b"), w.placed(t, "c")
		started := w.post("/v1/orders/"+a+"/start", "k1", "")
		if started.status != http.StatusOK || started.object(t)["state"] != "started" || invoice(t, started)["status"] != "planned" {
			t.Errorf("start: %d %s", started.status, started.body)
		}
		if again := w.post("/v1/orders/"+a+"/start", "k2", "{}"); again.status != http.StatusOK || again.object(t)["state"] != "started" {
			t.Errorf("start again: %d %s", again.status, again.body)
		}
		if late := w.post("/v1/orders/"+a+"/cancel", "k3", ""); late.status != http.StatusConflict || late.problem(t).Code != "order-state" {
			t.Errorf("cancel what has started: %d %s", late.status, late.body)
		}
		cancelled := w.post("/v1/orders/"+b+"/cancel", "k4", "")
		if v := invoice(t, cancelled); cancelled.status != http.StatusOK || cancelled.object(t)["state"] != "cancelled" || v["status"] != "cancelled" || v["open_cents"] != 0.0 {
			t.Errorf("cancel: %d %s", cancelled.status, cancelled.body)
		}

		must(t, w.d.LetClockMove(t.Context()))
		must(t, w.d.MoveClock(t.Context(), w.place.Clock.Now().Add(73*time.Hour)))
		must(t, w.scanner.RunUntilIdle(t.Context()))
		issued := invoice(t, w.get("/v1/orders/"+a))
		if issued["status"] != "open" || issued["number"] != "S1-2026-000001" || issued["due_on"] != "2026-12-11" {
			t.Errorf("issued: %v", issued)
		}
		credited := w.post("/v1/orders/"+a+"/credits", "k5", `{"amount_cents":1000,"reason":"return"}`)
		note := credited.object(t)["credits"].([]any)[0].(map[string]any)
		if credited.status != http.StatusCreated || invoice(t, credited)["open_cents"] != 4040.0 || note["amount_cents"] != 1000.0 ||
			note["number"] != "S1-C-2026-000001" || note["reason"] != "return" || note["made_on"] != "2026-11-25" || len(note["lines"].([]any)) != 0 {
			t.Errorf("credit by amount: %d %s", credited.status, credited.body)
		}
		all := w.post("/v1/orders/"+a+"/credits", "k6", "")
		if v := invoice(t, all); v["open_cents"] != 0.0 || v["status"] != "credited" || len(all.object(t)["credits"].([]any)) != 2 {
			t.Errorf("credit of the rest: %d %s", all.status, all.body)
		}
		if none := w.post("/v1/orders/"+a+"/credits", "k7", "{}"); none.status != http.StatusConflict || none.problem(t).Code != "credit-nothing-left" {
			t.Errorf("credit of nothing: %d %s", none.status, none.body)
		}
		line := w.post("/v1/orders/"+c+"/credits", "k8", `{"lines":[{"line":1,"quantity":1}],"reason":"not_delivered"}`)
		noted := line.object(t)["credits"].([]any)[0].(map[string]any)
		if got := at(noted["lines"].([]any)[0], "quantity"); line.status != http.StatusCreated || got != "1" || invoice(t, line)["open_cents"] != 0.0 {
			t.Errorf("credit by line: %d %s", line.status, line.body)
		}
		page := w.get("/v1/orders/" + a + "/invoice.html")
		if page.status != http.StatusOK || page.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(string(page.body), "S1-2026-000001") ||
			!strings.Contains(page.header.Get("Content-Security-Policy"), "style-src 'sha256-") {
			t.Errorf("document: %d %v", page.status, page.header)
		}
	})
}

// TestFrozen_S_CHK_15_S_SEC_04: the identity of a decided order is not edited by the API.
func TestFrozen_S_CHK_15_S_SEC_04(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "a")
		before := w.contents(t)
		for _, body := range []string{"", "{}", `{"buyer":{"email":"other@example.org"}}`, "nonsense"} {
			a := w.do(asked{method: "PATCH", path: "/v1/orders/" + id, key: w.key, idempotency: "k", kind: "application/json", body: body})
			if a.status != http.StatusConflict || a.problem(t).Code != "order-frozen" {
				t.Errorf("%s: %d %s", body, a.status, a.body)
			}
		}
		if a := w.do(asked{method: "PUT", path: "/v1/orders/" + id, key: w.key}); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD, PATCH" {
			t.Errorf("PUT: %d %q", a.status, a.header.Get("Allow"))
		}
		w.unchanged(t, before)
	})
}

// TestForms: what the contract leaves open is taken in each of its forms.
func TestForms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i, change := range [][2]string{
			{`"quantity":1`, `"quantity":"1"`}, {`"quantity":1`, `"quantity":"1.0000"`},
			{`"quantity":1,"unit_price_cents":5040`, `"quantity":"0.5","unit_price_cents":10080`},
			{`"return_mark":null`, `"return_mark":"not_returnable"`}, {`,"return_mark":null`, ``}, {`"reference":"SKU-1",`, ``},
			{`"phone":"+31612345678"`, `"phone":null`}, {`"ip":"203.0.113.7"`, `"ip":"2001:db8::1"`},
			{`"buyer":`, `"delivery_address":{"street":"Laan","house_number":"2","postcode":"1000 AA","city":"Stad","country":"NL"},"terms_version":"2026-01",` +
				`"accepted_terms":{"button_text":"Order with obligation to pay","at":"2026-11-22T10:59:00+01:00"},"buyer":`},
			{`"buyer":`, `"delivery_address":null,"terms_version":null,"accepted_terms":null,"buyer":`},
			{`"reference":"1001"`, "\n\t\"reference\" : \"\\u0031001\""},
		} {
			body := strings.NewReplacer("sanne@", fmt.Sprintf("s%d@", i), "de Vries", fmt.Sprintf("Form%c", 'a'+i), "+31612345678", fmt.Sprintf("+316123456%02d", i)).
				Replace(strings.Replace(exampleOrder, change[0], change[1], 1))
			body = strings.Replace(body, "1001", fmt.Sprintf("1001-%d", i), 1)
			if a := w.post("/v1/orders", fmt.Sprintf("k%d", i), body); a.status != http.StatusCreated || a.object(t)["status"] != "accepted" {
				t.Errorf("%s: %d %s", change[1], a.status, a.body)
			}
		}
		a := w.do(asked{method: "POST", path: "/v1/orders", key: w.key, idempotency: "company", kind: "application/json; charset=UTF-8",
			body: strings.NewReplacer(`"kind":"consumer"`, `"kind":"company","company":{"name":"Voorbeeld BV","registration_number":"12345678","vat_id":"NL004495445B01"}`,
				`"birth_date":"1990-05-01",`, "", "sanne@", "firm@", "1001", "firm", "+31612345678", "+31201234567").Replace(exampleOrder)})
		if a.status != http.StatusCreated || a.object(t)["status"] != "accepted" {
			t.Errorf("a company: %d %s", a.status, a.body)
		}
		lower := w.do(asked{method: "GET", path: "/v1/orders", header: http.Header{"Authorization": {"bearer " + w.key}}})
		if lower.status != http.StatusOK {
			t.Errorf("the scheme in small letters: %d", lower.status)
		}
	})
}

// TestPages: every order once, the newest first, whatever comes in between; a cursor cannot be made.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var want []string
		for i := range 23 {
			want = append(want, w.placed(t, fmt.Sprintf("page%d", i)))
		}
		slices.Reverse(want)
		for _, limit := range []int{1, 7, 23, 100} {
			var got []string
			path := fmt.Sprintf("/v1/orders?limit=%d", limit)
			for next := path; ; {
				a := w.get(next)
				o := a.object(t)
				data := o["data"].([]any)
				for _, item := range data {
					got = append(got, item.(map[string]any)["id"].(string))
					if item.(map[string]any)["credits"] != nil {
						t.Errorf("a list shows credits: %s", a.body)
					}
				}
				if len(data) > limit {
					t.Fatalf("a page of %d", len(data))
				}
				cursor, more := o["next_cursor"].(string)
				if !more {
					break
				}
				next = path + "&cursor=" + cursor
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d: %v", limit, got)
			}
		}
		first := w.get("/v1/orders")
		if n := len(first.object(t)["data"].([]any)); n != 23 || first.object(t)["next_cursor"] != nil {
			t.Errorf("a page without a limit has %d", n)
		}
		one := w.get("/v1/orders?reference=page7")
		if data := one.object(t)["data"].([]any); len(data) != 1 || at(data[0], "reference") != "page7" {
			t.Errorf("by reference: %s", one.body)
		}
		if data := w.get("/v1/orders?reference=none").object(t)["data"].([]any); len(data) != 0 {
			t.Error("an unknown reference finds something")
		}

		cursor := w.get("/v1/orders?limit=5").object(t)["next_cursor"].(string)
		if strings.Contains(cursor, "ord_") {
			t.Errorf("cursor %s", cursor)
		}
		forged := []string{"", "A", cursor + "A", cursor[:len(cursor)-1], cursor + "="}
		for i := range cursor {
			for _, other := range "Ab9-" {
				if other != rune(cursor[i]) {
					forged = append(forged, cursor[:i]+string(other)+cursor[i+1:])
				}
			}
		}
		for _, f := range forged[1:] {
			a := w.get("/v1/orders?limit=5&cursor=" + f)
			if a.status != http.StatusBadRequest || a.problem(t).Code != "cursor" {
				t.Errorf("cursor %s for %s: %d", f, cursor, a.status)
			}
		}
		if a := w.do(asked{method: "GET", path: "/v1/orders?cursor=" + cursor, key: w.rival}); a.status != http.StatusBadRequest || a.problem(t).Code != "cursor" {
			t.Errorf("another shop's cursor: %d", a.status)
		}

		// Once another key signs, the pages that somebody is reading go on; once the old one is gone, they begin again.
		for status, keys := range map[int][][]byte{200: {[]byte("a new key"), w.config.CursorKeys[0]}, 400: {[]byte("a new key")}} {
			c := w.config
			c.CursorKeys = keys
			w.handler = api.New(c)
			if a := w.get("/v1/orders?limit=5&cursor=" + cursor); a.status != status {
				t.Errorf("with %d keys: %d, not %d", len(keys), a.status, status)
			}
		}
	})
}

// TestHeaders: what every answer carries, good or bad.
func TestHeaders(t *testing.T) {
	w := newWorld(t, "sqlite")
	id := w.placed(t, "a")
	seen := map[string]bool{}
	for _, path := range []string{"/v1/orders", "/v1/orders/" + id, "/v1/orders/ord_1", "/v1/nothing", "/v1/docs", "/v1/openapi.json", "/problems/order"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE"} {
			a := w.do(asked{method: method, path: path, key: w.key})
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s %s: %s is %q", method, path, name, got)
				}
			}
			if policy := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s %s: policy %q", method, path, policy)
			}
			request := a.header.Get("Request-Id")
			if !strings.HasPrefix(request, "req_") || seen[request] {
				t.Errorf("%s %s: request %q", method, path, request)
			}
			seen[request] = true
			if (method == "OPTIONS" || method == "TRACE") && path != "/v1/nothing" && a.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s answers %d", method, path, a.status)
			}
		}
	}
}
