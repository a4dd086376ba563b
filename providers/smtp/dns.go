package smtp

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Lookup reads the TXT records of a name, as net.Resolver does.
type Lookup func(ctx context.Context, name string) ([]string, error)

// Finding is one thing that receivers look at in the DNS, and what is wrong with it.
type Finding struct {
	What string
	Err  error
}

// CheckDNS says whether receivers can tell this operator's mail from a forgery: SPF (RFC 7208), the public half of each
// DKIM key (RFC 6376 section 3.6.1, RFC 8463), and DMARC (RFC 7489).
func (c *Client) CheckDNS(ctx context.Context, look Lookup) []Finding {
	all := []Finding{{"SPF of " + c.c.Domain, checkSPF(ctx, look, c.c.Domain)}}
	for _, k := range c.c.Keys {
		name := k.Selector + "._domainkey." + c.c.Domain
		all = append(all, Finding{"DKIM key " + name, checkKey(ctx, look, name, k)})
	}
	return append(all, Finding{"DMARC of " + c.c.Domain, checkDMARC(ctx, look, "_dmarc."+c.c.Domain)})
}

// single reads the one record of a name that begins as it must.
func single(ctx context.Context, look Lookup, name, begin string) (string, error) {
	records, err := look(ctx, name)
	if err != nil {
		return "", fmt.Errorf("no answer for %s: %w", name, err)
	}
	found := ""
	for _, r := range records {
		if strings.HasPrefix(r, begin) {
			if found != "" {
				return "", fmt.Errorf("%s has more than one record %s", name, begin)
			}
			found = r
		}
	}
	if found == "" {
		return "", fmt.Errorf("%s has no record %s", name, begin)
	}
	return found, nil
}

func checkSPF(ctx context.Context, look Lookup, domain string) error {
	record, err := single(ctx, look, domain, "v=spf1")
	if err != nil {
		return err
	}
	if !strings.HasSuffix(record, "-all") && !strings.Contains(record, "redirect=") {
		return errors.New("the record must end with -all, so that other servers are refused")
	}
	return nil
}

func checkKey(ctx context.Context, look Lookup, name string, k Key) error {
	records, err := look(ctx, name)
	if err != nil {
		return fmt.Errorf("no answer for %s: %w", name, err)
	}
	want, err := published(k)
	if err != nil {
		return err
	}
	if len(records) != 1 {
		return fmt.Errorf("%s has %d records, not one; publish: %s", name, len(records), want)
	}
	for _, tag := range []string{"k", "p"} {
		if value(records[0], tag) != value(want, tag) {
			return fmt.Errorf("another key stands there; publish: %s", want)
		}
	}
	return nil
}

// published is the record that must stand in the DNS for a key.
func published(k Key) (string, error) {
	if short, ok := k.Signer.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(short), nil
	}
	der, err := x509.MarshalPKIXPublicKey(k.Signer.Public())
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), err
}

// value reads a tag of a record such as "v=DKIM1; k=rsa; p=…". A key's kind is RSA unless it is said.
func value(record, tag string) string {
	for part := range strings.SplitSeq(record, ";") {
		if name, v, ok := strings.Cut(part, "="); ok && strings.TrimSpace(name) == tag {
			return strings.Join(strings.Fields(v), "")
		}
	}
	if tag == "k" {
		return "rsa"
	}
	return ""
}

func checkDMARC(ctx context.Context, look Lookup, name string) error {
	record, err := single(ctx, look, name, "v=DMARC1")
	if err != nil {
		return err
	}
	if p := value(record, "p"); p != "reject" && p != "quarantine" {
		return errors.New("the policy must be reject, or quarantine: with any other, forged mail is delivered")
	}
	return nil
}
