package achteraf

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

// packageComments wants one comment for each package that says what it owns and what it does not.
func packageComments(t *tree) []string {
	docs := map[string][]string{} // the comments of a folder's package
	names := map[string]string{}
	for _, s := range t.shipped() {
		names[s.dir] = s.ast.Name.Name
		if s.ast.Doc != nil {
			docs[s.dir] = append(docs[s.dir], s.ast.Doc.Text())
		}
	}
	var breaches []string
	for dir, name := range names {
		if len(docs[dir]) != 1 {
			breaches = append(breaches, fmt.Sprintf("%s: has %d package comments, wants one", dir, len(docs[dir])))
			continue
		}
		start := "Package " + name + " "
		if name == "main" {
			start = "Command "
		}
		doc := strings.Join(strings.Fields(docs[dir][0]), " ")
		if !strings.HasPrefix(doc, start) {
			breaches = append(breaches, fmt.Sprintf("%s: the package comment does not start with %q", dir, start))
		}
		if name == "main" {
			continue
		}
		if !strings.Contains(doc, " owns ") || !disowns.MatchString(doc) {
			breaches = append(breaches, fmt.Sprintf("%s: the package comment does not say what it owns and does not own", dir))
		}
	}
	slices.Sort(breaches)
	return breaches
}

// disowns finds where a package comment says what is not its business.
var disowns = regexp.MustCompile(` (not own|owns no|knows no) `)

// readsClock are the functions of time that ask the machine what time it is.
var readsClock = strings.Fields("Now Since Until")

// waits are the functions of time that let real time pass.
var waits = strings.Fields("Sleep After AfterFunc Tick NewTicker NewTimer")

// waiting are the packages that may let real time pass, each with its reason. None may ask what time it is.
var waiting = map[string]string{
	"internal/db":   "waits before it tries a transaction again, and before it asks again how a commit ended",
	"internal/jobs": "waits between two looks at the due rows",
}

// clock keeps real time out of everything but cmd: time is passed in.
func clock(t *tree) []string {
	return stray(t, waiting, "clock", func(from, name string) (string, bool) {
		switch {
		case from != "time":
			return "", false
		case slices.Contains(readsClock, name):
			return "asks the machine for the time; take it from Tx.Now or an injected clock", false
		case slices.Contains(waits, name):
			return "lets real time pass", true
		}
		return "", false
	})
}

// chances are the packages that may draw from the machine's randomness, each with its reason.
var chances = map[string]string{}

// seeded are the names of math/rand that need a source, so they are not global.
var seeded = strings.Fields("New NewSource NewZipf NewPCG NewChaCha8 Rand Source Source64 Zipf PCG ChaCha8")

// chance keeps global randomness out of everything but cmd: a world must replay from its seed.
func chance(t *tree) []string {
	return stray(t, chances, "chance", func(from, name string) (string, bool) {
		switch from {
		case "math/rand", "math/rand/v2":
			if !slices.Contains(seeded, name) {
				return "draws from the global generator; pass a seeded one in", false
			}
		case "crypto/rand":
			return "draws from the machine; pass a reader in", true
		case "github.com/google/uuid":
			if strings.HasPrefix(name, "New") {
				return "draws from the machine; use an id made in the transaction", false
			}
		}
		return "", false
	})
}

// stray finds names of packages that only cmd may use. judge returns what is wrong with a name, and whether
// a package with a reason may use it all the same.
func stray(t *tree, reasons map[string]string, rule string, judge func(from, name string) (wrong string, excusable bool)) []string {
	var breaches []string
	dirs := map[string]bool{}
	used := map[string]bool{}
	for _, s := range t.shipped() {
		dirs[s.dir] = true
		if under(s.dir, "cmd") {
			continue
		}
		imported := s.imported()
		if from := imported["."]; from != "" {
			breaches = append(breaches, fmt.Sprintf("%s: imports %s with a dot, which hides where names come from", s.path, from))
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			x, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, name := selected(x, imported)
			wrong, excusable := judge(from, name)
			switch {
			case wrong == "":
			case excusable && reasons[s.dir] != "":
				used[s.dir] = true
			default:
				breaches = append(breaches, fmt.Sprintf("%s: %s.%s %s", t.at(x.Pos()), from, name, wrong))
			}
			return true
		})
	}
	for dir := range reasons {
		if dirs[dir] && !used[dir] {
			breaches = append(breaches, fmt.Sprintf("rules_test.go: %s needs no exception to the rule %q any more", dir, rule))
		}
	}
	slices.Sort(breaches)
	return breaches
}

// In a story stop ends it early, and well.
var storySkip = regexp.MustCompile(`(?m)^\s*(\[[^]]*\]\s*)?(skip|stop)\b`)

// skips finds tests that excuse themselves: a test that cannot run here must fail and say what it needs.
func skips(t *tree) []string {
	var breaches []string
	for _, s := range t.code {
		if !s.test {
			continue
		}
		imported := s.imported()
		ast.Inspect(s.ast, func(n ast.Node) bool {
			x, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, name := selected(x, imported)
			short := from == "testing" && name == "Short"
			if short || from == "" && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, x.Sel.Name) {
				breaches = append(breaches, fmt.Sprintf("%s: skips a test", t.at(x.Pos())))
			}
			return true
		})
	}
	for name, text := range t.texts {
		if strings.HasSuffix(name, ".txtar") && storySkip.MatchString(text) {
			breaches = append(breaches, fmt.Sprintf("%s: skips a story", name))
		}
	}
	slices.Sort(breaches)
	return breaches
}

// The two words are put together here so that the rule does not find itself.
var openNote = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)

// notes finds work that somebody left for later; later is an issue.
func notes(t *tree) []string {
	return grep(t, openNote, "leaves work in a note; open an issue")
}

// places are folders of one person's machine and hosts of one network's package mirrors.
var machinePlace = regexp.MustCompile(`(^|[\s"'=(:,` + "`" + `])/(root|home|Users|work|tmp/plan)/\w` +
	`|GO` + `PROXY=|GONO` + `SUMDB=|--index-` + `url|artifac` + `tory|/nex` + `us/`)

// places finds paths and hosts that exist only on the machine of the writer.
func places(t *tree) []string {
	return grep(t, machinePlace, "names a place that exists only on one machine")
}

func grep(t *tree, pattern *regexp.Regexp, wrong string) []string {
	var breaches []string
	for name, text := range t.texts {
		number := 0
		for line := range strings.Lines(text) {
			number++
			if pattern.MatchString(line) {
				breaches = append(breaches, fmt.Sprintf("%s:%d: %s", name, number, wrong))
			}
		}
	}
	slices.Sort(breaches)
	return breaches
}
