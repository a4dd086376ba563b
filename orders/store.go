package orders

import (
	"context"
	"errors"
	"fmt"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// Order is a stored order. Its lines are read apart.
type Order struct {
	ID               string
	Merchant         string
	Reference        string
	Attempt          string
	Person           string
	State            State
	BuyerKind        string
	Country          string // the debtor's
	Language         string
	Currency         string
	Prices           string
	TotalCents       int64
	PaymentReference string
	Contract         string
	Scope            string
	TermsVersion     string
	AcceptedText     string
	AcceptedAt       calendar.Instant
	PlacedOn         calendar.Date
	PlacedAt         calendar.Instant
	MovedAt          calendar.Instant
}

var orderCols = []db.Col{{Name: "id", Type: db.Text}, {Name: "merchant_id", Type: db.Text}, {Name: "reference", Type: db.Text},
	{Name: "attempt_id", Type: db.Text}, {Name: "person_id", Type: db.Text}, {Name: "state", Type: db.Text},
	{Name: "buyer_kind", Type: db.Text}, {Name: "country", Type: db.Text}, {Name: "language", Type: db.Text},
	{Name: "currency", Type: db.Text}, {Name: "prices", Type: db.Text}, {Name: "total_cents", Type: db.Bigint},
	{Name: "payment_reference", Type: db.Text}, {Name: "payment_number", Type: db.Bigint}, {Name: "contract_id", Type: db.Text}, {Name: "scope", Type: db.Text},
	{Name: "terms_version", Type: db.Text}, {Name: "accepted_text", Type: db.Text}, {Name: "accepted_at", Type: db.Instant},
	{Name: "placed_on", Type: db.Date}, {Name: "placed_at", Type: db.Instant}, {Name: "moved_at", Type: db.Instant}}

var (
	newOrders = db.NewTable("orders", "", orderCols...)

	newLines = db.NewTable("order_lines", "",
		db.Col{Name: "order_id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "line_no", Type: db.Bigint},
		db.Col{Name: "reference", Type: db.Text}, db.Col{Name: "kind", Type: db.Text}, db.Col{Name: "description", Type: db.Text},
		db.Col{Name: "quantity", Type: db.Text}, db.Col{Name: "unit_price_cents", Type: db.Bigint}, db.Col{Name: "vat_percent", Type: db.Text},
		db.Col{Name: "total_cents", Type: db.Bigint}, db.Col{Name: "return_mark", Type: db.Text})

	findReferences = db.NewQuery(`select reference from orders where merchant_id = $1 and reference = $2`, db.Text, db.Text)

	findLines = db.NewQuery(`
select reference, kind, description, quantity, unit_price_cents, vat_percent, total_cents, return_mark
  from order_lines
 where order_id = $1 and merchant_id = $2
 order by line_no`, db.Text, db.Text)

	moveOrders = db.NewQuery(`
update orders set state = $4, moved_at = $5 /*from*/
 where id = $1 and merchant_id = $2 and state = $3`, db.Text, db.Text, db.Text, db.Text, db.Instant)
)

const columns = `id, merchant_id, reference, attempt_id, person_id, state, buyer_kind, country, language, currency, prices, total_cents,
       payment_reference, contract_id, scope, terms_version, accepted_text, accepted_at, placed_on, placed_at, moved_at`

var (
	findOrders      = db.NewQuery(`select `+columns+` from orders where id = $1 and merchant_id = $2`, db.Text, db.Text)
	findByPayment   = db.NewQuery(`select `+columns+` from orders where payment_number = $1 and payment_reference = $2`, db.Bigint, db.Text)
	findByReference = `select ` + columns + ` from orders where merchant_id = $1 and reference = $2`
)

func (o *Order) scan(r db.Row) error {
	return r.Scan(&o.ID, &o.Merchant, &o.Reference, &o.Attempt, &o.Person, &o.State, &o.BuyerKind, &o.Country, &o.Language, &o.Currency,
		&o.Prices, &o.TotalCents, &o.PaymentReference, &o.Contract, &o.Scope, &o.TermsVersion, &o.AcceptedText, &o.AcceptedAt,
		&o.PlacedOn, &o.PlacedAt, &o.MovedAt)
}

// Key names an order of a merchant.
type Key struct{ Merchant, ID string }

// Taken says which of these (merchant, reference) pairs already name an order.
func Taken(ctx context.Context, tx *db.Tx, pairs [][2]string) (map[[2]string]bool, error) {
	keys := make([][]any, len(pairs))
	for i, p := range pairs {
		keys[i] = []any{p[0], p[1]}
	}
	taken := map[[2]string]bool{}
	err := tx.Find(ctx, findReferences, keys, func(i int, r db.Row) error {
		taken[pairs[i]] = true
		return nil
	})
	return taken, err
}

// Put stores new orders with their lines.
func Put(ctx context.Context, tx *db.Tx, list []Order, lines [][]Line) error {
	rows := make([][]any, len(list))
	var lineRows [][]any
	for i, o := range list {
		number, ok := numberOf(o.PaymentReference)
		if !ok {
			return errors.New("an order needs a payment reference")
		}
		rows[i] = []any{o.ID, o.Merchant, o.Reference, o.Attempt, o.Person, o.State, o.BuyerKind, o.Country, o.Language, o.Currency,
			o.Prices, o.TotalCents, o.PaymentReference, number, o.Contract, o.Scope, o.TermsVersion, o.AcceptedText, o.AcceptedAt,
			o.PlacedOn, o.PlacedAt, o.MovedAt}
		for n, l := range lines[i] {
			lineRows = append(lineRows, []any{o.ID, o.Merchant, n + 1, l.Reference, l.Kind, l.Description, l.Quantity, l.UnitPriceCents,
				l.VATPercent, l.TotalCents, l.ReturnMark})
		}
	}
	if err := tx.Put(ctx, newOrders, rows); err != nil {
		return err
	}
	return tx.Put(ctx, newLines, lineRows)
}

// Find reads orders by key; what does not exist is missing from the map.
func Find(ctx context.Context, tx *db.Tx, keys []Key) (map[Key]Order, error) {
	out := make(map[Key]Order, len(keys))
	err := tx.Find(ctx, findOrders, rowsOf(keys), func(_ int, r db.Row) error {
		var o Order
		if err := o.scan(r); err != nil {
			return err
		}
		out[Key{o.Merchant, o.ID}] = o
		return nil
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

// One reads one order of a merchant. Error: NotFound "order".
func One(ctx context.Context, tx *db.Tx, merchant, id string) (Order, error) {
	found, err := Find(ctx, tx, []Key{{merchant, id}})
	if err != nil {
		return Order{}, err
	}
	o, ok := found[Key{merchant, id}]
	if !ok {
		return o, fault.Missing("order", "There is no such order.")
	}
	return o, nil
}

// ByReference reads an order by the shop's own word for it. Error: NotFound "order".
func ByReference(ctx context.Context, tx *db.Tx, merchant, reference string) (Order, error) {
	rows, err := tx.Query(ctx, findByReference, merchant, reference)
	if err != nil {
		return Order{}, err
	}
	defer rows.Close()
	if !rows.Next() {
		return Order{}, errors.Join(rows.Err(), fault.Missing("order", "There is no such order."))
	}
	var o Order
	err = o.scan(rows)
	return o, err
}

var findNamed = db.NewQuery(`select `+columns+` from orders where merchant_id = $1 and reference = $2`, db.Text, db.Text)

// Named finds orders by (merchant, reference); what does not exist is missing from the map.
func Named(ctx context.Context, tx *db.Tx, pairs [][2]string) (map[[2]string]Order, error) {
	keys := make([][]any, len(pairs))
	for i, p := range pairs {
		keys[i] = []any{p[0], p[1]}
	}
	out := make(map[[2]string]Order, len(pairs))
	err := tx.Find(ctx, findNamed, keys, func(i int, r db.Row) error {
		var o Order
		err := o.scan(r)
		out[pairs[i]] = o
		return err
	})
	return out, err
}

// ByPayment finds orders by payment reference.
func ByPayment(ctx context.Context, tx *db.Tx, references []string) (map[string]Order, error) {
	keys := make([][]any, len(references))
	for i, r := range references {
		number, _ := numberOf(r) // 0 is no order's
		keys[i] = []any{number, r}
	}
	out := make(map[string]Order, len(references))
	err := tx.Find(ctx, findByPayment, keys, func(i int, r db.Row) error {
		var o Order
		if err := o.scan(r); err != nil {
			return err
		}
		out[references[i]] = o
		return nil
	})
	return out, err
}

// Lines reads the lines of orders, in the order of keys.
func Lines(ctx context.Context, tx *db.Tx, keys []Key) ([][]Line, error) {
	out := make([][]Line, len(keys))
	err := tx.Find(ctx, findLines, rowsOf(keys), func(i int, r db.Row) error {
		var l Line
		err := r.Scan(&l.Reference, &l.Kind, &l.Description, &l.Quantity, &l.UnitPriceCents, &l.VATPercent, &l.TotalCents, &l.ReturnMark)
		out[i] = append(out[i], l)
		return err
	})
	return out, err
}

// Page is a part of a merchant's orders, the newest first.
type Page struct {
	Orders []Order
	Next   string // id to go on after, "" at the end
}

// The newest orders are found along the primary key. An index by merchant would cost each order a page, and
// PostgreSQL would take it for the look-up of a reference while the table is young, and read every order of
// the shop; || keeps SQLite from sorting all of them by the index of references.
//
// List reads up to n orders of a merchant that are older than the one named by after ("" for the newest).
func List(ctx context.Context, tx *db.Tx, merchant, after string, n int) (Page, error) {
	if after == "" {
		after = "ord_~" // sorts behind every id
	}
	var p Page
	err := tx.Each(ctx, `select `+columns+` from orders where merchant_id || '' = $1 and id < $2 order by id desc limit $3`,
		[]any{merchant, after, n + 1}, func(r db.Row) error {
			var o Order
			err := o.scan(r)
			p.Orders = append(p.Orders, o)
			return err
		})
	if err == nil && len(p.Orders) > n {
		p.Orders = p.Orders[:n]
		p.Next = p.Orders[n-1].ID
	}
	return p, err
}

// Move applies e to orders that were read before. Errors: Conflict "order-state" when the table forbids e
// for one of them or another writer was first; then none of them may stand.
func Move(ctx context.Context, tx *db.Tx, e Event, list ...*Order) error {
	rows := make([][]any, len(list))
	for i, o := range list {
		to, err := o.State.Next(e)
		if err != nil {
			return err
		}
		rows[i] = []any{o.ID, o.Merchant, o.State, to, tx.Now}
	}
	n, err := tx.Change(ctx, moveOrders, rows)
	if err != nil {
		return err
	}
	if int(n) != len(rows) {
		return fault.Wrap(fmt.Errorf("moved %d of %d", n, len(rows)), fault.Conflict, "order-state", "The order has just changed.")
	}
	for _, o := range list {
		o.State, _ = o.State.Next(e)
		o.MovedAt = tx.Now
	}
	return nil
}
