package invoices

import (
	"fmt"
	"math/big"
	"testing"

	"achteraf/money"
	"achteraf/orders"

	"pgregory.net/rapid"
)

// order draws an order's lines as orders.New.Check stores them.
func drawLines(t *rapid.T) (string, []orders.Line) {
	prices := rapid.SampledFrom([]string{orders.InclVAT, orders.ExclVAT}).Draw(t, "prices")
	var lines []orders.Line
	for range rapid.IntRange(1, 6).Draw(t, "n") {
		quantity, err := money.ParseQuantity(rapid.SampledFrom([]string{"1", "3", "1.5", "0.25", "12"}).Draw(t, "quantity"))
		if err != nil {
			t.Fatal(err)
		}
		l := orders.Line{Kind: "goods", Quantity: quantity.String(), UnitPriceCents: rapid.Int64Range(1, 20_000).Draw(t, "price"),
			VATPercent: rapid.SampledFrom([]string{"0", "6", "9", "21"}).Draw(t, "rate")}
		sum, err := quantity.Times(money.EUR(l.UnitPriceCents))
		if err != nil {
			t.Fatal(err)
		}
		l.TotalCents = sum.Cents
		lines = append(lines, l)
	}
	return prices, lines
}

// Whatever comes back in whatever pieces: when everything has come back, every cent and every cent of VAT has.
func TestPiecesMakeTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prices, lines := drawLines(t)
		total, err := orders.Total(prices, lines)
		if err != nil {
			t.Fatal(err)
		}
		s, err := divide(prices, lines)
		if err != nil {
			t.Fatal(err)
		}
		var cents int64
		vat := map[string]int64{}
		for i, l := range lines {
			half := new(big.Rat).Quo(s.sold[i], big.NewRat(2, 1))
			pieces := []string{l.Quantity}
			if rapid.Bool().Draw(t, "in two") && half.Mul(half, big.NewRat(10000, 1)).IsInt() {
				text := new(big.Rat).Quo(s.sold[i], big.NewRat(2, 1)).FloatString(4)
				pieces = []string{text, text}
			}
			for _, q := range pieces {
				p, field, err := s.byLine(CreditLine{Line: i + 1, Quantity: q}, "#")
				if err != nil || field != nil {
					t.Fatalf("%v %v", field, err)
				}
				cents += p.Cents
				vat[p.VATPercent] += p.VATCents
			}
		}
		if cents != total {
			t.Fatalf("the pieces are %d, the order %d", cents, total)
		}
		for _, v := range orders.VATOf(prices, lines) {
			if d := vat[v.Percent] - v.VATCents; d < -1 || d > 1 {
				t.Fatalf("VAT of %s: %d credited, %d invoiced", v.Percent, vat[v.Percent], v.VATCents)
			}
			if s.left[v.Percent] != 0 {
				t.Fatalf("%d are left of rate %s", s.left[v.Percent], v.Percent)
			}
		}
		if _, field, _ := s.byLine(CreditLine{Line: 1, Quantity: "0.0001"}, "#"); field == nil || field.Code != "too-much" {
			t.Fatal("more than was sold")
		}
	})
}

// Amounts spread over what is left of the rates: never more of a rate than is left of it, and nothing is lost.
func TestAmountsNeverPassARate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prices, lines := drawLines(t)
		left, err := orders.Total(prices, lines)
		if err != nil {
			t.Fatal(err)
		}
		s, err := divide(prices, lines)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; left > 0 && n < 5; n++ {
			cents := rapid.Int64Range(1, left).Draw(t, "cents")
			if n == 4 {
				cents = left
			}
			parts, err := s.byAmount(cents, left)
			if err != nil {
				t.Fatal(err)
			}
			var sum int64
			for _, p := range parts {
				sum += p.Cents
			}
			if sum != cents {
				t.Fatalf("parts are %d of %d", sum, cents)
			}
			left -= cents
			for r, c := range s.left {
				if c < 0 {
					t.Fatalf("rate %s is credited %d too much", r, -c)
				}
			}
		}
	})
}

// Cases from the review of a real accountant's kind: each was wrong once.
func TestCreditCases(t *testing.T) {
	excl := func(price int64) orders.Line {
		return orders.Line{Quantity: "1", UnitPriceCents: price, VATPercent: "21", TotalCents: price}
	}
	s, err := divide(orders.ExclVAT, []orders.Line{excl(413), excl(413), excl(413)})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.gross); got != "[500 499 500]" && got != "[500 500 499]" {
		t.Errorf("three lines of 4.13 excluding VAT: %s of 14.99", got)
	}
	two, err := divide(orders.InclVAT, []orders.Line{
		{Quantity: "1", UnitPriceCents: 10_000, VATPercent: "21", TotalCents: 10_000}, {Quantity: "1", UnitPriceCents: 10_000, VATPercent: "9", TotalCents: 10_000}})
	if err != nil {
		t.Fatal(err)
	}
	if _, field, err := two.byLine(CreditLine{Line: 2, Quantity: "1"}, "#"); field != nil || err != nil {
		t.Fatal(field, err)
	}
	rest, err := two.byAmount(10_000, 10_000)
	if err != nil || len(rest) != 1 || rest[0].VATPercent != "21" || rest[0].VATCents != 1736 {
		t.Errorf("the rest after the line at 9 %%: %+v, %v", rest, err)
	}
	discount, err := divide(orders.InclVAT, []orders.Line{
		{Quantity: "1", UnitPriceCents: 10_000, VATPercent: "21", TotalCents: 10_000}, {Kind: "discount", Quantity: "1", UnitPriceCents: -1_000, VATPercent: "9", TotalCents: -1_000}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := discount.byAmount(9_000, 9_000)
	if err != nil || len(all) != 2 || all[0].Cents+all[1].Cents != 9_000 || all[1].Cents != -1_000 {
		t.Errorf("all of an order with a discount at a rate of its own: %+v, %v", all, err)
	}
}
