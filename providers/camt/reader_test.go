package camt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/money"
)

// file is what a whole file holds.
type file struct {
	statements []Statement
	lines      [][]Line
	totals     []Totals
}

func read(in string) (f file, err error) {
	r := NewReader(strings.NewReader(in), 1<<30)
	for {
		s, err := r.NextStatement()
		if err == io.EOF {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		f.statements = append(f.statements, s)
		f.lines = append(f.lines, nil)
		for {
			l, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return f, err
			}
			if l.BookedOn.IsZero() {
				return f, errors.New("a line that is none")
			}
			f.lines[len(f.lines)-1] = append(f.lines[len(f.lines)-1], l)
		}
		f.totals = append(f.totals, r.Totals())
	}
}

func sample(t interface{ Fatal(...any) }, name string) string {
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func day(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func moment(s string) calendar.Instant {
	i, err := calendar.ParseInstant(s)
	if err != nil {
		panic(err)
	}
	return i
}

func TestExample(t *testing.T) {
	on := day("2026-11-23")
	line := Line{BookedOn: on, ValueOn: on, Currency: "EUR", Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT"}
	first, second, third, fourth, fifth := line, line, line, line, line
	first.Ref, first.Entry, first.Cents = "2611230000000001", 1, 49_95
	first.PartyName, first.PartyIBAN, first.PartyBIC = "J. de Vries", "NL20INGB0001234567", "INGBNL2A"
	first.StructuredRef, first.StructuredIssuer = "RF18539007547034", "ISO"
	second.Ref, second.Entry, second.Part, second.Cents = "2611230000000002", 2, 1, 70_00
	second.EndToEndID, second.PartyName, second.PartyIBAN = "PSP-1", "A. Peeters", "BE68539007547034"
	second.StructuredRef, second.StructuredIssuer = "123456789002", "BBA"
	third.Ref, third.Entry, third.Part, third.Cents = "2611230000000002", 2, 2, 50_00
	third.EndToEndID, third.StructuredRef, third.StructuredIssuer = "PSP-2", "5000056789012345", "CUR"
	fourth.Ref, fourth.Entry, fourth.Cents, fourth.Reversal = "2611230000000003", 3, -49_95, true
	fourth.SubFamily, fourth.ReturnReason = "RRTN", "FOCR"
	fifth.Ref, fifth.Entry, fifth.Cents, fifth.Family = "2611230000000004", 4, -10_05, "ICDT"
	fifth.MessageID, fifth.PaymentID, fifth.EndToEndID = "REFUND-20261123-001", "REFUND-20261123-001-A", "RFD-000017"
	fifth.PartyName, fifth.PartyIBAN, fifth.Text = "J. de Vries", "NL20INGB0001234567", "Terugbetaling factuur 2026-0001"
	want := Statement{
		MessageID: "CAMT053-20261123-1", ID: "STMT-2026-228", Sequence: 228, Created: moment("2026-11-24T02:15:00Z"),
		From: on, To: on, Page: 1, Last: true, IBAN: "NL91ABNA0417164300", Currency: "EUR",
		Opening: Balance{true, 1000_00, on}, Closing: Balance{true, 1109_95, on},
	}
	for _, name := range []string{"example-02.xml", "example-08.xml", "prefixed-08.xml"} {
		t.Run(name, func(t *testing.T) {
			f, err := read(sample(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if len(f.statements) != 1 || f.statements[0] != want {
				t.Errorf("statements %+v", f.statements)
			}
			for i, l := range []Line{first, second, third, fourth, fifth} {
				if i >= len(f.lines[0]) || f.lines[0][i] != l {
					t.Errorf("line %d:\ngot  %+v\nwant %+v", i, f.lines[0][i], l)
				}
			}
			if got := (Totals{Entries: 4, Booked: 4, Lines: 5, In: 169_95, Out: 60_00}); f.totals[0] != got {
				t.Errorf("totals %+v", f.totals[0])
			}
		})
	}
}

// change is one change to the example, and what reading it answers: a fault code, or what check sees.
type change struct {
	old, new string
	all      bool // change every place, not the first
	code     string
	check    func(f file) bool
}

func TestChanges(t *testing.T) {
	line := func(i int, ok func(Line) bool) func(file) bool {
		return func(f file) bool { return ok(f.lines[0][i]) }
	}
	secondEntry := "<NtryRef>2</NtryRef><Amt Ccy=\"EUR\">120.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
	for name, c := range map[string]change{
		"nothing":                {check: func(f file) bool { return len(f.lines[0]) == 5 }},
		"another message":        {old: "camt.053.001.02", new: "camt.054.001.08", code: "bank-file-version"},
		"another version":        {old: "camt.053.001.02", new: "camt.053.001.04", code: "bank-file-version"},
		"no ISO message":         {old: "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02", new: "urn:example", code: "bank-file-format"},
		"no namespace":           {old: ` xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"`, new: "", code: "bank-file-format"},
		"no document":            {old: "Document", new: "Dokument", all: true, code: "bank-file-format"},
		"another body":           {old: "BkToCstmrStmt", new: "BkToCstmrAcctRpt", all: true, code: "bank-file-format"},
		"no statement":           {old: "Stmt>", new: "Rpt>", all: true, code: "bank-file-format"},
		"no account":             {old: "<IBAN>NL91ABNA0417164300</IBAN>", new: "<Othr><Id>1</Id></Othr>", code: "bank-file-format"},
		"account mistyped":       {old: "NL91ABNA0417164300", new: "NL92ABNA0417164300", code: "bank-file-format"},
		"no statement id":        {old: "<Id>STMT-2026-228</Id>", new: "", code: "bank-file-format"},
		"sequence of letters":    {old: ">228<", new: ">CCXXVIII<", code: "bank-file-format"},
		"negative sequence":      {old: ">228<", new: ">-1<", code: "bank-file-format"},
		"legal sequence":         {old: "ElctrncSeqNb>", new: "LglSeqNb>", all: true, check: func(f file) bool { return f.statements[0].Sequence == 228 }},
		"copy":                   {old: "<Acct>", new: "<CpyDplctInd>DUPL</CpyDplctInd><Acct>", check: func(f file) bool { return f.statements[0].Copy }},
		"time without offset":    {old: "\n      <CreDtTm>2026-11-24T03:15:00+01:00", new: "<CreDtTm>2026-11-24T03:15:00", check: func(f file) bool { return f.statements[0].Created.IsZero() }},
		"period in UTC":          {old: "2026-11-23T00:00:00+01:00", new: "2026-11-22T23:00:00Z", check: func(f file) bool { return f.statements[0].From == day("2026-11-23") }},
		"period to 24 o'clock":   {old: "2026-11-23T23:59:59+01:00", new: "2026-11-23T24:00:00", check: func(f file) bool { return f.statements[0].To == day("2026-11-23") }},
		"period that is none":    {old: "2026-11-23T00:00:00+01:00", new: "today", code: "bank-file-format"},
		"no period":              {old: "FrToDt>", new: "Other>", all: true, check: func(f file) bool { return f.statements[0].From.IsZero() }},
		"balance too high":       {old: "1109.95", new: "1109.96", code: "bank-file-balance"},
		"balance overdrawn":      {old: `<Amt Ccy="EUR">1109.95</Amt><CdtDbtInd>CRDT`, new: `<Amt Ccy="EUR">1109.95</Amt><CdtDbtInd>DBIT`, code: "bank-file-balance"},
		"previous closing":       {old: "OPBD", new: "PRCD", check: func(f file) bool { return f.statements[0].Opening.Cents == 1000_00 }},
		"no opening":             {old: "OPBD", new: "OPAV", check: func(f file) bool { return !f.statements[0].Opening.Known }},
		"no closing":             {old: "CLBD", new: "CLAV", check: func(f file) bool { return !f.statements[0].Closing.Known }},
		"two closings":           {old: "OPBD", new: "CLBD", code: "bank-file-balance"},
		"balance of a page":      {old: "<ElctrncSeqNb>", new: "<StmtPgntn><PgNb>2</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><ElctrncSeqNb>", check: func(f file) bool { return f.statements[0].Page == 2 && !f.statements[0].Last }},
		"balance late":           {old: "    </Stmt>", new: "<Bal/></Stmt>", code: "bank-file-format"},
		"balance without date":   {old: "<Dt><Dt>2026-11-23</Dt></Dt></Bal>", new: "</Bal>", code: "bank-file-format"},
		"many balances":          {old: "<TxsSummry>", new: strings.Repeat(`<Bal><Tp><CdOrPrtry><Cd>OPAV</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-23</Dt></Dt></Bal>`, 100) + "<TxsSummry>", code: "bank-file-format"},
		"account of no currency": {old: "<Ccy>EUR</Ccy>", new: "", check: func(f file) bool { return f.statements[0].Currency == "EUR" }},
		"account in dollars":     {old: "<Ccy>EUR</Ccy>", new: "<Ccy>USD</Ccy>", code: "bank-currency"},
		"entry in dollars":       {old: `<Amt Ccy="EUR">10.05`, new: `<Amt Ccy="USD">10.05`, code: "bank-file-format"},
		"entry of no currency":   {old: `<Amt Ccy="EUR">10.05`, new: `<Amt>10.05`, code: "bank-file-format"},
		"part in dollars":        {old: `<Amt Ccy="EUR">70.00`, new: `<Amt Ccy="USD">70.00`, code: "bank-file-batch"},
		"currency of digits":     {old: `<Amt Ccy="EUR">10.05`, new: `<Amt Ccy="978">10.05`, code: "bank-file-format"},
		"balance in dollars too": {old: "<TxsSummry>", new: `<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-23</Dt></Dt></Bal><TxsSummry>`, check: func(f file) bool { return f.statements[0].Closing.Cents == 1109_95 }},
		"dollars before euros": {old: "<Bal>", new: `<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-23</Dt></Dt></Bal><Bal>`, check: func(f file) bool {
			return f.statements[0].Opening.Cents == 1000_00 && f.statements[0].Closing.Cents == 1109_95
		}},
		"kind below the kind":          {old: "<Cd>CLBD</Cd></CdOrPrtry>", new: "<Cd>CLBD</Cd></CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp>", check: func(f file) bool { return f.statements[0].Closing.Known }},
		"kind of the bank's own":       {old: "<Cd>CLBD</Cd></CdOrPrtry>", new: "<Prtry>CLBD</Prtry></CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp>", check: func(f file) bool { return !f.statements[0].Closing.Known }},
		"negative amount":              {old: ">10.05<", new: ">-10.05<", code: "bank-file-format"},
		"comma":                        {old: ">10.05<", new: ">10,05<", code: "bank-file-format"},
		"half a cent":                  {old: ">10.05<", new: ">10.055<", code: "bank-file-format"},
		"five decimals":                {old: ">10.05<", new: ">10.05000<", check: line(4, func(l Line) bool { return l.Cents == -10_05 })},
		"six decimals":                 {old: ">10.05<", new: ">10.050000<", code: "bank-file-format"},
		"spaces around":                {old: ">10.05<", new: ">\n 10.05 <", check: line(4, func(l Line) bool { return l.Cents == -10_05 })},
		"neither in nor out":           {old: "<CdtDbtInd>DBIT</CdtDbtInd><Sts>", new: "<CdtDbtInd>BOTH</CdtDbtInd><Sts>", code: "bank-file-format"},
		"no direction":                 {old: "<CdtDbtInd>DBIT</CdtDbtInd><Sts>", new: "<Sts>", code: "bank-file-format"},
		"no status":                    {old: "<CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>", new: "<CdtDbtInd>DBIT</CdtDbtInd>", code: "bank-file-format"},
		"pending":                      {old: secondEntry, new: strings.Replace(secondEntry, "BOOK", "PDNG", 1), code: "bank-file-balance"},
		"no booking date":              {old: "<BookgDt><Dt>2026-11-23</Dt></BookgDt>", new: "", check: line(0, func(l Line) bool { return l.BookedOn == day("2026-11-23") })},
		"no date":                      {old: "<BookgDt><Dt>2026-11-23</Dt></BookgDt><ValDt><Dt>2026-11-23</Dt></ValDt>", new: "", code: "bank-file-format"},
		"no such day":                  {old: "<BookgDt><Dt>2026-11-23", new: "<BookgDt><Dt>2026-11-31", code: "bank-file-format"},
		"booked late at night":         {old: "<BookgDt><Dt>2026-11-23</Dt>", new: "<BookgDt><DtTm>2026-11-22T23:30:00Z</DtTm>", check: line(0, func(l Line) bool { return l.BookedOn == day("2026-11-23") })},
		"booked at a local time":       {old: "<BookgDt><Dt>2026-11-23</Dt>", new: "<BookgDt><DtTm>2026-11-22T23:30:00.000000000</DtTm>", check: line(0, func(l Line) bool { return l.BookedOn == day("2026-11-22") })},
		"date with a zone":             {old: "<BookgDt><Dt>2026-11-23</Dt>", new: "<BookgDt><Dt>2026-11-22+01:00</Dt>", check: line(0, func(l Line) bool { return l.BookedOn == day("2026-11-22") })},
		"parts add up to less":         {old: `<Amt Ccy="EUR">70.00`, new: `<Amt Ccy="EUR">69.99`, code: "bank-file-batch"},
		"a part without amount":        {old: `<AmtDtls><TxAmt><Amt Ccy="EUR">70.00</Amt></TxAmt></AmtDtls>`, new: "", code: "bank-file-batch"},
		"last part without amount":     {old: `<AmtDtls><TxAmt><Amt Ccy="EUR">50.00</Amt></TxAmt></AmtDtls>`, new: "", code: "bank-file-batch"},
		"amount as instructed":         {old: `<AmtDtls><TxAmt><Amt Ccy="EUR">50.00</Amt></TxAmt></AmtDtls>`, new: `<AmtDtls><InstdAmt><Amt Ccy="EUR">50.00</Amt></InstdAmt></AmtDtls>`, check: line(2, func(l Line) bool { return l.Cents == 50_00 })},
		"instructed in dollars":        {old: `<AmtDtls><TxAmt><Amt Ccy="EUR">50.00</Amt></TxAmt></AmtDtls>`, new: `<AmtDtls><InstdAmt><Amt Ccy="USD">55.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">50.00</Amt></TxAmt></AmtDtls>`, check: line(2, func(l Line) bool { return l.Cents == 50_00 })},
		"value in another currency":    {old: `<AmtDtls><TxAmt><Amt Ccy="EUR">50.00</Amt></TxAmt></AmtDtls>`, new: `<AmtDtls><CntrValAmt><Amt Ccy="EUR">50.00</Amt></CntrValAmt></AmtDtls>`, code: "bank-file-batch"},
		"instructed amount last":       {old: `<TxAmt><Amt Ccy="EUR">50.00</Amt></TxAmt>`, new: `<TxAmt><Amt Ccy="EUR">50.00</Amt></TxAmt><InstdAmt><Amt Ccy="USD">55.00</Amt></InstdAmt>`, check: line(2, func(l Line) bool { return l.Cents == 50_00 })},
		"a part the other way":         {old: `<Refs><EndToEndId>PSP-2</EndToEndId></Refs>`, new: `<CdtDbtInd>DBIT</CdtDbtInd>`, code: "bank-file-batch"},
		"other party is us":            {old: "<DbtrAcct><Id><IBAN>NL20INGB0001234567</IBAN></Id></DbtrAcct>", new: "<DbtrAcct><Id><IBAN>NL91ABNA0417164300</IBAN></Id></DbtrAcct><Cdtr><Nm>A. Bakker</Nm></Cdtr><CdtrAcct><Id><IBAN>NL20INGB0001234567</IBAN></Id></CdtrAcct>", check: line(0, func(l Line) bool { return l.PartyName == "A. Bakker" && l.PartyIBAN == "NL20INGB0001234567" })},
		"account is no IBAN":           {old: "NL20INGB0001234567", new: "1234567", check: line(0, func(l Line) bool { return l.PartyIBAN == "" })},
		"ultimate debtor":              {old: "<Dbtr><Nm>J. de Vries</Nm></Dbtr>", new: "<UltmtDbtr><Nm>B. Visser</Nm></UltmtDbtr>", check: line(0, func(l Line) bool { return l.PartyName == "B. Visser" })},
		"text in pieces":               {old: "<Ustrd>Terugbetaling factuur 2026-0001</Ustrd>", new: "<Ustrd> RF18 5390 07</Ustrd><Ustrd>54 7034 </Ustrd>", check: line(4, func(l Line) bool { return l.Text == "RF18 5390 0754 7034" })},
		"further references":           {old: "<Ustrd>Terugbetaling factuur 2026-0001</Ustrd>", new: "<Ustrd>a</Ustrd><Strd><RfrdDocInf><Nb>b</Nb></RfrdDocInf><CdtrRefInf><Ref>RF1</Ref></CdtrRefInf></Strd><Strd><CdtrRefInf><Ref>RF2</Ref></CdtrRefInf><AddtlRmtInf>c</AddtlRmtInf></Strd>", check: line(4, func(l Line) bool { return l.StructuredRef == "RF1" && l.Text == "a b RF2 c" })},
		"reference below":              {old: "<AcctSvcrRef>2611230000000004</AcctSvcrRef>", new: "", check: line(4, func(l Line) bool { return l.Ref == "" })},
		"reference of the transaction": {old: "<Refs><MsgId>REFUND-20261123-001</MsgId>", new: "<Refs><AcctSvcrRef>X</AcctSvcrRef>", check: line(4, func(l Line) bool { return l.Ref == "2611230000000004" })},
		"text of the bank":             {old: "<RmtInf><Ustrd>Terugbetaling factuur 2026-0001</Ustrd></RmtInf>\n        </TxDtls></NtryDtls>", new: "</TxDtls></NtryDtls><AddtlNtryInf>by hand</AddtlNtryInf>", check: line(4, func(l Line) bool { return l.Info == "by hand" })},
		"text of the transaction":      {old: "<RmtInf><Ustrd>Terugbetaling factuur 2026-0001</Ustrd></RmtInf>", new: "<AddtlTxInf>mine</AddtlTxInf>", check: line(4, func(l Line) bool { return l.Info == "mine" })},
		"unknown elements":             {old: "<NtryRef>", new: "<Chrgs><Amt Ccy=\"EUR\">0.10</Amt><CdtDbtInd>DBIT</CdtDbtInd></Chrgs><NtryRef>", check: func(f file) bool { return len(f.lines[0]) == 5 }},
		"transaction code":             {old: "<Refs><EndToEndId>PSP-2</EndToEndId></Refs>", new: "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RRCT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>", check: line(2, func(l Line) bool { return l.Family == "RRCT" })},
		"cut off":                      {old: "</Document>", new: "", code: "bank-file-truncated"},
		"something behind":             {old: "</Document>", new: "</Document><Document/>", code: "bank-file-format"},
		"more in the document":         {old: "</BkToCstmrStmt>", new: "<SplmtryData/></BkToCstmrStmt><Other/>", check: func(f file) bool { return len(f.lines[0]) == 5 }},
	} {
		t.Run(name, func(t *testing.T) {
			whole := sample(t, "example-02.xml")
			n := 1
			if c.all {
				n = -1
			}
			in := whole
			if c.old != "" {
				if in = strings.Replace(whole, c.old, c.new, n); in == whole {
					t.Fatal("the change changes nothing")
				}
			}
			f, err := read(in)
			switch {
			case c.code != "" && !fault.Is(err, c.code):
				t.Errorf("got %v, want %s", err, c.code)
			case c.code == "" && err != nil:
				t.Error(err)
			case c.code == "" && !c.check(f):
				t.Errorf("read %+v", f)
			}
		})
	}
}

func TestHostile(t *testing.T) {
	for name, code := range map[string]string{
		"hostile-billion-laughs.xml":  "bank-file-format",
		"hostile-external-entity.xml": "bank-file-format",
		"hostile-external-subset.xml": "bank-file-format",
	} {
		if f, err := read(sample(t, name)); !fault.Is(err, code) || len(f.lines) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"hostile-xinclude.xml":      "",
		"hostile-foreign-entry.xml": "ours",
		"hostile-hidden-markup.xml": `12</Ustrd><Amt Ccy="EUR">9.99</Amt>3<Amt>`,
		"windows-1252.xml":          "café 5 €",
	} {
		f, err := read(sample(t, name))
		if err != nil || len(f.lines) != 1 || len(f.lines[0]) != 1 || f.lines[0][0].Cents != 1_00 || f.lines[0][0].Text != text {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

func TestCurrencies(t *testing.T) {
	for _, c := range []string{"", "EU", "EURO", "eUR", "EuR", "EUr", "[UR", "E@R", "US1", "USD"} {
		if f, err := read(strings.Replace(entryOf(""), `"EUR"`, `"`+c+`"`, 1)); !fault.Is(err, "bank-file-format") {
			t.Errorf("%q: %+v, %v", c, f, err)
		}
	}
}

// TestElsewhere: where we do not know the zone of an account, a day is the one that is written.
func TestElsewhere(t *testing.T) {
	in := strings.Replace(entryOf(""), "NL91ABNA0417164300", "GB33BUKB20201555555555", 1)
	in = strings.Replace(in, "<Dt>2026-11-23</Dt>", "<DtTm>2026-11-23T00:30:00+01:00</DtTm>", 1)
	if f, err := read(in); err != nil || f.lines[0][0].BookedOn != day("2026-11-23") {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestEveryCut: a file cut off anywhere is never taken for complete, and says so.
func TestEveryCut(t *testing.T) {
	whole := strings.TrimSpace(sample(t, "example-02.xml"))
	for n := range len(whole) {
		_, err := read(whole[:n])
		if !fault.Is(err, "bank-file-truncated") || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut off after %d bytes: %v", n, err)
		}
	}
}

// TestStatus: what is not booked is counted and is no line.
func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		status string
		want   Totals
	}{
		{"<Sts>BOOK</Sts>", Totals{Entries: 1, Booked: 1, Lines: 1, In: 1_00}},
		{"<Sts><Cd>BOOK</Cd></Sts>", Totals{Entries: 1, Booked: 1, Lines: 1, In: 1_00}},
		{"<Sts>\n<Cd> BOOK </Cd>\n</Sts>", Totals{Entries: 1, Booked: 1, Lines: 1, In: 1_00}},
		{"<Sts>PDNG</Sts>", Totals{Entries: 1, Pending: 1}},
		{"<Sts>INFO</Sts>", Totals{Entries: 1, Other: 1}},
		{"<Sts><Prtry>BOOK</Prtry></Sts>", Totals{Entries: 1}},
	} {
		f, err := read(strings.Replace(sample(t, "hostile-hidden-markup.xml"), "<Sts>BOOK</Sts>", tc.status, 1))
		if tc.want.Booked+tc.want.Pending+tc.want.Other == 0 {
			if !fault.Is(err, "bank-file-format") {
				t.Errorf("%s: %v", tc.status, err)
			}
			continue
		}
		if err != nil || f.totals[0] != tc.want || len(f.lines[0]) != tc.want.Lines {
			t.Errorf("%s: %+v, %v", tc.status, f, err)
		}
	}
}

// entryOf is an entry of 120 euros with these details.
func entryOf(details string) string {
	return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id>
	<Acct><Id><IBAN>NL91ABNA0417164300</IBAN></Id></Acct>
	<Ntry><Amt Ccy="EUR">120</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-23</Dt></BookgDt>` + details + `</Ntry>
	</Stmt></BkToCstmrStmt></Document>`
}

func TestBatches(t *testing.T) {
	part := func(amount, direction string) string {
		return `<TxDtls><Amt Ccy="EUR">` + amount + `</Amt><CdtDbtInd>` + direction + `</CdtDbtInd></TxDtls>`
	}
	for name, tc := range map[string]struct {
		details   string
		cents     []int64 // of each line; none is a wrong batch
		undivided int
	}{
		"no details":               {"", []int64{120_00}, 0},
		"empty details":            {"<NtryDtls/>", []int64{120_00}, 0},
		"one":                      {"<NtryDtls>" + part("120", "CRDT") + "</NtryDtls>", []int64{120_00}, 0},
		"one of another amount":    {"<NtryDtls>" + part("121", "CRDT") + "</NtryDtls>", []int64{120_00}, 0}, // a charge was kept
		"two":                      {"<NtryDtls>" + part("119.99", "CRDT") + part("0.01", "CRDT") + "</NtryDtls>", []int64{119_99, 1}, 0},
		"two in two":               {"<NtryDtls>" + part("20", "CRDT") + "</NtryDtls><NtryDtls>" + part("100", "CRDT") + "</NtryDtls>", []int64{20_00, 100_00}, 0},
		"in and out":               {"<NtryDtls>" + part("130", "CRDT") + part("10", "DBIT") + "</NtryDtls>", []int64{130_00, -10_00}, 0},
		"nothing among them":       {"<NtryDtls>" + part("120", "CRDT") + part("0", "CRDT") + "</NtryDtls>", []int64{120_00, 0}, 0},
		"too much":                 {"<NtryDtls>" + part("120", "CRDT") + part("0.01", "CRDT") + "</NtryDtls>", nil, 0},
		"three without amounts":    {"<NtryDtls><TxDtls/><TxDtls/><TxDtls/></NtryDtls>", []int64{120_00}, 3},
		"amount only in the third": {"<NtryDtls><TxDtls/><TxDtls/>" + part("120", "CRDT") + "</NtryDtls>", nil, 0},
		"amount only in the first": {"<NtryDtls>" + part("120", "CRDT") + "<TxDtls/><TxDtls/></NtryDtls>", nil, 0},
		"counted only":             {"<NtryDtls><Btch><NbOfTxs>37</NbOfTxs></Btch></NtryDtls>", []int64{120_00}, 37},
		"counted, one shown":       {"<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch><TxDtls><Refs><EndToEndId>X</EndToEndId></Refs></TxDtls></NtryDtls>", []int64{120_00}, 2},
		"counted as one":           {"<NtryDtls><Btch><NbOfTxs>1</NbOfTxs></Btch></NtryDtls>", []int64{120_00}, 0},
		"counted in letters":       {"<NtryDtls><Btch><NbOfTxs>two</NbOfTxs></Btch></NtryDtls>", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := read(entryOf(tc.details))
			if tc.cents == nil {
				if !fault.Is(err, "bank-file-batch") && !fault.Is(err, "bank-file-format") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var cents []int64
			for i, l := range f.lines[0] {
				cents = append(cents, l.Cents)
				if l.Undivided != tc.undivided || l.Undivided > 0 && l.EndToEndID != "" || (len(tc.cents) > 1) != (l.Part == i+1) {
					t.Errorf("line %+v", l)
				}
			}
			if !slices.Equal(cents, tc.cents) {
				t.Errorf("lines of %d cents", cents)
			}
		})
	}
}

// TestStatements: a file of several statements, the lines of some of which nobody asks for.
func TestStatements(t *testing.T) {
	one := sample(t, "example-02.xml")
	i, j := strings.Index(one, "    <Stmt>"), strings.Index(one, "  </BkToCstmrStmt>")
	stmt := one[i:j]
	empty := "<Stmt><Id>E</Id><Acct><Id><IBAN>BE68539007547034</IBAN></Id></Acct></Stmt>"
	wrong := strings.Replace(stmt, "1109.95", "1", 1)
	in := one[:i] + stmt + empty + stmt + one[j:]
	f, err := read(in)
	if err != nil || len(f.lines) != 3 || len(f.lines[0]) != 5 || len(f.lines[1]) != 0 || len(f.lines[2]) != 5 || f.totals[1] != (Totals{}) {
		t.Fatalf("%+v, %v", f, err)
	}
	if f.statements[1].IBAN != "BE68539007547034" || f.statements[1].MessageID != "CAMT053-20261123-1" || f.statements[1].Opening.Known {
		t.Errorf("second statement %+v", f.statements[1])
	}

	r := NewReader(strings.NewReader(in), 1<<30)
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("a line before any statement: %v", err)
	}
	for range 3 {
		if _, err := r.NextStatement(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // and again
		if _, err := r.NextStatement(); err != io.EOF {
			t.Errorf("after the last: %v", err)
		}
	}

	r = NewReader(strings.NewReader(one[:i]+wrong+stmt+one[j:]), 1<<30)
	if _, err := r.NextStatement(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.NextStatement(); !fault.Is(err, "bank-file-balance") {
			t.Errorf("a statement that nobody read is wrong: %v", err)
		}
		if _, err := r.Next(); !fault.Is(err, "bank-file-balance") {
			t.Errorf("after the error: %v", err)
		}
	}
}

func TestKey(t *testing.T) {
	s := Statement{ID: "S-1", IBAN: "NL91ABNA0417164300"}
	l := Line{Ref: "R/1", Entry: 3, BookedOn: day("2026-11-23"), Cents: 49_95}
	if got := l.Key(s); got != "NL91ABNA0417164300/2026-11-23/4995/0/R/1" {
		t.Errorf("key %s", got)
	}
	elsewhere := l
	elsewhere.Entry, elsewhere.ValueOn, elsewhere.Text = 7, day("2026-11-24"), "x"
	if l.Key(s) != elsewhere.Key(Statement{ID: "S-2", IBAN: s.IBAN}) {
		t.Error("an overlapping statement gives another key")
	}
	bare := l
	bare.Ref = ""
	long := l
	long.Ref = strings.Repeat("R", 71)
	seen := map[string]string{}
	for name, k := range map[string]string{
		"line":                 l.Key(s),
		"reversal":             with(l, func(l *Line) { l.Cents = -l.Cents }).Key(s),
		"part":                 with(l, func(l *Line) { l.Part = 1 }).Key(s),
		"other day":            with(l, func(l *Line) { l.BookedOn = l.BookedOn.AddDays(1) }).Key(s),
		"other reference":      with(l, func(l *Line) { l.Ref = "R/2" }).Key(s),
		"other account":        l.Key(Statement{ID: "S-1", IBAN: "BE68539007547034"}),
		"no reference":         bare.Key(s),
		"none, next entry":     with(bare, func(l *Line) { l.Entry++ }).Key(s),
		"none, next part":      with(bare, func(l *Line) { l.Part++ }).Key(s),
		"none, next statement": bare.Key(Statement{ID: "S-2", IBAN: s.IBAN}),
		"long":                 long.Key(s),
		"long, other":          with(long, func(l *Line) { l.Ref += "S" }).Key(s),
	} {
		if seen[k] != "" {
			t.Errorf("%s and %s have the same key", name, seen[k])
		}
		seen[k] = name
		if len(k) > 150 {
			t.Errorf("%s: a key of %d bytes", name, len(k))
		}
	}
	if again := bare.Key(s); seen[again] != "no reference" {
		t.Error("a key changes")
	}
}

func with(l Line, change func(*Line)) Line {
	change(&l)
	return l
}

// TestCents: our reading of an amount is money's.
func TestCents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.StringMatching(`[0-9]{0,11}(\.[0-9]{0,6})?`), rapid.StringMatching(`[0-9+-]{0,3}[.,][0-9 ]{0,3}0*`)).Draw(t, "amount")
		want, err := money.ParseDecimal(s, "EUR")
		got, ok := parseCents([]byte(s))
		if ok != (err == nil) || ok && got != want.Cents {
			t.Fatalf("%q is %d, %v; money says %v, %v", s, got, ok, want, err)
		}
	})
	if _, ok := parseCents([]byte("1000000000000")); ok {
		t.Error("a thousand billion is read")
	}
	if _, ok := add(1<<62, 1<<62); ok {
		t.Error("add wraps")
	}
	if _, ok := add(-1<<62, -1<<62-1); ok {
		t.Error("add wraps below")
	}
}

// FuzzReader: no file stops us, and a file that is taken for complete adds up.
func FuzzReader(f *testing.F) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if !file.IsDir() {
			f.Add([]byte(sample(f, file.Name())))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := read(string(in))
		if err != nil {
			if fault.As(err) == nil {
				t.Fatalf("no fault but %v", err)
			}
			return
		}
		for i, s := range got.statements {
			var sum, entries int64
			for _, l := range got.lines[i] {
				sum += l.Cents
				if l.BookedOn.IsZero() || l.Currency != "EUR" || l.Key(s) == "" {
					t.Fatalf("line %+v", l)
				}
			}
			entries = got.totals[i].In - got.totals[i].Out
			if sum != entries || len(got.lines[i]) != got.totals[i].Lines {
				t.Fatalf("lines of %d cents, entries of %d", sum, entries)
			}
			if s.Opening.Known && s.Closing.Known && s.Page == 1 && s.Last && s.Opening.Cents+sum != s.Closing.Cents {
				t.Fatalf("statement %+v holds %d cents", s, sum)
			}
		}
	})
}

// TestErrorsAreSilent: no error repeats what the file says.
func TestErrorsAreSilent(t *testing.T) {
	whole := sample(t, "example-02.xml")
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(whole)-1).Draw(t, "at")
		in := whole[:at] + rapid.SampledFrom([]string{"MARKER", "&MARKER;", "<MARKER>", "</MARKER>", "MARKER='"}).Draw(t, "marker") + whole[at:]
		if _, err := read(in); err != nil && bytes.Contains([]byte(fmt.Sprint(err)), []byte("MARKER")) {
			t.Fatal(err)
		}
	})
}
