package buyer

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/messages"
	"achteraf/reports"
	"achteraf/web/page"
)

// letters serves GET /my/messages: what was mailed about the orders, and how that ended.
func (p *Pages) letters(w http.ResponseWriter, r *http.Request) error {
	var all reports.Letters
	done, err := p.entered(w, r, func(tx *db.Tx, v access.Visitor) (err error) {
		all, err = p.Reports.Letters(r.Context(), tx, v.Handles, r.URL.Query().Get("after"), pageSize)
		return err
	})
	if done {
		return err
	}
	zone, err := calendar.ZoneOf(p.Operator.Country)
	if err != nil {
		return err
	}
	v, t := p.view(r, all.Language, atLetters)
	v.Title = t.Messages
	var ways []page.Action
	if all.Next != "" {
		ways = append(ways, page.Action{Text: t.Older, Href: v.Link("/my/messages?after=" + url.QueryEscape(all.Next))})
	}
	if r.URL.Query().Get("after") != "" {
		ways = append(ways, page.Action{Text: t.Newest, Href: v.Link(atLetters)})
	}
	return p.Look.Write(w, r, http.StatusOK, v, letters(v, t, letterRows(v, t, zone, all.List), ways, p.Domain))
}

func letterRows(v *page.View, t *texts, zone calendar.Zone, list []reports.Letter) []page.Bill {
	rows := make([]page.Bill, len(list))
	for i, x := range list {
		rows[i] = page.Bill{Href: v.Link(atLetters + "/" + x.ID), Who: letterWord(t, x.Code), What: x.Shop + " · " + cmp.Or(strings.Join(x.Goods, ", "), "–"),
			On: zone.DateOf(x.MadeAt), Bare: true}
		rows[i].Status, rows[i].Word = letterState(t, x.State)
	}
	return rows
}

// letterWord says what a message is about.
func letterWord(t *texts, code string) string {
	return cmp.Or(map[string]string{messages.OrderConfirmed: t.MailOrder, messages.InvoiceIssued: t.MailInvoice, messages.InvoiceCopied: t.MailInvoice, messages.InvoiceAsked: t.MailInvoice, messages.PaymentReceived: t.MailPaid,
		messages.CreditMade: t.MailCredit}[code], t.MailOther)
}

// letterState says how the delivery of a message stands.
func letterState(t *texts, s messages.State) (page.Status, string) {
	switch s {
	case messages.Sent:
		return page.Paid, t.MailSent
	case messages.Failed:
		return page.Late, t.MailFailed
	}
	return page.Review, t.MailWaits
}

// letter serves GET /my/messages/{message}: what it said.
func (p *Pages) letter(w http.ResponseWriter, r *http.Request) error {
	var x messages.Letter
	done, err := p.entered(w, r, func(tx *db.Tx, v access.Visitor) (err error) {
		x, err = p.Letters.Letter(r.Context(), tx, v.Handles, r.PathValue("message"))
		return err
	})
	if done {
		return err
	}
	zone, err := calendar.ZoneOf(p.Operator.Country)
	if err != nil {
		return err
	}
	v, t := p.view(r, x.Language, atLetters)
	v.Title = x.Title
	moment := func(at calendar.Instant) string { return v.Lang.FullDay(zone.DateOf(at)) + ", " + zone.Clock(at) }
	keys := []page.Key{{Name: t.MailTo, Value: x.To}, {Name: t.MailMade, Value: moment(x.MadeAt)}}
	if !x.SentAt.IsZero() {
		keys = append(keys, page.Key{Name: t.MailTaken, Value: moment(x.SentAt)})
	}
	return p.Look.Write(w, r, http.StatusOK, v, letter(v, t, &x, keys))
}
