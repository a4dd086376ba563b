package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"achteraf/internal/vault"
)

type vaultCmd struct {
	Keys   vaultKeysCmd `cmd:"" help:"List the master keys of a key file; the first one seals."`
	AddKey vaultAddCmd  `cmd:"" name:"add-key" help:"Add a new master key that opens and does not seal yet."`
	UseKey vaultUseCmd  `cmd:"" name:"use-key" help:"Let a master key of the file seal from the next start on."`
}

type keyFile struct {
	File string `arg:"" help:"The key file, such as secrets/vault.keys." type:"existingfile"`
}

type vaultKeysCmd struct{ keyFile }

func (c *vaultKeysCmd) Run() error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	v, err := vault.Parse(text)
	if err != nil {
		return err
	}
	for i, id := range v.IDs() {
		if i == 0 {
			fmt.Println(id, "seals")
		} else {
			fmt.Println(id, "opens")
		}
	}
	return nil
}

type vaultAddCmd struct{ keyFile }

func (c *vaultAddCmd) Run() error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	changed, id, err := vault.AddKey(text, chance())
	if err != nil {
		return err
	}
	if err := replaceSecret(c.File, changed); err != nil {
		return err
	}
	fmt.Println(id)
	fmt.Fprintf(os.Stderr, "Keep a copy of the file away from the database's backups, give it to every node and start each of them anew. "+
		"Then: achteraf admin vault use-key %s %s\n", c.File, id)
	return nil
}

type vaultUseCmd struct {
	keyFile
	ID string `arg:"" help:"Id of the key."`
}

func (c *vaultUseCmd) Run() error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	changed, err := vault.UseKey(text, c.ID)
	if err != nil {
		return err
	}
	if err := replaceSecret(c.File, changed); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Key %s seals from the next start of a node on. Leave the others in the file: what they sealed, and buyers and API keys of "+
		"before, are found by them alone.\n", c.ID)
	return nil
}

// replaceSecret puts a new file in the place of an old one, whole or not at all, readable by its owner alone. A key
// that is lost is data that nobody can open, so the file is on disk before the old one goes.
func replaceSecret(name string, text []byte) (err error) {
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := ownedAs(f, name); err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// ownedAs gives f to the owner of another file: root may do what the service's own user must go on reading.
func ownedAs(f *os.File, name string) error {
	is, err := os.Stat(name)
	if err != nil {
		return err
	}
	owner, ok := is.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Getuid() {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
