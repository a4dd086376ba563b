// Package smtp hands mails to the operator's mail server, signed as the operator's.
//
// It owns the connection, the form of a mail on the wire (RFC 5322, MIME), its two DKIM signatures (RFC 6376, 8463) and
// what a server's answer means. It does not own what a mail says, when it is tried again or what is kept of it
// (messages).
//
// # What is always true
//
//   - All mail comes from one address in the operator's mail domain; a Client with any other is not made.
//   - Every mail is signed with an RSA key of 2048 bits or more and with an Ed25519 key.
//   - Name, password and mail travel over TLS, unless the server is on this machine.
//   - Only an acknowledgement of the whole mail is Accept. Only a refusal of the recipient or of the content is Refuse:
//     a wrong password or a full disk is ours or theirs to mend, and the mail waits.
//   - Once the end of a mail is on its way, the client waits for the answer as long as the standard asks, because
//     giving up earlier sends mails twice.
package smtp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	"achteraf/internal/ident"

	"github.com/emersion/go-sasl"
	wire "github.com/emersion/go-smtp"
)

// How the connection is secured.
const (
	StartTLS = "starttls" // the usual, port 587; a server that does not offer it gets no mail
	TLS      = "tls"      // from the first byte, port 465
	Plain    = "none"     // on this machine only
)

// leastBits is the smallest RSA key that is safe today (RFC 8301 section 3.2).
const leastBits = 2048

// Config is what a Client is built from.
type Config struct {
	Host     string
	Port     int
	Security string
	User     string // "" when the server asks for no name
	Password string
	Domain   string // the operator's mail domain
	From     string // the sender, an address in Domain
	Name     string // of the operator, beside the address
	ReplyTo  string // where answers go; "" to the sender
	Keys     []Key
	Roots    *x509.CertPool // nil: those of the machine

	CommandTime    time.Duration // for a connection and for each answer; 0: 30 s
	SubmissionTime time.Duration // for the acknowledgement of a mail; 0: 10 minutes (RFC 5321 section 4.5.3.2.6)
}

// Key is a key that signs. Its public half stands in the DNS at SELECTOR._domainkey.DOMAIN.
type Key struct {
	Selector string
	Signer   crypto.Signer
}

// Client hands mails to one mail server. It is safe for concurrent use.
type Client struct{ c Config }

// New checks a configuration and makes a Client. Its error says everything that is missing or wrong.
func New(c Config) (*Client, error) {
	if c.CommandTime == 0 {
		c.CommandTime = 30 * time.Second
	}
	if c.SubmissionTime == 0 {
		c.SubmissionTime = 10 * time.Minute
	}
	if wrong := c.check(); len(wrong) > 0 {
		return nil, errors.New(strings.Join(wrong, "\n"))
	}
	return &Client{c}, nil
}

// Domain is the one that all mail comes from.
func (c *Client) Domain() string { return c.c.Domain }

func (c *Config) check() (wrong []string) {
	say := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	say(c.Host == "", "mail.host: name the mail server")
	say(c.Port < 1 || c.Port > 65535, "mail.port: give the port of the mail server, such as 587")
	switch c.Security {
	case StartTLS, TLS:
	case Plain:
		say(!onThisMachine(c.Host), "mail.security: %q is for a server on this machine only", Plain)
	default:
		say(true, "mail.security: say %q, %q or %q", StartTLS, TLS, Plain)
	}
	say(c.User != "" && c.Password == "", "mail.password_file: the user needs a password")
	_, err := ident.Email("x@" + c.Domain)
	say(err != nil, "mail.domain: give the domain that mail comes from")
	from, err := ident.Email(c.From)
	at := strings.LastIndexByte(from, '@')
	say(err != nil, "mail.from: give the address that mail comes from")
	say(err == nil && !strings.EqualFold(from[at+1:], c.Domain), "mail.from: the address is not in the mail domain")
	return append(wrong, c.checkKeys()...)
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *Config) checkKeys() (wrong []string) {
	kinds, selectors := map[string]bool{}, map[string]bool{}
	for _, k := range c.Keys {
		if k.Selector == "" || selectors[k.Selector] {
			wrong = append(wrong, "mail.dkim: each key needs a selector of its own")
		}
		selectors[k.Selector] = true
		switch public := k.Signer.Public().(type) {
		case *rsa.PublicKey:
			kinds["rsa"] = true
			if public.N.BitLen() < leastBits {
				wrong = append(wrong, fmt.Sprintf("mail.dkim: the RSA key needs %d bits or more", leastBits))
			}
		case ed25519.PublicKey:
			kinds["ed25519"] = true
		default:
			wrong = append(wrong, "mail.dkim: a key is neither RSA nor Ed25519")
		}
	}
	if !kinds["rsa"] {
		wrong = append(wrong, "mail.dkim: give an RSA key")
	}
	if !kinds["ed25519"] {
		wrong = append(wrong, "mail.dkim: give an Ed25519 key")
	}
	return wrong
}

// ReadKey reads a private key in PEM, PKCS #8 or PKCS #1. No error repeats what stands in it.
func ReadKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no key in PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("no private key in PKCS #8 or PKCS #1")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("a key that cannot sign")
	}
	return signer, nil
}

// dial connects and says hello, over TLS where the configuration says so, and logs in.
func (c *Client) dial(ctx context.Context) (*wire.Client, net.Conn, error) {
	address := net.JoinHostPort(c.c.Host, fmt.Sprint(c.c.Port))
	conn, err := (&net.Dialer{Timeout: c.c.CommandTime}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	client, err := c.greet(conn)
	if err != nil {
		conn.Close()
	}
	return client, conn, err
}

func (c *Client) greet(conn net.Conn) (client *wire.Client, err error) {
	secure := &tls.Config{ServerName: c.c.Host, MinVersion: tls.VersionTLS12, RootCAs: c.c.Roots}
	switch c.c.Security {
	case StartTLS:
		if client, err = wire.NewClientStartTLS(conn, secure); err != nil {
			return nil, err
		}
	case TLS:
		client = wire.NewClient(tls.Client(conn, secure))
	default:
		client = wire.NewClient(conn)
	}
	client.CommandTimeout, client.SubmissionTimeout = c.c.CommandTime, c.c.SubmissionTime
	if err := client.Hello(c.c.Domain); err != nil {
		return nil, err
	}
	if c.c.User == "" {
		return client, nil
	}
	return client, client.Auth(sasl.NewPlainClient("", c.c.User, c.c.Password))
}

// printable says whether an address needs no extension of the protocol.
func printable(address string) bool {
	return !strings.ContainsFunc(address, func(r rune) bool { return r > 126 })
}

// parsed checks a recipient once more before it stands in a command.
func parsed(address string) error {
	a, err := mail.ParseAddress(address)
	if err != nil || a.Address != address || strings.ContainsAny(address, "\r\n<> ") {
		return errors.New("no address")
	}
	return nil
}

// transfer gives the server the sender, the recipient and the mail up to its last line.
func transfer(client *wire.Client, from, to string, raw []byte) (*wire.DataCommand, stage, error) {
	if err := client.Mail(from, &wire.MailOptions{UTF8: !printable(to), Size: int64(len(raw))}); err != nil {
		return nil, opening, err
	}
	if err := client.Rcpt(to, nil); err != nil {
		return nil, judging, err
	}
	w, err := client.Data()
	if err != nil {
		return nil, judging, err
	}
	_, err = bytes.NewReader(raw).WriteTo(w)
	return w, opening, err
}
