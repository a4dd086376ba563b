package access

import (
	"context"
	"net/netip"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
)

// knockWindow is the time within which knocks are counted together, wall time.
const knockWindow = 15 * time.Minute

// admit counts a request for a link, for the address and for the network. A request that is refused is not
// counted again: who waits gets in.
func (s *SignIns) admit(ctx context.Context, tx *db.Tx, address string, from netip.Addr) error {
	n, err := knock(ctx, tx, "address", s.desk.EmailHandles(address)[0].Hash)
	if err != nil {
		return err
	}
	if n > s.limits.PerAddress {
		return limited(tx.Wall)
	}
	hash, _ := s.vault.Handle("network", network(from))
	if n, err = knock(ctx, tx, "network", hash); err != nil {
		return err
	}
	if n > s.limits.PerNetwork {
		return limited(tx.Wall)
	}
	return nil
}

// network is what one customer of an access provider has at least: an IPv4 address, 64 bits of IPv6.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr().String()
		}
	}
	return a.String()
}

func windowOf(wall calendar.Instant) calendar.Instant {
	size := knockWindow.Microseconds()
	return calendar.FromMicros(wall.Micros() - wall.Micros()%size)
}

// knock counts one more and returns how many there are in this window. The counter is a row, so all nodes share it.
func knock(ctx context.Context, tx *db.Tx, what string, hash []byte) (n int64, err error) {
	at := windowOf(tx.Wall)
	_, err = tx.Exec(ctx, `
insert into knocks (window_at, what, hash, n) values ($1, $2, $3, 1)
    on conflict (window_at, what, hash) do update set n = knocks.n + 1`, at, what, hash)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `select n from knocks where window_at = $1 and what = $2 and hash = $3`, []any{at, what, hash}, &n)
	return n, err
}

func limited(wall calendar.Instant) error {
	wait := windowOf(wall).Add(knockWindow).Sub(wall)
	return fault.New(fault.Limited, "sign-in-limit", "Too many sign-in links were asked for. Wait %d minutes.", int(wait.Minutes())+1)
}

// Knock counts a try of something by a network, and refuses it beyond most within 15 minutes. Error: Limited
// "rate-limit".
func (s *SignIns) Knock(ctx context.Context, tx *db.Tx, what string, from netip.Addr, most int64) error {
	hash, _ := s.vault.Handle("network", network(from))
	return tried(ctx, tx, what, hash, most)
}

// KnockFor counts a try of something in the name of an e-mail address, known to us or not, and refuses it beyond most
// within 15 minutes. The address has passed ident.Email. Error: Limited "rate-limit".
func (s *SignIns) KnockFor(ctx context.Context, tx *db.Tx, what, address string, most int64) error {
	return tried(ctx, tx, what, s.desk.EmailHandles(address)[0].Hash, most)
}

func tried(ctx context.Context, tx *db.Tx, what string, hash []byte, most int64) error {
	n, err := knock(ctx, tx, what, hash)
	if err == nil && n > most {
		err = fault.New(fault.Limited, "rate-limit", "This was tried too often. Wait a quarter of an hour.")
	}
	return err
}
