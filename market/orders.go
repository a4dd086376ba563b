package market

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"time"
)

// person is a buyer with habits.
type person struct {
	n     int
	habit string
	dutch bool   // whatever their number; the older wire knows no language but that of an address
	block string // by the operator's staff, its id
}

// company says whether somebody buys for one.
func (p *person) company() bool { return p.n%7 == 6 }

// habits of paying, each as often as it stands here.
var habits = []string{"early", "on time", "on time", "on time", "on time", "late", "late", "twice", "too much", "garbled", "in parts", "never",
	"by button", "by button", "by button", "leaves the bank", "leaves the bank", "is refused first", "by button, too late", "both ways"}

// order is what the naive model knows of an order.
type order struct {
	id, ref, key string
	invoice      string // its id
	payment      string // payment reference
	payURL       string
	shop         *shop
	person       *person
	total        int64
	credited     int64
	received     int64 // money that the bank sent with its reference, and that the payment provider took
	issued       bool
	dead         bool // cancelled or lapsed
	startsByCall bool
	forgotten    bool // by the shop that should start it
	started      bool
	sent         bool // with its start: then the invoice waits for no day
	placed       int  // day
}

// What the shops of the world agreed on, and how long the platform remembers a key, in days.
const (
	sendAfter  = 3
	lapseAfter = 30
	keysKept   = 30
)

// claim is what is or will be invoiced, less what was credited.
func (o *order) claim() int64 { return o.total - o.credited }

// held is the money that belongs to the buyer: all of it while nothing is claimed, then what is above the claim.
func (o *order) held() int64 {
	if o.dead || !o.issued {
		return o.received
	}
	return max(0, o.received-o.claim())
}

// open is what is still to be paid.
func (o *order) open() int64 {
	if o.dead {
		return 0
	}
	return max(0, o.claim()-o.received)
}

// receive notes money that the platform has booked for an order.
func (w *World) receive(o *order, cents int64) {
	o.received += cents
	w.touched = append(w.touched, o)
}

// shipping is what every parcel costs.
const shipping = 495

// answer is the part of the API's order that the world looks at.
type answer struct {
	ID               string `json:"id"`
	Reference        string `json:"reference"`
	Status           string `json:"status"`
	State            string `json:"state"`
	PaymentReference string `json:"payment_reference"`
	Invoices         []struct {
		ID         string  `json:"id"`
		PayURL     string  `json:"pay_url"`
		Number     *string `json:"number"`
		Status     string  `json:"status"`
		TotalCents int64   `json:"total_cents"`
		OpenCents  int64   `json:"open_cents"`
	} `json:"invoices"`
}

// call speaks to the platform over its handler.
func (w *World) call(s *shop, method, address, key string, body any) (int, []byte, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	r := httptest.NewRequest(method, address, strings.NewReader(string(text)))
	r.Header.Set("Authorization", "Bearer "+s.key)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
	}
	rec := httptest.NewRecorder()
	w.p.Handler().ServeHTTP(rec, r)
	return rec.Code, rec.Body.Bytes(), nil
}

// placeOrders lets this day's share of the orders come in, and what was not placed while the host slept.
func (w *World) placeOrders(ctx context.Context, day int) error {
	share := w.c.Orders*(day+1)/w.c.Days - w.report.Orders
	for i := range share {
		w.at(day, 8*time.Hour+time.Duration(i)*12*time.Hour/time.Duration(share))
		if err := w.placeOne(day); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) placeOne(day int) error {
	n := w.report.Orders
	w.report.Orders++
	p := w.buyer()
	s := w.shops[w.chance.IntN(len(w.shops))]
	price := int64(500 + w.chance.IntN(12_000))
	o := &order{ref: fmt.Sprintf("M-%05d", n), key: fmt.Sprintf("order-%d", n), shop: s, person: p, placed: day, startsByCall: s == w.shops[1]}
	o.total = 2*price + shipping
	place := w.placeNew
	if s.user != "" {
		place = w.placeOlder
	}
	a, accepted, err := place(o, price)
	if err != nil {
		return err
	}
	if !accepted {
		w.report.Refused++
		if p.block != "" {
			w.count("came back blocked")
		}
		return nil
	}
	if p.block != "" {
		return fmt.Errorf("%w: %s was accepted, though its buyer is blocked: %s", errModel, o.ref, p.block)
	}
	w.report.Accepted++
	o.id, o.payment = a.ID, a.PaymentReference
	o.invoice, o.payURL = a.Invoices[0].ID, a.Invoices[0].PayURL
	if o.startsByCall && w.chance.IntN(5) == 0 {
		w.count("forgotten by the shop")
		o.forgotten = true
	}
	w.orders = append(w.orders, o)
	w.planPayment(o, day)
	return nil
}

// placeNew lets a shop order over /v1. It is false when the buyer was refused.
func (w *World) placeNew(o *order, price int64) (a answer, accepted bool, err error) {
	body := w.orderBody(o, o.person, price)
	status, text, err := w.call(o.shop, "POST", "/v1/orders", o.key, body)
	if err != nil || status != http.StatusCreated {
		return a, false, fmt.Errorf("order %s: %d %s %w", o.ref, status, text, err)
	}
	if w.chance.IntN(8) == 0 { // the shop's connection broke: it asks again with the same key
		w.count("asked again")
		_, again, err := w.call(o.shop, "POST", "/v1/orders", o.key, body)
		if err != nil || string(again) != string(text) {
			return a, false, fmt.Errorf("order %s: the second answer differs: %s", o.ref, again)
		}
	}
	err = json.Unmarshal(text, &a)
	return a, a.Status == "accepted", err
}

// buyer is someone new, or someone who came before.
func (w *World) buyer() *person {
	if len(w.buyers) > 0 && w.chance.IntN(3) == 0 {
		return w.buyers[w.chance.IntN(len(w.buyers))]
	}
	p := &person{n: len(w.buyers), habit: habits[w.chance.IntN(len(habits))], dutch: w.c.Older > 0}
	w.buyers = append(w.buyers, p)
	return p
}

func (w *World) orderBody(o *order, p *person, price int64) map[string]any {
	country, postcode := "NL", "1234 AB"
	if p.n%5 == 4 {
		country, postcode = "BE", "1000"
	}
	buyer := map[string]any{
		"kind": "consumer", "email": p.email(), "language": p.language(),
		"ip": "203.0.113.7", "name": map[string]any{"first": "Jo", "last": fmt.Sprintf("Koper %d", p.n)},
		"address": map[string]any{"street": "Dorpsstraat", "house_number": fmt.Sprint(1 + p.n), "postcode": postcode, "city": "Voorbeeld", "country": country},
	}
	if p.company() {
		buyer["kind"] = "company"
		buyer["company"] = map[string]any{"name": fmt.Sprintf("Firma %d", p.n), "registration_number": registration(country, p.n)}
	} else {
		buyer["birth_date"] = "1985-03-01"
	}
	return map[string]any{
		"reference": o.ref, "currency": "EUR", "prices": "incl_vat", "total_cents": o.total,
		"lines": []map[string]any{
			{"reference": "A", "kind": "goods", "description": "Running shoes", "quantity": 2, "unit_price_cents": price, "vat_percent": "21", "return_mark": nil},
			{"reference": "S", "kind": "shipping", "description": "Delivery", "quantity": 1, "unit_price_cents": shipping, "vat_percent": "9", "return_mark": nil},
		},
		"buyer": buyer,
	}
}

// registration makes a trade-register number of the right form.
func registration(country string, n int) string {
	if country == "BE" {
		base := 4_000_000 + n
		return fmt.Sprintf("0%07d%02d", base, 97-base%97)
	}
	return fmt.Sprintf("9%07d", n)
}

// shopsAct lets shops start, cancel and credit some orders, and try what they may not.
func (w *World) shopsAct(_ context.Context, day int) error {
	w.at(day, 20*time.Hour)
	for _, o := range w.orders {
		var err error
		age := day - o.placed
		switch lapsing := o.startsByCall && !o.started && age >= lapseAfter; {
		case o.dead || lapsing:
		case o.startsByCall && !o.started && !o.forgotten && (age >= sendAfter || !w.c.startsLate) && w.chance.IntN(6) == 0:
			err = w.startOrder(o)
		case age == 1 && !o.started && w.chance.IntN(25) == 0:
			err = w.cancelOrder(o)
		case age > 1 && o.credited < o.total && w.chance.IntN(60) == 0:
			err = w.creditOrder(o, day)
		case w.chance.IntN(100) == 0:
			err = w.tryInVain(o, day)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tryInVain asks for what a shop may not do. Whatever it is, nothing may change.
func (w *World) tryInVain(o *order, day int) error {
	w.count("tried in vain")
	key := fmt.Sprintf("vain-%s-%d", o.id, day)
	credit := map[string]any{"amount_cents": o.claim() + 1, "reason": "return"}
	type attempt struct {
		shop      *shop
		path, key string
		body      any
		want      string // pattern of the code
	}
	wrong := []attempt{
		{o.shop, "/v1/orders/" + o.id + "/credits", key, credit, "credit-*"},
		{w.other(o.shop), "/v1/orders/" + o.id + "/credits", key, map[string]any{"reason": "return"}, "order"},
		{w.other(o.shop), "/v1/orders/" + o.id + "/cancel", key, nil, "order"},
		{o.shop, "/v1/orders", key, w.orderBody(o, o.person, (o.total-shipping)/2), "order-reference"},
	}
	if day-o.placed < keysKept {
		want := "idempotency-key-reused"
		if o.shop.user != "" {
			want = "fields" // the key was never used
		}
		wrong = append(wrong, attempt{o.shop, "/v1/orders", o.key, w.orderBody(o, o.person, 1), want})
	}
	if o.started {
		wrong = append(wrong, attempt{o.shop, "/v1/orders/" + o.id + "/cancel", key, nil, "order-state"})
	}
	c := wrong[w.chance.IntN(len(wrong))]
	status, text, err := w.call(c.shop, http.MethodPost, c.path, c.key, c.body)
	var problem struct{ Code string }
	if err == nil {
		err = json.Unmarshal(text, &problem)
	}
	fits, _ := path.Match(c.want, problem.Code)
	if err != nil || status < 400 || status >= 500 || !fits {
		return fmt.Errorf("%w: %s to %s should be refused as %s: %d %s %w", errModel, o.ref, c.path, c.want, status, text, err)
	}
	return nil
}

func (w *World) other(s *shop) *shop {
	for _, o := range w.shops {
		if o != s {
			return o
		}
	}
	return s
}

func (w *World) startOrder(o *order) error {
	w.count("started by the shop")
	o.started = true
	if o.shop.user != "" {
		return w.startOlder(o)
	}
	return w.want(o, "/start", "start", nil)
}

func (w *World) cancelOrder(o *order) error {
	w.count("cancelled")
	o.dead = true
	return w.want(o, "/cancel", "cancel", nil)
}

func (w *World) creditOrder(o *order, day int) error {
	left := o.total - o.credited
	body := map[string]any{"reason": "return"}
	cents := left
	if w.chance.IntN(3) > 0 {
		cents = 1 + w.chance.Int64N(left)
		body["amount_cents"] = cents
	}
	w.count("credited")
	o.credited += cents
	w.touched = append(w.touched, o)
	return w.want(o, "/credits", fmt.Sprintf("credit-%d", day), body)
}

// want calls a verb of an order and expects it to work.
func (w *World) want(o *order, verb, key string, body any) error {
	status, text, err := w.call(o.shop, "POST", "/v1/orders/"+o.id+verb, o.id+key, body)
	if err != nil || status >= 300 {
		return fmt.Errorf("%s of %s: %d %s %w", verb, o.ref, status, text, err)
	}
	return nil
}

// checkOrders holds every order, as its shop sees it, against the model.
func (w *World) checkOrders(day int) error {
	seen := make(map[string]answer, len(w.orders))
	for _, s := range w.shops {
		for cursor := ""; ; {
			status, text, err := w.call(s, http.MethodGet, "/v1/orders?limit=100"+cursor, "", nil)
			var page struct {
				Data []answer
				Next *string `json:"next_cursor"`
			}
			if err == nil {
				err = json.Unmarshal(text, &page)
			}
			if err != nil || status != http.StatusOK {
				return fmt.Errorf("list of %s: %d %s %w", s.id, status, text, err)
			}
			for _, a := range page.Data {
				seen[a.ID] = a
			}
			if page.Next == nil {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(*page.Next)
		}
	}
	for _, o := range w.orders {
		if err := w.checkOrder(o, seen[o.id], day); err != nil {
			return err
		}
	}
	return nil
}

// checkOrder holds an order against the model: what is open is the total less credits less money, and never
// negative; before issue and after the end nothing but the plan counts. What has to happen by a day has happened
// in the evening, unless the host slept.
func (w *World) checkOrder(o *order, a answer, day int) error {
	if len(a.Invoices) != 1 {
		return fmt.Errorf("%w: %s has %d invoices", errModel, o.ref, len(a.Invoices))
	}
	v, age := a.Invoices[0], day-o.placed
	o.issued = v.Number != nil
	wantIssued := o.issued
	if !w.slept {
		o.dead = o.dead || o.startsByCall && !o.started && age >= lapseAfter
		switch {
		case o.claim() > 0:
			o.started = o.started || !o.startsByCall && !o.dead && age >= sendAfter
			wantIssued = o.started && (age >= sendAfter || o.sent)
		case !o.started && !o.dead: // credited in full: that ends an order, unless its invoice was issued this morning
			o.started, o.dead = o.issued, !o.issued
		}
	}
	wantOpen := o.claim()
	switch {
	case o.dead:
		wantOpen = 0
	case o.issued:
		wantOpen = max(0, o.claim()-o.received)
	}
	if v.OpenCents != wantOpen || v.TotalCents != o.total || o.issued != wantIssued || (v.Status == "open") != (o.issued && wantOpen > 0) ||
		(a.State == "started") != o.started || (a.State == "cancelled" || a.State == "lapsed") != o.dead {
		return fmt.Errorf("%w: %s, %d days old, is %s, its invoice %s with %d open of %d; total %d, credited %d, received %d, started %t, dead %t make %d",
			errModel, o.ref, age, a.State, v.Status, v.OpenCents, v.TotalCents, o.total, o.credited, o.received, o.started, o.dead, wantOpen)
	}
	return nil
}
