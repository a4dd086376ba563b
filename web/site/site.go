package site

import (
	"embed"
	"fmt"
	"net/http"
	"slices"

	"achteraf/internal/words"
	"achteraf/web/page"
)

//go:embed words
var files embed.FS

// texts are what the site says.
type texts struct {
	Title, About, Lead             string
	HowTitle                       string
	HowOrder, HowOrderText         string
	HowBill, HowBillText           string
	HowPay, HowPayText             string
	HowLater, HowLaterText         string
	Buyers, BuyersText             string
	Shops, ShopsText               string
	Operators, OperatorsText       string
	Build, Api, ApiEffect          string
	Document, DocumentEffect       string
	Log, LogEffect                 string
	Demo, DemoNote                 string
	DemoShop, DemoShopEffect       string
	DemoMailbox, DemoMailboxEffect string
	DemoMy, DemoMyEffect           string
	DemoClock, DemoClockEffect     string
	DemoDesign, DemoDesignEffect   string
	CheckTitle, CheckLead          string
	CheckCode, CheckCodeHelp       string
	CheckEmpty, CheckButton        string
	CheckYes                       string
	CheckYesText                   words.Text
	CheckNo, CheckNoText           string
	CheckBusy, CheckBusyText       string
	SentOrder, SentInvoice         string
	SentPaid, SentCredit           string
	SentDelayed, SentOther         string
	Always, AlwaysCode             string
	AlwaysNever, AlwaysPress       string
	RequestTitle, RequestLead      string
	RequestEmail, RequestEmailHelp string
	RequestEmailWrong              string
	RequestNumber                  string
	RequestNumberHelp              string
	RequestNumberEmpty             string
	RequestNumberLong              string
	RequestButton, RequestNote     string
	RequestBusy, RequestBusyText   string
	RequestedTitle, RequestedText  string
	RequestedNone                  string
	RequestedNoneText              string
	RequestAgain, RequestSignIn    string
}

// Config is what the site is built from.
type Config struct {
	Look *page.Look
	Demo []string // the addresses of a demonstration's surfaces that are served: see Surfaces. Empty: it is real
	// Check says whether we sent the message of a code; nil when we did not. Without it there is no such page. Error:
	// Limited "rate-limit".
	Check func(r *http.Request, typed string) (*Message, error)
	// Request takes a request for an invoice. Without it there is no such page. Errors: Invalid "fields" about #/email and
	// #/reference, Limited "rate-limit".
	Request func(r *http.Request, x Wanted) error
}

// Site serves the pages of the site.
type Site struct {
	look    *page.Look
	demo    []string
	check   func(*http.Request, string) (*Message, error)
	request func(*http.Request, Wanted) error
	texts   words.All[texts]
}

// Surfaces are the addresses that a demonstration can have, in the order in which one visits them.
func Surfaces() []string {
	return []string{"/demo/shop", "/demo/mailbox", "/my", "/demo/clock", "/design"}
}

// New makes the site. Errors: a text that is missing in a language, an address that is no demonstration's.
func New(c Config) (*Site, error) {
	all, err := words.Load[texts](files, "words")
	if err != nil {
		return nil, err
	}
	for _, path := range c.Demo {
		if !slices.Contains(Surfaces(), path) {
			return nil, fmt.Errorf("site: %q is no surface of a demonstration", path)
		}
	}
	return &Site{c.Look, c.Demo, c.Check, c.Request, all}, nil
}

// Routes adds the pages of the site.
func (s *Site) Routes(mux *http.ServeMux) {
	mux.Handle("GET /{$}", s.look.Page(s.home))
	if s.check != nil {
		mux.Handle("GET "+CheckPath, s.look.Page(s.askCheck))
		mux.Handle("POST "+CheckPath, s.look.Page(s.answerCheck))
	}
	if s.request != nil {
		mux.Handle("GET "+RequestPath, s.look.Page(s.askRequest))
		mux.Handle("POST "+RequestPath, s.look.Page(s.takeRequest))
		mux.Handle("GET "+sentPath, s.look.Page(s.requested))
	}
}

// home serves GET /.
func (s *Site) home(w http.ResponseWriter, r *http.Request) error {
	v := s.look.View(r, "")
	t := s.texts.In(v.Lang)
	v.Title, v.About, v.Public = t.Title, t.About, true
	return s.look.Write(w, r, http.StatusOK, v, home(v, t, s.doors(v, t)))
}

// doors are the ways into a demonstration.
func (s *Site) doors(v *page.View, t *texts) []page.Door {
	known := map[string]page.Door{
		"/demo/shop":    {Icon: "i-store", Text: t.DemoShop, Effect: t.DemoShopEffect},
		"/demo/mailbox": {Icon: "i-msg", Text: t.DemoMailbox, Effect: t.DemoMailboxEffect},
		"/my":           {Icon: "i-user", Text: t.DemoMy, Effect: t.DemoMyEffect},
		"/demo/clock":   {Icon: "i-clock", Text: t.DemoClock, Effect: t.DemoClockEffect},
		"/design":       {Icon: "i-eye", Text: t.DemoDesign, Effect: t.DemoDesignEffect},
	}
	var doors []page.Door
	for _, path := range Surfaces() {
		if slices.Contains(s.demo, path) {
			d := known[path]
			d.Href = v.Link(path)
			doors = append(doors, d)
		}
	}
	return doors
}

// programs are the ways for those who build on the platform.
func programs(t *texts) []page.Door {
	return []page.Door{
		{Href: "/v1/docs", Icon: "i-doc", Text: t.Api, Effect: t.ApiEffect},
		{Href: "/v1/openapi.json", Icon: "i-down", Text: t.Document, Effect: t.DocumentEffect},
		{Href: "/log/checkpoint", Icon: "i-shield", Text: t.Log, Effect: t.LogEffect},
	}
}
