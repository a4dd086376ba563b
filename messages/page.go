package messages

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/ident"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// facts is what a message is about, as it is when the message is made.
type facts struct {
	message  string // its id
	check    string // its code; "" for none
	checkURL string // where the code can be checked
	operator merchants.Operator
	domain   string // that mail comes from
	shop     merchants.Merchant
	contacts []merchants.Contact
	order    orders.Order
	lines    []orders.Line
	invoice  invoices.Invoice
	credit   invoices.Credit   // of a credit only
	credits  []invoices.Credit // of an invoice that was asked for only: its credit notes
	name     string            // of the buyer
	on       calendar.Date     // when it became true
	payLink  string            // "" without pay pages
	atShop   int64             // cents of a payment that the shop says it received itself
	said     string            // of a shop's message only
	delay    invoices.Hold     // of a delay only
	outdated bool              // another notice has taken its place
	signIn   SignIn            // of a sign-in link only
	minutes  int               // for which it is valid
	arrival  Arrival           // of a sign-in on a new device only
	clock    string            // the time of day of it
}

// page is a mail before it is written down. The HTML and the plain text show the same page, so they say the same.
type page struct {
	Language, Sender, Subject, Preview string

	Label, Sum, When string  // the slip: what, how much, until when
	Pay              *link   // the one action
	Papers           []paper // that come with it
	NextWord         string
	Next             []string

	Hello    string
	Why      []string
	Sections []section
	Helpers  []helper
	Real     string
	Check    *check
	Identity []string
}

type (
	link    struct{ Word, URL string }
	section struct {
		Title string
		Intro []string
		Rows  []row
		Scan  []scan // the codes that say the same
	}
	row struct {
		Word, Value string
		Strong      bool
		Whole       bool // it stays on one line
		Long        bool // its word may be one that nobody knows, of any length
	}
	check struct{ Word, Code, URL string } // is this mail real?
	scan  struct {                         // a code, with what it is for
		code
		Word, Alt, URL string
	}
	helper struct { // who answers questions
		Word, Name string
		Contacts   []contact
	}
	contact struct{ Value, URL string }
)

// writer fills a page in one language.
type writer struct {
	speaker
	*facts
	most int // lines of the order that are shown
	with map[string]any
	page page
	err  error // the first word that is missing
}

// say returns the words of a key.
func (w *writer) say(key string) string { return w.localize(&i18n.LocalizeConfig{MessageID: key}) }

// count returns the words of a key for a number of things.
func (w *writer) count(key string, n int) string {
	return w.localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n})
}

func (w *writer) localize(c *i18n.LocalizeConfig) string {
	c.TemplateData = w.with
	said, err := w.words.Localize(c)
	if err == nil && strings.Contains(said, "<no value>") {
		err = fmt.Errorf("%q needs a fact that it is not given", c.MessageID)
	}
	if err != nil {
		w.err = errors.Join(w.err, fmt.Errorf("in %s: %w", w.Code(), err))
	}
	return said
}

// fill makes the page of a kind of message.
func (w *writer) fill(k *kind) {
	w.with = map[string]any{
		"Shop": w.shop.Name, "Name": w.name, "Domain": w.domain, "Order": w.order.Reference, "Ordered": w.Day(w.order.PlacedOn),
		"Terms": w.order.TermsVersion, "Number": w.invoice.Number, "On": w.Weekday(w.on), "Due": w.Weekday(w.invoice.DueOn),
		"Send": w.Weekday(w.invoice.SendOn), "Issued": w.Day(w.invoice.IssuedOn), "Open": w.Amount(w.invoice.OpenCents),
		"Held": w.Amount(w.invoice.HeldCents), "Operator": w.operator.Name, "Payee": w.operator.AccountName, "IBAN": ident.PrintIBAN(w.operator.ClientIBAN),
	}
	reference, _ := invoices.PrintReference(w.order.PaymentReference)
	w.with["Reference"] = reference
	p := &w.page
	p.Language, p.Sender, p.NextWord = w.Code(), w.operator.Name, w.say("next")
	if w.name != "" && k.fact != "" {
		p.Hello = w.say("hello")
	}
	k.fill(w)
	if k.fact != "" { // it is about an order
		p.Why = append(p.Why, w.say("help"))
		p.Helpers = []helper{{w.say("shop"), w.shop.Name, contactsOf(w.contacts)}}
	}
	p.Helpers = append(p.Helpers, helper{w.say("us"), w.operator.Name,
		contactsOf([]merchants.Contact{{Kind: "phone", Value: w.operator.Phone}, {Kind: "email", Value: w.operator.Email}})})
	if w.domain != "" && k.fact != "" { // a sign-in page does ask for a code
		p.Real = w.say("sender")
	}
	if w.check != "" && k.fact != "" {
		p.Check = &check{w.say("check"), printCheck(w.facts.check), w.checkURL + "?code=" + printCheck(w.facts.check)}
	}
	p.Identity = w.Identity(w.operator, w.order.Country)
}

func contactsOf(list []merchants.Contact) []contact {
	var all []contact
	for _, m := range list {
		c := contact{Value: m.Value}
		switch m.Kind {
		case "email":
			c.URL = "mailto:" + m.Value
		case "chat", "form":
			c.URL = m.Value
		}
		if m.Value != "" {
			all = append(all, c)
		}
	}
	return all
}

// slip says the answer: how much, and until when. The subject and the preview say it too.
func (w *writer) slip(key string, cents int64) {
	w.with["Amount"] = w.Amount(cents)
	p := &w.page
	p.Subject, p.Preview = w.say(key+"-subject"), w.say(key+"-preview")
	p.Label, p.Sum, p.When = w.say(key+"-label"), w.Amount(cents), w.say(key+"-when")
	p.Why = []string{w.say(key + "-why")}
}

func (w *writer) section(title string, rows ...row) *section {
	w.page.Sections = append(w.page.Sections, section{Title: w.say(title), Rows: rows})
	return &w.page.Sections[len(w.page.Sections)-1]
}

// row is a fact with its word; one without a value is left out by add.
func (w *writer) row(key, value string) row { return row{Word: w.say(key), Value: value} }

// oneLine is how many characters beside their word fit on the smallest screen: amounts, dates and accounts do.
const oneLine = 24

func (s *section) add(rows ...row) {
	for _, r := range rows {
		if r.Whole = utf8.RuneCountInString(r.Value) <= oneLine; r.Value != "" {
			s.Rows = append(s.Rows, r)
		}
	}
}

// orderConfirmed is the buyer's confirmation on a durable medium: what was ordered, when, under which terms and by
// which act (Directive 2011/83/EU art. 8(7)).
func (w *writer) orderConfirmed() {
	w.slip("order-confirmed", w.order.TotalCents)
	w.page.Next = []string{w.say("order-confirmed-next")}
	w.listLines().add(row{Word: w.say("total"), Value: w.Amount(w.order.TotalCents), Strong: true})
	s := w.section("facts")
	s.add(w.row("fact-order", w.order.Reference), w.row("fact-ordered", w.Day(w.order.PlacedOn)), w.row("fact-button", w.order.AcceptedText))
	if w.order.TermsVersion != "" {
		s.add(w.row("fact-terms", w.say("fact-terms-value")))
	}
}

// invoiced is the bill: the present open amount, and all that a transfer needs.
func (w *writer) invoiced() {
	v := &w.invoice
	w.slip("invoice", v.OpenCents)
	w.page.Next = []string{w.say("invoice-next")}
	lines := w.listLines()
	lines.add(row{Word: w.say("total"), Value: w.Amount(v.TotalCents)})
	if v.CreditedCents > 0 {
		lines.add(w.row("credited", w.Amount(-v.CreditedCents)))
	}
	if v.PaidCents > 0 {
		lines.add(w.row("already-paid", w.Amount(-v.PaidCents)))
	}
	lines.add(row{Word: w.say("due"), Value: w.Amount(v.OpenCents), Strong: true})
	if v.OpenCents > 0 {
		days := v.DueOn.Sub(w.on)
		w.with["Days"] = days
		w.page.Why = append(w.page.Why, w.count("invoice-days", days))
		w.transfer()
		if w.payLink != "" {
			w.page.Pay = &link{w.say("pay"), w.payLink}
		}
	} else {
		w.page.Subject, w.page.Preview = w.say("invoice-paid-subject"), w.say("invoice-paid-preview")
		w.page.When, w.page.Next = w.say("invoice-paid-when"), []string{w.say("invoice-paid-next")}
	}
	s := w.section("facts")
	s.add(w.row("fact-invoice", v.Number), w.row("fact-issued", w.Day(v.IssuedOn)), w.row("fact-due", w.Weekday(v.DueOn)),
		w.row("fact-order", w.order.Reference), w.row("fact-ordered", w.Day(w.order.PlacedOn)))
}

// copied is the bill for somebody else whom the order names.
func (w *writer) copied() {
	w.invoiced()
	w.page.Why = append(w.page.Why, w.say("invoice-copy"))
}

// asked answers who asked for an invoice: with its files, or with the day on which there will be one.
func (w *writer) asked() {
	v := &w.invoice
	switch {
	case v.Number != "":
		w.sendFiles()
	case v.Status == invoices.Planned:
		w.slip("asked-planned", v.OpenCents)
		w.page.Next = []string{w.say("asked-planned-next")}
	default: // it did not go on
		w.slip("asked-none", 0)
		w.page.Next = []string{w.say("asked-none-next")}
	}
	s := w.section("facts")
	if v.Number != "" {
		s.add(w.row("fact-invoice", v.Number), w.row("fact-issued", w.Day(v.IssuedOn)))
	}
	s.add(w.row("fact-order", w.order.Reference), w.row("fact-ordered", w.Day(w.order.PlacedOn)))
}

// sendFiles says what comes with the mail. It asks for no payment: what is open may have changed when it is read.
func (w *writer) sendFiles() {
	v := &w.invoice
	pdf, data := invoices.FileNames(v.Number)
	w.with["PDF"], w.with["Data"] = pdf, data
	w.slip("asked", v.TotalCents)
	w.page.Next = []string{w.say("asked-next")}
	if w.payLink != "" {
		w.page.Pay = &link{w.say("asked-button"), w.payLink}
	}
	s := w.section("asked-files")
	s.add(w.row("asked-pdf", pdf), w.row("asked-data", data))
	w.page.Papers = []paper{{ID: v.ID}}
	for _, c := range w.credits {
		pdf, data := invoices.FileNames(c.Number)
		s.add(w.row("asked-credit-pdf", pdf), w.row("asked-credit-data", data))
		w.page.Papers = append(w.page.Papers, paper{c.ID, true})
	}
}

// transfer is what the buyer types at the bank.
func (w *writer) transfer() {
	s := w.section("transfer")
	if latest := invoices.LatestTransfer(w.invoice.DueOn); latest.After(w.invoice.IssuedOn) {
		w.with["Latest"] = w.Weekday(latest)
		s.Intro = append(s.Intro, w.say("transfer-by"))
	}
	s.Intro = append(s.Intro, w.say("transfer-exactly"))
	reference, structured := invoices.PrintReference(w.order.PaymentReference)
	word := "reference"
	if structured {
		word = "structured"
	}
	s.add(w.row("amount", w.Amount(w.invoice.OpenCents)), w.row("iban", ident.PrintIBAN(w.operator.ClientIBAN)),
		w.row("payee", w.operator.AccountName), w.row(word, reference))
	s.Scan = w.codes()
}

// codes are those by which the bill can be paid, the first one of the country first.
func (w *writer) codes() (all []scan) {
	for _, s := range invoices.Symbols(w.order.Country, w.operator.AccountName, w.operator.ClientIBAN, w.invoice.OpenCents, w.order.PaymentReference, w.payLink) {
		c := scan{code: code{"transfer", s.Text}, Word: w.say("scan-transfer"), Alt: w.say("scan-transfer-alt")}
		if s.Page {
			c = scan{code: code{"page", s.Text}, Word: w.say("scan-page"), Alt: w.say("scan-page-alt"), URL: s.Text}
		}
		c.ID += "." + w.message + "@" + cmp.Or(w.domain, "mail") // as a Message-ID, it is nobody else's (RFC 2392)
		all = append(all, c)
	}
	return all
}

// paid says that nothing is open any more. What only the shop says that it received, we do not say has reached us.
func (w *writer) paid() {
	key := "payment-received"
	if w.atShop > 0 {
		key, w.with["AtShop"] = "paid-to-shop", w.Amount(w.atShop)
	}
	w.slip(key, w.invoice.PaidCents)
	w.page.Next = []string{w.say(key + "-next")}
	if w.invoice.HeldCents > 0 {
		w.page.Next = append(w.page.Next, w.say("payment-received-held"))
	}
	w.section("facts").add(w.row("fact-paid", w.Amount(w.invoice.PaidCents)), w.row("fact-invoice", w.invoice.Number),
		w.row("fact-order", w.order.Reference), w.row("fact-ordered", w.Day(w.order.PlacedOn)))
}

// credited says what a credit changes for the buyer.
func (w *writer) credited() {
	v := &w.invoice
	reason, err := w.Reason(w.credit.Reason)
	w.err = errors.Join(w.err, err)
	w.with["Reason"] = reason
	w.slip("credit", w.credit.Cents)
	switch {
	case v.Status == invoices.Planned:
		w.page.Next = []string{w.say("credit-planned")}
	case v.OpenCents > 0:
		w.page.Next = []string{w.say("credit-open")}
	default:
		w.page.Next = []string{w.say("credit-nothing")}
	}
	if v.HeldCents > 0 {
		w.page.Next = append(w.page.Next, w.say("credit-held"))
	}
	w.section("facts").add(w.row("amount", w.Amount(w.credit.Cents)), w.row("fact-reason", reason), w.row("fact-credit", w.credit.Number),
		w.row("fact-invoice", v.Number), w.row("fact-order", w.order.Reference))
}

// delayed says that the bill comes later, and why.
func (w *writer) delayed() {
	w.with["Reason"] = w.say("delayed-" + w.delay.Reason)
	w.slip("delayed", w.invoice.OpenCents)
	w.page.Next = []string{w.say("delayed-next")}
	w.section("facts").add(w.row("fact-reason", fmt.Sprint(w.with["Reason"])), w.row("fact-order", w.order.Reference), w.row("fact-ordered", w.Day(w.order.PlacedOn)))
}

// inHalves writes a code so that it can be read out and typed.
func inHalves(code string) string {
	half := len(code) / 2
	return code[:half] + "\u00a0" + code[half:]
}

// signInLink is a way in. It names nobody: whoever typed the address may not be who reads it.
func (w *writer) signInLink() {
	code := inHalves(w.signIn.Code)
	w.with["Code"], w.with["Minutes"] = code, w.minutes
	p := &w.page
	p.Subject, p.Preview = w.say("sign-in-subject"), w.say("sign-in-preview")
	p.Label, p.Sum, p.When = w.say("sign-in-label"), code, w.say("sign-in-when")
	if w.signIn.URL != "" {
		p.Pay = &link{w.say("sign-in-button"), w.signIn.URL}
	}
	p.Next = []string{w.say("sign-in-next")}
	p.Why = []string{w.say("sign-in-why"), w.count("sign-in-minutes", w.minutes)}
}

// newDevice says that somebody signed in where nobody did before.
func (w *writer) newDevice() {
	w.with["Device"], w.with["Clock"] = w.arrival.Device, w.clock
	p := &w.page
	p.Subject, p.Preview = w.say("new-device-subject"), w.say("new-device-preview")
	p.Label, p.Sum, p.When = w.say("new-device-label"), w.arrival.Device, w.say("new-device-when")
	if w.arrival.URL != "" {
		p.Pay = &link{w.say("new-device-button"), w.arrival.URL}
	}
	p.Next = []string{w.say("new-device-next")}
	p.Why = []string{w.say("new-device-why"), w.say("new-device-mail")}
}

// listLines lists what was bought, as many lines as there is room for.
func (w *writer) listLines() *section {
	s := w.section("lines")
	var sum, rest int64
	for i, l := range w.lines {
		sum += l.TotalCents
		if i >= w.most {
			rest += l.TotalCents
			continue
		}
		what := l.Description
		if l.Quantity != "1" {
			what += ", " + w.Number(l.Quantity) + " × " + w.Amount(l.UnitPriceCents)
		}
		s.add(row{Word: what, Value: w.Amount(l.TotalCents), Long: true})
	}
	if more := len(w.lines) - w.most; more > 0 {
		w.with["More"] = more
		s.add(row{Word: w.count("more-lines", more), Value: w.Amount(rest)})
	}
	if vat := w.order.TotalCents - sum; vat != 0 { // prices without VAT
		s.add(w.row("vat", w.Amount(vat)))
	}
	return s
}
