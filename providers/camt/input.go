package camt

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"achteraf/internal/fault"
)

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
