package older_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"achteraf/internal/golden"
	"achteraf/web/older"
)

// TestClients plays what each known plug-in sends, in its order and with its quirks, and holds every answer to the
// byte. The messages were written from the wire's specification. A uuid is {uuid} in an answer.
func TestClients(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, client := range glob(t, "testdata/*") {
			if filepath.Base(client) == "json" || filepath.Base(client) == "fuzz" { // see TestJSONClients
				continue
			}
			t.Run(filepath.Base(client), func(t *testing.T) {
				w.t = t
				ignores := filepath.Base(client) == "woocommerce-1.1" // its tests are refused otherwise
				w.set(func(s *older.Settings) { s.IgnoreBackdoorZero = ignores })
				for _, request := range glob(t, client+"/*.http") {
					raw, err := os.ReadFile(request)
					w.must(err)
					got := w.send(string(raw))
					got = uuids.ReplaceAllString(got, "<UUID>{uuid}</UUID>")
					golden.Check(t, strings.TrimSuffix(request, ".http")+".answer", signed.ReplaceAllString(got, "<URL>{url}</URL>"))
				}
			})
		}
	})
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	return names
}
