package buyer

import (
	"net/http"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/reports"
)

// place is a device on which somebody is signed in.
type place struct {
	access.Session
	since, seen string
}

// me serves GET /my/me: where one is signed in.
func (p *Pages) me(w http.ResponseWriter, r *http.Request) error {
	var sessions []access.Session
	var language string
	done, err := p.entered(w, r, func(tx *db.Tx, v access.Visitor) (err error) {
		if sessions, err = p.SignIns.Sessions(r.Context(), tx, v); err == nil {
			language, err = p.Reports.Language(r.Context(), tx, v.Handles)
		}
		return err
	})
	if done {
		return err
	}
	zone, err := calendar.ZoneOf(p.Operator.Country)
	if err != nil {
		return err
	}
	v, t := p.view(r, language, atMe)
	v.Title = t.SignIns
	today := zone.DateOf(p.DB.Wall()) // sign-ins live in wall time
	moment := func(at calendar.Instant) string {
		return v.Lang.Weekday(zone.DateOf(at), today) + ", " + zone.Clock(at)
	}
	places := make([]place, len(sessions))
	for i, s := range sessions {
		places[i] = place{s, moment(s.MadeAt), moment(s.SeenAt)}
		if s.Device == "" {
			places[i].Device = t.UnknownDevice
		}
	}
	return p.Look.Write(w, r, http.StatusOK, v, me(v, t, places))
}

// endOne serves POST /my/me/end.
func (p *Pages) endOne(w http.ResponseWriter, r *http.Request) error {
	id := field(w, r, "session")
	return p.end(w, r, func(v access.Visitor) error {
		err := p.SignIns.End(r.Context(), v, id)
		if codeOf(err) == "session-unknown" {
			return nil // it has ended already
		}
		return err
	})
}

// endAll serves POST /my/me/end-all: all but the one at hand.
func (p *Pages) endAll(w http.ResponseWriter, r *http.Request) error {
	return p.end(w, r, func(v access.Visitor) error {
		_, err := p.SignIns.EndAll(r.Context(), v, true)
		return err
	})
}

func (p *Pages) end(w http.ResponseWriter, r *http.Request, end func(access.Visitor) error) error {
	var who access.Visitor
	done, err := p.entered(w, r, func(_ *db.Tx, v access.Visitor) error { who = v; return nil })
	if done {
		return err
	}
	if err := end(who); err != nil {
		return err
	}
	return p.to(w, r, p.Look.View(r, "").Link(atMe))
}

// help serves GET /my/help, to everybody; who is signed in sees how to reach the shops of the latest orders too.
func (p *Pages) help(w http.ResponseWriter, r *http.Request) error {
	var shops []reports.Shop
	var language string
	err := p.signedIn(r, func(tx *db.Tx, v access.Visitor) (err error) {
		if shops, err = p.Reports.Shops(r.Context(), tx, v.Handles, mostShops); err == nil {
			language, err = p.Reports.Language(r.Context(), tx, v.Handles)
		}
		return err
	})
	known := err == nil
	if err != nil && codeOf(err) != "session" {
		return err
	}
	v, t := p.view(r, language, atHelp)
	if !known {
		v.Menu, v.Tabs = nil, false
	}
	v.Title = t.Help
	return p.Look.Write(w, r, http.StatusOK, v, helpPage(v, t, p.questions(t), shops, p.Operator))
}

// mostShops is how many shops the help names.
const mostShops = 4

// question is one of the help, with its answer.
type question struct{ ask, answer string }

func (p *Pages) questions(t *texts) []question {
	all := []question{{t.AskHow, t.AnswerHow}, {t.AskWays, t.AnswerWays}, {t.AskDays, t.AnswerDays}, {t.AskCards, t.AnswerCards},
		{t.AskMissing, t.AnswerMissing}, {t.AskWrong, t.AnswerWrong}, {t.AskCannot, t.AnswerCannot}}
	if p.Requests != nil {
		all = append(all, question{t.AskBill, t.AnswerBill})
	}
	if p.Domain != "" {
		all = append(all, question{t.AskReal, t.AnswerReal.With("domain", p.Domain)})
	}
	return all
}
