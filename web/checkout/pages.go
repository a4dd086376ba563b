package checkout

import (
	"net/http"
	"strings"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/ident"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/money"
	"achteraf/orders"
	"achteraf/risk"
	"achteraf/web/page"
)

// payTerms is the version of what payLater says.
const payTerms = "2026-11"

func (t *till) sum(cents int64) money.Amount {
	return money.Amount{Cents: cents, Currency: t.Currency}
}

func (t *till) amount(cents int64) string { return t.view.Lang.Amount(t.sum(cents)) }

func (t *till) lead() string { return t.OrderAt.With("shop", t.shop.Name, "reference", t.Reference) }

// billOn is when the invoice would go out.
func (t *till) billOn() string {
	return t.view.Lang.Day(t.today.AddDays(int(t.contract.SendAfterDays)), t.today)
}

func (t *till) days() int { return int(t.contract.DueDays) }

// creditor says to whom the money is owed.
func (t *till) creditor() string {
	text := t.CreditorCollected
	switch t.contract.Model {
	case merchants.Own:
		return t.CreditorOwn.With("company", t.shop.LegalName)
	case merchants.Guaranteed:
		text = t.CreditorBought
	}
	return text.With("company", t.shop.LegalName, "operator", t.operator.LegalName)
}

// credit says whether the law takes this for a loan: then its warning stands beside the button (Directive (EU)
// 2023/2225, art. 8).
func (t *till) credit() bool {
	scope := orders.Scope(orders.ScopeFacts{Consumer: true, Model: string(t.contract.Model), TermDays: t.contract.DueDays + t.contract.TransitDays})
	return strings.Contains(scope, "/inside/")
}

// basket are the lines of the order, its VAT by rate and its total.
func (t *till) basket() []page.Key {
	o := invoices.OrderOf(&t.Checkout)
	var all, included []page.Key
	for _, l := range o.Lines {
		name := l.Description
		if l.Quantity != "1" {
			name = t.Times.With("quantity", decimal(l.Quantity, t), "what", l.Description)
		}
		all = append(all, page.Key{Name: name, Value: t.amount(l.TotalCents)})
	}
	total := page.Key{Name: t.Total, Value: t.amount(t.TotalCents), Total: true}
	for _, v := range orders.VATOf(o.Prices, o.Lines) {
		switch percent := decimal(v.Percent, t); {
		case v.VATCents == 0:
		case t.pricesWithout():
			all = append(all, page.Key{Name: t.VatOf.With("percent", percent), Value: t.amount(v.VATCents)})
		default:
			included = append(included, page.Key{Name: t.VatIn.With("percent", percent), Value: t.amount(v.VATCents)})
		}
	}
	return append(append(all, total), included...)
}

// decimal writes a decimal as the language does.
func decimal(s string, t *till) string {
	if t.view.Lang == "en" {
		return s
	}
	return strings.Replace(s, ".", ",", 1)
}

// pricesWithout says that the lines stand without VAT, which is then added below them.
func (t *till) pricesWithout() bool { return t.Draft.Prices == orders.ExclVAT }

// delivery is where the goods go when that is not the buyer's address; "" otherwise.
func (t *till) delivery() string {
	if t.Buyer == nil || t.Buyer.DeliveryAddress == nil {
		return ""
	}
	return oneLine(t.Buyer.DeliveryAddress)
}

func oneLine(a *buyers.Address) string {
	house := strings.TrimSpace(a.HouseNumber + " " + a.HouseNumberSuffix)
	return a.Street + " " + house + ", " + ident.PrintPostcode(a.Country, a.Postcode) + " " + a.City
}

// placed is the page of an order that was accepted.
type placed struct {
	*till
	sendOn calendar.Date
	today  calendar.Date // where the buyer is
}

// accepted says that the order is placed, and what happens next.
func (s *Surface) accepted(w http.ResponseWriter, r *http.Request, t *till) error {
	p := &placed{till: t, today: t.today}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		of, err := invoices.OfOrders(r.Context(), tx, []invoices.Key{{Merchant: t.Merchant, ID: t.Checkout.Order}})
		if err == nil && len(of[0]) > 0 {
			p.sendOn = of[0][0].SendOn
		}
		return err
	})
	if err != nil {
		return err
	}
	t.view.Title, t.view.Narrow = t.AcceptedTitle, true
	return s.Look.Write(w, r, http.StatusOK, t.view, accepted(p))
}

func (p *placed) answer() page.Answer {
	a := page.Answer{Status: page.Planned, Label: p.Later, Sum: p.sum(p.TotalCents), Next: p.AcceptedNext,
		Until:   p.LaterSoon.Count(p.days()),
		Actions: []page.Action{{Text: p.ToShop.With("shop", p.shop.Name), Href: p.Returns.Success, Kind: page.Mark, Wide: true}}}
	if !p.sendOn.IsZero() {
		a.Until = p.LaterUntil.With("day", p.view.Lang.Weekday(p.sendOn, p.today))
	}
	return a
}

// steps are what happens next.
func (p *placed) steps() []page.Key {
	bill := p.StepBillText.With("day", p.view.Lang.Weekday(p.today.AddDays(int(p.contract.SendAfterDays)), p.today))
	if !p.sendOn.IsZero() {
		bill = p.StepBillText.With("day", p.view.Lang.Weekday(p.sendOn, p.today))
	}
	return []page.Key{{Name: p.StepMail, Value: p.StepMailText}, {Name: p.StepBill, Value: bill}, {Name: p.StepPay.Count(p.days()), Value: p.StepPayText}}
}

// refusal is the page of an attempt that was not accepted.
type refusal struct {
	*till
	class   string
	reasons []page.Key
}

// refused says why the order could not be accepted, and what the buyer can do.
func (s *Surface) refused(w http.ResponseWriter, r *http.Request, t *till) error {
	d, err := s.Till.Decision(r.Context(), &t.Checkout)
	if err != nil {
		return err
	}
	p := &refusal{till: t, class: d.Decision.Class, reasons: t.reasons(&d)}
	t.view.Title = p.title()
	return s.Look.Write(w, r, http.StatusOK, t.view, refused(p))
}

func (p *refusal) title() string {
	if p.State == checkout.Referred {
		return p.ReferredTitle
	}
	return p.RefusedTitle
}

func (p *refusal) text() string {
	if p.State == checkout.Referred {
		return p.ReferredLead
	}
	return p.RefusedLead
}

// reasons say what stood in the way, each in the buyer's words. What follows from what was typed is said as it is; what
// is on record about a person is only hinted at, since whoever types an address has not proved to be that person.
func (t *till) reasons(d *risk.Record) []page.Key {
	var all []page.Key
	seen := map[string]bool{}
	add := func(title, text string) {
		if !seen[title] {
			seen[title] = true
			all = append(all, page.Key{Name: title, Value: text})
		}
	}
	for _, reason := range d.Decision.Reasons {
		switch {
		case reason == "country":
			add(t.ReasonCountry, t.ReasonCountryText)
		case reason == "age":
			add(t.ReasonAge, t.ReasonAgeText)
		case reason == "limit" && d.Facts.LimitCents == 0: // the country says it already
		case reason == "limit" && d.Facts.AmountCents > d.Facts.LimitCents:
			add(t.ReasonAmount, t.ReasonAmountText.With("amount", t.amount(d.Facts.LimitCents)))
		case reason == "age-proof":
			add(t.ReasonProof, t.ReasonProofText)
		case reason == "attempts":
			add(t.ReasonOften, t.ReasonOftenText)
		default:
			add(t.ReasonRecord, t.ReasonRecordText)
		}
	}
	return all
}

// over says that nothing can be ordered here any more.
func (s *Surface) over(w http.ResponseWriter, r *http.Request, t *till) error {
	title, text := t.CancelledTitle, t.CancelledText
	if t.State == checkout.Expired {
		title, text = t.ExpiredTitle, t.ExpiredText
	}
	return s.stop(w, r, http.StatusGone, t, title, text)
}

// stop says why it does not go on, with the way back to the shop.
func (s *Surface) stop(w http.ResponseWriter, r *http.Request, status int, t *till, title, text string) error {
	t.view.Title, t.view.Narrow = title, true
	var actions []page.Action
	if to := t.Returns.ToCancel(); to != "" {
		actions = []page.Action{{Text: t.ToShop.With("shop", t.shop.Name), Href: to, Kind: page.Main}}
	}
	return s.Look.Write(w, r, status, t.view, stopped(title, text, actions))
}

// unknown is the page of a token that is nobody's.
func (s *Surface) unknown(w http.ResponseWriter, r *http.Request) error {
	v := s.Look.View(r, "")
	t := s.texts.In(v.Lang)
	v.Title, v.Narrow = t.UnknownTitle, true
	return s.Look.Write(w, r, http.StatusNotFound, v, stopped(t.UnknownTitle, t.UnknownText, nil))
}

// terms serves GET /checkout/{token}/terms: those of the shop where it has no page for them, and our own.
func (s *Surface) terms(w http.ResponseWriter, r *http.Request, t *till) error {
	if t.Draft == nil {
		return s.toShow(w, r, t)
	}
	t.view.Title, t.view.Narrow = t.TermsTitle, true
	return s.Look.Write(w, r, http.StatusOK, t.view, terms(t))
}

// termsAt is where the shop's terms can be read.
func (t *till) termsAt() string {
	if t.terms.URL != "" {
		return t.terms.URL
	}
	return t.here("/terms#shop")
}

// paragraphs are those of a text.
func paragraphs(text string) []string {
	var all []string
	for p := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, p)
		}
	}
	return all
}
