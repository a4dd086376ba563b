package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/fault"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a message.
const (
	mostBytes = 64 << 10
	mostDepth = 16 // objects and lists inside one another
)

// readBody reads the message of a write. Errors: 413 "body-too-large", 415 "content-type", Malformed "body".
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > mostBytes {
		return nil, tooLarge(nil)
	}
	var b bytes.Buffer
	b.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
	if _, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, mostBytes)); err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return nil, tooLarge(err)
		}
		return nil, fault.Wrap(err, fault.Malformed, "body", "The message did not arrive whole.")
	}
	if b.Len() > 0 && !isJSON(r.Header.Get("Content-Type")) {
		return nil, refuse(http.StatusUnsupportedMediaType, "content-type", "Send JSON, with Content-Type: application/json.")
	}
	return b.Bytes(), nil
}

func tooLarge(err error) error {
	return fault.Wrap(err, fault.TooLarge, "body-too-large", "A message has at most %d bytes.", mostBytes)
}

// isJSON says whether a Content-Type is JSON in UTF-8, the only encoding that JSON has.
func isJSON(header string) bool {
	if header == "application/json" {
		return true
	}
	kind, params, err := mime.ParseMediaType(header)
	charset, given := params["charset"]
	return err == nil && kind == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

// decode reads a message strictly into a pointer to a struct. Errors: Malformed "json" and "body-too-deep",
// Invalid "fields", each with the place.
func decode(data []byte, into any) error {
	if depth(data) > mostDepth {
		return fault.New(fault.Malformed, "body-too-deep", "A message has at most %d objects and lists inside one another.", mostDepth)
	}
	err := json.Unmarshal(data, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		f := fieldOf(wrong)
		return &fault.Error{Kind: fault.Invalid, Code: "fields", Detail: "Some fields are not right.", Fields: []fault.Field{f}, Err: err}
	}
	return &fault.Error{Kind: fault.Malformed, Code: "json", Detail: "The message is not JSON that can be read.", Fields: []fault.Field{brokenAt(err)}, Err: err}
}

// brokenAt says where a message stops being JSON.
func brokenAt(err error) fault.Field {
	at := "#"
	if broken, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = pointer(broken.JSONPointer)
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fault.Field{Pointer: at, Code: "duplicate", Detail: "This member is given twice."}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Field{Pointer: at, Code: "syntax", Detail: "The message ends before it is complete."}
	}
	return fault.Field{Pointer: at, Code: "syntax", Detail: "From here on this is not JSON in UTF-8."}
}

// depth is how deep objects and lists stand inside one another, brackets inside strings left out.
func depth(data []byte) int {
	now, most := 0, 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			now++
			most = max(most, now)
		case '}', ']':
			now--
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		}
	}
	return most
}

// fieldOf says what is wrong with a value, by the Go type that it should have become.
func fieldOf(err *json.SemanticError) fault.Field {
	at := pointer(err.JSONPointer)
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return fault.Field{Pointer: at, Code: "unknown-member", Detail: "There is no such member here."}
	case errors.Is(err, strconv.ErrRange):
		return fault.Field{Pointer: at, Code: "amount", Detail: "This number is too large."}
	case err.GoType == reflect.TypeFor[calendar.Date]() && err.JSONKind == '"':
		return fault.Field{Pointer: at, Code: "date", Detail: "Give a date as YYYY-MM-DD."}
	case err.GoType == reflect.TypeFor[calendar.Instant]() && err.JSONKind == '"':
		return fault.Field{Pointer: at, Code: "instant", Detail: "Give a moment as RFC 3339 has it, such as 2026-11-22T10:00:00Z."}
	}
	return fault.Field{Pointer: at, Code: "type", Detail: "Give " + named(err.GoType) + "."}
}

func named(t reflect.Type) string {
	switch {
	case t == nil:
		return "a value of the right type"
	case t == reflect.TypeFor[quantity]():
		return "a whole number, or a decimal as text"
	case t == reflect.TypeFor[calendar.Date](), t == reflect.TypeFor[calendar.Instant](), t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "a whole number"
	case t.Kind() == reflect.Slice:
		return "a list"
	}
	return "an object"
}

// pointer writes a JSON pointer as a URI fragment. A name that is not like one of ours may be anything that was
// typed, so the pointer ends before it.
func pointer(p jsontext.Pointer) string {
	out := "#"
	for token := range p.Tokens() {
		if !plainName(token) {
			break
		}
		out += "/" + token
	}
	return out
}

// plainName says whether a member's name is like ours, or a place in a list.
func plainName(s string) bool {
	if n, err := strconv.Atoi(s); err == nil {
		return 0 <= n && n < 10_000
	}
	return s != "" && len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
}
