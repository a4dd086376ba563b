package invoices_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/merchants"
	"achteraf/risk"
)

// hits reads the rules that held for an attempt.
func (w *world) hits(o *invoices.Outcome) (hits []string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		r, err := risk.Find(context.Background(), tx, w.vault, w.shop.ID, o.Attempt)
		hits = r.Decision.Hits
		return err
	})
	return hits
}

// Each of the five inputs, made bad alone, changes the outcome, and the record names it.
func TestFiveInputs_S_CHK_03(t *testing.T) {
	block := func(kind string) func(*world) {
		return func(w *world) {
			w.write(func(tx *db.Tx) error {
				b := consumer()
				b.Check("#/buyer", calendar.NewDate(2026, 11, 22))
				_, _, err := w.desk.Block(context.Background(), tx, kind, &b, "fraud", "usr_1")
				return err
			})
		}
	}
	cases := []struct {
		name   string
		before func(*world)
		edit   func(*invoices.Request)
		rule   string
	}{
		{"address blocked", block("address"), nil, "address-blocked"},
		{"name and birth date blocked", block("person"), nil, "person-blocked"},
		{"birth date: seventeen", nil, func(r *invoices.Request) { r.Buyer.BirthDate = calendar.NewDate(2008, 11, 23) }, "under-age"},
		{"IP address blocked", block("ip"), nil, "ip-blocked"},
		{"open invoices: one is overdue", func(w *world) { w.place(nil); w.advance(20) }, nil, "invoice-overdue"},
		{"open invoices: with this one above the limit", func(w *world) {
			w.place(func(r *invoices.Request) { sum(r, 700_00) })
		}, nil, "limit-exceeded"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, w *world) {
				if c.before != nil {
					c.before(w)
				}
				out := w.place(c.edit)
				if out.Decision.Class != risk.NotAccepted || out.Order != nil {
					t.Fatalf("decision %+v", out.Decision)
				}
				if hits := w.hits(out); !slices.Equal(hits, []string{c.rule}) {
					t.Errorf("the record names %v, want %s alone", hits, c.rule)
				}
			})
		})
	}
}

// A blocked name alone does not touch a namesake with another birth date, nor another name at that date.
func TestBlockedNameNeedsBoth_S_CHK_03(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.write(func(tx *db.Tx) error {
			b := consumer()
			_, _, err := w.desk.Block(context.Background(), tx, "person", &b, "fraud", "usr_1")
			return err
		})
		other := w.place(func(r *invoices.Request) { r.Buyer.Name.Last = "Bakker" })
		namesake := w.place(func(r *invoices.Request) {
			r.Buyer.BirthDate = calendar.NewDate(1991, 5, 1)
			r.Buyer.Email, r.Buyer.Phone = "other@example.org", ""
		})
		if other.Decision.Class != risk.Accepted || namesake.Decision.Class != risk.Accepted {
			t.Errorf("%+v, %+v", other.Decision, namesake.Decision)
		}
	})
}

// The published limits, at the cent.
func TestLimits_S_RULE_08_S_B2B_02(t *testing.T) {
	be := func(r *invoices.Request) {
		r.Buyer.Address.Country, r.Buyer.Address.Postcode = "BE", "1000"
	}
	firm := func(r *invoices.Request) { r.Buyer = company() }
	cases := []struct {
		name  string
		who   func(*invoices.Request)
		cents int64
		class string
	}{
		{"consumer NL at the limit", nil, 750_00, risk.Accepted},
		{"consumer NL a cent above", nil, 750_01, risk.NotAccepted},
		{"consumer BE at the limit", be, 250_00, risk.Accepted},
		{"consumer BE a cent above", be, 250_01, risk.NotAccepted},
		{"company at 10,000.00", firm, 10_000_00, risk.Accepted},
		{"company at 10,000.01", firm, 10_000_01, risk.NotAccepted},
		{"a country that is not served", func(r *invoices.Request) { r.Buyer.Address.Country, r.Buyer.Address.Postcode = "ES", "28001" }, 10_00, risk.NotAccepted},
		{"Germany is not served yet", func(r *invoices.Request) { r.Buyer.Address.Country, r.Buyer.Address.Postcode = "DE", "10115" }, 10_00, risk.NotAccepted},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, w *world) {
				out := w.place(func(r *invoices.Request) {
					if c.who != nil {
						c.who(r)
					}
					sum(r, c.cents)
				})
				if out.Decision.Class != c.class {
					t.Errorf("decision %+v, want %s", out.Decision, c.class)
				}
			})
		})
	}
}

// A contract may raise a consumer's limit.
func TestContractRaisesLimit_S_RULE_08(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		c := merchants.StandardContract()
		c.ConsumerLimitCents = 2_500_00
		_, key := w.addShop("generous", c)
		out := w.place(func(r *invoices.Request) { r.Credential = key; sum(r, 2_500_00) })
		if out.Decision.Class != risk.Accepted {
			t.Errorf("decision %+v", out.Decision)
		}
	})
}

// Where the claim is assigned to the operator, a Dutch consumer's age must be verified first.
func TestGuaranteedNeedsVerifiedAge(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		c := merchants.StandardContract()
		c.Model = merchants.Guaranteed
		_, key := w.addShop("guaranteed", c)
		consumer := w.place(func(r *invoices.Request) { r.Credential = key })
		firm := w.place(func(r *invoices.Request) { r.Credential = key; r.Buyer = company() })
		belgian := w.place(func(r *invoices.Request) {
			r.Credential = key
			r.Buyer.Address.Country, r.Buyer.Address.Postcode = "BE", "1000"
		})
		if consumer.Decision.Class != risk.Identify || firm.Decision.Class != risk.Accepted || belgian.Decision.Class != risk.Accepted {
			t.Errorf("consumer %v, company %v, Belgian %v", consumer.Decision, firm.Decision, belgian.Decision)
		}
	})
}

// 64 orders of one new buyer at the same moment never pass the limit together, however they share handles.
func TestParallelOrdersKeepTheLimit(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		var accepted atomic.Int64
		var wg sync.WaitGroup
		for i := range 64 {
			r, _ := w.request(func(r *invoices.Request) {
				sum(r, 100_00)
				if i%2 == 1 { // another e-mail address, the same person
					r.Buyer.Email = strings.Replace(r.Buyer.Email, "@", "+"+r.Key+"@", 1)
				}
			})
			out := &invoices.Outcome{}
			r.Render = func(o invoices.Outcome) (int, []byte, error) { *out = o; return 201, []byte("{}"), nil }
			wg.Go(func() {
				if _, err := w.intake.Place(context.Background(), r); err != nil {
					t.Error(err)
				}
				if out.Order != nil {
					accepted.Add(1)
				}
			})
		}
		wg.Wait()
		if n := accepted.Load(); n != 7 {
			t.Errorf("%d orders of 100.00 were accepted under a limit of 750.00", n)
		}
	})
}

// A mistake in a field comes back with its pointer; nothing is decided and nothing is stored.
func TestFieldErrorsAreNoRefusals_S_CHK_14(t *testing.T) {
	cases := []struct {
		name    string
		edit    func(*invoices.Request)
		pointer string
	}{
		{"house number missing", func(r *invoices.Request) { r.Buyer.Address.HouseNumber = "" }, "#/buyer/address/house_number"},
		{"house number without a number", func(r *invoices.Request) { r.Buyer.Address.HouseNumber = "A" }, "#/buyer/address/house_number"},
		{"postcode of no town", func(r *invoices.Request) { r.Buyer.Address.Postcode = "0123 AB" }, "#/buyer/address/postcode"},
		{"e-mail without a domain", func(r *invoices.Request) { r.Buyer.Email = "sanne@" }, "#/buyer/email"},
		{"birth date missing", func(r *invoices.Request) { r.Buyer.BirthDate = calendar.Date{} }, "#/buyer/birth_date"},
		{"born tomorrow", func(r *invoices.Request) { r.Buyer.BirthDate = calendar.NewDate(2026, 11, 23) }, "#/buyer/birth_date"},
		{"company without a number", func(r *invoices.Request) { r.Buyer = company(); r.Buyer.Company.RegistrationNumber = "1" }, "#/buyer/company/registration_number"},
		{"company with a wrong VAT id", func(r *invoices.Request) { r.Buyer = company(); r.Buyer.Company.VATID = "NL123456789B01" }, "#/buyer/company/vat_id"},
		{"name missing", func(r *invoices.Request) { r.Buyer.Name.Last = " " }, "#/buyer/name/last"},
		{"total that does not add up", func(r *invoices.Request) { r.Order.TotalCents++ }, "#/total_cents"},
		{"negative price of goods", func(r *invoices.Request) { sum(r, -5) }, "#/total_cents"},
		{"unknown currency", func(r *invoices.Request) { r.Order.Currency = "USD" }, "#/currency"},
		{"quantity of nothing", func(r *invoices.Request) { r.Order.Lines[0].Quantity = "0" }, "#/lines/0/quantity"},
		{"overflowing line", func(r *invoices.Request) {
			r.Order.Lines[0].Quantity = "99999"
			r.Order.Lines[0].UnitPriceCents = 99_000_000_00
		}, "#/lines/0/unit_price_cents"},
		{"VAT of a word", func(r *invoices.Request) { r.Order.Lines[0].VATPercent = "high" }, "#/lines/0/vat_percent"},
	}
	eachEngine(t, func(t *testing.T, w *world) {
		for _, c := range cases {
			r, out := w.request(c.edit)
			before := w.rows()
			_, err := w.intake.Place(context.Background(), r)
			f := fault.As(err)
			if f == nil || f.Kind != fault.Invalid || f.Code != "fields" || !slices.ContainsFunc(f.Fields, func(x fault.Field) bool { return x.Pointer == c.pointer }) {
				t.Errorf("%s: %+v, %v", c.name, f, err)
				continue
			}
			if out.Attempt != "" || w.rows() != before {
				t.Errorf("%s: something was decided or stored", c.name)
			}
		}
	})
}

// rows counts what a refused message must not change.
func (w *world) rows() (n int64) {
	w.read(func(tx *db.Tx) error {
		return tx.QueryRow(context.Background(), `
select (select count(*) from decisions) + (select count(*) from orders) + (select count(*) from handles) + (select count(*) from persons)
     + (select count(*) from idempotency) + (select count(*) from events) + (select count(*) from due)`, nil, &n)
	})
	return n
}

// The data of a decided order stay as they were decided on; a correction is a new version with who and why.
func TestIdentityIsFrozen_S_CHK_15_S_SEC_04(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		out := w.place(nil)
		right := consumer()
		right.Email = "s.devries@example.org"
		w.write(func(tx *db.Tx) error {
			if err := w.clerk.Correct(ctx, tx, w.shop.ID, out.Order.ID, right, "usr_7", ""); !fault.Is(err, "correction-reason") {
				t.Errorf("without a reason: %v", err)
			}
			return w.clerk.Correct(ctx, tx, w.shop.ID, out.Order.ID, right, "usr_7", "address mistyped at the shop")
		})
		var versions []buyers.Identity
		w.read(func(tx *db.Tx) (err error) {
			versions, err = w.desk.Identities(ctx, tx, w.shop.ID, out.Attempt)
			return err
		})
		if len(versions) != 2 || versions[0].Buyer.Email != "sanne@example.org" || versions[1].Buyer.Email != "s.devries@example.org" {
			t.Fatalf("versions %+v", versions)
		}
		if v := versions[1]; v.ChangedBy != "usr_7" || v.Reason == "" || v.MadeAt.IsZero() || v.Version != 2 {
			t.Errorf("who and why: %+v", v)
		}
		// what is open now counts for the new address, and no longer for the old one
		again := w.place(func(r *invoices.Request) {
			sum(r, 700_00)
			r.Buyer.Email, r.Buyer.Phone = "s.devries@example.org", ""
			r.Buyer.Name.Last, r.Buyer.BirthDate = "Other", calendar.NewDate(1980, 1, 1)
		})
		if again.Decision.Class != risk.NotAccepted {
			t.Errorf("the corrected address has nothing open: %+v", again.Decision)
		}
		fresh := w.place(func(r *invoices.Request) {
			sum(r, 750_00)
			r.Buyer.Phone = ""
			r.Buyer.Name.Last, r.Buyer.BirthDate = "Third", calendar.NewDate(1980, 1, 1)
		})
		if fresh.Decision.Class != risk.Accepted {
			t.Errorf("the old address still has something open: %+v", fresh.Decision)
		}
	})
}

// An accepted order is final: there is no way back from it but those of the state table, and none at all
// once it has started.
func TestAcceptanceIsFinal_S_RULE_05(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		out := w.place(nil)
		w.write(func(tx *db.Tx) error { return w.clerk.Start(ctx, tx, w.shop.ID, out.Order.ID) })
		err := w.d.Write(ctx, func(tx *db.Tx) error { return w.clerk.Cancel(ctx, tx, w.shop.ID, out.Order.ID) })
		if !fault.Is(err, "order-state") {
			t.Errorf("cancelled after the start: %v", err)
		}
		before := w.place(func(r *invoices.Request) { sum(r, 10_00) })
		w.write(func(tx *db.Tx) error { return w.clerk.Cancel(ctx, tx, w.shop.ID, before.Order.ID) })
		w.advance(4)
		if v := w.invoice(before); v.Status != invoices.Cancelled || v.OpenCents != 0 || v.Number != "" {
			t.Errorf("a cancelled order's invoice: %+v", v)
		}
	})
}

// The same key gives the same bytes and one effect; the same key with another message is refused.
func TestReplay(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		r, _ := w.request(nil)
		first, err := w.intake.Place(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.intake.Place(ctx, r)
		if err != nil || !again.Replayed || string(again.Body) != string(first.Body) || again.Status != first.Status {
			t.Errorf("replay %+v, %v", again, err)
		}
		other := r
		other.Body[0]++
		if _, err := w.intake.Place(ctx, other); !fault.Is(err, "idempotency-key-reused") {
			t.Errorf("another message under the key: %v", err)
		}
		taken, _ := w.request(func(x *invoices.Request) { x.Order.Reference = r.Order.Reference })
		if _, err := w.intake.Place(ctx, taken); !fault.Is(err, "order-reference") {
			t.Errorf("a reference used twice: %v", err)
		}
	})
}
