package ledger

import (
	"context"
	"errors"

	"achteraf/internal/db"
	"achteraf/internal/fault"

	"golang.org/x/mod/sumdb/tlog"
)

var (
	entriesTable = db.NewTable("entries", "",
		db.Col{Name: "writer", Type: db.Text}, db.Col{Name: "seq", Type: db.Bigint}, db.Col{Name: "n", Type: db.Bigint},
		db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "key", Type: db.Text}, db.Col{Name: "kind", Type: db.Text},
		db.Col{Name: "posted_at", Type: db.Instant}, db.Col{Name: "currency", Type: db.Text})
	postingsTable = db.NewTable("postings", "",
		db.Col{Name: "writer", Type: db.Text}, db.Col{Name: "seq", Type: db.Bigint}, db.Col{Name: "n", Type: db.Bigint},
		db.Col{Name: "leg", Type: db.Bigint}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "code", Type: db.Text},
		db.Col{Name: "subject", Type: db.Text}, db.Col{Name: "cents", Type: db.Bigint})
	commitsTable = db.NewTable("commits", "",
		db.Col{Name: "writer", Type: db.Text}, db.Col{Name: "seq", Type: db.Bigint}, db.Col{Name: "entries", Type: db.Bigint},
		db.Col{Name: "digest", Type: db.Bytes}, db.Col{Name: "committed_at", Type: db.Instant})

	byKey = db.NewQuery(`
select writer, seq, n, kind, currency, posted_at from entries where key = $1 and merchant_id = $2`, db.Text, db.Text)
	legsOf = db.NewQuery(`
select code, subject, cents from postings where writer = $1 and seq = $2 and n = $3 and merchant_id = $4 order by leg`,
		db.Text, db.Bigint, db.Bigint, db.Text)
)

// Post adds entries to the journal. An entry whose key its merchant has posted before, in whatever
// transaction, is left out. Errors: Conflict "entry-key" when that key was posted with other content; what
// is wrong with an entry, before anything is written. Two transactions that post a key at the same moment
// cannot both commit: one fails as a whole with db.ErrUnique and finds the entry when it runs again.
func Post(ctx context.Context, tx *db.Tx, entries ...Entry) error {
	if err := check(entries); err != nil {
		return err
	}
	fresh, err := unposted(ctx, tx, entries)
	if err != nil || len(fresh) == 0 {
		return err
	}
	return write(ctx, tx, fresh)
}

// PostNew is Post for entries whose keys nobody can have posted, since each names a row that this transaction makes, or
// a step that it has locked and that is taken once. A key that is there all the same fails the transaction with db.ErrUnique.
func PostNew(ctx context.Context, tx *db.Tx, entries ...Entry) error {
	if err := check(entries); err != nil || len(entries) == 0 {
		return err
	}
	return write(ctx, tx, entries)
}

func check(entries []Entry) error {
	for i := range entries {
		if err := entries[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// Commit writes the row that closes a posting transaction. It is what DB.BeforeCommit is set to.
func Commit(ctx context.Context, tx *db.Tx) error {
	p := tx.Position()
	return tx.Put(ctx, commitsTable, [][]any{{p.Writer, p.Seq, p.Count, p.Digest[:], tx.Wall}})
}

// write appends entries at the transaction's position.
func write(ctx context.Context, tx *db.Tx, entries []Entry) error {
	at := *tx.Position()
	if at.Writer == "" {
		return errors.New("ledger: posting in a transaction that only reads")
	}
	legs := 0
	for i := range entries {
		legs += len(entries[i].Legs)
	}
	heads := newRows(len(entries), 8)
	sides := newRows(legs, 8)
	p := posted{writer: at.Writer, seq: at.Seq, at: tx.Now, committed: tx.Wall}
	var leaf tlog.Hash
	var buf []byte
	for i := range entries {
		p.Entry, p.n = entries[i], at.Count
		heads.add(p.writer, p.seq, p.n, p.Merchant, p.Key, p.Kind, p.at, p.Currency)
		for j, l := range p.Legs {
			sides.add(p.writer, p.seq, p.n, j, p.Merchant, l.Code, l.Subject, l.Cents)
		}
		leaf, buf = p.hash(buf)
		at.Digest = chain(at.Digest, leaf)
		at.Count++
	}
	if err := tx.Put(ctx, entriesTable, heads.all); err != nil {
		return err
	}
	if err := tx.Put(ctx, postingsTable, sides.all); err != nil {
		return err
	}
	*tx.Position() = at
	return nil
}

// unposted returns the entries whose keys are new, each key once.
func unposted(ctx context.Context, tx *db.Tx, entries []Entry) ([]Entry, error) {
	fresh, err := distinct(entries)
	if err != nil {
		return nil, err
	}
	keys := newRows(len(fresh), 2)
	for i := range fresh {
		keys.add(fresh[i].Key, fresh[i].Merchant)
	}
	var found []int
	var old []posted
	err = tx.Find(ctx, byKey, keys.all, func(i int, r db.Row) error {
		p := posted{Entry: Entry{Merchant: fresh[i].Merchant, Key: fresh[i].Key}}
		found, old = append(found, i), append(old, p)
		p0 := &old[len(old)-1]
		return r.Scan(&p0.writer, &p0.seq, &p0.n, &p0.Kind, &p0.Currency, &p0.at)
	})
	if err != nil || len(found) == 0 {
		return fresh, err
	}
	if err := loadLegs(ctx, tx, old); err != nil {
		return nil, err
	}
	for j := range found {
		if !fresh[found[j]].same(&old[j].Entry) {
			return nil, clash(&old[j].Entry)
		}
	}
	return without(fresh, found), nil
}

// loadLegs reads the legs of entries found by their keys.
func loadLegs(ctx context.Context, tx *db.Tx, old []posted) error {
	places := newRows(len(old), 4)
	for i := range old {
		places.add(old[i].writer, old[i].seq, old[i].n, old[i].Merchant)
	}
	return tx.Find(ctx, legsOf, places.all, func(i int, r db.Row) error {
		var l Leg
		err := r.Scan(&l.Code, &l.Subject, &l.Cents)
		old[i].Legs = append(old[i].Legs, l)
		return err
	})
}

// distinct leaves out what is repeated within one call.
func distinct(entries []Entry) ([]Entry, error) {
	if len(entries) < 2 {
		return entries, nil
	}
	type name struct{ merchant, key string }
	first := make(map[name]int, len(entries))
	var again []int
	for i := range entries {
		e := &entries[i]
		j, ok := first[name{e.Merchant, e.Key}]
		if !ok {
			first[name{e.Merchant, e.Key}] = i
			continue
		}
		if !e.same(&entries[j]) {
			return nil, clash(e)
		}
		again = append(again, i)
	}
	return without(entries, again), nil
}

// without returns entries but those at the given places, which are in order.
func without(entries []Entry, places []int) []Entry {
	if len(places) == 0 {
		return entries
	}
	var rest []Entry
	for i := range entries {
		if len(places) > 0 && places[0] == i {
			places = places[1:]
			continue
		}
		rest = append(rest, entries[i])
	}
	return rest
}

func clash(e *Entry) error {
	return fault.Clash("entry-key", "Entry %s was posted before with other content.", e.Key)
}

// rows gathers rows of one width in one piece of memory.
type rows struct {
	all   [][]any
	cells []any
}

func newRows(n, width int) rows {
	return rows{make([][]any, 0, n), make([]any, 0, n*width)}
}

func (r *rows) add(values ...any) {
	from := len(r.cells)
	r.cells = append(r.cells, values...)
	r.all = append(r.all, r.cells[from:len(r.cells):len(r.cells)])
}
