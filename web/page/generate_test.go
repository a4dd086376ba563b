package page

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"testing"

	"github.com/a-h/templ/generator"
	parser "github.com/a-h/templ/parser/v2"
)

// TestGenerated: the Go of every template is what its generator makes of it (see CONTRIBUTING.md).
func TestGenerated(t *testing.T) {
	t.Chdir("../..") // the names in the files are those from the root
	files, err := filepath.Glob("web/*/*.templ")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		template, err := parser.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		var made bytes.Buffer
		if _, err := generator.Generate(template, &made, generator.WithFileName(filepath.ToSlash(name))); err != nil {
			t.Fatal(err)
		}
		want, err := format.Source(made.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name[:len(name)-len(".templ")] + "_templ.go")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s was changed and not generated again", name)
		}
	}
}
