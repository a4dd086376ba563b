package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/jobs"
	"achteraf/money"
	"achteraf/payments"
	"achteraf/providers/camt"
)

// demo [FLAGS]
func (s *teller) demo(bool) error {
	args := s.args
	if s.engine == "postgres" && len(args) == 0 {
		args = []string{"--database-url", s.database}
	}
	p, line, err := startDemo(s.env(), s.ts.Getenv("WORK"), args...)
	if err != nil {
		return err
	}
	s.process, s.url, s.key, s.clockURL, s.mailboxURL = p, line.URL, line.APIKey, line.ClockURL, line.MailboxURL
	s.iban, s.database = line.IBAN, line.DatabaseURL
	s.ts.Setenv("URL", line.URL)
	s.ts.Setenv("API_KEY", line.APIKey)
	s.ts.Setenv("MERCHANT", line.MerchantID)
	s.ts.Setenv("DATABASE_URL", line.DatabaseURL)
	return nil
}

// serve FLAGS
func (s *teller) serve(bool) (err error) {
	s.process, s.url, err = startServe(s.env(), s.ts.Getenv("WORK"), s.args...)
	s.ts.Setenv("URL", s.url)
	return err
}

// shutdown: as Ctrl-C does, and it must end well.
func (s *teller) shutdown(bool) error {
	p := s.process
	s.process = nil
	return p.stop()
}

// shop KEY
func (s *teller) shop(bool) error {
	s.key = s.args[0]
	return nil
}

// keep NAME: what was printed last becomes $NAME.
func (s *teller) keep(bool) error {
	s.ts.Setenv(s.args[0], strings.TrimSpace(s.ts.ReadFile("stdout")))
	return nil
}

// send sends a request of the shop, and wants it to work, or to fail.
func (s *teller) send(fail bool, r request) (err error) {
	s.request = r
	if s.last, err = s.ask(context.Background(), r.method, r.path, r.key, r.body); err != nil {
		return err
	}
	fmt.Fprintf(s.ts.Stdout(), "%s\n", s.last.text)
	if failed := s.last.status >= 400; failed != fail {
		return fmt.Errorf("%s %s: %d %s", r.method, r.path, s.last.status, s.last.text)
	}
	return nil
}

// write is a request with a new idempotency key.
func (s *teller) write(method, path string, body []byte) request {
	s.keys++
	return request{method, path, fmt.Sprintf("story-%d", s.keys), body}
}

// [!] order FILE [FIELD=VALUE…] [-FIELD…]
func (s *teller) order(fail bool) error {
	text := []byte(s.ts.ReadFile(s.args[0])) // to the byte, unless something is to change
	if len(s.args) > 1 {
		var err error
		if text, err = changed(text, s.args[1:]); err != nil {
			return err
		}
	}
	if err := s.send(fail, s.write("POST", "/v1/orders", text)); err != nil || fail {
		return err
	}
	var o struct {
		ID        string
		Reference string        `json:"payment_reference"`
		PlacedOn  calendar.Date `json:"placed_on"`
	}
	if err := json.Unmarshal(s.last.text, &o); err != nil {
		return err
	}
	if strings.HasPrefix(o.ID, "ord_") {
		s.id, s.day = o.ID, o.PlacedOn
		s.ts.Setenv("REFERENCE", o.Reference)
		s.ts.Setenv("ORDER", o.ID)
	}
	return nil
}

// changed applies changes to a message: FIELD=VALUE, or -FIELD. A text stays a text; any other value is JSON if
// it can be read as such.
func changed(text []byte, changes []string) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	for _, c := range changes {
		name, value, set := strings.Cut(c, "=")
		name = strings.TrimPrefix(name, "-")
		parent, last := doc, name
		if i := strings.LastIndex(name, "."); i >= 0 {
			last = name[i+1:]
			var ok bool
			if parent, ok = at(doc, name[:i]).(map[string]any); !ok {
				return nil, fmt.Errorf("%s: there is no such place", c)
			}
		}
		_, text := parent[last].(string)
		switch {
		case !set:
			delete(parent, last)
		case text || !json.Valid([]byte(value)):
			parent[last] = value
		default:
			parent[last] = json.RawMessage(value)
		}
	}
	return json.Marshal(doc)
}

// at is what stands in a document at a place such as invoices.0.status; nil when nothing does.
func at(doc any, place string) any {
	for step := range strings.SplitSeq(place, ".") {
		switch d := doc.(type) {
		case map[string]any:
			doc = d[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(d) {
				return nil
			}
			doc = d[i]
		default:
			return nil
		}
	}
	return doc
}

// again
func (s *teller) again(bool) error {
	before := s.last
	if err := s.send(before.status >= 400, s.request); err != nil {
		return err
	}
	if s.last.status != before.status || !bytes.Equal(s.last.text, before.text) {
		return fmt.Errorf("the second answer differs: %d %s", s.last.status, s.last.text)
	}
	return nil
}

// [!] look
func (s *teller) look(fail bool) error {
	return s.send(fail, request{method: "GET", path: "/v1/orders/" + s.id})
}

// verb is [!] start, [!] cancel
func verb(name string) func(*teller, bool) error {
	return func(s *teller, fail bool) error {
		return s.send(fail, s.write("POST", "/v1/orders/"+s.id+"/"+name, nil))
	}
}

// [!] credit [EUR] [REASON]
func (s *teller) credit(fail bool) error {
	body := map[string]any{}
	if len(s.args) > 0 {
		cents, err := cents(s.args[0])
		if err != nil {
			return err
		}
		body["amount_cents"] = cents
	}
	if len(s.args) > 1 {
		body["reason"] = s.args[1]
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return s.send(fail, s.write("POST", "/v1/orders/"+s.id+"/credits", text))
}

// [!] hold DAYS [REASON]
func (s *teller) hold(fail bool) error {
	body := `{"days":` + s.args[0] + `}`
	if len(s.args) > 1 {
		body = `{"days":` + s.args[0] + `,"reason":"` + s.args[1] + `"}`
	}
	return s.send(fail, s.write("POST", "/v1/orders/"+s.id+"/hold", []byte(body)))
}

// [!] write TEXT
func (s *teller) writeTo(fail bool) error {
	text, err := json.Marshal(map[string]string{"text": s.args[0]})
	if err != nil {
		return err
	}
	return s.send(fail, s.write("POST", "/v1/orders/"+s.id+"/messages", text))
}

// history
func (s *teller) history(fail bool) error {
	return s.send(fail, request{method: "GET", path: "/v1/orders/" + s.id + "/history"})
}

// [!] paid EUR
func (s *teller) paid(fail bool) error {
	cents, err := cents(s.args[0])
	if err != nil {
		return err
	}
	return s.send(fail, s.write("POST", "/v1/orders/"+s.id+"/payments", fmt.Appendf(nil, `{"amount_cents":%d}`, cents)))
}

func cents(euros string) (int64, error) {
	a, err := money.ParseDecimal(euros, "EUR")
	return a.Cents, err
}

// [!] edit JSON
func (s *teller) edit(fail bool) error {
	return s.send(fail, s.write("PATCH", "/v1/orders/"+s.id, []byte(s.args[0])))
}

// want FIELD VALUE
func (s *teller) want(bool) error {
	if len(s.args) != 2 {
		return errors.New("want FIELD VALUE")
	}
	d := json.NewDecoder(bytes.NewReader(s.last.text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return err
	}
	place, want := s.args[0], s.args[1]
	if rest, ok := strings.CutPrefix(place, "invoice."); ok {
		place = "invoices.0." + rest
	}
	got := shown(at(doc, place))
	if euros := at(doc, place+"_cents"); euros != nil {
		n, err := strconv.ParseInt(fmt.Sprint(euros), 10, 64)
		if err != nil {
			return err
		}
		got = money.EUR(n).Decimal()
	}
	if days, ok := strings.CutPrefix(want, "day+"); ok {
		n, err := strconv.Atoi(days)
		if err != nil {
			return err
		}
		want = s.day.AddDays(n).String()
	}
	if fits, err := path.Match(want, got); err != nil || !fits && !(want == "some" && got != "none") {
		return fmt.Errorf("%s is %s, not %s", s.args[0], got, want)
	}
	return nil
}

// shown writes a value for a person; none is nothing at all, or an empty list.
func shown(v any) string {
	if list, ok := v.([]any); v == nil || ok && len(list) == 0 {
		return "none"
	}
	return fmt.Sprint(v)
}

// problem STATUS CODE [PLACE…]
func (s *teller) problem(bool) error {
	var p struct {
		Type   string
		Status int
		Errors []struct{ Pointer string }
	}
	if err := json.Unmarshal(s.last.text, &p); err != nil {
		return err
	}
	got := []string{strconv.Itoa(s.last.status), path.Base(p.Type)}
	for _, e := range p.Errors {
		got = append(got, strings.TrimPrefix(e.Pointer, "#/"))
	}
	slices.Sort(got[2:])
	want := slices.Clone(s.args)
	slices.Sort(want[2:])
	if !slices.Equal(got, want) || p.Status != s.last.status {
		return fmt.Errorf("the problem is %v, not %v", got, want)
	}
	return nil
}

// clock SPAN
func (s *teller) clock(bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	body, err := json.Marshal(map[string]string{"advance": s.args[0]})
	if err != nil {
		return err
	}
	_, err = s.now(ctx, "POST", body)
	return err
}

// mail PATTERN: exactly one mail with such a subject is in the mailbox, and its plain text is what was said last. Denied:
// none is.
func (s *teller) mail(none bool) error {
	got, err := s.http.Get(s.mailboxURL + "/messages.json")
	if err != nil {
		return err
	}
	defer got.Body.Close()
	var all struct {
		Messages []mailed
	}
	if err := json.NewDecoder(got.Body).Decode(&all); err != nil {
		return err
	}
	found, text := 0, ""
	for _, m := range all.Messages {
		if ok, err := path.Match(s.args[0], m.Subject); err != nil || !ok {
			continue
		}
		found++
		text = m.String()
	}
	fmt.Fprint(s.ts.Stdout(), text)
	if want := map[bool]int{true: 0, false: 1}[none]; found != want {
		return fmt.Errorf("%d of %d mails have this subject, want %d", found, len(all.Messages), want)
	}
	return nil
}

// now reads or moves the demo's clock.
func (s *teller) now(ctx context.Context, method string, body []byte) (now calendar.Instant, err error) {
	r, err := http.NewRequestWithContext(ctx, method, s.clockURL, bytes.NewReader(body))
	if err != nil {
		return now, err
	}
	got, err := s.http.Do(r)
	if err != nil {
		return now, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK {
		return now, fmt.Errorf("the clock: %d %s %w", got.StatusCode, text, err)
	}
	var said struct{ Now calendar.Instant }
	err = json.Unmarshal(text, &said)
	return said.Now, err
}

// bankfile [-02] [-iban IBAN] [-usd] FILE {EUR REFERENCE}…
func (s *teller) bankfile(bool) error {
	version, iban, currency, args := camt.V08, s.iban, "EUR", s.args
	for ; strings.HasPrefix(args[0], "-"); args = args[1:] {
		switch args[0] {
		case "-02":
			version = camt.V02
		case "-usd":
			currency = "USD"
		case "-iban":
			iban, args = args[1], args[1:]
		}
	}
	now, err := s.now(context.Background(), "GET", nil)
	if err != nil {
		return err
	}
	zone, err := calendar.ZoneOf("NL")
	if err != nil {
		return err
	}
	today := zone.DateOf(now)
	lines, err := s.bankLines(today, currency, args[1:])
	if err != nil {
		return err
	}
	s.bank = camt.Statement{MessageID: fmt.Sprintf("BANK-%d", s.bank.Sequence+1), ID: fmt.Sprintf("STATEMENT-%d", s.bank.Sequence+1),
		Sequence: s.bank.Sequence + 1, Created: now, From: today, To: today, Page: 1, Last: true, IBAN: iban, Currency: currency,
		Opening: camt.Balance{Known: true, Cents: s.bank.Closing.Cents, On: today}, Closing: camt.Balance{Known: true, Cents: s.bank.Closing.Cents, On: today}}
	for _, l := range lines {
		s.bank.Closing.Cents += l.Cents
	}
	var out bytes.Buffer
	if err := camt.Write(&out, version, s.bank, slices.Values(lines)); err != nil {
		return err
	}
	return os.WriteFile(s.ts.MkAbs(args[0]), out.Bytes(), 0o600)
}

// bankLines makes lines of pairs of an amount and a reference. A reference with other words around it stands
// where payers write what they like.
func (s *teller) bankLines(on calendar.Date, currency string, pairs []string) (lines []camt.Line, err error) {
	for pair := range slices.Chunk(pairs, 2) {
		s.lines++
		l := camt.Line{Ref: fmt.Sprintf("B%08d", s.lines), Entry: len(lines) + 1, BookedOn: on, ValueOn: on, Currency: currency,
			Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", PartyName: "S. de Vries", PartyIBAN: "NL20INGB0001234567"}
		if l.Cents, err = cents(pair[0]); err != nil {
			return nil, err
		}
		if strings.Contains(pair[1], " ") {
			l.Text = pair[1]
		} else {
			l.StructuredRef, l.StructuredIssuer = pair[1], "ISO"
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// change FILE OLD NEW
func (s *teller) change(bool) error {
	name := s.ts.MkAbs(s.args[0])
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(s.args[1])) {
		return fmt.Errorf("%s does not hold %q", s.args[0], s.args[1])
	}
	return os.WriteFile(name, bytes.ReplaceAll(text, []byte(s.args[1]), []byte(s.args[2])), 0o600)
}

// halve FILE
func (s *teller) halve(bool) error {
	name := s.ts.MkAbs(s.args[0])
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, text[:len(text)/2], 0o600)
}

// refused CODE achteraf ARGUMENTS…
func (s *teller) refused(bool) error {
	c := exec.Command(s.args[1], s.args[2:]...)
	c.Env, c.Dir = s.env(), s.ts.Getenv("WORK")
	var said bytes.Buffer
	c.Stderr = &said
	err := c.Run()
	s.ts.Stderr().Write(said.Bytes())
	if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != 1 {
		return fmt.Errorf("it ended with %v, not with status 1\n%s", err, said.Bytes())
	}
	if !strings.Contains(said.String(), "("+s.args[0]+")") {
		return fmt.Errorf("it does not say %s: %s", s.args[0], said.Bytes())
	}
	return nil
}

// held EUR
func (s *teller) held(bool) error {
	return s.sum("held for the buyer", "sum(held_cents) as bigint) from invoices where order_id = '"+s.id+"'")
}

// waiting EUR
func (s *teller) waiting(bool) error {
	return s.sum("waiting for a person", "coalesce(sum(left_cents), 0) as bigint) from bank_lines where left_cents > 0")
}

// sum holds a sum of cents against the amount that the story says.
func (s *teller) sum(what, statement string) error {
	want, err := cents(s.args[0])
	if err != nil {
		return err
	}
	got, err := number(context.Background(), s.database, "select cast("+statement)
	if err == nil && got != want {
		err = fmt.Errorf("%s: %s, not %s", what, money.EUR(got).Decimal(), s.args[0])
	}
	return err
}

// give EUR: a person finds out that the money that waits is for this order.
func (s *teller) give(bool) error {
	want, err := cents(s.args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d, err := openDB(ctx, s.database, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := demoPlatform(d, logger(io.Discard, false), nil)
	if err != nil {
		return err
	}
	return d.Write(ctx, func(tx *db.Tx) error {
		list, err := payments.Unallocated(ctx, tx, "", 100)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(l payments.BankLine) bool { return l.Cents == want })
		if i < 0 {
			return fmt.Errorf("no line of %s waits", s.args[0])
		}
		merchant, err := merchantOf(ctx, tx, s.id)
		if err != nil {
			return err
		}
		_, err = payments.Allocate(ctx, tx, p.Clerk, payments.Hand{Line: list[i].ID, Merchant: merchant, Order: s.id, Cents: want, By: "usr_clerk"})
		return err
	})
}

func merchantOf(ctx context.Context, tx *db.Tx, order string) (merchant string, err error) {
	err = tx.QueryRow(ctx, "select merchant_id from orders where id = $1", []any{order}, &merchant)
	return merchant, err
}

// remember every row of the database, once seals and mails have followed.
func (s *teller) remember(bool) (err error) {
	s.rows, err = s.settled()
	return err
}

// unchanged since then
func (s *teller) unchanged(bool) error {
	now, err := s.settled()
	for table, rows := range s.rows {
		if now[table] != rows {
			err = errors.Join(err, fmt.Errorf("table %s has changed: %s, now %s", table, rows, now[table]))
		}
	}
	return err
}

// settled waits until a running platform has done what is due and sealed what there is, and then reads the database.
func (s *teller) settled() (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d, err := openDB(ctx, s.database, db.Options{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	for ctx.Err() == nil {
		var due int64
		err := d.Read(ctx, func(tx *db.Tx) (err error) {
			due, _, err = jobs.Backlog(ctx, tx)
			return err
		})
		if err != nil {
			return nil, err
		}
		behind, err := number(ctx, s.database, "select count(*) from commits where not exists (select 1 from seals where seals.writer = commits.writer and seals.seq = commits.seq)")
		if err != nil {
			return nil, err
		}
		if behind == 0 && due == 0 {
			return contents(ctx, s.database)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, errors.New("seals or mails do not follow")
}
