package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/platform"
	"achteraf/providers/mailbox"
)

type benchMails struct {
	benchOptions
	Orders int `help:"Orders to bill." default:"4000"`
}

// Run accepts orders, then measures the invoice run of day 3: the clock moves on, every invoice is issued, written,
// signed and handed over to a mail server on loopback.
func (b *benchMails) Run(ctx context.Context) error {
	s, done, err := b.stage(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := s.preload(ctx, b.Orders); err != nil {
		return err
	}
	s.stopRun()
	if err := s.p.Settle(ctx); err != nil { // the confirmations go by: this platform does not mail
		return err
	}
	box := &mailbox.Box{Most: 1}
	mailer, server, err := demoMail(box)
	if err != nil {
		return err
	}
	defer server.Close()
	p, err := demoPlatform(s.db, slog.New(slog.NewTextHandler(io.Discard, nil)), func(c *platform.Config) {
		c.Mailer, c.MailDomain, c.PublicURL = mailer, mailer.Domain(), "https://achteraf.example"
	})
	if err != nil {
		return err
	}
	profiled, err := b.profile()
	if err != nil {
		return err
	}
	defer profiled()
	var now calendar.Instant
	if err := s.db.Read(ctx, func(tx *db.Tx) error { now = tx.Now; return nil }); err != nil {
		return err
	}
	begun, used := time.Now(), cpuTime()
	if err := s.db.MoveClock(ctx, now.Add(73*time.Hour)); err != nil {
		return err
	}
	stop := beside(ctx, p, p.Attach)
	defer stop()
	if err := s.mailed(ctx, box, b.Orders); err != nil {
		return err
	}
	took := time.Since(begun)
	stop()
	sent, failed, err := s.taken(ctx)
	if err != nil {
		return err
	}
	b.print(figure{Name: "mails", Engine: s.db.Engine(), Clients: 1, Rate: float64(sent) / took.Seconds(), Errors: failed + max(0, int64(box.Tries())-sent),
		CPU: float64((cpuTime() - used).Microseconds()) / float64(max(sent, 1)), More: map[string]any{"mails": sent, "bytes": len(box.Mails()[0].Raw)}})
	return nil
}

// mailed waits until so many mails were begun and none waits any more.
func (s *stage) mailed(ctx context.Context, box *mailbox.Box, want int) error {
	for begun := time.Now(); time.Since(begun) < 10*time.Minute; time.Sleep(20 * time.Millisecond) {
		if box.Tries() < want {
			continue
		}
		var waiting int64
		err := s.db.Read(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from messages where state = 'waiting'`, nil, &waiting)
		})
		if err != nil || waiting == 0 {
			return err
		}
	}
	return errors.New("after ten minutes there are still mails to send")
}

// taken counts the invoices that the mail server took, and those that it never will.
func (s *stage) taken(ctx context.Context) (sent, failed int64, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `
select coalesce(sum(case when state = 'sent' then 1 else 0 end), 0), coalesce(sum(case when state = 'failed' then 1 else 0 end), 0)
  from messages where code = 'invoice'`, nil, &sent, &failed)
	})
	return sent, failed, err
}
