package orders

import (
	"slices"
	"strings"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/ident"

	"pgregory.net/rapid"
)

var now = calendar.FromMicros(1_795_000_000_000_000)

func line(quantity string, cents int64, vat string) Line {
	return Line{Kind: "goods", Description: "Shoes", Quantity: quantity, UnitPriceCents: cents, VATPercent: vat}
}

func TestTotals(t *testing.T) {
	cases := []struct {
		name   string
		prices string
		lines  []Line
		total  int64
	}{
		{"one line", InclVAT, []Line{line("1", 5040, "21")}, 5040},
		{"a decimal quantity is rounded half away from zero", InclVAT, []Line{line("0.5", 333, "21")}, 167},
		{"two rates, prices excluding VAT: rounded on each rate's sum", ExclVAT, []Line{line("3", 333, "21"), line("1", 1001, "9")}, 999 + 210 + 1001 + 90},
		{"cents that single lines would lose", ExclVAT, []Line{line("1", 2, "21"), line("1", 2, "21"), line("1", 2, "21")}, 6 + 1},
		{"no VAT", ExclVAT, []Line{line("1", 100, "0")}, 100},
		{"a discount", InclVAT, []Line{line("1", 1000, "21"), {Kind: "discount", Description: "Less", Quantity: "1", UnitPriceCents: -250, VATPercent: "21"}}, 750},
	}
	for _, c := range cases {
		o := New{Reference: "1", Currency: "EUR", Prices: c.prices, TotalCents: c.total, Lines: c.lines}
		if wrong := o.Check(now); len(wrong) > 0 {
			t.Errorf("%s: %v", c.name, wrong)
		}
		o.TotalCents++
		if wrong := o.Check(now); len(wrong) != 1 || wrong[0].Pointer != "#/total_cents" || wrong[0].Code != "total" {
			t.Errorf("%s, a cent off: %v", c.name, wrong)
		}
	}
}

// Whatever the lines, net + VAT is gross for each rate, and the rates together are the total.
func TestVATLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prices := rapid.SampledFrom([]string{InclVAT, ExclVAT}).Draw(t, "prices")
		var lines []Line
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			l := line("1", rapid.Int64Range(0, 1_000_000).Draw(t, "cents"), rapid.SampledFrom([]string{"0", "5.5", "6", "9", "12", "21"}).Draw(t, "rate"))
			l.TotalCents = l.UnitPriceCents
			lines = append(lines, l)
		}
		total, err := Total(prices, lines)
		if err != nil {
			t.Fatal(err)
		}
		var gross int64
		for _, v := range VATOf(prices, lines) {
			gross += v.GrossCents
			if v.NetCents+v.VATCents != v.GrossCents || v.VATCents < 0 {
				t.Fatalf("%+v", v)
			}
		}
		if gross != total {
			t.Fatalf("the rates make %d, the total is %d", gross, total)
		}
	})
}

func TestWrongFields(t *testing.T) {
	cases := []struct {
		pointer string
		edit    func(*New)
	}{
		{"#/reference", func(o *New) { o.Reference = "" }},
		{"#/reference", func(o *New) { o.Reference = strings.Repeat("x", 65) }},
		{"#/reference", func(o *New) { o.Reference = "a\x00b" }},
		{"#/currency", func(o *New) { o.Currency = "eur" }},
		{"#/prices", func(o *New) { o.Prices = "" }},
		{"#/total_cents", func(o *New) { o.TotalCents = 0 }},
		{"#/total_cents", func(o *New) { o.TotalCents = mostCents + 1 }},
		{"#/lines", func(o *New) { o.Lines = nil }},
		{"#/lines", func(o *New) { o.Lines = slices.Repeat(o.Lines, mostLines+1) }},
		{"#/lines/0/kind", func(o *New) { o.Lines[0].Kind = "gift" }},
		{"#/lines/0/description", func(o *New) { o.Lines[0].Description = "" }},
		{"#/lines/0/quantity", func(o *New) { o.Lines[0].Quantity = "-1" }},
		{"#/lines/0/quantity", func(o *New) { o.Lines[0].Quantity = "1e3" }},
		{"#/lines/0/unit_price_cents", func(o *New) { o.Lines[0].UnitPriceCents = -1 }},
		{"#/lines/0/unit_price_cents", func(o *New) { o.Lines[0].UnitPriceCents = 1 << 62 }},
		{"#/lines/0/unit_price_cents", func(o *New) { o.Lines[0].Kind = "discount" }},
		{"#/lines/0/vat_percent", func(o *New) { o.Lines[0].VATPercent = "101" }},
		{"#/lines/0/return_mark", func(o *New) { o.Lines[0].ReturnMark = "never" }},
		{"#/accepted_terms/at", func(o *New) { o.AcceptedAt = now.Add(6 * 60 * 1e9) }},
	}
	for _, c := range cases {
		o := New{Reference: "1", Currency: "EUR", Prices: InclVAT, TotalCents: 5040, Lines: []Line{line("1", 5040, "21")}}
		c.edit(&o)
		wrong := o.Check(now)
		if len(wrong) == 0 || wrong[0].Pointer != c.pointer {
			t.Errorf("%s: %v", c.pointer, wrong)
		}
	}
}

func TestReference(t *testing.T) {
	for _, n := range []int64{firstReference, 5_390_075_470, lastReference} {
		rf, err := Reference("NL", n)
		if err != nil || !ident.ValidRF(rf) {
			t.Errorf("NL %d: %s, %v", n, rf, err)
		}
		if got, ok := numberOf(rf); !ok || got != n {
			t.Errorf("%s has the number %d", rf, got)
		}
		ogm, err := Reference("BE", n)
		if err != nil || !ident.ValidOGM(ogm) {
			t.Errorf("BE %d: %s, %v", n, ogm, err)
		}
		if got, ok := numberOf(ogm); !ok || got != n {
			t.Errorf("%s has the number %d", ogm, got)
		}
	}
	for _, r := range []string{"", "RF", "RF451234567890X", "12345678901", "RF45123456789", "0000000012", "RF450000000001", "abcdefghij12"} {
		if n, ok := numberOf(r); ok {
			t.Errorf("%q has the number %d", r, n)
		}
	}
	if _, err := Reference("NL", firstReference-1); err == nil {
		t.Error("a reference of nine digits")
	}
}

func TestScope(t *testing.T) {
	cases := map[string][]ScopeFacts{
		"outside/not-a-consumer":             {{false, "NL", "guaranteed", true, true, 90}},
		"inside/claim-bought-by-third-party": {{true, "NL", "guaranteed", false, false, 16}, {true, "NL", "guaranteed", true, true, 90}},
		"inside/seller-is-a-platform":        {{true, "NL", "collected", false, true, 14}},
		"outside/free-deferral-by-seller":    {{true, "NL", "collected", false, false, 50}, {true, "BE", "own", true, false, 14}, {true, "BE", "collected", false, true, 50}},
		"inside/more-than-50-days":           {{true, "NL", "collected", false, false, 51}},
		"inside/more-than-14-days":           {{true, "NL", "collected", true, false, 15}, {true, "BE", "own", true, true, 19}},
	}
	for want, all := range cases {
		for _, f := range all {
			if got := Scope(f); got != scopeVersion+"/"+want {
				t.Errorf("%+v: %s", f, got)
			}
		}
	}
}

// One rate in several spellings is one rate: its VAT is rounded once.
func TestRateSpellings(t *testing.T) {
	o := New{Reference: "1", Currency: "EUR", Prices: ExclVAT, TotalCents: 5, Lines: []Line{line("1", 2, "21"), line("1", 2, "021.0")}}
	if wrong := o.Check(now); len(wrong) > 0 || o.Lines[1].VATPercent != "21" {
		t.Errorf("%v, stored as %q", wrong, o.Lines[1].VATPercent)
	}
}
