package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Key signs and opens checkpoints. Its name is the origin of the log, such as "achteraf/demo/log": a log
// keeps its origin, and no two logs share one.
type Key struct {
	Public string // what verifies: "name+hash+key", as package note has it

	signer   note.Signer
	verifier note.Verifier
}

// GenerateKey makes a new key from chance and returns its secret text, for ReadKey.
func GenerateKey(chance io.Reader, origin string) (secret string, err error) {
	secret, _, err = note.GenerateKey(chance, origin)
	return secret, err
}

// ReadKey reads the secret text of a key.
func ReadKey(secret string) (*Key, error) {
	signer, err := note.NewSigner(strings.TrimSpace(secret))
	if err != nil {
		return nil, errors.New("ledger: the log's key cannot be read") // the cause may show it
	}
	public, err := publicOf(strings.TrimSpace(secret), signer.Name())
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, err
	}
	return &Key{public, signer, verifier}, nil
}

// publicOf derives the public text: the last part of the secret is one byte for Ed25519 and then its seed.
func publicOf(secret, name string) (string, error) {
	parts := strings.SplitN(secret, "+", 5) // PRIVATE+KEY+name+hash+base64, which may hold a +
	data, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return "", errors.New("ledger: the log's key is not an Ed25519 key")
	}
	return note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey))
}

// Origin is the name of the log.
func (k *Key) Origin() string { return k.signer.Name() }
