package older_test

import (
	"strings"
	"testing"
)

// fieldError says whether an answer is an error that plug-ins take for a fault of the request, not of the set-up.
func fieldError(body string) bool {
	return strings.Contains(body, "<RESULT>ERROR</RESULT>") && !strings.Contains(" 001 101 102 103 105 601 ", " "+code(body)+" ")
}

// TestAcceptance_S_PAY_12 walks the eleven points of the wire's specification, section 17, in their order.
func TestAcceptance_S_PAY_12(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		want := func(point, got, codeWanted string, parts ...string) {
			t.Helper()
			if code(got) != codeWanted {
				t.Fatalf("%s: %s, want %s", point, got, codeWanted)
			}
			for _, p := range parts {
				if !strings.Contains(got, p) {
					t.Fatalf("%s: %s lacks %s", point, got, p)
				}
			}
		}
		field := func(point, got string) {
			t.Helper()
			if !fieldError(got) {
				t.Fatalf("%s: %s", point, got)
			}
		}
		want("1, approved", w.api("check", private("ORDERAMOUNT=50.68", "BACKDOOR=1")), "500", "<DESCRIPTION>Advies=1</DESCRIPTION>", "<UUID>")
		want("1, refused", w.api("check", private("BACKDOOR=0")), "501", "<DESCRIPTION>Advies=0</DESCRIPTION></MSG></API>")
		field("2", w.api("check", private("PHONENUMBER=")))
		want("3, unknown", w.api("check", private("WORKFLOWNUMBER=100")), "105")
		want("3, none", w.api("check", private("WORKFLOWNUMBER=")), "104")
		want("3, -1", w.api("check", private("WORKFLOWNUMBER=-1")), "105")
		want("4", w.send("POST /api/check HTTP/1.1\nHost: x\n\n"+strings.Replace(envelope(private()), "demoshop", "nobody", 1)), "101")

		items := "<ORDERITEMS><ITEM><CODE>1</CODE><DESCRIPTION>Boek</DESCRIPTION><ORDERQUANTITY>2</ORDERQUANTITY><PRICEINCL>20.12</PRICEINCL><BTW>1.09</BTW></ITEM>" +
			"<ITEM><CODE>2</CODE><DESCRIPTION>Pen</DESCRIPTION><ORDERQUANTITY>1</ORDERQUANTITY><PRICEINCL>10.44</PRICEINCL><BTW>21</BTW></ITEM></ORDERITEMS>"
		order := func(edit ...string) string {
			return private(append([]string{"ORDERNUMBER=1234", "DATE=2025-06-05", "SEX=M", "VATNUMBER=btw.1231.3231123.123", "DELIVERYPOSTALCODE=3512AA", "CHECKUUID={uuid}"}, edit...)...) + items
		}
		field("6, unknown uuid", w.api("order", order("CHECKUUID=00000000-0000-4000-8000-000000000000")))
		field("6, no last name", w.api("order", order("LASTNAME=")))
		want("7", w.api("order", order("WORKFLOWNUMBER=-1")), "402")
		want("5", w.api("order", order()), "200", "<DESCRIPTION>Order successfully added</DESCRIPTION><INVOICE>1AB1234</INVOICE>")
		want("8, stored", w.api("status", list("1234")), "200", "<INVOICE><INVOICENUMBER>1234</INVOICENUMBER><STATUS>0</STATUS><DESCRIPTION>No steps given</DESCRIPTION></INVOICE>")
		want("8, empty", w.api("status", "<INVOICES/>"), "705")
		field("8, empty", w.api("status", "<INVOICES/>"))
		want("8, unknown", w.api("status", list("98", "99")), "200",
			"<INVOICENUMBER>98</INVOICENUMBER><STATUS>-1</STATUS><DESCRIPTION>Order not found</DESCRIPTION>", "<INVOICENUMBER>99</INVOICENUMBER><STATUS>-1</STATUS>")
		want("9", w.api("start-workflow", list("1234")), "500", "<MESSAGE>Success</MESSAGE><CODE>500</CODE>")
		field("9, empty", w.api("start-workflow", "<INVOICES/>"))
		want("9, unknown", w.api("start-workflow", list("99")), "704", "Unknown invoice number:")

		one := "<WORKFLOWNUMBER>1</WORKFLOWNUMBER><INVOICENUMBER>1234</INVOICENUMBER>"
		amount := func(name string) string {
			return "<INVOICES><ITEM><INVOICENUMBER>1234</INVOICENUMBER><" + name + ">10.00</" + name + "></ITEM></INVOICES>"
		}
		want("10, hold", w.api("on-hold", "<ACTION>Onhold</ACTION>"+one+"<DAYS>3</DAYS>"), "200")
		want("10, resume", w.api("on-hold", "<ACTION>resume</ACTION>"+one+"<RESUME>y</RESUME>"), "200")
		want("10, credit", w.api("credit", amount("CREDITAMOUNT")), "200", "<ITEM>", "Credit applied: 10.00 EURO; step restarted.")
		want("10, payment", w.api("payment", amount("AMOUNT")), "200", "<ITEM>", "<MESSAGE>Success</MESSAGE>")
		want("10, file", w.api("file", one), "200", "<DESCRIPTION>1AB1234.pdf</DESCRIPTION>")
		want("10, message", w.api("message", one+"<MESSAGE>Uw pakket is onderweg.</MESSAGE>"), "200")

		want("11", w.api("check", business("BIRTHDATE=")), "500")
		field("11, no company", w.api("check", business("COMPANYNAME=")))
		want("11, order", w.api("order", business("ORDERNUMBER=1235", "CHECKUUID={uuid}")+oneItem), "200")
	})
}
