package money

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

const low, high = math.MinInt64, math.MaxInt64

// anyCents draws from all cents there are, often from the edges and from sums of daily life.
func anyCents() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1_000_000, 1_000_000),
		rapid.SampledFrom([]int64{low, low + 1, low / 2, -1, 0, 1, high / 2, high/2 + 1, high - 1, high}))
}

func draw(t *rapid.T, label string) Amount { return EUR(anyCents().Draw(t, label)) }

// exactly fails unless got is want where want is whole cents that fit, and an error where it does not fit.
func exactly(t *rapid.T, got Amount, err error, want *big.Int) {
	t.Helper()
	switch {
	case want.IsInt64() && (err != nil || got != EUR(want.Int64())):
		t.Fatalf("got %v, %v; want %v cents", got, err, want)
	case !want.IsInt64() && (err == nil || got != Amount{}):
		t.Fatalf("got %v, %v; want an error, for it is %v cents", got, err, want)
	}
}

func cents(a Amount) *big.Int { return big.NewInt(a.Cents) }

func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		sum, err := a.Add(b)
		exactly(t, sum, err, new(big.Int).Add(cents(a), cents(b)))
		other, err := b.Add(a)
		exactly(t, other, err, new(big.Int).Add(cents(a), cents(b)))
		difference, err := a.Sub(b)
		exactly(t, difference, err, new(big.Int).Sub(cents(a), cents(b)))
		opposite, err := a.Neg()
		exactly(t, opposite, err, new(big.Int).Neg(cents(a)))
		product, err := a.Times(b.Cents)
		exactly(t, product, err, new(big.Int).Mul(cents(a), cents(b)))
		if got, err := a.Cmp(b); err != nil || got != cents(a).Cmp(cents(b)) {
			t.Fatalf("%v against %v is %d, %v", a, b, got, err)
		}
		if a.IsZero() != (cents(a).Sign() == 0) || a.IsNegative() != (cents(a).Sign() < 0) {
			t.Fatalf("%v: IsZero %v, IsNegative %v", a, a.IsZero(), a.IsNegative())
		}
	})
}

func TestSumIsExactInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := new(big.Int)
		var list []Amount
		for _, c := range rapid.SliceOfN(anyCents(), 0, 20).Draw(t, "cents") {
			list = append(list, EUR(c))
			want.Add(want, big.NewInt(c))
		}
		got, err := Sum(EUR(0), list...)
		exactly(t, got, err, want)
		if len(list) > 0 {
			list = rapid.Permutation(list).Draw(t, "order")
			got, err = Sum(list[0], list[1:]...)
			exactly(t, got, err, want)
		}
	})
}

func TestEdges(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  func() (Amount, error)
		want int64
		fail bool
	}{
		{"add nothing", func() (Amount, error) { return EUR(5).Add(EUR(0)) }, 5, false},
		{"add nothing to the least", func() (Amount, error) { return EUR(low).Add(EUR(0)) }, low, false},
		{"add up to the most", func() (Amount, error) { return EUR(high - 1).Add(EUR(1)) }, high, false},
		{"add beyond the most", func() (Amount, error) { return EUR(high).Add(EUR(1)) }, 0, true},
		{"add beyond the least", func() (Amount, error) { return EUR(low).Add(EUR(-1)) }, 0, true},
		{"subtract nothing", func() (Amount, error) { return EUR(5).Sub(EUR(0)) }, 5, false},
		{"subtract down to the least", func() (Amount, error) { return EUR(-1).Sub(EUR(high)) }, low, false},
		{"subtract the least from nothing", func() (Amount, error) { return EUR(0).Sub(EUR(low)) }, 0, true},
		{"subtract the least from less than nothing", func() (Amount, error) { return EUR(-1).Sub(EUR(low)) }, high, false},
		{"the least has no opposite", func() (Amount, error) { return EUR(low).Neg() }, 0, true},
		{"the most has one", func() (Amount, error) { return EUR(high).Neg() }, -high, false},
		{"the least times one", func() (Amount, error) { return EUR(low).Times(1) }, low, false},
		{"the least times minus one", func() (Amount, error) { return EUR(low).Times(-1) }, 0, true},
		{"one times the least", func() (Amount, error) { return EUR(1).Times(low) }, low, false},
		{"the least times the least", func() (Amount, error) { return EUR(low).Times(low) }, 0, true},
		{"a product of 2 to the 64", func() (Amount, error) { return EUR(1 << 32).Times(1 << 32) }, 0, true},
		{"half the least doubled", func() (Amount, error) { return EUR(low / 2).Times(2) }, low, false},
		{"half the most, and one, doubled", func() (Amount, error) { return EUR(high/2 + 1).Times(2) }, 0, true},
		{"sum of one", func() (Amount, error) { return Sum(EUR(7)) }, 7, false},
		{"sum that is too large only on the way", func() (Amount, error) { return Sum(EUR(high), EUR(high), EUR(low), EUR(low)) }, -2, false},
		{"sum beyond the most", func() (Amount, error) { return Sum(EUR(high), EUR(1)) }, 0, true},
		{"sum beyond the least", func() (Amount, error) { return Sum(EUR(low), EUR(-1)) }, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.got()
			if tt.fail && (err == nil || got != Amount{}) || !tt.fail && (err != nil || got != EUR(tt.want)) {
				t.Fatalf("got %v, %v; want %d, an error: %v", got, err, tt.want, tt.fail)
			}
		})
	}
}

func TestMixedCurrencies(t *testing.T) {
	euro, dollar := EUR(1), Amount{1, "USD"}
	for _, other := range []Amount{dollar, {0, ""}, {1, "eur"}} {
		if got, err := euro.Add(other); err == nil {
			t.Errorf("%v + %v = %v", euro, other, got)
		}
		if got, err := euro.Sub(other); err == nil {
			t.Errorf("%v - %v = %v", euro, other, got)
		}
		if got, err := Sum(euro, euro, other); err == nil {
			t.Errorf("the sum of %v, %v and %v is %v", euro, euro, other, got)
		}
		if got, err := euro.Cmp(other); err == nil {
			t.Errorf("%v against %v is %v", euro, other, got)
		}
	}
	if got, err := dollar.Add(dollar); err != nil || got != (Amount{2, "USD"}) {
		t.Errorf("%v + %v = %v, %v", dollar, dollar, got, err)
	}
	if got, err := dollar.Sub(dollar); err != nil || got != (Amount{0, "USD"}) {
		t.Errorf("%v - %v = %v, %v", dollar, dollar, got, err)
	}
	if got, err := Sum(dollar, dollar); err != nil || got != (Amount{2, "USD"}) {
		t.Errorf("the sum of two %v is %v, %v", dollar, got, err)
	}
	if got, err := dollar.Times(3); err != nil || got != (Amount{3, "USD"}) {
		t.Errorf("three times %v is %v, %v", dollar, got, err)
	}
	if got, err := dollar.Neg(); err != nil || got != (Amount{-1, "USD"}) {
		t.Errorf("the opposite of %v is %v, %v", dollar, got, err)
	}
}

func TestKnownCurrency(t *testing.T) {
	for code, want := range map[string]bool{"EUR": true, "USD": false, "eur": false, "": false, "JPY": false} {
		if KnownCurrency(code) != want {
			t.Errorf("%q is known: %v", code, !want)
		}
	}
}
