package orders

import "achteraf/internal/fault"

// State is where an order stands. A hold or a dispute is never a state.
type State string

const (
	Placed    State = "placed"
	Started   State = "started"
	Cancelled State = "cancelled"
	Lapsed    State = "lapsed"
	Closed    State = "closed"
)

// Event moves an order.
type Event string

const (
	Start  Event = "start"
	Cancel Event = "cancel"
	Lapse  Event = "lapse"
	Close  Event = "close"
	Reopen Event = "reopen"
)

// transitions is every change an order can make. What is not here cannot happen.
var transitions = []struct {
	from State
	on   Event
	to   State
	by   string
}{
	{Placed, Start, Started, "shop, shipment, or clock together with the invoice"},
	{Placed, Cancel, Cancelled, "shop or buyer"},
	{Placed, Lapse, Lapsed, "clock, 30 days, where only the shop may start"},
	{Started, Close, Closed, "clock, when nothing is owed to anybody"},
	{Closed, Reopen, Started, "payments, when money is taken back"},
}

// Next returns the state that e leads to from s, or a Conflict fault "order-state".
func (s State) Next(e Event) (State, error) {
	for _, t := range transitions {
		if t.from == s && t.on == e {
			return t.to, nil
		}
	}
	return s, fault.Clash("order-state", "An order that is %s cannot %s.", s, e)
}
