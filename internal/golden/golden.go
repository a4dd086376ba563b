// Package golden compares what the code makes with a file that a person reads: generated documentation,
// letters, statements.
//
// It owns the comparison and the flag -update, which rewrites the file. It does not own any content.
package golden

import (
	"flag"
	"os"
	"strconv"
	"strings"
)

// T is what Check needs of a test.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// Check fails t unless the file holds exactly text. With -update it writes the file instead.
func Check(t T, path, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatalf("write %s: %v", path, err)
		}
		return
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read %s (run the test with -update to make it): %v", path, err)
	}
	if string(old) != text {
		t.Errorf("%s is not what the code makes; first difference: %s. Run the test with -update.", path, difference(string(old), text))
	}
}

// difference shows the first line that differs.
func difference(old, text string) string {
	a, b := strings.Split(old, "\n"), strings.Split(text, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "line " + strconv.Itoa(i+1) + ": " + a[i] + " / " + b[i]
		}
	}
	return "one is longer than the other"
}
