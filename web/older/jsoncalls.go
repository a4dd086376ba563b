package older

import (
	"context"
	"strconv"
	"strings"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
)

// webshopAnswer is what a plug-in asks for to reckon with its own customers. All five members must be there.
type webshopAnswer struct {
	Status            string `json:"status"`
	Whitelist         bool   `json:"whitelist"`
	MinimumPaidOrders int64  `json:"minimum_paid_orders"`
	Period            int64  `json:"period"`
	AmountHigherThan  int64  `json:"total_amount_higher_than"`
}

func (w *Wire) webshop(c *call) (any, error) {
	s := c.account.Settings.Webshop
	return webshopAnswer{"success", s.Whitelist, s.MinimumPaidOrders, s.Period, s.AmountHigherThan}, nil
}

type creditAnswer struct {
	Result   string `json:"result"`
	Statuses []line `json:"statuses"`
}

// creditJSON serves the credit. Costs of a return are the shop's charge to the buyer beside it: what is credited is the
// difference, off the first order of the call.
func (w *Wire) creditJSON(c *call) (any, error) {
	x := c.asXML()
	if costs := c.api.get("RETURNCOSTSAMOUNT"); costs != "" {
		if err := withCosts(x, costs); err != nil {
			return nil, err
		}
	}
	body, err := w.credit(x)
	lines, err := listed(x, 200, body, err)
	for i := range lines {
		lines[i].Message = strings.Replace(lines[i].Message, " EURO; ", " EURO.; ", 1)
	}
	return creditAnswer{"MSG", lines}, err
}

// withCosts takes the costs of a return off the first credit.
func withCosts(x *call, costs string) error {
	charge, err := cents(costs)
	if err != nil || charge < 0 {
		return refuse(706, "The amount of the return costs has the wrong format")
	}
	items := x.itemsOf()
	if len(items) == 0 || charge == 0 {
		return nil
	}
	first := items[0].node
	amount, err := cents(first.get("CREDITAMOUNT"))
	if err != nil {
		return nil // the credit says what is wrong with it
	}
	if amount -= charge; amount <= 0 {
		return &failed{refusal: refusal{708, "The return costs are not less than the credit amount"},
			items: []line{{708, items[0].number, "The return costs are not less than the credit amount"}}}
	}
	for _, k := range first.kids {
		if k.name == "CREDITAMOUNT" {
			k.name = "GROSS"
		}
	}
	first.put("CREDITAMOUNT", euros(amount))
	return nil
}

type startAnswer struct {
	Result   string `json:"result"`
	Code     string `json:"code"`
	Statuses []line `json:"statuses"`
}

func (w *Wire) startJSON(c *call) (any, error) {
	x := c.asXML()
	body, err := w.start(x)
	lines, err := listed(x, 500, body, err)
	return startAnswer{"MSG", "500", lines}, err
}

type paymentAnswer struct {
	Result   string `json:"result"`
	Invoices []line `json:"invoices"`
}

func (w *Wire) paymentJSON(c *call) (any, error) {
	x := c.asXML()
	body, err := w.payment(x)
	lines, err := listed(x, 200, body, err)
	return paymentAnswer{"MSG", lines}, err
}

type describedAnswer struct {
	Result      string `json:"result"`
	Code        string `json:"code"`
	Description string `json:"description"`
}

// told answers a call about one order as the XML half did.
func told(body []byte, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	root, err := parse(body)
	if err != nil {
		return nil, err
	}
	m := root.kid("MSG")
	return describedAnswer{"MSG", m.get("CODE"), m.get("DESCRIPTION")}, nil
}

func (w *Wire) holdJSON(c *call) (any, error) {
	x := c.asXML()
	x.action = "onhold"
	return told(w.onHold(x))
}

func (w *Wire) resumeJSON(c *call) (any, error) {
	x := c.asXML()
	x.action = "resume"
	return told(w.onHold(x))
}

type infoAnswer struct {
	Result   string     `json:"result"`
	Code     string     `json:"code"`
	Invoices []infoItem `json:"invoices"`
}

type infoItem struct {
	Number      string `json:"invoiceNumber"`
	Status      int    `json:"status"`
	Description string `json:"description"`
}

func (w *Wire) infoJSON(c *call) (any, error) {
	body, err := w.status(c.asXML())
	if err != nil {
		return nil, err
	}
	root, err := parse(body)
	if err != nil {
		return nil, err
	}
	out := infoAnswer{"MSG", "200", []infoItem{}}
	for _, n := range root.kid("MSG").kid("INVOICES").kids {
		status, err := strconv.Atoi(n.get("STATUS"))
		if err != nil {
			return nil, err
		}
		out.Invoices = append(out.Invoices, infoItem{n.get("INVOICENUMBER"), status, n.get("DESCRIPTION")})
	}
	return out, nil
}

// disputeJSON refuses: there are no disputes by this wire.
func (w *Wire) disputeJSON(*call) (any, error) {
	return nil, &failed{refusal: refusal{400, "Disputes are not taken by this API; hold the order, or write to the operator"}, http: 400, top: "400"}
}

// newAccountJSON refuses: a shop becomes one by an agreement with the operator.
func (w *Wire) newAccountJSON(*call) (any, error) {
	return nil, refuse(103, "Merchants are not made by this API; ask the operator")
}

// listJSON refuses: what the operator charges its shops has no invoices here yet.
func (w *Wire) listJSON(*call) (any, error) {
	return nil, stop(400, "Reconciliation invoices are not made by this platform")
}

// param reads a value of the query, or of the message.
func (c *call) param(name string) string {
	if v := strings.TrimSpace(c.query.Get(name)); v != "" {
		return v
	}
	return c.api.get(nameOf(name))
}

// still checks in a transaction that the account is what it was when the call came in.
func (w *Wire) still(c *call, tx *db.Tx) error {
	strangers, err := w.again(c.ctx, tx, []Account{c.account})
	if err == nil {
		err = strangers[0]
	}
	return err
}

// download is a document as an answer.
type download []byte

// downloadJSON serves the PDF of an invoice, by its own number or by an order's.
func (w *Wire) downloadJSON(c *call) (any, error) {
	year, number := c.param("year"), c.param("number")
	switch {
	case year == "":
		return nil, notProvided("year")
	case number == "":
		return nil, notProvided("number")
	}
	body, err := w.Clerk.HandOut(c.ctx, w.DB, func(tx *db.Tx) (*invoices.Paper, error) {
		if err := w.still(c, tx); err != nil {
			return nil, err
		}
		id, err := w.issued(c.ctx, tx, c, year, number)
		if err != nil {
			return nil, err
		}
		return w.Clerk.Invoice(c.ctx, tx, c.account.Merchant, id)
	}, (*invoices.Paper).PDF)
	if fault.Is(err, "invoice") {
		err = stop(400, "Invoice is not found")
	}
	return download(body), err
}

// issued finds an invoice that was issued in a year.
func (w *Wire) issued(ctx context.Context, tx *db.Tx, c *call, year, number string) (id string, err error) {
	none := fault.Missing("invoice", "There is no such invoice.")
	if !stored(number) {
		return "", none
	}
	named, err := invoices.ByNumber(ctx, tx, []string{number})
	if err != nil {
		return "", err
	}
	v := named[number]
	if v.Merchant != c.account.Merchant {
		found, err := w.orders(ctx, tx, []asked{{&c.account, number}})
		if err != nil || found[0].ID == "" {
			return "", orElse(err, none)
		}
		of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: found[0].Merchant, ID: found[0].ID}})
		if err != nil || len(of[0]) == 0 {
			return "", orElse(err, none)
		}
		v = of[0][0]
	}
	if v.Number == "" || strconv.Itoa(v.IssuedOn.Year()) != year {
		return "", none
	}
	return v.ID, nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// messageJSON serves a message of the shop to the buyer of an order.
func (w *Wire) messageJSON(c *call) (any, error) { return told(w.message(c.asXML())) }
