package older

import (
	"strings"
	"testing"
	"unicode/utf8"

	"achteraf/internal/db"
)

// TestReadJSON: members as they are spelled, numbers as texts and the reverse, and no member that matters twice.
func TestReadJSON(t *testing.T) {
	for _, c := range []struct{ body, name, want string }{
		{`{"billinkID":"a"}`, "BILLINKID", "a"}, {`{"BILLINKid":"a"}`, "BILLINKID", "a"}, {`{"billink_id":7}`, "BILLINKID", "7"},
		{`{"a":" x "}`, "A", "x"}, {`{"a":null,"A":"2"}`, "A", "2"}, {`{"a":"1","a":"2"}`, "A", "1"}, {`{"a":true}`, "A", "true"},
		{`{"a":1.50}`, "A", "1.50"}, {`{"a":1.05e2}`, "A", "105"}, {`{"a":1.0E-5}`, "A", "0.00001"}, {`{"a":-2e+3}`, "A", "-2000"}, {`{"a":1e999999999}`, "A", "1e999999999"},
		{"\xef\xbb\xbf \n{\"a\":1}\n ", "A", "1"}, {`{"a":"Zo\u00eb"}`, "A", "Zoë"}, {"{\"a\":\"Zo\xeb\"}", "A", "Zoë"}, {`{"a":"Zo\u00c3\u00ab"}`, "A", "Zoë"},
		{`{"a":{"b":1}}`, "A", ""},
	} {
		n, err := parseJSON([]byte(c.body))
		if err != nil || n.get(c.name) != c.want {
			t.Errorf("%s: %v, %q", c.body, err, n.get(c.name))
		}
	}
	n, err := parseJSON([]byte(`{"url":" https://shop.example/%7Ba%7D?x=1&y=a+b#Zo\u00c3\u00ab "}`))
	if err != nil || n.raw("URL") != " https://shop.example/%7Ba%7D?x=1&y=a+b#ZoÃ« " {
		t.Errorf("an address has changed: %q", n.raw("URL"))
	}
}

// FuzzJSON: whatever is sent, reading it ends, within its limits, and what comes of it can be stored.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"client":{"billinkUsername":"x"}}`, `{"invoices":[{"number":1,"creditAmount":1e2}]}`, `{"a":[[[{}]]],"a":null}`, "\xef\xbb\xbf{}",
		`{"\u00e9":"\ud800"}`, "{\"x\":\"\xff\"}", `{"a":1e-20}`, `[]`, `{"a":{"a":{"a":1}}}`} {
		f.Add([]byte(s))
	}
	var deep func(n *node) (nodes, depth int)
	deep = func(n *node) (nodes, depth int) {
		for _, k := range n.kids {
			m, d := deep(k)
			nodes, depth = nodes+m, max(depth, d)
		}
		return nodes + 1, depth + 1
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := parseJSON(body)
		if err != nil {
			return
		}
		if nodes, depth := deep(n); nodes > mostNodes || depth > mostDepth+1 {
			t.Errorf("%d nodes, %d deep", nodes, depth)
		}
		for _, k := range n.kids {
			v := n.line(k.name)
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) || utf8.RuneCountInString(v) > longest {
				t.Errorf("%q cannot be stored", v)
			}
		}
	})
}

// FuzzSession: whatever a session says, its order is one that can be placed, or it is refused.
func FuzzSession(f *testing.F) {
	for _, s := range []string{`{"totalAmount":"50.39","purchaseCountry":"NL","orderItems":[{"totalProductAmount":"50.4","taxRate":"21.0000","quantity":"2.0000"}]}`,
		`{"totalAmount":5,"orderItems":[{"productAmount":-5,"quantity":"-1"},{"productAmount":"4.1999999999999993","quantity":1.5,"productTaxAmount":"1"}]}`,
		`{"totalAmount":"1","orderItems":[{"totalProductAmount":"100000000","quantity":"0.0001","taxRate":"1.21"}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := parseJSON(append(append([]byte(`{"transaction":`), body...), '}'))
		if err != nil {
			return
		}
		s := &sessionForm{formErrors: &formErrors{}, c: &call{api: n}}
		o := s.order("NL")
		if len(s.list) > 0 {
			return
		}
		sum := int64(0)
		for _, l := range o.Lines {
			sum += l.TotalCents
		}
		if wrong := o.Check(db.Tx{}.Now); sum != o.TotalCents || len(wrong) > 0 {
			t.Errorf("%s: %+v, %v", body, o, wrong)
		}
	})
}
