package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

const selectInvoices = `
select id, merchant_id, currency, total_cents, open_cents, paid_cents, credited_cents, written_off_cents, issued_on is not null
  from invoices order by order_id, merchant_id`

// invoice is what the checks of invoices read of a row.
type invoice struct {
	id, merchant, currency                  string
	total, open, paid, credited, writtenOff int64
	issued                                  bool
}

func (v *invoice) row() string { return fmt.Sprintf("id %s, merchant %s", v.id, v.merchant) }

func (a *audit) eachInvoice(ctx context.Context, f func(*invoice) error) error {
	var v invoice
	return a.tx.Each(ctx, selectInvoices, nil, func(r db.Row) error {
		if err := r.Scan(&v.id, &v.merchant, &v.currency, &v.total, &v.open, &v.paid, &v.credited, &v.writtenOff, &v.issued); err != nil {
			return err
		}
		return f(&v)
	})
}

// checkInvoices adds up each invoice.
func checkInvoices(ctx context.Context, a *audit) error {
	return a.eachInvoice(ctx, func(v *invoice) error {
		for _, part := range []struct {
			name  string
			cents int64
		}{{"total", v.total}, {"open", v.open}, {"paid", v.paid}, {"credited", v.credited}, {"written_off", v.writtenOff}} {
			if part.cents < 0 || part.cents > mostCents {
				return differs("invoice-amounts", "invoices", v.row(), part.name+"_cents from 0", part.cents)
			}
		}
		if sum := v.paid + v.credited + v.writtenOff + v.open; sum != v.total {
			return differs("invoice-amounts", "invoices", v.row(), fmt.Sprintf("parts of %d", v.total), sum)
		}
		return nil
	})
}

// mostCents is far above any amount that is possible, and four of it can be added up.
const mostCents = 1 << 60

// checkPrincipal holds the open amount of each invoice against the journal.
func checkPrincipal(ctx context.Context, a *audit) error {
	err := a.eachInvoice(ctx, func(v *invoice) error {
		posted := a.take("buyer/principal", v.merchant, v.currency, v.id)
		switch {
		case v.issued && v.open != posted:
			return differs("invoice-journal", "invoices", v.row(), fmt.Sprintf("open_cents %d, as posted", posted), v.open)
		case !v.issued && posted != 0:
			return differs("invoice-journal", "invoices", v.row(), "nothing posted before issue", posted)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.noneLeft("invoice-journal", "buyer/principal", "an invoice in this currency")
}

// noneLeft holds that no account with that code was without its row.
func (a *audit) noneLeft(check, code, want string) error {
	if subject, cents, found := a.left(code); found {
		return differs(check, "postings", fmt.Sprintf("%s of %s", code, subject), want, fmt.Sprintf("none, and a balance of %d cents", cents))
	}
	return nil
}
