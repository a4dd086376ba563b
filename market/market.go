// Package market is a simulated world that drives a platform: buyers who pay early, late, twice, too much,
// with a garbled reference, by bank button or never, sign in to see what they owe, and ask for invoices; shops that order over either wire, start, cancel and
// credit; a bank with its daily statement; a payment provider whose webhooks come late, twice or not at all; a mail
// server that is away, slow or loses its answer; staff who block, lift and correct; and a machine room that restarts the platform now and then.
//
// It owns the behaviour of that world and a naive model of what each order should come to. It does not own
// any rule of the platform: it speaks to it as the outside does, over its HTTP handler and by bank files.
//
// # What is always true
//
//   - The same seed gives the same world, and the same hash of the platform's event log on both engines, while no day's
//     statement is longer than the 200 lines that an import on SQLite books at a time; PostgreSQL books more, and two slices
//     at once.
//   - After each day every invariant holds: verify is green, and each order, each payment at the provider, each mail
//     and each buyer's overview is as the model says.
package market

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/merchants"
	"achteraf/messages"
	"achteraf/payments"
	"achteraf/platform"
	"achteraf/verify"
)

// Config says which world to simulate.
type Config struct {
	Seed   uint64
	Days   int
	Orders int
	Shops  int // 3 when 0
	Older  int // so many of the shops order over the older wire

	// Open builds the platform on its database. It is called again after each restart, on the same database.
	Open func(ctx context.Context, out Outside) (*platform.Platform, func() error, error)

	Progress func(day int, r Report) // called after each day; may be nil

	startsLate bool // no shop starts an order before the day of its invoice
}

// Outside is what the world gives a platform.
type Outside struct {
	Wall       func() calendar.Instant
	Random     io.Reader
	PSP        payments.PSP
	Mailer     messages.Mailer
	MailDomain string
	PublicURL  string
}

// Report says what happened.
type Report struct {
	Seed       uint64         `json:"seed"`
	Engine     string         `json:"engine"`
	Days       int            `json:"days"`
	Orders     int            `json:"orders"`
	Accepted   int            `json:"accepted"`
	Refused    int            `json:"refused"`
	Payments   int            `json:"payments"`
	Files      int            `json:"files"`
	Buttons    int            `json:"buttons"` // payments by bank button
	Mails      int            `json:"mails"`   // that arrived
	SignIns    int            `json:"sign_ins"`
	Restarts   int            `json:"restarts"`
	Checks     int            `json:"checks"` // times that every invariant was checked
	Entries    int64          `json:"entries"`
	Behaviours map[string]int `json:"behaviours"`
	Hash       string         `json:"event_log_hash"`
}

// World is a running simulation.
type World struct {
	c      Config
	now    calendar.Instant
	chance *rand.Rand // the world's own decisions
	ids    io.Reader  // what the platform draws its ids and keys from

	pages  *rand.Rand // which pay pages are looked at
	asking *rand.Rand // who asks for which invoice
	staff  *rand.Rand // whom the operator's staff block and correct
	net    *wires

	p     *platform.Platform
	close func() error

	shops     []*shop
	buyers    []*person
	orders    []*order
	bank      *bank
	psp       *provider
	post      *postOffice
	payDays   map[int][]payment // payments by the day on which the bank books them
	pressDays map[int][]plan    // what buyers mean to do by bank button
	lateDays  map[int][]*press  // money that comes after the end of its payment
	touched   []*order          // of which something has changed today
	sums      map[*person]sums  // of the overviews when they were last looked at
	asleep    int               // days for which the host goes on sleeping
	slept     bool              // through this day
	checked   int               // attempts of the older wire that an order followed
	waits     int64             // money of garbled payments that no person has recognised yet
	report    Report
}

// begin is the first day: a Monday, so that the first weekend comes soon, before a year's end.
var begin = calendar.NewDate(2026, time.November, 23)

// Run simulates a world and returns what happened; an error names the day, the seed and what broke.
func Run(ctx context.Context, c Config) (Report, error) {
	w, err := found(ctx, c)
	if err != nil {
		return Report{Seed: c.Seed}, err
	}
	defer func() { w.close() }()
	for day := range w.c.Days {
		if err := w.live(ctx, day); err != nil {
			return w.report, err
		}
	}
	return w.report, w.hash(ctx)
}

// found makes a world on its first morning.
func found(ctx context.Context, c Config) (*World, error) {
	if c.Shops == 0 {
		c.Shops = 3
	}
	w := &World{c: c, chance: rand.New(rand.NewPCG(c.Seed, 1)), ids: stream(c.Seed, 2), pages: rand.New(rand.NewPCG(c.Seed, 6)), asking: rand.New(rand.NewPCG(c.Seed, 7)),
		staff: rand.New(rand.NewPCG(c.Seed, 8)), net: &wires{},
		payDays: map[int][]payment{}, pressDays: map[int][]plan{}, lateDays: map[int][]*press{},
		report: Report{Seed: c.Seed, Behaviours: map[string]int{}}}
	w.at(0, 6*time.Hour)
	w.post = &postOffice{w: w, chance: rand.New(rand.NewPCG(c.Seed, 3)), letters: map[string]*letter{}}
	if err := w.openProvider(); err != nil {
		return nil, err
	}
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	w.report.Engine = w.p.DB.Engine()
	w.bank = newBank(w.p.Operator.ClientIBAN)
	if err := w.openShops(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// stream is chance that depends on a seed alone.
func stream(seed, part uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], part)
	return rand.NewChaCha8(key)
}

// at sets the clock to a time of a day. Days are counted in UTC: the platform turns them into civil dates.
func (w *World) at(day int, into time.Duration) {
	zone, err := calendar.ZoneOf("NL")
	if err != nil {
		panic(err)
	}
	moment := zone.StartOf(begin.AddDays(day)).Add(into)
	if moment.After(w.now) {
		w.now = moment
	}
}

func (w *World) start(ctx context.Context) (err error) {
	w.p, w.close, err = w.c.Open(ctx, Outside{Wall: func() calendar.Instant { return w.now }, Random: w.ids, PSP: w.psp.client, Mailer: w.post,
		MailDomain: platformHost, PublicURL: platformURL})
	if err == nil {
		w.net.platform = w.p.Handler()
	}
	return err
}

// restart closes the platform and opens it again, now and then.
func (w *World) restart(ctx context.Context, oneIn int) error {
	if w.chance.IntN(oneIn) > 0 {
		return nil
	}
	w.report.Restarts++
	if err := w.close(); err != nil {
		return err
	}
	return w.start(ctx)
}

// live lives one day and then checks everything.
func (w *World) live(ctx context.Context, day int) error {
	err := w.day(ctx, day)
	if err == nil {
		err = w.check(ctx, day)
	}
	if err != nil {
		return fmt.Errorf("seed %d, day %d: %w", w.c.Seed, day, err)
	}
	w.report.Days++
	if w.c.Progress != nil {
		w.c.Progress(day, w.report)
	}
	return nil
}

// day lets orders come in, shops and buyers act, the bank send its statement, what is due run, and the platform
// be restarted. While the host sleeps nothing of it happens, and everybody tries again when it is awake.
func (w *World) day(ctx context.Context, day int) error {
	w.postDay()
	w.touched = nil
	if w.sleeps(day) {
		return w.closedDoor(ctx, day)
	}
	if err := w.providerDay(day); err != nil {
		return err
	}
	for _, step := range []func(context.Context, int) error{w.night, w.staffDay, w.buttonsDay, w.placeOrders, w.shopsAct, w.bankDay, w.evening, w.visits, w.asks, w.listen} {
		if err := step(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

// sleeps says whether the host sleeps through a day: now and then for as many as nine. What the bank books
// meanwhile comes in the next statement.
func (w *World) sleeps(day int) bool {
	if w.asleep == 0 && w.chance.IntN(20) == 0 {
		w.asleep = 1 + w.chance.IntN(9)
		w.count("host asleep")
	}
	if w.slept = w.asleep > 0; w.slept {
		w.asleep--
		moveOn(w.payDays, day)
		moveOn(w.pressDays, day)
		moveOn(w.lateDays, day)
	}
	return w.slept
}

// moveOn puts what was planned for a day before what is planned for the next.
func moveOn[T any](plans map[int][]T, day int) {
	plans[day+1] = append(plans[day], plans[day+1]...)
	delete(plans, day)
}

// closedDoor lets the provider's webhooks come while nobody is there.
func (w *World) closedDoor(ctx context.Context, day int) error {
	w.at(day, 12*time.Hour)
	home := w.net.platform
	w.net.platform = nil
	_, err := w.psp.Deliver(ctx)
	w.net.platform = home
	return err
}

// night runs what fell due at midnight, in one go or after a host that slept.
func (w *World) night(ctx context.Context, day int) error {
	if w.chance.IntN(10) == 0 {
		return nil // nobody is there at midnight; the next run catches up
	}
	w.at(day, 30*time.Minute)
	for range 1 + w.chance.IntN(3) { // running twice is the same as once
		if err := w.p.Settle(ctx); err != nil {
			return err
		}
	}
	return w.restart(ctx, 20)
}

func (w *World) evening(ctx context.Context, day int) error {
	w.at(day, 22*time.Hour)
	if err := w.restart(ctx, 20); err != nil { // with what the day has left to do
		return err
	}
	if _, err := w.psp.Deliver(ctx); err != nil {
		return err
	}
	if err := w.p.Settle(ctx); err != nil {
		return err
	}
	return w.restart(ctx, 12)
}

// listen ends the day: what the platform has heard of payments is held against what there was to hear.
func (w *World) listen(ctx context.Context, day int) error {
	if err := w.p.Settle(ctx); err != nil {
		return err
	}
	if err := w.hear(ctx); err != nil {
		return err
	}
	return w.heardAll(day)
}

// check proves the books and holds them against the model.
func (w *World) check(ctx context.Context, day int) error {
	w.report.Checks++
	report, err := verify.Run(ctx, w.p.DB, verify.Options{PublicKey: w.p.LogKey.Public})
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	w.report.Entries = report.Sealed + report.Unsealed
	if report.Unsealed > 0 {
		return fmt.Errorf("%w: %d entries are not sealed", errModel, report.Unsealed)
	}
	if err := w.checkOrders(day); err != nil {
		return err
	}
	if err := w.checkBooks(ctx, day); err != nil {
		return err
	}
	return w.checkPayPages()
}

// checkBooks holds what only the rows tell against the model: the bank's balance, money that is held or waits,
// and that nothing was left undone.
func (w *World) checkBooks(ctx context.Context, day int) error {
	today := begin.AddDays(day)
	var held int64
	for _, o := range w.orders {
		held += o.held()
	}
	owed, fees, settling := w.unsettled()
	return w.p.DB.Read(ctx, func(tx *db.Tx) error {
		for _, c := range []struct {
			what, sql string
			args      []any
			want      int64
		}{
			{"the bank's balance", `select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'bank'`, nil, w.bank.balance - opening},
			{"bank lines", `select count(*) from bank_lines`, nil, int64(w.bank.lines)},
			{"held for buyers", `select cast(coalesce(sum(held_cents), 0) as bigint) from invoices`, nil, held},
			{"waiting for a person", `select cast(coalesce(sum(left_cents), 0) as bigint) from bank_lines`, nil, w.waits + settling},
			{"owed by the payment provider", `select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'psp'`, nil, owed},
			{"fees of the payment provider", `select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'expense/psp'`, nil, fees},
			{"orders", `select count(*) from orders`, nil, int64(len(w.orders))},
			{"attempts", `select count(*) from decisions`, nil, int64(w.report.Accepted + w.report.Refused + w.checked)},
			{"blocks", `select count(*) from blocks`, nil, w.blocked()},
			{"jobs that failed", `select count(*) from due_failed`, nil, 0},
			{"orders that were not confirmed once", `
select count(*) from orders o
 where (select count(*) from messages m where m.subject = o.id and m.code = 'order-confirmed' and m.merchant_id = o.merchant_id) <> 1`, nil, 0},
			{"credits that were not mailed once", `
select count(*) from credits c
 where (select count(*) from messages m where m.subject = c.id and m.code = 'credit' and m.merchant_id = c.merchant_id) <> 1`, nil, 0},
			{"invoices that were not mailed once", `
select count(*) from invoices v
 where v.number is not null
   and (select count(*) from messages m where m.subject = v.id and m.code = 'invoice' and m.merchant_id = v.merchant_id) <> 1`, nil, 0},
			{"requests for invoices that were not answered", `select count(*) from invoice_requests`, nil, 0},
			{"mails, payments and settlements without a next step", `
select (select count(*) from messages m where m.state = 'waiting'
           and not exists (select 1 from due d where d.kind = 'message.send' and d.subject = m.id))
     + (select count(*) from psp_payments p where p.state in ('asked', 'open')
           and not exists (select 1 from due d where d.kind in ('psp.ask', 'psp.poll') and d.subject = p.id))
     + (select count(*) from psp_settlements s where s.state <> 'closed'
           and not exists (select 1 from due d where d.kind = 'psp.settle' and d.subject = s.id))
     + (select count(*) from psp_payments p where p.state = 'paid' and p.settled_by = ''
           and not exists (select 1 from due d where d.kind = 'psp.settlements'))`, nil, 0},
			{"open invoices past their due date that are not overdue",
				`select count(*) from invoices where status = 'open' and due_on < $1 and not overdue`, []any{today}, 0},
		} {
			if w.slept && c.args != nil {
				continue // nobody was there to do it
			}
			var got int64
			if err := tx.QueryRow(ctx, c.sql, c.args, &got); err != nil {
				return err
			}
			if got != c.want {
				return fmt.Errorf("%w: %s: %d, not %d", errModel, c.what, got, c.want)
			}
		}
		if err := w.checkPost(ctx, tx); err != nil {
			return err
		}
		return w.checkOverviews(ctx, tx, day)
	})
}

func (w *World) hash(ctx context.Context) error {
	return w.p.DB.Read(ctx, func(tx *db.Tx) error {
		sum, err := events.Hash(ctx, tx)
		w.report.Hash = hex.EncodeToString(sum[:])
		return err
	})
}

// shop is a shop of the world.
type shop struct {
	id  string
	key string

	user, pass string // on the older wire; "" of a shop that is on /v1
}

func (w *World) openShops(ctx context.Context) error {
	return w.p.DB.Write(ctx, func(tx *db.Tx) error {
		for i := range w.c.Shops {
			contract := merchants.StandardContract()
			switch i {
			case 1:
				contract.StartBy = merchants.ByCall
			case 2:
				contract.Model, contract.FeeBasisPoints, contract.FeeFixedCents, contract.DueDays = merchants.Own, 0, 0, 8
			}
			m, err := merchants.Add(ctx, tx, merchants.New{Slug: fmt.Sprintf("market-%d", i), Name: fmt.Sprintf("Markt %d", i), LegalName: fmt.Sprintf("Markt %d B.V.", i),
				Country: "NL", Street: "Marktplein", HouseNumber: fmt.Sprint(i + 1), Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: fmt.Sprintf("9000010%d", i),
				VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: fmt.Sprintf("M%d", i),
				Contacts: []merchants.Contact{{Kind: "email", Value: "service@markt.example"}, {Kind: "phone", Value: "+31201234567"}},
				Contract: contract, Terms: merchants.TermsText{Version: "2026-01"}})
			if err != nil {
				return err
			}
			if err := merchants.Activate(ctx, tx, m.ID); err != nil {
				return err
			}
			key, _, err := w.p.Access.MakeKey(ctx, tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
			if err != nil {
				return err
			}
			s := &shop{id: m.ID, key: key}
			if i < w.c.Older {
				if err := w.openWire(ctx, tx, s, m.Slug, contract); err != nil {
					return err
				}
			}
			w.shops = append(w.shops, s)
		}
		return nil
	})
}

var errModel = errors.New("it is not as the model says")

// count notes a behaviour.
func (w *World) count(what string) { w.report.Behaviours[what]++ }

// importFile gives the platform a bank file.
func (w *World) importFile(ctx context.Context, file []byte) error {
	w.report.Files++
	_, err := w.p.Importer.File(ctx, bytes.NewReader(file), bankFormat)
	return err
}
