package verify

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"
)

const shop = "mer_00000000000000000001"

// world is a database with a sealed journal, and who signs it.
type world struct {
	*db.DB
	place  *dbtest.Place
	key    *ledger.Key
	sealer *ledger.Sealer
	next   int
}

func newWorld(t testing.TB, engine string) *world {
	t.Helper()
	w := &world{place: dbtest.New(t, engine), key: newKey(t, 1)}
	w.DB = w.open(t)
	w.sealer = ledger.NewSealer(w.key)
	return w
}

func newKey(t testing.TB, seed uint64) *ledger.Key {
	t.Helper()
	secret, err := ledger.GenerateKey(dbtest.Chance(seed), "achteraf/test/log")
	if err != nil {
		t.Fatal(err)
	}
	k, err := ledger.ReadKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// open opens the database once more, as another process would.
func (w *world) open(t testing.TB) *db.DB {
	t.Helper()
	d := w.place.Open(t)
	d.BeforeCommit(ledger.Commit)
	return d
}

// sale is what happens to one invoice of cents: issued, money received, allocated. The money comes by an account
// that no row explains: these journals have no stages.
func (w *world) sale(cents int64) []ledger.Entry {
	w.next++
	merchant := fmt.Sprintf("mer_%020d", w.next%3+1)
	invoice, line := fmt.Sprintf("inv_%020d", w.next), fmt.Sprintf("bl_%020d", w.next)
	entry := func(merchant, key, kind string, legs ...ledger.Leg) ledger.Entry {
		return ledger.Entry{Merchant: merchant, Key: key, Kind: kind, Currency: "EUR", Legs: legs}
	}
	return []ledger.Entry{
		entry(merchant, invoice+"/issued", "invoice-issued", ledger.Leg{Code: ledger.BuyerPrincipal, Subject: invoice, Cents: cents},
			ledger.Leg{Code: ledger.MerchantPending, Cents: -cents}, ledger.Leg{Code: ledger.MerchantPending, Cents: 121}, ledger.Leg{Code: ledger.IncomeFees, Cents: -100}, ledger.Leg{Code: ledger.TaxVAT, Cents: -21}),
		entry(ledger.Operator, line+"/received", "bank-line", ledger.Leg{Code: ledger.TransitRefunds, Cents: cents},
			ledger.Leg{Code: ledger.Unallocated, Subject: line, Cents: -cents}),
		entry(merchant, line+"/allocated", "allocated", ledger.Leg{Code: ledger.Unallocated, Subject: line, Cents: cents},
			ledger.Leg{Code: ledger.BuyerPrincipal, Subject: invoice, Cents: -cents}),
	}
}

func post(t testing.TB, d *db.DB, entries ...ledger.Entry) {
	t.Helper()
	if err := d.Write(t.Context(), func(tx *db.Tx) error { return ledger.Post(t.Context(), tx, entries...) }); err != nil {
		t.Fatal(err)
	}
}

func (w *world) seal(t testing.TB) {
	t.Helper()
	if _, err := w.sealer.Seal(t.Context(), w.DB); err != nil {
		t.Fatal(err)
	}
}

// fill posts a journal of about 3·sales entries by two writers, sealed in several rounds, with a tail that is not.
func (w *world) fill(t testing.TB, sales int) {
	t.Helper()
	other := w.open(t)
	for i := range sales {
		on := []*db.DB{w.DB, other}[i%2]
		post(t, on, w.sale(int64(1000+i))...)
		if i%4 == 0 {
			post(t, on, w.sale(int64(5000+i))...)
		}
		if i%(sales/8) == sales/8-1 {
			w.seal(t)
			w.place.Clock.Advance(1e9)
		}
	}
	for range 3 {
		post(t, w.DB, w.sale(777)...)
	}
}

func (w *world) options() Options { return Options{PublicKey: w.key.Public} }

var errUndo = errors.New("undo")

// undone runs f in a transaction that is then rolled back, and returns what f returned.
func undone(ctx context.Context, d *db.DB, f func(tx *db.Tx) error) (said error) {
	err := d.Write(ctx, func(tx *db.Tx) error {
		said = f(tx)
		return errUndo
	})
	if said == nil && !errors.Is(err, errUndo) {
		said = err
	}
	return said
}

// found returns the name of the check that found a difference.
func found(err error) string {
	if d, ok := errors.AsType[*Difference](err); ok {
		return d.Check
	}
	return ""
}

// kind is the type of a column.
type kind int

const (
	text kind = iota
	bigint
	blob
	instant
)

// shape is a table as a tamperer sees it.
type shape struct {
	name    string
	keys    int // the first columns are the key
	columns []string
	kinds   []kind
	sealed  string // which rows are sealed
}

const inSeals = " t where exists (select 1 from seals s where s.writer = t.writer and s.seq = t.seq)"

var shapes = []shape{
	{"entries", 4, []string{"writer", "seq", "n", "merchant_id", "key", "kind", "posted_at", "currency"},
		[]kind{text, bigint, bigint, text, text, text, instant, text}, inSeals},
	{"postings", 5, []string{"writer", "seq", "n", "leg", "merchant_id", "code", "subject", "cents"},
		[]kind{text, bigint, bigint, bigint, text, text, text, bigint}, inSeals},
	{"commits", 2, []string{"writer", "seq", "entries", "digest", "committed_at"}, []kind{text, bigint, bigint, blob, instant}, inSeals},
	{"seals", 1, []string{"first_place", "writer", "seq", "entries"}, []kind{bigint, text, bigint, bigint}, ""},
	{"log_tiles", 2, []string{"level", "n", "width", "data"}, []kind{bigint, bigint, bigint, blob}, ""},
	{"checkpoints", 1, []string{"size", "note", "sealed_at"}, []kind{bigint, text, instant}, ""},
	{"balances", 4, []string{"code", "merchant_id", "subject", "currency", "cents", "entries", "place"},
		[]kind{text, text, text, text, bigint, bigint, bigint}, ""},
}

// load reads the sealed rows of a table.
func (s *shape) load(ctx context.Context, tx *db.Tx) (rows [][]any, err error) {
	sql := "select "
	for i, c := range s.columns {
		if i > 0 {
			sql += ", "
		}
		sql += c
	}
	err = tx.Each(ctx, sql+" from "+s.name+s.sealed, nil, func(r db.Row) error {
		dest, row := make([]any, len(s.kinds)), make([]any, len(s.kinds))
		for i, k := range s.kinds {
			dest[i] = []any{new(string), new(int64), new([]byte), new(calendar.Instant)}[k]
		}
		err := r.Scan(dest...)
		for i := range dest {
			switch d := dest[i].(type) {
			case *string:
				row[i] = *d
			case *int64:
				row[i] = *d
			case *[]byte:
				row[i] = *d
			case *calendar.Instant:
				row[i] = *d
			}
		}
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// where is the condition for one row, with its parameters after those given.
func (s *shape) where(row []any, args ...any) (string, []any) {
	sql := ""
	for i := range s.keys {
		args = append(args, row[i])
		if i > 0 {
			sql += " and "
		}
		sql += fmt.Sprintf("%s = $%d", s.columns[i], len(args))
	}
	return " where " + sql, args
}

func (s *shape) set(ctx context.Context, tx *db.Tx, row []any, column int, value any) error {
	where, args := s.where(row, value)
	return one(tx.Exec(ctx, "update "+s.name+" set "+s.columns[column]+" = $1"+where, args...))
}

func (s *shape) drop(ctx context.Context, tx *db.Tx, row []any) error {
	where, args := s.where(row)
	return one(tx.Exec(ctx, "delete from "+s.name+where, args...))
}

func (s *shape) insert(ctx context.Context, tx *db.Tx, row []any) error {
	sql, marks := "", ""
	for i, c := range s.columns {
		if i > 0 {
			sql, marks = sql+", ", marks+", "
		}
		sql, marks = sql+c, marks+fmt.Sprintf("$%d", i+1)
	}
	return one(tx.Exec(ctx, "insert into "+s.name+" ("+sql+") values ("+marks+")", row...))
}

func one(n int64, err error) error {
	if err == nil && n != 1 {
		err = fmt.Errorf("%d rows changed", n)
	}
	return err
}
