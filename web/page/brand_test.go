package page

import (
	"fmt"
	"strings"
	"testing"
)

// TestContrast: the pairs of colours that are read or have to be seen pass in light and in dark. look.md names the
// tightest two of its pairs: small ink on well 4.95:1, the edge of a control on well 3.30:1.
func TestContrast(t *testing.T) {
	p := furniture().tokens
	if len(pairs()) < 47 {
		t.Fatalf("%d pairs", len(pairs()))
	}
	if err := p.check(); err != nil {
		t.Error(err)
	}
	tightest := map[float64]stands{}
	least := map[float64]float64{legible: 99, visible: 99}
	for _, s := range pairs() {
		if p[s.what].light == "" || p[s.ground].dark == "" {
			t.Fatalf("there is no colour %s or %s", s.what, s.ground)
		}
		ratio := min(contrast(p[s.what].light, p[s.ground].light), contrast(p[s.what].dark, p[s.ground].dark))
		if ratio < least[s.least] {
			least[s.least], tightest[s.least] = ratio, s
		}
	}
	if got := fmt.Sprintf("%.2f %.2f", least[legible], least[visible]); got != "4.95 3.30" {
		t.Errorf("the tightest are %s: %+v", got, tightest)
	}
	for _, c := range []struct {
		a, b colour
		want string
	}{{"#000000", "#ffffff", "21.00"}, {"#767676", "#fff", "4.54"}, {"#777777", "#ffffff", "4.48"}, {"#949494", "#ffffff", "3.03"}} {
		if got := fmt.Sprintf("%.2f", contrast(c.a, c.b)); got != c.want {
			t.Errorf("%s on %s is %s, want %s", c.a, c.b, got, c.want)
		}
	}
}

const ownSheet = `/* An operator's own look: only values. */
@layer operator {
  :root {
    --brand: light-dark(#26211e, #efe9e4);
    --brand-hover: light-dark(#000000, #ffffff);
    --on-brand: light-dark(#ffffff, #1b1715);
    --brand-tint: light-dark(#ece7e3, #332d29);
    --slip: light-dark(#2b2522, #2a2421);
    --on-slip: light-dark(#ffffff, #f7f2ef);
    --on-slip-2: light-dark(#d6cbc5, #c9bdb6);
    --mark: light-dark(#84dcc6, #74ceb7);
    --on-mark: light-dark(#05231b, #05231b);
    --chart-2: light-dark(#8a7f78, #8a7f78);
    --r-2: 1.5rem;
  }
}`

const ownMark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40"><title>Huis</title><path d="M0 0h9" fill="url(#g)"/></svg>`

func TestOwnBrand(t *testing.T) {
	l := newLook(t, Brand{Name: "Huis", Styles: []byte(ownSheet), Wordmark: []byte(ownMark)})
	body := ask(hello(l, ""), "GET", "/my").Body.String()
	for _, want := range []string{"· Huis</title>", `aria-label="Huis"`, l.styles.path, `<img src="` + l.wordmark.path} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.LastIndex(body, "stylesheet") < strings.Index(body, l.styles.path)-200 || strings.Index(body, l.styles.path) < strings.Index(body, furniture().styles.path) {
		t.Error("the operator's sheet is not the last")
	}
	sheet := ask(l.Assets(), "GET", l.styles.path).Body.String()
	if !strings.Contains(sheet, "--r-2: 1.5rem;") || !strings.Contains(sheet, "--mark: light-dark(#84dcc6, #74ceb7);") || strings.Contains(sheet, "/*") || !strings.Contains(sheet, "print { :root { --slip: #fff;") {
		t.Errorf("the sheet is %s", sheet)
	}
	named := ask(hello(newLook(t, Brand{}), ""), "GET", "/my").Body.String()
	if !strings.Contains(named, `<b class="logo__name">Betaalhuis</b>`) {
		t.Error("without a brand the operator's name is not there")
	}
	if ours := ask(hello(newLook(t, Brand{Name: "Achteraf"}), ""), "GET", "/my").Body.String(); !strings.Contains(ours, `class="word"`) {
		t.Error("our name has no wordmark")
	}
}

func TestBadBrands(t *testing.T) {
	change := func(was, is string) Brand { return Brand{Styles: []byte(strings.Replace(ownSheet, was, is, 1))} }
	for _, c := range []struct {
		name  string
		brand Brand
		want  string
	}{
		{"cannot be read", change("--on-brand: light-dark(#ffffff", "--on-brand: light-dark(#555555"), "--on-brand on --brand is"},
		{"cannot be read in dark", change("#1b1715", "#aaaaaa"), "in dark"},
		{"a mark that is not seen", change("#84dcc6", "#3b3532"), "--mark on --slip"},
		{"a mark like a status", change("#74ceb7", "#83d3a0"), "--mark can be taken for --paid"},
		{"a brand like a status", change("#26211e", "#8a1f14"), "--brand has the hue of --late"},
		{"another selector", change(":root", "body"), "nothing else"},
		{"a rule more", change("--r-2: 1.5rem;", "} .slip { display: none;"), "is not a value"},
		{"loads something", change("--r-2: 1.5rem", "--r-2: url(https://evil.example/x)"), "a size is"},
		{"a status", change("--r-2: 1.5rem", "--late: #123456"), "is not a value"},
		{"no colour", change("#26211e", "red"), "a colour is"},
		{"an import", Brand{Styles: []byte("@import 'x';" + ownSheet)}, "nothing else"},
		{"a script", Brand{Wordmark: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)}, "<script>"},
		{"an act", Brand{Wordmark: []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`)}, "onload"},
		{"a link", Brand{Wordmark: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><use href="https://evil.example/#a"/></svg>`)}, "href"},
		{"a style that loads", Brand{Wordmark: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><style>a{b:url(x)}</style></svg>`)}, "loads"},
		{"an entity", Brand{Wordmark: []byte(`<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>`)}, "document type"},
		{"no drawing", Brand{Wordmark: []byte(`<html/>`)}, "not an SVG"},
		{"no end", Brand{Wordmark: []byte(`<svg`)}, "not an SVG"},
		{"too large", Brand{Wordmark: []byte(strings.Repeat(" ", mostDrawing+1))}, "larger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(Config{Operator: operator, Brand: c.brand}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
