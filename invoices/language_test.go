package invoices

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"achteraf/calendar"

	"github.com/BurntSushi/toml"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		code, home string
		in         postal
		want       string
	}{
		{"nl", "NL", postal{"Dorpsstraat", "1", "A", "1234AB", "Voorbeeld", "NL"}, "Dorpsstraat 1 A/1234 AB Voorbeeld"},
		{"fr", "NL", postal{"Rue Haute", "12", "bte 3", "1000", "Bruxelles", "BE"}, "Rue Haute 12 bte 3/1000 Bruxelles/Belgique"},
		{"nl", "", postal{"rue de Rivoli", "12", "bis", "75001", "Paris", "FR"}, "12 bis rue de Rivoli/75001 Paris/Frankrijk"},
		{"en", "", postal{"Calle Mayor", "1", "", "28013", "Madrid", "ES"}, "Calle Mayor 1/28013 Madrid/ES"},
		{"en", "", postal{}, ""},
	} {
		if got := strings.Join(languages[c.code].lines(c.in, c.home), "/"); got != c.want {
			t.Errorf("%+v is %q", c.in, got)
		}
	}
}

// TestWords: every word stands in all four languages, with the same marks, and is used.
func TestWords(t *testing.T) {
	var words map[string]map[string]string
	meta, err := toml.DecodeFile("words.toml", &words)
	if err != nil {
		t.Fatal(err)
	}
	marks := regexp.MustCompile(`%(\[\d\])?s`)
	for _, key := range slices.Sorted(maps.Keys(words)) {
		for code := range languages {
			text, ok := words[key][code]
			switch {
			case !ok || text == "":
				t.Errorf("%q is missing in %s", key, code)
			case !slices.Equal(marks.FindAllString(text, -1), marks.FindAllString(words[key]["nl"], -1)):
				t.Errorf("%q has other marks in %s than in nl", key, code)
			case strings.Count(text, "%") != len(marks.FindAllString(text, -1)):
				t.Errorf("%q has a stray %% in %s", key, code)
			case strings.Contains(text, "!") || strings.TrimSpace(text) != text:
				t.Errorf("%q in %s: %q", key, code, text)
			}
		}
		if len(words[key]) != len(languages) {
			t.Errorf("%q is given in %d languages", key, len(words[key]))
		}
		if !used(t, key) {
			t.Errorf("%q is used nowhere", key)
		}
	}
	if len(meta.Undecoded()) > 0 {
		t.Errorf("%v is not read", meta.Undecoded())
	}
	for reason := range creditReasons {
		if words["reason-"+reason] == nil {
			t.Errorf("there are no words for the reason %q", reason)
		}
	}
}

// made are the words whose keys are put together, and what follows the hyphen.
var made = map[string][]string{
	"reason-":       slices.Collect(maps.Keys(creditReasons)),
	"contact-":      {"phone", "whatsapp", "email", "chat", "form", "post"},
	"registration-": {"NL", "BE", "LU", "DE", "FR"},
	"country-":      {"NL", "BE", "LU", "DE", "FR"},
}

func used(t *testing.T, key string) bool {
	t.Helper()
	for prefix, rest := range made {
		if end, ok := strings.CutPrefix(key, prefix); ok {
			return slices.Contains(rest, end)
		}
	}
	for _, name := range []string{"document.html", "document.go", "codes.go", "pdf.go", "language.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"`+key+`"`) {
			return true
		}
	}
	return false
}

// TestSayUnknown: a word that is not there is an error, not a gap in a letter.
func TestSayUnknown(t *testing.T) {
	if s, err := languages["nl"].say("no-such-word"); err == nil {
		t.Errorf("it says %q", s)
	}
}

func TestLatestTransfer(t *testing.T) {
	for _, c := range []struct{ due, want string }{
		{"2026-12-04", "2026-12-02"}, // Friday: Wednesday
		{"2026-12-07", "2026-12-03"}, // Monday: Thursday
		{"2026-12-06", "2026-12-02"}, // Sunday: what comes on Friday
		{"2026-12-28", "2026-12-23"}, // Monday after Christmas: 25 December is no bank day
		{"2027-01-01", "2026-12-29"}, // New Year's Day is none
	} {
		due, err := calendar.ParseDate(c.due)
		if err != nil {
			t.Fatal(err)
		}
		if got := LatestTransfer(due).String(); got != c.want {
			t.Errorf("due %s: %s, want %s", c.due, got, c.want)
		}
	}
}
