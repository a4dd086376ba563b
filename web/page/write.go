package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"achteraf/internal/fault"

	"github.com/a-h/templ"
)

// policy is the content policy of every page.
const policy = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// policy is the content policy of a page. Only one that asks for it may have a script, which is ours and asks nobody
// but us. Browsers hold the whole way of a form against form-action, also where it leads on to another site.
func (v *View) policy() string {
	p := policy
	switch {
	case v.Leaves && v.Plain:
		p = strings.Replace(p, "form-action 'self'", "form-action 'self' https: http:", 1)
	case v.Leaves:
		p = strings.Replace(p, "form-action 'self'", "form-action 'self' https:", 1)
	}
	if v.Script {
		p += "; script-src 'self'; connect-src 'self'"
	}
	return p
}

// Handler makes a page and returns what went wrong.
type Handler func(http.ResponseWriter, *http.Request) error

// Page serves h: with the headers of a page, without what another site sends, with its error as a page. A panic fails
// this page and no other.
func (l *Look) Page(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header(), r)
		if l.guard.Check(r) != nil { // another site sent this form
			l.fail(w, r, http.StatusForbidden)
			return
		}
		if err := caught(h, w, r); err != nil {
			l.Fail(w, r, err)
		}
	})
}

func caught(h Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h(w, r)
}

// protect sets the headers of every page.
func protect(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

// Write sends a page: the frame of v with body in its main part. Nothing is sent when the page cannot be made.
func (l *Look) Write(w http.ResponseWriter, r *http.Request, status int, v *View, body templ.Component) error {
	var out bytes.Buffer
	if err := frame(v, body).Render(r.Context(), &out); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.Lang))
	h.Add("Vary", "Accept-Language")
	h.Set("Content-Security-Policy", v.policy())
	if v.Public {
		h.Set("Cache-Control", "no-cache")
	}
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	w.Write(out.Bytes()) // a reader who left has no use for an error
	return nil
}

// Fail writes the page of an error in the language of the request. What went wrong on our side is logged, not shown.
func (l *Look) Fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if f := fault.As(err); f != nil {
		status = statusOf[f.Kind]
	}
	if status >= 500 && !errors.Is(err, context.Canceled) {
		l.log.ErrorContext(r.Context(), "page failed", "page", r.Pattern, "err", err)
	}
	l.fail(w, r, status)
}

func (l *Look) fail(w http.ResponseWriter, r *http.Request, status int) {
	v := l.View(r, "")
	v.Narrow = true
	t := v.words()
	var lead string
	switch {
	case status == http.StatusNotFound:
		v.Title, lead = t.MissingTitle, t.MissingLead
	case status >= 500:
		v.Title, lead = t.BrokenTitle, t.BrokenLead
	case status == http.StatusTooManyRequests:
		v.Title, lead = t.BusyTitle, t.BusyLead
	default:
		v.Title, lead = t.WrongTitle, t.WrongLead
	}
	if err := l.Write(w, r, status, v, failure(v, lead, status)); err != nil {
		l.log.ErrorContext(r.Context(), "page of an error", "err", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// statusOf is the status of a page for each kind of fault. A page is never "unauthorized": it has no credential of its
// own to ask for, and who is not signed in is led to the sign-in.
var statusOf = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Malformed: http.StatusBadRequest, fault.Invalid: http.StatusUnprocessableEntity,
	fault.Denied: http.StatusForbidden, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Limited: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
	fault.TooLarge: http.StatusRequestEntityTooLarge,
}

// Missing serves every address at which there is nothing.
func (l *Look) Missing() http.Handler {
	return l.Page(func(w http.ResponseWriter, r *http.Request) error {
		l.fail(w, r, http.StatusNotFound)
		return nil
	})
}

// Assets serves the files that pages load, at /assets/.
func (l *Look) Assets() http.Handler {
	missing := l.Missing()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := l.assets[r.URL.Path]
		if a == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
			missing.ServeHTTP(w, r)
			return
		}
		a.ServeHTTP(w, r)
	})
}

// Routes adds what every surface needs: the assets, and the page for an address at which there is nothing.
func (l *Look) Routes(mux *http.ServeMux) {
	mux.Handle("GET "+assetPath, l.Assets())
	mux.Handle("/", l.Missing())
}

// OwnRoutes adds the files that only this look has, for a look that stands beside another at the same address.
func (l *Look) OwnRoutes(mux *http.ServeMux) {
	for _, a := range []*asset{l.wordmark, l.styles} {
		if a != nil {
			mux.Handle("GET "+a.path, a)
		}
	}
}
