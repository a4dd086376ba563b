package money

import (
	"cmp"
	"fmt"
	"math/big"
	"math/bits"
)

// Rate is an exact percentage with at most four decimals, from 0 to a million percent. The zero Rate is 0 %.
// Compare with == and Cmp.
type Rate struct {
	units int64 // ten-thousandths of a percent: 21 % is 21_0000
}

const (
	one     = 100_0000 // 100 %
	maxRate = 1_000_000_0000
)

// ParsePercent reads a percentage such as "21", "5.5" or "0". It refuses signs, exponents, spaces, more than four
// decimals and more than a million percent.
func ParsePercent(s string) (Rate, error) {
	units, err := parse(s, 4, 4)
	if err != nil || units > maxRate {
		return Rate{}, fmt.Errorf("%.40q is not a percentage such as 5.5", s)
	}
	return Rate{units}, nil
}

// ParseShare reads a percentage of at most 100, which VAT rates and parts of a whole are.
func ParseShare(s string) (Rate, error) {
	r, err := ParsePercent(s)
	if err != nil || r.units > one {
		return Rate{}, fmt.Errorf("%.40q is not a percentage from 0 to 100", s)
	}
	return r, nil
}

// BasisPoints returns a rate of n hundredths of a percent: 250 is 2.5 %. It fails below 0 and above a million percent.
func BasisPoints(n int64) (Rate, error) {
	if n < 0 || n > maxRate/100 {
		return Rate{}, fmt.Errorf("%d basis points is not a rate", n)
	}
	return Rate{n * 100}, nil
}

// String returns the percentage without needless digits: "21", "5.5". ParsePercent reads it.
func (r Rate) String() string { return format(r.units) }

// MarshalText is String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParsePercent.
func (r *Rate) UnmarshalText(text []byte) (err error) {
	*r, err = ParsePercent(string(text))
	return err
}

// Cmp returns -1, 0 or +1 as r is less than, equal to or more than s.
func (r Rate) Cmp(s Rate) int { return cmp.Compare(r.units, s.units) }

// IsZero reports whether r is 0 %.
func (r Rate) IsZero() bool { return r.units == 0 }

// Exact returns r as a fraction: 21 % is 21/100. Reckon with it where more than one product makes an amount, such as
// interest over days, and give the result to Round.
func (r Rate) Exact() *big.Rat { return big.NewRat(r.units, one) }

// Of returns r of a, rounded half away from zero. It fails on overflow.
func (r Rate) Of(a Amount) (Amount, error) { return a.scale(uint64(r.units), one, true) }

// OfDown returns r of a, rounded toward zero, for what the law limits. It fails on overflow.
func (r Rate) OfDown(a Amount) (Amount, error) { return a.scale(uint64(r.units), one, false) }

// VATIncluded takes VAT at rate r out of gross: vat is gross×r/(100+r), rounded half away from zero, and net the
// rest. It never fails for r up to 100 %.
func VATIncluded(gross Amount, r Rate) (net, vat Amount, err error) {
	if vat, err = gross.scale(uint64(r.units), uint64(one+r.units), true); err != nil {
		return Amount{}, Amount{}, err
	}
	net, err = gross.Sub(vat)
	return net, vat, err
}

// VATExcluded puts VAT at rate r on net: vat is r.Of(net), and gross both together. It fails on overflow.
func VATExcluded(net Amount, r Rate) (gross, vat Amount, err error) {
	if vat, err = r.Of(net); err != nil {
		return Amount{}, Amount{}, err
	}
	if gross, err = net.Add(vat); err != nil {
		return Amount{}, Amount{}, err
	}
	return gross, vat, nil
}

// Round returns cents, which may be any fraction, as an amount, rounded half away from zero. It fails on overflow.
func Round(cents *big.Rat, currency string) (Amount, error) {
	size := new(big.Int).Abs(cents.Num())
	size.Lsh(size, 1).Add(size, cents.Denom()) // (2n+d)/2d, cut, is n/d rounded
	size.Quo(size, new(big.Int).Lsh(cents.Denom(), 1))
	if cents.Sign() < 0 {
		size.Neg(size)
	}
	if !size.IsInt64() {
		return Amount{}, fmt.Errorf("round %s cents: overflow", cents.FloatString(4))
	}
	return Amount{size.Int64(), currency}, nil
}

// scale returns a×num/den in whole cents, rounded half away from zero, or toward zero if half is false.
func (a Amount) scale(num, den uint64, half bool) (Amount, error) {
	high, low := bits.Mul64(magnitude(a.Cents), num)
	if high < den { // else the result is beyond 64 bits
		size, rest := bits.Div64(high, low, den)
		if half && rest >= den-rest && size <= 1<<63 {
			size++
		}
		if cents, ok := signed(size, a.IsNegative()); ok {
			return Amount{cents, a.Currency}, nil
		}
	}
	return Amount{}, fmt.Errorf("multiply %s by %d/%d: overflow", a, num, den)
}
