package invoices

import (
	"context"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/merchants"
	"achteraf/risk"
)

// Trial asks whether an order of a buyer would be accepted.
type Trial struct {
	Merchant string
	Workflow int64
	Buyer    buyers.Buyer
	Cents    int64

	Loose, Checked, Uncounted bool   // as of a Request
	Test                      string // as of a Request
}

// Tried is the answer: a decision that is on record, or the fault that stood before it.
type Tried struct {
	Attempt  string
	Decision risk.Decision
	Err      error
}

// Check decides trials as Place decides requests, from the same facts by the same policy, later ones seeing earlier
// ones. Each is an attempt on record; none reserves anything. Faults of a trial: Invalid "fields", Forbidden
// "merchant-inactive".
func (k *Intake) Check(ctx context.Context, tx *db.Tx, in []Trial) ([]Tried, error) {
	out := make([]Tried, len(in))
	on := today(tx.Now)
	policy, err := k.policies.InForce(on)
	if err != nil {
		return nil, err
	}
	keys := make([]merchants.TermsKey, len(in))
	for i := range in {
		keys[i] = merchants.TermsKey{Merchant: in[i].Merchant, Workflow: in[i].Workflow}
	}
	terms, err := k.book.InForce(ctx, tx, keys, on)
	if err != nil {
		return nil, err
	}
	var list []*buyers.Buyer
	var of []int
	for i := range in {
		if out[i].Err = in[i].wrong(tx, terms[keys[i]]); out[i].Err == nil {
			list, of = append(list, &in[i].Buyer), append(of, i)
		}
	}
	known, err := k.desk.Open(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	var happened []events.Event
	for n, i := range of {
		begun := k.db.Wall()
		t := &in[i]
		facts := factsFor(&t.Buyer, known.Standing(n), policy, terms[keys[i]].Contract, t.Cents, tx.Now)
		oneLess(&facts, t.Checked && !t.Uncounted)
		out[i].Attempt, out[i].Decision = tx.ID("att_"), tested(policy.Decide(&facts), t.Test, t.Buyer.Address.Country)
		person, own, err := known.Keep(n, buyers.Attempt{ID: out[i].Attempt, Merchant: t.Merchant, Counted: t.Checked || t.Uncounted})
		if err != nil {
			return nil, err
		}
		row, err := (&risk.Record{ID: out[i].Attempt, Merchant: t.Merchant, Person: person, Decision: out[i].Decision, Facts: facts,
			TookMicro: k.db.Wall().Sub(begun).Microseconds(), DecidedAt: tx.Now}).Row(own)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		if out[i].Decision.Class != risk.Accepted { // no order will say so
			happened = append(happened, refused(t.Merchant, out[i].Attempt, out[i].Decision))
		}
	}
	if err := known.Flush(ctx); err != nil {
		return nil, err
	}
	if err := risk.Keep(ctx, tx, rows); err != nil {
		return nil, err
	}
	return out, events.Append(ctx, tx, happened)
}

// wrong says why a trial cannot be decided.
func (t *Trial) wrong(tx *db.Tx, terms merchants.Terms) error {
	if !terms.Active() {
		return fault.New(fault.Forbidden, "merchant-inactive", "This shop cannot place orders now.")
	}
	rules := t.Buyer.Check
	if t.Loose {
		rules = t.Buyer.CheckLoosely
	}
	if wrong := rules("#/buyer", t.Buyer.Today(tx.Now)); len(wrong) > 0 {
		return fault.At("fields", "Some fields are not right.", wrong...)
	}
	return nil
}

// Terms reads what holds today for shops and their workflows, from memory where that is as good.
func (k *Intake) Terms(ctx context.Context, tx *db.Tx, keys []merchants.TermsKey) (map[merchants.TermsKey]merchants.Terms, error) {
	return k.book.InForce(ctx, tx, keys, today(tx.Now))
}
