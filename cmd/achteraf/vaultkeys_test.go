package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"achteraf/internal/vault"
)

// However many add keys to a file at once, none of them is lost, and nobody else can read the file.
func TestKeysAreAddedInTurn(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "vault.keys")
	line, err := vault.NewLine("key-1", chance())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("# the first\n"+line), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+unfinished+"1", []byte(line), 0o600); err != nil { // of one that was killed
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "keys")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := (&vaultAddCmd{keyFile{link}}).Run(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse(text)
	if err != nil || len(v.IDs()) != 9 || v.Active() != "key-1" || !strings.HasPrefix(string(text), "# the first\n") {
		t.Fatalf("%v, %v", v.IDs(), err)
	}
	if err := (&vaultUseCmd{keyFile{link}, v.IDs()[4]}).Run(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	left, _ := os.ReadDir(dir)
	if err != nil || info.Mode().Perm() != 0o600 || len(left) != 1 {
		t.Errorf("%v, %v, %d files", info.Mode(), err, len(left))
	}
}
