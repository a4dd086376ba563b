package buyer

import (
	"net/http"
	"net/netip"
)

// Network is whom a request comes from, to count how often they try.
func Network(r *http.Request) netip.Addr { return network(r) }
