package payments

import (
	"context"
	"errors"
	"fmt"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/orders"
)

// Payment is a stored payment by bank button.
type Payment struct {
	ID          string
	Merchant    string
	Invoice     string
	Order       string
	Provider    string
	ProviderID  string // "" until the provider answered
	State       State
	Currency    string
	AmountCents int64  // asked for
	PaidCents   int64  // booked: what the provider says was paid, 0 unless it is Paid
	CheckoutURL string // where the buyer chooses the bank
	SettledBy   string // the stored settlement that it is in, "" before
	MadeAt      calendar.Instant
	MovedAt     calendar.Instant
	ExpiresAt   calendar.Instant

	back vault.Sealed // the address to return to
}

// PaymentKey names a payment of a merchant.
type PaymentKey struct{ Merchant, ID string }

func (p *Payment) key() PaymentKey { return PaymentKey{p.Merchant, p.ID} }

var newPayments = db.NewTable("psp_payments", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "invoice_id", Type: db.Text},
	db.Col{Name: "order_id", Type: db.Text}, db.Col{Name: "provider", Type: db.Text}, db.Col{Name: "state", Type: db.Text},
	db.Col{Name: "currency", Type: db.Text}, db.Col{Name: "amount_cents", Type: db.Bigint}, db.Col{Name: "paid_cents", Type: db.Bigint},
	db.Col{Name: "checkout_url", Type: db.Text}, db.Col{Name: "return_url", Type: db.Bytes}, db.Col{Name: "settled_by", Type: db.Text},
	db.Col{Name: "made_at", Type: db.Instant}, db.Col{Name: "moved_at", Type: db.Instant})

const paymentColumns = `id, merchant_id, invoice_id, order_id, provider, coalesce(provider_id, ''), state, currency, amount_cents, paid_cents,
       checkout_url, return_url, settled_by, made_at, moved_at, expires_at`

const (
	livePayment = `
select ` + paymentColumns + ` from psp_payments
 where invoice_id = $1 and merchant_id = $2 and amount_cents = $3 and state in ('asked', 'open')`

	latestPayment = `
select ` + paymentColumns + ` from psp_payments
 where invoice_id = $1 and merchant_id = $2
 order by id desc limit 1`

	paymentOfProvider = `
select ` + paymentColumns + ` from psp_payments
 where provider_id = $1 and provider = $2`

	movePayment = `
update psp_payments
   set state = $4, provider_id = nullif($5, ''), paid_cents = $6, checkout_url = $7, expires_at = $8, moved_at = $9
 where id = $1 and merchant_id = $2 and state = $3`
)

var findPayment = db.NewQuery(`select `+paymentColumns+` from psp_payments where id = $1 and merchant_id = $2`, db.Text, db.Text)

func (p *Payment) scan(r db.Row) error {
	return r.Scan(&p.ID, &p.Merchant, &p.Invoice, &p.Order, &p.Provider, &p.ProviderID, &p.State, &p.Currency, &p.AmountCents, &p.PaidCents,
		&p.CheckoutURL, &p.back, &p.SettledBy, &p.MadeAt, &p.MovedAt, &p.ExpiresAt)
}

// onePayment reads the first row of a query; found is false when there is none.
func onePayment(ctx context.Context, tx *db.Tx, query string, args ...any) (p Payment, found bool, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return p, false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return p, false, rows.Err()
	}
	return p, true, p.scan(rows)
}

// lockPayment reads a payment for a change. Error: NotFound "payment".
func lockPayment(ctx context.Context, tx *db.Tx, k PaymentKey) (p Payment, err error) {
	found := false
	err = tx.Lock(ctx, findPayment, [][]any{{k.ID, k.Merchant}}, func(_ int, r db.Row) error {
		found = true
		return p.scan(r)
	})
	if err == nil && !found {
		err = noPayment()
	}
	return p, err
}

func noPayment() error { return fault.Missing("payment", "There is no such payment.") }

// book brings a payment to where the provider says it is, and its money into the books. News that are old, or
// were told before, change nothing. Errors: Conflict "psp-payment-foreign" when the provider means another
// payment; Conflict "psp-amount" when what was paid cannot be booked.
func (k *Desk) book(ctx context.Context, tx *db.Tx, key PaymentKey, r Remote) (Payment, error) {
	p, err := lockPayment(ctx, tx, key)
	if err != nil {
		return p, err
	}
	if p.ProviderID != "" && p.ProviderID != r.ID {
		return p, foreign()
	}
	if !p.State.may(r.State) {
		return p, nil
	}
	if r.State == Paid && (r.Currency != p.Currency || r.Cents <= 0) {
		return p, fault.Clash("psp-amount", "The provider says that payment %s was paid with an amount that cannot be booked.", p.ID)
	}
	from := p.State
	p.ProviderID, p.State, p.ExpiresAt, p.MovedAt = r.ID, r.State, r.ExpiresAt, tx.Now
	if r.Checkout != "" {
		p.CheckoutURL = r.Checkout
	}
	if r.State == Paid {
		p.PaidCents = r.Cents
		if err := k.expectSettlement(ctx, tx); err != nil {
			return p, err
		}
	}
	if err := p.move(ctx, tx, from); err != nil {
		return p, err
	}
	switch {
	case p.State == Paid:
		return p, k.receive(ctx, tx, p)
	case from == Asked: // ended already, or not: it can still be paid
		return p, k.planPoll(ctx, tx, p)
	}
	return p, nil
}

// foreign says that the provider speaks of a payment that is not the one we asked for.
func foreign() error {
	return fault.Clash("psp-payment-foreign", "The provider speaks of a payment that we did not ask for.")
}

// move stores a changed payment, on condition that it is as it was read, and says so in the log.
func (p *Payment) move(ctx context.Context, tx *db.Tx, from State) error {
	n, err := tx.Exec(ctx, movePayment, p.ID, p.Merchant, from, p.State, p.ProviderID, p.PaidCents, p.CheckoutURL, p.ExpiresAt, p.MovedAt)
	if err := db.One(n, err, "payment-state", "The payment has just changed."); err != nil {
		return err
	}
	return events.Append(ctx, tx, []events.Event{{Merchant: p.Merchant, Kind: "payment." + string(p.State), Subject: p.ID,
		Data: fmt.Sprintf(`{"invoice":%q,"amount_cents":%d,"paid_cents":%d}`, p.Invoice, p.AmountCents, p.PaidCents)}})
}

// receive books what was paid: off the invoice what is open, the rest for the buyer.
func (k *Desk) receive(ctx context.Context, tx *db.Tx, p Payment) error {
	o, err := orders.One(ctx, tx, p.Merchant, p.Order)
	if err != nil {
		return err
	}
	applied, err := k.clerk.Apply(ctx, tx, []invoices.Money{{Order: o, Cents: p.PaidCents, By: p.ID}})
	if err != nil {
		return err
	}
	legs := []ledger.Leg{{Code: ledger.PSP, Cents: p.PaidCents}}
	if a := applied[0].Principal; a > 0 {
		legs = append(legs, ledger.Leg{Code: ledger.BuyerPrincipal, Subject: p.Invoice, Cents: -a})
	}
	if a := applied[0].Credit; a > 0 {
		legs = append(legs, ledger.Leg{Code: ledger.BuyerCredit, Subject: p.Order, Cents: -a})
	}
	return ledger.Post(ctx, tx, ledger.Entry{Merchant: p.Merchant, Key: p.ID + "/paid", Kind: "psp-paid", Currency: p.Currency, Legs: legs})
}

// fail ends a payment that was never made at the provider, as far as we know.
func (k *Desk) fail(ctx context.Context, tx *db.Tx, key PaymentKey) (Payment, error) {
	p, err := lockPayment(ctx, tx, key)
	if err != nil || p.State != Asked {
		return p, err
	}
	p.State, p.MovedAt = Failed, tx.Now
	return p, p.move(ctx, tx, Asked)
}

// find reads the payment that a provider's answer is about: by the provider's id or, when that has not been
// stored yet, by ours.
func (k *Desk) find(ctx context.Context, tx *db.Tx, r Remote) (key PaymentKey, found bool, err error) {
	p, found, err := onePayment(ctx, tx, paymentOfProvider, r.ID, k.psp.Name())
	if err != nil || found || r.Ours == "" {
		return p.key(), found, err
	}
	err = tx.QueryRow(ctx, `select merchant_id from psp_payments where id = $1 and provider = $2 and provider_id is null`,
		[]any{r.Ours, k.psp.Name()}, &key.Merchant)
	if errors.Is(err, db.ErrNone) {
		return key, false, nil
	}
	key.ID = r.Ours
	return key, err == nil, err
}

// plan plants one row.
func plan(ctx context.Context, tx *db.Tx, d jobs.Due) error {
	return jobs.Add(ctx, tx, []jobs.Due{d})
}
