package market

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/platform"
	"achteraf/verify"
)

var pastUntil = calendar.At(time.Date(2026, 11, 22, 17, 30, 0, 0, time.UTC))

// shopsOfThePast makes the shops that sell in it.
func shopsOfThePast(ctx context.Context, p *platform.Platform) (map[string]string, error) {
	ids := map[string]string{}
	err := p.DB.Write(ctx, func(tx *db.Tx) error {
		for slug := range window {
			c := merchants.StandardContract()
			switch slug {
			case "keukengerei":
				c.Model = merchants.Guaranteed
			case "boekhuis":
				c.StartBy, c.LapseAfterDays, c.DueDays = merchants.ByCall, 90, 30
			}
			m, err := merchants.Add(ctx, tx, merchants.New{Slug: slug, Name: slug, LegalName: slug, Country: "NL", Street: "Marktplein", HouseNumber: "1",
				Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000101", VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl",
				InvoicePrefix: strings.ToUpper(slug[:4]), Contract: c, Terms: merchants.TermsText{Version: "2026-01"},
				Contacts: []merchants.Contact{{Kind: "email", Value: "a@markt.example"}, {Kind: "phone", Value: "+31201234567"}}})
			if err != nil {
				return err
			}
			ids[slug] = m.ID
			if err := merchants.Activate(ctx, tx, m.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}

func pastOf(t *testing.T, engine string, look func(p *platform.Platform) error) PastReport {
	t.Helper()
	url := dbtest.New(t, engine).URL
	report, err := MakePast(t.Context(), PastConfig{Seed: 1, Days: 60, Orders: 70, Until: pastUntil, IBAN: "NL20ACHT0000000001", Shops: shopsOfThePast,
		Open: func(ctx context.Context, y Yesterday) (*platform.Platform, func() error, error) {
			d, err := db.Open(ctx, url, db.Options{Wall: y.Wall, Random: dbtest.Chance(5)})
			if err != nil {
				return nil, nil, err
			}
			v, err1 := vault.Parse([]byte("market AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
			secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/past/log")
			key, err3 := ledger.ReadKey(secret)
			if err := cmp.Or(err1, err2, err3); err != nil {
				return nil, nil, errors.Join(err, d.Close())
			}
			p, err := platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Random: dbtest.Chance(6), Log: slog.New(slog.DiscardHandler), MailOff: true,
				PSP: y.PSP, Policies: y.Policies, PublicURL: "https://demo.example",
				Operator: merchants.Operator{Country: "NL", VATPercent: "21", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002"}})
			return p, func() error { return errors.Join(look(p), d.Close()) }, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestPast: the past of a demonstration is the same on both engines, its books agree, it has something of everything,
// it ends now, and it leaves room for what a visitor does.
func TestPast(t *testing.T) {
	var first PastReport
	for _, engine := range dbtest.Engines() {
		report := pastOf(t, engine, func(p *platform.Platform) error { checkPast(t, p); return nil })
		if first == (PastReport{}) {
			first = report
		}
		if report != first {
			t.Errorf("%s has another past: %+v, not %+v", engine, report, first)
		}
	}
	if first.Placed < 60 || first.Refused < 3 || first.Buttons < 10 || first.Transfers < 15 || first.Cancelled < 3 || first.Credited < 3 || first.Files < 15 {
		t.Errorf("not much of a past: %+v", first)
	}
}

func checkPast(t *testing.T, p *platform.Platform) {
	report, err := verify.Run(t.Context(), p.DB, verify.Options{PublicKey: p.LogKey.Public})
	if err != nil || report.Unsealed > 0 {
		t.Errorf("the books: %v, %d not sealed", err, report.Unsealed)
	}
	err = p.DB.Read(t.Context(), func(tx *db.Tx) error {
		if tx.Now != pastUntil {
			t.Errorf("it ends at %v", tx.Now)
		}
		for _, c := range []struct {
			what, sql string
			low, high int64
		}{
			{"paid", `select count(*) from invoices where status = 'paid'`, 30, 100},
			{"open", `select count(*) from invoices where status = 'open' and not overdue`, 3, 30},
			{"overdue", `select count(*) from invoices where overdue`, 1, 12},
			{"planned", `select count(*) from invoices where status = 'planned'`, 1, 12},
			{"credited", `select count(*) from invoices where status = 'credited'`, 1, 12},
			{"cancelled", `select count(*) from invoices where status = 'cancelled'`, 2, 12},
			{"held for a buyer", `select count(*) from invoices where held_cents > 0`, 1, 12},
			{"the account of client money", `select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'bank'`, 0, 0},
			{"incoming money without an owner", `select count(*) from bank_lines where kind = 'incoming' and left_cents <> 0`, 0, 0},
			{"work that failed", `select count(*) from due_failed`, 0, 0},
			{"work that is left over from the day before", `select count(*) from due where due_at < $1`, 0, 0},
		} {
			var got int64
			var args []any
			if strings.Contains(c.sql, "$1") {
				args = []any{pastUntil.Add(-24 * time.Hour)}
			}
			if err := tx.QueryRow(t.Context(), c.sql, args, &got); err != nil {
				return err
			}
			if got < c.low || got > c.high {
				t.Errorf("%s: %d", c.what, got)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
