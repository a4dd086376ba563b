package db

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"achteraf/calendar"
)

// Type is a column type that both engines know.
type Type int

const (
	Text Type = iota
	Bigint
	Bool
	Bytes
	Instant
	Date
)

// pgTypes names each Type as PostgreSQL does in a cast.
var pgTypes = [...]string{Text: "text", Bigint: "bigint", Bool: "boolean", Bytes: "bytea", Instant: "timestamptz", Date: "date"}

// plain reduces a Go value to what both drivers take: nil, string, int64, bool, []byte, Instant, Date.
// A zero Instant or Date is NULL, and so is a nil slice of bytes. Error: ErrText, or a type that has no place
// in a table.
func plain(v any) (any, error) {
	switch x := v.(type) {
	case nil, int64, bool:
		return v, nil
	case string:
		return v, checkText(x)
	case int:
		return int64(x), nil
	case []byte:
		if x == nil {
			return nil, nil
		}
		return v, nil
	case calendar.Instant:
		if x.IsZero() {
			return nil, nil
		}
		return v, checkInstant(x)
	case calendar.Date:
		if x.IsZero() {
			return nil, nil
		}
		return v, nil
	}
	return plainByKind(reflect.ValueOf(v))
}

func plainByKind(r reflect.Value) (any, error) {
	switch r.Kind() {
	case reflect.String:
		s := r.String()
		return s, checkText(s)
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		return r.Int(), nil
	case reflect.Bool:
		return r.Bool(), nil
	case reflect.Slice:
		if r.Type().Elem().Kind() == reflect.Uint8 {
			if r.IsNil() {
				return nil, nil
			}
			return r.Bytes(), nil
		}
	case reflect.Pointer:
		if r.IsNil() {
			return nil, nil
		}
		return plain(r.Elem().Interface())
	}
	return nil, fmt.Errorf("%w: a %s has no place in a table", ErrCheck, r.Type())
}

// checkText refuses what only one of the engines would store.
func checkText(s string) error {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return ErrText
	}
	return nil
}

// The instants that have a text form, years 0001 to 9999.
const (
	firstInstant = -62_135_596_800_000_000
	lastInstant  = 253_402_300_799_999_999
)

func checkInstant(i calendar.Instant) error {
	if us := i.Micros(); us < firstInstant || us > lastInstant {
		return fmt.Errorf("%w: the instant %d µs is outside the years 0001 to 9999", ErrCheck, us)
	}
	return nil
}

// typed is plain for a parameter of a known type; it refuses what SQLite would convert and PostgreSQL would not.
func typed(t Type, v any) (any, error) {
	v, err := plain(v)
	if err != nil || v == nil {
		return nil, err
	}
	var ok bool
	switch t {
	case Text:
		_, ok = v.(string)
	case Bigint:
		_, ok = v.(int64)
	case Bool:
		_, ok = v.(bool)
	case Bytes:
		_, ok = v.([]byte)
	case Instant:
		_, ok = v.(calendar.Instant)
	case Date:
		_, ok = v.(calendar.Date)
	}
	if !ok {
		return nil, fmt.Errorf("%w: a %s takes no %T", ErrCheck, pgTypes[t], v)
	}
	return v, nil
}

// typedRow calls f with each value of a row, after its type was checked.
func typedRow(types []Type, row []any, f func(i int, v any)) error {
	if len(row) != len(types) {
		return fmt.Errorf("%w: %d values for %d columns", ErrCheck, len(row), len(types))
	}
	for i, v := range row {
		v, err := typed(types[i], v)
		if err != nil {
			return fmt.Errorf("value %d: %w", i+1, err)
		}
		f(i, v)
	}
	return nil
}

// sqliteValue turns a plain value into SQLite's: instants and dates are their fixed-width text.
func sqliteValue(v any) driver.Value {
	switch x := v.(type) {
	case calendar.Instant:
		return x.String()
	case calendar.Date:
		return x.String()
	}
	return v
}

// pgValue turns a plain value into PostgreSQL's.
func pgValue(v any) any {
	switch x := v.(type) {
	case calendar.Instant:
		return x.Time()
	case calendar.Date:
		return pgDate(x)
	}
	return v
}

func pgDate(d calendar.Date) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
}

// pgArgs prepares parameters whose types only the statement knows.
func pgArgs(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		v, err := plain(a)
		if err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
		out[i] = pgValue(v)
	}
	return out, nil
}

// pgRow prepares one row of parameters.
func pgRow(types []Type, row []any) ([]any, error) {
	out := make([]any, len(types))
	err := typedRow(types, row, func(i int, v any) { out[i] = pgValue(v) })
	return out, err
}

// pgArrays turns rows into one array parameter for each column.
func pgArrays(types []Type, rows [][]any) ([]any, error) {
	cols := make([]column, len(types))
	for j, t := range types {
		cols[j] = newColumn(t, len(rows))
	}
	out := make([]any, len(types))
	for _, r := range rows {
		if err := typedRow(types, r, func(j int, v any) { cols[j].add(v) }); err != nil {
			return nil, err
		}
	}
	for j, c := range cols {
		out[j] = c.array()
	}
	return out, nil
}

// column gathers the values of one array parameter.
type column interface {
	add(v any)
	array() any
}

func newColumn(t Type, n int) column {
	switch t {
	case Text:
		return &values[string, string]{all: make([]string, 0, n), convert: same[string]}
	case Bigint:
		return &values[int64, int64]{all: make([]int64, 0, n), convert: same[int64]}
	case Bool:
		return &values[bool, bool]{all: make([]bool, 0, n), convert: same[bool]}
	case Instant:
		return &values[calendar.Instant, time.Time]{all: make([]time.Time, 0, n), convert: calendar.Instant.Time}
	case Date:
		return &values[calendar.Date, time.Time]{all: make([]time.Time, 0, n), convert: pgDate}
	}
	return &blobs{all: make([][]byte, 0, n)}
}

func same[T any](v T) T { return v }

// values becomes a []T, or a []*T when a row holds NULL.
type values[V, T any] struct {
	all     []T
	nulls   []int
	convert func(V) T
}

func (c *values[V, T]) add(v any) {
	var x T
	if v == nil {
		c.nulls = append(c.nulls, len(c.all))
	} else {
		x = c.convert(v.(V))
	}
	c.all = append(c.all, x)
}

func (c *values[V, T]) array() any {
	if c.nulls == nil {
		return c.all
	}
	out := make([]*T, len(c.all))
	for i := range c.all {
		out[i] = &c.all[i]
	}
	for _, i := range c.nulls {
		out[i] = nil
	}
	return out
}

// blobs is a [][]byte, in which a nil element is NULL.
type blobs struct{ all [][]byte }

func (c *blobs) add(v any) {
	b, _ := v.([]byte)
	c.all = append(c.all, b)
}

func (c *blobs) array() any { return c.all }
