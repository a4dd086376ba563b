package page

import (
	"bytes"
	"strings"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/words"
	"achteraf/money"

	"github.com/a-h/templ"
)

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func has(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in %s", w, text)
		}
	}
}

var today = calendar.NewDate(2026, 11, 26) // a Thursday

func due(month, day int, cents int64) Due {
	return Due{calendar.NewDate(2026, 11, 1).AddMonths(month - 11).AddDays(day - 1), money.EUR(cents)}
}

// TestRuler: it begins on a Monday, has room for its labels, and names at most three days.
func TestRuler(t *testing.T) {
	costs := calendar.NewDate(2026, 12, 25)
	for _, c := range []struct {
		name     string
		c        Calendar
		days, at int
		dues     []int
		more     int
		free     bool
	}{
		{"two due days", Calendar{today, []Due{due(12, 4, 89_90), due(11, 30, 39_95)}, costs}, 21, 4, []int{8, 12}, 0, true},
		{"one near", Calendar{today, []Due{due(11, 30, 39_95)}, costs}, 14, 4, []int{8}, 0, true},
		{"today is Monday and due", Calendar{calendar.NewDate(2026, 11, 23), []Due{due(11, 23, 1)}, calendar.Date{}}, 14, 8, []int{8}, 0, false},
		{"nothing due", Calendar{today, nil, calendar.Date{}}, 14, 4, nil, 0, false},
		{"what is past has no place", Calendar{today, []Due{due(11, 20, 1)}, costs}, 14, 4, nil, 0, true},
		{"the same day twice", Calendar{today, []Due{due(11, 30, 1), due(11, 30, 2)}, costs}, 14, 4, []int{8}, 0, true},
		{"too close", Calendar{today, []Due{due(11, 30, 1), due(12, 1, 2)}, costs}, 14, 4, []int{8}, 1, true},
		{"far away", Calendar{today, []Due{due(11, 30, 1), due(12, 31, 2)}, costs}, 14, 4, []int{8}, 1, true},
		{"four that have room", Calendar{calendar.NewDate(2026, 11, 23), []Due{due(11, 25, 1), due(12, 2, 2), due(12, 9, 3), due(12, 16, 4)}, calendar.Date{}}, 21, 1, []int{3, 10, 17}, 1, false},
		{"late in the ruler", Calendar{today, []Due{due(12, 18, 1)}, costs}, 28, 4, []int{26}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.c.lay()
			if r.days != c.days || r.today != c.at || r.more != c.more || r.free != c.free || len(r.at) != len(c.dues) {
				t.Fatalf("%+v", r)
			}
			for i, at := range c.dues {
				if r.at[i] != at {
					t.Errorf("%+v", r)
				}
			}
		})
	}
	text := render(t, Ruler(words.NL, Calendar{today, []Due{due(12, 4, 89_90), due(11, 30, 39_95)}, costs}))
	has(t, text, `class="ruler days-21"`, `class="today d-4"`, `class="due d-8"><span>30`+"\u00a0nov <b>€\u00a039,95</b>", "tot 25\u00a0dec geen kosten",
		"Betaaldagen: €\u00a039,95 30\u00a0november, €\u00a089,90 4\u00a0december.")
}

func TestTimeline(t *testing.T) {
	steps := []Step{}
	for i := range 8 {
		steps = append(steps, Step{On: today.AddDays(i - 9), Title: "Fact"})
	}
	steps = append(steps, Step{Kind: Today, On: today, Owed: money.EUR(89_90)},
		Step{Kind: Ending, On: calendar.NewDate(2026, 12, 4), Title: "Done", Owed: money.EUR(89_90)},
		Step{Kind: Fork, Title: "Later"},
		Step{Kind: Next, On: calendar.NewDate(2026, 12, 7), Title: "Reminder", Text: "*Free* <b>", Owed: money.EUR(89_90)},
		Step{Kind: Next, On: calendar.NewDate(2026, 12, 29), Title: "Costs", Owed: money.EUR(129_90), Cost: money.EUR(40_00)})
	text := render(t, Timeline(words.NL, today, steps))
	has(t, text, "2 eerdere stappen", "Vandaag, do 26\u00a0nov", "t/m vr 4\u00a0december", "gratis", "+\u00a0€\u00a040,00", "#s-cost", "#s-next", `<time datetime="2026-12-29">`,
		"<strong>Free</strong> &lt;b&gt;", `amount amount--none">€`+"\u00a00,00")
	if strings.Count(text, "tl--today") != 1 || strings.Count(text, "tl--next") != 3 {
		t.Errorf("%s", text)
	}
	if short := render(t, ShortTimeline(words.NL, today, steps)); strings.Contains(short, "€") {
		t.Error("a short time line has money")
	}
}

func TestSlip(t *testing.T) {
	text := render(t, Slip(words.EN, Answer{Status: OnHold, Label: "On hold", Sum: money.EUR(-12_50), Until: "by *Friday*",
		Actions: []Action{{Text: "Pay", Href: "/pay?a=1&b=2", Kind: Mark}, {Text: "Send", Name: "do", Value: "send"}, {Text: "Not", Href: "/x", Off: true}}}))
	has(t, text, `aria-labelledby="now"`, "#s-hold", `<span class="cur">−€</span>12.50`, "by <strong>Friday</strong>", `href="/pay?a=1&amp;b=2"`, `btn btn--mark`,
		`name="do"`, "disabled")
	if strings.Contains(text, `href="/x"`) {
		t.Error("what cannot be done is a link")
	}
	has(t, render(t, Sum(words.FR, money.EUR(89_90))), "89,90", "\u00a0€</span>")
	has(t, render(t, Button(Action{Text: "x", Href: "javascript:alert(1)"})), "about:invalid")
}

func TestField(t *testing.T) {
	f := Field{Name: "number", Label: "House number", Help: "As on the door", Error: "Add it", Value: `"12" <b>`, Autocomplete: "address-line2", Max: 10, Optional: true}
	text := render(t, Input(words.DE, f))
	has(t, text, `<label for="number">`, "(freiwillig)", `id="number-help"`, `id="number-error"`, `aria-describedby="number-help number-error"`, `aria-invalid="true"`,
		`value="&#34;12&#34; &lt;b&gt;"`, `maxlength="10"`, `autocomplete="address-line2"`)
	calm := render(t, Input(words.DE, Field{Name: "a", Label: "A"}))
	for _, no := range []string{"aria-invalid", "aria-describedby", "error", "help"} {
		if strings.Contains(calm, no) {
			t.Errorf("a field without anything has %s: %s", no, calm)
		}
	}
	has(t, render(t, Errors(words.NL, Mends(f, Field{Name: "b"}), true)), "Eén ding", `href="#number"`, "House number: Add it", "autofocus")
	if render(t, Errors(words.NL, nil, true)) != "" {
		t.Error("no errors are shown")
	}
	has(t, render(t, Input(words.NL, Field{Name: "t", Type: "textarea", Value: "</textarea>"})), "&lt;/textarea&gt;</textarea>")
	has(t, render(t, Input(words.NL, Field{Name: "s", Type: "select", Value: "BE", Options: []Option{{Value: "NL"}, {Value: "BE"}}})), `value="BE" selected`)
	has(t, render(t, Steps(words.EN, 2, "a", "b", "c")), `aria-label="Step 2 of 3"`, `class="done"`, `aria-current="step"`)
}

func TestQR(t *testing.T) {
	got := outline([][]bool{{true, true, false, true}, {false, false, false, false}, {false, true, true, true}})
	if got != "M0 0h2v1h-2zM3 0h1v1h-1zM1 2h3v1h-3z" {
		t.Error(got)
	}
	has(t, render(t, QR(make([][]bool, 29), "A code <1>")), `viewBox="-4 -4 37 37"`, "A code &lt;1&gt;")
}

func TestStressed(t *testing.T) {
	for in, want := range map[string]string{
		"a *b* c": "a <strong>b</strong> c", "*b*": "<strong>b</strong>", "a * b": "a * b", "<i>*&*": "&lt;i&gt;<strong>&amp;</strong>", "": "", "*a* *b": "<strong>a</strong> *b",
	} {
		if got := render(t, Stressed(in)); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
