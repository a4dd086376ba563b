package older_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/golden"
	"achteraf/merchants"
	"achteraf/web/older"
)

// session is what a client of the JSON half remembers.
type session struct{ id, page string }

var moving = regexp.MustCompile(`"(sessionID|sessionURL|expiresAt|secret)":"[^"]+"`)

// post sends a JSON message and returns the HTTP status and the body, which must be an object.
func (w *world) post(path, body string) (int, map[string]any) {
	w.t.Helper()
	status, header, got := w.answer("POST " + path + " HTTP/1.1\nHost: x\n\n" + body)
	var out map[string]any
	if err := json.Unmarshal([]byte(got), &out); err != nil || header.Get("Location") != "" {
		w.t.Fatalf("%s answers %d %s", path, status, got)
	}
	return status, out
}

// login is the two values of an account, and more members behind them.
func login(more string) string {
	return `{"billinkUsername":"demoshop","billinkID":"{id}"` + more + `}`
}

// TestJSONClients plays what each known plug-in of the JSON half sends, with its buyer at our page in between, and holds
// every answer to the byte, but for what is drawn by chance.
func TestJSONClients(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, client := range glob(t, "testdata/json/*") {
			t.Run(filepath.Base(client), func(t *testing.T) {
				w.t = t
				var s session
				for _, request := range glob(t, client+"/*.http") {
					raw, err := os.ReadFile(request)
					w.must(err)
					status, header, got := w.answer(strings.NewReplacer("{session}", s.id, "{page}", s.page).Replace(string(raw)))
					var made struct{ SessionID, SessionURL string }
					if json.Unmarshal([]byte(got), &made) == nil && made.SessionID != "" {
						s = session{made.SessionID, strings.TrimPrefix(made.SessionURL, "https://pay.example.org")}
					}
					text := fmt.Sprintf("%d %s%s\n%s", status, header.Get("Content-Type"), header.Get("Location"), moving.ReplaceAllString(got, `"$1":"…"`))
					golden.Check(t, strings.TrimSuffix(request, ".http")+".answer", text)
				}
			})
		}
	})
}

// opening is a good message to session/create for an order number.
func opening(number string, edit ...string) string {
	body := `{"client":{"billinkUsername":"demoshop","billinkID":"{id}","workflowNumber":"1","returnURL":{"successURL":"https://shop.example/s","failURL":"https://shop.example/f?a=b%20c","cancelURL":"https://shop.example/c","backURL":""}},` +
		`"customer":{"firstName":"Sanne","lastName":"Dijk","email":"sanne@example.org","mobile":"0611223344","type":"p","birthdate":"17-03-1988"},` +
		`"billingAddress":{"street":"Lindelaan","houseNumber":"8","houseExtension":"B","postalCode":"3511AX","city":"Utrecht","countryCode":"NL"},` +
		`"transaction":{"totalAmount":"84.70","totalTaxAmount":"14.70","purchaseCountry":"NL","purchaseCurrency":"EUR","orderNumber":"` + number + `",` +
		`"orderItems":[{"code":"A","name":"Spade","totalProductAmount":"84.70","productAmount":"42.35","productTaxAmount":"7.35","taxRate":"21","quantity":"2"}]}}`
	for i := 0; i+1 < len(edit); i += 2 {
		if !strings.Contains(body, edit[i]) {
			panic(edit[i])
		}
		body = strings.Replace(body, edit[i], edit[i+1], 1)
	}
	return body
}

// open opens a session.
func (w *world) open(number string, edit ...string) session {
	w.t.Helper()
	status, out := w.post("/v2/session/create", opening(number, edit...))
	if status != 200 || out["status"] != "success" {
		w.t.Fatalf("create: %d %v", status, out)
	}
	return session{out["sessionID"].(string), strings.TrimPrefix(out["sessionURL"].(string), "https://pay.example.org")}
}

// stands is the word for a session.
func (w *world) stands(s session) string {
	w.t.Helper()
	_, out := w.post("/v2/session/status", login(`,"sessionID":"`+s.id+`"`))
	return fmt.Sprint(out["status"])
}

// orderIt presses the button of a session's page.
func (w *world) orderIt(s session) (int, string) {
	w.t.Helper()
	status, header, _ := w.answer("POST " + s.page + " HTTP/1.1\nHost: pay.example.org\nContent-Type: application/x-www-form-urlencoded\nSec-Fetch-Site: same-origin\n\n" +
		"attempt=1&kind=consumer&first=Sanne&last=Dijk&email=sanne%40example.org&birth=17-3-1988&street=Lindelaan&house=8&suffix=B&postcode=3511AX&city=Utrecht&country=NL")
	return status, header.Get("Location")
}

// TestSessions: what a plug-in hears of its session until it ends, one way or another.
func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first, second := w.open("S-1"), w.open("S-1") // the first is left to its end
		if first.id == second.id || w.stands(first) != "session_active" || w.stands(second) != "session_active" {
			t.Error("two sessions for one number are not two")
		}
		if status, to := w.orderIt(second); status != 303 || to != "https://shop.example/s" {
			t.Errorf("ordered: %d %q", status, to)
		}
		if w.stands(second) != "order_created" || w.count("orders") != 1 {
			t.Errorf("ordered: %s", w.stands(second))
		}
		if status, out := w.post("/v2/session/create", opening("S-1")); status != 400 || !strings.Contains(out["message"].(string), "transaction.orderNumber: ") {
			t.Errorf("a number that names an order: %d %v", status, out)
		}
		left := w.open("S-2")
		status, header, _ := w.answer("POST " + left.page + "/leave HTTP/1.1\nHost: pay.example.org\nContent-Type: application/x-www-form-urlencoded\nSec-Fetch-Site: same-origin\n\nx=1")
		if status != 303 || header.Get("Location") != "https://shop.example/c" || w.stands(left) != "cancelled" {
			t.Errorf("left: %d %v, %s", status, header, w.stands(left))
		}
		w.place.Clock.Advance(time.Hour + time.Second)
		if got := w.stands(first); got != "session_expired" {
			t.Errorf("after an hour: %s", got)
		}
		old := w.open("S-3")
		w.place.Clock.Advance(4 * time.Hour)
		if got := w.stands(old); got != "session_expired" {
			t.Errorf("hours later: %s", got)
		}
		for number, want := range map[string]string{"S-1": "order_created", "1ABS-1": "order_created", "1abs-2": "cancelled", "none": "error", "x\u0000": "error"} {
			body, err := json.Marshal(number)
			w.must(err)
			if _, out := w.post("/v2/session/status", login(`,"billinkInvoiceNumber":`+string(body))); out["status"] != want {
				t.Errorf("%s: %v", number, out)
			}
		}
		for _, id := range []string{"s_", "s_x'", "chk_", strings.TrimPrefix(first.id, "s_"), "s_" + strings.Repeat("0", 20)} {
			if status, out := w.post("/v2/session/status", login(`,"sessionID":"`+id+`"`)); status != 404 || out["status"] != "error" || out["message"] == "" {
				t.Errorf("%s: %d %v", id, status, out)
			}
		}
		if status, out := w.post("/v2/session/status", login("")); status != 400 || out["status"] != "error" {
			t.Errorf("nothing asked: %d %v", status, out)
		}
	})
}

// TestSessionWorkflow: a session is ordered under the contract of its workflow, and its page says so, before and after.
func TestSessionWorkflow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.write(func(ctx context.Context, tx *db.Tx) error {
			c := merchants.StandardContract()
			c.Workflow, c.DueDays = 9, 27
			_, err := merchants.AddContract(ctx, tx, w.shop, calendar.NewDate(2020, 1, 1), c)
			return err
		})
		s := w.open("W-9", `"workflowNumber":"1"`, `"workflowNumber":9`)
		look := func() string {
			_, _, page := w.answer("GET " + s.page + " HTTP/1.1\nHost: pay.example.org\nAccept-Language: nl\n\n")
			return page
		}
		if page := look(); !strings.Contains(page, "27 dagen") || strings.Contains(page, "14 dagen") {
			t.Errorf("before: %s", page)
		}
		if status, _ := w.orderIt(s); status != 303 {
			t.Fatalf("%d", status)
		}
		if page := look(); !strings.Contains(page, "27 dagen") || strings.Contains(page, "14 dagen") {
			t.Errorf("after: %s", page)
		}
	})
}

// TestSessionOfAnother: a shop does not see another's sessions.
func TestSessionOfAnother(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.open("S-1")
		w.write(func(ctx context.Context, tx *db.Tx) (err error) {
			w.id, err = w.Accounts.Open(ctx, tx, w.addShop(ctx, tx, "ander"), "ander", older.Settings{Prefix: "1AB"})
			return err
		})
		for _, by := range []string{`,"sessionID":"` + s.id + `"`, `,"invoiceNumber":"S-1"`, `,"billinkInvoiceNumber":"1ABS-1"`} {
			if status, out := w.post("/v2/session/status", strings.Replace(login(by), "demoshop", "ander", 1)); status != 404 {
				t.Errorf("%s: %d %v", by, status, out)
			}
		}
	})
}

// TestSessionFields: what is wrong is said with its field, and nothing was stored.
func TestSessionFields(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct{ old, new, want string }{
			{`"firstName":"Sanne"`, `"firstName":" "`, "customer.firstName: This value should not be blank."},
			{`"lastName":"Dijk",`, ``, "customer.lastName: This value should not be blank."},
			{`"mobile":"0611223344"`, `"mobile":null`, "customer.mobile: This value should not be blank."},
			{`"type":"p"`, `"type":"c"`, "customer.type: This value is not valid."},
			{`"type":"p"`, `"type":"b"`, "customer.company: This value should not be blank."},
			{`"workflowNumber":"1"`, `"workflowNumber":"77"`, "client.workflowNumber: This value is not valid."},
			{`"workflowNumber":"1",`, ``, "client.workflowNumber: This value should not be blank."},
			{`"successURL":"https://shop.example/s"`, `"successURL":""`, "client.returnURL.successURL: This value should not be blank."},
			{`"successURL":"https://shop.example/s"`, `"successURL":"javascript:x"`, "client.returnURL.successURL: This value is not a valid URL."},
			{`"failURL":"https://shop.example/f?a=b%20c"`, `"failURL":"no address"`, "client.returnURL.failURL: This value is not a valid URL."},
			{`"totalAmount":"84.70"`, `"totalAmount":"0"`, "transaction.totalAmount: This value is not valid."},
			{`"totalAmount":"84.70"`, `"totalAmount":"1e999999"`, "transaction.totalAmount: This value is not valid."},
			{`"purchaseCurrency":"EUR"`, `"purchaseCurrency":"SEK"`, "transaction.purchaseCurrency: This value is not valid."},
			{`"orderNumber":"S-9"`, `"orderNumber":"` + strings.Repeat("9", 51) + `"`, "transaction.orderNumber: This value is too long."},
			{`"totalProductAmount":"84.70","productAmount":"42.35"`, `"x":1`, "transaction.orderItems[0].totalProductAmount: This value is not valid."},
			{`"taxRate":"21"`, `"taxRate":"-3"`, "transaction.orderItems[0].taxRate: This value is not valid."},
			{`"orderItems":[{`, `"orderItems":[],"y":[{`, "transaction.orderItems: This value should not be blank."},
		} {
			status, out := w.post("/v2/session/create", opening("S-9", c.old, c.new))
			if text, _ := out["message"].(string); status != 400 || out["status"] != "error" || !strings.Contains(text, "The form contains the following errors: 1) ") || !strings.Contains(text, c.want) {
				t.Errorf("%s: %d %v", c.new, status, out)
			}
		}
		if w.count("checkouts") != 0 {
			t.Error("a session was opened")
		}
	})
}

// TestSessionTotal: the shop's total is what is ordered; one line corrects the others.
func TestSessionTotal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i, c := range []struct {
			total string
			lines int
			cents int64
		}{{"84.70", 1, 8470}, {"84.69", 2, 8469}, {"90", 2, 9000}, {"80.5", 2, 8050}, {"1,084.70", 2, 108470}} {
			s := w.open(fmt.Sprint("T-", i), `"totalAmount":"84.70"`, `"totalAmount":"`+c.total+`"`)
			if status, _ := w.orderIt(s); status != 303 {
				t.Fatalf("%s: %d", c.total, status)
			}
			lines, cents := w.orderOf(fmt.Sprint("T-", i))
			if lines != c.lines || cents != c.cents {
				t.Errorf("%s: %d lines, %d cents", c.total, lines, cents)
			}
			w.place.Clock.Advance(48 * time.Hour)
		}
	})
}

// orderOf is how many lines an order has, and its total.
func (w *world) orderOf(number string) (lines int, cents int64) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(w.t.Context(), `select count(*), max(o.total_cents) from orders o join order_lines l on l.order_id = o.id and l.merchant_id = o.merchant_id
			where o.reference = $1`, []any{number}, &lines, &cents)
	}))
	return lines, cents
}

// TestJSONTransport: addresses and methods as clients send them, and always an object.
func TestJSONTransport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, line := range []string{"/v2/client/webshop-settings", "//v2/client/webshop-settings", "/v2//client/webshop-settings/", "http://api.billink.nl/v2/client/webshop-settings", "/v2/client/webshop-settings?x=1"} {
			if status, out := w.post(line, login("")); status != 200 || len(out) != 5 || out["whitelist"] != false {
				t.Errorf("%s: %d %v", line, status, out)
			}
		}
		w.set(func(s *older.Settings) {
			s.Webshop = older.Webshop{Whitelist: true, MinimumPaidOrders: 10, Period: 90, AmountHigherThan: 500}
		})
		if _, out := w.post("/v2/client/webshop-settings", login("")); out["whitelist"] != true || out["minimum_paid_orders"] != 10.0 || out["period"] != 90.0 || out["total_amount_higher_than"] != 500.0 {
			t.Errorf("%v", out)
		}
		if status, out := w.post("//v2/nothing/here", login("")); status != 404 || out["status"] != "error" {
			t.Errorf("an unknown call: %d %v", status, out)
		}
		if status, header, got := w.answer("GET /v2/session/create HTTP/1.1\nHost: x\n\n"); status != 405 || header.Get("Allow") != "POST" || strings.HasPrefix(got, "{") {
			t.Errorf("GET: %d %s", status, got)
		}
		for _, body := range []string{"", " ", "null", "[]", "1", `"x"`, "{", `{"a":`, "<API></API>", `{} {}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40),
			`{"a":[` + strings.Repeat("0,", 30_000) + `0]}`, `{"a":"` + strings.Repeat("x", 1<<20) + `"}`} {
			if status, out := w.post("/v2/session/create", body); status != 400 || out["status"] != "error" {
				t.Errorf("%.40s: %d %v", body, status, out)
			}
			if status, out := w.post("/v2/client/invoice/credit", body); status != 200 || out["result"] != "ERROR" || out["error"].(map[string]any)["code"] != "601" {
				t.Errorf("%.40s: %d %v", body, status, out)
			}
		}
	})
}

// TestJSONStrangers: a bad account is refused in the way of each call, and in the same words whatever is wrong.
func TestJSONStrangers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for path, want := range map[string]struct {
			status int
			text   string
		}{
			"/v2/session/create": {404, "No client found with such billinkID or billinkUsername"}, "/v2/session/status": {404, "No client found with such billinkID or billinkUsername"},
			"/v2/client/webhook-v3/set": {404, "Client not found"}, "/v2/session/webhook-v3/set": {404, "Client not found"},
			"/v2/client/webhook-v3/secret/generate": {404, "Client not found"}, "/v2/client/invoice/credit": {200, "Unknown client username or client id"},
			"/v2/client/invoices/download": {404, "Client is not found"},
		} {
			for _, who := range []string{`"billinkUsername":"demoshop","billinkID":"wrong"`, `"billinkUsername":"nobody","billinkID":"{id}"`} {
				if status, out := w.post(path, `{`+who+`}`); status != want.status || out["message"] != want.text {
					t.Errorf("%s: %d %v", path, status, out)
				}
			}
		}
		for field, body := range map[string]string{"billinkUsername": `{"billinkID":"x"}`, "billinkID": `{"billinkUsername":"demoshop"}`} {
			if status, out := w.post("/v2/client/webhook-v3/set", body); status != 400 || out["message"] != field+" parameter missing" {
				t.Errorf("%s: %d %v", field, status, out)
			}
		}
	})
}

// TestDownload: the invoice of an order as a PDF, once it is issued.
func TestDownload(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accepted("D-1")
		year := w.place.Clock.Now().Time().Format("2006")
		ask := func(number string) (int, http.Header, string) {
			return w.answer("POST /v2/client/invoices/download HTTP/1.1\nHost: x\n\n" + login(`,"year":`+year+`,"number":"`+number+`"`))
		}
		if status, _, got := ask("D-1"); status != 400 || !strings.Contains(got, "Invoice is not found") {
			t.Errorf("before it is issued: %d %s", status, got)
		}
		w.api("start-workflow", list("D-1"))
		w.place.Clock.Advance(20 * 24 * time.Hour)
		w.must(w.Settle(t.Context()))
		for _, number := range []string{"D-1", "1ABD-1", "WINKEL-" + year + "-000001"} {
			if status, header, got := ask(number); status != 200 || header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(got, "%PDF-") {
				t.Errorf("%s: %d %.200s", number, status, got)
			}
		}
		if status, out := w.post("/v2/client/invoices/download", login(`,"year":2001,"number":"D-1"`)); status != 400 || out["message"] != "Invoice is not found" {
			t.Errorf("another year: %d %v", status, out)
		}
		if status, out := w.post("/v2/client/invoices/download", login(`,"number":"D-1"`)); status != 400 || out["message"] != "Field year is not provided" {
			t.Errorf("no year: %d %v", status, out)
		}
	})
}

// TestPaths: other addresses for calls without published ones.
func TestPaths(t *testing.T) {
	for _, c := range []struct {
		paths map[string]string
		good  bool
	}{
		{nil, true}, {map[string]string{"payment": "/v2/payments/report"}, true}, {map[string]string{"payment": "/v1/x"}, false},
		{map[string]string{"payment": "/v2/session/create"}, false}, {map[string]string{"payment": "/v2/"}, false}, {map[string]string{"payment": "/v2/x/"}, false},
		{map[string]string{"session": "/v2/x"}, false}, {map[string]string{"nothing": "/v2/x"}, false}, {map[string]string{"payment": "/v2/x", "message": "/v2/x"}, false},
	} {
		if err := older.CheckPaths(c.paths); (err == nil) != c.good {
			t.Errorf("%v: %v", c.paths, err)
		}
	}
}

// TestHostileJSON sends bodies that were broken by chance from good ones: none answers 5xx or anything but an object,
// and none changes anything.
func TestHostileJSON(t *testing.T) {
	const bodies = 10_000
	each(t, func(t *testing.T, w *world) {
		before := w.rows()
		chance := rand.New(rand.NewPCG(4, 14))
		paths := []string{"/v2/session/create", "/v2/session/status", "/v2/client/invoice/credit", "/v2/client/workflow/start", "/v2/client/webshop-settings",
			"/v2/client/invoice/payment", "/v2/client/order/on-hold", "/v2/client/webhook-v3/set", "/v2/client/webhook-v3/secret/generate", "/v2/client/dispute/create",
			"/v2/client/order/message", "/v2/client/invoices/download"}
		good := []string{opening("H-1"), login(`,"invoices":[{"number":"H-1","creditAmount":10.5}],"returnCosts":1`), login(`,"url":"https://shop.example/","days":3,"invoiceNumber":"H-1"`)}
		for range bodies {
			body := []byte(good[chance.IntN(len(good))])
			for range 1 + chance.IntN(12) {
				body = broken(chance, body)
			}
			path := paths[chance.IntN(len(paths))]
			if text := string(body); strings.Contains(text, "{id}") && (strings.HasPrefix(path, "/v2/session/create") || strings.Contains(path, "webhook")) {
				body = append([]byte("{"), body...) // a good account may open a session or set an address: break it for sure
			}
			status, _, got := w.answer("POST " + path + " HTTP/1.1\nHost: x\n\n" + string(body))
			var out map[string]any
			if err := json.Unmarshal([]byte(got), &out); err != nil || status >= 500 {
				t.Fatalf("%s %q: %d %s", path, body, status, got)
			}
		}
		if after := w.rows(); after != before {
			t.Errorf("rows before: %s, after: %s", before, after)
		}
	})
}
