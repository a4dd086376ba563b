package invoices

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"achteraf/internal/ident"

	"pgregory.net/rapid"
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
