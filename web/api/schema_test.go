package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// contract is the OpenAPI document as a client reads it: plain JSON, and nothing of the code that made it.
type contract struct {
	root       map[string]any
	operations []call
	patterns   sync.Map // of text, compiled
}

// matches says whether a text matches a pattern.
func (c *contract) matches(pattern, text string) bool {
	compiled, ok := c.patterns.Load(pattern)
	if !ok {
		compiled, _ = c.patterns.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	return compiled.(*regexp.Regexp).MatchString(text)
}

func contractOf(t testing.TB, w *world) *contract {
	t.Helper()
	rec := w.plain(asked{method: "GET", path: "/v1/openapi.json"})
	if rec.status != http.StatusOK {
		t.Fatalf("the document: %d", rec.status)
	}
	c := &contract{root: rec.object(t)}
	c.operations = c.calls()
	return c
}

func at(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

// call is an operation of the document.
type call struct {
	method, path string // "/v1/orders/{id}"
	operation    map[string]any
}

// calls lists the operations in a fixed order.
func (c *contract) calls() []call {
	var out []call
	for path, item := range c.root["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			out = append(out, call{strings.ToUpper(method), path, operation.(map[string]any)})
		}
	}
	slices.SortFunc(out, func(a, b call) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return out
}

// find returns the operation that a request belongs to.
func (c *contract) find(method, path string) (call, bool) {
	path, _, _ = strings.Cut(path, "?")
	for _, o := range c.operations {
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(o.path), `\{id\}`, `[^/]+`) + "$"
		if o.method == method && c.matches(pattern, path) {
			return o, true
		}
	}
	return call{}, false
}

// check holds an answer to what the document says of it: its status, its form, and of a problem its code.
func (c *contract) check(q asked, a answered) []string {
	o, ok := c.find(q.method, q.path)
	if !ok {
		return nil
	}
	response := at(o.operation, "responses", fmt.Sprint(a.status))
	if response == nil {
		return []string{fmt.Sprintf("%s %s answers %d, which is not in the document: %s", o.method, o.path, a.status, a.body)}
	}
	if a.status == http.StatusNotModified {
		return nil
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	schema, ok := at(response, "content", kind, "schema").(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s %s answers %d with %s, which is not in the document", o.method, o.path, a.status, kind)}
	}
	if kind == "text/html" || strings.HasPrefix(a.header.Get("Content-Disposition"), "inline; filename=") {
		return nil
	}
	var body any
	if err := json.Unmarshal(a.body, &body); err != nil {
		return []string{err.Error()}
	}
	wrong := c.validate(schema, body, "#")
	if code, _ := at(body, "code").(string); a.status >= 400 && !strings.Contains(at(response, "description").(string), "`"+code+"`") {
		wrong = append(wrong, fmt.Sprintf("%s %s answers %d %q, which is not in the document", o.method, o.path, a.status, code))
	}
	return wrong
}

// resolve follows references.
func (c *contract) resolve(s map[string]any) map[string]any {
	for {
		ref, ok := s["$ref"].(string)
		if !ok {
			return s
		}
		s = at(c.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).(map[string]any)
	}
}

// validate is the part of JSON Schema 2020-12 that the document uses.
func (c *contract) validate(s map[string]any, v any, where string) (wrong []string) {
	s = c.resolve(s)
	bad := func(format string, args ...any) { wrong = append(wrong, where+": "+fmt.Sprintf(format, args...)) }
	if one, ok := s["oneOf"].([]any); ok {
		fits := 0
		for _, o := range one {
			if len(c.validate(o.(map[string]any), v, where)) == 0 {
				fits++
			}
		}
		if fits != 1 {
			bad("fits %d of the forms", fits)
		}
	}
	if kinds := typesOf(s); len(kinds) > 0 && !slices.Contains(kinds, kindOf(v)) && !(kindOf(v) == "integer" && slices.Contains(kinds, "number")) {
		bad("is %s, want %v", kindOf(v), kinds)
		return wrong
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
		bad("is not one of %v", enum)
	}
	switch v := v.(type) {
	case float64:
		if least, ok := s["minimum"].(float64); ok && v < least {
			bad("is below %v", least)
		}
		if most, ok := s["maximum"].(float64); ok && v > most {
			bad("is above %v", most)
		}
	case string:
		n := float64(utf8.RuneCountInString(v))
		if least, ok := s["minLength"].(float64); ok && n < least {
			bad("is shorter than %v", least)
		}
		if most, ok := s["maxLength"].(float64); ok && n > most {
			bad("is longer than %v", most)
		}
		if p, ok := s["pattern"].(string); ok && !c.matches(p, v) {
			bad("does not match %s", p)
		}
	case []any:
		n := float64(len(v))
		if least, ok := s["minItems"].(float64); ok && n < least {
			bad("has fewer than %v items", least)
		}
		if most, ok := s["maxItems"].(float64); ok && n > most {
			bad("has more than %v items", most)
		}
		for i, item := range v {
			wrong = append(wrong, c.validate(s["items"].(map[string]any), item, fmt.Sprintf("%s/%d", where, i))...)
		}
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for _, name := range namesOf(s["required"]) {
			if _, ok := v[name]; !ok {
				bad("lacks %s", name)
			}
		}
		for name, member := range v {
			p, known := properties[name].(map[string]any)
			if !known {
				if s["additionalProperties"] == false {
					bad("has an unknown member")
				}
				continue
			}
			wrong = append(wrong, c.validate(p, member, where+"/"+name)...)
		}
	}
	return wrong
}

func typesOf(s map[string]any) []string {
	if one, ok := s["type"].(string); ok {
		return []string{one}
	}
	return namesOf(s["type"])
}

func namesOf(list any) (out []string) {
	many, _ := list.([]any)
	for _, v := range many {
		out = append(out, v.(string))
	}
	return out
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
	}
	return "number"
}

// TestSchemaChecks shows that the checks of these tests can fail.
func TestSchemaChecks(t *testing.T) {
	w := newWorld(t, "sqlite")
	c := w.contract
	order := c.root["components"].(map[string]any)["schemas"].(map[string]any)["NewOrder"].(map[string]any)
	valid := func(body string) []string {
		var v any
		must(t, json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&v))
		return c.validate(order, v, "#")
	}
	if wrong := valid(exampleOrder); len(wrong) > 0 {
		t.Errorf("the example: %v", wrong)
	}
	for _, change := range [][2]string{
		{`"currency":"EUR"`, `"currency":"USD"`}, {`"total_cents":5040`, `"total_cents":50.4`}, {`"total_cents":5040`, `"total_cents":0`},
		{`"quantity":1`, `"quantity":true`}, {`"quantity":1`, `"quantity":"x"`}, {`"prices":"incl_vat",`, ``}, {`"reference":"1001"`, `"reference":""`},
		{`"return_mark":null`, `"return_mark":"x"`}, {`{"reference":"1001"`, `{"x":1,"reference":"1001"`}, {`"language":"nl"`, `"language":null`},
	} {
		if len(valid(strings.Replace(exampleOrder, change[0], change[1], 1))) == 0 {
			t.Errorf("%s passes as %s", change[0], change[1])
		}
	}
	a := w.post("/v1/orders", "k", exampleOrder)
	a.status = 202
	if len(c.check(asked{method: "POST", path: "/v1/orders"}, a)) == 0 {
		t.Error("a status that is not documented passes")
	}
}
