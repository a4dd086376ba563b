// Package file hands the file of an invoice to whoever has a link to it.
//
// It owns the answer at /file/<token>. It does not own the links or the file (invoices), nor the pages on which an
// invoice is paid (web/pay).
//
// # What is always true
//
//   - A link opens one file of one invoice, for seven days of wall time; it opens nothing else and tells nothing
//     else.
//   - A link that is wrong, foreign or over is answered alike.
//   - No cache between keeps the file, and no search engine is invited to it.
package file

import (
	"log/slog"
	"net/http"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
)

// Config is what the handler is built from.
type Config struct {
	DB    *db.DB
	Links *invoices.Links
	Clerk *invoices.Clerk
	Log   *slog.Logger
}

// Handler serves GET /file/{token}.
type Handler struct{ Config }

// New makes the handler.
func New(c Config) *Handler { return &Handler{c} }

// Routes adds its address.
func (h *Handler) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+invoices.FilePath+"{token}", h.get)
}

func (h *Handler) get(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "private, no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Robots-Tag", "noindex, nofollow")
	var name string
	text, err := h.Clerk.HandOut(r.Context(), h.DB, func(tx *db.Tx) (*invoices.Paper, error) {
		k, err := h.Links.ByFile(r.Context(), tx, r.PathValue("token"))
		if err != nil {
			return nil, err
		}
		p, err := h.Clerk.Invoice(r.Context(), tx, k.Merchant, k.ID)
		if err == nil {
			name = p.FileName()
		}
		return p, err
	}, (*invoices.Paper).PDF)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	header.Set("Content-Type", "application/pdf")
	header.Set("Content-Disposition", `inline; filename="`+name+`"`)
	_, _ = w.Write(text) // a caller who has gone needs no answer
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if f := fault.As(err); f != nil && (f.Kind == fault.NotFound || f.Kind == fault.Conflict) {
		http.Error(w, f.Detail, http.StatusNotFound)
		return
	}
	h.Log.ErrorContext(r.Context(), "file not handed out", "err", err)
	http.Error(w, "Try again shortly.", http.StatusServiceUnavailable)
}
