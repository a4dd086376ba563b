package older_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/invoices"
	"achteraf/messages"
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

// TestNotes: what a plug-in says beside the order is kept sealed, printed where it is meant to be, mailed to the second
// address, and given back to the shop; a later code of the carrier replaces the earlier.
func TestNotes_S_INV_01(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.api("check", private())
		w.api("order", private("ORDERNUMBER=1", "CHECKUUID={uuid}", "EMAIL2=kopie@Example.org", "VARIABLE1=ref", "VARIABLE3=kast 3", "DEBTORNUMBER=D-12",
			"ADDITIONALTEXT=PO 1\r\n &amp; bel aan "+strings.Repeat("a", 600), "TRACKANDTRACE=first")+oneItem)
		w.api("start-workflow", "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><TRACKANDTRACE>second</TRACKANDTRACE></ITEM></INVOICES>")
		w.must(w.Scanner.RunUntilIdle(t.Context()))
		var said, copyTo []byte
		var tracking string
		var mails []string
		var page []byte
		w.must(w.DB.Read(t.Context(), func(tx *db.Tx) error {
			ctx := t.Context()
			o, err := orders.ByReference(ctx, tx, w.shop, "1")
			if err != nil {
				return err
			}
			m, err := w.Clerk.Remark(ctx, tx, &o)
			if err != nil || len(m.Note) != orders.MostNote || !strings.HasPrefix(m.Note, "PO 1 & bel aan aaa") || m.Customer != "D-12" ||
				strings.Join(m.Notes, ",") != "ref,kast 3" || m.CopyTo != "kopie@example.org" {
				t.Errorf("%v %+v", err, m)
			}
			of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: w.shop, ID: o.ID}})
			if err != nil {
				return err
			}
			if page, err = w.Clerk.Document(ctx, tx, w.shop, of[0][0].ID); err != nil {
				return err
			}
			all, err := messages.OfOrder(ctx, tx, w.shop, o.ID)
			for _, m := range all {
				mails = append(mails, m.Code)
			}
			if err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, `select tracking from older_notes`, nil, &tracking); err != nil {
				return err
			}
			return tx.QueryRow(ctx, `select said, copy_to from order_remarks`, nil, &said, &copyTo)
		}))
		if tracking != "second" || len(said) == 0 || len(copyTo) == 0 || strings.Contains(string(said)+string(copyTo), "kopie") {
			t.Errorf("%q %q %q", tracking, said, copyTo)
		}
		if !strings.Contains(string(page), "PO 1 &amp; bel aan aaa") || strings.Contains(string(page), "kast 3") {
			t.Errorf("the invoice: %s", page)
		}
		slices.Sort(mails)
		if strings.Join(mails, " ") != "invoice invoice-copy order-confirmed" {
			t.Errorf("mails: %v", mails)
		}
	})
}
