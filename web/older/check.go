package older

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/risk"
)

// checkLife is how long an order may use the answer to a check, in business time.
const checkLife = 24 * time.Hour

// asking is a check on its way into a transaction.
type asking struct {
	account Account
	trial   invoices.Trial
}

// approval is the uuid of an approved check, "" of a refused one.
type approval struct{ uuid string }

// check serves the check: may this buyer pay so much later?
func (w *Wire) check(c *call) ([]byte, error) {
	_, err := w.workflowOf(c, 104, 105)
	if err != nil {
		return nil, err
	}
	trial, err := w.trialOf(c)
	if err != nil {
		return nil, err
	}
	got, err := w.checks.Do(c.ctx, asking{c.account, trial})
	switch {
	case fault.Is(err, "fields"): // what our own rules of storage refuse is no reason to call the buyer bad
		return nil, refuse(607, "Some of the data cannot be used")
	case err != nil:
		return nil, err
	case got.uuid == "":
		return newAnswer("MSG").open("MSG").put("CODE", "501").put("DESCRIPTION", "Advies=0").close("MSG").done(), nil
	}
	return newAnswer("MSG").open("MSG").put("CODE", "500").put("DESCRIPTION", "Advies=1").close("MSG").put("UUID", got.uuid).done(), nil
}

// workflowOf finds the terms that a call names by number.
func (w *Wire) workflowOf(c *call, missing, unknown int) (merchants.Terms, error) {
	given := c.api.get("WORKFLOWNUMBER")
	if given == "" {
		return merchants.Terms{}, refuse(missing, "Missing workflow number")
	}
	if n := w.wants(c); n > 0 {
		if t, ok := c.workflow[n]; ok {
			return t, nil
		}
	}
	return merchants.Terms{}, refuse(unknown, "Workflow with number %s does not exist", clean(given, 20))
}

// trialOf reads the fields of a check.
func (w *Wire) trialOf(c *call) (invoices.Trial, error) {
	terms, _ := w.workflowOf(c, 104, 105)
	f := &form{n: c.api, settings: &c.account.Settings, codes: checkCodes, today: dayOf(c.now)}
	kind := f.kind()
	t := invoices.Trial{Merchant: c.account.Merchant, Workflow: terms.Contract.Workflow, Loose: true, Test: w.backdoor(c), Uncounted: w.inTest(c)}
	t.Buyer = f.buyer(kind)
	amount := f.need(427, "Missing order amount", "ORDERAMOUNT")
	n, err := cents(amount)
	if err != nil || n <= 0 {
		f.wrong(428, "The order amount has the wrong format")
	}
	if most := terms.Contract.OrderLimitCents; most > 0 && n > most {
		f.wrong(429, "Amount is bigger than allowed")
	}
	t.Cents = n
	f.delivery(&t.Buyer)
	return t, f.err
}

// backdoor is the class that a shop in test mode asks for.
func (w *Wire) backdoor(c *call) string {
	if !w.inTest(c) {
		return ""
	}
	switch c.api.get("BACKDOOR") {
	case "1":
		return risk.Accepted
	case "0":
		if !c.account.Settings.IgnoreBackdoorZero {
			return risk.NotAccepted
		}
	}
	return ""
}

// inTest says whether a call is of a shop in test mode, whose programs try one person dozens of times.
func (w *Wire) inTest(c *call) bool { return w.Demo && c.account.Settings.TestMode }

// dayOf is the civil date in Amsterdam, the wire's own.
func dayOf(now calendar.Instant) calendar.Date {
	zone, _ := calendar.ZoneOf("NL")
	return zone.DateOf(now)
}

// runChecks decides a slice of checks in one transaction; the answer that an order may use is stored with it.
func (w *Wire) runChecks(ctx context.Context, tx *db.Tx, in []asking) ([]db.Result[approval], error) {
	out := make([]db.Result[approval], len(in))
	list := make([]Account, len(in))
	for i := range in {
		list[i] = in[i].account
	}
	strangers, err := w.again(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	var trials []invoices.Trial
	var of []int
	for i := range in {
		if out[i].Err = strangers[i]; out[i].Err == nil {
			trials, of = append(trials, in[i].trial), append(of, i)
		}
	}
	tried, err := w.Intake.Check(ctx, tx, trials)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for n, t := range tried {
		i := of[n]
		if out[i].Err = t.Err; t.Err != nil || t.Decision.Class != risk.Accepted {
			continue
		}
		uuid, err := w.uuid(tx.Now)
		if err != nil {
			return nil, err
		}
		out[i].Value.uuid = uuid
		x := &trials[n]
		rows = append(rows, []any{uuid, x.Merchant, t.Attempt, x.Workflow, x.Buyer.Kind, x.Cents, x.Test == risk.Accepted, tx.Now, tx.Now.Add(checkLife)})
	}
	return out, tx.Put(ctx, newChecks, rows)
}

// uuid makes an identifier of RFC 9562, version 7: ordered by time, which keeps its table's index small.
func (w *Wire) uuid(now calendar.Instant) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(w.Random, b[6:]); err != nil {
		return "", err
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.Micros()/1000))
	copy(b[:6], ms[2:])
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), nil
}

// checked is the stored answer to an approved check.
type checked struct {
	uuid      string
	merchant  string
	workflow  int64
	cents     int64
	askedFor  bool // in test mode
	expiresAt calendar.Instant
}

var (
	newChecks = db.NewTable("older_checks", "",
		db.Col{Name: "uuid", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "attempt_id", Type: db.Text},
		db.Col{Name: "workflow", Type: db.Bigint}, db.Col{Name: "buyer_kind", Type: db.Text}, db.Col{Name: "amount_cents", Type: db.Bigint},
		db.Col{Name: "asked_for", Type: db.Bool}, db.Col{Name: "made_at", Type: db.Instant}, db.Col{Name: "expires_at", Type: db.Instant})

	findChecks = db.NewQuery(`
select uuid, merchant_id, workflow, amount_cents, asked_for, expires_at from older_checks where uuid = $1 and merchant_id = $2`, db.Text, db.Text)
)

// checksOf reads checks by (uuid, shop); what a shop does not have is missing from the map.
func checksOf(ctx context.Context, tx *db.Tx, list [][2]string) (map[[2]string]*checked, error) {
	out := map[[2]string]*checked{}
	var keys [][]any
	var of [][2]string
	for _, k := range list {
		if k[0] != "" && len(k[0]) <= 100 {
			keys, of = append(keys, []any{k[0], k[1]}), append(of, k)
		}
	}
	err := tx.Find(ctx, findChecks, keys, func(i int, r db.Row) error {
		c := &checked{}
		out[of[i]] = c
		return r.Scan(&c.uuid, &c.merchant, &c.workflow, &c.cents, &c.askedFor, &c.expiresAt)
	})
	return out, err
}
