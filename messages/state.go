package messages

import "achteraf/internal/fault"

// State is where a message stands.
type State string

const (
	Waiting State = "waiting" // not taken by a server yet
	Sent    State = "sent"    // taken by the server
	Failed  State = "failed"  // not sent, and will not be
)

// Event is how an attempt ended.
type Event string

const (
	Accept Event = "accept" // the server took it
	Delay  Event = "delay"  // not now: no answer, or "try again later"
	Refuse Event = "refuse" // the server never will
	GiveUp Event = "give-up"
)

// transitions is every change a message can make. What is not here cannot happen.
var transitions = []struct {
	from State
	on   Event
	to   State
	by   string
}{
	{Waiting, Accept, Sent, "the mail server, with 2xx"},
	{Waiting, Delay, Waiting, "the mail server, with 4xx or no answer"},
	{Waiting, Refuse, Failed, "the mail server, with 5xx; the person, whose address was erased"},
	{Waiting, GiveUp, Failed, "the clock: 72 hours after the message was made, or when it is of no use any more"},
}

// Next returns the state that e leads to from s. Error: Conflict "message-state".
func (s State) Next(e Event) (State, error) {
	for _, t := range transitions {
		if t.from == s && t.on == e {
			return t.to, nil
		}
	}
	return s, fault.Clash("message-state", "A message that is %s cannot %s.", s, e)
}
