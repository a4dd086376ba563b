package older

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

var declared = regexp.MustCompile(`^<\?[xX][mM][lL][^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)

// utf8Of returns a message in UTF-8, without a byte order mark or white space before it. An encoding that the message
// declares is believed; what is no UTF-8 after all is read as Windows-1252, of which Latin-1 is a part.
func utf8Of(body []byte) []byte {
	switch {
	case bytes.HasPrefix(body, []byte{0xEF, 0xBB, 0xBF}):
		body = body[3:]
	case bytes.HasPrefix(body, []byte{0xFE, 0xFF}):
		return bytes.TrimSpace(utf16Of(body[2:], binary.BigEndian))
	case bytes.HasPrefix(body, []byte{0xFF, 0xFE}):
		return bytes.TrimSpace(utf16Of(body[2:], binary.LittleEndian))
	}
	body = bytes.TrimLeftFunc(body, func(r rune) bool { return unicode.IsSpace(r) || r == 0xFEFF })
	if m := declared.FindSubmatch(body); m != nil {
		if from := encodingOf(string(m[1])); from != nil {
			if out, err := from.NewDecoder().Bytes(body); err == nil {
				return printable(out)
			}
		}
	}
	if !utf8.Valid(body) {
		if out, err := charmap.Windows1252.NewDecoder().Bytes(body); err == nil {
			body = out
		}
	}
	return printable(body)
}

// encodingOf is the encoding of a declared name; nil for UTF-8 and for names that nobody knows.
func encodingOf(name string) encoding.Encoding {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "utf-") || name == "utf8" {
		return nil
	}
	from, err := htmlindex.Get(name)
	if err != nil {
		return nil
	}
	return from
}

func utf16Of(b []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return printable([]byte(string(utf16.Decode(units))))
}

// printable turns control characters, which XML does not allow, into spaces.
func printable(b []byte) []byte {
	bad := func(c byte) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' }
	if bytes.IndexFunc(b, func(r rune) bool { return r < ' ' && bad(byte(r)) }) < 0 {
		return b
	}
	out := bytes.Clone(b)
	for i, c := range out {
		if bad(c) {
			out[i] = ' '
		}
	}
	return out
}

var (
	declaration = regexp.MustCompile(`^(?:<\?[xX][mM][lL][^>]{0,200}\?>\s*)+`)
	reference   = regexp.MustCompile(`&#(?:[0-9]{1,10}|[xX][0-9a-fA-F]{1,8});`)
)

// legible takes out what a reader of XML stops at and a sender may mean as text: declarations of another version,
// references to characters that XML does not have, the end of a section that never began.
func legible(b []byte) []byte {
	b = declaration.ReplaceAll(b, nil)
	if bytes.Contains(b, []byte("&#")) {
		b = reference.ReplaceAllFunc(b, func(ref []byte) []byte {
			digits, base := string(ref[2:len(ref)-1]), 10
			if digits[0] == 'x' || digits[0] == 'X' {
				digits, base = digits[1:], 16
			}
			if n, err := strconv.ParseUint(digits, base, 32); err != nil || !known(n) {
				return []byte(" ")
			}
			return ref
		})
	}
	if bytes.Contains(b, []byte("]]>")) && !bytes.Contains(b, []byte("<![CDATA[")) {
		b = bytes.ReplaceAll(b, []byte("]]>"), []byte("]]&gt;"))
	}
	for _, none := range []string{"\xEF\xBF\xBE", "\xEF\xBF\xBF"} { // U+FFFE and U+FFFF
		b = bytes.ReplaceAll(b, []byte(none), []byte(" "))
	}
	return b
}

// known says whether a number is that of a character of XML.
func known(n uint64) bool {
	return n == '\t' || n == '\n' || n == '\r' || n >= ' ' && n < 0xD800 || n > 0xDFFF && n < 0xFFFE || n > 0xFFFF && n <= unicode.MaxRune
}

// once undoes a second encoding as UTF-8, when the whole value decodes cleanly the other way: "ZoÃ«" is "Zoë".
func once(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= 0xC2 && r <= 0xF4 }) {
		return s
	}
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			c, ok := charmap.Windows1252.EncodeRune(r)
			if !ok {
				return s
			}
			raw = append(raw, c)
			continue
		}
		raw = append(raw, byte(r))
	}
	if !utf8.Valid(raw) {
		return s
	}
	return string(raw)
}

// clean is a value as it is stored: one line, without control characters, at most so many characters.
func clean(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError }), " ")
	if utf8.RuneCountInString(s) > most {
		s = strings.TrimSpace(string([]rune(s)[:most]))
	}
	return s
}
