package older_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/orders"
)

// TestWhatIsKept: what sloppy messages say is kept as it was meant.
func TestWhatIsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, client := range []string{"woocommerce-1.1", "magento-2", "prestashop", "keesschepers"} {
			for _, name := range glob(t, "testdata/"+client+"/*.http") {
				raw, err := os.ReadFile(name)
				w.must(err)
				w.send(strings.Replace(string(raw), "<BACKDOOR>0</BACKDOOR>", "", 1))
			}
		}
		b, o, lines := w.look("1187")
		if b.Kind != buyers.Company || b.Name.First != "Zoë" || b.Address.HouseNumberSuffix != "a" || b.Company.Name != "Vermeer Verf" || b.Language != "nl" ||
			lines[0].Description != "Verf Café" || lines[0].Quantity != "3" || lines[0].VATPercent != "20" || o.TotalCents != 3630 {
			t.Errorf("%+v %+v %+v", b, o, lines)
		}
		b, o, lines = w.look("000000201")
		// 3 × 340.0413 × 1.21 = 1234.349919, -10.00 × 1.21, 1.95
		if b.Kind != buyers.Consumer || b.BirthDate.String() != "1977-07-07" || b.Phone != "+31701234567" || b.IP != "192.0.2.40" || o.TotalCents != 123435-1210+195 ||
			lines[0].Description != "Tas" || lines[0].Quantity != "3" || lines[0].UnitPriceCents != 41145 || lines[1].Kind != "discount" || lines[2].TotalCents != 195 {
			t.Errorf("%+v %+v %+v", b, o, lines)
		}
		b, o, lines = w.look("XKBKNABJK")
		if b.Name.Last != "Peters & Co" || b.Address.HouseNumber != "1940122" || b.Phone != "+31402123456" || lines[0].Description != "Mok Tom & Jerry" || o.TotalCents != 2595 {
			t.Errorf("%+v %+v %+v", b, o, lines)
		}
		b, o, lines = w.look("K2021-77")
		// 100 × 0.125 × 1.21 = 15.125, 1020.88 × 1.21 = 1235.2648
		if b.Company.RegistrationNumber != "02098765" || b.Address.Country != "NL" || o.TotalCents != 1513+123526 || lines[0].Description != "100 × Bouten M8" {
			t.Errorf("%+v %+v %+v", b, o, lines)
		}
	})
}

// look reads an order with its buyer and lines.
func (w *world) look(number string) (b buyers.Buyer, o orders.Order, lines []orders.Line) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) (err error) {
		ctx := w.t.Context()
		if o, err = orders.ByReference(ctx, tx, w.shop, number); err != nil {
			return err
		}
		all, err := orders.Lines(ctx, tx, []orders.Key{{Merchant: w.shop, ID: o.ID}})
		if err != nil {
			return err
		}
		versions, err := w.Desk.Identities(ctx, tx, w.shop, o.Attempt)
		if err == nil {
			b, lines = versions[0].Buyer, all[0]
		}
		return err
	}))
	return b, o, lines
}

// TestNotes: what no stage asks for is kept sealed; a later code of the carrier replaces the earlier.
func TestNotes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.api("check", private())
		w.api("order", private("ORDERNUMBER=1", "CHECKUUID={uuid}", "EMAIL2=kopie@example.org", "VARIABLE1=ref", "ADITIONALTEXT=PO 1", "TRACKANDTRACE=first")+oneItem)
		w.api("start-workflow", "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><TRACKANDTRACE>second</TRACKANDTRACE></ITEM></INVOICES>")
		var said []byte
		var tracking string
		w.must(w.DB.Read(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(context.Background(), `select said, tracking from older_notes`, nil, &said, &tracking)
		}))
		if tracking != "second" || len(said) == 0 || strings.Contains(string(said), "kopie") {
			t.Errorf("%q %q", tracking, said)
		}
	})
}
