package invoices

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"slices"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/ident"
	"achteraf/merchants"
	"achteraf/money"
	"achteraf/orders"
)

//go:embed document.html
var documentFile string

// documents are the templates of invoices and credit notes, one for each language.
var documents = readDocuments()

func readDocuments() map[string]*template.Template {
	all := map[string]*template.Template{}
	for code, l := range languages {
		words := template.FuncMap{"say": l.say, "amount": l.Euros, "number": l.Decimal, "percent": l.Percent}
		all[code] = template.Must(template.New("").Funcs(words).Parse(documentFile))
	}
	return all
}

// draft is a document on its way: what is known, and the page that it becomes.
type draft struct {
	*language
	*facts
	page page
	err  error // the first word that is missing
}

// draftOf makes the page of a document from its facts and from nothing else.
func draftOf(f *facts) *draft {
	d := &draft{language: languages[f.Language], facts: f}
	d.page.Language = string(d.Lang)
	d.page.Shop, d.page.Operator = helper{f.Shop.Name, contactsOf(f.Shop.Contacts)}, helper{f.Operator.Name, contactsOf(f.Operator.Contacts)}
	if f.Note != nil {
		d.fillCredit(*f.Note)
	} else {
		d.fillInvoice()
	}
	return d
}

// page is what the template shows.
type page struct {
	Language       string
	Title          string
	Number         string // "" where there is none yet
	Mark           string // what sets it apart from an invoice that counts
	Shop, Operator helper
	Identity       []string // of the operator
	Slip           slip
	Pay            *transfer
	Parties        []party
	Creditor       string
	Facts          []fact
	Note           string // the shop's, about the order
	LinesWord      string
	PriceWord      string // "" where there is no column of prices
	AmountWord     string
	Lines          []row
	Totals         []total
	Rates          []orders.VAT
	Sum            orders.VAT
	Law            []string // keys of what the law wants to be said
}

type (
	slip struct { // the answer on top
		Label string
		Cents int64
		When  string
		More  string
	}
	transfer struct { // what the buyer types at the bank
		Cents         int64
		Payee, IBAN   string
		ReferenceWord string
		Reference     string
		Latest        string // day on which a transfer is still in time
		Codes         []code
		URL           string // of the page on which it can be paid; "" where there is none
	}
	party struct {
		Role           string
		Lines, Numbers []string
	}
	fact struct{ Word, Value string }
	row  struct {
		What, Net, Quantity, Price, VAT string
		Cents                           int64
	}
	total struct {
		Word  string
		Cents int64
		Last  bool
	}
	helper struct { // who answers questions
		Name     string
		Contacts []contact
	}
	contact struct {
		Word, Kind, Value string
		Web               bool
	}
)

func contactsOf(list []contactFacts) []contact {
	var all []contact
	for _, m := range list {
		if m.Value != "" {
			all = append(all, contact{"contact-" + m.Kind, m.Kind, m.Value, m.Kind == "chat" || m.Kind == "form"})
		}
	}
	return all
}

// words is say for the code, which gathers what is missing.
func (d *draft) word(key string, args ...any) string {
	s, err := d.say(key, args...)
	d.err = errors.Join(d.err, err)
	return s
}

func (d *draft) render() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	var out bytes.Buffer
	err := documents[d.Language].ExecuteTemplate(&out, "document", d.page)
	return out.Bytes(), err
}

// fillInvoice makes the page of an invoice, or of the preview of one.
func (d *draft) fillInvoice() {
	v, p := &d.Invoice, &d.page
	p.LinesWord, p.PriceWord, p.AmountWord = "lines", "line-price-incl", "line-amount-incl"
	if d.Order.Prices == orders.ExclVAT {
		p.PriceWord, p.AmountWord = "line-price-excl", "line-amount-excl"
	}
	var credited int64
	for _, n := range d.Credits {
		credited += n.Cents
	}
	due := v.TotalCents - credited - d.Paid
	d.fillLines()
	d.fillParties()
	switch {
	case v.Number != "":
		p.Title, p.Number = d.word("title-invoice"), v.Number
		p.Facts = append(p.Facts, fact{"fact-number", v.Number}, fact{"fact-issued", d.FullDay(v.IssuedOn)}, fact{"fact-due", d.FullDay(v.DueOn)})
		p.Slip = slip{Label: d.word("slip-pay", d.Shop.Name), Cents: due}
		if due > 0 {
			p.Slip.When = d.word("slip-by", d.FullWeekday(v.DueOn))
			p.Pay = d.transfer(due)
		} else {
			p.Slip.More = d.word("slip-paid")
		}
		d.fillTotals(credited, due)
	case v.Status == Planned:
		p.Title, p.Mark = d.word("title-preview"), d.word("mark-planned")
		p.Slip = slip{Label: d.word("slip-later", d.Shop.Name), Cents: due, More: d.word("slip-planned", d.FullWeekday(v.SendOn))}
		d.fillTotals(credited, due)
	default:
		p.Title, p.Mark = d.word("title-preview"), d.word("mark-withdrawn")
		p.Slip = slip{Label: d.word("slip-pay", d.Shop.Name), More: d.word("slip-withdrawn")}
		p.Totals = []total{{Word: "total-order", Cents: v.TotalCents}, {Word: "total-due", Last: true}}
	}
	d.fillOrder()
	p.Note = d.Order.Note
}

// transfer is what the buyer types at the bank.
func (d *draft) transfer(cents int64) *transfer {
	t := &transfer{Cents: cents, Payee: d.Account.Name, IBAN: ident.PrintIBAN(d.Account.IBAN),
		ReferenceWord: "pay-reference", Reference: ident.PrintRF(d.Order.PaymentReference)}
	if ident.ValidOGM(d.Order.PaymentReference) {
		t.ReferenceWord, t.Reference = "pay-ogm", ident.PrintOGM(d.Order.PaymentReference)
	}
	d.err = errors.Join(d.err, d.addCodes(t))
	if latest := LatestTransfer(d.Invoice.DueOn); latest.After(d.Invoice.IssuedOn) {
		t.Latest = d.FullWeekday(latest)
	}
	return t
}

// transferDays is how long a transfer may take, in days on which banks move money (S-PAY-07).
const transferDays = 2

var bankDays = func() calendar.Calendar {
	c, err := calendar.Named("TARGET")
	if err != nil {
		panic(err) // the calendar is part of the program
	}
	return c
}()

// LatestTransfer is the last day on which an ordinary transfer arrives by the due day.
func LatestTransfer(due calendar.Date) calendar.Date {
	if !bankDays.Open(due) {
		due = bankDays.AddOpen(due, -1)
	}
	return bankDays.AddOpen(due, -transferDays)
}

// fillParties says who sells, who buys, and whose the claim is.
func (d *draft) fillParties() {
	s, o, b := &d.Shop, &d.Operator, &d.Buyer
	seller := party{Role: "seller", Lines: []string{s.Name}}
	if s.LegalName != s.Name {
		seller.Lines = append(seller.Lines, s.LegalName)
	}
	seller.Lines = append(seller.Lines, d.language.lines(postal{s.Street, s.HouseNumber, "", s.Postcode, s.City, s.Country}, "")...)
	seller.Numbers = []string{d.word("registration-"+s.Country, s.RegistrationNumber), d.word("vat-id", s.VATID)}
	buyer := party{Role: "buyer"}
	if f := b.Company; f != nil {
		buyer.Lines = append(buyer.Lines, f.Name)
		buyer.Numbers = append(buyer.Numbers, d.word("registration-"+b.Address.Country, f.RegistrationNumber))
		if f.VATID != "" {
			buyer.Numbers = append(buyer.Numbers, d.word("vat-id", f.VATID))
		}
	}
	if b.Name.Last != "" {
		buyer.Lines = append(buyer.Lines, b.Name.First+" "+b.Name.Last)
	}
	a := &b.Address
	buyer.Lines = append(buyer.Lines, d.language.lines(postal{a.Street, a.HouseNumber, a.HouseNumberSuffix, a.Postcode, a.City, a.Country}, "")...)
	if len(buyer.Lines) == 0 {
		buyer.Lines = []string{d.word("erased")}
	}
	d.page.Parties = []party{seller, buyer}
	switch {
	case d.Model == merchants.Own:
		d.page.Creditor = d.word("creditor-own")
	case d.Model == merchants.Collected:
		d.page.Creditor = d.word("creditor-collected", o.LegalName)
	case d.Invoice.Number == "":
		d.page.Creditor = d.word("creditor-guaranteed-later", o.LegalName)
	default:
		d.page.Creditor = d.word("creditor-guaranteed", o.LegalName)
	}
	d.page.Identity = append([]string{o.LegalName}, d.language.lines(postal{o.Street, o.HouseNumber, "", o.Postcode, o.City, o.Country}, s.Country)...)
	if o.RegistrationNumber != "" {
		d.page.Identity = append(d.page.Identity, d.word("registration-"+o.Country, o.RegistrationNumber), d.word("vat-id", o.VATID))
	}
}

// fillOrder adds what is known of the order. Its date stands for that of the supply, which is not known yet.
func (d *draft) fillOrder() {
	d.page.Facts = append(d.page.Facts, fact{"fact-order", d.Order.Reference}, fact{"fact-ordered", d.FullDay(d.Order.PlacedOn)})
	if d.Order.TermsVersion != "" {
		d.page.Facts = append(d.page.Facts, fact{"fact-terms", d.word("fact-terms-value", d.Order.TermsVersion)})
	}
}

// fillLines lists what was bought, and what was credited before the invoice as lines of its own.
func (d *draft) fillLines() {
	excl := d.Order.Prices == orders.ExclVAT
	for _, l := range d.Lines {
		r := row{What: l.Description, Quantity: l.Quantity, Price: d.Euros(l.UnitPriceCents), VAT: l.VATPercent, Cents: l.TotalCents}
		if d.Buyer.Kind == buyers.Company && !excl {
			r.Net = d.netPrice(l)
		}
		d.page.Lines = append(d.page.Lines, r)
	}
	for _, n := range d.Credits {
		for _, part := range n.Parts {
			r := row{What: d.word("line-credited", d.partName(n, part)), Quantity: part.Quantity, VAT: part.VATPercent, Cents: -part.Cents}
			if excl {
				r.Cents += part.VATCents
			}
			d.page.Lines = append(d.page.Lines, r)
		}
	}
	goods, services := d.crossBorder()
	if goods {
		d.page.Law = append(d.page.Law, "vat-intra")
	}
	if services {
		d.page.Law = append(d.page.Law, "vat-reverse")
	}
}

// netPrice is the unit price without VAT, which an invoice to a company must show (Wet OB art. 35a(1)(g)).
func (d *draft) netPrice(l lineFacts) string {
	rate, err := money.ParsePercent(l.VATPercent)
	if err != nil || rate.IsZero() {
		return ""
	}
	net, _, err := money.VATIncluded(money.EUR(l.UnitPriceCents), rate)
	d.err = errors.Join(d.err, err)
	return d.word("line-net", d.Euros(net.Cents))
}

// partName says what a part of a credit takes back.
func (d *draft) partName(n creditFacts, p partFacts) string {
	switch {
	case p.Line > 0 && p.Line <= len(d.Lines):
		return d.Lines[p.Line-1].Description
	case n.Cents == d.Invoice.TotalCents:
		return d.word("line-whole")
	}
	return d.word("line-part")
}

// crossBorder says whether goods or services without VAT go to a company in another member state, which then
// accounts for the tax (Directive 2006/112/EC art. 138, 196 and 226(11), (11a)).
func (d *draft) crossBorder() (goods, services bool) {
	f := d.Buyer.Company
	if f == nil || f.VATID == "" || d.Buyer.Address.Country == d.Shop.Country {
		return false, false
	}
	for _, l := range d.Lines {
		if rate, err := money.ParsePercent(l.VATPercent); err != nil || !rate.IsZero() || l.Kind == "discount" {
			continue
		}
		goods = goods || l.Kind != "fee"
		services = services || l.Kind == "fee"
	}
	return goods, services
}

// fillTotals adds up, and divides the VAT by rate after what was credited before the invoice.
func (d *draft) fillTotals(credited, due int64) {
	p := &d.page
	p.Rates = orders.VATOf(d.Order.Prices, d.bought())
	if d.Order.Prices == orders.ExclVAT {
		var net, vat int64
		for _, r := range p.Rates {
			net, vat = net+r.NetCents, vat+r.VATCents
		}
		p.Totals = append(p.Totals, total{Word: "total-net", Cents: net}, total{Word: "total-vat", Cents: vat})
	}
	p.Totals = append(p.Totals, total{Word: "total-order", Cents: d.Invoice.TotalCents})
	if credited != 0 {
		p.Totals = append(p.Totals, total{Word: "total-credited", Cents: -credited})
	}
	if d.Paid != 0 {
		p.Totals = append(p.Totals, total{Word: "total-paid", Cents: -d.Paid})
	}
	p.Totals = append(p.Totals, total{Word: "total-due", Cents: due, Last: true})
	for _, n := range d.Credits {
		for _, part := range n.Parts {
			p.Rates = addRate(p.Rates, part, -1)
		}
	}
	p.Sum = sumRates(p.Rates)
}

// addRate adds a part of a credit to the rate that it has, sign times.
func addRate(rates []orders.VAT, p partFacts, sign int64) []orders.VAT {
	i := slices.IndexFunc(rates, func(r orders.VAT) bool { return r.Percent == p.VATPercent })
	if i < 0 {
		i = len(rates)
		rates = append(rates, orders.VAT{Percent: p.VATPercent})
	}
	r := &rates[i]
	r.GrossCents += sign * p.Cents
	r.VATCents += sign * p.VATCents
	r.NetCents += sign * (p.Cents - p.VATCents)
	return rates
}

func sumRates(rates []orders.VAT) (sum orders.VAT) {
	for _, r := range rates {
		sum.NetCents += r.NetCents
		sum.VATCents += r.VATCents
		sum.GrossCents += r.GrossCents
	}
	return sum
}

// fillCredit makes the page of a credit note.
func (d *draft) fillCredit(n creditFacts) {
	p := &d.page
	p.Title, p.Number = d.word("title-credit"), n.Number
	p.Slip = slip{Label: d.word("slip-credit", d.Shop.Name), Cents: n.Cents, More: d.word("slip-credited", d.Invoice.Number)}
	p.LinesWord, p.AmountWord = "lines-credit", "line-amount-incl"
	d.fillParties()
	p.Facts = []fact{
		{"fact-credit-number", n.Number}, {"fact-credit-date", d.FullDay(n.MadeOn)},
		{"fact-of", d.word("fact-of-value", d.Invoice.Number, d.FullDay(d.Invoice.IssuedOn))},
		{"fact-reason", d.word("reason-" + n.Reason)},
	}
	d.fillOrder()
	for _, part := range n.Parts {
		p.Lines = append(p.Lines, row{What: d.partName(n, part), Quantity: part.Quantity, VAT: part.VATPercent, Cents: part.Cents})
		p.Rates = addRate(p.Rates, part, 1)
	}
	p.Sum = sumRates(p.Rates)
	p.Totals = []total{{Word: "total-credit", Cents: n.Cents, Last: true}}
	if open := n.Cents - d.Paid; open > 0 {
		p.Totals = append(p.Totals, total{Word: "credit-open", Cents: open})
	}
	if d.Paid > 0 {
		p.Totals = append(p.Totals, total{Word: "credit-held", Cents: d.Paid})
	}
}
