package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/outbound"
	"achteraf/payments"
	"achteraf/platform"
	"achteraf/providers/camt"
	"achteraf/providers/mailbox"
)

// TestPSPSettings: what serve takes for a payment provider, and that none of it leads inside.
func TestPSPSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const right = "[psp]\nprovider = \"mollie\"\nkey_file = \"KEY\"\ntoken_file = \"TOKEN\"\n"
	key, token := file("key", "live_abcdefghij\n"), file("token", "access_abc\n")
	for _, c := range []struct{ name, old, new, want string }{
		{"right", "", "", ""},
		{"without settlements", `token_file = "TOKEN"`, "", ""},
		{"another address of the provider", "provider =", "base_url = \"https://api.mollie.example/v2\"\nprovider =", ""},
		{"another provider", `"mollie"`, `"other"`, "provider"},
		{"no key", `key_file = "KEY"`, "", "key"},
		{"a key that is not there", "KEY", "KEY.gone", "key"},
		{"the demo's key", "KEY", file("demo", demoPSPKey), "demo"},
		{"another sort of key", "KEY", file("sort", "sk_live_x"), "key"},
		{"another sort of token", "TOKEN", file("sort2", "live_x"), "token"},
		{"an open provider", "provider =", "base_url = \"http://api.mollie.com/v2\"\nprovider =", "base_url"},
		{"no TOML", "[psp]", "[psp", "toml"},
	} {
		text := strings.NewReplacer("KEY", key, "TOKEN", token).Replace(strings.Replace(right, c.old, c.new, 1))
		client, err := readPSP(file("achteraf.toml", text))
		if c.want == "" && (err != nil || client == nil) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, %v", c.name, client, err)
		}
	}
	for _, none := range []string{"", file("none.toml", "[operator]\nname = \"x\"\n")} {
		if client, err := readPSP(none); client != nil || err != nil {
			t.Errorf("without the table: %v, %v", client, err)
		}
	}
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	text := strings.NewReplacer("KEY", key, "TOKEN", token).Replace("[psp]\nprovider = \"mollie\"\nkey_file = \"KEY\"\nbase_url = \"https://" + inside.Addr().String() + "\"\n")
	client, err := readPSP(file("inside.toml", text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Payment(t.Context(), "tr_1"); err == nil || !strings.Contains(err.Error(), outbound.ErrAddress.Error()) {
		t.Errorf("serve was led to this machine: %v", err)
	}
}

// TestDemoBankButton: in a demonstration the real client pays at the simulated provider of the demonstration itself.
func TestDemoBankButton(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	d, err := migrated(ctx, "sqlite:"+filepath.Join(t.TempDir(), "demo.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := markDemo(ctx, d); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &demoCmd{}
	p, mux, more, err := c.build(d, listener.Addr(), &mailbox.Box{}, func(*platform.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	line, _, err := c.prepare(ctx, p, base)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serveUntil(ctx, listener, mux, p, func() {}, more) }()
	merchant, invoice := demoOrder(t, line)
	pressed, err := p.Buttons.Begin(ctx, payments.Ask{Merchant: merchant, Invoice: invoice, Cents: 5040, Return: base + "/healthz"})
	if err != nil || !strings.HasPrefix(pressed.CheckoutURL, base+"/demo/psp/checkout/") {
		t.Fatalf("%+v, %v", pressed, err)
	}
	page, err := http.Get(pressed.CheckoutURL)
	if err != nil || page.StatusCode != 200 {
		t.Fatalf("the bank's page: %v, %v", page, err)
	}
	page.Body.Close()
	back, err := http.PostForm(pressed.CheckoutURL, url.Values{"choice": {"molen"}})
	if err != nil || back.StatusCode != 200 || back.Request.URL.Path != "/healthz" {
		t.Fatalf("the way back: %v, %v", back, err)
	}
	back.Body.Close()
	err = waitUntil(ctx, "the payment is booked by its webhook", func() (bool, error) {
		now, err := p.Buttons.One(ctx, merchant, pressed.ID)
		return now.State == payments.Paid, err
	})
	if err != nil {
		t.Error(err)
	}
	demoSettlement(t, p, base)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// demoSettlement has the provider pay out, imports what the bank says of it, and moves the clock by two days.
func demoSettlement(t *testing.T, p *platform.Platform, base string) {
	t.Helper()
	answer, err := http.Post(base+"/demo/psp/settle", "", nil)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%v, %v", answer, err)
	}
	defer answer.Body.Close()
	file, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	report, err := p.Importer.File(t.Context(), bytes.NewReader(file), camt.Format(1<<20))
	if err != nil || report.UnallocatedCents != 5040-demoPSPFee {
		t.Fatalf("%+v, %v", report, err)
	}
	moved, err := http.Post(base+"/demo/clock", "application/json", strings.NewReader(`{"advance":"48h"}`))
	if err != nil || moved.StatusCode != 200 {
		t.Fatalf("%v, %v", moved, err)
	}
	moved.Body.Close()
	var left int64
	err = p.DB.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `select cast(sum(left_cents) + (select sum(cents) from postings where code = 'psp') as bigint) from bank_lines`, nil, &left)
	})
	if err != nil || left != 0 {
		t.Errorf("%d cents are not settled: %v", left, err)
	}
}

// demoOrder places the order of the reference and returns its shop and invoice.
func demoOrder(t *testing.T, line demoLine) (merchant, invoice string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", line.URL+"/v1/orders", strings.NewReader(`{"reference":"1001","currency":"EUR","prices":"incl_vat","total_cents":5040,
"lines":[{"reference":"SKU-1","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
"buyer":{"kind":"consumer","email":"sanne@example.org","language":"nl","phone":"+31612345678","ip":"203.0.113.7","name":{"first":"Sanne","last":"de Vries"},"birth_date":"1990-05-01",
"address":{"street":"Dorpsstraat","house_number":"1","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+line.APIKey)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "1")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var order struct{ Invoices []struct{ ID string } }
	if json.Unmarshal(text, &order) != nil || len(order.Invoices) != 1 {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	return line.MerchantID, order.Invoices[0].ID
}

func TestOurselves(t *testing.T) {
	lan := ourselves(&net.TCPAddr{IP: net.ParseIP("192.168.7.9"), Port: 80})
	for address, want := range map[string]bool{"127.0.0.1": true, "::1": true, "192.168.7.9": true, "192.168.7.8": false, "10.0.0.1": false, "169.254.169.254": false} {
		if got := slices.ContainsFunc(lan, func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(address)) }); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
