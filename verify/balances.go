package verify

import (
	"context"
	"fmt"

	"achteraf/internal/db"
)

// checkBalances holds every snapshot against the sealed entries.
func checkBalances(ctx context.Context, a *audit) error {
	var code, merchant, currency string
	var subject string
	var got sum
	met := 0
	err := a.tx.Each(ctx, `select code, merchant_id, subject, currency, cents, entries, place from balances order by code, merchant_id, subject, currency`,
		nil, func(r db.Row) error {
			if err := r.Scan(&code, &merchant, &subject, &currency, &got.cents, &got.entries, &got.place); err != nil {
				return err
			}
			row := accountName(code, merchant, subject, currency)
			want := a.sums[account{chart[code].number, a.names[merchant], a.names[currency], subject}]
			if want == nil {
				return differs("balances", "balances", row, "no balance", got.cents)
			}
			met++
			if got != *want {
				return differs("balances", "balances", row, want, &got)
			}
			return nil
		})
	if err != nil || met == len(a.sums) {
		return err
	}
	return a.missingBalance(ctx)
}

// checkTrial adds all accounts up.
func checkTrial(_ context.Context, a *audit) error {
	all := map[int32]int64{}
	for name, s := range a.sums {
		all[name.currency] += s.cents
	}
	for name, cents := range a.open {
		all[name.currency] += cents
	}
	for currency, cents := range a.tail {
		all[currency] += cents
	}
	for currency, cents := range all {
		if cents != 0 {
			return differs("trial-balance", "postings", a.names.word(currency), "0 cents over all accounts", cents)
		}
	}
	return nil
}

func (s *sum) String() string {
	return fmt.Sprintf("%d cents, %d entries, place %d", s.cents, s.entries, s.place)
}

// missingBalance names an account that has no snapshot.
func (a *audit) missingBalance(ctx context.Context) error {
	for name, want := range a.sums {
		code, merchant, currency := codeOf(name.code), a.names.word(name.merchant), a.names.word(name.currency)
		var n int64
		err := a.tx.QueryRow(ctx, `select count(*) from balances where code = $1 and merchant_id = $2 and subject = $3 and currency = $4`,
			[]any{code, merchant, name.subject, currency}, &n)
		if err != nil {
			return err
		}
		if n == 0 {
			return differs("balances", "balances", accountName(code, merchant, name.subject, currency), want, "no row")
		}
	}
	return nil
}

func accountName(code, merchant, subject, currency string) string {
	return fmt.Sprintf("%s of %s, subject %q, %s", code, merchant, subject, currency)
}
