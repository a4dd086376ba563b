package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/orders"

	"github.com/go-json-experiment/json"
)

// placeOrder serves POST /v1/orders. The answer is made and stored in the transaction of its effect.
func (a *API) placeOrder(c *call) (reply, error) {
	var in newOrder
	key, sum, err := receive(c, &in)
	if err != nil {
		return reply{}, err
	}
	order, buyer, err := in.order()
	if err != nil {
		return reply{}, err
	}
	done, err := a.flights.enter(c.ctx, flight{c.who.Merchant, key})
	if err != nil {
		return reply{}, err
	}
	defer done()
	ask := invoices.Request{
		Credential: c.shown, Key: key, Route: c.operation.name(), Body: sum, Order: order, Buyer: buyer,
		Render: func(o invoices.Outcome) (int, []byte, error) {
			answer := answerTo(o, &in)
			if o.Invoice != nil && a.Pages != nil {
				answer.Invoices[0].leadTo(a.Pages.First(invoices.Key{Merchant: o.Invoice.Merchant, ID: o.Invoice.ID}))
			}
			body, err := json.Marshal(answer)
			return http.StatusCreated, body, err
		},
	}
	var answer invoices.Answer
	err = twice(func() error {
		answer, err = a.Intake.Place(c.ctx, ask)
		return err
	})
	if denied(err) {
		a.keys.drop(c.shown)
	}
	return reply{status: answer.Status, body: answer.Body, replayed: answer.Replayed}, inMessage(err)
}

// startOrder serves POST /v1/orders/{id}/start.
func (a *API) startOrder(c *call) (reply, error) {
	return write(a, c, func(tx *db.Tx, _ *nothing) (int, error) {
		return http.StatusOK, a.Clerk.Start(c.ctx, tx, c.who.Merchant, c.id)
	})
}

// cancelOrder serves POST /v1/orders/{id}/cancel.
func (a *API) cancelOrder(c *call) (reply, error) {
	return write(a, c, func(tx *db.Tx, _ *nothing) (int, error) {
		return http.StatusOK, a.Clerk.Cancel(c.ctx, tx, c.who.Merchant, c.id)
	})
}

// creditOrder serves POST /v1/orders/{id}/credits.
func (a *API) creditOrder(c *call) (reply, error) {
	return write(a, c, func(tx *db.Tx, in *creditOrder) (int, error) {
		ask, err := in.ask(c.who.Merchant, c.id)
		if err != nil {
			return 0, err
		}
		_, err = a.Clerk.Credit(c.ctx, tx, ask)
		return http.StatusCreated, err
	})
}

// delayOrder is a notice that an order comes later.
type delayOrder struct {
	SendOn calendar.Date `json:"send_on" format:"date" doc:"The new day of the invoice." example:"2026-12-15"`
	Reason string        `json:"reason,omitempty" nullable:"true" doc:"stock, supplier, carrier, made-to-order, buyer or other; other when it is left out." example:"stock"`
}

// delayOrder serves POST /v1/orders/{id}/delay.
func (a *API) delayOrder(c *call) (reply, error) {
	return write(a, c, func(tx *db.Tx, in *delayOrder) (int, error) {
		_, err := a.Clerk.Delay(c.ctx, tx, invoices.Delay{Merchant: c.who.Merchant, Order: c.id, SendOn: in.SendOn, Reason: in.Reason, By: c.who.Key})
		return http.StatusOK, err
	})
}

// changeOrder serves PATCH /v1/orders/{id}, which nobody may: what was decided on stays as it was.
func (a *API) changeOrder(c *call) (reply, error) {
	return a.read(c, func(tx *db.Tx) (any, error) {
		if _, err := find(c.ctx, tx, c.who.Merchant, c.id); err != nil {
			return nil, err
		}
		return nil, fault.Clash("order-frozen", "An order that was decided on cannot be edited. Cancel or credit it, or ask the operator for a correction.")
	})
}

// getOrder serves GET /v1/orders/{id}.
func (a *API) getOrder(c *call) (reply, error) {
	return a.read(c, func(tx *db.Tx) (any, error) { return a.show(c.ctx, tx, c.who.Merchant, c.id) })
}

// listOrders serves GET /v1/orders.
func (a *API) listOrders(c *call) (reply, error) {
	q, err := queryOf(c.r.URL.RawQuery)
	if err != nil {
		return reply{}, err
	}
	return a.read(c, func(tx *db.Tx) (any, error) {
		merchant, after := c.who.Merchant, ""
		if q.cursor != "" {
			if after, err = a.readCursor(merchant, "orders", q.cursor); err != nil {
				return nil, err
			}
		}
		page, err := pageOf(c.ctx, tx, merchant, after, q)
		if err != nil {
			return nil, err
		}
		out, err := a.showAll(c.ctx, tx, page.Orders)
		if page.Next != "" {
			next := a.newCursor(merchant, "orders", page.Next)
			out.NextCursor = &next
		}
		return out, err
	})
}

// getInvoice serves GET /v1/orders/{id}/invoice.html.
func (a *API) getInvoice(c *call) (reply, error) {
	if _, err := a.read(c, func(tx *db.Tx) (any, error) { return find(c.ctx, tx, c.who.Merchant, c.id) }); err != nil {
		return reply{}, err
	}
	if a.Document == nil {
		return reply{}, fault.Missing("invoice", "There is no such invoice.")
	}
	page, err := a.Document(c.ctx, c.who.Merchant, c.id)
	if err != nil {
		return reply{}, err
	}
	c.w.Header().Set("Content-Security-Policy", documentPolicy(page))
	return reply{status: http.StatusOK, kind: "text/html; charset=utf-8", body: page}, nil
}

// receive reads what every write brings: its idempotency key, and its message into a pointer to a struct.
func receive(c *call, into any) (key string, sum [sha256.Size]byte, err error) {
	if key, err = access.CleanKey(c.r.Header.Get("Idempotency-Key")); err != nil {
		return "", sum, err
	}
	data, err := readBody(c.w, c.r)
	if err != nil {
		return "", sum, err
	}
	if len(data) > 0 || !c.operation.optional {
		err = decode(data, into)
	}
	return key, sha256.Sum256(data), err
}

// read answers a GET from one snapshot, in which the credential is checked too.
func (a *API) read(c *call, f func(tx *db.Tx) (any, error)) (reply, error) {
	var out any
	err := a.DB.Read(c.ctx, func(tx *db.Tx) (err error) {
		if err = a.check(c, tx); err == nil {
			out, err = f(tx)
		}
		return err
	})
	if err != nil {
		return reply{}, err
	}
	body, err := json.Marshal(out)
	return reply{status: http.StatusOK, body: body}, err
}

// write answers a POST about an order with the order as it then is.
func write[In any](a *API, c *call, act func(tx *db.Tx, in *In) (status int, err error)) (reply, error) {
	return once(a, c, func(tx *db.Tx, in *In) (int, any, error) {
		if !isOrderID(c.id) {
			return 0, nil, noOrder()
		}
		status, err := act(tx, in)
		if err != nil {
			return 0, nil, err
		}
		out, err := a.show(c.ctx, tx, c.who.Merchant, c.id)
		return status, out, err
	})
}

// once answers a write: the credential, the act and the answer to its idempotency key stand in one transaction.
func once[In any](a *API, c *call, act func(tx *db.Tx, in *In) (status int, answer any, err error)) (reply, error) {
	var in In
	key, sum, err := receive(c, &in)
	if err != nil {
		return reply{}, err
	}
	done, err := a.flights.enter(c.ctx, flight{c.who.Merchant, key})
	if err != nil {
		return reply{}, err
	}
	defer done()
	ask := access.Ask{Key: key, Route: c.r.Method + " " + c.r.URL.Path, Body: sum}
	var kept access.Kept
	var replayed bool
	do := func(tx *db.Tx) error {
		if err := a.check(c, tx); err != nil {
			return err
		}
		ask.Merchant = c.who.Merchant
		var err error
		kept, replayed, err = a.Access.Once(c.ctx, tx, ask, func() (int, []byte, error) {
			status, out, err := act(tx, &in)
			if err != nil {
				return 0, nil, err
			}
			body, err := json.Marshal(out)
			return status, body, err
		})
		return err
	}
	err = twice(func() error { return a.DB.Write(c.ctx, do) })
	return reply{status: kept.Status, body: kept.Answer, replayed: replayed}, err
}

// twice runs f again when it fails as it does where another node was first with the same key: the answer to
// that key was not there when f looked, but its effect was when f acted. By now both are, or the failure is real.
func twice(f func() error) error {
	err := f()
	known := fault.As(err)
	if errors.Is(err, db.ErrUnique) || known != nil && (known.Kind == fault.Conflict || strings.HasPrefix(known.Code, "credit-") || known.Code == "payment-amount") {
		err = f()
	}
	return err
}

// isOrderID says whether a text can be an order's id, so that no other text reaches the database.
func isOrderID(id string) bool { return isID("ord_", id) }

func isID(prefix, id string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	return ok && rest != "" && len(rest) <= 40 &&
		!strings.ContainsFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') })
}

func noOrder() error { return fault.Missing("order", "There is no such order.") }

// find reads an order of a merchant. Error: NotFound "order".
func find(ctx context.Context, tx *db.Tx, merchant, id string) (orders.Order, error) {
	if !isOrderID(id) {
		return orders.Order{}, noOrder()
	}
	return orders.One(ctx, tx, merchant, id)
}

// show reads an order with its invoices and credits.
func (a *API) show(ctx context.Context, tx *db.Tx, merchant, id string) (orderAnswer, error) {
	o, err := find(ctx, tx, merchant, id)
	if err != nil {
		return orderAnswer{}, err
	}
	of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: merchant, ID: id}})
	if err != nil {
		return orderAnswer{}, err
	}
	out := answerOf(&o, of[0])
	if err := a.leadToPay(ctx, tx, merchant, out.Invoices); err != nil {
		return orderAnswer{}, err
	}
	out.Credits, out.Holds = []credit{}, []hold{}
	keys := make([]invoices.Key, len(of[0]))
	for i, v := range of[0] {
		keys[i] = invoices.Key{Merchant: merchant, ID: v.ID}
	}
	holds, err := invoices.HoldsOf(ctx, tx, keys)
	if err != nil {
		return orderAnswer{}, err
	}
	for i, v := range of[0] {
		for _, h := range holds[i] {
			out.Holds = append(out.Holds, holdOf(h))
		}
		notes, err := invoices.Credits(ctx, tx, merchant, v.ID)
		if err != nil {
			return orderAnswer{}, err
		}
		for _, n := range notes {
			out.Credits = append(out.Credits, creditOf(n))
		}
	}
	if err := a.addRemark(ctx, tx, &o, &out); err != nil {
		return orderAnswer{}, err
	}
	out.Payments, err = a.paymentsOf(ctx, tx, merchant, id)
	return out, err
}

// addRemark gives a shop back what it said with its order, as long as that is kept.
func (a *API) addRemark(ctx context.Context, tx *db.Tx, o *orders.Order, out *orderAnswer) error {
	m, err := a.Clerk.Remark(ctx, tx, o)
	out.InvoiceNote, out.CustomerNumber, out.Notes = m.Note, m.Customer, m.Notes
	return err
}

// showAll reads the invoices of orders.
func (a *API) showAll(ctx context.Context, tx *db.Tx, list []orders.Order) (orderPage, error) {
	keys := make([]invoices.Key, len(list))
	for i, o := range list {
		keys[i] = invoices.Key{Merchant: o.Merchant, ID: o.ID}
	}
	of, err := invoices.OfOrders(ctx, tx, keys)
	if err != nil {
		return orderPage{}, err
	}
	page := orderPage{Data: make([]orderAnswer, len(list))}
	for i := range list {
		page.Data[i] = answerOf(&list[i], of[i])
	}
	for i := range page.Data {
		if err := a.leadToPay(ctx, tx, list[i].Merchant, page.Data[i].Invoices); err != nil {
			return orderPage{}, err
		}
	}
	return page, nil
}

// leadToPay says of each invoice that can be paid where.
func (a *API) leadToPay(ctx context.Context, tx *db.Tx, merchant string, list []invoice) error {
	if a.Pages == nil {
		return nil
	}
	keys := make([]invoices.Key, len(list))
	for i := range list {
		keys[i] = invoices.Key{Merchant: merchant, ID: list[i].ID}
	}
	pages, err := a.Pages.Of(ctx, tx, keys)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].leadTo(pages[i])
	}
	return nil
}

const (
	usualPage = 25
	mostPage  = 100
)

// listQuery is what may stand behind the question mark.
type listQuery struct {
	cursor, reference string
	limit             int
}

// queryOf reads it strictly. Error: Malformed "query".
func queryOf(raw string) (listQuery, error) {
	q := listQuery{limit: usualPage}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, fault.New(fault.Malformed, "query", "What stands behind the question mark cannot be read.")
	}
	for name, given := range values {
		switch v := given[0]; {
		case len(given) > 1:
			return q, fault.New(fault.Malformed, "query", "Give each of cursor, limit and reference once.")
		case name == "cursor":
			q.cursor = v
		case name == "limit":
			if q.limit, err = strconv.Atoi(v); err != nil || q.limit < 1 || q.limit > mostPage {
				return q, fault.New(fault.Malformed, "query", "limit is a whole number from 1 to %d.", mostPage)
			}
		case name == "reference":
			if v == "" || utf8.RuneCountInString(v) > 64 || !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }) {
				return q, fault.New(fault.Malformed, "query", "reference is 1 to 64 characters.")
			}
			q.reference = v
		default:
			return q, fault.New(fault.Malformed, "query", "Only cursor, limit and reference are known here.")
		}
	}
	return q, nil
}

// pageOf reads a page of a merchant's orders; with a reference, the one order that it names.
func pageOf(ctx context.Context, tx *db.Tx, merchant, after string, q listQuery) (orders.Page, error) {
	if q.reference == "" {
		return orders.List(ctx, tx, merchant, after, q.limit)
	}
	o, err := orders.ByReference(ctx, tx, merchant, q.reference)
	if fault.Is(err, "order") {
		return orders.Page{}, nil
	}
	return orders.Page{Orders: []orders.Order{o}}, err
}
