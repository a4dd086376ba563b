package design

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"achteraf/merchants"
	"achteraf/web/page"
)

func catalogueOf(t *testing.T) string {
	t.Helper()
	look, err := page.New(page.Config{Operator: merchants.Operator{Name: "Huis", LegalName: "Huis Voorbeeld B.V.", Country: "NL"}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	Routes(mux, look)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/design", nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func TestCatalogue(t *testing.T) {
	body := catalogueOf(t)
	if len(body) > 60_000 {
		t.Errorf("%d bytes", len(body))
	}
	for _, bad := range []string{"<script>", "<style", " style=", "about:invalid"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if seen[m[1]] {
			t.Errorf("the id %q is there twice", m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:href="#|for="|aria-labelledby=")([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if !seen[m[1]] {
			t.Errorf("something leads to %q, which is not there", m[1])
		}
	}
}

// TestNothingIsLeftOut: every component of the look stands in the catalogue, and every icon.
func TestNothingIsLeftOut(t *testing.T) {
	ours, err := os.ReadFile("design.templ")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("design.go")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := []string{"BackTo", "Split"} // the frame of a page, of which this is one
	for _, name := range []string{"answer", "form", "data"} {
		parts, err := os.ReadFile("../page/" + name + ".templ")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^templ ([A-Z]\w*)\(`).FindAllSubmatch(parts, -1) {
			part := string(m[1])
			if strings.Contains(string(ours)+string(example), "page."+part+"(") || slices.Contains(elsewhere, part) {
				continue
			}
			if part == "Ruler" || part == "Button" { // inside a slip, inside buttons
				continue
			}
			t.Errorf("the component %s is not in the catalogue", part)
		}
	}
	sprite, err := os.ReadFile("../page/assets/icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`id="(i-[a-z]+)"`).FindAllSubmatch(sprite, -1) {
		if !slices.Contains(icons, string(m[1])) {
			t.Errorf("the icon %s is not in the catalogue", m[1])
		}
	}
}
