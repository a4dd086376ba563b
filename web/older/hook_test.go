package older_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/events"
	"achteraf/internal/jobs"
	"achteraf/invoices"
	"achteraf/orders"
	"achteraf/web/older"
)

// receiver is a shop's server: it keeps what comes and answers as it is told.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	got     []notice
	answers []int // the next ones; then 204
	hang    chan struct{}
}

type notice struct {
	header http.Header
	body   string
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.got = append(r.got, notice{q.Header, string(body)})
		status, hang := 204, r.hang
		if len(r.answers) > 0 {
			status, r.answers = r.answers[0], r.answers[1:]
		}
		r.mu.Unlock()
		if hang != nil {
			<-hang
		}
		if status == 307 {
			rw.Header().Set("Location", r.URL+"/elsewhere")
		}
		rw.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

// events are the events that came, in their order; each must be a good one.
func (r *receiver) events(t testing.TB) (names []string) {
	t.Helper()
	for _, n := range r.taken() {
		var b struct{ Event, Status string }
		if err := json.Unmarshal([]byte(n.body), &b); err != nil {
			t.Fatalf("%s: %v", n.body, err)
		}
		names = append(names, b.Event+b.Status)
	}
	return names
}

// taken returns what came and forgets it.
func (r *receiver) taken() []notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.got
	r.got = nil
	return out
}

// hears lets the shop be told at a receiver, unsigned.
func (w *world) hears(r *receiver) {
	w.t.Helper()
	w.set(func(s *older.Settings) { s.OrderWebhook, s.SessionWebhook = r.URL+"/order", r.URL+"/session" })
}

func (w *world) settle() {
	w.t.Helper()
	w.must(w.Settle(w.t.Context()))
}

// wants compares what came with what should have.
func (w *world) wants(r *receiver, names ...string) {
	w.t.Helper()
	if got := r.events(w.t); !slices.Equal(got, names) {
		w.t.Errorf("told %q, want %q", got, names)
	}
}

// later moves business time on.
func (w *world) later(by time.Duration) {
	w.t.Helper()
	var to calendar.Instant
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error { to = tx.Now.Add(by); return nil }))
	w.must(w.MoveTo(w.t.Context(), to))
}

// TestOrderWebhooks: a shop hears of an order's life, in its order, in the shape of old.
func TestOrderWebhooks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		w.accepted("W-0") // before anybody listened
		w.settle()
		w.hears(r)
		w.accepted("W.1")
		w.settle()
		first := r.taken()
		if len(first) != 1 {
			t.Fatalf("%v", first)
		}
		var body map[string]string
		w.must(json.Unmarshal([]byte(first[0].body), &body))
		if body["event"] != "order_placed" || body["invoice_number"] != "1ABW-1" || body["invoice_number_clean"] != "W.1" || body["workflow_id"] != "1" ||
			!strings.HasPrefix(body["order_id"], "ord_") || len(body) != 6 {
			t.Errorf("%s", first[0].body)
		}
		if at, err := time.Parse("2006-01-02 15:04:05", body["timestamp"]); err != nil || at.IsZero() {
			t.Errorf("%s: %v", body["timestamp"], err)
		}
		h := first[0].header
		if h.Get("Content-Type") != "application/json" || h.Get(older.SignatureHeader) != "" || h.Get(older.TimestampHeader) != "" {
			t.Errorf("unsigned: %v", h)
		}
		w.api("on-hold", "<ACTION>Onhold</ACTION><INVOICENUMBER>W.1</INVOICENUMBER><DAYS>2</DAYS>")
		w.settle()
		w.wants(r, "order_on_hold")
		w.api("on-hold", "<ACTION>resume</ACTION><INVOICENUMBER>W.1</INVOICENUMBER><RESUME>y</RESUME>")
		w.settle()
		w.wants(r) // nobody asked for this one
		w.api("start-workflow", list("W.1"))
		w.settle()
		w.wants(r, "order_workflow_started")
		w.later(20 * 24 * time.Hour) // W-0 starts by itself
		w.wants(r, "order_workflow_started")
		w.api("payment", "<INVOICES><ITEM><INVOICENUMBER>W.1</INVOICENUMBER><AMOUNT>20.00</AMOUNT></ITEM></INVOICES>")
		w.settle()
		w.wants(r, "partial_payment_added")
		w.api("credit", "<INVOICES><ITEM><INVOICENUMBER>W.1</INVOICENUMBER><CREDITAMOUNT>10.00</CREDITAMOUNT></ITEM></INVOICES>")
		w.settle()
		w.wants(r, "partial_credit_added")
		w.api("payment", "<INVOICES><ITEM><INVOICENUMBER>W.1</INVOICENUMBER><AMOUNT>54.70</AMOUNT></ITEM></INVOICES>")
		w.settle()
		w.wants(r, "order_paid")
		w.api("credit", "<INVOICES><ITEM><INVOICENUMBER>W-0</INVOICENUMBER><CREDITAMOUNT>84.70</CREDITAMOUNT></ITEM></INVOICES>")
		w.settle()
		w.wants(r, "order_fully_accredited", "customer_fully_paid")
		w.settle()
		w.wants(r)
		w.set(func(s *older.Settings) { s.WebhookEvents = []string{"order_resumed", "order_overdue"} })
		w.accepted("W-2")
		w.api("start-workflow", list("W-2"))
		w.later(40 * 24 * time.Hour)
		w.wants(r, "order_placed", "order_workflow_started", "order_overdue")
		w.set(func(s *older.Settings) { s.OrderWebhook, s.SessionWebhook = "", "" })
		w.api("credit", "<INVOICES><ITEM><INVOICENUMBER>W-2</INVOICENUMBER><CREDITAMOUNT>1.00</CREDITAMOUNT></ITEM></INVOICES>")
		w.settle()
		w.hears(r)
		w.settle()
		w.wants(r) // it was not listening
	})
}

// TestSessionWebhooks: how a session ended.
func TestSessionWebhooks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		w.set(func(s *older.Settings) { s.SessionWebhook = r.URL })
		done, left := w.open("S.1"), w.open("S-2")
		w.orderIt(done)
		w.write(func(ctx context.Context, tx *db.Tx) error { // of something that is no more: it keeps nothing else waiting
			return events.Append(ctx, tx, []events.Event{{Merchant: w.shop, Kind: checkout.FactEnded, Subject: "chk_gone", Data: `{"state":"expired"}`}})
		})
		w.answer("POST " + left.page + "/leave HTTP/1.1\nHost: pay.example.org\nContent-Type: application/x-www-form-urlencoded\nSec-Fetch-Site: same-origin\n\nx=1")
		w.settle()
		got := r.taken()
		if len(got) != 2 {
			t.Fatalf("%v", got)
		}
		slices.SortFunc(got, func(a, b notice) int { return -strings.Compare(a.body, b.body) }) // of two sessions, in any order
		for i, want := range []string{`{"status":"order_created","invoiceNumber":"S.1","transactionId":"tx_%s","billinkInvoiceNumber":"1ABS-1"}`,
			`{"status":"cancelled","invoiceNumber":"S-2","transactionId":"tx_%s","billinkInvoiceNumber":"1ABS-2"}`} {
			if want = fmt.Sprintf(want, strings.TrimPrefix([]session{done, left}[i].id, "s_")); got[i].body != want {
				t.Errorf("%s, want %s", got[i].body, want)
			}
		}
	})
}

// TestOtherCheckout: a checkout that was not opened by this wire is nothing to tell its plug-in.
func TestOtherCheckout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		w.hears(r)
		secret, err := w.Till.Secret()
		w.must(err)
		var c checkout.Checkout
		w.write(func(ctx context.Context, tx *db.Tx) (err error) {
			line := orders.Line{Kind: "goods", Description: "Spade", Quantity: "1", UnitPriceCents: 100, TotalCents: 100, VATPercent: "21"}
			c, _, err = w.Till.Open(ctx, tx, invoices.Offer{Merchant: w.shop, Returns: checkout.Returns{Success: "https://shop.example/"},
				Order: orders.New{Reference: "C-1", Currency: "EUR", Prices: orders.InclVAT, TotalCents: 100, Lines: []orders.Line{line}}}, secret)
			return err
		})
		_, err = w.Till.Leave(t.Context(), c.Key)
		w.must(err)
		w.settle()
		w.wants(r)
	})
}

// TestSignedWebhooks: the secret is shown once, kept sealed, and signs the timestamp and the body.
func TestSignedWebhooks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		for _, path := range []string{"/v2/client/webhook-v3/set", "/v2/session/webhook-v3/set"} {
			for body, want := range map[string]string{
				login(""): "url parameter is empty", login(`,"url":" "`): "url parameter is empty", login(`,"url":"shop"`): "Invalid url parameter",
				login(`,"url":"ftp://shop.example/"`): "Invalid url parameter", login(`,"url":"https://u:p@shop.example/"`): "Invalid url parameter",
				login(`,"url":"https://shop.example/"`): "Webhook signing secret is not set. Please, generate the secret first",
			} {
				if status, out := w.post(path, body); status != 400 || out["status"] != "error" || out["message"] != want {
					t.Errorf("%s %s: %d %v", path, body, status, out)
				}
			}
		}
		status, out := w.post("/v2/client/webhook-v3/secret/generate", login(""))
		secret, _ := out["secret"].(string)
		if status != 200 || out["status"] != "success" || out["message"] != "Webhook V3 secret is generated successfully" || len(secret) != 44 {
			t.Fatalf("%d %v", status, out)
		}
		if strings.Contains(w.dump(), secret) || strings.Contains(w.log.String(), secret) {
			t.Error("the secret can be read")
		}
		for _, path := range []string{"/v2/client/webhook-v3/set", "/v2/session/webhook-v3/set"} {
			if status, out := w.post(path, login(`,"url":"`+r.URL+`/?a=b%20c"`)); status != 200 || out["status"] != "success" || out["message"] != "Webhook has been set" {
				t.Fatalf("%s: %d %v", path, status, out)
			}
		}
		w.place.Clock.Advance(6 * time.Second)
		r.answers = []int{500}
		w.accepted("V-1")
		w.settle()
		w.later(2 * time.Minute)
		got := r.taken()
		if len(got) != 2 || got[0].body != got[1].body || got[0].header.Get("X-Billink-Webhook-Id") != got[1].header.Get("X-Billink-Webhook-Id") {
			t.Fatalf("%v", got)
		}
		for _, n := range got {
			at := n.header.Get("X-Billink-Webhook-Timestamp")
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(at + n.body))
			if n.header.Get("X-Billink-Webhook-Signature") != hex.EncodeToString(mac.Sum(nil)) {
				t.Errorf("signature of %s at %s: %s", n.body, at, n.header.Get("X-Billink-Webhook-Signature"))
			}
			seconds, err := strconv.ParseInt(at, 10, 64)
			if age := w.place.Clock.Now().Time().Sub(time.Unix(seconds, 0)); err != nil || age < 0 || age > 5*time.Minute {
				t.Errorf("timestamp %s: %v old", at, age)
			}
		}
		w.set(func(s *older.Settings) {
			s.WebhookSignatureHeader, s.WebhookTimestampHeader, s.WebhookKeyDecoded = "X-Sig", "X-At", true
		})
		w.accepted("V-2")
		w.settle()
		n := r.taken()[0]
		raw, err := base64.StdEncoding.DecodeString(secret)
		w.must(err)
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte(n.header.Get("X-At") + n.body))
		if n.header.Get("X-Sig") != hex.EncodeToString(mac.Sum(nil)) || n.header.Get("X-Billink-Webhook-Signature") != "" {
			t.Errorf("with settings: %v", n.header)
		}
	})
}

// TestWebhookFails: three more tries, ever later, then the failure stays visible and the next event goes out.
func TestWebhookFails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			name    string
			status  int
			outcome string
		}{{"500", 500, "500"}, {"404", 404, "404"}, {"redirect", 307, "redirect"}} {
			r := newReceiver(t)
			w.hears(r)
			r.answers = slices.Repeat([]int{c.status}, 4)
			w.accepted("F-" + c.name)
			w.api("start-workflow", list("F-"+c.name))
			w.settle()
			w.wants(r, "order_placed") // the second waits for the first
			for _, wait := range []time.Duration{time.Minute, 4 * time.Minute} {
				w.later(wait - time.Second)
				w.wants(r)
				w.later(time.Second)
				w.wants(r, "order_placed")
			}
			w.later(16 * time.Minute)
			w.wants(r, "order_placed", "order_workflow_started")
			w.later(24 * time.Hour)
			w.wants(r)
			if state, outcome := w.delivery("order_placed"); state != "failed" || outcome != c.outcome {
				t.Errorf("%s: %s, %s", c.name, state, outcome)
			}
			if w.eventsOf("webhook.failed") == 0 {
				t.Errorf("%s: nothing in the log of events", c.name)
			}
		}
	})
}

// TestWebhooksAreForgotten: a delivery is kept for a month after it ended.
func TestWebhooksAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		w.hears(r)
		w.accepted("K-1")
		w.settle()
		h := older.NewHooks(w.OlderWire())
		for _, c := range []struct {
			after time.Duration
			left  int
		}{{29 * 24 * time.Hour, 1}, {25 * time.Hour, 0}} {
			w.set(func(s *older.Settings) { s.OrderWebhook = "" })
			w.place.Clock.Advance(c.after)
			_, err := h.Step(t.Context())
			w.must(err)
			if got := w.count("older_hooks"); got != c.left {
				t.Errorf("after %v: %d left", c.after, got)
			}
		}
	})
}

// TestWebhookRefused: no address inside is called, and a shop that is not there fails alone.
func TestWebhookRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		gone := newReceiver(t)
		gone.Close()
		for i, c := range []struct{ to, outcome string }{{"https://10.0.0.1/", "address-refused"}, {"https://169.254.169.254/latest/", "address-refused"},
			{"https://[::1]/", "address-refused"}, {"http://10.0.0.1/", "address-refused"}, {gone.URL, "no-connection"}} {
			w.set(func(s *older.Settings) { s.OrderWebhook = c.to })
			w.accepted(fmt.Sprint("R-", i))
			w.settle()
			if state, outcome := w.delivery("order_placed"); state != "waiting" || outcome != c.outcome {
				t.Errorf("%s: %s, %s", c.to, state, outcome)
			}
		}
	})
}

// TestWebhookOfAClosedAccount: who is on this wire no more is told nothing, not even what was to be tried again.
func TestWebhookOfAClosedAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		w.hears(r)
		r.answers = []int{500}
		w.accepted("A-1")
		w.settle()
		w.wants(r, "order_placed")
		w.write(func(ctx context.Context, tx *db.Tx) error { return w.Accounts.Close(ctx, tx, w.shop) })
		w.later(24 * time.Hour)
		w.wants(r)
		if state, _ := w.delivery("order_placed"); state != "dropped" {
			t.Error(state)
		}
	})
}

// TestWebhookTimeout: a shop that does not answer has not been told.
func TestWebhookTimeout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		r.hang = make(chan struct{})
		defer close(r.hang)
		w.hears(r)
		c := w.OlderWire().Config
		c.Outbound = &http.Client{Timeout: 50 * time.Millisecond}
		w.accepted("O-1")
		_, err := older.NewHooks(w.OlderWire()).Run(t.Context())
		w.must(err)
		var d jobs.Due
		w.must(w.DB.Read(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), `select id, merchant_id, subject from due where kind = $1`, []any{older.DueHook}, &d.ID, &d.Merchant, &d.Subject)
		}))
		finish, err := older.New(c).Deliver(t.Context(), d)
		w.must(err)
		w.write(finish)
		if state, outcome := w.delivery("order_placed"); state != "waiting" || outcome != "timeout" {
			t.Errorf("%s, %s", state, outcome)
		}
	})
}

// TestWebhookNodes: two nodes that read the log together tell each event once, in its order.
func TestWebhookNodes(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		w := newWorld(t, p)
		r := newReceiver(t)
		w.hears(r)
		w.accepted("N-1")
		w.api("start-workflow", list("N-1"))
		a, b := older.NewHooks(w.OlderWire()), older.NewHooks(w.OlderWire())
		var both sync.WaitGroup
		for _, h := range []*older.Hooks{a, b, a, b} {
			both.Go(func() {
				if _, err := h.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		w.settle()
		w.wants(r, "order_placed", "order_workflow_started")
		for _, h := range []*older.Hooks{a, older.NewHooks(w.OlderWire())} { // the second is a process that has just begun
			_, err := h.Run(t.Context())
			w.must(err)
		}
		w.settle()
		w.wants(r)
	})
}

// TestWebhookLate: an event whose transaction commits after one with a higher id was read is told all the same, once.
func TestWebhookLate(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		w := newWorld(t, p)
		r := newReceiver(t)
		w.hears(r)
		w.accepted("L-1")
		w.accepted("L-2")
		w.settle()
		r.taken()
		held := func(number string) func(ctx context.Context, tx *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error {
				o, err := orders.ByReference(ctx, tx, w.shop, number)
				if err != nil {
					return err
				}
				return events.Append(ctx, tx, []events.Event{{Merchant: w.shop, Kind: "order.held", Subject: o.ID}})
			}
		}
		begun, end, done := make(chan struct{}), make(chan struct{}), make(chan error)
		if w.DB.Engine() == "sqlite" { // one writer: nobody can be late
			close(end)
		}
		go func() {
			done <- w.DB.Write(t.Context(), func(tx *db.Tx) error {
				err := held("L-1")(t.Context(), tx)
				close(begun)
				<-end
				return err
			})
		}()
		<-begun
		w.write(held("L-2"))
		w.settle()
		if w.DB.Engine() == "postgres" {
			w.wants(r, "order_on_hold")
			close(end)
		}
		w.must(<-done)
		w.place.Clock.Advance(10 * time.Second)
		w.settle()
		if w.DB.Engine() == "postgres" {
			w.wants(r, "order_on_hold")
		} else {
			w.wants(r, "order_on_hold", "order_on_hold")
		}
		w.place.Clock.Advance(time.Hour)
		w.settle()
		w.wants(r)
	})
}

// TestHostedOrder goes the whole way: session, page, order, status, start, credit, and what the shop was told of each.
func TestHostedOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		w.hears(r)
		s := w.open("H-1")
		if status, _, page := w.answer("GET " + s.page + " HTTP/1.1\nHost: pay.example.org\nAccept-Language: nl\n\n"); status != 200 || !strings.Contains(page, "Spade") || !strings.Contains(page, `value="17-3-1988"`) {
			t.Fatalf("page: %d %.300s", status, page)
		}
		if status, to := w.orderIt(s); status != 303 || to != "https://shop.example/s" || w.stands(s) != "order_created" {
			t.Fatalf("ordered: %d %s", status, to)
		}
		w.settle()
		if got := r.events(t); len(got) != 2 || !slices.Contains(got, "order_created") || !slices.Contains(got, "order_placed") { // of two kinds, in any order
			t.Errorf("told %q", got)
		}
		if _, out := w.post("/v2/client/order/info", login(`,"invoices":[{"number":"1ABH-1"}]`)); fmt.Sprint(out["invoices"]) != "[map[description:No steps given invoiceNumber:1ABH-1 status:0]]" {
			t.Errorf("info: %v", out)
		}
		if _, out := w.post("/v2/client/workflow/start", login(`,"invoices":[{"number":"H-1"}]`)); out["code"] != "500" {
			t.Errorf("start: %v", out)
		}
		w.settle()
		w.wants(r, "order_workflow_started")
		if _, out := w.post("/v2/client/invoice/credit", login(`,"invoices":[{"number":"H-1","creditAmount":4.7}]`)); out["result"] != "MSG" {
			t.Errorf("credit: %v", out)
		}
		w.later(20 * 24 * time.Hour)
		if _, out := w.post("/v2/client/invoice/credit", login(`,"invoices":[{"number":"H-1","creditAmount":80}]`)); out["result"] != "MSG" {
			t.Errorf("credit: %v", out)
		}
		w.settle()
		w.wants(r, "partial_credit_added", "order_fully_accredited", "customer_fully_paid")
	})
}

// delivery is how the last delivery of an event stands.
func (w *world) delivery(event string) (state, outcome string) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(w.t.Context(), `select state, outcome from older_hooks where event = $1 order by id desc limit 1`, []any{event}, &state, &outcome)
	}))
	return state, outcome
}

func (w *world) eventsOf(kind string) (n int) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(w.t.Context(), `select count(*) from events where kind = $1`, []any{kind}, &n)
	}))
	return n
}

// dump is what stands in the account's row, as text.
func (w *world) dump() (all string) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		var settings string
		var sealed []byte
		err := tx.QueryRow(w.t.Context(), `select settings, webhook_secret from older_accounts where merchant_id = $1`, []any{w.shop}, &settings, &sealed)
		all = settings + string(sealed)
		return err
	}))
	return all
}
