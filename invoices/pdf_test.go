package invoices_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"golang.org/x/image/font/sfnt"
)

// withPages lets documents from now on lead to a page.
func (p *printer) withPages() *printer {
	p.clerk.UsePayPages(func(_ context.Context, _ *db.Tx, of []invoices.Key) ([]string, error) {
		out := make([]string, len(of))
		for i := range of {
			out[i] = fmt.Sprintf("https://betalen.achteraf.example/pay/kx7dq2mw%04d", 0)
		}
		return out, nil
	})
	return p
}

func (p *printer) paper(t testing.TB, merchant, id string) (out *invoices.Paper) {
	t.Helper()
	err := p.d.Read(context.Background(), func(tx *db.Tx) (err error) {
		if strings.HasPrefix(id, "cre_") {
			out, err = p.clerk.CreditNote(context.Background(), tx, merchant, id)
		} else {
			out, err = p.clerk.Invoice(context.Background(), tx, merchant, id)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPrinted keeps the drawing of each document in testdata, where a person can read it: page, millimetres from the
// left and the top, size, weight, text.
func TestPrinted(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite")).withPages()
	guaranteed := merchants.StandardContract()
	guaranteed.Model = merchants.Guaranteed
	_, second := p.addShop("second", guaranteed)
	consumers, abroad, firms := map[string]*invoices.Outcome{}, map[string]*invoices.Outcome{}, map[string]*invoices.Outcome{}
	for _, l := range allLanguages {
		consumers[l] = p.sell(l, basket)
		abroad[l] = p.sell(l, func(r *invoices.Request) { belgian(r); r.Credential = second })
		firms[l] = p.sell(l, business)
		p.credit(abroad[l], invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}}, Reason: "cancellation"})
	}
	p.advance(3)
	for _, l := range allLanguages {
		n := p.credit(consumers[l], invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}}, Reason: "return"})
		for name, id := range map[string]string{"consumer": consumers[l].Invoice.ID, "belgian": abroad[l].Invoice.ID, "company": firms[l].Invoice.ID, "credit": n.ID} {
			merchant := consumers[l].Order.Merchant
			if name == "belgian" {
				merchant = abroad[l].Order.Merchant
			}
			paper := p.paper(t, merchant, id)
			golden(t, name+"."+l+".pdf.txt", invoices.Outline(t, paper)+"the whole drawing: "+invoices.Sum(t, paper)+"\n")
		}
	}
}

// TestPrintedElements: the official invoice is a file that says all that the law and the payer need.
func TestPrintedElements(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite")).withPages()
	o := p.sell("nl", basket)
	p.advance(3)
	v := p.invoice(o)
	paper := p.paper(t, o.Order.Merchant, v.ID)
	text := invoices.Spoken(t, paper)
	if list := invoices.Outline(t, paper); strings.Count(list, " -> https://betalen.achteraf.example/pay/kx7dq2mw0000\n") < 2 {
		t.Errorf("code and address do not lead to the page:\n%s", list)
	}
	for what, want := range map[string]string{
		"number":           "Factuur " + v.Number,
		"amount":           "€\u00a0101,90",
		"due date":         "uiterlijk vrijdag 11\u00a0december 2026",
		"payee":            "Op naam van Stichting Derdengelden Achteraf Voorbeeld",
		"IBAN":             "IBAN NL20 ACHT 0000 0000 01",
		"reference":        "Betalingskenmerk RF",
		"shop's mail":      "E-mail a@winkel.example",
		"operator's phone": "Telefoon +31201234567",
		"seller":           "Verkoper Winkel Winkel B.V. Plein 1 1234 AB Voorbeeld Nederland KvK-nummer 90000002 Btw-id NL000099998B57",
		"buyer":            "Koper Sanne de Vries Dorpsstraat",
		"date":             "Factuurdatum 25\u00a0november 2026",
		"order":            "Bestelnummer van de winkel " + o.Order.Reference,
		"line":             "Wollen sokken 2 €\u00a07,50 21% €\u00a015,00",
		"rate":             "9% €\u00a011,01 €\u00a00,99 €\u00a012,00",
		"creditor":         "De winkel blijft je schuldeiser.",
		"identity":         "Achteraf\u00a0Voorbeeld\u00a0B.V. · Voorbeeldkade\u00a01",
		"page":             "Pagina 1 van ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s: %q is missing in\n%s", what, want, text)
		}
	}
}

// TestSameFile: the same document gives the same bytes, from another paper and after another document.
func TestSameFile(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite")).withPages()
	o, other := p.sell("de", basket), p.sell("fr", belgian)
	p.advance(3)
	print := func(o *invoices.Outcome) []byte {
		out, err := p.paper(t, o.Order.Merchant, o.Invoice.ID).PDF()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := print(o)
	for range 5 {
		print(other)
		if !bytes.Equal(print(o), first) {
			t.Fatal("the bytes differ")
		}
	}
	for _, want := range []string{"/Lang (de)", "/CreationDate (D:20261125", "/Producer", "/Title"} {
		if !bytes.Contains(first, []byte(want)) {
			t.Errorf("the file has no %s", want)
		}
	}
	for _, strange := range []string{"/ID [", "/ID[", "/JavaScript", "/OpenAction"} {
		if bytes.Contains(first, []byte(strange)) {
			t.Errorf("the file has %s", strange)
		}
	}
}

// TestManyPages: 500 lines, with numbered pages and sums that are carried and end in the total.
func TestManyPages(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	var sum int64
	o := p.sell("en", func(r *invoices.Request) {
		business(r)
		r.Order.Prices, r.Order.Lines = orders.InclVAT, nil
		for i := range 500 {
			cents := int64(100 + i)
			r.Order.Lines = append(r.Order.Lines, orders.Line{Kind: "goods", Description: fmt.Sprintf("Thing no. %d", i+1), Quantity: "1", UnitPriceCents: cents, VATPercent: "21"})
			sum += cents
		}
		r.Order.TotalCents = sum
	})
	p.advance(3)
	outline := invoices.Outline(t, p.paper(t, o.Order.Merchant, o.Invoice.ID))
	pages := regexp.MustCompile(`Page (\d+) of (\d+)`).FindAllStringSubmatch(outline, -1)
	for i, m := range pages {
		if m[1] != strconv.Itoa(i+1) || m[2] != strconv.Itoa(len(pages)) {
			t.Errorf("page %d is %q", i+1, m[0])
		}
	}
	if len(pages) < 10 {
		t.Fatalf("%d pages", len(pages))
	}
	cents := func(s string) (n int64) {
		n, err := strconv.ParseInt(strings.NewReplacer("€", "", ",", "", ".", "").Replace(s), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var carried []int64
	var seen, running int64
	lines := strings.Split(outline, "\n")
	for i, line := range lines {
		if n, ok := strings.CutPrefix(last(line, 3), "Thing no. "); ok {
			k, _ := strconv.ParseInt(n, 10, 64)
			if seen++; k != seen {
				t.Fatalf("line %d comes after %d", k, seen-1)
			}
			running += 99 + k
		}
		if strings.HasSuffix(line, "Carried to the next page") || strings.HasSuffix(line, "Carried from the previous page") {
			got := cents(last(lines[i+1], 1))
			if got != running {
				t.Errorf("%s: %d, want %d", line, got, running)
			}
			carried = append(carried, got)
		}
		var x, y float64
		var page int
		if _, err := fmt.Sscanf(line, "%d %f %f", &page, &x, &y); err == nil && (x < 20 || x > 190 || y < 15 || y > 290) {
			t.Errorf("outside of the margins: %s", line)
		}
	}
	if seen != 500 || running != sum || len(carried) < 20 || !slices.IsSorted(carried) {
		t.Errorf("%d lines, %d of %d cents, carried %v", seen, running, sum, carried)
	}
}

// last is the last n words of a line.
func last(line string, n int) string {
	words := strings.Fields(line)
	return strings.Join(words[max(0, len(words)-n):], " ")
}

// TestHostileLetters: names and goods of any length and script are printed within the margins, or as boxes.
func TestHostileLetters(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	long := strings.Repeat("Wolfeschlegelsteinhausen", 9)[:200]
	o := p.sell("en", func(r *invoices.Request) {
		r.Order.Lines[0].Description = strings.Repeat("W", 200)
		r.Buyer.Name = buyers.Name{First: "Ελένη 王芳", Last: long}
	})
	p.advance(3)
	paper := p.paper(t, o.Order.Merchant, o.Invoice.ID)
	outline := invoices.Outline(t, paper)
	if !strings.Contains(outline, "Ελένη □□") {
		t.Errorf("the name is not there:\n%s", outline)
	}
	for _, line := range invoices.Extents(t, paper) {
		if line.To > 190.05 {
			t.Errorf("%q ends at %.1f mm", line.Text, line.To)
		}
	}
	if _, err := paper.PDF(); err != nil {
		t.Error(err)
	}
}

// TestFontHasTheLetters: no letter that we print is missing in the font.
func TestFontHasTheLetters(t *testing.T) {
	for name, data := range invoices.Fonts() {
		font, err := sfnt.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		var buf sfnt.Buffer
		for _, r := range invoices.Letters() {
			if glyph, err := font.GlyphIndex(&buf, r); err != nil || glyph == 0 {
				t.Errorf("%s has no %U %c", name, r, r)
			}
		}
	}
}

// TestCodesDecode_S_INV_06: both codes, read by another program's decoder, say exactly what stands beside them, in the
// order of the debtor's country (S_PAY_03), with the payee as the bank knows it (S_RULE_12).
func TestCodesDecode_S_INV_06(t *testing.T) {
	const url = "https://betalen.achteraf.example/pay/kx7dq2mw0000"
	p := newPrinter(t, dbtest.Open(t, "sqlite")).withPages()
	for _, c := range []struct {
		country string
		edit    func(*invoices.Request)
		want    func(reference string) []string
	}{
		{"NL", basket, func(reference string) []string {
			return []string{url, "BCD\n002\n1\nSCT\n\nStichting Derdengelden Achteraf Voorbeeld\nNL20ACHT0000000001\nEUR101.90\n\n" + reference}
		}},
		{"BE", belgian, func(reference string) []string {
			ogm := "+++" + reference[:3] + "/" + reference[3:7] + "/" + reference[7:] + "+++"
			return []string{"BCD\n002\n1\nSCT\n\nStichting Derdengelden Achteraf Voorbeeld\nNL20ACHT0000000001\nEUR101.90\n\n\n" + ogm, url}
		}},
	} {
		t.Run(c.country, func(t *testing.T) {
			o := p.sell("nl", c.edit)
			p.advance(3)
			page := p.document(o)
			var got []string
			for _, m := range regexp.MustCompile(`(?s)<svg viewBox="0 0 (\d+) \d+".*?<path fill="#000" d="([^"]+)"/></svg>`).FindAllStringSubmatch(page, -1) {
				side, _ := strconv.Atoi(m[1])
				got = append(got, decode(t, raster(t, side, m[2])))
			}
			want := c.want(o.Order.PaymentReference)
			if !slices.Equal(got, want) {
				t.Errorf("the page's codes say %q\nwant %q", got, want)
			}
			var printed []string
			for _, img := range invoices.Codes(t, p.paper(t, o.Order.Merchant, o.Invoice.ID)) {
				printed = append(printed, decode(t, img))
			}
			if !slices.Equal(printed, want) {
				t.Errorf("the file's codes say %q\nwant %q", printed, want)
			}
			for _, beside := range []string{"€\u00a0101,90", "Stichting Derdengelden Achteraf Voorbeeld", "NL20 ACHT 0000 0000 01", url} {
				if !strings.Contains(plain(page), beside) {
					t.Errorf("%q does not stand beside the codes", beside)
				}
			}
		})
	}
}

// raster paints the path of an SVG with four dots to a module.
func raster(t *testing.T, side int, path string) image.Image {
	t.Helper()
	const dots = 4
	img := image.NewGray(image.Rect(0, 0, side*dots, side*dots))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, bar := range strings.Split(strings.TrimSuffix(path, "z"), "z") {
		var x, y, n int
		if _, err := fmt.Sscanf(bar, "M%d %dh%dv1", &x, &y, &n); err != nil {
			t.Fatalf("%q: %v", bar, err)
		}
		for dy := range dots {
			for dx := range n * dots {
				img.SetGray(x*dots+dx, y*dots+dy, color.Gray{})
			}
		}
	}
	return img
}

func decode(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	out, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out.GetText()
}

// BenchmarkPDF prints an invoice of five lines with both codes.
func BenchmarkPDF(b *testing.B) {
	p := newPrinter(b, dbtest.Open(b, "sqlite")).withPages()
	o := p.sell("nl", basket)
	p.advance(3)
	paper := p.paper(b, o.Order.Merchant, o.Invoice.ID)
	took := make([]time.Duration, 0, 1000)
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		if _, err := paper.PDF(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}
