package invoices

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// FileLife is how long a link to an invoice's file works, in wall time.
const FileLife = 7 * 24 * time.Hour

// FilePath is where files are to be had by their links.
const FilePath = "/file/"

// Files are links by which a program that holds no key, such as a plug-in's mail, gets the file of an issued invoice.
// A link is derived from the invoice and the end of its life: none is stored, and it cannot be given a longer one.
type Files struct {
	links *Links
	base  string
}

// NewFiles makes a Files under the address at which people reach the platform, without a slash at its end; with ""
// links begin with the path.
func NewFiles(l *Links, public string) *Files { return &Files{l, public + FilePath} }

// A file's token is the invoice's id without its prefix, the end of its life in seconds since 1970 as eight
// hexadecimal digits, and 16 bytes in base64.
const fileEnd = 8

// filed is what the secret of a link to a file is derived from.
func filed(k Key, end uint32) []byte {
	b := []byte("file link 1")
	for _, part := range []string{k.Merchant, k.ID} {
		b = append(b, byte(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint32(b, end)
}

// Link returns a link to the file of an invoice and when it ends. now is wall time.
func (f *Files) Link(k Key, now calendar.Instant) (url string, until calendar.Instant) {
	end := uint32(now.Add(FileLife).Micros() / time.Second.Microseconds())
	secret := base64.RawURLEncoding.EncodeToString(f.links.vault.Link(filed(k, end)))
	return fmt.Sprintf("%s%s%08x%s", f.base, strings.TrimPrefix(k.ID, "inv_"), end, secret),
		calendar.FromMicros(int64(end) * time.Second.Microseconds())
}

// ByFile returns the invoice of a token that has not ended. Error: NotFound "file-link".
func (l *Links) ByFile(ctx context.Context, tx *db.Tx, token string) (Key, error) {
	none := fault.Missing("file-link", "This link does not lead to a file, or does not any more.")
	if len(token) != linkID+fileEnd+linkSecret {
		return Key{}, none
	}
	end, err := strconv.ParseUint(token[linkID:linkID+fileEnd], 16, 32)
	if err != nil || fmt.Sprintf("%08x", end) != token[linkID:linkID+fileEnd] { // one link has one form
		return Key{}, none
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(token[linkID+fileEnd:])
	if err != nil {
		return Key{}, none
	}
	var found Key
	err = tx.Each(ctx, `select merchant_id from invoices where id = $1`, []any{"inv_" + token[:linkID]}, func(r db.Row) error {
		k := Key{ID: "inv_" + token[:linkID]}
		err := r.Scan(&k.Merchant)
		if l.vault.Linked(filed(k, uint32(end)), secret) {
			found = k
		}
		return err
	})
	if err == nil && (found.ID == "" || tx.Wall.Micros() >= int64(end)*time.Second.Microseconds()) {
		err = none
	}
	return found, err
}

// FileName is what the file of a document is called: its number, in characters that no system takes for more.
func (p *Paper) FileName() string { return fileName(p.Number(), ".pdf") }

// DataName is what its file of data is called.
func (p *Paper) DataName() string { return fileName(p.Number(), ".xml") }

// FileNames are what the files of an issued document with a number are called: to print, and of data.
func FileNames(number string) (print, data string) {
	return fileName(number, ".pdf"), fileName(number, ".xml")
}

// FileName is what the file of an issued invoice is called.
func (v *Invoice) FileName() string { return fileName(v.Number, ".pdf") }

func fileName(number, end string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, number) + end
}
