package messages

import (
	"context"

	"achteraf/calendar"
)

// Mail is what a Mailer hands over. It has no sender: the Mailer knows the one address that mail may come from.
type Mail struct {
	ID       string // of the message; the Message-ID is made of it
	To       string
	Language string
	Subject  string
	Text     string
	HTML     string
	Images   []Image          // that the HTML shows
	Files    []File           // that come with it
	At       calendar.Instant // when it was made, business time
}

// Image is a picture inside a mail. The HTML names it as cid:ID.
type Image struct {
	ID  string `json:"id"`
	PNG []byte `json:"png"`
}

// File is one that comes with a mail.
type File struct {
	Name string `json:"name"`
	Type string `json:"type"` // such as "application/pdf"
	Data []byte `json:"data"`
}

// Result is how a hand-over ended.
type Result struct {
	Event   Event  // Accept, Delay or Refuse
	Outcome string // a code without personal data: "250 2.0.0", "no-connection"
	Words   string // what the server said, which may name the recipient
}

// Mailer hands mails to a mail server. It tries once, within its own deadlines and those of ctx, and never says
// Accept of a mail that the server did not acknowledge.
type Mailer interface {
	Send(ctx context.Context, m Mail) Result
}
