package pay_test

import (
	"context"
	"fmt"
	"html"
	"image"
	"image/color"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/invoices"
	"achteraf/payments"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

var tags = regexp.MustCompile(`<[^>]*>`)

// plain is what a reader sees.
func plain(body string) string {
	body = strings.NewReplacer("<strong>", "", "</strong>", "").Replace(body)
	body = html.UnescapeString(tags.ReplaceAllString(body, " "))
	return strings.Join(strings.Fields(strings.ReplaceAll(body, "\u00a0", " ")), " ")
}

// wants holds a page to what it must say and must not.
func wants(t *testing.T, name string, a answered, status int, say []string, not ...string) {
	t.Helper()
	text := plain(a.body)
	if a.Code != status {
		t.Errorf("%s: %d", name, a.Code)
	}
	for _, s := range say {
		if !strings.Contains(text, s) {
			t.Errorf("%s does not say %q: %.400s", name, s, text[min(len(text), 70):])
		}
	}
	for _, s := range not {
		if strings.Contains(a.body, s) || strings.Contains(text, s) {
			t.Errorf("%s says %q", name, s)
		}
	}
}

const button = `<form method="post"`

// TestPresentAmount: the page says what is open now, not what was open when its address was sent.
func TestPresentAmount_S_PAY_05(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		a, credited, cancelled, held := w.sell("NL"), w.sell("NL"), w.sell("NL"), w.sell("NL")
		wants(t, "planned", w.get(a.path), 200, []string{"Later te betalen", "€ 89,90", "De rekening komt op woensdag 25 november", "Betaal nu al € 89,90", "Geen kaarten."}, "uiterlijk")
		w.write(func(ctx context.Context, tx *db.Tx) error {
			return w.Clerk.Cancel(ctx, tx, cancelled.Order.Merchant, cancelled.Order.ID)
		})
		wants(t, "cancelled", w.get(cancelled.path), 200, []string{"Vervallen", "€ 0,00"}, button, "IBAN</dt>", `class="qr"`)
		w.days(3)
		wants(t, "open", w.get(a.path), 200, []string{"Te betalen € 89,90", "Uiterlijk vrijdag 11 december. Je hebt nog 16 dagen.", "Betaal € 89,90 via je bank", "Doe het uiterlijk woensdag 9 december."})
		w.transfer(a, 40_00)
		wants(t, "paid in part", w.get(a.path), 200, []string{"Te betalen € 49,90 Van € 89,90, uiterlijk", "Betaal € 49,90 via je bank", "Bedrag in euro 49,90"})
		w.credit(credited, 89_90)
		wants(t, "credited", w.get(credited.path), 200, []string{"Niets meer te betalen", "€ 0,00"}, button, `class="qr"`)
		w.hold(held, invoices.Hold{Kind: "dispute", AmountCents: 30_00})
		wants(t, "held in part", w.get(held.path), 200, []string{"Te betalen € 59,90", "De rest staat stil", "Bedrag in euro 59,90"})
		w.hold(held, invoices.Hold{Kind: "dispute"})
		wants(t, "held", w.get(held.path), 200, []string{"Nu niets te betalen € 0,00", "€ 89,90 staat stil", "Betaal nu niets."}, button, `class="qr"`)
		w.days(13)
		wants(t, "soon", w.get(a.path), 200, []string{"Je hebt nog 3 dagen."}, "is-late")
		w.days(3)
		wants(t, "the last day", w.get(a.path), 200, []string{"11 december. Dat is vandaag."}, "is-late")
		w.days(1)
		wants(t, "late", w.get(a.path), 200, []string{"Staat nog open € 49,90", "De betaaldag was vrijdag 11 december.", "Al betaald?", "Betaal € 49,90 via je bank"}, "Doe het uiterlijk")
		w.transfer(a, 49_90)
		wants(t, "paid", w.get(a.path), 200, []string{"Betaald € 0,00", "Deze rekening is betaald. Er volgt niets meer."}, button, `class="qr"`)
	})
}

// TestTransferFields: the payer types exactly what the bank wants, and each value is taken by one click.
func TestTransferFields(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o, belgian := w.sell("NL"), w.sell("BE")
		w.days(3)
		rf, _ := invoices.PrintReference(o.Order.PaymentReference)
		ogm, structured := invoices.PrintReference(belgian.Order.PaymentReference)
		for _, c := range []struct {
			path, word, reference string
		}{{o.path, "Betalingskenmerk", rf}, {belgian.path, "Gestructureerde mededeling", ogm}} {
			body := w.get(c.path).body
			got := regexp.MustCompile(`(?s)<div class="copy"[^>]*><dt>([^<]*)</dt><dd>([^<]*)</dd></div>`).FindAllStringSubmatch(body, -1)
			var fields []string
			for _, f := range got {
				fields = append(fields, f[1]+": "+html.UnescapeString(f[2]))
			}
			want := []string{"Bedrag in euro: 89,90", "IBAN: NL20ACHT0000000001", "Naam: " + operator.AccountName, c.word + ": " + c.reference}
			if !slices.Equal(fields, want) {
				t.Errorf("%q, want %q", fields, want)
			}
		}
		if !structured || !strings.HasPrefix(ogm, "+++") || !strings.HasPrefix(rf, "RF") {
			t.Errorf("references %q, %q", rf, ogm)
		}
	})
}

// TestLatestSafeDay: the day stands there until it has passed.
func TestLatestSafeDay_S_PAY_07(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.sell("NL")
		w.days(3)
		wants(t, "in time", w.get(o.path), 200, []string{"Doe het uiterlijk woensdag 9 december. Een gewone overboeking kan 2 werkdagen duren."})
		w.days(14)
		wants(t, "on the day", w.get(o.path), 200, []string{"Doe het uiterlijk woensdag 9 december."})
		w.days(1)
		wants(t, "after it", w.get(o.path), 200, []string{"Een gewone overboeking kan 2 werkdagen duren."}, "Doe het uiterlijk")
	})
}

// TestPageCodesDecode: both codes say exactly what stands beside them, in the order of the country.
func TestPageCodesDecode(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"), true)
	dutch, belgian := w.sell("NL"), w.sell("BE")
	w.days(3)
	w.transfer(dutch, 39_90)
	ogm, _ := invoices.PrintReference(belgian.Order.PaymentReference)
	for _, c := range []struct {
		name string
		sold sold
		want []string
	}{
		{"NL", dutch, []string{w.url + dutch.path, "BCD\n002\n1\nSCT\n\nStichting Derdengelden Huis Voorbeeld\nNL20ACHT0000000001\nEUR50\n\n" + dutch.Order.PaymentReference}},
		{"BE", belgian, []string{"BCD\n002\n1\nSCT\n\nStichting Derdengelden Huis Voorbeeld\nNL20ACHT0000000001\nEUR89.90\n\n\n" + ogm, w.url + belgian.path}},
	} {
		got := codes(t, w.get(c.sold.path).body)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q\nwant %q", c.name, got, c.want)
		}
	}
	labels := regexp.MustCompile(`<h3>([^<]*)</h3>`).FindAllStringSubmatch(w.get(dutch.path).body, -1)
	if len(labels) != 2 || labels[0][1] != "Scan met de camera van je telefoon" || labels[1][1] != "Scan met de app van je bank" {
		t.Errorf("labels %q", labels)
	}
}

// codes reads the codes of a page in their order.
func codes(t *testing.T, body string) (all []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?s)<svg class="qr" viewBox="-4 -4 (\d+) \d+".*?<path d="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		side, _ := strconv.Atoi(m[1])
		bitmap, err := gozxing.NewBinaryBitmapFromImage(raster(t, side, m[2]))
		if err != nil {
			t.Fatal(err)
		}
		out, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out.GetText())
	}
	return all
}

// raster paints the path of a code, whose margin is 4 modules, with four dots to a module.
func raster(t *testing.T, side int, path string) image.Image {
	t.Helper()
	const dots, margin = 4, 4
	img := image.NewGray(image.Rect(0, 0, side*dots, side*dots))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, bar := range strings.Split(strings.TrimSuffix(path, "z"), "z") {
		var x, y, n int
		if _, err := fmt.Sscanf(bar, "M%d %dh%dv1", &x, &y, &n); err != nil {
			t.Fatalf("%q: %v", bar, err)
		}
		for dy := range dots {
			for dx := range n * dots {
				img.SetGray((x+margin)*dots+dx, (y+margin)*dots+dy, color.Gray{})
			}
		}
	}
	return img
}

// TestPayerSeesNoMore: nothing about the buyer, and nothing that passes the address on.
func TestPayerSeesNoMore(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.sell("NL")
		w.days(3)
		for _, l := range []string{"nl", "fr", "en", "de"} {
			a := w.get(o.path + "?lang=" + l)
			for _, secret := range []string{"Sanne", "Zwanenveld", "Dorpsstraat", "Buitenpost", "sanne", "Trailschoenen", o.Order.Reference, o.Order.ID, o.Invoice.ID} {
				if strings.Contains(a.body, secret) {
					t.Errorf("%s shows %q", l, secret)
				}
			}
			if !strings.Contains(a.body, `<html lang="`+l+`"`) || !strings.Contains(a.body, "Loopschuur") || !strings.Contains(a.body, "Achteraf") {
				t.Errorf("%s: who asks is not said", l)
			}
		}
		for _, a := range []answered{w.get(o.path), w.get("/pay/none"), w.press(o, "1")} {
			for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive"} {
				if got := a.Header().Get(name); got != want {
					t.Errorf("%d: %s %q", a.Code, name, got)
				}
			}
			if policy := a.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q", policy)
			}
		}
		if a := w.get(o.path, "Accept-Language", "fr-BE"); !strings.Contains(a.body, "Une facture de Loopschuur") {
			t.Error("the browser's language is not taken")
		}
	})
}

// TestNoSuchLink: a link that does not lead anywhere says one thing only, whatever is wrong with it.
func TestNoSuchLink(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o, other := w.sell("NL"), w.sell("NL")
		revoked := w.sell("NL")
		w.write(func(ctx context.Context, tx *db.Tx) error { return invoices.RevokeLinks(ctx, tx, revoked.key()) })
		var first string
		for _, token := range []string{"x", strings.Repeat("0", 42), o.token[:20] + other.token[20:], o.token + "0", revoked.token, "%2e%2e", "%00", strings.Repeat("a", 5000)} {
			for _, below := range []string{"", "/return"} {
				a := w.get("/pay/" + token + below)
				body := strings.ReplaceAll(a.body, "/pay/"+token+below, "")
				if below == "" && first == "" {
					first = body
				}
				if a.Code != http.StatusNotFound || len(token) == 42 && body != first {
					t.Errorf("%s%s: %d %s", token, below, a.Code, a.body)
				}
			}
			if a := w.ask(http.MethodPost, "/pay/"+token+"/bank", url.Values{"cents": {"1"}}); a.Code != http.StatusNotFound {
				t.Errorf("POST %s: %d", token, a.Code)
			}
		}
		if a := w.get(o.path); a.Code != http.StatusOK {
			t.Errorf("the good one: %d", a.Code)
		}
	})
}

// TestBankAndBack: the button leads to the bank with what is open, and the way back shows how the payment stands there.
func TestBankAndBack_S_PAY_04(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.sell("NL")
		w.days(3)
		if a := w.get(o.path + "/return"); a.Code != http.StatusSeeOther || a.Header().Get("Location") != o.path {
			t.Errorf("nobody has paid: %d", a.Code)
		}
		for _, cents := range []string{"", "1", "8991", "x"} {
			wants(t, "another amount "+cents, w.press(o, cents), 409, []string{"Het bedrag is intussen veranderd", "Te betalen € 89,90"})
		}
		if a := w.ask(http.MethodPost, o.path+"/bank", url.Values{"cents": {"8990"}}, "Sec-Fetch-Site", "cross-site"); a.Code != http.StatusForbidden || w.sim.Calls() > 0 {
			t.Errorf("another site presses: %d", a.Code)
		}
		for _, c := range []struct{ choice, title string }{{"fail", "Er is niet betaald"}, {"expire", "Er is niet op tijd betaald"}, {"cancel", "Je bent gestopt met betalen"}} {
			a := w.press(o, "8990")
			checkout := a.Header().Get("Location")
			if a.Code != http.StatusSeeOther || !strings.HasPrefix(checkout, w.url+"/bank/checkout/") {
				t.Fatalf("%d %s", a.Code, checkout)
			}
			waiting := w.get(o.path + "/return?status=paid")
			wants(t, "before "+c.choice, waiting, 200, []string{"We wachten op je bank", "€ 89,90", "Kijk opnieuw"})
			if !strings.Contains(waiting.body, "data-again") || !strings.Contains(waiting.Header().Get("Content-Security-Policy"), "connect-src 'self'") {
				t.Error("the page does not look again")
			}
			back := w.choose(checkout, c.choice)
			if back != o.path+"/return" {
				t.Errorf("the bank leads back to %s", back)
			}
			wants(t, c.choice, w.get(back), 200, []string{c.title, "Niet betaald", "Terug naar de rekening"}, "data-again", "<script")
			wants(t, "the bill after "+c.choice, w.get(o.path), 200, []string{"Te betalen € 89,90"})
		}
		if policy := w.get(o.path).Header().Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https:") || !strings.Contains(policy, "script-src 'self'") {
			t.Errorf("the way to the bank, or the copy buttons, are not allowed: %s", policy)
		}
		a := w.ask(http.MethodPost, o.path+"/bank?lang=fr", url.Values{"cents": {"8990"}})
		back := w.choose(a.Header().Get("Location"), "molen")
		if back != o.path+"/return?lang=fr" {
			t.Errorf("the language is lost: %s", back)
		}
		wants(t, "paid", w.get(back), 200, []string{"Votre paiement est arrivé", "Payé 89,90 €"}, "data-again", "<script")
		wants(t, "the bill", w.get(o.path), 200, []string{"Betaald € 0,00"}, button)
		wants(t, "pressed on an old page", w.press(o, "8990"), 409, []string{"Betaald € 0,00"})
		if p, _, err := w.Buttons.Latest(t.Context(), o.Order.Merchant, o.Invoice.ID); err != nil || p.State != payments.Paid || p.PaidCents != 89_90 {
			t.Errorf("%+v, %v", p, err)
		}
		if a := w.get(o.path + "/bank"); a.Code != http.StatusSeeOther || a.Header().Get("Location") != o.path {
			t.Errorf("GET of the button: %d", a.Code)
		}
	})
}

// TestPartOverBank: the rest is still there to pay.
func TestPartOverBank(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.sell("NL")
		w.days(3)
		w.hold(o, invoices.Hold{Kind: "return", AmountCents: 39_90, Until: w.now().Add(48 * 3600e9)})
		back := w.choose(w.press(o, "5000").Header().Get("Location"), "brug")
		wants(t, "the part", w.get(back), 200, []string{"Je betaling is binnen", "Betaald € 50,00"})
		w.days(3)
		wants(t, "the rest", w.get(back), 200, []string{"Er staat nog € 39,90 open.", "Terug naar de rekening"})
	})
}

// TestNoBank: when the provider does not answer, the page says so and the transfer is there.
func TestNoBank(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.sell("NL")
		w.days(3)
		w.sim = nil
		wants(t, "no provider", w.press(o, "8990"), 503, []string{"De knop naar je bank werkt nu even niet", "NL20ACHT0000000001", "Betaal € 89,90 via je bank"})
	})
}

// TestPaidBeforeTheInvoice: who pays early owes nothing when the invoice comes.
func TestPaidBeforeTheInvoice(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		o := w.sell("NL")
		back := w.choose(w.press(o, "8990").Header().Get("Location"), "dijk")
		wants(t, "early", w.get(back), 200, []string{"Je betaling is binnen", "€ 89,90"})
		wants(t, "the bill", w.get(o.path), 200, []string{"Nu niets te betalen € 0,00", "Het geld is er al. De rekening komt op woensdag 25 november"}, button, `class="qr"`)
		w.days(3)
		wants(t, "then", w.get(o.path), 200, []string{"Betaald € 0,00"})
	})
}

// TestNoCards: no method but one's own bank account is offered, and the page says why.
func TestNoCards_S_PAY_10(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"), true)
	o := w.sell("NL")
	w.days(3)
	for l, want := range map[string]string{"nl": "Geen kaarten. Je betaalt hier pas na de levering", "fr": "Pas de cartes. Ici, on paie après la livraison", "en": "No cards. Here you pay after delivery", "de": "Keine Karten. Hier zahlen Sie erst nach der Lieferung"} {
		a := w.get(o.path + "?lang=" + l)
		wants(t, l, a, 200, []string{want}, "Visa", "Mastercard", "Maestro", "cc-number")
		if n := strings.Count(a.body, "<button"); n != 1 {
			t.Errorf("%s: %d buttons", l, n)
		}
	}
}

// TestBare: without a public address there is no button and no code of the page; all else works.
func TestBare(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, "sqlite"), false)
	o := w.sell("NL")
	w.days(3)
	a := w.get(o.path)
	wants(t, "bare", a, 200, []string{"Te betalen € 89,90", "Boek over met de gegevens hieronder."}, button)
	if got := codes(t, a.body); len(got) != 1 || !strings.HasPrefix(got[0], "BCD") {
		t.Errorf("codes %q", got)
	}
	if a := w.press(o, "8990"); a.Code != http.StatusNotFound && a.Code != http.StatusMethodNotAllowed {
		t.Errorf("the button that is not there: %d", a.Code)
	}
	if policy := a.Header().Get("Content-Security-Policy"); strings.Contains(policy, "https:") {
		t.Errorf("policy %q", policy)
	}
}
