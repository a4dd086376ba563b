package invoices_test

import (
	"context"
	"testing"

	"achteraf/internal/db"
	"achteraf/invoices"
	"achteraf/risk"
)

// An accepted order has its decision, its planned invoice and its date of sending; on that day the invoice
// is issued with a number and a due date.
func TestAcceptAndIssue_S_CHK_02_S_CHK_04(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(nil)
		if out.Decision.Class != risk.Accepted || out.Order == nil {
			t.Fatalf("decision %+v", out.Decision)
		}
		w.advance(2)
		if v := w.invoice(out); v.Status != invoices.Planned || v.Number != "" {
			t.Fatalf("two days later: %+v", v)
		}
		w.advance(1)
		v := w.invoice(out)
		if v.Status != invoices.Open || v.Number != "W1-2026-000001" || v.OpenCents != 5040 || v.DueOn != v.IssuedOn.AddDays(16) {
			t.Fatalf("three days later: %+v", v)
		}
		w.read(func(tx *db.Tx) error {
			r, err := risk.Find(context.Background(), tx, w.vault, w.shop.ID, out.Attempt)
			if err != nil || r.Decision.Policy == "" || r.Facts.AmountCents != 5040 || r.Facts.Age != 36 {
				t.Errorf("decision record %+v, %v", r, err)
			}
			return nil
		})
	})
}
