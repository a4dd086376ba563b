package camt

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"achteraf/internal/fault"
)

// ours lists the tokens of a document as our scanner reads them.
func ours(src io.Reader) ([]string, error) {
	s := newScanner(src, 1<<30)
	var list []string
	for {
		switch s.next() {
		case start:
			line := fmt.Sprintf("<%s %s", s.space, s.name)
			for _, a := range s.attrs {
				line += fmt.Sprintf(" %s=%q", a.name, a.value)
			}
			list = append(list, line)
		case end:
			list = append(list, fmt.Sprintf(">%s %s", s.space, s.name))
		case text:
			list = append(list, fmt.Sprintf("%q", s.text))
		case broken:
			if s.err == io.EOF {
				return list, nil
			}
			return list, s.err
		}
	}
}

// theirs lists them as encoding/xml reads them, with texts side by side joined.
func theirs(src io.Reader) ([]string, error) {
	d := xml.NewDecoder(src)
	d.CharsetReader = func(label string, input io.Reader) (io.Reader, error) {
		switch label = strings.ToLower(label); label {
		case "us-ascii", "ascii", "utf8":
			return input, nil
		case "iso-8859-1", "latin1", "windows-1252", "cp1252":
			return charset(label).NewDecoder().Reader(input), nil
		}
		return nil, errors.New("another encoding")
	}
	var list []string
	var run []byte
	depth := 0
	flush := func() {
		if len(run) > 0 && depth > 0 {
			list = append(list, fmt.Sprintf("%q", run))
		}
		run = run[:0]
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		switch token := token.(type) {
		case xml.CharData:
			run = append(run, token...)
		case xml.StartElement:
			flush()
			depth++
			line := fmt.Sprintf("<%s %s", token.Name.Space, token.Name.Local)
			for _, a := range token.Attr {
				line += fmt.Sprintf(" %s=%q", a.Name.Local, a.Value)
			}
			list = append(list, line)
		case xml.EndElement:
			flush()
			depth--
			list = append(list, fmt.Sprintf(">%s %s", token.Name.Space, token.Name.Local))
		}
	}
}

func TestScannerReads(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"nothing in it":      {`<a/>`, `< a|> a`},
		"declaration":        {"\uFEFF<?xml version='1.0' encoding='utf-8' standalone=\"yes\"?>\n<a>x</a>\n", `< a|"x"|> a`},
		"entities":           {`<a b="&lt;&quot;&#9;">&amp;&apos;&gt;&#65;&#32;&#x20AC;</a>`, `< a b="<\"\t"|"&'>A €"|> a`},
		"comment with marks": {`<!-- > <x> - --><a>1<!-- ' -->2</a><!-- -->`, `< a|"12"|> a`},
		"CDATA":              {`<a>1<![CDATA[<b>&amp;]] >]]>2</a>`, `< a|"1<b>&amp;]] >2"|> a`},
		"CDATA of nothing":   {`<a><![CDATA[]]></a>`, `< a|> a`},
		"instruction":        {`<?style x > ?><a>1<?p?>2</a>`, `< a|"12"|> a`},
		"line ends":          {"<a>1\r\n2\r3</a>", `< a|"1\n2\n3"|> a`},
		"marks in quotes":    {`<a b=">'" c='"/' /><!-- -->`, `< a b=">'" c="\"/"|> a`},
		"prefix":             {`<n:a xmlns:n="u" xmlns="d"><b xmlns=""/><c/></n:a>`, `<u a n="u" xmlns="d"|< b xmlns=""|> b|<d c|>d c|>u a`},
		"prefix taken again": {`<n:a xmlns:n="u"><n:b xmlns:n="v"></n:b><n:c/></n:a>`, `<u a n="u"|<v b n="v"|>v b|<u c|>u c|>u a`},
		"spaces in tags":     {"<a\n b = '1'\t></a >", `< a b="1"|> a`},
		"mixed":              {`<a> 1 <b/> 2 </a>`, `< a|" 1 "|< b|> b|" 2 "|> a`},
		"Latin 1":            {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", `< a|"é"|> a`},
		"Windows":            {"<?xml version=\"1.0\" encoding=\"Windows-1252\"?><a>\x80</a>", `< a|"€"|> a`},
		"ASCII":              {"<?xml version=\"1.0\" encoding=\"US-ASCII\"?><a>e</a>", `< a|"e"|> a`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, src := range []io.Reader{strings.NewReader(tc.in), iotest.OneByteReader(strings.NewReader(tc.in)), iotest.DataErrReader(strings.NewReader(tc.in))} {
				got, err := ours(src)
				if err != nil || strings.Join(got, "|") != tc.want {
					t.Errorf("read %s, %v; want %s", strings.Join(got, "|"), err, tc.want)
				}
			}
		})
	}
}

func TestScannerRefuses(t *testing.T) {
	long := strings.Repeat("x", maxToken+1)
	for name, tc := range map[string]struct{ in, code string }{
		"nothing":                  {"", "bank-file-truncated"},
		"spaces only":              {" \n", "bank-file-truncated"},
		"text only":                {"text", "bank-file-truncated"},
		"no end":                   {"<a>", "bank-file-truncated"},
		"half a tag":               {"<a><b", "bank-file-truncated"},
		"half a comment":           {"<a><!-- ", "bank-file-truncated"},
		"half a CDATA":             {"<a><![CDATA[ ", "bank-file-truncated"},
		"half a declaration":       {"<?xml version", "bank-file-truncated"},
		"half an instruction":      {"<a><?p ", "bank-file-truncated"},
		"a tag and no more":        {"<a/><", "bank-file-truncated"},
		"document type":            {`<!DOCTYPE a><a/>`, "bank-file-format"},
		"internal subset":          {`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, "bank-file-format"},
		"external entity":          {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, "bank-file-format"},
		"entity without type":      {`<a>&x;</a>`, "bank-file-format"},
		"wrong end":                {"<a></b>", "bank-file-format"},
		"end alone":                {"</a>", "bank-file-format"},
		"two documents":            {"<a/><b/>", "bank-file-format"},
		"text before":              {"x<a/>", "bank-file-format"},
		"text after":               {"<a/>x", "bank-file-format"},
		"text after, then tag":     {"<a/>x<!-- -->", "bank-file-format"},
		"CDATA outside":            {"<![CDATA[x]]><a/>", "bank-file-format"},
		"unknown section":          {"<a><![INCLUDE[x]]></a>", "bank-file-format"},
		"undeclared prefix":        {"<n:a/>", "bank-file-format"},
		"two colons":               {`<n:a:b xmlns:n="u"/>`, "bank-file-format"},
		"attribute twice":          {`<a b="1" b="2"/>`, "bank-file-format"},
		"attribute without quotes": {`<a b=1/>`, "bank-file-format"},
		"attribute without value":  {`<a b/>`, "bank-file-format"},
		"attributes run together":  {`<a b="1"c="2"/>`, "bank-file-format"},
		"tag in attribute":         {`<a b="<"/>`, "bank-file-format"},
		"bare ampersand":           {"<a>a & b</a>", "bank-file-format"},
		"character zero":           {"<a>&#0;</a>", "bank-file-format"},
		"surrogate":                {"<a>&#xD800;</a>", "bank-file-format"},
		"beyond Unicode":           {"<a>&#x110000;</a>", "bank-file-format"},
		"control character":        {"<a>\x01</a>", "bank-file-format"},
		"no character":             {"<a>\uFFFE</a>", "bank-file-format"},
		"no character either":      {"<a>\uFFFF</a>", "bank-file-format"},
		"]]> in text":              {"<a>]]></a>", "bank-file-format"},
		"-- in comment":            {"<a><!-- -- --></a>", "bank-file-format"},
		"late declaration":         {"<a/><?xml version=\"1.0\"?>", "bank-file-format"},
		"XML 1.1":                  {"<?xml version=\"1.1\"?><a/>", "bank-file-format"},
		"name of another script":   {"<é/>", "bank-file-format"},
		"name with a digit first":  {"<1/>", "bank-file-format"},
		"no name":                  {"<>", "bank-file-format"},
		"space before name":        {"< a/>", "bank-file-format"},
		"too deep":                 {strings.Repeat("<a>", maxDepth+1), "bank-file-format"},
		"too many attributes":      {"<a" + manyAttributes() + "/>", "bank-file-format"},
		"long name":                {"<" + strings.Repeat("a", maxName+1) + "/>", "bank-file-format"},
		"long text":                {"<a>" + long + "</a>", "bank-file-too-large"},
		"long text in pieces":      {"<a>" + long[:maxToken] + "<!-- -->x</a>", "bank-file-too-large"},
		"long CDATA":               {"<a><![CDATA[" + long + "]]></a>", "bank-file-too-large"},
		"endless CDATA":            {"<a><![CDATA[" + long + long, "bank-file-too-large"},
		"long attribute":           {`<a b="` + long + `"/>`, "bank-file-too-large"},
		"long tag":                 {`<a ` + strings.Repeat(" ", maxToken) + `/>`, "bank-file-too-large"},
		"UTF-16":                   {"\xff\xfe<\x00a\x00/\x00>\x00", "bank-file-encoding"},
		"UTF-16 without mark":      {"\x00<\x00a\x00/\x00>", "bank-file-encoding"},
		"EBCDIC":                   {`<?xml version="1.0" encoding="IBM037"?><a/>`, "bank-file-encoding"},
		"UTF-8 mark, Latin 1":      {"\uFEFF<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>", "bank-file-encoding"},
		"half a character":         {"<a>\x80</a>", "bank-file-encoding"},
		"not UTF-8":                {"<a>\xe9</a>", "bank-file-encoding"},
		"not UTF-8 in attribute":   {"<a b='\xe9'/>", "bank-file-encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, src := range []io.Reader{strings.NewReader(tc.in), iotest.OneByteReader(strings.NewReader(tc.in))} {
				if got, err := ours(src); !fault.Is(err, tc.code) {
					t.Errorf("read %.100q, %v; want %s", got, err, tc.code)
				}
			}
		})
	}
}

func manyAttributes() string {
	var b strings.Builder
	for i := range maxAttrs + 1 {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

func TestScannerLimits(t *testing.T) {
	doc := "<a>" + strings.Repeat("x", 100) + "</a>"
	for _, tc := range []struct {
		bytes int64
		code  string
	}{{int64(len(doc)), ""}, {int64(len(doc)) - 1, "bank-file-too-large"}, {0, "bank-file-too-large"}} {
		s := newScanner(strings.NewReader(doc), tc.bytes)
		for s.next() != broken {
		}
		if tc.code == "" && s.err != io.EOF || tc.code != "" && !fault.Is(s.err, tc.code) {
			t.Errorf("at most %d bytes: %v", tc.bytes, s.err)
		}
	}
	// So is a name.
	name := strings.Repeat("a", maxName)
	if _, err := ours(strings.NewReader("<" + name + "></" + name + ">")); err != nil {
		t.Errorf("the longest name: %v", err)
	}
	// A text of the greatest length is read, however it arrives.
	doc = "<a>" + strings.Repeat("x", maxToken) + "</a>"
	for _, src := range []io.Reader{strings.NewReader(doc), iotest.HalfReader(strings.NewReader(doc))} {
		if got, err := ours(src); err != nil || len(got) != 3 {
			t.Errorf("the longest text: %v", err)
		}
	}
}

// TestScannerReadError: a source that fails is not a file that is wrong.
func TestScannerReadError(t *testing.T) {
	lost := errors.New("connection lost")
	if _, err := ours(io.MultiReader(strings.NewReader("<a>"), iotest.ErrReader(lost))); err != lost {
		t.Errorf("got %v", err)
	}
	if _, err := ours(io.MultiReader(strings.NewReader("<a>"), iotest.ErrReader(io.ErrUnexpectedEOF))); !fault.Is(err, "bank-file-truncated") || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if _, err := ours(idle{}); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

// idle never has anything.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// compare holds our scanner to encoding/xml: what we accept, they accept and read the same; what they accept and
// we do not has one of the reasons for which we are stricter.
func compare(t interface{ Fatalf(string, ...any) }, in []byte) {
	got, err := ours(bytes.NewReader(in))
	want, theirErr := theirs(bytes.NewReader(bytes.TrimPrefix(in, []byte("\uFEFF"))))
	if err == nil && theirErr != nil {
		t.Fatalf("%q: we accept what is wrong: %v", in, theirErr)
	}
	if err == nil && !slices.Equal(got, want) {
		t.Fatalf("%q:\nwe read   %s\nthey read %s", in, strings.Join(got, "|"), strings.Join(want, "|"))
	}
	if err != nil && fault.As(err) == nil {
		t.Fatalf("%q: no fault but %v", in, err)
	}
	slow, slowErr := ours(iotest.OneByteReader(bytes.NewReader(in)))
	if (err == nil) != (slowErr == nil) || err != nil && fault.As(err).Code != fault.As(slowErr).Code || !slices.Equal(got, slow) {
		t.Fatalf("%q byte by byte: %v, %v; at once: %v, %v", in, slow, slowErr, got, err)
	}
}

func FuzzScanner(f *testing.F) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if !file.IsDir() {
			data, err := os.ReadFile("testdata/" + file.Name())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, s := range []string{
		"<a b='1'>x &amp; y<!-- c --><![CDATA[<z>]]></a>", "<?xml version=\"1.0\" encoding=\"latin1\"?><a>\xe9</a>",
		`<n:a xmlns:n="u"><n:b xmlns="v"/></n:a>`, "<a>\r\n</a>", "<a>]]&gt;</a>", "\uFEFF<a/>", "<!DOCTYPE a><a/>", "<a>&#x1F600;</a>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) { compare(t, in) })
}

// TestScannerReadsWhatTheyRead: documents without any of what we refuse are never refused.
func TestScannerReadsWhatTheyRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		drawElement(t, &b, 0)
		if _, err := ours(bytes.NewReader(b.Bytes())); err != nil {
			t.Fatalf("%s: %v", b.Bytes(), err)
		}
		compare(t, b.Bytes())
	})
}

func drawElement(t *rapid.T, b *bytes.Buffer, depth int) {
	name := rapid.StringMatching(`[A-Za-z_][A-Za-z0-9._-]{0,5}`).Draw(t, "name")
	b.WriteString("<" + name)
	for i := range rapid.IntRange(0, 2).Draw(t, "attributes") {
		fmt.Fprintf(b, " a%d=\"", i)
		xml.EscapeText(b, []byte(rapid.String().Draw(t, "value")))
		b.WriteString(`"`)
	}
	b.WriteString(">")
	for range rapid.IntRange(0, 3).Draw(t, "children") {
		switch kind := rapid.IntRange(0, 4).Draw(t, "kind"); {
		case kind == 0 && depth < 5:
			drawElement(t, b, depth+1)
		case kind == 1:
			b.WriteString("<!-- " + rapid.StringMatching(`[a-z<>&" ]*`).Draw(t, "comment") + " -->")
		case kind == 2:
			b.WriteString("<![CDATA[" + rapid.StringMatching(`[a-z<>&"\r\n ]*`).Draw(t, "cdata") + "]]>")
		default:
			xml.EscapeText(b, []byte(rapid.String().Draw(t, "text")))
		}
	}
	b.WriteString("</" + name + ">")
}
