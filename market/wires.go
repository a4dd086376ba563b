package market

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// Where people and programs of the world find each other.
const (
	platformHost = "betaal.example"
	providerHost = "psp.example"
	platformURL  = "https://" + platformHost
	providerURL  = "https://" + providerHost
)

// wires are the network of the world: no byte leaves the process.
type wires struct {
	platform http.Handler // nil while the platform is not there
	provider http.Handler
}

var errNobody = errors.New("nobody answers")

// serve brings a request to whom it is for.
func (n *wires) serve(r *http.Request) (rec *httptest.ResponseRecorder, err error) {
	h := n.platform
	if r.URL.Host == providerHost {
		h = n.provider
	}
	if h == nil {
		return nil, errNobody
	}
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = errors.New("the connection broke")
		default:
			panic(p)
		}
	}()
	rec = httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec, nil
}

// RoundTrip carries what the platform and the provider ask of each other.
func (n *wires) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "203.0.113.200:443"
	rec, err := n.serve(in)
	if err != nil {
		return nil, err
	}
	answer := rec.Result()
	answer.Request = r
	return answer, nil
}

// browser is a buyer's: it keeps cookies, and shows where it is led without going there.
type browser struct {
	net     *wires
	from    string // its address
	cookies map[string]string
}

func (w *World) browser(p *person) *browser {
	return &browser{w.net, fmt.Sprintf("203.0.113.%d:40000", 1+p.n%100), map[string]string{}}
}

// seen is a page, or the way to one.
type seen struct {
	status int
	to     string
	body   string
}

func (b *browser) get(address string) (seen, error) { return b.do(http.MethodGet, address, nil) }

func (b *browser) post(address string, form url.Values) (seen, error) {
	return b.do(http.MethodPost, address, form)
}

func (b *browser) do(method, address string, form url.Values) (s seen, err error) {
	r := httptest.NewRequest(method, address, strings.NewReader(form.Encode()))
	r.RemoteAddr = b.from
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec, err := b.net.serve(r)
	if err != nil {
		return s, fmt.Errorf("%s %s: %w", method, address, err)
	}
	got := rec.Result()
	for _, c := range got.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	s = seen{status: got.StatusCode, body: rec.Body.String()}
	if to := got.Header.Get("Location"); to != "" {
		at, err := r.URL.Parse(to)
		if err != nil {
			return s, err
		}
		s.to = at.String()
	}
	return s, nil
}

// want is an error unless a page has this status.
func (s seen) want(status int, what string) error {
	if s.status != status {
		return fmt.Errorf("%w: %s: %d, not %d: %.300s", errModel, what, s.status, status, s.body)
	}
	return nil
}
