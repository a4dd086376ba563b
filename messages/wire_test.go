package messages_test

import (
	"crypto/ed25519"
	"crypto/rsa"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db/dbtest"
	"achteraf/messages"
	"achteraf/platform"
	"achteraf/providers/mailbox"
	"achteraf/providers/smtp"
)

// keys sign in these tests; making an RSA key is slow.
var keys = sync.OnceValue(func() []smtp.Key {
	long, err1 := rsa.GenerateKey(dbtest.Chance(1), 2048)
	_, short, err2 := ed25519.GenerateKey(dbtest.Chance(2))
	if err1 != nil || err2 != nil {
		panic("no keys")
	}
	return []smtp.Key{{Selector: "r", Signer: long}, {Selector: "e", Signer: short}}
})

// server is a mail server that can be switched off and on.
type server struct {
	t       *testing.T
	box     *mailbox.Box
	address *net.TCPAddr
	running io.Closer
}

func newServer(t *testing.T) *server {
	s := &server{t: t, box: &mailbox.Box{}, address: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	s.on()
	t.Cleanup(s.off)
	return s
}

func (s *server) on() {
	s.t.Helper()
	l, err := net.ListenTCP("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = l.Addr().(*net.TCPAddr)
	s.running = s.box.Serve(l)
}

func (s *server) off() {
	s.box.Fail(mailbox.None)
	s.running.Close()
}

// overSMTP lets a platform mail to the server.
func (s *server) overSMTP(c *platform.Config) {
	client, err := smtp.New(smtp.Config{Host: "127.0.0.1", Port: s.address.Port, Security: smtp.Plain, Domain: "betaalhuis.example",
		From: "rekening@betaalhuis.example", Name: operator.Name, ReplyTo: operator.Email, Keys: keys(),
		CommandTime: time.Second, SubmissionTime: 200 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	c.Mailer, c.MailDomain = client, client.Domain()
}

// TestMailServerFails lets the server fail in every way while an order lives: orders and invoices go on, mails wait
// visibly, and when the server is well again each arrives once.
func TestMailServerFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   mailbox.Fault
		gone    bool
		outcome string
	}{
		{"gone", mailbox.None, true, "no-connection"},
		{"says later", mailbox.Busy, false, "451 4.3.0"},
		{"drops the line", mailbox.Drop, false, "no-answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, engine := range dbtest.Engines() {
				t.Run(engine, func(t *testing.T) {
					s := newServer(t)
					w := newWorld(t, dbtest.Open(t, engine), s.overSMTP)
					w.box = s.box
					s.box.Fail(c.fault)
					if c.gone {
						s.off()
					}
					o := w.place("Ελένη", "fr")
					w.advance(70 * time.Hour)
					w.wants(o, "order-confirmed waiting", "invoice waiting")
					for _, m := range w.of(o) {
						if m.Outcome != c.outcome || m.Attempts < 3 || m.NextAt.IsZero() {
							t.Errorf("%+v", m)
						}
					}
					w.mails(0)
					s.box.Fail(mailbox.None)
					if c.gone {
						s.on()
					}
					w.advance(5 * time.Hour)
					w.wants(o, "order-confirmed sent", "invoice sent")
					w.advance(100 * time.Hour)
					ids := map[string]bool{}
					for _, m := range w.mails(2) {
						ids[m.ID] = true
					}
					if len(ids) != 2 {
						t.Errorf("mails %v", ids)
					}
				})
			}
		})
	}
}

// TestAcknowledgementLost is the gap that no mail server closes: it took the mail, and we never heard. The mail is
// handed over once more, as the same mail, and after that never again.
func TestAcknowledgementLost(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			s := newServer(t)
			w := newWorld(t, dbtest.Open(t, engine), s.overSMTP)
			w.box = s.box
			s.box.Fail(mailbox.Forget)
			o := w.place("Jo", "de")
			w.settle()
			w.wants(o, "order-confirmed waiting")
			s.box.Fail(mailbox.None)
			w.advance(50 * time.Hour)
			w.wants(o, "order-confirmed sent")
			all := w.mails(2)
			if all[0].ID != all[1].ID || all[0].At != all[1].At || all[0].HTML != all[1].HTML {
				t.Error("the second try is another mail")
			}
		})
	}
}

// TestConcurrentSends sends many messages at one time over real connections: each arrives once.
func TestConcurrentSends(t *testing.T) {
	s := newServer(t)
	w := newWorld(t, dbtest.Open(t, "sqlite"), s.overSMTP)
	w.box = s.box
	const orders = 40
	for range orders {
		w.place("Jo", "en")
	}
	for deadline := 0; len(s.box.Mails()) < orders && deadline < 2000; deadline++ {
		if _, err := w.Scanner.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.settle()
	ids := map[string]bool{}
	for _, m := range w.mails(orders) {
		ids[m.ID] = true
	}
	if len(ids) != orders {
		t.Errorf("%d different mails of %d", len(ids), orders)
	}
	w.must(w.Scanner.Close(t.Context()))
}

var _ messages.Mailer = (*smtp.Client)(nil)
