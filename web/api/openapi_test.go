package api_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"achteraf/web/api"
)

var update = flag.Bool("update", false, "rewrite what is kept on disk")

// TestDocumentOnDisk keeps docs/openapi.json equal to what a platform serves; -update rewrites it.
func TestDocumentOnDisk(t *testing.T) {
	const path = "../../docs/openapi.json"
	got := api.Document()
	if *update {
		must(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if string(want) != string(got) {
		t.Errorf("%s is not what the code says; read the difference after go test ./web/api -run OnDisk -update", path)
	}
}

// TestDocumentIsWellFormed holds the document to the parts of OpenAPI 3.1.0 that it uses.
func TestDocumentIsWellFormed(t *testing.T) {
	w := newWorld(t, "sqlite")
	root := w.contract.root
	if root["openapi"] != "3.1.0" || at(root, "info", "title") == "" || at(root, "info", "version") == "" || at(root, "info", "license", "identifier") != "Apache-2.0" {
		t.Errorf("head: %v", root["info"])
	}
	ids := map[string]bool{}
	for _, c := range w.contract.calls() {
		name := c.method + " " + c.path
		id, _ := c.operation["operationId"].(string)
		if id == "" || ids[id] {
			t.Errorf("%s has the operation id %q, which is empty or taken", name, id)
		}
		ids[id] = true
		if c.operation["summary"] == "" || c.operation["description"] == "" {
			t.Errorf("%s is not described", name)
		}
		checkParameters(t, name, c)
		for _, s := range []any{c.operation["requestBody"], c.operation["responses"]} {
			checkSchemas(t, w.contract, name, s)
		}
		responses := c.operation["responses"].(map[string]any)
		for _, always := range []string{"401", "403", "429", "500", "503"} {
			if responses[always] == nil {
				t.Errorf("%s has no answer %s", name, always)
			}
		}
		for status, r := range responses {
			if !regexp.MustCompile(`^[1-5][0-9][0-9]$`).MatchString(status) || at(r, "description") == "" {
				t.Errorf("%s: answer %q", name, status)
			}
		}
		if security, _ := c.operation["security"].([]any); len(security) != 1 || at(security[0], "key") == nil || at(root, "components", "securitySchemes", "key", "scheme") != "bearer" {
			t.Errorf("%s is open", name)
		}
	}
	checkSchemas(t, w.contract, "components", root["components"])
	for _, want := range []string{"placeOrder", "listOrders", "getOrder", "changeOrder", "startOrder", "cancelOrder", "creditOrder", "getInvoice", "getInvoicePDF", "getCreditPDF"} {
		if !ids[want] {
			t.Errorf("no operation %s", want)
		}
	}
}

func checkParameters(t *testing.T, name string, c call) {
	t.Helper()
	declared := map[string]bool{}
	list, _ := c.operation["parameters"].([]any)
	for _, p := range list {
		where, what := at(p, "in").(string), at(p, "name").(string)
		if declared[where+what] || at(p, "schema") == nil {
			t.Errorf("%s: parameter %s", name, what)
		}
		declared[where+what] = true
		if where == "path" && (at(p, "required") != true || !strings.Contains(c.path, "{"+what+"}")) {
			t.Errorf("%s: the path has no %s", name, what)
		}
	}
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(c.path, -1) {
		if !declared["path"+m[1]] {
			t.Errorf("%s: %s is not declared", name, m[1])
		}
	}
	if c.method == http.MethodPost && !declared["headerIdempotency-Key"] {
		t.Errorf("%s: no idempotency key", name)
	}
}

// checkSchemas walks through whatever stands below v and holds every schema to JSON Schema 2020-12.
func checkSchemas(t *testing.T, c *contract, name string, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			checkSchemas(t, c, name, item)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && at(c.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...) == nil {
			t.Errorf("%s refers to %s, which is not there", name, ref)
		}
		for _, kind := range kindsNamed(v) {
			if !slices.Contains([]string{"string", "integer", "number", "boolean", "array", "object", "null"}, kind) {
				t.Errorf("%s has the type %q", name, kind)
			}
		}
		properties, isObject := v["properties"].(map[string]any)
		for _, required := range namesOf(v["required"]) {
			if isObject && properties[required] == nil {
				t.Errorf("%s requires %s and does not have it", name, required)
			}
		}
		if isObject && v["additionalProperties"] != false {
			t.Errorf("%s: an object that takes anything: %v", name, slices.Sorted(maps.Keys(properties)))
		}
		if p, ok := v["pattern"].(string); ok {
			if _, err := regexp.Compile(p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if v["nullable"] != nil {
			t.Errorf("%s says nullable, which OpenAPI 3.1 does not know", name)
		}
		for _, inner := range v {
			checkSchemas(t, c, name, inner)
		}
	}
}

// kindsNamed are the types that an object names, if it is a schema.
func kindsNamed(v map[string]any) []string {
	switch v["type"].(type) {
	case string, []any:
		if v["scheme"] == nil && v["in"] == nil {
			return typesOf(v)
		}
	}
	return nil
}

// TestExamplesAreValid holds the examples of the document to its own schemas.
func TestExamplesAreValid(t *testing.T) {
	w := newWorld(t, "sqlite")
	for _, c := range w.contract.calls() {
		content := at(c.operation, "requestBody", "content", "application/json")
		if content == nil {
			continue
		}
		if wrong := w.contract.validate(at(content, "schema").(map[string]any), at(content, "example"), "#"); len(wrong) > 0 {
			t.Errorf("%s %s: %v", c.method, c.path, wrong)
		}
	}
	for name, s := range at(w.contract.root, "components", "schemas").(map[string]any) {
		properties, _ := at(s, "properties").(map[string]any)
		for member, p := range properties {
			examples, _ := at(p, "examples").([]any)
			for _, e := range examples {
				if wrong := w.contract.validate(p.(map[string]any), e, "#"); len(wrong) > 0 {
					t.Errorf("%s.%s: %v", name, member, wrong)
				}
			}
		}
	}
}

// TestReservedWords keeps the addresses of the older wire free.
func TestReservedWords(t *testing.T) {
	w := newWorld(t, "sqlite")
	for _, path := range []string{"/v1/client", "/v1/client/x", "/v1/session", "/v1/session/x"} {
		a := w.do(asked{method: "GET", path: path, key: w.key})
		if p := a.problem(t); a.status != http.StatusNotFound || p.Code != "route" {
			t.Errorf("%s answers %d %s", path, a.status, p.Code)
		}
	}
	for _, c := range w.contract.calls() {
		if first := strings.Split(c.path, "/")[2]; first == "client" || first == "session" {
			t.Errorf("%s uses a reserved word", c.path)
		}
	}
}

// TestMeaningsAreDocumented keeps what this package says of a code equal to docs/problems.md.
func TestMeaningsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/problems.md")
	must(t, err)
	for _, row := range api.ProblemRows() {
		if !strings.Contains(string(text), "\n"+row+"\n") {
			t.Errorf("docs/problems.md lacks the row\n%s", row)
		}
	}
}

// TestGuideShowsTheExample keeps docs/api.md showing the order that the other tests place.
func TestGuideShowsTheExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	must(t, err)
	if !strings.Contains(strings.ReplaceAll(string(text), "\n    ", "\n"), exampleOrder) {
		t.Error("docs/api.md shows another order")
	}
}

// TestReferencePage holds the page to the document, and to needing nothing from elsewhere.
func TestReferencePage(t *testing.T) {
	w := newWorld(t, "sqlite")
	a := w.plain(asked{method: "GET", path: "/v1/docs"})
	page := string(a.body)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	for _, c := range w.contract.calls() {
		if !strings.Contains(page, fmt.Sprintf("<b>%s</b> <span>%s</span>", c.method, c.path)) {
			t.Errorf("the page does not show %s %s", c.method, c.path)
		}
	}
	for name, s := range at(w.contract.root, "components", "schemas").(map[string]any) {
		if !strings.Contains(page, `<section id="`+name+`">`) && name != "Nothing" {
			t.Errorf("the page does not show %s", name)
		}
		properties, _ := at(s, "properties").(map[string]any)
		for member := range properties {
			if !strings.Contains(page, "<code>"+member+"</code>") {
				t.Errorf("the page does not show %s.%s", name, member)
			}
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("id %q stands twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(` href="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if target, here := strings.CutPrefix(m[1], "#"); here && !ids[target] || !here && m[1] != "/v1/openapi.json" {
			t.Errorf("link to %s", m[1])
		}
	}
	shown := strings.NewReplacer("sha256-", "", "https://shop.example", "", "https://pay.example", "") // texts of examples
	for _, foreign := range []string{"<script", "http:", "https:", "//", "url(", "@import", " style=", "<img", " onclick"} {
		if strings.Contains(shown.Replace(page), foreign) {
			t.Errorf("the page has %q in it", foreign)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || strings.Count(policy, "'sha256-") != 1 {
		t.Errorf("policy %s", policy)
	}
}

func TestProblemPages(t *testing.T) {
	w := newWorld(t, "sqlite")
	a := w.plain(asked{method: "GET", path: "/problems/order-reference"})
	for _, want := range []string{"<h1>The reference already names an order of this merchant</h1>", "<dd>409</dd>", "/v1/docs#problem-order-reference"} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if p := w.plain(asked{method: "GET", path: "/problems/never-heard"}).problem(t); p.Code != "route" {
		t.Errorf("an unknown problem answers %s", p.Code)
	}
}
