package merchants

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"

	"github.com/BurntSushi/toml"
)

// State is where a shop stands.
type State string

const (
	Draft     State = "draft"
	Active    State = "active"
	Suspended State = "suspended"
	Closed    State = "closed"
)

// transitions is every change a shop can make. What is not here cannot happen.
var transitions = []struct {
	from State
	on   string
	to   State
	by   string
}{
	{Draft, "activate", Active, "operator, with two contact means of different kinds"},
	{Active, "suspend", Suspended, "operator"},
	{Suspended, "activate", Active, "operator, with two contact means of different kinds"},
	{Active, "close", Closed, "operator"},
	{Suspended, "close", Closed, "operator"},
	{Draft, "close", Closed, "operator"},
}

func (s State) next(on string) (State, error) {
	for _, t := range transitions {
		if t.from == s && t.on == on {
			return t.to, nil
		}
	}
	return s, fault.Clash("merchant-state", "A shop that is %s cannot %s.", s, on)
}

// Merchant is a stored shop.
type Merchant struct {
	ID                 string
	Slug               string
	Name               string
	LegalName          string
	Country            string
	Street             string
	HouseNumber        string
	Postcode           string
	City               string
	RegistrationNumber string
	VATID              string
	IBAN               string
	Language           string
	InvoicePrefix      string
	Large              bool // no micro, small or medium-sized enterprise (Recommendation 2003/361/EC): another consumer credit rule holds
	Marketplace        bool // others sell through this shop too
	State              State
	CreatedAt          calendar.Instant
}

// Contact is one way to reach a shop.
type Contact struct {
	Kind  string `toml:"kind"` // phone, email, chat, form, whatsapp, post
	Value string `toml:"value"`
}

// New is a shop to add, as its file says it.
type New struct {
	Slug               string    `toml:"slug"`
	Name               string    `toml:"name"`
	LegalName          string    `toml:"legal_name"`
	Country            string    `toml:"country"`
	Street             string    `toml:"street"`
	HouseNumber        string    `toml:"house_number"`
	Postcode           string    `toml:"postcode"`
	City               string    `toml:"city"`
	RegistrationNumber string    `toml:"registration_number"`
	VATID              string    `toml:"vat_id"`
	IBAN               string    `toml:"iban"`
	Language           string    `toml:"language"`
	InvoicePrefix      string    `toml:"invoice_prefix"`
	Large              bool      `toml:"large"`       // 250 people or more, or turnover above 50 and balance above 43 million euros
	Marketplace        bool      `toml:"marketplace"` // others sell through this shop too
	Contacts           []Contact `toml:"contact"`
	Contract           Contract  `toml:"contract"`
	Terms              TermsText `toml:"terms"`
}

// TermsText is a version of a shop's terms of sale.
type TermsText struct {
	Version string `toml:"version"`
	URL     string `toml:"url"`
	Text    string `toml:"text"`
}

// FromTOML reads a shop's file; testdata/shop.toml is one with all its keys. Errors: Invalid "merchant-file" for what
// is no TOML or has a value of the wrong type, Invalid "fields" with a pointer for each wrong field and each
// key that nobody knows.
func FromTOML(r io.Reader) (New, error) {
	n := New{Contract: StandardContract()}
	meta, err := toml.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&n)
	if err != nil {
		return n, unreadable(err)
	}
	c := &checker{}
	for _, key := range meta.Undecoded() {
		c.Wrong(pointer(key), "unknown", "Nobody knows this key.")
	}
	n.check(c)
	return n, c.err()
}

// unreadable says where the file cannot be read, without a word of what stands there.
func unreadable(err error) error {
	where := strings.TrimPrefix(err.Error(), "toml: ") // of a wrong type: line, key and both types
	if p, ok := errors.AsType[toml.ParseError](err); ok {
		where = fmt.Sprintf("see line %d", p.Position.Line)
	}
	return fault.Wrap(err, fault.Invalid, "merchant-file", "The file cannot be read as TOML: %s.", where)
}

func pointer(key []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	at := "#"
	for _, word := range key {
		at += "/" + escape.Replace(word)
	}
	return at
}

var contactForms = map[string]func(country, s string) (string, error){
	"phone":    ident.Phone,
	"whatsapp": ident.Phone,
	"email":    func(_, s string) (string, error) { return ident.Email(s) },
	"chat":     webAddress,
	"form":     webAddress,
	"post":     postal,
}

func webAddress(_, s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.User != nil || !strings.Contains(u.Hostname(), ".") || len(s) > 200 {
		return "", errors.New("not a web address")
	}
	return u.String(), nil
}

// postal accepts an address on one line.
func postal(_, s string) (string, error) {
	if len(s) < 10 || len(s) > 200 || !printable(s) {
		return "", errors.New("not an address")
	}
	return s, nil
}

var languages = []string{"nl", "fr", "en", "de"}

// Check brings n into the stored form. Error: Invalid "fields".
func (n *New) Check() error {
	c := &checker{}
	n.check(c)
	return c.err()
}

func (n *New) check(c *checker) {
	for pointer, v := range map[string]*string{"#/name": &n.Name, "#/legal_name": &n.LegalName, "#/street": &n.Street,
		"#/house_number": &n.HouseNumber, "#/city": &n.City} {
		c.need(v, pointer)
	}
	c.form(&n.Slug, "#/slug", word("abcdefghijklmnopqrstuvwxyz0123456789-", 3, 40))
	c.form(&n.InvoicePrefix, "#/invoice_prefix", word("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 1, 12))
	c.country(&n.Country, "#/country")
	c.form(&n.Postcode, "#/postcode", func(s string) (string, error) { return ident.Postcode(n.Country, s) })
	c.form(&n.RegistrationNumber, "#/registration_number", func(s string) (string, error) { return ident.RegistrationNumber(n.Country, s) })
	c.form(&n.VATID, "#/vat_id", ident.VATID)
	c.form(&n.IBAN, "#/iban", ident.IBAN)
	if !slices.Contains(languages, n.Language) {
		c.Wrong("#/language", "language", "Choose nl, fr, en or de.")
	}
	for i := range n.Contacts {
		n.Contacts[i].check(c, fmt.Sprintf("#/contact/%d", i), n.Country)
	}
	n.Terms.check(c)
	n.Contract.check(c)
}

func (m *Contact) check(c *checker, at, country string) {
	f, known := contactForms[m.Kind]
	if !known {
		c.Wrong(at+"/kind", "unknown", "Say phone, whatsapp, email, chat, form or post.")
		return
	}
	c.form(&m.Value, at+"/value", func(s string) (string, error) { return f(country, s) })
}

func (t *TermsText) check(c *checker) {
	c.need(&t.Version, "#/terms/version")
	if t.URL = strings.TrimSpace(t.URL); t.URL != "" {
		c.form(&t.URL, "#/terms/url", func(s string) (string, error) { return webAddress("", s) })
	}
	if strings.ContainsRune(t.Text, 0) || !utf8.ValidString(t.Text) {
		c.Wrong("#/terms/text", "characters", "This holds characters that cannot be stored.")
	}
}

// word accepts min to max of the given characters.
func word(of string, min, max int) func(string) (string, error) {
	return func(s string) (string, error) {
		if len(s) < min || len(s) > max || strings.Trim(s, of) != "" {
			return "", errors.New("not such a word")
		}
		return s, nil
	}
}

// Add stores a shop as a draft, with its contact means, first contract and terms, in force from today.
// Errors: Invalid "fields", Conflict "merchant-exists" when slug or invoice prefix are taken.
func Add(ctx context.Context, tx *db.Tx, n New) (Merchant, error) {
	if err := n.Check(); err != nil {
		return Merchant{}, err
	}
	taken := 0
	if err := tx.QueryRow(ctx, `select count(*) from merchants where slug = $1 or invoice_prefix = $2`, []any{n.Slug, n.InvoicePrefix}, &taken); err != nil {
		return Merchant{}, err
	}
	if taken > 0 {
		return Merchant{}, fault.Clash("merchant-exists", "Another shop has this slug or invoice prefix.")
	}
	m := Merchant{ID: tx.ID("mer_"), Slug: n.Slug, Name: n.Name, LegalName: n.LegalName, Country: n.Country, Street: n.Street,
		HouseNumber: n.HouseNumber, Postcode: n.Postcode, City: n.City, RegistrationNumber: n.RegistrationNumber, VATID: n.VATID,
		IBAN: n.IBAN, Language: n.Language, InvoicePrefix: n.InvoicePrefix, Large: n.Large, Marketplace: n.Marketplace, State: Draft, CreatedAt: tx.Now}
	_, err := tx.Exec(ctx, `
insert into merchants (id, slug, name, legal_name, country, street, house_number, postcode, city, registration_number, vat_id, iban,
       language, invoice_prefix, large, marketplace, state, created_at, moved_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)`,
		m.ID, m.Slug, m.Name, m.LegalName, m.Country, m.Street, m.HouseNumber, m.Postcode, m.City, m.RegistrationNumber, m.VATID, m.IBAN,
		m.Language, m.InvoicePrefix, m.Large, m.Marketplace, m.State, m.CreatedAt)
	if err != nil {
		return m, err
	}
	for _, c := range n.Contacts {
		if err := addContact(ctx, tx, m.ID, c); err != nil {
			return m, err
		}
	}
	zone, err := calendar.ZoneOf(m.Country)
	if err != nil {
		return m, err
	}
	today := zone.DateOf(tx.Now)
	if _, err := AddContract(ctx, tx, m.ID, today, n.Contract); err != nil {
		return m, err
	}
	return m, AddTerms(ctx, tx, m.ID, today, n.Terms)
}

// AddContact stores one more way to reach a shop. Errors: NotFound "merchant", Invalid "fields".
func AddContact(ctx context.Context, tx *db.Tx, merchant string, m Contact) error {
	shop, err := ByID(ctx, tx, merchant)
	if err != nil {
		return err
	}
	c := &checker{}
	m.check(c, "#", shop.Country)
	if err := c.err(); err != nil {
		return err
	}
	return addContact(ctx, tx, merchant, m)
}

func addContact(ctx context.Context, tx *db.Tx, merchant string, c Contact) error {
	_, err := tx.Exec(ctx, `
insert into merchant_contacts (merchant_id, kind, value) values ($1, $2, $3) on conflict (merchant_id, kind, value) do nothing`,
		merchant, c.Kind, c.Value)
	return err
}

// Contacts lists the ways to reach a shop.
func Contacts(ctx context.Context, tx *db.Tx, merchant string) ([]Contact, error) {
	var out []Contact
	err := tx.Each(ctx, `select kind, value from merchant_contacts where merchant_id = $1 order by kind, value`, []any{merchant}, func(r db.Row) error {
		var c Contact
		err := r.Scan(&c.Kind, &c.Value)
		out = append(out, c)
		return err
	})
	return out, err
}

// Front is a shop as buyers know it.
type Front struct {
	Merchant
	Contacts []Contact
}

var (
	findMerchants = db.NewQuery(`select `+columns+` from merchants where id = $1`, db.Text)
	findContacts  = db.NewQuery(`select kind, value from merchant_contacts where merchant_id = $1 order by kind, value`, db.Text)
)

// Fronts reads shops with their contact means, each once. What does not exist is missing from the map.
func Fronts(ctx context.Context, tx *db.Tx, ids []string) (map[string]Front, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	keys := make([][]any, len(ids))
	for i, id := range ids {
		keys[i] = []any{id}
	}
	out := make(map[string]Front, len(ids))
	err := tx.Find(ctx, findMerchants, keys, func(i int, r db.Row) error {
		var m Merchant
		err := r.Scan(m.places()...)
		out[ids[i]] = Front{Merchant: m}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, tx.Find(ctx, findContacts, keys, func(i int, r db.Row) error {
		var c Contact
		err := r.Scan(&c.Kind, &c.Value)
		f := out[ids[i]]
		f.Contacts = append(f.Contacts, c)
		out[ids[i]] = f
		return err
	})
}

// Activate lets a shop place orders. Errors: NotFound "merchant", Conflict "merchant-state", Invalid
// "merchant-contacts" with fewer than two contact means of two different kinds.
func Activate(ctx context.Context, tx *db.Tx, id string) error {
	contacts, err := Contacts(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := enough(contacts); err != nil {
		return err
	}
	return move(ctx, tx, id, "activate")
}

// enough is the rule S-SHOP-01: a buyer must be able to reach the shop in two different ways.
func enough(contacts []Contact) error {
	var kinds []string
	for _, c := range contacts {
		if !slices.Contains(kinds, c.Kind) {
			kinds = append(kinds, c.Kind)
		}
	}
	switch {
	case len(kinds) >= 2:
		return nil
	case len(contacts) == 0:
		return fault.Bad("merchant-contacts", "The shop has no contact means; it needs two of different kinds.")
	case len(contacts) == 1:
		return fault.Bad("merchant-contacts", "The shop can be reached by %s only; it needs two contact means of different kinds.", kinds[0])
	}
	return fault.Bad("merchant-contacts", "All contact means of the shop are of the kind %s; it needs two different kinds.", kinds[0])
}

// Suspend stops new orders of a shop; Close ends it for good.
func Suspend(ctx context.Context, tx *db.Tx, id string) error { return move(ctx, tx, id, "suspend") }

// Close ends a shop for good.
func Close(ctx context.Context, tx *db.Tx, id string) error { return move(ctx, tx, id, "close") }

func move(ctx context.Context, tx *db.Tx, id, on string) error {
	m, err := ByID(ctx, tx, id)
	if err != nil {
		return err
	}
	to, err := m.State.next(on)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `update merchants set state = $3, moved_at = $4 where id = $1 and state = $2`, id, m.State, to, tx.Now)
	if err := db.One(n, err, "merchant-state", "The shop has just changed."); err != nil {
		return err
	}
	return tx.Bump(ctx, Versions)
}

const columns = `id, slug, name, legal_name, country, street, house_number, postcode, city, registration_number, vat_id, iban, language,
       invoice_prefix, large, marketplace, state, created_at`

func (m *Merchant) places() []any {
	return []any{&m.ID, &m.Slug, &m.Name, &m.LegalName, &m.Country, &m.Street, &m.HouseNumber, &m.Postcode, &m.City, &m.RegistrationNumber,
		&m.VATID, &m.IBAN, &m.Language, &m.InvoicePrefix, &m.Large, &m.Marketplace, &m.State, &m.CreatedAt}
}

func one(ctx context.Context, tx *db.Tx, sql string, arg string) (Merchant, error) {
	var m Merchant
	err := tx.QueryRow(ctx, sql, []any{arg}, m.places()...)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing("merchant", "There is no such shop.")
	}
	return m, err
}

// ByID reads a shop. Error: NotFound "merchant".
func ByID(ctx context.Context, tx *db.Tx, id string) (Merchant, error) {
	return one(ctx, tx, `select `+columns+` from merchants where id = $1`, id)
}

// BySlug reads a shop by the short word in its addresses. Error: NotFound "merchant".
func BySlug(ctx context.Context, tx *db.Tx, slug string) (Merchant, error) {
	return one(ctx, tx, `select `+columns+` from merchants where slug = $1`, slug)
}
