package invoices

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"strings"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/unicode/norm"

	"achteraf/calendar"
)

//go:embed fonts/LiberationSans-Regular.ttf
var regularFont []byte

//go:embed fonts/LiberationSans-Bold.ttf
var boldFont []byte

// Measures of a page, in millimetres.
const (
	pageWidth  = 210.0
	pageHeight = 297.0
	left       = 20.0
	right      = pageWidth - 20
	top        = 15.0
	bottom     = pageHeight - 21 // nothing but the foot stands below
)

const (
	points    = 72 / 25.4         // in a millimetre
	lineSpace = 1.38 * 25.4 / 72  // of a line, in millimetres for each point of its letters
	ascent    = 0.905 * 25.4 / 72 // of the font, likewise
	capitals  = 0.729 * 25.4 / 72 // height of its capitals
)

// color is one of the look's, in its light form.
type color struct{ r, g, b int }

var (
	ink      = color{0x14, 0x20, 0x1f}
	softInk  = color{0x46, 0x54, 0x52}
	brandInk = color{0x0b, 0x4a, 0x50}
	tint     = color{0xe8, 0xf0, 0xee}
	hairline = color{0xc3, 0xcc, 0xc6}
	white    = color{0xff, 0xff, 0xff}
)

// style is how letters look; size is in points.
type style struct {
	size float64
	bold bool
	ink  color
}

// mark is one thing drawn on a page. The list of them is the drawing: what is painted, in this order, which is the
// order of reading.
type mark struct {
	page       int
	x, y, w, h float64 // of text: x and y of its baseline's start
	text       string
	style      style
	fill       color // of a shape
	round      float64
	dashed     bool
	code       *code
	link       string
}

// sheet is a document being drawn.
type sheet struct {
	pdf   *fpdf.Fpdf
	marks []mark
	page  int // from 1
	y     float64
}

func newSheet() *sheet {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetAutoPageBreak(false, 0)
	p.SetMargins(left, top, pageWidth-right)
	p.AddUTF8FontFromBytes("sans", "", regularFont)
	p.AddUTF8FontFromBytes("sans", "B", boldFont)
	return &sheet{pdf: p, page: 1, y: top}
}

func (s *sheet) use(st style) {
	weight := ""
	if st.bold {
		weight = "B"
	}
	s.pdf.SetFont("sans", weight, st.size)
}

func (s *sheet) width(st style, text string) float64 {
	s.use(st)
	return s.pdf.GetStringWidth(text)
}

// legible replaces what the font has no letter for. The HTML form of the document shows it as it is.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u202f':
			return '\u00a0' // a narrow space that does not break: the font has none
		case r != '\u00a0' && unicode.IsSpace(r):
			return ' '
		case unicode.Is(letters, r):
			return r
		case unicode.Is(unicode.Cf, r):
			return -1 // soft hyphens, joiners: they have no shape
		}
		return '\u25a1'
	}, norm.NFC.String(text))
}

// letters are the characters that we print: all that the font has of Latin, Greek and Cyrillic, and the signs of our
// own words. A test holds the font to it.
var letters = &unicode.RangeTable{R16: []unicode.Range16{
	{0x20, 0x7e, 1}, {0xa0, 0xac, 1}, {0xae, 0x17f, 1}, {0x218, 0x21b, 1}, {0x386, 0x386, 1}, {0x388, 0x38a, 1}, {0x38c, 0x38c, 1}, {0x38e, 0x3a1, 1},
	{0x3a3, 0x3ce, 1}, {0x401, 0x45f, 1}, {0x490, 0x491, 1}, {0x1e80, 0x1e85, 1}, {0x2013, 0x2014, 1}, {0x2018, 0x201a, 1}, {0x201c, 0x201e, 1}, {0x2020, 0x2022, 1},
	{0x2026, 0x2026, 1}, {0x2030, 0x2030, 1}, {0x20ac, 0x20ac, 1}, {0x2122, 0x2122, 1}, {0x2212, 0x2212, 1}, {0x25a1, 0x25a1, 1},
}}

// text sets one line with the top of its line at y, from x on.
func (s *sheet) text(x, y float64, st style, text string) {
	text = legible(text)
	if strings.TrimSpace(text) == "" {
		return
	}
	s.marks = append(s.marks, mark{page: s.page, x: x, y: y + st.size*ascent, w: s.width(st, text), text: text, style: st})
}

// textRight sets one line that ends at x.
func (s *sheet) textRight(x, y float64, st style, text string) {
	s.text(x-s.width(st, legible(text)), y, st, text)
}

// wrap breaks a text into lines of a width: between words, and within one that is too long.
func (s *sheet) wrap(st style, width float64, text string) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(legible(text), " ") {
		if next := strings.TrimLeft(line+" "+word, " "); s.width(st, next) <= width {
			line = next
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for s.width(st, word) > width {
			n := s.fitting(st, width, word)
			lines = append(lines, word[:n])
			word = word[n:]
		}
		line = word
	}
	return append(lines, line)
}

// wrapAddress breaks an address of the network, where it can behind a slash or a point.
func (s *sheet) wrapAddress(st style, width float64, address string) []string {
	var lines []string
	line := ""
	for _, part := range strings.SplitAfter(strings.NewReplacer("/", "/ ", ".", ". ", "/ / ", "// ").Replace(address), " ") {
		part = strings.TrimSpace(part)
		if line != "" && s.width(st, line+part) > width {
			lines = append(lines, line)
			line = ""
		}
		line += part
	}
	var out []string
	for _, line := range append(lines, line) {
		out = append(out, s.wrap(st, width, line)...)
	}
	return out
}

// fitting is how many bytes of a word go into a width: one letter at least.
func (s *sheet) fitting(st style, width float64, word string) int {
	fits := 0
	for i, r := range word {
		end := i + len(string(r))
		if fits > 0 && s.width(st, word[:end]) > width {
			break
		}
		fits = end
	}
	return fits
}

// block sets a text in lines of a width and returns the y below it.
func (s *sheet) block(x, y, width float64, st style, text string) float64 {
	if text == "" {
		return y
	}
	for _, line := range s.wrap(st, width, text) {
		s.text(x, y, st, line)
		y += st.size * lineSpace
	}
	return y
}

// linked makes the last line that was set lead to an address.
func (s *sheet) linked(address string) { s.marks[len(s.marks)-1].link = address }

func (s *sheet) box(x, y, w, h, round float64, fill color) {
	s.marks = append(s.marks, mark{page: s.page, x: x, y: y, w: w, h: h, round: round, fill: fill})
}

// rule draws a line across; thick is in millimetres.
func (s *sheet) rule(x, y, w, thick float64, c color) { s.box(x, y, w, thick, 0, c) }

func (s *sheet) perforation(x, y, w float64) {
	s.marks = append(s.marks, mark{page: s.page, x: x, y: y, w: w, dashed: true, fill: brandInk})
}

// symbol draws a code, side millimetres wide with its margin.
func (s *sheet) symbol(x, y, side float64, c *code) {
	s.box(x, y, side, side, 1.5, white)
	s.marks = append(s.marks, mark{page: s.page, x: x, y: y, w: side, h: side, code: c, link: c.URL})
}

// info is what a file says about itself.
type info struct {
	title, author, language string
	made                    calendar.Instant
}

// paint makes the file. The same drawing gives the same bytes: nothing in them is drawn by chance or read from a clock.
func (s *sheet) paint(about info) ([]byte, error) {
	p := s.pdf
	p.SetCompression(true)
	p.SetCatalogSort(true)
	p.SetProducer("Achteraf", true)
	p.SetTitle(about.title, true)
	p.SetAuthor(about.author, true)
	p.SetLang(about.language)
	p.SetCreationDate(about.made.Time())
	p.SetModificationDate(about.made.Time())
	page := 0
	for i := range s.marks {
		m := &s.marks[i]
		for page < m.page {
			p.AddPage()
			page++
		}
		s.paintMark(m)
	}
	var out bytes.Buffer
	err := p.Output(&out)
	return out.Bytes(), err
}

func (s *sheet) paintMark(m *mark) {
	p := s.pdf
	switch {
	case m.text != "":
		s.use(m.style)
		p.SetTextColor(m.style.ink.r, m.style.ink.g, m.style.ink.b)
		p.Text(m.x, m.y, m.text)
	case m.code != nil:
		p.SetFillColor(0, 0, 0)
		unit := m.w / float64(m.code.Side())
		m.code.bars(func(x, y, n int) { // one path, filled once: no hairlines between the modules
			p.RawWriteStr(fmt.Sprintf("%.3f %.3f %.3f %.3f re\n", (m.x+float64(x)*unit)*points,
				(pageHeight-m.y-float64(y+1)*unit)*points, float64(n)*unit*points, unit*points))
		})
		p.RawWriteStr("f\n")
	case m.dashed:
		p.SetDrawColor(m.fill.r, m.fill.g, m.fill.b)
		p.SetLineWidth(0.25)
		p.SetDashPattern([]float64{0.8, 1.2}, 0)
		p.Line(m.x, m.y, m.x+m.w, m.y)
		p.SetDashPattern(nil, 0)
	case m.round > 0:
		p.SetFillColor(m.fill.r, m.fill.g, m.fill.b)
		p.RoundedRect(m.x, m.y, m.w, m.h, m.round, "1234", "F")
	default:
		p.SetFillColor(m.fill.r, m.fill.g, m.fill.b)
		p.Rect(m.x, m.y, m.w, m.h, "F")
	}
	if m.link != "" {
		height, y := m.h, m.y
		if m.text != "" {
			height, y = m.style.size*lineSpace, m.y-m.style.size*ascent
		}
		p.LinkString(m.x, y, m.w, height, m.link)
	}
}

// sum is the hash of the whole drawing: every mark with its place and its look.
func (s *sheet) sum(about info) (out [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %s %s\n", about.title, about.author, about.language, about.made)
	for _, m := range s.marks {
		fmt.Fprintf(h, "%d %.3f %.3f %.3f %.3f %q %v %v %.1f %t %q\n", m.page, m.x, m.y, m.w, m.h, m.text, m.style, m.fill, m.round, m.dashed, m.link)
		if m.code != nil {
			m.code.bars(func(x, y, n int) { fmt.Fprintf(h, "%d %d %d\n", x, y, n) })
		}
	}
	h.Sum(out[:0])
	return out
}

// outline lists the drawing for people and tests: page, place and text of every line, and every code's data.
func (s *sheet) outline() string {
	var b strings.Builder
	for _, m := range s.marks {
		switch {
		case m.text != "":
			weight := "regular"
			if m.style.bold {
				weight = "bold"
			}
			fmt.Fprintf(&b, "%d %6.1f %6.1f  %4.1f %-7s %s", m.page, m.x, m.y, m.style.size, weight, m.text)
		case m.code != nil:
			fmt.Fprintf(&b, "%d %6.1f %6.1f  code %.1f wide, %s", m.page, m.x, m.y, m.w, m.code.Word)
		default:
			continue
		}
		if m.link != "" {
			fmt.Fprintf(&b, " -> %s", m.link)
		}
		b.WriteString("\n")
	}
	return b.String()
}
