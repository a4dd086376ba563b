package buyers

import (
	"bytes"
	"cmp"
	"strings"

	"achteraf/internal/ident"
	"achteraf/internal/vault"
)

// Kinds of handle. A handle is a keyed hash of one thing that identifies a buyer.
const (
	byEmail = "email"
	byPhone = "phone"
	byWho   = "who" // name, birth date and address of a consumer; registration number of a company
)

// Kinds of block.
const (
	blockAddress  = "address"
	blockDelivery = "delivery" // the address of the delivery; it is blocked as any address
	blockPerson   = "person"   // name and birth date
	blockIP       = "ip"
)

// handleKey finds a handle or a block.
type handleKey struct {
	kind string
	hash string // bytes
}

func (k handleKey) row() []any { return []any{k.kind, []byte(k.hash)} }

func compareKeys(a, b handleKey) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), bytes.Compare([]byte(a.hash), []byte(b.hash)))
}

// mark is one handle under every key that may have made it: the active one first.
type mark struct {
	kind  string
	under []vault.Handle
}

func (m mark) keys() []handleKey {
	out := make([]handleKey, len(m.under))
	for i, h := range m.under {
		out[i] = handleKey{m.kind, string(h.Hash)}
	}
	return out
}

// who is what the handle of that name hashes.
func (b *Buyer) who() string {
	if b.Kind == Company {
		return "company|" + b.Address.Country + "|" + b.Company.RegistrationNumber
	}
	return b.person() + "|" + b.Address.key()
}

func (b *Buyer) person() string {
	return strings.Join([]string{ident.Fold(b.Name.First), ident.Fold(b.Name.Last), b.BirthDate.String()}, "|")
}

// marks lists a buyer's handles: e-mail, telephone when given, and who.
func (d *Desk) marks(b *Buyer) []mark {
	out := make([]mark, 0, 3)
	out = append(out, mark{byEmail, d.vault.Handles(byEmail, ident.EmailKey(b.Email))})
	if b.Phone != "" {
		out = append(out, mark{byPhone, d.vault.Handles(byPhone, b.Phone)})
	}
	return append(out, mark{byWho, d.vault.Handles(byWho, b.who())})
}

// blockMarks lists what may be blocked about a buyer.
func (d *Desk) blockMarks(b *Buyer) []mark {
	out := make([]mark, 0, len(BlockKinds))
	for _, kind := range BlockKinds {
		if m, has := d.blockMark(b, kind); has {
			out = append(out, m)
		}
	}
	return out
}

// blockMark is what may be blocked of one kind, if the buyer has anything of it. An address is blocked as such, whatever
// it was used for.
func (d *Desk) blockMark(b *Buyer, kind string) (m mark, has bool) {
	switch {
	case kind == blockAddress && b.Address.isPlace():
		return mark{blockAddress, d.vault.Handles(blockAddress, b.Address.key())}, true
	case kind == blockDelivery && b.DeliveryAddress != nil && b.DeliveryAddress.isPlace():
		return mark{blockAddress, d.vault.Handles(blockAddress, b.DeliveryAddress.key())}, true
	case kind == blockPerson && b.Kind == Consumer && b.Name.Last != "" && !b.BirthDate.IsZero():
		return mark{blockPerson, d.vault.Handles(blockPerson, b.person())}, true
	case kind == blockIP && b.IP != "":
		return mark{blockIP, d.vault.Handles(blockIP, b.IP)}, true
	}
	return m, false
}

// window counts attempts of the last eight days: the low byte is the current day, each next byte the day
// before. A byte stops at 255.
type window struct {
	day  int64 // days since 1970
	days uint64
}

func (w window) at(day int64) window {
	if gap := day - w.day; gap > 0 {
		if gap > 7 {
			w.days = 0
		} else {
			w.days <<= 8 * uint(gap)
		}
		w.day = day
	}
	return w
}

func (w window) add(day int64) window {
	w = w.at(day)
	if w.days&0xff < 0xff {
		w.days++
	}
	return w
}

// last sums the latest n days, the current one included.
func (w window) last(n int) (sum int64) {
	for i := range n {
		sum += int64(w.days >> (8 * uint(i)) & 0xff)
	}
	return sum
}
