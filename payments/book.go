package payments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"achteraf/internal/beside"
	"achteraf/internal/db"
	"achteraf/internal/vault"
	"achteraf/ledger"
)

// Kind says what a bank line is.
type Kind string

const (
	Incoming Kind = "incoming"
	Batch    Kind = "batch" // several payments came in in one amount
	Outgoing Kind = "outgoing"
	Reversal Kind = "reversal" // takes back an earlier payment, or brings one back
	Own      Kind = "own"      // on the operator's own account
)

// line is a bank line on its way into the books.
type line struct {
	Line
	hash  []byte
	kind  Kind
	clue  clue
	known bool // booked before
	id    string
	match *match // nil: nobody's yet
}

func newLine(l Line, hash []byte, k Kind) line {
	n := line{Line: l, hash: hash, kind: k}
	if k == Incoming && l.Cents > 0 {
		n.clue = clueOf(l)
	}
	return n
}

func (im *Importer) kindOf(iban string, l Line) Kind {
	switch {
	case iban != im.client:
		return Own
	case l.Returned:
		return Reversal
	case l.Cents <= 0:
		return Outgoing
	case l.Several:
		return Batch
	}
	return Incoming
}

var (
	findLines = db.NewQuery(`select 1 from bank_lines where line_hash = $1`, db.Bytes)

	newLines = db.NewTable("bank_lines", "on conflict (line_hash) do nothing",
		db.Col{Name: "id", Type: db.Text}, db.Col{Name: "line_hash", Type: db.Bytes}, db.Col{Name: "iban", Type: db.Text},
		db.Col{Name: "statement_id", Type: db.Text}, db.Col{Name: "booked_on", Type: db.Date}, db.Col{Name: "value_on", Type: db.Date},
		db.Col{Name: "cents", Type: db.Bigint}, db.Col{Name: "left_cents", Type: db.Bigint}, db.Col{Name: "currency", Type: db.Text},
		db.Col{Name: "kind", Type: db.Text}, db.Col{Name: "reference", Type: db.Text}, db.Col{Name: "payer", Type: db.Bytes},
		db.Col{Name: "imported_at", Type: db.Instant})
)

// booked is what became of a slice.
type booked struct {
	read    int    // lines in it
	fresh   []line // those that were new
	surplus int64  // of the matched: held for buyers
}

// lookTime is how long a slice is looked up ahead: some 3 ms, unless long reads are under way.
const lookTime = time.Second

// lookAhead asks for a slice what never changes once it is so, while others are booked: that a line is known, and which
// order a reference names. book asks for the rest, and for all of it where this fails or takes too long.
func (im *Importer) lookAhead(ctx context.Context, lines []line) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	_ = im.db.Read(ctx, func(tx *db.Tx) error {
		if err := markKnown(ctx, tx, lines); err != nil {
			return err
		}
		return byReference(ctx, tx, lines)
	})
}

// book books a slice of a statement's lines in one transaction.
func (im *Importer) book(ctx context.Context, statement, iban string, lines []line) (done booked, err error) {
	err = im.db.Write(ctx, func(tx *db.Tx) error {
		fresh := slices.Clone(lines) // what runs again begins anew
		if err := markKnown(ctx, tx, fresh); err != nil {
			return err
		}
		fresh = slices.DeleteFunc(fresh, func(l line) bool { return l.known })
		done = booked{read: len(lines), fresh: fresh}
		if len(fresh) == 0 {
			return nil
		}
		for i := range fresh {
			fresh[i].id = tx.ID("bl_")
		}
		payers := beside.Run(func() ([][]byte, error) { return im.payers(fresh) })
		if err := byReference(ctx, tx, fresh); err != nil {
			return err
		}
		if err := byNumber(ctx, tx, fresh); err != nil {
			return err
		}
		if done.surplus, err = im.post(ctx, tx, iban, fresh); err != nil {
			return err
		}
		sealed, err := payers()
		if err != nil {
			return err
		}
		return put(ctx, tx, statement, iban, fresh, sealed)
	})
	return done, err
}

// markKnown marks the lines that were booked before.
func markKnown(ctx context.Context, tx *db.Tx, lines []line) error {
	var open []int
	var keys [][]any
	for i := range lines {
		if !lines[i].known {
			open, keys = append(open, i), append(keys, []any{lines[i].hash})
		}
	}
	return tx.Find(ctx, findLines, keys, func(i int, _ db.Row) error {
		lines[open[i]].known = true
		return nil
	})
}

// put stores lines. When another import has booked one of them meanwhile, the slice runs again and finds it.
func put(ctx context.Context, tx *db.Tx, statement, iban string, lines []line, payers [][]byte) error {
	rows := make([][]any, len(lines))
	for i := range lines {
		l := &lines[i]
		left, reference := l.Cents, ""
		if l.match != nil {
			left, reference = 0, l.match.order.PaymentReference
		}
		rows[i] = []any{l.id, l.hash, iban, statement, l.BookedOn, l.ValueOn, l.Cents, left, l.Currency, l.kind, reference, payers[i], tx.Now}
	}
	slices.SortFunc(rows, func(a, b []any) int { return bytes.Compare(a[1].([]byte), b[1].([]byte)) }) // two imports do not wait for each other in a circle
	n, err := tx.Insert(ctx, newLines, rows)
	if err == nil && int(n) != len(rows) {
		err = fmt.Errorf("a bank line was read twice at once: %w", db.ErrConflict)
	}
	return err
}

// Payer is what is sealed of a line: who paid, and with which words.
type Payer struct {
	Name      string `json:"name,omitempty"`
	IBAN      string `json:"iban,omitempty"`
	BIC       string `json:"bic,omitempty"`
	Reference string `json:"reference,omitempty"`
	Text      string `json:"text,omitempty"`
	EndToEnd  string `json:"end_to_end,omitempty"`
}

// sealing is the purpose under which payers are sealed.
const sealing = "bank"

func payerPlace(id string) vault.Place {
	return vault.Place{Table: "bank_lines", Column: "payer", Row: id}
}

// payers seals who paid, in the order of lines; nil of a line of which the bank told nothing.
func (im *Importer) payers(lines []line) (all [][]byte, err error) {
	all = make([][]byte, len(lines))
	for i := range lines {
		if all[i], err = im.seal(&lines[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (im *Importer) seal(l *line) ([]byte, error) {
	p := Payer{l.Payer, l.PayerIBAN, l.PayerBIC, l.Reference, l.Text, l.EndToEnd}
	if p == (Payer{}) {
		return nil, nil
	}
	plain, err := json.Marshal(p)
	return im.vault.SealShared(sealing, payerPlace(l.id), plain), err
}

// post books the lines at the bank, gives those that match to their orders, and returns how much of these is
// held for buyers.
func (im *Importer) post(ctx context.Context, tx *db.Tx, iban string, lines []line) (surplus int64, err error) {
	entries := make([]ledger.Entry, 0, 2*len(lines))
	var shares []share
	for i := range lines {
		l := &lines[i]
		if l.Cents != 0 {
			entries = append(entries, received(iban, l))
		}
		if l.match != nil {
			shares = append(shares, share{l.id, l.match.order, l.Cents, l.match.confidence, "import"})
		}
	}
	given, err := allocate(ctx, tx, im.clerk, shares)
	if err != nil {
		return 0, err
	}
	for _, a := range given {
		entries = append(entries, a.entry())
		if a.To == Credit {
			surplus += a.Cents
		}
	}
	return surplus, ledger.PostNew(ctx, tx, entries...)
}

// received is the entry of a bank line, whichever way the money went: what came in is owed to somebody until
// it is allocated, what went out waits to be told what it was for.
func received(iban string, l *line) ledger.Entry {
	return ledger.Entry{Merchant: ledger.Operator, Key: l.id + "/received", Kind: "bank-line", Currency: l.Currency, Legs: []ledger.Leg{
		{Code: ledger.Bank, Subject: iban, Cents: l.Cents},
		{Code: ledger.Unallocated, Subject: l.id, Cents: -l.Cents},
	}}
}
