package older

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/reports"
)

// DueHook is the kind of due row that tells a shop what happened; its subject is the delivery.
const DueHook = "older.hook"

// The two kinds of webhooks, each with an address of its own.
const (
	orderHook   = "order"
	sessionHook = "session"
)

// States of a delivery.
const (
	hookWaiting   = "waiting"
	hookDelivered = "delivered"
	hookFailed    = "failed"
	hookDropped   = "dropped" // the shop wants no more of them
)

// extraEvents are told only to shops that ask for them: their names were never published.
var extraEvents = []string{"order_resumed", "order_overdue"}

// orderBody is what a shop is told of an order. Ids are texts.
type orderBody struct {
	Order    string `json:"order_id"`
	Invoice  string `json:"invoice_number"`
	Clean    string `json:"invoice_number_clean"`
	Workflow string `json:"workflow_id"`
	Event    string `json:"event"`
	At       string `json:"timestamp"`
}

// sessionBody is what a shop is told of a session.
type sessionBody struct {
	Status      string `json:"status"`
	Clean       string `json:"invoiceNumber"`
	Transaction string `json:"transactionId"`
	Invoice     string `json:"billinkInvoiceNumber"`
}

const (
	followEvery  = 200 * time.Millisecond // wall time
	followSlice  = 500                    // events read at once
	followWindow = 30 * time.Second       // of business time: a transaction that began earlier has ended by now
	followName   = "webhooks"
	keepHooks    = 30 * 24 * time.Hour // after they have ended
)

// Hooks reads the log of what happened and writes down what shops are to be told.
//
// An event may appear in the log after one with a higher id, of a transaction that committed first. So the latest
// half minute is read again and again, and what was written down for an event is never written twice.
type Hooks struct {
	wire *Wire

	mu      sync.Mutex
	next    calendar.Instant // wall time
	sweep   calendar.Instant // wall time of the next look for what is old
	version int64
	shops   map[string]Account // that want to be told
	seen    map[string]bool    // events of the window
	read    int                // events, so far
}

// NewHooks makes Hooks.
func NewHooks(w *Wire) *Hooks { return &Hooks{wire: w, version: -1, seen: map[string]bool{}} }

// hears says whether an account has an address for anything.
func (s *Settings) hears() bool { return s.OrderWebhook != "" || s.SessionWebhook != "" }

// Step reads on, if it is time to, and says whether there may be more. Call it often.
func (h *Hooks) Step(ctx context.Context) (more bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	began := h.wire.DB.Wall()
	if began.Before(h.next) {
		return false, nil
	}
	if err := h.clean(ctx, began); err != nil {
		return false, err
	}
	more, err = h.follow(ctx)
	took := h.wire.DB.Wall().Sub(began)
	if !more {
		h.next = h.wire.DB.Wall().Add(max(followEvery, 5*took))
	}
	return more, err
}

var oldHooks = db.NewQuery(`
delete from older_hooks /*using*/
 where older_hooks.id = $1 and older_hooks.merchant_id = $2`, db.Text, db.Text)

// clean forgets deliveries that ended long ago, some at a time.
func (h *Hooks) clean(ctx context.Context, now calendar.Instant) error {
	if now.Before(h.sweep) {
		return nil
	}
	var old [][]any
	err := h.wire.DB.Read(ctx, func(tx *db.Tx) error {
		old = nil
		const query = `select id, merchant_id from older_hooks where ended_at <= $1 and ended_at is not null order by ended_at limit $2`
		return tx.Each(ctx, query, []any{tx.Now.Add(-keepHooks), sweepSlice}, func(r db.Row) error {
			var id, merchant string
			err := r.Scan(&id, &merchant)
			old = append(old, []any{id, merchant})
			return err
		})
	})
	if err == nil && len(old) > 0 {
		err = h.wire.DB.Write(ctx, func(tx *db.Tx) error { _, err := tx.Change(ctx, oldHooks, old); return err })
	}
	if h.sweep = now.Add(sweepPause); len(old) < sweepSlice {
		h.sweep = now.Add(sweepRest)
	}
	return err
}

// Run reads until nothing is left, whatever the time, and says whether there was anything new: for stories and a clock
// that has been moved.
func (h *Hooks) Run(ctx context.Context) (news bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		read := h.read
		more, err := h.follow(ctx)
		if news = news || h.read > read; err != nil || !more {
			return news, err
		}
	}
}

// found is what one look at the log brought.
type found struct {
	cursor string // where it began; "" when nobody listens
	events []events.Event
	to     string // up to where nothing can appear any more
	full   bool
}

func (h *Hooks) follow(ctx context.Context) (more bool, err error) {
	var x found
	err = h.wire.DB.Read(ctx, func(tx *db.Tx) error {
		x = found{}
		if err := h.listen(ctx, tx); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `select event_id from older_followed where name = $1`, []any{followName}, &x.cursor)
		if err == db.ErrNone || len(h.shops) == 0 {
			return ignore(err, db.ErrNone)
		}
		if err != nil {
			return err
		}
		return h.look(ctx, tx, &x)
	})
	switch {
	case err != nil:
		return false, err
	case x.cursor == "" && len(h.shops) == 0:
		return false, nil
	case x.cursor == "": // the reading ended just when a shop began to listen
		return false, h.wire.DB.Write(ctx, func(tx *db.Tx) error { return listenFrom(ctx, tx) })
	case len(h.shops) == 0:
		return false, h.wire.DB.Write(ctx, func(tx *db.Tx) error { return h.forget(ctx, tx, x.cursor) })
	case len(x.events) == 0 && x.to == x.cursor:
		return false, nil
	}
	err = h.wire.DB.Write(ctx, func(tx *db.Tx) error { return h.tell(ctx, tx, &x) })
	if err == nil {
		h.remember(&x)
	}
	return err == nil && x.full, err
}

func ignore(err, known error) error {
	if err == known {
		return nil
	}
	return err
}

// listen finds out who wants to be told, when that has changed.
func (h *Hooks) listen(ctx context.Context, tx *db.Tx) error {
	version, err := tx.Version(ctx, versions)
	if err != nil || version == h.version {
		return err
	}
	shops := map[string]Account{}
	err = tx.Each(ctx, `select `+accountColumns+` from older_accounts order by merchant_id`, nil, func(r db.Row) error {
		var x Account
		err := x.scan(r)
		if x.Active && x.Settings.hears() {
			shops[x.Merchant] = x
		}
		return err
	})
	if err == nil {
		h.version, h.shops = version, shops
	}
	return err
}

// look reads events that were not seen yet, and finds how far nothing new can appear.
func (h *Hooks) look(ctx context.Context, tx *db.Tx, x *found) error {
	x.to = x.cursor
	settled := tx.Now
	if tx.Engine() == "postgres" { // the one writer of SQLite commits in the order of ids
		settled = tx.Now.Add(-followWindow)
	}
	for at := x.cursor; len(x.events) < followSlice; {
		list, err := events.All(ctx, tx, at, followSlice)
		if err != nil {
			return err
		}
		for _, e := range list {
			at = e.ID
			if !e.At.After(settled) {
				x.to = e.ID
			}
			if !h.seen[e.ID] {
				x.events = append(x.events, e)
			}
		}
		if len(list) < followSlice {
			return nil
		}
	}
	x.full = true
	return nil
}

func (h *Hooks) remember(x *found) {
	h.read += len(x.events)
	for _, e := range x.events {
		h.seen[e.ID] = true
	}
	for id := range h.seen {
		if id <= x.to {
			delete(h.seen, id)
		}
	}
}

// forget ends the reading when nobody listens any more: who listens later hears what happens from then on.
func (h *Hooks) forget(ctx context.Context, tx *db.Tx, cursor string) error {
	version, err := tx.Version(ctx, versions)
	if err == nil && version == h.version {
		_, err = tx.Exec(ctx, `delete from older_followed where name = $1 and event_id = $2`, followName, cursor)
	}
	return err
}

// listenFrom lets the reading begin with what happens after this transaction.
func listenFrom(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `insert into older_followed (name, event_id) values ($1, $2) on conflict (name) do nothing`, followName, tx.ID("evt_"))
	return err
}

// about is a delivery to be written down.
type about struct {
	event   events.Event
	kind    string
	name    string
	subject string
	body    any
}

var lockAccounts = db.NewQuery(`select merchant_id from older_accounts where merchant_id = $1`, db.Text)

// tell writes down what shops are to be told of events, and moves the cursor on.
func (h *Hooks) tell(ctx context.Context, tx *db.Tx, x *found) error {
	var list []about
	shops := map[string]bool{}
	for _, e := range x.events {
		a, ok := h.shops[e.Merchant]
		if !ok {
			continue
		}
		news, err := h.wire.news(ctx, tx, &a, e)
		if f := fault.As(err); f != nil && f.Kind == fault.NotFound { // erased by now: one shop's event must not keep the others waiting
			continue
		}
		if err != nil {
			return fmt.Errorf("webhooks of event %s: %w", e.ID, err)
		}
		if len(news) > 0 {
			list, shops[e.Merchant] = append(list, news...), true
		}
	}
	var keys [][]any
	for m := range shops {
		keys = append(keys, []any{m})
	}
	slices.SortFunc(keys, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	if err := tx.Lock(ctx, lockAccounts, keys, func(int, db.Row) error { return nil }); err != nil {
		return err
	}
	for _, n := range list {
		if err := write(ctx, tx, n); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `update older_followed set event_id = $3 where name = $1 and event_id = $2`, followName, x.cursor, x.to)
	return err
}

const newHook = `
insert into older_hooks (id, merchant_id, event_id, event, kind, subject, body, state, attempts, outcome, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (event_id, event, merchant_id) do nothing`

// write stores a delivery. Those about one order go out one after the other, so only the first of them is due.
func write(ctx context.Context, tx *db.Tx, n about) error {
	body, err := json.Marshal(n.body)
	if err != nil {
		return err
	}
	merchant, id := n.event.Merchant, tx.ID("whk_")
	var before int64
	err = tx.QueryRow(ctx, `select count(*) from older_hooks where subject = $1 and merchant_id = $2 and state = 'waiting'`, []any{n.subject, merchant}, &before)
	if err != nil {
		return err
	}
	rows, err := tx.Exec(ctx, newHook, id, merchant, n.event.ID, n.name, n.kind, n.subject, string(body), hookWaiting, 0, "", tx.Now)
	if err != nil || rows == 0 || before > 0 {
		return err
	}
	return jobs.Add(ctx, tx, []jobs.Due{{Kind: DueHook, Merchant: merchant, Subject: id}})
}

// fact is what the log says beside an event.
type fact struct {
	Status    string `json:"status"`
	State     string `json:"state"`
	Open      int64  `json:"open_cents"`
	Principal int64  `json:"principal_cents"`
}

// news are what a shop is told of an event; mostly nothing.
func (w *Wire) news(ctx context.Context, tx *db.Tx, a *Account, e events.Event) ([]about, error) {
	if e.Kind == checkout.FactEnded {
		return w.sessionNews(ctx, tx, a, e)
	}
	if a.Settings.OrderWebhook == "" {
		return nil, nil
	}
	var f fact
	if e.Data != "" {
		if err := json.Unmarshal([]byte(e.Data), &f); err != nil {
			return nil, err
		}
	}
	names := namesOf(e.Kind, &f)
	names = slices.DeleteFunc(names, func(n string) bool {
		return slices.Contains(extraEvents, n) && !slices.Contains(a.Settings.WebhookEvents, n)
	})
	if len(names) == 0 {
		return nil, nil
	}
	o, err := orderOf(ctx, tx, e)
	if err != nil {
		return nil, err
	}
	if last := names[len(names)-1]; last == "order_paid" || last == "order_fully_accredited" {
		free, err := reports.OwesNothing(ctx, tx, o.Merchant, o.Person)
		if err != nil {
			return nil, err
		}
		if free {
			names = append(names, "customer_fully_paid")
		}
	}
	contract := merchants.ContractKey{Merchant: o.Merchant, ID: o.Contract}
	terms, err := merchants.Contracts(ctx, tx, []merchants.ContractKey{contract})
	if err != nil {
		return nil, err
	}
	workflow := terms[contract].Contract.Workflow
	var out []about
	for _, n := range names {
		out = append(out, about{e, orderHook, n, o.ID, orderBody{o.ID, publicNumber(a.Settings.Prefix, o.Reference), o.Reference,
			strconv.FormatInt(workflow, 10), n, dutchTime(e.At)}})
	}
	return out, nil
}

// namesOf are this wire's names for what happened.
func namesOf(kind string, f *fact) []string {
	switch kind {
	case "order.accepted":
		return []string{"order_placed"}
	case "order.started":
		return []string{"order_workflow_started"}
	case "order.held":
		return []string{"order_on_hold"}
	case "order.resumed":
		return []string{"order_resumed"}
	case "invoice.issued":
		if f.Open == 0 { // with money that came before it
			return []string{"order_paid"}
		}
	case "invoice.overdue":
		return []string{"order_overdue"}
	case "order.cancelled":
		return []string{"order_fully_accredited"}
	case "payment.received":
		switch {
		case f.Principal <= 0:
			return nil
		case f.Open == 0:
			return []string{"order_paid"}
		}
		return []string{"partial_payment_added"}
	case "invoice.credited":
		if f.Status == string(invoices.Credited) {
			return []string{"order_fully_accredited"}
		}
		return []string{"partial_credit_added"}
	}
	return nil
}

// orderOf is the order that an event is about; many are about its invoice.
func orderOf(ctx context.Context, tx *db.Tx, e events.Event) (orders.Order, error) {
	id := e.Subject
	if strings.HasPrefix(id, "inv_") {
		v, err := invoices.One(ctx, tx, e.Merchant, id)
		if err != nil {
			return orders.Order{}, err
		}
		id = v.Order
	}
	return orders.One(ctx, tx, e.Merchant, id)
}

// sessionNews says how a session of this wire ended.
func (w *Wire) sessionNews(ctx context.Context, tx *db.Tx, a *Account, e events.Event) ([]about, error) {
	if a.Settings.SessionWebhook == "" || w.Desk == nil {
		return nil, nil
	}
	var f fact
	if err := json.Unmarshal([]byte(e.Data), &f); err != nil {
		return nil, err
	}
	x, err := w.Desk.ByID(ctx, tx, checkout.Key{Merchant: e.Merchant, ID: e.Subject})
	if err != nil {
		return nil, err
	}
	var ours int64
	err = tx.QueryRow(ctx, `select count(*) from older_numbers where merchant_id = $1 and folded = $2 and order_id = $3`,
		[]any{e.Merchant, fold(x.Reference), x.ID}, &ours)
	if err != nil || ours == 0 {
		return nil, err
	}
	status := standings[checkout.State(f.State)]
	return []about{{e, sessionHook, status, x.ID, sessionBody{status, x.Reference, "tx_" + strings.TrimPrefix(x.ID, checkoutPrefix),
		publicNumber(a.Settings.Prefix, x.Reference)}}}, nil
}
