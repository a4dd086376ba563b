package pay

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"strconv"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/words"
	"achteraf/invoices"
	"achteraf/payments"
	"achteraf/reports"
	"achteraf/web/page"
)

//go:embed words
var files embed.FS

// Config is what the pay page is built from.
type Config struct {
	DB      *db.DB
	Look    *page.Look
	Links   *invoices.Links
	Reports *reports.Reports
	Pages   *invoices.Pages // nil where the platform has no public address: then no code leads here, and no bank back
	Buttons *payments.Desk  // nil: no bank button
}

// Surface serves the pay page.
type Surface struct {
	Config
	texts words.All[texts]
}

// New makes a Surface. It fails when a text is missing in a language.
func New(c Config) (*Surface, error) {
	all, err := words.Load[texts](files, "words")
	return &Surface{c, all}, err
}

// Routes adds the pay page.
func (s *Surface) Routes(mux *http.ServeMux) {
	mux.Handle("GET /pay/{token}", s.page(s.show))
	if s.button() {
		mux.Handle("POST /pay/{token}/bank", s.page(s.bank))
		mux.Handle("GET /pay/{token}/bank", s.page(s.toShow)) // who changes the language there
		mux.Handle("GET /pay/{token}/return", s.page(s.back))
	}
}

func (s *Surface) button() bool { return s.Buttons != nil && s.Pages != nil }

// page serves h so that the address of the page stays with whoever was given it.
func (s *Surface) page(h page.Handler) http.Handler {
	return s.Look.Page(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive")
		return h(w, r)
	})
}

// claim reads what the link of a request asks for, as it stands now. Error: NotFound "pay-link".
func (s *Surface) claim(r *http.Request) (c reports.Claim, err error) {
	err = s.DB.Read(r.Context(), func(tx *db.Tx) error {
		v, err := s.Links.ByLink(r.Context(), tx, r.PathValue("token"))
		if err == nil {
			c, err = s.Reports.Claim(r.Context(), tx, v)
		}
		return err
	})
	return c, err
}

func here(v *page.View, r *http.Request, below string) string {
	return v.Link("/pay/" + r.PathValue("token") + below)
}

// show serves GET /pay/{token}.
func (s *Surface) show(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claim(r)
	if err != nil {
		return err
	}
	return s.write(w, r, http.StatusOK, c, none)
}

// toShow serves what is only ever sent.
func (s *Surface) toShow(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.claim(r); err != nil {
		return err
	}
	http.Redirect(w, r, here(s.Look.View(r, ""), r, ""), http.StatusSeeOther)
	return nil
}

// write writes the page of a claim with a note on top.
func (s *Surface) write(w http.ResponseWriter, r *http.Request, status int, c reports.Claim, n note) error {
	v := s.Look.View(r, "")
	b := bill{Claim: c, view: v, texts: s.texts.In(v.Lang), operator: s.Look.Name(), note: n}
	v.Narrow, v.Title = true, b.BillOf.With("shop", c.Shop)
	v.Script = b.transfer() != nil // it has what can be copied
	if v.Script && s.button() {
		b.bank, v.Leaves = here(v, r, "/bank"), true
	}
	var err error
	if b.codes, err = s.codes(&b, r.PathValue("token")); err != nil {
		return err
	}
	return s.Look.Write(w, r, status, v, show(&b))
}

// codes are those of the page: that of the transfer, and that of the page itself, in the order of the country.
func (s *Surface) codes(b *bill, token string) ([]code, error) {
	t := b.transfer()
	if t == nil {
		return nil, nil
	}
	var all []code
	if text, err := invoices.TransferCode(t.Payee, t.IBAN, t.Cents, t.Reference); err == nil { // else the fields must do
		all = append(all, code{title: b.CodeTransfer, text: b.CodeTransferText, alt: b.CodeTransferAlt, says: text})
	}
	if s.Pages != nil {
		p := code{title: b.CodePage, text: b.CodePageText, alt: b.CodePageAlt, says: s.Pages.At(token)}
		if b.bank != "" {
			p.text = b.CodePageButton
		}
		if invoices.PageFirst(b.Country) {
			all = append([]code{p}, all...)
		} else {
			all = append(all, p)
		}
	}
	for i := range all {
		var err error
		if all[i].modules, err = invoices.Modules(all[i].says); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// bank serves POST /pay/{token}/bank: it leads to the page of the bank.
func (s *Surface) bank(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claim(r)
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	t := toPay(&c)
	if t == nil {
		return s.write(w, r, http.StatusConflict, c, changed)
	}
	if r.PostFormValue("cents") != strconv.FormatInt(t.Cents, 10) { // the payer saw another amount
		return s.write(w, r, http.StatusConflict, c, changed)
	}
	v := s.Look.View(r, "")
	p, err := s.Buttons.Begin(r.Context(), payments.Ask{Merchant: c.Merchant, Invoice: c.Invoice, Cents: t.Cents,
		Return: s.Pages.At(r.PathValue("token")) + v.Link("/return")})
	switch f := fault.As(err); {
	case f != nil && f.Kind == fault.Unavailable:
		return s.write(w, r, http.StatusServiceUnavailable, c, noBank)
	case fault.Is(err, "invoice-settled") || fault.Is(err, "payment-amount"): // somebody else was first
		return s.again(w, r)
	case err != nil:
		return err
	case p.State == payments.Paid || p.CheckoutURL == "":
		http.Redirect(w, r, here(v, r, "/return"), http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, p.CheckoutURL, http.StatusSeeOther)
	return nil
}

// again shows what is open after all.
func (s *Surface) again(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claim(r)
	if err != nil {
		return err
	}
	return s.write(w, r, http.StatusConflict, c, changed)
}

// back serves GET /pay/{token}/return, to which the bank's page leads whatever happened there. It shows how the newest
// payment of the invoice stands.
func (s *Surface) back(w http.ResponseWriter, r *http.Request) error {
	c, err := s.claim(r)
	if err != nil {
		return err
	}
	p, found, err := s.latest(r.Context(), c)
	if err != nil {
		return err
	}
	v := s.Look.View(r, "")
	if !found {
		http.Redirect(w, r, here(v, r, ""), http.StatusSeeOther)
		return nil
	}
	if p.State == payments.Paid { // what is open now is less than it was
		if c, err = s.claim(r); err != nil {
			return err
		}
	}
	o := outcome{view: v, texts: s.texts.In(v.Lang), claim: c, payment: p, bill: here(v, r, ""), self: here(v, r, "/return")}
	v.Narrow, v.Title, v.Script = true, o.title(), o.waits()
	return s.Look.Write(w, r, http.StatusOK, v, back(&o))
}

// latest is the newest payment of a claim, as its provider sees it.
func (s *Surface) latest(ctx context.Context, c reports.Claim) (payments.Payment, bool, error) {
	p, found, err := s.Buttons.Latest(ctx, c.Merchant, c.Invoice)
	if err != nil || !found {
		return p, found, err
	}
	now, err := s.Buttons.Refresh(ctx, p.Merchant, p.ID)
	if f := fault.As(err); f != nil && f.Kind == fault.Conflict && !errors.Is(err, context.Canceled) {
		return p, true, nil // what the provider says cannot be booked: people look at it, and the payer waits
	}
	return now, true, err
}
