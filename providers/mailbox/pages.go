package mailbox

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

var pages = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Mailbox of the demonstration</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid #8886;vertical-align:top}
button{font:inherit;min-height:2.75rem;padding:.25rem .75rem;margin:0 .5rem .5rem 0}</style></head>
<body><h1>Mailbox of the demonstration</h1>
{{if .Mails}}<table><thead><tr><th scope="col">When</th><th scope="col">To</th><th scope="col">Subject</th></tr></thead><tbody>
{{range .Mails}}<tr><td>{{.At.Time.Format "2006-01-02 15:04"}} UTC</td><td>{{.To}}</td><td><a href="{{$.Base}}/{{.ID}}">{{.Subject}}</a> (<a href="{{$.Base}}/{{.ID}}.txt">plain text</a>)</td></tr>
{{end}}</tbody></table>{{else}}<p>No mail has been sent yet.</p>{{end}}
<h2>What the mail server does</h2>
<p>Now: {{.Now}}</p>
<form method="post" action="{{.Base}}">
{{range .Moods}}<button name="mood" value="{{.Value}}">{{.Label}}</button>
{{end}}</form>
</body></html>
`))

// mood is what a visitor can make of the mail server.
type mood struct {
	Value, Label string
	fault        Fault
}

func moods() []mood {
	return []mood{{"take", "Take mails", None}, {"busy", "Say: later", Busy}, {"refuse", "Refuse", Refuse}, {"drop", "Lose the connection", Drop},
		{"forget", "Take mails, and lose the answer", Forget}}
}

// now says in words what goes wrong.
func (b *Box) now() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range moods() {
		if m.fault == b.fault {
			return m.Label
		}
	}
	return ""
}

// Routes adds the mailbox's pages below a path such as "/demo/mailbox". Everybody who can reach them reads the mails.
func (b *Box) Routes(mux *http.ServeMux, base string) {
	mux.HandleFunc("GET "+base, func(w http.ResponseWriter, _ *http.Request) {
		mails := b.Mails()
		slices.Reverse(mails)
		secure(w, "text/html; charset=utf-8")
		pages.Execute(w, map[string]any{"Base": base, "Mails": mails, "Now": b.now(), "Moods": moods()})
	})
	mux.HandleFunc("POST "+base, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
		for _, m := range moods() {
			if m.Value == r.PostFormValue("mood") {
				b.Fail(m.fault)
				http.Redirect(w, r, base, http.StatusSeeOther)
				return
			}
		}
		http.Error(w, "Choose one of the buttons.", http.StatusBadRequest)
	})
	mux.HandleFunc("GET "+base+"/messages.json", func(w http.ResponseWriter, _ *http.Request) {
		secure(w, "application/json")
		json.NewEncoder(w).Encode(map[string]any{"messages": b.Mails()})
	})
	mux.HandleFunc("GET "+base+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, m := range b.Mails() {
			switch r.PathValue("id") {
			case m.ID:
				secure(w, "text/html; charset=utf-8")
				w.Write([]byte(m.whole()))
				return
			case m.ID + ".txt":
				secure(w, "text/plain; charset=utf-8")
				w.Write([]byte(m.Text))
				return
			}
		}
		http.NotFound(w, r)
	})
}

// whole is the HTML with the pictures of the mail inside.
func (m *Mail) whole() string {
	page := m.HTML
	for _, i := range m.Images {
		page = strings.ReplaceAll(page, `src="cid:`+i.ID+`"`, `src="data:image/png;base64,`+base64.StdEncoding.EncodeToString(i.PNG)+`"`)
	}
	return page
}

// secure lets a page show text, its own styles and the pictures inside it, and nothing else.
func secure(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
