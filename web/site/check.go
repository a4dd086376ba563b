package site

import (
	"cmp"
	"net/http"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/messages"
	"achteraf/web/page"
)

// CheckPath is the page on which anybody can ask whether a message is ours.
const CheckPath = "/check-message"

const (
	mostForm = 4 << 10 // bytes
	mostCode = 40      // characters
)

// Message is one that we sent. To whom is never said.
type Message struct {
	Code string // what it was about
	On   calendar.Date
}

// verdict is the answer to a code.
type verdict struct {
	yes         bool
	title, text string
}

// askCheck serves GET /check-message. A link in a mail fills the code in; nothing is looked up before somebody presses.
func (s *Site) askCheck(w http.ResponseWriter, r *http.Request) error {
	return s.showCheck(w, r, http.StatusOK, r.URL.Query().Get("code"), "", nil)
}

// answerCheck serves POST /check-message.
func (s *Site) answerCheck(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	v := s.look.View(r, "")
	t := s.texts.In(v.Lang)
	typed := strings.TrimSpace(r.PostFormValue("code"))
	if typed == "" {
		return s.showCheck(w, r, http.StatusUnprocessableEntity, "", t.CheckEmpty, nil)
	}
	m, err := s.check(r, typed)
	switch {
	case fault.Is(err, "rate-limit"):
		return s.showCheck(w, r, http.StatusTooManyRequests, typed, "", &verdict{false, t.CheckBusy, t.CheckBusyText})
	case err != nil:
		return err
	case m == nil:
		return s.showCheck(w, r, http.StatusOK, typed, "", &verdict{false, t.CheckNo, t.CheckNoText})
	}
	return s.showCheck(w, r, http.StatusOK, typed, "", &verdict{true, t.CheckYes, t.CheckYesText.With("day", v.Lang.FullWeekday(m.On), "what", about(t, m.Code))})
}

func (s *Site) showCheck(w http.ResponseWriter, r *http.Request, status int, typed, wrong string, answer *verdict) error {
	v := s.look.View(r, "")
	t := s.texts.In(v.Lang)
	v.Title, v.Narrow, v.Public = t.CheckTitle, true, true
	if len(typed) > mostCode {
		typed = ""
	}
	code := page.Field{Name: "code", Label: t.CheckCode, Help: t.CheckCodeHelp, Value: typed, Autocomplete: "off", Max: mostCode, Error: wrong}
	return s.look.Write(w, r, status, v, check(v, t, code, answer))
}

// about says in words what a message was about.
func about(t *texts, code string) string {
	return cmp.Or(map[string]string{messages.OrderConfirmed: t.SentOrder, messages.InvoiceIssued: t.SentInvoice, messages.InvoiceCopied: t.SentInvoice, messages.InvoiceAsked: t.SentInvoice, messages.PaymentReceived: t.SentPaid,
		messages.CreditMade: t.SentCredit, messages.Delayed: t.SentDelayed}[code], t.SentOther)
}
