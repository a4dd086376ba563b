package buyers

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

// Desk reads and writes buyers. It holds the keys to their data.
type Desk struct {
	vault  *vault.Vault
	random io.Reader
	blocks *blockBook
}

// NewDesk makes a Desk; random gives the keys of new persons.
func NewDesk(v *vault.Vault, random io.Reader) *Desk { return &Desk{v, random, newBlockBook()} }

var (
	lockHandles = db.NewQuery(`
select kind, hash, key_id, person_id, open_cents, orders, overdue, recent_day, recent
  from handles
 where kind = $1 and hash = $2`, db.Text, db.Bytes)

	findPersons = db.NewQuery(`select id, master_id, profile, fiscal, claim from persons where id = $1`, db.Text)

	changeHandles = db.NewQuery(`
update handles
   set open_cents = $3, orders = $4, overdue = $5, recent_day = $6, recent = $7 /*from*/
 where kind = $1 and hash = $2`, db.Text, db.Bytes, db.Bigint, db.Bigint, db.Bigint, db.Bigint, db.Bigint)

	releaseHandles = db.NewQuery(`
update handles set open_cents = open_cents - $3, overdue = overdue + $4 /*from*/
 where kind = $1 and hash = $2`, db.Text, db.Bytes, db.Bigint, db.Bigint)

	newHandles = db.NewTable("handles", "on conflict (kind, hash) do nothing",
		db.Col{Name: "kind", Type: db.Text}, db.Col{Name: "hash", Type: db.Bytes}, db.Col{Name: "key_id", Type: db.Text},
		db.Col{Name: "person_id", Type: db.Text}, db.Col{Name: "open_cents", Type: db.Bigint}, db.Col{Name: "orders", Type: db.Bigint},
		db.Col{Name: "overdue", Type: db.Bigint}, db.Col{Name: "recent_day", Type: db.Bigint}, db.Col{Name: "recent", Type: db.Bigint},
		db.Col{Name: "first_at", Type: db.Instant})

	newClaims = db.NewTable("handle_claims", "on conflict (kind, hash) do update set kind = excluded.kind", // to lock it
		db.Col{Name: "kind", Type: db.Text}, db.Col{Name: "hash", Type: db.Bytes})

	dropClaims = db.NewQuery(`
delete from handle_claims /*using*/
 where handle_claims.kind = $1 and handle_claims.hash = $2`, db.Text, db.Bytes)

	newPersons = db.NewTable("persons", "",
		db.Col{Name: "id", Type: db.Text}, db.Col{Name: "master_id", Type: db.Text}, db.Col{Name: "profile", Type: db.Bytes},
		db.Col{Name: "fiscal", Type: db.Bytes}, db.Col{Name: "claim", Type: db.Bytes}, db.Col{Name: "created_at", Type: db.Instant})

	newUnions = db.NewTable("unions", "",
		db.Col{Name: "id", Type: db.Text}, db.Col{Name: "person_id", Type: db.Text}, db.Col{Name: "other_id", Type: db.Text},
		db.Col{Name: "because", Type: db.Text}, db.Col{Name: "made_at", Type: db.Instant})

	newPersonOrders = db.NewTable("person_orders", "",
		db.Col{Name: "person_id", Type: db.Text}, db.Col{Name: "order_id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text},
		db.Col{Name: "email_hash", Type: db.Bytes})
)

// handle is one row of handles while a slice works on it.
type handle struct {
	key       handleKey
	keyID     string
	person    string
	openCents int64
	orders    int64
	overdue   int64
	recent    window
	fresh     bool // not in the table yet
	mark      mark // of a fresh one
	touched   bool
}

// person is one row of persons with its opened keys.
type person struct {
	id    string
	keys  *vault.PersonKeys
	fresh bool
}

// Slice is the buyers of up to a batch of requests in one transaction: their handles locked, later
// requests seeing what earlier ones changed. Flush writes all of it.
type Slice struct {
	desk    *Desk
	tx      *db.Tx
	day     int64
	asked   []asked
	handles map[handleKey]*handle
	blocked map[handleKey]bool
	persons map[string]*person

	identities, orders, unions [][]any
}

type asked struct {
	buyer  *Buyer
	marks  []mark
	blocks []mark
}

// Open locks the handles of these buyers, in sorted order, and reads what is known of them.
func (d *Desk) Open(ctx context.Context, tx *db.Tx, list []*Buyer) (*Slice, error) {
	s := &Slice{desk: d, tx: tx, day: tx.Now.Micros() / (24 * 3600 * 1e6), asked: make([]asked, len(list)),
		handles: map[handleKey]*handle{}, persons: map[string]*person{}}
	var keys []handleKey
	var blocks []handleKey
	for i, b := range list {
		a := asked{b, d.marks(b), d.blockMarks(b)}
		s.asked[i] = a
		for _, m := range a.marks {
			keys = append(keys, m.keys()...)
		}
		for _, m := range a.blocks {
			blocks = append(blocks, m.keys()...)
		}
	}
	if err := s.lock(ctx, keys); err != nil {
		return nil, err
	}
	var err error
	if s.blocked, err = d.blocks.among(ctx, tx, blocks); err != nil {
		return nil, err
	}
	return s, s.loadPersons(ctx)
}

// keyRows sorts keys and drops repeated ones.
func keyRows(keys []handleKey) [][]any {
	slices.SortFunc(keys, compareKeys)
	keys = slices.Compact(keys)
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = k.row()
	}
	return rows
}

func (s *Slice) lock(ctx context.Context, keys []handleKey) error {
	return s.tx.Lock(ctx, lockHandles, keyRows(keys), func(_ int, r db.Row) error {
		h := &handle{}
		var hash []byte
		var recent int64
		err := r.Scan(&h.key.kind, &hash, &h.keyID, &h.person, &h.openCents, &h.orders, &h.overdue, &h.recent.day, &recent)
		h.key.hash, h.recent.days = string(hash), uint64(recent)
		s.handles[h.key] = h
		return err
	})
}

func (s *Slice) loadPersons(ctx context.Context) error {
	var ids []string
	for _, a := range s.asked {
		for _, m := range a.marks {
			if h := s.find(m); h != nil && m.kind != byPhone && s.persons[h.person] == nil {
				s.persons[h.person] = &person{id: h.person}
				ids = append(ids, h.person)
			}
		}
	}
	return s.readPersons(ctx, ids)
}

// owner returns a person by id.
func (s *Slice) owner(ctx context.Context, id string) (*person, error) {
	if s.persons[id] == nil {
		s.persons[id] = &person{id: id}
		if err := s.readPersons(ctx, []string{id}); err != nil {
			return nil, err
		}
	}
	return s.persons[id], nil
}

func (s *Slice) readPersons(ctx context.Context, ids []string) error {
	keys := make([][]any, len(ids))
	for i, id := range ids {
		keys[i] = []any{id}
	}
	return s.tx.Find(ctx, findPersons, keys, func(_ int, r db.Row) error {
		var id string
		var w vault.Wrapped
		if err := r.Scan(&id, &w.MasterID, &w.Profile, &w.Fiscal, &w.Claim); err != nil {
			return err
		}
		k, err := s.desk.vault.Unwrap(id, w)
		if err != nil {
			return fmt.Errorf("keys of %s: %w", id, err)
		}
		s.persons[id].keys = k
		return nil
	})
}

// find returns the handle of a mark under whichever key made it; nil when there is none yet.
func (s *Slice) find(m mark) *handle {
	for _, k := range m.keys() {
		if h := s.handles[k]; h != nil {
			return h
		}
	}
	return nil
}

// Standing is what the platform knows of a buyer before it decides: over all handles, the highest counts.
type Standing struct {
	OpenCents      int64 // planned and open invoices
	Overdue        int64 // invoices past their due date
	Orders         int64 // orders accepted before
	Today          int64 // attempts today
	Week           int64 // attempts in seven days
	BlockedAddress bool
	BlockedPerson  bool // name and birth date
	BlockedIP      bool
}

// Standing returns what is known of buyer i, earlier requests of the slice included.
func (s *Slice) Standing(i int) Standing {
	var st Standing
	for _, m := range s.asked[i].marks {
		h := s.find(m)
		if h == nil {
			continue
		}
		recent := h.recent.at(s.day)
		st.OpenCents = max(st.OpenCents, h.openCents)
		st.Overdue = max(st.Overdue, h.overdue)
		st.Orders = max(st.Orders, h.orders)
		st.Today = max(st.Today, recent.last(1))
		st.Week = max(st.Week, recent.last(7))
	}
	for _, m := range s.asked[i].blocks {
		for _, k := range m.keys() {
			if s.blocked[k] {
				st.BlockedAddress = st.BlockedAddress || m.kind == blockAddress
				st.BlockedPerson = st.BlockedPerson || m.kind == blockPerson
				st.BlockedIP = st.BlockedIP || m.kind == blockIP
			}
		}
	}
	return st
}

// Attempt is one decided request.
type Attempt struct {
	ID       string // att_…
	Merchant string
	Order    string // ord_…, "" when not accepted
	Cents    int64  // what an accepted order leaves open
	Counted  bool   // before, by its check, or to be counted by nobody
}

// Keep records attempt a of buyer i: its handles, its person and its identity snapshot. It returns the
// person and that person's keys.
func (s *Slice) Keep(i int, a Attempt) (string, *vault.PersonKeys, error) {
	marks := s.asked[i].marks
	p, err := s.person(marks, a)
	if err != nil {
		return "", nil, err
	}
	var address *handle
	for _, m := range marks {
		h := s.handleOf(m, p)
		h.touched = true
		if m.kind == byEmail {
			address = h
		}
		if !a.Counted {
			h.recent = h.recent.add(s.day)
		}
		if a.Order == "" {
			continue
		}
		h.openCents += a.Cents
		h.orders++
	}
	if a.Order != "" {
		s.orders = append(s.orders, files(p, address, a.Order, a.Merchant)...)
	}
	row, err := s.identity(s.asked[i].buyer, p, marks, a)
	if err != nil {
		return "", nil, err
	}
	s.identities = append(s.identities, row)
	return p.id, p.keys, nil
}

// files are the rows of an order among those of a person: of who ordered, and of whose the e-mail address is, since
// whoever proves the address finds it.
func files(p *person, address *handle, order, merchant string) [][]any {
	hash := []byte(address.key.hash)
	rows := [][]any{{p.id, order, merchant, hash}}
	if address.person != p.id {
		rows = append(rows, []any{address.person, order, merchant, hash})
	}
	return rows
}

// handleOf returns the handle of a mark, a new one of person p when there is none yet.
func (s *Slice) handleOf(m mark, p *person) *handle {
	h := s.find(m)
	if h == nil {
		active := m.under[0]
		h = &handle{key: handleKey{m.kind, string(active.Hash)}, keyID: active.KeyID, person: p.id, fresh: true, mark: m}
		s.handles[h.key] = h
	}
	return h
}

// person finds whose attempt this is: who they are decides, then the e-mail address; a telephone number
// alone never does, since families and offices share one.
func (s *Slice) person(marks []mark, a Attempt) (*person, error) {
	var email, who *person
	for _, m := range marks {
		h := s.find(m)
		if h == nil || m.kind == byPhone || !s.persons[h.person].keys.Has(vault.Profile) {
			continue // unknown, or a person whose data were erased: that one never comes back
		}
		if m.kind == byEmail {
			email = s.persons[h.person]
		} else {
			who = s.persons[h.person]
		}
	}
	switch {
	case who != nil && email != nil && who.id != email.id:
		s.unions = append(s.unions, []any{s.tx.ID("uni_"), who.id, email.id, a.ID, s.tx.Now})
		return who, nil
	case who != nil:
		return who, nil
	case email != nil:
		return email, nil
	}
	keys, err := vault.NewPersonKeys(s.desk.random)
	if err != nil {
		return nil, err
	}
	p := &person{id: s.tx.ID("per_"), keys: keys, fresh: true}
	s.persons[p.id] = p
	return p, nil
}

// Flush writes what the slice changed. When another transaction has meanwhile made one of the new handles
// it fails with db.ErrConflict, and the whole slice runs again.
func (s *Slice) Flush(ctx context.Context) error {
	var fresh, changed, persons [][]any
	var met []*handle
	for _, h := range sortedHandles(s.handles) {
		switch {
		case h.fresh:
			met = append(met, h)
			fresh = append(fresh, []any{h.key.kind, []byte(h.key.hash), h.keyID, h.person, h.openCents, h.orders, h.overdue, h.recent.day, int64(h.recent.days), s.tx.Now})
		case h.touched:
			changed = append(changed, []any{h.key.kind, []byte(h.key.hash), h.openCents, h.orders, h.overdue, h.recent.day, int64(h.recent.days)})
		}
	}
	for _, p := range s.persons {
		if p.fresh {
			w := s.desk.vault.Wrap(p.id, p.keys)
			persons = append(persons, []any{p.id, w.MasterID, w.Profile, w.Fiscal, w.Claim, s.tx.Now})
		}
	}
	slices.SortFunc(persons, func(a, b []any) int { return compareText(a[0], b[0]) })
	claims, err := s.claim(ctx, met)
	if err != nil {
		return err
	}
	if n, err := s.tx.Insert(ctx, newHandles, fresh); err != nil {
		return err
	} else if int(n) != len(fresh) {
		return metTwice()
	}
	if _, err := s.tx.Change(ctx, dropClaims, claims); err != nil { // others wait for our commit all the same
		return err
	}
	if n, err := s.tx.Change(ctx, changeHandles, changed); err != nil {
		return err
	} else if int(n) != len(changed) {
		return fmt.Errorf("changed %d of %d handles: %w", n, len(changed), db.ErrConflict)
	}
	for _, w := range []struct {
		table *db.Table
		rows  [][]any
	}{{newPersons, persons}, {newIdentities, s.identities}, {newPersonOrders, s.orders}, {newUnions, s.unions}} {
		if err := s.tx.Put(ctx, w.table, w.rows); err != nil {
			return err
		}
	}
	return nil
}

func metTwice() error { return fmt.Errorf("a new buyer was met twice: %w", db.ErrConflict) }

// claim keeps two nodes from making the handle of one new buyer under different master keys, while there are several:
// whichever of them is active, nodes that know the same keys claim the same hash of a handle. Who comes second waits for
// the first, looks again, and runs again when there is one. It returns the claims, for release.
func (s *Slice) claim(ctx context.Context, fresh []*handle) ([][]any, error) {
	var claims, names []handleKey
	for _, h := range fresh {
		if len(h.mark.under) > 1 {
			under := h.mark.keys()
			claims = append(claims, slices.MinFunc(under, compareKeys))
			names = append(names, under...)
		}
	}
	if len(claims) == 0 {
		return nil, nil
	}
	rows := keyRows(claims)
	if _, err := s.tx.Insert(ctx, newClaims, rows); err != nil {
		return nil, err
	}
	known := false
	err := s.tx.Find(ctx, findOwners, keyRows(names), func(int, db.Row) error { known = true; return nil })
	if err == nil && known {
		err = metTwice()
	}
	return rows, err
}

func compareText(a, b any) int {
	if a.(string) < b.(string) {
		return -1
	}
	return 1
}

func sortedHandles(m map[handleKey]*handle) []*handle {
	out := make([]*handle, 0, len(m))
	for _, h := range m {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b *handle) int { return compareKeys(a.key, b.key) })
	return out
}

// Release is what happened to an order's open amount.
type Release struct {
	Attempt  string // att_… of the order
	Merchant string
	Cents    int64 // how much less is open; negative when an invoice was opened again
	Overdue  int64 // change in the number of overdue invoices
}

var findHashes = db.NewQuery(`
select email_hash, phone_hash, who_hash
  from identities
 where id = $1 and merchant_id = $2
 order by version desc limit 1`, db.Text, db.Text)

// Change brings the open amounts of the buyers' handles up to date with their invoices.
func (d *Desk) Change(ctx context.Context, tx *db.Tx, list []Release) error {
	owned, err := handlesOf(ctx, tx, list)
	if err != nil {
		return err
	}
	type change struct{ released, overdue int64 }
	changes := map[handleKey]change{}
	for i, r := range list {
		if len(owned[i]) == 0 {
			return fault.New(fault.Internal, "internal", "Attempt %s has no identity.", r.Attempt)
		}
		for _, k := range owned[i] {
			c := changes[k]
			changes[k] = change{c.released + r.Cents, c.overdue + r.Overdue}
		}
	}
	var rows [][]any
	for _, k := range slices.SortedFunc(maps.Keys(changes), compareKeys) { // the order in which Open locks them
		rows = append(rows, append(k.row(), changes[k].released, changes[k].overdue))
	}
	if n, err := tx.Change(ctx, releaseHandles, rows); err != nil {
		return err
	} else if int(n) != len(rows) {
		return fault.New(fault.Internal, "internal", "%d of %d handles were there to be changed.", n, len(rows))
	}
	return nil
}

// handlesOf reads the handles of attempts.
func handlesOf(ctx context.Context, tx *db.Tx, list []Release) ([][]handleKey, error) {
	keys := make([][]any, len(list))
	for i, r := range list {
		keys[i] = []any{r.Attempt, r.Merchant}
	}
	owned := make([][]handleKey, len(list))
	return owned, tx.Find(ctx, findHashes, keys, func(i int, r db.Row) error {
		var hashes [3][]byte
		if err := r.Scan(&hashes[0], &hashes[1], &hashes[2]); err != nil {
			return err
		}
		for j, kind := range []string{byEmail, byPhone, byWho} {
			if hashes[j] != nil {
				owned[i] = append(owned[i], handleKey{kind, string(hashes[j])})
			}
		}
		return nil
	})
}

// Today is the civil date at the buyer's address; Amsterdam's for a country that we do not serve.
func (b *Buyer) Today(now calendar.Instant) calendar.Date {
	zone, err := calendar.ZoneOf(b.Address.Country)
	if err != nil {
		zone, _ = calendar.ZoneOf("NL")
	}
	return zone.DateOf(now)
}
