package messages

import (
	"errors"
	"fmt"
	"html"
	htmltemplate "html/template"
	"io/fs"
	"strings"
	"sync"
	texttemplate "text/template"

	"achteraf/calendar"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
)

// Codes of messages. They are stored, so they are never reused for something else.
const (
	OrderConfirmed  = "order-confirmed"
	InvoiceIssued   = "invoice"
	PaymentReceived = "payment-received"
	CreditMade      = "credit"
	Delayed         = "delayed"
	SignInLink      = "sign-in"
	FromShop        = "from-shop"
	NewDevice       = "new-device"
	InvoiceCopied   = "invoice-copy"
	InvoiceAsked    = "invoice-asked"
)

// kind is a kind of message: what tells it, how it is written, and what its two parts must show.
type kind struct {
	code     string
	fact     string        // the kind of due row that calls for it; "" for one that a caller asks for
	purpose  vault.Purpose // why it is kept
	template int64         // version of the texts; raised when what they say changes
	fill     func(*writer)
	needs    []string // facts that every language shows, in both parts
}

// kinds is every message there is. Those about an order are proof of what was said about a debt, so they are kept as
// claims. A sign-in link belongs to an address, not yet to a person, so it is sealed with a key of the platform.
func kinds() []*kind {
	return []*kind{
		{OrderConfirmed, invoices.FactAccepted, vault.Claim, 1, (*writer).orderConfirmed,
			[]string{"Name", "Shop", "Amount", "Send", "Order", "Ordered", "Terms"}},
		{InvoiceIssued, invoices.FactIssued, vault.Claim, 1, (*writer).invoiced,
			[]string{"Name", "Shop", "Amount", "Due", "Number", "Order", "Days", "Latest", "Reference", "Payee", "IBAN"}},
		{InvoiceCopied, invoices.FactCopied, vault.Claim, 1, (*writer).copied,
			[]string{"Name", "Shop", "Amount", "Due", "Number", "Order", "Days", "Latest", "Reference", "Payee", "IBAN"}},
		{PaymentReceived, invoices.FactPaid, vault.Claim, 1, (*writer).paid,
			[]string{"Name", "Shop", "Amount", "On", "Number", "Order", "Held"}},
		{CreditMade, invoices.FactCredited, vault.Claim, 1, (*writer).credited,
			[]string{"Name", "Shop", "Amount", "On", "Open", "Due", "Reason", "Order", "Held"}},
		{FromShop, DueShopText, vault.Claim, 1, (*writer).fromShop, []string{"Name", "Shop", "Order", "Ordered", "Words", "Operator"}},
		{Delayed, invoices.FactDelayed, vault.Claim, 1, (*writer).delayed,
			[]string{"Name", "Shop", "Amount", "Send", "Order", "Ordered", "Reason"}},
		{InvoiceAsked, DueAsked, vault.Claim, 1, (*writer).asked, []string{"Name", "Shop", "Amount", "Number", "Issued", "Order", "Ordered", "PDF", "Data"}},
		{SignInLink, "", shared, 1, (*writer).signInLink, []string{"Operator", "Code", "Minutes"}},
		{NewDevice, "", shared, 1, (*writer).newDevice, []string{"Operator", "Device", "On", "Clock"}},
	}
}

// Limits of a mail's HTML: mail programs cut what is longer.
const (
	mostBytes = 60_000
	mostLines = 40
)

// content is a written message. It is sealed as JSON.
type content struct {
	Subject string  `json:"subject"`
	Text    string  `json:"text"`
	HTML    string  `json:"html"`
	Codes   []code  `json:"codes,omitempty"`
	Papers  []paper `json:"papers,omitempty"` // that come with it
}

// paper is a document that comes with a mail. Its files are made when the mail is sent: which one it is is all that is
// kept.
type paper struct {
	ID     string `json:"id"`
	Credit bool   `json:"credit,omitempty"` // else an invoice
}

// code is a code that a mail shows. Its picture is made when the mail is sent: what it says is all that is kept.
type code struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func (c *content) images() (all []Image, err error) {
	for _, k := range c.Codes {
		png, err := invoices.Picture(k.Text)
		if err != nil {
			return nil, err
		}
		all = append(all, Image{k.ID, png})
	}
	return all, nil
}

// library is all texts and templates, checked.
type library struct {
	kinds    []*kind
	speakers map[string]speaker
	text     *texttemplate.Template
	html     *htmltemplate.Template
}

// own is the library of the program. It never changes, so all platforms of a process share it.
var own = sync.OnceValues(func() (*library, error) { return newLibrary(shipped) })

// invented is the operator of the samples.
var invented = merchants.Operator{Name: "Betaalhuis", LegalName: "Betaalhuis Voorbeeld B.V.", Street: "Voorbeeldkade", HouseNumber: "1", Postcode: "1234AB",
	City: "Voorbeeld", Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", Phone: "+31201234567", Email: "hulp@betaal.example",
	ClientIBAN: "NL20ACHT0000000001", AccountName: "Stichting Derdengelden Betaalhuis"}

// newLibrary reads and checks the texts: every kind is written once in every language, of facts that an order can
// have. Error: whatever does not fit.
func newLibrary(files fs.FS) (*library, error) {
	l := &library{kinds: kinds()}
	var err error
	if l.speakers, err = readWords(files); err != nil {
		return nil, err
	}
	if l.text, err = texttemplate.New("mail.txt").Option("missingkey=error").ParseFS(files, "templates/mail.txt"); err != nil {
		return nil, err
	}
	if l.html, err = htmltemplate.New("mail.html").Option("missingkey=error").ParseFS(files, "templates/mail.html"); err != nil {
		return nil, err
	}
	var wrong []error
	for _, k := range l.kinds {
		for _, code := range spoken {
			for _, f := range samples(invented, "mail.example", code) {
				if !f.of(k) {
					continue
				}
				wrong = append(wrong, l.try(k, f))
			}
		}
	}
	return l, errors.Join(wrong...)
}

// try writes a message and looks for its facts. Only the first sample has all of them.
func (l *library) try(k *kind, f sample) error {
	w := l.writer(k, &f.facts, mostLines)
	c, err := l.render(w)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", k.code, f.order.Language, err)
	}
	if !f.whole {
		return nil
	}
	shown := html.UnescapeString(c.HTML)
	for _, need := range append(k.needs, "Identity") {
		for _, value := range w.values(need) {
			if !strings.Contains(c.Text, value) || !strings.Contains(shown, value) {
				return fmt.Errorf("%s in %s does not say %s", k.code, f.order.Language, need)
			}
		}
	}
	return nil
}

// values is what a reader must find for a fact.
func (w *writer) values(need string) []string {
	if need == "Identity" {
		return w.page.Identity
	}
	return []string{fmt.Sprint(w.with[need])}
}

// writer fills the page of a message.
func (l *library) writer(k *kind, f *facts, lines int) *writer {
	s, ok := l.speakers[f.order.Language]
	if !ok {
		s = l.speakers["en"]
	}
	w := &writer{speaker: s, facts: f, most: lines}
	w.fill(k)
	return w
}

// write writes a message that is not longer than a mail program shows.
func (l *library) write(k *kind, f *facts) (content, error) {
	for lines := mostLines; ; lines /= 2 {
		c, err := l.render(l.writer(k, f, lines))
		if err != nil || len(c.HTML) < mostBytes || lines == 0 {
			return c, err
		}
	}
}

func (l *library) render(w *writer) (content, error) {
	if w.err != nil {
		return content{}, w.err
	}
	var text, page strings.Builder
	if err := l.text.Execute(&text, w.page); err != nil {
		return content{}, err
	}
	if err := l.html.Execute(&page, w.page); err != nil {
		return content{}, err
	}
	c := content{Subject: w.page.Subject, Text: text.String(), HTML: page.String(), Papers: w.page.Papers}
	for _, s := range w.page.Sections {
		for _, k := range s.Scan {
			c.Codes = append(c.Codes, k.code)
		}
	}
	return c, nil
}

// sample is an invented order, to try the texts on.
type sample struct {
	facts
	whole bool   // has every fact
	only  string // the code of the one kind that it is for; "" for all
}

func (s *sample) of(k *kind) bool { return s.only == "" || s.only == k.code }

func samples(operator merchants.Operator, domain, language string) []sample {
	day := calendar.NewDate(2026, 3, 2)
	f := facts{
		message: "msg_0", check: "KV72NND4", checkURL: "https://pay.example/check-message", operator: operator, domain: domain, name: "Alex Voorbeeld", on: day, payLink: "https://pay.example/pay/x",
		shop:     merchants.Merchant{Name: "Winkel Voorbeeld"},
		contacts: []merchants.Contact{{Kind: "email", Value: "hulp@winkel.example"}, {Kind: "chat", Value: "https://winkel.example/chat"}},
		order: orders.Order{Reference: "W-1007", Country: "NL", Language: language, TotalCents: 2_345_67, TermsVersion: "2026-01",
			AcceptedText: "Bestellen", PlacedOn: day.AddDays(-3), PaymentReference: "RF18539007547034"},
		lines: []orders.Line{{Description: "Schoenen", Quantity: "2", UnitPriceCents: 1_000_00, TotalCents: 2_000_00}},
		invoice: invoices.Invoice{Status: invoices.Open, Number: "WINKEL-2026-000017", TotalCents: 2_345_67, OpenCents: 1_111_11, PaidCents: 1_000_00,
			CreditedCents: 234_56, HeldCents: 77_77, SendOn: day.AddDays(1), IssuedOn: day, DueOn: day.AddDays(16)},
		credit:  invoices.Credit{Number: "WINKEL-C-2026-000002", Reason: "return", Cents: 234_56},
		credits: []invoices.Credit{{Number: "WINKEL-C-2026-000002"}},
		said:    "Your parcel is at the neighbours.",
		delay:   invoices.Hold{Reason: "stock"},
		signIn:  SignIn{URL: "https://betaal.example/my/x", Code: "ABCD2345"}, minutes: 15,
		arrival: Arrival{Device: "Firefox, Linux", URL: "https://betaal.example/my/me"}, clock: "14:05",
	}
	bare := f // no more than an order must have
	bare.check, bare.payLink, bare.name, bare.domain, bare.contacts, bare.credits, bare.order.TermsVersion, bare.order.AcceptedText = "", "", "", "", nil, nil, "", ""
	bare.invoice = invoices.Invoice{Status: invoices.Planned, TotalCents: 2_345_67, OpenCents: 2_345_67, SendOn: day.AddDays(1)}
	bare.invoice.IssuedOn, bare.invoice.DueOn = day, day.AddDays(1) // too near for a transfer
	belgian := f
	belgian.credits = nil
	belgian.order.PaymentReference = "010806817183"
	belgian.invoice.OpenCents, belgian.invoice.HeldCents = 0, 0
	belgian.atShop = 1_000_00
	withdrawn := bare
	withdrawn.invoice = invoices.Invoice{Status: invoices.Cancelled, TotalCents: 2_345_67, CreditedCents: 2_345_67}
	return []sample{{facts: f, whole: true}, {facts: bare}, {facts: belgian}, {facts: withdrawn, only: InvoiceAsked}}
}
