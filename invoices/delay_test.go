package invoices_test

import (
	"context"
	"testing"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/invoices"
)

func (w *world) delay(out *invoices.Outcome, on calendar.Date, reason string) (h invoices.Hold, err error) {
	err = w.d.Write(context.Background(), func(tx *db.Tx) error {
		h, err = w.clerk.Delay(context.Background(), tx, invoices.Delay{Merchant: w.shop.ID, Order: out.Order.ID, SendOn: on, Reason: reason, By: "key_1"})
		return err
	})
	return h, err
}

// TestDelay_S_INV_02: the invoice goes out on day 3, but not with a notice of delay; then on the day of the notice,
// whose reason is kept. A second notice takes the place of the first.
func TestDelay_S_INV_02(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		plain, late := w.place(nil), w.place(nil)
		placed := late.Order.PlacedOn
		if _, err := w.delay(late, placed.AddDays(8), "stock"); err != nil {
			t.Fatal(err)
		}
		h, err := w.delay(late, placed.AddDays(10), "carrier")
		if err != nil || h.Kind != invoices.ByDelay || h.Reason != "carrier" {
			t.Fatalf("%+v %v", h, err)
		}
		w.advance(3)
		if v := w.invoice(plain); v.Status != invoices.Open || v.IssuedOn != placed.AddDays(3) {
			t.Errorf("without a notice: %+v", v)
		}
		w.advance(6)
		if v := w.invoice(late); v.Status != invoices.Planned || v.SendOn != placed.AddDays(10) {
			t.Errorf("with a notice, on day 9: %+v", v)
		}
		w.advance(1)
		v := w.invoice(late)
		if v.Status != invoices.Open || v.IssuedOn != placed.AddDays(10) || v.DueOn != v.IssuedOn.AddDays(16) {
			t.Errorf("on its day: %+v", v)
		}
		w.read(func(tx *db.Tx) error {
			var notices, counting int64
			err := tx.QueryRow(t.Context(), `select count(*), count(case when lifted_at is null then 1 end) from holds where invoice_id = $1 and kind = 'delay'`,
				[]any{v.ID}, &notices, &counting)
			if notices != 2 || counting != 1 {
				t.Errorf("%d notices, %d count", notices, counting)
			}
			return err
		})
	})
}

func TestDelayRefusals(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(nil)
		placed := out.Order.PlacedOn
		for name, c := range map[string]struct {
			on     calendar.Date
			reason string
			want   string
		}{
			"the planned day": {placed.AddDays(3), "stock", "fields"},
			"an earlier day":  {placed.AddDays(1), "stock", "fields"},
			"no day":          {calendar.Date{}, "stock", "fields"},
			"too far":         {placed.AddDays(91), "stock", "fields"},
			"no such reason":  {placed.AddDays(8), "because", "fields"},
		} {
			if _, err := w.delay(out, c.on, c.reason); !fault.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.advance(3)
		if _, err := w.delay(out, placed.AddDays(20), ""); !fault.Is(err, "delay-not-planned") {
			t.Errorf("once issued: %v", err)
		}
		if v := w.invoice(out); v.IssuedOn != placed.AddDays(3) {
			t.Errorf("%+v", v)
		}
	})
}

// TestCreditFollowsAtOnce_S_INV_11 credits a line of an issued invoice: the note names the line, and in the same
// transaction less is open. What is credited in full never becomes overdue, which is what reminders begin with.
func TestCreditFollowsAtOnce_S_INV_11(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		out := w.place(func(r *invoices.Request) {
			sock := r.Order.Lines[0]
			sock.Reference, sock.Description, sock.Quantity, sock.UnitPriceCents = "SKU-2", "Socks", "4", 500
			r.Order.Lines = append(r.Order.Lines, sock)
			r.Order.TotalCents += 2000
		})
		w.advance(4)
		w.write(func(tx *db.Tx) error {
			note, err := w.clerk.Credit(t.Context(), tx, invoices.CreditAsk{Merchant: w.shop.ID, Order: out.Order.ID, Reason: "return",
				Lines: []invoices.CreditLine{{Line: 2, Quantity: "3"}}})
			if err != nil {
				return err
			}
			v, err := invoices.One(t.Context(), tx, w.shop.ID, out.Invoice.ID)
			if v.OpenCents != 5540 || v.CreditedCents != 1500 || v.Status != invoices.Open {
				t.Errorf("in the same transaction: %+v", v)
			}
			if note.Invoice != v.ID || note.Number == "" || len(note.Parts) != 1 || note.Parts[0].Line != 2 || note.Parts[0].Quantity != "3" || note.Parts[0].Cents != 1500 {
				t.Errorf("the note: %+v", note)
			}
			return err
		})
		w.read(func(tx *db.Tx) error {
			notes, err := invoices.Credits(t.Context(), tx, w.shop.ID, out.Invoice.ID)
			if len(notes) != 1 || len(notes[0].Parts) != 1 || notes[0].Parts[0].Line != 2 {
				t.Errorf("kept: %+v", notes)
			}
			return err
		})
		due := w.invoice(out).DueOn.Sub(out.Order.PlacedOn)
		w.advance(due - 4)
		if _, err := w.credit(out, invoices.CreditAsk{}); err != nil {
			t.Fatal(err)
		}
		w.advance(30)
		if v := w.invoice(out); v.Overdue || v.OpenCents != 0 || v.Status != invoices.Credited {
			t.Errorf("after the whole was credited on its due day: %+v", v)
		}
	})
}
