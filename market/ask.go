package market

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"achteraf/internal/db"
	"achteraf/messages"
)

// The ways in which people ask for an invoice without signing in.
var askings = []string{"by order number", "by payment reference", "by invoice number", "twice", "with another address"}

// apart is how long after one mail of an invoice that was asked for the next one may come.
const apart = time.Hour

// asks lets some people ask for an invoice. The mail goes to the buyer, once, with the invoice when there is one.
func (w *World) asks(ctx context.Context, day int) error {
	w.at(day, 23*time.Hour)
	for range w.asking.IntN(3) {
		if len(w.orders) == 0 {
			return nil
		}
		w.now = w.now.Add(time.Minute)
		o, how := w.orders[w.asking.IntN(len(w.orders))], askings[w.asking.IntN(len(askings))]
		if err := w.ask(ctx, o, how); err != nil {
			return fmt.Errorf("%s asks for the invoice of %s %s: %w", o.person.email(), o.ref, how, err)
		}
	}
	return nil
}

func (w *World) ask(ctx context.Context, o *order, how string) error {
	before, _, err := w.askedMails(ctx, o)
	if err != nil {
		return err
	}
	number, err := w.numberOf(ctx, o)
	if err != nil || number == "" && how == "by invoice number" {
		return err
	}
	email, reference, times := o.person.email(), o.ref, 1
	switch how {
	case "by payment reference":
		reference = strings.ToLower(o.payment[:4] + " " + o.payment[4:])
	case "by invoice number":
		reference = strings.ReplaceAll(number, "-", " ")
	case "twice":
		times = 2
	case "with another address":
		email = "niemand-" + email
	}
	w.count("asks for an invoice " + how)
	for range times {
		got, err := w.browser(o.person).post(platformURL+"/invoice-request", url.Values{"email": {email}, "reference": {reference}})
		if err != nil {
			return err
		}
		if got.status == http.StatusTooManyRequests {
			w.count("asks for invoices too often")
			return nil
		}
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.to, platformURL+"/invoice-request/sent") {
			return fmt.Errorf("%w: it leads to %d %s", errModel, got.status, got.to)
		}
	}
	if err := w.p.Settle(ctx); err != nil {
		return err
	}
	after, last, err := w.askedMails(ctx, o)
	switch {
	case err != nil:
		return err
	case email != o.person.email() && after != before:
		return fmt.Errorf("%w: it was mailed", errModel)
	case email == o.person.email() && after == 0: // else it may have been mailed within the hour
		return fmt.Errorf("%w: it was not mailed", errModel)
	}
	if after == before {
		return nil
	}
	return w.checkFiles(o, number, last)
}

// checkFiles looks at what came with a mail that was asked for, if the mail server has it.
func (w *World) checkFiles(o *order, number, message string) error {
	l := w.post.letters[message]
	if l == nil {
		return nil
	}
	if l.To != o.person.email() {
		return fmt.Errorf("%w: it went to %s", errModel, l.To)
	}
	if len(l.Files) >= 2 && number != "" && l.Files[0].Name == number+".pdf" && l.Files[1].Name == number+".xml" || len(l.Files) == 0 && number == "" {
		return nil
	}
	return fmt.Errorf("%w: %d files came with invoice %q", errModel, len(l.Files), number)
}

// askedMails counts the mails that were asked for, and names the last; of an order.
func (w *World) askedMails(ctx context.Context, o *order) (n int, last string, err error) {
	err = w.p.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `select count(*), coalesce(max(id), '') from messages where subject = $1 and code = $2`, []any{o.invoice, messages.InvoiceAsked}, &n, &last)
	})
	return n, last, err
}

func (w *World) numberOf(ctx context.Context, o *order) (number string, err error) {
	err = w.p.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(number, '') from invoices where id = $1`, []any{o.invoice}, &number)
	})
	return number, err
}
