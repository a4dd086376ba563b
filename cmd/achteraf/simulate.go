package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/market"
	"achteraf/migrations"
	"achteraf/platform"
	"achteraf/providers/mailbox"
)

type simulateCmd struct {
	database
	Seed   uint64 `help:"The world's seed: the same seed gives the same world." default:"1"`
	Days   int    `help:"Days to live." default:"90"`
	Orders int    `help:"Orders over all days." default:"500"`
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
	report, err := market.Run(ctx, market.Config{Seed: c.Seed, Days: c.Days, Orders: c.Orders,
		Open: func(ctx context.Context, wall func() calendar.Instant, random io.Reader) (*platform.Platform, func() error, error) {
			return openWorld(ctx, url, wall, random)
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
		return fmt.Errorf("%w\nreplay: achteraf simulate --seed %d --days %d --orders %d", err, c.Seed, c.Days, c.Orders)
	}
	if !c.JSON {
		fmt.Printf("%d days, %d orders (%d accepted), %d payments in %d files, %d restarts, %d entries; everything held on each of %d days\nevent log %s (%s)\n",
			report.Days, report.Orders, report.Accepted, report.Payments, report.Files, report.Restarts, report.Entries, report.Checks, report.Hash, report.Engine)
	}
	return nil
}

// openWorld builds a platform with the world's clock and chance and the demo's keys.
func openWorld(ctx context.Context, url string, wall func() calendar.Instant, random io.Reader) (*platform.Platform, func() error, error) {
	d, err := db.Open(ctx, url, db.Options{Wall: wall, Random: random, Process: chance(), CacheMiB: 16})
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
	p, err := platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Operator: demoOperator(), Random: random, Log: slog.New(slog.DiscardHandler),
		Mailer: &mailbox.Box{}})
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return p, d.Close, nil
}
