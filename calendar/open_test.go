package calendar

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rickar/cal/v2"
	"pgregory.net/rapid"
)

func named(t interface{ Fatal(...any) }, name string) Calendar {
	c, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dates writes the holidays as the standards do: "01-01 04-03 …".
func dates(list []Holiday) string {
	var s []string
	for _, h := range list {
		s = append(s, h.Date.String()[len("2006-"):])
	}
	return strings.Join(s, " ")
}

func TestHolidays(t *testing.T) { // reckoned apart from package cal
	for _, tt := range []struct {
		name string
		year int
		want string
	}{
		{"NL", 2026, "01-01 04-03 04-06 04-27 05-05 05-14 05-25 12-25 12-26"},
		{"NL", 2027, "01-01 03-26 03-29 04-27 05-05 05-06 05-17 12-25 12-26"},
		{"NL", 2028, "01-01 04-14 04-17 04-27 05-05 05-25 06-05 12-25 12-26"},
		{"BE", 2026, "01-01 04-06 05-01 05-14 05-25 07-21 08-15 11-01 11-11 12-25"},
		{"BE", 2027, "01-01 03-29 05-01 05-06 05-17 07-21 08-15 11-01 11-11 12-25"},
		{"BE", 2028, "01-01 04-17 05-01 05-25 06-05 07-21 08-15 11-01 11-11 12-25"},
		{"TARGET", 2026, "01-01 04-03 04-06 05-01 12-25 12-26"},
		{"TARGET", 2027, "01-01 03-26 03-29 05-01 12-25 12-26"},
		{"TARGET", 2028, "01-01 04-14 04-17 05-01 12-25 12-26"},
		{"NL", 2025, "01-01 04-18 04-21 04-26 05-05 05-29 06-09 12-25 12-26"}, // King's Day is early: 27 April is a Sunday
	} {
		if got := dates(named(t, tt.name).Holidays(tt.year)); got != tt.want {
			t.Errorf("%s %d:\n got %s\nwant %s", tt.name, tt.year, got, tt.want)
		}
	}
}

func TestHolidayNames(t *testing.T) {
	want := map[string]string{
		"NL":     "Nieuwjaarsdag, Goede Vrijdag, Tweede Paasdag, Koningsdag, Bevrijdingsdag, Hemelvaartsdag, Tweede Pinksterdag, Eerste Kerstdag, Tweede Kerstdag",
		"BE":     "Nieuwjaarsdag, Paasmaandag, Dag van de Arbeid, Onze Lieve Heer Hemelvaart, Pinkstermaandag, Nationale Feestdag, Onze Lieve Vrouw Hemelvaart, Allerheiligen, Wapenstilstand, Kerstmis",
		"TARGET": "New Year's Day, Good Friday, Easter Monday, Labour Day, Christmas Day, Christmas Holiday",
	}
	for name, want := range want {
		c := named(t, name)
		var got []string
		for _, h := range c.Holidays(2026) {
			got = append(got, h.Name)
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s:\n got %s\nwant %s", name, s, want)
		}
		if c.Name() != name {
			t.Errorf("%s calls itself %s", name, c.Name())
		}
	}
}

// From 2024 to 2060, by an Easter reckoned another way than in package cal.
func TestHolidaysByEaster(t *testing.T) {
	for year := 2024; year <= 2060; year++ {
		easter := gauss(year)
		if easter.Weekday() != time.Sunday || easter.Before(NewDate(year, 3, 22)) || easter.After(NewDate(year, 4, 25)) {
			t.Fatalf("Easter %d on %v %v", year, easter.Weekday(), easter)
		}
		king := NewDate(year, 4, 27)
		if king.Weekday() == time.Sunday {
			king = king.AddDays(-1)
		}
		newYear, labour, christmas, boxing := NewDate(year, 1, 1), NewDate(year, 5, 1), NewDate(year, 12, 25), NewDate(year, 12, 26)
		friday, monday, ascension, whitMonday := easter.AddDays(-2), easter.AddDays(1), easter.AddDays(39), easter.AddDays(50)
		for name, want := range map[string][]Date{
			"NL": {newYear, friday, monday, king, NewDate(year, 5, 5), ascension, whitMonday, christmas, boxing},
			"BE": {newYear, monday, labour, ascension, whitMonday, NewDate(year, 7, 21), NewDate(year, 8, 15),
				NewDate(year, 11, 1), NewDate(year, 11, 11), christmas},
			"TARGET": {newYear, friday, monday, labour, christmas, boxing},
		} {
			c := named(t, name)
			var got []Date
			for _, h := range c.Holidays(year) {
				got = append(got, h.Date)
			}
			slices.SortFunc(want, Date.Compare)
			if !slices.Equal(got, want) {
				t.Errorf("%s %d:\n got %v\nwant %v", name, year, got, want)
			}
			for d := NewDate(year, 1, 1); d.Year() == year; d = d.AddDays(1) {
				weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
				if c.Open(d) == (weekend || slices.Contains(want, d)) {
					t.Fatalf("%s: %v %v is open: %v", name, d.Weekday(), d, c.Open(d))
				}
			}
		}
	}
}

// gauss returns Easter Sunday by Gauss's rule, good from 1900 to 2099 with its two exceptions.
func gauss(year int) Date {
	d := (19*(year%19) + 24) % 30
	e := (2*(year%4) + 4*(year%7) + 6*d + 5) % 7
	if d == 29 && e == 6 || d == 28 && e == 6 && year%19 > 10 {
		e -= 7
	}
	return NewDate(year, time.March, 22+d+e)
}

func TestGauss(t *testing.T) { // known Sundays, so that the test above does not rest on two wrong rules
	for _, s := range []string{"1954-04-18", "1981-04-19", "2008-03-23", "2011-04-24", "2024-03-31", "2026-04-05", "2027-03-28", "2028-04-16", "2038-04-25", "2049-04-18"} {
		if d := date(s); gauss(d.Year()) != d {
			t.Errorf("Easter is on %v, want %s", gauss(d.Year()), s)
		}
	}
}

func TestNext(t *testing.T) {
	for _, tt := range []struct{ calendar, from, want string }{
		{"TARGET", "2026-12-25", "2026-12-28"},
		{"TARGET", "2027-03-26", "2027-03-30"},
		{"TARGET", "2026-04-03", "2026-04-07"},
		{"TARGET", "2026-12-06", "2026-12-07"},
		{"TARGET", "2027-05-01", "2027-05-03"},
		{"TARGET", "2026-04-27", "2026-04-27"},
		{"NL", "2026-04-27", "2026-04-28"},
		{"NL", "2026-05-01", "2026-05-01"},
		{"BE", "2026-05-01", "2026-05-04"},
		{"BE", "2026-12-26", "2026-12-28"},
		{"NL", "2027-05-05", "2027-05-07"}, // Liberation Day, then Ascension
		{"NL", "2027-12-31", "2027-12-31"},
		{"NL", "2027-01-01", "2027-01-04"},
		{"TARGET", "9999-12-31", "9999-12-31"},
	} {
		if got := named(t, tt.calendar).Next(date(tt.from)); got != date(tt.want) {
			t.Errorf("%s after %s is %v, want %s", tt.calendar, tt.from, got, tt.want)
		}
	}
}

func TestAddOpen(t *testing.T) {
	for _, tt := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-12-24", 1, "2026-12-28"},
		{"2026-12-23", 2, "2026-12-28"},
		{"2027-03-25", 2, "2027-03-31"},
		{"2026-12-24", 0, "2026-12-24"},
		{"2026-12-25", 0, "2026-12-28"},
		{"2026-12-26", 1, "2026-12-28"},
		{"2026-12-28", -1, "2026-12-24"},
		{"2026-12-26", -1, "2026-12-24"},
		{"2026-12-28", -2, "2026-12-23"},
		{"2026-12-31", 1, "2027-01-04"},
		{"9999-12-30", 1 << 62, "9999-12-31"},
		{"0001-01-03", -1 << 62, "0001-01-01"}, // closed, but there is no earlier date
	} {
		if got := named(t, "TARGET").AddOpen(date(tt.from), tt.n); got != date(tt.want) {
			t.Errorf("%s and %d open days is %v, want %s", tt.from, tt.n, got, tt.want)
		}
	}
}

// Open days are counted as one would on the fingers, and back again.
func TestOpenDayProperties(t *testing.T) {
	calendars := []Calendar{named(t, "NL"), named(t, "BE"), named(t, "TARGET")}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(calendars).Draw(t, "calendar")
		d := date("2024-01-01").AddDays(rapid.IntRange(0, 37*365).Draw(t, "day"))
		n := rapid.IntRange(1, 60).Draw(t, "n")
		next := c.Next(d)
		if next.Before(d) || !c.Open(next) || c.Open(d) != (next == d) || c.Next(next) != next {
			t.Fatalf("next open day of %v is %v", d, next)
		}
		count, end := 0, c.AddOpen(d, n)
		for e := d; e != end; {
			if e = e.AddDays(1); c.Open(e) {
				count++
			}
		}
		if count != n || !c.Open(end) {
			t.Fatalf("from %v to %v there are %d open days, want %d", d, end, count, n)
		}
		if back := c.AddOpen(end, -n); c.Open(d) && back != d || back.After(d) {
			t.Fatalf("%v and %d open days is %v, and back %v", d, n, end, back)
		}
	})
}

func TestWith(t *testing.T) {
	c := named(t, "NL")
	c.Open(date("2026-05-15")) // so that the year is remembered
	more := c.With(Holiday{date("2026-05-15"), "bridging day"}).With(Holiday{date("2027-05-07"), "bridging day"})
	for _, s := range []string{"2026-05-15", "2027-05-07"} {
		if d := date(s); more.Open(d) || !c.Open(d) {
			t.Errorf("%s: open %v with the added day and %v without", s, more.Open(d), c.Open(d))
		}
	}
	if got, want := dates(more.Holidays(2026)), "01-01 04-03 04-06 04-27 05-05 05-14 05-15 05-25 12-25 12-26"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := more.Next(date("2026-05-14")); got != date("2026-05-18") {
		t.Errorf("the day after Ascension is %v", got)
	}
}

func TestCalendarOfNoDate(t *testing.T) {
	c := named(t, "TARGET")
	if got := c.Next(Date{}); !got.IsZero() {
		t.Errorf("the open day after no date is %v", got)
	}
	if got := c.AddOpen(Date{}, 3); !got.IsZero() {
		t.Errorf("three open days after no date is %v", got)
	}
}

func TestHolidaysAreTheCallers(t *testing.T) {
	c := named(t, "NL")
	c.Holidays(2026)[0].Date = date("2026-11-23")
	if got := c.Holidays(2026)[0].Date; got != date("2026-01-01") {
		t.Errorf("the first holiday has become %v", got)
	}
}

func TestNamedUnknown(t *testing.T) {
	for _, name := range []string{"", "nl", "DE", "target"} {
		if c, err := Named(name); err == nil {
			t.Errorf("%q is calendar %s, want an error", name, c.Name())
		}
	}
}

// Holidays do not depend on where the machine stands, even where some midnights are missing.
func TestHolidaysElsewhere(t *testing.T) {
	here := cal.DefaultLoc
	defer func() { cal.DefaultLoc = here }()
	for _, name := range []string{"Africa/Cairo", "Pacific/Kiritimati", "Etc/GMT+12"} {
		cal.DefaultLoc = zone(t, name).loc
		for year := 2024; year <= 2060; year++ {
			king := NewDate(year, 4, 27)
			if king.Weekday() != time.Sunday && named(t, "NL").Open(king) { // a missing midnight in Cairo in 2029
				t.Errorf("with the machine in %s, King's Day %d is open", name, year)
			}
		}
	}
}

func TestConcurrentCalendar(t *testing.T) {
	c := named(t, "BE")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for year := 2024; year <= 2060; year++ {
				if c.Open(NewDate(year+n%2, 7, 21)) || len(c.Holidays(year)) != 10 {
					t.Errorf("wrong holidays in %d", year)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkOpen(b *testing.B) {
	c, d := named(b, "TARGET"), date("2026-11-24")
	for b.Loop() {
		_ = c.Open(d)
	}
}
