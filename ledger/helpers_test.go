package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"
)

const shop = "mer_00000000000000000001"

// books runs f on a fresh database of each engine, as the platform would set it up.
func books(t *testing.T, f func(t *testing.T, p *dbtest.Place, d *db.DB)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) { f(t, p, openBooks(t, p)) })
}

func openBooks(t testing.TB, p *dbtest.Place) *db.DB {
	t.Helper()
	d := p.Open(t)
	d.BeforeCommit(ledger.Commit)
	return d
}

func newKey(t testing.TB, seed uint64) *ledger.Key {
	t.Helper()
	secret, err := ledger.GenerateKey(dbtest.Chance(seed), "achteraf/test/log")
	if err != nil {
		t.Fatal(err)
	}
	k, err := ledger.ReadKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// issued is the entry of an invoice of cents, issued by a shop.
func issued(merchant string, invoice int, cents int64) ledger.Entry {
	id := fmt.Sprintf("inv_%020d", invoice)
	return ledger.Entry{Merchant: merchant, Key: id + "/issued", Kind: "invoice-issued", Currency: "EUR", Legs: []ledger.Leg{
		{Code: ledger.BuyerPrincipal, Subject: id, Cents: cents},
		{Code: ledger.MerchantPending, Cents: -cents},
	}}
}

// received is the entry of a bank line of cents.
func received(line int, cents int64) ledger.Entry {
	id := fmt.Sprintf("bl_%020d", line)
	return ledger.Entry{Merchant: ledger.Operator, Key: id + "/received", Kind: "bank-received", Currency: "EUR", Legs: []ledger.Leg{
		{Code: ledger.Bank, Subject: "NL13TEST0123456789", Cents: cents},
		{Code: ledger.Unallocated, Subject: id, Cents: -cents},
	}}
}

func post(t testing.TB, d *db.DB, entries ...ledger.Entry) {
	t.Helper()
	if err := tryPost(t.Context(), d, entries...); err != nil {
		t.Fatal(err)
	}
}

func tryPost(ctx context.Context, d *db.DB, entries ...ledger.Entry) error {
	return d.Write(ctx, func(tx *db.Tx) error { return ledger.Post(ctx, tx, entries...) })
}

func seal(t testing.TB, d *db.DB, k *ledger.Key) int {
	t.Helper()
	n, err := ledger.NewSealer(k).Seal(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func read(t testing.TB, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// number reads one number.
func number(t testing.TB, d *db.DB, sql string, args ...any) (n int64) {
	t.Helper()
	read(t, d, func(tx *db.Tx) error { return tx.QueryRow(t.Context(), sql, args, &n) })
	return n
}

func change(t testing.TB, d *db.DB, sql string, args ...any) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		n, err := tx.Exec(t.Context(), sql, args...)
		if err == nil && n == 0 {
			err = fmt.Errorf("%s changed nothing", sql)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func latest(t testing.TB, d *db.DB) (c ledger.Checkpoint) {
	t.Helper()
	read(t, d, func(tx *db.Tx) (err error) {
		c, err = ledger.Latest(t.Context(), tx)
		return err
	})
	return c
}
