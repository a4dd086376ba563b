package access_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"

	"pgregory.net/rapid"
)

const (
	publicPart = "06a0m8e3xq7v2abcdefg"
	secretPart = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
)

func TestParse(t *testing.T) {
	good := access.Token("live", publicPart, secretPart)
	for _, c := range []struct {
		name, token string
		good        bool
	}{
		{"live", good, true},
		{"test", access.Token("test", publicPart, secretPart), true},
		{"empty", "", false},
		{"no prefix", good[3:], false},
		{"another prefix", "pk" + good[2:], false},
		{"another mode", access.Token("lives", publicPart, secretPart), false},
		{"mode without its checksum", strings.Replace(good, "live", "test", 1), false},
		{"short id", access.Token("live", publicPart[1:], secretPart), false},
		{"long id", access.Token("live", publicPart+"a", secretPart), false},
		{"short secret", access.Token("live", publicPart, secretPart[1:]), false},
		{"no secret", "sk_live_" + publicPart, false},
		{"space behind", good + " ", false},
		{"cut", good[:len(good)-1], false},
		{"a mile long", "sk_live_" + strings.Repeat("a", 1<<16), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := access.Parse(c.token)
			if c.good != (err == nil) || c.good != p.Shown() || !c.good && !fault.Is(err, "key-invalid") {
				t.Errorf("%v, %v", p.Shown(), err)
			}
		})
	}
}

// TestTyposAreFound holds that no key with one wrong character reaches the database.
func TestTyposAreFound(t *testing.T) {
	good := access.Token("live", publicPart, secretPart)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(good)-1).Draw(t, "at")
		c := byte(rapid.IntRange(0, 255).Draw(t, "character"))
		if c == good[i] {
			return
		}
		if _, err := access.Parse(good[:i] + string([]byte{c}) + good[i+1:]); err == nil {
			t.Fatalf("character %d can be %q", i, c)
		}
	})
}

func (w *world) makeKey(n access.NewKey) (text, id string) {
	w.t.Helper()
	if n.Scopes == nil {
		n.Scopes = access.AllScopes()
	}
	if n.Mode == "" {
		n.Mode = access.Live
	}
	if n.Merchant == "" {
		n.Merchant = w.shops[0]
	}
	w.write(func(ctx context.Context, tx *db.Tx) (err error) {
		text, id, err = w.a.MakeKey(ctx, tx, n)
		return err
	})
	return text, id
}

// check presents keys in one slice.
func (w *world) check(a *access.Access, tokens ...string) (out []access.Checked) {
	w.t.Helper()
	list := make([]access.Presented, len(tokens))
	for i, token := range tokens {
		if token != "" {
			var err error
			list[i], err = access.Parse(token)
			must(w.t, err)
		}
	}
	w.read(func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = a.Check(ctx, tx, list)
		return err
	})
	return out
}

func (w *world) good(token string) bool {
	w.t.Helper()
	return w.check(w.a, token)[0].Err == nil
}

func TestCheck(t *testing.T) {
	run(t, func(w *world) {
		mine, id := w.makeKey(access.NewKey{Scopes: []string{access.OrdersRead}})
		theirs, _ := w.makeKey(access.NewKey{Merchant: w.shops[1], Mode: access.Test})
		short, _ := w.makeKey(access.NewKey{ExpiresAt: w.p.Clock.Now().Add(time.Hour)})
		part := strings.Split(mine, "_") // sk, live, the id, the rest of which may hold one too
		other := secretPart[1:] + "A"

		got := w.check(w.a, mine, theirs, short, mine, "",
			access.Token("live", part[2], other),                                                                         // a wrong secret
			access.Token("test", part[2], strings.Join(part[3:], "_")[:43]),                                              // a wrong mode
			access.Token("live", publicPart, other),                                                                      // an unknown key
			access.Token("live", part[2], strings.TrimPrefix(theirs, "sk_test_"+strings.Split(theirs, "_")[2]+"_")[:43])) // another's secret
		for i, want := range []bool{true, true, true, true, false, false, false, false, false} {
			if (got[i].Err == nil) != want || !want && (!fault.Is(got[i].Err, "key-invalid") || got[i].Principal.Merchant != "") {
				t.Errorf("credential %d: %+v", i, got[i])
			}
			if !want && got[i].Err.Error() != got[4].Err.Error() {
				t.Errorf("credential %d is told apart: %v", i, got[i].Err)
			}
		}
		who := got[0].Principal
		if who.Key != id || who.Merchant != w.shops[0] || who.Mode != access.Live || got[1].Principal.Merchant != w.shops[1] || got[1].Principal.Mode != access.Test {
			t.Errorf("checked %+v", got)
		}
		if err := who.Need(access.OrdersRead); err != nil {
			t.Error(err)
		}
		if err := who.Need(access.OrdersWrite); !fault.Is(err, "scope") || fault.As(err).Kind != fault.Forbidden {
			t.Errorf("a scope it has not: %v", err)
		}
		if err := (access.Principal{}).Need(access.OrdersRead); err == nil {
			t.Error("nobody may read")
		}

		w.p.Clock.Advance(time.Hour - time.Microsecond)
		if !w.good(short) {
			t.Error("expired too early")
		}
		w.p.Clock.Advance(time.Microsecond)
		if w.good(short) || !w.good(mine) {
			t.Error("not expired, or for ever")
		}
	})
}

func TestMakeKey(t *testing.T) {
	run(t, func(w *world) {
		text, id := w.makeKey(access.NewKey{})
		second, _ := w.makeKey(access.NewKey{})
		if !strings.HasPrefix(text, "sk_live_"+strings.TrimPrefix(id, "key_")+"_") || len(text) != 78 || text == second {
			t.Errorf("made %s and %s", text, second)
		}
		if got := w.audit(); len(got) != 2 || got[0] != w.shops[0]+" operator key.made "+id {
			t.Errorf("recorded %q", got)
		}
		for name, c := range map[string]struct {
			n    access.NewKey
			code string
		}{
			"no scopes":        {access.NewKey{Merchant: w.shops[0], Mode: "live"}, "key-scopes"},
			"an unknown scope": {access.NewKey{Merchant: w.shops[0], Mode: "live", Scopes: []string{"orders:read", "payouts:write"}}, "key-scopes"},
			"an unknown mode":  {access.NewKey{Merchant: w.shops[0], Mode: "prod", Scopes: access.AllScopes()}, "key-scopes"},
			"no such shop":     {access.NewKey{Merchant: "mer_0", Mode: "live", Scopes: access.AllScopes()}, "merchant"},
		} {
			err := w.try(func(ctx context.Context, tx *db.Tx) error { _, _, err := w.a.MakeKey(ctx, tx, c.n); return err })
			if !fault.Is(err, c.code) {
				t.Errorf("%s: %v", name, err)
			}
		}
		broken := access.New(masters(t, "k1"), strings.NewReader("no chance"))
		err := w.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := broken.MakeKey(ctx, tx, access.NewKey{Merchant: w.shops[0], Mode: "live", Scopes: access.AllScopes()})
			return err
		})
		if err == nil {
			t.Error("a key without randomness")
		}
		if got := w.audit(); len(got) != 2 {
			t.Errorf("recorded what was not done: %q", got)
		}
	})
}

// TestNoKeyIsStored looks for the secret in the database.
func TestNoKeyIsStored(t *testing.T) {
	run(t, func(w *world) {
		text, _ := w.makeKey(access.NewKey{})
		secret := text[len(text)-49 : len(text)-6]
		w.read(func(ctx context.Context, tx *db.Tx) error {
			return tx.Each(ctx, `select id, merchant_id, mode, hash, key_id, scopes from api_keys`, nil, func(r db.Row) error {
				var id, merchant, mode, key, scopes string
				var hash []byte
				must(t, r.Scan(&id, &merchant, &mode, &hash, &key, &scopes))
				for _, stored := range []string{id, merchant, mode, key, scopes, string(hash)} {
					if strings.Contains(stored, secret) || strings.Contains(secret, stored) && len(stored) > 4 {
						t.Errorf("stored %q", stored)
					}
				}
				if len(hash) != 32 {
					t.Errorf("the hash has %d bytes", len(hash))
				}
				return nil
			})
		})
	})
}

func TestRevoke(t *testing.T) {
	run(t, func(w *world) {
		text, id := w.makeKey(access.NewKey{})
		other, _ := w.makeKey(access.NewKey{})
		revoke := func(merchant, id string) error {
			return w.try(func(ctx context.Context, tx *db.Tx) error { return access.Revoke(ctx, tx, merchant, id) })
		}
		if err := revoke(w.shops[1], id); !fault.Is(err, "key") || !w.good(text) {
			t.Fatalf("another shop: %v", err)
		}
		must(t, revoke(w.shops[0], id))
		if w.good(text) || !w.good(other) {
			t.Error("the wrong key was revoked")
		}
		if err := revoke(w.shops[0], id); !fault.Is(err, "key") {
			t.Errorf("again: %v", err)
		}
		if got := w.audit(); !slices.Equal(got[2:], []string{w.shops[0] + " operator key.revoked " + id}) {
			t.Errorf("recorded %q", got)
		}
	})
}

// TestKeysOutliveRotation puts a new master key on top: keys made before still open, until the old one is gone.
func TestKeysOutliveRotation(t *testing.T) {
	run(t, func(w *world) {
		old, _ := w.makeKey(access.NewKey{})
		both := access.New(masters(t, "k2", "k1"), dbtest.Chance(6))
		w.a = both
		fresh, _ := w.makeKey(access.NewKey{})
		for i, c := range w.check(both, old, fresh) {
			if c.Err != nil {
				t.Errorf("key %d after the rotation: %v", i, c.Err)
			}
		}
		got := w.check(access.New(masters(t, "k2"), dbtest.Chance(6)), old, fresh)
		if got[0].Err == nil || got[1].Err != nil {
			t.Errorf("without the old master key: %+v", got)
		}
	})
}

func TestAudit(t *testing.T) {
	run(t, func(w *world) {
		w.p.Clock.Advance(time.Hour)
		w.write(func(ctx context.Context, tx *db.Tx) error {
			return access.Audit(ctx, tx, access.Act{Merchant: "operator", Actor: "staff_1", Act: "hold.lifted", Subject: "hld_1", Reason: "paid"})
		})
		w.read(func(ctx context.Context, tx *db.Tx) error {
			var reason string
			var at calendar.Instant
			must(t, tx.QueryRow(ctx, `select reason, at from audit where actor = $1`, []any{"staff_1"}, &reason, &at))
			if reason != "paid" || at != w.p.Clock.Now() {
				t.Errorf("%q at %s", reason, at)
			}
			return nil
		})
	})
}

// TestOnBehalf holds that authority found by the platform itself places orders for its own shop and does nothing else.
func TestOnBehalf(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		a := access.New(masters(t, "k1"), dbtest.Chance(6))
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			checked, err := a.Check(t.Context(), tx, []access.Presented{access.OnBehalf("mer_1", "checkout"), {}})
			if err != nil {
				return err
			}
			who := checked[0].Principal
			if checked[0].Err != nil || who.Merchant != "mer_1" || who.Key != "checkout" || who.Need(access.OrdersWrite) != nil || who.Need(access.OrdersRead) == nil {
				t.Errorf("%+v, %v", who, checked[0].Err)
			}
			if !fault.Is(checked[1].Err, "key-invalid") {
				t.Error("nobody got in")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
