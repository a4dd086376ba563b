package achteraf

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

var requirementInName = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(S_[A-Z0-9]+_\d\d|IDEA_\d\d|COMPLAINT_\d\d)(?:[^0-9]|$)`)

// requirements holds docs/requirements.md to the list of ids, to the tests that exist, and to the tests that
// name an id: such a test stands in the row of that id.
func requirements(t *tree) []string {
	const page, list = "docs/requirements.md", "docs/requirements-ids.txt"
	if t.texts[page] == "" && t.texts[list] == "" {
		return nil
	}
	var breaches []string
	want := strings.Fields(t.texts[list])
	exist, named := proofs(t)
	var ids []string
	for _, row := range cells(t.texts[page], "## All of them") {
		if len(row) != 3 || slices.Contains(row, "") {
			breaches = append(breaches, fmt.Sprintf("%s: %q wants id, what and proof", page, row[0]))
			continue
		}
		id, proof := row[0], row[2]
		ids = append(ids, id)
		var listed []string
		if proof != "not yet" {
			listed = strings.FieldsFunc(proof, func(r rune) bool { return r == ',' || r == ' ' })
		}
		for _, test := range listed {
			if !exist[test] {
				breaches = append(breaches, fmt.Sprintf("%s: %s names %q, which is no test", page, id, test))
			}
		}
		for _, test := range named[id] {
			if !slices.Contains(listed, test) {
				breaches = append(breaches, fmt.Sprintf("%s: %s leaves out %q", page, id, test))
			}
		}
		delete(named, id)
	}
	if !slices.Equal(ids, want) {
		breaches = append(breaches, fmt.Sprintf("%s: %s", page, firstDifference(ids, want)))
	}
	for id, tests := range named {
		breaches = append(breaches, fmt.Sprintf("%s: %s names %s, which is no requirement", page, tests[0], id))
	}
	slices.Sort(breaches)
	return breaches
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%s is missing at the end", want[i])
		case i >= len(want):
			return fmt.Sprintf("%s is one too many", got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("row %d is %s, wants %s", i+1, got[i], want[i])
		}
	}
	return ""
}

// proofs returns every test and story of the repository, and those that name a requirement, by its id.
// A test names one in its own name or in a text inside it, such as the name of a case; a story in its
// file's name or its text.
func proofs(t *tree) (exist map[string]bool, named map[string][]string) {
	exist, named = map[string]bool{}, map[string][]string{}
	note := func(test, text string) {
		for text != "" {
			at := requirementInName.FindStringSubmatchIndex(text)
			if at == nil {
				return
			}
			id := strings.ReplaceAll(strings.ToUpper(text[at[2]:at[3]]), "_", "-")
			if !slices.Contains(named[id], test) {
				named[id] = append(named[id], test)
			}
			text = text[at[3]:]
		}
	}
	for _, s := range t.code {
		if !s.test {
			continue
		}
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !testName.MatchString(f.Name.Name) {
				continue
			}
			name := s.dir + "." + f.Name.Name
			if s.dir == "." {
				name = module + "." + f.Name.Name
			}
			exist[name] = true
			note(name, strings.TrimPrefix(f.Name.Name, "Test"))
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && s.dir != "." {
					note(name, unquote(lit.Value))
				}
				return true
			})
		}
	}
	for name, text := range t.texts {
		if strings.HasPrefix(name, "stories/") && strings.HasSuffix(name, ".txtar") {
			exist[name] = true
			note(name, strings.TrimPrefix(name, "stories/")+"\n"+text)
		}
	}
	return exist, named
}

var testName = regexp.MustCompile(`^(Test|Fuzz|Example)([A-Z_0-9]|$)`)
