package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// browser is somebody's browser: its cookies, its language, and the page that it shows.
type browser struct {
	http  *http.Client
	lang  string
	shows *sight
}

// sight is a page as somebody sees it.
type sight struct {
	at     *url.URL
	status int
	text   string
	forms  []form
	links  []button // label, and the address as its value
}

type form struct {
	method, action string
	hidden         url.Values
	fields         []string
	buttons        []button
}

type button struct{ label, name, value string }

func newBrowser(lang string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	return &browser{http: &http.Client{Jar: jar, Timeout: patience}, lang: lang}, err
}

// open goes to an address, and wherever it leads.
func (b *browser) open(method, address string, fields url.Values) error {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(fields.Encode())
	} else if len(fields) > 0 {
		address += "?" + fields.Encode()
	}
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		return err
	}
	r.Header.Set("Accept-Language", b.lang)
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	got, err := b.http.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return err
	}
	b.shows = &sight{at: got.Request.URL, status: got.StatusCode}
	return b.shows.read(text)
}

// blocks are the elements that stand on lines of their own.
var blocks = strings.Fields("title h1 h2 h3 p div li dt dd tr td th form button label section main header footer option summary fieldset legend a span")

// read takes a page apart.
func (s *sight) read(page []byte) error {
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var text, label strings.Builder
	main := "" // the part that matters, where a page says which it is
	var pressed, link *button
	unseen := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s cannot be read: %w", s.at, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			name := t.Name.Local
			if slices.Contains(blocks, name) {
				text.WriteByte('\n')
			}
			switch name {
			case "main":
				text.Reset()
			case "style", "script", "svg":
				unseen++
			case "form":
				s.forms = append(s.forms, form{method: strings.ToUpper(attr(t, "method")), action: attr(t, "action"), hidden: url.Values{}})
			case "input", "textarea", "select":
				s.input(t)
			case "button":
				pressed = &button{"", attr(t, "name"), attr(t, "value")}
				label.Reset()
			case "a":
				link = &button{"", "", attr(t, "href")}
				label.Reset()
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "main":
				main = text.String()
			case "style", "script", "svg":
				unseen--
			case "button":
				if pressed != nil && len(s.forms) > 0 {
					pressed.label = plain(label.String())
					f := &s.forms[len(s.forms)-1]
					f.buttons = append(f.buttons, *pressed)
				}
				pressed = nil
			case "a":
				if link != nil {
					link.label = plain(label.String())
					s.links = append(s.links, *link)
				}
				link = nil
			}
		case xml.CharData:
			if unseen == 0 {
				text.Write(t)
				label.Write(t)
			}
		}
	}
	lines := strings.Split(cmp.Or(main, text.String()), "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	s.text = strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
	return nil
}

// input notes a field of the form that is being read.
func (s *sight) input(t xml.StartElement) {
	name := attr(t, "name")
	if len(s.forms) == 0 || name == "" {
		return
	}
	f := &s.forms[len(s.forms)-1]
	if attr(t, "type") == "hidden" {
		f.hidden.Add(name, attr(t, "value"))
		return
	}
	f.fields = append(f.fields, name)
}

func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// plain is a text with single, ordinary spaces.
func plain(text string) string { return strings.Join(strings.Fields(text), " ") }

// press presses the first button with such a label, with fields filled in, or follows the first link.
func (b *browser) press(label string, fill []string) error {
	for _, f := range b.shows.forms {
		for _, one := range f.buttons {
			if fits, err := path.Match(label, one.label); err != nil || !fits {
				continue
			}
			return b.send(f, one, fill)
		}
	}
	for _, l := range b.shows.links {
		if fits, err := path.Match(label, l.label); err != nil || !fits || len(fill) > 0 {
			continue
		}
		to, err := b.shows.at.Parse(l.value)
		if err != nil {
			return err
		}
		return b.open(http.MethodGet, to.String(), nil)
	}
	return fmt.Errorf("there is no button %q on %s:\n%s", label, b.shows.at, b.shows.text)
}

func (b *browser) send(f form, pressed button, fill []string) error {
	fields := url.Values{}
	for name, values := range f.hidden {
		fields[name] = values
	}
	for _, one := range fill {
		name, value, _ := strings.Cut(one, "=")
		if !slices.Contains(f.fields, name) {
			return fmt.Errorf("the form of %q has no field %s", pressed.label, name)
		}
		fields.Set(name, value)
	}
	if pressed.name != "" {
		fields.Set(pressed.name, pressed.value)
	}
	to, err := b.shows.at.Parse(f.action)
	if err != nil {
		return err
	}
	return b.open(f.method, to.String(), fields)
}

// browser NAME [LANGUAGE]: from here on use this browser.
func (s *teller) browser(bool) (err error) {
	name, lang := s.args[0], "nl"
	if len(s.args) > 1 {
		lang = s.args[1]
	}
	if s.browsers[name] == nil {
		if s.browsers[name], err = newBrowser(lang); err != nil {
			return err
		}
	}
	s.uses = s.browsers[name]
	return nil
}

// opened tells what a browser shows, and wants it to be a page, or a refusal.
func (s *teller) opened(refused bool) error {
	b := s.uses
	fmt.Fprintf(s.ts.Stdout(), "%s\n", b.shows.text)
	if id, ok := strings.CutPrefix(b.shows.at.Path, demoProvider+"/checkout/"); ok {
		s.ts.Setenv("PAYMENT", id)
	}
	if got := b.shows.status >= 400; got != refused {
		return fmt.Errorf("%s: %d", b.shows.at, b.shows.status)
	}
	return nil
}

// [!] page ADDRESS
func (s *teller) page(refused bool) error {
	address := s.args[0]
	if strings.HasPrefix(address, "/") {
		address = s.url + address
	}
	if err := s.uses.open(http.MethodGet, address, nil); err != nil {
		return err
	}
	return s.opened(refused)
}

// [!] press LABEL [FIELD=VALUE…]
func (s *teller) press(refused bool) error {
	if err := s.uses.press(s.args[0], s.args[1:]); err != nil {
		return err
	}
	return s.opened(refused)
}

// [!] see TEXT…
func (s *teller) see(none bool) error {
	page := plain(s.uses.shows.text)
	for _, text := range s.args {
		if strings.Contains(page, plain(text)) == none {
			return fmt.Errorf("%q: not so on %s:\n%s", text, s.uses.shows.at, s.uses.shows.text)
		}
	}
	return nil
}

var (
	linkInMail = regexp.MustCompile(`https?://\S+`)
	codeInMail = regexp.MustCompile(`\b[2-9A-HJ-NP-Z]{4}\x{a0}[2-9A-HJ-NP-Z]{4}\b`)
)

// letter PATTERN: the oldest mail with such a subject that the story has not read yet; its link is $LINK, its code $CODE.
// Denied: there is none once everything due is done.
func (s *teller) letter(none bool) error {
	if none {
		if _, err := s.settled(); err != nil {
			return err
		}
		m, err := s.unread()
		if err == nil && m != nil {
			err = fmt.Errorf("there is a mail %q", m.Subject)
		}
		return err
	}
	return waitUntil(context.Background(), "a mail "+s.args[0], func() (bool, error) {
		m, err := s.unread()
		if err != nil || m == nil {
			return false, err
		}
		s.read[m.ID] = true
		s.ts.Setenv("LINK", linkInMail.FindString(m.Text))
		s.ts.Setenv("CODE", plain(codeInMail.FindString(m.Text)))
		fmt.Fprint(s.ts.Stdout(), m)
		return true, nil
	})
}

// mailed is a mail in the mailbox.
type mailed struct {
	ID, To, Subject, Text string
	Files                 []struct {
		Name, Type string
		Data       []byte
	}
}

// String is a mail as it is printed: what is attached stands on top, each with how it begins.
func (m *mailed) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "To: %s\nSubject: %s\n", m.To, m.Subject)
	for _, f := range m.Files {
		fmt.Fprintf(&b, "Attached: %s (%s) %.5s\n", f.Name, f.Type, f.Data)
	}
	return b.String() + "\n" + m.Text + "\n"
}

func (s *teller) unread() (*mailed, error) {
	got, err := s.http.Get(s.mailboxURL + "/messages.json")
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	var all struct{ Messages []mailed }
	if err := json.NewDecoder(got.Body).Decode(&all); err != nil {
		return nil, err
	}
	for _, m := range all.Messages {
		if fits, err := path.Match(s.args[0], m.Subject); err != nil || fits && !s.read[m.ID] {
			return &m, err
		}
	}
	return nil, nil
}

// queued N: so many mails wait to be sent.
func (s *teller) queued(bool) error {
	return waitUntil(context.Background(), s.args[0]+" mails that wait", func() (bool, error) {
		n, err := number(context.Background(), s.database, "select count(*) from messages where state = 'waiting' and attempts > 0")
		return fmt.Sprint(n) == s.args[0], err
	})
}

// linger SPAN: as if the sign-in links had been asked for so much earlier. They live by the time on the wall, which no
// demonstration moves.
func (s *teller) linger(bool) error {
	by, err := time.ParseDuration(s.args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d, err := openDB(ctx, s.database, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Write(ctx, func(tx *db.Tx) error {
		ends := map[string]calendar.Instant{}
		err := tx.Each(ctx, `select id, expires_at from signins`, nil, func(r db.Row) error {
			var id string
			var at calendar.Instant
			err := r.Scan(&id, &at)
			ends[id] = at
			return err
		})
		for id, at := range ends {
			if err == nil {
				_, err = tx.Exec(ctx, `update signins set expires_at = $2 where id = $1`, id, at.Add(-by))
			}
		}
		return err
	})
}

// demoProvider is where a demo's payment provider is.
const demoProvider = "/demo/psp"

// [!] webhook [-forged] PAYMENT: somebody says that there are news of a payment, where the provider says so; forged: at
// an address that was guessed.
func (s *teller) webhook(refused bool) error {
	args := s.args
	forged := args[0] == "-forged"
	if forged {
		args = args[1:]
	}
	if s.hooks == "" {
		if err := s.findHooks(); err != nil {
			return err
		}
	}
	to := s.hooks
	if forged {
		to = to[:len(to)-4] + "0000"
	}
	got, err := s.http.PostForm(to, url.Values{"id": {args[0]}})
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if (got.StatusCode >= 400) != refused {
		return fmt.Errorf("the webhook is answered %d", got.StatusCode)
	}
	_, err = s.settled()
	return err
}

// findHooks asks the provider where it says that there are news of the story's payment.
func (s *teller) findHooks() error {
	r, err := http.NewRequest(http.MethodGet, s.url+demoProvider+"/v2/payments/"+s.ts.Getenv("PAYMENT"), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+demoPSPKey)
	got, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	var p struct{ WebhookURL string }
	if err := json.NewDecoder(got.Body).Decode(&p); err != nil {
		return err
	}
	if s.hooks = p.WebhookURL; s.hooks == "" {
		return errors.New("the provider knows no address for webhooks")
	}
	return nil
}

// payout FILE: the payment provider pays out, and the bank's file says so.
func (s *teller) payout(bool) error {
	got, err := s.http.Post(s.url+demoProvider+"/settle", "", nil)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	file, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK {
		return fmt.Errorf("the provider pays nothing out: %d %s %w", got.StatusCode, file, err)
	}
	return os.WriteFile(s.ts.MkAbs(s.args[0]), file, 0o600)
}

// owed EUR: so much the payment provider owes us.
func (s *teller) owed(bool) error {
	return s.sum("owed by the provider", "coalesce(sum(cents), 0) as bigint) from postings where code = 'psp'")
}
