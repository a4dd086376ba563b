package invoices

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Links makes the tokens by which anybody who was given one may pay an invoice. A token is derived from the invoice
// and the version of its link: none is stored, and a new version ends all of the old.
type Links struct{ vault *vault.Vault }

// NewLinks makes a Links.
func NewLinks(v *vault.Vault) *Links { return &Links{v} }

// A token is the invoice's id without its prefix, and 16 bytes in base64.
const (
	linkID     = 20
	linkSecret = 22
)

// linked is what the secret of a link is derived from.
func linked(k Key, version int64) []byte {
	b := []byte("pay link 1")
	for _, part := range []string{k.Merchant, k.ID} {
		b = append(b, byte(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(version))
}

func (l *Links) token(k Key, version int64) string {
	return strings.TrimPrefix(k.ID, "inv_") + base64.RawURLEncoding.EncodeToString(l.vault.Link(linked(k, version)))
}

// firstVersion is that of a link that was never revoked; it has no row.
const firstVersion = 1

// First returns the token of an invoice that has just been made.
func (l *Links) First(k Key) string { return l.token(k, firstVersion) }

var findVersions = db.NewQuery(`select version from pay_links where invoice_id = $1 and merchant_id = $2`, db.Text, db.Text)

// Tokens returns the present tokens of invoices, in the order of keys.
func (l *Links) Tokens(ctx context.Context, tx *db.Tx, keys []Key) ([]string, error) {
	versions := make([]int64, len(keys))
	for i := range versions {
		versions[i] = firstVersion
	}
	err := tx.Find(ctx, findVersions, rowsOf(keys), func(i int, r db.Row) error { return r.Scan(&versions[i]) })
	if err != nil {
		return nil, err
	}
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = l.token(k, versions[i])
	}
	return out, nil
}

// Pages are the addresses at which invoices can be paid by whoever has the link.
type Pages struct {
	links *Links
	base  string
}

// NewPages makes a Pages under the address at which people reach the platform, without a slash at its end.
func NewPages(l *Links, public string) *Pages { return &Pages{l, public + "/pay/"} }

// At is the address of the page of a token.
func (p *Pages) At(token string) string { return p.base + token }

// First is the page of an invoice that has just been made.
func (p *Pages) First(k Key) string { return p.base + p.links.First(k) }

// Of returns the present pages of invoices, in the order of keys.
func (p *Pages) Of(ctx context.Context, tx *db.Tx, keys []Key) ([]string, error) {
	all, err := p.links.Tokens(ctx, tx, keys)
	for i := range all {
		all[i] = p.base + all[i]
	}
	return all, err
}

const selectLinked = `
select v.merchant_id, coalesce(l.version, 1)
  from invoices v left join pay_links l on l.invoice_id = v.id and l.merchant_id = v.merchant_id
 where v.id = $1`

// ByLink finds the invoice of a token as it stands now. Error: NotFound "pay-link" when there is none, or the link
// was revoked.
func (l *Links) ByLink(ctx context.Context, tx *db.Tx, token string) (Invoice, error) {
	if len(token) != linkID+linkSecret {
		return Invoice{}, noLink()
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(token[linkID:])
	if err != nil {
		return Invoice{}, noLink()
	}
	k, found := Key{ID: "inv_" + token[:linkID]}, false
	seen := false
	err = tx.Each(ctx, selectLinked, []any{k.ID}, func(r db.Row) error {
		at := Key{ID: k.ID}
		seen = true
		var version int64
		err := r.Scan(&at.Merchant, &version)
		if l.vault.Linked(linked(at, version), secret) {
			k, found = at, true
		}
		return err
	})
	if err != nil {
		return Invoice{}, err
	}
	if !seen { // as much work as for an invoice that is there
		l.vault.Linked(linked(k, firstVersion), secret)
	}
	if !found {
		return Invoice{}, noLink()
	}
	return One(ctx, tx, k.Merchant, k.ID)
}

func noLink() error {
	return fault.Missing("pay-link", "This link does not lead to an invoice, or does not any more.")
}

// RevokeLinks ends every link to an invoice that was given out. Error: NotFound "invoice".
func RevokeLinks(ctx context.Context, tx *db.Tx, k Key) error {
	if _, err := One(ctx, tx, k.Merchant, k.ID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
insert into pay_links (invoice_id, merchant_id, version, changed_at) values ($1, $2, $3, $4)
    on conflict (invoice_id, merchant_id) do update set version = pay_links.version + 1, changed_at = $4`,
		k.ID, k.Merchant, firstVersion+1, tx.Now)
	return err
}
