package buyer_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
	"achteraf/internal/words"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/orders"
	"achteraf/platform"
	"achteraf/providers/camt"
	"achteraf/providers/mailbox"
)

var operator = merchants.Operator{
	Name: "Betaalhuis", LegalName: "Betaalhuis Voorbeeld B.V.", Street: "Voorbeeldkade", HouseNumber: "1", Postcode: "1234AB", City: "Voorbeeld",
	Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", VATPercent: "21", Email: "service@betaalhuis.example",
	Phone: "+31201234567", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002", BIC: "ACHTNL2A", AccountName: "Stichting Derdengelden & Co",
}

const home = "https://my.example"

// world is a platform with one shop that mails into a box, and with its pages.
type world struct {
	*platform.Platform
	t     *testing.T
	clock *dbtest.Clock
	box   *mailbox.Box
	key   string
	shop  string
	n     int

	files, balance int64 // of the bank
}

func eachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) { f(t, newWorld(t, p)) })
}

func newWorld(t *testing.T, p *dbtest.Place) *world {
	t.Helper()
	w := &world{t: t, clock: p.Clock, box: &mailbox.Box{}}
	d := p.Open(t)
	w.open(d, worldKey)
	w.must(d.LetClockMove(t.Context()))
	w.write(func(tx *db.Tx) error {
		m, err := merchants.Add(t.Context(), tx, merchants.New{Slug: "winkel", Name: "Loopschuur", LegalName: "Winkel B.V.", Country: "NL",
			Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000010",
			VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: "WINKEL",
			Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
			Contract: merchants.StandardContract(), Terms: merchants.TermsText{Version: "2026-01"}})
		if err != nil {
			return err
		}
		w.shop = m.ID
		if err := merchants.Activate(t.Context(), tx, m.ID); err != nil {
			return err
		}
		w.key, _, err = w.Access.MakeKey(t.Context(), tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
		return err
	})
	return w
}

const worldKey = "world AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// open starts the platform, on these master keys.
func (w *world) open(d *db.DB, keys string) {
	w.t.Helper()
	v, err1 := vault.Parse([]byte(keys))
	secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
	key, err3 := ledger.ReadKey(secret)
	w.must(cmp.Or(err1, err2, err3))
	var err error
	w.Platform, err = platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Operator: operator, Random: dbtest.Chance(3),
		Log: slog.New(slog.DiscardHandler), Mailer: w.box, MailDomain: "betaalhuis.example", PublicURL: home})
	w.must(err)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(f func(*db.Tx) error) { w.t.Helper(); w.must(w.DB.Write(w.t.Context(), f)) }
func (w *world) read(f func(*db.Tx) error)  { w.t.Helper(); w.must(w.DB.Read(w.t.Context(), f)) }
func (w *world) settle()                    { w.t.Helper(); w.must(w.Settle(w.t.Context())) }

type ordered struct {
	ID       string
	Invoices []struct{ ID string }
}

// place places an order of a person, one for each address.
func (w *world) place(email, language, what string, cents int) (o ordered) {
	w.t.Helper()
	w.n++
	description, err := json.Marshal(what)
	w.must(err)
	r := httptest.NewRequest(http.MethodPost, "/v1/orders", strings.NewReader(fmt.Sprintf(`{"reference":"P-%[1]d","currency":"EUR","prices":"incl_vat","total_cents":%[5]d,
"lines":[{"reference":"A","kind":"goods","description":%[4]s,"quantity":1,"unit_price_cents":%[5]d,"vat_percent":"21","return_mark":null}],
"buyer":{"kind":"consumer","email":%[2]q,"language":%[3]q,"ip":"203.0.113.7","name":{"first":"Jo","last":%[6]q},"birth_date":"1985-03-01",
"address":{"street":"Dorpsstraat","house_number":"1","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`, w.n, email, language, description, cents,
		"Koper "+strings.Split(email, "@")[0])))
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprint("key-", w.n))
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusCreated || !strings.Contains(rec.Body.String(), `"status":"accepted"`) {
		w.t.Fatalf("order: %d %s", rec.Code, rec.Body)
	}
	w.must(json.Unmarshal(rec.Body.Bytes(), &o))
	return o
}

// days lets days pass; all that falls due on the way happens.
func (w *world) days(n int) {
	w.t.Helper()
	var now calendar.Instant
	w.read(func(tx *db.Tx) error { now = tx.Now; return nil })
	w.must(w.MoveTo(w.t.Context(), now.Add(time.Duration(n)*24*time.Hour+time.Hour)))
}

// pay brings money in at the bank.
func (w *world) pay(o ordered, cents int64) {
	w.t.Helper()
	var found orders.Order
	w.read(func(tx *db.Tx) (err error) { found, err = orders.One(w.t.Context(), tx, w.shop, o.ID); return err })
	w.files++
	day := calendar.NewDate(2026, 11, 23)
	line := camt.Line{Cents: cents, Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", StructuredRef: found.PaymentReference, StructuredIssuer: "ISO",
		PartyName: "J. Koper", PartyIBAN: "NL20INGB0001234567", Ref: fmt.Sprintf("%016d", w.files), BookedOn: day, Entry: 1, Currency: "EUR"}
	s := camt.Statement{MessageID: fmt.Sprint("MSG-", w.files), ID: fmt.Sprint("STMT-", w.files), Sequence: w.files,
		Created: calendar.FromMicros(1_795_000_000_000_000), From: day, To: day, Page: 1, Last: true, IBAN: operator.ClientIBAN, Currency: "EUR",
		Opening: camt.Balance{Known: true, Cents: w.balance, On: day}, Closing: camt.Balance{Known: true, Cents: w.balance + cents, On: day}}
	w.balance += cents
	var file bytes.Buffer
	w.must(camt.Write(&file, camt.V08, s, slices.Values([]camt.Line{line})))
	r, err := w.Importer.File(w.t.Context(), bytes.NewReader(file.Bytes()), camt.Format(1<<20))
	w.must(err)
	if r.Matched != 1 {
		w.t.Fatalf("%+v", r)
	}
	w.settle()
}

func (w *world) credit(o ordered, cents int64) (id string) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		c, err := w.Clerk.Credit(w.t.Context(), tx, invoices.CreditAsk{Merchant: w.shop, Order: o.ID, Cents: cents, Reason: "return"})
		id = c.ID
		return err
	})
	w.settle()
	return id
}

func (w *world) hold(o ordered, kind string) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		_, err := invoices.SetHold(w.t.Context(), tx, invoices.Hold{Merchant: w.shop, Invoice: o.Invoices[0].ID, Kind: kind, From: tx.Now, SetBy: "test", Reason: "asked"})
		return err
	})
}

// browser is one person's, with its cookies.
type browser struct {
	*world
	cookies map[string]*http.Cookie
	accepts string
	agent   string
}

func (w *world) browser() *browser {
	return &browser{world: w, cookies: map[string]*http.Cookie{}, accepts: "nl"}
}

// answer is a page as it came.
type answer struct {
	status int
	header http.Header
	raw    string
	text   string // without marks of HTML
	to     string
}

func (b *browser) send(method, target string, form url.Values) answer {
	b.t.Helper()
	r := httptest.NewRequest(method, home+target, strings.NewReader(form.Encode()))
	r.RemoteAddr = "203.0.113.9:1234"
	r.Header.Set("Accept-Language", b.accepts)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("User-Agent", b.agent)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	rec := httptest.NewRecorder()
	b.Handler().ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			b.t.Errorf("cookie %+v", c)
		}
		b.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	raw := rec.Body.String()
	text := strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(raw, " "))), " ")
	return answer{rec.Code, rec.Header(), raw, text, rec.Header().Get("Location")}
}

var tag = regexp.MustCompile(`<[^>]*>`)

func (b *browser) get(target string) answer { b.t.Helper(); return b.send(http.MethodGet, target, nil) }
func (b *browser) post(target string, pairs ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.send(http.MethodPost, target, form)
}

var (
	linkIn = regexp.MustCompile(home + `(/my/link/\S+)`)
	codeIn = regexp.MustCompile("[2-9A-Z]{4}\u00a0[2-9A-Z]{4}")
)

// ask asks for a link and reads the letter; link and code are "" when none came.
func (b *browser) ask(email string) (link, code string) {
	b.t.Helper()
	before := len(b.box.Mails())
	if a := b.post("/my", "email", email); a.status != http.StatusSeeOther || a.to != "/my/code" {
		b.t.Fatalf("%d to %q", a.status, a.to)
	}
	b.settle()
	for _, m := range b.box.Mails()[before:] {
		if found := linkIn.FindStringSubmatch(m.Text); found != nil {
			if m.To != email {
				b.t.Errorf("to %s", m.To)
			}
			return found[1], codeIn.FindString(m.Text)
		}
	}
	return "", ""
}

// in signs in.
func (b *browser) in(email string) *browser {
	b.t.Helper()
	link, _ := b.ask(email)
	if a := b.post(link); a.status != http.StatusSeeOther || a.to != "/my" {
		b.t.Fatalf("sign-in: %d %s", a.status, a.text)
	}
	return b
}

func (a answer) wants(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.text)
	}
	for _, want := range texts {
		if !strings.Contains(a.text, want) {
			t.Errorf("no %q in %s", want, a.text)
		}
	}
}

const sanne, other = "sanne@example.org", "other@example.org"

// TestSignInByMail_S_APP_02 goes the whole way: form, mail, link, button, overview, out again. Opening the link changes
// nothing, and it works once.
func TestSignInByMail_S_APP_02(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "nl", "Trailschoenen", 8990)
		w.settle()
		b := w.browser()
		b.get("/my").wants(t, http.StatusOK, "Inloggen", "Stuur me een link")
		b.post("/my", "email", "sanne at example").wants(t, http.StatusUnprocessableEntity, "Dit adres is niet compleet")
		if a := b.post("/my", "email", `"><script>x`); !strings.Contains(a.raw, `value="&#34;&gt;&lt;script&gt;x"`) {
			t.Error("what was typed is gone, or is code")
		}
		link, code := b.ask(sanne)
		if link == "" || code == "" {
			t.Fatal("no letter")
		}
		b.get("/my/code").wants(t, http.StatusOK, "Kijk in je mail")
		for range 3 {
			a := b.get(link)
			a.wants(t, http.StatusOK, "Druk op de knop")
			if strings.Contains(a.raw, `name="code"`) || a.header.Get("Cache-Control") != "no-store" {
				t.Error("the page of the link")
			}
		}
		if a := b.post(link); a.status != http.StatusSeeOther || a.to != "/my" || b.cookies[access.SessionCookie] == nil || b.cookies[access.BrowserCookie] != nil {
			t.Fatalf("%d %v", a.status, b.cookies)
		}
		b.get("/my").wants(t, http.StatusOK, "Nu niets te betalen", "Trailschoenen")
		b.get("/my/me").wants(t, http.StatusOK, "Uitloggen")
		for _, a := range []answer{b.post(link), b.get(link)} { // who went back is led on
			if a.status != http.StatusSeeOther || a.to != "/my" {
				t.Errorf("the used link, signed in: %d %s", a.status, a.to)
			}
		}
		if a := b.post("/my/out"); a.status != http.StatusSeeOther || len(b.cookies) != 0 {
			t.Errorf("%d %v", a.status, b.cookies)
		}
		b.post(link).wants(t, http.StatusConflict, "Deze link is al gebruikt")
		b.get("/my").wants(t, http.StatusOK, "Stuur me een link")
	})
}

// TestLinkElsewhere_S_APP_02: another browser needs the code too, and the code alone is enough in the one that asked.
func TestLinkElsewhere_S_APP_02(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "nl", "Trailschoenen", 8990)
		asked, there := w.browser(), w.browser()
		link, code := asked.ask(sanne)
		there.get(link).wants(t, http.StatusOK, "andere browser")
		there.post(link).wants(t, http.StatusUnprocessableEntity, "niet de code")
		a := there.post(link, "code", "22222222")
		a.wants(t, http.StatusUnprocessableEntity, "niet de code")
		if !strings.Contains(a.raw, `value="22222222"`) {
			t.Error("what was typed is gone")
		}
		there.post(link, "code", strings.ToLower(code)).wants(t, http.StatusSeeOther)
		there.get("/my").wants(t, http.StatusOK, "Trailschoenen")
		asked.get("/my").wants(t, http.StatusOK, "Stuur me een link")

		_, code = asked.ask(sanne)
		asked.post("/my/code", "code", "33333333").wants(t, http.StatusUnprocessableEntity, "niet de code")
		asked.post("/my/code", "code", code).wants(t, http.StatusSeeOther)
		asked.get("/my").wants(t, http.StatusOK, "Trailschoenen")

		link, _ = asked.ask(sanne)
		stranger := w.browser()
		for range 5 {
			stranger.post(link, "code", "44444444")
		}
		stranger.post(link, "code", "44444444").wants(t, http.StatusConflict, "te vaak niet")
		if a := stranger.get("/my/code"); a.status != http.StatusSeeOther || a.to != "/my" {
			t.Errorf("a code without a question: %d", a.status)
		}
	})
}

// TestOldLinks_S_APP_02: too old, invented or cut off, each has its page and the way to a new link.
func TestOldLinks_S_APP_02(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "nl", "Trailschoenen", 8990)
		b := w.browser()
		link, _ := b.ask(sanne)
		w.clock.Advance(15 * time.Minute)
		for _, a := range []answer{b.get(link), b.post(link)} {
			a.wants(t, http.StatusConflict, "Deze link is te oud", "Vraag een nieuwe link")
		}
		b.get(link[:30]).wants(t, http.StatusNotFound, "Deze link kennen we niet")
		b.post("/my/link/x").wants(t, http.StatusNotFound, "Vraag een nieuwe link")
		if b.cookies[access.SessionCookie] != nil {
			t.Error("a session")
		}
	})
}

// TestSameAnswer_S_APP_02: known or not, the pages are the same to the letter; only no mail goes out.
func TestSameAnswer_S_APP_02(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "nl", "Trailschoenen", 8990)
		w.settle()
		see := func(email string) (all []string) {
			b := w.browser()
			a := b.post("/my", "email", email)
			c := b.cookies[access.BrowserCookie]
			all = append(all, fmt.Sprint(a.status, a.to, a.raw, len(c.Value), c.MaxAge), b.get("/my/code").raw)
			wrong := b.post("/my/code", "code", "22222222")
			return append(all, fmt.Sprint(wrong.status, wrong.raw))
		}
		before := len(w.box.Mails())
		a, b := see(sanne), see("nobody@example.org")
		for i := range a {
			if a[i] != b[i] {
				t.Errorf("step %d differs:\n%s\n%s", i, a[i], b[i])
			}
		}
		w.settle()
		if got := len(w.box.Mails()) - before; got != 1 {
			t.Errorf("%d mails", got)
		}
	})
}

// TestFlood_S_APP_02: after five questions for one address there is a page that says so.
func TestFlood_S_APP_02(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		b := w.browser()
		for range 5 {
			b.post("/my", "email", "nobody@example.org").wants(t, http.StatusSeeOther)
		}
		b.post("/my", "email", "nobody@example.org").wants(t, http.StatusTooManyRequests, "Wacht even", "Over 15 minuten")
		b.post("/my", "email", "somebody@example.org").wants(t, http.StatusSeeOther)
	})
}

// TestForeignOrders_S_APP_06: what another address ordered is not there, whichever way one asks.
func TestForeignOrders_S_APP_06(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		mine, theirs := w.place(sanne, "nl", "Trailschoenen", 8990), w.place(other, "nl", "Braadpan", 3995)
		w.days(3)
		note := w.credit(theirs, 500)
		b := w.browser().in(sanne)
		b.get("/my/orders/"+mine.ID).wants(t, http.StatusOK, "Trailschoenen")
		if a := b.get("/my"); strings.Contains(a.text, "Braadpan") || strings.Contains(a.raw, theirs.ID) {
			t.Error("another's order in the overview")
		}
		for _, path := range []string{theirs.ID, theirs.ID + "/papers/invoice.pdf", theirs.ID + "/papers/invoice.html", theirs.ID + "/papers/" + note + ".pdf",
			mine.ID + "/papers/" + note + ".pdf", mine.ID + "/papers/" + note + ".html", theirs.ID + "/papers/invoice.xml", mine.ID + "/papers/invoice.exe", "ord_0", "x'--"} {
			a := b.get("/my/orders/" + url.PathEscape(path[:4]) + path[4:])
			if a.status != http.StatusNotFound || strings.Contains(a.text, "Braadpan") {
				t.Errorf("%s: %d", path, a.status)
			}
		}
		if a := w.browser().get("/my/orders/" + mine.ID); a.status != http.StatusSeeOther || a.to != "/my" {
			t.Errorf("not signed in: %d", a.status)
		}
		if a := w.browser().get("/my/orders/" + mine.ID + "/papers/invoice.pdf"); a.status != http.StatusSeeOther {
			t.Errorf("not signed in: %d", a.status)
		}
	})
}

// TestOrderPage follows one order: its sums are the ledger's, and its documents are there.
func TestOrderPage_S_APP_06(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place(sanne, "nl", "Trailschoenen <b>", 8990)
		b := w.browser().in(sanne)
		at := "/my/orders/" + o.ID
		b.get(at).wants(t, http.StatusOK, "Nu niets te betalen", "We sturen je de rekening", "rekening komt nog")
		w.days(3)
		a := b.get(at)
		a.wants(t, http.StatusOK, "Te betalen aan Betaalhuis", "€ 89,90", "Je hebt nog 16 dagen", "Zelf overboeken", "NL20ACHT0000000001", "Stichting Derdengelden & Co",
			"Rekening WINKEL-2026-000001", "Kosten voor laat betalen", "Betaal € 89,90", "Trailschoenen <b>")
		if !regexp.MustCompile(`href="/pay/\w+\?lang=nl"`).MatchString(a.raw) || strings.Contains(a.raw, "<b>,") {
			t.Error("no way to pay, or code in the page")
		}
		for name, kind := range map[string]string{"invoice.pdf": "application/pdf", "invoice.html": "text/html; charset=utf-8", "invoice.xml": "application/xml"} {
			got := b.get(at + "/papers/" + name)
			if got.status != http.StatusOK || got.header.Get("Content-Type") != kind || len(got.raw) < 1000 || strings.Contains(got.header.Get("Content-Security-Policy"), "unsafe") {
				t.Errorf("%s: %d %v", name, got.status, got.header)
			}
		}
		note := w.credit(o, 1000)
		w.pay(o, 3000)
		b.get(at).wants(t, http.StatusOK, "€ 49,90", "Loopschuur crediteerde € 10,00", "Je betaling van € 30,00 kwam binnen", "Creditnota, PDF", "−10,00", "−30,00")
		if got := b.get(at + "/papers/" + note + ".pdf"); got.status != http.StatusOK || !strings.HasPrefix(got.raw, "%PDF") {
			t.Errorf("credit note: %d", got.status)
		}
		if got := b.get(at + "/papers/" + note + ".xml"); got.status != http.StatusOK || !strings.Contains(got.raw, "<CreditNote ") {
			t.Errorf("credit note as data: %d", got.status)
		}
		b.get("/my").wants(t, http.StatusOK, "Nu te betalen, één rekening", "€ 49,90")
		w.hold(o, "return")
		a = b.get(at)
		a.wants(t, http.StatusOK, "Nu niets te betalen", "€ 49,90 wacht", "gepauzeerd om retour")
		if strings.Contains(a.text, "Zelf overboeken") || strings.Contains(a.raw, "/pay/") {
			t.Error("a way to pay what waits")
		}
		w.pay(o, 4990)
		b.get(at).wants(t, http.StatusOK, "Betaald op", "Er volgt niets meer")
		b.get("/my").wants(t, http.StatusOK, "Nu niets te betalen", "Klaar", "betaald")
	})
}

// TestOverview_S_APP_06: several bills, one late, with search; a new order is there at once (S-APP-08).
func TestOverview_S_APP_06_S_APP_08(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "nl", "Trailschoenen", 8990)
		w.days(3)
		w.place(sanne, "nl", "Braadpan", 3995)
		w.days(3)
		b := w.browser().in(sanne)
		w.place(sanne, "nl", "Staande lamp", 14900)
		a := b.get("/my")
		a.wants(t, http.StatusOK, "Nu te betalen, 2 rekeningen", "€ 129,85", "Eerst € 89,90", "Kies wat je betaalt", "Staande lamp", "Nog niet te betalen")
		if len(a.raw) > 60_000 {
			t.Errorf("%d bytes", len(a.raw))
		}
		found := b.get("/my/bills?q=braad")
		found.wants(t, http.StatusOK, "Braadpan", "Toon alles", "1 tot en met 1 van 1")
		if strings.Contains(found.text, "Staande lamp") {
			t.Error("what was not searched for")
		}
		b.get("/my/bills?q=vliegtuig").wants(t, http.StatusOK, "Niets gevonden")
		b.get("/my/bills?q="+strings.Repeat("%ff", 300)+"&page=zz").wants(t, http.StatusOK)
		w.days(16)
		b.in(sanne).get("/my").wants(t, http.StatusOK, "De betaaldag van € 89,90 was", "te laat")
	})
}

// TestLanguages: the pages of a person are in their own language, and in each other when they choose it.
func TestLanguages(t *testing.T) {
	w := newWorld(t, dbtest.New(t, "sqlite"))
	o := w.place(sanne, "fr", "Trailschoenen", 8990)
	w.days(3)
	b := w.browser()
	b.accepts = "de"
	b.get("/my").wants(t, http.StatusOK, "Senden Sie mir einen Link")
	b.in(sanne)
	b.get("/my").wants(t, http.StatusOK, "À payer maintenant, une facture")
	b.get("/my/orders/"+o.ID).wants(t, http.StatusOK, "Pourquoi dois-je payer cela ?")
	for l, want := range map[words.Lang][2]string{words.NL: {"Te betalen", "Waarom moet ik"}, words.FR: {"À payer", "Pourquoi dois-je"}, words.EN: {"To pay", "Why do I owe"}, words.DE: {"Zu zahlen", "Warum muss ich"}} {
		a := b.get("/my?lang=" + string(l))
		a.wants(t, http.StatusOK, want[0])
		if !strings.Contains(a.raw, `<html lang="`+string(l)+`"`) || !strings.Contains(a.raw, "/my/orders/"+o.ID+"?lang="+string(l)) {
			t.Errorf("%s is not handed on", l)
		}
		b.get("/my/orders/"+o.ID+"?lang="+string(l)).wants(t, http.StatusOK, want[1])
	}
	// The letter is in the language of the page on which it was asked for.
	c := w.browser()
	c.post("/my?lang=en", "email", sanne)
	w.settle()
	mails := w.box.Mails()
	if m := mails[len(mails)-1]; !strings.HasPrefix(m.Subject, "Your sign-in link for Betaalhuis") {
		t.Error(m.Subject)
	}
}

// TestOtherSites: a form that another site sends does nothing.
func TestOtherSites(t *testing.T) {
	w := newWorld(t, dbtest.New(t, "sqlite"))
	r := httptest.NewRequest(http.MethodPost, home+"/my", strings.NewReader("email="+sanne))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusForbidden {
		t.Errorf("%d", rec.Code)
	}
}
