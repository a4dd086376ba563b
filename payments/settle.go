package payments

import (
	"context"
	"errors"
	"strings"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/ledger"
)

// States of a stored settlement: announced by the provider; listed, when its payments are known to be ours;
// closed, when the bank line that brought it has closed the provider's account.
const (
	announced = "announced"
	listed    = "listed"
	closed    = "closed"
)

const (
	settlementsEvery = 24 * time.Hour // how often we ask for settlements
	settleEvery      = 6 * time.Hour  // how often we look for the bank line of one
)

// expectSettlement has the provider asked for settlements from tomorrow on, unless it is being asked already: it
// is, as long as a paid payment is in none. Call it before the payment is stored as paid.
func (k *Desk) expectSettlement(ctx context.Context, tx *db.Tx) error {
	some, err := unsettled(ctx, tx)
	if err != nil || some {
		return err
	}
	return k.planSettlements(ctx, tx)
}

func (k *Desk) planSettlements(ctx context.Context, tx *db.Tx) error {
	return plan(ctx, tx, jobs.Due{At: tx.Now.Add(settlementsEvery), Kind: DueSettlements, Merchant: ledger.Operator, Subject: k.psp.Name()})
}

func unsettled(ctx context.Context, tx *db.Tx) (some bool, err error) {
	var id string
	err = tx.QueryRow(ctx, `select id from psp_payments where state = 'paid' and settled_by = '' order by id limit 1`, nil, &id)
	if errors.Is(err, db.ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// Settlements asks the provider for settlements and plans the booking of each new one. It comes again every day
// until a day begins on which every paid payment is in one.
func (k *Desk) Settlements(ctx context.Context, _ jobs.Due) (jobs.Finish, error) {
	some := false
	err := k.db.Read(ctx, func(tx *db.Tx) (err error) {
		some, err = unsettled(ctx, tx)
		return err
	})
	if err != nil || !some {
		return nil, err
	}
	list, err := k.psp.Settlements(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) error {
		for _, s := range list {
			if err := k.announce(ctx, tx, s); err != nil {
				return err
			}
		}
		return k.planSettlements(ctx, tx)
	}, nil
}

// announce stores a settlement, unless it is known.
func (k *Desk) announce(ctx context.Context, tx *db.Tx, s Settlement) error {
	id := tx.ID("set_")
	n, err := tx.Exec(ctx, `
insert into psp_settlements (id, provider, provider_id, reference, state, currency, gross_cents, fee_cents, net_cents, bank_line_id, found_at)
values ($1, $2, $3, $4, $5, $6, 0, 0, $7, '', $8)
    on conflict (provider, provider_id) do nothing`, id, k.psp.Name(), s.ID, s.Reference, announced, s.Currency, s.NetCents, tx.Now)
	if err != nil || n == 0 {
		return err
	}
	return plan(ctx, tx, jobs.Due{Kind: DueSettle, Merchant: ledger.Operator, Subject: id})
}

// settlement is a stored settlement.
type settlement struct {
	id, providerID, reference, state, currency string
	gross, fee, net                            int64
}

func settlementOf(ctx context.Context, tx *db.Tx, id string) (s settlement, err error) {
	err = tx.QueryRow(ctx, `
select id, provider_id, reference, state, currency, gross_cents, fee_cents, net_cents from psp_settlements
 where id = $1`, []any{id}, &s.id, &s.providerID, &s.reference, &s.state, &s.currency, &s.gross, &s.fee, &s.net)
	return s, err
}

// Settle takes a settlement as far as it can go: its payments are held against ours, and once its bank line is
// there, the provider's account is closed by it. Error: Conflict "psp-settlement" when it does not fit our
// payments; then nothing is booked and a person decides.
func (k *Desk) Settle(ctx context.Context, row jobs.Due) (jobs.Finish, error) {
	var s settlement
	err := k.db.Read(ctx, func(tx *db.Tx) (err error) {
		s, err = settlementOf(ctx, tx, row.Subject)
		return err
	})
	if err != nil || s.state == closed {
		return nil, err
	}
	var of []Remote
	if s.state == announced {
		if of, err = k.psp.Settled(ctx, s.providerID); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, tx *db.Tx) error { return k.settle(ctx, tx, row, of) }, nil
}

func (k *Desk) settle(ctx context.Context, tx *db.Tx, row jobs.Due, of []Remote) error {
	s, err := settlementOf(ctx, tx, row.Subject)
	if err != nil {
		return err
	}
	if s.state == announced {
		if err := k.list(ctx, tx, &s, of); err != nil {
			return err
		}
	}
	if s.state == listed {
		if err := k.closeAccount(ctx, tx, &s); err != nil {
			return err
		}
	}
	if s.state == closed {
		return nil
	}
	return plan(ctx, tx, jobs.Due{At: tx.Now.Add(settleEvery), Kind: DueSettle, Merchant: row.Merchant, Subject: row.Subject})
}

var (
	findOfProvider = db.NewQuery(paymentOfProvider, db.Text, db.Text)

	claimSettled = db.NewQuery(`
update psp_payments set settled_by = $3 /*from*/
 where provider_id = $1 and provider = $2 and settled_by = '' and state = 'paid'`, db.Text, db.Text, db.Text)
)

// list holds the settlement's payments against ours. Where one is not booked yet, it is booked first and the
// settlement waits.
func (k *Desk) list(ctx context.Context, tx *db.Tx, s *settlement, of []Remote) error {
	keys, claims := make([][]any, len(of)), make([][]any, len(of))
	for i, r := range of {
		keys[i], claims[i] = []any{r.ID, k.psp.Name()}, []any{r.ID, k.psp.Name(), s.id}
	}
	ours := make([]Payment, len(of))
	err := tx.Find(ctx, findOfProvider, keys, func(i int, r db.Row) error { return ours[i].scan(r) })
	if err != nil {
		return err
	}
	var late []jobs.Due
	s.gross = 0
	for i, r := range of {
		switch p := &ours[i]; {
		case p.ID != "" && p.State != Paid:
			late = append(late, jobs.Due{Kind: DueFetch, Merchant: ledger.Operator, Subject: r.ID})
		case p.SettledBy != "" || p.PaidCents != r.Cents || p.Currency != s.currency:
			return unfit()
		}
		s.gross += r.Cents
	}
	s.fee = s.gross - s.net
	if s.fee < 0 || s.net <= 0 {
		return unfit()
	}
	if len(late) > 0 {
		return jobs.Add(ctx, tx, late)
	}
	n, err := tx.Change(ctx, claimSettled, claims)
	if err == nil && n != int64(len(of)) {
		err = unfit()
	}
	if err != nil {
		return err
	}
	s.state = listed
	n, err = tx.Exec(ctx, `update psp_settlements set state = $3, gross_cents = $4, fee_cents = $5 where id = $1 and state = $2`,
		s.id, announced, listed, s.gross, s.fee)
	return db.One(n, err, "psp-settlement", "The settlement has just changed.")
}

func unfit() error {
	return fault.Clash("psp-settlement", "The provider's settlement does not fit the payments in our books.")
}

// closeAccount books the settlement, if its bank line is there.
func (k *Desk) closeAccount(ctx context.Context, tx *db.Tx, s *settlement) error {
	line, found, err := k.lineOf(ctx, tx, s)
	if err != nil || !found {
		return err
	}
	n, err := tx.Exec(ctx, `update bank_lines set left_cents = 0 where id = $1 and left_cents = $2`, line, s.net)
	if err := db.One(n, err, "psp-settlement", "The bank line has just changed."); err != nil {
		return err
	}
	err = tx.Put(ctx, newAllocations, [][]any{{tx.ID("alc_"), ledger.Operator, line, "", "", Provider, s.net, "settlement", s.id, tx.Now}})
	if err != nil {
		return err
	}
	s.state = closed
	n, err = tx.Exec(ctx, `update psp_settlements set state = $3, bank_line_id = $4, booked_at = $5 where id = $1 and state = $2`,
		s.id, listed, closed, line, tx.Now)
	if err := db.One(n, err, "psp-settlement", "The settlement has just changed."); err != nil {
		return err
	}
	legs := []ledger.Leg{{Code: ledger.Unallocated, Subject: line, Cents: s.net}, {Code: ledger.PSP, Cents: -s.gross}}
	if s.fee > 0 {
		legs = append(legs, ledger.Leg{Code: ledger.ExpensePSP, Cents: s.fee})
	}
	return ledger.Post(ctx, tx, ledger.Entry{Merchant: ledger.Operator, Key: s.id + "/settled", Kind: "psp-settled", Currency: s.currency, Legs: legs})
}

// lineOf finds the bank line that brought a settlement: untouched, of its amount, with its reference in its words.
func (k *Desk) lineOf(ctx context.Context, tx *db.Tx, s *settlement) (id string, found bool, err error) {
	var lines []BankLine
	err = tx.Each(ctx, `
select `+columns+` from bank_lines
 where left_cents <> 0 and left_cents = $1 and cents = $1 and currency = $2 and kind in ('incoming', 'batch')
 order by id`, []any{s.net, s.currency}, func(r db.Row) error {
		var l BankLine
		err := l.scan(r)
		lines = append(lines, l)
		return err
	})
	if err != nil {
		return "", false, err
	}
	want := squeezed(s.reference)
	for _, l := range lines {
		p, err := openPayer(k.vault, l)
		if err != nil {
			return "", false, err
		}
		if want != "" && strings.Contains(squeezed(p.Reference+" "+p.Text+" "+p.EndToEnd), want) {
			return l.ID, true, nil
		}
	}
	return "", false, nil
}

// squeezed is a text as banks leave it: without spaces, in capitals.
func squeezed(text string) string {
	return strings.ToUpper(strings.Join(strings.Fields(text), ""))
}
