package access

import (
	"context"
	"errors"
	"time"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Names of the cookies: only this host, over TLS, may set them.
const (
	SessionCookie = "__Host-achteraf"
	BrowserCookie = "__Host-signin"
)

const (
	sessionLife = 14 * 24 * time.Hour // wall time, however much it is used
	sessionIdle = 24 * time.Hour      // without being seen
	seenEvery   = 5 * time.Minute     // how exactly it is known when a session was seen
)

// NewSession is what a browser gets once.
type NewSession struct {
	ID        string // ses_…
	Cookie    string // the value of SessionCookie; the database has its SHA-256 only
	ExpiresAt calendar.Instant
}

// Visitor is who a session speaks for: nobody in particular, but somebody who proved these handles.
type Visitor struct {
	ID        string
	Handles   []buyers.Handle
	MadeAt    calendar.Instant
	SeenAt    calendar.Instant
	ExpiresAt calendar.Instant

	hash []byte
}

// Session is one line of the list of sessions.
type Session struct {
	ID      string
	Device  string
	MadeAt  calendar.Instant
	SeenAt  calendar.Instant
	Current bool
}

const sessionPurpose = "session"

func devicePlace(id string) vault.Place {
	return vault.Place{Table: "sessions", Column: "device", Row: id}
}

// deviceLength is how much of a device's words is kept, in bytes.
const deviceLength = 100

// open makes a session for what was proved.
func (s *SignIns) open(ctx context.Context, tx *db.Tx, proved []buyers.Handle, secret, device string) (NewSession, error) {
	out := NewSession{ID: tx.ID("ses_"), Cookie: secret, ExpiresAt: tx.Wall.Add(sessionLife)}
	hash := hashOf(secret)
	sealed := []byte(s.vault.SealShared(sessionPurpose, devicePlace(out.ID), []byte(shortDevice(device))))
	_, err := tx.Exec(ctx, `
insert into sessions (hash, id, device, made_at, seen_at, expires_at) values ($1, $2, $3, $4, $4, $5)`, hash, out.ID, sealed, tx.Wall, out.ExpiresAt)
	for _, h := range proved {
		if err == nil {
			_, err = tx.Exec(ctx, `insert into session_handles (session_hash, kind, hash) values ($1, $2, $3)`, hash, h.Kind, h.Hash)
		}
	}
	if err != nil {
		return NewSession{}, err
	}
	return out, Audit(ctx, tx, Act{Merchant: "operator", Actor: out.ID, Act: "session.made", Subject: out.ID})
}

const selectSession = `
select s.id, s.made_at, s.seen_at, s.expires_at, s.revoked_at, h.kind, h.hash
  from sessions s join session_handles h on h.session_hash = s.hash
 where s.hash = $1
 order by h.kind, h.hash`

// Visitor finds whose session a cookie is. Error: Denied "session" when it is nobody's, or has ended.
func (s *SignIns) Visitor(ctx context.Context, tx *db.Tx, cookie string) (Visitor, error) {
	v := Visitor{hash: hashOf(cookie)}
	var revoked calendar.Instant
	err := tx.Each(ctx, selectSession, []any{v.hash}, func(r db.Row) error {
		var h buyers.Handle
		err := r.Scan(&v.ID, &v.MadeAt, &v.SeenAt, &v.ExpiresAt, &revoked, &h.Kind, &h.Hash)
		v.Handles = append(v.Handles, h)
		return err
	})
	if err != nil {
		return Visitor{}, err
	}
	idle := !tx.Wall.Before(v.SeenAt.Add(sessionIdle))
	if v.ID == "" || !revoked.IsZero() || idle || !tx.Wall.Before(v.ExpiresAt) {
		return Visitor{}, fault.New(fault.Denied, "session", "Sign in first.")
	}
	return v, nil
}

// Seen keeps a session from ending for want of use. It writes once in five minutes at most; call it after each page.
func (s *SignIns) Seen(ctx context.Context, v Visitor) error {
	if s.db.Wall().Before(v.SeenAt.Add(seenEvery)) {
		return nil
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update sessions set seen_at = $2 where hash = $1 and revoked_at is null and seen_at < $2`, v.hash, tx.Wall)
		return err
	})
}

// Sessions lists the sessions that somebody opened with what the visitor has proved, the newest first.
func (s *SignIns) Sessions(ctx context.Context, tx *db.Tx, v Visitor) ([]Session, error) {
	rows, err := s.alike(ctx, tx, v)
	if err != nil {
		return nil, err
	}
	out := make([]Session, len(rows))
	for i, r := range rows {
		device, err := s.vault.OpenShared(sessionPurpose, devicePlace(r.ID), r.device)
		if err != nil && !errors.Is(err, vault.ErrUnknown) {
			return nil, err
		}
		r.Device, r.Current = string(device), r.ID == v.ID
		out[i] = r.Session
	}
	return out, nil
}

type sessionRow struct {
	Session
	hash   []byte
	device vault.Sealed
}

const selectAlike = `
select s.hash, s.id, s.device, s.made_at, s.seen_at
  from session_handles h join sessions s on s.hash = h.session_hash
 where h.kind = $1 and h.hash = $2 and s.revoked_at is null and s.expires_at > $3 and s.seen_at > $4
 order by s.made_at desc, s.id desc`

// alike finds the sessions in use that proved a handle which the visitor proved too.
func (s *SignIns) alike(ctx context.Context, tx *db.Tx, v Visitor) (all []sessionRow, err error) {
	known := map[string]bool{}
	for _, h := range v.Handles {
		err = tx.Each(ctx, selectAlike, []any{h.Kind, h.Hash, tx.Wall, tx.Wall.Add(-sessionIdle)}, func(r db.Row) error {
			var x sessionRow
			err := r.Scan(&x.hash, &x.ID, &x.device, &x.MadeAt, &x.SeenAt)
			if !known[x.ID] {
				known[x.ID] = true
				all = append(all, x)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// End ends one of the visitor's sessions at once. Error: NotFound "session-unknown".
func (s *SignIns) End(ctx context.Context, v Visitor, id string) error {
	n, err := s.endWhere(ctx, v, func(x sessionRow) bool { return x.ID == id })
	if err == nil && n == 0 {
		return fault.Missing("session-unknown", "There is no such session.")
	}
	return err
}

// EndAll ends the visitor's sessions, all of them or all but the one at hand, and returns how many.
func (s *SignIns) EndAll(ctx context.Context, v Visitor, butThis bool) (int, error) {
	return s.endWhere(ctx, v, func(x sessionRow) bool { return !butThis || x.ID != v.ID })
}

func (s *SignIns) endWhere(ctx context.Context, v Visitor, which func(sessionRow) bool) (n int, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		n = 0
		rows, err := s.alike(ctx, tx, v)
		for _, x := range rows {
			if err == nil && which(x) {
				n++
				err = end(ctx, tx, x.hash)
			}
		}
		return err
	})
	return n, err
}

// end revokes a session if there is one.
func end(ctx context.Context, tx *db.Tx, hash []byte) error {
	var id string
	err := tx.QueryRow(ctx, `select id from sessions where hash = $1 and revoked_at is null`, []any{hash}, &id)
	if errors.Is(err, db.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update sessions set revoked_at = $2 where hash = $1 and revoked_at is null`, hash, tx.Wall); err != nil {
		return err
	}
	return Audit(ctx, tx, Act{Merchant: "operator", Actor: id, Act: "session.ended", Subject: id})
}

const (
	keepSignIns  = 24 * time.Hour      // after their end
	keepSessions = 30 * 24 * time.Hour // after their end
	sweepSlice   = 200                 // rows in one step
	sweepPause   = time.Second
	sweepRest    = time.Hour
)

// Sweeper forgets sign-ins, sessions and counters that ended long ago, a few rows in a step.
type Sweeper struct {
	db   *db.DB
	next calendar.Instant
}

// NewSweeper makes a Sweeper.
func NewSweeper(d *db.DB) *Sweeper { return &Sweeper{db: d} }

var (
	dropSignIns  = db.NewQuery(`delete from signins /*using*/ where signins.id = $1`, db.Text)
	dropSessions = db.NewQuery(`delete from sessions /*using*/ where sessions.hash = $1`, db.Bytes)
	dropProved   = db.NewQuery(`delete from session_handles /*using*/ where session_handles.session_hash = $1`, db.Bytes)
	dropKnocks   = db.NewQuery(`
delete from knocks /*using*/ where knocks.window_at = $1 and knocks.what = $2 and knocks.hash = $3`, db.Instant, db.Text, db.Bytes)
)

// Step takes a step if it is time for one. Call it often.
func (w *Sweeper) Step(ctx context.Context) error {
	if w.db.Wall().Before(w.next) {
		return nil
	}
	var signins, sessions, knocks [][]any
	err := w.db.Read(ctx, func(tx *db.Tx) error {
		w.next = tx.Wall.Add(sweepPause)
		if err := collect(ctx, tx, `select id from signins where expires_at < $1 limit $2`, tx.Wall.Add(-keepSignIns), func(r db.Row) error {
			var id string
			err := r.Scan(&id)
			signins = append(signins, []any{id})
			return err
		}); err != nil {
			return err
		}
		if err := collect(ctx, tx, `select hash from sessions where expires_at < $1 limit $2`, tx.Wall.Add(-keepSessions), func(r db.Row) error {
			var hash []byte
			err := r.Scan(&hash)
			sessions = append(sessions, []any{hash})
			return err
		}); err != nil {
			return err
		}
		return collect(ctx, tx, `select window_at, what, hash from knocks where window_at < $1 limit $2`, tx.Wall.Add(-keepSignIns), func(r db.Row) error {
			var at calendar.Instant
			var what string
			var hash []byte
			err := r.Scan(&at, &what, &hash)
			knocks = append(knocks, []any{at, what, hash})
			return err
		})
	})
	if err != nil {
		return err
	}
	if len(signins)+len(sessions)+len(knocks) == 0 {
		w.next = w.next.Add(sweepRest)
		return nil
	}
	return w.db.Write(ctx, func(tx *db.Tx) error {
		for _, d := range []struct {
			q    *db.Query
			rows [][]any
		}{{dropSignIns, signins}, {dropProved, sessions}, {dropSessions, sessions}, {dropKnocks, knocks}} {
			if _, err := tx.Change(ctx, d.q, d.rows); err != nil {
				return err
			}
		}
		return nil
	})
}

func collect(ctx context.Context, tx *db.Tx, sql string, before calendar.Instant, f func(db.Row) error) error {
	return tx.Each(ctx, sql, []any{before, sweepSlice}, f)
}
