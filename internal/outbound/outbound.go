// Package outbound is the one HTTP client with which the platform calls others.
//
// It owns the guard: which addresses may be called, with which deadlines, and how much of an answer is read. It
// does not own what is said to whom (providers).
//
// # What is always true
//
//   - Only public addresses are dialled, over TLS. The address is judged after its name was resolved, at the moment
//     of dialling, so a name that changes its mind gains nothing; each redirect is judged again.
//   - What an allow-list names is the exception, for a demonstration, tests and bench. Only there plain HTTP is spoken.
//   - No call lasts longer than its deadline, no answer is read beyond MostBytes, and no proxy of the
//     environment is used.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const (
	// MostBytes is how much of an answer is read.
	MostBytes = 1 << 20
	// MostTime is how long a call may take, whatever deadline its context has.
	MostTime = 30 * time.Second

	mostRedirects = 3
)

// What the guard refuses. Test with errors.Is.
var (
	ErrAddress  = errors.New("outbound: the address is not a public one")
	ErrScheme   = errors.New("outbound: only https is spoken")
	ErrRedirect = errors.New("outbound: redirected too often, or away from a message that must arrive once")
	ErrTooLong  = errors.New("outbound: the answer is too long")
)

// New makes a client for public addresses and those that allow names. Loopback: netip.MustParsePrefix("127.0.0.0/8").
func New(allow ...netip.Prefix) *http.Client {
	g := &guard{allow: slices.Clone(allow)}
	g.public = transport(func(a netip.Addr) bool { return Public(a) || g.allowed(a) })
	g.plain = transport(g.allowed)
	return &http.Client{Transport: g, Timeout: MostTime, CheckRedirect: redirect}
}

// guard sends each request by the transport that judges its address.
type guard struct {
	allow  []netip.Prefix
	public *http.Transport // TLS
	plain  *http.Transport // to allowed addresses only
}

func (g *guard) allowed(a netip.Addr) bool {
	a = a.Unmap()
	return slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(a) })
}

// RoundTrip sends one request.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	var by *http.Transport
	switch {
	case r.URL.Scheme == "https":
		by = g.public
	case r.URL.Scheme == "http" && len(g.allow) > 0:
		by = g.plain
	default:
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, ErrScheme
	}
	answer, err := by.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &capped{answer.Body, MostBytes}
	return answer, nil
}

// redirect follows a few redirects of a question, none of a message that changes something.
func redirect(r *http.Request, via []*http.Request) error {
	if first := via[0].Method; len(via) > mostRedirects || first != http.MethodGet && first != http.MethodHead {
		return ErrRedirect
	}
	if r.URL.Host != via[0].URL.Host { // credentials stay where they were meant to go
		r.Header.Del("Authorization")
		r.Header.Del("Cookie")
	}
	return nil
}

func transport(may func(netip.Addr) bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			return judge(network, address, may)
		}}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  20 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
		MaxConnsPerHost:        32,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

// judge looks at the address that is about to be dialled, after all look-ups.
func judge(network, address string, may func(netip.Addr) bool) error {
	if network != "tcp4" && network != "tcp6" && network != "tcp" {
		return fmt.Errorf("%w: network %s", ErrAddress, network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || !may(at.Addr()) {
		return ErrAddress
	}
	return nil
}

// unicast is the part of IPv6 that is given out to the public (IANA, IPv6 Global Unicast Address Space).
var unicast = netip.MustParsePrefix("2000::/3")

// special are addresses that no stranger is at: IANA's special-purpose registries of IPv4 and IPv6 (RFC 6890 and
// later). What carries an IPv4 address inside is refused whole.
var special = func() (all []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

// Public says whether an address is one that a stranger can have on the public internet.
func Public(a netip.Addr) bool {
	if a.Zone() != "" || a.Is6() && !unicast.Contains(a) {
		return false
	}
	return a.IsValid() && !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// capped fails once more was read than is allowed.
type capped struct {
	io.ReadCloser
	left int
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.left -= n; c.left < 0 {
		return 0, ErrTooLong
	}
	return n, err
}
