package api

import (
	"context"
	"net/http"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/payments"
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
	case h.Kind == invoices.ByShop:
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
