package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/money"
	"achteraf/payments"
	"achteraf/platform"
	"achteraf/providers/camt"
	"achteraf/verify"
)

func isMissing(err error) bool {
	f := fault.As(err)
	return f != nil && f.Kind == fault.NotFound
}

type migrateCmd struct{ database }

func (c *migrateCmd) Run(ctx context.Context) error {
	url, err := c.url()
	if err != nil || url == "" {
		return errors.Join(err, errors.New("name a database: --data DIR, or --database-url postgres://…"))
	}
	d, err := migrated(ctx, url, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	fmt.Println("The tables are up to date.")
	return nil
}

type verifyCmd struct {
	database
	JSON       bool   `help:"Print the report as one line of JSON."`
	Checkpoint string `help:"A checkpoint kept from before: the log must still contain it." type:"existingfile" placeholder:"FILE"`
	LogKey     string `help:"Public key of the log (see doctor). A demo's is built in." env:"ACHTERAF_LOG_PUBLIC_KEY" placeholder:"KEY"`
}

// Run proves the books. It reads one snapshot and disturbs nobody.
func (c *verifyCmd) Run(ctx context.Context) error {
	d, err := c.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	o := verify.Options{PublicKey: c.LogKey}
	if o.PublicKey == "" {
		if o.PublicKey, err = knownLogKey(ctx, d); err != nil {
			return err
		}
	}
	if c.Checkpoint != "" {
		if o.Checkpoint, err = os.ReadFile(c.Checkpoint); err != nil {
			return err
		}
	}
	begun := time.Now()
	report, err := verify.Run(ctx, d, o)
	if c.JSON {
		line := map[string]any{"ok": err == nil, "report": report}
		if err != nil {
			line["difference"] = err.Error()
		}
		json.NewEncoder(os.Stdout).Encode(line)
	} else if err == nil {
		fmt.Printf("%d entries (%d sealed), %d legs, %d checkpoints, %d checks, root %s\nEverything agrees (%.1f s).\n", report.Sealed+report.Unsealed,
			report.Sealed, report.Postings, report.Checkpoints, report.Checks, report.Root, time.Since(begun).Seconds())
	}
	return err
}

// knownLogKey is the public key of the log of this database: a demo's is built in, another's is kept beside
// the rows when the platform first starts, and given by hand where the database itself is not trusted.
func knownLogKey(ctx context.Context, d *db.DB) (string, error) {
	kind, err := platform.Kind(ctx, d)
	if err != nil {
		return "", err
	}
	if kind == platform.DemoKind {
		key, err := ledger.ReadKey(demoLogKey)
		if err != nil {
			return "", err
		}
		return key.Public, nil
	}
	return platform.PublicKey(ctx, d)
}

type importCmd struct {
	database
	secrets
	JSON  bool     `help:"Print a report for each file as a line of JSON."`
	Files []string `arg:"" name:"file" help:"Bank files (camt.053)." type:"existingfile"`
}

func (c *importCmd) Run(ctx context.Context) error {
	d, err := c.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := c.platform(ctx, d, c.Config)
	if err != nil {
		return err
	}
	defer beside(ctx, p, p.Upkeep)()
	var failed []string
	for _, name := range c.Files {
		report, err := importFile(ctx, p.Importer, name)
		c.print(name, report, err)
		if err != nil {
			failed = append(failed, filepath.Base(name)+": "+describe(err))
		}
	}
	if len(failed) > 0 {
		return exitError{1, errors.New(strings.Join(failed, "\n"))}
	}
	return p.Settle(ctx)
}

// maxBankFile is far above what a bank sends in a day: some 600,000 lines.
const maxBankFile = 1 << 30

func importFile(ctx context.Context, im *payments.Importer, name string) (payments.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return payments.Report{}, err
	}
	defer f.Close()
	return im.File(ctx, f, camt.Format(maxBankFile))
}

func (c *importCmd) print(name string, r payments.Report, err error) {
	if c.JSON {
		line := map[string]any{"file": filepath.Base(name), "report": r, "ok": err == nil}
		if err != nil {
			line["error"] = describe(err)
		}
		json.NewEncoder(os.Stdout).Encode(line)
		return
	}
	if err == nil {
		fmt.Printf("%s: %d lines, %d new, %d matched (%s), %d unallocated, %d known before\n", filepath.Base(name), r.Lines, r.New, r.Matched,
			money.EUR(r.MatchedCents), r.Unallocated, r.Known)
		for _, x := range r.Warnings {
			fmt.Printf("  %s %s: %s\n", x.Code, x.Statement, x.Detail)
		}
	}
}

type adminCmd struct {
	Merchant merchantCmd `cmd:"" help:"Shops."`
	Key      keyCmd      `cmd:"" help:"API keys."`
	Block    blockCmd    `cmd:"" help:"Who may not buy on account."`
	Buyer    buyerCmd    `cmd:"" help:"Who the buyer of an order is."`
	Failed   failedCmd   `cmd:"" help:"Work that failed for good."`
	Older    olderCmd    `cmd:"" help:"Shops on the older wire, for plug-ins that speak it."`
	Secrets  secretsCmd  `cmd:"" help:"Make the secrets of a new installation."`
	Vault    vaultCmd    `cmd:"" help:"The master keys of an installation."`
}

type merchantCmd struct {
	Add merchantAddCmd `cmd:"" help:"Add a shop from a TOML file and activate it."`
}

type merchantAddCmd struct {
	database
	File  string `arg:"" help:"The shop, as in merchants/testdata/shop.toml." type:"existingfile"`
	Draft bool   `help:"Leave it inactive."`
}

func (c *merchantAddCmd) Run(ctx context.Context) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	shop, err := merchants.FromTOML(f)
	if err != nil {
		return err
	}
	d, err := c.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	var m merchants.Merchant
	err = d.Write(ctx, func(tx *db.Tx) error {
		if m, err = merchants.Add(ctx, tx, shop); err != nil {
			return err
		}
		if err = access.Audit(ctx, tx, access.Act{Merchant: m.ID, Actor: "operator", Act: "merchant.added", Subject: m.ID}); err != nil || c.Draft {
			return err
		}
		if err = merchants.Activate(ctx, tx, m.ID); err != nil {
			return err
		}
		return access.Audit(ctx, tx, access.Act{Merchant: m.ID, Actor: "operator", Act: "merchant.activated", Subject: m.ID})
	})
	if err == nil {
		fmt.Println(m.ID)
	}
	return err
}

type keyCmd struct {
	Add    keyAddCmd    `cmd:"" help:"Make an API key; it is shown once."`
	Revoke keyRevokeCmd `cmd:"" help:"Revoke an API key at once."`
}

type keyAddCmd struct {
	database
	secrets
	Merchant string   `arg:"" help:"Id of the shop."`
	Scopes   []string `help:"What the key may do; everything when left out."`
}

func (c *keyAddCmd) Run(ctx context.Context) error {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = access.AllScopes()
	}
	var plain string
	err := onPlatform(ctx, c.database, c.secrets, func(ctx context.Context, tx *db.Tx, p *platform.Platform) (err error) {
		plain, _, err = p.Access.MakeKey(ctx, tx, access.NewKey{Merchant: c.Merchant, Mode: access.Live, Scopes: scopes})
		return err
	})
	if err == nil {
		fmt.Println(plain)
	}
	return err
}

type keyRevokeCmd struct {
	database
	secrets
	Merchant string `arg:"" help:"Id of the shop."`
	Key      string `arg:"" help:"Public id of the key, key_…"`
}

func (c *keyRevokeCmd) Run(ctx context.Context) error {
	d, err := c.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Write(ctx, func(tx *db.Tx) error { return access.Revoke(ctx, tx, c.Merchant, c.Key) })
}

type secretsCmd struct {
	Dir    string `arg:"" help:"New folder for the secrets." type:"path"`
	Origin string `required:"" help:"Name of the log, such as achteraf/shop.example/log. It never changes."`
}

// Run makes the master key and the log's key, readable by their owner alone.
func (c *secretsCmd) Run() error {
	if err := os.Mkdir(c.Dir, 0o700); err != nil {
		return err
	}
	line, err := vault.NewLine("key-1", chance())
	if err != nil {
		return err
	}
	logKey, err := ledger.GenerateKey(chance(), c.Origin)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"vault.keys": line, "log.key": logKey} {
		if err := os.WriteFile(filepath.Join(c.Dir, name), []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	fmt.Printf("Made %s/vault.keys and %s/log.key. Keep a copy of both away from the database's backups.\n", c.Dir, c.Dir)
	return nil
}
