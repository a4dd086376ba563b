package platform_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/events"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/market"
	"achteraf/merchants"
	"achteraf/platform"
	"achteraf/providers/mailbox"
	"achteraf/verify"

	"golang.org/x/mod/sumdb/note"
)

var operator = merchants.Operator{Country: "NL", VATPercent: "21", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002"}

// build makes a platform on a database.
func build(d *db.DB, random io.Reader, settings ...func(*platform.Config)) (*platform.Platform, error) {
	v, err1 := vault.Parse([]byte("world AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
	secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
	key, err3 := ledger.ReadKey(secret)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, err
	}
	c := platform.Config{DB: d, Vault: v, LogKey: key, Operator: operator, Random: random, Log: slog.New(slog.DiscardHandler)}
	for _, set := range settings {
		set(&c)
	}
	return platform.New(c)
}

// world is a platform with two shops; the second alone starts its orders.
type world struct {
	*platform.Platform
	t     *testing.T
	clock *dbtest.Clock
	keys  [2]string
	n     int // requests
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock, more ...func(*platform.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: clock}
	var err error
	w.Platform, err = build(d, dbtest.Chance(3), more...)
	w.must(err)
	w.must(d.Write(t.Context(), func(tx *db.Tx) error {
		for i, by := range []string{merchants.ByClock, merchants.ByCall} {
			c := merchants.StandardContract()
			c.StartBy, c.LapseAfterDays, c.TransitDays, c.DueDays = by, 5, 0, 1
			m, err := merchants.Add(t.Context(), tx, merchants.New{Slug: fmt.Sprint("shop-", i), Name: "Winkel", LegalName: "Winkel B.V.", Country: "NL",
				Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: fmt.Sprint(90000010 + i),
				VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: fmt.Sprint("P", i),
				Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
				Contract: c, Terms: merchants.TermsText{Version: "1"}})
			if err != nil {
				return err
			}
			if err := merchants.Activate(t.Context(), tx, m.ID); err != nil {
				return err
			}
			if w.keys[i], _, err = w.Access.MakeKey(t.Context(), tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()}); err != nil {
				return err
			}
		}
		return nil
	}))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// get asks the platform for a page.
func (w *world) get(path string) (int, string) {
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

// place places an order of a new buyer at a shop.
func (w *world) place(shop int) {
	w.t.Helper()
	w.n++
	r := httptest.NewRequest(http.MethodPost, "/v1/orders", strings.NewReader(fmt.Sprintf(`{"reference":"P-%[1]d","currency":"EUR","prices":"incl_vat","total_cents":5040,
"lines":[{"reference":"A","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
"buyer":{"kind":"consumer","email":"koper%[1]d@example.org","language":"nl","ip":"203.0.113.7","name":{"first":"Jo","last":"Koper %[1]d"},"birth_date":"1985-03-01",
"address":{"street":"Dorpsstraat","house_number":"%[1]d","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`, w.n)))
	r.Header.Set("Authorization", "Bearer "+w.keys[shop])
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprint("key-", w.n))
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusCreated || !strings.Contains(rec.Body.String(), `"status":"accepted"`) {
		w.t.Fatalf("order: %d %s", rec.Code, rec.Body)
	}
}

// log returns all events.
func (w *world) log() []events.Event {
	w.t.Helper()
	var all []events.Event
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) (err error) {
		all, err = events.All(w.t.Context(), tx, "", 10_000)
		return err
	}))
	return all
}

// of returns the events of a kind.
func (w *world) of(kind string) []events.Event {
	return slices.DeleteFunc(w.log(), func(e events.Event) bool { return e.Kind != kind })
}

func (w *world) verify() {
	w.t.Helper()
	_, err := verify.Run(w.t.Context(), w.DB, verify.Options{PublicKey: w.LogKey.Public})
	w.must(err)
}

// TestMoveTo moves the clock by forty days at once: all that falls due on the way happens on its day.
func TestMoveTo(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		w := newWorld(t, d, p.Clock)
		w.must(d.LetClockMove(t.Context()))
		start := p.Clock.Now()
		w.place(0)
		w.must(w.MoveTo(t.Context(), start.Add(36*time.Hour)))
		w.place(0)
		w.place(1)
		w.must(w.MoveTo(t.Context(), start.Add(40*24*time.Hour)))
		zone, err := calendar.ZoneOf("NL")
		w.must(err)
		day := zone.DateOf(start)
		for _, c := range []struct {
			kind string
			days []int // on which, counted from the first
		}{
			{"order.accepted", []int{0, 1, 1}},
			{"invoice.issued", []int{3, 4}},
			{"invoice.overdue", []int{5, 6}}, // a day to pay, and the day after it
			{"order.lapsed", []int{6}},
		} {
			var got []string
			for _, e := range w.of(c.kind) {
				if at := e.At; c.kind != "order.accepted" && at != zone.StartOf(zone.DateOf(at)) {
					t.Errorf("%s at %s, not at midnight", c.kind, at)
				}
				got = append(got, zone.DateOf(e.At).String())
			}
			var want []string
			for _, n := range c.days {
				want = append(want, day.AddDays(n).String())
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s on %v, not on %v", c.kind, got, want)
			}
		}
		w.verify()
	})
}

// dates are what differs when something happens later than it might have.
var dates = regexp.MustCompile(`"(issued_on|due_on)":"[0-9-]*"`)

// story is what happened to each subject, in order and without its dates.
func (w *world) story() map[string][]string {
	all := map[string][]string{}
	for _, e := range w.log() {
		all[e.Subject] = append(all[e.Subject], e.Kind+" "+dates.ReplaceAllString(e.Data, ""))
	}
	return all
}

// TestNineDaysOfSleep lets one host run five times a day and another sleep for nine days in the middle. In the end
// the same has happened to every order and invoice.
func TestNineDaysOfSleep(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		other := dbtest.New(t, p.Engine)
		awake, sleepy := newWorld(t, p.Open(t), p.Clock), newWorld(t, other.Open(t), other.Clock)
		for day := range 20 {
			for _, w := range []*world{awake, sleepy} {
				w.clock.Advance(24 * time.Hour)
				if day < 3 { // nobody orders from a host that sleeps
					w.place(0)
					w.place(1)
					w.place(0)
				}
				if w == sleepy && day >= 3 && day < 12 {
					continue
				}
				for range 5 {
					w.must(w.Settle(t.Context()))
				}
			}
		}
		want, got := awake.story(), sleepy.story()
		if len(want) < 15 || len(got) != len(want) {
			t.Fatalf("%d subjects, and %d after the sleep", len(want), len(got))
		}
		for subject := range want {
			if !slices.Equal(got[subject], want[subject]) {
				t.Errorf("%s: %q, and after the sleep %q", subject, want[subject], got[subject])
			}
		}
		for _, kind := range []string{"invoice.issued", "invoice.overdue", "order.lapsed"} {
			a, b := awake.of(kind), sleepy.of(kind)
			if len(a) == 0 || a[len(a)-1].At == b[len(b)-1].At && kind == "invoice.issued" {
				t.Errorf("%s: %d, %d; the sleep changed nothing", kind, len(a), len(b))
			}
		}
		awake.verify()
		sleepy.verify()
	})
}

// TestReady tells a proxy not to send anybody here while the seals are behind, or the database is gone.
func TestReady(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d, err := db.Open(t.Context(), p.URL, db.Options{Wall: p.Clock.Now, Random: dbtest.Chance(4)})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, d, p.Clock)
		want := func(status int, why string) {
			t.Helper()
			if got, text := w.get("/readyz"); got != status {
				t.Fatalf("%s: readyz says %d %s", why, got, text)
			}
			if got, _ := w.get("/healthz"); got != http.StatusOK {
				t.Fatalf("%s: healthz says %d", why, got)
			}
		}
		want(200, "nothing is in the books")
		w.place(0)
		p.Clock.Advance(4 * 24 * time.Hour)
		w.must(w.Scanner.RunUntilIdle(t.Context())) // issues, and does not seal
		want(200, "an entry is a moment old")
		p.Clock.Advance(6 * time.Second)
		want(503, "an entry is not sealed after six seconds")
		w.must(w.Settle(t.Context()))
		want(200, "sealed")
		w.must(d.Close())
		want(503, "the database is closed")
	})
}

// TestLogForAnyone fetches the log's key and its latest checkpoint, and opens one with the other.
func TestLogForAnyone(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		w := newWorld(t, p.Open(t), p.Clock)
		w.place(0)
		p.Clock.Advance(4 * 24 * time.Hour)
		w.must(w.Settle(t.Context()))
		_, public := w.get("/log/key")
		v, err := note.NewVerifier(strings.TrimSpace(public))
		w.must(err)
		status, text := w.get("/log/checkpoint")
		n, err := note.Open([]byte(text), note.VerifierList(v))
		if err != nil || status != http.StatusOK || !strings.HasPrefix(n.Text, "achteraf/world/log\n1\n") {
			t.Fatalf("%d %q %v", status, text, err)
		}
	})
}

// TestDemoClock moves the clock over HTTP, and refuses what is no way to move it.
func TestDemoClock(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		w := newWorld(t, d, p.Clock)
		mux := http.NewServeMux()
		w.must(w.DemoRoutes(mux, &mailbox.Box{}))
		ask := func(method, body string) (int, string) {
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, httptest.NewRequest(method, "/demo/clock", strings.NewReader(body)))
			return rec.Code, rec.Body.String()
		}
		if status, text := ask("POST", `{"advance":"1h"}`); status != 422 || !strings.Contains(text, "clock-fixed") {
			t.Errorf("the clock of a platform in use: %d %s", status, text)
		}
		w.must(d.LetClockMove(t.Context()))
		for _, c := range []struct{ name, body, want string }{
			{"by a span", `{"advance":"72h"}`, `{"now":"2026-11-25T10:00:00Z"}`},
			{"to a moment in another zone", `{"to":"2026-12-24T09:00:00+01:00"}`, `{"now":"2026-12-24T08:00:00Z"}`},
			{"by nothing", `{"advance":"0s"}`, `{"now":"2026-12-24T08:00:00Z"}`},
			{"back by a span", `{"advance":"-1h"}`, "clock-move"},
			{"back to a moment", `{"to":"2026-12-24T08:59:00+01:00"}`, "clock-back"},
			{"by eleven years", `{"advance":"96400h"}`, "clock-move"},
			{"nowhere", `{}`, "clock-move"},
			{"both", `{"advance":"1h","to":"2027-01-01T00:00:00Z"}`, "clock-move"},
			{"no span", `{"advance":"soon"}`, "clock-move"},
			{"unknown", `{"back":"1h"}`, "clock-move"},
			{"no JSON", `72h`, "clock-move"},
		} {
			if _, text := ask("POST", c.body); !strings.Contains(text, c.want) {
				t.Errorf("%s: %s, not %s", c.name, text, c.want)
			}
		}
		if _, text := ask("GET", ""); !strings.Contains(text, "2026-12-24T08:00:00Z") {
			t.Errorf("the clock shows %s", text)
		}
	})
}

// TestFacts marks a database once; its mark and its log's key never change.
func TestFacts(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		kind, err := platform.Kind(t.Context(), d)
		must(err)
		if kind != platform.NoKind {
			t.Fatalf("a new database is %q", kind)
		}
		must(platform.Mark(t.Context(), d, platform.LiveKind))
		must(platform.Mark(t.Context(), d, platform.DemoKind))
		must(platform.KeepPublicKey(t.Context(), d, "first"))
		if err := platform.KeepPublicKey(t.Context(), d, "second"); err == nil {
			t.Error("a log got another key")
		}
		kind, err1 := platform.Kind(t.Context(), d)
		key, err2 := platform.PublicKey(t.Context(), d)
		if err := errors.Join(err1, err2); err != nil || kind != platform.LiveKind || key != "first" {
			t.Fatalf("%q, %q, %v", kind, key, err)
		}
	})
}

// TestManyWorldsParallel lives fifty worlds in one process at one time, each seed twice. Worlds share nothing: a seed
// gives its log whatever lives beside it, and nothing of any of them is left running.
func TestManyWorldsParallel(t *testing.T) {
	const worlds, seeds = 50, 25
	var places [worlds]string
	for i := range places {
		places[i] = dbtest.New(t, "sqlite").URL
	}
	before := runtime.NumGoroutine()
	var reports [worlds]market.Report
	var errs [worlds]error
	var lived sync.WaitGroup
	for i := range worlds {
		lived.Go(func() {
			reports[i], errs[i] = market.Run(t.Context(), market.Config{Seed: uint64(i % seeds), Days: 4, Orders: 10,
				Open: func(ctx context.Context, o market.Outside) (*platform.Platform, func() error, error) {
					d, err := db.Open(ctx, places[i], db.Options{Wall: o.Wall, Random: o.Random, Process: dbtest.Chance(uint64(i)), CacheMiB: 2})
					if err != nil {
						return nil, nil, err
					}
					p, err := build(d, o.Random, func(c *platform.Config) {
						c.Mailer, c.MailDomain, c.PSP, c.PublicURL = o.Mailer, o.MailDomain, o.PSP, o.PublicURL
					})
					return p, d.Close, err
				}})
		})
	}
	lived.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range seeds {
		if a, b := reports[i], reports[i+seeds]; a.Hash != b.Hash || seen[a.Hash] && a.Orders > 0 {
			t.Errorf("seed %d gave %+v and %+v", i, a, b)
		}
		seen[reports[i].Hash] = true
	}
	wantGoroutines(t, before)
}

// wantGoroutines waits until no more goroutines run than before.
func wantGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// TestOneLoop drives ten platforms by the one loop of a process: each issues and seals, and when the loop ends
// nothing is left running.
func TestOneLoop(t *testing.T) {
	const platforms = 10
	before := runtime.NumGoroutine()
	runner := jobs.NewRunner(nil)
	var all [platforms]*world
	for i := range all {
		p := dbtest.New(t, "sqlite")
		d, err := db.Open(t.Context(), p.URL, db.Options{Wall: p.Clock.Now, Random: dbtest.Chance(uint64(i)), CacheMiB: 2})
		if err != nil {
			t.Fatal(err)
		}
		all[i] = newWorld(t, d, p.Clock)
		for range i + 1 {
			all[i].place(0)
		}
		p.Clock.Advance(4 * 24 * time.Hour)
		all[i].Attach(runner)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); runner.Run(ctx) }()
	for i, w := range all {
		w.wait(fmt.Sprintf("achteraf/world/log\n%d\n", i+1))
	}
	stop()
	<-ended
	for i, w := range all {
		if got := len(w.of("invoice.issued")); got != i+1 {
			t.Errorf("platform %d issued %d invoices", i, got)
		}
		w.verify()
		w.must(w.DB.Close())
	}
	wantGoroutines(t, before)
}

// wait waits until the latest checkpoint begins with a text.
func (w *world) wait(text string) {
	w.t.Helper()
	var got string
	for range 1000 {
		if _, got = w.get("/log/checkpoint"); strings.HasPrefix(got, text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("the checkpoint is %q, not %q", got, text)
}

// TestNothingElse holds that what nobody serves is not there.
func TestNothingElse(t *testing.T) {
	p := dbtest.New(t, "sqlite")
	w := newWorld(t, p.Open(t), p.Clock)
	for _, path := range []string{"/demo/clock", "/debug/pprof/", "/metrics", "/log/"} {
		if status, text := w.get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	var problem struct{ Code string }
	if status, text := w.get("/v1/nothing"); status != http.StatusNotFound || json.Unmarshal([]byte(text), &problem) != nil || problem.Code != "route" {
		t.Errorf("%d %s", status, text)
	}
}
