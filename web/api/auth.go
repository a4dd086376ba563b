package api

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// enter lets a request in: its credential is good as far as we know, may do this, and comes not too often. The
// exact check follows in the transaction of the act; this one keeps strangers from learning anything sooner.
// Errors: Denied "key-invalid", Forbidden "scope", Limited "rate-limit".
func (a *API) enter(c *call) error {
	now := a.Wall()
	if err := a.recognise(c, now); err != nil {
		return err
	}
	if err := a.limits.admit(c, now); err != nil {
		return err
	}
	return c.who.Need(c.operation.scope)
}

// recognise finds out who calls, from memory or from the database. What has not even the form of a key counts
// against the origin that sends it, and is refused without a look for a while; a key of the right form is always
// looked up, since behind a proxy all callers share one origin and a stranger must not lock the others out.
func (a *API) recognise(c *call, now calendar.Instant) (err error) {
	c.shown, err = access.Parse(bearer(c.r.Header.Get("Authorization")))
	if err != nil {
		from := origin(c.r.RemoteAddr)
		if limited := a.limits.failing(c, from, now); limited != nil {
			return limited
		}
		a.limits.failed(from, now)
		return err
	}
	var known bool
	if c.who, known = a.keys.get(c.shown, now); known {
		return nil
	}
	if err = a.DB.Read(c.ctx, func(tx *db.Tx) error { return a.check(c, tx) }); err == nil {
		a.keys.put(c.shown, c.who, now)
	}
	return err
}

// check is the exact check of the credential, in the transaction of the act.
func (a *API) check(c *call, tx *db.Tx) error {
	checked, err := a.Access.Check(c.ctx, tx, []access.Presented{c.shown})
	if err != nil {
		return err
	}
	if err := checked[0].Err; err != nil {
		a.keys.drop(c.shown)
		return err
	}
	c.who = checked[0].Principal
	return c.who.Need(c.operation.scope)
}

// bearer takes the key out of an Authorization header; "" when no key can be in it.
func bearer(header string) string {
	const scheme = "Bearer "
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return ""
	}
	token := header[len(scheme):]
	if len(token) > 200 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return token
}

// origin is the network address that a request came from; of IPv6 the /64, which is one household.
func origin(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	address, bits := at.Addr().Unmap(), 32
	if address.Is6() {
		bits = 64
	}
	p, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// keys remembers for some seconds which credentials were good. A key that was revoked is found out at once by
// the exact check; what it could still learn meanwhile is which fields of its own message are wrong.
type keys struct {
	mu    sync.Mutex
	known map[access.Presented]knownKey
}

type knownKey struct {
	who   access.Principal
	until calendar.Instant
}

const (
	keyLife  = 5 * time.Second
	mostKeys = 10_000 // remembered at one time
)

func (k *keys) get(p access.Presented, now calendar.Instant) (access.Principal, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.known[p]
	return e.who, ok && now.Before(e.until)
}

func (k *keys) put(p access.Presented, who access.Principal, now calendar.Instant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= mostKeys {
		k.known = map[access.Presented]knownKey{}
	}
	k.known[p] = knownKey{who, now.Add(keyLife)}
}

func (k *keys) drop(p access.Presented) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, p)
}

// denied says whether an error is about the credential itself.
func denied(err error) bool {
	f := fault.As(err)
	return f != nil && f.Kind == fault.Denied
}
