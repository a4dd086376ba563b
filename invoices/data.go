package invoices

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/merchants"
	"achteraf/money"
	"achteraf/orders"
)

// Data writes the document as data: an electronic invoice in UBL 2.1 by EN 16931, and between companies of the
// Netherlands and Belgium by Peppol BIS Billing 3.0. It says what the document says, from the same facts. Prices are
// without VAT, as the standard wants them: where the shop's are with VAT, the net amounts of the lines add up to that of
// their rate to the cent. Error: NotFound "invoice" of a preview.
//
// Sources: UBL 2.1 (ISO/IEC 19845), EN 16931-1 and its binding to UBL, Peppol BIS Billing 3.0.19.
func (p *Paper) Data() ([]byte, error) {
	if p.Number() == "" {
		return nil, fault.Missing("invoice", "There is no such invoice that was issued.")
	}
	d := draftOf(&p.facts)
	u := d.ubl()
	if d.err != nil {
		return nil, d.err
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	e := xml.NewEncoder(&out)
	e.Indent("", "  ")
	err := errors.Join(e.Encode(u), e.Close())
	out.WriteByte('\n')
	return out.Bytes(), err
}

// Specifications that a document follows.
const (
	europeanNorm  = "urn:cen.eu:en16931:2017"
	peppolNorm    = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
	peppolProfile = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
)

// Codes: UNTDID 1001 (kind of document) and 4461 (SEPA credit transfer), UN/ECE Rec 20 (a piece).
const (
	typeInvoice  = "380"
	typeCredit   = "381"
	byTransfer   = "58"
	unitPiece    = "C62"
	schemeVAT    = "VAT"
	taxIntra     = "K"
	taxReverse   = "AE"
	taxZero      = "Z"
	taxStandard  = "S"
	reasonIntra  = "VATEX-EU-IC"
	reasonShift  = "VATEX-EU-AE"
	ublNamespace = "urn:oasis:names:specification:ubl:schema:xsd:"
)

// The members of a UBL document stand in the order of its schema.
type (
	ublDocument struct {
		XMLName       xml.Name
		Namespace     string        `xml:"xmlns,attr"`
		Aggregate     string        `xml:"xmlns:cac,attr"`
		Basic         string        `xml:"xmlns:cbc,attr"`
		Customization string        `xml:"cbc:CustomizationID"`
		Profile       string        `xml:"cbc:ProfileID,omitempty"`
		ID            string        `xml:"cbc:ID"`
		IssueDate     calendar.Date `xml:"cbc:IssueDate"`
		DueDate       string        `xml:"cbc:DueDate,omitempty"`
		InvoiceType   string        `xml:"cbc:InvoiceTypeCode,omitempty"`
		CreditType    string        `xml:"cbc:CreditNoteTypeCode,omitempty"`
		Note          string        `xml:"cbc:Note,omitempty"`
		Currency      string        `xml:"cbc:DocumentCurrencyCode"`
		Order         ublID         `xml:"cac:OrderReference"`
		Billing       *ublBilling   `xml:"cac:BillingReference"`
		Seller        ublParty      `xml:"cac:AccountingSupplierParty>cac:Party"`
		Buyer         ublParty      `xml:"cac:AccountingCustomerParty>cac:Party"`
		Payee         *ublPayee     `xml:"cac:PayeeParty"`
		Delivery      *ublDelivery  `xml:"cac:Delivery"`
		Payment       *ublPayment   `xml:"cac:PaymentMeans"`
		Tax           ublTaxTotal   `xml:"cac:TaxTotal"`
		Total         ublTotal      `xml:"cac:LegalMonetaryTotal"`
		Lines         []ublLine     `xml:"cac:InvoiceLine"`
		CreditLines   []ublLine     `xml:"cac:CreditNoteLine"`
	}
	ublID struct {
		ID string `xml:"cbc:ID"`
	}
	ublBilling struct {
		ID        string        `xml:"cac:InvoiceDocumentReference>cbc:ID"`
		IssueDate calendar.Date `xml:"cac:InvoiceDocumentReference>cbc:IssueDate"`
	}
	ublScheme struct {
		Scheme string `xml:"schemeID,attr,omitempty"`
		Value  string `xml:",chardata"`
	}
	ublParty struct {
		Endpoint *ublScheme `xml:"cbc:EndpointID"`
		Name     *ublName   `xml:"cac:PartyName"`
		Address  ublAddress `xml:"cac:PostalAddress"`
		Tax      *ublVATID  `xml:"cac:PartyTaxScheme"`
		Legal    ublLegal   `xml:"cac:PartyLegalEntity"`
	}
	ublName struct {
		Name string `xml:"cbc:Name"`
	}
	ublAddress struct {
		Street   string `xml:"cbc:StreetName"`
		City     string `xml:"cbc:CityName"`
		Postcode string `xml:"cbc:PostalZone"`
		Country  string `xml:"cac:Country>cbc:IdentificationCode"`
	}
	ublVATID struct {
		ID     string `xml:"cbc:CompanyID"`
		Scheme string `xml:"cac:TaxScheme>cbc:ID"`
	}
	ublLegal struct {
		Name string     `xml:"cbc:RegistrationName"`
		ID   *ublScheme `xml:"cbc:CompanyID"`
	}
	ublPayee struct {
		Name string     `xml:"cac:PartyName>cbc:Name"`
		ID   *ublScheme `xml:"cac:PartyLegalEntity>cbc:CompanyID"`
	}
	ublDelivery struct {
		Date    calendar.Date `xml:"cbc:ActualDeliveryDate"`
		Country string        `xml:"cac:DeliveryLocation>cac:Address>cac:Country>cbc:IdentificationCode"`
	}
	ublPayment struct {
		Code      string `xml:"cbc:PaymentMeansCode"`
		Reference string `xml:"cbc:PaymentID"`
		IBAN      string `xml:"cac:PayeeFinancialAccount>cbc:ID"`
		Name      string `xml:"cac:PayeeFinancialAccount>cbc:Name"`
	}
	ublAmount struct {
		Currency string `xml:"currencyID,attr"`
		Value    string `xml:",chardata"`
	}
	ublTaxTotal struct {
		Amount ublAmount        `xml:"cbc:TaxAmount"`
		Rates  []ublTaxSubtotal `xml:"cac:TaxSubtotal"`
	}
	ublTaxSubtotal struct {
		Net      ublAmount   `xml:"cbc:TaxableAmount"`
		VAT      ublAmount   `xml:"cbc:TaxAmount"`
		Category ublCategory `xml:"cac:TaxCategory"`
	}
	ublCategory struct {
		ID      string `xml:"cbc:ID"`
		Percent string `xml:"cbc:Percent"`
		Reason  string `xml:"cbc:TaxExemptionReasonCode,omitempty"`
		Scheme  string `xml:"cac:TaxScheme>cbc:ID"`
	}
	ublTotal struct {
		Lines   ublAmount  `xml:"cbc:LineExtensionAmount"`
		Net     ublAmount  `xml:"cbc:TaxExclusiveAmount"`
		Gross   ublAmount  `xml:"cbc:TaxInclusiveAmount"`
		Prepaid *ublAmount `xml:"cbc:PrepaidAmount"`
		Payable ublAmount  `xml:"cbc:PayableAmount"`
	}
	ublLine struct {
		ID       int          `xml:"cbc:ID"`
		Quantity *ublQuantity `xml:"cbc:InvoicedQuantity"`
		Credited *ublQuantity `xml:"cbc:CreditedQuantity"`
		Net      ublAmount    `xml:"cbc:LineExtensionAmount"`
		Item     ublItem      `xml:"cac:Item"`
		Price    ublAmount    `xml:"cac:Price>cbc:PriceAmount"`
	}
	ublQuantity struct {
		Unit  string `xml:"unitCode,attr"`
		Value string `xml:",chardata"`
	}
	ublItem struct {
		Name     string      `xml:"cbc:Name"`
		SellerID *ublID      `xml:"cac:SellersItemIdentification"`
		Category ublCategory `xml:"cac:ClassifiedTaxCategory"`
	}
)

// net is a line without VAT on its way into a UBL document.
type net struct {
	name, reference, percent, quantity, kind string
	cents                                    int64
	unit                                     int64 // cents of one without VAT, where that is known exactly; 0 where not
}

// ubl makes the document as data.
func (d *draft) ubl() *ublDocument {
	u := &ublDocument{Customization: europeanNorm, IssueDate: d.Invoice.IssuedOn, ID: d.page.Number, Currency: "EUR", Order: ublID{d.Order.Reference},
		Seller: sellerParty(&d.Shop), Buyer: d.buyerParty(), Aggregate: ublNamespace + "CommonAggregateComponents-2",
		Basic: ublNamespace + "CommonBasicComponents-2"}
	if u.Seller.Endpoint != nil && u.Buyer.Endpoint != nil {
		u.Customization, u.Profile = peppolNorm, peppolProfile
	}
	root, lines := "Invoice", d.netLines()
	if n := d.Note; n != nil {
		root, lines = "CreditNote", d.creditLines(n)
		u.IssueDate, u.CreditType = n.MadeOn, typeCredit
		u.Note = d.word("reason-" + n.Reason)
		u.Billing = &ublBilling{d.Invoice.Number, d.Invoice.IssuedOn}
	} else {
		u.DueDate, u.InvoiceType, u.Note = d.Invoice.DueOn.String(), typeInvoice, d.Order.Note
		u.Payment = &ublPayment{byTransfer, d.Order.PaymentReference, d.Account.IBAN, d.Account.Name}
		if d.Model != merchants.Own { // another than the seller is paid
			u.Payee = &ublPayee{d.Operator.LegalName, legalID(d.Operator.Country, d.Operator.RegistrationNumber)}
		}
	}
	u.XMLName.Local, u.Namespace = root, ublNamespace+root+"-2"
	d.addLines(u, lines)
	d.addTotals(u)
	return u
}

func euros(cents int64) ublAmount { return ublAmount{"EUR", decimal(cents)} }

func decimal(cents int64) string { return new(big.Rat).SetFrac64(cents, 100).FloatString(2) }

// endpoints are the schemes in which companies of a country are found in the Peppol network: the Dutch trade register,
// the Belgian enterprise number.
var endpoints = map[string]string{"NL": "0106", "BE": "0208"}

// legalID is the number of a company, with its scheme where it has one.
func legalID(country, number string) *ublScheme {
	if number == "" {
		return nil
	}
	return &ublScheme{endpoints[country], number}
}

func endpoint(country, number string) *ublScheme {
	if endpoints[country] == "" {
		return nil
	}
	return legalID(country, number)
}

func vatID(id string) *ublVATID {
	if id == "" {
		return nil
	}
	return &ublVATID{id, schemeVAT}
}

func sellerParty(s *partyFacts) ublParty {
	return ublParty{Endpoint: endpoint(s.Country, s.RegistrationNumber), Name: &ublName{s.Name}, Tax: vatID(s.VATID),
		Address: ublAddress{s.Street + " " + s.HouseNumber, s.City, ident.PrintPostcode(s.Country, s.Postcode), s.Country},
		Legal:   ublLegal{s.LegalName, legalID(s.Country, s.RegistrationNumber)}}
}

func (d *draft) buyerParty() ublParty {
	b, a := &d.Buyer, &d.Buyer.Address
	p := ublParty{Address: ublAddress{strings.TrimSpace(a.Street + " " + a.HouseNumber + " " + a.HouseNumberSuffix), a.City, ident.PrintPostcode(a.Country, a.Postcode), a.Country}}
	if f := b.Company; f != nil {
		p.Endpoint, p.Tax = endpoint(a.Country, f.RegistrationNumber), vatID(f.VATID)
		p.Legal = ublLegal{f.Name, legalID(a.Country, f.RegistrationNumber)}
		return p
	}
	p.Legal.Name = strings.TrimSpace(b.Name.First + " " + b.Name.Last)
	return p
}

// netLines are the lines of an invoice without VAT, and what was credited before it.
func (d *draft) netLines() []net {
	var all []net
	for _, l := range d.Lines {
		n := net{l.Description, l.Reference, l.VATPercent, l.Quantity, l.Kind, l.TotalCents, l.UnitPriceCents}
		if d.Order.Prices != orders.ExclVAT {
			n.cents, n.unit = d.withoutVAT(l.TotalCents, l.VATPercent), 0
		}
		all = append(all, n)
	}
	if d.Order.Prices != orders.ExclVAT {
		level(all, orders.VATOf(d.Order.Prices, d.bought()))
	}
	for _, c := range d.Credits {
		for _, p := range c.Parts {
			n := d.credited(c, p)
			n.name, n.cents = d.word("line-credited", n.name), -n.cents
			all = append(all, n)
		}
	}
	return all
}

func (d *draft) creditLines(c *creditFacts) (all []net) {
	for _, p := range c.Parts {
		all = append(all, d.credited(*c, p))
	}
	return all
}

func (d *draft) credited(c creditFacts, p partFacts) net {
	n := net{name: d.partName(c, p), percent: p.VATPercent, quantity: cmp.Or(p.Quantity, "1"), kind: "goods", cents: p.Cents - p.VATCents}
	if p.Line > 0 && p.Line <= len(d.Lines) {
		n.kind, n.reference = d.Lines[p.Line-1].Kind, d.Lines[p.Line-1].Reference
	}
	return n
}

func (d *draft) withoutVAT(gross int64, percent string) int64 {
	rate, err := money.ParsePercent(percent)
	if err != nil {
		d.err = errors.Join(d.err, err)
		return 0
	}
	sum, _, err := money.VATIncluded(money.EUR(gross), rate)
	d.err = errors.Join(d.err, err)
	return sum.Cents
}

// level puts the cents by which rounded lines differ from their rate into its largest line.
func level(all []net, rates []orders.VAT) {
	for _, r := range rates {
		left, largest := r.NetCents, -1
		for i := range all {
			if all[i].percent != r.Percent {
				continue
			}
			left -= all[i].cents
			if largest < 0 || abs(all[i].cents) > abs(all[largest].cents) {
				largest = i
			}
		}
		if largest >= 0 {
			all[largest].cents += left
		}
	}
}

func abs(n int64) int64 { return max(n, -n) }

// addLines writes the lines. A price is never negative (BR-27), so a discount has a negative quantity.
func (d *draft) addLines(u *ublDocument, lines []net) {
	for i, n := range lines {
		quantity, err := rational(n.quantity)
		d.err = errors.Join(d.err, err)
		price := big.NewRat(n.unit, 100)
		if n.unit == 0 && quantity.Sign() != 0 {
			price.Quo(big.NewRat(n.cents, 100), quantity)
		}
		if price.Sign() < 0 {
			price.Neg(price)
			quantity.Neg(quantity)
		}
		line := ublLine{ID: i + 1, Net: euros(n.cents), Price: ublAmount{"EUR", short(price, 6, 2)}, Item: ublItem{Name: n.name, Category: d.category(n.percent, n.kind)}}
		line.Item.Category.Reason = "" // it stands with the sums
		if n.reference != "" {
			line.Item.SellerID = &ublID{n.reference}
		}
		q := &ublQuantity{unitPiece, short(quantity, 6, 0)}
		if d.Note != nil {
			line.Credited = q
			u.CreditLines = append(u.CreditLines, line)
			continue
		}
		line.Quantity = q
		u.Lines = append(u.Lines, line)
	}
}

func rational(text string) (*big.Rat, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return new(big.Rat), fmt.Errorf("%q is no quantity", text)
	}
	return r, nil
}

// short writes a number with at most so many decimals, and no more zeros at its end than least asks for.
func short(r *big.Rat, most, least int) string {
	text := r.FloatString(most)
	for strings.HasSuffix(text, "0") && len(text)-strings.IndexByte(text, '.')-1 > least {
		text = text[:len(text)-1]
	}
	return strings.TrimSuffix(text, ".")
}

// category says how a rate is taxed. Zero is what goes to a company in another member state, which accounts for the
// tax, and else a rate of zero.
func (d *draft) category(percent, kind string) ublCategory {
	c := ublCategory{ID: taxStandard, Percent: percent, Scheme: schemeVAT}
	if rate, err := money.ParsePercent(percent); err != nil || !rate.IsZero() {
		return c
	}
	goods, services := d.crossBorder()
	switch c.Percent = "0"; {
	case services && (kind == "fee" || !goods):
		c.ID, c.Reason = taxReverse, reasonShift
	case goods:
		c.ID, c.Reason = taxIntra, reasonIntra
	default:
		c.ID = taxZero
	}
	return c
}

// addTotals adds up by kind of tax and rate. The VAT of a rate is that of the document; of what was not taxed there is
// none, so lines of one rate may be of two kinds.
func (d *draft) addTotals(u *ublDocument) {
	vat := map[string]int64{}
	for _, r := range d.page.Rates {
		vat[r.Percent] = r.VATCents
	}
	var cents []int64
	var nets, taxes int64
	for _, l := range slices.Concat(u.Lines, u.CreditLines) {
		c := l.Item.Category
		i := slices.IndexFunc(u.Tax.Rates, func(t ublTaxSubtotal) bool { return t.Category.ID == c.ID && t.Category.Percent == c.Percent })
		if i < 0 {
			i = len(u.Tax.Rates)
			c.Reason = map[string]string{taxReverse: reasonShift, taxIntra: reasonIntra}[c.ID]
			u.Tax.Rates = append(u.Tax.Rates, ublTaxSubtotal{VAT: euros(0), Category: c})
			cents = append(cents, 0)
			if c.ID == taxStandard {
				u.Tax.Rates[i].VAT = euros(vat[c.Percent])
				taxes += vat[c.Percent]
			}
			if c.ID == taxIntra && d.Note == nil { // the day of the order stands for that of the supply, as in the document
				u.Delivery = &ublDelivery{d.Order.PlacedOn, d.Buyer.Address.Country}
			}
		}
		line, err := rational(l.Net.Value)
		d.err = errors.Join(d.err, err)
		one := new(big.Rat).Mul(line, big.NewRat(100, 1)).Num().Int64()
		cents[i], nets = cents[i]+one, nets+one
	}
	for i := range u.Tax.Rates {
		u.Tax.Rates[i].Net = euros(cents[i])
	}
	u.Tax.Amount = euros(taxes)
	u.Total = ublTotal{Lines: euros(nets), Net: euros(nets), Gross: euros(nets + taxes), Payable: euros(nets + taxes)}
	if d.Note == nil && d.Paid != 0 {
		paid := euros(d.Paid)
		u.Total.Prepaid, u.Total.Payable = &paid, euros(nets+taxes-d.Paid)
	}
	if sum := d.page.Sum; sum.NetCents != nets || sum.VATCents != taxes { // else the data would say something else than the document
		d.err = errors.Join(d.err, fmt.Errorf("data of %s: %d + %d, the document says %d + %d", u.ID, nets, taxes, sum.NetCents, sum.VATCents))
	}
}
