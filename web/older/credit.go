package older

import (
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/orders"
)

// mostItemsOfList is how many orders a list of credits or payments may name.
const mostItemsOfList = 100

// credit serves credits: goods came back, or cost less. Each item is a transaction of its own.
func (w *Wire) credit(c *call) ([]byte, error) {
	items, got, err := c.each(w.creditOne, 402)
	if err != nil {
		return nil, err
	}
	return statuses("200", items, got), nil
}

// each serves the items of a list, one after the other. unknown is the code of the answer where the only item has a
// number that nobody knows.
func (c *call) each(serve func(*call, item) (started, error), unknown int) ([]item, []started, error) {
	items := c.itemsOf()
	switch {
	case len(items) == 0:
		return nil, nil, noItems()
	case len(items) > mostItemsOfList:
		return nil, nil, refuse(708, "At most %d invoices at one time", mostItemsOfList)
	}
	got := make([]started, len(items))
	for i, x := range items {
		var err error
		if got[i], err = serve(c, x); err != nil {
			return nil, nil, err
		}
	}
	if len(items) == 1 && got[0].code != 200 {
		return nil, nil, itemRefused(got[0], unknown)
	}
	return items, got, nil
}

// itemRefused is the answer where the only item of a call fails: every plug-in shows its text. unknown is the code
// of a number that nobody knows.
func itemRefused(s started, unknown int) error {
	if s.code == -1 {
		return refuse(unknown, "%s", s.text)
	}
	return refuse(s.code, "%s", s.text)
}

func unknownNumber(number string) started {
	return started{-1, "Unknown invoice number: " + number}
}

func (w *Wire) creditOne(c *call, x item) (s started, err error) {
	amount, wrong := cents(x.node.get("CREDITAMOUNT"))
	switch {
	case x.number == "":
		return started{706, "An invoice number is missing"}, nil
	case wrong != nil:
		return started{706, "The credit amount is missing or has the wrong format"}, nil
	case amount <= 0:
		return started{708, "The credit amount is not allowed"}, nil
	}
	err = w.one(c, x.number, func(tx *db.Tx, o orders.Order) error {
		if o.ID == "" {
			s = unknownNumber(x.number)
			return nil
		}
		_, err := w.Clerk.Credit(c.ctx, tx, invoices.CreditAsk{Merchant: o.Merchant, Order: o.ID, Cents: amount, Reason: "return"})
		if err != nil {
			return err
		}
		of, err := invoices.OfOrders(c.ctx, tx, []invoices.Key{{Merchant: o.Merchant, ID: o.ID}})
		if err != nil {
			return err
		}
		s = started{200, "Credit applied: " + euros(amount) + " EURO; step restarted."}
		if len(of[0]) == 0 || owed(of[0][0]) == 0 {
			s.text = "Credit applied: " + euros(amount) + " EURO; Order paid."
		}
		return nil
	})
	switch f := fault.As(err); {
	case f == nil:
		return s, err
	case f.Kind == fault.Invalid:
		return started{708, "The credit amount is more than what is left of the invoice"}, nil
	case f.Kind == fault.Conflict:
		return started{707, "The invoice cannot be credited at this stage"}, nil
	}
	return s, err
}

// one runs f with the order of a number, in one transaction in which the account is checked again; the zero order
// where nobody knows the number.
func (w *Wire) one(c *call, number string, f func(tx *db.Tx, o orders.Order) error) error {
	return w.DB.Write(c.ctx, func(tx *db.Tx) error {
		strangers, err := w.again(c.ctx, tx, []Account{c.account})
		if err == nil {
			err = strangers[0]
		}
		if err != nil {
			return err
		}
		found, err := w.orders(c.ctx, tx, []asked{{&c.account, number}})
		if err != nil {
			return err
		}
		return f(tx, found[0])
	})
}
