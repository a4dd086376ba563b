package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/jobs"
	"achteraf/internal/outbound"
	"achteraf/merchants"
	"achteraf/platform"
	"achteraf/providers/mailbox"
	"achteraf/web/older"
	webshop "achteraf/web/shop"
)

type demoCmd struct {
	database
	Listen string `help:"Address to listen on." default:"${listen}" env:"ACHTERAF_LISTEN"`
	JSON   bool   `help:"Print one line of JSON with all addresses and keys."`
	Empty  bool   `help:"Begin a new demonstration without a past: no orders but yours."`
}

// demoLine is what demo --json prints. Outside programs rely on its keys.
type demoLine struct {
	URL         string `json:"url"`
	ShopURL     string `json:"shop_url"`
	APIKey      string `json:"api_key"`
	MerchantID  string `json:"merchant_id"`
	BuyerEmail  string `json:"buyer_email"`
	MailboxURL  string `json:"mailbox_url"`
	ClockURL    string `json:"clock_url"`
	IBAN        string `json:"iban"`
	DatabaseURL string `json:"database_url"`

	OlderWire olderLine `json:"older_wire"`
}

// olderLine is an account of the older wire, in test mode, with workflows 1 and 2.
type olderLine struct {
	Username string `json:"username"`
	ID       string `json:"id"`
}

// Run serves the demonstration until it is interrupted.
func (c *demoCmd) Run(ctx context.Context) error {
	url, cleanup, err := c.place()
	if err != nil {
		return err
	}
	defer cleanup()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	d, err := c.ready(ctx, url, "http://"+listener.Addr().String())
	if err != nil {
		return err
	}
	defer d.Close()
	box := &mailbox.Box{}
	mailer, mailServer, err := demoMail(box)
	if err != nil {
		return err
	}
	defer mailServer.Close()
	mailed := func(c *platform.Config) { c.Mailer, c.MailDomain = mailer, mailer.Domain() }
	p, mux, more, err := c.build(d, listener.Addr(), box, mailed)
	if err != nil {
		return err
	}
	line, shopKey, err := c.prepare(ctx, p, "http://"+listener.Addr().String())
	if err != nil {
		return err
	}
	if err := p.DemoShop(mux, webshop.Config{BaseURL: line.URL, Key: shopKey, HTTP: outbound.New(ourselves(listener.Addr())...), Who: clayIdentity(),
		Secret: []byte(demoVaultKeys), Random: chance(), Log: p.Log()}); err != nil {
		return err
	}
	line.DatabaseURL = url
	return serveUntil(ctx, listener, p.Before(mux), p, func() { c.print(line) }, more)
}

// build makes the platform that is served at an address, its routes, and what else its runner drives.
func (c *demoCmd) build(d *db.DB, at net.Addr, box *mailbox.Box, mailed func(*platform.Config)) (*platform.Platform, *http.ServeMux, func(*jobs.Runner), error) {
	base := "http://" + at.String()
	provider, button, err := demoPSP(d, at, base+"/demo/psp")
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := demoPlatform(d, logger(os.Stderr, false), func(c *platform.Config) {
		c.PSP, c.PublicURL, c.Outbound = button, base, outbound.New(thisMachine()...)
		mailed(c)
	})
	if err != nil {
		return nil, nil, nil, err
	}
	mux := http.NewServeMux()
	if err := p.DemoRoutes(mux, box); err != nil {
		return nil, nil, nil, err
	}
	mux.Handle("/demo/psp/", http.StripPrefix("/demo/psp", provider))
	mux.Handle("/", p.Handler())
	return p, mux, func(r *jobs.Runner) { r.Add("simulated payment provider", provider.Deliver) }, nil
}

// place is the named database, or one in a temporary folder that goes with the demo.
func (c *demoCmd) place() (url string, cleanup func(), err error) {
	url, err = c.url()
	if err != nil || url != "" {
		return url, func() {}, err
	}
	dir, err := os.MkdirTemp("", "achteraf-demo-")
	if err != nil {
		return "", nil, err
	}
	return "sqlite:" + filepath.Join(dir, "achteraf.db"), func() { os.RemoveAll(dir) }, nil
}

// ready opens the demo's database. A new one becomes a demo's and gets a past, unless none is wanted; one that is in
// real use is refused.
func (c *demoCmd) ready(ctx context.Context, url, base string) (*db.DB, error) {
	d, err := migrated(ctx, url, db.Options{})
	if err != nil {
		return nil, err
	}
	kind, err := platform.Kind(ctx, d)
	switch {
	case err != nil:
	case kind == platform.LiveKind:
		err = errors.New("this database is in real use; the demo never touches one")
	case kind == platform.NoKind && c.Empty:
		err = markDemo(ctx, d)
	case kind == platform.NoKind: // time never goes back in an open database, so the past needs it closed
		if err = d.Close(); err == nil {
			err = makePast(ctx, url, base)
		}
		if err != nil {
			return nil, err
		}
		return openDB(ctx, url, db.Options{})
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// markDemo makes a new database a demo's.
func markDemo(ctx context.Context, d *db.DB) error {
	if err := platform.Mark(ctx, d, platform.DemoKind); err != nil {
		return err
	}
	return d.LetClockMove(ctx)
}

// prepare makes sure that the demo's shops exist, and gives a new key to that of the API and to the web shop.
func (c *demoCmd) prepare(ctx context.Context, p *platform.Platform, base string) (line demoLine, shopKey string, err error) {
	var shops map[string]string
	var key string
	var wire olderLine
	err = p.DB.Write(ctx, func(tx *db.Tx) error {
		if shops, err = ensureShops(ctx, tx); err != nil {
			return err
		}
		if key, _, err = p.Access.MakeKey(ctx, tx, access.NewKey{Merchant: shops[apiShop], Mode: access.Live, Scopes: access.AllScopes()}); err != nil {
			return err
		}
		if shopKey, _, err = p.Access.MakeKey(ctx, tx, access.NewKey{Merchant: shops[webShop], Mode: access.Live, Scopes: access.AllScopes()}); err != nil {
			return err
		}
		wire, err = openDemoWire(ctx, tx, p, shops[apiShop])
		return err
	})
	return demoLine{URL: base, ShopURL: base + webshop.Path, APIKey: key, MerchantID: shops[apiShop], BuyerEmail: "sanne@example.org",
		MailboxURL: base + "/demo/mailbox", ClockURL: base + "/demo/clock", IBAN: p.Operator.ClientIBAN, OlderWire: wire}, shopKey, err
}

// openDemoWire opens the older wire for the demo's first shop.
func openDemoWire(ctx context.Context, tx *db.Tx, p *platform.Platform, merchant string) (olderLine, error) {
	for number := range int64(2) {
		if err := ensureWorkflow(ctx, tx, merchant, demoWorkflow(number+1)); err != nil {
			return olderLine{}, err
		}
	}
	const username = "demoshop"
	id, err := p.Accounts.Open(ctx, tx, merchant, username, older.Settings{Prefix: "1AB", TestMode: true})
	return olderLine{username, id}, err
}

// ensureWorkflow adds a workflow to a shop unless it is there already.
func ensureWorkflow(ctx context.Context, tx *db.Tx, merchant string, c merchants.Contract) error {
	zone, err := calendar.ZoneOf("NL")
	if err != nil {
		return err
	}
	on := zone.DateOf(tx.Now)
	key := merchants.TermsKey{Merchant: merchant, Workflow: c.Workflow}
	found, err := merchants.InForce(ctx, tx, []merchants.TermsKey{key}, on)
	if _, there := found[key]; err != nil || there {
		return err
	}
	_, err = merchants.AddContract(ctx, tx, merchant, on, c)
	return err
}

// ensureShops makes sure that the demo's shops exist, and returns their ids by slug.
func ensureShops(ctx context.Context, tx *db.Tx) (map[string]string, error) {
	ids := map[string]string{}
	for _, one := range demoShops() {
		m, err := ensureShop(ctx, tx, one)
		if err != nil {
			return nil, err
		}
		ids[one.Slug] = m.ID
	}
	return ids, nil
}

// ensureShop adds and activates a shop unless it is there already.
func ensureShop(ctx context.Context, tx *db.Tx, shop merchants.New) (merchants.Merchant, error) {
	m, err := merchants.BySlug(ctx, tx, shop.Slug)
	if !isMissing(err) {
		return m, err
	}
	if m, err = merchants.Add(ctx, tx, shop); err != nil {
		return m, err
	}
	return m, merchants.Activate(ctx, tx, m.ID)
}

func (c *demoCmd) print(l demoLine) {
	if c.JSON {
		json.NewEncoder(os.Stdout).Encode(l)
		return
	}
	fmt.Printf(`Achteraf, a demonstration. Everything in it is invented.

  Start here     %s
  Web shop       %s
  My bills       %s/my   (sign in as %s)
  API            %s/v1/orders   (reference: %s/v1/docs)
  API key        %s
  Shop of it     %s
  Clock          curl -X POST %s -d '{"advance":"72h"}'
  Mailbox        %s
  Client money   %s
  Older wire     user %s, id %s
  Database       %s

  Check the books:   achteraf verify --database-url %s
  Read a bank file:  achteraf import --database-url %s FILE

Stop with Ctrl-C.
`, l.URL, l.ShopURL, l.URL, l.BuyerEmail, l.URL, l.URL, l.APIKey, l.MerchantID, l.ClockURL, l.MailboxURL, l.IBAN, l.OlderWire.Username, l.OlderWire.ID, l.DatabaseURL, l.DatabaseURL, l.DatabaseURL)
}

// serveUntil serves and drives p until ctx ends, then lets running requests finish.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler, p *platform.Platform, ready func(), more ...func(*jobs.Runner)) error {
	stop := beside(ctx, p, append(more, p.Attach)...)
	defer stop()
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	ready()
	var err error
	select {
	case <-ctx.Done():
		late, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		err = server.Shutdown(late)
	case err = <-failed:
	}
	stop()
	late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, p.Scanner.Close(late)) // another node need not wait for our leases
}

// beside runs what attach adds to a runner until the function that it returns is called.
func beside(ctx context.Context, p *platform.Platform, attach ...func(*jobs.Runner)) (stop func()) {
	runner := jobs.NewRunner(p.Log())
	for _, add := range attach {
		add(runner)
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); runner.Run(running) }()
	return sync.OnceFunc(func() { cancel(); <-ended })
}
