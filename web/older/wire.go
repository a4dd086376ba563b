package older

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/messages"
	"achteraf/payments"
	"achteraf/web/page"
)

// Config is what the wire is built from.
type Config struct {
	DB       *db.DB
	Vault    *vault.Vault
	Accounts *Accounts
	Access   *access.Access
	Intake   *invoices.Intake
	Clerk    *invoices.Clerk
	Receipts *payments.Receipts
	Till     *invoices.Till
	Desk     *checkout.Desk
	Files    *invoices.Files
	Post     *messages.Post // nil: no mail is sent
	Random   io.Reader      // for the uuids of checks
	Log      *slog.Logger
	Demo     bool // test mode is a demonstration's

	CheckoutURL string            // before the token of a session's page; "": there are no such pages
	Paths       map[string]string // other addresses of the JSON calls whose own were never published; see CheckPaths
	Outbound    *http.Client      // calls the shops' webhooks; nil: they wait
}

// Wire serves the older wire.
type Wire struct {
	Config
	checks  *db.Batch[asking, approval]
	places  *db.Batch[ordering, []byte]
	starts  *db.Batch[starting, []started]
	paths   map[string]string // of the JSON half, without /v2/
	counted counter
	denied  denials
	mu      sync.Mutex
	known   map[string]met
}

// New makes a Wire.
func New(c Config) *Wire {
	w := &Wire{Config: c, known: map[string]met{}, paths: table(c.Paths)}
	w.checks = db.NewBatch(c.DB, w.runChecks)
	w.places = db.NewBatch(c.DB, w.runOrders)
	w.starts = db.NewBatch(c.DB, w.runStarts)
	return w
}

// service is one call of the XML half.
type service struct {
	name    string
	actions []string // what ACTION may say, in small letters
	serve   func(*Wire, *call) ([]byte, error)
}

var services = []service{
	{"check", []string{"check"}, (*Wire).check},
	{"order", []string{"order"}, (*Wire).order},
	{"status", []string{"status"}, (*Wire).status},
	{"start-workflow", []string{"activate order"}, (*Wire).start},
	{"credit", []string{"credit", "refund"}, (*Wire).credit},
	{"payment", []string{"payment"}, (*Wire).payment},
	{"message", []string{"message"}, (*Wire).message},
	{"file", []string{"pdf"}, (*Wire).file},
	{"on-hold", []string{"onhold", "on hold", "on-hold", "hold", "resume"}, (*Wire).onHold},
}

// find returns the service of a path: /api/NAME or /v1/client/NAME, however many slashes stand between.
func find(path string) *service {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	switch {
	case len(parts) == 2 && strings.EqualFold(parts[0], "api"):
	case len(parts) == 3 && strings.EqualFold(parts[0], "v1") && strings.EqualFold(parts[1], "client"):
	default:
		return nil
	}
	name := strings.ToLower(parts[len(parts)-1])
	i := slices.IndexFunc(services, func(s service) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return &services[i]
}

// Before lets the wire see a request as it was sent: a ServeMux would answer a doubled slash with a redirect, on
// which plug-ins lose their message. What is not of this wire goes to next.
func (w *Wire) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r = straight(r)
		if s := find(r.URL.Path); s != nil {
			w.serve(rw, r, s)
			return
		}
		if name, mine := w.jsonName(r.URL.Path); mine {
			w.serveJSON(rw, r, name)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// call is one request on its way.
type call struct {
	ctx      context.Context
	service  *service
	from     netip.Addr
	network  netip.Addr // from, or whom our own proxy names
	body     []byte
	query    url.Values // of the JSON half
	api      *node
	action   string
	account  Account
	workflow map[int64]merchants.Terms // those that were asked for
	now      calendar.Instant          // business time, some seconds old at most
}

// refusal is an error of this wire: HTTP 200 with a code.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return fmt.Sprintf("%03d %s", r.code, r.text) }

func refuse(code int, text string, args ...any) error {
	return &refusal{code, fmt.Sprintf(text, args...)}
}

// write makes the answer to a refusal.
func (r *refusal) write() []byte {
	return newAnswer("ERROR").open("ERROR").put("CODE", fmt.Sprintf("%03d", r.code)).put("DESCRIPTION", r.text).close("ERROR").done()
}

func unreadable() error { return refuse(601, "The message is empty or cannot be read") }

// serve answers one request.
func (w *Wire) serve(rw http.ResponseWriter, r *http.Request, s *service) {
	began := w.DB.Wall()
	h := rw.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		http.Error(rw, "This address takes POST only.", http.StatusMethodNotAllowed)
		return
	}
	c := &call{ctx: r.Context(), service: s, from: remote(r), network: page.Network(r)}
	body, err := w.read(rw, r, c)
	code := ""
	if err != nil {
		said := w.refusalOf(err)
		code, body = fmt.Sprintf("%03d", said.code), said.write()
	}
	w.log(c, began, code, err)
	h.Set("Content-Type", "text/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(http.StatusOK)
	_, _ = rw.Write(body) // a caller who has gone needs no answer
}

// read reads the message and lets its service answer. A panic fails this request and no other.
func (w *Wire) read(rw http.ResponseWriter, r *http.Request, c *call) (body []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if r.ContentLength > mostBytes {
		rw.Header().Set("Connection", "close")
		return nil, unreadable()
	}
	if c.body, err = io.ReadAll(http.MaxBytesReader(rw, r.Body, mostBytes)); err != nil {
		return nil, unreadable()
	}
	if c.api, err = parse(c.body); err != nil {
		return nil, unreadable()
	}
	if err := w.enter(c); err != nil {
		return nil, err
	}
	return c.service.serve(w, c)
}

// refusalOf is the answer to an error: its own, or 603 for what is ours to mend.
func (w *Wire) refusalOf(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	if fault.Is(err, "merchant-inactive") {
		return &refusal{703, "There is no financial arrangement with this merchant"}
	}
	return &refusal{603, "Something went wrong on our side; try again"}
}

// enter checks the envelope: version, account, action.
func (w *Wire) enter(c *call) error {
	if !strings.EqualFold(c.api.get("VERSION"), "BILLINK2.0") {
		return refuse(1, "Unknown API version")
	}
	if err := w.recognise(c); err != nil {
		return err
	}
	c.action = strings.Join(strings.Fields(strings.ToLower(c.api.get("ACTION"))), " ")
	if c.action != "" && !slices.Contains(c.service.actions, c.action) {
		return refuse(103, "Unknown action")
	}
	return nil
}

// met is an account that showed a good id a moment ago.
type met struct {
	account Account
	id      string
	terms   map[int64]merchants.Terms
	now     calendar.Instant
	until   calendar.Instant // wall time
}

const (
	meetLife = 5 * time.Second
	mostMet  = 10_000
)

// recognise finds out who calls, from memory or from the database. What acts looks again, in its own transaction.
func (w *Wire) recognise(c *call) error {
	name, id := c.api.get("CLIENTUSERNAME"), c.api.get("CLIENTID")
	if name == "" || id == "" || len(name) > 100 || len(id) > 200 {
		return stranger()
	}
	want := w.wants(c)
	wall := w.DB.Wall()
	w.mu.Lock()
	m, ok := w.known[name]
	w.mu.Unlock()
	if ok && m.id == id && wall.Before(m.until) && m.account.lets(c.from) && (want < 0 || m.terms[want].Merchant != "") {
		c.account, c.workflow, c.now = m.account, m.terms, m.now
		return nil
	}
	e := entryOf(c.network, c.from, name)
	if w.denied.bars(e, wall) {
		return tooMany()
	}
	err := w.DB.Read(c.ctx, func(tx *db.Tx) error {
		var err error
		if c.account, err = w.exact(c.ctx, tx, name, id, c.from); err != nil {
			return err
		}
		c.now = tx.Now
		keys := []merchants.TermsKey{{Merchant: c.account.Merchant, Workflow: max(want, 0)}}
		found, err := w.Intake.Terms(c.ctx, tx, keys)
		c.workflow = map[int64]merchants.Terms{}
		for k, t := range found {
			c.workflow[k.Workflow] = t
		}
		return err
	})
	switch r, ok := errors.AsType[*refusal](err); {
	case err == nil:
		w.remember(name, id, c, wall)
		w.denied.enter(e, wall)
	case ok && r.code == 101:
		w.denied.deny(e, wall)
	}
	return err
}

func (w *Wire) remember(name, id string, c *call, wall calendar.Instant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, ok := w.known[name]
	terms := map[int64]merchants.Terms{}
	if ok && old.id == id && wall.Before(old.until) && len(old.terms) < 100 {
		for k, t := range old.terms {
			terms[k] = t
		}
	}
	for k, t := range c.workflow {
		terms[k] = t
	}
	if len(w.known) >= mostMet {
		clear(w.known)
	}
	w.known[name] = met{c.account, id, terms, c.now, wall.Add(meetLife)}
}

// exact checks the account in a transaction.
func (w *Wire) exact(ctx context.Context, tx *db.Tx, name, id string, from netip.Addr) (Account, error) {
	found, err := w.Accounts.named(ctx, tx, []string{name})
	if err != nil {
		return Account{}, err
	}
	if x := found[name]; w.Accounts.opens(x, id, from) {
		return x, nil
	}
	return Account{}, stranger()
}

// again checks in the transaction of an act that the account is still what it was when the call came in.
func (w *Wire) again(ctx context.Context, tx *db.Tx, list []Account) ([]error, error) {
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = x.Username
	}
	found, err := w.Accounts.named(ctx, tx, names)
	if err != nil {
		return nil, err
	}
	out := make([]error, len(list))
	for i, x := range list {
		if now := found[x.Username]; !now.Active || now.Merchant != x.Merchant || string(now.hash) != string(x.hash) {
			out[i] = stranger()
		}
	}
	return out, nil
}

// stranger is the one answer to every account that is not good.
func stranger() error { return refuse(101, "Unknown client username or client id") }

// wants is the number of the workflow that a call names, -1 where it names none that can be one.
func (w *Wire) wants(c *call) int64 {
	n, err := strconv.ParseInt(c.api.get("WORKFLOWNUMBER"), 10, 64)
	if err != nil || n <= 0 || n > 999_999_999 {
		return -1
	}
	return n
}

func remote(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// log writes one line for a request; none of it is anything that was sent.
func (w *Wire) log(c *call, began calendar.Instant, code string, err error) {
	level, told := slog.LevelInfo, false
	if _, told = errors.AsType[*refusal](err); code == "603" && !told {
		level = slog.LevelError
	}
	if !w.Log.Enabled(c.ctx, level) {
		return
	}
	line := []slog.Attr{slog.String("route", "older "+c.service.name), slog.Int64("micros", w.DB.Wall().Micros()-began.Micros())}
	if c.account.Merchant != "" {
		line = append(line, slog.String("merchant", c.account.Merchant))
	}
	if code != "" {
		line = append(line, slog.String("code", code))
	}
	if f := fault.As(err); f != nil {
		line = append(line, slog.String("fault", f.Code))
	} else if code == "603" && !told {
		line = append(line, slog.String("cause", fmt.Sprintf("%T", err)))
	}
	w.Log.LogAttrs(context.WithoutCancel(c.ctx), level, "request", line...)
}

// counter counts in a minute, by key, in this process.
type counter struct {
	mu      sync.Mutex
	windows map[string]window
}

type window struct {
	began calendar.Instant
	used  int
}

// add counts a call and says whether it is within a limit; no limit is 0.
func (c *counter) add(merchant string, most int, now calendar.Instant) bool {
	if most <= 0 {
		return true
	}
	return c.count(merchant, 1, now) <= most
}

// over says whether as many calls as a limit allows were counted before.
func (c *counter) over(key string, most int, now calendar.Instant) bool {
	return c.count(key, 0, now) >= most
}

func (c *counter) count(key string, n int, now calendar.Instant) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.windows == nil || len(c.windows) >= mostMet {
		c.windows = map[string]window{}
	}
	x, ok := c.windows[key]
	if !ok || now.Sub(x.began) >= time.Minute || now.Before(x.began) {
		x = window{began: now}
	}
	x.used += n
	if n > 0 {
		c.windows[key] = x
	}
	return x.used
}
