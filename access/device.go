package access

import (
	"context"
	"errors"
	"strings"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/vault"
)

// Arrival is a session that was opened on a device which was not known.
type Arrival struct {
	Session string
	Proved  []buyers.Handle
	Device  string
	At      calendar.Instant // wall time
}

func shortDevice(words string) string {
	return strings.ToValidUTF8(words[:min(len(words), deviceLength)], "")
}

const selectDevices = `
select s.id, s.device from session_handles h join sessions s on s.hash = h.session_hash where h.kind = $1 and h.hash = $2`

// strange says that these handles were proved before, and never on a device that calls itself so. It remembers as long as
// sessions are kept, and takes two browsers of one kind for one: nobody is given a mark that would tell them apart.
func (s *SignIns) strange(ctx context.Context, tx *db.Tx, proved []buyers.Handle, device string) (bool, error) {
	seen, known := false, false
	for _, h := range proved {
		err := tx.Each(ctx, selectDevices, []any{h.Kind, h.Hash}, func(r db.Row) error {
			var id string
			var sealed vault.Sealed
			if err := r.Scan(&id, &sealed); err != nil {
				return err
			}
			words, err := s.vault.OpenShared(sessionPurpose, devicePlace(id), sealed)
			if errors.Is(err, vault.ErrUnknown) { // of a key that is gone
				return nil
			}
			seen, known = true, known || string(words) == shortDevice(device)
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return seen && !known, nil
}

// Arrived reads the session of a due row. found is false when it has been forgotten.
func (s *SignIns) Arrived(ctx context.Context, tx *db.Tx, id string) (a Arrival, found bool, err error) {
	a.Session = id
	var sealed vault.Sealed
	err = tx.Each(ctx, `
select s.device, s.made_at, h.kind, h.hash from sessions s join session_handles h on h.session_hash = s.hash where s.id = $1 order by h.kind, h.hash`, []any{id},
		func(r db.Row) error {
			var h buyers.Handle
			err := r.Scan(&sealed, &a.At, &h.Kind, &h.Hash)
			a.Proved = append(a.Proved, h)
			return err
		})
	if err != nil || len(a.Proved) == 0 {
		return a, false, err
	}
	words, err := s.vault.OpenShared(sessionPurpose, devicePlace(id), sealed)
	a.Device = string(words)
	return a, err == nil, err
}
