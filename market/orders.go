package market

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// person is a buyer with habits.
type person struct {
	n     int
	habit string
}

// habits of paying, each as often as it stands here.
var habits = []string{"early", "on time", "on time", "on time", "on time", "late", "late", "twice", "too much", "garbled", "in parts", "never"}

// order is what the naive model knows of an order.
type order struct {
	id, ref, key string
	payment      string // payment reference
	shop         *shop
	person       *person
	total        int64
	credited     int64
	received     int64 // money that the bank sent with its reference
	issued       bool
	dead         bool // cancelled or lapsed
	startsByCall bool
	started      bool
	placed       int // day
}

// answer is the part of the API's order that the world looks at.
type answer struct {
	ID               string `json:"id"`
	Status           string `json:"status"`
	State            string `json:"state"`
	PaymentReference string `json:"payment_reference"`
	Invoices         []struct {
		Number     *string `json:"number"`
		Status     string  `json:"status"`
		TotalCents int64   `json:"total_cents"`
		OpenCents  int64   `json:"open_cents"`
	} `json:"invoices"`
}

// call speaks to the platform over its handler.
func (w *World) call(s *shop, method, path, key string, body any) (int, []byte, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	r := httptest.NewRequest(method, path, strings.NewReader(string(text)))
	r.Header.Set("Authorization", "Bearer "+s.key)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
	}
	rec := httptest.NewRecorder()
	w.p.Handler().ServeHTTP(rec, r)
	return rec.Code, rec.Body.Bytes(), nil
}

// placeOrders lets this day's share of the orders come in.
func (w *World) placeOrders(ctx context.Context, day int) error {
	share := w.c.Orders*(day+1)/w.c.Days - w.c.Orders*day/w.c.Days
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
	o.total = 2*price + 495
	body := w.orderBody(o, p, price)
	status, text, err := w.call(s, "POST", "/v1/orders", o.key, body)
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("order %s: %d %s %w", o.ref, status, text, err)
	}
	if w.chance.IntN(8) == 0 { // the shop's connection broke: it asks again with the same key
		w.count("asked again")
		_, again, err := w.call(s, "POST", "/v1/orders", o.key, body)
		if err != nil || string(again) != string(text) {
			return fmt.Errorf("order %s: the second answer differs: %s", o.ref, again)
		}
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	if a.Status != "accepted" {
		w.report.Refused++
		return nil
	}
	w.report.Accepted++
	o.id, o.payment = a.ID, a.PaymentReference
	w.orders = append(w.orders, o)
	w.planPayment(o, day)
	return nil
}

// buyer is someone new, or someone who came before.
func (w *World) buyer() *person {
	if len(w.buyers) > 0 && w.chance.IntN(3) == 0 {
		return w.buyers[w.chance.IntN(len(w.buyers))]
	}
	p := &person{len(w.buyers), habits[w.chance.IntN(len(habits))]}
	w.buyers = append(w.buyers, p)
	return p
}

func (w *World) orderBody(o *order, p *person, price int64) map[string]any {
	country, postcode := "NL", "1234 AB"
	if p.n%5 == 4 {
		country, postcode = "BE", "1000"
	}
	buyer := map[string]any{
		"kind": "consumer", "email": fmt.Sprintf("koper%d@example.org", p.n), "language": [...]string{"nl", "fr", "en", "de"}[p.n%4],
		"ip": "203.0.113.7", "name": map[string]any{"first": "Jo", "last": fmt.Sprintf("Koper %d", p.n)},
		"address": map[string]any{"street": "Dorpsstraat", "house_number": fmt.Sprint(1 + p.n), "postcode": postcode, "city": "Voorbeeld", "country": country},
	}
	if p.n%7 == 6 {
		buyer["kind"] = "company"
		buyer["company"] = map[string]any{"name": fmt.Sprintf("Firma %d", p.n), "registration_number": registration(country, p.n)}
	} else {
		buyer["birth_date"] = "1985-03-01"
	}
	return map[string]any{
		"reference": o.ref, "currency": "EUR", "prices": "incl_vat", "total_cents": o.total,
		"lines": []map[string]any{
			{"reference": "A", "kind": "goods", "description": "Running shoes", "quantity": 2, "unit_price_cents": price, "vat_percent": "21", "return_mark": nil},
			{"reference": "S", "kind": "shipping", "description": "Delivery", "quantity": 1, "unit_price_cents": 495, "vat_percent": "9", "return_mark": nil},
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

// shopsAct lets shops start, cancel and credit some orders.
func (w *World) shopsAct(_ context.Context, day int) error {
	w.at(day, 20*time.Hour)
	for _, o := range w.orders {
		var err error
		switch age := day - o.placed; {
		case o.dead:
		case o.startsByCall && !o.started && w.chance.IntN(6) == 0:
			err = w.startOrder(o)
		case age == 1 && !o.started && w.chance.IntN(25) == 0:
			err = w.cancelOrder(o)
		case age > 1 && o.credited < o.total && w.chance.IntN(60) == 0:
			err = w.creditOrder(o, day)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *World) startOrder(o *order) error {
	w.count("started by the shop")
	o.started = true
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

// checkOrder holds an order against the model: what is open is the total less credits less money, and never
// negative; before issue and after the end nothing but the plan counts.
func (w *World) checkOrder(_ context.Context, o *order) error {
	status, text, err := w.call(o.shop, "GET", "/v1/orders/"+o.id, "", nil)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("read %s: %d %s %w", o.ref, status, text, err)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	if len(a.Invoices) != 1 {
		return fmt.Errorf("%w: %s has %d invoices", errModel, o.ref, len(a.Invoices))
	}
	v := a.Invoices[0]
	o.dead = o.dead || a.State == "lapsed"
	o.started = o.started || a.State == "started"
	claim := o.total - o.credited
	want := claim
	switch {
	case o.dead:
		want = 0
	case v.Number != nil:
		want = max(0, claim-o.received)
	}
	if v.OpenCents != want || v.TotalCents != o.total {
		return fmt.Errorf("%w: %s (%s, invoice %s) has %d open of %d; total %d, credited %d, received %d make %d",
			errModel, o.ref, a.State, v.Status, v.OpenCents, v.TotalCents, o.total, o.credited, o.received, want)
	}
	return nil
}
