package smtp

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"achteraf/messages"

	"github.com/emersion/go-msgauth/dkim"
	gomail "github.com/wneessen/go-mail"
)

// signed are the fields that a signature covers. From, Subject and Date stand here twice, so that nobody can add a
// second one without breaking it.
var signed = []string{"From", "From", "Subject", "Subject", "Date", "Date", "To", "Reply-To", "Message-ID", "MIME-Version", "Content-Type",
	"Content-Language", "Auto-Submitted"}

// compose writes a mail as it goes over the wire. But for its signatures it is the same each time: its date is that of
// the message, its Message-ID and its boundary are made of the message's id.
func (c *Client) compose(m messages.Mail) ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	if err := msg.FromFormat(c.c.Name, c.c.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	if c.c.ReplyTo != "" {
		if err := msg.ReplyTo(c.c.ReplyTo); err != nil {
			return nil, fmt.Errorf("reply address: %w", err)
		}
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID + "@" + c.c.Domain)
	msg.SetDateWithValue(m.At.Time())
	msg.SetGenHeader("Content-Language", m.Language)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday notices, please
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	for _, i := range m.Images {
		name, _, _ := strings.Cut(i.ID, ".")
		err := msg.EmbedReader(name+".png", bytes.NewReader(i.PNG), gomail.WithFileContentID(i.ID), gomail.WithFileContentType("image/png"))
		if err != nil {
			return nil, err
		}
	}
	for _, f := range m.Files {
		err := msg.AttachReader(f.Name, bytes.NewReader(f.Data), gomail.WithFileContentType(gomail.ContentType(f.Type)))
		if err != nil {
			return nil, err
		}
	}
	var plain bytes.Buffer
	if _, err := msg.WriteTo(&plain); err != nil {
		return nil, err
	}
	return c.sign(bounded(plain.Bytes(), m.ID))
}

// bound finds a boundary where it is declared. It stands nowhere else: the texts are quoted-printable, which writes an
// equals sign as =3D, and in base64, which the files are, equals signs stand at the end only.
var bound = regexp.MustCompile(`boundary="?([0-9a-f]{16,})"?`)

// bounded gives the parts of a mail boundaries that are made of its id. The library draws them by chance, and would use
// one that it is given for parts within parts, too.
func bounded(raw []byte, id string) []byte {
	for i, m := range bound.FindAllSubmatch(raw, -1) {
		raw = bytes.ReplaceAll(raw, m[1], fmt.Appendf(nil, "part%d-%s", i+1, id))
	}
	return raw
}

// sign puts a signature of each key before a mail. No signature covers another.
func (c *Client) sign(raw []byte) ([]byte, error) {
	var heads bytes.Buffer
	for _, k := range c.c.Keys {
		s, err := dkim.NewSigner(&dkim.SignOptions{Domain: c.c.Domain, Selector: k.Selector, Signer: k.Signer, HeaderKeys: signed,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed})
		if err != nil {
			return nil, err
		}
		_, err = s.Write(raw)
		if closed := s.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, fmt.Errorf("sign with %s: %w", k.Selector, err)
		}
		heads.WriteString(s.Signature())
	}
	return append(heads.Bytes(), raw...), nil
}
