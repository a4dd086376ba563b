package db

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Col is one column of a Table.
type Col struct {
	Name string
	Type Type
}

// Table describes rows for Insert. Declare it once, beside the SQL that reads the table.
type Table struct {
	name   string
	types  []Type
	single string // insert … values ($1, …)
	lite   string // insert … values (?, …): a mark without a number costs SQLite's driver no look-up
	lites  string // the same for liteRun rows
	set    string // insert … select * from unnest(…)
}

// NewTable describes the columns that Insert writes, in the order of a row's values. conflict is "" or
// a clause such as "on conflict do nothing".
func NewTable(name, conflict string, cols ...Col) *Table {
	names, marks, arrays := make([]string, len(cols)), make([]string, len(cols)), make([]string, len(cols))
	types := make([]Type, len(cols))
	for i, c := range cols {
		names[i], types[i], marks[i] = c.Name, c.Type, fmt.Sprintf("$%d", i+1)
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, pgTypes[c.Type])
	}
	head := "insert into " + name + " (" + strings.Join(names, ", ") + ") "
	// After a statement failed the transaction is rolled back anyway, so SQLite need not be able to undo it alone.
	liteHead := strings.Replace(head, "insert into", "insert or fail into", 1)
	row := "(?" + strings.Repeat(", ?", len(cols)-1) + ")"
	return &Table{
		name: name, types: types,
		single: head + "values (" + strings.Join(marks, ", ") + ") " + conflict,
		lite:   liteHead + "values " + row + " " + conflict,
		lites:  liteHead + "values " + row + strings.Repeat(", "+row, liteRun-1) + " " + conflict,
		set:    head + "select * from unnest(" + strings.Join(arrays, ", ") + ") " + conflict,
	}
}

// Name returns the table's name.
func (t *Table) Name() string { return t.name }

// Query is one statement that runs for many sets of parameters: a select for Find and Lock, an update
// or delete for Change. Declare it once, with the types of $1, $2, … in order. An update carries the
// comment /*from*/ before its where, a delete /*using*/: there PostgreSQL gets its unnest.
type Query struct {
	single string
	set    string
	lock   string // single, with its rows locked
	setLok string
	lites  map[int]string // on SQLite, by how many sets of parameters one statement takes
	marks  []int          // which parameter each of its marks stands for
	params []Type
}

// NewQuery makes a Query from its text for one set of parameters.
func NewQuery(sql string, params ...Type) *Query {
	sql = strings.TrimSpace(sql)
	q := &Query{single: sql, params: params}
	for _, p := range param.FindAllString(sql, -1) {
		n, _ := strconv.Atoi(p[1:])
		q.marks = append(q.marks, n-1)
	}
	bare := param.ReplaceAllString(sql, "?") // a mark with a name costs SQLite's driver a look-up
	q.lites = map[int]string{1: bare}
	names, arrays := make([]string, len(params)), make([]string, len(params))
	inner := sql
	for i := len(params); i >= 1; i-- { // from the back: $12 before $1
		inner = strings.ReplaceAll(inner, fmt.Sprintf("$%d", i), fmt.Sprintf("keyset.c%d", i))
	}
	for i, t := range params {
		names[i] = fmt.Sprintf("c%d", i+1)
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, pgTypes[t])
	}
	unnest := "unnest(" + strings.Join(arrays, ", ") + ")"
	if strings.HasPrefix(strings.ToLower(sql), "select") {
		q.lites[1] = liteSelect(bare, 1)
		for _, run := range liteFinds {
			q.lites[run] = liteSelect(bare, run)
		}
		q.lock = sql + " for update"
		head := "select keyset.i, q.* from " + unnest + " with ordinality as keyset(" + strings.Join(names, ", ") + ", i) cross join lateral ("
		tail := ") q order by keyset.i" // the order of the rows of one key stays: the join goes from key to key
		q.set = head + inner + tail
		q.setLok = head + inner + " for update" + tail
		return q
	}
	as := unnest + " as keyset(" + strings.Join(names, ", ") + ")"
	q.set = strings.Replace(strings.Replace(inner, "/*from*/", "from "+as, 1), "/*using*/", "using "+as, 1)
	if q.set == inner {
		panic("db: an update for Change needs /*from*/, a delete /*using*/: " + sql)
	}
	return q
}

func (q *Query) oneSQL(lock bool) string {
	if lock {
		return q.lock
	}
	return q.single
}

func (q *Query) manySQL(lock bool) string {
	if lock {
		return q.setLok
	}
	return q.set
}

// liteFinds are how many keys one select looks up on SQLite, the most first: its driver asks for the name and the type of
// each column of each statement that it runs, which takes longer than to find a row.
var liteFinds = []int{16, 4}

var (
	param   = regexp.MustCompile(`\$[0-9]+`)
	limited = regexp.MustCompile(`(?i)\b(order\s+by|limit)\b`)
)

// liteSelect is a select for some keys, one after the other. Each row begins with the number of its key.
func liteSelect(bare string, keys int) string {
	arms := make([]string, keys)
	for i := range arms {
		arms[i] = fmt.Sprintf("select %d, %s", i, bare[len("select"):])
		if keys > 1 && limited.MatchString(bare) {
			arms[i] = "select * from (" + arms[i] + ")"
		}
	}
	return strings.Join(arms, "\nunion all\n")
}
