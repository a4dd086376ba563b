package invoices

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/ident"

	"github.com/BurntSushi/toml"
)

// language writes words, amounts and dates as its readers expect them. The forms are those of Unicode CLDR 48;
// figures never break over a line.
type language struct {
	code     string
	words    map[string]string
	months   []string
	weekdays []string
	group    string // between thousands
	decimal  string
	first    bool // the euro sign stands before the figures
	tight    bool // nothing stands between sign and figures, nor before a percent sign
}

const (
	noBreak = "\u00a0" // no-break space
	narrow  = "\u202f" // narrow no-break space
)

//go:embed words.toml
var wordsFile string

// languages are those in which documents are written.
var languages = readLanguages(wordsFile)

func readLanguages(file string) map[string]*language {
	all := map[string]*language{
		"nl": {code: "nl", group: ".", decimal: ",", first: true},
		"fr": {code: "fr", group: narrow, decimal: ","},
		"en": {code: "en", group: ",", decimal: ".", first: true, tight: true},
		"de": {code: "de", group: ".", decimal: ","},
	}
	var words map[string]map[string]string
	if _, err := toml.Decode(file, &words); err != nil {
		panic("invoices: words.toml: " + err.Error()) // it is part of the program
	}
	for code, l := range all {
		l.words = map[string]string{}
		for key, of := range words {
			if text, ok := of[code]; ok {
				l.words[key] = text
			}
		}
		l.months, l.weekdays = strings.Fields(l.words["months"]), strings.Fields(l.words["weekdays"])
	}
	return all
}

// say returns the words of a key, with args where they have marks.
func (l *language) say(key string, args ...any) (string, error) {
	words, ok := l.words[key]
	if !ok {
		return "", fmt.Errorf("there are no words in %s for %q", l.code, key)
	}
	if len(args) == 0 {
		return words, nil
	}
	return fmt.Sprintf(words, args...), nil
}

// amount writes cents of euros: "€ 1.234,50", "1 234,50 €", "€1,234.50".
func (l *language) amount(cents int64) string {
	sign := ""
	size := uint64(cents)
	if cents < 0 {
		sign, size = "-", -size
	}
	figures := l.thousands(size/100) + l.decimal + fmt.Sprintf("%02d", size%100)
	switch {
	case l.tight:
		return sign + "€" + figures
	case l.first:
		return "€" + noBreak + sign + figures
	}
	return sign + figures + noBreak + "€"
}

func (l *language) thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(l.group)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// number writes a stored decimal, such as a quantity: "0,75".
func (l *language) number(stored string) string { return strings.Replace(stored, ".", l.decimal, 1) }

// percent writes a stored percentage: "5,5%", "5,5 %".
func (l *language) percent(stored string) string {
	gap := noBreak
	if l.first {
		gap = ""
	}
	return l.number(stored) + gap + "%"
}

// day writes a date in full: "6 december 2026". It does not break between day and month.
func (l *language) day(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	day := strconv.Itoa(d.Day())
	switch {
	case l.code == "de":
		day += "."
	case l.code == "fr" && d.Day() == 1:
		day = "1er"
	}
	return fmt.Sprintf("%s%s%s %d", day, noBreak, l.months[d.Month()-1], d.Year())
}

// weekday writes a date with its day of the week: "zondag 6 december 2026".
func (l *language) weekday(d calendar.Date) string {
	comma := ""
	if l.code == "de" {
		comma = ","
	}
	return l.weekdays[d.Weekday()] + comma + " " + l.day(d)
}

// postal is an address to print, in the order of its country.
type postal struct{ street, number, suffix, postcode, city, country string }

// lines writes an address; the country only where it is another than home.
func (l *language) lines(p postal, home string) []string {
	if p.street == "" {
		return nil
	}
	number := strings.TrimSpace(p.number + " " + p.suffix)
	street := p.street + " " + number
	if p.country == "FR" || p.country == "LU" {
		street = number + " " + p.street
	}
	all := []string{street, ident.PrintPostcode(p.country, p.postcode) + " " + p.city}
	if p.country != home {
		name, err := l.say("country-" + p.country)
		if err != nil {
			name = p.country
		}
		all = append(all, name)
	}
	return all
}
