package reports

import (
	"context"
	"slices"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/messages"
)

// Kinds of fact that only a shop is shown: what was written to its buyer.
const (
	Sent    = "message-sent"
	Waiting = "message-waiting" // no server has taken it yet
	Unsent  = "message-failed"
)

// Moment is a fact of an order's history, as its shop sees it.
type Moment struct {
	Fact
	Message string // id of the message
	Code    string // what it tells
}

// History tells a shop what has happened to one of its orders, from the rows that there are, the oldest first: the
// facts of OrderStory, and the messages to the buyer. Error: NotFound "order".
func (r *Reports) History(ctx context.Context, tx *db.Tx, merchant, order string) ([]Moment, error) {
	of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: merchant, ID: order}})
	if err != nil {
		return nil, err
	}
	if len(of[0]) == 0 {
		return nil, fault.Missing("order", "There is no such order.")
	}
	v := &of[0][0]
	s := Story{Item: Item{Order: order, Merchant: merchant, Invoice: v.ID, Status: v.Status, Number: v.Number, DueOn: v.DueOn}}
	if err := s.read(ctx, tx); err != nil {
		return nil, err
	}
	s.tellPast(tx.Now)
	written, err := messages.OfOrder(ctx, tx, merchant, order)
	if err != nil {
		return nil, err
	}
	all := make([]Moment, 0, len(s.Past)+len(written))
	for _, f := range s.Past {
		all = append(all, Moment{Fact: f})
	}
	for _, m := range written {
		all = append(all, momentOf(&m, s.zone))
	}
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
	for i := range all {
		if i > 0 && all[i].Message != "" {
			all[i].OwedCents = all[i-1].OwedCents
		}
	}
	return all, nil
}

func momentOf(m *messages.Message, zone calendar.Zone) Moment {
	f := Fact{Kind: Waiting, At: m.MadeAt}
	switch m.State {
	case messages.Sent:
		f.Kind, f.At = Sent, m.SentAt
	case messages.Failed:
		f.Kind = Unsent
	}
	f.On = zone.DateOf(f.At)
	id := m.ID
	if m.Code == messages.FromShop {
		id = m.Subject // which the shop was told when it wrote it
	}
	return Moment{Fact: f, Message: id, Code: m.Code}
}
