package older

import (
	"fmt"
	"math/big"
	"slices"

	"achteraf/money"
	"achteraf/orders"
)

// mostItems is what an order of ours may have.
const mostItems = 500

// legal are the percentages of a country's law, for shops that are held to them and to round what plug-ins reckon.
var legal = map[string][]int64{"NL": {0, 9, 21}, "BE": {0, 6, 12, 21}, "DE": {0, 7, 19}, "FR": {0, 5, 10, 20}, "LU": {0, 3, 8, 14, 17}}

// lines reads the items of an order. All come out with prices that include VAT, since an order may mix both; its
// total is the sum of the lines, each rounded once.
func (f *form) lines(country string) (lines []orders.Line, total int64) {
	items := f.n.all("ORDERITEMS")
	if len(items) == 0 {
		f.wrong(423, "Missing order items")
		return nil, 0
	}
	if len(items) > mostItems {
		f.wrong(423, fmt.Sprintf("An order has at most %d items", mostItems))
		return nil, 0
	}
	for _, item := range items {
		l := f.line(item, country)
		if f.err != nil {
			return nil, 0
		}
		lines, total = append(lines, l), total+l.TotalCents
	}
	return lines, total
}

// priced is what an item costs, before rounding.
type priced struct{ quantity, incl *big.Rat }

func (f *form) line(item *node, country string) orders.Line {
	code := clean(item.get("CODE"), 1000)
	if len([]rune(code)) > 255 {
		f.wrong(428, "An item code has at most 255 characters")
	}
	p := priced{quantity: f.quantity(item)}
	rate := f.prices(item, country, &p)
	if f.err != nil {
		return orders.Line{}
	}
	l := orders.Line{Reference: clean(code, 64), Kind: "goods", Description: item.line("DESCRIPTION"), VATPercent: rate.String()}
	if l.Description == "" {
		l.Description = clean(code, longest)
	}
	if l.Description == "" {
		l.Description = article(country)
	}
	f.settle(&l, p)
	return l
}

func article(country string) string {
	switch languageOf(country) {
	case "nl":
		return "Artikel"
	case "fr":
		return "Article"
	case "de":
		return "Artikel"
	}
	return "Item"
}

// quantity is ORDERQUANTITY, else ITEMQUANTITY, else 1: plug-ins send the same number in both, or one of them.
func (f *form) quantity(item *node) *big.Rat {
	for _, name := range []string{"ORDERQUANTITY", "ITEMQUANTITY"} {
		if q, err := number(item.get(name)); err == nil {
			return q
		}
	}
	return big.NewRat(1, 1)
}

// prices reads the unit price and the VAT of an item. With both prices the one that includes VAT decides.
func (f *form) prices(item *node, country string, p *priced) money.Rate {
	incl, err1 := number(item.get("PRICEINCL"))
	excl, err2 := number(item.get("PRICEEXCL"))
	if err1 != nil && err2 != nil {
		f.wrong(435, "An item has no price")
		return money.Rate{}
	}
	percent := f.percent(item, country, incl, excl)
	if f.err != nil {
		return money.Rate{}
	}
	if p.incl = incl; incl == nil {
		factor := new(big.Rat).Add(big.NewRat(1, 1), new(big.Rat).Quo(percent, big.NewRat(100, 1)))
		p.incl = factor.Mul(factor, excl)
	}
	rate, err := money.ParseShare(trimmed(percent.FloatString(2)))
	if err != nil {
		f.wrong(430, "Wrong VAT value")
	}
	return rate
}

func trimmed(s string) string {
	r, _ := new(big.Rat).SetString(s)
	if r.IsInt() {
		return r.Num().String()
	}
	return s
}

var one, two, hundred = big.NewRat(1, 1), big.NewRat(2, 1), big.NewRat(100, 1)

// percent reads BTW: a percentage or a factor. Between 1 and 2 it is a factor, and 1 is the factor of nothing.
func (f *form) percent(item *node, country string, incl, excl *big.Rat) *big.Rat {
	given := item.get("BTW")
	if given == "" {
		if incl == nil || excl == nil {
			f.wrong(430, "Missing VAT value")
			return nil
		}
		return derived(country, incl, excl)
	}
	v, err := number(trimPercent(given))
	switch {
	case err != nil || v.Sign() < 0 || v.Cmp(hundred) > 0:
		f.wrong(430, "Wrong VAT value")
		return nil
	case v.Sign() == 0 || v.Cmp(one) == 0:
		v = new(big.Rat)
	case v.Cmp(one) > 0 && v.Cmp(two) < 0:
		v = new(big.Rat).Mul(new(big.Rat).Sub(v, one), hundred)
	}
	if f.settings.StrictVAT && (!v.IsInt() || !slices.Contains(legal[country], v.Num().Int64())) {
		f.wrong(430, "This VAT percentage does not exist there")
	}
	return v
}

func trimPercent(s string) string {
	if n := len(s); n > 0 && s[n-1] == '%' {
		return s[:n-1]
	}
	return s
}

// derived is the percentage between two prices, which were rounded: the legal one where it is less than a point away.
func derived(country string, incl, excl *big.Rat) *big.Rat {
	if excl.Sign() == 0 || incl.Sign()*excl.Sign() < 0 {
		return new(big.Rat)
	}
	v := new(big.Rat).Quo(incl, excl)
	v.Mul(v.Sub(v, one), hundred)
	for _, p := range legal[country] {
		if d := new(big.Rat).Sub(v, big.NewRat(p, 1)); d.Abs(d).Cmp(one) < 0 {
			return big.NewRat(p, 1)
		}
	}
	if v.Sign() < 0 || v.Cmp(hundred) > 0 {
		return new(big.Rat)
	}
	return v
}

// settle gives a line its quantity and price in whole cents. Where the price has parts of a cent, or the quantity is not
// more than nothing, the line is one of its total, and says the quantity in words.
func (f *form) settle(l *orders.Line, p priced) {
	total, err1 := centsOf(new(big.Rat).Mul(p.quantity, p.incl))
	unit, err2 := centsOf(p.incl)
	if err1 != nil || err2 != nil {
		f.wrong(435, "The price of an item is too high")
		return
	}
	l.TotalCents, l.UnitPriceCents, l.Quantity = total, unit, quantityText(p.quantity)
	q, err := money.ParseQuantity(l.Quantity)
	var sum money.Amount
	if err == nil {
		sum, err = q.Times(money.EUR(unit))
	}
	if err != nil || sum.Cents != total {
		if p.quantity.Cmp(one) != 0 {
			l.Description = clean(trimmed(p.quantity.FloatString(4))+" × "+l.Description, longest)
		}
		l.Quantity, l.UnitPriceCents = "1", total
	}
	if l.UnitPriceCents < 0 {
		l.Kind = "discount"
	}
}

// quantityText is a quantity with as many decimals as it has, at most four; what has more is no quantity of ours.
func quantityText(q *big.Rat) string {
	for n := range 5 {
		s := q.FloatString(n)
		if back, ok := new(big.Rat).SetString(s); ok && back.Cmp(q) == 0 {
			return s
		}
	}
	return ""
}
