package camt

import (
	"bytes"
	"slices"
)

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
