package messages

import (
	"context"

	"achteraf/access"
	"achteraf/orders"
)

// SignIn writes a sign-in letter and hands it over, once. It says whether that is over: the server took it, or never
// will. Nothing of it is stored here: what lets somebody in is kept by access, sealed, until it was handed over.
func (p *Post) SignIn(ctx context.Context, l access.Letter) (over bool, err error) {
	f := &facts{operator: p.c.Operator, domain: p.c.Domain, letter: l, order: orders.Order{Language: l.Language}}
	if p.c.SignInPage != "" {
		f.link = p.c.SignInPage + l.Token + "?lang=" + l.Language
	}
	c, err := p.library.write(p.library.called(SignIn), f)
	if err != nil {
		return false, err
	}
	r := p.c.Mailer.Send(ctx, Mail{ID: l.SignIn, To: l.Email, Language: l.Language, Subject: c.Subject, Text: c.Text, HTML: c.HTML, At: l.MadeAt})
	return r.Event != Delay, nil
}

func (l *library) called(code string) *kind {
	for _, k := range l.kinds {
		if k.code == code {
			return k
		}
	}
	panic("messages: there is no message " + code)
}
