package older_test

import (
	"strings"
	"testing"

	"achteraf/web/older"
)

// TestCheckFields: each wrong field of a check has its code.
func TestCheckFields(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct{ name, fields, want string }{
			{"all is well", private(), "500"},
			{"no workflow", private("WORKFLOWNUMBER="), "104"},
			{"unknown workflow", private("WORKFLOWNUMBER=100"), "105"},
			{"workflow -1", private("WORKFLOWNUMBER=-1"), "105"},
			{"workflow 0 is the shop's ordinary contract, not of this wire", private("WORKFLOWNUMBER=0"), "105"},
			{"no type", private("TYPE="), "406"},
			{"type x", private("TYPE=x"), "407"},
			{"type in small letters", private("TYPE=p"), "500"},
			{"no company", business("COMPANYNAME="), "408"},
			{"one letter of a company", business("COMPANYNAME=A"), "430"},
			{"a long company", business("COMPANYNAME=" + strings.Repeat("a", 51)), "430"},
			{"gender", private("SEX=x"), "409"},
			{"gender of a Dutch shop", private("SEX=v"), "500"},
			{"no last name", private("LASTNAME="), "410"},
			{"no chamber", business("CHAMBEROFCOMMERCE="), "411"},
			{"no first name", private("FIRSTNAME="), "412"},
			{"initials only", private("FIRSTNAME=", "INITIALS=S"), "500"},
			{"no house", private("HOUSENUMBER="), "414"},
			{"house of letters", private("HOUSENUMBER=A8"), "424"},
			{"long extension", private("HOUSEEXTENSION=12345678901"), "431"},
			{"no postcode", private("POSTALCODE="), "415"},
			{"postcode", private("POSTALCODE=35AX"), "416"},
			{"postcode with a space, small", private("POSTALCODE=3511 ax"), "500"},
			{"postcode of Belgium", private("POSTALCODE=1000", "COUNTRYCODE=BE"), "500"},
			{"no street, town, country", private("STREET=", "CITY=", "COUNTRYCODE="), "500"},
			{"country", private("COUNTRYCODE=Nederland"), "433"},
			{"a country that is not served", private("COUNTRYCODE=GB", "POSTALCODE=SW1A 1AA"), "501"},
			{"no phone", private("PHONENUMBER="), "417"},
			{"phone of letters", private("PHONENUMBER=06-nummer12"), "402"},
			{"short phone", private("PHONENUMBER=12345678"), "402"},
			{"phone of no plan", private("PHONENUMBER=+999 123 4567"), "500"},
			{"birth date", private("BIRTHDATE=31-02-1988"), "418"},
			{"birth date the other way", private("BIRTHDATE=1988-3-17"), "500"},
			{"birth date of zeros", private("BIRTHDATE=0000-00-00"), "500"},
			{"no birth date", private("BIRTHDATE="), "500"},
			{"a child", private("BIRTHDATE=17-03-2015"), "422"},
			{"no e-mail", private("EMAIL="), "419"},
			{"e-mail", private("EMAIL=sanne"), "420"},
			{"no amount", private("ORDERAMOUNT="), "427"},
			{"amount of words", private("ORDERAMOUNT=veel"), "428"},
			{"amount of nothing", private("ORDERAMOUNT=0"), "428"},
			{"amount below nothing", private("ORDERAMOUNT=-5.00"), "428"},
			{"thousands", private("ORDERAMOUNT=1,250.40"), "500"},
			{"over the limit", private("ORDERAMOUNT=2500.01"), "429"},
			{"delivery house", private("DELIVERYHOUSENUMBER=x"), "425"},
			{"delivery country", private("DELIVERYCOUNTRYCODE=x"), "434"},
			{"delivery elsewhere", private("DELIVERYSTREET=Kade", "DELIVERY_HOUSENUMBER=9"), "500"},
			{"risk data", private("VATNUMBER=x", "EMAIL2=x", "HIGHRISK=1", "DEVICE=phone", "IP=nonsense"), "500"},
			{"guarantee without a verified age", private("WORKFLOWNUMBER=4"), "501"},
			{"guarantee for a company", business("WORKFLOWNUMBER=4"), "500"},
			{"a company", business(), "500"},
			{"a company as P", private("COMPANYNAME=Tuinen", "CHAMBEROFCOMMERCE=12345", "BIRTHDATE="), "500"},
		} {
			if got := w.api("check", c.fields+"<ACTION>Check</ACTION>"); code(got) != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
	})
}

// TestOrderFields: the order's rules are looser, its codes others.
func TestOrderFields(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if got := code(w.api("check", private())); got != "500" {
			t.Fatal(got)
		}
		order := func(edit ...string) string {
			return private(append([]string{"ORDERNUMBER=N-1", "CHECKUUID={uuid}", "VALIDATEORDER=Y"}, edit...)...)
		}
		firm := func(edit ...string) string {
			return order(append([]string{"TYPE=B", "COMPANYNAME=Tuinen", "CHAMBEROFCOMMERCE=12345678"}, edit...)...)
		}
		items := func(s string) string { return "<ORDERITEMS>" + s + "</ORDERITEMS>" }
		for _, c := range []struct{ name, fields, want string }{
			{"all is well", order() + oneItem, "200"},
			{"no workflow", order("WORKFLOWNUMBER=") + oneItem, "401"},
			{"workflow -1", order("WORKFLOWNUMBER=-1") + oneItem, "402"},
			{"no number", order("ORDERNUMBER=") + oneItem, "404"},
			{"a long number", order("ORDERNUMBER="+strings.Repeat("1", 51)) + oneItem, "439"},
			{"a number of the longest", order("ORDERNUMBER="+strings.Repeat("1", 50)) + oneItem, "200"},
			{"a number with colon and spaces", order("ORDERNUMBER=Order: 10 a") + oneItem, "200"},
			{"no type", order("TYPE=") + oneItem, "406"},
			{"type x", order("TYPE=x") + oneItem, "407"},
			{"no company", firm("COMPANYNAME=") + oneItem, "408"},
			{"one letter of a company", firm("COMPANYNAME=A") + oneItem, "448"},
			{"no chamber", firm("CHAMBEROFCOMMERCE=") + oneItem, "427"},
			{"a short chamber", firm("CHAMBEROFCOMMERCE=123") + oneItem, "429"},
			{"a firm", firm() + oneItem, "200"},
			{"no first name", order("FIRSTNAME=") + oneItem, "409"},
			{"no last name", order("LASTNAME=") + oneItem, "410"},
			{"any gender", order("SEX=x") + oneItem, "200"},
			{"no street", order("STREET=") + oneItem, "413"},
			{"no house", order("HOUSENUMBER=") + oneItem, "414"},
			{"a long extension", order("HOUSEEXTENSION=12345678901") + oneItem, "450"},
			{"house of letters", order("HOUSENUMBER=A8") + oneItem, "200"},
			{"house of all digits of a line", order("HOUSENUMBER=19401298") + oneItem, "200"},
			{"no postcode", order("POSTALCODE=") + oneItem, "415"},
			{"any postcode", order("POSTALCODE=12") + oneItem, "200"},
			{"no town", order("CITY=") + oneItem, "416"},
			{"country", order("COUNTRYCODE=N") + oneItem, "420"},
			{"no phone", order("PHONENUMBER=") + oneItem, "417"},
			{"any phone", order("PHONENUMBER=bel niet") + oneItem, "200"},
			{"no e-mail", order("EMAIL=") + oneItem, "418"},
			{"e-mail", order("EMAIL=sanne") + oneItem, "432"},
			{"second e-mail", order("EMAIL2=sanne") + oneItem, "433"},
			{"a child", order("BIRTHDATE=17-03-2015") + oneItem, "453"},
			{"VAT number of no country", firm("VATNUMBER=btw.1231.3231123.123") + oneItem, "200"},
			{"date", order("DATE=2025-06-05") + oneItem, "200"},
			{"currency", order("CURRENCY=USD") + oneItem, "603"},
			{"no uuid", order("CHECKUUID=") + oneItem, "447"},
			{"a uuid of nobody", order("CHECKUUID=6f1c2e0a-5b1d-4a77-9a3e-2f4b6d8c0e11") + oneItem, "440"},
			{"the uuid in capitals", strings.Replace(order(), "{uuid}", strings.ToUpper(w.uuid), 1) + oneItem, "200"},
			{"without a check where none is needed", order("WORKFLOWNUMBER=3", "CHECKUUID=") + oneItem, "200"},
			{"with guarantee, checked without", order("WORKFLOWNUMBER=4") + oneItem, "451"},
			{"no items", order(), "423"},
			{"no items in the list", order() + items(""), "423"},
			{"items by another name", order() + items("<ITEMS><PRICEINCL>1</PRICEINCL><BTW>21</BTW></ITEMS>"), "200"},
			{"no price", order() + items("<ITEM><BTW>21</BTW></ITEM>"), "435"},
			{"no VAT", order() + items("<ITEM><PRICEINCL>1</PRICEINCL></ITEM>"), "430"},
			{"VAT of words", order() + items("<ITEM><PRICEINCL>1</PRICEINCL><BTW>hoog</BTW></ITEM>"), "430"},
			{"VAT between both prices", order() + items("<ITEM><PRICEINCL>12.10</PRICEINCL><PRICEEXCL>10</PRICEEXCL></ITEM>"), "200"},
			{"an odd VAT", order() + items("<ITEM><PRICEINCL>12.10</PRICEINCL><BTW>20.66</BTW></ITEM>"), "200"},
			{"VAT of -0", order() + items("<ITEM><PRICEINCL>12.10</PRICEINCL><BTW>-0</BTW></ITEM>"), "200"},
			{"a long code", order() + items("<ITEM><CODE>"+strings.Repeat("a", 256)+"</CODE><PRICEINCL>1</PRICEINCL><BTW>1.21</BTW></ITEM>"), "428"},
			{"nothing to pay", order() + items("<ITEM><PRICEINCL>0</PRICEINCL><BTW>21</BTW></ITEM>"), "435"},
			{"a cent a line, at least five", order() + items("<ITEM><PRICEINCL>84.75</PRICEINCL><BTW>21</BTW></ITEM>"), "200"},
			{"more than was checked", order() + items("<ITEM><PRICEINCL>84.76</PRICEINCL><BTW>21</BTW></ITEM>"), "444"},
			{"quantities are not multiplied", order() + items("<ITEM><ORDERQUANTITY>2</ORDERQUANTITY><ITEMQUANTITY>2</ITEMQUANTITY><PRICEINCL>42.35</PRICEINCL><BTW>21</BTW></ITEM>"), "200"},
		} {
			if got := w.api("order", c.fields); code(got) != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
		if n := w.count("orders"); n != 0 {
			t.Errorf("dry runs made %d orders", n)
		}
	})
}

// TestSwitches: what a shop's settings make stricter.
func TestSwitches(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if got := code(w.api("check", private())); got != "500" {
			t.Fatal(got)
		}
		order := func(edit ...string) string {
			return private(append([]string{"ORDERNUMBER=N-1", "CHECKUUID={uuid}", "VALIDATEORDER=Y"}, edit...)...) + oneItem
		}
		elsewhere := []string{"DELIVERYSTREET=Kade", "DELIVERYHOUSENUMBER=9", "DELIVERYPOSTALCODE=3512AA", "DELIVERYCITY=Utrecht"}
		for _, c := range []struct {
			name    string
			set     func(*older.Settings)
			service string
			fields  string
			want    string
		}{
			{"birth date", func(s *older.Settings) { s.BirthDateRequired = true }, "check", private("BIRTHDATE="), "421"},
			{"birth date of an order", func(s *older.Settings) { s.BirthDateRequired = true }, "order", order("BIRTHDATE="), "421"},
			{"delivery", func(s *older.Settings) { s.RefuseOtherDelivery = true }, "check", private(elsewhere...), "426"},
			{"delivery at home", func(s *older.Settings) { s.RefuseOtherDelivery = true }, "check", private("DELIVERYSTREET=LINDELAAN", "DELIVERYPOSTALCODE=3511 ax"), "500"},
			{"town", func(s *older.Settings) { s.StrictAddress = true }, "check", private("CITY="), "432"},
			{"numbers", func(s *older.Settings) { s.StrictNumbers = true }, "order", order("ORDERNUMBER=N:1"), "434"},
			{"VAT", func(s *older.Settings) { s.StrictVAT = true }, "order", strings.Replace(order(), "<BTW>21<", "<BTW>20<", 1), "430"},
			{"test mode refuses", func(s *older.Settings) {}, "check", private("BACKDOOR=0"), "501"},
			{"the plug-in that always does", func(s *older.Settings) { s.IgnoreBackdoorZero = true }, "check", private("BACKDOOR=0"), "500"},
			{"test mode accepts", func(s *older.Settings) {}, "check", private("WORKFLOWNUMBER=4", "BACKDOOR=1"), "500"},
			{"no test mode", func(s *older.Settings) { s.TestMode = false }, "check", private("WORKFLOWNUMBER=4", "BACKDOOR=1"), "501"},
			{"from elsewhere", func(s *older.Settings) { s.Networks = []string{"203.0.113.0/24"} }, "check", private(), "101"},
			{"from there", func(s *older.Settings) { s.Networks = []string{"192.0.2.0/24"} }, "check", private(), "500"},
		} {
			uuid := w.uuid
			w.set(c.set)
			if got := w.api(c.service, c.fields); code(got) != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			} else if c.want == "426" && !strings.Contains(got, "Delivery address not allowed") {
				t.Error(got)
			}
			w.uuid = uuid
			w.set(func(s *older.Settings) { *s = older.Settings{Prefix: "1AB", TestMode: true} })
		}
	})
}
