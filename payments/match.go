package payments

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"achteraf/internal/db"
	"achteraf/internal/ident"
	"achteraf/invoices"
	"achteraf/orders"
)

// How we know that a line belongs to an order.
const (
	Structured = "structured" // its reference stands where references stand
	ByText     = "text"       // its reference stands in the payer's words, and no other of ours
	ByNumber   = "number"     // its invoice number does, and the amount is exactly what is open
	ByHand     = "hand"
)

// match is the order that a line pays for.
type match struct {
	order      orders.Order
	confidence string
}

// clue is what a line says about what it pays for.
type clue struct {
	reference  string   // structured, in normal form
	references []string // in the text
	numbers    []string // what may be invoice numbers in the text
}

// byReference matches lines by the references that they name, with one look-up for all that are not matched yet. Of an
// order it takes only what never changes.
func byReference(ctx context.Context, tx *db.Tx, lines []line) error {
	var references []string
	for i := range lines {
		if l := &lines[i]; l.match == nil && !l.known {
			references = append(append(references, l.clue.reference), l.clue.references...)
		}
	}
	if references = distinct(references); len(references) == 0 {
		return nil
	}
	found, err := orders.ByPayment(ctx, tx, references)
	if err != nil {
		return err // what was found so far is not all: a line that names two orders would be one's
	}
	for i := range lines {
		if l := &lines[i]; l.match == nil {
			l.match = l.clue.among(found)
		}
	}
	return nil
}

// byNumber matches what no reference matched by invoice number and exact amount. What is open is known only for orders
// to which no other line of the slice pays.
func byNumber(ctx context.Context, tx *db.Tx, lines []line) error {
	paid := map[orders.Key]bool{}
	var numbers []string
	for i := range lines {
		if m := lines[i].match; m != nil {
			paid[orders.Key{Merchant: m.order.Merchant, ID: m.order.ID}] = true
		} else {
			numbers = append(numbers, lines[i].clue.numbers...)
		}
	}
	if numbers = distinct(numbers); len(numbers) == 0 {
		return nil
	}
	bills, err := invoices.ByNumber(ctx, tx, numbers)
	if err != nil || len(bills) == 0 {
		return err
	}
	keys := make([]orders.Key, 0, len(bills))
	for _, v := range bills {
		keys = append(keys, orders.Key{Merchant: v.Merchant, ID: v.Order})
	}
	found, err := orders.Find(ctx, tx, keys)
	if err != nil {
		return err
	}
	for i := range lines {
		if lines[i].match != nil {
			continue
		}
		for _, n := range lines[i].clue.numbers {
			v, ok := bills[n]
			k := orders.Key{Merchant: v.Merchant, ID: v.Order}
			if ok && v.OpenCents == lines[i].Cents && !paid[k] {
				lines[i].match, paid[k] = &match{found[k], ByNumber}, true
				break
			}
		}
	}
	return nil
}

// clueOf reads a line's words. A structured reference with more in it than a reference is but words.
func clueOf(l Line) (c clue) {
	words := l.Text + " " + l.EndToEnd
	if in := ident.FindReferences(l.Reference); len(in) > 0 && in[0] == bare(l.Reference) {
		c.reference = in[0]
	} else {
		words += " " + l.Reference
	}
	c.references, c.numbers = ident.FindReferences(words), invoiceNumbers(words)
	return c
}

// bare is a reference without what stands between its letters and digits.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return -1
	}, s)
}

// among picks the order that the clue's references name. Two different ones name none.
func (c clue) among(found map[string]orders.Order) *match {
	if o, ok := found[c.reference]; ok {
		return &match{o, Structured}
	}
	var m *match
	for _, r := range c.references {
		o, ok := found[r]
		switch {
		case !ok:
		case m == nil:
			m = &match{o, ByText}
		case m.order.ID != o.ID:
			return nil
		}
	}
	return m
}

// An invoice number is a shop's prefix, a year and at least six digits; people write what they like between them.
var invoiceNumber = regexp.MustCompile(`(?i)\b([a-z0-9]{1,12}?)[ ./_-]*(20[0-9]{2})[ ./_-]*([0-9]{6,9})\b`)

// invoiceNumbers returns what may be invoice numbers of ours in a text, as we print them.
func invoiceNumbers(text string) []string {
	var all []string
	for _, m := range invoiceNumber.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ToUpper(m[1])+"-"+m[2]+"-"+m[3])
	}
	return all
}

// distinct sorts words and drops empty and repeated ones.
func distinct(words []string) []string {
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) > 0 && words[0] == "" {
		return words[1:]
	}
	return words
}
