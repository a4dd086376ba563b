package camt

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"achteraf/internal/fault"
)

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
