package invoices_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/fault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
)

// handed is a document in both its forms, as it is given to somebody.
func (p *printer) handed(t *testing.T, clerk *invoices.Clerk, merchant, id string) (page, file []byte) {
	t.Helper()
	read := func(tx *db.Tx) (*invoices.Paper, error) {
		if strings.HasPrefix(id, "cre_") {
			return clerk.CreditNote(context.Background(), tx, merchant, id)
		}
		return clerk.Invoice(context.Background(), tx, merchant, id)
	}
	var err error
	if page, err = clerk.HandOut(context.Background(), p.d, read, (*invoices.Paper).HTML); err != nil {
		t.Fatal(err)
	}
	if file, err = clerk.HandOut(context.Background(), p.d, read, (*invoices.Paper).PDF); err != nil {
		t.Fatal(err)
	}
	return page, file
}

// TestDocumentsAreFixed: whatever changes at the shop, at the operator and in the contract, an invoice and a
// credit note that were made stay as they are, byte for byte.
func TestDocumentsAreFixed(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPrinter(t, d)
		o := p.sell("nl", basket)
		p.advance(3)
		n := p.credit(o, invoices.CreditAsk{Lines: []invoices.CreditLine{{Line: 2, Quantity: "1"}}, Reason: "return"})
		page, file := p.handed(t, p.clerk, o.Order.Merchant, o.Invoice.ID)
		creditPage, creditFile := p.handed(t, p.clerk, n.Merchant, n.ID)

		p.write(func(tx *db.Tx) error {
			ctx := context.Background()
			for _, sql := range []string{
				`update merchants set name = 'Anders', legal_name = 'Anders N.V.', street = 'Elders', house_number = '99', city = 'Verweg', vat_id = 'NL000000000B00'`,
				`update merchant_contacts set value = 'anders@winkel.example' where kind = 'email'`,
				`update contracts set model = 'guaranteed', due_days = 60`,
				`update orders set reference = 'ANDERS', terms_version = '9', country = 'BE'`,
				`update order_lines set description = 'Iets anders'`,
			} {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return err
				}
			}
			return nil
		})
		later, err := invoices.NewClerk(p.desk, merchants.Operator{Name: "Later", LegalName: "Later B.V.", Street: "Laan", HouseNumber: "2", Postcode: "4321BA",
			City: "Nergens", Country: "BE", VATPercent: "21", Email: "later@example.org", ClientIBAN: "BE68539007547034", AccountName: "Later"})
		if err != nil {
			t.Fatal(err)
		}
		later.UsePayPages(func(_ context.Context, _ *db.Tx, of []invoices.Key) ([]string, error) {
			return make([]string, len(of)), nil
		})
		for _, c := range []struct {
			what, id   string
			page, file []byte
		}{{"invoice", o.Invoice.ID, page, file}, {"credit note", n.ID, creditPage, creditFile}} {
			page, file := p.handed(t, later, o.Order.Merchant, c.id)
			if !bytes.Equal(page, c.page) {
				t.Errorf("the page of the %s became\n%s", c.what, page)
			}
			if !bytes.Equal(file, c.file) {
				t.Errorf("the file of the %s changed", c.what)
			}
		}
		if text := plain(string(page)); !strings.Contains(text, "Winkel B.V. Plein 1") || strings.Contains(text, "Anders") {
			t.Errorf("the invoice says %s", text)
		}
	})
}

// TestHandedOutOnce: a form that was handed out is the only one that can be.
func TestHandedOutOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPrinter(t, d)
		o := p.sell("nl", basket)
		p.advance(3)
		paper := func() (out *invoices.Paper) {
			p.read(func(tx *db.Tx) (err error) {
				out, err = p.clerk.Invoice(context.Background(), tx, o.Order.Merchant, o.Invoice.ID)
				return err
			})
			return out
		}
		render := func(x *invoices.Paper) error {
			_, err := x.HTML()
			return err
		}
		early := paper()
		if err := render(early); err != nil || !early.Fresh() {
			t.Fatalf("fresh %v, %v", early.Fresh(), err)
		}
		p.write(func(tx *db.Tx) error { return p.clerk.Handed(context.Background(), tx, early) })
		if again := paper(); render(again) != nil || again.Fresh() {
			t.Error("the hash was not kept")
		}
		p.write(func(tx *db.Tx) error {
			_, err := tx.Exec(context.Background(), `update documents set html_hash = $1, pdf_hash = $1`, bytes.Repeat([]byte{7}, 32))
			return err
		})
		if err := render(paper()); err == nil {
			t.Error("another page than the one that was handed out is made")
		}
		if _, err := paper().PDF(); err == nil {
			t.Error("another file than the one that was handed out is made")
		}
		if err := d.Write(context.Background(), func(tx *db.Tx) error { return p.clerk.Handed(context.Background(), tx, early) }); !fault.Is(err, "document-changed") {
			t.Errorf("a second form: %v", err)
		}
	})
}

// TestDocumentOfThePast: when the years are over and the key is gone, nobody reads the document again.
func TestDocumentOfThePast(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPrinter(t, d)
		o := p.sell("nl", basket)
		p.advance(3)
		p.write(func(tx *db.Tx) error {
			_, err := tx.Exec(context.Background(), `update persons set fiscal = null`)
			return err
		})
		p.read(func(tx *db.Tx) error {
			if _, err := p.clerk.Document(context.Background(), tx, o.Order.Merchant, o.Invoice.ID); !fault.Is(err, "document-erased") {
				t.Errorf("%v", err)
			}
			return nil
		})
	})
}

// TestFactsAreSealed: nothing of a document stands in the clear, and it opens nowhere else.
func TestFactsAreSealed(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPrinter(t, d)
		a, b := p.sell("nl", basket), p.sell("nl", basket)
		p.advance(3)
		p.write(func(tx *db.Tx) error {
			var facts []byte
			if err := tx.QueryRow(context.Background(), `select facts from documents where id = $1`, []any{a.Invoice.ID}, &facts); err != nil {
				return err
			}
			for _, word := range []string{"Sanne", "Dorpsstraat", "Trailschoenen", "Winkel"} {
				if bytes.Contains(facts, []byte(word)) {
					t.Errorf("%s stands in the clear", word)
				}
			}
			_, err := tx.Exec(context.Background(), `update documents set facts = $2, person_id = $3 where id = $1`, b.Invoice.ID, facts, a.Order.Person)
			return err
		})
		p.read(func(tx *db.Tx) error {
			if _, err := p.clerk.Document(context.Background(), tx, b.Order.Merchant, b.Invoice.ID); err == nil {
				t.Error("the facts of one document open as another's")
			}
			return nil
		})
	})
}

// TestIssueNeedsItsDocument: an invoice whose document cannot be made is not issued, and holds up no other.
func TestIssueNeedsItsDocument(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p := newPrinter(t, d)
		forged, sound := p.sell("nl", basket), p.sell("nl", basket)
		p.write(func(tx *db.Tx) error {
			_, err := tx.Exec(context.Background(), `update identities set fiscal = claim where id = $1`, forged.Order.Attempt)
			return err
		})
		p.advance(3)
		if v := p.invoice(sound); v.Status != invoices.Open || v.Number == "" {
			t.Errorf("the other invoice is %s, number %q", v.Status, v.Number)
		}
		if v := p.invoice(forged); v.Status != invoices.Planned || v.Number != "" || p.balance(ledger.BuyerPrincipal, v.ID) != 0 {
			t.Errorf("the invoice without a document is %s, number %q", v.Status, v.Number)
		}
	})
}
