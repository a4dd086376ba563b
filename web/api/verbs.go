package api

import (
	"net/http"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/invoices"
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
