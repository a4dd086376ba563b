package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Two master keys as bytes of a seeded generator: invented, and the same in every run.
func line(t testing.TB, id string, seed byte) string {
	t.Helper()
	l, err := NewLine(id, rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func parse(t testing.TB, lines ...string) *Vault {
	t.Helper()
	v, err := Parse([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func person(t testing.TB) *PersonKeys {
	t.Helper()
	k, err := NewPersonKeys(rand.NewChaCha8([32]byte{9}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var here = Place{"identities", "profile", "idn_1/1"}

func TestParse(t *testing.T) {
	good := line(t, "k1", 1)
	for _, c := range []struct{ name, text, want string }{
		{"one key", good, ""},
		{"comments and empty lines", "# ours\n\n  " + good + "  \n", ""},
		{"two keys", good + "\n" + line(t, "k2", 2), ""},
		{"none", "# nothing\n", "holds no key"},
		{"empty", "", "holds no key"},
		{"no id", strings.Fields(good)[1], "line 1: want an id"},
		{"three words", good + " x", "want an id"},
		{"id in capitals", "K1 " + strings.Fields(good)[1], "an id is"},
		{"id too long", "abcdefghijklmnopq " + strings.Fields(good)[1], "an id is"},
		{"not base64", "k1 ???", "32 bytes"},
		{"too short", "k1 AAAA", "32 bytes"},
		{"typed by a person", "k1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "not random"},
		{"an id twice", good + "\n" + line(t, "k1", 2), "line 2: the id is used twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("got %v, want %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), strings.Fields(good)[1][:8]):
				t.Fatalf("the error shows a key: %v", err)
			}
		})
	}
}

// TestOldBytesOpen holds the format and the derivations to what was once written: a change here would make
// every database unreadable.
func TestOldBytesOpen(t *testing.T) {
	v := parse(t, line(t, "k1", 1))
	hash, id := v.Handle("email", "sanne@example.org")
	if got := hex.EncodeToString(hash); got != "89853331364e956ddc439140ecd4e55a" || id != "k1" {
		t.Errorf("handle is %s under %s", got, id)
	}
	hash, _ = v.Pepper([]byte("a secret"))
	if got := hex.EncodeToString(hash); got != "3c1d0bdf2ce80f3393da11f15cda6935869b8e29914a3c4c8c9c27a87542dd78" {
		t.Errorf("pepper is %s", got)
	}
	shared, _ := hex.DecodeString("01026b3100bf8c751f294ead537777fa74a6f97da7a7031864a77723cce56db75e196688f1c36f0647")
	if plain, err := v.OpenShared("answer", here, shared); err != nil || string(plain) != "old words" {
		t.Errorf("shared: %q, %v", plain, err)
	}
	wrapped, _ := hex.DecodeString("01026b31a467de44df57c37418f427f1511b32a395c280845252ae267200b2e30f24df94552af81d6e1c853d6a47b0308cfb1915821a234d0e0866368d71d7b9")
	sealed, _ := hex.DecodeString("010770726f66696c65a80938a39b9b5675d79217e9568c86fdfbcbb7f5e2f28e4ec368b7d5a9dbb1987604fb218f")
	k, err := v.Unwrap("per_1", Wrapped{MasterID: "k1", Profile: wrapped})
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := k.Open(Profile, here, sealed); err != nil || string(plain) != "old words" {
		t.Errorf("person: %q, %v", plain, err)
	}
}

func TestSealedComesBack(t *testing.T) {
	v, k := parse(t, line(t, "k1", 1)), person(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		at := Place{rapid.String().Draw(t, "table"), rapid.String().Draw(t, "column"), rapid.String().Draw(t, "row")}
		p := rapid.SampledFrom(purposes[:]).Draw(t, "purpose")
		s, err := k.Seal(p, at, plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Open(p, at, s); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("person: %x, %v", got, err)
		}
		if got, err := v.OpenShared("answer", at, v.SealShared("answer", at, plain)); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("shared: %x, %v", got, err)
		}
	})
}

func TestAnyChangeIsFound(t *testing.T) {
	v, k := parse(t, line(t, "k1", 1), line(t, "k2", 2)), person(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		s, err := k.Seal(Claim, here, plain)
		if err != nil {
			t.Fatal(err)
		}
		changed := mutate(t, s)
		if _, err := k.Open(Claim, here, changed); !errors.Is(err, ErrForged) {
			t.Fatalf("person: %x opened with %v", changed, err)
		}
		changed = mutate(t, v.SealShared("answer", here, plain))
		if _, err := v.OpenShared("answer", here, changed); !errors.Is(err, ErrForged) && !errors.Is(err, ErrUnknown) {
			t.Fatalf("shared: %x opened with %v", changed, err)
		}
	})
}

// mutate flips a bit, cuts the end, or adds a byte.
func mutate(t *rapid.T, s Sealed) Sealed {
	s = bytes.Clone(s)
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		s[rapid.IntRange(0, len(s)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case 1:
		s = s[:rapid.IntRange(0, len(s)-1).Draw(t, "end")]
	case 2:
		s = append(s, rapid.Byte().Draw(t, "more"))
	}
	return s
}

func TestNothingOpensElsewhere(t *testing.T) {
	v, k := parse(t, line(t, "k1", 1)), person(t)
	s, err := k.Seal(Profile, here, []byte("Sanne"))
	if err != nil {
		t.Fatal(err)
	}
	shared := v.SealShared("answer", here, []byte("Sanne"))
	for _, c := range []struct {
		name string
		at   Place
	}{
		{"another table", Place{"decisions", here.Column, here.Row}},
		{"another column", Place{here.Table, "claim", here.Row}},
		{"another row", Place{here.Table, here.Column, "idn_1/2"}},
		{"a border moved", Place{here.Table + here.Column, "", here.Row}},
		{"a border moved by one", Place{here.Table + "p", here.Column[1:], here.Row}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := k.Open(Profile, c.at, s); !errors.Is(err, ErrForged) {
				t.Errorf("person: %v", err)
			}
			if _, err := v.OpenShared("answer", c.at, shared); !errors.Is(err, ErrForged) {
				t.Errorf("shared: %v", err)
			}
		})
	}
	if _, err := k.Open(Fiscal, here, s); !errors.Is(err, ErrForged) {
		t.Errorf("another purpose: %v", err)
	}
	if _, err := v.OpenShared("bank line", here, shared); !errors.Is(err, ErrForged) {
		t.Errorf("another shared purpose: %v", err)
	}
	if _, err := v.Unwrap("per_2", v.Wrap("per_1", k)); !errors.Is(err, ErrForged) {
		t.Errorf("another person: %v", err)
	}
	w := v.Wrap("per_1", k)
	w.Profile, w.Claim = w.Claim, w.Profile
	if _, err := v.Unwrap("per_1", w); !errors.Is(err, ErrForged) {
		t.Errorf("keys exchanged: %v", err)
	}
}

func TestRotation(t *testing.T) {
	first, second := line(t, "k1", 1), line(t, "k2", 2)
	old, both, after := parse(t, first), parse(t, second, first), parse(t, second)
	k := person(t)
	sealed, err := k.Seal(Fiscal, here, []byte("invoice"))
	if err != nil {
		t.Fatal(err)
	}
	shared, wrapped := old.SealShared("answer", here, []byte("201")), old.Wrap("per_1", k)

	if plain, err := both.OpenShared("answer", here, shared); err != nil || string(plain) != "201" {
		t.Fatalf("an old value: %q, %v", plain, err)
	}
	if _, err := after.OpenShared("answer", here, shared); !errors.Is(err, ErrUnknown) {
		t.Fatalf("an old value without its key: %v", err)
	}
	if _, err := after.Unwrap("per_1", wrapped); !errors.Is(err, ErrUnknown) {
		t.Fatalf("old keys of a person without the master: %v", err)
	}
	if _, err := old.OpenShared("answer", here, both.SealShared("answer", here, nil)); !errors.Is(err, ErrUnknown) {
		t.Fatalf("a new value is not under the new key: %v", err)
	}

	shared, moved, err := both.Reseal("answer", here, shared)
	if err != nil || !moved {
		t.Fatalf("reseal: %v, %v", moved, err)
	}
	if plain, err := after.OpenShared("answer", here, shared); err != nil || string(plain) != "201" {
		t.Fatalf("resealed: %q, %v", plain, err)
	}
	if _, moved, err = both.Reseal("answer", here, shared); err != nil || moved {
		t.Fatalf("reseal again: %v, %v", moved, err)
	}

	wrapped, moved, err = both.Rewrap("per_1", wrapped)
	if err != nil || !moved || wrapped.MasterID != "k2" {
		t.Fatalf("rewrap: %v, %v", moved, err)
	}
	again, err := after.Unwrap("per_1", wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.Open(Fiscal, here, sealed); err != nil || string(plain) != "invoice" {
		t.Fatalf("sealed before the rotation: %q, %v", plain, err)
	}
	if _, moved, err = both.Rewrap("per_1", wrapped); err != nil || moved {
		t.Fatalf("rewrap again: %v, %v", moved, err)
	}
}

func TestHandlesOverARotation(t *testing.T) {
	old, both := parse(t, line(t, "k1", 1)), parse(t, line(t, "k2", 2), line(t, "k1", 1))
	before, _ := old.Handle("email", "sanne@example.org")
	now, id := both.Handle("email", "sanne@example.org")
	all := both.Handles("email", "sanne@example.org")
	if len(all) != 2 || id != "k2" || !bytes.Equal(all[0].Hash, now) || all[0].KeyID != "k2" ||
		!bytes.Equal(all[1].Hash, before) || all[1].KeyID != "k1" {
		t.Errorf("handles %v", all)
	}
	if len(now) != 16 || bytes.Equal(now, before) {
		t.Errorf("%x and %x", now, before)
	}
	for _, other := range [][2]string{{"phone", "sanne@example.org"}, {"email", "sanne@example.or"}, {"emails", "anne@example.org"}} {
		if h, _ := both.Handle(other[0], other[1]); bytes.Equal(h, now) {
			t.Errorf("%v has the same handle", other)
		}
	}
	hash, _ := old.Pepper([]byte("secret"))
	if !both.Peppered("k1", []byte("secret"), hash) || both.Peppered("k2", []byte("secret"), hash) ||
		both.Peppered("k3", []byte("secret"), hash) || both.Peppered("k1", []byte("Secret"), hash) || both.Peppered("k1", []byte("secret"), nil) {
		t.Error("a pepper holds where it should not, or does not where it should")
	}
}

func TestDestroyed(t *testing.T) {
	for _, gone := range purposes {
		t.Run(string(gone), func(t *testing.T) {
			v := parse(t, line(t, "k2", 2), line(t, "k1", 1))
			k := person(t)
			sealed := map[Purpose]Sealed{}
			for _, p := range purposes {
				sealed[p], _ = k.Seal(p, here, []byte("Sanne"))
			}
			w := parse(t, line(t, "k1", 1)).Wrap("per_1", k)
			w.Destroy(gone)
			w, _, err := v.Rewrap("per_1", w) // a rotation brings nothing back
			if err != nil {
				t.Fatal(err)
			}
			if k, err = v.Unwrap("per_1", w); err != nil {
				t.Fatal(err)
			}
			for _, p := range purposes {
				plain, err := k.Open(p, here, sealed[p])
				_, sealErr := k.Seal(p, here, nil)
				if p == gone {
					if !errors.Is(err, ErrDestroyed) || !errors.Is(sealErr, ErrDestroyed) || k.Has(p) {
						t.Errorf("%s: %q, %v, %v", p, plain, err, sealErr)
					}
				} else if err != nil || string(plain) != "Sanne" || sealErr != nil || !k.Has(p) {
					t.Errorf("%s: %q, %v, %v", p, plain, err, sealErr)
				}
			}
		})
	}
}

func TestNothingIsPrinted(t *testing.T) {
	l := line(t, "k1", 1)
	v, k := parse(t, l), person(t)
	s, _ := k.Seal(Profile, here, []byte("Sanne"))
	for _, value := range []any{v, k, s, v.Wrap("per_1", k)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			if text := fmt.Sprintf(verb, value); len(text) > 30 {
				t.Errorf("%s of %T prints %s", verb, value, text)
			}
		}
	}
}

func TestNoRandomness(t *testing.T) {
	if _, err := NewLine("k1", strings.NewReader("short")); err == nil {
		t.Error("a master key of five bytes")
	}
	if _, err := NewLine("K", nil); err == nil {
		t.Error("a bad id")
	}
	if _, err := NewPersonKeys(strings.NewReader("short")); err == nil {
		t.Error("a person's keys of five bytes")
	}
}

func FuzzOpen(f *testing.F) {
	v, err := Parse([]byte(line(f, "k1", 1)))
	if err != nil {
		f.Fatal(err)
	}
	k := person(f)
	f.Add([]byte(nil))
	f.Add([]byte{version, 255})
	f.Fuzz(func(t *testing.T, s []byte) {
		if _, err := v.OpenShared("answer", here, s); err == nil {
			t.Error("opened what nobody sealed")
		}
		if _, err := k.Open(Profile, here, s); err == nil {
			t.Error("opened what nobody sealed")
		}
	})
}

var out Sealed

func BenchmarkSealWithKeySetup(b *testing.B) {
	v, k, plain := parse(b, line(b, "k1", 1)), person(b), make([]byte, 300)
	w := v.Wrap("per_1", k)
	b.Run("person", func(b *testing.B) {
		for b.Loop() {
			fresh := PersonKeys{keys: k.keys}
			out, _ = fresh.Seal(Profile, here, plain)
		}
	})
	b.Run("person, ready", func(b *testing.B) {
		for b.Loop() {
			out, _ = k.Seal(Profile, here, plain)
		}
	})
	b.Run("shared", func(b *testing.B) {
		for b.Loop() {
			out = v.SealShared("answer", here, plain)
		}
	})
	b.Run("wrap", func(b *testing.B) {
		for b.Loop() {
			w = v.Wrap("per_1", k)
		}
	})
	b.Run("unwrap", func(b *testing.B) {
		for b.Loop() {
			k, _ = v.Unwrap("per_1", w)
		}
	})
	b.Run("handle", func(b *testing.B) {
		for b.Loop() {
			out, _ = v.Handle("email", "sanne@example.org")
		}
	})
	b.Run("pepper", func(b *testing.B) {
		for b.Loop() {
			out, _ = v.Pepper(plain[:32])
		}
	})
}
