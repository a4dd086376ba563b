package beside_test

import (
	"io"
	"strings"
	"testing"

	"achteraf/internal/beside"
)

// TestRun: what fails beside fails where its result is asked for, each time.
func TestRun(t *testing.T) {
	if n, err := beside.Run(func() (int, error) { return 7, nil })(); n != 7 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	broken := beside.Run(func() (int, error) { return 0, io.EOF })
	for range 2 {
		if _, err := broken(); err != io.EOF {
			t.Errorf("got %v", err)
		}
	}
	if _, err := beside.Run(func() (int, error) { panic("boom") })(); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}
}

// TestRunIsBeside: the caller goes on while the work waits for it.
func TestRunIsBeside(t *testing.T) {
	gate := make(chan string)
	got := beside.Run(func() (string, error) { return <-gate, nil })
	gate <- "on"
	if s, err := got(); s != "on" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
}
