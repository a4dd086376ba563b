package messages

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/words"
	"achteraf/invoices"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed words templates
var shipped embed.FS

// spoken are the languages of the platform. Each has all words: there is no other language to fall back on.
var spoken = []string{"nl", "fr", "en", "de"}

// speaker says things in one language.
type speaker struct {
	invoices.Locale
	lang  words.Lang
	words *i18n.Localizer
}

// Code names the language.
func (s speaker) Code() string { return string(s.lang) }

// Amount writes cents of euros.
func (s speaker) Amount(cents int64) string { return s.lang.Euros(cents) }

// Number writes a stored decimal, such as a quantity.
func (s speaker) Number(stored string) string { return s.lang.Decimal(stored) }

// Day writes a date with its year: a mail is read in another one, too.
func (s speaker) Day(d calendar.Date) string { return s.lang.FullDay(d) }

// Weekday is Day with the day of the week.
func (s speaker) Weekday(d calendar.Date) string { return s.lang.FullWeekday(d) }

// readWords reads the catalogues. Error: a key, or a mark inside one, that some language has and another lacks.
func readWords(files fs.FS) (map[string]speaker, error) {
	all := map[string]speaker{}
	marks := map[string]map[string]string{} // of each key in each language
	for _, code := range spoken {
		tag := language.Make(code)
		bundle := i18n.NewBundle(tag)
		bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
		text, err := fs.ReadFile(files, "words/"+code+".toml")
		if err != nil {
			return nil, err
		}
		file, err := bundle.ParseMessageFileBytes(text, code+".toml")
		if err != nil {
			return nil, fmt.Errorf("words/%s.toml: %w", code, err)
		}
		marks[code] = map[string]string{}
		for _, m := range file.Messages {
			marks[code][m.ID] = marksOf(m)
		}
		all[code] = speaker{invoices.LocaleOf(code), words.Lang(code), i18n.NewLocalizer(bundle, code)}
	}
	return all, compareWords(marks)
}

var mark = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

// marksOf lists what is filled into a message, in every plural form of it.
func marksOf(m *i18n.Message) string {
	forms := []string{m.Other}
	for _, form := range []string{m.One, m.Many} {
		if form != "" {
			forms = append(forms, form)
		}
	}
	var all []string
	for _, form := range forms {
		found := map[string]bool{}
		for _, hit := range mark.FindAllStringSubmatch(form, -1) {
			found[hit[1]] = true
		}
		all = append(all, strings.Join(slices.Sorted(maps.Keys(found)), " "))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " | ") // more than one: the forms differ
}

func compareWords(marks map[string]map[string]string) error {
	keys := map[string]string{}
	for _, code := range spoken {
		maps.Copy(keys, marks[code])
	}
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		for _, code := range spoken {
			switch got, ok := marks[code][key]; {
			case !ok:
				wrong = append(wrong, fmt.Errorf("words/%s.toml has no %q", code, key))
			case got != keys[key]:
				wrong = append(wrong, fmt.Errorf("words/%s.toml: %q says {%s}, elsewhere it is {%s}", code, key, got, keys[key]))
			}
		}
	}
	return errors.Join(wrong...)
}
