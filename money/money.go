// Package money is whole cents with their currency, and every way to reckon with them.
//
// It owns adding, splitting, percentages, VAT and quantities, their rounding, and how an amount is
// written for machines. It does not own which rate applies when (dated data of the stages), how an
// amount looks in a letter (messages), or what a sum means (ledger).
//
// # What is always true
//
//   - An amount is a whole number of cents. No floating point is used anywhere.
//   - An operation gives the exact result or an error; it never wraps, saturates or mixes currencies.
//   - Only a product is rounded, and once: half away from zero, or toward zero where the law sets a
//     maximum. What needs more than one product goes through Exact and is rounded at its end.
//   - Parts add up to what was divided.
//
// Source of the rounding rule: design.md section 4.
package money

import (
	"fmt"
	"math/bits"
)

// Amount is a sum in the smallest unit of its currency: EUR 12.34 is {1234, "EUR"}.
// The zero Amount has no currency and adds to nothing else; start sums from EUR(0).
type Amount struct {
	Cents    int64
	Currency string // ISO 4217
}

// EUR returns an amount of euro cents.
func EUR(cents int64) Amount { return Amount{cents, "EUR"} }

// KnownCurrency reports whether the platform can reckon in the currency of that code. All known ones have cents.
func KnownCurrency(code string) bool { return code == "EUR" }

// Add returns a+b. It fails on mixed currencies and on overflow; it never rounds, wraps or saturates.
func (a Amount) Add(b Amount) (Amount, error) {
	sum := a.Cents + b.Cents
	switch {
	case a.Currency != b.Currency:
		return Amount{}, fmt.Errorf("add %s to %s", b, a)
	case (sum > a.Cents) != (b.Cents > 0):
		return Amount{}, fmt.Errorf("add %s to %s: overflow", b, a)
	}
	return Amount{sum, a.Currency}, nil
}

// Sub returns a-b. It fails as Add does.
func (a Amount) Sub(b Amount) (Amount, error) {
	difference := a.Cents - b.Cents
	switch {
	case a.Currency != b.Currency:
		return Amount{}, fmt.Errorf("subtract %s from %s", b, a)
	case (difference < a.Cents) != (b.Cents > 0):
		return Amount{}, fmt.Errorf("subtract %s from %s: overflow", b, a)
	}
	return Amount{difference, a.Currency}, nil
}

// Neg returns -a. It fails for the one amount that has no opposite.
func (a Amount) Neg() (Amount, error) { return Amount{0, a.Currency}.Sub(a) }

// Times returns a×n. It fails on overflow.
func (a Amount) Times(n int64) (Amount, error) {
	over, size := bits.Mul64(magnitude(a.Cents), magnitude(n))
	cents, ok := signed(size, a.IsNegative() != (n < 0))
	if over != 0 || !ok {
		return Amount{}, fmt.Errorf("multiply %s by %d: overflow", a, n)
	}
	return Amount{cents, a.Currency}, nil
}

// Sum returns start and all others together, in any order the same. It fails on mixed currencies, and when the
// result, not some sum on the way, is too large.
func Sum(start Amount, others ...Amount) (Amount, error) {
	high, low := start.Cents>>63, uint64(start.Cents) // a 128-bit number
	for _, a := range others {
		if a.Currency != start.Currency {
			return Amount{}, fmt.Errorf("add %s to %s", a, start)
		}
		var carry uint64
		low, carry = bits.Add64(low, uint64(a.Cents), 0)
		high += a.Cents>>63 + int64(carry)
	}
	if high != int64(low)>>63 {
		return Amount{}, fmt.Errorf("add %d amounts to %s: overflow", len(others), start)
	}
	return Amount{int64(low), start.Currency}, nil
}

// Cmp returns -1, 0 or +1 as a is less than, equal to or more than b. It fails on mixed currencies.
func (a Amount) Cmp(b Amount) (int, error) {
	switch {
	case a.Currency != b.Currency:
		return 0, fmt.Errorf("compare %s with %s", a, b)
	case a.Cents < b.Cents:
		return -1, nil
	case a.Cents > b.Cents:
		return +1, nil
	}
	return 0, nil
}

// IsZero reports whether a is no cents of whatever currency.
func (a Amount) IsZero() bool { return a.Cents == 0 }

// IsNegative reports whether a is less than zero.
func (a Amount) IsNegative() bool { return a.Cents < 0 }

// magnitude returns |n|, which for the least int64 fits in no int64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// signed is the reverse of magnitude; ok is false when the number fits in no int64.
func signed(size uint64, negative bool) (n int64, ok bool) {
	if negative {
		return -int64(size), size <= 1<<63
	}
	return int64(size), size < 1<<63
}
