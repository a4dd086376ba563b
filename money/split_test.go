package money

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// total adds parts without the code under test.
func total(parts []Amount) *big.Int {
	sum := new(big.Int)
	for _, p := range parts {
		sum.Add(sum, cents(p))
	}
	return sum
}

func list(parts []Amount) (cents []int64) {
	for _, p := range parts {
		cents = append(cents, p.Cents)
	}
	return cents
}

// Any amount, into any number of parts.
func TestSplitLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := draw(t, "whole")
		n := rapid.IntRange(1, 400).Draw(t, "n")
		parts := whole.Split(n)
		if len(parts) != n || total(parts).Cmp(cents(whole)) != 0 {
			t.Fatalf("%v split into %d is %v, which is %v", whole, n, list(parts), total(parts))
		}
		first, last := parts[0].Cents, parts[n-1].Cents
		for i, p := range parts {
			if p.Currency != "EUR" || p.Cents != first && p.Cents != last || i > 0 && magnitude(p.Cents) > magnitude(parts[i-1].Cents) {
				t.Fatalf("%v split into %d has the part %v", whole, n, p)
			}
		}
		if gap := new(big.Int).Sub(big.NewInt(first), big.NewInt(last)); gap.CmpAbs(big.NewInt(1)) > 0 {
			t.Fatalf("%v split into %d has parts that differ by %v", whole, n, gap)
		}
	})
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cents int64
		n     int
		want  []int64
	}{
		{"a euro in three", 100, 3, []int64{34, 33, 33}},
		{"two cents over", 101, 3, []int64{34, 34, 33}},
		{"even", 100, 4, []int64{25, 25, 25, 25}},
		{"one part", 100, 1, []int64{100}},
		{"fewer cents than parts", 2, 4, []int64{1, 1, 0, 0}},
		{"nothing", 0, 2, []int64{0, 0}},
		{"negative", -100, 3, []int64{-34, -33, -33}},
		{"the least", low, 3, []int64{low/3 - 1, low/3 - 1, low / 3}}, // 2 to the 63 is two more than a multiple of three
		{"the most", high, 2, []int64{high/2 + 1, high / 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := EUR(tt.cents).Split(tt.n); !slices.Equal(list(got), tt.want) {
				t.Fatalf("got %v, want %v", list(got), tt.want)
			}
		})
	}
	if got := (Amount{3, "USD"}).Split(2); got[0] != (Amount{2, "USD"}) || got[1] != (Amount{1, "USD"}) {
		t.Errorf("dollars split into %v", got)
	}
}

func TestSplitIntoNoParts(t *testing.T) {
	for _, n := range []int{0, -1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("split into %d parts without a panic", n)
				}
			}()
			EUR(1).Split(n)
		}()
	}
}

// Any amount, by any weights: nothing is lost, each part is less than a cent from its exact share, and who has the
// larger remainder, or the same and comes first, is rounded up no later.
func TestAllocateLosesNothing(t *testing.T) {
	weight := rapid.OneOf(rapid.Int64Range(0, 10), rapid.Int64Range(0, high), rapid.SampledFrom([]int64{0, 1, high - 1, high}))
	rapid.Check(t, func(t *rapid.T) {
		whole := draw(t, "whole")
		weights := rapid.SliceOfN(weight, 1, 12).Draw(t, "weights")
		sum := new(big.Int)
		for _, w := range weights {
			sum.Add(sum, big.NewInt(w))
		}
		parts, err := whole.Allocate(weights)
		if sum.Sign() == 0 {
			if err == nil || parts != nil {
				t.Fatalf("%v allocated by %v is %v", whole, weights, list(parts))
			}
			return
		}
		if err != nil || len(parts) != len(weights) || total(parts).Cmp(cents(whole)) != 0 {
			t.Fatalf("%v allocated by %v is %v, %v", whole, weights, list(parts), err)
		}
		excess := make([]*big.Rat, len(parts)) // the part, less its exact share, both without sign
		for i, p := range parts {
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(cents(whole), big.NewInt(weights[i])), sum)
			excess[i] = new(big.Rat).Sub(new(big.Rat).Abs(new(big.Rat).SetInt(cents(p))), new(big.Rat).Abs(exact))
			one := big.NewRat(1, 1)
			switch {
			case p.Currency != "EUR", p.IsNegative() && !whole.IsNegative(), cents(p).Sign() > 0 && whole.IsNegative():
				t.Fatalf("%v has the part %v", whole, p)
			case new(big.Rat).Abs(excess[i]).Cmp(one) >= 0:
				t.Fatalf("%v allocated by %v is %v: part %d is %v cents off", whole, weights, list(parts), i, excess[i].FloatString(3))
			case weights[i] == 0 && !p.IsZero():
				t.Fatalf("weight 0 got %v", p)
			}
		}
		for i := range parts { // i was rounded up, j was not
			for j := range parts {
				if excess[i].Sign() <= 0 || excess[j].Sign() > 0 {
					continue
				}
				remainder := new(big.Rat).Sub(big.NewRat(1, 1), excess[i]) // that i had
				if c := remainder.Cmp(new(big.Rat).Neg(excess[j])); c < 0 || c == 0 && i > j {
					t.Fatalf("%v allocated by %v is %v: part %d got a cent before part %d", whole, weights, list(parts), i, j)
				}
			}
		}
	})
}

func TestAllocate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		cents   int64
		weights []int64
		want    []int64 // nil for an error
	}{
		{"the largest remainder first", 100, []int64{1, 1, 4}, []int64{17, 17, 66}},
		{"equal remainders go to the first", 100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{"negative", -100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{"later but larger", 10, []int64{1, 2}, []int64{3, 7}},
		{"a weight of zero", 5, []int64{0, 1, 0, 1}, []int64{0, 3, 0, 2}},
		{"nothing", 0, []int64{1, 2}, []int64{0, 0}},
		{"one cent", 1, []int64{1, 3, 3}, []int64{0, 1, 0}},
		{"one weight", 5, []int64{7}, []int64{5}},
		{"the least", low, []int64{3}, []int64{low}},
		{"the least by the largest weights", low, []int64{high, high}, []int64{low / 2, low / 2}},
		{"the most by the largest weights", high, []int64{high, high}, []int64{high/2 + 1, high / 2}},
		{"no weights", 5, nil, nil},
		{"only zeros", 5, []int64{0, 0}, nil},
		{"a negative weight", 5, []int64{2, -1}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := EUR(tt.cents).Allocate(tt.weights)
			if (err != nil) != (tt.want == nil) || !slices.Equal(list(got), tt.want) {
				t.Fatalf("got %v, %v; want %v", list(got), err, tt.want)
			}
		})
	}
}
