package merchants

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/fault"
)

// checker gathers wrong fields.
type checker struct{ fault.Checker }

func (c *checker) need(v *string, pointer string) {
	*v = strings.TrimSpace(*v)
	if *v == "" {
		c.Wrong(pointer, "required", "Fill this in.")
	} else if !printable(*v) || len(*v) > 200 {
		c.Wrong(pointer, "characters", "At most 200 printable characters.")
	}
}

// form needs a value and brings it into its stored form.
func (c *checker) form(v *string, pointer string, f func(string) (string, error)) {
	if strings.TrimSpace(*v) == "" {
		c.Wrong(pointer, "required", "Fill this in.")
		return
	}
	stored, err := f(strings.TrimSpace(*v))
	if err != nil {
		c.Wrong(pointer, "form", "This does not have the right form.")
		return
	}
	*v = stored
}

func (c *checker) country(v *string, pointer string) {
	*v = strings.ToUpper(strings.TrimSpace(*v))
	if _, err := calendar.ZoneOf(*v); err != nil {
		c.Wrong(pointer, "country", "Give a country that is served: NL, BE, LU, DE or FR.")
	}
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// err is Invalid "fields" when something is wrong.
func (c *checker) err() error {
	if wrong := c.sorted(); len(wrong) > 0 {
		return fault.At("fields", "Some fields are not right.", wrong...)
	}
	return nil
}

func (c *checker) sorted() []fault.Field {
	slices.SortFunc(c.Found, func(a, b fault.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return c.Found
}
