package payments_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
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
	"achteraf/payments"
	"achteraf/providers/camt"
)

const (
	clientIBAN = "NL91ABNA0417164300"
	ownIBAN    = "NL39RABO0300065264"
	shopA      = "mer_a"
	shopB      = "mer_b"
)

// world is a platform with shops, orders and a bank account.
type world struct {
	db    *db.DB
	vault *vault.Vault
	desk  *buyers.Desk
	clerk *invoices.Clerk
	im    *payments.Importer

	placed int64
	bank   bank
}

// bank is the account at the bank: it numbers statements and keeps the balance.
type bank struct {
	sequence int64
	balance  int64
	refs     int
	day      calendar.Date
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	d.BeforeCommit(ledger.Commit)
	line, err := vault.NewLine("k1", dbtest.Chance(7))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{db: d, vault: v, desk: buyers.NewDesk(v, dbtest.Chance(8)), bank: bank{balance: 1000_00, day: date("2026-11-23")}}
	if w.clerk, err = invoices.NewClerk(w.desk, merchants.Operator{Country: "NL", VATPercent: "21"}); err != nil {
		t.Fatal(err)
	}
	w.im = payments.NewImporter(d, v, w.clerk, clientIBAN, ownIBAN)
	return w
}

func date(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// bill is an order with its invoice.
type bill struct {
	orders.Order
	invoice string
	number  string
}

// sold says what was ordered.
type sold struct {
	merchant string // shopA
	country  string // NL
	cents    int64
	status   invoices.Status // Open; Planned has no number and no entry, Cancelled no claim
}

var invoiceRows = db.NewTable("invoices", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "order_id", Type: db.Text},
	db.Col{Name: "status", Type: db.Text}, db.Col{Name: "series", Type: db.Text}, db.Col{Name: "number", Type: db.Text},
	db.Col{Name: "currency", Type: db.Text}, db.Col{Name: "total_cents", Type: db.Bigint}, db.Col{Name: "open_cents", Type: db.Bigint},
	db.Col{Name: "paid_cents", Type: db.Bigint}, db.Col{Name: "credited_cents", Type: db.Bigint}, db.Col{Name: "written_off_cents", Type: db.Bigint},
	db.Col{Name: "held_cents", Type: db.Bigint}, db.Col{Name: "overdue", Type: db.Bool}, db.Col{Name: "send_on", Type: db.Date},
	db.Col{Name: "issued_on", Type: db.Date}, db.Col{Name: "due_on", Type: db.Date}, db.Col{Name: "made_at", Type: db.Instant},
	db.Col{Name: "moved_at", Type: db.Instant})

// place stores orders with buyers and invoices, as they stand after acceptance, issue or cancelling.
func (w *world) place(t testing.TB, list ...sold) []bill {
	t.Helper()
	var all []bill
	err := w.db.Write(t.Context(), func(tx *db.Tx) (err error) {
		all, err = w.put(t.Context(), tx, list)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.placed += int64(len(list))
	return all
}

func (w *world) put(ctx context.Context, tx *db.Tx, list []sold) ([]bill, error) {
	all := make([]bill, len(list))
	who := make([]*buyers.Buyer, len(list))
	for i := range list {
		n := w.placed + int64(i)
		who[i] = &buyers.Buyer{Kind: buyers.Consumer, Email: fmt.Sprintf("buyer%d@example.org", n), Language: "nl", Phone: fmt.Sprintf("+316%08d", n),
			Name: buyers.Name{First: "Sanne", Last: fmt.Sprintf("de Vries%d", n)}, BirthDate: date("1990-05-01"),
			Address: buyers.Address{Street: "Dorpsstraat", HouseNumber: fmt.Sprint(n + 1), Postcode: "1234AB", City: "Voorbeeld", Country: "NL"}}
	}
	known, err := w.desk.Open(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	var list1 []orders.Order
	var rows [][]any
	var entries []ledger.Entry
	for i, s := range list {
		n := w.placed + int64(i)
		if s.merchant == "" {
			s.merchant = shopA
		}
		if s.country == "" {
			s.country = "NL"
		}
		if s.status == "" {
			s.status = invoices.Open
		}
		b := bill{invoice: tx.ID("inv_")}
		b.Order = orders.Order{ID: tx.ID("ord_"), Merchant: s.merchant, Reference: fmt.Sprint(n), Attempt: tx.ID("att_"), State: orders.Started,
			BuyerKind: "consumer", Country: s.country, Language: "nl", Currency: "EUR", Prices: orders.InclVAT, TotalCents: s.cents,
			Contract: "con_1", PlacedOn: date("2026-11-20"), PlacedAt: tx.Now, MovedAt: tx.Now}
		if b.PaymentReference, err = orders.Reference(s.country, 1_000_000_000+n*7); err != nil {
			return nil, err
		}
		open, credited := s.cents, int64(0)
		var number any
		switch s.status {
		case invoices.Open:
			b.number = fmt.Sprintf("%s-2026-%06d", map[string]string{shopA: "DEMO", shopB: "KAAS9"}[s.merchant], n+1)
			number = b.number
			entries = append(entries, ledger.Entry{Merchant: s.merchant, Key: b.invoice + "/issued", Kind: "invoice-issued", Currency: "EUR", Legs: []ledger.Leg{
				{Code: ledger.BuyerPrincipal, Subject: b.invoice, Cents: s.cents}, {Code: ledger.MerchantPending, Cents: -s.cents}}})
		case invoices.Cancelled:
			open, credited = 0, s.cents
		}
		if b.Person, _, err = known.Keep(i, buyers.Attempt{ID: b.Attempt, Merchant: s.merchant, Order: b.ID, Cents: open}); err != nil {
			return nil, err
		}
		rows = append(rows, []any{b.invoice, s.merchant, b.ID, s.status, "DEMO", number, "EUR", s.cents, open, 0, credited, 0, 0, false,
			date("2026-11-23"), nil, nil, tx.Now, tx.Now})
		all[i], list1 = b, append(list1, b.Order)
	}
	if err := known.Flush(ctx); err != nil {
		return nil, err
	}
	if err := orders.Put(ctx, tx, list1, make([][]orders.Line, len(list1))); err != nil {
		return nil, err
	}
	if err := tx.Put(ctx, invoiceRows, rows); err != nil {
		return nil, err
	}
	return all, ledger.Post(ctx, tx, entries...)
}

// statement is what the bank will write.
type statement struct {
	camt.Statement
	lines []camt.Line
}

// statement makes the next statement of the account: each line gets a reference of the bank, and the balances fit.
func (w *world) statement(lines ...camt.Line) *statement {
	b := &w.bank
	b.sequence++
	s := &statement{Statement: camt.Statement{MessageID: fmt.Sprintf("MSG-%d", b.sequence), ID: fmt.Sprintf("STMT-%d", b.sequence), Sequence: b.sequence,
		Created: calendar.FromMicros(1_795_000_000_000_000), From: b.day, To: b.day, Page: 1, Last: true, IBAN: clientIBAN, Currency: "EUR",
		Opening: camt.Balance{Known: true, Cents: b.balance, On: b.day}}}
	for _, l := range lines {
		b.refs++
		if l.Ref == "" {
			l.Ref = fmt.Sprintf("%016d", b.refs)
		}
		if l.BookedOn.IsZero() {
			l.BookedOn = b.day
		}
		if l.Entry == 0 {
			l.Entry = b.refs
		}
		l.Currency = "EUR"
		b.balance += l.Cents
		s.lines = append(s.lines, l)
	}
	s.Closing = camt.Balance{Known: true, Cents: b.balance, On: b.day}
	b.day = b.day.AddDays(1)
	return s
}

// file writes the statement as a file of version 001.08.
func (s *statement) file(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := camt.Write(&out, camt.V08, s.Statement, slices.Values(s.lines)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// format is how every test reads files.
var format = camt.Format(1 << 30)

func (w *world) try(ctx context.Context, file []byte) (payments.Report, error) {
	return w.im.File(ctx, bytes.NewReader(file), format)
}

// take imports a file that is right.
func (w *world) take(t testing.TB, file []byte) payments.Report {
	t.Helper()
	r, err := w.try(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read runs f on a snapshot.
func (w *world) read(t testing.TB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := w.db.Read(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// number reads one number.
func (w *world) number(t testing.TB, sql string, args ...any) (n int64) {
	t.Helper()
	w.read(t, func(tx *db.Tx) error { return tx.QueryRow(t.Context(), sql, args, &n) })
	return n
}

// posted is the sum of the postings on an account.
func (w *world) posted(t testing.TB, code, subject string) int64 {
	t.Helper()
	return w.number(t, `select cast(coalesce(sum(cents), 0) as bigint) from postings where code = $1 and (subject = $2 or $2 = '')`, code, subject)
}

func (w *world) invoice(t testing.TB, b bill) (v invoices.Invoice) {
	t.Helper()
	w.read(t, func(tx *db.Tx) (err error) {
		v, err = invoices.One(t.Context(), tx, b.Merchant, b.invoice)
		return err
	})
	return v
}

// allocated tells the allocations of all lines as text, in the order in which they were made.
func (w *world) allocated(t testing.TB) (all []string) {
	t.Helper()
	w.read(t, func(tx *db.Tx) error {
		return tx.Each(t.Context(), `select merchant_id, to_account, cents, confidence, made_by from allocations order by id`, nil, func(r db.Row) error {
			var merchant, to, confidence, by string
			var cents int64
			err := r.Scan(&merchant, &to, &cents, &confidence, &by)
			all = append(all, fmt.Sprintf("%s %s %d %s %s", merchant, to, cents, confidence, by))
			return err
		})
	})
	return all
}

// counts tells how many rows there are of everything that an import writes.
func (w *world) counts(t testing.TB) (all string) {
	t.Helper()
	for _, table := range []string{"statements", "bank_lines", "allocations", "entries", "postings", "events"} {
		all += fmt.Sprintf("%s %d ", table, w.number(t, "select count(*) from "+table))
	}
	return all
}

// balanced holds the books against the rows.
func (w *world) balanced(t interface {
	Helper()
	Fatalf(string, ...any)
}, tb testing.TB) {
	t.Helper()
	for _, c := range []struct{ what, rows, books string }{
		{"lines and bank", `select cast(coalesce(sum(cents), 0) as bigint) from bank_lines`,
			`select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'bank'`},
		{"what is left and unallocated", `select cast(coalesce(-sum(left_cents), 0) as bigint) from bank_lines`,
			`select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'unallocated'`},
		{"lines and allocations with what is left", `select cast(coalesce(sum(cents), 0) as bigint) from bank_lines`,
			`select cast(coalesce(sum(left_cents), 0) + (select coalesce(sum(cents), 0) from allocations) as bigint) from bank_lines`},
		{"open amounts and principal", `select cast(coalesce(sum(open_cents), 0) as bigint) from invoices where number is not null`,
			`select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'buyer/principal'`},
		{"held amounts and credit", `select cast(coalesce(-sum(held_cents), 0) as bigint) from invoices`,
			`select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'buyer/credit'`},
		{"lines that do not add up and none", `select 0`,
			`select count(*) from bank_lines b where left_cents <> cents - (select coalesce(sum(cents), 0) from allocations a where a.bank_line_id = b.id)`},
		{"keys of lines and lines", `select count(*) from bank_lines where cents <> 0`, `select count(*) from entries where kind = 'bank-line'`},
		{"allocations and their entries", `select count(*) from allocations`, `select count(*) from entries where kind in ('allocated', 'psp-settled')`},
	} {
		if rows, books := w.number(tb, c.rows), w.number(tb, c.books); rows != books {
			t.Fatalf("%s differ: %d and %d", c.what, rows, books)
		}
	}
}

// pay is a line on which an amount comes in with a structured reference.
func pay(cents int64, reference string) camt.Line {
	issuer := "ISO"
	if len(reference) == 12 {
		issuer = "BBA"
	}
	return camt.Line{Cents: cents, Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", StructuredRef: reference, StructuredIssuer: issuer,
		PartyName: "J. de Vries", PartyIBAN: "NL20INGB0001234567"}
}

// words is a line on which an amount comes in with words.
func words(cents int64, text string) camt.Line {
	return camt.Line{Cents: cents, Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", Text: text, PartyName: "J. de Vries"}
}

// breaking makes a format of which the second reading fails after n lines.
func breaking(n int, err error) payments.Format {
	readings := 0
	return func(file io.Reader) payments.BankFile {
		readings++
		f := &breaker{BankFile: format(file), left: n, err: err}
		if readings == 1 {
			f.left = -1
		}
		return f
	}
}

type breaker struct {
	payments.BankFile
	left int
	err  error
}

func (b *breaker) Next() (payments.Line, error) {
	if b.left == 0 {
		return payments.Line{}, b.err
	}
	b.left--
	return b.BankFile.Next()
}
