package messages

import (
	"context"
	"errors"
	"slices"

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
 where po.person_id = $1 and po.email_hash = $2
 order by po.order_id desc limit 1`

// Arrived writes to the address that was proved that somebody signed in with it. A session holds no address, so it is
// that of the latest order; where there is none left, nobody is told.
//
// It writes the message and returns what stores it with a due row that sends it.
func (p *Post) Arrived(ctx context.Context, a Arrival) (jobs.Finish, error) {
	k := p.library.byCode(NewDevice)
	var drafts []*draft
	err := p.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		drafts, err = p.warnings(ctx, tx, k, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.ready(k, drafts)
}

// warnings is the one message that an arrival asks for, or none.
func (p *Post) warnings(ctx context.Context, tx *db.Tx, k *kind, a Arrival) ([]*draft, error) {
	people, err := buyers.Owners(ctx, tx, a.Proved)
	if err != nil {
		return nil, err
	}
	for _, person := range people {
		for _, h := range a.Proved {
			var merchant, attempt, language, country string
			err := tx.QueryRow(ctx, selectLatest, []any{person, h.Hash}, &merchant, &attempt, &language, &country)
			if errors.Is(err, db.ErrNone) {
				continue
			}
			if err != nil {
				return nil, err
			}
			who, err := p.c.Desk.Reach(ctx, tx, merchant, attempt)
			if err != nil {
				return nil, err
			}
			if who.Buyer.Email == "" || !slices.ContainsFunc(p.c.Desk.EmailHandles(who.Buyer.Email), h.Is) { // erased or corrected since
				continue
			}
			zone, err := calendar.ZoneOf(country)
			if err != nil {
				return nil, err
			}
			return []*draft{p.warning(tx, k, a, who.Buyer.Email, language, zone)}, nil
		}
	}
	return nil, nil
}

func (p *Post) warning(tx *db.Tx, k *kind, a Arrival, to, language string, zone calendar.Zone) *draft {
	f := &facts{operator: p.c.Operator, domain: p.c.Domain, arrival: a, on: zone.DateOf(a.At), clock: zone.Clock(a.At)}
	f.order.Language = language
	m := &draft{to: to, handle: p.c.Desk.EmailHandle(to), lock: lock{p.c.Vault, nil, k.purpose}, facts: f, Message: Message{
		ID: tx.ID("msg_"), Merchant: ledger.Operator, Subject: a.Session, Code: k.code, Version: 1, Purpose: k.purpose, Template: k.template,
		Language: language, State: Waiting, MadeAt: tx.Now, NextAt: tx.Now,
	}}
	f.message = m.ID
	return m
}
