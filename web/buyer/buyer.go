package buyer

import (
	"embed"
	"net/http"
	"strings"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/words"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/messages"
	"achteraf/reports"
	"achteraf/web/page"
)

//go:embed words
var files embed.FS

// LinkPath is where the links of sign-in letters lead; the token stands behind it.
const LinkPath = "/my/link/"

// Config is what the pages are built from.
type Config struct {
	DB       *db.DB
	Look     *page.Look
	SignIns  *access.SignIns
	Reports  *reports.Reports
	Letters  *messages.Reader
	Clerk    *invoices.Clerk
	Links    *invoices.Links // nil: there are no pay pages
	Operator merchants.Operator
	Domain   string             // that our mail comes from; "" where there is none
	Plain    bool               // served without TLS: a demonstration on this machine
	Requests *messages.Requests // for invoices by mail; nil where no mail is sent
	AskPath  string             // of the page on which one asks for an invoice without signing in; "" where there is none
}

// Pages serves the pages of buyers.
type Pages struct {
	Config
	texts words.All[texts]
}

// New makes the pages. Error: a text that is missing in a language.
func New(c Config) (*Pages, error) {
	all, err := words.Load[texts](files, "words")
	if err != nil {
		return nil, err
	}
	return &Pages{c, all}, nil
}

// Routes adds the pages.
func (p *Pages) Routes(mux *http.ServeMux) {
	for pattern, h := range map[string]page.Handler{
		"GET /my":                              p.overview,
		"POST /my":                             p.begin,
		"GET /my/code":                         p.askCode,
		"POST /my/code":                        p.useCode,
		"GET " + LinkPath + "{token}":          p.askLink,
		"POST " + LinkPath + "{token}":         p.useLink,
		"POST /my/out":                         p.signOut,
		"GET /my/bills":                        p.bills,
		"GET /my/messages":                     p.letters,
		"GET /my/messages/{message}":           p.letter,
		"GET /my/help":                         p.help,
		"GET /my/me":                           p.me,
		"POST /my/me/end":                      p.endOne,
		"POST /my/me/end-all":                  p.endAll,
		"GET /my/orders/{order}":               p.order,
		"GET /my/orders/{order}/papers/{name}": p.paper,
		"POST /my/orders/{order}/mail":         p.mailInvoice,
	} {
		mux.Handle(pattern, p.Look.Page(h))
	}
}

// cookie names a cookie here. Without TLS a browser takes none that is only for TLS.
func (p *Pages) cookie(name string) string {
	if p.Plain {
		return strings.TrimPrefix(name, "__Host-")
	}
	return name
}

func (p *Pages) shown(r *http.Request, name string) string {
	c, err := r.Cookie(p.cookie(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// give sets a cookie; age in seconds, negative to take it away.
func (p *Pages) give(w http.ResponseWriter, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: p.cookie(name), Value: value, Path: "/", MaxAge: age, Secure: !p.Plain, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// signedIn reads what a visitor may see, in one transaction. Error: Denied "session" when nobody is signed in.
func (p *Pages) signedIn(r *http.Request, read func(tx *db.Tx, v access.Visitor) error) error {
	cookie := p.shown(r, access.SessionCookie)
	if cookie == "" {
		return fault.New(fault.Denied, "session", "Sign in first.")
	}
	var v access.Visitor
	err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if v, err = p.SignIns.Visitor(r.Context(), tx, cookie); err != nil {
			return err
		}
		return read(tx, v)
	})
	if err != nil {
		return err
	}
	return p.SignIns.Seen(r.Context(), v)
}

// entered is signedIn for a page below the overview: who is not signed in is led to the sign-in. done says that there is
// nothing more to do.
func (p *Pages) entered(w http.ResponseWriter, r *http.Request, read func(tx *db.Tx, v access.Visitor) error) (done bool, err error) {
	err = p.signedIn(r, read)
	if codeOf(err) == "session" {
		return true, p.to(w, r, p.Look.View(r, "").Link("/my"))
	}
	return err != nil, err
}

// Places of the menu.
const (
	atOverview = "/my"
	atLetters  = "/my/messages"
	atHelp     = "/my/help"
	atMe       = "/my/me"
)

// view begins a page of somebody who is signed in; at is the place of the menu that it belongs to.
func (p *Pages) view(r *http.Request, language, at string) (*page.View, *texts) {
	v := p.Look.View(r, language)
	t := p.texts.In(v.Lang)
	v.Home, v.Tabs = "/my", true
	for _, place := range []page.Link{{Href: atOverview, Text: t.Overview, Icon: "i-home"}, {Href: atLetters, Text: t.Messages, Icon: "i-msg"},
		{Href: atHelp, Text: t.Help, Icon: "i-help"}, {Href: atMe, Text: t.Me, Icon: "i-user"}} {
		place.Here = place.Href == at
		v.Menu = append(v.Menu, place)
	}
	return v, t
}

func codeOf(err error) string {
	if f := fault.As(err); f != nil {
		return f.Code
	}
	return ""
}
