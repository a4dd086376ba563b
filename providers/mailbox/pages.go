package mailbox

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"mime"
	"net/http"
	"slices"
	"strings"
)

var pages = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailbox of the demonstration</title>
<style>
:root { color-scheme: light dark; --paper: light-dark(#f3f5f1, #0d1413); --sheet: light-dark(#fff, #151e1d); --ink: light-dark(#14201f, #e9f0ed);
  --ink-2: light-dark(#465452, #b4c1bd); --line: light-dark(#d6dcd5, #2b3836); --brand: light-dark(#0b4a50, #86d3d2); }
* { box-sizing: border-box; margin: 0; }
body { background: var(--paper); color: var(--ink); font: 1rem/1.5 "Instrument Sans Variable", system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 2rem) 4rem; }
h1 { font-size: clamp(1.75rem, 5vw, 2.25rem); line-height: 1.2; letter-spacing: -0.02em; }
.lede { color: var(--ink-2); margin-top: .5rem; }
ul { list-style: none; padding: 0; margin-top: 1.5rem; background: var(--sheet); border: 1px solid var(--line); border-radius: .75rem; overflow: clip; }
li { padding: .9rem clamp(1rem, 4vw, 1.5rem); }
li + li { border-top: 1px solid var(--line); }
p { font-size: .875rem; color: var(--ink-2); }
li p { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.0625rem; line-height: 1.4; }
li p a { padding-block: .15rem; }
a { color: var(--brand); text-underline-offset: .2em; text-decoration-thickness: 1px; }
h2 a { color: var(--ink); text-decoration: none; }
h2 a:hover { text-decoration: underline; }
:focus-visible { outline: 3px solid light-dark(#1554c0, #a8c8ff); outline-offset: 2px; }
.none { margin-top: 1.5rem; padding: 3rem 1rem; text-align: center; border: 1.5px dashed var(--line); border-radius: .75rem; font-size: 1rem; }
nav { margin-top: 1.5rem; }
nav a { display: inline-block; padding: .5rem 1.25rem .5rem 0; font-weight: 600; }
</style>
</head>
<body>
<main>
<h1>Mailbox of the demonstration</h1>
<p class="lede">Every mail that this demonstration has sent since it began, whoever it was for. The newest is on top.</p>
{{if .Mails}}<ul>
{{range .Mails}}<li>
<p><span>To {{.To}}</span> <time datetime="{{.At}}">{{.At.Time.Format "2 January 2006, 15:04"}} UTC</time></p>
<h2><a href="{{$.Base}}/{{.ID}}">{{.Subject}}</a></h2>
<p><a href="{{$.Base}}/{{.ID}}.txt" aria-label="Plain text: {{.Subject}}">Plain text</a></p>
{{$id := .ID}}{{range .Files}}<p><a href="{{$.Base}}/{{$id}}/{{.Name}}">{{.Name}}</a></p>
{{end}}</li>
{{end}}</ul>{{else}}<p class="none">No mail has been sent yet.</p>{{end}}
<nav aria-label="Go on"><a href="/demo/shop">To the web shop</a><a href="/demo/clock">To the clock</a><a href="{{$.Base}}/server">To the mail server</a><a href="/my">To my bills</a><a href="/">To the start</a></nav>
</main>
</body>
</html>
`))

// Routes adds the mailbox's pages below a path such as "/demo/mailbox". Everybody who can reach them reads the mails.
func (b *Box) Routes(mux *http.ServeMux, base string) {
	b.serverRoutes(mux, base+"/server")
	mux.HandleFunc("GET "+base, func(w http.ResponseWriter, _ *http.Request) {
		mails := b.Mails()
		slices.Reverse(mails)
		secure(w, "text/html; charset=utf-8")
		pages.Execute(w, map[string]any{"Base": base, "Mails": mails})
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
	mux.HandleFunc("GET "+base+"/{id}/{file}", func(w http.ResponseWriter, r *http.Request) {
		for _, m := range b.Mails() {
			for _, f := range m.Files {
				if m.ID == r.PathValue("id") && f.Name == r.PathValue("file") {
					secure(w, f.Type)
					w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
					w.Write(f.Data)
					return
				}
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
