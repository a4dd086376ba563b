package smtp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db/dbtest"
	"achteraf/messages"
	"achteraf/providers/mailbox"
	"achteraf/providers/smtp"

	"github.com/emersion/go-msgauth/dkim"
)

// long and short are the keys that sign; making an RSA key is slow, so all tests share it.
var keys = sync.OnceValues(func() (crypto.Signer, crypto.Signer) {
	long, err1 := rsa.GenerateKey(dbtest.Chance(1), 2048)
	_, short, err2 := ed25519.GenerateKey(dbtest.Chance(2))
	if err1 != nil || err2 != nil {
		panic("no keys")
	}
	return long, short
})

// server starts a mail server on this machine and returns how to reach it.
func server(t *testing.T, box *mailbox.Box) smtp.Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := box.Serve(l)
	t.Cleanup(func() { box.Fail(mailbox.None); s.Close() })
	long, short := keys()
	return smtp.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: smtp.Plain, Domain: "mail.example", From: "bill@mail.example",
		Name: "Betaalhuis “Groen”", ReplyTo: "service@elsewhere.example", Keys: []smtp.Key{{Selector: "r1", Signer: long}, {Selector: "e1", Signer: short}}}
}

func client(t *testing.T, c smtp.Config) *smtp.Client {
	t.Helper()
	made, err := smtp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

var invoice = messages.Mail{ID: "msg_01", To: "koper@example.org", Language: "nl", Subject: "Je rekening van Ζαχαρίας & Co: €\u00a050,40, uiterlijk dinsdag",
	Text: "Te betalen: €\u00a050,40\n.\n.. een punt vooraan\nFrom hier\n" + strings.Repeat("lang ", 400) + "\n-- \nBetaalhuis\n",
	HTML: "<!doctype html><p>€\u00a050,40 <b>Ελένη</b></p>\n", At: calendar.FromMicros(1_795_348_800_000_000)}

// TestOneDomainOnly_S_SEC_01 holds that no Client comes to be that could send from anywhere but the operator's domain.
func TestOneDomainOnly_S_SEC_01(t *testing.T) {
	good := server(t, &mailbox.Box{})
	weak, err := rsa.GenerateKey(dbtest.Chance(3), 1024)
	curve, err2 := ecdsa.GenerateKey(elliptic.P256(), dbtest.Chance(4))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for _, c := range []struct {
		name string
		edit func(*smtp.Config)
		want string
	}{
		{"another domain", func(c *smtp.Config) { c.From = "bill@elsewhere.example" }, "not in the mail domain"},
		{"a domain below", func(c *smtp.Config) { c.From = "bill@x.mail.example" }, "not in the mail domain"},
		{"a domain above", func(c *smtp.Config) { c.Domain = "x.mail.example" }, "not in the mail domain"},
		{"a domain that ends alike", func(c *smtp.Config) { c.From = "bill@evilmail.example" }, "not in the mail domain"},
		{"no sender", func(c *smtp.Config) { c.From = "" }, "mail.from"},
		{"a sender with a name", func(c *smtp.Config) { c.From = "Bill <bill@mail.example>" }, "mail.from"},
		{"no domain", func(c *smtp.Config) { c.Domain = "" }, "mail.domain"},
		{"no host", func(c *smtp.Config) { c.Host = "" }, "mail.host"},
		{"no port", func(c *smtp.Config) { c.Port = 0 }, "mail.port"},
		{"in the clear over a network", func(c *smtp.Config) { c.Host = "192.0.2.1" }, "on this machine only"},
		{"no security", func(c *smtp.Config) { c.Security = "" }, "mail.security"},
		{"a user without a password", func(c *smtp.Config) { c.User = "u" }, "mail.password_file"},
		{"no keys", func(c *smtp.Config) { c.Keys = nil }, "give an Ed25519 key"},
		{"one key", func(c *smtp.Config) { c.Keys = c.Keys[1:] }, "give an RSA key"},
		{"a short key", func(c *smtp.Config) { c.Keys = []smtp.Key{{Selector: "r1", Signer: weak}, c.Keys[1]} }, "2048 bits"},
		{"a key of another kind", func(c *smtp.Config) { c.Keys = append([]smtp.Key{{Selector: "c", Signer: curve}}, c.Keys...) }, "neither RSA nor"},
		{"a selector twice", func(c *smtp.Config) { c.Keys = []smtp.Key{c.Keys[0], {Selector: "r1", Signer: c.Keys[1].Signer}} }, "selector of its own"},
	} {
		bad := good
		c.edit(&bad)
		if _, err := smtp.New(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := smtp.New(smtp.Config{}); err == nil || strings.Count(err.Error(), "\n") < 5 {
		t.Errorf("of an empty configuration not everything is named: %v", err)
	}
}

// TestMailOnTheWire reads what arrived with another parser than the one that wrote it, and looks up both signatures.
func TestMailOnTheWire(t *testing.T) {
	box := &mailbox.Box{}
	c := client(t, server(t, box))
	if r := c.Send(t.Context(), invoice); r.Event != messages.Accept || r.Outcome != "250" {
		t.Fatalf("%+v", r)
	}
	raw := box.Mails()[0].Raw
	in, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	from, err := mail.ParseAddress(in.Header.Get("From"))
	if err != nil || from.Address != "bill@mail.example" || from.Name != "Betaalhuis “Groen”" {
		t.Errorf("from %v %v", from, err)
	}
	subject, err := (&mime.WordDecoder{}).DecodeHeader(in.Header.Get("Subject"))
	if err != nil || subject != invoice.Subject {
		t.Errorf("subject %q %v", subject, err)
	}
	for field, want := range map[string]string{"To": "<koper@example.org>", "Message-ID": "<msg_01@mail.example>", "Reply-To": "<service@elsewhere.example>",
		"Auto-Submitted": "auto-generated", "Content-Language": "nl", "MIME-Version": "1.0", "List-Unsubscribe": ""} {
		if got := in.Header.Get(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	if date, err := in.Header.Date(); err != nil || !date.Equal(invoice.At.Time().Truncate(time.Second)) {
		t.Errorf("date %v %v", date, err)
	}
	kind, params, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s %v", kind, err)
	}
	parts := multipart.NewReader(in.Body, params["boundary"])
	for _, want := range []struct{ kind, text string }{{"text/plain", invoice.Text}, {"text/html", invoice.HTML}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		kind, params, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if got := strings.ReplaceAll(string(text), "\r\n", "\n"); err != nil || kind != want.kind || !strings.EqualFold(params["charset"], "utf-8") || strings.TrimSpace(got) != strings.TrimSpace(want.text) {
			t.Errorf("%s %v: %q", kind, err, got)
		}
	}
	for line := range bytes.Lines(raw) {
		if len(line) > 1000 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	verify(t, raw, 2)
	verify(t, bytes.Replace(raw, []byte("Je_rekening"), []byte("Je_tekening"), 1), 0)
	verify(t, append([]byte("Subject: another\r\n"), raw...), 0)
	verify(t, bytes.Replace(raw, []byte("Betaalhuis\r\n"), []byte("Betaalhuls\r\n"), 1), 0)
}

// verify looks the public keys up as a receiver does, and counts the signatures that hold.
func verify(t *testing.T, raw []byte, want int) {
	t.Helper()
	long, short := keys()
	der, err := x509.MarshalPKIXPublicKey(long.Public())
	if err != nil {
		t.Fatal(err)
	}
	zone := map[string]string{
		"r1._domainkey.mail.example": "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der),
		"e1._domainkey.mail.example": "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(short.Public().(ed25519.PublicKey)),
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if zone[name] == "" {
			return nil, fmt.Errorf("no record %s", name)
		}
		return []string{zone[name]}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, f := range found {
		if f.Err == nil && f.Domain == "mail.example" && strings.Count(strings.ToLower(strings.Join(f.HeaderKeys, " ")+" "), "from ") == 2 {
			good++
		}
	}
	if len(found) != 2 || good != want {
		t.Errorf("%d of %d signatures hold, want %d", good, len(found), want)
	}
}

// TestPicturesOnTheWire_S_PAY_03 holds that the pictures of a mail stand in the same part as the HTML that names them,
// that a second try is the same mail, and that the signatures cover them.
func TestPicturesOnTheWire_S_PAY_03(t *testing.T) {
	box := &mailbox.Box{}
	c := client(t, server(t, box))
	m := invoice
	m.Images = []messages.Image{{ID: "page.msg_01@mail.example", PNG: bytes.Repeat([]byte("a picture\xff"), 100)}, {ID: "transfer.msg_01@mail.example", PNG: []byte{0x89, 'P'}}}
	c.Send(t.Context(), m)
	c.Send(t.Context(), m)
	all := box.Mails()
	if len(all) != 2 || len(all[0].Images) != 2 || all[0].HTML == "" || all[0].Text == "" {
		t.Fatalf("%d mails, %+v", len(all), all)
	}
	for i, want := range m.Images {
		if got := all[0].Images[i]; got.ID != want.ID || !bytes.Equal(got.PNG, want.PNG) {
			t.Errorf("%+v", got)
		}
	}
	in, err := mail.ReadMessage(bytes.NewReader(all[0].Raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" {
		t.Fatalf("%s %v", kind, err)
	}
	var kinds []string
	for parts := multipart.NewReader(in.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, inner, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		place, _, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		if kinds = append(kinds, kind+" "+place); inner["boundary"] == params["boundary"] {
			t.Error("a part within the mail ends where the mail does")
		}
	}
	if want := []string{"multipart/alternative ", "image/png inline", "image/png inline"}; !slices.Equal(kinds, want) {
		t.Errorf("parts %q, want %q", kinds, want)
	}
	rest := func(raw []byte) string { return string(raw[bytes.Index(raw, []byte("\r\nDate: ")):]) }
	if rest(all[0].Raw) != rest(all[1].Raw) {
		t.Error("the second try is another mail")
	}
	verify(t, all[0].Raw, 2)
	verify(t, bytes.Replace(all[0].Raw, []byte("iVA="), []byte("iVB="), 1), 0)
}

// TestTheSameMailAgain holds that a second try differs in nothing but the time of its signatures.
func TestTheSameMailAgain(t *testing.T) {
	box := &mailbox.Box{}
	c := client(t, server(t, box))
	c.Send(t.Context(), invoice)
	c.Send(t.Context(), invoice)
	all := box.Mails()
	if len(all) != 2 {
		t.Fatalf("%d mails", len(all))
	}
	rest := func(raw []byte) string { return string(raw[bytes.Index(raw, []byte("\r\nDate: ")):]) }
	if rest(all[0].Raw) != rest(all[1].Raw) {
		t.Error("a second try is another mail")
	}
}

// TestFaultsOfTheServer tries faults of the server: what each one means for the mail, and that nothing is held which was not taken.
func TestFaultsOfTheServer(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   mailbox.Fault
		want    messages.Event
		outcome string
		held    int
	}{
		{"refuses for good", mailbox.Refuse, messages.Refuse, "550 5.1.1", 0},
		{"says later", mailbox.Busy, messages.Delay, "451 4.3.0", 0},
		{"drops the line", mailbox.Drop, messages.Delay, "no-answer", 0},
		{"takes it and drops the line", mailbox.Forget, messages.Delay, "no-answer", 1},
		{"does not answer", mailbox.Hang, messages.Delay, "too-slow", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			box := &mailbox.Box{}
			config := server(t, box)
			config.SubmissionTime = 200 * time.Millisecond
			box.Fail(c.fault)
			if r := client(t, config).Send(t.Context(), invoice); r.Event != c.want || r.Outcome != c.outcome {
				t.Errorf("%+v", r)
			}
			if n := len(box.Mails()); n != c.held {
				t.Errorf("the server holds %d", n)
			}
		})
	}
}

// TestSlowServerGetsTheMailOnce lets a server take its time: within what the standard grants, the mail is sent, once.
func TestSlowServerGetsTheMailOnce(t *testing.T) {
	box := &mailbox.Box{}
	config := server(t, box)
	config.CommandTime, config.SubmissionTime = 100*time.Millisecond, time.Minute
	box.Fail(mailbox.Hang)
	done := make(chan messages.Result)
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- client(t, config).Send(ctx, invoice) }()
	for box.Tries() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	stop() // the process is asked to stop: the mail is on its way, so its answer is awaited all the same
	box.Fail(mailbox.None)
	if r := <-done; r.Event != messages.Accept || len(box.Mails()) != 1 {
		t.Errorf("%+v, %d mails", r, len(box.Mails()))
	}
}

// TestNoServer covers a server that is gone, one that never greets, and a password that is wrong: all of them are no
// fault of the mail, so it waits.
func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts by the kernel and says nothing
	if err != nil {
		t.Fatal(err)
	}
	config := server(t, &mailbox.Box{})
	config.Port, config.CommandTime = l.Addr().(*net.TCPAddr).Port, 100*time.Millisecond
	if r := client(t, config).Send(t.Context(), invoice); r.Event != messages.Delay || r.Outcome != "too-slow" {
		t.Errorf("a silent server: %+v", r)
	}
	l.Close()
	if r := client(t, config).Send(t.Context(), invoice); r.Event != messages.Delay || r.Outcome != "no-connection" {
		t.Errorf("no server: %+v", r)
	}
	box := &mailbox.Box{TLS: certificate(t).server, User: "operator", Password: "right"}
	config = server(t, box)
	config.Security, config.Roots, config.User, config.Password = smtp.StartTLS, certificate(t).roots, "operator", "wrong"
	if r := client(t, config).Send(t.Context(), invoice); r.Event != messages.Delay || !strings.HasPrefix(r.Outcome, "535") {
		t.Errorf("a wrong password: %+v", r)
	}
}

// TestTLS sends over STARTTLS with a password, and refuses a server that does not offer TLS or has a foreign certificate.
func TestTLS(t *testing.T) {
	made := certificate(t)
	box := &mailbox.Box{TLS: made.server, User: "operator", Password: "right"}
	config := server(t, box)
	config.Security, config.Roots, config.User, config.Password = smtp.StartTLS, made.roots, "operator", "right"
	if r := client(t, config).Send(t.Context(), invoice); r.Event != messages.Accept || len(box.Mails()) != 1 {
		t.Errorf("%+v", r)
	}
	config.Roots = x509.NewCertPool()
	if r := client(t, config).Send(t.Context(), invoice); r.Event != messages.Delay || len(box.Mails()) != 1 {
		t.Errorf("a foreign certificate: %+v", r)
	}
	plain := server(t, &mailbox.Box{})
	plain.Security = smtp.StartTLS
	if r := client(t, plain).Send(t.Context(), invoice); r.Event != messages.Delay {
		t.Errorf("a server without TLS: %+v", r)
	}
}

type made struct {
	server *tls.Config
	roots  *x509.CertPool
}

// certificate makes a certificate of this machine, always the same.
func certificate(t *testing.T) made {
	t.Helper()
	_, key := keys()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(dbtest.Chance(5), template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return made{&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots}
}

// TestRecipients covers addresses that need care.
func TestRecipients(t *testing.T) {
	for _, c := range []struct {
		to   string
		want messages.Event
	}{
		{"koper+tag@example.org", messages.Accept}, {"ελένη@example.org", messages.Accept},
		{"a@example.org\r\nRCPT TO:<b@example.org>", messages.Refuse}, {"Jo <jo@example.org>", messages.Refuse}, {"", messages.Refuse},
	} {
		box := &mailbox.Box{}
		m := invoice
		m.To = c.to
		r := client(t, server(t, box)).Send(t.Context(), m)
		if r.Event != c.want || (r.Event == messages.Accept) != (len(box.Mails()) == 1) {
			t.Errorf("%q: %+v", c.to, r)
		}
		if len(box.Mails()) == 1 && box.Mails()[0].To != c.to {
			t.Errorf("%q went to %q", c.to, box.Mails()[0].To)
		}
	}
}

func TestReadKey(t *testing.T) {
	long, short := keys()
	one, err1 := x509.MarshalPKCS8PrivateKey(long)
	two, err2 := x509.MarshalPKCS8PrivateKey(short)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for _, b := range []pem.Block{{Type: "PRIVATE KEY", Bytes: one}, {Type: "PRIVATE KEY", Bytes: two},
		{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(long.(*rsa.PrivateKey))}} {
		if _, err := smtp.ReadKey(pem.EncodeToMemory(&b)); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"", "secret words", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret words")}))} {
		if _, err := smtp.ReadKey([]byte(text)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
