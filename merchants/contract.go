package merchants

import (
	"context"
	"errors"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// Model says who is the creditor.
type Model string

const (
	Own        Model = "own"        // operator and shop are the same
	Collected  Model = "collected"  // claim and loss stay with the shop; the operator collects
	Guaranteed Model = "guaranteed" // the claim is assigned to the operator when the order starts; so is the loss
)

// Who starts an order.
const (
	ByClock = "clock" // together with its invoice, unless the shop was first
	ByCall  = "call"  // only the shop; else the order lapses
)

// Contract is what a shop and the operator agreed on. It is never changed; a later one takes over.
type Contract struct {
	ID                 string `toml:"-"`
	Model              Model  `toml:"model"`
	FeeBasisPoints     int64  `toml:"fee_basis_points"` // of the invoice, excluding VAT
	FeeFixedCents      int64  `toml:"fee_fixed_cents"`  // for each invoice, excluding VAT
	StartBy            string `toml:"start_by"`
	SendAfterDays      int64  `toml:"send_after_days"`
	LapseAfterDays     int64  `toml:"lapse_after_days"`
	DueDays            int64  `toml:"due_days"`             // after receipt
	TransitDays        int64  `toml:"transit_days"`         // assumed between issue and receipt, without other evidence
	ConsumerLimitCents int64  `toml:"consumer_limit_cents"` // 0: the policy's
	Workflow           int64  `toml:"-"`                    // 0: the shop's ordinary contract; others are asked for by number
	OrderLimitCents    int64  `toml:"-"`                    // of one order of a workflow; 0: none
	Unchecked          bool   `toml:"-"`                    // orders of a workflow may come without a check before them
}

// StandardContract is what holds where a shop's file says nothing.
func StandardContract() Contract {
	return Contract{Model: Collected, FeeBasisPoints: 250, FeeFixedCents: 25, StartBy: ByClock, SendAfterDays: 3, LapseAfterDays: 30, DueDays: 14, TransitDays: 2}
}

func (t *Contract) check(c *checker) {
	if t.Model != Own && t.Model != Collected && t.Model != Guaranteed {
		c.Wrong("#/contract/model", "unknown", "Say own, collected or guaranteed.")
	}
	if t.StartBy != ByClock && t.StartBy != ByCall {
		c.Wrong("#/contract/start_by", "unknown", "Say clock or call.")
	}
	for _, f := range []struct {
		name           string
		value, low, hi int64
	}{
		{"fee_basis_points", t.FeeBasisPoints, 0, 2000}, {"fee_fixed_cents", t.FeeFixedCents, 0, 100_00},
		{"send_after_days", t.SendAfterDays, 0, 60}, {"lapse_after_days", t.LapseAfterDays, 1, 365},
		{"due_days", t.DueDays, 1, 60}, {"transit_days", t.TransitDays, 0, 30},
		{"consumer_limit_cents", t.ConsumerLimitCents, 0, 10_000_00},
		{"workflow", t.Workflow, 0, 999_999_999}, {"order_limit_cents", t.OrderLimitCents, 0, 1_000_000_00},
	} {
		if f.value < f.low || f.value > f.hi {
			c.Wrong("#/contract/"+f.name, "range", "Give %d to %d.", f.low, f.hi)
		}
	}
}

// AddContract stores a contract from a civil date on. Errors: Invalid "fields", Conflict "contract-date".
func AddContract(ctx context.Context, tx *db.Tx, merchant string, from calendar.Date, t Contract) (Contract, error) {
	c := &checker{}
	t.check(c)
	if err := c.err(); err != nil {
		return t, err
	}
	t.ID = tx.ID("con_")
	n, err := tx.Exec(ctx, `
insert into contracts (id, merchant_id, valid_from, model, fee_basis_points, fee_fixed_cents, start_by, send_after_days, lapse_after_days,
       due_days, transit_days, consumer_limit_cents, workflow, order_limit_cents, unchecked)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    on conflict (merchant_id, workflow, valid_from) do nothing`,
		t.ID, merchant, from, t.Model, t.FeeBasisPoints, t.FeeFixedCents, t.StartBy, t.SendAfterDays, t.LapseAfterDays, t.DueDays, t.TransitDays,
		t.ConsumerLimitCents, t.Workflow, t.OrderLimitCents, t.Unchecked)
	if err := db.One(n, err, "contract-date", "Another contract of this shop begins on that day."); err != nil {
		return t, err
	}
	return t, tx.Bump(ctx, Versions)
}

// AddTerms stores a version of a shop's terms of sale. Errors: Invalid "fields", Conflict "terms-version".
func AddTerms(ctx context.Context, tx *db.Tx, merchant string, from calendar.Date, t TermsText) error {
	c := &checker{}
	t.check(c)
	if err := c.err(); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
insert into terms (merchant_id, version, valid_from, url, text, added_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (merchant_id, version) do nothing`, merchant, t.Version, from, t.URL, t.Text, tx.Now)
	if err := db.One(n, err, "terms-version", "This shop already has terms of that version."); err != nil {
		return err
	}
	return tx.Bump(ctx, Versions)
}

// Terms is what holds for a shop on a day.
type Terms struct {
	Merchant      string
	State         State
	Country       string
	InvoicePrefix string
	Large         bool
	Marketplace   bool
	Contract      Contract
	Version       string // of its terms of sale
}

// Active says whether the shop may place orders.
func (t Terms) Active() bool { return t.State == Active }

const contractColumns = `c.id, c.model, c.fee_basis_points, c.fee_fixed_cents, c.start_by, c.send_after_days, c.lapse_after_days, c.due_days,
       c.transit_days, c.consumer_limit_cents, c.workflow, c.order_limit_cents, c.unchecked`

func (t *Contract) places() []any {
	return []any{&t.ID, &t.Model, &t.FeeBasisPoints, &t.FeeFixedCents, &t.StartBy, &t.SendAfterDays, &t.LapseAfterDays, &t.DueDays, &t.TransitDays,
		&t.ConsumerLimitCents, &t.Workflow, &t.OrderLimitCents, &t.Unchecked}
}

var findInForce = db.NewQuery(`
select m.id, m.state, m.country, m.invoice_prefix, m.large, m.marketplace,
       coalesce((select t.version from terms t where t.merchant_id = m.id and t.valid_from <= $3 order by t.valid_from desc, t.added_at desc limit 1), ''),
       `+contractColumns+`
  from merchants m join contracts c on c.merchant_id = m.id
 where m.id = $1 and c.workflow = $2 and c.valid_from <= $3
 order by c.valid_from desc limit 1`, db.Text, db.Bigint, db.Date)

// Versions is the name under which changes of shops, contracts and terms are counted.
const Versions = "merchants"

// TermsKey names the terms of a shop, or of one of its workflows.
type TermsKey struct {
	Merchant string
	Workflow int64
}

// Book remembers what holds for shops from one transaction to the next, as long as no shop has changed.
type Book struct{ kept *db.Kept[bookKey, Terms] }

type bookKey struct {
	TermsKey
	on calendar.Date
}

// NewBook makes a Book.
func NewBook() *Book { return &Book{db.NewKept[bookKey, Terms](Versions)} }

// InForce is the package's InForce, from memory where that is as good.
func (b *Book) InForce(ctx context.Context, tx *db.Tx, list []TermsKey, on calendar.Date) (map[TermsKey]Terms, error) {
	keys := make([]bookKey, len(list))
	for i, k := range list {
		keys[i] = bookKey{k, on}
	}
	found, err := b.kept.Get(ctx, tx, keys, func(missing []bookKey) (map[bookKey]Terms, error) {
		rest := make([]TermsKey, len(missing))
		for i, k := range missing {
			rest[i] = k.TermsKey
		}
		read, err := InForce(ctx, tx, rest, on)
		out := make(map[bookKey]Terms, len(read))
		for k, t := range read {
			out[bookKey{k, on}] = t
		}
		return out, err
	})
	out := make(map[TermsKey]Terms, len(found))
	for k, t := range found {
		out[k.TermsKey] = t
	}
	return out, err
}

// InForce reads what holds for shops on a civil date, each once. A shop, or a workflow of it, without a contract
// in force is missing from the map.
func InForce(ctx context.Context, tx *db.Tx, list []TermsKey, on calendar.Date) (map[TermsKey]Terms, error) {
	out := make(map[TermsKey]Terms, len(list))
	var keys [][]any
	for _, k := range list {
		if _, asked := out[k]; !asked {
			out[k] = Terms{}
			keys = append(keys, []any{k.Merchant, k.Workflow, on})
		}
	}
	clear(out)
	err := tx.Find(ctx, findInForce, keys, func(_ int, r db.Row) error {
		var t Terms
		err := r.Scan(append([]any{&t.Merchant, &t.State, &t.Country, &t.InvoicePrefix, &t.Large, &t.Marketplace, &t.Version}, t.Contract.places()...)...)
		out[TermsKey{t.Merchant, t.Contract.Workflow}] = t
		return err
	})
	return out, err
}

// TermsOf reads a version of a shop's terms of sale. Error: NotFound "terms".
func TermsOf(ctx context.Context, tx *db.Tx, merchant, version string) (TermsText, error) {
	t := TermsText{Version: version}
	err := tx.QueryRow(ctx, `select url, text from terms where merchant_id = $1 and version = $2`, []any{merchant, version}, &t.URL, &t.Text)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing("terms", "This shop has no terms of that version.")
	}
	return t, err
}

// ContractKey names a contract of a shop.
type ContractKey struct{ Merchant, ID string }

var findContracts = db.NewQuery(`
select m.id, m.country, m.invoice_prefix, m.state, `+contractColumns+`
  from contracts c join merchants m on m.id = c.merchant_id
 where c.id = $1 and c.merchant_id = $2`, db.Text, db.Text)

// Contracts reads contracts by id with the shop's country.
func Contracts(ctx context.Context, tx *db.Tx, list []ContractKey) (map[ContractKey]Terms, error) {
	out := make(map[ContractKey]Terms, len(list))
	var keys [][]any
	for _, k := range list {
		if _, asked := out[k]; !asked {
			out[k] = Terms{}
			keys = append(keys, []any{k.ID, k.Merchant})
		}
	}
	clear(out)
	err := tx.Find(ctx, findContracts, keys, func(_ int, r db.Row) error {
		var t Terms
		err := r.Scan(append([]any{&t.Merchant, &t.Country, &t.InvoicePrefix, &t.State}, t.Contract.places()...)...)
		out[ContractKey{t.Merchant, t.Contract.ID}] = t
		return err
	})
	return out, err
}
