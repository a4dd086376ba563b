package older_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHostile sends bodies that were broken by chance from good ones: none answers 5xx, none hangs, none changes
// anything. The seed is fixed.
func TestHostile(t *testing.T) {
	const bodies = 10_000
	each(t, func(t *testing.T, w *world) {
		w.accepted("1")
		before := w.rows()
		chance := rand.New(rand.NewPCG(4, 13))
		names := []string{"check", "order", "status", "start-workflow", "credit", "payment", "on-hold", "file"}
		good := []string{private() + business() + oneItem, private("ORDERNUMBER=2", "CHECKUUID={uuid}") + oneItem, list("1", "2", "3")}
		for i := range bodies {
			body := []byte(strings.NewReplacer("{uuid}", "00000000-0000-4000-8000-000000000000").Replace(envelope(good[chance.IntN(len(good))])))
			for range 1 + chance.IntN(12) {
				body = broken(chance, body)
			}
			if i%2 == 0 { // and half of them without an account that is good
				body = []byte(strings.ReplaceAll(string(body), "{id}", "x"))
			}
			name := names[chance.IntN(len(names))]
			if strings.Contains(string(body), "{id}") && name != "status" && name != "file" {
				body = append([]byte("<"), body...) // a good account may change something: break it for sure
			}
			status, _, got := w.answer("POST /api/" + name + " HTTP/1.1\nHost: x\n\n" + string(body))
			if status != http.StatusOK || !strings.HasPrefix(got, "<?xml") || code(got) == "603" {
				t.Fatalf("%s %q: %d %s", name, body, status, got)
			}
		}
		if after := w.rows(); after != before {
			t.Errorf("rows before: %s, after: %s", before, after)
		}
	})
}

// TestHostileShop does the same as a shop whose account is good: it may change its own orders, but nothing of ours fails.
func TestHostileShop(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		chance := rand.New(rand.NewPCG(7, 7))
		for i := range 20 {
			w.api("order", private("WORKFLOWNUMBER=3", fmt.Sprint("ORDERNUMBER=", i))+"<ORDERITEMS><ITEM><PRICEINCL>1</PRICEINCL><BTW>21</BTW></ITEM></ORDERITEMS>")
		}
		amounts := func() string {
			return fmt.Sprintf("<INVOICES><ITEM><INVOICENUMBER>%d</INVOICENUMBER><CREDITAMOUNT>0.05</CREDITAMOUNT><AMOUNT>0.05</AMOUNT><DESCRIPTION>x</DESCRIPTION></ITEM></INVOICES>", chance.IntN(22))
		}
		calls := []struct {
			service string
			fields  func() string
		}{
			{"check", func() string { return private("DELIVERYSTREET=Kade") }}, {"check", func() string { return business() }},
			{"order", func() string {
				return private("WORKFLOWNUMBER=3", fmt.Sprint("ORDERNUMBER=n", chance.IntN(1000))) + oneItem
			}},
			{"status", amounts}, {"start-workflow", amounts}, {"credit", amounts}, {"payment", amounts},
			{"on-hold", func() string { return fmt.Sprintf("<INVOICENUMBER>%d</INVOICENUMBER><DAYS>3</DAYS>", chance.IntN(22)) }},
			{"file", func() string { return fmt.Sprintf("<INVOICENUMBER>%d</INVOICENUMBER>", chance.IntN(22)) }},
			{"message", func() string {
				return fmt.Sprintf("<INVOICENUMBER>%d</INVOICENUMBER><MESSAGE>Dag\nZoë</MESSAGE>", chance.IntN(22))
			}},
		}
		for range 3000 {
			c := calls[chance.IntN(len(calls))]
			inner := []byte(c.fields())
			for range chance.IntN(4) {
				inner = broken(chance, inner)
			}
			status, _, got := w.answer("POST /api/" + c.service + " HTTP/1.1\nHost: x\n\n" + envelope(string(inner)))
			ours := code(got) == "603" && !strings.Contains(got, "Only EUR") && !strings.Contains(got, "At most 5 messages")
			if status != http.StatusOK || !strings.HasPrefix(got, "<?xml") || ours {
				t.Fatalf("%s %q: %d %s\n%s", c.service, inner, status, got, w.log.String()[max(0, w.log.Len()-500):])
			}
		}
	})
}

func broken(chance *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	at := chance.IntN(len(b))
	switch chance.IntN(7) {
	case 0:
		b[at] = byte(chance.IntN(256))
	case 1:
		return b[:at]
	case 2:
		return append(b[:at:at], b[min(at+1+chance.IntN(20), len(b)):]...)
	case 3:
		return append(append(b[:at:at], b[at:min(at+chance.IntN(200), len(b))]...), b[at:]...)
	case 4:
		junk := []string{"&", "<", ">", "]]>", "&#0;", "&#xD800;", "\x00", "\xff\xfe", "<![CDATA[", "<!--", "<!DOCTYPE x>", "99999999999999999999", "-1", "'", `"`, "--", "Ã«", strings.Repeat("<A>", 30)}
		return append(append(b[:at:at], junk[chance.IntN(len(junk))]...), b[at:]...)
	case 5:
		return append([]byte(nil), b[at:]...)
	}
	return b
}

// rows counts what a message could have written.
func (w *world) rows() string {
	var all []string
	for _, table := range []string{"orders", "decisions", "identities", "handles", "events", "due", "credits", "holds", "shop_receipts", "idempotency",
		"older_accounts", "older_checks", "older_notes", "older_numbers", "invoices", "audit", "checkouts", "older_hooks"} {
		all = append(all, fmt.Sprint(table, " ", w.count(table)))
	}
	return strings.Join(all, ", ")
}

// endless is a body that never ends, and counts what was read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

// TestLargeBodies: a body of 100 MB is refused by its length, one without a length after the first MiB; entities are
// not expanded.
func TestLargeBodies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, length := range []int64{100 << 20, -1} {
			body := &endless{}
			r := httptest.NewRequest(http.MethodPost, "/api/check", io.NopCloser(body))
			r.ContentLength = length
			rec := httptest.NewRecorder()
			w.Handler().ServeHTTP(rec, r)
			if code(rec.Body.String()) != "601" || body.read > 2<<20 || length > 0 && body.read > 0 {
				t.Errorf("%d: read %d, %s", length, body.read, rec.Body)
			}
		}
		laughs := `<!DOCTYPE API [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>` + envelope(private("LASTNAME=&b;"))
		outside := `<!DOCTYPE API SYSTEM "http://192.0.2.1/x.dtd">` + envelope(private())
		for _, body := range []string{laughs, outside} {
			if got := w.send("POST /api/check HTTP/1.1\nHost: x\n\n" + body); code(got) != "601" {
				t.Error(got)
			}
		}
		many := "<API>" + strings.Repeat("a<!-- -->", 100_000) + "</API>"
		if got := w.send("POST /api/check HTTP/1.1\nHost: x\n\n" + many); code(got) != "001" {
			t.Error(got)
		}
	})
}
