package invoices

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"html/template"
	"slices"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/ledger"
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
		words := template.FuncMap{"say": l.say, "amount": l.amount, "number": l.number, "percent": l.percent}
		all[code] = template.Must(template.New("").Funcs(words).Parse(documentFile))
	}
	return all
}

// Document renders an invoice as a page of HTML in the language of its order. Of an issued invoice it shows
// what was fixed at issue, and so does not change with payments, credits or corrections that come later. A
// planned one is a preview without a number, marked as such. Error: NotFound "invoice".
func (c *Clerk) Document(ctx context.Context, tx *db.Tx, merchant, id string) ([]byte, error) {
	v, err := One(ctx, tx, merchant, id)
	if err != nil {
		return nil, err
	}
	d, err := c.draft(ctx, tx, v)
	if err != nil {
		return nil, err
	}
	at := tx.Now
	if v.Number == "" {
		d.paid = min(v.HeldCents, v.OpenCents)
	} else if at, err = d.booked(ctx, tx, v.ID+"/issued", ledger.BuyerCredit, &d.paid); err != nil {
		return nil, err
	}
	if err := d.readBuyer(ctx, tx, c.desk, at); err != nil {
		return nil, err
	}
	d.fillInvoice()
	return d.render()
}

// CreditDocument renders a credit note. Error: NotFound "credit-note", also for a credit made before its
// invoice was issued: that one shows on the invoice.
func (c *Clerk) CreditDocument(ctx context.Context, tx *db.Tx, merchant, id string) ([]byte, error) {
	var invoice string
	err := tx.QueryRow(ctx, `select invoice_id from credits where id = $1 and merchant_id = $2 and number is not null`, []any{id, merchant}, &invoice)
	if errors.Is(err, db.ErrNone) {
		return nil, fault.Missing("credit-note", "There is no such credit note.")
	}
	if err != nil {
		return nil, err
	}
	v, err := One(ctx, tx, merchant, invoice)
	if err != nil {
		return nil, err
	}
	d, err := c.draft(ctx, tx, v)
	if err != nil {
		return nil, err
	}
	note := d.credits[slices.IndexFunc(d.credits, func(n Credit) bool { return n.ID == id })]
	var held int64 // a liability: credited, so negative
	at, err := d.booked(ctx, tx, id+"/credited", ledger.BuyerCredit, &held)
	if err != nil {
		return nil, err
	}
	if err := d.readBuyer(ctx, tx, c.desk, at); err != nil {
		return nil, err
	}
	d.fillCredit(note, -held)
	return d.render()
}

// draft is a document on its way: what is known, and the page that it becomes.
type draft struct {
	*language
	invoice  Invoice
	order    orders.Order
	lines    []orders.Line
	credits  []Credit
	shop     merchants.Merchant
	contract merchants.Contract
	operator merchants.Operator
	buyer    buyers.Buyer
	paid     int64 // before the invoice
	page     page
	err      error // the first word that is missing
}

func (c *Clerk) draft(ctx context.Context, tx *db.Tx, v Invoice) (*draft, error) {
	d := &draft{invoice: v, operator: c.operator}
	var contacts []merchants.Contact
	var lines [][]orders.Line
	var terms map[merchants.ContractKey]merchants.Terms
	err := first(
		func() (err error) { d.order, err = orders.One(ctx, tx, v.Merchant, v.Order); return err },
		func() (err error) {
			lines, err = orders.Lines(ctx, tx, []orders.Key{{Merchant: v.Merchant, ID: v.Order}})
			return err
		},
		func() (err error) { d.credits, err = Credits(ctx, tx, v.Merchant, v.ID); return err },
		func() (err error) { d.shop, err = merchants.ByID(ctx, tx, v.Merchant); return err },
		func() (err error) { contacts, err = merchants.Contacts(ctx, tx, v.Merchant); return err },
		func() (err error) {
			terms, err = merchants.Contracts(ctx, tx, []merchants.ContractKey{{Merchant: v.Merchant, ID: d.order.Contract}})
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	d.lines, d.contract = lines[0], terms[merchants.ContractKey{Merchant: v.Merchant, ID: d.order.Contract}].Contract
	if d.language = languages[d.order.Language]; d.language == nil {
		d.language = languages["en"]
	}
	d.page.Language = d.code
	d.page.Shop = helper{d.shop.Name, contactsOf(contacts)}
	d.page.Operator = helper{d.operator.Name, contactsOf([]merchants.Contact{{Kind: "phone", Value: d.operator.Phone}, {Kind: "email", Value: d.operator.Email}})}
	return d, nil
}

// booked reads when an entry of the journal was posted, and into cents what it did on an account: the only
// place that keeps how an amount was divided on that day.
func (d *draft) booked(ctx context.Context, tx *db.Tx, key, code string, cents *int64) (at calendar.Instant, err error) {
	err = tx.QueryRow(ctx, `
select e.posted_at, (select cast(coalesce(sum(p.cents), 0) as bigint) from postings p
                      where p.writer = e.writer and p.seq = e.seq and p.n = e.n and p.merchant_id = e.merchant_id and p.code = $3)
  from entries e
 where e.key = $1 and e.merchant_id = $2`, []any{key, d.invoice.Merchant, code}, &at, cents)
	return at, err
}

// readBuyer opens the identity as it stood at a moment. A correction never changes a document that exists.
func (d *draft) readBuyer(ctx context.Context, tx *db.Tx, desk *buyers.Desk, at calendar.Instant) error {
	versions, err := desk.Identities(ctx, tx, d.order.Merchant, d.order.Attempt)
	if err != nil {
		return err
	}
	d.buyer = versions[0].Buyer
	for _, x := range versions {
		if !x.MadeAt.After(at) {
			d.buyer = x.Buyer
		}
	}
	return nil
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

func contactsOf(list []merchants.Contact) []contact {
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
	err := documents[d.code].ExecuteTemplate(&out, "document", d.page)
	return out.Bytes(), err
}

// fillInvoice makes the page of an invoice, or of the preview of one.
func (d *draft) fillInvoice() {
	v, p := &d.invoice, &d.page
	p.LinesWord, p.PriceWord, p.AmountWord = "lines", "line-price-incl", "line-amount-incl"
	if d.order.Prices == orders.ExclVAT {
		p.PriceWord, p.AmountWord = "line-price-excl", "line-amount-excl"
	}
	before := slices.DeleteFunc(slices.Clone(d.credits), func(n Credit) bool { return n.Number != "" })
	var credited int64
	for _, n := range before {
		credited += n.Cents
	}
	due := v.TotalCents - credited - d.paid
	d.fillLines(before)
	d.fillParties()
	switch {
	case v.Number != "":
		p.Title, p.Number = d.word("title-invoice"), v.Number
		p.Facts = append(p.Facts, fact{"fact-number", v.Number}, fact{"fact-issued", d.day(v.IssuedOn)}, fact{"fact-due", d.day(v.DueOn)})
		p.Slip = slip{Label: d.word("slip-pay", d.shop.Name), Cents: due}
		if due > 0 {
			p.Slip.When = d.word("slip-by", d.weekday(v.DueOn))
			p.Pay = d.transfer(due)
		} else {
			p.Slip.More = d.word("slip-paid")
		}
		d.fillTotals(credited, due, before)
	case v.Status == Planned:
		p.Title, p.Mark = d.word("title-preview"), d.word("mark-planned")
		p.Slip = slip{Label: d.word("slip-later", d.shop.Name), Cents: due, More: d.word("slip-planned", d.weekday(v.SendOn))}
		d.fillTotals(credited, due, before)
	default:
		p.Title, p.Mark = d.word("title-preview"), d.word("mark-withdrawn")
		p.Slip = slip{Label: d.word("slip-pay", d.shop.Name), More: d.word("slip-withdrawn")}
		p.Totals = []total{{Word: "total-order", Cents: v.TotalCents}, {Word: "total-due", Last: true}}
	}
	d.fillOrder()
}

// transfer is what the buyer types at the bank.
func (d *draft) transfer(cents int64) *transfer {
	t := &transfer{Cents: cents, Payee: d.operator.AccountName, IBAN: ident.PrintIBAN(d.operator.ClientIBAN),
		ReferenceWord: "pay-reference", Reference: ident.PrintRF(d.order.PaymentReference)}
	if ident.ValidOGM(d.order.PaymentReference) {
		t.ReferenceWord, t.Reference = "pay-ogm", ident.PrintOGM(d.order.PaymentReference)
	}
	if latest := latestTransfer(d.invoice.DueOn); latest.After(d.invoice.IssuedOn) {
		t.Latest = d.weekday(latest)
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

// latestTransfer is the last day on which an ordinary transfer arrives by the due day.
func latestTransfer(due calendar.Date) calendar.Date {
	if !bankDays.Open(due) {
		due = bankDays.AddOpen(due, -1)
	}
	return bankDays.AddOpen(due, -transferDays)
}

// fillParties says who sells, who buys, and whose the claim is.
func (d *draft) fillParties() {
	s, o, b := &d.shop, &d.operator, &d.buyer
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
	case d.contract.Model == merchants.Own:
		d.page.Creditor = d.word("creditor-own")
	case d.contract.Model == merchants.Collected:
		d.page.Creditor = d.word("creditor-collected", o.LegalName)
	case d.invoice.Number == "":
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
	d.page.Facts = append(d.page.Facts, fact{"fact-order", d.order.Reference}, fact{"fact-ordered", d.day(d.order.PlacedOn)})
	if d.order.TermsVersion != "" {
		d.page.Facts = append(d.page.Facts, fact{"fact-terms", d.word("fact-terms-value", d.order.TermsVersion)})
	}
}

// fillLines lists what was bought, and what was credited before the invoice as lines of its own.
func (d *draft) fillLines(before []Credit) {
	excl := d.order.Prices == orders.ExclVAT
	for _, l := range d.lines {
		r := row{What: l.Description, Quantity: l.Quantity, Price: d.amount(l.UnitPriceCents), VAT: l.VATPercent, Cents: l.TotalCents}
		if d.buyer.Kind == buyers.Company && !excl {
			r.Net = d.netPrice(l)
		}
		d.page.Lines = append(d.page.Lines, r)
	}
	for _, n := range before {
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
func (d *draft) netPrice(l orders.Line) string {
	rate, err := money.ParsePercent(l.VATPercent)
	if err != nil || rate.IsZero() {
		return ""
	}
	net, _, err := money.VATIncluded(money.EUR(l.UnitPriceCents), rate)
	d.err = errors.Join(d.err, err)
	return d.word("line-net", d.amount(net.Cents))
}

// partName says what a part of a credit takes back.
func (d *draft) partName(n Credit, p CreditPart) string {
	switch {
	case p.Line > 0 && p.Line <= len(d.lines):
		return d.lines[p.Line-1].Description
	case n.Cents == d.invoice.TotalCents:
		return d.word("line-whole")
	}
	return d.word("line-part")
}

// crossBorder says whether goods or services without VAT go to a company in another member state, which then
// accounts for the tax (Directive 2006/112/EC art. 138, 196 and 226(11), (11a)).
func (d *draft) crossBorder() (goods, services bool) {
	f := d.buyer.Company
	if f == nil || f.VATID == "" || d.buyer.Address.Country == d.shop.Country {
		return false, false
	}
	for _, l := range d.lines {
		if rate, err := money.ParsePercent(l.VATPercent); err != nil || !rate.IsZero() || l.Kind == "discount" {
			continue
		}
		goods = goods || l.Kind != "fee"
		services = services || l.Kind == "fee"
	}
	return goods, services
}

// fillTotals adds up, and divides the VAT by rate after what was credited before the invoice.
func (d *draft) fillTotals(credited, due int64, before []Credit) {
	p := &d.page
	p.Rates = orders.VATOf(d.order.Prices, d.lines)
	if d.order.Prices == orders.ExclVAT {
		var net, vat int64
		for _, r := range p.Rates {
			net, vat = net+r.NetCents, vat+r.VATCents
		}
		p.Totals = append(p.Totals, total{Word: "total-net", Cents: net}, total{Word: "total-vat", Cents: vat})
	}
	p.Totals = append(p.Totals, total{Word: "total-order", Cents: d.invoice.TotalCents})
	if credited != 0 {
		p.Totals = append(p.Totals, total{Word: "total-credited", Cents: -credited})
	}
	if d.paid != 0 {
		p.Totals = append(p.Totals, total{Word: "total-paid", Cents: -d.paid})
	}
	p.Totals = append(p.Totals, total{Word: "total-due", Cents: due, Last: true})
	for _, n := range before {
		for _, part := range n.Parts {
			p.Rates = addRate(p.Rates, part, -1)
		}
	}
	p.Sum = sumRates(p.Rates)
}

// addRate adds a part of a credit to the rate that it has, sign times.
func addRate(rates []orders.VAT, p CreditPart, sign int64) []orders.VAT {
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

// fillCredit makes the page of a credit note, of which held was paid before.
func (d *draft) fillCredit(n Credit, held int64) {
	p := &d.page
	p.Title, p.Number = d.word("title-credit"), n.Number
	p.Slip = slip{Label: d.word("slip-credit", d.shop.Name), Cents: n.Cents, More: d.word("slip-credited", d.invoice.Number)}
	p.LinesWord, p.AmountWord = "lines-credit", "line-amount-incl"
	d.fillParties()
	p.Facts = []fact{
		{"fact-credit-number", n.Number}, {"fact-credit-date", d.day(n.MadeOn)},
		{"fact-of", d.word("fact-of-value", d.invoice.Number, d.day(d.invoice.IssuedOn))},
		{"fact-reason", d.word("reason-" + n.Reason)},
	}
	d.fillOrder()
	for _, part := range n.Parts {
		p.Lines = append(p.Lines, row{What: d.partName(n, part), Quantity: part.Quantity, VAT: part.VATPercent, Cents: part.Cents})
		p.Rates = addRate(p.Rates, part, 1)
	}
	p.Sum = sumRates(p.Rates)
	p.Totals = []total{{Word: "total-credit", Cents: n.Cents, Last: true}}
	if open := n.Cents - held; open > 0 {
		p.Totals = append(p.Totals, total{Word: "credit-open", Cents: open})
	}
	if held > 0 {
		p.Totals = append(p.Totals, total{Word: "credit-held", Cents: held})
	}
}
