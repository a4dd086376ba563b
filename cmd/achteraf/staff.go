package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/platform"
	"achteraf/web/api"

	"github.com/alecthomas/kong"
)

// withPlatform runs f on the platform of a database.
func withPlatform(ctx context.Context, database database, keys secrets, f func(p *platform.Platform) error) error {
	d, err := database.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := keys.platform(ctx, d, database.Config)
	if err != nil {
		return err
	}
	return f(p)
}

// author is who of the operator's staff acts.
type author struct {
	By string `required:"" help:"Id of the staff member who does this; kept on record." placeholder:"ID"`
}

type blockCmd struct {
	Add     blockAddCmd     `cmd:"" help:"Block what a file shows: an address, a name with its date of birth, a network address."`
	BuyerOf blockBuyerOfCmd `cmd:"" name:"buyer-of" help:"Block what the buyer of an order or attempt showed."`
	List    blockListCmd    `cmd:"" help:"Show what is blocked, by whom and why, the oldest first."`
	Lift    blockLiftCmd    `cmd:"" help:"End a block."`
}

// blocking is what every block is set with.
type blocking struct {
	database
	secrets
	author
	Reason string   `required:"" help:"Why: ${enum}." enum:"${block_reasons}" placeholder:"REASON"`
	What   []string `required:"" help:"What to block: ${enum}; several with commas. An address of delivery can be where parcels wait for many." enum:"${block_kinds}" placeholder:"KIND"`
}

func (c *blocking) block(ctx context.Context, set func(*platform.Platform, platform.Staff) ([]string, error)) error {
	return withPlatform(ctx, c.database, c.secrets, func(p *platform.Platform) error {
		ids, err := set(p, platform.Staff{By: c.By, Reason: c.Reason})
		if err == nil {
			fmt.Println(strings.Join(ids, "\n"))
		}
		return err
	})
}

// blockAddCmd reads a file and takes no flags, since other users of a host see those.
type blockAddCmd struct {
	blocking
	File string `arg:"" help:"What of the buyer is known, as in POST /v1/orders; - for standard input."`
}

func (c *blockAddCmd) Run(ctx context.Context) error {
	b, err := readBuyer(c.File)
	if err != nil {
		return err
	}
	return c.block(ctx, func(p *platform.Platform, s platform.Staff) ([]string, error) { return p.Block(ctx, b, c.What, s) })
}

type blockBuyerOfCmd struct {
	blocking
	Merchant string `arg:"" help:"Id of the shop."`
	Order    string `arg:"" help:"Id of the order, ord_…, or of the attempt, att_…"`
}

func (c *blockBuyerOfCmd) Run(ctx context.Context) error {
	return c.block(ctx, func(p *platform.Platform, s platform.Staff) ([]string, error) {
		return p.BlockBuyerOf(ctx, c.Merchant, c.Order, c.What, s)
	})
}

type blockListCmd struct {
	database
	After string `help:"Go on after this id." placeholder:"ID"`
	JSON  bool   `help:"Print each block as a line of JSON."`
}

// mostBlocks is how many blocks one page shows.
const mostBlocks = 100

func (c *blockListCmd) Run(ctx context.Context) error {
	d, err := c.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	var list []buyers.Block
	err = d.Read(ctx, func(tx *db.Tx) error {
		list, err = buyers.Blocks(ctx, tx, c.After, mostBlocks)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range list {
		if c.JSON {
			json.NewEncoder(os.Stdout).Encode(map[string]any{"id": b.ID, "kind": b.Kind, "reason": b.Reason, "by": b.By, "at": b.At})
		} else {
			fmt.Printf("%s  %s  by %s  %s\n", b.ID, b.Reason, b.By, b.At)
		}
	}
	switch {
	case c.JSON:
	case len(list) == 0:
		fmt.Println("Nothing is blocked.")
	case len(list) == mostBlocks:
		fmt.Printf("More: achteraf admin block list --after %s\n", list[len(list)-1].ID)
	}
	return nil
}

type blockLiftCmd struct {
	database
	author
	Reason string `required:"" help:"Why: ${enum}." enum:"${lift_reasons}" placeholder:"REASON"`
	ID     string `arg:"" help:"Id of the block."`
}

func (c *blockLiftCmd) Run(ctx context.Context) error {
	d, err := c.open(ctx, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	return platform.LiftBlock(ctx, d, c.ID, platform.Staff{By: c.By, Reason: c.Reason})
}

// flagWords are the words that the tags of flags leave open: a default, and codes that buyers knows.
func flagWords() kong.Vars {
	return kong.Vars{"listen": "127.0.0.1:8080",
		"block_reasons": strings.Join(buyers.BlockReasons, ","), "lift_reasons": strings.Join(buyers.LiftReasons, ","),
		"block_kinds": strings.Join(buyers.BlockKinds, ",")}
}

type buyerCmd struct {
	Show    buyerShowCmd    `cmd:"" help:"Show who the buyer of an order is, as JSON that can be changed and given to correct."`
	Correct buyerCorrectCmd `cmd:"" help:"Correct who the buyer of an order is: a new version, beside the one that was decided on."`
}

type buyerShowCmd struct {
	database
	secrets
	author
	Merchant string `arg:"" help:"Id of the shop."`
	Order    string `arg:"" help:"Id of the order, ord_…, or of the attempt, att_…"`
	Version  int64  `help:"Which version; the last when left out, 1 is the one that was decided on." placeholder:"N"`
}

// Run writes one version to standard output; who made which version, and where it was delivered to, to standard error.
func (c *buyerShowCmd) Run(ctx context.Context) error {
	return withPlatform(ctx, c.database, c.secrets, func(p *platform.Platform) error {
		all, err := p.ShowBuyer(ctx, c.Merchant, c.Order, c.By)
		if err != nil {
			return err
		}
		for _, v := range all {
			fmt.Fprintf(os.Stderr, "version %d  %s  by %s  %s\n", v.Version, v.MadeAt, v.ChangedBy, v.Reason)
		}
		n := c.Version
		if n == 0 {
			n = int64(len(all))
		}
		if n < 1 || n > int64(len(all)) {
			return fmt.Errorf("there is no version %d", n)
		}
		b := all[n-1].Buyer
		if a := b.DeliveryAddress; a != nil {
			fmt.Fprintf(os.Stderr, "delivered to %s %s %s, %s %s, %s\n", a.Street, a.HouseNumber, a.HouseNumberSuffix, a.Postcode, a.City, a.Country)
		}
		text, err := api.WriteBuyer(b)
		if err == nil {
			fmt.Printf("%s\n", text)
		}
		return err
	})
}

type buyerCorrectCmd struct {
	database
	secrets
	author
	Reason   string `required:"" help:"What was wrong, in a sentence."`
	Merchant string `arg:"" help:"Id of the shop."`
	Order    string `arg:"" help:"Id of the order, ord_…"`
	File     string `arg:"" help:"The buyer, whole, as in POST /v1/orders; - for standard input."`
}

// mostBuyer is far above what a buyer in JSON needs, in bytes.
const mostBuyer = 64 << 10

func (c *buyerCorrectCmd) Run(ctx context.Context) error {
	b, err := readBuyer(c.File)
	if err != nil {
		return err
	}
	return withPlatform(ctx, c.database, c.secrets, func(p *platform.Platform) error {
		return p.CorrectBuyer(ctx, c.Merchant, c.Order, b, platform.Staff{By: c.By, Reason: c.Reason})
	})
}

// readBuyer reads a buyer in JSON from a file, or from standard input for "-".
func readBuyer(name string) (buyers.Buyer, error) {
	in := os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return buyers.Buyer{}, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, mostBuyer+1))
	if err != nil {
		return buyers.Buyer{}, err
	}
	if len(text) > mostBuyer {
		return buyers.Buyer{}, fault.New(fault.TooLarge, "body-too-large", "A buyer takes at most %d bytes.", mostBuyer)
	}
	return api.ReadBuyer(text)
}
