package site

import (
	"net/http"
	"strings"

	"achteraf/internal/fault"
	"achteraf/messages"
	"achteraf/web/page"
)

// RequestPath is the page on which anybody can ask for an invoice.
const RequestPath = "/invoice-request"

const (
	sentPath  = RequestPath + "/sent"
	mostEmail = 254 // characters
)

// Wanted is what somebody typed to get an invoice.
type Wanted struct{ Email, Reference string }

// askRequest serves GET /invoice-request.
func (s *Site) askRequest(w http.ResponseWriter, r *http.Request) error {
	return s.showRequest(w, r, http.StatusOK, Wanted{}, nil)
}

// takeRequest serves POST /invoice-request. What it answers says nothing about whether there is such an invoice.
func (s *Site) takeRequest(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	x := Wanted{typed(r, "email"), typed(r, "reference")}
	err := s.request(r, x)
	switch {
	case fault.Is(err, "rate-limit"):
		w.Header().Set("Retry-After", "900") // seconds, as long as requests are counted together
		return s.showRequest(w, r, http.StatusTooManyRequests, x, err)
	case fault.Is(err, "fields"):
		return s.showRequest(w, r, http.StatusUnprocessableEntity, x, err)
	case err != nil:
		return err
	}
	http.Redirect(w, r, s.look.View(r, "").Link(sentPath), http.StatusSeeOther)
	return nil
}

// typed is what stands in a field; "" when the form cannot be read.
func typed(r *http.Request, name string) string {
	return strings.ToValidUTF8(strings.TrimSpace(r.PostFormValue(name)), "")
}

func (s *Site) showRequest(w http.ResponseWriter, r *http.Request, status int, x Wanted, err error) error {
	v := s.look.View(r, "")
	t := s.texts.In(v.Lang)
	v.Title, v.About, v.Narrow, v.Public = t.RequestTitle, t.RequestLead, true, true
	email := page.Field{Name: "email", Label: t.RequestEmail, Help: t.RequestEmailHelp, Value: x.Email, Type: "email", Autocomplete: "email", Mode: "email", Icon: "i-msg", Max: mostEmail}
	number := page.Field{Name: "reference", Label: t.RequestNumber, Help: t.RequestNumberHelp, Value: x.Reference, Autocomplete: "off", Max: messages.MostReference}
	busy := status == http.StatusTooManyRequests
	if f := fault.As(err); f != nil {
		for _, wrong := range f.Fields {
			switch wrong.Pointer + " " + wrong.Code {
			case "#/email email":
				email.Error = t.RequestEmailWrong
			case "#/reference too-long":
				number.Error = t.RequestNumberLong
			case "#/reference required":
				number.Error = t.RequestNumberEmpty
			}
		}
	}
	return s.look.Write(w, r, status, v, request(v, t, email, number, busy))
}

// requested serves GET /invoice-request/sent: the same for everybody.
func (s *Site) requested(w http.ResponseWriter, r *http.Request) error {
	v := s.look.View(r, "")
	t := s.texts.In(v.Lang)
	v.Title, v.Narrow, v.Public = t.RequestedTitle, true, true
	return s.look.Write(w, r, http.StatusOK, v, requested(v, t))
}
