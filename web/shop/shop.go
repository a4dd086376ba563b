package shop

import (
	"embed"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"achteraf/internal/words"
	"achteraf/merchants"
	"achteraf/money"
	"achteraf/web/page"
)

//go:embed words
var wordFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Path is where the shop is.
const Path = "/demo/shop"

// Name is what the shop calls itself.
const Name = "Kleigoed"

// Config is what the shop is built from.
type Config struct {
	BaseURL string             // of the platform: its API, and where the till leads back to. No slash at its end
	Key     string             // of the API, the shop's own
	HTTP    *http.Client       // that may reach it
	Who     merchants.Operator // the shop's own identity, for the foot of its pages
	Secret  []byte             // signs the baskets
	Random  io.Reader          // for references
	Log     *slog.Logger
}

// Shop serves the shop.
type Shop struct {
	Config
	look   *page.Look
	styles *page.Styles
	texts  words.All[texts]
}

// New makes the shop. Errors: a text that is missing in a language, a setting that is.
func New(c Config) (*Shop, error) {
	if c.BaseURL == "" || c.Key == "" || c.HTTP == nil || len(c.Secret) < 16 || c.Random == nil || c.Log == nil {
		return nil, errors.New("shop: it needs an address, a key, a client, a secret, chance and a log")
	}
	all, err1 := words.Load[texts](wordFiles, "words")
	mark, err2 := assetFiles.ReadFile("assets/wordmark.svg")
	values, err3 := assetFiles.ReadFile("assets/values.css")
	sheet, err4 := assetFiles.ReadFile("assets/shop.css")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	look, err := page.New(page.Config{Operator: c.Who, Brand: page.Brand{Name: Name, Wordmark: mark, Styles: values}, Log: c.Log})
	return &Shop{c, look, page.NewStyles("shop.css", sheet), all}, err
}

// Routes adds the shop.
func (s *Shop) Routes(mux *http.ServeMux) {
	for pattern, h := range map[string]page.Handler{
		"GET " + Path:                          s.window,
		"GET " + Path + "/goods/{good}":        s.show,
		"GET " + Path + "/basket":              s.basket,
		"POST " + Path + "/basket":             s.change,
		"POST " + Path + "/pay":                s.pay,
		"GET " + Path + "/pay":                 s.basket, // who changes the language there
		"GET " + Path + "/thanks/{reference}":  s.thanks,
		"POST " + Path + "/thanks/{reference}": s.sent,
		"GET " + Path + "/{ending}":            s.ended,
	} {
		mux.Handle(pattern, s.look.Page(h))
	}
	s.look.OwnRoutes(mux)
	s.styles.Routes(mux)
}

// view begins a page of the shop.
func (s *Shop) view(r *http.Request, b *basket) (*page.View, *texts) {
	v := s.look.View(r, "")
	t := s.texts.In(v.Lang)
	v.Home, v.Tabs, v.Styles = Path, true, s.styles
	v.Menu = []page.Link{
		{Href: Path, Text: t.MenuShop, Icon: "i-store", Here: r.URL.Path == Path},
		{Href: Path + "/basket", Text: t.Basket, Icon: "i-box", Count: b.pieces(), Here: r.URL.Path == Path+"/basket"},
		{Href: "/my", Text: t.MenuMy, Icon: "i-wallet"},
		{Href: "/demo/mailbox", Text: t.MenuMail, Icon: "i-msg"},
	}
	return v, t
}

func eur(cents int64) money.Amount { return money.EUR(cents) }

// window serves GET /demo/shop.
func (s *Shop) window(w http.ResponseWriter, r *http.Request) error {
	b := s.read(r)
	v, t := s.view(r, &b)
	v.About = t.Lead
	return s.look.Write(w, r, http.StatusOK, v, window(v, t))
}

// show serves GET /demo/shop/goods/{good}.
func (s *Shop) show(w http.ResponseWriter, r *http.Request) error {
	g, ok := bySlug(r.PathValue("good"))
	if !ok {
		return s.missing(w, r)
	}
	b := s.read(r)
	v, t := s.view(r, &b)
	v.Title = g.name(t)
	return s.look.Write(w, r, http.StatusOK, v, one(v, t, g))
}

func (s *Shop) missing(w http.ResponseWriter, r *http.Request) error {
	s.look.Missing().ServeHTTP(w, r)
	return nil
}

// basket serves GET /demo/shop/basket.
func (s *Shop) basket(w http.ResponseWriter, r *http.Request) error {
	return s.showBasket(w, r, http.StatusOK, s.read(r), page.Field{}, false)
}

func (s *Shop) showBasket(w http.ResponseWriter, r *http.Request, status int, b basket, code page.Field, broken bool) error {
	v, t := s.view(r, &b)
	v.Title, v.Leaves, v.Plain = t.Basket, true, strings.HasPrefix(s.BaseURL, "http:")
	code.Name, code.Label, code.Optional, code.Max = "code", t.Code, true, 20
	if code.Error == "" {
		code.Help = t.CodeHelp.With("code", codeWord)
	}
	if b.Code != "" && code.Value == "" {
		code.Value = b.Code
	}
	return s.look.Write(w, r, status, v, basketPage(v, t, b.count(), code, broken))
}

const mostForm = 4 << 10

// change serves POST /demo/shop/basket: a good with its number, or a code.
func (s *Shop) change(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	b := s.read(r)
	slug := r.PostFormValue("good")
	switch g, ok := bySlug(slug); {
	case ok && r.PostFormValue("do") == "add":
		b.set(g.slug, b.Items[g.slug]+max(1, quantity(r.PostFormValue("quantity"))))
	case ok && r.PostFormValue("do") == "remove":
		b.set(g.slug, 0)
	case ok:
		b.set(g.slug, quantity(r.PostFormValue("quantity")))
	case slug != "":
		return s.missing(w, r)
	default:
		code := strings.ToUpper(strings.TrimSpace(r.PostFormValue("code")))
		if code != "" && code != codeWord {
			_, t := s.view(r, &b)
			return s.showBasket(w, r, http.StatusUnprocessableEntity, b, page.Field{Value: code, Error: t.CodeUnknown.With("code", codeWord)}, false)
		}
		b.Code = code
	}
	if err := s.renew(&b); err != nil {
		return err
	}
	if err := s.write(w, r, b); err != nil {
		return err
	}
	http.Redirect(w, r, s.look.View(r, "").Link(Path+"/basket"), http.StatusSeeOther)
	return nil
}

// pay serves POST /demo/shop/pay: it opens a checkout and leads to it.
func (s *Shop) pay(w http.ResponseWriter, r *http.Request) error {
	b := s.read(r)
	if b.pieces() == 0 || b.Reference == "" {
		http.Redirect(w, r, s.look.View(r, "").Link(Path+"/basket"), http.StatusSeeOther)
		return nil
	}
	to, err := s.checkout(r.Context(), b, s.look.View(r, "").Lang)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "no checkout", "err", err)
		return s.showBasket(w, r, http.StatusServiceUnavailable, b, page.Field{}, true)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// thanks serves GET /demo/shop/thanks/{reference}, to which the till leads when the order was accepted. Whether it was,
// the platform is asked; the basket is empty then.
func (s *Shop) thanks(w http.ResponseWriter, r *http.Request) error {
	reference := r.PathValue("reference")
	o, found, err := s.find(r.Context(), reference)
	if err != nil {
		return err
	}
	if !found {
		return s.missing(w, r)
	}
	b := s.read(r)
	if b.Reference == reference {
		b = basket{}
		if err := s.write(w, r, b); err != nil {
			return err
		}
	}
	v, t := s.view(r, &b)
	v.Title, v.Narrow = t.ThanksTitle, true
	return s.look.Write(w, r, http.StatusOK, v, thanks(v, t, o, reference))
}

// sent serves POST /demo/shop/thanks/{reference}: the visitor plays the shop, and sends the parcel.
func (s *Shop) sent(w http.ResponseWriter, r *http.Request) error {
	o, found, err := s.find(r.Context(), r.PathValue("reference"))
	if err != nil {
		return err
	}
	if !found {
		return s.missing(w, r)
	}
	if o.State == "placed" {
		if err := s.send(r.Context(), o); err != nil {
			return err
		}
	}
	http.Redirect(w, r, s.look.View(r, "").Link(r.URL.Path), http.StatusSeeOther)
	return nil
}

// ended serves the two other ends of a checkout. The basket stays, under a new reference: what was asked for was answered.
func (s *Shop) ended(w http.ResponseWriter, r *http.Request) error {
	ending := r.PathValue("ending")
	if ending != "declined" && ending != "cancelled" {
		return s.missing(w, r)
	}
	b := s.read(r)
	if err := s.renew(&b); err != nil {
		return err
	}
	if err := s.write(w, r, b); err != nil {
		return err
	}
	v, t := s.view(r, &b)
	v.Narrow = true
	title, text := t.DeclinedTitle, t.DeclinedText
	if ending == "cancelled" {
		title, text = t.CancelledTitle, t.CancelledText
	}
	v.Title = title
	return s.look.Write(w, r, http.StatusOK, v, ended(v, t, title, text))
}

// quantities are the numbers that can be chosen.
func quantities(chosen int) []page.Option {
	var all []page.Option
	for n := 1; n <= mostOfOne; n++ {
		all = append(all, page.Option{Value: strconv.Itoa(n), Label: strconv.Itoa(n), Chosen: n == chosen})
	}
	return all
}
