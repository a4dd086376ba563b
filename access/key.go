package access

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Modes of a key.
const (
	Live = "live"
	Test = "test"
)

// Scopes of a key.
const (
	OrdersRead  = "orders:read"
	OrdersWrite = "orders:write"
)

// AllScopes lists every scope.
func AllScopes() []string { return []string{OrdersRead, OrdersWrite} }

// Access checks credentials. It holds the pepper that keys are hashed with.
type Access struct {
	vault  *vault.Vault
	random io.Reader
	kept   *db.Kept[string, storedKey]
}

// New makes an Access; random gives the secrets of new keys.
func New(v *vault.Vault, random io.Reader) *Access {
	return &Access{v, random, db.NewKept[string, storedKey](versions)}
}

// Presented is a credential as somebody showed it: well formed, not yet checked.
type Presented struct {
	mode   string
	id     string
	secret string
	agent  string // who acts for the shop by an authority that a surface has checked; then the secret is empty
	shop   string
}

// OnBehalf lets a surface place orders for a shop by an authority that is no API key and that the surface has
// checked itself: the token of a checkout, an account of the older wire. agent names it in the audit.
func OnBehalf(shop, agent string) Presented { return Presented{agent: agent, shop: shop} }

// Shown says whether anything was presented.
func (p Presented) Shown() bool { return p.id != "" || p.shop != "" }

// Token parts: sk_live_<id of 20>_<secret of 43><checksum of 6>. The checksum lets scanners of leaked
// secrets tell a key from noise.
const (
	idLength     = 20
	secretLength = 43
	sumLength    = 6
)

// denied is the one answer to every credential that is not good: it does not tell which part was wrong.
func denied() error { return fault.New(fault.Denied, "key-invalid", "Show a valid API key.") }

// Parse reads a key's text without looking it up. Error: Denied "key-invalid".
func Parse(token string) (Presented, error) {
	rest, ok := strings.CutPrefix(token, "sk_")
	mode, rest, cut := strings.Cut(rest, "_")
	id, tail, split := strings.Cut(rest, "_")
	if !ok || !cut || !split || (mode != Live && mode != Test) || len(id) != idLength || len(tail) != secretLength+sumLength {
		return Presented{}, denied()
	}
	if checksum(mode, id, tail[:secretLength]) != tail[secretLength:] {
		return Presented{}, denied()
	}
	return Presented{mode: mode, id: "key_" + id, secret: tail[:secretLength]}, nil
}

func checksum(mode, id, secret string) string {
	sum := crc32.ChecksumIEEE([]byte(mode + id + secret))
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	var b [sumLength]byte
	for i := range b {
		b[i] = digits[sum&31]
		sum >>= 5
	}
	return string(b[:])
}

// Principal is who a checked credential speaks for.
type Principal struct {
	Key      string
	Merchant string
	Mode     string
	scopes   []string
}

// Need returns Forbidden "test-key" for a test key, Forbidden "scope" unless the principal has a scope.
func (p Principal) Need(scope string) error {
	if p.Mode != Live { // it opens a shop's sandbox, of which there is none yet, and never the platform itself
		return fault.New(fault.Forbidden, "test-key", "This is a test key; it opens nothing here.")
	}
	if slices.Contains(p.scopes, scope) {
		return nil
	}
	return fault.New(fault.Forbidden, "scope", "This key may not do that.")
}

// NewKey asks for a key.
type NewKey struct {
	Merchant  string
	Mode      string
	Scopes    []string
	ExpiresAt calendar.Instant // wall time; zero: never
}

// MakeKey stores a new key and returns its text, which is shown once and never again, and its public id.
// Error: Invalid "key-scopes".
func (a *Access) MakeKey(ctx context.Context, tx *db.Tx, n NewKey) (text, id string, err error) {
	strange := slices.ContainsFunc(n.Scopes, func(s string) bool { return !slices.Contains(AllScopes(), s) })
	if len(n.Scopes) == 0 || strange || (n.Mode != Live && n.Mode != Test) {
		return "", "", fault.Bad("key-scopes", "A key needs a mode and scopes that exist: %s.", strings.Join(AllScopes(), ", "))
	}
	var raw [32]byte
	if _, err := io.ReadFull(a.random, raw[:]); err != nil {
		return "", "", err
	}
	secret := base64.RawURLEncoding.EncodeToString(raw[:])
	id = tx.ID("key_")
	public := strings.TrimPrefix(id, "key_")
	hash, keyID := a.vault.Pepper([]byte(secret))
	_, err = tx.Exec(ctx, `
insert into api_keys (id, merchant_id, mode, hash, key_id, scopes, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)`, id, n.Merchant, n.Mode, hash, keyID, strings.Join(n.Scopes, " "), tx.Wall, n.ExpiresAt)
	if errors.Is(err, db.ErrForeignKey) {
		err = fault.Missing("merchant", "There is no such shop.")
	}
	if err == nil {
		err = tx.Bump(ctx, versions)
	}
	if err == nil {
		err = Audit(ctx, tx, Act{Merchant: n.Merchant, Actor: "operator", Act: "key.made", Subject: id})
	}
	return fmt.Sprintf("sk_%s_%s_%s%s", n.Mode, public, secret, checksum(n.Mode, public, secret)), id, err
}

// Checked is the outcome for one credential: the principal, or Denied "key-invalid".
type Checked struct {
	Principal Principal
	Err       error
}

var findKeys = db.NewQuery(`
select id, merchant_id, mode, hash, key_id, scopes, expires_at, revoked_at from api_keys where id = $1`, db.Text)

// versions is the name under which changes of keys are counted.
const versions = "api_keys"

func readKeys(ctx context.Context, tx *db.Tx, ids []string) (map[string]storedKey, error) {
	keys := make([][]any, len(ids))
	for i, id := range ids {
		keys[i] = []any{id}
	}
	stored := make(map[string]storedKey, len(ids))
	err := tx.Find(ctx, findKeys, keys, func(_ int, r db.Row) error {
		var id string
		var k storedKey
		err := r.Scan(&id, &k.merchant, &k.mode, &k.hash, &k.keyID, &k.scopes, &k.expiresAt, &k.revokedAt)
		stored[id] = k
		return err
	})
	return stored, err
}

// Check looks credentials up, each once for the whole slice. A key that was made or revoked is known at
// once: what is remembered holds only while no key has changed.
func (a *Access) Check(ctx context.Context, tx *db.Tx, list []Presented) ([]Checked, error) {
	var ids []string
	for _, p := range list {
		if p.id != "" {
			ids = append(ids, p.id)
		}
	}
	stored, err := a.kept.Get(ctx, tx, ids, func(missing []string) (map[string]storedKey, error) { return readKeys(ctx, tx, missing) })
	if err != nil {
		return nil, err
	}
	out := make([]Checked, len(list))
	good := map[Presented]Principal{} // a slice often shows one key many times
	for i, p := range list {
		if p.shop != "" {
			out[i].Principal = Principal{p.agent, p.shop, Live, []string{OrdersWrite}}
			continue
		}
		if who, ok := good[p]; ok {
			out[i].Principal = who
			continue
		}
		k := stored[p.id]
		if !a.opens(k, p, tx.Wall) {
			out[i].Err = denied()
			continue
		}
		out[i].Principal = Principal{p.id, k.merchant, k.mode, strings.Fields(k.scopes)}
		good[p] = out[i].Principal
	}
	return out, nil
}

type storedKey struct {
	merchant, mode, keyID, scopes string
	hash                          []byte
	expiresAt, revokedAt          calendar.Instant
}

// opens compares in constant time, and also when there is nothing to compare with.
func (a *Access) opens(k storedKey, p Presented, now calendar.Instant) bool {
	same := a.vault.Peppered(k.keyID, []byte(p.secret), k.hash)
	expired := !k.expiresAt.IsZero() && !now.Before(k.expiresAt)
	return same && k.merchant != "" && k.mode == p.mode && !expired && k.revokedAt.IsZero()
}

// Revoke ends a key at once. Errors: NotFound "key".
func Revoke(ctx context.Context, tx *db.Tx, merchant, id string) error {
	n, err := tx.Exec(ctx, `update api_keys set revoked_at = $3 where id = $1 and merchant_id = $2 and revoked_at is null`, id, merchant, tx.Wall)
	if err == nil && n == 0 {
		return fault.Missing("key", "There is no such key in use.")
	}
	if err != nil {
		return err
	}
	if err := tx.Bump(ctx, versions); err != nil {
		return err
	}
	return Audit(ctx, tx, Act{Merchant: merchant, Actor: "operator", Act: "key.revoked", Subject: id})
}
