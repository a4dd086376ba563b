package market

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/providers/camt"
)

// postage is what a small parcel costs.
const postage = 3_95

// goods is something that a shop of the past sold.
type goods struct {
	name  string
	cents int64 // VAT included
	vat   string
}

type item struct {
	goods
	number int
}

// want is an order that somebody is about to place.
type want struct {
	by    *somebody
	shop  string // slug
	items []item
}

var (
	pot = [...]goods{{"Mok Ochtend", 14_50, "21"}, {"Theepot Regen", 46_00, "21"}, {"Vaas Duin", 34_50, "21"}, {"Tafellamp Schemer", 89_00, "21"},
		{"Kom Boomgaard", 18_50, "21"}, {"Losse thee Tuinpad", 9_75, "9"}, {"Bloempot Vensterbank", 24_00, "21"}, {"Kandelaar Nachtdienst", 22_50, "21"},
		{"Plaid Zondag", 64_00, "21"}, {"Honing Linde", 8_50, "9"}}
	shelf = [...]goods{{"Roman: Het laatste veer", 22_99, "9"}, {"Atlas van de sterren", 34_50, "9"}, {"Kookboek Uit één kom", 24_95, "9"},
		{"Leeslamp met klem", 27_50, "21"}, {"Schriften, set van 5", 11_50, "21"}, {"Dichtbundel Halverwege", 8_95, "9"}}
	kitchen = [...]goods{{"Gietijzeren pan, 24 cm", 79_00, "21"}, {"Koksmes met houten heft", 54_50, "21"}, {"Vergieten, set van 3", 32_90, "21"},
		{"Broodvorm", 18_75, "21"}, {"Keukenweegschaal", 39_00, "21"}, {"Theedoeken, set van 6", 21_60, "21"}}

	// window is what each shop of the past sold, by slug.
	window = map[string][]goods{"kleigoed": pot[:], "boekhuis": shelf[:], "keukengerei": kitchen[:]}
)

// somebody is a buyer of the past.
type somebody struct {
	first, last, email, language string
	country, street, number      string
	postcode, city, phone        string
	born                         calendar.Date
	firm                         *buyers.Firm
	shops                        []string // where they buy
	iban                         string
}

func (s *somebody) buyer() buyers.Buyer {
	b := buyers.Buyer{Kind: "consumer", Email: s.email, Language: s.language, Phone: s.phone, IP: "203.0.113.7", Name: buyers.Name{First: s.first, Last: s.last},
		BirthDate: s.born, Address: buyers.Address{Street: s.street, HouseNumber: s.number, Postcode: s.postcode, City: s.city, Country: s.country}}
	if s.firm != nil {
		firm := *s.firm
		b.Kind, b.Company, b.BirthDate = "company", &firm, calendar.Date{}
	}
	return b
}

// sanne is the buyer whom every visitor plays.
func sanne() *somebody {
	return &somebody{first: "Sanne", last: "de Vries", email: "sanne@example.org", language: "nl", country: "NL", street: "Dorpsstraat", number: "1",
		postcode: "1234 AB", city: "Voorbeeld", phone: "+31612345678", born: calendar.NewDate(1990, 5, 1), iban: ibanOf("NL", "ACHT0000000101")}
}

// strangers are all other buyers. Where the claim goes to the operator, Dutch consumers must prove their age first, so
// one of them is turned away there now and then.
func strangers() []*somebody {
	names := []struct{ first, last, language, country, firm string }{
		{"Daan", "Mulder", "nl", "NL", ""}, {"Fenna", "Bos", "nl", "NL", ""}, {"Youssef", "El Amrani", "nl", "NL", ""}, {"Lotte", "Visser", "nl", "NL", ""},
		{"Bram", "Kuipers", "nl", "NL", ""}, {"Imani", "Pinas", "nl", "NL", ""}, {"Teun", "Dijkstra", "nl", "NL", ""}, {"Mila", "Hendriks", "nl", "NL", ""},
		{"Priya", "Raman", "en", "NL", ""}, {"Oliver", "Finch", "en", "NL", ""}, {"Katharina", "Vogel", "de", "NL", ""}, {"Jonas", "Brandt", "de", "NL", ""},
		{"Noor", "Verhulst", "nl", "BE", ""}, {"Wout", "Claes", "nl", "BE", ""}, {"Elise", "Lambert", "fr", "BE", ""}, {"Mathéo", "Dubois", "fr", "BE", ""},
		{"Aïcha", "Benali", "fr", "BE", ""}, {"Lucas", "Peeters", "nl", "BE", ""}, {"Camille", "Renard", "fr", "BE", ""}, {"Anke", "Schmitz", "de", "BE", ""},
		{"Henk", "Zijlstra", "nl", "NL", "Lunchroom De Vensterbank"}, {"Sofie", "Maes", "nl", "BE", "Atelier Zonnedauw"},
		{"Pauline", "Noël", "fr", "BE", "Salon de thé Aux Trois Tasses"}, {"Ruben", "Smit", "nl", "NL", "Bakkerij Ochtendgloren"}, {"Jip", "van Dam", "nl", "NL", ""},
	}
	streets := map[string][]string{"NL": {"Lindelaan", "Molenweg", "Havenstraat", "Beukenhof", "Kerkpad"}, "BE": {"Rue du Modèle", "Lindestraat", "Avenue des Hêtres", "Beekweg"}}
	cities := map[string][]string{"NL": {"Voorbeeld", "Duinoord", "Molendam", "Wijkerveen"}, "BE": {"Beekhove", "Exempleville", "Lindenhof"}}
	var all []*somebody
	for i, n := range names {
		s := &somebody{first: n.first, last: n.last, email: fmt.Sprintf("buyer%02d@example.org", i+1), language: n.language, country: n.country,
			street: streets[n.country][i%len(streets[n.country])], number: fmt.Sprint(3 + 7*i), city: cities[n.country][i%len(cities[n.country])],
			born: calendar.NewDate(1958+i, time.Month(1+i%12), 1+i), shops: []string{"kleigoed", "boekhuis", "kleigoed", "boekhuis", "keukengerei"}}
		s.postcode, s.iban = fmt.Sprintf("%d %c%c", 1230+i*31, 'A'+i%20, 'B'+i%17), ibanOf("NL", fmt.Sprintf("ACHT%010d", 200+i))
		if n.country == "BE" {
			s.postcode, s.iban = fmt.Sprint(1000+i*310), ibanOf("BE", belgian(int64(9990000000+i)))
			s.shops = []string{"keukengerei", "keukengerei", "kleigoed", "boekhuis"}
		}
		if n.firm != "" {
			s.firm = &buyers.Firm{Name: n.firm, RegistrationNumber: registration(n.country, 100+i)}
		}
		all = append(all, s)
	}
	all[24].born = calendar.NewDate(2011, 3, 4) // too young
	return all
}

// ibanOf puts the check digits into an IBAN. Source: ISO 13616, ISO 7064 MOD 97-10.
func ibanOf(country, account string) string {
	rest := 0
	for _, r := range account + country + "00" {
		n, base := int(r-'0'), 10
		if r >= 'A' {
			n, base = int(r-'A')+10, 100
		}
		rest = (rest*base + n) % 97
	}
	return fmt.Sprintf("%s%02d%s", country, 98-rest, account)
}

// belgian is a Belgian account with its own two check digits.
func belgian(n int64) string {
	check := n % 97
	if check == 0 {
		check = 97
	}
	return fmt.Sprintf("%010d%02d", n, check)
}

// statement writes what the bank tells from the day after the last one up to a day.
func (h *past) statement(to calendar.Date, list []lineOfBank) ([]byte, error) {
	from := h.read.AddDays(1)
	h.read = to
	b := &h.bank
	b.sequence++
	s := camt.Statement{MessageID: fmt.Sprintf("PAST-%d", b.sequence), ID: fmt.Sprintf("PAST-STMT-%d", b.sequence), Sequence: b.sequence,
		Created: h.now, From: from, To: to, Page: 1, Last: true, IBAN: b.iban, Currency: "EUR", Opening: camt.Balance{Known: true, Cents: b.balance, On: from}}
	lines := make([]camt.Line, len(list))
	for i, p := range list {
		b.lines++
		l := camt.Line{Ref: fmt.Sprintf("P%08d", b.lines), Entry: i + 1, BookedOn: p.on, ValueOn: p.on, Cents: p.cents, Currency: "EUR",
			Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT", PartyName: "Betaaldienst Voorbeeld", PartyIBAN: ibanOf("NL", "ACHT0000000301"), Text: p.text}
		if p.cents < 0 {
			l.Family = "ICDT"
		}
		if p.by != nil {
			l.PartyName, l.PartyIBAN = p.by.first+" "+p.by.last, p.by.iban
		}
		if p.reference != "" {
			l.StructuredRef, l.StructuredIssuer = p.reference, "ISO"
			if p.reference[0] != 'R' {
				l.StructuredIssuer = "BBA"
			}
		}
		lines[i] = l
		b.balance += p.cents
	}
	s.Closing = camt.Balance{Known: true, Cents: b.balance, On: to}
	var out bytes.Buffer
	err := camt.Write(&out, camt.V08, s, slices.Values(lines))
	return out.Bytes(), err
}

func (h *past) importFile(ctx context.Context, file []byte) error {
	_, err := h.p.Importer.File(ctx, bytes.NewReader(file), bankFormat)
	return err
}
