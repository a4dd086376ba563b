// Package vault keeps personal data unreadable without its keys.
//
// It owns the master keys, the data keys of a person, the form of sealed bytes, and the keyed hashes by which
// something is found again without being readable. It does not own who may read what, when a key is destroyed
// (both are the stages' to decide) or where the master keys are kept: the caller passes their text in.
//
// # What is always true
//
//   - Sealed bytes open only at the place they were sealed for: table, column and row. Moved, they are noise.
//   - A person has one key for each purpose. Once the wrapped key is gone from the database, what it sealed
//     is gone for ever, from backups too if the erasure is replayed there.
//   - The first master key seals; all of them open. No key, plain text or hash input is in an error or a print.
//   - Encryption is AES-256-GCM, derivation HKDF-SHA-256, hashing HMAC-SHA-256, all from the standard library.
//
// Nonces are drawn by the standard library itself (cipher.NewGCMWithRandomNonce), so two runs with the same
// seed give different sealed bytes. Nothing may be compared or ordered by them.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// What can go wrong when something is opened. Test with errors.Is.
var (
	ErrDestroyed = errors.New("vault: the key was destroyed")
	ErrUnknown   = errors.New("vault: sealed under a master key that is not in the key file")
	ErrForged    = errors.New("vault: not sealed by this key at this place")
)

// Sealed is personal data as the database keeps it: version, length and name of the key, nonce, cipher text.
type Sealed []byte

// Format prints no byte of it.
func (s Sealed) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "sealed(%d bytes)", len(s)) }

const version = 1

// Place is where sealed bytes belong. They open nowhere else.
type Place struct {
	Table  string
	Column string
	Row    string // the row's key; with its version where rows have versions
}

// append writes the place so that no two places look alike.
func (p Place) append(b []byte) []byte {
	for _, part := range [...]string{p.Table, p.Column, p.Row} {
		b = append(b, byte(len(part)>>8), byte(len(part)))
		b = append(b, part...)
	}
	return b
}

// overhead is what sealing adds to the plain text and the header: a nonce of 12 bytes and a tag of 16.
const overhead = 12 + 16

// seal encrypts under aead. The header and the place are authenticated with it.
func seal(aead cipher.AEAD, keyName string, at Place, plain []byte) Sealed {
	out := make([]byte, 0, 2+len(keyName)+overhead+len(plain))
	out = append(out, version, byte(len(keyName)))
	out = append(out, keyName...)
	var buf [160]byte
	bound := at.append(append(buf[:0], out...))
	return aead.Seal(out, nil, plain, bound)
}

// keyName returns the name of the key that sealed s. Error: ErrForged when s has no such form.
func (s Sealed) keyName() (string, error) {
	if len(s) < 2 || s[0] != version || len(s) < 2+int(s[1])+overhead {
		return "", ErrForged
	}
	return string(s[2 : 2+int(s[1])]), nil
}

// open decrypts s, whose form keyName has checked.
func open(aead cipher.AEAD, at Place, s Sealed) ([]byte, error) {
	header := s[:2+int(s[1])]
	var buf [160]byte
	bound := at.append(append(buf[:0], header...))
	plain, err := aead.Open(nil, nil, s[len(header):], bound)
	if err != nil {
		return nil, ErrForged
	}
	return plain, nil
}

// newAEAD sets up AES-256-GCM for a key of 32 bytes.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("vault: " + err.Error()) // a key of another length is a mistake of this package
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("vault: " + err.Error())
	}
	return aead
}
