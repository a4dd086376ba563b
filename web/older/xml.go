package older

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Limits of a message.
const (
	mostBytes = 1 << 20
	mostDepth = 24 // elements inside one another
	mostNodes = 20_000
)

var errUnreadable = errors.New("this is no message of this wire")

// node is an element of a message: its name in capitals without underscores, its text, its children.
type node struct {
	name string
	text []byte
	kids []*node
}

// parse reads a message as its senders write it: any encoding, bare ampersands, names in any case. It resolves no
// entity but those of HTML, and refuses a document type, which could define others.
func parse(body []byte) (*node, error) {
	body = legible(utf8Of(body))
	if len(body) == 0 {
		return nil, errUnreadable
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // utf8Of has seen to it
	root := &node{}
	open := []*node{root}
	for nodes := 0; ; {
		t, err := d.RawToken()
		if err == io.EOF && len(open) == 1 && len(root.kids) == 1 {
			return root.kids[0].message()
		}
		if err != nil {
			return nil, errUnreadable
		}
		at := open[len(open)-1]
		switch t := t.(type) {
		case xml.Directive:
			return nil, errUnreadable
		case xml.StartElement:
			if nodes++; len(open) > mostDepth || nodes > mostNodes {
				return nil, errUnreadable
			}
			kid := &node{name: nameOf(t.Name.Local)}
			at.kids = append(at.kids, kid)
			open = append(open, kid)
		case xml.EndElement:
			if len(open) == 1 || at.name != nameOf(t.Name.Local) {
				return nil, errUnreadable
			}
			if open = open[:len(open)-1]; len(open) == 1 {
				return at.message()
			}
		case xml.CharData:
			at.text = append(at.text, t...)
		}
	}
}

// message returns the root of a message.
func (n *node) message() (*node, error) {
	if n.name != "API" {
		return nil, errUnreadable
	}
	return n, nil
}

// nameOf is a name as it is compared: clients write ITEM_QUANTITY, DELIVERY_STREET and workflownumber.
func nameOf(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "_", "")) }

// get is the first value that is given under one of these names; "" when none is.
func (n *node) get(names ...string) string {
	for _, name := range names {
		for _, k := range n.kids {
			if k.name != name {
				continue
			}
			if v := strings.TrimSpace(once(string(k.text))); v != "" {
				return v
			}
		}
	}
	return ""
}

// line is get as one line of at most 200 characters.
func (n *node) line(names ...string) string { return clean(n.get(names...), longest) }

// longest is how long a name, street or town may be in the stages.
const longest = 200

// all returns the repeated items of the containers of a name, whatever an item is called and however often
// containers stand inside one another.
func (n *node) all(name string) []*node {
	var out []*node
	for _, k := range n.kids {
		if k.name == name {
			out = append(out, k.items()...)
		}
	}
	return out
}

func (n *node) items() []*node {
	full := map[string]bool{} // names of elements with elements in them
	for _, k := range n.kids {
		if len(k.kids) > 0 {
			full[k.name] = true
		}
	}
	if len(full) == 0 {
		return n.flat()
	}
	var out []*node
	for _, k := range n.kids {
		switch {
		case !full[k.name]: // a value that stands beside the items
		case k.wraps():
			out = append(out, k.items()...)
		default:
			out = append(out, k)
		}
	}
	return out
}

// flat returns the items of a container that has only values: the container is the item, or where one name comes
// again and again, each value is.
func (n *node) flat() []*node {
	names, values := map[string]bool{}, 0
	var out []*node
	for _, k := range n.kids {
		names[k.name] = true
		if len(bytes.TrimSpace(k.text)) > 0 {
			values++
		}
		out = append(out, &node{name: k.name, kids: []*node{k}})
	}
	switch {
	case values == 0:
		return n.kids
	case len(names) > 1 || values < len(n.kids):
		return []*node{n}
	}
	return out
}

// wraps says whether all that stands in n are items themselves.
func (n *node) wraps() bool {
	for _, k := range n.kids {
		if len(k.kids) == 0 {
			return false
		}
	}
	return len(n.kids) > 0
}

// answer is a message being written.
type answer struct{ b []byte }

const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func newAnswer(result string) *answer {
	a := &answer{b: make([]byte, 0, 512)}
	a.b = append(a.b, head...)
	return a.open("API").put("RESULT", result)
}

func (a *answer) open(name string) *answer {
	a.b = append(append(append(a.b, '<'), name...), '>')
	return a
}

func (a *answer) close(name string) *answer {
	a.b = append(append(append(a.b, '<', '/'), name...), '>')
	return a
}

// put writes an element with a text.
func (a *answer) put(name, text string) *answer {
	a.open(name)
	for _, r := range text {
		switch {
		case r == '&':
			a.b = append(a.b, "&amp;"...)
		case r == '<':
			a.b = append(a.b, "&lt;"...)
		case r == '>':
			a.b = append(a.b, "&gt;"...)
		case r < ' ' || r == 0xFFFE || r == 0xFFFF:
			a.b = append(a.b, ' ')
		default:
			a.b = append(a.b, string(r)...)
		}
	}
	return a.close(name)
}

// done ends the answer.
func (a *answer) done() []byte { return a.close("API").b }
