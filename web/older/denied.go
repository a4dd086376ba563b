package older

import (
	"net/netip"
	"sync"
	"time"

	"achteraf/calendar"
)

// How many wrong accounts a network may show in a minute, and how often one name may be tried.
const (
	mostDenied      = 600
	mostDeniedNames = 60
)

// entryLife is how long a network is remembered in which a good account was shown.
const entryLife = 24 * time.Hour

// denials count wrong accounts by network and by user name, whether there is such a name or not, in this process. Who
// is over a limit is not looked up; but a network in which a name was good before is, since a stranger must not lock a
// shop out.
type denials struct {
	networks, names counter

	mu      sync.Mutex
	entered map[entry]calendar.Instant // when a good account was shown last, wall time
}

type entry struct{ network, name string }

// entryOf names who calls by whom our own proxy names, or by the other end of the line.
func entryOf(named, from netip.Addr, name string) entry {
	if named.IsValid() {
		from = named
	}
	from = from.Unmap().WithZone("")
	if from.Is6() { // a customer of an access provider has 64 bits of it
		if p, err := from.Prefix(64); err == nil {
			from = p.Addr()
		}
	}
	return entry{from.String(), name}
}

// bars says whether an account is refused unseen.
func (d *denials) bars(e entry, now calendar.Instant) bool {
	if !d.networks.over(e.network, mostDenied, now) && !d.names.over(e.name, mostDeniedNames, now) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.entered[e]
	return !ok || now.Sub(at) >= entryLife
}

// deny counts a wrong account.
func (d *denials) deny(e entry, now calendar.Instant) {
	d.networks.add(e.network, mostDenied, now)
	d.names.add(e.name, mostDeniedNames, now)
}

// enter remembers where a good account was shown.
func (d *denials) enter(e entry, now calendar.Instant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.entered == nil || len(d.entered) >= mostMet {
		d.entered = map[entry]calendar.Instant{}
	}
	d.entered[e] = now
}

// tooMany is the one answer to who is over a limit; it tells nothing about the account.
func tooMany() error {
	return refuse(101, "Too many unknown client usernames or client ids; wait a minute")
}
