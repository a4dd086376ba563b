package invoices

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/risk"
)

// Till is where a checkout becomes an order: it opens checkouts for orders that are right, places the order when the
// buyer presses the button, and writes down how that ended.
//
// The order is placed first, under a key that the checkout and the number of the attempt make, and the checkout is
// marked afterwards. Who looks at a checkout that was not marked, because a process died between the two, finds the
// answer under that key, and marks it then.
type Till struct {
	db     *db.DB
	access *access.Access
	desk   *checkout.Desk
	intake *Intake
	vault  *vault.Vault
	plain  bool
}

// NewTill makes a Till. plain lets shops name addresses without TLS, for a demonstration on this machine.
func NewTill(d *db.DB, a *access.Access, desk *checkout.Desk, k *Intake, v *vault.Vault, plain bool) *Till {
	return &Till{d, a, desk, k, v, plain}
}

// Offer is a checkout that a shop wants to open.
type Offer struct {
	Merchant string
	Workflow int64        // of the shop, by number; 0: its ordinary contract
	Order    orders.New   // without the act of the buyer
	Buyer    buyers.Buyer // what is known; all of it may be missing but a delivery address is whole
	Language string       // "" is that of the browser
	Returns  checkout.Returns
	Straight bool          // an accepted buyer goes to Returns.Success without a page of ours between
	Life     time.Duration // 0: checkout.Life
}

// Secret draws what Open needs, outside the transaction.
func (t *Till) Secret() (checkout.Secret, error) { return t.desk.Draw() }

// Open checks an offer and stores it as a checkout. Errors: Invalid "fields" with pointers, Forbidden
// "merchant-inactive", Conflict "order-reference" for a reference that already names an order of the shop.
func (t *Till) Open(ctx context.Context, tx *db.Tx, o Offer, s checkout.Secret) (c checkout.Checkout, token string, err error) {
	wrong := append(o.Order.Check(tx.Now), o.Returns.Check("#/return_urls", t.plain)...)
	wrong = append(wrong, o.Buyer.CheckKnown("#/buyer")...)
	if o.Language != "" {
		wrong = append(wrong, buyers.CheckLanguage("#/language", o.Language)...)
	}
	if len(wrong) > 0 {
		return c, "", fault.At("fields", "Some fields are not right.", wrong...)
	}
	contract := merchants.TermsKey{Merchant: o.Merchant, Workflow: o.Workflow}
	terms, err := merchants.InForce(ctx, tx, []merchants.TermsKey{contract}, today(tx.Now))
	if err != nil {
		return c, "", err
	}
	shop, ok := terms[contract]
	if !ok || !shop.Active() {
		return c, "", fault.New(fault.Forbidden, "merchant-inactive", "This shop cannot place orders now.")
	}
	pair := [2]string{o.Merchant, o.Order.Reference}
	taken, err := orders.Taken(ctx, tx, [][2]string{pair})
	if err != nil {
		return c, "", err
	}
	if taken[pair] {
		return c, "", fault.Clash("order-reference", "This reference already names an order.")
	}
	if o.Order.TermsVersion == "" {
		o.Order.TermsVersion = shop.Version // what the buyer reads is what the order keeps
	}
	return t.desk.Open(ctx, tx, checkout.New{Merchant: o.Merchant, Reference: o.Order.Reference, Language: o.Language, Currency: o.Order.Currency,
		TotalCents: o.Order.TotalCents, Draft: drafted(&o.Order, o.Workflow), Buyer: o.Buyer, Returns: o.Returns, Straight: o.Straight, Life: o.Life}, s)
}

func drafted(o *orders.New, workflow int64) checkout.Draft {
	d := checkout.Draft{Workflow: workflow, Prices: o.Prices, TermsVersion: o.TermsVersion, Lines: make([]checkout.Line, len(o.Lines))}
	for i, l := range o.Lines {
		d.Lines[i] = checkout.Line(l)
	}
	return d
}

// OrderOf is the order of a checkout that has not ended.
func OrderOf(c *checkout.Checkout) orders.New {
	o := orders.New{Reference: c.Reference, Currency: c.Currency, Prices: c.Draft.Prices, TotalCents: c.TotalCents,
		TermsVersion: c.Draft.TermsVersion, Lines: make([]orders.Line, len(c.Draft.Lines))}
	for i, l := range c.Draft.Lines {
		o.Lines[i] = orders.Line(l)
	}
	return o
}

// ByToken returns the checkout of a token as it stands. Error: NotFound "checkout".
func (t *Till) ByToken(ctx context.Context, token string) (checkout.Checkout, error) {
	return t.look(ctx, func(tx *db.Tx) (checkout.Checkout, error) { return t.desk.ByToken(ctx, tx, token) })
}

// ByID returns a checkout of a shop as it stands. Error: NotFound "checkout".
func (t *Till) ByID(ctx context.Context, k checkout.Key) (checkout.Checkout, error) {
	return t.look(ctx, func(tx *db.Tx) (checkout.Checkout, error) { return t.desk.ByID(ctx, tx, k) })
}

// ByReference returns the checkout that a shop opened last for a reference, as it stands. Error: NotFound "checkout".
func (t *Till) ByReference(ctx context.Context, merchant, reference string) (checkout.Checkout, error) {
	return t.look(ctx, func(tx *db.Tx) (checkout.Checkout, error) { return t.desk.ByReference(ctx, tx, merchant, reference) })
}

// look reads a checkout, and marks it when an attempt was decided without its being marked.
func (t *Till) look(ctx context.Context, find func(*db.Tx) (checkout.Checkout, error)) (c checkout.Checkout, err error) {
	var x checkout.Decided
	var unmarked bool
	err = t.db.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = find(tx); err == nil {
			x, unmarked, err = t.decided(ctx, tx, &c)
		}
		return err
	})
	if err != nil || !unmarked {
		return c, err
	}
	return t.record(ctx, c.Key, x)
}

// asked is what an attempt is asked and answered under. The space keeps it apart from every key that a shop can send;
// all tries at the same attempt are one, whatever was typed, so that two of them never make two decisions.
func asked(c *checkout.Checkout, number int64) access.Ask {
	key := fmt.Sprintf("checkout %s %d", c.ID, number)
	return access.Ask{Merchant: c.Merchant, Key: key, Route: "checkout", Body: sha256.Sum256([]byte(key))}
}

// told is the answer to an attempt as it is kept.
type told struct {
	Class   string `json:"class"`
	Attempt string `json:"attempt"`
	Order   string `json:"order,omitempty"`
}

var eventOf = map[string]checkout.Event{risk.Accepted: checkout.Accept, risk.NotAccepted: checkout.Decline, risk.Identify: checkout.Refer, risk.Review: checkout.Refer}

func (a told) decided(number int64) checkout.Decided {
	return checkout.Decided{Number: number, Event: eventOf[a.Class], Attempt: a.Attempt, Order: a.Order}
}

// decided finds what became of the attempt after the last one that is marked.
func (t *Till) decided(ctx context.Context, tx *db.Tx, c *checkout.Checkout) (x checkout.Decided, found bool, err error) {
	if c.State == checkout.Accepted || c.Attempts >= checkout.MostAttempts {
		return x, false, nil
	}
	number := c.Attempts + 1
	answers, err := t.access.Lookup(ctx, tx, []access.Ask{asked(c, number)})
	if err != nil || !answers[0].Found {
		return x, false, errors.Join(err, answers[0].Err)
	}
	var a told
	if err := json.Unmarshal(answers[0].Answer, &a); err != nil {
		return x, false, err
	}
	return a.decided(number), true, nil
}

func (t *Till) record(ctx context.Context, k checkout.Key, x checkout.Decided) (c checkout.Checkout, err error) {
	err = secondTime(func() error {
		return t.db.Write(ctx, func(tx *db.Tx) (err error) {
			c, err = t.desk.Record(ctx, tx, k, x)
			return err
		})
	})
	return c, err
}

// secondTime runs f once more when another writer was first: then it finds what that one wrote.
func secondTime(f func() error) error {
	err := f()
	if fault.Is(err, "checkout-state") {
		err = f()
	}
	return err
}

// Press is what a buyer does who orders.
type Press struct {
	Attempt int64        // the number that the page showed; one that was decided before shows what became of it
	Buyer   buyers.Buyer // as typed
	Text    string       // the words on the button
}

// Press places the order of a checkout and returns the checkout as it then stands. Whoever presses at one that has
// ended, or twice, gets what became of it. Errors: Invalid "fields" with pointers below "#/buyer", which counts as no
// attempt; Conflict "order-reference" when the reference has come to name another order, which ends the checkout;
// those of Intake.Place.
func (t *Till) Press(ctx context.Context, c checkout.Checkout, p Press) (checkout.Checkout, error) {
	if c.Ended() || p.Attempt != c.Attempts+1 {
		return c, nil
	}
	p.Buyer.DeliveryAddress = c.Buyer.DeliveryAddress
	order := OrderOf(&c)
	err := t.db.Read(ctx, func(tx *db.Tx) error {
		order.AcceptedText, order.AcceptedAt = p.Text, tx.Now
		if wrong := p.Buyer.Check("#/buyer", p.Buyer.Today(tx.Now)); len(wrong) > 0 {
			return fault.At("fields", "Some fields are not right.", wrong...)
		}
		return nil
	})
	if err == nil {
		err = t.db.Write(ctx, func(tx *db.Tx) error { return t.desk.Type(ctx, tx, c, p.Buyer) })
	}
	if err != nil {
		return c, err
	}
	ask := asked(&c, p.Attempt)
	answer, err := t.intake.Place(ctx, Request{Credential: access.OnBehalf(c.Merchant, "checkout"), Key: ask.Key, Route: ask.Route, Body: ask.Body,
		Order: order, Buyer: p.Buyer, Workflow: c.Draft.Workflow, Render: render})
	switch {
	case errors.Is(err, db.ErrUnique), fault.Is(err, "order-reference"):
		return t.overtaken(ctx, c, err)
	case err != nil:
		return c, err
	}
	var a told
	if err := json.Unmarshal(answer.Body, &a); err != nil {
		return c, err
	}
	return t.record(ctx, c.Key, a.decided(p.Attempt))
}

func render(o Outcome) (int, []byte, error) {
	a := told{Class: o.Decision.Class, Attempt: o.Attempt}
	if o.Order != nil {
		a.Order = o.Order.ID
	}
	body, err := json.Marshal(a)
	return 201, body, err
}

// overtaken looks again when somebody else was first: another node with this very attempt, or an order of the same
// reference that was placed elsewhere, which ends the checkout.
func (t *Till) overtaken(ctx context.Context, c checkout.Checkout, why error) (checkout.Checkout, error) {
	now, err := t.ByID(ctx, c.Key)
	if err != nil || now.Attempts > c.Attempts || now.Ended() {
		return now, err
	}
	if !fault.Is(why, "order-reference") {
		return c, why
	}
	if now, err = t.Leave(ctx, c.Key); err != nil {
		return now, err
	}
	return now, why
}

// Leave ends a checkout that its buyer leaves and returns it as it then stands. Error: NotFound "checkout".
func (t *Till) Leave(ctx context.Context, k checkout.Key) (c checkout.Checkout, err error) {
	if c, err = t.ByID(ctx, k); err != nil || c.Ended() {
		return c, err
	}
	err = secondTime(func() error {
		return t.db.Write(ctx, func(tx *db.Tx) (err error) {
			c, err = t.desk.Leave(ctx, tx, k)
			return err
		})
	})
	return c, err
}

// Decision is why the last attempt at a checkout ended as it did. Error: NotFound "decision".
func (t *Till) Decision(ctx context.Context, c *checkout.Checkout) (r risk.Record, err error) {
	err = t.db.Read(ctx, func(tx *db.Tx) error {
		r, err = risk.Find(ctx, tx, t.vault, c.Merchant, c.Attempt)
		return err
	})
	return r, err
}
