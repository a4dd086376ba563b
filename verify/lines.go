package verify

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"achteraf/internal/db"
)

const selectLines = `
select o.id, o.merchant_id, o.prices, o.total_cents, coalesce(v.total_cents, 0), v.id is not null,
       l.order_id is not null, coalesce(l.total_cents, 0), coalesce(l.vat_percent, '')
  from orders o
  left join invoices v on v.order_id = o.id and v.merchant_id = o.merchant_id
  left join order_lines l on l.order_id = o.id and l.merchant_id = o.merchant_id
 order by o.id, o.merchant_id, l.line_no`

// goods is an order as its lines make it.
type goods struct {
	id, merchant, prices string
	total, invoiced      int64
	hasInvoice           bool
	sum                  int64
	rates                map[string]int64 // where prices exclude VAT: the sum of each rate, by what the rate is worth
}

// checkLines adds up the lines of each order.
func checkLines(ctx context.Context, a *audit) error {
	var o, next goods
	var hasLine bool
	var cents int64
	var percent string
	err := a.tx.Each(ctx, selectLines, nil, func(r db.Row) error {
		err := r.Scan(&next.id, &next.merchant, &next.prices, &next.total, &next.invoiced, &next.hasInvoice, &hasLine, &cents, &percent)
		if err != nil {
			return err
		}
		if next.id != o.id || next.merchant != o.merchant {
			if err := o.check(); err != nil {
				return err
			}
			o = next
		}
		if !hasLine {
			return nil
		}
		return o.add(cents, percent)
	})
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	return a.orphanInvoice(ctx)
}

func (o *goods) row() string { return fmt.Sprintf("id %s, merchant %s", o.id, o.merchant) }

func (o *goods) add(cents int64, percent string) error {
	if cents > mostCents/1024 || cents < -mostCents/1024 {
		return differs("order-lines", "order_lines", o.row(), "an amount that can be added up", cents)
	}
	o.sum += cents
	if o.prices != "excl_vat" {
		return nil
	}
	rate, ok := new(big.Rat).SetString(percent)
	if !ok || strings.Trim(percent, ".0123456789") != "" {
		return differs("order-lines", "order_lines", o.row(), "a percentage", fmt.Sprintf("%q", percent))
	}
	if o.rates == nil {
		o.rates = map[string]int64{}
	}
	o.rates[rate.RatString()] += cents
	return nil
}

// check holds the order's total against its lines and its invoice.
func (o *goods) check() error {
	if o.id == "" { // before the first
		return nil
	}
	sum := o.sum
	for rate, net := range o.rates {
		sum += vat(net, rate)
	}
	switch {
	case o.prices != "excl_vat" && o.prices != "incl_vat":
		return differs("order-lines", "orders", o.row(), "prices with or without VAT", fmt.Sprintf("%q", o.prices))
	case sum != o.total:
		return differs("order-lines", "orders", o.row(), fmt.Sprintf("total_cents %d, as its lines make", sum), o.total)
	case !o.hasInvoice:
		return differs("order-lines", "invoices", "order "+o.id+", merchant "+o.merchant, "the invoice of this order", "none")
	case o.invoiced != o.total:
		return differs("order-lines", "invoices", "order "+o.id+", merchant "+o.merchant, fmt.Sprintf("total_cents %d, as the order", o.total), o.invoiced)
	}
	return nil
}

// vat returns rate percent of net, rounded half away from zero.
func vat(net int64, rate string) int64 {
	exact, _ := new(big.Rat).SetString(rate)
	exact.Mul(exact, big.NewRat(net, 100))
	twice := new(big.Int).Lsh(new(big.Int).Abs(exact.Num()), 1)
	twice.Add(twice, exact.Denom()) // (2·|num| + denom) / (2·denom), cut off
	twice.Quo(twice, new(big.Int).Lsh(exact.Denom(), 1))
	return twice.Int64() * int64(exact.Sign())
}

// orphanInvoice holds that each invoice has its order.
func (a *audit) orphanInvoice(ctx context.Context) error {
	return a.tx.Each(ctx, `
select v.id, v.merchant_id, v.order_id from invoices v left join orders o on o.id = v.order_id and o.merchant_id = v.merchant_id
 where o.id is null order by v.id, v.merchant_id limit 1`, nil, func(r db.Row) error {
		var id, merchant, order string
		if err := r.Scan(&id, &merchant, &order); err != nil {
			return err
		}
		return differs("order-lines", "invoices", fmt.Sprintf("id %s, merchant %s", id, merchant), "the order "+order, "none")
	})
}
