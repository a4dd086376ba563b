package clock

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/words"
	"achteraf/web/page"
)

//go:embed words
var files embed.FS

// Path is where the page is; programs are answered there too, by the platform.
const Path = "/demo/clock"

// texts are what the page says.
type texts struct {
	Title, Lead, NowIs, Onward, Happens string
	Days                                words.Text
	Mailbox, MailboxEffect              string
	My, MyEffect, Shop, ShopEffect      string
}

// steps are by how many days time can be moved on.
var steps = [...]int{1, 3, 7, 14, 30}

// Config is what the page is built from.
type Config struct {
	Look *page.Look
	Zone calendar.Zone // in which the time is shown
	Now  func(ctx context.Context) (calendar.Instant, error)
	Move func(ctx context.Context, to calendar.Instant) error
}

// Page serves the page.
type Page struct {
	Config
	texts words.All[texts]
}

// New makes the page. Error: a text that is missing in a language.
func New(c Config) (*Page, error) {
	all, err := words.Load[texts](files, "words")
	return &Page{c, all}, err
}

// Show serves GET /demo/clock to people.
func (p *Page) Show() http.Handler { return p.Look.Page(p.show) }

// Advance serves POST /demo/clock/move.
func (p *Page) Advance() http.Handler { return p.Look.Page(p.move) }

func (p *Page) show(w http.ResponseWriter, r *http.Request) error {
	now, err := p.Now(r.Context())
	if err != nil {
		return err
	}
	v := p.Look.View(r, "")
	t := p.texts.In(v.Lang)
	v.Title, v.Narrow = t.Title, true
	return p.Look.Write(w, r, http.StatusOK, v, show(v, t, p.Zone.DateOf(now), p.time(now)))
}

// time is the time of day in the zone of the page; on a day on which clocks change it is the hours since midnight.
func (p *Page) time(now calendar.Instant) string {
	since := now.Sub(p.Zone.StartOf(p.Zone.DateOf(now)))
	return fmt.Sprintf("%02d:%02d", int(since.Hours()), int(since.Minutes())%60)
}

const mostForm = 1 << 10

func (p *Page) move(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	days, err := strconv.Atoi(r.PostFormValue("days"))
	if err != nil || !slices.Contains(steps[:], days) {
		return fault.Bad("clock-move", "Choose one of the steps.")
	}
	now, err := p.Now(r.Context())
	if err == nil {
		err = p.Move(r.Context(), now.Add(time.Duration(days)*24*time.Hour))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, p.Look.View(r, "").Link(Path), http.StatusSeeOther)
	return nil
}

// ways are where one sees what has happened.
func ways(v *page.View, t *texts) []page.Door {
	return []page.Door{
		{Href: v.Link("/demo/mailbox"), Icon: "i-msg", Text: t.Mailbox, Effect: t.MailboxEffect},
		{Href: v.Link("/my"), Icon: "i-wallet", Text: t.My, Effect: t.MyEffect},
		{Href: v.Link("/demo/shop"), Icon: "i-store", Text: t.Shop, Effect: t.ShopEffect},
	}
}
