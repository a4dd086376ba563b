package reports

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
)

// Reports answers the questions of a platform's pages.
type Reports struct{ operator merchants.Operator }

// New makes a Reports; the operator is whom buyers pay.
func New(operator merchants.Operator) *Reports { return &Reports{operator} }

// Ask says which part of an overview to show.
type Ask struct {
	Handles []buyers.Handle // proved in this sign-in
	Limit   int             // how many that are done; 20 when 0
}

// Overview is everything that belongs to proved handles.
type Overview struct {
	Sums  Sums   // of all
	ToPay []Item // issued and open, by due day
	Later []Item // not invoiced yet, by the day of the invoice
	Done  []Item // paid, credited, cancelled, given up: the newest orders; Bills has all
	Found int    // how many there are, of all three

	Language string // of the latest order, "" where there is none
}

// Sums are in cents of euro.
type Sums struct {
	OpenCents    int64         // on issued invoices: the ledger's buyer/principal
	NowCents     int64         // of it what no hold pauses
	LateCents    int64         // of it past the due day
	PlannedCents int64         // will be invoiced
	PaidCents    int64         // on all invoices
	HeldCents    int64         // money that we hold: the ledger's buyer/credit
	Open         int           // invoices
	Late         int           // of them
	Planned      int           // orders
	Done         int           // orders
	FirstDue     calendar.Date // of the invoices to pay that no hold pauses; zero for none
	FirstCents   int64         // due on that day
}

// Item is one order with its invoice.
type Item struct {
	Order            string
	Merchant         string
	Shop             string // its name
	ShopSlug         string
	Language         string // of the letters about it
	Reference        string // the shop's
	PaymentReference string
	Goods            []string // descriptions, of goods first
	State            orders.State
	Invoice          string
	Status           invoices.Status
	Number           string
	Currency         string
	TotalCents       int64
	OpenCents        int64
	NowCents         int64 // open and not paused
	PaidCents        int64
	CreditedCents    int64
	HeldCents        int64
	Overdue          bool
	PlacedOn         calendar.Date
	SendOn           calendar.Date
	IssuedOn         calendar.Date
	DueOn            calendar.Date
	MovedOn          calendar.Date // of the last change: when done, the day it was
	DaysLeft         int           // until the due day, negative after it
	LatestTransfer   calendar.Date // last day for a transfer that arrives in time; zero unless to pay
	Holds            []Hold        // in force

	country string
	movedAt calendar.Instant
}

// Paused says that a hold stops all of it: nothing is to be paid now.
func (i *Item) Paused() bool { return pausing(i.Holds, i.Status).whole }

// What belongs to a person and an address: the invoices. Their orders are read by describe, for those that are shown.
const selectItems = `
select v.order_id, v.merchant_id, v.id, v.status, coalesce(v.number, ''), v.currency, v.total_cents, v.open_cents, v.paid_cents,
       v.credited_cents, v.held_cents, v.overdue, v.send_on, v.issued_on, v.due_on, v.moved_at
  from person_orders po
  join invoices v on v.order_id = po.order_id and v.merchant_id = po.merchant_id
 where po.person_id = $1 and po.email_hash = $2`

const (
	selectItem  = selectItems + ` and po.order_id = $3`
	selectOrder = `select reference, payment_reference, state, language, country, placed_on from orders where id = $1 and merchant_id = $2`
	selectShop  = `select name, slug from merchants where id = $1`
)

var (
	findItems  = db.NewQuery(selectItems, db.Text, db.Bytes)
	findItem   = db.NewQuery(selectItem, db.Text, db.Bytes, db.Text)
	findOrders = db.NewQuery(selectOrder, db.Text, db.Text)
	findShops  = db.NewQuery(selectShop, db.Text)
)

func (i *Item) scan(r db.Row) error {
	return r.Scan(&i.Order, &i.Merchant, &i.Invoice, &i.Status, &i.Number, &i.Currency, &i.TotalCents, &i.OpenCents, &i.PaidCents,
		&i.CreditedCents, &i.HeldCents, &i.Overdue, &i.SendOn, &i.IssuedOn, &i.DueOn, &i.movedAt)
}

// proofs is what may be looked up by.
type proofs map[string]bool

func proofsOf(handles []buyers.Handle) proofs {
	p := proofs{}
	for _, h := range handles {
		if h.IsEmail() {
			p[string(h.Hash)] = true
		}
	}
	return p
}

// owned runs a query for each person of the handles, and returns what belongs to the handles themselves, the oldest
// order first: a person may have ordered with other addresses too.
func owned(ctx context.Context, tx *db.Tx, handles []buyers.Handle, q *db.Query, more ...any) ([]*Item, error) {
	people, err := buyers.Owners(ctx, tx, handles)
	if err != nil {
		return nil, err
	}
	var keys [][]any
	for _, person := range people {
		for hash := range proofsOf(handles) {
			keys = append(keys, append([]any{person, []byte(hash)}, more...))
		}
	}
	var all []*Item
	err = tx.Find(ctx, q, keys, func(_ int, r db.Row) error {
		x := &Item{}
		all = append(all, x)
		return x.scan(r)
	})
	slices.SortFunc(all, func(a, b *Item) int { return strings.Compare(a.Order, b.Order) })
	return slices.CompactFunc(all, func(a, b *Item) bool { return a.Order == b.Order && a.Merchant == b.Merchant }), err
}

// describe reads the orders and shops of items.
func describe(ctx context.Context, tx *db.Tx, list []*Item) error {
	return tx.Together(ctx,
		func(tx *db.Tx) error { return readOrders(ctx, tx, list) },
		func(tx *db.Tx) error { return nameShops(ctx, tx, list) })
}

func readOrders(ctx context.Context, tx *db.Tx, list []*Item) error {
	return tx.Find(ctx, findOrders, keysOf(list), func(n int, r db.Row) error {
		x := list[n]
		return r.Scan(&x.Reference, &x.PaymentReference, &x.State, &x.Language, &x.country, &x.PlacedOn)
	})
}

// nameShops reads each shop once.
func nameShops(ctx context.Context, tx *db.Tx, list []*Item) error {
	var keys [][]any
	of := map[string]int{}
	for _, x := range list {
		if _, known := of[x.Merchant]; !known {
			of[x.Merchant] = len(keys)
			keys = append(keys, []any{x.Merchant})
		}
	}
	names := make([][2]string, len(keys))
	err := tx.Find(ctx, findShops, keys, func(n int, r db.Row) error { return r.Scan(&names[n][0], &names[n][1]) })
	for _, x := range list {
		x.Shop, x.ShopSlug = names[of[x.Merchant]][0], names[of[x.Merchant]][1]
	}
	return err
}

const standardLimit = 20

// Overview reads what belongs to proved handles: all that is not done, and the newest of the rest.
func (r *Reports) Overview(ctx context.Context, tx *db.Tx, ask Ask) (Overview, error) {
	all, err := owned(ctx, tx, ask.Handles, findItems)
	if err != nil {
		return Overview{}, err
	}
	pay, next, over := split(all)
	shown := slices.Concat(pay, next, over[:min(len(over), cmp.Or(max(ask.Limit, 0), standardLimit))])
	if err := work(ctx, tx, shown); err != nil {
		return Overview{}, err
	}
	out := Overview{Found: len(all)}
	for _, x := range all {
		out.Sums.add(x)
	}
	if out.Language, err = languageOf(ctx, tx, all); err != nil {
		return Overview{}, err
	}
	n := len(pay) + len(next)
	out.ToPay, out.Later, out.Done = values(pay), values(next), values(shown[n:])
	return out, nil
}

// work reads what is shown of items, as it stands today.
func work(ctx context.Context, tx *db.Tx, list []*Item) error {
	err := tx.Together(ctx,
		func(tx *db.Tx) error { return readOrders(ctx, tx, list) },
		func(tx *db.Tx) error { return nameShops(ctx, tx, list) },
		func(tx *db.Tx) error { return nameGoods(ctx, tx, list) },
		func(tx *db.Tx) error { return hold(ctx, tx, list) })
	if err != nil {
		return err
	}
	for _, x := range list {
		if err := x.workOut(tx.Now); err != nil {
			return err
		}
	}
	return nil
}

// languageOf is that of the latest order, "" where there is none.
func languageOf(ctx context.Context, tx *db.Tx, all []*Item) (string, error) {
	if len(all) == 0 {
		return "", nil
	}
	latest := slices.MaxFunc(all, func(a, b *Item) int { return strings.Compare(a.Order, b.Order) })
	if latest.Language != "" {
		return latest.Language, nil
	}
	err := readOrders(ctx, tx, []*Item{latest})
	return latest.Language, err
}

// workOut fills in what follows from the day.
func (i *Item) workOut(now calendar.Instant) error {
	zone, err := calendar.ZoneOf(i.country)
	if err != nil {
		return err
	}
	i.MovedOn = zone.DateOf(i.movedAt)
	i.NowCents = 0
	if i.Status != invoices.Open {
		return nil
	}
	today := zone.DateOf(now)
	i.NowCents = pausing(i.Holds, i.Status).left(i.OpenCents)
	i.DaysLeft = i.DueOn.Sub(today)
	if latest := invoices.LatestTransfer(i.DueOn); !latest.Before(today) {
		i.LatestTransfer = latest
	}
	return nil
}

func (s *Sums) add(i *Item) {
	s.PaidCents += i.PaidCents
	s.HeldCents += i.HeldCents
	switch i.group() {
	case toPay:
		s.Open++
		s.OpenCents += i.OpenCents
		s.NowCents += i.NowCents
		if i.Overdue {
			s.Late++
			s.LateCents += i.OpenCents
		}
		if i.NowCents > 0 && (s.FirstDue.IsZero() || i.DueOn.Before(s.FirstDue)) {
			s.FirstDue, s.FirstCents = i.DueOn, 0
		}
		if i.DueOn == s.FirstDue {
			s.FirstCents += i.NowCents
		}
	case later:
		s.Planned++
		s.PlannedCents += i.OpenCents
	case done:
		s.Done++
	}
}

// group is one of the three lists.
type group int

const (
	toPay group = iota
	later
	done
)

func (i *Item) group() group {
	switch i.Status {
	case invoices.Open:
		return toPay
	case invoices.Planned:
		return later
	}
	return done
}

func split(all []*Item) (pay, next, over []*Item) {
	lists := [3][]*Item{}
	for _, x := range all {
		lists[x.group()] = append(lists[x.group()], x)
	}
	for _, list := range lists {
		slices.SortFunc(list, func(a, b *Item) int { return -strings.Compare(a.Order, b.Order) })
	}
	slices.SortStableFunc(lists[toPay], func(a, b *Item) int { return a.DueOn.Compare(b.DueOn) })
	slices.SortStableFunc(lists[later], func(a, b *Item) int { return a.SendOn.Compare(b.SendOn) })
	return lists[toPay], lists[later], lists[done]
}

// mostGoods is how many descriptions are shown of an order.
const mostGoods = 3

const selectGoods = `
select description from order_lines l where order_id = $1 and merchant_id = $2
   and (kind = 'goods' or not exists (select 1 from order_lines g where g.order_id = l.order_id and g.merchant_id = l.merchant_id and g.kind = 'goods'))
 order by line_no`

var findGoods = db.NewQuery(selectGoods, db.Text, db.Text)

func keysOf(list []*Item) [][]any {
	keys := make([][]any, len(list))
	for n, x := range list {
		keys[n] = []any{x.Order, x.Merchant}
	}
	return keys
}

// nameGoods reads what was ordered, up to three descriptions of each.
func nameGoods(ctx context.Context, tx *db.Tx, list []*Item) error {
	for _, x := range list {
		x.Goods = nil
	}
	return tx.Find(ctx, findGoods, keysOf(list), func(n int, r db.Row) error {
		var what string
		err := r.Scan(&what)
		if len(list[n].Goods) < mostGoods {
			list[n].Goods = append(list[n].Goods, what)
		}
		return err
	})
}

func values(list []*Item) []Item {
	out := make([]Item, len(list))
	for n, x := range list {
		out[n] = *x
	}
	return out
}
