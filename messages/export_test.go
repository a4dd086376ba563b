package messages

import (
	"io/fs"
	"strings"

	"achteraf/merchants"
)

// Load reads texts and templates from files, as New does from those that ship with the program.
func Load(files fs.FS) error {
	_, err := newLibrary(files, merchants.Operator{}, "mail.example")
	return err
}

// Shipped are the texts and templates of the program.
var Shipped = fs.FS(shipped)

// Try writes every message in a language about an invented order. The first is the whole one.
func Try(o merchants.Operator, language string) (all map[string][]Mail, err error) {
	l, err := newLibrary(shipped, o, "mail.example")
	if err != nil {
		return nil, err
	}
	all = map[string][]Mail{}
	for _, k := range l.kinds {
		for _, s := range samples(o, "mail.example", language) {
			c, err := l.write(k, &s.facts)
			if err != nil {
				return nil, err
			}
			all[k.code] = append(all[k.code], Mail{Subject: c.Subject, Text: c.Text, HTML: c.HTML})
		}
	}
	return all, nil
}

// TryLines writes an order of many long lines.
func TryLines(n int) (Mail, error) {
	l, err := newLibrary(shipped, merchants.Operator{}, "mail.example")
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

// Writer returns what writes one invoice, to measure it.
func Writer() func() error {
	l, err := newLibrary(shipped, merchants.Operator{}, "mail.example")
	if err != nil {
		return func() error { return err }
	}
	f := samples(merchants.Operator{}, "mail.example", "nl")[0].facts
	return func() error {
		_, err := l.write(l.kinds[1], &f)
		return err
	}
}
