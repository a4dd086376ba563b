package buyer

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/reports"
)

// paper serves GET /my/orders/{order}/papers/{name}: invoice.pdf, invoice.html, invoice.xml, and the same of each
// credit note by its id.
func (p *Pages) paper(w http.ResponseWriter, r *http.Request) error {
	id, form, _ := strings.Cut(r.PathValue("name"), ".")
	render := map[string]func(*invoices.Paper) ([]byte, error){"pdf": (*invoices.Paper).PDF, "html": (*invoices.Paper).HTML,
		"xml": (*invoices.Paper).Data}[form]
	if render == nil {
		return noPaper()
	}
	var story *reports.Story
	done, err := p.entered(w, r, func(tx *db.Tx, v access.Visitor) (err error) {
		story, err = p.Reports.OrderStory(r.Context(), tx, v.Handles, r.PathValue("order"))
		return err
	})
	if done {
		return err
	}
	number := numberOf(story, id)
	if number == "" {
		return noPaper()
	}
	file, err := p.Clerk.HandOut(r.Context(), p.DB, func(tx *db.Tx) (*invoices.Paper, error) {
		if id == "invoice" {
			return p.Clerk.Invoice(r.Context(), tx, story.Merchant, story.Invoice)
		}
		return p.Clerk.CreditNote(r.Context(), tx, story.Merchant, id)
	}, render)
	if err != nil {
		return err
	}
	h := w.Header()
	switch form {
	case "pdf", "xml":
		h.Set("Content-Type", "application/"+form)
		h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, fileName(number), form))
	default:
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", documentPolicy(file))
	}
	h.Set("Content-Length", fmt.Sprint(len(file)))
	if r.Method != http.MethodHead {
		w.Write(file)
	}
	return nil
}

func noPaper() error { return fault.Missing("invoice", "There is no such invoice.") }

// numberOf is the number of a document of an order, "" when there is none.
func numberOf(s *reports.Story, id string) string {
	if id == "invoice" {
		return s.Number
	}
	for _, c := range s.Credits {
		if c.ID == id {
			return c.Number
		}
	}
	return ""
}

// fileName keeps what every computer takes in the name of a file.
func fileName(number string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, number)
}

var documentStyle = regexp.MustCompile(`(?s)<style[^>]*>(.*?)</style>`)

// documentPolicy allows a document what stands in it and nothing else: its own styles, by their hash, and drawings.
func documentPolicy(file []byte) string {
	styles := ""
	for _, m := range documentStyle.FindAllSubmatch(file, -1) {
		sum := sha256.Sum256(m[1])
		styles += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	if styles == "" {
		styles = " 'none'"
	}
	return "default-src 'none'; style-src" + styles + "; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
