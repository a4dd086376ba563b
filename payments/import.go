package payments

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"sync"

	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/money"
)

// How many lines share a transaction, and how many transactions run at a time. SQLite has one writer, and no
// slice may keep others waiting for much longer than 25 ms; PostgreSQL is spared round trips, and works on one
// slice while we make the next.
const (
	sliceOnSQLite    = 200
	sliceOnPostgres  = 500
	atOnceOnSQLite   = 1
	atOnceOnPostgres = 2
)

func (im *Importer) sliceSize() (lines, atOnce int) {
	if im.db.Engine() == "sqlite" {
		return sliceOnSQLite, atOnceOnSQLite
	}
	return sliceOnPostgres, atOnceOnPostgres
}

// lookingAhead says that a slice is looked up while the one before is booked. PostgreSQL books two at a time anyway.
func (im *Importer) lookingAhead() bool { return im.db.Engine() == "sqlite" }

// Importer reads the bank's files into the books.
type Importer struct {
	db     *db.DB
	vault  *vault.Vault
	clerk  *invoices.Clerk
	client string // IBAN of client money, which buyers pay to
	own    string // IBAN of the operator's own money
}

// NewImporter makes an Importer for the operator's two accounts, given without spaces. On the own account
// nothing is matched: it is no place for buyers' money.
func NewImporter(d *db.DB, v *vault.Vault, clerk *invoices.Clerk, clientIBAN, ownIBAN string) *Importer {
	return &Importer{db: d, vault: v, clerk: clerk, client: clientIBAN, own: ownIBAN}
}

// Report is what an import did. Counts of lines, sums in cents of the new lines.
type Report struct {
	Statements       int       `json:"statements"`
	Lines            int       `json:"lines"`
	Known            int       `json:"known"`       // booked before, by this file or another
	New              int       `json:"new"`         // the sum of the five below
	Matched          int       `json:"matched"`     // given to an order
	Unallocated      int       `json:"unallocated"` // came in, and waits for a person
	Outgoing         int       `json:"outgoing"`
	Reversals        int       `json:"reversals"` // reversals and returns, either way
	Own              int       `json:"own"`       // on the operator's own account
	InCents          int64     `json:"in_cents"`
	OutCents         int64     `json:"out_cents"`
	MatchedCents     int64     `json:"matched_cents"`
	SurplusCents     int64     `json:"surplus_cents"` // of the matched: held for buyers
	UnallocatedCents int64     `json:"unallocated_cents"`
	Warnings         []Warning `json:"warnings"`
}

// Warning is something that a person should look at. Nothing is held back for it.
type Warning struct {
	Code      string `json:"code"`      // statement-gap or statement-balance
	Statement string `json:"statement"` // the bank's name for it
	Detail    string `json:"detail"`
}

// maxWarnings bounds what a strange file can make us remember.
const maxWarnings = 100

func (r *Report) warn(list []Warning) {
	r.Warnings = append(r.Warnings, list[:min(len(list), maxWarnings-len(r.Warnings))]...)
}

// add counts what a slice booked.
func (r *Report) add(b booked) {
	r.Lines += b.read
	r.Known += b.read - len(b.fresh)
	r.New += len(b.fresh)
	r.SurplusCents += b.surplus
	for i := range b.fresh {
		l := &b.fresh[i]
		if l.Cents > 0 {
			r.InCents += l.Cents
		} else {
			r.OutCents -= l.Cents
		}
		switch {
		case l.match != nil:
			r.Matched++
			r.MatchedCents += l.Cents
		case l.kind == Incoming || l.kind == Batch:
			r.Unallocated++
			r.UnallocatedCents += l.Cents
		case l.kind == Outgoing:
			r.Outgoing++
		case l.kind == Reversal:
			r.Reversals++
		default:
			r.Own++
		}
	}
}

// File books a bank's file. The file is read twice: once to see that all of it is right and ours, so that a
// bad file changes nothing, and once to book it, in slices. After an error on the way the same file can be
// imported again: what was booked is known. The report tells what was done, with an error too.
//
// Errors: Invalid "bank-account-foreign", "bank-currency", "bank-file-format", "bank-file-changed"; those of the
// format.
func (im *Importer) File(ctx context.Context, file io.ReadSeeker, format Format) (Report, error) {
	report := Report{Warnings: []Warning{}}
	sum, err := im.check(ctx, file, format)
	if err != nil {
		return report, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return report, err
	}
	again := sha256.New()
	bank := format(io.TeeReader(file, again))
	for {
		s, err := bank.NextStatement()
		if err == io.EOF {
			return report, unchanged(file, again, sum)
		}
		if err != nil {
			return report, err
		}
		if err := im.statement(ctx, bank, s, sum, &report); err != nil {
			return report, err
		}
		report.Statements++
	}
}

// check reads the whole file and returns its hash. It books nothing.
func (im *Importer) check(ctx context.Context, file io.ReadSeeker, format Format) ([]byte, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("a bank file must be one that can be read twice: %w", err)
	}
	h := sha256.New()
	bank := format(io.TeeReader(file, h))
	for {
		s, err := bank.NextStatement()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = im.acceptable(s)
		}
		if err == nil {
			err = checkLines(ctx, bank)
		}
		if err != nil {
			return nil, err
		}
	}
	_, err := io.Copy(h, file)
	return h.Sum(nil), err
}

func checkLines(ctx context.Context, bank BankFile) error {
	for ctx.Err() == nil {
		switch l, err := bank.Next(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case !money.KnownCurrency(l.Currency):
			return badCurrency()
		}
	}
	return ctx.Err()
}

// acceptable says whether a statement is one of ours.
func (im *Importer) acceptable(s Statement) error {
	switch {
	case s.IBAN == "" || s.IBAN != im.client && s.IBAN != im.own:
		return fault.Bad("bank-account-foreign", "The file holds a statement of an account that is not the operator's.")
	case s.Currency != "" && !money.KnownCurrency(s.Currency):
		return badCurrency()
	case len(s.Ref) > maxRef:
		return fault.Bad("bank-file-format", "The name of a statement is too long.")
	}
	return nil
}

// maxRef is twice what ISO 20022 allows (Max35Text).
const maxRef = 70

func badCurrency() error {
	return fault.Bad("bank-currency", "The file holds amounts in a currency other than EUR.")
}

// unchanged says that the file was still the same when it was read the second time.
func unchanged(file io.Reader, h hash.Hash, sum []byte) error {
	if _, err := io.Copy(h, file); err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), sum) {
		return fault.Bad("bank-file-changed", "The file changed while it was read.")
	}
	return nil
}

// statement books one statement.
func (im *Importer) statement(ctx context.Context, bank BankFile, s Statement, sum []byte, report *Report) error {
	if err := im.acceptable(s); err != nil {
		return err
	}
	head := head{Statement: s, undated: s.From.IsZero() || s.To.IsZero()}
	err := im.db.Write(ctx, func(tx *db.Tx) (err error) {
		head.id, err = begin(ctx, tx, s, sum)
		return err
	})
	if err != nil {
		return err
	}
	if err := im.lines(ctx, bank, &head, report); err != nil {
		return err
	}
	var warnings []Warning
	err = im.db.Write(ctx, func(tx *db.Tx) (err error) {
		warnings, err = head.finish(ctx, tx)
		return err
	})
	report.warn(warnings)
	return err
}

// lines books the lines of a statement. A slice is read while others are booked. When one cannot be, no more
// are begun; when reading fails, what was read in full is booked all the same.
func (im *Importer) lines(ctx context.Context, bank BankFile, head *head, report *Report) error {
	size, atOnce := im.sliceSize()
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ready := make(chan []line)
	var booking sync.WaitGroup
	var mu sync.Mutex // for the report
	for range atOnce {
		booking.Go(func() {
			for s := range ready {
				done, err := im.book(work, head.id, head.IBAN, s)
				if err != nil {
					stop(err)
					return
				}
				mu.Lock()
				report.add(done)
				mu.Unlock()
			}
		})
	}
	err := im.read(work, bank, head, size, ready)
	close(ready)
	booking.Wait()
	return cmp.Or(context.Cause(work), err)
}

// read cuts the statement's lines into slices until it ends or nobody takes them any more.
func (im *Importer) read(ctx context.Context, bank BankFile, h *head, size int, ready chan<- []line) error {
	names := names{seen: map[[16]byte]int{}}
	for more := true; more; {
		next := make([]line, 0, size)
		for more && len(next) < size {
			switch l, err := bank.Next(); {
			case err == io.EOF:
				more = false
			case err != nil:
				return err
			case !money.KnownCurrency(l.Currency): // the file has changed since it was checked
				return badCurrency()
			default:
				h.count(l)
				next = append(next, newLine(l, names.hash(l.Key), im.kindOf(h.IBAN, l)))
			}
		}
		if len(next) == 0 {
			break
		}
		if im.lookingAhead() {
			im.lookAhead(ctx, next)
		}
		select {
		case ready <- next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// names turns keys into hashes. Lines of one statement with the same key are different lines all the same,
// since both stand there; they are told apart by counting. This takes some 30 bytes for each line.
type names struct{ seen map[[16]byte]int }

func (n *names) hash(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	short := [16]byte(sum[:16])
	n.seen[short]++
	if c := n.seen[short]; c > 1 {
		sum = sha256.Sum256(fmt.Appendf(nil, "%s #%d", key, c))
	}
	return sum[:]
}
