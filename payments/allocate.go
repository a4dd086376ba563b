package payments

import (
	"context"
	"encoding/json"
	"errors"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/orders"
)

// Where allocated money goes.
const (
	Principal = "principal" // off what the buyer owes
	Credit    = "credit"    // held for the buyer
	Provider  = "psp"       // off what a payment service provider owes us
)

// Allocation is a part of a bank line that was given to an order.
type Allocation struct {
	ID         string
	Merchant   string
	Line       string // bank line
	Order      string
	Invoice    string
	To         string // Principal or Credit
	Cents      int64
	Currency   string
	Confidence string
	By         string // "import", or who did it by hand
}

// share is a part of a bank line that an order shall get.
type share struct {
	line       string
	order      orders.Order
	cents      int64
	confidence string
	by         string
}

var newAllocations = db.NewTable("allocations", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "bank_line_id", Type: db.Text},
	db.Col{Name: "order_id", Type: db.Text}, db.Col{Name: "invoice_id", Type: db.Text}, db.Col{Name: "to_account", Type: db.Text},
	db.Col{Name: "cents", Type: db.Bigint}, db.Col{Name: "confidence", Type: db.Text}, db.Col{Name: "made_by", Type: db.Text},
	db.Col{Name: "made_at", Type: db.Instant})

// allocate books shares on the orders' invoices and stores the allocations: what was open first, the rest for
// the buyer. The caller posts the entry of each.
func allocate(ctx context.Context, tx *db.Tx, clerk *invoices.Clerk, shares []share) ([]Allocation, error) {
	if len(shares) == 0 {
		return nil, nil
	}
	money := make([]invoices.Money, len(shares))
	for i, s := range shares {
		money[i] = invoices.Money{Order: s.order, Cents: s.cents, By: s.line}
	}
	applied, err := clerk.Apply(ctx, tx, money)
	if err != nil {
		return nil, err
	}
	all := make([]Allocation, 0, len(shares))
	for i, s := range shares {
		a := Allocation{Merchant: s.order.Merchant, Line: s.line, Order: s.order.ID, Invoice: applied[i].Invoice,
			Currency: s.order.Currency, Confidence: s.confidence, By: s.by}
		if a.To, a.Cents = Principal, applied[i].Principal; a.Cents > 0 {
			a.ID = tx.ID("alc_")
			all = append(all, a)
		}
		if a.To, a.Cents = Credit, applied[i].Credit; a.Cents > 0 {
			a.ID = tx.ID("alc_")
			all = append(all, a)
		}
	}
	rows := make([][]any, len(all))
	for i, a := range all {
		rows[i] = []any{a.ID, a.Merchant, a.Line, a.Order, a.Invoice, a.To, a.Cents, a.Confidence, a.By, tx.Now}
	}
	return all, tx.Put(ctx, newAllocations, rows)
}

// entry is what an allocation does in the books of its merchant.
func (a Allocation) entry() ledger.Entry {
	to := ledger.Leg{Code: ledger.BuyerPrincipal, Subject: a.Invoice, Cents: -a.Cents}
	if a.To == Credit {
		to = ledger.Leg{Code: ledger.BuyerCredit, Subject: a.Order, Cents: -a.Cents}
	}
	return ledger.Entry{Merchant: a.Merchant, Key: a.ID + "/allocated", Kind: "allocated", Currency: a.Currency,
		Legs: []ledger.Leg{{Code: ledger.Unallocated, Subject: a.Line, Cents: a.Cents}, to}}
}

// Hand is a person's decision that part of a bank line pays for an order.
type Hand struct {
	Line     string
	Merchant string
	Order    string
	Cents    int64
	By       string // who decided
}

// Allocate gives part of what is left of a bank line to an order, as a person decided. Errors: NotFound
// "bank-line", "order"; Conflict "bank-line-kind" for a line on which no money of a buyer came in; Invalid
// "allocation-amount" for less than a cent or more than is left; Invalid "allocation-by".
func Allocate(ctx context.Context, tx *db.Tx, clerk *invoices.Clerk, h Hand) ([]Allocation, error) {
	if h.By == "" {
		return nil, fault.Bad("allocation-by", "Say who allocates.")
	}
	l, err := One(ctx, tx, h.Line)
	if err != nil {
		return nil, err
	}
	if l.Kind != Incoming && l.Kind != Batch {
		return nil, fault.Clash("bank-line-kind", "No money of a buyer came in on this line.")
	}
	o, err := orders.One(ctx, tx, h.Merchant, h.Order)
	if err != nil {
		return nil, err
	}
	n, err := tx.Exec(ctx, `
update bank_lines set left_cents = left_cents - $2
 where id = $1 and $2 > 0 and left_cents >= $2`, h.Line, h.Cents)
	if err != nil {
		return nil, err
	}
	if n != 1 {
		return nil, fault.Bad("allocation-amount", "Allocate at least one cent, and no more than is left of the line.")
	}
	given, err := allocate(ctx, tx, clerk, []share{{h.Line, o, h.Cents, ByHand, h.By}})
	if err != nil {
		return nil, err
	}
	entries := make([]ledger.Entry, len(given))
	for i, a := range given {
		entries[i] = a.entry()
	}
	return given, ledger.Post(ctx, tx, entries...)
}

// BankLine is a stored bank line.
type BankLine struct {
	ID         string
	IBAN       string // our account
	BookedOn   calendar.Date
	Cents      int64
	LeftCents  int64 // not allocated
	Kind       Kind
	Reference  string // a payment reference of ours, "" when it did not bring one
	ImportedAt calendar.Instant

	payer vault.Sealed
}

const columns = `id, iban, booked_on, cents, left_cents, kind, reference, payer, imported_at`

func (l *BankLine) scan(r db.Row) error {
	return r.Scan(&l.ID, &l.IBAN, &l.BookedOn, &l.Cents, &l.LeftCents, &l.Kind, &l.Reference, &l.payer, &l.ImportedAt)
}

// One reads a bank line. Error: NotFound "bank-line".
func One(ctx context.Context, tx *db.Tx, id string) (l BankLine, err error) {
	rows, err := tx.Query(ctx, `select `+columns+` from bank_lines where id = $1`, id)
	if err != nil {
		return l, err
	}
	defer rows.Close()
	if !rows.Next() {
		return l, errors.Join(rows.Err(), fault.Missing("bank-line", "There is no such bank line."))
	}
	return l, l.scan(rows)
}

// Unallocated returns up to n bank lines of which something is left, the oldest first, after the one named by
// after. Money that went out is among them until it is known what it was for.
func Unallocated(ctx context.Context, tx *db.Tx, after string, n int) ([]BankLine, error) {
	var all []BankLine
	err := tx.Each(ctx, `select `+columns+` from bank_lines where left_cents <> 0 and id > $1 order by id limit $2`, []any{after, n},
		func(r db.Row) error {
			var l BankLine
			err := l.scan(r)
			all = append(all, l)
			return err
		})
	return all, err
}

// Payer opens who paid a line. It is empty where the bank told nothing.
func (im *Importer) Payer(l BankLine) (Payer, error) { return openPayer(im.vault, l) }

func openPayer(v *vault.Vault, l BankLine) (p Payer, err error) {
	if l.payer == nil {
		return p, nil
	}
	plain, err := v.OpenShared(sealing, payerPlace(l.ID), l.payer)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(plain, &p)
}
