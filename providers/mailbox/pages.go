package mailbox

import (
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
)

var pages = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Mailbox of the demonstration</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid #8886;vertical-align:top}</style></head>
<body><h1>Mailbox of the demonstration</h1>
{{if .Mails}}<table><thead><tr><th scope="col">When</th><th scope="col">To</th><th scope="col">Subject</th></tr></thead><tbody>
{{range .Mails}}<tr><td>{{.At.Time.Format "2006-01-02 15:04"}} UTC</td><td>{{.To}}</td><td><a href="{{$.Base}}/{{.ID}}">{{.Subject}}</a> (<a href="{{$.Base}}/{{.ID}}.txt">plain text</a>)</td></tr>
{{end}}</tbody></table>{{else}}<p>No mail has been sent yet.</p>{{end}}
</body></html>
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
				w.Write([]byte(m.HTML))
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

// secure lets a page show text and its own styles, and nothing else.
func secure(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
