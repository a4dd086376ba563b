package verify

import (
	"context"
	"fmt"
	"maps"

	"achteraf/internal/db"
)

const selectBankSums = `
select iban, currency, cast(sum(cents) as bigint) from bank_lines group by iban, currency order by iban, currency`

const selectStatements = `
select id, iban, complete, opening_cents is not null and closing_cents is not null and to_on is not null, coalesce(opening_cents, 0), coalesce(closing_cents, 0)
  from statements
 order by iban, to_on, sequence, id`

// checkBank holds the journal's account of each IBAN against its bank lines, and both against the balances that
// the bank itself states. An account whose statements do not follow one another has a gap, of which the import
// warned: then the bank's balances prove nothing.
func checkBank(ctx context.Context, a *audit) error {
	sums := map[string]int64{}
	posted := maps.Clone(a.elsewhere)
	err := a.tx.Each(ctx, selectBankSums, nil, func(r db.Row) error {
		var iban, currency string
		var cents int64
		if err := r.Scan(&iban, &currency, &cents); err != nil {
			return err
		}
		sums[iban] += cents
		name := account{atBank, a.names["operator"], a.names[currency], iban}
		if posted[name] != cents {
			return differs("bank-accounts", "bank_lines", "iban "+iban, fmt.Sprintf("%d cents, as posted", posted[name]), cents)
		}
		delete(posted, name)
		return nil
	})
	if err != nil {
		return err
	}
	for name, cents := range posted {
		if name.code == atBank && cents != 0 {
			return differs("bank-accounts", "postings", "bank of "+name.subject, "bank lines of this account in this currency", cents)
		}
	}
	var of bankBalance
	err = a.tx.Each(ctx, selectStatements, nil, func(r db.Row) error {
		var id, iban string
		var complete, known bool
		var opening, closing int64
		if err := r.Scan(&id, &iban, &complete, &known, &opening, &closing); err != nil {
			return err
		}
		if iban != of.iban {
			if err := of.check(sums); err != nil {
				return err
			}
			of = bankBalance{iban: iban, first: opening, last: opening, whole: true}
		}
		of.whole = of.whole && complete && known && opening == of.last
		of.last, of.statement = closing, id
		return nil
	})
	if err != nil {
		return err
	}
	return of.check(sums)
}

// bankBalance is how the bank says that an account moved over all of its statements.
type bankBalance struct {
	iban, statement string
	first, last     int64
	whole           bool // each statement opens with what the one before it closed with
}

func (b *bankBalance) check(sums map[string]int64) error {
	if b.whole && b.last-b.first != sums[b.iban] {
		return differs("bank-accounts", "statements", "id "+b.statement,
			fmt.Sprintf("a closing balance of %d, as the first opened with and the lines make", b.first+sums[b.iban]), b.last)
	}
	return nil
}
