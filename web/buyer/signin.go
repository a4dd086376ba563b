package buyer

import (
	"net/http"
	"strings"

	"achteraf/access"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/web/page"
)

const (
	mostForm   = 8 << 10        // bytes
	browserAge = 15 * 60        // seconds, as long as a link lives
	sessionAge = 14 * 24 * 3600 // seconds, as long as a session can
)

// entrance is the page on which one asks for a link.
func (p *Pages) entrance(w http.ResponseWriter, r *http.Request, status int, email, wrong string) error {
	v := p.Look.View(r, "")
	t := p.texts.In(v.Lang)
	v.Title, v.Narrow = t.SignIn, true
	return p.Look.Write(w, r, status, v, entrance(v, t, p.AskPath, page.Field{Name: "email", Label: t.Email, Help: t.EmailHelp, Value: email,
		Type: "email", Autocomplete: "email", Mode: "email", Icon: "i-msg", Max: 254, Error: wrong}))
}

// begin serves POST /my: it asks for a link. What it answers says nothing about whether we know the address.
func (p *Pages) begin(w http.ResponseWriter, r *http.Request) error {
	v := p.Look.View(r, "")
	t := p.texts.In(v.Lang)
	email := field(w, r, "email")
	pending, err := p.SignIns.Begin(r.Context(), access.NewSignIn{Email: email, Language: string(v.Lang), Network: page.Network(r), Browser: p.shown(r, access.BrowserCookie)})
	switch codeOf(err) {
	case "fields":
		return p.entrance(w, r, http.StatusUnprocessableEntity, email, t.EmailWrong)
	case "sign-in-limit":
		return p.failed(w, r, http.StatusTooManyRequests, t.BusyTitle, t.BusyText)
	}
	if err != nil {
		return err
	}
	p.give(w, access.BrowserCookie, pending.Browser, browserAge)
	return p.to(w, r, v.Link("/my/code"))
}

// askCode serves GET /my/code: look in your mail.
func (p *Pages) askCode(w http.ResponseWriter, r *http.Request) error {
	if p.shown(r, access.BrowserCookie) == "" {
		return p.to(w, r, p.Look.View(r, "").Link("/my"))
	}
	return p.sent(w, r, http.StatusOK, "", "")
}

func (p *Pages) sent(w http.ResponseWriter, r *http.Request, status int, code, wrong string) error {
	v := p.Look.View(r, "")
	t := p.texts.In(v.Lang)
	v.Title, v.Narrow = t.SentTitle, true
	return p.Look.Write(w, r, status, v, sent(v, t, codeField(t, code, wrong)))
}

func codeField(t *texts, code, wrong string) page.Field {
	return page.Field{Name: "code", Label: t.Code, Help: t.CodeHelp, Value: code, Autocomplete: "one-time-code", Max: 20, Error: wrong}
}

// useCode serves POST /my/code: it signs in with the code, in the browser that asked.
func (p *Pages) useCode(w http.ResponseWriter, r *http.Request) error {
	code := field(w, r, "code")
	return p.finish(w, r, access.Proof{Code: code}, func(t *texts) error {
		return p.sent(w, r, http.StatusUnprocessableEntity, code, t.CodeWrong)
	})
}

// askLink serves GET /my/link/{token}: a button. It changes nothing, so that a scanner of mail may open it.
func (p *Pages) askLink(w http.ResponseWriter, r *http.Request) error {
	return p.link(w, r, http.StatusOK, "", "")
}

func (p *Pages) link(w http.ResponseWriter, r *http.Request, status int, code, wrong string) error {
	token := r.PathValue("token")
	state, err := p.SignIns.Look(r.Context(), access.Proof{Token: token, Browser: p.shown(r, access.BrowserCookie)})
	if err != nil {
		return p.dead(w, r, err)
	}
	v := p.Look.View(r, "")
	t := p.texts.In(v.Lang)
	v.Title, v.Narrow = t.LinkTitle, true
	return p.Look.Write(w, r, status, v, link(v, t, LinkPath+token, state.NeedsCode, codeField(t, code, wrong)))
}

// useLink serves POST /my/link/{token}.
func (p *Pages) useLink(w http.ResponseWriter, r *http.Request) error {
	code := field(w, r, "code")
	return p.finish(w, r, access.Proof{Token: r.PathValue("token"), Code: code}, func(t *texts) error {
		return p.link(w, r, http.StatusUnprocessableEntity, code, t.CodeWrong)
	})
}

// finish signs in and goes on to the overview, which is in the buyer's own language.
func (p *Pages) finish(w http.ResponseWriter, r *http.Request, proof access.Proof, wrong func(*texts) error) error {
	proof.Browser, proof.Session = p.shown(r, access.BrowserCookie), p.shown(r, access.SessionCookie)
	proof.Device = device(r.UserAgent())
	s, err := p.SignIns.Finish(r.Context(), proof)
	if codeOf(err) == "sign-in-code" {
		return wrong(p.texts.In(p.Look.View(r, "").Lang))
	}
	if err != nil {
		return p.dead(w, r, err)
	}
	p.give(w, access.SessionCookie, s.Cookie, sessionAge)
	p.give(w, access.BrowserCookie, "", -1)
	return p.to(w, r, "/my")
}

// dead says why a link does not work, and what does.
func (p *Pages) dead(w http.ResponseWriter, r *http.Request, err error) error {
	t := p.texts.In(p.Look.View(r, "").Lang)
	switch codeOf(err) {
	case "sign-in-used":
		if p.signedIn(r, func(*db.Tx, access.Visitor) error { return nil }) == nil {
			return p.to(w, r, "/my") // they went back, or opened the mail again
		}
		return p.failed(w, r, http.StatusConflict, t.UsedTitle, t.UsedText)
	case "sign-in-expired":
		return p.failed(w, r, http.StatusConflict, t.ExpiredTitle, t.ExpiredText)
	case "sign-in-dead":
		return p.failed(w, r, http.StatusConflict, t.DeadTitle, t.DeadText)
	case "sign-in-link":
		return p.failed(w, r, http.StatusNotFound, t.UnknownTitle, t.UnknownText)
	}
	return err
}

func (p *Pages) failed(w http.ResponseWriter, r *http.Request, status int, title, text string) error {
	v := p.Look.View(r, "")
	v.Title, v.Narrow = title, true
	return p.Look.Write(w, r, status, v, failed(title, text, page.Action{Text: p.texts.In(v.Lang).AskAgain, Href: v.Link("/my"), Kind: page.Main}))
}

// signOut serves POST /my/out: the session ends, whatever the browser still holds.
func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) error {
	var who access.Visitor
	err := p.signedIn(r, func(_ *db.Tx, v access.Visitor) error { who = v; return nil })
	if err == nil {
		err = p.SignIns.End(r.Context(), who, who.ID)
	}
	if f := fault.As(err); err != nil && (f == nil || f.Kind != fault.Denied && f.Kind != fault.NotFound) {
		return err
	}
	p.give(w, access.SessionCookie, "", -1)
	return p.to(w, r, p.Look.View(r, "").Link("/my"))
}

func (p *Pages) to(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// field reads a field of a form; "" when the form cannot be read.
func field(w http.ResponseWriter, r *http.Request, name string) string {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	return strings.ToValidUTF8(strings.TrimSpace(r.PostFormValue(name)), "")
}

// device says in a few words what a browser says of itself.
func device(agent string) string {
	name := func(all ...string) string {
		for i := 0; i+1 < len(all); i += 2 {
			if strings.Contains(agent, all[i]) {
				return all[i+1]
			}
		}
		return ""
	}
	browser := name("Firefox/", "Firefox", "Edg/", "Edge", "Chrome/", "Chrome", "Safari/", "Safari")
	system := name("Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS", "Mac", "Linux", "Linux")
	return strings.Trim(browser+", "+system, ", ")
}
