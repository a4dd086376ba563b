package words

import (
	"strings"

	"golang.org/x/text/language"
)

// Lang is a language that the platform speaks, by its ISO 639-1 code.
type Lang string

// The four languages.
const (
	NL Lang = "nl"
	FR Lang = "fr"
	EN Lang = "en"
	DE Lang = "de"
)

// Langs are the languages in the order in which a page offers them.
func Langs() []Lang { return []Lang{NL, FR, EN, DE} }

// Parse returns the language of a code such as "nl" or "nl-BE", and false for one that we do not speak.
func Parse(code string) (Lang, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(code), "-")
	switch l := Lang(primary); l {
	case NL, FR, EN, DE:
		return l, true
	}
	return "", false
}

// Name is the language's name in itself.
func (l Lang) Name() string { return forms[l.known()].name }

// String is the code.
func (l Lang) String() string { return string(l) }

// known is the language, English where there is none.
func (l Lang) known() Lang {
	if _, ok := forms[l]; ok {
		return l
	}
	return EN
}

// mostAccepted is how much of an Accept-Language header is read.
const mostAccepted = 500

var matcher = language.NewMatcher([]language.Tag{language.English, language.Dutch, language.French, language.German})

// Choose picks a language: what the reader asked for by hand, else their own where we know it, else what their
// browser accepts, else English. Nothing is derived from a country: Belgium alone has three.
func Choose(asked, own, accepted string) Lang {
	if l, ok := Parse(asked); ok {
		return l
	}
	if l, ok := Parse(own); ok {
		return l
	}
	tags, _, err := language.ParseAcceptLanguage(accepted[:min(len(accepted), mostAccepted)])
	if err != nil || len(tags) == 0 {
		return EN
	}
	_, i, confidence := matcher.Match(tags...)
	if confidence == language.No {
		return EN
	}
	return []Lang{EN, NL, FR, DE}[i]
}
