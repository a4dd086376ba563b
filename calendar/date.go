package calendar

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Date is a day of the civil calendar, without a zone. The zero Date is no date at all: it comes before
// every date, its text is empty, and it stays zero whatever is added to it. Compare with ==.
type Date struct {
	days int32 // 1 is 0001-01-01
}

const lastDay = 3_652_059 // 9999-12-31

// NewDate returns the date of a year, month and day, which are carried over as time.Date does:
// 30 February is 1 or 2 March. What people type goes through ParseDate instead.
func NewDate(year int, month time.Month, day int) Date {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return dateFrom(floorDiv(t.Unix(), daySeconds) + daysTo1970)
}

// dateFrom returns the day of that number, or the end of the range that it is beyond.
func dateFrom(days int64) Date { return Date{int32(min(max(days, 1), lastDay))} }

var errDate = errors.New("not a date such as 2026-11-22")

// ParseDate reads "2006-01-02" and nothing else; a day that its month does not have is an error.
func ParseDate(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return Date{}, fmt.Errorf("%.40q: %w", s, errDate)
	}
	year, month, day := digits(s[:4]), digits(s[5:7]), digits(s[8:])
	if year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return Date{}, fmt.Errorf("%q: %w", s, errDate)
	}
	return Date{number(year, month, day)}, nil
}

// number counts the days from 0000-12-31. The year is taken to begin in March, so that the leap day is its last
// and the lengths of the months follow one line.
func number(year, month, day int) int32 {
	if month < 3 {
		year, month = year-1, month+12
	}
	return int32(365*year + year/4 - year/100 + year/400 + (153*month-457)/5 + day - 306)
}

// civil is the reverse of number, after Hinnant, "chrono-compatible low-level date algorithms".
func (d Date) civil() (year, month, day int) {
	n := int(d.days) + 305 // 0 is 0000-03-01
	era, inEra := n/146_097, n%146_097
	yearOfEra := (inEra - inEra/1_460 + inEra/36_524 - inEra/146_096) / 365
	dayOfYear := inEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*dayOfYear + 2) / 153
	year, month, day = 400*era+yearOfEra, m+3, dayOfYear-(153*m+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Year returns the year of d, and 0 when d is zero.
func (d Date) Year() int { y, _, _ := d.civil(); return y }

// Month returns the month of d.
func (d Date) Month() time.Month { _, m, _ := d.civil(); return time.Month(m) }

// Day returns the day of the month of d.
func (d Date) Day() int { _, _, day := d.civil(); return day }

// Weekday returns the day of the week of d.
func (d Date) Weekday() time.Weekday { return time.Weekday(d.days % 7) }

// AddDays returns the date n days after d, or before it when n is negative.
func (d Date) AddDays(n int) Date {
	if d.IsZero() {
		return d
	}
	n = min(max(n, -lastDay), lastDay)
	return dateFrom(int64(d.days) + int64(n))
}

// AddMonths returns the same day n months later, or the last of that month if it is shorter. Count from the
// original day: January 31 plus two months is March 31, but plus one and again one it is March 28.
func (d Date) AddMonths(n int) Date {
	if d.IsZero() {
		return d
	}
	y, m, day := d.civil()
	months := y*12 + m - 1 + min(max(n, -120_000), 120_000)
	if months < 12 {
		return Date{1}
	}
	if y, m = months/12, months%12+1; y > 9999 {
		return Date{lastDay}
	}
	return Date{number(y, m, min(day, daysIn(y, m)))}
}

// Sub returns the days from e to d.
func (d Date) Sub(e Date) int { return int(d.days) - int(e.days) }

// Before reports whether d is earlier than e.
func (d Date) Before(e Date) bool { return d.days < e.days }

// After reports whether d is later than e.
func (d Date) After(e Date) bool { return d.days > e.days }

// Compare returns -1, 0 or +1 as d is earlier than, the same as, or later than e.
func (d Date) Compare(e Date) int { return cmp.Compare(d.days, e.days) }

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d.days == 0 }

// String returns "2006-01-02", or "" when d is zero.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	var b [10]byte
	return string(d.append(b[:0]))
}

func (d Date) append(b []byte) []byte {
	y, m, day := d.civil()
	b = append(appendDigits(b, y, 4), '-')
	b = append(appendDigits(b, m, 2), '-')
	return appendDigits(b, day, 2)
}

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDate, and empty text is the zero Date.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(text))
	return err
}
