package page

import (
	"context"
	"fmt"
	"io"
	"strings"

	"achteraf/internal/words"
	"achteraf/money"

	"github.com/a-h/templ"
)

func (v *View) fullTitle() string {
	if v.Title == "" || v.Title == v.look.name {
		return v.look.name
	}
	return v.Title + " · " + v.look.name
}

func (v *View) home() string {
	if v.Home == "" {
		return v.Link("/")
	}
	return v.Link(v.Home)
}

// attributes are those of the html element that not every page has.
func (v *View) attributes() templ.Attributes {
	a := templ.Attributes{}
	if v.Theme == "light" || v.Theme == "dark" {
		a["data-theme"] = v.Theme
	}
	if v.Dense {
		a["data-density"] = "dense"
	}
	return a
}

// here marks the entry of a menu that leads to this page.
func here(is bool) templ.Attributes {
	if is {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

func paperLight() string { return string(furniture().tokens["paper"].light) }
func paperDark() string  { return string(furniture().tokens["paper"].dark) }

// Icon is a drawing of ours beside a word: "i-clock". A name that is not in assets/icons.svg fails the page.
func Icon(name string) templ.Component { return use(name, `class="i"`) }

// sign is the shape of a status or of a step.
func sign(name string, s Status) templ.Component {
	return use(name, `class="is-`+string(s)+`" viewBox="0 0 16 16"`)
}

// use draws a symbol of the sprite; attributes are ours, never a page's.
func use(name, attributes string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if !furniture().names[name] {
			return fmt.Errorf("there is no icon %q", name)
		}
		_, err := fmt.Fprintf(w, `<svg aria-hidden="true" %s><use href="%s#%s"></use></svg>`, attributes, furniture().icons.path, name)
		return err
	})
}

// Sum is the one large amount of a page, its currency lighter. No space stands in it but that of its language.
func Sum(l words.Lang, a money.Amount) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		before, figures, after := l.Parts(a)
		_, err := fmt.Fprintf(w, `<span class="amount amount--sum">%s%s%s</span>`, currency(before), templ.EscapeString(figures), currency(after))
		return err
	})
}

func currency(part string) string {
	if part == "" {
		return ""
	}
	return `<span class="cur">` + templ.EscapeString(part) + `</span>`
}

// Stressed writes a text in which *words between stars* are stressed.
func Stressed(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		parts := strings.Split(text, "*")
		for i, p := range parts {
			p = templ.EscapeString(p)
			switch {
			case i%2 == 1 && i < len(parts)-1:
				p = "<strong>" + p + "</strong>"
			case i%2 == 1:
				p = "*" + p // a star without its other
			}
			if _, err := io.WriteString(w, p); err != nil {
				return err
			}
		}
		return nil
	})
}
