package messages

import (
	"achteraf/internal/vault"
)

// shared is the purpose of what is sealed with a key of the platform.
const shared vault.Purpose = "sign-in"

// lock seals and opens one message.
type lock struct {
	vault   *vault.Vault
	keys    *vault.PersonKeys // nil for what belongs to no person
	purpose vault.Purpose
}

// gone says that the key was destroyed: the person was erased.
func (l lock) gone() bool { return l.keys != nil && !l.keys.Has(l.purpose) }

func (l lock) seal(column, id string, plain []byte) (vault.Sealed, error) {
	if l.keys == nil {
		return l.vault.SealShared(string(l.purpose), place(column, id), plain), nil
	}
	return l.keys.Seal(l.purpose, place(column, id), plain)
}

func (l lock) open(column, id string, s vault.Sealed) ([]byte, error) {
	if l.keys == nil {
		return l.vault.OpenShared(string(l.purpose), place(column, id), s)
	}
	return l.keys.Open(l.purpose, place(column, id), s)
}

func place(column, id string) vault.Place {
	return vault.Place{Table: "messages", Column: column, Row: id}
}
