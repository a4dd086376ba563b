package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/merchants"
	"achteraf/platform"
	"achteraf/web/older"

	"github.com/BurntSushi/toml"
)

// olderSettings is the [older] table of the configuration file.
type olderSettings struct{ Paths map[string]string }

// readOlder reads where the calls of the older wire are whose own addresses were never published.
func readOlder(path string) (map[string]string, error) {
	var file tables
	if path != "" {
		if _, err := toml.DecodeFile(path, &file); err != nil {
			return nil, nil // readOperator says what is wrong with the file
		}
	}
	if err := older.CheckPaths(file.Older.Paths); err != nil {
		return nil, fmt.Errorf("older.paths: %w", err)
	}
	return file.Older.Paths, nil
}

type olderCmd struct {
	Open     olderOpenCmd     `cmd:"" help:"Open the older wire for a shop, or give it a new id; the id is shown once."`
	Close    olderCloseCmd    `cmd:"" help:"Close it for a shop at once."`
	Set      olderSetCmd      `cmd:"" help:"Change the settings of a shop's account."`
	Workflow olderWorkflowCmd `cmd:"" help:"Give a shop a workflow: terms that its plug-in asks for by number."`
}

// onPlatform runs f in a write transaction of the platform.
func onPlatform(ctx context.Context, database database, keys secrets, f func(ctx context.Context, tx *db.Tx, p *platform.Platform) error) error {
	return withPlatform(ctx, database, keys, func(p *platform.Platform) error {
		return p.DB.Write(ctx, func(tx *db.Tx) error { return f(ctx, tx, p) })
	})
}

// olderFlags are the settings of an account that can be set here.
type olderFlags struct {
	Prefix              *string  `help:"In front of the shop's own number, for its customers: at most 12 capital letters and digits." placeholder:"1AB"`
	BirthDateRequired   *bool    `help:"Refuse checks of consumers without a date of birth." negatable:""`
	RefuseOtherDelivery *bool    `help:"Refuse a delivery address that is not the buyer's." negatable:""`
	StrictNumbers       *bool    `help:"Take order numbers of letters, digits, _ and - only." negatable:""`
	StrictVAT           *bool    `help:"Take VAT percentages of the law only." negatable:"" name:"strict-vat"`
	StrictAddress       *bool    `help:"Ask for the town in a check." negatable:""`
	IgnoreBackdoorZero  *bool    `help:"In test mode, pass over BACKDOOR 0, which one plug-in always sends." negatable:""`
	TestMode            *bool    `help:"Let BACKDOOR decide checks; in a demonstration only." negatable:""`
	StatusCalls         *int     `help:"Status calls in a minute; 0 is no limit." placeholder:"60"`
	OrderWebhook        *string  `help:"Address that is told what happens to orders; empty: none. The shop's plug-in may set it too." placeholder:"https://…"`
	SessionWebhook      *string  `help:"Address that is told how sessions end; empty: none." placeholder:"https://…"`
	SignWebhooks        *bool    `help:"Sign webhooks, once the plug-in has asked for a secret." negatable:""`
	WebhookEvent        []string `help:"Events that are told beside the published ones: order_resumed, order_overdue." sep:","`
	SignatureHeader     *string  `help:"Header of a webhook's signature." placeholder:"NAME"`
	TimestampHeader     *string  `help:"Header of a webhook's time." placeholder:"NAME"`
	KeyDecoded          *bool    `help:"Sign with the secret's bytes, not its text." negatable:""`
	Whitelist           *bool    `help:"Let the plug-in reckon with its own paid orders; what it says is never believed." negatable:""`
	MinimumPaidOrders   *int64   `help:"Of these so many." placeholder:"10"`
	Period              *int64   `help:"Of so many days; 0 is no limit." placeholder:"90"`
	AmountHigherThan    *int64   `help:"Their sum, in euros, above which it calls a buyer good." placeholder:"500"`
	Network             []string `help:"Networks from which calls may come, such as 203.0.113.0/24; all when none is given." sep:","`
}

// set changes settings as the flags say.
func (f *olderFlags) set(s *older.Settings) {
	give(&s.Prefix, f.Prefix)
	give(&s.BirthDateRequired, f.BirthDateRequired)
	give(&s.RefuseOtherDelivery, f.RefuseOtherDelivery)
	give(&s.StrictNumbers, f.StrictNumbers)
	give(&s.StrictVAT, f.StrictVAT)
	give(&s.StrictAddress, f.StrictAddress)
	give(&s.IgnoreBackdoorZero, f.IgnoreBackdoorZero)
	give(&s.TestMode, f.TestMode)
	give(&s.StatusCalls, f.StatusCalls)
	give(&s.OrderWebhook, f.OrderWebhook)
	give(&s.SessionWebhook, f.SessionWebhook)
	give(&s.SignWebhooks, f.SignWebhooks)
	give(&s.WebhookSignatureHeader, f.SignatureHeader)
	give(&s.WebhookTimestampHeader, f.TimestampHeader)
	give(&s.WebhookKeyDecoded, f.KeyDecoded)
	give(&s.Webshop.Whitelist, f.Whitelist)
	give(&s.Webshop.MinimumPaidOrders, f.MinimumPaidOrders)
	give(&s.Webshop.Period, f.Period)
	give(&s.Webshop.AmountHigherThan, f.AmountHigherThan)
	if f.WebhookEvent != nil {
		s.WebhookEvents = f.WebhookEvent
	}
	if f.Network != nil {
		s.Networks = f.Network
	}
}

func give[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// onlyDemo refuses test mode where real people buy.
func (f *olderFlags) onlyDemo(ctx context.Context, database database) error {
	if f.TestMode == nil || !*f.TestMode {
		return nil
	}
	d, err := database.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	kind, err := platform.Kind(ctx, d)
	if err == nil && kind != platform.DemoKind {
		err = errors.New("test mode is a demonstration's: here real people buy")
	}
	return err
}

type olderOpenCmd struct {
	database
	secrets
	olderFlags
	Merchant string `arg:"" help:"Id of the shop."`
	Username string `required:"" help:"Name that the plug-in sends."`
}

// usualStatusCalls is how often a shop's plug-in may ask for statuses in a minute.
const usualStatusCalls = 60

// Run prints the id, and on standard error what this wire does not have.
func (c *olderOpenCmd) Run(ctx context.Context) error {
	if err := c.onlyDemo(ctx, c.database); err != nil {
		return err
	}
	var id string
	err := onPlatform(ctx, c.database, c.secrets, func(ctx context.Context, tx *db.Tx, p *platform.Platform) error {
		if _, err := merchants.ByID(ctx, tx, c.Merchant); err != nil {
			return err
		}
		s := older.Settings{StatusCalls: usualStatusCalls}
		account, err := p.Accounts.Of(ctx, tx, c.Merchant)
		switch {
		case err == nil:
			s = account.Settings
		case !isMissing(err):
			return err
		}
		c.set(&s)
		id, err = p.Accounts.Open(ctx, tx, c.Merchant, c.Username, s)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Println(id)
	fmt.Fprintln(os.Stderr, `This wire has no signatures: whoever knows the user name and the id can order in this shop's name. Use it over TLS
only, name the shop's servers with --network, and move to /v1 when you can.`)
	return nil
}

type olderCloseCmd struct {
	database
	secrets
	Merchant string `arg:"" help:"Id of the shop."`
}

func (c *olderCloseCmd) Run(ctx context.Context) error {
	return onPlatform(ctx, c.database, c.secrets, func(ctx context.Context, tx *db.Tx, p *platform.Platform) error {
		return p.Accounts.Close(ctx, tx, c.Merchant)
	})
}

type olderSetCmd struct {
	database
	secrets
	olderFlags
	Merchant string `arg:"" help:"Id of the shop."`
}

func (c *olderSetCmd) Run(ctx context.Context) error {
	if err := c.onlyDemo(ctx, c.database); err != nil {
		return err
	}
	return onPlatform(ctx, c.database, c.secrets, func(ctx context.Context, tx *db.Tx, p *platform.Platform) error {
		return p.Accounts.Set(ctx, tx, c.Merchant, c.set)
	})
}

type olderWorkflowCmd struct {
	database
	secrets
	Merchant  string `arg:"" help:"Id of the shop."`
	Number    int64  `arg:"" help:"Number that the plug-in sends, from 1."`
	Model     string `help:"own, collected or guaranteed." default:"collected"`
	Limit     int64  `help:"Most of one order, in cents; 0 is none." default:"0" placeholder:"CENTS"`
	Consumers int64  `help:"What a consumer may have open, in cents, where that is more than the policy's." default:"0" placeholder:"CENTS"`
	Delay     int64  `help:"Days from the order to its invoice." default:"3"`
	Due       int64  `help:"Days to pay." default:"14"`
	OnlyCall  bool   `help:"Only the shop starts orders; the clock never does."`
	Unchecked bool   `help:"Orders may come without a check before them."`
}

// Run adds the workflow from today on; a later one of the same number takes over from its day.
func (c *olderWorkflowCmd) Run(ctx context.Context) error {
	if c.Number < 1 {
		return errors.New("workflows are numbered from 1")
	}
	t := merchants.StandardContract()
	t.Workflow, t.Model, t.OrderLimitCents, t.ConsumerLimitCents = c.Number, merchants.Model(c.Model), c.Limit, c.Consumers
	t.SendAfterDays, t.DueDays, t.Unchecked = c.Delay, c.Due, c.Unchecked
	if c.OnlyCall {
		t.StartBy = merchants.ByCall
	}
	return onPlatform(ctx, c.database, c.secrets, func(ctx context.Context, tx *db.Tx, _ *platform.Platform) error {
		m, err := merchants.ByID(ctx, tx, c.Merchant)
		if err != nil {
			return err
		}
		zone, err := calendar.ZoneOf(m.Country)
		if err != nil {
			return err
		}
		added, err := merchants.AddContract(ctx, tx, m.ID, zone.DateOf(tx.Now), t)
		if err != nil {
			return err
		}
		return access.Audit(ctx, tx, access.Act{Merchant: m.ID, Actor: "operator", Act: "workflow.added", Subject: added.ID})
	})
}
