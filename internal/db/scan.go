package db

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"reflect"

	"achteraf/calendar"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// cell is one column value of a row as its engine gives it. NULL reads as the zero value of each.
type cell interface {
	text() (string, error)
	integer() (int64, error)
	truth() (bool, error)
	bytes() ([]byte, error) // a copy
	instant() (calendar.Instant, error)
	date() (calendar.Date, error)
}

// fill reads a cell into *string, *int64, *int, *bool, *[]byte, *calendar.Instant, *calendar.Date or a
// pointer to a named kind of these.
func fill[C cell](dest any, c C) (err error) {
	switch d := dest.(type) {
	case *string:
		*d, err = c.text()
	case *int64:
		*d, err = c.integer()
	case *int:
		var n int64
		n, err = c.integer()
		*d = int(n)
	case *bool:
		*d, err = c.truth()
	case *[]byte:
		*d, err = c.bytes()
	case *calendar.Instant:
		*d, err = c.instant()
	case *calendar.Date:
		*d, err = c.date()
	default:
		return fillByKind(reflect.ValueOf(dest), c)
	}
	return err
}

func fillByKind[C cell](dest reflect.Value, c C) error {
	if dest.Kind() != reflect.Pointer || dest.IsNil() {
		return fmt.Errorf("db: cannot read into a %s", dest.Type())
	}
	switch e := dest.Elem(); e.Kind() {
	case reflect.String:
		s, err := c.text()
		e.SetString(s)
		return err
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		n, err := c.integer()
		if err == nil && e.OverflowInt(n) {
			return fmt.Errorf("db: %d does not fit into a %s", n, e.Type())
		}
		e.SetInt(n)
		return err
	case reflect.Bool:
		b, err := c.truth()
		e.SetBool(b)
		return err
	case reflect.Slice:
		if e.Type().Elem().Kind() == reflect.Uint8 {
			b, err := c.bytes()
			e.SetBytes(b)
			return err
		}
	}
	return fmt.Errorf("db: cannot read into a %s", dest.Type())
}

// liteCell is a cell of SQLite.
type liteCell struct{ v driver.Value }

func liteAs[T any](v driver.Value, kind string) (T, error) {
	x, ok := v.(T)
	if !ok && v != nil {
		return x, fmt.Errorf("db: the column holds a %T, not %s", v, kind)
	}
	return x, nil
}

func (c liteCell) text() (string, error)   { return liteAs[string](c.v, "a text") }
func (c liteCell) integer() (int64, error) { return liteAs[int64](c.v, "an integer") }

func (c liteCell) truth() (bool, error) {
	n, err := liteAs[int64](c.v, "a truth value")
	return n != 0, err
}

func (c liteCell) bytes() ([]byte, error) {
	b, err := liteAs[[]byte](c.v, "bytes")
	if b == nil && c.v != nil && err == nil {
		return []byte{}, nil // the driver reads a blob of no bytes as a nil slice
	}
	return b, err
}

func (c liteCell) instant() (calendar.Instant, error) {
	s, err := liteAs[string](c.v, "an instant")
	if err != nil || c.v == nil {
		return calendar.Instant{}, err
	}
	return calendar.ParseInstant(s)
}

func (c liteCell) date() (calendar.Date, error) {
	s, err := liteAs[string](c.v, "a date")
	if err != nil || c.v == nil {
		return calendar.Date{}, err
	}
	return calendar.ParseDate(s)
}

// pgCell is a cell of PostgreSQL: the bytes as they came, which the connection will use again.
type pgCell struct {
	field *pgconn.FieldDescription
	raw   []byte
}

// is checks the type of the column, and that its bytes came in the form we asked for.
func (c pgCell) is(kind string, size int, oids ...uint32) error {
	known := false
	for _, oid := range oids {
		known = known || c.field.DataTypeOID == oid
	}
	switch {
	case !known:
		return fmt.Errorf("db: column %q is of PostgreSQL's type %d, not %s", c.field.Name, c.field.DataTypeOID, kind)
	case c.raw == nil || size == 0:
		return nil
	case c.field.Format != pgtype.BinaryFormatCode || size > 0 && len(c.raw) != size:
		return fmt.Errorf("db: column %q did not come as %d bytes", c.field.Name, size)
	}
	return nil
}

func (c pgCell) text() (string, error) {
	err := c.is("a text", 0, pgtype.TextOID, pgtype.VarcharOID, pgtype.NameOID, pgtype.UnknownOID)
	return string(c.raw), err
}

func (c pgCell) integer() (int64, error) {
	err := c.is("an integer", -1, pgtype.Int8OID, pgtype.Int4OID, pgtype.Int2OID, pgtype.NumericOID)
	if err != nil || c.raw == nil {
		return 0, err
	}
	if c.field.DataTypeOID == pgtype.NumericOID { // the sum of bigints is one
		var n pgtype.Int8
		err := pgtype.NumericCodec{}.PlanScan(nil, pgtype.NumericOID, pgtype.BinaryFormatCode, &n).Scan(c.raw, &n)
		return n.Int64, err
	}
	switch len(c.raw) {
	case 8:
		return int64(binary.BigEndian.Uint64(c.raw)), nil
	case 4:
		return int64(int32(binary.BigEndian.Uint32(c.raw))), nil
	case 2:
		return int64(int16(binary.BigEndian.Uint16(c.raw))), nil
	}
	return 0, nil
}

func (c pgCell) truth() (bool, error) {
	err := c.is("a truth value", 1, pgtype.BoolOID)
	return err == nil && c.raw != nil && c.raw[0] != 0, err
}

func (c pgCell) bytes() ([]byte, error) {
	if err := c.is("bytes", -1, pgtype.ByteaOID); err != nil || c.raw == nil {
		return nil, err
	}
	return append([]byte{}, c.raw...), nil
}

// pgEpoch is 2000-01-01, from which PostgreSQL counts.
const pgEpoch = 946_684_800_000_000 // microseconds since 1970

func (c pgCell) instant() (calendar.Instant, error) {
	if err := c.is("an instant", 8, pgtype.TimestamptzOID); err != nil || c.raw == nil {
		return calendar.Instant{}, err
	}
	i := calendar.FromMicros(int64(binary.BigEndian.Uint64(c.raw)) + pgEpoch)
	return i, checkInstant(i) // PostgreSQL's infinity is outside
}

func (c pgCell) date() (calendar.Date, error) {
	if err := c.is("a date", 4, pgtype.DateOID); err != nil || c.raw == nil {
		return calendar.Date{}, err
	}
	days := int32(binary.BigEndian.Uint32(c.raw))
	if days < firstDate || days > lastDate {
		return calendar.Date{}, fmt.Errorf("db: column %q is outside the years 0001 to 9999", c.field.Name)
	}
	return calendar.NewDate(2000, 1, 1).AddDays(int(days)), nil
}

// The dates of the years 0001 to 9999 in days since 2000-01-01.
const (
	firstDate = -730_119
	lastDate  = 2_921_939
)
