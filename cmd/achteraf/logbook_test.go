package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// client is a shop's program. It writes down what it asks for before it asks, and what it was told; it alone
// asks about its orders.
type client struct {
	n      int
	shop   shop
	byCall bool // only the shop starts its orders
	chance *rand.Rand
	http   *http.Client
	node   func() string // address to ask next

	stubborn bool // asks until somebody answers

	acts   []*act
	since  int // the first act of the present round
	orders []*placed
}

// act is one write.
type act struct {
	verb      string // order, start, credit
	path, key string
	body      []byte
	order     *placed
	cents     int64 // of a credit

	answered bool
	answer   answer
}

// placed is an order of which the client was told that it is accepted.
type placed struct {
	id, reference, payment string
	total                  int64
	started                bool
	credits                int64 // asked for
}

var errWrong = errors.New("the platform refused what it should do")

// work places orders, starts and credits them until ctx ends or no answer comes.
func (c *client) work(ctx context.Context) error {
	for ctx.Err() == nil {
		a := c.next()
		c.acts = append(c.acts, a)
		switch err := c.try(context.WithoutCancel(ctx), a); {
		case errors.Is(err, errWrong) || c.stubborn && err != nil:
			return err
		case err != nil:
			return nil // nobody answers any more
		}
	}
	return nil
}

// next decides what to do: a new order, or something with an old one.
func (c *client) next() *act {
	key := fmt.Sprintf("%d-%d", c.n, len(c.acts))
	if len(c.orders) > 0 {
		o := c.orders[c.chance.IntN(len(c.orders))]
		switch c.chance.IntN(4) {
		case 0:
			if c.byCall && !o.started {
				o.started = true
				return &act{verb: "start", path: "/v1/orders/" + o.id + "/start", key: key, body: []byte("{}"), order: o}
			}
		case 1:
			if o.credits < 5 {
				o.credits++
				a := &act{verb: "credit", path: "/v1/orders/" + o.id + "/credits", key: key, order: o, cents: 100 + o.credits}
				a.body = fmt.Appendf(nil, `{"amount_cents":%d,"reason":"return"}`, a.cents)
				return a
			}
		}
	}
	n := len(c.acts)
	total := 2000 + int64(c.chance.IntN(7000))
	o := &placed{reference: fmt.Sprintf("R-%d-%d", c.n, n), total: total}
	return &act{verb: "order", path: "/v1/orders", key: key, order: o, body: fmt.Appendf(nil, `{"reference":%q,"currency":"EUR","prices":"incl_vat","total_cents":%d,
"lines":[{"reference":"A","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":%d,"vat_percent":"21","return_mark":null}],
"buyer":{"kind":"consumer","email":"koper-%d-%d@example.org","language":"nl","ip":"203.0.113.7","name":{"first":"Jo","last":"Koper"},"birth_date":"1985-03-01",
"address":{"street":"Dorpsstraat","house_number":"%d","postcode":"1234 AB","city":"Plaats %d","country":"NL"}}}`,
		o.reference, total, total, c.n, n, n+1, c.n)}
}

// try asks once, or until there is an answer.
func (c *client) try(ctx context.Context, a *act) error {
	if !c.stubborn {
		return c.do(ctx, a)
	}
	return waitUntil(ctx, "an answer", func() (bool, error) {
		err := c.do(ctx, a)
		if errors.Is(err, errWrong) {
			return false, err
		}
		return err == nil, nil
	})
}

// do asks once. An error says that no answer came, or one that says nothing about the outcome; errWrong that
// the answer is wrong.
func (c *client) do(ctx context.Context, a *act) error {
	api := shopClient{url: c.node(), key: c.shop.key, http: c.http}
	got, err := api.ask(ctx, http.MethodPost, a.path, a.key, a.body)
	if err != nil {
		return err
	}
	if got.status >= 500 || got.status == http.StatusConflict && bytes.Contains(got.text, []byte(`"idempotency-in-flight"`)) {
		return fmt.Errorf("%d %s", got.status, got.text)
	}
	return c.note(a, got)
}

// note writes down an answer, or compares it with the one that there was.
func (c *client) note(a *act, got answer) error {
	if a.answered {
		if got.status != a.answer.status || !bytes.Equal(got.text, a.answer.text) || !got.replayed {
			return fmt.Errorf("%w: %s %s was answered %d %s, and then %d %s", errWrong, a.verb, a.key, a.answer.status, a.answer.text, got.status, got.text)
		}
		return nil
	}
	if got.status >= 300 {
		return fmt.Errorf("%w: %s %s: %d %s", errWrong, a.verb, a.key, got.status, got.text)
	}
	a.answered, a.answer = true, got
	if a.verb != "order" {
		return nil
	}
	var said struct {
		ID      string
		Status  string
		Payment string `json:"payment_reference"`
	}
	if err := json.Unmarshal(got.text, &said); err != nil || said.Status != "accepted" {
		return fmt.Errorf("%w: order %s: %s", errWrong, a.key, got.text)
	}
	a.order.id, a.order.payment = said.ID, said.Payment
	c.orders = append(c.orders, a.order)
	return nil
}

// ask sends again, from one act on, what was not answered, or all of it.
func (c *client) ask(ctx context.Context, from int, all bool) error {
	for _, a := range c.acts[from:] {
		if a.answered && !all {
			continue
		}
		if err := c.do(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// logbook is what all clients wrote down.
type logbook struct{ clients []*client }

func newLogbook(h *house, n int, node func() string) *logbook {
	l := &logbook{}
	shared := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}}
	for i := range n {
		s := i % len(h.shops)
		l.clients = append(l.clients, &client{n: i, shop: h.shops[s], byCall: s == 1, chance: rand.New(rand.NewPCG(uint64(i), 7)), http: shared, node: node})
	}
	return l
}

// each runs f for all clients at one time.
func (l *logbook) each(f func(c *client) error) error {
	var wait sync.WaitGroup
	errs := make([]error, len(l.clients))
	for i, c := range l.clients {
		wait.Go(func() { errs[i] = f(c) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// forget closes connections to a process that is gone.
func (l *logbook) forget() { l.clients[0].http.CloseIdleConnections() }

// round begins a round for all clients.
func (l *logbook) round() {
	for _, c := range l.clients {
		c.since = len(c.acts)
	}
}

// count returns the acts by verb, and how many were not answered.
func (l *logbook) count() (verbs map[string]int, open int) {
	verbs = map[string]int{}
	for _, c := range l.clients {
		for _, a := range c.acts {
			if a.answered {
				verbs[a.verb]++
			} else {
				open++
			}
		}
	}
	return verbs, open
}

// payments returns the payment reference of each order by its id.
func (l *logbook) payments() map[string]string {
	all := map[string]string{}
	for _, c := range l.clients {
		for _, o := range c.orders {
			all[o.id] = o.payment
		}
	}
	return all
}

// stored is what the database holds of an order.
type stored struct {
	id      string
	total   int64
	state   string
	started int64           // events that say so
	credits map[int64]int64 // times each amount was credited
}

func (h *house) stored(t *testing.T) map[string]*stored {
	t.Helper()
	all, byID := map[string]*stored{}, map[string]*stored{}
	each := func(statement string, f func(r []any)) {
		rows, err := query(t.Context(), h.url, statement)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			f(r)
		}
	}
	each("select reference, id, total_cents, state from orders", func(r []any) {
		s := &stored{id: r[1].(string), total: r[2].(int64), state: r[3].(string), credits: map[int64]int64{}}
		if all[r[0].(string)] != nil {
			t.Fatalf("order %s is there twice", r[0])
		}
		all[r[0].(string)], byID[s.id] = s, s
	})
	each("select i.order_id, c.amount_cents, count(*) from credits c join invoices i on i.id = c.invoice_id group by i.order_id, c.amount_cents", func(r []any) {
		byID[r[0].(string)].credits[r[1].(int64)] = r[2].(int64)
	})
	each("select subject, count(*) from events where kind = 'order.started' group by subject", func(r []any) {
		byID[r[0].(string)].started = r[1].(int64)
	})
	return all
}

// check holds the database against the logbook: what was answered is there once, what was not is there at most
// once, and nothing else is there.
func (l *logbook) check(t *testing.T, h *house) {
	t.Helper()
	all := h.stored(t)
	known := 0
	for _, c := range l.clients {
		for _, a := range c.acts {
			s := all[a.order.reference]
			if a.verb == "order" && s != nil {
				known++
			}
			if err := a.check(c, s); err != nil {
				t.Fatalf("%s %s (answered: %t): %v", a.verb, a.key, a.answered, err)
			}
		}
	}
	if known != len(all) {
		t.Fatalf("%d orders are there, the clients placed %d", len(all), known)
	}
}

func (a *act) check(c *client, s *stored) error {
	switch {
	case s == nil && (a.answered || a.verb != "order"):
		return errors.New("the order is lost")
	case s == nil:
		return nil
	case s.total != a.order.total || a.order.id != "" && s.id != a.order.id:
		return fmt.Errorf("the order is %s of %d", s.id, s.total)
	case s.started > 1:
		return errors.New("it started twice")
	}
	switch a.verb {
	case "start":
		if a.answered && (s.state != "started" || s.started != 1) {
			return fmt.Errorf("it is %s", s.state)
		}
	case "credit":
		if n := s.credits[a.cents]; n > 1 || a.answered && n != 1 {
			return fmt.Errorf("it is there %d times", n)
		}
		if a.answered && !strings.Contains(string(a.answer.text), fmt.Sprintf(`"amount_cents":%d,`, a.cents)) {
			return fmt.Errorf("the answer does not show it: %s", a.answer.text)
		}
	case "order":
		if int64(len(s.credits)) > a.order.credits {
			return errors.New("it has credits that nobody asked for")
		}
	}
	return nil
}
