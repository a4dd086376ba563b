package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/money"
	"achteraf/payments"
	"achteraf/providers/camt"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories tells each story of the folder stories on each engine, with the real program. A story is a
// script of package testscript with the words below.
func TestStories(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:      "../../stories",
				Setup:    func(e *testscript.Env) error { return begin(e, engine) },
				Commands: words,
			})
		})
	}
}

// words is what a story can say beside achteraf itself and the words of testscript.
var words = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"demo":      says((*teller).demo),      // demo [FLAGS]: start the demonstration; what it prints becomes $URL, $API_KEY, …
	"serve":     says((*teller).serve),     // serve FLAGS: start the platform for real use
	"stop":      says((*teller).stop),      // stop it, as Ctrl-C does
	"shop":      says((*teller).shop),      // shop KEY: speak as the shop with this API key
	"order":     says((*teller).order),     // [!] order FILE [FIELD=VALUE…] [-FIELD…]: place an order, with some fields changed or left out
	"again":     says((*teller).again),     // send the last request once more: the answer is the same to the byte
	"look":      says((*teller).look),      // [!] look: read the order as it now is
	"start":     says((*teller).act),       // [!] start, cancel, credit [EUR] [REASON]: what a shop does with its order
	"cancel":    says((*teller).act),       //
	"credit":    says((*teller).act),       //
	"edit":      says((*teller).edit),      // [!] edit FIELD=VALUE: try to change the order
	"want":      says((*teller).want),      // want FIELD VALUE: the last answer says so; none, some, day+3, 50.40, or a pattern
	"problem":   says((*teller).problem),   // problem STATUS CODE [PLACE…]: the last answer was this problem, about these places
	"clock":     says((*teller).clock),     // clock SPAN: move the demo's clock; all that falls due on the way happens
	"bankfile":  says((*teller).bankfile),  // bankfile [-02] [-iban IBAN] [-usd] FILE {EUR REFERENCE}…: the bank writes a statement
	"change":    says((*teller).change),    // change FILE OLD NEW: replace a text in a file
	"halve":     says((*teller).halve),     // halve FILE: lose the second half of a file
	"refused":   says((*teller).refused),   // refused CODE achteraf …: the command ends with status 1 and names this code
	"held":      says((*teller).held),      // held EUR: so much is held for the buyer of the order
	"waiting":   says((*teller).waiting),   // waiting EUR: so much has come in and waits for a person
	"person":    says((*teller).person),    // person gives EUR to the order: a person finds out whose money waits
	"remember":  says((*teller).remember),  // remember every row of the database
	"unchanged": says((*teller).unchanged), // nothing has changed since
}

// teller is what a story knows while it is told.
type teller struct {
	ts       *testscript.TestScript
	engine   string
	database string // address of this story's own database
	args     []string
	word     string

	process *process
	shopClient
	clockURL string
	iban     string // that buyers pay to

	keys    int
	last    answer
	request struct {
		method, path, key string
		body              []byte
	}
	id       string         // of the order
	merchant string         // of the demo's shop
	day      calendar.Date  // on which the order was placed
	bank     camt.Statement // the last
	lines    int
	rows     string // contents of the database
}

type tellerKey struct{}

func begin(e *testscript.Env, engine string) error {
	t, ok := e.T().(testing.TB)
	if !ok {
		return errors.New("a story needs a test")
	}
	s := &teller{engine: engine, database: emptyDatabase(t, engine, e.WorkDir)}
	s.shopClient.http = &http.Client{}
	e.Values[tellerKey{}] = s
	e.Setenv("DATABASE", s.database)
	e.Defer(func() {
		if s.process != nil {
			s.process.kill()
		}
	})
	return nil
}

// says makes a word of a story. A word that ends in an error ends the story.
func says(f func(s *teller, neg bool) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		s := ts.Value(tellerKey{}).(*teller)
		s.ts, s.args = ts, args
		if err := f(s, neg); err != nil {
			ts.Fatalf("%v", err)
		}
	}
}

func (s *teller) env() []string {
	var all []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "WORK"} {
		all = append(all, name+"="+s.ts.Getenv(name))
	}
	return all
}

func (s *teller) demo(bool) error {
	args := s.args
	if s.engine == "postgres" && len(args) == 0 {
		args = []string{"--database-url", s.database}
	}
	p, line, err := startDemo(s.env(), s.ts.Getenv("WORK"), args...)
	if err != nil {
		return err
	}
	s.process, s.url, s.key, s.clockURL, s.iban, s.merchant = p, line.URL, line.APIKey, line.ClockURL, line.IBAN, line.MerchantID
	s.database = line.DatabaseURL
	for name, value := range map[string]string{"URL": line.URL, "API_KEY": line.APIKey, "MERCHANT_ID": line.MerchantID,
		"CLOCK_URL": line.ClockURL, "IBAN": line.IBAN, "DATABASE_URL": line.DatabaseURL} {
		s.ts.Setenv(name, value)
	}
	return nil
}

func (s *teller) serve(bool) error {
	p, url, err := startServe(s.env(), s.ts.Getenv("WORK"), s.args...)
	if err != nil {
		return err
	}
	s.process, s.url = p, url
	s.ts.Setenv("URL", url)
	return nil
}

func (s *teller) stop(bool) error {
	err := s.process.stop()
	s.process = nil
	return err
}

func (s *teller) shop(bool) error {
	s.key = strings.TrimSpace(s.args[0])
	return nil
}

// send sends a request of the shop and expects it to work, or not.
func (s *teller) send(fails bool, method, path, key string, body []byte) (err error) {
	s.request.method, s.request.path, s.request.key, s.request.body = method, path, key, body
	if s.last, err = s.ask(context.Background(), method, path, key, body); err != nil {
		return err
	}
	fmt.Fprintf(s.ts.Stdout(), "%s\n", s.last.text)
	if failed := s.last.status >= 400; failed != fails {
		return fmt.Errorf("%s %s: %d %s", method, path, s.last.status, s.last.text)
	}
	return nil
}

func (s *teller) nextKey() string {
	s.keys++
	return fmt.Sprintf("story-%d", s.keys)
}

func (s *teller) order(fails bool) error {
	var body any
	if err := json.Unmarshal([]byte(s.ts.ReadFile(s.args[0])), &body); err != nil {
		return err
	}
	for _, change := range s.args[1:] {
		if err := changeField(body, change); err != nil {
			return err
		}
	}
	text := []byte(s.ts.ReadFile(s.args[0])) // as printed, unless something is changed
	if len(s.args) > 1 {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	if err := s.send(fails, "POST", "/v1/orders", s.nextKey(), text); err != nil || fails {
		return err
	}
	if id := s.field("id"); strings.HasPrefix(id, "ord_") {
		s.id = id
		s.ts.Setenv("ORDER", id)
		s.ts.Setenv("REFERENCE", s.field("payment_reference"))
		day, err := calendar.ParseDate(s.field("placed_on"))
		s.day = day
		return err
	}
	return nil
}

// changeField sets FIELD=VALUE or removes -FIELD; a value that is JSON is taken as such.
func changeField(doc any, change string) error {
	name, text, set := strings.Cut(change, "=")
	steps := strings.Split(strings.TrimPrefix(name, "-"), ".")
	for _, step := range steps[:len(steps)-1] {
		switch d := doc.(type) {
		case map[string]any:
			doc = d[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(d) {
				return fmt.Errorf("%s: no such place", change)
			}
			doc = d[i]
		}
	}
	in, ok := doc.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: no such place", change)
	}
	last := steps[len(steps)-1]
	if !set {
		delete(in, last)
		return nil
	}
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		value = text
	}
	in[last] = value
	return nil
}

func (s *teller) again(bool) error {
	before, r := s.last, s.request
	if err := s.send(before.status >= 400, r.method, r.path, r.key, r.body); err != nil {
		return err
	}
	if s.last.status != before.status || !bytes.Equal(s.last.text, before.text) || !s.last.replayed {
		return fmt.Errorf("the second answer differs: %d %s", s.last.status, s.last.text)
	}
	return nil
}

func (s *teller) look(fails bool) error {
	return s.send(fails, "GET", "/v1/orders/"+s.id, "", nil)
}

func (s *teller) act(fails bool) error {
	return errors.New("not reached")
}

// verb makes the word of a shop's act.
func verb(name string) func(s *teller, fails bool) error {
	return func(s *teller, fails bool) error {
		path, body := "/v1/orders/"+s.id+"/"+name, "{}"
		if name == "credit" {
			path += "s"
			var err error
			if body, err = creditBody(s.args); err != nil {
				return err
			}
		}
		return s.send(fails, "POST", path, s.nextKey(), []byte(body))
	}
}

// creditBody is the message of: credit [EUR] [REASON].
func creditBody(args []string) (string, error) {
	m := map[string]any{}
	if len(args) > 0 {
		cents, err := centsOf(args[0])
		if err != nil {
			return "", err
		}
		m["amount_cents"] = cents
	}
	if len(args) > 1 {
		m["reason"] = args[1]
	}
	text, err := json.Marshal(m)
	return string(text), err
}

func (s *teller) edit(fails bool) error {
	body := map[string]any{}
	for _, change := range s.args {
		if err := changeField(body, change); err != nil {
			return err
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return s.send(fails, "PATCH", "/v1/orders/"+s.id, s.nextKey(), text)
}

func centsOf(text string) (int64, error) {
	a, err := money.Parse(text, "EUR")
	return a.Cents, err
}
