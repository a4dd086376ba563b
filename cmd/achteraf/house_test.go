package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/providers/camt"
)

// house is an installation for real use: a database, secrets, an operator and two shops. The first shop's orders
// are started by the clock, the second's by its own call; both are invoiced on the day itself, so that the
// platform issues invoices while orders come in.
type house struct {
	engine string
	dir    string
	env    []string
	url    string // of the database
	shops  []shop
}

type shop struct{ id, key string }

const houseConfig = `
vault_keys_file = "secrets/vault.keys"
log_key_file = "secrets/log.key"

[operator]
name = "Betaalhuis"
legal_name = "Betaalhuis Voorbeeld B.V."
street = "Voorbeeldkade"
house_number = "10"
postcode = "1234 AB"
city = "Voorbeeld"
country = "NL"
registration_number = "90000001"
vat_id = "NL123456789B13"
vat_percent = "21"
email = "service@betaalhuis.example"
phone = "+31201234567"
website = "https://betaalhuis.example"
client_iban = "NL20ACHT0000000001"
own_iban = "NL90ACHT0000000002"
bic = "ACHTNL2A"
account_name = "Stichting Derdengelden Betaalhuis"

[mail]
off = true
`

const houseShop = `
slug = "winkel-%[1]d"
name = "Winkel %[1]d"
legal_name = "Voorbeeld Winkel %[1]d B.V."
country = "NL"
street = "Marktplein"
house_number = "%[1]d"
postcode = "1234 AB"
city = "Voorbeeld"
registration_number = "9000000%[1]d"
vat_id = "NL000099998B57"
iban = "NL41ACHT0000000011"
language = "nl"
invoice_prefix = "W%[1]d"

[[contact]]
kind = "phone"
value = "+31201234567"

[[contact]]
kind = "email"
value = "service@winkel.example"

[contract]
model = "collected"
start_by = "%[2]s"
send_after_days = 0

[terms]
version = "2026-01"
url = "https://winkel.example/voorwaarden"
text = ""
`

func newHouse(t *testing.T, engine string) *house {
	t.Helper()
	h := &house{engine: engine, dir: t.TempDir()}
	h.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "TMPDIR=" + h.dir}
	h.url = emptyDatabase(t, engine, h.dir)
	h.run(t, "admin", "secrets", "--origin", "achteraf/betaalhuis.example/log", "secrets")
	h.run(t, "migrate", "--database-url", h.url)
	h.file(t, "achteraf.toml", []byte(houseConfig))
	for i, by := range []string{"clock", "call"} {
		name := h.file(t, fmt.Sprintf("shop-%d.toml", i+1), fmt.Appendf(nil, houseShop, i+1, by))
		var s shop
		s.id = strings.TrimSpace(h.run(t, "admin", "merchant", "add", "--database-url", h.url, name))
		s.key = strings.TrimSpace(h.run(t, append([]string{"admin", "key", "add", s.id}, h.flags()...)...))
		h.shops = append(h.shops, s)
	}
	return h
}

// flags name the configuration and the database.
func (h *house) flags() []string {
	return []string{"--config", "achteraf.toml", "--database-url", h.url}
}

func (h *house) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := runCommand(h.env, h.dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (h *house) file(t *testing.T, name string, text []byte) string {
	t.Helper()
	name = filepath.Join(h.dir, name)
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func (h *house) serve(t *testing.T) (*process, string) {
	t.Helper()
	p, address, err := startServe(h.env, h.dir, h.flags()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p, address
}

func (h *house) verify(t *testing.T) {
	t.Helper()
	if out := h.run(t, "verify", "--database-url", h.url); !strings.Contains(out, "Everything agrees") {
		t.Fatalf("verify: %s", out)
	}
}

// teller of the bank: it writes files and knows what is in them.
type housebank struct {
	files   int
	lines   int64
	balance int64
	paid    map[string]int64 // by payment reference
}

// bankFile writes a statement with a line of some cents for each reference.
func (h *house) bankFile(t *testing.T, b *housebank, references []string) string {
	t.Helper()
	b.files++
	today := calendar.NewDate(2026, time.November, 23)
	s := camt.Statement{MessageID: fmt.Sprint("M", b.files), ID: fmt.Sprint("S", b.files), Sequence: int64(b.files),
		Created: wall(), From: today, To: today, Page: 1, Last: true, IBAN: "NL20ACHT0000000001", Currency: "EUR",
		Opening: camt.Balance{Known: true, Cents: b.balance, On: today}}
	lines := make([]camt.Line, len(references))
	for i, r := range references {
		b.lines++
		lines[i] = camt.Line{Ref: fmt.Sprintf("B%09d", b.lines), Entry: i + 1, BookedOn: today, ValueOn: today, Cents: 1 + b.lines%7, Currency: "EUR",
			Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", PartyName: "Koper", PartyIBAN: "NL20INGB0001234567", StructuredRef: r, StructuredIssuer: "ISO"}
		b.balance += lines[i].Cents
		b.paid[r] += lines[i].Cents
	}
	s.Closing = camt.Balance{Known: true, Cents: b.balance, On: today}
	var out bytes.Buffer
	if err := camt.Write(&out, camt.V08, s, slices.Values(lines)); err != nil {
		t.Fatal(err)
	}
	return h.file(t, fmt.Sprintf("bank-%d.xml", b.files), out.Bytes())
}

// checkBank holds the books against what the bank has sent: each line once, all of it with its order.
func (h *house) checkBank(t *testing.T, b *housebank, reference map[string]string) {
	t.Helper()
	for _, c := range []struct {
		statement string
		want      int64
	}{
		{"select count(*) from bank_lines", b.lines},
		{"select cast(coalesce(sum(cents), 0) as bigint) from bank_lines", b.balance},
		{"select cast(coalesce(sum(left_cents), 0) as bigint) from bank_lines", 0},
	} {
		got, err := number(t.Context(), h.url, c.statement)
		if err != nil || got != c.want {
			t.Fatalf("%s: %d %v, the bank says %d", c.statement, got, err, c.want)
		}
	}
	rows, err := query(t.Context(), h.url, "select order_id, cast(sum(cents) as bigint) from allocations group by order_id")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(b.paid) {
		t.Fatalf("%d orders have money, the bank paid for %d", len(rows), len(b.paid))
	}
	for _, r := range rows {
		if id := r[0].(string); r[1] != b.paid[reference[id]] {
			t.Fatalf("order %s has %d cents, the bank sent %d", id, r[1], b.paid[reference[id]])
		}
	}
}

// seconds is how long the tests of one kind may take in all, from ACHTERAF_TEST_SECONDS; 0 when that is not set.
func seconds(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("ACHTERAF_TEST_SECONDS")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal("ACHTERAF_TEST_SECONDS is not a number")
	}
	return time.Duration(n) * time.Second
}

// waitUntil asks f again and again until it is true.
func waitUntil(ctx context.Context, what string, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := f()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not after %v", what, patience)
		case <-time.After(2 * time.Millisecond):
		}
	}
}
