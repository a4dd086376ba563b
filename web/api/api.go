package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/messages"
	"achteraf/payments"
	"achteraf/reports"
)

// Config is what the API is built from.
type Config struct {
	DB     *db.DB
	Intake interface {
		Place(ctx context.Context, r invoices.Request) (invoices.Answer, error)
	}
	Clerk      *invoices.Clerk
	Receipts   *payments.Receipts
	Reports    *reports.Reports
	Post       *messages.Post // nil: no mail is sent
	Access     *access.Access
	Wall       func() calendar.Instant // for rate limits, the memory of keys and the log
	Random     io.Reader               // for the ids of requests
	Log        *slog.Logger
	CursorKeys [][]byte // the first signs cursors, each reads them

	KeyQuota    int // calls of one key in a minute; 600,000 when 0
	DeniedQuota int // wrong credentials from one network address in a minute; 600 when 0

	// Pages are where invoices can be paid. Nil: there are none.
	Pages *invoices.Pages

	// Till opens hosted checkouts below CheckoutURL, such as "https://pay.example/checkout/". Without a URL there are none.
	Till        *invoices.Till
	CheckoutURL string

	// Files are links to the files of invoices.
	Files *invoices.Files

	// Document makes the HTML of an order's invoice. Nil: there is none yet.
	Document func(ctx context.Context, merchant, order string) ([]byte, error)
}

// API serves /v1/ and /problems/.
type API struct {
	Config
	resources []resource
	keys      keys
	flights   flights
	limits    limits
	titles    map[string]string // of problems, by code
}

// New makes the handler of /v1/ and /problems/.
func New(c Config) http.Handler {
	a := &API{Config: c, titles: map[string]string{}}
	for _, m := range meanings {
		a.titles[m.code] = sentence(m.means)
	}
	a.limits.init(&a.Config)
	for _, o := range operations() {
		a.add(o)
	}
	a.addPages()
	return a
}

// resource is a path with what can be done to it.
type resource struct {
	path    string // "/v1/orders/{id}/start"
	before  string // "/v1/orders/"; the whole path where there is no id
	after   string // "/start"
	hasID   bool
	methods []method
}

type method struct {
	name      string
	operation *operation
}

func (a *API) add(o *operation) {
	i := slices.IndexFunc(a.resources, func(r resource) bool { return r.path == o.path })
	if i < 0 {
		before, rest, _ := strings.Cut(o.path, "{")
		_, after, hasID := strings.Cut(rest, "}")
		i = len(a.resources)
		a.resources = append(a.resources, resource{path: o.path, before: before, after: after, hasID: hasID})
	}
	a.resources[i].methods = append(a.resources[i].methods, method{o.method, o})
}

// match says whether a path is this resource's, and which id stands in it.
func (s *resource) match(path string) (id string, ok bool) {
	if !s.hasID {
		return "", path == s.path
	}
	rest, ok := strings.CutPrefix(path, s.before)
	if !ok {
		return "", false
	}
	id, ok = strings.CutSuffix(rest, s.after)
	return id, ok && id != "" && !strings.Contains(id, "/")
}

// find returns the operation of a request and the id in its path. Errors: NotFound "route", 405 "method".
func (a *API) find(r *http.Request) (o *operation, id, allow string, err error) {
	for i := range a.resources {
		s := &a.resources[i]
		id, ok := s.match(r.URL.Path)
		if !ok {
			continue
		}
		for _, m := range s.methods {
			if m.name == r.Method || m.name == http.MethodGet && r.Method == http.MethodHead {
				return m.operation, id, "", nil
			}
		}
		return nil, "", s.allow(), refuse(http.StatusMethodNotAllowed, "method", "This address does not know that method.")
	}
	return nil, "", "", noRoute()
}

func noRoute() error { return fault.Missing("route", "There is nothing at this address.") }

func (s *resource) allow() string {
	var names []string
	for _, m := range s.methods {
		names = append(names, m.name)
		if m.name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	return strings.Join(names, ", ")
}

// call is one request on its way.
type call struct {
	w         http.ResponseWriter
	r         *http.Request
	ctx       context.Context
	request   string // req_…
	operation *operation
	id        string // in the path

	shown access.Presented
	who   access.Principal
}

// reply is a good answer.
type reply struct {
	status   int
	kind     string // content type; "" is JSON
	body     []byte
	replayed bool
}

// ServeHTTP is the one way in and out: it names the request, finds its operation, writes what comes of it,
// and logs that it was there.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := a.Wall()
	c := &call{w: w, r: r, ctx: r.Context(), request: a.newRequestID()}
	secure(w.Header(), c.request)
	var allow string
	var err error
	c.operation, c.id, allow, err = a.find(r)
	if allow != "" {
		w.Header().Set("Allow", allow)
	}
	var out reply
	if err == nil {
		out, err = a.run(c)
	}
	if err != nil {
		p := a.problemOf(err, c.request)
		a.log(c, began, p.Status, p.Code, err)
		c.writeProblem(p)
		return
	}
	a.log(c, began, out.status, "", nil)
	c.write(out)
}

// run runs the operation. A panic in it fails this request and no other.
func (a *API) run(c *call) (out reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = broken(v)
		}
	}()
	if c.operation.scope != "" {
		if err := a.enter(c); err != nil {
			return reply{}, err
		}
	}
	return c.operation.serve(a, c)
}

func (c *call) write(out reply) {
	h := c.w.Header()
	kind := out.kind
	if kind == "" {
		kind = "application/json"
	}
	h.Set("Content-Type", kind)
	if out.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	if out.replayed {
		h.Set("Idempotent-Replayed", "true")
	}
	c.w.WriteHeader(out.status)
	_, _ = c.w.Write(out.body) // a caller who has gone needs no answer
}

// secure sets what every answer carries.
func secure(h http.Header, request string) {
	h.Set("Request-Id", request)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}
