package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
)

// DueSendLink is the kind of due row that SendDue runs. Its subject is the sign-in.
const DueSendLink = "signin.send"

// DueArrived is the kind of due row that tells somebody of a sign-in on a device that was not known. Its subject is the
// session.
const DueArrived = "signin.arrived"

const (
	linkLife  = 15 * time.Minute // wall time
	codeTries = 5
	codeSize  = 8
)

// codeLetters has no two that look alike. A code is one of 2^40.
const codeLetters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// Letter is a sign-in link on its way to an address that we know. It says nothing about who has it.
type Letter struct {
	SignIn    string // sin_…
	Email     string
	Language  string
	Token     string // what the link carries
	Code      string // for another browser than the one that asked
	ExpiresAt calendar.Instant
}

// SendLink takes a letter over, outside of a transaction, and returns what stores it; it calls nobody.
type SendLink func(ctx context.Context, l Letter) (jobs.Finish, error)

// Limits says how often sign-in links may be asked for within 15 minutes.
type Limits struct {
	PerAddress int64 // of e-mail
	PerNetwork int64 // an IPv4 address, or the first 64 bits of an IPv6 address
}

// StandardLimits let a person ask again and again, and a household or office too, and stop a flood. Who is kept
// from asking because somebody else asked in their name has that one's letters: link and code work in any browser.
func StandardLimits() Limits { return Limits{PerAddress: 5, PerNetwork: 60} }

// SignIns lets buyers in: it makes sign-in links and keeps sessions.
type SignIns struct {
	db     *db.DB
	vault  *vault.Vault
	desk   *buyers.Desk
	random io.Reader
	limits Limits
	send   SendLink
}

// NewSignIns makes a SignIns; random gives its secrets, send brings the letters.
func NewSignIns(d *db.DB, v *vault.Vault, desk *buyers.Desk, random io.Reader, limits Limits, send SendLink) *SignIns {
	return &SignIns{d, v, desk, random, limits, send}
}

// NewSignIn asks for a link.
type NewSignIn struct {
	Email    string
	Language string     // of the letter
	Network  netip.Addr // whom the request comes from
	Browser  string     // the value of BrowserCookie as shown, "" for none
}

// Pending is the answer to every request for a link, whether we know the address or not.
type Pending struct {
	Browser   string // the new value of BrowserCookie
	ExpiresAt calendar.Instant
}

// stored is a row of signins.
type stored struct {
	id, keyID            string
	handles              []byte // the address's hash under each master key, one after the other
	token, browser, code []byte
	tries                int64
	letter               vault.Sealed
	expiresAt, usedAt    calendar.Instant
	byToken, sameBrowser bool // what a proof has shown
}

// secrets are what one sign-in draws.
type secrets struct{ Token, Code, Browser string }

func (s *SignIns) draw() (x secrets, err error) {
	var raw [32 + 32 + codeSize]byte
	if _, err := io.ReadFull(s.random, raw[:]); err != nil {
		return x, err
	}
	x.Token, x.Browser = secretText(raw[:32]), secretText(raw[32:64])
	code := raw[64:]
	for i := range code {
		code[i] = codeLetters[code[i]&31]
	}
	x.Code = string(code)
	return x, nil
}

func secretText(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// split cuts "id_secret", the form of links and browser cookies. It is empty unless the form is right.
func split(text string) (id, secret string) {
	id, secret, ok := strings.Cut(text, "_")
	if !ok || len(id) != idLength || len(secret) != secretLength {
		return "", ""
	}
	return "sin_" + id, secret
}

func join(id, secret string) string { return strings.TrimPrefix(id, "sin_") + "_" + secret }

func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func (r *stored) place() vault.Place {
	return vault.Place{Table: "signins", Column: "letter", Row: r.id}
}

const letterPurpose = "sign-in"

// Begin asks for a link. The letter goes out a moment later and only to an address that we know; the answer, and
// the work until it, are the same for every other. Errors: Invalid "fields" for what is no address, Limited
// "sign-in-limit" after too many requests for the address or from the network.
func (s *SignIns) Begin(ctx context.Context, n NewSignIn) (Pending, error) {
	address, err := ident.Email(n.Email)
	if err != nil {
		return Pending{}, fault.At("fields", "Some fields are not right.", fault.Field{Pointer: "#/email", Code: "email", Detail: "Give a complete e-mail address."})
	}
	x, err := s.draw()
	if err != nil {
		return Pending{}, err
	}
	if _, known := split(n.Browser); known != "" {
		x.Browser = known // its earlier links go on working there
	}
	var out Pending
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := s.admit(ctx, tx, address, n.Network); err != nil {
			return err
		}
		r, err := s.put(ctx, tx, address, n.Language, x)
		out = Pending{join(r.id, x.Browser), r.expiresAt}
		return err
	})
	return out, err
}

// put stores a sign-in and plants its letter.
func (s *SignIns) put(ctx context.Context, tx *db.Tx, address, language string, x secrets) (stored, error) {
	r := stored{id: tx.ID("sin_"), expiresAt: tx.Wall.Add(linkLife)}
	for _, h := range s.desk.EmailHandles(address) {
		r.handles = append(r.handles, h.Hash...)
	}
	r.code, r.keyID = s.vault.Pepper([]byte(r.id + x.Code))
	// The letter goes to the address as it is looked up. Were it the one that was typed, a character that only
	// becomes an i in lower case would send a stranger the letter of somebody we know.
	plain, err := json.Marshal(Letter{Email: ident.EmailKey(address), Language: language, Token: join(r.id, x.Token), Code: x.Code})
	if err != nil {
		return r, err
	}
	_, err = tx.Exec(ctx, `
insert into signins (id, handle_hash, token_hash, browser_hash, code_hash, key_id, tries, letter, made_at, expires_at)
values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)`, r.id, r.handles, hashOf(x.Token), hashOf(x.Browser), r.code, r.keyID,
		[]byte(s.vault.SealShared(letterPurpose, r.place(), plain)), tx.Wall, r.expiresAt)
	if err != nil {
		return r, err
	}
	return r, jobs.Add(ctx, tx, []jobs.Due{{Kind: DueSendLink, Merchant: "operator", Subject: r.id}})
}

// SendDue runs due rows: it hands letters to known addresses over, and forgets all of them. Letters are written
// outside of a transaction; what it returns stores them, once.
func (s *SignIns) SendDue(ctx context.Context, due []jobs.Due) (jobs.Finish, error) {
	letters, err := s.letters(ctx, due)
	if err != nil {
		return nil, err
	}
	stores := make([]jobs.Finish, len(due))
	for i, l := range letters {
		if l == nil {
			continue
		}
		if stores[i], err = s.send(ctx, *l); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, tx *db.Tx) error {
		for i, d := range due {
			n, err := tx.Exec(ctx, `update signins set letter = null where id = $1 and letter is not null`, d.Subject)
			if err == nil && n == 1 && stores[i] != nil {
				err = stores[i](ctx, tx)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// letters reads those that are to go, in the order of due; nil for what was swept, is too old or for an address that
// we do not know.
func (s *SignIns) letters(ctx context.Context, due []jobs.Due) ([]*Letter, error) {
	var all []*Letter
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		all = make([]*Letter, len(due))
		for i, d := range due {
			r, err := find(ctx, tx, d.Subject)
			if err != nil && !errors.Is(err, db.ErrNone) {
				return err
			}
			if all[i], err = s.letter(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

func (s *SignIns) letter(ctx context.Context, tx *db.Tx, r stored) (*Letter, error) {
	if r.letter == nil {
		return nil, nil
	}
	owners, err := buyers.Owners(ctx, tx, r.proved())
	if err != nil || len(owners) == 0 || !tx.Wall.Before(r.expiresAt) {
		return nil, err
	}
	plain, err := s.vault.OpenShared(letterPurpose, r.place(), r.letter)
	if err != nil {
		return nil, err
	}
	l := Letter{}
	if err := json.Unmarshal(plain, &l); err != nil {
		return nil, err
	}
	l.SignIn, l.ExpiresAt = r.id, r.expiresAt
	return &l, nil
}

// handleSize is the length of a handle's hash.
const handleSize = 16

// proved lists the handles that the sign-in proves.
func (r *stored) proved() []buyers.Handle {
	var out []buyers.Handle
	for rest := r.handles; len(rest) >= handleSize; rest = rest[handleSize:] {
		out = append(out, buyers.Handle{Kind: "email", Hash: rest[:handleSize]})
	}
	return out
}

const selectSignIn = `
select id, handle_hash, token_hash, browser_hash, code_hash, key_id, tries, letter, expires_at, used_at
  from signins where id = $1`

func find(ctx context.Context, tx *db.Tx, id string) (r stored, err error) {
	err = tx.QueryRow(ctx, selectSignIn, []any{id}, &r.id, &r.handles, &r.token, &r.browser, &r.code, &r.keyID, &r.tries, &r.letter, &r.expiresAt, &r.usedAt)
	return r, err
}

// Proof is what a browser shows to be let in: the link's token in the browser that asked, the token with the
// code in another, or the code alone in the browser that asked.
type Proof struct {
	Token   string
	Browser string // the value of BrowserCookie, "" for none
	Code    string
	Session string // the value of SessionCookie, "" for none: that session ends
	Device  string // a few words for the list of sessions, such as "Firefox, Linux"
}

// shown finds the sign-in that a proof is about. Errors: NotFound "sign-in-link", Conflict "sign-in-used",
// "sign-in-dead", "sign-in-expired".
func (s *SignIns) shown(ctx context.Context, tx *db.Tx, p Proof) (stored, error) {
	byCookie, browser := split(p.Browser)
	id, token := split(p.Token)
	if p.Token == "" {
		id = byCookie
	}
	r, err := find(ctx, tx, id)
	if err != nil && !errors.Is(err, db.ErrNone) {
		return r, err
	}
	r.byToken = subtle.ConstantTimeCompare(hashOf(token), r.token) == 1
	r.sameBrowser = subtle.ConstantTimeCompare(hashOf(browser), r.browser) == 1
	switch {
	case err != nil || !r.byToken && (p.Token != "" || !r.sameBrowser):
		return r, fault.Missing("sign-in-link", "There is no such sign-in link.")
	case !r.usedAt.IsZero():
		return r, used()
	case r.tries >= codeTries:
		return r, dead()
	case !tx.Wall.Before(r.expiresAt):
		return r, fault.Clash("sign-in-expired", "This sign-in link is too old. Ask for a new one.")
	}
	return r, nil
}

func used() error {
	return fault.Clash("sign-in-used", "This sign-in link was used. Ask for a new one.")
}

func dead() error {
	return fault.Clash("sign-in-dead", "The code was wrong too often. Ask for a new link.")
}

// LinkState is what the page of a link needs to know.
type LinkState struct {
	NeedsCode bool // another browser asked
	TriesLeft int64
	ExpiresAt calendar.Instant
}

// Look says what opening a link would take. It changes nothing, so scanners of mail may open every link.
// Errors: those of Finish, but for the code.
func (s *SignIns) Look(ctx context.Context, p Proof) (out LinkState, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		r, err := s.shown(ctx, tx, p)
		out = LinkState{!r.byToken || !r.sameBrowser, codeTries - r.tries, r.expiresAt}
		return err
	})
	if err != nil {
		return LinkState{}, err
	}
	return out, nil
}

// Finish uses a link, once ever, and opens a session. Errors: Invalid "sign-in-code" when a code is needed and
// missing or wrong, and those of a link: NotFound "sign-in-link", Conflict "sign-in-expired", "sign-in-used",
// "sign-in-dead".
func (s *SignIns) Finish(ctx context.Context, p Proof) (NewSession, error) {
	var raw [32]byte
	if _, err := io.ReadFull(s.random, raw[:]); err != nil {
		return NewSession{}, err
	}
	var out NewSession
	var wrong error // kept apart: the try that it cost is committed
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		out, wrong = NewSession{}, nil
		r, err := s.shown(ctx, tx, p)
		if err != nil {
			return err
		}
		if !r.byToken || !r.sameBrowser {
			if wrong, err = s.tryCode(ctx, tx, r, p.Code); err != nil || wrong != nil {
				return err
			}
		}
		if err := use(ctx, tx, r); err != nil {
			return err
		}
		if err := end(ctx, tx, hashOf(p.Session)); err != nil {
			return err
		}
		strange, err := s.strange(ctx, tx, r.proved(), p.Device)
		if err != nil {
			return err
		}
		if out, err = s.open(ctx, tx, r.proved(), secretText(raw[:]), p.Device); err != nil || !strange {
			return err
		}
		return jobs.Add(ctx, tx, []jobs.Due{{Kind: DueArrived, Merchant: "operator", Subject: out.ID}})
	})
	if err := cmp.Or(err, wrong); err != nil {
		return NewSession{}, err
	}
	return out, nil
}

// tryCode spends one try before it compares, so that no two guesses share one.
func (s *SignIns) tryCode(ctx context.Context, tx *db.Tx, r stored, code string) (wrong, err error) {
	code = cleanCode(code)
	if code == "" {
		return fault.Bad("sign-in-code", "Type the code of the message."), nil
	}
	n, err := tx.Exec(ctx, `update signins set tries = tries + 1 where id = $1 and tries < $2`, r.id, codeTries)
	if err != nil || n == 0 {
		return dead(), err
	}
	if s.vault.Peppered(r.keyID, []byte(r.id+code), r.code) {
		return nil, nil
	}
	var tries int64
	if err := tx.QueryRow(ctx, `select tries from signins where id = $1`, []any{r.id}, &tries); err != nil {
		return nil, err
	}
	if tries >= codeTries {
		return dead(), nil
	}
	return fault.Bad("sign-in-code", "This is not the code of the message."), nil
}

// cleanCode drops what people type between the letters of a code.
func cleanCode(s string) string {
	if len(s) > 64 {
		s = "?" // nobody's code
	}
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\t' || r == '\u00a0' {
			return -1
		}
		return r
	}, strings.ToUpper(s))
}

// use marks a sign-in as used, and ends all others of the address: who can open one needs no other.
func use(ctx context.Context, tx *db.Tx, r stored) error {
	n, err := tx.Exec(ctx, `update signins set used_at = $2, letter = null where id = $1 and used_at is null`, r.id, tx.Wall)
	if err != nil {
		return err
	}
	if n != 1 {
		return used()
	}
	_, err = tx.Exec(ctx, `update signins set used_at = $2, letter = null where handle_hash = $1 and used_at is null`, r.handles, tx.Wall)
	return err
}
