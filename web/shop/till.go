package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"achteraf/internal/words"
)

// ask is the message of POST /v1/checkouts: an order without its buyer, who tells the rest at the till.
type ask struct {
	Reference  string     `json:"reference"`
	Currency   string     `json:"currency"`
	Prices     string     `json:"prices"`
	TotalCents int64      `json:"total_cents"`
	Lines      []line     `json:"lines"`
	ReturnURLs returnURLs `json:"return_urls"`
	Language   string     `json:"language"`
}

type line struct {
	Reference      string  `json:"reference"`
	Kind           string  `json:"kind"`
	Description    string  `json:"description"`
	Quantity       int     `json:"quantity"`
	UnitPriceCents int64   `json:"unit_price_cents"`
	VATPercent     string  `json:"vat_percent"`
	ReturnMark     *string `json:"return_mark"`
}

type returnURLs struct {
	Success string `json:"success"`
	Failure string `json:"failure"`
	Cancel  string `json:"cancel"`
}

// message writes what is in the basket as the API reads it.
func (s *Shop) message(b basket, l words.Lang) ask {
	t, c := s.texts.In(l), b.count()
	a := ask{Reference: b.Reference, Currency: "EUR", Prices: "incl_vat", TotalCents: c.total, Language: string(l), ReturnURLs: s.returns(b.Reference, l)}
	add := func(reference, kind, what string, n int, cents, vat int64) {
		a.Lines = append(a.Lines, line{reference, kind, what, n, cents, fmt.Sprint(vat), nil})
	}
	for _, e := range c.entries {
		add(e.slug, "goods", e.name(t), e.quantity, e.cents, e.vat)
	}
	for _, k := range c.cuts {
		add(codeWord, "discount", t.Discount.With("code", codeWord), 1, -k.cents, k.vat)
	}
	if c.postage > 0 {
		add("POST", "shipping", t.Postage, 1, c.postage, postageVAT)
	}
	return a
}

// returns is where the till leads back to.
func (s *Shop) returns(reference string, l words.Lang) returnURLs {
	at := func(page string) string { return s.BaseURL + Path + page + "?lang=" + string(l) }
	return returnURLs{at("/thanks/" + reference), at("/declined"), at("/cancelled")}
}

// order is the part of the API's order that the shop looks at.
type order struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// checkout opens a checkout and returns where it is.
func (s *Shop) checkout(ctx context.Context, b basket, l words.Lang) (string, error) {
	var opened struct {
		URL string `json:"checkout_url"`
	}
	key := "shop-" + b.Reference + "-" + string(l)
	if err := s.call(ctx, http.MethodPost, "/v1/checkouts", key, s.message(b, l), &opened); err != nil {
		return "", err
	}
	if u, err := url.Parse(opened.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("shop: the checkout has no address: %q", opened.URL)
	}
	return opened.URL, nil
}

// find looks for the order that a basket became.
func (s *Shop) find(ctx context.Context, reference string) (order, bool, error) {
	var page struct {
		Data []order `json:"data"`
	}
	err := s.call(ctx, http.MethodGet, "/v1/orders?reference="+url.QueryEscape(reference), "", nil, &page)
	if err != nil || len(page.Data) == 0 {
		return order{}, false, err
	}
	return page.Data[0], true, nil
}

// send tells the platform that the parcel is on its way.
func (s *Shop) send(ctx context.Context, o order) error {
	return s.call(ctx, http.MethodPost, "/v1/orders/"+url.PathEscape(o.ID)+"/start", "shop-start-"+o.ID, struct{}{}, &o)
}

const mostAnswer = 1 << 20

// call speaks to the API. key is the idempotency key of a write.
func (s *Shop) call(ctx context.Context, method, path, key string, body, answer any) error {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, s.BaseURL+path, text)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+s.Key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
	}
	got, err := s.HTTP.Do(r)
	if err != nil {
		return fmt.Errorf("shop: %s %s: %w", method, path, err)
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(got.Body, mostAnswer))
	if err != nil {
		return err
	}
	if got.StatusCode >= 300 {
		var problem struct{ Code string }
		json.Unmarshal(raw, &problem) // what cannot be read has no code
		return fmt.Errorf("shop: %s %s was answered by %d %s", method, path, got.StatusCode, problem.Code)
	}
	return json.Unmarshal(raw, answer)
}
