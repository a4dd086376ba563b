package invoices

import (
	_ "embed"
	"fmt"
	"strings"

	"achteraf/internal/ident"
	"achteraf/internal/words"

	"github.com/BurntSushi/toml"
)

// language writes the words of documents. Amounts, dates and figures have the forms of every page: those of words.
type language struct {
	words.Lang
	texts map[string]string
}

//go:embed words.toml
var wordsFile string

// languages are those in which documents are written.
var languages = readLanguages(wordsFile)

func readLanguages(file string) map[string]*language {
	var texts map[string]map[string]string
	if _, err := toml.Decode(file, &texts); err != nil {
		panic("invoices: words.toml: " + err.Error()) // it is part of the program
	}
	all := map[string]*language{}
	for _, code := range words.Langs() {
		l := &language{code, map[string]string{}}
		for key, of := range texts {
			if text, ok := of[string(code)]; ok {
				l.texts[key] = text
			}
		}
		all[string(code)] = l
	}
	return all
}

// say returns the words of a key, with args where they have marks.
func (l *language) say(key string, args ...any) (string, error) {
	text, ok := l.texts[key]
	if !ok {
		return "", fmt.Errorf("there are no words in %s for %q", l.Lang, key)
	}
	if len(args) == 0 {
		return text, nil
	}
	return fmt.Sprintf(text, args...), nil
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
