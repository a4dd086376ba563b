package camt

import (
	"bytes"
	"io"
	"strconv"
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

// entry is the entry being read.
type entry struct {
	line     Line // what the entry says of all its transactions
	info     string
	status   string
	amount   bool // Amt was there
	credit   bool
	directed bool // CdtDbtInd was there
	counted  int  // NbOfTxs
	found    int  // transactions so far
	sum      int64
	bare     bool // its transactions name no amount
	held     transaction
}

// transaction is one TxDtls.
type transaction struct {
	line     Line
	amount   bool
	cents    int64 // without sign
	currency string
	credit   bool
}

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
		r.fail("bank-file-format", "Statement %d is in a currency that is not known here.", r.count)
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

// within reads on in an entry until a line is complete.
func (r *Reader) within() (Line, bool) {
	e := &r.entry
	for r.fault() == nil {
		if !r.child() {
			if r.state == inDetails {
				r.state = inEntry
				continue
			}
			r.state = inside
			return r.endEntry()
		}
		if r.state == inEntry {
			r.entryField()
			continue
		}
		switch string(r.xml.name) {
		case "Btch":
			r.batch()
		case "TxDtls":
			t := r.transaction()
			var line Line
			ok := false
			if e.found++; e.found > 1 {
				line, ok = r.release(e.found - 1)
			}
			if e.held = t; ok {
				return line, true
			}
		default:
			r.xml.skip()
		}
	}
	return Line{}, false
}

// entryField reads one element of an entry.
func (r *Reader) entryField() {
	e := &r.entry
	l := &e.line
	switch string(r.xml.name) {
	case "Amt":
		cents, currency := r.amount()
		if l.Currency == "" {
			r.stmt.Currency, l.Currency = currency, currency
		}
		if currency != l.Currency || !money.KnownCurrency(currency) {
			r.fail("bank-file-format", "Entry %d of statement %d is not in the currency of the account.", l.Entry, r.count)
		}
		l.Cents, e.amount = cents, true
	case "CdtDbtInd":
		e.credit, e.directed = r.direction(), true
	case "RvslInd":
		l.Reversal = r.flag()
	case "Sts":
		e.status = r.code()
	case "BookgDt":
		l.BookedOn = r.moment()
	case "ValDt":
		l.ValueOn = r.moment()
	case "AcctSvcrRef":
		l.Ref = r.string()
	case "BkTxCd":
		r.bankCode(l)
	case "NtryDtls":
		switch e.status {
		case "BOOK":
			r.ready()
			r.state = inDetails
		case "":
			r.fail("bank-file-format", "Entry %d of statement %d has no status before its details.", l.Entry, r.count)
		default:
			r.xml.skip()
		}
	case "AddtlNtryInf":
		e.info = r.string()
	default:
		r.xml.skip()
	}
}

// ready checks that an entry has said what all its transactions need.
func (r *Reader) ready() {
	e := &r.entry
	l := &e.line
	if l.BookedOn.IsZero() {
		l.BookedOn = l.ValueOn
	}
	if !e.amount || !e.directed || l.BookedOn.IsZero() {
		r.fail("bank-file-format", "Entry %d of statement %d has no amount, direction or date.", l.Entry, r.count)
	}
}

// signed returns cents as they change the balance.
func signed(cents int64, credit bool) int64 {
	if credit {
		return cents
	}
	return -cents
}

// endEntry counts an entry that has been read to its end and returns its last line.
func (r *Reader) endEntry() (Line, bool) {
	e := &r.entry
	if r.fault() != nil {
		return Line{}, false
	}
	switch e.status {
	case "BOOK":
	case "":
		r.fail("bank-file-format", "Entry %d of statement %d has no status.", e.line.Entry, r.count)
		return Line{}, false
	case "PDNG":
		r.totals.Pending++
		return Line{}, false
	default:
		r.totals.Other++
		return Line{}, false
	}
	if r.ready(); r.err != nil {
		return Line{}, false
	}
	r.totals.Booked++
	cents := signed(e.line.Cents, e.credit)
	side := &r.totals.In
	if !e.credit {
		side = &r.totals.Out
	}
	sum, ok := add(*side, e.line.Cents) // each side apart, so that their difference cannot overflow either
	if *side = sum; !ok {
		r.fail("bank-file-balance", "The entries of statement %d add up to too much.", r.count)
		return Line{}, false
	}
	line, ok := r.lastLine(cents)
	if line.Info == "" {
		line.Info = e.info
	}
	return line, ok
}

// lastLine is the whole of an entry that is not divided, or the last part of one that is.
func (r *Reader) lastLine(cents int64) (Line, bool) {
	e := &r.entry
	if e.found > 1 {
		line, ok := r.release(e.found)
		if ok && e.sum != cents {
			r.fail("bank-file-batch", "The transactions of entry %d of statement %d do not add up to it.", line.Entry, r.count)
			return Line{}, false
		}
		if ok || !e.bare {
			return line, ok
		}
	}
	line := e.line
	switch n := max(e.found, e.counted); {
	case n > 1:
		line.Undivided = n
	case e.found == 1:
		line = e.held.line
	}
	line.Cents = cents
	return line, r.err == nil
}

// release makes the line of the transaction that is held, which was the part-th of its entry. A transaction is
// held until it is known whether another follows, for the only one of an entry is the entry.
func (r *Reader) release(part int) (Line, bool) {
	e := &r.entry
	t := &e.held
	if part == 1 {
		e.bare = !t.amount
	}
	switch {
	case e.bare && !t.amount:
		return Line{}, false
	case e.bare != !t.amount, t.currency != r.stmt.Currency:
		r.fail("bank-file-batch", "A transaction of entry %d of statement %d has no amount in the currency of the account.", e.line.Entry, r.count)
		return Line{}, false
	}
	line := t.line
	line.Part = part
	line.Cents = signed(t.cents, t.credit)
	sum, ok := add(e.sum, line.Cents)
	if e.sum = sum; !ok {
		r.fail("bank-file-batch", "The transactions of entry %d of statement %d add up to too much.", e.line.Entry, r.count)
	}
	return line, ok
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

// transaction reads one TxDtls.
func (r *Reader) transaction() transaction {
	t := transaction{line: r.entry.line, credit: r.entry.credit}
	var debtor, creditor party
	l := &t.line
	for r.child() {
		switch string(r.xml.name) {
		case "Refs":
			r.refs(l)
		case "Amt":
			t.cents, t.currency = r.amount()
			t.amount = true
		case "CdtDbtInd":
			t.credit = r.direction()
		case "AmtDtls":
			r.amountDetails(&t)
		case "BkTxCd":
			r.bankCode(l)
		case "RltdPties":
			r.parties(&debtor, &creditor)
		case "RltdAgts":
			r.agents(&debtor, &creditor)
		case "RmtInf":
			r.remittance(l)
		case "RtrInf":
			for r.child() {
				if string(r.xml.name) == "Rsn" {
					l.ReturnReason = r.code()
				} else {
					r.xml.skip()
				}
			}
		case "AddtlTxInf":
			l.Info = r.string()
		default:
			r.xml.skip()
		}
	}
	other := &debtor
	if !t.credit {
		other = &creditor
	}
	if other.iban == r.stmt.IBAN { // of a return some banks name the parties of what is returned
		other = &debtor
		if t.credit {
			other = &creditor
		}
	}
	l.PartyName, l.PartyIBAN, l.PartyBIC = other.name, other.iban, other.bic
	if l.PartyName == "" {
		l.PartyName = other.ultimate
	}
	return t
}

func (r *Reader) refs(l *Line) {
	for r.child() {
		switch string(r.xml.name) {
		case "MsgId":
			l.MessageID = r.string()
		case "PmtInfId":
			l.PaymentID = r.string()
		case "AcctSvcrRef":
			if ref := r.string(); l.Ref == "" {
				l.Ref = ref
			}
		case "EndToEndId":
			if l.EndToEndID = r.string(); l.EndToEndID == "NOTPROVIDED" {
				l.EndToEndID = ""
			}
		default:
			r.xml.skip()
		}
	}
}

// amountDetails reads the amount of a transaction in version 02; in version 08 it need not say more than Amt.
func (r *Reader) amountDetails(t *transaction) {
	own := t.amount
	for r.child() {
		kind := string(r.xml.name)
		if own || kind != "TxAmt" && (kind != "InstdAmt" || t.amount) {
			r.xml.skip()
			continue
		}
		for r.child() {
			if string(r.xml.name) == "Amt" {
				t.cents, t.currency = r.amount()
				t.amount = true
			} else {
				r.xml.skip()
			}
		}
	}
}

func (r *Reader) bankCode(l *Line) {
	for r.child() {
		if string(r.xml.name) != "Domn" {
			r.xml.skip()
			continue
		}
		for r.child() {
			switch string(r.xml.name) {
			case "Cd":
				l.Domain = r.word(r.value())
			case "Fmly":
				for r.child() {
					switch string(r.xml.name) {
					case "Cd":
						l.Family = r.word(r.value())
					case "SubFmlyCd":
						l.SubFamily = r.word(r.value())
					default:
						r.xml.skip()
					}
				}
			default:
				r.xml.skip()
			}
		}
	}
}

// batch reads what a bank says of several payments booked at once.
func (r *Reader) batch() {
	for r.child() {
		switch string(r.xml.name) {
		case "MsgId":
			r.entry.line.MessageID = r.string()
		case "PmtInfId":
			r.entry.line.PaymentID = r.string()
		case "NbOfTxs":
			r.entry.counted += int(r.number())
		default:
			r.xml.skip()
		}
	}
}

// party is one side of a transaction.
type party struct{ name, ultimate, iban, bic string }

func (r *Reader) parties(debtor, creditor *party) {
	for r.child() {
		switch string(r.xml.name) {
		case "Dbtr":
			debtor.name = r.partyName()
		case "UltmtDbtr":
			debtor.ultimate = r.partyName()
		case "DbtrAcct":
			debtor.iban = r.partyIBAN()
		case "Cdtr":
			creditor.name = r.partyName()
		case "UltmtCdtr":
			creditor.ultimate = r.partyName()
		case "CdtrAcct":
			creditor.iban = r.partyIBAN()
		default:
			r.xml.skip()
		}
	}
}

// partyName reads Nm, which version 08 wraps in Pty.
func (r *Reader) partyName() (name string) {
	for r.child() {
		switch string(r.xml.name) {
		case "Nm":
			name = r.string()
		case "Pty":
			name = r.partyName()
		default:
			r.xml.skip()
		}
	}
	return name
}

func (r *Reader) partyIBAN() (iban string) {
	for r.child() {
		if string(r.xml.name) == "Id" {
			iban, _ = ident.IBAN(r.accountID())
		} else {
			r.xml.skip()
		}
	}
	return iban
}

func (r *Reader) agents(debtor, creditor *party) {
	for r.child() {
		switch string(r.xml.name) {
		case "DbtrAgt":
			debtor.bic = r.bic()
		case "CdtrAgt":
			creditor.bic = r.bic()
		default:
			r.xml.skip()
		}
	}
}

// bic reads FinInstnId/BIC of version 02 or FinInstnId/BICFI of version 08.
func (r *Reader) bic() (bic string) {
	for r.child() {
		switch string(r.xml.name) {
		case "FinInstnId":
			bic = r.bic()
		case "BIC", "BICFI":
			bic = r.word(r.value())
		default:
			r.xml.skip()
		}
	}
	return bic
}

// remittance reads RmtInf. The unstructured pieces are one text, cut by the bank where it liked.
func (r *Reader) remittance(l *Line) {
	r.text = r.text[:0]
	var further []string
	for r.child() {
		switch string(r.xml.name) {
		case "Ustrd":
			r.text = append(r.text, r.xml.leaf()...)
			if len(r.text) > maxToken {
				r.xml.tooLarge("a remittance")
			}
		case "Strd":
			further = r.structured(l, further)
			if len(further) > 1000 {
				r.xml.tooLarge("a remittance")
			}
		default:
			r.xml.skip()
		}
	}
	l.Text = strings.TrimSpace(string(r.text))
	if len(further) > 0 {
		l.Text = strings.TrimSpace(l.Text + " " + strings.Join(further, " "))
	}
}

// structured reads one Strd. The first creditor reference is the line's; whatever else names a document goes
// to further.
func (r *Reader) structured(l *Line, further []string) []string {
	for r.child() {
		switch string(r.xml.name) {
		case "CdtrRefInf":
			if ref, issuer := r.creditorReference(); l.StructuredRef == "" {
				l.StructuredRef, l.StructuredIssuer = ref, issuer
			} else if ref != "" {
				further = append(further, ref)
			}
		case "RfrdDocInf":
			for r.child() {
				if string(r.xml.name) == "Nb" {
					further = append(further, r.string())
				} else {
					r.xml.skip()
				}
			}
		case "AddtlRmtInf":
			further = append(further, r.string())
		default:
			r.xml.skip()
		}
	}
	return further
}

func (r *Reader) creditorReference() (ref, issuer string) {
	for r.child() {
		switch string(r.xml.name) {
		case "Ref":
			ref = r.string()
		case "Tp":
			for r.child() {
				if string(r.xml.name) == "Issr" {
					issuer = r.word(r.value())
				} else {
					r.xml.skip()
				}
			}
		default:
			r.xml.skip()
		}
	}
	return ref, issuer
}

// value consumes an element and returns its text without the space around it. It is good until the next value.
func (r *Reader) value() []byte { return bytes.TrimSpace(r.xml.leaf()) }

func (r *Reader) string() string { return string(r.value()) }

// word is a string that is kept once, however often it is read.
func (r *Reader) word(b []byte) string {
	if w, ok := r.words[string(b)]; ok {
		return w
	}
	if len(r.words) < 1000 {
		r.words[string(b)] = string(b)
	}
	return string(b)
}

// code reads a code that stands in the element itself (version 02) or in an element Cd within it.
func (r *Reader) code() string {
	own, nested := r.xml.leafOr("Cd")
	if nested = bytes.TrimSpace(nested); len(nested) > 0 {
		return r.word(nested)
	}
	return r.word(bytes.TrimSpace(own))
}

func (r *Reader) flag() bool {
	v := r.value()
	return string(v) == "true" || string(v) == "1"
}

func (r *Reader) direction() (credit bool) {
	v := r.value()
	if credit = string(v) == "CRDT"; !credit && string(v) != "DBIT" {
		r.fail("bank-file-format", "An amount of statement %d is neither credit nor debit.", r.count)
	}
	return credit
}

func (r *Reader) number() int64 {
	n, err := strconv.ParseInt(string(r.value()), 10, 64)
	if err != nil || n < 0 || n >= 1e18 { // ISO 20022 has no longer ones
		n = 0
		r.fail("bank-file-format", "A number of statement %d is not a whole number that makes sense.", r.count)
	}
	return n
}

// amount reads the attribute Ccy and the text of an amount.
func (r *Reader) amount() (cents int64, currency string) {
	for _, a := range r.xml.attrs {
		if string(a.name) == "Ccy" {
			currency = r.currency(a.value)
		}
	}
	cents, ok := parseCents(r.value())
	if !ok || currency == "" {
		r.fail("bank-file-format", "An amount of statement %d is not an amount in whole cents of a currency.", r.count)
	}
	return cents, currency
}

// parseCents is money.ParseDecimal without a string: it takes what that takes, up to 999 billion.
func parseCents(b []byte) (cents int64, ok bool) {
	whole, fraction, point := bytes.Cut(b, []byte{'.'})
	if len(whole) == 0 || len(whole) > 12 || len(fraction) > 5 || point && len(fraction) == 0 {
		return 0, false
	}
	for _, c := range whole {
		if c < '0' || c > '9' {
			return 0, false
		}
		cents = cents*10 + int64(c-'0')
	}
	for i := range max(2, len(fraction)) {
		digit := byte('0')
		if i < len(fraction) {
			digit = fraction[i]
		}
		switch {
		case i < 2 && digit >= '0' && digit <= '9':
			cents = cents*10 + int64(digit-'0')
		case digit != '0':
			return 0, false
		}
	}
	return cents, true
}

// currency checks the form of a currency code.
func (r *Reader) currency(b []byte) string {
	ok := len(b) == 3
	for _, c := range b {
		ok = ok && c >= 'A' && c <= 'Z'
	}
	if !ok {
		r.fail("bank-file-format", "A currency of statement %d is not a code of three letters.", r.count)
		return ""
	}
	return r.word(b)
}

// moment reads a choice of Dt and DtTm.
func (r *Reader) moment() (d calendar.Date) {
	for r.child() {
		switch string(r.xml.name) {
		case "Dt", "DtTm":
			d = r.day(r.value())
		default:
			r.xml.skip()
		}
	}
	return d
}

// day reads a date, or a time as the civil date that it is where the account is. A time without an offset is
// local already.
func (r *Reader) day(b []byte) calendar.Date {
	if string(b) == r.dateText {
		return r.date
	}
	if len(b) < len("2026-11-23") {
		r.fail("bank-file-format", "A date of statement %d cannot be read.", r.count)
		return calendar.Date{}
	}
	s := string(b)
	d, err := calendar.ParseDate(s[:10])
	if err != nil {
		r.fail("bank-file-format", "A date of statement %d cannot be read.", r.count)
		return calendar.Date{}
	}
	if zone, known := calendar.ZoneOf(ident.IBANCountry(r.stmt.IBAN)); known == nil && len(s) > 10 && s[10] == 'T' {
		if at, err := calendar.ParseInstant(s); err == nil {
			d = zone.DateOf(at)
		}
	}
	r.dateText, r.date = s, d
	return d
}
