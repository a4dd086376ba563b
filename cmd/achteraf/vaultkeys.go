package main

import (
	"errors"
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
	var id string
	err := changeSecret(c.File, func(text []byte) (changed []byte, err error) {
		changed, id, err = vault.AddKey(text, chance())
		return changed, err
	})
	if err != nil {
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
	if err := changeSecret(c.File, func(text []byte) ([]byte, error) { return vault.UseKey(text, c.ID) }); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Key %s seals from the next start of a node on. Leave the others in the file: what they sealed, and buyers and API keys of "+
		"before, are found by them alone.\n", c.ID)
	return nil
}

// changeSecret puts what change makes of a file in its place, whole or not at all. A key that is lost is data that
// nobody can open: the new file is on disk before the old one goes, and two who change it at once do so in turn.
func changeSecret(name string, change func([]byte) ([]byte, error)) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer folder.Close() // and with it the lock
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", folder.Name(), err)
	}
	if err := dropUnfinished(name); err != nil {
		return err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	changed, err := change(text)
	if err != nil {
		return err
	}
	if err := writeBeside(name, changed); err != nil {
		return err
	}
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("%s was changed, and a power cut may undo it: %w", name, err)
	}
	return nil
}

// unfinished ends the name of a file that is not in its place yet.
const unfinished = ".new-"

// dropUnfinished removes what a change left that was killed: it holds keys.
func dropUnfinished(name string) error {
	left, err := filepath.Glob(name + unfinished + "*")
	for _, f := range left {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

// writeBeside writes a file that its owner alone can read, and puts it in the place of the old one once it is on disk.
func writeBeside(name string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+unfinished)
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
	return os.Rename(f.Name(), name)
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
