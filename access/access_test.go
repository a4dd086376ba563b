package access_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
	"achteraf/merchants"
)

// masters returns a vault of the master keys of those names.
func masters(t testing.TB, names ...string) *vault.Vault {
	t.Helper()
	var lines []string
	for _, name := range names {
		line, err := vault.NewLine(name, dbtest.Chance(uint64(name[1])))
		must(t, err)
		lines = append(lines, line)
	}
	v, err := vault.Parse([]byte(strings.Join(lines, "\n")))
	must(t, err)
	return v
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a database with two shops and what checks their credentials.
type world struct {
	t     *testing.T
	p     *dbtest.Place
	d     *db.DB
	a     *access.Access
	shops []string
}

func run(t *testing.T, f func(w *world)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		w := &world{t: t, p: p, d: p.Open(t), a: access.New(masters(t, "k1"), dbtest.Chance(5))}
		for i := range 2 {
			n := merchants.New{Slug: fmt.Sprintf("shop-%d", i), Name: "Winkel", LegalName: "Winkel B.V.", Country: "NL", Street: "Plein", HouseNumber: "1",
				Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000002", VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl",
				InvoicePrefix: fmt.Sprintf("S%d", i), Contract: merchants.StandardContract(), Terms: merchants.TermsText{Version: "1"}}
			w.write(func(ctx context.Context, tx *db.Tx) error {
				m, err := merchants.Add(ctx, tx, n)
				w.shops = append(w.shops, m.ID)
				return err
			})
		}
		f(w)
	})
}

func (w *world) try(f func(ctx context.Context, tx *db.Tx) error) error {
	w.t.Helper()
	return w.d.Write(w.t.Context(), func(tx *db.Tx) error { return f(w.t.Context(), tx) })
}

func (w *world) write(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	must(w.t, w.try(f))
}

func (w *world) read(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	must(w.t, w.d.Read(w.t.Context(), func(tx *db.Tx) error { return f(w.t.Context(), tx) }))
}

// audit lists what was recorded.
func (w *world) audit() (all []string) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *db.Tx) error {
		return tx.Each(ctx, `select merchant_id, actor, act, subject from audit order by id`, nil, func(r db.Row) error {
			var merchant, actor, act, subject string
			err := r.Scan(&merchant, &actor, &act, &subject)
			all = append(all, strings.Join([]string{merchant, actor, act, subject}, " "))
			return err
		})
	})
	return all
}
