package older

import (
	"context"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/checkout"
	"achteraf/internal/db"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/invoices"
	"achteraf/money"
	"achteraf/orders"
)

// sessionAnswer is a session that has just been opened. Plug-ins need the first four members.
type sessionAnswer struct {
	Status    string `json:"status"`
	ID        string `json:"sessionID"`
	URL       string `json:"sessionURL"`
	Invoice   string `json:"invoice"`
	ExpiresAt string `json:"expiresAt"`
}

// A session is a checkout; its id is the checkout's in this wire's dress.
const (
	sessionPrefix  = "s_"
	checkoutPrefix = "chk_"
)

func sessionID(checkout string) string {
	return sessionPrefix + strings.TrimPrefix(checkout, checkoutPrefix)
}

// openSession serves POST /v2/session/create: the buyer does the rest on our page.
func (w *Wire) openSession(c *call) (any, error) {
	if w.Till == nil || w.CheckoutURL == "" {
		return nil, stop(500, "This platform has no public address, so it has no page to send a buyer to")
	}
	o, err := w.offerOf(c)
	if err != nil {
		return nil, err
	}
	secret, err := w.Till.Secret()
	if err != nil {
		return nil, err
	}
	var made checkout.Checkout
	var token string
	public := publicNumber(c.account.Settings.Prefix, o.Order.Reference)
	err = w.DB.Write(c.ctx, func(tx *db.Tx) (err error) {
		if err = w.still(c, tx); err != nil {
			return err
		}
		if made, token, err = w.Till.Open(c.ctx, tx, *o, secret); err != nil {
			return err
		}
		return w.nameSession(c.ctx, tx, made, public)
	})
	switch f := fault.As(err); {
	case f != nil && f.Code == "order-reference":
		return nil, (&formErrors{}).wrong("transaction.orderNumber", "An order with this number exists already.").err()
	case f != nil && f.Code == "merchant-inactive":
		return nil, stop(403, "Access denied")
	case f != nil && f.Code == "fields":
		return nil, fieldsOfSession(f.Fields)
	case err != nil:
		return nil, err
	}
	return sessionAnswer{"success", sessionID(made.ID), w.CheckoutURL + token, public, dutchTime(made.ExpiresAt)}, nil
}

// nameSession stores the numbers by which calls find the session, and its order once there is one.
func (w *Wire) nameSession(ctx context.Context, tx *db.Tx, c checkout.Checkout, public string) error {
	var rows [][]any
	for _, n := range distinct(c.Reference, public) {
		rows = append(rows, []any{c.Merchant, fold(n), c.ID, n, c.Reference})
	}
	_, err := tx.Insert(ctx, newNumbers, rows)
	return err
}

// dutchTime is Y-m-d H:i:s as clocks in Amsterdam show it.
func dutchTime(i calendar.Instant) string {
	zone, err := calendar.ZoneOf("NL")
	if err != nil {
		return ""
	}
	place, err := time.LoadLocation(zone.Name())
	if err != nil {
		return ""
	}
	return i.Time().In(place).Format("2006-01-02 15:04:05")
}

// placeOf says how a field of ours is called in a session.
var sessionFields = map[string]string{
	"#/return_urls/success": "client.returnURL.successURL", "#/return_urls/failure": "client.returnURL.failURL",
	"#/return_urls/cancel": "client.returnURL.cancelURL", "#/return_urls/back": "client.returnURL.backURL",
	"#/reference": "transaction.orderNumber", "#/total_cents": "transaction.totalAmount", "#/buyer/address/country": "billingAddress.countryCode",
}

func fieldsOfSession(wrong []fault.Field) error {
	f := &formErrors{}
	for _, x := range wrong {
		name := sessionFields[x.Pointer]
		switch {
		case strings.HasPrefix(name, "client.returnURL"):
			f.wrong(name, "This value is not a valid URL.")
		case name != "":
			f.invalid(name)
		case strings.HasPrefix(x.Pointer, "#/lines"):
			f.invalid("transaction.orderItems")
		default:
			f.invalid(strings.TrimPrefix(strings.ReplaceAll(x.Pointer, "/", "."), "#."))
		}
	}
	return f.err()
}

// offerOf reads a session's fields.
func (w *Wire) offerOf(c *call) (*invoices.Offer, error) {
	bad := &formErrors{}
	s := &sessionForm{formErrors: bad, c: c}
	client := c.api.kid("CLIENT")
	s.need("client.workflowNumber", c.api.get("WORKFLOWNUMBER"))
	returns := s.returns(client.kid("RETURNURL"))
	buyer := s.buyer()
	country := buyer.Address.Country
	order := s.order(country)
	if len(bad.list) > 0 {
		return nil, bad.err()
	}
	terms, ok := c.workflow[w.wants(c)]
	if !ok {
		return nil, bad.invalid("client.workflowNumber").err()
	}
	return &invoices.Offer{Merchant: c.account.Merchant, Workflow: terms.Contract.Workflow, Order: order, Buyer: buyer,
		Language: languageOf(country), Returns: returns, Straight: true}, nil
}

// sessionForm is a session being read.
type sessionForm struct {
	*formErrors
	c *call
}

// need notes a field that must not be blank.
func (s *sessionForm) need(field, value string) string {
	if value == "" {
		s.blank(field)
	}
	return value
}

// returns reads where the buyer goes. The addresses are the shop's, to the byte.
func (s *sessionForm) returns(n *node) checkout.Returns {
	at := func(name string) string {
		return strings.TrimSpace(n.raw(name))
	}
	fail, cancel, back := at("FAILURL"), at("CANCELURL"), at("BACKURL")
	return checkout.Returns{Success: s.need("client.returnURL.successURL", at("SUCCESSURL")),
		Failure: firstOf(fail, cancel), Cancel: firstOf(cancel, fail), Back: firstOf(back, cancel, fail)}
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// buyer reads what is known of the buyer. What is not right there is left out, since the page asks for it.
func (s *sessionForm) buyer() buyers.Buyer {
	n := s.c.api.kid("CUSTOMER")
	b := buyers.Buyer{Name: buyers.Name{First: s.need("customer.firstName", n.line("FIRSTNAME")), Last: s.need("customer.lastName", n.line("LASTNAME"))}}
	if email := s.need("customer.email", n.line("EMAIL")); email != "" {
		if _, err := ident.Email(email); err == nil {
			b.Email = email
		}
	}
	b.Phone = clean(s.need("customer.mobile", n.line("MOBILE")), 40)
	switch strings.ToUpper(s.need("customer.type", n.get("TYPE"))) {
	case "P":
		b.Kind = buyers.Consumer
	case "B":
		b.Kind = buyers.Company
		b.Company = &buyers.Firm{Name: s.need("customer.company", n.line("COMPANY")), RegistrationNumber: n.line("COMPANYNUMBER"), VATID: n.line("VATNUMBER")}
	case "":
	default:
		s.invalid("customer.type")
	}
	if d, err := date(n.get("BIRTHDATE")); err == nil && b.Kind == buyers.Consumer {
		b.BirthDate = d
	}
	if !s.c.api.has("BILLINGADDRESS") {
		s.blank("billingAddress")
		return b
	}
	b.Address = addressOf(s.c.api.kid("BILLINGADDRESS"), strings.ToUpper(s.c.api.kid("TRANSACTION").line("PURCHASECOUNTRY")))
	s.delivery(&b)
	return b
}

// addressOf reads an address; a number that stands behind the street is taken from there.
func addressOf(n *node, country string) buyers.Address {
	a := buyers.Address{Street: n.line("STREET"), HouseNumber: n.line("HOUSENUMBER"), HouseNumberSuffix: clean(n.line("HOUSEEXTENSION"), 20),
		Postcode: n.line("POSTALCODE"), City: n.line("CITY"), Country: firstOf(strings.ToUpper(n.line("COUNTRYCODE")), country, "NL")}
	if a.HouseNumber == "" {
		if street, number, suffix, ok := ident.SplitStreet(a.Street); ok {
			a.Street, a.HouseNumber = street, fmt.Sprint(number)
			a.HouseNumberSuffix = clean(suffix+" "+a.HouseNumberSuffix, 20)
		}
	}
	return a
}

// delivery reads where the goods go. An address that nobody could deliver to is left out.
func (s *sessionForm) delivery(b *buyers.Buyer) {
	if !s.c.api.has("SHIPPINGADDRESS") {
		return
	}
	a := addressOf(s.c.api.kid("SHIPPINGADDRESS"), b.Address.Country)
	if same(a, b.Address) || a.Street == "" && a.Postcode == "" && a.City == "" {
		return
	}
	if s.c.account.Settings.RefuseOtherDelivery {
		s.wrong("shippingAddress", "Delivery address not allowed.")
		return
	}
	if b.DeliveryAddress = &a; len(b.CheckKnown("")) > 0 {
		b.DeliveryAddress = nil
	}
}

// order reads the transaction. Its total is the shop's; where the lines come to another sum, one line corrects that.
func (s *sessionForm) order(country string) orders.New {
	n := s.c.api.kid("TRANSACTION")
	o := orders.New{Reference: clean(n.get("ORDERNUMBER"), 4*mostNumber), Currency: "EUR", Prices: orders.InclVAT}
	s.need("transaction.orderNumber", o.Reference)
	if len([]rune(o.Reference)) > mostNumber {
		s.wrong("transaction.orderNumber", fmt.Sprintf("This value is too long. It should have %d characters or less.", mostNumber))
	}
	s.need("transaction.purchaseCountry", n.get("PURCHASECOUNTRY"))
	if cur := s.need("transaction.purchaseCurrency", n.get("PURCHASECURRENCY")); cur != "" && !strings.EqualFold(cur, "EUR") {
		s.invalid("transaction.purchaseCurrency")
	}
	s.need("transaction.totalTaxAmount", n.get("TOTALTAXAMOUNT"))
	if v := s.need("transaction.totalAmount", n.get("TOTALAMOUNT")); v != "" {
		total, err := cents(v)
		if o.TotalCents = total; err != nil || total <= 0 {
			s.invalid("transaction.totalAmount")
		}
	}
	items := n.all("ORDERITEMS")
	switch {
	case len(items) == 0:
		s.blank("transaction.orderItems")
	case len(items) >= mostItems: // one is left for the correction
		s.wrong("transaction.orderItems", "There are too many items.")
	default:
		o.Lines = s.lines(items, country, o.TotalCents)
	}
	return o
}

func (s *sessionForm) lines(items []*node, country string, total int64) (out []orders.Line) {
	sum, most := int64(0), 0
	for i, item := range items {
		l, wrong := s.line(item, country)
		if wrong != "" {
			s.invalid(fmt.Sprintf("transaction.orderItems[%d].%s", i, wrong))
			continue
		}
		out = append(out, l)
		if sum += l.TotalCents; l.TotalCents > out[most].TotalCents {
			most = len(out) - 1
		}
	}
	if rest := total - sum; rest != 0 && len(out) == len(items) {
		out = append(out, correction(country, rest, out[most].VATPercent))
	}
	return out
}

// correction is the line between the sum of the lines and the total that a shop names, with the VAT of most of it.
func correction(country string, cents int64, percent string) orders.Line {
	l := orders.Line{Kind: "goods", Description: corrections[languageOf(country)], Quantity: "1", UnitPriceCents: cents, TotalCents: cents, VATPercent: percent}
	if cents < 0 {
		l.Kind = "discount"
	}
	return l
}

var corrections = map[string]string{"nl": "Correctie", "fr": "Correction", "de": "Korrektur", "en": "Correction"}

// line reads one thing that was ordered: its total is the one that the shop reckoned. wrong names a field.
func (s *sessionForm) line(item *node, country string) (l orders.Line, wrong string) {
	quantity, err := number(firstOf(item.get("QUANTITY"), "1"))
	if err != nil {
		return l, "quantity"
	}
	unit, err1 := number(item.get("PRODUCTAMOUNT"))
	total, err2 := number(item.get("TOTALPRODUCTAMOUNT"))
	switch {
	case err1 != nil && err2 != nil:
		return l, "totalProductAmount"
	case err2 != nil:
		total = new(big.Rat).Mul(quantity, unit)
	}
	whole, err := centsOf(total)
	if err != nil {
		return l, "totalProductAmount"
	}
	percent, wrong := s.percent(item, country, quantity, unit, total)
	if wrong != "" {
		return l, wrong
	}
	l = orders.Line{Reference: clean(item.get("CODE"), 64), Kind: "goods", VATPercent: percent,
		Description: firstOf(item.line("NAME"), item.line("DESCRIPTION"), item.line("CODE"), article(country))}
	f := &form{settings: &s.c.account.Settings}
	if unit != nil {
		once := l
		if f.settle(&once, priced{quantity, unit}); f.err == nil && once.TotalCents == whole {
			return once, ""
		}
		f.err = nil
	}
	if quantity.Cmp(one) != 0 {
		l.Description = clean(trimmed(quantity.FloatString(4))+" × "+l.Description, longest)
	}
	f.settle(&l, priced{one, big.NewRat(whole, 100)})
	return l, ""
}

// percent is the VAT of a line: the percentage, or what the tax of one makes it.
func (s *sessionForm) percent(item *node, country string, quantity, unit, total *big.Rat) (percent, wrong string) {
	at := &node{name: "ITEM"}
	at.put("BTW", item.get("TAXRATE"))
	excl := (*big.Rat)(nil)
	if unit == nil && quantity.Sign() != 0 {
		unit = new(big.Rat).Quo(total, quantity)
	}
	if tax, err := number(firstOf(item.get("PRODUCTTAXAMOUNT"), "0")); err == nil && unit != nil {
		excl = new(big.Rat).Sub(unit, tax)
	}
	f := &form{settings: &s.c.account.Settings}
	v := f.percent(at, country, unit, excl)
	if f.err != nil {
		return "", "taxRate"
	}
	rate, err := money.ParseShare(trimmed(v.FloatString(2)))
	if err != nil {
		return "", "taxRate"
	}
	return rate.String(), ""
}

// standings are the five words for a session.
var standings = map[checkout.State]string{checkout.Accepted: "order_created", checkout.Cancelled: "cancelled", checkout.Expired: "session_expired",
	checkout.Declined: "failed", checkout.Referred: "failed"}

// sessionWord says how a session stands: while the buyer may try again it goes on.
func sessionWord(c *checkout.Checkout) string {
	if !c.Ended() {
		return "session_active"
	}
	return standings[c.State]
}

type standingAnswer struct {
	Status string `json:"status"`
}

// sessionStatus serves POST /v2/session/status.
func (w *Wire) sessionStatus(c *call) (any, error) {
	if w.Till == nil {
		return nil, stop(500, "Something went wrong")
	}
	id := c.api.get("SESSIONID")
	number := firstOf(c.api.get("BILLINKINVOICENUMBER"), c.api.get("INVOICENUMBER"))
	switch {
	case id != "":
		rest, ok := strings.CutPrefix(id, sessionPrefix)
		if !ok || strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") != "" || len(rest) > 40 {
			return nil, noSession()
		}
		return w.standing(w.Till.ByID(c.ctx, checkout.Key{Merchant: c.account.Merchant, ID: checkoutPrefix + rest}))
	case number == "":
		return nil, blankForm("sessionID")
	}
	reference := ""
	err := w.DB.Read(c.ctx, func(tx *db.Tx) (err error) {
		if err = w.still(c, tx); err == nil {
			reference, err = w.referenceOf(c.ctx, tx, &c.account, number)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return w.standing(w.Till.ByReference(c.ctx, c.account.Merchant, reference))
}

func noSession() error { return stop(404, "Session not found") }

func (w *Wire) standing(x checkout.Checkout, err error) (any, error) {
	if fault.Is(err, "checkout") {
		return nil, noSession()
	}
	return standingAnswer{sessionWord(&x)}, err
}

// referenceOf is the shop's own number behind one of its numbers: itself where there is nothing better.
func (w *Wire) referenceOf(ctx context.Context, tx *db.Tx, a *Account, number string) (string, error) {
	if !stored(number) {
		return "", noSession()
	}
	reference, exact := "", false
	err := tx.Find(ctx, findNumbers, [][]any{{a.Merchant, fold(number)}}, func(_ int, r db.Row) error {
		var n, ref string
		err := r.Scan(&n, &ref)
		if reference == "" || n == number && !exact {
			reference, exact = ref, n == number
		}
		return err
	})
	if reference == "" {
		reference = number
	}
	return reference, err
}

// webURL says whether a hook can be called there.
func webURL(s string, plain bool) bool {
	u, err := url.Parse(s)
	return err == nil && u.Hostname() != "" && u.User == nil && u.Opaque == "" && len(s) <= 2000 && (u.Scheme == "https" || plain && u.Scheme == "http") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
