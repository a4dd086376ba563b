package money

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func quantity(s string) Quantity {
	q, err := ParseQuantity(s)
	if err != nil {
		panic(err)
	}
	return q
}

func TestParseQuantity(t *testing.T) {
	for in, want := range map[string]string{
		"1": "1", "2.0000": "2", "0.75": "0.75", "0.0001": "0.0001", "10": "10", "1000000": "1000000", "999999.9999": "999999.9999", "03": "3",
	} {
		if q, err := ParseQuantity(in); err != nil || q.String() != want {
			t.Errorf("ParseQuantity(%q) = %v, %v; want %s", in, q, err, want)
		}
	}
	for _, in := range []string{"", "0", "0.0000", "-1", "+1", "1e3", " 1", "1.", ".5", "1.00000", "0.00001", "1,5", "1000000.0001", "1000001",
		"18446744073709551617", "922337203685477.5808"} {
		if q, err := ParseQuantity(in); err == nil || q != (Quantity{}) {
			t.Errorf("ParseQuantity(%q) = %v, %v; want an error", in, q, err)
		}
	}
}

func TestNewQuantity(t *testing.T) {
	for _, n := range []int64{1, 2, 1_000_000} {
		if q, err := NewQuantity(n); err != nil || q.Exact().Cmp(big.NewRat(n, 1)) != 0 {
			t.Errorf("NewQuantity(%d) = %v, %v", n, q, err)
		}
	}
	for _, n := range []int64{0, -1, low, 1_000_001, high} {
		if q, err := NewQuantity(n); err == nil || q != (Quantity{}) {
			t.Errorf("NewQuantity(%d) = %v, want an error", n, q)
		}
	}
}

func TestQuantityTimes(t *testing.T) {
	for _, tt := range []struct {
		name, quantity string
		unit, want     int64
	}{
		{"two", "2", 35_00, 70_00},
		{"half a cent goes up", "0.5", 1, 1},
		{"and for a discount down", "0.5", -1, -1},
		{"under half a cent", "0.4999", 1, 0},
		{"three quarters", "0.75", 9_99, 7_49},
		{"half of the least", "0.5", low, low / 2},
		{"one of the least", "1", low, low},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := quantity(tt.quantity).Times(EUR(tt.unit)); err != nil || got != EUR(tt.want) {
				t.Fatalf("got %v, %v; want %v", got, err, EUR(tt.want))
			}
		})
	}
}

func TestQuantityIsRoundedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Quantity{rapid.OneOf(rapid.Int64Range(1, maxQuantity), rapid.Int64Range(1, 100_000)).Draw(t, "units")}
		unit := draw(t, "unit")
		exact, ok := new(big.Rat).SetString(q.String())
		if !ok || q.Exact().Cmp(exact) != 0 {
			t.Fatalf("%d units are %s, exactly %v", q.units, q, q.Exact())
		}
		if again, err := ParseQuantity(q.String()); err != nil || again != q || q.IsZero() {
			t.Fatalf("%s reads as %v, %v", q, again, err)
		}
		got, err := q.Times(unit)
		exactly(t, got, err, halfAway(product(unit, exact)))
	})
}
