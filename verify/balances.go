package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"achteraf/internal/db"
)

// checkBalances holds every snapshot against the sealed entries. It uses up the derived balances.
func checkBalances(ctx context.Context, a *audit) error {
	var code, merchant, subject, currency string
	var got sum
	err := a.tx.Each(ctx, `select code, merchant_id, subject, currency, cents, entries, place from balances order by code, merchant_id, subject, currency`,
		nil, func(r db.Row) error {
			if err := r.Scan(&code, &merchant, &subject, &currency, &got.cents, &got.entries, &got.place); err != nil {
				return err
			}
			name := account{chart[code].number, a.names[merchant], a.names[currency], subject}
			want := a.sums[name]
			switch {
			case want == nil:
				return differs("balances", "balances", rowOf(code, merchant, subject, currency), "no balance", &got)
			case got != *want:
				return differs("balances", "balances", rowOf(code, merchant, subject, currency), want, &got)
			}
			delete(a.sums, name)
			return nil
		})
	if err != nil {
		return err
	}
	missing := map[string]*sum{}
	for name, s := range a.sums {
		missing[rowOf(codeOf(name.code), a.names.word(name.merchant), name.subject, a.names.word(name.currency))] = s
	}
	if rows := slices.Sorted(maps.Keys(missing)); len(rows) > 0 {
		return differs("balances", "balances", rows[0], missing[rows[0]], "no row")
	}
	return nil
}

func rowOf(code, merchant, subject, currency string) string {
	return fmt.Sprintf("%s of %s, subject %q, %s", code, merchant, subject, currency)
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
	for _, currency := range slices.Sorted(maps.Keys(all)) {
		if cents := all[currency]; cents != 0 {
			return differs("trial-balance", "postings", a.names.word(currency), "0 cents over all accounts", cents)
		}
	}
	return nil
}

func (s *sum) String() string {
	return fmt.Sprintf("%d cents, %d entries, place %d", s.cents, s.entries, s.place)
}
