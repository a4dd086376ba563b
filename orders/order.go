package orders

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/money"
)

// Limits of one order.
const (
	mostLines = 500
	mostCents = 100_000_000_00 // far above any limit, far below overflow
)

// How prices are given.
const (
	InclVAT = "incl_vat"
	ExclVAT = "excl_vat"
)

// Line is one thing sold, or a cost or discount.
type Line struct {
	Reference      string // the shop's own word for it
	Kind           string // goods, shipping, discount, fee
	Description    string
	Quantity       string // whole or decimal
	UnitPriceCents int64  // negative for a discount
	VATPercent     string // "21", "5.5", "0"
	ReturnMark     string // "" or not_returnable
	TotalCents     int64  // quantity × unit price, rounded; set by Check
}

var (
	lineKinds   = []string{"goods", "shipping", "discount", "fee"}
	returnMarks = []string{"", "not_returnable"}
)

// New is an order as the shop sent it.
type New struct {
	Reference    string
	Currency     string
	Prices       string
	TotalCents   int64
	Lines        []Line
	TermsVersion string
	AcceptedText string           // the button's words
	AcceptedAt   calendar.Instant // when the buyer pressed it
	Remark       Remark
}

// checker gathers wrong fields.
type checker struct{ fault.Checker }

func (c *checker) text(s *string, pointer string, most int, required bool) {
	*s = strings.TrimSpace(*s)
	switch {
	case *s == "" && required:
		c.Wrong(pointer, "required", "Fill this in.")
	case utf8.RuneCountInString(*s) > most:
		c.Wrong(pointer, "too-long", "At most %d characters.", most)
	case !utf8.ValidString(*s) || strings.ContainsFunc(*s, func(r rune) bool { return r < ' ' || (r >= 0x7f && r < 0xa0) }):
		c.Wrong(pointer, "characters", "Leave control characters out.")
	}
}

// Check brings o into the stored form, works out each line, and returns what is wrong with it. now is
// business time.
func (o *New) Check(now calendar.Instant) []fault.Field {
	c := &checker{}
	c.text(&o.Reference, "#/reference", 64, true)
	c.text(&o.TermsVersion, "#/terms_version", 40, false)
	c.text(&o.AcceptedText, "#/accepted_terms/button_text", 200, false)
	o.Remark.check(c)
	if !money.KnownCurrency(o.Currency) {
		c.Wrong("#/currency", "currency", "Only EUR is served.")
	}
	if o.Prices != InclVAT && o.Prices != ExclVAT {
		c.Wrong("#/prices", "unknown", "Say incl_vat or excl_vat.")
	}
	if o.TotalCents <= 0 || o.TotalCents > mostCents {
		c.Wrong("#/total_cents", "amount", "Give whole cents, more than 0 and at most %d.", int64(mostCents))
	}
	if o.AcceptedAt.After(now.Add(5 * 60 * 1e9)) {
		c.Wrong("#/accepted_terms/at", "future", "The terms cannot be accepted in the future.")
	}
	if len(o.Lines) == 0 || len(o.Lines) > mostLines {
		c.Wrong("#/lines", "lines", "Give 1 to %d lines.", mostLines)
	}
	for i := range o.Lines {
		o.Lines[i].check(c, fmt.Sprintf("#/lines/%d", i))
	}
	if len(c.Found) == 0 {
		o.checkTotal(c)
	}
	return c.Found
}

func (l *Line) check(c *checker, at string) {
	c.text(&l.Reference, at+"/reference", 64, false)
	c.text(&l.Description, at+"/description", 200, true)
	if !slices.Contains(lineKinds, l.Kind) {
		c.Wrong(at+"/kind", "unknown", "Say goods, shipping, discount or fee.")
	}
	if !slices.Contains(returnMarks, l.ReturnMark) {
		c.Wrong(at+"/return_mark", "unknown", "Say not_returnable, or nothing.")
	}
	if rate, err := money.ParseShare(l.VATPercent); err != nil {
		c.Wrong(at+"/vat_percent", "vat-percent", "Give a percentage such as 21 or 5.5.")
	} else {
		l.VATPercent = rate.String() // "21.0" is the rate "21": VAT is rounded once for each rate
	}
	switch {
	case l.UnitPriceCents > mostCents || l.UnitPriceCents < -mostCents:
		c.Wrong(at+"/unit_price_cents", "amount", "At most %d cents.", int64(mostCents))
	case l.UnitPriceCents < 0 && l.Kind != "discount":
		c.Wrong(at+"/unit_price_cents", "negative", "Only a discount is negative.")
	case l.UnitPriceCents > 0 && l.Kind == "discount":
		c.Wrong(at+"/unit_price_cents", "positive", "A discount is negative.")
	}
	quantity, err := money.ParseQuantity(l.Quantity)
	if err != nil {
		c.Wrong(at+"/quantity", "quantity", "Give a whole number or a decimal with at most four places, more than 0.")
		return
	}
	total, err := quantity.Times(money.EUR(l.UnitPriceCents))
	if err != nil || total.Cents > mostCents || total.Cents < -mostCents {
		c.Wrong(at+"/unit_price_cents", "amount", "Quantity times price is too much.")
		return
	}
	l.Quantity, l.TotalCents = quantity.String(), total.Cents
}

// checkTotal holds the lines, and the VAT where prices exclude it, against the stated total.
func (o *New) checkTotal(c *checker) {
	sum, err := Total(o.Prices, o.Lines)
	if err != nil {
		c.Wrong("#/lines", "amount", "The lines add up to too much.")
		return
	}
	if sum != o.TotalCents {
		c.Wrong("#/total_cents", "total", "The lines add up to %d cents, the total says %d.", sum, o.TotalCents)
	}
}

// Total adds lines up in cents: their totals, and the VAT on each rate's sum where prices exclude it.
func Total(prices string, lines []Line) (int64, error) {
	sum := money.EUR(0)
	var err error
	for _, l := range lines {
		if sum, err = sum.Add(money.EUR(l.TotalCents)); err != nil {
			return 0, err
		}
	}
	if prices == ExclVAT {
		for _, v := range VATOf(prices, lines) {
			if sum, err = sum.Add(money.EUR(v.VATCents)); err != nil {
				return 0, err
			}
		}
	}
	return sum.Cents, nil
}

// VAT is the tax of one rate: net + VAT = gross. Rounded once, on the sum of the rate's lines
// (EN 16931, BR-CO-17), half away from zero.
type VAT struct {
	Percent    string
	NetCents   int64
	VATCents   int64
	GrossCents int64
}

// VATOf works out the VAT of lines by rate, the highest rate first. The lines have passed Check.
func VATOf(prices string, lines []Line) []VAT {
	var out []VAT
	for _, l := range lines {
		i := slices.IndexFunc(out, func(v VAT) bool { return v.Percent == l.VATPercent })
		if i < 0 {
			i = len(out)
			out = append(out, VAT{Percent: l.VATPercent})
		}
		out[i].GrossCents += l.TotalCents
	}
	for i := range out {
		out[i].workOut(prices)
	}
	slices.SortFunc(out, func(a, b VAT) int { return compareRates(b.Percent, a.Percent) })
	return out
}

func (v *VAT) workOut(prices string) {
	rate, err := money.ParsePercent(v.Percent)
	if err != nil {
		return
	}
	sum := money.EUR(v.GrossCents)
	if prices == ExclVAT {
		vat, err := rate.Of(sum)
		if err == nil {
			v.NetCents, v.VATCents, v.GrossCents = sum.Cents, vat.Cents, sum.Cents+vat.Cents
		}
		return
	}
	if net, vat, err := money.VATIncluded(sum, rate); err == nil {
		v.NetCents, v.VATCents = net.Cents, vat.Cents
	}
}

func compareRates(a, b string) int {
	whole := func(s string) int {
		n, _, _ := strings.Cut(s, ".")
		return len(n)
	}
	if d := whole(a) - whole(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}
