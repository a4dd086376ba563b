package older

import (
	"context"
	"strconv"

	"achteraf/internal/db"
	"achteraf/invoices"
	"achteraf/orders"
)

// mostStarts is how many orders one call may start.
const mostStarts = 10

// item is one order of a call's list.
type item struct {
	number string // as given, white space outside taken off
	node   *node
}

// itemsOf reads the list of orders of a call; one order may also stand at the top.
func (c *call) itemsOf() []item {
	var out []item
	for _, n := range c.api.all("INVOICES") {
		out = append(out, item{n.get("INVOICENUMBER"), n})
	}
	if n := c.api.get("INVOICENUMBER"); len(out) == 0 && n != "" {
		out = append(out, item{n, c.api})
	}
	return out
}

func noItems() error { return refuse(705, "No invoice numbers given") }

// starting is a call to start orders on its way into a transaction.
type starting struct {
	account *Account
	items   []item
}

// started is what became of one item.
type started struct {
	code int
	text string
}

// start serves the start of workflows: the goods are on their way.
func (w *Wire) start(c *call) ([]byte, error) {
	items := c.itemsOf()
	switch {
	case len(items) == 0:
		return nil, noItems()
	case len(items) > mostStarts:
		return nil, refuse(708, "At most %d workflows can be started at one time", mostStarts)
	}
	got, err := w.starts.Do(c.ctx, starting{&c.account, items})
	if err != nil {
		return nil, err
	}
	if len(items) == 1 && got[0].code != 500 && got[0].code != 707 {
		return nil, startRefused(items[0], got[0])
	}
	return statuses("500", items, got), nil
}

// startRefused is the answer where the only order of a call is none.
func startRefused(i item, s started) error {
	if s.code == -1 {
		return refuse(704, "Unknown invoice number: %s", i.number)
	}
	return refuse(s.code, "%s", s.text)
}

// statuses answers for each item.
func statuses(code string, items []item, got []started) []byte {
	return lists("STATUSES", code, items, got)
}

func lists(name, code string, items []item, got []started) []byte {
	a := newAnswer("MSG").open("MSG").put("CODE", code).open(name)
	for i, x := range items {
		a.open("ITEM").put("INVOICENUMBER", x.number).put("MESSAGE", got[i].text).put("CODE", strconv.Itoa(got[i].code)).close("ITEM")
	}
	return a.close(name).close("MSG").done()
}

// runStarts starts the orders of a slice of calls in one transaction.
func (w *Wire) runStarts(ctx context.Context, tx *db.Tx, in []starting) ([]db.Result[[]started], error) {
	out := make([]db.Result[[]started], len(in))
	accounts := make([]Account, len(in))
	for i := range in {
		accounts[i] = *in[i].account
	}
	strangers, err := w.again(ctx, tx, accounts)
	if err != nil {
		return nil, err
	}
	var list []asked
	for i, s := range in {
		if out[i].Err = strangers[i]; out[i].Err != nil {
			continue
		}
		for _, x := range s.items {
			list = append(list, asked{s.account, x.number})
		}
	}
	found, err := w.orders(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	var keys []orders.Key
	for _, o := range found {
		if o.ID != "" {
			keys = append(keys, orders.Key{Merchant: o.Merchant, ID: o.ID})
		}
	}
	began, err := w.Clerk.SendAll(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	var tracked []tracking
	for i := range in {
		if out[i].Err != nil {
			continue
		}
		for _, x := range in[i].items {
			o := found[0]
			found = found[1:]
			s := startedOf(x, o, &began)
			if code := x.node.line("TRACKANDTRACE"); code != "" && s.code == 500 {
				tracked = append(tracked, tracking{orders.Key{Merchant: o.Merchant, ID: o.ID}, code})
			}
			out[i].Value = append(out[i].Value, s)
		}
	}
	return out, track(ctx, tx, tracked)
}

// startedOf says what became of an item; of those that were found the next of began tells.
func startedOf(x item, o orders.Order, began *[]invoices.Starting) started {
	if x.number == "" {
		return started{706, "An invoice number is missing"}
	}
	if o.ID == "" {
		return started{-1, "Unknown invoice number: " + x.number}
	}
	b := (*began)[0]
	*began = (*began)[1:]
	switch {
	case b.Err != nil:
		return started{707, "The workflow cannot be started any more"}
	case b.Was == orders.Started:
		return started{707, "Workflow already started"}
	}
	return started{500, "Success"}
}

// tracking is the carrier's code of an order's goods; a later one replaces it.
type tracking struct {
	key  orders.Key
	code string
}

func track(ctx context.Context, tx *db.Tx, list []tracking) error {
	for _, t := range list {
		_, err := tx.Exec(ctx, `
insert into older_notes (order_id, merchant_id, tracking) values ($1, $2, $3)
    on conflict (order_id, merchant_id) do update set tracking = $3`, t.key.ID, t.key.Merchant, t.code)
		if err != nil {
			return err
		}
	}
	return nil
}
