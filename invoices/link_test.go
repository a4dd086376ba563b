package invoices_test

import (
	"context"
	"strings"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
	"achteraf/invoices"

	"pgregory.net/rapid"
)

const (
	keyOne = "t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="
	keyTwo = "t2 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func linksOf(t *testing.T, keys ...string) *invoices.Links {
	t.Helper()
	v, err := vault.Parse([]byte(strings.Join(keys, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return invoices.NewLinks(v)
}

// byLink follows a token and returns the invoice's id, or the code of the fault.
func (w *world) byLink(l *invoices.Links, token string) (got string) {
	w.t.Helper()
	err := w.d.Read(context.Background(), func(tx *db.Tx) error {
		v, err := l.ByLink(context.Background(), tx, token)
		got = v.ID
		return err
	})
	if f := fault.As(err); f != nil {
		return f.Code
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) token(l *invoices.Links, k invoices.Key) (token string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		all, err := l.Tokens(context.Background(), tx, []invoices.Key{k})
		token = all[0]
		return err
	})
	return token
}

// A link leads to its invoice with what is open today, until it is revoked; then only a new one does.
func TestPayLink(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		l := linksOf(t, keyOne)
		a, b := w.place(nil), w.place(func(r *invoices.Request) { sum(r, 10_00) })
		key, other := invoices.Key{Merchant: a.Order.Merchant, ID: a.Invoice.ID}, invoices.Key{Merchant: b.Order.Merchant, ID: b.Invoice.ID}
		token := l.First(key)
		if token != w.token(l, key) || len(token) != 42 || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("token %q", token)
		}
		if got := w.byLink(l, token); got != key.ID {
			t.Errorf("leads to %s", got)
		}
		if got := w.byLink(l, l.First(other)); got != other.ID {
			t.Errorf("the other leads to %s", got)
		}
		w.read(func(tx *db.Tx) error {
			pages, err := invoices.NewPages(l, "https://achteraf.example").Of(context.Background(), tx, []invoices.Key{other, key})
			if len(pages) != 2 || pages[1] != "https://achteraf.example/pay/"+token {
				t.Errorf("pages %v", pages)
			}
			return err
		})
		w.advance(3)
		w.pay(a, 1000)
		w.read(func(tx *db.Tx) error {
			v, err := l.ByLink(context.Background(), tx, token)
			if v.OpenCents != 4040 {
				t.Errorf("open %d", v.OpenCents)
			}
			return err
		})
		for range 2 {
			old := w.token(l, key)
			w.write(func(tx *db.Tx) error { return invoices.RevokeLinks(context.Background(), tx, key) })
			if got := w.byLink(l, old); got != "pay-link" {
				t.Errorf("a revoked link leads to %s", got)
			}
			if got := w.byLink(l, w.token(l, key)); got != key.ID {
				t.Errorf("the new link leads to %s", got)
			}
		}
		if got := w.byLink(l, l.First(other)); got != other.ID {
			t.Errorf("the other was revoked too: %s", got)
		}
		err := w.d.Write(context.Background(), func(tx *db.Tx) error {
			return invoices.RevokeLinks(context.Background(), tx, invoices.Key{Merchant: "mer_0", ID: key.ID})
		})
		if !fault.Is(err, "invoice") {
			t.Errorf("another shop revokes: %v", err)
		}
	})
}

func TestForgedLinks(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		l := linksOf(t, keyOne)
		a, b := w.place(nil), w.place(func(r *invoices.Request) { sum(r, 10_00) })
		token := l.First(invoices.Key{Merchant: a.Order.Merchant, ID: a.Invoice.ID})
		other := l.First(invoices.Key{Merchant: b.Order.Merchant, ID: b.Invoice.ID})
		for name, forged := range map[string]string{
			"empty": "", "short": token[:41], "long": token + "A", "of another invoice": token[:20] + other[20:],
			"of another shop": l.First(invoices.Key{Merchant: "mer_0", ID: a.Invoice.ID}), "of no invoice": strings.Repeat("0", 20) + token[20:],
			"not base64": token[:41] + "*", "of another key": linksOf(t, keyTwo).First(invoices.Key{Merchant: a.Order.Merchant, ID: a.Invoice.ID}),
		} {
			if got := w.byLink(l, forged); got != "pay-link" {
				t.Errorf("%s leads to %s", name, got)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			raw := []byte(token)
			raw[rapid.IntRange(0, 41).Draw(rt, "at")] = rapid.SampledFrom([]byte("ABCDEFabcdef0123456789-_")).Draw(rt, "to")
			if got := w.byLink(l, string(raw)); string(raw) != token && got != "pay-link" {
				rt.Fatalf("%s leads to %s", raw, got)
			}
		})
	})
}

// Links of before a rotation of the master key go on working while the old key is there.
func TestLinksOverARotation(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.place(nil)
		key := invoices.Key{Merchant: a.Order.Merchant, ID: a.Invoice.ID}
		both := linksOf(t, keyTwo, keyOne)
		if got := w.byLink(both, linksOf(t, keyOne).First(key)); got != key.ID {
			t.Errorf("the old link leads to %s", got)
		}
		if got := w.byLink(both, both.First(key)); got != key.ID {
			t.Errorf("the new link leads to %s", got)
		}
		if got := w.byLink(linksOf(t, keyTwo), linksOf(t, keyOne).First(key)); got != "pay-link" {
			t.Errorf("without the key: %s", got)
		}
	})
}
