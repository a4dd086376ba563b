package ledger

import (
	"math/rand/v2"
	"strings"
	"testing"

	"achteraf/calendar"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func TestCheckpointText(t *testing.T) {
	secret, err := GenerateKey(rand.NewChaCha8([32]byte{1}), "achteraf/test/log")
	if err != nil {
		t.Fatal(err)
	}
	k, err := ReadKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	want := Checkpoint{Size: 12, Root: tlog.RecordHash(nil), After: 7, SealedAt: calendar.FromMicros(1_800_000_000_000_001)}
	if err := k.sign(&want); err != nil {
		t.Fatal(err)
	}
	if got, err := k.open(want.Note); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	text, _, _ := strings.Cut(want.Note, "\n\n")
	for _, c := range []struct{ name, old, new string }{
		{"another log", "achteraf/test/log", "achteraf/other/log"},
		{"no size", "\n12\n", "\nx\n"},
		{"no root", want.Root.String(), "x"},
		{"no size before", "after 7", "before 7"},
		{"no time", "at 2027-01-15T08:00:00.000001Z", "at noon"},
		{"a line left out", "\nafter 7", ""},
	} {
		changed := strings.Replace(text+"\n", c.old, c.new, 1)
		signed, err := note.Sign(&note.Note{Text: changed}, k.signer)
		if err != nil || changed == text+"\n" {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got, err := k.open(string(signed)); err == nil {
			t.Errorf("%s: read as %+v", c.name, got)
		}
	}
	if _, err := k.open(strings.Replace(want.Note, "after 7", "after 8", 1)); err == nil {
		t.Error("a changed text passes under the old signature")
	}
}
