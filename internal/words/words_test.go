package words

import (
	"strings"
	"testing"
	"testing/fstest"

	"achteraf/calendar"
	"achteraf/money"
)

// TestAmounts: the forms of CLDR 48, with U+2212 for the minus.
func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		cents          int64
		nl, fr, en, de string
	}{
		{1234_50, "€\u00a01.234,50", "1\u202f234,50\u00a0€", "€1,234.50", "1.234,50\u00a0€"},
		{-49_95, "€\u00a0−49,95", "−49,95\u00a0€", "−€49.95", "−49,95\u00a0€"},
		{0, "€\u00a00,00", "0,00\u00a0€", "€0.00", "0,00\u00a0€"},
		{5, "€\u00a00,05", "0,05\u00a0€", "€0.05", "0,05\u00a0€"},
		{1_000_000_00, "€\u00a01.000.000,00", "1\u202f000\u202f000,00\u00a0€", "€1,000,000.00", "1.000.000,00\u00a0€"},
		{-1 << 63, "€\u00a0−92.233.720.368.547.758,08", "−92\u202f233\u202f720\u202f368\u202f547\u202f758,08\u00a0€", "−€92,233,720,368,547,758.08", "−92.233.720.368.547.758,08\u00a0€"},
	} {
		for l, want := range map[Lang]string{NL: c.nl, FR: c.fr, EN: c.en, DE: c.de} {
			got := l.Amount(money.EUR(c.cents))
			if got != want {
				t.Errorf("%s: %d is %q, want %q", l, c.cents, got, want)
			}
			if strings.ContainsAny(got, " -\t") {
				t.Errorf("%s: %q can break, or has a hyphen", l, got)
			}
		}
	}
	for _, c := range []struct {
		l                Lang
		decimal, percent string
	}{{NL, "−0,75", "10,4%"}, {FR, "−0,75", "10,4\u00a0%"}, {EN, "−0.75", "10.4%"}, {DE, "−0,75", "10,4\u00a0%"}} {
		if got := c.l.Decimal("-0.75"); got != c.decimal {
			t.Errorf("%s: a decimal is %q", c.l, got)
		}
		if got := c.l.Percent("10.4"); got != c.percent {
			t.Errorf("%s: a percentage is %q", c.l, got)
		}
	}
	if got := NL.Euros(-1234_50); got != NL.Amount(money.EUR(-1234_50)) {
		t.Errorf("euros are %q", got)
	}
	if got := DE.Number(1204); got != "1.204" {
		t.Errorf("a count is %q", got)
	}
}

func TestDates(t *testing.T) {
	today := calendar.NewDate(2026, 11, 26)
	for _, c := range []struct {
		l                                        Lang
		day, next, weekday, short, shortest, new string
	}{
		{NL, "4\u00a0december", "1\u00a0januari 2027", "vrijdag 4\u00a0december", "4\u00a0dec", "vr 4\u00a0dec", "vr 1\u00a0januari 2027"},
		{FR, "4\u00a0décembre", "1er\u00a0janvier 2027", "vendredi 4\u00a0décembre", "4\u00a0déc.", "ven. 4\u00a0déc.", "ven. 1er\u00a0janvier 2027"},
		{EN, "4\u00a0December", "1\u00a0January 2027", "Friday 4\u00a0December", "4\u00a0Dec", "Fri 4\u00a0Dec", "Fri 1\u00a0January 2027"},
		{DE, "4.\u00a0Dezember", "1.\u00a0Januar 2027", "Freitag, 4.\u00a0Dezember", "4.\u00a0Dez.", "Fr., 4.\u00a0Dez.", "Fr., 1.\u00a0Januar 2027"},
	} {
		due, next := calendar.NewDate(2026, 12, 4), calendar.NewDate(2027, 1, 1)
		got := []string{c.l.Day(due, today), c.l.Day(next, today), c.l.Weekday(due, today), c.l.ShortDay(due), c.l.ShortestWeekday(due), c.l.ShortWeekday(next, today)}
		for i, want := range []string{c.day, c.next, c.weekday, c.short, c.shortest, c.new} {
			if got[i] != want {
				t.Errorf("%s: %q, want %q", c.l, got[i], want)
			}
		}
		if full := c.l.FullDay(due); full != c.day+" 2026" {
			t.Errorf("%s: in full %q", c.l, full)
		}
		if c.l.Day(calendar.Date{}, today)+c.l.Weekday(calendar.Date{}, today) != "" {
			t.Errorf("%s: no date is something", c.l)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		asked, own, accepted string
		want                 Lang
	}{
		{"de", "fr", "nl", DE},
		{"tlh", "fr", "nl", FR},
		{"", "", "nl-BE,fr;q=0.5", NL},
		{"", "", "fr-CH, fr;q=0.9, en;q=0.8", FR},
		{"", "", "sv, de;q=0.4", DE},
		{"", "", "ja", EN},
		{"", "", "", EN},
		{"", "", "\x00;;;q=x", EN},
		{"", "", strings.Repeat("zz,", 100_000), EN},
		{"NL-be", "", "", NL},
	} {
		if got := Choose(c.asked, c.own, c.accepted); got != c.want {
			t.Errorf("%.20q, %q, %.20q: %s, want %s", c.asked, c.own, c.accepted, got, c.want)
		}
	}
}

type texts struct {
	Title    string
	DaysLeft Text
	Until    Text
}

const whole = `title = "Bills"
until = "by *{{.day}}* at {{.shop}}"
[days-left]
one = "one day"
other = "{{.Count}} days"
`

// shelf is four catalogues, one of them another.
func shelf(odd Lang, text string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, l := range Langs() {
		files["words/"+string(l)+".toml"] = &fstest.MapFile{Data: []byte(whole)}
	}
	if odd != "" {
		files["words/"+string(odd)+".toml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestTexts(t *testing.T) {
	all, err := Load[texts](shelf("fr", strings.NewReplacer("[days-left]", "[days-left]", "Bills", "Factures", "one day", "{{.Count}} jour", "days", "jours").Replace(whole)), "words")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{all.In(EN).Title, "Bills"},
		{all.In(FR).Title, "Factures"},
		{all.In("tlh").Title, "Bills"},
		{all.In(EN).Until.With("day", "4 December", "shop", "A*B <i>"), "by *4 December* at A∗B <i>"},
		{all.In(EN).DaysLeft.Count(1), "one day"},
		{all.In(EN).DaysLeft.Count(0), "0 days"},
		{all.In(FR).DaysLeft.Count(0), "0 jour"}, // French counts nothing in the singular
		{all.In(FR).DaysLeft.Count(2), "2 jours"},
		{all.In(FR).DaysLeft.Count(1_000_000), "1000000 jours"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for name, call := range map[string]func(){
		"a mark is missing": func() { all.In(EN).Until.With("day", "x") },
		"a mark too many":   func() { all.In(EN).Until.With("day", "x", "shop", "y", "more", "z") },
		"not counted":       func() { all.In(EN).DaysLeft.With() },
		"counted":           func() { all.In(EN).Until.Count(1, "day", "x", "shop", "y") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

// TestCataloguesAreComplete_S_NAV_14: what is not whole in all languages does not load.
func TestCataloguesAreComplete_S_NAV_14(t *testing.T) {
	for _, c := range []struct{ name, was, is, want string }{
		{"a text is missing", `title = "Bills"`, "", `fr: "title" is missing`},
		{"a text is empty", `"Bills"`, `""`, `fr: "title" is missing`},
		{"a text has no field", `title =`, "more = \"x\"\ntitle =", `fr: "more" has no field`},
		{"a mark is missing", ` at {{.shop}}`, "", `fr: "until" has other marks`},
		{"a mark has another name", `{{.shop}}`, "{{.winkel}}", `fr: "until" has other marks`},
		{"a plural form is missing", `one = "one day"`, "", `fr: "days-left" has other marks or plural`},
		{"a text has a mark where the code gives none", `"Bills"`, `"Bills {{.n}}"`, `fr: "title" has marks`},
		{"a mark is a program", `{{.day}}`, `{{if .day}}x{{end}}`, `marks are names only`},
		{"it is no TOML", `title =`, `title ==`, `fr.toml`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load[texts](shelf("fr", strings.Replace(whole, c.was, c.is, 1)), "words")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	files := shelf("", "")
	delete(files, "words/de.toml")
	if _, err := Load[texts](files, "words"); err == nil {
		t.Error("a language is missing, and it loads")
	}
}
