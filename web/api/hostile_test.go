package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"achteraf/internal/db/dbtest"

	"github.com/jackc/pgx/v5"
)

// replaced returns a message once for each of its members, with that member's value replaced.
func replaced(t testing.TB, message, with string) []string {
	t.Helper()
	var whole any
	must(t, json.Unmarshal([]byte(message), &whole))
	const here = "\x01here\x01"
	var out []string
	var walk func(v any, set func(any))
	walk = func(v any, set func(any)) {
		set(here)
		text, err := json.Marshal(whole)
		must(t, err)
		out = append(out, strings.Replace(string(text), `"\u0001here\u0001"`, with, 1))
		set(v)
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(v[name], func(x any) { v[name] = x })
			}
		case []any:
			for i := range v {
				walk(v[i], func(x any) { v[i] = x })
			}
		}
	}
	walk(whole, func(x any) { whole = x })
	return out
}

// foe makes messages from the document: mostly right, and then not.
type foe struct {
	*rand.Rand
	c *contract
}

func pick[T any](f *foe, list ...T) T { return list[f.IntN(len(list))] }

// words are what has broken programs before.
var words = []string{"", " ", "0", "-1", "null", "true", "1001", "\x00", "a\x00b", "\u202e", "\ufeff", "\ufffd", "é", "👩‍👩‍👧", "' or 1=1 --", "${jndi:ldap://x}",
	"../../etc/passwd", "%00", "<script>", "{{.}}", "a\nb", "\u2028", "NaN", "Infinity", "1e400", "9223372036854775808", "-0", "0x10", "1_000", "٣", "İ", "ß",
	"2026-02-30", "0000-01-01", "9999-12-31", "2026-11-22T10:00:00Z", "9999-12-31T23:59:60Z", "nl", "NL", "EUR", "goods", "consumer", "company", "21", "0.0001"}

func (f *foe) word() string {
	switch f.IntN(8) {
	case 0:
		return strings.Repeat(pick(f, "x", "é", "9", " ", "\\"), f.IntN(300))
	case 1:
		b := make([]byte, f.IntN(12))
		for i := range b {
			b[i] = byte(f.Uint32())
		}
		return string(b)
	}
	return pick(f, words...)
}

func (f *foe) number() string {
	return pick(f, "0", "1", "-1", "5040", "10000000000", "10000000001", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1.0", "1e2", "-0", "01", "1e-400", "0.1",
		strconv.Itoa(f.IntN(20000)))
}

// wild is any value at all.
func (f *foe) wild(depth int) string {
	switch f.IntN(9) {
	case 0:
		return f.number()
	case 1:
		return pick(f, "true", "false", "null", "NaN", "undefined", "'x'", "")
	case 2:
		if depth > 3 {
			return "[]"
		}
		return "[" + f.wild(depth+1) + "," + f.wild(depth+1) + "]"
	case 3:
		if depth > 3 {
			return "{}"
		}
		return "{" + quoted(f.word()) + ":" + f.wild(depth+1) + "}"
	case 4:
		n := f.IntN(40)
		return strings.Repeat("[", n) + strings.Repeat("]", n)
	}
	return quoted(f.word())
}

// quoted is a JSON string of any bytes; what is no UTF-8 stays as it is.
func quoted(s string) string {
	if !utf8.ValidString(s) {
		return `"` + strings.NewReplacer(`"`, "", `\`, "").Replace(s) + `"`
	}
	text, _ := json.Marshal(s)
	return string(text)
}

// value makes a value for a schema, wrong now and then.
func (f *foe) value(s map[string]any, name string, wrongness int) string {
	s = f.c.resolve(s)
	if f.IntN(1000) < wrongness {
		return f.wild(0)
	}
	if one, ok := s["oneOf"].([]any); ok {
		return f.value(pick(f, one...).(map[string]any), name, wrongness)
	}
	if enum, ok := s["enum"].([]any); ok {
		text, _ := json.Marshal(pick(f, enum...))
		return string(text)
	}
	switch typesOf(s)[0] {
	case "object":
		return f.object(s, wrongness)
	case "array":
		var items []string
		for range pick(f, 0, 1, 1, 1, 2, 3) {
			items = append(items, f.value(s["items"].(map[string]any), name, wrongness))
		}
		return "[" + strings.Join(items, ",") + "]"
	case "integer":
		return pick(f, "1", "5040", "5040", f.number())
	}
	return quoted(f.likely(name))
}

// likely is what a text of this name often is.
func (f *foe) likely(name string) string {
	usual := map[string]string{"email": "h" + strconv.Itoa(f.IntN(50)) + "@example.org", "phone": "+31612345678", "ip": "203.0.113.7", "birth_date": "1990-05-01",
		"house_number": "1", "house_number_suffix": "A", "postcode": "1234 AB", "country": "NL", "city": "Voorbeeld", "street": "Dorpsstraat", "vat_percent": "21",
		"registration_number": "12345678", "vat_id": "NL004495445B01", "at": "2026-11-22T09:00:00Z", "reference": "h" + strconv.Itoa(f.IntN(5000)), "reason": "return", "quantity": "1"}
	if v, ok := usual[name]; ok && f.IntN(20) > 0 {
		return v
	}
	return pick(f, f.word(), "Hostile")
}

func (f *foe) object(s map[string]any, wrongness int) string {
	properties, _ := s["properties"].(map[string]any)
	required := namesOf(s["required"])
	var members []string
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !slices.Contains(required, name) && f.IntN(3) == 0 || f.IntN(1000) < wrongness {
			continue
		}
		members = append(members, quoted(name)+":"+f.value(properties[name].(map[string]any), name, wrongness))
	}
	if f.IntN(1000) < wrongness {
		members = append(members, quoted(f.word())+":"+f.wild(0))
	}
	if len(members) > 0 && f.IntN(1000) < wrongness {
		members = append(members, pick(f, members...))
	}
	f.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

// ask makes a request to an operation of the document.
func (f *foe) ask(c call, w *world, ids []string, n int) asked {
	q := asked{method: c.method, key: w.key, idempotency: fmt.Sprintf("h%d", n), kind: "application/json"}
	q.path = strings.Replace(c.path, "{id}", pick(f, append(ids, f.word())...), 1)
	wrongness := pick(f, 0, 5, 30, 200)
	if s, ok := at(c.operation, "requestBody", "content", "application/json", "schema").(map[string]any); ok {
		q.body = f.value(s, "", wrongness)
	}
	if q.path == "/v1/orders" && c.method == http.MethodPost && f.IntN(2) == 0 {
		q.body = strings.NewReplacer("1001", fmt.Sprintf("g%d", n), "sanne@", fmt.Sprintf("s%d@", f.IntN(500)), `"phone":"+31612345678",`, "",
			"de Vries", pick(f, "Bakker", "Visser", "Smit")).Replace(exampleOrder)
		if f.IntN(2) == 0 {
			q.body = pick(f, replaced(w.t, q.body, f.wild(0))...)
		}
	}
	if list, ok := c.operation["parameters"].([]any); ok && c.method == http.MethodGet && f.IntN(2) == 0 {
		p := pick(f, list...)
		if at(p, "in") == "query" {
			q.path += "?" + at(p, "name").(string) + "=" + pick(f, "1", "25", "%00", "%ff", strings.Map(printable, f.word()))
		}
	}
	if f.IntN(1000) < wrongness {
		switch f.IntN(6) {
		case 0:
			q.key = pick(f, w.rival, w.readOnly, "", strings.Map(header, f.word()))
		case 1:
			q.idempotency = strings.Map(header, f.word())
		case 2:
			q.kind = strings.Map(header, f.word())
		case 3:
			q.method = pick(f, "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW")
		case 4:
			q.body = q.body[:f.IntN(len(q.body)+1)]
		case 5:
			q.idempotency = fmt.Sprintf("h%d", f.IntN(n+1))
		}
	}
	return q
}

func printable(r rune) rune {
	if r <= ' ' || r == '#' || r > '~' {
		return -1
	}
	return r
}

func header(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// watcher notices every change of the database, beside the handle that makes it.
type watcher struct {
	t      testing.TB
	look   func() string
	leased func() string // the block of payment references, which is leased whatever becomes of an order
	every  int           // requests between two looks
	last   string
	lease  string
	effect bool
	asked  int
	looks  int
	seen   int
}

func newWatcher(t testing.TB, w *world) *watcher {
	t.Helper()
	v := &watcher{t: t, every: 1}
	const leased = "select next from payment_references"
	if w.place.Engine == "sqlite" {
		d, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(w.place.URL, "sqlite:")+"?mode=ro")
		must(t, err)
		d.SetMaxOpenConns(1) // data_version is a connection's own
		t.Cleanup(func() { d.Close() })
		ask := func(query string) (out string) { must(t, d.QueryRow(query).Scan(&out)); return out }
		v.look = func() string { return ask("pragma data_version") }
		v.leased = func() string { return ask(leased) }
	} else {
		c, err := pgx.Connect(t.Context(), w.place.URL)
		must(t, err)
		t.Cleanup(func() { c.Close(context.Background()) })
		var parts []string
		for _, name := range tableNames(t) {
			parts = append(parts, "select sum(hashtextextended(x::text, 0)) as h from "+name+" x")
		}
		ask := func(query string) (out string) { must(t, c.QueryRow(t.Context(), query).Scan(&out)); return out }
		v.look = func() string {
			return ask("select md5(string_agg(h::text, ',')) from (" + strings.Join(parts, " union all ") + ") s")
		}
		v.leased = func() string { return ask("select next::text from payment_references") }
		v.every = 4
	}
	v.last, v.lease = v.look(), v.leased()
	return v
}

// fair says whether what has changed since the last look may have: only a request that had an effect changes
// anything.
func (v *watcher) fair(effect bool) bool {
	v.effect = v.effect || effect
	if v.asked++; v.asked%v.every != 0 {
		return true
	}
	may := v.effect
	v.effect = false
	v.looks++
	now := v.look()
	if now == v.last {
		return true
	}
	v.last = now
	v.seen++
	if lease := v.leased(); lease != v.lease {
		v.lease, may = lease, true
	}
	return may
}

// TestHostileMessages throws generated requests at every operation: no answer is ours to be ashamed of (5xx), each is
// as the document says, and what is refused has changed nothing. ACHTERAF_TEST_SECONDS makes it longer.
func TestHostileMessages(t *testing.T) {
	t.Parallel()
	floors := map[string]int{"sqlite": 10_000, "postgres": 1_500}
	seed := uint64(1)
	length := time.Duration(0)
	if s, err := strconv.Atoi(os.Getenv("ACHTERAF_TEST_SECONDS")); err == nil {
		length, seed = time.Duration(s)*time.Second, uint64(time.Now().UnixNano())
	}
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, engine)
			ids := []string{w.placed(t, "a"), w.placed(t, "b"), w.placed(t, "c")}
			f := &foe{rand.New(rand.NewPCG(seed, 2)), w.contract}
			calls := w.contract.calls()
			eye := newWatcher(t, w)
			statuses := map[int]int{}
			until := time.Now().Add(length / 2)
			n := 0
			for ; n < floors[engine] || time.Now().Before(until); n++ {
				c := pick(f, calls...)
				if f.IntN(2) == 0 {
					c, _ = w.contract.find("POST", "/v1/orders")
				}
				q := f.ask(c, w, ids, n)
				a := w.do(q)
				statuses[a.status]++
				if a.status >= 500 {
					t.Errorf("answers %d %s\n%s", a.status, a.body, w.log)
				}
				if !eye.fair(a.status < 400 && q.method == http.MethodPost) {
					t.Errorf("answers %d %s and has changed something", a.status, a.body)
				}
				if t.Failed() {
					t.Fatalf("seed %d, request %d: %s %s %q", seed, n, q.method, q.path, q.body)
				}
			}
			t.Logf("volume: %d requests from seed %d: %v", n, seed, statuses)
			if eye.seen < statuses[201]/2 || eye.looks < n/5 {
				t.Errorf("saw %d changes in %d looks, with %d effects", eye.seen, eye.looks, statuses[201])
			}
			if statuses[201] < n/100 || statuses[422] < n/10 {
				t.Errorf("a poor mixture: %v", statuses)
			}
		})
	}
}
