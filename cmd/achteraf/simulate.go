package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"achteraf/internal/db"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/market"
	"achteraf/migrations"
	"achteraf/platform"
)

type simulateCmd struct {
	database
	Seed   uint64 `help:"The world's seed: the same seed gives the same world." default:"1"`
	Days   int    `help:"Days to live." default:"90"`
	Orders int    `help:"Orders over all days." default:"500"`
	Older  int    `help:"So many of the three shops order over the older wire."`
	JSON   bool   `help:"Print the report as one line of JSON."`
}

// Run simulates one world on a new database.
func (c *simulateCmd) Run(ctx context.Context) error {
	url, err := c.url()
	if err != nil {
		return err
	}
	if url == "" {
		dir, err := os.MkdirTemp("", "achteraf-market-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		url = "sqlite:" + filepath.Join(dir, "achteraf.db")
	}
	report, err := market.Run(ctx, market.Config{Seed: c.Seed, Days: c.Days, Orders: c.Orders, Older: c.Older,
		Open: func(ctx context.Context, out market.Outside) (*platform.Platform, func() error, error) {
			return openWorld(ctx, url, out)
		},
		Progress: func(day int, r market.Report) {
			if !c.JSON && (day+1)%10 == 0 {
				fmt.Fprintf(os.Stderr, "day %d: %d orders, %d payments, %d entries\n", day+1, r.Orders, r.Payments, r.Entries)
			}
		}})
	if c.JSON {
		json.NewEncoder(os.Stdout).Encode(report)
	}
	if err != nil {
		return fmt.Errorf("%w\nreplay: achteraf simulate --seed %d --days %d --orders %d --older %d", err, c.Seed, c.Days, c.Orders, c.Older)
	}
	if !c.JSON {
		fmt.Printf("%d days, %d orders (%d accepted), %d payments in %d files, %d by bank button, %d mails, %d sign-ins, %d restarts, %d entries; everything held on each of %d days\nevent log %s (%s)\n",
			report.Days, report.Orders, report.Accepted, report.Payments, report.Files, report.Buttons, report.Mails, report.SignIns, report.Restarts, report.Entries, report.Checks, report.Hash, report.Engine)
	}
	return nil
}

// openWorld builds a platform in the world, with the demo's keys.
func openWorld(ctx context.Context, url string, out market.Outside) (*platform.Platform, func() error, error) {
	d, err := db.Open(ctx, url, db.Options{Wall: out.Wall, Random: out.Random, Process: chance(), CacheMiB: 16})
	if err != nil {
		return nil, nil, err
	}
	if err := d.Migrate(ctx, migrations.Files); err != nil {
		d.Close()
		return nil, nil, err
	}
	v, err := vault.Parse([]byte(demoVaultKeys))
	if err != nil {
		return nil, nil, err
	}
	key, err := ledger.ReadKey(demoLogKey)
	if err != nil {
		return nil, nil, err
	}
	p, err := platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Operator: demoOperator(), Random: out.Random, Log: slog.New(slog.DiscardHandler),
		Mailer: out.Mailer, MailDomain: out.MailDomain, PSP: out.PSP, PublicURL: out.PublicURL})
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return p, d.Close, nil
}
