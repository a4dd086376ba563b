package page

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"achteraf/internal/words"
	"achteraf/merchants"
)

// Config is what a look is made from.
type Config struct {
	Operator merchants.Operator
	Brand    Brand
	Ways     Ways
	Log      *slog.Logger
}

// Ways are pages to which the foot of every page leads; "" where there is none.
type Ways struct {
	Invoice string // asks for an invoice
	Check   string // says whether a message is ours
}

// Look is one operator's look: it makes views and writes pages.
type Look struct {
	operator merchants.Operator
	ways     Ways
	name     string // of the brand
	ours     bool   // the name is written with our own mark
	wordmark *asset // the operator's own, nil where there is none
	styles   *asset // the operator's own values, nil where there are none
	assets   map[string]*asset
	guard    *http.CrossOriginProtection
	log      *slog.Logger
}

// ourName is the name whose wordmark ships with the platform.
const ourName = "Achteraf"

// New makes the look of an operator. It refuses a brand whose colours cannot be read or are taken for a status, a
// style sheet with anything but values, and a mark that is more than a drawing.
func New(c Config) (*Look, error) {
	h := furniture()
	l := &Look{operator: c.Operator, ways: c.Ways, name: first(c.Brand.Name, c.Operator.Name, ourName), assets: map[string]*asset{},
		guard: http.NewCrossOriginProtection(), log: c.Log}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.ours = l.name == ourName && len(c.Brand.Wordmark) == 0
	var wrong []error
	if len(c.Brand.Wordmark) > 0 {
		if err := checkDrawing(c.Brand.Wordmark); err != nil {
			wrong = append(wrong, err)
		}
		l.wordmark = newAsset("wordmark.svg", "image/svg+xml", c.Brand.Wordmark)
	}
	if len(c.Brand.Styles) > 0 {
		own, err := readOperatorStyles(string(c.Brand.Styles))
		if err == nil {
			err = h.tokens.with(own).check()
		}
		if err != nil {
			wrong = append(wrong, err)
		}
		l.styles = newAsset("operator.css", "text/css; charset=utf-8", []byte(own.sheet()))
	}
	for _, a := range []*asset{h.styles, h.font, h.icons, h.icon, h.script, l.wordmark, l.styles} {
		if a != nil {
			l.assets[a.path] = a
		}
	}
	return l, errors.Join(wrong...)
}

func first(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// Name is the name that the operator shows to people.
func (l *Look) Name() string { return l.name }

// View is one page for one reader: its frame, and the language that all in it is written in.
type View struct {
	Lang  words.Lang
	Title string // the name of the operator is added to it
	About string // one sentence for search engines; "" for pages that are nobody else's

	Home   string // where the mark leads; "/" when empty
	Menu   []Link // in the bar on top
	Tabs   bool   // the menu stands at the bottom of a phone, with icons, and not behind a button
	Narrow bool   // one column
	Dense  bool   // for staff
	Theme  string // "light" or "dark" where the reader's setting shall not decide
	Public bool   // nothing in it is anybody's: the browser may keep it, search engines may know it
	Script bool   // for a page with Copy or Live: buttons that copy, news without reading the page again
	Single bool   // there is only this language of it
	Leaves bool   // a form of it leads on to another site, such as a bank's
	Plain  bool   // Leaves, and that site may be one without TLS: a demonstration on this machine

	Styles *Styles // of the surface, loaded after the look's; nil: none

	look  *Look
	path  string
	query url.Values
	asked bool // the language was chosen by hand
}

// Styles is a style sheet of one surface, for what only its pages have.
type Styles struct{ *asset }

// NewStyles names a style sheet after its content.
func NewStyles(name string, css []byte) *Styles {
	return &Styles{newAsset(name, "text/css; charset=utf-8", css)}
}

// Routes adds it.
func (s *Styles) Routes(mux *http.ServeMux) { mux.Handle("GET "+s.path, s) }

// Link is an entry of a menu.
type Link struct {
	Href, Text string
	Icon       string // where the menu is a tab bar: "i-home"
	Count      int    // shown beside it when more than 0
	Here       bool   // this page
}

// View begins a page for a request. own is the language of the person who is signed in or meant, "" where nobody is.
func (l *Look) View(r *http.Request, own string) *View {
	q := r.URL.Query()
	asked := q.Get("lang")
	_, ok := words.Parse(asked)
	return &View{Lang: words.Choose(asked, own, r.Header.Get("Accept-Language")), look: l, path: r.URL.Path, query: q, asked: ok}
}

// Link is the address of a page of ours, with the language where it was chosen by hand.
func (v *View) Link(path string) string {
	if !v.asked || strings.Contains(path, "lang=") || !strings.HasPrefix(path, "/") {
		return path
	}
	path, fragment, found := strings.Cut(path, "#")
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	path += join + "lang=" + string(v.Lang)
	if found {
		path += "#" + fragment
	}
	return path
}

// inLang is this page in another language.
func (v *View) inLang(l words.Lang) string {
	q := url.Values{}
	for k, vs := range v.query {
		q[k] = vs
	}
	q.Set("lang", string(l))
	return v.path + "?" + q.Encode()
}

// words are the texts of the shared look in the language of the page.
func (v *View) words() *texts { return furniture().texts.In(v.Lang) }

func say(l words.Lang) *texts { return furniture().texts.In(l) }
