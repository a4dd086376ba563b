package payments

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/orders"
)

// Kinds of due rows that ask a payment service provider.
const (
	DueAsk         = "psp.ask"         // subject: a payment of ours whose asking was broken off
	DueFetch       = "psp.fetch"       // subject: a payment, by the provider's id
	DuePoll        = "psp.poll"        // subject: a payment of ours that is not paid
	DueSettlements = "psp.settlements" // subject: the provider's name
	DueSettle      = "psp.settle"      // subject: a stored settlement
)

const (
	// CallTime is how long we wait for a provider's answer.
	CallTime = 15 * time.Second
	// SettleTime is how long a settlement may take to read, page after page.
	SettleTime = 2 * time.Minute
	// CallsAtOnce is how many due rows of a kind ask at one time.
	CallsAtOnce = 4
	// KeyLife is how long after it was made a payment may be asked for once more: providers forget an idempotency
	// key after an hour (Mollie, API reference, "Idempotency").
	KeyLife = 45 * time.Minute

	askAgain = time.Minute // when a payment is still only asked for, something was broken off
)

// pollAfter is when we look at a payment that is not paid, counted from its making: a lost webhook costs minutes.
// The last looks come after it has ended, for money that comes late.
var pollAfter = [...]time.Duration{2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// Desk takes payments by bank button.
type Desk struct {
	db      *db.DB
	vault   *vault.Vault
	clerk   *invoices.Clerk
	psp     PSP
	webhook string

	mu     sync.Mutex
	begins map[string]chan struct{} // by invoice: closed when the one who begins a payment for it is done
}

// NewDesk makes a Desk. webhook is the address to which the provider says that it has news, "" when it cannot
// reach us: then we only look ourselves.
func NewDesk(d *db.DB, v *vault.Vault, clerk *invoices.Clerk, psp PSP, webhook string) *Desk {
	return &Desk{db: d, vault: v, clerk: clerk, psp: psp, webhook: webhook, begins: map[string]chan struct{}{}}
}

// Ask is a buyer's wish to pay by bank button.
type Ask struct {
	Merchant string
	Invoice  string
	Cents    int64  // at most what is open
	Return   string // to which the buyer's browser comes back, whatever happened
}

// Begin makes a payment at the provider and returns it with the address of the bank's page. Who presses twice
// gets the same payment twice, and no two payments are ever made for one press. What it returns is Open, or
// Paid when the money turns out to be there already.
//
// Errors: NotFound "invoice"; Conflict "invoice-settled" when nothing is open; Invalid "payment-amount" for
// less than a cent or more than is open; those of the PSP, after which the buyer may try again.
func (k *Desk) Begin(ctx context.Context, a Ask) (p Payment, err error) {
	done, err := k.turn(ctx, a.Invoice)
	if err != nil {
		return p, err
	}
	defer done()
	ctx = context.WithoutCancel(ctx) // what was begun is ended, also for a buyer who has gone
	for range 3 {
		p, err = k.claim(ctx, a)
		switch {
		case errors.Is(err, db.ErrUnique): // pressed twice at once: there is one now
			continue
		case err != nil:
			return p, err
		case p.State == Asked:
			p, err = k.ask(ctx, p)
		default: // perhaps the buyer has just left the bank's page
			p, err = k.look(ctx, p)
		}
		if err != nil || p.State == Open || p.State == Paid {
			return p, err
		}
	}
	return p, fault.New(fault.Unavailable, "psp-unavailable", "The bank button does not work just now. Try again, or pay by transfer.")
}

// turn waits until nobody else begins a payment for the invoice in this process: the second of two presses then
// finds what the first has made. Call done.
func (k *Desk) turn(ctx context.Context, invoice string) (done func(), err error) {
	mine := make(chan struct{})
	for {
		k.mu.Lock()
		other, busy := k.begins[invoice]
		if !busy {
			k.begins[invoice] = mine
		}
		k.mu.Unlock()
		if !busy {
			break
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return func() {
		k.mu.Lock()
		delete(k.begins, invoice)
		k.mu.Unlock()
		close(mine)
	}, nil
}

// claim returns the live payment of this amount for the invoice, or stores a new one.
func (k *Desk) claim(ctx context.Context, a Ask) (p Payment, err error) {
	err = k.db.Write(ctx, func(tx *db.Tx) error {
		v, err := invoices.One(ctx, tx, a.Merchant, a.Invoice)
		if err != nil {
			return err
		}
		if err := payable(v, a.Cents); err != nil {
			return err
		}
		live, found, err := onePayment(ctx, tx, livePayment, v.ID, v.Merchant, a.Cents)
		switch {
		case err != nil:
			return err
		case found && !(live.State == Asked && stale(live, tx.Now)):
			p = live
			return nil
		case found:
			if _, err := k.fail(ctx, tx, live.key()); err != nil {
				return err
			}
		}
		p = Payment{ID: tx.ID("pay_"), Merchant: v.Merchant, Invoice: v.ID, Order: v.Order, Provider: k.psp.Name(), State: Asked,
			Currency: v.Currency, AmountCents: a.Cents, MadeAt: tx.Now, MovedAt: tx.Now}
		p.back = k.vault.SealShared(pspSealing, backPlace(p.ID), []byte(a.Return))
		err = tx.Put(ctx, newPayments, [][]any{{p.ID, p.Merchant, p.Invoice, p.Order, p.Provider, p.State, p.Currency, p.AmountCents, 0,
			"", []byte(p.back), "", p.MadeAt, p.MovedAt}})
		if err != nil {
			return err
		}
		return plan(ctx, tx, jobs.Due{At: tx.Now.Add(askAgain), Kind: DueAsk, Merchant: p.Merchant, Subject: p.ID})
	})
	return p, err
}

// payable says whether an amount may be paid on an invoice. Before its issue what is held for the buyer will pay
// for a part of it.
func payable(v invoices.Invoice, cents int64) error {
	open := v.OpenCents
	if v.Status == invoices.Planned {
		open -= v.HeldCents
	}
	switch {
	case open <= 0 || v.Status != invoices.Planned && v.Status != invoices.Open:
		return fault.Clash("invoice-settled", "Nothing is open on this invoice.")
	case cents < 1 || cents > open:
		return fault.Bad("payment-amount", "Pay at least one cent, and no more than is open.")
	}
	return nil
}

// stale says that the provider may have forgotten the payment's idempotency key.
func stale(p Payment, now calendar.Instant) bool { return now.Sub(p.MadeAt) > KeyLife }

// pspSealing is the purpose under which return addresses are sealed: they hold pay links.
const pspSealing = "psp"

func backPlace(id string) vault.Place {
	return vault.Place{Table: "psp_payments", Column: "return_url", Row: id}
}

// ask has the provider make a payment that is stored, and stores its answer.
func (k *Desk) ask(ctx context.Context, p Payment) (Payment, error) {
	finish, err := k.create(ctx, p)
	if err != nil {
		return p, err
	}
	err = k.db.Write(ctx, func(tx *db.Tx) (err error) {
		p, err = finish(ctx, tx)
		return err
	})
	if err == nil && p.State == Failed {
		return p, fault.New(fault.Unavailable, "psp-refused", "The bank button cannot be used for this. Pay by transfer.")
	}
	return p, err
}

// create has the provider make a payment and returns what stores its answer. A refusal is an answer.
func (k *Desk) create(ctx context.Context, p Payment) (func(ctx context.Context, tx *db.Tx) (Payment, error), error) {
	var o orders.Order
	err := k.db.Read(ctx, func(tx *db.Tx) (err error) {
		o, err = orders.One(ctx, tx, p.Merchant, p.Order)
		return err
	})
	if err != nil {
		return nil, err
	}
	back, err := k.vault.OpenShared(pspSealing, backPlace(p.ID), p.back)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, CallTime)
	defer cancel()
	r, err := k.psp.Create(ctx, Request{ID: p.ID, Cents: p.AmountCents, Currency: p.Currency, Description: o.PaymentReference,
		Country: o.Country, Language: o.Language, Return: string(back), Webhook: k.webhook})
	switch {
	case fault.Is(err, "psp-refused"):
		return func(ctx context.Context, tx *db.Tx) (Payment, error) { return k.fail(ctx, tx, p.key()) }, nil
	case err != nil:
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) (Payment, error) { return k.book(ctx, tx, p.key(), r) }, nil
}

// look asks the provider how a payment stands and books it.
func (k *Desk) look(ctx context.Context, p Payment) (Payment, error) {
	call, cancel := context.WithTimeout(ctx, CallTime)
	defer cancel()
	r, err := k.remote(call, p)
	if err != nil {
		return p, err
	}
	err = k.db.Write(ctx, func(tx *db.Tx) (err error) {
		p, err = k.book(ctx, tx, p.key(), r)
		return err
	})
	return p, err
}

// remote asks the provider how a payment stands that it has made. One that it does not know any more cannot be
// paid: the buyer may begin anew.
func (k *Desk) remote(ctx context.Context, p Payment) (Remote, error) {
	r, err := k.psp.Payment(ctx, p.ProviderID)
	if fault.Is(err, "psp-payment-unknown") {
		return Remote{ID: p.ProviderID, Ours: p.ID, State: Failed}, nil
	}
	return r, err
}

// One reads a payment as it is stored. Error: NotFound "payment".
func (k *Desk) One(ctx context.Context, merchant, id string) (p Payment, err error) {
	err = k.db.Read(ctx, func(tx *db.Tx) error {
		found := false
		err := tx.Find(ctx, findPayment, [][]any{{id, merchant}}, func(_ int, r db.Row) error {
			found = true
			return p.scan(r)
		})
		if err == nil && !found {
			err = noPayment()
		}
		return err
	})
	return p, err
}

// Latest reads the newest payment for an invoice; found is false when nobody ever pressed the button.
func (k *Desk) Latest(ctx context.Context, merchant, invoice string) (p Payment, found bool, err error) {
	err = k.db.Read(ctx, func(tx *db.Tx) (err error) {
		p, found, err = onePayment(ctx, tx, latestPayment, invoice, merchant)
		return err
	})
	return p, found, err
}

// Refresh is One for the page to which the buyer comes back: while the payment is open it asks the provider
// first, so that the buyer need not wait for its webhook. When it does not answer, what is stored must do.
// Error: NotFound "payment".
func (k *Desk) Refresh(ctx context.Context, merchant, id string) (Payment, error) {
	p, err := k.One(ctx, merchant, id)
	if err != nil || p.State != Open {
		return p, err
	}
	now, err := k.look(ctx, p)
	if f := fault.As(err); f != nil && f.Kind == fault.Unavailable {
		return p, nil
	}
	return now, err
}

// Ids of providers are letters, digits and underscores.
var providerID = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

// Notice takes note that the provider has news of a payment. Nothing is believed: the payment is fetched later,
// soon. Error: Invalid "psp-notice" for what is no id.
func (k *Desk) Notice(ctx context.Context, id string) error {
	if !providerID.MatchString(id) {
		return fault.Bad("psp-notice", "This is no id of a payment.")
	}
	return k.db.Write(ctx, func(tx *db.Tx) error {
		return plan(ctx, tx, jobs.Due{Kind: DueFetch, Merchant: ledger.Operator, Subject: id})
	})
}

// Asked goes on where the asking of a payment was broken off.
func (k *Desk) Asked(ctx context.Context, row jobs.Due) (jobs.Finish, error) {
	p, now, err := k.stored(ctx, row)
	if err != nil || p.State != Asked {
		return nil, err
	}
	if stale(p, now) {
		return func(ctx context.Context, tx *db.Tx) error {
			_, err := k.fail(ctx, tx, p.key())
			return err
		}, nil
	}
	store, err := k.create(ctx, p)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) error {
		_, err := store(ctx, tx)
		return err
	}, nil
}

// stored reads the payment of a due row.
func (k *Desk) stored(ctx context.Context, row jobs.Due) (p Payment, now calendar.Instant, err error) {
	if p, err = k.One(ctx, row.Merchant, row.Subject); err != nil {
		return p, now, err
	}
	err = k.db.Read(ctx, func(tx *db.Tx) error { now = tx.Now; return nil })
	return p, now, err
}

// Fetch books a payment of which the provider has news. One that neither of us knows is nobody's business.
// Error: Conflict "psp-payment-foreign" when money was paid for something that we did not ask for.
func (k *Desk) Fetch(ctx context.Context, row jobs.Due) (jobs.Finish, error) {
	r, err := k.psp.Payment(ctx, row.Subject)
	if fault.Is(err, "psp-payment-unknown") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) error {
		key, found, err := k.find(ctx, tx, r)
		switch {
		case err != nil:
			return err
		case found:
			_, err = k.book(ctx, tx, key, r)
			return err
		case r.State == Paid:
			return foreign()
		}
		return nil
	}, nil
}

// Poll looks at a payment that is not paid, and plans the next look.
func (k *Desk) Poll(ctx context.Context, row jobs.Due) (jobs.Finish, error) {
	p, _, err := k.stored(ctx, row)
	if err != nil || p.State == Paid {
		return nil, err
	}
	r, err := k.remote(ctx, p)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) error {
		now, err := k.book(ctx, tx, p.key(), r)
		if err != nil || now.State == Paid {
			return err
		}
		return k.planPoll(ctx, tx, now)
	}, nil
}

// planPoll plans the next look at a payment: by the list and, while it is open beyond that, every day.
func (k *Desk) planPoll(ctx context.Context, tx *db.Tx, p Payment) error {
	next := jobs.Due{At: tx.Now.Add(24 * time.Hour), Kind: DuePoll, Merchant: p.Merchant, Subject: p.ID}
	listed := false
	for _, after := range pollAfter {
		if at := p.MadeAt.Add(after); at.After(tx.Now) {
			next.At, listed = at, true
			break
		}
	}
	if !listed && p.State != Open {
		return nil
	}
	return plan(ctx, tx, next)
}
