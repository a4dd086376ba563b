package db

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"

	"achteraf/calendar"

	"github.com/jackc/pgx/v5/pgtype"
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
// A zero Instant or Date is NULL, and so is a nil slice of bytes.
func plain(v any) any {
	switch x := v.(type) {
	case nil, string, int64, bool:
		return v
	case int:
		return int64(x)
	case []byte:
		if x == nil {
			return nil
		}
		return x
	case calendar.Instant:
		if x.IsZero() {
			return nil
		}
		return x
	case calendar.Date:
		if x.IsZero() {
			return nil
		}
		return x
	}
	return plainByKind(reflect.ValueOf(v))
}

func plainByKind(r reflect.Value) any {
	switch r.Kind() {
	case reflect.String:
		return r.String()
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		return r.Int()
	case reflect.Bool:
		return r.Bool()
	case reflect.Slice:
		if r.Type().Elem().Kind() == reflect.Uint8 {
			if r.IsNil() {
				return nil
			}
			return r.Bytes()
		}
	case reflect.Pointer:
		if r.IsNil() {
			return nil
		}
		return plain(r.Elem().Interface())
	}
	panic(fmt.Sprintf("db: cannot bind a %s", r.Type()))
}

// sqliteValue is plain for SQLite: instants and dates are their fixed-width text.
func sqliteValue(v any) driver.Value {
	switch x := plain(v).(type) {
	case calendar.Instant:
		return x.String()
	case calendar.Date:
		return x.String()
	default:
		return x
	}
}

// pgValue is plain for PostgreSQL.
func pgValue(v any) any {
	switch x := plain(v).(type) {
	case calendar.Instant:
		return x.Time()
	case calendar.Date:
		return pgDate(x)
	default:
		return x
	}
}

func pgValues(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = pgValue(a)
	}
	return out
}

func pgDate(d calendar.Date) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
}

// pgColumn gathers column j of rows as one PostgreSQL array parameter.
func pgColumn(t Type, rows [][]any, j int) any {
	switch t {
	case Text:
		return gather[string](rows, j, nil)
	case Bigint:
		return gather[int64](rows, j, nil)
	case Bool:
		return gather[bool](rows, j, nil)
	case Instant:
		return gather(rows, j, func(v any) time.Time { return v.(calendar.Instant).Time() })
	case Date:
		return gather(rows, j, func(v any) time.Time { return pgDate(v.(calendar.Date)) })
	}
	out := make([][]byte, len(rows)) // a nil element is NULL
	for i, r := range rows {
		if v := plain(r[j]); v != nil {
			out[i] = v.([]byte)
		}
	}
	return out
}

// gather returns a []T, or a []*T when a row holds NULL.
func gather[T any](rows [][]any, j int, convert func(any) T) any {
	out := make([]T, len(rows))
	for i, r := range rows {
		v := plain(r[j])
		if v == nil {
			return gatherNull(rows, j, convert)
		}
		if convert != nil {
			out[i] = convert(v)
		} else {
			out[i] = v.(T)
		}
	}
	return out
}

func gatherNull[T any](rows [][]any, j int, convert func(any) T) any {
	out := make([]*T, len(rows))
	for i, r := range rows {
		v := plain(r[j])
		if v == nil {
			continue
		}
		var x T
		if convert != nil {
			x = convert(v)
		} else {
			x = v.(T)
		}
		out[i] = &x
	}
	return out
}

// fill stores one SQLite column value in dest. NULL becomes the zero value.
func fill(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case *string:
		if v == nil {
			*d = ""
			return nil
		}
		s, ok := v.(string)
		if !ok {
			return fmt.Errorf("db: column holds %T, not text", v)
		}
		*d = s
	case *int64:
		if v == nil {
			*d = 0
			return nil
		}
		n, ok := v.(int64)
		if !ok {
			return fmt.Errorf("db: column holds %T, not an integer", v)
		}
		*d = n
	case *int:
		var n int64
		if err := fill(&n, v); err != nil {
			return err
		}
		*d = int(n)
	case *bool:
		switch x := v.(type) {
		case nil:
			*d = false
		case bool:
			*d = x
		case int64:
			*d = x != 0
		default:
			return fmt.Errorf("db: column holds %T, not a truth value", v)
		}
	case *[]byte:
		if v == nil {
			*d = nil
			return nil
		}
		b, ok := v.([]byte)
		if !ok {
			return fmt.Errorf("db: column holds %T, not bytes", v)
		}
		*d = b
	case *calendar.Instant:
		if v == nil {
			*d = calendar.Instant{}
			return nil
		}
		s, _ := v.(string)
		i, err := calendar.ParseInstant(s)
		if err != nil {
			return fmt.Errorf("db: column is no instant: %w", err)
		}
		*d = i
	case *calendar.Date:
		if v == nil {
			*d = calendar.Date{}
			return nil
		}
		s, _ := v.(string)
		x, err := calendar.ParseDate(s)
		if err != nil {
			return fmt.Errorf("db: column is no date: %w", err)
		}
		*d = x
	default:
		return fillByKind(dest, v)
	}
	return nil
}

// fillByKind serves named strings, integers and byte slices of the stages.
func fillByKind(dest any, v driver.Value) error {
	r := reflect.ValueOf(dest)
	if r.Kind() != reflect.Pointer {
		return fmt.Errorf("db: cannot scan into %T", dest)
	}
	e := r.Elem()
	switch e.Kind() {
	case reflect.String:
		var s string
		if err := fill(&s, v); err != nil {
			return err
		}
		e.SetString(s)
	case reflect.Int, reflect.Int64, reflect.Int32:
		var n int64
		if err := fill(&n, v); err != nil {
			return err
		}
		e.SetInt(n)
	case reflect.Bool:
		var b bool
		if err := fill(&b, v); err != nil {
			return err
		}
		e.SetBool(b)
	case reflect.Slice:
		var b []byte
		if err := fill(&b, v); err != nil {
			return err
		}
		e.SetBytes(b)
	default:
		return fmt.Errorf("db: cannot scan into %T", dest)
	}
	return nil
}

// pgDest wraps dest so that pgx can fill it; after is run once the row was read, nil when not needed.
func pgDest(dest any) (target any, after func()) {
	switch d := dest.(type) {
	case *int64:
		var n pgtype.Int8
		return &n, func() { *d = n.Int64 }
	case *string:
		var s pgtype.Text
		return &s, func() { *d = s.String }
	case *[]byte:
		return d, nil
	case *bool:
		var b pgtype.Bool
		return &b, func() { *d = b.Bool }
	case *int:
		var n pgtype.Int8
		return &n, func() { *d = int(n.Int64) }
	case *calendar.Instant:
		var t pgtype.Timestamptz
		return &t, func() {
			*d = calendar.Instant{}
			if t.Valid {
				*d = calendar.At(t.Time)
			}
		}
	case *calendar.Date:
		var t pgtype.Date
		return &t, func() {
			*d = calendar.Date{}
			if t.Valid {
				*d = calendar.NewDate(t.Time.Year(), t.Time.Month(), t.Time.Day())
			}
		}
	}
	e := reflect.ValueOf(dest).Elem()
	switch e.Kind() {
	case reflect.String:
		var s pgtype.Text
		return &s, func() { e.SetString(s.String) }
	case reflect.Int, reflect.Int64, reflect.Int32:
		var n pgtype.Int8
		return &n, func() { e.SetInt(n.Int64) }
	case reflect.Bool:
		var b pgtype.Bool
		return &b, func() { e.SetBool(b.Bool) }
	case reflect.Slice:
		b := new([]byte)
		return b, func() { e.SetBytes(*b) }
	}
	panic(fmt.Sprintf("db: cannot scan into %T", dest))
}
