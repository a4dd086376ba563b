package invoices

import (
	"context"
	"fmt"
	"math/big"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/money"
	"achteraf/orders"
)

// shares is how an order's total divides over its lines and VAT rates, and how much of each was credited.
// Each share is the difference of two rounded sums, so that parts of a line, of a rate or of the order always
// add up to the whole: who returns everything bit by bit has returned everything, to the cent.
type shares struct {
	lines    []orders.Line
	gross    []int64 // of each line, VAT included
	sold     []*big.Rat
	returned []*big.Rat       // quantity of each line that was credited
	rates    []string         // in the order of the invoice
	left     map[string]int64 // gross of each rate that is not credited yet
	credited map[string]int64
}

// readShares works out the shares of an order and what earlier credits took of them.
func readShares(ctx context.Context, tx *db.Tx, o orders.Order, invoice string) (*shares, error) {
	lines, err := orders.Lines(ctx, tx, []orders.Key{{Merchant: o.Merchant, ID: o.ID}})
	if err != nil {
		return nil, err
	}
	s, err := divide(o.Prices, lines[0])
	if err != nil {
		return nil, err
	}
	err = tx.Each(ctx, `
select l.line_no, l.quantity, l.vat_percent, l.amount_cents
  from credits c join credit_lines l on l.credit_id = c.id and l.merchant_id = c.merchant_id
 where c.invoice_id = $1 and c.merchant_id = $2`, []any{invoice, o.Merchant}, func(r db.Row) error {
		var p CreditPart
		if err := r.Scan(&p.Line, &p.Quantity, &p.VATPercent, &p.Cents); err != nil {
			return err
		}
		return s.take(p)
	})
	return s, err
}

// divide gives each line its share of its rate's gross sum.
func divide(prices string, lines []orders.Line) (*shares, error) {
	s := &shares{lines: lines, left: map[string]int64{}, credited: map[string]int64{}}
	net := map[string]int64{}
	for _, v := range orders.VATOf(prices, lines) {
		s.rates = append(s.rates, v.Percent)
	}
	for _, l := range lines {
		before, err := withVAT(prices, l.VATPercent, net[l.VATPercent])
		if err != nil {
			return nil, err
		}
		net[l.VATPercent] += l.TotalCents
		after, err := withVAT(prices, l.VATPercent, net[l.VATPercent])
		if err != nil {
			return nil, err
		}
		sold, err := money.ParseQuantity(l.Quantity)
		if err != nil {
			return nil, err
		}
		s.gross = append(s.gross, after-before)
		s.left[l.VATPercent] += after - before
		s.sold = append(s.sold, sold.Exact())
		s.returned = append(s.returned, new(big.Rat))
	}
	return s, nil
}

// withVAT is the gross of a rate's sum of lines.
func withVAT(prices, percent string, cents int64) (int64, error) {
	if prices == orders.InclVAT {
		return cents, nil
	}
	rate, err := money.ParsePercent(percent)
	if err != nil {
		return 0, err
	}
	vat, err := rate.Of(money.EUR(cents))
	return cents + vat.Cents, err
}

// take notes that a part was credited.
func (s *shares) take(p CreditPart) error {
	s.left[p.VATPercent] -= p.Cents
	s.credited[p.VATPercent] += p.Cents
	if p.Line == 0 {
		return nil
	}
	q, err := money.ParseQuantity(p.Quantity)
	if err == nil {
		s.returned[p.Line-1] = new(big.Rat).Add(s.returned[p.Line-1], q.Exact())
	}
	return err
}

// part makes the next credited part, with its share of the rate's VAT, and notes it.
func (s *shares) part(line int, quantity, percent string, cents int64) (CreditPart, error) {
	before, err := vatIn(percent, s.credited[percent])
	if err != nil {
		return CreditPart{}, err
	}
	after, err := vatIn(percent, s.credited[percent]+cents)
	if err != nil {
		return CreditPart{}, err
	}
	p := CreditPart{Line: line, Quantity: quantity, VATPercent: percent, Cents: cents, VATCents: after - before}
	return p, s.take(p)
}

func vatIn(percent string, gross int64) (int64, error) {
	rate, err := money.ParsePercent(percent)
	if err != nil {
		return 0, err
	}
	_, vat, err := money.VATIncluded(money.EUR(gross), rate)
	return vat.Cents, err
}

// worth is what a quantity of a line costs, VAT included.
func (s *shares) worth(i int, quantity *big.Rat) (int64, error) {
	share := new(big.Rat).Mul(new(big.Rat).SetInt64(s.gross[i]), new(big.Rat).Quo(quantity, s.sold[i]))
	a, err := money.Round(share, "EUR")
	return a.Cents, err
}

// byAmount spreads an amount over the rates by what is left of each, losing no cent. The whole of what is
// left gives each rate exactly its rest, that of a discount at a rate of its own included.
func (s *shares) byAmount(cents, left int64) (parts []CreditPart, err error) {
	each := make([]int64, len(s.rates))
	if cents == left {
		for i, r := range s.rates {
			each[i] = s.left[r]
		}
	} else if each, err = s.spread(cents); err != nil {
		return nil, err
	}
	for i, r := range s.rates {
		if each[i] == 0 {
			continue
		}
		p, err := s.part(0, "", r, each[i])
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func (s *shares) spread(cents int64) ([]int64, error) {
	weights := make([]int64, len(s.rates))
	for i, r := range s.rates {
		weights[i] = max(s.left[r], 0)
	}
	amounts, err := money.EUR(cents).Allocate(weights)
	if err != nil {
		return nil, err
	}
	each := make([]int64, len(amounts))
	for i, a := range amounts {
		each[i] = a.Cents
	}
	return each, nil
}

// byLine credits a quantity of a line. The fault names what is wrong with it.
func (s *shares) byLine(l CreditLine, at string) (CreditPart, *fault.Field, error) {
	if l.Line < 1 || l.Line > len(s.lines) {
		return CreditPart{}, &fault.Field{Pointer: at + "/line", Code: "unknown", Detail: "The order has no such line."}, nil
	}
	i := l.Line - 1
	q, err := money.ParseQuantity(l.Quantity)
	if err != nil {
		return CreditPart{}, &fault.Field{Pointer: at + "/quantity", Code: "quantity", Detail: "Give a quantity of at most what was sold."}, nil
	}
	total := new(big.Rat).Add(s.returned[i], q.Exact())
	if total.Cmp(s.sold[i]) > 0 {
		return CreditPart{}, &fault.Field{Pointer: at + "/quantity", Code: "too-much", Detail: "Less of this line is left."}, nil
	}
	before, err := s.worth(i, s.returned[i])
	if err != nil {
		return CreditPart{}, nil, err
	}
	after, err := s.worth(i, total)
	if err != nil {
		return CreditPart{}, nil, err
	}
	p, err := s.part(l.Line, q.String(), s.lines[i].VATPercent, after-before)
	return p, nil, err
}

// creditParts works out what a request credits, split by VAT rate.
func creditParts(ctx context.Context, tx *db.Tx, o orders.Order, v *Invoice, ask CreditAsk) ([]CreditPart, int64, error) {
	left := v.OpenCents + v.PaidCents
	switch {
	case !creditReasons[ask.Reason]:
		return nil, 0, fault.At("credit-reason", "Give a reason that we know.", fault.Field{Pointer: "#/reason", Code: "unknown",
			Detail: "Say return, cancellation, price, damaged, not_delivered, goodwill or other."})
	case ask.Cents != 0 && len(ask.Lines) > 0:
		return nil, 0, fault.At("credit-both", "Give lines or an amount, not both.", fault.Field{Pointer: "#/lines", Code: "both", Detail: "Leave out lines or amount_cents."})
	case left == 0:
		return nil, 0, fault.Clash("credit-nothing-left", "Everything of this order is credited already.")
	case ask.Cents < 0 || ask.Cents > left:
		return nil, 0, fault.At("credit-amount", "That is more than is left.", fault.Field{Pointer: "#/amount_cents", Code: "amount",
			Detail: fmt.Sprintf("Give 1 to %d cents.", left)})
	case ask.Cents == 0 && len(ask.Lines) == 0:
		ask.Cents = left
	}
	s, err := readShares(ctx, tx, o, v.ID)
	if err != nil {
		return nil, 0, err
	}
	if len(ask.Lines) > 0 {
		return s.byLines(ask.Lines, left)
	}
	parts, err := s.byAmount(ask.Cents, left)
	return parts, ask.Cents, err
}

// byLines credits quantities of lines: never more of a line than was sold, nor more of a rate than is left
// of it after credits by amount.
func (s *shares) byLines(list []CreditLine, left int64) ([]CreditPart, int64, error) {
	var parts []CreditPart
	var wrong []fault.Field
	var sum int64
	for n, l := range list {
		p, field, err := s.byLine(l, fmt.Sprintf("#/lines/%d", n))
		if err != nil {
			return nil, 0, err
		}
		if field != nil {
			wrong = append(wrong, *field)
			continue
		}
		parts = append(parts, p)
		sum += p.Cents
	}
	beyond := sum <= 0 || sum > left
	for _, l := range s.lines {
		if l.TotalCents > 0 && s.left[l.VATPercent] < 0 {
			beyond = true
		}
	}
	if len(wrong) == 0 && beyond {
		wrong = append(wrong, fault.Field{Pointer: "#/lines", Code: "amount",
			Detail: fmt.Sprintf("These lines are %d cents, and less is left of them; %d cents are left in all.", sum, left)})
	}
	if len(wrong) > 0 {
		return nil, 0, fault.At("credit-lines", "Some lines cannot be credited so.", wrong...)
	}
	return parts, sum, nil
}
