package messages_test

import (
	"bytes"
	"html"
	"image/png"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"achteraf/internal/fault"
	"achteraf/internal/golden"
	"achteraf/merchants"
	"achteraf/messages"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

var operator = merchants.Operator{
	Name: "Betaalhuis", LegalName: "Betaalhuis Voorbeeld B.V.", Street: "Voorbeeldkade", HouseNumber: "1", Postcode: "1234AB", City: "Voorbeeld",
	Country: "NL", RegistrationNumber: "90000001", VATID: "NL123456789B13", VATPercent: "21", Email: "service@betaalhuis.example",
	Phone: "+31201234567", ClientIBAN: "NL20ACHT0000000001", OwnIBAN: "NL90ACHT0000000002", BIC: "ACHTNL2A", AccountName: "Stichting Derdengelden & Co",
}

var (
	spoken = []string{"nl", "fr", "en", "de"}
	codes  = []string{messages.OrderConfirmed, messages.InvoiceIssued, messages.PaymentReceived, messages.CreditMade, messages.Delayed, messages.InvoiceAsked, messages.SignInLink, messages.NewDevice}
)

// TestTexts keeps what people read in files, so that a reviewer reads it too.
func TestTexts(t *testing.T) {
	for _, language := range spoken {
		all, err := messages.Try(operator, language)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, code := range codes {
			for i, m := range all[code] {
				if i > 0 && slices.ContainsFunc(all[code][:i], func(o messages.Mail) bool { return o.Text == m.Text }) {
					continue
				}
				text.WriteString("=== " + code + "\nSubject: " + m.Subject + "\n\n" + m.Text + "\n")
			}
		}
		golden.Check(t, "testdata/"+language+".txt", text.String())
		if language == "nl" {
			golden.Check(t, "testdata/invoice.html", all[messages.InvoiceIssued][0].HTML)
		}
	}
}

// TestBothPartsSayTheSame holds that each line of the plain text stands in the HTML too, and that no part is mixed with
// a mark of a template.
func TestBothPartsSayTheSame(t *testing.T) {
	for _, language := range spoken {
		all, err := messages.Try(operator, language)
		if err != nil {
			t.Fatal(err)
		}
		for code, mails := range all {
			for _, m := range mails {
				shown := html.UnescapeString(m.HTML)
				for line := range strings.Lines(m.Text) {
					line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
					for part := range strings.SplitSeq(strings.ReplaceAll(line, ", ", ": "), ": ") {
						if part != "--" && !strings.Contains(shown, part) {
							t.Errorf("%s in %s: the HTML does not say %q", code, language, part)
						}
					}
				}
				if strings.Contains(m.Text+shown+m.Subject, "{{") || strings.Contains(m.Text+shown+m.Subject, "<no value>") || strings.Contains(shown, "ZgotmplZ") {
					t.Errorf("%s in %s holds a mark of the template", code, language)
				}
				if len(m.HTML) > 60_000 || strings.ContainsAny(m.Subject, "\r\n") {
					t.Errorf("%s in %s: %d bytes, subject %q", code, language, len(m.HTML), m.Subject)
				}
			}
		}
	}
}

// TestAmountsDoNotBreak_S_PAY_07 holds the amounts and the latest day of a transfer in each language: the due day of
// the sample is a Wednesday, so the transfer must leave on the Monday before.
func TestAmountsDoNotBreak_S_PAY_07(t *testing.T) {
	for _, c := range []struct{ language, amount, latest string }{
		{"nl", "€\u00a01.111,11", "uiterlijk maandag 16\u00a0maart 2026"},
		{"fr", "1\u202f111,11\u00a0€", "au plus tard le lundi 16\u00a0mars 2026"},
		{"en", "€1,111.11", "by Monday 16\u00a0March 2026"},
		{"de", "1.111,11\u00a0€", "spätestens am Montag, 16.\u00a0März 2026"},
	} {
		all, err := messages.Try(operator, c.language)
		if err != nil {
			t.Fatal(err)
		}
		m := all[messages.InvoiceIssued][0]
		for _, want := range []string{c.amount, c.latest} {
			if !strings.Contains(m.Text, want) || !strings.Contains(html.UnescapeString(m.HTML), want) {
				t.Errorf("%s: no %q in\n%s", c.language, want, m.Text)
			}
		}
	}
}

// TestPayeeExactly_S_RULE_12 and the identity block: both are the operator's configuration to the letter, on every
// message that shows them.
func TestPayeeExactly_S_RULE_12(t *testing.T) {
	for _, language := range spoken {
		all, err := messages.Try(operator, language)
		if err != nil {
			t.Fatal(err)
		}
		m := all[messages.InvoiceIssued][0]
		if !strings.Contains(m.Text, ": "+operator.AccountName+"\n") || !strings.Contains(m.HTML, "Stichting Derdengelden &amp; Co<") {
			t.Errorf("%s: the payee is not %q", language, operator.AccountName)
		}
	}
}

// TestOneIdentity_S_RULE_13 changes the operator's address once, and every message in every language has the new one.
func TestOneIdentity_S_RULE_13(t *testing.T) {
	moved := operator
	moved.Street, moved.HouseNumber, moved.City = "Nieuwe Gracht", "12", "Elders"
	for _, language := range spoken {
		all, err := messages.Try(moved, language)
		if err != nil {
			t.Fatal(err)
		}
		for code, mails := range all {
			for _, m := range mails {
				for _, want := range []string{moved.LegalName, "Nieuwe Gracht 12", "Elders", moved.RegistrationNumber, moved.VATID} {
					if !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, want) {
						t.Errorf("%s in %s does not say %q", code, language, want)
					}
				}
			}
		}
	}
}

// TestCodesInMail_S_PAY_03 reads the codes of the invoice's mail: two with labels and words for who cannot see them, the
// pay page first for a Dutch debtor, the transfer first for others. They say what the fields beside them say.
func TestCodesInMail_S_PAY_03(t *testing.T) {
	const page = "https://pay.example/pay/x"
	transfer := "BCD\n002\n1\nSCT\n\n" + operator.AccountName + "\n" + operator.ClientIBAN + "\nEUR1111.11\n\nRF18539007547034"
	for country, want := range map[string][]string{"NL": {page, transfer}, "BE": {transfer, page}, "DE": {transfer, page}} {
		for _, language := range spoken {
			m, err := messages.TryInvoice(operator, language, country)
			if err != nil {
				t.Fatal(err)
			}
			shown := regexp.MustCompile(`<img src="cid:([^"]+)"[^>]* alt="([^"]+)"[^>]*>(?:</a>)?\s*<p [^>]*>([^<]+)</p>`).FindAllStringSubmatch(m.HTML, -1)
			if len(shown) != 2 || len(m.Images) != 2 {
				t.Fatalf("%s in %s: %d codes, %d pictures", country, language, len(shown), len(m.Images))
			}
			for i, s := range shown {
				if m.Images[i].ID != html.UnescapeString(s[1]) || !strings.Contains(s[1], ".msg_") || len(s[2]) < 10 || len(s[3]) < 30 || shown[0][3] == shown[1][3] {
					t.Errorf("%s in %s: %q", country, language, s)
				}
				if got := scanned(t, m.Images[i].PNG); got != want[i] {
					t.Errorf("%s in %s: code %d says %q, want %q", country, language, i+1, got, want[i])
				}
				if n := len(m.Images[i].PNG); n > 4_000 {
					t.Errorf("a picture of %d bytes", n)
				}
			}
			if strings.Count(m.HTML, page) != 2 { // the button, and the code for who taps it
				t.Error("the code of the page does not lead there")
			}
		}
	}
}

// scanned reads a code.
func scanned(t *testing.T, picture []byte) string {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	out, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out.GetText()
}

func TestManyLines(t *testing.T) {
	for _, n := range []int{1, 40, 41, 500} {
		m, err := messages.TryLines(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.HTML) > 60_000 {
			t.Errorf("%d lines make %d bytes", n, len(m.HTML))
		}
		if got := strings.Contains(m.Text, "en nog "); got != (n > 40) && n != 40 {
			t.Errorf("%d lines: says that there are more: %v", n, got)
		}
	}
}

// TestLoadFails plants faults in texts and templates: none of them may wait for a buyer to find it.
func TestLoadFails(t *testing.T) {
	if err := messages.Load(messages.Shipped); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, from, to, want string }{
		{"a key that one language lacks", "words/fr.toml", "credit-when =", "credit-wann =", `words/fr.toml has no "credit-when"`},
		{"a key that only one language has", "words/de.toml", "vat =", "tax = \"x\"\nvat =", `words/nl.toml has no "tax"`},
		{"a fact that one language leaves out", "words/en.toml", "by {{.Due}}\"\ninvoice-preview", "soon\"\ninvoice-preview", `"invoice-subject" says {Amount Shop}`},
		{"a plural form without the number", "words/nl.toml", "nog {{.Days}} dag om", "nog een dag om", `"invoice-days"`},
		{"a fact that nobody gives", "words/nl.toml", "Dag {{.Name}}", "Dag {{.Nick}}", `"hello" says {Nick}`},
		{"a fact that nobody gives, in all", "words/*.toml", "{{.Name}}", "{{.Nick}}", "needs a fact"},
		{"text without a part", "templates/mail.txt", "{{range .Rows}}- {{.Word}}: {{.Value}}\n{{end}}", "", "does not say"},
		{"HTML without the rows", "templates/mail.html", `{{template "facts" .Rows}}`, "", "does not say"},
		{"HTML with an unknown field", "templates/mail.html", "{{.Sum}}", "{{.Total}}", "Total"},
		{"HTML that does not parse", "templates/mail.html", "{{end}}", "", "mail.html"},
		{"words that are no TOML", "words/de.toml", "vat =", "vat", "words/de.toml"},
	} {
		files := fstest.MapFS{}
		err := fs.WalkDir(messages.Shipped, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(messages.Shipped, name)
			if ok, _ := path.Match(c.file, name); ok {
				if !strings.Contains(string(text), c.from) {
					t.Errorf("%s: %s has no %q", c.name, name, c.from)
				}
				text = []byte(strings.Replace(string(text), c.from, c.to, 1))
			}
			files[name] = &fstest.MapFile{Data: text}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = messages.Load(files)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// TestMessagesDoc keeps docs/messages.md equal to the code.
func TestMessagesDoc(t *testing.T) { golden.Check(t, "../docs/messages.md", messages.Page()) }

func TestStates(t *testing.T) {
	all := messages.Transitions()
	for _, from := range []messages.State{messages.Waiting, messages.Sent, messages.Failed} {
		for _, on := range []messages.Event{messages.Accept, messages.Delay, messages.Refuse, messages.GiveUp} {
			to, err := from.Next(on)
			if listed := slices.Contains(all, [3]string{string(from), string(on), string(to)}); listed != (err == nil) {
				t.Errorf("%s on %s: %s %v", from, on, to, err)
			}
			if err != nil && !fault.Is(err, "message-state") {
				t.Errorf("%s on %s: %v", from, on, err)
			}
			if err == nil && from != messages.Waiting {
				t.Errorf("%s is left by %s", from, on)
			}
		}
	}
}
