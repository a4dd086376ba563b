package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"achteraf/calendar"

	"github.com/danielgtaylor/huma/v2"
)

const (
	documentPath  = "/v1/openapi.json"
	referencePath = "/v1/docs"
	problemsPath  = "/problems/"
)

const introduction = `Orders of buyers who pay after delivery.

**Keys.** Every call carries ` + "`Authorization: Bearer sk_…`" + `. The key says for which shop you speak; another shop's orders are not there for you.

**Writes.** Every POST carries an ` + "`Idempotency-Key`" + `: 1 to 255 visible characters, a new one for each thing you want done. Sent again with the same message it has its effect once, and you get the same answer, with ` + "`Idempotent-Replayed: true`" + `. Keys are kept for 30 days. After a 4xx nothing was done and nothing is kept: mend the message and send it again with the same key.

**Messages.** JSON in UTF-8, 64 KiB at most. Amounts are whole cents; dates are YYYY-MM-DD, moments RFC 3339. Members that we do not know are refused. A member that may be left out may also be null, but for those of a credit.

**Problems.** Errors are problems of RFC 9457. Decide by ` + "`code`" + `; ` + "`errors`" + ` names each wrong place. Nothing that you sent is repeated in them.

**Limits.** ` + "`RateLimit`" + ` says how many calls are left and for how long. After a 429 wait as long as ` + "`Retry-After`" + ` says.`

// document describes the API in OpenAPI 3.1, from the table of operations and the types of its messages.
func document(list []*operation) *huma.OpenAPI {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[calendar.Date](), reflect.TypeFor[string]())
	registry.RegisterTypeAlias(reflect.TypeFor[calendar.Instant](), reflect.TypeFor[string]())
	d := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "Achteraf", Version: "1", Description: introduction,
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Servers: []*huma.Server{{URL: "/"}},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"key": {Type: "http", Scheme: "bearer", Description: "A key of your shop: sk_live_… or sk_test_…"},
			},
		},
	}
	for _, o := range list {
		d.AddOperation(o.describe(registry))
	}
	return d
}

// schemaName shows Go types by their names on the page.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	return strings.TrimSuffix(name, "Answer")
}

func (o *operation) describe(r huma.Registry) *huma.Operation {
	out := &huma.Operation{OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, Description: o.about,
		Security: []map[string][]string{{"key": {}}}, Responses: map[string]*huma.Response{}}
	if strings.Contains(o.path, "{id}") {
		out.Parameters = append(out.Parameters, &huma.Param{Name: "id", In: "path", Required: true, Description: cmp.Or(o.of, "The order: ord_…."),
			Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for _, p := range o.query {
		s := &huma.Schema{Type: huma.TypeString}
		if p.number {
			least, most := float64(p.least), float64(p.most)
			s = &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most, Default: usualPage}
		}
		out.Parameters = append(out.Parameters, &huma.Param{Name: p.name, In: "query", Description: p.about, Schema: s})
	}
	if o.writes() {
		out.Parameters = append(out.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Required: true,
			Description: "A new one for each thing you want done; the same one to ask again.", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: whole(255)}})
		out.RequestBody = &huma.RequestBody{Required: !o.optional, Content: map[string]*huma.MediaType{
			"application/json": {Schema: r.Schema(o.body, true, ""), Example: json.RawMessage(o.example)}}}
	}
	if o.status != 0 {
		out.Responses[strconv.Itoa(o.status)] = o.goodAnswer(r)
	}
	if o.media != "" {
		out.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{Description: "You have it: `If-None-Match` names these bytes."}
	}
	for status, codes := range o.byStatus() {
		for i, c := range codes {
			codes[i] = "`" + c + "`"
		}
		out.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status) + ": " + strings.Join(codes, ", "),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: r.Schema(reflect.TypeFor[problem](), true, "")}},
		}
	}
	return out
}

func (o *operation) goodAnswer(r huma.Registry) *huma.Response {
	if o.media != "" {
		text := &huma.Schema{Type: huma.TypeString}
		return &huma.Response{Description: "The file.", Content: map[string]*huma.MediaType{o.media: {Schema: &huma.Schema{}}},
			Headers: map[string]*huma.Header{
				"ETag":                {Description: "The SHA-256 of the bytes.", Schema: text},
				"Content-Disposition": {Description: "With a name for the file.", Schema: text}}}
	}
	if o.answer == nil {
		return &huma.Response{Description: "A page.", Content: map[string]*huma.MediaType{"text/html": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	}
	out := &huma.Response{Description: http.StatusText(o.status),
		Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(o.answer, true, "")}}}
	if o.writes() {
		out.Headers = map[string]*huma.Header{"Idempotent-Replayed": {Description: "true when the answer was given before.", Schema: &huma.Schema{Type: huma.TypeString}}}
	}
	return out
}

// byStatus groups the codes of an operation's problems.
func (o *operation) byStatus() map[int][]string {
	codes := slices.Concat(everyProblem, o.problems)
	if o.writes() {
		codes = append(codes, writeProblem...)
	}
	slices.Sort(codes)
	by := map[int][]string{}
	for _, c := range codes {
		i := slices.IndexFunc(meanings, func(m meaning) bool { return m.code == c })
		if i < 0 {
			panic(fmt.Sprintf("api: %s names the problem %q, which has no meaning", o.name(), c))
		}
		by[meanings[i].status] = append(by[meanings[i].status], c)
	}
	return by
}

func whole(n int) *int { return &n }

// statuses lists an operation's answers in order.
func statuses(o *huma.Operation) []string { return slices.Sorted(maps.Keys(o.Responses)) }
