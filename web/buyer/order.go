package buyer

import (
	"cmp"
	"net/http"
	"strings"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/words"
	"achteraf/invoices"
	"achteraf/orders"
	"achteraf/reports"
	"achteraf/web/page"
)

// tale is the story of an order as it is shown.
type tale struct {
	*reports.Story
	l     words.Lang
	t     *texts
	payee string // who is paid
	pay   string // the page that takes the payment, "" for none
	mails bool   // the invoice can be had by mail
	asked string // the time at which it was asked for, lately; "" when it was not
}

// order serves GET /my/orders/{order}.
func (p *Pages) order(w http.ResponseWriter, r *http.Request) error {
	x := tale{payee: p.Operator.Name}
	done, err := p.entered(w, r, func(tx *db.Tx, v access.Visitor) (err error) {
		if x.Story, err = p.Reports.OrderStory(r.Context(), tx, v.Handles, r.PathValue("order")); err != nil {
			return err
		}
		if x.Transfer != nil {
			if x.pay, err = p.payPage(r, tx, &x.Item); err != nil {
				return err
			}
		}
		return p.readAsked(r, tx, &x)
	})
	if done {
		return err
	}
	v, t := p.view(r, x.Language, "")
	x.l, x.t = v.Lang, t
	v.Title, v.Script = x.title()+", "+x.Item.Shop, x.Transfer != nil
	return p.Look.Write(w, r, http.StatusOK, v, order(v, x.t, &x, p.Operator))
}

// readAsked reads whether the invoice can be asked for by mail, and whether it was.
func (p *Pages) readAsked(r *http.Request, tx *db.Tx, x *tale) error {
	if x.mails = p.Requests != nil && x.Number != ""; !x.mails {
		return nil
	}
	at, err := p.Requests.Lately(r.Context(), tx, orders.Key{Merchant: x.Merchant, ID: x.Item.Order}, x.Invoice)
	if err != nil || at.IsZero() {
		return err
	}
	zone, err := calendar.ZoneOf(x.Country)
	x.asked = zone.Clock(at)
	return err
}

// mailInvoice serves POST /my/orders/{order}/mail: the invoice goes to the address of the order.
func (p *Pages) mailInvoice(w http.ResponseWriter, r *http.Request) error {
	var story *reports.Story
	done, err := p.entered(w, r, func(tx *db.Tx, v access.Visitor) (err error) {
		story, err = p.Reports.OrderStory(r.Context(), tx, v.Handles, r.PathValue("order"))
		return err
	})
	if done {
		return err
	}
	if p.Requests == nil || story.Number == "" {
		return noPaper()
	}
	err = p.DB.Write(r.Context(), func(tx *db.Tx) error {
		return p.Requests.OfOrder(r.Context(), tx, orders.Key{Merchant: story.Merchant, ID: story.Order}, story.Invoice)
	})
	if err != nil {
		return err
	}
	return p.to(w, r, p.Look.View(r, "").Link("/my/orders/"+story.Order)+"#mailed")
}

func (x *tale) title() string { return cmp.Or(strings.Join(x.Goods, ", "), x.Reference) }

// about stands below the title.
func (x *tale) about() string {
	return x.t.OrderOf.With("shop", x.Item.Shop, "order", x.Reference, "day", x.l.Weekday(x.PlacedOn, x.Today.On))
}

func (x *tale) day(d calendar.Date) string { return x.l.Weekday(d, x.Today.On) }

func (x *tale) amount(cents int64) string { return x.l.Amount(eur(cents)) }

// chip is the status in the head of the page.
func (x *tale) chip() (page.Status, string) {
	switch x.Status {
	case invoices.Paid:
		return page.Paid, x.t.IsPaid
	case invoices.Credited:
		return page.Back, x.t.IsCredited
	case invoices.Cancelled:
		return page.Back, x.t.IsCancelled
	case invoices.WrittenOff:
		return page.Back, x.t.IsWrittenOff
	}
	if x.Paused() {
		return page.OnHold, heldFor(x.t, x.Holds)
	}
	if x.Status == invoices.Planned {
		return page.Planned, x.t.BillComes
	}
	return dueWord(x.t, &x.Item)
}

// answer is the slip of the order.
func (x *tale) answer(v *page.View) page.Answer {
	t := x.t
	switch x.Status {
	case invoices.Paid:
		return page.Answer{Status: page.Paid, Label: t.PaidOn.With("day", x.day(x.MovedOn)), Sum: eur(x.PaidCents), Until: t.Done}
	case invoices.Credited, invoices.Cancelled, invoices.WrittenOff:
		_, word := x.chip()
		return page.Answer{Status: page.Back, Label: word, Sum: eur(0), Until: t.Done}
	}
	if x.Paused() {
		a := page.Answer{Status: page.OnHold, Label: t.NothingNow, Sum: eur(0), Until: t.WaitsForUs.With("amount", x.amount(x.OpenCents)), Next: t.PausedNext}
		if !x.Today.Until.IsZero() {
			a.Next = t.PausedUntil
		}
		return a
	}
	if x.Status == invoices.Planned {
		return page.Answer{Status: page.Planned, Label: t.NothingNow, Sum: eur(0), Until: t.PlannedUntil.With("amount", x.amount(x.OpenCents), "day", x.day(x.SendOn)), Next: t.PlannedNext}
	}
	return x.open(v)
}

// open is the slip of an invoice that is to be paid.
func (x *tale) open(v *page.View) page.Answer {
	t := x.t
	a := page.Answer{Label: t.ToPayTo.With("payee", x.payee), Sum: eur(x.NowCents), Calendar: &page.Calendar{Today: x.Today.On, Dues: []page.Due{{On: x.DueOn, Sum: eur(x.NowCents)}}}}
	if x.DaysLeft < 0 {
		a.Until = t.WasDue.With("amount", x.amount(x.NowCents), "day", x.day(x.DueOn))
		a.Calendar = nil
	} else {
		a.Until = t.Until.With("day", x.day(x.DueOn)) + " " + daysLeft(t, x.DaysLeft)
	}
	a.Next = t.WhyThen.Count(x.DueOn.Sub(x.IssuedOn), "day", x.l.Weekday(x.DueOn, x.Today.On), "issued", x.day(x.IssuedOn))
	if x.NowCents < x.OpenCents {
		a.Next += " " + t.PartWaits.With("amount", x.amount(x.OpenCents-x.NowCents))
	}
	if x.pay != "" {
		a.Actions = append(a.Actions, page.Action{Text: t.Pay.With("amount", x.amount(x.NowCents)), Href: payLink(v, x.pay), Kind: page.Mark})
	}
	if x.Transfer != nil {
		a.Actions = append(a.Actions, page.Action{Text: t.TransferShort, Href: "#transfer"})
	}
	a.Actions = append(a.Actions, page.Action{Text: t.Wrong, Href: "#shop"})
	return a
}

// steps are the time line: what happened, today, what comes.
func (x *tale) steps() []page.Step {
	var all []page.Step
	for i := range x.Past {
		all = append(all, x.past(&x.Past[i]))
	}
	all = append(all, page.Step{Kind: page.Today, On: x.Today.On, Owed: eur(x.Today.NowCents)})
	forked := false
	for _, s := range x.Next {
		step, shown := x.next(s)
		if !shown {
			continue
		}
		if s.If == reports.IfUnpaid && !forked {
			forked = true
			all = append(all, page.Step{Kind: page.Fork, Title: x.t.Fork})
		}
		all = append(all, step)
	}
	return all
}

func (x *tale) past(f *reports.Fact) page.Step {
	t, sum := x.t, x.amount(f.Cents)
	s := page.Step{On: f.On, Owed: eur(f.OwedCents)}
	switch f.Kind {
	case reports.Ordered:
		s.Title = t.FactOrdered.With("shop", x.Item.Shop)
	case reports.Started:
		s.Title = t.FactStarted
	case reports.Invoiced:
		s.Title, s.Text = t.FactInvoiced, f.Number
	case reports.Paid:
		s.Title = t.FactPaid.With("amount", sum)
	case reports.Reversed:
		s.Title = t.FactReversed.With("amount", sum)
	case reports.ToShop:
		s.Title = t.FactToShop.With("shop", x.Item.Shop, "amount", sum)
	case reports.ToShopBack:
		s.Title = t.FactToShopBack.With("shop", x.Item.Shop, "amount", sum)
	case reports.Held:
		s.Title = t.FactHeld.With("amount", sum)
	case reports.Credited:
		s.Title, s.Text = t.FactCredited.With("shop", x.Item.Shop, "amount", sum), f.Number
	case reports.Late:
		s.Title, s.Text = t.FactLate, t.FactLateText
	case reports.HoldSet:
		s.Kind, s.Title, s.Text = page.Held, t.FactHold, holdWord(t, f.Hold)
		if f.Cents > 0 {
			s.Text += ", " + sum
		}
	case reports.HoldLifted, reports.HoldEnded:
		s.Title = t.FactUnheld
	case reports.Cancelled:
		s.Title = t.FactCancelled
	case reports.Lapsed:
		s.Title, s.Text = t.FactLapsed, t.FactLapsedText
	}
	return s
}

// next is a step to come. The last day for a transfer stands with the due day that it serves.
func (x *tale) next(s reports.Step) (page.Step, bool) {
	t := x.t
	out := page.Step{Kind: page.Next, On: s.On, Owed: eur(s.OwedCents), Cost: eur(s.CostCents)}
	switch s.Kind {
	case reports.StepInvoice:
		out.Title, out.Text = t.NextInvoice, t.NextInvoiceText
		if s.If == reports.IfStarted {
			out.Text = t.NextInvoiceIf
		}
	case reports.StepDue:
		out.Kind, out.Title, out.Text = page.Ending, t.NextDue, t.NextDueText
		if day := invoices.LatestTransfer(s.On); !day.Before(x.Today.On) {
			out.Text += " " + t.NextTransfer.With("day", x.day(day))
		}
	case reports.StepLate:
		out.Title, out.Text = t.NextLate, t.NextLateText
	case reports.StepLapse:
		out.Title, out.Text = t.NextLapse, t.NextLapseText
	default:
		return out, false
	}
	return out, true
}

// account is why this is owed: the ledger's entries, and that being late has cost nothing.
func (x *tale) account() page.Account {
	a := page.Account{Today: x.Today.On, Word: x.t.StillToPay, Sum: eur(x.Today.OwedCents)}
	var costs int64
	for i := range x.Entries {
		e := &x.Entries[i]
		a.Lines = append(a.Lines, page.Entry{On: e.On, What: x.what(e), Detail: x.detail(e), Sum: eur(e.OwedCents), Balance: eur(e.Balance)})
	}
	for _, s := range x.Next {
		costs += s.CostCents
	}
	if x.Status == invoices.Open && costs == 0 {
		a.Lines = append(a.Lines, page.Entry{On: x.Today.On, What: x.t.LateCosts, Detail: x.t.LateCostsNone, Sum: eur(0), Balance: eur(x.Today.OwedCents)})
	}
	return a
}

func (x *tale) what(e *reports.Entry) string {
	t := x.t
	switch {
	case e.Kind == "invoice-issued":
		return t.EntryInvoice.With("number", e.Number)
	case e.Kind == "credited":
		return t.EntryCredit.With("number", e.Number)
	case e.Kind == "paid-to-shop":
		return t.EntryToShop
	case e.OwedCents > 0 || e.Kind == "paid-to-shop-reversed":
		return t.EntryReversed
	}
	return t.EntryPayment
}

func (x *tale) detail(e *reports.Entry) string {
	switch {
	case e.Kind == "invoice-issued":
		return x.title()
	case e.HeldCents > 0:
		return x.t.EntryHeld.With("amount", x.amount(e.HeldCents))
	case e.HeldCents < 0:
		return x.t.EntryUsed.With("amount", x.amount(-e.HeldCents))
	}
	return ""
}

// place is where the last entry stands in the sealed log, 0 while none does.
func (x *tale) place() (n int64) {
	for _, e := range x.Entries {
		n = max(n, e.Place)
	}
	return n
}

// bought are the lines of the order, with VAT at the end where prices are without.
func (x *tale) bought() []page.Key {
	var keys []page.Key
	var sum int64
	for _, line := range x.Lines {
		what := line.Description
		if line.Quantity != "1" {
			what += ", " + x.l.Decimal(line.Quantity) + " × " + x.amount(line.UnitPriceCents)
		}
		sum += line.TotalCents
		keys = append(keys, page.Key{Name: what, Value: x.amount(line.TotalCents)})
	}
	total := x.TotalCents
	if vat := total - sum; vat != 0 {
		keys = append(keys, page.Key{Name: x.t.Vat, Value: x.amount(vat)})
	}
	return append(keys, page.Key{Name: x.t.TotalOrdered, Value: x.amount(total), Total: true})
}

// copied are the values of a transfer of what is to be paid now, as a bank's form takes them: without the spaces of
// print.
func (x *tale) copied() []page.Copied {
	t, tr := x.t, x.Transfer
	reference := page.Copied{Name: t.Reference, Value: tr.Reference}
	if tr.OGM {
		reference = page.Copied{Name: t.Structured, Value: tr.ReferencePrinted}
	}
	return []page.Copied{{Name: t.AmountField, Value: x.l.Figures(eur(x.NowCents)), Plain: x.l.Bare(eur(x.NowCents))}, {Name: t.Iban, Value: tr.IBAN}, {Name: t.Payee, Value: tr.Payee}, reference}
}

// papers are the documents there are.
func (x *tale) papers(v *page.View) []page.Door {
	if x.Number == "" {
		return nil
	}
	at := "/my/orders/" + x.Item.Order + "/papers/"
	all := []page.Door{
		{Href: at + "invoice.pdf", Icon: "i-doc", Text: x.t.InvoicePdf, Effect: x.Number, Download: true},
		{Href: at + "invoice.html", Icon: "i-eye", Text: x.t.InvoicePage, Effect: x.t.InvoicePageEffect},
		{Href: at + "invoice.xml", Icon: "i-list", Text: x.t.InvoiceData, Effect: x.t.DataEffect, Download: true},
	}
	for _, c := range x.Credits {
		if c.Number != "" {
			all = append(all, page.Door{Href: at + c.ID + ".pdf", Icon: "i-doc", Text: x.t.CreditPdf, Effect: c.Number, Download: true},
				page.Door{Href: at + c.ID + ".html", Icon: "i-eye", Text: x.t.CreditPage, Effect: c.Number},
				page.Door{Href: at + c.ID + ".xml", Icon: "i-list", Text: x.t.CreditData, Effect: x.t.DataEffect, Download: true})
		}
	}
	return all
}
