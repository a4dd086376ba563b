package messages

import (
	"context"
	"errors"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/jobs"
	"achteraf/ledger"
)

// Arrival is a sign-in on a device that was not known.
type Arrival struct {
	Session string          // ses_…; one message is made for it
	Proved  []buyers.Handle // by it
	Device  string          // in a few words
	At      calendar.Instant
	URL     string // of the page that lists sign-ins; "" where there is none
}

const selectLatest = `
select o.merchant_id, o.attempt_id, o.language, o.country
  from person_orders po
  join orders o on o.id = po.order_id and o.merchant_id = po.merchant_id
  join identities i on i.id = o.attempt_id and i.merchant_id = o.merchant_id
 where po.person_id = $1 and i.email_hash = $2
 order by po.order_id desc limit 1`

// Arrived writes to the address that was proved that somebody signed in with it. A session holds no address, so it is
// that of the latest order; where there is none left, nobody is told.
func (p *Post) Arrived(ctx context.Context, tx *db.Tx, a Arrival) error {
	people, err := buyers.Owners(ctx, tx, a.Proved)
	if err != nil {
		return err
	}
	for _, person := range people {
		for _, h := range a.Proved {
			var merchant, attempt, language, country string
			err := tx.QueryRow(ctx, selectLatest, []any{person, h.Hash}, &merchant, &attempt, &language, &country)
			if errors.Is(err, db.ErrNone) {
				continue
			}
			if err != nil {
				return err
			}
			who, err := p.c.Desk.Reach(ctx, tx, merchant, attempt)
			if err != nil {
				return err
			}
			if string(who.Email.Hash) != string(h.Hash) || who.Buyer.Email == "" { // corrected or erased since
				continue
			}
			return p.warn(ctx, tx, a, who.Buyer.Email, language, country)
		}
	}
	return nil
}

func (p *Post) warn(ctx context.Context, tx *db.Tx, a Arrival, to, language, country string) error {
	k := p.library.byCode(NewDevice)
	zone, err := calendar.ZoneOf(country)
	if err != nil {
		return err
	}
	f := &facts{operator: p.c.Operator, domain: p.c.Domain, arrival: a, on: zone.DateOf(a.At), clock: zone.Clock(a.At)}
	f.order.Language = language
	c, err := p.library.write(k, f)
	if err != nil {
		return err
	}
	m := draft{to: to, handle: p.c.Desk.EmailHandle(to), lock: lock{p.c.Vault, nil, k.purpose}, content: c, Message: Message{
		ID: tx.ID("msg_"), Merchant: ledger.Operator, Subject: a.Session, Code: k.code, Version: 1, Purpose: k.purpose, Template: k.template,
		Language: language, State: Waiting, MadeAt: tx.Now, NextAt: tx.Now,
	}}
	row, err := m.row()
	if err != nil {
		return err
	}
	return put(ctx, tx, [][]any{row}, []jobs.Due{{Kind: DueSend, Merchant: m.Merchant, Subject: m.ID}})
}
