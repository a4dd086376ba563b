package achteraf

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	tablesPage = "docs/tables.md"
	dbDir      = "internal/db"
)

// table is one table of the schema.
type table struct {
	name    string
	columns []column
}

// column is one column as a migration writes it: its type is a token of the template or "text".
type column struct{ name, kind string }

var (
	sqlComment  = regexp.MustCompile(`--[^\n]*`)
	branch      = regexp.MustCompile(`\{\{-?\s*(if|else|end)\b[^}]*\}\}`)
	spaced      = regexp.MustCompile(`\{\{-?\s*(\.\w+)\s*-?\}\}`)
	createTable = regexp.MustCompile(`(?i)create\s+table\s+(?:if\s+not\s+exists\s+)?"?(\w+)"?\s*\(`)
	addColumn   = regexp.MustCompile(`(?i)alter\s+table\s+"?(\w+)"?\s+add\s+(?:column\s+)?"?(\w+)"?\s+([^\s,;]+)`)
	dropTable   = regexp.MustCompile(`(?i)drop\s+table\s+(?:if\s+exists\s+)?"?(\w+)"?`)
)

// schema reads the tables out of the migrations, oldest first.
func schema(t *tree) []table {
	found := map[string]*table{}
	for _, name := range slices.Sorted(maps.Keys(t.texts)) {
		if ok, _ := path.Match("migrations/*.sql", name); !ok {
			continue
		}
		text, _, _ := strings.Cut(t.texts[name], "+goose Down")
		text = sqlComment.ReplaceAllString(text, "")
		text = spaced.ReplaceAllString(branch.ReplaceAllString(text, " "), "{{$1}}")
		for _, at := range createTable.FindAllStringSubmatchIndex(text, -1) {
			made := &table{name: text[at[2]:at[3]]}
			for _, item := range items(text[at[1]:]) {
				if c, ok := columnOf(item); ok {
					made.columns = append(made.columns, c)
				}
			}
			found[made.name] = made
		}
		for _, m := range addColumn.FindAllStringSubmatch(text, -1) {
			if found[m[1]] != nil && !slices.Contains(noColumn, strings.ToLower(m[2])) {
				found[m[1]].columns = append(found[m[1]].columns, column{m[2], m[3]})
			}
		}
		for _, m := range dropTable.FindAllStringSubmatch(text, -1) {
			delete(found, m[1])
		}
	}
	var all []table
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, *found[name])
	}
	return all
}

// items splits the body of a create table at its own commas, up to the closing bracket.
func items(body string) []string {
	var all []string
	depth, start := 0, 0
	for i, r := range body {
		switch {
		case r == '(':
			depth++
		case r == ')' && depth == 0:
			return append(all, body[start:i])
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			all, start = append(all, body[start:i]), i+1
		}
	}
	return append(all, body[start:])
}

// noColumn are the words that start a constraint.
var noColumn = strings.Fields("primary unique foreign check constraint exclude")

func columnOf(item string) (column, bool) {
	words := strings.Fields(item)
	if len(words) < 2 || slices.Contains(noColumn, strings.ToLower(words[0])) {
		return column{}, false
	}
	return column{strings.Trim(words[0], `"`), words[1]}, true
}

// tables holds that one package writes a table and that docs/tables.md names every table with its owner.
func tables(t *tree) []string {
	if !t.has("migrations") && t.texts[tablesPage] == "" {
		return nil
	}
	all := schema(t)
	if len(all) == 0 {
		return []string{"migrations: no table found"}
	}
	writers, breaches := writersOf(t, all)
	owners := map[string]string{}
	for _, row := range cells(t.texts[tablesPage], "## Tables") {
		if len(row) != 4 || slices.Contains(row, "") {
			breaches = append(breaches, fmt.Sprintf("%s: %q wants table, owner, purpose and retention", tablesPage, row[0]))
			continue
		}
		if owners[row[0]] != "" {
			breaches = append(breaches, fmt.Sprintf("%s: %q is listed twice", tablesPage, row[0]))
		}
		owners[row[0]] = row[1]
	}
	for _, tab := range all {
		owner := owners[tab.name]
		delete(owners, tab.name)
		if owner == "" {
			breaches = append(breaches, fmt.Sprintf("%s: table %q is not listed", tablesPage, tab.name))
			continue
		}
		if len(writers[tab.name]) == 0 {
			breaches = append(breaches, fmt.Sprintf("%s: nothing writes table %q", tablesPage, tab.name))
		}
		for dir, where := range writers[tab.name] {
			if dir != owner {
				breaches = append(breaches, fmt.Sprintf("%s: %s writes table %q, which belongs to %s", where, dir, tab.name, owner))
			}
		}
	}
	for name := range owners {
		breaches = append(breaches, fmt.Sprintf("%s: there is no table %q", tablesPage, name))
	}
	slices.Sort(breaches)
	return breaches
}

var (
	sqlWrite = regexp.MustCompile(`(?is)\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|delete\s+from|merge\s+into|truncate(?:\s+table)?|copy)\s+"?(\w+)"?` +
		`|\bupdate\s+(?:only\s+)?"?(\w+)"?\s+(?:as\s+\w+\s+|\w+\s+)?set\b`)
	// gap stands where a text is put together at run time: "insert into " + name, or a verb of fmt.
	gap    = "\x00"
	sqlGap = regexp.MustCompile(`(?i)\b(?:insert\s+into|delete\s+from|update|truncate(?:\s+table)?)\s+["` + "`" + `]?(?:\x00|%[sqv])`)
)

// writersOf finds which package writes which table: SQL in string literals, and db.NewTable, which makes
// what Insert takes. A table whose name is known only at run time is a breach outside internal/db.
func writersOf(t *tree, all []table) (writers map[string]map[string]string, breaches []string) {
	writers = map[string]map[string]string{}
	for _, tab := range all {
		writers[tab.name] = map[string]string{}
	}
	note := func(name string, s source, at token.Pos) {
		if writers[name] != nil && writers[name][s.dir] == "" {
			writers[name][s.dir] = t.at(at)
		}
	}
	for _, s := range t.shipped() {
		hidden := func(at token.Pos) {
			if s.dir != dbDir {
				breaches = append(breaches, fmt.Sprintf("%s: writes a table whose name is not in the text", t.at(at)))
			}
		}
		eachText(s.ast, func(text string, at token.Pos) {
			for _, m := range sqlWrite.FindAllStringSubmatch(text, -1) {
				note(m[1]+m[2], s, at)
			}
			if sqlGap.MatchString(text) {
				hidden(at)
			}
		})
		imported := s.imported()
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if from, name := selected(call.Fun, imported); from != module+"/"+dbDir || name != "NewTable" {
				return true
			}
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				note(unquote(lit.Value), s, lit.Pos())
			} else {
				hidden(call.Pos())
			}
			return true
		})
	}
	return writers, breaches
}

// eachText calls f with every string of the file, sums of strings joined.
func eachText(file *ast.File, f func(text string, at token.Pos)) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				f(unquote(n.Value), n.Pos())
			}
		case *ast.BinaryExpr:
			if text, ok := joined(n); ok {
				f(text, n.Pos())
				return false
			}
		}
		return true
	})
}

// joined returns the sum of strings that x is; what is not a literal leaves a gap.
func joined(x ast.Expr) (text string, ok bool) {
	switch x := x.(type) {
	case *ast.BasicLit:
		return unquote(x.Value), x.Kind == token.STRING
	case *ast.BinaryExpr:
		if x.Op != token.ADD {
			return gap, false
		}
		left, a := joined(x.X)
		right, b := joined(x.Y)
		return left + right, a || b
	}
	return gap, false
}

// smells are words of a column's name that speak of a person.
var smells = strings.Fields(`email mail phone mobile name names surname initials birth born birthday age gender street house
	postcode zip city address ip iban bic account payer payee debtor creditor remittance narrative description subject
	text body raw note notes comment answer response request payload inputs snapshot device agent company registration
	passport bsn title language user who person profile reason reasons value actor by data reference`)

// plain are column types that hold no words, only what personalNumbers names.
var plain = strings.Fields("{{.Bigint}} {{.Bool}} {{.Instant}} {{.Date}}")

var personalNumbers = strings.Fields("phone mobile birth born birthday age house postcode zip ip bsn")

// sealedColumns holds that every sealed column is listed with purpose and retention, that every column
// which may hold anything is listed with what it holds, and that no other column is named after a person.
func sealedColumns(t *tree) []string {
	if !t.has("migrations") && t.texts[tablesPage] == "" {
		return nil
	}
	var breaches []string
	sealed, open := map[string]bool{}, map[string]bool{}
	for _, row := range cells(t.texts[tablesPage], "## Sealed columns") {
		sealed[row[0]] = true
		if len(row) != 4 || slices.Contains(row, "") {
			breaches = append(breaches, fmt.Sprintf("%s: %q wants column, key, purpose and retention", tablesPage, row[0]))
		} else if !slices.Contains([]string{"profile", "fiscal", "claim", "platform"}, row[1]) {
			breaches = append(breaches, fmt.Sprintf("%s: %q: %q is no key", tablesPage, row[0], row[1]))
		}
	}
	for _, row := range cells(t.texts[tablesPage], "## In the clear") {
		open[row[0]] = true
		if len(row) != 2 || slices.Contains(row, "") {
			breaches = append(breaches, fmt.Sprintf("%s: %q wants column and reason", tablesPage, row[0]))
		}
	}
	for _, tab := range schema(t) {
		for _, c := range tab.columns {
			name := tab.name + "." + c.name
			switch personal := smelly(c); {
			case c.kind == "{{.Sealed}}" && !sealed[name]:
				breaches = append(breaches, fmt.Sprintf("%s: sealed column %q is not listed", tablesPage, name))
			case c.kind != "{{.Sealed}}" && personal && !open[name]:
				breaches = append(breaches, fmt.Sprintf("migrations: column %q (%s) may hold personal data: seal it, hash it, or list it as in the clear", name, c.kind))
			}
			if c.kind == "{{.Sealed}}" {
				delete(sealed, name)
			} else if smelly(c) {
				delete(open, name)
			}
		}
	}
	for name := range sealed {
		breaches = append(breaches, fmt.Sprintf("%s: there is no sealed column %q", tablesPage, name))
	}
	for name := range open {
		breaches = append(breaches, fmt.Sprintf("%s: column %q needs no place in the list of what is in the clear", tablesPage, name))
	}
	slices.Sort(breaches)
	return breaches
}

// smelly says whether a column could hold personal data by its name or, for JSON, by its nature.
func smelly(c column) bool {
	words := strings.Split(c.name, "_")
	last := words[len(words)-1]
	speaks := func(of []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(of, w) })
	}
	switch {
	case c.kind == "{{.JSON}}", strings.HasSuffix(c.name, "vat_id"):
		return true
	case c.kind == "{{.Bytes}}" && (last == "hash" || last == "digest"):
		return false
	case slices.Contains(plain, c.kind):
		return speaks(personalNumbers)
	}
	return last != "id" && speaks(smells)
}
