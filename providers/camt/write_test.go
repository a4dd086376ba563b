package camt

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"achteraf/calendar"
)

var versions = []Version{V02, V08}

// TestWrittenExample: the example, read and written again, is a file that a person can read.
func TestWrittenExample(t *testing.T) {
	for v, name := range map[Version]string{V02: "example-02.xml", V08: "example-08.xml"} {
		f, err := read(sample(t, name))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := Write(&out, v, f.statements[0], slices.Values(f.lines[0])); err != nil {
			t.Fatal(err)
		}
		if want := sample(t, strings.Replace(name, "example", "written", 1)); out.String() != want {
			t.Errorf("%s is written as\n%s", name, out.String())
		}
	}
}

// TestRoundTrip: what is written is read as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom(versions).Draw(t, "version")
		s, lines := drawStatement(t, v)
		var out bytes.Buffer
		if err := Write(&out, v, s, slices.Values(lines)); err != nil {
			t.Fatal(err)
		}
		compare(t, out.Bytes())
		f, err := read(out.String())
		if err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		if len(f.statements) != 1 || f.statements[0] != s {
			t.Fatalf("statement\n%+v became\n%+v", s, f.statements)
		}
		for i, l := range lines {
			if i >= len(f.lines[0]) || f.lines[0][i] != l {
				t.Fatalf("line\n%+v became\n%+v\n%s", l, f.lines[0], out.String())
			}
		}
		keys := map[string]bool{}
		for _, l := range f.lines[0] {
			if keys[l.Key(s)] {
				t.Fatalf("the key %s comes twice", l.Key(s))
			}
			keys[l.Key(s)] = true
		}
	})
}

// drawText draws what a bank could send: no control characters, no space around.
func drawText(t *rapid.T, name string, most int) string {
	s := rapid.StringOfN(rapid.OneOf(rapid.RuneFrom([]rune("abcXYZ019 -/&<>'\"éß€")), rapid.RuneFrom(nil, unicode.L)), 0, most, -1).Draw(t, name)
	return strings.TrimSpace(s)
}

func drawStatement(t *rapid.T, v Version) (Statement, []Line) {
	first := day("2026-11-23")
	s := Statement{
		MessageID: "M" + drawText(t, "message", 30), ID: "S" + drawText(t, "id", 30), Sequence: rapid.Int64Range(0, 999_999).Draw(t, "sequence"),
		Created: calendar.FromMicros(1_000_000 * rapid.Int64Range(1, 4e9).Draw(t, "created")), From: first, To: first, Page: 1, Last: true,
		IBAN: rapid.SampledFrom([]string{"NL91ABNA0417164300", "BE68539007547034"}).Draw(t, "account"), Currency: "EUR",
		Copy: rapid.Bool().Draw(t, "copy"),
	}
	if v == V08 && rapid.Bool().Draw(t, "paged") {
		s.Page, s.Last = rapid.IntRange(1, 99).Draw(t, "page"), rapid.Bool().Draw(t, "last")
	}
	var lines []Line
	var sum int64
	for entry := 1; entry <= rapid.IntRange(0, 5).Draw(t, "entries"); entry++ {
		l := drawLine(t, entry)
		parts := rapid.IntRange(1, 4).Draw(t, "parts")
		if parts == 1 {
			if rapid.IntRange(0, 9).Draw(t, "undivided") == 0 {
				l = Line{Ref: l.Ref, Entry: entry, Undivided: 7, BookedOn: l.BookedOn, ValueOn: l.ValueOn, Cents: l.Cents, Currency: "EUR", Reversal: l.Reversal, MessageID: l.MessageID, PaymentID: l.PaymentID}
			}
			lines = append(lines, l)
			sum += l.Cents
			continue
		}
		for part := 1; part <= parts; part++ {
			p := drawLine(t, entry)
			p.Part, p.Ref, p.BookedOn, p.ValueOn, p.Reversal = part, l.Ref, l.BookedOn, l.ValueOn, l.Reversal
			p.Domain, p.Family, p.SubFamily = l.Domain, l.Family, l.SubFamily
			if v == V02 && (p.Cents < 0) != (l.Cents < 0) {
				p.Cents = -p.Cents
			}
			lines = append(lines, p)
			sum += p.Cents
		}
	}
	s.Opening = Balance{true, rapid.Int64Range(-1e9, 1e12).Draw(t, "opening"), first}
	s.Closing = Balance{true, s.Opening.Cents + sum, first}
	return s, lines
}

func drawLine(t *rapid.T, entry int) Line {
	l := Line{
		Entry: entry, BookedOn: day("2026-11-23").AddDays(rapid.IntRange(0, 3).Draw(t, "day")), Currency: "EUR",
		Cents:    rapid.Int64Range(1, 1e13).Draw(t, "cents"),
		Reversal: rapid.Bool().Draw(t, "reversal"), EndToEndID: drawText(t, "end to end", 35), MessageID: drawText(t, "message", 35),
		PaymentID: drawText(t, "payment", 35), PartyName: drawText(t, "name", 70), Text: drawText(t, "text", 400), Info: drawText(t, "info", 100),
		StructuredRef: drawText(t, "reference", 35), ReturnReason: rapid.SampledFrom([]string{"", "AC04", "MD07"}).Draw(t, "reason"),
		PartyIBAN: rapid.SampledFrom([]string{"", "NL20INGB0001234567", "FR1420041010050500013M02606"}).Draw(t, "account"),
		PartyBIC:  rapid.SampledFrom([]string{"", "INGBNL2A"}).Draw(t, "bic"),
	}
	if rapid.Bool().Draw(t, "referenced") {
		l.Ref = fmt.Sprintf("R%d", entry)
	}
	if rapid.Bool().Draw(t, "valued") {
		l.ValueOn = l.BookedOn.AddDays(-1)
	}
	if rapid.Bool().Draw(t, "out") {
		l.Cents = -l.Cents
	}
	if rapid.Bool().Draw(t, "coded") {
		l.Domain, l.Family, l.SubFamily = "PMNT", "RCDT", "ESCT"
	}
	if l.StructuredRef != "" {
		l.StructuredIssuer = rapid.SampledFrom([]string{"", "ISO", "BBA", "CUR"}).Draw(t, "issuer")
	}
	return l
}

func TestWriteRefuses(t *testing.T) {
	good := Statement{MessageID: "M", ID: "S", IBAN: "NL91ABNA0417164300", Currency: "EUR", Created: moment("2026-11-23T10:00:00Z"), Page: 1, Last: true}
	none := slices.Values([]Line(nil))
	if err := Write(io.Discard, V02, good, none); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Statement){
		"message":  func(s *Statement) { s.MessageID = "" },
		"id":       func(s *Statement) { s.ID = "" },
		"account":  func(s *Statement) { s.IBAN = "" },
		"currency": func(s *Statement) { s.Currency = "" },
		"time":     func(s *Statement) { s.Created = calendar.Instant{} },
	} {
		s := good
		change(&s)
		if err := Write(io.Discard, V02, s, none); err == nil {
			t.Errorf("a statement without %s is written", name)
		}
	}
	if err := Write(io.Discard, "camt.053.001.04", good, none); err == nil {
		t.Error("version 04 is written")
	}
	mixed := []Line{{Entry: 1, Part: 1, Cents: 2}, {Entry: 1, Part: 2, Cents: -1}}
	if err := Write(io.Discard, V02, good, slices.Values(mixed)); err == nil {
		t.Error("version 02 has a batch both ways")
	}
	if err := Write(full{}, V02, good, none); err != errFull {
		t.Errorf("a full disk answers %v", err)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// manyLines are the lines of a large statement, made as they are asked for.
func manyLines(n int) (Statement, iter.Seq[Line]) {
	on := day("2026-11-23")
	s := Statement{
		MessageID: "M", ID: "S", IBAN: "NL91ABNA0417164300", Currency: "EUR", Created: moment("2026-11-24T02:15:00Z"), From: on, To: on, Page: 1, Last: true,
		Opening: Balance{true, 0, on}, Closing: Balance{true, 49_95 * int64(n), on},
	}
	return s, func(yield func(Line) bool) {
		for i := range n {
			if !yield(Line{
				Ref: fmt.Sprintf("26112300%08d", i), Entry: i + 1, BookedOn: on, ValueOn: on, Cents: 49_95, Currency: "EUR", Domain: "PMNT", Family: "RCDT",
				SubFamily: "ESCT", PartyName: "J. de Vries", PartyIBAN: "NL20INGB0001234567", PartyBIC: "INGBNL2A", StructuredRef: "RF18539007547034",
				StructuredIssuer: "ISO", Text: "factuur 2026-0001 & bedankt",
			}) {
				return
			}
		}
	}
}

// TestConstantMemory reads a statement of 40 MB as it is written, and looks at how much is in use on the way.
func TestConstantMemory(t *testing.T) {
	const n = 50_000
	s, lines := manyLines(n)
	pipe, in := io.Pipe()
	go func() { in.CloseWithError(Write(in, V08, s, lines)) }()
	r := NewReader(pipe, 1<<30)
	if _, err := r.NextStatement(); err != nil {
		t.Fatal(err)
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := 0; ; i++ {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if i%10_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before.HeapAlloc+1<<20 {
				t.Fatalf("after %d lines %d bytes more are in use", i, now.HeapAlloc-before.HeapAlloc)
			}
		}
	}
	if _, err := r.NextStatement(); err != io.EOF || r.Totals().Lines != n {
		t.Fatalf("%+v, %v", r.Totals(), err)
	}
}

// manyFile is a file of n entries with the white space of a real one.
func manyFile(b *testing.B, n int) []byte {
	s, lines := manyLines(n)
	var out bytes.Buffer
	if err := Write(&out, V02, s, lines); err != nil {
		b.Fatal(err)
	}
	return bytes.ReplaceAll(out.Bytes(), []byte("><"), []byte(">\n            <"))
}

// BenchmarkTokens compares the scanner with encoding/xml: the same file, every token, nothing done with it.
func BenchmarkTokens(b *testing.B) {
	in := manyFile(b, 2_000)
	b.Run("camt", func(b *testing.B) {
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			s := newScanner(bytes.NewReader(in), 1<<30)
			for s.next() != broken {
			}
			if s.err != io.EOF {
				b.Fatal(s.err)
			}
		}
	})
	b.Run("encoding-xml", func(b *testing.B) {
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			d := xml.NewDecoder(bytes.NewReader(in))
			for {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	const n = 2_000
	in := manyFile(b, n)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(in), 1<<30)
		if _, err := r.NextStatement(); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkWrite(b *testing.B) {
	const n = 2_000
	s, lines := manyLines(n)
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(io.Discard, V08, s, lines); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkKey(b *testing.B) {
	s, lines := manyLines(1)
	for l := range lines {
		for b.Loop() {
			l.Key(s)
		}
	}
}
