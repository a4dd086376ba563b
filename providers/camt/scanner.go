package camt

import (
	"bytes"
	"errors"
	"io"
	"strings"

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

// scanner reads XML 1.0 token by token, eight to eleven times as fast as encoding/xml (BenchmarkTokens) because
// it copies and allocates almost nothing. It knows what bank files need and refuses the rest, above all document types: so there are no
// entities but the five and character references, and nothing outside the file is ever read. Whatever it
// accepts, encoding/xml accepts too and reads the same (FuzzScanner).
type scanner struct {
	src   io.Reader
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
	scratch  []byte // a text or value that had to be decoded
	value    []byte // of leaf
	inner    []byte // of leafOr
	rooted   bool   // the root element has started
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
	return &scanner{src: &limiter{src: src, left: maxBytes}, buf: make([]byte, 2*maxToken)}
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

// instruction skips <?…?>. The XML declaration is allowed at the very start only, where begin has read it.
func (s *scanner) instruction() {
	if !s.need(5) {
		return
	}
	n, local := nameLength(s.buf[s.pos+2 : s.top])
	for n > 0 && s.pos+2+n == s.top { // the name may go on
		if !s.need(2 + n + 1) {
			return
		}
		n, local = nameLength(s.buf[s.pos+2 : s.top])
	}
	b := s.buf[s.pos+2 : s.top]
	if n == 0 || local > 0 || !isSpace(b[n]) && b[n] != '?' || strings.EqualFold(string(b[:n]), "xml") {
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
