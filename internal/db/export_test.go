package db

import (
	"bytes"
	"context"
	"text/template"
	"time"
)

// Render renders a text of a migration for an engine.
func Render(engine, text string) string {
	words := sqliteTokens
	if engine == "postgres" {
		words = postgresTokens
	}
	var b bytes.Buffer
	template.Must(template.New("").Option("missingkey=error").Parse(text)).Execute(&b, words)
	return b.String()
}

// Statements returns how many prepared statements the SQLite writer keeps.
func (d *DB) Statements() int { return len(d.engine.(*lite).writer.stmts) }

// Waiting returns how many requests wait.
func (d *DB) Waiting() int {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	return len(d.queue.waiting)
}

// Leaders returns how many leaders there are.
func (d *DB) Leaders() int {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	return d.queue.leaders
}

// CommitWithin sets how long PostgreSQL may take to answer a commit, and how long it is asked for the outcome
// of one that is lost.
func (d *DB) CommitWithin(commit, readBack time.Duration) {
	p := d.engine.(*postgres)
	p.commit, p.readBack = commit, readBack
}

// LogLimit sets from which size on the SQLite log is moved, and from which size on for the sake of which
// reads are broken off.
func (d *DB) LogLimit(large, huge int64) {
	l := d.engine.(*lite)
	l.log.large, l.log.huge = large, huge
}

// LogLeft returns how many bytes of the SQLite log are still to be moved.
func (d *DB) LogLeft() int64 {
	_, left, err := d.engine.(*lite).writer.checkpoint("noop")
	if err != nil {
		panic(err)
	}
	return left
}

// LargeFile sets from which size on an SQLite database is a large one.
func (d *DB) LargeFile(bytes int64) { d.engine.(*lite).large = bytes }

// WriterCache returns the page cache of the SQLite writer in KiB.
func (d *DB) WriterCache() int64 {
	w := d.engine.(*lite).writer
	s, err := w.prepare("pragma cache_size")
	if err != nil {
		panic(err)
	}
	rows, err := w.query(context.Background(), s)
	if err != nil {
		panic(err)
	}
	defer rows.Close()
	var n int64
	if !rows.Next() || rows.Scan(&n) != nil {
		panic(rows.err)
	}
	return -n
}

// Break lets the next transaction open the SQLite writer anew.
func (d *DB) Break() { d.engine.(*lite).broken = true }

// OnWriter runs a statement on the SQLite writer outside any transaction.
func (d *DB) OnWriter(sql string) error { return d.engine.(*lite).writer.run(sql) }

const (
	KeptStatements = keptStatements
	WriteLimit     = writeLimit
	BatchLimit     = batchLimit
	CalmTime       = calmTime
)
