package risk

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"achteraf/calendar"

	"pgregory.net/rapid"
)

func standard(t testing.TB) *Policy {
	t.Helper()
	all, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	p, err := all.InForce(calendar.NewDate(2026, 11, 22))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// good is an attempt that nothing speaks against.
func good() Facts {
	return Facts{Country: "NL", Buyer: "consumer", Model: "collected", AmountCents: 50_00, LimitCents: 750_00, Age: 36}
}

// TestEveryRule makes each rule of the default policy hold alone. A rule without a row here fails the test,
// so that no condition is in force untested.
func TestEveryRule(t *testing.T) {
	cases := map[string]struct {
		edit  func(*Facts)
		class string
	}{
		"country-not-served":  {func(f *Facts) { f.Country, f.LimitCents, f.AmountCents = "ES", 0, 0 }, NotAccepted},
		"under-age":           {func(f *Facts) { f.Age = 17 }, NotAccepted},
		"address-blocked":     {func(f *Facts) { f.BlockedAddress = true }, NotAccepted},
		"person-blocked":      {func(f *Facts) { f.BlockedPerson = true }, NotAccepted},
		"ip-blocked":          {func(f *Facts) { f.BlockedIP = true }, NotAccepted},
		"invoice-overdue":     {func(f *Facts) { f.Overdue = 1 }, NotAccepted},
		"limit-exceeded":      {func(f *Facts) { f.OpenCents = 700_01 }, NotAccepted},
		"many-attempts-today": {func(f *Facts) { f.AttemptsToday = 20 }, Review},
		"age-not-verified":    {func(f *Facts) { f.Model = "guaranteed" }, Identify},
	}
	p := standard(t)
	for _, r := range p.rules {
		c, ok := cases[r.ID]
		if !ok {
			t.Errorf("rule %s has no test", r.ID)
			continue
		}
		f := good()
		if d := p.Decide(&f); d.Class != Accepted || len(d.Hits) > 0 {
			t.Fatalf("the good case: %+v", d)
		}
		c.edit(&f)
		if d := p.Decide(&f); d.Class != c.class || !slices.Equal(d.Hits, []string{r.ID}) {
			t.Errorf("%s: %+v, want %s by this rule alone", r.ID, d, c.class)
		}
	}
}

// At the edges nothing holds yet.
func TestEdges(t *testing.T) {
	p := standard(t)
	for name, edit := range map[string]func(*Facts){
		"eighteen today":                  func(f *Facts) { f.Age = 18 },
		"up to the limit":                 func(f *Facts) { f.OpenCents = 700_00 },
		"nineteen attempts":               func(f *Facts) { f.AttemptsToday = 19 },
		"a company has no age":            func(f *Facts) { f.Buyer, f.Age = "company", -1 },
		"guaranteed, with a verified age": func(f *Facts) { f.Model, f.AgeVerified = "guaranteed", true },
		"guaranteed in Belgium":           func(f *Facts) { f.Model, f.Country = "guaranteed", "BE" },
		"guaranteed for a company":        func(f *Facts) { f.Model, f.Buyer, f.Age = "guaranteed", "company", -1 },
	} {
		f := good()
		edit(&f)
		if d := p.Decide(&f); d.Class != Accepted {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// The strictest outcome stands, whatever else holds.
func TestStrictestStands(t *testing.T) {
	p := standard(t)
	f := good()
	f.Model, f.AttemptsToday = "guaranteed", 50
	if d := p.Decide(&f); d.Class != Review || len(d.Hits) != 2 {
		t.Errorf("review over identification: %+v", d)
	}
	f.Age = 15
	if d := p.Decide(&f); d.Class != NotAccepted || len(d.Hits) != 3 {
		t.Errorf("refusal over all: %+v", d)
	}
}

// More open, more overdue, more blocked never turns a refusal into an acceptance.
func TestDecideIsMonotonic(t *testing.T) {
	p := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		f := good()
		f.OpenCents, f.Overdue = rapid.Int64Range(0, 1_000_00).Draw(t, "open"), rapid.Int64Range(0, 2).Draw(t, "overdue")
		f.BlockedIP = rapid.Bool().Draw(t, "ip")
		before := p.Decide(&f)
		f.OpenCents += rapid.Int64Range(0, 1_000_00).Draw(t, "more")
		f.BlockedAddress = rapid.Bool().Draw(t, "address")
		if after := p.Decide(&f); before.Class != Accepted && after.Class == Accepted {
			t.Fatalf("%+v, then %+v", before, after)
		}
	})
}

func TestPoliciesByDate(t *testing.T) {
	files := fstest.MapFS{
		"a.toml": {Data: []byte("version = \"old\"\nvalid_from = 2026-01-01\n")},
		"b.toml": {Data: []byte("version = \"new\"\nvalid_from = 2026-07-01\n")},
	}
	all, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[calendar.Date]string{calendar.NewDate(2026, 6, 30): "old", calendar.NewDate(2026, 7, 1): "new"} {
		if p, err := all.InForce(day); err != nil || p.Version != want {
			t.Errorf("on %s: %+v, %v", day, p, err)
		}
	}
	if _, err := all.InForce(calendar.NewDate(2025, 12, 31)); err == nil {
		t.Error("a policy before the first")
	}
}

func TestBadPoliciesDoNotLoad(t *testing.T) {
	head := "version = \"x\"\nvalid_from = 2026-01-01\n"
	rule := head + "[[rule]]\nid = \"r\"\nreason = \"r\"\noutcome = \"declined\"\nwhen = { fact = \"age\", under = 18 }\n"
	if _, err := parse(rule); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for name, text := range map[string]string{
		"no version":      "valid_from = 2026-01-01\n",
		"no date":         "version = \"x\"\n",
		"unknown fact":    strings.Replace(rule, "\"age\"", "\"shoe_size\"", 1),
		"unknown outcome": strings.Replace(rule, "declined", "shot", 1),
		"unknown key":     head + "colour = \"red\"\n",
		"no comparison":   strings.Replace(rule, ", under = 18", "", 1),
		"two comparisons": strings.Replace(rule, "under = 18", "under = 18, over = 1", 1),
		"no reason":       strings.Replace(rule, "reason = \"r\"\n", "", 1),
		"not TOML at all": "{",
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p := standard(b)
	f := good()
	for b.Loop() {
		p.Decide(&f)
	}
}
