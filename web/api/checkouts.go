package api

import (
	"fmt"
	"net/http"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"

	"github.com/go-json-experiment/json"
)

// newCheckout is the message of POST /v1/checkouts: an order without its buyer.
type newCheckout struct {
	Reference       string         `json:"reference" minLength:"1" maxLength:"64" doc:"Your own word for the order, used once." example:"2001"`
	Currency        string         `json:"currency" enum:"EUR" doc:"ISO 4217."`
	Prices          string         `json:"prices" enum:"incl_vat,excl_vat" doc:"Whether unit prices include VAT."`
	TotalCents      integer        `json:"total_cents" minimum:"1" maximum:"10000000000" doc:"What the buyer will owe, VAT included: the sum of the lines, and of the VAT of each rate where prices exclude it." example:"5040"`
	Lines           []newLine      `json:"lines" nullable:"false" minItems:"1" maxItems:"500"`
	ReturnURLs      returnURLs     `json:"return_urls"`
	Buyer           *knownBuyer    `json:"buyer,omitempty" doc:"What you know of the buyer. Nothing in it is binding."`
	DeliveryAddress *postalAddress `json:"delivery_address,omitempty" doc:"Where the goods go, when that is not the buyer's address. The buyer sees it and cannot change it."`
	Language        string         `json:"language,omitempty" nullable:"true" enum:"nl,fr,en,de" doc:"In which the page opens; that of the browser when it is left out. The buyer may choose another."`
	TermsVersion    string         `json:"terms_version,omitempty" nullable:"true" maxLength:"40" doc:"Version of your terms that the page leads to; the one in force when it is left out."`
}

// returnURLs are the ways back to the shop.
type returnURLs struct {
	Success string `json:"success" minLength:"1" maxLength:"2000" doc:"Once the order is stored." example:"https://shop.example/thanks?order=2001"`
	Failure string `json:"failure,omitempty" nullable:"true" maxLength:"2000" doc:"To pay in another way, with the basket as it was. Left out: cancel, then back."`
	Cancel  string `json:"cancel,omitempty" nullable:"true" maxLength:"2000" doc:"When the buyer does not want to pay later. Left out: back, then failure."`
	Back    string `json:"back,omitempty" nullable:"true" maxLength:"2000" doc:"For a look at the shop while the page waits. Left out: cancel, then failure."`
}

// knownBuyer is a buyer of whom nothing must be known.
type knownBuyer struct {
	Kind      string        `json:"kind,omitempty" nullable:"true" enum:"consumer,company"`
	Email     string        `json:"email,omitempty" nullable:"true" maxLength:"200" example:"sanne@example.org"`
	Language  string        `json:"language,omitempty" nullable:"true" enum:"nl,fr,en,de" doc:"In which the page opens when language beside it is left out."`
	Phone     string        `json:"phone,omitempty" nullable:"true" maxLength:"200"`
	IP        string        `json:"ip,omitempty" nullable:"true" doc:"Not used: the buyer's own connection to the page counts."`
	Name      *knownName    `json:"name,omitempty"`
	BirthDate calendar.Date `json:"birth_date,omitzero" format:"date"`
	Address   *knownAddress `json:"address,omitempty"`
	Company   *knownCompany `json:"company,omitempty"`
}

type knownName struct {
	First string `json:"first,omitempty" nullable:"true" maxLength:"200"`
	Last  string `json:"last,omitempty" nullable:"true" maxLength:"200"`
}

type knownAddress struct {
	Street            string `json:"street,omitempty" nullable:"true" maxLength:"200"`
	HouseNumber       string `json:"house_number,omitempty" nullable:"true" maxLength:"200"`
	HouseNumberSuffix string `json:"house_number_suffix,omitempty" nullable:"true" maxLength:"200"`
	Postcode          string `json:"postcode,omitempty" nullable:"true" maxLength:"200"`
	City              string `json:"city,omitempty" nullable:"true" maxLength:"200"`
	Country           string `json:"country,omitempty" nullable:"true" maxLength:"200" doc:"ISO 3166-1, two letters."`
}

type knownCompany struct {
	Name               string `json:"name,omitempty" nullable:"true" maxLength:"200"`
	RegistrationNumber string `json:"registration_number,omitempty" nullable:"true" maxLength:"200"`
	VATID              string `json:"vat_id,omitempty" nullable:"true" maxLength:"200"`
}

func (m *knownBuyer) buyer() buyers.Buyer {
	if m == nil {
		return buyers.Buyer{}
	}
	b := buyers.Buyer{Kind: m.Kind, Email: m.Email, Phone: m.Phone, BirthDate: m.BirthDate}
	if m.Name != nil {
		b.Name = buyers.Name(*m.Name)
	}
	if m.Address != nil {
		b.Address = buyers.Address(*m.Address)
	}
	if m.Company != nil {
		f := buyers.Firm(*m.Company)
		b.Company = &f
	}
	return b
}

// offer is the message as invoices knows it. Error: Invalid "fields" for what only a message can lack.
func (m *newCheckout) offer(merchant string) (invoices.Offer, error) {
	order := newOrder{Reference: m.Reference, Currency: m.Currency, Prices: m.Prices, TotalCents: m.TotalCents, Lines: m.Lines, TermsVersion: m.TermsVersion}
	o, _, err := order.order()
	known := m.Buyer.buyer()
	if m.DeliveryAddress != nil {
		a := m.DeliveryAddress.address()
		known.DeliveryAddress = &a
	}
	language := m.Language
	if language == "" && m.Buyer != nil {
		language = m.Buyer.Language
	}
	return invoices.Offer{Merchant: merchant, Order: o, Buyer: known, Language: language, Returns: checkout.Returns(m.ReturnURLs)}, err
}

// openedCheckout is a checkout that has just been opened.
type openedCheckout struct {
	ID          string           `json:"id" example:"chk_0h2k5vmn3c7q9x1b4d6f"`
	CheckoutURL string           `json:"checkout_url" doc:"Where to send the buyer's browser. Whoever has it is taken for the buyer." example:"https://pay.example/checkout/…"`
	ExpiresAt   calendar.Instant `json:"expires_at" format:"date-time"`
}

// checkoutAnswer is how a checkout stands.
type checkoutAnswer struct {
	ID        string            `json:"id" example:"chk_0h2k5vmn3c7q9x1b4d6f"`
	Status    checkout.State    `json:"status" enum:"open,accepted,declined,referred,cancelled,expired"`
	OrderID   *string           `json:"order_id" doc:"Null unless accepted." example:"ord_0h2k5vmn3c7q9x1b4d6f"`
	Reference string            `json:"reference" doc:"Your own word for the order." example:"2001"`
	ExpiresAt calendar.Instant  `json:"expires_at" format:"date-time"`
	EndedAt   *calendar.Instant `json:"ended_at" nullable:"true" format:"date-time" doc:"Null while the buyer can still order."`
}

func checkoutOff() error {
	return fault.New(fault.Unavailable, "checkout-off", "This platform has no public address, so it has no pages to send a buyer to.")
}

// openCheckout serves POST /v1/checkouts.
func (a *API) openCheckout(c *call) (reply, error) {
	if a.Till == nil || a.CheckoutURL == "" {
		return reply{}, checkoutOff()
	}
	secret, err := a.Till.Secret()
	if err != nil {
		return reply{}, err
	}
	out, err := once(a, c, func(tx *db.Tx, in *newCheckout) (int, any, error) {
		o, err := in.offer(c.who.Merchant)
		if err != nil {
			return 0, nil, err
		}
		made, token, err := a.Till.Open(c.ctx, tx, o, secret)
		return http.StatusCreated, openedCheckout{made.ID, a.CheckoutURL + token, made.ExpiresAt}, err
	})
	return out, inMessage(err)
}

// getCheckout serves GET /v1/checkouts/{id}.
func (a *API) getCheckout(c *call) (reply, error) {
	if a.Till == nil {
		return reply{}, checkoutOff()
	}
	if err := a.DB.Read(c.ctx, func(tx *db.Tx) error { return a.check(c, tx) }); err != nil {
		return reply{}, err
	}
	if !isID("chk_", c.id) {
		return reply{}, fault.Missing("checkout", "There is no such checkout.")
	}
	x, err := a.Till.ByID(c.ctx, checkout.Key{Merchant: c.who.Merchant, ID: c.id})
	if err != nil {
		return reply{}, err
	}
	body, err := json.Marshal(checkoutAnswer{x.ID, x.State, null(&x.Order), x.Reference, x.ExpiresAt, null(&x.EndedAt)})
	if err != nil {
		return reply{}, fmt.Errorf("checkout %s: %w", x.ID, err)
	}
	return reply{status: http.StatusOK, body: body}, nil
}
