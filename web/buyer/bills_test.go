package buyer_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"achteraf/internal/db"
)

// TestOldBills_S_INV_09: a bill of eight years ago is in the list, is found by its number, shop and reference, and opens
// with its documents, however many came after it.
func TestOldBills_S_INV_09(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		old := w.place(sanne, "nl", "Fietstas", 4550)
		w.place(other, "nl", "Braadpan", 3995)
		w.days(3)
		w.pay(old, 4550)
		var number, reference string
		w.read(func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), `select v.number, o.payment_reference from orders o join invoices v on v.order_id = o.id where o.id = $1`, []any{old.ID}, &number, &reference)
		})
		w.days(8 * 365)
		for n := range 30 { // more than the overview shows, and more than one page
			w.place(sanne, "nl", fmt.Sprint("Potlood nr. ", n), 100)
			if n%15 == 14 {
				w.days(1)
			}
		}
		b := w.browser().in(sanne)
		b.get("/my").wants(t, http.StatusOK, "Bekijk alle 31 en zoek")
		first := b.get("/my/bills")
		first.wants(t, http.StatusOK, "1 tot en met 25 van 31", "Potlood nr. 29", "Oudere")
		second := b.get("/my/bills?page=2")
		second.wants(t, http.StatusOK, "26 tot en met 31 van 31", "Fietstas", "Nieuwere")
		if strings.Contains(first.text, "Fietstas") || strings.Contains(second.text, "Braadpan") {
			t.Error("a bill on the wrong page, or of somebody else")
		}
		for _, q := range []string{number, reference, "fietstas+loopschuur"} {
			found := b.get("/my/bills?q=" + q)
			found.wants(t, http.StatusOK, "Fietstas")
			if !strings.Contains(found.raw, "/my/orders/"+old.ID) || q != "fietstas+loopschuur" && strings.Contains(found.text, "Potlood") {
				t.Errorf("%q finds %s", q, found.text)
			}
		}
		at := "/my/orders/" + old.ID
		b.get(at).wants(t, http.StatusOK, "Fietstas", number, "Betaald op")
		for _, name := range []string{"invoice.pdf", "invoice.html"} {
			if a := b.get(at + "/papers/" + name); a.status != http.StatusOK || len(a.raw) < 1000 {
				t.Errorf("%s: %d", name, a.status)
			}
		}
		if a := w.browser().get("/my/bills"); a.status != http.StatusSeeOther {
			t.Errorf("not signed in: %d", a.status)
		}
	})
}
