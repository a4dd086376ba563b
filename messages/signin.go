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

// SignIn writes a sign-in link, with a due row that sends it. It calls nobody. The link is not sent once it has expired.
func (p *Post) SignIn(ctx context.Context, tx *db.Tx, s SignIn) error {
	k := p.library.byCode(SignInLink)
	minutes := max(1, int((s.Expires.Sub(tx.Wall)+time.Minute-time.Microsecond)/time.Minute))
	f := &facts{operator: p.c.Operator, domain: p.c.Domain, signIn: s, minutes: minutes, order: orders.Order{Language: s.Language}}
	c, err := p.library.write(k, f)
	if err != nil {
		return err
	}
	m := draft{to: s.To, handle: p.c.Desk.EmailHandle(s.To), lock: lock{p.c.Vault, nil, k.purpose}, content: c, Message: Message{
		ID: tx.ID("msg_"), Merchant: ledger.Operator, Subject: s.ID, Code: k.code, Version: 1, Purpose: k.purpose, Template: k.template,
		Language: s.Language, State: Waiting, MadeAt: tx.Now, NextAt: tx.Now, Expires: s.Expires,
	}}
	row, err := m.row()
	if err != nil {
		return err
	}
	return put(ctx, tx, [][]any{row}, []jobs.Due{{Kind: DueSend, Merchant: m.Merchant, Subject: m.ID}})
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
