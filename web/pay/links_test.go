package pay_test

import (
	"encoding/json"
	"strings"
	"testing"

	"achteraf/internal/db"
	"achteraf/invoices"
)

// TestMailLeadsHere: the button in the mail, the invoice and the API lead to the page of the right invoice, which shows
// what is open today. An invoice keeps the address that it had when it was made; the API has the present one.
func TestMailLeadsHere_S_PAY_05(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o, other := w.sell("NL"), w.sell("NL")
		address := w.url + o.path
		if got := w.payURL(o); got != address {
			t.Errorf("planned: the API says %q", got)
		}
		w.days(3)
		var mail string
		for _, m := range w.box.Mails() {
			if strings.Contains(m.Text, address) && strings.Contains(m.HTML, address) {
				mail = m.Text
			}
			if strings.Contains(m.Text, w.url+o.path) && strings.Contains(m.Text, w.url+other.path) {
				t.Error("a mail leads to two invoices")
			}
		}
		if !strings.Contains(mail, "89,90") || strings.Contains(mail, "49,90") {
			t.Errorf("no mail leads to the page: %s", mail)
		}
		if !strings.Contains(w.document(o), address) || w.payURL(o) != address {
			t.Error("the invoice or the API does not lead to the page")
		}
		w.transfer(o, 40_00)
		wants(t, "today", w.get(o.path), 200, []string{"Te betalen € 49,90"})
		w.must(w.DB.Write(t.Context(), func(tx *db.Tx) error { return invoices.RevokeLinks(t.Context(), tx, o.key()) }))
		fresh := w.payURL(o)
		if fresh == address || !strings.HasPrefix(fresh, w.url+"/pay/") {
			t.Errorf("after the link was revoked the API says %q", fresh)
		}
		if !strings.Contains(w.document(o), address) {
			t.Error("the invoice has changed")
		}
		wants(t, "the fresh link", w.get(strings.TrimPrefix(fresh, w.url)), 200, []string{"Te betalen € 49,90"})
		w.transfer(o, 49_90)
		if got := w.payURL(o); got != "" {
			t.Errorf("paid: the API says %q", got)
		}
	})
}

// payURL is what the API says, in the answer for one order and in a list alike.
func (w *world) payURL(o sold) string {
	w.t.Helper()
	type order struct {
		ID       string
		Invoices []struct {
			PayURL *string `json:"pay_url"`
		}
	}
	var one order
	var list struct{ Data []order }
	for path, into := range map[string]any{"/v1/orders/" + o.Order.ID: &one, "/v1/orders": &list} {
		a := w.get(path, "Authorization", "Bearer "+w.secret)
		if a.Code != 200 || json.Unmarshal([]byte(a.body), into) != nil {
			w.t.Fatalf("%d %s", a.Code, a.body)
		}
	}
	shown := func(x order) string {
		if len(x.Invoices) != 1 || x.Invoices[0].PayURL == nil {
			return ""
		}
		return *x.Invoices[0].PayURL
	}
	for _, x := range list.Data {
		if x.ID == o.Order.ID && shown(x) != shown(one) {
			w.t.Errorf("listed as %q, read as %q", shown(x), shown(one))
		}
	}
	return shown(one)
}

func (w *world) document(o sold) (page string) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		out, err := w.Clerk.Document(w.t.Context(), tx, o.Order.Merchant, o.Invoice.ID)
		page = string(out)
		return err
	}))
	return page
}
