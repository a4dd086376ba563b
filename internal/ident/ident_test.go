package ident

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// form is a row of a table over one of the normalising functions; want "" is an error.
type form struct{ country, in, want string }

func check(t *testing.T, name string, f func(country, s string) (string, error), rows []form) {
	t.Helper()
	for _, r := range rows {
		got, err := f(r.country, r.in)
		switch {
		case got != r.want || (err == nil) != (r.want != ""):
			t.Errorf("%s(%q, %q) = %q, %v; want %q", name, r.country, r.in, got, err, r.want)
		case err != nil && r.in != "" && strings.Contains(err.Error(), r.in):
			t.Errorf("%s: the error repeats %q", name, r.in)
		case err == nil:
			if again, err := f(r.country, got); err != nil || again != got {
				t.Errorf("%s(%q) again = %q, %v", name, got, again, err)
			}
		}
	}
}

// plain adapts a function that needs no country.
func plain(f func(string) (string, error)) func(string, string) (string, error) {
	return func(_, s string) (string, error) { return f(s) }
}

func TestIBAN(t *testing.T) {
	check(t, "IBAN", plain(IBAN), []form{
		{"", "NL91ABNA0417164300", "NL91ABNA0417164300"},
		{"", " nl91 abna 0417 1643 00\u00a0", "NL91ABNA0417164300"},
		{"", "NL20INGB0001234567", "NL20INGB0001234567"},
		{"", "NL39RABO0300065264", "NL39RABO0300065264"},
		{"", "BE68539007547034", "BE68539007547034"},
		{"", "BE71-0961-2345-6769", "BE71096123456769"},
		{"", "DE89370400440532013000", "DE89370400440532013000"},
		{"", "FR1420041010050500013M02606", "FR1420041010050500013M02606"},
		{"", "NL92ABNA0417164300", ""},
		{"", "BE68539007547035", ""},
		{"", "NL91ABNA041716430", ""},
		{"", "NL91ABNA0417164300é", ""},
		{"", "XX91ABNA0417164300", ""},
		{"", "", ""},
	})
	for in, want := range map[string]string{"BE68539007547034": "BE", "": "", "1": "", "12": "", "be": ""} {
		if got := IBANCountry(in); got != want {
			t.Errorf("IBANCountry(%q) = %q", in, got)
		}
	}
	if got := PrintIBAN("NL91ABNA0417164300"); got != "NL91 ABNA 0417 1643 00" {
		t.Errorf("PrintIBAN = %q", got)
	}
}

func TestBIC(t *testing.T) {
	check(t, "BIC", plain(BIC), []form{
		{"", "ABNANL2A", "ABNANL2A"},
		{"", "abnanl2axxx", "ABNANL2AXXX"},
		{"", "INGBNL2A", "INGBNL2A"},
		{"", "ABNA1L2A", ""},
		{"", "ABNAQQ2A", ""},
		{"", "ABNANL2AX", ""},
		{"", "ABNANL2", ""},
		{"", "", ""},
	})
}

func TestElfproef(t *testing.T) {
	account := []int{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	for s, want := range map[string]bool{"041716430": false, "041716430A": false, "0417164300": true, "0300065264": true, "0123456789": true, "0001234567": false} {
		if elfproef(s, account...) != want {
			t.Errorf("elfproef(%q) is not %v", s, want)
		}
	}
	for s, want := range map[string]bool{"123456782": true, "111222333": true, "123456789": false, "000000000": false} {
		if validRSIN(s) != want {
			t.Errorf("validRSIN(%q) is not %v", s, want)
		}
	}
}

func TestVATID(t *testing.T) {
	check(t, "VATID", plain(VATID), []form{
		{"", "NL000099998B57", "NL000099998B57"},
		{"", "NL123456789B13", "NL123456789B13"},
		{"", "nl 1234.56.782.B90", "NL123456782B90"},
		{"", "NL004495445B01", "NL004495445B01"},
		{"", "NL123456789B01", ""},
		{"", "NL123456782C90", ""},
		{"", "NL12345678B90", ""},
		{"", "BE 0202.239.951", "BE0202239951"},
		{"", "BE202239951", "BE0202239951"},
		{"", "BE0403.019.262", ""},
		{"", "BE2202239951", ""},
		{"", "DE136695976", "DE136695976"},
		{"", "DE136695978", ""},
		{"", "DE036695976", ""},
		{"", "FR83404833048", "FR83404833048"},
		{"", "FR84404833048", ""},
		{"", "FRK7404833048", "FRK7404833048"},
		{"", "FRO7404833048", ""},
		{"", "LU10000356", "LU10000356"},
		{"", "LU1000035", ""},
		{"", "GB123456789", ""},
		{"", "NL", ""},
		{"", "", ""},
	})
}

func TestRegistrationNumber(t *testing.T) {
	check(t, "RegistrationNumber", RegistrationNumber, []form{
		{"NL", "1234 5678", "12345678"},
		{"NL", "1234567", ""},
		{"NL", "1234567A", ""},
		{"BE", "0202.239.951", "0202239951"},
		{"BE", "0403.019.261", "0403019261"},
		{"BE", "1027.454.187", "1027454187"},
		{"BE", "1000.000.021", "1000000021"},
		{"BE", "0123.456.749", "0123456749"},
		{"BE", "BE 202.239.951", "0202239951"},
		{"BE", "0403.019.262", ""},
		{"BE", "1000.000.012", ""},
		{"FR", "404 833 048", "404833048"},
		{"FR", "404 833 048 00022", "40483304800022"},
		{"FR", "404 833 04", ""},
		{"LU", "B 123456", "B123456"},
		{"LU", "123456", ""},
		{"DE", "München, HRB 12345 B", "MUNCHEN HRB 12345 B"},
		{"DE", "HRB", ""},
		{"DE", "1" + strings.Repeat("A", 59), "1" + strings.Repeat("A", 59)},
		{"DE", "1" + strings.Repeat("A", 60), ""},
		{"GB", "12345678", ""},
		{"NL", "", ""},
	})
}

// TestGermanCheckDigit: our rule is that of ISO 7064, mod 11,10, in the words of the standard.
func TestGermanCheckDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.StringMatching(`[1-9][0-9]{8}`).Draw(t, "number")
		p, sum := 10, 0
		for _, c := range n {
			sum = p%11 + int(c-'0')
			if p = 2 * (sum % 10); p == 0 {
				p = 20
			}
		}
		if want := sum%10 == 1; validDE(n) != want {
			t.Fatalf("%s is not %v", n, want)
		}
	})
}

func TestPostcode(t *testing.T) {
	check(t, "Postcode", Postcode, []form{
		{"NL", "1012 LG", "1012LG"},
		{"NL", "1012LG", "1012LG"},
		{"NL", "1012 lg", "1012LG"},
		{"NL", "9999 ZZ", "9999ZZ"},
		{"NL", "NL-1012 LG", "1012LG"},
		{"NL", "0123 AB", ""},
		{"NL", "1012 SS", ""},
		{"NL", "1012 SA", ""},
		{"NL", "1012 SD", ""},
		{"NL", "10123 AB", ""},
		{"NL", "N-1012 LG", ""},
		{"BE", "1000", "1000"},
		{"BE", "B-1000", "1000"},
		{"BE", "0999", ""},
		{"BE", "10000", ""},
		{"LU", "L-1234", "1234"},
		{"DE", "01067", "01067"},
		{"DE", "D-10115", "10115"},
		{"DE", "1067", ""},
		{"FR", "75 001", "75001"},
		{"FR", "7500A", ""},
		{"GB", "10115", ""},
		{"", "-10115", ""},
		{"NL", "", ""},
	})
	if got := PrintPostcode("NL", "1012LG"); got != "1012 LG" {
		t.Errorf("NL prints %q", got)
	}
	for _, tc := range []form{{"BE", "1000", "1000"}, {"NL", "1012", "1012"}, {"GB", "SW1A1A", "SW1A1A"}} {
		if got := PrintPostcode(tc.country, tc.in); got != tc.want {
			t.Errorf("%s prints %q", tc.country, got)
		}
	}
}

func TestHouseNumber(t *testing.T) {
	for _, tc := range []struct {
		in     string
		number int
		suffix string
		ok     bool
	}{
		{"10", 10, "", true},
		{" 10 bis ", 10, "bis", true},
		{"123-A", 123, "A", true},
		{"5 III", 5, "III", true},
		{"12 bus 3", 12, "bus 3", true},
		{"12/3", 12, "3", true},
		{"99999", 99999, "", true},
		{"100000", 0, "", false},
		{"0", 0, "", false},
		{"A10", 0, "", false},
		{"", 0, "", false},
		{"1\x00", 0, "", false},
		{"1 " + strings.Repeat("a", 21), 0, "", false},
	} {
		number, suffix, err := HouseNumber(tc.in)
		if number != tc.number || suffix != tc.suffix || (err == nil) != tc.ok {
			t.Errorf("HouseNumber(%q) = %d, %q, %v", tc.in, number, suffix, err)
		}
	}
}

func TestSuffixKey(t *testing.T) {
	for _, tc := range []struct {
		country string
		parts   []string
		want    string
	}{
		{"NL", nil, ""},
		{"NL", []string{"bis"}, "BIS"},
		{"NL", []string{"A", "-2"}, "A2"},
		{"NL", []string{"a-2"}, "A2"},
		{"NL", []string{"bus 3"}, "BUS3"},
		{"BE", []string{"bus 3"}, "3"},
		{"BE", []string{"Boîte 3"}, "3"},
		{"BE", []string{"bte3"}, "3"},
		{"BE", []string{"A", "bus 3"}, "A3"},
		{"BE", []string{"3"}, "3"},
		{"BE", []string{"bus"}, "BUS"},
		{"BE", []string{"bus A"}, "BUSA"},
	} {
		if got := SuffixKey(tc.country, tc.parts...); got != tc.want {
			t.Errorf("SuffixKey(%q, %q) = %q, want %q", tc.country, tc.parts, got, tc.want)
		}
	}
}

func TestSplitStreet(t *testing.T) {
	for _, tc := range []struct {
		line, street string
		number       int
		suffix       string
	}{
		{"Oudegracht 10 bis", "Oudegracht", 10, "bis"},
		{"Laan van Meerdervoort 123-A", "Laan van Meerdervoort", 123, "A"},
		{"2e Kostverlorenkade 5 III", "2e Kostverlorenkade", 5, "III"},
		{" Dorpsstraat  1 ", "Dorpsstraat", 1, ""},
		{"Plein 1940 12", "", 0, ""},
		{"Plein 1940", "Plein", 1940, ""}, // a person writes a number, so this is one
		{"Straße des 17. Juni 135", "", 0, ""},
		{"Dorpsstraat 1 achter de kerk", "", 0, ""},
		{"Dorpsstraat", "", 0, ""},
		{"10 Downing Street", "", 0, ""},
		{"", "", 0, ""},
	} {
		street, number, suffix, ok := SplitStreet(tc.line)
		if street != tc.street || number != tc.number || suffix != tc.suffix || ok != (tc.street != "") {
			t.Errorf("SplitStreet(%q) = %q, %d, %q, %v", tc.line, street, number, suffix, ok)
		}
	}
}

func TestEmail(t *testing.T) {
	check(t, "Email", plain(Email), []form{
		{"", "jan.devries@example.nl", "jan.devries@example.nl"},
		{"", "  Jan.deVries@EXAMPLE.nl\n", "Jan.deVries@example.nl"},
		{"", "jan+shop@sub.example.co", "jan+shop@sub.example.co"},
		{"", "jörg@müller.example", "jörg@müller.example"},
		{"", "jo\u0308rg@example.nl", "jörg@example.nl"},
		{"", strings.Repeat("a", 64) + "@example.nl", strings.Repeat("a", 64) + "@example.nl"},
		{"", strings.Repeat("a", 65) + "@example.nl", ""},
		{"", "a@" + strings.Repeat("a.", 130) + "nl", ""},
		{"", "a@" + strings.Repeat("a.", 125) + "n", "a@" + strings.Repeat("a.", 125) + "n"},
		{"", "a@" + strings.Repeat("b", 63) + ".nl", "a@" + strings.Repeat("b", 63) + ".nl"},
		{"", "a@" + strings.Repeat("b", 64) + ".nl", ""},
		{"", "jan€@example.nl", ""},
		{"", "jan", ""},
		{"", "@example.nl", ""},
		{"", "jan@", ""},
		{"", "jan@localhost", ""},
		{"", "jan@example..nl", ""},
		{"", "jan@-example.nl", ""},
		{"", "jan@example.123", ""},
		{"", ".jan@example.nl", ""},
		{"", "jan.@example.nl", ""},
		{"", "jan..d@example.nl", ""},
		{"", "jan d@example.nl", ""},
		{"", "jan\r\nBcc: x@example.nl", ""},
		{"", "jan\x00@example.nl", ""},
		{"", "jan@example.nl\u200b", ""},
		{"", "jan@exam\xffple.nl", ""},
		{"", "<jan@example.nl>", ""},
		{"", "\"jan\"@example.nl", ""},
		{"", "jan@a@example.nl", ""},
		{"", "", ""},
	})
	if got := EmailKey("Jan.deVries@example.nl"); got != "jan.devries@example.nl" {
		t.Errorf("EmailKey = %q", got)
	}
}

func TestPhone(t *testing.T) {
	check(t, "Phone", Phone, []form{
		{"NL", "+31612345678", "+31612345678"},
		{"NL", "0612345678", "+31612345678"},
		{"NL", " 06-12 34 56 78 ", "+31612345678"},
		{"NL", "0031 6 12345678", "+31612345678"},
		{"NL", "+31 (0)6 12345678", "+31612345678"},
		{"NL", "+310612345678", "+31612345678"},
		{"NL", "010 123 4567", "+31101234567"},
		{"BE", "0470 12 34 56", "+32470123456"},
		{"BE", "02 123 45 67", "+3221234567"},
		{"BE", "+32 (0)470 12 34 56", "+32470123456"},
		{"BE", "04 223 45 67", "+3242234567"},
		{"NL", "088 123 45 67", "+31881234567"},
		{"NL", "0800-1234", "+318001234"},
		{"NL", "06.12.34.56.78", "+31612345678"},
		{"NL", "010/1234567", "+31101234567"},
		{"NL", "(010) 1234567", "+31101234567"},
		{"NL", "0812345678", ""},
		{"BE", "0612345678", ""},
		{"BE", "0412345678", ""},
		{"FR", "0012345678", ""},
		{"NL", "0032470123456", "+32470123456"},
		{"DE", "030 1234567", "+49301234567"},
		{"FR", "01 23 45 67 89", "+33123456789"},
		{"LU", "621 123 456", "+352621123456"},
		{"NL", "+12125550123", "+12125550123"},
		{"", "+31612345678", "+31612345678"},
		{"", "0612345678", ""},
		{"NL", "112", ""},
		{"NL", "061234567", ""},
		{"NL", "06123456789", ""},
		{"NL", "+3161234567", ""},
		{"NL", "+999123456789", ""},
		{"NL", "+1234567890123456", ""},
		{"NL", "06\x0012345678", ""},
		{"NL", strings.Repeat("0", 41), ""},
		{"NL", "bel mij", ""},
		{"NL", "", ""},
	})
}

// TestPhoneNotation: however a number is written, it is the same number.
func TestPhoneNotation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom([]string{"NL", "BE", "FR", "DE", "LU"}).Draw(t, "country")
		typed := rapid.StringMatching(`0[1-9][0-9]{6,9}`).Draw(t, "typed")
		e, err := Phone(country, typed)
		if err != nil {
			return
		}
		for _, s := range []string{e, "00" + e[1:], e[:3] + " " + e[3:], typed[:3] + "-" + typed[3:]} {
			if got, err := Phone(country, s); err != nil || got != e {
				t.Fatalf("%s in %s is %s, but %s is %s, %v", typed, country, e, s, got, err)
			}
		}
	})
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"J. de Vries":             "j de vries",
		"  Jean-Pierre   D'Arcy ": "jean pierre darcy",
		"Müller":                  "muller",
		"Mu\u0308ller":            "muller",
		"Strauß":                  "strauss",
		"STRAUSS":                 "strauss",
		"Søren Łukasz Æsop":       "soren lukasz aesop",
		"Đorđe Þórður Guðrún Œuf": "dorde thordur gudrun oeuf",
		"İpek Işık":               "ipek isik",
		"Γιώργος":                 "γιωργοσ",
		"ΓΙΏΡΓΟΣ":                 "γιωργοσ",
		"ĳsbrand":                 "ijsbrand",
		"’t Hart":                 "t hart",
		"김철수":                     "김철수",
		"A\u200bB":                "ab",
		"...":                     "",
		"":                        "",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMasks(t *testing.T) {
	for _, tc := range []struct {
		mask     func(string) string
		in, want string
	}{
		{MaskIBAN, "NL91ABNA0417164300", "NL************4300"},
		{MaskIBAN, "NL91 ABNA 0417 1643 00", "NL************4300"},
		{MaskIBAN, "Jan de Vries, Utrecht", "****"},
		{MaskIBAN, "Burgemeesterstraat", "****"},
		{MaskIBAN, "NL91", "****"},
		{MaskEmail, "jan.devries@example.nl", "j***@example.nl"},
		{MaskEmail, "j@example.nl", "***@example.nl"},
		{MaskEmail, "écrire@example.nl", "é***@example.nl"},
		{MaskEmail, "jan.devries", "****"},
		{MaskEmail, "@jan", "****"},
		{MaskEmail, "a@b c", "****"},
		{MaskPhone, "+31612345678", "+316*****678"},
		{MaskPhone, "0612345678", "****"},
		{MaskPhone, "+31612", "****"},
		{MaskPostcode, "1012 AB", "10**"},
		{MaskPostcode, "1000", "10**"},
		{MaskPostcode, "AB12", "****"},
		{MaskPostcode, "", "****"},
	} {
		if got := tc.mask(tc.in); got != tc.want {
			t.Errorf("mask of %q is %q, want %q", tc.in, got, tc.want)
		}
	}
}

// FuzzNormalForms: every normal form is a fixed point and no input stops us.
func FuzzNormalForms(f *testing.F) {
	for _, s := range []string{"NL91 ABNA 0417 1643 00", "Jan@Example.NL", "06-12345678", "B-1000", "BE202239951", "Ǆ ﬁ İ ẞ", "10 bis", "\xff"} {
		f.Add("NL", s)
		f.Add("BE", s)
	}
	forms := map[string]func(string, string) (string, error){
		"IBAN": plain(IBAN), "BIC": plain(BIC), "VATID": plain(VATID), "Email": plain(Email),
		"RegistrationNumber": RegistrationNumber, "Postcode": Postcode, "Phone": Phone,
		"Fold":        plain(func(s string) (string, error) { return Fold(s), nil }),
		"NormaliseRF": plain(func(s string) (string, error) { return NormaliseRF(s), nil }),
		"SuffixKey":   func(c, s string) (string, error) { return SuffixKey("NL", s), nil },
	}
	f.Fuzz(func(t *testing.T, country, s string) {
		for name, form := range forms {
			once, err := form(country, s)
			if err != nil {
				continue
			}
			if twice, err := form(country, once); err != nil || twice != once {
				t.Fatalf("%s(%q, %q) = %q, and again %q, %v", name, country, s, once, twice, err)
			}
		}
		MaskIBAN(s)
		MaskEmail(s)
		MaskPhone(s)
		MaskPostcode(s)
		SplitStreet(s)
	})
}

func BenchmarkPhone(b *testing.B) {
	for _, s := range []string{"+31612345678", "06-12345678"} {
		b.Run(s, func(b *testing.B) {
			for b.Loop() {
				Phone("NL", s)
			}
		})
	}
}

func BenchmarkFold(b *testing.B) {
	for b.Loop() {
		Fold("Jean-Pierre de Vries")
	}
}

func BenchmarkIBAN(b *testing.B) {
	for b.Loop() {
		IBAN("NL91ABNA0417164300")
	}
}
