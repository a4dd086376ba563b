package reports

import (
	"context"
	"slices"
	"strings"

	"achteraf/buyers"
	"achteraf/internal/db"
	"achteraf/internal/ident"
)

// Want says which bills to list.
type Want struct {
	Handles []buyers.Handle // proved in this sign-in
	Search  string          // words of the shop, the goods, a reference or a number; "" for all
	Page    int             // from 1 on
	Size    int             // of a page
}

// List is a page of all bills, however old and however they ended: the newest order first.
type List struct {
	Bills []Item
	Page  int // the one that is shown, which is the last where fewer were found
	Pages int
	From  int // the place of the first bill that is shown, from 1 on; 0 where there is none
	Found int
	All   int // whatever was searched for

	Language string // of the latest order, "" where there is none
}

// Bills lists everything that belongs to proved handles, for as long as it is kept.
func (r *Reports) Bills(ctx context.Context, tx *db.Tx, want Want) (List, error) {
	all, err := owned(ctx, tx, want.Handles, findItems)
	if err != nil {
		return List{}, err
	}
	out := List{All: len(all)}
	if out.Language, err = languageOf(ctx, tx, all); err != nil {
		return List{}, err
	}
	slices.Reverse(all)
	if want.Search != "" {
		if err := describe(ctx, tx, all); err != nil {
			return List{}, err
		}
		if all, err = search(ctx, tx, all, want.Search); err != nil {
			return List{}, err
		}
	}
	out.Found, out.Pages = len(all), max((len(all)+want.Size-1)/want.Size, 1)
	out.Page = min(max(want.Page, 1), out.Pages)
	from := (out.Page - 1) * want.Size
	all = all[from:min(from+want.Size, len(all))]
	if len(all) > 0 {
		out.From = from + 1
	}
	if err := work(ctx, tx, all); err != nil {
		return List{}, err
	}
	out.Bills = values(all)
	return out, nil
}

// search keeps the items in which every word is found.
func search(ctx context.Context, tx *db.Tx, all []*Item, query string) ([]*Item, error) {
	text := make([]strings.Builder, len(all))
	for n, x := range all {
		for _, s := range []string{x.Shop, x.Reference, x.Number, x.PaymentReference, ident.PrintRF(x.PaymentReference), ident.PrintOGM(x.PaymentReference)} {
			text[n].WriteString(ident.Fold(s) + " " + strings.ToLower(s) + " ")
		}
	}
	err := tx.Find(ctx, findGoods, keysOf(all), func(n int, r db.Row) error {
		var what string
		err := r.Scan(&what)
		text[n].WriteString(ident.Fold(what) + " " + strings.ToLower(what) + " ")
		return err
	})
	if err != nil {
		return nil, err
	}
	var found []*Item
	for n, x := range all {
		in, hit := text[n].String(), true
		for _, word := range strings.Fields(query) {
			folded := ident.Fold(word)
			hit = hit && (strings.Contains(in, strings.ToLower(word)) || folded != "" && strings.Contains(in, folded))
		}
		if hit {
			found = append(found, x)
		}
	}
	return found, nil
}
