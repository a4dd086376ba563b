// Package mailbox is a mail server in this process that keeps what it gets, for demonstrations, stories and tests.
//
// It owns the mails it holds, their pages, and the faults that a test sets. It does not own how a mail looks
// (messages, providers/smtp), and it sends nothing on.
//
// # What is always true
//
//   - Over SMTP it behaves as a server does: what it acknowledged it holds, what it refused it does not. A mail whose
//     acknowledgement was lost it holds too, so a second try of it is seen as a second mail.
//   - It holds the last mails only, in memory.
package mailbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"sync"

	"achteraf/calendar"
	"achteraf/messages"

	"github.com/emersion/go-sasl"
	wire "github.com/emersion/go-smtp"
)

const (
	usual     = 2000    // mails that a Box holds
	mostBytes = 1 << 20 // of one mail
)

// Fault is what goes wrong.
type Fault int

const (
	None   Fault = iota
	Refuse       // "no such user", for good
	Busy         // "try again later"
	Drop         // the connection ends before the mail was taken
	Forget       // the mail is taken, and the connection ends before that was said
	Hang         // the mail is taken when the fault ends, and only then answered
)

// Mail is one that arrived.
type Mail struct {
	ID      string           `json:"id"` // of the message, as its Message-ID says
	To      string           `json:"to"`
	From    string           `json:"from"`
	Subject string           `json:"subject"`
	At      calendar.Instant `json:"at"` // the date in the mail
	Text    string           `json:"text"`
	HTML    string           `json:"html"`
	Images  []messages.Image `json:"images,omitempty"` // that the HTML shows
	Files   []messages.File  `json:"files,omitempty"`  // that came with it
	Raw     []byte           `json:"-"`                // as it came over the wire
}

// Box holds mails. Its zero value is ready.
type Box struct {
	Most           int         // mails that it holds; 0: 2000
	TLS            *tls.Config // nil: it offers none
	User, Password string      // whom it lets in; "": everybody

	mu    sync.Mutex
	mails []Mail
	tries int
	fault Fault
	freed chan struct{} // closed when a Hang ends
}

// Fail sets what goes wrong from now on, and ends what went wrong before.
func (b *Box) Fail(f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
	if f == Hang {
		b.freed = make(chan struct{})
	}
	b.fault = f
}

// Mails returns what arrived, oldest first.
func (b *Box) Mails() []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Mail{}, b.mails...)
}

// Tries is how many mails were begun.
func (b *Box) Tries() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tries
}

func (b *Box) begin() (Fault, chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	return b.fault, b.freed
}

func (b *Box) keep(m Mail) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = append(b.mails, m)
	if over := len(b.mails) - cmp.Or(b.Most, usual); over > 0 {
		b.mails = slices.Delete(b.mails, 0, over)
	}
}

// Send takes a mail without a network, for worlds that make many.
func (b *Box) Send(ctx context.Context, m messages.Mail) messages.Result {
	fault, freed := b.begin()
	switch fault {
	case Refuse:
		return messages.Result{Event: messages.Refuse, Outcome: "550 5.1.1", Words: "no such user"}
	case Busy, Drop:
		return messages.Result{Event: messages.Delay, Outcome: "451 4.3.0", Words: "try again later"}
	case Hang:
		select {
		case <-freed:
		case <-ctx.Done():
			return messages.Result{Event: messages.Delay, Outcome: "too-slow"}
		}
	}
	b.keep(Mail{ID: m.ID, To: m.To, Subject: m.Subject, At: m.At, Text: m.Text, HTML: m.HTML, Images: m.Images, Files: m.Files})
	if fault == Forget {
		return messages.Result{Event: messages.Delay, Outcome: "no-answer"}
	}
	return messages.Result{Event: messages.Accept, Outcome: "250", Words: "kept"}
}

// Serve takes mails over SMTP until the server that it returns is closed.
func (b *Box) Serve(l net.Listener) *wire.Server {
	s := wire.NewServer(wire.BackendFunc(func(c *wire.Conn) (wire.Session, error) { return &session{box: b, conn: c}, nil }))
	s.Domain, s.EnableSMTPUTF8, s.MaxMessageBytes, s.MaxRecipients = "mailbox.example", true, mostBytes, 1
	s.ErrorLog, s.TLSConfig = silent{}, b.TLS
	go s.Serve(l)
	return s
}

// silent drops what the server would log: a demonstration's mails hold addresses.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// session is one connection.
type session struct {
	box      *Box
	conn     *wire.Conn
	from, to string
	fault    Fault
	freed    chan struct{}
}

func (s *session) Reset()        { s.from, s.to = "", "" }
func (s *session) Logout() error { return nil }

// AuthMechanisms and Auth let in who knows the password.
func (s *session) AuthMechanisms() []string {
	if s.box.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.box.User || password != s.box.Password {
			return wire.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *wire.MailOptions) error {
	s.from = from
	s.fault, s.freed = s.box.begin()
	return nil
}

func (s *session) Rcpt(to string, _ *wire.RcptOptions) error {
	switch s.fault {
	case Refuse:
		return &wire.SMTPError{Code: 550, EnhancedCode: wire.EnhancedCode{5, 1, 1}, Message: "no such user: " + to}
	case Busy:
		return &wire.SMTPError{Code: 451, EnhancedCode: wire.EnhancedCode{4, 3, 0}, Message: "try again later"}
	}
	s.to = to
	return nil
}

var errGone = errors.New("the connection is gone")

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.fault == Hang {
		<-s.freed
	}
	if s.fault == Drop {
		s.conn.Conn().Close()
		return errGone
	}
	m, err := read(raw)
	if err != nil {
		return &wire.SMTPError{Code: 554, EnhancedCode: wire.EnhancedCode{5, 6, 0}, Message: "not a mail: " + err.Error()}
	}
	m.To, m.From = s.to, s.from
	s.box.keep(m)
	if s.fault == Forget {
		s.conn.Conn().Close()
		return errGone
	}
	return nil
}

// read takes a mail apart, with nothing but the standard library.
func read(raw []byte) (Mail, error) {
	in, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	m := Mail{Raw: raw}
	m.ID, _, _ = strings.Cut(strings.Trim(in.Header.Get("Message-ID"), "<>"), "@")
	if m.Subject, err = (&mime.WordDecoder{}).DecodeHeader(in.Header.Get("Subject")); err != nil {
		return m, err
	}
	date, err := in.Header.Date()
	if err != nil {
		return m, err
	}
	m.At = calendar.At(date)
	return m, m.part(textproto.MIMEHeader(in.Header), in.Body)
}

// part takes a part of a mail apart, and what is in it.
func (m *Mail) part(head textproto.MIMEHeader, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(head.Get("Content-Type"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err == nil {
				err = m.part(part.Header, part)
			}
			if err != nil {
				return err
			}
		}
	}
	data, err := decode(head.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		return err
	}
	if how, about, _ := mime.ParseMediaType(head.Get("Content-Disposition")); how == "attachment" {
		m.Files = append(m.Files, messages.File{Name: about["filename"], Type: kind, Data: data})
		return nil
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	switch kind {
	case "text/plain":
		m.Text = text
	case "text/html":
		m.HTML = text
	case "image/png":
		m.Images = append(m.Images, messages.Image{ID: strings.Trim(head.Get("Content-ID"), "<>"), PNG: data})
	}
	return nil
}

func decode(encoding string, r io.Reader) ([]byte, error) {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	return io.ReadAll(r)
}
