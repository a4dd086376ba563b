package invoices

import (
	"context"
	"fmt"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/merchants"
	"achteraf/money"
	"achteraf/orders"
)

// Kinds of due rows that this stage handles.
const (
	DueIssue   = "invoice.issue"   // subject: the invoice
	DueOverdue = "invoice.overdue" // subject: the invoice
	DueLapse   = "order.lapse"     // subject: the order
	DueHoldEnd = "hold.end"        // subject: the hold
)

// Kinds of due rows by which this stage says, at once and in the same transaction, what has become true. Later
// stages do what follows; see docs/adr/0013.
const (
	FactAccepted = "order.accepted"   // subject: the order
	FactIssued   = "invoice.issued"   // subject: the invoice
	FactCopied   = "invoice.copied"   // subject: the invoice
	FactPaid     = "invoice.paid"     // subject: the invoice, when nothing is open on it any more
	FactCredited = "invoice.credited" // subject: the credit note
	FactDelayed  = "invoice.delayed"  // subject: the hold of the notice
)

// SliceSize is how many due rows of one kind share a transaction: on SQLite, which has one writer, no slice shall keep
// others for much longer than 25 ms, and on PostgreSQL the row of a series is locked as long. It is one number for both,
// since invoices are in order within a slice, and a world must have one log on either.
const SliceSize = 250

// Clerk issues, credits and cancels invoices.
type Clerk struct {
	desk     *buyers.Desk
	operator merchants.Operator
	feeVAT   money.Rate
	pages    PayPages // nil: there are none
}

// NewClerk makes a Clerk for an operator.
func NewClerk(desk *buyers.Desk, operator merchants.Operator) (*Clerk, error) {
	rate, err := money.ParsePercent(operator.VATPercent)
	if err != nil {
		return nil, fmt.Errorf("the operator's VAT rate: %w", err)
	}
	return &Clerk{desk: desk, operator: operator, feeVAT: rate}, nil
}

// Remark reads what a shop said with its order, without what was erased.
func (c *Clerk) Remark(ctx context.Context, tx *db.Tx, o *orders.Order) (m orders.Remark, err error) {
	all, err := orders.Remarks(ctx, tx, []orders.Key{{Merchant: o.Merchant, ID: o.ID}})
	if err != nil || all[0] == nil {
		return m, err
	}
	keys, err := c.desk.Keys(ctx, tx, o.Person)
	if err != nil {
		return m, err
	}
	return all[0].Open(keys)
}

// fee is what a shop pays for an invoice, and the VAT on it: basis points of the invoice and a fixed
// amount, excluding VAT, rounded once, half away from zero. VAT at the operator's rate for a shop in the
// operator's country; abroad the shop accounts for it (reverse charge, Directive 2006/112/EC art. 196).
func (c *Clerk) fee(t merchants.Contract, country string, total int64) (fee, vat int64, err error) {
	if t.Model == merchants.Own {
		return 0, 0, nil
	}
	rate, err := money.BasisPoints(t.FeeBasisPoints)
	if err != nil {
		return 0, 0, err
	}
	part, err := rate.Of(money.EUR(total))
	if err != nil {
		return 0, 0, err
	}
	whole, err := part.Add(money.EUR(t.FeeFixedCents))
	if err != nil || country != c.operator.Country {
		return whole.Cents, 0, err
	}
	tax, err := c.feeVAT.Of(whole)
	return whole.Cents, tax.Cents, err
}
