package smtp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"achteraf/messages"

	wire "github.com/emersion/go-smtp"
)

// stage is where in a conversation something went wrong.
type stage int

const (
	opening stage = iota // before the server judged the mail: it is not about this mail
	judging              // the recipient or the content was answered
)

// grace is how long a mail whose end is on its way may still be acknowledged when the process is asked to stop.
const grace = 20 * time.Second

// Send hands one mail over, once.
func (c *Client) Send(ctx context.Context, m messages.Mail) messages.Result {
	if err := parsed(m.To); err != nil {
		return messages.Result{Event: messages.Refuse, Outcome: "address-form"}
	}
	raw, err := c.compose(m)
	if err != nil {
		return messages.Result{Event: messages.Refuse, Outcome: "mail-form", Words: err.Error()}
	}
	client, conn, err := c.dial(ctx)
	if err != nil {
		return failed(opening, err, "no-connection")
	}
	defer client.Close()
	if utf8, _ := client.Extension("SMTPUTF8"); !utf8 && !printable(m.To) {
		return messages.Result{Event: messages.Refuse, Outcome: "no-smtputf8"} // RFC 6531: this server cannot address it
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	w, at, err := transfer(client, c.c.From, m.To, raw)
	stop()
	if err != nil {
		return failed(at, err, "no-answer")
	}
	defer closeLater(ctx, conn)()
	answer, err := w.CloseWithResponse()
	if err != nil {
		return failed(judging, err, "no-answer")
	}
	client.Quit() // a mail that was acknowledged is sent, whatever the server says to the farewell
	return messages.Result{Event: messages.Accept, Outcome: "250", Words: answer.StatusText}
}

// closeLater closes a connection a grace after ctx ends, unless stop is called first.
func closeLater(ctx context.Context, conn net.Conn) (stop func()) {
	done, stop := context.WithCancel(context.Background())
	context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(done, grace)
		context.AfterFunc(last, func() { conn.Close(); cancel() })
	})
	return stop
}

// failed says what an error means for the mail.
func failed(at stage, err error, otherwise string) messages.Result {
	answer, ok := errors.AsType[*wire.SMTPError](err)
	if !ok {
		r := messages.Result{Event: messages.Delay, Outcome: otherwise, Words: err.Error()}
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			r.Outcome = "too-slow"
		}
		return r
	}
	r := messages.Result{Event: messages.Delay, Outcome: status(answer), Words: answer.Message}
	if at == judging && answer.Code >= 500 {
		r.Event = messages.Refuse
	}
	return r
}

// status writes the codes of an answer: "550 5.1.1".
func status(e *wire.SMTPError) string {
	s := fmt.Sprint(e.Code)
	if e.EnhancedCode[0] > 0 {
		s += " " + strings.Trim(strings.ReplaceAll(fmt.Sprint([3]int(e.EnhancedCode)), " ", "."), "[]")
	}
	return s
}
