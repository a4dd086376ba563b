package money

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestAmountText(t *testing.T) {
	for _, tt := range []struct {
		cents int64
		want  string
	}{
		{0, "0.00"}, {5, "0.05"}, {-5, "-0.05"}, {99, "0.99"}, {100, "1.00"}, {1234, "12.34"}, {-1234, "-12.34"}, {1_000_000_00, "1000000.00"},
		{high, "92233720368547758.07"}, {low, "-92233720368547758.08"},
	} {
		if got := EUR(tt.cents).Decimal(); got != tt.want {
			t.Errorf("%d cents is %s, want %s", tt.cents, got, tt.want)
		}
		if got := EUR(tt.cents).String(); got != "EUR "+tt.want {
			t.Errorf("%d cents is %s, want EUR %s", tt.cents, got, tt.want)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	for in, want := range map[string]int64{
		"12.34": 12_34, "12": 12_00, "12.3": 12_30, "12.34000": 12_34, "12.300": 12_30, "0": 0, "0.00": 0, "0.01": 1, "00012.34": 12_34,
		"92233720368547758.07": high,
	} {
		if got, err := ParseDecimal(in, "EUR"); err != nil || got != EUR(want) {
			t.Errorf("ParseDecimal(%q) = %v, %v; want %v", in, got, err, EUR(want))
		}
	}
	for _, in := range []string{"", ".", "12.", ".34", "12,34", "12.345", "12.34001", "12.340000", "-12.34", "+12.34", "1e3", " 12.34", "12.34 ", "1 000.00",
		"1.000.00", "12.3x", "x12.34", "12.34x", "12.3-", "٣.00", "92233720368547758.08", "92233720368547759", "999999999999999999999999"} {
		if got, err := ParseDecimal(in, "EUR"); err == nil || got != (Amount{}) {
			t.Errorf("ParseDecimal(%q) = %v, %v; want an error", in, got, err)
		}
	}
	for _, currency := range []string{"USD", "eur", ""} {
		if got, err := ParseDecimal("12.34", currency); err == nil || got != (Amount{}) {
			t.Errorf("ParseDecimal in %q = %v, want an error", currency, got)
		}
	}
}

func TestDecimalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := draw(t, "a")
		exact, ok := new(big.Rat).SetString(a.Decimal())
		if !ok || exact.Cmp(new(big.Rat).SetFrac(cents(a), big.NewInt(100))) != 0 {
			t.Fatalf("%d cents is %s", a.Cents, a.Decimal())
		}
		if got, err := ParseDecimal(a.Decimal(), "EUR"); a.IsNegative() && err == nil || !a.IsNegative() && (err != nil || got != a) {
			t.Fatalf("%s reads as %v, %v", a.Decimal(), got, err)
		}
	})
}

// Whatever text is taken is a plain decimal, and package big reads the same number.
func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"12.34", "12.34000", "0", "1e3", "-1", "92233720368547758.07"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		is := func(want *big.Rat) {
			if exact, ok := new(big.Rat).SetString(s); !ok || exact.Cmp(want) != 0 {
				t.Fatalf("%q reads as %v, package big says %v", s, want, exact)
			}
		}
		if a, err := ParseDecimal(s, "EUR"); err == nil {
			is(new(big.Rat).SetFrac(cents(a), big.NewInt(100)))
		}
		if r, err := ParsePercent(s); err == nil {
			is(new(big.Rat).Mul(r.Exact(), big.NewRat(100, 1)))
		}
		if q, err := ParseQuantity(s); err == nil {
			is(q.Exact())
		}
	})
}
