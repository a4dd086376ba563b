package older_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/outbound"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/messages"
	"achteraf/platform"
	"achteraf/web/older"
)

// nobody takes every mail.
type nobody struct{}

func (nobody) Send(context.Context, messages.Mail) messages.Result { return messages.Result{} }

// world is a whole platform with one shop on this wire: workflows 1 and 2 as in the demonstration, 3 that needs no
// check, 4 with guarantee.
type world struct {
	*platform.Platform
	t     testing.TB
	place *dbtest.Place
	shop  string
	id    string // of the account
	uuid  string // of the last approved check
	from  string // whence calls come; "": 192.0.2.1
	log   *bytes.Buffer
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) { f(t, newWorld(t, p)) })
}

func newWorld(t testing.TB, p *dbtest.Place) *world {
	t.Helper()
	d := p.Open(t)
	w := &world{t: t, place: p, log: &bytes.Buffer{}}
	v, err := vault.Parse([]byte("world AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
	w.must(err)
	secret, err := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
	w.must(err)
	key, err := ledger.ReadKey(secret)
	w.must(err)
	w.Platform, err = platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Random: dbtest.Chance(3), Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Demo: true, Mailer: nobody{}, MailDomain: "pay.example.org", PublicURL: "https://pay.example.org",
		Outbound: outbound.New(netip.MustParsePrefix("127.0.0.0/8")),
		Operator: merchants.Operator{Name: "Betaal", Country: "NL", VATPercent: "21", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002"}})
	w.must(err)
	w.must(d.LetClockMove(t.Context()))
	w.write(func(ctx context.Context, tx *db.Tx) error {
		w.shop = w.addShop(ctx, tx, "winkel")
		w.id, err = w.Accounts.Open(ctx, tx, w.shop, "demoshop", older.Settings{Prefix: "1AB", TestMode: true})
		return err
	})
	return w
}

// addShop opens a shop with workflows.
func (w *world) addShop(ctx context.Context, tx *db.Tx, slug string) string {
	m, err := merchants.Add(ctx, tx, merchants.New{Slug: slug, Name: "Winkel", LegalName: "Winkel B.V.", Country: "NL",
		Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000010",
		VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: strings.ToUpper(slug),
		Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
		Contract: merchants.StandardContract(), Terms: merchants.TermsText{Version: "1"}})
	w.must(err)
	w.must(merchants.Activate(ctx, tx, m.ID))
	zone, err := calendar.ZoneOf("NL")
	w.must(err)
	for n := range int64(4) {
		c := merchants.StandardContract()
		c.Workflow, c.ConsumerLimitCents, c.OrderLimitCents, c.Unchecked = n+1, 2_500_00, 2_500_00, n+1 == 3
		if n+1 == 4 {
			c.Model = merchants.Guaranteed
		}
		_, err = merchants.AddContract(ctx, tx, m.ID, zone.DateOf(tx.Now), c)
		w.must(err)
	}
	return m.ID
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx *db.Tx) error { return f(w.t.Context(), tx) }))
}

// set changes the settings of the shop's account, and lets what was remembered of it be forgotten.
func (w *world) set(change func(*older.Settings)) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *db.Tx) error { return w.Accounts.Set(ctx, tx, w.shop, change) })
	w.place.Clock.Advance(6 * time.Second)
}

// now is business time.
func (w *world) now() (now calendar.Instant) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error { now = tx.Now; return nil }))
	return now
}

// count counts the rows of a table.
func (w *world) count(table string) (n int) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(w.t.Context(), `select count(*) from `+table, nil, &n)
	}))
	return n
}

var signed = regexp.MustCompile(`<URL>[^<]+</URL>`)

var uuids = regexp.MustCompile(`<UUID>([0-9a-f-]{36})</UUID>`)

// send hands the platform a request as bytes and returns the answer's body.
func (w *world) send(raw string) string {
	w.t.Helper()
	code, _, body := w.answer(raw)
	if code != http.StatusOK {
		w.t.Fatalf("answers %d: %s", code, body)
	}
	if m := uuids.FindStringSubmatch(body); m != nil {
		w.uuid = m[1]
	}
	return body
}

// answer hands the platform a request: a line, headers, an empty line, the message. {id} and {uuid} are filled in.
func (w *world) answer(raw string) (int, http.Header, string) {
	w.t.Helper()
	raw = strings.NewReplacer("{id}", w.id, "{uuid}", w.uuid).Replace(raw)
	head, body, _ := strings.Cut(raw, "\n\n")
	head = strings.ReplaceAll(head, "\n", "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(body))
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + body)))
	w.must(err)
	r = r.WithContext(w.t.Context())
	r.RemoteAddr = cmp.Or(w.from, "192.0.2.1") + ":40000"
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	out, err := io.ReadAll(rec.Body)
	w.must(err)
	return rec.Code, rec.Header(), string(out)
}

// api wraps fields into a message and sends it to a service.
func (w *world) api(service, fields string) string {
	w.t.Helper()
	return w.send("POST /api/" + service + " HTTP/1.1\nHost: x\n\n" + envelope(fields))
}

func envelope(fields string) string {
	return "<API><VERSION>BILLINK2.0</VERSION><CLIENTUSERNAME>demoshop</CLIENTUSERNAME><CLIENTID>{id}</CLIENTID>" + fields + "</API>"
}

// code is the code of an answer: of its error, or of its MSG.
func code(body string) string {
	m := regexp.MustCompile(`<(?:ERROR|MSG)><CODE>(-?[0-9]+)</CODE>`).FindStringSubmatch(body)
	if m == nil {
		return body
	}
	return m[1]
}

// private is a consumer's check; edit replaces fields: "PHONENUMBER=" takes one out.
func private(edit ...string) string {
	return fieldsOf("TYPE=P WORKFLOWNUMBER=1 FIRSTNAME=Sanne LASTNAME=Dijk STREET=Lindelaan HOUSENUMBER=8 HOUSEEXTENSION=B POSTALCODE=3511AX CITY=Utrecht COUNTRYCODE=NL PHONENUMBER=0611223344 BIRTHDATE=17-03-1988 EMAIL=sanne@example.org ORDERAMOUNT=84.70", edit)
}

// business is a company's check.
func business(edit ...string) string {
	return fieldsOf("TYPE=B WORKFLOWNUMBER=1 COMPANYNAME=Tuinen CHAMBEROFCOMMERCE=KvK12345 FIRSTNAME=Sanne LASTNAME=Dijk STREET=Lindelaan HOUSENUMBER=8 POSTALCODE=3511AX CITY=Utrecht PHONENUMBER=0611223344 EMAIL=tuin@example.org ORDERAMOUNT=84.70", edit)
}

func fieldsOf(base string, edit []string) string {
	var names []string
	values := map[string]string{}
	for _, pair := range append(strings.Fields(base), edit...) {
		name, value, _ := strings.Cut(pair, "=")
		if _, ok := values[name]; !ok {
			names = append(names, name)
		}
		values[name] = value
	}
	var b strings.Builder
	for _, n := range names {
		if values[n] != "" {
			fmt.Fprintf(&b, "<%s>%s</%s>", n, values[n], n)
		}
	}
	return b.String()
}

const oneItem = "<ORDERITEMS><ITEM><CODE>A</CODE><DESCRIPTION>Spade</DESCRIPTION><ORDERQUANTITY>2</ORDERQUANTITY><PRICEINCL>42.35</PRICEINCL><BTW>21</BTW></ITEM></ORDERITEMS>"

// accepted checks and orders under a number.
func (w *world) accepted(number string) {
	w.t.Helper()
	if got := code(w.api("check", private())); got != "500" {
		w.t.Fatalf("check: %s", got)
	}
	if got := w.api("order", private("ORDERNUMBER="+number, "CHECKUUID={uuid}")+oneItem); code(got) != "200" {
		w.t.Fatalf("order: %s", got)
	}
}

func list(numbers ...string) string {
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, "<ITEM><INVOICENUMBER>%s</INVOICENUMBER></ITEM>", n)
	}
	return "<INVOICES>" + b.String() + "</INVOICES>"
}
