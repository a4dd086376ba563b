package invoices

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	stdcolor "image/color"
	"image/png"
	"strconv"
	"strings"
	"unicode/utf8"

	"achteraf/internal/ident"

	"rsc.io/qr"
)

// epc is a transfer as a code that banks' apps read.
type epc struct {
	Name      string // of the account, as the bank knows it
	IBAN      string
	Cents     int64
	Reference string // ISO 11649; excludes Text
	Text      string
}

// payload writes it as EPC069-12, version 2, has it: UTF-8, lines end with LF, empty lines at the end are left out.
// The amount has two decimals, or none where it is whole euros.
func (e epc) payload() (string, error) {
	amount := fmt.Sprintf("EUR%d.%02d", e.Cents/100, e.Cents%100)
	lines := []string{"BCD", "002", "1", "SCT", "", e.Name, e.IBAN, strings.TrimSuffix(amount, ".00"), "", e.Reference, e.Text}
	whole := strings.TrimRight(strings.Join(lines, "\n"), "\n")
	switch {
	case e.Name == "" || utf8.RuneCountInString(e.Name) > 70:
		return "", errors.New("a transfer code wants a payee of 1 to 70 characters")
	case len(e.IBAN) < 15 || len(e.IBAN) > 34:
		return "", errors.New("a transfer code wants an IBAN without spaces")
	case e.Cents < 1 || e.Cents > 999_999_999_99:
		return "", errors.New("a transfer code wants 0.01 to 999999999.99 euros")
	case e.Reference != "" && (e.Text != "" || !ident.ValidRF(e.Reference)) || utf8.RuneCountInString(e.Text) > 140:
		return "", errors.New("a transfer code wants a creditor reference or a text of 140 characters")
	case strings.ContainsAny(whole, "\r") || strings.Count(strings.Join(lines, "\n"), "\n") != len(lines)-1:
		return "", errors.New("a transfer code wants each field on one line")
	case len(whole) > 331:
		return "", errors.New("a transfer code holds 331 bytes")
	}
	return whole, nil
}

// TransferCode is what the code of a transfer says. It fails where a bank could not read it.
func TransferCode(payee, iban string, cents int64, reference string) (string, error) {
	e := epc{Name: payee, IBAN: iban, Cents: cents, Reference: reference}
	if ident.ValidOGM(reference) { // belongs to the text: the line of references is for ISO 11649 only
		e.Reference, e.Text = "", ident.PrintOGM(reference)
	}
	return e.payload()
}

// Modules are the dark and light modules of a code, row by row, without its margin.
func Modules(text string) ([][]bool, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, err
	}
	rows := make([][]bool, c.Size)
	for y := range rows {
		rows[y] = make([]bool, c.Size)
		for x := range rows[y] {
			rows[y][x] = c.Black(x, y)
		}
	}
	return rows, nil
}

// PageFirst says which code comes first. It depends on the debtor's country: Dutch banks' apps read transfer codes only
// in part, Belgian and German ones all do (S-PAY-03).
func PageFirst(country string) bool { return country == "NL" }

// Symbol is a code by which an invoice can be paid.
type Symbol struct {
	Page bool   // it leads to the pay page; else it is a transfer
	Text string // what it says
}

// Symbols are the codes of an amount to pay, in the order of the debtor's country. Where a bank could not read the
// transfer there is no code of it, and without a page none of that.
func Symbols(country, payee, iban string, cents int64, reference, page string) []Symbol {
	var all []Symbol
	if text, err := TransferCode(payee, iban, cents, reference); err == nil {
		all = append(all, Symbol{false, text})
	}
	if page == "" {
		return all
	}
	if PageFirst(country) {
		return append([]Symbol{{true, page}}, all...)
	}
	return append(all, Symbol{true, page})
}

// code is one code of a document with its label. What it says stands beside it as text.
type code struct {
	Word string // key of the label
	URL  string // where it leads; "" for a transfer
	code *qr.Code
}

// addCodes gives a transfer its codes.
func (d *draft) addCodes(t *transfer) error {
	t.URL = d.PayURL
	for _, s := range Symbols(d.Order.Country, d.Account.Name, d.Account.IBAN, t.Cents, d.Order.PaymentReference, d.PayURL) {
		q, err := qr.Encode(s.Text, qr.M)
		if err != nil {
			return err
		}
		c := code{Word: "code-transfer", code: q}
		if s.Page {
			c.Word, c.URL = "code-page", s.Text
		}
		t.Codes = append(t.Codes, c)
	}
	return nil
}

// pixels are those of a module of a picture, so that it stays sharp where it is shown larger or printed.
const pixels = 6

// Picture is a code as a PNG with its margin, in black on white.
func Picture(text string) ([]byte, error) {
	q, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, err
	}
	c := code{code: q}
	side := c.Side() * pixels
	img := image.NewPaletted(image.Rect(0, 0, side, side), stdcolor.Palette{stdcolor.White, stdcolor.Black})
	c.bars(func(x, y, n int) {
		for row := y * pixels; row < (y+1)*pixels; row++ {
			from := img.PixOffset(x*pixels, row)
			for i := range n * pixels {
				img.Pix[from+i] = 1
			}
		}
	})
	var out bytes.Buffer
	fast := png.Encoder{CompressionLevel: png.BestSpeed} // a few hundred bytes more, in a third of the time
	err = fast.Encode(&out, img)
	return out.Bytes(), err
}

// quiet is the empty margin that a reader needs around a code, in modules (ISO/IEC 18004).
const quiet = 4

// Side is how many modules a code is wide, with its margin.
func (c code) Side() int { return c.code.Size + 2*quiet }

// bars calls f with each run of dark modules of a row.
func (c code) bars(f func(x, y, n int)) {
	for y := range c.code.Size {
		for x := 0; x < c.code.Size; x++ {
			n := 0
			for x+n < c.code.Size && c.code.Black(x+n, y) {
				n++
			}
			if n > 0 {
				f(x+quiet, y+quiet, n)
			}
			x += n
		}
	}
}

// Path is the code as the path of an SVG.
func (c code) Path() string {
	var b strings.Builder
	c.bars(func(x, y, n int) {
		b.WriteString("M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "h" + strconv.Itoa(n) + "v1h-" + strconv.Itoa(n) + "z")
	})
	return b.String()
}
