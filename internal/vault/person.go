package vault

import (
	"crypto/cipher"
	"fmt"
	"io"
)

// Purpose is why personal data are kept, which says when they are destroyed.
type Purpose string

const (
	Profile Purpose = "profile" // serving the person; destroyed on erasure
	Fiscal  Purpose = "fiscal"  // tax law; destroyed when its years are over
	Claim   Purpose = "claim"   // collecting a debt; destroyed when nothing is owed or proved by it
)

// purposes lists them all, in the order of the columns.
var purposes = [...]Purpose{Profile, Fiscal, Claim}

func (p Purpose) index() int {
	for i, q := range purposes {
		if p == q {
			return i
		}
	}
	panic("vault: no such purpose: " + string(p))
}

// PersonKeys are the data keys of one person. Keep the value only as long as the work at hand: it holds the
// ciphers ready, and is not safe for concurrent use.
type PersonKeys struct {
	keys  [len(purposes)][]byte // nil: destroyed
	aeads [len(purposes)]cipher.AEAD
}

// NewPersonKeys draws a new person's keys from random.
func NewPersonKeys(random io.Reader) (*PersonKeys, error) {
	all := make([]byte, keyLength*len(purposes))
	if _, err := io.ReadFull(random, all); err != nil {
		return nil, fmt.Errorf("make a person's keys: %w", err)
	}
	k := &PersonKeys{}
	for i := range k.keys {
		k.keys[i] = all[i*keyLength : (i+1)*keyLength : (i+1)*keyLength]
	}
	return k, nil
}

// Format prints no key.
func (k *PersonKeys) Format(f fmt.State, _ rune) { io.WriteString(f, "a person's keys") }

// Has says whether the key of a purpose still exists.
func (k *PersonKeys) Has(p Purpose) bool { return k.keys[p.index()] != nil }

// Seal seals what is kept about the person for a purpose. Error: ErrDestroyed.
func (k *PersonKeys) Seal(p Purpose, at Place, plain []byte) (Sealed, error) {
	aead, err := k.aead(p)
	if err != nil {
		return nil, err
	}
	return seal(aead, string(p), at, plain), nil
}

// Open is the reverse of Seal. Errors: ErrDestroyed, ErrForged.
func (k *PersonKeys) Open(p Purpose, at Place, s Sealed) ([]byte, error) {
	aead, err := k.aead(p)
	if err != nil {
		return nil, err
	}
	if name, err := s.keyName(); err != nil || name != string(p) {
		return nil, ErrForged
	}
	return open(aead, at, s)
}

func (k *PersonKeys) aead(p Purpose) (cipher.AEAD, error) {
	i := p.index()
	switch {
	case k.keys[i] == nil:
		return nil, ErrDestroyed
	case k.aeads[i] == nil:
		k.aeads[i] = newAEAD(k.keys[i])
	}
	return k.aeads[i], nil
}

// Wrapped is a person's keys as the database keeps them, each sealed by the master key. A key that is nil was
// destroyed.
type Wrapped struct {
	MasterID string
	Profile  []byte
	Fiscal   []byte
	Claim    []byte
}

func (w *Wrapped) columns() [len(purposes)]*[]byte {
	return [...]*[]byte{&w.Profile, &w.Fiscal, &w.Claim}
}

// Format prints no byte of it.
func (w Wrapped) Format(f fmt.State, _ rune) { io.WriteString(f, "a person's wrapped keys") }

// Destroy drops the key of a purpose. Once the row is written so, nothing it sealed can be read again.
func (w *Wrapped) Destroy(p Purpose) { *w.columns()[p.index()] = nil }

// Wrap seals a person's keys under the active master key. They open for this person only.
func (v *Vault) Wrap(person string, k *PersonKeys) Wrapped {
	w := Wrapped{MasterID: v.active.id}
	columns := w.columns()
	for i, p := range purposes {
		if k.keys[i] != nil {
			*columns[i] = seal(v.active.wrap, v.active.id, keyPlace(person, p), k.keys[i])
		}
	}
	return w
}

// Unwrap opens a person's keys. Errors: ErrUnknown, ErrForged.
func (v *Vault) Unwrap(person string, w Wrapped) (*PersonKeys, error) {
	m := v.master(w.MasterID)
	if m == nil {
		return nil, ErrUnknown
	}
	k := &PersonKeys{}
	for i, column := range w.columns() {
		if *column == nil {
			continue
		}
		s := Sealed(*column)
		if name, err := s.keyName(); err != nil || name != m.id {
			return nil, ErrForged
		}
		key, err := open(m.wrap, keyPlace(person, purposes[i]), s)
		if err != nil {
			return nil, err
		}
		if len(key) != keyLength {
			return nil, ErrForged
		}
		k.keys[i] = key
	}
	return k, nil
}

// Rewrap moves a person's keys under the active master key, and says whether they were under an older one.
// What the keys sealed stays as it is.
func (v *Vault) Rewrap(person string, w Wrapped) (Wrapped, bool, error) {
	if w.MasterID == v.active.id {
		return w, false, nil
	}
	k, err := v.Unwrap(person, w)
	if err != nil {
		return w, false, err
	}
	return v.Wrap(person, k), true, nil
}

func keyPlace(person string, p Purpose) Place { return Place{"persons", string(p), person} }
