package merchants_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/merchants"
)

func sampleText(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/shop.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// shop is the sample under another slug and prefix.
func shop(t testing.TB, n int) merchants.New {
	t.Helper()
	s, err := merchants.FromTOML(strings.NewReader(sampleText(t)))
	if err != nil {
		t.Fatal(err)
	}
	s.Slug, s.InvoicePrefix = fmt.Sprintf("shop-%d", n), fmt.Sprintf("S%d", n)
	return s
}

func write(t testing.TB, d *db.DB, f func(ctx context.Context, tx *db.Tx) error) error {
	t.Helper()
	return d.Write(t.Context(), func(tx *db.Tx) error { return f(t.Context(), tx) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, d *db.DB, n merchants.New) (m merchants.Merchant) {
	t.Helper()
	must(t, write(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
		m, err = merchants.Add(ctx, tx, n)
		return err
	}))
	return m
}

func state(t testing.TB, d *db.DB, id string) merchants.State {
	t.Helper()
	var m merchants.Merchant
	must(t, d.Read(t.Context(), func(tx *db.Tx) (err error) { m, err = merchants.ByID(t.Context(), tx, id); return err }))
	return m.State
}

// TestSample holds that the sample is right and shows every key there is.
func TestSample(t *testing.T) {
	text := sampleText(t)
	n, err := merchants.FromTOML(strings.NewReader(text))
	if err != nil {
		t.Fatal(err, fault.As(err).Fields)
	}
	if n.Postcode != "1234AB" || n.Contacts[0].Value != "+31201234567" || n.Contract != merchants.StandardContract() {
		t.Errorf("read %+v", n)
	}
	for _, part := range []any{n, n.Contacts[0], n.Contract, n.Terms} {
		for field := range fieldsOf(part) {
			if !strings.Contains(text, "\n"+field+" = ") && !strings.Contains(text, "["+field+"]") {
				t.Errorf("the sample does not show %q", field)
			}
		}
	}
}

func fieldsOf(v any) map[string]bool {
	names := map[string]bool{}
	for i := range reflect.TypeOf(v).NumField() {
		if name := reflect.TypeOf(v).Field(i).Tag.Get("toml"); name != "-" {
			names[name] = true
		}
	}
	return names
}

// TestFile changes one place of the sample at a time.
func TestFile(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           []string // "pointer code", or the problem's code when it is about the whole
	}{
		{"as it is", "", "", nil},
		{"no TOML", "slug =", "slug", []string{"merchant-file"}},
		{"text for a number", "fee_fixed_cents = 25", `fee_fixed_cents = "25"`, []string{"merchant-file"}},
		{"unknown keys", `text = ""`, "text = \"\"\nlang = \"nl\"\n[contracts]\na = 1\n\"b/~c\" = 2", []string{
			"#/contracts unknown", "#/contracts/a unknown", "#/contracts/b~1~0c unknown", "#/terms/lang unknown"}},
		{"slug in capitals", `slug = "schoenenwinkel"`, `slug = "Schoenen"`, []string{"#/slug form"}},
		{"slug too short", `slug = "schoenenwinkel"`, `slug = "ab"`, []string{"#/slug form"}},
		{"name missing", `name = "Schoenenwinkel Voorbeeld"`, `name = " "`, []string{"#/name required"}},
		{"name with a control character", `name = "Schoenenwinkel Voorbeeld"`, `name = "a\u0007"`, []string{"#/name characters"}},
		{"name too long", `name = "Schoenenwinkel Voorbeeld"`, `name = "` + strings.Repeat("a", 201) + `"`, []string{"#/name characters"}},
		{"country not served", `country = "NL"`, `country = "GB"`, []string{
			"#/country country", "#/postcode form", "#/registration_number form"}},
		{"postcode", `postcode = "1234 AB"`, `postcode = "1234 SS"`, []string{"#/postcode form"}},
		{"registration number", `"90000002"`, `"9000000"`, []string{"#/registration_number form"}},
		{"VAT number with a wrong check digit", "NL000099998B57", "NL000099998B58", []string{"#/vat_id form"}},
		{"IBAN with a wrong check digit", "NL41ACHT0000000011", "NL42ACHT0000000011", []string{"#/iban form"}},
		{"IBAN missing", `iban = "NL41ACHT0000000011"`, ``, []string{"#/iban required"}},
		{"language", `language = "nl"`, `language = "es"`, []string{"#/language language"}},
		{"prefix", `invoice_prefix = "SCHOEN"`, `invoice_prefix = "S-1"`, []string{"#/invoice_prefix form"}},
		{"contact kind", `kind = "phone"`, `kind = "fax"`, []string{"#/contact/0/kind unknown"}},
		{"telephone number", `"+31201234567"`, `"+3120"`, []string{"#/contact/0/value form"}},
		{"e-mail address", `"klantenservice@schoenenwinkel.example"`, `"klantenservice"`, []string{"#/contact/1/value form"}},
		{"contact empty", `"klantenservice@schoenenwinkel.example"`, `""`, []string{"#/contact/1/value required"}},
		{"form by plain http", "kind = \"email\"\nvalue = \"klantenservice@schoenenwinkel.example\"", "kind = \"form\"\nvalue = \"http://schoenenwinkel.example\"", []string{"#/contact/1/value form"}},
		{"form by script", "kind = \"email\"\nvalue = \"klantenservice@schoenenwinkel.example\"", "kind = \"form\"\nvalue = \"javascript:alert(1)\"", []string{"#/contact/1/value form"}},
		{"form with a password", "kind = \"email\"\nvalue = \"klantenservice@schoenenwinkel.example\"", "kind = \"chat\"\nvalue = \"https://a:b@schoenenwinkel.example\"", []string{"#/contact/1/value form"}},
		{"a good form", "kind = \"email\"\nvalue = \"klantenservice@schoenenwinkel.example\"", "kind = \"form\"\nvalue = \"https://schoenenwinkel.example/contact\"", nil},
		{"a good postal address", "kind = \"email\"\nvalue = \"klantenservice@schoenenwinkel.example\"", "kind = \"post\"\nvalue = \"Postbus 1, 1234 AB Voorbeeld\"", nil},
		{"model", `model = "collected"`, `model = "lent"`, []string{"#/contract/model unknown"}},
		{"who starts", `start_by = "clock"`, `start_by = "buyer"`, []string{"#/contract/start_by unknown"}},
		{"negative fee", "fee_basis_points = 250", "fee_basis_points = -1", []string{"#/contract/fee_basis_points range"}},
		{"fee above a fifth", "fee_basis_points = 250", "fee_basis_points = 2001", []string{"#/contract/fee_basis_points range"}},
		{"due at once", "due_days = 14", "due_days = 0", []string{"#/contract/due_days range"}},
		{"terms without a version", `version = "2026-01"`, `version = ""`, []string{"#/terms/version required"}},
		{"terms at no address", `url = "https://schoenenwinkel.example/voorwaarden"`, `url = "voorwaarden"`, []string{"#/terms/url form"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := sampleText(t)
			if !strings.Contains(text, c.old) {
				t.Fatalf("the sample has no %q", c.old)
			}
			_, err := merchants.FromTOML(strings.NewReader(strings.Replace(text, c.old, c.new, 1)))
			if got := complaints(err); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestUnreadableFile holds that a person is told where the file is wrong.
func TestUnreadableFile(t *testing.T) {
	for old, want := range map[string]string{"fee_fixed_cents = 25": "line 32", "slug =": "line 4"} {
		_, err := merchants.FromTOML(strings.NewReader(strings.Replace(sampleText(t), old, old+` "`, 1)))
		if f := fault.As(err); f == nil || !strings.Contains(f.Detail, want) {
			t.Errorf("without %s: %v", old, err)
		}
	}
}

// complaints lists what an error complains of, short.
func complaints(err error) (all []string) {
	f := fault.As(err)
	if f == nil {
		return nil
	}
	if f.Code != "fields" {
		all = append(all, f.Code)
	}
	for _, field := range f.Fields {
		all = append(all, field.Pointer+" "+field.Code)
	}
	return all
}

// TestAllAtOnce holds that a file with nothing in it is told everything at once.
func TestAllAtOnce(t *testing.T) {
	_, err := merchants.FromTOML(strings.NewReader("colour = \"red\"\n[contract]\nmodel = \"\"\n"))
	want := []string{"#/city required", "#/colour unknown", "#/contract/model unknown", "#/country country", "#/house_number required", "#/iban required",
		"#/invoice_prefix required", "#/language language", "#/legal_name required", "#/name required", "#/postcode required",
		"#/registration_number required", "#/slug required", "#/street required", "#/terms/version required", "#/vat_id required"}
	if got := complaints(err); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestAdd(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		m := add(t, d, shop(t, 1))
		if m.State != merchants.Draft || !strings.HasPrefix(m.ID, "mer_") {
			t.Errorf("added %+v", m)
		}
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			byID, err := merchants.ByID(t.Context(), tx, m.ID)
			must(t, err)
			bySlug, err := merchants.BySlug(t.Context(), tx, "shop-1")
			must(t, err)
			contacts, err := merchants.Contacts(t.Context(), tx, m.ID)
			want := []merchants.Contact{{Kind: "email", Value: "klantenservice@schoenenwinkel.example"}, {Kind: "phone", Value: "+31201234567"}}
			if byID != m || bySlug != m || !slices.Equal(contacts, want) {
				t.Errorf("read %+v, %+v, %+v; added %+v", byID, bySlug, contacts, m)
			}
			_, err = merchants.BySlug(t.Context(), tx, "shop-2")
			if !fault.Is(err, "merchant") {
				t.Errorf("a shop that is not there: %v", err)
			}
			return nil
		}))
		for name, change := range map[string]func(n *merchants.New){
			"slug":   func(n *merchants.New) { n.Slug = "shop-1" },
			"prefix": func(n *merchants.New) { n.InvoicePrefix = "S1" },
		} {
			n := shop(t, 2)
			change(&n)
			err := write(t, d, func(ctx context.Context, tx *db.Tx) error { _, err := merchants.Add(ctx, tx, n); return err })
			if !fault.Is(err, "merchant-exists") {
				t.Errorf("the same %s again: %v", name, err)
			}
		}
		add(t, d, shop(t, 2)) // nothing of the refused ones was left behind
		bad := shop(t, 3)
		bad.IBAN = "NL00"
		err := write(t, d, func(ctx context.Context, tx *db.Tx) error { _, err := merchants.Add(ctx, tx, bad); return err })
		if got := complaints(err); !slices.Equal(got, []string{"#/iban form"}) {
			t.Errorf("a wrong field: %v", err)
		}
	})
}

// TestS_SHOP_01 holds that a shop goes live only with two contact means of different kinds, and is told why not.
func TestS_SHOP_01(t *testing.T) {
	phone := merchants.Contact{Kind: "phone", Value: "+31201234567"}
	other := merchants.Contact{Kind: "phone", Value: "+31201234568"}
	email := merchants.Contact{Kind: "email", Value: "service@shop.example"}
	for _, c := range []struct {
		name     string
		contacts []merchants.Contact
		why      string
	}{
		{"none", nil, "has no contact means"},
		{"one", []merchants.Contact{phone}, "by phone only"},
		{"the same twice", []merchants.Contact{phone, phone}, "by phone only"},
		{"two of one kind", []merchants.Contact{phone, other}, "all contact means of the shop are of the kind phone"},
		{"two kinds", []merchants.Contact{phone, email}, ""},
		{"three, of two kinds", []merchants.Contact{phone, other, email}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Run(t, func(t *testing.T, d *db.DB) {
				n := shop(t, 1)
				n.Contacts = c.contacts
				m := add(t, d, n)
				err := write(t, d, func(ctx context.Context, tx *db.Tx) error { return merchants.Activate(ctx, tx, m.ID) })
				if c.why == "" {
					if err != nil || state(t, d, m.ID) != merchants.Active {
						t.Errorf("%v, and the shop is %s", err, state(t, d, m.ID))
					}
					return
				}
				if !fault.Is(err, "merchant-contacts") || !strings.Contains(strings.ToLower(err.Error()), c.why) {
					t.Errorf("refused with %v", err)
				}
				if s := state(t, d, m.ID); s != merchants.Draft {
					t.Errorf("the shop is %s", s)
				}
				// what was missing can be added
				must(t, write(t, d, func(ctx context.Context, tx *db.Tx) error {
					must(t, merchants.AddContact(ctx, tx, m.ID, phone))
					must(t, merchants.AddContact(ctx, tx, m.ID, email))
					return merchants.Activate(ctx, tx, m.ID)
				}))
			})
		})
	}
}

func TestAddContact(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		m := add(t, d, shop(t, 1))
		for _, c := range []struct {
			id   string
			m    merchants.Contact
			want []string
		}{
			{m.ID, merchants.Contact{Kind: "phone", Value: "020 123 45 69"}, nil},
			{m.ID, merchants.Contact{Kind: "pigeon", Value: "grey"}, []string{"#/kind unknown"}},
			{m.ID, merchants.Contact{Kind: "email", Value: "nobody"}, []string{"#/value form"}},
			{"mer_0", merchants.Contact{Kind: "phone", Value: "020 123 45 69"}, []string{"merchant"}},
		} {
			err := write(t, d, func(ctx context.Context, tx *db.Tx) error { return merchants.AddContact(ctx, tx, c.id, c.m) })
			if got := complaints(err); !slices.Equal(got, c.want) {
				t.Errorf("%v: got %v", c.m, err)
			}
		}
	})
}

// TestStates tries every act in every state.
func TestStates(t *testing.T) {
	acts := map[string]func(ctx context.Context, tx *db.Tx, id string) error{
		"activate": merchants.Activate, "suspend": merchants.Suspend, "close": merchants.Close}
	reach := map[merchants.State][]string{merchants.Draft: nil, merchants.Active: {"activate"}, merchants.Suspended: {"activate", "suspend"}, merchants.Closed: {"close"}}
	want := map[string]merchants.State{
		"draft activate": merchants.Active, "draft close": merchants.Closed, "active suspend": merchants.Suspended,
		"active close": merchants.Closed, "suspended activate": merchants.Active, "suspended close": merchants.Closed,
	}
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		n := 0
		for from, way := range reach {
			for act, do := range acts {
				n++
				m := add(t, d, shop(t, n))
				for _, step := range way {
					must(t, write(t, d, func(ctx context.Context, tx *db.Tx) error { return acts[step](ctx, tx, m.ID) }))
				}
				err := write(t, d, func(ctx context.Context, tx *db.Tx) error { return do(ctx, tx, m.ID) })
				to, allowed := want[string(from)+" "+act]
				switch got := state(t, d, m.ID); {
				case allowed && (err != nil || got != to):
					t.Errorf("%s %s: %v, and the shop is %s", from, act, err, got)
				case !allowed && (!fault.Is(err, "merchant-state") || got != from):
					t.Errorf("%s %s: %v, and the shop is %s", from, act, err, got)
				}
			}
		}
		err := write(t, d, func(ctx context.Context, tx *db.Tx) error { return merchants.Suspend(ctx, tx, "mer_0") })
		if !fault.Is(err, "merchant") {
			t.Errorf("a shop that is not there: %v", err)
		}
	})
}

// TestOneOfTwoActsWins lets two acts race for an active shop.
func TestOneOfTwoActsWins(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		nodes := []*db.DB{p.Open(t), p.Open(t)}
		for i := range 10 {
			m := add(t, nodes[0], shop(t, i))
			must(t, write(t, nodes[0], func(ctx context.Context, tx *db.Tx) error { return merchants.Activate(ctx, tx, m.ID) }))
			errs := make([]error, 2)
			var wg sync.WaitGroup
			for n, d := range nodes {
				wg.Go(func() {
					errs[n] = write(t, d, func(ctx context.Context, tx *db.Tx) error { return merchants.Suspend(ctx, tx, m.ID) })
				})
			}
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("both or neither suspended it: %v", errs)
			}
		}
	})
}

func TestInForce(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		d := p.Open(t)
		today := calendar.NewDate(2026, time.November, 22)
		var ids []string
		for i := range 5 {
			ids = append(ids, add(t, d, shop(t, i)).ID)
		}
		must(t, write(t, d, func(ctx context.Context, tx *db.Tx) error { return merchants.Activate(ctx, tx, ids[0]) }))
		later := merchants.StandardContract()
		later.Model, later.ConsumerLimitCents = merchants.Guaranteed, 2_500_00
		must(t, write(t, d, func(ctx context.Context, tx *db.Tx) error {
			if _, err := merchants.AddContract(ctx, tx, ids[0], today.AddDays(10), later); err != nil {
				return err
			}
			must(t, merchants.AddTerms(ctx, tx, ids[0], today.AddDays(5), merchants.TermsText{Version: "2026-02"}))
			return merchants.AddTerms(ctx, tx, ids[0], today.AddDays(50), merchants.TermsText{Version: "2027-01"})
		}))
		inForce := func(on calendar.Date, ids ...string) (out map[string]merchants.Terms) {
			keys := make([]merchants.TermsKey, len(ids))
			for i, id := range ids {
				keys[i].Merchant = id
			}
			must(t, d.Read(t.Context(), func(tx *db.Tx) error {
				found, err := merchants.InForce(t.Context(), tx, keys, on)
				out = map[string]merchants.Terms{}
				for k, terms := range found {
					out[k.Merchant] = terms
				}
				return err
			}))
			return out
		}

		for _, c := range []struct {
			name    string
			on      calendar.Date
			model   merchants.Model
			version string
		}{
			{"the day before", today.AddDays(-1), "", ""},
			{"the first day", today, merchants.Collected, "2026-01"},
			{"new terms", today.AddDays(5), merchants.Collected, "2026-02"},
			{"the last day of the contract", today.AddDays(9), merchants.Collected, "2026-02"},
			{"the next contract", today.AddDays(10), merchants.Guaranteed, "2026-02"},
			{"newer terms", today.AddDays(50), merchants.Guaranteed, "2027-01"},
		} {
			got := inForce(c.on, ids[0], ids[0])
			if c.model == "" {
				if len(got) != 0 {
					t.Errorf("%s: %v", c.name, got)
				}
				continue
			}
			terms := got[ids[0]]
			if len(got) != 1 || terms.Contract.Model != c.model || terms.Version != c.version || !terms.Active() || terms.InvoicePrefix != "S0" || terms.Country != "NL" {
				t.Errorf("%s: %+v", c.name, terms)
			}
		}
		limits := inForce(today.AddDays(10), ids[0])[ids[0]].Contract
		limits.ID = ""
		if limits != later {
			t.Errorf("stored %+v, read %+v", later, limits)
		}

		all := inForce(today, append(ids, "mer_0")...) // as a set, with a stranger
		if got, want := slices.Sorted(maps.Keys(all)), slices.Sorted(slices.Values(ids)); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if all[ids[1]].Active() || all[ids[1]].Merchant != ids[1] {
			t.Errorf("a draft: %+v", all[ids[1]])
		}
		if got := inForce(today); len(got) != 0 {
			t.Errorf("of no shop: %v", got)
		}
	})
}

func TestContracts(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		today := calendar.NewDate(2026, time.November, 22)
		mine, other := add(t, d, shop(t, 1)), add(t, d, shop(t, 2))
		var second merchants.Contract
		must(t, write(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
			second, err = merchants.AddContract(ctx, tx, mine.ID, today.AddDays(1), merchants.StandardContract())
			return err
		}))
		var got map[merchants.ContractKey]merchants.Terms
		key := merchants.ContractKey{Merchant: mine.ID, ID: second.ID}
		must(t, d.Read(t.Context(), func(tx *db.Tx) (err error) {
			got, err = merchants.Contracts(t.Context(), tx, []merchants.ContractKey{key, key, {Merchant: other.ID, ID: second.ID}, {Merchant: mine.ID, ID: "con_0"}})
			return err
		}))
		if len(got) != 1 || got[key].Contract != second || got[key].Merchant != mine.ID {
			t.Errorf("got %v", got)
		}

		for name, c := range map[string]struct {
			from   calendar.Date
			change func(c *merchants.Contract)
			want   []string
		}{
			"the same day again":         {today.AddDays(1), func(*merchants.Contract) {}, []string{"contract-date"}},
			"the same day of a workflow": {today.AddDays(1), func(c *merchants.Contract) { c.Workflow = 1 }, nil},
			"the same day of it again":   {today.AddDays(1), func(c *merchants.Contract) { c.Workflow = 0 }, []string{"contract-date"}},
			"a limit below zero":         {today.AddDays(2), func(c *merchants.Contract) { c.OrderLimitCents = -1 }, []string{"#/contract/order_limit_cents range"}},
			"a fee below zero":           {today.AddDays(2), func(c *merchants.Contract) { c.FeeFixedCents = -1 }, []string{"#/contract/fee_fixed_cents range"}},
		} {
			contract := merchants.StandardContract()
			c.change(&contract)
			err := write(t, d, func(ctx context.Context, tx *db.Tx) error {
				_, err := merchants.AddContract(ctx, tx, mine.ID, c.from, contract)
				return err
			})
			if got := complaints(err); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, c := range []struct {
			version string
			want    []string
		}{{"2026-01", []string{"terms-version"}}, {"", []string{"#/terms/version required"}}} {
			err := write(t, d, func(ctx context.Context, tx *db.Tx) error {
				return merchants.AddTerms(ctx, tx, mine.ID, today, merchants.TermsText{Version: c.version})
			})
			if got := complaints(err); !slices.Equal(got, c.want) {
				t.Errorf("terms %q: %v", c.version, err)
			}
		}
	})
}

func TestOperator(t *testing.T) {
	good := merchants.Operator{Name: "Voorbeeld Betalen", LegalName: "Voorbeeld Betalen B.V.", Street: "Kade", HouseNumber: "1", Postcode: "1234 AB",
		City: "Voorbeeld", Country: "NL", RegistrationNumber: "90000001", VATID: "NL000099998B57", VATPercent: "21", Email: "post@voorbeeld.example",
		Phone: "+31201234567", Website: "https://voorbeeld.example", ClientIBAN: "NL41ACHT0000000011", OwnIBAN: "NL14ACHT0000000012", BIC: "ACHTNL2A",
		AccountName: "Voorbeeld Betalen B.V."}
	for name, c := range map[string]struct {
		change func(o *merchants.Operator)
		want   []string
	}{
		"complete":                {func(*merchants.Operator) {}, nil},
		"no name":                 {func(o *merchants.Operator) { o.Name = "" }, []string{"#/operator/name required"}},
		"client money is our own": {func(o *merchants.Operator) { o.OwnIBAN = "NL41 ACHT 0000 0000 11" }, []string{"#/operator/own_iban same"}},
		"a long account name":     {func(o *merchants.Operator) { o.AccountName = strings.Repeat("é", 71) }, []string{"#/operator/account_name too-long"}},
		"not a rate":              {func(o *merchants.Operator) { o.VATPercent = "a fifth" }, []string{"#/operator/vat_percent form"}},
		"empty": {func(o *merchants.Operator) { *o = merchants.Operator{} }, []string{"#/operator/account_name required", "#/operator/bic required",
			"#/operator/city required", "#/operator/client_iban required", "#/operator/country country", "#/operator/email required",
			"#/operator/house_number required", "#/operator/legal_name required", "#/operator/name required", "#/operator/own_iban required",
			"#/operator/phone required", "#/operator/postcode required", "#/operator/registration_number required", "#/operator/street required",
			"#/operator/vat_id required", "#/operator/vat_percent required"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			c.change(&o)
			var got []string
			for _, f := range o.Check() {
				got = append(got, f.Pointer+" "+f.Code)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q", got)
			}
		})
	}
	late := calendar.At(time.Date(2026, time.December, 31, 23, 30, 0, 0, time.UTC))
	if got := good.Today(late); got != calendar.NewDate(2027, time.January, 1) {
		t.Errorf("today is %s", got)
	}
}
