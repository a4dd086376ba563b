package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"achteraf/internal/fault"
)

const cursorSum = 16 // bytes of the signature

// newCursor names the place in a merchant's list after which to read on. It is signed, so that nobody can make
// one, and it is good for that list of that merchant only.
func (a *API) newCursor(merchant, list, after string) string {
	return base64.RawURLEncoding.EncodeToString(append(signCursor(a.CursorKeys[0], merchant, list, after), after...))
}

// readCursor returns the place. Error: Malformed "cursor" for anything but a cursor of this list.
func (a *API) readCursor(merchant, list, text string) (after string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err == nil && len(raw) > cursorSum {
		after = string(raw[cursorSum:])
		for _, key := range a.CursorKeys {
			if hmac.Equal(raw[:cursorSum], signCursor(key, merchant, list, after)) {
				return after, nil
			}
		}
	}
	return "", fault.New(fault.Malformed, "cursor", "This is not a cursor of this list. Begin again without one.")
}

func signCursor(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)[:cursorSum]
}
