package invoices

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
	"unicode/utf8"

	"achteraf/internal/ident"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"pgregory.net/rapid"
	"rsc.io/qr"
)

// TestTransferCode: the vectors of standards.md 5.1.
func TestTransferCode(t *testing.T) {
	for _, c := range []struct {
		name  string
		in    epc
		bytes int
		sum   string
	}{
		{"a creditor reference", epc{Name: "Voorbeeld Winkel B.V.", IBAN: "NL91ABNA0417164300", Cents: 49_95, Reference: "RF18539007547034"},
			82, "1ee89b28081484e30566c85daa61aa9c1d67f23ec37da2911d3fbe9e13983ffb"},
		{"a text, whole euros", epc{Name: "Stichting Achteraf Betalen Café", IBAN: "NL20INGB0001234567", Cents: 120_00, Text: "Factuur 2026-0001 klant 42"},
			102, "2783eba0c6617476ee54acb1bac11a7073877621f4feed021ee10cbbac14ebd5"},
	} {
		got, err := c.in.payload()
		sum := sha256.Sum256([]byte(got))
		if err != nil || len(got) != c.bytes || hex.EncodeToString(sum[:]) != c.sum {
			t.Errorf("%s: %d bytes, %v\n%s", c.name, len(got), err, got)
		}
	}
}

func TestTransferCodeRefuses(t *testing.T) {
	good := epc{Name: "Winkel", IBAN: "NL91ABNA0417164300", Cents: 1, Reference: "RF18539007547034"}
	for name, edit := range map[string]func(*epc){
		"no name":                func(e *epc) { e.Name = "" },
		"a name of 71 letters":   func(e *epc) { e.Name = strings.Repeat("é", 71) },
		"a name of two lines":    func(e *epc) { e.Name = "Win\nkel" },
		"no IBAN":                func(e *epc) { e.IBAN = "" },
		"nothing to pay":         func(e *epc) { e.Cents = 0 },
		"less than nothing":      func(e *epc) { e.Cents = -1 },
		"a milliard":             func(e *epc) { e.Cents = 1_000_000_000_00 },
		"a reference and a text": func(e *epc) { e.Text = "x" },
		"a wrong reference":      func(e *epc) { e.Reference = "RF19539007547034" },
		"a text of 141 letters":  func(e *epc) { e.Reference, e.Text = "", strings.Repeat("x", 141) },
		"more than 331 bytes":    func(e *epc) { e.Reference, e.Name, e.Text = "", strings.Repeat("€", 70), strings.Repeat("€", 60) },
	} {
		e := good
		edit(&e)
		if got, err := e.payload(); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestTransferCodeSaysIt: whatever goes in comes out at its line, and nothing else does.
func TestTransferCodeSaysIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := epc{
			Name:  rapid.StringOfN(rapid.RuneFrom([]rune("aZ9 -.é€ß")), 1, 70, -1).Draw(t, "name"),
			IBAN:  rapid.SampledFrom([]string{"NL91ABNA0417164300", "BE68539007547034", "FR1420041010050500013M02606"}).Draw(t, "iban"),
			Cents: rapid.Int64Range(1, 999_999_999_99).Draw(t, "cents"),
		}
		if rapid.Bool().Draw(t, "structured") {
			e.Reference, _ = ident.RF(rapid.StringMatching(`[A-Z0-9]{1,21}`).Draw(t, "reference"))
		} else {
			e.Text = ident.PrintOGM(ident.OGM(rapid.Int64Range(0, 9_999_999_999).Draw(t, "ogm")))
		}
		got, err := e.payload()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(got, "\n")
		lines = append(lines, make([]string, 12-len(lines))...)
		var euros, cents int64
		if strings.Contains(lines[7], ".") {
			fmt.Sscanf(lines[7], "EUR%d.%02d", &euros, &cents)
		} else {
			fmt.Sscanf(lines[7], "EUR%d", &euros)
		}
		if strings.Join(lines[:5], "|") != "BCD|002|1|SCT|" || lines[5] != e.Name || lines[6] != e.IBAN || euros*100+cents != e.Cents ||
			lines[8] != "" || lines[9] != e.Reference || lines[10] != e.Text || len(got) > 331 || !utf8.ValidString(got) {
			t.Fatalf("%+v gives\n%s", e, got)
		}
	})
}

// TestReadableInPrint_S_PAY_03 prints the largest codes that there can be: at 2.5 cm with their margin, as somebody may
// print the mail, and at the size of the document. The rule is that of code printers: a module of four dots or more at
// 300 dots to the inch, 0.34 mm. Each is then read back from the dots of such a printer, as a camera sees them.
func TestReadableInPrint_S_PAY_03(t *testing.T) {
	const inch, dots, camera = 25.4, 300, 3
	large := epc{Name: strings.Repeat("Stichting Derdengelden ", 3) + "X", IBAN: "MT84MALT011000012345MTLCAST001SXYZ"[:31], Cents: 999_999_999_99, Reference: "RF40123456789012345678901"}
	greek := large // two bytes for a letter
	greek.Name = strings.Repeat("αβγδεζηθικλμνξοπρστυφχψω", 3)[:2*70]
	for name, e := range map[string]epc{"a name of 70 letters": large, "a name of 70 Greek letters": greek} {
		text, err := e.payload()
		if err != nil {
			t.Fatal(err)
		}
		picture, err := Picture(text)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		q, err := qr.Encode(text, qr.M)
		if err != nil {
			t.Fatal(err)
		}
		for _, side := range []float64{25, codeSide} {
			if module := side / float64((code{code: q}).Side()); module < 4*inch/dots {
				t.Errorf("%s at %.0f mm: a module of %.3f mm", name, side, module)
			}
			paper := printed(img, int(side/inch*dots))
			if got := read(t, printed(paper, camera*paper.Bounds().Dx())); got != text {
				t.Errorf("%s at %.0f mm reads as %q", name, side, got)
			}
		}
	}
	if codeSide < 25 {
		t.Errorf("the document prints codes %.1f mm wide", codeSide)
	}
}

// printed is a picture in another number of dots, each black or white by what most of it covers.
func printed(img image.Image, side int) image.Image {
	const fine = 5 // looks at each dot, along and across
	out := image.NewGray(image.Rect(0, 0, side, side))
	width := img.Bounds().Dx()
	at := func(i int) int { return i * width / (side * fine) }
	for y := range side {
		for x := range side {
			white := 0
			for dy := range fine {
				for dx := range fine {
					if c, _, _, _ := img.At(at(x*fine+dx), at(y*fine+dy)).RGBA(); c > 0 {
						white++
					}
				}
			}
			if 2*white > fine*fine {
				out.Pix[out.PixOffset(x, y)] = 255
			}
		}
	}
	return out
}

func read(t *testing.T, img image.Image) string {
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
