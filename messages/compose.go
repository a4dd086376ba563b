package messages

import (
	"context"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/payments"
)

// SliceSize is how many messages are stored in one transaction.
const SliceSize = 25

// Config is what a Post is built from.
type Config struct {
	DB       *db.DB
	Desk     *buyers.Desk
	Vault    *vault.Vault
	Operator merchants.Operator
	Mailer   Mailer
	Domain   string // that mail comes from; "" leaves the sentence about it out
	CheckURL string // of the page on which anybody can ask whether a mail is ours; "": there is none
	// PayLink is the address of the page that shows what is open on an invoice now. nil: there are no such pages.
	PayLink func(ctx context.Context, tx *db.Tx, merchant, invoice string) (string, error)
	Clerk   *invoices.Clerk // makes the files that come with a mail
}

// Post writes messages and sends them.
type Post struct {
	c       Config
	library *library
}

// New makes a Post. It fails when texts, templates and facts do not fit together.
func New(c Config) (*Post, error) {
	l, err := own()
	if err != nil {
		return nil, err
	}
	return &Post{c, l}, nil
}

// Tell writes the messages that due rows of one kind call for, and returns what stores them, each with a due row that
// sends it. A fact that has been told, that does not hold any more, or whose buyer cannot be reached by mail, is passed
// over. It reads, then renders outside of a transaction: nobody waits for texts.
func (p *Post) Tell(ctx context.Context, due []jobs.Due) (jobs.Finish, error) {
	if len(due) == 0 {
		return nil, nil
	}
	k := p.library.of(due[0].Kind)
	var drafts []*draft
	err := p.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		drafts, err = p.drafts(ctx, tx, k, due)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.ready(k, drafts)
}

// drafts reads what there is to tell.
func (p *Post) drafts(ctx context.Context, tx *db.Tx, k *kind, due []jobs.Due) ([]*draft, error) {
	keys := make([]telling, len(due))
	for i, d := range due {
		keys[i] = telling{d.Merchant, d.Subject, 1}
	}
	done, err := told(ctx, tx, k.code, keys)
	if err != nil {
		return nil, err
	}
	var all []*draft
	now := map[telling]bool{}
	for i, d := range due {
		if done[i] || now[keys[i]] {
			continue
		}
		now[keys[i]] = true
		m, err := p.draft(ctx, tx, k, d)
		if err != nil {
			return nil, err
		}
		if m != nil {
			all = append(all, m)
		}
	}
	return all, nil
}

// ready renders and seals messages, and returns what stores them.
func (p *Post) ready(k *kind, drafts []*draft) (jobs.Finish, error) {
	rows := make([][]any, len(drafts))
	for i, m := range drafts {
		c, err := p.library.write(k, m.facts)
		if err != nil {
			return nil, err
		}
		if rows[i], err = m.row(c); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, tx *db.Tx) error { return put(ctx, tx, k.code, drafts, rows) }, nil
}

// put stores messages with the due rows that send them, but for those that were told meanwhile.
func put(ctx context.Context, tx *db.Tx, code string, drafts []*draft, rows [][]any) error {
	keys := make([]telling, len(drafts))
	for i, m := range drafts {
		keys[i] = telling{m.Merchant, m.Subject, m.Version}
	}
	done, err := told(ctx, tx, code, keys)
	if err != nil {
		return err
	}
	var fresh [][]any
	var send []jobs.Due
	for i, m := range drafts {
		if !done[i] {
			fresh = append(fresh, rows[i])
			send = append(send, jobs.Due{Kind: DueSend, Merchant: m.Merchant, Subject: m.ID})
		}
	}
	if err := tx.Put(ctx, newMessages, fresh); err != nil {
		return err
	}
	return jobs.Add(ctx, tx, send)
}

// of is the kind of message that a kind of due row calls for.
func (l *library) of(fact string) *kind {
	for _, k := range l.kinds {
		if k.fact == fact {
			return k
		}
	}
	panic("messages: no message tells " + fact) // the wiring is wrong
}

// draft reads what one message says; nil when there is nothing to tell or nobody to tell it to.
func (p *Post) draft(ctx context.Context, tx *db.Tx, k *kind, d jobs.Due) (*draft, error) {
	f, err := p.gather(ctx, tx, k, d)
	if err != nil || f == nil {
		return nil, err
	}
	who, err := p.c.Desk.Reach(ctx, tx, f.order.Merchant, f.order.Attempt)
	if err != nil {
		return nil, err
	}
	lock := lock{p.c.Vault, who.Keys, k.purpose}
	if who.Buyer.Email == "" || lock.gone() {
		return nil, nil // erased
	}
	to, handle := who.Buyer.Email, who.Email
	if k.code == InvoiceCopied {
		if to, err = copyTo(ctx, tx, &f.order, who.Keys); err != nil || to == "" {
			return nil, err
		}
		handle = p.c.Desk.EmailHandle(to)
	}
	f.name = nameOf(&who.Buyer)
	f.message = tx.ID("msg_")
	var check []byte
	if f.checkURL = p.c.CheckURL; f.checkURL != "" {
		f.check = checkCode(p.c.Vault, f.message)
		check, _ = p.c.Vault.Handle(checkKind, f.check)
	}
	return &draft{to: to, handle: handle, check: check, lock: lock, facts: f, Message: Message{
		ID: f.message, Merchant: d.Merchant, Subject: d.Subject, Code: k.code, Version: 1, Purpose: k.purpose, Template: k.template,
		Language: f.order.Language, Order: f.order.ID, Person: who.Person, State: Waiting, MadeAt: tx.Now, NextAt: tx.Now,
	}}, nil
}

// copyTo is the address that gets a copy of an order's bill; "" when there is none any more.
func copyTo(ctx context.Context, tx *db.Tx, o *orders.Order, keys *vault.PersonKeys) (string, error) {
	all, err := orders.Remarks(ctx, tx, []orders.Key{{Merchant: o.Merchant, ID: o.ID}})
	if err != nil || all[0] == nil {
		return "", err
	}
	m, err := all[0].Open(keys)
	return m.CopyTo, err
}

func nameOf(b *buyers.Buyer) string {
	if b.Company != nil {
		return b.Company.Name
	}
	if b.Name.First == "" {
		return b.Name.Last
	}
	return b.Name.First + " " + b.Name.Last
}

// gather reads what a message is about, as it is now; nil when there is nothing to tell any more.
func (p *Post) gather(ctx context.Context, tx *db.Tx, k *kind, d jobs.Due) (*facts, error) {
	f := &facts{operator: p.c.Operator, domain: p.c.Domain}
	order, err := p.subject(ctx, tx, k, d, f)
	if err != nil {
		return nil, err
	}
	if f.order, err = orders.One(ctx, tx, d.Merchant, order); err != nil {
		return nil, err
	}
	if !holds(k, f) {
		return nil, nil
	}
	zone, err := calendar.ZoneOf(f.order.Country)
	if err != nil {
		return nil, err
	}
	f.on = zone.DateOf(d.At)
	lines, err := orders.Lines(ctx, tx, []orders.Key{{Merchant: d.Merchant, ID: order}})
	if err != nil {
		return nil, err
	}
	f.lines = lines[0]
	if f.shop, err = merchants.ByID(ctx, tx, d.Merchant); err != nil {
		return nil, err
	}
	if f.contacts, err = merchants.Contacts(ctx, tx, d.Merchant); err != nil {
		return nil, err
	}
	if k.code == PaymentReceived {
		if f.atShop, err = payments.AtShop(ctx, tx, d.Merchant, order); err != nil {
			return nil, err
		}
	}
	if k.code == InvoiceAsked {
		if f.credits, err = notesOf(ctx, tx, &f.invoice); err != nil {
			return nil, err
		}
	}
	if (k.code == InvoiceIssued || k.code == InvoiceCopied || k.code == InvoiceAsked) && p.c.PayLink != nil {
		f.payLink, err = p.c.PayLink(ctx, tx, d.Merchant, f.invoice.ID)
	}
	return f, err
}

// subject reads the invoice that a due row is about, and returns the id of its order.
func (p *Post) subject(ctx context.Context, tx *db.Tx, k *kind, d jobs.Due, f *facts) (order string, err error) {
	invoice := d.Subject
	switch k.code {
	case OrderConfirmed:
		of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: d.Merchant, ID: d.Subject}})
		if err == nil && len(of[0]) > 0 {
			f.invoice = of[0][0]
		}
		return d.Subject, err
	case FromShop:
		return p.shopText(ctx, tx, d, f)
	case CreditMade:
		if f.credit, err = invoices.CreditByID(ctx, tx, d.Merchant, d.Subject); err != nil {
			return "", err
		}
		invoice = f.credit.Invoice
	case Delayed:
		if f.delay, f.outdated, err = delayOf(ctx, tx, d); err != nil {
			return "", err
		}
		invoice = f.delay.Invoice
	}
	f.invoice, err = invoices.One(ctx, tx, d.Merchant, invoice)
	return f.invoice.Order, err
}

// delayOf reads a notice of delay, and whether another one has taken its place.
func delayOf(ctx context.Context, tx *db.Tx, d jobs.Due) (h invoices.Hold, outdated bool, err error) {
	h, counts, err := invoices.DelayByID(ctx, tx, d.Merchant, d.Subject)
	return h, !counts, err
}

// holds says whether a fact is still worth telling: an order may have been withdrawn meanwhile, and an invoice may be
// open again. A bill and a credit are always told.
func holds(k *kind, f *facts) bool {
	switch k.code {
	case OrderConfirmed:
		return f.order.State == orders.Placed || f.order.State == orders.Started
	case Delayed:
		return f.invoice.Status == invoices.Planned && !f.outdated
	case PaymentReceived:
		return f.invoice.Status == invoices.Paid
	case FromShop:
		return f.said != "" // else erased
	}
	return true
}
