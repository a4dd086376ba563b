package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"achteraf/internal/fault"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What both engines can say, mapped once. Test with errors.Is.
var (
	ErrNone       = errors.New("no row")
	ErrUnique     = errors.New("a row with this key exists")
	ErrForeignKey = errors.New("a row that this one names does not exist")
	ErrCheck      = errors.New("a value breaks a rule of its table")
	ErrConflict   = errors.New("another transaction was first")
	ErrFull       = errors.New("no space left on the database's disk")
	ErrStorage    = errors.New("the database cannot read or write its storage")
	ErrLost       = errors.New("the connection to the database was lost")
	ErrUnknown    = errors.New("the outcome of the commit is not known")
	ErrBusy       = errors.New("too many requests are waiting")
)

// mapped joins an engine's error with the platform's name for it.
func mapped(err error) error {
	if err == nil {
		return nil
	}
	if kind := classify(err); kind != nil {
		return fmt.Errorf("%w: %w", kind, err)
	}
	return err
}

func classify(err error) error {
	for _, known := range []error{ErrNone, ErrUnique, ErrForeignKey, ErrCheck, ErrConflict, ErrFull, ErrStorage, ErrLost, ErrUnknown, ErrBusy} {
		if errors.Is(err, known) {
			return nil
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNone
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyPostgres(pe.Code)
	}
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		return classifySQLite(se.Code())
	}
	if _, ok := errors.AsType[net.Error](err); ok && !errors.Is(err, context.DeadlineExceeded) {
		return ErrLost
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) {
		return ErrLost
	}
	return nil
}

func classifyPostgres(code string) error {
	switch {
	case code == pgerrcode.UniqueViolation:
		return ErrUnique
	case code == pgerrcode.ForeignKeyViolation:
		return ErrForeignKey
	case code == pgerrcode.CheckViolation || code == pgerrcode.NotNullViolation:
		return ErrCheck
	case code == pgerrcode.SerializationFailure || code == pgerrcode.DeadlockDetected:
		return ErrConflict
	case code == pgerrcode.DiskFull:
		return ErrFull
	case code == pgerrcode.AdminShutdown || code == pgerrcode.CrashShutdown || code == pgerrcode.CannotConnectNow || pgerrcode.IsConnectionException(code):
		return ErrLost
	case pgerrcode.IsSystemError(code):
		return ErrStorage
	}
	return nil
}

func classifySQLite(code int) error {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return ErrUnique
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return ErrForeignKey
	}
	switch code & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH:
		return ErrCheck
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrConflict
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return ErrStorage
	}
	return nil
}

// Fault turns what the engine said into what a caller may see: a fault passes as it is, a lack of
// storage, connection or room becomes Unavailable "storage", "outcome-unknown" or "busy", the rest Internal.
func Fault(err error) error {
	switch {
	case err == nil:
		return nil
	case fault.As(err) != nil:
		return err
	case errors.Is(err, ErrUnknown):
		return fault.Wrap(err, fault.Unavailable, "outcome-unknown", "We do not know whether this was done. Send it again with the same key: it is done once at most.")
	case errors.Is(err, ErrBusy):
		return fault.Wrap(err, fault.Unavailable, "busy", "Too many requests are waiting. Try again shortly.")
	case errors.Is(err, ErrFull), errors.Is(err, ErrStorage), errors.Is(err, ErrLost), errors.Is(err, ErrConflict):
		return fault.Wrap(err, fault.Unavailable, "storage", "Our storage does not answer as it should. Nothing was done; try again shortly.")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fault.Wrap(err, fault.Unavailable, "timeout", "This took too long. Send it again with the same key.")
	}
	return err
}

// One says that exactly one row was changed: n rows and err are what Exec returned. Otherwise it is a
// Conflict with the given code.
func One(n int64, err error, code, detail string, args ...any) error {
	if err != nil {
		return err
	}
	if n != 1 {
		return fault.Clash(code, detail, args...)
	}
	return nil
}
