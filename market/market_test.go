package market

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/ledger"
	"achteraf/merchants"
	"achteraf/platform"
)

// A world of these tests: long enough for invoices to become overdue, short enough for many worlds. The first
// worlds are lived in any case, the others as long as there is time.
const (
	days, orders       = 40, 120
	leastWorlds        = 3
	leastOnBothEngines = 2
	bothEngines        = 3 // then every third world
)

// TestSameSeedSameLog_IDEA_06 lives worlds on SQLite, and some of them on PostgreSQL too. Every invariant is
// checked in the evening of each day, and a seed gives the same event log on both engines.
// ACHTERAF_TEST_SECONDS says for how long; worlds run side by side.
func TestSameSeedSameLog_IDEA_06(t *testing.T) {
	deadline := time.Now().Add(seconds(t) * 8 / 10)
	var all tally
	var next atomic.Uint64
	var lived sync.WaitGroup
	for range 3 {
		lived.Go(func() {
			for !t.Failed() {
				seed := next.Add(1)
				if seed > leastWorlds && time.Now().After(deadline) {
					return
				}
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { all.live(t, seed) })
			}
		})
	}
	lived.Wait()
	if t.Failed() {
		return
	}
	t.Logf("volume: %d worlds, %d of them on both engines: %.1f simulated years, %d orders, %d payments in %d files, %d by bank button, %d mails, %d sign-ins, %d restarts, every invariant checked %d times",
		all.worlds, all.both, float64(all.days)/365, all.orders, all.payments, all.files, all.buttons, all.mails, all.signIns, all.restarts, all.checks)
	all.wantVariety(t)
}

// TestCrowd_IDEA_06: a night with more issues than one slice takes gives one log on both engines too.
func TestCrowd_IDEA_06(t *testing.T) {
	crowd := func(url string) Report {
		c := config(7, url)
		c.Days, c.Orders = 5, 2000
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatalf("%v\nreplay: achteraf simulate --seed %d --days %d --orders %d", err, c.Seed, c.Days, c.Orders)
		}
		return r
	}
	url := sqlite(t)
	lite, pg := crowd(url), crowd(dbtest.New(t, "postgres").URL)
	if n := mostIssued(t, url); n <= invoices.SliceSize {
		t.Errorf("%d issues at a time are no crowd", n)
	}
	if lite.Engine = pg.Engine; !reflect.DeepEqual(pg, lite) {
		t.Errorf("SQLite gives %+v and PostgreSQL %+v", lite, pg)
	}
}

// mostIssued is how many invoices were issued at one moment of a world that was lived.
func mostIssued(t *testing.T, url string) (n int64) {
	t.Helper()
	d, err := db.Open(t.Context(), url, db.Options{Wall: dbtest.NewClock().Now, Random: dbtest.Chance(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from events where kind = 'invoice.issued' group by at order by count(*) desc limit 1`, nil, &n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tally counts what happened in all worlds.
type tally struct {
	mu                                                            sync.Mutex
	worlds, both, days, orders, payments, files, restarts, checks int
	buttons, mails, signIns                                       int
	behaviours                                                    map[string]int
	hashes                                                        map[string]uint64
}

// live lives the world of a seed on SQLite, and where it is its turn on PostgreSQL.
func (a *tally) live(t *testing.T, seed uint64) {
	lite, err := Run(t.Context(), config(seed, sqlite(t)))
	if err != nil {
		t.Fatalf("%v\nreplay: achteraf simulate --seed %d --days %d --orders %d", err, seed, days, orders)
	}
	a.add(t, lite, false)
	if seed > leastOnBothEngines && seed%bothEngines != 0 {
		return
	}
	pg, err := Run(t.Context(), config(seed, dbtest.New(t, "postgres").URL))
	lite.Engine = pg.Engine // all else is the same, and first of all the hash of the event log
	if err == nil && !reflect.DeepEqual(pg, lite) {
		err = fmt.Errorf("SQLite gives %+v and PostgreSQL %+v", lite, pg)
	}
	if err != nil {
		t.Fatalf("on PostgreSQL: %v", err)
	}
	a.add(t, pg, true)
}

func (a *tally) add(t *testing.T, r Report, again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if again {
		a.both++
	} else {
		a.worlds++
		if other, ok := a.hashes[r.Hash]; ok {
			t.Errorf("seeds %d and %d give the same log", other, r.Seed)
		}
	}
	if a.hashes == nil {
		a.hashes, a.behaviours = map[string]uint64{}, map[string]int{}
	}
	a.hashes[r.Hash] = r.Seed
	a.days += r.Days
	a.orders += r.Orders
	a.payments += r.Payments
	a.files += r.Files
	a.restarts += r.Restarts
	a.checks += r.Checks
	a.buttons += r.Buttons
	a.mails += r.Mails
	a.signIns += r.SignIns
	for what, n := range r.Behaviours {
		a.behaviours[what] += n
	}
}

// wantVariety wants that everything that people of the world can do was done.
func (a *tally) wantVariety(t *testing.T) {
	want := []string{"at the bank: " + cancels, "at the bank: " + fails, "at the bank: " + leaves, "at the bank: " + pays, "at the bank: " + tooLate, "bank button out of order", "booked by its webhook alone",
		"did not come back from the bank", "mail: answer lost", "mail: connection lost before", "mail: later, please", "mail: nobody answers", "mail: refused", "mail: slow",
		"paid out", "pressed from the mail", "pressed without a mail", "provider breaks down", "sign-in mail did not come in time", "webhook without news",
		"webhooks: 0", "webhooks: 1", "webhooks: 2", "webhooks: 3", "asked again", "cancelled", "credited", "matched by hand", "same file twice", "started by the shop", "tried in vain", "yesterday's file again", "host asleep", "forgotten by the shop"}
	for _, how := range entries {
		want = append(want, "signs in "+how)
	}
	for _, how := range askings {
		want = append(want, "asks for an invoice "+how)
	}
	for _, h := range habits {
		want = append(want, "pays "+h)
	}
	for _, what := range want {
		if a.behaviours[what] == 0 {
			t.Errorf("in all worlds there was no %q", what)
		}
	}
	if a.restarts == 0 {
		t.Error("the platform was never restarted")
	}
}

// TestTwiceTheSame lives one world twice: nothing in it depends on anything but its seed.
func TestTwiceTheSame(t *testing.T) {
	var hash [2]string
	for i := range hash {
		r, err := Run(t.Context(), Config{Seed: 99, Days: 12, Orders: 40, Open: opener(sqlite(t))})
		if err != nil {
			t.Fatal(err)
		}
		hash[i] = r.Hash
	}
	if hash[0] != hash[1] {
		t.Fatalf("one seed gave %s and %s", hash[0], hash[1])
	}
}

// TestOlderShops lives worlds in which shops order over the older wire, two of three and all of them.
func TestOlderShops_S_PAY_12(t *testing.T) {
	done := map[string]int{}
	for older := range 2 {
		t.Run(fmt.Sprint(2+older), func(t *testing.T) {
			c := config(uint64(7+older), sqlite(t))
			c.Older = 2 + older
			r, err := Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for what, n := range r.Behaviours {
				done[what] += n
			}
		})
	}
	for _, what := range []string{"asked again", "started by the shop", "forgotten by the shop", "tried in vain", "host asleep"} {
		if done[what] == 0 {
			t.Errorf("there was no %q", what)
		}
	}
}

// TestEitherWire: one seed gives one event log, whichever wire the shops order over. The attempts of the older wire that an
// order follows shift the ids; so an id counts as the how many-th of its kind it is.
func TestEitherWire_S_PAY_12(t *testing.T) {
	var logs [2][]string
	for i := range logs {
		c := Config{Seed: 5, Days: 40, Orders: 120, Open: opener(sqlite(t)), Older: 3 * i, startsLate: true}
		w, err := found(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for day := range c.Days {
			if err := w.live(t.Context(), day); err != nil {
				t.Fatal(err)
			}
		}
		logs[i] = w.story(t)
		if w.report.Refused == 0 || w.report.Behaviours["started by the shop"] == 0 {
			t.Errorf("too little happened: %+v", w.report)
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
	}
	for i, line := range logs[0] {
		if i >= len(logs[1]) || logs[1][i] != line {
			t.Fatalf("event %d of %d and %d: %s on /v1, else %v", i, len(logs[0]), len(logs[1]), line, logs[1][min(i, len(logs[1])):min(i+1, len(logs[1]))])
		}
	}
	if len(logs[0]) != len(logs[1]) {
		t.Errorf("%d events on /v1, %d on the older wire", len(logs[0]), len(logs[1]))
	}
}

var idForm = regexp.MustCompile(`\b[a-z]{2,4}_[0-9a-z]{20}\b`)

// story is the event log, each id replaced by its place among those of its kind.
func (w *World) story(t *testing.T) (lines []string) {
	t.Helper()
	places, counts := map[string]string{}, map[string]int{}
	plain := func(id string) string {
		if places[id] == "" {
			kind, _, _ := strings.Cut(id, "_")
			counts[kind]++
			places[id] = fmt.Sprint(kind, " ", counts[kind])
		}
		return places[id]
	}
	err := w.p.DB.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Each(t.Context(), `select merchant_id, kind, subject, at, data from events order by id`, nil, func(r db.Row) error {
			var merchant, kind, subject, data string
			var at calendar.Instant
			if err := r.Scan(&merchant, &kind, &subject, &at, &data); err != nil {
				return err
			}
			lines = append(lines, idForm.ReplaceAllStringFunc(fmt.Sprint(at, " ", merchant, " ", kind, " ", subject, " ", data), plain))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// bugs are defects as a platform could have them, each as what it would do to the rows behind our back. The check
// of the day must name it.
var bugs = []struct{ name, sql, want string }{
	{"an invoice gains a cent", `update invoices set total_cents = total_cents + 1, open_cents = open_cents + 1 where id = (select min(id) from invoices where status = 'open')`, "verify: "},
	{"a cent paid is open again", `update invoices set open_cents = open_cents + 1, paid_cents = paid_cents - 1 where id = (select min(id) from invoices where paid_cents > 0)`, "invoice-journal"},
	{"an allocation is lost", `delete from allocations where id = (select min(id) from allocations)`, "bank-lines"},
	{"an allocation goes to the wrong order", `update allocations set cents = cents + 1 where id = (select max(id) from allocations)`, "bank-lines"},
	{"a buyer's open amount is forgotten", `update handles set open_cents = 0 where open_cents > 0 and kind = 'email'`, "handles"},
	{"a buyer's open amount is a cent low", `update handles set open_cents = open_cents - 1 where hash = (select min(hash) from handles where open_cents > 0)`, "handles"},
	{"a posting is changed", `update postings set cents = cents + 1 where leg = 0 and writer = (select min(writer) from postings) and seq = (select min(seq) from postings)`, "entries"},
	{"an entry moves between shops", `update postings set merchant_id = (select max(id) from merchants) where code = 'merchant/pending' and merchant_id <> (select max(id) from merchants)`, "verify: "},
	{"a number is skipped", `update series set last = last + 1 where id = (select min(id) from series)`, "numbers"},
	{"a number is given twice", `update invoices set number = (select min(number) from invoices) || '0' where id = (select max(id) from invoices where number is not null)`, "numbers"},
	{"a credit note is lost", `delete from credits where number is not null`, "numbers"},
	{"held money is forgotten", `update invoices set held_cents = 0 where held_cents > 0`, "buyer-credit"},
	{"a bank line is changed", `update bank_lines set cents = cents + 1, left_cents = left_cents + 1 where id = (select min(id) from bank_lines)`, "bank-lines"},
	{"a checkpoint is cut off", `delete from checkpoints where size = (select max(size) from checkpoints)`, "checkpoints"},
	{"a line of an order is lost", `delete from order_lines where order_id = (select min(id) from orders) and line_no = 2`, "order-lines"},
	{"an order is lost", `delete from orders where id = (select max(id) from orders)`, "verify: "},
	{"an order is cancelled behind the shop's back", `update orders set state = 'cancelled' where id = (select min(order_id) from invoices where status = 'open')`, "handles"},
	{"a decision is not kept", `delete from decisions where id = (select min(id) from decisions)`, "attempts"},
	{"an overdue invoice is not marked", `update invoices set overdue = false where status = 'open' and overdue`, "overdue"},
	{"a block comes from nowhere", `insert into blocks (kind, hash, key_id, reason, set_by, set_at) select kind, hash, key_id, 'fraud', 'usr_1', 0 from handles where kind = 'who' limit 1`, "blocks"},
	{"a job fails for good", `insert into due_failed (id, kind, merchant_id, subject, due_at, failed_at, attempts, reason) select 'due_1', 'x', 'm', 's', made_at, made_at, 8, 'x' from invoices where id = (select min(id) from invoices)`, "jobs that failed"},
}

// TestAlarm plants each bug in a copy of a world that has lived for a month.
func TestAlarm(t *testing.T) {
	const until = 30
	home := sqlite(t)
	w, err := found(t.Context(), config(5, home))
	if err != nil {
		t.Fatal(err)
	}
	for day := range until {
		if err := w.live(t.Context(), day); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	for _, b := range slices.Concat(bugs, bugsOutside) {
		t.Run(b.name, func(t *testing.T) {
			twin := w.twin(t, home)
			if err := twin.check(t.Context(), until-1); err != nil {
				t.Fatalf("before the bug: %v", err)
			}
			twin.plant(t, b.sql)
			err := twin.check(t.Context(), until-1)
			if err == nil || !strings.Contains(err.Error(), b.want) {
				t.Fatalf("the check of the day says %v, not %q", err, b.want)
			}
		})
	}
}

// bad are defects that act while the world goes on, as triggers; it takes as long as it takes until they bite.
var bad = []struct{ name, sql, want string }{
	{"each payment leaves a cent open", `create trigger bug after insert on allocations when new.to_account = 'principal' begin
		update invoices set open_cents = open_cents + 1, paid_cents = paid_cents - 1 where id = new.invoice_id; end`, "invoice-journal"},
	{"invoices are not issued", `create trigger bug after insert on due when new.kind = 'invoice.issue' begin update due set due_at = due_at + 2592000000000 where id = new.id; end`, errModel.Error()},
	{"an invoice's day is lost", `create trigger bug after insert on due when new.kind = 'invoice.issue' begin delete from due where id = new.id; end`, "next-steps"},
	{"invoices are not mailed", `create trigger bug after insert on due when new.kind = 'invoice.issued' begin delete from due where id = new.id; end`, "mailed"},
	{"orders do not lapse", `create trigger bug after insert on due when new.kind = 'order.lapse' begin update due set due_at = due_at + 2592000000000 where id = new.id; end`, errModel.Error()},
	{"overdue invoices are not noticed", `create trigger bug after insert on due when new.kind = 'invoice.overdue' begin update due set due_at = due_at + 2592000000000 where id = new.id; end`, "overdue"},
	{"what a buyer owes is not counted", `create trigger bug after update of open_cents on handles when new.open_cents > old.open_cents begin
		update handles set open_cents = old.open_cents where kind = new.kind and hash = new.hash; end`, "handles"},
	{"blocks block nobody", `create trigger bug after insert on blocks begin update blocks set hash = randomblob(16) where kind = new.kind and hash = new.hash; end`, "blocked"},
	{"bank lines are booked twice", `create trigger bug after insert on bank_lines begin
		update bank_lines set line_hash = randomblob(32) where id = new.id; end`, "bank-accounts"},
}

// TestAlarmWhileItGoesOn lets the platform be wrong from the first day on. The check of a day must notice.
func TestAlarmWhileItGoesOn(t *testing.T) {
	for _, b := range slices.Concat(bad, badOutside) {
		t.Run(b.name, func(t *testing.T) {
			c := config(1, sqlite(t))
			w, err := found(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { w.close() }()
			w.plant(t, b.sql)
			for day := 0; err == nil && day < days; day++ {
				err = w.live(t.Context(), day)
			}
			if err == nil || !strings.Contains(err.Error(), b.want) {
				t.Fatalf("in %d days nobody noticed, but: %v", days, err)
			}
			t.Logf("noticed: %v", err)
		})
	}
}

// twin is the same world on a copy of its database.
func (w *World) twin(t *testing.T, home string) *World {
	t.Helper()
	data, err := os.ReadFile(strings.TrimPrefix(home, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	copied := sqlite(t)
	if err := os.WriteFile(strings.TrimPrefix(copied, "sqlite:"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	twin := *w
	twin.c.Open = opener(copied)
	if err := twin.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { twin.close() })
	return &twin
}

func (w *World) plant(t *testing.T, sql string) {
	t.Helper()
	err := w.p.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), sql)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func config(seed uint64, url string) Config {
	return Config{Seed: seed, Days: days, Orders: orders, Open: opener(url)}
}

// sqlite is the address of a new database with tables. It is in memory where the machine can do that: these tests
// are about what is written, not about whether a power cut keeps it.
func sqlite(t *testing.T) string {
	t.Helper()
	from := strings.TrimPrefix(dbtest.New(t, "sqlite").URL, "sqlite:")
	dir, err := os.MkdirTemp("/dev/shm", "achteraf-market-")
	if err != nil {
		return "sqlite:" + from
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	to := filepath.Join(dir, "achteraf.db")
	data, err := os.ReadFile(from)
	if err := errors.Join(err, os.WriteFile(to, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + to
}

// opener builds a platform with an invented operator on a database.
func opener(url string) func(context.Context, Outside) (*platform.Platform, func() error, error) {
	runs := uint64(0)
	return func(ctx context.Context, out Outside) (*platform.Platform, func() error, error) {
		runs++
		d, err := db.Open(ctx, url, db.Options{Wall: out.Wall, Random: out.Random, Process: dbtest.Chance(runs), CacheMiB: 8})
		if err != nil {
			return nil, nil, err
		}
		v, err1 := vault.Parse(keysOf(runs))
		secret, err2 := ledger.GenerateKey(dbtest.Chance(1), "achteraf/market/log")
		key, err3 := ledger.ReadKey(secret)
		if err := cmp.Or(err1, err2, err3); err != nil {
			return nil, nil, errors.Join(err, d.Close())
		}
		p, err := platform.New(platform.Config{DB: d, Vault: v, LogKey: key, Random: out.Random, Log: slog.New(slog.DiscardHandler),
			Mailer: out.Mailer, MailDomain: out.MailDomain, PSP: out.PSP, PublicURL: out.PublicURL,
			Operator: merchants.Operator{Name: "Markt", LegalName: "Markt Voorbeeld B.V.", Country: "NL", VATPercent: "21", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002"}})
		return p, d.Close, err
	}
}

// keysOf is the key file of a platform that was opened so many times: another master key seals from the second time on.
func keysOf(run uint64) []byte {
	first, second := "market AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "market-2 qLsS8nTWTZ2Iu9nUuC5uXEpQb4xTn0m3Gv7Wc1dYh9E=\n"
	if run > 1 {
		first, second = second, first
	}
	return []byte(first + second)
}

// seconds is how long the tests of this package may take in all, from ACHTERAF_TEST_SECONDS; 0 when it is not set.
func seconds(t *testing.T) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("ACHTERAF_TEST_SECONDS"), "0"))
	if err != nil {
		t.Fatal("ACHTERAF_TEST_SECONDS is not a number")
	}
	return time.Duration(n) * time.Second
}
