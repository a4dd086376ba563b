package api

import (
	"fmt"
	"reflect"
	"strings"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/orders"
	"achteraf/risk"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// newOrder is the message of POST /v1/orders. Its tags are its documentation; what makes an order right is for
// orders and buyers to say.
type newOrder struct {
	Reference       string         `json:"reference" minLength:"1" maxLength:"64" doc:"Your own word for the order, used once." example:"1001"`
	Currency        string         `json:"currency" enum:"EUR" doc:"ISO 4217."`
	Prices          string         `json:"prices" enum:"incl_vat,excl_vat" doc:"Whether unit prices include VAT."`
	TotalCents      integer        `json:"total_cents" minimum:"1" maximum:"10000000000" doc:"What the buyer owes, VAT included: the sum of the lines, and of the VAT of each rate where prices exclude it." example:"5040"`
	Lines           []newLine      `json:"lines" nullable:"false" minItems:"1" maxItems:"500"`
	Buyer           newBuyer       `json:"buyer"`
	DeliveryAddress *postalAddress `json:"delivery_address,omitempty" doc:"Where the goods go, when that is not the buyer's address."`
	TermsVersion    string         `json:"terms_version,omitempty" nullable:"true" maxLength:"40" doc:"Version of your terms that the buyer accepted."`
	AcceptedTerms   *acceptedTerms `json:"accepted_terms,omitempty" doc:"The buyer's express act at the till."`
	InvoiceNote     string         `json:"invoice_note,omitempty" nullable:"true" maxLength:"500" doc:"Printed on the invoice, such as the buyer's own word for the order." example:"PO 4471"`
	CustomerNumber  string         `json:"customer_number,omitempty" nullable:"true" maxLength:"64" doc:"Your own number of the buyer. It is given back to you alone." example:"C-2088"`
}

type newLine struct {
	Reference      string     `json:"reference,omitempty" nullable:"true" maxLength:"64" doc:"Your own word for the thing." example:"SKU-1"`
	Kind           string     `json:"kind" enum:"goods,shipping,discount,fee"`
	Description    string     `json:"description" minLength:"1" maxLength:"200" example:"Running shoes"`
	Quantity       quantity   `json:"quantity"`
	UnitPriceCents integer    `json:"unit_price_cents" minimum:"-10000000000" maximum:"10000000000" doc:"Negative for a discount, and for nothing else." example:"5040"`
	VATPercent     string     `json:"vat_percent" doc:"A percentage as decimal text." example:"21"`
	ReturnMark     returnMark `json:"return_mark,omitempty"`
}

type newBuyer struct {
	Kind      string        `json:"kind" enum:"consumer,company"`
	Email     string        `json:"email" doc:"Where the invoice goes." example:"sanne@example.org"`
	Language  string        `json:"language" enum:"nl,fr,en,de"`
	Phone     string        `json:"phone,omitempty" nullable:"true" doc:"Best in international form." example:"+31612345678"`
	IP        string        `json:"ip,omitempty" nullable:"true" doc:"The buyer's own address in the network, IPv4 or IPv6." example:"203.0.113.7"`
	Name      *personName   `json:"name,omitempty" doc:"Required for a consumer; for a company, whom to ask for."`
	BirthDate calendar.Date `json:"birth_date,omitzero" format:"date" doc:"Required for a consumer, not allowed for a company." example:"1990-05-01"`
	Address   postalAddress `json:"address"`
	Company   *company      `json:"company,omitempty" doc:"Required for a company, not allowed for a consumer."`
}

type personName struct {
	First string `json:"first" example:"Sanne"`
	Last  string `json:"last" example:"de Vries"`
}

type postalAddress struct {
	Street            string `json:"street" minLength:"1" example:"Dorpsstraat"`
	HouseNumber       string `json:"house_number" minLength:"1" doc:"The number alone; letters and the rest go into the suffix." example:"1"`
	HouseNumberSuffix string `json:"house_number_suffix,omitempty" nullable:"true" example:"A"`
	Postcode          string `json:"postcode" minLength:"1" example:"1234 AB"`
	City              string `json:"city" minLength:"1" example:"Voorbeeld"`
	Country           string `json:"country" doc:"ISO 3166-1, two letters." example:"NL"`
}

type company struct {
	Name               string `json:"name" minLength:"1" example:"Voorbeeld BV"`
	RegistrationNumber string `json:"registration_number" minLength:"1" doc:"Number in the trade register of its country." example:"12345678"`
	VATID              string `json:"vat_id,omitempty" nullable:"true" doc:"With its country." example:"NL004495445B01"`
}

type acceptedTerms struct {
	ButtonText string           `json:"button_text" minLength:"1" maxLength:"200" doc:"The words on the button that the buyer pressed." example:"Order with obligation to pay"`
	At         calendar.Instant `json:"at" format:"date-time" doc:"When the buyer pressed it."`
}

// order is the message as orders and buyers know it. Error: Invalid "fields" for what only a message can lack.
func (m *newOrder) order() (orders.New, buyers.Buyer, error) {
	if len(m.Lines) > mostLines {
		return orders.New{}, buyers.Buyer{}, tooManyLines()
	}
	var lacks []fault.Field
	o := orders.New{Reference: m.Reference, Currency: m.Currency, Prices: m.Prices, TotalCents: m.TotalCents.value,
		TermsVersion: m.TermsVersion, Lines: make([]orders.Line, len(m.Lines)), Remark: orders.Remark{Note: m.InvoiceNote, Customer: m.CustomerNumber}}
	if !m.TotalCents.given {
		lacks = append(lacks, missing("#/total_cents"))
	}
	for i, l := range m.Lines {
		o.Lines[i] = orders.Line{Reference: l.Reference, Kind: l.Kind, Description: l.Description, Quantity: string(l.Quantity),
			UnitPriceCents: l.UnitPriceCents.value, VATPercent: l.VATPercent, ReturnMark: string(l.ReturnMark)}
		if !l.UnitPriceCents.given {
			lacks = append(lacks, missing(fmt.Sprintf("#/lines/%d/unit_price_cents", i)))
		}
	}
	if t := m.AcceptedTerms; t != nil {
		o.AcceptedText, o.AcceptedAt = t.ButtonText, t.At
		if strings.TrimSpace(t.ButtonText) == "" {
			lacks = append(lacks, missing("#/accepted_terms/button_text"))
		}
		if t.At.IsZero() {
			lacks = append(lacks, missing("#/accepted_terms/at"))
		}
	}
	b := m.Buyer.buyer()
	if m.DeliveryAddress != nil {
		a := m.DeliveryAddress.address()
		b.DeliveryAddress = &a
	}
	if len(lacks) > 0 {
		return o, b, fault.At("fields", "Some fields are not right.", lacks...)
	}
	return o, b, nil
}

// mostLines is how many lines a message may have, so that a list of nothing is not answered with a book.
const mostLines = 500

func tooManyLines() error {
	return fault.At("fields", "Some fields are not right.", fault.Field{Pointer: "#/lines", Code: "lines", Detail: fmt.Sprintf("Give 1 to %d lines.", mostLines)})
}

func missing(at string) fault.Field {
	return fault.Field{Pointer: at, Code: "required", Detail: "Fill this in."}
}

func (m *newBuyer) buyer() buyers.Buyer {
	b := buyers.Buyer{Kind: m.Kind, Email: m.Email, Language: m.Language, Phone: m.Phone, IP: m.IP, BirthDate: m.BirthDate,
		Address: m.Address.address()}
	if m.Name != nil {
		b.Name = buyers.Name(*m.Name)
	}
	if c := m.Company; c != nil {
		b.Company = &buyers.Firm{Name: c.Name, RegistrationNumber: c.RegistrationNumber, VATID: c.VATID}
	}
	return b
}

func (m *postalAddress) address() buyers.Address {
	return buyers.Address{Street: m.Street, HouseNumber: m.HouseNumber, HouseNumberSuffix: m.HouseNumberSuffix, Postcode: m.Postcode,
		City: m.City, Country: m.Country}
}

// inMessage moves the places of wrong fields to where the message has them: buyers keeps the delivery address
// with the buyer, the message with the order.
func inMessage(err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	for i, field := range f.Fields {
		if rest, ok := strings.CutPrefix(field.Pointer, "#/buyer/delivery_address"); ok {
			f.Fields[i].Pointer = "#/delivery_address" + rest
		}
	}
	return err
}

// orderAnswer is an order as the shop sees it, or an attempt that became none.
type orderAnswer struct {
	ID               string           `json:"id" doc:"ord_… of an order, att_… of an attempt that was not accepted." example:"ord_06a0m8e3xq7v2"`
	Reference        string           `json:"reference" example:"1001"`
	Status           string           `json:"status" enum:"accepted,declined,referred"`
	State            *orders.State    `json:"state" doc:"Null for an attempt that was not accepted."`
	TotalCents       int64            `json:"total_cents" example:"5040"`
	Currency         string           `json:"currency" example:"EUR"`
	PaymentReference *string          `json:"payment_reference" doc:"What the buyer pays with, before and after the invoice." example:"RF451234567890"`
	Decision         decision         `json:"decision"`
	Invoices         []invoice        `json:"invoices" nullable:"false"`
	InvoiceNote      string           `json:"invoice_note,omitempty" doc:"What you gave. Not in lists, nor in the answer to a new order; left out when there is none, or no longer." example:"PO 4471"`
	CustomerNumber   string           `json:"customer_number,omitempty" doc:"What you gave; as invoice_note." example:"C-2088"`
	Notes            []string         `json:"notes,omitempty" nullable:"false" doc:"Free words that your plug-in gave on another wire; as invoice_note."`
	PlacedOn         *calendar.Date   `json:"placed_on" nullable:"true" format:"date" doc:"The civil date at the buyer's address."`
	CreatedAt        calendar.Instant `json:"created_at" format:"date-time"`
	Credits          []credit         `json:"credits,omitzero" nullable:"false" doc:"What was credited, the oldest first. Not in lists, nor in the answer to a new order."`
	Payments         []payment        `json:"payments,omitzero" nullable:"false" doc:"What you reported as paid to you, the oldest first. Not in lists, nor in the answer to a new order."`
	Holds            []hold           `json:"holds,omitzero" nullable:"false" doc:"What keeps the invoice, reminders and costs from going on now. Not in lists, nor in the answer to a new order."`
}

type decision struct {
	Class string `json:"class" enum:"accepted,not_accepted,identify,review" doc:"All that a shop learns; the buyer learns why."`
}

type invoice struct {
	ID         string          `json:"id" example:"inv_06a0m8e3xq7v3"`
	Number     *string         `json:"number" doc:"Null until it is issued." example:"DEMO-2026-000001"`
	Status     invoices.Status `json:"status" enum:"planned,open,paid,credited,cancelled,written_off"`
	TotalCents int64           `json:"total_cents" example:"5040"`
	OpenCents  int64           `json:"open_cents" example:"5040"`
	SendOn     *calendar.Date  `json:"send_on" nullable:"true" format:"date" doc:"The day on which it is issued, or was planned to be."`
	DueOn      *calendar.Date  `json:"due_on" nullable:"true" format:"date" doc:"The last day to pay; null until it is issued."`
	PayURL     *string         `json:"pay_url" format:"uri" doc:"The page on which anybody who has its address can pay what is open; null when nothing is, and where the operator has no such pages."`
	PDFURL     *string         `json:"pdf_url" format:"uri-reference" doc:"Where the document is to be had, with the same key; null until it is issued." example:"/v1/invoices/inv_06a0m8e3xq7v3/pdf"`
}

// leadTo says where the invoice can be paid, as long as it can be.
func (v *invoice) leadTo(page string) {
	if v.Status == invoices.Planned || v.Status == invoices.Open {
		v.PayURL = &page
	}
}

type credit struct {
	ID          string         `json:"id" example:"cre_06a0m8e3xq7v4"`
	Number      *string        `json:"number" doc:"Null when it was made before the invoice: then the invoice asks for less." example:"DEMO-C-2026-000001"`
	AmountCents int64          `json:"amount_cents" doc:"VAT included." example:"1000"`
	Reason      string         `json:"reason"`
	MadeOn      calendar.Date  `json:"made_on" format:"date"`
	PDFURL      *string        `json:"pdf_url" format:"uri-reference" doc:"Where the document is to be had, with the same key; null when it has no number." example:"/v1/credits/cre_06a0m8e3xq7v4/pdf"`
	Lines       []creditedLine `json:"lines" nullable:"false" doc:"Empty when an amount was credited."`
}

type creditedLine struct {
	Line        int    `json:"line" doc:"Number of the order's line, from 1." example:"1"`
	Quantity    string `json:"quantity" example:"1"`
	AmountCents int64  `json:"amount_cents" doc:"VAT included." example:"1000"`
}

// statusOf is what a class of decision means for the shop.
func statusOf(class string) string {
	switch class {
	case risk.Accepted:
		return "accepted"
	case risk.NotAccepted:
		return "declined"
	}
	return "referred"
}

// answerTo makes the answer to a new order from what became of it.
func answerTo(o invoices.Outcome, asked *newOrder) orderAnswer {
	if o.Order == nil {
		return orderAnswer{ID: o.Attempt, Reference: strings.TrimSpace(asked.Reference), Status: statusOf(o.Decision.Class),
			TotalCents: asked.TotalCents.value, Currency: asked.Currency, Decision: decision{o.Decision.Class}, Invoices: []invoice{}, CreatedAt: o.At}
	}
	var list []invoices.Invoice
	if o.Invoice != nil {
		list = []invoices.Invoice{*o.Invoice}
	}
	return answerOf(o.Order, list)
}

// answerOf shows a stored order.
func answerOf(o *orders.Order, list []invoices.Invoice) orderAnswer {
	a := orderAnswer{ID: o.ID, Reference: o.Reference, Status: statusOf(risk.Accepted), State: &o.State, TotalCents: o.TotalCents,
		Currency: o.Currency, PaymentReference: &o.PaymentReference, Decision: decision{risk.Accepted}, Invoices: make([]invoice, len(list)),
		PlacedOn: &o.PlacedOn, CreatedAt: o.PlacedAt}
	for i := range list {
		v := &list[i]
		a.Invoices[i] = invoice{ID: v.ID, Number: null(&v.Number), Status: v.Status, TotalCents: v.TotalCents, OpenCents: v.OpenCents,
			SendOn: null(&v.SendOn), DueOn: null(&v.DueOn), PDFURL: pdfURL("invoices", v.ID, v.Number)}
	}
	return a
}

func creditOf(c invoices.Credit) credit {
	out := credit{ID: c.ID, Number: null(&c.Number), AmountCents: c.Cents, Reason: c.Reason, MadeOn: c.MadeOn, PDFURL: pdfURL("credits", c.ID, c.Number), Lines: []creditedLine{}}
	for _, p := range c.Parts {
		if p.Line > 0 {
			out.Lines = append(out.Lines, creditedLine{Line: p.Line, Quantity: p.Quantity, AmountCents: p.Cents})
		}
	}
	return out
}

// null is nil where there is nothing to show.
func null[T comparable](v *T) *T {
	if *v == *new(T) {
		return nil
	}
	return v
}

// orderPage is a part of a list, the newest first.
type orderPage struct {
	Data       []orderAnswer `json:"data" nullable:"false"`
	NextCursor *string       `json:"next_cursor" doc:"Give it as cursor to read on; null at the end."`
}

// creditOrder asks for a credit: of an amount, of lines, or of all that is left when neither is given.
type creditOrder struct {
	AmountCents integer     `json:"amount_cents,omitzero" minimum:"1" maximum:"10000000000" doc:"VAT included." example:"1000"`
	Lines       creditLines `json:"lines,omitempty" nullable:"false" minItems:"1" maxItems:"500"`
	Reason      string      `json:"reason,omitempty" nullable:"true" doc:"return, cancellation, price, damaged, not_delivered, goodwill or other; other when it is left out." example:"return"`
}

type creditLine struct {
	Line     integer  `json:"line" minimum:"1" maximum:"500" doc:"Number of the order's line, from 1." example:"1"`
	Quantity quantity `json:"quantity"`
}

// creditLines is a list that null does not leave out: it would credit everything.
type creditLines []creditLine

// UnmarshalJSONFrom reads a list.
func (l *creditLines) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if kind := d.PeekKind(); kind != '[' {
		return &json.SemanticError{JSONKind: kind, GoType: reflect.TypeFor[creditLines]()}
	}
	return json.UnmarshalDecode(d, (*[]creditLine)(l))
}

// ask is the message as invoices knows it. Nothing given means all that is left, so what is given must not be
// nothing. Error: Invalid "fields".
func (m *creditOrder) ask(merchant, order string) (invoices.CreditAsk, error) {
	ask := invoices.CreditAsk{Merchant: merchant, Order: order, Cents: m.AmountCents.value, Reason: m.Reason}
	if ask.Reason == "" {
		ask.Reason = "other"
	}
	if len(m.Lines) > mostLines {
		return ask, tooManyLines()
	}
	var wrong []fault.Field
	if m.AmountCents.given && ask.Cents < 1 {
		wrong = append(wrong, fault.Field{Pointer: "#/amount_cents", Code: "amount", Detail: "Give whole cents, more than 0."})
	}
	if m.Lines != nil && len(m.Lines) == 0 {
		wrong = append(wrong, fault.Field{Pointer: "#/lines", Code: "lines", Detail: "Give one line at least."})
	}
	for i, l := range m.Lines {
		if !l.Line.given {
			wrong = append(wrong, missing(fmt.Sprintf("#/lines/%d/line", i)))
		}
		ask.Lines = append(ask.Lines, invoices.CreditLine{Line: int(l.Line.value), Quantity: string(l.Quantity)})
	}
	if len(wrong) > 0 {
		return ask, fault.At("fields", "Some fields are not right.", wrong...)
	}
	return ask, nil
}

// nothing is the message of a call that needs none.
type nothing struct{}
