package older

import (
	"strconv"
	"strings"
	"unicode"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/messages"
	"achteraf/orders"
)

// mostHoldDays is the longest hold.
const mostHoldDays = 14

// onHold serves hold and resume, which share an address: the action decides, and without one what else is there.
func (w *Wire) onHold(c *call) ([]byte, error) {
	if c.api.get("INVOICENUMBER") == "" {
		return nil, noNumber()
	}
	resume := c.action == "resume" || c.action == "" && c.api.get("RESUME") != ""
	days := int64(0)
	if resume {
		if v := c.api.get("RESUME"); v != "" && !strings.EqualFold(v, "y") {
			return nil, refuse(104, "This value of RESUME is not supported")
		}
	} else {
		n, err := number(c.api.get("DAYS"))
		switch {
		case err != nil || !n.IsInt() || n.Sign() <= 0:
			return nil, refuse(401, "The number of days is missing")
		case !n.Num().IsInt64() || n.Num().Int64() > mostHoldDays:
			return nil, refuse(403, "At most %d days", mostHoldDays)
		}
		days = n.Num().Int64()
	}
	err := w.single(c, func(tx *db.Tx, o orders.Order) error {
		if resume {
			return w.Clerk.Resume(c.ctx, tx, o.Merchant, o.ID, c.account.agent())
		}
		of, err := invoices.OfOrders(c.ctx, tx, []invoices.Key{{Merchant: o.Merchant, ID: o.ID}})
		if err == nil && standing(o, of[0]).code == 1 {
			err = unheld()
		}
		if err == nil {
			_, err = w.Clerk.Hold(c.ctx, tx, invoices.Pause{Merchant: o.Merchant, Order: o.ID, Days: days, By: c.account.agent()})
		}
		return err
	})
	switch f := fault.As(err); {
	case f != nil && f.Code == "hold-lifted": // it goes on already, which is what was asked for
		return described("Workflow resumed"), nil
	case f != nil && f.Kind == fault.Conflict:
		return nil, unheld()
	case err != nil:
		return nil, err
	case resume:
		return described("Workflow resumed"), nil
	}
	return described("Workflow on hold for " + strconv.FormatInt(days, 10) + " days"), nil
}

func noNumber() error { return refuse(401, "The invoice number is missing") }
func unheld() error   { return refuse(701, "The workflow cannot be put on hold") }

// described is the answer of the calls about one order.
func described(text string) []byte {
	return newAnswer("MSG").open("MSG").put("CODE", "200").put("DESCRIPTION", text).close("MSG").done()
}

// single runs f with the one order that a call names.
func (w *Wire) single(c *call, f func(tx *db.Tx, o orders.Order) error) error {
	n := c.api.get("INVOICENUMBER")
	if n == "" {
		return noNumber()
	}
	return w.one(c, n, func(tx *db.Tx, o orders.Order) error {
		if o.ID == "" {
			return refuse(402, "Unknown invoice number: %s", n)
		}
		return f(tx, o)
	})
}

// file serves the invoice document: its name and, once it is issued, a link to it that ends by itself.
func (w *Wire) file(c *call) ([]byte, error) {
	var name, link string
	err := w.single(c, func(tx *db.Tx, o orders.Order) error {
		name, link = publicNumber(c.account.Settings.Prefix, o.Reference)+".pdf", ""
		of, err := invoices.OfOrders(c.ctx, tx, []invoices.Key{{Merchant: o.Merchant, ID: o.ID}})
		if err == nil && len(of[0]) > 0 && of[0][0].Number != "" {
			link, _ = w.Files.Link(invoices.Key{Merchant: o.Merchant, ID: of[0][0].ID}, tx.Wall)
		}
		return err
	})
	a := newAnswer("MSG").open("MSG").put("CODE", "200").put("DESCRIPTION", name)
	if link != "" {
		a.put("URL", link)
	}
	return a.close("MSG").done(), err
}

// mostText is how long a message to a buyer may be.
const mostText = 1000

// message serves the shop's own words to its buyer: they go out in the frame of our mails.
func (w *Wire) message(c *call) ([]byte, error) {
	text := paragraphs(c.api.get("MESSAGE"))
	err := w.single(c, func(tx *db.Tx, o orders.Order) error {
		if text == "" {
			return refuse(401, "The message is missing")
		}
		_, _, err := w.Post.FromShop(c.ctx, tx, messages.ShopText{Merchant: o.Merchant, Order: o.ID, Text: text, By: c.account.agent()})
		return err
	})
	if f := fault.As(err); f != nil && f.Kind == fault.Conflict { // no mail, nobody to reach, or too many: the text says which
		return nil, refuse(603, "%s", f.Detail)
	}
	return described("Message sent"), err
}

// paragraphs is a text with its line ends, without other control characters, cut to the longest.
func paragraphs(s string) string {
	var lines []string
	for _, l := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		lines = append(lines, clean(strings.Map(visible, l), mostText))
	}
	s = strings.TrimSpace(strings.Join(lines, "\n"))
	if r := []rune(s); len(r) > mostText {
		s = strings.TrimSpace(string(r[:mostText]))
	}
	return s
}

// visible leaves out characters that nobody sees.
func visible(r rune) rune {
	if unicode.Is(unicode.Cf, r) && r != '\u200d' { // that one joins emoji
		return -1
	}
	return r
}
