package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/messages"
	"achteraf/platform"
	"achteraf/providers/mailbox"
	"achteraf/providers/smtp"

	"github.com/BurntSushi/toml"
)

// mailSettings is the [mail] table of the configuration file.
type mailSettings struct {
	Off          bool   `toml:"off"`
	Host         string `toml:"host"`
	Port         int    `toml:"port"`
	Security     string `toml:"security"`
	User         string `toml:"user"`
	PasswordFile string `toml:"password_file"`
	Domain       string `toml:"domain"`
	From         string `toml:"from"`
	DKIM         []struct {
		Selector string `toml:"selector"`
		KeyFile  string `toml:"key_file"`
	} `toml:"dkim"`
}

// configureMail reads the [mail] table. Its error says, a line each, what is missing or wrong.
func configureMail(c *platform.Config, path string) error {
	var file tables
	if path != "" {
		if _, err := toml.DecodeFile(path, &file); err != nil {
			return nil // what is wrong with the file is said once, where the operator is read
		}
	}
	switch m := file.Mail; {
	case m == nil:
		return errors.New("mail: give a [mail] table (see docs/achteraf.toml), or say off = true in it")
	case m.Off:
		c.MailOff = true
		c.Log.Warn("mail is switched off: buyers get no confirmation and no invoice by mail")
		return nil
	default:
		return m.configure(c)
	}
}

func (m *mailSettings) configure(c *platform.Config) error {
	s := smtp.Config{Host: m.Host, Port: m.Port, Security: m.Security, User: m.User, Domain: m.Domain, From: m.From,
		Name: c.Operator.Name, ReplyTo: c.Operator.Email}
	var wrong []error
	password, err := secret("ACHTERAF_MAIL_PASSWORD", m.PasswordFile)
	if err != nil {
		wrong = append(wrong, fmt.Errorf("mail.password_file: %w", err))
	}
	s.Password = password
	for _, k := range m.DKIM {
		text, err := secret("", k.KeyFile)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("mail.dkim: %w", err))
			continue
		}
		key, err := smtp.ReadKey([]byte(text))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("mail.dkim: %s: %w", k.KeyFile, err))
			continue
		}
		s.Keys = append(s.Keys, smtp.Key{Selector: k.Selector, Signer: key})
	}
	client, err := smtp.New(s)
	if err := errors.Join(append(wrong, err)...); err != nil {
		return err
	}
	c.Mailer, c.MailDomain = client, client.Domain()
	return nil
}

// dnsTime is how long the look at our domain may take.
const dnsTime = 5 * time.Second

// checkDomain looks our mail domain up as receivers do.
func checkDomain(ctx context.Context, m messages.Mailer) []smtp.Finding {
	client, ok := m.(*smtp.Client)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dnsTime)
	defer cancel()
	return client.CheckDNS(ctx, net.DefaultResolver.LookupTXT)
}

// mostWait is how long a mail may wait before doctor calls it a fault: a server that says "later" once is none.
const mostWait = time.Hour

// checkWaiting says what waits for the mail server.
func checkWaiting(ctx context.Context, d *db.DB) (what string, err error) {
	var n int64
	var since, now calendar.Instant
	err = d.Read(ctx, func(tx *db.Tx) (err error) {
		now = tx.Now
		n, since, err = messages.Backlog(ctx, tx)
		return err
	})
	switch age := now.Sub(since).Round(time.Second); {
	case err != nil || n == 0:
		return "no mail waits", err
	case age > mostWait:
		return "mails go out", fmt.Errorf("%d wait, the oldest for %s; does the mail server take them?", n, age)
	default:
		return fmt.Sprintf("mails go out (%d wait, the oldest for %s)", n, age), nil
	}
}

// noMail is for platforms whose mails nobody reads.
func noMail(c *platform.Config) { c.MailOff = true }

// demoMail starts the demo's own mail server on this machine, and makes a client that mails to it with keys of its own.
func demoMail(box *mailbox.Box) (*smtp.Client, io.Closer, error) {
	long, err1 := rsa.GenerateKey(rand.Reader, 2048)
	_, short, err2 := ed25519.GenerateKey(rand.Reader)
	l, err3 := net.Listen("tcp", "127.0.0.1:0")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, nil, err
	}
	server := box.Serve(l)
	o := demoOperator()
	client, err := smtp.New(smtp.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: smtp.Plain, Domain: "achteraf.example",
		From: "rekening@achteraf.example", Name: o.Name, ReplyTo: o.Email,
		Keys: []smtp.Key{{Selector: "rsa", Signer: long}, {Selector: "ed", Signer: short}}})
	if err != nil {
		server.Close()
	}
	return client, server, err
}
