package vault

import (
	"bytes"
	"errors"
	"math/rand/v2"
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
	if err != nil || id != "key-2" {
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
	if same, err := UseKey(used, id); err != nil || !bytes.Equal(same, used) {
		t.Errorf("used again: %v", err)
	}
	third, id, err := AddKey(used, rand.NewChaCha8([32]byte{3}))
	if err != nil || id != "key-3" || parse(t, string(third)).Active() != "key-2" {
		t.Errorf("a third: %s, %v", id, err)
	}
	taken, id, err := AddKey([]byte(line(t, "key-2", 1)), rand.NewChaCha8([32]byte{2}))
	if err != nil || id != "key-3" {
		t.Errorf("beside key-2 alone: %s, %v, %d", id, err, len(taken))
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
