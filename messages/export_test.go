package messages

import (
	"fmt"
	"io/fs"
	"strings"

	"achteraf/invoices"
	"achteraf/merchants"
)

// Load reads texts and templates from files, as New does from those that ship with the program.
func Load(files fs.FS) error {
	_, err := newLibrary(files)
	return err
}

// Shipped are the texts and templates of the program.
var Shipped = fs.FS(shipped)

// Try writes every message in a language about an invented order. The first is the whole one.
func Try(o merchants.Operator, language string) (all map[string][]Mail, err error) {
	l, err := own()
	if err != nil {
		return nil, err
	}
	all = map[string][]Mail{}
	for _, k := range l.kinds {
		for _, s := range samples(o, "mail.example", language) {
			if !s.of(k) {
				continue
			}
			c, err := l.write(k, &s.facts)
			if err != nil {
				return nil, err
			}
			images, err := c.images()
			if err != nil {
				return nil, err
			}
			all[k.code] = append(all[k.code], Mail{Subject: c.Subject, Text: c.Text, HTML: c.HTML, Images: images})
		}
	}
	return all, nil
}

// TryInvoice writes the whole invoice of a debtor in a country.
func TryInvoice(o merchants.Operator, language, country string) (Mail, error) {
	l, err := own()
	if err != nil {
		return Mail{}, err
	}
	f := samples(o, "mail.example", language)[0].facts
	f.order.Country = country
	c, err := l.write(l.of(invoices.FactIssued), &f)
	if err != nil {
		return Mail{}, err
	}
	images, err := c.images()
	return Mail{Subject: c.Subject, Text: c.Text, HTML: c.HTML, Images: images}, err
}

// TryLines writes an order of many long lines.
func TryLines(n int) (Mail, error) {
	l, err := own()
	if err != nil {
		return Mail{}, err
	}
	f := samples(merchants.Operator{}, "mail.example", "nl")[0].facts
	line := f.lines[0]
	line.Description = strings.Repeat("<&>", 60)
	f.lines = nil
	for range n {
		f.lines = append(f.lines, line)
	}
	f.order.TotalCents = int64(n) * line.TotalCents
	c, err := l.write(l.kinds[0], &f)
	return Mail{Text: c.Text, HTML: c.HTML}, err
}

// Transitions are the rows of the table of states.
func Transitions() (all [][3]string) {
	for _, t := range transitions {
		all = append(all, [3]string{string(t.from), string(t.on), string(t.to)})
	}
	return all
}

// Page is docs/messages.md, made of the tables of this package.
func Page() string {
	var b strings.Builder
	b.WriteString("# Messages\n\nMade by `go test ./messages -update` from the tables in the code. What each message says, in four languages, stands in\n" +
		"`messages/testdata`. A message is stored with its text, sealed, and sent by a due row `" + DueSend + "`; `messages/doc.go` says\n" +
		"what is promised about sending twice.\n\n## What is mailed\n\n| code | because of | kept as | version of the texts | always says |\n|---|---|---|---|---|\n")
	for _, k := range kinds() {
		because := "a request to sign in"
		if k.code == NewDevice {
			because = "a sign-in on a device that was not known"
		}
		if k.fact != "" {
			because = "`" + k.fact + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %d | %s |\n", k.code, because, k.purpose, k.template, strings.Join(k.needs, ", "))
	}
	b.WriteString("\n## States\n\n| from | on | to | by |\n|---|---|---|---|\n")
	for _, t := range transitions {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", t.from, t.on, t.to, t.by)
	}
	b.WriteString("\n## When an attempt is made\n\n| attempt | after the one before |\n|---|---|\n| 1 | at once |\n")
	for n := int64(1); n < 10; n++ {
		fmt.Fprintf(&b, "| %d | %s |\n", n+1, wait(n))
	}
	fmt.Fprintf(&b, "\nFrom then on every %s, until %s after the message was made.\n", mostWait, giveUp)
	return b.String()
}

// Writer returns what writes one invoice, to measure it.
func Writer() func() error {
	l, err := own()
	if err != nil {
		return func() error { return err }
	}
	f := samples(merchants.Operator{}, "mail.example", "nl")[0].facts
	return func() error {
		_, err := l.write(l.kinds[1], &f)
		return err
	}
}

// Watch calls f each time that p writes a message down.
func Watch(p *Post, f func()) {
	l := *p.library
	l.kinds = nil
	for _, k := range p.library.kinds {
		watched := *k
		watched.fill = func(w *writer) { f(); k.fill(w) }
		l.kinds = append(l.kinds, &watched)
	}
	p.library = &l
}
