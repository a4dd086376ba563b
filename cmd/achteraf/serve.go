package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strings"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/outbound"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/platform"
	"achteraf/web/page"

	"github.com/BurntSushi/toml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// secrets says where the platform's keys are, and where people reach it. The keys' values come from files or the
// environment only.
type secrets struct {
	VaultKeysFile string `help:"File with the master keys (or ACHTERAF_VAULT_KEYS)." type:"path" env:"ACHTERAF_VAULT_KEYS_FILE" placeholder:"FILE"`
	PublicURL     string `help:"Address at which people reach this platform: without it there are no pay links." env:"ACHTERAF_PUBLIC_URL" placeholder:"https://…"`
	LogKeyFile    string `help:"File with the log's key (or ACHTERAF_LOG_KEY)." type:"path" env:"ACHTERAF_LOG_KEY_FILE" placeholder:"FILE"`
}

// platform builds the platform of a database: the demo's own for a demo, the configured one otherwise.
func (s *secrets) platform(ctx context.Context, d *db.DB, config string) (*platform.Platform, error) {
	kind, err := platform.Kind(ctx, d)
	if err != nil {
		return nil, err
	}
	if kind == platform.DemoKind {
		return demoPlatform(d, logger(os.Stderr, false), func(c *platform.Config) { c.PublicURL = s.PublicURL })
	}
	return s.live(ctx, d, config, false)
}

// live builds a platform for real use, and says everything that is missing at once. Only a server mails: what a
// command causes to be mailed waits for it.
func (s *secrets) live(ctx context.Context, d *db.DB, config string, mails bool) (*platform.Platform, error) {
	var missing []string
	v, err := s.vault()
	if err != nil {
		missing = append(missing, err.Error())
	}
	key, err := s.logKey()
	if err != nil {
		missing = append(missing, err.Error())
	}
	operator, err := readOperator(config)
	if err != nil {
		missing = append(missing, err.Error())
	} else {
		for _, f := range operator.Check() {
			missing = append(missing, f.Pointer+": "+f.Detail)
		}
	}
	brand, err := readBrand(config)
	if err != nil {
		missing = append(missing, err.Error())
	}
	c := platform.Config{DB: d, Vault: v, LogKey: key, Operator: operator, Brand: brand, Random: chance(), Log: logger(os.Stderr, true)}
	if mails {
		c.Outbound = outbound.New()
		if err := configureMail(&c, config); err != nil {
			missing = append(missing, strings.Split(err.Error(), "\n")...)
		}
	}
	if c.PSP, err = readPSP(config); err != nil {
		missing = append(missing, err.Error())
	}
	if c.OlderPaths, err = readOlder(config); err != nil {
		missing = append(missing, err.Error())
	}
	if c.PublicURL = s.PublicURL; c.PublicURL != "" && !secure(c.PublicURL) {
		missing = append(missing, "public_url: an address that begins with https:// and has no slash at its end")
	}
	if len(missing) > 0 {
		return nil, errors.New("not ready for real use:\n  " + strings.Join(missing, "\n  "))
	}
	p, err := platform.New(c)
	if err != nil {
		return nil, err
	}
	return p, platform.KeepPublicKey(ctx, d, key.Public)
}

func (s *secrets) vault() (*vault.Vault, error) {
	text, err := secret("ACHTERAF_VAULT_KEYS", s.VaultKeysFile)
	switch {
	case err != nil:
		return nil, fmt.Errorf("vault keys: %w", err)
	case text == "":
		return nil, errors.New("vault keys: give --vault-keys-file or ACHTERAF_VAULT_KEYS (make them with: achteraf admin secrets)")
	case strings.Contains(text, strings.Fields(demoVaultKeys)[1]):
		return nil, errors.New("vault keys: these are the demo's, which everybody knows")
	}
	return vault.Parse([]byte(text))
}

func (s *secrets) logKey() (*ledger.Key, error) {
	text, err := secret("ACHTERAF_LOG_KEY", s.LogKeyFile)
	switch {
	case err != nil:
		return nil, fmt.Errorf("log key: %w", err)
	case text == "":
		return nil, errors.New("log key: give --log-key-file or ACHTERAF_LOG_KEY (make it with: achteraf admin secrets)")
	case text == demoLogKey:
		return nil, errors.New("log key: this is the demo's, which everybody knows")
	}
	return ledger.ReadKey(text)
}

// readOperator reads the [operator] table of the configuration file.
func readOperator(path string) (merchants.Operator, error) {
	var file tables
	if path == "" {
		return file.Operator, errors.New("operator: give --config FILE with an [operator] table (see docs/achteraf.toml)")
	}
	_, err := toml.DecodeFile(path, &file)
	return file.Operator, err
}

// brandSettings is the [brand] table of the configuration file.
type brandSettings struct{ Name, Wordmark, Styles string }

// readBrand reads the [brand] table of the configuration file, if there is one, and the files that it names.
func readBrand(path string) (page.Brand, error) {
	var file tables
	if path == "" {
		return page.Brand{}, nil
	}
	if _, err := toml.DecodeFile(path, &file); err != nil {
		return page.Brand{}, nil // readOperator says what is wrong with the file
	}
	b := page.Brand{Name: file.Brand.Name}
	var err1, err2 error
	if file.Brand.Wordmark != "" {
		b.Wordmark, err1 = os.ReadFile(file.Brand.Wordmark)
	}
	if file.Brand.Styles != "" {
		b.Styles, err2 = os.ReadFile(file.Brand.Styles)
	}
	return b, errors.Join(err1, err2)
}

type serveCmd struct {
	database
	secrets
	pageMemory
	Listen      string `help:"Address to listen on; put a TLS proxy before it." default:"${listen}" env:"ACHTERAF_LISTEN"`
	AdminListen string `help:"Address of metrics and profiles, for the operator only." default:"127.0.0.1:8081" env:"ACHTERAF_ADMIN_LISTEN"`
}

// Run serves until it is interrupted.
func (c *serveCmd) Run(ctx context.Context) error {
	tune()
	memory, err := c.mib()
	if err != nil {
		return err
	}
	d, err := c.open(ctx, db.Options{MemoryMiB: memory})
	if err != nil {
		return err
	}
	defer d.Close()
	kind, err := platform.Kind(ctx, d)
	switch {
	case err != nil:
		return fmt.Errorf("the tables are missing or out of date; run achteraf migrate (%w)", err)
	case kind == platform.DemoKind:
		return errors.New("this database is a demo's: its keys are known to everybody; use a new one")
	}
	p, err := c.live(ctx, d, c.Config, true)
	if err != nil {
		return err
	}
	if err := platform.Mark(ctx, d, platform.LiveKind); err != nil {
		return err
	}
	for _, f := range checkDomain(ctx, p.Mailer) {
		if f.Err != nil {
			p.Log().Warn("receivers may take our mail for forged", "what", f.What, "err", f.Err)
		}
	}
	if err := clockBehind(ctx, d); err != nil {
		p.Log().Error("the machine's clock", "err", err)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	admin, err := net.Listen("tcp", c.AdminListen)
	if err != nil {
		return err
	}
	defer admin.Close()
	go (&http.Server{Handler: adminRoutes(p), ReadHeaderTimeout: 5 * time.Second}).Serve(admin)
	return serveUntil(ctx, listener, p.Handler(), p, func() { p.Log().Info("serving", "address", listener.Addr().String()) })
}

// adminRoutes serves metrics and profiles.
func adminRoutes(p *platform.Platform) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "achteraf_seal_lag_seconds", Help: "How far the seals are behind the books."}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			lag, err := p.Lag(ctx)
			if err != nil {
				return -1
			}
			return lag.Seconds()
		}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	return mux
}

type doctorCmd struct {
	database
	secrets
}

// Run says what is right and what is missing, each on a line.
func (c *doctorCmd) Run(ctx context.Context) error {
	bad := 0
	say := func(what string, err error) {
		if err != nil {
			bad++
			fmt.Printf("✗ %s: %s\n", what, describe(err))
			return
		}
		fmt.Printf("✓ %s\n", what)
	}
	d, err := c.open(ctx, db.Options{})
	say("database answers", err)
	if err != nil {
		return exitError{1, errors.New("something is missing")}
	}
	defer d.Close()
	kind, err := platform.Kind(ctx, d)
	say("tables are there ("+or(kind, "not in use yet")+", "+d.Engine()+")", err)
	if err == nil {
		p, err := c.platform(ctx, d, c.Config)
		say("configuration is complete", err)
		if kind != platform.DemoKind {
			mail := platform.Config{Log: logger(os.Stderr, false)}
			say("mail is configured", configureMail(&mail, c.Config))
			for _, f := range checkDomain(ctx, mail.Mailer) {
				say(f.What, f.Err)
			}
			if psp, err := readPSP(c.Config); err != nil || psp != nil {
				if err == nil {
					err = checkPSP(ctx, psp)
				}
				say("payment provider answers and takes our key", err)
			}
		}
		say(checkWaiting(ctx, d))
		if err == nil {
			fmt.Printf("  public key of the log: %s\n", p.LogKey.Public)
			lag, err := p.Lag(ctx)
			if err == nil && lag > 5*time.Second {
				err = fmt.Errorf("%s behind; is a server running?", lag.Round(time.Second))
			}
			say("seals follow", err)
		}
		say("the machine's clock is not behind", clockBehind(ctx, d))
		failed, err := failedWork(ctx, d, "", mostFailed)
		if err == nil && len(failed) > 0 {
			err = fmt.Errorf("%d pieces of work failed for good; see: achteraf admin failed list", len(failed))
		}
		say("no work has failed for good", err)
	}
	if bad > 0 {
		return exitError{1, fmt.Errorf("%d things are missing", bad)}
	}
	return nil
}

// clockBehind says how far this machine's clock is behind business time, when that is more than clocks differ.
func clockBehind(ctx context.Context, d *db.DB) error {
	by, err := d.Behind(ctx)
	if err == nil && by > time.Minute {
		err = fmt.Errorf("it is %s behind the latest business time of this database, which stands still until then", by.Round(time.Second))
	}
	return err
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
