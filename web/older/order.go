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

// reading is an order as its message says it. What is wrong by the fields alone is noted with its place in the wire's
// table, since the first that is wrong is told, and some of it only the database knows.
type reading struct {
	call   *call
	uuid   string
	number string
	lines  int
	ask    invoices.Request

	beforeNumber, beforeCheck, atLast error
}

// background is what an order meets in the database.
type background struct {
	terms   merchants.Terms
	checked merchants.Terms // of the check
	taken   bool            // the number names an order
	check   *checked
	used    bool // the check's uuid
}

// said is what a plug-in tells about an order and no stage asks for. It may be personal, so it is kept sealed.
type said struct {
	VATNumber string `json:"vat_number,omitempty"`
	Tracking  string `json:"-"`
	Prefix    string `json:"-"`
}

// order serves the order, and its dry run.
func (w *Wire) order(c *call) ([]byte, error) {
	r, err := w.readOrder(c)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(c.api.get("VALIDATEORDER"), "Y") {
		if err := w.rehearse(r); err != nil {
			return nil, err
		}
		return ordered(""), nil
	}
	ready, err := w.Intake.Prepare(c.ctx, r.ask)
	if err != nil {
		return nil, err
	}
	body, err := w.places.Do(c.ctx, ordering{r, ready})
	if errors.Is(err, db.ErrUnique) { // another node was first
		body, err = w.places.Do(c.ctx, ordering{r, ready})
	}
	return body, err
}

// ordering is an order on its way into a transaction.
type ordering struct {
	*reading
	ready invoices.Prepared
}

// runOrders places a slice of orders in one transaction.
func (w *Wire) runOrders(ctx context.Context, tx *db.Tx, in []ordering) ([]db.Result[[]byte], error) {
	out := make([]db.Result[[]byte], len(in))
	list := make([]*reading, len(in))
	for i := range in {
		list[i] = in[i].reading
	}
	met, err := w.meet(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	var ready []invoices.Prepared
	var of []int
	for i, r := range list {
		p := in[i].ready
		if out[i].Err = met[i].Err; out[i].Err == nil {
			out[i].Err = w.judge(r, &met[i].Value, tx.Now, &p.Request)
		}
		if out[i].Err == nil {
			ready, of = append(ready, p), append(of, i)
		}
	}
	placed, err := w.Intake.PlaceAll(ctx, tx, ready)
	if err != nil {
		return nil, err
	}
	for n, p := range placed {
		o := &out[of[n]]
		switch o.Value, o.Err = p.Value.Body, p.Err; {
		case fault.Is(p.Err, "order-reference"), p.Err == nil && p.Value.Replayed && p.Value.Status == http.StatusCreated:
			o.Err = exists()
		case fault.Is(p.Err, "idempotency-key-reused"):
			o.Err = used()
		}
	}
	return out, nil
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

// mostNumber is how long an order number may be.
const mostNumber = 50

// readOrder reads an order. Error: what comes first in the wire's table, and needs no look into the database.
func (w *Wire) readOrder(c *call) (*reading, error) {
	if _, err := w.workflowOf(c, 401, 402); err != nil {
		return nil, err
	}
	s := &c.account.Settings
	f := &form{n: c.api, settings: s, codes: orderCodes, today: dayOf(c.now)}
	kind := f.kind()
	r := &reading{call: c, uuid: strings.ToLower(c.api.get("CHECKUUID")), number: f.number()}
	r.beforeNumber = f.err
	f.err = nil
	b := f.buyer(kind)
	if email2 := c.api.get("EMAIL2"); email2 != "" {
		if _, err := ident.Email(email2); err != nil {
			f.wrong(433, "The second e-mail address has the wrong format")
		}
	}
	r.beforeCheck = f.err
	f.err = nil
	if cur := c.api.get("CURRENCY"); cur != "" && !strings.EqualFold(cur, "EUR") {
		f.wrong(603, "Only EUR is served")
	}
	lines, total := f.lines(b.Address.Country)
	f.delivery(&b)
	if total <= 0 || total > mostCents {
		f.wrong(435, "The total of an order must be more than nothing")
	}
	r.atLast, r.lines = f.err, len(lines)
	r.ask = invoices.Request{Credential: access.OnBehalf(c.account.Merchant, c.account.agent()), Key: keyOf(c, r.uuid), Route: route, Body: sha256.Sum256(c.body),
		Order: orders.New{Reference: r.number, Currency: "EUR", Prices: orders.InclVAT, TotalCents: total, Lines: lines, Remark: remarkOf(c)},
		Buyer: b, Loose: true, Uncounted: w.inTest(c), Witness: w, Note: saidOf(c, &b)}
	prefix := s.Prefix
	r.ask.Render = func(o invoices.Outcome) (int, []byte, error) {
		if o.Order == nil {
			return http.StatusConflict, turnedDown(o.Decision).write(), nil
		}
		return http.StatusCreated, ordered(publicNumber(prefix, o.Order.Reference)), nil
	}
	return r, nil
}

// meet reads what orders meet, each table once. Fault of an order: its account is not good any more.
func (w *Wire) meet(ctx context.Context, tx *db.Tx, list []*reading) ([]db.Result[background], error) {
	out := make([]db.Result[background], len(list))
	accounts, pairs, uuids := make([]Account, len(list)), make([][2]string, len(list)), make([][2]string, len(list))
	for i, r := range list {
		accounts[i] = r.call.account
		pairs[i], uuids[i] = [2]string{accounts[i].Merchant, r.number}, [2]string{r.uuid, accounts[i].Merchant}
	}
	strangers, err := w.again(ctx, tx, accounts)
	if err != nil {
		return nil, err
	}
	taken, err := orders.Taken(ctx, tx, once2(pairs))
	if err != nil {
		return nil, err
	}
	checks, err := checksOf(ctx, tx, once2(uuids))
	if err != nil {
		return nil, err
	}
	asks := make([]access.Ask, len(list))
	var keys []merchants.TermsKey
	for i, r := range list {
		asks[i] = access.Ask{Merchant: accounts[i].Merchant, Key: r.ask.Key, Route: r.ask.Route, Body: r.ask.Body}
		keys = append(keys, merchants.TermsKey{Merchant: accounts[i].Merchant, Workflow: w.wants(r.call)})
		if c := checks[uuids[i]]; c != nil {
			keys = append(keys, merchants.TermsKey{Merchant: c.merchant, Workflow: c.workflow})
		}
	}
	kept, err := w.Access.Lookup(ctx, tx, asks)
	if err != nil {
		return nil, err
	}
	terms, err := w.Intake.Terms(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	for i, r := range list {
		c := checks[uuids[i]]
		out[i].Err = strangers[i]
		out[i].Value = background{terms: terms[merchants.TermsKey{Merchant: accounts[i].Merchant, Workflow: w.wants(r.call)}], taken: taken[pairs[i]], check: c,
			used: kept[i].Found && kept[i].Status == http.StatusCreated || kept[i].Err != nil} // who was refused hears the same again
		if c != nil {
			out[i].Value.checked = terms[merchants.TermsKey{Merchant: c.merchant, Workflow: c.workflow}]
		}
	}
	return out, nil
}

// judge says whether an order may be placed, by the order of the wire's table, and completes its request.
func (w *Wire) judge(r *reading, b *background, now calendar.Instant, ask *invoices.Request) error {
	if b.terms.Merchant == "" {
		return refuse(402, "This workflow does not exist any more")
	}
	if r.beforeNumber != nil {
		return r.beforeNumber
	}
	if b.taken {
		return exists()
	}
	if r.beforeCheck != nil {
		return r.beforeCheck
	}
	if err := judgeCheck(b, r.uuid, now); err != nil {
		return err
	}
	if r.atLast != nil {
		return r.atLast
	}
	if b.check != nil && ask.Order.TotalCents > b.check.cents+slack(r.lines) {
		return refuse(444, "The order total is greater than the amount that was checked")
	}
	ask.Workflow = b.terms.Contract.Workflow
	if ask.Checked = b.check != nil; ask.Checked && b.check.askedFor {
		ask.Test = w.testing(r.call)
	}
	return nil
}

// testing says that an order whose check was asked for in test mode is accepted likewise.
func (w *Wire) testing(c *call) string {
	if w.inTest(c) {
		return risk.Accepted
	}
	return ""
}

// slack is what rounding in plug-ins may make of a total: a cent a line, and 5 at least.
func slack(lines int) int64 { return max(int64(lines), 5) }

// number reads the order number.
func (f *form) number() string {
	n := clean(f.n.get("ORDERNUMBER"), 4*mostNumber)
	switch {
	case n == "":
		f.wrong(404, "Missing order number")
	case len([]rune(n)) > mostNumber:
		f.wrong(439, "An order number has at most 50 characters")
	case f.settings.StrictNumbers && strings.Trim(n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "":
		f.wrong(434, "An order number has letters, digits, _ and - only")
	}
	return n
}

// judgeCheck holds an order against the check that it names.
func judgeCheck(b *background, uuid string, now calendar.Instant) error {
	switch {
	case uuid == "" && b.terms.Contract.Unchecked:
	case uuid == "":
		return refuse(447, "Missing check uuid")
	case b.check == nil:
		return refuse(440, "Unknown check uuid")
	case b.used:
		return used()
	case !now.Before(b.check.expiresAt):
		return refuse(445, "The check uuid has expired")
	case b.checked.Contract.Model != merchants.Guaranteed && b.terms.Contract.Model == merchants.Guaranteed:
		return refuse(451, "The check was made under a workflow without guarantee")
	}
	return nil
}

// errRehearsed rolls a dry run back.
var errRehearsed = errors.New("only a rehearsal")

// rehearse decides as the order would, and takes it back. The number stays free and the uuid unused.
func (w *Wire) rehearse(r *reading) error {
	var no error
	err := w.DB.Write(r.call.ctx, func(tx *db.Tx) error {
		met, err := w.meet(r.call.ctx, tx, []*reading{r})
		if err != nil {
			return err
		}
		ask := r.ask
		if no = met[0].Err; no == nil {
			no = w.judge(r, &met[0].Value, tx.Now, &ask)
		}
		if no != nil {
			return errRehearsed
		}
		tried, err := w.Intake.Check(r.call.ctx, tx, []invoices.Trial{{Merchant: r.call.account.Merchant, Workflow: ask.Workflow, Buyer: ask.Buyer,
			Cents: ask.Order.TotalCents, Loose: true, Checked: ask.Checked, Uncounted: ask.Uncounted, Test: ask.Test}})
		if err != nil {
			return err
		}
		if no = tried[0].Err; no == nil && tried[0].Decision.Class != risk.Accepted {
			no = turnedDown(tried[0].Decision)
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return no
	}
	return err
}

// remarkOf gathers the shop's remark.
func remarkOf(c *call) orders.Remark {
	n := c.api
	m := orders.Remark{Note: clean(n.get("ADITIONALTEXT", "ADDITIONALTEXT"), orders.MostNote), Customer: clean(n.get("DEBTORNUMBER"), 64), CopyTo: n.get("EMAIL2")}
	for _, v := range []string{n.line("VARIABLE1"), n.line("VARIABLE2"), n.line("VARIABLE3")} {
		if v != "" {
			m.Notes = append(m.Notes, v)
		}
	}
	return m
}

// saidOf gathers what no stage asks for.
func saidOf(c *call, b *buyers.Buyer) *said {
	n := c.api
	s := &said{Prefix: c.account.Settings.Prefix, Tracking: n.line("TRACKANDTRACE")}
	if _, err := ident.VATID(n.line("VATNUMBER")); err != nil || b.Kind != buyers.Company {
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
