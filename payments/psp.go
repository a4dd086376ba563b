package payments

import (
	"context"

	"achteraf/calendar"
)

// PSP is a payment service provider: it leads a buyer to the page of a bank and knows what was paid there. What
// it tells us unasked is only that it has news; the truth is what it answers.
//
// Errors of all calls: Unavailable "psp-unavailable" when it does not answer, or answers that we should try
// again; Unavailable "psp-refused" when it will not do this; Unavailable "psp-answer" when what it says
// cannot be understood.
type PSP interface {
	// Name is the provider in one word of small letters.
	Name() string
	// Create makes a payment. The same request once more, within KeyLife, answers the same payment.
	Create(ctx context.Context, r Request) (Remote, error)
	// Payment tells how a payment stands. Error: NotFound "psp-payment-unknown".
	Payment(ctx context.Context, id string) (Remote, error)
	// Settlements returns the settlements of late that were paid out, the newest first.
	Settlements(ctx context.Context) ([]Settlement, error)
	// Settled returns the payments of a settlement.
	Settled(ctx context.Context, settlement string) ([]Remote, error)
}

// Request is a payment to make.
type Request struct {
	ID          string // ours; it makes the idempotency key, and comes back as Remote.Ours
	Cents       int64
	Currency    string
	Description string // on the buyer's statement: no personal data
	Country     string // the buyer's, which says how people pay there
	Language    string
	Return      string // to which the buyer's browser goes back, whatever happened
	Webhook     string // to which the provider says that it has news; "" for none
}

// Remote is a payment as the provider sees it.
type Remote struct {
	ID        string
	Ours      string // the ID of the Request, "" when it was not one of ours
	State     State
	Cents     int64
	Currency  string
	Checkout  string // the page on which the buyer chooses the bank
	ExpiresAt calendar.Instant
}

// Settlement is money that the provider has paid out to our account in one amount.
type Settlement struct {
	ID        string
	Reference string // in the words of the bank line
	NetCents  int64
	Currency  string
}

// State is where a payment by bank button stands.
type State string

const (
	Asked     State = "asked" // stored, and the provider is being asked
	Open      State = "open"  // the buyer may choose a bank and pay
	Paid      State = "paid"
	Failed    State = "failed"
	Expired   State = "expired"
	Cancelled State = "cancelled"
)

// transitions is every change that a payment can make. What is not here cannot happen: news that come late or
// in another order change nothing.
var transitions = []struct {
	from, to State
	by       string
}{
	{Asked, Open, "the provider's answer"},
	{Asked, Paid, "the provider, before its first answer was stored"},
	{Asked, Failed, "the provider refused, or nobody asked it in time"},
	{Asked, Expired, "the provider, before its first answer was stored"},
	{Asked, Cancelled, "the provider, before its first answer was stored"},
	{Open, Paid, "the buyer, at the bank"},
	{Open, Failed, "the bank"},
	{Open, Expired, "the provider's clock"},
	{Open, Cancelled, "the buyer"},
	{Failed, Paid, "the bank, late: money that was paid is booked"},
	{Expired, Paid, "the bank, late: money that was paid is booked"},
	{Cancelled, Paid, "the bank, late: money that was paid is booked"},
}

// may says whether the table allows a change.
func (s State) may(to State) bool {
	for _, t := range transitions {
		if t.from == s && t.to == to {
			return true
		}
	}
	return false
}

// Live says whether the buyer can still pay with it.
func (s State) Live() bool { return s == Asked || s == Open }
