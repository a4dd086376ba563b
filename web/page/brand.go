package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Brand is what an operator puts in the place of ours. All of it may be empty.
type Brand struct {
	Name     string // as people read it; the operator's name when empty
	Wordmark []byte // an SVG drawing for a box 40 px high
	Styles   []byte // a style sheet with values only: see OperatorValues
}

// OperatorValues are the values that an operator may set. Shapes of a status, the order of the slip, the signs of the
// time line and the size of what one touches are nobody's to change.
func OperatorValues() []string { return slices.Concat(operatorColours, operatorSizes) }

var (
	operatorColours = strings.Fields("brand brand-hover on-brand brand-tint slip on-slip on-slip-2 mark on-mark chart-1 chart-2 chart-3")
	operatorSizes   = strings.Fields("r-1 r-2 r-3")
)

// ownValues is an operator's style sheet, read.
type ownValues struct {
	colours palette
	sizes   map[string]string
}

var (
	styleComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	styleFrame   = regexp.MustCompile(`(?s)^\s*@layer\s+operator\s*\{\s*:root\s*\{(.*)\}\s*\}\s*$`)
	styleSize    = regexp.MustCompile(`^(0|\d{1,2}(\.\d{1,3})?(px|rem))$`)
)

// readOperatorStyles reads a style sheet of one layer with values, and nothing but what it understands.
func readOperatorStyles(text string) (ownValues, error) {
	own := ownValues{palette{}, map[string]string{}}
	m := styleFrame.FindStringSubmatch(styleComment.ReplaceAllString(text, " "))
	if m == nil {
		return own, errors.New("brand styles: write @layer operator { :root { --brand: …; } } and nothing else")
	}
	var wrong []error
	for line := range strings.SplitSeq(m[1], ";") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.TrimPrefix(strings.TrimSpace(name), "--"), strings.TrimSpace(value)
		switch {
		case slices.Contains(operatorColours, name):
			c, err := readPair(value)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("brand styles: --%s: %w", name, err))
			}
			own.colours[name] = c
		case slices.Contains(operatorSizes, name) && styleSize.MatchString(value):
			own.sizes[name] = value
		case slices.Contains(operatorSizes, name):
			wrong = append(wrong, fmt.Errorf("brand styles: --%s: a size is 0, 8px or 0.5rem", name))
		default:
			wrong = append(wrong, fmt.Errorf("brand styles: %.40q is not a value that an operator sets; those are --%s", name,
				strings.Join(OperatorValues(), " --")))
		}
	}
	return own, errors.Join(wrong...)
}

// sheet writes the values again, so that nothing is sent which was not understood.
func (o ownValues) sheet() string {
	var b strings.Builder
	b.WriteString("@layer operator {\n  :root {\n")
	for _, name := range slices.Sorted(maps.Keys(o.colours)) {
		fmt.Fprintf(&b, "    --%s: light-dark(%s, %s);\n", name, o.colours[name].light, o.colours[name].dark)
	}
	for _, name := range slices.Sorted(maps.Keys(o.sizes)) {
		fmt.Fprintf(&b, "    --%s: %s;\n", name, o.sizes[name])
	}
	b.WriteString("  }\n  @media print { :root { --slip: #fff; --on-slip: #000; --on-slip-2: #333; } }\n}\n") // as without a brand: on white paper
	return b.String()
}

// mostDrawing is how large a wordmark may be, in bytes.
const mostDrawing = 32 << 10

// drawn are the elements that a wordmark is made of.
var drawn = strings.Fields(`svg g defs path rect circle ellipse line polyline polygon title desc linearGradient radialGradient stop
	clipPath mask symbol use style`)

// checkDrawing holds that a wordmark is a drawing: no script, nothing that it loads, nothing foreign inside.
func checkDrawing(svg []byte) error {
	if len(svg) > mostDrawing {
		return fmt.Errorf("brand wordmark: larger than %d bytes", mostDrawing)
	}
	d := xml.NewDecoder(bytes.NewReader(svg))
	for depth, elements := 0, 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && elements > 0 && depth == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("brand wordmark: not an SVG: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return errors.New("brand wordmark: it has a document type or entities")
		case xml.CharData:
			if bytes.Contains(bytes.ToLower(t), []byte("url(")) || bytes.Contains(t, []byte("@")) && bytes.Contains(t, []byte("import")) {
				return errors.New("brand wordmark: its style loads something")
			}
		case xml.EndElement:
			depth--
		case xml.StartElement:
			depth++
			elements++
			if elements == 1 && t.Name.Local != "svg" {
				return errors.New("brand wordmark: not an SVG")
			}
			if err := checkElement(t); err != nil {
				return err
			}
		}
	}
}

func checkElement(e xml.StartElement) error {
	if !slices.Contains(drawn, e.Name.Local) {
		return fmt.Errorf("brand wordmark: <%s> is no part of a drawing", e.Name.Local)
	}
	for _, a := range e.Attr {
		name, value := strings.ToLower(a.Name.Local), strings.ToLower(strings.TrimSpace(a.Value))
		loads := strings.Contains(value, "url(") && !strings.HasPrefix(value, "url(#")
		if strings.HasPrefix(name, "on") || name == "href" && !strings.HasPrefix(value, "#") || loads || strings.Contains(value, "javascript:") {
			return fmt.Errorf("brand wordmark: the attribute %s of <%s> does more than draw", a.Name.Local, e.Name.Local)
		}
	}
	return nil
}
