package ident

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRF(t *testing.T) {
	for _, tc := range []struct{ reference, want string }{
		{"539007547034", "RF18539007547034"},
		{"2348231", "RF712348231"},
		{"INV20260001", "RF16INV20260001"},
		{"inv 2026 0001", "RF16INV20260001"},
		{"A", "RF25A"},
		{"123456789012345678901", "RF40123456789012345678901"},
	} {
		got, err := RF(tc.reference)
		if err != nil || got != tc.want {
			t.Errorf("RF(%q) = %q, %v; want %q", tc.reference, got, err, tc.want)
		}
	}
	for _, reference := range []string{"", "  ", "1234567890123456789012", "2026-0001", "é", "ſ"} {
		if got, err := RF(reference); err == nil {
			t.Errorf("RF(%q) = %q, want an error", reference, got)
		}
	}
}

func TestValidRF(t *testing.T) {
	for s, want := range map[string]bool{
		"RF18 5390 0754 7034":        true,
		"rf18539007547034":           true,
		"RF40123456789012345678901":  true,
		"RF19539007547034":           false,
		"RF00539007547034":           false,
		"RF9912":                     false, // congruent to 02
		"RF18":                       false,
		"RF18-539007547034":          false,
		"RX18539007547034":           false,
		"RF401234567890123456789012": false,
		"":                           false,
	} {
		if got := ValidRF(s); got != want {
			t.Errorf("ValidRF(%q) = %v", s, got)
		}
	}
	if got := PrintRF("rf18539007547034"); got != "RF18 5390 0754 7034" {
		t.Errorf("PrintRF = %q", got)
	}
}

// TestRFCheckRange: 00, 01 and 99 satisfy the remainder for some reference and are still wrong.
func TestRFCheckRange(t *testing.T) {
	for _, check := range []string{"00", "01", "99"} {
		for n := range 97 {
			if s := "RF" + check + OGM(int64(n)); ValidRF(s) {
				t.Fatalf("%s is accepted", s)
			}
		}
	}
}

// TestRFShape: neither other letters in front nor letters for the check digits pass, though the remainder be right.
func TestRFShape(t *testing.T) {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, a := range alphabet {
		for _, b := range alphabet {
			for _, s := range []string{"RX" + string(a) + string(b) + "5390", "XF" + string(a) + string(b) + "5390", "RFA" + string(b) + "5390" + string(a)} {
				if ValidRF(s) {
					t.Fatalf("%s is accepted", s)
				}
			}
		}
	}
}

func TestOGM(t *testing.T) {
	for _, tc := range []struct {
		n           int64
		want, print string
	}{
		{1234567890, "123456789002", "+++123/4567/89002+++"},
		{97, "000000009797", "+++000/0000/09797+++"},
		{1, "000000000101", "+++000/0000/00101+++"},
		{2026112201, "202611220163", "+++202/6112/20163+++"},
		{9999999999, "999999999948", "+++999/9999/99948+++"},
		{904321178, "090432117872", "+++090/4321/17872+++"},
		{0, "000000000097", "+++000/0000/00097+++"},
		{-1, "", ""},
		{10_000_000_000, "", ""},
	} {
		got := OGM(tc.n)
		if got != tc.want || PrintOGM(got) != tc.print {
			t.Errorf("OGM(%d) = %q, printed %q", tc.n, got, PrintOGM(got))
		}
		if tc.want != "" && (!ValidOGM(got) || !ValidOGM(tc.print) || !ValidOGM(strings.ReplaceAll(tc.print, "+", "*"))) {
			t.Errorf("%q is not valid", got)
		}
	}
	for _, s := range []string{"12345678901A", "1234567890"} {
		if got := PrintOGM(s); got != s {
			t.Errorf("PrintOGM(%q) = %q", s, got)
		}
	}
	for _, s := range []string{"", "123456789003", "000000009700", "12345678900", "1234567890021", "12345678900A"} {
		if ValidOGM(s) {
			t.Errorf("%q is valid", s)
		}
	}
}

func TestKenmerk(t *testing.T) {
	for _, s := range []string{
		"5000056789012345", "9000000000000001", "0123456789012345", "0202611220000017", "3999999999999999", "5000 0567 8901 2345",
	} {
		if !ValidKenmerk(s) {
			t.Errorf("%q is not valid", s)
		}
	}
	for _, s := range []string{"", "4000056789012345", "000056789012345", "50000567890123456", "500005678901234A"} {
		if ValidKenmerk(s) {
			t.Errorf("%q is valid", s)
		}
	}
}

func TestFindReferences(t *testing.T) {
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"RF18 5390 0754 7034 factuur 2026-0001", []string{"RF18539007547034"}},
		{"betaling rf18-5390-0754-7034", []string{"RF18539007547034"}},
		{"RF 18 5390 07547034.", []string{"RF18539007547034"}},
		{"factuurRF18539007547034dank", []string{"RF18539007547034"}},
		{"RF16INV20260001", []string{"RF16INV20260001"}},
		{"+++123/4567/89002+++", []string{"123456789002"}},
		{"***123/4567/89002***", []string{"123456789002"}},
		{"ogm123456789002,dank u", []string{"123456789002"}},
		{"5000056789012345", []string{"5000056789012345"}},
		{"kenmerk 5000 0567 8901 2345 van 23-11-2026", []string{"5000056789012345"}},
		{"RF712348231 en +++000/0000/09797+++", []string{"RF712348231", "000000009797"}},
		{"RF712348231 RF712348231", []string{"RF712348231"}},
		{"RF19 5390 0754 7034", []string{"539007547034"}}, // the figures alone are a valid Belgian number
		{"RF19539007547034", nil},
		{"+++123/4567/89003+++", nil},
		{"5000056789012346", nil},
		{"15000056789012345", nil}, // part of a longer number
		{"1234567890021", nil},
		{"NL91ABNA0417164300", nil},
		{"é€ RF18 5390 0754 7034 ✓", []string{"RF18539007547034"}},
		{"RF", nil},
		{"", nil},
	} {
		if got := FindReferences(tc.text); !slices.Equal(got, tc.want) {
			t.Errorf("FindReferences(%q) = %q, want %q", tc.text, got, tc.want)
		}
	}
}

func TestMadeReferencesValidate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rf, err := RF(rapid.StringMatching(`[A-Z0-9]{1,21}`).Draw(t, "reference"))
		if err != nil || !ValidRF(rf) || !ValidRF(PrintRF(rf)) || NormaliseRF(PrintRF(rf)) != rf {
			t.Fatalf("%q: %v", rf, err)
		}
		ogm := OGM(rapid.Int64Range(0, maxOGM).Draw(t, "n"))
		if !ValidOGM(ogm) || !ValidOGM(PrintOGM(ogm)) {
			t.Fatalf("%q", ogm)
		}
		body := rapid.StringMatching(`[0-9]{15}`).Draw(t, "kenmerk")
		if s := string(kenmerkDigit(body)) + body; !ValidKenmerk(s) {
			t.Fatalf("%q", s)
		}
		// However a reference is printed, it is found.
		text := "Betreft: " + strings.ToLower(PrintRF(rf)) + " / " + PrintOGM(ogm) + " !"
		if got := FindReferences(text); !slices.Contains(got, rf) || !slices.Contains(got, ogm) {
			t.Fatalf("%q holds %q", text, got)
		}
	})
}

func TestOneWrongDigitIsNoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rf, _ := RF(rapid.StringMatching(`[A-Z0-9]{1,21}`).Draw(t, "reference"))
		ogm := OGM(rapid.Int64Range(0, maxOGM).Draw(t, "n"))
		if bad := changeDigit(t, rf); ValidRF(bad) || slices.Contains(FindReferences(PrintRF(bad)), bad) {
			t.Fatalf("%q became %q and is still valid", rf, bad)
		}
		if bad := changeDigit(t, ogm); ValidOGM(bad) || FindReferences(PrintOGM(bad)) != nil {
			t.Fatalf("%q became %q and is still valid", ogm, bad)
		}
	})
}

// changeDigit replaces one digit of s by another.
func changeDigit(t *rapid.T, s string) string {
	var at []int
	for i := range len(s) {
		if isDigit(s[i]) {
			at = append(at, i)
		}
	}
	i := rapid.SampledFrom(at).Draw(t, "at")
	d := (s[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10 + '0'
	return s[:i] + string(d) + s[i+1:]
}

// FuzzFindReferences: whatever the text, each answer passes its own check and stands in the text.
func FuzzFindReferences(f *testing.F) {
	for _, s := range []string{"RF18 5390 0754 7034", "+++123/4567/89002+++", "5000 0567 8901 2345", "RFRF\xff18", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		chars, _ := squeeze(text)
		for _, s := range FindReferences(text) {
			if !ValidRF(s) && !ValidOGM(s) && !ValidKenmerk(s) || !strings.Contains(chars, s) {
				t.Fatalf("%q in %q", s, text)
			}
		}
	})
}

func BenchmarkValidRF(b *testing.B) {
	for b.Loop() {
		ValidRF("RF18539007547034")
	}
}

func BenchmarkFindReferences(b *testing.B) {
	for b.Loop() {
		FindReferences("RF18 5390 0754 7034 factuur 2026-0001 van J. de Vries")
	}
}
