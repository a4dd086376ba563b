package ledger

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// TestChartPage keeps docs/chart.md equal to the chart.
func TestChartPage(t *testing.T) {
	const path = "../docs/chart.md"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != page() {
		t.Errorf("%s is not what the chart says (%v); UPDATE_GOLDEN=1 rewrites it", path, err)
	}
}

func good() Entry {
	return Entry{Merchant: "mer_1", Key: "inv_1/issued", Kind: "invoice-issued", Currency: "EUR", Legs: []Leg{
		{BuyerPrincipal, "inv_1", 12100}, {MerchantPending, "", -12100}}}
}

func TestCheck(t *testing.T) {
	const iban = "NL13TEST0123456789"
	legs := func(l ...Leg) func(*Entry) { return func(e *Entry) { e.Legs = l } }
	leg := func(code, subject string) func(*Entry) {
		return legs(Leg{code, subject, 1}, Leg{MerchantPending, "", -1})
	}
	cases := []struct {
		name string
		edit func(*Entry)
		want string // part of the error; empty: none
	}{
		{"good", func(*Entry) {}, ""},
		{"three legs", legs(Leg{PSP, "", 5}, Leg{ExpensePSP, "", 1}, Leg{MerchantPayable, "", -6}), ""},
		{"an account twice", legs(Leg{PSP, "", 5}, Leg{PSP, "", 1}, Leg{MerchantPayable, "", -6}), ""},
		{"no legs", legs(), "has 0 legs"},
		{"one leg", legs(Leg{PSP, "", 5}), "has 1 legs"},
		{"a cent too much", legs(Leg{PSP, "", 5}, Leg{TaxVAT, "", -4}), "out of balance by 1"},
		{"a leg of nothing", legs(Leg{PSP, "", 0}, Leg{TaxVAT, "", 0}), "moves nothing"},
		{"sums that wrap up to zero", legs(Leg{PSP, "", math.MinInt64}, Leg{TaxVAT, "", math.MinInt64}), "overflows"},
		{"sums that wrap down", legs(Leg{PSP, "", math.MaxInt64}, Leg{TaxVAT, "", 1}, Leg{TaxVAT, "", math.MinInt64}), "overflows"},
		{"the largest sum", legs(Leg{PSP, "", math.MaxInt64}, Leg{TaxVAT, "", -math.MaxInt64}), ""},
		{"unknown account", leg("buyer/savings", ""), "not in the chart"},
		{"code in another case", leg("PSP", ""), "not in the chart"},
		{"subject where there is none", leg(PSP, "inv_1"), "no none"},
		{"no invoice", leg(BuyerCosts, ""), "no invoice"},
		{"an order for an invoice", leg(BuyerCosts, "ord_1"), "no invoice"},
		{"only a prefix", leg(BuyerCosts, "inv_"), "no invoice"},
		{"a subject in upper case", leg(BuyerCosts, "inv_A"), "no invoice"},
		{"a subject of two lines", leg(BuyerCosts, "inv_a\nb"), "no invoice"},
		{"a subject too long", leg(BuyerCosts, "inv_"+strings.Repeat("a", 125)), "no invoice"},
		{"an order", leg(BuyerCredit, "ord_1"), ""},
		{"an invoice for an order", leg(BuyerCredit, "inv_1"), "no order"},
		{"a bank line", leg(Unallocated, "bl_1"), ""},
		{"an IBAN", leg(Bank, iban), ""},
		{"the shortest IBAN", leg(Bank, "NO9386011117947"), ""},
		{"an IBAN too short", leg(Bank, "NO938601111794"), "no IBAN"},
		{"an IBAN too long", leg(Bank, "NL13"+strings.Repeat("A", 31)), "no IBAN"},
		{"an IBAN with spaces", leg(Bank, "NL13 TEST 0123 4567 89"), "no IBAN"},
		{"an IBAN without check digits", leg(Bank, "NLXXTEST0123456789"), "no IBAN"},
		{"an IBAN that starts with digits", leg(Bank, "13NLTEST0123456789"), "no IBAN"},
		{"the operator", func(e *Entry) {
			*e = Entry{Operator, "bl_1/received", "bank-received", "EUR", []Leg{{Bank, iban, 1}, {Unallocated, "bl_1", -1}}}
		}, ""},
		{"the operator on a merchant's account", func(e *Entry) { e.Merchant = Operator }, "merchant's account"},
		{"no merchant", func(e *Entry) { e.Merchant = "" }, "no merchant"},
		{"not a merchant", func(e *Entry) { e.Merchant = "ord_1" }, "no merchant"},
		{"no key", func(e *Entry) { e.Key = "" }, "unusable key"},
		{"a key of two lines", func(e *Entry) { e.Key = "a\nb" }, "unusable key"},
		{"a key with a space", func(e *Entry) { e.Key = "a b" }, "unusable key"},
		{"a key beyond ASCII", func(e *Entry) { e.Key = "inv_é" }, "unusable key"},
		{"a key with a DEL", func(e *Entry) { e.Key = "a\x7f" }, "unusable key"},
		{"the longest key", func(e *Entry) { e.Key = strings.Repeat("k", 128) }, ""},
		{"a key too long", func(e *Entry) { e.Key = strings.Repeat("k", 129) }, "unusable key"},
		{"no kind", func(e *Entry) { e.Kind = "" }, "unusable kind"},
		{"no currency", func(e *Entry) { e.Currency = "" }, "no currency"},
		{"a currency in lower case", func(e *Entry) { e.Currency = "eur" }, "no currency"},
		{"a currency of four", func(e *Entry) { e.Currency = "EURO" }, "no currency"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := good()
			c.edit(&e)
			err := e.check()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%+v: %v, want %q", e, err, c.want)
			}
		})
	}
}

// TestBalanced proves by any legs that what passes sums to zero, exactly.
func TestBalanced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.SliceOfN(rapid.Int64(), 1, 6).Draw(t, "cents")
		var rest int64
		e := good()
		e.Legs = nil
		for _, c := range cents {
			e.Legs = append(e.Legs, Leg{PSP, "", c})
			rest -= c // may wrap, as the sum then does
		}
		e.Legs = append(e.Legs, Leg{TaxVAT, "", rest + rapid.SampledFrom([]int64{0, 0, 0, 1}).Draw(t, "off")})
		hi, lo := int64(0), uint64(0) // the sum in 128 bits
		for _, l := range e.Legs {
			before := lo
			lo += uint64(l.Cents)
			hi += l.Cents >> 63
			if lo < before {
				hi++
			}
		}
		if e.check() == nil && (hi != 0 || lo != 0) {
			t.Fatalf("passed with a sum of %d:%d", hi, lo)
		}
	})
}

// TestLeaf holds the example of docs/log-format.md.
func TestLeaf(t *testing.T) {
	const want = `achteraf/entry/1
w1k8fz0abcde0fghjkmnpq 17 2
mer_1k8fz0abcde0fghjkmnp
inv_1k8fz0abcdf0fghjkmnp/issued
invoice-issued
2026-11-25T10:00:00.000000Z
2026-11-22T09:30:00.123456Z
EUR
buyer/principal 12100 inv_1k8fz0abcdf0fghjkmnp
merchant/pending -12100 
`
	p := posted{
		Entry: Entry{"mer_1k8fz0abcde0fghjkmnp", "inv_1k8fz0abcdf0fghjkmnp/issued", "invoice-issued", "EUR",
			[]Leg{{BuyerPrincipal, "inv_1k8fz0abcdf0fghjkmnp", 12100}, {MerchantPending, "", -12100}}},
		writer: "w1k8fz0abcde0fghjkmnpq", seq: 17, n: 2,
		at:        calendar.At(time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)),
		committed: calendar.At(time.Date(2026, 11, 22, 9, 30, 0, 123456789, time.UTC)),
	}
	if got := string(p.appendLeaf(nil)); got != want {
		t.Errorf("leaf:\n%s\nwant:\n%s", got, want)
	}
	h, _ := p.hash(nil)
	if h != tlog.RecordHash([]byte(want)) {
		t.Errorf("hash %s", h)
	}
	format, err := os.ReadFile("../docs/log-format.md")
	if err != nil || !strings.Contains(string(format), want) || !strings.Contains(string(format), h.String()) {
		t.Errorf("docs/log-format.md does not show this leaf with hash %s (%v)", h, err)
	}
}
