package buyer_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// TestInvoiceByButton_S_INV_10: who is signed in has the invoice mailed with one press, once, and reads that it is on
// its way; nobody else has it mailed.
func TestInvoiceByButton_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place(sanne, "nl", "Trailschoenen", 8990)
		planned := w.place(sanne, "nl", "Sokken", 990)
		foreign := w.place(other, "nl", "Lamp", 2450)
		w.days(3)
		late := w.place(sanne, "nl", "Riem", 1990)
		b := w.browser().in(sanne)
		page, press := "/my/orders/"+o.ID, "/my/orders/"+o.ID+"/mail"
		if a := b.get(page); !strings.Contains(a.raw, `action="`+press+`"`) || !strings.Contains(a.text, "Mail mij deze rekening") {
			t.Fatal(a.text)
		}
		before := len(w.box.Mails())
		for range 2 {
			if a := b.post(press + "?lang=fr"); a.status != http.StatusSeeOther || a.to != page+"?lang=fr#mailed" {
				t.Fatalf("%d to %s", a.status, a.to)
			}
			b.get(page).wants(t, http.StatusOK, "Onderweg naar je mail")
		}
		w.settle()
		a := b.get(page)
		a.wants(t, http.StatusOK, "Onderweg naar je mail")
		if strings.Contains(a.text, "Mail mij deze rekening") {
			t.Error("the button is still there")
		}
		all := w.box.Mails()[before:]
		if len(all) != 1 || all[0].To != sanne || !strings.HasPrefix(all[0].Subject, "Je factuur ") || len(all[0].Files) != 2 || !bytes.HasPrefix(all[0].Files[0].Data, []byte("%PDF-")) {
			t.Fatalf("%d mails", len(all))
		}
		b.get("/my/messages").wants(t, http.StatusOK, "Rekening")
		if a := b.get("/my/orders/" + late.ID); strings.Contains(a.raw, "/mail\"") {
			t.Error("a button for an invoice that is not there")
		}
		b.post("/my/orders/"+late.ID+"/mail").wants(t, http.StatusNotFound)
		b.post("/my/orders/"+foreign.ID+"/mail").wants(t, http.StatusNotFound)
		if a := w.browser().post(press); a.status != http.StatusSeeOther || a.to != "/my" {
			t.Errorf("not signed in: %d to %s", a.status, a.to)
		}
		w.settle()
		if n := len(w.box.Mails()) - before; n != 1 {
			t.Errorf("%d mails", n)
		}
		w.days(1) // an hour and more
		if a := b.get("/my/orders/" + planned.ID); !strings.Contains(a.text, "Mail mij deze rekening") {
			t.Error("no button for another")
		}
	})
}

// TestInvoiceByForm_S_INV_10 goes the whole way of somebody who is not signed in: from the sign-in to the form, and to
// the same answer for an address that we know and one that we do not.
func TestInvoiceByForm_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place(sanne, "nl", "Trailschoenen", 8990)
		w.days(3)
		b := w.browser()
		if a := b.get("/my"); !strings.Contains(a.raw, `href="/invoice-request"`) {
			t.Error("the sign-in does not lead to the form")
		}
		before := len(w.box.Mails())
		var shown []string
		for _, email := range []string{sanne, "niemand@example.org"} {
			a := b.post("/invoice-request", "email", email, "reference", "p 1")
			if a.status != http.StatusSeeOther || a.to != "/invoice-request/sent" {
				t.Fatalf("%d to %s", a.status, a.to)
			}
			shown = append(shown, b.get(a.to).raw)
		}
		if shown[0] != shown[1] {
			t.Error("the answers differ")
		}
		w.settle()
		if all := w.box.Mails()[before:]; len(all) != 1 || all[0].To != sanne || len(all[0].Files) != 2 {
			t.Fatalf("%d mails", len(all))
		}
		b.post("/invoice-request", "email", "sanne", "reference", "-").wants(t, http.StatusUnprocessableEntity, "Dit adres is niet compleet", "Vul een van deze nummers in")
		for i := range 5 {
			a := b.post("/invoice-request", "email", sanne, "reference", "P-1")
			if want := map[bool]int{true: http.StatusTooManyRequests, false: http.StatusSeeOther}[i == 4]; a.status != want {
				t.Errorf("request %d: %d", i, a.status)
			}
		}
	})
}
