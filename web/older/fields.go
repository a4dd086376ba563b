package older

import (
	"regexp"
	"strings"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/ident"
)

// codes are the error codes of fields, which differ between check and order. 0: this call does not mind.
type codes struct {
	companyMissing, companyLength   int
	registerMissing, registerLength int
	first, last                     int
	sex                             int
	street                          int
	house, houseForm, extension     int
	postcode, postcodeForm          int
	city, country                   int
	phone, phoneForm                int
	birthForm, birthMissing, minor  int
	email, emailForm                int
}

var (
	checkCodes = codes{companyMissing: 408, companyLength: 430, registerMissing: 411, first: 412, last: 410, sex: 409,
		house: 414, houseForm: 424, extension: 431, postcode: 415, postcodeForm: 416, country: 433, phone: 417, phoneForm: 402,
		birthForm: 418, birthMissing: 421, minor: 422, email: 419, emailForm: 420}
	orderCodes = codes{companyMissing: 408, companyLength: 448, registerMissing: 427, registerLength: 429, first: 409, last: 410,
		street: 413, house: 414, extension: 450, postcode: 415, city: 416, country: 420, phone: 417,
		birthMissing: 421, minor: 453, email: 418, emailForm: 432}
)

// form is a message being read: the first field that is wrong stops it.
type form struct {
	n        *node
	settings *Settings
	codes    codes
	today    calendar.Date
	err      error
}

// wrong notes the first wrong field; code 0 is one that this call does not mind.
func (f *form) wrong(code int, text string) {
	if f.err == nil && code != 0 {
		f.err = refuse(code, "%s", text)
	}
}

// need reads a value that must be there.
func (f *form) need(code int, text string, names ...string) string {
	v := f.n.line(names...)
	if v == "" {
		f.wrong(code, text)
	}
	return v
}

// kind reads TYPE.
func (f *form) kind() string {
	switch strings.ToUpper(f.need(406, "Missing type", "TYPE")) {
	case "P":
		return buyers.Consumer
	case "B":
		return buyers.Company
	}
	f.wrong(407, "Type must be P or B")
	return ""
}

var (
	dutchPostcode = regexp.MustCompile(`^[0-9]{4} ?[A-Za-z]{2}$`)
	phoneForm     = regexp.MustCompile(`^[0-9 +()-]{9,18}$`)
	twoLetters    = regexp.MustCompile(`^[A-Z]{2}$`)
)

// buyer reads who orders, in the order of the wire's table.
func (f *form) buyer(kind string) buyers.Buyer {
	b := buyers.Buyer{Kind: kind}
	f.company(&b)
	f.name(&b)
	f.address(&b)
	f.reach(&b)
	b.Language = languageOf(b.Address.Country)
	return b
}

// company reads a firm. A consumer's check that names one is a company's: one plug-in asks so, and orders as B.
func (f *form) company(b *buyers.Buyer) {
	name, number := f.n.line("COMPANYNAME"), f.n.line("CHAMBEROFCOMMERCE")
	if b.Kind == buyers.Company {
		switch n := len([]rune(name)); {
		case n == 0:
			f.wrong(f.codes.companyMissing, "Missing company name")
		case n < 2 || n > 50:
			f.wrong(f.codes.companyLength, "A company name has 2 to 50 characters")
		}
		switch n := len([]rune(number)); {
		case n == 0:
			f.wrong(f.codes.registerMissing, "Missing chamber of commerce number")
		case n < 5 || n > 25:
			f.wrong(f.codes.registerLength, "A chamber of commerce number has 5 to 25 characters")
		}
	} else if name != "" && number != "" {
		b.Kind = buyers.Company
	}
	if b.Kind == buyers.Company {
		b.Company = &buyers.Firm{Name: name, RegistrationNumber: clean(number, 60), VATID: f.n.line("VATNUMBER")}
	}
}

func (f *form) name(b *buyers.Buyer) {
	b.Name.First = f.need(f.codes.first, "Missing first name or initials", "FIRSTNAME", "INITIALS")
	b.Name.Last = f.need(f.codes.last, "Missing last name", "LASTNAME")
	switch strings.ToUpper(f.n.get("SEX")) {
	case "", "M", "F", "V", "W", "O":
	default:
		f.wrong(f.codes.sex, "Gender must be M, F or O")
	}
}

func (f *form) address(b *buyers.Buyer) {
	a := &b.Address
	a.Country = strings.ToUpper(f.n.line("COUNTRYCODE"))
	given := a.Country != ""
	if !given {
		a.Country = "NL"
	}
	a.Street = f.need(f.codes.street, "Missing street", "STREET")
	a.HouseNumber = f.need(f.codes.house, "Missing house number", "HOUSENUMBER")
	if a.HouseNumber != "" && (a.HouseNumber[0] < '0' || a.HouseNumber[0] > '9') {
		f.wrong(f.codes.houseForm, "A house number begins with a digit")
	}
	a.HouseNumberSuffix = f.n.line("HOUSEEXTENSION")
	if len([]rune(a.HouseNumberSuffix)) > 10 {
		f.wrong(f.codes.extension, "A house extension has at most 10 characters")
	}
	a.Postcode = f.need(f.codes.postcode, "Missing postal code", "POSTALCODE")
	if !postcodeOf(a.Country, a.Postcode) {
		f.wrong(f.codes.postcodeForm, "The postal code has the wrong format")
	}
	city := f.codes.city
	if city == 0 && f.settings.StrictAddress {
		city = 432
	}
	a.City = f.need(city, "Missing city", "CITY")
	if given && !twoLetters.MatchString(a.Country) {
		f.wrong(f.codes.country, "Wrong country code")
	}
}

// postcodeOf knows the form of a country's postcodes; of the Dutch it minds no letters.
func postcodeOf(country, s string) bool {
	if country == "NL" {
		return dutchPostcode.MatchString(s)
	}
	if _, err := calendar.ZoneOf(country); err != nil {
		return true
	}
	_, err := ident.Postcode(country, s)
	return err == nil
}

func (f *form) reach(b *buyers.Buyer) {
	b.Phone = f.need(f.codes.phone, "Missing phone number", "PHONENUMBER")
	if !phoneForm.MatchString(b.Phone) {
		f.wrong(f.codes.phoneForm, "The phone number has the wrong format")
	}
	if _, err := ident.Phone(b.Address.Country, b.Phone); err != nil {
		b.Phone = digits(b.Phone)
	}
	if f.codes.birthForm != 0 {
		f.birth(b)
	}
	b.Email = f.need(f.codes.email, "Missing e-mail address", "EMAIL")
	if _, err := ident.Email(b.Email); err != nil {
		f.wrong(f.codes.emailForm, "The e-mail address has the wrong format")
	}
	if f.codes.birthForm == 0 {
		f.birth(b)
	}
	b.IP = f.n.line("IP")
}

// digits is a telephone number that no plan knows.
func digits(s string) string {
	return clean(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, s), 20)
}

const adult = 18

func (f *form) birth(b *buyers.Buyer) {
	if b.Kind != buyers.Consumer {
		return
	}
	d, err := date(f.n.get("BIRTHDATE"))
	switch {
	case err != nil:
		f.wrong(f.codes.birthForm, "The birth date has the wrong format")
	case !d.IsZero() && d.AddMonths(12*adult).After(f.today):
		f.wrong(f.codes.minor, "The minimum age is 18 years")
	case d.IsZero() || d.AddMonths(12*125).Before(f.today):
		d = calendar.Date{}
	}
	if d.IsZero() && f.settings.BirthDateRequired {
		f.wrong(f.codes.birthMissing, "Missing birth date")
	}
	b.BirthDate = d
}

// delivery reads another address, of which any part may be left out, under any of the names that were ever in use.
func (f *form) delivery(b *buyers.Buyer) {
	a := buyers.Address{
		Street: f.n.line("DELIVERYSTREET", "DELIVERYSTEET"), HouseNumber: f.n.line("DELIVERYHOUSENUMBER"),
		HouseNumberSuffix: clean(f.n.line("DELIVERYHOUSEEXTENSION", "DELIVERYHOUSENUMBEREXTENSION"), 20),
		Postcode:          f.n.line("DELIVERYPOSTALCODE"), City: f.n.line("DELIVERYCITY"), Country: strings.ToUpper(f.n.line("DELIVERYCOUNTRYCODE")),
	}
	if a == (buyers.Address{}) {
		return
	}
	if a.HouseNumber != "" && (a.HouseNumber[0] < '0' || a.HouseNumber[0] > '9') {
		f.wrong(f.deliveryCode(425), "The delivery house number has the wrong format")
	}
	own := b.Address
	if a.HouseNumber == "" {
		a.HouseNumber = own.HouseNumber
		if a.HouseNumberSuffix == "" {
			a.HouseNumberSuffix = own.HouseNumberSuffix
		}
	}
	for _, part := range []struct{ to, from *string }{{&a.Street, &own.Street}, {&a.Postcode, &own.Postcode}, {&a.City, &own.City}, {&a.Country, &own.Country}} {
		if *part.to == "" {
			*part.to = *part.from
		}
	}
	if !twoLetters.MatchString(a.Country) {
		f.wrong(f.deliveryCode(434), "Wrong delivery country code")
		a.Country = own.Country
	}
	for _, part := range []struct{ to, from *string }{{&own.Street, &a.Street}, {&own.City, &a.City}} {
		if *part.to == "" { // a check may leave them out
			*part.to = *part.from
		}
	}
	if same(a, own) {
		return
	}
	if f.settings.RefuseOtherDelivery {
		f.wrong(426, "Delivery address not allowed")
	}
	b.DeliveryAddress = &a
}

// deliveryCode is a code that check has and order uses for something else.
func (f *form) deliveryCode(code int) int {
	if f.codes.houseForm == 0 {
		return 0
	}
	return code
}

func same(a, b buyers.Address) bool {
	key := func(x buyers.Address) string {
		return strings.ToUpper(strings.Join(strings.Fields(strings.Join([]string{x.Street, x.HouseNumber, x.HouseNumberSuffix,
			strings.ReplaceAll(x.Postcode, " ", ""), x.City, x.Country}, "|")), ""))
	}
	return key(a) == key(b)
}

// languageOf is the language of a country's letters; the wire has none.
func languageOf(country string) string {
	switch country {
	case "NL", "BE":
		return "nl"
	case "FR", "LU":
		return "fr"
	case "DE", "AT":
		return "de"
	}
	return "en"
}
