package money

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
)

// Split divides a into n parts that differ by at most a cent, the larger ones first: EUR 1.00 into three is
// 0.34, 0.33 and 0.33. It panics when n is less than 1.
func (a Amount) Split(n int) []Amount {
	if n < 1 {
		panic(fmt.Sprintf("split %s into %d parts", a, n))
	}
	each, rest := a.Cents/int64(n), a.Cents%int64(n) // both have the sign of a
	cent := int64(1)
	if a.IsNegative() {
		cent = -1
	}
	parts := make([]Amount, n)
	for i := range parts {
		parts[i] = Amount{each, a.Currency}
		if rest != 0 {
			parts[i].Cents += cent
			rest -= cent
		}
	}
	return parts
}

// Allocate divides a in proportion to the weights, in their order. Each part is cut to whole cents toward zero; the
// cents left over go to the largest remainders, of equal ones to the first. A part is thus less than a cent from
// its exact share, and a weight of zero gets nothing. It fails when a weight is negative or none is positive.
func (a Amount) Allocate(weights []int64) ([]Amount, error) {
	total := new(big.Int)
	for _, w := range weights {
		if w < 0 {
			return nil, fmt.Errorf("allocate %s by weight %d", a, w)
		}
		total.Add(total, big.NewInt(w))
	}
	if total.Sign() == 0 {
		return nil, fmt.Errorf("allocate %s without a weight", a)
	}
	parts, order, remainders := make([]Amount, len(weights)), make([]int, len(weights)), make([]*big.Int, len(weights))
	left := a.Cents
	for i, w := range weights {
		share := new(big.Int).Mul(big.NewInt(a.Cents), big.NewInt(w))
		share, remainders[i] = share.QuoRem(share, total, new(big.Int))
		parts[i] = Amount{share.Int64(), a.Currency} // no further from zero than a
		left -= share.Int64()
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return remainders[j].CmpAbs(remainders[i]) })
	for _, i := range order[:magnitude(left)] { // fewer than there are remainders
		parts[i].Cents += int64(cmp.Compare(a.Cents, 0))
	}
	return parts, nil
}
