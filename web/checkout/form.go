package checkout

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
	"achteraf/web/page"
)

const (
	mostForm  = 32 << 10 // bytes
	mostTyped = 400      // bytes of one field that are kept
)

// typed is the form as it stands on the screen.
type typed struct {
	kind, first, last, email, birth, phone       string
	company, number, vat                         string
	street, house, suffix, postcode, city, state string
}

// countries are those in which one can pay later here.
var countries = []string{"NL", "BE"}

// typedOf fills the form with what is known.
func typedOf(t *till) typed {
	b := t.Buyer
	in := typed{kind: b.Kind, first: b.Name.First, last: b.Name.Last, email: b.Email, phone: b.Phone, street: b.Address.Street,
		house: b.Address.HouseNumber, suffix: b.Address.HouseNumberSuffix, postcode: ident.PrintPostcode(b.Address.Country, b.Address.Postcode),
		city: b.Address.City, state: b.Address.Country}
	if !b.BirthDate.IsZero() {
		in.birth = fmt.Sprintf("%d-%d-%d", b.BirthDate.Day(), int(b.BirthDate.Month()), b.BirthDate.Year())
	}
	if f := b.Company; f != nil {
		in.company, in.number, in.vat = f.Name, f.RegistrationNumber, f.VATID
	}
	in.complete(t)
	return in
}

// complete chooses where nothing was chosen.
func (in *typed) complete(t *till) {
	if in.kind != buyers.Company {
		in.kind = buyers.Consumer
	}
	for _, c := range []string{in.state, t.shop.Country, countries[0]} {
		if c == "NL" || c == "BE" {
			in.state = c
			return
		}
	}
}

// read reads the form, and which attempt it is meant for; 0 when it does not say.
func read(w http.ResponseWriter, r *http.Request) (in typed, attempt int64) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	field := func(name string) string {
		s := strings.TrimSpace(strings.ToValidUTF8(r.PostFormValue(name), ""))
		return strings.ToValidUTF8(s[:min(len(s), mostTyped)], "")
	}
	in = typed{kind: field("kind"), first: field("first"), last: field("last"), email: field("email"), birth: field("birth"), phone: field("phone"),
		company: field("company"), number: field("number"), vat: field("vat"), street: field("street"), house: field("house"), suffix: field("suffix"),
		postcode: field("postcode"), city: field("city"), state: field("country")}
	attempt, _ = strconv.ParseInt(field("attempt"), 10, 64)
	return in, attempt
}

// buyer is who was typed. unread says that the date of birth is no date.
func (in *typed) buyer(t *till) (b buyers.Buyer, unread bool) {
	in.complete(t)
	b = buyers.Buyer{Kind: in.kind, Email: in.email, Language: string(t.view.Lang), Phone: in.phone, Name: buyers.Name{First: in.first, Last: in.last},
		Address: buyers.Address{Street: in.street, HouseNumber: in.house, HouseNumberSuffix: in.suffix, Postcode: in.postcode, City: in.city, Country: in.state}}
	if a := &b.Address; a.HouseNumber == "" { // typed behind the street, as one does without thinking
		if street, number, suffix, ok := ident.SplitStreet(a.Street); ok {
			a.Street, a.HouseNumber, a.HouseNumberSuffix = street, strconv.Itoa(number), strings.TrimSpace(suffix+" "+a.HouseNumberSuffix)
		}
	}
	if in.kind == buyers.Company {
		b.Company = &buyers.Firm{Name: in.company, RegistrationNumber: in.number, VATID: in.vat}
		return b, false
	}
	b.BirthDate, unread = dateOf(in.birth)
	return b, unread
}

// dateOf reads a date as people in our countries write it, day first with any mark between, and as browsers fill it
// in, year first. Nothing typed is no date, and not unread.
func dateOf(s string) (d calendar.Date, unread bool) {
	if s == "" {
		return d, false
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if len(parts) == 1 && len(s) == 8 {
		parts = []string{s[:2], s[2:4], s[4:]}
	}
	if len(parts) != 3 || strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789-./ ", r) }) {
		return d, true
	}
	if len(parts[0]) == 4 {
		parts[0], parts[2] = parts[2], parts[0]
	}
	if len(parts[0]) > 2 || len(parts[1]) > 2 || len(parts[2]) != 4 {
		return d, true
	}
	d, err := calendar.ParseDate(fmt.Sprintf("%s-%02s-%02s", parts[2], parts[1], parts[0]))
	return d, err != nil
}

// unreadDate says of a date that was typed and is none that it cannot be read, where else it would count as missing.
func unreadDate(wrong []fault.Field) []fault.Field {
	for i, f := range wrong {
		if f.Pointer == "#/buyer/birth_date" {
			wrong[i].Code = "date"
		}
	}
	return wrong
}

// placeOf is the field of a form for each place in a buyer.
var placeOf = map[string]string{
	"name/first": "first", "name/last": "last", "email": "email", "birth_date": "birth", "phone": "phone", "company/name": "company",
	"company/registration_number": "number", "company/vat_id": "vat", "address/street": "street", "address/house_number": "house",
	"address/house_number_suffix": "suffix", "address/postcode": "postcode", "address/city": "city", "address/country": "country",
}

// errors are the texts of wrong fields, by field.
func (t *texts) errors(wrong []fault.Field) map[string]string {
	byCode := map[string]string{"required": t.ErrRequired, "too-long": t.ErrLong, "characters": t.ErrCharacters, "email": t.ErrEmail, "phone": t.ErrPhone,
		"date": t.ErrBirth, "future": t.ErrFuture, "past": t.ErrPast, "house-number": t.ErrHouse, "postcode": t.ErrPostcode,
		"registration-number": t.ErrNumber, "vat-id": t.ErrVat}
	out := map[string]string{}
	for _, f := range wrong {
		name := placeOf[strings.TrimPrefix(f.Pointer, "#/buyer/")]
		text := byCode[f.Code]
		if name == "house" && f.Code == "required" {
			text = t.ErrHouse
		}
		if text == "" {
			text = t.ErrOther
		}
		if out[name] == "" {
			out[name] = text
		}
	}
	return out
}

// fields is the form with its fields ready to be written.
type fields struct {
	*till
	kind                                                   []page.Option
	first, last, email, birth, phone, company, number, vat page.Field
	street, house, suffix, postcode, city, country         page.Field
	lost                                                   string // what is wrong with what has no field here
}

func (t *till) fields(in typed, wrong []fault.Field) *fields {
	e := t.errors(wrong)
	in.complete(t)
	country := page.Field{Name: "country", Label: t.Country, Type: "select", Value: in.state, Autocomplete: "country", Error: e["country"]}
	for i, c := range countries {
		country.Options = append(country.Options, page.Option{Value: c, Label: []string{t.Netherlands, t.Belgium}[i]})
	}
	return &fields{
		till:     t,
		kind:     []page.Option{{Value: buyers.Consumer, Label: t.Person, Chosen: in.kind != buyers.Company}, {Value: buyers.Company, Label: t.Company, Chosen: in.kind == buyers.Company}},
		first:    page.Field{Name: "first", Label: t.First, Value: in.first, Autocomplete: "given-name", Error: e["first"]},
		last:     page.Field{Name: "last", Label: t.Last, Value: in.last, Autocomplete: "family-name", Error: e["last"]},
		email:    page.Field{Name: "email", Label: t.Email, Help: t.EmailHelp, Value: in.email, Type: "email", Mode: "email", Autocomplete: "email", Error: e["email"]},
		birth:    page.Field{Name: "birth", Label: t.Birth, Help: t.BirthHelp, Value: in.birth, Autocomplete: "bday", Only: buyers.Consumer, Error: e["birth"]},
		phone:    page.Field{Name: "phone", Label: t.Phone, Help: t.PhoneHelp, Value: in.phone, Type: "tel", Autocomplete: "tel", Optional: true, Error: e["phone"]},
		company:  page.Field{Name: "company", Label: t.CompanyName, Value: in.company, Autocomplete: "organization", Error: e["company"]},
		number:   page.Field{Name: "number", Label: t.Number, Help: t.NumberHelp, Value: in.number, Autocomplete: "off", Error: e["number"]},
		vat:      page.Field{Name: "vat", Label: t.Vat, Help: t.VatHelp, Value: in.vat, Autocomplete: "off", Optional: true, Error: e["vat"]},
		street:   page.Field{Name: "street", Label: t.Street, Value: in.street, Autocomplete: "address-line1", Error: e["street"]},
		house:    page.Field{Name: "house", Label: t.House, Value: in.house, Autocomplete: "off", Error: e["house"]},
		suffix:   page.Field{Name: "suffix", Label: t.Suffix, Value: in.suffix, Autocomplete: "off", Optional: true, Error: e["suffix"]},
		postcode: page.Field{Name: "postcode", Label: t.Postcode, Value: in.postcode, Autocomplete: "postal-code", Error: e["postcode"]},
		city:     page.Field{Name: "city", Label: t.City, Value: in.city, Autocomplete: "address-level2", Error: e["city"]},
		country:  country, lost: e[""],
	}
}

// mends are the lines of the summary, in the order of the form.
func (f *fields) mends() []page.Mend {
	list := []page.Field{f.email, f.first, f.last}
	if f.kind[1].Chosen {
		list = []page.Field{f.company, f.number, f.vat, f.first, f.last, f.email}
	}
	list = append(list, f.birth, f.phone, f.street, f.house, f.suffix, f.postcode, f.city, f.country)
	for i, field := range list { // it stands behind a colon there
		first, size := utf8.DecodeRuneInString(field.Error)
		list[i].Error = string(unicode.ToLower(first)) + field.Error[size:]
		if field.Error == "" {
			list[i].Error = ""
		}
	}
	all := page.Mends(list...)
	if f.lost != "" {
		all = append(all, page.Mend{Field: "first", Text: f.lost})
	}
	return all
}

// form writes the form.
func (s *Surface) form(w http.ResponseWriter, r *http.Request, status int, t *till, in typed, wrong []fault.Field) error {
	t.view.Title = t.Title
	return s.Look.Write(w, r, status, t.view, form(t.fields(in, wrong)))
}
