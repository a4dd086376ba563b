package buyers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

var newIdentities = db.NewTable("identities", "",
	db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "version", Type: db.Bigint},
	db.Col{Name: "person_id", Type: db.Text}, db.Col{Name: "email_hash", Type: db.Bytes}, db.Col{Name: "phone_hash", Type: db.Bytes},
	db.Col{Name: "who_hash", Type: db.Bytes}, db.Col{Name: "profile", Type: db.Bytes}, db.Col{Name: "fiscal", Type: db.Bytes},
	db.Col{Name: "claim", Type: db.Bytes}, db.Col{Name: "changed_by", Type: db.Text}, db.Col{Name: "reason", Type: db.Text},
	db.Col{Name: "made_at", Type: db.Instant})

// What is sealed for each purpose. The field names are short because every order carries them.
type (
	profile struct {
		Email    string `json:"email"`
		Phone    string `json:"phone,omitempty"`
		IP       string `json:"ip,omitempty"`
		Language string `json:"lang"`
	}
	fiscal struct {
		Kind     string   `json:"kind"`
		Name     Name     `json:"name"`
		Address  Address  `json:"address"`
		Delivery *Address `json:"delivery,omitempty"`
		Company  *Firm    `json:"company,omitempty"`
	}
	claim struct {
		BirthDate calendar.Date `json:"birth_date,omitzero"`
	}
)

// place names a sealed column of one version of an identity.
func place(column, id string, version int64) vault.Place {
	return vault.Place{Table: "identities", Column: column, Row: fmt.Sprintf("%s/%d", id, version)}
}

// identity makes the first version of an attempt's snapshot.
func (s *Slice) identity(b *Buyer, p *person, marks []mark, a Attempt) ([]any, error) {
	hashes := map[string][]byte{}
	for _, m := range marks {
		hashes[m.kind] = []byte(s.find(m).key.hash)
	}
	return identityRow(s.tx, b, p, hashes, a.ID, a.Merchant, 1, "buyer", "")
}

func identityRow(tx *db.Tx, b *Buyer, p *person, hashes map[string][]byte, id, merchant string, version int64, by, reason string) ([]any, error) {
	row := []any{id, merchant, version, p.id, hashes[byEmail], hashes[byPhone], hashes[byWho], nil, nil, nil, by, reason, tx.Now}
	for i, part := range []struct {
		purpose vault.Purpose
		data    any
	}{
		{vault.Profile, profile{b.Email, b.Phone, b.IP, b.Language}},
		{vault.Fiscal, fiscal{b.Kind, b.Name, b.Address, b.DeliveryAddress, b.Company}},
		{vault.Claim, claim{b.BirthDate}},
	} {
		plain, err := json.Marshal(part.data)
		if err != nil {
			return nil, err
		}
		sealed, err := p.keys.Seal(part.purpose, place(string(part.purpose), id, version), plain)
		if err != nil {
			return nil, err
		}
		row[7+i] = []byte(sealed)
	}
	return row, nil
}

// Identity is one version of who an attempt's buyer is.
type Identity struct {
	Version   int64
	Person    string
	Buyer     Buyer // fields whose key was destroyed are empty
	ChangedBy string
	Reason    string
	MadeAt    calendar.Instant
}

const selectIdentities = `
select i.version, i.person_id, i.profile, i.fiscal, i.claim, i.changed_by, i.reason, i.made_at,
       p.master_id, p.profile, p.fiscal, p.claim
  from identities i join persons p on p.id = i.person_id
 where i.id = $1 and i.merchant_id = $2
 order by i.version`

// Identities returns every version of an attempt's identity, the first as it was decided on.
func (d *Desk) Identities(ctx context.Context, tx *db.Tx, merchant, attempt string) ([]Identity, error) {
	all, _, err := d.identities(ctx, tx, merchant, attempt)
	return all, err
}

// identities reads every version, and the keys of the person of the last one.
func (d *Desk) identities(ctx context.Context, tx *db.Tx, merchant, attempt string) (out []Identity, keys *vault.PersonKeys, err error) {
	err = tx.Each(ctx, selectIdentities, []any{attempt, merchant}, func(r db.Row) error {
		var x Identity
		var sealed [3]vault.Sealed
		var w vault.Wrapped
		err := r.Scan(&x.Version, &x.Person, &sealed[0], &sealed[1], &sealed[2], &x.ChangedBy, &x.Reason, &x.MadeAt,
			&w.MasterID, &w.Profile, &w.Fiscal, &w.Claim)
		if err != nil {
			return err
		}
		if keys, err = d.vault.Unwrap(x.Person, w); err != nil {
			return err
		}
		if err := x.Buyer.open(keys, attempt, x.Version, sealed); err != nil {
			return err
		}
		out = append(out, x)
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fault.Missing("identity", "There is no such attempt.")
	}
	return out, keys, err
}

// open reads the sealed parts; one whose key was destroyed stays empty.
func (b *Buyer) open(keys *vault.PersonKeys, id string, version int64, sealed [3]vault.Sealed) error {
	var p profile
	var f fiscal
	var c claim
	for i, part := range []struct {
		purpose vault.Purpose
		into    any
	}{{vault.Profile, &p}, {vault.Fiscal, &f}, {vault.Claim, &c}} {
		plain, err := keys.Open(part.purpose, place(string(part.purpose), id, version), sealed[i])
		if errors.Is(err, vault.ErrDestroyed) {
			continue
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal(plain, part.into); err != nil {
			return err
		}
	}
	*b = Buyer{Kind: f.Kind, Email: p.Email, Phone: p.Phone, IP: p.IP, Language: p.Language,
		Name: f.Name, BirthDate: c.BirthDate, Address: f.Address, DeliveryAddress: f.Delivery, Company: f.Company}
	return nil
}

// Correction is a new version of who a decided attempt's buyer is.
type Correction struct {
	Attempt   string
	Merchant  string
	Order     string // "" when the attempt was not accepted
	Buyer     Buyer  // whole, as it should have been
	OpenCents int64  // what the order has open now; it moves to the new handles
	Overdue   int64  // 1 when its invoice is overdue
	By        string // who corrects: a staff member's or key's id
	Reason    string
}

// Correct adds a version to a decided attempt's identity. The version that was decided on stays as it is, and so do the
// network address and the address of the delivery, which say what happened and not who the buyer is. Errors: Invalid
// "correction-reason" without a reason or author, Invalid "fields", NotFound "identity".
func (d *Desk) Correct(ctx context.Context, tx *db.Tx, c Correction) error {
	if c.By == "" || c.Reason == "" {
		return fault.Bad("correction-reason", "Say who corrects the data and why.")
	}
	versions, err := d.Identities(ctx, tx, c.Merchant, c.Attempt)
	if err != nil {
		return err
	}
	latest := versions[len(versions)-1]
	if wrong := c.check(latest.Buyer, tx.Now); len(wrong) > 0 {
		return fault.At("fields", "Some fields are not right.", wrong...)
	}
	c.Buyer.IP, c.Buyer.DeliveryAddress = latest.Buyer.IP, latest.Buyer.DeliveryAddress
	if err := d.Change(ctx, tx, []Release{{c.Attempt, c.Merchant, c.OpenCents, -c.Overdue}}); err != nil {
		return err
	}
	s, err := d.Open(ctx, tx, []*Buyer{&c.Buyer})
	if err != nil {
		return err
	}
	p, err := s.owner(ctx, latest.Person)
	if err != nil {
		return err
	}
	hashes := map[string][]byte{}
	for _, m := range s.asked[0].marks {
		h := s.handleOf(m, p)
		h.touched = true
		h.openCents += c.OpenCents
		h.overdue += c.Overdue
		hashes[m.kind] = []byte(h.key.hash)
		if m.kind == byEmail && c.Order != "" {
			if err := unfile(ctx, tx, c); err != nil {
				return err
			}
			s.orders = files(p, h, c.Order, c.Merchant)
		}
	}
	row, err := identityRow(tx, &c.Buyer, p, hashes, c.Attempt, c.Merchant, latest.Version+1, c.By, c.Reason)
	if err != nil {
		return err
	}
	s.identities = append(s.identities, row)
	return s.Flush(ctx)
}

// check returns what is wrong with a correction. A field that was no better before, since the wire over which the order
// came asks for less, may stay as it was: nobody can make up what its shop never sent.
func (c *Correction) check(before Buyer, now calendar.Instant) []fault.Field {
	today := c.Buyer.Today(now)
	before.DeliveryAddress, before.IP = nil, ""
	c.Buyer.DeliveryAddress, c.Buyer.IP = nil, ""
	was := before.asSaid()
	old := before.Check("", today)
	wrong := c.Buyer.Check("#/buyer", today)
	is := c.Buyer.asSaid()
	return slices.DeleteFunc(wrong, func(f fault.Field) bool {
		field := strings.TrimPrefix(f.Pointer, "#/buyer")
		said, known := was[field]
		return known && said == is[field] && slices.ContainsFunc(old, func(o fault.Field) bool { return o.Pointer == field })
	})
}

// asSaid is what each field says, as text.
func (b *Buyer) asSaid() map[string]string {
	all := map[string]string{"/birth_date": b.BirthDate.String()}
	for field, text := range b.texts() {
		all[field] = *text
	}
	return all
}

// unfile takes a corrected order from all whom earlier versions filed it under.
func unfile(ctx context.Context, tx *db.Tx, c Correction) error {
	_, err := tx.Exec(ctx, `
delete from person_orders
 where order_id = $1 and merchant_id = $2
   and person_id in (select person_id from identities where id = $3 and merchant_id = $2
                     union
                     select h.person_id from identities i join handles h on h.kind = 'email' and h.hash = i.email_hash
                      where i.id = $3 and i.merchant_id = $2)`, c.Order, c.Merchant, c.Attempt)
	return err
}
