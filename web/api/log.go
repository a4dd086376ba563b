package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"runtime"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/fault"
)

// newRequestID names a request: 16 letters and digits by chance.
func (a *API) newRequestID() string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	var b [16]byte
	if _, err := io.ReadFull(a.Random, b[:]); err != nil {
		return "req_unnamed" // an id is a help, not a condition
	}
	for i := range b {
		b[i] = digits[b[i]&31]
	}
	return "req_" + string(b[:])
}

// log writes one line for a request. These are all the attributes that a line may have; none of them is
// anything that was sent. What went wrong on our side is told in words without values.
func (a *API) log(c *call, began calendar.Instant, status int, code string, err error) {
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	if !a.Log.Enabled(c.ctx, level) {
		return
	}
	route := "unknown"
	if c.operation != nil {
		route = c.operation.name()
	}
	line := []slog.Attr{slog.String("route", route), slog.Int("status", status), slog.Int64("micros", a.Wall().Micros()-began.Micros()),
		slog.String("request", c.request)}
	if c.who.Merchant != "" {
		line = append(line, slog.String("merchant", c.who.Merchant))
	}
	if code != "" {
		line = append(line, slog.String("code", code))
	}
	if status >= 500 {
		line = append(line, slog.String("cause", redacted(err)))
		if p, ok := errors.AsType[*panicked](err); ok {
			line = append(line, slog.String("at", p.at))
		}
	}
	a.Log.LogAttrs(context.WithoutCancel(c.ctx), level, "request", line...)
}

var (
	quoted   = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'|`[^`]*`|\\([^)]*\\)=")
	harmless = regexp.MustCompile(`^(?:[a-z_*&./-]{1,40}|[0-9]{1,4}|[a-z]{2,4}_[0-9a-z]{1,40}|ERROR|UNIQUE|SQLSTATE|[0-9A-Z]{5})$`)
)

// redacted keeps of an error's words only those that look like words of a program: no quoted value, no long
// number, nothing with an at sign.
func redacted(err error) string {
	if err == nil {
		return ""
	}
	words := strings.Fields(quoted.ReplaceAllString(err.Error(), " … "))
	for i, w := range words {
		if bare := strings.Trim(w, ",;:()[]"); bare != "" && !harmless.MatchString(bare) {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// panicked is a panic as an error.
type panicked struct {
	value any
	at    string
}

func (p *panicked) Error() string { return fmt.Sprint("panic: ", p.value) }

// broken turns a recovered panic into an error that knows where it happened.
func broken(value any) error {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs[:])])
	var at []string
	for {
		f, more := frames.Next()
		at = append(at, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			break
		}
	}
	return fault.Wrap(&panicked{value, strings.Join(at, " ")}, fault.Internal, "internal", "Something went wrong on our side.")
}
