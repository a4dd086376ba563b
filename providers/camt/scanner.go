package camt

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"achteraf/internal/fault"
)

const (
	maxToken = 32 << 10 // bytes of one tag, or of one text between two tags
	maxDepth = 64
	maxName  = 128
	maxAttrs = 16
)

// token is what next found.
type token int

const (
	broken token = iota // scanner.err says why; io.EOF is the good end
	start
	end
	text
)

// scanner reads XML 1.0 token by token, twelve times as fast as encoding/xml because it copies and allocates
// almost nothing. It knows what bank files need and refuses the rest, above all document types: so there are no
// entities but the five and character references, and nothing outside the file is ever read. Whatever it
// accepts, encoding/xml accepts too and reads the same (FuzzScanner).
type scanner struct {
	src   io.Reader
	limit *limiter
	buf   []byte // what is read and not yet consumed is buf[pos:top]
	pos   int
	top   int
	gone  int64 // bytes dropped before buf[0], after conversion to UTF-8
	begun bool
	err   error // sticky; io.EOF after a whole document
	done  bool  // src is exhausted

	name  []byte // local name of the element that started or ended
	space string // its namespace
	attrs []attr // of the element that started
	text  []byte // of a text token

	empty    bool   // the start just given was <a/>, its end comes next
	open     []byte // the names of the open elements, one behind the other
	opened   []element
	bindings []binding
	scratch  []byte
	value    []byte // of leaf
	inner    []byte // of leafOr
	rooted   bool
}

// attr is valid until the next token. Its name has lost its prefix.
type attr struct{ prefix, name, value []byte }

// element is an open one.
type element struct {
	at, local int // where its name and the part behind the prefix begin in scanner.open
	bindings  int // how many there were before it
	space     string
}

// binding is a namespace prefix in force.
type binding struct{ prefix, uri string }

func newScanner(src io.Reader, maxBytes int64) *scanner {
	l := &limiter{src: src, left: maxBytes}
	return &scanner{src: l, limit: l, buf: make([]byte, 2*maxToken)}
}

// limiter passes on at most left bytes and then fails.
type limiter struct {
	src  io.Reader
	left int64
}

func (l *limiter) Read(p []byte) (int, error) {
	if l.left <= 0 {
		var one [1]byte
		n, err := l.src.Read(one[:])
		if n == 0 {
			return 0, err
		}
		return 0, fault.New(fault.TooLarge, "bank-file-too-large", "The bank file is larger than is allowed here.")
	}
	n, err := l.src.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// next reads one token. Texts next to each other are one token, whatever comments or CDATA marks stand between
// them; outside the root element white space is no token.
func (s *scanner) next() token {
	if s.err != nil {
		return broken
	}
	if !s.begun {
		s.begin()
	}
	if s.empty {
		s.empty = false
		return s.pop()
	}
	s.scratch = s.scratch[:0]
	for s.err == nil {
		run, ok := s.run()
		if !ok {
			return broken
		}
		switch mark := s.buf[s.pos+len(run)+1]; {
		case mark == '!' || mark == '?':
			s.scratch = append(s.scratch, run...)
			s.decode(len(s.scratch)-len(run), true)
			s.pos += len(run)
			if mark == '?' {
				s.instruction()
			} else {
				s.declaration()
			}
		case len(run) == 0 && len(s.scratch) == 0:
			return s.tag(mark)
		default:
			return s.give(run)
		}
		if len(s.scratch) > maxToken {
			s.tooLarge("a text")
		}
	}
	return broken
}

// run returns the bytes before the next tag and makes sure that two bytes of the tag are there. At the end of
// the document it says no.
func (s *scanner) run() ([]byte, bool) {
	for from := 0; ; {
		i := bytes.IndexByte(s.buf[s.pos+from:s.top], '<')
		found := i >= 0
		if found {
			from += i
		} else {
			from = s.top - s.pos
		}
		if from > maxToken {
			s.tooLarge("a text")
			return nil, false
		}
		if found && s.pos+from+1 < s.top {
			return s.buf[s.pos : s.pos+from], true
		}
		if !s.fill() {
			s.finish(s.buf[s.pos:s.top])
			return nil, false
		}
	}
}

// finish ends the document at the end of the input, or says that it was cut off.
func (s *scanner) finish(rest []byte) {
	switch {
	case s.err != nil:
	case len(s.opened) > 0 || !s.rooted || bytes.IndexByte(rest, '<') >= 0:
		s.truncated()
	case !blank(rest) || !blank(s.scratch):
		s.malformed("text after the end")
	default:
		s.err = io.EOF
	}
}

// give returns run, and what was gathered before it, as a text token.
func (s *scanner) give(run []byte) token {
	s.text = run
	if len(s.scratch) > 0 || !plain(run) {
		from := len(s.scratch)
		s.scratch = append(s.scratch, run...)
		s.decode(from, true)
		s.text = s.scratch
	}
	s.pos += len(run)
	if len(s.text) > maxToken {
		s.tooLarge("a text")
	}
	if s.err != nil {
		return broken
	}
	if len(s.opened) == 0 {
		if !blank(s.text) {
			return s.malformed("text outside the document")
		}
		return s.next()
	}
	if len(s.text) == 0 {
		return s.next()
	}
	return text
}

func blank(b []byte) bool { return len(bytes.Trim(b, " \t\r\n")) == 0 }

// special are the bytes that keep a text from standing for itself: references, line ends, what must be checked.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' && c != '\n' && c != '\t' || c == '&' || c == '>' || c >= utf8.RuneSelf
	}
	return t
}()

func plain(b []byte) bool {
	for _, c := range b {
		if special[c] {
			return false
		}
	}
	return true
}

// decode turns scratch[from:] from the written into the meant text: references resolved where they count, line
// ends as \n. It checks that every character is allowed in XML.
func (s *scanner) decode(from int, references bool) {
	in := s.scratch[from:]
	if references && bytes.Contains(in, []byte("]]>")) {
		s.malformed("]]> in a text")
		return
	}
	out := in[:0]
	for i := 0; i < len(in); {
		switch c := in[i]; {
		case c == '&' && references:
			r, n := reference(in[i:])
			if n == 0 {
				s.malformed("a reference")
				return
			}
			i += n
			out = utf8.AppendRune(out, r) // never longer than the reference
		case c == '\r':
			out = append(out, '\n')
			i++
			if i < len(in) && in[i] == '\n' {
				i++
			}
		case c < utf8.RuneSelf:
			if c < ' ' && c != '\n' && c != '\t' {
				s.malformed("a control character")
				return
			}
			out = append(out, c)
			i++
		default:
			r, n := utf8.DecodeRune(in[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				s.fail(fault.Bad("bank-file-encoding", "The bank file is not in the character encoding that it names (near byte %d).", s.offset()))
				return
			case !allowed(r):
				s.malformed("a character that XML forbids")
				return
			}
			out = append(out, in[i:i+n]...)
			i += n
		}
	}
	s.scratch = s.scratch[:from+len(out)]
}

// allowed is the rule Char of XML 1.0.
func allowed(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r < 0xD800 || r > 0xDFFF && r < 0xFFFE || r > 0xFFFF && r <= utf8.MaxRune
}

// reference reads one of the five entities or a character reference, and how long it is; 0 when it is neither.
func reference(b []byte) (rune, int) {
	i := bytes.IndexByte(b[:min(len(b), 12)], ';')
	if i < 2 {
		return 0, 0
	}
	switch name := string(b[1:i]); name {
	case "lt":
		return '<', i + 1
	case "gt":
		return '>', i + 1
	case "amp":
		return '&', i + 1
	case "quot":
		return '"', i + 1
	case "apos":
		return '\'', i + 1
	default:
		digits, base := strings.CutPrefix(name, "#x")
		n, err := uint64(0), error(nil)
		if base {
			n, err = strconv.ParseUint(digits, 16, 32)
		} else if digits, ok := strings.CutPrefix(name, "#"); ok {
			n, err = strconv.ParseUint(digits, 10, 32)
		}
		if err != nil || n > utf8.MaxRune || !allowed(rune(n)) {
			return 0, 0
		}
		return rune(n), i + 1
	}
}

// tag reads a start or an end tag; mark is its second byte.
func (s *scanner) tag(mark byte) token {
	if mark == '/' {
		return s.endTag()
	}
	inside, ok := s.upTo('>', 1)
	if !ok {
		return broken
	}
	whole := len(inside) + 2
	inside, s.empty = bytes.CutSuffix(inside, []byte{'/'})
	n, local := nameLength(inside)
	if n == 0 || n < len(inside) && !isSpace(inside[n]) {
		return s.malformed("a tag")
	}
	if len(s.opened) == 0 && s.rooted {
		return s.malformed("a second document")
	}
	if len(s.opened) == maxDepth {
		return s.malformed("elements within elements, too deep")
	}
	s.rooted = true
	e := element{at: len(s.open), local: len(s.open) + local, bindings: len(s.bindings)}
	s.open = append(s.open, inside[:n]...)
	s.name = s.open[e.local:]
	s.attrs = s.attrs[:0]
	if n < len(inside) {
		if !s.attributes(inside[n:]) {
			return broken
		}
		s.bind()
	}
	if e.space, ok = s.resolve(inside[:max(local-1, 0)]); !ok {
		return s.malformed("a prefix that nothing declares")
	}
	s.space = e.space
	s.opened = append(s.opened, e)
	s.pos += whole
	return start
}

func (s *scanner) endTag() token {
	if len(s.opened) == 0 {
		return s.malformed("an end tag")
	}
	name := s.open[s.opened[len(s.opened)-1].at:]
	if b := s.buf[s.pos+2 : s.top]; len(b) > len(name) && b[len(name)] == '>' && string(b[:len(name)]) == string(name) {
		s.pos += len(name) + 3
		return s.pop()
	}
	inside, ok := s.upTo('>', 2) // with space in it, or not whole in the buffer
	switch {
	case !ok:
		return broken
	case string(bytes.TrimRight(inside, " \t\r\n")) != string(name):
		return s.malformed("an end tag")
	}
	s.pos += len(inside) + 3
	return s.pop()
}

// upTo returns what stands between the first skip bytes of a tag and its closing mark, which does not count
// within quotes.
func (s *scanner) upTo(mark byte, skip int) ([]byte, bool) {
	var quote byte
	for i := skip; i <= maxToken; {
		b := s.buf[s.pos:s.top]
		for ; i < len(b); i++ {
			switch c := b[i]; {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == mark:
				if i > maxToken {
					s.tooLarge("a tag")
					return nil, false
				}
				return b[skip:i], true
			case c == '"' || c == '\'':
				quote = c
			}
		}
		if !s.fill() {
			s.truncated()
			return nil, false
		}
	}
	s.tooLarge("a tag")
	return nil, false
}

// nameLength is the length of the name at the start of b, or 0, and where in it the part behind the prefix begins.
// Names are ASCII and have at most one prefix.
func nameLength(b []byte) (n, local int) {
	for n < len(b) && n <= maxName {
		switch c := b[n]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
		case (c >= '0' && c <= '9' || c == '-' || c == '.') && n > local:
		case c == ':' && local == 0 && n > 0:
			local = n + 1
		default:
			if n == local {
				return 0, 0
			}
			return n, local
		}
		n++
	}
	if n == local || n > maxName {
		return 0, 0
	}
	return n, local
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// attributes reads the rest of a tag or of the XML declaration. Values that need decoding live in scratch.
func (s *scanner) attributes(b []byte) bool {
	for {
		trimmed := bytes.TrimLeft(b, " \t\r\n")
		if len(trimmed) == 0 {
			return true
		}
		n, local := nameLength(trimmed)
		if n == 0 || len(trimmed) == len(b) || len(s.attrs) == maxAttrs {
			s.malformed("an attribute")
			return false
		}
		a := attr{prefix: trimmed[:max(local-1, 0)], name: trimmed[local:n]}
		b = bytes.TrimLeft(trimmed[n:], " \t\r\n")
		if len(b) == 0 || b[0] != '=' {
			s.malformed("an attribute")
			return false
		}
		b = bytes.TrimLeft(b[1:], " \t\r\n")
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			s.malformed("an attribute")
			return false
		}
		i := bytes.IndexByte(b[1:], b[0])
		if i < 0 {
			s.malformed("an attribute")
			return false
		}
		a.value = b[1 : 1+i]
		b = b[i+2:]
		if bytes.IndexByte(a.value, '<') >= 0 {
			s.malformed("an attribute")
			return false
		}
		if !plain(a.value) {
			if a.value = s.meant(a.value); s.err != nil {
				return false
			}
		}
		if slices.ContainsFunc(s.attrs, func(o attr) bool {
			return bytes.Equal(o.name, a.name) && bytes.Equal(o.prefix, a.prefix)
		}) {
			s.malformed("an attribute given twice")
			return false
		}
		s.attrs = append(s.attrs, a)
	}
}

// meant decodes an attribute value, in which ]]> is nothing special.
func (s *scanner) meant(value []byte) []byte {
	kept := s.scratch
	s.scratch = bytes.ReplaceAll(value, []byte("]]>"), []byte("]]&gt;"))
	s.decode(0, true)
	value, s.scratch = s.scratch, kept
	return value
}

// bind notes the namespace declarations among the attributes.
func (s *scanner) bind() {
	for _, a := range s.attrs {
		switch {
		case string(a.prefix) == "xmlns":
			s.bindings = append(s.bindings, binding{string(a.name), string(a.value)})
		case len(a.prefix) == 0 && string(a.name) == "xmlns":
			s.bindings = append(s.bindings, binding{"", string(a.value)})
		}
	}
}

// resolve returns the namespace of a prefix.
func (s *scanner) resolve(prefix []byte) (space string, ok bool) {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if s.bindings[i].prefix == string(prefix) {
			return s.bindings[i].uri, true
		}
	}
	return "", len(prefix) == 0
}

// pop ends the innermost open element.
func (s *scanner) pop() token {
	e := s.opened[len(s.opened)-1]
	s.name, s.space = s.open[e.local:], e.space // its bytes stay where they are until the next start
	s.open, s.opened, s.bindings = s.open[:e.at], s.opened[:len(s.opened)-1], s.bindings[:e.bindings]
	return end
}

// instruction skips <?…?>. The XML declaration is allowed at the very start only, where begin has read it.
func (s *scanner) instruction() {
	if !s.need(5) {
		return
	}
	b := s.buf[s.pos+2 : s.top]
	n, local := nameLength(b)
	if n == 0 || local > 0 || n < len(b) && !isSpace(b[n]) && b[n] != '?' || strings.EqualFold(string(b[:n]), "xml") {
		s.malformed("an instruction")
		return
	}
	s.pos += 2 + n
	s.skipPast("?>")
}

// declaration skips a comment, gathers a CDATA section, and refuses everything else that starts with <!.
func (s *scanner) declaration() {
	if !s.need(4) {
		return
	}
	if string(s.buf[s.pos:s.pos+4]) == "<!--" {
		s.pos += 4
		if s.skipPast("--") && s.need(1) && s.buf[s.pos] != '>' {
			s.malformed("a comment")
		}
		s.pos++
		return
	}
	const cdata = "<![CDATA["
	if s.buf[s.pos+2] != '[' {
		s.malformed("a document type, which is refused,")
		return
	}
	if !s.need(len(cdata)) {
		return
	}
	if string(s.buf[s.pos:s.pos+len(cdata)]) != cdata || len(s.opened) == 0 {
		s.malformed("a marked section")
		return
	}
	s.pos += len(cdata)
	for {
		if i := bytes.Index(s.buf[s.pos:s.top], []byte("]]>")); i >= 0 {
			from := len(s.scratch)
			s.scratch = append(s.scratch, s.buf[s.pos:s.pos+i]...)
			s.pos += i + 3
			s.decode(from, false)
			return
		}
		if s.top-s.pos > maxToken+2 {
			s.tooLarge("a text")
			return
		}
		if !s.fill() {
			s.truncated()
			return
		}
	}
}

// need makes sure that n bytes can be looked at.
func (s *scanner) need(n int) bool {
	for s.top-s.pos < n {
		if !s.fill() {
			s.truncated()
			return false
		}
	}
	return true
}

// skipPast drops everything up to and including mark, however long it is.
func (s *scanner) skipPast(mark string) bool {
	for {
		if i := bytes.Index(s.buf[s.pos:s.top], []byte(mark)); i >= 0 {
			s.pos += i + len(mark)
			return true
		}
		s.pos = max(s.pos, s.top-len(mark)+1)
		if !s.fill() {
			s.truncated()
			return false
		}
	}
}

// fill reads more, making room first. It says no at the end of the input and after an error. It moves the
// bytes in buf: nothing may point into them across a call.
func (s *scanner) fill() bool {
	if s.err != nil || s.done {
		return false
	}
	if s.pos > 0 {
		s.gone += int64(s.pos)
		s.top = copy(s.buf, s.buf[s.pos:s.top])
		s.pos = 0
	}
	for tries := 0; tries < 100; tries++ {
		n, err := s.src.Read(s.buf[s.top:])
		s.top += n
		switch {
		case err == io.EOF:
			s.done = true
		case errors.Is(err, io.ErrUnexpectedEOF):
			s.truncated()
			return false
		case err != nil:
			s.fail(err)
			return false
		}
		if n > 0 || s.done {
			return n > 0
		}
	}
	s.fail(io.ErrNoProgress)
	return false
}

// begin reads the byte order mark and the XML declaration, and converts from there on if need be.
func (s *scanner) begin() {
	s.begun = true
	for s.top < 64 && s.fill() {
	}
	b := s.buf[:s.top]
	if bytes.HasPrefix(b, []byte{0xFE, 0xFF}) || bytes.HasPrefix(b, []byte{0xFF, 0xFE}) || bytes.IndexByte(b[:min(4, len(b))], 0) >= 0 {
		s.encoding()
		return
	}
	b = bytes.TrimPrefix(b, []byte("\uFEFF"))
	marked := len(b) < s.top
	s.pos = s.top - len(b)
	if !bytes.HasPrefix(b, []byte("<?xml")) || len(b) > 5 && !isSpace(b[5]) {
		return
	}
	inside, ok := s.upTo('>', 5)
	if !ok {
		return
	}
	whole := 5 + len(inside) + 1
	inside, ok = bytes.CutSuffix(inside, []byte("?"))
	if !ok {
		s.malformed("an XML declaration")
		return
	}
	if !s.attributes(inside) {
		return
	}
	s.pos += whole
	version, label := "", "utf-8"
	for _, a := range s.attrs {
		switch string(a.name) {
		case "version":
			version = string(a.value)
		case "encoding":
			label = strings.ToLower(string(a.value))
		case "standalone":
		default:
			s.malformed("an XML declaration")
		}
	}
	if version != "1.0" {
		s.malformed("an XML declaration")
		return
	}
	s.convert(label, marked)
}

// convert reads the rest of the file in the encoding that its declaration names.
func (s *scanner) convert(label string, marked bool) {
	switch label {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return
	case "iso-8859-1", "latin1", "windows-1252", "cp1252":
		if marked { // a UTF-8 mark says otherwise
			s.encoding()
			return
		}
	default:
		s.encoding()
		return
	}
	rest := bytes.Clone(s.buf[s.pos:s.top])
	s.gone += int64(s.pos)
	s.pos, s.top, s.done = 0, 0, false
	s.src = charset(label).NewDecoder().Reader(&unread{rest, s.src})
}

func charset(label string) *charmap.Charmap {
	if label == "windows-1252" || label == "cp1252" {
		return charmap.Windows1252
	}
	return charmap.ISO8859_1
}

// unread gives back bytes before src goes on.
type unread struct {
	first []byte
	src   io.Reader
}

func (u *unread) Read(p []byte) (int, error) {
	if len(u.first) > 0 {
		n := copy(p, u.first)
		u.first = u.first[n:]
		return n, nil
	}
	return u.src.Read(p)
}

// child goes to the next element within the current one, and says no at the current one's end. Each element that
// it gives must be consumed with child, leaf or skip before the next is asked for.
func (s *scanner) child() bool {
	for {
		switch s.next() {
		case start:
			return true
		case end, broken:
			return false
		}
	}
}

// leaf consumes the current element and returns its text, without that of elements within. The bytes are good
// until the next leaf.
func (s *scanner) leaf() []byte {
	own, _ := s.leafOr("")
	return own
}

// leafOr is leaf, and returns the text of the first element of that name within besides.
func (s *scanner) leafOr(name string) (own, inner []byte) {
	s.value, s.inner = s.value[:0], s.inner[:0]
	wanted := -1 // the depth of the element name
	for depth := 1; ; {
		switch s.next() {
		case start:
			if depth++; wanted < 0 && string(s.name) == name {
				wanted = depth
			}
		case end:
			if depth == wanted {
				wanted = maxDepth + 1
			}
			if depth--; depth == 0 {
				return s.value, s.inner
			}
		case text:
			switch depth {
			case 1:
				s.value = append(s.value, s.text...)
			case wanted:
				s.inner = append(s.inner, s.text...)
			}
			if len(s.value)+len(s.inner) > maxToken {
				s.tooLarge("a text")
			}
		case broken:
			return nil, nil
		}
	}
}

// skip consumes the current element.
func (s *scanner) skip() {
	for depth := 1; depth > 0; {
		switch s.next() {
		case start:
			depth++
		case end:
			depth--
		case broken:
			return
		}
	}
}

func (s *scanner) offset() int64 { return s.gone + int64(s.pos) }

func (s *scanner) fail(err error) token {
	if s.err == nil || errors.Is(s.err, io.EOF) {
		s.err = err
	}
	return broken
}

func (s *scanner) malformed(what string) token {
	return s.fail(fault.Bad("bank-file-format", "The bank file is not XML as it should be: %s near byte %d.", what, s.offset()))
}

func (s *scanner) tooLarge(what string) token {
	return s.fail(fault.New(fault.TooLarge, "bank-file-too-large", "The bank file has %s longer than %d bytes near byte %d.", what, maxToken, s.offset()))
}

func (s *scanner) encoding() {
	s.fail(fault.Bad("bank-file-encoding", "The bank file is in a character encoding that is not read here. Use UTF-8, ISO-8859-1 or Windows-1252."))
}

func (s *scanner) truncated() token {
	return s.fail(fault.Wrap(io.ErrUnexpectedEOF, fault.Invalid, "bank-file-truncated", "The bank file ends before it is complete."))
}
