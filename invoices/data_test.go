package invoices_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
)

// data is an invoice as data; credit notes by data of their own.
func (p *printer) data(o *invoices.Outcome) string {
	p.t.Helper()
	return p.handOut(func(tx *db.Tx) (*invoices.Paper, error) {
		return p.clerk.Invoice(context.Background(), tx, o.Order.Merchant, o.Invoice.ID)
	})
}

func (p *printer) creditData(n invoices.Credit) string {
	p.t.Helper()
	return p.handOut(func(tx *db.Tx) (*invoices.Paper, error) {
		return p.clerk.CreditNote(context.Background(), tx, n.Merchant, n.ID)
	})
}

func (p *printer) handOut(read func(tx *db.Tx) (*invoices.Paper, error)) string {
	p.t.Helper()
	out, err := p.clerk.HandOut(p.t.Context(), p.d, read, (*invoices.Paper).Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(out)
}

// abroad sells to a company in another member state, which accounts for the tax.
func abroadFirm(r *invoices.Request) {
	business(r)
	r.Buyer.Address.Country, r.Buyer.Address.Postcode, r.Buyer.Address.City = "BE", "1000", "Brussel"
	r.Buyer.Company.VATID, r.Buyer.Company.RegistrationNumber = "BE0403019261", "0403019261"
	r.Order.Lines[0].VATPercent, r.Order.Lines[1].VATPercent = "0", "0"
	r.Order.TotalCents = 1300_87
}

// TestData: invoices and credit notes as data hold to the rules of EN 16931 and Peppol that can be checked here,
// and say the sums of the document.
func TestData(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPrinter(t, d).withPages()
		guaranteed := merchants.StandardContract()
		guaranteed.Model = merchants.Guaranteed
		_, second := p.addShop("second", guaranteed)
		consumer := p.sell("nl", basket)
		belgians := p.sell("fr", func(r *invoices.Request) { belgian(r); r.Credential = second })
		firm, abroad := p.sell("en", business), p.sell("de", abroadFirm)
		cents := p.sell("nl", func(r *invoices.Request) { // nets that do not round together
			r.Order.Lines = nil
			for i := range 7 {
				r.Order.Lines = append(r.Order.Lines, orders.Line{Kind: "goods", Description: fmt.Sprint("Knoop ", i), Quantity: "3", UnitPriceCents: 33, VATPercent: "21"})
			}
			r.Order.TotalCents = 7 * 99
		})
		p.credit(belgians, invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}}, Reason: "cancellation"})
		p.pay(belgians, 50_00)
		if _, err := p.clerk.HandOut(t.Context(), p.d, func(tx *db.Tx) (*invoices.Paper, error) {
			return p.clerk.Invoice(t.Context(), tx, firm.Order.Merchant, firm.Invoice.ID)
		}, (*invoices.Paper).Data); err == nil {
			t.Error("a preview is handed out as data")
		}
		p.advance(3)
		n := p.credit(consumer, invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}, {Line: 3, Quantity: "1"}}, Reason: "return"})
		for name, file := range map[string]string{"consumer.nl": p.data(consumer), "belgian.fr": p.data(belgians), "company.en": p.data(firm),
			"abroad.de": p.data(abroad), "cents.nl": p.data(cents), "credit.nl": p.creditData(n)} {
			t.Run(name, func(t *testing.T) {
				golden(t, name+".xml", file)
				checkUBL(t, file)
			})
		}
		for what, c := range map[string][2]string{
			"a consumer's follows the European norm": {p.data(consumer), "<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>"},
			"a company's goes through Peppol":        {p.data(firm), "poacc:billing:01:1.0</cbc:ProfileID>"},
			"the payee of an assigned claim":         {p.data(belgians), "<cac:PayeeParty>"},
			"what was paid before":                   {p.data(belgians), `<cbc:PrepaidAmount currencyID="EUR">50.00</cbc:PrepaidAmount>`},
			"the tax of intra-community goods":       {p.data(abroad), "VATEX-EU-IC"},
			"the tax of a service abroad":            {p.data(abroad), "VATEX-EU-AE"},
			"a credit note names its invoice":        {p.creditData(n), "<cac:BillingReference>"},
		} {
			if !strings.Contains(c[0], c[1]) {
				t.Errorf("%s: no %s", what, c[1])
			}
		}
	})
}

// node is an element with what stands in it.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	In      []node     `xml:",any"`
}

func (n *node) all(path string) (found []*node) {
	name, rest, deeper := strings.Cut(path, "/")
	for i := range n.In {
		if c := &n.In[i]; c.XMLName.Local == name {
			if deeper {
				found = append(found, c.all(rest)...)
			} else {
				found = append(found, c)
			}
		}
	}
	return found
}

func (n *node) text(path string) string {
	if all := n.all(path); len(all) > 0 {
		return strings.TrimSpace(all[0].Text)
	}
	return ""
}

func (n *node) sum(path string) *big.Rat {
	sum := new(big.Rat)
	for _, x := range n.all(path) {
		if v, ok := new(big.Rat).SetString(strings.TrimSpace(x.Text)); ok {
			sum.Add(sum, v)
		}
	}
	return sum
}

// sequence is the order of the members that we use, as the schemas of UBL 2.1 have it.
var sequence = map[string]string{
	"Invoice":            "CustomizationID ProfileID ID IssueDate DueDate InvoiceTypeCode Note DocumentCurrencyCode OrderReference AccountingSupplierParty AccountingCustomerParty PayeeParty Delivery PaymentMeans TaxTotal LegalMonetaryTotal InvoiceLine",
	"CreditNote":         "CustomizationID ProfileID ID IssueDate CreditNoteTypeCode Note DocumentCurrencyCode OrderReference BillingReference AccountingSupplierParty AccountingCustomerParty PayeeParty Delivery TaxTotal LegalMonetaryTotal CreditNoteLine",
	"Party":              "EndpointID PartyName PostalAddress PartyTaxScheme PartyLegalEntity",
	"PostalAddress":      "StreetName CityName PostalZone Country",
	"PartyLegalEntity":   "RegistrationName CompanyID",
	"PartyTaxScheme":     "CompanyID TaxScheme",
	"TaxSubtotal":        "TaxableAmount TaxAmount TaxCategory",
	"TaxCategory":        "ID Percent TaxExemptionReasonCode TaxScheme",
	"LegalMonetaryTotal": "LineExtensionAmount TaxExclusiveAmount TaxInclusiveAmount PrepaidAmount PayableAmount",
	"InvoiceLine":        "ID InvoicedQuantity LineExtensionAmount Item Price",
	"CreditNoteLine":     "ID CreditedQuantity LineExtensionAmount Item Price",
	"Item":               "Name SellersItemIdentification ClassifiedTaxCategory",
	"PaymentMeans":       "PaymentMeansCode PaymentID PayeeFinancialAccount",
}

func (n *node) check(t *testing.T) {
	t.Helper()
	order, at := strings.Fields(sequence[n.XMLName.Local]), -1
	for i := range n.In {
		c := &n.In[i]
		if len(order) > 0 {
			place := slices.Index(order, c.XMLName.Local)
			if place < at || place < 0 {
				t.Errorf("%s stands wrong in %s", c.XMLName.Local, n.XMLName.Local)
			}
			at = place
		}
		if len(c.In) == 0 && strings.TrimSpace(c.Text) == "" {
			t.Errorf("PEPPOL-EN16931-R008: %s is empty", c.XMLName.Local)
		}
		c.check(t)
	}
}

var twoDecimals = regexp.MustCompile(`^-?[0-9]+\.[0-9]{2}$`)

// checkUBL checks the rules of EN 16931 (BR-…), of Peppol and of the Netherlands (NL-R-…) about what we write.
func checkUBL(t *testing.T, file string) {
	t.Helper()
	var root node
	if err := xml.Unmarshal([]byte(file), &root); err != nil {
		t.Fatal(err)
	}
	credit := root.XMLName.Local == "CreditNote"
	if want := "urn:oasis:names:specification:ubl:schema:xsd:" + root.XMLName.Local + "-2"; root.XMLName.Space != want {
		t.Errorf("the root is of %s", root.XMLName.Space)
	}
	root.check(t)
	rule := func(id string, holds bool) {
		t.Helper()
		if !holds {
			t.Errorf("%s does not hold", id)
		}
	}
	line := "InvoiceLine"
	if credit {
		line = "CreditNoteLine"
	}
	seller, buyer := root.all("AccountingSupplierParty/Party")[0], root.all("AccountingCustomerParty/Party")[0]
	rule("BR-01", root.text("CustomizationID") != "")
	rule("BR-02", root.text("ID") != "")
	rule("BR-03", len(root.text("IssueDate")) == 10)
	rule("BR-04", root.text("InvoiceTypeCode")+root.text("CreditNoteTypeCode") == map[bool]string{false: "380", true: "381"}[credit])
	rule("BR-05", root.text("DocumentCurrencyCode") == "EUR")
	rule("BR-06", seller.text("PartyLegalEntity/RegistrationName") != "")
	rule("BR-07", buyer.text("PartyLegalEntity/RegistrationName") != "")
	rule("BR-09", seller.text("PostalAddress/Country/IdentificationCode") != "")
	rule("BR-11", buyer.text("PostalAddress/Country/IdentificationCode") != "")
	rule("BR-16", len(root.all(line)) > 0)
	rule("BR-CO-09", strings.HasPrefix(seller.text("PartyTaxScheme/CompanyID"), seller.text("PostalAddress/Country/IdentificationCode")))
	total := root.all("LegalMonetaryTotal")[0]
	is := func(a *big.Rat, b ...*big.Rat) bool {
		sum := new(big.Rat)
		for _, x := range b {
			sum.Add(sum, x)
		}
		return a.Cmp(sum) == 0
	}
	rule("BR-CO-10", is(total.sum("LineExtensionAmount"), root.sum(line+"/LineExtensionAmount")))
	rule("BR-CO-13", is(total.sum("TaxExclusiveAmount"), total.sum("LineExtensionAmount")))
	rule("BR-CO-14", is(root.sum("TaxTotal/TaxAmount"), root.sum("TaxTotal/TaxSubtotal/TaxAmount")))
	rule("BR-CO-15", is(total.sum("TaxInclusiveAmount"), total.sum("TaxExclusiveAmount"), root.sum("TaxTotal/TaxAmount")))
	rule("BR-CO-16", is(total.sum("TaxInclusiveAmount"), total.sum("PrepaidAmount"), total.sum("PayableAmount")))
	rule("BR-CO-25", credit || root.text("DueDate") != "")
	for _, l := range root.all(line) {
		price, net, quantity := l.sum("Price/PriceAmount"), l.sum("LineExtensionAmount"), l.sum("InvoicedQuantity")
		quantity.Add(quantity, l.sum("CreditedQuantity"))
		rule("BR-25", l.text("Item/Name") != "")
		rule("BR-27", price.Sign() >= 0)
		off := new(big.Rat).Sub(new(big.Rat).Mul(price, quantity), net)
		rule("PEPPOL-EN16931-R120", off.Abs(off).Cmp(big.NewRat(2, 100)) <= 0)
		rule("BR-CO-04", l.text("Item/ClassifiedTaxCategory/ID") != "")
	}
	for _, s := range root.all("TaxTotal/TaxSubtotal") {
		kind, percent := s.text("TaxCategory/ID"), s.text("TaxCategory/Percent")
		lines := new(big.Rat)
		for _, l := range root.all(line) {
			if l.text("Item/ClassifiedTaxCategory/ID") == kind && l.text("Item/ClassifiedTaxCategory/Percent") == percent {
				lines.Add(lines, l.sum("LineExtensionAmount"))
			}
		}
		rule("BR-S-08", is(s.sum("TaxableAmount"), lines))
		rate, _ := new(big.Rat).SetString(percent)
		off := new(big.Rat).Mul(s.sum("TaxableAmount"), rate)
		off.Sub(off.Quo(off, big.NewRat(100, 1)), s.sum("TaxAmount"))
		rule("BR-CO-17", off.Abs(off).Cmp(big.NewRat(1, 100)) <= 0) // the norm's own check allows more
		switch kind {
		case "S":
			rule("BR-S-05", rate.Sign() > 0)
			rule("BR-S-02", seller.text("PartyTaxScheme/CompanyID") != "")
		case "AE", "K":
			rule("BR-"+kind+"-02", seller.text("PartyTaxScheme/CompanyID") != "" && buyer.text("PartyTaxScheme/CompanyID") != "")
			rule("BR-"+kind+"-09", s.sum("TaxAmount").Sign() == 0)
			rule("BR-"+kind+"-10", s.text("TaxCategory/TaxExemptionReasonCode") != "")
			rule("BR-IC-11, BR-IC-12", kind != "K" || credit || len(root.all("Delivery/ActualDeliveryDate")) == 1 && root.text("Delivery/DeliveryLocation/Address/Country/IdentificationCode") != "")
		case "Z":
			rule("BR-Z-10", s.text("TaxCategory/TaxExemptionReasonCode") == "")
		default:
			t.Errorf("the kind of tax %q", kind)
		}
	}
	for _, amounts := range []string{"TaxTotal/TaxAmount", "LegalMonetaryTotal/PayableAmount", line + "/LineExtensionAmount", "TaxTotal/TaxSubtotal/TaxableAmount"} {
		for _, a := range root.all(amounts) {
			rule("BR-DEC", twoDecimals.MatchString(a.Text))
		}
	}
	if !credit {
		rule("BR-49, NL-R-008", root.text("PaymentMeans/PaymentMeansCode") == "58")
		rule("BR-61", root.text("PaymentMeans/PayeeFinancialAccount/ID") != "")
		for _, payee := range root.all("PayeeParty") {
			rule("BR-17", payee.text("PartyName/Name") != "" && payee.text("PartyName/Name") != seller.text("PartyLegalEntity/RegistrationName"))
		}
	} else {
		rule("BR-55, NL-R-001", root.text("BillingReference/InvoiceDocumentReference/ID") != "")
	}
	if seller.text("PostalAddress/Country/IdentificationCode") == "NL" {
		rule("NL-R-002", seller.text("PostalAddress/StreetName") != "" && seller.text("PostalAddress/CityName") != "" && seller.text("PostalAddress/PostalZone") != "")
		rule("NL-R-003", len(seller.all("PartyLegalEntity/CompanyID")) == 1 && seller.all("PartyLegalEntity/CompanyID")[0].Attrs[0].Value == "0106")
	}
	if strings.Contains(root.text("CustomizationID"), "peppol") {
		rule("PEPPOL-EN16931-R003", root.text("OrderReference/ID") != "")
		rule("PEPPOL-EN16931-R010, R020", seller.text("EndpointID") != "" && buyer.text("EndpointID") != "")
		rule("PEPPOL-EN16931-R007", root.text("ProfileID") == "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0")
	}
}
