package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"

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
	ErrText       = errors.New("a text is not UTF-8 or holds a NUL")
	ErrReadOnly   = errors.New("a read may change nothing")
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
	for _, known := range []error{ErrNone, ErrUnique, ErrForeignKey, ErrCheck, ErrText, ErrReadOnly, ErrConflict, ErrFull, ErrStorage, ErrLost, ErrUnknown, ErrBusy} {
		if errors.Is(err, known) {
			return nil
		}
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNone
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyPostgres(pe.Code)
	}
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		return classifySQLite(se.Code())
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return ErrLost
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) {
		return ErrLost
	}
	return nil
}

func classifyPostgres(code string) error {
	switch code {
	case pgerrcode.UniqueViolation:
		return ErrUnique
	case pgerrcode.ForeignKeyViolation:
		return ErrForeignKey
	case pgerrcode.CheckViolation, pgerrcode.NotNullViolation, pgerrcode.InvalidTextRepresentation,
		pgerrcode.NumericValueOutOfRange, pgerrcode.InvalidDatetimeFormat, pgerrcode.DatetimeFieldOverflow:
		return ErrCheck
	case pgerrcode.CharacterNotInRepertoire, pgerrcode.UntranslatableCharacter:
		return ErrText
	case pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected:
		return ErrConflict
	case pgerrcode.QueryCanceled, pgerrcode.LockNotAvailable, pgerrcode.IdleInTransactionSessionTimeout:
		return context.DeadlineExceeded
	case pgerrcode.DiskFull:
		return ErrFull
	case pgerrcode.AdminShutdown, pgerrcode.CrashShutdown, pgerrcode.CannotConnectNow, pgerrcode.TooManyConnections,
		pgerrcode.ReadOnlySQLTransaction: // a server that has become a stand-by
		return ErrLost
	}
	switch {
	case pgerrcode.IsConnectionException(code):
		return ErrLost
	case pgerrcode.IsSystemError(code), pgerrcode.IsInsufficientResources(code), pgerrcode.IsInternalError(code):
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
	case sqlite3.SQLITE_INTERRUPT:
		return context.DeadlineExceeded
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM:
		return ErrStorage
	}
	return nil
}

// isReadOnly says that the database refused a write as such.
func isReadOnly(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == pgerrcode.ReadOnlySQLTransaction
	}
	se, ok := errors.AsType[*sqlite.Error](err)
	return ok && se.Code() == sqlite3.SQLITE_READONLY
}

// unwritten says that SQLite could not write a frame of a commit to its log: what is there has no valid end.
func unwritten(err error) bool {
	se, ok := errors.AsType[*sqlite.Error](err)
	return ok && (se.Code() == sqlite3.SQLITE_IOERR_WRITE || se.Code()&0xff == sqlite3.SQLITE_FULL)
}

// noTable says that a statement named a table that does not exist.
func noTable(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == pgerrcode.UndefinedTable
	}
	se, ok := errors.AsType[*sqlite.Error](err)
	return ok && se.Code() == sqlite3.SQLITE_ERROR && strings.Contains(se.Error(), "no such table")
}

// panicked turns a panic into an error, so that one request cannot end the process.
func panicked(r any) error {
	return &fault.Error{Kind: fault.Internal, Code: "internal", Detail: "Something went wrong on our side.",
		Err: fmt.Errorf("panic: %v\n%s", r, debug.Stack())}
}

// guarded calls f, turns a panic into an error, and looks at how f left the transaction.
func guarded(tx *Tx, f func(*Tx) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked(r)
		}
		if e := tx.left(); err == nil {
			err = e
		}
	}()
	return f(tx)
}

// Fault turns what the engine said into what a caller may see: a fault passes as it is, a lack of
// storage, connection, room or time becomes Unavailable "storage", "outcome-unknown", "busy" or "timeout", a
// text that cannot be stored Invalid "text". The rest passes too, and is an internal error to who shows it.
func Fault(err error) error {
	switch {
	case err == nil:
		return nil
	case fault.As(err) != nil:
		return err
	case errors.Is(err, ErrUnknown):
		return fault.Wrap(err, fault.Unavailable, "outcome-unknown", "We do not know whether this was done. Send it again with the same key: it is done once at most.")
	case errors.Is(err, ErrText):
		return fault.Wrap(err, fault.Invalid, "text", "A text holds characters that cannot be stored.")
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
