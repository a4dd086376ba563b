package market

import (
	"context"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/payments"
	"achteraf/providers/mollie"
	"achteraf/providers/pspsim"
)

// The keys of the world's payment provider, and what it keeps back of a payment, in cents.
const (
	providerKey   = "test_market"
	providerToken = "access_market"
	providerFee   = 29
)

// provider is the payment provider of the world, and what the world knows of the payments there.
type provider struct {
	*pspsim.Simulator
	client   payments.PSP // the real client of the platform
	chance   *rand.Rand
	broken   int  // the last day on which calls of its API went wrong
	mute     bool // the next change is told to nobody
	delays   []time.Duration
	presses  []*press
	byID     map[string]*press
	paidOuts []*paidOut
}

// press is a payment by bank button that a buyer has begun.
type press struct {
	order *order
	id    string // the provider's
	cents int64
	paid  bool // at the bank
	late  bool // after its end
	loud  bool // its webhook has been sent
	alone bool // its webhook has been sent, and nothing else tells the platform now
	heard bool // the platform has booked it
}

// paidOut is money that the provider has sent to the platform's bank.
type paidOut struct {
	pspsim.Settlement
	arrived bool // the bank line has been imported
	closed  bool // the platform has booked it
	waits   int  // days since it arrived, of those on which nothing was in the way
}

// plan is what a buyer means to do at the bank on a day.
type plan struct {
	order *order
	how   string
}

// The ways to press the button.
const (
	pays     = "pays"
	leaves   = "leaves the bank's page open" // and comes back another day
	cancels  = "cancels"                     // and comes back another day
	fails    = "is refused by the bank"      // and tries again at once
	tooLate  = "pays too late"               // the session has ended, and the money comes all the same
	bothWays = "pays by transfer too"
)

func (w *World) openProvider() error {
	p := &provider{chance: rand.New(rand.NewPCG(w.c.Seed, 4)), byID: map[string]*press{}, broken: -9}
	by := &http.Client{Transport: w.net}
	var err error
	p.Simulator, err = pspsim.New(pspsim.Config{Public: providerURL, Key: providerKey, Token: providerToken, Fee: providerFee,
		Now: func() calendar.Instant { return w.now }, Random: stream(w.c.Seed, 5), HTTP: by})
	if err != nil {
		return err
	}
	p.Webhooks(func(int) []time.Duration {
		p.delays = p.moods()
		if p.mute {
			p.mute, p.delays = false, nil
		}
		w.count(fmt.Sprintf("webhooks: %d", len(p.delays)))
		return p.delays
	})
	p.client = mollie.New(providerURL+"/v2", providerKey, providerToken, by)
	w.psp, w.net.provider = p, p.Simulator
	return nil
}

// moods is when the webhooks of a change are sent: at once, twice, late, out of order, or never.
func (p *provider) moods() []time.Duration {
	soon := time.Duration(p.chance.IntN(600)) * time.Second
	switch p.chance.IntN(8) {
	case 0:
		return nil
	case 1:
		return []time.Duration{0, 0, soon}
	case 2:
		return []time.Duration{time.Duration(1+p.chance.IntN(20)) * time.Hour}
	case 3:
		return []time.Duration{soon, time.Hour + soon}
	}
	return []time.Duration{0}
}

// providerDay breaks some calls of the day, tells the platform what is not so, and pays out now and then.
func (w *World) providerDay(day int) error {
	w.psp.Break()
	if w.chance.IntN(5) == 0 {
		w.count("provider breaks down")
		w.psp.broken = day
		all := []pspsim.Fault{{Status: 429}, {Status: 503}, {Status: 503, After: true}, {}, {After: true}}
		list := make([]pspsim.Fault, 1+w.chance.IntN(3))
		for i := range list {
			list[i] = all[w.chance.IntN(len(all))]
		}
		w.psp.Break(list...)
	}
	if err := w.forge(); err != nil || w.chance.IntN(3) > 0 {
		return err
	}
	t, ok := w.psp.Settle()
	if !ok {
		return nil
	}
	w.count("paid out")
	out := &paidOut{Settlement: t}
	w.psp.paidOuts = append(w.psp.paidOuts, out)
	booked := day + 1 + w.chance.IntN(3)
	w.payDays[booked] = append(w.payDays[booked], payment{cents: t.Net, reference: "Settlement " + t.Reference, text: true, out: out})
	return nil
}

// forge tells the platform of payments of which there are no news: one that nobody made, one that is still open or
// long paid, one at an address that somebody guessed.
func (w *World) forge() error {
	id := "tr_0123456789abcdef"
	if n := len(w.psp.presses); n > 0 && w.chance.IntN(2) == 0 {
		id = w.psp.presses[w.chance.IntN(n)].id
	}
	all := w.psp.Payments()
	if len(all) == 0 || w.chance.IntN(3) > 0 {
		return nil
	}
	w.count("webhook without news")
	anybody := w.browser(&person{n: 9})
	got, err := anybody.post(all[0].Webhook, url.Values{"id": {id}})
	if err != nil {
		return err
	}
	if err := got.want(http.StatusOK, "a webhook"); err != nil {
		return err
	}
	if got, err = anybody.post(all[0].Webhook[:len(all[0].Webhook)-1]+"x", url.Values{"id": {id}}); err != nil {
		return err
	}
	return got.want(http.StatusNotFound, "a webhook at an address that was guessed")
}

// buttonsDay lets buyers do at their banks what they meant to do today.
func (w *World) buttonsDay(ctx context.Context, day int) error {
	list := w.pressDays[day]
	delete(w.pressDays, day)
	if err := w.hear(ctx); err != nil {
		return err
	}
	apart := min(3*time.Minute, 12*time.Hour/time.Duration(max(len(list), 1))) // a day has room for some 600
	for i, one := range list {
		w.at(day, 7*time.Hour+time.Duration(i)*apart)
		if err := w.press(one, day); err != nil {
			return fmt.Errorf("%s %s: %w", one.order.ref, one.how, err)
		}
		if err := w.hear(ctx); err != nil {
			return err
		}
		if err := w.told(ctx, day); err != nil {
			return err
		}
	}
	late := w.lateDays[day]
	delete(w.lateDays, day)
	for _, p := range late {
		w.psp.mute = w.chance.IntN(2) == 0
		p.paid = w.psp.PayLate(p.id)
		p.loud = len(w.psp.delays) > 0 && w.psp.delays[0] < time.Hour
	}
	_, err := w.psp.Deliver(ctx)
	return err
}

// told brings the webhooks. One that tells of a payment at once books it at once, before the platform looks by itself.
func (w *World) told(ctx context.Context, day int) error {
	if _, err := w.psp.Deliver(ctx); err != nil || len(w.psp.presses) == 0 {
		return err
	}
	p := w.psp.presses[len(w.psp.presses)-1]
	if !p.alone || w.psp.broken == day {
		return nil
	}
	p.alone = false
	w.count("booked by its webhook alone")
	if err := w.p.Settle(ctx); err != nil {
		return err
	}
	if err := w.hear(ctx); err != nil || p.heard {
		return err
	}
	return fmt.Errorf("%w: payment %s was paid, its webhook came, and it is not booked", errModel, p.id)
}

// press lets a buyer pay by bank button, from the page of the bill on.
func (w *World) press(one plan, day int) error {
	o, b := one.order, w.browser(one.order.person)
	if o.startsByCall && !o.started && day-o.placed >= lapseAfter {
		return nil // whether it has lapsed this morning is for the evening to say
	}
	from := "pressed without a mail"
	if w.post.linked(o.person.email(), o.payURL) {
		from = "pressed from the mail"
	}
	cents, err := w.asked(b, o)
	if err != nil || cents == 0 {
		return err
	}
	w.count(from)
	to, err := w.toBank(b, o, cents, day)
	if err != nil {
		return err
	}
	if to == "" { // the button was out of order
		w.pressDays[day+1] = append(w.pressDays[day+1], one)
		return nil
	}
	if !strings.HasPrefix(to, providerURL) { // the money of an earlier press has come: hear will see it
		w.count("was paid already")
		return nil
	}
	p := w.known(o, to, cents)
	w.count("at the bank: " + one.how)
	again := func(after int) { w.pressDays[day+after] = append(w.pressDays[day+after], plan{o, pays}) }
	switch one.how {
	case leaves:
		again(1 + w.chance.IntN(4))
		return nil
	case cancels:
		again(1 + w.chance.IntN(4))
		return w.choose(b, o, p, "cancel")
	case fails:
		if err := w.choose(b, o, p, "fail"); err != nil {
			return err
		}
		return w.press(plan{o, pays}, day)
	case tooLate:
		on := day + 1 + w.chance.IntN(5)
		w.lateDays[on] = append(w.lateDays[on], p)
		p.late = true
		return w.choose(b, o, p, "expire")
	}
	return w.choose(b, o, p, "brug")
}

var hiddenCents = regexp.MustCompile(`name="cents" value="([0-9]+)"`)

// asked opens the pay page of an order and returns what its button asks for, which must be what is open now.
func (w *World) asked(b *browser, o *order) (int64, error) {
	page, err := b.get(o.payURL)
	if err != nil {
		return 0, err
	}
	if err := page.want(http.StatusOK, "the pay page"); err != nil {
		return 0, err
	}
	var cents int64
	if found := hiddenCents.FindStringSubmatch(page.body); found != nil {
		if cents, err = strconv.ParseInt(found[1], 10, 64); err != nil {
			return 0, err
		}
	}
	if cents != o.open() {
		return 0, fmt.Errorf("%w: the pay page of %s asks for %d, open are %d", errModel, o.ref, cents, o.open())
	}
	return cents, nil
}

// toBank presses the button, some people twice, and returns where it leads: "" when it does not work today.
func (w *World) toBank(b *browser, o *order, cents int64, day int) (string, error) {
	form := url.Values{"cents": {strconv.FormatInt(cents, 10)}}
	to := ""
	for range 1 + w.chance.IntN(2) {
		got, err := b.post(o.payURL+"/bank", form)
		if err != nil {
			return "", err
		}
		if got.status == http.StatusServiceUnavailable && w.psp.broken == day {
			w.count("bank button out of order")
			continue
		}
		if err := got.want(http.StatusSeeOther, "the bank button"); err != nil {
			return "", err
		}
		if to != "" && to != got.to {
			return "", fmt.Errorf("%w: the button led to %s, pressed again to %s", errModel, to, got.to)
		}
		to = got.to
	}
	return to, nil
}

// known is the payment at whose page a buyer is.
func (w *World) known(o *order, to string, cents int64) *press {
	id := to[len(providerURL+"/checkout/"):]
	if p := w.psp.byID[id]; p != nil {
		return p
	}
	p := &press{order: o, id: id, cents: cents}
	w.psp.byID[id] = p
	w.psp.presses = append(w.psp.presses, p)
	return p
}

// choose presses a button of the bank's page. Many then go back to where they came from.
func (w *World) choose(b *browser, o *order, p *press, choice string) error {
	w.now = w.now.Add(time.Duration(20+w.chance.IntN(100)) * time.Second)
	got, err := b.post(providerURL+"/checkout/"+p.id, url.Values{"choice": {choice}})
	if err != nil {
		return err
	}
	if err := got.want(http.StatusSeeOther, "the bank's page"); err != nil {
		return err
	}
	delays := w.psp.delays
	p.paid = p.paid || choice == "brug"
	if w.chance.IntN(3) == 0 {
		w.count("did not come back from the bank")
		p.alone = choice == "brug" && len(delays) > 0 && delays[0] == 0
		return nil
	}
	back, err := b.get(html.UnescapeString(got.to))
	if err != nil {
		return err
	}
	return back.want(http.StatusOK, "the page to which the bank leads back")
}

// hear learns which payments the platform has booked. Each must be paid at the provider, with the same amount.
func (w *World) hear(ctx context.Context) error {
	return w.p.DB.Read(ctx, func(tx *db.Tx) error {
		const booked = `select coalesce(provider_id, ''), paid_cents from psp_payments where state = 'paid' order by id`
		err := tx.Each(ctx, booked, nil, func(r db.Row) error {
			var id string
			var cents int64
			if err := r.Scan(&id, &cents); err != nil {
				return err
			}
			p := w.psp.byID[id]
			if p == nil || !p.paid || p.cents != cents {
				return fmt.Errorf("%w: payment %s was booked with %d, the bank knows %+v", errModel, id, cents, p)
			}
			if !p.heard {
				p.heard = true
				w.receive(p.order, cents)
				w.report.Buttons++
			}
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Each(ctx, `select provider_id from psp_settlements where state = 'closed' order by id`, nil, func(r db.Row) error {
			var id string
			if err := r.Scan(&id); err != nil {
				return err
			}
			for _, o := range w.psp.paidOuts {
				o.closed = o.closed || o.ID == id
			}
			return nil
		})
	})
}

// heardAll says what of the provider's money should be in the books by now and is not. What the bank paid in time is
// found the same evening, by webhook or by looking; so is late money of which a webhook came. What is paid out is
// booked soon after its bank line.
func (w *World) heardAll(day int) error {
	if w.slept || day-w.psp.broken < 2 {
		return nil
	}
	for _, p := range w.psp.presses {
		if p.paid && !p.heard && (!p.late || p.loud) {
			return fmt.Errorf("%w: payment %s of %s was paid (late: %t), and is not booked", errModel, p.id, p.order.ref, p.late)
		}
	}
	for _, o := range w.psp.paidOuts {
		if o.arrived && !o.closed {
			if o.waits++; o.waits > mostWaits {
				return fmt.Errorf("%w: settlement %s has arrived, and is not booked", errModel, o.Reference)
			}
		}
	}
	return nil
}

// mostWaits is for how many days a settlement may wait for its booking.
const mostWaits = 3

// unsettled is what the provider owes by the world's books, and fees are what it has kept.
func (w *World) unsettled() (owed, fees, onTheWay int64) {
	for _, p := range w.psp.presses {
		if p.heard {
			owed += p.cents
		}
	}
	for _, o := range w.psp.paidOuts {
		switch {
		case o.closed:
			owed -= o.Gross
			fees += o.Fee
		case o.arrived:
			onTheWay += o.Net
		}
	}
	return owed, fees, onTheWay
}
