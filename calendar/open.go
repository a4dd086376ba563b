package calendar

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/ecb"
	"github.com/rickar/cal/v2/nl"
)

// Calendar tells open days from closed ones. Saturdays and Sundays are closed. It is made by Named, never changes
// and may be used by many goroutines. Keep it: it remembers the holidays it has worked out.
type Calendar struct {
	name  string
	rules []*cal.Holiday // yearly; of package cal, never written to
	extra []Holiday      // single days, by date
	years *years
}

// Holiday is a closed day that is not closed for being in a weekend, though it may fall in one.
type Holiday struct {
	Date Date
	Name string // in the language of the country; of TARGET in English
}

// years caches holidays by year. Most calls ask for the same two or three years.
type years struct {
	sync.RWMutex
	holidays map[int][]Holiday
}

// Named returns the calendar of that name, by today's law for every year:
//
//   - "NL": Algemene termijnenwet, art. 3(1)-(2), so with Good Friday, and 5 May every year. For legal terms and contact.
//   - "BE": the ten holidays of the royal decree of 18 April 1974, art. 1. For the same.
//   - "TARGET": the closing days of T2, the payment system of the Eurosystem. For money at banks.
func Named(name string) (Calendar, error) {
	var rules []*cal.Holiday
	switch name {
	case "NL":
		rules = nl.Holidays
	case "BE":
		rules = be.Holidays
	case "TARGET":
		rules = ecb.Holidays
	default:
		return Calendar{}, fmt.Errorf("no calendar is called %.40q", name)
	}
	return Calendar{name, slices.Clone(rules), nil, &years{holidays: map[int][]Holiday{}}}, nil
}

// With returns c with more closed days. Both governments add single ones, such as the Friday after Ascension
// (Algemene termijnenwet, art. 3(3)); they are data, not code.
func (c Calendar) With(days ...Holiday) Calendar {
	c.extra = slices.Concat(c.extra, days)
	c.years = &years{holidays: map[int][]Holiday{}}
	return c
}

// Name returns the name that Named took.
func (c Calendar) Name() string { return c.name }

// Holidays returns the holidays of a year by date; two may fall on one. The caller may change the result.
func (c Calendar) Holidays(year int) []Holiday { return slices.Clone(c.of(year)) }

func (c Calendar) of(year int) []Holiday {
	c.years.RLock()
	list, ok := c.years.holidays[year]
	c.years.RUnlock()
	if ok {
		return list
	}
	list = c.workOut(year)
	c.years.Lock()
	defer c.years.Unlock()
	c.years.holidays[year] = list
	return list
}

func (c Calendar) workOut(year int) []Holiday {
	var list []Holiday
	for _, rule := range c.rules {
		_, observed := rule.Calc(year)
		// Package cal answers with midnight where the machine stands, or an hour beside it where there is none.
		y, m, d := observed.Add(12 * time.Hour).Date()
		list = append(list, Holiday{NewDate(y, m, d), rule.Name})
	}
	for _, h := range c.extra {
		if h.Date.Year() == year {
			list = append(list, h)
		}
	}
	slices.SortStableFunc(list, func(a, b Holiday) int { return a.Date.Compare(b.Date) })
	return list
}

// Open reports whether d is neither in a weekend nor a holiday.
func (c Calendar) Open(d Date) bool {
	if w := d.Weekday(); w == time.Saturday || w == time.Sunday {
		return false
	}
	return !slices.ContainsFunc(c.of(d.Year()), func(h Holiday) bool { return h.Date == d })
}

// Next returns d if it is open, else the next open day.
func (c Calendar) Next(d Date) Date { return c.seek(d, 1) }

// AddOpen returns the nth open day after d, or before it when n is negative; when n is 0 it is Next. So D+1 of a
// Saturday is Monday; whoever means "deemed received on Monday, hence Tuesday" adds to Next of the Saturday.
func (c Calendar) AddOpen(d Date, n int) Date {
	if n == 0 {
		return c.Next(d)
	}
	step := 1
	if n < 0 {
		step = -1
	}
	for n = min(max(n, -lastDay), lastDay); n != 0; n -= step {
		d = c.seek(d.AddDays(step), step)
	}
	return d
}

// seek goes from d in steps to the first open day.
func (c Calendar) seek(d Date, step int) Date {
	for !c.Open(d) && d.AddDays(step) != d { // no further at the end of all dates, nor from none
		d = d.AddDays(step)
	}
	return d
}
