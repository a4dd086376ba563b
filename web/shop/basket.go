package shop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	cookieName = "kleigoed"
	mostOfOne  = 9
	postage    = 4_95
	freeFrom   = 60_00 // worth of goods from which postage is free
	postageVAT = 21
	codeWord   = "KLEI10" // ten percent off
	codeCut    = 10
)

// basket is what somebody wants to buy.
type basket struct {
	Items     map[string]int `json:"i,omitempty"` // by slug
	Code      string         `json:"c,omitempty"`
	Reference string         `json:"r,omitempty"` // of the order that this basket would become; a change gives a new one
}

// entry is a line of the basket.
type entry struct {
	*good
	quantity int
}

func (e entry) sum() int64 { return int64(e.quantity) * e.cents }

// cut is the discount on the goods of one rate of VAT.
type cut struct{ vat, cents int64 }

// bill is a basket, counted.
type bill struct {
	entries []entry
	cuts    []cut
	goods   int64
	cut     int64 // all discounts
	postage int64
	total   int64
}

// count counts a basket. A discount is shared by the rates of VAT, and rounded half away from zero once for each.
func (b *basket) count() bill {
	var c bill
	worth := map[int64]int64{}
	for i := range goods {
		if n := b.Items[goods[i].slug]; n > 0 {
			e := entry{&goods[i], n}
			c.entries, c.goods = append(c.entries, e), c.goods+e.sum()
			worth[e.vat] += e.sum()
		}
	}
	if b.Code == codeWord {
		for _, vat := range []int64{21, 9} {
			if cents := (worth[vat]*codeCut + 50) / 100; cents > 0 {
				c.cuts, c.cut = append(c.cuts, cut{vat, cents}), c.cut+cents
			}
		}
	}
	if c.goods > 0 && c.goods < freeFrom {
		c.postage = postage
	}
	c.total = c.goods - c.cut + c.postage
	return c
}

// vat is how much VAT of a rate is in the bill, for the reader; the invoice says what counts.
func (c *bill) vat(rate int64) int64 {
	var sum int64
	for _, e := range c.entries {
		if e.vat == rate {
			sum += e.sum()
		}
	}
	for _, k := range c.cuts {
		if k.vat == rate {
			sum -= k.cents
		}
	}
	if rate == postageVAT {
		sum += c.postage
	}
	return (2*sum*rate + 100 + rate) / (2 * (100 + rate))
}

// pieces is how many things are in the basket.
func (b *basket) pieces() (n int) {
	for _, e := range b.count().entries {
		n += e.quantity
	}
	return n
}

// set puts a number of a good into the basket in the place of what was there.
func (b *basket) set(slug string, n int) {
	if b.Items == nil {
		b.Items = map[string]int{}
	}
	b.Items[slug] = min(max(n, 0), mostOfOne)
	if b.Items[slug] == 0 {
		delete(b.Items, slug)
	}
}

// renew gives the basket a new reference.
func (s *Shop) renew(b *basket) error {
	var random [5]byte
	if _, err := io.ReadFull(s.Random, random[:]); err != nil {
		return err
	}
	b.Reference = "KG-" + base32.StdEncoding.EncodeToString(random[:])
	return nil
}

func (s *Shop) sign(text string) string {
	h := hmac.New(sha256.New, s.Secret)
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// read takes the basket out of a request; one that we did not sign is empty.
func (s *Shop) read(r *http.Request) basket {
	var b basket
	c, err := r.Cookie(cookieName)
	if err != nil {
		return b
	}
	text, signature, _ := strings.Cut(c.Value, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !hmac.Equal([]byte(signature), []byte(s.sign(text))) || json.Unmarshal(raw, &b) != nil {
		return basket{}
	}
	return b
}

// write gives the basket back to the browser.
func (s *Shop) write(w http.ResponseWriter, r *http.Request, b basket) error {
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	text := base64.RawURLEncoding.EncodeToString(raw)
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: text + "." + s.sign(text), Path: Path, MaxAge: 7 * 24 * 3600, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil || strings.HasPrefix(s.BaseURL, "https://")})
	return nil
}

// quantity reads a number of things; what is none is one.
func quantity(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 1
	}
	return n
}
