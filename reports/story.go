package reports

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
)

// Story is everything about one order.
type Story struct {
	Item
	Country  string
	Lines    []orders.Line
	Credits  []invoices.Credit
	Shop     merchants.Merchant
	Contacts []merchants.Contact
	Past     []Fact // in true order, the oldest first
	Today    Today
	Next     []Step  // what comes if nothing else happens
	Entries  []Entry // of the ledger, about its invoice, the oldest first
	Complete bool    // the entries add up to what is open and held: if not, do not show them as the whole truth
	Transfer *Transfer

	order    orders.Order
	invoice  invoices.Invoice
	contract merchants.Contract
	holds    []Hold
	zone     calendar.Zone
}

// Kinds of fact.
const (
	Ordered    = "ordered"
	Started    = "started" // by the shop, before the invoice
	Invoiced   = "invoiced"
	Paid       = "paid"
	Reversed   = "reversed"     // more is owed again
	ToShop     = "to-shop"      // the shop says that it was paid
	ToShopBack = "to-shop-back" // and took that back
	Held       = "held"         // money of the buyer came in, or was freed, that no claim used
	Credited   = "credited"
	Late       = "late" // the due day has passed
	HoldSet    = "hold-set"
	HoldLifted = "hold-lifted"
	HoldEnded  = "hold-ended"
	Cancelled  = "cancelled"
	Lapsed     = "lapsed"
)

// Fact is something that happened.
type Fact struct {
	Kind      string
	At        calendar.Instant
	On        calendar.Date // at the buyer's
	Cents     int64         // of the fact itself: of a payment, a credit, an invoice; 0 for none
	OwedCents int64         // to be paid from then on
	Number    string        // of the invoice or credit note
	Hold      string        // kind of the hold
}

// Today is where the order stands.
type Today struct {
	On        calendar.Date
	OwedCents int64 // on an issued invoice
	NowCents  int64 // of it what no hold pauses
	HeldCents int64
	Paused    bool
	Until     calendar.Instant // when the pause ends by itself; zero: it does not
}

// Kinds of step.
const (
	StepInvoice  = "invoice"  // the invoice is sent
	StepTransfer = "transfer" // last day for a bank transfer that arrives in time
	StepDue      = "due"      // pay by then and it is done
	StepLate     = "late"     // the first day after
	StepLapse    = "lapse"    // the order ends by itself, nothing is owed
)

// Conditions of a step.
const (
	Always      = ""
	IfStarted   = "if-started"   // the shop has to start the order
	IfUnstarted = "if-unstarted" // the shop has not started it by then
	IfUnpaid    = "if-unpaid"
)

// Step is something that will happen, and on which condition. It costs CostCents more; 0 is free.
type Step struct {
	Kind      string
	On        calendar.Date
	If        string
	OwedCents int64 // what would be owed from then on
	CostCents int64
}

// Entry is one entry of the ledger as it touches the buyer. Balance is what is owed after it.
type Entry struct {
	Key       string
	Kind      string // invoice-issued, allocated, credited, …
	At        calendar.Instant
	On        calendar.Date
	OwedCents int64 // change of what is owed: principal, costs and interest
	HeldCents int64 // change of what we hold for the buyer
	Balance   int64
	Held      int64
	Place     int64 // in the sealed log, -1 until it is sealed
	Number    string
}

// Transfer is what a buyer needs for a bank transfer.
type Transfer struct {
	Cents            int64
	Currency         string
	Payee            string // exactly as the bank knows it
	IBAN             string
	IBANPrinted      string // in groups of four
	BIC              string
	Reference        string
	ReferencePrinted string
	OGM              bool          // a Belgian structured message, not an RF reference
	Latest           calendar.Date // last day that is in time; zero when it has passed
}

// OrderStory tells the story of one order. Error: NotFound "order" when there is none that belongs to the handles.
func (r *Reports) OrderStory(ctx context.Context, tx *db.Tx, handles []buyers.Handle, order string) (*Story, error) {
	found, err := owned(ctx, tx, handles, findItem, order)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.Missing("order", "There is no such order.")
	}
	s := &Story{Item: *found[0]}
	err = tx.Together(ctx,
		func(tx *db.Tx) error { return readOrders(ctx, tx, []*Item{&s.Item}) },
		func(tx *db.Tx) error { return nameShops(ctx, tx, []*Item{&s.Item}) },
		func(tx *db.Tx) error { return s.read(ctx, tx) })
	if err != nil {
		return nil, err
	}
	if err := s.workOut(tx.Now); err != nil {
		return nil, err
	}
	s.Transfer = r.transfer(&s.Item)
	s.tell(tx.Now)
	return s, nil
}

// read reads all rows about the order.
func (s *Story) read(ctx context.Context, tx *db.Tx) error {
	key := orders.Key{Merchant: s.Merchant, ID: s.Order}
	err := tx.Together(ctx,
		func(tx *db.Tx) error { return s.readOrder(ctx, tx) },
		func(tx *db.Tx) (err error) { s.invoice, err = invoices.One(ctx, tx, s.Merchant, s.Invoice); return err },
		func(tx *db.Tx) (err error) { s.Shop, err = merchants.ByID(ctx, tx, s.Merchant); return err },
		func(tx *db.Tx) (err error) { s.Contacts, err = merchants.Contacts(ctx, tx, s.Merchant); return err },
		func(tx *db.Tx) (err error) {
			s.Credits, err = invoices.Credits(ctx, tx, s.Merchant, s.Invoice)
			return err
		},
		func(tx *db.Tx) error {
			all, err := orders.Lines(ctx, tx, []orders.Key{key})
			if err == nil {
				s.Lines = all[0]
			}
			return err
		},
		func(tx *db.Tx) error { return s.readHolds(ctx, tx) },
		func(tx *db.Tx) error { return s.readEntries(ctx, tx) })
	if err != nil {
		return err
	}
	s.addUp()
	s.Country = s.order.Country
	for _, l := range s.Lines {
		if l.Kind == "goods" && len(s.Goods) < mostGoods {
			s.Goods = append(s.Goods, l.Description)
		}
	}
	return nil
}

func (s *Story) readOrder(ctx context.Context, tx *db.Tx) (err error) {
	if s.order, err = orders.One(ctx, tx, s.Merchant, s.Order); err != nil {
		return err
	}
	if s.zone, err = calendar.ZoneOf(s.order.Country); err != nil {
		return err
	}
	k := merchants.ContractKey{Merchant: s.Merchant, ID: s.order.Contract}
	all, err := merchants.Contracts(ctx, tx, []merchants.ContractKey{k})
	s.contract = all[k].Contract
	return err
}

func (s *Story) readHolds(ctx context.Context, tx *db.Tx) error {
	return tx.Find(ctx, findHolds, [][]any{{s.Invoice, s.Merchant}}, func(_ int, r db.Row) error {
		var h Hold
		err := h.scan(r)
		s.holds = append(s.holds, h)
		if h.inForce(tx.Now) {
			s.Holds = append(s.Holds, h)
		}
		return err
	})
}

// entryKeys finds the keys of all entries about an order and its invoice: each begins with the id of its subject, and
// there is no index of postings by account. A stage that posts on a buyer's account has its line here.
const entryKeys = `
select id || '/issued', '' from invoices where order_id = $1 and merchant_id = $2
union all
select c.id || '/credited', c.number from credits c join invoices v on v.id = c.invoice_id and v.merchant_id = c.merchant_id
 where v.order_id = $1 and v.merchant_id = $2 and c.number is not null
union all
select id || '/allocated', '' from allocations where order_id = $1 and merchant_id = $2
union all
select id || '/paid-to-shop', '' from shop_receipts where order_id = $1 and merchant_id = $2
union all
select id || '/paid-to-shop-reversed', '' from shop_receipts where order_id = $1 and merchant_id = $2 and reversed_at is not null
union all
select p.id || '/paid', '' from psp_payments p join invoices v on v.id = p.invoice_id and v.merchant_id = p.merchant_id
 where v.order_id = $1 and v.merchant_id = $2`

const selectEntries = `
select e.kind, e.posted_at, p.code, p.cents, coalesce(s.first_place + e.n, -1)
  from entries e
  join postings p on p.writer = e.writer and p.seq = e.seq and p.n = e.n and p.merchant_id = e.merchant_id
  left join seals s on s.writer = e.writer and s.seq = e.seq
 where e.key = $1 and e.merchant_id = $2 and p.code in ('buyer/principal', 'buyer/costs', 'buyer/interest', 'buyer/credit')`

var findEntries = db.NewQuery(selectEntries, db.Text, db.Text)

// readEntries reads the ledger's entries about the order.
func (s *Story) readEntries(ctx context.Context, tx *db.Tx) error {
	var all []Entry
	var keys [][]any
	err := tx.Each(ctx, entryKeys, []any{s.Order, s.Merchant}, func(r db.Row) error {
		var e Entry
		err := r.Scan(&e.Key, &e.Number)
		all = append(all, e)
		keys = append(keys, []any{e.Key, s.Merchant})
		return err
	})
	if err != nil {
		return err
	}
	err = tx.Find(ctx, findEntries, keys, func(n int, r db.Row) error {
		var code string
		var cents int64
		e := &all[n]
		err := r.Scan(&e.Kind, &e.At, &code, &cents, &e.Place)
		if code == ledger.BuyerCredit {
			e.HeldCents -= cents
		} else {
			e.OwedCents += cents
		}
		return err
	})
	if err != nil {
		return err
	}
	s.Entries = slices.DeleteFunc(all, func(e Entry) bool { return e.Kind == "" }) // a planned invoice has none
	return nil
}

// rank puts the issue first among what was posted at one moment.
func (e *Entry) rank() int {
	if e.Kind == "invoice-issued" {
		return 0
	}
	return 1
}

// addUp sorts entries by time and writes the balance after each.
func (s *Story) addUp() {
	slices.SortFunc(s.Entries, func(a, b Entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.rank(), b.rank()), strings.Compare(a.Key, b.Key))
	})
	var owed, held int64
	for i := range s.Entries {
		e := &s.Entries[i]
		owed += e.OwedCents
		held += e.HeldCents
		e.On, e.Balance, e.Held = s.zone.DateOf(e.At), owed, held
		if e.Kind == "invoice-issued" {
			e.Number = s.Number
		}
	}
	open := s.invoice.OpenCents
	if s.Number == "" {
		open = 0 // planned: nobody owes it yet
	}
	s.Complete = owed == open && held == s.invoice.HeldCents
}

// tell writes past, today and what comes.
func (s *Story) tell(now calendar.Instant) {
	s.tellPast(now)
	p := pausing(s.Holds, s.Status)
	s.Today = Today{On: s.zone.DateOf(now), NowCents: s.NowCents, HeldCents: s.HeldCents, Paused: p.whole, Until: p.until}
	if s.Status == invoices.Open {
		s.Today.OwedCents = s.OpenCents
	}
	s.tellNext()
}

func (s *Story) tellPast(now calendar.Instant) {
	facts := []Fact{{Kind: Ordered, At: s.order.PlacedAt}}
	if f, ok := s.moved(); ok {
		facts = append(facts, f)
	}
	for _, c := range s.Credits {
		if c.Number == "" { // before the invoice: it claims less from the start
			facts = append(facts, Fact{Kind: Credited, At: c.MadeAt, Cents: c.Cents})
		}
	}
	for i := range s.holds {
		facts = append(facts, s.holds[i].facts(now)...)
	}
	if at := s.zone.StartOf(s.DueOn.AddDays(1)); !s.DueOn.IsZero() && !at.After(now) && s.owedAt(at) > 0 {
		facts = append(facts, Fact{Kind: Late, At: at})
	}
	for _, e := range s.Entries {
		facts = append(facts, e.fact())
	}
	slices.SortStableFunc(facts, func(a, b Fact) int { return a.At.Compare(b.At) })
	var owed int64
	for i := range facts {
		f := &facts[i]
		owed += f.OwedCents // the change, until here
		f.On, f.OwedCents = s.zone.DateOf(f.At), owed
	}
	s.Past = facts
}

// owedAt is what was owed at a moment.
func (s *Story) owedAt(at calendar.Instant) (cents int64) {
	for _, e := range s.Entries {
		if e.At.Before(at) {
			cents = e.Balance
		}
	}
	return cents
}

// moved is the last change of the order's own state, where it was not made by the invoice.
func (s *Story) moved() (Fact, bool) {
	f := Fact{At: s.order.MovedAt}
	switch s.order.State {
	case orders.Cancelled:
		f.Kind = Cancelled
	case orders.Lapsed:
		f.Kind = Lapsed
	case orders.Started:
		f.Kind = Started
		for _, e := range s.Entries {
			if e.Kind == "invoice-issued" && !f.At.Before(e.At) {
				return f, false
			}
		}
	default:
		return f, false
	}
	return f, true
}

// facts tells the life of a hold.
func (h *Hold) facts(now calendar.Instant) []Fact {
	if h.From.After(now) {
		return nil
	}
	out := []Fact{{Kind: HoldSet, At: h.From, Hold: h.Kind, Cents: h.Cents}}
	ended := !h.Until.IsZero() && !h.Until.After(now)
	switch {
	case ended && (h.LiftedAt.IsZero() || !h.LiftedAt.Before(h.Until)):
		out = append(out, Fact{Kind: HoldEnded, At: h.Until, Hold: h.Kind})
	case !h.LiftedAt.IsZero():
		out = append(out, Fact{Kind: HoldLifted, At: h.LiftedAt, Hold: h.Kind})
	}
	return out
}

// fact tells an entry; OwedCents is its change.
func (e *Entry) fact() Fact {
	f := Fact{At: e.At, OwedCents: e.OwedCents, Number: e.Number}
	switch {
	case e.Kind == "invoice-issued":
		f.Kind, f.Cents = Invoiced, e.OwedCents-e.HeldCents
	case e.Kind == "credited":
		f.Kind, f.Cents = Credited, e.HeldCents-e.OwedCents
	case e.Kind == "paid-to-shop":
		f.Kind, f.Cents = ToShop, e.HeldCents-e.OwedCents
	case e.Kind == "paid-to-shop-reversed":
		f.Kind, f.Cents = ToShopBack, e.OwedCents-e.HeldCents
	case e.OwedCents < 0:
		f.Kind, f.Cents = Paid, -e.OwedCents
	case e.OwedCents > 0:
		f.Kind, f.Cents = Reversed, e.OwedCents
	default:
		f.Kind, f.Cents = Held, e.HeldCents
	}
	return f
}

// tellNext says what comes, from the contract's days and the holds.
func (s *Story) tellNext() {
	switch s.Status {
	case invoices.Planned:
		s.beforeIssue()
	case invoices.Open:
		s.untilPaid(s.DueOn, s.OpenCents)
	}
}

func (s *Story) beforeIssue() {
	waits := s.order.State == orders.Placed && s.contract.StartBy == merchants.ByCall
	if s.order.State != orders.Placed && s.order.State != orders.Started {
		return
	}
	if waits {
		defer func() {
			s.Next = append(s.Next, Step{Kind: StepLapse, On: s.PlacedOn.AddDays(int(s.contract.LapseAfterDays)), If: IfUnstarted})
			slices.SortStableFunc(s.Next, func(a, b Step) int { return a.On.Compare(b.On) })
		}()
	}
	p := stopping(s.Holds, invoices.Sending)
	if p.whole && p.until.IsZero() {
		return // nobody knows when the invoice comes
	}
	on := latest(s.SendOn, s.Today.On)
	if p.whole {
		on = latest(on, s.zone.DateOf(p.until))
	}
	claim := max(s.OpenCents-s.HeldCents, 0) // money that came before is used
	step := Step{Kind: StepInvoice, On: on, OwedCents: claim}
	if waits {
		step.If = IfStarted
	}
	s.Next = append(s.Next, step)
	if claim > 0 {
		s.untilPaid(on.AddDays(int(s.contract.TransitDays+s.contract.DueDays)), claim)
	}
}

// untilPaid tells the days of an amount that is due on a day. Costs come from a later stage; until then there are none.
func (s *Story) untilPaid(due calendar.Date, cents int64) {
	p := stopping(s.Holds, invoices.Dunning)
	if p.whole && p.until.IsZero() {
		return // it waits: no day counts
	}
	if day := invoices.LatestTransfer(due); !day.Before(s.Today.On) {
		s.Next = append(s.Next, Step{Kind: StepTransfer, On: day, OwedCents: cents})
	}
	if !due.Before(s.Today.On) {
		s.Next = append(s.Next, Step{Kind: StepDue, On: due, OwedCents: cents})
	}
	after := due.AddDays(1)
	if p.whole {
		after = latest(after, s.zone.DateOf(p.until))
	}
	if after.After(s.Today.On) {
		s.Next = append(s.Next, Step{Kind: StepLate, On: after, If: IfUnpaid, OwedCents: cents})
	}
}

func latest(a, b calendar.Date) calendar.Date {
	if a.Before(b) {
		return b
	}
	return a
}

// transfer is nil unless something is to be paid.
func (r *Reports) transfer(i *Item) *Transfer {
	if i.Status != invoices.Open || i.OpenCents == 0 {
		return nil
	}
	return r.transferOf(i, i.OpenCents)
}

func (r *Reports) transferOf(i *Item, cents int64) *Transfer {
	t := &Transfer{Cents: cents, Currency: i.Currency, Payee: r.operator.AccountName, IBAN: r.operator.ClientIBAN,
		IBANPrinted: ident.PrintIBAN(r.operator.ClientIBAN), BIC: r.operator.BIC, Reference: i.PaymentReference, Latest: i.LatestTransfer}
	if t.OGM = ident.ValidOGM(t.Reference); t.OGM {
		t.ReferencePrinted = ident.PrintOGM(t.Reference)
	} else {
		t.ReferencePrinted = ident.PrintRF(t.Reference)
	}
	return t
}

// Claim is what whoever holds a pay link may see: what is asked, by whom, and how to pay it. No address, no history.
type Claim struct {
	Invoice        string
	Merchant       string
	Shop           string
	Status         invoices.Status
	Number         string
	Currency       string
	Language       string
	Country        string
	TotalCents     int64
	OpenCents      int64 // today
	NowCents       int64
	Paused         bool
	DueOn          calendar.Date
	DaysLeft       int
	LatestTransfer calendar.Date
	Today          calendar.Date
	SendOn         calendar.Date // of a planned invoice
	Transfer       *Transfer     // of what is to be paid now; nil when that is nothing
	Early          *Transfer     // of what a planned invoice will ask for; nil of any other
}

const selectClaim = `
select o.id, o.payment_reference, o.country, o.language, m.name
  from orders o join merchants m on m.id = o.merchant_id
 where o.id = $1 and o.merchant_id = $2`

// Claim says what is to be paid on an invoice, as it stands now.
func (r *Reports) Claim(ctx context.Context, tx *db.Tx, v invoices.Invoice) (Claim, error) {
	i := &Item{Merchant: v.Merchant, Invoice: v.ID, Status: v.Status, Currency: v.Currency, OpenCents: v.OpenCents, DueOn: v.DueOn, movedAt: v.MovedAt}
	var language string
	err := tx.QueryRow(ctx, selectClaim, []any{v.Order, v.Merchant}, &i.Order, &i.PaymentReference, &i.country, &language, &i.Shop)
	if err == nil {
		err = hold(ctx, tx, []*Item{i})
	}
	if err == nil {
		err = i.workOut(tx.Now)
	}
	if err != nil {
		return Claim{}, err
	}
	c := Claim{Invoice: v.ID, Merchant: v.Merchant, Shop: i.Shop, Status: v.Status, Number: v.Number, Currency: v.Currency, Language: language,
		Country: i.country, TotalCents: v.TotalCents, OpenCents: v.OpenCents, NowCents: i.NowCents, Paused: i.Paused(), DueOn: v.DueOn,
		DaysLeft: i.DaysLeft, LatestTransfer: i.LatestTransfer, SendOn: v.SendOn}
	zone, err := calendar.ZoneOf(i.country)
	if err != nil {
		return Claim{}, err
	}
	c.Today = zone.DateOf(tx.Now)
	switch {
	case c.Paused:
	case c.NowCents > 0:
		c.Transfer = r.transferOf(i, c.NowCents)
	case v.Status == invoices.Planned && v.OpenCents > v.HeldCents:
		c.Early = r.transferOf(i, v.OpenCents-v.HeldCents)
	}
	return c, nil
}
