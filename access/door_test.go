package access_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
)

// door is a platform's sign-in with a mailbox.
type door struct {
	t     *testing.T
	p     *dbtest.Place
	d     *db.DB
	vault *vault.Vault
	desk  *buyers.Desk
	*access.SignIns
	due    *jobs.Scanner
	mail   []access.Letter
	orders int
}

var home = netip.MustParseAddr("203.0.113.7")

const known = "sanne@example.org"

func doors(t *testing.T, f func(o *door)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		o := newDoor(t, p, p.Open(t), 11, access.StandardLimits(), "k1")
		o.order(known)
		f(o)
	})
}

func newDoor(t *testing.T, p *dbtest.Place, d *db.DB, seed uint64, limits access.Limits, keys ...string) *door {
	t.Helper()
	v := masters(t, keys...)
	o := &door{t: t, p: p, d: d, vault: v, desk: buyers.NewDesk(v, dbtest.Chance(seed+100))}
	o.SignIns = access.NewSignIns(d, v, o.desk, dbtest.Chance(seed), limits, func(_ context.Context, l access.Letter) (jobs.Finish, error) {
		return func(_ context.Context, tx *db.Tx) error {
			o.mail = append(o.mail, l)
			return nil
		}, nil
	})
	o.due = jobs.NewScanner(d, dbtest.Chance(12), nil)
	o.due.OnReady(access.DueSendLink, 100, o.SendDue)
	return o
}

// order makes an address known.
func (o *door) order(email string) {
	o.t.Helper()
	o.orders++
	b := buyers.Buyer{Kind: buyers.Consumer, Email: email, Language: "nl", Name: buyers.Name{First: "Sanne", Last: fmt.Sprint("Vries", o.orders)},
		BirthDate: calendar.NewDate(1990, 5, 1), Address: buyers.Address{Street: "Plein", HouseNumber: "1", Postcode: "1234 AB", City: "Voorbeeld", Country: "NL"}}
	if wrong := b.Check("#/buyer", calendar.NewDate(2026, 11, 22)); len(wrong) > 0 {
		o.t.Fatal(wrong)
	}
	ctx := o.t.Context()
	must(o.t, o.d.Write(ctx, func(tx *db.Tx) error {
		s, err := o.desk.Open(ctx, tx, []*buyers.Buyer{&b})
		if err != nil {
			return err
		}
		if _, _, err := s.Keep(0, buyers.Attempt{ID: tx.ID("att_"), Merchant: "mer_1", Order: tx.ID("ord_"), Cents: 100}); err != nil {
			return err
		}
		return s.Flush(ctx)
	}))
}

// begin asks for a link and returns the answer and the letter, an empty one when none came.
func (o *door) begin(email, browser string) (access.Pending, access.Letter) {
	o.t.Helper()
	o.mail = nil
	p, err := o.Begin(o.t.Context(), access.NewSignIn{Email: email, Language: "nl", Network: home, Browser: browser})
	must(o.t, err)
	must(o.t, o.due.RunUntilIdle(o.t.Context()))
	if len(o.mail) > 1 {
		o.t.Fatalf("%d letters", len(o.mail))
	}
	if len(o.mail) == 0 {
		return p, access.Letter{}
	}
	return p, o.mail[0]
}

func (o *door) finish(p access.Proof) (access.NewSession, error) { return o.Finish(o.t.Context(), p) }

func (o *door) visitor(cookie string) (v access.Visitor, err error) {
	o.t.Helper()
	err = o.d.Read(o.t.Context(), func(tx *db.Tx) (err error) {
		v, err = o.Visitor(o.t.Context(), tx, cookie)
		return err
	})
	return v, err
}

// in signs an address in.
func (o *door) in(email string) access.NewSession {
	o.t.Helper()
	p, l := o.begin(email, "")
	s, err := o.finish(access.Proof{Token: l.Token, Browser: p.Browser, Device: "Firefox, Linux"})
	must(o.t, err)
	return s
}

func code(err error) string {
	if f := fault.As(err); f != nil {
		return f.Code
	}
	return fmt.Sprint(err)
}
