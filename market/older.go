package market

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/merchants"
	"achteraf/web/older"
)

// olderWorkflow is the number under which shops of the older wire have their terms.
const olderWorkflow = 1

// openWire lets a shop order over the older wire, on the terms that it has.
func (w *World) openWire(ctx context.Context, tx *db.Tx, s *shop, user string, c merchants.Contract) (err error) {
	zone, err := calendar.ZoneOf("NL")
	if err != nil {
		return err
	}
	c.Workflow = olderWorkflow
	if _, err = merchants.AddContract(ctx, tx, s.id, zone.DateOf(tx.Now), c); err != nil {
		return err
	}
	s.user = user
	s.pass, err = w.p.Accounts.Open(ctx, tx, s.id, user, older.Settings{})
	return err
}

var (
	olderCode = regexp.MustCompile(`<(?:ERROR|MSG)><CODE>(-?[0-9]+)</CODE>`)
	olderUUID = regexp.MustCompile(`<UUID>([0-9a-f-]{36})</UUID>`)
)

// speak sends a message of the older wire, and returns the code of the answer with its text.
func (w *World) speak(s *shop, service, fields string) (code, body string) {
	text := "<API><VERSION>BILLINK2.0</VERSION><CLIENTUSERNAME>" + s.user + "</CLIENTUSERNAME><CLIENTID>" + s.pass + "</CLIENTID>" + fields + "</API>"
	rec := httptest.NewRecorder()
	w.p.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/api/"+service, strings.NewReader(text)))
	body = rec.Body.String()
	if m := olderCode.FindStringSubmatch(body); m != nil {
		code = m[1]
	}
	return code, body
}

// fields writes a message, from names and values in turn.
func fields(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "<%s>%s</%[1]s>", pairs[i], html.EscapeString(pairs[i+1]))
	}
	return b.String()
}

func euros(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// olderBuyer is who orders, as a plug-in says it: the buyer of orderBody.
func olderBuyer(o *order) string {
	p, country, postcode := o.person, "NL", "1234 AB"
	if p.n%5 == 4 {
		country, postcode = "BE", "1000"
	}
	pairs := []string{"WORKFLOWNUMBER", fmt.Sprint(olderWorkflow), "FIRSTNAME", "Jo", "LASTNAME", fmt.Sprintf("Koper %d", p.n), "STREET", "Dorpsstraat",
		"HOUSENUMBER", fmt.Sprint(1 + p.n), "POSTALCODE", postcode, "CITY", "Voorbeeld", "COUNTRYCODE", country,
		"PHONENUMBER", fmt.Sprintf("06%08d", p.n), "EMAIL", p.email(), "IP", "203.0.113.7"}
	if p.company() {
		return fields(append(pairs, "TYPE", "B", "COMPANYNAME", fmt.Sprintf("Firma %d", p.n), "CHAMBEROFCOMMERCE", registration(country, p.n))...)
	}
	return fields(append(pairs, "TYPE", "P", "BIRTHDATE", "01-03-1985")...)
}

// placeOlder lets a shop check and order over the older wire. It is false when the buyer was refused.
func (w *World) placeOlder(o *order, price int64) (a answer, accepted bool, err error) {
	code, body := w.speak(o.shop, "check", olderBuyer(o)+fields("ORDERAMOUNT", euros(o.total)))
	broke := w.chance.IntN(8) == 0 // the shop's connection, at its order
	if code == "501" {
		return a, false, nil
	}
	uuid := olderUUID.FindStringSubmatch(body)
	if code != "500" || uuid == nil {
		return a, false, fmt.Errorf("check of %s: %s", o.ref, body)
	}
	w.checked++
	item := func(code, what string, n int, cents int64, vat string) string {
		return "<ITEM>" + fields("CODE", code, "DESCRIPTION", what, "ORDERQUANTITY", fmt.Sprint(n), "PRICEINCL", euros(cents), "BTW", vat) + "</ITEM>"
	}
	text := olderBuyer(o) + fields("ORDERNUMBER", o.ref, "CHECKUUID", uuid[1]) +
		"<ORDERITEMS>" + item("A", "Running shoes", 2, price, "21") + item("S", "Delivery", 1, shipping, "9") + "</ORDERITEMS>"
	if code, body = w.speak(o.shop, "order", text); code != "200" {
		return a, false, fmt.Errorf("order %s: %s", o.ref, body)
	}
	if broke { // it asks again
		w.count("asked again")
		if code, body = w.speak(o.shop, "order", text); code != "403" {
			return a, false, fmt.Errorf("order %s: asked again: %s", o.ref, body)
		}
	}
	err = w.find(o, &a)
	return a, true, err
}

// find reads the order that a shop has placed last.
func (w *World) find(o *order, a *answer) error {
	var page struct{ Data []answer }
	status, text, err := w.call(o.shop, http.MethodGet, "/v1/orders?limit=1", "", nil)
	if err == nil {
		err = json.Unmarshal(text, &page)
	}
	if err != nil || status != http.StatusOK || len(page.Data) != 1 {
		return fmt.Errorf("list of %s: %d %s %w", o.shop.id, status, text, err)
	}
	status, text, err = w.call(o.shop, http.MethodGet, "/v1/orders/"+page.Data[0].ID, "", nil)
	if err == nil {
		err = json.Unmarshal(text, a)
	}
	if err == nil && (status != http.StatusOK || a.Reference != o.ref) {
		err = fmt.Errorf("%w: order %s is %d %s", errModel, o.ref, status, text)
	}
	return err
}

// startOlder says over the older wire that the goods are on their way.
func (w *World) startOlder(o *order) error {
	o.sent = true
	code, body := w.speak(o.shop, "start-workflow", "<INVOICES><ITEM>"+fields("INVOICENUMBER", o.ref)+"</ITEM></INVOICES>")
	if code != "500" || !strings.Contains(body, "<MESSAGE>Success</MESSAGE>") {
		return fmt.Errorf("start of %s: %s", o.ref, body)
	}
	return nil
}
