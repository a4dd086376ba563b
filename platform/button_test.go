package platform_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/outbound"
	"achteraf/payments"
	"achteraf/platform"
	"achteraf/providers/camt"
	"achteraf/providers/mollie"
	"achteraf/providers/pspsim"

	"pgregory.net/rapid"
)

// street is a platform and a simulated payment provider that talk to each other over HTTP.
type street struct {
	*world
	sim      *pspsim.Simulator
	url      string
	webhook  string
	invoices []bill
}

type bill struct{ merchant, id string }

func newStreet(t *testing.T, p *dbtest.Place) *street {
	t.Helper()
	d := p.Open(t)
	s := &street{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/bank/") {
			http.StripPrefix("/bank", s.sim).ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/psp/") {
			s.webhook = s.url + r.URL.Path
		}
		s.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	by := outbound.New(netip.MustParsePrefix("127.0.0.0/8"))
	var err error
	s.sim, err = pspsim.New(pspsim.Config{Public: server.URL + "/bank", Key: "test_x", Token: "access_x", Now: p.Clock.Now, Random: dbtest.Chance(9), HTTP: by,
		IBAN: operator.ClientIBAN, Fee: 29})
	if err != nil {
		t.Fatal(err)
	}
	s.world = newWorld(t, d, p.Clock, func(c *platform.Config) {
		c.PSP, c.PublicURL = mollie.New(server.URL+"/bank/v2", "test_x", "access_x", by), server.URL
	})
	return s
}

// open places orders and returns their invoices.
func (s *street) open(n int) []bill {
	s.t.Helper()
	for range n {
		s.place(0)
	}
	var all []bill
	s.must(s.DB.Read(s.t.Context(), func(tx *db.Tx) error {
		return tx.Each(s.t.Context(), `select merchant_id, id from invoices order by id desc limit $1`, []any{n}, func(r db.Row) error {
			var b bill
			err := r.Scan(&b.merchant, &b.id)
			all = append(all, b)
			return err
		})
	}))
	return all
}

func (s *street) number(sql string) (n int64) {
	s.t.Helper()
	s.must(s.DB.Read(s.t.Context(), func(tx *db.Tx) error { return tx.QueryRow(s.t.Context(), sql, nil, &n) }))
	return n
}

func (s *street) press(b bill, cents int64) (payments.Payment, error) {
	return s.Buttons.Begin(s.t.Context(), payments.Ask{Merchant: b.merchant, Invoice: b.id, Cents: cents, Return: s.url + "/pay/token"})
}

// until lets time pass, stopping at each moment at which something is due.
func (s *street) until(end calendar.Instant) {
	s.t.Helper()
	for s.clock.Now().Before(end) {
		var next calendar.Instant
		s.must(s.DB.Read(s.t.Context(), func(tx *db.Tx) (err error) {
			next, err = jobs.Next(s.t.Context(), tx)
			return err
		}))
		if next.IsZero() || next.After(end) {
			next = end
		}
		s.clock.Set(next)
		s.must(s.Platform.Settle(s.t.Context()))
	}
}

// payOut has the provider settle, and the bank tell of it.
func (s *street) payOut() {
	s.t.Helper()
	var file bytes.Buffer
	ok, err := s.sim.PayOut(&file)
	s.must(err)
	if !ok {
		return
	}
	_, err = s.Importer.File(s.t.Context(), bytes.NewReader(file.Bytes()), camt.Format(1<<20))
	s.must(err)
}

// agrees wants every payment at the provider, from the given one on, booked with what was paid.
func (s *street) agrees(t interface {
	Helper()
	Fatalf(string, ...any)
}, first int) {
	t.Helper()
	booked := map[string]int64{}
	s.must(s.DB.Read(s.t.Context(), func(tx *db.Tx) error {
		return tx.Each(s.t.Context(), `select id, paid_cents from psp_payments`, nil, func(r db.Row) error {
			var id string
			var cents int64
			err := r.Scan(&id, &cents)
			booked[id] = cents
			return err
		})
	}))
	for _, p := range s.sim.Payments()[first:] {
		var ours struct{ ID string }
		s.must(json.Unmarshal([]byte(p.Metadata), &ours))
		paid := int64(0)
		if p.Status == pspsim.Paid {
			paid = p.Cents
		}
		if got, ok := booked[ours.ID]; !ok || got != paid {
			t.Fatalf("payment %s is %s at the provider with %d cents; booked are %d", ours.ID, p.Status, p.Cents, got)
		}
		delete(booked, ours.ID)
	}
}

// TestMoneyPaidIsMoneyBooked: in whatever order buyers press, banks decide, webhooks come, and calls break, what
// was paid at the provider is what is booked, once, and the books prove it.
func TestMoneyPaidIsMoneyBooked(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		s := newStreet(t, p)
		left := map[string]int{"sqlite": 60, "postgres": 15}[p.Engine] // of the lives that rapid draws: each is a week
		rapid.Check(t, func(rt *rapid.T) {
			if left--; left < 0 {
				return
			}
			old := s.open(2)
			s.until(s.clock.Now().Add(time.Duration(rapid.SampledFrom([]int{0, 80}).Draw(rt, "hours before")) * time.Hour))
			bills := append(s.open(1), old...)
			first := len(s.sim.Payments())
			hooks := rapid.SliceOfN(rapid.SampledFrom([][]time.Duration{{0}, {0, 0}, {}, {5 * time.Minute}, {0, 40 * time.Minute}, {2 * time.Minute, time.Second}}), 8, 8).Draw(rt, "webhooks")
			s.sim.Webhooks(func(change int) []time.Duration { return hooks[change%len(hooks)] })
			pick := func() (pspsim.Payment, bool) {
				all := s.sim.Payments()[first:]
				if len(all) == 0 {
					return pspsim.Payment{}, false
				}
				return rapid.SampledFrom(all).Draw(rt, "payment"), true
			}
			rt.Repeat(map[string]func(*rapid.T){
				"press": func(rt *rapid.T) {
					b := rapid.SampledFrom(bills).Draw(rt, "invoice")
					cents := rapid.OneOf(rapid.Just(int64(5040)), rapid.Int64Range(1, 5040)).Draw(rt, "cents")
					_, err := s.press(b, cents)
					if f := fault.As(err); err != nil && (f == nil || f.Kind == fault.Internal) {
						rt.Fatal(err)
					}
				},
				"choose": func(rt *rapid.T) {
					if p, ok := pick(); ok {
						s.sim.Choose(p.ID, rapid.SampledFrom([]string{pspsim.Paid, pspsim.Paid, pspsim.Paid, pspsim.Failed, pspsim.Canceled, pspsim.Expired}).Draw(rt, "end"))
					}
				},
				"late money": func(rt *rapid.T) {
					if p, ok := pick(); ok {
						s.sim.PayLate(p.ID)
					}
				},
				"deliver": func(*rapid.T) {
					if _, err := s.sim.Deliver(t.Context()); err != nil {
						rt.Fatal(err)
					}
				},
				"forge": func(rt *rapid.T) {
					id := "tr_forged"
					if p, ok := pick(); ok {
						id = rapid.SampledFrom([]string{id, p.ID}).Draw(rt, "id")
					}
					if s.webhook != "" {
						answer, err := http.PostForm(s.webhook, url.Values{"id": {id}})
						if err != nil || answer.StatusCode != 200 {
							rt.Fatalf("%v %v", answer, err)
						}
						answer.Body.Close()
					}
				},
				"come back": func(rt *rapid.T) {
					b := rapid.SampledFrom(bills).Draw(rt, "invoice")
					now, found, err := s.Buttons.Latest(t.Context(), b.merchant, b.id)
					if err == nil && found {
						_, err = s.Buttons.Refresh(t.Context(), b.merchant, now.ID)
					}
					if err != nil {
						rt.Fatal(err)
					}
				},
				"break": func(rt *rapid.T) {
					status := rapid.SampledFrom([]int{0, 429, 503})
					s.sim.Break(pspsim.Fault{Status: status.Draw(rt, "status"), After: rapid.Bool().Draw(rt, "after")})
				},
				"run": func(*rapid.T) { s.must(s.Platform.Settle(t.Context())) },
				"time": func(rt *rapid.T) {
					s.until(s.clock.Now().Add(time.Duration(rapid.IntRange(1, 50).Draw(rt, "minutes")) * time.Minute))
				},
				"": func(rt *rapid.T) {
					if n := s.number(`select cast(coalesce(sum(cents), 0) as bigint) from postings`); n != 0 {
						rt.Fatalf("the books are out of balance by %d", n)
					}
				},
			})
			s.sim.Webhooks(nil)
			s.sim.Break()
			s.until(s.clock.Now().Add(74 * time.Hour))
			s.clock.Advance(2 * time.Hour) // what broke is tried again
			s.until(s.clock.Now().Add(2 * time.Hour))
			s.agrees(rt, first)
			s.payOut()
			s.until(s.clock.Now().Add(40 * time.Hour))
			if left := s.number(`select cast(coalesce(sum(cents), 0) as bigint) from postings where code = 'psp'`); left != 0 {
				rt.Fatalf("%d cents are left at the provider", left)
			}
			if n := s.number(`select count(*) from due_failed`); n != 0 {
				rt.Fatalf("%d pieces of work failed for good", n)
			}
			s.verify()
		})
	})
}

// TestWebhookOfPlatform: the address is secret, and no platform without a provider has one.
func TestWebhookOfPlatform(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		s := newStreet(t, p)
		b := s.open(1)[0]
		pressed, err := s.press(b, 5040)
		s.must(err)
		if !strings.HasPrefix(pressed.CheckoutURL, s.url+"/bank/checkout/") {
			t.Errorf("the bank's page is %s", pressed.CheckoutURL)
		}
		s.sim.Choose(pressed.ProviderID, pspsim.Paid)
		if sent, err := s.sim.Deliver(t.Context()); !sent || err != nil {
			t.Fatal(sent, err)
		}
		s.must(s.Platform.Settle(t.Context()))
		now, err := s.Buttons.One(t.Context(), b.merchant, pressed.ID)
		s.must(err)
		if now.State != payments.Paid || now.PaidCents != 5040 {
			t.Errorf("%+v", now)
		}
		hook, err := url.Parse(s.webhook)
		s.must(err)
		if strings.Count(hook.Path, "/") != 3 || len(hook.Path) < len("/psp/mollie/")+32 {
			t.Errorf("the webhook's address is %s", hook.Path)
		}
		s.verify()

		without := newWorld(t, dbtest.New(t, p.Engine).Open(t), p.Clock)
		if without.Buttons != nil {
			t.Error("a bank button without a provider")
		}
		w := httptest.NewRecorder()
		without.Handler().ServeHTTP(w, httptest.NewRequest("POST", hook.Path, strings.NewReader("id=tr_1")))
		if w.Code != 404 {
			t.Errorf("a webhook without a provider: %d", w.Code)
		}
	})
}
