package messages

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/orders"
)

// DueAsked is the kind of due row that answers who asked for an invoice; its subject is the request.
const DueAsked = "invoice.asked"

const (
	// askAgain is how long after a mail with an invoice the same invoice is not mailed again: long enough for a mail to
	// arrive, and whoever asks in somebody else's name fills no mailbox.
	askAgain = time.Hour // business time

	askPerAddress = 5  // requests with one e-mail address within 15 minutes, as for sign-in links
	askPerNetwork = 60 // requests from one network within 15 minutes
	mostFound     = 10 // invoices that one request can mean: shops may give the same order number
	mostNotes     = 10 // credit notes that come with an invoice: a mail server takes a mail of some megabytes
	askPurpose    = "invoice-request"
)

// MostReference is how many characters of a number or a reference may be typed.
const MostReference = 64

// Ask is what somebody who is not signed in fills in to get an invoice.
type Ask struct {
	Email     string
	Reference string     // the shop's order number, an invoice number or a payment reference
	Network   netip.Addr // whom the request comes from
}

// Requests takes requests for invoices. It tells nobody whether there is such an invoice: the answer is a mail to the
// address that the order has.
type Requests struct {
	db     *db.DB
	vault  *vault.Vault
	limits *access.SignIns
}

// NewRequests makes a Requests.
func NewRequests(d *db.DB, v *vault.Vault, limits *access.SignIns) *Requests {
	return &Requests{d, v, limits}
}

// askedWords are sealed: they name somebody, known to us or not.
type askedWords struct{ Email, Reference string }

func askPlace(id string) vault.Place {
	return vault.Place{Table: "invoice_requests", Column: "words", Row: id}
}

// Ask keeps a request with a due row that answers it. The answer, and the work until it, are the same whatever was
// asked for. Errors: Invalid "fields" with pointers, Limited "rate-limit".
func (q *Requests) Ask(ctx context.Context, a Ask) error {
	words, err := a.check()
	if err != nil {
		return err
	}
	plain, err := json.Marshal(words)
	if err != nil {
		return err
	}
	return q.db.Write(ctx, func(tx *db.Tx) error {
		if err := q.limits.KnockFor(ctx, tx, "invoice-address", words.Email, askPerAddress); err != nil {
			return err
		}
		if err := q.limits.Knock(ctx, tx, "invoice-network", a.Network, askPerNetwork); err != nil {
			return err
		}
		id := tx.ID("irq_")
		return keepRequest(ctx, tx, id, ledger.Operator, "", q.vault.SealShared(askPurpose, askPlace(id), plain))
	})
}

// check brings what was typed into its form.
func (a *Ask) check() (askedWords, error) {
	var c fault.Checker
	address, err := ident.Email(a.Email)
	if err != nil {
		c.Wrong("#/email", "email", "Give a complete e-mail address.")
	}
	reference := strings.TrimSpace(a.Reference)
	switch {
	case bare(reference) == "":
		c.Wrong("#/reference", "required", "Fill this in.")
	case utf8.RuneCountInString(reference) > MostReference:
		c.Wrong("#/reference", "too-long", "At most %d characters.", MostReference)
	}
	if len(c.Found) > 0 {
		return askedWords{}, fault.At("fields", "Some fields are not right.", c.Found...)
	}
	return askedWords{address, reference}, nil
}

// bare is what is left of a reference or a number without what people put between its parts.
func bare(s string) string { return strings.ReplaceAll(ident.Fold(s), " ", "") }

// OfOrder is Ask for the buyer of an order, who is signed in. Whoever has just asked is not answered twice.
func (q *Requests) OfOrder(ctx context.Context, tx *db.Tx, k orders.Key, invoice string) error {
	at, err := q.Lately(ctx, tx, k, invoice)
	if err != nil || !at.IsZero() {
		return err
	}
	return keepRequest(ctx, tx, tx.ID("irq_"), k.Merchant, k.ID, nil)
}

// Lately says when the invoice of an order was asked for last; zero when it may be asked for again.
func (q *Requests) Lately(ctx context.Context, tx *db.Tx, k orders.Key, invoice string) (at calendar.Instant, err error) {
	err = tx.QueryRow(ctx, `select max(made_at) from invoice_requests where order_id = $1 and merchant_id = $2`, []any{k.ID, k.Merchant}, &at)
	if err != nil || !at.IsZero() {
		return at, err
	}
	_, at, err = askedBefore(ctx, tx, k.Merchant, invoice)
	return at, err
}

func keepRequest(ctx context.Context, tx *db.Tx, id, merchant, order string, words vault.Sealed) error {
	_, err := tx.Exec(ctx, `insert into invoice_requests (id, merchant_id, order_id, words, made_at) values ($1, $2, $3, $4, $5)`,
		id, merchant, order, []byte(words), tx.Now)
	if err != nil {
		return err
	}
	return jobs.Add(ctx, tx, []jobs.Due{{Kind: DueAsked, Merchant: merchant, Subject: id}})
}

// askedBefore counts the mails with an invoice that were asked for, and says when the last one was made; zero when
// that is long ago, or it could not be delivered.
func askedBefore(ctx context.Context, tx *db.Tx, merchant, invoice string) (n int64, at calendar.Instant, err error) {
	err = tx.QueryRow(ctx, `
select count(*), max(case when state <> 'failed' then made_at end) from messages where subject = $1 and code = $2 and merchant_id = $3`,
		[]any{invoice, InvoiceAsked, merchant}, &n, &at)
	if err == nil && !at.IsZero() && !tx.Now.Before(at.Add(askAgain)) {
		at = calendar.Instant{}
	}
	return n, at, err
}

// Answer writes the mails that requests call for, and returns what stores them and forgets the requests.
func (p *Post) Answer(ctx context.Context, due []jobs.Due) (jobs.Finish, error) {
	k := p.library.byCode(InvoiceAsked)
	var drafts []*draft
	err := p.c.DB.Read(ctx, func(tx *db.Tx) error {
		drafts = nil
		seen := map[string]bool{}
		for _, d := range due {
			all, err := p.answers(ctx, tx, k, d)
			if err != nil {
				return err
			}
			for _, m := range all {
				if !seen[m.Subject] {
					seen[m.Subject] = true
					drafts = append(drafts, m)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	store, err := p.ready(k, drafts)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) error {
		for _, d := range due {
			if _, err := tx.Exec(ctx, `delete from invoice_requests where id = $1`, d.Subject); err != nil {
				return err
			}
		}
		return store(ctx, tx)
	}, nil
}

// answers are the mails that a request calls for.
func (p *Post) answers(ctx context.Context, tx *db.Tx, k *kind, d jobs.Due) ([]*draft, error) {
	var merchant, order string
	var words vault.Sealed
	err := tx.QueryRow(ctx, `select merchant_id, order_id, words from invoice_requests where id = $1`, []any{d.Subject}, &merchant, &order, &words)
	if errors.Is(err, db.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []jobs.Due
	if order != "" {
		found, err = invoiceOf(ctx, tx, orders.Key{Merchant: merchant, ID: order})
	} else {
		found, err = p.search(ctx, tx, d.Subject, words)
	}
	if err != nil {
		return nil, err
	}
	var all []*draft
	for _, f := range found {
		n, lately, err := askedBefore(ctx, tx, f.Merchant, f.Subject)
		if err != nil {
			return nil, err
		}
		if !lately.IsZero() {
			continue
		}
		f.At = d.At
		m, err := p.draft(ctx, tx, k, f)
		if err != nil {
			return nil, err
		}
		if m != nil {
			m.Version = n + 1
			all = append(all, m)
		}
	}
	return all, nil
}

func invoiceOf(ctx context.Context, tx *db.Tx, k orders.Key) ([]jobs.Due, error) {
	d := jobs.Due{Merchant: k.Merchant}
	err := tx.QueryRow(ctx, `select id from invoices where order_id = $1 and merchant_id = $2`, []any{k.ID, k.Merchant}, &d.Subject)
	return []jobs.Due{d}, err
}

// notesOf are the credit notes of an invoice that are documents of their own, the last ones.
func notesOf(ctx context.Context, tx *db.Tx, v *invoices.Invoice) (notes []invoices.Credit, err error) {
	all, err := invoices.Credits(ctx, tx, v.Merchant, v.ID)
	for _, c := range all {
		if c.Number != "" {
			notes = append(notes, c)
		}
	}
	return notes[max(0, len(notes)-mostNotes):], err
}

const selectNamed = `
select v.merchant_id, v.id, coalesce(v.number, ''), o.reference, o.payment_reference
  from person_orders po
  join orders o on o.id = po.order_id and o.merchant_id = po.merchant_id
  join invoices v on v.order_id = po.order_id and v.merchant_id = po.merchant_id
 where po.person_id = $1 and po.email_hash = $2
 order by po.order_id desc`

// search finds the invoices that somebody means, among those of the address that they gave. It is case and spaces that
// people change when they copy a number, so those do not count.
func (p *Post) search(ctx context.Context, tx *db.Tx, id string, sealed vault.Sealed) (found []jobs.Due, err error) {
	plain, err := p.c.Vault.OpenShared(askPurpose, askPlace(id), sealed)
	if err != nil {
		return nil, err
	}
	var words askedWords
	if err := json.Unmarshal(plain, &words); err != nil {
		return nil, err
	}
	want := bare(words.Reference)
	handles := p.c.Desk.EmailHandles(words.Email)
	people, err := buyers.Owners(ctx, tx, handles)
	if err != nil {
		return nil, err
	}
	for _, person := range people {
		for _, h := range handles {
			err := tx.Each(ctx, selectNamed, []any{person, h.Hash}, func(r db.Row) error {
				var d jobs.Due
				var number, reference, payment string
				err := r.Scan(&d.Merchant, &d.Subject, &number, &reference, &payment)
				if hit := want == bare(number) || want == bare(reference) || want == bare(payment); hit && len(found) < mostFound {
					found = append(found, d)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}
