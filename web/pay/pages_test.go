package pay_test

import (
	"testing"

	"achteraf/internal/db/dbtest"
	"achteraf/invoices"
	"achteraf/web/pagetest"
)

// TestBrowserPayPage: the page in its states and languages, in a browser. The page that waits for the bank is not among them: it
// reads itself again, which is all that it is for.
func TestBrowserPayPage(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"), true)
	open, belgian, held, credited, failed, paid := w.sell("NL"), w.sell("BE"), w.sell("NL"), w.sell("NL"), w.sell("NL"), w.sell("NL")
	w.days(3)
	w.hold(held, invoices.Hold{Kind: "dispute"})
	w.credit(credited, 89_90)
	w.choose(w.press(failed, "8990").Header().Get("Location"), "fail")
	w.choose(w.press(paid, "8990").Header().Get("Location"), "molen")
	w.get(paid.path + "/return")
	planned := w.sell("NL")
	b := pagetest.Open(t, w.Handler())
	b.Check(open.path+"?lang=nl", belgian.path+"?lang=fr", open.path+"?lang=de", planned.path+"?lang=en", held.path+"?lang=nl", credited.path+"?lang=nl",
		failed.path+"/return?lang=nl", paid.path+"/return?lang=de")
	w.days(17)
	b.Check(open.path + "?lang=fr")
}
