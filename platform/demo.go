package platform

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/providers/mailbox"
	"achteraf/web/clock"
	"achteraf/web/design"
	"achteraf/web/shop"
)

// Log is where the platform logs.
func (p *Platform) Log() *slog.Logger { return p.log }

// demoSurfaces are the pages of a demonstration to which its home page leads.
var demoSurfaces = []string{shop.Path, "/demo/mailbox", "/my", "/demo/clock", "/design"}

// DemoRoutes adds what only a demonstration has: the clock that anybody may move, the mailbox that anybody may
// read, the catalogue of the look.
func (p *Platform) DemoRoutes(mux *http.ServeMux, box *mailbox.Box) error {
	box.Routes(mux, "/demo/mailbox")
	design.Routes(mux, p.Look)
	return p.clockRoutes(mux)
}

// clockRoutes adds the clock: to programs as JSON, to people as a page.
func (p *Platform) clockRoutes(mux *http.ServeMux) error {
	zone, err := calendar.ZoneOf(p.Operator.Country)
	if err != nil {
		return err
	}
	c, err := clock.New(clock.Config{Look: p.Look, Zone: zone, Now: p.businessNow, Move: p.MoveTo})
	if err != nil {
		return err
	}
	show := c.Show()
	mux.HandleFunc("POST "+clock.Path, p.moveClock)
	mux.HandleFunc("GET "+clock.Path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			show.ServeHTTP(w, r)
			return
		}
		p.showClock(w, r)
	})
	mux.Handle("POST "+clock.Path+"/move", c.Advance())
	mux.Handle("GET "+clock.Path+"/move", http.RedirectHandler(clock.Path, http.StatusSeeOther)) // who changes the language there
	return nil
}

// DemoShop adds the web shop, which speaks to the platform as any shop does: over HTTP, with a key of its own.
func (p *Platform) DemoShop(mux *http.ServeMux, c shop.Config) error {
	s, err := shop.New(c)
	if err != nil {
		return err
	}
	s.Routes(mux)
	return nil
}

// clockMove asks to move business time by a span or to a moment.
type clockMove struct {
	Advance string           `json:"advance"`
	To      calendar.Instant `json:"to"`
}

// moveClock serves POST /demo/clock: it moves business time, runs everything that falls due on the way,
// and answers when that is done.
func (p *Platform) moveClock(w http.ResponseWriter, r *http.Request) {
	now, err := p.businessNow(r.Context())
	if err != nil {
		p.clockError(w, r, err)
		return
	}
	to, err := readMove(r, now)
	if err == nil {
		err = p.MoveTo(r.Context(), to)
	}
	if err != nil {
		p.clockError(w, r, err)
		return
	}
	p.showClock(w, r)
}

func readMove(r *http.Request, now calendar.Instant) (calendar.Instant, error) {
	var m clockMove
	d := json.NewDecoder(io.LimitReader(r.Body, 4096))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return now, fault.Bad("clock-move", `Say {"advance":"72h"} or {"to":"2026-12-24T09:00:00+01:00"}.`)
	}
	switch {
	case (m.Advance == "") == m.To.IsZero():
		return now, fault.Bad("clock-move", "Say how far to advance, or to which moment.")
	case m.Advance == "" && m.To.Before(now):
		return now, fault.Bad("clock-back", "The clock moves forward only.")
	case m.Advance == "":
		return m.To, nil
	}
	by, err := time.ParseDuration(m.Advance)
	if err != nil || by < 0 || by > 10*366*24*time.Hour {
		return now, fault.Bad("clock-move", "Advance by a span such as 72h, at most ten years.")
	}
	return now.Add(by), nil
}

func (p *Platform) businessNow(ctx context.Context) (now calendar.Instant, err error) {
	err = p.DB.Read(ctx, func(tx *db.Tx) error { now = tx.Now; return nil })
	return now, err
}

// showClock serves GET /demo/clock.
func (p *Platform) showClock(w http.ResponseWriter, r *http.Request) {
	now, err := p.businessNow(r.Context())
	if err != nil {
		p.clockError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"now": now})
}

func (p *Platform) clockError(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.As(err)
	status := http.StatusUnprocessableEntity
	if f == nil || f.Kind == fault.Internal {
		p.log.ErrorContext(r.Context(), "clock", "err", err)
		f, status = fault.New(fault.Internal, "internal", "Something went wrong on our side."), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"type": "/problems/" + f.Code, "title": f.Code, "status": status, "detail": f.Detail})
}
