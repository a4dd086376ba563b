package market

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/invoices"
	placing "achteraf/orders"
	"achteraf/payments"
	"achteraf/platform"
	"achteraf/providers/mollie"
	"achteraf/providers/pspsim"
	"achteraf/risk"
)

//go:embed past
var pastFiles embed.FS

// PastConfig says which past a new demonstration gets.
type PastConfig struct {
	Seed   uint64
	Days   int              // that it lasts
	Orders int              // of strangers
	Until  calendar.Instant // where it ends: now
	IBAN   string           // of the operator's client money

	// Open builds the platform on its empty database, with the clock, the policies and the payment provider of the past.
	Open func(ctx context.Context, w Yesterday) (*platform.Platform, func() error, error)
	// Shops returns the ids of the shops that sell, by slug; those of window must be among them.
	Shops func(ctx context.Context, p *platform.Platform) (map[string]string, error)
}

// Yesterday is what a platform of the past runs on.
type Yesterday struct {
	Wall     func() calendar.Instant
	Policies *risk.Policies
	PSP      payments.PSP
}

// PastReport says what happened.
type PastReport struct {
	Placed, Refused                     int
	Buttons, Transfers                  int
	Cancelled, Credited, Started, Files int
}

// past is a past while it happens. Unlike a World it has no faults and no model: it makes what people like to look at,
// by the verbs of the platform and by the bank's files, with a clock of its own that begins Days ago and ends now.
type past struct {
	c      PastConfig
	now    calendar.Instant
	zone   calendar.Zone
	first  calendar.Date
	chance *rand.Rand
	p      *platform.Platform
	sim    *pspsim.Simulator
	shops  map[string]string
	acts   map[int][]act // by day
	lines  []lineOfBank
	bank   bank
	read   calendar.Date // the last day that the bank has told of
	count  int
	report PastReport
}

// act is something that somebody does.
type act func(ctx context.Context) error

// lineOfBank is money that the bank will tell of.
type lineOfBank struct {
	on        calendar.Date
	cents     int64
	reference string
	text      string
	by        *somebody
}

// MakePast fills an empty platform. The same seed makes the same orders, payments and refusals; ids differ.
func MakePast(ctx context.Context, c PastConfig) (report PastReport, err error) {
	h := &past{c: c, zone: zoneNL(), chance: rand.New(rand.NewPCG(c.Seed, 7)), acts: map[int][]act{}, bank: bank{iban: c.IBAN}}
	h.first = h.zone.DateOf(c.Until).AddDays(-c.Days)
	h.read = h.first.AddDays(-1)
	h.to(0, 6*time.Hour)
	y := Yesterday{Wall: func() calendar.Instant { return h.now }}
	files, err := fs.Sub(pastFiles, "past")
	if err == nil {
		y.Policies, err = risk.Load(files)
	}
	if err != nil {
		return report, err
	}
	if h.sim, err = pspsim.New(pspsim.Config{Public: "https://psp.example", Key: "test_past", Token: "access_past", Now: y.Wall, Random: stream(c.Seed, 8),
		IBAN: c.IBAN, Fee: 29}); err != nil {
		return report, err
	}
	y.PSP = mollie.New("https://psp.example/v2", "test_past", "access_past", &http.Client{Transport: inside{h.sim}})
	var end func() error
	if h.p, end, err = c.Open(ctx, y); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if h.shops, err = c.Shops(ctx, h.p); err != nil {
		return report, err
	}
	h.plan()
	for day := range c.Days + 1 {
		if err := h.day(ctx, day); err != nil {
			return h.report, fmt.Errorf("day %d of the past: %w", day, err)
		}
	}
	return h.report, nil
}

// inside is a way to a server in this process.
type inside struct{ http.Handler }

func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	i.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// to sets the clock to a time of a day, but never beyond the end, and never back.
func (h *past) to(day int, into time.Duration) {
	at := h.zone.StartOf(h.first.AddDays(day)).Add(into)
	if at.After(h.c.Until) {
		at = h.c.Until
	}
	if at.After(h.now) {
		h.now = at
	}
}

// day lives one day: what falls due at night, the bank's file in the morning, and what people do.
func (h *past) day(ctx context.Context, day int) error {
	h.to(day, 30*time.Minute)
	if err := h.p.Scanner.RunUntilIdle(ctx); err != nil { // seals wait: nobody looks at them before now
		return err
	}
	h.to(day, 7*time.Hour)
	if err := h.morning(ctx, day); err != nil {
		return err
	}
	for i, do := range h.acts[day] {
		h.to(day, 9*time.Hour+time.Duration(i)*50*time.Minute)
		if err := do(ctx); err != nil {
			return err
		}
	}
	if day < h.c.Days {
		return nil // what is due now is run tonight
	}
	h.to(day, 24*time.Hour) // or now, if that is sooner
	return h.p.Settle(ctx)
}

// morning imports the bank's file of the days before, where there is something in it.
func (h *past) morning(ctx context.Context, day int) error {
	last := day == h.c.Days
	yesterday := h.first.AddDays(day - 1)
	if day%7 == 2 || last {
		if t, ok := h.sim.Settle(); ok {
			h.lines = append(h.lines, lineOfBank{on: yesterday, cents: t.Net, text: "Settlement " + t.Reference})
		}
	}
	var told, later []lineOfBank
	for _, l := range h.lines {
		if l.on.After(yesterday) {
			later = append(later, l)
		} else {
			told = append(told, l)
		}
	}
	if !last && (len(told) == 0 || day%2 == 1) {
		return nil // it comes with the next file
	}
	h.lines = later
	if last { // the operator takes the money to the shops, so that the account ends at nothing
		sum := h.bank.balance
		for _, l := range told {
			sum += l.cents
		}
		told = append(told, lineOfBank{on: yesterday, cents: -sum, text: "To the shops"})
	}
	file, err := h.statement(yesterday, told)
	if err != nil {
		return err
	}
	h.report.Files++
	return h.importFile(ctx, file)
}

// order asks for an order, and returns what became of it; nil where it was refused.
func (h *past) order(ctx context.Context, w want) (*bought, error) {
	h.count++
	o, b := w.message(fmt.Sprintf("%s-%d", w.shop[:1], 4000+h.count*7), h.now)
	raw, err := json.Marshal([]any{o, b})
	if err != nil {
		return nil, err
	}
	got, err := h.p.Intake.Place(ctx, invoices.Request{Credential: access.OnBehalf(h.shops[w.shop], "past of the demonstration"), Key: fmt.Sprintf("past-%d", h.count),
		Route: "POST /v1/orders", Body: sha256.Sum256(raw), Order: o, Buyer: b, Render: outcome})
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", w.by.first, w.shop, err)
	}
	var answer bought
	if err := json.Unmarshal(got.Body, &answer); err != nil {
		return nil, err
	}
	if answer.Order == "" {
		h.report.Refused++
		return nil, nil
	}
	h.report.Placed++
	answer.merchant, answer.want = h.shops[w.shop], w
	return &answer, nil
}

// bought is an accepted order.
type bought struct {
	Order     string `json:"order"`
	Invoice   string `json:"invoice"`
	Reference string `json:"reference"`
	Cents     int64  `json:"cents"`

	merchant string
	want     want
}

// outcome is what the past remembers of a decision.
func outcome(o invoices.Outcome) (int, []byte, error) {
	var b bought
	if o.Order != nil {
		b.Order, b.Reference = o.Order.ID, o.Order.PaymentReference
		b.Invoice, b.Cents = o.Invoice.ID, o.Invoice.TotalCents
	}
	body, err := json.Marshal(b)
	return http.StatusCreated, body, err
}

// open is what is still to be paid of an order.
func (h *past) open(ctx context.Context, b *bought) (v invoices.Invoice, err error) {
	err = h.p.DB.Read(ctx, func(tx *db.Tx) error {
		v, err = invoices.One(ctx, tx, b.merchant, b.Invoice)
		return err
	})
	return v, err
}

// button pays what is open by bank button.
func (h *past) button(ctx context.Context, b *bought) error {
	v, err := h.open(ctx, b)
	if err != nil || v.OpenCents == 0 {
		return err
	}
	p, err := h.p.Buttons.Begin(ctx, payments.Ask{Merchant: b.merchant, Invoice: b.Invoice, Cents: v.OpenCents, Return: "https://shop.example/"})
	if err != nil {
		return err
	}
	if !h.sim.Choose(p.ProviderID, pspsim.Paid) {
		return errors.New("the payment was not open")
	}
	h.report.Buttons++
	_, err = h.p.Buttons.Refresh(ctx, b.merchant, p.ID)
	return err
}

// transfer lets a buyer send what is open; the bank tells of it on the next day.
func (h *past) transfer(ctx context.Context, b *bought, onText bool) error {
	v, err := h.open(ctx, b)
	if err != nil || v.OpenCents == 0 {
		return err
	}
	l := lineOfBank{on: h.zone.DateOf(h.now), cents: v.OpenCents, reference: b.Reference, by: b.want.by}
	if onText {
		l.reference, l.text = "", "Rekening "+b.Reference+" dank u"
	}
	h.lines = append(h.lines, l)
	h.report.Transfers++
	return nil
}

func (h *past) start(ctx context.Context, b *bought) error {
	h.report.Started++
	return h.p.DB.Write(ctx, func(tx *db.Tx) error { return h.p.Clerk.Start(ctx, tx, b.merchant, b.Order) })
}

func (h *past) cancel(ctx context.Context, b *bought) error {
	h.report.Cancelled++
	return h.p.DB.Write(ctx, func(tx *db.Tx) error { return h.p.Clerk.Cancel(ctx, tx, b.merchant, b.Order) })
}

// credit takes back a part; 0 is all that is left.
func (h *past) credit(ctx context.Context, b *bought, cents int64) error {
	h.report.Credited++
	return h.p.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := h.p.Clerk.Credit(ctx, tx, invoices.CreditAsk{Merchant: b.merchant, Order: b.Order, Cents: cents, Reason: "return"})
		return err
	})
}

// later lets something be done on a day that is still to come; beyond the end it is never done.
func (h *past) later(day int, do act) { h.acts[day] = append(h.acts[day], do) }

// plan puts all orders on their days. What follows from one is put there when it is accepted.
func (h *past) plan() {
	h.regular()
	people := strangers()
	for i := range h.c.Orders {
		day := i * h.c.Days / h.c.Orders
		by := people[h.chance.IntN(len(people))]
		w := want{by: by, shop: by.shops[h.chance.IntN(len(by.shops))]}
		w.pick(h.chance)
		habit := h.chance.IntN(100)
		wait := h.chance.IntN(10)
		h.later(day, func(ctx context.Context) error {
			b, err := h.order(ctx, w)
			if b == nil || err != nil {
				return err
			}
			h.follow(day, b, habit, wait)
			return nil
		})
	}
}

// payDay is the day of the week on which the button is pressed: the provider is asked for its settlement on each day on
// which money waits for one, and each asking takes its time while a visitor waits for the demonstration.
func payDay(day int) int { return (day+5)/7*7 + 1 }

// sendDays is after how many days an invoice is sent.
const sendDays = 3

// follow plans what becomes of an accepted order, by the habit of its buyer.
func (h *past) follow(day int, b *bought, habit, wait int) {
	if b.want.shop == "boekhuis" && habit >= 8 { // which starts its orders itself
		h.later(day+1, func(ctx context.Context) error { return h.start(ctx, b) })
	}
	issued := day + sendDays
	switch {
	case habit < 8:
		h.later(day+1, func(ctx context.Context) error { return h.cancel(ctx, b) })
	case habit < 30:
		h.later(payDay(issued+1+wait), func(ctx context.Context) error { return h.button(ctx, b) })
	case habit < 78:
		h.later(issued+2+wait, func(ctx context.Context) error { return h.transfer(ctx, b, wait%4 == 0) })
	case habit < 86: // late
		h.later(issued+19+wait, func(ctx context.Context) error { return h.transfer(ctx, b, false) })
	case habit < 92: // never
	case habit < 96:
		h.later(issued+4, func(ctx context.Context) error { return h.credit(ctx, b, 0) })
	default:
		h.later(issued+2+wait, func(ctx context.Context) error { return h.transfer(ctx, b, false) })
		h.later(issued+8+wait, func(ctx context.Context) error { return h.credit(ctx, b, b.Cents/3) })
	}
}

// regular is the story of the one buyer whom every visitor plays. Nothing of it is open, and no mail of it is
// still to come, so that a visitor's own orders stand out and are decided on their own, up to the last cent of a limit.
func (h *past) regular() {
	s := sanne()
	type step struct {
		after int
		do    func(ctx context.Context, b *bought) error
	}
	button := step{sendDays + 5, h.button}
	byBank := step{sendDays + 9, func(ctx context.Context, b *bought) error { return h.transfer(ctx, b, false) }}
	begin := step{1, h.start}
	for _, one := range []struct {
		day   int
		shop  string
		items []item
		steps []step
	}{
		{4, "kleigoed", []item{{pot[0], 2}}, []step{button}},
		{15, "boekhuis", []item{{shelf[1], 1}}, []step{begin, byBank}},
		{24, "kleigoed", []item{{pot[3], 1}}, []step{byBank, {sendDays + 16, func(ctx context.Context, b *bought) error { return h.credit(ctx, b, 20_00) }}}},
		{36, "kleigoed", []item{{pot[5], 1}, {pot[9], 2}}, []step{button}},
		{41, "boekhuis", []item{{shelf[3], 1}}, []step{{1, h.cancel}}},
		{45, "boekhuis", []item{{shelf[4], 1}}, []step{begin, {sendDays + 4, h.button}}},
	} {
		h.later(one.day, func(ctx context.Context) error {
			b, err := h.order(ctx, want{by: s, shop: one.shop, items: one.items})
			if b == nil || err != nil {
				return err
			}
			for _, next := range one.steps {
				h.later(one.day+next.after, func(ctx context.Context) error { return next.do(ctx, b) })
			}
			return nil
		})
	}
}

// pick chooses one to three goods of the shop.
func (w *want) pick(chance *rand.Rand) {
	stock := window[w.shop]
	for range 1 + chance.IntN(3) {
		g := stock[chance.IntN(len(stock))]
		if !slices.ContainsFunc(w.items, func(i item) bool { return i.goods == g }) {
			w.items = append(w.items, item{g, 1 + chance.IntN(2)})
		}
	}
	if w.by.firm != nil {
		for i := range w.items {
			w.items[i].number += 2
		}
	}
}

// message is the order as its shop sends it.
func (w *want) message(reference string, now calendar.Instant) (placing.New, buyers.Buyer) {
	o := placing.New{Reference: reference, Currency: "EUR", Prices: "incl_vat", TermsVersion: "2026-01",
		AcceptedText: "Bestellen met betaalverplichting", AcceptedAt: now}
	for i, it := range w.items {
		o.Lines = append(o.Lines, placing.Line{Reference: fmt.Sprintf("A%d", i+1), Kind: "goods", Description: it.name, Quantity: fmt.Sprint(it.number),
			UnitPriceCents: it.cents, VATPercent: it.vat})
		o.TotalCents += int64(it.number) * it.cents
	}
	if o.TotalCents < 60_00 {
		o.Lines = append(o.Lines, placing.Line{Reference: "POST", Kind: "shipping", Description: "Verzending", Quantity: "1", UnitPriceCents: postage, VATPercent: "21"})
		o.TotalCents += postage
	}
	return o, w.by.buyer()
}
