package buyer

import (
	"cmp"
	"net/http"
	"strings"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/invoices"
	"achteraf/money"
	"achteraf/reports"
	"achteraf/web/page"
)

const soonDays = 5

// mostDone is how many bills that are done the overview shows.
const mostDone = 5

// rows is the overview as it is shown.
type rows struct {
	reports.Overview
	today calendar.Date
	pay   string // the page that takes the first payment, "" for none
}

// overview serves GET /my.
func (p *Pages) overview(w http.ResponseWriter, r *http.Request) error {
	var o rows
	err := p.signedIn(r, func(tx *db.Tx, v access.Visitor) (err error) {
		o.Overview, err = p.Reports.Overview(r.Context(), tx, reports.Ask{Handles: v.Handles, Limit: mostDone})
		if err != nil {
			return err
		}
		zone, err := calendar.ZoneOf(p.Operator.Country)
		o.today = zone.DateOf(tx.Now)
		if first := o.first(); err == nil && first != nil {
			o.pay, err = p.payPage(r, tx, first)
		}
		return err
	})
	if codeOf(err) == "session" {
		return p.entrance(w, r, http.StatusOK, "", "")
	}
	if err != nil {
		return err
	}
	v, t := p.view(r, o.Language, atOverview)
	v.Title = t.Overview
	return p.Look.Write(w, r, http.StatusOK, v, overview(v, t, &o, p.Operator))
}

// payPage is the page on which an invoice can be paid, "" where there is none.
func (p *Pages) payPage(r *http.Request, tx *db.Tx, i *reports.Item) (string, error) {
	if p.Links == nil {
		return "", nil
	}
	tokens, err := p.Links.Tokens(r.Context(), tx, []invoices.Key{{Merchant: i.Merchant, ID: i.Invoice}})
	if err != nil {
		return "", err
	}
	return "/pay/" + tokens[0], nil
}

// payLink leads to the pay page in the language of this one: there nobody is known, so it would take the browser's.
func payLink(v *page.View, path string) string { return path + "?lang=" + string(v.Lang) }

// first is what is to be paid first; nil when nothing is.
func (o *rows) first() *reports.Item {
	for i := range o.ToPay {
		if o.ToPay[i].NowCents > 0 {
			return &o.ToPay[i]
		}
	}
	return nil
}

func eur(cents int64) money.Amount { return money.EUR(cents) }

// answer is the slip of the overview.
func (o *rows) answer(v *page.View, t *texts) page.Answer {
	l, s := v.Lang, o.Sums
	switch {
	case s.NowCents == 0 && s.OpenCents > 0:
		return page.Answer{Status: page.OnHold, Label: t.NothingNow, Sum: eur(0), Until: t.WaitsForUs.With("amount", l.Amount(eur(s.OpenCents))), Next: t.PausedNext}
	case s.NowCents == 0 && s.PlannedCents > 0:
		return page.Answer{Status: page.Planned, Label: t.NothingNow, Sum: eur(0), Until: t.PlannedWaits.With("amount", l.Amount(eur(s.PlannedCents))), Next: t.PlannedNext}
	case s.NowCents == 0:
		return page.Answer{Status: page.Paid, Label: t.NothingNow, Sum: eur(0), Until: t.NothingOpen}
	}
	a := page.Answer{Label: t.ToPayNow.Count(o.payable()), Sum: eur(s.NowCents), Next: t.PaidNext, Calendar: &page.Calendar{Today: o.today}}
	sum, day := l.Amount(eur(s.FirstCents)), l.Weekday(s.FirstDue, o.today)
	switch {
	case s.FirstDue.Before(o.today):
		a.Until = t.WasDue.With("amount", sum, "day", day)
	case s.FirstCents < s.NowCents:
		a.Until = t.First.With("amount", sum, "day", day) + " " + daysLeft(t, s.FirstDue.Sub(o.today))
	default:
		a.Until = t.Until.With("day", day) + " " + daysLeft(t, s.FirstDue.Sub(o.today))
	}
	for i := range o.ToPay {
		if x := &o.ToPay[i]; x.NowCents > 0 {
			a.Calendar.Dues = append(a.Calendar.Dues, page.Due{On: x.DueOn, Sum: eur(x.NowCents)})
		}
	}
	if first := o.first(); first != nil && o.pay != "" {
		a.Actions = append(a.Actions, page.Action{Text: t.Pay.With("amount", l.Amount(eur(first.NowCents))), Href: payLink(v, o.pay), Kind: page.Mark})
	}
	if len(o.ToPay) > 1 {
		a.Actions = append(a.Actions, page.Action{Text: t.Choose, Href: "#pay"})
	}
	return a
}

// payable is how many invoices have something to pay now.
func (o *rows) payable() int {
	n := 0
	for i := range o.ToPay {
		if o.ToPay[i].NowCents > 0 {
			n++
		}
	}
	return n
}

func daysLeft(t *texts, n int) string {
	if n == 0 {
		return t.LastDay
	}
	return t.YouHave.Count(n)
}

// bills are the rows of a list.
func bills(v *page.View, t *texts, list []reports.Item) []page.Bill {
	out := make([]page.Bill, len(list))
	for n := range list {
		out[n] = bill(v, t, &list[n])
	}
	return out
}

func bill(v *page.View, t *texts, i *reports.Item) page.Bill {
	l := v.Lang
	b := page.Bill{Href: v.Link("/my/orders/" + i.Order), Who: i.Shop, What: cmp.Or(strings.Join(i.Goods, ", "), i.Reference), Sum: eur(i.TotalCents), On: i.MovedOn}
	switch i.Status {
	case invoices.Paid:
		b.Status, b.Word, b.Sum = page.Paid, t.IsPaid, eur(i.PaidCents)
	case invoices.Credited:
		b.Status, b.Word = page.Back, t.IsCredited
	case invoices.Cancelled:
		b.Status, b.Word = page.Back, t.IsCancelled
	case invoices.WrittenOff:
		b.Status, b.Word = page.Back, t.IsWrittenOff
	case invoices.Planned:
		b.Status, b.Word, b.On, b.Sum, b.Small = page.Planned, t.BillComes, i.SendOn, eur(i.OpenCents), t.AtEarliest
	default:
		b.Status, b.Word = dueWord(t, i)
		b.On, b.Sum = i.DueOn, eur(i.OpenCents)
		if i.NowCents < i.OpenCents {
			b.Small = t.OnHoldOf.With("amount", l.Amount(eur(i.OpenCents-i.NowCents)))
		}
	}
	if i.Paused() && (i.Status == invoices.Open || i.Status == invoices.Planned) {
		b.Status, b.Word, b.Pause, b.Small = page.OnHold, heldFor(t, i.Holds), t.Pause, t.NothingToDo
	}
	return b
}

// dueWord says how an open invoice stands.
func dueWord(t *texts, i *reports.Item) (page.Status, string) {
	switch {
	case i.DaysLeft < 0:
		return page.Late, t.DaysLate.Count(-i.DaysLeft)
	case i.DaysLeft == 0:
		return page.Soon, t.DueToday
	case i.DaysLeft <= soonDays:
		return page.Soon, t.DaysLeft.Count(i.DaysLeft)
	}
	return page.Open, t.DaysLeft.Count(i.DaysLeft)
}

// heldFor says why something waits.
func heldFor(t *texts, holds []reports.Hold) string {
	for _, h := range holds {
		if h.Cents == 0 {
			return holdWord(t, h.Kind)
		}
	}
	return t.HoldOther
}

func holdWord(t *texts, kind string) string {
	said := map[string]string{"delay": t.HoldDelay, "return": t.HoldReturn, "dispute": t.HoldDispute, "fraud": t.HoldFraud, "debt-help": t.HoldDebtHelp,
		"paid": t.HoldPaid, "undelivered": t.HoldUndelivered, "merchant": t.HoldMerchant}
	return cmp.Or(said[kind], t.HoldOther)
}
