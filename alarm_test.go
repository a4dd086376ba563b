package achteraf

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// lines makes a file of lines.
func lines(all ...string) string { return strings.Join(all, "\n") + "\n" }

// code makes a Go file of a package with a proper comment.
func code(pkg string, all ...string) string {
	return lines(fmt.Sprintf("// Package %s owns this. It does not own that.\npackage %s", pkg, pkg), lines(all...))
}

// A small world in which every rule has something to hold.
var (
	faults = code("fault", `type Kind int`, `const (`, `Invalid Kind = iota`, `Conflict`, `)`,
		`type Field struct{ Pointer, Code, Detail string }`,
		`type Error struct { Kind Kind; Code, Detail string }`,
		`func New(k Kind, code, detail string) *Error { return &Error{Kind: k, Code: code, Detail: detail} }`,
		`func Clash(code, detail string) *Error { return New(Conflict, code, detail) }`)
	problemsPage = lines("## Problems", "", "| code | status | what it means | what to do |", "|---|---|---|---|",
		"| `order-state` | 409 | The order has moved on. | Read it again. |", "", "## Fields", "", "| code | what it means |", "|---|---|",
		"| `required` | Nothing is there. |")
	moves = code("orders", `import "achteraf/internal/fault"`,
		`var missing = fault.Field{Code: "required"}`, `func move() error { return fault.Clash("order-state", "x") }`)
	migration = lines("create table orders (", "  id text not null, -- ord_…, a key", "  email_hash {{ .Bytes }} not null,",
		"  answer {{.Sealed}},", "  facts {{.JSON}} not null,", "  kept_on {{.Date}} check (kept_on > '2000-01-01'),",
		"  primary key (id, merchant_id)", "){{.Strict}};")
	tablesText = lines("## Tables", "", "| table | owner | purpose | retention |", "|---|---|---|---|",
		"| `orders` | orders | what was bought | 7 years |", "", "## Sealed columns", "", "| column | key | purpose | retention |", "|---|---|---|---|",
		"| `orders.answer` | profile | replay | 30 days |", "", "## In the clear", "", "| column | why |", "|---|---|",
		"| `orders.facts` | counts and codes only |")
	writes = code("orders", "const place = `", "INSERT INTO orders (id) VALUES ($1)`")
	proven = lines("## All of them", "", "| id | what | proved by |", "|---|---|---|", "| S-CHK-03 | five inputs | `risk.TestS_CHK_03` |",
		"| IDEA-01 | a clock | not yet |")
	proof = "package risk\nfunc TestS_CHK_03(t *testing.T) {}\n"
	ids   = "S-CHK-03\nIDEA-01\n"
)

// TestRulesCatch plants breaches, each beside a clean case: a rule that cannot fail proves nothing.
func TestRulesCatch(t *testing.T) {
	type files map[string]string
	cases := []struct {
		rule, name string
		files      files
		want       string // part of the one breach; empty: none
	}{
		{"imports", "backward and plumbing", files{
			"orders/a.go":         code("orders", `import ("achteraf/risk"; "achteraf/internal/db"; "fmt")`),
			"orders/a_test.go":    "package orders\nimport _ \"achteraf/cmd/achteraf\"\n",
			"internal/db/a.go":    code("db", `import ("achteraf/internal/fault"; "achteraf/calendar")`),
			"web/api/a.go":        code("api", `import ("achteraf/web/page"; "achteraf/orders")`),
			"platform/a.go":       code("platform", `import ("achteraf/migrations"; "achteraf/web/api")`),
			"cmd/achteraf/m.go":   code("main", `import "achteraf/market"`),
			"migrations/embed.go": code("migrations", `import "embed"`),
		}, ""},
		{"imports", "forward", files{"risk/a.go": code("risk", `import "achteraf/orders"`)}, "risk may not import orders"},
		{"imports", "plumbing knows a business word", files{"internal/jobs/a.go": code("jobs", `import "achteraf/orders"`)}, "internal/jobs may not import orders"},
		{"imports", "the auditor trusts the audited", files{"verify/a.go": code("verify", `import "achteraf/ledger"`)}, "verify may not import ledger"},
		{"imports", "a stage reaches for the program", files{"orders/a.go": code("orders", `import "achteraf/cmd/achteraf"`)}, "may not import cmd"},
		{"imports", "a package for tests", files{
			"internal/db/dbtest/a.go": code("dbtest", `import ("testing"; "time"; "achteraf/migrations")`, `var now = time.Now`),
			"orders/a_test.go":        "package orders\nimport _ \"achteraf/internal/db/dbtest\"\n",
		}, ""},
		{"imports", "test code in the program", files{"orders/a.go": code("orders", `import "achteraf/internal/db/dbtest"`)}, "which is for tests"},
		{"imports", "too deep", files{"orders/lines/a.go": code("lines")}, "2 levels deep"},
		{"imports", "no stage", files{"things/a.go": code("things")}, "no stage"},
		{"imports", "vague", files{"internal/utils/a.go": code("utils")}, "does not say what it owns"},

		{"package comments", "clean", files{"orders/a.go": code("orders"), "orders/b.go": "package orders\n", "cmd/achteraf/m.go": "// Command achteraf runs it.\npackage main\n"}, ""},
		{"package comments", "none", files{"orders/a.go": "package orders\n"}, "has 0 package comments"},
		{"package comments", "two", files{"orders/a.go": code("orders"), "orders/b.go": code("orders")}, "has 2 package comments"},
		{"package comments", "another name", files{"orders/a.go": "// Package order owns x. It does not own y.\npackage orders\n"}, "does not start with"},
		{"package comments", "knows no business", files{"internal/db/a.go": "// Package db runs SQL. It owns connections. It knows no business word.\npackage db\n"}, ""},
		{"package comments", "owns nothing", files{"orders/a.go": "// Package orders is about orders.\npackage orders\n"}, "does not say what it owns"},

		{"clock", "types, cmd and tests", files{
			"orders/a.go":       code("orders", `import "time"`, `var d = 3 * time.Second`, `func f(time clockwork) { time.Now() }`),
			"orders/a_test.go":  "package orders\nimport \"time\"\nvar n = time.Now()\n",
			"cmd/achteraf/m.go": code("main", `import "time"`, `var n = time.Now()`),
		}, ""},
		{"clock", "now", files{"orders/a.go": code("orders", `import "time"`, `var now = time.Now`)}, "orders/a.go:4: time.Now asks"},
		{"clock", "renamed", files{"orders/a.go": code("orders", `import std "time"`, `var now = std.Since`)}, "time.Since asks"},
		{"clock", "sleep", files{"orders/a.go": code("orders", `import "time"`, `func f() { time.Sleep(1) }`)}, "time.Sleep lets"},
		{"clock", "dot", files{"orders/a.go": code("orders", `import . "time"`)}, "with a dot"},

		{"chance", "seeded", files{"market/a.go": code("market", `import "math/rand/v2"`, `var r = rand.New(rand.NewPCG(1, 2))`)}, ""},
		{"chance", "global", files{"market/a.go": code("market", `import "math/rand/v2"`, `var r = rand.IntN(6)`)}, "math/rand/v2.IntN draws"},
		{"chance", "machine", files{"orders/a.go": code("orders", `import "crypto/rand"`, `var r = rand.Reader`)}, "crypto/rand.Reader draws"},
		{"chance", "uuid", files{"orders/a.go": code("orders", `import "github.com/google/uuid"`, `var r = uuid.NewString()`)}, "uuid.NewString draws"},

		{"skips", "clean", files{"a_test.go": "package a\nfunc f() { g(\"skip\") }\n", "stories/a.txtar": "# we skip nothing\nexec achteraf\n"}, ""},
		{"skips", "skip", files{"a_test.go": "package a\nfunc f(t *T) { t.Skipf(\"x\") }\n"}, "a_test.go:2: skips"},
		{"skips", "short", files{"a_test.go": "package a\nimport \"testing\"\nvar x = testing.Short()\n"}, "a_test.go:3: skips"},
		{"skips", "story", files{"stories/a.txtar": "exec x\n[!unix] skip 'no'\n"}, "stories/a.txtar: skips"},
		{"skips", "story that ends early", files{"stories/a.txtar": "demo\nstop\nwant status paid\n"}, "stories/a.txtar: skips"},

		{"notes", "clean", files{"a.md": "nothing to do\n"}, ""},
		{"notes", "open", files{"a.sql": "-- TO" + "DO: index\n"}, "a.sql:1: leaves work"},
		{"places", "clean", files{"a.md": "see https://example.org/home/page and docs/work/x\n"}, ""},
		{"places", "home", files{"a.md": "cd /ho" + "me/anna/x\n"}, "a.md:1: names a place"},
		{"places", "mirror", files{"a.sh": "export GO" + "PROXY=https://mirror.example\n"}, "a.sh:1: names a place"},

		{"problems", "clean", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage, "orders/a.go": moves}, ""},
		{"problems", "constant and own function", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage, "orders/a.go": moves,
			"risk/a.go": code("risk", `import "achteraf/internal/fault"`, `const state = "order-state"`,
				`func (p *policy) refuse(n int, code string) error { return fault.Clash(code, "") }`, `func f(p *policy) { p.refuse(1, state) }`)}, ""},
		{"problems", "not documented", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage, "orders/a.go": moves,
			"risk/a.go": code("risk", `import "achteraf/internal/fault"`, `func f() error { return &fault.Error{Kind: fault.Conflict, Code: "order-age"} }`)}, `"order-age" is not in`},
		{"problems", "not documented, two functions away", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage, "orders/a.go": moves,
			"internal/db/a.go": code("db", `import "achteraf/internal/fault"`, `func One(n int, err error, code string) error { return fault.Clash(code, "") }`),
			"risk/a.go":        code("risk", `import "achteraf/internal/db"`, `func f() error { return db.One(1, nil, "order-age") }`)}, `"order-age" is not in`},
		{"problems", "not made", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage,
			"orders/a.go": code("orders", `import "achteraf/internal/fault"`, `var missing = fault.Field{Code: "required"}`)}, `no code makes "order-state"`},
		{"problems", "field not documented", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage, "orders/a.go": moves,
			"risk/a.go": code("risk", `import "achteraf/internal/fault"`, `var f = []fault.Field{{Pointer: "#/a", Code: "too-long"}}`)}, `field code "too-long" is not in`},
		{"problems", "another status", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage, "orders/a.go": moves,
			"risk/a.go": code("risk", `import "achteraf/internal/fault"`, `var f = fault.New(fault.Invalid, "order-state", "")`)}, `is 422 here and 409 in`},
		{"problems", "two methods of one name", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage, "orders/a.go": moves,
			"risk/a.go": code("risk", `import "achteraf/internal/fault"`, `type a struct{}`, `type b struct{}`,
				`func (x *a) fail(code string) error { return fault.Clash(code, "") }`, `func (x *b) fail(err error) error { return err }`,
				`func (x *b) f(err error, y *a) { x.fail(err); y.fail("order-state") }`)}, ""},
		{"problems", "made at run time", files{"internal/fault/f.go": faults, "docs/problems.md": problemsPage, "orders/a.go": moves,
			"risk/a.go": code("risk", `import "achteraf/internal/fault"`, `func f(c []string) error { return fault.Clash("order-"+c[0], "") }`)}, "not a literal"},

		{"tables", "clean", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText, "orders/a.go": writes,
			"risk/a.go": code("risk", `const q = "SELECT id FROM orders FOR UPDATE"`, `const help = "update orders by call"`)}, ""},
		{"tables", "declared", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText,
			"orders/a.go": code("orders", `import "achteraf/internal/db"`, `var t = db.NewTable("orders", "")`)}, ""},
		{"tables", "empty", files{"migrations/embed.go": code("migrations")}, "no table found"},
		{"tables", "not listed", files{"migrations/0001_a.sql": migration + "create table lines (id text);", "docs/tables.md": tablesText, "orders/a.go": writes}, `table "lines" is not listed`},
		{"tables", "gone", files{"migrations/0001_a.sql": migration, "docs/tables.md": strings.Replace(tablesText, "\n\n## Sealed", "\n| `carts` | checkout | x | y |\n\n## Sealed", 1), "orders/a.go": writes}, `no table "carts"`},
		{"tables", "never written", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText}, `nothing writes table "orders"`},
		{"tables", "second writer by SQL", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText, "orders/a.go": writes,
			"risk/a.go": code("risk", `const q = "UPDATE orders AS o" + " SET id = $1"`)}, `risk writes table "orders"`},
		{"tables", "second writer by declaration", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText, "orders/a.go": writes,
			"risk/a.go": code("risk", `import "achteraf/internal/db"`, `var t = db.NewTable("orders", "")`)}, `risk writes table "orders"`},
		{"tables", "hidden name", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText, "orders/a.go": writes,
			"risk/a.go": code("risk", `func f(t string) string { return "delete from " + t }`)}, "name is not in the text"},

		{"tables", "hidden name in a declaration", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText, "orders/a.go": writes,
			"risk/a.go": code("risk", `import "achteraf/internal/db"`, `func f(t string) { db.NewTable(t, "") }`)}, "name is not in the text"},

		{"sealed columns", "clean", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText}, ""},
		{"sealed columns", "sealed, not listed", files{"migrations/0001_a.sql": migration + "alter table orders add column letter {{.Sealed}};", "docs/tables.md": tablesText}, `"orders.letter" is not listed`},
		{"sealed columns", "listed, not sealed", files{"migrations/0001_a.sql": strings.Replace(migration, "{{.Sealed}}", "{{.Bytes}}", 1), "docs/tables.md": strings.Replace(tablesText, "`orders.facts`", "`orders.answer` | stays |\n| `orders.facts`", 1)}, `no sealed column "orders.answer"`},
		{"sealed columns", "a name in the clear", files{"migrations/0001_a.sql": strings.Replace(migration, "id text", "last_name text not null,\n id text", 1), "docs/tables.md": tablesText}, `"orders.last_name" (text)`},
		{"sealed columns", "a birth date in the clear", files{"migrations/0001_a.sql": strings.Replace(migration, "id text", "birth_date {{.Date}},\n id text", 1), "docs/tables.md": tablesText}, `"orders.birth_date"`},
		{"sealed columns", "an excuse without need", files{"migrations/0001_a.sql": migration, "docs/tables.md": tablesText + "| `orders.id` | a key |\n"}, `"orders.id" needs no place`},
		{"sealed columns", "no such key", files{"migrations/0001_a.sql": migration, "docs/tables.md": strings.Replace(tablesText, "| profile |", "| public |", 1)}, `"public" is no key`},

		{"requirements", "clean", files{"docs/requirements.md": proven, "docs/requirements-ids.txt": ids, "risk/a_test.go": proof}, ""},
		{"requirements", "left out", files{"docs/requirements.md": proven, "docs/requirements-ids.txt": ids + "IDEA-02\n", "risk/a_test.go": proof}, "IDEA-02 is missing"},
		{"requirements", "out of order", files{"docs/requirements.md": proven, "docs/requirements-ids.txt": "IDEA-01\nS-CHK-03\n", "risk/a_test.go": proof}, "row 1 is S-CHK-03"},
		{"requirements", "no such test", files{"docs/requirements.md": proven, "docs/requirements-ids.txt": ids, "risk/a_test.go": "package risk\n"}, "which is no test"},
		{"requirements", "a proof not listed", files{"docs/requirements.md": proven, "docs/requirements-ids.txt": ids, "risk/a_test.go": proof,
			"stories/clock.txtar": "# IDEA_01: the shop moves its clock\n"}, `IDEA-01 leaves out "stories/clock.txtar"`},
		{"requirements", "a case not listed", files{"docs/requirements.md": proven, "docs/requirements-ids.txt": ids,
			"risk/a_test.go": proof + "func TestX(t *testing.T) { t.Run(\"IDEA_01 by hand\", f) }\n"}, `IDEA-01 leaves out "risk.TestX"`},
		{"requirements", "no such requirement", files{"docs/requirements.md": proven, "docs/requirements-ids.txt": ids, "risk/a_test.go": proof + "func TestS_CHK_99(t *testing.T) {}\n"}, "S-CHK-99, which is no requirement"},
	}
	planted := map[string]int{}
	for _, c := range cases {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			if c.want != "" {
				planted[c.rule]++
			}
			got := named(t, c.rule).check(plant(t, c.files))
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("clean, but: %q", got)
			case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
				t.Errorf("breaches %q, want one with %q", got, c.want)
			}
		})
	}
	for _, r := range rules {
		if planted[r.name] == 0 {
			t.Errorf("nothing is planted for the rule %q", r.name)
		}
	}
}

func named(t *testing.T, name string) rule {
	t.Helper()
	for _, r := range rules {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("no rule %q", name)
	return rule{}
}

func plant(t *testing.T, files map[string]string) *tree {
	t.Helper()
	world := fstest.MapFS{}
	for name, text := range files {
		world[name] = &fstest.MapFile{Data: []byte(text)}
	}
	planted, err := readTree(world)
	if err != nil {
		t.Fatal(err)
	}
	return planted
}
