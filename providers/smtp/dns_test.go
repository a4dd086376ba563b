package smtp_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"

	"achteraf/providers/mailbox"
)

// TestDomainIsChecked_S_SEC_01 looks the domain up as receivers do, and finds what would let forged mail through.
func TestDomainIsChecked_S_SEC_01(t *testing.T) {
	c := client(t, server(t, &mailbox.Box{}))
	long, short := keys()
	der, err := x509.MarshalPKIXPublicKey(long.Public())
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := base64.StdEncoding.EncodeToString(der)
	edKey := base64.StdEncoding.EncodeToString(short.Public().(ed25519.PublicKey))
	good := map[string][]string{
		"mail.example":               {"another=record", "v=spf1 ip4:192.0.2.1 -all"},
		"r1._domainkey.mail.example": {"v=DKIM1; p=" + rsaKey[:100] + " " + rsaKey[100:]},
		"e1._domainkey.mail.example": {"v=DKIM1; k=ed25519; p=" + edKey},
		"_dmarc.mail.example":        {"v=DMARC1; p=reject; adkim=s; aspf=s"},
	}
	for _, c2 := range []struct {
		name, at string
		records  []string
		want     string
	}{
		{"all is well", "", nil, ""},
		{"no SPF", "mail.example", []string{"x"}, "no record v=spf1"},
		{"SPF twice", "mail.example", []string{"v=spf1 -all", "v=spf1 a -all"}, "more than one"},
		{"SPF for everybody", "mail.example", []string{"v=spf1 +all"}, "-all"},
		{"no RSA key", "r1._domainkey.mail.example", nil, "no answer"},
		{"another RSA key", "r1._domainkey.mail.example", []string{"v=DKIM1; p=" + rsaKey[8:]}, "publish: v=DKIM1; k=rsa; p=" + rsaKey},
		{"the right key as another kind", "e1._domainkey.mail.example", []string{"v=DKIM1; p=" + edKey}, "publish: v=DKIM1; k=ed25519"},
		{"two keys", "e1._domainkey.mail.example", []string{"v=DKIM1; k=ed25519; p=" + edKey, "v=DKIM1; p=x"}, "2 records"},
		{"no DMARC", "_dmarc.mail.example", []string{}, "no record v=DMARC1"},
		{"DMARC that only watches", "_dmarc.mail.example", []string{"v=DMARC1; p=none"}, "reject"},
	} {
		zone := maps.Clone(good)
		if c2.at != "" {
			zone[c2.at] = c2.records
		}
		var wrong []string
		findings := c.CheckDNS(t.Context(), func(_ context.Context, name string) ([]string, error) {
			if zone[name] == nil {
				return nil, errors.New("no such name")
			}
			return zone[name], nil
		})
		for _, f := range findings {
			if f.Err != nil {
				wrong = append(wrong, f.Err.Error())
			}
		}
		if len(findings) != 4 || (c2.want == "") != (len(wrong) == 0) || c2.want != "" && (len(wrong) != 1 || !strings.Contains(wrong[0], c2.want)) {
			t.Errorf("%s: %q", c2.name, wrong)
		}
	}
}
