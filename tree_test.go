package achteraf

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "achteraf"

// tree is the repository as its rules see it: every Go file parsed, every text as it is.
type tree struct {
	set   *token.FileSet
	code  []source
	texts map[string]string // by path: "docs/problems.md"
}

// source is one Go file.
type source struct {
	path string // "ledger/post.go"
	dir  string // "ledger"; "." for the root
	test bool   // a test, or a package for tests only, such as dbtest
	ast  *ast.File
}

// rule is one law of the repository. It returns every breach as "where: what".
type rule struct {
	name  string
	check func(*tree) []string
}

var rules = []rule{
	{"imports", imports},
	{"package comments", packageComments},
	{"clock", clock},
	{"chance", chance},
	{"skips", skips},
	{"notes", notes},
	{"places", places},
	{"problems", problems},
	{"tables", tables},
	{"sealed columns", sealedColumns},
	{"requirements", requirements},
}

func TestRules(t *testing.T) {
	repository := here(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, breach := range r.check(repository) {
				t.Error(breach)
			}
		})
	}
}

func here(t *testing.T) *tree {
	t.Helper()
	found, err := readTree(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// readTree reads all text below fsys but the version control's own and what the build leaves behind.
func readTree(fsys fs.FS) (*tree, error) {
	t := &tree{set: token.NewFileSet(), texts: map[string]string{}}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		return t.add(fsys, name)
	})
	return t, err
}

func (t *tree) add(fsys fs.FS, name string) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	if bytes.IndexByte(data, 0) >= 0 { // not a text
		return nil
	}
	t.texts[name] = string(data)
	if !strings.HasSuffix(name, ".go") || strings.Contains(name, "testdata/") {
		return nil
	}
	file, err := parser.ParseFile(t.set, name, data, parser.ParseComments)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	t.code = append(t.code, source{name, dir, strings.HasSuffix(name, "_test.go") || forTests(dir), file})
	return nil
}

// forTests says whether a package serves tests only, by its name.
func forTests(dir string) bool { return strings.HasSuffix(path.Base(dir), "test") }

// shipped returns the files that are no tests.
func (t *tree) shipped() []source {
	return slices.DeleteFunc(slices.Clone(t.code), func(s source) bool { return s.test })
}

// at names a place for a person: "ledger/post.go:12".
func (t *tree) at(p token.Pos) string {
	where := t.set.Position(p)
	return fmt.Sprintf("%s:%d", where.Filename, where.Line)
}

// has says whether a folder has any text in it.
func (t *tree) has(dir string) bool {
	for name := range t.texts {
		if strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// imported returns the file's imports by the name that the file gives them: "rand" to "crypto/rand".
func (s source) imported() map[string]string {
	names := map[string]string{}
	for _, spec := range s.ast.Imports {
		target := unquote(spec.Path.Value)
		name := path.Base(target)
		if version, err := strconv.Atoi(strings.TrimPrefix(name, "v")); err == nil && version > 1 && strings.HasPrefix(name, "v") {
			name = path.Base(path.Dir(target))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = target
	}
	return names
}

// selected returns the import path and the name if x is a name of an imported package, such as time.Now.
func selected(x ast.Expr, imported map[string]string) (from, name string) {
	sel, ok := x.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok || pkg.Obj != nil { // a variable that hides the package
		return "", ""
	}
	if imported[pkg.Name] == "" {
		return "", ""
	}
	return imported[pkg.Name], sel.Sel.Name
}

func unquote(literal string) string {
	text, err := strconv.Unquote(literal)
	if err != nil {
		return literal
	}
	return text
}

// under says whether dir is root or inside it.
func under(dir, root string) bool {
	return dir == root || strings.HasPrefix(dir, root+"/")
}

// cells returns the rows of the table below a heading of a Markdown text, without its head, backticks removed.
func cells(text, heading string) [][]string {
	_, text, found := strings.Cut("\n"+text, "\n"+heading+"\n")
	if !found {
		return nil
	}
	var rows [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			break
		}
		if !strings.HasPrefix(line, "|") {
			continue
		}
		row := strings.Split(strings.Trim(line, "|"), "|")
		for i, cell := range row {
			row[i] = strings.TrimSpace(strings.ReplaceAll(cell, "`", ""))
		}
		rows = append(rows, row)
	}
	if len(rows) < 2 {
		return nil
	}
	return rows[2:] // the head and the line below it
}
