package messages_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/messages"
	"achteraf/reports"
)

func (w *world) tell(o ordered, text string) (id string, err error) {
	err = w.DB.Write(w.t.Context(), func(tx *db.Tx) error {
		id, _, err = w.Post.FromShop(w.t.Context(), tx, messages.ShopText{Merchant: w.shop, Order: o.ID, Text: text, By: "key_1"})
		return err
	})
	return id, err
}

// TestShopWrites: the shop's words come in our frame, in the buyer's language, with whose they are; nothing in them
// can be pressed, and nothing in them is ours.
func TestShopWrites(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Ελένη", "en")
		w.settle()
		w.mails(1)
		id, err := w.tell(o, "Your parcel is <b>here</b>.\r\nSee https://evil.example/x?a=1, www.evil.example, mailto:a@evil.example or evil.example.\n12.50 at 10:30.")
		if err != nil || !strings.HasPrefix(id, "txt_") {
			t.Fatal(id, err)
		}
		w.settle()
		m := w.mails(2)[1]
		if m.Subject != "Message from Winkel about your order P-1" {
			t.Errorf("subject %q", m.Subject)
		}
		for _, part := range []string{m.Text, m.HTML} {
			for _, never := range []string{"evil.example", "://e", "a@e", "mailto:a"} {
				if strings.Contains(part, never) {
					t.Errorf("says %q in\n%s", never, part)
				}
			}
			for _, must := range []string{"The shop writes", "Winkel asked us to give you this message", "P-1", "12.50 at 10:30.", "https: //evil. example/x?a=1"} {
				if !strings.Contains(strings.ReplaceAll(part, "&#39;", "'"), must) {
					t.Errorf("does not say %q in\n%s", must, part)
				}
			}
		}
		if !strings.Contains(m.HTML, "&lt;b&gt;here") || strings.Contains(m.HTML, "<b>") {
			t.Error("tags are not shown as they were typed")
		}
		w.wants(o, "order-confirmed sent", "from-shop sent")
		w.read(func(tx *db.Tx) error {
			all, err := w.Reports.History(t.Context(), tx, w.shop, o.ID)
			if last := all[len(all)-1]; last.Kind != reports.Sent || last.Message != id || last.Code != messages.FromShop {
				t.Errorf("the shop reads %+v", last)
			}
			return err
		})
		w.again(messages.DueShopText, id)
		w.mails(2)
		w.read(func(tx *db.Tx) error {
			var raw []byte
			err := tx.QueryRow(t.Context(), `select words from shop_texts where id = $1`, []any{id}, &raw)
			if strings.Contains(string(raw), "parcel") {
				t.Error("the words stand in the clear")
			}
			return err
		})
	})
}

// Five a day about one order, however many programs write at once; the next day there is room again.
func TestShopWritesNoMore(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o, other := w.place("Jo", "nl"), w.place("Jo", "nl")
		var all sync.WaitGroup
		var mu sync.Mutex
		refused := 0
		for i := range 8 {
			all.Go(func() {
				_, err := w.tell(o, fmt.Sprint("Bericht ", i))
				mu.Lock()
				defer mu.Unlock()
				if fault.Is(err, "message-limit") {
					refused++
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if refused != 3 {
			t.Errorf("%d refused, want 3", refused)
		}
		if _, err := w.tell(other, "Een andere"); err != nil {
			t.Error(err)
		}
		w.advance(25 * time.Hour)
		if _, err := w.tell(o, "Morgen"); err != nil {
			t.Error(err)
		}
	})
}

func TestShopWritesWrong(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.place("Jo", "nl")
		for text, code := range map[string]string{"": "required", " \n ": "required", strings.Repeat("é", 1001): "too-long", "a\x00b": "characters",
			"a\tb": "characters", "a\u202eb": "characters", "a\u200bb": "characters", "a\xffb": "characters", "a\u2028b": "characters"} {
			_, err := w.tell(o, text)
			if f := fault.As(err); f == nil || f.Code != "fields" || f.Fields[0].Pointer != "#/text" || f.Fields[0].Code != code {
				t.Errorf("%q: %v, want %s", text, err, code)
			}
		}
		if _, err := w.tell(ordered{ID: "ord_none"}, "x"); !fault.Is(err, "order") {
			t.Errorf("none: %v", err)
		}
		if _, err := w.tell(o, strings.Repeat("é", 1000)); err != nil {
			t.Error(err)
		}
		var none *messages.Post
		err := w.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, _, err := none.FromShop(t.Context(), tx, messages.ShopText{Merchant: w.shop, Order: o.ID, Text: "x", By: "key_1"})
			return err
		})
		if !fault.Is(err, "no-mail") {
			t.Errorf("without a mailer: %v", err)
		}
	})
}
