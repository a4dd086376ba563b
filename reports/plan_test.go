package reports_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/reports"
)

// crowd is a database with many buyers, of whom one has 200 invoices.
type crowd struct {
	d    *db.DB
	desk *buyers.Desk
	shop string
	n    int64
	last string // an order of the one with many
}

const regular = "regular@example.org"

var invoiceRows = db.NewTable("invoices", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "order_id", Type: db.Text},
	db.Col{Name: "status", Type: db.Text}, db.Col{Name: "series", Type: db.Text}, db.Col{Name: "number", Type: db.Text},
	db.Col{Name: "currency", Type: db.Text}, db.Col{Name: "total_cents", Type: db.Bigint}, db.Col{Name: "open_cents", Type: db.Bigint},
	db.Col{Name: "paid_cents", Type: db.Bigint}, db.Col{Name: "credited_cents", Type: db.Bigint}, db.Col{Name: "written_off_cents", Type: db.Bigint},
	db.Col{Name: "held_cents", Type: db.Bigint}, db.Col{Name: "overdue", Type: db.Bool}, db.Col{Name: "send_on", Type: db.Date},
	db.Col{Name: "issued_on", Type: db.Date}, db.Col{Name: "due_on", Type: db.Date}, db.Col{Name: "made_at", Type: db.Instant},
	db.Col{Name: "moved_at", Type: db.Instant})

func newCrowd(t testing.TB, d *db.DB, others, mine int) *crowd {
	t.Helper()
	v, err := vault.Parse([]byte("t1 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="))
	if err != nil {
		t.Fatal(err)
	}
	d.BeforeCommit(ledger.Commit)
	c := &crowd{d: d, desk: buyers.NewDesk(v, dbtest.Chance(8))}
	c.write(t, func(ctx context.Context, tx *db.Tx) error {
		m, err := merchants.Add(ctx, tx, merchants.New{Slug: "shop", Name: "Winkel", LegalName: "Winkel B.V.", Country: "NL", Street: "Plein", HouseNumber: "1",
			Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000002", VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl",
			InvoicePrefix: "S0", Contract: merchants.StandardContract(), Terms: merchants.TermsText{Version: "1"}})
		c.shop = m.ID
		return err
	})
	var list []string
	for i := range others {
		list = append(list, fmt.Sprintf("buyer%d@example.org", i/3))
	}
	for i := range mine { // among the others, as time goes by
		list = slices.Insert(list, (len(list)*i)/mine, regular)
	}
	for part := range slices.Chunk(list, 500) {
		c.write(t, func(ctx context.Context, tx *db.Tx) error { return c.put(ctx, tx, part) })
	}
	for range 3 {
		if err := d.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if d.Engine() == "postgres" {
		c.write(t, func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, "analyze"); return err })
	}
	return c
}

func (c *crowd) write(t testing.TB, f func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := c.d.Write(t.Context(), func(tx *db.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func (c *crowd) put(ctx context.Context, tx *db.Tx, emails []string) error {
	who := make([]*buyers.Buyer, len(emails))
	for i, email := range emails {
		who[i] = &buyers.Buyer{Kind: buyers.Consumer, Email: email, Language: "nl", Name: buyers.Name{First: "Sanne", Last: email},
			BirthDate: calendar.NewDate(1990, 5, 1),
			Address:   buyers.Address{Street: "Dorpsstraat", HouseNumber: "1", Postcode: "1234AB", City: "Voorbeeld", Country: "NL"}}
	}
	known, err := c.desk.Open(ctx, tx, who)
	if err != nil {
		return err
	}
	var list []orders.Order
	var lines [][]orders.Line
	var rows [][]any
	var entries []ledger.Entry
	for i, email := range emails {
		c.n++
		o := orders.Order{ID: tx.ID("ord_"), Merchant: c.shop, Reference: fmt.Sprint(c.n), Attempt: tx.ID("att_"), State: orders.Started,
			BuyerKind: "consumer", Country: "NL", Language: "nl", Currency: "EUR", Prices: orders.InclVAT, TotalCents: 10_00,
			Contract: "con_1", PlacedOn: calendar.NewDate(2026, 11, 20), PlacedAt: tx.Now, MovedAt: tx.Now}
		if o.PaymentReference, err = orders.Reference("NL", 1_000_000_000+c.n*7); err != nil {
			return err
		}
		if o.Person, _, err = known.Keep(i, buyers.Attempt{ID: o.Attempt, Merchant: o.Merchant, Order: o.ID, Cents: 10_00}); err != nil {
			return err
		}
		if email == regular {
			c.last = o.ID
		}
		inv := tx.ID("inv_")
		status, open, paid := invoices.Open, 10_00, 0
		if c.n%4 != 0 {
			status, open, paid = invoices.Paid, 0, 10_00
		}
		rows = append(rows, []any{inv, o.Merchant, o.ID, status, "S0", fmt.Sprintf("S0-2026-%06d", c.n), "EUR", 10_00, open, paid, 0, 0, 0, false,
			o.PlacedOn, o.PlacedOn, o.PlacedOn.AddDays(16), tx.Now, tx.Now})
		list = append(list, o)
		lines = append(lines, []orders.Line{{Reference: "A", Kind: "goods", Description: "Running shoes", Quantity: "1", UnitPriceCents: 10_00, VATPercent: "21", TotalCents: 10_00}})
		entries = append(entries, ledger.Entry{Merchant: o.Merchant, Key: inv + "/issued", Kind: "invoice-issued", Currency: "EUR", Legs: []ledger.Leg{
			{Code: ledger.BuyerPrincipal, Subject: inv, Cents: 10_00}, {Code: ledger.MerchantPending, Cents: -10_00}}})
	}
	if err := known.Flush(ctx); err != nil {
		return err
	}
	if err := orders.Put(ctx, tx, list, lines); err != nil {
		return err
	}
	if err := tx.Put(ctx, invoiceRows, rows); err != nil {
		return err
	}
	return ledger.Post(ctx, tx, entries...)
}

var small = regexp.MustCompile(`(?i)\b(on|scan) (merchants|m|seals|s|bank_lines|holds|credits|c|allocations|keyset)\b`)

// No statement has to read a table from end to end, on either engine. Tables that are small or empty here may be read
// however the engine likes.
func TestNoStatementScans(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			c := newCrowd(t, dbtest.Open(t, engine), 1500, 50)
			var person, invoice string
			err := c.d.Read(t.Context(), func(tx *db.Tx) error {
				people, err := buyers.Owners(t.Context(), tx, c.desk.EmailHandles(regular))
				if err != nil {
					return err
				}
				person = people[0]
				return tx.QueryRow(t.Context(), `select id from invoices where order_id = $1 and merchant_id = $2`, []any{c.last, c.shop}, &invoice)
			})
			if err != nil {
				t.Fatal(err)
			}
			keys := map[string][]string{"items": {person, "hash"}, "item": {person, "hash", c.last}, "order": {c.last, c.shop}, "goods": {c.last, c.shop}, "holds": {invoice, c.shop},
				"keys": {c.last, c.shop}, "entries": {invoice + "/issued", c.shop}, "claim": {c.last, c.shop}, "letters": {c.last, c.shop},
				"by reference": {c.shop, "7"}, "by number": {c.shop, "S0-2026-000007"}}
			for name, sql := range reports.Statements() {
				plan := c.plan(t, sql, keys[name])
				for _, line := range strings.Split(plan, "\n") {
					low := strings.ToLower(line)
					if (strings.Contains(low, "seq scan") || strings.HasPrefix(low, "scan ")) && !small.MatchString(line) {
						t.Errorf("%s scans: %s\n%s", name, line, plan)
					}
				}
			}
			if plan := c.plan(t, reports.Unseens, []string{"100"}); strings.Contains(strings.ToLower(plan), "seq scan on invoices") {
				t.Errorf("the monitor scans:\n%s", plan)
			}
		})
	}
}

// plan asks the engine how it would run a statement.
func (c *crowd) plan(t *testing.T, sql string, keys []string) string {
	t.Helper()
	for i, k := range keys {
		if !strings.HasPrefix(k, "1") {
			k = "'" + k + "'"
		}
		sql = strings.ReplaceAll(sql, fmt.Sprintf("$%d", i+1), k)
	}
	var lines []string
	err := c.d.Read(t.Context(), func(tx *db.Tx) error {
		if c.d.Engine() == "postgres" {
			for _, way := range []string{"seqscan", "hashjoin", "mergejoin"} { // which are quick while tables are small
				if _, err := tx.Exec(t.Context(), "set local enable_"+way+" = off"); err != nil {
					return err
				}
			}
			return tx.Each(t.Context(), "explain "+sql, nil, func(r db.Row) error {
				var s string
				err := r.Scan(&s)
				lines = append(lines, s)
				return err
			})
		}
		return tx.Each(t.Context(), "explain query plan "+sql, nil, func(r db.Row) error {
			var a, b, n int64
			var s string
			err := r.Scan(&a, &b, &n, &s)
			lines = append(lines, s)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// BenchmarkPages reads what the overview and the order page of a buyer with 200 invoices show.
func BenchmarkPages(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			c := newCrowd(b, dbtest.Open(b, engine, func(o *db.Options) { o.CacheMiB = 64 }), 20_000, 200)
			r := reports.New(operator)
			handles := c.desk.EmailHandles(regular)
			for name, f := range map[string]func(ctx context.Context, tx *db.Tx) error{
				"overview": func(ctx context.Context, tx *db.Tx) error {
					v, err := r.Overview(ctx, tx, reports.Ask{Handles: handles})
					if v.Found != 200 {
						b.Fatalf("%d found, %v", v.Found, err)
					}
					return err
				},
				"search": func(ctx context.Context, tx *db.Tx) error {
					_, err := r.Bills(ctx, tx, reports.Want{Handles: handles, Search: "shoes", Size: 25})
					return err
				},
				"order": func(ctx context.Context, tx *db.Tx) error {
					_, err := r.OrderStory(ctx, tx, handles, c.last)
					return err
				},
				"unseen": func(ctx context.Context, tx *db.Tx) error { _, err := reports.Unseen(ctx, tx); return err },
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if err := c.d.Read(b.Context(), func(tx *db.Tx) error { return f(b.Context(), tx) }); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}
