package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// bad is a wrong message to POST /v1/orders: the example with something changed.
type bad struct {
	name   string
	old    string // of the example; "" when body is the whole message
	new    string
	body   string
	status int
	code   string
	wrong  []string // "pointer code" of each field
}

func (b bad) message() string {
	if b.old == "" {
		return b.body
	}
	out := strings.Replace(exampleOrder, b.old, b.new, 1)
	if out == exampleOrder {
		panic(b.name + ": changes nothing")
	}
	return out
}

var (
	deep  = `{"lines":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`
	huge  = `{"reference":"` + strings.Repeat("x", 65<<10) + `"}`
	line  = `{"reference":"SKU-1","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}`
	firm  = `"kind":"company"`
	brand = `{"name":"Voorbeeld BV","registration_number":"12345678"}`
)

var badOrders = []bad{
	{"nothing", "", "", "", 400, "json", []string{"# syntax"}},
	{"not JSON", "", "", `reference=1001`, 400, "json", []string{"# syntax"}},
	{"cut off", "", "", exampleOrder[:200], 400, "json", []string{"#/lines/0 syntax"}},
	{"something behind it", "", "", exampleOrder + `x`, 400, "json", []string{"# syntax"}},
	{"two messages", "", "", exampleOrder + exampleOrder, 400, "json", []string{"# syntax"}},
	{"a comment", `"prices"`, `/* */"prices"`, "", 400, "json", []string{"# syntax"}},
	{"a number with a zero before it", `"quantity":1`, `"quantity":01`, "", 400, "json", []string{"#/lines/0 syntax"}},
	{"invalid UTF-8", "Running", "Runn\xffing", "", 400, "json", []string{"#/lines/0/description syntax"}},
	{"half of a surrogate pair", "Running", `\ud800`, "", 400, "json", []string{"#/lines/0/description syntax"}},
	{"a member twice", `"prices":"incl_vat"`, `"prices":"incl_vat","prices":"excl_vat"`, "", 400, "json", []string{"#/prices duplicate"}},
	{"a member twice inside", `"first":"Sanne"`, `"first":"Sanne","first":"Sanne"`, "", 400, "json", []string{"#/buyer/name/first duplicate"}},
	{"too deep", "", "", deep, 400, "body-too-deep", nil},
	{"deep in a string is not deep", `"reference":"1001"`, `"reference":"` + strings.Repeat("[{", 20) + `\"", "currency":1`, "", 422, "fields", []string{"#/currency type"}},
	{"too large", "", "", huge, 413, "body-too-large", nil},

	{"a list", "", "", `[]`, 422, "fields", []string{"# type"}},
	{"a text", "", "", `"order"`, 422, "fields", []string{"# type"}},
	{"null", "", "", `null`, 422, "fields", []string{"#/total_cents required"}},
	{"an empty object", "", "", `{}`, 422, "fields", []string{"#/total_cents required"}},
	{"an unknown member", `"prices"`, `"price":1,"prices"`, "", 422, "fields", []string{"#/price unknown-member"}},
	{"an unknown member inside", `"kind":"goods"`, `"kind":"goods","colour":"red"`, "", 422, "fields", []string{"#/lines/0/colour unknown-member"}},
	{"an unknown member whose name may be anything", `"prices"`, `"sanne@example.org":1,"prices"`, "", 422, "fields", []string{"# unknown-member"}},
	{"an unknown member that is a number", `"prices"`, `"0612345678":1,"prices"`, "", 422, "fields", []string{"# unknown-member"}},
	{"a member in other case", `"prices"`, `"Prices"`, "", 422, "fields", []string{"# unknown-member"}},
	{"authority in the message", `"prices"`, `"merchant_id":"mer_1","prices"`, "", 422, "fields", []string{"#/merchant_id unknown-member"}},
	{"text for a number", `"total_cents":5040`, `"total_cents":"5040"`, "", 422, "fields", []string{"#/total_cents type"}},
	{"null for a number", `"total_cents":5040`, `"total_cents":null`, "", 422, "fields", []string{"#/total_cents type"}},
	{"a fraction of a cent", `"total_cents":5040`, `"total_cents":5040.5`, "", 422, "fields", []string{"#/total_cents type"}},
	{"a whole number with a point", `"total_cents":5040`, `"total_cents":5040.0`, "", 422, "fields", []string{"#/total_cents type"}},
	{"an exponent", `"total_cents":5040`, `"total_cents":5.04e3`, "", 422, "fields", []string{"#/total_cents type"}},
	{"more than 64 bits", `"total_cents":5040`, `"total_cents":9223372036854775808`, "", 422, "fields", []string{"#/total_cents amount"}},
	{"all of 64 bits", `"total_cents":5040`, `"total_cents":9223372036854775807`, "", 422, "fields", []string{"#/total_cents amount"}},
	{"the least of 64 bits", `"unit_price_cents":5040`, `"unit_price_cents":-9223372036854775808`, "", 422, "fields", []string{"#/lines/0/unit_price_cents amount", "#/lines/0/unit_price_cents amount"}},
	{"a number for text", `"reference":"1001"`, `"reference":1001`, "", 422, "fields", []string{"#/reference type"}},
	{"an object for text", `"city":"Voorbeeld"`, `"city":{}`, "", 422, "fields", []string{"#/buyer/address/city type"}},
	{"a list for an object", `"name":{"first":"Sanne","last":"de Vries"}`, `"name":[]`, "", 422, "fields", []string{"#/buyer/name type"}},
	{"an object for a list", `"lines":[`, `"lines":{},"lines2":[`, "", 422, "fields", []string{"#/lines type"}},
	{"true for a quantity", `"quantity":1`, `"quantity":true`, "", 422, "fields", []string{"#/lines/0/quantity type"}},
	{"a broken quantity", `"quantity":1`, `"quantity":1.5`, "", 422, "fields", []string{"#/lines/0/quantity type"}},
	{"a price left out", `,"unit_price_cents":5040`, ``, "", 422, "fields", []string{"#/lines/0/unit_price_cents required"}},
	{"a total left out", `"total_cents":5040,`, ``, "", 422, "fields", []string{"#/total_cents required"}},

	{"no reference", `"reference":"1001"`, `"reference":"  "`, "", 422, "fields", []string{"#/reference required"}},
	{"a long reference", `"reference":"1001"`, `"reference":"` + strings.Repeat("é", 65) + `"`, "", 422, "fields", []string{"#/reference too-long"}},
	{"a nul in it", `"reference":"1001"`, `"reference":"a\u0000b"`, "", 422, "fields", []string{"#/reference characters"}},
	{"unknown currency", `"currency":"EUR"`, `"currency":"XXX"`, "", 422, "fields", []string{"#/currency currency"}},
	{"no prices", `"prices":"incl_vat"`, `"prices":"both"`, "", 422, "fields", []string{"#/prices unknown"}},
	{"nothing to pay", `"total_cents":5040`, `"total_cents":0`, "", 422, "fields", []string{"#/total_cents amount"}},
	{"less than nothing", `"total_cents":5040`, `"total_cents":-5040`, "", 422, "fields", []string{"#/total_cents amount"}},
	{"too much", `"total_cents":5040`, `"total_cents":10000000001`, "", 422, "fields", []string{"#/total_cents amount"}},
	{"a total that does not add up", `"total_cents":5040`, `"total_cents":5041`, "", 422, "fields", []string{"#/total_cents total"}},
	{"a product that overflows", `"quantity":1,"unit_price_cents":5040`, `"quantity":1000000,"unit_price_cents":10000000000`, "", 422, "fields", []string{"#/lines/0/unit_price_cents amount"}},
	{"a negative price of goods", `"unit_price_cents":5040`, `"unit_price_cents":-5040`, "", 422, "fields", []string{"#/lines/0/unit_price_cents negative"}},
	{"a discount above nothing", `"kind":"goods"`, `"kind":"discount"`, "", 422, "fields", []string{"#/lines/0/unit_price_cents positive"}},
	{"no lines", line, ``, "", 422, "fields", []string{"#/lines lines"}},
	{"too many lines", line, strings.TrimSuffix(strings.Repeat(line+",", 501), ","), "", 413, "body-too-large", nil},
	{"too many short lines", line, strings.TrimSuffix(strings.Repeat("{},", 501), ","), "", 422, "fields", []string{"#/lines lines"}},
	{"unknown kind of line", `"kind":"goods"`, `"kind":"gift"`, "", 422, "fields", []string{"#/lines/0/kind unknown"}},
	{"no description", `"description":"Running shoes"`, `"description":""`, "", 422, "fields", []string{"#/lines/0/description required"}},
	{"a long description", "Running shoes", strings.Repeat("x", 201), "", 422, "fields", []string{"#/lines/0/description too-long"}},
	{"nothing sold", `"quantity":1`, `"quantity":0`, "", 422, "fields", []string{"#/lines/0/quantity quantity"}},
	{"less than nothing sold", `"quantity":1`, `"quantity":-1`, "", 422, "fields", []string{"#/lines/0/quantity type"}},
	{"a quantity in words", `"quantity":1`, `"quantity":"one"`, "", 422, "fields", []string{"#/lines/0/quantity quantity"}},
	{"a quantity left out", `"quantity":1,`, ``, "", 422, "fields", []string{"#/lines/0/quantity quantity"}},
	{"five decimals", `"quantity":1`, `"quantity":"1.00001"`, "", 422, "fields", []string{"#/lines/0/quantity quantity"}},
	{"a VAT rate that is none", `"vat_percent":"21"`, `"vat_percent":"21%"`, "", 422, "fields", []string{"#/lines/0/vat_percent vat-percent"}},
	{"a return mark that is none", `"return_mark":null`, `"return_mark":"yes"`, "", 422, "fields", []string{"#/lines/0/return_mark unknown"}},

	{"unknown kind of buyer", `"kind":"consumer"`, `"kind":"robot"`, "", 422, "fields", []string{"#/buyer/kind unknown"}},
	{"no e-mail address", `sanne@example.org`, `sanne`, "", 422, "fields", []string{"#/buyer/email email"}},
	{"no language of ours", `"language":"nl"`, `"language":"es"`, "", 422, "fields", []string{"#/buyer/language language"}},
	{"no telephone number", `+31612345678`, `call me`, "", 422, "fields", []string{"#/buyer/phone phone"}},
	{"no network address", `203.0.113.7`, `203.0.113.700`, "", 422, "fields", []string{"#/buyer/ip ip"}},
	{"no name", `"name":{"first":"Sanne","last":"de Vries"},`, ``, "", 422, "fields", []string{"#/buyer/name/first required", "#/buyer/name/last required"}},
	{"no date of birth", `"birth_date":"1990-05-01",`, ``, "", 422, "fields", []string{"#/buyer/birth_date required"}},
	{"a date that there is not", `1990-05-01`, `1990-02-30`, "", 422, "fields", []string{"#/buyer/birth_date date"}},
	{"a date in other order", `1990-05-01`, `01-05-1990`, "", 422, "fields", []string{"#/buyer/birth_date date"}},
	{"a number for a date", `"1990-05-01"`, `19900501`, "", 422, "fields", []string{"#/buyer/birth_date type"}},
	{"born tomorrow", `1990-05-01`, `2026-11-23`, "", 422, "fields", []string{"#/buyer/birth_date future"}},
	{"born long ago", `1990-05-01`, `1890-05-01`, "", 422, "fields", []string{"#/buyer/birth_date past"}},
	{"no house number", `"house_number":"1",`, ``, "", 422, "fields", []string{"#/buyer/address/house_number required"}},
	{"a house number that is none", `"house_number":"1"`, `"house_number":"x"`, "", 422, "fields", []string{"#/buyer/address/house_number house-number"}},
	{"a postcode that is none", `1234 AB`, `0234 AB`, "", 422, "fields", []string{"#/buyer/address/postcode postcode"}},
	{"a postcode of another country", `"country":"NL"`, `"country":"BE"`, "", 422, "fields", []string{"#/buyer/address/postcode postcode"}},
	{"no country", `"country":"NL"`, `"country":"Netherlands"`, "", 422, "fields", []string{"#/buyer/address/country country"}},
	{"a consumer with a company", `"kind":"consumer"`, `"company":` + brand + `,"kind":"consumer"`, "", 422, "fields", []string{"#/buyer/company not-allowed"}},
	{"a company without one", `"kind":"consumer"`, firm, "", 422, "fields", []string{"#/buyer/birth_date not-allowed", "#/buyer/company required"}},
	{"a company with a wrong number", `"kind":"consumer"`, `"company":{"name":"V","registration_number":"12","vat_id":"NL000000000B00"},` + firm, "", 422, "fields",
		[]string{"#/buyer/birth_date not-allowed", "#/buyer/company/registration_number registration-number", "#/buyer/company/vat_id vat-id"}},

	{"a delivery address without a street", `"buyer":`, `"delivery_address":{"house_number":"1","postcode":"1234 AB","city":"V","country":"NL"},"buyer":`, "", 422, "fields", []string{"#/delivery_address/street required"}},
	{"a delivery address that is a text", `"buyer":`, `"delivery_address":"home","buyer":`, "", 422, "fields", []string{"#/delivery_address type"}},
	{"terms accepted by nothing", `"buyer":`, `"accepted_terms":{},"buyer":`, "", 422, "fields", []string{"#/accepted_terms/button_text required", "#/accepted_terms/at required"}},
	{"terms accepted tomorrow", `"buyer":`, `"accepted_terms":{"button_text":"Order","at":"2026-11-23T10:00:00Z"},"buyer":`, "", 422, "fields", []string{"#/accepted_terms/at future"}},
	{"terms accepted at no moment", `"buyer":`, `"accepted_terms":{"button_text":"Order","at":"now"},"buyer":`, "", 422, "fields", []string{"#/accepted_terms/at instant"}},
	{"a long version of the terms", `"buyer":`, `"terms_version":"` + strings.Repeat("x", 41) + `","buyer":`, "", 422, "fields", []string{"#/terms_version too-long"}},
	{"everything at once", `"currency":"EUR","prices":"incl_vat"`, `"currency":"","prices":""`, "", 422, "fields", []string{"#/currency currency", "#/prices unknown"}},
}

// TestBadOrders_S_CHK_14: each is a problem with its code and its place, and changes nothing.
func TestBadOrders_S_CHK_14(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.placed(t, "before") // so that a block of payment references is leased
		before := w.contents(t)
		for i, b := range badOrders {
			t.Run(b.name, func(t *testing.T) {
				w.t = t
				a := w.post("/v1/orders", fmt.Sprintf("bad-%d", i), b.message())
				p := a.problem(t)
				var wrong []string
				for _, e := range p.Errors {
					wrong = append(wrong, e.Pointer+" "+e.Code)
				}
				if a.status != b.status || p.Code != b.code || !slices.Equal(wrong, b.wrong) {
					t.Errorf("answers %d %s %v, want %d %s %v", a.status, p.Code, wrong, b.status, b.code, b.wrong)
				}
			})
		}
		w.t = t
		w.unchanged(t, before)
		if a := w.post("/v1/orders", "bad-0", exampleOrder); a.status != http.StatusCreated {
			t.Errorf("a key is used up by a wrong message: %d %s", a.status, a.body)
		}
	})
}

// TestBadRequests: what is wrong around the message.
func TestBadRequests(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.placed(t, "before")
		w.scope(t, id)
		before := w.contents(t)
		good := asked{method: "POST", path: "/v1/orders", key: w.key, idempotency: "k1", kind: "application/json", body: exampleOrder}
		with := func(change func(*asked)) asked {
			q := good
			change(&q)
			return q
		}
		get := func(path string) asked { return asked{method: "GET", path: path, key: w.key} }
		for _, c := range []struct {
			name   string
			ask    asked
			status int
			code   string
		}{
			{"no content type", with(func(q *asked) { q.kind = "" }), 415, "content-type"},
			{"a form", with(func(q *asked) { q.kind = "application/x-www-form-urlencoded" }), 415, "content-type"},
			{"text", with(func(q *asked) { q.kind = "text/plain; x=application/json" }), 415, "content-type"},
			{"another encoding", with(func(q *asked) { q.kind = "application/json; charset=latin1" }), 415, "content-type"},
			{"no idempotency key", with(func(q *asked) { q.idempotency = "" }), 400, "idempotency-key-missing"},
			{"a long idempotency key", with(func(q *asked) { q.idempotency = strings.Repeat("k", 256) }), 400, "idempotency-key-form"},
			{"an idempotency key with a space", with(func(q *asked) { q.idempotency = "a b" }), 400, "idempotency-key-form"},
			{"an idempotency key beyond ASCII", with(func(q *asked) { q.idempotency = "clé" }), 400, "idempotency-key-form"},
			{"a path that goes up", get("/v1/orders/../orders"), 404, "route"},
			{"a slash too many", get("/v1/orders/"), 404, "route"},
			{"two slashes", get("/v1//orders"), 404, "route"},
			{"nothing there", get("/v1/payments"), 404, "route"},
			{"the root", get("/v1/"), 404, "route"},
			{"a method that it does not know", asked{method: "DELETE", path: "/v1/orders/" + id, key: w.key}, 405, "method"},
			{"a method by header", asked{method: "GET", path: "/v1/orders/" + id + "/cancel", key: w.key, header: http.Header{"X-Http-Method-Override": {"POST"}}}, 405, "method"},
			{"no such order", get("/v1/orders/ord_0000000000000000000"), 404, "order"},
			{"an attempt", get("/v1/orders/att_0000000000000000000"), 404, "order"},
			{"a nul in the id", get("/v1/orders/ord_\x00"), 404, "order"},
			{"invalid UTF-8 in the id", get("/v1/orders/ord_\xff"), 404, "order"},
			{"a quote in the id", get("/v1/orders/ord_' or 1=1"), 404, "order"},
			{"a long id", get("/v1/orders/ord_" + strings.Repeat("0", 5000)), 404, "order"},
			{"limit 0", get("/v1/orders?limit=0"), 400, "query"},
			{"limit 101", get("/v1/orders?limit=101"), 400, "query"},
			{"limit in words", get("/v1/orders?limit=all"), 400, "query"},
			{"a limit twice", get("/v1/orders?limit=1&limit=2"), 400, "query"},
			{"an unknown word", get("/v1/orders?offset=5"), 400, "query"},
			{"a broken escape", get("/v1/orders?limit=%zz"), 400, "query"},
			{"a semicolon", get("/v1/orders?limit=1;cursor=x"), 400, "query"},
			{"no reference", get("/v1/orders?reference="), 400, "query"},
			{"a nul in the reference", get("/v1/orders?reference=a%00"), 400, "query"},
			{"invalid UTF-8 in the reference", get("/v1/orders?reference=%ff"), 400, "query"},
			{"a cursor of another's making", get("/v1/orders?cursor=b3JkXzE"), 400, "cursor"},
			{"a cursor that is no base64", get("/v1/orders?cursor=!!"), 400, "cursor"},
			{"an edit", asked{method: "PATCH", path: "/v1/orders/" + id, key: w.key, kind: "application/json", body: `{"buyer":{"email":"x@example.org"}}`}, 409, "order-frozen"},
			{"an edit of what is not there", asked{method: "PATCH", path: "/v1/orders/ord_1", key: w.key}, 404, "order"},
			{"a start of what is not there", with(func(q *asked) { q.path, q.body = "/v1/orders/ord_1/start", "{}" }), 404, "order"},
			{"a start with a message", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/start", `{"now":true}` }), 422, "fields"},
			{"a credit of nothing", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"amount_cents":0}` }), 422, "fields"},
			{"a credit of null", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"amount_cents":null}` }), 422, "fields"},
			{"a credit of no lines", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"lines":[]}` }), 422, "fields"},
			{"a credit of null lines", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"lines":null}` }), 422, "fields"},
			{"a credit of less than nothing", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"amount_cents":-1}` }), 422, "fields"},
			{"a credit of too much", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"amount_cents":5041}` }), 422, "credit-amount"},
			{"a credit of both", with(func(q *asked) {
				q.path, q.body = "/v1/orders/"+id+"/credits", `{"amount_cents":1,"lines":[{"line":1,"quantity":1}]}`
			}), 422, "credit-both"},
			{"a credit of a line that is not there", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"lines":[{"line":2,"quantity":1}]}` }), 422, "credit-lines"},
			{"a credit of more than was sold", with(func(q *asked) {
				q.path, q.body = "/v1/orders/"+id+"/credits", `{"lines":[{"line":1,"quantity":"1.5"}]}`
			}), 422, "credit-lines"},
			{"a credit of a line without a number", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"lines":[{"quantity":"1"}]}` }), 422, "fields"},
			{"a hold of no days", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/hold", `{}` }), 422, "fields"},
			{"a hold of too many days", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/hold", `{"days":15}` }), 422, "fields"},
			{"a hold of null days", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/hold", `{"days":null}` }), 422, "fields"},
			{"a hold for a reason of one's own", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/hold", `{"days":1,"reason":"x"}` }), 422, "fields"},
			{"a resume of what is not held", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/resume", `{}` }), 409, "hold-lifted"},
			{"a payment of nothing", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/payments", `{}` }), 422, "fields"},
			{"a payment of less", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/payments", `{"amount_cents":-1}` }), 422, "fields"},
			{"a payment of too much", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/payments", `{"amount_cents":5041}` }), 422, "payment-amount"},
			{"a payment tomorrow", with(func(q *asked) {
				q.path, q.body = "/v1/orders/"+id+"/payments", `{"amount_cents":1,"paid_on":"2026-11-23"}`
			}), 422, "fields"},
			{"a payment before the order", with(func(q *asked) {
				q.path, q.body = "/v1/orders/"+id+"/payments", `{"amount_cents":1,"paid_on":"2026-11-21"}`
			}), 422, "fields"},
			{"a payment with a long word", with(func(q *asked) {
				q.path, q.body = "/v1/orders/"+id+"/payments", `{"amount_cents":1,"description":"1234567890123456789012345678901"}`
			}), 422, "fields"},
			{"a payment with a nul", with(func(q *asked) {
				q.path, q.body = "/v1/orders/"+id+"/payments", `{"amount_cents":1,"description":"a\u0000"}`
			}), 422, "fields"},
			{"no such payment", with(func(q *asked) { q.path, q.body = "/v1/payments/rcp_1/reverse", `{}` }), 404, "payment"},
			{"a payment that is none", with(func(q *asked) { q.path, q.body = "/v1/payments/"+id+"/reverse", `{}` }), 404, "payment"},
			{"a message of nothing", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/messages", `{}` }), 422, "fields"},
			{"a message of spaces", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/messages", `{"text":" \n"}` }), 422, "fields"},
			{"a long message", with(func(q *asked) {
				q.path, q.body = "/v1/orders/"+id+"/messages", `{"text":"`+strings.Repeat("x", 1001)+`"}`
			}), 422, "fields"},
			{"a message with a nul", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/messages", `{"text":"a\u0000b"}` }), 422, "fields"},
			{"a credit for no reason", with(func(q *asked) { q.path, q.body = "/v1/orders/"+id+"/credits", `{"reason":"because"}` }), 422, "credit-reason"},
		} {
			t.Run(c.name, func(t *testing.T) {
				w.t = t
				a := w.do(c.ask)
				if p := a.problem(t); a.status != c.status || p.Code != c.code {
					t.Errorf("answers %d %s, want %d %s: %s", a.status, p.Code, c.status, c.code, a.body)
				}
				if c.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
					t.Error("does not say what is allowed")
				}
			})
		}
		w.t = t
		w.unchanged(t, before)
	})
}

// scope checks that an order is there.
func (w *world) scope(t *testing.T, id string) {
	t.Helper()
	if a := w.get("/v1/orders/" + id); a.status != http.StatusOK {
		t.Fatalf("order %s: %d %s", id, a.status, a.body)
	}
}
