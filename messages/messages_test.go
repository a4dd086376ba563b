package messages_test

import (
	"context"
	"fmt"
	"html"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/jobs"
	"achteraf/invoices"
	"achteraf/messages"
	"achteraf/orders"
	"achteraf/platform"
	"achteraf/providers/mailbox"
)

func orderOf(w *world, tx *db.Tx, o ordered) (orders.Order, error) {
	return orders.One(w.t.Context(), tx, w.shop, o.ID)
}

// TestInvoiceIsMailed_S_INV_01 tells an order's life by mail: one confirmation, one invoice with all that paying needs,
// one word that the money is there. Each has its delivery result.
func TestInvoiceIsMailed_S_INV_01(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "nl")
		w.settle()
		w.wants(o, "order-confirmed sent")
		w.advance(73 * time.Hour)
		w.wants(o, "order-confirmed sent", "invoice sent")
		m := w.mails(2)[1]
		for _, want := range []string{"Dag Jo Koper,", "Running shoes", "€\u00a050,40", "WINKEL-2026-000001", "NL20 ACHT 0000 0000 01", operator.AccountName,
			"Betalingskenmerk: RF", "een overboeking kan 2 werkdagen duren", "Je hebt nog 16 dagen", operator.LegalName, "service@winkel.example", "betaalhuis.example"} {
			if !strings.Contains(m.Text, want) || !strings.Contains(html.UnescapeString(m.HTML), strings.TrimPrefix(want, "Betalingskenmerk: ")) {
				t.Errorf("the invoice does not say %q:\n%s", want, m.Text)
			}
		}
		if m.To != "koper1@example.org" || !strings.HasPrefix(m.Subject, "Je rekening van Winkel: €\u00a050,40, uiterlijk ") {
			t.Errorf("to %s: %s", m.To, m.Subject)
		}
		w.pay(o, 5040)
		w.wants(o, "order-confirmed sent", "invoice sent", "payment-received sent")
		for _, m := range w.of(o) {
			if m.Outcome != "250" || m.Attempts != 1 || m.SentAt.IsZero() || m.Template != 1 || m.Language != "nl" || m.Version != 1 {
				t.Errorf("%+v", m)
			}
		}
	})
}

// TestCopy: another address that the order names gets the bill as a message of its own; nobody is told once the buyer
// was forgotten.
func TestCopy_S_INV_01(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for n, forgotten := range []bool{false, true} {
			o := w.place("Jo", "fr")
			w.settle()
			w.write(func(tx *db.Tx) error {
				found, err := orderOf(w, tx, o)
				if err != nil {
					return err
				}
				keys, err := w.Desk.Keys(t.Context(), tx, found.Person)
				if err != nil {
					return err
				}
				m := orders.Remark{CopyTo: fmt.Sprintf("kopie%d@example.org", n)}
				r, err := m.Seal(orders.Key{Merchant: w.shop, ID: o.ID}, keys)
				if err != nil {
					return err
				}
				if err := orders.PutRemarks(t.Context(), tx, []*orders.Remarked{r}); err != nil || !forgotten {
					return err
				}
				_, err = tx.Exec(t.Context(), `update persons set profile = null where id = $1`, found.Person)
				return err
			})
			w.advance(73 * time.Hour)
			if forgotten {
				w.wants(o, "order-confirmed sent")
				continue
			}
			w.wants(o, "order-confirmed sent", "invoice sent", "invoice-copy sent")
			w.again(invoices.FactCopied, o.Invoices[0].ID)
			all := w.mails(3)
			slices.SortFunc(all, func(a, b mailbox.Mail) int { return strings.Compare(b.To, a.To) })
			if m := all[0]; m.To != "kopie0@example.org" || !strings.Contains(m.Text, "Vous recevez cette copie") ||
				!slices.ContainsFunc(all[1:], func(o mailbox.Mail) bool { return o.Subject == m.Subject && !strings.Contains(o.Text, "cette copie") }) {
				t.Errorf("to %s: %s", m.To, m.Text)
			}
		}
	})
}

// TestNothingIsSentTwice runs the due rows of facts and messages again, before and after they were sent.
func TestNothingIsSentTwice(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "en")
		w.again(invoices.FactAccepted, o.ID) // both rows in one slice
		w.again(invoices.FactAccepted, o.ID)
		w.advance(73 * time.Hour)
		w.again(invoices.FactIssued, o.Invoices[0].ID)
		for _, m := range w.of(o) {
			w.again(messages.DueSend, m.ID)
			w.again(messages.DueSend, m.ID)
		}
		w.mails(2)
		if w.box.Tries() != 2 {
			t.Errorf("%d mails were begun", w.box.Tries())
		}
		w.wants(o, "order-confirmed sent", "invoice sent")
	})
}

// TestNobodyWaitsForTexts changes the due rows themselves while their message is written down: inside the transaction
// that takes those rows, that would wait for ever.
func TestNobodyWaitsForTexts(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		written := 0
		messages.Watch(w.Post, func() {
			written++
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			w.must(w.DB.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `update due set subject = subject`)
				return err
			}))
		})
		o := w.place("Jo", "en")
		w.advance(73 * time.Hour)
		w.credit(o, 1000)
		w.pay(o, 4040)
		_, err := w.SignIns.Begin(t.Context(), access.NewSignIn{Email: "koper1@example.org", Language: "en", Network: netip.MustParseAddr("203.0.113.7")})
		w.must(err)
		w.settle()
		if w.mails(5); written != 5 {
			t.Errorf("%d texts were written, want 5", written)
		}
	})
}

// TestToldMeanwhile lets two nodes write the same message: one of them is stored, and sent.
func TestToldMeanwhile(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "en")
		due := []jobs.Due{{Kind: invoices.FactAccepted, Merchant: w.shop, Subject: o.ID}}
		late, err := w.Post.Tell(t.Context(), due)
		w.must(err)
		w.settle()
		w.write(func(tx *db.Tx) error { return late(t.Context(), tx) })
		w.settle()
		w.mails(1)
		w.wants(o, "order-confirmed sent")
	})
}

func TestCreditIsMailed(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "en")
		w.credit(o, 1000)
		w.advance(73 * time.Hour)
		w.credit(o, 1000)
		w.pay(o, 3000)
		w.credit(o, 500) // of 4000 paid and to pay, 1000 is open
		w.credit(o, 1000)
		all := w.mails(6)
		for i, want := range map[int]string{
			1: "The bill, which comes later, will be €40.40.",
			3: "You now have €30.40 left to pay, by ",
			4: "nothing left to pay",
			5: "We keep €14.60 for you.",
		} {
			if i < len(all) && !strings.Contains(all[i].Text, want) {
				t.Errorf("mail %d does not say %q:\n%s", i, want, all[i].Text)
			}
		}
	})
}

// TestDelayIsMailed_S_INV_02 tells the buyer of each notice of delay, but for one that another has replaced by then.
func TestDelayIsMailed_S_INV_02(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "en")
		w.settle()
		delay := func(days int, reason string) {
			w.write(func(tx *db.Tx) error {
				found, err := orderOf(w, tx, o)
				if err != nil {
					return err
				}
				_, err = w.Clerk.Delay(t.Context(), tx, invoices.Delay{Merchant: w.shop, Order: o.ID, SendOn: found.PlacedOn.AddDays(days), Reason: reason, By: "key_1"})
				return err
			})
		}
		delay(6, "supplier")
		delay(8, "stock")
		w.settle()
		delay(10, "made-to-order")
		w.settle()
		w.wants(o, "order-confirmed sent", "delayed sent", "delayed sent")
		all := w.mails(3)
		for i, want := range []string{"Reason: out of stock.", "Reason: it is being made for you."} {
			if !strings.Contains(all[i+1].Text, want) {
				t.Errorf("mail %d does not say %q:\n%s", i+1, want, all[i+1].Text)
			}
		}
		w.advance(11 * 24 * time.Hour)
		w.wants(o, "order-confirmed sent", "delayed sent", "delayed sent", "invoice sent")
	})
}

// TestWithdrawnOrderIsNotConfirmed cancels an order before its confirmation was written.
func TestWithdrawnOrderIsNotConfirmed(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "nl")
		w.write(func(tx *db.Tx) error { return w.Clerk.Cancel(t.Context(), tx, w.shop, o.ID) })
		w.advance(100 * time.Hour)
		w.wants(o)
		w.mails(0)
	})
}

// TestHostileNames mails to people whose names are code, very long, or in another script.
func TestHostileNames(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for _, name := range []string{"<script>alert(1)</script>", strings.Repeat("Maximiliaan ", 16) + "Oktavian", "Ελένη", `"><img src=x onerror=alert(1)>`, "{{.Shop}}"} {
			o := w.place(name, "nl")
			w.settle()
			w.wants(o, "order-confirmed sent")
			all := w.box.Mails()
			m := all[len(all)-1]
			if !strings.Contains(m.Text, "Dag "+name+" Koper,") || !strings.Contains(html.UnescapeString(m.HTML), "Dag "+name+" Koper,") {
				t.Errorf("%q is not greeted", name)
			}
			if strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, "<img") || len(m.HTML) > 60_000 {
				t.Errorf("%q got into the page", name)
			}
		}
	})
}

// TestServerSaysLater holds that a message waits visibly and is sent once when the server takes mail again.
func TestServerSaysLater(t *testing.T) {
	for _, f := range []mailbox.Fault{mailbox.Busy, mailbox.Drop} {
		eachEngine(t, func(t *testing.T, w *world) {
			w.box.Fail(f)
			o := w.place("Jo", "nl")
			w.settle()
			m := w.of(o)[0]
			if m.State != messages.Waiting || m.Attempts != 1 || m.Outcome != "451 4.3.0" || m.NextAt.Sub(m.MadeAt) < time.Minute {
				t.Fatalf("%+v", m)
			}
			w.read(func(tx *db.Tx) error {
				n, since, err := messages.Backlog(t.Context(), tx)
				if n != 1 || since != m.MadeAt {
					t.Errorf("%d wait since %v", n, since)
				}
				return err
			})
			w.advance(time.Hour)
			if got := w.of(o)[0]; got.State != messages.Waiting || got.Attempts < 5 || got.Attempts > 7 {
				t.Fatalf("%+v", got)
			}
			w.box.Fail(mailbox.None)
			w.advance(2 * time.Hour)
			w.wants(o, "order-confirmed sent")
			w.advance(24 * time.Hour)
			w.mails(1)
		})
	}
}

// TestGivesUp holds that three days of trying end, and that nothing is left behind that tries again.
func TestGivesUp(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.box.Fail(mailbox.Busy)
		o := w.place("Jo", "nl")
		w.advance(71 * time.Hour)
		w.wants(o, "order-confirmed waiting", "invoice waiting")
		w.advance(6 * time.Hour)
		if got := w.told(o)[0]; got != "order-confirmed failed" {
			t.Fatal(got)
		}
		tries := w.of(o)[0].Attempts
		w.box.Fail(mailbox.None)
		w.advance(200 * time.Hour)
		if got := w.of(o)[0]; got.Attempts != tries || got.State != messages.Failed {
			t.Errorf("%+v", got)
		}
	})
}

func TestServerRefuses(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.box.Fail(mailbox.Refuse)
		o := w.place("Jo", "nl")
		w.advance(10 * time.Hour)
		w.wants(o, "order-confirmed failed")
		if m := w.of(o)[0]; m.Attempts != 1 || m.Outcome != "550 5.1.1" || !m.NextAt.IsZero() || !m.SentAt.IsZero() {
			t.Errorf("%+v", m)
		}
		w.mails(0)
	})
}

// TestErasedPersonGetsNothing destroys the key of a person between writing and sending, and before writing.
func TestErasedPersonGetsNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.box.Fail(mailbox.Busy)
		o := w.place("Jo", "nl")
		w.settle()
		w.box.Fail(mailbox.None)
		w.write(func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `update persons set claim = null where id = $1`, w.of(o)[0].Person)
			return err
		})
		w.advance(80 * time.Hour)
		w.wants(o, "order-confirmed failed")
		if m := w.of(o)[0]; m.Outcome != "erased" {
			t.Errorf("%+v", m)
		}
		w.mails(0)
	})
}

// TestSealed looks for the buyer in what the database holds.
func TestSealed(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.box.Fail(mailbox.Busy)
		w.place("Jo", "nl")
		w.settle()
		w.read(func(tx *db.Tx) error {
			var handle, recipient, content, answer []byte
			err := tx.QueryRow(t.Context(), `select handle, recipient, content, answer from messages`, nil, &handle, &recipient, &content, &answer)
			for _, b := range [][]byte{handle, recipient, content, answer} {
				if len(b) < 16 || strings.Contains(string(b), "koper") || strings.Contains(string(b), "Running") || strings.Contains(string(b), "later") {
					t.Errorf("in the clear: %q", b)
				}
			}
			return err
		})
	})
}

// TestPayLink holds that the button stands in the invoice when there are pay pages, and in no other mail.
func TestPayLink(t *testing.T) {
	link := func(c *platform.Config) { c.PublicURL = "https://betaalhuis.example" }
	eachEngine(t, func(t *testing.T, w *world) {
		w.place("Jo", "nl")
		w.advance(73 * time.Hour)
		for i, m := range w.mails(2) {
			url := "https://betaalhuis.example/pay/"
			if got := strings.Contains(m.Text, "Betaal €\u00a050,40: "+url) && strings.Contains(m.HTML, `href="`+url); got != (i == 1) {
				t.Errorf("mail %d has the button: %v", i, got)
			}
			if i == 0 {
				continue
			}
			if len(m.Images) != 2 || !strings.Contains(m.Text, scanned(t, m.Images[0].PNG)+"\n") ||
				!strings.Contains(scanned(t, m.Images[1].PNG), "\n"+operator.AccountName+"\n"+operator.ClientIBAN+"\nEUR50.40\n\nRF") {
				t.Errorf("%d codes", len(m.Images))
			}
		}
	}, link)
}

// TestMailOff and a process without a mailer: the first forgets facts, the second leaves them to another.
func TestMailOff(t *testing.T) {
	for _, off := range []bool{true, false} {
		eachEngine(t, func(t *testing.T, w *world) {
			o := w.place("Jo", "nl")
			w.settle()
			w.wants(o)
			w.read(func(tx *db.Tx) error {
				rows, _, err := jobs.Backlog(t.Context(), tx)
				if left := rows == 1; left == off {
					t.Errorf("switched off %v: %d rows wait", off, rows)
				}
				return err
			})
		}, func(c *platform.Config) { c.Mailer, c.MailOff = nil, off })
	}
}

// TestSignInLink mails a link over the platform's key, once, and not after it has expired.
func TestSignInLink(t *testing.T) {
	for _, late := range []bool{false, true} {
		dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
			w := newWorld(t, p.Open(t))
			store, err := w.Post.SignIn(t.Context(), messages.SignIn{ID: "sin_1", To: "koper@example.org", Language: "fr",
				URL: "https://betaalhuis.example/my/in/token", Code: "ABCD2345", Expires: w.DB.Wall().Add(15 * time.Minute)})
			w.must(err)
			w.write(func(tx *db.Tx) error { return store(t.Context(), tx) })
			w.write(func(tx *db.Tx) error { return store(t.Context(), tx) }) // a second time changes nothing
			if late {
				p.Clock.Advance(15 * time.Minute)
				w.settle()
				w.mails(0)
				return
			}
			w.settle()
			m := w.mails(1)[0]
			if m.To != "koper@example.org" || !strings.Contains(m.Text, "Se connecter: https://betaalhuis.example/my/in/token") ||
				!strings.Contains(m.Text, "ABCD\u00a02345") || !strings.Contains(m.Text, "encore valables 15 minutes") {
				t.Errorf("%s\n%s", m.To, m.Text)
			}
			if strings.Contains(m.Subject, "ABCD") {
				t.Error("the subject, which a locked screen shows, holds the code")
			}
			w.read(func(tx *db.Tx) error {
				var content []byte
				err := tx.QueryRow(t.Context(), `select content from messages where subject = 'sin_1' and state = 'sent'`, nil, &content)
				if strings.Contains(string(content), "ABCD") {
					t.Error("in the clear")
				}
				return err
			})
		})
	}
}
