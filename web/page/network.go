package page

import (
	"net/http"
	"net/netip"
	"strings"
)

// Network is whom a request comes from: the last that our own proxy names, else the other end of the line.
func Network(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	if from := at.Addr(); !from.IsLoopback() {
		return from
	}
	all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if told, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
		return told
	}
	return at.Addr()
}
