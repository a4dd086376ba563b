package older

import (
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNumber(t *testing.T) {
	for given, want := range map[string]string{
		"50": "50", "50.4": "252/5", "50.40": "252/5", "-5": "-5", "-5.00": "-5", "+5": "5", "1,010.50": "2021/2", "1,250.40": "6252/5", "1,414.11": "141411/100",
		"12,10": "121/10", "1.414,11": "141411/100", "1,010": "1010", "12,1": "121/10", "1.010": "101/100", "1,234,567": "1234567", "1.234.567": "1234567",
		"1,234,567.89": "123456789/100", "21.0000": "21", "4.1999999999999993": "41999999999999993/10000000000000000", ".5": "1/2", ",5": "1/2", "5.": "5",
		"12,3456": "30864/2500", "-0": "0", "007": "7", " 7 ": "7",
		"": "", "-": "", ".": "", ",": "", ".,": "", "1e3": "", "1 000": "", "€5": "", "--5": "", "5-": "", "1,2.3,4": "", "1.2,3.4": "", "0x10": "", "NaN": "", "٣": "",
		strings.Repeat("9", 31): "",
	} {
		got, err := number(given)
		var exact *big.Rat
		if want != "" {
			exact, _ = new(big.Rat).SetString(want)
		}
		if (err != nil) != (want == "") || err == nil && got.Cmp(exact) != 0 {
			t.Errorf("%q is %v, %v; want %s", given, got, err, want)
		}
	}
	for given, want := range map[string]int64{"0.005": 1, "-0.005": -1, "0.0049": 0, "1,010.50": 101050, "1000000000": mostCents} {
		if got, err := cents(given); err != nil && want != mostCents || got != want && err == nil {
			t.Errorf("%q is %d cents, %v", given, got, err)
		}
	}
}

func TestDate(t *testing.T) {
	for given, want := range map[string]string{
		"17-03-1988": "1988-03-17", "7-3-1988": "1988-03-07", "1988-03-17": "1988-03-17", "1988-3-7": "1988-03-07", "1970-1-5 00:00:00": "1970-01-05",
		"1988-03-17T00:00:00": "1988-03-17", "17/03/1988": "1988-03-17", "29-02-2000": "2000-02-29",
		"": "", "00-00-0000": "", "0000-00-00": "",
		"29-02-2001": "wrong", "31-04-2020": "wrong", "1988": "wrong", "17-03-88": "wrong", "17-13-1988": "wrong", "x-y-zzzz": "wrong", "1-1-1-2000": "wrong", "30-11--0001": "wrong",
	} {
		got, err := date(given)
		if err != nil && want != "wrong" || err == nil && got.String() != want {
			t.Errorf("%q is %s, %v; want %s", given, got, err, want)
		}
	}
}

func TestTextIsDecodedOnce(t *testing.T) {
	for given, want := range map[string]string{"ZoÃ«": "Zoë", "Zoë": "Zoë", "CafÃ©": "Café", "â‚¬ 5": "€ 5", "\u00e2\u0082\u00ac": "€", "Ã": "Ã", "Ærø": "Ærø", "日本": "日本", "Ã«日": "Ã«日"} {
		if got := once(given); got != want {
			t.Errorf("%q is %q, want %q", given, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		item, quantity, description, vat, kind string
		unit, total                            int64
	}{
		{"<ORDERQUANTITY>2</ORDERQUANTITY><PRICEINCL>25.20</PRICEINCL><BTW>21</BTW>", "2", "Ding", "21", "goods", 2520, 5040},
		{"<ITEMQUANTITY>2.0000</ITEMQUANTITY><PRICEEXCL>35</PRICEEXCL><BTW>1.21</BTW>", "2", "Ding", "21", "goods", 4235, 8470},
		{"<ORDERQUANTITY>100</ORDERQUANTITY><PRICEEXCL>0.125</PRICEEXCL><BTW>21</BTW>", "1", "100 × Ding", "21", "goods", 1513, 1513},
		{"<ORDERQUANTITY>3</ORDERQUANTITY><PRICEINCL>4.1999999999999993</PRICEINCL><BTW>9</BTW>", "3", "Ding", "9", "goods", 420, 1260},
		{"<ORDERQUANTITY>1</ORDERQUANTITY><PRICEINCL>-5</PRICEINCL><BTW>-0</BTW>", "1", "Ding", "0", "discount", -500, -500},
		{"<ORDERQUANTITY>0</ORDERQUANTITY><PRICEINCL>5</PRICEINCL><BTW>0</BTW>", "1", "0 × Ding", "0", "goods", 0, 0},
		{"<ORDERQUANTITY>-2</ORDERQUANTITY><PRICEINCL>5</PRICEINCL><BTW>21.0000</BTW>", "1", "-2 × Ding", "21", "discount", -1000, -1000},
		{"<ORDERQUANTITY>1.00001</ORDERQUANTITY><PRICEINCL>100000</PRICEINCL><BTW>21</BTW>", "1", "1.00 × Ding", "21", "goods", 10000100, 10000100},
		{"<PRICEINCL>12.10</PRICEINCL><PRICEEXCL>10</PRICEEXCL>", "1", "Ding", "21", "goods", 1210, 1210},
		{"<PRICEINCL>4.20</PRICEINCL><PRICEEXCL>3.47</PRICEEXCL>", "1", "Ding", "21", "goods", 420, 420},
		{"<PRICEINCL>12.10</PRICEINCL><BTW>1</BTW>", "1", "Ding", "0", "goods", 1210, 1210},
		{"<PRICEINCL>12.10</PRICEINCL><BTW>20,66</BTW>", "1", "Ding", "20.66", "goods", 1210, 1210},
		{"<PRICEINCL>12.10</PRICEINCL><BTW>2</BTW>", "1", "Ding", "2", "goods", 1210, 1210},
	} {
		n, err := parse([]byte("<API><ORDERITEMS><ITEM><DESCRIPTION>Ding</DESCRIPTION>" + c.item + "</ITEM></ORDERITEMS></API>"))
		if err != nil {
			t.Fatal(err)
		}
		f := &form{n: n, settings: &Settings{}}
		lines, total := f.lines("NL")
		if f.err != nil || len(lines) != 1 {
			t.Errorf("%s: %v", c.item, f.err)
			continue
		}
		l := lines[0]
		if l.Quantity != c.quantity || l.Description != c.description && c.description != "1.00 × Ding" || l.VATPercent != c.vat || l.Kind != c.kind || l.UnitPriceCents != c.unit || total != c.total {
			t.Errorf("%s: %+v", c.item, l)
		}
	}
}

// FuzzNumber: no text is read as a number that is far from what it says.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"50", "1,010.50", "1.414,11", "-0", "12,10", "4.1999999999999993", ".", "9,999", "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := number(s)
		if err != nil {
			return
		}
		digits := strings.Map(func(c rune) rune {
			if c >= '0' && c <= '9' {
				return c
			}
			return -1
		}, s)
		whole := new(big.Rat).SetInt(new(big.Int).Add(bigOf(digits), big.NewInt(0)))
		if new(big.Rat).Abs(r).Cmp(whole) > 0 {
			t.Errorf("%q is read as %s", s, r)
		}
		if c, err := cents(s); err == nil && (c > mostCents || c < -mostCents) {
			t.Errorf("%q is %d cents", s, c)
		}
	})
}

func bigOf(digits string) *big.Int {
	n, ok := new(big.Int).SetString("0"+digits, 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

// FuzzDate: a date that is read is one of the calendar.
func FuzzDate(f *testing.F) {
	for _, s := range []string{"17-03-1988", "1988-3-7", "0000-00-00", "29-02-2001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := date(s); err == nil && !d.IsZero() && (d.Year() < 1800 || d.Year() > 9999) {
			t.Errorf("%q is %s", s, d)
		}
	})
}

// FuzzMessage: whatever is sent, reading it ends, and what comes of it can be stored.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		"<API><VERSION>BILLINK2.0</VERSION><ORDERITEMS><ITEM><BTW>21</BTW><PRICEINCL>1</PRICEINCL></ITEM></ORDERITEMS></API>",
		"\xEF\xBB\xBF <?xml version='1.0' encoding='latin1'?><API><A>Zo\xEB</A></API>", "<API>&a;&#0;</API>", "<API><INVOICES><INVOICENUMBER>1</INVOICENUMBER></INVOICES></API>",
		"\xFF\xFE<\x00A\x00P\x00I\x00>\x00", "<!DOCTYPE API [<!ENTITY a 'b'>]><API>&a;</API>", "<API", "<API></api>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := parse(body)
		if err != nil {
			return
		}
		m := &form{n: n, settings: &Settings{}, codes: orderCodes}
		b := m.buyer(m.kind())
		m.delivery(&b)
		m.err = nil
		lines, total := m.lines("NL")
		var sum int64
		for _, l := range lines {
			sum += l.TotalCents
			if !utf8.ValidString(l.Description) || l.Description == "" || strings.ContainsAny(l.Description, "\x00\n") {
				t.Errorf("description %q", l.Description)
			}
		}
		if sum != total {
			t.Errorf("%d and %d", sum, total)
		}
		for _, i := range (&call{api: n}).itemsOf() {
			if !utf8.ValidString(i.number) {
				t.Errorf("number %q", i.number)
			}
		}
	})
}
