package api_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/messages"
	"achteraf/migrations"
	"achteraf/orders"
	"achteraf/payments"
	"achteraf/reports"
	"achteraf/risk"
	"achteraf/web/api"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"
)

// world is an API over its stages, wired as a platform wires them, with two shops.
type world struct {
	place   *dbtest.Place
	d       *db.DB
	access  *access.Access
	intake  *invoices.Intake
	clerk   *invoices.Clerk
	scanner *jobs.Scanner
	config  api.Config
	handler http.Handler
	log     *logBook

	t        testing.TB
	contract *contract // every answer is held to it

	shop, other string // merchants
	key, rival  string // their keys
	readOnly    string // a key of shop that may only read

	rows func(table string) []string // beside the database's own handle
}

// logBook keeps what was logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs f in a world of each engine, beside other tests: most of their time is waiting for a disk.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f(t, newWorld(t, engine))
		})
	}
}

func newWorld(t testing.TB, engine string) *world {
	t.Helper()
	w := &world{t: t, place: dbtest.New(t, engine), log: &logBook{}}
	w.wire(t)
	w.shop, w.key = w.addShop(t, 1, access.AllScopes()...)
	w.other, w.rival = w.addShop(t, 2, access.AllScopes()...)
	w.readOnly = w.addKey(t, w.shop, access.OrdersRead)
	w.contract = contractOf(t, w)
	return w
}

// node is another process on the same database.
func (w *world) node(t testing.TB) *world {
	t.Helper()
	n := *w
	n.wire(t)
	return &n
}

// wire opens the database and puts the stages together.
func (w *world) wire(t testing.TB) {
	t.Helper()
	w.d = w.place.Open(t)
	w.d.BeforeCommit(ledger.Commit)
	line, err := vault.NewLine("k1", dbtest.Chance(7))
	must(t, err)
	v, err := vault.Parse([]byte(line))
	must(t, err)
	policies, err := risk.Default()
	must(t, err)
	chance := dbtest.Chance(11)
	w.access = access.New(v, chance)
	desk := buyers.NewDesk(v, chance)
	w.clerk, err = invoices.NewClerk(desk, merchants.Operator{Country: "NL", VATPercent: "21"})
	must(t, err)
	w.intake = invoices.NewIntake(w.d, w.access, desk, policies, orders.NewReferences(w.d, chance))
	log := slog.New(slog.NewJSONHandler(w.log, nil))
	post, err := messages.New(messages.Config{DB: w.d, Desk: desk, Vault: v}) // nothing is sent here
	must(t, err)
	w.scanner = jobs.NewScanner(w.d, chance, log)
	w.scanner.On(invoices.DueIssue, invoices.SliceSize, w.clerk.Issue)
	w.config = api.Config{DB: w.d, Intake: w.intake, Clerk: w.clerk, Receipts: payments.NewReceipts(w.clerk, v), Reports: reports.New(merchants.Operator{}), Post: post, Files: invoices.NewFiles(invoices.NewLinks(v), "https://betaal.example"), Access: w.access, Wall: w.place.Clock.Now, Random: chance, Log: log,
		CursorKeys: [][]byte{[]byte("a key for the cursors of this test")},
		Document:   w.document, CheckoutURL: "https://pay.example/checkout/",
		Till: invoices.NewTill(w.d, w.access, checkout.NewDesk(v, chance), w.intake, v, false)}
	w.handler = api.New(w.config)
}

// document renders the invoice of an order, as a platform does it.
func (w *world) document(ctx context.Context, merchant, order string) (page []byte, err error) {
	err = w.d.Read(ctx, func(tx *db.Tx) error {
		of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: merchant, ID: order}})
		if err != nil {
			return err
		}
		page, err = w.clerk.Document(ctx, tx, merchant, of[0][0].ID)
		return err
	})
	return page, err
}

func (w *world) addShop(t testing.TB, n int, scopes ...string) (id, key string) {
	t.Helper()
	text, err := os.ReadFile("../../merchants/testdata/shop.toml")
	must(t, err)
	shop, err := merchants.FromTOML(bytes.NewReader(text))
	must(t, err)
	shop.Slug, shop.InvoicePrefix = fmt.Sprintf("shop-%d", n), fmt.Sprintf("S%d", n)
	must(t, w.d.Write(t.Context(), func(tx *db.Tx) error {
		m, err := merchants.Add(t.Context(), tx, shop)
		if err != nil {
			return err
		}
		id = m.ID
		return merchants.Activate(t.Context(), tx, m.ID)
	}))
	return id, w.addKey(t, id, scopes...)
}

func (w *world) addKey(t testing.TB, merchant string, scopes ...string) (key string) {
	t.Helper()
	must(t, w.d.Write(t.Context(), func(tx *db.Tx) (err error) {
		key, _, err = w.access.MakeKey(t.Context(), tx, access.NewKey{Merchant: merchant, Mode: access.Live, Scopes: scopes})
		return err
	}))
	return key
}

// asked is a request to be.
type asked struct {
	method, path, key, idempotency, kind string
	body                                 string
	header                               http.Header
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request and holds the answer to the document.
func (w *world) do(q asked) answered {
	w.t.Helper()
	a := w.plain(q)
	for _, wrong := range w.contract.check(q, a) {
		w.t.Errorf("%s %s: %s", q.method, q.path, wrong)
	}
	return a
}

func (w *world) plain(q asked) answered {
	r := httptest.NewRequest(q.method, "/", strings.NewReader(q.body))
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(q.path, "?")
	if q.body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	if q.key != "" {
		r.Header.Set("Authorization", "Bearer "+q.key)
	}
	if q.idempotency != "" {
		r.Header.Set("Idempotency-Key", q.idempotency)
	}
	if q.kind != "" {
		r.Header.Set("Content-Type", q.kind)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return answered{rec.Code, rec.Header(), rec.Body.Bytes()}
}

func (w *world) get(path string) answered {
	return w.do(asked{method: "GET", path: path, key: w.key})
}

func (w *world) post(path, idempotency, body string) answered {
	return w.do(asked{method: "POST", path: path, key: w.key, idempotency: idempotency, kind: "application/json", body: body})
}

// object reads an answer as JSON.
func (a answered) object(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(a.body, &out); err != nil {
		t.Fatalf("status %d, not an object: %s", a.status, a.body)
	}
	return out
}

// problem is what a problem says.
type problem struct {
	Type, Title, Code, Detail, Instance string
	Status                              int
	Errors                              []struct{ Pointer, Code, Detail string }
}

func (a answered) problem(t testing.TB) problem {
	t.Helper()
	var p problem
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		t.Fatalf("status %d, not a problem: %v: %s", a.status, err, a.body)
	}
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" || p.Status != a.status || p.Type != "/problems/"+p.Code ||
		p.Instance != a.header.Get("Request-Id") || p.Title == "" || p.Detail == "" {
		t.Errorf("a problem that is not whole: %s %s", kind, a.body)
	}
	return p
}

// order is the order of the design with another reference.
func order(reference string) string {
	return strings.Replace(exampleOrder, `"1001"`, fmt.Sprintf("%q", reference), 1)
}

const exampleOrder = `{"reference":"1001","currency":"EUR","prices":"incl_vat","total_cents":5040,
 "lines":[{"reference":"SKU-1","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
 "buyer":{"kind":"consumer","email":"sanne@example.org","language":"nl","phone":"+31612345678","ip":"203.0.113.7","name":{"first":"Sanne","last":"de Vries"},"birth_date":"1990-05-01",
          "address":{"street":"Dorpsstraat","house_number":"1","house_number_suffix":"A","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`

// place places an order that is accepted, by a buyer of its own, and returns its id.
func (w *world) placed(t testing.TB, reference string) string {
	t.Helper()
	body := strings.NewReplacer("sanne@", reference+"@", "de Vries", "van "+reference, "+31612345678", "").Replace(order(reference))
	body = strings.Replace(body, `"phone":"",`, "", 1)
	a := w.post("/v1/orders", "place-"+reference, body)
	if a.status != http.StatusCreated || a.object(t)["status"] != "accepted" {
		t.Fatalf("place %s: %d %s\n%s", reference, a.status, a.body, w.log)
	}
	return a.object(t)["id"].(string)
}

// tableNames are all tables of the schema.
func tableNames(t testing.TB) []string {
	t.Helper()
	var names []string
	files, err := migrations.Files.ReadDir(".")
	must(t, err)
	for _, f := range files {
		text, err := migrations.Files.ReadFile(f.Name())
		must(t, err)
		for _, m := range regexp.MustCompile(`create table (\w+)`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	if len(names) < 20 {
		t.Fatalf("found %d tables", len(names))
	}
	return names
}

// contents is every row of every table, read beside the database's own handle. Table outcomes is left out: it
// is the engine's own, and counts transactions that only locked as well.
func (w *world) contents(t testing.TB) map[string][]string {
	t.Helper()
	if w.rows == nil {
		w.rows = w.reader(t)
	}
	out := map[string][]string{}
	for _, name := range tableNames(t) {
		if name == "outcomes" {
			continue
		}
		out[name] = w.rows(name)
		slices.Sort(out[name])
	}
	return out
}

// reader reads the rows of a table as text.
func (w *world) reader(t testing.TB) func(table string) []string {
	if w.place.Engine == "postgres" {
		return w.postgresReader(t)
	}
	return w.sqliteReader(t)
}

func (w *world) postgresReader(t testing.TB) func(table string) []string {
	t.Helper()
	c, err := pgx.Connect(t.Context(), w.place.URL)
	must(t, err)
	t.Cleanup(func() { c.Close(context.Background()) })
	return func(table string) []string {
		rows, err := c.Query(t.Context(), "select x::text from "+table+" x")
		must(t, err)
		out, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		return out
	}
}

func (w *world) sqliteReader(t testing.TB) func(table string) []string {
	t.Helper()
	d, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(w.place.URL, "sqlite:")+"?mode=ro")
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return func(table string) (out []string) {
		rows, err := d.Query("select * from " + table)
		must(t, err)
		defer rows.Close()
		columns, err := rows.Columns()
		must(t, err)
		for rows.Next() {
			values, places := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				places[i] = &values[i]
			}
			must(t, rows.Scan(places...))
			out = append(out, fmt.Sprint(values...))
		}
		must(t, rows.Err())
		return out
	}
}

// unchanged fails when a table differs from before.
func (w *world) unchanged(t testing.TB, before map[string][]string) {
	t.Helper()
	for name, rows := range w.contents(t) {
		if !slices.Equal(rows, before[name]) {
			t.Errorf("table %s has changed: %d rows before, %d now", name, len(before[name]), len(rows))
		}
	}
}
