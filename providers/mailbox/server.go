package mailbox

import (
	"html/template"
	"net/http"
)

// mood is what a visitor can make of the mail server.
type mood struct {
	Value, Label string
	fault        Fault
}

func moods() []mood {
	return []mood{{"take", "Take mails", None}, {"busy", "Say: later", Busy}, {"refuse", "Refuse for good", Refuse}, {"drop", "Lose the connection", Drop},
		{"forget", "Take mails, and lose the answer", Forget}}
}

var serverPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail server of the demonstration</title>
<style>
:root { color-scheme: light dark; --paper: light-dark(#f3f5f1, #0d1413); --sheet: light-dark(#fff, #151e1d); --ink: light-dark(#14201f, #e9f0ed);
  --ink-2: light-dark(#465452, #b4c1bd); --edge: light-dark(#75827f, #7d8c88); --brand: light-dark(#0b4a50, #86d3d2); }
* { box-sizing: border-box; margin: 0; }
body { background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
main { max-width: 27rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -.02em; }
p { color: var(--ink-2); margin-top: .5rem; }
p strong { color: var(--ink); }
form { margin-top: 1.25rem; }
button { display: block; width: 100%; min-height: 3rem; margin-top: .6rem; padding: .5rem 1rem; font: inherit; font-weight: 600; text-align: start; color: var(--ink); background: var(--sheet); border: 1.5px solid var(--edge); border-radius: .6rem; cursor: pointer; }
button[aria-current] { border-color: var(--brand); outline: 1.5px solid var(--brand); }
a { color: var(--brand); }
:focus-visible { outline: 3px solid light-dark(#1554c0, #a8c8ff); outline-offset: 2px; }
</style>
</head>
<body>
<main>
<h1>What the mail server does</h1>
<p>It is simulated. While it says “later” or loses the connection, mails wait, and go out once it takes them again. What it refuses for good is not tried again.</p>
<p>Now: <strong>{{.Now.Label}}</strong></p>
<form method="post">
{{range .Moods}}<button name="mood" value="{{.Value}}"{{if eq .Value $.Now.Value}} aria-current="true"{{end}}>{{.Label}}</button>
{{end}}</form>
<p><a href="{{.Mailbox}}">To the mailbox</a></p>
</main>
</body>
</html>
`))

// serverRoutes add the page on which anybody who can reach it says what the mail server does.
func (b *Box) serverRoutes(mux *http.ServeMux, at string) {
	mux.HandleFunc("GET "+at, func(w http.ResponseWriter, _ *http.Request) {
		secure(w, "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		serverPage.Execute(w, map[string]any{"Now": b.mood(), "Moods": moods(), "Mailbox": at[:len(at)-len("/server")]})
	})
	mux.HandleFunc("POST "+at, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
		for _, m := range moods() {
			if m.Value == r.PostFormValue("mood") {
				b.Fail(m.fault)
				http.Redirect(w, r, at, http.StatusSeeOther)
				return
			}
		}
		http.Error(w, "Choose one of the buttons.", http.StatusBadRequest)
	})
}

// mood is what it does now; one that no button makes counts as that of a server that is slow.
func (b *Box) mood() mood {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range moods() {
		if m.fault == b.fault {
			return m
		}
	}
	return mood{Label: "Take its time"}
}
