package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"achteraf/web/page"

	"github.com/danielgtaylor/huma/v2"
)

var (
	//go:embed reference.html
	referenceHTML string
	//go:embed reference.css
	referenceCSS string
)

// library is what anyone may read: the OpenAPI document, the reference made from it, a page for each problem.
type library struct {
	document, reference []byte
	problems            map[string][]byte // by code
}

// pages makes the library once for all values of a process: it is made of constants.
var pages = sync.OnceValue(func() *library {
	list := operations()
	d := document(list)
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic(err)
	}
	b := &book{style: template.CSS(page.Tokens() + referenceCSS)}
	b.page = template.Must(template.New("reference").Funcs(template.FuncMap{"prose": prose}).Parse(referenceHTML))
	l := &library{document: append(text, '\n'), reference: b.render(b.reference(d, list)), problems: map[string][]byte{}}
	for _, m := range meanings {
		p := entryOf(m)
		l.problems[m.code] = b.render(view{Title: p.Title, Style: b.style, Problem: &p})
	}
	return l
})

func (a *API) addPages() {
	a.addPage(documentPath, "application/json", func(string) []byte { return pages().document })
	a.addPage(referencePath, "text/html; charset=utf-8", func(string) []byte { return pages().reference })
	a.addPage(problemsPath+"{id}", "text/html; charset=utf-8", func(code string) []byte { return pages().problems[code] })
}

func (a *API) addPage(path, kind string, body func(id string) []byte) {
	a.add(&operation{method: http.MethodGet, path: path, serve: func(_ *API, c *call) (reply, error) {
		page := body(c.id)
		if page == nil {
			return reply{}, noRoute()
		}
		c.w.Header().Set("Cache-Control", "no-cache")
		c.w.Header().Set("Content-Security-Policy", documentPolicy(page))
		return reply{status: http.StatusOK, kind: kind, body: page}, nil
	}})
}

var styles = regexp.MustCompile(`(?s)<style[^>]*>(.*?)</style>`)

// documentPolicy is the content policy of a page that needs nothing but its own style sheets, which it names by
// their hashes.
func documentPolicy(page []byte) string {
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	var allowed []string
	for _, m := range styles.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(m[1])
		allowed = append(allowed, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	if len(allowed) > 0 {
		policy += "; style-src " + strings.Join(allowed, " ")
	}
	return policy
}

// book makes the pages.
type book struct {
	page  *template.Template
	style template.CSS
}

// view is what the template shows: the reference, or one problem.
type view struct {
	Title    string
	Style    template.CSS
	About    string
	Calls    []callView
	Messages []messageView
	Problems []entry
	Fields   []entry
	Problem  *entry
}

type callView struct {
	ID, Summary, Method, Path, About, Scope string
	Parameters                              []parameterView
	Body                                    template.HTML
	Example                                 string
	Answers                                 []answerView
}

type parameterView struct {
	Name, In, About string
	Required        bool
}

type answerView struct {
	Status, Word string
	About        template.HTML
}

type messageView struct {
	Name    string
	Members []memberView
}

type memberView struct {
	Name, About string
	Kind        template.HTML
	Required    bool
}

// entry explains a code.
type entry struct {
	Code, Title, Remedy string
	Status              int
}

func entryOf(m meaning) entry {
	return entry{m.code, sentence(m.means), sentence(m.remedy) + ".", m.status}
}

func (b *book) render(v view) []byte {
	var out bytes.Buffer
	if err := b.page.Execute(&out, v); err != nil {
		panic(err) // template and view belong together; every page is tested
	}
	return out.Bytes()
}

// reference shows the OpenAPI document in the order of the table.
func (b *book) reference(d *huma.OpenAPI, list []*operation) view {
	v := view{Title: d.Info.Title + " API", Style: b.style, About: d.Info.Description}
	for _, o := range list {
		v.Calls = append(v.Calls, showCall(o, operationOf(d.Paths[o.path], o.method)))
	}
	for _, name := range messagesOf(d, list) {
		v.Messages = append(v.Messages, showMessage(d.Components.Schemas, name))
	}
	for _, m := range meanings {
		v.Problems = append(v.Problems, entryOf(m))
	}
	for _, f := range fieldMeanings {
		v.Fields = append(v.Fields, entry{Code: f.code, Title: sentence(f.means)})
	}
	return v
}

func operationOf(p *huma.PathItem, method string) *huma.Operation {
	switch method {
	case http.MethodGet:
		return p.Get
	case http.MethodPost:
		return p.Post
	}
	return p.Patch
}

func showCall(o *operation, op *huma.Operation) callView {
	v := callView{ID: op.OperationID, Summary: op.Summary, Method: op.Method, Path: op.Path, About: op.Description, Scope: o.scope}
	for _, p := range op.Parameters {
		v.Parameters = append(v.Parameters, parameterView{p.Name, p.In, p.Description, p.Required})
	}
	if op.RequestBody != nil {
		v.Body, v.Example = kindOf(op.RequestBody.Content["application/json"].Schema), indented(o.example)
		if o.optional {
			v.Body += ", or none"
		}
	}
	for _, s := range statuses(op) {
		v.Answers = append(v.Answers, showAnswer(s, op.Responses[s]))
	}
	return v
}

func indented(text string) string {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		panic(err) // the examples are constants
	}
	return out.String()
}

func showAnswer(status string, r *huma.Response) answerView {
	n, _ := strconv.Atoi(status)
	word := http.StatusText(n)
	if m := r.Content["application/json"]; m != nil {
		return answerView{status, word, kindOf(m.Schema)}
	}
	_, codes, _ := strings.Cut(r.Description, ": ")
	about := prose(codes)
	if r.Content["application/problem+json"] == nil {
		about = prose(r.Description)
	}
	return answerView{status, word, template.HTML(codeName.ReplaceAllString(string(about), `<a href="#problem-$1"><code>$1</code></a>`))}
}

var codeName = regexp.MustCompile(`<code>([a-z-]+)</code>`)

// messagesOf lists the messages that the calls take and give, each followed by those inside it.
func messagesOf(d *huma.OpenAPI, list []*operation) []string {
	var names []string
	var add func(*huma.Schema)
	add = func(s *huma.Schema) {
		if s == nil {
			return
		}
		add(s.Items)
		if s.Ref == "" {
			return
		}
		name := nameOf(s.Ref)
		if slices.Contains(names, name) || name == nameOfNothing {
			return
		}
		names = append(names, name)
		inner := d.Components.Schemas.SchemaFromRef(s.Ref)
		for _, member := range membersOf(d.Components.Schemas.TypeFromRef(s.Ref)) {
			add(inner.Properties[member])
		}
	}
	for _, kind := range []string{"application/json", "application/problem+json"} {
		for _, o := range list {
			op := operationOf(d.Paths[o.path], o.method)
			if op.RequestBody != nil {
				add(op.RequestBody.Content["application/json"].Schema)
			}
			for _, s := range statuses(op) {
				if m := op.Responses[s].Content[kind]; m != nil {
					add(m.Schema)
				}
			}
		}
	}
	return names
}

// nameOfNothing is a message without members, which needs no section.
var nameOfNothing = schemaName(reflect.TypeFor[nothing](), "")

func nameOf(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// membersOf lists the members of a message in the order of its Go type, which a schema does not keep.
func membersOf(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func showMessage(r huma.Registry, name string) messageView {
	const prefix = "#/components/schemas/"
	s := r.SchemaFromRef(prefix + name)
	v := messageView{Name: name}
	for _, member := range membersOf(r.TypeFromRef(prefix + name)) {
		p := s.Properties[member]
		about := p.Description
		if len(p.Examples) > 0 {
			about = strings.TrimSpace(about + fmt.Sprintf(" Such as `%v`.", p.Examples[0]))
		}
		v.Members = append(v.Members, memberView{member, about, kindOf(p), slices.Contains(s.Required, member)})
	}
	return v
}

// kindOf names the type of a value, with a link where it is a message.
func kindOf(s *huma.Schema) template.HTML {
	var kind string
	switch {
	case s.Ref != "" && nameOf(s.Ref) == nameOfNothing:
		kind = "an empty object"
	case s.Ref != "":
		name := template.HTMLEscapeString(nameOf(s.Ref))
		kind = `<a href="#` + name + `">` + name + `</a>`
	case s.Type == huma.TypeArray:
		kind = "list of " + string(kindOf(s.Items))
	case len(s.OneOf) > 0:
		var each []string
		for _, one := range s.OneOf {
			each = append(each, string(kindOf(one)))
		}
		kind = strings.Join(each, " or ")
	case len(s.Enum) > 0:
		var each []string
		for _, e := range s.Enum {
			if e != nil {
				each = append(each, template.HTMLEscapeString(fmt.Sprint(e)))
			}
		}
		kind = strings.Join(each, ", ")
	case s.Type == huma.TypeInteger:
		kind = "whole number"
	case s.Format == "date", s.Format == "date-time":
		kind = s.Format
	case s.Type == huma.TypeString:
		kind = "text"
	default:
		kind = template.HTMLEscapeString(s.Type)
	}
	if s.Nullable {
		kind += " or null"
	}
	return template.HTML(kind)
}

var (
	asCode = regexp.MustCompile("`([^`]+)`")
	asBold = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// prose shows our own text: paragraphs at empty lines, `code` and **strong words**.
func prose(text string) template.HTML {
	var out strings.Builder
	paragraphs := strings.Split(text, "\n\n")
	for _, p := range paragraphs {
		p = asCode.ReplaceAllString(template.HTMLEscapeString(p), "<code>$1</code>")
		p = asBold.ReplaceAllString(p, "<b>$1</b>")
		if len(paragraphs) > 1 {
			p = "<p>" + p + "</p>"
		}
		out.WriteString(p)
	}
	return template.HTML(out.String())
}
