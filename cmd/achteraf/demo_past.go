package main

import (
	"context"
	"log/slog"

	"achteraf/internal/db"
	"achteraf/market"
	"achteraf/platform"
)

// The past of every new demonstration.
const (
	pastSeed   = 1
	pastDays   = 60
	pastOrders = 70
)

// makePast lets a new database live through its past. Its mails went long ago: the mailbox of a demonstration holds what
// was mailed since it began, so that a visitor finds their own, and its begin is not spent on writing letters.
func makePast(ctx context.Context, url, base string) error {
	_, err := market.MakePast(ctx, market.PastConfig{Seed: pastSeed, Days: pastDays, Orders: pastOrders, Until: wall(), IBAN: demoOperator().ClientIBAN,
		Open: func(ctx context.Context, y market.Yesterday) (*platform.Platform, func() error, error) {
			d, err := db.Open(ctx, url, db.Options{Wall: y.Wall, Random: chance()})
			if err != nil {
				return nil, nil, err
			}
			if err := markDemo(ctx, d); err != nil {
				d.Close()
				return nil, nil, err
			}
			p, err := demoPlatform(d, slog.New(slog.DiscardHandler), func(c *platform.Config) {
				c.PSP, c.Policies, c.PublicURL, c.MailOff = y.PSP, y.Policies, base, true
			})
			if err != nil {
				d.Close()
				return nil, nil, err
			}
			return p, d.Close, nil
		},
		Shops: func(ctx context.Context, p *platform.Platform) (ids map[string]string, err error) {
			err = p.DB.Write(ctx, func(tx *db.Tx) error {
				ids, err = ensureShops(ctx, tx)
				return err
			})
			return ids, err
		}})
	return err
}
