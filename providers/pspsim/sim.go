// Package pspsim simulates a payment service provider that behaves as Mollie does, over the same HTTP.
//
// It owns the simulated payments and settlements, the page on which a person chooses an invented bank, the
// webhooks and the faults that a test or a demonstration wants to see. It does not own the client that talks to it
// (providers/mollie), and no money.
//
// # What is always true
//
//   - It knows no time of its own: its clock is passed in, and whatever expires does so when somebody looks.
//   - It starts no goroutine: webhooks wait until Deliver is called.
//   - It takes test keys only, and every page says that it is a simulation.
package pspsim

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"achteraf/calendar"
)

// Config is what a simulator is made from.
type Config struct {
	Public string // the address at which it is reached, without a slash at the end
	Key    string // "test_…", for payments
	Token  string // "access_…", for settlements
	Now    func() calendar.Instant
	Random io.Reader
	HTTP   *http.Client // sends webhooks
	IBAN   string       // of the account that is paid out to
	Fee    int64        // cents for each payment, kept back from the settlement
}

// Statuses of a payment.
const (
	Open     = "open"
	Paid     = "paid"
	Canceled = "canceled"
	Expired  = "expired"
	Failed   = "failed"
)

const (
	sessionTime = 15 * time.Minute // after which a payment by iDEAL expires
	keyTime     = time.Hour        // for which an idempotency key is remembered
	hookTime    = 15 * time.Second // for which an answer to a webhook is waited for
)

// retries is when a webhook is sent again that was not answered by 200, counted from the change.
var retries = [...]time.Duration{0, time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute, 31 * time.Minute, time.Hour,
	2 * time.Hour, 4 * time.Hour, 26 * time.Hour}

// Payment is a simulated payment.
type Payment struct {
	ID          string
	Status      string
	Cents       int64
	Description string
	Metadata    string // JSON, as it was sent
	Return      string
	Webhook     string
	Method      []string
	MadeAt      calendar.Instant
	ExpiresAt   calendar.Instant
	Settlement  string // "" until it is in one
}

// Settlement is money paid out for payments.
type Settlement struct {
	ID        string
	Reference string // stands in the bank line
	Gross     int64
	Fee       int64
	Net       int64
	At        calendar.Instant
}

// Fault is what goes wrong with a call of the API.
type Fault struct {
	Status int  // 429 or 503, say; 0: the connection breaks
	After  bool // the call has done its work when it goes wrong
}

// Simulator is a payment service provider. It is safe for concurrent use.
type Simulator struct {
	c   Config
	mux *http.ServeMux

	mu          sync.Mutex
	payments    map[string]*Payment
	made        []*Payment // in the order of their making
	settlements []Settlement
	answers     map[string]answer // by idempotency key
	hooks       []hook
	plan        func(change int) []time.Duration // of webhooks
	changes     int
	faults      []Fault
	calls       int
}

// hook is a webhook to send.
type hook struct {
	url, id string
	changed calendar.Instant // when the payment changed
	at      calendar.Instant
	tries   int
}

// New makes a simulator. It fails when the key could be a real one.
func New(c Config) (*Simulator, error) {
	if !strings.HasPrefix(c.Key, "test_") {
		return nil, errors.New("pspsim: a simulator takes test keys only")
	}
	s := &Simulator{c: c, payments: map[string]*Payment{}, answers: map[string]answer{}}
	s.routes()
	return s, nil
}

// ServeHTTP serves the API at /v2/, the pages at /checkout/, and /settle, which pays out.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Webhooks sets how the webhooks of each change, counted from 0, are sent: one after each delay. None is a lost
// one, two are a duplicate, different delays put them out of order. Nil is one, at once.
func (s *Simulator) Webhooks(plan func(change int) []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// Break makes the next calls of the API go wrong, one after the other; without faults, none.
func (s *Simulator) Break(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
}

// Payments returns all payments in the order of their making.
func (s *Simulator) Payments() []Payment {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	all := make([]Payment, len(s.made))
	for i, p := range s.made {
		all[i] = *p
	}
	return all
}

// Calls is how many calls of the API there were.
func (s *Simulator) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Choose ends an open payment as the buyer or the bank does: Paid, Canceled, Failed or Expired. It says whether
// the payment was still open.
func (s *Simulator) Choose(id, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	p := s.payments[id]
	if p == nil || p.Status != Open {
		return false
	}
	s.change(p, status)
	return true
}

// PayLate lets money of a payment arrive that had expired, failed or been cancelled, as banks sometimes do.
func (s *Simulator) PayLate(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	p := s.payments[id]
	if p == nil || p.Status == Paid || p.Status == Open {
		return false
	}
	s.change(p, Paid)
	return true
}

// expire ends the sessions whose time is over.
func (s *Simulator) expire() {
	now := s.c.Now()
	for _, p := range s.made {
		if p.Status == Open && !now.Before(p.ExpiresAt) {
			s.change(p, Expired)
		}
	}
}

// change moves a payment and queues its webhooks.
func (s *Simulator) change(p *Payment, status string) {
	p.Status = status
	delays := []time.Duration{0}
	if s.plan != nil {
		delays = s.plan(s.changes)
	}
	s.changes++
	if p.Webhook == "" {
		return
	}
	now := s.c.Now()
	for _, d := range delays {
		s.hooks = append(s.hooks, hook{url: p.Webhook, id: p.ID, changed: now.Add(d), at: now.Add(d)})
	}
}

// Deliver sends the webhooks whose time has come, the earliest first. It says whether it sent any.
func (s *Simulator) Deliver(ctx context.Context) (sent bool, err error) {
	for {
		h, ok := s.nextHook()
		if !ok || ctx.Err() != nil {
			return sent, ctx.Err()
		}
		sent = true
		if s.send(ctx, h) {
			continue
		}
		if h.tries++; h.tries < len(retries) {
			h.at = h.changed.Add(retries[h.tries])
			s.mu.Lock()
			s.hooks = append(s.hooks, h)
			s.mu.Unlock()
		}
	}
}

func (s *Simulator) nextHook() (h hook, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	now := s.c.Now()
	at := -1
	for i := range s.hooks {
		if !s.hooks[i].at.After(now) && (at < 0 || s.hooks[i].at.Before(s.hooks[at].at)) {
			at = i
		}
	}
	if at < 0 {
		return h, false
	}
	h = s.hooks[at]
	s.hooks = slices.Delete(s.hooks, at, at+1)
	return h, true
}

// send posts a webhook: an id, and nothing else.
func (s *Simulator) send(ctx context.Context, h hook) bool {
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, strings.NewReader(url.Values{"id": {h.id}}.Encode()))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.c.HTTP.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}

// Settle pays out what was paid and is in no settlement yet. It is false when there is nothing to pay out.
func (s *Simulator) Settle() (t Settlement, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	n := len(s.settlements) + 1
	t = Settlement{ID: "stl_" + s.word(), Reference: fmt.Sprintf("1234567.%04d.01", n), At: s.c.Now()}
	for _, p := range s.made {
		if p.Status == Paid && p.Settlement == "" {
			t.Gross += p.Cents
			t.Fee += min(s.c.Fee, p.Cents-1)
		}
	}
	if t.Gross == 0 {
		return t, false
	}
	for _, p := range s.made {
		if p.Status == Paid {
			p.Settlement = cmp.Or(p.Settlement, t.ID)
		}
	}
	t.Net = t.Gross - t.Fee
	s.settlements = append(s.settlements, t)
	return t, true
}

// word is a part of an id.
func (s *Simulator) word() string {
	b := make([]byte, 8)
	if _, err := io.ReadFull(s.c.Random, b); err != nil {
		panic("pspsim: no randomness: " + err.Error())
	}
	return hex.EncodeToString(b)
}
