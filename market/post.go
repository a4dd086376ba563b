package market

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/messages"
)

// letter is a mail as the mail server and its reader know it.
type letter struct {
	messages.Mail
	tries int // times that it was handed over
	kept  int // times that the server kept it: the reader's mailbox shows it once
	last  messages.Event
	at    calendar.Instant // of the last try
}

// postOffice is the mail server of the world, with its moods.
type postOffice struct {
	w       *World
	chance  *rand.Rand
	silent  bool          // today nobody answers
	slow    time.Duration // that it has taken today
	letters map[string]*letter
	order   []*letter // as they were first kept
	broken  error     // a promise of the platform's that was broken
}

// mostSlow keeps a day's mails within the day.
const mostSlow = 40 * time.Minute

// Send takes a mail, or does not.
func (p *postOffice) Send(_ context.Context, m messages.Mail) messages.Result {
	l := p.letters[m.ID]
	if l == nil {
		l = &letter{Mail: m}
		p.letters[m.ID] = l
	}
	switch {
	case l.last == messages.Accept || l.last == messages.Refuse:
		p.broken = fmt.Errorf("%w: message %s was handed over after the server's %s", errModel, m.ID, l.last)
	case !reflect.DeepEqual(l.Mail, m):
		p.broken = fmt.Errorf("%w: message %s says something else when it is handed over again", errModel, m.ID)
	}
	r := p.mood(l)
	l.tries++
	l.last, l.at = r.Event, p.w.now
	return r
}

func (p *postOffice) mood(l *letter) messages.Result {
	n := p.chance.IntN(100)
	if p.silent {
		p.w.count("mail: nobody answers")
		return messages.Result{Event: messages.Delay, Outcome: "no-connection"}
	}
	switch {
	case n < 4:
		p.w.count("mail: later, please")
		return messages.Result{Event: messages.Delay, Outcome: "451 4.3.0", Words: "try again later"}
	case n < 7:
		p.w.count("mail: connection lost before")
		return messages.Result{Event: messages.Delay, Outcome: "no-answer"}
	case n < 10:
		p.w.count("mail: answer lost")
		p.keep(l)
		return messages.Result{Event: messages.Delay, Outcome: "no-answer"}
	case n < 11:
		p.w.count("mail: refused")
		return messages.Result{Event: messages.Refuse, Outcome: "550 5.1.1", Words: "no such user"}
	case n < 15 && p.slow < mostSlow:
		p.w.count("mail: slow")
		wait := time.Duration(1+p.chance.IntN(9)) * time.Minute
		p.slow += wait
		p.w.now = p.w.now.Add(wait)
	}
	p.keep(l)
	return messages.Result{Event: messages.Accept, Outcome: "250", Words: "kept"}
}

func (p *postOffice) keep(l *letter) {
	if l.kept++; l.kept == 1 {
		p.order = append(p.order, l)
		p.w.report.Mails++
	}
}

// newest is the last mail that a person got since a moment and whose text has a match; nil for none.
func (p *postOffice) newest(to string, since calendar.Instant, match *regexp.Regexp) *letter {
	for _, l := range slices.Backward(p.order) {
		if l.To == to && !l.At.Before(since) && match.MatchString(l.Text) {
			return l
		}
	}
	return nil
}

// linked says whether a person has a mail with an address in it.
func (p *postOffice) linked(to, address string) bool {
	return slices.ContainsFunc(p.order, func(l *letter) bool { return l.To == to && strings.Contains(l.Text, address) })
}

// postDay gives the mail server its mood for the day: now and then it is away for a day or two.
func (w *World) postDay() {
	w.post.silent = w.post.silent && w.chance.IntN(2) == 0 || w.chance.IntN(25) == 0
	w.post.slow = 0
}

// giveUp is how long after its making a message is tried.
const giveUp = 72 * time.Hour

// checkPost holds the stored messages against what the mail server knows: what was taken is sent and never handed
// over again, what was refused has failed, everything else waits for its next try.
func (w *World) checkPost(ctx context.Context, tx *db.Tx) error {
	if w.post.broken != nil {
		return w.post.broken
	}
	told, asked := map[string]bool{}, map[string]calendar.Instant{}
	tries := 0
	err := tx.Each(ctx, `select id, subject, code, state, attempts, made_at, next_at from messages order by id`, nil, func(r db.Row) error {
		var m messages.Message
		if err := r.Scan(&m.ID, &m.Subject, &m.Code, &m.State, &m.Attempts, &m.MadeAt, &m.NextAt); err != nil {
			return err
		}
		if m.Code == messages.InvoiceAsked && m.State != messages.Failed {
			if m.MadeAt.Before(asked[m.Subject].Add(apart)) {
				return fmt.Errorf("%w: invoice %s was mailed twice within an hour", errModel, m.Subject)
			}
			asked[m.Subject] = m.MadeAt
		}
		if key := m.Code + " " + m.Subject; told[key] && m.Code != messages.InvoiceAsked {
			return fmt.Errorf("%w: %s was told twice", errModel, key)
		} else {
			told[key] = true
		}
		l := w.post.letters[m.ID]
		if l == nil {
			l = &letter{}
		}
		tries += l.tries
		if want := l.state(&m); m.State != want {
			return fmt.Errorf("%w: message %s (%s) is %s after %d tries, the mail server's last word was %q", errModel, m.ID, m.Code, m.State, l.tries, l.last)
		}
		if m.State == messages.Waiting && !w.slept && (m.NextAt.IsZero() || !tx.Now.Before(m.NextAt)) {
			return fmt.Errorf("%w: message %s (%s) waits for nothing", errModel, m.ID, m.Code)
		}
		return nil
	})
	if err != nil {
		return err
	}
	known := 0
	for _, l := range w.post.letters {
		known += l.tries
	}
	if known != tries {
		return fmt.Errorf("%w: %d mails were handed over, %d of them by messages that are stored", errModel, known, tries)
	}
	return nil
}

// state is what a message should be after what the mail server said.
func (l *letter) state(m *messages.Message) messages.State {
	switch {
	case l.last == messages.Accept:
		return messages.Sent
	case l.last == messages.Refuse, l.last == messages.Delay && !l.at.Before(m.MadeAt.Add(giveUp)):
		return messages.Failed
	case m.Code == messages.SignInLink && m.State == messages.Failed: // it came too late to be of use
		return messages.Failed
	}
	return messages.Waiting
}
