package invoices

import (
	"context"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/merchants"
	"achteraf/orders"
)

// facts are all that a document shows, as they stood when it was made. They are kept sealed for as long as the
// tax law wants: a member may be added, but none may get another name or meaning.
type facts struct {
	MadeAt   calendar.Instant `json:"made_at"`
	Language string           `json:"language"`
	Invoice  invoiceFacts     `json:"invoice"`
	Order    orderFacts       `json:"order"`
	Lines    []lineFacts      `json:"lines"`
	Credits  []creditFacts    `json:"credits,omitempty"`    // that came before the invoice
	Note     *creditFacts     `json:"note,omitempty"`       // what this is, when it is a credit note
	Paid     int64            `json:"paid_cents,omitempty"` // before the invoice; of a credit note, before that
	Shop     partyFacts       `json:"shop"`
	Operator partyFacts       `json:"operator"`
	Model    merchants.Model  `json:"model"`
	Account  accountFacts     `json:"account"`
	Buyer    buyerFacts       `json:"buyer"`
	PayURL   string           `json:"pay_url,omitempty"`
}

type (
	invoiceFacts struct {
		Number     string        `json:"number,omitempty"` // none: a preview
		Status     Status        `json:"-"`                // of a preview
		TotalCents int64         `json:"total_cents"`
		IssuedOn   calendar.Date `json:"issued_on,omitzero"`
		DueOn      calendar.Date `json:"due_on,omitzero"`
		SendOn     calendar.Date `json:"send_on,omitzero"`
	}
	orderFacts struct {
		Reference        string        `json:"reference"`
		PlacedOn         calendar.Date `json:"placed_on"`
		Country          string        `json:"country"` // of the debtor
		Prices           string        `json:"prices"`
		PaymentReference string        `json:"payment_reference"`
		TermsVersion     string        `json:"terms_version,omitempty"`
		Note             string        `json:"note,omitempty"` // the shop's
	}
	lineFacts struct { // in the order of orders.Line
		Reference      string `json:"reference,omitempty"`
		Kind           string `json:"kind"`
		Description    string `json:"description"`
		Quantity       string `json:"quantity"`
		UnitPriceCents int64  `json:"unit_price_cents"`
		VATPercent     string `json:"vat_percent"`
		ReturnMark     string `json:"return_mark,omitempty"`
		TotalCents     int64  `json:"total_cents"`
	}
	creditFacts struct {
		Number string        `json:"number,omitempty"`
		Reason string        `json:"reason"`
		Cents  int64         `json:"cents"`
		MadeOn calendar.Date `json:"made_on"`
		Parts  []partFacts   `json:"parts"`
	}
	partFacts struct { // in the order of CreditPart
		Line       int    `json:"line,omitempty"`
		Quantity   string `json:"quantity,omitempty"`
		VATPercent string `json:"vat_percent"`
		Cents      int64  `json:"cents"`
		VATCents   int64  `json:"vat_cents"`
	}
	partyFacts struct { // a shop or the operator
		Name               string         `json:"name"`
		LegalName          string         `json:"legal_name"`
		Street             string         `json:"street"`
		HouseNumber        string         `json:"house_number"`
		Postcode           string         `json:"postcode"`
		City               string         `json:"city"`
		Country            string         `json:"country"`
		RegistrationNumber string         `json:"registration_number,omitempty"`
		VATID              string         `json:"vat_id,omitempty"`
		Contacts           []contactFacts `json:"contacts,omitempty"`
	}
	contactFacts struct { // in the order of merchants.Contact
		Kind  string `json:"kind"`
		Value string `json:"value"`
	}
	accountFacts struct { // where the money goes
		IBAN string `json:"iban"`
		Name string `json:"name"` // exactly as the bank knows it
	}
	buyerFacts struct {
		Kind    string         `json:"kind"`
		Name    buyers.Name    `json:"name"`
		Address buyers.Address `json:"address"`
		Company *buyers.Firm   `json:"company,omitempty"`
	}
)

// gathered are the facts of documents, of which a part is still sealed.
type gathered struct {
	facts   []facts
	billed  []buyers.BilledRow
	remarks []*orders.Remarked // nil where there is none
}

// gatherFacts reads what documents about these invoices show, and who is billed.
func (c *Clerk) gatherFacts(ctx context.Context, tx *db.Tx, bills []*bill) (*gathered, error) {
	ofOrders, attempts, shops := make([]orders.Key, len(bills)), make([]buyers.AttemptKey, len(bills)), make([]string, len(bills))
	for i, b := range bills {
		o := &b.order
		ofOrders[i], attempts[i], shops[i] = orders.Key{Merchant: o.Merchant, ID: o.ID}, buyers.AttemptKey{Merchant: o.Merchant, ID: o.Attempt}, o.Merchant
	}
	g := &gathered{facts: make([]facts, len(bills))}
	var lines [][]orders.Line
	var fronts map[string]merchants.Front
	var pages []string
	err := first(
		func() (err error) { lines, err = orders.Lines(ctx, tx, ofOrders); return err },
		func() (err error) { g.billed, err = c.desk.Billed(ctx, tx, attempts); return err },
		func() (err error) { fronts, err = merchants.Fronts(ctx, tx, shops); return err },
		func() (err error) { g.remarks, err = orders.Remarks(ctx, tx, ofOrders); return err },
		func() (err error) { pages, err = c.payPages(ctx, tx, bills); return err },
	)
	if err != nil {
		return nil, err
	}
	for i, b := range bills {
		f := &g.facts[i]
		c.fillFacts(f, b)
		f.MadeAt, f.PayURL = tx.Now, pages[i]
		f.Shop = shopFacts(fronts[b.order.Merchant])
		for _, l := range lines[i] {
			f.Lines = append(f.Lines, lineFacts(l))
		}
		b.copied = g.remarks[i] != nil && g.remarks[i].Copied()
		if b.invoice.CreditedCents == 0 {
			continue
		}
		notes, err := Credits(ctx, tx, b.invoice.Merchant, b.invoice.ID)
		if err != nil {
			return nil, err
		}
		for _, n := range notes {
			if n.Number == "" {
				f.Credits = append(f.Credits, factsOf(n))
			}
		}
	}
	return g, nil
}

// open adds what is sealed to the facts of the ith document, and returns them with the buyer by whose keys they are
// kept. It needs no transaction.
func (g *gathered) open(desk *buyers.Desk, i int) (*facts, *buyers.Billed, error) {
	f := &g.facts[i]
	b, err := desk.OpenBilled(&g.billed[i])
	if err != nil {
		return nil, nil, err
	}
	f.Buyer = buyerFacts{b.Kind, b.Name, b.Address, b.Company}
	if r := g.remarks[i]; r != nil {
		remark, err := r.Open(&b)
		if err != nil {
			return nil, nil, err
		}
		f.Order.Note = remark.Note
	}
	return f, &b, nil
}

// fillFacts copies what is known without reading.
func (c *Clerk) fillFacts(f *facts, b *bill) {
	v, o := b.invoice, &b.order
	f.Language = o.Language
	if languages[f.Language] == nil {
		f.Language = "en"
	}
	f.Invoice = invoiceFacts{Number: v.Number, Status: v.Status, TotalCents: v.TotalCents, IssuedOn: v.IssuedOn, DueOn: v.DueOn, SendOn: v.SendOn}
	f.Order = orderFacts{o.Reference, o.PlacedOn, o.Country, o.Prices, o.PaymentReference, o.TermsVersion, ""}
	f.Model, f.Paid = b.terms.Model, b.applied
	f.Operator = c.operatorFacts()
	f.Account = accountFacts{c.operator.ClientIBAN, c.operator.AccountName}
}

func factsOf(n Credit) creditFacts {
	f := creditFacts{Number: n.Number, Reason: n.Reason, Cents: n.Cents, MadeOn: n.MadeOn}
	for _, p := range n.Parts {
		f.Parts = append(f.Parts, partFacts(p))
	}
	return f
}

func (c *Clerk) operatorFacts() partyFacts {
	o := &c.operator
	f := partyFacts{Name: o.Name, LegalName: o.LegalName, Street: o.Street, HouseNumber: o.HouseNumber, Postcode: o.Postcode, City: o.City,
		Country: o.Country, RegistrationNumber: o.RegistrationNumber, VATID: o.VATID}
	for _, x := range []contactFacts{{"phone", o.Phone}, {"email", o.Email}} {
		if x.Value != "" {
			f.Contacts = append(f.Contacts, x)
		}
	}
	return f
}

func shopFacts(m merchants.Front) partyFacts {
	f := partyFacts{Name: m.Name, LegalName: m.LegalName, Street: m.Street, HouseNumber: m.HouseNumber, Postcode: m.Postcode, City: m.City,
		Country: m.Country, RegistrationNumber: m.RegistrationNumber, VATID: m.VATID}
	for _, x := range m.Contacts {
		f.Contacts = append(f.Contacts, contactFacts(x))
	}
	return f
}

// bought are the lines as orders knows them.
func (f *facts) bought() []orders.Line {
	out := make([]orders.Line, len(f.Lines))
	for i, l := range f.Lines {
		out[i] = orders.Line(l)
	}
	return out
}

// PayPages gives the addresses of the pages on which invoices can be paid, one for each key, "" where there is none.
// A document shows what was given when it was made.
type PayPages func(ctx context.Context, tx *db.Tx, of []Key) ([]string, error)

// UsePayPages sets where documents made from now on say that they can be paid. Call it before the Clerk works.
func (c *Clerk) UsePayPages(f PayPages) { c.pages = f }

func (c *Clerk) payPages(ctx context.Context, tx *db.Tx, bills []*bill) ([]string, error) {
	if c.pages == nil {
		return make([]string, len(bills)), nil
	}
	keys := make([]Key, len(bills))
	for i, b := range bills {
		keys[i] = Key{b.invoice.Merchant, b.invoice.ID}
	}
	return c.pages(ctx, tx, keys)
}
