package buyers

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/ident"
)

// Kinds of buyer.
const (
	Consumer = "consumer"
	Company  = "company"
)

// Languages are those in which the platform speaks.
var languages = []string{"nl", "fr", "en", "de"}

// Buyer is who orders, as the shop sent it; Check brings it into the stored form.
type Buyer struct {
	Kind            string        `json:"kind"`
	Email           string        `json:"email"`
	Language        string        `json:"language"`
	Phone           string        `json:"phone,omitempty"`
	IP              string        `json:"ip,omitempty"`
	Name            Name          `json:"name"`
	BirthDate       calendar.Date `json:"birth_date,omitzero"`
	Address         Address       `json:"address"`
	DeliveryAddress *Address      `json:"delivery_address,omitempty"`
	Company         *Firm         `json:"company,omitempty"`
}

// Name is a person's name.
type Name struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

// Address is a postal address in separate fields.
type Address struct {
	Street            string `json:"street"`
	HouseNumber       string `json:"house_number"`
	HouseNumberSuffix string `json:"house_number_suffix,omitempty"`
	Postcode          string `json:"postcode"`
	City              string `json:"city"`
	Country           string `json:"country"`
}

// Firm is a company as the trade register knows it.
type Firm struct {
	Name               string `json:"name"`
	RegistrationNumber string `json:"registration_number"`
	VATID              string `json:"vat_id,omitempty"`
}

// check gathers wrong fields.
type check struct {
	fault.Checker
	loose bool
}

// doubt notes what is wrong by a rule that a looser wire does not have.
func (c *check) doubt(pointer, code, detail string) {
	if !c.loose {
		c.Wrong(pointer, code, "%s", detail)
	}
}

// doubtText is doubt about a text that a looser wire keeps as it was typed, if it can be kept.
func (c *check) doubtText(s *string, pointer, code, what, detail string) {
	if c.loose {
		c.text(s, pointer, what, false)
	} else {
		c.Wrong(pointer, code, "%s", detail)
	}
}

// longest is how long a name, street or town may be, in characters.
const longest = 200

// text trims s and demands something printable in it.
func (c *check) text(s *string, pointer, what string, required bool) {
	*s = strings.TrimSpace(*s)
	switch {
	case utf8.RuneCountInString(*s) > longest:
		c.Wrong(pointer, "too-long", "At most %d characters for %s.", longest, what)
	case *s == "" && required && !c.loose:
		c.Wrong(pointer, "required", "Fill in %s.", what)
	case !printable(*s):
		c.Wrong(pointer, "characters", "Leave control characters out of %s.", what)
	}
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0xfffd })
}

// Check brings b into the stored form and returns what is wrong with it; at is the JSON pointer of b, such
// as "#/buyer". Nothing in the answer repeats what was typed.
func (b *Buyer) Check(at string, today calendar.Date) []fault.Field {
	return b.check(&check{}, at, today)
}

// CheckLoosely is Check for wires whose own rules ask for less: a field may be empty, a birth date unknown, and a
// telephone number, postcode, house number or registration number that nobody knows stays as it was typed. What is not
// even an address for mail, or cannot be stored, is still wrong.
func (b *Buyer) CheckLoosely(at string, today calendar.Date) []fault.Field {
	return b.check(&check{loose: true}, at, today)
}

func (b *Buyer) check(c *check, at string, today calendar.Date) []fault.Field {
	b.Address.Country = strings.ToUpper(strings.TrimSpace(b.Address.Country)) // a national telephone number needs it
	b.checkContact(c, at)
	b.checkName(c, at)
	b.Address.check(c, at+"/address")
	if b.DeliveryAddress != nil {
		b.DeliveryAddress.check(c, at+"/delivery_address")
	}
	switch b.Kind {
	case Consumer:
		b.checkConsumer(c, at, today)
	case Company:
		b.checkCompany(c, at)
	default:
		c.Wrong(at+"/kind", "unknown", "Say consumer or company.")
	}
	return c.Found
}

// CheckKnown returns what is wrong with a buyer of whom not all is known yet and who will complete and correct the
// rest: only what cannot be shown in a form, and a delivery address, which must be whole.
func (b *Buyer) CheckKnown(at string) []fault.Field {
	c := &check{}
	for name, s := range b.texts() {
		c.text(s, at+name, "this field", false)
	}
	if b.Kind != "" && b.Kind != Consumer && b.Kind != Company {
		c.Wrong(at+"/kind", "unknown", "Say consumer or company.")
	}
	if b.DeliveryAddress != nil {
		b.DeliveryAddress.check(c, at+"/delivery_address")
	}
	slices.SortFunc(c.Found, func(x, y fault.Field) int { return strings.Compare(x.Pointer, y.Pointer) })
	return c.Found
}

// texts are the fields that somebody types, by their pointers.
func (b *Buyer) texts() map[string]*string {
	all := map[string]*string{"/email": &b.Email, "/phone": &b.Phone, "/name/first": &b.Name.First, "/name/last": &b.Name.Last,
		"/address/street": &b.Address.Street, "/address/house_number": &b.Address.HouseNumber, "/address/house_number_suffix": &b.Address.HouseNumberSuffix,
		"/address/postcode": &b.Address.Postcode, "/address/city": &b.Address.City, "/address/country": &b.Address.Country}
	if f := b.Company; f != nil {
		all["/company/name"], all["/company/registration_number"], all["/company/vat_id"] = &f.Name, &f.RegistrationNumber, &f.VATID
	}
	return all
}

// CheckLanguage returns what is wrong with a language.
func CheckLanguage(at, language string) []fault.Field {
	c := &check{}
	if !slices.Contains(languages, language) {
		c.Wrong(at, "language", "Choose nl, fr, en or de.")
	}
	return c.Found
}

func (b *Buyer) checkContact(c *check, at string) {
	if email, err := ident.Email(b.Email); err != nil {
		c.Wrong(at+"/email", "email", "Give a complete e-mail address.")
	} else {
		b.Email = email
	}
	if !slices.Contains(languages, b.Language) {
		c.Wrong(at+"/language", "language", "Choose nl, fr, en or de.")
	}
	if b.Phone != "" {
		if phone, err := ident.Phone(b.Address.Country, b.Phone); err != nil {
			c.doubtText(&b.Phone, at+"/phone", "phone", "the telephone number", "Give a complete telephone number, best in international form.")
		} else {
			b.Phone = phone
		}
	}
	b.checkIP(c, at)
}

func (b *Buyer) checkIP(c *check, at string) {
	if b.IP == "" {
		return
	}
	if ip, err := netip.ParseAddr(b.IP); err != nil || ip.Zone() != "" {
		c.doubt(at+"/ip", "ip", "Give an IPv4 or IPv6 address.")
		b.IP = ""
	} else {
		b.IP = ip.Unmap().String()
	}
}

func (b *Buyer) checkName(c *check, at string) {
	c.text(&b.Name.First, at+"/name/first", "the first name", b.Kind == Consumer)
	c.text(&b.Name.Last, at+"/name/last", "the last name", b.Kind == Consumer)
}

func (b *Buyer) checkConsumer(c *check, at string, today calendar.Date) {
	switch {
	case b.BirthDate.IsZero():
		c.doubt(at+"/birth_date", "required", "Fill in the date of birth.")
	case b.BirthDate.After(today):
		c.Wrong(at+"/birth_date", "future", "The date of birth lies in the future.")
	case b.BirthDate.AddMonths(12 * 125).Before(today):
		c.Wrong(at+"/birth_date", "past", "The date of birth lies too far in the past.")
	}
	if b.Company != nil {
		c.Wrong(at+"/company", "not-allowed", "A consumer has no company; choose kind company instead.")
	}
}

func (b *Buyer) checkCompany(c *check, at string) {
	if !b.BirthDate.IsZero() {
		c.Wrong(at+"/birth_date", "not-allowed", "A company has no date of birth.")
	}
	if b.Company == nil {
		c.Wrong(at+"/company", "required", "Fill in the company.")
		return
	}
	f := b.Company
	c.text(&f.Name, at+"/company/name", "the company's name", true)
	if n, err := ident.RegistrationNumber(b.Address.Country, f.RegistrationNumber); err != nil {
		c.doubtText(&f.RegistrationNumber, at+"/company/registration_number", "registration-number", "the registration number", "Give the number of the trade register of that country.")
	} else {
		f.RegistrationNumber = n
	}
	if f.VATID == "" {
		return
	}
	if n, err := ident.VATID(f.VATID); err != nil {
		c.doubt(at+"/company/vat_id", "vat-id", "Give a complete VAT id with its country, or leave it out.")
		f.VATID = ""
	} else {
		f.VATID = n
	}
}

func (a *Address) check(c *check, at string) {
	c.text(&a.Street, at+"/street", "the street", true)
	c.text(&a.City, at+"/city", "the town", true)
	a.checkPlace(c, at)
}

// checkPlace checks what tells one address from another.
func (a *Address) checkPlace(c *check, at string) {
	c.text(&a.HouseNumber, at+"/house_number", "the house number", true)
	c.text(&a.HouseNumberSuffix, at+"/house_number_suffix", "the suffix", false)
	a.Country = strings.ToUpper(strings.TrimSpace(a.Country))
	if len(a.Country) != 2 || strings.ContainsFunc(a.Country, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		c.Wrong(at+"/country", "country", "Give a country of two letters, such as NL.")
		return
	}
	if a.HouseNumber != "" {
		if n, suffix, err := ident.HouseNumber(a.HouseNumber); err != nil {
			c.doubt(at+"/house_number", "house-number", "Give the number of the house; put letters into the suffix.")
		} else {
			a.HouseNumber = fmt.Sprint(n)
			a.HouseNumberSuffix = strings.TrimSpace(suffix + " " + a.HouseNumberSuffix)
			if suffix != "" {
				c.text(&a.HouseNumberSuffix, at+"/house_number_suffix", "the suffix", false)
			}
		}
	}
	if _, err := calendar.ZoneOf(a.Country); err != nil {
		c.text(&a.Postcode, at+"/postcode", "the postcode", false)
		return // a country we do not serve: the decision says so, we know no postcodes there
	}
	if p, err := ident.Postcode(a.Country, a.Postcode); err != nil {
		c.doubtText(&a.Postcode, at+"/postcode", "postcode", "the postcode", "Give a postcode of that country.")
	} else {
		a.Postcode = p
	}
}

// isPlace says whether an address has what tells it from others; one with less would be that of many.
func (a *Address) isPlace() bool { return a.Postcode != "" && a.HouseNumber != "" }

// key is what makes two spellings of an address the same.
func (a *Address) key() string {
	return strings.Join([]string{a.Country, a.Postcode, a.HouseNumber, ident.SuffixKey(a.Country, a.HouseNumberSuffix)}, "|")
}

// Age is the buyer's age in whole years on a day; -1 for a company. Who was born on 29 February grows a
// year older on 1 March where there is no 29 February: nobody is taken for of age a day too early.
func (b *Buyer) Age(on calendar.Date) int {
	if b.BirthDate.IsZero() {
		return -1
	}
	years := on.Year() - b.BirthDate.Year()
	if on.Month() < b.BirthDate.Month() || (on.Month() == b.BirthDate.Month() && on.Day() < b.BirthDate.Day()) {
		years--
	}
	return years
}
