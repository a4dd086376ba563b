package older

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/risk"
)

// route is the name under which answers to orders of this wire are kept.
const route = "POST /api/order"

// background is what an order meets: read once, before its fields are judged.
type background struct {
	terms   merchants.Terms
	checked merchants.Terms // of the check
	taken   bool            // the number names an order
	check   *checked
	used    bool // the check's uuid
	now     calendar.Instant
}

// said is what a plug-in tells about an order and no stage asks for. It may be personal, so it is kept sealed.
type said struct {
	Email2    string    `json:"email2,omitempty"`
	Debtor    string    `json:"debtor,omitempty"`
	VATNumber string    `json:"vat_number,omitempty"`
	Text      string    `json:"text,omitempty"`
	Variables [3]string `json:"variables,omitzero"`
	Tracking  string    `json:"-"`
	Prefix    string    `json:"-"`
}

// order serves the order, and its dry run.
func (w *Wire) order(c *call) ([]byte, error) {
	uuid := strings.ToLower(c.api.get("CHECKUUID"))
	r := invoices.Request{Credential: access.OnBehalf(c.account.Merchant, c.account.agent()), Key: keyOf(c, uuid), Route: route,
		Body: sha256.Sum256(c.body), Loose: true, Witness: w}
	b, err := w.background(c, r, uuid)
	if err != nil {
		return nil, err
	}
	if err := w.orderOf(c, &r, b, uuid); err != nil {
		return nil, err
	}
	if strings.EqualFold(c.api.get("VALIDATEORDER"), "Y") {
		if err := w.rehearse(c, &r); err != nil {
			return nil, err
		}
		return ordered(""), nil
	}
	var no *refusal
	r.Render = func(o invoices.Outcome) (int, []byte, error) {
		if o.Order == nil {
			no = turnedDown(o.Decision)
			return http.StatusConflict, no.write(), nil
		}
		return http.StatusCreated, ordered(publicNumber(c.account.Settings.Prefix, o.Order.Reference)), nil
	}
	a, err := w.Intake.Place(c.ctx, r)
	if errors.Is(err, db.ErrUnique) { // another node was first
		a, err = w.Intake.Place(c.ctx, r)
	}
	switch {
	case fault.Is(err, "order-reference"), err == nil && a.Replayed && a.Status == http.StatusCreated:
		return nil, exists()
	case fault.Is(err, "idempotency-key-reused"):
		return nil, used()
	case err == nil && no != nil && !a.Replayed:
		return nil, no
	}
	return a.Body, err
}

// ordered is the answer to an accepted order; a dry run has no number.
func ordered(public string) []byte {
	a := newAnswer("MSG").open("MSG").put("CODE", "200").put("DESCRIPTION", "Order successfully added")
	if public != "" {
		a.put("INVOICE", public)
	}
	return a.close("MSG").done()
}

func exists() error { return refuse(403, "The order number exists already") }
func used() error   { return refuse(446, "The check uuid was used already") }

// turnedDown is the answer to an order that the policy does not accept any more.
func turnedDown(d risk.Decision) *refusal {
	for _, reason := range d.Reasons {
		if reason != "limit" {
			return &refusal{701, "The customer is refused"}
		}
	}
	return &refusal{452, "The amount is higher than agreed"}
}

// keyOf makes a check good for one order: the answer to the order is kept under the check's uuid. Where a workflow
// needs no check, the order number stands for it.
func keyOf(c *call, uuid string) string {
	if uuid != "" {
		return "older/check/" + uuid
	}
	return "older/order/" + c.api.get("ORDERNUMBER")
}

// background reads what an order meets, in one snapshot.
func (w *Wire) background(c *call, r invoices.Request, uuid string) (b background, err error) {
	err = w.DB.Read(c.ctx, func(tx *db.Tx) error {
		b = background{now: tx.Now}
		merchant, number := c.account.Merchant, c.api.get("ORDERNUMBER")
		strangers, err := w.again(c.ctx, tx, []Account{c.account})
		if err != nil {
			return err
		}
		if strangers[0] != nil {
			return strangers[0]
		}
		if number != "" && len(number) <= 4*mostNumber {
			taken, err := orders.Taken(c.ctx, tx, [][2]string{{merchant, clean(number, mostNumber)}})
			if err != nil {
				return err
			}
			b.taken = len(taken) > 0
		}
		keys := []merchants.TermsKey{{Merchant: merchant, Workflow: w.wants(c)}}
		if uuid != "" && len(uuid) <= 100 {
			if b.check, err = checkOf(c.ctx, tx, merchant, uuid); err != nil {
				return err
			}
		}
		if b.check != nil {
			keys = append(keys, merchants.TermsKey{Merchant: merchant, Workflow: b.check.workflow})
			found, err := w.Access.Lookup(c.ctx, tx, []access.Ask{{Merchant: merchant, Key: r.Key, Route: r.Route, Body: r.Body}})
			if err != nil {
				return err
			}
			b.used = found[0].Found && found[0].Status == http.StatusCreated || found[0].Err != nil // who was refused hears the same again
		}
		terms, err := w.Intake.Terms(c.ctx, tx, keys)
		b.terms = terms[keys[0]]
		if len(keys) > 1 {
			b.checked = terms[keys[1]]
		}
		return err
	})
	return b, err
}

// mostNumber is how long an order number may be.
const mostNumber = 50

// orderOf reads and judges the fields of an order, in the order of the wire's table.
func (w *Wire) orderOf(c *call, r *invoices.Request, b background, uuid string) error {
	if _, err := w.workflowOf(c, 401, 402); err != nil {
		return err
	}
	if b.terms.Merchant == "" {
		return refuse(402, "This workflow does not exist any more")
	}
	s := &c.account.Settings
	f := &form{n: c.api, settings: s, codes: orderCodes, today: dayOf(b.now)}
	kind := f.kind()
	number := f.number(b.taken)
	r.Buyer = f.buyer(kind)
	if email2 := c.api.get("EMAIL2"); email2 != "" && f.err == nil {
		if _, err := ident.Email(email2); err != nil {
			f.wrong(433, "The second e-mail address has the wrong format")
		}
	}
	if err := w.judgeCheck(f, b, uuid); err != nil {
		return err
	}
	if cur := c.api.get("CURRENCY"); cur != "" && !strings.EqualFold(cur, "EUR") {
		f.wrong(603, "Only EUR is served")
	}
	lines, total := f.lines(r.Buyer.Address.Country)
	f.delivery(&r.Buyer)
	if f.err != nil {
		return f.err
	}
	if total <= 0 || total > mostCents {
		return refuse(435, "The total of an order must be more than nothing")
	}
	if b.check != nil && total > b.check.cents+slack(len(lines)) {
		return refuse(444, "The order total is greater than the amount that was checked")
	}
	r.Workflow = b.terms.Contract.Workflow
	if r.Checked = b.check != nil; r.Checked && b.check.askedFor {
		r.Test = w.testing(c)
	}
	r.Order = orders.New{Reference: number, Currency: "EUR", Prices: orders.InclVAT, TotalCents: total, Lines: lines}
	r.Note = w.saidOf(c, r)
	return nil
}

// testing says that an order whose check was asked for in test mode is accepted likewise.
func (w *Wire) testing(c *call) string {
	if w.Demo && c.account.Settings.TestMode {
		return risk.Accepted
	}
	return ""
}

// slack is what rounding in plug-ins may make of a total: a cent a line, and 5 at least.
func slack(lines int) int64 { return max(int64(lines), 5) }

// number reads the order number; taken says whether it names an order already.
func (f *form) number(taken bool) string {
	n := clean(f.n.get("ORDERNUMBER"), 4*mostNumber)
	switch {
	case n == "":
		f.wrong(404, "Missing order number")
	case len([]rune(n)) > mostNumber:
		f.wrong(439, "An order number has at most 50 characters")
	case f.settings.StrictNumbers && strings.Trim(n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "":
		f.wrong(434, "An order number has letters, digits, _ and - only")
	case taken:
		f.wrong(403, "The order number exists already")
	}
	return n
}

// judgeCheck holds an order against the check that it names.
func (w *Wire) judgeCheck(f *form, b background, uuid string) error {
	unsecured := b.checked.Contract.Model != merchants.Guaranteed && b.terms.Contract.Model == merchants.Guaranteed
	switch {
	case f.err != nil:
	case uuid == "" && !b.terms.Contract.Unchecked:
		f.wrong(447, "Missing check uuid")
	case uuid == "":
	case b.check == nil:
		f.wrong(440, "Unknown check uuid")
	case b.used:
		return used()
	case !b.now.Before(b.check.expiresAt):
		f.wrong(445, "The check uuid has expired")
	case unsecured:
		f.wrong(451, "The check was made under a workflow without guarantee")
	}
	return f.err
}

// errRehearsed rolls a dry run back.
var errRehearsed = errors.New("only a rehearsal")

// rehearse decides as the order would, and takes it back. The number stays free and the uuid unused.
func (w *Wire) rehearse(c *call, r *invoices.Request) error {
	var tried []invoices.Tried
	err := w.DB.Write(c.ctx, func(tx *db.Tx) error {
		var err error
		tried, err = w.Intake.Check(c.ctx, tx, []invoices.Trial{{Merchant: c.account.Merchant, Workflow: r.Workflow, Buyer: r.Buyer,
			Cents: r.Order.TotalCents, Loose: true, Checked: r.Checked, Test: r.Test}})
		if err == nil {
			err = errRehearsed
		}
		return err
	})
	switch {
	case !errors.Is(err, errRehearsed):
		return err
	case tried[0].Err != nil:
		return tried[0].Err
	case tried[0].Decision.Class != risk.Accepted:
		return turnedDown(tried[0].Decision)
	}
	return nil
}

// saidOf gathers what no stage asks for.
func (w *Wire) saidOf(c *call, r *invoices.Request) *said {
	n := c.api
	s := &said{Prefix: c.account.Settings.Prefix, Email2: n.line("EMAIL2"), Debtor: n.line("DEBTORNUMBER"), Text: clean(n.get("ADITIONALTEXT", "ADDITIONALTEXT"), 1000),
		Variables: [3]string{n.line("VARIABLE1"), n.line("VARIABLE2"), n.line("VARIABLE3")}, Tracking: n.line("TRACKANDTRACE")}
	if r.Buyer.Kind != buyers.Company || r.Buyer.Company.VATID == "" {
		s.VATNumber = n.line("VATNUMBER")
	}
	return s
}

var (
	newNumbers = db.NewTable("older_numbers", "on conflict do nothing",
		db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "folded", Type: db.Text}, db.Col{Name: "order_id", Type: db.Text},
		db.Col{Name: "number", Type: db.Text}, db.Col{Name: "reference", Type: db.Text})

	newNotes = db.NewTable("older_notes", "",
		db.Col{Name: "order_id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "said", Type: db.Bytes},
		db.Col{Name: "tracking", Type: db.Text})
)

const saidPurpose = "older-note"

func saidPlace(merchant, order string) vault.Place {
	return vault.Place{Table: "older_notes", Column: "said", Row: merchant + "/" + order}
}

// Placed stores the numbers under which calls of this wire find accepted orders, and what was said with them.
func (w *Wire) Placed(ctx context.Context, tx *db.Tx, list []invoices.Outcome) error {
	var numbers, notes [][]any
	for _, o := range list {
		s, _ := o.Note.(*said)
		if s == nil {
			s = &said{}
		}
		merchant, ref := o.Order.Merchant, o.Order.Reference
		for _, n := range distinct(ref, publicNumber(s.Prefix, ref)) {
			numbers = append(numbers, []any{merchant, fold(n), o.Order.ID, n, ref})
		}
		plain, err := json.Marshal(s)
		if err != nil {
			return err
		}
		var sealed any
		if string(plain) != "{}" {
			sealed = []byte(w.Vault.SealShared(saidPurpose, saidPlace(merchant, o.Order.ID), plain))
		}
		if sealed != nil || s.Tracking != "" {
			notes = append(notes, []any{o.Order.ID, merchant, sealed, s.Tracking})
		}
	}
	if _, err := tx.Insert(ctx, newNumbers, numbers); err != nil {
		return err
	}
	return tx.Put(ctx, newNotes, notes)
}

func distinct(a, b string) []string {
	if fold(a) == fold(b) {
		return []string{a}
	}
	return []string{a, b}
}
