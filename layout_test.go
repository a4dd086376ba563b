package achteraf

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// timeline is the architecture: a package may import the ones before it, never the ones after it.
var timeline = strings.Fields(`money calendar verify ledger merchants buyers access checkout risk orders
	deliveries invoices payments dunning disputes support payouts messages webhooks reports providers web platform market cmd`)

// plumbing lists the stages that internal packages may build on: values without behaviour of a business.
var plumbing = []string{"money", "calendar"}

// exceptions are the imports that the timeline forbids and we allow, "importer imported", each with its reason.
var exceptions = map[string]string{}

// deep are the folders whose packages stand one level lower.
var deep = []string{"web", "internal", "providers", "cmd"}

// vague names say nothing about what a package owns; a helper lives with its user.
var vague = strings.Fields("util utils common helper helpers model models type types service services misc shared base core")

// imports holds every package to the timeline. Tests may import anything.
func imports(t *tree) []string {
	var breaches []string
	dirs := map[string]bool{}
	used := map[string]bool{}
	for _, s := range t.shipped() {
		dirs[s.dir] = true
		for _, spec := range s.ast.Imports {
			target, ours := strings.CutPrefix(unquote(spec.Path.Value), module+"/")
			if target == "testing" || ours && forTests(target) {
				breaches = append(breaches, fmt.Sprintf("%s: imports %s, which is for tests", t.at(spec.Pos()), target))
				continue
			}
			if !ours || mayImport(s.dir, target) {
				continue
			}
			edge := s.dir + " " + target
			if exceptions[edge] != "" {
				used[edge] = true
				continue
			}
			breaches = append(breaches, fmt.Sprintf("%s: %s may not import %s", t.at(spec.Pos()), s.dir, target))
		}
	}
	for dir := range dirs {
		breaches = append(breaches, badFolder(dir)...)
	}
	for edge := range exceptions {
		if from, _, _ := strings.Cut(edge, " "); dirs[from] && !used[edge] {
			breaches = append(breaches, fmt.Sprintf("layout_test.go: exception %q is not needed any more", edge))
		}
	}
	slices.Sort(breaches)
	return breaches
}

func mayImport(from, to string) bool {
	a, b := top(from), top(to)
	switch {
	case a == b:
		return true
	case a == "internal":
		return slices.Contains(plumbing, b)
	case b == "internal":
		return true
	case b == "cmd", a == ".", a == "migrations":
		return false
	case b == "migrations":
		return a == "platform" || a == "cmd"
	}
	i, j := slices.Index(timeline, a), slices.Index(timeline, b)
	return i >= 0 && j >= 0 && j < i
}

// badFolder checks the place and the name of a package: one level deep, two in web, internal, providers and cmd.
func badFolder(dir string) []string {
	if dir == "." || dir == "migrations" {
		return nil
	}
	var breaches []string
	depth := strings.Count(dir, "/") + 1
	most := 1
	if slices.Contains(deep, top(dir)) {
		most = 2
	}
	if depth > most {
		breaches = append(breaches, fmt.Sprintf("%s: is %d levels deep, %d at most", dir, depth, most))
	}
	if top(dir) != "internal" && !slices.Contains(timeline, top(dir)) {
		breaches = append(breaches, fmt.Sprintf("%s: is no stage of the timeline", dir))
	}
	if slices.Contains(vague, path.Base(dir)) {
		breaches = append(breaches, fmt.Sprintf("%s: the name does not say what it owns", dir))
	}
	return breaches
}

func top(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}
