package main

import (
	"errors"
	"net/http"
	"testing"

	"achteraf/calendar"
	"achteraf/providers/camt"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories tells each story of the folder stories on each engine, with the real program. A story is a
// script of package testscript in the words below.
func TestStories(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:                "../../stories",
				Setup:              func(e *testscript.Env) error { return begin(e, engine) },
				Cmds:               words(),
				RequireUniqueNames: true,
			})
		})
	}
}

// words is what a story can say beside achteraf itself and the words of testscript; stories/README.md explains
// them. A word that may be denied with ! then wants the platform to refuse.
func words() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"demo":      says((*teller).demo),
		"serve":     says((*teller).serve),
		"shutdown":  says((*teller).shutdown),
		"shop":      says((*teller).shop),
		"keep":      says((*teller).keep),
		"order":     says((*teller).order),
		"checkout":  says((*teller).checkout),
		"fill":      says((*teller).fill),
		"leave":     says((*teller).leave),
		"till":      says((*teller).till),
		"again":     says((*teller).again),
		"look":      says((*teller).look),
		"start":     says(verb("start")),
		"cancel":    says(verb("cancel")),
		"credit":    says((*teller).credit),
		"hold":      says((*teller).hold),
		"resume":    says(verb("resume")),
		"paid":      says((*teller).paid),
		"write":     says((*teller).writeTo),
		"history":   says((*teller).history),
		"edit":      says((*teller).edit),
		"want":      says((*teller).want),
		"problem":   says((*teller).problem),
		"clock":     says((*teller).clock),
		"mail":      says((*teller).mail),
		"letter":    says((*teller).letter),
		"queued":    says((*teller).queued),
		"browser":   says((*teller).browser),
		"page":      says((*teller).page),
		"press":     says((*teller).press),
		"see":       says((*teller).see),
		"linger":    says((*teller).linger),
		"webhook":   says((*teller).webhook),
		"payout":    says((*teller).payout),
		"owed":      says((*teller).owed),
		"bankfile":  says((*teller).bankfile),
		"change":    says((*teller).change),
		"halve":     says((*teller).halve),
		"refused":   says((*teller).refused),
		"held":      says((*teller).held),
		"waiting":   says((*teller).waiting),
		"give":      says((*teller).give),
		"remember":  says((*teller).remember),
		"unchanged": says((*teller).unchanged),
	}
}

// teller is what a story knows while it is told.
type teller struct {
	ts   *testscript.TestScript
	args []string

	engine   string
	database string // address of the story's own database
	process  *process
	shopClient
	clockURL   string
	mailboxURL string
	iban       string // that buyers pay to

	keys     int // idempotency keys used
	request  request
	last     answer
	id       string        // of the order
	offer    opened        // the checkout that was opened last
	day      calendar.Date // on which the order was placed
	bank     camt.Statement
	lines    int // that the bank has written
	browsers map[string]*browser
	uses     *browser
	read     map[string]bool // mails
	hooks    string          // where the payment provider says that it has news

	rows map[string]string // the contents of the database that are remembered, by table
}

// request is the last one sent.
type request struct {
	method, path, key string
	body              []byte
}

type tellerKey struct{}

func begin(e *testscript.Env, engine string) error {
	t, ok := e.T().(testing.TB)
	if !ok {
		return errors.New("a story needs a test")
	}
	mine, err := newBrowser("nl")
	if err != nil {
		return err
	}
	s := &teller{engine: engine, database: emptyDatabase(t, engine, e.WorkDir), uses: mine, browsers: map[string]*browser{}, read: map[string]bool{}}
	s.http = &http.Client{}
	e.Values[tellerKey{}] = s
	e.Setenv("DATABASE_URL", s.database)
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

// env is the environment that processes of the story get.
func (s *teller) env() []string {
	var all []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		all = append(all, name+"="+s.ts.Getenv(name))
	}
	return all
}
