package invoices

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/ledger"
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
	parts, cents, err := creditParts(ctx, tx, o, v, ask)
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
			if planned {
				return nil // shows on the invoice
			}
			return c.keepCredit(ctx, tx, v, note, paid)
		},
		func() error {
			return c.desk.Change(ctx, tx, []buyers.Release{{Attempt: o.Attempt, Merchant: v.Merchant, Cents: open, Overdue: overdue}})
		},
		func() error {
			if !planned || v.Status != Credited || o.State != orders.Placed {
				return nil
			}
			return orders.Move(ctx, tx, orders.Cancel, &o) // nothing of it is left to start
		},
		func() error {
			return jobs.Add(ctx, tx, []jobs.Due{{Kind: FactCredited, Merchant: v.Merchant, Subject: note.ID}})
		},
		func() error {
			return events.Append(ctx, tx, []events.Event{event(v.Merchant, "invoice.credited", v.ID,
				fmt.Sprintf(`{"credit":%q,"number":%q,"amount_cents":%d,"reason":%q,"open_cents":%d,"status":%q}`, note.ID, note.Number, note.Cents, note.Reason, v.OpenCents, v.Status))})
		},
	)
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

// CreditByID reads one credit note, with its parts. Error: NotFound "credit-note".
func CreditByID(ctx context.Context, tx *db.Tx, merchant, id string) (Credit, error) {
	var invoice string
	err := tx.QueryRow(ctx, `select invoice_id from credits where id = $1 and merchant_id = $2`, []any{id, merchant}, &invoice)
	if errors.Is(err, db.ErrNone) {
		return Credit{}, fault.Missing("credit-note", "There is no such credit note.")
	}
	if err != nil {
		return Credit{}, err
	}
	all, err := Credits(ctx, tx, merchant, invoice)
	if err != nil {
		return Credit{}, err
	}
	return all[slices.IndexFunc(all, func(n Credit) bool { return n.ID == id })], nil
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
