// Package beside does work on another core while a transaction goes on.
//
// It owns how such work is begun, waited for and caught when it panics. It does not own the work: what is opened,
// written and sealed there, which needs no database, so that SQLite's one writer is not kept by it and PostgreSQL does
// not wait. See docs/adr/0025.
package beside

import (
	"fmt"
	"runtime/debug"
)

// Run begins f, and returns what waits for its result. f uses no transaction and reads nothing that its caller changes.
// A panic in it becomes an error. Where nobody asks for the result, f ends by itself.
func Run[T any](f func() (T, error)) (result func() (T, error)) {
	var out T
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		out, err = f()
	}()
	return func() (T, error) {
		<-done
		return out, err
	}
}
