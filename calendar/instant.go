package calendar

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Instant is a moment in UTC, in whole microseconds: all that both database engines keep.
// The zero Instant is 1970-01-01T00:00:00Z and stands for "not set". Compare with ==.
type Instant struct {
	us int64 // since 1970
}

const (
	firstInstant = -62_135_596_800_000_000 // 0001-01-01T00:00:00Z, the first that has a text form
	lastInstant  = 253_402_300_799_999_999 // 9999-12-31T23:59:59.999999Z, the last
)

// At returns the instant of t, with parts of a microsecond cut off.
func At(t time.Time) Instant { return Instant{t.UnixMicro()} }

// FromMicros returns the instant us microseconds after the start of 1970 in UTC.
func FromMicros(us int64) Instant { return Instant{us} }

// Micros returns the microseconds since the start of 1970 in UTC.
func (i Instant) Micros() int64 { return i.us }

// Time returns i as a time in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(i.us).UTC() }

// Add returns i moved by d, of which parts of a microsecond are cut off.
func (i Instant) Add(d time.Duration) Instant { return Instant{i.us + d.Microseconds()} }

// Sub returns the time from j to i. Beyond 292 years it is the longest duration there is.
func (i Instant) Sub(j Instant) time.Duration {
	us := i.us - j.us
	d := time.Duration(us) * time.Microsecond
	switch {
	case (us > 0) == (i.us > j.us) && d.Microseconds() == us: // neither has wrapped
		return d
	case i.us < j.us:
		return math.MinInt64
	}
	return math.MaxInt64
}

// Before reports whether i is earlier than j.
func (i Instant) Before(j Instant) bool { return i.us < j.us }

// After reports whether i is later than j.
func (i Instant) After(j Instant) bool { return i.us > j.us }

// Compare returns -1, 0 or +1 as i is earlier than, the same as, or later than j.
func (i Instant) Compare(j Instant) int { return cmp.Compare(i.us, j.us) }

// IsZero reports whether i is not set.
func (i Instant) IsZero() bool { return i.us == 0 }

// String returns i in the fixed form "2026-11-22T10:00:00.000000Z", which sorts as text in the order of time.
func (i Instant) String() string {
	if !i.hasText() {
		return i.Time().Format("2006-01-02T15:04:05.000000Z")
	}
	var b [len(fixedForm)]byte
	return string(i.append(b[:0]))
}

// MarshalText returns i in RFC 3339 without needless digits: "2026-11-22T10:00:00Z".
// It fails outside the years 0001 to 9999, for which RFC 3339 has no form.
func (i Instant) MarshalText() ([]byte, error) {
	if !i.hasText() {
		return nil, fmt.Errorf("instant %d µs is outside the years 0001 to 9999", i.us)
	}
	b := i.append(make([]byte, 0, len(fixedForm)))
	end := len(b) - len("Z")
	for b[end-1] == '0' && end > len("2006-01-02T15:04:05.") {
		end--
	}
	if b[end-1] == '.' {
		end--
	}
	return append(b[:end], 'Z'), nil
}

// UnmarshalText is ParseInstant.
func (i *Instant) UnmarshalText(text []byte) (err error) {
	*i, err = ParseInstant(string(text))
	return err
}

// ParseInstant reads RFC 3339 with any offset, hence also what String and MarshalText write.
// Digits after the microsecond are cut off.
func ParseInstant(s string) (Instant, error) {
	const zone = 19 // where the fraction or the zone begins
	if len(s) <= zone || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return Instant{}, errInstant(s)
	}
	d, err := ParseDate(s[:10])
	hour, minute, second := digits(s[11:13]), digits(s[14:16]), digits(s[17:19])
	us, rest, ok1 := parseFraction(s[zone:])
	ahead, ok2 := parseOffset(rest)
	if err != nil || !ok1 || !ok2 || !isClock(hour, minute) || second < 0 || second > 59 {
		return Instant{}, errInstant(s)
	}
	seconds := int64(d.days-daysTo1970)*daySeconds + int64(hour*3600+minute*60+second-ahead)
	i := Instant{seconds*secondUs + int64(us)}
	if !i.hasText() {
		return Instant{}, errInstant(s)
	}
	return i, nil
}

func errInstant(s string) error {
	return fmt.Errorf("%.40q is not a time such as 2026-11-22T10:00:00Z", s)
}

// parseFraction reads the digits after a point, if there is one, in microseconds.
func parseFraction(s string) (us int, rest string, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	end := 1
	for ; end < len(s) && '0' <= s[end] && s[end] <= '9'; end++ {
		if end <= 6 {
			us = us*10 + int(s[end]-'0')
		}
	}
	for n := end; n <= 6; n++ {
		us *= 10
	}
	return us, s[end:], end > 1
}

// parseOffset reads "Z" or "+01:00", in seconds ahead of UTC.
func parseOffset(s string) (ahead int, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+01:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := digits(s[1:3]), digits(s[4:])
	ahead = hours*3600 + minutes*60
	if s[0] == '-' {
		ahead = -ahead
	}
	return ahead, isClock(hours, minutes)
}

func isClock(hours, minutes int) bool {
	return 0 <= hours && hours <= 23 && 0 <= minutes && minutes <= 59
}

func (i Instant) hasText() bool { return firstInstant <= i.us && i.us <= lastInstant }

const (
	fixedForm  = "2006-01-02T15:04:05.000000Z"
	secondUs   = 1_000_000
	daySeconds = 86_400
	dayUs      = daySeconds * secondUs
	daysTo1970 = 719_163 // from 0000-12-31, day number 0 of Date
)

// append writes the fixed form. time.Format would do, but every row written carries an instant or two.
func (i Instant) append(b []byte) []byte {
	d, us := Date{int32(floorDiv(i.us, dayUs) + daysTo1970)}, i.us-floorDiv(i.us, dayUs)*dayUs
	sec := int(us / secondUs)
	b = append(d.append(b), 'T')
	b = append(appendDigits(b, sec/3600, 2), ':')
	b = append(appendDigits(b, sec/60%60, 2), ':')
	b = append(appendDigits(b, sec%60, 2), '.')
	return append(appendDigits(b, int(us%secondUs), 6), 'Z')
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// appendDigits writes n in exactly width digits.
func appendDigits(b []byte, n, width int) []byte {
	for range width {
		b = append(b, '0')
	}
	for at := len(b) - 1; n > 0; at, n = at-1, n/10 {
		b[at] += byte(n % 10)
	}
	return b
}

// digits reads s, which is short, or returns -1 when anything else than a decimal digit is in it.
func digits(s string) int {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
