package invoices

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"achteraf/orders"
)

// The styles of a printed document.
var (
	styleTitle  = style{18, true, ink}
	styleSum    = style{27, true, brandInk}
	styleWhen   = style{11.5, true, brandInk}
	styleHead   = style{10, true, ink}
	styleText   = style{9, false, ink}
	styleStrong = style{9, true, ink}
	styleSoft   = style{9, false, softInk}
	styleNote   = style{8, false, softInk}
	styleLabel  = style{7.5, false, softInk}
	styleTop    = style{11, true, ink}
	styleFoot   = style{7.5, false, softInk}
)

const (
	gap      = 6.0  // between sections
	codeSide = 29.0 // of a code with its margin: more than the 2.5 cm at which it must be readable
)

// about is what the file says about itself.
func (d *draft) about() info {
	return info{title: d.name() + " · " + d.Shop.Name, author: d.Operator.Name, language: string(d.Lang), made: d.MadeAt}
}

// name is the title with the number.
func (d *draft) name() string {
	if d.page.Number == "" {
		return d.page.Title
	}
	return d.page.Title + " " + d.page.Number
}

// draw lays the document out, in the order in which it is read.
func (d *draft) draw() (*sheet, error) {
	if d.err != nil {
		return nil, d.err
	}
	s := newSheet()
	d.drawTop(s)
	d.drawSlip(s)
	d.drawParties(s)
	d.drawLines(s)
	d.drawSums(s)
	d.drawHelp(s)
	d.drawFeet(s)
	return s, errors.Join(d.err, s.pdf.Error())
}

func (d *draft) drawTop(s *sheet) {
	s.text(left, s.y, styleTop, d.page.Shop.Name)
	s.textRight(right, s.y+0.4, styleSoft, d.Operator.Name)
	s.y += 9
	s.y = s.block(left, s.y, right-left, styleTitle, d.name()) + 1
	if d.page.Mark != "" {
		s.text(left, s.y, styleHead, d.page.Mark)
		s.y += 6
	}
	s.y += 2
}

// drawSlip answers first: how much, until when, and how.
func (d *draft) drawSlip(s *sheet) {
	const pad = 5.5
	slip, t := &d.page.Slip, d.page.Pay
	at := len(s.marks)
	from := s.y
	width := right - left - 2*pad
	if t != nil && len(t.Codes) > 0 {
		width = 84
	}
	x, y := left+pad, from+pad
	y = s.block(x, y, width, style{10, false, softInk}, slip.Label)
	s.text(x, y, styleSum, d.Euros(slip.Cents))
	y += styleSum.size*lineSpace - 0.5
	y = s.block(x, y, width, styleWhen, slip.When)
	y = s.block(x, y, width, styleText, slip.More)
	end := y
	if t != nil {
		y += 3
		s.perforation(x, y, width)
		end = d.drawTransfer(s, t, x, y+3.5, width)
		end = max(end, d.drawCodes(s, t, from+pad))
		words := d.word("pay-exactly")
		if t.Latest != "" {
			words += " " + d.word("pay-by", t.Latest)
		}
		end = s.block(x, end+1.5, right-left-2*pad, styleLabel, words)
	}
	s.y = end + pad - 1
	ground := mark{page: s.page, x: left, y: from, w: right - left, h: s.y - from, round: 3, fill: tint}
	s.marks = slices.Insert(s.marks, at, ground)
	s.y += gap
}

func (d *draft) drawTransfer(s *sheet, t *transfer, x, y, width float64) float64 {
	s.text(x, y, styleHead, d.word("pay"))
	y += 5.5
	for _, f := range []struct{ word, value string }{
		{"pay-amount", d.Euros(t.Cents)}, {"pay-payee", t.Payee}, {"pay-iban", t.IBAN}, {t.ReferenceWord, t.Reference},
	} {
		label := s.block(x, y+0.3, 27, style{8, false, softInk}, d.word(f.word))
		y = max(label, s.block(x+28, y, width-28, styleStrong, f.value)) + 0.5
	}
	return y
}

// drawCodes sets the codes beside the fields that say the same, the first one first.
func (d *draft) drawCodes(s *sheet, t *transfer, y float64) float64 {
	const column, between = 33.0, 3.0
	x := right - 6 - float64(len(t.Codes))*column - float64(len(t.Codes)-1)*between
	end := y
	for i := range t.Codes {
		c := &t.Codes[i]
		s.symbol(x, y, codeSide, c)
		below := s.block(x, y+codeSide+2, column, styleLabel, d.word(c.Word))
		if c.URL != "" {
			for _, line := range s.wrapAddress(styleLabel, column, c.URL) {
				s.text(x, below, style{styleLabel.size, false, brandInk}, line)
				s.linked(c.URL)
				below += styleLabel.size * lineSpace
			}
		}
		end = max(end, below)
		x += column + between
	}
	return end
}

// drawParties sets who sells, who buys and what is known of the order side by side.
func (d *draft) drawParties(s *sheet) {
	const width, between, label = 48.0, 5.0, 31.0
	from, end := s.y, s.y
	for i, p := range d.page.Parties {
		x := left + float64(i)*(width+between)
		y := s.block(x, from, width, styleLabel, d.word(p.Role)) + 0.4
		for n, line := range p.Lines {
			st := styleText
			if n == 0 {
				st = styleStrong
			}
			y = s.block(x, y, width, st, line)
		}
		for _, line := range p.Numbers {
			y = s.block(x, y, width, styleNote, line)
		}
		end = max(end, y)
	}
	x := left + 2*(width+between)
	y := s.block(x, from, right-x, styleLabel, d.word("facts")) + 0.4
	for _, f := range d.page.Facts {
		below := s.block(x, y+0.2, label, styleNote, d.word(f.Word))
		y = max(below, s.block(x+label+2, y, right-x-label-2, styleStrong, f.Value)) + 0.3
	}
	s.y = max(end, y)
	if d.page.Creditor != "" {
		s.y = s.block(left, s.y+2, right-left, styleNote, d.page.Creditor)
	}
	if d.page.Note != "" {
		s.y = s.block(left, s.y+2, right-left, styleText, d.word("order-note")+" "+d.page.Note)
	}
	s.y += gap
}

// column is one of a table of figures: where it ends and what stands above it.
type column struct {
	end, width float64
	head       string
}

// columns of the lines, and the width that is left for the words.
func (d *draft) columns() ([]column, float64) {
	list := []column{{right, 30, d.word(d.page.AmountWord)}, {right - 33, 15, d.word("line-vat")}}
	at := right - 51
	if d.page.PriceWord != "" {
		list = append(list, column{at, 28, d.word(d.page.PriceWord)})
		at -= 31
	}
	list = append(list, column{at, 17, d.word("line-quantity")})
	slices.Reverse(list)
	return list, at - 17 - 3 - left
}

const rowSpace = 1.15 // above and below the words of a row

// drawLines sets the lines; on each page stand the heads, and what was carried from the page before.
func (d *draft) drawLines(s *sheet) {
	columns, width := d.columns()
	s.keep(30)
	s.text(left, s.y, styleHead, d.word(d.page.LinesWord))
	s.y += 6
	d.drawHeads(s, columns)
	var sum int64
	for i, r := range d.page.Lines {
		cells := d.cells(r)
		words := s.wrap(styleText, width, r.What)
		height := float64(len(words))*styleText.size*lineSpace + 2*rowSpace
		if r.Net != "" {
			height += styleNote.size * lineSpace
		}
		if last := i == len(d.page.Lines)-1; s.y+height > bottom-6 && (!last || s.y+height > bottom) {
			d.drawCarry(s, "carry-to", sum)
			s.turn()
			d.drawContinued(s)
			d.drawHeads(s, columns)
			d.drawCarry(s, "carry-from", sum)
		}
		s.rule(left, s.y, right-left, 0.15, hairline)
		y := s.y + rowSpace
		for n, line := range words {
			s.text(left, y+float64(n)*styleText.size*lineSpace, styleText, line)
		}
		if r.Net != "" {
			s.text(left, y+float64(len(words))*styleText.size*lineSpace, styleNote, r.Net)
		}
		for n, c := range columns {
			st := styleText
			if n == len(columns)-1 {
				st = styleStrong
			}
			s.textRight(c.end, y, st, cells[n])
		}
		s.y += height
		sum += r.Cents
	}
	s.rule(left, s.y, right-left, 0.4, ink)
	s.y += 3
}

func (d *draft) drawHeads(s *sheet, columns []column) {
	end := s.block(left, s.y, 40, styleLabel, d.word("line-what"))
	for _, c := range columns {
		y := s.y
		for _, line := range s.wrap(styleLabel, c.width, c.head) {
			s.textRight(c.end, y, styleLabel, line)
			y += styleLabel.size * lineSpace
		}
		end = max(end, y)
	}
	s.y = end + 1
}

// cells are the figures of a row, in the order of the columns.
func (d *draft) cells(r row) []string {
	quantity := ""
	if r.Quantity != "" {
		quantity = d.Decimal(r.Quantity)
	}
	list := []string{quantity, d.Percent(r.VAT), d.Euros(r.Cents)}
	if d.page.PriceWord != "" {
		list = slices.Insert(list, 1, r.Price)
	}
	return list
}

func (d *draft) drawCarry(s *sheet, word string, sum int64) {
	s.rule(left, s.y, right-left, 0.15, hairline)
	s.text(left, s.y+rowSpace, styleSoft, d.word(word))
	s.textRight(right, s.y+rowSpace, styleStrong, d.Euros(sum))
	s.y += styleText.size*lineSpace + 2*rowSpace
}

// drawContinued heads a page that follows.
func (d *draft) drawContinued(s *sheet) {
	s.text(left, s.y, styleStrong, d.name())
	s.textRight(right, s.y, styleSoft, d.page.Shop.Name)
	s.y += 10
}

// keep turns the page unless so much is left of it.
func (s *sheet) keep(height float64) bool {
	if s.y+height <= bottom {
		return false
	}
	s.turn()
	return true
}

func (s *sheet) turn() {
	s.page++
	s.y = top
}

// drawSums sets the totals, and beside them the VAT by rate.
func (d *draft) drawSums(s *sheet) {
	const from = left + 99 // of the totals
	rates := 0.0
	if n := len(d.page.Rates); n > 0 {
		rates = 10 + 5.2*float64(n+1)
	}
	if s.keep(max(rates, 7*float64(len(d.page.Totals)))) {
		d.drawContinued(s)
	}
	start := s.y
	for _, t := range d.page.Totals {
		label, figure := styleSoft, styleStrong
		if t.Last {
			s.rule(from, s.y, right-from, 0.4, ink)
			s.y += 1.4
			label, figure = style{10.5, true, ink}, style{10.5, true, ink}
		}
		below := s.block(from, s.y, right-from-25, label, d.word(t.Word))
		s.textRight(right, s.y, figure, d.Euros(t.Cents))
		s.y = below + 1.2
	}
	end := s.y
	if len(d.page.Rates) > 0 {
		s.y = start
		d.drawRates(s, left+92)
	}
	for _, word := range d.page.Law {
		s.y = s.block(left, s.y+1.5, 92, styleNote, d.word(word))
	}
	s.y = max(s.y, end) + gap
}

// drawRates sets the VAT by rate, up to an end on the right.
func (d *draft) drawRates(s *sheet, end float64) {
	ends := []float64{end - 54, end - 28, end}
	s.text(left, s.y, styleHead, d.word("vat"))
	s.y += 5.5
	s.text(left, s.y, styleLabel, d.word("vat-rate"))
	for i, word := range []string{d.word("vat-net"), d.word("vat-vat"), d.word("vat-gross")} {
		s.textRight(ends[i], s.y, styleLabel, word)
	}
	s.y += 4.2
	line := func(head string, v orders.VAT, st style) {
		s.text(left, s.y+0.7, st, head)
		for i, cents := range []int64{v.NetCents, v.VATCents, v.GrossCents} {
			s.textRight(ends[i], s.y+0.7, st, d.Euros(cents))
		}
		s.y += 5.2
	}
	for _, v := range d.page.Rates {
		if s.keep(12) {
			d.drawContinued(s)
		}
		s.rule(left, s.y, end-left, 0.15, hairline)
		line(d.Percent(v.Percent), v, styleText)
	}
	s.rule(left, s.y, end-left, 0.4, ink)
	line(d.word("vat-sum"), d.page.Sum, styleStrong)
}

func (d *draft) drawHelp(s *sheet) {
	const width = (right - left - 8) / 2
	sides := []struct {
		head string
		who  helper
	}{{d.word("help-shop", d.page.Shop.Name), d.page.Shop}, {d.word("help-us", d.page.Operator.Name), d.page.Operator}}
	if s.keep(6 + 4.5*float64(max(len(sides[0].who.Contacts), len(sides[1].who.Contacts))+1)) {
		d.drawContinued(s)
	}
	s.text(left, s.y, styleHead, d.word("help"))
	top := s.y + 5.5
	for i, side := range sides {
		x := left + float64(i)*(width+8)
		y := s.block(x, top, width, styleStrong, side.head) + 0.4
		for _, c := range side.who.Contacts {
			label := s.block(x, y, 26, styleSoft, d.word(c.Word))
			y = max(label, s.block(x+27, y, width-27, styleText, c.Value))
		}
		s.y = max(s.y, y)
	}
}

// drawFeet says on each page whose it is and which one of how many.
func (d *draft) drawFeet(s *sheet) {
	identity := ""
	for i, part := range d.page.Identity {
		if i > 0 {
			identity += " · "
		}
		identity += strings.ReplaceAll(part, " ", "\u00a0")
	}
	pages := s.page
	for s.page = 1; s.page <= pages; s.page++ {
		s.rule(left, bottom+4, right-left, 0.15, hairline)
		s.block(left, bottom+6, right-left-34, styleFoot, identity)
		s.textRight(right, bottom+6, styleFoot, d.word("page-of", strconv.Itoa(s.page), strconv.Itoa(pages)))
	}
	slices.SortStableFunc(s.marks, func(a, b mark) int { return a.page - b.page })
}
