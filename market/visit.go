package market

import (
	"context"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/words"
	"achteraf/money"
	"achteraf/reports"
)

func (p *person) email() string { return fmt.Sprintf("koper%d@example.org", p.n) }

func (p *person) language() words.Lang {
	if p.dutch {
		return "nl"
	}
	return [...]words.Lang{"nl", "fr", "en", "de"}[p.n%4]
}

// The ways to sign in.
var entries = []string{"by link", "by code", "with a wrong code first", "by link in another browser", "by a link that was used", "by a link that lay about", "with an address that nobody knows"}

var (
	signInLink = regexp.MustCompile(regexp.QuoteMeta(platformURL) + `/my/link/\S+`)
	signInCode = regexp.MustCompile(`\b[2-9A-HJ-NP-Z]{4}[ \x{a0}][2-9A-HJ-NP-Z]{4}\b`)
	orderLink  = regexp.MustCompile(`/my/orders/(ord_[0-9a-zA-Z]+)`)
)

// visits lets some buyers sign in and look at what they owe.
func (w *World) visits(ctx context.Context, day int) error {
	w.at(day, 22*time.Hour+30*time.Minute)
	for range w.chance.IntN(3) {
		w.now = w.now.Add(2 * time.Minute)
		p := w.buyers[w.chance.IntN(len(w.buyers))]
		how := entries[w.chance.IntN(len(entries))]
		w.count("signs in " + how)
		in, b, err := w.signIn(ctx, p, how)
		if err == nil && in {
			w.report.SignIns++
			err = w.look(ctx, b, p)
		}
		if err != nil {
			return fmt.Errorf("%s signs in %s: %w", p.email(), how, err)
		}
	}
	return nil
}

// signIn takes a buyer from the entrance to the overview. It is false when that cannot be today.
func (w *World) signIn(ctx context.Context, p *person, how string) (bool, *browser, error) {
	b, email := w.browser(p), p.email()
	unknown := how == "with an address that nobody knows"
	if unknown {
		email = "niemand-" + email
	}
	asked := w.now
	got, err := b.post(platformURL+"/my", url.Values{"email": {email}})
	if err != nil {
		return false, b, err
	}
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.to, platformURL+"/my/code") {
		return false, b, fmt.Errorf("%w: asking for a link leads to %d %s", errModel, got.status, got.to)
	}
	if err := w.p.Settle(ctx); err != nil {
		return false, b, err
	}
	mail := w.post.newest(email, asked, signInLink)
	switch {
	case unknown && mail != nil:
		return false, b, fmt.Errorf("%w: an address that nobody knows got a sign-in mail", errModel)
	case unknown:
		return false, b, nil
	case mail == nil || w.now.Sub(asked) >= 15*time.Minute: // the mail server took its time
		w.count("sign-in mail did not come in time")
		return false, b, nil
	}
	return w.enter(p, b, how, signInLink.FindString(mail.Text), signInCode.FindString(mail.Text))
}

// enter uses the link or the code of a mail.
func (w *World) enter(p *person, b *browser, how, link, code string) (bool, *browser, error) {
	try := func(b *browser, address string, form url.Values, status int) error {
		got, err := b.post(address, form)
		if err != nil {
			return err
		}
		return got.want(status, "signing in at "+strings.SplitAfter(address, "/my/")[1][:4])
	}
	typed, wrong := url.Values{"code": {strings.ToLower(code)}}, url.Values{"code": {"2222 2222"}}
	var err error
	switch how {
	case "by code":
		err = try(b, platformURL+"/my/code", typed, http.StatusSeeOther)
	case "with a wrong code first":
		if err = try(b, platformURL+"/my/code", wrong, http.StatusUnprocessableEntity); err == nil {
			err = try(b, platformURL+"/my/code", typed, http.StatusSeeOther)
		}
	case "by link in another browser":
		b = w.browser(p)
		if err = try(b, link, nil, http.StatusUnprocessableEntity); err == nil {
			err = try(b, link, typed, http.StatusSeeOther)
		}
	case "by a link that lay about":
		w.now = w.now.Add(16 * time.Minute)
		return false, b, try(b, link, nil, http.StatusConflict)
	default:
		for range 2 { // a scanner of mail looks first
			page, err := b.get(link)
			if err == nil {
				err = page.want(http.StatusOK, "the page of a link")
			}
			if err != nil {
				return false, b, err
			}
		}
		before := maps.Clone(b.cookies)
		if err = try(b, link, nil, http.StatusSeeOther); err == nil && how == "by a link that was used" {
			thief := w.browser(p)
			thief.cookies = before
			if err = try(thief, link, typed, http.StatusConflict); err == nil {
				err = try(b, link, nil, http.StatusSeeOther) // who is signed in already is led on
			}
		}
	}
	return err == nil, b, err
}

// look reads the overview and an order as a buyer does, and finds what the ledger says, and nobody else's.
func (w *World) look(ctx context.Context, b *browser, p *person) error {
	page, err := b.get(platformURL + "/my")
	if err == nil {
		err = page.want(http.StatusOK, "the overview")
	}
	if err != nil {
		return err
	}
	var owes claims
	if err := w.p.DB.Read(ctx, func(tx *db.Tx) (err error) {
		owes, err = readClaims(ctx, tx)
		return err
	}); err != nil {
		return err
	}
	open, _ := owes.of(w, p)
	if sum := p.language().Amount(money.EUR(open)); open > 0 && !strings.Contains(html.UnescapeString(page.body), sum) {
		return fmt.Errorf("%w: the overview of %s does not say %s", errModel, p.email(), sum)
	}
	for _, found := range orderLink.FindAllStringSubmatch(page.body, -1) {
		if !slices.ContainsFunc(w.orders, func(o *order) bool { return o.id == found[1] && o.person == p }) {
			return fmt.Errorf("%w: the overview of %s shows order %s", errModel, p.email(), found[1])
		}
	}
	for _, o := range w.orders {
		mine := o.person == p
		if mine && owes.principal[o.invoice] > 0 && !strings.Contains(page.body, "/my/orders/"+o.id) {
			return fmt.Errorf("%w: the overview of %s does not show %s", errModel, p.email(), o.ref)
		}
	}
	o := w.orders[w.chance.IntN(len(w.orders))]
	got, err := b.get(platformURL + "/my/orders/" + o.id)
	if err != nil {
		return err
	}
	return got.want(map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[o.person == p], "the page of an order")
}

// claims are what buyers owe and what is held for them, read off the journal.
type claims struct{ principal, credit map[string]int64 }

func readClaims(ctx context.Context, tx *db.Tx) (claims, error) {
	c := claims{map[string]int64{}, map[string]int64{}}
	err := tx.Each(ctx, `
select code, subject, cast(sum(cents) as bigint) from postings
 where code in ('buyer/principal', 'buyer/credit') group by code, subject`, nil, func(r db.Row) error {
		var code, subject string
		var cents int64
		if err := r.Scan(&code, &subject, &cents); err != nil {
			return err
		}
		if code == "buyer/credit" {
			c.credit[subject] = -cents
		} else {
			c.principal[subject] = cents
		}
		return nil
	})
	return c, err
}

// of is what a person owes on invoices, and what is held for them.
func (c claims) of(w *World, p *person) (open, held int64) {
	for _, o := range w.orders {
		if o.person == p {
			open += c.principal[o.invoice]
			held += c.credit[o.id]
		}
	}
	return open, held
}

// sums are what a buyer's overview says.
type sums struct{ open, held, planned int64 }

// checkOverviews holds what buyers are shown against the journal and, for what is not invoiced yet, the model: of each
// whose sums have changed, and of a quarter of the others.
func (w *World) checkOverviews(ctx context.Context, tx *db.Tx, day int) error {
	owes, err := readClaims(ctx, tx)
	if err != nil {
		return err
	}
	want := map[*person]sums{}
	for _, o := range w.orders {
		s := want[o.person]
		s.open += owes.principal[o.invoice]
		s.held += owes.credit[o.id]
		if !o.issued && !o.dead {
			s.planned += o.claim()
		}
		want[o.person] = s
	}
	before := w.sums
	w.sums = want
	for _, p := range w.buyers {
		s, bought := want[p]
		if !bought || s == before[p] && p.n%4 != day%4 {
			continue
		}
		shown, err := w.p.Reports.Overview(ctx, tx, reports.Ask{Handles: w.p.Desk.EmailHandles(p.email()), Limit: 1})
		if err != nil {
			return err
		}
		if got := (sums{shown.Sums.OpenCents, shown.Sums.HeldCents, shown.Sums.PlannedCents}); got != s {
			return fmt.Errorf("%w: the overview of %s says %+v, the journal %+v", errModel, p.email(), got, s)
		}
	}
	return nil
}

// checkPayPages opens the pay links of what has changed today, and of something else: each asks for what is open now.
func (w *World) checkPayPages() error {
	if w.slept || len(w.orders) == 0 {
		return nil
	}
	some := append(slices.Clone(w.touched[:min(len(w.touched), 4)]), w.orders[w.pages.IntN(len(w.orders))])
	for _, o := range some {
		if _, err := w.asked(w.browser(o.person), o); err != nil {
			return err
		}
	}
	return nil
}
