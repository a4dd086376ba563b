package words

import (
	"strconv"
	"strings"

	"achteraf/calendar"
	"achteraf/money"
)

const (
	noBreak = "\u00a0" // no-break space
	narrow  = "\u202f" // narrow no-break space
	minus   = "\u2212"
)

// form is how a language writes figures and dates: Unicode CLDR 48, but for the minus, which is U+2212.
type form struct {
	name     string
	group    string // between thousands
	decimal  string
	first    bool // the currency stands before the figures
	tight    bool // nothing stands between currency and figures
	months   []string
	short    []string // months, in the calendar leaf and on the ruler
	weekdays []string // from Sunday
	days     []string // weekdays, short
}

var forms = map[Lang]form{
	NL: {name: "Nederlands", group: ".", decimal: ",", first: true,
		months:   strings.Fields("januari februari maart april mei juni juli augustus september oktober november december"),
		short:    strings.Fields("jan feb mrt apr mei jun jul aug sep okt nov dec"),
		weekdays: strings.Fields("zondag maandag dinsdag woensdag donderdag vrijdag zaterdag"),
		days:     strings.Fields("zo ma di wo do vr za")},
	FR: {name: "Français", group: narrow, decimal: ",",
		months:   strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
		short:    strings.Fields("janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."),
		weekdays: strings.Fields("dimanche lundi mardi mercredi jeudi vendredi samedi"),
		days:     strings.Fields("dim. lun. mar. mer. jeu. ven. sam.")},
	EN: {name: "English", group: ",", decimal: ".", first: true, tight: true,
		months:   strings.Fields("January February March April May June July August September October November December"),
		short:    strings.Fields("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
		weekdays: strings.Fields("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
		days:     strings.Fields("Sun Mon Tue Wed Thu Fri Sat")},
	DE: {name: "Deutsch", group: ".", decimal: ",",
		months:   strings.Fields("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
		short:    strings.Fields("Jan. Feb. März Apr. Mai Juni Juli Aug. Sep. Okt. Nov. Dez."),
		weekdays: strings.Fields("Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag"),
		days:     strings.Fields("So. Mo. Di. Mi. Do. Fr. Sa.")},
}

func (l Lang) form() form { return forms[l.known()] }

// Amount writes a sum with its currency: "€ 1.234,50", "1 234,50 €", "€1,234.50". No part of it breaks off.
func (l Lang) Amount(a money.Amount) string {
	before, figures, after := l.Parts(a)
	return before + figures + after
}

// Euros is Amount for cents of euros, in which the whole platform counts.
func (l Lang) Euros(cents int64) string { return l.Amount(money.EUR(cents)) }

// Parts is Amount in three parts, for a sum whose currency is set lighter than its figures. The sign goes with
// what stands first, a space with the currency.
func (l Lang) Parts(a money.Amount) (before, figures, after string) {
	f := l.form()
	figures = l.Figures(a)
	currency := a.Currency
	if currency == "EUR" || currency == "" {
		currency = "€"
	}
	switch {
	case f.tight && a.IsNegative():
		return minus + currency, strings.TrimPrefix(figures, minus), ""
	case f.tight:
		return currency, figures, ""
	case f.first:
		return currency + noBreak, figures, ""
	}
	return "", figures, noBreak + currency
}

// Figures writes a sum without its currency, for a column in which all have the same: "−10,00".
func (l Lang) Figures(a money.Amount) string {
	sign, size := "", uint64(a.Cents)
	if a.Cents < 0 {
		sign, size = minus, -size
	}
	cents := strconv.FormatUint(100+size%100, 10)[1:]
	return sign + l.grouped(size/100) + l.form().decimal + cents
}

// Decimal writes a stored decimal, such as a quantity: "0,75".
func (l Lang) Decimal(stored string) string {
	if rest, below := strings.CutPrefix(stored, "-"); below {
		stored = minus + rest
	}
	return strings.Replace(stored, ".", l.form().decimal, 1)
}

// Percent writes a stored percentage: "5,5%", "5,5 %".
func (l Lang) Percent(stored string) string {
	if l.form().first {
		return l.Decimal(stored) + "%"
	}
	return l.Decimal(stored) + noBreak + "%"
}

// Bare is Figures as a bank's form takes it: without what groups thousands.
func (l Lang) Bare(a money.Amount) string {
	return strings.ReplaceAll(l.Figures(a), l.form().group, "")
}

// Number writes a count: "1.204".
func (l Lang) Number(n int) string {
	if n < 0 {
		return minus + l.grouped(uint64(-int64(n)))
	}
	return l.grouped(uint64(n))
}

func (l Lang) grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(l.form().group)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Day writes a date in letters: "4 december". The year stands there only when it is not that of today.
func (l Lang) Day(d, today calendar.Date) string {
	return l.date(d, l.form().months, d.Year() != today.Year())
}

// FullDay writes a date in letters with its year, as legal texts want it: "4 december 2026".
func (l Lang) FullDay(d calendar.Date) string { return l.date(d, l.form().months, true) }

// ShortDay writes a date where there is little room: "4 dec".
func (l Lang) ShortDay(d calendar.Date) string { return l.date(d, l.form().short, false) }

// Weekday writes a date with its day of the week: "vrijdag 4 december", "Freitag, 4. Dezember".
func (l Lang) Weekday(d, today calendar.Date) string {
	return l.on(d, l.form().weekdays, l.Day(d, today))
}

// FullWeekday is Weekday with the year always.
func (l Lang) FullWeekday(d calendar.Date) string { return l.on(d, l.form().weekdays, l.FullDay(d)) }

// ShortWeekday writes a date of the time line: "vr 4 december".
func (l Lang) ShortWeekday(d, today calendar.Date) string {
	return l.on(d, l.form().days, l.Day(d, today))
}

// ShortestWeekday is a date of the time line where both words are short: "do 26 nov".
func (l Lang) ShortestWeekday(d calendar.Date) string { return l.on(d, l.form().days, l.ShortDay(d)) }

// Leaf is a date on a calendar leaf: the day, and the month below it.
func (l Lang) Leaf(d calendar.Date) (day, month string) {
	if d.IsZero() {
		return "", ""
	}
	return strconv.Itoa(d.Day()), l.form().short[d.Month()-1]
}

func (l Lang) date(d calendar.Date, months []string, year bool) string {
	if d.IsZero() {
		return ""
	}
	day := strconv.Itoa(d.Day())
	switch {
	case l == DE:
		day += "."
	case l == FR && d.Day() == 1:
		day = "1er"
	}
	day += noBreak + months[d.Month()-1]
	if year {
		day += " " + strconv.Itoa(d.Year())
	}
	return day
}

func (l Lang) on(d calendar.Date, weekdays []string, day string) string {
	if d.IsZero() {
		return ""
	}
	comma := ""
	if l == DE {
		comma = ","
	}
	return weekdays[d.Weekday()] + comma + " " + day
}
