package camt

import "achteraf/money"

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
