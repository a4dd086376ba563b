package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"achteraf/access"
	"achteraf/buyers"
	"achteraf/internal/db"
)

// arrivals are the due rows about sign-ins on new devices.
func (o *door) arrivals() (all []access.Arrival) {
	o.t.Helper()
	var ids []string
	must(o.t, o.d.Read(o.t.Context(), func(tx *db.Tx) error {
		err := tx.Each(o.t.Context(), `select subject from due where kind = $1 order by subject`, []any{access.DueArrived}, func(r db.Row) error {
			var id string
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		})
		for _, id := range ids {
			a, found, err := o.Arrived(o.t.Context(), tx, id)
			if err != nil || !found {
				o.t.Errorf("%s: %v", id, err)
			}
			all = append(all, a)
		}
		return err
	}))
	return all
}

// on signs in with a device.
func (o *door) on(email, device string) access.NewSession {
	o.t.Helper()
	p, l := o.begin(email, "")
	s, err := o.finish(access.Proof{Token: l.Token, Browser: p.Browser, Device: device})
	must(o.t, err)
	return s
}

// TestNewDevice: the first sign-in of an address tells nobody, one on another device does, and that device is known then,
// also when its session has ended.
func TestNewDevice(t *testing.T) {
	doors(t, func(o *door) {
		o.order("piet@example.org")
		o.on(known, "Firefox, Linux")
		o.on(known, "Firefox, Linux")
		o.on("piet@example.org", "Safari, iPhone")
		if got := o.arrivals(); len(got) != 0 {
			t.Fatalf("%d arrivals too many", len(got))
		}
		o.p.Clock.Advance(time.Hour)
		s := o.on(known, "Safari, iPhone")
		got := o.arrivals()
		if len(got) != 1 || got[0].Session != s.ID || got[0].Device != "Safari, iPhone" || got[0].At != o.p.Clock.Now() || len(got[0].Proved) == 0 ||
			!slices.EqualFunc(got[0].Proved, o.desk.EmailHandles(known), func(a, b buyers.Handle) bool { return string(a.Hash) == string(b.Hash) }) {
			t.Fatalf("%+v", got)
		}
		v, err := o.visitor(s.Cookie)
		must(t, err)
		_, err = o.EndAll(t.Context(), v, false)
		must(t, err)
		o.on(known, "Safari, iPhone")
		o.on(known, "Firefox, Linux")
		long := strings.Repeat("é", 200)
		o.on(known, long)
		o.on(known, long)
		if got := o.arrivals(); len(got) != 2 {
			t.Errorf("%d arrivals, want 2", len(got))
		}
	})
}
