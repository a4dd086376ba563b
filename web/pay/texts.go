package pay

import (
	"achteraf/internal/words"
	"achteraf/invoices"
	"achteraf/money"
	"achteraf/payments"
	"achteraf/reports"
	"achteraf/web/page"
)

// texts are what the pay page says.
type texts struct {
	BillOf, AskedBy, AskedDone                    words.Text
	ToPay, StillOpen, Planned, NothingNow         string
	Paid, Credited, Cancelled, Closed             string
	ByDay, OfTotalBy, WasDay, DaysMore            words.Text
	LastDay                                       string
	ComesOn, Waits, Reserved                      words.Text
	PaidUntil, CreditedUntil, CancelledUntil      string
	ClosedUntil                                   string
	BankNext, TransferNext, LateNext              string
	PlannedNext, HoldNext, HoldPart               string
	PayButton, PayEarly                           words.Text
	ByTransfer, TransferEarly                     string
	TransferBy                                    words.Text
	TransferDays                                  string
	Amount, Iban, Payee, Reference, Structured    string
	CodeTransfer, CodeTransferText                string
	CodeTransferAlt                               string
	CodePage, CodePageText, CodePageButton        string
	CodePageAlt                                   string
	NoCards, NoCardsText                          string
	Good, NoAccount, OnlyThis                     string
	Questions                                     words.Text
	Changed, ChangedText, NoBank, NoBankText      string
	WaitTitle, WaitLead, WaitLabel, WaitHere      string
	LookAgain                                     string
	PaidTitle, PaidLead, PaidLabel                string
	RestOpen                                      words.Text
	FailedTitle, FailedLead                       string
	ExpiredTitle, ExpiredLead                     string
	StoppedTitle, StoppedLead, NotPaid, BackToPay string
	To                                            words.Text
}

// note is what happened to what the payer has just tried.
type note int

const (
	none    note = iota
	changed      // the amount has changed in the meantime
	noBank       // the bank button does not work now
)

// code is a code with what stands beside it.
type code struct {
	title, text, alt string
	says             string
	modules          [][]bool
}

// bill is the page of a claim.
type bill struct {
	reports.Claim
	*texts
	view     *page.View
	operator string
	bank     string // where the button leads; "" for none
	note     note
	codes    []code
}

func toPay(c *reports.Claim) *reports.Transfer {
	if c.Transfer != nil {
		return c.Transfer
	}
	return c.Early
}

// transfer is what can be paid; nil for nothing.
func (b *bill) transfer() *reports.Transfer { return toPay(&b.Claim) }

func (b *bill) lead() string {
	text := b.AskedBy
	if b.Status != invoices.Open && b.Status != invoices.Planned {
		text = b.AskedDone
	}
	return text.With("operator", b.operator, "shop", b.Shop)
}

func (b *bill) amount(cents int64) string { return b.view.Lang.Amount(b.sum(cents)) }

func (b *bill) sum(cents int64) money.Amount { return money.Amount{Cents: cents, Currency: b.Currency} }

// soon is how many days before its pay day a bill is due soon.
const soon = 3

// answer is the slip of the page.
func (b *bill) answer() page.Answer {
	day := b.view.Lang.Weekday
	a := page.Answer{Sum: b.sum(0)}
	switch {
	case b.Status == invoices.Planned && b.Paused:
		a.Status, a.Label, a.Until, a.Next = page.OnHold, b.NothingNow, b.Waits.With("amount", b.amount(b.OpenCents)), b.HoldNext
	case b.Status == invoices.Planned && b.Early == nil:
		a.Status, a.Label, a.Until = page.Paid, b.NothingNow, b.Reserved.With("day", day(b.SendOn, b.Today))
	case b.Status == invoices.Planned:
		a.Status, a.Label, a.Sum, a.Next = page.Planned, b.Planned, b.sum(b.Early.Cents), b.PlannedNext
		a.Until = b.ComesOn.With("day", day(b.SendOn, b.Today))
	case b.Status == invoices.Open && b.NowCents == 0:
		a.Status, a.Label, a.Until, a.Next = page.OnHold, b.NothingNow, b.Waits.With("amount", b.amount(b.OpenCents)), b.HoldNext
	case b.Status == invoices.Open:
		b.fillOpen(&a)
	case b.Status == invoices.Paid:
		a.Status, a.Label, a.Until = page.Paid, b.Paid, b.PaidUntil
	case b.Status == invoices.Credited:
		a.Status, a.Label, a.Until = page.Back, b.Credited, b.CreditedUntil
	case b.Status == invoices.Cancelled:
		a.Status, a.Label, a.Until = page.Back, b.Cancelled, b.CancelledUntil
	default:
		a.Status, a.Label, a.Until = page.Back, b.Closed, b.ClosedUntil
	}
	if t := b.transfer(); t != nil && b.bank != "" {
		action := page.Action{Text: b.PayButton.With("amount", b.amount(t.Cents)), Icon: "i-bank", Kind: page.Mark, Wide: true}
		if b.Early != nil {
			action.Text, action.Kind = b.PayEarly.With("amount", b.amount(t.Cents)), page.Quiet
		}
		a.Actions = []page.Action{action}
	}
	return a
}

// fillOpen says how much is open, and until when it can be paid.
func (b *bill) fillOpen(a *page.Answer) {
	day := b.view.Lang.Weekday(b.DueOn, b.Today)
	a.Status, a.Label, a.Sum, a.Next = page.Open, b.ToPay, b.sum(b.NowCents), b.TransferNext
	if b.bank != "" {
		a.Next = b.BankNext
	}
	if b.DaysLeft < 0 {
		a.Status, a.Label, a.Until, a.Next = page.Late, b.StillOpen, b.WasDay.With("day", day), b.LateNext
		return
	}
	if b.DaysLeft <= soon {
		a.Status = page.Soon
	}
	a.Until = b.ByDay.With("day", day)
	if b.NowCents != b.TotalCents {
		a.Until = b.OfTotalBy.With("total", b.amount(b.TotalCents), "day", day)
	}
	if b.DaysLeft == 0 {
		a.Until += " " + b.LastDay
	} else {
		a.Until += " " + b.DaysMore.Count(b.DaysLeft)
	}
	if b.NowCents < b.OpenCents {
		a.Next = b.HoldPart + " " + a.Next
	}
}

// fields are what the payer types at the bank.
func (b *bill) fields() []page.Copied {
	t := b.transfer()
	reference := page.Copied{Name: b.Reference, Value: t.ReferencePrinted, Plain: t.Reference}
	if t.OGM {
		reference = page.Copied{Name: b.Structured, Value: t.ReferencePrinted}
	}
	return []page.Copied{{Name: b.Amount, Value: b.view.Lang.Figures(b.sum(t.Cents)), Plain: b.view.Lang.Bare(b.sum(t.Cents))}, {Name: b.Iban, Value: t.IBAN},
		{Name: b.Payee, Value: t.Payee}, reference}
}

// by says how long a transfer takes, and so until when it is safe.
func (b *bill) by() string {
	switch {
	case b.Early != nil:
		return b.TransferEarly
	case b.LatestTransfer.IsZero():
		return b.TransferDays
	}
	return b.TransferBy.With("day", b.view.Lang.Weekday(b.LatestTransfer, b.Today))
}

// outcome is the page to which the bank leads back.
type outcome struct {
	*texts
	view    *page.View
	claim   reports.Claim
	payment payments.Payment
	bill    string // the address of the pay page
	self    string
}

// waits says that the bank has yet to tell how it ended.
func (o *outcome) waits() bool { return o.payment.State.Live() }

func (o *outcome) title() string {
	switch o.payment.State {
	case payments.Paid:
		return o.PaidTitle
	case payments.Failed:
		return o.FailedTitle
	case payments.Expired:
		return o.ExpiredTitle
	case payments.Cancelled:
		return o.StoppedTitle
	}
	return o.WaitTitle
}

func (o *outcome) lead() string {
	switch o.payment.State {
	case payments.Paid:
		return o.PaidLead
	case payments.Failed:
		return o.FailedLead
	case payments.Expired:
		return o.ExpiredLead
	case payments.Cancelled:
		return o.StoppedLead
	}
	return o.WaitLead
}

func (o *outcome) answer() page.Answer {
	p := o.payment
	a := page.Answer{Status: page.Refused, Label: o.NotPaid, Sum: money.Amount{Cents: p.AmountCents, Currency: p.Currency},
		Until: o.To.With("shop", o.claim.Shop), Actions: []page.Action{{Text: o.BackToPay, Href: o.bill, Kind: page.Mark, Wide: true}}}
	switch {
	case o.waits():
		a.Status, a.Label = page.Review, o.WaitLabel
		a.Actions = []page.Action{{Text: o.LookAgain, Href: o.self, Kind: page.Mark, Wide: true}}
	case p.State == payments.Paid:
		a.Status, a.Label, a.Actions = page.Paid, o.PaidLabel, nil
		a.Sum.Cents = p.PaidCents
		if o.claim.NowCents > 0 {
			rest := money.Amount{Cents: o.claim.NowCents, Currency: o.claim.Currency}
			a.Next = o.RestOpen.With("amount", o.view.Lang.Amount(rest))
			a.Actions = []page.Action{{Text: o.BackToPay, Href: o.bill, Wide: true}}
		}
	}
	return a
}
