package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"achteraf/internal/db/dbtest"
)

// printed is the order of the contract, to the byte as outside programs send it.
const printed = `{"reference":"1001","currency":"EUR","prices":"incl_vat","total_cents":5040,
 "lines":[{"reference":"SKU-1","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
 "buyer":{"kind":"consumer","email":"sanne@example.org","language":"nl","phone":"+31612345678","ip":"203.0.113.7","name":{"first":"Sanne","last":"de Vries"},"birth_date":"1990-05-01",
          "address":{"street":"Dorpsstraat","house_number":"1","house_number_suffix":"A","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`

// TestDemoWithAPast: whoever starts a demo finds a shop without orders of others, has the printed order and more accepted
// for its buyer, gets the mails of these alone, and has books that agree. The second start leaves the past as it is.
func TestDemoWithAPast(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			dir := t.TempDir()
			url := emptyDatabase(t, engine, dir)
			for start := range 2 {
				var line demoLine
				p, err := launch(os.Environ(), dir, func(text []byte, out bool) bool { return out && json.Unmarshal(text, &line) == nil },
					"demo", "--json", "--listen", "127.0.0.1:0", "--database-url", url)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(p.kill)
				c := &shopClient{line.URL, line.APIKey, http.DefaultClient}
				if start == 0 {
					useDemo(t, c, line)
				}
				got, err := c.ask(t.Context(), "GET", "/v1/orders", "", nil)
				var list struct{ Data []json.RawMessage }
				if err != nil || json.Unmarshal(got.text, &list) != nil || len(list.Data) != 3 {
					t.Errorf("start %d: the shop has %d orders, %v", start, len(list.Data), err)
				}
				if err := p.stop(); err != nil {
					t.Error(err)
				}
				said, err := runCommand(os.Environ(), dir, "verify", "--database-url", url)
				if err != nil || !strings.Contains(said, "Everything agrees") {
					t.Errorf("start %d: %s %v", start, said, err)
				}
			}
		})
	}
}

// useDemo does what an outside program does first.
func useDemo(t *testing.T, c *shopClient, line demoLine) {
	t.Helper()
	ask := func(method, path, key, body string) []byte {
		t.Helper()
		var text []byte
		if body != "" {
			text = []byte(body)
		}
		got, err := c.ask(t.Context(), method, path, key, text)
		if err != nil || got.status >= 300 {
			t.Fatalf("%s %s: %d %s %v", method, path, got.status, got.text, err)
		}
		return got.text
	}
	if page := ask("GET", strings.TrimPrefix(line.ShopURL, line.URL), "", ""); !strings.Contains(string(page), "Kleigoed") {
		t.Error("there is no web shop")
	}
	if list := ask("GET", "/v1/orders", "", ""); !strings.Contains(string(list), `"data":[]`) {
		t.Errorf("the shop is not empty: %s", list)
	}
	for i, body := range []string{printed, strings.NewReplacer(`"1001"`, `"1002"`, "5040", "20000").Replace(printed), strings.NewReplacer(`"1001"`, `"1003"`, "5040", "40000").Replace(printed)} {
		if got := ask("POST", "/v1/orders", "first-"+string(rune('a'+i)), body); !strings.Contains(string(got), `"status":"accepted"`) {
			t.Errorf("order %d: %s", i, got)
		}
	}
	ask("POST", strings.TrimPrefix(line.ClockURL, line.URL), "", `{"advance":"72h"}`)
	var box struct {
		Messages []struct{ To, Subject string }
	}
	if err := json.Unmarshal(ask("GET", "/demo/mailbox/messages.json", "", ""), &box); err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, m := range box.Messages {
		if m.To == line.BuyerEmail {
			mine++
		}
	}
	if mine != 6 { // three orders: each confirmed, and its invoice
		t.Errorf("%d mails for %s: %+v", mine, line.BuyerEmail, box.Messages)
	}
}
