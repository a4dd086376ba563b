package page

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// colour is a colour as style sheets write it: "#0b4a50".
type colour string

// pair is a colour in light and in dark.
type pair struct{ light, dark colour }

// palette is colours by the names of their tokens, without the dashes in front.
type palette map[string]pair

var (
	tokenLine  = regexp.MustCompile(`--([a-z0-9-]+):\s*(light-dark\([^)]*\));`)
	colourPair = regexp.MustCompile(`^light-dark\(\s*(#[0-9a-fA-F]{3,6})\s*,\s*(#[0-9a-fA-F]{3,6})\s*\)$`)
	oneColour  = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)
)

// readPalette reads the colours of the token sheet.
func readPalette(sheet string) (palette, error) {
	p := palette{}
	for _, m := range tokenLine.FindAllStringSubmatch(sheet, -1) {
		c, err := readPair(m[2])
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", m[1], err)
		}
		p[m[1]] = c
	}
	return p, nil
}

// readPair reads "light-dark(#fff, #06282b)", or one colour for both.
func readPair(value string) (pair, error) {
	p := pair{colour(value), colour(value)}
	if m := colourPair.FindStringSubmatch(value); m != nil {
		p = pair{colour(m[1]), colour(m[2])}
	}
	if !oneColour.MatchString(string(p.light)) || !oneColour.MatchString(string(p.dark)) {
		return pair{}, errors.New("a colour is light-dark(#RRGGBB, #RRGGBB) or #RRGGBB")
	}
	return p, nil
}

// with is the palette with an operator's own colours in the place of ours.
func (p palette) with(own ownValues) palette {
	all := palette{}
	for name, c := range p {
		all[name] = c
	}
	for name, c := range own.colours {
		all[name] = c
	}
	return all
}

// rgb is the colour in linear light, each part from 0 to 1.
func (c colour) rgb() [3]float64 {
	hex := strings.TrimPrefix(string(c), "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	var parts [3]float64
	for i := range parts {
		n, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8) // readPair has seen it
		v := float64(n) / 255
		if v <= 0.04045 {
			parts[i] = v / 12.92
		} else {
			parts[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return parts
}

// contrast is the ratio of two colours, from 1 to 21. Source: WCAG 2.2, "contrast ratio" and "relative luminance".
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c colour) luminance() float64 {
	p := c.rgb()
	return 0.2126*p[0] + 0.7152*p[1] + 0.0722*p[2]
}

// lab is the colour in OKLab, where distances are those that people see. Source: B. Ottosson, "A perceptual color space
// for image processing", 2020.
func (c colour) lab() (lightness, a, b float64) {
	p := c.rgb()
	l := math.Cbrt(0.4122214708*p[0] + 0.5363325363*p[1] + 0.0514459929*p[2])
	m := math.Cbrt(0.2119034982*p[0] + 0.6806995451*p[1] + 0.1073969566*p[2])
	s := math.Cbrt(0.0883024619*p[0] + 0.2817188376*p[1] + 0.6299787005*p[2])
	return 0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s
}

// apart is how far two colours are from each other.
func apart(x, y colour) float64 {
	l1, a1, b1 := x.lab()
	l2, a2, b2 := y.lab()
	return math.Sqrt((l1-l2)*(l1-l2) + (a1-a2)*(a1-a2) + (b1-b2)*(b1-b2))
}

// hue is the angle of a colour, in degrees, and how much of it there is.
func (c colour) hue() (degrees, chroma float64) {
	_, a, b := c.lab()
	return math.Atan2(b, a) * 180 / math.Pi, math.Hypot(a, b)
}

// The least contrast of what is read, and of what is only seen. Source: WCAG 2.2, 1.4.3 and 1.4.11.
const (
	legible = 4.5
	visible = 3.0
)

// stands is a colour on a ground, and the least contrast that it needs there.
type stands struct {
	what, ground string
	least        float64
}

var statuses = strings.Fields("paid soon late hold")

// pairs are all that is read or has to be seen.
func pairs() []stands {
	var all []stands
	on := func(least float64, grounds, what string) {
		for _, g := range strings.Fields(grounds) {
			for _, w := range strings.Fields(what) {
				all = append(all, stands{w, g, least})
			}
		}
	}
	on(legible, "paper sheet well", "ink ink-2 ink-3 brand paid soon late hold")
	on(legible, "brand-tint paid-tint soon-tint late-tint hold-tint", "ink ink-2")
	on(legible, "brand-tint", "brand")
	for _, s := range statuses {
		on(legible, s+"-tint", s)
	}
	on(legible, "brand brand-hover", "on-brand")
	on(legible, "slip", "on-slip on-slip-2")
	on(legible, "mark", "on-mark")
	on(visible, "paper sheet well", "edge focus")
	on(visible, "slip", "mark")
	return all
}

// How different the colours of a brand must be from those of a status: the mark in distance, the brand in hue,
// unless it has next to none.
const (
	leastApart   = 0.03
	leastDegrees = 25
	neutral      = 0.03
)

// check holds the palette to the pairs, and the brand to its distance from what means something.
func (p palette) check() error {
	var wrong []error
	for _, mode := range []string{"light", "dark"} {
		get := func(name string) colour {
			if mode == "light" {
				return p[name].light
			}
			return p[name].dark
		}
		for _, s := range pairs() {
			if ratio := contrast(get(s.what), get(s.ground)); ratio < s.least {
				wrong = append(wrong, fmt.Errorf("brand styles: --%s on --%s is %.2f:1 in %s, %.1f:1 is needed", s.what, s.ground, ratio, mode, s.least))
			}
		}
		for _, s := range statuses {
			if d := apart(get("mark"), get(s)); d < leastApart {
				wrong = append(wrong, fmt.Errorf("brand styles: in %s --mark can be taken for --%s", mode, s))
			}
			if closeHues(get("brand"), get(s)) {
				wrong = append(wrong, fmt.Errorf("brand styles: in %s --brand has the hue of --%s", mode, s))
			}
		}
	}
	return errors.Join(wrong...)
}

func closeHues(brand, status colour) bool {
	h1, c := brand.hue()
	h2, _ := status.hue()
	turn := math.Abs(h1 - h2)
	return c >= neutral && min(turn, 360-turn) < leastDegrees
}
