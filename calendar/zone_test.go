package calendar

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t interface{ Fatal(...any) }, name string) Zone {
	z, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func instant(s string) Instant {
	i, err := ParseInstant(s)
	if err != nil {
		panic(err)
	}
	return i
}

// Every day of the years 2024 to 2060 begins where the day before it ends, and is as long as a day there can be.
func TestEveryDay(t *testing.T) {
	const usual = 24 * time.Hour
	for _, tt := range []struct {
		name, why     string
		shorter, more time.Duration // how much the clock moves
		moves         int           // days that are not of the usual length, in all 37 years
	}{
		{"Europe/Amsterdam", "at 02:00 and 03:00", time.Hour, time.Hour, 74},
		{"Europe/Brussels", "at 02:00 and 03:00", time.Hour, time.Hour, 74},
		{"Africa/Cairo", "there is no midnight on the last Friday of April", time.Hour, time.Hour, 74},
		{"Asia/Beirut", "no midnight in March, and 23:00 twice in October", time.Hour, time.Hour, 74},
		{"America/Havana", "no midnight in March, and two in November", time.Hour, time.Hour, 74},
		{"Australia/Lord_Howe", "the clock moves by half an hour", 30 * time.Minute, 30 * time.Minute, 74},
		{"America/New_York", "west of Greenwich", time.Hour, time.Hour, 74},
		{"Asia/Tokyo", "the clock does not move", 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z, moves := zone(t, tt.name), 0
			for d := date("2024-01-01"); d.Before(date("2061-01-01")); d = d.AddDays(1) {
				start, end := z.StartOf(d), z.StartOf(d.AddDays(1))
				if z.DateOf(start) != d || z.DateOf(start.Add(-time.Microsecond)) != d.AddDays(-1) || z.DateOf(end.Add(-time.Microsecond)) != d {
					t.Fatalf("%v begins at %v, which is on %v", d, start, z.DateOf(start))
				}
				switch long := end.Sub(start); long {
				case usual:
				case usual - tt.shorter, usual + tt.more:
					moves++
				default:
					t.Fatalf("%v is %v long; %s", d, long, tt.why)
				}
			}
			if moves != tt.moves {
				t.Errorf("%d days are longer or shorter, want %d", moves, tt.moves)
			}
		})
	}
}

// The same in every zone with rules of its own: no gap, no overlap, and no date that comes back.
func TestEveryDayEverywhere(t *testing.T) {
	names, err := os.ReadFile("testdata/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	zones, days := 0, 0
	for name := range strings.Lines(string(names)) {
		z := zone(t, strings.TrimSpace(name))
		zones++
		for d := date("2024-01-01"); d.Before(date("2061-01-01")); d = d.AddDays(1) {
			if start := z.StartOf(d); z.DateOf(start) != d || z.DateOf(start.Add(-time.Microsecond)) != d.AddDays(-1) {
				t.Fatalf("%v in %s begins at %v, which is on %v", d, z.Name(), start, z.DateOf(start))
			}
			days++
		}
	}
	if zones < 400 {
		t.Errorf("only %d zones", zones)
	}
	t.Logf("volume: %d days in %d zones, 2024 to 2060", days, zones)
}

// The European rule, worked out without the database: the clock moves at 01:00 UTC on the last Sundays of March and October.
func TestEuropeanSummerTime(t *testing.T) {
	for _, country := range []string{"NL", "BE", "LU", "DE", "FR"} {
		z, err := ZoneOf(country)
		if err != nil {
			t.Fatal(err)
		}
		for d := date("2024-01-01"); d.Before(date("2061-01-01")); d = d.AddDays(1) {
			spring, autumn := lastSunday(d.Year(), time.March), lastSunday(d.Year(), time.October)
			ahead := time.Hour
			if d.After(spring) && !d.After(autumn) {
				ahead = 2 * time.Hour
			}
			want := At(time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC).Add(-ahead))
			if got := z.StartOf(d); got != want {
				t.Fatalf("%s: %v begins at %v, want %v", country, d, got, want)
			}
			hours := 24 * time.Hour
			switch d {
			case spring:
				hours = 23 * time.Hour
			case autumn:
				hours = 25 * time.Hour
			}
			if got := z.StartOf(d.AddDays(1)).Sub(z.StartOf(d)); got != hours {
				t.Fatalf("%s: %v is %v long, want %v", country, d, got, hours)
			}
		}
	}
}

func lastSunday(year int, month time.Month) Date {
	d := NewDate(year, month, 31)
	return d.AddDays(-int(d.Weekday()))
}

func TestLastSundays(t *testing.T) {
	want := []string{"2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31", "2028-03-26", "2028-10-29"}
	for n, s := range want {
		if got := lastSunday(2026+n/2, []time.Month{time.March, time.October}[n%2]); got != date(s) {
			t.Errorf("got %v, want %s", got, s)
		}
	}
}

func TestDateOf(t *testing.T) {
	for _, tt := range []struct{ zone, at, want string }{
		{"Europe/Amsterdam", "2026-11-22T22:59:59Z", "2026-11-22"}, // the edges of the day, winter and summer
		{"Europe/Amsterdam", "2026-11-22T23:00:00Z", "2026-11-23"},
		{"Europe/Amsterdam", "2026-07-01T21:59:59Z", "2026-07-01"},
		{"Europe/Amsterdam", "2026-07-01T22:00:00Z", "2026-07-02"},
		{"Europe/Amsterdam", "2026-07-01T21:59:59.999999Z", "2026-07-01"},
		{"Europe/Amsterdam", "1969-12-31T22:59:59.999999Z", "1969-12-31"},
		{"Europe/Amsterdam", "1969-12-31T23:00:00Z", "1970-01-01"},
		{"America/New_York", "2026-11-22T04:59:59Z", "2026-11-21"},
		{"Pacific/Kiritimati", "2026-11-22T10:00:00Z", "2026-11-23"},
		{"UTC", "9999-12-31T23:59:59Z", "9999-12-31"},
		{"Pacific/Kiritimati", "9999-12-31T23:59:59Z", "9999-12-31"}, // there is no later date
		{"America/New_York", "0001-01-01T00:00:00Z", "0001-01-01"},   // nor an earlier one
	} {
		if got := zone(t, tt.zone).DateOf(instant(tt.at)); got != date(tt.want) {
			t.Errorf("%s in %s is %v, want %s", tt.at, tt.zone, got, tt.want)
		}
	}
}

func TestStartOf(t *testing.T) {
	for _, tt := range []struct{ name, zone, date, want string }{
		{"winter", "Europe/Amsterdam", "2026-11-22", "2026-11-21T23:00:00Z"},
		{"summer", "Europe/Brussels", "2026-07-01", "2026-06-30T22:00:00Z"},
		{"no midnight", "Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"},
		{"two midnights", "America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"},
		{"23:00 twice the evening before", "Asia/Beirut", "2026-10-25", "2026-10-24T22:00:00Z"},
		{"no midnight, years ago", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"},
		{"a day that Samoa left out", "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},
		{"the day after it", "Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"a day that Alaska had twice", "America/Juneau", "1867-10-18", "1867-10-17T08:57:41Z"},
		{"far east", "Pacific/Kiritimati", "2026-11-22", "2026-11-21T10:00:00Z"},
		{"far west", "Etc/GMT+12", "2026-11-22", "2026-11-22T12:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := zone(t, tt.zone).StartOf(date(tt.date)); got != instant(tt.want) {
				t.Fatalf("%s in %s begins at %v, want %s", tt.date, tt.zone, got, tt.want)
			}
		})
	}
}

// At any instant, in any of many zones, the date has begun and the next has not.
func TestDateOfIsWithinItsDay(t *testing.T) {
	names := []string{"Europe/Amsterdam", "Europe/Dublin", "Africa/Casablanca", "Asia/Gaza", "Asia/Kathmandu", "America/Santiago",
		"America/St_Johns", "Antarctica/Troll", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"}
	zones := map[string]Zone{}
	for _, name := range names {
		zones[name] = zone(t, name)
	}
	from, to := instant("2012-01-01T00:00:00Z").Micros(), instant("2200-01-01T00:00:00Z").Micros()
	rapid.Check(t, func(t *rapid.T) {
		z := zones[rapid.SampledFrom(names).Draw(t, "zone")]
		i := FromMicros(rapid.Int64Range(from, to).Draw(t, "i"))
		d := z.DateOf(i)
		if i.Before(z.StartOf(d)) || !i.Before(z.StartOf(d.AddDays(1))) {
			t.Fatalf("%v is on %v, which lasts from %v to %v", i, d, z.StartOf(d), z.StartOf(d.AddDays(1)))
		}
	})
}

func TestZoneOf(t *testing.T) {
	want := map[string]string{"NL": "Europe/Amsterdam", "BE": "Europe/Brussels", "LU": "Europe/Luxembourg", "DE": "Europe/Berlin", "FR": "Europe/Paris"}
	for _, country := range slices.Sorted(maps.Keys(want)) {
		if z, err := ZoneOf(country); err != nil || z.Name() != want[country] {
			t.Errorf("%s: %s, %v; want %s", country, z.Name(), err, want[country])
		}
	}
	for _, country := range []string{"", "nl", "GB", "NLD"} {
		if z, err := ZoneOf(country); err == nil {
			t.Errorf("%q has zone %s, want an error", country, z.Name())
		}
	}
}

func TestLoadZone(t *testing.T) {
	for _, name := range []string{"", "Local", "Europe/Atlantis", "../etc/passwd"} {
		if z, err := LoadZone(name); err == nil {
			t.Errorf("%q was loaded as %s, want an error", name, z.Name())
		}
	}
	var utc Zone
	if d := date("2026-11-22"); utc.Name() != "UTC" || utc.StartOf(d) != instant("2026-11-22T00:00:00Z") || utc.DateOf(utc.StartOf(d)) != d {
		t.Errorf("the zero zone is %s", utc.Name())
	}
}

func BenchmarkDateOf(b *testing.B) {
	z, i := zone(b, "Europe/Amsterdam"), instant("2026-11-22T22:59:59Z")
	for b.Loop() {
		_ = z.DateOf(i)
	}
}

func BenchmarkStartOf(b *testing.B) {
	z, d := zone(b, "Europe/Amsterdam"), date("2026-11-22")
	for b.Loop() {
		_ = z.StartOf(d)
	}
}

func TestClock(t *testing.T) {
	z := zone(t, "Europe/Amsterdam")
	for at, want := range map[string]string{"2026-11-26T13:12:59Z": "14:12", "2026-07-01T22:00:00Z": "00:00", "1960-01-01T23:59:00Z": "00:59"} {
		if got := z.Clock(instant(at)); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
}
