package verify

import (
	"context"
	"errors"
	"fmt"

	"achteraf/internal/db"

	"golang.org/x/mod/sumdb/note"
)

// Options say what an audit holds the rows against.
type Options struct {
	PublicKey  string                  // of the log: "name+hash+key", as package note has it
	Checkpoint []byte                  // an earlier signed checkpoint from outside; nil for none
	Progress   func(done, total int64) // entries read so far; nil for none, never called by two goroutines at once
}

// Report says what an audit has read. It is complete only when there was no difference.
type Report struct {
	Sealed      int64 // entries in the log
	Unsealed    int64 // entries committed and not sealed yet
	Postings    int64 // legs of both
	Writers     int64
	Checkpoints int64
	Root        string // of the log, in base64
	Checks      int    // how many checks ran
}

// Difference is what an audit has found: the rows do not tell one story.
type Difference struct {
	Check string // its name in docs/verify.md
	Table string
	Row   string // the key of the row
	Want  string // what the other rows say
	Got   string // what is there
}

func (d *Difference) Error() string {
	return fmt.Sprintf("%s: table %s, %s: expected %s, found %s", d.Check, d.Table, d.Row, d.Want, d.Got)
}

// differs makes a Difference; want and got are formatted with %v.
func differs(check, table, row string, want, got any) error {
	return &Difference{check, table, row, fmt.Sprint(want), fmt.Sprint(got)}
}

// Run audits a database. Errors: *Difference, the first one found; else what kept the audit from its end.
func Run(ctx context.Context, d *db.DB, o Options) (report Report, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		report, err = In(ctx, tx, o)
		return err
	})
	return report, err
}

// In is Run on the state that a transaction sees.
func In(ctx context.Context, tx *db.Tx, o Options) (Report, error) {
	verifier, err := note.NewVerifier(o.PublicKey)
	if err != nil {
		return Report{}, errors.New("verify: the public key of the log cannot be read")
	}
	a := &audit{tx: tx, options: o, key: verifier, names: numbers{}, sums: map[account]*sum{}, open: map[account]int64{}, elsewhere: map[account]int64{}, tail: map[int32]int64{}}
	for _, c := range checks {
		if c.run != nil {
			if err := c.run(ctx, a); err != nil {
				return a.report, err
			}
		}
		a.report.Checks++
	}
	return a.report, nil
}

// audit is one run: what its checks share.
type audit struct {
	tx      *db.Tx
	options Options
	key     note.Verifier
	report  Report

	names     numbers           // merchants and currencies by number
	sums      map[account]*sum  // derived balances of the accounts that have a snapshot, sealed entries only
	open      map[account]int64 // derived balances of the other accounts, all entries; no zeros
	elsewhere map[account]int64 // what is at banks and at payment providers, all entries
	tail      map[int32]int64   // by currency: what entries not sealed yet add to the accounts of sums
	receipts  int64             // entries of money that shops received
}

// account is one account of one merchant, in one currency. Numbers keep the key small: there are as many as invoices.
type account struct {
	code, merchant, currency int32
	subject                  string
}

// sum is what a snapshot says of an account.
type sum struct{ cents, entries, place int64 }

// numbers gives words numbers, from 1.
type numbers map[string]int32

func (n numbers) of(word string) int32 {
	k, ok := n[word]
	if !ok {
		k = int32(len(n) + 1)
		n[word] = k
	}
	return k
}

// word is the reverse of of.
func (n numbers) word(k int32) string {
	for w, i := range n {
		if i == k {
			return w
		}
	}
	return ""
}

// take returns the derived balance of an account by subject and forgets it: what is left in the end belongs to nothing.
func (a *audit) take(code, merchant, currency, subject string) int64 {
	name := account{chart[code].number, a.names[merchant], a.names[currency], subject}
	cents := a.open[name]
	delete(a.open, name)
	return cents
}

// left returns an account with that code that nobody took, if there is one: the lowest by subject.
func (a *audit) left(code string) (subject string, cents int64, found bool) {
	for name, c := range a.open {
		if name.code == chart[code].number && (!found || name.subject < subject) {
			subject, cents, found = name.subject, c, true
		}
	}
	return subject, cents, found
}
