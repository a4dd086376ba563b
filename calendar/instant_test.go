package calendar

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseInstant(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"the fixed form", "2026-11-22T10:00:00.123456Z", "2026-11-22T10:00:00.123456Z"},
		{"no fraction", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000000Z"},
		{"short fraction", "2026-11-22T10:00:00.5Z", "2026-11-22T10:00:00.500000Z"},
		{"nanoseconds are cut off", "2026-11-22T10:00:00.123456999Z", "2026-11-22T10:00:00.123456Z"},
		{"nanoseconds before 1970 are cut off the same way", "1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999Z"},
		{"east", "2026-11-22T10:00:00+01:00", "2026-11-22T09:00:00.000000Z"},
		{"west, over midnight", "2026-11-22T20:30:00.25-05:30", "2026-11-23T02:00:00.250000Z"},
		{"leap day", "2028-02-29T00:00:00.000000Z", "2028-02-29T00:00:00.000000Z"},
		{"the first", "0001-01-01T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z"},
		{"the last", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
		{"before the first", "0001-01-01T00:00:00+00:01", ""},
		{"after the last", "9999-12-31T23:59:59-00:01", ""},
		{"year 0", "0000-12-31T00:00:00.000000Z", ""},
		{"no such day", "2026-02-30T10:00:00.000000Z", ""},
		{"no such day, other form", "2026-02-30T10:00:00Z", ""},
		{"hour 24", "2026-11-22T24:00:00.000000Z", ""},
		{"minute 60", "2026-11-22T10:60:00.000000Z", ""},
		{"leap second", "2016-12-31T23:59:60.000000Z", ""},
		{"one digit of hour", "2026-11-22T9:00:00Z", ""},
		{"comma", "2026-11-22T10:00:00,5Z", ""},
		{"space for T", "2026-11-22 10:00:00.000000Z", ""},
		{"letter in the fraction", "2026-11-22T10:00:00.00000xZ", ""},
		{"letter in the hour", "2026-11-22T1x:00:00.000000Z", ""},
		{"letter in the minute", "2026-11-22T10:0x:00.000000Z", ""},
		{"letter in the second", "2026-11-22T10:00:x0.000000Z", ""},
		{"no zone", "2026-11-22T10:00:00", ""},
		{"point without digits", "2026-11-22T10:00:00.Z", ""},
		{"minus for T", "2026-11-22-10:00:00Z", ""},
		{"point in the time", "2026-11-22T10.00:00Z", ""},
		{"two points in the time", "2026-11-22T10:00.00Z", ""},
		{"more than the zone", "2026-11-22T10:00:00ZZ", ""},
		{"offset without colon", "2026-11-22T10:00:00+0100", ""},
		{"point in the offset", "2026-11-22T10:00:00+01.00", ""},
		{"no sign in the offset", "2026-11-22T10:00:00 01:00", ""},
		{"hours of the offset", "2026-11-22T10:00:00+24:00", ""},
		{"minutes of the offset", "2026-11-22T10:00:00+01:60", ""},
		{"letter in the hours of the offset", "2026-11-22T10:00:00+0x:00", ""},
		{"letter in the minutes of the offset", "2026-11-22T10:00:00+01:0x", ""},
		{"the furthest offset", "2026-11-22T10:00:00-23:59", "2026-11-23T09:59:00.000000Z"},
		{"no zone, as long as the fixed form", "2026-11-22T10:00:00.0000000", ""},
		{"only a date", "2026-11-22", ""},
		{"space before", " 2026-11-22T10:00:00Z", ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseInstant(tt.in)
			switch {
			case tt.want == "" && err == nil:
				t.Fatalf("ParseInstant(%q) = %v, want an error", tt.in, got)
			case tt.want == "":
				if got != (Instant{}) {
					t.Fatalf("ParseInstant(%q) gave an error and %v", tt.in, got)
				}
			case err != nil:
				t.Fatal(err)
			case got.String() != tt.want:
				t.Fatalf("ParseInstant(%q) = %v, want %s", tt.in, got, tt.want)
			}
		})
	}
}

func TestInstantText(t *testing.T) {
	for _, tt := range []struct {
		name string
		us   int64
		want string
	}{
		{"zero", 0, "1970-01-01T00:00:00Z"},
		{"one microsecond", 1, "1970-01-01T00:00:00.000001Z"},
		{"one before", -1, "1969-12-31T23:59:59.999999Z"},
		{"tenths", 1_500_000, "1970-01-01T00:00:01.5Z"},
		{"noughts inside stay", 100_100, "1970-01-01T00:00:00.1001Z"},
		{"whole tens of seconds keep theirs", 10_000_000, "1970-01-01T00:00:10Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := FromMicros(tt.us).MarshalText()
			if err != nil || string(got) != tt.want {
				t.Fatalf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
	for _, us := range []int64{firstInstant - 1, lastInstant + 1, math.MinInt64, math.MaxInt64} {
		if got, err := FromMicros(us).MarshalText(); err == nil {
			t.Errorf("%d µs became %s, want an error", us, got)
		}
		if got, want := FromMicros(us).String(), time.UnixMicro(us).UTC().Format("2006-01-02T15:04:05.000000Z"); got != want {
			t.Errorf("%d µs is %s, want %s", us, got, want)
		}
	}
}

func drawInstant(t *rapid.T, label string) Instant {
	return FromMicros(rapid.Int64Range(firstInstant, lastInstant).Draw(t, label))
}

// Every text form is what package time makes of it, reads back the same, and the fixed form sorts.
func TestInstantTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, j := drawInstant(t, "i"), drawInstant(t, "j")
		if got, want := i.String(), i.Time().Format("2006-01-02T15:04:05.000000Z"); got != want {
			t.Fatalf("String is %s, want %s", got, want)
		}
		text, err := i.MarshalText()
		if want := i.Time().Format(time.RFC3339Nano); err != nil || string(text) != want {
			t.Fatalf("MarshalText is %s, %v; want %s", text, err, want)
		}
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "offset in minutes"))
		forms := []string{i.String(), string(text)}
		if away := i.Time().In(zone); away.Year() >= 1 && away.Year() <= 9999 {
			forms = append(forms, away.Format(time.RFC3339Nano))
		}
		for _, s := range forms {
			if got, err := ParseInstant(s); err != nil || got != i {
				t.Fatalf("%v written as %s reads as %v, %v", i, s, got, err)
			}
		}
		if (i.String() < j.String()) != i.Before(j) {
			t.Fatalf("%v and %v sort differently as text", i, j)
		}
	})
}

func TestInstantOrderAndArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, j := drawInstant(t, "i"), drawInstant(t, "j")
		if got, want := i.Compare(j), i.Time().Compare(j.Time()); got != want || i.Before(j) != (want < 0) || i.After(j) != (want > 0) {
			t.Fatalf("%v against %v: Compare %d, Before %v, After %v", i, j, got, i.Before(j), i.After(j))
		}
		if got, want := i.Sub(j), i.Time().Sub(j.Time()); got != want {
			t.Fatalf("%v - %v = %v, want %v", i, j, got, want)
		}
		d := time.Duration(rapid.Int64().Draw(t, "d"))
		if got, want := i.Add(d), i.Time().Add(d.Truncate(time.Microsecond)); !got.Time().Equal(want) {
			t.Fatalf("%v + %v = %v, want %v", i, d, got, want)
		}
		if At(i.Time()) != i || FromMicros(i.Micros()) != i {
			t.Fatalf("%v does not survive Time or Micros", i)
		}
	})
}

func TestInstantSubAtTheEnds(t *testing.T) {
	const low, high = math.MinInt64, math.MaxInt64
	for _, tt := range []struct {
		i, j int64
		want time.Duration
	}{
		{high, low, math.MaxInt64},
		{low, high, math.MinInt64},
		{high, 0, math.MaxInt64},
		{low, 0, math.MinInt64},
		{low, 1, math.MinInt64},
		{1, low, math.MaxInt64},
		{high, high - 1, time.Microsecond},
		{low, low, 0},
		{math.MaxInt64 / 1000, 0, math.MaxInt64 / 1000 * 1000},
		{math.MaxInt64/1000 + 1, 0, math.MaxInt64},
		{0, math.MaxInt64/1000 + 2, math.MinInt64},
	} {
		if got := FromMicros(tt.i).Sub(FromMicros(tt.j)); got != tt.want {
			t.Errorf("%d - %d = %v, want %v", tt.i, tt.j, got, tt.want)
		}
	}
}

func TestInstantIsZero(t *testing.T) {
	if !(Instant{}).IsZero() || FromMicros(1).IsZero() {
		t.Error("only the zero instant is zero")
	}
}

func TestJSON(t *testing.T) {
	type row struct {
		At  Instant
		Due Date
		Off Date
		Was Instant `json:",omitzero"`
	}
	const want = `{"At":"2026-11-22T10:00:00Z","Due":"2026-12-06","Off":""}`
	in := row{At: At(time.Date(2026, 11, 22, 11, 0, 0, 999, time.FixedZone("", 3600))), Due: NewDate(2026, 12, 6)}
	text, err := json.Marshal(in)
	if err != nil || string(text) != want {
		t.Fatalf("got %s, %v; want %s", text, err, want)
	}
	out := row{Off: NewDate(2000, 1, 1)}
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Fatalf("read back %+v, %v; want %+v", out, err, in)
	}
	for _, bad := range []string{`{"At":""}`, `{"At":null,"Due":"2026-2-3"}`, `{"Due":" "}`, `{"At":5}`} {
		if err := json.Unmarshal([]byte(bad), new(row)); err == nil {
			t.Errorf("%s was read without an error", bad)
		}
	}
}

// What ParseInstant takes, it writes again and reads as the same instant; package time agrees on its value.
func FuzzParseInstant(f *testing.F) {
	for _, s := range []string{"2026-11-22T10:00:00.000000Z", "2026-11-22T10:00:00+01:00", "0001-01-01T00:00:00Z", "2026-02-30T00:00:00.000000Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := ParseInstant(s)
		if err != nil {
			return
		}
		want, err := time.Parse(time.RFC3339, s)
		if err != nil || At(want) != i {
			t.Fatalf("%q reads as %v; package time says %v, %v", s, i, want, err)
		}
		if again, err := ParseInstant(i.String()); err != nil || again != i {
			t.Fatalf("%q is %v, which reads as %v, %v", s, i, again, err)
		}
	})
}

func BenchmarkInstantString(b *testing.B) {
	i := FromMicros(1_795_341_600_123_456)
	for b.Loop() {
		_ = i.String()
	}
}

func BenchmarkParseInstant(b *testing.B) {
	for b.Loop() {
		_, _ = ParseInstant("2026-11-22T10:00:00.123456Z")
	}
}
