package payments

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/orders"
)

// mostDescription is how long a shop's word about money that it received may be, in characters: what plug-ins of
// the older wire know (its payment call, DESCRIPTION).
const mostDescription = 30

// Receipts books what a buyer paid to the shop instead of to us. The shop has that money, so it gets as much less
// from us: dr merchant pending, cr what the buyer owes. Nothing becomes payable before there are payouts.
type Receipts struct {
	clerk *invoices.Clerk
	vault *vault.Vault
}

// NewReceipts makes a Receipts.
func NewReceipts(clerk *invoices.Clerk, v *vault.Vault) *Receipts { return &Receipts{clerk, v} }

// ToShop is a shop's word that its buyer paid it.
type ToShop struct {
	Merchant    string
	Order       string
	Cents       int64
	PaidOn      calendar.Date // zero: today, where the buyer lives
	Description string        // at most 30 characters
	By          string        // id of the key or staff member
}

// Receipt is a stored one.
type Receipt struct {
	ID          string
	Merchant    string
	Order       string
	Invoice     string
	Currency    string
	Cents       int64
	PaidOn      calendar.Date
	Description string
	By          string
	MadeAt      calendar.Instant
	ReversedAt  calendar.Instant // zero: it stands
	ReversedBy  string
}

var newReceipts = db.NewTable("shop_receipts", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "order_id", Type: db.Text},
	db.Col{Name: "invoice_id", Type: db.Text}, db.Col{Name: "currency", Type: db.Text}, db.Col{Name: "cents", Type: db.Bigint},
	db.Col{Name: "paid_on", Type: db.Date}, db.Col{Name: "description", Type: db.Bytes}, db.Col{Name: "made_by", Type: db.Text},
	db.Col{Name: "made_at", Type: db.Instant}, db.Col{Name: "reversed_by", Type: db.Text})

const receiptColumns = `id, merchant_id, order_id, invoice_id, currency, cents, paid_on, description, made_by, made_at, reversed_at, reversed_by`

// Report books what a shop says that it received. An issued invoice asks for less at once; before the issue the
// money counts as the buyer's credit, as any other that comes early, and the invoice will ask for less. A refusal has
// written nothing. Errors: NotFound "order", "invoice"; Invalid "fields" with pointers; Conflict "invoice-settled"
// when nothing is open; Invalid "payment-amount" for more than is open.
func (r *Receipts) Report(ctx context.Context, tx *db.Tx, p ToShop) (Receipt, error) {
	v, err := r.clerk.LockOf(ctx, tx, p.Merchant, p.Order)
	if err != nil {
		return Receipt{}, err
	}
	o, err := orders.One(ctx, tx, p.Merchant, p.Order)
	if err != nil {
		return Receipt{}, err
	}
	if err := p.check(tx, &o); err != nil {
		return Receipt{}, err
	}
	open := v.OpenCents - v.HeldCents // before the issue
	if v.Status == invoices.Open {
		open = v.OpenCents
	}
	switch {
	case v.Status != invoices.Planned && v.Status != invoices.Open || open <= 0:
		return Receipt{}, fault.Clash("invoice-settled", "Nothing is open on this invoice.")
	case p.Cents > open:
		return Receipt{}, fault.At("payment-amount", "That is more than is open.",
			fault.Field{Pointer: "#/amount_cents", Code: "amount", Detail: fmt.Sprintf("Give 1 to %d cents.", open)})
	}
	c := Receipt{ID: tx.ID("rcp_"), Merchant: o.Merchant, Order: o.ID, Invoice: v.ID, Currency: o.Currency, Cents: p.Cents, PaidOn: p.PaidOn,
		Description: p.Description, By: p.By, MadeAt: tx.Now}
	applied, err := r.clerk.Apply(ctx, tx, []invoices.Money{{Order: o, Cents: c.Cents, By: c.ID}})
	if err != nil {
		return Receipt{}, err
	}
	if err := r.put(ctx, tx, &c); err != nil {
		return Receipt{}, err
	}
	return c, ledger.Post(ctx, tx, c.entry("paid-to-shop", applied[0], 1))
}

// check brings p into its stored form.
func (p *ToShop) check(tx *db.Tx, o *orders.Order) error {
	zone, err := calendar.ZoneOf(o.Country)
	if err != nil {
		return err
	}
	today := zone.DateOf(tx.Now)
	if p.PaidOn.IsZero() {
		p.PaidOn = today
	}
	var c fault.Checker
	if p.Cents < 1 {
		c.Wrong("#/amount_cents", "amount", "Give whole cents, more than 0.")
	}
	switch {
	case p.PaidOn.After(today):
		c.Wrong("#/paid_on", "future", "The buyer cannot have paid in the future.")
	case p.PaidOn.Before(o.PlacedOn):
		c.Wrong("#/paid_on", "past", "The buyer had not ordered yet.")
	}
	p.Description = strings.TrimSpace(p.Description)
	switch {
	case utf8.RuneCountInString(p.Description) > mostDescription:
		c.Wrong("#/description", "too-long", "At most %d characters.", mostDescription)
	case !utf8.ValidString(p.Description) || strings.ContainsFunc(p.Description, unicode.IsControl):
		c.Wrong("#/description", "characters", "Leave control characters out.")
	}
	if len(c.Found) > 0 {
		return fault.At("fields", "Some fields are not right.", c.Found...)
	}
	return nil
}

// entry is what a receipt does in the books of its shop, and with sign -1 what undoes it.
func (c *Receipt) entry(kind string, a invoices.Applied, sign int64) ledger.Entry {
	e := ledger.Entry{Merchant: c.Merchant, Key: c.ID + "/" + kind, Kind: kind, Currency: c.Currency,
		Legs: []ledger.Leg{{Code: ledger.MerchantPending, Cents: sign * c.Cents}}}
	if a.Principal > 0 {
		e.Legs = append(e.Legs, ledger.Leg{Code: ledger.BuyerPrincipal, Subject: c.Invoice, Cents: -sign * a.Principal})
	}
	if a.Credit > 0 {
		e.Legs = append(e.Legs, ledger.Leg{Code: ledger.BuyerCredit, Subject: c.Order, Cents: -sign * a.Credit})
	}
	return e
}

// Reverse takes back a shop's word that it was paid: what is held for the buyer goes first, the rest is owed again. An
// invoice that was settled gets a new due date. A refusal has written nothing. Errors: NotFound "payment"; Conflict
// "payment-reversed" when it was taken back before, "payment-used" when its money has gone on meanwhile.
func (r *Receipts) Reverse(ctx context.Context, tx *db.Tx, merchant, id, by string) (Receipt, error) {
	c, err := r.one(ctx, tx, merchant, id)
	if err != nil {
		return c, err
	}
	if _, err := r.clerk.LockOf(ctx, tx, merchant, c.Order); err != nil {
		return c, err
	}
	if c, err = r.one(ctx, tx, merchant, id); err != nil { // as it is under the lock
		return c, err
	}
	if !c.ReversedAt.IsZero() {
		return c, fault.Clash("payment-reversed", "This payment was taken back before.")
	}
	o, err := orders.One(ctx, tx, merchant, c.Order)
	if err != nil {
		return c, err
	}
	taken, err := r.clerk.TakeBack(ctx, tx, invoices.Money{Order: o, Cents: c.Cents, By: c.ID})
	if err != nil {
		return c, err
	}
	c.ReversedAt, c.ReversedBy = tx.Now, by
	n, err := tx.Exec(ctx, `
update shop_receipts set reversed_at = $3, reversed_by = $4
 where id = $1 and merchant_id = $2 and reversed_at is null`, c.ID, c.Merchant, c.ReversedAt, c.ReversedBy)
	if err := db.One(n, err, "payment-reversed", "This payment was taken back before."); err != nil {
		return c, err
	}
	return c, ledger.Post(ctx, tx, c.entry("paid-to-shop-reversed", taken, -1))
}

func (r *Receipts) put(ctx context.Context, tx *db.Tx, c *Receipt) error {
	var sealed []byte
	if c.Description != "" {
		sealed = r.vault.SealShared(receiptSealing, receiptPlace(c.ID), []byte(c.Description))
	}
	return tx.Put(ctx, newReceipts, [][]any{{c.ID, c.Merchant, c.Order, c.Invoice, c.Currency, c.Cents, c.PaidOn, sealed, c.By, c.MadeAt, ""}})
}

// receiptSealing is the purpose under which shops' words about receipts are sealed: they may name somebody.
const receiptSealing = "shop receipt"

func receiptPlace(id string) vault.Place {
	return vault.Place{Table: "shop_receipts", Column: "description", Row: id}
}

func (r *Receipts) one(ctx context.Context, tx *db.Tx, merchant, id string) (Receipt, error) {
	all, err := r.read(ctx, tx, `select `+receiptColumns+` from shop_receipts where id = $1 and merchant_id = $2`, id, merchant)
	if err == nil && len(all) == 0 {
		err = noPayment()
	}
	if err != nil {
		return Receipt{}, err
	}
	return all[0], nil
}

// OfOrder reads what a shop said that it received for an order, the oldest first, with what was taken back.
func (r *Receipts) OfOrder(ctx context.Context, tx *db.Tx, merchant, order string) ([]Receipt, error) {
	return r.read(ctx, tx, `select `+receiptColumns+` from shop_receipts where order_id = $1 and merchant_id = $2 order by id`, order, merchant)
}

func (r *Receipts) read(ctx context.Context, tx *db.Tx, query string, args ...any) (all []Receipt, err error) {
	err = tx.Each(ctx, query, args, func(row db.Row) error {
		var c Receipt
		var sealed vault.Sealed
		if err := row.Scan(&c.ID, &c.Merchant, &c.Order, &c.Invoice, &c.Currency, &c.Cents, &c.PaidOn, &sealed, &c.By, &c.MadeAt, &c.ReversedAt, &c.ReversedBy); err != nil {
			return err
		}
		if sealed != nil {
			plain, err := r.vault.OpenShared(receiptSealing, receiptPlace(c.ID), sealed)
			if err != nil {
				return err
			}
			c.Description = string(plain)
		}
		all = append(all, c)
		return nil
	})
	return all, err
}

// AtShop is how much of what was paid for an order its shop received, by its own word.
func AtShop(ctx context.Context, tx *db.Tx, merchant, order string) (cents int64, err error) {
	err = tx.QueryRow(ctx, `
select cast(coalesce(sum(cents), 0) as bigint) from shop_receipts
 where order_id = $1 and merchant_id = $2 and reversed_at is null`, []any{order, merchant}, &cents)
	return cents, err
}
