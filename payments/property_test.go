package payments_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/invoices"
	"achteraf/providers/camt"

	"pgregory.net/rapid"
)

// TestNothingIsLost: whatever comes in, in whatever files, broken off or not: allocations and what is left are
// what came in, and the books say the same as the rows.
func TestNothingIsLost(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		stop := errors.New("broken off")
		rapid.Check(t, func(rt *rapid.T) {
			var what []sold
			for range rapid.IntRange(1, 4).Draw(rt, "orders") {
				what = append(what, sold{
					merchant: rapid.SampledFrom([]string{shopA, shopB}).Draw(rt, "shop"),
					country:  rapid.SampledFrom([]string{"NL", "BE"}).Draw(rt, "country"),
					cents:    rapid.Int64Range(1, 100_00).Draw(rt, "total"),
					status:   rapid.SampledFrom([]invoices.Status{invoices.Open, invoices.Open, invoices.Planned, invoices.Cancelled}).Draw(rt, "status"),
				})
			}
			list := w.place(t, what...)
			var files []*statement
			for range rapid.IntRange(1, 3).Draw(rt, "files") {
				var lines []camt.Line
				for range rapid.IntRange(0, 6).Draw(rt, "lines") {
					lines = append(lines, drawLine(rt, list))
				}
				files = append(files, w.statement(lines...))
			}
			all := *files[0] // one that holds all of them
			all.ID, all.To, all.Closing, all.lines = all.ID+"-ALL", files[len(files)-1].To, files[len(files)-1].Closing, nil
			for _, f := range files {
				all.lines = append(all.lines, f.lines...)
			}
			files = append(files, &all)
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(files)-1), 1, 5).Draw(rt, "order of reading") {
				file := files[i].file(t)
				if rapid.Bool().Draw(rt, "breaks off") {
					n := rapid.IntRange(0, len(files[i].lines)).Draw(rt, "after")
					if _, err := w.im.File(t.Context(), bytes.NewReader(file), breaking(n, stop)); !errors.Is(err, stop) {
						rt.Fatalf("it did not break off: %v", err)
					}
					w.balanced(rt, t)
				}
				w.take(t, file)
				w.balanced(rt, t)
			}
			w.take(t, all.file(t))
			for _, b := range list {
				checkBill(rt, w.invoice(t, b), paidTo(b, all.lines))
			}
		})
	})
}

func drawLine(rt *rapid.T, list []bill) camt.Line {
	b := rapid.SampledFrom(list).Draw(rt, "for")
	cents := rapid.OneOf(rapid.Just(b.TotalCents), rapid.Int64Range(0, 120_00)).Draw(rt, "cents")
	switch rapid.IntRange(0, 5).Draw(rt, "kind of line") {
	case 0, 1:
		return pay(cents, b.PaymentReference)
	case 2:
		return words(cents, "betaling "+b.PaymentReference)
	case 3:
		return words(cents, "zonder kenmerk")
	case 4:
		return camt.Line{Cents: -cents, StructuredRef: b.PaymentReference}
	}
	return camt.Line{Cents: cents, Reversal: true, StructuredRef: b.PaymentReference}
}

// paidTo is what lines bring an order, reckoned without the importer.
func paidTo(b bill, lines []camt.Line) (sum int64) {
	for _, l := range lines {
		ours := l.StructuredRef == b.PaymentReference || l.Text == "betaling "+b.PaymentReference
		if ours && !l.Reversal && l.Cents > 0 {
			sum += l.Cents
		}
	}
	return sum
}

func checkBill(rt *rapid.T, v invoices.Invoice, paid int64) {
	principal := int64(0)
	if slices.Contains([]invoices.Status{invoices.Open, invoices.Paid}, v.Status) {
		principal = min(paid, v.TotalCents)
	}
	if v.PaidCents != principal || v.HeldCents != paid-principal {
		rt.Fatalf("an invoice of %d that is %s got %d: %d are paid and %d held", v.TotalCents, v.Status, paid, v.PaidCents, v.HeldCents)
	}
}
