package messages

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/jobs"
	"achteraf/internal/vault"
	"achteraf/invoices"
	"achteraf/orders"
)

// DueShopText is the kind of due row that passes a shop's words on to its buyer; its subject is the text.
const DueShopText = "shop.text"

const (
	mostText   = 1000 // characters
	mostTexts  = 5    // about one order in textPeriod, so that nobody is pestered in our name
	textPeriod = 24 * time.Hour
)

// ShopText is what a shop wants to tell its buyer about an order.
type ShopText struct {
	Merchant string
	Order    string
	Text     string // plain; links are shown so that nobody can press them
	By       string // id of the key or staff member
}

var (
	newTexts = db.NewTable("shop_texts", "",
		db.Col{Name: "id", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "order_id", Type: db.Text},
		db.Col{Name: "person_id", Type: db.Text}, db.Col{Name: "words", Type: db.Bytes}, db.Col{Name: "made_by", Type: db.Text},
		db.Col{Name: "made_at", Type: db.Instant})

	lockOrder = db.NewQuery(`select id from orders where id = $1 and merchant_id = $2`, db.Text, db.Text)
)

// FromShop keeps a shop's words to its buyer, sealed, with a due row that mails them in the frame of ours, and returns
// their id. A refusal has written nothing. Errors: NotFound "order"; Invalid "fields" with pointers; Conflict
// "message-limit", "buyer-unreachable" where there is no address any more, "no-mail" without a mailer.
func (p *Post) FromShop(ctx context.Context, tx *db.Tx, t ShopText) (id string, at calendar.Instant, err error) {
	o, err := orders.One(ctx, tx, t.Merchant, t.Order)
	if err != nil {
		return "", at, err
	}
	if p == nil {
		return "", at, fault.Clash("no-mail", "This platform sends no mail.")
	}
	if err := t.check(); err != nil {
		return "", at, err
	}
	if err := tx.Lock(ctx, lockOrder, [][]any{{o.ID, o.Merchant}}, func(int, db.Row) error { return nil }); err != nil {
		return "", at, err
	}
	var lately int64
	err = tx.QueryRow(ctx, `select count(*) from shop_texts where order_id = $1 and merchant_id = $2 and made_at > $3`,
		[]any{o.ID, o.Merchant, tx.Now.Add(-textPeriod)}, &lately)
	if err != nil {
		return "", at, err
	}
	if lately >= mostTexts {
		return "", at, fault.Clash("message-limit", "At most %d messages a day about one order.", mostTexts)
	}
	who, err := p.c.Desk.Reach(ctx, tx, o.Merchant, o.Attempt)
	if err != nil {
		return "", at, err
	}
	if who.Buyer.Email == "" || who.Keys == nil || !who.Keys.Has(vault.Claim) {
		return "", at, fault.Clash("buyer-unreachable", "There is no address of this buyer any more.")
	}
	id = tx.ID("txt_")
	sealed, err := who.Keys.Seal(vault.Claim, textPlace(id), []byte(t.Text))
	if err != nil {
		return "", at, err
	}
	if err := tx.Put(ctx, newTexts, [][]any{{id, o.Merchant, o.ID, who.Person, []byte(sealed), t.By, tx.Now}}); err != nil {
		return "", at, err
	}
	return id, tx.Now, jobs.Add(ctx, tx, []jobs.Due{{Kind: DueShopText, Merchant: o.Merchant, Subject: id}})
}

func textPlace(id string) vault.Place {
	return vault.Place{Table: "shop_texts", Column: "words", Row: id}
}

// check brings the text into its stored form.
func (t *ShopText) check() error {
	var c fault.Checker
	t.Text = strings.TrimSpace(strings.ReplaceAll(t.Text, "\r\n", "\n"))
	switch {
	case t.Text == "":
		c.Wrong("#/text", "required", "Fill this in.")
	case utf8.RuneCountInString(t.Text) > mostText:
		c.Wrong("#/text", "too-long", "At most %d characters.", mostText)
	case !utf8.ValidString(t.Text) || strings.ContainsFunc(t.Text, hidden):
		c.Wrong("#/text", "characters", "Leave control characters out; only line ends are allowed.")
	}
	if len(c.Found) > 0 {
		return fault.At("fields", "Some fields are not right.", c.Found...)
	}
	return nil
}

// hidden says whether a character is not seen, or changes how others are seen.
func hidden(r rune) bool {
	const joiner = '\u200d' // inside emoji
	return r != '\n' && r != joiner && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
}

// apart writes a text so that no mail program makes a link of any part of it: whoever reads our mail may trust what
// can be pressed in it.
func apart(text string) string {
	var b strings.Builder
	var before rune
	letters := []rune(text)
	for i, r := range letters {
		next := ' '
		if i+1 < len(letters) {
			next = letters[i+1]
		}
		b.WriteRune(r)
		dot := strings.ContainsRune(".\u3002\uff0e\uff61", r) && !unicode.IsSpace(before) && unicode.IsLetter(next)
		if dot || r == ':' && !unicode.IsSpace(next) && !unicode.IsDigit(next) || r == '@' && !unicode.IsSpace(next) {
			b.WriteRune(' ')
		}
		before = r
	}
	return b.String()
}

// shopText reads a shop's words; they stay "" once the person was erased.
func (p *Post) shopText(ctx context.Context, tx *db.Tx, d jobs.Due, f *facts) (order string, err error) {
	var person string
	var words vault.Sealed
	err = tx.QueryRow(ctx, `select order_id, person_id, words from shop_texts where id = $1 and merchant_id = $2`, []any{d.Subject, d.Merchant},
		&order, &person, &words)
	if errors.Is(err, db.ErrNone) {
		return "", fault.Missing("message", "There is no such message.")
	}
	if err != nil {
		return "", err
	}
	keys, err := p.c.Desk.Keys(ctx, tx, person)
	if err != nil {
		return "", err
	}
	if keys.Has(vault.Claim) {
		plain, err := keys.Open(vault.Claim, textPlace(d.Subject), words)
		if err != nil {
			return "", err
		}
		f.said = string(plain)
	}
	of, err := invoices.OfOrders(ctx, tx, []invoices.Key{{Merchant: d.Merchant, ID: order}})
	if err == nil && len(of[0]) > 0 {
		f.invoice = of[0][0]
	}
	return order, err
}

// fromShop shows a shop's words in a frame that says whose they are.
func (w *writer) fromShop() {
	p := &w.page
	p.Subject, p.Preview = w.say("from-shop-subject"), w.say("from-shop-preview")
	p.Label, p.Sum, p.When = w.say("from-shop-label"), w.shop.Name, w.say("from-shop-when")
	p.Next = []string{w.say("from-shop-next")}
	p.Why = []string{w.say("from-shop-why")}
	s := w.section("from-shop-words")
	for line := range strings.SplitSeq(w.said, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			s.Intro = append(s.Intro, apart(line))
		}
	}
	w.with["Words"] = strings.Join(s.Intro, "\n") // s is gone once there is another section
	care := w.section("from-shop-take-care")
	care.Intro = []string{w.say("from-shop-care")}
	w.section("facts").add(w.row("fact-order", w.order.Reference), w.row("fact-ordered", w.Day(w.order.PlacedOn)))
}
