package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/outbound"
	"achteraf/payments"
	"achteraf/providers/mollie"
	"achteraf/providers/pspsim"

	"github.com/BurntSushi/toml"
)

// pspSettings is the [psp] table of the configuration file. Without it there is no bank button.
type pspSettings struct {
	Provider  string `toml:"provider"`
	KeyFile   string `toml:"key_file"`
	TokenFile string `toml:"token_file"`
	BaseURL   string `toml:"base_url"`
}

// readPSP reads the [psp] table and makes its client. It is nil where the table is missing. No setting lets it call
// an address that is not public.
func readPSP(path string) (client payments.PSP, err error) {
	var file tables
	if path == "" {
		return nil, nil
	}
	if _, err := toml.DecodeFile(path, &file); err != nil || file.PSP == nil {
		return nil, err
	}
	client, err = file.PSP.client(outbound.New())
	if err != nil {
		return nil, fmt.Errorf("psp: %w", err)
	}
	return client, nil
}

func (s *pspSettings) client(by *http.Client) (payments.PSP, error) {
	if s.Provider != "mollie" {
		return nil, errors.New(`provider: only "mollie" is known`)
	}
	key, err := secret("ACHTERAF_PSP_KEY", s.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	token, err := secret("ACHTERAF_PSP_TOKEN", s.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	base := or(s.BaseURL, mollie.Base)
	switch {
	case key == "":
		return nil, errors.New("key: give key_file or ACHTERAF_PSP_KEY")
	case key == demoPSPKey:
		return nil, errors.New("key: this is the demo's, which everybody knows")
	case !strings.HasPrefix(key, "live_") && !strings.HasPrefix(key, "test_"):
		return nil, errors.New("key: a key of Mollie begins with live_ or test_")
	case token != "" && !strings.HasPrefix(token, "access_"):
		return nil, errors.New("token: an access token of Mollie begins with access_")
	case !secure(base):
		return nil, errors.New("base_url: an address that begins with https:// and has no slash at its end")
	}
	return mollie.New(base, key, token, by), nil
}

// checkPSP asks the provider for a payment that there is not: that it knows none says that it answers and takes our key.
// No error repeats the key.
func checkPSP(ctx context.Context, p payments.PSP) error {
	ctx, cancel := context.WithTimeout(ctx, payments.CallTime)
	defer cancel()
	if _, err := p.Payment(ctx, "tr_doctor"); !fault.Is(err, "psp-payment-unknown") {
		return err
	}
	_, err := p.Settlements(ctx)
	return err
}

// secure says whether an address is one over TLS to which a path can be added.
func secure(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" && !strings.HasSuffix(address, "/")
}

// The keys of every demo's simulated payment provider.
const (
	demoPSPKey   = "test_demoBankButtonOfAchteraf"
	demoPSPToken = "access_demoBankButtonOfAchteraf"
	demoPSPFee   = 29 // cents
)

// demoPSP simulates a payment provider at base, an address of the demo itself, and makes the real client for it.
func demoPSP(d *db.DB, at net.Addr, base string) (*pspsim.Simulator, payments.PSP, error) {
	by := outbound.New(ourselves(at)...)
	sim, err := pspsim.New(pspsim.Config{Public: base, Key: demoPSPKey, Token: demoPSPToken, IBAN: demoOperator().ClientIBAN, Fee: demoPSPFee, Now: businessClock(d), Random: chance(), HTTP: by})
	if err != nil {
		return nil, nil, err
	}
	return sim, mollie.New(base+"/v2", demoPSPKey, demoPSPToken, by), nil
}

// thisMachine are the addresses at which a demonstration's shop hears its webhooks.
func thisMachine() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// ourselves are the addresses at which a listener can be reached from this machine.
func ourselves(at net.Addr) []netip.Prefix {
	all := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("::/128")}
	if here, err := netip.ParseAddrPort(at.String()); err == nil {
		a := here.Addr().Unmap().WithZone("")
		all = append(all, netip.PrefixFrom(a, a.BitLen()))
	}
	return all
}

// businessClock reads the business time of a database, which in a demo anybody may move.
func businessClock(d *db.DB) func() calendar.Instant {
	return func() (now calendar.Instant) {
		if d.Read(context.Background(), func(tx *db.Tx) error { now = tx.Now; return nil }) != nil {
			return wall()
		}
		return now
	}
}
