package older

import (
	"unicode/utf8"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/orders"
	"achteraf/payments"
)

// mostDescription is how long the description of a payment may be.
const mostDescription = 30

// payment serves the shop's word that its buyer paid it. Each item is a transaction of its own.
func (w *Wire) payment(c *call) ([]byte, error) {
	items, got, err := c.each(w.paymentOne, 704)
	if err != nil {
		return nil, err
	}
	return lists("INVOICES", "200", items, got), nil
}

func (w *Wire) paymentOne(c *call, x item) (s started, err error) {
	amount, wrong := cents(x.node.get("AMOUNT"))
	description := clean(x.node.get("DESCRIPTION"), 10*mostDescription)
	switch {
	case x.number == "":
		return started{420, "An invoice number is missing"}, nil
	case wrong != nil || amount <= 0:
		return started{706, "The amount is missing or has the wrong format"}, nil
	case utf8.RuneCountInString(description) > mostDescription:
		return started{708, "The description has more than 30 characters"}, nil
	}
	err = w.one(c, x.number, func(tx *db.Tx, o orders.Order) error {
		if o.ID == "" {
			s = unknownNumber(x.number)
			return nil
		}
		s = started{200, "Success"}
		_, err := w.Receipts.Report(c.ctx, tx, payments.ToShop{Merchant: o.Merchant, Order: o.ID, Cents: amount, Description: description, By: c.account.agent()})
		return err
	})
	switch f := fault.As(err); {
	case f == nil:
		return s, err
	case f.Kind == fault.Conflict:
		return started{707, "The invoice is already paid"}, nil
	case f.Kind == fault.Invalid:
		return started{706, "The amount is more than is open"}, nil
	}
	return s, err
}
