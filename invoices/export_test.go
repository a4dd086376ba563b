package invoices

import (
	"encoding/hex"
	"image"
	gray "image/color"
	"math"
	"strings"
	"testing"
)

func drawn(t testing.TB, p *Paper) *sheet {
	t.Helper()
	s, err := draftOf(&p.facts).draw()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Outline is the drawing of a file as lines of text.
func Outline(t testing.TB, p *Paper) string { return drawn(t, p).outline() }

// Sum is the hash of the drawing of a file, in hexadecimal.
func Sum(t testing.TB, p *Paper) string {
	sum := drawn(t, p).sum(draftOf(&p.facts).about())
	return hex.EncodeToString(sum[:])
}

// Spoken is the text of a file in the order in which it stands there.
func Spoken(t testing.TB, p *Paper) string {
	var all []string
	for _, m := range drawn(t, p).marks {
		if m.text != "" {
			all = append(all, m.text)
		}
	}
	return strings.Join(all, " ")
}

// Extent is a line of text and where it ends, in millimetres from the left.
type Extent struct {
	Text string
	To   float64
}

// Extents are those of all lines.
func Extents(t testing.TB, p *Paper) (all []Extent) {
	for _, m := range drawn(t, p).marks {
		if m.text != "" {
			all = append(all, Extent{m.text, m.x + m.w})
		}
	}
	return all
}

// Codes are those of a file as a printer of 600 dots to the inch sets them.
func Codes(t testing.TB, p *Paper) (all []image.Image) {
	const dots = 600 / 25.4
	for _, m := range drawn(t, p).marks {
		if m.code == nil {
			continue
		}
		side := int(math.Round(m.w * dots))
		unit := float64(side) / float64(m.code.Side())
		img := image.NewGray(image.Rect(0, 0, side, side))
		for i := range img.Pix {
			img.Pix[i] = 255
		}
		m.code.bars(func(x, y, n int) {
			for py := int(float64(y) * unit); py < int(float64(y+1)*unit); py++ {
				for px := int(float64(x) * unit); px < int(float64(x+n)*unit); px++ {
					img.SetGray(px, py, gray.Gray{})
				}
			}
		})
		all = append(all, img)
	}
	return all
}

// Fonts are the files that are embedded.
func Fonts() map[string][]byte { return map[string][]byte{"regular": regularFont, "bold": boldFont} }

// Letters are the characters that we print.
func Letters() (all []rune) {
	for _, r := range letters.R16 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			all = append(all, c)
		}
	}
	return all
}
