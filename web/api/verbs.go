package api

import (
	"context"
	"net/http"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/messages"
	"achteraf/payments"
	"achteraf/reports"
)

// hold is something that waits, as the shop sees it.
type hold struct {
	Kind   string            `json:"kind" enum:"delay,return,dispute,fraud,debt-help,paid,undelivered,merchant" doc:"merchant: you set it."`
	Reason string            `json:"reason" doc:"A code." example:"return"`
	By     string            `json:"by" enum:"shop,buyer,operator" doc:"Who set it."`
	From   calendar.Instant  `json:"from" format:"date-time"`
	Until  *calendar.Instant `json:"until" nullable:"true" format:"date-time" doc:"When it ends by itself; null when somebody has to lift it."`
}

func holdOf(h invoices.Hold) hold {
	by := "operator"
	switch {
	case h.Kind == invoices.ByShop, h.Kind == invoices.ByDelay:
		by = "shop"
	case strings.HasPrefix(h.SetBy, "per_"):
		by = "buyer"
	}
	return hold{Kind: h.Kind, Reason: h.Reason, By: by, From: h.From, Until: null(&h.Until)}
}

// holdOrder asks that nothing is asked of the buyer for some days.
type holdOrder struct {
	Days   integer `json:"days" minimum:"1" maximum:"14" doc:"Of 24 hours, from now." example:"3"`
	Reason string  `json:"reason,omitempty" nullable:"true" doc:"return, delay, complaint, payment, agreement or other; other when it is left out." example:"return"`
}

// holdOrder serves POST /v1/orders/{id}/hold.
func (a *API) holdOrder(c *call) (reply, error) {
	return write(a, c, func(tx *db.Tx, in *holdOrder) (int, error) {
		_, err := a.Clerk.Hold(c.ctx, tx, invoices.Pause{Merchant: c.who.Merchant, Order: c.id, Days: in.Days.value, Reason: in.Reason, By: c.who.Key})
		return http.StatusOK, err
	})
}

// resumeOrder serves POST /v1/orders/{id}/resume.
func (a *API) resumeOrder(c *call) (reply, error) {
	return write(a, c, func(tx *db.Tx, _ *nothing) (int, error) {
		return http.StatusOK, a.Clerk.Resume(c.ctx, tx, c.who.Merchant, c.id, c.who.Key)
	})
}

// payment is what the shop reported as paid to it.
type payment struct {
	ID          string           `json:"id" example:"rcp_06a0m8e3xq7v5"`
	AmountCents int64            `json:"amount_cents" example:"2500"`
	PaidOn      calendar.Date    `json:"paid_on" format:"date" doc:"The day on which the buyer paid you."`
	Description *string          `json:"description" example:"paid in store"`
	Status      string           `json:"status" enum:"booked,reversed"`
	CreatedAt   calendar.Instant `json:"created_at" format:"date-time" doc:"When you reported it."`
}

func (a *API) paymentsOf(ctx context.Context, tx *db.Tx, merchant, order string) ([]payment, error) {
	out := []payment{}
	list, err := a.Receipts.OfOrder(ctx, tx, merchant, order)
	for _, r := range list {
		p := payment{ID: r.ID, AmountCents: r.Cents, PaidOn: r.PaidOn, Description: null(&r.Description), Status: "booked", CreatedAt: r.MadeAt}
		if !r.ReversedAt.IsZero() {
			p.Status = "reversed"
		}
		out = append(out, p)
	}
	return out, err
}

// reportPayment says that the buyer paid the shop.
type reportPayment struct {
	AmountCents integer       `json:"amount_cents" minimum:"1" maximum:"10000000000" doc:"At most what is open." example:"2500"`
	PaidOn      calendar.Date `json:"paid_on,omitzero" format:"date" doc:"The day on which the buyer paid you; today when it is left out." example:"2026-11-24"`
	Description string        `json:"description,omitempty" nullable:"true" maxLength:"30" doc:"Your own word for it." example:"paid in store"`
}

// reportPayment serves POST /v1/orders/{id}/payments.
func (a *API) reportPayment(c *call) (reply, error) {
	return write(a, c, func(tx *db.Tx, in *reportPayment) (int, error) {
		_, err := a.Receipts.Report(c.ctx, tx, payments.ToShop{Merchant: c.who.Merchant, Order: c.id, Cents: in.AmountCents.value, PaidOn: in.PaidOn,
			Description: in.Description, By: c.who.Key})
		return http.StatusCreated, err
	})
}

// reversePayment serves POST /v1/payments/{id}/reverse.
func (a *API) reversePayment(c *call) (reply, error) {
	return once(a, c, func(tx *db.Tx, _ *nothing) (int, any, error) {
		if !isID("rcp_", c.id) {
			return 0, nil, fault.Missing("payment", "There is no such payment.")
		}
		r, err := a.Receipts.Reverse(c.ctx, tx, c.who.Merchant, c.id, c.who.Key)
		if err != nil {
			return 0, nil, err
		}
		out, err := a.show(c.ctx, tx, c.who.Merchant, r.Order)
		return http.StatusOK, out, err
	})
}

// history is what happened to an order.
type history struct {
	Data []moment `json:"data" nullable:"false"`
}

type moment struct {
	At          calendar.Instant `json:"at" format:"date-time"`
	On          calendar.Date    `json:"on" format:"date" doc:"The civil date at the buyer's address."`
	Event       string           `json:"event" doc:"ordered, started, invoiced, paid, to-shop, to-shop-back, reversed, held, credited, late, hold-set, hold-lifted, hold-ended, cancelled, lapsed, message-sent, message-waiting or message-failed; more may come." example:"invoiced"`
	AmountCents *int64           `json:"amount_cents" doc:"Of the event itself; null where it has none." example:"5040"`
	OwedCents   int64            `json:"owed_cents" doc:"What the buyer owed from then on." example:"5040"`
	Number      *string          `json:"number" doc:"Of the invoice or credit note." example:"DEMO-2026-000001"`
	Hold        *string          `json:"hold" doc:"The kind of hold." example:"merchant"`
	Message     *string          `json:"message" doc:"What was written to the buyer: its id." example:"msg_06a0m8e3xq7v6"`
	Tells       *string          `json:"tells" doc:"What the message tells: order-confirmed, invoice, invoice-copy, payment-received, credit, from-shop; more may come." example:"invoice"`
}

// getHistory serves GET /v1/orders/{id}/history.
func (a *API) getHistory(c *call) (reply, error) {
	return a.read(c, func(tx *db.Tx) (any, error) {
		if !isOrderID(c.id) {
			return nil, noOrder()
		}
		all, err := a.Reports.History(c.ctx, tx, c.who.Merchant, c.id)
		if err != nil {
			return nil, err
		}
		out := history{Data: make([]moment, len(all))}
		for i := range all {
			out.Data[i] = momentOf(&all[i])
		}
		return out, nil
	})
}

func momentOf(m *reports.Moment) moment {
	return moment{At: m.At, On: m.On, Event: m.Kind, AmountCents: null(&m.Cents), OwedCents: m.OwedCents, Number: null(&m.Number), Hold: null(&m.Hold),
		Message: null(&m.Message), Tells: null(&m.Code)}
}

// fileLink is a link to the file of an invoice.
type fileLink struct {
	Name      string           `json:"name" example:"DEMO-2026-000001.pdf"`
	URL       string           `json:"url" format:"uri-reference" doc:"Without a host where the operator named no public address."`
	ExpiresAt calendar.Instant `json:"expires_at" format:"date-time" doc:"In real time, also where business time is moved."`
}

// getFile serves GET /v1/orders/{id}/file.
func (a *API) getFile(c *call) (reply, error) {
	return a.read(c, func(tx *db.Tx) (any, error) {
		if _, err := find(c.ctx, tx, c.who.Merchant, c.id); err != nil {
			return nil, err
		}
		of, err := invoices.OfOrders(c.ctx, tx, []invoices.Key{{Merchant: c.who.Merchant, ID: c.id}})
		if err != nil {
			return nil, err
		}
		if a.Files == nil || len(of[0]) == 0 || of[0][0].Number == "" {
			return nil, fault.Missing("invoice", "There is no such invoice that was issued.")
		}
		v := &of[0][0]
		url, until := a.Files.Link(invoices.Key{Merchant: v.Merchant, ID: v.ID}, tx.Wall)
		return fileLink{v.FileName(), url, until}, nil
	})
}

// newMessage is what a shop writes to its buyer.
type newMessage struct {
	Text string `json:"text" minLength:"1" maxLength:"1000" doc:"Plain text; line ends are kept." example:"Your parcel is at the neighbours."`
}

type messageAnswer struct {
	ID        string           `json:"id" doc:"The history of the order names it, once it is on its way." example:"txt_06a0m8e3xq7v7"`
	CreatedAt calendar.Instant `json:"created_at" format:"date-time"`
}

// writeToBuyer serves POST /v1/orders/{id}/messages.
func (a *API) writeToBuyer(c *call) (reply, error) {
	return once(a, c, func(tx *db.Tx, in *newMessage) (int, any, error) {
		if !isOrderID(c.id) {
			return 0, nil, noOrder()
		}
		id, at, err := a.Post.FromShop(c.ctx, tx, messages.ShopText{Merchant: c.who.Merchant, Order: c.id, Text: in.Text, By: c.who.Key})
		return http.StatusCreated, messageAnswer{id, at}, err
	})
}
