package messages_test

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/messages"
	"achteraf/orders"
	"achteraf/platform"
	"achteraf/providers/mailbox"
)

var somewhere = netip.MustParseAddr("203.0.113.9")

// asks fills in the form, and lets it be answered.
func (w *world) asks(email, reference string) {
	w.t.Helper()
	w.must(w.Requests.Ask(w.t.Context(), messages.Ask{Email: email, Reference: reference, Network: somewhere}))
	w.settle()
}

// requests counts those that were not forgotten.
func (w *world) requests() (n int) {
	w.read(func(tx *db.Tx) error {
		return tx.QueryRow(w.t.Context(), `select count(*) from invoice_requests`, nil, &n)
	})
	return n
}

// TestInvoiceIsMailedOnRequest_S_INV_10 asks by each of the three numbers, as people type them: the mail goes to the
// address of the order, with the invoice as a file and as data, once within an hour.
func TestInvoiceIsMailedOnRequest_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "nl")
		w.advance(73 * time.Hour)
		var found orders.Order
		w.read(func(tx *db.Tx) (err error) { found, err = orderOf(w, tx, o); return err })
		sent := len(w.mails(2))
		for i, reference := range []string{"P-1", "winkel 2026 000001", " rf" + found.PaymentReference[2:6] + " " + found.PaymentReference[6:] + "\n"} {
			w.asks("KOPER1@example.org", reference)
			sent++
			m := w.mails(sent)[sent-1]
			if m.To != "koper1@example.org" || m.Subject != "Je factuur WINKEL-2026-000001 van Winkel" || len(m.Files) != 2 {
				t.Fatalf("%q: to %s: %s, %d files", reference, m.To, m.Subject, len(m.Files))
			}
			pdf, data := m.Files[0], m.Files[1]
			if pdf.Name != "WINKEL-2026-000001.pdf" || pdf.Type != "application/pdf" || !bytes.HasPrefix(pdf.Data, []byte("%PDF-")) {
				t.Errorf("%s of type %s", pdf.Name, pdf.Type)
			}
			if data.Name != "WINKEL-2026-000001.xml" || data.Type != "application/xml" || !bytes.Contains(data.Data, []byte("<cbc:ID>WINKEL-2026-000001</cbc:ID>")) {
				t.Errorf("%s of type %s: %.200s", data.Name, data.Type, data.Data)
			}
			if !strings.Contains(m.Text, "Factuur als PDF: WINKEL-2026-000001.pdf") {
				t.Error(m.Text)
			}
			if i < 2 { // five requests in a quarter of an hour of wall time
				w.asks("koper1@example.org", "P-1")
				w.mails(sent)
			}
			w.advance(time.Hour)
		}
		for i, m := range w.of(o)[2:] {
			if m.Code != messages.InvoiceAsked || m.Version != int64(i+1) || m.Subject != o.Invoices[0].ID || m.State != messages.Sent {
				t.Errorf("%+v", m)
			}
		}
		if n := w.requests(); n != 0 {
			t.Errorf("%d requests are kept", n)
		}
	})
}

// TestRequestAfterCredit_S_INV_10: the credit notes come with the invoice.
func TestRequestAfterCredit_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "en")
		w.credit(o, 500) // before the invoice, so it stands on it
		w.advance(73 * time.Hour)
		w.credit(o, 1000)
		before := len(w.box.Mails())
		w.asks("koper1@example.org", "P-1")
		m := w.mails(before + 1)[before]
		var names []string
		for _, f := range m.Files {
			names = append(names, f.Name)
			if !strings.Contains(m.Text, ": "+f.Name+"\n") || len(f.Data) < 1000 {
				t.Errorf("%s, %d bytes, in %s", f.Name, len(f.Data), m.Text)
			}
		}
		if want := []string{"WINKEL-2026-000001.pdf", "WINKEL-2026-000001.xml", "WINKEL-C-2026-000001.pdf", "WINKEL-C-2026-000001.xml"}; !slices.Equal(names, want) {
			t.Errorf("%q", names)
		}
	})
}

// TestRequestForAnothersInvoice_S_INV_10: nothing is mailed unless number and address belong together, and the request
// is forgotten all the same.
func TestRequestForAnothersInvoice_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place("Jo", "nl")
		w.place("An", "nl")
		w.advance(73 * time.Hour)
		for _, c := range [][2]string{{"koper2@example.org", "P-1"}, {"niemand@example.org", "P-1"}, {"koper1@example.org", "P-3"}, {"koper1@example.org", "%"}, {"koper1@example.org", "P"}} {
			err := w.Requests.Ask(t.Context(), messages.Ask{Email: c[0], Reference: c[1], Network: somewhere})
			if c[1] == "%" {
				if !fault.Is(err, "fields") {
					t.Errorf("%v", err)
				}
				continue
			}
			w.must(err)
			if n := w.requests(); n != 1 {
				t.Errorf("%q: %d requests", c, n)
			}
			w.settle()
		}
		w.mails(4)
		if n := w.requests(); n != 0 {
			t.Errorf("%d requests are kept", n)
		}
	})
}

// TestRequestBeforeTheInvoice_S_INV_10 answers with the day, or with the word that there will be none.
func TestRequestBeforeTheInvoice_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place("Jo", "en")
		gone := w.place("An", "en")
		w.settle()
		w.write(func(tx *db.Tx) error { return w.Clerk.Cancel(t.Context(), tx, w.shop, gone.ID) })
		w.asks("koper1@example.org", "P-1")
		w.asks("koper2@example.org", "P-2")
		all := w.mails(4)
		for i, want := range []string{"The invoice from Winkel is still to come: on ", "No invoice from Winkel for your order P-2"} {
			if m := all[2+i]; !strings.HasPrefix(m.Subject, want) || len(m.Files) != 0 {
				t.Errorf("%s with %d files", m.Subject, len(m.Files))
			}
		}
	})
}

// TestRequestAfterCorrection_S_INV_10: only the address that the order has now gets the invoice.
func TestRequestAfterCorrection_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "nl")
		w.advance(73 * time.Hour)
		w.write(func(tx *db.Tx) error {
			found, err := orderOf(w, tx, o)
			if err != nil {
				return err
			}
			who, err := w.Desk.Reach(t.Context(), tx, w.shop, found.Attempt)
			if err != nil {
				return err
			}
			who.Buyer.Email = "nieuw@example.org"
			return w.Desk.Correct(t.Context(), tx, buyers.Correction{Merchant: w.shop, Attempt: found.Attempt, Order: o.ID, Buyer: who.Buyer, By: "op_1", Reason: "buyer"})
		})
		w.asks("koper1@example.org", "P-1")
		w.mails(2)
		w.asks("nieuw@example.org", "P-1")
		if m := w.mails(3)[2]; m.To != "nieuw@example.org" || len(m.Files) != 2 {
			t.Errorf("to %s with %d files", m.To, len(m.Files))
		}
	})
}

// TestRequestOfErased_S_INV_10: who was forgotten before the answer, or before it was handed over, gets none.
func TestRequestOfErased_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		forget := func(o ordered, key string) {
			w.write(func(tx *db.Tx) error {
				found, err := orderOf(w, tx, o)
				if err == nil {
					_, err = tx.Exec(t.Context(), `update persons set `+key+` = null where id = $1`, found.Person)
				}
				return err
			})
		}
		first, second := w.place("Jo", "nl"), w.place("An", "nl")
		w.advance(73 * time.Hour)
		forget(first, "profile")
		w.asks("koper1@example.org", "P-1")
		w.box.Fail(mailbox.Busy)
		w.asks("koper2@example.org", "P-2")
		forget(second, "fiscal") // what the document says
		w.box.Fail(mailbox.None)
		w.advance(2 * time.Minute)
		w.mails(4)
		if all := w.of(second); all[2].State != messages.Failed || all[2].Outcome != "erased" {
			t.Errorf("%+v", all[2])
		}
		if n := w.requests(); n != 0 {
			t.Errorf("%d requests are kept", n)
		}
	})
}

// TestRequestsAreLimited_S_INV_10: five times with an address, sixty times from a network, and what has no form is sent
// back and not counted.
func TestRequestsAreLimited_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			email, reference string
			want             []string
		}{
			{"", "", []string{"#/email", "#/reference"}},
			{"jo at example", "P-1", []string{"#/email"}},
			{"jo@example.org", " - ", []string{"#/reference"}},
			{"jo@example.org", strings.Repeat("9", 65), []string{"#/reference"}},
			{"jo@example.org", "\x00\xff", []string{"#/reference"}},
		} {
			err := w.Requests.Ask(t.Context(), messages.Ask{Email: c.email, Reference: c.reference, Network: somewhere})
			var got []string
			if f := fault.As(err); f != nil {
				for _, field := range f.Fields {
					got = append(got, field.Pointer)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q %q: %v", c.email, c.reference, err)
			}
		}
		ask := func(email string, from string) error {
			return w.Requests.Ask(t.Context(), messages.Ask{Email: email, Reference: "P-1", Network: netip.MustParseAddr(from)})
		}
		for i := range 6 {
			if err := ask("jo@example.org", "203.0.113.10"); fault.Is(err, "rate-limit") != (i == 5) {
				t.Errorf("request %d: %v", i, err)
			}
		}
		for i := range 61 {
			if err := ask("jo"+strings.Repeat("o", i+1)+"@example.org", "203.0.113.11"); fault.Is(err, "rate-limit") != (i == 60) {
				t.Errorf("request %d: %v", i, err)
			}
		}
	})
}

// TestRequestAnsweredTwice_S_INV_10 lets two nodes answer at once, and a server that takes the mail late: one mail, the
// same each time.
func TestRequestAnsweredTwice_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.place("Jo", "nl")
		w.advance(73 * time.Hour)
		ask := func() jobs.Due {
			w.must(w.Requests.Ask(t.Context(), messages.Ask{Email: "koper1@example.org", Reference: "P-1", Network: somewhere}))
			var d jobs.Due
			w.read(func(tx *db.Tx) error {
				return tx.QueryRow(t.Context(), `select merchant_id, id from invoice_requests order by id desc limit 1`, nil, &d.Merchant, &d.Subject)
			})
			return d
		}
		var late []jobs.Finish
		for range 2 {
			store, err := w.Post.Answer(t.Context(), []jobs.Due{ask()})
			w.must(err)
			late = append(late, store)
		}
		w.box.Fail(mailbox.Forget)
		w.settle()
		for _, store := range late {
			w.write(func(tx *db.Tx) error { return store(context.WithoutCancel(t.Context()), tx) })
		}
		w.box.Fail(mailbox.None)
		w.advance(2 * time.Minute)
		all := w.mails(4) // the server kept it twice, because it did not say so the first time
		a, b := all[2], all[3]
		if a.ID != b.ID || len(a.Files) != 2 || !bytes.Equal(a.Files[0].Data, b.Files[0].Data) || !bytes.Equal(a.Files[1].Data, b.Files[1].Data) {
			t.Errorf("%s and %s, %d files", a.ID, b.ID, len(a.Files))
		}
		if n := w.requests(); n != 0 {
			t.Errorf("%d requests are kept", n)
		}
	})
}

// TestRequestOverSMTP_S_INV_10 reads the files out of what went over the wire.
func TestRequestOverSMTP_S_INV_10(t *testing.T) {
	s := newServer(t)
	eachEngine(t, func(t *testing.T, w *world) {
		w.place("Jo", "nl")
		w.advance(73 * time.Hour)
		w.asks("koper1@example.org", "P-1")
		all := s.box.Mails()
		m := all[len(all)-1]
		if len(m.Files) != 2 || m.Files[0].Name != "WINKEL-2026-000001.pdf" || !bytes.HasPrefix(m.Files[0].Data, []byte("%PDF-")) || !bytes.HasPrefix(m.Files[1].Data, []byte("<?xml")) {
			t.Fatalf("%s: %d files", m.Subject, len(m.Files))
		}
		if m.Text == "" || m.HTML == "" {
			t.Error("no text beside the files")
		}
	}, s.overSMTP)
}

// TestNoMailNoForm_S_INV_10: a platform that sends no mail takes no requests.
func TestNoMailNoForm_S_INV_10(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		if w.Requests != nil {
			t.Error("requests are taken")
		}
	}, func(c *platform.Config) { c.Mailer, c.MailOff = nil, true })
}
