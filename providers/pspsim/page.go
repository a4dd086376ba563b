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

const css = `:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
body { margin: 0; padding: 1rem; }
main { max-width: 26rem; margin: 0 auto; }
.mark { border: 2px dashed currentcolor; border-radius: .5rem; padding: .5rem .75rem; }
dl div { display: flex; justify-content: space-between; gap: 1rem; }
dt, dd { margin: 0; overflow-wrap: anywhere; }
fieldset { border: 0; margin: 1.5rem 0 0; padding: 0; }
legend { font-weight: 600; padding: 0; }
button { display: block; width: 100%; min-height: 3rem; margin-top: .5rem; font: inherit; text-align: start; padding: .5rem 1rem; border: 1px solid; border-radius: .5rem; cursor: pointer; }
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
