package words

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// All is a package's texts in every language.
type All[T any] map[Lang]*T

// In returns the texts of a language, the English ones where we do not speak it.
func (a All[T]) In(l Lang) *T { return a[l.known()] }

// Text is a text with marks to fill, or with plural forms.
type Text struct {
	localizer *i18n.Localizer
	key       string
	marks     []string // without Count
	counted   bool
	stressed  bool // it has *stressed* words, so a star in a value is not one
}

// Load reads nl.toml, fr.toml, en.toml and de.toml in a folder into a T for each language. T is a struct of
// strings, for texts without marks, and of Text. A field DaysLeft takes the text "days-left". It fails, with all that
// is wrong at once, when a text or a plural form is missing in a language, has no field, or has other marks elsewhere.
func Load[T any](files fs.FS, folder string) (All[T], error) {
	bundle := i18n.NewBundle(language.English)
	shelf := map[Lang]map[string]*i18n.Message{}
	for _, l := range Langs() {
		texts, err := read(files, path.Join(folder, string(l)+".toml"))
		if err != nil {
			return nil, err
		}
		shelf[l] = texts
		if err := bundle.AddMessages(language.Make(string(l)), slices.Collect(maps.Values(texts))...); err != nil {
			return nil, err
		}
	}
	all, wrong := All[T]{}, strays(shelf, keysOf[T]())
	for _, l := range Langs() {
		all[l] = new(T)
		wrong = append(wrong, fill(reflect.ValueOf(all[l]).Elem(), l, shelf, i18n.NewLocalizer(bundle, string(l)))...)
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return nil, errors.New("words in " + folder + ":\n  " + strings.Join(slices.Compact(wrong), "\n  "))
	}
	return all, nil
}

func read(files fs.FS, name string) (map[string]*i18n.Message, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	file, err := i18n.ParseMessageFileBytes(text, name, map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
	if err != nil {
		return nil, fmt.Errorf("words: %s: %w", name, err)
	}
	texts := map[string]*i18n.Message{}
	for _, m := range file.Messages {
		if m.Many == "" && m.One != "" {
			m.Many = m.Other // French has a form of its own for whole millions, which we never count
		}
		texts[m.ID] = m
	}
	return texts, nil
}

// keysOf are the texts that the fields of T take.
func keysOf[T any]() []string {
	var keys []string
	for f := range reflect.TypeFor[T]().Fields() {
		keys = append(keys, keyOf(f.Name))
	}
	return keys
}

// keyOf turns the name of a field into a key: DaysLeft is "days-left".
func keyOf(field string) string {
	var b strings.Builder
	for i, r := range field {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// strays are the texts that no field takes.
func strays(shelf map[Lang]map[string]*i18n.Message, keys []string) []string {
	var wrong []string
	for l, texts := range shelf {
		for key := range texts {
			if !slices.Contains(keys, key) {
				wrong = append(wrong, fmt.Sprintf("%s: %q has no field", l, key))
			}
		}
	}
	return wrong
}

// fill gives every field of a struct its text in a language.
func fill(texts reflect.Value, l Lang, shelf map[Lang]map[string]*i18n.Message, localizer *i18n.Localizer) []string {
	var wrong []string
	for i := range texts.NumField() {
		key := keyOf(texts.Type().Field(i).Name)
		m := shelf[l][key]
		if m == nil || m.Other == "" {
			wrong = append(wrong, fmt.Sprintf("%s: %q is missing", l, key))
			continue
		}
		marks, counted := marksOf(m), m.One != ""
		if e := shelf[EN][key]; e != nil && (counted != (e.One != "") || !slices.Equal(marks, marksOf(e))) {
			wrong = append(wrong, fmt.Sprintf("%s: %q has other marks or plural forms than in English", l, key))
		}
		if err := parses(m); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %q: %v", l, key, err))
		}
		switch field := texts.Field(i).Addr().Interface().(type) {
		case *string:
			*field = m.Other
			if counted || len(marks) > 0 || strings.Contains(m.Other, "{{") {
				wrong = append(wrong, fmt.Sprintf("%s: %q has marks, so its field is a Text", l, key))
			}
		case *Text:
			*field = Text{localizer, key, marks, counted, strings.Contains(m.Other, "*")}
			if !counted && len(marks) == 0 {
				wrong = append(wrong, fmt.Sprintf("%s: %q has no marks, so its field is a string", l, key))
			}
		default:
			wrong = append(wrong, fmt.Sprintf("the field of %q is neither string nor Text", key))
		}
	}
	return wrong
}

var mark = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

// marksOf are the marks of a text in the order of the alphabet, but for Count, which one form may leave out.
func marksOf(m *i18n.Message) []string {
	var names []string
	for _, found := range mark.FindAllStringSubmatch(m.Other, -1) {
		if found[1] != "Count" {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// parses holds that a text has nothing but marks in it, and its singular none that the plural does not have.
func parses(m *i18n.Message) error {
	for _, form := range []string{m.Other, m.One} {
		if _, err := template.New("").Parse(form); err != nil {
			return err
		}
		if rest := mark.ReplaceAllString(form, ""); strings.Contains(rest, "{{") {
			return errors.New("marks are names only: {{.day}}")
		}
	}
	known := marksOf(m)
	for _, found := range mark.FindAllStringSubmatch(m.One, -1) {
		if found[1] != "Count" && !slices.Contains(known, found[1]) {
			return fmt.Errorf("the singular has a mark %q of its own", found[1])
		}
	}
	return nil
}

// With fills the marks: With("day", "vrijdag 4 december", "shop", name). It panics when they are not those of the
// text, as a call with the wrong arguments does.
func (t Text) With(pairs ...string) string { return t.say(nil, pairs) }

// Count is the text for a number of things, which stands in the mark {{.Count}}. It panics as With does.
func (t Text) Count(n int, pairs ...string) string { return t.say(&n, pairs) }

func (t Text) say(n *int, pairs []string) string {
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		value := pairs[i+1]
		if t.stressed {
			value = strings.ReplaceAll(value, "*", "\u2217")
		}
		data[pairs[i]] = value
	}
	names := slices.Sorted(maps.Keys(data))
	if len(pairs)%2 != 0 || !slices.Equal(names, t.marks) || (n != nil) != t.counted {
		panic(fmt.Sprintf("words: %q has the marks %q, counted: %t; it was given %q", t.key, t.marks, t.counted, pairs))
	}
	c := &i18n.LocalizeConfig{MessageID: t.key, TemplateData: data}
	if n != nil {
		data["Count"], c.PluralCount = *n, *n
	}
	text, err := t.localizer.Localize(c)
	if err != nil {
		panic(fmt.Sprintf("words: %q: %v", t.key, err)) // Load has seen the text
	}
	return text
}
