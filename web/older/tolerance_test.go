package older_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"achteraf/web/older"
)

// TestNoRedirect: no POST is redirected, whatever its address, and one of this wire arrives however it was written.
func TestNoRedirect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		outer := http.NewServeMux()
		outer.Handle("/", w.Handler())
		outer.HandleFunc("POST /echo/{rest...}", func(rw http.ResponseWriter, r *http.Request) { _, _ = rw.Write([]byte(r.PathValue("rest"))) })
		h := w.Before(outer)
		ask := func(method, target string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, target, strings.NewReader(strings.Replace(envelope(private()), "{id}", w.id, 1)))
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			return rec
		}
		for _, target := range []string{"/API/check", "/./api/check", "/api/../api//check/", "/V1/Client/CHECK", "http://test.billink.nl//./api/check", "/x/../api/check"} {
			if got := ask("POST", target); code(got.Body.String()) != "500" {
				t.Errorf("%s: %d %s", target, got.Code, got.Body)
			}
		}
		for _, target := range []string{"//api/unknown", "//v1/client/unknown/", "/api//", "//", "//v1/orders", "//v2//x", "/a/%2e%2e/b", "/a%2F%2Fb", "http://x//y"} {
			if got := ask("POST", target); got.Code/100 == 3 {
				t.Errorf("%s: %d %s", target, got.Code, got.Header().Get("Location"))
			}
		}
		for target, want := range map[string]string{"/echo/a%2Fb": "a/b", "//echo//a%2Fb/": "a/b/", "/echo/x/../y": "y"} {
			if got := ask("POST", target); got.Body.String() != want {
				t.Errorf("%s: %d %s", target, got.Code, got.Body)
			}
		}
		if got := ask("GET", "//v1/orders"); got.Code/100 != 3 {
			t.Errorf("a GET elsewhere is ours: %d", got.Code)
		}
	})
}

// TestLegible: characters that XML does not have, and marks that mean nothing, spoil no message.
func TestLegible(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, last := range []string{"a&#0;b", "a&#11;b", "a&#x1F;b", "a&#xFFFF;b", "a&#xD83D;&#xDE00;b", "a&#99999999;b", "a]]>b", "a\uFFFEb", "&#;&#x;&#", "&&amp;&", "<![CDATA[a <b> & c]]>"} {
			if got := w.api("check", private("LASTNAME="+last)); code(got) != "500" {
				t.Errorf("%q: %s", last, got)
			}
		}
		for _, head := range []string{`<?xml version="1.1"?>`, "\n<?xml version='1.0'?>\n<?xml version='1.0' encoding='utf-8'?>\n", `<?xml encoding="x"?>`, "<?XML VERSION=\"2\"?>"} {
			if got := w.send("POST /api/check HTTP/1.1\nHost: x\n\n" + head + envelope(private())); code(got) != "500" {
				t.Errorf("%q: %s", head, got)
			}
		}
	})
}

// TestTwiceEncoded: a letter whose second byte is a space of another encoding comes through a double encoding whole.
func TestTwiceEncoded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		twice := func(s string) string {
			var b strings.Builder
			for _, c := range []byte(s) {
				b.WriteRune(rune(c))
			}
			return b.String()
		}
		w.api("check", private())
		if got := w.api("order", private("ORDERNUMBER=1", "CHECKUUID={uuid}", "FIRSTNAME="+twice("Èlia"), "LASTNAME="+twice("Dalla Città"), "STREET="+twice("Å"), "CITY=Città")+oneItem); code(got) != "200" {
			t.Fatal(got)
		}
		if b, _, _ := w.look("1"); b.Name.First != "Èlia" || b.Name.Last != "Dalla Città" || b.Address.Street != "Å" || b.Address.City != "Città" {
			t.Errorf("%+v", b)
		}
	})
}

// TestContainers: values beside the items of a list are passed over; a list may have no items around its numbers.
func TestContainers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		item := "<CODE>A</CODE><PRICEINCL>10</PRICEINCL><BTW>21</BTW>"
		for i, items := range []string{
			"<ORDERITEMS><COUNT>1</COUNT><ITEM>" + item + "</ITEM></ORDERITEMS>",
			"<ORDERITEMS><COUNT/><ITEM>" + item + "</ITEM></ORDERITEMS>",
			"<ORDERITEMS>" + item + "</ORDERITEMS>",
			"<ORDERITEMS><ITEMS><ITEM>" + item + "</ITEM></ITEMS></ORDERITEMS>",
		} {
			w.api("check", private())
			number := string(rune('a' + i))
			if got := w.api("order", private("ORDERNUMBER="+number, "CHECKUUID={uuid}")+items); code(got) != "200" {
				t.Errorf("%s: %s", items, got)
			} else if _, o, lines := w.look(number); o.TotalCents != 1000 || len(lines) != 1 {
				t.Errorf("%s: %d, %d lines", items, o.TotalCents, len(lines))
			}
		}
		flat := "<INVOICES><INVOICENUMBER>a</INVOICENUMBER><INVOICENUMBER>z</INVOICENUMBER></INVOICES>"
		if got := w.api("status", flat); !strings.Contains(got, "<INVOICENUMBER>a</INVOICENUMBER><STATUS>0</STATUS>") || !strings.Contains(got, "<INVOICENUMBER>z</INVOICENUMBER><STATUS>-1</STATUS>") {
			t.Error(got)
		}
		if got := w.api("status", "<INVOICES><ITEM/><ITEM><INVOICENUMBER>a</INVOICENUMBER></ITEM></INVOICES>"); code(got) != "420" {
			t.Error(got)
		}
		if got := w.api("credit", "<INVOICES><INVOICENUMBER>a</INVOICENUMBER><CREDITAMOUNT>1</CREDITAMOUNT></INVOICES>"); code(got) != "200" {
			t.Error(got)
		}
	})
}

// TestSameAddress: a check that leaves out street and town does not make a repeated address another one.
func TestSameAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.set(func(s *older.Settings) { s.RefuseOtherDelivery = true })
		own := []string{"STREET=", "CITY=", "DELIVERYSTREET=Lindelaan", "DELIVERY_HOUSENUMBER=8", "DELIVERYHOUSEEXTENSION=b", "DELIVERYPOSTALCODE=3511 ax", "DELIVERYCITY=Utrecht"}
		if got := w.api("check", private(own...)); code(got) != "500" {
			t.Error(got)
		}
		if got := w.api("check", private(append(own, "DELIVERYPOSTALCODE=3512AA")...)); code(got) != "426" || !strings.Contains(got, "Delivery address not allowed") {
			t.Error(got)
		}
	})
}

// TestNumberSpaces: a number with white space in it is found as it was sent, and echoed so.
func TestNumberSpaces(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.api("check", private())
		order := strings.Replace(private("ORDERNUMBER=NR", "CHECKUUID={uuid}"), "NR", "Test  1:\n12:00", 1)
		if got := w.api("order", order+oneItem); code(got) != "200" {
			t.Fatal(got)
		}
		for _, n := range []string{"Test  1:\n12:00", "Test 1: 12:00", " Test 1:  12:00 ", "test  1: 12:00", "1ABTest  1: 12:00"} {
			if got := w.api("status", list(n)); !strings.Contains(got, "<STATUS>0</STATUS>") {
				t.Errorf("%q: %s", n, got)
			}
		}
		if got := w.api("status", list("Test  1: 12:00")); !strings.Contains(got, "<INVOICENUMBER>Test  1: 12:00</INVOICENUMBER>") {
			t.Error(got)
		}
	})
}

// TestHoldPaid: what owes nothing any more is not put on hold; a missing number is told before the days.
func TestHoldPaid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accepted("1")
		w.api("start-workflow", list("1"))
		if got := w.api("payment", "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><AMOUNT>84.70</AMOUNT></ITEM></INVOICES>"); code(got) != "200" {
			t.Fatal(got)
		}
		if got := w.api("on-hold", "<INVOICENUMBER>1</INVOICENUMBER><DAYS>3</DAYS>"); code(got) != "701" {
			t.Error(got)
		}
		if got := w.api("on-hold", "<DAYS>15</DAYS>"); code(got) != "401" {
			t.Error(got)
		}
	})
}

// TestLogLevel: what a shop got wrong is no error of ours, whatever its code.
func TestLogLevel(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.api("check", private())
		if got := w.api("order", private("ORDERNUMBER=1", "CHECKUUID={uuid}", "CURRENCY=USD")+oneItem); code(got) != "603" {
			t.Fatal(got)
		}
		if strings.Contains(w.log.String(), "level=ERROR") || !strings.Contains(w.log.String(), "code=603") {
			t.Error(w.log)
		}
	})
}
