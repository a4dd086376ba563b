package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// String returns "EUR 12.34". What people read is written by the language of the letter or page instead.
func (a Amount) String() string { return a.Currency + " " + a.Decimal() }

// Decimal returns "12.34" or "-0.05", as bank files and invoices for machines write it.
func (a Amount) Decimal() string {
	size := magnitude(a.Cents)
	s := strconv.FormatUint(size/100, 10) + "." + strconv.FormatUint(100+size%100, 10)[1:]
	if a.IsNegative() {
		return "-" + s
	}
	return s
}

// ParseDecimal reads "12.34", "12.3" or "12" exactly. It takes up to five decimals, as ISO 20022 files have, if
// those after the cents are noughts. It refuses signs, exponents, spaces and currencies that are not known.
func ParseDecimal(s, currency string) (Amount, error) {
	if !KnownCurrency(currency) {
		return Amount{}, fmt.Errorf("currency %.40q is not known", currency)
	}
	cents, err := parse(s, 2, 5)
	if err != nil {
		return Amount{}, fmt.Errorf("%.40q is not an amount such as 12.34", s)
	}
	return Amount{cents, currency}, nil
}

var errDecimal = errors.New("not a decimal number")

// parse reads digits, and perhaps a point and more digits, as a number of units of which 10^places make a whole.
// It takes up to most digits after the point, of which those beyond places must be noughts.
func parse(s string, places, most int) (units int64, err error) {
	digits, decimals, point := strings.Cut(s, ".")
	if digits == "" || point && decimals == "" || len(decimals) > most {
		return 0, errDecimal
	}
	if more := len(decimals) - places; more > 0 {
		if decimals[places:] != strings.Repeat("0", more) {
			return 0, errDecimal
		}
		decimals = decimals[:places]
	}
	for _, c := range []byte(digits + decimals + strings.Repeat("0", places-len(decimals))) {
		digit := int64(c) - '0'
		if digit < 0 || digit > 9 || units > (math.MaxInt64-digit)/10 {
			return 0, errDecimal
		}
		units = units*10 + digit
	}
	return units, nil
}

// format writes ten-thousandths without needless digits.
func format(units int64) string {
	s := fmt.Sprintf("%d.%04d", units/1_0000, units%1_0000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
