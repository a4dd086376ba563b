package calendar

import (
	"fmt"
	"sort"
	"time"
	_ "time/tzdata" // the zones travel with the program
)

// Zone is a time zone of the IANA database. The zero Zone is UTC. Compare zones by name, not with ==.
type Zone struct {
	loc *time.Location
}

// countries holds the zone in which a debtor's civil dates are counted. The overseas parts of France are not in it.
var countries = map[string]Zone{
	"NL": mustLoad("Europe/Amsterdam"),
	"BE": mustLoad("Europe/Brussels"),
	"LU": mustLoad("Europe/Luxembourg"),
	"DE": mustLoad("Europe/Berlin"),
	"FR": mustLoad("Europe/Paris"),
}

func mustLoad(name string) Zone {
	z, err := LoadZone(name)
	if err != nil {
		panic(err) // the database is part of the program
	}
	return z
}

// ZoneOf returns the zone of a country, given by its ISO 3166 code in capitals.
func ZoneOf(country string) (Zone, error) {
	z, ok := countries[country]
	if !ok {
		return Zone{}, fmt.Errorf("no time zone is known for country %.40q", country)
	}
	return z, nil
}

// LoadZone returns the zone of that name, such as "Europe/Amsterdam". It reads the database, so keep the result.
func LoadZone(name string) (Zone, error) {
	if name == "" || name == "Local" { // to package time these are UTC and wherever the machine stands
		return Zone{}, fmt.Errorf("%q is not the name of a time zone", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return Zone{}, fmt.Errorf("time zone %.40q: %w", name, err)
	}
	return Zone{loc}, nil
}

// Name returns the name that LoadZone takes.
func (z Zone) Name() string { return z.location().String() }

func (z Zone) location() *time.Location {
	if z.loc == nil {
		return time.UTC
	}
	return z.loc
}

// offset returns how many seconds z is ahead of UTC at a Unix time.
func (z Zone) offset(unix int64) int64 {
	_, seconds := time.Unix(unix, 0).In(z.location()).Zone()
	return int64(seconds)
}

// DateOf returns the civil date in z at i.
func (z Zone) DateOf(i Instant) Date {
	unix := floorDiv(i.us, secondUs)
	return dateFrom(floorDiv(unix+z.offset(unix), daySeconds) + daysTo1970)
}

// Clock returns the time of day in z at i: "14:05".
func (z Zone) Clock(i Instant) string {
	unix := floorDiv(i.us, secondUs)
	unix += z.offset(unix)
	minute := (unix - daySeconds*floorDiv(unix, daySeconds)) / 60
	return fmt.Sprintf("%02d:%02d", minute/60, minute%60)
}

// StartOf returns the first instant of d in z. Where the clock jumps over midnight that is the moment of the jump,
// where it strikes midnight twice the first stroke, and where the whole day is left out the start of the next.
//
// It looks for the jump itself: Time.ZoneBounds of Go 1.26 is wrong on the last day of leap years.
func (z Zone) StartOf(d Date) Instant {
	const reach = 16 * 3600 // no zone was ever further from UTC, nor moved its clock twice within two reaches
	midnight := int64(d.days-daysTo1970) * daySeconds
	before, after := z.offset(midnight-reach), z.offset(midnight+reach)
	start := midnight - before
	if before != after {
		jump := midnight - reach + int64(sort.Search(2*reach, func(n int) bool { return z.offset(midnight-reach+int64(n)) != before }))
		if start >= jump {
			start = max(jump, midnight-after)
		}
	}
	return Instant{start * secondUs}
}
