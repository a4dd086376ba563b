package market

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/payments"
	"achteraf/providers/camt"
)

// maxFile is far above any day of the world.
const maxFile = 64 << 20

var bankFormat = camt.Format(maxFile)

// payment is money that a buyer or the payment provider sends.
type payment struct {
	out       *paidOut // the provider's; then there is no order
	order     *order
	cents     int64
	reference string
	garbled   bool // nobody can tell whose it is
	text      bool // the reference stands in free text
}

// bank keeps the account that buyers pay to.
type bank struct {
	iban     string
	balance  int64
	sequence int64
	lines    int
	last     []byte // the file of the day before, which sometimes comes again
}

// opening is what was in the account on the first day.
const opening = 1_000_00

func newBank(iban string) *bank { return &bank{iban: iban, balance: opening} }

// planPayment decides when and how the buyer of an order pays.
func (w *World) planPayment(o *order, day int) {
	habit := o.person.habit
	w.count("pays " + habit)
	pay := func(after int, p payment) {
		if p.reference == "" {
			p.reference = o.payment
		}
		p.order = o
		w.payDays[day+after] = append(w.payDays[day+after], p)
	}
	press := func(after int, how string) {
		w.pressDays[day+after] = append(w.pressDays[day+after], plan{o, how})
	}
	due := 3 + 10 + w.chance.IntN(5)
	switch habit {
	case "early":
		pay(1+w.chance.IntN(2), payment{cents: o.total})
	case "on time":
		pay(due, payment{cents: o.total, text: w.chance.IntN(3) == 0})
	case "late":
		pay(due+8+w.chance.IntN(30), payment{cents: o.total})
	case "twice":
		pay(due, payment{cents: o.total})
		pay(due+1+w.chance.IntN(3), payment{cents: o.total})
	case "too much":
		pay(due, payment{cents: o.total + 1 + w.chance.Int64N(5000)})
	case "garbled":
		pay(due, payment{cents: o.total, reference: garble(o.payment), garbled: true})
	case "by button":
		press(1+w.chance.IntN(due), pays)
	case "leaves the bank":
		press(due-2, [...]string{leaves, cancels}[w.chance.IntN(2)])
	case "is refused first":
		press(due-1, fails)
	case "by button, too late":
		press(due-3, tooLate)
		if w.chance.IntN(2) == 0 { // and does not trust it
			press(due-1, pays)
		}
	case "both ways":
		press(due-1, bothWays)
		pay(due-1+w.chance.IntN(3), payment{cents: o.total})
	case "in parts":
		first := 1 + w.chance.Int64N(o.total-1)
		pay(due-5, payment{cents: first})
		pay(due, payment{cents: o.total - first})
	}
}

// garble changes one digit, which check digits find.
func garble(reference string) string {
	b := []byte(reference)
	i := len(b) - 3
	b[i] = '0' + (b[i]-'0'+1)%10
	return string(b)
}

// bankDay sends the day's statement, in one version or the other, sometimes twice, sometimes with the day
// before in front.
func (w *World) bankDay(ctx context.Context, day int) error {
	w.at(day, 21*time.Hour)
	list := w.payDays[day]
	delete(w.payDays, day)
	if len(list) == 0 {
		return nil
	}
	file, err := w.bank.statement(begin.AddDays(day), list, day%2 == 0)
	if err != nil {
		return err
	}
	for _, p := range list {
		w.report.Payments++
		switch {
		case p.out != nil:
			p.out.arrived = true
		case p.garbled:
			w.waits += p.cents
		default:
			w.receive(p.order, p.cents)
		}
	}
	if err := w.importFile(ctx, file); err != nil {
		return err
	}
	if w.chance.IntN(5) == 0 {
		w.count("same file twice")
		if err := w.importFile(ctx, file); err != nil {
			return err
		}
	}
	if w.bank.last != nil && w.chance.IntN(6) == 0 {
		w.count("yesterday's file again")
		if err := w.importFile(ctx, w.bank.last); err != nil {
			return err
		}
	}
	w.bank.last = file
	return w.clerks(ctx, list)
}

// clerks find out by hand whose some of the garbled payments are.
func (w *World) clerks(ctx context.Context, list []payment) error {
	for _, p := range list {
		if !p.garbled || w.chance.IntN(2) == 0 || w.psp.sends(p.cents) {
			continue
		}
		w.count("matched by hand")
		err := w.p.DB.Write(ctx, func(tx *db.Tx) error {
			lines, err := payments.Unallocated(ctx, tx, "", 1000)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(lines, func(l payments.BankLine) bool { return l.Cents == p.cents })
			if i < 0 {
				return fmt.Errorf("the garbled payment of %s is not among the unallocated", p.order.ref)
			}
			_, err = payments.Allocate(ctx, tx, w.p.Clerk, payments.Hand{Line: lines[i].ID, Merchant: p.order.shop.id, Order: p.order.id, Cents: p.cents, By: "usr_clerk"})
			return err
		})
		if err != nil {
			return err
		}
		w.receive(p.order, p.cents)
		w.waits -= p.cents
	}
	return nil
}

// sends says whether the provider has sent this very amount: then nobody knows a garbled payment by its amount.
func (p *provider) sends(cents int64) bool {
	return slices.ContainsFunc(p.paidOuts, func(o *paidOut) bool { return o.Net == cents })
}

// statement writes the statement of a day.
func (b *bank) statement(on calendar.Date, list []payment, newer bool) ([]byte, error) {
	b.sequence++
	s := camt.Statement{MessageID: fmt.Sprintf("MARKET-%d", b.sequence), ID: fmt.Sprintf("STMT-%d", b.sequence), Sequence: b.sequence,
		Created: zoneNL().StartOf(on.AddDays(1)), From: on, To: on, Page: 1, Last: true, IBAN: b.iban, Currency: "EUR",
		Opening: camt.Balance{Known: true, Cents: b.balance, On: on}}
	lines := make([]camt.Line, len(list))
	for i, p := range list {
		b.lines++
		l := camt.Line{Ref: fmt.Sprintf("B%08d", b.lines), Entry: i + 1, BookedOn: on, ValueOn: on, Cents: p.cents, Currency: "EUR",
			Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", PartyName: p.sender(), PartyIBAN: "NL20INGB0001234567"}
		switch {
		case p.out != nil:
			l.Text = p.reference
		case p.text || p.garbled:
			l.Text = "betaling " + p.reference
		default:
			l.StructuredRef, l.StructuredIssuer = p.reference, "ISO"
			if p.reference[0] != 'R' {
				l.StructuredIssuer = "BBA"
			}
		}
		lines[i] = l
		b.balance += p.cents
	}
	s.Closing = camt.Balance{Known: true, Cents: b.balance, On: on}
	version := camt.V02
	if newer {
		version = camt.V08
	}
	var out bytes.Buffer
	err := camt.Write(&out, version, s, slices.Values(lines))
	return out.Bytes(), err
}

func (p *payment) sender() string {
	if p.out != nil {
		return "Market Payments"
	}
	return fmt.Sprintf("Koper %d", p.order.person.n)
}

func zoneNL() calendar.Zone {
	z, err := calendar.ZoneOf("NL")
	if err != nil {
		panic(err)
	}
	return z
}
