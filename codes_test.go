package achteraf

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// faultDir holds the one error type. Its Error and Field carry codes; whatever hands a code to them does too.
const faultDir = "internal/fault"

// status is what web/api answers for each kind of fault.
var status = map[string]string{
	"Internal": "500", "Malformed": "400", "Invalid": "422", "Denied": "401", "Forbidden": "403", "NotFound": "404",
	"Conflict": "409", "Limited": "429", "Unavailable": "503", "TooLarge": "413",
}

// problems compares the codes in the code with docs/problems.md, both ways, and the documented status with
// the kind of each fault. A code is a literal or a constant wherever it is made, so that it can be found.
func problems(t *tree) []string {
	const page = "docs/problems.md"
	found := findCodes(t)
	if len(found.problems) == 0 && len(found.fields) == 0 && t.texts[page] == "" && !t.has(faultDir) {
		return nil
	}
	breaches := slices.Clone(found.breaches)
	documented := map[string]string{}
	for _, row := range cells(t.texts[page], "## Problems") {
		if len(row) != 4 || slices.Contains(row, "") {
			breaches = append(breaches, fmt.Sprintf("%s: row %q wants code, status, meaning and remedy", page, row[0]))
			continue
		}
		if documented[row[0]] != "" {
			breaches = append(breaches, fmt.Sprintf("%s: %q is listed twice", page, row[0]))
		}
		documented[row[0]] = row[1]
		if len(found.problems[row[0]]) == 0 {
			breaches = append(breaches, fmt.Sprintf("%s: no code makes %q", page, row[0]))
		}
	}
	for code, uses := range found.problems {
		for _, u := range uses {
			switch want := status[u.kind]; {
			case documented[code] == "":
				breaches = append(breaches, fmt.Sprintf("%s: %q is not in %s", u.where, code, page))
			case want != "" && want != documented[code]:
				breaches = append(breaches, fmt.Sprintf("%s: %q is %s here and %s in %s", u.where, code, want, documented[code], page))
			}
		}
	}
	breaches = append(breaches, compareFields(t, found.fields)...)
	slices.Sort(breaches)
	return breaches
}

// compareFields does the same for the codes of single fields, which have no status of their own.
func compareFields(t *tree, fields map[string][]use) []string {
	const page = "docs/problems.md"
	var breaches []string
	documented := map[string]bool{}
	for _, row := range cells(t.texts[page], "## Fields") {
		documented[row[0]] = true
		if len(row) != 2 || slices.Contains(row, "") {
			breaches = append(breaches, fmt.Sprintf("%s: field code %q wants a meaning", page, row[0]))
		}
		if len(fields[row[0]]) == 0 {
			breaches = append(breaches, fmt.Sprintf("%s: no code makes the field code %q", page, row[0]))
		}
	}
	for code, uses := range fields {
		if !documented[code] {
			breaches = append(breaches, fmt.Sprintf("%s: field code %q is not in %s", uses[0].where, code, page))
		}
	}
	return breaches
}

// use is one place that makes a fault.
type use struct {
	where string
	kind  string // "Conflict"; empty when it is not known before run time
}

type codes struct {
	problems, fields map[string][]use
	breaches         []string
}

// carrier is a function that hands one of its parameters to a fault as the code.
type carrier struct {
	dir, name string // a method's name has a dot before it: ".fail"
	recv      string // the method's type
	code      int    // place of the parameter
	field     bool   // the code of a field, not of the whole problem
	kind      string // the kind it always makes, or empty
	kindAt    int    // place of the parameter that says the kind, or -1
}

// findCodes follows every code from where it is written to the fault that carries it: through composite
// literals, and through functions that pass a parameter on, however many there are in between.
func findCodes(t *tree) codes {
	s := scan{tree: t, consts: constants(t), methods: map[string]int{}, imports: map[string]map[string]bool{}, known: map[carrier]bool{}}
	for _, file := range t.shipped() {
		if s.imports[file.dir] == nil {
			s.imports[file.dir] = map[string]bool{}
		}
		for _, target := range file.imported() {
			s.imports[file.dir][strings.TrimPrefix(target, module+"/")] = true
		}
		for _, d := range file.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				s.methods[file.dir+"."+f.Name.Name]++
			}
		}
	}
	for before := -1; before != len(s.known); {
		before = len(s.known)
		s.found = codes{problems: map[string][]use{}, fields: map[string][]use{}}
		for _, file := range t.shipped() {
			s.file(file)
		}
	}
	return s.found
}

type scan struct {
	tree    *tree
	consts  map[string]string          // "orders.codeState" by folder and name
	methods map[string]int             // how many types of a folder have a method of this name
	imports map[string]map[string]bool // folders that a folder imports
	known   map[carrier]bool
	found   codes

	source   source // the file and function being read
	imported map[string]string
	function *ast.FuncDecl
}

func (s *scan) file(f source) {
	s.source, s.imported = f, f.imported()
	for _, d := range f.ast.Decls {
		s.function, _ = d.(*ast.FuncDecl)
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				s.literal(n)
			case *ast.CallExpr:
				s.call(n)
			}
			return true
		})
	}
}

// literal reads fault.Error{Kind: …, Code: …} and fault.Field{Code: …}, also inside a slice that names the type.
func (s *scan) literal(lit *ast.CompositeLit) {
	if list, ok := lit.Type.(*ast.ArrayType); ok {
		for _, e := range lit.Elts {
			if inner, ok := e.(*ast.CompositeLit); ok && inner.Type == nil {
				inner = &ast.CompositeLit{Type: list.Elt, Elts: inner.Elts, Lbrace: inner.Lbrace}
				s.literal(inner)
			}
		}
		return
	}
	dir, name := s.named(lit.Type)
	if dir != faultDir || name != "Error" && name != "Field" {
		return
	}
	var code, kind ast.Expr
	for i, e := range lit.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		switch {
		case !ok && i == 1:
			code = e
		case !ok && i == 0:
			kind = e
		case ok && pair.Key.(*ast.Ident).Name == "Code":
			code = pair.Value
		case ok && pair.Key.(*ast.Ident).Name == "Kind":
			kind = pair.Value
		}
	}
	if code != nil {
		s.take(code, name == "Field", s.kindOf(kind))
	}
}

// call reads a call of a function that carries a code.
func (s *scan) call(call *ast.CallExpr) {
	dir, name := s.named(call.Fun)
	for c := range maps.Clone(s.known) {
		if c.name != name || c.code >= len(call.Args) || dir != "" && c.dir != dir || dir == "" && !s.sees(c.dir) {
			continue
		}
		if c.recv != "" && !s.calls(c, call) {
			continue
		}
		kind := kindOf{name: c.kind, param: -1}
		if c.kindAt >= 0 {
			kind = s.kindOf(call.Args[c.kindAt])
		}
		s.take(call.Args[c.code], c.field, kind)
	}
}

// calls says whether a call of a method is one of the carrier's type. Where the type of what it is called on
// is not plain to see, other types with a method of that name make it doubtful; then a literal decides.
func (s *scan) calls(c carrier, call *ast.CallExpr) bool {
	on, ok := call.Fun.(*ast.SelectorExpr).X.(*ast.Ident)
	if ok && c.dir == s.source.dir && s.function != nil && s.function.Recv != nil {
		if names := s.function.Recv.List[0].Names; len(names) == 1 && on.Obj != nil && on.Obj == names[0].Obj {
			return c.recv == receiver(s.function)
		}
	}
	_, literal := s.text(call.Args[c.code])
	return literal || s.methods[c.dir+c.name] == 1
}

// receiver returns the name of a method's type, or nothing for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return "?"
		}
	}
}

// take notes a code, or, when the code is a parameter of the function around it, that this function carries it.
func (s *scan) take(code ast.Expr, field bool, kind kindOf) {
	if at := s.param(code); at >= 0 {
		name, recv := s.function.Name.Name, receiver(s.function)
		if recv != "" {
			name = "." + name
		}
		s.known[carrier{s.source.dir, name, recv, at, field, kind.name, kind.param}] = true
		return
	}
	text, ok := s.text(code)
	if !ok {
		s.found.breaches = append(s.found.breaches, fmt.Sprintf("%s: the code of a fault is not a literal", s.tree.at(code.Pos())))
		return
	}
	into := s.found.problems
	if field {
		into = s.found.fields
	}
	into[text] = append(into[text], use{s.tree.at(code.Pos()), kind.name})
}

// kindOf is a kind by name, or the parameter that will say it.
type kindOf struct {
	name  string
	param int
}

func (s *scan) kindOf(x ast.Expr) kindOf {
	if at := s.param(x); at >= 0 {
		return kindOf{"", at}
	}
	if dir, name := s.named(x); dir == faultDir && status[name] != "" {
		return kindOf{name, -1}
	}
	return kindOf{"", -1}
}

// named returns the folder and the name that x refers to; a method has a dot before its name and no folder.
func (s *scan) named(x ast.Expr) (dir, name string) {
	switch x := x.(type) {
	case *ast.IndexExpr: // a generic function with its type
		return s.named(x.X)
	case *ast.Ident:
		return s.source.dir, x.Name
	case *ast.SelectorExpr:
		from, name := selected(x, s.imported)
		if from == "" {
			return "", "." + x.Sel.Name
		}
		if len(from) > len(module) && from[:len(module)+1] == module+"/" {
			return from[len(module)+1:], name
		}
		return from, name
	}
	return "", ""
}

// sees says whether the file can call a method of a package: its own, or one that its package imports, since
// a type of the package may embed one of that other.
func (s *scan) sees(dir string) bool { return dir == s.source.dir || s.imports[s.source.dir][dir] }

// param returns the place of x among the parameters of the function around it, or -1.
func (s *scan) param(x ast.Expr) int {
	id, ok := x.(*ast.Ident)
	if !ok || s.function == nil || id.Obj == nil {
		return -1
	}
	at := 0
	for _, group := range s.function.Type.Params.List {
		for _, name := range group.Names {
			if name.Obj == id.Obj {
				return at
			}
			at++
		}
	}
	return -1
}

// text returns the value of a literal or of a constant of the repository.
func (s *scan) text(x ast.Expr) (string, bool) {
	if lit, ok := x.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		return unquote(lit.Value), true
	}
	dir, name := s.named(x)
	text, ok := s.consts[dir+"."+name]
	return text, ok
}

// constants returns every string constant by folder and name.
func constants(t *tree) map[string]string {
	all := map[string]string{}
	for _, s := range t.shipped() {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				return true
			}
			for _, spec := range decl.Specs {
				value := spec.(*ast.ValueSpec)
				for i, name := range value.Names {
					if i >= len(value.Values) {
						continue
					}
					if lit, ok := value.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
						all[s.dir+"."+name.Name] = unquote(lit.Value)
					}
				}
			}
			return true
		})
	}
	return all
}
