package db

import (
	"fmt"
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
	cols   []Col
	single string // insert … values ($1, …)
	set    string // insert … select * from unnest(…)
}

// NewTable describes the columns that Insert writes, in the order of a row's values. conflict is "" or
// a clause such as "on conflict do nothing".
func NewTable(name, conflict string, cols ...Col) *Table {
	names, marks, arrays := make([]string, len(cols)), make([]string, len(cols)), make([]string, len(cols))
	for i, c := range cols {
		names[i], marks[i] = c.Name, fmt.Sprintf("$%d", i+1)
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, pgTypes[c.Type])
	}
	head := "insert into " + name + " (" + strings.Join(names, ", ") + ") "
	return &Table{
		name: name, cols: cols,
		single: head + "values (" + strings.Join(marks, ", ") + ") " + conflict,
		set:    head + "select * from unnest(" + strings.Join(arrays, ", ") + ") " + conflict,
	}
}

// Name returns the table's name.
func (t *Table) Name() string { return t.name }

// Query is one statement that runs for many sets of parameters: a select for Find and Lock, an update
// or delete for Each. Declare it once, with the types of $1, $2, … in order. An update carries the
// comment /*from*/ before its where, a delete /*using*/: there PostgreSQL gets its unnest.
type Query struct {
	single string
	set    string
	lock   string // single, with its rows locked
	setLok string
	params []Type
	wrap   bool // a select: rows come back with the number of their key
}

// NewQuery makes a Query from its text for one set of parameters.
func NewQuery(sql string, params ...Type) *Query {
	sql = strings.TrimSpace(sql)
	q := &Query{single: sql, params: params}
	names, arrays := make([]string, len(params)), make([]string, len(params))
	inner := sql
	for i := len(params); i >= 1; i-- { // from the back: $12 before $1
		inner = strings.ReplaceAll(inner, fmt.Sprintf("$%d", i), fmt.Sprintf("k.c%d", i))
	}
	for i, t := range params {
		names[i] = fmt.Sprintf("c%d", i+1)
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, pgTypes[t])
	}
	unnest := "unnest(" + strings.Join(arrays, ", ") + ")"
	if strings.HasPrefix(strings.ToLower(sql), "select") {
		q.wrap = true
		head := "select k.i, q.* from " + unnest + " with ordinality as k(" + strings.Join(names, ", ") + ", i) cross join lateral ("
		q.set = head + inner + ") q order by k.i"
		q.lock = sql + " for update"
		q.setLok = head + inner + " for update) q order by k.i"
		return q
	}
	as := unnest + " as k(" + strings.Join(names, ", ") + ")"
	q.set = strings.Replace(strings.Replace(inner, "/*from*/", "from "+as, 1), "/*using*/", "using "+as, 1)
	if q.set == inner {
		panic("db: an update for Each needs /*from*/, a delete /*using*/: " + sql)
	}
	return q
}

// smallSet is the size up to which PostgreSQL gets pipelined single statements instead of unnest:
// below four rows the arrays cost more than the round trip they save.
const smallSet = 3
