package vault

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"testing/iotest"
)

// A rotation in its two steps: first every node can open what the new key seals, then it seals. Nothing that the old one
// sealed is lost on the way.
func TestRotationOfAKeyFile(t *testing.T) {
	text := []byte("# keep a copy\n" + line(t, "k1", 1))
	old, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	before := old.SealShared("answer", here, []byte("201"))

	added, id, err := AddKey(text, rand.NewChaCha8([32]byte{2}))
	if err != nil || !regexp.MustCompile(`^key-[0-9a-f]{10}$`).MatchString(id) {
		t.Fatal(id, err)
	}
	if v := parse(t, string(added)); v.Active() != "k1" || !slices.Equal(v.IDs(), []string{"k1", id}) {
		t.Fatalf("added: %v", v.IDs())
	}
	used, err := UseKey(added, id)
	if err != nil {
		t.Fatal(err)
	}
	now := parse(t, string(used))
	if !slices.Equal(now.IDs(), []string{id, "k1"}) || !bytes.HasPrefix(used, []byte("# keep a copy\n")) {
		t.Fatalf("used: %v", now.IDs())
	}
	for what, c := range map[string]struct {
		by     *Vault
		sealed Sealed
	}{"of before": {now, before}, "of a node that is further": {parse(t, string(added)), now.SealShared("answer", here, []byte("201"))}} {
		if plain, err := c.by.OpenShared("answer", here, c.sealed); err != nil || string(plain) != "201" {
			t.Errorf("%s: %q, %v", what, plain, err)
		}
	}
	if a, b := old.Derived("webhook"), now.Derived("webhook"); len(b) != 2 || !bytes.Equal(a[0], b[1]) || bytes.Equal(b[0], b[1]) || bytes.Equal(b[0], now.Derived("cursor")[0]) {
		t.Errorf("derived %x, then %x", a, b)
	}
	if same, err := UseKey(used, id); err != nil || !bytes.Equal(same, used) {
		t.Errorf("used again: %v", err)
	}
	third, other, err := AddKey(used, rand.NewChaCha8([32]byte{3}))
	if err != nil || other == id || parse(t, string(third)).Active() != id {
		t.Errorf("a third: %s, %v", other, err)
	}
}

func TestRotationRefused(t *testing.T) {
	text := []byte(line(t, "k1", 1))
	if _, err := UseKey(text, "k2"); err == nil {
		t.Error("an unknown key")
	}
	if _, err := UseKey([]byte("k1 short\n"), "k1"); err == nil {
		t.Error("a broken file was changed")
	}
	if _, _, err := AddKey([]byte("k1 short\n"), rand.NewChaCha8([32]byte{2})); err == nil {
		t.Error("a key in a broken file")
	}
	failure := errors.New("no chance")
	if _, _, err := AddKey(text, iotest.ErrReader(failure)); !errors.Is(err, failure) {
		t.Errorf("without chance: %v", err)
	}
}
