package reports

import (
	"context"
	"slices"
	"strings"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/merchants"
	"achteraf/messages"
)

// Letter is one message to a buyer, without what is sealed.
type Letter struct {
	ID      string
	Code    string // what it says: messages.InvoiceIssued, …
	State   messages.State
	Outcome string
	MadeAt  calendar.Instant
	SentAt  calendar.Instant // zero until a server took it
	Order   string
	Shop    string
	Goods   []string
}

// Letters is a page of what was sent to proved addresses, the newest first.
type Letters struct {
	List     []Letter
	Next     string // to ask for the page after it, "" at its end
	Language string // of the latest order, "" where there is none
}

const selectLetters = `
select id, code, state, outcome, made_at, sent_at, handle from messages where order_id = $1 and merchant_id = $2`

var findLetters = db.NewQuery(selectLetters, db.Text, db.Text)

// Letters lists the messages about the orders of proved handles that went to one of these handles; after is a Next, ""
// for the first page.
func (r *Reports) Letters(ctx context.Context, tx *db.Tx, handles []buyers.Handle, after string, limit int) (Letters, error) {
	items, err := owned(ctx, tx, handles, findItems)
	if err != nil {
		return Letters{}, err
	}
	type found struct {
		Letter
		of *Item
	}
	var all []found
	proved := proofsOf(handles)
	err = tx.Find(ctx, findLetters, keysOf(items), func(n int, row db.Row) error {
		x := found{of: items[n]}
		var to []byte
		err := row.Scan(&x.ID, &x.Code, &x.State, &x.Outcome, &x.MadeAt, &x.SentAt, &to)
		if proved[string(to)] && (after == "" || x.ID < after) {
			all = append(all, x)
		}
		return err
	})
	if err != nil {
		return Letters{}, err
	}
	slices.SortFunc(all, func(a, b found) int { return -strings.Compare(a.ID, b.ID) })
	var out Letters
	if out.Language, err = languageOf(ctx, tx, items); err != nil {
		return Letters{}, err
	}
	if len(all) > limit {
		all = all[:limit]
		out.Next = all[limit-1].ID
	}
	shown := map[*Item]bool{}
	var of []*Item
	for _, x := range all {
		if !shown[x.of] {
			shown[x.of] = true
			of = append(of, x.of)
		}
	}
	if err := nameShops(ctx, tx, of); err != nil {
		return Letters{}, err
	}
	if err := nameGoods(ctx, tx, of); err != nil {
		return Letters{}, err
	}
	for _, x := range all {
		x.Order, x.Shop, x.Goods = x.of.Order, x.of.Shop, x.of.Goods
		out.List = append(out.List, x.Letter)
	}
	return out, nil
}

// Shop is one that somebody bought at, and how to reach it.
type Shop struct {
	Name     string
	Contacts []merchants.Contact
}

// Shops are those of the latest orders, the last first.
func (r *Reports) Shops(ctx context.Context, tx *db.Tx, handles []buyers.Handle, most int) ([]Shop, error) {
	items, err := owned(ctx, tx, handles, findItems)
	if err != nil {
		return nil, err
	}
	slices.Reverse(items)
	if err := nameShops(ctx, tx, items); err != nil {
		return nil, err
	}
	var all []Shop
	known := map[string]bool{}
	for _, x := range items {
		if known[x.Merchant] || len(all) == most {
			continue
		}
		known[x.Merchant] = true
		s := Shop{Name: x.Shop}
		if s.Contacts, err = merchants.Contacts(ctx, tx, x.Merchant); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Language is that of the latest order of proved handles, "" where there is none.
func (r *Reports) Language(ctx context.Context, tx *db.Tx, handles []buyers.Handle) (string, error) {
	items, err := owned(ctx, tx, handles, findItems)
	if err != nil {
		return "", err
	}
	return languageOf(ctx, tx, items)
}
