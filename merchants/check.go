package merchants

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/fault"
)

// checker gathers wrong fields.
type checker struct{ fields []fault.Field }

func (c *checker) wrong(pointer, code, detail string, args ...any) {
	c.fields = append(c.fields, fault.Field{Pointer: pointer, Code: code, Detail: fmt.Sprintf(detail, args...)})
}

func (c *checker) need(v *string, pointer string) {
	*v = strings.TrimSpace(*v)
	if *v == "" {
		c.wrong(pointer, "required", "Fill this in.")
	} else if !printable(*v) || len(*v) > 200 {
		c.wrong(pointer, "characters", "At most 200 printable characters.")
	}
}

// form needs a value and brings it into its stored form.
func (c *checker) form(v *string, pointer string, f func(string) (string, error)) {
	if strings.TrimSpace(*v) == "" {
		c.wrong(pointer, "required", "Fill this in.")
		return
	}
	stored, err := f(strings.TrimSpace(*v))
	if err != nil {
		c.wrong(pointer, "form", "This does not have the right form.")
		return
	}
	*v = stored
}

func (c *checker) country(v *string, pointer string) {
	*v = strings.ToUpper(strings.TrimSpace(*v))
	if _, err := calendar.ZoneOf(*v); err != nil {
		c.wrong(pointer, "country", "Give a country that is served: NL, BE, LU, DE or FR.")
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
	slices.SortFunc(c.fields, func(a, b fault.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return c.fields
}
