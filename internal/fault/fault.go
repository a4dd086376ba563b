// Package fault is the one error type that callers of the platform see.
//
// It owns the kinds of failure, the shape of a field error and the stable codes' carrier. It does not
// own how a failure is written to a caller (web/api) nor the list of codes (docs/problems.md).
//
// # What is always true
//
//   - Code is stable, documented and never reused.
//   - Detail and Fields never carry personal data or what the caller typed; Err may, and is for the log's filter only.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what the caller can do about a failure.
type Kind int

const (
	Internal    Kind = iota // our mistake; nothing the caller can do
	Malformed               // the message cannot be read: mend it, 400
	Invalid                 // the message is readable and wrong: mend it, 422
	Denied                  // the credential is missing, wrong or not allowed
	Forbidden               // the credential is good, the act is not allowed to it
	NotFound                // no such thing for this caller
	Conflict                // right request, wrong moment or state
	Limited                 // too much: wait and try again
	Unavailable             // we cannot now: try again; the outcome may be unknown
	TooLarge                // the message exceeds a stated limit
)

// Field is one wrong place in a message.
type Field struct {
	Pointer string `json:"pointer"` // JSON pointer as a URI fragment: "#/lines/0/quantity"
	Code    string `json:"code"`    // stable, such as "required"
	Detail  string `json:"detail"`  // one sentence for a person, never what was typed
}

// Error is safe to show except for Err. Code is stable, documented and never reused.
type Error struct {
	Kind   Kind
	Code   string
	Detail string
	Fields []Field
	Err    error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Detail + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Detail
}

func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a kind; detail is a format.
func New(k Kind, code, detail string, args ...any) *Error {
	return &Error{Kind: k, Code: code, Detail: fmt.Sprintf(detail, args...)}
}

// Bad says that the message is readable and wrong.
func Bad(code, detail string, args ...any) *Error { return New(Invalid, code, detail, args...) }

// Missing says that the caller has no such thing.
func Missing(code, detail string, args ...any) *Error { return New(NotFound, code, detail, args...) }

// Clash says that the request meets a state that forbids it.
func Clash(code, detail string, args ...any) *Error { return New(Conflict, code, detail, args...) }

// Wrap keeps the cause for the log.
func Wrap(err error, k Kind, code, detail string, args ...any) *Error {
	e := New(k, code, detail, args...)
	e.Err = err
	return e
}

// At makes an Invalid error about fields of the message.
func At(code, detail string, fields ...Field) *Error {
	return &Error{Kind: Invalid, Code: code, Detail: detail, Fields: fields}
}

// As returns the fault inside err, or nil.
func As(err error) *Error {
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	return nil
}

// Is says whether err carries this code.
func Is(err error, code string) bool {
	f := As(err)
	return f != nil && f.Code == code
}
