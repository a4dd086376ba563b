package invoices_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
)

var update = flag.Bool("update", false, "rewrite the documents in testdata")

var allLanguages = []string{"nl", "fr", "en", "de"}

// printer is a world whose documents bear an operator's name.
type printer struct {
	*world
	clerk *invoices.Clerk
}

func newPrinter(t testing.TB, d *db.DB) *printer {
	t.Helper()
	p := &printer{world: newWorld(t, d)}
	var err error
	p.clerk, err = invoices.NewClerk(p.desk, merchants.Operator{Name: "Achteraf Voorbeeld", LegalName: "Achteraf Voorbeeld B.V.", Street: "Voorbeeldkade",
		HouseNumber: "1", Postcode: "1234AB", City: "Voorbeeld", Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", VATPercent: "21",
		Email: "service@achteraf.example", Phone: "+31201234567", ClientIBAN: "NL20ACHT0000000001", AccountName: "Stichting Derdengelden Achteraf Voorbeeld"})
	if err != nil {
		t.Fatal(err)
	}
	p.world.clerk = p.clerk // it issues as well
	return p
}

// sell places an order of a buyer of its own, with a payment reference that is the same on every run.
func (p *printer) sell(language string, edit func(*invoices.Request)) *invoices.Outcome {
	p.t.Helper()
	n := p.n
	o := p.place(func(r *invoices.Request) {
		r.Buyer.Email, r.Buyer.Phone, r.Buyer.Language = fmt.Sprintf("b%d@example.org", n), fmt.Sprintf("+316%08d", n), language
		r.Buyer.Address.HouseNumber = fmt.Sprint(10 + n)
		if edit != nil {
			edit(r)
		}
	})
	if o.Order == nil {
		p.t.Fatalf("the order was %s", o.Decision.Class)
	}
	p.write(func(tx *db.Tx) error {
		reference, err := orders.Reference(o.Order.Country, 2_000_000_000+int64(n))
		if err != nil {
			return err
		}
		o.Order.PaymentReference = reference
		_, err = tx.Exec(context.Background(), `update orders set payment_reference = $2 where id = $1`, o.Order.ID, reference)
		return err
	})
	return o
}

func (p *printer) document(o *invoices.Outcome) string {
	p.t.Helper()
	var out []byte
	p.read(func(tx *db.Tx) (err error) {
		out, err = p.clerk.Document(context.Background(), tx, o.Order.Merchant, o.Invoice.ID)
		return err
	})
	return string(out)
}

func (p *printer) credit(o *invoices.Outcome, ask invoices.CreditAsk) (n invoices.Credit) {
	p.t.Helper()
	ask.Merchant, ask.Order = o.Order.Merchant, o.Order.ID
	p.write(func(tx *db.Tx) (err error) {
		n, err = p.clerk.Credit(context.Background(), tx, ask)
		return err
	})
	return n
}

func (p *printer) creditDocument(n invoices.Credit) string {
	p.t.Helper()
	var out []byte
	p.read(func(tx *db.Tx) (err error) {
		out, err = p.clerk.CreditDocument(context.Background(), tx, n.Merchant, n.ID)
		return err
	})
	return string(out)
}

// pay brings money for an order, without the bank.
func (p *printer) pay(o *invoices.Outcome, cents int64) {
	p.t.Helper()
	p.write(func(tx *db.Tx) error {
		now, err := orders.One(context.Background(), tx, o.Order.Merchant, o.Order.ID)
		if err != nil {
			return err
		}
		_, err = p.clerk.Apply(context.Background(), tx, []invoices.Money{{Order: now, Cents: cents, By: "bl_test"}})
		return err
	})
}

var sheet = regexp.MustCompile(`(?s)<style>.*</style>`)

// golden compares a document with the one in testdata, but for its style sheet.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = sheet.ReplaceAllString(got, "<style>…</style>")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what it was; run the test with -update and read the difference\n%s", path, got)
	}
}

// basket is an order of several things at two rates, with a discount.
func basket(r *invoices.Request) {
	r.Order.Lines = []orders.Line{
		{Reference: "TR-39", Kind: "goods", Description: "Trailschoenen Veldpad, maat 39", Quantity: "1", UnitPriceCents: 79_95, VATPercent: "21"},
		{Reference: "SOK-2", Kind: "goods", Description: "Wollen sokken", Quantity: "2", UnitPriceCents: 7_50, VATPercent: "21"},
		{Reference: "BK-1", Kind: "goods", Description: "Boek: Buiten lopen", Quantity: "1", UnitPriceCents: 12_00, VATPercent: "9"},
		{Kind: "shipping", Description: "Verzending", Quantity: "1", UnitPriceCents: 4_95, VATPercent: "21"},
		{Kind: "discount", Description: "Korting HERFST10", Quantity: "1", UnitPriceCents: -10_00, VATPercent: "21"},
	}
	r.Order.TotalCents = 101_90
}

func belgian(r *invoices.Request) {
	basket(r)
	r.Order.TermsVersion = "2026-01"
	r.Buyer.Name = buyers.Name{First: "Noor", Last: "Peeters"}
	r.Buyer.Address = buyers.Address{Street: "Kerkstraat", HouseNumber: r.Buyer.Address.HouseNumber, HouseNumberSuffix: "bus 3", Postcode: "1000", City: "Brussel", Country: "BE"}
}

func business(r *invoices.Request) {
	address := r.Buyer.Address
	email, language := r.Buyer.Email, r.Buyer.Language
	r.Buyer = company()
	r.Buyer.Address, r.Buyer.Email, r.Buyer.Language = address, email, language
	r.Buyer.Phone = ""
	r.Buyer.Company.VATID = "NL000099998B57"
	r.Buyer.Company.RegistrationNumber = "9000" + fmt.Sprintf("%04s", address.HouseNumber)
	r.Order.Prices = orders.ExclVAT
	r.Order.Lines = []orders.Line{
		{Reference: "KB-7", Kind: "goods", Description: "Kabel, per meter", Quantity: "12.75", UnitPriceCents: 3_99, VATPercent: "21"},
		{Reference: "INST", Kind: "fee", Description: "Aansluiten", Quantity: "1", UnitPriceCents: 1250_00, VATPercent: "21"},
	}
	r.Order.TotalCents = 1574_05
	r.Order.Remark = orders.Remark{Note: "PO 4471 <Tuin & Zn>", Customer: "C-1", Notes: []string{"geheim"}, CopyTo: "kopie@example.org"}
}

// TestDocuments: what buyers read, in all languages.
func TestDocuments(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPrinter(t, d).withPages()
		guaranteed := merchants.StandardContract()
		guaranteed.Model = merchants.Guaranteed
		_, second := p.addShop("second", guaranteed)
		consumers, abroad, firms := map[string]*invoices.Outcome{}, map[string]*invoices.Outcome{}, map[string]*invoices.Outcome{}
		for _, l := range allLanguages {
			consumers[l] = p.sell(l, basket)
			abroad[l] = p.sell(l, func(r *invoices.Request) { belgian(r); r.Credential = second })
			firms[l] = p.sell(l, business)
			p.credit(abroad[l], invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}}, Reason: "cancellation"})
			p.pay(abroad[l], 50_00)
		}
		for _, l := range allLanguages {
			golden(t, "preview."+l+".html", p.document(consumers[l]))
		}
		p.advance(3)
		for _, l := range allLanguages {
			golden(t, "consumer."+l+".html", p.document(consumers[l]))
			golden(t, "belgian."+l+".html", p.document(abroad[l]))
			golden(t, "company."+l+".html", p.document(firms[l]))
			p.pay(consumers[l], 90_00)
			n := p.credit(consumers[l], invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}, {Line: 3, Quantity: "1"}}, Reason: "return"})
			golden(t, "credit."+l+".html", p.creditDocument(n))
			golden(t, "consumer."+l+".html", p.document(consumers[l])) // nothing that comes later changes an invoice
		}
	})
}

// TestDocumentElements: every element of the invoice (S-INV-06) that needs no picture, and what the law wants (Wet OB art. 35a).
func TestDocumentElements(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite")).withPages()
	o := p.sell("nl", basket)
	p.advance(3)
	v := p.invoice(o)
	text := plain(p.document(o))
	for what, want := range map[string]string{
		"number":            "Factuur " + v.Number,
		"amount":            "Bedrag €\u00a0101,90",
		"due date":          "uiterlijk vrijdag 11\u00a0december 2026",
		"payee":             "Op naam van Stichting Derdengelden Achteraf Voorbeeld",
		"IBAN":              "IBAN NL20 ACHT 0000 0000 01",
		"payment reference": "Betalingskenmerk RF",
		"latest transfer":   "Boek daarom uiterlijk woensdag 9\u00a0december 2026 over.",
		"shop's phone":      "Telefoon +31201234567",
		"shop's mail":       "E-mail a@winkel.example",
		"operator's mail":   "E-mail service@achteraf.example",
		"seller":            "Verkoper Winkel Winkel B.V. Plein 1 1234 AB Voorbeeld Nederland",
		"seller's numbers":  "KvK-nummer 90000002 Btw-id NL000099998B57",
		"buyer":             "Koper Sanne de Vries Dorpsstraat",
		"invoice date":      "Factuurdatum 25\u00a0november 2026",
		"order date":        "Besteld op 22\u00a0november 2026",
		"order number":      "Bestelnummer van de winkel " + o.Order.Reference,
		"terms":             "Voorwaarden van de winkel versie 1",
		"line":              "Wollen sokken 2 €\u00a07,50 21% €\u00a015,00",
		"discount":          "Korting HERFST10 1 €\u00a0−10,00 21% €\u00a0−10,00",
		"high rate":         "21% €\u00a074,30 €\u00a015,60 €\u00a089,90",
		"low rate":          "9% €\u00a011,01 €\u00a00,99 €\u00a012,00",
		"rates together":    "Samen €\u00a085,31 €\u00a016,59 €\u00a0101,90",
		"creditor":          "De winkel blijft je schuldeiser. Achteraf Voorbeeld B.V. int het bedrag voor de winkel.",
		"operator":          "Achteraf Voorbeeld B.V. · Voorbeeldkade 1",
		"button":            "Betaal €\u00a0101,90",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s: %q is missing in\n%s", what, want, text)
		}
	}
	for _, strange := range []string{"verlegd", "Intracommunautair", "ZgotmplZ", "%!"} {
		if strings.Contains(text, strange) {
			t.Errorf("it says %q", strange)
		}
	}
}

var (
	tag   = regexp.MustCompile(`<[^>]*>`)
	blank = regexp.MustCompile(`[ \n]+`)
)

// plain is the text of a document as it is read out.
func plain(html string) string {
	text := tag.ReplaceAllString(sheet.ReplaceAllString(html, ""), " ")
	return strings.ReplaceAll(strings.TrimSpace(blank.ReplaceAllString(text, " ")), "&#43;", "+")
}

// TestCreditors: the document says whose the claim is.
func TestCreditors(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	for _, c := range []struct {
		model         merchants.Model
		before, after string
	}{
		{merchants.Own, "Vous payez directement au vendeur.", "Vous payez directement au vendeur."},
		{merchants.Collected, "La boutique reste votre créancier.", "La boutique reste votre créancier."},
		{merchants.Guaranteed, "cette créance est cédée à Achteraf Voorbeeld B.V. par la boutique.", "Cette créance a été cédée à Achteraf Voorbeeld B.V. par la boutique. Payez donc à Achteraf Voorbeeld B.V., et non à la boutique."},
	} {
		contract := merchants.StandardContract()
		contract.Model = c.model
		_, key := p.addShop(string(c.model), contract)
		o := p.sell("fr", func(r *invoices.Request) { belgian(r); r.Credential = key })
		if text := plain(p.document(o)); !strings.Contains(text, c.before) {
			t.Errorf("%s, planned: %s", c.model, text)
		}
		p.advance(4)
		if text := plain(p.document(o)); !strings.Contains(text, c.after) {
			t.Errorf("%s, issued: %s", c.model, text)
		}
	}
}

// TestReverseCharge: the words of the law stand where they apply and nowhere else.
func TestReverseCharge(t *testing.T) {
	const intra, reverse = "Intra-Community supply", "Reverse charge"
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	for _, c := range []struct {
		name    string
		country string
		vatID   string
		percent string
		kind    string
		want    []string
	}{
		{"goods to a Belgian company", "BE", "BE0403019261", "0", "goods", []string{intra}},
		{"a service to a Belgian company", "BE", "BE0403019261", "0", "fee", []string{reverse}},
		{"with VAT after all", "BE", "BE0403019261", "21", "goods", nil},
		{"without a VAT id", "BE", "", "0", "goods", nil},
		{"in the shop's own country", "NL", "NL000099998B57", "0", "goods", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := p.sell("en", func(r *invoices.Request) {
				business(r)
				r.Buyer.Company.VATID = c.vatID
				if c.country == "BE" {
					r.Buyer.Address.Country, r.Buyer.Address.Postcode, r.Buyer.Address.City = "BE", "1000", "Brussel"
					r.Buyer.Company.RegistrationNumber = "0403019261"
				}
				r.Order.Prices = orders.InclVAT
				r.Order.Lines = []orders.Line{{Kind: c.kind, Description: "It", Quantity: "1", UnitPriceCents: 100_00, VATPercent: c.percent}}
				r.Order.TotalCents = 100_00
			})
			text := plain(p.document(o))
			for _, words := range []string{intra, reverse} {
				if got := strings.Contains(text, words); got != slices.Contains(c.want, words) {
					t.Errorf("%q: %v\n%s", words, got, text)
				}
			}
			if net := strings.Contains(text, "€82.64 each, without VAT"); net != (c.percent == "21") {
				t.Errorf("unit price without VAT: %v\n%s", net, text)
			}
		})
	}
}

// TestHostileText: what shops and buyers write is text and nothing else.
func TestHostileText(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	long := strings.Repeat("Wolfeschlegelsteinhausen", 9)[:200]
	o := p.sell("en", func(r *invoices.Request) {
		r.Order.Reference = `"><img src=x onerror=alert(1)>`
		r.Order.Lines[0].Description = `</th><script>alert(1)</script>{{.Title}}`
		r.Buyer.Name = buyers.Name{First: "Ελένη", Last: long}
		r.Buyer.Address.Street = `Rue de l'Été & <b>Fils</b>`
	})
	html := p.document(o)
	for _, raw := range []string{"<script", "<img", "<b>", "onerror=alert(1)>"} {
		if strings.Contains(html, raw) {
			t.Errorf("%s stands in the page", raw)
		}
	}
	for _, want := range []string{"Ελένη " + long, "&lt;/th&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{.Title}}", "Rue de l&#39;Été &amp; &lt;b&gt;Fils&lt;/b&gt;"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestDocumentMarkup: one heading, landmarks, tables with heads, and nothing that is fetched or run.
func TestDocumentMarkup(t *testing.T) {
	outside := regexp.MustCompile(`(?i)<(script|link|img|iframe|object|embed|base|form)\b|\bsrc=|@import|url\(|\son[a-z]+=|\sstyle=|href="(?:[^mth]|m[^a]|t[^e]|h[^t])`)
	names, err := filepath.Glob("testdata/*.html")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d documents, %v", len(names), err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		html := string(data)
		language := strings.Split(filepath.Base(name), ".")[1]
		for what, n := range map[string]int{
			`<html lang="` + language + `">`: 1, "<h1>": 1, "<main>": 1, "<title>": 1, "<table": 2, "<caption>": 2, "<header": 1, "<footer>": 1,
		} {
			if got := strings.Count(html, what); got != n {
				t.Errorf("%s: %d times %s", name, got, what)
			}
		}
		if heads, scoped := strings.Count(html, "<th "), strings.Count(html, `<th scope="`); heads != scoped || strings.Contains(html, "<th>") {
			t.Errorf("%s: %d of %d table heads have a scope", name, scoped, heads)
		}
		for _, id := range regexp.MustCompile(`aria-labelledby="(\w+)"`).FindAllStringSubmatch(html, -1) {
			if strings.Count(html, `id="`+id[1]+`"`) != 1 {
				t.Errorf("%s: nothing is called %s", name, id[1])
			}
		}
		if found := outside.FindString(html); found != "" {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// TestNotAnInvoiceYet: previews and withdrawn orders never look like an invoice that counts.
func TestNotAnInvoiceYet(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	planned, cancelled, credited := p.sell("en", nil), p.sell("en", nil), p.sell("en", nil)
	p.write(func(tx *db.Tx) error {
		return p.clerk.Cancel(context.Background(), tx, cancelled.Order.Merchant, cancelled.Order.ID)
	})
	p.credit(credited, invoices.CreditAsk{Reason: "cancellation"})
	for what, o := range map[string]*invoices.Outcome{"Not yet issued": planned, "Withdrawn": cancelled, "Already credited: the whole order": credited} {
		text := plain(p.document(o))
		if !strings.Contains(text, what) || !strings.Contains(text, "Preview of your invoice") {
			t.Errorf("%s: %s", what, text)
		}
		for _, never := range []string{"Invoice number", "Due day", "Pay by bank transfer", "IBAN"} {
			if strings.Contains(text, never) {
				t.Errorf("%s: it says %q", what, never)
			}
		}
	}
}

// TestPaidBefore: an invoice that was paid before it was issued asks for nothing.
func TestPaidBefore(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	o := p.sell("de", nil)
	p.pay(o, 60_00)
	if text := plain(p.document(o)); !strings.Contains(text, "Schon bezahlt −50,40\u00a0€ Zu zahlen 0,00\u00a0€") {
		t.Errorf("the preview says %s", text)
	}
	p.advance(3)
	text := plain(p.document(o))
	for _, want := range []string{"Zu zahlen für Winkel 0,00\u00a0€ Sie haben schon bezahlt.", "Schon bezahlt −50,40\u00a0€ Zu zahlen 0,00\u00a0€"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
	if strings.Contains(text, "IBAN") {
		t.Errorf("it asks for money: %s", text)
	}
}

// TestCreditedBefore: what was credited before the issue shows as lines, in the prices of the order, and lowers the VAT.
func TestCreditedBefore(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	o := p.sell("en", business)
	p.credit(o, invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}}, Reason: "cancellation"})
	p.advance(3)
	text := plain(p.document(o))
	for _, want := range []string{
		"Already credited: Aansluiten 1 21% −€1,250.00",
		"Total of the order, with VAT €1,574.05 Credited before this invoice −€1,512.50 To pay €61.55",
		"21% €50.87 €10.68 €61.55 Together €50.87 €10.68 €61.55",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
}

// TestDocumentStays: payments, credits and corrections after the issue do not change an invoice.
func TestDocumentStays(t *testing.T) {
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	o := p.sell("nl", basket)
	correct := func(last string) {
		b := consumer()
		b.Name.Last = last
		p.write(func(tx *db.Tx) error {
			return p.clerk.Correct(context.Background(), tx, o.Order.Merchant, o.Order.ID, b, "key_1", "typing error")
		})
	}
	correct("Jansen")
	p.advance(3)
	before := p.document(o)
	if !strings.Contains(before, "Jansen") {
		t.Error("the correction before the issue is missing")
	}
	p.advance(1)
	correct("Pietersen")
	p.pay(o, 1_00)
	n := p.credit(o, invoices.CreditAsk{Cents: 5_00, Reason: "goodwill"})
	if after := p.document(o); after != before {
		t.Errorf("it became\n%s", after)
	}
	if note := p.creditDocument(n); !strings.Contains(note, "Pietersen") || !strings.Contains(note, "deel van de bestelling") {
		t.Errorf("the credit note says\n%s", note)
	}
}

func TestNoDocument(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPrinter(t, d)
		o := p.sell("nl", nil)
		early := p.credit(o, invoices.CreditAsk{Cents: 1_00, Reason: "price"})
		p.read(func(tx *db.Tx) error {
			ctx := context.Background()
			for what, f := range map[string]func() ([]byte, error){
				"invoice":     func() ([]byte, error) { return p.clerk.Document(ctx, tx, "mer_other", o.Invoice.ID) },
				"credit-note": func() ([]byte, error) { return p.clerk.CreditDocument(ctx, tx, early.Merchant, early.ID) },
			} {
				if _, err := f(); !fault.Is(err, what) {
					t.Errorf("%s: %v", what, err)
				}
			}
			return nil
		})
	})
}

// TestEveryReason: a credit note names each reason in each language.
func TestEveryReason(t *testing.T) {
	want := map[string]string{"return": "Geretourneerd", "cancellation": "Geannuleerd", "price": "Prijs aangepast", "damaged": "Beschadigd",
		"not_delivered": "Niet bezorgd", "goodwill": "Uit coulance", "other": "Andere reden"}
	p := newPrinter(t, dbtest.Open(t, "sqlite"))
	o := p.sell("nl", nil)
	p.advance(3)
	for _, reason := range slices.Sorted(maps.Keys(want)) {
		n := p.credit(o, invoices.CreditAsk{Cents: 1_00, Reason: reason})
		if text := plain(p.creditDocument(n)); !strings.Contains(text, "Reden "+want[reason]) {
			t.Errorf("%s: %s", reason, text)
		}
	}
}
