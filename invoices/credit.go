package invoices

import (
	"context"
	"fmt"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/ledger"
	"achteraf/money"
	"achteraf/orders"
)

// CreditLine credits some of one order line.
type CreditLine struct {
	Line     int    // number of the order line, from 1
	Quantity string // how much of it
}

// CreditAsk asks for a credit: in full (nothing given), by line, or by amount.
type CreditAsk struct {
	Merchant string
	Order    string
	Cents    int64 // by amount
	Lines    []CreditLine
	Reason   string
}

// Credit is a credit note. Before issue it has no number: then it lowers what the invoice will say.
type Credit struct {
	ID       string
	Merchant string
	Invoice  string
	Order    string
	Number   string
	Reason   string
	Cents    int64
	MadeOn   calendar.Date
	MadeAt   calendar.Instant
	Parts    []CreditPart
}

// CreditPart is a share of a credit with its VAT.
type CreditPart struct {
	Line       int // 0: not of one line
	Quantity   string
	VATPercent string
	Cents      int64 // VAT included
	VATCents   int64
}

var creditReasons = map[string]bool{"return": true, "cancellation": true, "price": true, "damaged": true, "not_delivered": true, "goodwill": true, "other": true}

// Credit lowers what the buyer owes for an order. What is open goes first; what was already paid is held
// for the buyer. Errors: NotFound "order", Conflict "order-state", Invalid "credit-…" with pointers.
func (c *Clerk) Credit(ctx context.Context, tx *db.Tx, ask CreditAsk) (Credit, error) {
	o, err := orders.One(ctx, tx, ask.Merchant, ask.Order)
	if err != nil {
		return Credit{}, err
	}
	if o.State != orders.Placed && o.State != orders.Started {
		return Credit{}, fault.Clash("order-state", "An order that is %s cannot be credited.", o.State)
	}
	of, err := c.lockOf(ctx, tx, []Key{{o.Merchant, o.ID}})
	if err != nil {
		return Credit{}, err
	}
	v := of[Key{o.Merchant, o.ID}]
	if v == nil {
		return Credit{}, missing()
	}
	parts, cents, err := c.creditParts(ctx, tx, o, v, ask)
	if err != nil {
		return Credit{}, err
	}
	zone, err := calendar.ZoneOf(o.Country)
	if err != nil {
		return Credit{}, err
	}
	note := Credit{ID: tx.ID("cre_"), Merchant: o.Merchant, Invoice: v.ID, Order: o.ID, Reason: ask.Reason, Cents: cents,
		MadeOn: zone.DateOf(tx.Now), MadeAt: tx.Now, Parts: parts}
	if v.Status != Planned {
		numbers, err := take(ctx, tx, []series{{v.Merchant, yearly(v.Series+"-C", note.MadeOn)}})
		if err != nil {
			return note, err
		}
		note.Number = numbers[0]
	}
	return note, c.bookCredit(ctx, tx, o, v, note)
}

// bookCredit stores a credit note and all that follows from it.
func (c *Clerk) bookCredit(ctx context.Context, tx *db.Tx, o orders.Order, v *Invoice, note Credit) error {
	planned := v.Status == Planned
	open := min(note.Cents, v.OpenCents)
	paid := note.Cents - open // was paid already: from now on held for the buyer
	v.OpenCents -= open
	v.PaidCents -= paid
	v.HeldCents += paid
	v.CreditedCents += note.Cents
	v.settle()
	overdue := v.cleared()
	e := ledger.Entry{Merchant: v.Merchant, Key: note.ID + "/credited", Kind: "credited", Currency: v.Currency}
	e.Legs = legs(
		ledger.Leg{Code: ledger.MerchantPending, Cents: note.Cents},
		ledger.Leg{Code: ledger.BuyerPrincipal, Subject: v.ID, Cents: -open},
		ledger.Leg{Code: ledger.BuyerCredit, Subject: v.Order, Cents: -paid},
	)
	return first(
		func() error { return putCredit(ctx, tx, note) },
		func() error { return store(ctx, tx, []*Invoice{v}) },
		func() error {
			if planned {
				return nil // nothing is in the books yet; the issue will claim less
			}
			return ledger.Post(ctx, tx, e)
		},
		func() error {
			return c.desk.Change(ctx, tx, []buyers.Release{{Attempt: o.Attempt, Merchant: v.Merchant, Cents: open, Overdue: overdue}})
		},
		func() error {
			return events.Append(ctx, tx, []events.Event{event(v.Merchant, "invoice.credited", v.ID,
				fmt.Sprintf(`{"credit":%q,"number":%q,"amount_cents":%d,"reason":%q,"open_cents":%d,"status":%q}`, note.ID, note.Number, note.Cents, note.Reason, v.OpenCents, v.Status))})
		},
	)
}

// creditParts works out what a request credits, split by VAT rate.
func (c *Clerk) creditParts(ctx context.Context, tx *db.Tx, o orders.Order, v *Invoice, ask CreditAsk) ([]CreditPart, int64, error) {
	lines, err := orders.Lines(ctx, tx, []orders.Key{{Merchant: o.Merchant, ID: o.ID}})
	if err != nil {
		return nil, 0, err
	}
	left := v.OpenCents + v.PaidCents
	switch {
	case !creditReasons[ask.Reason]:
		return nil, 0, fault.At("credit-reason", "Give a reason that we know.", fault.Field{Pointer: "#/reason", Code: "unknown",
			Detail: "Say return, cancellation, price, damaged, not_delivered, goodwill or other."})
	case ask.Cents != 0 && len(ask.Lines) > 0:
		return nil, 0, fault.At("credit-both", "Give lines or an amount, not both.", fault.Field{Pointer: "#/lines", Code: "both", Detail: "Leave out lines or amount_cents."})
	case left == 0:
		return nil, 0, fault.Clash("credit-nothing-left", "Everything of this order is credited already.")
	case len(ask.Lines) > 0:
		return c.creditByLine(ctx, tx, o, v, ask, lines[0])
	case ask.Cents == 0:
		ask.Cents = left
	}
	if ask.Cents < 0 || ask.Cents > left {
		return nil, 0, fault.At("credit-amount", "That is more than is left.", fault.Field{Pointer: "#/amount_cents", Code: "amount",
			Detail: fmt.Sprintf("Give 1 to %d cents.", left)})
	}
	parts, err := creditByAmount(o, lines[0], ask.Cents)
	return parts, ask.Cents, err
}

// creditByAmount spreads an amount over the order's VAT rates by their share of it, losing no cent.
func creditByAmount(o orders.Order, lines []orders.Line, cents int64) ([]CreditPart, error) {
	rates := orders.VATOf(o.Prices, lines)
	weights := make([]int64, len(rates))
	for i, r := range rates {
		weights[i] = max(r.GrossCents, 0)
	}
	shares, err := money.EUR(cents).Allocate(weights)
	if err != nil {
		return nil, err
	}
	var parts []CreditPart
	for i, r := range rates {
		if shares[i].Cents == 0 {
			continue
		}
		p, err := part(0, "", r.Percent, shares[i].Cents)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// part makes a share of a credit; cents include VAT.
func part(line int, quantity, percent string, cents int64) (CreditPart, error) {
	rate, err := money.ParsePercent(percent)
	if err != nil {
		return CreditPart{}, err
	}
	_, vat, err := money.VATIncluded(money.EUR(cents), rate)
	return CreditPart{Line: line, Quantity: quantity, VATPercent: percent, Cents: cents, VATCents: vat.Cents}, err
}

// creditByLine credits quantities of lines: never more of a line than was sold.
func (c *Clerk) creditByLine(ctx context.Context, tx *db.Tx, o orders.Order, v *Invoice, ask CreditAsk, lines []orders.Line) ([]CreditPart, int64, error) {
	before, err := creditedLines(ctx, tx, v)
	if err != nil {
		return nil, 0, err
	}
	var parts []CreditPart
	var wrong []fault.Field
	var sum int64
	for i, l := range ask.Lines {
		at := fmt.Sprintf("#/lines/%d", i)
		if l.Line < 1 || l.Line > len(lines) {
			wrong = append(wrong, fault.Field{Pointer: at + "/line", Code: "unknown", Detail: "The order has no such line."})
			continue
		}
		cents, err := lineShare(o.Prices, lines[l.Line-1], l.Quantity)
		if err != nil {
			wrong = append(wrong, fault.Field{Pointer: at + "/quantity", Code: "quantity", Detail: "Give a quantity of at most what was sold."})
			continue
		}
		whole, err := lineShare(o.Prices, lines[l.Line-1], lines[l.Line-1].Quantity)
		if err != nil {
			return nil, 0, err
		}
		if abs(before[l.Line]+cents) > abs(whole) {
			wrong = append(wrong, fault.Field{Pointer: at + "/quantity", Code: "too-much", Detail: "Less of this line is left."})
			continue
		}
		before[l.Line] += cents
		p, err := part(l.Line, l.Quantity, lines[l.Line-1].VATPercent, cents)
		if err != nil {
			return nil, 0, err
		}
		parts = append(parts, p)
		sum += cents
	}
	if left := v.OpenCents + v.PaidCents; len(wrong) == 0 && (sum <= 0 || sum > left) {
		wrong = append(wrong, fault.Field{Pointer: "#/lines", Code: "amount", Detail: fmt.Sprintf("These lines are %d cents; %d are left.", sum, left)})
	}
	if len(wrong) > 0 {
		return nil, 0, fault.At("credit-lines", "Some lines cannot be credited so.", wrong...)
	}
	return parts, sum, nil
}

func abs(n int64) int64 { return max(n, -n) }

// lineShare is what a quantity of a line costs, VAT included, in cents.
func lineShare(prices string, l orders.Line, quantity string) (int64, error) {
	q, err := money.ParseQuantity(quantity)
	if err != nil {
		return 0, err
	}
	sold, err := money.ParseQuantity(l.Quantity)
	if err != nil {
		return 0, err
	}
	if q.Exact().Cmp(sold.Exact()) > 0 {
		return 0, fmt.Errorf("more than was sold")
	}
	sum, err := q.Times(money.EUR(l.UnitPriceCents))
	if err != nil || prices == orders.InclVAT {
		return sum.Cents, err
	}
	rate, err := money.ParsePercent(l.VATPercent)
	if err != nil {
		return 0, err
	}
	vat, err := rate.Of(sum)
	return sum.Cents + vat.Cents, err
}

var (
	newCredits = db.NewTable("credits", "",
		db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "invoice_id", Type: db.Text},
		db.Col{Name: "number", Type: db.Text}, db.Col{Name: "reason", Type: db.Text}, db.Col{Name: "amount_cents", Type: db.Bigint},
		db.Col{Name: "made_on", Type: db.Date}, db.Col{Name: "made_at", Type: db.Instant})

	newCreditLines = db.NewTable("credit_lines", "",
		db.Col{Name: "credit_id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "n", Type: db.Bigint},
		db.Col{Name: "line_no", Type: db.Bigint}, db.Col{Name: "quantity", Type: db.Text}, db.Col{Name: "vat_percent", Type: db.Text},
		db.Col{Name: "amount_cents", Type: db.Bigint}, db.Col{Name: "vat_cents", Type: db.Bigint})
)

func putCredit(ctx context.Context, tx *db.Tx, n Credit) error {
	var number any
	if n.Number != "" {
		number = n.Number
	}
	rows := make([][]any, len(n.Parts))
	for i, p := range n.Parts {
		rows[i] = []any{n.ID, n.Merchant, i + 1, p.Line, p.Quantity, p.VATPercent, p.Cents, p.VATCents}
	}
	if err := tx.Put(ctx, newCredits, [][]any{{n.ID, n.Merchant, n.Invoice, number, n.Reason, n.Cents, n.MadeOn, n.MadeAt}}); err != nil {
		return err
	}
	return tx.Put(ctx, newCreditLines, rows)
}

// creditedLines sums what earlier credits took off each line.
func creditedLines(ctx context.Context, tx *db.Tx, v *Invoice) (map[int]int64, error) {
	out := map[int]int64{}
	err := tx.Each(ctx, `
select l.line_no, l.amount_cents
  from credits c join credit_lines l on l.credit_id = c.id and l.merchant_id = c.merchant_id
 where c.invoice_id = $1 and c.merchant_id = $2 and l.line_no > 0`, []any{v.ID, v.Merchant}, func(r db.Row) error {
		var line int
		var cents int64
		err := r.Scan(&line, &cents)
		out[line] += cents
		return err
	})
	return out, err
}

// Credits reads the credit notes of an invoice with their parts, the oldest first.
func Credits(ctx context.Context, tx *db.Tx, merchant, invoice string) ([]Credit, error) {
	var out []Credit
	err := tx.Each(ctx, `
select c.id, coalesce(c.number, ''), c.reason, c.amount_cents, c.made_on, c.made_at, l.line_no, l.quantity, l.vat_percent, l.amount_cents, l.vat_cents
  from credits c join credit_lines l on l.credit_id = c.id and l.merchant_id = c.merchant_id
 where c.invoice_id = $1 and c.merchant_id = $2
 order by c.id, l.n`, []any{invoice, merchant}, func(r db.Row) error {
		n := Credit{Merchant: merchant, Invoice: invoice}
		var p CreditPart
		if err := r.Scan(&n.ID, &n.Number, &n.Reason, &n.Cents, &n.MadeOn, &n.MadeAt, &p.Line, &p.Quantity, &p.VATPercent, &p.Cents, &p.VATCents); err != nil {
			return err
		}
		if len(out) == 0 || out[len(out)-1].ID != n.ID {
			out = append(out, n)
		}
		out[len(out)-1].Parts = append(out[len(out)-1].Parts, p)
		return nil
	})
	return out, err
}
