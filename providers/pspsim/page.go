package pspsim

import (
	"html/template"
	"io"
	"net/http"

	"achteraf/money"
)

// choice is a button of the bank page.
type choice struct{ Value, Label string }

// invented are banks that do not exist.
var invented = []choice{{"brug", "Brugbank"}, {"dijk", "Dijk & Duin Bank"}, {"molen", "Molenbank"}, {"polder", "Polderbank"}}

// endings are the other ways in which a payment can end.
var endings = []choice{{"cancel", "Cancel the payment"}, {"fail", "Let the bank refuse it"}, {"expire", "Let it expire"},
	{"late", "Let it expire, and the money arrive all the same"}}

var checkout = template.Must(template.New("checkout").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Choose your bank (simulation)</title>
<link rel="stylesheet" href="{{.Base}}/style.css">
</head>
<body>
<main>
<p class="mark"><strong>SIMULATION</strong> No bank is asked and no money moves.</p>
<h1>Choose your bank</h1>
<dl>
<div><dt>Amount</dt><dd>{{.Amount}}</dd></div>
<div><dt>Reference</dt><dd>{{.Description}}</dd></div>
</dl>
{{if .Open}}<form method="post">
<fieldset><legend>Pay with</legend>
{{range .Banks}}<button name="choice" value="{{.Value}}">{{.Label}}</button>
{{end}}</fieldset>
<fieldset class="other"><legend>Or see what else can happen</legend>
{{range .Endings}}<button name="choice" value="{{.Value}}">{{.Label}}</button>
{{end}}</fieldset>
</form>{{else}}<p>This payment has ended: {{.Status}}.</p>
<p><a href="{{.Return}}">Back to where you came from</a></p>{{end}}
</main>
</body>
</html>
`))

const css = `:root { color-scheme: light dark; --paper: light-dark(#f1f3f8, #10131a); --sheet: light-dark(#fff, #191e28); --ink: light-dark(#161d2b, #e8ecf4);
  --ink-2: light-dark(#4b566b, #b1bacb); --line: light-dark(#d5dbe6, #2e3645); --edge: light-dark(#7a859b, #77829a); --blue: light-dark(#1f4fa8, #a9c6ff); }
* { box-sizing: border-box; margin: 0; }
body { background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; padding: 1.5rem 1rem 3rem; }
main { max-width: 27rem; margin: 0 auto; }
.mark { display: inline-block; font-size: .8125rem; padding: .3rem .7rem; border-radius: .4rem; border: 1.5px dashed var(--edge); color: var(--ink-2); }
.mark strong { color: var(--ink); letter-spacing: .04em; }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -.02em; margin-top: 1.25rem; }
dl { margin-top: 1rem; padding: .25rem 1rem; background: var(--sheet); border: 1px solid var(--line); border-radius: .75rem; }
dl div { display: flex; justify-content: space-between; gap: 1rem; padding: .65rem 0; }
dl div + div { border-top: 1px solid var(--line); }
dt { color: var(--ink-2); }
dd { overflow-wrap: anywhere; text-align: end; font-weight: 600; font-variant-numeric: tabular-nums; }
fieldset { border: 0; margin-top: 1.75rem; padding: 0; min-width: 0; }
legend { font-weight: 650; padding: 0; font-size: 1.125rem; }
button { display: flex; align-items: center; justify-content: space-between; gap: 1rem; width: 100%; min-height: 3.25rem; margin-top: .6rem; padding: .5rem 1rem; font: inherit; font-weight: 600; text-align: start; color: var(--ink); background: var(--sheet); border: 1.5px solid var(--edge); border-radius: .6rem; cursor: pointer; }
button::after { content: ""; width: .55rem; height: .55rem; flex: none; border: solid var(--blue); border-width: 2px 2px 0 0; rotate: 45deg; }
button:hover { border-color: var(--ink); }
.other legend { font-size: 1rem; color: var(--ink-2); }
.other button { min-height: 2.75rem; font-weight: 500; font-size: .9375rem; background: transparent; border-color: var(--line); }
a { color: var(--blue); }
:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
main > p { margin-top: 1rem; }
main > .mark { margin-top: 0; }
`

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	io.WriteString(w, css)
}

// page serves GET /checkout/{id}.
func (s *Simulator) page(w http.ResponseWriter, r *http.Request) {
	p, ok := s.one(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	checkout.Execute(w, map[string]any{"Base": s.c.Public, "Amount": money.EUR(p.Cents).String(), "Description": p.Description,
		"Open": p.Status == Open, "Status": p.Status, "Return": p.Return, "Banks": invented, "Endings": endings})
}

func (s *Simulator) one(id string) (Payment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	p := s.payments[id]
	if p == nil {
		return Payment{}, false
	}
	return *p, true
}

// chosen serves POST /checkout/{id}. The way back tells nothing: where the payment stands is for the provider's
// customer to ask. A second press changes nothing.
func (s *Simulator) chosen(w http.ResponseWriter, r *http.Request) {
	p, ok := s.one(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	status := Paid
	switch r.PostFormValue("choice") {
	case "brug", "dijk", "molen", "polder":
	case "cancel":
		status = Canceled
	case "fail":
		status = Failed
	case "expire", "late":
		status = Expired
	default:
		http.Error(w, "Choose one of the buttons.", http.StatusBadRequest)
		return
	}
	if s.Choose(p.ID, status) && r.PostFormValue("choice") == "late" {
		s.PayLate(p.ID)
	}
	http.Redirect(w, r, p.Return, http.StatusSeeOther)
}
