package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

const selectPSPPayments = `
select p.id, p.merchant_id, p.currency, p.state, p.paid_cents, p.settled_by <> '' and s.id is null,
       cast(coalesce(sum(case when l.code = 'psp' then l.cents end), 0) as bigint),
       cast(coalesce(-sum(case when l.code = 'buyer/principal' and l.subject = p.invoice_id
                                 or l.code = 'buyer/credit' and l.subject = p.order_id then l.cents end), 0) as bigint)
  from psp_payments p
  left join psp_settlements s on s.id = p.settled_by
  left join entries e on e.key = p.id || '/paid' and e.merchant_id = p.merchant_id
  left join postings l on l.writer = e.writer and l.seq = e.seq and l.n = e.n and l.merchant_id = e.merchant_id
 group by p.id, p.merchant_id, p.currency, p.state, p.paid_cents, p.settled_by, s.id
 order by p.id, p.merchant_id`

const selectPSPSettlements = `
select s.id, s.currency, s.state, s.gross_cents, s.fee_cents, s.net_cents, coalesce(m.cents, 0),
       cast(coalesce(-sum(case when l.code = 'psp' then l.cents end), 0) as bigint),
       cast(coalesce(sum(case when l.code = 'expense/psp' then l.cents end), 0) as bigint),
       cast(coalesce(sum(case when l.code = 'unallocated' and l.subject = s.bank_line_id then l.cents end), 0) as bigint)
  from psp_settlements s
  left join (select settled_by, cast(sum(paid_cents) as bigint) as cents from psp_payments where settled_by <> '' group by settled_by) m
    on m.settled_by = s.id
  left join entries e on e.key = s.id || '/settled' and e.merchant_id = 'operator'
  left join postings l on l.writer = e.writer and l.seq = e.seq and l.n = e.n and l.merchant_id = e.merchant_id
 group by s.id, s.currency, s.state, s.gross_cents, s.fee_cents, s.net_cents, m.cents
 order by s.id`

// checkPSP holds payments by bank button and their settlements against the journal, one by one and together.
func checkPSP(ctx context.Context, a *audit) error {
	if err := a.eachPSPPayment(ctx); err != nil {
		return err
	}
	if err := a.eachPSPSettlement(ctx); err != nil {
		return err
	}
	found, row, cents := false, "", int64(0)
	for name, left := range a.elsewhere {
		if name.code != atPSP {
			continue
		}
		if r := rowOf("psp", a.names.word(name.merchant), "", a.names.word(name.currency)); left != 0 && (!found || r < row) {
			found, row, cents = true, r, left
		}
	}
	if found {
		return differs("psp-payments", "postings", row, "payments and settlements that make its balance", fmt.Sprintf("%d cents more", cents))
	}
	return nil
}

// explained takes an amount off the provider's account of a merchant: a row says why it is there.
func (a *audit) explained(merchant, currency string, cents int64) {
	a.elsewhere[account{atPSP, a.names[merchant], a.names[currency], ""}] -= cents
}

func (a *audit) eachPSPPayment(ctx context.Context) error {
	return a.tx.Each(ctx, selectPSPPayments, nil, func(r db.Row) error {
		var id, merchant, currency, state string
		var paid, posted, claims int64
		var stray bool
		if err := r.Scan(&id, &merchant, &currency, &state, &paid, &stray, &posted, &claims); err != nil {
			return err
		}
		a.explained(merchant, currency, paid)
		row := fmt.Sprintf("id %s, merchant %s", id, merchant)
		switch {
		case paid < 0 || (state == "paid") != (paid > 0):
			return differs("psp-payments", "psp_payments", row, "an amount when it is paid, and else none", fmt.Sprintf("%d, %s", paid, state))
		case posted != paid:
			return differs("psp-payments", "psp_payments", row, fmt.Sprintf("paid_cents %d, as posted", posted), paid)
		case claims != paid:
			return differs("psp-payments", "postings", row, fmt.Sprintf("%d off its invoice and for its buyer", paid), claims)
		case stray:
			return differs("psp-payments", "psp_payments", row, "a settlement that there is", "none")
		}
		return nil
	})
}

func (a *audit) eachPSPSettlement(ctx context.Context) error {
	return a.tx.Each(ctx, selectPSPSettlements, nil, func(r db.Row) error {
		var id, currency, state string
		var gross, fee, net, payments, off, expense, line int64
		if err := r.Scan(&id, &currency, &state, &gross, &fee, &net, &payments, &off, &expense, &line); err != nil {
			return err
		}
		want := []int64{0, 0, 0}
		if state == "closed" {
			want = []int64{gross, fee, net}
			a.explained("operator", currency, -gross)
		}
		row := "id " + id
		switch {
		case payments != gross:
			return differs("psp-payments", "psp_settlements", row, fmt.Sprintf("gross_cents %d, as its payments", payments), gross)
		case state != "announced" && (gross != fee+net || fee < 0 || net <= 0):
			return differs("psp-payments", "psp_settlements", row, "a fee and a payout that make the gross amount", fmt.Sprintf("%d, %d and %d", gross, fee, net))
		case off != want[0] || expense != want[1] || line != want[2]:
			return differs("psp-payments", "psp_settlements", row, fmt.Sprintf("%v posted", want), []int64{off, expense, line})
		}
		return nil
	})
}
