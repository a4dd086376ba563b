package older

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"unicode/utf8"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Settings are what an operator sets for a shop on this wire. The zero value is tolerant in all.
type Settings struct {
	Prefix              string   `json:"prefix,omitempty"`               // of public numbers
	TestMode            bool     `json:"test_mode,omitempty"`            // BACKDOOR decides; in a demonstration only
	IgnoreBackdoorZero  bool     `json:"ignore_backdoor_zero,omitempty"` // one plug-in always sends 0
	BirthDateRequired   bool     `json:"birth_date_required,omitempty"`
	RefuseOtherDelivery bool     `json:"refuse_other_delivery,omitempty"` // goods go to the buyer's address only
	StrictNumbers       bool     `json:"strict_numbers,omitempty"`        // order numbers of letters, digits, _ and - only
	StrictVAT           bool     `json:"strict_vat,omitempty"`            // the legal percentages of the buyer's country only
	StrictAddress       bool     `json:"strict_address,omitempty"`        // street, town and country in a check too
	StatusCalls         int      `json:"status_calls,omitempty"`          // in a minute; 0: as many as they like
	Networks            []string `json:"networks,omitempty"`              // from which calls may come; none: all

	Webshop        Webshop `json:"webshop,omitzero"`
	OrderWebhook   string  `json:"order_webhook,omitempty"`
	SessionWebhook string  `json:"session_webhook,omitempty"`
	SignWebhooks   bool    `json:"sign_webhooks,omitempty"`

	WebhookSignatureHeader string   `json:"webhook_signature_header,omitempty"` // "": SignatureHeader
	WebhookTimestampHeader string   `json:"webhook_timestamp_header,omitempty"` // "": TimestampHeader
	WebhookKeyDecoded      bool     `json:"webhook_key_decoded,omitempty"`      // the key is the secret's bytes, not its text
	WebhookEvents          []string `json:"webhook_events,omitempty"`           // beside the published ones
}

// Webshop is what a shop's plug-in asks for to reckon with its own customers.
type Webshop struct {
	Whitelist         bool  `json:"whitelist,omitempty"`
	MinimumPaidOrders int64 `json:"minimum_paid_orders,omitempty"`
	Period            int64 `json:"period,omitempty"` // days; 0: no limit
	AmountHigherThan  int64 `json:"total_amount_higher_than,omitempty"`
}

// check returns Invalid "older-settings" with what is wrong.
func (s *Settings) check() error {
	if len(s.Prefix) > 12 || strings.Trim(s.Prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return fault.Bad("older-settings", "A prefix is at most 12 capital letters and digits.")
	}
	for _, n := range s.Networks {
		if _, err := netip.ParsePrefix(n); err != nil {
			return fault.Bad("older-settings", "Write networks as 203.0.113.0/24 or 2001:db8::/32.")
		}
	}
	return s.checkHooks()
}

// Account is a shop on this wire.
type Account struct {
	Merchant string
	Username string
	Settings Settings
	Active   bool

	hash  []byte
	keyID string
}

// lets says whether a network address may use the account.
func (a *Account) lets(from netip.Addr) bool {
	if len(a.Settings.Networks) == 0 {
		return true
	}
	for _, n := range a.Settings.Networks {
		if p, err := netip.ParsePrefix(n); err == nil && p.Contains(from.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// agent names the account in the record of who did what.
func (a *Account) agent() string { return "older/" + a.Username }

// versions is the name under which changes of accounts are counted.
const versions = "older_accounts"

// Accounts are the accounts of this wire.
type Accounts struct {
	vault  *vault.Vault
	random io.Reader
	kept   *db.Kept[string, Account] // by username
}

// NewAccounts makes Accounts; random gives their ids.
func NewAccounts(v *vault.Vault, random io.Reader) *Accounts {
	return &Accounts{v, random, db.NewKept[string, Account](versions)}
}

// Open switches the wire on for a shop, or gives it a new id, and returns the id: it is shown once and never again.
// Errors: Invalid "older-settings", Conflict "older-username".
func (a *Accounts) Open(ctx context.Context, tx *db.Tx, merchant, username string, s Settings) (id string, err error) {
	if username == "" || utf8.RuneCountInString(username) > 40 || strings.Trim(username, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return "", fault.Bad("older-settings", "A user name is at most 40 small letters, digits, dots and hyphens.")
	}
	if err := s.check(); err != nil {
		return "", err
	}
	var other string
	if err := tx.QueryRow(ctx, `select merchant_id from older_accounts where username = $1`, []any{username}, &other); err == nil && other != merchant {
		return "", fault.Clash("older-username", "Another shop has this user name.")
	} else if err != nil && err != db.ErrNone {
		return "", err
	}
	var raw [20]byte // 40 hexadecimal digits, as plug-ins expect them
	if _, err := io.ReadFull(a.random, raw[:]); err != nil {
		return "", err
	}
	id = hex.EncodeToString(raw[:])
	hash, keyID := a.vault.Pepper([]byte(id))
	text, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `
insert into older_accounts (merchant_id, username, hash, key_id, settings, active, made_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $7)
    on conflict (merchant_id) do update
   set username = $2, hash = $3, key_id = $4, settings = $5, active = $6, changed_at = $7`,
		merchant, username, hash, keyID, string(text), true, tx.Wall)
	return id, a.changed(ctx, tx, err, merchant, "older.opened")
}

// Close switches the wire off for a shop at once. Error: NotFound "older-account".
func (a *Accounts) Close(ctx context.Context, tx *db.Tx, merchant string) error {
	n, err := tx.Exec(ctx, `update older_accounts set active = $2, changed_at = $3 where merchant_id = $1`, merchant, false, tx.Wall)
	if err == nil && n == 0 {
		return fault.Missing("older-account", "This shop has no account on the older wire.")
	}
	return a.changed(ctx, tx, err, merchant, "older.closed")
}

// Set changes the settings of a shop. Errors: NotFound "older-account", Invalid "older-settings".
func (a *Accounts) Set(ctx context.Context, tx *db.Tx, merchant string, change func(*Settings)) error {
	account, err := a.Of(ctx, tx, merchant)
	if err != nil {
		return err
	}
	change(&account.Settings)
	if err := account.Settings.check(); err != nil {
		return err
	}
	text, err := json.Marshal(account.Settings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update older_accounts set settings = $2, changed_at = $3 where merchant_id = $1`, merchant, string(text), tx.Wall)
	return a.changed(ctx, tx, err, merchant, "older.changed")
}

// changed notes a change in the record of acts, and that what is remembered of accounts is out of date.
func (a *Accounts) changed(ctx context.Context, tx *db.Tx, err error, merchant, act string) error {
	if err == nil {
		err = tx.Bump(ctx, versions)
	}
	if err == nil {
		err = listenFrom(ctx, tx)
	}
	if err == nil {
		err = access.Audit(ctx, tx, access.Act{Merchant: merchant, Actor: "operator", Act: act, Subject: merchant})
	}
	return err
}

const accountColumns = `merchant_id, username, hash, key_id, settings, active`

var findAccounts = db.NewQuery(`select `+accountColumns+` from older_accounts where username = $1`, db.Text)

func (x *Account) scan(r db.Row) error {
	var text string
	if err := r.Scan(&x.Merchant, &x.Username, &x.hash, &x.keyID, &text, &x.Active); err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), &x.Settings)
}

// Of reads a shop's account. Error: NotFound "older-account".
func (a *Accounts) Of(ctx context.Context, tx *db.Tx, merchant string) (x Account, err error) {
	found := false
	err = tx.Each(ctx, `select `+accountColumns+` from older_accounts where merchant_id = $1`, []any{merchant}, func(r db.Row) error {
		found = true
		return x.scan(r)
	})
	if err == nil && !found {
		err = fault.Missing("older-account", "This shop has no account on the older wire.")
	}
	return x, err
}

// named reads accounts by user name, from memory where that is as good.
func (a *Accounts) named(ctx context.Context, tx *db.Tx, names []string) (map[string]Account, error) {
	return a.kept.Get(ctx, tx, names, func(missing []string) (map[string]Account, error) {
		keys := make([][]any, len(missing))
		for i, n := range missing {
			keys[i] = []any{n}
		}
		out := map[string]Account{}
		err := tx.Find(ctx, findAccounts, keys, func(_ int, r db.Row) error {
			var x Account
			err := x.scan(r)
			out[x.Username] = x
			return err
		})
		return out, err
	})
}

// opens compares an id in constant time, and also when there is nothing to compare with.
func (a *Accounts) opens(x Account, id string, from netip.Addr) bool {
	same := a.vault.Peppered(x.keyID, []byte(id), x.hash)
	return same && x.Merchant != "" && x.Active && x.lets(from)
}
