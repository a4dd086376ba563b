package checkout_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"achteraf/buyers"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// world is a desk on one database.
type world struct {
	t     *testing.T
	d     *db.DB
	desk  *checkout.Desk
	clock *dbtest.Clock
}

func eachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		v, err := vault.Parse([]byte("t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="))
		if err != nil {
			t.Fatal(err)
		}
		f(t, &world{t, p.Open(t), checkout.NewDesk(v, dbtest.Chance(5)), p.Clock})
	})
}

func (w *world) write(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	if err := w.d.Write(w.t.Context(), func(tx *db.Tx) error { return f(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open(reference string, life time.Duration) (c checkout.Checkout, token string) {
	w.t.Helper()
	s, err := w.desk.Draw()
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx *db.Tx) (err error) {
		c, token, err = w.desk.Open(ctx, tx, checkout.New{Merchant: "mer_1", Reference: reference, Language: "nl", Currency: "EUR", TotalCents: 1210,
			Draft: checkout.Draft{Prices: "incl_vat", Lines: []checkout.Line{{Kind: "goods", Description: "Boek over geld", Quantity: "1", UnitPriceCents: 1210, VATPercent: "21", TotalCents: 1210}}},
			Buyer: buyers.Buyer{Email: "sanne@example.org"}, Returns: checkout.Returns{Success: "https://shop.example/%7e?a=b&&c"}, Life: life}, s)
		return err
	})
	return c, token
}

func (w *world) byID(c checkout.Checkout) (now checkout.Checkout) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) (err error) {
		now, err = w.desk.ByID(ctx, tx, c.Key)
		return err
	})
	return now
}

func (w *world) record(c checkout.Checkout, x checkout.Decided) (now checkout.Checkout) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) (err error) {
		now, err = w.desk.Record(ctx, tx, c.Key, x)
		return err
	})
	return now
}

// facts is how often it was said that a checkout has ended.
func (w *world) facts(c checkout.Checkout) (n int) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from due where kind = $1 and subject = $2 and merchant_id = $3`, []any{checkout.FactEnded, c.ID, c.Merchant}, &n)
	})
	return n
}

// TestOpen: what was opened is found by its token, its id and its reference, and the token is nowhere in the row.
func TestOpen(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.open("A", 0)
		c, token := w.open("A", 0)
		w.write(func(ctx context.Context, tx *db.Tx) error {
			for _, find := range []func() (checkout.Checkout, error){
				func() (checkout.Checkout, error) { return w.desk.ByToken(ctx, tx, token) },
				func() (checkout.Checkout, error) { return w.desk.ByID(ctx, tx, c.Key) },
				func() (checkout.Checkout, error) { return w.desk.ByReference(ctx, tx, "mer_1", "A") },
			} {
				got, err := find()
				if err != nil {
					return err
				}
				if got.ID != c.ID || got.State != checkout.Open || got.Draft.Lines[0].Description != "Boek over geld" || got.Buyer.Email != "sanne@example.org" ||
					got.Returns.Success != "https://shop.example/%7e?a=b&&c" || got.ExpiresAt.Sub(got.MadeAt) != checkout.Life || got.Left() != 3 {
					t.Errorf("%+v", got)
				}
			}
			for _, wrong := range []string{"", token[:62], token + "A", strings.Repeat("a", 63), token[:20] + strings.Repeat("A", 43)} {
				if _, err := w.desk.ByToken(ctx, tx, wrong); !fault.Is(err, "checkout") {
					t.Errorf("%q: %v", wrong, err)
				}
			}
			if _, err := w.desk.ByID(ctx, tx, checkout.Key{Merchant: "mer_2", ID: c.ID}); !fault.Is(err, "checkout") {
				t.Errorf("another shop: %v", err)
			}
			var hash, draft, buyer, urls []byte
			err := tx.QueryRow(ctx, `select token_hash, draft, buyer, return_urls from checkouts where id = $1`, []any{c.ID}, &hash, &draft, &buyer, &urls)
			all := bytes.Join([][]byte{hash, draft, buyer, urls}, nil)
			for _, secret := range []string{token[20:], "Boek", "sanne", "shop.example"} {
				if bytes.Contains(all, []byte(secret)) {
					t.Errorf("%q can be read in the row", secret)
				}
			}
			return err
		})
	})
}

// TestRecord: an attempt is written down once; three of them end it; an order wins over every other end.
func TestRecord(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		c, _ := w.open("A", 0)
		for range 2 {
			if now := w.record(c, checkout.Decided{Number: 1, Event: checkout.Decline, Attempt: "att_1"}); now.State != checkout.Declined || now.Attempts != 1 || now.Ended() || now.Draft == nil {
				t.Errorf("%+v", now)
			}
		}
		w.record(c, checkout.Decided{Number: 2, Event: checkout.Refer, Attempt: "att_2"})
		now := w.record(c, checkout.Decided{Number: 3, Event: checkout.Decline, Attempt: "att_3"})
		if now.State != checkout.Declined || !now.Ended() || now.Draft != nil || now.Buyer != nil || now.Left() != 0 || now.Attempt != "att_3" || w.facts(c) != 1 {
			t.Errorf("%+v, told %d times", now, w.facts(c))
		}

		left, _ := w.open("B", 0)
		w.write(func(ctx context.Context, tx *db.Tx) error { _, err := w.desk.Leave(ctx, tx, left.Key); return err })
		w.write(func(ctx context.Context, tx *db.Tx) error { _, err := w.desk.Leave(ctx, tx, left.Key); return err })
		if now := w.record(left, checkout.Decided{Number: 1, Event: checkout.Decline, Attempt: "att_4"}); now.State != checkout.Cancelled || w.facts(left) != 1 {
			t.Errorf("%+v, told %d times", now, w.facts(left))
		}
		for range 2 {
			if now := w.record(left, checkout.Decided{Number: 1, Event: checkout.Accept, Attempt: "att_5", Order: "ord_1"}); now.State != checkout.Accepted || now.Order != "ord_1" {
				t.Errorf("%+v", now)
			}
		}
		if w.facts(left) != 2 {
			t.Errorf("told %d times", w.facts(left))
		}
	})
}

// TestSweeper ends what is over, once, and leaves the rest.
func TestSweeper(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		short, _ := w.open("A", time.Minute)
		long, _ := w.open("B", 100*time.Hour)
		refused, _ := w.open("C", time.Minute)
		w.record(refused, checkout.Decided{Number: 1, Event: checkout.Decline, Attempt: "att_1"})
		s := checkout.NewSweeper(w.d, w.desk)
		step := func() {
			t.Helper()
			if more, err := s.Step(t.Context()); err != nil || more {
				t.Fatal(more, err)
			}
		}
		step()
		w.clock.Advance(time.Minute)
		if now := w.byID(short); now.State != checkout.Expired || now.EndedAt != short.ExpiresAt || w.facts(short) != 0 {
			t.Errorf("unmarked: %+v", now)
		}
		step()
		step()
		w.clock.Advance(time.Minute)
		step()
		if now := w.byID(short); now.State != checkout.Expired || w.facts(short) != 1 {
			t.Errorf("%+v, told %d times", now, w.facts(short))
		}
		if now := w.byID(refused); now.State != checkout.Declined || !now.Ended() || w.facts(refused) != 1 {
			t.Errorf("%+v", now)
		}
		if now := w.byID(long); now.State != checkout.Open || now.ExpiresAt.Sub(now.MadeAt) != checkout.Life {
			t.Errorf("%+v", now)
		}
		w.write(func(ctx context.Context, tx *db.Tx) error {
			var kept int
			err := tx.QueryRow(ctx, `select count(*) from checkouts where draft is not null or buyer is not null`, nil, &kept)
			if kept != 1 {
				t.Errorf("%d checkouts keep what they do not need", kept)
			}
			return err
		})
	})
}
