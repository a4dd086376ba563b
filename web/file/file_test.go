package file_test

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/platform"
)

// TestFileLink follows a link from the order to the file and to its end.
func TestFileLink(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			place := dbtest.New(t, engine)
			d := place.Open(t)
			v, err1 := vault.Parse([]byte("world AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
			secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/world/log")
			key, err3 := ledger.ReadKey(secret)
			must(t, cmp.Or(err1, err2, err3))
			p, err := platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Random: dbtest.Chance(3), Log: slog.New(slog.DiscardHandler), MailOff: true,
				Operator:  merchants.Operator{Name: "Betaalhuis", LegalName: "Betaalhuis B.V.", Country: "NL", VATPercent: "21", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002"},
				PublicURL: "https://betaal.example"})
			must(t, err)
			must(t, d.LetClockMove(t.Context()))
			var credential string
			must(t, d.Write(t.Context(), func(tx *db.Tx) error {
				m, err := merchants.Add(t.Context(), tx, merchants.New{Slug: "winkel", Name: "Winkel", LegalName: "Winkel B.V.", Country: "NL",
					Street: "Marktplein", HouseNumber: "5", Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: "90000010",
					VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: "W",
					Contacts: []merchants.Contact{{Kind: "email", Value: "service@winkel.example"}, {Kind: "phone", Value: "+31201234567"}},
					Contract: merchants.StandardContract(), Terms: merchants.TermsText{Version: "1"}})
				if err != nil {
					return err
				}
				if err := merchants.Activate(t.Context(), tx, m.ID); err != nil {
					return err
				}
				credential, _, err = p.Access.MakeKey(t.Context(), tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
				return err
			}))
			ask := func(method, path, body string) *httptest.ResponseRecorder {
				r := httptest.NewRequest(method, path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Idempotency-Key", "k1")
				if !strings.HasPrefix(path, "/file/") {
					r.Header.Set("Authorization", "Bearer "+credential)
				}
				rec := httptest.NewRecorder()
				p.Handler().ServeHTTP(rec, r)
				return rec
			}
			var order struct{ ID string }
			must(t, json.Unmarshal(ask("POST", "/v1/orders", `{"reference":"1","currency":"EUR","prices":"incl_vat","total_cents":5040,
"lines":[{"reference":"A","kind":"goods","description":"Running shoes","quantity":1,"unit_price_cents":5040,"vat_percent":"21","return_mark":null}],
"buyer":{"kind":"consumer","email":"koper@example.org","language":"nl","ip":"203.0.113.7","name":{"first":"Jo","last":"Koper"},"birth_date":"1985-03-01",
"address":{"street":"Dorpsstraat","house_number":"1","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`).Body.Bytes(), &order))
			link := "/v1/orders/" + order.ID + "/file"
			if early := ask("GET", link, ""); early.Code != http.StatusNotFound || !strings.Contains(early.Body.String(), `"invoice"`) {
				t.Errorf("before the issue: %d %s", early.Code, early.Body)
			}
			must(t, p.MoveTo(t.Context(), place.Clock.Now().Add(4*24*time.Hour)))
			var got struct {
				Name, URL string
				ExpiresAt time.Time `json:"expires_at"`
			}
			a := ask("GET", link, "")
			must(t, json.Unmarshal(a.Body.Bytes(), &got))
			path, ok := strings.CutPrefix(got.URL, "https://betaal.example")
			if !ok || got.Name != "W-2026-000001.pdf" || got.ExpiresAt.UnixMicro() != place.Clock.Now().Add(7*24*time.Hour).Micros() {
				t.Fatalf("%d %s", a.Code, a.Body)
			}
			file := ask("GET", path, "")
			if file.Code != http.StatusOK || !strings.HasPrefix(file.Body.String(), "%PDF-") || file.Header().Get("Content-Type") != "application/pdf" ||
				file.Header().Get("Content-Disposition") != `inline; filename="W-2026-000001.pdf"` || file.Header().Get("X-Robots-Tag") == "" {
				t.Errorf("%d %v", file.Code, file.Header())
			}
			for at := range len(path) - len("/file/") { // any other letter anywhere opens nothing
				b := []byte(path)
				if b[at+6] = 'A'; path[at+6] == 'A' {
					b[at+6] = 'B'
				}
				if a := ask("GET", string(b), ""); a.Code != http.StatusNotFound {
					t.Errorf("letter %d changed: %d", at, a.Code)
				}
			}
			for _, wrong := range []string{"/file/", "/file/x", path + "x", path[:len(path)-1], "/file/%00", "/file/" + strings.Repeat("é", 25)} {
				if a := ask("GET", wrong, ""); a.Code != http.StatusNotFound {
					t.Errorf("%s: %d", wrong, a.Code)
				}
			}
			place.Clock.Advance(7*24*time.Hour - time.Second)
			if a := ask("GET", path, ""); a.Code != http.StatusOK {
				t.Errorf("in its last second: %d", a.Code)
			}
			place.Clock.Advance(time.Second)
			if a := ask("GET", path, ""); a.Code != http.StatusNotFound || strings.Contains(a.Body.String(), "W-2026") {
				t.Errorf("after its end: %d %s", a.Code, a.Body)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
