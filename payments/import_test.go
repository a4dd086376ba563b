package payments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/internal/events"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/invoices"
	"achteraf/payments"
	"achteraf/providers/camt"
)

// TestMatching: what a line must say to be given to its order.
func TestMatching(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, c := range []struct {
			name string
			line func(a, b bill) camt.Line // a is the order that is paid, of EUR 50.40
			want string                    // the confidence; "" when it waits for a person
		}{
			{"exact reference", func(a, _ bill) camt.Line { return pay(50_40, a.PaymentReference) }, "structured"},
			{"exact reference in groups", func(a, _ bill) camt.Line { return pay(50_40, ident.PrintRF(a.PaymentReference)) }, "structured"},
			{"exact reference in small letters", func(a, _ bill) camt.Line { return pay(50_40, strings.ToLower(a.PaymentReference)) }, "structured"},
			{"reference beside other words", func(a, _ bill) camt.Line {
				return words(50_40, "bestelling RF, ref "+ident.PrintRF(a.PaymentReference)+", dank")
			}, "text"},
			{"reference cut by points", func(a, _ bill) camt.Line {
				return words(50_40, strings.ReplaceAll(ident.PrintRF(a.PaymentReference), " ", "."))
			}, "text"},
			{"reference as the payer's own", func(a, _ bill) camt.Line {
				l := words(50_40, "")
				l.EndToEndID = a.PaymentReference
				return l
			}, "text"},
			{"reference twice", func(a, _ bill) camt.Line { return words(50_40, a.PaymentReference+" "+a.PaymentReference) }, "text"},
			{"structured reference before words", func(a, b bill) camt.Line {
				l := pay(50_40, a.PaymentReference)
				l.Text = b.PaymentReference
				return l
			}, "structured"},
			{"foreign structured reference, ours in words", func(a, _ bill) camt.Line {
				l := pay(50_40, "RF18539007547034")
				l.Text = a.PaymentReference
				return l
			}, "text"},
			{"structured reference with more behind it", func(a, _ bill) camt.Line { return pay(50_40, a.PaymentReference+" BEDANKT") }, "text"},
			{"number where references stand", func(a, _ bill) camt.Line { return pay(50_40, a.number) }, "number"},
			{"references of two orders", func(a, b bill) camt.Line { return words(50_40, a.PaymentReference+" "+b.PaymentReference) }, ""},
			{"garbled reference", func(a, _ bill) camt.Line { return pay(50_40, swapped(a.PaymentReference)) }, ""},
			{"reference of nobody", func(_, _ bill) camt.Line { return pay(50_40, "RF18539007547034") }, ""},
			{"number and exact amount", func(a, _ bill) camt.Line { return words(50_40, "factuur "+a.number) }, "number"},
			{"number with spaces, small", func(a, _ bill) camt.Line {
				return words(50_40, strings.ToLower(strings.ReplaceAll(a.number, "-", " ")))
			}, "number"},
			{"number without anything between", func(a, _ bill) camt.Line { return words(50_40, strings.ReplaceAll(a.number, "-", "")) }, "number"},
			{"number and a cent less", func(a, _ bill) camt.Line { return words(50_39, a.number) }, ""},
			{"number and a cent more", func(a, _ bill) camt.Line { return words(50_41, a.number) }, ""},
			{"number of nobody", func(_, _ bill) camt.Line { return words(50_40, "DEMO-2026-999999") }, ""},
			{"name and amount alone", func(_, _ bill) camt.Line { return words(50_40, "Sanne de Vries") }, ""},
			{"nothing", func(_, _ bill) camt.Line { return camt.Line{Cents: 50_40} }, ""},
			{"bank's own words", func(a, _ bill) camt.Line { return camt.Line{Cents: 50_40, Info: "REF " + a.PaymentReference} }, "text"},
			{"several payments in one", func(_, _ bill) camt.Line { return camt.Line{Cents: 50_40, Undivided: 3} }, ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				two := w.place(t, sold{cents: 50_40}, sold{merchant: shopB, cents: 50_40})
				r := w.take(t, w.statement(c.line(two[0], two[1])).file(t))
				a, b := w.invoice(t, two[0]), w.invoice(t, two[1])
				got := ""
				if all := w.allocated(t); r.Matched == 1 {
					got = strings.Fields(all[len(all)-1])[3]
				}
				if got != c.want || r.New != 1 || r.Matched+r.Unallocated != 1 {
					t.Errorf("confidence %q, report %+v", got, r)
				}
				if open := b.OpenCents; open != 50_40 {
					t.Errorf("the other order has %d cents open", open)
				}
				if (a.OpenCents == 0) != (c.want != "") || (a.Status == invoices.Paid) != (c.want != "") {
					t.Errorf("the order has %d cents open and is %s", a.OpenCents, a.Status)
				}
				var reference string
				w.read(t, func(tx *db.Tx) error {
					return tx.QueryRow(t.Context(), `select reference from bank_lines order by id desc limit 1`, nil, &reference)
				})
				if want := map[bool]string{true: two[0].PaymentReference}[c.want != ""]; reference != want {
					t.Errorf("reference %q is stored", reference)
				}
				w.balanced(t, t)
			})
		}
	})
}

// TestNumberTwice: what is open is known only once. The second payment with the same number waits for a person,
// in one slice as in two.
func TestNumberTwice(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		two := w.place(t, sold{cents: 50_40}, sold{cents: 60_00})
		r := w.take(t, w.statement(words(50_40, two[0].number), words(50_40, two[0].number),
			pay(10_00, two[1].PaymentReference), words(60_00, two[1].number)).file(t))
		if r.Matched != 2 || r.Unallocated != 2 || r.SurplusCents != 0 {
			t.Errorf("%+v", r)
		}
		if r := w.take(t, w.statement(words(50_40, two[0].number), words(50_00, two[1].number)).file(t)); r.Matched != 1 || r.Unallocated != 1 {
			t.Errorf("then %+v", r)
		}
		w.balanced(t, t)
	})
}

// swapped garbles a reference as people do: two digits change places.
func swapped(reference string) string {
	b := []byte(reference)
	for i := len(b) - 2; i > 4; i-- {
		if b[i] != b[i+1] {
			b[i], b[i+1] = b[i+1], b[i]
			return string(b)
		}
	}
	panic("all digits are the same")
}

// TestAmounts: where the money goes.
func TestAmounts(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, c := range []struct {
			name     string
			sold     sold
			pays     []int64
			open     int64
			held     int64
			status   invoices.Status
			accounts string // of the allocations
		}{
			{"exact", sold{cents: 50_40}, []int64{50_40}, 0, 0, invoices.Paid, "principal 5040"},
			{"exact, Belgian reference", sold{cents: 50_40, country: "BE"}, []int64{50_40}, 0, 0, invoices.Paid, "principal 5040"},
			{"one cent", sold{cents: 50_40}, []int64{1}, 50_39, 0, invoices.Open, "principal 1"},
			{"in two parts", sold{cents: 50_40}, []int64{20_00, 30_40}, 0, 0, invoices.Paid, "principal 2000, principal 3040"},
			{"a cent too much", sold{cents: 50_40}, []int64{50_41}, 0, 1, invoices.Paid, "principal 5040, credit 1"},
			{"twice", sold{cents: 50_40}, []int64{50_40, 50_40}, 0, 50_40, invoices.Paid, "principal 5040, credit 5040"},
			{"before the invoice", sold{cents: 50_40, status: invoices.Planned}, []int64{50_40}, 50_40, 50_40, invoices.Planned, "credit 5040"},
			{"a cancelled order", sold{cents: 50_40, status: invoices.Cancelled}, []int64{50_40}, 0, 50_40, invoices.Cancelled, "credit 5040"},
			{"another shop's order", sold{merchant: shopB, cents: 50_40}, []int64{60_00}, 0, 9_60, invoices.Paid, "principal 5040, credit 960"},
		} {
			t.Run(c.name, func(t *testing.T) {
				b := w.place(t, c.sold)[0]
				before := len(w.allocated(t))
				var lines []camt.Line
				var paid int64
				for _, cents := range c.pays {
					lines = append(lines, pay(cents, b.PaymentReference))
					paid += cents
				}
				r := w.take(t, w.statement(lines...).file(t))
				if v := w.invoice(t, b); v.OpenCents != c.open || v.HeldCents != c.held || v.Status != c.status {
					t.Errorf("open %d, held %d, %s", v.OpenCents, v.HeldCents, v.Status)
				}
				if r.Matched != len(c.pays) || r.InCents != paid || r.MatchedCents != paid || r.SurplusCents != c.held {
					t.Errorf("report %+v", r)
				}
				var accounts []string
				for _, a := range w.allocated(t)[before:] {
					f := strings.Fields(a)
					if f[0] != b.Merchant || f[4] != "import" {
						t.Errorf("allocation %s", a)
					}
					accounts = append(accounts, f[1]+" "+f[2])
				}
				if got := strings.Join(accounts, ", "); got != c.accounts {
					t.Errorf("allocations %s", got)
				}
				if got := -w.posted(t, "buyer/credit", b.ID); got != c.held {
					t.Errorf("%d cents are booked as the buyer's", got)
				}
				w.balanced(t, t)
			})
		}
	})
}

// TestEntries: what stands in the journal of a line that pays an order and a little more.
func TestEntries(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		b := w.place(t, sold{merchant: shopB, cents: 50_40})[0]
		w.take(t, w.statement(pay(60_00, b.PaymentReference), camt.Line{Cents: -10_05, Text: "Terugbetaling"}).file(t))
		var got []string
		w.read(t, func(tx *db.Tx) error {
			return tx.Each(t.Context(), `
select e.merchant_id, e.key, e.kind, p.code, p.subject, p.cents
  from entries e join postings p on p.writer = e.writer and p.seq = e.seq and p.n = e.n
 where e.kind <> 'invoice-issued' order by e.seq, e.n, p.leg`, nil, func(r db.Row) error {
				var merchant, key, kind, code, subject string
				var cents int64
				err := r.Scan(&merchant, &key, &kind, &code, &subject, &cents)
				prefix, _, _ := strings.Cut(key, "_")
				_, act, _ := strings.Cut(key, "/")
				about, _, _ := strings.Cut(subject, "_")
				got = append(got, fmt.Sprintf("%s %s_/%s %s: %s %s %d", merchant, prefix, act, kind, code, about, cents))
				return err
			})
		})
		want := []string{
			"operator bl_/received bank-line: bank " + clientIBAN + " 6000",
			"operator bl_/received bank-line: unallocated bl -6000",
			"operator bl_/received bank-line: bank " + clientIBAN + " -1005",
			"operator bl_/received bank-line: unallocated bl 1005",
			"mer_b alc_/allocated allocated: unallocated bl 5040",
			"mer_b alc_/allocated allocated: buyer/principal inv -5040",
			"mer_b alc_/allocated allocated: unallocated bl 960",
			"mer_b alc_/allocated allocated: buyer/credit ord -960",
		}
		if !slices.Equal(got, want) {
			t.Errorf("entries\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// TestKinds: what is not a buyer's payment is booked at the bank and given to nobody, whatever words it bears.
func TestKinds(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		b := w.place(t, sold{cents: 50_40})[0]
		ref := b.PaymentReference
		for _, c := range []struct {
			kind payments.Kind
			line camt.Line
		}{
			{payments.Outgoing, camt.Line{Cents: -50_40, StructuredRef: ref}},
			{payments.Reversal, camt.Line{Cents: -50_40, Reversal: true, StructuredRef: ref}},
			{payments.Reversal, camt.Line{Cents: 50_40, Reversal: true, StructuredRef: ref}},
			{payments.Reversal, camt.Line{Cents: 50_40, Domain: "PMNT", Family: "RCDT", SubFamily: "RRTN", StructuredRef: ref}},
			{payments.Reversal, camt.Line{Cents: 50_40, ReturnReason: "AC04", Text: ref}},
			{payments.Outgoing, camt.Line{Cents: 0, StructuredRef: ref}},
			{payments.Batch, camt.Line{Cents: 50_40, Undivided: 2}},
		} {
			w.take(t, w.statement(c.line).file(t))
			l := w.last(t)
			if l.Kind != c.kind || l.Cents != c.line.Cents || l.LeftCents != l.Cents || l.Reference != "" {
				t.Errorf("%+v became %+v", c.line, l)
			}
		}
		s := w.statement(pay(50_40, ref))
		s.IBAN = ownIBAN
		r := w.take(t, s.file(t))
		if l := w.last(t); l.Kind != payments.Own || l.IBAN != ownIBAN || r.Own != 1 || r.Matched != 0 {
			t.Errorf("on the own account %+v, report %+v", l, r)
		}
		if got := w.posted(t, "bank", ownIBAN); got != 50_40 {
			t.Errorf("%d cents are on the own account", got)
		}
		if v := w.invoice(t, b); v.OpenCents != 50_40 {
			t.Errorf("%d cents are open", v.OpenCents)
		}
		w.balanced(t, t)
	})
}

func (w *world) last(t testing.TB) (l payments.BankLine) {
	t.Helper()
	var id string
	w.read(t, func(tx *db.Tx) error {
		if err := tx.QueryRow(t.Context(), `select id from bank_lines order by id desc limit 1`, nil, &id); err != nil {
			return err
		}
		var err error
		l, err = payments.One(t.Context(), tx, id)
		return err
	})
	return l
}

// TestBatch: each payment of a collected booking finds its own order.
func TestBatch(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		two := w.place(t, sold{cents: 70_00}, sold{merchant: shopB, cents: 50_00})
		first, second := pay(70_00, two[0].PaymentReference), pay(50_00, two[1].PaymentReference)
		first.Ref, first.Entry, first.Part = "BATCH", 1, 1
		second.Ref, second.Entry, second.Part = "BATCH", 1, 2
		r := w.take(t, w.statement(first, second).file(t))
		if r.Matched != 2 || w.invoice(t, two[0]).OpenCents != 0 || w.invoice(t, two[1]).OpenCents != 0 {
			t.Errorf("report %+v", r)
		}
		w.balanced(t, t)
	})
}

// TestEachLineOnce: files overlap, come twice and are corrected; a line is booked once.
func TestEachLineOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		list := w.place(t, sold{cents: 10_00}, sold{cents: 20_00}, sold{cents: 30_00}, sold{cents: 40_00})
		ref := func(i int) string { return list[i].PaymentReference }
		first := w.statement(pay(10_00, ref(0)), pay(20_00, ref(1)), pay(5_00, "RF18539007547034"))
		if r := w.take(t, first.file(t)); r.New != 3 || r.Known != 0 || r.Matched != 2 {
			t.Fatalf("first %+v", r)
		}
		before := w.counts(t)
		if r := w.take(t, first.file(t)); r.New != 0 || r.Known != 3 || r.Lines != 3 || r.Statements != 1 {
			t.Errorf("again %+v", r)
		}
		if after := w.counts(t); after != before {
			t.Errorf("the same file again made %s of %s", after, before)
		}
		second := w.statement(pay(30_00, ref(2)))
		overlap := *second // covers both days
		overlap.ID, overlap.From, overlap.Opening = "STMT-1-2", first.From, first.Opening
		overlap.lines = slices.Concat(first.lines, second.lines)
		if r := w.take(t, overlap.file(t)); r.New != 1 || r.Known != 3 || r.Matched != 1 {
			t.Errorf("overlapping %+v", r)
		}
		if r := w.take(t, second.file(t)); r.New != 0 || r.Known != 1 {
			t.Errorf("overlapped %+v", r)
		}
		corrected := *second // the bank had forgotten a line
		more := w.statement(pay(40_00, ref(3))).lines[0]
		more.BookedOn = second.From
		corrected.lines = append(slices.Clone(second.lines), more)
		corrected.Closing.Cents += more.Cents
		if r := w.take(t, corrected.file(t)); r.New != 1 || r.Known != 1 || r.Matched != 1 {
			t.Errorf("corrected %+v", r)
		}
		for _, b := range list {
			if v := w.invoice(t, b); v.Status != invoices.Paid || v.HeldCents != 0 {
				t.Errorf("%+v", v)
			}
		}
		w.balanced(t, t)
	})
}

// TestTwinLines: two lines of one statement that the bank does not tell apart are two lines.
func TestTwinLines(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		twin := words(49_95, "zonder kenmerk")
		twin.Ref = "SAME"
		s := w.statement(twin, twin, twin)
		if r := w.take(t, s.file(t)); r.New != 3 || r.InCents != 3*49_95 {
			t.Errorf("%+v", r)
		}
		if r := w.take(t, s.file(t)); r.New != 0 || r.Known != 3 {
			t.Errorf("again %+v", r)
		}
		w.balanced(t, t)
	})
}

// TestBadFile: a file with anything wrong in it changes nothing.
func TestBadFile(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		list := w.place(t, sold{cents: 10_00}, sold{cents: 20_00})
		lines := []camt.Line{pay(10_00, list[0].PaymentReference), pay(20_00, list[1].PaymentReference)}
		good := w.statement(lines...).file(t)
		foreign := w.statement(lines...)
		foreign.IBAN = "NL20INGB0001234567"
		wrong := w.statement(lines...)
		wrong.Closing.Cents++
		long := w.statement(lines...)
		long.ID = strings.Repeat("A", 71)
		sum := bytes.Replace(good, []byte(">20.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts"), []byte(">20.01</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts"), 1)
		both := slices.Concat(bytes.TrimSuffix(good, []byte("</BkToCstmrStmt>\n</Document>\n")),
			foreign.file(t)[bytes.Index(foreign.file(t), []byte("<Stmt>")):])
		for _, c := range []struct {
			name, code string
			file       []byte
		}{
			{"of a foreign account", "bank-account-foreign", foreign.file(t)},
			{"with a statement of a foreign account", "bank-account-foreign", both},
			{"cut in the middle", "bank-file-truncated", good[:len(good)/2]},
			{"without its end", "bank-file-truncated", good[:len(good)-3]},
			{"that does not add up", "bank-file-balance", wrong.file(t)},
			{"with an amount changed", "bank-file-balance", sum},
			{"with too long a name", "bank-file-format", long.file(t)},
			{"of nothing", "bank-file-truncated", nil},
			{"of another kind", "bank-file-format", []byte("<html></html>")},
		} {
			t.Run(c.name, func(t *testing.T) {
				before := w.counts(t)
				r, err := w.try(t.Context(), c.file)
				if !fault.Is(err, c.code) {
					t.Errorf("%v", err)
				}
				if after := w.counts(t); after != before || r.New != 0 {
					t.Errorf("%s became %s, report %+v", before, after, r)
				}
			})
		}
		if r := w.take(t, good); r.Matched != 2 {
			t.Errorf("the good file %+v", r)
		}
	})
}

// fixed is a bank file that lies in memory already.
type fixed struct {
	statement payments.Statement
	lines     []payments.Line
	at        int
}

func (f *fixed) NextStatement() (payments.Statement, error) {
	if f.at > 0 {
		return payments.Statement{}, io.EOF
	}
	f.at = 1
	return f.statement, nil
}

func (f *fixed) Next() (payments.Line, error) {
	if f.at > len(f.lines) {
		return payments.Line{}, io.EOF
	}
	f.at++
	return f.lines[f.at-2], nil
}

// TestCurrency: only euros are booked, whatever a format lets through.
func TestCurrency(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, f := range []fixed{
			{statement: payments.Statement{Ref: "1", IBAN: clientIBAN, Currency: "USD"}},
			{statement: payments.Statement{Ref: "1", IBAN: clientIBAN}, lines: []payments.Line{{Key: "1", BookedOn: date("2026-11-23"), Cents: 1, Currency: "USD"}}},
		} {
			_, err := w.im.File(t.Context(), strings.NewReader(""), func(io.Reader) payments.BankFile { g := f; return &g })
			if !fault.Is(err, "bank-currency") {
				t.Errorf("%v", err)
			}
		}
		if n := w.number(t, `select count(*) from statements`); n != 0 {
			t.Errorf("%d statements", n)
		}
		currencies := []string{"EUR", "USD"} // of the first and the second reading
		_, err := w.im.File(t.Context(), strings.NewReader(""), func(io.Reader) payments.BankFile {
			l := payments.Line{Key: "1", BookedOn: date("2026-11-23"), Cents: 1, Currency: currencies[0]}
			currencies = currencies[1:]
			return &fixed{statement: payments.Statement{Ref: "1", IBAN: clientIBAN}, lines: []payments.Line{l}}
		})
		if n := w.number(t, `select count(*) from bank_lines`); !fault.Is(err, "bank-currency") || n != 0 {
			t.Errorf("%v, %d lines", err, n)
		}
	})
}

// changing is a file that is another one when it is read again.
type changing struct {
	*bytes.Reader
	again   []byte
	rewound int
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	if c.rewound++; c.rewound == 2 {
		c.Reset(c.again)
	}
	return c.Reader.Seek(offset, whence)
}

// TestFileChanges: what was not checked is not booked, and a file that changes is reported.
func TestFileChanges(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.statement(words(1, "een cent"))
		file := s.file(t)
		foreign := *s
		foreign.IBAN = "NL20INGB0001234567"
		for code, again := range map[string][]byte{"bank-file-changed": append(slices.Clone(file), "<!-- more -->"...), "bank-account-foreign": foreign.file(t)} {
			_, err := w.im.File(t.Context(), &changing{Reader: bytes.NewReader(file), again: again}, format)
			if !fault.Is(err, code) {
				t.Errorf("%s: %v", code, err)
			}
		}
		if n := w.number(t, `select count(*) from bank_lines where iban <> $1`, clientIBAN); n != 0 {
			t.Errorf("%d lines of a foreign account are booked", n)
		}
	})
}

// TestFaultBrokenOff: an import that ends half-way leaves whole slices, and goes on when the file is read again.
func TestFaultBrokenOff(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		list := w.place(t, slices.Repeat([]sold{{cents: 10_00}}, 40)...)
		var lines []camt.Line
		for i := range 1300 {
			lines = append(lines, pay(int64(1+i), list[i%len(list)].PaymentReference))
		}
		s := w.statement(lines...)
		file := s.file(t)
		stop := errors.New("the power is gone")
		booked := 1150 - 1150%map[string]int{"sqlite": 200, "postgres": 500}[d.Engine()]
		r, err := w.im.File(t.Context(), bytes.NewReader(file), breaking(1150, stop))
		if !errors.Is(err, stop) || r.New != booked || r.Statements != 0 {
			t.Fatalf("%v, %+v", err, r)
		}
		if n := w.number(t, `select count(*) from bank_lines`); n != int64(booked) {
			t.Errorf("%d lines are booked", n)
		}
		w.read(t, func(tx *db.Tx) error {
			day, err := payments.ReadUpTo(t.Context(), tx, clientIBAN)
			if !day.IsZero() {
				t.Errorf("read up to %s", day)
			}
			return err
		})
		w.balanced(t, t)
		if r := w.take(t, file); r.New != 1300-booked || r.Known != booked {
			t.Errorf("then %+v", r)
		}
		w.balanced(t, t)
		w.read(t, func(tx *db.Tx) error {
			day, err := payments.ReadUpTo(t.Context(), tx, clientIBAN)
			if day != s.To {
				t.Errorf("read up to %s", day)
			}
			return err
		})
	})
}

// TestCancelled: who does not want it any more does not wait for the file to be read.
func TestCancelled(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f := &fixed{statement: payments.Statement{Ref: "1", IBAN: clientIBAN}, lines: make([]payments.Line, 1000)}
		r, err := w.im.File(ctx, strings.NewReader(""), func(io.Reader) payments.BankFile { return f })
		if !errors.Is(err, context.Canceled) || r.New != 0 || f.at > 2 {
			t.Errorf("%v, %+v, read %d lines", err, r, f.at-1)
		}
	})
}

// TestConcurrentImports: the same file, and one that overlaps it, read at the same time by several processes.
func TestConcurrentImports(t *testing.T) {
	dbtest.RunOn(t, func(t *testing.T, p *dbtest.Place) {
		w := newWorld(t, p.Open(t))
		list := w.place(t, slices.Repeat([]sold{{cents: 10_00}}, 60)...)
		var lines []camt.Line
		for i := range 1200 {
			lines = append(lines, pay(int64(1+i%700), list[i*7%len(list)].PaymentReference))
		}
		whole := w.statement(lines...)
		tail := *whole // another file, with the later half and nothing else
		tail.ID, tail.lines = "TAIL", whole.lines[500:]
		tail.Opening.Cents = tail.Closing.Cents
		for _, l := range tail.lines {
			tail.Opening.Cents -= l.Cents
		}
		files := [][]byte{whole.file(t), tail.file(t)}
		var wg sync.WaitGroup
		var mu sync.Mutex
		fresh := 0
		for i := range 6 {
			d := w.db
			if p.Engine == "postgres" {
				d = p.Open(t)
			}
			other := newWorld(t, d)
			wg.Go(func() {
				r, err := other.try(t.Context(), files[i%2])
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				fresh += r.New
				mu.Unlock()
			})
		}
		wg.Wait()
		if n := w.number(t, `select count(*) from bank_lines`); n != 1200 || fresh != 1200 {
			t.Errorf("%d lines are booked, %d reported", n, fresh)
		}
		w.balanced(t, t)
	})
}

// TestOneSeedOneLog: with one source of chance a file of several slices gives one log, whatever is done beside it. On
// PostgreSQL two slices are booked at a time, in either order.
func TestOneSeedOneLog(t *testing.T) {
	var logs [][32]byte
	for range 3 {
		w := newWorld(t, dbtest.Open(t, "sqlite"))
		list := w.place(t, slices.Repeat([]sold{{cents: 10_00}}, 60)...)
		var lines []camt.Line
		for i := range 900 {
			lines = append(lines, pay(int64(1+i%70), list[i*7%len(list)].PaymentReference))
		}
		if r := w.take(t, w.statement(lines...).file(t)); r.Matched != 900 {
			t.Fatalf("%+v", r)
		}
		w.read(t, func(tx *db.Tx) error {
			log, err := events.Hash(t.Context(), tx)
			logs = append(logs, log)
			return err
		})
	}
	if logs[0] != logs[1] || logs[0] != logs[2] {
		t.Errorf("three logs: %x", logs)
	}
}

// TestHalfALookUp: a line that names two orders is nobody's, also where the look-up breaks off after the first.
func TestHalfALookUp(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"))
	list := w.place(t, sold{cents: 10_00}, sold{cents: 20_00})
	slices.SortFunc(list, func(a, b bill) int { return strings.Compare(a.PaymentReference, b.PaymentReference) })
	first, both := list[0].PaymentReference, list[0].PaymentReference+" en "+list[1].PaymentReference
	match := func(words string) (order string, err error) {
		w.read(t, func(tx *db.Tx) error {
			order, err = payments.ByReference(t.Context(), tx, words)
			return nil
		})
		return order, err
	}
	if order, err := match(first); order != list[0].ID || err != nil {
		t.Errorf("the line of one order is of %q, %v", order, err)
	}
	if order, err := match(both); order != "" || err != nil {
		t.Errorf("the line of two orders is of %s, %v", order, err)
	}
	err := w.db.Write(t.Context(), func(tx *db.Tx) error { // it cannot be read any more
		_, err := tx.Exec(t.Context(), `update orders set placed_on = 'never' where id = $1`, list[1].ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if order, err := match(both); order != "" || err == nil {
		t.Errorf("half a look-up gives the line to %s, %v", order, err)
	}
}

// TestSealedPayer: who paid stands in no row to read, and opens again.
func TestSealedPayer(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		l := words(1_00, "voor de schoenen")
		l.PartyIBAN, l.PartyBIC, l.EndToEndID = "NL20INGB0001234567", "INGBNL2A", "MIJN-REF"
		w.take(t, w.statement(l).file(t))
		stored := w.last(t)
		got, err := w.im.Payer(stored)
		want := payments.Payer{Name: "J. de Vries", IBAN: "NL20INGB0001234567", BIC: "INGBNL2A", Text: "voor de schoenen", EndToEnd: "MIJN-REF"}
		if err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
		var sealed []byte
		w.read(t, func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), `select payer from bank_lines`, nil, &sealed)
		})
		for _, secret := range []string{"Vries", "INGB", "schoenen", "MIJN"} {
			if bytes.Contains(sealed, []byte(secret)) || strings.Contains(fmt.Sprintf("%v %+v", stored, stored), secret) {
				t.Errorf("%s can be read", secret)
			}
		}
		stored.ID = "bl_other"
		if _, err := w.im.Payer(stored); err == nil {
			t.Error("a payer opens at another line")
		}
		w.take(t, w.statement(camt.Line{Cents: 1}).file(t))
		if p, err := w.im.Payer(w.last(t)); err != nil || p != (payments.Payer{}) {
			t.Errorf("nobody is %+v, %v", p, err)
		}
		if n := w.number(t, `select count(*) from bank_lines where payer is null`); n != 1 {
			t.Errorf("%d lines have no payer", n)
		}
	})
}

// TestReport: the report as programs read it.
func TestReport(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		b := w.place(t, sold{cents: 50_40})[0]
		r := w.take(t, w.statement(pay(51_00, b.PaymentReference), words(7_00, "?"), camt.Line{Cents: -3_00}, camt.Line{Cents: -2_00, Reversal: true}).file(t))
		out, err := json.Marshal(r)
		want := `{"statements":1,"lines":4,"known":0,"new":4,"matched":1,"unallocated":1,"outgoing":1,"reversals":1,"own":0,` +
			`"in_cents":5800,"out_cents":500,"matched_cents":5100,"surplus_cents":60,"unallocated_cents":700,"warnings":[]}`
		if err != nil || string(out) != want {
			t.Errorf("%s, %v", out, err)
		}
	})
}
