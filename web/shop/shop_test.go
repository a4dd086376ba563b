package shop

import (
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"achteraf/internal/words"
	"achteraf/merchants"
)

// platform stands in for the one behind the shop: it holds what the shop says against the contract.
type platform struct {
	t      *testing.T
	server *httptest.Server
	down   bool
	asked  []ask // checkouts, but for those that were asked for once more
	keys   map[string]string
	state  string // of the order with the reference of the last checkout; "": there is none
	starts int
}

const shopKey = "sk_live_of_the_shop"

func newPlatform(t *testing.T) *platform {
	p := &platform{t: t, keys: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/checkouts", p.open)
	mux.HandleFunc("GET /v1/orders", p.list)
	mux.HandleFunc("POST /v1/orders/ord_1/start", p.start)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Header.Get("Authorization") != "Bearer "+shopKey:
			t.Errorf("%s without the key", r.URL)
		case r.Method == http.MethodPost && (r.Header.Get("Idempotency-Key") == "" || r.Header.Get("Content-Type") != "application/json"):
			t.Errorf("%s: a write with %v", r.URL, r.Header)
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *platform) open(w http.ResponseWriter, r *http.Request) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	var a ask
	if err := d.Decode(&a); err != nil {
		p.t.Error(err)
	}
	raw, _ := json.Marshal(a)
	key := r.Header.Get("Idempotency-Key")
	if before, known := p.keys[key]; known && before != string(raw) {
		p.t.Errorf("another message with the key %s", key)
	} else if !known {
		p.asked = append(p.asked, a)
		p.keys[key] = string(raw)
	}
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, `{"id":"chk_1","checkout_url":"`+p.server.URL+`/checkout/`+a.Reference+`","expires_at":"2026-11-22T20:00:00Z"}`)
}

func (p *platform) list(w http.ResponseWriter, r *http.Request) {
	if p.state == "" || len(p.asked) == 0 || r.URL.Query().Get("reference") != p.asked[len(p.asked)-1].Reference {
		io.WriteString(w, `{"data":[],"next_cursor":null}`)
		return
	}
	io.WriteString(w, `{"data":[{"id":"ord_1","state":"`+p.state+`"}],"next_cursor":null}`)
}

func (p *platform) start(w http.ResponseWriter, _ *http.Request) {
	p.starts++
	p.state = "started"
	io.WriteString(w, `{"id":"ord_1","state":"started"}`)
}

// visitor is somebody in the shop, with the cookies of their browser.
type visitor struct {
	t       *testing.T
	shop    http.Handler
	cookies map[string]string
}

func newShop(t *testing.T, p *platform) *http.ServeMux {
	t.Helper()
	s, err := New(Config{BaseURL: p.server.URL, Key: shopKey, HTTP: p.server.Client(), Secret: []byte("sixteen bytes or more"), Random: rand.NewChaCha8([32]byte{}),
		Who: merchants.Operator{LegalName: "Voorbeeld Kleigoed B.V.", Country: "NL"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Routes(mux)
	s.look.Routes(mux)
	return mux
}

func newVisitor(t *testing.T, p *platform) *visitor {
	return &visitor{t, newShop(t, p), map[string]string{}}
}

func (v *visitor) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	v.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	v.shop.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != Path {
			v.t.Errorf("the cookie is %v", c)
		}
		v.cookies[c.Name] = c.Value
	}
	return rec
}

func (v *visitor) get(path string) string {
	v.t.Helper()
	rec := v.do(http.MethodGet, path, nil)
	if rec.Code != http.StatusOK {
		v.t.Fatalf("GET %s: %d", path, rec.Code)
	}
	return rec.Body.String()
}

func (v *visitor) put(good, number, do string) {
	v.t.Helper()
	if rec := v.do(http.MethodPost, Path+"/basket", url.Values{"good": {good}, "quantity": {number}, "do": {do}}); rec.Code != http.StatusSeeOther {
		v.t.Fatalf("%s %s %s: %d", do, number, good, rec.Code)
	}
}

// TestBuy: from the window to the till and back, as a visitor without script does it.
func TestBuy(t *testing.T) {
	p := newPlatform(t)
	v := newVisitor(t, p)
	if page := v.get(Path + "?lang=en"); strings.Count(page, `name="do" value="add"`) != len(goods) || !strings.Contains(page, "€14.50") {
		t.Error("the window does not show every good with its price")
	}
	v.put("mug", "2", "add")
	v.put("book", "1", "add")
	v.put("mug", "1", "add")
	if rec := v.do(http.MethodPost, Path+"/basket", url.Values{"code": {" klei10 "}}); rec.Code != http.StatusSeeOther {
		t.Errorf("the code: %d", rec.Code)
	}
	basket := v.get(Path + "/basket?lang=en")
	for _, want := range []string{"€68.45", "−€6.85", "free", "€61.60", "Of which 21% VAT", "€6.79", "€1.85"} {
		if !strings.Contains(basket, want) {
			t.Errorf("the basket does not say %s", want)
		}
	}
	var to string
	for range 2 { // a second press opens no second checkout
		rec := v.do(http.MethodPost, Path+"/pay?lang=en", nil)
		if to = rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || !strings.HasPrefix(to, p.server.URL+"/checkout/KG-") {
			t.Fatalf("the till: %d %s", rec.Code, to)
		}
	}
	if len(p.asked) != 1 {
		t.Fatalf("%d checkouts", len(p.asked))
	}
	a := p.asked[0]
	var sum int64
	for _, l := range a.Lines {
		sum += int64(l.Quantity) * l.UnitPriceCents
	}
	if sum != a.TotalCents || sum != 61_60 || len(a.Lines) != 4 || a.Prices != "incl_vat" || a.Currency != "EUR" || a.Language != "en" {
		t.Errorf("the checkout is %+v, its lines come to %d", a, sum)
	}
	back, err := url.Parse(a.ReturnURLs.Success)
	if err != nil || !strings.HasPrefix(a.ReturnURLs.Success, p.server.URL+Path) {
		t.Fatal(a.ReturnURLs)
	}
	if rec := v.do(http.MethodGet, back.RequestURI(), nil); rec.Code != http.StatusNotFound {
		t.Errorf("thanked without an order: %d", rec.Code)
	}
	p.state = "placed"
	if page := v.get(back.RequestURI()); !strings.Contains(page, a.Reference) || !strings.Contains(page, "The parcel is on its way") {
		t.Error("no thanks")
	}
	if page := v.get(Path + "/basket?lang=en"); !strings.Contains(page, "Your basket is empty") {
		t.Error("the basket is not empty")
	}
	for range 2 {
		if rec := v.do(http.MethodPost, back.RequestURI(), nil); rec.Code != http.StatusSeeOther {
			t.Errorf("the parcel: %d", rec.Code)
		}
	}
	if p.starts != 1 || !strings.Contains(v.get(back.RequestURI()), "The order has started") {
		t.Errorf("started %d times", p.starts)
	}
}

// TestEndings: who comes back without an order finds the basket again, and may try again.
func TestEndings(t *testing.T) {
	p := newPlatform(t)
	v := newVisitor(t, p)
	v.put("tea", "2", "add")
	v.do(http.MethodPost, Path+"/pay?lang=fr", nil)
	for i, at := range []string{p.asked[0].ReturnURLs.Failure, p.asked[0].ReturnURLs.Cancel} {
		u, _ := url.Parse(at)
		v.get(u.RequestURI())
		if !strings.Contains(v.get(Path+"/basket?lang=fr"), "Thé en vrac") {
			t.Errorf("%s: the basket is gone", at)
		}
		v.do(http.MethodPost, Path+"/pay?lang=fr", nil)
		if len(p.asked) != i+2 || p.asked[i+1].Reference == p.asked[i].Reference {
			t.Errorf("%s: no new checkout", at)
		}
	}
	p.down = true
	if rec := v.do(http.MethodPost, Path+"/pay?lang=fr", nil); rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "Votre panier est gardé") {
		t.Errorf("the platform is gone: %d", rec.Code)
	}
}

// TestBasketOfNobody: what we did not sign is no basket, whatever it says, and no number breaks it.
func TestBasketOfNobody(t *testing.T) {
	p := newPlatform(t)
	v := newVisitor(t, p)
	v.put("vase", "1", "add")
	for _, number := range []string{"-3", "0", "x", "99999999999999999999", "9"} {
		v.put("vase", number, "set")
	}
	if !strings.Contains(v.get(Path+"/basket?lang=en"), "€310.50") { // nine of them
		t.Error("not nine of them")
	}
	c := v.cookies[cookieName]
	for _, forged := range []string{"", ".", "e30.e30", strings.Replace(c, ".", "x.", 1), c + "x", "eyJpIjp7Im11ZyI6OX19." + strings.SplitN(c, ".", 2)[1]} {
		v.cookies[cookieName] = forged
		if !strings.Contains(v.get(Path+"/basket?lang=en"), "Your basket is empty") {
			t.Errorf("%q was taken", forged)
		}
	}
	if rec := v.do(http.MethodPost, Path+"/pay", nil); rec.Code != http.StatusSeeOther || len(p.asked) != 0 {
		t.Errorf("an empty basket went to the till: %d", rec.Code)
	}
	if rec := v.do(http.MethodPost, Path+"/basket", url.Values{"code": {"FREE"}}); rec.Code != http.StatusUnprocessableEntity || v.cookies[cookieName] == c {
		t.Errorf("any code: %d", rec.Code)
	}
	for _, path := range []string{Path + "/goods/gold", Path + "/nowhere", Path + "/thanks/KG-NONE"} {
		if rec := v.do(http.MethodGet, path, nil); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	r := httptest.NewRequest(http.MethodPost, Path+"/basket", strings.NewReader("good=mug&do=add"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := httptest.NewRecorder()
	if v.shop.ServeHTTP(rec, r); rec.Code != http.StatusForbidden {
		t.Errorf("another site fills the basket: %d", rec.Code)
	}
}

// TestPages: every page is whole in each language, and small.
func TestPages(t *testing.T) {
	p := newPlatform(t)
	v := newVisitor(t, p)
	v.put("lamp", "1", "add")
	prices := regexp.MustCompile(`89[.,]00`)
	for _, l := range words.Langs() {
		for _, path := range []string{Path, Path + "/goods/lamp", Path + "/basket"} {
			page := v.get(path + "?lang=" + string(l))
			if !strings.Contains(page, `<html lang="`+string(l)+`"`) || !prices.MatchString(page) || len(page) > 60_000 {
				t.Errorf("%s in %s: %d bytes", path, l, len(page))
			}
			if regexp.MustCompile(`style="|<script|<style`).MatchString(page) {
				t.Errorf("%s has what the policy forbids", path)
			}
		}
	}
}
