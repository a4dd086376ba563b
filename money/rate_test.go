package money

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func rate(s string) Rate {
	r, err := ParsePercent(s)
	if err != nil {
		panic(err)
	}
	return r
}

func drawRate(t *rapid.T) Rate {
	return rapid.OneOf(rapid.Map(rapid.Int64Range(0, maxRate), func(u int64) Rate { return Rate{u} }),
		rapid.Map(rapid.Int64Range(0, one), func(u int64) Rate { return Rate{u} }),
		rapid.Map(rapid.SampledFrom([]string{"0", "5.5", "6", "9", "12", "21", "50", "100", "0.0001", "1000000"}), rate)).Draw(t, "rate")
}

// halfAway is the nearest whole number to x, as package big has it: halves away from zero.
func halfAway(x *big.Rat) *big.Int {
	n, ok := new(big.Int).SetString(x.FloatString(0), 10)
	if !ok {
		panic(x)
	}
	return n
}

// towardZero is x without its fraction.
func towardZero(x *big.Rat) *big.Int { return new(big.Int).Quo(x.Num(), x.Denom()) }

func product(a Amount, x *big.Rat) *big.Rat {
	return new(big.Rat).Mul(new(big.Rat).SetInt(cents(a)), x)
}

func TestRateIsRoundedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, r := draw(t, "a"), drawRate(t)
		percent, ok := new(big.Rat).SetString(r.String())
		if !ok {
			t.Fatalf("%s is not a number", r)
		}
		fraction := percent.Quo(percent, big.NewRat(100, 1))
		if r.Exact().Cmp(fraction) != 0 {
			t.Fatalf("%s %% is exactly %v", r, r.Exact())
		}
		got, err := r.Of(a)
		exactly(t, got, err, halfAway(product(a, fraction)))
		got, err = r.OfDown(a)
		exactly(t, got, err, towardZero(product(a, fraction)))
	})
}

func TestVAT(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, r := draw(t, "a"), drawRate(t)
		included := new(big.Rat).Quo(r.Exact(), new(big.Rat).Add(big.NewRat(1, 1), r.Exact()))
		net, vat, err := VATIncluded(a, r)
		exactly(t, vat, err, halfAway(product(a, included)))
		if sum, err := net.Add(vat); err != nil || sum != a || vat.IsNegative() && !a.IsNegative() || net.IsNegative() && !a.IsNegative() {
			t.Fatalf("%v with %s %% is %v and %v", a, r, net, vat)
		}
		want := halfAway(product(a, r.Exact()))
		sum := new(big.Int).Add(want, cents(a))
		gross, vat, err := VATExcluded(a, r)
		exactly(t, gross, err, sum)
		if err == nil {
			exactly(t, vat, nil, want)
		} else if vat != (Amount{}) {
			t.Fatalf("%v without %s %% gave an error and %v", a, r, vat)
		}
	})
}

// VAT put on and taken out again is the same VAT, at every rate.
func TestVATThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		net := EUR(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "net"))
		r := drawRate(t)
		gross, vat, err := VATExcluded(net, r)
		if err != nil {
			t.Fatal(err)
		}
		if net2, vat2, err := VATIncluded(gross, r); err != nil || net2 != net || vat2 != vat {
			t.Fatalf("%v at %s %% is %v with %v of VAT, and back %v with %v, %v", net, r, gross, vat, net2, vat2, err)
		}
	})
}

func TestRateOf(t *testing.T) {
	for _, tt := range []struct {
		name       string
		rate       string
		cents      int64
		near, down int64
	}{
		{"21 % of a euro", "21", 100, 21, 21},
		{"half a cent goes up", "50", 1, 1, 0},
		{"half a cent below zero goes down", "50", -1, -1, 0},
		{"just under half a cent", "49.9999", 1, 0, 0},
		{"just over half a cent", "50.0001", 1, 1, 0},
		{"nothing of much", "0", high, 0, 0},
		{"all of the least", "100", low, low, low},
		{"all of the most", "100", high, high, high},
		{"smallest rate", "0.0001", 500_000, 1, 0},
		{"one cent less", "0.0001", 499_999, 0, 0},
		{"collection costs of 7,348.07 above 5,000", "5", 2_348_07, 117_40, 117_40},
		{"VAT on 742.40", "21", 742_40, 155_90, 155_90},
		{"half of the least, and the half cent", "50", low + 1, low / 2, low/2 + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rate(tt.rate)
			if got, err := r.Of(EUR(tt.cents)); err != nil || got != EUR(tt.near) {
				t.Errorf("Of is %v, %v; want %v", got, err, EUR(tt.near))
			}
			if got, err := r.OfDown(EUR(tt.cents)); err != nil || got != EUR(tt.down) {
				t.Errorf("OfDown is %v, %v; want %v", got, err, EUR(tt.down))
			}
		})
	}
	for _, tt := range []struct {
		name, rate string
		cents      int64
	}{
		{"a little more than the most", "100.0001", high},
		{"a little less than the least", "100.0001", low},
		{"twice the most", "200", high},
		{"twice the least", "200", low},
		{"beyond 64 bits", "300", high},
		{"beyond 128 bits", "1000000", low},
		{"2 to the 63", "200", 1 << 62},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := rate(tt.rate).Of(EUR(tt.cents)); err == nil {
				t.Errorf("Of is %v, want an error", got)
			}
			if got, err := rate(tt.rate).OfDown(EUR(tt.cents)); err == nil {
				t.Errorf("OfDown is %v, want an error", got)
			}
		})
	}
	if got, err := rate("200").Of(EUR(low / 2)); err != nil || got != EUR(low) {
		t.Errorf("twice half the least is %v, %v", got, err)
	}
	const edge = -7_622_621_518_061_798_189 // of which 121 % is the least and more than half a cent
	if got, err := rate("121").Of(EUR(edge)); err == nil {
		t.Errorf("beyond the least is %v, want an error", got)
	}
	if got, err := rate("121").OfDown(EUR(edge)); err != nil || got != EUR(low) {
		t.Errorf("down to the least is %v, %v", got, err)
	}
	if got, err := rate("21").Of(Amount{100, "USD"}); err != nil || got != (Amount{21, "USD"}) {
		t.Errorf("21 %% of a dollar is %v, %v", got, err)
	}
}

func TestVATTable(t *testing.T) {
	for _, tt := range []struct {
		rate                    string
		gross, net, vatIncluded int64
		vatExcluded             int64 // of the same cents taken as net
	}{
		{"21", 121_00, 100_00, 21_00, 25_41},
		{"21", 50_40, 41_65, 8_75, 10_58},
		{"9", 10_00, 9_17, 83, 90},
		{"6", 1_06, 1_00, 6, 6},
		{"5.5", 10_55, 10_00, 55, 58},
		{"0", 10_00, 10_00, 0, 0},
		{"100", 1, 0, 1, 1}, // half a cent
		{"100", -1, 0, -1, -1},
		{"21", -121_00, -100_00, -21_00, -25_41},
	} {
		net, vat, err := VATIncluded(EUR(tt.gross), rate(tt.rate))
		if err != nil || net != EUR(tt.net) || vat != EUR(tt.vatIncluded) {
			t.Errorf("%v with %s %%: %v and %v, %v", EUR(tt.gross), tt.rate, net, vat, err)
		}
		gross, vat, err := VATExcluded(EUR(tt.gross), rate(tt.rate))
		if err != nil || gross != EUR(tt.gross+tt.vatExcluded) || vat != EUR(tt.vatExcluded) {
			t.Errorf("%v without %s %%: %v with %v, %v", EUR(tt.gross), tt.rate, gross, vat, err)
		}
	}
}

func TestParsePercent(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "21": "21", "5.5": "5.5", "5.50": "5.5", "0.0001": "0.0001", "10.4000": "10.4", "100": "100", "007": "7",
		"1000000": "1000000", "20.0": "20", "1000": "1000",
	} {
		if r, err := ParsePercent(in); err != nil || r.String() != want {
			t.Errorf("ParsePercent(%q) = %v, %v; want %s", in, r, err, want)
		}
	}
	for _, in := range []string{"", "-1", "+1", "5,5", "5.", ".5", "5.55555", "5.50000", "1e2", " 5", "5 ", "5%", "0x5", "5_0", "٥", "1000000.0001",
		"9223372036854775808", "99999999999999999999999999", "1.2.3", "NaN", "Inf"} {
		if r, err := ParsePercent(in); err == nil || r != (Rate{}) {
			t.Errorf("ParsePercent(%q) = %v, %v; want an error", in, r, err)
		}
	}
}

func TestParseShare(t *testing.T) {
	for _, in := range []string{"0", "21", "100", "100.0000"} {
		if r, err := ParseShare(in); err != nil || r != rate(in) {
			t.Errorf("ParseShare(%q) = %v, %v", in, r, err)
		}
	}
	for _, in := range []string{"100.0001", "101", "-1", "", "x"} {
		if r, err := ParseShare(in); err == nil || r != (Rate{}) {
			t.Errorf("ParseShare(%q) = %v, %v; want an error", in, r, err)
		}
	}
}

func TestBasisPoints(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "0.01", 250: "2.5", 15_00: "15", 100_00: "100", 100_000_000: "1000000"} {
		if r, err := BasisPoints(n); err != nil || r != rate(want) {
			t.Errorf("%d basis points is %v, %v; want %s", n, r, err, want)
		}
	}
	for _, n := range []int64{-1, low, 100_000_001, high} {
		if r, err := BasisPoints(n); err == nil || r != (Rate{}) {
			t.Errorf("%d basis points is %v, want an error", n, r)
		}
	}
}

func TestRateText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, s := drawRate(t), drawRate(t)
		if got, err := ParsePercent(r.String()); err != nil || got != r || strings.Contains(r.String(), ".") && strings.HasSuffix(r.String(), "0") {
			t.Fatalf("%d units are %s, which reads as %v, %v", r.units, r, got, err)
		}
		if got := r.Cmp(s); got != r.Exact().Cmp(s.Exact()) || r.IsZero() != (r.Exact().Sign() == 0) {
			t.Fatalf("%s against %s is %d", r, s, got)
		}
	})
	type row struct {
		VAT Rate     `json:"vat"`
		Of  Quantity `json:"of,omitzero"`
	}
	text, err := json.Marshal(row{rate("5.5"), quantity("0.75")})
	if want := `{"vat":"5.5","of":"0.75"}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
	var out row
	if err := json.Unmarshal(text, &out); err != nil || out != (row{rate("5.5"), quantity("0.75")}) {
		t.Errorf("read back %+v, %v", out, err)
	}
	for _, bad := range []string{`{"vat":"-1"}`, `{"vat":""}`, `{"vat":21}`, `{"of":"0"}`, `{"of":""}`} {
		if err := json.Unmarshal([]byte(bad), new(row)); err == nil {
			t.Errorf("%s was read without an error", bad)
		}
	}
}

func TestRound(t *testing.T) {
	for _, tt := range []struct {
		x    string
		want int64
	}{
		{"0", 0}, {"1/2", 1}, {"-1/2", -1}, {"499/1000", 0}, {"-499/1000", 0}, {"501/1000", 1}, {"3/2", 2}, {"5/2", 3}, {"-5/2", -3}, {"7", 7},
		{"9223372036854775807.4999", high}, {"-9223372036854775808.4999", low},
	} {
		x, _ := new(big.Rat).SetString(tt.x)
		if got, err := Round(x, "EUR"); err != nil || got != EUR(tt.want) {
			t.Errorf("%s cents is %v, %v; want %v", tt.x, got, err, EUR(tt.want))
		}
		if again, _ := new(big.Rat).SetString(tt.x); again.Cmp(x) != 0 {
			t.Errorf("%s has become %v", tt.x, x)
		}
	}
	for _, s := range []string{"9223372036854775807.5", "-9223372036854775808.5", "1e30"} {
		x, _ := new(big.Rat).SetString(s)
		if got, err := Round(x, "EUR"); err == nil || got != (Amount{}) {
			t.Errorf("%s cents is %v, want an error", s, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		x := big.NewRat(anyCents().Draw(t, "n"), rapid.Int64Range(1, high).Draw(t, "d"))
		got, err := Round(x, "EUR")
		exactly(t, got, err, halfAway(x))
	})
}

// Statutory interest, reckoned elsewhere, shows that Exact and Round lose nothing on the way.
func TestInterestByExact(t *testing.T) {
	for _, tt := range []struct {
		principal int64
		segments  string // days × rate / days of the year
		want      int64
	}{
		{120_00, "59×4/365", 78},
		{820_00, "31×4/365", 2_79},
		{500_00, "61×6/365 31×4/365", 6_71},
		{89_95, "31×4/365 60×4/366", 90},
		{8_400_00, "22×10.15/365", 51_39},
		{1_210_00, "15×10.15/365 15×10.40/365", 10_22},
	} {
		sum := new(big.Rat)
		for segment := range strings.FieldsSeq(tt.segments) {
			days, rest, _ := strings.Cut(segment, "×")
			percent, year, _ := strings.Cut(rest, "/")
			n, _ := strconv.ParseInt(days, 10, 64)
			of, _ := strconv.ParseInt(year, 10, 64)
			sum.Add(sum, product(EUR(tt.principal), new(big.Rat).Mul(rate(percent).Exact(), big.NewRat(n, of))))
		}
		if got, err := Round(sum, "EUR"); err != nil || got != EUR(tt.want) {
			t.Errorf("%v for %s is %v, %v; want %v", EUR(tt.principal), tt.segments, got, err, EUR(tt.want))
		}
	}
}

func BenchmarkRateOf(b *testing.B) {
	r, a := rate("21"), EUR(50_40)
	for b.Loop() {
		_, _ = r.Of(a)
	}
}
