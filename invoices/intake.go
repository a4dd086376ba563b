package invoices

import (
	"context"
	"fmt"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/risk"
)

// Request is an order that a shop wants to place.
type Request struct {
	Credential access.Presented
	Key        string   // the idempotency key as sent
	Route      string   // "POST /v1/orders"
	Body       [32]byte // SHA-256 of the message
	Order      orders.New
	Buyer      buyers.Buyer
	Workflow   int64   // of the shop, by number; 0: its ordinary contract
	Loose      bool    // the buyer's fields follow the looser rules of the wire they came by
	Checked    bool    // by Check, not long ago: it is no further attempt of this buyer
	Uncounted  bool    // of a shop in test mode: it is no attempt of this buyer at all
	Test       string  // "" or the class that a shop in test mode asks for
	Witness    Witness // stores what a surface keeps of an accepted order; nil: nothing
	Note       any     // for the Witness
	// Render makes the answer that is stored with its effect. It does no I/O.
	Render func(Outcome) (status int, body []byte, err error)
}

// Witness stores what a surface keeps about its own orders, in the transaction that accepts them.
type Witness interface {
	Placed(ctx context.Context, tx *db.Tx, list []Outcome) error
}

// Outcome is what became of a request. Order and Invoice are nil unless it was accepted.
type Outcome struct {
	Attempt  string
	Decision risk.Decision
	Order    *orders.Order
	Lines    []orders.Line
	Invoice  *Invoice
	At       calendar.Instant
	Note     any // of the request
}

// Answer is what the shop gets, byte for byte the same however often it asks with the same key.
type Answer struct {
	Status   int
	Body     []byte
	Replayed bool
}

// Intake accepts or refuses orders. It is the hot verb of the platform: requests that wait together share
// one transaction, in which the key is checked, the answer of an earlier request found, the buyer's handles
// locked, the decision made, and the order with its planned invoice stored.
type Intake struct {
	db         *db.DB
	access     *access.Access
	desk       *buyers.Desk
	policies   *risk.Policies
	references *orders.References
	book       *merchants.Book
	batch      *db.Batch[Prepared, Answer]
}

// NewIntake makes an Intake.
func NewIntake(d *db.DB, a *access.Access, desk *buyers.Desk, p *risk.Policies, refs *orders.References) *Intake {
	k := &Intake{db: d, access: a, desk: desk, policies: p, references: refs, book: merchants.NewBook()}
	k.batch = db.NewBatch(d, k.PlaceAll)
	return k
}

// Prepared is a request with what was made ready for it outside the transaction.
type Prepared struct {
	Request
	number int64 // of its payment reference
}

// Prepare makes a request ready for PlaceAll. It may write, so never call it inside a transaction.
func (k *Intake) Prepare(ctx context.Context, r Request) (Prepared, error) {
	n, err := k.references.Take(ctx)
	return Prepared{r, n}, err
}

// Place answers one request. Errors: Invalid "fields" with pointers, before anything is decided; those of
// access; Conflict "order-reference" for a reference that already names an order of the shop.
func (k *Intake) Place(ctx context.Context, r Request) (Answer, error) {
	p, err := k.Prepare(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	return k.batch.Do(ctx, p)
}

// slice is the requests of one transaction on their way.
type slice struct {
	k       *Intake
	tx      *db.Tx
	in      []Prepared
	out     []db.Result[Answer]
	who     []access.Principal
	standby []bool             // has its answer already
	known   map[[2]string]int  // first request of this slice with an idempotency key
	named   map[[2]string]bool // references taken
	terms   map[merchants.TermsKey]merchants.Terms
	buyers  *buyers.Slice
	at      []int // index of each request among the slice's buyers

	orders    []orders.Order
	lines     [][]orders.Line
	invoices  []Invoice
	decisions [][]any
	due       []jobs.Due
	happened  []events.Event
	kept      []access.Kept
	remarks   []*orders.Remarked
	seen      map[Witness][]Outcome
}

// PlaceAll answers a slice of requests in one transaction, for surfaces that have more to do in it. Faults of a request
// are those of Place; what it refuses has written nothing.
func (k *Intake) PlaceAll(ctx context.Context, tx *db.Tx, in []Prepared) ([]db.Result[Answer], error) {
	s := &slice{k: k, tx: tx, in: in, out: make([]db.Result[Answer], len(in)), standby: make([]bool, len(in)),
		known: map[[2]string]int{}, at: make([]int, len(in))}
	err := first(
		func() error { return s.authenticate(ctx) },
		func() error { return s.replay(ctx) },
		func() error { return s.check() },
		func() error { return s.read(ctx) },
	)
	if err != nil {
		return nil, err
	}
	for i := range in {
		if s.standby[i] {
			continue
		}
		if j, again := s.known[s.key(i)]; again {
			s.follow(i, j)
			continue
		}
		if err := s.decide(i); err != nil {
			return nil, err
		}
		if s.out[i].Err == nil {
			s.known[s.key(i)] = i
		}
	}
	return s.out, s.write(ctx)
}

// key is what makes two requests of a slice the same.
func (s *slice) key(i int) [2]string { return [2]string{s.who[i].Merchant, s.in[i].Key} }

// refuse answers request i with a fault.
func (s *slice) refuse(i int, err error) {
	s.standby[i] = true
	s.out[i].Err = err
}

func (s *slice) authenticate(ctx context.Context) error {
	shown := make([]access.Presented, len(s.in))
	for i, r := range s.in {
		shown[i] = r.Credential
	}
	checked, err := s.k.access.Check(ctx, s.tx, shown)
	if err != nil {
		return err
	}
	s.who = make([]access.Principal, len(s.in))
	for i, c := range checked {
		s.who[i] = c.Principal
		if c.Err == nil {
			c.Err = c.Principal.Need(access.OrdersWrite)
		}
		if c.Err != nil {
			s.refuse(i, c.Err)
		}
	}
	return nil
}

// replay answers requests whose key was used before.
func (s *slice) replay(ctx context.Context) error {
	var asks []access.Ask
	var of []int
	for i, r := range s.in {
		if !s.standby[i] {
			asks = append(asks, access.Ask{Merchant: s.who[i].Merchant, Key: r.Key, Route: r.Route, Body: r.Body})
			of = append(of, i)
		}
	}
	found, err := s.k.access.Lookup(ctx, s.tx, asks)
	if err != nil {
		return err
	}
	for n, f := range found {
		i := of[n]
		switch {
		case f.Err != nil:
			s.refuse(i, f.Err)
		case f.Found:
			s.standby[i] = true
			s.out[i].Value = Answer{Status: f.Status, Body: f.Answer, Replayed: true}
		}
	}
	return nil
}

// follow gives request i the answer of the earlier request j of this slice with the same key.
func (s *slice) follow(i, j int) {
	if s.in[i].Body != s.in[j].Body || s.in[i].Route != s.in[j].Route {
		s.refuse(i, access.ErrOtherRequest())
		return
	}
	s.standby[i] = true
	s.out[i].Value = s.out[j].Value
	s.out[i].Value.Replayed = true
}

// check sends wrong fields back, before anything is decided.
func (s *slice) check() error {
	for i := range s.in {
		if s.standby[i] {
			continue
		}
		r := &s.in[i]
		wrong := r.Order.Check(s.tx.Now)
		rules := r.Buyer.Check
		if r.Loose {
			rules = r.Buyer.CheckLoosely
		}
		wrong = append(wrong, rules("#/buyer", r.Buyer.Today(s.tx.Now))...)
		if len(wrong) > 0 {
			s.refuse(i, fault.At("fields", "Some fields are not right.", wrong...))
		}
	}
	return nil
}

// read loads what the requests that are left need, each table once, and locks their buyers' handles.
func (s *slice) read(ctx context.Context) error {
	var shops []merchants.TermsKey
	var pairs [][2]string
	var list []*buyers.Buyer
	for i := range s.in {
		if s.standby[i] {
			continue
		}
		s.at[i] = len(list)
		list = append(list, &s.in[i].Buyer)
		shops = append(shops, s.contract(i))
		pairs = append(pairs, [2]string{s.who[i].Merchant, s.in[i].Order.Reference})
	}
	var err error
	if s.terms, err = s.k.book.InForce(ctx, s.tx, shops, today(s.tx.Now)); err != nil {
		return err
	}
	if s.named, err = orders.Taken(ctx, s.tx, pairs); err != nil {
		return err
	}
	s.buyers, err = s.k.desk.Open(ctx, s.tx, list)
	return err
}

// contract names the contract of request i.
func (s *slice) contract(i int) merchants.TermsKey {
	return merchants.TermsKey{Merchant: s.who[i].Merchant, Workflow: s.in[i].Workflow}
}

// today is the civil date of the operator's country, by which contracts and policies are in force.
func today(now calendar.Instant) calendar.Date {
	zone, _ := calendar.ZoneOf("NL")
	return zone.DateOf(now)
}

// decide decides request i and notes all that follows from it.
func (s *slice) decide(i int) error {
	r, merchant := &s.in[i], s.who[i].Merchant
	terms, ok := s.terms[s.contract(i)]
	if !ok || !terms.Active() {
		s.refuse(i, fault.New(fault.Forbidden, "merchant-inactive", "This shop cannot place orders now."))
		return nil
	}
	pair := [2]string{merchant, r.Order.Reference}
	if s.named[pair] {
		s.refuse(i, fault.Clash("order-reference", "This reference already names an order."))
		return nil
	}
	begun := s.k.db.Wall()
	policy, err := s.k.policies.InForce(today(s.tx.Now))
	if err != nil {
		return err
	}
	facts := factsFor(&r.Buyer, s.buyers.Standing(s.at[i]), policy, terms.Contract, r.Order.TotalCents, s.tx.Now)
	oneLess(&facts, r.Checked && !r.Uncounted)
	decision := tested(policy.Decide(&facts), r.Test, r.Buyer.Address.Country)
	out := Outcome{Attempt: s.tx.ID("att_"), Decision: decision, At: s.tx.Now, Note: r.Note}
	if decision.Class == risk.Accepted {
		if err := s.accept(i, terms, &out); err != nil {
			return err
		}
		s.named[pair] = true
	}
	if err := s.record(i, &out, facts, s.k.db.Wall().Sub(begun).Microseconds()); err != nil {
		return err
	}
	return s.answer(i, out)
}

// factsFor gathers what the policy looks at.
func factsFor(b *buyers.Buyer, known buyers.Standing, policy *risk.Policy, c merchants.Contract, cents int64, now calendar.Instant) risk.Facts {
	age := int64(b.Age(b.Today(now)))
	raised := int64(0) // a contract raises the limit of consumers only, and of those who said when they were born
	if b.Kind == buyers.Consumer && age >= 0 {
		raised = c.ConsumerLimitCents
	}
	return risk.Facts{
		Country: b.Address.Country, Buyer: b.Kind, Model: string(c.Model),
		AmountCents: cents, LimitCents: policy.Limit(b.Address.Country, b.Kind, raised),
		OpenCents: known.OpenCents, Overdue: known.Overdue, Orders: known.Orders,
		AttemptsToday: known.Today, AttemptsWeek: known.Week,
		Age:            age,
		BlockedAddress: known.BlockedAddress, BlockedPerson: known.BlockedPerson, BlockedIP: known.BlockedIP,
	}
}

// oneLess leaves the check of an order out of the attempts before it: both are one attempt.
func oneLess(f *risk.Facts, checked bool) {
	if checked {
		f.AttemptsToday, f.AttemptsWeek = max(f.AttemptsToday-1, 0), max(f.AttemptsWeek-1, 0)
	}
}

// tested is a decision as a shop in test mode asks for it. A country without a calendar cannot be asked for.
func tested(d risk.Decision, class, country string) risk.Decision {
	if _, err := calendar.ZoneOf(country); class == "" || class == risk.Accepted && err != nil {
		return d
	}
	d.Class, d.Hits = class, append(d.Hits, "test-mode")
	return d
}

// scopeFacts counts the term from the order's day on, since delivery may be as early as that.
func scopeFacts(b *buyers.Buyer, t merchants.Terms) orders.ScopeFacts {
	return orders.ScopeFacts{Consumer: b.Kind == buyers.Consumer, Country: b.Address.Country, Model: string(t.Contract.Model),
		Large: t.Large, Marketplace: t.Marketplace, TermDays: t.Contract.SendAfterDays + t.Contract.TransitDays + t.Contract.DueDays}
}

// accept makes the order and its planned invoice.
func (s *slice) accept(i int, terms merchants.Terms, out *Outcome) error {
	r := &s.in[i]
	b, c := &r.Buyer, terms.Contract
	zone, err := calendar.ZoneOf(b.Address.Country)
	if err != nil {
		return err
	}
	reference, err := orders.Reference(b.Address.Country, r.number)
	if err != nil {
		return err
	}
	o := orders.Order{
		ID: s.tx.ID("ord_"), Merchant: terms.Merchant, Reference: r.Order.Reference, Attempt: out.Attempt, State: orders.Placed,
		BuyerKind: b.Kind, Country: b.Address.Country, Language: b.Language, Currency: r.Order.Currency, Prices: r.Order.Prices,
		TotalCents: r.Order.TotalCents, PaymentReference: reference, Contract: c.ID,
		Scope:        orders.Scope(scopeFacts(b, terms)),
		TermsVersion: r.Order.TermsVersion, AcceptedText: r.Order.AcceptedText, AcceptedAt: r.Order.AcceptedAt,
		PlacedOn: zone.DateOf(s.tx.Now), PlacedAt: s.tx.Now, MovedAt: s.tx.Now,
	}
	if o.TermsVersion == "" {
		o.TermsVersion = terms.Version
	}
	v := Invoice{
		ID: s.tx.ID("inv_"), Merchant: o.Merchant, Order: o.ID, Status: Planned, Series: terms.InvoicePrefix, Currency: o.Currency,
		TotalCents: o.TotalCents, OpenCents: o.TotalCents, SendOn: o.PlacedOn.AddDays(int(c.SendAfterDays)), MadeAt: s.tx.Now, MovedAt: s.tx.Now,
	}
	out.Order, out.Lines, out.Invoice = &o, r.Order.Lines, &v
	s.due = append(s.due, firstSteps(o, v, c, zone), jobs.Due{Kind: FactAccepted, Merchant: o.Merchant, Subject: o.ID})
	return nil
}

// record keeps the attempt: who it was, what was decided and why, and that it happened.
func (s *slice) record(i int, out *Outcome, facts risk.Facts, took int64) error {
	merchant := s.who[i].Merchant
	a := buyers.Attempt{ID: out.Attempt, Merchant: merchant, Counted: s.in[i].Checked || s.in[i].Uncounted}
	if out.Order != nil {
		a.Order, a.Cents = out.Order.ID, out.Order.TotalCents
	}
	person, keys, err := s.buyers.Keep(s.at[i], a)
	if err != nil {
		return err
	}
	row, err := (&risk.Record{ID: out.Attempt, Merchant: merchant, Person: person, Decision: out.Decision, Facts: facts,
		TookMicro: took, DecidedAt: s.tx.Now}).Row(keys)
	if err != nil {
		return err
	}
	s.decisions = append(s.decisions, row)
	if out.Order == nil {
		s.happened = append(s.happened, refused(merchant, out.Attempt, out.Decision))
		return nil
	}
	out.Order.Person = person
	remark, err := s.in[i].Order.Remark.Seal(orders.Key{Merchant: merchant, ID: out.Order.ID}, keys)
	if err != nil {
		return err
	}
	if remark != nil {
		s.remarks = append(s.remarks, remark)
	}
	s.orders = append(s.orders, *out.Order)
	s.lines = append(s.lines, out.Lines)
	s.invoices = append(s.invoices, *out.Invoice)
	if w := s.in[i].Witness; w != nil {
		if s.seen == nil {
			s.seen = map[Witness][]Outcome{}
		}
		s.seen[w] = append(s.seen[w], *out)
	}
	s.happened = append(s.happened, event(merchant, "order.accepted", out.Order.ID,
		fmt.Sprintf(`{"invoice":%q,"total_cents":%d,"send_on":%q}`, out.Invoice.ID, out.Order.TotalCents, out.Invoice.SendOn)))
	return nil
}

// refused is the event of an attempt that becomes no order.
func refused(merchant, attempt string, d risk.Decision) events.Event {
	return event(merchant, "order.refused", attempt, fmt.Sprintf(`{"class":%q}`, d.Class))
}

// answer renders the answer of request i and keeps it under its key.
func (s *slice) answer(i int, out Outcome) error {
	status, body, err := s.in[i].Render(out)
	if err != nil {
		return err
	}
	s.out[i].Value = Answer{Status: status, Body: body}
	s.kept = append(s.kept, access.Kept{
		Ask:    access.Ask{Merchant: s.who[i].Merchant, Key: s.in[i].Key, Route: s.in[i].Route, Body: s.in[i].Body},
		Status: status, Answer: body})
	return nil
}

// write stores the whole slice, each table once.
func (s *slice) write(ctx context.Context) error {
	return first(
		func() error { return s.buyers.Flush(ctx) },
		func() error { return risk.Keep(ctx, s.tx, s.decisions) },
		func() error { return orders.Put(ctx, s.tx, s.orders, s.lines) },
		func() error { return orders.PutRemarks(ctx, s.tx, s.remarks) },
		func() error { return put(ctx, s.tx, s.invoices) },
		func() error { return jobs.Add(ctx, s.tx, s.due) },
		func() error { return events.Append(ctx, s.tx, s.happened) },
		func() error { return s.k.access.Keep(ctx, s.tx, s.kept) },
		func() error { return s.tell(ctx) },
	)
}

// tell lets the surfaces store what they keep.
func (s *slice) tell(ctx context.Context) error {
	for w, list := range s.seen {
		if err := w.Placed(ctx, s.tx, list); err != nil {
			return err
		}
	}
	return nil
}
