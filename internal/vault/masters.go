package vault

import (
	"bufio"
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// keyLength is the length of every key: AES-256, and as much for HMAC.
const keyLength = 32

// Vault holds the master keys and what is derived from them. It is safe for concurrent use.
type Vault struct {
	active  *master
	masters []*master // active first
}

// master is one master key, reduced to a key for each use.
type master struct {
	id     string
	wrap   cipher.AEAD // seals persons' keys; good for 2³² of them, the limit of random nonces
	shared []byte      // from which each shared place gets a key of its own
	handle []byte
	pepper []byte
	link   []byte
}

// Parse reads a key file: a line for each master key, "id base64", where base64 is 32 random bytes. The first
// key seals, the others only open what they once sealed. Empty lines and lines that begin with # are skipped.
func Parse(text []byte) (*Vault, error) {
	v := &Vault{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m, err := parseMaster(line)
		if err != nil {
			return nil, fmt.Errorf("key file, line %d: %w", n, err)
		}
		if v.master(m.id) != nil {
			return nil, fmt.Errorf("key file, line %d: the id is used twice", n)
		}
		v.masters = append(v.masters, m)
	}
	if lines.Err() != nil || len(v.masters) == 0 {
		return nil, errors.New("key file: holds no key; a line is an id, a space and 32 bytes in base64")
	}
	v.active = v.masters[0]
	return v, nil
}

func parseMaster(line string) (*master, error) {
	words := strings.Fields(line)
	if len(words) != 2 {
		return nil, errors.New("want an id, a space and a key")
	}
	if !validID(words[0]) {
		return nil, errors.New("an id is 1 to 16 of a-z, 0-9 and hyphen")
	}
	key, err := base64.StdEncoding.DecodeString(words[1])
	if err != nil || len(key) != keyLength {
		return nil, errors.New("a key is 32 bytes in base64")
	}
	if plainlyGuessable(key) {
		return nil, errors.New("the key is not random")
	}
	return newMaster(words[0], key), nil
}

func validID(id string) bool {
	return id != "" && len(id) <= 16 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// plainlyGuessable finds keys that somebody typed: 32 random bytes repeat far less.
func plainlyGuessable(key []byte) bool {
	var seen [256]bool
	kinds := 0
	for _, b := range key {
		if !seen[b] {
			seen[b] = true
			kinds++
		}
	}
	return kinds < 12
}

func newMaster(id string, key []byte) *master {
	root, err := hkdf.Extract(sha256.New, key, nil)
	if err != nil {
		panic("vault: " + err.Error())
	}
	return &master{
		id:     id,
		wrap:   newAEAD(expand(root, "achteraf wrap")),
		shared: expand(root, "achteraf shared"),
		handle: expand(root, "achteraf handle"),
		pepper: expand(root, "achteraf pepper"),
		link:   expand(root, "achteraf link"),
	}
}

// expand derives a key for one use from a pseudo-random key.
func expand(from []byte, use string) []byte {
	key, err := hkdf.Expand(sha256.New, from, use, keyLength)
	if err != nil {
		panic("vault: " + err.Error())
	}
	return key
}

// NewLine makes a line for a key file from 32 bytes of random.
func NewLine(id string, random io.Reader) (string, error) {
	if !validID(id) {
		return "", errors.New("an id is 1 to 16 of a-z, 0-9 and hyphen")
	}
	key := make([]byte, keyLength)
	if _, err := io.ReadFull(random, key); err != nil {
		return "", fmt.Errorf("make a master key: %w", err)
	}
	return id + " " + base64.StdEncoding.EncodeToString(key), nil
}

// Active is the id of the master key that seals.
func (v *Vault) Active() string { return v.active.id }

// Format prints no key.
func (v *Vault) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "vault(%d keys)", len(v.masters)) }

func (v *Vault) master(id string) *master {
	for _, m := range v.masters {
		if m.id == id {
			return m
		}
	}
	return nil
}

// SealShared seals what belongs to no one person, such as the answer to a request, for a while. Each place
// gets a key of its own, so the number of messages has no limit.
func (v *Vault) SealShared(purpose string, at Place, plain []byte) Sealed {
	return seal(v.active.place(purpose, at), v.active.id, at, plain)
}

// OpenShared is the reverse of SealShared. Errors: ErrUnknown, ErrForged.
func (v *Vault) OpenShared(purpose string, at Place, s Sealed) ([]byte, error) {
	id, err := s.keyName()
	if err != nil {
		return nil, err
	}
	m := v.master(id)
	if m == nil {
		return nil, ErrUnknown
	}
	return open(m.place(purpose, at), at, s)
}

// Reseal seals s anew when an older master key sealed it, and says whether it did.
func (v *Vault) Reseal(purpose string, at Place, s Sealed) (Sealed, bool, error) {
	id, err := s.keyName()
	if err != nil || id == v.active.id {
		return s, false, err
	}
	plain, err := v.OpenShared(purpose, at, s)
	if err != nil {
		return s, false, err
	}
	return v.SealShared(purpose, at, plain), true, nil
}

func (m *master) place(purpose string, at Place) cipher.AEAD {
	var buf [160]byte
	b := append(buf[:0], byte(len(purpose)))
	b = append(b, purpose...)
	return newAEAD(mac(m.shared, at.append(b))) // HKDF-Expand of one block, but for its counter, at half the price
}

// handleLength is enough that two of all people's handles do not meet by chance.
const handleLength = 16

// Handle hashes a normalised identifier, such as an e-mail address, so that it can be found again and not read.
// The same words give the same hash under the same key.
func (v *Vault) Handle(kind, normalised string) (hash []byte, keyID string) {
	return v.active.hash(kind, normalised), v.active.id
}

// Handle is one keyed hash and the master key it comes from.
type Handle struct {
	Hash  []byte
	KeyID string
}

// Handles hashes under each master key, the active one first: a row written before a rotation is found by an
// older one.
func (v *Vault) Handles(kind, normalised string) []Handle {
	all := make([]Handle, len(v.masters))
	for i, m := range v.masters {
		all[i] = Handle{m.hash(kind, normalised), m.id}
	}
	return all
}

func (m *master) hash(kind, normalised string) []byte {
	var buf [128]byte
	b := append(buf[:0], byte(len(kind)))
	b = append(append(b, kind...), normalised...)
	return mac(m.handle, b)[:handleLength]
}

// Pepper hashes a random secret, such as an API key's, so that the table of hashes alone tells nothing.
func (v *Vault) Pepper(secret []byte) (hash []byte, keyID string) {
	return mac(v.active.pepper, secret), v.active.id
}

// Derived returns secrets of a use that all nodes share, such as an address that only one other party knows: one for
// each master key, that of the active key first. Hand out the first, and know all of them.
func (v *Vault) Derived(use string) [][]byte {
	all := make([][]byte, len(v.masters))
	for i, m := range v.masters {
		all[i] = mac(m.pepper, []byte(use))
	}
	return all
}

// Peppered says, in constant time, whether hash is the secret's under that master key. It takes as long when there
// is no such key, so that nobody learns from the clock what is stored.
func (v *Vault) Peppered(keyID string, secret, hash []byte) bool {
	m, known := v.master(keyID), true
	if m == nil {
		m, known = v.active, false
	}
	return hmac.Equal(mac(m.pepper, secret), hash) && known
}

// linkLength is enough that nobody guesses a link.
const linkLength = 16

// Link derives the secret part of a link to what data names, so that a link can be made again and is never stored.
func (v *Vault) Link(data []byte) []byte { return v.active.tag(data) }

// Linked says, in constant time, whether secret belongs to data under any master key: links of before a rotation
// go on working while their key is in the file.
func (v *Vault) Linked(data, secret []byte) bool {
	found := false
	for _, m := range v.masters {
		found = hmac.Equal(m.tag(data), secret) || found
	}
	return found
}

func (m *master) tag(data []byte) []byte { return mac(m.link, data)[:linkLength] }

func mac(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}
