package older

import (
	"context"
	"slices"
	"strings"

	"achteraf/internal/db"
	"achteraf/orders"
)

// publicNumber is the number that a shop's customers see: the shop's prefix and its own number, dots as dashes.
func publicNumber(prefix, reference string) string {
	return prefix + strings.ReplaceAll(reference, ".", "-")
}

// fold is a number without regard to case.
func fold(s string) string { return strings.ToLower(s) }

// asked is a number by which a call asks for an order.
type asked struct {
	account *Account
	number  string
}

var findNumbers = db.NewQuery(`
select number, reference from older_numbers where merchant_id = $1 and folded = $2 order by order_id`, db.Text, db.Text)

// orders finds orders by the shop's own number or the public one: what is exactly so first, then without regard to case.
// What nobody knows is the zero order.
func (w *Wire) orders(ctx context.Context, tx *db.Tx, list []asked) ([]orders.Order, error) {
	out := make([]orders.Order, len(list))
	list = slices.Clone(list)
	for i := range list {
		list[i].number = clean(list[i].number, mostStored+1) // as an order's number was when it came
	}
	pairs := make([][2]string, 0, len(list))
	for _, a := range list {
		if stored(a.number) {
			pairs = append(pairs, [2]string{a.account.Merchant, a.number})
		}
	}
	found, err := orders.Named(ctx, tx, once2(pairs))
	if err != nil {
		return nil, err
	}
	var keys [][]any
	var of []int
	for i, a := range list {
		out[i] = found[[2]string{a.account.Merchant, a.number}]
		if out[i].ID == "" && stored(a.number) {
			keys, of = append(keys, []any{a.account.Merchant, fold(a.number)}), append(of, i)
		}
	}
	if len(keys) == 0 {
		return out, nil
	}
	return out, w.otherwise(ctx, tx, list, out, keys, of)
}

// otherwise finds the rest: under their public numbers, and ignoring case.
func (w *Wire) otherwise(ctx context.Context, tx *db.Tx, list []asked, out []orders.Order, keys [][]any, of []int) error {
	named := map[int]string{} // the reference behind a number
	exact := map[int]bool{}
	distinctKeys, at := distinctRows(keys)
	err := tx.Find(ctx, findNumbers, distinctKeys, func(k int, r db.Row) error {
		var number, reference string
		if err := r.Scan(&number, &reference); err != nil {
			return err
		}
		for _, n := range at[k] {
			i := of[n]
			if named[i] == "" || number == list[i].number && !exact[i] {
				named[i], exact[i] = reference, number == list[i].number
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var pairs [][2]string
	for _, i := range of {
		if rest, ok := strings.CutPrefix(list[i].number, list[i].account.Settings.Prefix); ok && named[i] == "" && rest != "" {
			named[i] = rest // of an order that came another way
		}
		if named[i] != "" {
			pairs = append(pairs, [2]string{list[i].account.Merchant, named[i]})
		}
	}
	found, err := orders.Named(ctx, tx, once2(pairs))
	for _, i := range of {
		if named[i] != "" {
			out[i] = found[[2]string{list[i].account.Merchant, named[i]}]
		}
	}
	return err
}

// mostStored is how long a number in the database may be, in bytes.
const mostStored = 200

// stored says whether a text can be a number in the database at all.
func stored(s string) bool { return s != "" && len(s) <= mostStored }

func once2(pairs [][2]string) (out [][2]string) {
	seen := make(map[[2]string]bool, len(pairs))
	for _, p := range pairs {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// distinctRows gives each key once, and for each which of the given it stands for.
func distinctRows(keys [][]any) (out [][]any, at [][]int) {
	place := map[[2]any]int{}
	for n, k := range keys {
		pair := [2]any{k[0], k[1]}
		i, ok := place[pair]
		if !ok {
			i = len(out)
			place[pair] = i
			out, at = append(out, k), append(at, nil)
		}
		at[i] = append(at[i], n)
	}
	return out, at
}
