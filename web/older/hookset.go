package older

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Headers of a signed webhook, unless a shop's settings name others: of the three only the last was ever legible in print.
const (
	SignatureHeader = "X-Billink-Webhook-Signature"
	TimestampHeader = "X-Billink-Webhook-Timestamp"
	idHeader        = "X-Billink-Webhook-Id"
)

// checkHooks returns Invalid "older-settings" with what is wrong with the settings of webhooks.
func (s *Settings) checkHooks() error {
	for _, address := range []string{s.OrderWebhook, s.SessionWebhook} {
		if address != "" && !webURL(address, true) { // without TLS no call goes out but to what the client allows
			return fault.Bad("older-settings", "The address of a webhook is a whole one: https://…")
		}
	}
	for _, name := range []string{s.WebhookSignatureHeader, s.WebhookTimestampHeader} {
		if len(name) > 100 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return fault.Bad("older-settings", "The name of a header has letters, digits and hyphens.")
		}
	}
	for _, name := range s.WebhookEvents {
		if !slices.Contains(extraEvents, name) {
			return fault.Bad("older-settings", "The further events are %s.", strings.Join(extraEvents, " and "))
		}
	}
	return nil
}

const secretPurpose = "older-webhook"

func secretPlace(merchant string) vault.Place {
	return vault.Place{Table: "older_accounts", Column: "webhook_secret", Row: merchant}
}

type secretAnswer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
	Secret  string `json:"secret"`
}

// newSecret makes the secret with which webhooks are signed, in the place of an earlier one. It is shown this once.
func (w *Wire) newSecret(c *call) (any, error) {
	var raw [32]byte
	if _, err := io.ReadFull(w.Random, raw[:]); err != nil {
		return nil, stop(500, "Could not generate secret")
	}
	secret := base64.StdEncoding.EncodeToString(raw[:])
	err := w.DB.Write(c.ctx, func(tx *db.Tx) error {
		if err := w.still(c, tx); err != nil {
			return err
		}
		sealed := []byte(w.Vault.SealShared(secretPurpose, secretPlace(c.account.Merchant), []byte(secret)))
		_, err := tx.Exec(c.ctx, `update older_accounts set webhook_secret = $2, changed_at = $3 where merchant_id = $1`, c.account.Merchant, sealed, tx.Wall)
		return w.Accounts.changedBy(c.ctx, tx, err, &c.account, "older.secret")
	})
	return secretAnswer{"success", "Webhook V3 secret is generated successfully", secret}, err
}

type setAnswer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func (w *Wire) setOrderHook(c *call) (any, error) {
	return w.setHook(c, func(s *Settings, address string) { s.OrderWebhook = address })
}

func (w *Wire) setSessionHook(c *call) (any, error) {
	return w.setHook(c, func(s *Settings, address string) { s.SessionWebhook = address })
}

// setHook lets a shop say where it wants to be told, signed from now on.
func (w *Wire) setHook(c *call, set func(s *Settings, address string)) (any, error) {
	address := strings.TrimSpace(c.api.raw("URL"))
	switch {
	case address == "":
		return nil, stop(400, "url parameter is empty")
	case !webURL(address, w.Demo):
		return nil, stop(400, "Invalid url parameter")
	}
	err := w.DB.Write(c.ctx, func(tx *db.Tx) error {
		if err := w.still(c, tx); err != nil {
			return err
		}
		_, secret, err := w.Accounts.secret(c.ctx, tx, c.account.Merchant)
		if err != nil {
			return err
		}
		if secret == "" {
			return stop(400, "Webhook signing secret is not set. Please, generate the secret first")
		}
		account, err := w.Accounts.Of(c.ctx, tx, c.account.Merchant)
		if err != nil {
			return err
		}
		set(&account.Settings, address)
		account.Settings.SignWebhooks = true
		text, err := json.Marshal(account.Settings)
		if err != nil {
			return err
		}
		_, err = tx.Exec(c.ctx, `update older_accounts set settings = $2, changed_at = $3 where merchant_id = $1`, account.Merchant, string(text), tx.Wall)
		return w.Accounts.changedBy(c.ctx, tx, err, &c.account, "older.webhook")
	})
	return setAnswer{"success", "Webhook has been set"}, err
}

// changedBy is changed for what a shop changes itself.
func (a *Accounts) changedBy(ctx context.Context, tx *db.Tx, err error, x *Account, act string) error {
	if err == nil {
		err = tx.Bump(ctx, versions)
	}
	if err == nil {
		err = listenFrom(ctx, tx)
	}
	if err == nil {
		err = access.Audit(ctx, tx, access.Act{Merchant: x.Merchant, Actor: x.agent(), Act: act, Subject: x.Merchant})
	}
	return err
}

// secret reads a shop's account with the secret of its webhooks, "" when it has none.
func (a *Accounts) secret(ctx context.Context, tx *db.Tx, merchant string) (x Account, secret string, err error) {
	if x, err = a.Of(ctx, tx, merchant); err != nil {
		return x, "", err
	}
	var sealed vault.Sealed
	err = tx.QueryRow(ctx, `select webhook_secret from older_accounts where merchant_id = $1`, []any{merchant}, &sealed)
	if err != nil || len(sealed) == 0 {
		return x, "", err
	}
	plain, err := a.vault.OpenShared(secretPurpose, secretPlace(merchant), sealed)
	return x, string(plain), err
}
