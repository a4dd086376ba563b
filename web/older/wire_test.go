package older_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/orders"
	"achteraf/risk"
	"achteraf/web/older"
)

// TestTransport: addresses, methods and headers as clients send them.
func TestTransport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		body := envelope(private("BACKDOOR=1"))
		for _, line := range []string{
			"POST /api/check", "POST //api/check", "POST /api/check/", "POST //api//check//", "POST http://test.billink.nl/api/check",
			"POST /v1/client/check", "POST //v1/client/check", "POST /v1//client/check/", "POST /api/check?x=1", "POST /API/../x",
		} {
			status, header, got := w.answer(line + " HTTP/1.1\nHost: elsewhere\nContent-Type: application/x-www-form-urlencoded\n0: User-Agent: x\n4: Content-Type: text/xml\n\n" + body)
			if strings.HasSuffix(line, "x") && !strings.HasSuffix(line, "=1") {
				if strings.Contains(got, "<API>") {
					t.Errorf("%s is of this wire", line)
				}
				continue
			}
			if status != 200 || header.Get("Content-Type") != "text/xml" || code(got) != "500" {
				t.Errorf("%s: %d %s %s", line, status, header, got)
			}
		}
		for _, method := range []string{"GET", "HEAD", "PUT", "OPTIONS"} {
			status, header, got := w.answer(method + " /api/check HTTP/1.1\nHost: x\n\n")
			if status != 405 || header.Get("Allow") != "POST" || strings.Contains(got, "<") {
				t.Errorf("%s: %d %s", method, status, got)
			}
		}
		if status, _, _ := w.answer("GET /v1/orders HTTP/1.1\nHost: x\n\n"); status != 401 {
			t.Errorf("/v1 answers %d", status)
		}
	})
}

// TestOverTheNetwork: a real server does not redirect what a ServeMux before us would.
func TestOverTheNetwork(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		outer := http.NewServeMux()
		outer.Handle("/", w.Handler())
		s := httptest.NewServer(w.Before(outer))
		defer s.Close()
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		r, err := client.Post(s.URL+"//api//check/", "", strings.NewReader(strings.Replace(envelope(private()), "{id}", w.id, 1)))
		w.must(err)
		defer r.Body.Close()
		got, err := io.ReadAll(r.Body)
		w.must(err)
		if r.StatusCode != 200 || code(string(got)) != "500" {
			t.Errorf("%d %s", r.StatusCode, got)
		}
	})
}

// TestMessages: what is one message to this wire, however it is written.
func TestMessages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ok := private("BACKDOOR=1")
		latin := func(s string) string {
			var b []byte
			for _, r := range s {
				b = append(b, byte(r))
			}
			return string(b)
		}
		for _, c := range []struct{ name, body, want string }{
			{"a declaration", `<?xml version="1.0" encoding="UTF-8"?>` + envelope(ok), "500"},
			{"a byte order mark and lines before", "\xEF\xBB\xBF\n \n" + envelope(ok), "500"},
			{"lines before a declaration", "\r\n\r\n<?xml version='1.0'?>" + envelope(ok), "500"},
			{"small names", strings.ToLower(strings.Replace(envelope(ok), "BILLINK2.0", "billink2.0", 1)), "500"},
			{"Latin-1, undeclared", latin(envelope(private("LASTNAME=Zoë"))), "500"},
			{"Latin-1, declared", `<?xml version="1.0" encoding="ISO-8859-1"?>` + latin(envelope(private("LASTNAME=Zoë"))), "500"},
			{"an encoding that is a lie", `<?xml version="1.0" encoding="ISO-8859-1"?>` + envelope(private("LASTNAME=Zoë")), "500"},
			{"an encoding of nobody", `<?xml version="1.0" encoding="x-none"?>` + envelope(ok), "500"},
			{"a bare ampersand", envelope(private("LASTNAME=Smit & Zoon")), "500"},
			{"entities", envelope(private("LASTNAME=Zo&#xEB; &amp; &euml;")), "500"},
			{"control characters", envelope(private("LASTNAME=Zo\x0b\x02e")), "500"},
			{"attributes and prefixes", strings.Replace(envelope(ok+`<HOUSEEXTENSION xsi:nil="true"/>`), "<API>", `<API xmlns="urn:x">`, 1), "500"},
			{"unknown elements", envelope(ok + "<NEW><DEEP>x</DEEP></NEW>"), "500"},
			{"comments and CDATA", envelope(private("LASTNAME=<![CDATA[Dijk & Co]]><!-- x -->")), "500"},
			{"something behind the end", envelope(ok) + "\n\n", "500"},
			{"no action", envelope(ok), "500"},
			{"an action in capitals", envelope(ok + "<ACTION>CHECK</ACTION>"), "500"},
			{"an action of another service", envelope(ok + "<ACTION>Order</ACTION>"), "103"},
			{"another version", strings.Replace(envelope(ok), "BILLINK2.0", "BILLINK1.0", 1), "001"},
			{"a version in other letters", strings.Replace(envelope(ok), "BILLINK2.0", "Billink2.0", 1), "500"},
			{"no version", strings.Replace(envelope(ok), "<VERSION>BILLINK2.0</VERSION>", "", 1), "001"},
			{"no id", strings.Replace(envelope(ok), "{id}", "", 1), "101"},
			{"a wrong id", strings.Replace(envelope(ok), "{id}", "00112233445566778899aabbccddeeff00112233", 1), "101"},
			{"nothing", "", "601"},
			{"space", " \n ", "601"},
			{"no XML", "hello", "601"},
			{"JSON", `{"a":1}`, "601"},
			{"half of it", envelope(ok)[:100], "601"},
			{"a bare less-than", envelope(private("LASTNAME=a < b")), "601"},
			{"another root", "<XML>" + envelope(ok) + "</XML>", "601"},
			{"a document type", `<!DOCTYPE API [<!ENTITY a "b">]>` + envelope(ok), "601"},
			{"deep", "<API>" + strings.Repeat("<A>", 30) + strings.Repeat("</A>", 30) + "</API>", "601"},
			{"wide", "<API>" + strings.Repeat("<A/>", 25_000) + "</API>", "601"},
			{"long", envelope(ok + "<X>" + strings.Repeat("a", 1<<20) + "</X>"), "601"},
		} {
			if got := w.send("POST /api/check HTTP/1.1\nHost: x\n\n" + c.body); code(got) != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			} else if c.want == "601" && got != "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<API><RESULT>ERROR</RESULT><ERROR><CODE>601</CODE><DESCRIPTION>The message is empty or cannot be read</DESCRIPTION></ERROR></API>" {
				t.Errorf("%s: %s", c.name, got)
			}
		}
	})
}

// TestOnce: a check is good for one order, a dry run uses nothing up.
func TestOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		say := func(what, got, want string) {
			t.Helper()
			if code(got) != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		order := func(number string, edit ...string) string {
			return private(append([]string{"ORDERNUMBER=" + number, "CHECKUUID={uuid}"}, edit...)...) + oneItem
		}
		say("check", w.api("check", private()), "500")
		before := w.count("decisions")
		for range 3 {
			say("dry run", w.api("order", order("N1", "VALIDATEORDER=Y")), "200")
		}
		if n := w.count("decisions"); n != before {
			t.Errorf("dry runs left %d decisions", n-before)
		}
		say("order", w.api("order", order("N1")), "200")
		say("the same again", w.api("order", order("N1")), "403")
		say("the same uuid with another number", w.api("order", order("N2")), "446")
		say("a dry run with a used uuid", w.api("order", order("N2", "VALIDATEORDER=Y")), "446")
		say("a dry run with a used number", w.api("order", order("N1", "VALIDATEORDER=Y")), "403")
		used := w.uuid
		say("check", w.api("check", private()), "500")
		fresh := w.uuid
		say("a used number with a new uuid", w.api("order", order("N1")), "403")
		w.must(w.DB.MoveClock(t.Context(), w.now().Add(24*time.Hour)))
		say("a day later", w.api("order", order("N3")), "445")
		w.uuid = used
		say("used, and expired by now", w.api("order", order("N3")), "446")
		w.uuid = fresh
		if n := w.count("orders"); n != 1 {
			t.Errorf("%d orders", n)
		}
		say("of another shop", w.asOther(order("N9")), "440")
	})
}

// asOther sends an order in the name of another shop.
func (w *world) asOther(fields string) string {
	var id string
	w.write(func(ctx context.Context, tx *db.Tx) (err error) {
		id, err = w.Accounts.Open(ctx, tx, w.addShop(ctx, tx, "ander"), "ander", older.Settings{})
		return err
	})
	return w.send("POST /api/order HTTP/1.1\nHost: x\n\n" + strings.NewReplacer("demoshop", "ander", "{id}", id).Replace(envelope(fields)))
}

// TestRace: one uuid and many orders at the same moment make one order.
func TestRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if got := code(w.api("check", private())); got != "500" {
			t.Fatal(got)
		}
		var mu sync.Mutex
		codes := map[string]int{}
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				_, _, got := w.answer("POST /api/order HTTP/1.1\nHost: x\n\n" + envelope(private(fmt.Sprint("ORDERNUMBER=R", i), "CHECKUUID={uuid}")+oneItem))
				mu.Lock()
				defer mu.Unlock()
				codes[code(got)]++
			})
		}
		wg.Wait()
		if codes["200"] != 1 || codes["446"] != 15 || w.count("orders") != 1 {
			t.Errorf("answers %v, %d orders", codes, w.count("orders"))
		}
	})
}

// TestSecondLook: an order looks at exposure again; its dry run too.
func TestSecondLook(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		many := "<ORDERITEMS><ITEM><DESCRIPTION>Kast</DESCRIPTION><PRICEINCL>2000</PRICEINCL><BTW>21</BTW></ITEM></ORDERITEMS>"
		check := func() string { return w.api("check", private("ORDERAMOUNT=2000")) }
		order := func(number string, edit ...string) string {
			return w.api("order", private(append([]string{"ORDERNUMBER=" + number, "CHECKUUID={uuid}"}, edit...)...)+many)
		}
		check()
		first := w.uuid
		check() // reserves nothing
		if got := order("A"); code(got) != "200" {
			t.Fatal(got)
		}
		w.uuid = first
		for _, c := range []struct{ number, dry string }{{"B", "Y"}, {"B", "N"}, {"B", "N"}} {
			if got := order(c.number, "VALIDATEORDER="+c.dry); code(got) != "452" {
				t.Errorf("%+v: %s", c, got)
			}
		}
		if got := check(); code(got) != "501" {
			t.Errorf("a check beyond the limit: %s", got)
		}
		if w.count("orders") != 1 {
			t.Errorf("%d orders", w.count("orders"))
		}
	})
}

// TestAttempt: a check is an attempt on record, and the order after it is the same one.
func TestAttempt_S_CHK_02(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.set(func(s *older.Settings) { s.TestMode = false })
		attempts := func(number string) risk.Record {
			var r risk.Record
			w.must(w.DB.Read(t.Context(), func(tx *db.Tx) error {
				o, err := orders.ByReference(t.Context(), tx, w.shop, number)
				if err != nil {
					return err
				}
				r, err = risk.Find(t.Context(), tx, w.Vault, w.shop, o.Attempt)
				return err
			}))
			return r
		}
		w.accepted("N1")
		if r := attempts("N1"); w.count("decisions") != 2 || r.Facts.AttemptsToday != 0 || r.Decision.Class != risk.Accepted {
			t.Errorf("%d decisions, %+v", w.count("decisions"), r.Facts)
		}
		w.accepted("N2")
		if r := attempts("N2"); r.Facts.AttemptsToday != 1 {
			t.Errorf("the order before counts as %d attempts", r.Facts.AttemptsToday)
		}
		w.api("check", private("BIRTHDATE="))
		w.api("check", private("BIRTHDATE=", "ORDERAMOUNT=800"))
		const refusals = "events where kind = 'order.refused'"
		before := w.count(refusals)
		if got := w.api("check", private("BIRTHDATE=", "ORDERAMOUNT=800", "EMAIL=new@example.org", "PHONENUMBER=0687654321")); code(got) != "501" {
			t.Errorf("without a date of birth the contract raises a limit: %s", got)
		}
		if w.count(refusals) != before+1 {
			t.Error("nobody hears of a check that was refused")
		}
	})
}

// TestTestModeCountsNothing: a program that tries the wire may use one person again and again. What that person owes
// still counts, and so do attempts once the mode has ended.
func TestTestModeCountsNothing_S_CHK_02(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for n := range 30 {
			edit := []string{"BACKDOOR=0", "BACKDOOR=1", "BACKDOOR="}[n%3]
			if got, want := code(w.api("check", private(edit))), []string{"501", "500", "500"}[n%3]; got != want {
				t.Fatalf("check %d, %s: %s", n, edit, got)
			}
			if n%3 == 0 || n > 12 {
				continue
			}
			if got := w.api("order", private(fmt.Sprintf("ORDERNUMBER=%d", n), "CHECKUUID={uuid}", "VALIDATEORDER=Y")+oneItem); code(got) != "200" {
				t.Fatalf("dry run %d: %s", n, got)
			}
			if got := w.api("order", private(fmt.Sprintf("ORDERNUMBER=%d", n), "CHECKUUID={uuid}")+oneItem); code(got) != "200" {
				t.Fatalf("order %d: %s", n, got)
			}
		}
		if got := code(w.api("check", private("ORDERAMOUNT=2000"))); got != "501" {
			t.Errorf("what is owed does not count: %s", got)
		}
		w.set(func(s *older.Settings) { s.TestMode = false })
		for n := range 25 {
			if got := code(w.api("check", private())); n == 0 && got != "500" || n == 24 && got != "501" {
				t.Errorf("after the mode, attempt %d: %s", n, got)
			}
		}
	})
}

// TestTestMode: an order whose check was asked for in test mode is accepted likewise, as long as the mode lasts.
func TestTestMode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		order := func(number string) string {
			return w.api("order", private("WORKFLOWNUMBER=4", "ORDERNUMBER="+number, "CHECKUUID={uuid}")+oneItem)
		}
		w.api("check", private("WORKFLOWNUMBER=4", "BACKDOOR=1"))
		if got := order("T1"); code(got) != "200" {
			t.Error(got)
		}
		w.api("check", private("WORKFLOWNUMBER=4", "BACKDOOR=1"))
		w.set(func(s *older.Settings) { s.TestMode = false })
		if got := order("T2"); code(got) != "701" {
			t.Error(got)
		}
	})
}

// TestNumbers: orders are found by either number, exactly first, then without regard to case.
func TestNumbers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accepted("A.1")
		w.accepted("a.1")
		w.accepted("B.2")
		for number, want := range map[string]string{"A.1": "0", "a.1": "0", "1ABA-1": "0", "1aba-1": "0", "b.2": "0", "1abb-2": "0", "1ABb-2": "0", "B-2": "-1", "": "420", "1AB": "-1"} {
			got := w.api("status", list(number))
			if !strings.Contains(got, "<STATUS>"+want+"</STATUS>") && code(got) != want {
				t.Errorf("%q: %s", number, got)
			}
		}
		w.api("credit", "<INVOICES><ITEM><INVOICENUMBER>a.1</INVOICENUMBER><CREDITAMOUNT>84.70</CREDITAMOUNT></ITEM></INVOICES>")
		for number, want := range map[string]string{"a.1": "1", "A.1": "0", "1ABa-1": "1", "1ABA-1": "0"} {
			if got := w.api("status", list(number)); !strings.Contains(got, "<STATUS>"+want+"</STATUS>") {
				t.Errorf("%q: %s", number, got)
			}
		}
		if got := w.asOther(""); code(got) != "401" {
			t.Fatal(got)
		}
	})
}

// TestLists: how many, how few, how wrapped.
func TestLists(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, n := range []string{"1", "2", "3"} {
			w.accepted(n)
		}
		numbers := func(n int) []string {
			out := make([]string, n)
			for i := range out {
				out[i] = fmt.Sprint("x", i)
			}
			return out
		}
		for _, c := range []struct{ name, service, fields, want string }{
			{"a hundred", "status", list(numbers(100)...), "200"},
			{"one more", "status", list(numbers(101)...), "110"},
			{"an item without a number", "status", "<INVOICES><ITEM/></INVOICES>", "420"},
			{"no list", "status", "", "705"},
			{"a number at the top", "status", "<INVOICENUMBER>1</INVOICENUMBER>", "200"},
			{"a number in the list", "status", "<INVOICES><INVOICENUMBER>1</INVOICENUMBER></INVOICES>", "200"},
			{"ten to start", "start-workflow", list(numbers(10)...), "500"},
			{"eleven", "start-workflow", list(numbers(11)...), "708"},
			{"start nothing", "start-workflow", list(""), "706"},
			{"start one twice, one unknown", "start-workflow", list("1", "1", "9"), "500"},
			{"start another way", "start-workflow", "<invoices><invoice><invoice_number>2</invoice_number></invoice></invoices>", "500"},
			{"credit nobody's", "credit", list("9"), "706"},
			{"credit of nothing", "credit", "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><CREDITAMOUNT>0</CREDITAMOUNT></ITEM></INVOICES>", "708"},
			{"credit of an unknown", "credit", "<INVOICES><ITEM><INVOICENUMBER>9</INVOICENUMBER><CREDITAMOUNT>1</CREDITAMOUNT></ITEM></INVOICES>", "402"},
			{"payment of an unknown", "payment", "<INVOICES><ITEM><INVOICENUMBER>9</INVOICENUMBER><AMOUNT>1</AMOUNT></ITEM></INVOICES>", "704"},
			{"payment of too much", "payment", "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><AMOUNT>84.71</AMOUNT></ITEM></INVOICES>", "706"},
			{"payment with a long word", "payment", "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><AMOUNT>1</AMOUNT><DESCRIPTION>" + strings.Repeat("a", 31) + "</DESCRIPTION></ITEM></INVOICES>", "708"},
			{"payment", "payment", "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><AMOUNT>84,70</AMOUNT></ITEM></INVOICES>", "200"},
			{"payment again", "payment", "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><AMOUNT>1</AMOUNT></ITEM></INVOICES>", "707"},
			{"hold for long", "on-hold", "<INVOICENUMBER>2</INVOICENUMBER><DAYS>15</DAYS>", "403"},
			{"hold for no days", "on-hold", "<INVOICENUMBER>2</INVOICENUMBER>", "401"},
			{"hold nothing", "on-hold", "<DAYS>3</DAYS>", "401"},
			{"hold an unknown", "on-hold", "<INVOICENUMBER>9</INVOICENUMBER><DAYS>3</DAYS>", "402"},
			{"hold", "on-hold", "<ACTION>Onhold</ACTION><INVOICENUMBER>2</INVOICENUMBER><DAYS>14</DAYS>", "200"},
			{"hold again", "on-hold", "<INVOICENUMBER>2</INVOICENUMBER><DAYS>1</DAYS>", "200"},
			{"resume how", "on-hold", "<INVOICENUMBER>2</INVOICENUMBER><RESUME>n</RESUME>", "104"},
			{"resume", "on-hold", "<INVOICENUMBER>2</INVOICENUMBER><RESUME>Y</RESUME>", "200"},
			{"resume again", "on-hold", "<ACTION>resume</ACTION><INVOICENUMBER>2</INVOICENUMBER>", "200"},
		} {
			if got := w.api(c.service, c.fields); code(got) != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
		if got := w.api("start-workflow", list("3", "3", "9")); !strings.Contains(got,
			"<ITEM><INVOICENUMBER>3</INVOICENUMBER><MESSAGE>Success</MESSAGE><CODE>500</CODE></ITEM><ITEM><INVOICENUMBER>3</INVOICENUMBER><MESSAGE>Workflow already started</MESSAGE><CODE>707</CODE></ITEM><ITEM><INVOICENUMBER>9</INVOICENUMBER><MESSAGE>Unknown invoice number: 9</MESSAGE><CODE>-1</CODE></ITEM>") {
			t.Error(got)
		}
	})
}

// TestStatusLimit: a shop may not ask all the time, if so set.
func TestStatusLimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.set(func(s *older.Settings) { s.StatusCalls = 2 })
		for _, want := range []string{"200", "200", "111"} {
			if got := w.api("status", list("1")); code(got) != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		w.place.Clock.Advance(time.Minute)
		if got := w.api("status", list("1")); code(got) != "200" {
			t.Error(got)
		}
	})
}

// TestClosed: a shop that is switched off, or suspended, is so at once.
func TestClosed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accepted("1")
		w.api("check", private())
		w.write(func(ctx context.Context, tx *db.Tx) error { return w.Accounts.Close(ctx, tx, w.shop) })
		for service, fields := range map[string]string{"check": private(), "order": private("ORDERNUMBER=2", "CHECKUUID={uuid}") + oneItem,
			"status": list("1"), "start-workflow": list("1"), "payment": "<INVOICES><ITEM><INVOICENUMBER>1</INVOICENUMBER><AMOUNT>1</AMOUNT></ITEM></INVOICES>"} {
			if got := w.api(service, fields); code(got) != "101" {
				t.Errorf("%s: %s", service, got)
			}
		}
	})
}

// TestSecrets: no id of an account is in the database, and nothing that was sent in the log.
func TestSecrets(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accepted("1")
		w.api("check", private("LASTNAME="))
		for _, secret := range []string{w.id, "Sanne", "sanne@", "3511AX", "0611223344", w.uuid} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
		w.must(w.DB.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Each(t.Context(), `select settings, key_id, username from older_accounts`, nil, func(r db.Row) error {
				var a, b, c string
				err := r.Scan(&a, &b, &c)
				if strings.Contains(a+b+c, w.id) {
					t.Error("the id is stored")
				}
				return err
			})
		}))
	})
}

// TestGuessing: who tries accounts is no longer looked up, whether there is such a name or not; a shop whose name is
// tried goes on where it was before.
func TestGuessing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		try := func(network, name, id string) string {
			t.Helper()
			body := strings.NewReplacer("demoshop", name, "{id}", id).Replace(envelope(private("BACKDOOR=1")))
			w.from = network
			_, _, got := w.answer("POST /api/check HTTP/1.1\nHost: x\n\n" + body)
			return got
		}
		const wrong = "00112233445566778899aabbccddeeff00112233"
		if got := code(try("192.0.2.7", "demoshop", w.id)); got != "500" {
			t.Fatal(got)
		}
		for _, name := range []string{"demoshop", "nobody"} {
			first, last := try("198.51.100.1", name, wrong), ""
			for range 60 {
				last = try("198.51.100.1", name, wrong)
			}
			if code(first) != "101" || code(last) != "101" || !strings.Contains(last, "Too many") || strings.Contains(first, "Too many") {
				t.Errorf("%s: %s then %s", name, first, last)
			}
		}
		w.place.Clock.Advance(6 * time.Second)
		if got := code(try("192.0.2.7", "demoshop", w.id)); got != "500" {
			t.Errorf("the shop is locked out: %s", got)
		}
		w.place.Clock.Advance(6 * time.Second)
		if got := code(try("198.51.100.9", "demoshop", w.id)); got != "101" {
			t.Errorf("a network nobody knows: %s", got)
		}
		for n := range 600 {
			try("198.51.100.2", fmt.Sprintf("name%d", n), wrong)
		}
		if got := try("198.51.100.2", "other", wrong); !strings.Contains(got, "Too many") {
			t.Errorf("a network that tries names: %s", got)
		}
		w.place.Clock.Advance(time.Minute)
		if got := code(try("198.51.100.2", "demoshop", w.id)); got != "500" {
			t.Errorf("a minute later: %s", got)
		}
	})
}

// TestStartSends_S_PAY_12: the start says that the goods are on their way, so the invoice comes now and not on its day.
func TestStartSends_S_PAY_12(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accepted("1")
		w.accepted("2")
		w.api("on-hold", "<ACTION>Onhold</ACTION><INVOICENUMBER>2</INVOICENUMBER><DAYS>3</DAYS>")
		if got := w.api("start-workflow", list("1", "2")); strings.Count(got, "<CODE>500</CODE>") != 3 {
			t.Fatal(got)
		}
		w.must(w.Scanner.RunUntilIdle(t.Context()))
		issued := map[string]bool{}
		w.must(w.DB.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Each(t.Context(), `select o.reference, coalesce(v.number, '') from orders o join invoices v on v.order_id = o.id`, nil, func(r db.Row) error {
				var reference, number string
				err := r.Scan(&reference, &number)
				issued[reference] = number != ""
				return err
			})
		}))
		if !issued["1"] || issued["2"] {
			t.Errorf("issued: %v", issued)
		}
	})
}
