package camt

import (
	"io"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/money"
)

// Reader reads one bank file, in the manner of archive/tar: NextStatement goes to a statement, Next reads its
// lines one by one. A file may hold several statements.
type Reader struct {
	xml   *scanner
	err   error // sticky
	space string
	state state

	messageID string
	count     int // statements so far
	stmt      Statement
	totals    Totals
	entry     entry

	words    map[string]string // codes that come again and again
	dateText string            // the date read last: most lines have the same
	date     calendar.Date
	text     []byte
}

// state is where the reader stands.
type state int

const (
	atStart   state = iota
	between         // statements
	atEntry         // an entry's start has been read
	inside          // a statement
	inEntry         // an entry, outside its details
	inDetails       // an element NtryDtls
	after           // a statement whose end has been read
	atEnd           // of the file
)

// NewReader makes a reader of a file of at most maxBytes.
func NewReader(file io.Reader, maxBytes int64) *Reader {
	return &Reader{xml: newScanner(file, maxBytes), words: map[string]string{}}
}

// NextStatement reads up to the next statement and returns its head. What is left of the one before it is read
// and checked first. It answers io.EOF when the file is complete and right.
//
// Errors: "bank-file-format", "bank-file-version", "bank-file-encoding", "bank-file-truncated", "bank-file-balance",
// "bank-file-batch", "bank-file-too-large", or what the file's own reader answered.
func (r *Reader) NextStatement() (Statement, error) {
	for r.state == atEntry || r.state == inside || r.state == inEntry || r.state == inDetails {
		if _, err := r.Next(); err != nil && err != io.EOF {
			return Statement{}, err
		}
	}
	if r.state == atStart {
		r.open()
	}
	for r.err == nil && r.state != atEnd {
		if !r.child() {
			r.close()
			break
		}
		switch string(r.xml.name) {
		case "GrpHdr":
			r.header()
		case "Stmt":
			r.head()
			return r.stmt, r.fault()
		default:
			r.xml.skip()
		}
	}
	if err := r.fault(); err != nil {
		return Statement{}, err
	}
	return Statement{}, io.EOF
}

// Next returns the next booked line of the statement, or io.EOF when the statement is complete and adds up.
func (r *Reader) Next() (Line, error) {
	for r.fault() == nil {
		switch r.state {
		case inside:
			switch {
			case !r.child():
				r.finish()
			case string(r.xml.name) == "Ntry":
				r.state = atEntry
			case string(r.xml.name) == "Bal":
				r.fail("bank-file-format", "A balance stands after the entries of statement %d.", r.count)
			default:
				r.xml.skip()
			}
		case atEntry:
			r.totals.Entries++
			r.entry = entry{line: Line{Entry: r.totals.Entries, Currency: r.stmt.Currency}}
			r.state = inEntry
		case inEntry, inDetails:
			if line, ok := r.within(); ok {
				r.totals.Lines++
				return line, nil
			}
		default:
			return Line{}, io.EOF
		}
	}
	return Line{}, r.fault()
}

// Totals returns what has been read of the statement.
func (r *Reader) Totals() Totals { return r.totals }

// fault returns what went wrong, here or in the XML.
func (r *Reader) fault() error {
	if r.err == nil && r.xml.err != nil && r.xml.err != io.EOF {
		r.err = r.xml.err
	}
	return r.err
}

func (r *Reader) fail(code, detail string, args ...any) {
	if r.fault() == nil {
		r.err = fault.Bad(code, detail, args...)
	}
}

// child is scanner.child for elements of the message's own namespace.
func (r *Reader) child() bool {
	for r.xml.child() {
		if r.err != nil {
			return false
		}
		if r.xml.space == r.space {
			return true
		}
		r.xml.skip()
	}
	return false
}

// open reads the first two elements: which message this is.
func (r *Reader) open() {
	if !r.xml.child() {
		return
	}
	r.space = r.xml.space
	version, ok := strings.CutPrefix(r.space, namespaces)
	switch {
	case string(r.xml.name) != "Document" || !ok:
		r.fail("bank-file-format", "The file is not a bank statement in the format camt.053.")
	case Version(version) != V02 && Version(version) != V08:
		r.fail("bank-file-version", "The file is a message of another kind or version than camt.053.001.02 and camt.053.001.08.")
	case !r.child() || string(r.xml.name) != "BkToCstmrStmt":
		r.fail("bank-file-format", "The file holds no bank statement.")
	}
	r.state = between
}

// close reads what follows the last statement up to the end of the file.
func (r *Reader) close() {
	for r.xml.next() != broken { // the document may have more after the message, and then its end
	}
	if r.count == 0 {
		r.fail("bank-file-format", "The file holds no bank statement.")
	}
	r.state = atEnd
}

func (r *Reader) header() {
	for r.child() {
		if string(r.xml.name) == "MsgId" {
			r.messageID = r.string()
		} else {
			r.xml.skip()
		}
	}
}

// head reads a statement up to its first entry.
func (r *Reader) head() {
	r.count++
	r.stmt = Statement{MessageID: r.messageID, Page: 1, Last: true}
	r.totals = Totals{}
	var from, to string // read when the account, and so the time zone, is known
	var balances []balance
	r.state = after
	for r.state == after && r.child() {
		switch string(r.xml.name) {
		case "Id":
			r.stmt.ID = r.string()
		case "StmtPgntn":
			r.pagination()
		case "ElctrncSeqNb":
			r.stmt.Sequence = r.number()
		case "LglSeqNb":
			if n := r.number(); r.stmt.Sequence == 0 {
				r.stmt.Sequence = n
			}
		case "CreDtTm":
			r.stmt.Created, _ = calendar.ParseInstant(r.string()) // zero without an offset
		case "FrToDt":
			for r.child() {
				switch string(r.xml.name) {
				case "FrDtTm":
					from = r.string()
				case "ToDtTm":
					to = r.string()
				default:
					r.xml.skip()
				}
			}
		case "CpyDplctInd":
			r.stmt.Copy = true
			r.xml.skip()
		case "Acct":
			r.account()
		case "Bal":
			balances = append(balances, r.balance())
			if len(balances) > 100 {
				r.fail("bank-file-format", "Statement %d has too many balances.", r.count)
			}
		case "Ntry":
			r.state = atEntry
		default:
			r.xml.skip()
		}
	}
	r.settle(from, to, balances)
	if r.state == after {
		r.finish()
	}
}

// settle checks what was read of a head and puts it together.
func (r *Reader) settle(from, to string, balances []balance) {
	s := &r.stmt
	if s.ID == "" || s.IBAN == "" {
		r.fail("bank-file-format", "Statement %d does not say which statement or account it is.", r.count)
		return
	}
	if from != "" {
		s.From = r.day([]byte(from))
	}
	if to != "" {
		s.To = r.day([]byte(to))
	}
	previous := Balance{}
	for _, b := range balances {
		known := &s.Closing
		switch b.kind {
		case "OPBD":
			known = &s.Opening
		case "PRCD":
			known = &previous
		case "CLBD":
		default:
			continue
		}
		if s.Currency == "" {
			s.Currency = b.currency
		}
		if b.currency != s.Currency {
			continue // the same in another currency, for information
		}
		value := Balance{true, b.cents, b.on}
		if known.Known && known.Cents != value.Cents {
			r.fail("bank-file-balance", "Statement %d has two balances of one kind that differ.", r.count)
		}
		*known = value
	}
	if !s.Opening.Known {
		s.Opening = previous
	}
	if s.Currency != "" && !money.KnownCurrency(s.Currency) {
		r.fail("bank-currency", "Statement %d is in a currency other than EUR.", r.count)
	}
}

func (r *Reader) pagination() {
	for r.child() {
		switch string(r.xml.name) {
		case "PgNb":
			r.stmt.Page = int(r.number())
		case "LastPgInd":
			r.stmt.Last = r.flag()
		default:
			r.xml.skip()
		}
	}
}

// account reads our own account.
func (r *Reader) account() {
	for r.child() {
		switch string(r.xml.name) {
		case "Id":
			iban, err := ident.IBAN(r.accountID())
			if err != nil {
				r.fail("bank-file-format", "The account of statement %d is no IBAN.", r.count)
				return
			}
			r.stmt.IBAN, r.dateText = iban, ""
		case "Ccy":
			r.stmt.Currency = r.currency([]byte(r.string()))
		default:
			r.xml.skip()
		}
	}
}

// accountID reads Id of an account and returns its IBAN, or "".
func (r *Reader) accountID() (iban string) {
	for r.child() {
		if string(r.xml.name) == "IBAN" {
			iban = r.string()
		} else {
			r.xml.skip()
		}
	}
	return iban
}

// balance is one element Bal.
type balance struct {
	kind     string
	cents    int64
	currency string
	on       calendar.Date
}

func (r *Reader) balance() (b balance) {
	credit := true
	for r.child() {
		switch string(r.xml.name) {
		case "Tp":
			b.kind = r.code()
		case "Amt":
			b.cents, b.currency = r.amount()
		case "CdtDbtInd":
			credit = r.direction()
		case "Dt":
			b.on = r.moment()
		default:
			r.xml.skip()
		}
	}
	if !credit {
		b.cents = -b.cents
	}
	if b.currency == "" || b.on.IsZero() {
		r.fail("bank-file-format", "A balance of statement %d has no amount or no date.", r.count)
	}
	return b
}

// finish ends a statement.
func (r *Reader) finish() {
	if r.fault() != nil {
		return
	}
	r.state = after
	s := &r.stmt
	if !s.Opening.Known || !s.Closing.Known || s.Page != 1 || !s.Last {
		return
	}
	if sum, ok := add(s.Opening.Cents, r.totals.In-r.totals.Out); !ok || sum != s.Closing.Cents {
		r.fail("bank-file-balance", "Opening balance and entries of statement %d do not add up to its closing balance.", r.count)
	}
}

func add(a, b int64) (sum int64, ok bool) {
	sum = a + b
	return sum, (sum > a) == (b > 0)
}
