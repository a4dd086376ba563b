package page

import (
	"strconv"

	"github.com/a-h/templ"
)

// Field is one field of a form, with what was typed and what is wrong with it.
type Field struct {
	Name         string // of the input and, unless ID says another, its id
	ID           string
	Label        string
	Help         string // between label and field
	Error        string // below the field, with the way out
	Value        string // what was typed is kept
	Type         string // "text" when empty; "textarea" and "select" too
	Autocomplete string // "name", "email", "tel", "postal-code", "bday" …
	Mode         string // the keyboard of a phone: "numeric", "email"
	Icon         string // inside the field
	Options      []Option
	Max          int    // letters; 0: no end
	Optional     bool   // said in words
	Only         string // shown only for one choice of the form: class only-consumer, only-company
	Off          bool   // not to be changed
}

func (f Field) id() string   { return first(f.ID, f.Name) }
func (f Field) kind() string { return first(f.Type, "text") }

// described are the ids of what explains the field.
func (f Field) described() string {
	switch {
	case f.Help != "" && f.Error != "":
		return f.id() + "-help " + f.id() + "-error"
	case f.Help != "":
		return f.id() + "-help"
	case f.Error != "":
		return f.id() + "-error"
	}
	return ""
}

// Option is one of two to four choices, or of a list.
type Option struct {
	Value, Label string
	Help         string // what it means
	End          string // its amount, as text
	Chosen       bool
}

// Mend is one line of the summary of errors: what is wrong, and where.
type Mend struct{ Field, Text string }

// Mends are the lines for the fields that have an error.
func Mends(fields ...Field) []Mend {
	var all []Mend
	for _, f := range fields {
		if f.Error != "" {
			all = append(all, Mend{f.id(), f.Label + ": " + f.Error})
		}
	}
	return all
}

// attributes are those that not every field has.
func (f Field) attributes() templ.Attributes {
	a := templ.Attributes{}
	for name, value := range map[string]string{"autocomplete": f.Autocomplete, "inputmode": f.Mode, "aria-describedby": f.described()} {
		if value != "" {
			a[name] = value
		}
	}
	if f.Error != "" {
		a["aria-invalid"] = "true"
	}
	if f.Max > 0 {
		a["maxlength"] = strconv.Itoa(f.Max)
	}
	return a
}
