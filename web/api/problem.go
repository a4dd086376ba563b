package api

import (
	"errors"
	"net/http"
	"strconv"

	"achteraf/internal/fault"

	"github.com/go-json-experiment/json"
)

// problem is an error as RFC 9457 has it, with the code by itself and the wrong fields.
type problem struct {
	Type     string        `json:"type" format:"uri-reference" doc:"Ends with the code; a page about it."`
	Title    string        `json:"title" doc:"The same for every problem of this code."`
	Status   int           `json:"status" doc:"The HTTP status."`
	Code     string        `json:"code" doc:"Stable; decide by it."`
	Detail   string        `json:"detail" doc:"What happened this time, for a person."`
	Instance string        `json:"instance" doc:"The id of the request; name it when you ask us."`
	Errors   []fault.Field `json:"errors,omitempty" nullable:"false" doc:"The wrong places of the message, the first hundred."`
}

// refusal is a fault with a status that no kind of fault has.
type refusal struct {
	fault  *fault.Error
	status int
}

func (r *refusal) Error() string { return r.fault.Error() }
func (r *refusal) Unwrap() error { return r.fault }

func refuse(status int, code, detail string) error {
	return &refusal{&fault.Error{Code: code, Detail: detail}, status}
}

// status is the HTTP status of each kind of fault.
func status(k fault.Kind) int {
	switch k {
	case fault.Malformed:
		return http.StatusBadRequest
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Denied:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// mostErrors is how many wrong places a problem names.
const mostErrors = 100

// problemOf turns an error into what the caller may see of it. What is no fault, or an internal one, says
// nothing of its cause.
func (a *API) problemOf(err error, request string) problem {
	f := fault.As(err)
	if f == nil || f.Kind == fault.Internal && !isRefusal(err) {
		f = fault.New(fault.Internal, "internal", "Something went wrong on our side.")
	}
	p := problem{Type: problemsPath + f.Code, Title: a.titles[f.Code], Status: status(f.Kind), Code: f.Code, Detail: f.Detail, Instance: request,
		Errors: f.Fields[:min(len(f.Fields), mostErrors)]}
	if r, ok := errors.AsType[*refusal](err); ok {
		p.Status = r.status
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	return p
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*refusal](err)
	return ok
}

// writeProblem is the one place that writes an error.
func (c *call) writeProblem(p problem) {
	h := c.w.Header()
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="achteraf"`)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "2")
	}
	body, err := json.Marshal(p)
	if err != nil { // nothing in it can fail
		panic(err)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(p.Status)
	_, _ = c.w.Write(body) // a caller who has gone needs no answer
}
