package messages

import (
	"context"
	"fmt"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
)

// DueSend is the kind of due row that sends a message; its subject is the message.
const DueSend = "message.send"

const (
	// SendLimit is how long one attempt may take: a mail server is given ten minutes to acknowledge a mail
	// (RFC 5321 section 4.5.3.2.6), because a client that stops waiting would send it twice.
	SendLimit = 11 * time.Minute
	// SendCalls is how many attempts are made at one time.
	SendCalls = 8

	firstWait = time.Minute
	mostWait  = 4 * time.Hour
	giveUp    = 72 * time.Hour // after the message was made
)

// Send hands the message of a due row over, once, and returns what stores how that ended. A message that is not
// waiting is left alone. A message that was delayed gets a new due row, later each time.
func (p *Post) Send(ctx context.Context, d jobs.Due) (jobs.Finish, error) {
	var m sealed
	l := lock{vault: p.c.Vault}
	err := p.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if m, err = one(ctx, tx, d.Merchant, d.Subject); err != nil || m.State != Waiting {
			return err
		}
		if l.purpose = m.Purpose; m.Person != "" {
			l.keys, err = p.c.Desk.Keys(ctx, tx, m.Person)
		}
		return err
	})
	if err != nil || m.State != Waiting {
		return nil, err
	}
	result, err := p.handOver(ctx, &m, l)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) error { return finish(ctx, tx, m.Message, l, result) }, nil
}

func (p *Post) handOver(ctx context.Context, m *sealed, l lock) (Result, error) {
	switch {
	case l.gone():
		return Result{Event: Refuse, Outcome: "erased"}, nil
	case !m.Expires.IsZero() && !p.c.DB.Wall().Before(m.Expires):
		return Result{Event: GiveUp, Outcome: "expired"}, nil
	}
	to, c, err := m.open(l)
	if err != nil {
		return Result{}, err
	}
	images, err := c.images()
	if err != nil {
		return Result{}, err
	}
	files, err := p.files(ctx, m.Merchant, c.Papers)
	if fault.Is(err, "document-erased") {
		return Result{Event: Refuse, Outcome: "erased"}, nil
	}
	if err != nil {
		return Result{}, err
	}
	return p.c.Mailer.Send(ctx, Mail{ID: m.ID, To: to, Language: m.Language, Subject: c.Subject, Text: c.Text, HTML: c.HTML, Images: images, Files: files, At: m.MadeAt}), nil
}

// files makes the files of documents, to print and of data. They are of what was fixed with each document, so a mail that
// is tried again has the same.
func (p *Post) files(ctx context.Context, merchant string, list []paper) (all []File, err error) {
	for _, x := range list {
		var found *invoices.Paper
		read := func(tx *db.Tx) (_ *invoices.Paper, err error) {
			if x.Credit {
				found, err = p.c.Clerk.CreditNote(ctx, tx, merchant, x.ID)
			} else {
				found, err = p.c.Clerk.Invoice(ctx, tx, merchant, x.ID)
			}
			return found, err
		}
		pdf, err := p.c.Clerk.HandOut(ctx, p.c.DB, read, (*invoices.Paper).PDF)
		if err != nil {
			return nil, err
		}
		data, err := p.c.Clerk.HandOut(ctx, p.c.DB, read, (*invoices.Paper).Data)
		if err != nil {
			return nil, err
		}
		all = append(all, File{found.FileName(), "application/pdf", pdf}, File{found.DataName(), "application/xml", data})
	}
	return all, nil
}

// finish stores how an attempt ended.
func finish(ctx context.Context, tx *db.Tx, m Message, l lock, r Result) (err error) {
	was, attempts := m.State, m.Attempts
	if r.Event == Delay && !tx.Now.Before(m.MadeAt.Add(giveUp)) {
		r.Event = GiveUp
	}
	if m.State, err = was.Next(r.Event); err != nil {
		return err
	}
	m.Attempts++
	m.Outcome = r.Outcome
	m.NextAt, m.SentAt = calendar.Instant{}, calendar.Instant{}
	var words vault.Sealed
	if r.Words != "" && !l.gone() {
		if words, err = l.seal("answer", m.ID, []byte(r.Words)); err != nil {
			return err
		}
	}
	if m.State == Sent {
		m.SentAt = tx.Now
	}
	if m.State == Waiting {
		m.NextAt = tx.Now.Add(wait(m.Attempts))
		if err := jobs.Add(ctx, tx, []jobs.Due{{At: m.NextAt, Kind: DueSend, Merchant: m.Merchant, Subject: m.ID}}); err != nil {
			return err
		}
	}
	if err := settle(ctx, tx, m, was, attempts, words); err != nil || m.State == Waiting {
		return err
	}
	return events.Append(ctx, tx, []events.Event{{Merchant: m.Merchant, Kind: "message." + string(m.State), Subject: m.Subject,
		Data: fmt.Sprintf(`{"message":%q,"code":%q,"outcome":%q}`, m.ID, m.Code, m.Outcome)}})
}

// wait is the time between the nth attempt and the next one.
func wait(n int64) time.Duration { return min(firstWait<<min(n-1, 10), mostWait) }
