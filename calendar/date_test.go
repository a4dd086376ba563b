package calendar

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func date(s string) Date {
	d, err := ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

var (
	firstDate = date("0001-01-01")
	lastDate  = date("9999-12-31")
)

// Every day there is, compared with package time.
func TestEveryDate(t *testing.T) {
	at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := int32(1); n <= lastDay; n++ {
		d := Date{n}
		y, m, day := at.Date()
		if d.Year() != y || d.Month() != m || d.Day() != day || d.Weekday() != at.Weekday() {
			t.Fatalf("day %d is %v %v, want %s", n, d, d.Weekday(), at.Format("2006-01-02 Monday"))
		}
		if got, err := ParseDate(d.String()); err != nil || got != d {
			t.Fatalf("%v reads back as %v, %v", d, got, err)
		}
		at = at.AddDate(0, 0, 1)
	}
	if got := lastDate.String(); got != "9999-12-31" || lastDate.days != lastDay {
		t.Fatalf("the last day is %s, number %d", got, lastDate.days)
	}
}

func TestParseDate(t *testing.T) {
	for _, in := range []string{"2026-11-22", "2028-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "2026-04-30"} {
		if got, err := ParseDate(in); err != nil || got.String() != in {
			t.Errorf("ParseDate(%q) = %v, %v", in, got, err)
		}
	}
	for _, tt := range []struct{ name, in string }{
		{"30 February", "2026-02-30"},
		{"29 February, no leap year", "2026-02-29"},
		{"29 February, century", "2100-02-29"},
		{"31 April", "2026-04-31"},
		{"31 June", "2026-06-31"},
		{"31 September", "2026-09-31"},
		{"31 November", "2026-11-31"},
		{"32 January", "2026-01-32"},
		{"day 0", "2026-01-00"},
		{"month 0", "2026-00-01"},
		{"month 13", "2026-13-01"},
		{"year 0", "0000-12-31"},
		{"short", "2026-1-1"},
		{"basic format", "20261122"},
		{"slashes", "2026/11/22"},
		{"second dash wrong", "2026-11/22"},
		{"sign", "+026-11-22"},
		{"letter in the year", "202x-11-22"},
		{"letter in the month", "2026-x1-22"},
		{"letter in the day", "2026-11-2x"},
		{"digit of another script", "2026-11-٢"},
		{"space", " 2026-11-2"},
		{"more after it", "2026-11-22T"},
		{"nothing", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := ParseDate(tt.in); err == nil || got != (Date{}) {
				t.Fatalf("ParseDate(%q) = %v, %v; want an error", tt.in, got, err)
			}
		})
	}
}

func TestNewDate(t *testing.T) {
	for _, tt := range []struct {
		name             string
		year, month, day int
		want             string
	}{
		{"as given", 2026, 11, 22, "2026-11-22"},
		{"30 February carried over", 2026, 2, 30, "2026-03-02"},
		{"month 13", 2026, 13, 1, "2027-01-01"},
		{"day 0", 2026, 3, 0, "2026-02-28"},
		{"before all dates", 0, 12, 31, "0001-01-01"},
		{"long before all dates", -1_000_000, 1, 1, "0001-01-01"},
		{"after all dates", 10_000, 1, 1, "9999-12-31"},
		{"long after all dates", 1_000_000, 1, 1, "9999-12-31"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := NewDate(tt.year, time.Month(tt.month), tt.day); got != date(tt.want) {
				t.Fatalf("got %v, want %s", got, tt.want)
			}
		})
	}
}

func drawDate(t *rapid.T, label string) Date {
	return Date{rapid.Int32Range(1, lastDay).Draw(t, label)}
}

func TestDateDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, e := drawDate(t, "d"), drawDate(t, "e")
		if got := d.AddDays(e.Sub(d)); got != e {
			t.Fatalf("%v plus the %d days to %v is %v", d, e.Sub(d), e, got)
		}
		if got, want := d.Compare(e), time.Duration(d.Sub(e)); got != int(max(-1, min(1, want))) ||
			d.Before(e) != (want < 0) || d.After(e) != (want > 0) || (d == e) != (want == 0) {
			t.Fatalf("%v against %v: Compare %d, Sub %d, Before %v, After %v", d, e, got, want, d.Before(e), d.After(e))
		}
		n := rapid.Int().Draw(t, "n")
		if got := d.AddDays(n); got.Before(firstDate) || got.After(lastDate) || n > 0 && got.Before(d) || n < 0 && got.After(d) {
			t.Fatalf("%v plus %d days is %v", d, n, got)
		}
	})
	for _, n := range []int{math.MinInt, -lastDay, math.MaxInt, lastDay} {
		want := firstDate
		if n > 0 {
			want = lastDate
		}
		if got := date("2026-11-22").AddDays(n); got != want {
			t.Errorf("2026-11-22 plus %d days is %v, want %v", n, got, want)
		}
	}
}

func TestAddMonths(t *testing.T) {
	for _, tt := range []struct {
		from string
		n    int
		want string
	}{
		{"2027-01-31", 1, "2027-02-28"},
		{"2027-01-31", 2, "2027-03-31"},
		{"2028-01-31", 1, "2028-02-29"},
		{"2028-02-29", 12, "2029-02-28"},
		{"2028-02-29", 48, "2032-02-29"},
		{"2028-03-31", -1, "2028-02-29"},
		{"2027-01-15", -1, "2026-12-15"},
		{"2026-12-31", 1, "2027-01-31"},
		{"2026-11-30", 0, "2026-11-30"},
		{"2026-11-30", 3, "2027-02-28"},
		{"0001-02-01", -1, "0001-01-01"},
		{"0001-02-15", -1, "0001-01-15"},
		{"0001-01-31", -1, "0001-01-01"},
		{"9999-11-30", 1, "9999-12-30"},
		{"9999-11-30", 2, "9999-12-31"},
		{"2026-11-22", math.MaxInt, "9999-12-31"},
		{"2026-11-22", math.MinInt, "0001-01-01"},
	} {
		if got := date(tt.from).AddMonths(tt.n); got != date(tt.want) {
			t.Errorf("%s plus %d months is %v, want %s", tt.from, tt.n, got, tt.want)
		}
	}
}

// n months later is the nth next month, on the same day, or on its last day when the month is too short for it.
func TestAddMonthsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := NewDate(rapid.IntRange(1000, 9000).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 31).Draw(t, "day"))
		n := rapid.IntRange(-5000, 5000).Draw(t, "n")
		got := d.AddMonths(n)
		if want := 12*d.Year() + int(d.Month()) + n; 12*got.Year()+int(got.Month()) != want {
			t.Fatalf("%v plus %d months is %v", d, n, got)
		}
		last := got.AddDays(1).Day() == 1
		if got.Day() != d.Day() && !(last && got.Day() < d.Day()) {
			t.Fatalf("%v plus %d months is %v", d, n, got)
		}
		if m := d.AddMonths(n + 1); !m.After(got) {
			t.Fatalf("%v plus %d months is %v, and plus one more %v", d, n, got, m)
		}
	})
}

func TestZeroDate(t *testing.T) {
	var none Date
	if !none.IsZero() || firstDate.IsZero() {
		t.Error("only the zero date is zero")
	}
	if none.String() != "" || none.Year() != 0 || !none.Before(firstDate) {
		t.Errorf("the zero date is %q in year %d", none, none.Year())
	}
	if got := none.AddDays(14); got != none {
		t.Errorf("no date plus 14 days is %v", got)
	}
	if got := none.AddMonths(1); got != none {
		t.Errorf("no date plus a month is %v", got)
	}
}

func FuzzParseDate(f *testing.F) {
	f.Add("2026-11-22")
	f.Add("2026-02-30")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		want, timeErr := time.Parse(time.DateOnly, s)
		if (err == nil) != (timeErr == nil && want.Year() > 0) {
			t.Fatalf("%q: %v, %v; package time says %v, %v", s, d, err, want, timeErr)
		}
		if err == nil && d.String() != s {
			t.Fatalf("%q reads as %v", s, d)
		}
	})
}

func BenchmarkDateString(b *testing.B) {
	d := date("2026-11-22")
	for b.Loop() {
		_ = d.String()
	}
}

func BenchmarkParseDate(b *testing.B) {
	for b.Loop() {
		_, _ = ParseDate("2026-11-22")
	}
}
