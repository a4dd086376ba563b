package messages

import (
	"context"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/jobs"
	"achteraf/ledger"
	"achteraf/orders"
)

// SignIn is a link that lets somebody in.
type SignIn struct {
	ID       string // of the attempt to sign in; one message is made for it
	To       string
	Language string
	URL      string
	Code     string           // for another browser than the one that asked
	Expires  calendar.Instant // wall time
}

// SignIn writes a sign-in link, and returns what stores it with a due row that sends it. It calls nobody. The link is
// not sent once it has expired.
func (p *Post) SignIn(ctx context.Context, s SignIn) (jobs.Finish, error) {
	k := p.library.byCode(SignInLink)
	f := &facts{operator: p.c.Operator, domain: p.c.Domain, signIn: s, order: orders.Order{Language: s.Language}}
	m := draft{to: s.To, handle: p.c.Desk.EmailHandle(s.To), lock: lock{p.c.Vault, nil, k.purpose}, facts: f, Message: Message{
		Merchant: ledger.Operator, Subject: s.ID, Code: k.code, Version: 1, Purpose: k.purpose, Template: k.template,
		Language: s.Language, State: Waiting, Expires: s.Expires,
	}}
	err := p.c.DB.Read(ctx, func(tx *db.Tx) error {
		m.ID, m.MadeAt, m.NextAt = tx.ID("msg_"), tx.Now, tx.Now
		f.message = m.ID
		f.minutes = max(1, int((s.Expires.Sub(tx.Wall)+time.Minute-time.Microsecond)/time.Minute))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.ready(k, []*draft{&m})
}

// byCode is the kind of message with a code.
func (l *library) byCode(code string) *kind {
	for _, k := range l.kinds {
		if k.code == code {
			return k
		}
	}
	panic("messages: no message is called " + code)
}
