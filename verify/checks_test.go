package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"
	"achteraf/migrations"

	"golang.org/x/mod/sumdb/note"
)

const other = "mer_00000000000000000002"

// stages writes orders, invoices, money and handles that agree with each other and with the journal.
func stages(t *testing.T, w *world) {
	t.Helper()
	post(t, w.DB, settled()...)
	err := w.Write(t.Context(), func(tx *db.Tx) error {
		for _, r := range stageRows() {
			if err := insert(t.Context(), tx, r.table, r.values); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

type values map[string]any

func settled() []ledger.Entry {
	entry := func(merchant, key string, legs ...ledger.Leg) ledger.Entry {
		return ledger.Entry{Merchant: merchant, Key: key, Kind: "test", Currency: "EUR", Legs: legs}
	}
	kind := func(k string, e ledger.Entry) ledger.Entry { e.Kind = k; return e }
	return []ledger.Entry{
		entry(shop, "inv_a/issued", ledger.Leg{Code: "buyer/principal", Subject: "inv_a", Cents: 2033}, ledger.Leg{Code: "merchant/pending", Cents: -2033}),
		entry(other, "inv_e/issued", ledger.Leg{Code: "buyer/principal", Subject: "inv_e", Cents: 10}, ledger.Leg{Code: "merchant/pending", Cents: -10}),
		entry(ledger.Operator, "bl_a/received", ledger.Leg{Code: "bank", Subject: "NL13TEST0123456789", Cents: 1100}, ledger.Leg{Code: "unallocated", Subject: "bl_a", Cents: -1100}),
		entry(ledger.Operator, "bl_out/received", ledger.Leg{Code: "bank", Subject: "NL13TEST0123456789", Cents: -500}, ledger.Leg{Code: "unallocated", Subject: "bl_out", Cents: 500}),
		entry(shop, "alc_a/allocated", ledger.Leg{Code: "unallocated", Subject: "bl_a", Cents: 1000}, ledger.Leg{Code: "buyer/principal", Subject: "inv_a", Cents: -1000}),
		entry(shop, "alc_b/allocated", ledger.Leg{Code: "unallocated", Subject: "bl_a", Cents: 50}, ledger.Leg{Code: "buyer/credit", Subject: "ord_a", Cents: -50}),
		entry(other, "pay_a/paid", ledger.Leg{Code: "psp", Cents: 6}, ledger.Leg{Code: "buyer/principal", Subject: "inv_e", Cents: -4}, ledger.Leg{Code: "buyer/credit", Subject: "ord_e", Cents: -2}),
		entry(ledger.Operator, "bl_psp/received", ledger.Leg{Code: "bank", Subject: "NL13TEST0123456789", Cents: 5}, ledger.Leg{Code: "unallocated", Subject: "bl_psp", Cents: -5}),
		entry(ledger.Operator, "set_a/settled", ledger.Leg{Code: "unallocated", Subject: "bl_psp", Cents: 5}, ledger.Leg{Code: "expense/psp", Cents: 1}, ledger.Leg{Code: "psp", Cents: -6}),
		kind("paid-to-shop", entry(shop, "rcp_a/paid-to-shop", ledger.Leg{Code: "merchant/pending", Cents: 3}, ledger.Leg{Code: "buyer/credit", Subject: "ord_d", Cents: -3})),
		kind("paid-to-shop", entry(shop, "rcp_b/paid-to-shop", ledger.Leg{Code: "merchant/pending", Cents: 4}, ledger.Leg{Code: "buyer/credit", Subject: "ord_d", Cents: -4})),
		kind("paid-to-shop-reversed", entry(shop, "rcp_b/paid-to-shop-reversed", ledger.Leg{Code: "merchant/pending", Cents: -4}, ledger.Leg{Code: "buyer/credit", Subject: "ord_d", Cents: 4})),
		entry(shop, "cre_a/credited", ledger.Leg{Code: "merchant/pending", Cents: 33}, ledger.Leg{Code: "buyer/principal", Subject: "inv_a", Cents: -33}),
	}
}

func stageRows() (rows []struct {
	table  string
	values values
}) {
	add := func(table string, v values) {
		rows = append(rows, struct {
			table  string
			values values
		}{table, v})
	}
	today := calendar.NewDate(2026, time.November, 22)
	order := func(id, merchant, state, prices string, total int64, lines ...values) {
		add("orders", values{"id": "ord_" + id, "merchant_id": merchant, "reference": id, "attempt_id": "att_" + id, "state": state,
			"prices": prices, "total_cents": total, "currency": "EUR", "payment_reference": "ref" + id, "payment_number": int64(id[0])})
		for i, l := range lines {
			add("order_lines", values{"order_id": "ord_" + id, "merchant_id": merchant, "line_no": i + 1, "total_cents": l["cents"], "vat_percent": l["vat"]})
		}
	}
	invoice := func(id, merchant string, v values) {
		maps.Copy(v, values{"id": "inv_" + id, "merchant_id": merchant, "order_id": "ord_" + id, "currency": "EUR"})
		add("invoices", v)
	}
	order("a", shop, "started", "excl_vat", 2033, values{"cents": 1000, "vat": "21"}, values{"cents": 505, "vat": "9"}, values{"cents": 250, "vat": "9.0"})
	invoice("a", shop, values{"status": "open", "due_on": today, "number": "DEMO-2026-000001", "issued_on": today, "total_cents": 2033, "open_cents": 1000, "paid_cents": 1000, "credited_cents": 33, "held_cents": 50})
	order("b", shop, "placed", "incl_vat", 400, values{"cents": 500, "vat": "21"}, values{"cents": -100, "vat": "21"})
	invoice("b", shop, values{"status": "planned", "total_cents": 400, "open_cents": 400})
	order("c", shop, "cancelled", "incl_vat", 100, values{"cents": 100, "vat": "0"})
	invoice("c", shop, values{"status": "cancelled", "total_cents": 100, "credited_cents": 100})
	order("d", shop, "lapsed", "incl_vat", 70, values{"cents": 70, "vat": "0"})
	invoice("d", shop, values{"status": "cancelled", "total_cents": 70, "credited_cents": 70, "held_cents": 3})
	order("e", other, "started", "excl_vat", 10, values{"cents": 10, "vat": "0"})
	invoice("e", other, values{"status": "open", "overdue": true, "due_on": today, "number": "OPS-2026-000001", "issued_on": today, "total_cents": 10, "open_cents": 6, "paid_cents": 4, "held_cents": 2})
	add("credits", values{"id": "cre_a", "merchant_id": shop, "invoice_id": "inv_a", "number": "DEMO-2026-000002", "amount_cents": 33})
	add("credits", values{"id": "cre_b", "merchant_id": shop, "invoice_id": "inv_b", "amount_cents": 1}) // of a planned invoice: no number
	for id, kind := range map[string]string{"inv_a": "invoice", "cre_a": "credit"} {
		add("documents", values{"id": id, "merchant_id": shop, "kind": kind, "facts": []byte("sealed")})
	}
	add("documents", values{"id": "inv_e", "merchant_id": other, "kind": "invoice", "facts": []byte("sealed")})
	add("due", values{"id": "due_a", "kind": "invoice.overdue", "merchant_id": shop, "subject": "inv_a"})
	add("due", values{"id": "due_b", "kind": "order.lapse", "merchant_id": shop, "subject": "ord_b"})
	add("series", values{"id": "DEMO-2026", "merchant_id": shop, "last": 2})
	add("series", values{"id": "OPS-2026", "merchant_id": "operator", "last": 1})
	add("bank_lines", values{"id": "bl_a", "iban": "NL13TEST0123456789", "line_hash": []byte("a"), "currency": "EUR", "cents": 1100, "left_cents": 50})
	add("bank_lines", values{"id": "bl_out", "iban": "NL13TEST0123456789", "line_hash": []byte("b"), "currency": "EUR", "cents": -500, "left_cents": -500})
	add("allocations", values{"id": "alc_a", "merchant_id": shop, "bank_line_id": "bl_a", "order_id": "ord_a", "invoice_id": "inv_a", "cents": 1000})
	add("allocations", values{"id": "alc_b", "merchant_id": shop, "bank_line_id": "bl_a", "order_id": "ord_a", "cents": 50})
	add("bank_lines", values{"id": "bl_psp", "iban": "NL13TEST0123456789", "line_hash": []byte("c"), "currency": "EUR", "cents": 5, "left_cents": 0})
	add("allocations", values{"id": "alc_c", "merchant_id": "operator", "bank_line_id": "bl_psp", "cents": 5})
	for i, balance := range []int{5000, 5600} {
		add("statements", values{"id": fmt.Sprint("stm_", i), "iban": "NL13TEST0123456789", "statement_ref": fmt.Sprint(i), "complete": true,
			"to_on": today.AddDays(i), "opening_cents": balance, "closing_cents": []int{5600, 5605}[i]})
	}
	add("statements", values{"id": "stm_x", "iban": "NL40TEST0123456788", "complete": false})
	add("psp_payments", values{"id": "pay_a", "merchant_id": other, "invoice_id": "inv_e", "order_id": "ord_e", "currency": "EUR", "state": "paid", "amount_cents": 6, "paid_cents": 6, "settled_by": "set_a"})
	add("psp_payments", values{"id": "pay_b", "merchant_id": shop, "invoice_id": "inv_a", "order_id": "ord_a", "currency": "EUR", "state": "open", "amount_cents": 6})
	add("psp_settlements", values{"id": "set_a", "provider_id": "stl_a", "currency": "EUR", "state": "closed", "gross_cents": 6, "fee_cents": 1, "net_cents": 5, "bank_line_id": "bl_psp"})
	add("psp_settlements", values{"id": "set_b", "provider_id": "stl_b", "currency": "EUR", "state": "announced", "net_cents": 7})
	add("shop_receipts", values{"id": "rcp_a", "merchant_id": shop, "order_id": "ord_d", "invoice_id": "inv_d", "currency": "EUR", "cents": 3})
	add("shop_receipts", values{"id": "rcp_b", "merchant_id": shop, "order_id": "ord_d", "invoice_id": "inv_d", "currency": "EUR", "cents": 4, "reversed_at": calendar.FromMicros(1_795_000_000_000_000)})
	for id, hashes := range map[string][3]string{"a": {"anna", "0612", "anna b"}, "b": {"anna", "", "anna c"}, "c": {"anna", "", ""}, "d": {"anna", "0612", "d"}, "e": {"bob", "", "bob"}} {
		merchant := map[bool]string{true: other, false: shop}[id == "e"]
		who := func(version int, email, phone, name string) {
			add("identities", values{"id": "att_" + id, "merchant_id": merchant, "version": version, "email_hash": maybe(email), "phone_hash": maybe(phone), "who_hash": maybe(name), "person_id": "per_" + id})
		}
		add("person_orders", values{"person_id": "per_" + id, "merchant_id": merchant, "order_id": "ord_" + id, "email_hash": []byte(hashes[0])})
		if hashes[0] == "anna" && id != "a" {
			add("person_orders", values{"person_id": "per_a", "merchant_id": merchant, "order_id": "ord_" + id, "email_hash": []byte(hashes[0])})
		}
		if id == "a" {
			who(1, "old", "0611", "anna b")
		}
		who(2, hashes[0], hashes[1], hashes[2])
	}
	late := map[string]int{"bob": 1}
	for h, open := range map[handle]int{{"email", "anna"}: 1400, {"email", "old"}: 0, {"phone", "0611"}: 0, {"phone", "0612"}: 1000,
		{"who", "anna b"}: 1000, {"who", "anna c"}: 400, {"email", "bob"}: 6, {"who", "bob"}: 6, {"address", "elsewhere"}: 99} {
		add("handles", values{"kind": h.kind, "hash": []byte(h.hash), "person_id": map[string]string{"anna": "per_a", "bob": "per_e"}[h.hash], "open_cents": open, "overdue": late[h.hash]})
	}
	return rows
}

func maybe(s string) any {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// columns of a table that must have a value, by type, as the migrations declare them.
var column = regexp.MustCompile(`(?m)^    (\w+) +(text|\{\{\.(\w+)\}\}) +not null`)

// insert writes a row; what is not given gets a value that means nothing.
func insert(ctx context.Context, tx *db.Tx, table string, given values) error {
	row := maps.Clone(given)
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return err
	}
	nothing := values{"": "", "Bigint": 0, "Bool": false, "Bytes": []byte{0}, "Sealed": []byte{0}, "Instant": tx.Now, "Date": calendar.NewDate(2026, time.May, 1)}
	for _, name := range names {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			return err
		}
		_, body, ok := strings.Cut(string(text), "create table "+table+" (")
		if !ok {
			continue
		}
		body, _, _ = strings.Cut(body, "\n)")
		for _, m := range column.FindAllStringSubmatch(body, -1) {
			if _, ok := row[m[1]]; !ok {
				row[m[1]] = nothing[m[3]]
			}
		}
	}
	var args []any
	var marks []string
	columns := slices.Sorted(maps.Keys(row))
	for i, c := range columns {
		args, marks = append(args, row[c]), append(marks, fmt.Sprintf("$%d", i+1))
	}
	return one(tx.Exec(ctx, "insert into "+table+" ("+strings.Join(columns, ", ")+") values ("+strings.Join(marks, ", ")+")", args...))
}

// plant appends a commit to the unsealed tail that only its entries make wrong: number and digest are right.
func plant(ctx context.Context, tx *db.Tx, entries ...entry) error {
	k := commit{writer: "wplanted", seq: 0, at: tx.Wall.String()}
	var digest hash
	for i := range entries {
		e := &entries[i]
		e.n, e.posted = int64(i), tx.Now.String()
		for j := range e.legs {
			e.legs[j].number = int64(j)
			e.legs[j].merchant = e.merchant
			l := &e.legs[j]
			if err := shapes[1].insert(ctx, tx, []any{k.writer, k.seq, e.n, l.number, l.merchant, l.code, l.subject, l.cents}); err != nil {
				return err
			}
		}
		if err := shapes[0].insert(ctx, tx, []any{k.writer, k.seq, e.n, e.merchant, e.key, e.kind, tx.Now, e.currency}); err != nil {
			return err
		}
		leaf, _ := e.leaf(&k, nil)
		digest = sha256.Sum256(append(digest[:], leaf[:]...))
	}
	return shapes[2].insert(ctx, tx, []any{k.writer, k.seq, len(entries), digest[:], tx.Wall})
}

func simple(legs ...leg) entry {
	return entry{merchant: shop, key: "planted", kind: "planted", currency: "EUR", legs: legs}
}

// fault is one change that only its check should find, made by SQL or by code.
type fault struct {
	check, name string
	sql         string
	do          func(context.Context, *db.Tx) error
}

var faults = []fault{
	{"entries", "out of balance", "", planted(simple(leg{code: "psp", cents: 2}, leg{code: "tax/vat", cents: -1}))},
	{"entries", "wraps around to zero", "", planted(simple(leg{code: "psp", cents: math.MinInt64}, leg{code: "tax/vat", cents: math.MinInt64}))},
	{"entries", "one leg", "", planted(simple(leg{code: "psp", cents: 2}))},
	{"entries", "a leg of nothing", "", planted(simple(leg{code: "psp", cents: 2}, leg{code: "tax/vat", cents: -2}, leg{code: "tax/vat", cents: 0}))},
	{"entries", "no merchant", "", planted(entry{merchant: "shop", key: "k", kind: "k", currency: "EUR", legs: pair()})},
	{"entries", "no currency", "", planted(entry{merchant: shop, key: "k", kind: "k", currency: "eur", legs: pair()})},
	{"entries", "a key of two lines", "", planted(entry{merchant: shop, key: "k\nx", kind: "k", currency: "EUR", legs: pair()})},
	{"entries", "a kind of two words", "", planted(entry{merchant: shop, key: "k", kind: "k x", currency: "EUR", legs: pair()})},
	{"entries", "a leg left out", "update postings set leg = leg + 10 where writer = (select max(writer) from postings) and leg > 0", nil},
	{"entries", "a leg of another merchant", "update postings set merchant_id = 'mer_x' where leg = 1 and seq = (select max(seq) from postings) and n = 0", nil},
	{"chart", "an account that is none", "", planted(simple(leg{code: "psp/mine", cents: 2}, leg{code: "tax/vat", cents: -2}))},
	{"chart", "an invoice that is none", "", planted(simple(leg{code: "buyer/principal", subject: "ord_1", cents: 2}, leg{code: "tax/vat", cents: -2}))},
	{"chart", "a subject too many", "", planted(simple(leg{code: "psp", subject: "inv_1", cents: 2}, leg{code: "tax/vat", cents: -2}))},
	{"chart", "an IBAN that is none", "", planted(simple(leg{code: "bank", subject: "nl13TEST0123456789", cents: 2}, leg{code: "tax/vat", cents: -2}))},
	{"chart", "the operator has a claim", "", planted(entry{merchant: "operator", key: "k", kind: "k", currency: "EUR", legs: []leg{{code: "buyer/principal", subject: "inv_1", cents: 1}, {code: "psp", cents: -1}}})},
	{"commits", "a count in the tail", "update commits set entries = entries + 1 where not exists (select 1 from seals s where s.writer = commits.writer and s.seq = commits.seq)", nil},
	{"commits", "numbers from 1", "", misnumbered},
	{"commits", "an empty commit", "", planted()},
	{"commits", "a digest in the tail", "update commits set digest = substr(digest, 2) where not exists (select 1 from seals s where s.writer = commits.writer and s.seq = commits.seq)", nil},
	{"commits", "an amount in the tail", "update postings set cents = 5 * cents where not exists (select 1 from seals s where s.writer = postings.writer and s.seq = postings.seq)", nil},
	{"strays", "a posting of a writer that is none", "", func(ctx context.Context, tx *db.Tx) error {
		return shapes[1].insert(ctx, tx, []any{"z", 0, 0, 0, shop, "psp", "", 1})
	}},
	{"strays", "an entry of a writer that is none", "", func(ctx context.Context, tx *db.Tx) error {
		return shapes[0].insert(ctx, tx, []any{"", 0, 0, shop, "k", "k", tx.Now, "EUR"})
	}},
	{"strays", "an entry before the first", "", func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, "insert into entries select writer, -1, n, merchant_id, 'k', kind, posted_at, currency from entries where seq = 0 and n = 0")
		return err
	}},
	{"strays", "a posting after the last", "", func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, "insert into postings select writer, 9223372036854775807, n, leg, merchant_id, code, subject, cents from postings where seq = 0 and n = 0 and leg = 0")
		return err
	}},
	{"seals", "a place left out", "update seals set first_place = first_place + 1 where first_place = (select max(first_place) from seals)", nil},
	{"seals", "a count", "update seals set entries = entries + 1 where first_place = (select max(first_place) from seals)", nil},
	{"seals", "a number left out", "", resealed(renumber, asIs)},
	{"seals", "none", "delete from seals where first_place = 0", nil},
	{"tiles", "a hash", "", func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, "update log_tiles set data = $1 where level = 1", make([]byte, 32))
		return err
	}},
	{"tiles", "a width", "update log_tiles set width = 255 where level = 0 and n = 0", nil},
	{"tiles", "one too many", "", func(ctx context.Context, tx *db.Tx) error {
		return shapes[4].insert(ctx, tx, []any{0, 7, 1, make([]byte, 32)})
	}},
	{"tiles", "a level too many", "", func(ctx context.Context, tx *db.Tx) error {
		return shapes[4].insert(ctx, tx, []any{2, 0, 1, make([]byte, 32)})
	}},
	{"tiles", "a level below", "", func(ctx context.Context, tx *db.Tx) error {
		return shapes[4].insert(ctx, tx, []any{-1, 0, 1, make([]byte, 32)})
	}},
	{"tiles", "none above", "delete from log_tiles where level = 1", nil},
	{"checkpoints", "a signature", "update checkpoints set note = replace(note, 'achteraf/test/log ', 'achteraf/test/log A') where size = (select max(size) from checkpoints)", nil},
	{"checkpoints", "a signature too many", "", func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, "update checkpoints set note = note || $1", "— somebody AAAAAAAA\n")
		return err
	}},
	{"checkpoints", "a signed size that is not the row's", "", resealed(nothing, func(lines []string) []string { lines[1] = "12"; return lines })},
	{"checkpoints", "a signed time that is not the row's", "", resealed(nothing, func(lines []string) []string { lines[4] = "at 2026-11-22T10:00:00.000001Z"; return lines })},
	{"checkpoints", "a signed root that is not the tree's", "", resealed(nothing, func(lines []string) []string { lines[2] = hash{}.String(); return lines })},
	{"checkpoints", "a signed text with a line left out", "", resealed(nothing, func(lines []string) []string { return lines[:4] })},
	{"checkpoints", "a signed text with a line too many", "", resealed(nothing, func(lines []string) []string { return append(lines, "x") })},
	{"checkpoints", "the last", "delete from checkpoints where size = (select max(size) from checkpoints)", nil},
	{"checkpoints", "one in the middle", "delete from checkpoints where size = (select min(size) from checkpoints)", nil},
	{"checkpoints", "a time", "", func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, "update checkpoints set sealed_at = $1", tx.Wall.Add(time.Microsecond))
		return err
	}},
	{"unsealed", "a commit left out", "", func(ctx context.Context, tx *db.Tx) error {
		if err := plant(ctx, tx, simple(pair()...)); err != nil {
			return err
		}
		for _, table := range []string{"commits", "entries", "postings"} {
			if _, err := tx.Exec(ctx, "update "+table+" set seq = 1 where writer = 'wplanted'"); err != nil {
				return err
			}
		}
		return nil
	}},
	{"balances", "cents", "update balances set cents = cents + 1 where code = 'tax/vat'", nil},
	{"balances", "entries", "update balances set entries = entries + 1 where code = 'tax/vat'", nil},
	{"balances", "place", "update balances set place = place + 1 where code = 'tax/vat'", nil},
	{"balances", "one left out", "delete from balances where code = 'transit/refunds'", nil},
	{"balances", "one too many", "", func(ctx context.Context, tx *db.Tx) error {
		return shapes[6].insert(ctx, tx, []any{"psp", shop, "", "EUR", 0, 0, 0})
	}},
	{"invoice-amounts", "a part", "update invoices set paid_cents = paid_cents + 1 where id = 'inv_a'", nil},
	{"invoice-amounts", "less than nothing", "update invoices set paid_cents = -1, open_cents = open_cents + 1 where id = 'inv_b'", nil},
	{"invoice-amounts", "written off", "update invoices set written_off_cents = 1 where id = 'inv_b'", nil},
	{"invoice-amounts", "beyond any amount", "update invoices set paid_cents = 9223372036854775807 where id = 'inv_b'", nil},
	{"invoice-journal", "paid too much", "update invoices set paid_cents = paid_cents + 1, open_cents = open_cents - 1 where id = 'inv_a'", nil},
	{"invoice-journal", "posted before issue", "update invoices set issued_on = null where id = 'inv_e'", nil},
	{"invoice-journal", "issued and not posted", "update invoices set issued_on = (select issued_on from invoices where id = 'inv_a') where id = 'inv_b'", nil},
	{"invoice-journal", "another currency", "update invoices set currency = 'CHF' where id = 'inv_e'", nil},
	{"invoice-journal", "a claim without an invoice", "", planted(simple(leg{code: "buyer/principal", subject: "inv_gone", cents: 2}, leg{code: "tax/vat", cents: -2}))},
	{"order-lines", "a line", "update order_lines set total_cents = total_cents + 1 where order_id = 'ord_b' and line_no = 1", nil},
	{"order-lines", "a rate", "update order_lines set vat_percent = '6' where order_id = 'ord_a' and line_no = 1", nil},
	{"order-lines", "a rate that is none", "update order_lines set vat_percent = '1/2' where order_id = 'ord_a' and line_no = 1", nil},
	{"order-lines", "prices", "update orders set prices = 'incl_vat' where id = 'ord_a'", nil},
	{"order-lines", "prices that are none", "update orders set prices = '' where id = 'ord_b'", nil},
	{"order-lines", "a line left out", "delete from order_lines where order_id = 'ord_b' and line_no = 2", nil},
	{"order-lines", "no lines", "delete from order_lines where order_id = 'ord_e'", nil},
	{"order-lines", "an amount beyond any", "update order_lines set total_cents = 9223372036854775807 where order_id = 'ord_b'", nil},
	{"order-lines", "an order's total", "update orders set total_cents = total_cents + 1 where id = 'ord_e'", nil},
	{"order-lines", "an invoice's total", "update invoices set total_cents = 401, open_cents = 401 where id = 'inv_b'", nil},
	{"order-lines", "no invoice", "delete from invoices where id = 'inv_c'", nil},
	{"order-lines", "no order", "update invoices set order_id = 'ord_x' where id = 'inv_c'", nil},
	{"order-lines", "no order and no lines", "", func(ctx context.Context, tx *db.Tx) error {
		return insert(ctx, tx, "invoices", values{"id": "inv_f", "merchant_id": shop, "order_id": "ord_f", "currency": "EUR"})
	}},
	{"numbers", "a gap at the end", "update series set last = 3 where id = 'DEMO-2026'", nil},
	{"numbers", "beyond the last", "update series set last = 1 where id = 'DEMO-2026'", nil},
	{"numbers", "a gap in the middle", "", func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, "update series set last = 3 where id = 'DEMO-2026'"); err != nil {
			return err
		}
		return one(tx.Exec(ctx, "update credits set number = 'DEMO-2026-000003' where id = 'cre_a'"))
	}},
	{"numbers", "twice", "", func(ctx context.Context, tx *db.Tx) error {
		return insert(ctx, tx, "credits", values{"id": "cre_c", "merchant_id": shop, "invoice_id": "inv_a", "number": "DEMO-2026-000001"})
	}},
	{"numbers", "twice, for another", "update credits set number = 'DEMO-2026-000001' where id = 'cre_a'", nil},
	{"numbers", "without a series", "delete from series where id = 'OPS-2026'", nil},
	{"numbers", "of another merchant's series", "update series set merchant_id = 'mer_x' where id = 'OPS-2026'", nil},
	{"numbers", "written in another way", "update invoices set number = 'DEMO-2026-0000001' where id = 'inv_a'", nil},
	{"numbers", "no number", "update invoices set number = 'DEMO-2026-x' where id = 'inv_a'", nil},
	{"numbers", "an absurd last", "update series set last = 9223372036854775807", nil},
	{"buyer-credit", "held too much", "update invoices set held_cents = 51 where id = 'inv_a'", nil},
	{"buyer-credit", "below nothing, and the invoice says so", "", func(ctx context.Context, tx *db.Tx) error {
		if err := plant(ctx, tx, simple(leg{code: "buyer/credit", subject: "ord_b", cents: 2}, leg{code: "tax/vat", cents: -2})); err != nil {
			return err
		}
		return one(tx.Exec(ctx, "update invoices set held_cents = -2 where id = 'inv_b'"))
	}},
	{"buyer-credit", "of no order", "", planted(simple(leg{code: "buyer/credit", subject: "ord_gone", cents: -2}, leg{code: "tax/vat", cents: 2}))},
	{"bank-lines", "allocated too much", "update allocations set cents = 1101 where id = 'alc_a'", nil},
	{"bank-lines", "allocated less than posted", "update allocations set cents = 999 where id = 'alc_a'", nil},
	{"bank-lines", "allocated twice, and posted so", "", func(ctx context.Context, tx *db.Tx) error {
		if err := plant(ctx, tx, simple(leg{code: "unallocated", subject: "bl_a", cents: 51}, leg{code: "psp", cents: -51})); err != nil {
			return err
		}
		if err := one(tx.Exec(ctx, "update bank_lines set left_cents = -1 where id = 'bl_a'")); err != nil {
			return err
		}
		return one(tx.Exec(ctx, "update allocations set cents = 101 where id = 'alc_b'"))
	}},
	{"bank-lines", "allocated below nothing, and posted so", "", func(ctx context.Context, tx *db.Tx) error {
		if err := plant(ctx, tx, simple(leg{code: "unallocated", subject: "bl_a", cents: -51}, leg{code: "psp", cents: 51})); err != nil {
			return err
		}
		if err := one(tx.Exec(ctx, "update bank_lines set left_cents = 101 where id = 'bl_a'")); err != nil {
			return err
		}
		return one(tx.Exec(ctx, "update allocations set cents = -1 where id = 'alc_b'"))
	}},
	{"bank-lines", "what is left of an outgoing line", "update bank_lines set left_cents = 0 where id = 'bl_out'", nil},
	{"bank-lines", "what is left", "update bank_lines set left_cents = 51 where id = 'bl_a'", nil},
	{"bank-lines", "an amount", "update bank_lines set cents = 1101, left_cents = 51 where id = 'bl_a'", nil},
	{"bank-lines", "an outgoing line allocated", "update allocations set bank_line_id = 'bl_out' where id = 'alc_b'", nil},
	{"bank-lines", "an allocation of no line", "update allocations set bank_line_id = 'bl_gone', cents = 0 where id = 'alc_b'", nil},
	{"bank-lines", "money of no line", "", planted(simple(leg{code: "unallocated", subject: "bl_gone", cents: -2}, leg{code: "psp", cents: 2}))},
	{"handles", "too much", "update handles set open_cents = open_cents + 1 where kind = 'who'", nil},
	{"handles", "an old one", "update handles set open_cents = 1 where kind = 'email' and open_cents = 0", nil},
	{"handles", "one left out", "delete from handles where kind = 'phone' and open_cents = 1000", nil},
	{"handles", "an order that did not", "update orders set state = 'cancelled' where id = 'ord_b'", nil},
	{"documents", "an invoice without one", "delete from documents where id = 'inv_a'", nil},
	{"documents", "a credit note without one", "delete from documents where id = 'cre_a'", nil},
	{"documents", "of another kind", "update documents set kind = 'credit' where id = 'inv_a'", nil},
	{"documents", "of another shop", "update documents set merchant_id = 'mer_x' where id = 'inv_a'", nil},
	{"documents", "of a planned invoice", "update documents set id = 'inv_b' where id = 'inv_a'", nil},
	{"documents", "of nothing", "", func(ctx context.Context, tx *db.Tx) error {
		return insert(ctx, tx, "documents", values{"id": "inv_x", "merchant_id": shop, "kind": "invoice", "facts": []byte("sealed")})
	}},
	{"psp-payments", "booked less than posted", "update psp_payments set paid_cents = 5 where id = 'pay_a'", nil},
	{"psp-payments", "booked, and not paid", "update psp_payments set state = 'open' where id = 'pay_a'", nil},
	{"psp-payments", "paid, and nothing booked", "update psp_payments set state = 'paid', paid_cents = 6 where id = 'pay_b'", nil},
	{"psp-payments", "paid nothing", "update psp_payments set state = 'paid' where id = 'pay_b'", nil},
	{"psp-payments", "of another invoice", "update psp_payments set invoice_id = 'inv_a' where id = 'pay_a'", nil},
	{"psp-payments", "of another shop", "update psp_payments set merchant_id = 'mer_00000000000000000001' where id = 'pay_a'", nil},
	{"psp-payments", "gone", "delete from psp_payments where id = 'pay_a'", nil},
	{"psp-payments", "money of no payment", "", planted(simple(pair()...))},
	{"psp-payments", "posted in parts that hide each other", "", func(ctx context.Context, tx *db.Tx) error {
		return buttons(ctx, tx, []int64{7, 5}, "")
	}},
	{"psp-payments", "settled by nothing, and in no settlement", "", func(ctx context.Context, tx *db.Tx) error {
		return buttons(ctx, tx, []int64{6}, "set_gone")
	}},
	{"psp-payments", "settled by nothing", "update psp_payments set settled_by = 'set_gone' where id = 'pay_a'", nil},
	{"psp-payments", "settled no payments", "update psp_payments set settled_by = '' where id = 'pay_a'", nil},
	{"psp-payments", "a fee", "update psp_settlements set fee_cents = 2, net_cents = 4 where id = 'set_a'", nil},
	{"psp-payments", "a fee out of nothing", "update psp_settlements set fee_cents = 2 where id = 'set_a'", nil},
	{"psp-payments", "of another bank line", "update psp_settlements set bank_line_id = 'bl_a' where id = 'set_a'", nil},
	{"psp-payments", "posted before its line", "update psp_settlements set state = 'listed' where id = 'set_a'", nil},
	{"psp-payments", "closed, and nothing posted", "update psp_settlements set state = 'closed', gross_cents = 7 where id = 'set_b'", nil},
	{"shop-receipts", "less than posted", "update shop_receipts set cents = 2 where id = 'rcp_a'", nil},
	{"shop-receipts", "of another shop", "update shop_receipts set merchant_id = 'mer_x' where id = 'rcp_a'", nil},
	{"shop-receipts", "of another order", "update shop_receipts set order_id = 'ord_b', invoice_id = 'inv_b' where id = 'rcp_a'", nil},
	{"shop-receipts", "taken back, and nothing posted", "update shop_receipts set reversed_at = made_at where id = 'rcp_a'", nil},
	{"shop-receipts", "posted as taken back", "update shop_receipts set reversed_at = null where id = 'rcp_b'", nil},
	{"shop-receipts", "gone", "delete from shop_receipts where id = 'rcp_a'", nil},
	{"shop-receipts", "an entry of none", "", planted(entry{merchant: shop, key: "planted", kind: "paid-to-shop", currency: "EUR",
		legs: []leg{{code: "merchant/pending", cents: 1}, {code: "merchant/pending", cents: -1}}})},
	{"states", "an order that lapsed", "update orders set state = 'placed' where id = 'ord_d'", nil},
	{"states", "a started order that was not", "update orders set state = 'placed' where id = 'ord_a'", nil},
	{"states", "a closed order with an open invoice", "update orders set state = 'closed' where id = 'ord_a'", nil},
	{"states", "no state", "update orders set state = '' where id = 'ord_b'", nil},
	{"states", "paid with money open", "update invoices set status = 'paid' where id = 'inv_a'", nil},
	{"states", "without a due date", "update invoices set due_on = null where id = 'inv_a'", nil},
	{"states", "withdrawn, and credited in part by name", "update invoices set status = 'credited', credited_cents = 0, paid_cents = 100 where id = 'inv_c'", nil},
	{"states", "overdue before it is due", "update invoices set overdue = (select overdue from invoices where id = 'inv_e') where id = 'inv_c'", nil},
	{"next-steps", "a planned invoice is forgotten", "delete from due where id = 'due_b'", nil},
	{"next-steps", "an open invoice is forgotten", "update due set kind = 'invoice.issue' where id = 'due_a'", nil},
	{"bank-accounts", "a line of another account", "update bank_lines set iban = 'NL13TEST0123456780' where id = 'bl_psp'", nil},
	{"bank-accounts", "the bank has more", "update statements set closing_cents = 5606 where id = 'stm_1'", nil},
	{"bank-accounts", "a line that the bank has not, and posted so", "", func(ctx context.Context, tx *db.Tx) error {
		if err := plant(ctx, tx, entry{merchant: "operator", key: "k", kind: "k", currency: "EUR", legs: []leg{
			{code: "bank", subject: "NL13TEST0123456789", cents: 2}, {code: "unallocated", subject: "bl_new", cents: -2}}}); err != nil {
			return err
		}
		return insert(ctx, tx, "bank_lines", values{"id": "bl_new", "iban": "NL13TEST0123456789", "line_hash": []byte("new"), "currency": "EUR", "cents": 2, "left_cents": 2})
	}},
	{"owners", "an order that its buyer does not see", "delete from person_orders where person_id = 'per_e'", nil},
	{"owners", "an order that its address does not see", "delete from person_orders where person_id = 'per_a' and order_id = 'ord_b'", nil},
	{"owners", "an order under another address", "update person_orders set email_hash = (select hash from handles where person_id = 'per_e' limit 1) where order_id = 'ord_c' and person_id = 'per_c'", nil},
	{"owners", "a stranger's order", "", func(ctx context.Context, tx *db.Tx) error {
		return insert(ctx, tx, "person_orders", values{"person_id": "per_e", "merchant_id": shop, "order_id": "ord_a", "email_hash": []byte("bob")})
	}},
	{"owners", "an order that is not there", "", func(ctx context.Context, tx *db.Tx) error {
		return insert(ctx, tx, "person_orders", values{"person_id": "per_e", "merchant_id": shop, "order_id": "ord_none", "email_hash": []byte("bob")})
	}},
	{"handles", "a corrected identity", "update identities set version = 1 - version where id = 'att_a'", nil},
}

// buttons plants payments of 6 cents for the buyer of order b, of which these many are posted as at the provider.
func buttons(ctx context.Context, tx *db.Tx, posted []int64, settledBy string) error {
	var entries []entry
	for i, cents := range posted {
		id := fmt.Sprint("pay_planted", i)
		legs := []leg{{code: "psp", cents: cents}, {code: "buyer/credit", subject: "ord_b", cents: -6}}
		if cents != 6 {
			legs = append(legs, leg{code: "tax/vat", cents: 6 - cents})
		}
		entries = append(entries, entry{merchant: shop, key: id + "/paid", kind: "psp-paid", currency: "EUR", legs: legs})
		err := insert(ctx, tx, "psp_payments", values{"id": id, "merchant_id": shop, "invoice_id": "inv_b", "order_id": "ord_b", "currency": "EUR", "state": "paid",
			"amount_cents": 6, "paid_cents": 6, "settled_by": settledBy})
		if err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "update invoices set held_cents = $1 where id = 'inv_b'", 6*len(posted)); err != nil {
		return err
	}
	return plant(ctx, tx, entries...)
}

// resealed makes tiles and balances fit after a change, and signs the last checkpoint with the log's own key: a
// sealer gone wrong.
func resealed(change func(context.Context, *db.Tx) error, edit func(lines []string) []string) func(context.Context, *db.Tx) error {
	return func(ctx context.Context, tx *db.Tx) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		roots, err := refit(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := shapes[5].load(ctx, tx)
		if err != nil {
			return err
		}
		last := slices.MaxFunc(rows, func(a, b []any) int { return int(a[0].(int64) - b[0].(int64)) })
		lines := strings.Split(last[1].(string), "\n")
		lines[2] = roots[last[0].(int64)].String()
		lines = edit(lines[:5])
		secret, err := ledger.GenerateKey(dbtest.Chance(1), "achteraf/test/log")
		if err != nil {
			return err
		}
		signer, err := note.NewSigner(secret)
		if err != nil {
			return err
		}
		signed, err := note.Sign(&note.Note{Text: strings.Join(lines, "\n") + "\n"}, signer)
		if err != nil {
			return err
		}
		return shapes[5].set(ctx, tx, last, 1, string(signed))
	}
}

// renumber moves the last sealed commit of the log to the number after the next.
func renumber(ctx context.Context, tx *db.Tx) error {
	var writer string
	var seq int64
	if err := tx.QueryRow(ctx, "select writer, seq from seals order by first_place desc limit 1", nil, &writer, &seq); err != nil {
		return err
	}
	for _, table := range []string{"commits", "entries", "postings"} { // the tail would stand in the way
		if _, err := tx.Exec(ctx, "delete from "+table+" where writer = $1 and seq > $2", writer, seq); err != nil {
			return err
		}
	}
	for _, table := range []string{"commits", "entries", "postings", "seals"} {
		if _, err := tx.Exec(ctx, "update "+table+" set seq = seq + 1 where writer = $1 and seq = $2", writer, seq); err != nil {
			return err
		}
	}
	return nil
}

func nothing(context.Context, *db.Tx) error { return nil }

func asIs(lines []string) []string { return lines }

// misnumbered plants a commit whose entries begin at 1, with a digest that fits.
func misnumbered(ctx context.Context, tx *db.Tx) error {
	first, second := simple(pair()...), simple(pair()...)
	second.key = "planted-too"
	if err := plant(ctx, tx, first, second); err != nil {
		return err
	}
	for _, table := range []string{"entries", "postings"} {
		if _, err := tx.Exec(ctx, "delete from "+table+" where writer = 'wplanted' and n = 0"); err != nil {
			return err
		}
	}
	second.n, second.posted = 1, tx.Now.String()
	for i := range second.legs {
		second.legs[i].number = int64(i)
	}
	leaf, _ := second.leaf(&commit{writer: "wplanted", at: tx.Wall.String()}, nil)
	digest := sha256.Sum256(append(make([]byte, 32), leaf[:]...))
	return one(tx.Exec(ctx, "update commits set entries = 1, digest = $1 where writer = 'wplanted'", digest[:]))
}

func pair() []leg { return []leg{{code: "psp", cents: 2}, {code: "tax/vat", cents: -2}} }

func planted(entries ...entry) func(context.Context, *db.Tx) error {
	return func(ctx context.Context, tx *db.Tx) error {
		fresh := slices.Clone(entries)
		for i := range fresh {
			fresh[i].legs = slices.Clone(fresh[i].legs)
		}
		return plant(ctx, tx, fresh...)
	}
}

// TestEachCheckFinds plants faults for every check: one that cannot find anything proves nothing.
func TestEachCheckFinds(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			w.fill(t, 72)
			stages(t, w)
			if _, err := Run(t.Context(), w.DB, w.options()); err != nil {
				t.Fatalf("clean: %v", err)
			}
			tried := map[string]bool{"outside": true, "trial-balance": true} // TestGivenCheckpoint, TestTrial
			for _, f := range faults {
				tried[f.check] = true
				t.Run(f.check+"/"+f.name, func(t *testing.T) {
					err := undone(t.Context(), w.DB, func(tx *db.Tx) error {
						if err := f.make(t.Context(), tx); err != nil {
							return err
						}
						_, err := In(t.Context(), tx, w.options())
						return err
					})
					d, ok := errors.AsType[*Difference](err)
					if !ok || d.Check != f.check || d.Table == "" || d.Row == "" || d.Want == d.Got {
						t.Errorf("%v, want a difference found by %s", err, f.check)
					}
				})
			}
			for _, c := range checks {
				if !tried[c.name] {
					t.Errorf("nothing is planted for %s", c.name)
				}
			}
		})
	}
}

func (f *fault) make(ctx context.Context, tx *db.Tx) error {
	if f.do != nil {
		return f.do(ctx, tx)
	}
	n, err := tx.Exec(ctx, f.sql)
	if err == nil && n == 0 {
		err = errors.New("nothing was changed")
	}
	return err
}

// TestTrial gives the trial balance accounts that do not add up.
func TestTrial(t *testing.T) {
	a := &audit{names: numbers{"EUR": 1, "CHF": 2}}
	a.sums = map[account]*sum{{code: 1, currency: 1}: {cents: 5}, {code: 2, currency: 1}: {cents: -7}, {code: 2, currency: 2}: {cents: -2}}
	a.open = map[account]int64{{code: 3, currency: 1, subject: "x"}: 1}
	a.tail = map[int32]int64{1: 1, 2: 2}
	if err := checkTrial(t.Context(), a); err != nil {
		t.Error(err)
	}
	a.tail[2] = 0
	if err := checkTrial(t.Context(), a); found(err) != "trial-balance" || !strings.Contains(err.Error(), "CHF") {
		t.Errorf("%v, want a difference in CHF", err)
	}
}
