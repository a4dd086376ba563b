package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
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
			at := emptyDatabase(t, engine, dir)
			for start := range 2 {
				var line demoLine
				p, err := launch(os.Environ(), dir, func(text []byte, out bool) bool { return out && json.Unmarshal(text, &line) == nil },
					"demo", "--json", "--listen", "127.0.0.1:0", "--database-url", at)
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
				said, err := runCommand(os.Environ(), dir, "verify", "--database-url", at)
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
	for i, body := range []string{printed, strings.NewReplacer(`"1001"`, `"1002"`, "5040", "20000").Replace(printed), strings.NewReplacer(`"1001"`, `"1003"`, "5040", "49960").Replace(printed)} {
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

// TestBuyInTheDemo: a visitor without script buys in the web shop in each language, through the real checkout,
// plays the shop that sends the parcel, and the bill comes when time has passed.
func TestBuyInTheDemo(t *testing.T) {
	p, line, err := startDemo(os.Environ(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	for i, lang := range []string{"nl", "fr", "en", "de"} {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		v := &visitor{t, &http.Client{Jar: jar}, line.URL}
		v.post("/demo/shop/basket?lang="+lang, url.Values{"good": {"mug"}, "quantity": {"2"}, "do": {"add"}})
		till := v.post("/demo/shop/pay?lang="+lang, nil)
		action := v.find(till, `<form class="[^"]*till[^"]*" action="([^"]+)"`)
		attempt := v.find(till, `name="attempt" value="(\d+)"`)
		email := fmt.Sprintf("visitor%d@example.org", i)
		said := v.post(action, url.Values{"attempt": {attempt}, "kind": {"consumer"}, "first": {"Sam"}, "last": {fmt.Sprintf("Bezoeker %d", i)}, "email": {email},
			"birth": {"1-5-1990"}, "street": {"Dorpsstraat"}, "house": {fmt.Sprint(i + 10)}, "postcode": {"1234 AB"}, "city": {"Voorbeeld"}, "country": {"NL"}})
		back := v.find(said, `href="([^"]*/demo/shop/thanks/[^"]*)"`)
		thanks := v.get(back)
		if !strings.Contains(thanks, `<html lang="`+lang+`"`) || !strings.Contains(thanks, `verdict--yes`) {
			t.Errorf("%s: no thanks: %s", lang, thanks)
		}
		if sent := v.post(v.find(thanks, `action="(/demo/shop/thanks/[^"]*)"`), nil); strings.Contains(sent, `action="/demo/shop/thanks/`) {
			t.Errorf("%s: the parcel is not on its way", lang)
		}
		if basket := v.get("/demo/shop/basket?lang=" + lang); strings.Contains(basket, "/goods/mug") {
			t.Errorf("%s: the basket is not empty", lang)
		}
	}
	v := &visitor{t, http.DefaultClient, line.URL}
	v.post("/demo/clock/move", url.Values{"days": {"3"}})
	var box struct{ Messages []struct{ To string } }
	if err := json.Unmarshal([]byte(v.get("/demo/mailbox/messages.json")), &box); err != nil || len(box.Messages) != 8 {
		t.Errorf("%d mails, not a confirmation and a bill for each of four: %v", len(box.Messages), err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// visitor is somebody with a browser that has no script.
type visitor struct {
	t    *testing.T
	http *http.Client
	base string
}

func (v *visitor) get(path string) string { return v.ask(http.MethodGet, path, nil) }
func (v *visitor) post(path string, form url.Values) string {
	return v.ask(http.MethodPost, path, form)
}

func (v *visitor) ask(method, path string, form url.Values) string {
	v.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = v.base + path
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.base)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	got, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK {
		v.t.Fatalf("%s %s: %d %s %v", method, path, got.StatusCode, text, err)
	}
	return string(text)
}

// find is what a pattern's group finds in a page.
func (v *visitor) find(page, pattern string) string {
	v.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		v.t.Fatalf("the page has no %s: %s", pattern, page)
	}
	return html.UnescapeString(m[1])
}
