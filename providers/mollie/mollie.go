// Package mollie asks Mollie for payments by bank button, over its API v2.
//
// It owns the five calls that we make, their wire format and the meaning of their answers. It does not own what
// is paid for, nor what is done with an answer (payments), nor which addresses may be called (internal/outbound).
//
// # What is always true
//
//   - Amounts go over the wire as decimal text with two decimals, made from and read into whole cents.
//   - What is not understood is an error: no status, amount or currency is guessed.
//   - Only bank methods are asked for, never a card.
//
// Five calls are some two hundred lines here. The library that knows the whole API (VictorAvelar/mollie-api-go)
// would bring more code than it saves, would hide the deadlines and the idempotency key that matter most, and
// says amounts as text all the same.
//
// Source: Mollie API reference v2, payments and settlements, as of November 2026.
package mollie

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/money"
	"achteraf/payments"
)

// Base is where Mollie's API is.
const Base = "https://api.mollie.com/v2"

// Client is a payments.PSP.
type Client struct {
	base  string
	key   string
	token string
	http  *http.Client
}

// New makes a client. base has no slash at its end. key makes and reads payments; token, an organisation's access
// token, reads settlements, which Mollie shows to no key; without it there are none to see.
func New(base, key, token string, client *http.Client) *Client {
	return &Client{base: base, key: key, token: token, http: client}
}

// Name is "mollie".
func (c *Client) Name() string { return "mollie" }

type amount struct {
	Currency string `json:"currency"`
	Value    string `json:"value"`
}

func decimal(cents int64, currency string) amount {
	return amount{currency, money.Amount{Cents: cents, Currency: currency}.Decimal()}
}

// cents reads an amount of whole cents: Mollie writes two decimals.
func (a amount) cents() (int64, error) {
	if i := strings.IndexByte(a.Value, '.'); i < 1 || len(a.Value)-i != len(".00") {
		return 0, misread("amount")
	}
	read, err := money.ParseDecimal(a.Value, a.Currency)
	if err != nil {
		return 0, misread("amount")
	}
	return read.Cents, nil
}

// metadata comes back as it was sent.
type metadata struct {
	ID string `json:"id"`
}

type newPayment struct {
	Amount      amount   `json:"amount"`
	Description string   `json:"description"`
	RedirectURL string   `json:"redirectUrl"`
	WebhookURL  string   `json:"webhookUrl,omitempty"`
	Method      []string `json:"method"`
	Locale      string   `json:"locale,omitempty"`
	Metadata    metadata `json:"metadata"`
}

type payment struct {
	ID        string          `json:"id"`
	Status    string          `json:"status"`
	Amount    amount          `json:"amount"`
	ExpiresAt string          `json:"expiresAt"`
	Metadata  json.RawMessage `json:"metadata"` // of a payment that is not ours it may be anything
	Links     struct {
		Checkout link `json:"checkout"`
	} `json:"_links"`
}

type link struct {
	Href string `json:"href"`
}

// states says what Mollie's statuses mean to us.
var states = map[string]payments.State{
	"open": payments.Open, "pending": payments.Open, "authorized": payments.Open, "paid": payments.Paid,
	"canceled": payments.Cancelled, "expired": payments.Expired, "failed": payments.Failed,
}

func (p payment) remote() (r payments.Remote, err error) {
	var m metadata
	if json.Unmarshal(p.Metadata, &m) != nil {
		m.ID = ""
	}
	r = payments.Remote{ID: p.ID, Ours: m.ID, State: states[p.Status], Currency: p.Amount.Currency, Checkout: p.Links.Checkout.Href}
	if r.Cents, err = p.Amount.cents(); err != nil {
		return r, err
	}
	if p.ExpiresAt != "" {
		if r.ExpiresAt, err = calendar.ParseInstant(p.ExpiresAt); err != nil {
			return r, misread("expiresAt")
		}
	}
	switch {
	case r.ID == "":
		return r, misread("id")
	case r.State == "":
		return r, misread("status")
	case r.State == payments.Open && r.Checkout != "" && !strings.HasPrefix(r.Checkout, "http"):
		return r, misread("checkout")
	}
	return r, nil
}

// methods are how people pay from their bank account in a country. Cards are not among them, nor is Bancontact,
// which is one: the answer to it is the bank transfer.
func methods(country string) []string {
	if country == "BE" {
		return []string{"kbc", "belfius"}
	}
	return []string{"ideal"}
}

// locale is Mollie's name for a language in a country, "" where it has none: then it asks the browser.
func locale(language, country string) string {
	switch language {
	case "nl", "fr":
		if country == "BE" {
			return language + "_BE"
		}
		return language + "_" + strings.ToUpper(language)
	case "de":
		return "de_DE"
	case "en":
		return "en_GB"
	}
	return ""
}

// mostDescription is how long a description may be.
const mostDescription = 255

// Create makes a payment. Its id is the idempotency key, which Mollie remembers for an hour.
func (c *Client) Create(ctx context.Context, r payments.Request) (payments.Remote, error) {
	if len(r.Description) > mostDescription {
		return payments.Remote{}, fault.New(fault.Unavailable, "psp-refused", "The description of the payment is too long.")
	}
	body, err := json.Marshal(newPayment{Amount: decimal(r.Cents, r.Currency), Description: r.Description, RedirectURL: r.Return,
		WebhookURL: r.Webhook, Method: methods(r.Country), Locale: locale(r.Language, r.Country), Metadata: metadata{r.ID}})
	if err != nil {
		return payments.Remote{}, err
	}
	var p payment
	if err := c.call(ctx, http.MethodPost, c.base+"/payments", c.key, r.ID, body, &p); err != nil {
		return payments.Remote{}, err
	}
	made, err := p.remote()
	if err == nil && made.State == payments.Open && made.Checkout == "" {
		err = misread("checkout")
	}
	return made, err
}

// Payment reads a payment. Error: NotFound "psp-payment-unknown".
func (c *Client) Payment(ctx context.Context, id string) (payments.Remote, error) {
	var p payment
	if err := c.call(ctx, http.MethodGet, c.base+"/payments/"+url.PathEscape(id), c.key, "", nil, &p); err != nil {
		return payments.Remote{}, err
	}
	r, err := p.remote()
	if err == nil && r.ID != id {
		err = misread("id")
	}
	return r, err
}

type settlement struct {
	ID        string `json:"id"`
	Reference string `json:"reference"`
	Status    string `json:"status"`
	Amount    amount `json:"amount"`
}

// Settlements returns the latest settlements that were paid out.
func (c *Client) Settlements(ctx context.Context) ([]payments.Settlement, error) {
	if c.token == "" {
		return nil, nil
	}
	var page struct {
		Embedded struct {
			Settlements []settlement `json:"settlements"`
		} `json:"_embedded"`
	}
	if err := c.call(ctx, http.MethodGet, c.base+"/settlements?limit=50", c.token, "", nil, &page); err != nil {
		return nil, err
	}
	var all []payments.Settlement
	for _, s := range page.Embedded.Settlements {
		if s.Status != "paidout" {
			continue
		}
		net, err := s.Amount.cents()
		if err != nil {
			return nil, err
		}
		all = append(all, payments.Settlement{ID: s.ID, Reference: s.Reference, NetCents: net, Currency: s.Amount.Currency})
	}
	return all, nil
}

// mostPages bounds how far a list is followed.
const mostPages = 400

// Settled returns the payments of a settlement, page after page.
func (c *Client) Settled(ctx context.Context, id string) ([]payments.Remote, error) {
	var all []payments.Remote
	next := c.base + "/settlements/" + url.PathEscape(id) + "/payments?limit=250"
	for range mostPages {
		var page struct {
			Embedded struct {
				Payments []payment `json:"payments"`
			} `json:"_embedded"`
			Links struct {
				Next *link `json:"next"`
			} `json:"_links"`
		}
		if err := c.call(ctx, http.MethodGet, next, c.token, "", nil, &page); err != nil {
			return nil, err
		}
		for _, p := range page.Embedded.Payments {
			r, err := p.remote()
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		if page.Links.Next == nil {
			return all, nil
		}
		if next = page.Links.Next.Href; !strings.HasPrefix(next, c.base+"/") { // our token goes nowhere else
			return nil, misread("next")
		}
	}
	return nil, misread("next")
}

// call makes one call and reads its answer.
func (c *Client) call(ctx context.Context, method, address, key, idempotency string, body []byte, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Accept", "application/hal+json")
	r.Header.Set("User-Agent", "achteraf")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if idempotency != "" {
		r.Header.Set("Idempotency-Key", idempotency)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return silent(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return silent(err)
	case answer.StatusCode/100 != 2:
		return refused(answer.StatusCode, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return misread("body")
	}
	return nil
}

func silent(err error) error {
	return fault.Wrap(err, fault.Unavailable, "psp-unavailable", "The payment provider does not answer. Try again shortly.")
}

func misread(what string) error {
	return fault.New(fault.Unavailable, "psp-answer", "The payment provider's answer cannot be understood: its %s.", what)
}

// refused says what a status means. Mollie's title and the name of the field go to the log, not its detail, which
// repeats what was sent.
func refused(status int, text []byte) error {
	var e struct {
		Title string `json:"title"`
		Field string `json:"field"`
	}
	if json.Unmarshal(text, &e) != nil {
		e.Title = "not in the form of the API"
	}
	cause := fmt.Errorf("mollie: status %d, %.60q, field %.40q", status, e.Title, e.Field)
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		return fault.Wrap(cause, fault.NotFound, "psp-payment-unknown", "The payment provider knows no such payment.")
	case status == http.StatusConflict, status == http.StatusTooManyRequests, status >= 500, status/100 == 3:
		return silent(cause)
	}
	return fault.Wrap(cause, fault.Unavailable, "psp-refused", "The payment provider refuses this.")
}
