package older

import (
	"strconv"

	"achteraf/internal/db"
	"achteraf/invoices"
	"achteraf/orders"
)

// mostStatuses is how many orders one call may ask for.
const mostStatuses = 100

// status serves the question how invoices stand. What nobody knows is no error here.
func (w *Wire) status(c *call) ([]byte, error) {
	if !w.counted.add(c.account.Merchant, c.account.Settings.StatusCalls, w.DB.Wall()) {
		return nil, refuse(111, "Too many status calls; wait a minute")
	}
	items := c.itemsOf()
	switch {
	case len(items) == 0:
		return nil, noItems()
	case len(items) > mostStatuses:
		return nil, refuse(110, "At most %d invoices at one time", mostStatuses)
	}
	list := make([]asked, len(items))
	for i, x := range items {
		if x.number == "" {
			return nil, refuse(420, "An invoice number is missing")
		}
		list[i] = asked{&c.account, x.number}
	}
	var found []orders.Order
	var of [][]invoices.Invoice
	err := w.DB.Read(c.ctx, func(tx *db.Tx) error {
		strangers, err := w.again(c.ctx, tx, []Account{c.account})
		if err == nil {
			err = strangers[0]
		}
		if err != nil {
			return err
		}
		if found, err = w.orders(c.ctx, tx, list); err != nil {
			return err
		}
		keys := make([]invoices.Key, len(found))
		for i, o := range found {
			keys[i] = invoices.Key{Merchant: o.Merchant, ID: o.ID}
		}
		of, err = invoices.OfOrders(c.ctx, tx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	a := newAnswer("MSG").open("MSG").put("CODE", "200").open("INVOICES")
	for i, x := range items {
		s := standing(found[i], of[i])
		a.open("INVOICE").put("INVOICENUMBER", x.number).put("STATUS", strconv.Itoa(s.code)).put("DESCRIPTION", s.text).close("INVOICE")
	}
	return a.close("INVOICES").close("MSG").done(), nil
}

// standing is how an order stands in this wire's words: 1 when nothing is owed any more, else 0 and the step.
func standing(o orders.Order, of []invoices.Invoice) started {
	switch {
	case o.ID == "":
		return started{-1, "Order not found"}
	case o.State == orders.Lapsed:
		return started{0, "Order lapsed"}
	case len(of) == 0:
		return started{0, "No steps given"}
	}
	switch v := of[0]; {
	case v.Status == invoices.Paid, v.Status == invoices.Planned && owed(v) == 0:
		return started{1, "Paid"}
	case v.Status == invoices.Credited:
		return started{1, "Credited"}
	case v.Status == invoices.Cancelled:
		return started{1, "Cancelled"}
	case v.Status == invoices.WrittenOff:
		return started{0, "Written off"}
	case o.State == orders.Placed:
		return started{0, "No steps given"}
	case v.Overdue:
		return started{0, "Payment overdue"}
	}
	return started{0, "Invoice"}
}

// owed is what is left to pay: of a planned invoice, less what came early.
func owed(v invoices.Invoice) int64 {
	if v.Status == invoices.Planned {
		return max(v.OpenCents-v.HeldCents, 0)
	}
	return v.OpenCents
}
