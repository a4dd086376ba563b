package invoices

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// Status is where an invoice stands.
type Status string

const (
	Planned    Status = "planned"
	Open       Status = "open"
	Paid       Status = "paid"
	Credited   Status = "credited"
	Cancelled  Status = "cancelled"
	WrittenOff Status = "written_off"
)

// Invoice is a stored invoice. total = paid + credited + written off + open; of a cancelled one the whole
// withdrawn claim stands in CreditedCents.
type Invoice struct {
	ID              string
	Merchant        string
	Order           string
	Status          Status
	Series          string
	Number          string // "" until issue
	Currency        string
	TotalCents      int64
	OpenCents       int64
	PaidCents       int64
	CreditedCents   int64
	WrittenOffCents int64
	HeldCents       int64 // money that we hold for the buyer of this order
	Overdue         bool
	SendOn          calendar.Date
	IssuedOn        calendar.Date
	DueOn           calendar.Date
	MadeAt          calendar.Instant
	MovedAt         calendar.Instant

	was Invoice0 // as read, for the conditional update
}

// Invoice0 is the part of a row that a change is conditional on.
type Invoice0 struct {
	number                     string
	status                     Status
	open, paid, credited, held int64
	overdue                    bool
}

// Key names an invoice of a merchant.
type Key struct{ Merchant, ID string }

// settledAs is the status of an issued invoice with nothing open.
func (v *Invoice) settledAs() Status {
	if v.PaidCents == 0 && v.CreditedCents > 0 {
		return Credited
	}
	return Paid
}

// settle sets the status that the amounts ask for. It never touches a planned or cancelled invoice, but a
// planned one that is credited in full will never be issued.
func (v *Invoice) settle() {
	switch {
	case v.Status == Planned && v.OpenCents == 0:
		v.Status = Credited
	case v.Number == "" || v.Status == WrittenOff:
	case v.OpenCents > 0:
		v.Status = Open
	default:
		v.Status = v.settledAs()
	}
}

var invoiceCols = []db.Col{{Name: "id", Type: db.Text}, {Name: "merchant_id", Type: db.Text}, {Name: "order_id", Type: db.Text},
	{Name: "status", Type: db.Text}, {Name: "series", Type: db.Text}, {Name: "currency", Type: db.Text},
	{Name: "total_cents", Type: db.Bigint}, {Name: "open_cents", Type: db.Bigint}, {Name: "paid_cents", Type: db.Bigint},
	{Name: "credited_cents", Type: db.Bigint}, {Name: "written_off_cents", Type: db.Bigint}, {Name: "held_cents", Type: db.Bigint},
	{Name: "overdue", Type: db.Bool}, {Name: "send_on", Type: db.Date}, {Name: "made_at", Type: db.Instant}, {Name: "moved_at", Type: db.Instant}}

var newInvoices = db.NewTable("invoices", "", invoiceCols...)

const columns = `id, merchant_id, order_id, status, series, coalesce(number, ''), currency, total_cents, open_cents, paid_cents,
       credited_cents, written_off_cents, held_cents, overdue, send_on, issued_on, due_on, made_at, moved_at`

var (
	findInvoices = db.NewQuery(`select `+columns+` from invoices where id = $1 and merchant_id = $2`, db.Text, db.Text)
	findOfOrders = db.NewQuery(`select `+columns+` from invoices where order_id = $1 and merchant_id = $2`, db.Text, db.Text)

	// The number has an index, which is written whenever a statement sets it: only the issue does.
	changeInvoices = db.NewQuery(changed("", ""), changeTypes...)
	numberInvoices = db.NewQuery(changed("number = $19, ", " and number is null"), append(slices.Clone(changeTypes), db.Text)...)
)

var changeTypes = []db.Type{db.Text, db.Text, db.Text, db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Bool, db.Date, db.Date, db.Date, db.Instant,
	db.Text, db.Text, db.Bigint, db.Bigint, db.Bigint, db.Bigint}

// changed is the statement that writes an invoice back, with more to set and to ask for.
func changed(set, where string) string {
	return `
update invoices
   set ` + set + `status = $3, open_cents = $4, paid_cents = $5, credited_cents = $6, held_cents = $7,
       overdue = $8, send_on = $9, issued_on = $10, due_on = $11, moved_at = $12 /*from*/
 where order_id = $1 and merchant_id = $2 and id = $13 and status = $14
   and open_cents = $15 and paid_cents = $16 and credited_cents = $17 and held_cents = $18` + where
}

func (v *Invoice) scan(r db.Row) error {
	err := r.Scan(&v.ID, &v.Merchant, &v.Order, &v.Status, &v.Series, &v.Number, &v.Currency, &v.TotalCents, &v.OpenCents, &v.PaidCents,
		&v.CreditedCents, &v.WrittenOffCents, &v.HeldCents, &v.Overdue, &v.SendOn, &v.IssuedOn, &v.DueOn, &v.MadeAt, &v.MovedAt)
	v.was = Invoice0{v.Number, v.Status, v.OpenCents, v.PaidCents, v.CreditedCents, v.HeldCents, v.Overdue}
	return err
}

// put stores new invoices.
func put(ctx context.Context, tx *db.Tx, list []Invoice) error {
	rows := make([][]any, len(list))
	for i, v := range list {
		rows[i] = []any{v.ID, v.Merchant, v.Order, v.Status, v.Series, v.Currency, v.TotalCents, v.OpenCents, v.PaidCents, v.CreditedCents,
			v.WrittenOffCents, v.HeldCents, v.Overdue, v.SendOn, v.MadeAt, v.MovedAt}
	}
	return tx.Put(ctx, newInvoices, rows)
}

// store writes changed invoices back, each on condition that nobody changed it since it was read. Error:
// Conflict "invoice-state"; then nothing of the transaction may stand.
func store(ctx context.Context, tx *db.Tx, list []*Invoice) error {
	var rows, numbered [][]any
	for _, v := range list {
		if err := v.sound(); err != nil {
			return err
		}
		v.MovedAt = tx.Now
		w := v.was
		row := []any{v.Order, v.Merchant, v.Status, v.OpenCents, v.PaidCents, v.CreditedCents, v.HeldCents, v.Overdue,
			v.SendOn, v.IssuedOn, v.DueOn, v.MovedAt, v.ID, w.status, w.open, w.paid, w.credited, w.held}
		if v.Number == w.number {
			rows = append(rows, row)
		} else {
			numbered = append(numbered, append(row, v.Number))
		}
	}
	n, err := tx.Change(ctx, changeInvoices, rows)
	if err != nil {
		return err
	}
	m, err := tx.Change(ctx, numberInvoices, numbered)
	if err == nil && int(n+m) != len(list) {
		err = fault.Clash("invoice-state", "The invoice has just changed.")
	}
	return err
}

// sound is the invariant that every write keeps: a breach is refused here, before it is stored.
func (v *Invoice) sound() error {
	parts := []int64{v.OpenCents, v.PaidCents, v.CreditedCents, v.WrittenOffCents, v.HeldCents}
	if slices.Min(parts) < 0 || v.OpenCents+v.PaidCents+v.CreditedCents+v.WrittenOffCents != v.TotalCents {
		return fmt.Errorf("invoice %s: open %d + paid %d + credited %d + written off %d is not the total %d",
			v.ID, v.OpenCents, v.PaidCents, v.CreditedCents, v.WrittenOffCents, v.TotalCents)
	}
	return nil
}

// lock reads invoices for a change, in sorted order; what does not exist is missing from the map.
func lock(ctx context.Context, tx *db.Tx, keys []Key) (map[Key]*Invoice, error) {
	return lockBy(ctx, tx, findInvoices, keys, func(v *Invoice) Key { return Key{v.Merchant, v.ID} })
}

func lockBy(ctx context.Context, tx *db.Tx, q *db.Query, keys []Key, of func(*Invoice) Key) (map[Key]*Invoice, error) {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.ID+a.Merchant, b.ID+b.Merchant) })
	keys = slices.Compact(keys)
	out := make(map[Key]*Invoice, len(keys))
	err := tx.Lock(ctx, q, rowsOf(keys), func(_ int, r db.Row) error {
		v := &Invoice{}
		err := v.scan(r)
		out[of(v)] = v
		return err
	})
	return out, err
}

func rowsOf(keys []Key) [][]any {
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{k.ID, k.Merchant}
	}
	return rows
}

// OfOrders reads the invoices of orders, given as (merchant, order id), in the order of keys.
func OfOrders(ctx context.Context, tx *db.Tx, keys []Key) ([][]Invoice, error) {
	out := make([][]Invoice, len(keys))
	err := tx.Find(ctx, findOfOrders, rowsOf(keys), func(i int, r db.Row) error {
		var v Invoice
		err := v.scan(r)
		out[i] = append(out[i], v)
		return err
	})
	return out, err
}

// One reads one invoice of a merchant. Error: NotFound "invoice".
func One(ctx context.Context, tx *db.Tx, merchant, id string) (Invoice, error) {
	var v Invoice
	found := false
	err := tx.Find(ctx, findInvoices, rowsOf([]Key{{merchant, id}}), func(_ int, r db.Row) error {
		found = true
		return v.scan(r)
	})
	if err == nil && !found {
		err = fault.Missing("invoice", "There is no such invoice.")
	}
	return v, err
}
