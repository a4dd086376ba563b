package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"achteraf/calendar"
	"achteraf/internal/fault"
)

// Limits unless Config sets others. That of a key is for a program that has run away, not for a busy shop.
const (
	keyQuota    = 600_000 // calls of one key in a window
	deniedQuota = 600     // wrong credentials from one origin in a window
	limitWindow = time.Minute
)

// limits count calls by key, and wrong credentials by origin. They are kept by each process for itself.
type limits struct {
	byKey    counter[string]
	byOrigin counter[netip.Prefix]
}

func (l *limits) init(c *Config) {
	l.byKey = counter[string]{name: "key", quota: or(c.KeyQuota, keyQuota)}
	l.byOrigin = counter[netip.Prefix]{name: "denied", quota: or(c.DeniedQuota, deniedQuota)}
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// admit counts a call of a good key. Error: Limited "rate-limit".
func (l *limits) admit(c *call, now calendar.Instant) error {
	s := l.byKey.add(c.who.Key, now, 1)
	s.show(c.w.Header())
	return s.fault(c.w.Header())
}

// failing refuses an origin that has shown too many wrong credentials. Error: Limited "rate-limit".
func (l *limits) failing(c *call, from netip.Prefix, now calendar.Instant) error {
	s := l.byOrigin.add(from, now, 0)
	if s.used < s.quota {
		return nil
	}
	s.used++
	s.show(c.w.Header())
	return s.fault(c.w.Header())
}

// failed counts a wrong credential.
func (l *limits) failed(from netip.Prefix, now calendar.Instant) { l.byOrigin.add(from, now, 1) }

// counter counts for each key in a window that begins with its first call.
type counter[K comparable] struct {
	name  string
	quota int

	mu      sync.Mutex
	windows map[K]window
}

type window struct {
	began calendar.Instant
	used  int
}

const mostWindows = 10_000

func (c *counter[K]) add(key K, now calendar.Instant, n int) standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, ok := c.windows[key]
	if !ok || now.Sub(w.began) >= limitWindow || now.Before(w.began) {
		w = window{began: now}
	}
	w.used += n
	if n > 0 {
		c.make(now)
		c.windows[key] = w
	}
	return standing{c.name, c.quota, w.used, limitWindow - now.Sub(w.began)}
}

// make keeps the number of windows bounded: it drops those that are over, and all of them if that is not enough.
func (c *counter[K]) make(now calendar.Instant) {
	if c.windows == nil {
		c.windows = map[K]window{}
	}
	if len(c.windows) < mostWindows {
		return
	}
	for k, w := range c.windows {
		if now.Sub(w.began) >= limitWindow {
			delete(c.windows, k)
		}
	}
	if len(c.windows) >= mostWindows {
		clear(c.windows)
	}
}

// standing is how a caller stands against a quota.
type standing struct {
	name        string
	quota, used int
	left        time.Duration // until the window ends
}

func (s standing) seconds() int { return int((s.left + time.Second - 1) / time.Second) }

// show writes the headers of draft-ietf-httpapi-ratelimit-headers-10.
func (s standing) show(h http.Header) {
	h.Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%d`, s.name, s.quota, int(limitWindow/time.Second)))
	h.Set("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, s.name, max(s.quota-s.used, 0), s.seconds()))
}

func (s standing) fault(h http.Header) error {
	if s.used <= s.quota {
		return nil
	}
	h.Set("Retry-After", strconv.Itoa(s.seconds()))
	return fault.New(fault.Limited, "rate-limit", "Too many requests. Wait %d seconds.", s.seconds())
}
