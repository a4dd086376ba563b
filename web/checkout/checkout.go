package checkout

import (
	"context"
	"embed"
	"net/http"

	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/words"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/web/page"
)

//go:embed words
var files embed.FS

// Path is where the pages are; the token stands behind it.
const Path = "/checkout/"

// Config is what the pages are built from.
type Config struct {
	DB       *db.DB
	Look     *page.Look
	Till     *invoices.Till
	Operator merchants.Operator
	Plain    bool // served without TLS, and shops too: a demonstration on this machine
}

// Surface serves the till.
type Surface struct {
	Config
	texts words.All[texts]
}

// New makes a Surface. It fails when a text is missing in a language.
func New(c Config) (*Surface, error) {
	all, err := words.Load[texts](files, "words")
	return &Surface{c, all}, err
}

// Routes adds the pages.
func (s *Surface) Routes(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET " + Path + "{token}":         s.show,
		"POST " + Path + "{token}":        s.press,
		"GET " + Path + "{token}/details": s.details,
		"GET " + Path + "{token}/terms":   s.terms,
		"POST " + Path + "{token}/leave":  s.leave,
		"GET " + Path + "{token}/leave":   s.toShow, // who changes the language there
	} {
		mux.Handle(pattern, s.page(h))
	}
}

// till is a checkout with what its page shows of the shop.
type till struct {
	*texts
	checkout.Checkout
	view     *page.View
	shop     merchants.Merchant
	contract merchants.Contract
	terms    merchants.TermsText
	operator merchants.Operator
	token    string
	today    calendar.Date // where the operator is
}

type handler func(w http.ResponseWriter, r *http.Request, t *till) error

// page serves h with the checkout of the token. The address stays with whoever was given it.
func (s *Surface) page(h handler) http.Handler {
	return s.Look.Page(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive")
		c, err := s.Till.ByToken(r.Context(), r.PathValue("token"))
		if fault.Is(err, "checkout") {
			return s.unknown(w, r)
		}
		if err != nil {
			return err
		}
		t, err := s.till(r, c)
		if err != nil {
			return err
		}
		return h(w, r, t)
	})
}

func (s *Surface) till(r *http.Request, c checkout.Checkout) (*till, error) {
	v := s.Look.View(r, c.Language)
	t := &till{texts: s.texts.In(v.Lang), Checkout: c, view: v, operator: s.Operator, token: r.PathValue("token")}
	v.Leaves, v.Plain = true, s.Plain
	return t, s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		t.today = s.Operator.Today(tx.Now)
		if t.shop, err = merchants.ByID(r.Context(), tx, c.Merchant); err != nil {
			return err
		}
		if t.contract, err = contractOf(r.Context(), tx, &c, t.today); err != nil {
			return err
		}
		if c.Draft == nil {
			return nil
		}
		t.terms, err = merchants.TermsOf(r.Context(), tx, c.Merchant, c.Draft.TermsVersion)
		if fault.Is(err, "terms") { // a version that only the shop knows
			t.terms, err = merchants.TermsText{Version: c.Draft.TermsVersion}, nil
		}
		return err
	})
}

// contractOf is the contract that holds for the order of a checkout, or would if it were placed now.
func contractOf(ctx context.Context, tx *db.Tx, c *checkout.Checkout, today calendar.Date) (merchants.Contract, error) {
	if c.Order != "" {
		o, err := orders.One(ctx, tx, c.Merchant, c.Order)
		if err != nil {
			return merchants.Contract{}, err
		}
		key := merchants.ContractKey{Merchant: c.Merchant, ID: o.Contract}
		all, err := merchants.Contracts(ctx, tx, []merchants.ContractKey{key})
		return all[key].Contract, err
	}
	of := merchants.TermsKey{Merchant: c.Merchant}
	if c.Draft != nil {
		of.Workflow = c.Draft.Workflow
	}
	all, err := merchants.InForce(ctx, tx, []merchants.TermsKey{of}, today)
	return all[of].Contract, err
}

// here is an address of this checkout.
func (t *till) here(below string) string { return t.view.Link(Path + t.token + below) }

// show serves GET /checkout/{token}: the form, or what became of it.
func (s *Surface) show(w http.ResponseWriter, r *http.Request, t *till) error {
	switch {
	case t.State == checkout.Accepted:
		return s.accepted(w, r, t)
	case t.State == checkout.Declined, t.State == checkout.Referred:
		return s.refused(w, r, t)
	case t.State == checkout.Open:
		return s.form(w, r, http.StatusOK, t, typedOf(t), nil)
	}
	return s.over(w, r, t)
}

// details serves GET /checkout/{token}/details: the form once more after a refusal.
func (s *Surface) details(w http.ResponseWriter, r *http.Request, t *till) error {
	if t.Left() == 0 {
		return s.toShow(w, r, t)
	}
	return s.form(w, r, http.StatusOK, t, typedOf(t), nil)
}

// toShow leads to the page that says how things are.
func (s *Surface) toShow(w http.ResponseWriter, r *http.Request, t *till) error {
	return lead(w, t.here(""))
}

// lead leads on to an address as it is: http.Redirect would clean and encode it.
func lead(w http.ResponseWriter, address string) error {
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// press serves POST /checkout/{token}: the buyer orders.
func (s *Surface) press(w http.ResponseWriter, r *http.Request, t *till) error {
	if t.Ended() {
		return s.toShow(w, r, t)
	}
	in, attempt := read(w, r)
	b, unread := in.buyer(t)
	if from := page.Network(r); from.IsValid() {
		b.IP = from.Unmap().WithZone("").String()
	}
	c, err := s.Till.Press(r.Context(), t.Checkout, invoices.Press{Attempt: attempt, Buyer: b, Text: t.Button})
	t.Checkout = c
	switch f := fault.As(err); {
	case err == nil && c.Straight && c.State == checkout.Accepted:
		return lead(w, c.Returns.Success)
	case err == nil:
		return s.toShow(w, r, t)
	case f != nil && f.Code == "fields" && unread:
		return s.form(w, r, http.StatusUnprocessableEntity, t, in, unreadDate(f.Fields))
	case f != nil && f.Code == "fields":
		return s.form(w, r, http.StatusUnprocessableEntity, t, in, f.Fields)
	case f != nil && f.Code == "order-reference":
		return s.stop(w, r, http.StatusConflict, t, t.TakenTitle, t.TakenText)
	case f != nil && f.Code == "merchant-inactive":
		return s.stop(w, r, http.StatusForbidden, t, t.ClosedTitle.With("shop", t.shop.Name), t.ClosedText)
	}
	return err
}

// leave serves POST /checkout/{token}/leave: the buyer goes back to the shop for good.
func (s *Surface) leave(w http.ResponseWriter, r *http.Request, t *till) error {
	c, err := s.Till.Leave(r.Context(), t.Key)
	if err != nil {
		return err
	}
	t.Checkout = c
	to := c.Returns.ToCancel()
	switch c.State {
	case checkout.Accepted: // it was ordered after all: say so
		to = ""
	case checkout.Declined, checkout.Referred:
		to = c.Returns.ToFailure()
	}
	if to == "" {
		return s.toShow(w, r, t)
	}
	return lead(w, to)
}
