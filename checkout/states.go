package checkout

import "achteraf/internal/fault"

// State is where a checkout stands.
type State string

const (
	Open      State = "open"
	Accepted  State = "accepted"
	Declined  State = "declined"
	Referred  State = "referred" // the last attempt waits for a proof of identity, or for a person
	Cancelled State = "cancelled"
	Expired   State = "expired"
)

// Event moves a checkout.
type Event string

const (
	Accept  Event = "accept"
	Decline Event = "decline"
	Refer   Event = "refer"
	Leave   Event = "leave"
	Expire  Event = "expire"
)

// transitions is every change a checkout can make. What is not here cannot happen.
var transitions = []struct {
	from State
	on   Event
	to   State
	by   string
}{
	{Open, Accept, Accepted, "buyer, whose order was placed"},
	{Open, Decline, Declined, "buyer, whose order was not accepted"},
	{Open, Refer, Referred, "buyer, whose order could not be decided at once"},
	{Open, Leave, Cancelled, "buyer, or an order of that reference that was placed elsewhere"},
	{Open, Expire, Expired, "wall time"},
	{Declined, Accept, Accepted, "buyer, with other details"},
	{Declined, Decline, Declined, "buyer, with other details"},
	{Declined, Refer, Referred, "buyer, with other details"},
	{Declined, Leave, Declined, "buyer, who goes back to the shop"},
	{Declined, Expire, Declined, "wall time"},
	{Referred, Accept, Accepted, "buyer, with other details"},
	{Referred, Decline, Declined, "buyer, with other details"},
	{Referred, Refer, Referred, "buyer, with other details"},
	{Referred, Leave, Referred, "buyer, who goes back to the shop"},
	{Referred, Expire, Referred, "wall time"},
	{Cancelled, Accept, Accepted, "an order that was on its way when the buyer left"},
	{Expired, Accept, Accepted, "an order that was on its way when the time was over"},
}

// Next returns the state that e leads to from s, or a Conflict fault "checkout-state".
func (s State) Next(e Event) (State, error) {
	for _, t := range transitions {
		if t.from == s && t.on == e {
			return t.to, nil
		}
	}
	return s, fault.Clash("checkout-state", "A checkout that is %s cannot %s.", s, e)
}
