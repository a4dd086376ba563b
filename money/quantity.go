package money

import (
	"fmt"
	"math/big"
)

// Quantity is how many or how much of a thing is sold: more than zero, at most a million, exact to four decimals.
// The zero Quantity is none and is only what a variable holds before it is set. Compare with ==.
type Quantity struct {
	units int64 // ten-thousandths
}

const (
	whole       = 1_0000
	maxQuantity = 1_000_000 * whole
)

// NewQuantity returns a whole number of things. It fails below 1 and above a million.
func NewQuantity(n int64) (Quantity, error) {
	if n < 1 || n > maxQuantity/whole {
		return Quantity{}, fmt.Errorf("%d is not a quantity", n)
	}
	return Quantity{n * whole}, nil
}

// ParseQuantity reads a quantity such as "2", "2.0000" or "0.75". It refuses zero, signs, exponents, spaces, more than
// four decimals and more than a million.
func ParseQuantity(s string) (Quantity, error) {
	units, err := parse(s, 4, 4)
	if err != nil || units == 0 || units > maxQuantity {
		return Quantity{}, fmt.Errorf("%.40q is not a quantity such as 2 or 0.75", s)
	}
	return Quantity{units}, nil
}

// String returns the quantity without needless digits: "2", "0.75". ParseQuantity reads it.
func (q Quantity) String() string { return format(q.units) }

// MarshalText is String.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText is ParseQuantity.
func (q *Quantity) UnmarshalText(text []byte) (err error) {
	*q, err = ParseQuantity(string(text))
	return err
}

// IsZero reports whether q was never set.
func (q Quantity) IsZero() bool { return q.units == 0 }

// Exact returns q as a fraction, to reckon with where more than one product makes an amount; see Round.
func (q Quantity) Exact() *big.Rat { return big.NewRat(q.units, whole) }

// Times returns q×unit, rounded half away from zero. It fails on overflow.
func (q Quantity) Times(unit Amount) (Amount, error) { return unit.scale(uint64(q.units), whole, true) }
